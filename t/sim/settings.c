/* The switches: one row each, for everything the sources leave open or contradict, and for the
 * kinds of server a client may meet. `--set NAME=VALUE` of the launcher, OwaSimSet in the
 * configuration, POST /_sim/settings?NAME=VALUE at run time; GET /_sim/settings lists them. */
#include "sim.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const sim_setting_row_t sim_setting_rows[] = {
    /* the server as a whole */
    {"version", "text", "6.5.7226", "build in MS-WebStorage"},
    {"href-host", "text", "", "host[:port] in hrefs, if not the one asked (rule 9)"},
    {"submit-escaped", "yes|no", "yes", "sendmsg shows the submission URI as %23%23, else as ##"},
    {"unknown-elements", "yes|no", "yes", "replies hold elements no client knows (rule 6)"},
    {"prefixes", "shuffle|fixed", "shuffle", "XML prefixes of replies (rule 6)"},
    {"stranger-status", "401|403|404|440", "403", "answer when rights are missing (rule 10)"},
    {"room-calendar", "nobody|everybody", "nobody", "who else may read a room's calendar"},
    {"over-quota", "yes|no", "no", "writes answer 507 (rule 24)"},
    {"locked", "yes|no", "no", "DELETE, MOVE and PROPPATCH of an item answer 423 (rule 24)"},
    /* PROPPATCH */
    {"type-errors", "400|422", "400", "a wrong value: 400 for all or inner 422 (rule 17)"},
    {"bad-property", "all-fail|alone", "all-fail", "whether the others of a PROPPATCH get 424"},
    {"changed-status", "200|none", "none", "status element in the reply to a change"},
    {"brief", "honour|ignore", "honour", "whether Brief: t shortens replies"},
    {"fail-property", "text", "", "'NAMESPACE NAME' whose PROPPATCH fails (rule 15)"},
    /* SEARCH */
    {"range", "honour|ignore", "honour", "Range: rows=.. of SEARCH (rule 40)"},
    {"range-empty", "207|416", "416", "a ranged SEARCH without any row"},
    {"sql-errors", "400|422", "422", "answer to SQL that does not parse"},
    /* submission */
    {"submit-status", "200|201|204", "201", "answer to a MOVE that sent"},
    {"no-recipients", "403|404", "403", "answer to a submission without recipients (rule 19d)"},
    {"delivery", "tentative|inbox", "tentative",
     "a delivered request makes a tentative entry, or only lies in the Inbox (rule 19a)"},
    {"organizer-update", "yes|no", "no", "an answer updates the organizer's copy on delivery"},
    {"room-delay", "number", "0", "seconds of the simulator's clock until a room answers"},
    {"room-conflicts", "refuse|accept", "refuse", "an accepting room when it is busy already"},
    {"sent-copy", "yes|no", "yes", "Sent Items copies, unless the client says otherwise"},
    {"on-behalf", "plain|sender|actor-copy", "plain",
     "sent by an account with rights: no trace of it, a Sender, or the copy in its Sent Items too"},
    /* OWA commands */
    {"getcancel", "302|302-path|200-itemhref|200-base|200-action|200-msgid|xml|none|self|"
     "other-host|other-mailbox|folder",
     "302", "how Cmd=getcancel tells where the draft is (rule 25)"},
    {"getcancel-uid", "yes|no", "yes", "the draft carries the uid"},
    {"getcancel-organizer", "yes|no", "no", "the draft is addressed to the organizer too"},
    {"getcancel-class", "canceled|appointment", "canceled", "class of the draft"},
    {"update-cmd", "text", "sendappt", "Cmd of an update POST (rule 29)"},
    {"update-lines", "text", "", "further lines an update POST must hold, separated by ';'"},
    {"update-mode", "send|silent", "send", "silent: 200 and nothing is sent (rule 31)"},
    {"update-reply", "200|302", "200", "answer to an update POST that worked"},
    {"update-removed", "update|cancel|nothing", "update", "what removed attendees are sent"},
    {"update-raises", "yes|no", "yes", "an OWA update raises sequence and dtstamp"},
    /* free/busy */
    {"lag", "number", "0", "seconds until a change shows in free/busy (rule 36)"},
    {"freebusy-months", "number", "2", "published range, from the start of the month (rule 35)"},
    {"freebusy-published", "yes|no", "yes", "no: nobody ever published, 404 (rule 34)"},
    {"freebusy-missing", "400|page", "400", "a wrong start, end or interval (rule 37)"},
    {"freebusy-bad-address", "400|500|error", "400", "answer to a u= that is no address (rule 34)"},
    {"freebusy-url-max", "number", "16384", "longest query in bytes; more is 414"},
    {"freebusy-days-max", "number", "366", "longest range in days; more is 400"},
    {"freebusy-order", "reverse|as-asked", "reverse", "order of the rows (rule 33)"},
    {"freebusy-merged-row", "yes|no", "yes", "the first row merges all persons (rule 33)"},
    /* address list */
    {"gal-max", "number", "100", "rows of galfind (rule 43)"},
    {"gal-too-many", "error|cut", "error", "more rows than that: an error element, or those only"},
    {"gal-nothing", "empty|error", "empty", "galfind that finds nobody: no rows, or an error"},
    {"gal-match", "exact|wider", "exact", "wider: only the first field asked for counts"},
    {"gal-em", "ignore|search", "ignore", "the field EM of galfind, which no client sends"},
    {"gal-at", "mailbox|public|both", "mailbox", "where the address list answers (rule 44)"},
    {"gal-lookup", "yes|no", "yes", "no: gallookup is not known (Exchange 2000)"},
    {"members-wrapped", "yes|no", "no", "viewmembers: each pair in an element of its own"},
    /* who may come in (auth.c, forms.c) */
    {"auth", "none|basic|forms|ntlm|kerberos|trusted", "none", "how a client proves who it is"},
    {"auth-offer", "text", "",
     "schemes of a 401, in order, like \"Negotiate,NTLM,Basic\"; empty: the one of auth"},
    {"auth-odd", "yes|no", "yes", "POLL, BPROPPATCH, PUT to submission without a logon (rule 14)"},
    {"domain", "text", "EXAMPLE", "Windows domain of the accounts"},
    {"dns-domain", "text", "example.test", "its DNS name, the suffix of user@domain logons"},
    {"default-domain", "yes|no", "yes", "logon names without a domain are accepted"},
    {"connection-bound", "yes|no", "no",
     "a connection stays whose it first was, whatever later requests bear (rule 11)"},
    {"trusted-secret", "secret", "", "X-Sim-Secret of a front whose X-Sim-User is believed"},
    {"plain-http", "allow|refuse", "allow", "refuse: 403 with a page asking for SSL"},
    {"connection-requests", "number", "0",
     "requests on a connection until it is closed; 0: no limit (rule 11)"},
    {"fba-plain", "yes|no", "no", "the logon form over plain http, else 403 (rule 13)"},
    {"fba-refused", "form|redirect", "form",
     "answer to a GET with bad cookies: the form, or a 302"},
    {"fba-parts", "number", "1", "number of cadata cookies, 1 to 3"},
    {"fba-public-minutes", "number", "15", "idle time of a logon with trusted=0"},
    {"fba-private-minutes", "number", "1440", "idle time of a logon with trusted=4"},
    {"latency", "number", "0", "milliseconds before each answer, no lock held"},
    {"mime", "accept|406", "accept", "406: a server misconfigured for PUT of MIME"},
    {NULL, NULL, NULL, NULL},
};

