/* Texts in their language, the choice of it, and dates as people write them. */
#include "tap.h"
#include "cal/dates.h"
#include "view/say.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

static void test_choice(void)
{
    static const struct {
        const char *wanted, *language, *locale;
    } rows[] = {
        {NULL, "en", "en-GB"},
        {"", "en", "en-GB"},
        {"de", "de", "de"},
        {"de-AT,de;q=0.9,en;q=0.8", "de", "de-AT"},
        {"en;q=0.5, hu;q=0.9", "hu", "hu"},
        {"pt, sv;q=0.9, fr-CA;q=0.2", "fr", "fr-CA"},
        {"DE-de", "de", "DE-de"},
        {"den, hungarian", "en", "en-GB"},
        {"de;q=0", "en", "en-GB"},
        {"../../de, d e", "en", "en-GB"},
        {"de@calendar=buddhist", "en", "en-GB"},
        {"*", "en", "en-GB"},
        {"de-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, fr;q=0.1", "fr", "fr"},
        {"de;q=nan, fr;q=-1", "en", "en-GB"},
        {"de ;q=0.1,\tfr ; q=0.2", "fr", "fr"},
        {"fr;q=0.12345, de;q=1.9, hu", "de", "de"},
        {"en-US, en;q=0.9", "en", "en-US"},
        {"de,,;,fr", "de", "de"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        const char *locale = OC_SAY_LOCALE;
        oc_language_t language = OC_LANGUAGE_EN;

        oc_say_language(pool, rows[i].wanted, &language, &locale);

        is_str(oc_say_tag(language), rows[i].language, "%s",
               rows[i].wanted ? rows[i].wanted : "none");
        is_str(locale, rows[i].locale, "  its locale");
    }
}

static void test_texts(void)
{
    char *long_one = apr_palloc(pool, 5001);

    is_str(oc_say(OC_LANGUAGE_EN, "Rooms"), "Rooms", "English stands for itself");
    is_str(oc_say(OC_LANGUAGE_DE, "Rooms"), "R\303\244ume", "German");
    is_str(oc_say(OC_LANGUAGE_HU, "Rooms"), "Termek", "Hungarian");
    is_str(oc_say(OC_LANGUAGE_FR, "never said"), "never said", "what has no text stays");
    is_str(oc_say_with(pool, OC_LANGUAGE_EN, "{b} of {a}{c}", "a", "1", "b", "2", NULL), "2 of 1",
           "names are filled in by name, one without a value is empty");
    is_str(oc_say_with(pool, OC_LANGUAGE_EN, "{a}", "a", "{a}{b}", "b", "x", NULL), "{a}{b}",
           "what is filled in is not looked into");
    is_str(oc_say_with(pool, OC_LANGUAGE_EN, "an end {a", "a", "x", NULL), "an end x",
           "a bracket that is not closed does no harm");
    is_str(
        oc_say_numbered(pool, OC_LANGUAGE_EN, "{2} of {1}{3} {x}{", (const char *[]){"a", "b"}, 2),
        "b of a {x}{", "numbered values");
    is_str(oc_say_sentences(pool, OC_LANGUAGE_EN, "One. Two: a@b.example. Three"),
           "One. Two: a@b.example. Three", "unknown sentences stay");
    is_str(
        oc_say_sentences(pool, OC_LANGUAGE_DE,
                         "The booking is confirmed. Not told of no longer being invited: "
                         "a@x.example, b@x.example. This works. An unsent message may be left in "
                         "the Drafts folder."),
        "Die Buchung ist best\303\244tigt. Nicht \303\274ber die Ausladung benachrichtigt: "
        "a@x.example, b@x.example. In Ordnung. Eine nicht gesendete Nachricht liegt "
        "m\303\266glicherweise noch im Ordner \342\200\236Entw\303\274rfe\342\200\234.",
        "sentences in a row, one with a list");
    memset(long_one, 'x', 5000);
    long_one[5000] = '\0';
    is_int((int)strlen(oc_say_with(pool, OC_LANGUAGE_EN, "{a}", "a", long_one, NULL)), 5000,
           "long values are kept whole");
}

#define THURSDAY (apr_time_from_sec(1772701200)) /* 2026-03-05T09:00:00Z */

static void test_dates(void)
{
    static const struct {
        const char *locale;
        oc_dates_t style;
        const char *text;
    } rows[] = {
        {"en-GB", OC_DATES_DAY, "Thursday, 5 March 2026"},
        {"de", OC_DATES_DAY, "Donnerstag, 5. M\303\244rz 2026"},
        {"fr", OC_DATES_DAY, "jeudi 5 mars 2026"},
        {"hu", OC_DATES_DAY, "2026. m\303\241rcius 5., cs\303\274t\303\266rt\303\266k"},
        {"de", OC_DATES_CLOCK, "10:00"},
        {"hu", OC_DATES_CLOCK, "10:00"},
        {"en-US", OC_DATES_CLOCK, "10:00\342\200\257AM"},
        {"de", OC_DATES_WEEKDAY, "Donnerstag"},
        {"fr", OC_DATES_SHORT_DAY, "jeu. 5 mars"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        const char *text = oc_dates_text(pool, THURSDAY, "Europe/Budapest", rows[i].locale,
                                         rows[i].style);
        /* ICU's data has a narrow or an ordinary space there, by its version. */
        if (strcmp(rows[i].locale, "en-US") == 0) {
            ok(strncmp(text, "10:00", 5) == 0 && strstr(text, "AM") != NULL, "a clock of 12 hours");
            continue;
        }
        is_str(text, rows[i].text, "%s", rows[i].locale);
    }
    is_str(oc_dates_text(pool, THURSDAY, "No/Where", "de", OC_DATES_CLOCK), "2026-03-05T09:00:00Z",
           "an unknown zone is not taken for another");
    is_int(oc_dates_first_weekday("de"), 1, "a German week begins on Monday");
    is_int(oc_dates_first_weekday("en-US"), 0, "an American one on Sunday");
    for (int day = 0; day < 21; ++day) {
        apr_time_t t = THURSDAY + day * apr_time_from_sec(86400), week;
        int back;

        week = oc_dates_week(t, "Europe/Budapest", day % 2 ? "hu" : "en-US");
        back = (int)((t - week) / apr_time_from_sec(86400));
        is_int(back, (day + (day % 2 ? 3 : 4)) % 7, "so many days since the week began");
        is_str(oc_dates_text(pool, week, "Europe/Budapest", "en", OC_DATES_WEEKDAY),
               day % 2 ? "Monday" : "Sunday", "  with its first day");
    }
}

static void *many_dates(void *baton)
{
    static const char *const locales[] = {"de", "fr", "hu", "en-GB", "de-AT"};
    static const char *const zones[] = {"Europe/Budapest", "Etc/UTC", "Asia/Tokyo",
                                        "America/New_York"};
    apr_pool_t *own;
    int *wrong = baton;

    apr_pool_create_unmanaged_ex(&own, NULL, NULL);
    for (int i = 0; i < 1000; ++i) {
        const char *locale = locales[i % 5], *zone = zones[i / 5 % 4];
        const char *text = oc_dates_text(own, THURSDAY, zone, locale, OC_DATES_CLOCK);
        static const char *const clocks[] = {"10:00", "9:00", "18:00", "4:00"};

        *wrong += strcmp(text + (*text == '0'), clocks[i / 5 % 4]) != 0;
        if (i % 100 == 99) {
            apr_pool_clear(own);
        }
    }
    apr_pool_destroy(own);
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[4];
    int wrong[4] = {0};

    for (int i = 0; i < 4; ++i) {
        pthread_create(&threads[i], NULL, many_dates, &wrong[i]);
    }
    for (int i = 0; i < 4; ++i) {
        pthread_join(threads[i], NULL);
    }
    is_int(wrong[0] + wrong[1] + wrong[2] + wrong[3], 0, "several threads, many formats");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_choice();
    test_texts();
    test_dates();
    test_threads();
    return done_testing();
}
