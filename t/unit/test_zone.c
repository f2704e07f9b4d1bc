#include "tap.h"
#include "cal/zone.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <pthread.h>

static apr_pool_t *pool;

static const char *utc(apr_time_t t)
{
    return oc_zone_print(pool, t, NULL);
}

/* Parses and prints in UTC; a failure as its reason's token. */
static const char *parsed(const char *text, const char *zone, oc_zone_fit_t *fit)
{
    oc_result_t res;
    apr_time_t t = 0;
    oc_result_init(&res, pool);
    return oc_zone_parse(text, zone, "start", &t, fit, &res) ? oc_reason_token(res.reason) : utc(t);
}

static void test_names(void)
{
    ok(oc_zone_known("Europe/Budapest"), "an IANA zone is known");
    ok(oc_zone_known("UTC") && oc_zone_known("Etc/UTC"), "UTC, too");
    ok(!oc_zone_known("Mars/Olympus") && !oc_zone_known("") && !oc_zone_known(NULL), "others not");
    ok(!oc_zone_known("GMT+5:17"), "nor what ICU makes up");
    ok(!oc_zone_known("Etc/Unknown"), "nor the unknown zone");
    ok(!oc_zone_known("Europe/Budap\xc3\xa9st"), "nor names beyond ASCII");
    ok(!oc_zone_known("Europe/Budapest/Europe/Budapest/Europe/Budapest/Europe/Budapest/Europe"),
       "nor endless ones");

    is_str(oc_zone_canonical(pool, "Europe/Vienna"), "Europe/Vienna", "an IANA id stays");
    is_str(oc_zone_canonical(pool, "W. Europe Standard Time"), "Europe/Berlin", "a Windows name");
    is_str(oc_zone_canonical(pool, "Eastern Standard Time"), "America/New_York", "another");
    is_str(oc_zone_canonical(pool, "6"), "Europe/Budapest", "a CDO number");
    is_str(oc_zone_canonical(pool, "999"), NULL, "a number that is none");
    is_str(oc_zone_canonical(pool, "6x"), NULL, "a number and more");
    is_str(oc_zone_canonical(pool, "99999999999999999999"), NULL, "an endless number");
    is_str(oc_zone_canonical(pool, "Nowhere Standard Time"), NULL, "an unknown Windows name");
    is_str(oc_zone_canonical(pool, ""), NULL, "nothing");

    is_int(oc_zone_cdo("Europe/Budapest"), 6, "Budapest's CDO id");
    is_int(oc_zone_cdo("Europe/Vienna"), 4, "Vienna's, by its Windows name");
    is_int(oc_zone_cdo("America/New_York"), 10, "New York's");
    is_int(oc_zone_cdo("Asia/Kolkata"), 23, "India's");
    is_int(oc_zone_cdo("Asia/Calcutta"), 23, "India's older name");
    is_int(oc_zone_cdo("UTC"), 0, "UTC's");
    is_int(oc_zone_cdo("Australia/Lord_Howe"), -1, "Lord Howe has none");
    is_int(oc_zone_cdo("America/Indiana/Indianapolis"), 10, "Indiana has New York's rules today");
    is_int(oc_zone_cdo("Nowhere"), -1, "nowhere has none");
    is_str(oc_zone_from_cdo(10), "America/New_York", "and back");
    is_str(oc_zone_from_cdo(-1), NULL, "no such id");
    for (int id = 0; id < 80; id++) {
        const char *iana = oc_zone_from_cdo(id);
        ok(!iana || oc_zone_known(iana), "zone of CDO id %d is known: %s", id, iana ? iana : "-");
        ok(!iana || oc_zone_cdo(iana) == id || id == 30 || id == 34, "and leads back to %d", id);
    }
    is_str(oc_zone_windows(pool, "Europe/Budapest"), "Central Europe Standard Time",
           "Windows name");
    is_str(oc_zone_windows(pool, "Nowhere"), NULL, "none for nowhere");
}

