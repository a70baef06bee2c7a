/* SPDX-License-Identifier: MIT
 * The beginning of a command: what is it, and who answers it?
 */
#include "protocol/packet.h"
#include "proxy/client.h"

#define SMALL_COMMAND 4096u /* a KILL is shorter */

static struct stats *stats(const struct client *c)
{
    return &c->home->loop->stats;
}

static size_t answer_ok(struct client *c, uint8_t command, size_t used)
{
    STATS_INC(stats(c)->commands);
    STATS_INC(stats(c)->commands_local);
    client_send_ok(c, 1, session_conditions(&c->lease.session, command, c->home->facts->is_mariadb));
    return used;
}

/* A session that is on no backend needs none for these. */
static bool answered_without(const struct client *c, uint8_t command)
{
    const struct lease *lease = &c->lease;

    if (lease->state != LEASE_NONE)
        return false;
    return (command == COM_PING && !lease->resident && !lease->session.trackers.owed) || (command == COM_RESET_CONNECTION && !(lease->session.unsaved & (UNSAVED_SCHEMA | UNSAVED_FOUND_ROWS)));
}

static void note_answered(struct client *c, uint8_t command)
{
    struct session *s = &c->lease.session;

    if (command == COM_PING) {
        s->row_count = 0;
        frames_silence_begin(c->home->frames, &c->lease, monotonic_us());
        return;
    }
    frames_release(c->home->frames, &c->lease, true);
    session_reset(s, c->home->facts->status, c->home->facts->is_mariadb);
    s->begun = false;
}

static bool whole(const uint8_t *bytes, size_t length)
{
    return length >= PACKET_HEADER + (size_t)packet_length(bytes);
}

static bool may_be_kill(const uint8_t *bytes, size_t length)
{
    if (bytes[PACKET_HEADER] == COM_PROCESS_KILL)
        return true;
    return bytes[PACKET_HEADER] == COM_QUERY && client_may_be_kill(bytes + PACKET_HEADER + 1, length - PACKET_HEADER - 1);
}

static size_t run(struct client *c, uint8_t *bytes, size_t length)
{
    uint32_t packet = packet_length(bytes);
    size_t used;

    if (packet < SMALL_COMMAND && may_be_kill(bytes, length)) {
        if (!whole(bytes, length))
            return 0;
        if (client_kill(c, bytes, PACKET_HEADER + packet, &used))
            return used;
    }
    return client_run(c, bytes, length);
}

static size_t out_of_order(struct client *c, size_t length)
{
    if (client_send_text(c, 0, 1156, "08S01", "Got packets out of order"))
        client_finish(c, CLOSE_OUT_OF_ORDER);
    return length;
}

size_t client_command_input(struct client *c, uint8_t *bytes, size_t length)
{
    uint8_t command;

    if (length < PACKET_HEADER)
        return 0;
    if (packet_sequence(bytes) != 0)
        return out_of_order(c, length);
    if (packet_length(bytes) == 0) {
        STATS_INC(stats(c)->commands_local);
        client_send_text(c, 1, 1047, "08S01", "Unknown command");
        return PACKET_HEADER;
    }
    if (length < PACKET_HEADER + 1)
        return 0;
    command = bytes[PACKET_HEADER];
    if (command == COM_QUIT) {
        client_close(c, CLOSE_QUIT);
        return length;
    }
    if (command == COM_CHANGE_USER)
        return client_change_user(c, bytes, length);
    if (answered_without(c, command) && whole(bytes, length)) {
        note_answered(c, command);
        return answer_ok(c, command, PACKET_HEADER + packet_length(bytes));
    }
    return run(c, bytes, length);
}

void client_refuse_command(struct client *c, const struct backend_error *error)
{
    uint32_t packet = packet_length(buffer_bytes(&c->stream.in));

    client_code_wait_end(c);
    c->state = CLIENT_DROPPING;
    c->upload = (struct upload){PACKET_HEADER + packet, packet == PACKET_MAX};
    if (client_send_error(c, 1, error))
        client_resume(c);
    if (c->state == CLIENT_READY)
        client_settle(c);
}
