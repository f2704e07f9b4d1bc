/* Unicode text: which spellings are one word, and which characters no name may hold. */
#include "tap.h"
#include "base/str.h"
#include "base/text.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

static void test_fold(void)
{
    static const struct {
        const char *in, *out, *why;
    } rows[] = {
        {"", "", "nothing"},
        {"Alice", "alice", "ASCII"},
        {"ALICE.O'Brien-42_$", "alice.o'brien-42_$", "ASCII with everything that may be in it"},
        {"Zolt\xc3\xa1n", "zolt\xc3\xa1n", "composed"},
        {"Zolta\xcc\x81n", "zolt\xc3\xa1n", "the same, decomposed"},
        {"ZOLT\xc3\x81N", "zolt\xc3\xa1n", "in capitals"},
        {"ZOLTA\xcc\x81N", "zolt\xc3\xa1n", "in capitals, decomposed"},
        {"\xe2\x84\xab", "\xc3\xa5", "the Angstrom sign is an A with ring"},
        {"\xe2\x84\xaa", "k", "the Kelvin sign is a K"},
        {"J\xcc\x8c", "\xc7\xb0", "a small letter that composes where its capital does not"},
        {"\xce\xa3\xcf\x83\xcf\x82", "\xcf\x83\xcf\x83\xcf\x83", "sigma, three of them"},
        {"\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd", "Cyrillic"},
        {"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8", "beyond the first plane"},
        {"GRO\xe1\xba\x9e", "gro\xc3\x9f", "a capital sharp s is a small one"},
        {"gross", "gross", "and not two"},
        {"I\xcc\x87", "\xc4\xb0", "no language: a dotted I stays one"},
        {"\xc4\xb1", "\xc4\xb1", "a dotless i too"},
        {"\xd0\xb0lice", "\xd0\xb0lice", "a Cyrillic a is none of ours"},
        {"\xff", NULL, "no UTF-8"},
        {"a\xc3", NULL, "cut"},
        {"\xc0\xaf", NULL, "overlong"},
        {"\xed\xa0\x80", NULL, "half of a pair"},
    };
    const char *longest = apr_psprintf(pool, "%04096d", 0);

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *out = oc_text_fold(pool, rows[i].in);
        is_str(out, rows[i].out, "fold: %s", rows[i].why);
        if (out) {
            is_str(oc_text_fold(pool, out), out, "  and not further");
        }
    }
    is_str(oc_text_fold(pool, longest), longest, "the longest");
    is_str(oc_text_fold(pool, apr_pstrcat(pool, longest, "0", NULL)), NULL, "one more");
    longest = "";
    for (int i = 0; i < 1365; i++) { /* U+1D160 becomes three pairs when composed */
        longest = i % 100 ? longest : apr_pstrcat(pool, longest, "\xf0\x9d\x85\xa0", NULL);
    }
    ok(oc_text_fold(pool, longest) != NULL, "characters that become longer");
}

static const char *utf8(apr_pool_t *p, unsigned int c)
{
    if (c < 0x80) {
        return apr_psprintf(p, "%c", (int)c);
    }
    if (c < 0x800) {
        return apr_psprintf(p, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 63)));
    }
    if (c < 0x10000) {
        return apr_psprintf(p, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 63)),
                            (int)(0x80 | (c & 63)));
    }
    return apr_psprintf(p, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 63)),
                        (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
}

/* Every character there is, alone and with a mark behind it. */
static void test_all(void)
{
    int again = 0, longer = 0, ascii = 0, lost = 0;
    unsigned int first = 0;
    apr_pool_t *p;

    apr_pool_create(&p, pool);
    for (unsigned int c = 1; c < 0x110000; c++) {
        const char *s, *folded, *marked;

        if (c >= 0xd800 && c < 0xe000) {
            continue;
        }
        if (c > 0x3400 && c < 0xa000 && c % 64) {
            continue; /* of the ideographs a few */
        }
        if (c > 0x20000 && c % 1024) {
            continue;
        }
        apr_pool_clear(p);
        s = utf8(p, c);
        folded = oc_text_fold(p, s);
        lost += folded == NULL;
        if (folded && strcmp(oc_text_fold(p, folded), folded) != 0) {
            first = first ? first : c;
            again++;
        }
        longer += folded && strlen(folded) > 3 * strlen(s);
        /* What may stand in a name is no other writing of an ASCII sign. */
        if (c >= 0x80 && folded && !oc_text_unnameable(s)) {
            ascii += (unsigned char)folded[0] < 0x80 && !strchr("k;`", folded[0]);
        }
        marked = oc_text_fold(p, apr_pstrcat(p, s, "\xcc\x8c", "\xcd\x85", NULL));
        again += marked && strcmp(oc_text_fold(p, marked), marked) != 0;
    }
    is_int(lost, 0, "every character can be folded");
    is_int(again, 0, "folding twice changes nothing (first: U+%04X)", first);
    is_int(longer, 0, "nothing grows to more than three times its length");
    is_int(ascii, 0, "nothing nameable becomes ASCII but by being the very same character");
    apr_pool_destroy(p);
}

