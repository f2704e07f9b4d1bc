/* remedy.c - the one table of it. Each sentence names something to look at or to change. */
#include "view/remedy.h"

static const char *of_the_login(oc_reason_t reason)
{
    switch (reason) {
    case OC_REASON_NOT_AUTHENTICATED:
        return "Protect the location with an AuthType and Require valid-user, so that Apache knows "
               "who asks.";
    case OC_REASON_IDENTITY_MISMATCH:
        return "See in the log which two names there are, and let the login module and the "
               "credential name the same account.";
    case OC_REASON_NO_MAILBOX:
        return "Let OwaCalMailbox make the mailbox's name of the user's, or give this account a "
               "mailbox.";
    case OC_REASON_MAILBOX_REFUSED:
        return "Compare OwaCalMailbox's result with the account's name, and with actors= or rooms= "
               "of OwaCalIdentity.";
    case OC_REASON_RELAY_REFUSED:
        return "Let browsers reach this httpd directly over HTTP/1.1, without a proxy or balancer "
               "in between, or choose another mode of OwaCalIdentity.";
    case OC_REASON_MISCONFIGURED:
        return "Mend what the detail names in Apache's configuration; the log has the same with "
               "this operation's id.";
    case OC_REASON_INTERNAL:
        return "Look this operation's id up in Apache's error log and see whether memory or "
               "threads have run out.";
    default:
        return NULL;
    }
}

static const char *of_the_credential(oc_reason_t reason)
{
    switch (reason) {
    case OC_REASON_NO_CREDENTIAL:
        return "Make the login leave a credential: GssapiDelegCcacheDir and a browser that may "
               "delegate for a ticket, AuthType Basic for a password.";
    case OC_REASON_CREDENTIAL_EXPIRED:
        return "Sign in again, and compare the clocks if it comes back at once.";
    case OC_REASON_DELEGATION_REFUSED:
        return "Allow the web server's account to delegate to the calendar server's HTTP service, "
               "and see whether the user is marked as sensitive.";
    case OC_REASON_UNKNOWN_PRINCIPAL:
        return "Compare the user's name and realm with the account in the domain.";
    case OC_REASON_KDC_UNREACHABLE:
        return "See whether KRB5_CONFIG is in httpd's own environment and whether a domain "
               "controller answers on port 88.";
    case OC_REASON_BUSY:
        return "Wait a moment; if it stays so, look at owacal-status and raise the bound of "
               "OwaCalLimit that is reached.";
    case OC_REASON_TOO_MANY_REQUESTS:
        return "Wait until this person's other requests are done, or raise per-user= of "
               "OwaCalLimit.";
    case OC_REASON_STOPPING:
        return "Ask again when the web server has been restarted.";
    default:
        return NULL;
    }
}

static const char *of_the_server(oc_reason_t reason)
{
    switch (reason) {
    case OC_REASON_PASSWORD_REFUSED:
        return "Let Apache check the same password as the calendar server, and try domain= and "
               "upstream= of OwaCalIdentity; a refused password is not sent again for five "
               "minutes.";
    case OC_REASON_TOKEN_REFUSED:
        return "See whether the calendar server offers what is presented to it for /exchange and "
               "/public, and whether spn= names its service.";
    case OC_REASON_CLOCK_SKEW:
        return "Set the clocks of both servers by the same source.";
    case OC_REASON_ACCESS_DENIED:
        return "Give this account the right to open its mailbox by WebDAV on the calendar server.";
    case OC_REASON_MAILBOX_NOT_FOUND:
        return "Compare what OwaCalMailbox makes of the user's name with the mailbox's alias on "
               "the calendar server.";
    case OC_REASON_UPSTREAM_UNAVAILABLE:
        return "See whether this machine reaches the calendar server's host and port and trusts "
               "its certificate (ca= and tls= of OwaCalBackend).";
    case OC_REASON_UPSTREAM_TIMEOUT:
        return "See whether the calendar server is overloaded or a firewall drops packets, and "
               "compare with OwaCalTimeout.";
    case OC_REASON_UPSTREAM_REDIRECT:
        return "Name the host it points to in also= of OwaCalBackend, if it is one of yours.";
    case OC_REASON_UPSTREAM_PROTOCOL:
        return "See whether the address of OwaCalBackend leads to an Exchange 2000 or 2003 server "
               "and to nothing in front of it that answers instead.";
    case OC_REASON_UPSTREAM_TOO_LARGE:
        return "See whether something else answers at that address, or raise response= of "
               "OwaCalLimit.";
    case OC_REASON_UPSTREAM_ERROR:
        return "Look into the calendar server's own event log, or into OwaCalTrace's lines for its "
               "answer.";
    default:
        return NULL;
    }
}

const char *oc_remedy_for(oc_reason_t reason)
{
    const char *text = of_the_login(reason);

    text = text ? text : of_the_credential(reason);
    return text ? text : of_the_server(reason);
}
