/* The placeholder scanner: what it finds, what it must not see, its bounds; and that the way a page
 * is cut makes no difference. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wire/scan.h"

static apr_pool_t *pool;

typedef struct log_t {
    apr_pool_t *pool;
    const char *text;
} log_t;

static int each(void *baton, const char *name, const char *value)
{
    log_t *log = baton;

    log->text = apr_pstrcat(log->pool, log->text, " ", name, "=", value, NULL);
    return 1;
}

static void note(void *baton, const oc_scan_event_t *e)
{
    log_t *log = baton;

    log->text = apr_psprintf(log->pool, "%s%s%c%" APR_UINT64_T_FMT, log->text,
                             *log->text ? "; " : "", "BEL"[e->what], e->at);
    if (e->what == OC_SCAN_BEGIN) {
        log->text = apr_pstrcat(log->pool, log->text, " ", e->element, " ", e->kind, NULL);
        apr_table_do(each, log, e->parameters, NULL);
    }
}

/* The events of a page given in pieces of `size` bytes, the first of `first`. */
static const char *events(apr_pool_t *p, const char *page, size_t len, int xml, size_t first,
                          size_t size, unsigned int *left)
{
    log_t log = {p, ""};
    oc_scan_t *s = oc_scan_create(p, xml, note, &log);

    for (size_t n = first; len > 0; n = size) {
        n = n < len ? n : len;
        oc_scan_feed(s, page, n);
        page += n;
        len -= n;
    }
    oc_scan_end(s);
    *left = oc_scan_left(s);
    return log.text;
}

static void page_is(const char *page, int xml, const char *want, unsigned int want_left,
                    const char *what)
{
    size_t len = strlen(page);
    unsigned int left;
    int same = 1;

    is_str(events(pool, page, len, xml, len, len, &left), want, "%s", what);
    is_int(left, want_left, "%s: what was left alone", what);
    for (size_t cut = 1; same && cut < len; ++cut) {
        apr_pool_t *p;
        unsigned int l1, l2;

        apr_pool_create(&p, pool);
        same = !strcmp(events(p, page, len, xml, cut, len, &l1), want) && l1 == want_left &&
               (cut > 9 ||
                (!strcmp(events(p, page, len, xml, cut, cut, &l2), want) && l2 == want_left));
        if (!same) {
            diag("cut at %zu: %s", cut, events(p, page, len, xml, cut, len, &l1));
        }
        apr_pool_destroy(p);
    }
    ok(same, "%s: however it is cut", what);
}

#define D "<div data-owacal=x>"

static void found(void)
{
    page_is("ab<div data-owacal=\"grid\">old</div>cd", 0, "B26 div grid; E29", 0, "a placeholder");
    page_is("<DIV Data-OwaCal='next' DATA-Room = \"a&amp;b\" data-all-day id=q></DIV >", 0,
            "B64 div next room=a&b all_day=; E64", 0, "any case, any quotes");
    page_is("<span data-room=b data-owacal=next>x</span>", 0, "B35 span next room=b; E36", 0,
            "data-owacal last");
    page_is(D "<div>1</div><DIV><div/></div></div>2</div></div>", 0, "B19 div x; E55", 0,
            "the same name is counted; a slash closes nothing in HTML");
    page_is(D "<div/><span/></div>", 1, "B19 div x; E32", 0, "but does in XML");
    page_is("<li data-owacal=x>a<span></li>", 0, "B18 li x; E25", 0, "other names do not count");
    page_is(D D "</div></div>", 0, "B19 div x; E44", 0, "a placeholder within one is its content");
    page_is("<div data-owacal=x data-a=1 data-A=2 data-owacal=y></div>", 0, "B51 div x a=1; E51", 0,
            "the first of a name counts");
    page_is(
        "<td data-owacal=x data-a='&#39;&#x41;&lt;&gt;&quot;&apos;&nbsp;&#0;&#xD800;&amp'></td>", 0,
        "B81 td x a='A<>\"'&nbsp;\xef\xbf\xbd\xef\xbf\xbd&amp; E81", 0, "references");
    page_is("< div data-owacal=x><p data-owacal=x></p><divx data-owacal=x></divx>", 0, "", 0,
            "no tag, no such element");
    page_is("<<div data-owacal=x></div>", 0, "B20 div x; E20", 0, "a stray bracket before it");
    page_is("<div title='<div data-owacal=x>'></div><div a=\"</div>\" data-owacal=y>></div>", 0,
            "B69 div y; E70", 0, "nothing within attribute values");
    page_is("<div / data-owacal=x/></div>", 0, "B22 div x/; E22", 0,
            "a slash in a bare value is part of it");
    page_is("<div data-owacal></div>", 0, "B17 div ; E17", 0, "no value");
    page_is("<main\tdata-owacal\n=\rx\f></main>", 0, "B23 main x; E23", 0, "all kinds of blanks");
    page_is(
        "<div a=data-owacal b = data-owacal c='data-owacal' =data-owacal data-owacals=1 d></div>"
        "<p a='>' data-owacal=1></p><h1 data-owacal=2 b=\"></h1>\"></h1><a/data-owacal=3>" D
        "</div>",
        0, "B184 div x; E184", 0, "what only looks like one does not count");
    page_is("<div a= '>' b/c \"=d DATA-owacal=x></div>", 0, "B34 div x; E34", 0,
            "the attributes before it may be odd");
    page_is("<p a='" D "'><blockquote " D "'</div>" D "<p></p><q title='</div>'></q></div>", 0,
            "B84 div x; E113", 0, "and so may the tags around it");
}

