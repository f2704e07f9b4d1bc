/* page.c - plain HTML pages. */
#include <string.h>
#include <apr_strings.h>

#include "base/str.h"
#include "cal/zone.h"
#include "view/finder.h"
#include "view/form.h"
#include "view/grid.h"
#include "view/html.h"
#include "view/page.h"

oc_html_t *oc_page_begin(const oc_view_t *view, const char *title)
{
    oc_html_t *h = oc_html_create(view->pool);

    if (view->fragment == OC_VIEW_BARE) {
        return h;
    }
    if (view->fragment == OC_VIEW_DOCUMENT) {
        oc_view_document(view, h, title, NULL);
        oc_html_open(h, "nav", "aria-label", oc_view_say(view, "Booking"), NULL);
        oc_html_element(h, "a", oc_view_say(view, "Rooms"), "href",
                        apr_pstrcat(view->pool, view->base, "/rooms", NULL), NULL);
        oc_html_text(h, " · ");
        oc_html_element(h, "a", oc_view_say(view, "My bookings"), "href",
                        apr_pstrcat(view->pool, view->base, "/bookings", NULL), NULL);
        oc_html_text(h, " · ");
        oc_html_element(h, "a", oc_view_say(view, "New booking"), "href",
                        apr_pstrcat(view->pool, view->base, "/bookings/new", NULL), NULL);
        oc_html_text(h, " · ");
        oc_html_element(h, "a", oc_view_say(view, "People"), "href",
                        apr_pstrcat(view->pool, view->base, "/people", NULL), NULL);
        oc_html_close(h);
        oc_html_open(h, "main", NULL);
    }
    oc_html_open(h, "section", "class", "owacal", NULL);
    oc_html_element(h, view->fragment ? "h2" : "h1", title, NULL);
    if (view->acting_as) {
        oc_html_open(h, "p", "class", "owacal-acting", NULL);
        oc_html_text(h, oc_view_with(view,
                                     "In the calendar of {mailbox}, for {user}, by the account "
                                     "{account}.",
                                     "mailbox", view->acting_as, "user", view->user, "account",
                                     view->credential, NULL));
        oc_html_close(h);
    }
    return h;
}

static void range_caption(const oc_view_t *view, oc_html_t *h, oc_range_t range)
{
    oc_html_part_t parts[3] = {[2] = {"zone", view->zone, NULL, NULL}};

    if (range.start == oc_zone_midnight(view->zone, range.start, 0) &&
        range.end == oc_zone_midnight(view->zone, range.end, 0)) {
        oc_view_days(view, range, parts);
    } else {
        oc_view_range(view, range, parts);
    }
    oc_html_open(h, "caption", NULL);
    oc_html_parts(h, oc_view_say(view, "{start} to {end}, {zone}"), parts, 3);
    oc_html_close(h);
}

static void note_element(oc_html_t *h, const char *note)
{
    if (note) {
        oc_html_element(h, "p", note, "class", "owacal-message", "role", "status", NULL);
    }
}

const char *oc_page_form(const oc_view_t *view, const oc_form_t *values)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "Book a room"));

    oc_form_booking(view, h, values, NULL, NULL);
    return oc_html_print(h);
}

const char *oc_page_asked(const oc_view_t *view, const oc_form_t *values, const char *ref)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, ref ? "Change a booking" : "Book a room"));

    oc_form_remarks(view, h);
    oc_form_booking(view, h, values, ref, NULL);
    return oc_html_print(h);
}

/* ---- rooms and free/busy ---- */

const char *oc_page_rooms(const oc_view_t *view, const apr_array_header_t *found,
                          const oc_room_wish_t *wish)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "Rooms"));
    oc_room_wish_t none = {0};
    oc_range_t at_any_time = {0, 0};

    oc_finder_list(view, h, found ? found : oc_find_room(view->pool, view->rooms, &none, NULL),
                   found && wish ? wish->when : at_any_time,
                   apr_pstrcat(view->pool, view->base, "/bookings/new", NULL), NULL);
    return oc_html_print(h);
}

