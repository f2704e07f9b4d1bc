#include "tap.h"
#include "cal/attendee.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

static void test_addresses(void)
{
    static const struct {
        const char *address;
        int good;
        const char *why;
    } rows[] = {
        {"ana@ex.example", 1, "a plain address"},
        {"ana.b+room@sub.ex.example", 1, "dots and a plus"},
        {"o'brien@ex.example", 1, "an apostrophe"},
        {"alice@localhost", 1, "a domain of one label"},
        {"a@1.2.3.4", 1, "digits in labels"},
        {NULL, 0, "nothing"},
        {"", 0, "the empty string"},
        {"ana", 0, "no @"},
        {"@ex.example", 0, "no local part"},
        {"ana@", 0, "no domain"},
        {"ana@@ex.example", 0, "two @"},
        {"ana@ex@example", 0, "an @ in the domain"},
        {"ana b@ex.example", 0, "a blank"},
        {"ana@ex.example\r\nBcc: eve@x", 0, "a line break"},
        {"ana@ex.example,eve@x", 0, "a comma"},
        {"ana;eve@x", 0, "a semicolon"},
        {"<ana@ex.example>", 0, "angle brackets"},
        {"\"ana\"@ex.example", 0, "quotes"},
        {"\xc3\xa1na@ex.example", 0, "a byte beyond ASCII"},
        {".ana@ex.example", 0, "a dot first"},
        {"ana.@ex.example", 0, "a dot last"},
        {"an..a@ex.example", 0, "two dots"},
        {"ana@-ex.example", 0, "a hyphen first in a label"},
        {"ana@ex-.example", 0, "a hyphen last in a label"},
        {"ana@ex..example", 0, "an empty label"},
        {"ana@ex.example.", 0, "a dot at the end"},
        {"ana@ex/ample", 0, "a slash in the domain"},
    };
    char *longest = apr_palloc(pool, 400);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        is_int(oc_attendee_address_ok(rows[i].address), rows[i].good, "address: %s", rows[i].why);
    }
    memset(longest, 'a', 399);
    longest[399] = '\0';
    longest[64] = '@';
    longest[254] = '\0';
    ok(oc_attendee_address_ok(longest), "254 bytes are allowed");
    longest[254] = 'a';
    longest[255] = '\0';
    ok(!oc_attendee_address_ok(longest), "255 are not");
    ok(oc_attendee_same("Ana@Ex.Example", "ana@ex.example"), "case does not count");
    ok(!oc_attendee_same(NULL, NULL), "nothing is not the same as nothing");
}

static void test_lists(void)
{
    int bad;
    apr_array_header_t *l = oc_attendee_parse_list(
        pool,
        "\"B, Ana\" <ana@x.example>, bo@x.example; Cy <cy@x.example>,, <d@x.example>, junk, "
        "\"q\\\"q\" <e@x.example>",
        OC_ROLE_OPTIONAL, &bad);
    is_int(l->nelts, 5, "five usable rows");
    is_int(bad, 1, "one unusable");
    is_str(APR_ARRAY_IDX(l, 0, oc_attendee_t).name, "B, Ana", "a comma in quotes does not divide");
    is_str(APR_ARRAY_IDX(l, 0, oc_attendee_t).address, "ana@x.example", "its address");
    is_str(APR_ARRAY_IDX(l, 1, oc_attendee_t).address, "bo@x.example", "a bare address");
    is_str(APR_ARRAY_IDX(l, 1, oc_attendee_t).name, NULL, "has no name");
    is_str(APR_ARRAY_IDX(l, 2, oc_attendee_t).name, "Cy", "a semicolon divides, too");
    is_str(APR_ARRAY_IDX(l, 3, oc_attendee_t).address, "d@x.example", "angle brackets alone");
    is_str(APR_ARRAY_IDX(l, 4, oc_attendee_t).name, "q\"q", "an escaped quotation mark");
    is_int(APR_ARRAY_IDX(l, 0, oc_attendee_t).role, OC_ROLE_OPTIONAL, "the role is taken over");
    l = oc_attendee_parse_list(pool, "room@x.example", OC_ROLE_RESOURCE, NULL);
    is_int(APR_ARRAY_IDX(l, 0, oc_attendee_t).cutype, OC_CUTYPE_ROOM, "a resource is a room");
    is_int(oc_attendee_parse_list(pool, NULL, OC_ROLE_REQUIRED, &bad)->nelts, 0, "no header");
    is_int(oc_attendee_parse_list(pool, "\"never closed <a@x>, b@x", OC_ROLE_REQUIRED, &bad)->nelts,
           0, "a quote that never closes swallows the rest");
    is_int(bad, 1, "and is counted");
    is_int(oc_attendee_parse_list(pool, "Ana <ana@x.example", OC_ROLE_REQUIRED, &bad)->nelts, 0,
           "a bracket that never closes");
    l = oc_attendee_parse_list(pool, "a@x.example,B@x.example", OC_ROLE_REQUIRED, NULL);
    ok(oc_attendee_find(l, "b@X.example") == &APR_ARRAY_IDX(l, 1, oc_attendee_t),
       "found case-blind");
    ok(!oc_attendee_find(l, "c@x.example"), "not found");
    is_str(oc_partstat_token(OC_PARTSTAT_NEEDS_ACTION), "NEEDS-ACTION", "partstat token");
    is_str(oc_partstat_token((oc_partstat_t)99), "UNKNOWN", "partstat out of range");
    is_str(oc_role_token(OC_ROLE_RESOURCE), "NON-PARTICIPANT", "role token");
}

/* A blank inside is a slip of the keyboard, not something to be closed up. */
static void test_blanks(apr_pool_t *p)
{
    int bad = 0;
    apr_array_header_t *list =
        oc_attendee_parse_list(p, " bo b@ex.example , ana@ex.example ", OC_ROLE_REQUIRED, &bad);

    is_int(bad, 1, "an address with a blank inside is refused");
    is_int(list->nelts, 1, "the others stay");
    is_str(APR_ARRAY_IDX(list, 0, oc_attendee_t).address, "ana@ex.example", "blanks around it go");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_addresses();
    test_lists();
    test_blanks(pool);
    return done_testing();
}
