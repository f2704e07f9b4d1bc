#include "tap.h"
#include "backend/owa2003/hint.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

static const char *hints(const char *body, int xml)
{
    return apr_array_pstrcat(pool, owa_hints(pool, body, strlen(body), xml), '|');
}

int main(void)
{
    static const struct {
        const char *body, *want, *why;
    } rows[] = {
        {"<span id=\"itemHREF\">http://h/exchange/a/x.EML</span>", "http://h/exchange/a/x.EML",
         "an element with id itemHREF"},
        {"<SPAN STYLE='a>b' ID=ItemHref>\r\n /x.EML\t</SPAN>", "/x.EML",
         "in any case, without quotes, with blanks"},
        {"<span id='itemHREF'>a&amp;b &#39;c&#39; &#x54; &quot;&lt;</span>", "a&b 'c' T \"<",
         "character references are resolved"},
        {"<span id=itemHREF>T&#246;r&#xF6;lve</span>", "T\xc3\xb6r\xc3\xb6lve", "into UTF-8"},
        {"<base href=\"http://h/exchange/a/Drafts/x.EML/\">", "http://h/exchange/a/Drafts/x.EML/",
         "a base"},
        {"<form method=post action=/exchange/a/x.EML?Cmd=y>", "/exchange/a/x.EML?Cmd=y",
         "a form's action"},
        {"<input value=\"/Drafts/x y.EML\" type=hidden name='MsgID'>", "/Drafts/x y.EML",
         "a field, its attributes in any order"},
        {"<input name=MsgID value=m><form action=f><base href=b><i id=itemHREF>i</i>", "i|b|f|m",
         "the order is ours, not the page's"},
        {"<base href=1><base href=2>", "1", "the first of a kind"},
        {"<!-- <base href=1> --><base href=2>", "2", "not out of a comment"},
        {"<!-- <base href=1>", "", "a comment that never ends"},
        {"<base href=\"never closed", "never closed", "a quote that never closes"},
        {"<", "", "a lone bracket"},
        {"<base", "", "a tag cut off"},
        {"<base href", "", "an attribute cut off"},
        {"<base href=", "", "a value cut off"},
        {"a < b <base href=x>", "x", "a bracket in text"},
        {"<base ' / \" href=x>", "x", "stray signs in a tag"},
        {"<span id=itemHREF></span><span id=itemHREF>x</span>", "x", "an empty one does not count"},
        {"", "", "nothing"},
    };
    const char *longest;
    int cut = 0;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        is_str(hints(rows[i].body, 0), rows[i].want, "%s", rows[i].why);
    }
    ok(!strchr(hints("<span id=itemHREF>&#10;&#x7f;a</span>", 0), '\n'),
       "a reference to a control character brings none");
    is_str(
        hints(
            "<?xml version='1.0'?><a:r xmlns:a='DAV:'><a:href>/x&amp;y</a:href><a:href>/z</a:href>"
            "</a:r>",
            1),
        "/x&y", "the first href of an XML document");
    is_str(hints("<base href=x>", 1), "", "whose elements are no HTML");
    longest = apr_psprintf(pool, "<span id=itemHREF>%05000d</span>", 1);
    is_str(hints(longest, 0), "", "what is too long to be a path is none");
    is_int(owa_hints(pool, "<base href=\"\0x\">", 16, 0)->nelts, 0, "nor is a value with a NUL");
    for (apr_size_t n = strlen(rows[7].body); n > 0; n--) { /* every cut, in memory of its own */
        char *copy = apr_pstrmemdup(pool, rows[7].body, n);
        cut += owa_hints(pool, copy, n, 0)->nelts <= 4;
    }
    is_int(cut, (int)strlen(rows[7].body), "a page may be cut off anywhere");
    return done_testing();
}
