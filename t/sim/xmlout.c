/* Writes XML replies: see xml.h. */
#include "xml.h"

#include <apr_strings.h>
#include <string.h>

#define NS_TYPES "urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/"
#define NS_VALUES "xml:"

void sim_xml_begin(sim_xml_t *x, sim_req_t *q)
{
    int i, shuffle = sim_setting_is(q->conf, "prefixes", "shuffle");

    memset(x, 0, sizeof(*x));
    x->q = q;
    x->body = apr_palloc(q->p, sizeof(*x->body));
    sim_buf_init(q->p, x->body);
    strcpy(x->letters, "abcdefghijklmnopqrstuvwxyz");
    for (i = 25; shuffle && i > 0; i--) {
        unsigned j = sim_random(q, (unsigned)i + 1);
        char c = x->letters[i];

        x->letters[i] = x->letters[j];
        x->letters[j] = c;
    }
}

static const char *prefix_of(sim_xml_t *x, const char *ns)
{
    int i;

    for (i = 0; i < x->n; i++) {
        if (x->ns[i] == ns || strcmp(x->ns[i], ns) == 0) {
            return x->prefix[i];
        }
    }
    if (x->n == SIM_XML_NS_MAX) {
        return NULL; /* the caller declares it on the element itself */
    }
    x->ns[x->n] = ns;
    x->prefix[x->n][0] = x->letters[x->n % 26];
    if (x->n >= 26) {
        x->prefix[x->n][1] = (char)('0' + x->n / 26);
    }
    return x->prefix[x->n++];
}

static void tag_name(sim_xml_t *x, const char *ns, const char *local)
{
    const char *prefix = ns && *ns ? prefix_of(x, ns) : NULL;

    if (prefix) {
        sim_buf_puts(x->body, prefix);
        sim_buf_add(x->body, ":", 1);
    }
    sim_buf_puts(x->body, local);
}

static void start(sim_xml_t *x, const char *ns, const char *local)
{
    sim_buf_add(x->body, "<", 1);
    tag_name(x, ns, local);
    if (ns && *ns && !prefix_of(x, ns)) {
        sim_buf_puts(x->body, " xmlns=\"");
        sim_buf_xml(x->body, ns);
        sim_buf_add(x->body, "\"", 1);
    }
}

void sim_xml_open(sim_xml_t *x, const char *ns, const char *local)
{
    start(x, ns, local);
    sim_buf_add(x->body, ">", 1);
}

void sim_xml_close(sim_xml_t *x, const char *ns, const char *local)
{
    sim_buf_add(x->body, "</", 2);
    tag_name(x, ns, local);
    sim_buf_add(x->body, ">", 1);
}

void sim_xml_empty(sim_xml_t *x, const char *ns, const char *local)
{
    start(x, ns, local);
    sim_buf_add(x->body, "/>", 2);
}

void sim_xml_text(sim_xml_t *x, const char *ns, const char *local, const char *text)
{
    if (!*text) {
        sim_xml_empty(x, ns, local);
        return;
    }
    sim_xml_open(x, ns, local);
    sim_buf_xml(x->body, text);
    sim_xml_close(x, ns, local);
}

void sim_xml_prop(sim_xml_t *x, const char *ns, const char *local, sim_type_t type, int n,
                  const char *const *values)
{
    const char *dt = sim_type_name(type);
    int i, mv = type >= SIM_T_MV_STRING;

    start(x, ns, local);
    if (dt) {
        sim_buf_add(x->body, " ", 1);
        tag_name(x, NS_TYPES, "dt");
        sim_buf_printf(x->body, "=\"%s\"", dt);
    }
    sim_buf_add(x->body, ">", 1);
    for (i = 0; i < n; i++) {
        if (mv) {
            sim_xml_text(x, NS_VALUES, "v", values[i]);
        }
        else if (strcmp(local, "resourcetype") == 0 && strcmp(values[i], "collection") == 0) {
            sim_xml_empty(x, SIM_NS_DAV, "collection");
        }
        else {
            sim_buf_xml(x->body, values[i]);
        }
    }
    sim_xml_close(x, ns, local);
}

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 204:
        return "No Content";
    case 404:
        return "Resource Not Found"; /* so spelt in captured replies */
    default:
        return ap_get_status_line(status) + 4;
    }
}

void sim_xml_status(sim_xml_t *x, int status)
{
    sim_xml_open(x, SIM_NS_DAV, "status");
    sim_buf_printf(x->body, "HTTP/1.1 %d %s", status, reason(status));
    sim_xml_close(x, SIM_NS_DAV, "status");
}

void sim_xml_finish(sim_xml_t *x, int status, const char *ns, const char *root)
{
    sim_buf_t *out = &x->q->out.body;
    const char *prefix = prefix_of(x, ns);
    int i;

    sim_buf_clear(out);
    sim_buf_printf(out, "<?xml version=\"1.0\"?><%s:%s", prefix, root);
    for (i = 0; i < x->n; i++) {
        sim_buf_printf(out, " xmlns:%s=\"", x->prefix[i]);
        sim_buf_xml(out, x->ns[i]);
        sim_buf_add(out, "\"", 1);
    }
    sim_buf_add(out, ">", 1);
    if (strcmp(root, "multistatus") == 0
        && sim_setting_is(x->q->conf, "unknown-elements", "yes")) {
        sim_buf_puts(out, "<z9:contenttag xmlns:z9=\"urn:x-simulator:unknown\"/>");
    }
    sim_buf_add(out, x->body->data ? x->body->data : "", x->body->len);
    sim_buf_printf(out, "</%s:%s>", prefix, root);
    x->q->out.status = status;
    x->q->out.status_line = status == 207 ? "207 Multi-Status" : NULL;
    x->q->out.type = "text/xml";
}
