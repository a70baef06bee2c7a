/* SPDX-License-Identifier: MIT
 * KILL of a virtual id, as a statement or as COM_PROCESS_KILL, so that a driver's cancel works.
 *
 *   asker's worker --message--> target's worker --kill_request--> control thread
 *                 <--message--                 <-----answer-----
 *
 * The control connection says the KILL, so a cancel never waits behind what it is to end. An account may kill its own sessions, as on
 * the servers; another account's is killed with the asker's privileges, which the server judges. When that session is on no backend, it judges
 * by a KILL QUERY of one at rest, which hits nothing, and the rest is done here. A session kills itself over its own backend, with the server's id in
 * place of the virtual one.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/packet.h"
#include "proxy/client.h"
#include "proxy/invariant.h"

#define TEXT_MAX 4096u

/* What the target's worker found. */
enum finding {
    FOUND_NOBODY,
    FOUND_OTHERS, /* another account's, and the asker may not */
    FOUND_KILLED,
    FOUND_FAILED, /* error */
};

struct client_kill {
    struct kill_request request; /* its message carries the question there, the control thread's answer, and the finding back */
    struct message travel;
    struct clients *asker_home;
    struct clients *target_home;
    uint32_t asker;
    uint32_t target;
    uint16_t account;
    uint16_t owner; /* the target's */
    struct backend *backend;
    bool connection;
    bool primed; /* the target's command waits for that */
    bool judged; /* the backend only tells whether the asker may */
    enum finding finding;
};

/* --- the text --- */

struct kill_text {
    bool connection;
    uint64_t id;
    size_t digits_at;
    size_t digits;
};

static size_t skip_blanks(const uint8_t *text, size_t length, size_t at)
{
    while (at < length) {
        if (isspace(text[at])) {
            at++;
        } else if (length - at >= 2 && text[at] == '/' && text[at + 1] == '*') {
            const uint8_t *end = memmem(text + at + 2, length - at - 2, "*/", 2);

            if (!end)
                return length;
            at = (size_t)(end - text) + 2;
        } else if (text[at] == '#' || (length - at >= 3 && text[at] == '-' && text[at + 1] == '-' && isspace(text[at + 2]))) {
            const uint8_t *end = memchr(text + at, '\n', length - at);

            if (!end)
                return length;
            at = (size_t)(end - text) + 1;
        } else {
            break;
        }
    }
    return at;
}

static bool take_word(const uint8_t *text, size_t length, size_t *at, const char *word)
{
    size_t size = strlen(word);

    if (length - *at < size || strncasecmp((const char *)text + *at, word, size) != 0)
        return false;
    if (length - *at > size && (isalnum(text[*at + size]) || text[*at + size] == '_'))
        return false;
    *at = skip_blanks(text, length, *at + size);
    return true;
}

bool client_may_be_kill(const uint8_t *text, size_t length)
{
    size_t at = skip_blanks(text, length, 0), left = length - at;

    return left == 0 || strncasecmp((const char *)text + at, "KILL", left < 4 ? left : 4) == 0;
}

/* KILL [HARD | SOFT] [CONNECTION | QUERY] number. Every other form names no virtual id that we could know. */
static bool parse_text(const uint8_t *text, size_t length, struct kill_text *out)
{
    size_t at = skip_blanks(text, length, 0);

    *out = (struct kill_text){.connection = true};
    if (!take_word(text, length, &at, "KILL"))
        return false;
    (void)(take_word(text, length, &at, "HARD") || take_word(text, length, &at, "SOFT"));
    if (take_word(text, length, &at, "QUERY"))
        out->connection = false;
    else
        (void)take_word(text, length, &at, "CONNECTION");
    out->digits_at = at;
    while (at < length && isdigit(text[at]) && out->digits < 18) {
        out->id = out->id * 10 + (uint64_t)(text[at++] - '0');
        out->digits++;
    }
    at = skip_blanks(text, length, at);
    if (at < length && text[at] == ';')
        at = skip_blanks(text, length, at + 1);
    return out->digits > 0 && at == length;
}

static bool parse(const uint8_t *payload, size_t length, struct kill_text *out)
{
    if (payload[0] == COM_QUERY)
        return parse_text(payload + 1, length - 1, out);
    if (length < 5)
        return false;
    *out = (struct kill_text){true, (uint64_t)payload[1] | (uint64_t)payload[2] << 8 | (uint64_t)payload[3] << 16 | (uint64_t)payload[4] << 24, 0, 0};
    return true;
}