static void test_changes(void)
{
    static const struct {
        const char *zone, *local, *want;
        oc_zone_fit_t fit;
        const char *why;
    } rows[] = {
        {"Europe/Budapest", "2026-03-05T10:00", "2026-03-05T09:00:00Z", OC_ZONE_EXACT, "winter"},
        {"Europe/Budapest", "2026-07-05T10:00", "2026-07-05T08:00:00Z", OC_ZONE_EXACT, "summer"},
        {"Europe/Budapest", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z", OC_ZONE_EXACT,
         "the last second before the gap"},
        {"Europe/Budapest", "2026-03-29T02:00", "time-does-not-exist", OC_ZONE_GAP,
         "the first of the gap"},
        {"Europe/Budapest", "2026-03-29T02:59:59", "time-does-not-exist", OC_ZONE_GAP,
         "the last of the gap"},
        {"Europe/Budapest", "2026-03-29T03:00", "2026-03-29T01:00:00Z", OC_ZONE_EXACT,
         "the first after the gap"},
        {"Europe/Budapest", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z", OC_ZONE_EXACT,
         "the last before the overlap"},
        {"Europe/Budapest", "2026-10-25T02:00", "2026-10-25T00:00:00Z", OC_ZONE_TWICE,
         "the overlap: its first"},
        {"Europe/Budapest", "2026-10-25T02:59:59", "2026-10-25T00:59:59Z", OC_ZONE_TWICE,
         "the last of the overlap"},
        {"Europe/Budapest", "2026-10-25T03:00", "2026-10-25T02:00:00Z", OC_ZONE_EXACT,
         "after the overlap"},
        {"America/New_York", "2026-03-08T02:30", "time-does-not-exist", OC_ZONE_GAP, "a gap"},
        {"America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z", OC_ZONE_TWICE,
         "an overlap"},
        {"Australia/Lord_Howe", "2026-10-04T02:15", "time-does-not-exist", OC_ZONE_GAP,
         "a gap of half an hour"},
        {"Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30:00Z", OC_ZONE_EXACT,
         "it is over"},
        {"Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z", OC_ZONE_TWICE,
         "an overlap of half an hour"},
        {"Australia/Lord_Howe", "2026-04-05T01:29", "2026-04-04T14:29:00Z", OC_ZONE_EXACT,
         "not yet"},
        {"Pacific/Apia", "2011-12-30T12:00", "time-does-not-exist", OC_ZONE_GAP,
         "a day that was left out"},
        {"Asia/Kathmandu", "2026-03-05T10:00", "2026-03-05T04:15:00Z", OC_ZONE_EXACT,
         "quarters of an hour"},
        {NULL, "2026-03-05T10:00", "2026-03-05T10:00:00Z", OC_ZONE_EXACT, "no zone is UTC"},
        {"Nowhere", "2026-03-05T10:00", "invalid-input", OC_ZONE_EXACT, "an unknown zone"},
    };
    oc_local_t l;
    int offset;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        oc_zone_fit_t fit = OC_ZONE_EXACT;
        is_str(parsed(rows[i].local, rows[i].zone, &fit), rows[i].want, "%s %s: %s",
               rows[i].zone ? rows[i].zone : "UTC", rows[i].local, rows[i].why);
        is_int(fit, rows[i].fit, "its fit");
    }
    is_int(oc_zone_to_local("Australia/Lord_Howe", apr_time_from_sec(1768478400), &l, &offset), 0,
           "to local time");
    is_int(offset, 11 * 3600, "with its offset");
    ok(oc_zone_to_local("Nowhere", 0, &l, NULL), "not in an unknown zone");
    ok(oc_zone_to_local("UTC", apr_time_from_sec(APR_INT64_C(99999999999)), &l, NULL),
       "nor in far years");
    ok(oc_zone_to_local("UTC", apr_time_from_sec(APR_INT64_C(7289654399)), &l, NULL) == 0 &&
           l.year == 2200 && l.month == 12 && l.day == 31 && l.second == 59,
       "the last second of 2200");
}

