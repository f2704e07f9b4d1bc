/* zone.c - with cal/dates.c and base/text.c the only files that name ICU.
 *
 * ICU is asked for offsets and names only; dates are counted here, in the proleptic Gregorian
 * calendar. Opening one of ICU's calendars takes some 4 microseconds, and a list of bookings needs
 * thousands: a few are kept, each used by one thread at a time.
 */
#include "cal/zone.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>

#define YEAR_MIN      1970
#define YEAR_MAX      2200
#define ZONE_NAME_MAX 64
#define DAY           86400
/* First instant and the end of what we take: a day more on either side, for the offsets. */
#define SECONDS_MIN (-(apr_int64_t)DAY)
#define SECONDS_MAX (APR_INT64_C(7289654400) + DAY) /* 2201-01-01 */

/* ---- names ---- */

/* CDO time zone ids (CdoTimeZoneId of the Exchange SDK), the Windows zone that has the same rules
 * under today's names, and an IANA zone of the place the id was named after. Windows NULL: no zone
 * of today keeps these rules, so that no IANA zone is written as this id. */
static const struct cdo_row {
    int id;
    const char *windows, *iana;
} cdo_rows[] = {
    {0, "UTC", "Etc/UTC"},
    {1, "GMT Standard Time", "Europe/London"},
    {2, "Central European Standard Time", "Europe/Warsaw"},
    {3, "Romance Standard Time", "Europe/Paris"},
    {4, "W. Europe Standard Time", "Europe/Berlin"},
    {5, "E. Europe Standard Time", "Europe/Bucharest"},
    {6, "Central Europe Standard Time", "Europe/Budapest"},
    {7, "GTB Standard Time", "Europe/Athens"},
    {8, "E. South America Standard Time", "America/Sao_Paulo"},
    {9, "Atlantic Standard Time", "America/Halifax"},
    {10, "Eastern Standard Time", "America/New_York"},
    {11, "Central Standard Time", "America/Chicago"},
    {12, "Mountain Standard Time", "America/Denver"},
    {13, "Pacific Standard Time", "America/Los_Angeles"},
    {14, "Alaskan Standard Time", "America/Anchorage"},
    {15, "Hawaiian Standard Time", "Pacific/Honolulu"},
    {16, "UTC-11", "Pacific/Midway"},
    {17, "New Zealand Standard Time", "Pacific/Auckland"},
    {18, "E. Australia Standard Time", "Australia/Brisbane"},
    {19, "Cen. Australia Standard Time", "Australia/Adelaide"},
    {20, "Tokyo Standard Time", "Asia/Tokyo"},
    {21, "Singapore Standard Time", "Asia/Singapore"},
    {22, "SE Asia Standard Time", "Asia/Bangkok"},
    {23, "India Standard Time", "Asia/Kolkata"},
    {24, "Arabian Standard Time", "Asia/Dubai"},
    {25, "Iran Standard Time", "Asia/Tehran"},
    {26, "Arabic Standard Time", "Asia/Baghdad"},
    {27, "Israel Standard Time", "Asia/Jerusalem"},
    {28, "Newfoundland Standard Time", "America/St_Johns"},
    {29, "Azores Standard Time", "Atlantic/Azores"},
    {30, NULL, "Atlantic/South_Georgia"},
    {31, "Greenwich Standard Time", "Atlantic/Reykjavik"},
    {32, "SA Eastern Standard Time", "America/Argentina/Buenos_Aires"},
    {32, "Argentina Standard Time", "America/Argentina/Buenos_Aires"},
    {33, "SA Western Standard Time", "America/La_Paz"},
    {34, NULL, "America/Indiana/Indianapolis"}, /* without DST then; has New York's since 2006 */
    {10, "US Eastern Standard Time", "America/New_York"},
    {35, "SA Pacific Standard Time", "America/Bogota"},
    {36, "Canada Central Standard Time", "America/Regina"},
    {37, "Central Standard Time (Mexico)", "America/Mexico_City"},
    {38, "US Mountain Standard Time", "America/Phoenix"},
    {39, "Dateline Standard Time", "Etc/GMT+12"},
    {40, "Fiji Standard Time", "Pacific/Fiji"},
    {41, "Central Pacific Standard Time", "Pacific/Guadalcanal"},
    {42, "Tasmania Standard Time", "Australia/Hobart"},
    {43, "West Pacific Standard Time", "Pacific/Port_Moresby"},
    {44, "AUS Central Standard Time", "Australia/Darwin"},
    {45, "China Standard Time", "Asia/Shanghai"},
    {49, "Egypt Standard Time", "Africa/Cairo"},
    {51, "Russian Standard Time", "Europe/Moscow"},
    {57, "AUS Eastern Standard Time", "Australia/Sydney"},
    {59, "FLE Standard Time", "Europe/Helsinki"},
    {72, "Korea Standard Time", "Asia/Seoul"},
    {73, "W. Australia Standard Time", "Australia/Perth"},
    {75, "Taipei Standard Time", "Asia/Taipei"},
};
#define CDO_ROWS (int)(sizeof(cdo_rows) / sizeof(*cdo_rows))

