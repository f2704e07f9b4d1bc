/* lease.c - leases and ledger: two arrays of fixed rows behind one robust mutex.
 *
 * Rows are found by a linear scan that compares 32-bit hashes first: a few thousand rows take
 * microseconds, and nothing has to be rebuilt when a child dies in the middle of a change. A row
 * counts only once its `used` is set, which is written last and cleared first.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <apr_strings.h>

#include "base/robust.h"
#include "base/str.h"
#include "op/lease.h"

#define MAGIC       0x6f636c31u
#define KEY_MAX     512 /* a host of at most 253 bytes, a separator, an address of at most 254 */
#define UID_MAX     256
#define OP_MAX      24
#define SLEEP_FIRST 2000 /* microseconds between two tries of a waiting request */
#define SLEEP_LAST  20000

typedef struct lease_row_t {
    _Atomic int used;
    apr_uint32_t hash;
    oc_mono_t expires;
    char key[KEY_MAX];
    char op[OP_MAX];
} lease_row_t;

typedef struct ledger_row_t {
    _Atomic int used;
    apr_uint32_t hash;
    oc_mono_t noted;
    oc_range_t range;
    char key[KEY_MAX];
    char uid[UID_MAX];
} ledger_row_t;

struct oc_lease_t {
    apr_uint32_t magic;
    int leases, ledger; /* numbers of rows */
    int waits, refused; /* for the status page */
    pthread_mutex_t mutex;
    lease_row_t rows[]; /* then the ledger's */
};

typedef struct room_key_t {
    apr_uint32_t hash;
    char text[KEY_MAX];
} room_key_t;

static ledger_row_t *ledger_of(oc_lease_t *table)
{
    return (ledger_row_t *)(table->rows + table->leases);
}

apr_size_t oc_lease_size(int leases, int ledger)
{
    return sizeof(oc_lease_t) + (apr_size_t)leases * sizeof(lease_row_t) +
           (apr_size_t)ledger * sizeof(ledger_row_t);
}

oc_lease_t *oc_lease_init(void *memory, int leases, int ledger)
{
    oc_lease_t *table = memory;

    memset(memory, 0, oc_lease_size(leases, ledger));
    if (!oc_robust_init(&table->mutex)) {
        return NULL;
    }
    table->leases = leases;
    table->ledger = ledger;
    table->magic = MAGIC;
    return table;
}

/* A child that died inside left at most one row half written, and that row is not `used`: the table
 * is sound as it is. */
static int lock(oc_lease_t *table)
{
    return oc_robust_lock(&table->mutex);
}

static void unlock(oc_lease_t *table)
{
    pthread_mutex_unlock(&table->mutex);
}

/* "server\naddress", the address without regard to ASCII case. 0: too long to be kept. */
static int make_key(room_key_t *key, const char *server, const char *room)
{
    apr_size_t server_len = strlen(server), room_len = strlen(room), n = server_len, i;

    if (server_len + room_len + 2 > KEY_MAX) {
        return 0;
    }
    memcpy(key->text, server, server_len);
    key->text[n++] = '\n';
    oc_str_lower_to(key->text + n, room, room_len);
    n += room_len;
    key->hash = 2166136261u; /* FNV-1a */
    for (i = 0; i < n; ++i) {
        key->hash = (key->hash ^ (unsigned char)key->text[i]) * 16777619u;
    }
    return 1;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const room_key_t *)a)->text, ((const room_key_t *)b)->text);
}

/* Keys of all rooms, sorted, each once; their number, or -1. */
static int make_keys(room_key_t *keys, const char *server, const char *const *rooms, int n)
{
    int i, kept = 0;

    if (n < 0 || n > OC_LEASE_MAX_ROOMS) {
        return -1;
    }
    for (i = 0; i < n; ++i) {
        if (!make_key(&keys[i], server, rooms[i])) {
            return -1;
        }
    }
    qsort(keys, (size_t)n, sizeof(*keys), by_text);
    for (i = 0; i < n; ++i) {
        if (!kept || strcmp(keys[kept - 1].text, keys[i].text)) {
            keys[kept++] = keys[i];
        }
    }
    return kept;
}

typedef enum attempt_t { TAKEN_ALL, HELD_BY_OTHERS, NO_SPACE, NO_LOCK } attempt_t;