/* Bytes that are no text at all. */
static void nul_bytes(void)
{
    static const char page[] = "<div\0 data-owacal=x></div\0><div data-owacal\0=x></div>"
                               "<div data-a\0=1 data-b='2\0' data-owacal=x></div\0></div\0 ></div>";
    const char *want = "B94 div x b=2 ; E109";
    size_t len = sizeof(page) - 1;
    unsigned int left;
    int same = 1;

    is_str(events(pool, page, len, 0, len, len, &left), want, "a NUL makes it another name");
    for (size_t cut = 1; cut < len; ++cut) {
        same &= !strcmp(events(pool, page, len, 0, cut, cut, &left), want);
    }
    ok(same, "however it is cut");
}

static void every_element(void)
{
    static const char *const holes[] = {"div", "section", "article", "aside", "nav",
                                        "main", "span", "li", "td"};
    static const char *const raw[] = {"script", "style", "textarea", "title", "noscript",
                                      "iframe", "xmp", "noembed", "noframes"};
    static const char *const none[] = {"p", "dl", "tt", "nap", "html", "head", "mark", "image",
                                       "titles", "sections", "blockquote", "lidivlidiv"};

    for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); ++i) {
        int at = (int)strlen(holes[i]) + 16;

        page_is(apr_pstrcat(pool, "<", holes[i], " data-owacal=x></", holes[i], ">", NULL), 0,
                apr_psprintf(pool, "B%d %s x; E%d", at, holes[i], at), 0, holes[i]);
    }
    for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); ++i) {
        int at = 3 * (int)strlen(raw[i]) + 47;

        page_is(apr_pstrcat(pool, "<", raw[i], ">" D "</", raw[i], "x></", raw[i], ">" D "</div>",
                            NULL),
                0, apr_psprintf(pool, "B%d div x; E%d", at, at), 0, raw[i]);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); ++i) {
        page_is(apr_pstrcat(pool, "<", none[i], " data-owacal=x></", none[i], ">", NULL), 0, "", 0,
                none[i]);
    }
}

static void hidden(void)
{
    static const struct {
        const char *page, *what;
    } t[] = {
        {"<!-- " D "</div> -->", "a comment"},
        {"<!--> --><!--->" "<!-- --!>" "<!-- " D " -- > </div> -->", "odd comments"},
        {"<script>" D "</div></script>", "script"},
        {"<script><!-- <script> </script>" D "</div> --></script>", "script within script"},
        {"<style>" D "</div></style>", "style"},
        {"<textarea>" D "</div></textarea>", "textarea"},
        {"<TITLE>" D "</div></titlex></title>", "title"},
        {"<template>" D "</div><template></template>" D "</div></template>", "template"},
        {"<noscript>" D "</div></noscript>", "noscript"},
        {"<plaintext></plaintext>" D "</div>", "plaintext"},
        {"<![CDATA[ > " D "</div>]]>", "a CDATA section"},
        {"<!DOCTYPE " D "<? " D "</ " D, "doctype, instruction and what reads as a comment"},
        {"<script>", "an open script"},
        {&(D)[1], "no bracket"},
        {"</div data-owacal=x>", "an end tag"},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); ++i) {
        page_is(t[i].page, 0, "", 0, t[i].what);
    }
    page_is("<!-->" D "</div>", 0, "B24 div x; E24", 0, "after a comment that ends at once");
    page_is("<script><!-- </script>" D "</div>", 0, "B41 div x; E41", 0, "after a script");
    page_is("<svg><title/><style/></svg>" D "</div>", 0, "B46 div x; E46", 0,
            "after foreign content");
    page_is(D "<script></div></script><!-- </div> --><template><div></template></div>", 0,
            "B19 div x; E83", 0, "what is hidden does not end one either");
    page_is("<!DOCTYPE a [<!ENTITY b '" D "'>]>" D "</div>", 1, "", OC_SCAN_LEFT_OPEN,
            "XML that declares things");
    page_is("<?a > " D "?>" D "</div>", 1, "B46 div x; E46", 0, "an instruction of XML");
}

