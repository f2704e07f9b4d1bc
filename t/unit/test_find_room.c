/* Which rooms fit, in which order, and why the others do not. */
#include <apr_general.h>
#include <apr_strings.h>
#include "cal/find_room.h"
#include "tap.h"

static apr_pool_t *p;

static oc_room_t *room(apr_array_header_t *rooms, const char *id, int capacity, const char *feature)
{
    oc_room_t *r = apr_pcalloc(p, sizeof(*r));

    r->id = r->name = id;
    r->address = apr_pstrcat(p, id, "@ex.example", NULL);
    r->capacity = capacity;
    r->features = apr_array_make(p, 1, sizeof(const char *));
    if (feature) {
        APR_ARRAY_PUSH(r->features, const char *) = feature;
    }
    APR_ARRAY_PUSH(rooms, oc_room_t *) = r;
    return r;
}

static const char *told(const apr_array_header_t *list)
{
    const char *out = "";

    for (int i = 0; i < list->nelts; ++i) {
        const oc_candidate_t *c = &APR_ARRAY_IDX(list, i, oc_candidate_t);
        out = apr_pstrcat(p, out, i ? " " : "", c->room->id, ":", oc_fit_token(c->fit), NULL);
    }
    return out;
}

int main(void)
{
    apr_array_header_t *rooms, *rows, *features;
    oc_range_t when = {apr_time_from_sec(1800), apr_time_from_sec(5400)};
    oc_range_t day = {0, apr_time_from_sec(86400)};
    oc_room_wish_t wish = {0};

    apr_initialize();
    apr_pool_create(&p, NULL);
    rooms = apr_array_make(p, 4, sizeof(oc_room_t *));
    room(rooms, "hall", 100, "projector");
    room(rooms, "small", 4, "projector");
    room(rooms, "mid", 12, "projector");
    room(rooms, "plain", 20, NULL);
    room(rooms, "unsaid", 0, "Projector");
    is_str(told(oc_find_room(p, rooms, &wish, NULL)),
           "hall:fits small:fits mid:fits plain:fits unsaid:fits", "no wish: all, as configured");
    wish.capacity = 10;
    is_str(told(oc_find_room(p, rooms, &wish, NULL)),
           "mid:fits plain:fits hall:fits unsaid:too-small small:too-small",
           "the smallest sufficient room first; an unsaid number of seats is none");
    features = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(features, const char *) = "PROJECTOR";
    wish.features = features;
    is_str(told(oc_find_room(p, rooms, &wish, NULL)),
           "mid:fits hall:fits unsaid:too-small small:too-small plain:feature-missing",
           "what is missing is said");
    wish.capacity = 0;
    wish.features = NULL;
    wish.when = when;
    rows = apr_array_make(p, 4, sizeof(oc_freebusy_t *));
    for (int i = 0; i < 3; ++i) {
        oc_freebusy_t *fb = oc_freebusy_create(p, APR_ARRAY_IDX(rooms, i, oc_room_t *)->address,
                                               day, apr_time_from_sec(1800));
        oc_freebusy_mark(fb, day, OC_BUSY_FREE);
        APR_ARRAY_PUSH(rows, oc_freebusy_t *) = fb;
    }
    oc_freebusy_mark(APR_ARRAY_IDX(rows, 0, oc_freebusy_t *), when, OC_BUSY_TENTATIVE);
    is_str(told(oc_find_room(p, rooms, &wish, rows)),
           "small:fits mid:fits plain:unknown unsaid:unknown hall:taken",
           "free ones first; tentative is taken; without a row it is unknown, never free");
    return done_testing();
}
