/* SPDX-License-Identifier: MIT
 * Session trackers that have to wait for an OK.
 *
 * Servers: MariaDB sql/session_tracker.cc, sql/protocol.cc (net_send_ok clears SERVER_SESSION_STATE_CHANGED, net_send_eof does not).
 */
#include "protocol/trackers.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"

#define OK_ROOM 64u /* an OK but for its message and session state */

struct entry {
    uint8_t type;
    struct wire_text whole; /* with type and length */
    struct wire_text body;
    struct wire_text name;  /* TRACKER_VARIABLE */
};

static bool next_entry(struct wire_reader *r, struct entry *e)
{
    const uint8_t *begin = r->at;
    struct wire_reader in;

    *e = (struct entry){.type = wire_u8(r)};
    e->body = wire_lenenc_text(r);
    e->whole = (struct wire_text){(const char *)begin, (size_t)(r->at - begin)};
    if (e->type == TRACKER_VARIABLE) {
        in = wire_reader((const uint8_t *)e->body.data, e->body.length);
        e->name = wire_lenenc_text(&in);
    }
    return !r->bad;
}

static struct wire_reader entries_of(struct wire_text state)
{
    return wire_reader((const uint8_t *)state.data, state.length);
}

static struct wire_text kept_text(const struct trackers *t)
{
    return (struct wire_text){(const char *)t->entries, t->length};
}

static void drop_entries(struct trackers *t)
{
    free(t->entries);
    t->entries = NULL;
    t->length = 0;
}

void trackers_free(struct trackers *t)
{
    drop_entries(t);
    free(t->packet);
    *t = (struct trackers){.entries = NULL};
}

static bool same(const struct entry *a, const struct entry *b)
{
    return a->type == b->type && (a->type != TRACKER_VARIABLE || (a->name.length == b->name.length && memcmp(a->name.data, b->name.data, a->name.length) == 0));
}

static void cut(struct trackers *t, const struct entry *e)
{
    size_t at = (size_t)((const uint8_t *)e->whole.data - t->entries), behind = at + e->whole.length;

    memmove(t->entries + at, t->entries + behind, t->length - behind);
    t->length -= e->whole.length;
}

/* What is told of the same thing takes its place. */
static void replace(struct trackers *t, const struct entry *by)
{
    struct wire_reader r = entries_of(kept_text(t));
    struct entry e;

    while (wire_left(&r) && next_entry(&r, &e)) {
        if (same(&e, by)) {
            cut(t, &e);
            break;
        }
    }
    if (by->whole.length > TRACKERS_MAX - t->length)
        return;
    memcpy(t->entries + t->length, by->whole.data, by->whole.length);
    t->length += by->whole.length;
}

void trackers_forget_variables(struct trackers *t)
{
    struct wire_reader r = entries_of(kept_text(t));
    struct entry e;

    while (wire_left(&r) && next_entry(&r, &e)) {
        if (e.type == TRACKER_VARIABLE) {
            cut(t, &e);
            r = entries_of(kept_text(t));
        }
    }
    if (t->length == 0)
        drop_entries(t);
}

void trackers_keep(struct trackers *t, struct wire_text state)
{
    struct wire_reader r = entries_of(state);
    struct entry e;

    t->owed = true;
    if (state.length == 0)
        return;
    if (!t->entries && !(t->entries = malloc(TRACKERS_MAX)))
        return; /* they are not told, which a client must expect of any server */
    while (wire_left(&r) && next_entry(&r, &e))
        replace(t, &e);
}

/* Is it of a session in which nothing is under way? */
static bool is_empty(struct wire_text body)
{
    struct wire_reader r = entries_of(body);
    struct wire_text state = wire_lenenc_text(&r);

    for (size_t i = 0; i < state.length; i++)
        if (state.data[i] != '_')
            return false;
    return true;
}

void trackers_told(struct trackers *t, struct wire_text state)
{
    struct wire_reader r = entries_of(state);
    struct entry e;

    while (wire_left(&r) && next_entry(&r, &e))
        if (e.type == TRACKER_TRANSACTION)
            t->state_told = !is_empty(e.body);
}

/* The end of a transaction of which nothing was told is not told either. */
static void drop_untold(struct trackers *t)
{
    struct wire_reader r = entries_of(kept_text(t));
    struct entry e;

    while (wire_left(&r) && next_entry(&r, &e)) {
        if (e.type == TRACKER_TRANSACTION && is_empty(e.body) && !t->state_told) {
            cut(t, &e);
            break;
        }
    }
}

bool trackers_tell(struct trackers *t, const struct ok_packet *ok, uint8_t sequence, size_t *length)
{
    struct ok_packet told = *ok;
    struct wire_writer out;
    size_t room;

    if (ok->state.length <= TRACKERS_MAX - t->length)
        trackers_keep(t, ok->state);
    else
        drop_entries(t);
    t->owed = false;
    if (t->entries) {
        drop_untold(t);
        told.state = kept_text(t);
    }
    trackers_told(t, told.state);
    told.status |= STATUS_STATE_CHANGED;
    room = OK_ROOM + told.info.length + told.state.length;
    free(t->packet);
    t->packet = malloc(room);
    if (t->packet) {
        out = wire_writer(t->packet, room);
        ok_write(&out, &told, true, sequence);
        *length = wire_written(&out);
    }
    drop_entries(t);
    return t->packet != NULL;
}

void trackers_follow(struct trackers *t, const struct ok_packet *ok, bool set)
{
    bool told = ok->status & STATUS_STATE_CHANGED, any = false;
    struct wire_reader r = entries_of(ok->state);
    struct entry e;

    while (wire_left(&r) && next_entry(&r, &e)) {
        if (e.type != TRACKER_CHARACTERISTICS && e.type != TRACKER_TRANSACTION)
            continue;
        any = true;
        t->characteristics |= e.type == TRACKER_CHARACTERISTICS;
        if (e.type == TRACKER_TRANSACTION) {
            t->in_transaction = !is_empty(e.body);
            t->characteristics |= memchr(e.body.data, 'T', e.body.length) != NULL; /* begun by BEGIN: its end changes them */
        }
    }
    if (any)
        t->transactions = true;
    else if (set)
        t->transactions &= told && ok->state.length == 0; /* on as before, or off */
    else if (t->transactions && told && ok->state.length == 0)
        t->characteristics = true; /* only the state is to be told, and these have changed */
}

bool trackers_of_transactions(const struct trackers *t)
{
    struct wire_reader r = entries_of(kept_text(t));
    struct entry e;

    if (t->transactions && (t->characteristics || t->in_transaction))
        return true;
    while (wire_left(&r) && next_entry(&r, &e))
        if (e.type == TRACKER_CHARACTERISTICS || e.type == TRACKER_TRANSACTION)
            return true;
    return false;
}
