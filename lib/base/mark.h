/* mark.h - marks texts that people read where they are not yet said.
 *
 * What an operation or a backend has to say is kept in English and put into the reader's language
 * when it is shown (view/say.h), by that English text. The mark makes the text known to
 * t/94-drift-texts.t, which sees to it that every language has it.
 */
#ifndef OC_BASE_MARK_H
#define OC_BASE_MARK_H

/* A string literal, and stays one. */
#define OC_TEXT(english) english
/* The head of a sentence that ends in a list: known in other languages as "head: {list}." */
#define OC_TEXT_LIST(english) english

#endif