static attempt_t attempt(oc_lease_t *table, const room_key_t *keys, int n, const char *op_id,
                         oc_mono_t expires)
{
    lease_row_t *put[OC_LEASE_MAX_ROOMS] = {NULL};
    int have[OC_LEASE_MAX_ROOMS] = {0};
    oc_mono_t now = oc_clock_mono();
    attempt_t result = TAKEN_ALL;
    int i, row, empty = 0;

    if (!lock(table)) {
        return NO_LOCK;
    }
    for (row = 0; row < table->leases && result == TAKEN_ALL; ++row) {
        lease_row_t *r = &table->rows[row];
        if (r->used && r->expires <= now) {
            r->used = 0;
        }
        if (!r->used) {
            if (empty < n) {
                put[empty++] = r;
            }
            continue;
        }
        for (i = 0; i < n; ++i) {
            if (r->hash == keys[i].hash && !strcmp(r->key, keys[i].text)) {
                if (strcmp(r->op, op_id)) {
                    result = HELD_BY_OTHERS;
                } else {
                    have[i] = 1;
                    r->expires = expires;
                }
            }
        }
    }
    if (result == TAKEN_ALL) {
        int wanted = 0;
        for (i = 0; i < n; ++i) {
            wanted += !have[i];
        }
        if (wanted > empty) {
            result = NO_SPACE;
        } else {
            for (i = 0, empty = 0; i < n; ++i) {
                lease_row_t *r = put[empty];
                if (have[i]) {
                    continue;
                }
                ++empty;
                r->hash = keys[i].hash;
                r->expires = expires;
                memcpy(r->key, keys[i].text, KEY_MAX);
                apr_cpystrn(r->op, op_id, OP_MAX);
                r->used = 1;
            }
        }
    }
    unlock(table);
    return result;
}

static apr_status_t refuse(oc_lease_t *table, attempt_t why, oc_result_t *res)
{
    if (why == NO_LOCK) {
        return oc_result_fail(res, OC_REASON_INTERNAL, "the lease table cannot be locked");
    }
    if (lock(table)) {
        ++table->refused;
        unlock(table);
    }
    res->retry_after = 2;
    return oc_result_fail(res, OC_REASON_BUSY, "%s",
                          why == NO_SPACE ? "the lease table is full"
                                          : "a room is being booked by somebody else right now");
}

static apr_status_t take(oc_lease_t *table, const char *server, const char *const *rooms, int n,
                         const char *op_id, oc_mono_t expires, oc_mono_t wait_until,
                         oc_result_t *res)
{
    room_key_t keys[OC_LEASE_MAX_ROOMS];
    apr_time_t pause = SLEEP_FIRST;
    int waited = 0;

    n = make_keys(keys, server, rooms, n);
    if (n < 0 || strlen(op_id) >= OP_MAX) {
        return oc_result_fail(res, OC_REASON_INTERNAL,
                              "too many rooms, or a name too long to lease");
    }
    for (;;) {
        attempt_t got = attempt(table, keys, n, op_id, expires);
        oc_mono_t now = oc_clock_mono();
        struct timespec rest;

        if (got == TAKEN_ALL) {
            return APR_SUCCESS;
        }
        if (got == NO_LOCK || now >= wait_until) {
            return refuse(table, got, res);
        }
        if (!waited && lock(table)) {
            waited = 1;
            ++table->waits;
            unlock(table);
        }
        if (pause > wait_until - now) {
            pause = wait_until - now;
        }
        rest.tv_sec = 0;
        rest.tv_nsec = (long)pause * 1000;
        nanosleep(&rest, NULL);
        pause = pause * 3 / 2 < SLEEP_LAST ? pause * 3 / 2 : SLEEP_LAST;
    }
}

apr_status_t oc_lease_take(oc_lease_t *table, const char *server, const char *const *rooms, int n,
                           const char *op_id, oc_mono_t expires, oc_mono_t wait_until,
                           oc_result_t *res)
{
    return take(table, server, rooms, n, op_id, expires, wait_until, res);
}

apr_status_t oc_lease_try(oc_lease_t *table, const char *server, const char *const *rooms, int n,
                          const char *op_id, oc_mono_t expires, oc_result_t *res)
{
    return take(table, server, rooms, n, op_id, expires, 0, res);
}

void oc_lease_extend(oc_lease_t *table, const char *op_id, oc_mono_t expires)
{
    oc_mono_t now = oc_clock_mono();
    int row;

    if (!lock(table)) {
        return;
    }
    for (row = 0; row < table->leases; ++row) {
        lease_row_t *r = &table->rows[row];
        /* One that has expired may have been decided upon by others: it must not come back. */
        if (r->used && !strcmp(r->op, op_id) && r->expires > now && r->expires < expires) {
            r->expires = expires;
        }
    }
    unlock(table);
}

void oc_lease_release(oc_lease_t *table, const char *op_id)
{
    int row;

    if (!lock(table)) {
        return;
    }
    for (row = 0; row < table->leases; ++row) {
        lease_row_t *r = &table->rows[row];
        if (r->used && !strcmp(r->op, op_id)) {
            r->used = 0;
        }
    }
    unlock(table);
}

