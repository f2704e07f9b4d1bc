/* TLS: nothing goes out before the server has proved to be the one that was configured. Servers are
 * openssl's own, certificates are made for this one run. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "tap.h"
#include "errand.h"

static apr_pool_t *root;
static char dir[] = "/tmp/owacal-tls-XXXXXX";
static char ca[64];

typedef struct server_t {
    pid_t pid;
    int port;
    FILE *out;
} server_t;

/* openssl s_server with up to three more arguments; port 0 = it did not start. */
static server_t serve(const char *first, const char *second, const char *third)
{
    server_t server = {0};
    char line[256], key[64];
    int ends[2];

    snprintf(key, sizeof(key), "%s/key.pem", dir);
    if (pipe(ends) != 0 || (server.pid = fork()) == -1) {
        abort();
    }
    if (server.pid == 0) {
        int null = open("/dev/null", O_RDWR);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(null, 0);
        dup2(ends[1], 1);
        dup2(null, 2);
        close(ends[0]);
        execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", ca,
               "-key", key, first, second, third, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    server.out = fdopen(ends[0], "r");
    while (fgets(line, sizeof(line), server.out)) {
        const char *colon = strrchr(line, ':');

        if (strncmp(line, "ACCEPT", 6) == 0 && colon) {
            server.port = atoi(colon + 1);
            break;
        }
    }
    return server;
}

static void stop(server_t *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    fclose(server->out);
}

/* Ask for host at the server; the reply must be as told. */
static void ask(const server_t *server, const char *host, const char *file, int tls_min,
                const char *outcome, int sent, const char *what)
{
    char connect[32];
    oc_site_t site = {"https", host, 443, connect, file, tls_min, NULL};
    oc_net_conf_t conf;
    apr_pool_t *pool;
    errand_t *e = errand_create(apr_time_from_sec(8));
    oc_net_stats_t stats;
    oc_net_t *net;

    snprintf(connect, sizeof(connect), "127.0.0.1:%d", server->port);
    oc_net_conf_defaults(&conf);
    apr_pool_create(&pool, root);
    net = errand_net(pool, &conf);
    errand_add(e, &site, "ana", "GET", "/")->writes = 1;
    errand_run(net, e);
    oc_net_stats(net, &stats);
    is_outcome(e, outcome, sent, what);
    is_int(stats.handshakes, 1, "%s: one connection", what);
    errand_destroy(e);
    apr_pool_destroy(pool);
}

int main(void)
{
    char command[512];
    server_t server;

    apr_initialize();
    apr_pool_create(&root, NULL);
    if (!mkdtemp(dir)) {
        return skip_all("no temporary directory");
    }
    snprintf(ca, sizeof(ca), "%s/cert.pem", dir);
    snprintf(command, sizeof(command),
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mail.example.test"
             " -addext subjectAltName=DNS:mail.example.test -keyout %s/key.pem -out %s"
             " >/dev/null 2>&1",
             dir, ca);
    if (system(command) != 0) {
        snprintf(command, sizeof(command), "rm -rf %s", dir);
        return skip_all("the openssl program is missing") + (system(command) != 0);
    }

    server = serve(NULL, NULL, NULL);
    ask(&server, "mail.example.test", ca, 12, "replied", 1, "the right certificate");
    ask(&server, "mail.example.test", NULL, 12, "not sent", 0, "one that nobody vouches for");
    ask(&server, "mail2.example.test", ca, 12, "not sent", 0, "one for another name");
    ask(&server, "mail.example.test", "/nonexistent.pem", 12, "not sent", 0, "no file to check by");
    stop(&server);

    server = serve("-tls1_2", NULL, NULL);
    ask(&server, "mail.example.test", ca, 13, "not sent", 0, "an older version than allowed");
    stop(&server);

    server = serve("-tls1", "-cipher", "DEFAULT:@SECLEVEL=0");
    ask(&server, "mail.example.test", ca, 12, "not sent", 0, "TLS 1.0 without being allowed");
    ask(&server, "mail.example.test", ca, 10, "replied", 1, "TLS 1.0 as Windows 2003 has it");
    ask(&server, "mail.example.test", NULL, 10, "not sent", 0, "TLS 1.0 is verified as well");
    stop(&server);

    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ok(system(command) == 0, "tidied up");
    apr_pool_destroy(root);
    apr_terminate();
    return done_testing();
}
