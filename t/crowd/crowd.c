/* crowd - many people at once in front of one Apache, over few connections, for the tests that
 * nobody ever acts, or sees anything, as somebody else.
 *
 *     crowd url=http://127.0.0.1:8080/booking people=20 operations=2000 seed=7 http=2 ..
 *
 * People are person000, person001, .. (names=, first=), their passwords pw-NAME. Each of a few
 * lines (threads with connections of their own) sends the requests of people chosen at random, so
 * that requests of different people follow each other on one connection and, in HTTP/2, overlap.
 * From time to time a connection is cut under the requests on it, or one request is given up.
 *
 * A booking's subject is "NAME #SERIAL vVERSION". Every "NAME #" and every "NAME@" that stands
 * anywhere in an answer must be that of who asked. Idempotency keys are the serial numbers, so
 * different people use the same ones all the time.
 *
 * For each request one line of fields, separated by tabs: its number (as sent in X-Crowd), person,
 * act, serial and version of the booking (0 if none), status (0: no answer came), reason, operation
 * id, and "ok" or what is wrong with the answer. All acts on one booking come in order.
 */
#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#define PEOPLE_MAX   200
#define BOOKINGS_MAX 400
#define SLOTS_MAX    64
#define SOCKETS_MAX  256
#define REPLY_MAX    (4 << 20)
#define ROOMS        8
#define SERIALS      700 /* so many half hours fit into the range that is listed */

typedef enum act_t {
    ACT_LIST,
    ACT_PAGE,
    ACT_FREEBUSY,
    ACT_CHECK,
    ACT_BOOK,
    ACT_READ,
    ACT_CHANGE,
    ACT_CANCEL,
    ACT_STEAL, /* somebody else's booking by its address: read or cancel it */
    ACT_COUNT
} act_t;

static const char *const act_names[ACT_COUNT] = {"list", "page",   "freebusy", "check", "book",
                                                 "read", "change", "cancel",   "steal"};
/* In hundredths; what writes takes ten exchanges where the others take one. */
static int shares[ACT_COUNT] = {30, 6, 36, 4, 9, 6, 3, 3, 3};

typedef struct booking_t {
    int serial, version;
    int in_use, gone;
    char *href;
} booking_t;

typedef struct person_t {
    char name[24], authorization[96];
    int serials;
    booking_t bookings[BOOKINGS_MAX];
    int count;
} person_t;

typedef struct slot_t {
    CURL *easy;
    struct curl_slist *headers;
    act_t act;
    long number;
    person_t *person;
    booking_t *booking; /* in use by this slot */
    int serial, version;
    int busy, give_up; /* give_up: turns of the loop until it is dropped */
    char body[300], op[32];
    char *reply;
    size_t len;
} slot_t;

typedef struct line_t {
    pthread_t thread;
    CURLM *multi;
    slot_t slots[SLOTS_MAX];
    int sockets[SOCKETS_MAX], nsockets;
    unsigned seed;
} line_t;

static struct {
    const char *url, *ca, *names;
    int first, people, operations, seed, http, lines, streams, connections, deaths, pause, writes;
} conf = {.names = "person",
          .people = 20,
          .operations = 1000,
          .seed = 1,
          .http = 1,
          .lines = 3,
          .streams = 4,
          .connections = 2,
          .deaths = 20,
          .writes = 1};

static person_t people[PEOPLE_MAX];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of people and of stdout */
static atomic_long numbers;

static int chance(line_t *line, int of)
{
    return (int)(rand_r(&line->seed) / (RAND_MAX + 1.0) * of);
}

/* ---- what an answer says --------------------------------------------------------------------- */

static const char *member(const json_t *doc, const char *name)
{
    const json_t *value = json_object_get(doc, name);

    return json_is_string(value) ? json_string_value(value) : "";
}

/* 1 if a person's name that is not one's own stands in the answer: it is put into `found`. */
static int foreign_name(const slot_t *s, char found[24])
{
    size_t prefix = strlen(conf.names);
    const char *text = s->reply ? s->reply : "", *p;

    for (p = text; (p = strstr(p, conf.names)) != NULL; p += prefix) {
        size_t n = prefix + strspn(p + prefix, "0123456789");

        if (n == prefix || n > 20 || (p > text && isalnum((unsigned char)p[-1])) ||
            (p[n] != '@' && strncmp(p + n, " #", 2) != 0)) {
            continue;
        }
        if (n != strlen(s->person->name) || strncmp(p, s->person->name, n) != 0) {
            snprintf(found, 24, "%.*s", (int)n, p);
            return 1;
        }
    }
    return 0;
}

