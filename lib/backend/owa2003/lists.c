/* lists.c - distribution lists: those a person keeps among the contacts, and who is in one.
 *
 *   SEARCH /exchange/ana/Contacts/             class IPM.DistList
 *   GET    /exchange/ana/Contacts/Team.EML?Cmd=viewmembers
 *
 *   <a:response xmlns:a="WM"><a:memberid>1</a:memberid><a:email>bo@x</a:email>...</a:response>
 *
 * The members come as parallel elements (an Exchange sync client's source); what stands around them
 * is not known, so it is not looked at. Nothing on the server says that an address belongs to a
 * list, but gallookup knows persons only: what it does not know, and a list of one's own is named
 * after, is taken for that list.
 */
#include <string.h>
#include <apr_strings.h>

#include "backend/owa2003/owa.h"
#include "base/str.h"

#define LISTS_MAX 200
#define NAME_MAX_BYTES 1024
static const oc_xml_limits_t limits = {8, 0, 4096, 1024 * 1024};

/* ---- the lists ---- */

typedef struct finding_t {
    apr_array_header_t *found;
    owa_lists_then_t *then;
} finding_t;

static apr_status_t take_list(void *baton, const oc_dav_row_t *row)
{
    owa_ask_t *a = baton;
    finding_t *f = a->baton;
    apr_pool_t *pool = f->found->pool;
    const char *class = row->value[OWA_P_CLASS], *name = row->value[OWA_P_SUBJECT];
    const char *folder = apr_pstrmemdup(row->pool, a->x->path, strcspn(a->x->path, "?"));
    const char *item = owa_item_in(pool, folder, row->path);
    owa_dl_t *dl;

    name = name && *name ? name : row->value[OWA_P_DISPLAYNAME];
    if (!item || !class || strcasecmp(class, OWA_CLASS_LIST) || !name || !*name
        || strlen(name) > NAME_MAX_BYTES || oc_str_control(name, "")) {
        return APR_SUCCESS;
    }
    if (f->found->nelts >= LISTS_MAX) {
        return APR_EOF;
    }
    dl = apr_pcalloc(pool, sizeof(*dl));
    dl->name = oc_str_trim(pool, name);
    dl->path = owa_item_path(pool, folder, item);
    APR_ARRAY_PUSH(f->found, owa_dl_t *) = dl;
    return APR_SUCCESS;
}

static void lists_read(owa_verb_t *v, owa_ask_t *a)
{
    finding_t *f = a->baton;
    int none = a->res.reason == OC_REASON_ACCESS_DENIED
               || a->res.reason == OC_REASON_MAILBOX_REFUSED;

    f->then(v, none || a->res.reason == OC_REASON_OK ? f->found : NULL, &a->res);
}

void owa_lists_find(owa_verb_t *v, owa_lists_then_t *then)
{
    static const int props[] = {OWA_P_CLASS, OWA_P_SUBJECT, OWA_P_DISPLAYNAME, OC_DAV_END};
    const oc_dav_where_t where[] = {{OWA_P_CLASS, "=", OWA_CLASS_LIST, 0, 0}};
    finding_t *f = apr_pcalloc(v->pool, sizeof(*f));
    owa_ask_t *a;

    f->found = apr_array_make(v->pool, 4, sizeof(owa_dl_t *));
    f->then = then;
    if (!v->own->contacts) {
        then(v, f->found, NULL);
        return;
    }
    a = owa_search(v, v->own->site, v->own->contacts, props, where, 1, OC_DAV_END, 0, -1,
                   "find lists", lists_read);
    a->baton = f;
    a->row = take_list;
    a->row_baton = a;
    a->quiet_404 = 1; /* no contacts, no lists */
    owa_send(v, a);
}

/* ---- the members of one ---- */

typedef struct reading_t {
    owa_dl_t *dl;
    apr_array_header_t *members;
    int ids, emails, odd, max, page;
    void (*then)(owa_verb_t *v);
} reading_t;

enum { AT_ROOT, AT_PAGE, AT_TOP, AT_GROUP, AT_DEEP, AT_ID, AT_EMAIL };

static const oc_xml_row_t member_rows[] = {
    {AT_ROOT, OC_XML_ANY, "html", AT_PAGE, 0},
    {AT_ROOT, OC_XML_ANY, OC_XML_ANY, AT_TOP, 0},
    {AT_TOP, OC_XML_ANY, "memberid", AT_ID, 0},
    {AT_TOP, OC_XML_ANY, "email", AT_EMAIL, OC_XML_TEXT},
    {AT_TOP, OC_XML_ANY, OC_XML_ANY, AT_GROUP, 0},
    {AT_GROUP, OC_XML_ANY, "memberid", AT_ID, 0},
    {AT_GROUP, OC_XML_ANY, "email", AT_EMAIL, OC_XML_TEXT},
    {AT_GROUP, OC_XML_ANY, OC_XML_ANY, AT_DEEP, 0},
    {AT_DEEP, OC_XML_ANY, "memberid", AT_ID, 0},
    {AT_DEEP, OC_XML_ANY, "email", AT_EMAIL, OC_XML_TEXT},
    {0, NULL, NULL, 0, 0},
};

