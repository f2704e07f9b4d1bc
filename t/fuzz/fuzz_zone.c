/* Any time in any zone: the first line is the zone's name, the second the time. What was understood
 * prints and parses to the same instant in every form. */
#include "fuzz.h"
#include "cal/zone.h"

static void same_when_printed(apr_pool_t *pool, apr_time_t t, const char *zone)
{
    const char *text = oc_zone_print(pool, t, zone), *dav;
    apr_time_t again = -1;
    oc_result_t res;

    if (!strncmp(text, "1969", 4) || !strncmp(text, "2201", 4)) {
        must(zone); /* the first and last hours, which some clocks put into years not taken */
        return;
    }
    oc_result_init(&res, pool);
    must(oc_zone_parse(text, NULL, "at", &again, NULL, &res) == APR_SUCCESS);
    must(again == apr_time_from_sec(apr_time_sec(t)));
    must(!strcmp(oc_zone_print(pool, again, zone), text));
    dav = oc_zone_print_dav(pool, t);
    must(oc_zone_parse_dav(dav, &again) == APR_SUCCESS && again == t - t % 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *zone, *text;
    oc_local_t local;
    apr_pool_t *pool;
    oc_result_t res;
    oc_zone_fit_t fit;
    apr_time_t t;
    char *line;

    apr_pool_create(&pool, NULL);
    line = apr_pstrmemdup(pool, (const char *)data, size);
    text = strchr(line, '\n');
    if (!text) {
        text = line;
        zone = "Europe/Budapest";
    } else {
        line[text - line] = '\0';
        zone = oc_zone_canonical(pool, line);
        must(!zone || (oc_zone_known(zone) && !strcmp(oc_zone_canonical(pool, zone), zone)));
        text++;
    }
    if (zone) {
        int id = oc_zone_cdo(zone);
        must(id < 0 || oc_zone_from_cdo(id));
    }
    oc_result_init(&res, pool);
    if (oc_zone_parse(text, zone, "at", &t, &fit, &res) == APR_SUCCESS) {
        must(res.reason == OC_REASON_OK);
        same_when_printed(pool, t, zone);
        same_when_printed(pool, t, NULL);
        if (zone) {
            apr_time_t midnight = oc_zone_midnight(zone, t, 0);
            must(midnight <= t && t - midnight < apr_time_from_sec(25 * 3600 + 1));
            must(oc_zone_midnight(zone, t, 1) > t);
            must(oc_zone_to_local(zone, t, &local, NULL) == APR_SUCCESS);
        }
    } else {
        must(res.reason == OC_REASON_INVALID_INPUT || res.reason == OC_REASON_TIME_GAP);
    }
    if (oc_zone_parse_dav(text, &t) == APR_SUCCESS) {
        apr_time_t again;
        must(oc_zone_parse_dav(oc_zone_print_dav(pool, t), &again) == APR_SUCCESS);
        must(again == t - t % 1000);
    }
    apr_pool_destroy(pool);
    return 0;
}
