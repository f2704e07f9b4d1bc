/* html.c - the escaping HTML writer. */
#include <stdarg.h>
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "view/html.h"

#define DEPTH_MAX   32
#define FIRST_BYTES 512 /* a fragment of one line is shorter, a grid soon has its size */

struct oc_html_t {
    apr_pool_t *pool;
    char *text;
    apr_size_t len, size;
    const char *open[DEPTH_MAX];
    int depth;
};

static void add(oc_html_t *h, const char *text, apr_size_t n)
{
    if (h->len + n + 1 > h->size) {
        char *more = apr_palloc(h->pool, (h->size + n) * 2);
        memcpy(more, h->text, h->len);
        h->text = more;
        h->size = (h->size + n) * 2;
    }
    memcpy(h->text + h->len, text, n);
    h->len += n;
    h->text[h->len] = '\0';
}

static void raw(oc_html_t *h, const char *text)
{
    add(h, text, strlen(text));
}

oc_html_t *oc_html_create(apr_pool_t *pool)
{
    oc_html_t *h = apr_pcalloc(pool, sizeof(*h));

    h->pool = pool;
    h->size = FIRST_BYTES;
    h->text = apr_palloc(pool, h->size);
    *h->text = '\0';
    return h;
}

static int is_void(const char *name)
{
    return strcmp(name, "input") == 0 || strcmp(name, "br") == 0 || strcmp(name, "meta") == 0 ||
           strcmp(name, "link") == 0 || strcmp(name, "hr") == 0;
}

static void start(oc_html_t *h, const char *name, va_list args)
{
    const char *attribute;

    add(h, "<", 1);
    raw(h, name);
    while ((attribute = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);
        if (value) {
            add(h, " ", 1);
            raw(h, attribute);
            add(h, "=\"", 2);
            raw(h, oc_str_html(h->pool, value));
            add(h, "\"", 1);
        }
    }
    add(h, ">", 1);
    if (!is_void(name) && h->depth < DEPTH_MAX) {
        h->open[h->depth++] = name;
    }
}

void oc_html_open(oc_html_t *h, const char *name, ...)
{
    va_list args;

    va_start(args, name);
    start(h, name, args);
    va_end(args);
}

void oc_html_close(oc_html_t *h)
{
    if (h->depth > 0) {
        add(h, "</", 2);
        raw(h, h->open[--h->depth]);
        add(h, ">", 1);
    }
}

void oc_html_text(oc_html_t *h, const char *text)
{
    if (text) {
        raw(h, oc_str_html(h->pool, text));
    }
}

void oc_html_textf(oc_html_t *h, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    oc_html_text(h, apr_pvsprintf(h->pool, format, args));
    va_end(args);
}

void oc_html_parts(oc_html_t *h, const char *text, const oc_html_part_t *parts, int count)
{
    const char *open;

    while ((open = strchr(text, '{')) != NULL) {
        size_t len = strcspn(open + 1, "}");

        oc_html_text(h, apr_pstrmemdup(h->pool, text, (apr_size_t)(open - text)));
        for (int i = 0; i < count; ++i) {
            const oc_html_part_t *part = &parts[i];

            if (strlen(part->name) != len || strncmp(part->name, open + 1, len) != 0) {
                continue;
            }
            if (part->datetime) {
                oc_html_element(h, "time", part->text, "datetime", part->datetime, NULL);
            } else if (part->foreign) {
                oc_html_element(h, "bdi", part->text, "class", part->foreign, NULL);
            } else {
                oc_html_text(h, part->text);
            }
        }
        text = open + 1 + len;
        text += *text == '}';
    }
    oc_html_text(h, text);
}

void oc_html_element(oc_html_t *h, const char *name, const char *text, ...)
{
    va_list args;

    va_start(args, text);
    start(h, name, args);
    va_end(args);
    oc_html_text(h, text);
    if (!is_void(name)) {
        oc_html_close(h);
    }
}

const char *oc_html_within(apr_pool_t *pool, const char *name, const char *lang, const char *html)
{
    oc_html_t *h = oc_html_create(pool);

    oc_html_open(h, name, "lang", lang, NULL);
    raw(h, html);
    return oc_html_print(h);
}

void oc_html_doctype(oc_html_t *h)
{
    add(h, "<!DOCTYPE html>\n", 16);
}

const char *oc_html_print(oc_html_t *h)
{
    while (h->depth > 0) {
        oc_html_close(h);
    }
    add(h, "\n", 1);
    return h->text;
}