const char *oc_page_freebusy(const oc_view_t *view, const apr_array_header_t *rows,
                             oc_range_t range, apr_time_t slot)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "Free and busy"));
    oc_grid_t grid = {0};

    grid.rows = rows;
    grid.range = range;
    grid.slot = slot;
    oc_grid_table(view, h, &grid);
    return oc_html_print(h);
}

/* ---- bookings ---- */

static const char *answer_text(oc_partstat_t p)
{
    switch (p) {
    case OC_PARTSTAT_ACCEPTED:
        return OC_TEXT("accepted");
    case OC_PARTSTAT_TENTATIVE:
        return OC_TEXT("tentative");
    case OC_PARTSTAT_DECLINED:
        return OC_TEXT("declined");
    case OC_PARTSTAT_NEEDS_ACTION:
        return OC_TEXT("no answer yet");
    default:
        return OC_TEXT("answer not known");
    }
}

/* "Board room: declined" */
static const char *answer_of(const oc_view_t *view, const oc_attendee_t *a, const oc_room_t *room)
{
    return oc_view_with(view, "{name}: {value}", "name",
                        room      ? room->name
                        : a->name ? a->name
                                  : a->address,
                        "value", oc_view_say(view, answer_text(a->partstat)), NULL);
}

static void when_text(const oc_view_t *view, oc_html_t *h, const oc_booking_t *b)
{
    oc_html_part_t parts[2];
    int one_day = 0;

    if (b->all_day) {
        one_day = oc_view_days(view, b->when, parts);
    } else {
        oc_view_range(view, b->when, parts);
    }
    oc_html_parts(h,
                  one_day      ? oc_view_say(view, "{start}, all day")
                  : b->all_day ? oc_view_say(view, "{start} – {end}, all day")
                               : "{start} – {end}",
                  parts, 2);
}

static void booking_facts(const oc_view_t *view, oc_html_t *h, const oc_booking_t *b)
{
    int i;

    oc_html_open(h, "dl", NULL);
    oc_html_element(h, "dt", oc_view_say(view, "When"), NULL);
    oc_html_open(h, "dd", NULL);
    when_text(view, h, b);
    oc_html_textf(h, " (%s)", view->zone);
    oc_html_close(h);
    if (b->location) {
        oc_html_element(h, "dt", oc_view_say(view, "Where"), NULL);
        oc_html_element(h, "dd", b->location, NULL);
    }
    if (b->organizer) {
        oc_html_element(h, "dt", oc_view_say(view, "Organizer"), NULL);
        oc_html_element(h, "dd", b->organizer, NULL);
    }
    for (i = 0; i < b->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, oc_attendee_t);
        const oc_room_t *room = oc_view_room(view, a->address);

        oc_html_element(h, "dt",
                        oc_view_say(view, a->role == OC_ROLE_RESOURCE ? OC_TEXT("Room")
                                          : a->role == OC_ROLE_OPTIONAL
                                              ? OC_TEXT("Optional attendee")
                                              : OC_TEXT("Attendee")),
                        NULL);
        oc_html_open(h, "dd", NULL);
        oc_html_text(h, answer_of(view, a, room));
        oc_html_close(h);
    }
    if (b->text) {
        oc_html_element(h, "dt", oc_view_say(view, "Note"), NULL);
        oc_html_element(h, "dd", b->text, NULL);
    }
    oc_html_close(h);
}

const char *oc_page_booking(const oc_view_t *view, const oc_booking_t *b, const char *note)
{
    oc_html_t *h = oc_page_begin(view, b->subject ? b->subject : oc_view_say(view, "Booking"));
    const char *path;

    note_element(h, note);
    booking_facts(view, h, b);
    if (oc_view_own(view, b)) {
        path = oc_view_booking_path(view, b);
        oc_html_element(h, "h2", oc_view_say(view, "Change"), NULL);
        oc_form_booking(view, h, oc_form_values(view, b), view->ref(view, b->item, b->uid), NULL);
        oc_html_element(h, "h2", oc_view_say(view, "Cancel"), NULL);
        oc_html_open(h, "p", NULL);
        oc_html_element(h, "a", oc_view_say(view, "Cancel this booking"), "href",
                        apr_pstrcat(view->pool, path, "?cancel=1", NULL), NULL);
    }
    return oc_html_print(h);
}

