/* status.c - `SetHandler owacal-status`: counters of all children and gauges of this one, as
 * Prometheus text (exposition format 0.0.4). */
#include <httpd.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include <unistd.h>

#include "httpd/handler.h"

static void counter(request_rec *r, const char *name, const char *help, const char *type)
{
    ap_rprintf(r, "# HELP owacal_%s %s\n# TYPE owacal_%s %s\n", name, help, name, type);
}

static void gauge(request_rec *r, const char *name, const char *help, long value)
{
    counter(r, name, help, "gauge");
    ap_rprintf(r, "owacal_%s{child=\"%ld\"} %ld\n", name, (long)getpid(), value);
}

static void of_all_children(request_rec *r, oc_shared_t *shared)
{
    oc_lease_stats_t leases;
    int v, n;

    counter(r, "operations_total", "Operations ended, by act and reason.", "counter");
    for (v = 0; v < OC_VERB_COUNT; ++v) {
        for (n = 0; n < OC_REASON_COUNT; ++n) {
            apr_uint64_t count =
                __atomic_load_n(&shared->counters->outcomes[v][n], __ATOMIC_RELAXED);
            int same = n > 0 && strcmp(oc_reason_token((oc_reason_t)n),
                                       oc_reason_token((oc_reason_t)(n - 1))) == 0;
            int twin =
                n + 1 < OC_REASON_COUNT &&
                strcmp(oc_reason_token((oc_reason_t)n), oc_reason_token((oc_reason_t)(n + 1))) == 0;
            if (twin) { /* one token with two HTTP statuses is one series */
                count += __atomic_load_n(&shared->counters->outcomes[v][n + 1], __ATOMIC_RELAXED);
            }
            if (count && !same) {
                ap_rprintf(
                    r, "owacal_operations_total{act=\"%s\",reason=\"%s\"} %" APR_UINT64_T_FMT "\n",
                    oc_verb_token((oc_verb_t)v), oc_reason_token((oc_reason_t)n), count);
            }
        }
    }
    counter(r, "operation_seconds_total", "Time spent in operations, by act.", "counter");
    for (v = 0; v < OC_VERB_COUNT; ++v) {
        apr_uint64_t us = __atomic_load_n(&shared->counters->microseconds[v], __ATOMIC_RELAXED);
        ap_rprintf(r, "owacal_operation_seconds_total{act=\"%s\"} %.6f\n",
                   oc_verb_token((oc_verb_t)v), (double)us / 1e6);
    }
    counter(r, "freebusy_rows_total", "Free/busy shown: kept (OwaCalFreshness) or asked for.",
            "counter");
    ap_rprintf(r,
               "owacal_freebusy_rows_total{source=\"kept\"} %" APR_UINT64_T_FMT "\n"
               "owacal_freebusy_rows_total{source=\"asked\"} %" APR_UINT64_T_FMT "\n",
               __atomic_load_n(&shared->counters->rows_kept, __ATOMIC_RELAXED),
               __atomic_load_n(&shared->counters->rows_asked, __ATOMIC_RELAXED));
    oc_lease_stats(shared->leases, &leases);
    counter(r, "leases", "Rooms under decision now.", "gauge");
    ap_rprintf(r, "owacal_leases %d\n", leases.leases);
    counter(r, "ledger_entries", "Recent bookings remembered.", "gauge");
    ap_rprintf(r, "owacal_ledger_entries %d\n", leases.ledger);
}

static void of_this_child(request_rec *r, oc_child_t *child)
{
    oc_signer_stats_t signer;
    oc_net_stats_t net;
    int limit;

    oc_net_stats(oc_child_net(child), &net);
    oc_signer_stats(oc_child_signer(child), &signer);
    gauge(r, "waiting", "Requests waiting for an operation.", oc_child_waiting(child, &limit));
    gauge(r, "waiting_limit", "Requests that may wait.", limit);
    gauge(r, "exchanges_in_flight", "Exchanges on the wire.", net.inflight);
    gauge(r, "exchanges_queued", "Exchanges waiting for a connection.", net.queued);
    gauge(r, "connections", "Connections to calendar servers.", net.connections);
    gauge(r, "connection_caches", "Connection caches, one for each identity and server.",
          net.caches);
    gauge(r, "exchanges", "Exchanges ended since this child began.", (long)net.exchanges);
    gauge(r, "handshakes", "Connections opened since this child began.", (long)net.handshakes);
    gauge(r, "resends_refused", "Repeated sendings of a write that were stopped.",
          (long)net.resend_refused);
    gauge(r, "owner_refused", "Sendings on another's connection that were stopped.",
          (long)net.owner_refused);
    gauge(r, "timeouts", "Exchanges that ran out of time.", (long)net.timeouts);
    gauge(r, "lost", "Exchanges whose reply was lost.", (long)net.lost);
    gauge(r, "sessions", "Identities remembered.", signer.sessions);
    gauge(r, "gss_busy", "GSS threads at work.", signer.gss_busy);
    gauge(r, "gss_stuck", "GSS threads whose waiter has left.", signer.gss_stuck);
}

int oc_status_handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "owacal-status") != 0) {
        return DECLINED;
    }
    r->allowed |= AP_METHOD_BIT << M_GET;
    if (r->method_number != M_GET) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain; version=0.0.4; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    if (r->header_only) {
        return OK;
    }
    of_all_children(r, oc_child_shared());
    if (oc_child()) {
        of_this_child(r, oc_child());
    }
    return OK;
}