/* Zone names are ASCII. 0 if this one is not, is empty or too long. */
static int to_uchars(UChar *out, int size, const char *s)
{
    int n = 0;
    for (; s && s[n]; n++) {
        if (n + 1 >= size || (unsigned char)s[n] >= 0x80) {
            return 0;
        }
        out[n] = (UChar)s[n];
    }
    out[n] = 0;
    return n;
}

static const char *from_uchars(apr_pool_t *pool, const UChar *s, int n)
{
    char *out = apr_palloc(pool, (apr_size_t)n + 1);
    for (int i = 0; i < n; i++) {
        if (s[i] >= 0x80) {
            return NULL;
        }
        out[i] = (char)s[i];
    }
    out[n] = '\0';
    return out;
}

int oc_zone_known(const char *iana)
{
    UChar name[ZONE_NAME_MAX], canonical[ZONE_NAME_MAX];
    UErrorCode status = U_ZERO_ERROR;
    UBool system = 0;
    if (!to_uchars(name, ZONE_NAME_MAX, iana) || !strcmp(iana, "Etc/Unknown")) {
        return 0;
    }
    ucal_getCanonicalTimeZoneID(name, -1, canonical, ZONE_NAME_MAX, &system, &status);
    return U_SUCCESS(status) && system; /* not system: a made-up "GMT+5:17" */
}

const char *oc_zone_from_cdo(int id)
{
    for (int i = 0; i < CDO_ROWS; i++) {
        if (cdo_rows[i].id == id) {
            return cdo_rows[i].iana;
        }
    }
    return NULL;
}

const char *oc_zone_windows(apr_pool_t *pool, const char *iana)
{
    UChar name[ZONE_NAME_MAX], out[ZONE_NAME_MAX];
    UErrorCode status = U_ZERO_ERROR;
    int n;
    if (!to_uchars(name, ZONE_NAME_MAX, iana)) {
        return NULL;
    }
    n = ucal_getWindowsTimeZoneID(name, -1, out, ZONE_NAME_MAX, &status);
    return U_SUCCESS(status) && n > 0 && n < ZONE_NAME_MAX ? from_uchars(pool, out, n) : NULL;
}

int oc_zone_cdo(const char *iana)
{
    UChar name[ZONE_NAME_MAX], windows[ZONE_NAME_MAX], row[ZONE_NAME_MAX];
    UErrorCode status = U_ZERO_ERROR;
    int n;
    if (!to_uchars(name, ZONE_NAME_MAX, iana)) {
        return -1;
    }
    for (int i = 0; i < CDO_ROWS; i++) { /* the place itself, whatever its Windows zone is today */
        if (!strcmp(cdo_rows[i].iana, iana) && cdo_rows[i].windows) {
            return cdo_rows[i].id;
        }
    }
    n = ucal_getWindowsTimeZoneID(name, -1, windows, ZONE_NAME_MAX, &status);
    if (U_FAILURE(status) || n <= 0 || n >= ZONE_NAME_MAX) {
        return -1;
    }
    for (int i = 0; i < CDO_ROWS; i++) {
        if (to_uchars(row, ZONE_NAME_MAX, cdo_rows[i].windows) == n &&
            !memcmp(row, windows, (apr_size_t)n * sizeof(*row))) {
            return cdo_rows[i].id;
        }
    }
    return -1;
}

