/* Reads XML requests: see xml.h. The only file that names libxml2. */
#include "xml.h"

#include <apr_strings.h>
#include <ctype.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#define XML_MAX (8 * 1024 * 1024)
#define PROPERTIES_MAX 1000 /* asked for or changed in one request */

static void quiet(void *ctx, const char *fmt, ...)
{
    (void)ctx;
    (void)fmt;
}

/* 1 if an element or attribute has a prefix that nothing declares. Where the namespace layer gave
 * up, prefix and name stand together in the name. */
static int has_stray_prefix(xmlNodePtr n)
{
    const char *colon;
    xmlAttrPtr a;

    for (; n; n = n->next) {
        if (n->type != XML_ELEMENT_NODE) {
            continue;
        }
        colon = n->ns ? NULL : strchr((const char *)n->name, ':');
        if (colon) {
            xmlChar *prefix = xmlStrndup(n->name, (int)(colon - (const char *)n->name));
            int known = xmlSearchNs(n->doc, n, prefix) != NULL;

            xmlFree(prefix);
            if (!known) {
                return 1;
            }
        }
        for (a = n->properties; a; a = a->next) {
            if (!a->ns && strchr((const char *)a->name, ':')) {
                return 1;
            }
        }
        if (has_stray_prefix(n->children)) {
            return 1;
        }
    }
    return 0;
}

static int parse(sim_req_t *q, const char *root, xmlDocPtr *out)
{
    xmlParserCtxtPtr ctx;
    xmlDocPtr doc;
    xmlNodePtr top;
    int ok;

    *out = NULL;
    if (q->body_len > XML_MAX) {
        return HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
    if (!q->body_len || (ctx = xmlNewParserCtxt()) == NULL) {
        return HTTP_BAD_REQUEST;
    }
    ctx->sax->error = ctx->sax->warning = quiet;
    /* A name such as <h:0x8218> is an error of the namespace layer only: published clients of this
     * server send it, so it is let through. */
    doc = xmlCtxtReadMemory(ctx, q->body, (int)q->body_len, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOERROR
                                | XML_PARSE_NOWARNING);
    ok = doc && ctx->wellFormed;
    xmlFreeParserCtxt(ctx);
    if (!ok || doc->intSubset) {
        xmlFreeDoc(doc);
        return HTTP_BAD_REQUEST;
    }
    top = xmlDocGetRootElement(doc);
    if (has_stray_prefix(top)) {
        xmlFreeDoc(doc);
        return HTTP_BAD_REQUEST;
    }
    if (!top || strcmp((const char *)top->name, root) != 0 || !top->ns
        || strcmp((const char *)top->ns->href, SIM_NS_DAV) != 0) {
        xmlFreeDoc(doc);
        return HTTP_UNPROCESSABLE_ENTITY;
    }
    *out = doc;
    return OK;
}

static const char *ns_of(xmlNodePtr n)
{
    return n->ns && n->ns->href ? (const char *)n->ns->href : "";
}

static int is_dav(xmlNodePtr n, const char *local)
{
    return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, local) == 0
           && strcmp(ns_of(n), SIM_NS_DAV) == 0;
}

static void ask_of(sim_req_t *q, xmlNodePtr n, sim_ask_t *ask)
{
    const char *local = (const char *)n->name, *ns = ns_of(n), *colon;

    /* Where the namespace layer gave up, prefix and name stand together. */
    if (!*ns && (colon = strchr(local, ':')) != NULL) {
        xmlNsPtr found = xmlSearchNs(n->doc, n,
                                     (const xmlChar *)apr_pstrmemdup(q->p, local,
                                                                     (apr_size_t)(colon - local)));

        if (found) {
            ns = (const char *)found->href;
            local = colon + 1;
        }
    }
    if (strncmp(local, "_x003", 5) == 0 && isdigit((unsigned char)local[5]) && local[6] == '_') {
        local = apr_psprintf(q->p, "%c%s", local[5], local + 7);
    }
    ask->ns = apr_pstrdup(q->p, ns);
    ask->local = apr_pstrdup(q->p, local);
    ask->name = sim_name_find(ns, local);
}

static const char *text_of(sim_req_t *q, xmlNodePtr n)
{
    xmlChar *text = xmlNodeGetContent(n);
    const char *copy = apr_pstrdup(q->p, text ? (const char *)text : "");

    xmlFree(text);
    return copy;
}

static const char *trimmed_of(sim_req_t *q, xmlNodePtr n)
{
    char *text = apr_pstrdup(q->p, text_of(q, n)), *end;

    text += strspn(text, " \t\r\n");
    for (end = text + strlen(text); end > text && strchr(" \t\r\n", end[-1]); end--) {
        end[-1] = '\0';
    }
    return text;
}

static int count_children(xmlNodePtr n)
{
    int count = 0;

    for (n = n->children; n; n = n->next) {
        count += n->type == XML_ELEMENT_NODE;
    }
    return count;
}

/* <D:target><D:href>..</D:href>..</D:target> of the batch verbs */
static void read_hrefs(sim_req_t *q, xmlNodePtr target, int *n, const char ***hrefs)
{
    xmlNodePtr h;

    *hrefs = apr_palloc(q->p, sizeof(char *) * (size_t)(count_children(target) + 1));
    for (h = target->children; h; h = h->next) {
        if (is_dav(h, "href")) {
            (*hrefs)[(*n)++] = trimmed_of(q, h);
        }
    }
}

