/* people.c - how well an entry of the address book fits what somebody typed. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "base/text.h"
#include "cal/attendee.h"
#include "cal/people.h"

#define BREAKS " ,;.()\"'<>-"

const char *oc_people_token(oc_people_kind_t kind)
{
    switch (kind) {
    case OC_PEOPLE_ROOM:
        return "room";
    case OC_PEOPLE_LIST:
        return "list";
    case OC_PEOPLE_PERSON:
        break;
    }
    return "person";
}

int oc_people_text_ok(apr_pool_t *pool, const char *text)
{
    int n = 0;

    if (!text || strlen(text) > 1024 || !oc_str_utf8(text, strlen(text)) ||
        oc_str_control(text, "")) {
        return 0;
    }
    for (text = oc_str_trim(pool, text); *text; ++text) {
        n += (*text & 0xc0) != 0x80;
    }
    return n >= OC_PEOPLE_MIN && n <= OC_PEOPLE_MAX;
}

/* ---- fit ---- */

/* Folded; what cannot be folded is equal to nothing that can. */
static const char *fold(apr_pool_t *pool, const char *s)
{
    const char *folded = s ? oc_text_fold(pool, s) : NULL;

    return folded ? folded : "";
}

/* 1 if some word of `text` begins with the n bytes at `word`. */
static int begins(const char *text, const char *word, size_t n)
{
    while (*text) {
        text += strspn(text, BREAKS);
        if (strncmp(text, word, n) == 0) {
            return 1;
        }
        text += strcspn(text, BREAKS);
    }
    return 0;
}

static int all_begin(const char *words, const char *const *texts, int count)
{
    int any = 0;

    while (*words) {
        size_t n;
        int i;

        words += strspn(words, BREAKS);
        n = strcspn(words, BREAKS);
        for (i = 0; n > 0 && i < count && !begins(texts[i], words, n); ++i) {
        }
        if (n > 0 && i == count) {
            return 0;
        }
        any |= n > 0;
        words += n;
    }
    return any;
}

oc_people_fit_t oc_people_fit(apr_pool_t *pool, const char *text, const oc_entry_t *e)
{
    const char *local =
        e->address ? apr_pstrmemdup(pool, e->address, strcspn(e->address, "@")) : NULL;
    const char *const texts[] = {fold(pool, e->name), fold(pool, e->alias), fold(pool, local)};
    const char *wanted = fold(pool, oc_str_trim(pool, text));

    if (!*wanted) {
        return OC_PEOPLE_FAR;
    }
    if (strcmp(wanted, texts[0]) == 0 || strcmp(wanted, texts[1]) == 0 ||
        (e->address && strcmp(wanted, fold(pool, e->address)) == 0)) {
        return OC_PEOPLE_EXACT;
    }
    if (strchr(wanted, '@')) {
        return OC_PEOPLE_FAR; /* another address is another person, however like it looks */
    }
    return all_begin(wanted, texts, 3) ? OC_PEOPLE_NEAR : OC_PEOPLE_FAR;
}

const oc_entry_t *oc_people_only(const oc_people_t *found)
{
    const oc_entry_t *best = NULL, *e;
    int i, exact = 0;

    for (i = 0; i < found->entries->nelts; ++i) {
        e = APR_ARRAY_IDX(found->entries, i, const oc_entry_t *);
        if (e->fit == OC_PEOPLE_EXACT) {
            best = e;
            ++exact;
        }
    }
    if (found->more || found->refused) {
        return NULL; /* among those not seen may be another one */
    }
    if (exact == 1) {
        return best;
    }
    e = found->entries->nelts == 1 ? APR_ARRAY_IDX(found->entries, 0, const oc_entry_t *) : NULL;
    return e && e->fit >= OC_PEOPLE_NEAR ? e : NULL;
}

void oc_people_sort(apr_pool_t *pool, apr_array_header_t *entries)
{
    oc_entry_t **e = (oc_entry_t **)entries->elts;
    const char **key = apr_palloc(pool, sizeof(*key) * (apr_size_t)(entries->nelts + 1));
    int i, k;

    for (i = 0; i < entries->nelts; ++i) { /* few: OC_PEOPLE_ROWS */
        oc_entry_t *one = e[i];
        const char *name = fold(pool, one->name);

        for (k = i; k > 0 && (e[k - 1]->fit < one->fit ||
                              (e[k - 1]->fit == one->fit && strcmp(key[k - 1], name) > 0));
             --k) {
            e[k] = e[k - 1];
            key[k] = key[k - 1];
        }
        e[k] = one;
        key[k] = name;
    }
}

oc_people_t *oc_people_copy(apr_pool_t *pool, const oc_people_t *found)
{
    oc_people_t *copy = apr_pmemdup(pool, found, sizeof(*copy));
    int i, k;

    copy->entries = apr_array_make(pool, found->entries->nelts + 1, sizeof(oc_entry_t *));
    for (i = 0; i < found->entries->nelts; ++i) {
        const oc_entry_t *from = APR_ARRAY_IDX(found->entries, i, const oc_entry_t *);
        oc_entry_t *e = apr_pmemdup(pool, from, sizeof(*e));

        e->name = apr_pstrdup(pool, from->name);
        e->address = apr_pstrdup(pool, from->address);
        e->alias = apr_pstrdup(pool, from->alias);
        e->title = apr_pstrdup(pool, from->title);
        e->office = apr_pstrdup(pool, from->office);
        e->company = apr_pstrdup(pool, from->company);
        e->members = from->members
                         ? apr_array_make(pool, from->members->nelts + 1, sizeof(const char *))
                         : NULL;
        for (k = 0; from->members && k < from->members->nelts; ++k) {
            APR_ARRAY_PUSH(e->members, const char *) =
                apr_pstrdup(pool, APR_ARRAY_IDX(from->members, k, const char *));
        }
        APR_ARRAY_PUSH(copy->entries, oc_entry_t *) = e;
    }
    return copy;
}

const char *oc_people_value(apr_pool_t *pool, const oc_entry_t *e)
{
    const char *value = NULL;
    int i;

    if (e->kind != OC_PEOPLE_LIST || !e->members) {
        return e->address;
    }
    for (i = 0; i < e->members->nelts; ++i) {
        const char *one = APR_ARRAY_IDX(e->members, i, const char *);
        value = value ? apr_pstrcat(pool, value, ", ", one, NULL) : one;
    }
    return value;
}
