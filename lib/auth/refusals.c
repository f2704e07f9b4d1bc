/* refusals.c - the shared table of refused passwords and logins under way.
 *
 * Entries lie in sets of WAYS; a key may stand only in the set its first bytes name. The bytes are
 * a keyed hash, so nobody outside can aim at another person's set.
 */
#include <string.h>

#include "auth/refusals.h"
#include "base/robust.h"

#define WAYS 8

typedef struct entry_t {
    unsigned char mac[OC_HMAC_SIZE];
    oc_mono_t until;    /* not valid from then on; 0 = empty */
    apr_uint64_t owner; /* of a TRYING mark; 0 = refused */
} entry_t;

struct oc_refusals_t {
    pthread_mutex_t mutex;
    apr_uint32_t sets;
    entry_t entry[]; /* sets * WAYS */
};

static apr_uint32_t sets_for(int entries)
{
    return entries <= WAYS ? 1 : ((apr_uint32_t)entries + WAYS - 1) / WAYS;
}

apr_size_t oc_refusals_size(int entries)
{
    return sizeof(oc_refusals_t) + sizeof(entry_t) * WAYS * sets_for(entries);
}

oc_refusals_t *oc_refusals_init(void *memory, int entries)
{
    oc_refusals_t *table = memory;

    memset(memory, 0, oc_refusals_size(entries));
    table->sets = sets_for(entries);
    return oc_robust_init(&table->mutex) ? table : NULL;
}

/* A child that died in here left at most a half-written entry: a key nobody has, or a mark lost or
 * kept too long. All of that ends with its expiry. */
static int lock(oc_refusals_t *table)
{
    return oc_robust_lock(&table->mutex);
}

static entry_t *set_of(oc_refusals_t *table, const unsigned char *mac)
{
    apr_uint32_t n = (apr_uint32_t)mac[0] << 24 | (apr_uint32_t)mac[1] << 16
                     | (apr_uint32_t)mac[2] << 8 | mac[3];

    return &table->entry[(apr_size_t)(n % table->sets) * WAYS];
}

/* The valid entry of that key, or NULL. */
static entry_t *find(oc_refusals_t *table, const unsigned char *mac, oc_mono_t now)
{
    entry_t *e = set_of(table, mac);
    int i;

    for (i = 0; i < WAYS; ++i, ++e) {
        if (e->until > now && memcmp(e->mac, mac, OC_HMAC_SIZE) == 0) {
            return e;
        }
    }
    return NULL;
}

static void put(oc_refusals_t *table, const unsigned char *mac, apr_uint64_t owner,
                oc_mono_t until, oc_mono_t now)
{
    entry_t *e = find(table, mac, now);

    if (!e) {
        entry_t *set = set_of(table, mac);
        int i;

        for (e = set, i = 1; i < WAYS; ++i) {
            if (set[i].until < e->until) {
                e = &set[i];
            }
        }
    }
    e->until = 0;
    memcpy(e->mac, mac, OC_HMAC_SIZE);
    e->owner = owner;
    e->until = until;
}

static oc_mark_t meaning(const entry_t *e, apr_uint64_t owner)
{
    if (!e || (e->owner != 0 && e->owner == owner)) {
        return OC_MARK_NONE;
    }
    return e->owner == 0 ? OC_MARK_REFUSED : OC_MARK_TRYING;
}

oc_mark_t oc_refusals_look(oc_refusals_t *table, const unsigned char mac[OC_HMAC_SIZE],
                           apr_uint64_t owner)
{
    oc_mark_t mark;

    if (!lock(table)) {
        return OC_MARK_NONE;
    }
    mark = meaning(find(table, mac, oc_clock_mono()), owner);
    pthread_mutex_unlock(&table->mutex);
    return mark;
}

oc_mark_t oc_refusals_begin(oc_refusals_t *table, const unsigned char mac[OC_HMAC_SIZE],
                            apr_uint64_t owner, oc_mono_t until)
{
    oc_mono_t now = oc_clock_mono();
    oc_mark_t mark;

    if (!lock(table)) {
        return OC_MARK_NONE;
    }
    mark = meaning(find(table, mac, now), owner);
    if (mark == OC_MARK_NONE) {
        put(table, mac, owner, until, now);
    }
    pthread_mutex_unlock(&table->mutex);
    return mark;
}

void oc_refusals_end(oc_refusals_t *table, const unsigned char mac[OC_HMAC_SIZE],
                     apr_uint64_t owner)
{
    entry_t *e;

    if (!lock(table)) {
        return;
    }
    e = find(table, mac, oc_clock_mono());
    if (e && e->owner == owner) {
        e->until = 0;
    }
    pthread_mutex_unlock(&table->mutex);
}

void oc_refusals_refuse(oc_refusals_t *table, const unsigned char mac[OC_HMAC_SIZE],
                        oc_mono_t until)
{
    if (!lock(table)) {
        return;
    }
    put(table, mac, 0, until, oc_clock_mono());
    pthread_mutex_unlock(&table->mutex);
}
