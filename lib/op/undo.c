/* undo.c - cancelling or removing, looking, and once more. */
#include <apr_strings.h>

#include "op/undo.h"

#define TRIES 2
#define LOOKS 3

void oc_undo_start(oc_op_t *op, oc_undo_t *u)
{
    oc_op_verb_t *verb = oc_op_verb(op);

    if (!u->tries++) {
        u->since = oc_clock_wall();
        u->told = OC_TOLD_NOBODY_TO_TELL;
    }
    u->change = NULL;
    u->looks = 0;
    oc_op_run(op, verb,
              u->known ? op->be->vt->cancel(op->be, &verb->call, u->booking, u->reason, &u->change)
                       : op->be->vt->remove(op->be, &verb->call, u->booking, &u->change));
}

static int all_told(oc_told_t told)
{
    return told == OC_TOLD || told == OC_TOLD_UNVERIFIED || told == OC_TOLD_NOBODY_TO_TELL;
}

static void keep(oc_undo_t *u, oc_told_t told)
{
    if (u->known) {
        u->told = told;
        if (u->change) {
            u->way = u->change->way;
            u->message_id = u->change->message_id;
        }
    }
}

oc_undo_next_t oc_undo_ended(oc_op_t *op, oc_undo_t *u)
{
    const oc_op_verb_t *verb = oc_op_nth(op, 0);
    oc_told_t told = u->change ? u->change->told : OC_TOLD_NOT;

    u->acted |= verb->wrote;
    u->left = u->change ? u->change->left_behind : NULL;
    if (oc_op_failed(verb)) {
        oc_op_blame(op, verb);
        if (!u->acted) {
            u->stands = OC_YES;
            u->told = u->known ? OC_TOLD_NOT : u->told;
            return u->insist && u->tries < TRIES ? OC_UNDO_AGAIN : OC_UNDO_LEFT;
        }
    }
    /* A failure as well, if it is only that a draft could not be removed. */
    if (u->change && u->change->item_changed == OC_YES && (!u->known || all_told(told))) {
        keep(u, told);
        u->stands = OC_NO;
        return OC_UNDO_GONE;
    }
    return OC_UNDO_LOOK;
}

void oc_undo_look(oc_op_t *op, oc_undo_t *u)
{
    oc_booking_t *cancelled = oc_booking_copy(op->call->pool, u->booking);
    oc_op_verb_t *verb = oc_op_verb(op);

    cancelled->cancelled = 1; /* so that it is the cancellation that is looked for */
    u->evidence = NULL;
    oc_op_run(op, verb,
              op->be->vt->evidence(op->be, &verb->call, cancelled, u->since, &u->evidence));
}

/* What the verb said of the cancellation, and what is seen where it did not know. That the prepared
 * message is gone proves nothing: it may have been taken back. */
static oc_told_t told_by(const oc_undo_t *u)
{
    oc_told_t told = u->change ? u->change->told : OC_TOLD_NOT;

    if (told != OC_TOLD_UNKNOWN) {
        return told;
    }
    return u->evidence->request_sent == OC_YES ? OC_TOLD
           : u->evidence->draft_left == OC_YES ? OC_TOLD_NOT
                                               : OC_TOLD_UNKNOWN;
}

static const char *sentence(const oc_undo_t *u, oc_told_t told)
{
    if (u->stands == OC_DONT_KNOW) {
        return OC_TEXT("The appointment may still stand in your calendar.");
    }
    if (u->stands == OC_NO) {
        return told == OC_TOLD_NOT
                   ? OC_TEXT(
                         "The meeting is gone from your calendar, but the attendees were not told.")
                   : OC_TEXT("The meeting is gone from your calendar; whether the attendees were "
                             "told is "
                             "not "
                             "known.");
    }
    if (all_told(told)) {
        return u->known || u->told != OC_TOLD_NOBODY_TO_TELL
                   ? OC_TEXT("The attendees were told that the meeting is cancelled, but it still "
                             "stands "
                             "in "
                             "your calendar.")
                   : OC_TEXT("The appointment still stands in your calendar; nobody was invited.");
    }
    return told == OC_TOLD_NOT
               ? OC_TEXT("The meeting still stands in your calendar, and the attendees "
                         "were not told of its "
                         "cancellation.")
               : OC_TEXT("The meeting still stands in your calendar; whether the attendees "
                         "were told of its "
                         "cancellation is not known.");
}

oc_undo_next_t oc_undo_looked(oc_op_t *op, oc_undo_t *u)
{
    int failed = oc_op_failed(oc_op_nth(op, 0)), drafts;
    oc_told_t told = u->told;

    if (failed || u->evidence->item == OC_DONT_KNOW) {
        if (++u->looks < LOOKS && oc_clock_mono() + OC_UNDO_PAUSE < op->hard) {
            return OC_UNDO_LOOK_LATER;
        }
        u->stands = OC_DONT_KNOW;
        keep(u, u->change ? u->change->told : OC_TOLD_NOT);
        u->left = u->left ? u->left : sentence(u, u->told);
        return OC_UNDO_LEFT;
    }
    if (u->known) {
        told = told_by(u);
    }
    u->stands = u->evidence->item;
    drafts = u->evidence->draft_left == OC_YES;
    keep(u, told);
    if (u->stands == OC_NO && all_told(told)) {
        u->left = drafts ? OC_TEXT("A prepared message still lies among your drafts.") : NULL;
        return OC_UNDO_GONE;
    }
    if (u->tries < TRIES && u->stands == OC_YES && told != OC_TOLD_UNKNOWN) {
        u->known = u->known && !all_told(told); /* told already: only the item is left */
        return OC_UNDO_AGAIN;
    }
    u->left = sentence(u, told);
    if (drafts && !all_told(told)) {
        u->left = apr_pstrcat(op->call->pool, u->left,
                              " " OC_TEXT("A prepared message lies among your drafts."), NULL);
    }
    return OC_UNDO_LEFT;
}
