/* The HTML writer with any text in every place: a page is read back, by a reader of its own, as the
 * elements, attributes and texts that were meant, neither less nor more. The input is texts parted
 * by NUL: the message with its {names}, then what three of them stand for. */
#include "fuzz.h"
#include "view/html.h"

#include <apr_lib.h>

/* How a page reads: no output may hold these, so that nothing written can look like them. */
#define ELEMENT "\x01"
#define ATTRIBUTE "\x02"
#define VALUE "\x03"
#define CONTENT "\x04"
#define END "\x05"

/* What can be seen of a text: control characters and bytes that are not UTF-8 are U+FFFD. */
static const char *seen(apr_pool_t *pool, const char *s)
{
    char *out = apr_palloc(pool, strlen(s) * 3 + 1), *o = out;

    while (*s) {
        size_t n = 1, left = strlen(s);
        while (n <= 4 && n <= left && !oc_str_utf8(s, n)) {
            ++n;
        }
        if (n > 4 || n > left || *s == 0x7f || (apr_iscntrl(*s) && !strchr("\t\r\n", *s))) {
            memcpy(o, "\xEF\xBF\xBD", 3);
            o += 3;
            ++s;
        } else {
            memcpy(o, s, n);
            o += n;
            s += n;
        }
    }
    *o = '\0';
    return out;
}

