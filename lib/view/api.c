/* api.c - JSON answers. */
#include <string.h>
#include <apr_strings.h>

#include "cal/zone.h"
#include "view/api.h"
#include "view/people.h"
#include "wire/json.h"

oc_json_t *oc_api_begin(const oc_view_t *view)
{
    oc_json_t *doc = oc_json_object(view->pool);

    if (view->acting_as) {
        oc_json_text(doc, "acting_as", view->acting_as);
        oc_json_text(doc, "credential", view->credential);
    }
    return doc;
}

static const char *when(const oc_view_t *view, apr_time_t t)
{
    return t ? oc_zone_print(view->pool, t, view->zone) : NULL;
}

static void add_room(oc_json_t *o, const oc_room_t *room)
{
    oc_json_t *features;
    int i;

    oc_json_text(o, "id", room->id);
    oc_json_text(o, "name", room->name);
    oc_json_text(o, "address", room->address);
    if (room->capacity) {
        oc_json_int(o, "capacity", room->capacity);
    }
    if (room->building) {
        oc_json_text(o, "building", room->building);
    }
    if (room->floor) {
        oc_json_text(o, "floor", room->floor);
    }
    features = oc_json_add_array(o, "features");
    for (i = 0; i < room->features->nelts; ++i) {
        oc_json_text(features, NULL, APR_ARRAY_IDX(room->features, i, const char *));
    }
}

const char *oc_api_rooms(const oc_view_t *view, const apr_array_header_t *found)
{
    oc_json_t *doc = oc_api_begin(view), *rooms = oc_json_add_array(doc, "rooms");

    for (int i = 0; !found && i < view->rooms->nelts; ++i) {
        add_room(oc_json_add_object(rooms, NULL), APR_ARRAY_IDX(view->rooms, i, const oc_room_t *));
    }
    for (int i = 0; found && i < found->nelts; ++i) {
        const oc_candidate_t *c = &APR_ARRAY_IDX(found, i, oc_candidate_t);
        oc_json_t *o = oc_json_add_object(rooms, NULL);
        add_room(o, c->room);
        oc_json_text(o, "fit", oc_fit_token(c->fit));
        if (c->missing) {
            oc_json_text(o, "missing", c->missing);
        }
    }
    return oc_json_print(doc, view->pool);
}

const char *oc_api_freebusy(const oc_view_t *view, const apr_array_header_t *rows, oc_range_t range,
                            apr_time_t slot, apr_time_t asked)
{
    static const oc_busy_t told[] = {OC_BUSY_TENTATIVE, OC_BUSY_BUSY, OC_BUSY_OOF, OC_BUSY_UNKNOWN};
    oc_json_t *doc = oc_api_begin(view), *list;
    int i, k, j;

    oc_json_text(doc, "start", when(view, range.start));
    oc_json_text(doc, "end", when(view, range.end));
    oc_json_int(doc, "slot", apr_time_sec(slot) / 60);
    oc_json_text(doc, "asked", when(view, asked));
    list = oc_json_add_array(doc, "rows");
    for (i = 0; i < rows->nelts; ++i) {
        const oc_freebusy_t *fb = APR_ARRAY_IDX(rows, i, const oc_freebusy_t *);
        const oc_room_t *room = oc_view_room(view, fb->address);
        oc_json_t *o = oc_json_add_object(list, NULL), *slots, *periods;

        oc_json_text(o, "address", fb->address);
        oc_json_text(o, "name", room ? room->name : fb->name ? fb->name : fb->address);
        if (room) {
            oc_json_text(o, "room", room->id);
        }
        if (fb->members) {
            oc_json_int(o, "members", fb->members);
        }
        slots = oc_json_add_array(o, "slots");
        for (k = 0; k < fb->count; ++k) {
            oc_json_text(slots, NULL, oc_busy_token((oc_busy_t)fb->busy[k]));
        }
        periods = oc_json_add_array(o, "periods");
        for (k = 0; k < (int)(sizeof(told) / sizeof(told[0])); ++k) {
            apr_array_header_t *ranges = oc_freebusy_ranges(view->pool, fb, told[k]);
            for (j = 0; j < ranges->nelts; ++j) {
                oc_range_t r = APR_ARRAY_IDX(ranges, j, oc_range_t);
                oc_json_t *period = oc_json_add_object(periods, NULL);
                oc_json_text(period, "start", when(view, r.start));
                oc_json_text(period, "end", when(view, r.end));
                oc_json_text(period, "state", oc_busy_token(told[k]));
            }
        }
    }
    return oc_json_print(doc, view->pool);
}