static void test_gap_instant(void)
{
    oc_local_t l = {2026, 3, 29, 2, 30, 0};
    oc_zone_fit_t fit;
    oc_result_t res;
    apr_time_t t;
    oc_result_init(&res, pool);
    is_int(oc_zone_to_utc("Europe/Budapest", &l, &t, &fit, &res), 0, "a time in the gap");
    is_int(fit, OC_ZONE_GAP, "is said to be one");
    is_str(utc(t), "2026-03-29T01:00:00Z", "and gives the instant after the gap");
    l.day = 30, l.month = 2;
    ok(oc_zone_to_utc("Europe/Budapest", &l, &t, &fit, &res), "30 February is no date");
}

static void test_midnight(void)
{
    static const struct {
        const char *zone, *at;
        int days;
        const char *want, *why;
    } rows[] = {
        {"Europe/Budapest", "2026-07-05T12:00:00Z", 0, "2026-07-04T22:00:00Z", "a summer day"},
        {"Europe/Budapest", "2026-07-04T22:30:00Z", 0, "2026-07-04T22:00:00Z", "by local date"},
        {"Europe/Budapest", "2026-03-28T12:00:00Z", 1, "2026-03-28T23:00:00Z", "the next"},
        {"Europe/Budapest", "2026-03-28T12:00:00Z", 2, "2026-03-29T22:00:00Z",
         "across the change: a day of 23 hours"},
        {"Africa/Cairo", "2026-04-24T12:00:00Z", 0, "2026-04-23T22:00:00Z",
         "midnight does not exist: the first instant after it"},
        {"America/Sao_Paulo", "2018-11-04T12:00:00Z", 0, "2018-11-04T03:00:00Z",
         "midnight does not exist, west of Greenwich"},
        {"America/Havana", "2026-11-01T12:00:00Z", 0, "2026-11-01T04:00:00Z",
         "midnight comes twice: the first"},
        {"Pacific/Apia", "2011-12-29T20:00:00Z", 1, "2011-12-30T10:00:00Z",
         "the day that was left out begins with the next"},
        {"Asia/Tokyo", "2026-12-31T12:00:00Z", -31, "2026-11-29T15:00:00Z", "back a month"},
        {NULL, "2026-12-31T12:00:00Z", 0, "2026-12-31T00:00:00Z", "no zone is UTC"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        apr_time_t t = 0;
        oc_result_t res;
        oc_result_init(&res, pool);
        oc_zone_parse(rows[i].at, NULL, "at", &t, NULL, &res);
        is_str(utc(oc_zone_midnight(rows[i].zone, t, rows[i].days)), rows[i].want, "midnight: %s",
               rows[i].why);
    }
    is_str(parsed("2026-04-24", "Africa/Cairo", NULL), "2026-04-23T22:00:00Z",
           "a date alone means its first instant");
}

static void test_parse(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"2026-03-05T10:00:00+01:00", "2026-03-05T09:00:00Z"},
        {"2026-03-05T10:00+01:00", "2026-03-05T09:00:00Z"},
        {"2026-03-05T10:00:00Z", "2026-03-05T10:00:00Z"},
        {"2026-03-05T10:00:00.250Z", "2026-03-05T10:00:00Z"},
        {"2026-03-05T10:00:00-03:30", "2026-03-05T13:30:00Z"},
        {"2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
        {"2100-02-28T24:00:00Z", "invalid-input"},
        {"2027-02-29T00:00:00Z", "invalid-input"},
        {"2100-02-29T00:00:00Z", "invalid-input"},
        {"2200-12-31T23:59:59Z", "2200-12-31T23:59:59Z"},
        {"2201-01-01T00:00:00Z", "invalid-input"},
        {"1969-12-31T23:59:59Z", "invalid-input"},
        {"1970-01-01T00:00:00+01:00", "invalid-input"},
        {"2200-12-31T23:59:59-01:00", "invalid-input"},
        {"1970-01-01T00:00:00", "invalid-input"},
        {"1970-01-01T01:00:00", "1970-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59Z", "invalid-input"},
        {"2026-13-05T10:00:00Z", "invalid-input"},
        {"2026-00-05T10:00:00Z", "invalid-input"},
        {"2026-03-00T10:00:00Z", "invalid-input"},
        {"2026-3-5T10:00:00Z", "invalid-input"},
        {"2026-03-05T10:60:00Z", "invalid-input"},
        {"2026-03-05T10:00:60Z", "invalid-input"},
        {"2026-03-05T25:00:00Z", "invalid-input"},
        {"2026-03-05 10:00:00Z", "invalid-input"},
        {"2026-03-05t10:00:00z", "invalid-input"},
        {"2026-03-05T10:00:00.Z", "invalid-input"},
        {"2026-03-05T10:00:00.1234567890Z", "invalid-input"},
        {"2026-03-05T10:00:00+1:00", "invalid-input"},
        {"2026-03-05T10:00:00+0100", "invalid-input"},
        {"2026-03-05T10:00:00+24:00", "invalid-input"},
        {"2026-03-05T10:00:00+01:60", "invalid-input"},
        {"2026-03-05T10:00:00Zx", "invalid-input"},
        {"2026-03-05Z", "invalid-input"},
        {" 2026-03-05", "invalid-input"},
        {"20260305T100000Z", "invalid-input"},
        {"-2026-03-05", "invalid-input"},
        {"", "invalid-input"},
        {NULL, "invalid-input"},
    };
    oc_result_t res;
    apr_time_t t;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        is_str(parsed(rows[i].text, "Europe/Budapest", NULL), rows[i].want, "'%s'",
               rows[i].text ? rows[i].text : "(null)");
    }
    oc_result_init(&res, pool);
    oc_zone_parse("junk", NULL, "end", &t, NULL, &res);
    is_str(res.field, "end", "the field is named");
}