static apr_status_t member_open(void *baton, int state, const char *ns, const char *name)
{
    reading_t *r = baton;

    (void)ns, (void)name;
    r->page |= state == AT_PAGE;
    r->ids += state == AT_ID;
    return APR_SUCCESS;
}

static apr_status_t member_close(void *baton, int state, const char *ns, const char *name,
                                 const char *text, apr_size_t len)
{
    reading_t *r = baton;
    const char *address;
    int i;

    (void)ns, (void)name, (void)len;
    if (state != AT_EMAIL) {
        return APR_SUCCESS;
    }
    ++r->emails;
    address = text + strspn(text, " \t\r\n");
    address += strncasecmp(address, "SMTP:", 5) ? 0 : 5;
    address = oc_str_trim(r->members->pool, address);
    for (i = 0; i < r->members->nelts
                && !oc_attendee_same(APR_ARRAY_IDX(r->members, i, const char *), address); ++i) {
    }
    if (!oc_attendee_address_ok(address) || (i == r->members->nelts && i >= r->max)) {
        ++r->odd;
    } else if (i == r->members->nelts) {
        APR_ARRAY_PUSH(r->members, const char *) = address;
    }
    return APR_SUCCESS;
}

static void members_read(owa_verb_t *v, owa_ask_t *a)
{
    reading_t *r = a->baton;

    if (a->res.reason == OC_REASON_OK && !r->page && r->ids == r->emails && !r->odd) {
        r->dl->members = r->members;
    } else {
        oc_log(OC_LOG_INFO, 0, v->call->id, OC_LOGID(0620)
               "the members of a list cannot be read: %s, %d members, %d addresses, %d of them "
               "without use or too many",
               oc_reason_token(a->res.reason), r->ids, r->emails, r->odd);
    }
    r->then(v);
}

void owa_list_read(owa_verb_t *v, owa_dl_t *dl, int max, void (*then)(owa_verb_t *v))
{
    oc_xml_sink_t sink = {member_open, member_close, NULL};
    reading_t *r = apr_pcalloc(v->pool, sizeof(*r));
    owa_ask_t *a = owa_ask(v, NULL, "GET", apr_pstrcat(v->pool, dl->path, "?Cmd=viewmembers", NULL),
                           "members of a list", OWA_WANT_XML, members_read);

    r->dl = dl;
    r->members = apr_array_make(v->pool, 8, sizeof(const char *));
    r->max = max;
    r->then = then;
    sink.baton = r;
    a->baton = r;
    a->xml = oc_xml_open(v->pool, member_rows, &sink, &limits);
    owa_send(v, a);
}

/* ---- is it a person? ---- */

const char *owa_gal_path(const owa_verb_t *v)
{
    const char *version = v->own->version;

    return version && !strncmp(version, "6.0", 3) ? v->be->conf->public_path : v->own->root;
}

typedef struct looking_t {
    const char *address;
    int person, error;
    owa_person_then_t *then;
} looking_t;

enum { IN_ROOT, IN_RESPONSE, IN_GROUP, IN_PERSON, IN_ERROR };

static const oc_xml_row_t person_rows[] = {
    {IN_ROOT, OC_XML_ANY, "response", IN_RESPONSE, 0},
    {IN_RESPONSE, OC_XML_ANY, "person", IN_PERSON, 0},
    {IN_RESPONSE, OC_XML_ANY, "error", IN_ERROR, 0},
    {IN_RESPONSE, OC_XML_ANY, OC_XML_ANY, IN_GROUP, 0},
    {IN_GROUP, OC_XML_ANY, "person", IN_PERSON, 0},
    {IN_GROUP, OC_XML_ANY, "error", IN_ERROR, 0},
    {0, NULL, NULL, 0, 0},
};

static apr_status_t person_open(void *baton, int state, const char *ns, const char *name)
{
    looking_t *l = baton;

    (void)ns, (void)name;
    l->person |= state == IN_PERSON;
    l->error |= state == IN_ERROR;
    return APR_SUCCESS;
}

static void person_read(owa_verb_t *v, owa_ask_t *a)
{
    looking_t *l = a->baton;

    l->then(v, l->address, a->res.reason != OC_REASON_OK ? OC_DONT_KNOW
                           : l->person                   ? OC_YES
                           : l->error                    ? OC_NO
                                                         : OC_DONT_KNOW);
}

void owa_person_look(owa_verb_t *v, const char *address, owa_person_then_t *then)
{
    oc_xml_sink_t sink = {person_open, NULL, NULL};
    looking_t *l = apr_pcalloc(v->pool, sizeof(*l));
    owa_ask_t *a = owa_ask(v, NULL, "GET",
                           apr_pstrcat(v->pool, owa_gal_path(v), "?Cmd=gallookup&ADDR=",
                                       oc_str_query(v->pool, address), NULL),
                           "look a person up", OWA_WANT_XML, person_read);

    l->address = address;
    l->then = then;
    sink.baton = l;
    a->baton = l;
    a->xml = oc_xml_open(v->pool, person_rows, &sink, &limits);
    owa_send(v, a);
}