static void add_booking(const oc_view_t *view, oc_json_t *o, const oc_booking_t *b)
{
    static const char *const sensitivity[] = {"normal", "personal", "private", "confidential"};
    static const char *const instance[] = {"single", "master", "occurrence", "exception"};
    oc_json_t *rooms, *people;
    int i;

    if (b->item) {
        oc_json_text(o, "ref", view->ref(view, b->item, b->uid));
        oc_json_text(o, "href", oc_view_booking_path(view, b));
    }
    oc_json_text(o, "uid", b->uid);
    oc_json_text(o, "subject", b->subject);
    oc_json_text(o, "start", when(view, b->when.start));
    oc_json_text(o, "end", when(view, b->when.end));
    oc_json_text(o, "tz", view->zone);
    oc_json_bool(o, "all_day", b->all_day);
    oc_json_text(o, "location", b->location);
    oc_json_text(o, "text", b->text);
    oc_json_text(o, "busy", oc_busy_token(b->busy));
    oc_json_text(o, "sensitivity", sensitivity[b->sensitivity & 3]);
    oc_json_text(o, "instance", instance[b->instance & 3]);
    if (b->reminder >= 0) {
        oc_json_int(o, "reminder", b->reminder);
    }
    oc_json_text(o, "organizer", b->organizer);
    oc_json_bool(o, "is_organizer", b->is_organizer);
    oc_json_bool(o, "cancelled", b->cancelled);
    oc_json_text(o, "etag", b->etag);
    rooms = oc_json_add_array(o, "rooms");
    people = oc_json_add_array(o, "attendees");
    for (i = 0; i < b->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        const oc_room_t *room = oc_view_room(view, a->address);
        int is_room = room || a->role == OC_ROLE_RESOURCE;
        oc_json_t *e = oc_json_add_object(is_room ? rooms : people, NULL);

        if (room) {
            oc_json_text(e, "id", room->id);
        }
        oc_json_text(e, "address", a->address);
        oc_json_text(e, "name", room ? room->name : a->name);
        if (!is_room) {
            oc_json_text(e, "role", oc_role_token(a->role));
        }
        oc_json_text(e, "answer", oc_partstat_token(a->partstat));
    }
}

const char *oc_api_booking(const oc_view_t *view, const oc_booking_t *b)
{
    oc_json_t *doc = oc_api_begin(view);

    add_booking(view, doc, b);
    return oc_json_print(doc, view->pool);
}

const char *oc_api_list(const oc_view_t *view, const oc_list_t *list, oc_range_t range)
{
    oc_json_t *doc = oc_api_begin(view), *rows;
    int i;

    oc_json_text(doc, "start", when(view, range.start));
    oc_json_text(doc, "end", when(view, range.end));
    oc_json_bool(doc, "more", list->more);
    rows = oc_json_add_array(doc, "bookings");
    for (i = 0; i < list->bookings->nelts; ++i) {
        add_booking(view, oc_json_add_object(rows, NULL),
                    APR_ARRAY_IDX(list->bookings, i, const oc_booking_t *));
    }
    return oc_json_print(doc, view->pool);
}