static void test_print(void)
{
    apr_time_t t = apr_time_from_sec(1772701200), back;
    is_str(oc_zone_print(pool, t, "Europe/Budapest"), "2026-03-05T10:00:00+01:00", "east");
    is_str(oc_zone_print(pool, t, "America/St_Johns"), "2026-03-05T05:30:00-03:30", "west");
    is_str(oc_zone_print(pool, t, "Nowhere"), "2026-03-05T09:00:00Z", "unknown: UTC");
    is_str(oc_zone_print_dav(pool, t), "2026-03-05T09:00:00.000Z", "the server's form");
    is_str(oc_zone_print_dav(pool, t + 250000), "2026-03-05T09:00:00.250Z", "with thousandths");
    ok(!oc_zone_parse_dav("2026-03-05T09:00:00.000Z", &back) && back == t, "read back");
    ok(!oc_zone_parse_dav("2026-03-05T09:00:00Z", &back) && back == t, "without fraction");
    ok(!oc_zone_parse_dav("2026-03-05T09:00:00.25Z", &back) && back == t + 250000, "a short one");
    ok(oc_zone_parse_dav("2026-03-05T09:00:00", &back), "Z is needed");
    ok(oc_zone_parse_dav("2026-03-05T09:00:00+01:00", &back), "an offset is not its form");
    ok(oc_zone_parse_dav("2026-03-05", &back) && oc_zone_parse_dav(NULL, &back), "nor a date");
}

/* Every hour of some years, there and back. */
static void test_round_trip(void)
{
    static const char *zones[] = {"Europe/Budapest", "America/New_York", "Australia/Lord_Howe",
                                  "Africa/Casablanca", "Asia/Kathmandu"};
    for (int z = 0; z < 5; z++) {
        int wrong = 0;
        for (apr_time_t t = apr_time_from_sec(1767225600); t < apr_time_from_sec(1830297600);
             t += apr_time_from_sec(1800)) {
            oc_local_t l;
            oc_zone_fit_t fit;
            oc_result_t res;
            apr_time_t back = 0;
            oc_result_init(&res, pool);
            wrong += oc_zone_to_local(zones[z], t, &l, NULL) ||
                     oc_zone_to_utc(zones[z], &l, &back, &fit, &res) || fit == OC_ZONE_GAP ||
                     (fit == OC_ZONE_EXACT ? back != t : back > t);
        }
        is_int(wrong, 0, "two years of half hours in %s", zones[z]);
    }
}