static void test_unnameable(void)
{
    static const struct {
        const char *text;
        unsigned int odd;
        const char *why;
    } rows[] = {
        {"", 0, "nothing"},
        {"alice", 0, "ASCII"},
        {"alice smith", 0, "with a blank"},
        {"a/b%c\\d@e", 0, "what signs mean is others' business"},
        {"Zolt\xc3\xa1n", 0, "composed"},
        {"Zolta\xcc\x81n", 0, "decomposed"},
        {"\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", 0, "Cyrillic"},
        {"\xe5\xb1\xb1\xe7\x94\xb0", 0, "Chinese characters"},
        {"\xe0\xb8\x99\xe0\xb9\x89\xe0\xb8\xb3", 0, "Thai with sara am"},
        {"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", 0, "Hebrew"},
        {"a\nb", 0x0a, "a line break"},
        {"a\x7f", 0x7f, "DEL"},
        {"a\xc2\x85", 0x85, "NEL"},
        {"a\xc2\xa0" "b", 0xa0, "a no-break space"},
        {"a\xc2\xad" "b", 0xad, "a soft hyphen"},
        {"a\xe2\x80\x8b" "b", 0x200b, "a zero-width space"},
        {"a\xe2\x80\x8d" "b", 0x200d, "a joiner"},
        {"a\xe2\x80\xae" "b", 0x202e, "right-to-left override"},
        {"a\xe2\x81\xa6" "b", 0x2066, "an isolate"},
        {"\xef\xbb\xbf" "a", 0xfeff, "a byte order mark"},
        {"a\xe2\x80\xa8", 0x2028, "a line separator"},
        {"a\xcd\x8f" "b", 0x034f, "a grapheme joiner, which is a mark"},
        {"a\xef\xb8\x8f", 0xfe0f, "a variation selector"},
        {"\xe1\x85\x9f", 0x115f, "a filler, which is a letter"},
        {"\xef\xbd\x81", 0xff41, "full-width a"},
        {"x\xef\xbc\x8f", 0xff0f, "full-width /"},
        {"x\xef\xbc\xa0y", 0xff20, "full-width @"},
        {"x\xef\xb9\xab", 0xfe6b, "small @"},
        {"x\xef\xb9\xa8", 0xfe68, "small \\"},
        {"\xef\xbd\xb1", 0xff71, "half-width katakana"},
        {"x\xe2\x80\xa5", 0x2025, "two dots in one"},
        {"x\xe2\x84\x80", 0x2100, "a/c in one"},
        {"\xef\xac\x81", 0xfb01, "the ligature fi"},
        {"\xf0\x9d\x90\x9a", 0x1d41a, "mathematical a"},
        {"\xe2\x93\x90", 0x24d0, "a in a circle"},
        {"\xee\x80\x80", 0xe000, "private use"},
        {"\xcd\xb8", 0x0378, "unassigned"},
        {"\xef\xbf\xbf", 0xffff, "a noncharacter"},
        {"\xf3\xa0\x81\x81", 0xe0041, "a tag"},
        {"\xcc\x81" "a", 0x0301, "a mark at the beginning"},
        {"a\xff", 0xfffd, "no UTF-8"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        is_int(oc_text_unnameable(rows[i].text), rows[i].odd, "unnameable: %s", rows[i].why);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_fold();
    test_unnameable();
    test_all();
    apr_pool_destroy(pool);
    return done_testing();
}
