/* result, reason, crypto, memo, call, clock, log: the small files of base. */
#include <pthread.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "base/call.h"
#include "base/crypto.h"
#include "base/job.h"
#include "base/str.h"
#include "tap.h"

static void test_result(apr_pool_t *p)
{
    oc_result_t res, copy;

    oc_result_init(&res, p);
    oc_result_wrap(&res, "nothing");
    ok(!res.step, "%s", "wrapping success leaves no step");
    ok(oc_result_fail(&res, OC_REASON_LOCKED, "item %d", 7) != APR_SUCCESS, "%s",
       "a failure is a failure");
    oc_result_fail(&res, OC_REASON_INTERNAL, "later");
    oc_result_wrap(&res, "send");
    oc_result_wrap(&res, "update");
    is_int(res.reason, OC_REASON_LOCKED, "the first failure stands");
    is_str(res.detail, "item 7; then: later", "a later one is kept in the detail");
    is_str(res.step, "update > send", "steps read outermost first");
    oc_result_copy(&copy, &res, p);
    oc_result_clear(&res);
    is_int(res.reason, OC_REASON_OK, "cleared");
    is_str(copy.step, "update > send", "the copy is its own");
    oc_result_field(&res, OC_REASON_OK, "start", "bad");
    is_int(res.reason, OC_REASON_INVALID_INPUT, "a field's failure is invalid input by default");
    is_int(oc_reason_http(OC_REASON_PASSWORD_REFUSED), 403, "a refused password is 403");
    is_int(oc_reason_http(OC_REASON_TOKEN_REFUSED), 502, "a refused token is 502");
    is_str(oc_reason_token((oc_reason_t)9999), "internal", "an unknown reason reads as internal");
}

/* What people are told of their input, apart from its values. */
static void test_said(apr_pool_t *p)
{
    apr_pool_t *own;
    oc_result_t res, copy;

    apr_pool_create(&own, p);
    oc_result_init(&res, own);
    oc_result_field(&res, OC_REASON_OK, "start",
                    "%04d, %s, %" APR_SIZE_T_FMT " and %" APR_INT64_T_FMT " %u 100%%", 7, "a%d{1}",
                    (apr_size_t)8, (apr_int64_t)-9, 10u);
    is_str(res.detail, "0007, a%d{1}, 8 and -9 10 100%", "the detail");
    is_str(res.said, "{1}, {2}, {3} and {4} {5} 100%", "and what is said, with numbers for values");
    is_int(res.said_count, 5, "so many");
    oc_result_fail(&res, OC_REASON_INVALID_INPUT, "later %d", 1);
    oc_result_copy(&copy, &res, p);
    apr_pool_destroy(own);
    is_str(copy.said, "{1}, {2}, {3} and {4} {5} 100%", "the first stands, the copy is its own");
    is_str(copy.values[0], "0007", "as the format wants it");
    is_str(copy.values[1], "a%d{1}", "a value is not looked into");
    is_str(copy.values[3], "-9", "a long one");

    oc_result_init(&res, p);
    oc_result_fail(&res, OC_REASON_INTERNAL, "%d", 1);
    ok(!res.said, "nothing of what is for the log only");
    oc_result_init(&res, p);
    oc_result_fail(&res, OC_REASON_INVALID_INPUT, "%.1f", 1.5);
    ok(!res.said && strcmp(res.detail, "1.5") == 0, "nothing of a conversion that is not known");
    oc_result_init(&res, p);
    oc_result_fail(&res, OC_REASON_INVALID_INPUT, "%d%d%d%d%d%d%d%d%d", 1, 2, 3, 4, 5, 6, 7, 8, 9);
    ok(!res.said, "nor of too many");
}

static void test_crypto(apr_pool_t *p)
{
    oc_secret_t one = {{"key-number-one", ""}, {14, 0}};
    oc_secret_t rotated = {{"a-newer-key", "key-number-one"}, {11, 14}};
    const char *abc[] = {"ab", "c"}, *a_bc[] = {"a", "bc"}, *null[] = {"ab", NULL},
               *empty[] = {"ab", ""};
    const char *mac = oc_crypto_sign(p, &one, 16, abc, 2);

    /* Computed by another implementation from the bytes 00..02 "ab" 00..01 "c". */
    is_str(mac, "RsOSNmavhf5t9TZv33o17w", "framed HMAC-SHA-256, cut to 16 bytes");
    ok(strlen(mac) == 22, "%s", "16 bytes print as 22 characters");
    ok(oc_crypto_verify(&one, mac, 16, abc, 2), "%s", "verifies");
    ok(oc_crypto_verify(&rotated, mac, 16, abc, 2), "%s", "verifies under the second key");
    ok(!oc_crypto_verify(&one, mac, 16, a_bc, 2), "%s", "the frames keep strings apart");
    ok(strcmp(oc_crypto_sign(p, &one, 16, null, 2), oc_crypto_sign(p, &one, 16, empty, 2)) != 0,
       "%s", "NULL is not the empty string");
    ok(!oc_crypto_verify(&one, apr_pstrmemdup(p, mac, 21), 16, abc, 2), "%s",
       "a cut MAC is refused");
    ok(!oc_crypto_verify(&one, "", 16, abc, 2), "%s", "an empty MAC is refused");
}

