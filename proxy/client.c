/* SPDX-License-Identifier: MIT
 * A client's life: accept, bytes in, deadlines, end.
 */
#include "proxy/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/budget.h"
#include "proxy/invariant.h"

#define COUNTER_MASK ((1u << CLIENT_ID_WORKER_SHIFT) - 1)

static struct stats *stats(const struct client *c)
{
    return &c->home->loop->stats;
}

/* --- ids --- */

static struct client_bucket *bucket_of(struct clients *clients, uint32_t id)
{
    return &clients->buckets[id % CLIENT_BUCKETS];
}

struct client *clients_find(struct clients *clients, uint32_t id)
{
    struct client *each;

    LIST_FOREACH(each, bucket_of(clients, id), same_bucket)
        if (each->id == id)
            return each;
    return NULL;
}

/* The worker is in the id, so that a KILL finds it; an id comes again only after 33 million others. */
static uint32_t new_id(struct clients *clients)
{
    uint32_t id;

    do
        id = CLIENT_ID_FIRST | clients->loop->id << CLIENT_ID_WORKER_SHIFT | (clients->next_id++ & COUNTER_MASK);
    while (clients_find(clients, id));
    return id;
}

/* --- the end --- */

static void note_close(struct client *c, enum close_reason reason)
{
    char before[32];

    STATS_INC(stats(c)->client_closed[reason]);
    if (loop_tells_close(c->home->loop, reason, before)) {
        char host[INET6_ADDRSTRLEN];

        client_peer(c, host, sizeof host);
        log_line(close_reason_level(reason), "client %u %s@%s: closed: %s%s", c->id,
                 c->state > CLIENT_PROVING ? accounts_name(c->home->accounts, c->lease.session.image.account) : "-", host, close_reason_name(reason), before);
    }
}

/* The session's backend, or its place in the queue, is of no more use to it. */
static void give_back(struct client *c)
{
    frames_release(c->home->frames, &c->lease, client_at_border(c));
    session_free(&c->lease.session);
    client_count_pins(c);
}

static void forget(struct client *c)
{
    struct clients *clients = c->home;

    c->state = CLIENT_CLOSED;
    deadline_clear(&c->deadline);
    stream_close(&c->stream);
    client_login_free(c);
    client_syntax_end(c);
    client_code_wait_end(c);
    TAILQ_REMOVE(&clients->list, c, link);
    LIST_REMOVE(c, same_bucket);
    loop_bury(clients->loop, &c->grave, c);
}

