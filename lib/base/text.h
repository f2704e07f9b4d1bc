/* text.h - Unicode text: when two spellings are the same word, and what no name should hold.
 *
 * Pure but for the pool; any thread that owns the pool. Together with cal/zone.c (zones) and
 * cal/dates.c (dates as people write them) text.c is all that names ICU.
 */
#ifndef OC_BASE_TEXT_H
#define OC_BASE_TEXT_H

#include <apr_pools.h>

/* The form in which two spellings of one word are the same bytes: composed (NFC), case folded.
 * Folding is the simple kind, letter for letter, without regard to any language: "GROSS" and
 * "groß" stay two words, because they may be two people. Doing it twice changes nothing more.
 * NULL if s is not UTF-8 or has more than 4,096 bytes. */
const char *oc_text_fold(apr_pool_t *pool, const char *s);

/* 0 if every character of s may stand in a name, else the first that may not: control and format
 * characters (direction marks, joiners), everything else invisible, blanks other than U+0020, line
 * ends, private and unassigned characters, full-width, half-width and other presentation forms
 * (what a server in between may turn into plain "/" or "a"), a combining mark at the beginning.
 * 0xfffd if s is not UTF-8. What merely looks alike (Cyrillic "a") is no concern of this: only the
 * directory that gives out the names can refuse that. */
unsigned int oc_text_unnameable(const char *s);

#endif
