/* The verbs that act, one after the other against a server that runs; t/31-owa2003-acts.t starts
 * the simulator and this, and looks into the mailboxes in between.
 *
 *     OWASIM_URL   where it listens      OWASIM_USER  who acts (mailbox and user; password pw-NAME)
 *     OWASIM_ACTS  what to do, of: create invite move people empty cancel remove
 *     OWASIM_SEED  a letter: which meeting
 *
 * For each act one line: "move: ok told=told way=owa changed=yes left=-".
 */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "backend/backend.h"
#include "drive.h"
#include "tap.h"

static apr_pool_t *pool;
static oc_site_t site = {"http", "127.0.0.1", 0, NULL, NULL, 12, NULL};
static oc_backend_conf_t conf = {"ex", "owa2003", &site, "/exchange/", "/public/", NULL,
                                 NULL, 0};
static oc_backend_t *be;
static oc_memo_t *memo;
static const char *user = "alice";
static oc_change_t *change;

static oc_call_t *new_call(void)
{
    oc_call_t *call = oc_call_create(user, user, user);
    call->memo = memo; /* the folders are asked for once */
    return call;
}

static void run(oc_job_t *job)
{
    drive_t *d = drive_create(pool);
    drive_live(d, site.host, site.port, user, apr_pstrcat(pool, "pw-", user, NULL));
    ok(!job || drive_run(d, job) == 0, "it comes to an end");
}

static void add(oc_booking_t *b, const char *address, oc_role_t role)
{
    oc_attendee_t a = {address,
                       NULL,
                       role,
                       role == OC_ROLE_RESOURCE ? OC_CUTYPE_ROOM : OC_CUTYPE_INDIVIDUAL,
                       OC_PARTSTAT_NEEDS_ACTION,
                       NULL, NULL};
    APR_ARRAY_PUSH(b->attendees, oc_attendee_t) = a;
}

static oc_booking_t *meeting(char letter)
{
    oc_booking_t *b = oc_booking_create(pool);
    unsigned char seed[32];
    memset(seed, letter, sizeof(seed));
    b->item = be->vt->item_of(be, pool, seed);
    b->uid = be->vt->uid_of(be, pool, seed);
    b->mark = "mark";
    b->subject = "Budget <review> & \"more\" \xC5\x91";
    b->text = "First line\nsecond & last";
    b->location = "Boardroom's";
    b->zone = "Europe/Budapest";
    b->when.start = apr_time_from_sec(1898845200); /* 2030-03-04T09:00:00Z */
    b->when.end = b->when.start + apr_time_from_sec(3600);
    b->organizer = apr_pstrcat(pool, user, "@example.test", NULL);
    add(b, "bob@example.test", OC_ROLE_REQUIRED);
    add(b, "carol@example.test", OC_ROLE_OPTIONAL);
    add(b, "boardroom@example.test", OC_ROLE_RESOURCE);
    return b;
}

static oc_booking_t *read_it(const oc_booking_t *b)
{
    oc_booking_t *out = NULL;
    oc_call_t *call = new_call();
    run(be->vt->read(be, call, b->item, &out));
    return out;
}

static void act(const char *what, const oc_booking_t *b)
{
    static const char *told[] = {"nobody", "told", "unverified", "not", "unknown"};
    static const char *tri[] = {"no", "yes", "unknown"};
    oc_call_t *call = new_call();
    oc_booking_t *was = NULL, *wanted;
    int existed;

    change = NULL;
    if (!strcmp(what, "create")) {
        run(be->vt->create(be, call, b, &existed, &was));
    } else if (!strcmp(what, "invite")) {
        run(be->vt->invite(be, call, b, &change));
    } else if (!strcmp(what, "remove")) {
        run(be->vt->remove(be, call, b, &change));
    } else if (!(was = read_it(b))) {
        oc_result_fail(&call->result, OC_REASON_BOOKING_NOT_FOUND, "nothing to act on");
    } else if (!strcmp(what, "cancel")) {
        run(be->vt->cancel(be, call, was, "No need", &change));
    } else {
        wanted = oc_booking_copy(pool, was);
        if (!strcmp(what, "move")) {
            wanted->when.start += apr_time_from_sec(7200);
            wanted->when.end += apr_time_from_sec(7200);
            wanted->subject = "Moved";
        } else { /* carol goes, zoltan comes; or everybody goes */
            wanted->attendees->nelts = 0;
            if (!strcmp(what, "people")) {
                add(wanted, "bob@example.test", OC_ROLE_REQUIRED);
                add(wanted, "zoltan@example.test", OC_ROLE_OPTIONAL);
                add(wanted, "boardroom@example.test", OC_ROLE_RESOURCE);
            }
        }
        run(be->vt->update(be, call, was, wanted, &change));
    }
    printf("%s: %s told=%s way=%s changed=%s left=%s\n", what, oc_reason_token(call->result.reason),
           change ? told[change->told] : "-", change && change->way ? change->way : "-",
           change ? tri[change->item_changed] : "-",
           change && change->left_behind ? change->left_behind : "-");
    if (call->result.reason) {
        diag("%s: %s", what, call->result.detail ? call->result.detail : "");
    }
}

int main(void)
{
    const char *url = getenv("OWASIM_URL"), *acts = getenv("OWASIM_ACTS"), *colon, *error;
    const char *letter = getenv("OWASIM_SEED");
    const oc_booking_t *b;
    char *word, *rest;

    if (!url || !acts || (colon = strrchr(url, ':')) == NULL) {
        return skip_all("OWASIM_URL and OWASIM_ACTS name no simulator and no acts");
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    site.port = atoi(colon + 1);
    if (getenv("OWASIM_USER")) {
        user = getenv("OWASIM_USER");
    }
    be = oc_backend_open(pool, &conf, &error);
    memo = oc_memo_create(pool, 16);
    b = meeting(letter ? *letter : 'a');
    for (word = apr_strtok(apr_pstrdup(pool, acts), " ", &rest); word;
         word = apr_strtok(NULL, " ", &rest)) {
        act(word, b);
    }
    apr_terminate();
    return done_testing();
}