static const char *wrong_booking(const slot_t *s, const json_t *booking)
{
    char start[40], organizer[60];

    snprintf(start, sizeof(start), "%s #%d v", s->person->name, s->serial);
    snprintf(organizer, sizeof(organizer), "%s@example.test", s->person->name);
    if (strncmp(member(booking, "subject"), start, strlen(start)) != 0) {
        return "another booking";
    }
    return strcasecmp(member(booking, "organizer"), organizer) ? "another organizer" : NULL;
}

static const char *wrong_rows(const slot_t *s, const json_t *rows)
{
    size_t i, n = strlen(s->person->name);
    json_t *row;

    json_array_foreach (rows, i, row) {
        if (strncmp(member(row, "subject"), s->person->name, n) != 0 ||
            strncmp(member(row, "subject") + n, " #", 2) != 0) {
            return "a row that is not one's own";
        }
    }
    return json_is_array(rows) ? NULL : "no rows";
}

static const char *wrong_self(const slot_t *s, const json_t *doc)
{
    const json_t *facts =
        json_object_get(json_array_get(json_object_get(doc, "steps"), 0), "facts");

    return strcmp(member(facts, "user"), s->person->name) == 0 &&
                   strcmp(member(facts, "mailbox"), s->person->name) == 0
               ? NULL
               : "the self-test names somebody else";
}

static const char *wrong_content(const slot_t *s, const json_t *doc, long status)
{
    const char *op = member(doc, "op");

    if (*op && strcmp(op, s->op) != 0) {
        return "two operation ids";
    }
    if (s->act == ACT_STEAL) {
        return status == 404 ? NULL : "the booking of somebody else was found";
    }
    if (status >= 400) {
        return s->act == ACT_PAGE || *member(doc, "reason") ? NULL : "a failure without a reason";
    }
    if (!*s->op && s->act != ACT_FREEBUSY) { /* which may be shown as it was kept */
        return "no operation id";
    }
    switch (s->act) {
    case ACT_LIST:
        return wrong_rows(s, json_object_get(doc, "bookings"));
    case ACT_READ:
        return wrong_booking(s, doc);
    case ACT_BOOK:
    case ACT_CHANGE:
        return wrong_booking(s, json_object_get(doc, "booking"));
    case ACT_CHECK:
        return wrong_self(s, doc);
    default:
        return NULL;
    }
}

static void learn_booking(slot_t *s, const json_t *doc)
{
    const char *href = member(json_object_get(doc, "booking"), "href");
    booking_t *b;

    if (!*href || s->person->count == BOOKINGS_MAX) {
        return;
    }
    b = &s->person->bookings[s->person->count++];
    b->serial = s->serial;
    b->version = s->version;
    b->href = strdup(href);
}

static void say(const slot_t *s, long status, const char *reason, const char *verdict)
{
    printf("%ld\t%s\t%s\t%d\t%d\t%ld\t%s\t%s\t%s\n", s->number, s->person->name, act_names[s->act],
           s->serial, s->version, status, *reason ? reason : "-", *s->op ? s->op : "-", verdict);
}

/* A request has ended; complete: with a whole answer. */
static void finish(line_t *line, slot_t *s, int complete)
{
    long status = 0;
    int good;
    char verdict[80] = "ok", name[24];
    const char *wrong;
    json_t *doc = NULL;

    if (complete) {
        curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        doc = json_loadb(s->reply ? s->reply : "", s->len, 0, NULL);
    }
    /* What came of a broken answer must be one's own, too. */
    if (foreign_name(s, name)) {
        snprintf(verdict, sizeof(verdict), "shows %s", name);
    } else if (complete && (wrong = wrong_content(s, doc, status)) != NULL) {
        snprintf(verdict, sizeof(verdict), "%s", wrong);
    }
    good = status >= 200 && status < 300;
    pthread_mutex_lock(&mutex);
    say(s, status, member(doc, "reason"), verdict);
    if (s->act == ACT_BOOK && good) {
        learn_booking(s, doc);
    }
    if (s->booking) {
        s->booking->in_use = 0;
        s->booking->gone |= s->act == ACT_CANCEL && good;
    }
    pthread_mutex_unlock(&mutex);
    json_decref(doc);
    curl_multi_remove_handle(line->multi, s->easy);
    curl_slist_free_all(s->headers);
    s->headers = NULL;
    s->booking = NULL;
    s->busy = 0;
}

/* ---- what is asked --------------------------------------------------------------------------- */

