/* XML in and out.
 *
 * Out: elements are written by namespace and name into a body; the prefixes, another set of letters
 * in every reply (rule 6), are declared on the root element when the reply is finished.
 * In: the few request documents as flat lists. libxml2 is named in xmlin.c only. */
#ifndef SIM_XML_H
#define SIM_XML_H

#include "sim.h"

/* ---- out (xmlout.c) ---- */

#define SIM_XML_NS_MAX 64
typedef struct sim_xml_t {
    sim_req_t *q;
    sim_buf_t *body;
    const char *ns[SIM_XML_NS_MAX];
    char prefix[SIM_XML_NS_MAX][4];
    int n;
    char letters[27]; /* in the order they are given out */
} sim_xml_t;

void sim_xml_begin(sim_xml_t *x, sim_req_t *q);
void sim_xml_open(sim_xml_t *x, const char *ns, const char *local);
void sim_xml_close(sim_xml_t *x, const char *ns, const char *local);
void sim_xml_text(sim_xml_t *x, const char *ns, const char *local, const char *text);
void sim_xml_empty(sim_xml_t *x, const char *ns, const char *local);
/* A property with its type attribute; ns NULL: no namespace (a SEARCH alias). */
void sim_xml_prop(sim_xml_t *x, const char *ns, const char *local, sim_type_t type, int n,
                  const char *const *values);
/* The whole document becomes q->out's body, with status 207 or what is given. */
void sim_xml_finish(sim_xml_t *x, int status, const char *ns, const char *root);
/* <status>HTTP/1.1 nnn ...</status> */
void sim_xml_status(sim_xml_t *x, int status);

/* ---- in (xmlin.c) ---- */

typedef struct sim_ask_t { /* a property asked for */
    const sim_name_t *name; /* NULL: nobody ever stored one */
    const char *ns, *local; /* as the reply spells it */
} sim_ask_t;

typedef struct sim_propfind_t {
    int allprop, propname;
    int n;
    sim_ask_t *asks;
    int nhrefs; /* targets of BPROPFIND and its like */
    const char **hrefs;
} sim_propfind_t;

typedef struct sim_change_t { /* one property of a PROPPATCH */
    sim_ask_t ask;
    int remove;
    const char *dt; /* type attribute or NULL */
    int n;
    const char **values; /* n > 1, or of a multi-value, from its v elements */
    int mv; /* it had v elements */
    sim_type_t type; /* from here on: for the one who applies it */
    int status;
} sim_change_t;

typedef struct sim_proppatch_t {
    int n;
    sim_change_t *changes;
    int nhrefs;
    const char **hrefs;
} sim_proppatch_t;

/* Each returns OK or the HTTP status of what is wrong: 400 for text that is not well-formed XML or
 * has a DOCTYPE, 413 for too much, 422 for another document than the one expected. */
int sim_xml_read_propfind(sim_req_t *q, sim_propfind_t *out);
int sim_xml_read_proppatch(sim_req_t *q, sim_proppatch_t *out);
/* The text of the sql element of a SEARCH. */
int sim_xml_read_search(sim_req_t *q, const char **sql);
/* The target hrefs of BDELETE, BMOVE, BCOPY. */
int sim_xml_read_targets(sim_req_t *q, int *n, const char ***hrefs);

#endif