int oc_lease_held(oc_lease_t *table, const char *op_id, int n)
{
    oc_mono_t now = oc_clock_mono();
    int row, held = 0;

    if (!lock(table)) {
        return 0;
    }
    for (row = 0; row < table->leases; ++row) {
        const lease_row_t *r = &table->rows[row];
        held += r->used && !strcmp(r->op, op_id) && r->expires > now;
    }
    unlock(table);
    return held >= n;
}

apr_status_t oc_ledger_note(oc_lease_t *table, const char *server, const char *room,
                            oc_range_t range, const char *uid, oc_result_t *res)
{
    ledger_row_t *place = NULL, *same = NULL, *oldest = NULL, *rows = ledger_of(table);
    oc_mono_t now = oc_clock_mono();
    apr_time_t wall = oc_clock_wall();
    room_key_t key;
    int row;

    if (!make_key(&key, server, room) || strlen(uid) >= UID_MAX) {
        return oc_result_fail(res, OC_REASON_INTERNAL, "a room or uid is too long for the ledger");
    }
    if (!lock(table)) {
        return oc_result_fail(res, OC_REASON_INTERNAL, "the lease table cannot be locked");
    }
    for (row = 0; row < table->ledger; ++row) {
        ledger_row_t *r = &rows[row];
        if (r->used && r->range.end <= wall) {
            r->used = 0; /* over: nothing can clash with it any more */
        }
        if (!r->used) {
            place = place ? place : r;
        } else if (r->hash == key.hash && !strcmp(r->key, key.text) && !strcmp(r->uid, uid)) {
            same = r;
        } else if (now - r->noted >= OC_LEDGER_HOUR && (!oldest || r->noted < oldest->noted)) {
            oldest = r;
        }
    }
    place = same ? same : place ? place : oldest;
    if (place) {
        place->used = 0;
        place->hash = key.hash;
        place->noted = now;
        place->range = range;
        memcpy(place->key, key.text, KEY_MAX);
        apr_cpystrn(place->uid, uid, UID_MAX);
        place->used = 1;
    }
    unlock(table);
    if (!place) {
        oc_result_fail(res, OC_REASON_BUSY, "the ledger of recent bookings is full");
        return APR_ENOSPC;
    }
    return APR_SUCCESS;
}

int oc_ledger_clash(oc_lease_t *table, const char *server, const char *room, oc_range_t range,
                    const char *not_uid, apr_time_t max_age, oc_range_t *clash)
{
    ledger_row_t *rows = ledger_of(table);
    oc_mono_t now = oc_clock_mono();
    room_key_t key;
    int row, found = 0;

    if (!make_key(&key, server, room) || !lock(table)) {
        return 0;
    }
    for (row = 0; row < table->ledger && !found; ++row) {
        const ledger_row_t *r = &rows[row];
        if (r->used && r->hash == key.hash && !strcmp(r->key, key.text) &&
            oc_range_overlaps(r->range, range) && !(not_uid && !strcmp(r->uid, not_uid)) &&
            (!max_age || now - r->noted <= max_age)) {
            found = 1;
            if (clash) {
                *clash = r->range;
            }
        }
    }
    unlock(table);
    return found;
}

int oc_ledger_has(oc_lease_t *table, const char *server, const char *room, const char *uid)
{
    ledger_row_t *rows = ledger_of(table);
    room_key_t key;
    int row, found = 0;

    if (!make_key(&key, server, room) || !lock(table)) {
        return 0;
    }
    for (row = 0; row < table->ledger && !found; ++row) {
        const ledger_row_t *r = &rows[row];
        found = r->used && r->hash == key.hash && !strcmp(r->key, key.text) && !strcmp(r->uid, uid);
    }
    unlock(table);
    return found;
}

void oc_ledger_forget(oc_lease_t *table, const char *server, const char *room, const char *uid)
{
    ledger_row_t *rows = ledger_of(table);
    room_key_t key;
    int row;

    if (!make_key(&key, server, room ? room : "") || !lock(table)) {
        return;
    }
    for (row = 0; row < table->ledger; ++row) {
        ledger_row_t *r = &rows[row];
        /* Without a room the key is "server\n": what all rooms of that server begin with. */
        if (r->used && !strcmp(r->uid, uid) &&
            (room ? !strcmp(r->key, key.text) : !strncmp(r->key, key.text, strlen(key.text)))) {
            r->used = 0;
        }
    }
    unlock(table);
}

void oc_lease_stats(oc_lease_t *table, oc_lease_stats_t *out)
{
    const ledger_row_t *rows = ledger_of(table);
    oc_mono_t now = oc_clock_mono();
    int row;

    memset(out, 0, sizeof(*out));
    if (!lock(table)) {
        return;
    }
    for (row = 0; row < table->leases; ++row) {
        out->leases += table->rows[row].used && table->rows[row].expires > now;
    }
    for (row = 0; row < table->ledger; ++row) {
        out->ledger += rows[row].used != 0;
    }
    out->waits = table->waits;
    out->refused = table->refused;
    unlock(table);
}
