/* Every failure of signing in, of the credential and of the way to the server has its remedy: one
 * sentence. */
#include <string.h>

#include "tap.h"
#include "view/remedy.h"

static int one_sentence(const char *s)
{
    size_t n = strlen(s);
    const char *stop = strstr(s, ". ");

    return n > 20 && n < 250 && s[0] >= 'A' && s[0] <= 'Z' && s[n - 1] == '.' && !stop;
}

int main(void)
{
    ok(oc_remedy_for(OC_REASON_OK) == NULL, "what works needs none");
    for (int i = 1; i < OC_REASON_COUNT; ++i) {
        oc_kind_t kind = oc_reason_kind((oc_reason_t)i);
        const char *text = oc_remedy_for((oc_reason_t)i);

        if (kind == OC_KIND_AUTH || kind == OC_KIND_BUSY || kind == OC_KIND_INTERNAL) {
            ok(text != NULL, "%s (%s) has a remedy", oc_reason_token((oc_reason_t)i),
               oc_reason_sentence((oc_reason_t)i));
        }
        if (text) {
            ok(one_sentence(text), "  of one sentence: %s", text);
        }
        for (int j = 1; text && j < i; ++j) {
            if (oc_remedy_for((oc_reason_t)j) && !strcmp(oc_remedy_for((oc_reason_t)j), text)) {
                ok(0, "  its own: %s", text);
            }
        }
    }
    return done_testing();
}
