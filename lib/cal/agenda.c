/* agenda.c - a room's calendar or free/busy, cut down to what may be shown. */
#include "cal/agenda.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "base/text.h"

#define UID_BYTES 18 /* of the MAC */

const char *oc_agenda_uid(apr_pool_t *pool, const oc_agenda_seal_t *seal, const char *kind,
                          const char *what, oc_range_t when)
{
    const char *words[6] = {"agenda-uid1",
                            seal->backend,
                            kind,
                            what,
                            apr_psprintf(pool, "%" APR_TIME_T_FMT, when.start),
                            apr_psprintf(pool, "%" APR_TIME_T_FMT, when.end)};
    const char *mac = oc_crypto_sign(pool, seal->secret, UID_BYTES, words, 6);

    return mac ? apr_pstrcat(pool, mac, "@owacal", NULL) : NULL;
}

static int same_word(apr_pool_t *pool, const char *a, const char *b)
{
    a = a ? oc_text_fold(pool, oc_str_trim(pool, a)) : NULL;
    b = b ? oc_text_fold(pool, oc_str_trim(pool, b)) : NULL;
    return a && b && *a && strcmp(a, b) == 0;
}

/* Exchange can be set to write the organizer's name into a room's calendar in place of the subject:
 * that says who, not what. */
static int is_name(apr_pool_t *pool, const oc_booking_t *b)
{
    const char *at = b->organizer ? strchr(b->organizer, '@') : NULL;

    return same_word(pool, b->subject, b->organizer_name) ||
           same_word(pool, b->subject, b->organizer) ||
           (at && same_word(pool, b->subject,
                            apr_pstrmemdup(pool, b->organizer, (apr_size_t)(at - b->organizer))));
}

static int name_entry(apr_pool_t *pool, oc_agenda_entry_t *e, const oc_booking_t *b, int show)
{
    int repeated = is_name(pool, b);

    if (show >= 1) {
        e->by = b->organizer_name && *b->organizer_name ? b->organizer_name
                : repeated                              ? oc_str_trim(pool, b->subject)
                                                        : b->organizer;
        e->by_address = b->organizer;
        e->sequence = b->sequence;
        e->created = b->created;
        e->modified = b->modified;
    }
    if (show >= 2 && b->subject && *b->subject && !repeated) {
        e->subject = b->subject;
    }
    /* Occurrences of a series have one uid, and would be taken for one event. */
    return show >= 1 && b->uid && *b->uid && b->instance == OC_INSTANCE_SINGLE;
}

static int by_start(const void *a, const void *b)
{
    const oc_agenda_entry_t *x = a, *y = b;

    if (x->when.start != y->when.start) {
        return x->when.start < y->when.start ? -1 : 1;
    }
    if (x->when.end != y->when.end) {
        return x->when.end < y->when.end ? -1 : 1;
    }
    return strcmp(x->uid, y->uid); /* the same calendar reads the same each time */
}

static oc_agenda_t *empty(apr_pool_t *pool, const oc_room_t *room, oc_range_t range)
{
    oc_agenda_t *a = apr_pcalloc(pool, sizeof(*a));

    a->room = room;
    a->range = range;
    a->entries = apr_array_make(pool, 16, sizeof(oc_agenda_entry_t));
    return a;
}

static oc_agenda_entry_t *add(oc_agenda_t *a, oc_range_t when, oc_busy_t busy)
{
    oc_agenda_entry_t *e = apr_array_push(a->entries);

    memset(e, 0, sizeof(*e));
    e->when = when;
    e->busy = busy;
    return e;
}

