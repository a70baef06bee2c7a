/* SPDX-License-Identifier: MIT
 * Streams, on socket pairs: reading with what was kept, writing more than the kernel takes, back-pressure, and every kind of end.
 */
#include "proxy/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/split.h"

Suite *stream_suite(void);

#define LARGE (3u << 20)

static struct loop loop;
static struct stream s;
static int peer;
static unsigned readable, drained;
static int connected;
static bool close_inside;

static void on_readable(struct stream *stream)
{
    readable++;
    if (close_inside)
        stream_close(stream);
}

static void on_drained(struct stream *stream)
{
    ck_assert(!stream_stuck(stream));
    drained++;
}

static void on_connected(struct stream *stream, int error)
{
    ck_assert(!stream->connecting);
    connected = error;
}

static const struct stream_events events = {on_readable, on_drained, on_connected};

static void turn(void)
{
    ev_run(loop.ev, EVRUN_NOWAIT);
}

static void set_up(void)
{
    int pair[2];
    signal(SIGPIPE, SIG_IGN);
    loop_open(&loop, 0, NULL);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    peer = pair[1];
    stream_open(&s, &loop, pair[0], &events);
}

static void tear_down(void)
{
    stream_close(&s);
    stream_close(&s); /* twice does no harm */
    close(peer);
    loop_close(&loop);
}

static void say(const char *text)
{
    ck_assert_int_eq(write(peer, text, strlen(text)), (ssize_t)strlen(text));
}

static void assert_read(enum stream_status status, const char *text)
{
    uint8_t *bytes;
    size_t length;
    ck_assert_int_eq(stream_read(&s, &bytes, &length), status);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_mem_eq(bytes, text, length);
}

START_TEST(reading)
{
    assert_read(STREAM_AGAIN, "");
    turn();
    ck_assert_uint_eq(readable, 0);
    say("hello");
    turn();
    ck_assert_uint_eq(readable, 1);
    assert_read(STREAM_OK, "hello");
    assert_read(STREAM_AGAIN, "");
}
END_TEST

START_TEST(kept)
{
    say("one two");
    assert_read(STREAM_OK, "one two");
    ck_assert(stream_keep(&s, (const uint8_t *)"two", 3));
    say(" three");
    assert_read(STREAM_OK, "two three");
    ck_assert(stream_keep(&s, (const uint8_t *)"three", 5));
    ck_assert(stream_keep(&s, (const uint8_t *)"", 0));
    assert_read(STREAM_AGAIN, "three");
    assert_read(STREAM_AGAIN, ""); /* nothing is kept any more */
    ck_assert_ptr_null(s.in.data);
}
END_TEST

START_TEST(as_much_as_scratch_holds)
{
    uint8_t *bytes, *many = calloc(1, SCRATCH_SIZE);
    size_t length;
    ck_assert(stream_keep(&s, many, SCRATCH_SIZE - 3));
    say("abcdef");
    ck_assert_int_eq(stream_read(&s, &bytes, &length), STREAM_OK);
    ck_assert_uint_eq(length, SCRATCH_SIZE);
    ck_assert_mem_eq(bytes + SCRATCH_SIZE - 3, "abc", 3);
    assert_read(STREAM_OK, "def");
    free(many);
}
END_TEST

START_TEST(the_peer_ends)
{
    say("last");
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    assert_read(STREAM_OK, "last");
    ck_assert(stream_keep(&s, (const uint8_t *)"st", 2));
    assert_read(STREAM_EOF, "st");
    ck_assert(stream_write_bytes(&s, "more", 4)); /* the other direction is still there */
}
END_TEST

START_TEST(closed_inside)
{
    close_inside = true;
    say("x");
    turn();
    turn();
    ck_assert_uint_eq(readable, 1);
    ck_assert_int_eq(s.fd, -1);
    ck_assert(!stream_write_bytes(&s, "x", 1));
    stream_resume(&s); /* stays closed */
    ck_assert(stream_paused(&s));
}
END_TEST

START_TEST(pausing)
{
    stream_pause(&s);
    ck_assert(stream_paused(&s));
    say("x");
    turn();
    ck_assert_uint_eq(readable, 0);
    stream_resume(&s);
    stream_resume(&s);
    ck_assert(!stream_paused(&s));
    turn();
    ck_assert_uint_eq(readable, 1);
}
END_TEST

START_TEST(pieces)
{
    struct pieces list;
    char got[32];
    uint8_t *stored;
    pieces_clear(&list);
    ck_assert(stream_write(&s, &list)); /* nothing */
    pieces_add(&list, "one", 3);
    stored = pieces_store(&list, 2);
    memcpy(stored, "--", 2);
    pieces_add(&list, "two", 3);
    ck_assert(stream_write(&s, &list));
    ck_assert(!stream_stuck(&s));
    ck_assert_int_eq(read(peer, got, sizeof(got)), 8);
    ck_assert_mem_eq(got, "one--two", 8);
}
END_TEST

static uint8_t *numbered(size_t length)
{
    uint8_t *bytes = malloc(length);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    return bytes;
}

