/* drive.h - runs a job without net: from recorded or programmed exchanges, or over plain blocking
 * sockets against a real server. For the units of backends and operations.
 *
 * Recorded exchanges stand in files of t/data/:
 *
 *     # comment, before the first exchange only
 *     >> PROPFIND /exchange/ana/           the request expected; a '*' at the end takes any rest
 *     >~ Depth: 0                          text its headers ("Name: value") or its body must hold
 *     >! Translate                         ... must not hold
 *     << 207 Multi-Status                  or: << LOST, << NOT_SENT, << FORBIDDEN, << TIMEOUT
 *     Content-Type: text/xml
 *                                          (an empty line ends the headers)
 *     <?xml ...                            body, up to the next line that begins with ">> "
 *
 * Or they are what OwaCalTrace has written (net/trace.h), without what the log puts in front:
 *
 *     sed -n 's/.*\[op 65e310f0d0ef866b\] trace: //p' error_log >t/data/owa2003/it-failed.txt
 *
 * An exchange is answered by the first unused recording that fits method and path, so that those in
 * flight side by side may come in any order. One that nothing fits counts as a complaint.
 */
#ifndef DRIVE_H
#define DRIVE_H

#include "base/call.h"
#include "base/job.h"

typedef struct drive_t drive_t;
/* Programmed replies: return 1 after drive_reply or drive_end; 0: the script answers. */
typedef int drive_answer_t(drive_t *d, oc_exchange_t *x, void *baton);

struct drive_t {
    apr_pool_t *pool;
    apr_array_header_t *seen;  /* const char *: "METHOD path" of every exchange, in order */
    apr_array_header_t *steps; /* the script */
    int complaints;            /* exchanges that were wrong, each told by diag() */
    int peak;                  /* most exchanges in flight at once */
    apr_size_t block;          /* bytes of body fed at a time; 0 = 4096 */
    int fail_at;               /* the n-th exchange (from 1) ends in fail_how; 0 = none */
    oc_outcome_t fail_how;     /* with OC_X_REPLIED: fail_status and fail_body */
    int fail_status;
    const char *fail_body;
    long cut_at;               /* a reply breaks after that many body bytes (LOST); -1 = never */
    int cut_exchange;          /* the reply to the n-th exchange (from 1); 0 = every */
    int refused;               /* replies whose rest the job did not want */
    drive_answer_t *answer;
    void *baton;
    /* live */
    const char *host, *basic;
    int port;
};

drive_t *drive_create(apr_pool_t *pool);
/* Adds a file's exchanges; bails out of the test program if it cannot be read. */
void drive_load(drive_t *d, const char *file);
/* Adds one exchange: "PROPFIND /exchange/ana/", and a whole reply "207\nContent-Type: ..\n\nbody".
 * */
void drive_add(drive_t *d, const char *request, const char *reply);
/* Instead of a script: http://host:port, Basic user and password. */
void drive_live(drive_t *d, const char *host, int port, const char *user, const char *password);

/* Runs the job until it is done, or stuck (a complaint). Waits are not waited for: the test clock
 * is put forward. Returns the complaints so far. */
int drive_run(drive_t *d, oc_job_t *job);
/* Recordings not asked for: counted, told by diag(). */
int drive_unused(drive_t *d);

/* For answer functions. headers: "Name: value\nName: value" or NULL. */
void drive_reply(drive_t *d, oc_exchange_t *x, int status, const char *headers, const char *body,
                 apr_size_t len);
void drive_end(drive_t *d, oc_exchange_t *x, oc_outcome_t outcome);

/* A call for ana (mailbox "ana"), with a memo. */
oc_call_t *drive_call(void);

#endif