const char *oc_page_cancel(const oc_view_t *view, const oc_booking_t *b, const oc_form_t *values)
{
    oc_html_t *h = oc_page_begin(view, b->subject ? b->subject : oc_view_say(view, "Booking"));

    booking_facts(view, h, b);
    if (oc_view_own(view, b)) {
        oc_form_cancel(view, h, view->ref(view, b->item, b->uid), NULL, values,
                       oc_view_booking_path(view, b));
    }
    return oc_html_print(h);
}

const char *oc_page_told(const oc_view_t *view, const oc_again_view_t *again)
{
    oc_html_t *h = oc_html_create(view->pool);

    oc_form_told(view, h, again->res, again->act, again->verb);
    return oc_html_print(h);
}

static void own_links(const oc_view_t *view, oc_html_t *h, const oc_mine_t *mine,
                      const oc_booking_t *b)
{
    const char *ref, *path, *change;

    if (!oc_view_own(view, b)) {
        return;
    }
    ref = oc_str_query(view->pool, view->ref(view, b->item, b->uid));
    path = change = oc_view_booking_path(view, b);
    if (mine->form) {
        change = apr_pstrcat(view->pool, mine->form, oc_view_joint(mine->form), "owacal-booking=",
                             ref, "#owacal-form", NULL);
    }
    oc_html_element(h, "a", oc_view_say(view, "Change"), "href", change, "aria-label",
                    oc_view_with(view, "Change: {subject}", "subject", b->subject, NULL), NULL);
    oc_html_text(h, " ");
    oc_html_element(
        h, "a", oc_view_say(view, "Cancel"), "href",
        mine->self
            ? apr_pstrcat(view->pool, mine->self, "owacal-cancel=", ref, "#owacal-cancel", NULL)
            : apr_pstrcat(view->pool, path, "?cancel=1", NULL),
        "aria-label", oc_view_with(view, "Cancel: {subject}", "subject", b->subject, NULL), NULL);
}

/* ---- who has answered, in a row of the list ---- */

#define ANSWERS_SHOWN 6 /* of people; more are folded away, behind their numbers */

static void answer_item(const oc_view_t *view, oc_html_t *h, const oc_attendee_t *a)
{
    const char *text = answer_of(view, a, oc_view_room(view, a->address));

    oc_html_open(h, "li", NULL);
    if (a->partstat == OC_PARTSTAT_DECLINED) {
        oc_html_element(h, "strong", text, "class", "owacal-declined", NULL);
    } else {
        oc_html_text(h, text);
    }
    oc_html_close(h);
}

/* "accepted: 9, declined: 1" */
static const char *answers_counted(const oc_view_t *view, const apr_array_header_t *people)
{
    static const oc_partstat_t order[] = {OC_PARTSTAT_ACCEPTED, OC_PARTSTAT_TENTATIVE,
                                          OC_PARTSTAT_DECLINED, OC_PARTSTAT_NEEDS_ACTION,
                                          OC_PARTSTAT_UNKNOWN};
    const char *text = NULL;

    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); ++k) {
        int n = 0;

        for (int i = 0; i < people->nelts; ++i) {
            n += APR_ARRAY_IDX(people, i, const oc_attendee_t *)->partstat == order[k];
        }
        if (n > 0) {
            const char *one = oc_view_with(
                view, "{name}: {value}", "name", oc_view_say(view, answer_text(order[k])), "value",
                apr_itoa(view->pool, n), NULL);
            text = text ? apr_pstrcat(view->pool, text, ", ", one, NULL) : one;
        }
    }
    return text;
}

static void answers_list(const oc_view_t *view, oc_html_t *h, const apr_array_header_t *who)
{
    oc_html_open(h, "ul", "class", "owacal-answers", "aria-label", oc_view_say(view, "Answers"),
                 NULL);
    for (int i = 0; i < who->nelts; ++i) {
        answer_item(view, h, APR_ARRAY_IDX(who, i, const oc_attendee_t *));
    }
    oc_html_close(h);
}