static act_t any_act(line_t *line)
{
    int n = chance(line, 100), act = 0;

    while (act < ACT_COUNT - 1 && n >= shares[act]) {
        n -= shares[act++];
    }
    return (act_t)act;
}

/* Under the mutex. One nobody else is about to touch; NULL = none. */
static booking_t *any_booking(line_t *line, person_t *p)
{
    int i, from = p->count ? chance(line, p->count) : 0;

    for (i = 0; i < p->count; ++i) {
        booking_t *b = &p->bookings[(from + i) % p->count];
        if (!b->in_use && !b->gone) {
            return b;
        }
    }
    return NULL;
}

/* Under the mutex: act and booking, and where the act is not possible another. */
static void choose(line_t *line, slot_t *s)
{
    person_t *victim = &people[chance(line, conf.people)];

    s->person = &people[chance(line, conf.people)];
    s->act = any_act(line);
    s->serial = s->version = 0;
    s->booking = NULL;
    if (s->act == ACT_BOOK && (!conf.writes || s->person->serials >= SERIALS)) {
        s->act = ACT_LIST;
    }
    if (s->act == ACT_BOOK) {
        s->serial = ++s->person->serials;
        s->version = 1;
        return;
    }
    if (s->act == ACT_STEAL) {
        s->booking = victim == s->person ? NULL : any_booking(line, victim);
    } else if (s->act == ACT_READ || s->act == ACT_CHANGE || s->act == ACT_CANCEL) {
        s->booking = any_booking(line, s->person);
    } else {
        return;
    }
    if (!s->booking) {
        s->act = ACT_FREEBUSY;
        return;
    }
    s->booking->in_use = 1;
    s->serial = s->booking->serial;
    if (s->act == ACT_CHANGE) {
        ++s->booking->version;
    }
    s->version = s->booking->version;
}

static void header(slot_t *s, const char *format, ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    s->headers = curl_slist_append(s->headers, text);
}

static void send_body(slot_t *s, const char *method)
{
    header(s, "Content-Type: application/json");
    curl_easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body);
}

static void write_booking(line_t *line, slot_t *s)
{
    int at = s->serial - 1;
    char room[40] = "";

    if (chance(line, 4) == 0) {
        snprintf(room, sizeof(room), ",\"room\":\"room%d\"", chance(line, ROOMS));
    }
    snprintf(s->body, sizeof(s->body),
             "{\"subject\":\"%s #%d v%d\",\"start\":\"2099-04-%02dT%02d:%02d\",\"duration\":30%s}",
             s->person->name, s->serial, s->version, 1 + at / 24 % 30, 8 + at % 24 / 2,
             at % 2 * 30, room);
    header(s, "Idempotency-Key: serial-%d", s->serial);
    send_body(s, "POST");
}