static const char *times(const char *text, int n)
{
    char *all = apr_palloc(pool, strlen(text) * (size_t)n + 1), *p = all;

    while (n-- > 0) {
        p = apr_cpystrn(p, text, strlen(text) + 1);
    }
    return all;
}

static void bounds(void)
{
    const char *fill = times("0123456789abcdef", OC_SCAN_CONTENT / 16), *page;
    unsigned int left;
    const char *got;
    size_t len, last = 0;

    page_is(D "x", 0, "B19 div x; L20", OC_SCAN_LEFT_OPEN, "one that is not closed");
    page_is("<div data-owacal=x/>", 1, "B20 div x/; L20", OC_SCAN_LEFT_OPEN, "a bare slash in XML");
    page_is("<div data-owacal='x'/>", 1, "", OC_SCAN_LEFT_OPEN, "one that is empty in XML");

    page = apr_pstrcat(pool, D, fill, "</div>" D "</div>", NULL);
    len = strlen(page);
    got = events(pool, page, len, 0, len, len, &left);
    is_str(got, "B19 div x; L65555; B65580 div x; E65580", "too much content, and the next one");
    is_int(left, OC_SCAN_LEFT_CONTENT, "is said");
    is_str(events(pool, page, len, 0, 7, 4093, &left), got, "the same in pieces");
    page = apr_pstrcat(pool, D, fill + 6, "</div>", NULL);
    len = strlen(page);
    is_str(events(pool, page, len, 0, len, len, &left), "B19 div x; E65549", "just not too much");

    page = apr_pstrcat(pool, "<div style='", fill, fill, "' data-owacal=x></div>", NULL);
    len = strlen(page);
    is_str(events(pool, page, len, 0, len, 777, &left), "B131100 div x; E131100",
           "a large attribute that is none of ours");
    page = apr_pstrcat(pool, "<div data-a='", fill, "' data-owacal=x></div>" D "</div>", NULL);
    len = strlen(page);
    is_str(events(pool, page, len, 0, len, 777, &left), "B65590 div x; E65590",
           "one of ours: that placeholder is left alone");
    is_int(left, OC_SCAN_LEFT_ATTRIBUTES, "and is said");
    page = apr_pstrcat(pool, "<div data-", fill, "=1></div>", NULL);
    is_str(events(pool, page, strlen(page), 0, 1, 777, &left), "", "a large name elsewhere");
    is_int(left, 0, "is nobody's business");

    page = times(D "</div>", 60);
    got = events(pool, page, strlen(page), 0, 1, 777, &left);
    for (const char *p = got; (p = strchr(p, 'B')); ++p) {
        ++last;
    }
    is_int(last, OC_SCAN_PLACEHOLDERS, "fifty placeholders are found");
    is_int(left, OC_SCAN_LEFT_MANY, "and that there are more is said");
}

static const char *lang_of(const char *page, int xml, apr_size_t cut)
{
    char log[8192] = "";
    oc_scan_t *s = oc_scan_create(pool, xml, note, log);
    apr_size_t len = strlen(page), n;

    for (; len > 0; page += n, len -= n) {
        n = len < cut ? len : cut;
        oc_scan_feed(s, page, n);
    }
    return oc_scan_lang(s) ? oc_scan_lang(s) : "none";
}

static void language(void)
{
    static const struct {
        const char *page, *lang;
    } rows[] = {
        {"<html lang=hu>", "hu"},
        {"<!DOCTYPE html><!-- <html lang=fr> --><HTML class='a' LANG = \"de-AT\" dir=ltr>",
         "de-AT"},
        {"<html lang='de' lang='fr'>", "de"},
        {"<html lang=''><body lang=fr>", "none"},
        {"<html lang>", "none"},
        {"<html lang=hu", "none"},
        {"</html lang=hu>", "none"},
        {"<html data-lang=hu xml:lang=hu hreflang=hu>", "none"},
        {"<p title='<html lang=hu>'>", "none"},
        {"<html><html lang=hu>", "hu"},
        {"<html lang=hu><html lang=de>", "hu"},
        {"<html lang=&quot;hu>", "&quot;hu"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        is_str(lang_of(rows[i].page, 0, 1), rows[i].lang, "%s", rows[i].page);
        is_str(lang_of(rows[i].page, 1, 7), rows[i].lang, "  cut elsewhere");
    }
    is_str(lang_of(apr_pstrcat(pool, "<html lang='", times("x", 9000), "'>", NULL), 0, 100), "none",
           "a long one is none");
    is_str(lang_of(apr_pstrcat(pool, "<html lang='", times("x", 62), "'>", NULL), 0, 100),
           times("x", 62), "a long tag");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    found();
    nul_bytes();
    every_element();
    hidden();
    bounds();
    language();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