/* The rooms first: a meeting whose room has declined has no room. Where nobody's answer is known
 * they stand on the booking's own page. */
static void list_answers(const oc_view_t *view, oc_html_t *h, const oc_booking_t *b)
{
    apr_array_header_t *rooms = apr_array_make(view->pool, 2, sizeof(const oc_attendee_t *));
    apr_array_header_t *people = apr_array_make(view->pool, 8, sizeof(const oc_attendee_t *));
    int known = 0;

    if (!b->is_organizer || b->cancelled) {
        return;
    }
    for (int i = 0; i < b->attendees->nelts; ++i) {
        const oc_attendee_t *a = &APR_ARRAY_IDX(b->attendees, i, const oc_attendee_t);
        int room = a->role == OC_ROLE_RESOURCE || oc_view_room(view, a->address);

        APR_ARRAY_PUSH(room ? rooms : people, const oc_attendee_t *) = a;
        known |= a->partstat != OC_PARTSTAT_UNKNOWN;
    }
    if (!known) {
        if (b->attendees->nelts > 0 && b->item) {
            oc_html_open(h, "p", "class", "owacal-answers", NULL);
            oc_html_element(h, "a", oc_view_say(view, "Who has answered?"), "href",
                            oc_view_booking_path(view, b), "aria-label",
                            oc_view_with(view, "Who has answered: {subject}", "subject", b->subject,
                                         NULL),
                            NULL);
            oc_html_close(h);
        }
        return;
    }
    if (people->nelts <= ANSWERS_SHOWN) {
        apr_array_cat(rooms, people);
    }
    if (rooms->nelts > 0) {
        answers_list(view, h, rooms);
    }
    if (people->nelts > ANSWERS_SHOWN) {
        oc_html_open(h, "details", NULL);
        oc_html_element(h, "summary", answers_counted(view, people), NULL);
        answers_list(view, h, people);
        oc_html_close(h);
    }
}

static void list_row(const oc_view_t *view, oc_html_t *h, const oc_mine_t *mine,
                     const oc_booking_t *b)
{
    oc_html_open(h, "tr", NULL);
    oc_html_open(h, "td", NULL);
    when_text(view, h, b);
    oc_html_close(h);
    oc_html_open(h, "td", NULL);
    if (b->item) {
        oc_html_element(h, "a",
                        b->subject && *b->subject ? b->subject : oc_view_say(view, "(no subject)"),
                        "href", oc_view_booking_path(view, b), NULL);
    } else {
        oc_html_text(h, b->subject);
    }
    list_answers(view, h, b);
    oc_html_close(h);
    oc_html_element(h, "td", b->location, NULL);
    oc_html_open(h, "td", NULL);
    own_links(view, h, mine, b);
    oc_html_close(h);
    oc_html_close(h);
}

static void list_table(const oc_view_t *view, oc_html_t *h, const oc_mine_t *mine)
{
    static const char *const heads[] = {OC_TEXT("When"), OC_TEXT("Subject"), OC_TEXT("Where"),
                                        OC_TEXT("Change or cancel")};
    const apr_array_header_t *rows = mine->list->bookings;

    if (rows->nelts == 0) {
        oc_html_element(h, "p", oc_view_say(view, "Nothing is booked."), "class", "owacal-nothing",
                        NULL);
        return;
    }
    oc_html_open(h, "table", "class", "owacal-mine", NULL);
    range_caption(view, h, mine->range);
    oc_html_open(h, "thead", NULL);
    oc_html_open(h, "tr", NULL);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); ++i) {
        oc_html_element(h, "th", oc_view_say(view, heads[i]), "scope", "col", NULL);
    }
    oc_html_close(h);
    oc_html_close(h);
    oc_html_open(h, "tbody", NULL);
    for (int i = 0; i < rows->nelts; ++i) {
        list_row(view, h, mine, APR_ARRAY_IDX(rows, i, const oc_booking_t *));
    }
    oc_html_close(h);
    oc_html_close(h);
    if (mine->list->more) {
        oc_html_element(h, "p", oc_view_say(view, "There are more; choose a shorter time."), NULL);
    }
}

