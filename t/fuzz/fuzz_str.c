/* Any text through every escaper: nothing of it can leave its place, and it can be read back. */
#include "fuzz.h"
#include "view/html.h"

#include <apr_lib.h>

/* The five references oc_str_html writes, undone. */
static const char *unhtml(apr_pool_t *pool, const char *s)
{
    static const struct {
        const char *reference;
        char c;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&#34;", '"'}, {"&#39;", '\''}};
    char *out = apr_palloc(pool, strlen(s) + 1), *o = out;

    while (*s) {
        int found = *s != '&';
        if (found) {
            *o++ = *s++;
        }
        for (int i = 0; !found && i < 5; i++) {
            size_t n = strlen(known[i].reference);
            if (!strncmp(s, known[i].reference, n)) {
                *o++ = known[i].c;
                s += n;
                found = 1;
            }
        }
        must(found);
    }
    *o = '\0';
    return out;
}

static void html(apr_pool_t *pool, const char *text, int plain)
{
    const char *escaped = oc_str_html(pool, text), *page, *inside;
    oc_html_t *h = oc_html_create(pool);

    must(!strpbrk(escaped, "<>\"'") && !oc_str_control(escaped, "\t\r\n"));
    must(oc_str_utf8(escaped, strlen(escaped)));
    must(!plain || !strcmp(unhtml(pool, escaped), text));
    unhtml(pool, escaped);

    oc_html_element(h, "p", text, "title", text, NULL);
    page = oc_html_print(h);
    inside = page + strlen("<p title=\"");
    must(!strncmp(inside, escaped, strlen(escaped)));
    inside += strlen(escaped);
    must(!strncmp(inside, "\">", 2) && !strncmp(inside + 2, escaped, strlen(escaped)));
    must(!strcmp(inside + 2 + strlen(escaped), "</p>\n"));
}

static void url(apr_pool_t *pool, const char *text)
{
    const char *segment = oc_str_segment(pool, text), *query = oc_str_query(pool, text), *back, *p;

    for (p = segment; *p; p++) {
        must(strchr("-._~%", *p) || apr_isalnum(*p));
    }
    for (p = query; *p; p++) {
        must(strchr("-._~%@:", *p) || apr_isalnum(*p));
    }
    must((back = oc_str_unescape(pool, segment, strlen(segment))) && !strcmp(back, text));
    must((back = oc_str_unescape(pool, query, strlen(query))) && !strcmp(back, text));
    back = oc_str_unescape(pool, text, strlen(text));
    must(!back || strlen(back) <= strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text, *out;
    unsigned char *bytes;
    apr_pool_t *pool;
    apr_size_t len;

    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    html(pool, text, oc_str_utf8(text, strlen(text)) && !oc_str_control(text, "\t\r\n"));
    url(pool, text);

    out = oc_str_log(pool, text, 100);
    must(!oc_str_control(out, "") && oc_str_utf8(out, strlen(out)) && strlen(out) <= 403);
    out = oc_str_trim(pool, text);
    must(strlen(out) <= strlen(text) && (!*out || !apr_isspace(*out)));

    out = oc_str_base64url(pool, data, size);
    bytes = oc_str_base64url_decode(pool, out, &len);
    must(size == 0 || (bytes && len == size && !memcmp(bytes, data, size)));
    bytes = oc_str_base64url_decode(pool, text, &len); /* nothing decodes from two texts */
    must(!bytes || !strcmp(oc_str_base64url(pool, bytes, len), text));
    apr_pool_destroy(pool);
    return 0;
}