/* Whoever sees that it has gone sees what has become of its backend, too. */
static void uncount(struct clients *clients)
{
    STATS_ADD(clients->loop->stats.clients, -1);
    atomic_fetch_sub_explicit(&clients->count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(clients->total, 1, memory_order_relaxed);
}

void client_close(struct client *c, enum close_reason reason)
{
    if (c->state == CLIENT_CLOSED)
        return;
    if (c->state != CLIENT_CLOSING)
        note_close(c, reason);
    forget(c);
    give_back(c);
    uncount(c->home);
}

void client_finish(struct client *c, enum close_reason reason)
{
    if (c->state == CLIENT_CLOSED || c->state == CLIENT_CLOSING)
        return;
    note_close(c, reason);
    c->state = CLIENT_CLOSING;
    buffer_free(&c->stream.in);
    client_syntax_end(c);
    client_code_wait_end(c);
    client_login_free(c);
    deadline_set(&c->home->lingering, &c->deadline);
    if (!stream_stuck(&c->stream))
        shutdown(c->stream.fd, SHUT_WR);
    stream_resume(&c->stream);
    give_back(c);
}

/* --- bytes --- */

/* Who does not read its answers may not ask more, nor who has sent more than the server takes. */
static bool may_ask(const struct client *c)
{
    return !stream_stuck(&c->stream) && !(c->lease.state == LEASE_HELD && stream_stuck(&c->lease.backend->stream));
}

/* More is read as long as there is a use for it. */
static void set_reading(struct client *c)
{
    bool uploading = c->state == CLIENT_RUNNING && (c->upload.left || c->upload.continued || c->file);
    bool waits_for_us = !may_ask(c) || c->state == CLIENT_GREETING || c->state == CLIENT_PROVING || c->state == CLIENT_LEASING ||
                        c->state == CLIENT_RUNNING || c->state == CLIENT_KILLING;
    bool full = waits_for_us && buffer_length(&c->stream.in) >= BUDGET_KEPT;
    bool held_up = uploading && c->lease.state == LEASE_HELD && stream_stuck(&c->lease.backend->stream);

    if (c->eof || full || held_up)
        stream_pause(&c->stream);
    else
        stream_resume(&c->stream);
}

size_t client_use(struct client *c, uint8_t *bytes, size_t length)
{
    size_t at = 0;

    while (at < length) {
        size_t used = 0;

        switch (c->state) {
        case CLIENT_HANDSHAKE:
        case CLIENT_AUTH:
        case CLIENT_CHANGING:
            used = client_login_input(c, bytes + at, length - at);
            break;
        case CLIENT_READY:
            if (may_ask(c))
                used = client_command_input(c, bytes + at, length - at);
            break;
        case CLIENT_RUNNING:
        case CLIENT_DROPPING:
            used = client_upload(c, bytes + at, length - at);
            break;
        case CLIENT_CLOSING:
            return length; /* nobody reads it any more */
        default:
            break;
        }
        if (used == 0)
            break;
        at += used;
    }
    return at;
}

static void keep_rest(struct client *c, const uint8_t *bytes, size_t length)
{
    if (c->state == CLIENT_CLOSED)
        return;
    if (c->state == CLIENT_CLOSING) /* what it still says is not for us */
        return;
    if (!stream_keep(&c->stream, bytes, length))
        client_close(c, CLOSE_NO_MEMORY);
    else
        set_reading(c);
}

/* The client's direction has ended. What it sent before is still served, as a server would; only for so long. */
static void on_eof(struct client *c)
{
    c->eof = true;
    stream_pause(&c->stream);
    switch (c->state) {
    case CLIENT_CLOSING: /* what is stuck is still written; lingering ends it */
        if (!stream_stuck(&c->stream))
            client_close(c, CLOSE_EOF);
        break;
    case CLIENT_READY:
        if (may_ask(c))
            client_close(c, c->spoke ? CLOSE_EOF : CLOSE_PROBE);
        else
            deadline_set(&c->home->abandoned, &c->deadline);
        break;
    case CLIENT_RUNNING:
    case CLIENT_LEASING:
    case CLIENT_KILLING:
    case CLIENT_PROVING:
        if (c->upload.left || c->upload.continued || c->file)
            client_close(c, CLOSE_EOF); /* the rest of the command will never come */
        else
            deadline_set(&c->home->abandoned, &c->deadline);
        break;
    default:
        client_close(c, c->spoke ? CLOSE_EOF : CLOSE_PROBE);
    }
}

static void on_readable(struct stream *s)
{
    struct client *c = container_of(s, struct client, stream);
    enum stream_status status;
    uint8_t *bytes;
    size_t length, used;

    c->at_rest = false;
    status = stream_read(s, &bytes, &length);
    if (status == STREAM_AGAIN && length == 0)
        return;
    if (status == STREAM_ERROR) {
        client_close(c, c->spoke ? CLOSE_RESET : CLOSE_PROBE);
        return;
    }
    if (status == STREAM_OK) {
        c->spoke = true;
        STATS_ADD(stats(c)->client_bytes_in, length);
    }
    used = client_use(c, bytes, length);
    keep_rest(c, bytes + used, length - used);
    if (status == STREAM_EOF && c->state != CLIENT_CLOSED)
        on_eof(c);
}

static void on_drained(struct stream *s)
{
    struct client *c = container_of(s, struct client, stream);

    if (c->state == CLIENT_CLOSING && c->eof)
        client_close(c, CLOSE_EOF);
    else if (c->state == CLIENT_CLOSING)
        shutdown(s->fd, SHUT_WR);
    else if (c->lease.state == LEASE_HELD)
        stream_resume(&c->lease.backend->stream);
    if (c->state == CLIENT_READY)
        client_resume(c);
}

void client_resume(struct client *c)
{
    struct buffer *kept = &c->stream.in;

    if (buffer_length(kept)) {
        size_t used = client_use(c, buffer_bytes(kept), buffer_length(kept));

        if (c->state == CLIENT_CLOSED || c->state == CLIENT_CLOSING)
            return;
        buffer_drop(kept, used);
    }
    if (c->eof && c->state == CLIENT_READY && may_ask(c))
        client_close(c, CLOSE_EOF);
    else if (c->state != CLIENT_CLOSED)
        set_reading(c);
}

bool client_is_idle_in_transaction(const struct client *c)
{
    const pin_set open = PIN_BIT(PIN_TRANSACTION) | PIN_BIT(PIN_UNKNOWN_TRANSACTION) | PIN_BIT(PIN_XA);

    return c->state == CLIENT_READY && c->lease.state == LEASE_HELD && c->lease.session.pins & open;
}

void client_settle(struct client *c)
{
    if (c->lease.state == LEASE_HELD)
        backend_ahead_flush(c->lease.backend); /* who can't go on now (its client does not read) */
    if (c->lease.state == LEASE_HELD && c->lease.session.pins == 0)
        frames_yield(c->home->frames, &c->lease);
    client_count_pins(c);
    frames_silence_begin(c->home->frames, &c->lease, loop_now(c->home->loop));
    if (c->home->conf->idle_in_transaction_timeout_us && client_is_idle_in_transaction(c) && !c->deadline.queue)
        deadline_set(&c->home->transactions, &c->deadline);
}

void client_ready(struct client *c)
{
    deadline_clear(&c->deadline);
    c->state = CLIENT_READY;
    client_resume(c);
    if (c->state == CLIENT_CLOSED || c->state == CLIENT_CLOSING)
        return;
    if (c->eof)
        deadline_set(&c->home->abandoned, &c->deadline); /* one more of the commands that it sent before it ended */
    if (c->state == CLIENT_READY)
        client_settle(c);
}

static const struct stream_events events = {on_readable, on_drained, NULL};

/* --- sending --- */

bool client_send(struct client *c, const struct wire_writer *w)
{
    INVARIANT(!w->full);
    STATS_ADD(stats(c)->client_bytes_out, wire_written(w));
    if (stream_write_bytes(&c->stream, w->begin, wire_written(w)))
        return true;
    client_close(c, CLOSE_RESET);
    return false;
}

bool client_send_ok(struct client *c, uint8_t sequence, uint16_t warnings)
{
    uint8_t out[64];
    struct wire_writer w = wire_writer(out, sizeof out);
    struct ok_packet ok = {.status = c->lease.session.status, .warnings = warnings};

    ok_write(&w, &ok, (c->capabilities & CAP_SESSION_TRACK) != 0, sequence);
    return client_send(c, &w);
}

bool client_send_error(struct client *c, uint8_t sequence, const struct backend_error *error)
{
    uint8_t out[600];
    struct wire_writer w = wire_writer(out, sizeof out);

    stats_count_error(stats(c), error->number);
    err_write(&w, error->number, error->sqlstate, error->text, strlen(error->text), sequence);
    return client_send(c, &w);
}

bool client_send_text(struct client *c, uint8_t sequence, uint16_t number, const char *sqlstate, const char *format, ...)
{
    struct backend_error error = {.number = number};
    va_list arguments;

    if (sqlstate)
        snprintf(error.sqlstate, sizeof error.sqlstate, "%s", sqlstate);
    va_start(arguments, format);
    vsnprintf(error.text, sizeof error.text, format, arguments);
    va_end(arguments);
    return client_send_error(c, sequence, &error);
}

/* Servers look the peer's name up unless told not to; the loopback's is the one that a node-local client has. */
void client_peer(const struct client *c, char *host, size_t size)
{
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&peer;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&peer;
    bool named = !c->home->facts->skip_name_resolve;

    snprintf(host, size, "localhost");
    if (c->stream.fd < 0 || getpeername(c->stream.fd, (struct sockaddr *)&peer, &length))
        return;
    if (peer.ss_family == AF_INET && !(named && ntohl(v4->sin_addr.s_addr) >> 24 == 127))
        inet_ntop(AF_INET, &v4->sin_addr, host, (socklen_t)size);
    else if (peer.ss_family == AF_INET6 && !(named && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)))
        inet_ntop(AF_INET6, &v6->sin6_addr, host, (socklen_t)size);
}

void client_open(struct clients *clients, int fd)
{
    struct client *c = zalloc(sizeof *c);

    c->home = clients;
    c->lease.ops = &client_lease_ops;
    c->lease.frames = clients->frames;
    c->id = c->lease.id = new_id(clients);
    c->began_us = loop_now(clients->loop);
    TAILQ_INSERT_TAIL(&clients->list, c, link);
    LIST_INSERT_HEAD(bucket_of(clients, c->id), c, same_bucket);
    STATS_ADD(clients->loop->stats.clients, 1);
    atomic_fetch_add_explicit(&clients->count, 1, memory_order_relaxed);
    stream_open(&c->stream, clients->loop, fd, &events);
    deadline_set(&clients->logins, &c->deadline);
    if (clients->facts->greeted)
        client_greet(c);
}