/* --- with the server's id, over the session's own backend --- */

static size_t rewrite(uint8_t *out, size_t capacity, const uint8_t *payload, size_t length, const struct kill_text *kill, uint32_t id)
{
    struct wire_writer w = wire_writer(out, capacity);
    uint8_t *header = packet_begin(&w);
    char number[12];

    wire_put_u8(&w, payload[0]);
    if (payload[0] == COM_QUERY) {
        const uint8_t *text = payload + 1;
        size_t behind = kill->digits_at + kill->digits;

        wire_put_bytes(&w, text, kill->digits_at);
        wire_put_bytes(&w, number, (size_t)snprintf(number, sizeof number, "%u", id));
        wire_put_bytes(&w, text + behind, length - 1 - behind);
    } else {
        wire_put_u32(&w, id);
    }
    packet_end(&w, header, 0);
    return wire_written(&w);
}

/* False: no backend yet; the command is looked at again when there is one. */
static bool kill_itself(struct client *c, const uint8_t *payload, size_t length, const struct kill_text *kill)
{
    uint8_t out[TEXT_MAX + 32];
    size_t size;

    if (c->lease.state == LEASE_NONE && !frames_lease(c->home->frames, &c->lease)) {
        c->state = CLIENT_LEASING;
        return false;
    }
    size = rewrite(out, sizeof out, payload, length, kill, c->lease.backend->thread_id);
    return client_run(c, out, size) > 0;
}

/* --- the answer, on the asker's worker --- */

static void drop_command(struct client *c)
{
    buffer_drop(&c->stream.in, PACKET_HEADER + (size_t)packet_length(buffer_bytes(&c->stream.in)));
}

static void tell(struct client *c, const struct client_kill *kill)
{
    bool alive;

    drop_command(c);
    switch (kill->finding) {
    case FOUND_KILLED:
        alive = client_send_ok(c, 1, 0);
        break;
    case FOUND_FAILED:
        alive = client_send_error(c, 1, &kill->request.error);
        break;
    case FOUND_OTHERS:
        alive = client_send_text(c, 1, 1095, "HY000", "You are not owner of thread %u", kill->target);
        break;
    default:
        alive = client_send_text(c, 1, 1094, "HY000", "Unknown thread id: %u", kill->target);
    }
    if (alive)
        client_ready(c);
}

static void on_finding(struct loop *loop, struct message *message)
{
    struct client_kill *kill = container_of(message, struct client_kill, travel);
    struct client *c = clients_find(kill->asker_home, kill->asker);

    (void)loop;
    if (c && c->state == CLIENT_KILLING)
        tell(c, kill);
    free(kill);
}

static void report(struct client_kill *kill, enum finding finding)
{
    kill->finding = finding;
    kill->travel.run = on_finding;
    loop_send(kill->asker_home->loop, &kill->travel);
}

/* --- the target's worker --- */

/* It waits for a backend, or for what is stored at the server to be known: the wait is what there is to interrupt. */
static void interrupt_wait(struct client *target)
{
    struct backend_error error = {.number = 1317, .sqlstate = "70100", .text = "Query execution was interrupted"};

    if (target->lease.state != LEASE_HELD)
        frames_cancel(target->home->frames, &target->lease);
    client_refuse_command(target, &error);
}

/* It was on no backend, or at rest on one; if it is being given its residue meanwhile, then it waits on its own, and would lose it. */
static void end_here(struct client *target, bool connection)
{
    if (connection)
        client_close(target, CLOSE_KILLED);
    else if (target->state == CLIENT_LEASING && !lease_is_primed(&target->lease))
        interrupt_wait(target);
}

static bool can_be_killed(const struct client *target)
{
    return target && target->state >= CLIENT_PROVING && target->state < CLIENT_CLOSING;
}

static void end_judged(const struct client_kill *kill)
{
    struct client *target = clients_find(kill->target_home, kill->target);

    if (can_be_killed(target) && target->lease.session.image.account == kill->owner)
        end_here(target, kill->connection);
}

