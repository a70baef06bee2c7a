/* SPDX-License-Identifier: MIT
 * A closed-loop load of point selects on a loopback address, by one thread and one epoll, for tests/bench/smoke.
 *
 *   churn   connect -> greeting -> login -> OK -> select -> row -> quit, and again: all of it is one operation
 *   steady  the select alone, over connections that were made before the clock started
 *
 * It speaks the protocol itself, because a client library would cost more than what is measured. Every row is checked: a
 * fast wrong answer is an error. The login is mysql_native_password, which every target here accepts or switches to.
 *
 * On stdout, one line for the script: operations errors elapsed_us p50_us p99_us cpu_us (of the process watched, else 0).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WARM_US 300000     /* not measured: connections are made, caches filled */
#define STALLED_US 2000000 /* an operation that is this old at the end counts as an error */
#define ROWS 10000u        /* what tests/bench/smoke puts into the table */
#define CLIENTS_MAX 1000u

#define CLIENT_LONG_PASSWORD 0x1u
#define CLIENT_CONNECT_WITH_DB 0x8u
#define CLIENT_PROTOCOL_41 0x200u
#define CLIENT_TRANSACTIONS 0x2000u
#define CLIENT_SECURE_CONNECTION 0x8000u
#define CLIENT_PLUGIN_AUTH 0x80000u

enum { HEADER = 4, SCRAMBLE = 20, COM_QUIT = 1, COM_QUERY = 3 };
enum { PACKET_OK = 0x00, PACKET_EOF = 0xFE, PACKET_ERR = 0xFF };

/* What the client reads next. */
enum expect { EXPECT_GREETING, EXPECT_LOGIN, EXPECT_COLUMN_COUNT, EXPECT_COLUMN, EXPECT_COLUMNS_END, EXPECT_ROW, EXPECT_END };

struct client {
    int fd; /* -1: to be opened at the next turn */
    enum expect expect;
    unsigned columns; /* definitions still to come */
    unsigned id;      /* the row asked for */
    int64_t began_us; /* of the operation under way */
    size_t filled;
    uint8_t in[4096]; /* longer than any reply here */
};

struct load {
    uint16_t port;
    bool churn;
    long watched; /* pid; 0: none */
    int epoll;
    struct client *clients;
    unsigned client_count;
    uint32_t random;
    bool measuring;
    uint64_t operations, errors;
    uint32_t *times_us;
    size_t times_room;
    char complaint[256]; /* the first error */
};

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_load: %s\n", what);
    exit(1);
}

static void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static void client_fail(struct load *load, struct client *c, const char *why)
{
    static const char *const at[] = {"greeting", "login", "column count", "columns", "end of columns", "row", "end of rows"};

    load->errors++;
    if (load->complaint[0] == '\0')
        snprintf(load->complaint, sizeof(load->complaint), "at the %s: %s", at[c->expect], why);
    client_close(c);
}

/* A request is far smaller than an empty socket's buffer: a short write means that the peer is gone. */
static bool client_send(struct load *load, struct client *c, uint8_t *packet, size_t payload, uint8_t sequence)
{
    packet[0] = (uint8_t)payload;
    packet[1] = (uint8_t)(payload >> 8);
    packet[2] = 0;
    packet[3] = sequence;
    if (send(c->fd, packet, HEADER + payload, MSG_NOSIGNAL) == (ssize_t)(HEADER + payload))
        return true;
    client_fail(load, c, strerror(errno));
    return false;
}

