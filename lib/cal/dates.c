/* dates.c - see dates.h. ICU knows how; opening one of its formatters takes half a millisecond,
 * and a grid shows hundreds of times: a few are kept, each used by one thread at a time.
 */
#include <pthread.h>
#include <string.h>
#include <apr_strings.h>
#include <unicode/ucal.h>
#include <unicode/udat.h>
#include <unicode/udatpg.h>
#include <unicode/ustring.h>

#include "cal/dates.h"
#include "cal/zone.h"

#define NAME_MAX_BYTES 64
#define TEXT_MAX       128 /* of a pattern or a date, in UTF-16 units */
#define KEPT_MAX       32 /* some 60 KB each: four languages, three styles, two threads */

/* What a date is to consist of; the language says in which order and with what between. */
static const char *const skeletons[OC_DATES_COUNT] = {"yMMMMEEEEd", "MMMEd", "jmm", "yMMMEdjmm",
                                                      "EEEE"};

static struct kept {
    char locale[NAME_MAX_BYTES], zone[NAME_MAX_BYTES];
    oc_dates_t style;
    UDateFormat *format; /* NULL: the place is free */
} kept[KEPT_MAX];
static unsigned kept_next; /* the place that gives way when there is no free one */
static pthread_mutex_t kept_mutex = PTHREAD_MUTEX_INITIALIZER;

static UDateFormat *take(const char *zone, const char *locale, oc_dates_t style)
{
    UDateFormat *format = NULL;

    pthread_mutex_lock(&kept_mutex);
    for (int i = 0; !format && i < KEPT_MAX; ++i) {
        struct kept *k = &kept[i];

        if (k->format && k->style == style && strcmp(k->locale, locale) == 0
            && strcmp(k->zone, zone) == 0) {
            format = k->format;
            k->format = NULL;
        }
    }
    pthread_mutex_unlock(&kept_mutex);
    return format;
}

static void give_back(UDateFormat *format, const char *zone, const char *locale, oc_dates_t style)
{
    UDateFormat *given_up;
    int i = 0;

    pthread_mutex_lock(&kept_mutex);
    while (i < KEPT_MAX && kept[i].format) {
        ++i;
    }
    if (i == KEPT_MAX) {
        i = (int)(kept_next++ % KEPT_MAX);
    }
    given_up = kept[i].format;
    kept[i].format = format;
    kept[i].style = style;
    apr_cpystrn(kept[i].locale, locale, NAME_MAX_BYTES);
    apr_cpystrn(kept[i].zone, zone, NAME_MAX_BYTES);
    pthread_mutex_unlock(&kept_mutex);
    if (given_up) {
        udat_close(given_up);
    }
}

static UDateFormat *open_format(const char *zone, const char *locale, oc_dates_t style)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar zone_name[NAME_MAX_BYTES], skeleton[TEXT_MAX], pattern[TEXT_MAX];
    UDateTimePatternGenerator *generator;
    UDateFormat *format = NULL;
    int32_t len;

    if (!oc_zone_known(zone)) {
        return NULL; /* ICU would take GMT */
    }
    generator = udatpg_open(locale, &status);
    u_uastrncpy(zone_name, zone, NAME_MAX_BYTES);
    u_uastrncpy(skeleton, skeletons[style], TEXT_MAX);
    len = udatpg_getBestPattern(generator, skeleton, -1, pattern, TEXT_MAX, &status);
    if (U_SUCCESS(status) && len > 0 && len < TEXT_MAX) {
        format = udat_open(UDAT_PATTERN, UDAT_PATTERN, locale, zone_name, -1, pattern, len,
                           &status);
    }
    if (generator) {
        udatpg_close(generator);
    }
    return U_SUCCESS(status) ? format : NULL;
}

const char *oc_dates_text(apr_pool_t *pool, apr_time_t utc, const char *zone, const char *locale,
                          oc_dates_t style)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar wide[TEXT_MAX];
    char text[TEXT_MAX * 3];
    UDateFormat *format = NULL;
    int32_t len;

    if (strlen(zone) < NAME_MAX_BYTES && strlen(locale) < NAME_MAX_BYTES) {
        format = take(zone, locale, style);
        format = format ? format : open_format(zone, locale, style);
    }
    if (!format) {
        return oc_zone_print(pool, utc, zone);
    }
    len = udat_format(format, (UDate)(utc / 1000), wide, TEXT_MAX, NULL, &status);
    give_back(format, zone, locale, style);
    if (U_FAILURE(status) || len >= TEXT_MAX) {
        return oc_zone_print(pool, utc, zone);
    }
    u_strToUTF8(text, sizeof(text), NULL, wide, len, &status);
    return U_SUCCESS(status) ? apr_pstrdup(pool, text) : oc_zone_print(pool, utc, zone);
}

int oc_dates_first_weekday(const char *locale)
{
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *cal = ucal_open(NULL, 0, locale, UCAL_GREGORIAN, &status);
    int day = 1;

    if (U_SUCCESS(status)) {
        day = ucal_getAttribute(cal, UCAL_FIRST_DAY_OF_WEEK) - UCAL_SUNDAY;
        ucal_close(cal);
    }
    return day;
}

/* 0: Sunday. By Sakamoto's rule, for the years that a calendar has. */
static int weekday(const oc_local_t *l)
{
    static const int shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    int y = l->year - (l->month < 3);

    return (y + y / 4 - y / 100 + y / 400 + shift[l->month - 1] + l->day) % 7;
}

apr_time_t oc_dates_week(apr_time_t utc, const char *zone, const char *locale)
{
    oc_local_t l;

    if (oc_zone_to_local(zone, utc, &l, NULL) != APR_SUCCESS) {
        return utc;
    }
    return oc_zone_midnight(zone, utc, -((weekday(&l) - oc_dates_first_weekday(locale) + 7) % 7));
}