/* More zones than calendars are kept, by several threads at once. */
static const char *const many[] = {
    "Europe/Budapest", "Europe/London", "Etc/UTC", "Asia/Tokyo", "Asia/Kolkata", "America/New_York",
    "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Halifax", "America/Bogota",
    "Australia/Sydney", "Australia/Perth", "Pacific/Auckland", "Africa/Cairo", "Europe/Moscow",
    "Asia/Shanghai", "Asia/Dubai", "Europe/Athens", "Europe/Paris", "Asia/Kathmandu",
};
#define MANY (int)(sizeof(many) / sizeof(*many))

static int offset_of(const char *zone)
{
    oc_local_t local;
    int offset = -1;
    oc_zone_to_local(zone, apr_time_from_sec(1790000000), &local, &offset);
    return offset;
}

static void *ask_many(void *baton)
{
    int *wrong = baton, want[MANY];
    for (int i = 0; i < MANY; i++) {
        want[i] = offset_of(many[i]);
    }
    for (int i = 0; i < 20000; i++) {
        *wrong += offset_of(many[(i * 7 + i / MANY) % MANY]) != want[(i * 7 + i / MANY) % MANY];
    }
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[4];
    int wrong[4] = {0};
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, ask_many, &wrong[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    ok(wrong[0] + wrong[1] + wrong[2] + wrong[3] == 0, "several threads do not disturb each other");
    is_int(offset_of("Asia/Kathmandu"), 20700, "nor what is asked afterwards");
    is_int(offset_of("Europe/Budapest"), 7200, "in any zone");
}

static const char *shifts(const char *iana, const char *from, const char *to)
{
    apr_time_t a, b;
    oc_result_t res;
    apr_array_header_t *list;
    const char *s = "";

    oc_result_init(&res, pool);
    oc_zone_parse(from, "UTC", "from", &a, NULL, &res);
    oc_zone_parse(to, "UTC", "to", &b, NULL, &res);
    list = oc_zone_shifts(pool, iana, a, b);
    for (int i = 0; i < list->nelts; ++i) {
        const oc_zone_shift_t *z = &APR_ARRAY_IDX(list, i, oc_zone_shift_t);
        s = apr_psprintf(pool, "%s%s%d>%d%s ", s,
                         z->at ? oc_zone_print(pool, z->at, NULL) : "ever ", z->before / 60,
                         z->after / 60, z->dst ? "s" : "");
    }
    return s;
}

static void test_shifts(void)
{
    is_str(shifts("Europe/Budapest", "2026-03-01T00:00", "2026-11-01T00:00"),
           "2025-10-26T01:00:00Z120>60 2026-03-29T01:00:00Z60>120s 2026-10-25T01:00:00Z120>60 ",
           "the one in force, and those that come");
    is_str(shifts("Europe/Budapest", "2026-03-29T01:00", "2026-10-25T01:00"),
           "2026-03-29T01:00:00Z60>120s ", "the begin counts, the end does not");
    is_str(shifts("UTC", "2026-03-01T00:00", "2026-11-01T00:00"), "ever 0>0 ", "UTC never changes");
    is_str(shifts("Nowhere", "2026-03-01T00:00", "2026-11-01T00:00"), "ever 0>0 ", "nor nowhere");
    is_str(shifts("Asia/Kolkata", "2026-03-01T00:00", "2026-11-01T00:00"), "ever 330>330 ",
           "what changed before 1970 held for ever");
    ok(oc_zone_shifts(pool, "Europe/Budapest", 0, apr_time_from_sec(APR_INT64_C(7289654400)))
               ->nelts <= 256,
       "never more than 256");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_names();
    test_changes();
    test_gap_instant();
    test_midnight();
    test_parse();
    test_print();
    test_round_trip();
    test_shifts();
    test_threads();
    return done_testing();
}
