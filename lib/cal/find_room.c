/* find_room.c - rooms that fit, best first. */
#include <string.h>

#include "cal/find_room.h"

const char *oc_fit_token(oc_fit_t fit)
{
    static const char *const tokens[] = {"fits", "unknown", "taken", "too-small",
                                         "feature-missing"};

    return tokens[fit];
}

static const char *missing_feature(const oc_room_t *room, const apr_array_header_t *features)
{
    for (int i = 0; features && i < features->nelts; ++i) {
        const char *want = APR_ARRAY_IDX(features, i, const char *);
        int has = 0;
        for (int k = 0; k < room->features->nelts && !has; ++k) {
            has = strcasecmp(APR_ARRAY_IDX(room->features, k, const char *), want) == 0;
        }
        if (!has) {
            return want;
        }
    }
    return NULL;
}

static oc_fit_t judge(const oc_room_t *room, const oc_room_wish_t *wish,
                      const apr_array_header_t *rows, const char **missing)
{
    const oc_freebusy_t *row;

    if (wish->capacity > room->capacity) {
        return OC_FIT_SMALL;
    }
    if ((*missing = missing_feature(room, wish->features)) != NULL) {
        return OC_FIT_FEATURE;
    }
    if (!wish->when.start) {
        return OC_FIT_YES;
    }
    row = rows ? oc_freebusy_find(rows, room->address) : NULL;
    switch (row ? oc_freebusy_in(row, wish->when) : OC_BUSY_UNKNOWN) {
    case OC_BUSY_FREE:
        return OC_FIT_YES;
    case OC_BUSY_UNKNOWN:
        return OC_FIT_UNKNOWN;
    default:
        return OC_FIT_TAKEN;
    }
}

/* 1 if a comes before b. A wish without a number of seats keeps the configured order. */
static int before(const oc_candidate_t *a, const oc_candidate_t *b, const oc_room_wish_t *wish)
{
    if (a->fit != b->fit) {
        return a->fit < b->fit;
    }
    return wish->capacity && a->room->capacity < b->room->capacity;
}

apr_array_header_t *oc_find_room(apr_pool_t *pool, const apr_array_header_t *rooms,
                                 const oc_room_wish_t *wish, const apr_array_header_t *rows)
{
    apr_array_header_t *list = apr_array_make(pool, rooms->nelts, sizeof(oc_candidate_t));

    for (int i = 0; i < rooms->nelts; ++i) {
        oc_candidate_t c = {APR_ARRAY_IDX(rooms, i, const oc_room_t *), OC_FIT_YES, NULL};
        int at = list->nelts;

        c.fit = judge(c.room, wish, rows, &c.missing);
        apr_array_push(list);
        /* Insertion keeps the configured order among equals; there are some hundreds at most. */
        for (; at > 0 && before(&c, &APR_ARRAY_IDX(list, at - 1, oc_candidate_t), wish); --at) {
            APR_ARRAY_IDX(list, at, oc_candidate_t) = APR_ARRAY_IDX(list, at - 1, oc_candidate_t);
        }
        APR_ARRAY_IDX(list, at, oc_candidate_t) = c;
    }
    return list;
}
