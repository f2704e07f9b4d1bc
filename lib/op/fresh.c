/* fresh.c - rows in sets of WAYS, and a table of instants for what was changed.
 *
 * A row may stand only in the set that its hash names; scope, address, start and slot are compared
 * in full. The hash begins with bytes of the scope's HMAC, which nobody outside knows, so nobody
 * can aim at the set of somebody else's row.
 *
 * What was changed is kept by hash alone: of two addresses that share a place either makes both ask
 * again, and the place never runs out. Whichever server it was on: one may have several names.
 */
#include <stdatomic.h>
#include <string.h>
#include <apr_strings.h>

#include "base/robust.h"
#include "base/str.h"
#include "op/fresh.h"

#define WAYS        8
#define CHANGED     8192 /* places for instants of changes */
#define ADDRESS_BYTES 128  /* with its NUL; a longer address, or name, is not kept */
#define NAME_BYTES    96
#define DAY         apr_time_from_sec(86400)

typedef struct row_t {
    _Atomic oc_mono_t asked; /* 0: empty. Written last and cleared first */
    apr_time_t start, slot;
    int count, lists, members;
    int named; /* 0: the server gave no name */
    unsigned char whose[OC_HMAC_SIZE];
    char address[ADDRESS_BYTES]; /* lower case */
    char name[NAME_BYTES];
    unsigned char busy[OC_FRESH_SLOTS / 2]; /* two slots in a byte */
} row_t;

struct oc_fresh_t {
    pthread_mutex_t mutex;
    apr_uint32_t sets;
    _Atomic oc_mono_t changed[CHANGED];
    row_t rows[]; /* sets * WAYS */
};

/* What a row is found by. */
typedef struct place_t {
    const oc_fresh_scope_t *scope;
    char address[ADDRESS_BYTES];
    apr_time_t start, slot;
    int lists;
} place_t;

static apr_uint32_t sets_for(int rows)
{
    return rows <= WAYS ? 1 : ((apr_uint32_t)rows + WAYS - 1) / WAYS;
}

apr_size_t oc_fresh_size(int rows)
{
    return sizeof(oc_fresh_t) + sizeof(row_t) * WAYS * sets_for(rows);
}

oc_fresh_t *oc_fresh_init(void *memory, int rows)
{
    oc_fresh_t *table = memory;

    table->sets = sets_for(rows);
    return oc_robust_init(&table->mutex) ? table : NULL;
}

/* A child that died inside left at most one row half written, and that is empty: nothing has to be
 * mended. */
static int lock(oc_fresh_t *table)
{
    return oc_robust_lock(&table->mutex);
}

static void unlock(oc_fresh_t *table)
{
    pthread_mutex_unlock(&table->mutex);
}

apr_status_t oc_fresh_scope(oc_fresh_scope_t *scope, const oc_secret_t *secret,
                            const oc_backend_conf_t *backend, const char *const *whose, int count)
{
    const char *strings[16];
    char port[16];
    int n = 0;

    if (count < 1 || count > 8) {
        return APR_EINVAL;
    }
    apr_snprintf(port, sizeof(port), "%d", backend->site->port);
    /* Two virtual hosts may give one name to two servers. */
    strings[n++] = "freshness1";
    strings[n++] = backend->kind;
    strings[n++] = backend->name;
    strings[n++] = backend->site->scheme;
    strings[n++] = backend->site->host;
    strings[n++] = port;
    strings[n++] = backend->site->connect;
    strings[n++] = backend->public_path;
    memcpy(strings + n, whose, sizeof(*whose) * (size_t)count);
    scope->mailbox = NULL;
    return oc_crypto_hmac(scope->whose, secret, 0, strings, n + count);
}

/* ---- hashes ---- */

#define FNV_BASIS 14695981039346656037u
#define FNV_PRIME 1099511628211u

static apr_uint64_t hash_bytes(apr_uint64_t h, const void *data, apr_size_t len)
{
    const unsigned char *p = data;

    for (apr_size_t i = 0; i < len; ++i) {
        h = (h ^ p[i]) * FNV_PRIME;
    }
    return h;
}

/* Its last bits alone are no good measure of the rest. */
static apr_uint32_t folded(apr_uint64_t h)
{
    return (apr_uint32_t)(h ^ h >> 32);
}

