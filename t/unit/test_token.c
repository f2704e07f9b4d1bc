/* Form tokens, references, outcomes, seeds: ours are taken, everybody else's and everything forged,
 * expired or cut is not. */
#include "tap.h"
#include "base/str.h"
#include "base/token.h"

#include <apr_general.h>
#include <apr_strings.h>

#define NOW apr_time_from_sec(1772700000)

static apr_pool_t *pool;
static const oc_secret_t secret = {{"key-number-one", ""}, {14, 0}};
static const oc_secret_t rotated = {{"a-newer-key", "key-number-one"}, {11, 14}};
static const oc_secret_t forgotten = {{"the-newest-key", "a-newer-key"}, {14, 11}};
static const oc_token_scope_t ana = {&secret, "ana", "corp", "ana"};

static const char *checked(const oc_token_scope_t *scope, const char *token, apr_time_t now)
{
    oc_result_t res;
    oc_result_init(&res, pool);
    return oc_token_form_check(scope, token, now, &res) ? oc_reason_token(res.reason) : "good";
}

static oc_token_scope_t with(const oc_secret_t *key, const char *user, const char *backend,
                             const char *mailbox)
{
    oc_token_scope_t scope = {key, user, backend, mailbox};
    return scope;
}

/* The text with one character replaced by another of the alphabet. */
static const char *bent(const char *text, size_t at)
{
    char *copy = apr_pstrdup(pool, text);
    copy[at] = copy[at] == 'A' ? 'B' : 'A';
    return copy;
}

static void test_form(void)
{
    const char *token = oc_token_form(pool, &ana, NOW), *dot = strchr(token, '.');
    const apr_time_t last = NOW + apr_time_from_sec(OC_TOKEN_FORM_SECONDS);
    oc_token_scope_t other;
    int bad = 0;

    is_str(checked(&ana, token, NOW), "good", "a fresh one");
    is_str(checked(&ana, token, last), "good", "in its last second");
    is_str(checked(&ana, token, last + apr_time_from_sec(1)), "form-token-expired",
           "a second later");
    is_str(checked(&ana, NULL, NOW), "form-token-invalid", "none");
    is_str(checked(&ana, "", NOW), "form-token-invalid", "an empty one");
    is_str(checked(&ana, ".", NOW), "form-token-invalid", "a dot");
    is_str(checked(&ana, apr_pstrcat(pool, "9999999999", dot, NULL), NOW), "form-token-invalid",
           "a later expiry under the same signature");
    is_str(checked(&ana, apr_pstrcat(pool, "0", token, NULL), NOW), "form-token-invalid",
           "the same number, written otherwise");
    is_str(checked(&ana, apr_pstrcat(pool, token, "A", NULL), NOW), "form-token-invalid",
           "with something behind it");
    for (size_t i = 0; token[i]; i++) {
        bad += strcmp(checked(&ana, bent(token, i), NOW), "form-token-invalid") != 0;
        bad +=
            strcmp(checked(&ana, apr_pstrmemdup(pool, token, i), NOW), "form-token-invalid") != 0;
    }
    is_int(bad, 0, "any character changed, or cut anywhere: invalid, never \"expired\"");

    other = with(&secret, "bob", "corp", "ana");
    is_str(checked(&other, token, NOW), "form-token-invalid", "somebody else's");
    other = with(&secret, "ana", "branch", "ana");
    is_str(checked(&other, token, NOW), "form-token-invalid", "of another backend");
    other = with(&secret, "anaco", "rp", "ana");
    is_str(checked(&other, token, NOW), "form-token-invalid", "names that read the same in a row");
    other = with(&rotated, "ana", "corp", "ana");
    is_str(checked(&other, token, NOW), "good", "signed by the key before the last rotation");
    other = with(&forgotten, "ana", "corp", "ana");
    is_str(checked(&other, token, NOW), "form-token-invalid", "by the one before that");
    is_str(checked(&ana, oc_token_form(pool, &other, NOW), NOW), "form-token-invalid",
           "by a key not known here yet");
}

static const char *opened(const oc_token_scope_t *scope, const char *ref)
{
    const char *item = NULL, *uid = NULL;
    oc_result_t res;
    oc_result_init(&res, pool);
    return oc_token_ref_open(pool, scope, ref, &item, &uid, &res)
               ? oc_reason_token(res.reason)
               : apr_pstrcat(pool, item, "|", uid, NULL);
}