const char *oc_zone_canonical(apr_pool_t *pool, const char *name)
{
    UChar windows[ZONE_NAME_MAX], iana[ZONE_NAME_MAX];
    UErrorCode status = U_ZERO_ERROR;
    int n;
    if (!name || !*name) {
        return NULL;
    }
    if (apr_isdigit(*name)) {
        char *end;
        long id = strtol(name, &end, 10);
        const char *zone = *end || end - name > 3 ? NULL : oc_zone_from_cdo((int)id);
        return zone ? apr_pstrdup(pool, zone) : NULL;
    }
    if (oc_zone_known(name)) {
        return apr_pstrdup(pool, name);
    }
    if (!to_uchars(windows, ZONE_NAME_MAX, name)) {
        return NULL;
    }
    n = ucal_getTimeZoneIDForWindowsID(windows, -1, NULL, iana, ZONE_NAME_MAX, &status);
    return U_SUCCESS(status) && n > 0 && n < ZONE_NAME_MAX ? from_uchars(pool, iana, n) : NULL;
}

/* ---- dates, in seconds since 1970 ---- */

/* Days since 1970-01-01 of a civil date, and back, for years from 1: the 400-year eras begin on
 * 1 March, so that the leap day is the last of its year. */
static apr_int64_t days_from_civil(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y % 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (apr_int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_from_days(apr_int64_t days, oc_local_t *out)
{
    apr_int64_t z = days + 719468, era = z / 146097;
    int of_era = (int)(z - era * 146097);
    int y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * y + y / 4 - y / 100);
    int m = (5 * of_year + 2) / 153;
    out->day = of_year - (153 * m + 2) / 5 + 1;
    out->month = m < 10 ? m + 3 : m - 9;
    out->year = (int)(y + era * 400) + (out->month <= 2);
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static int local_ok(const oc_local_t *l)
{
    return l->year >= YEAR_MIN && l->year <= YEAR_MAX && l->month >= 1 && l->month <= 12 &&
           l->day >= 1 && l->day <= days_in(l->year, l->month) && l->hour >= 0 && l->hour <= 23 &&
           l->minute >= 0 && l->minute <= 59 && l->second >= 0 && l->second <= 59;
}

/* The clock's reading as if it were UTC. */
static apr_int64_t local_seconds(const oc_local_t *l)
{
    return days_from_civil(l->year, l->month, l->day) * DAY + l->hour * 3600 + l->minute * 60 +
           l->second;
}

static void local_fields(apr_int64_t seconds, oc_local_t *l)
{
    apr_int64_t days = seconds / DAY;
    int rest = (int)(seconds % DAY);
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    civil_from_days(days, l);
    l->hour = rest / 3600;
    l->minute = rest / 60 % 60;
    l->second = rest % 60;
}

/* Seconds of an instant, rounded down. */
static apr_int64_t seconds_of(apr_time_t utc)
{
    apr_int64_t s = utc / APR_USEC_PER_SEC;
    return utc % APR_USEC_PER_SEC < 0 ? s - 1 : s;
}

/* ---- offsets ---- */

#define KEPT_MAX 16

static struct kept {
    char iana[ZONE_NAME_MAX];
    UCalendar *cal; /* NULL: the place is free */
} kept[KEPT_MAX];
static unsigned kept_next; /* the place that gives way when there is no free one */
static pthread_mutex_t kept_mutex = PTHREAD_MUTEX_INITIALIZER;

static UCalendar *open_zone(const char *iana)
{
    UChar name[ZONE_NAME_MAX];
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *cal = NULL;
    int i;

    pthread_mutex_lock(&kept_mutex);
    for (i = 0; iana && !cal && i < KEPT_MAX; i++) {
        if (kept[i].cal && !strcmp(kept[i].iana, iana)) {
            cal = kept[i].cal;
            kept[i].cal = NULL;
        }
    }
    pthread_mutex_unlock(&kept_mutex);
    if (cal) {
        return cal;
    }
    if (!oc_zone_known(iana) || !to_uchars(name, ZONE_NAME_MAX, iana)) {
        return NULL; /* ucal_open would take GMT for a name it does not know */
    }
    cal = ucal_open(name, -1, "en", UCAL_GREGORIAN, &status);
    return U_SUCCESS(status) ? cal : NULL;
}

/* For the next one who asks for that zone, under exactly that name: one that was opened. */
static void close_zone(UCalendar *cal, const char *iana)
{
    UCalendar *given_up;
    int i = 0;

    pthread_mutex_lock(&kept_mutex);
    while (i < KEPT_MAX && kept[i].cal) {
        i++;
    }
    if (i == KEPT_MAX) {
        i = (int)(kept_next++ % KEPT_MAX);
    }
    given_up = kept[i].cal;
    kept[i].cal = cal;
    apr_cpystrn(kept[i].iana, iana, sizeof(kept[i].iana)); /* it fits: to_uchars() took it */
    pthread_mutex_unlock(&kept_mutex);
    if (given_up) {
        ucal_close(given_up);
    }
}

static int offset_at(UCalendar *cal, apr_int64_t seconds)
{
    UErrorCode status = U_ZERO_ERROR;
    int ms;
    ucal_setMillis(cal, (double)seconds * 1000.0, &status);
    ms = ucal_get(cal, UCAL_ZONE_OFFSET, &status) + ucal_get(cal, UCAL_DST_OFFSET, &status);
    return U_SUCCESS(status) ? ms / 1000 : 0;
}

/* Between two instants with different offsets: the first second of the later one. */
static apr_int64_t change_between(UCalendar *cal, apr_int64_t before, apr_int64_t after)
{
    int offset = offset_at(cal, before);
    while (after - before > 1) {
        apr_int64_t middle = before + (after - before) / 2;
        if (offset_at(cal, middle) == offset) {
            before = middle;
        } else {
            after = middle;
        }
    }
    return after;
}

static apr_int64_t utc_of(UCalendar *cal, apr_int64_t local, oc_zone_fit_t *fit)
{
    /* The offsets before and after any change that can touch this reading of the clock. */
    int before = offset_at(cal, local - DAY), after = offset_at(cal, local + DAY);
    apr_int64_t early = local - before, late = local - after;
    int early_fits = offset_at(cal, early) == before, late_fits = offset_at(cal, late) == after;

    *fit = OC_ZONE_EXACT;
    if (early_fits && late_fits && early != late) {
        *fit = OC_ZONE_TWICE;
        return early < late ? early : late;
    }
    if (early_fits || late_fits) {
        return early_fits ? early : late;
    }
    *fit = OC_ZONE_GAP;
    return change_between(cal, early < late ? early : late, early < late ? late : early);
}

apr_status_t oc_zone_to_utc(const char *iana, const oc_local_t *local, apr_time_t *utc,
                            oc_zone_fit_t *fit, oc_result_t *res)
{
    UCalendar *cal;
    if (!local_ok(local)) {
        return oc_result_fail(res, OC_REASON_INVALID_INPUT,
                              "%04d-%02d-%02d %02d:%02d:%02d is no date and time between %d and %d",
                              local->year, local->month, local->day, local->hour, local->minute,
                              local->second, YEAR_MIN, YEAR_MAX);
    }
    if (!(cal = open_zone(iana))) {
        return oc_result_fail(res, OC_REASON_INVALID_INPUT, "the time zone '%s' is unknown",
                              iana ? iana : "");
    }
    *utc = apr_time_from_sec(utc_of(cal, local_seconds(local), fit));
    close_zone(cal, iana);
    return APR_SUCCESS;
}

apr_status_t oc_zone_to_local(const char *iana, apr_time_t utc, oc_local_t *local, int *offset_sec)
{
    apr_int64_t seconds = seconds_of(utc);
    UCalendar *cal;
    int offset;
    if (seconds < SECONDS_MIN || seconds > SECONDS_MAX || !(cal = open_zone(iana))) {
        return APR_EINVAL;
    }
    offset = offset_at(cal, seconds);
    close_zone(cal, iana);
    local_fields(seconds + offset, local);
    if (offset_sec) {
        *offset_sec = offset;
    }
    return APR_SUCCESS;
}

apr_time_t oc_zone_midnight(const char *iana, apr_time_t utc, int days)
{
    apr_int64_t seconds = seconds_of(utc), local;
    oc_zone_fit_t fit;
    UCalendar *cal = iana ? open_zone(iana) : NULL;
    if (!cal) {
        iana = "Etc/UTC";
        cal = open_zone(iana);
    }
    if (!cal) {
        return utc;
    }
    local = seconds + offset_at(cal, seconds);
    local -= ((local % DAY) + DAY) % DAY;
    seconds = utc_of(cal, local + (apr_int64_t)days * DAY, &fit);
    close_zone(cal, iana);
    return apr_time_from_sec(seconds);
}

/* ---- changes of the clocks ---- */

#define SHIFTS_MAX 256

/* Seconds of the nearest change at or before (first) or after `seconds`; 0 if there is none. */
static int change_near(UCalendar *cal, int first, apr_int64_t seconds, apr_int64_t *at)
{
    UErrorCode status = U_ZERO_ERROR;
    UDate when = 0;

    ucal_setMillis(cal, (double)seconds * 1000.0, &status);
    if (!ucal_getTimeZoneTransitionDate(cal,
                                        first ? UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE
                                              : UCAL_TZ_TRANSITION_NEXT,
                                        &when, &status) ||
        U_FAILURE(status) || when <= 0) {
        return 0;
    }
    *at = (apr_int64_t)(when / 1000.0);
    return 1;
}

static int summer_at(UCalendar *cal, apr_int64_t seconds)
{
    UErrorCode status = U_ZERO_ERROR;
    ucal_setMillis(cal, (double)seconds * 1000.0, &status);
    return ucal_get(cal, UCAL_DST_OFFSET, &status) != 0 && U_SUCCESS(status);
}

apr_array_header_t *oc_zone_shifts(apr_pool_t *pool, const char *iana, apr_time_t from,
                                   apr_time_t to)
{
    apr_array_header_t *shifts = apr_array_make(pool, 4, sizeof(oc_zone_shift_t));
    apr_int64_t at = 0, end = seconds_of(to);
    UCalendar *cal = iana ? open_zone(iana) : NULL;
    oc_zone_shift_t *s = apr_array_push(shifts);
    int more;

    memset(s, 0, sizeof(*s));
    if (!cal) {
        return shifts;
    }
    if (change_near(cal, 1, seconds_of(from), &at)) {
        s->at = apr_time_from_sec(at);
        s->before = offset_at(cal, at - 1);
        s->after = offset_at(cal, at);
        s->dst = summer_at(cal, at);
    } else {
        s->before = s->after = offset_at(cal, seconds_of(from));
    }
    at = seconds_of(from);
    for (more = 1; more && shifts->nelts < SHIFTS_MAX;) {
        more = change_near(cal, 0, at, &at) && at < end;
        if (more) {
            s = apr_array_push(shifts);
            s->at = apr_time_from_sec(at);
            s->before = offset_at(cal, at - 1);
            s->after = offset_at(cal, at);
            s->dst = summer_at(cal, at);
        }
    }
    close_zone(cal, iana);
    return shifts;
}

/* ---- text ---- */

/* Exactly `digits` digits; moves *p. -1 if they are not there. */
static int number(const char **p, int digits)
{
    int n = 0;
    for (int i = 0; i < digits; i++) {
        if (!apr_isdigit((*p)[i])) {
            return -1;
        }
        n = n * 10 + ((*p)[i] - '0');
    }
    *p += digits;
    return n;
}

static int literal(const char **p, char c)
{
    return **p == c && ++*p;
}

/* "2026-03-05", and if more follows: "T10:00[:00[.123]]". *micros: the fraction. Moves *p. */
static int parse_clock(const char **p, oc_local_t *l, int *micros, int *has_time)
{
    memset(l, 0, sizeof(*l));
    *micros = 0;
    *has_time = 0;
    if ((l->year = number(p, 4)) < 0 || !literal(p, '-') || (l->month = number(p, 2)) < 0 ||
        !literal(p, '-') || (l->day = number(p, 2)) < 0) {
        return 0;
    }
    if (!**p) {
        return local_ok(l);
    }
    *has_time = 1;
    if (!literal(p, 'T') || (l->hour = number(p, 2)) < 0 || !literal(p, ':') ||
        (l->minute = number(p, 2)) < 0) {
        return 0;
    }
    if (literal(p, ':')) {
        if ((l->second = number(p, 2)) < 0) {
            return 0;
        }
        if (literal(p, '.')) {
            int scale = 100000, digits = 0;
            for (; apr_isdigit(**p); (*p)++, digits++, scale /= 10) {
                *micros += (**p - '0') * scale;
            }
            if (digits == 0 || digits > 9) {
                return 0;
            }
        }
    }
    return local_ok(l);
}

/* "Z", "+01:00", "-03:30". Moves *p. */
static int parse_offset(const char **p, int *offset)
{
    int sign, hours, minutes;
    *offset = 0;
    if (literal(p, 'Z')) {
        return 1;
    }
    sign = **p == '-' ? -1 : 1;
    if ((!literal(p, '+') && !literal(p, '-')) || (hours = number(p, 2)) < 0 || hours > 23 ||
        !literal(p, ':') || (minutes = number(p, 2)) < 0 || minutes > 59) {
        return 0;
    }
    *offset = sign * (hours * 3600 + minutes * 60);
    return 1;
}

/* What is taken can be said again in UTC, within the same years. */
static int printable(apr_time_t utc)
{
    return utc >= 0 && utc < apr_time_from_sec(SECONDS_MAX - DAY);
}

apr_status_t oc_zone_parse(const char *text, const char *iana, const char *field, apr_time_t *utc,
                           oc_zone_fit_t *fit, oc_result_t *res)
{
    oc_zone_fit_t own;
    oc_local_t local;
    oc_result_t inner;
    const char *p = text ? text : "";
    int micros, has_time, offset;

    fit = fit ? fit : &own;
    *fit = OC_ZONE_EXACT;
    if (!parse_clock(&p, &local, &micros, &has_time)) {
        goto wrong;
    }
    if (*p) {
        if (!has_time || !parse_offset(&p, &offset) || *p) {
            goto wrong;
        }
        *utc = apr_time_from_sec(local_seconds(&local) - offset) + micros;
        if (!printable(*utc)) {
            goto wrong;
        }
        return APR_SUCCESS;
    }
    oc_result_init(&inner, res->pool);
    if (oc_zone_to_utc(iana ? iana : "Etc/UTC", &local, utc, fit, &inner)) {
        oc_result_copy(res, &inner, res->pool);
        res->field = apr_pstrdup(res->pool, field);
        return res->status;
    }
    if (*fit == OC_ZONE_GAP && has_time) {
        return oc_result_field(res, OC_REASON_TIME_GAP, field,
                               "%s does not exist in %s: the clocks are put forward then", text,
                               iana);
    }
    *utc += micros;
    if (!printable(*utc)) {
        goto wrong;
    }
    return APR_SUCCESS;

wrong:
    return oc_result_field(res, OC_REASON_INVALID_INPUT, field,
                           "a date is wanted, or a date and time such as 2026-03-05T10:00 or "
                           "2026-03-05T10:00:00+01:00, between %d and %d",
                           YEAR_MIN, YEAR_MAX);
}

const char *oc_zone_print(apr_pool_t *pool, apr_time_t utc, const char *iana)
{
    oc_local_t l;
    int offset = 0;
    if (!iana || oc_zone_to_local(iana, utc, &l, &offset) || offset % 60) {
        local_fields(seconds_of(utc), &l);
        return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ", l.year, l.month, l.day, l.hour,
                            l.minute, l.second);
    }
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", l.year, l.month, l.day,
                        l.hour, l.minute, l.second, offset < 0 ? '-' : '+', abs(offset) / 3600,
                        abs(offset) / 60 % 60);
}

const char *oc_zone_print_dav(apr_pool_t *pool, apr_time_t utc)
{
    oc_local_t l;
    apr_int64_t seconds = seconds_of(utc);
    int millis = (int)((utc - apr_time_from_sec(seconds)) / 1000);
    local_fields(seconds, &l);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", l.year, l.month, l.day, l.hour,
                        l.minute, l.second, millis);
}

apr_status_t oc_zone_parse_dav(const char *text, apr_time_t *utc)
{
    const char *p = text ? text : "";
    oc_local_t l;
    int micros, has_time;
    if (!parse_clock(&p, &l, &micros, &has_time) || !has_time || strcmp(p, "Z")) {
        return APR_EINVAL;
    }
    *utc = apr_time_from_sec(local_seconds(&l)) + micros;
    return APR_SUCCESS;
}