/* 0: too long. */
static int lower(char out[ADDRESS_BYTES], const char *s, apr_size_t len)
{
    if (len >= ADDRESS_BYTES) {
        return 0;
    }
    oc_str_lower_to(out, s, len);
    return 1;
}

/* Anything too long for a row shares one place: nothing is kept of it. */
static _Atomic oc_mono_t *changed_at(oc_fresh_t *table, const char *who, apr_size_t len)
{
    char text[ADDRESS_BYTES] = "";

    lower(text, who, len);
    return &table->changed[folded(hash_bytes(FNV_BASIS, text, strlen(text))) % CHANGED];
}

static void change(_Atomic oc_mono_t *at, oc_mono_t now)
{
    oc_mono_t old = atomic_load(at);

    while (old < now && !atomic_compare_exchange_weak(at, &old, now)) {
    }
}

void oc_fresh_touch(oc_fresh_t *table, const char *address)
{
    oc_mono_t now = oc_clock_mono();

    if (table) {
        change(changed_at(table, address, strlen(address)), now);
        change(changed_at(table, "", 0), now); /* for lists: who is in them is not kept */
    }
}

static oc_mono_t change_of(oc_fresh_t *table, const char *who, apr_size_t len)
{
    return atomic_load(changed_at(table, who, len));
}

static oc_mono_t later(oc_mono_t a, oc_mono_t b)
{
    return a > b ? a : b;
}

/* When something was last changed that a row about this address shows, or may show to the reader
 * whose doing it is. */
static oc_mono_t last_change(oc_fresh_t *table, const oc_fresh_scope_t *scope, const char *address,
                             int members)
{
    oc_mono_t last = later(change_of(table, address, strlen(address)),
                           change_of(table, address, strcspn(address, "@")));

    if (scope->mailbox) {
        last = later(last, change_of(table, scope->mailbox, strlen(scope->mailbox)));
    }
    return members ? later(last, change_of(table, "", 0)) : last;
}

/* ---- rows ---- */

static row_t *set_of(oc_fresh_t *table, const place_t *p)
{
    apr_uint64_t h = hash_bytes(FNV_BASIS, p->scope->whose, 16);

    h = hash_bytes(h, p->address, strlen(p->address) + 1);
    h = hash_bytes(h, &p->start, sizeof(p->start));
    h = hash_bytes(h, &p->slot, sizeof(p->slot));
    return &table->rows[(apr_size_t)(folded(h) % table->sets) * WAYS];
}

static int is_at(const row_t *row, const place_t *p)
{
    return row->asked && row->start == p->start && row->slot == p->slot && row->lists == p->lists &&
           memcmp(row->whose, p->scope->whose, OC_HMAC_SIZE) == 0 &&
           strcmp(row->address, p->address) == 0;
}

static row_t *find(oc_fresh_t *table, const place_t *p)
{
    row_t *set = set_of(table, p);

    for (int i = 0; i < WAYS; ++i) {
        if (is_at(&set[i], p)) {
            return &set[i];
        }
    }
    return NULL;
}

/* Slots of a stretch; 0: there is no cutting such a query. */
static int stretch_slots(apr_time_t slot)
{
    apr_time_t n = slot > 0 && slot <= DAY ? DAY / slot : 0;

    return n < OC_FRESH_SLOTS ? (int)n : OC_FRESH_SLOTS;
}

static int place_for(place_t *p, const oc_fresh_scope_t *scope, const char *address,
                     const oc_freebusy_t *whole, int lists)
{
    int most = stretch_slots(whole->slot);

    p->scope = scope;
    p->slot = whole->slot;
    p->lists = lists != 0;
    return most > 0 && (whole->range.end - whole->range.start) % whole->slot == 0 &&
           (whole->count + most - 1) / most <= OC_FRESH_STRETCHES &&
           lower(p->address, address, strlen(address));
}

/* The stretch that begins with slot `at` of `whole`; its number of slots. */
static int stretch(place_t *p, const oc_freebusy_t *whole, int at)
{
    int most = stretch_slots(whole->slot), left = whole->count - at;

    p->start = whole->range.start + (apr_time_t)at * whole->slot;
    return left < most ? left : most;
}

static void unpack(unsigned char *out, const unsigned char *busy, int n)
{
    for (int i = 0; i < n; ++i) {
        out[i] = busy[i / 2] >> (i % 2 * 4) & 15;
    }
}

