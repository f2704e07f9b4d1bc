/* A password is presented once for each exchange, however a server asks. */
#include <apr_general.h>
#include <apr_tables.h>

#include "tap.h"
#include "net/legs.h"

int main(void)
{
    apr_pool_t *pool;
    apr_table_t *bare, *challenge;
    oc_legs_t legs = {0};
    int n = 0;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    bare = apr_table_make(pool, 2);
    apr_table_addn(bare, "WWW-Authenticate", "Negotiate");
    apr_table_addn(bare, "WWW-Authenticate", "NTLM");
    challenge = apr_table_make(pool, 2);
    apr_table_addn(challenge, "WWW-Authenticate", "Basic realm=\"NTLM x\"");
    apr_table_addn(challenge, "www-authenticate", "ntlm TlRMTVNTUAACAAAA");

    ok(!oc_legs_send(&legs), "the first message");
    ok(oc_legs_goes_on(&legs, challenge), "a challenge");
    ok(!oc_legs_send(&legs), "its answer");
    ok(!oc_legs_goes_on(&legs, challenge), "a second challenge is the refusal");
    ok(oc_legs_send(&legs) != NULL, "and would not be answered");

    legs = (oc_legs_t){0};
    ok(!oc_legs_send(&legs) && oc_legs_goes_on(&legs, bare), "an old login was forgotten");
    ok(!oc_legs_send(&legs) && oc_legs_goes_on(&legs, challenge), "then a challenge");
    ok(!oc_legs_send(&legs), "then its answer");
    ok(oc_legs_goes_on(&legs, bare), "a bare refusal is libcurl's to judge");
    ok(oc_legs_send(&legs) != NULL, "but the answer goes out once");

    legs = (oc_legs_t){0};
    while (n < 100 && !oc_legs_send(&legs)) {
        oc_legs_goes_on(&legs, bare);
        ++n;
    }
    ok(n >= 4 && n <= 10, "a server that never challenges is not asked for ever (%d)", n);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