/* Reads until nothing comes and nothing is stuck. */
static size_t swallow(uint8_t *into, size_t room)
{
    size_t got = 0;
    ssize_t n;
    do {
        turn();
        n = read(peer, into + got, room - got);
        got += n > 0 ? (size_t)n : 0;
    } while (n > 0 || stream_stuck(&s));
    return got;
}

START_TEST(more_than_the_kernel_takes)
{
    uint8_t *bytes = numbered(LARGE), *got = malloc(LARGE + 16);
    struct pieces list;
    pieces_clear(&list);
    for (size_t at = 0; at < LARGE; at += LARGE / 32)
        pieces_add(&list, bytes + at, LARGE / 32);
    ck_assert(stream_write(&s, &list));
    ck_assert(stream_stuck(&s));
    memset(bytes, 0, LARGE); /* what is stuck is a copy */
    ck_assert(stream_write_bytes(&s, "behind", 6)); /* not in front of it */
    free(bytes);
    bytes = numbered(LARGE);
    ck_assert_uint_eq(swallow(got, LARGE + 16), LARGE + 6);
    ck_assert(memcmp(got, bytes, LARGE) == 0);
    ck_assert_mem_eq(got + LARGE, "behind", 6);
    ck_assert_uint_eq(drained, 1);
    ck_assert_ptr_null(s.out.data);
    ck_assert(!ev_is_active(&s.writer));
    free(bytes);
    free(got);
}
END_TEST

START_TEST(the_peer_is_gone)
{
    close(peer);
    peer = -1;
    ck_assert(!stream_write_bytes(&s, "x", 1));
}
END_TEST

/* A write that fails later is told by reading. */
START_TEST(the_peer_goes_while_bytes_are_stuck)
{
    uint8_t *bytes = numbered(LARGE);
    ck_assert(stream_write_bytes(&s, bytes, LARGE));
    ck_assert(stream_stuck(&s));
    stream_pause(&s);
    close(peer);
    peer = -1;
    turn();
    ck_assert_uint_eq(readable, 1);
    ck_assert(stream_keep(&s, (const uint8_t *)"k", 1));
    assert_read(STREAM_ERROR, "k");
    ck_assert_uint_eq(drained, 0);
    stream_close(&s); /* it is told until the owner does so */
    turn();
    free(bytes);
}
END_TEST

START_TEST(from_loop_to_loop)
{
    struct loop other;
    loop_open(&other, 1, NULL);
    ck_assert(stream_keep(&s, (const uint8_t *)"kept ", 5));
    stream_detach(&s);
    say("said");
    turn();
    ck_assert_uint_eq(readable, 0);
    stream_attach(&s, &other);
    turn();
    ck_assert_uint_eq(readable, 0);
    ev_run(other.ev, EVRUN_NOWAIT);
    ck_assert_uint_eq(readable, 1);
    assert_read(STREAM_OK, "kept said");
    stream_close(&s);
    loop_close(&other);
}
END_TEST

/* --- connecting --- */

static int listener(struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

static void connect_to(const struct sockaddr_in *address)
{
    stream_close(&s);
    connected = -1;
    int error = stream_connect(&s, &loop, (const struct sockaddr *)address, sizeof(*address), &events);
    ck_assert_int_eq(connected, -1); /* told later, never from inside */
    if (error)
        connected = error;
    for (int i = 0; i < 100 && connected < 0; i++)
        ev_run(loop.ev, EVRUN_ONCE);
}

START_TEST(connecting)
{
    struct sockaddr_in address;
    int fd = listener(&address), accepted;
    ck_assert_int_eq(listen(fd, 1), 0);
    connect_to(&address);
    ck_assert_int_eq(connected, 0);
    ck_assert((fcntl(s.fd, F_GETFL) & O_NONBLOCK) && (fcntl(s.fd, F_GETFD) & FD_CLOEXEC));
    accepted = accept(fd, NULL, NULL);
    ck_assert_int_eq(write(accepted, "hi", 2), 2);
    for (int i = 0; i < 100 && !readable; i++)
        ev_run(loop.ev, EVRUN_ONCE);
    assert_read(STREAM_OK, "hi");
    struct linger reset = {1, 0};
    setsockopt(accepted, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(accepted);
    assert_read(STREAM_ERROR, ""); /* RST */
    close(fd);
}
END_TEST

START_TEST(nobody_listens)
{
    struct sockaddr_in address;
    int fd = listener(&address);
    connect_to(&address);
    ck_assert_int_eq(connected, ECONNREFUSED);
    close(fd);
}
END_TEST

Suite *stream_suite(void)
{
    Suite *suite = suite_create("stream");
    TCase *tests = tcase_create("stream");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, reading);
    tcase_add_test(tests, kept);
    tcase_add_test(tests, as_much_as_scratch_holds);
    tcase_add_test(tests, the_peer_ends);
    tcase_add_test(tests, closed_inside);
    tcase_add_test(tests, pausing);
    tcase_add_test(tests, pieces);
    tcase_add_test(tests, more_than_the_kernel_takes);
    tcase_add_test(tests, the_peer_is_gone);
    tcase_add_test(tests, the_peer_goes_while_bytes_are_stuck);
    tcase_add_test(tests, from_loop_to_loop);
    tcase_add_test(tests, connecting);
    tcase_add_test(tests, nobody_listens);
    suite_add_tcase(suite, tests);
    return suite;
}
