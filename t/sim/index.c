/* Case folding of names and the case-blind index of mailboxes, folders and items. */
#include "store_private.h"

#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* A server of this kind is of no use without memory: give up loudly. */
void *sim_must(void *p)
{
    if (!p) {
        abort();
    }
    return p;
}

static int utf8_next(const unsigned char **s)
{
    int c = **s, n, i;

    n = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : -1;
    if (n < 0) {
        ++*s;
        return c;
    }
    c = n == 0 ? c : c & (0x3f >> n);
    ++*s;
    for (i = 0; i < n && (**s & 0xc0) == 0x80; i++) {
        c = c << 6 | (*(*s)++ & 0x3f);
    }
    return c;
}

static char *utf8_put(char *o, int c)
{
    if (c < 0x80) {
        *o++ = (char)c;
    }
    else if (c < 0x800) {
        *o++ = (char)(0xc0 | c >> 6);
        *o++ = (char)(0x80 | (c & 0x3f));
    }
    else if (c < 0x10000) {
        *o++ = (char)(0xe0 | c >> 12);
        *o++ = (char)(0x80 | (c >> 6 & 0x3f));
        *o++ = (char)(0x80 | (c & 0x3f));
    }
    else {
        *o++ = (char)(0xf0 | c >> 18);
        *o++ = (char)(0x80 | (c >> 12 & 0x3f));
        *o++ = (char)(0x80 | (c >> 6 & 0x3f));
        *o++ = (char)(0x80 | (c & 0x3f));
    }
    return o;
}

char *sim_fold(const char *name)
{
    static locale_t utf8;
    locale_t made;
    /* a folded character may be longer than its source, by at most one byte in two */
    char *out = sim_must(malloc(strlen(name) * 2 + 1)), *o = out;
    const unsigned char *s = (const unsigned char *)name;

    if (!__atomic_load_n(&utf8, __ATOMIC_ACQUIRE)) {
        made = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        __atomic_store_n(&utf8, made, __ATOMIC_RELEASE);
    }
    while (*s) {
        if (*s < 0x80) {
            *o++ = (char)tolower(*s++);
        }
        else {
            int c = utf8_next(&s);

            o = utf8_put(o, utf8 ? (int)towlower_l((wint_t)c, utf8) : c);
        }
    }
    *o = '\0';
    return out;
}

static unsigned hash_of(const char *key)
{
    unsigned h = 2166136261u;

    for (; *key; key++) {
        h = (h ^ (unsigned char)*key) * 16777619u;
    }
    return h;
}

sim_node_t *sim_index_find(const sim_index_t *ix, const char *name)
{
    sim_node_t *n = NULL;
    unsigned h;
    char *key;

    if (!ix->count) {
        return NULL;
    }
    key = sim_fold(name);
    h = hash_of(key);
    for (n = ix->slots[h & (ix->nslots - 1)]; n; n = n->next) {
        if (n->hash == h && strcmp(n->key, key) == 0) {
            break;
        }
    }
    free(key);
    return n;
}

static void index_grow(sim_index_t *ix)
{
    unsigned n = ix->nslots ? ix->nslots * 2 : 8, i;
    sim_node_t **slots = sim_must(calloc(n, sizeof(*slots))), *node, *next;

    for (i = 0; i < ix->nslots; i++) {
        for (node = ix->slots[i]; node; node = next) {
            next = node->next;
            node->next = slots[node->hash & (n - 1)];
            slots[node->hash & (n - 1)] = node;
        }
    }
    free(ix->slots);
    ix->slots = slots;
    ix->nslots = n;
}

void sim_index_add(sim_index_t *ix, sim_node_t *node, const char *name)
{
    if (ix->count >= ix->nslots) {
        index_grow(ix);
    }
    node->key = sim_fold(name);
    node->hash = hash_of(node->key);
    node->next = ix->slots[node->hash & (ix->nslots - 1)];
    ix->slots[node->hash & (ix->nslots - 1)] = node;
    ix->count++;
}

void sim_index_remove(sim_index_t *ix, sim_node_t *node)
{
    sim_node_t **at = &ix->slots[node->hash & (ix->nslots - 1)];

    while (*at != node) {
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    free(node->key);
    node->key = NULL;
    ix->count--;
}
