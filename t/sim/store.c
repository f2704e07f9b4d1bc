/* Folders and mailboxes: see store.h. */
#include "store_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const folder_names[][SIM_F_WELLKNOWN] = {
    {"", "Inbox", "Calendar", "Drafts", "Sent Items", "Deleted Items", "Outbox", "Tasks",
     "Contacts", "Notes", "Journal"},
    {"", "Posteingang", "Kalender", "Entw\xc3\xbcrfe", "Gesendete Objekte",
     "Gel\xc3\xb6schte Objekte", "Postausgang", "Aufgaben", "Kontakte", "Notizen", "Journal"},
    {"", "Bo\xc3\xaete de r\xc3\xa9" "ception", "Calendrier", "Brouillons",
     "\xc3\x89l\xc3\xa9ments envoy\xc3\xa9s", "\xc3\x89l\xc3\xa9ments supprim\xc3\xa9s",
     "Bo\xc3\xaete d'envoi", "T\xc3\xa2" "ches", "Contacts", "Notes", "Journal"},
    {"", "Be\xc3\xa9rkezett \xc3\xbczenetek", "Napt\xc3\xa1r", "Piszkozatok",
     "Elk\xc3\xbcld\xc3\xb6tt elemek", "T\xc3\xb6r\xc3\xb6lt elemek",
     "Post\xc3\xa1zand\xc3\xb3 \xc3\xbczenetek", "Feladatok", "N\xc3\xa9vjegyalbum",
     "Feljegyz\xc3\xa9sek", "Napl\xc3\xb3"},
};

const char *sim_folder_name(sim_language_t language, sim_folder_kind_t kind)
{
    return kind < SIM_F_WELLKNOWN ? folder_names[language][kind] : "";
}

int sim_language_from(const char *tag)
{
    static const char *const names[] = {"english", "german", "french", "hungarian"};
    static const char *const codes[] = {"en", "de", "fr", "hu"};
    int i;

    for (i = 0; i < 4; i++) {
        if (strcasecmp(tag, names[i]) == 0
            || (strncasecmp(tag, codes[i], 2) == 0 && (!tag[2] || strchr("-_,;", tag[2])))) {
            return i;
        }
    }
    return -1;
}

sim_folder_t *sim_folder_find(const sim_folder_t *parent, const char *name)
{
    return (sim_folder_t *)sim_index_find(&parent->folder_index, name);
}

static void folder_link(sim_folder_t *parent, sim_folder_t *f)
{
    f->parent = parent;
    f->next = NULL;
    f->prev = parent->last_folder;
    *(parent->last_folder ? &parent->last_folder->next : &parent->folders) = f;
    parent->last_folder = f;
    sim_index_add(&parent->folder_index, &f->node, f->name);
    parent->revision++;
}

static void folder_unlink(sim_folder_t *f)
{
    sim_folder_t *parent = f->parent;

    sim_index_remove(&parent->folder_index, &f->node);
    *(f->prev ? &f->prev->next : &parent->folders) = f->next;
    *(f->next ? &f->next->prev : &parent->last_folder) = f->prev;
    f->prev = f->next = f->parent = NULL;
    parent->revision++;
}

static sim_folder_t *folder_blank(sim_mailbox_t *mailbox, const char *name, sim_folder_kind_t kind)
{
    sim_folder_t *f = sim_must(calloc(1, sizeof(*f)));

    f->mailbox = mailbox;
    f->kind = kind;
    f->name = sim_must(strdup(name));
    f->id = ++mailbox->store->next_id;
    f->created = f->modified = sim_now(mailbox->store);
    return f;
}

sim_folder_t *sim_folder_add(sim_folder_t *parent, const char *name, sim_folder_kind_t kind)
{
    sim_folder_t *f;

    if (sim_folder_find(parent, name) || sim_item_find(parent, name)) {
        return NULL;
    }
    f = folder_blank(parent->mailbox, name, kind);
    folder_link(parent, f);
    return f;
}

static void folder_free(sim_folder_t *f)
{
    while (f->folders) {
        sim_folder_t *sub = f->folders;

        folder_unlink(sub);
        folder_free(sub);
    }
    while (f->items) {
        sim_item_delete(f->items);
    }
    sim_props_free(f->props, f->nprops);
    free(f->item_index.slots);
    free(f->folder_index.slots);
    free(f->name);
    free(f);
}

int sim_folder_delete(sim_folder_t *folder)
{
    if (folder->kind != SIM_F_OTHER) {
        return 0;
    }
    folder_unlink(folder);
    folder_free(folder);
    return 1;
}

void sim_folder_move(sim_folder_t *folder, sim_folder_t *parent, const char *name)
{
    folder_unlink(folder);
    free(folder->name);
    folder->name = sim_must(strdup(name));
    folder_link(parent, folder);
}