static void pack(unsigned char *busy, const unsigned char *in, int n)
{
    for (int i = 0; i < n; ++i) {
        unsigned char before = i % 2 ? busy[i / 2] : 0;
        busy[i / 2] = (unsigned char)(before | in[i] << (i % 2 * 4));
    }
}

/* Does it count, and does it hold n slots? */
static int usable(oc_fresh_t *table, const place_t *p, const row_t *row, int n, apr_time_t age)
{
    oc_mono_t now = oc_clock_mono(), asked = row->asked;

    return row->count >= n && asked <= now && now - asked <= age &&
           asked > last_change(table, p->scope, p->address, row->members);
}

/* One stretch into slots [at, at + n) of `whole`; 1 if it is there. Locked. */
static int take(oc_fresh_t *table, const place_t *p, oc_freebusy_t *whole, int at, int n,
                apr_time_t age, char name[NAME_BYTES], oc_mono_t *asked)
{
    const row_t *row = find(table, p);

    if (!row || !usable(table, p, row, n, age) || (at > 0 && row->members != whole->members)) {
        return 0;
    }
    unpack(whole->busy + at, row->busy, n);
    whole->members = row->members;
    if (row->named) {
        apr_cpystrn(name, row->name, NAME_BYTES);
    }
    if (!*asked || row->asked < *asked) {
        *asked = row->asked;
    }
    return 1;
}

oc_freebusy_t *oc_fresh_get(oc_fresh_t *table, const oc_fresh_scope_t *scope, apr_pool_t *pool,
                            const char *address, oc_range_t range, apr_time_t slot, int lists,
                            apr_time_t age, oc_mono_t *asked)
{
    oc_freebusy_t *whole = oc_freebusy_create(pool, address, range, slot);
    oc_mono_t oldest = *asked;
    char name[NAME_BYTES] = "";
    int at = 0, n, there = 1;
    place_t p;

    if (!whole || !place_for(&p, scope, address, whole, lists) || !lock(table)) {
        return NULL;
    }
    for (; there && at < whole->count; at += n) {
        n = stretch(&p, whole, at);
        there = take(table, &p, whole, at, n, age, name, &oldest);
    }
    unlock(table);
    if (!there) {
        return NULL;
    }
    *asked = oldest;
    whole->told = 1;
    whole->name = *name ? apr_pstrdup(pool, name) : NULL;
    return whole;
}

/* Where it goes: its own place, or that of the oldest (an empty one is older than any). */
static row_t *victim(oc_fresh_t *table, const place_t *p)
{
    row_t *set = set_of(table, p), *oldest = set;

    for (int i = 0; i < WAYS; ++i) {
        if (is_at(&set[i], p)) {
            return &set[i];
        }
        if (set[i].asked < oldest->asked) {
            oldest = &set[i];
        }
    }
    return oldest;
}

static void keep(oc_fresh_t *table, const place_t *p, const oc_freebusy_t *whole, int at, int n,
                 oc_mono_t asked)
{
    row_t *row = victim(table, p);

    row->asked = 0;
    atomic_thread_fence(memory_order_seq_cst);
    row->start = p->start;
    row->slot = p->slot;
    row->count = n;
    row->lists = p->lists;
    row->members = whole->members;
    row->named = whole->name != NULL;
    memcpy(row->whose, p->scope->whose, OC_HMAC_SIZE);
    memcpy(row->address, p->address, ADDRESS_BYTES);
    apr_cpystrn(row->name, whole->name ? whole->name : "", NAME_BYTES);
    pack(row->busy, whole->busy + at, n);
    atomic_thread_fence(memory_order_seq_cst);
    row->asked = asked;
}

void oc_fresh_put(oc_fresh_t *table, const oc_fresh_scope_t *scope, const oc_freebusy_t *row,
                  int lists, oc_mono_t asked)
{
    int at = 0, n;
    place_t p;

    /* Without the name, where it does not fit, it would be another answer. */
    if (!row->told || asked <= 0 || (row->name && strlen(row->name) >= NAME_BYTES) ||
        !place_for(&p, scope, row->address, row, lists) ||
        asked <= last_change(table, scope, p.address, row->members) || !lock(table)) {
        return;
    }
    for (; at < row->count; at += n) {
        const row_t *old;

        n = stretch(&p, row, at);
        old = find(table, &p);
        /* Of two who asked at the same time the one who asked later knows better. */
        if (!old || old->asked <= asked) {
            keep(table, &p, row, at, n, asked);
        }
    }
    unlock(table);
}
