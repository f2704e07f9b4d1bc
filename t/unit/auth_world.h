/*
 * auth_world.h - jobs, a signer and a pretended server for the tests of lib/auth: no sockets, no
 * time but what the test lets pass. The world works jobs as base/job.h demands of their owner.
 */
#ifndef AUTH_WORLD_H
#define AUTH_WORLD_H

#include "auth/identity.h"

#define WORLD_JOBS 64
#define WORLD_WISHES 16
#define WORLD_BODY 65536

/* What an inner job wants to send, and what it was told of the reply. */
typedef struct wish_t {
    const char *method, *path;
    int writes;
    int after; /* 1: only when the one before has ended */
    const char *destination; /* a header; NULL = none */
    /* filled: */
    int heads, ends, status, attempt;
    oc_outcome_t outcome;
    char body[WORLD_BODY];
    apr_size_t body_len;
    oc_exchange_t *x;
} wish_t;

typedef struct world_t world_t;

typedef struct person_t { /* one job of one identity */
    oc_job_t inner; /* first */
    world_t *world;
    oc_call_t *call;
    oc_identity_t *id;
    oc_job_t *job; /* the signing one */
    wish_t wish[WORLD_WISHES];
    int wishes, given, ended;
    int cancelled;
    volatile int woken;
    int was_done;
} person_t;

typedef struct sent_t {
    person_t *by;
    oc_exchange_t *x;
    char seen[1024]; /* "PROPFIND /exchange/ana/ [Authorization] [Cookie]", as it was sent */
    char body[4096];
} sent_t;

struct world_t {
    apr_pool_t *pool;
    oc_signer_t *signer;
    oc_secret_t secret;
    oc_site_t site;
    int reused; /* connections count as used before */
    person_t *person[WORLD_JOBS];
    int persons;
    sent_t flight[256]; /* sent, not answered */
    int flights;
    sent_t log[1024];   /* all that was ever sent */
    int sent;
};

world_t *world_create(oc_refusals_t *shared);
void world_destroy(world_t *w);

person_t *world_basic(world_t *w, oc_upstream_t up, const char *user, const char *password);
person_t *world_delegated(world_t *w, const char *ccache, const char *principal);
/* The same for an identity made before. */
person_t *world_person(world_t *w, oc_call_t *call, oc_identity_t *id);
void world_wish(person_t *p, const char *method, const char *path, int writes, int after);

/* Let all jobs go on until none wants to send anything; returns what is in flight then. */
int world_pump(world_t *w);
/* Answer the exchange in flight at `i`: headers as "Name: value\nName: value", may be NULL. Does
 * not pump. status 0: no reply, ends with `outcome`. */
void world_reply(world_t *w, int i, int status, const char *headers, const char *body);
void world_no_reply(world_t *w, int i, oc_outcome_t outcome);
/* All in flight, one after the other, by what this function says, until all jobs are done. */
typedef int world_server_t(world_t *w, const sent_t *s, const char **headers, const char **body);
void world_run(world_t *w, world_server_t *server);
/* Cancel as an owner does: what is in flight ends before. */
void world_cancel(world_t *w, person_t *p, oc_cancel_t why);
int world_all_done(world_t *w);
/* How many of all exchanges sent contain that text in `seen`. */
int world_count(world_t *w, const char *text);

#endif
