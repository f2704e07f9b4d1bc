/* people.h - people found in the address book: a page, a document, and the question "whom do you
 * mean?" in the booking form. What they are called is what they wrote themselves: each name is
 * text, and isolated from the direction of what stands around it. */
#ifndef OC_VIEW_PEOPLE_H
#define OC_VIEW_PEOPLE_H

#include "view/html.h"
#include "view/view.h"
#include "wire/json.h"

/* A name that somebody typed where a mail address is wanted, and whom it may mean. */
typedef struct oc_asked_t {
    const char *field;        /* "required" or "optional" */
    const char *text;         /* as typed */
    const oc_people_t *found; /* NULL: it was not looked up, it is too short or too long */
} oc_asked_t;

/* The search form (text: what was looked for, or NULL), and below it whom it found; found NULL:
 * nothing was looked for. Each leads to the booking form. */
const char *oc_page_people(const oc_view_t *view, const char *text, const oc_people_t *found);
const char *oc_api_people(const oc_view_t *view, const char *text, const oc_people_t *found);

/* Radio buttons for each name of view->asked that belongs to `field`, in the booking form. They are
 * called "required.0" and so on; the first, which is set, asks for the name once more, so that
 * nobody is left out or invited because a question was overlooked. */
void oc_people_choices(const oc_view_t *view, oc_html_t *h, const char *field);
/* Adds "candidates" to a problem, if view->asked has any. */
void oc_people_candidates(const oc_view_t *view, oc_json_t *doc);

/* "Bo Smith <bo@x>", "Team (members: 3)": for sentences, with the name isolated. */
const char *oc_people_label(const oc_view_t *view, const oc_entry_t *e);

#endif