#define NROWS (sizeof(sim_setting_rows) / sizeof(sim_setting_rows[0]) - 1)

static const char *volatile now_values[NROWS];
static const char *said_values[NROWS];

/* Values once read may be in use by any thread: they are kept, each text once. */
typedef struct kept_t {
    struct kept_t *next;
    char text[];
} kept_t;
static kept_t *kept;
static pthread_mutex_t kept_mutex = PTHREAD_MUTEX_INITIALIZER;

static const char *keep(const char *text)
{
    size_t n = strlen(text) + 1;
    kept_t *k;

    pthread_mutex_lock(&kept_mutex);
    for (k = kept; k && strcmp(k->text, text); k = k->next) {
    }
    if (!k && (k = malloc(sizeof(*k) + n)) != NULL) {
        memcpy(k->text, text, n);
        k->next = kept;
        kept = k;
    }
    pthread_mutex_unlock(&kept_mutex);
    return k ? k->text : "";
}

static int row_of(const char *name)
{
    int i;

    for (i = 0; sim_setting_rows[i].name; i++) {
        if (strcmp(sim_setting_rows[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

void sim_setting_reset(sim_conf_t *conf)
{
    size_t i;

    conf->values = now_values;
    for (i = 0; i < NROWS; i++) {
        now_values[i] = said_values[i] ? said_values[i] : sim_setting_rows[i].def;
    }
}

void sim_setting_start(sim_conf_t *conf)
{
    memset(said_values, 0, sizeof(said_values));
    sim_setting_reset(conf);
}

void sim_setting_keep(sim_conf_t *conf)
{
    size_t i;

    conf->values = now_values;
    for (i = 0; i < NROWS; i++) {
        said_values[i] = now_values[i];
    }
}

const char *sim_setting(const sim_conf_t *conf, const char *name)
{
    int i = row_of(name);

    if (i < 0) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, NULL, "setting \"%s\" has no row", name);
        abort();
    }
    return conf->values[i] ? conf->values[i] : sim_setting_rows[i].def;
}

long sim_setting_number(const sim_conf_t *conf, const char *name)
{
    return strtol(sim_setting(conf, name), NULL, 10);
}

int sim_setting_is(const sim_conf_t *conf, const char *name, const char *value)
{
    return strcmp(sim_setting(conf, name), value) == 0;
}

static int allowed_has(const char *allowed, const char *value)
{
    size_t n = strlen(value);
    const char *p = allowed;

    while (p) {
        const char *bar = strchr(p, '|');
        size_t len = bar ? (size_t)(bar - p) : strlen(p);

        if (len == n && strncmp(p, value, n) == 0) {
            return 1;
        }
        p = bar ? bar + 1 : NULL;
    }
    return 0;
}

const char *sim_setting_set(apr_pool_t *p, sim_conf_t *conf, const char *name, const char *value)
{
    const sim_setting_row_t *row;
    int i = row_of(name);

    if (i < 0) {
        return apr_psprintf(p, "there is no setting \"%.64s\"; /_sim/settings lists them", name);
    }
    row = &sim_setting_rows[i];
    if (strcmp(row->allowed, "number") == 0) {
        size_t n = strspn(value, "0123456789");

        if (n == 0 || n > 9 || value[n]) {
            return apr_psprintf(p, "%s wants a number, not \"%.64s\"", name, value);
        }
    }
    else if (strcmp(row->allowed, "text") == 0 || strcmp(row->allowed, "secret") == 0) {
        if (strlen(value) > 1024) {
            return apr_psprintf(p, "%s is longer than 1024 characters", name);
        }
    }
    else if (!allowed_has(row->allowed, value)) {
        return apr_psprintf(p, "%s is one of %s, not \"%.64s\"", name, row->allowed, value);
    }
    conf->values[i] = keep(value);
    return NULL;
}