static void address(line_t *line, slot_t *s, char *url, size_t size)
{
    const char *base = strstr(conf.url, "://") + 3;
    int origin = (int)(strchr(base, '/') - conf.url);
    static const char days[] = "start=2099-04-01T00:00Z&end=2099-05-02T00:00Z";

    switch (s->act) {
    case ACT_LIST:
        snprintf(url, size, "%s/bookings?%s", conf.url, days);
        break;
    case ACT_PAGE:
        snprintf(url, size, "%s/bookings.html?%s", conf.url, days);
        break;
    case ACT_FREEBUSY:
        snprintf(url, size, "%s/freebusy?who=%s@example.test&who=room%d&"
                 "start=2099-04-01T00:00Z&end=2099-04-02T00:00Z", conf.url, s->person->name,
                 chance(line, ROOMS));
        break;
    case ACT_CHECK:
        snprintf(url, size, "%s/check", conf.url);
        break;
    case ACT_BOOK:
        snprintf(url, size, "%s/bookings", conf.url);
        break;
    default:
        snprintf(url, size, "%.*s%s", origin, conf.url, s->booking->href);
        break;
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

static size_t take_body(char *data, size_t one, size_t n, void *baton)
{
    slot_t *s = baton;
    char *more;

    (void)one;
    if (s->len + n > REPLY_MAX || !(more = realloc(s->reply, s->len + n + 1))) {
        return 0;
    }
    s->reply = more;
    memcpy(more + s->len, data, n);
    s->len += n;
    more[s->len] = '\0';
    return n;
}

static size_t take_header(char *data, size_t one, size_t n, void *baton)
{
    static const char name[] = "OwaCal-Operation:";
    slot_t *s = baton;
    size_t skip = sizeof(name) - 1;

    (void)one;
    if (n > skip && strncasecmp(data, name, skip) == 0) {
        snprintf(s->op, sizeof(s->op), "%.*s", (int)strcspn(data + skip + 1, "\r\n"),
                 data + skip + 1);
    }
    return n;
}

static curl_socket_t open_socket(void *baton, curlsocktype purpose, struct curl_sockaddr *to)
{
    line_t *line = baton;
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);

    (void)purpose;
    if (fd != -1 && line->nsockets < SOCKETS_MAX) {
        line->sockets[line->nsockets++] = fd;
    }
    return fd == -1 ? CURL_SOCKET_BAD : fd;
}

static int close_socket(void *baton, curl_socket_t fd)
{
    line_t *line = baton;
    int i;

    for (i = 0; i < line->nsockets; ++i) {
        if (line->sockets[i] == fd) {
            line->sockets[i] = line->sockets[--line->nsockets];
        }
    }
    return close(fd);
}

static void begin(line_t *line, slot_t *s, long number)
{
    char url[600];

    s->busy = 1;
    s->number = number;
    s->len = 0;
    s->op[0] = '\0';
    if (s->reply) {
        s->reply[0] = '\0';
    }
    curl_easy_reset(s->easy);
    pthread_mutex_lock(&mutex);
    choose(line, s);
    address(line, s, url, sizeof(url));
    pthread_mutex_unlock(&mutex);
    s->give_up = chance(line, 1000) < conf.deaths ? 1 + chance(line, 4) : 0;
    header(s, "%s", s->person->authorization);
    header(s, "X-Crowd: %ld", number);
    header(s, s->act == ACT_PAGE ? "Accept: text/html" : "Accept: application/json");
    header(s, "Expect:");
    if (s->act == ACT_BOOK) {
        write_booking(line, s);
    } else if (s->act == ACT_CHANGE) {
        snprintf(s->body, sizeof(s->body), "{\"subject\":\"%s #%d v%d\"}", s->person->name,
                 s->serial, s->version);
        send_body(s, "PATCH");
    } else if (s->act == ACT_CANCEL || (s->act == ACT_STEAL && chance(line, 2))) {
        snprintf(s->body, sizeof(s->body), "{}");
        send_body(s, "DELETE");
    }
    curl_easy_setopt(s->easy, CURLOPT_URL, url);
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    curl_easy_setopt(s->easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(s->easy, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(s->easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(s->easy, CURLOPT_OPENSOCKETDATA, line);
    curl_easy_setopt(s->easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(s->easy, CURLOPT_CLOSESOCKETDATA, line);
    if (conf.ca) {
        curl_easy_setopt(s->easy, CURLOPT_CAINFO, conf.ca);
    }
    curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION,
                     (long)(conf.http == 1  ? CURL_HTTP_VERSION_1_1
                            : conf.ca       ? CURL_HTTP_VERSION_2TLS
                                            : CURL_HTTP_VERSION_2_0));
    curl_multi_add_handle(line->multi, s->easy);
}

/* Under the requests on it, as a lost network would. */
static void cut_one(line_t *line)
{
    if (line->nsockets && chance(line, 1000) < conf.deaths) {
        shutdown(line->sockets[chance(line, line->nsockets)], SHUT_RDWR);
    }
}

static void collect(line_t *line)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(line->multi, &left)) != NULL) {
        slot_t *s = NULL;
        CURLcode code = msg->data.result;

        if (msg->msg == CURLMSG_DONE) {
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &s);
            if (code != CURLE_OK && getenv("CROWD_VERBOSE")) { /* why no answer came */
                fprintf(stderr, "%ld: %s\n", s->number, curl_easy_strerror(code));
            }
            finish(line, s, code == CURLE_OK);
            cut_one(line);
        }
    }
}