oc_agenda_t *oc_agenda_of_calendar(apr_pool_t *pool, const oc_agenda_seal_t *seal,
                                   const oc_room_t *room, oc_range_t range,
                                   const apr_array_header_t *bookings, int show)
{
    oc_agenda_t *a = empty(pool, room, range);

    for (int i = 0; i < bookings->nelts; ++i) {
        const oc_booking_t *b = APR_ARRAY_IDX(bookings, i, const oc_booking_t *);
        oc_agenda_entry_t *e;
        int own_uid = 0;

        if (b->cancelled || b->busy == OC_BUSY_FREE || !oc_range_overlaps(b->when, range)) {
            continue;
        }
        e = add(a, b->when, b->busy);
        e->all_day = b->all_day;
        e->zone = b->zone;
        if (b->sensitivity >= OC_SENSITIVITY_PRIVATE) {
            e->busy = OC_BUSY_BUSY;
        } else {
            own_uid = name_entry(pool, e, b, show);
        }
        e->uid =
            own_uid ? b->uid : oc_agenda_uid(pool, seal, room->id, b->uid ? b->uid : "", b->when);
        if (!e->uid) {
            return NULL;
        }
    }
    qsort(a->entries->elts, (size_t)a->entries->nelts, sizeof(oc_agenda_entry_t), by_start);
    return a;
}

oc_agenda_t *oc_agenda_of_freebusy(apr_pool_t *pool, const oc_agenda_seal_t *seal,
                                   const oc_room_t *room, oc_range_t range,
                                   const oc_freebusy_t *row)
{
    static const oc_busy_t told[] = {OC_BUSY_TENTATIVE, OC_BUSY_BUSY, OC_BUSY_OOF, OC_BUSY_UNKNOWN};
    oc_agenda_t *a = empty(pool, room, range);

    a->by_freebusy = 1;
    for (size_t k = 0; k < sizeof(told) / sizeof(told[0]); ++k) {
        apr_array_header_t *blocks = oc_freebusy_ranges(pool, row, told[k]);
        for (int i = 0; i < blocks->nelts; ++i) {
            oc_range_t when = oc_range_intersect(APR_ARRAY_IDX(blocks, i, oc_range_t), range);
            oc_agenda_entry_t *e;
            if (when.start >= when.end) {
                continue;
            }
            e = add(a, when, told[k]);
            e->uid = oc_agenda_uid(pool, seal, room->id, oc_busy_token(told[k]), when);
            if (!e->uid) {
                return NULL;
            }
        }
    }
    qsort(a->entries->elts, (size_t)a->entries->nelts, sizeof(oc_agenda_entry_t), by_start);
    return a;
}

static int stronger(oc_busy_t a, oc_busy_t b)
{
    static const int rank[] = {[OC_BUSY_FREE] = 0,
                               [OC_BUSY_UNKNOWN] = 1,
                               [OC_BUSY_TENTATIVE] = 2,
                               [OC_BUSY_BUSY] = 3,
                               [OC_BUSY_OOF] = 4};
    return rank[a] > rank[b];
}

oc_busy_t oc_agenda_now(const oc_agenda_t *agenda, apr_time_t now, apr_time_t *until)
{
    oc_busy_t busy = OC_BUSY_FREE;
    apr_time_t end = now, next = 0;

    *until = 0;
    if (now < agenda->range.start || now >= agenda->range.end) {
        return OC_BUSY_UNKNOWN;
    }
    for (int i = 0; i < agenda->entries->nelts; ++i) { /* by start: what follows on is met later */
        const oc_agenda_entry_t *e = &APR_ARRAY_IDX(agenda->entries, i, oc_agenda_entry_t);
        if (e->when.end <= now) {
            continue;
        }
        if (e->when.start <= now) {
            busy = stronger(e->busy, busy) ? e->busy : busy;
        }
        if (e->when.start <= end) {
            end = e->when.end > end ? e->when.end : end;
        } else if (!next) {
            next = e->when.start;
        }
    }
    if (busy == OC_BUSY_FREE) {
        *until = next;
        return agenda->more && !next ? OC_BUSY_UNKNOWN : busy;
    }
    *until = end < agenda->range.end ? end : 0;
    return busy;
}
