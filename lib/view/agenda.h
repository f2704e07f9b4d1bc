/* agenda.h - a room's agenda as HTML and JSON. Text in view->pool; nothing in it changes from one
 * second to the next, so that equal texts mean that nothing has happened. */
#ifndef OC_VIEW_AGENDA_H
#define OC_VIEW_AGENDA_H

#include "cal/agenda.h"
#include "view/html.h"
#include "view/view.h"

/* A fragment for any page: state now, and the list of what stands in the room. `level` is that of
 * its heading (2 to 6), 0: without one. */
const char *oc_view_agenda(const oc_view_t *view, const oc_agenda_t *agenda, apr_time_t now,
                           int level);
/* The same within a document of its own, or as the fragment if view->fragment says so. */
const char *oc_view_agenda_page(const oc_view_t *view, const oc_agenda_t *agenda, apr_time_t now);
/* What an entry is, within a sentence: subject and holder as far as they may be told, else the
 * state. */
void oc_view_agenda_what(const oc_view_t *view, oc_html_t *h, const oc_agenda_entry_t *entry);
/* The word for a state; the view's own text. */
const char *oc_view_agenda_state(const oc_view_t *view, oc_busy_t busy);
const char *oc_view_agenda_json(const oc_view_t *view, const oc_agenda_t *agenda, apr_time_t now);

#endif
