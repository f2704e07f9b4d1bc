/* scan.c - see scan.h. The states are those of the HTML standard's tokenizer, as far as they decide
 * where a tag begins and ends. A byte that can change something is worked by step(); runs of those
 * that cannot, which are most of a page, are passed over by skip() at the speed of memchr(). */
#include <string.h>
#include <apr_strings.h>

#include "wire/markup.h"
#include "wire/reference.h"
#include "wire/scan.h"

#define NAME_MAX_BYTES 64 /* of an element or attribute; a longer one is none of ours */
#define PARAMETERS_MAX 32

typedef enum state_t {
    TEXT,
    TAG_OPEN,
    END_TAG_OPEN,
    TAG_NAME,
    BEFORE_ATTRIBUTE,
    ATTRIBUTE_NAME,
    AFTER_NAME,
    BEFORE_VALUE,
    VALUE_DOUBLE,
    VALUE_SINGLE,
    VALUE_BARE,
    MARKUP, /* after "<!" */
    BOGUS,  /* a doctype, or what reads as a comment up to the next ">" */
    COMMENT_START,
    COMMENT_START_DASH,
    COMMENT,
    COMMENT_DASH,
    COMMENT_END,
    COMMENT_BANG,
    CDATA,
    INSTRUCTION, /* XML's "<?", up to "?>" */
    RAW,         /* within script, style, ...: text up to its end tag */
    RAW_LESS,
    RAW_BANG,
    RAW_NAME,
    OVER /* nothing further is looked at */
} state_t;

