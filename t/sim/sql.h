/* The SQL of SEARCH: SELECT columns FROM scope [WHERE condition] [ORDER BY columns]. */
#ifndef SIM_SQL_H
#define SIM_SQL_H

#include "props.h"

typedef struct sim_sql_column_t {
    sim_ask_t ask;
    const char *alias; /* element name without namespace, or NULL */
} sim_sql_column_t;

typedef enum { SIM_SHALLOW, SIM_DEEP, SIM_HIERARCHICAL } sim_traversal_t;

typedef struct sim_sql_scope_t {
    sim_traversal_t how;
    const char *url; /* "" is the request URL */
} sim_sql_scope_t;

typedef struct sim_sql_order_t {
    sim_ask_t ask;
    int descending;
} sim_sql_order_t;

typedef struct sim_sql_node_t sim_sql_node_t;

typedef struct sim_sql_t {
    int star;
    apr_array_header_t *columns, *scopes, *orders; /* of the types above */
    sim_sql_node_t *where; /* NULL: all */
} sim_sql_t;

/* NULL, or what is wrong with the text. Everything lives in q->p. */
const char *sim_sql_parse(sim_req_t *q, const char *text, sim_sql_t *out);
/* Does the row satisfy the condition? A comparison with a property the row has not is false, and
 * its negation true. Needs read. */
int sim_sql_match(sim_req_t *q, apr_pool_t *p, const sim_sql_t *sql, const sim_row_t *row);
/* The window of time that the ANDed comparisons of dtstart and dtend leave open; 0 when dtstart has
 * no upper bound, so that a series could not be expanded. */
int sim_sql_window(const sim_sql_t *sql, apr_time_t *from, apr_time_t *to);
/* For sorting: <0, 0, >0; an absent value sorts first. */
int sim_sql_compare(sim_type_t type, const char *a, const char *b);

#endif