static void test_ref(void)
{
    const char *item = "Napt\xc3\xa1r/{1}.EML", *uid = "0400-ab";
    const char *ref = oc_token_ref(pool, &ana, item, uid), *dot = strchr(ref, '.');
    const char *long_item = apr_pstrcat(pool, apr_psprintf(pool, "%0900d", 0), ".EML", NULL);
    oc_token_scope_t other;
    int bad = 0;

    is_str(opened(&ana, ref), apr_pstrcat(pool, item, "|", uid, NULL), "item and uid come back");
    is_str(opened(&ana, oc_token_ref(pool, &ana, item, NULL)), apr_pstrcat(pool, item, "|", NULL),
           "without uid, too");
    is_str(opened(&ana, oc_token_ref(pool, &ana, long_item, uid)),
           apr_pstrcat(pool, long_item, "|", uid, NULL), "a long name");
    ok(strspn(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
           strlen(ref), "it needs no encoding in a URL");
    ok(strcmp(oc_token_ref(pool, &ana, "a", "bc"), oc_token_ref(pool, &ana, "ab", "c")) != 0,
       "item and uid are kept apart");
    for (size_t i = 0; ref[i]; i++) {
        bad += strcmp(opened(&ana, bent(ref, i)), "booking-not-found") != 0;
        bad += strcmp(opened(&ana, apr_pstrmemdup(pool, ref, i)), "booking-not-found") != 0;
    }
    is_int(bad, 0, "any character changed, or cut anywhere: not found");
    is_str(opened(&ana, apr_pstrcat(pool, "YQBiAGM", dot, NULL)), "booking-not-found",
           "more than two texts inside");
    is_str(opened(&ana, apr_pstrcat(pool, "YWJj", dot, NULL)), "booking-not-found", "only one");
    is_str(opened(&ana, apr_psprintf(pool, "%02500d.x", 0)), "booking-not-found", "endless");
    is_str(opened(&ana, ""), "booking-not-found", "nothing");

    other = with(&secret, "ana", "corp", "boss");
    is_str(opened(&other, ref), "booking-not-found", "in another mailbox");
    other = with(&secret, "ana", "branch", "ana");
    is_str(opened(&other, ref), "booking-not-found", "at another backend");
    other = with(&secret, "secretary", "corp", "ana");
    is_str(opened(&other, ref), "booking-not-found", "by somebody else with the same mailbox");
    other = with(&secret, "anacorp", "", "ana");
    is_str(opened(&other, ref), "booking-not-found", "by names that read the same in a row");
    other = with(&rotated, "ana", "corp", "ana");
    is_str(opened(&other, ref), apr_pstrcat(pool, item, "|", uid, NULL), "after a rotation");
    other = with(&forgotten, "ana", "corp", "ana");
    is_str(opened(&other, ref), "booking-not-found", "after two");
}

static void test_outcome(void)
{
    const char *text = "Booked <b>B\xc3\xa9la</b>", *note = oc_token_outcome(pool, &ana, text, NOW);
    const apr_time_t last = NOW + apr_time_from_sec(OC_TOKEN_OUTCOME_SECONDS);
    oc_token_scope_t bob = with(&secret, "bob", "corp", "ana");
    int bad = 0;

    is_str(oc_token_outcome_open(pool, &ana, note, NOW), text, "the sentence comes back");
    is_str(oc_token_outcome_open(pool, &ana, note, last), text, "in its last second");
    is_str(oc_token_outcome_open(pool, &ana, note, last + apr_time_from_sec(1)), NULL, "not later");
    is_str(oc_token_outcome_open(pool, &bob, note, NOW), NULL, "nobody else is shown it");
    is_str(oc_token_outcome_open(pool, &ana, oc_token_form(pool, &ana, NOW), NOW), NULL,
           "a form token is no outcome");
    is_str(checked(&ana, strchr(note, '.') + 1, NOW), "form-token-invalid",
           "and an outcome's stamp is no form token");
    for (size_t i = 0; note[i]; i++) {
        bad += oc_token_outcome_open(pool, &ana, bent(note, i), NOW) != NULL;
        bad += oc_token_outcome_open(pool, &ana, apr_pstrmemdup(pool, note, i), NOW) != NULL;
    }
    is_int(bad, 0, "any character changed, or cut anywhere: nothing is shown");
    is_str(oc_token_outcome_open(pool, &ana, "", NOW), NULL, "nothing");
}

static const char *seed(const oc_token_scope_t *scope, const char *key)
{
    unsigned char out[32];
    return oc_token_seed(scope, key, out) ? "failed" : oc_str_hex(pool, out, 32);
}

static void test_seed(void)
{
    oc_token_scope_t boss = with(&secret, "ana", "corp", "boss");
    oc_token_scope_t secretary = with(&secret, "secretary", "corp", "ana");

    is_str(seed(&ana, "k"), seed(&ana, "k"), "one key, one seed");
    ok(strcmp(seed(&ana, "k"), seed(&ana, "l")) != 0, "another key, another seed");
    ok(strcmp(seed(&ana, "k"), seed(&boss, "k")) != 0, "another mailbox, too");
    ok(strcmp(seed(&ana, "k"), seed(&secretary, "k")) != 0,
       "another person with the same mailbox, too: his outcome is not hers to see");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_form();
    test_ref();
    test_outcome();
    test_seed();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
