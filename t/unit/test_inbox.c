/* Many threads post, one takes: nothing is lost, nothing comes twice, what was written before is
 * seen. Worth running under ThreadSanitizer. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "tap.h"
#include "net/inbox.h"

enum { THREADS = 8, EACH = 4000, SHARED = 16 };

typedef struct letter_t {
    oc_note_t note; /* first */
    int content, taken;
} letter_t;

static oc_inbox_t inbox;
static letter_t letters[THREADS][EACH];
static letter_t shared[SHARED]; /* posted by everybody, again and again */

static void *post(void *baton)
{
    letter_t *mine = baton;

    for (int i = 0; i < EACH; ++i) {
        mine[i].content = i + 1;
        oc_inbox_post(&inbox, &mine[i].note, 1);
        oc_inbox_post(&inbox, &shared[i % SHARED].note, 2U << (i % 3));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    struct pollfd readable = {.events = POLLIN};
    int taken = 0, wrong = 0, silent = 0, order = 0;

    ok(oc_inbox_open(&inbox) == APR_SUCCESS && !oc_inbox_take(&inbox), "an empty inbox");
    readable.fd = inbox.event;
    for (int i = 0; i < THREADS; ++i) {
        pthread_create(&threads[i], NULL, post, letters[i]);
    }
    while (taken < THREADS * EACH && !silent) {
        oc_note_t *note, *next;
        int last[THREADS] = {0};

        silent = poll(&readable, 1, 10000) != 1;
        oc_inbox_hush(&inbox);
        for (note = oc_inbox_take(&inbox); note; note = next) {
            letter_t *letter = (letter_t *)note;
            unsigned flags;

            next = note->next;
            flags = oc_inbox_flags(note);
            if (flags & 1) {
                int thread = (int)((letter - &letters[0][0]) / EACH);

                wrong += letter->content == 0 || letter->taken++ || flags != 1;
                order += letter->content <= last[thread];
                last[thread] = letter->content;
                ++taken;
            } else {
                wrong += flags == 0 || flags > 14;
            }
        }
    }
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], NULL);
    }
    ok(!silent, "the descriptor is readable whenever there is something to take");
    is_int(taken, THREADS * EACH, "every note is taken");
    is_int(wrong, 0, "once, with what was written before it was posted");
    is_int(order, 0, "one thread's notes in their order");
    oc_inbox_close(&inbox);
    return done_testing();
}