static void *live(void *baton)
{
    line_t *line = baton;
    int busy, running, i;

    do {
        busy = 0;
        for (i = 0; i < conf.streams; ++i) {
            slot_t *s = &line->slots[i];
            long number;

            if (s->busy && s->give_up && --s->give_up == 0) {
                finish(line, s, 0);
            }
            if (!s->busy && (number = ++numbers) <= conf.operations) {
                begin(line, s, number);
            }
            busy += s->busy;
        }
        curl_multi_perform(line->multi, &running);
        collect(line);
        curl_multi_poll(line->multi, NULL, 0, 20, NULL);
    } while (busy);
    return NULL;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static void base64(const char *text, char *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(text), i;

    for (i = 0; i < n; i += 3) {
        unsigned b = (unsigned char)text[i] << 16;

        b |= i + 1 < n ? (unsigned)(unsigned char)text[i + 1] << 8 : 0;
        b |= i + 2 < n ? (unsigned char)text[i + 2] : 0;
        *out++ = digits[b >> 18];
        *out++ = digits[b >> 12 & 63];
        *out++ = i + 1 < n ? digits[b >> 6 & 63] : '=';
        *out++ = i + 2 < n ? digits[b & 63] : '=';
    }
    *out = '\0';
}

static void meet_people(void)
{
    for (int i = 0; i < conf.people; ++i) {
        char plain[80];
        person_t *p = &people[i];

        snprintf(p->name, sizeof(p->name), "%.10s%0*d", conf.names, strlen(conf.names) > 1 ? 3 : 2,
                 (conf.first + i) % 1000);
        snprintf(plain, sizeof(plain), "%.20s:pw-%.20s", p->name, p->name);
        strcpy(p->authorization, "Authorization: Basic ");
        base64(plain, p->authorization + strlen(p->authorization));
    }
}

static int read_options(int argc, char **argv)
{
    static const struct {
        const char *name;
        int *value, least, most;
    } numbers_of[] = {
        {"people", &conf.people, 2, PEOPLE_MAX},
        {"first", &conf.first, 0, 1}, /* number of the first */
        {"operations", &conf.operations, 1, 10000000},
        {"seed", &conf.seed, 0, 1 << 30},
        {"http", &conf.http, 1, 2},
        {"lines", &conf.lines, 1, 16},
        {"streams", &conf.streams, 1, SLOTS_MAX},
        {"connections", &conf.connections, 1, SLOTS_MAX},
        {"deaths", &conf.deaths, 0, 1000}, /* of a thousand requests */
        {"writes", &conf.writes, 0, 1},
    };
    int i;
    size_t k;

    for (i = 1; i < argc; ++i) {
        char *equals = strchr(argv[i], '=');
        size_t n = equals ? (size_t)(equals - argv[i]) : 0;

        if (n == 3 && strncmp(argv[i], "url", 3) == 0) {
            conf.url = equals + 1;
            continue;
        }
        if (n == 5 &&
            strncmp(argv[i], "names", 5) == 0) { /* one letter: with two digits, else three */
            conf.names = equals + 1;
            continue;
        }
        if (n == 2 && strncmp(argv[i], "ca", 2) == 0) {
            conf.ca = equals + 1;
            continue;
        }
        for (k = 0; k < sizeof(numbers_of) / sizeof(numbers_of[0]); ++k) {
            if (n == strlen(numbers_of[k].name) && strncmp(argv[i], numbers_of[k].name, n) == 0) {
                *numbers_of[k].value = atoi(equals + 1);
                if (*numbers_of[k].value >= numbers_of[k].least &&
                    *numbers_of[k].value <= numbers_of[k].most) {
                    break;
                }
            }
        }
        if (k == sizeof(numbers_of) / sizeof(numbers_of[0])) {
            fprintf(stderr, "crowd: not understood: %s\n", argv[i]);
            return 0;
        }
    }
    return conf.url && strstr(conf.url, "://") && strchr(strstr(conf.url, "://") + 3, '/');
}

int main(int argc, char **argv)
{
    static line_t lines[16];
    int i, k;

    if (!read_options(argc, argv)) {
        fprintf(stderr, "usage: crowd url=http://HOST:PORT/PATH [people=N] [operations=N] ..\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* Who reads along, and acts on what he reads, is never far behind. */
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 4096);
    curl_global_init(CURL_GLOBAL_ALL);
    meet_people();
    for (i = 0; i < conf.lines; ++i) {
        line_t *line = &lines[i];

        line->seed = (unsigned)(conf.seed * 1000 + i);
        line->multi = curl_multi_init();
        curl_multi_setopt(line->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                          (long)(conf.http == 2 ? 1 : conf.connections));
        curl_multi_setopt(line->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
        for (k = 0; k < conf.streams; ++k) {
            line->slots[k].easy = curl_easy_init();
        }
        if (pthread_create(&line->thread, NULL, live, line) != 0) {
            perror("crowd");
            return 1;
        }
    }
    for (i = 0; i < conf.lines; ++i) {
        pthread_join(lines[i].thread, NULL);
        for (k = 0; k < conf.streams; ++k) {
            curl_easy_cleanup(lines[i].slots[k].easy);
            free(lines[i].slots[k].reply);
        }
        curl_multi_cleanup(lines[i].multi);
    }
    for (i = 0; i < conf.people; ++i) {
        for (k = 0; k < people[i].count; ++k) {
            free(people[i].bookings[k].href);
        }
    }
    curl_global_cleanup();
    return 0;
}