/* ---- mailboxes ---- */

/* The address index has its own nodes: a mailbox carries one for its name already. */
typedef struct address_node_t {
    sim_node_t node;
    sim_mailbox_t *mailbox;
} address_node_t;

sim_store_t *sim_store_create(void)
{
    sim_store_t *store = sim_must(calloc(1, sizeof(*store)));
    pthread_rwlockattr_t attr;

    /* A crowd of readers must not keep a writer waiting for ever, which is glibc's default. Nobody
     * takes the lock twice. */
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&store->lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    return store;
}

void sim_store_read(sim_store_t *store)
{
    pthread_rwlock_rdlock(&store->lock);
}

void sim_store_write(sim_store_t *store)
{
    pthread_rwlock_wrlock(&store->lock);
}

void sim_store_unlock(sim_store_t *store)
{
    pthread_rwlock_unlock(&store->lock);
}

static void mailbox_fill(sim_mailbox_t *m)
{
    int i;

    m->root = m->known[SIM_F_ROOT] = folder_blank(m, "", SIM_F_ROOT);
    for (i = 1; i < SIM_F_WELLKNOWN; i++) {
        m->known[i] = sim_folder_add(m->root, folder_names[m->language][i], (sim_folder_kind_t)i);
    }
    m->hidden = sim_folder_add(m->root, "NON_IPM_SUBTREE", SIM_F_HIDDEN);
    sim_folder_add(m->hidden, "Freebusy Data", SIM_F_HIDDEN);
}

sim_mailbox_t *sim_store_add(sim_store_t *store, const char *name, const char *password,
                             const char *address, sim_kind_t kind, sim_policy_t policy,
                             sim_language_t language, const char **error)
{
    const char *at = strchr(address, '@');
    address_node_t *an;
    sim_mailbox_t *m;

    if (!*name || strpbrk(name, "/\\?#%:@ ~") || !at || at == address || !at[1]) {
        *error = "a user needs a name of one path segment and an SMTP address";
        return NULL;
    }
    if (sim_index_find(&store->by_name, name) || sim_index_find(&store->by_address, address)) {
        *error = "name or address is used twice";
        return NULL;
    }
    m = sim_must(calloc(1, sizeof(*m)));
    m->store = store;
    m->name = sim_must(strdup(name));
    m->address = sim_must(strdup(address));
    m->password = sim_must(strdup(password));
    m->display = sim_must(strdup(name));
    m->display[0] = (char)toupper((unsigned char)m->display[0]);
    m->kind = kind;
    m->policy = policy;
    m->language = language;
    mailbox_fill(m);
    sim_index_add(&store->by_name, &m->node, name);
    an = sim_must(calloc(1, sizeof(*an)));
    an->mailbox = m;
    sim_index_add(&store->by_address, &an->node, address);
    *(store->last ? &store->last->next : &store->first) = m;
    store->last = m;
    return m;
}

sim_mailbox_t *sim_mailbox_find(const sim_store_t *store, const char *name_or_address)
{
    address_node_t *an;

    if (!strchr(name_or_address, '@')) {
        return (sim_mailbox_t *)sim_index_find(&store->by_name, name_or_address);
    }
    an = (address_node_t *)sim_index_find(&store->by_address, name_or_address);
    return an ? an->mailbox : NULL;
}

sim_mailbox_t *sim_mailbox_first(const sim_store_t *store)
{
    return store->first;
}

void sim_store_reset(sim_store_t *store)
{
    sim_mailbox_t *m;

    sim_later_clear(store);
    for (m = store->first; m; m = m->next) {
        m->known[SIM_F_CALENDAR] = NULL; /* nobody's free/busy is computed any more */
        folder_free(m->root);
        mailbox_fill(m);
        while (m->grants) {
            sim_grant_t *g = m->grants;

            m->grants = g->next;
            free(g);
        }
        free(m->busy);
        m->busy = NULL;
        m->nbusy = 0;
        m->busy_due = 0;
        m->cached = 0;
    }
    __atomic_store_n(&store->offset, 0, __ATOMIC_RELAXED);
}

static sim_item_t *by_id(sim_folder_t *f, unsigned long id)
{
    sim_item_t *item;
    sim_folder_t *sub;

    for (item = f->items; item; item = item->next) {
        if (item->id == id) {
            return item;
        }
    }
    for (sub = f->folders; sub; sub = sub->next) {
        if ((item = by_id(sub, id)) != NULL) {
            return item;
        }
    }
    return NULL;
}

sim_item_t *sim_item_by_id(const sim_mailbox_t *mailbox, unsigned long id)
{
    return by_id(mailbox->root, id);
}