static void client_open(struct load *load, struct client *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(load->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int on = 1;

    c->began_us = now_us();
    c->expect = EXPECT_GREETING;
    c->filled = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die(strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno != EINPROGRESS)
        client_fail(load, c, strerror(errno));
    else if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die(strerror(errno));
}

static void client_query(struct load *load, struct client *c)
{
    uint8_t packet[128];
    int length;

    load->random ^= load->random << 13;
    load->random ^= load->random >> 17;
    load->random ^= load->random << 5;
    c->id = load->random % ROWS + 1;
    packet[HEADER] = COM_QUERY;
    length = snprintf((char *)packet + HEADER + 1, sizeof(packet) - HEADER - 1, "SELECT id, text FROM point WHERE id = %u", c->id);
    c->expect = EXPECT_COLUMN_COUNT;
    if (!load->churn)
        c->began_us = now_us();
    client_send(load, c, packet, (size_t)length + 1, 0);
}

/* mysql_native_password: SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password))); every account here has password "app". */
static void answer_scramble(const uint8_t scramble[SCRAMBLE], uint8_t answer[SCRAMBLE])
{
    uint8_t once[SCRAMBLE], salted[2 * SCRAMBLE];

    SHA1((const uint8_t *)"app", 3, once);
    memcpy(salted, scramble, SCRAMBLE);
    SHA1(once, SCRAMBLE, salted + SCRAMBLE);
    SHA1(salted, sizeof(salted), answer);
    for (int i = 0; i < SCRAMBLE; i++)
        answer[i] ^= once[i];
}

static void put_u32(uint8_t *at, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(n >> 8 * i);
}

/* Protocol 10: version text, thread id, 8 bytes of scramble, 19 of flags and reserve, 12 more of scramble. */
static void take_greeting(struct load *load, struct client *c, const uint8_t *p, size_t length)
{
    static const char tail[] = "app\0mysql_native_password"; /* schema, plugin; the last NUL counts too */
    uint8_t packet[256] = {0}, scramble[SCRAMBLE], *at = packet + HEADER;
    const uint8_t *end = length < 2 ? NULL : memchr(p + 1, 0, length - 1);

    if (p[0] != 10 || end == NULL || (size_t)(p + length - end) < 1 + 4 + 8 + 19 + 12) {
        client_fail(load, c, "not a greeting");
        return;
    }
    memcpy(scramble, end + 5, 8);
    memcpy(scramble + 8, end + 5 + 8 + 19, 12);
    put_u32(at, CLIENT_LONG_PASSWORD | CLIENT_CONNECT_WITH_DB | CLIENT_PROTOCOL_41 | CLIENT_TRANSACTIONS | CLIENT_SECURE_CONNECTION |
                    CLIENT_PLUGIN_AUTH);
    put_u32(at + 4, 1u << 24);
    at[8] = 45; /* utf8mb4_general_ci */
    at += 32;
    memcpy(at, "app", 4);
    at[4] = SCRAMBLE;
    answer_scramble(scramble, at + 5);
    at += 5 + SCRAMBLE;
    memcpy(at, tail, sizeof(tail));
    at += sizeof(tail);
    c->expect = EXPECT_LOGIN;
    client_send(load, c, packet, (size_t)(at - packet) - HEADER, 1);
}

/* OK, or a request to log in by another plugin or scramble: 0xFE, its name, NUL, scramble, NUL. */
static void take_login(struct load *load, struct client *c, const uint8_t *p, size_t length, uint8_t sequence)
{
    static const char name[] = "mysql_native_password";
    uint8_t packet[HEADER + SCRAMBLE];

    if (p[0] == PACKET_OK) {
        client_query(load, c);
    } else if (p[0] == PACKET_EOF && length >= 1 + sizeof(name) + SCRAMBLE && memcmp(p + 1, name, sizeof(name)) == 0) {
        answer_scramble(p + 1 + sizeof(name), packet + HEADER);
        client_send(load, c, packet, SCRAMBLE, (uint8_t)(sequence + 1));
    } else {
        client_fail(load, c, "neither OK nor mysql_native_password");
    }
}

static void end_operation(struct load *load, struct client *c)
{
    if (load->measuring) {
        if (load->operations == load->times_room) {
            load->times_room = load->times_room == 0 ? 65536 : load->times_room * 2;
            load->times_us = realloc(load->times_us, load->times_room * sizeof(*load->times_us));
            if (load->times_us == NULL)
                die("no memory");
        }
        load->times_us[load->operations++] = (uint32_t)(now_us() - c->began_us);
    }
    if (load->churn) {
        uint8_t quit[HEADER + 1] = {[HEADER] = COM_QUIT};

        if (client_send(load, c, quit, 1, 0)) {
            client_close(c);
            client_open(load, c);
        }
    } else {
        client_query(load, c);
    }
}

static bool is_own_row(const struct client *c, const uint8_t *p, size_t length)
{
    char id[16];
    size_t digits = (size_t)snprintf(id, sizeof(id), "%u", c->id);

    return length > 1 + digits && p[0] == digits && memcmp(p + 1, id, digits) == 0;
}

static void take_packet(struct load *load, struct client *c, const uint8_t *p, size_t length, uint8_t sequence)
{
    bool is_eof = p[0] == PACKET_EOF && length < 9;

    if (p[0] == PACKET_ERR) {
        char why[128];

        /* What follows the code: SQLSTATE, but not in place of a greeting, and the text. */
        snprintf(why, sizeof(why), "%.*s", length > 3 ? (int)length - 3 : 0, (const char *)p + 3);
        client_fail(load, c, why);
        return;
    }
    switch (c->expect) {
    case EXPECT_GREETING:
        take_greeting(load, c, p, length);
        return;
    case EXPECT_LOGIN:
        take_login(load, c, p, length, sequence);
        return;
    case EXPECT_COLUMN_COUNT:
        c->columns = p[0];
        c->expect = EXPECT_COLUMN;
        if (c->columns == 2)
            return;
        break;
    case EXPECT_COLUMN:
        if (--c->columns == 0)
            c->expect = EXPECT_COLUMNS_END;
        return;
    case EXPECT_COLUMNS_END:
        c->expect = EXPECT_ROW;
        if (is_eof)
            return;
        break;
    case EXPECT_ROW:
        if (!is_own_row(c, p, length))
            break;
        c->expect = EXPECT_END;
        return;
    case EXPECT_END:
        if (!is_eof)
            break;
        end_operation(load, c);
        return;
    }
    client_fail(load, c, "not what was asked for");
}

/* Packets are taken where they lie. A request goes out only after the last packet of a reply, so nothing is lost when a client is
 * closed or opened anew (filled becomes 0) within the loop. */
static void client_read(struct load *load, struct client *c)
{
    ssize_t n = recv(c->fd, c->in + c->filled, sizeof(c->in) - c->filled, 0);
    size_t at = 0;
    int fd = c->fd;

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        client_fail(load, c, n == 0 ? "closed by the peer" : strerror(errno));
        return;
    }
    c->filled += (size_t)n;
    while (c->filled - at >= HEADER) {
        const uint8_t *p = c->in + at;
        size_t length = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;

        if (length == 0 || length > sizeof(c->in) - HEADER) {
            client_fail(load, c, "a packet of an impossible length");
            return;
        }
        if (c->filled - at < HEADER + length)
            break;
        at += HEADER + length;
        take_packet(load, c, p + HEADER, length, p[3]);
        if (c->fd != fd || c->filled < at)
            return;
    }
    memmove(c->in, c->in + at, c->filled - at);
    c->filled -= at;
}

