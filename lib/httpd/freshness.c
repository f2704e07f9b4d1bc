/* freshness.c - see freshness.h. */
#include "httpd/freshness.h"
#include "httpd/identify.h"
#include "httpd/people.h"

#define DAY        apr_time_from_sec(86400)
#define MOST_OF_IT \
    8 /* a question about more than this part of the table would push all others out */

/* Made once for a request: its person and credential do not change. */
typedef struct oc_freshness_scopes_t {
    int usable; /* the credential is vouched for */
    oc_fresh_scope_t self;
    oc_fresh_scope_t everyone; /* if the rooms are for everyone */
} oc_freshness_scopes_t;

static const oc_freshness_scopes_t *scopes_of(oc_request_t *q, const oc_identity_t *id)
{
    const oc_backend_conf_t *be = q->backend->conf;
    const char *everyone[] = {"everyone"};
    const char *self[] = {"self", oc_identify_token(q->dir->identity), q->person.user,
                          q->scope.mailbox, NULL};
    oc_freshness_scopes_t *s = q->freshness;

    if (!s) {
        s = q->freshness = apr_pcalloc(q->r->pool, sizeof(*s));
        self[4] = oc_identity_vouch(oc_child_signer(q->child), id, be->site);
        s->usable =
            self[4] && self[3] &&
            oc_fresh_scope(&s->self, q->shared->secret, be, self, 5) == APR_SUCCESS &&
            (q->dir->audience != OC_AUDIENCE_EVERYONE ||
             oc_fresh_scope(&s->everyone, q->shared->secret, be, everyone, 1) == APR_SUCCESS);
        s->self.mailbox = s->everyone.mailbox = q->person.mailbox;
    }
    return s;
}

/* Whose row it is, and whether it matters for it that lists are looked for: a room of ours is
 * none. */
static const oc_fresh_scope_t *scope_for(const oc_request_t *q, const char *address, int *lists)
{
    const oc_freshness_scopes_t *s = q->freshness;
    int everyone = q->dir->audience == OC_AUDIENCE_EVERYONE;
    int room = (everyone || *lists) && oc_room_by_address(q->conf->rooms, address) != NULL;

    *lists = *lists && !room;
    return everyone && room ? &s->everyone : &s->self;
}

/* Some rows, and all of them, may be kept at all. */
static int may_keep(const oc_request_t *q, const oc_freebusy_query_t *query)
{
    apr_time_t stretches = (query->range.end - query->range.start) / DAY + 1;

    return q->dir->freshness > 0 && stretches <= OC_FRESH_STRETCHES &&
           stretches * query->who->nelts <= q->conf->fresh / MOST_OF_IT;
}

void oc_freshness_open(oc_freshness_t *f, oc_request_t *q, oc_call_t *call,
                       const oc_identity_t *id, oc_freebusy_query_t *query)
{
    apr_array_header_t *left = apr_array_make(call->pool, query->who->nelts, sizeof(const char *));

    f->rows = apr_array_make(q->r->pool, query->who->nelts, sizeof(oc_freebusy_t *));
    f->lists = query->members > 0;
    f->keep = may_keep(q, query) && scopes_of(q, id)->usable;
    f->asked = 0;
    f->began = oc_clock_mono();
    for (int i = 0; i < query->who->nelts; ++i) {
        const char *address = APR_ARRAY_IDX(query->who, i, const char *);
        oc_freebusy_t *row = NULL;

        if (f->keep) {
            int lists = f->lists;
            const oc_fresh_scope_t *scope = scope_for(q, address, &lists);

            row = oc_fresh_get(q->shared->fresh, scope, q->r->pool, address, query->range,
                               query->slot, lists, q->dir->freshness, &f->asked);
        }
        APR_ARRAY_PUSH(f->rows, oc_freebusy_t *) = row;
        if (!row) {
            APR_ARRAY_PUSH(left, const char *) = address;
        }
    }
    f->missing = left->nelts;
    if (f->missing) {
        query->who = left;
        query->members = query->members > 0 ? oc_people_lists(q, left) : 0;
        f->asked = f->asked ? f->asked : f->began;
    }
    oc_shared_count_rows(q->shared, f->rows->nelts - f->missing, f->missing);
}

static void keep(const oc_freshness_t *f, oc_request_t *q, const oc_freebusy_t *row)
{
    int lists = f->lists;
    const oc_fresh_scope_t *scope = scope_for(q, row->address, &lists);

    /* A list of this person's own that is called like a room of ours is nothing for others. */
    if (row->members == 0 || scope == &q->freshness->self) {
        oc_fresh_put(q->shared->fresh, scope, row, lists, f->began);
    }
}

void oc_freshness_fill(oc_freshness_t *f, oc_request_t *q, const apr_array_header_t *answered)
{
    apr_array_header_t *all = apr_array_make(q->r->pool, f->rows->nelts, sizeof(oc_freebusy_t *));
    int n = 0;

    for (int i = 0; i < f->rows->nelts; ++i) {
        oc_freebusy_t *row = APR_ARRAY_IDX(f->rows, i, oc_freebusy_t *);

        if (!row && n < answered->nelts) {
            row = APR_ARRAY_IDX(answered, n++, oc_freebusy_t *);
            if (f->keep) {
                keep(f, q, row);
            }
        }
        if (row) {
            APR_ARRAY_PUSH(all, oc_freebusy_t *) = row;
        }
    }
    f->rows = all;
}

apr_time_t oc_freshness_time(const oc_freshness_t *f)
{
    return oc_clock_wall() - (oc_clock_mono() - f->asked);
}

int oc_freshness_run(oc_freshness_t *f, oc_request_t *q, oc_call_t *call, oc_identity_t *id,
                     oc_freebusy_query_t *query)
{
    apr_array_header_t **answered = apr_pcalloc(call->pool, sizeof(*answered));

    oc_freshness_open(f, q, call, id, query);
    if (!f->missing) {
        oc_request_spare(q, call);
        return 1;
    }
    if (!oc_request_run(q, call, id,
                        oc_op_freebusy(call, q->backend, &q->op_conf, query, answered),
                        OC_VERB_FREEBUSY) ||
        q->result.reason != OC_REASON_OK) {
        return 0;
    }
    oc_freshness_fill(f, q, *answered);
    return 1;
}
