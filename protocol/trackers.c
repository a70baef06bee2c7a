/* SPDX-License-Identifier: MIT
 * Session trackers that have to wait for an OK.
 *
 * Servers: MariaDB sql/session_tracker.cc, sql/protocol.cc (net_send_ok clears SERVER_SESSION_STATE_CHANGED, net_send_eof does not); sql/sp_head.cc
 * (what a routine puts back at its end).
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

static struct wire_reader listed(const struct tracker_list *list)
{
    return wire_reader(list->bytes, list->length);
}

static void drop_list(struct tracker_list *list)
{
    free(list->bytes);
    *list = (struct tracker_list){.bytes = NULL};
}

void trackers_free(struct trackers *t)
{
    drop_list(&t->kept);
    drop_list(&t->lasting);
    free(t->packet);
    *t = (struct trackers){.packet = NULL};
}

static bool same(const struct entry *a, const struct entry *b)
{
    return a->type == b->type && (a->type != TRACKER_VARIABLE || (a->name.length == b->name.length && memcmp(a->name.data, b->name.data, a->name.length) == 0));
}

static bool find(const struct tracker_list *list, const struct entry *like, struct entry *e)
{
    struct wire_reader r = listed(list);

    while (wire_left(&r) && next_entry(&r, e))
        if (same(e, like))
            return true;
    return false;
}

static void cut(struct tracker_list *list, const struct entry *e)
{
    size_t at = (size_t)((const uint8_t *)e->whole.data - list->bytes), behind = at + e->whole.length;

    memmove(list->bytes + at, list->bytes + behind, list->length - behind);
    list->length -= e->whole.length;
    if (list->length == 0)
        drop_list(list);
}

/* What is told of the same thing takes its place. Without memory it is not told, which a client must expect of any server. */
static void replace(struct tracker_list *list, const struct entry *by)
{
    struct entry e;
    uint8_t *bytes;

    if (find(list, by, &e))
        cut(list, &e);
    bytes = by->whole.length <= TRACKERS_MAX - list->length ? realloc(list->bytes, list->length + by->whole.length) : NULL;
    if (!bytes)
        return;
    memcpy(bytes + list->length, by->whole.data, by->whole.length);
    list->bytes = bytes;
    list->length += by->whole.length;
}

void trackers_forget_variables(struct trackers *t)
{
    struct wire_reader r = listed(&t->kept);
    struct entry e;

    while (wire_left(&r) && next_entry(&r, &e)) {
        if (e.type == TRACKER_VARIABLE) {
            cut(&t->kept, &e);
            r = listed(&t->kept);
        }
    }
    drop_list(&t->lasting);
    t->charset = NULL;
    t->chosen = true;
}

void trackers_login(struct trackers *t, const char *charset)
{
    if (!t->chosen)
        t->charset = charset;
}

/* --- what a routine puts back when it ends, and no tracker tells --- */

static const char *const restored[] = {"character_set_client", "character_set_connection", "sql_mode", NULL};

static bool is_restored(const struct entry *e)
{
    for (size_t i = 0; e->type == TRACKER_VARIABLE && restored[i]; i++)
        if (wire_text_is(e->name, restored[i]))
            return true;
    return false;
}

/* The value that the login gave it, as an entry in `room`. */
static bool by_login(const struct trackers *t, const struct entry *of, uint8_t *room, size_t size, struct entry *e)
{
    struct wire_writer w = wire_writer(room, size);
    size_t length = t->charset ? strlen(t->charset) : 0;
    struct wire_reader r;

    if (!length || wire_text_is(of->name, "sql_mode"))
        return false;
    wire_put_u8(&w, TRACKER_VARIABLE);
    wire_put_lenenc(&w, of->name.length + length + 2); /* of each less than 251 */
    wire_put_lenenc_text(&w, of->name.data, of->name.length);
    wire_put_lenenc_text(&w, t->charset, length);
    r = wire_reader(room, wire_written(&w));
    return next_entry(&r, e);
}

static void learn(struct trackers *t, struct wire_text state)
{
    struct wire_reader r = entries_of(state);
    struct entry e;

    while (wire_left(&r) && next_entry(&r, &e))
        if (is_restored(&e))
            replace(&t->lasting, &e);
}

/* Told inside a routine: at its end it is what it was before. */
static void keep_restored(struct trackers *t, const struct entry *e, enum tracker_place place)
{
    uint8_t room[64];
    struct entry was;

    if (find(&t->lasting, e, &was) || by_login(t, e, room, sizeof room, &was))
        replace(&t->kept, &was);
    else if (place != TRACKER_IN_ROUTINE)
        replace(&t->kept, e);
}

/* --- */

void trackers_keep(struct trackers *t, struct wire_text state, enum tracker_place place)
{
    struct wire_reader r = entries_of(state);
    struct entry e;

    t->owed = true;
    while (wire_left(&r) && next_entry(&r, &e)) {
        if (place != TRACKER_AT_END && is_restored(&e))
            keep_restored(t, &e, place);
        else
            replace(&t->kept, &e);
    }
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

    learn(t, state);
    while (wire_left(&r) && next_entry(&r, &e))
        if (e.type == TRACKER_TRANSACTION)
            t->state_told = !is_empty(e.body);
}

/* The end of a transaction of which nothing was told is not told either. */
static void drop_untold(struct trackers *t)
{
    struct wire_reader r = listed(&t->kept);
    struct entry e;

    while (wire_left(&r) && next_entry(&r, &e)) {
        if (e.type == TRACKER_TRANSACTION && is_empty(e.body) && !t->state_told) {
            cut(&t->kept, &e);
            break;
        }
    }
}

bool trackers_tell(struct trackers *t, const struct ok_packet *ok, uint8_t sequence, bool set, size_t *length)
{
    struct ok_packet told = *ok;
    struct wire_writer out;
    size_t room;

    if (ok->state.length <= TRACKERS_MAX - t->kept.length)
        trackers_keep(t, ok->state, TRACKER_AT_END);
    else
        drop_list(&t->kept);
    t->owed = false;
    if (t->kept.bytes) {
        if (!set)
            drop_untold(t);
        told.state = (struct wire_text){(const char *)t->kept.bytes, t->kept.length};
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
    drop_list(&t->kept);
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
    struct wire_reader r = listed(&t->kept);
    struct entry e;

    if (t->transactions && (t->characteristics || t->in_transaction))
        return true;
    while (wire_left(&r) && next_entry(&r, &e))
        if (e.type == TRACKER_CHARACTERISTICS || e.type == TRACKER_TRANSACTION)
            return true;
    return false;
}