int sim_xml_read_propfind(sim_req_t *q, sim_propfind_t *out)
{
    xmlDocPtr doc;
    xmlNodePtr n, c;
    int rc;

    memset(out, 0, sizeof(*out));
    if (!q->body_len) { /* RFC 2518 8.1: an empty body asks for all */
        out->allprop = 1;
        return OK;
    }
    rc = parse(q, "propfind", &doc);
    if (rc != OK) {
        return rc;
    }
    for (n = xmlDocGetRootElement(doc)->children; n; n = n->next) {
        if (is_dav(n, "allprop")) {
            out->allprop = 1;
        }
        else if (is_dav(n, "propname")) {
            out->propname = 1;
        }
        else if (is_dav(n, "target")) {
            read_hrefs(q, n, &out->nhrefs, &out->hrefs);
        }
        else if (is_dav(n, "prop") && !out->asks) {
            if (count_children(n) > PROPERTIES_MAX) {
                xmlFreeDoc(doc);
                return HTTP_REQUEST_ENTITY_TOO_LARGE;
            }
            out->asks = apr_pcalloc(q->p, sizeof(sim_ask_t) * (size_t)(count_children(n) + 1));
            for (c = n->children; c; c = c->next) {
                if (c->type == XML_ELEMENT_NODE) {
                    ask_of(q, c, &out->asks[out->n++]);
                }
            }
        }
    }
    xmlFreeDoc(doc);
    return out->allprop || out->propname || out->asks ? OK : HTTP_UNPROCESSABLE_ENTITY;
}

static const char *dt_of(sim_req_t *q, xmlNodePtr n)
{
    xmlAttrPtr a;

    for (a = n->properties; a; a = a->next) {
        const char *ns = a->ns && a->ns->href ? (const char *)a->ns->href : "";

        if (strcmp((const char *)a->name, "dt") == 0
            && (strcmp(ns, "urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/") == 0
                || strcmp(ns, "urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882") == 0
                || strcmp(ns, "urn:schemas-microsoft-com:datatypes") == 0)) {
            return text_of(q, (xmlNodePtr)a);
        }
    }
    return NULL;
}

static void change_of(sim_req_t *q, xmlNodePtr n, int remove, sim_change_t *c)
{
    xmlNodePtr v;

    ask_of(q, n, &c->ask);
    c->remove = remove;
    c->dt = dt_of(q, n);
    c->values = apr_pcalloc(q->p, sizeof(char *) * (size_t)(count_children(n) + 2));
    for (v = n->children; v; v = v->next) {
        if (v->type == XML_ELEMENT_NODE && strcmp((const char *)v->name, "v") == 0
            && strcmp(ns_of(v), "xml:") == 0) {
            c->mv = 1;
            c->values[c->n++] = text_of(q, v);
        }
    }
    if (!c->mv) {
        c->values[c->n++] = text_of(q, n);
    }
}

int sim_xml_read_proppatch(sim_req_t *q, sim_proppatch_t *out)
{
    xmlDocPtr doc;
    xmlNodePtr n, p, c;
    int rc = parse(q, "propertyupdate", &doc), total = 0;

    memset(out, 0, sizeof(*out));
    if (rc != OK) {
        return rc;
    }
    for (n = xmlDocGetRootElement(doc)->children; n; n = n->next) {
        for (p = n->type == XML_ELEMENT_NODE ? n->children : NULL; p; p = p->next) {
            total += p->type == XML_ELEMENT_NODE ? count_children(p) : 0;
        }
    }
    if (total > PROPERTIES_MAX) {
        xmlFreeDoc(doc);
        return HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
    out->changes = apr_pcalloc(q->p, sizeof(sim_change_t) * (size_t)(total + 1));
    for (n = xmlDocGetRootElement(doc)->children; n; n = n->next) {
        int set = is_dav(n, "set"), remove = is_dav(n, "remove");

        if (is_dav(n, "target")) {
            read_hrefs(q, n, &out->nhrefs, &out->hrefs);
        }
        for (p = set || remove ? n->children : NULL; p; p = p->next) {
            for (c = is_dav(p, "prop") ? p->children : NULL; c; c = c->next) {
                if (c->type == XML_ELEMENT_NODE) {
                    change_of(q, c, remove, &out->changes[out->n++]);
                }
            }
        }
    }
    xmlFreeDoc(doc);
    return out->n ? OK : HTTP_UNPROCESSABLE_ENTITY;
}

int sim_xml_read_search(sim_req_t *q, const char **sql)
{
    xmlDocPtr doc;
    xmlNodePtr n;
    int rc = parse(q, "searchrequest", &doc);

    if (rc != OK) {
        return rc;
    }
    *sql = NULL;
    for (n = xmlDocGetRootElement(doc)->children; n && !*sql; n = n->next) {
        if (is_dav(n, "sql")) {
            *sql = text_of(q, n);
        }
    }
    xmlFreeDoc(doc);
    return *sql ? OK : HTTP_UNPROCESSABLE_ENTITY;
}

int sim_xml_read_targets(sim_req_t *q, int *n, const char ***hrefs)
{
    static const char *const roots[] = {"delete", "move", "copy"};
    xmlDocPtr doc = NULL;
    xmlNodePtr t;
    int i, rc = HTTP_BAD_REQUEST;

    *n = 0;
    *hrefs = NULL;
    for (i = 0; i < 3 && rc != OK; i++) {
        rc = parse(q, roots[i], &doc);
    }
    if (rc != OK) {
        return rc;
    }
    for (t = xmlDocGetRootElement(doc)->children; t; t = t->next) {
        if (is_dav(t, "target")) {
            read_hrefs(q, t, n, hrefs);
        }
    }
    xmlFreeDoc(doc);
    return *n ? OK : HTTP_UNPROCESSABLE_ENTITY;
}