/* Text up to any of `ends`, its references undone. */
static const char *read_text(apr_pool_t *pool, const char **at, const char *ends)
{
    static const struct {
        const char *reference;
        char c;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&#34;", '"'}, {"&#39;", '\''}};
    const char *s = *at;
    char *out = apr_palloc(pool, strlen(s) + 1), *o = out;

    while (*s && !strchr(ends, *s)) {
        size_t i = 0, n = 1;
        must(!strchr("<>\"'", *s));
        *o = *s;
        if (*s == '&') {
            while (i < 5 && strncmp(s, known[i].reference, strlen(known[i].reference)) != 0) {
                ++i;
            }
            must(i < 5);
            *o = known[i].c;
            n = strlen(known[i].reference);
        }
        ++o;
        s += n;
    }
    *o = '\0';
    *at = s;
    return out;
}

static const char *read_name(apr_pool_t *pool, const char **at)
{
    const char *from = *at;

    while (apr_islower(**at)) {
        ++*at;
    }
    must(*at > from);
    return apr_pstrmemdup(pool, from, (apr_size_t)(*at - from));
}

static const char *read_tag(apr_pool_t *pool, const char **at)
{
    const char *out, *name;

    if (**at == '/') {
        ++*at;
        out = apr_pstrcat(pool, END, read_name(pool, at), NULL);
    } else {
        out = apr_pstrcat(pool, ELEMENT, read_name(pool, at), NULL);
        while (**at == ' ') {
            ++*at;
            name = read_name(pool, at);
            must(!strncmp(*at, "=\"", 2));
            *at += 2;
            out = apr_pstrcat(pool, out, ATTRIBUTE, name, VALUE, read_text(pool, at, "\""), NULL);
            must(**at == '"');
            ++*at;
        }
        out = apr_pstrcat(pool, out, CONTENT, NULL);
    }
    must(**at == '>');
    ++*at;
    return out;
}

static const char *read_page(apr_pool_t *pool, const char *page)
{
    const char *out = "";

    must(oc_str_utf8(page, strlen(page)) && !oc_str_control(page, "\t\r\n"));
    while (*page) {
        if (*page == '<') {
            ++page;
            out = apr_pstrcat(pool, out, read_tag(pool, &page), NULL);
        } else {
            out = apr_pstrcat(pool, out, read_text(pool, &page, "<"), NULL);
        }
    }
    return out;
}

/* The numeric references of oc_str_ascii undone; those of the five escapes stay. */
static const char *unascii(apr_pool_t *pool, const char *s)
{
    char *out = apr_palloc(pool, strlen(s) + 1), *o = out;

    for (; *s; ++s) {
        unsigned long c = !strncmp(s, "&#", 2) ? strtoul(s + 2, NULL, 10) : 0;
        must((unsigned char)*s < 0x80);
        if (c < 0x80) {
            *o++ = *s;
            continue;
        }
        if (c < 0x800) {
            *o++ = (char)(0xC0 | c >> 6);
        } else {
            *o++ = (char)(c < 0x10000 ? 0xE0 | c >> 12 : 0xF0 | c >> 18);
            if (c >= 0x10000) {
                *o++ = (char)(0x80 | (c >> 12 & 0x3F));
            }
            *o++ = (char)(0x80 | (c >> 6 & 0x3F));
        }
        *o++ = (char)(0x80 | (c & 0x3F));
        s = strchr(s, ';');
        must(s);
    }
    *o = '\0';
    return out;
}

/* The message as it should read: text, time and bdi in the place of {a}, {b} and {c}. */
static const char *filled(apr_pool_t *pool, const char *text, const char *const value[3])
{
    const char *out = "", *open, *close;

    while ((open = strchr(text, '{')) != NULL) {
        close = strchr(open, '}');
        out = apr_pstrcat(pool, out,
                          seen(pool, apr_pstrmemdup(pool, text, (apr_size_t)(open - text))), NULL);
        if (!strncmp(open, "{a}", 3) || !strcmp(open, "{a")) {
            out = apr_pstrcat(pool, out, value[0], NULL);
        } else if (!strncmp(open, "{b}", 3) || !strcmp(open, "{b")) {
            out = apr_pstrcat(pool, out, ELEMENT "time" ATTRIBUTE "datetime" VALUE, value[2],
                              CONTENT, value[1], END "time", NULL);
        } else if (!strncmp(open, "{c}", 3) || !strcmp(open, "{c")) {
            out = apr_pstrcat(pool, out, ELEMENT "bdi" ATTRIBUTE "class" VALUE, value[1], CONTENT,
                              value[2], END "bdi", NULL);
        }
        text = close ? close + 1 : "";
    }
    return apr_pstrcat(pool, out, seen(pool, text), NULL);
}

static void page(apr_pool_t *pool, const char *text, const char *const raw[3])
{
    const oc_html_part_t parts[] = {
        {"a", raw[0], NULL, NULL}, {"b", raw[1], raw[2], NULL}, {"c", raw[2], NULL, raw[1]}};
    const char *value[3], *meant, *out, *link;
    oc_html_t *h = oc_html_create(pool);

    for (int i = 0; i < 3; ++i) {
        value[i] = seen(pool, raw[i]);
    }
    link = apr_pstrcat(pool, "rooms/", oc_str_segment(pool, raw[0]),
                       "?q=", oc_str_query(pool, raw[1]), "&day=1", NULL);
    oc_html_open(h, "p", "title", text, "lang", NULL, NULL);
    oc_html_parts(h, text, parts, 3);
    oc_html_element(h, "a", raw[0], "href", link, NULL);
    oc_html_element(h, "input", NULL, "value", raw[1], "name", raw[2], NULL);
    oc_html_textf(h, "%s, %s", raw[1], raw[2]);
    out = oc_html_print(h);
    meant = apr_pstrcat(pool, ELEMENT "p" ATTRIBUTE "title" VALUE, seen(pool, text), CONTENT,
                        filled(pool, text, value), ELEMENT "a" ATTRIBUTE "href" VALUE, link,
                        CONTENT, value[0], END "a" ELEMENT "input" ATTRIBUTE "value" VALUE,
                        value[1], ATTRIBUTE "name" VALUE, value[2], CONTENT, value[1], ", ",
                        value[2], END "p\n", NULL);
    must(!strcmp(read_page(pool, out), meant));
    must(!strcmp(unascii(pool, oc_str_ascii(pool, out)), out));
    out = oc_html_within(pool, "div", raw[0], out);
    meant = apr_pstrcat(pool, ELEMENT "div" ATTRIBUTE "lang" VALUE, value[0], CONTENT, meant,
                        END "div\n", NULL);
    must(!strcmp(read_page(pool, out), meant));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text[4], *at, *end;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    at = apr_pstrmemdup(pool, (const char *)data, size);
    end = at + size;
    for (int i = 0; i < 4; ++i) {
        text[i] = at;
        at += strlen(at);
        at += at < end;
    }
    page(pool, text[0], text + 1);
    apr_pool_destroy(pool);
    return 0;
}