static void add_act(const oc_view_t *view, oc_json_t *doc, const oc_act_t *act, const char *verb)
{
    const oc_room_t *room = oc_view_room(view, act->clash_who);

    oc_json_text(doc, "state", oc_state_token(act->state));
    oc_json_text(doc, "message", oc_view_act_sentence(view, act, verb));
    oc_json_text(doc, "invitations", oc_view_told_token(act->told));
    if (act->not_done) {
        oc_json_text(doc, "not_done",
                     oc_say_sentences(view->pool, view->language, act->not_done));
    }
    if (act->left_behind) {
        oc_json_text(doc, "left_behind",
                     oc_say_sentences(view->pool, view->language, act->left_behind));
    }
    if (act->replayed) {
        oc_json_bool(doc, "replayed", 1);
    }
    if (view->remarks && view->remarks->nelts) {
        oc_json_t *list = oc_json_add_array(doc, "remarks");
        int i;
        for (i = 0; i < view->remarks->nelts; ++i) {
            oc_json_text(list, NULL, APR_ARRAY_IDX(view->remarks, i, const char *));
        }
    }
    if (act->clash_who) {
        oc_json_t *clash = oc_json_add_object(doc, "clash");
        oc_json_text(clash, room ? "room" : "who", room ? room->id : act->clash_who);
        oc_json_text(clash, "start", when(view, act->clash.start));
        oc_json_text(clash, "end", when(view, act->clash.end));
        if (act->holder && view->show_holder >= 1) {
            oc_json_text(clash, "organizer", act->holder->organizer);
        }
        if (act->holder && view->show_holder >= 2) {
            oc_json_text(clash, "subject", act->holder->subject);
        }
    }
}

const char *oc_api_act(const oc_view_t *view, const oc_act_t *act, const char *verb)
{
    oc_json_t *doc = oc_api_begin(view);

    add_act(view, doc, act, verb);
    oc_json_text(doc, "op", view->op_id);
    if (act->booking) {
        add_booking(view, oc_json_add_object(doc, "booking"), act->booking);
    }
    return oc_json_print(doc, view->pool);
}

const char *oc_api_problem(const oc_view_t *view, const oc_result_t *res, const oc_act_t *act,
                           const char *verb)
{
    oc_json_t *doc = oc_api_begin(view);
    const char *detail = oc_view_detail(view, res);

    oc_json_text(
        doc, "type",
        apr_pstrcat(view->pool, "urn:owacal:problem:", oc_reason_token(res->reason), NULL));
    oc_json_text(doc, "title", oc_view_say(view, oc_reason_sentence(res->reason)));
    oc_json_int(doc, "status", oc_reason_http(res->reason));
    oc_json_text(doc, "reason", oc_reason_token(res->reason));
    /* What concerns the sender's own input he may read; the rest is for the administrator's log. */
    if (detail) {
        oc_json_text(doc, "detail", detail);
    }
    if (res->field) {
        oc_json_text(doc, "field", res->field);
    }
    if (res->retry_after) {
        oc_json_int(doc, "retry_after", res->retry_after);
    }
    oc_json_text(doc, "op", view->op_id);
    oc_people_candidates(view, doc);
    if (act) {
        add_act(view, doc, act, verb);
        if (act->booking) {
            add_booking(view, oc_json_add_object(doc, "booking"), act->booking);
        }
    }
    return oc_json_print(doc, view->pool);
}

const char *oc_api_check(const oc_view_t *view, const apr_array_header_t *sections)
{
    oc_json_t *doc = oc_api_begin(view), *list;
    int i, k;

    oc_json_text(doc, "op", view->op_id);
    list = oc_json_add_array(doc, "steps");
    for (i = 0; i < sections->nelts; ++i) {
        const oc_check_section_t *s = &APR_ARRAY_IDX(sections, i, oc_check_section_t);
        oc_json_t *o = oc_json_add_object(list, NULL), *facts;
        const apr_array_header_t *rows = apr_table_elts(s->facts);

        oc_json_text(o, "step", s->title);
        oc_json_bool(o, "ok", !s->failure && !s->skipped);
        if (s->skipped) {
            oc_json_text(o, "skipped", s->skipped);
        }
        if (s->took >= 0) {
            oc_json_int(o, "ms", apr_time_as_msec(s->took));
        }
        if (s->failure) {
            oc_json_text(o, "reason", oc_reason_token(s->failure->reason));
            oc_json_text(o, "detail", s->failure->detail);
        }
        if (s->remedy) {
            oc_json_text(o, "remedy", s->remedy);
        }
        facts = oc_json_add_object(o, "facts");
        for (k = 0; k < rows->nelts; ++k) {
            const apr_table_entry_t *e = &APR_ARRAY_IDX(rows, k, apr_table_entry_t);
            oc_json_text(facts, e->key, e->val);
        }
    }
    return oc_json_print(doc, view->pool);
}