/* User and system time of the process so far. */
static int64_t cpu_us(long pid)
{
    char path[64], text[1024], *at;
    unsigned long user, system;
    FILE *file;
    size_t n;

    if (pid == 0)
        return 0;
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    file = fopen(path, "r");
    if (file == NULL)
        die("the process to watch is gone");
    n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    at = strrchr(text, ')'); /* the name before it may contain anything */
    if (at == NULL || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die("the process to watch can't be read");
    return (int64_t)(user + system) * 1000000 / sysconf(_SC_CLK_TCK);
}

static void run_until(struct load *load, int64_t until_us)
{
    struct epoll_event events[64];

    for (int64_t now = now_us(); now < until_us; now = now_us()) {
        int n;

        for (unsigned i = 0; i < load->client_count; i++) {
            if (load->clients[i].fd < 0)
                client_open(load, &load->clients[i]);
        }
        n = epoll_wait(load->epoll, events, 64, 10);
        for (int i = 0; i < n; i++)
            client_read(load, events[i].data.ptr);
    }
}

static int compare_times(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void measure(struct load *load, double seconds)
{
    int64_t began, ended, cpu;
    size_t n;

    run_until(load, now_us() + WARM_US);
    load->measuring = true;
    cpu = cpu_us(load->watched);
    began = now_us();
    run_until(load, began + (int64_t)(seconds * 1e6));
    ended = now_us();
    cpu = cpu_us(load->watched) - cpu;
    for (unsigned i = 0; i < load->client_count; i++) {
        if (ended - load->clients[i].began_us > STALLED_US)
            client_fail(load, &load->clients[i], "no answer");
    }
    n = load->operations;
    if (n > 0)
        qsort(load->times_us, n, sizeof(*load->times_us), compare_times);
    printf("%zu %lu %ld %u %u %ld\n", n, (unsigned long)load->errors, (long)(ended - began), n == 0 ? 0 : load->times_us[n / 2],
           n == 0 ? 0 : load->times_us[n * 99 / 100], (long)cpu);
    if (load->errors > 0)
        fprintf(stderr, "bench_load: the first error was %s\n", load->complaint);
}

int main(int argc, char **argv)
{
    struct load load = {.random = 2463534242u};
    double seconds;

    if (argc != 5 && argc != 6)
        die("usage: bench_load churn|steady PORT CLIENTS SECONDS [PID]");
    load.churn = strcmp(argv[1], "churn") == 0;
    load.port = (uint16_t)strtoul(argv[2], NULL, 10);
    load.client_count = (unsigned)strtoul(argv[3], NULL, 10);
    seconds = strtod(argv[4], NULL);
    load.watched = argv[5] == NULL ? 0 : strtol(argv[5], NULL, 10);
    if (load.port == 0 || load.client_count == 0 || load.client_count > CLIENTS_MAX || !(seconds > 0 && seconds < 3600))
        die("a port, 1 to 1000 clients, and some seconds, please");
    load.clients = calloc(load.client_count, sizeof(*load.clients));
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.clients == NULL || load.epoll < 0)
        die(strerror(errno));
    for (unsigned i = 0; i < load.client_count; i++)
        load.clients[i].fd = -1;
    measure(&load, seconds);
    for (unsigned i = 0; i < load.client_count; i++)
        client_close(&load.clients[i]);
    free(load.clients);
    free(load.times_us);
    return load.errors > 0;
}