static void test_memo(apr_pool_t *parent)
{
    apr_pool_t *p;
    oc_memo_t *m;
    int i;

    apr_pool_create(&p, parent);
    m = oc_memo_create(p, 3);
    oc_memo_put(m, "alice", "folders", "alice", "A", apr_time_from_sec(60));
    oc_memo_put(m, "bob", "folders", "alice", "B", apr_time_from_sec(60));
    is_str(oc_memo_get(m, p, "alice", "folders", "alice"), "A", "found");
    is_str(oc_memo_get(m, p, "bob", "folders", "alice"), "B", "another identity has its own");
    ok(!oc_memo_get(m, p, "alicefolders", "", "alice"), "%s", "keys are framed");
    oc_memo_put(m, "alice", "folders", "x", "X", apr_time_from_sec(60));
    oc_memo_put(m, "alice", "folders", "y", "Y", apr_time_from_sec(60));
    ok(!oc_memo_get(m, p, "alice", "folders", "alice"), "%s", "the longest unused gave way");
    oc_memo_forget(m, "alice", "folders", NULL);
    ok(!oc_memo_get(m, p, "alice", "folders", "y"), "%s", "all of a kind forgotten");
    is_str(oc_memo_get(m, p, "bob", "folders", "alice"), "B", "but not another's");
    oc_clock_advance(apr_time_from_sec(61));
    ok(!oc_memo_get(m, p, "bob", "folders", "alice"), "%s", "forgotten after its time");
    for (i = 0; i < 1000; ++i) {
        oc_memo_put(m, "c", "k", apr_itoa(p, i), "v", apr_time_from_sec(60));
    }
    is_str(oc_memo_get(m, p, "c", "k", "999"), "v", "the newest of many is there");
    ok(!oc_memo_get(m, p, "c", "k", "0"), "%s", "the oldest of many is not");
    ok(!oc_memo_get(NULL, p, "c", "k", "0"), "%s", "no memo knows nothing");
    apr_pool_destroy(p);
}

static char logged[3000];
static void sink(void *baton, const char *file, int line, int level, apr_status_t status,
                 const char *text)
{
    (void)baton, (void)file, (void)line, (void)level, (void)status;
    apr_cpystrn(logged, text, sizeof(logged));
}

static void test_log(void)
{
    oc_log(OC_LOG_ERR, 0, "x", "nobody listens");
    oc_log_install(sink, NULL, NULL);
    oc_log(OC_LOG_ERR, 0, "7f3a",
           "OWACAL"
           "9999: "
           "subject is %s",
           "a\nOWACAL0001: forged");
    is_str(logged, "OWACAL9999: [op 7f3a] subject is a?OWACAL0001: forged",
           "id, op id, no line of its own");
    oc_log_install(NULL, NULL, NULL);
}

static int woken;
static void wake(oc_job_t *job)
{
    (void)job;
    ++woken;
}

static void test_call(void)
{
    oc_call_t *a = oc_call_create("alice", "alice", "basic:alice"),
              *b = oc_call_create(NULL, NULL, NULL);
    oc_job_t outer = {.wake = wake}, inner = {.outer = &outer}, lone = {0};
    oc_exchange_t *x = oc_exchange_create(a->pool, NULL, "GET", "/", "look");

    is_int(strlen(a->id), 16, "an op id has 16 digits");
    ok(strcmp(a->id, b->id) != 0, "%s", "and is its own");
    oc_job_wake(&inner);
    oc_job_wake(&lone);
    is_int(woken, 1, "waking an inner job wakes the outermost one");
    x->sent = x->writes = 1;
    x->outcome = OC_X_LOST;
    ok(oc_exchange_unknown(x), "%s", "a lost write is unknown");
    oc_exchange_rewind(x);
    ok(!oc_exchange_unknown(x) && x->attempt == 1 && x->writes, "%s",
       "rewound, the request is kept");
    oc_call_destroy(a);
    apr_pool_destroy(b->pool);
}

#define MANY 100 /* more than are kept */

/* Each call writes into all the memory it is given: two that shared any would notice. */
static void *use_calls(void *spoilt)
{
    oc_call_t *calls[MANY];
    int i, round;

    for (round = 0; round < 20; ++round) {
        for (i = 0; i < MANY; ++i) {
            calls[i] = oc_call_create("alice", "alice", NULL);
            calls[i]->identity = memset(apr_palloc(calls[i]->pool, 5000), i + 1, 5000);
        }
        for (i = 0; i < MANY; ++i) {
            if (calls[i]->identity[0] != i + 1 || calls[i]->identity[4999] != i + 1) {
                *(int *)spoilt = 1;
            }
            oc_call_destroy(calls[i]);
        }
    }
    return NULL;
}

static void test_call_memory(void)
{
    oc_call_t *call = oc_call_create("alice", NULL, NULL);
    apr_allocator_t *kept = apr_pool_allocator_get(call->pool);
    int spoilt[4] = {0}, i;
    pthread_t threads[4];

    oc_call_destroy(call);
    call = oc_call_create("bob", NULL, NULL);
    ok(apr_pool_allocator_get(call->pool) == kept, "%s", "a call's memory serves the next one");
    is_str(call->user, "bob", "which finds nothing of the first in it");
    ok(!call->mailbox && call->result.reason == OC_REASON_OK && !call->memo, "%s", "at all");
    oc_call_destroy(call);
    for (i = 0; i < 4; ++i) {
        pthread_create(&threads[i], NULL, use_calls, &spoilt[i]);
    }
    for (i = 0; i < 4; ++i) {
        pthread_join(threads[i], NULL);
    }
    ok(!spoilt[0] && !spoilt[1] && !spoilt[2] && !spoilt[3], "%s",
       "calls of several threads, beyond what is kept, have memory of their own");
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    test_result(p);
    test_said(p);
    test_crypto(p);
    test_memo(p);
    test_log();
    test_call();
    test_call_memory();
    return done_testing();
}