const char *oc_page_mine(const oc_view_t *view, const oc_mine_t *mine)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "My bookings"));

    note_element(h, mine->note);
    if (mine->problem && mine->problem->res->reason != OC_REASON_OK) {
        oc_form_problem(view, h, mine->problem->res, mine->problem->act, mine->problem->verb);
    }
    if (mine->cancel) {
        oc_form_cancel(view, h, mine->cancel, mine->asked, mine->values, mine->self);
    }
    list_table(view, h, mine);
    return oc_html_print(h);
}

const char *oc_page_list(const oc_view_t *view, const oc_list_t *list, oc_range_t range,
                         const char *note)
{
    oc_mine_t mine = {0};

    mine.list = list;
    mine.range = range;
    mine.note = note;
    return oc_page_mine(view, &mine);
}

/* ---- outcomes ---- */

const char *oc_page_problem(const oc_view_t *view, const oc_result_t *res, const oc_act_t *act,
                            const char *verb, const oc_form_t *values, const char *ref)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "That did not work"));

    oc_form_problem(view, h, res, act, verb);
    if (values) {
        oc_form_remarks(view, h);
        if (strcmp(verb, "cancel") == 0 && ref) {
            oc_form_cancel(view, h, ref, NULL, values,
                           apr_pstrcat(view->pool, view->base, "/bookings", NULL));
        } else {
            oc_form_booking(view, h, values, ref, res);
        }
    }
    return oc_html_print(h);
}

const char *oc_page_message(const oc_view_t *view, const char *note)
{
    oc_html_t *h = oc_html_create(view->pool);

    oc_html_element(h, "span", note, "class", "owacal-message", "role", "status", NULL);
    return oc_html_print(h);
}

const char *oc_page_notice(const oc_view_t *view, const oc_result_t *res)
{
    oc_html_t *h = oc_html_create(view->pool);
    const char *detail = oc_form_detail(view, res);

    oc_html_open(h, "small", "class", "owacal-notice", "role", "note", NULL);
    oc_html_text(h, oc_view_say(view, oc_reason_sentence(res->reason)));
    if (detail) {
        oc_html_textf(h, " %s.", detail);
    }
    oc_html_textf(h, " (%s)", oc_form_code(view, res));
    return oc_html_print(h);
}

const char *oc_page_check(const oc_view_t *view, const apr_array_header_t *sections)
{
    oc_html_t *h = oc_page_begin(view, oc_view_say(view, "Self-test"));
    int i, k;

    for (i = 0; i < sections->nelts; ++i) {
        const oc_check_section_t *s = &APR_ARRAY_IDX(sections, i, oc_check_section_t);
        const apr_array_header_t *rows = apr_table_elts(s->facts);

        oc_html_element(h, "h2", oc_view_say(view, s->title), NULL);
        oc_html_open(h, "p", NULL);
        if (s->skipped) {
            oc_html_text(h, oc_view_with(view, "Not tried: {why}.", "why",
                                         oc_view_say(view, s->skipped), NULL));
        } else {
            oc_html_text(h, oc_view_say(view, s->failure ? oc_reason_sentence(s->failure->reason)
                                                         : OC_TEXT("This works.")));
        }
        if (s->took >= 0) {
            oc_html_textf(h, " (%" APR_TIME_T_FMT " ms)", apr_time_as_msec(s->took));
        }
        oc_html_close(h);
        if (s->failure && s->failure->detail) { /* as it stands in the log */
            oc_html_element(h, "p", s->failure->detail, "lang",
                            view->language ? oc_say_tag(OC_LANGUAGE_EN) : NULL, NULL);
        }
        if (s->remedy) {
            oc_html_element(h, "p", oc_view_say(view, s->remedy), NULL);
        }
        oc_html_open(h, "dl", NULL);
        for (k = 0; k < rows->nelts; ++k) {
            const apr_table_entry_t *e = &APR_ARRAY_IDX(rows, k, apr_table_entry_t);
            oc_html_element(h, "dt", oc_view_say(view, e->key), NULL);
            oc_html_element(h, "dd", e->val, NULL);
        }
        oc_html_close(h);
    }
    return oc_html_print(h);
}