/* What was asked of the server was only who may: that its thread has gone answers nothing. */
static enum finding finding_of(const struct client_kill *kill)
{
    if (kill->request.done)
        return FOUND_KILLED;
    if (kill->request.error.number == 1095 || (kill->judged && kill->request.error.number == 1094))
        return FOUND_OTHERS;
    return kill->request.error.number == 1094 ? FOUND_NOBODY : FOUND_FAILED;
}

static void on_server_answer(struct loop *loop, struct message *message)
{
    struct client_kill *kill = container_of(message, struct client_kill, request.answer);

    STATS_INC(loop->stats.kills_sent);
    if (!kill->request.done)
        STATS_INC(loop->stats.kills_failed);
    if (kill->primed && kill->request.done)
        kill->backend->prime.killed = true; /* it goes on only behind this answer */
    backend_kill_answered(kill->backend);
    if (kill->request.error.number == 0 && !kill->request.done) { /* the server could not be asked */
        kill->request.error.number = 1105;
        memcpy(kill->request.error.sqlstate, "HY000", 6);
    }
    if (kill->request.done && kill->judged)
        end_judged(kill);
    report(kill, finding_of(kill));
}

static void kill_on_server(struct client_kill *kill, struct backend *b)
{
    kill->backend = b;
    kill->request.answer.run = on_server_answer;
    kill->request.loop = kill->target_home->loop;
    kill->request.thread_id = b->thread_id;
    kill->request.account = kill->account;
    kill->request.connection = kill->connection && !kill->judged;
    kill->request.as_account = kill->account != b->image.account;
    backend_kill(b, &kill->request);
}

/* What the server is to end: what runs there, or what is pinned there. */
static bool has_work_on_server(const struct client *target)
{
    return (target->lease.state == LEASE_HELD && target->code_wait.state != CODE_WAIT_LISTED) || lease_is_primed(&target->lease);
}

static void on_arrival(struct loop *loop, struct message *message)
{
    struct client_kill *kill = container_of(message, struct client_kill, travel);
    struct client *target = clients_find(kill->target_home, kill->target);
    struct backend *judge;

    (void)loop;
    if (!can_be_killed(target)) {
        report(kill, FOUND_NOBODY);
    } else if (has_work_on_server(target)) {
        kill->primed = lease_is_primed(&target->lease) && !kill->connection;
        kill_on_server(kill, target->lease.backend);
    } else if (target->lease.session.image.account == kill->account) {
        end_here(target, kill->connection);
        report(kill, FOUND_KILLED);
    } else if ((judge = frames_judge(target->home->frames, &target->lease))) {
        kill->judged = true;
        kill->owner = target->lease.session.image.account;
        kill_on_server(kill, judge);
    } else {
        report(kill, FOUND_OTHERS); /* no server can judge */
    }
}

/* --- the beginning --- */

bool client_kill(struct client *c, uint8_t *bytes, size_t length, size_t *used)
{
    const uint8_t *payload = bytes + PACKET_HEADER;
    struct kill_text text;
    struct client_kill *kill;
    unsigned worker;

    *used = 0;
    if (!parse(payload, length - PACKET_HEADER, &text) || text.id < CLIENT_ID_FIRST || text.id > CLIENT_ID_LAST)
        return false;
    worker = (uint32_t)text.id >> CLIENT_ID_WORKER_SHIFT & CLIENT_ID_WORKER_MASK;
    if (text.id == c->id) {
        if (kill_itself(c, payload, length - PACKET_HEADER, &text))
            *used = length;
        return true;
    }
    STATS_INC(c->home->loop->stats.kills_virtual);
    STATS_INC(c->home->loop->stats.commands);
    kill = zalloc(sizeof *kill);
    kill->asker_home = c->home;
    kill->asker = c->id;
    kill->target = (uint32_t)text.id;
    kill->account = c->lease.session.image.account;
    kill->connection = text.connection;
    kill->travel.run = on_arrival;
    c->state = CLIENT_KILLING; /* the command stays with the kept bytes until the answer is here */
    if (worker >= c->home->worker_count) {
        kill->finding = FOUND_NOBODY;
        kill->travel.run = on_finding;
        loop_defer(c->home->loop, &kill->travel);
        return true;
    }
    kill->target_home = c->home->all[worker];
    loop_send(kill->target_home->loop, &kill->travel);
    return true;
}