struct oc_scan_t {
    apr_pool_t *pool;
    oc_scan_sink_t *sink;
    void *baton;
    int xml;
    apr_uint64_t offset; /* of the next byte */
    state_t state;
    unsigned int left;
    /* the tag under way */
    apr_uint64_t tag_at;
    char name[NAME_MAX_BYTES];
    apr_size_t name_len; /* NAME_MAX_BYTES: too long */
    int closing, slash, wanted, html;
    oc_markup_kind_t kind;
    const char *lang; /* of the first <html> that has one */
    const char *element; /* of those that may be placeholders; else NULL */
    char attribute[NAME_MAX_BYTES];
    apr_size_t attribute_len;
    char kept[OC_SCAN_ATTRIBUTES]; /* name, NUL, value, NUL, .. of the data-* attributes */
    apr_size_t kept_len;
    int keeping, kept_count, overflow, is_placeholder;
    /* raw text, comments, sections */
    char raw[16];
    apr_size_t matched;
    int script, escaped, twice, raw_closing, dashes, brackets;
    /* the placeholder under way */
    const char *open; /* its element; NULL: none */
    apr_uint64_t open_at;
    int depth, templates, foreign, count;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

oc_scan_t *oc_scan_create(apr_pool_t *pool, int xml, oc_scan_sink_t *sink, void *baton)
{
    oc_scan_t *s = apr_pcalloc(pool, sizeof(*s));

    s->pool = pool;
    s->xml = xml;
    s->sink = sink;
    s->baton = baton;
    return s;
}

unsigned int oc_scan_left(const oc_scan_t *s)
{
    return s->left;
}

const char *oc_scan_lang(const oc_scan_t *s)
{
    return s->lang;
}

/* ---- attributes ---- */

/* More bytes to remember; when there is no room for all, none of it counts. */
static void keep(oc_scan_t *s, const char *data, apr_size_t len)
{
    apr_size_t room = sizeof(s->kept) - s->kept_len;

    s->overflow |= len > room;
    len = len > room ? room : len;
    memcpy(s->kept + s->kept_len, data, len);
    s->kept_len += len;
}

static void attribute_begins(oc_scan_t *s)
{
    s->attribute_len = 0;
    s->keeping = 0;
    s->slash = 0;
    s->state = ATTRIBUTE_NAME;
}

static void attribute_named(oc_scan_t *s)
{
    if (s->html && s->attribute_len == 4 && strncmp(s->attribute, "lang", 4) == 0) {
        s->keeping = s->kept_len == 0; /* the first counts */
        return;
    }
    if (!s->wanted || s->attribute_len < 5 || strncmp(s->attribute, "data-", 5) != 0) {
        return;
    }
    if (s->attribute_len == NAME_MAX_BYTES || ++s->kept_count > PARAMETERS_MAX) {
        s->overflow = 1;
        return;
    }
    s->attribute[s->attribute_len] = '\0';
    if (strlen(s->attribute) != s->attribute_len) {
        return; /* a NUL in it: none of ours */
    }
    s->is_placeholder |= strcmp(s->attribute, "data-owacal") == 0;
    for (char *p = s->attribute + 5; *p; ++p) {
        *p = *p == '-' ? '_' : *p;
    }
    keep(s, s->attribute + 5, strlen(s->attribute + 5) + 1);
    s->keeping = 1;
}

static void attribute_ends(oc_scan_t *s)
{
    if (s->keeping) {
        keep(s, "", 1);
        s->keeping = 0;
    }
}

static void value_bytes(oc_scan_t *s, const char *data, apr_size_t len)
{
    apr_size_t from = s->kept_len;

    if (s->keeping) {
        keep(s, data, len);
        for (; from < s->kept_len; ++from) {
            s->kept[from] = s->kept[from] ? s->kept[from] : ' ';
        }
    }
}

/* ---- tags ---- */

static void emit(oc_scan_t *s, oc_scan_what_t what, apr_uint64_t at)
{
    oc_scan_event_t e = {0};

    e.what = what;
    e.at = at;
    s->sink(s->baton, &e);
}

static void placeholder_lost(oc_scan_t *s, oc_scan_left_t why, apr_uint64_t at)
{
    s->left |= why;
    s->open = NULL;
    emit(s, OC_SCAN_LOST, at);
}

static void placeholder_begins(oc_scan_t *s, apr_uint64_t at)
{
    oc_scan_event_t e = {OC_SCAN_BEGIN, at, s->element, NULL, NULL};
    apr_table_t *parameters;
    const char *p;

    if (s->count >= OC_SCAN_PLACEHOLDERS) {
        s->left |= OC_SCAN_LEFT_MANY;
        return;
    }
    ++s->count; /* also one that cannot be taken: the bound is on what a page may ask of us */
    if (s->overflow) {
        s->left |= OC_SCAN_LEFT_ATTRIBUTES;
        return;
    }
    if (s->xml && s->slash) {
        s->left |= OC_SCAN_LEFT_OPEN;
        return;
    }
    parameters = apr_table_make(s->pool, 8);
    for (p = s->kept; p < s->kept + s->kept_len;) {
        const char *name = p, *value = p + strlen(p) + 1;

        p = value + strlen(value) + 1;
        if (strcmp(name, "owacal") == 0) {
            e.kind = e.kind ? e.kind : oc_reference_text(s->pool, value);
        } else if (!apr_table_get(parameters, name)) {
            apr_table_setn(parameters, apr_pstrdup(s->pool, name),
                           oc_reference_text(s->pool, value));
        }
    }
    e.parameters = parameters;
    s->open = s->element;
    s->open_at = at;
    s->depth = 1;
    s->sink(s->baton, &e);
}

static void raw_begins(oc_scan_t *s)
{
    apr_cpystrn(s->raw, s->name, sizeof(s->raw));
    s->script = strcmp(s->raw, "script") == 0;
    s->escaped = s->twice = s->dashes = 0;
    s->state = RAW;
}

/* Depth of what counts by one name only. */
static void nest(const oc_scan_t *s, int *depth)
{
    if (s->closing) {
        *depth -= *depth > 0;
    } else if (!s->slash) {
        ++*depth;
    }
}

static void tag_begins(oc_scan_t *s, int closing)
{
    s->closing = closing;
    s->name_len = s->kept_len = 0;
    s->slash = s->keeping = s->kept_count = s->overflow = s->is_placeholder = s->wanted = 0;
    s->html = 0;
    s->element = NULL;
    s->state = TAG_NAME;
}

static void tag_named(oc_scan_t *s)
{
    if (s->name_len == NAME_MAX_BYTES) {
        s->name_len = 0;
    }
    s->name[s->name_len] = '\0';
    s->kind = oc_markup_kind(s->name, s->name_len, &s->element);
    s->wanted = s->element && !s->closing && !s->open && !s->templates;
    s->html = !s->closing && !s->open && !s->templates && !s->lang && s->kind == OC_MARKUP_HTML;
    s->state = BEFORE_ATTRIBUTE;
}

/* At its ">"; `after` is the offset behind it. */
static void tag_ends(oc_scan_t *s, apr_uint64_t after)
{
    /* Only in XML, and in the foreign content of HTML, does "/>" close anything. */
    int empty = s->slash && (s->xml || s->foreign);

    s->state = TEXT;
    if (s->html && s->kept_len > 1 && s->kept_len <= NAME_MAX_BYTES && !s->overflow) {
        s->lang = apr_pstrdup(s->pool, s->kept);
    }
    if (!s->closing && !empty && s->kind == OC_MARKUP_RAW) {
        raw_begins(s);
    } else if (s->kind == OC_MARKUP_FOREIGN) {
        nest(s, &s->foreign);
    } else if (s->kind == OC_MARKUP_TEMPLATE) {
        s->slash = empty;
        nest(s, &s->templates);
    } else if (s->templates) {
        return;
    } else if (s->open) {
        if (s->element == s->open && s->closing && --s->depth == 0) {
            s->open = NULL;
            emit(s, OC_SCAN_END, s->tag_at);
        } else if (s->element == s->open && !s->closing && !(s->xml && s->slash)) {
            ++s->depth;
        }
    } else if (s->wanted && s->is_placeholder) {
        placeholder_begins(s, after);
    }
}

/* A byte within a tag, after its name. */
static void in_tag(oc_scan_t *s, char c, apr_uint64_t after)
{
    switch (s->state) {
    case AFTER_NAME:
        if (c == '=') {
            s->state = BEFORE_VALUE;
            return;
        }
        if (oc_markup_is_blank(c)) {
            return;
        }
        attribute_ends(s);
        /* fall through */
    case BEFORE_ATTRIBUTE:
        if (c == '>') {
            tag_ends(s, after);
        } else if (c == '/') {
            s->slash = 1;
            s->state = BEFORE_ATTRIBUTE;
        } else if (oc_markup_is_blank(c)) {
            s->slash = 0;
        } else {
            attribute_begins(s);
            s->attribute[s->attribute_len++] = oc_markup_lower(c);
        }
        return;
    case ATTRIBUTE_NAME:
        if (c == '=' || c == '>' || c == '/' || oc_markup_is_blank(c)) {
            attribute_named(s);
            s->state = AFTER_NAME;
            in_tag(s, c, after);
        } else if (s->attribute_len < NAME_MAX_BYTES - 1) {
            s->attribute[s->attribute_len++] = oc_markup_lower(c);
        } else {
            s->attribute_len = NAME_MAX_BYTES;
        }
        return;
    case BEFORE_VALUE:
        if (c == '"' || c == '\'') {
            s->state = c == '"' ? VALUE_DOUBLE : VALUE_SINGLE;
        } else if (c == '>') {
            attribute_ends(s);
            tag_ends(s, after);
        } else if (!oc_markup_is_blank(c)) {
            value_bytes(s, &c, 1);
            s->state = VALUE_BARE;
        }
        return;
    case VALUE_BARE:
        if (c == '>' || oc_markup_is_blank(c)) {
            attribute_ends(s);
            s->state = BEFORE_ATTRIBUTE;
            in_tag(s, c, after);
        } else {
            value_bytes(s, &c, 1);
        }
        return;
    default: /* VALUE_DOUBLE, VALUE_SINGLE */
        if (c == (s->state == VALUE_DOUBLE ? '"' : '\'')) {
            attribute_ends(s);
            s->state = BEFORE_ATTRIBUTE;
        } else {
            value_bytes(s, &c, 1);
        }
        return;
    }
}

static void in_tag_name(oc_scan_t *s, char c, apr_uint64_t after)
{
    if (c == '>' || c == '/' || oc_markup_is_blank(c)) {
        tag_named(s);
        in_tag(s, c, after);
    } else if (s->name_len < NAME_MAX_BYTES - 1) {
        s->name[s->name_len++] = oc_markup_lower(c);
    } else {
        s->name_len = NAME_MAX_BYTES;
    }
}

/* ---- comments, sections, instructions ---- */

static void in_comment(oc_scan_t *s, char c)
{
    switch (s->state) {
    case COMMENT_START:
    case COMMENT_START_DASH:
        s->state = c == '>'                     ? TEXT
                   : c != '-'                   ? COMMENT
                   : s->state == COMMENT_START ? COMMENT_START_DASH
                                               : COMMENT_END;
        break;
    case COMMENT:
        s->state = c == '-' ? COMMENT_DASH : COMMENT;
        break;
    case COMMENT_DASH:
        s->state = c == '-' ? COMMENT_END : COMMENT;
        break;
    case COMMENT_END:
        s->state = c == '>' ? TEXT : c == '!' ? COMMENT_BANG : c == '-' ? COMMENT_END : COMMENT;
        break;
    default: /* COMMENT_BANG */
        s->state = c == '>' ? TEXT : c == '-' ? COMMENT_DASH : COMMENT;
        break;
    }
}

/* After "<!": which of the three it is, byte by byte. */
static void in_markup(oc_scan_t *s, char c)
{
    static const char *const openings[] = {"--", "[cdata[", "doctype"};

    s->name[s->name_len++] = oc_markup_lower(c);
    s->name[s->name_len] = '\0';
    for (apr_size_t i = 0; i < COUNT(openings); ++i) {
        if (strncmp(openings[i], s->name, s->name_len) != 0) {
            continue;
        }
        if (openings[i][s->name_len] == '\0') {
            s->brackets = 0;
            s->state = i == 0 ? COMMENT_START : i == 1 ? CDATA : BOGUS;
        }
        return;
    }
    s->state = c == '>' ? TEXT : BOGUS;
}

static void in_section(oc_scan_t *s, char c)
{
    switch (s->state) {
    case CDATA:
        if (c == '>' && s->brackets >= 2) {
            s->state = TEXT;
        }
        s->brackets = c == ']' ? s->brackets + (s->brackets < 2) : 0;
        break;
    case INSTRUCTION:
        if (c == '>' && s->brackets) {
            s->state = TEXT;
        }
        s->brackets = c == '?';
        break;
    default: /* BOGUS */
        if (c == '>') {
            s->state = TEXT;
        } else if (c == '[' && s->xml) {
            /* A doctype that declares things: what the page means is not for us to find out. */
            s->state = OVER;
            s->left |= OC_SCAN_LEFT_OPEN;
        }
        break;
    }
}

/* ---- raw text ---- */

/* Within a script, "<!-- <script>" hides the next end tag. */
static void raw_byte(oc_scan_t *s, char c)
{
    if (c == '>' && s->dashes >= 2) {
        s->escaped = s->twice = 0;
    }
    s->dashes = c == '-' ? s->dashes + (s->dashes < 2) : 0;
    s->state = c == '<' ? RAW_LESS : RAW;
}

static void in_raw(oc_scan_t *s, char c, apr_uint64_t after)
{
    switch (s->state) {
    case RAW:
        raw_byte(s, c);
        if (c == '<') {
            s->tag_at = after - 1;
        }
        return;
    case RAW_LESS:
        s->matched = 0;
        s->raw_closing = c == '/';
        if (c == '/') {
            s->state = RAW_NAME;
        } else if (s->script && c == '!') {
            s->state = RAW_BANG;
        } else if (s->script && s->escaped && oc_markup_is_letter(c)) {
            s->state = RAW_NAME;
            in_raw(s, c, after);
        } else {
            s->state = RAW;
            in_raw(s, c, after);
        }
        return;
    case RAW_BANG:
        if (c == '-' && ++s->matched == 2) {
            s->escaped = 1;
            s->dashes = 2;
            s->state = RAW;
        } else if (c != '-') {
            s->dashes = (int)s->matched;
            s->state = RAW;
            in_raw(s, c, after);
        }
        return;
    default: /* RAW_NAME */
        if (s->raw[s->matched] && oc_markup_lower(c) == s->raw[s->matched]) {
            ++s->matched;
            return;
        }
        s->state = RAW;
        s->dashes = 0;
        if (s->raw[s->matched] || !(c == '>' || c == '/' || oc_markup_is_blank(c))) {
            in_raw(s, c, after);
        } else if (!s->raw_closing || s->twice) {
            s->twice = !s->raw_closing;
            in_raw(s, c, after);
        } else if (strcmp(s->raw, "plaintext") != 0) {
            tag_begins(s, 1);
            apr_cpystrn(s->name, s->raw, sizeof(s->name));
            s->name_len = strlen(s->name);
            in_tag_name(s, c, after);
        }
        return;
    }
}

/* ---- the bytes ---- */

static void step(oc_scan_t *s, char c, apr_uint64_t after)
{
    switch (s->state) {
    case TEXT:
        if (c == '<') {
            s->state = TAG_OPEN;
            s->tag_at = after - 1;
        }
        break;
    case TAG_OPEN:
        if (oc_markup_is_letter(c)) {
            tag_begins(s, 0);
            in_tag_name(s, c, after);
        } else if (c == '/') {
            s->state = END_TAG_OPEN;
        } else if (c == '!') {
            s->name_len = 0;
            s->state = MARKUP;
        } else if (c == '?') {
            s->brackets = 0;
            s->state = s->xml ? INSTRUCTION : BOGUS;
        } else {
            s->state = TEXT;
            step(s, c, after);
        }
        break;
    case END_TAG_OPEN:
        if (oc_markup_is_letter(c)) {
            tag_begins(s, 1);
            in_tag_name(s, c, after);
        } else {
            s->state = c == '>' ? TEXT : BOGUS;
        }
        break;
    case TAG_NAME:
        in_tag_name(s, c, after);
        break;
    case MARKUP:
        in_markup(s, c);
        break;
    case BOGUS:
    case CDATA:
    case INSTRUCTION:
        in_section(s, c);
        break;
    case COMMENT_START:
    case COMMENT_START_DASH:
    case COMMENT:
    case COMMENT_DASH:
    case COMMENT_END:
    case COMMENT_BANG:
        in_comment(s, c);
        break;
    case RAW:
    case RAW_LESS:
    case RAW_BANG:
    case RAW_NAME:
        in_raw(s, c, after);
        break;
    case OVER:
        break;
    default:
        in_tag(s, c, after);
        break;
    }
}

/* ---- runs of bytes ---- */

/* To the end of a name, which `len` bytes are known of already; lower case. One that is too long
 * does not become longer than NAME_MAX_BYTES - 1 here: the next step() sees to it. */
static const char *skip_name(char *name, apr_size_t *len, const char *p, const char *end)
{
    apr_size_t n = *len;

    while (p < end && n < NAME_MAX_BYTES - 1 && *p != '>' && *p != '/' && *p != '=' &&
           !oc_markup_is_blank(*p)) {
        name[n++] = oc_markup_lower(*p++);
    }
    *len = n;
    return p;
}

static const char *skip_value(oc_scan_t *s, const char *p, const char *end)
{
    const char *from = p;

    if (s->state == VALUE_BARE) {
        p = oc_markup_bare_end(p, end);
    } else {
        p = oc_markup_find(p, s->state == VALUE_DOUBLE ? '"' : '\'', end);
    }
    value_bytes(s, from, (apr_size_t)(p - from));
    return p;
}

static const char *skip_raw(oc_scan_t *s, const char *p, const char *end)
{
    const char *from = p;

    if (!s->escaped) {
        p = oc_markup_find(p, '<', end);
    } else if (s->dashes == 0) {
        p = oc_markup_find_either(p, '<', '-', end);
    }
    s->dashes = p > from ? 0 : s->dashes;
    return p;
}

/* Passes over what only goes on with what is under way: the first byte that does not, or `end`. */
static const char *skip(oc_scan_t *s, const char *p, const char *end)
{
    switch (s->state) {
    case TEXT:
        return oc_markup_pass(p, s->open != NULL, end);
    case TAG_NAME:
        return skip_name(s->name, &s->name_len, p, end);
    case ATTRIBUTE_NAME:
        return skip_name(s->attribute, &s->attribute_len, p, end);
    case VALUE_DOUBLE:
    case VALUE_SINGLE:
    case VALUE_BARE:
        return skip_value(s, p, end);
    case COMMENT:
        return oc_markup_find(p, '-', end);
    case BOGUS:
        return s->xml ? oc_markup_find_either(p, '[', '>', end) : oc_markup_find(p, '>', end);
    case CDATA:
        return s->brackets ? p : oc_markup_find(p, ']', end);
    case INSTRUCTION:
        return s->brackets ? p : oc_markup_find(p, '?', end);
    case RAW:
        return skip_raw(s, p, end);
    default:
        return p;
    }
}

/* Looks at up to `len` bytes; returns how many, fewer after a placeholder has begun. */
static apr_size_t run(oc_scan_t *s, const char *data, apr_size_t len)
{
    const char *was = s->open, *p = data, *end = data + len;

    while (p < end && s->open == was) {
        p = skip(s, p, end);
        if (p < end) {
            ++p;
            step(s, p[-1], s->offset + (apr_uint64_t)(p - data));
        }
    }
    return (apr_size_t)(p - data);
}

void oc_scan_feed(oc_scan_t *s, const char *data, apr_size_t len)
{
    while (len > 0 && s->state != OVER) {
        apr_size_t n = len;

        if (s->open) {
            apr_uint64_t room = s->open_at + OC_SCAN_CONTENT - s->offset;
            n = room < n ? (apr_size_t)room : n;
        }
        n = run(s, data, n);
        s->offset += n;
        data += n;
        len -= n;
        if (s->open && s->offset >= s->open_at + OC_SCAN_CONTENT) {
            placeholder_lost(s, OC_SCAN_LEFT_CONTENT, s->offset);
        }
    }
    s->offset += len;
}

void oc_scan_end(oc_scan_t *s)
{
    if (s->open) {
        placeholder_lost(s, OC_SCAN_LEFT_OPEN, s->offset);
    }
    s->state = OVER;
}
