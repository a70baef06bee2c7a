/* SPDX-License-Identifier: MIT
 * Runs a burst of function invocations against a MySQL address with libmariadb and prints what became of them, for packaging/try.
 *
 * Each invocation is what a function does: connect, SET NAMES, an INSERT, a SELECT of that row by LAST_INSERT_ID(),
 * quit. A thread stands for one container; the threads start at once and take invocations until none is left.
 *
 * On stdout, one line for the script: done refused lost elapsed_us p50_us p99_us connections (the most that the server
 * had at once). Progress and the first error of each kind go to stderr.
 */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mysql.h>

#define ER_CON_COUNT_ERROR 1040
#define STACK_SIZE (256 * 1024)

enum outcome { PENDING, DONE, REFUSED, LOST };

struct invocation {
    enum outcome outcome;
    int64_t took_us;
};

struct burst {
    const char *name; /* in progress and in the rows, so that two bursts can't be mistaken for one another */
    const char *host;
    unsigned port;
    const char *asker; /* the server's socket; NULL: nobody asks it for its connections */
    size_t count;
    size_t at_once;
    struct invocation *invocations;
    pthread_barrier_t start;
    atomic_size_t next;
    atomic_size_t done;
    atomic_size_t refused;
    atomic_size_t lost;
    atomic_bool complained; /* of a loss: one is enough to tell what is wrong */
};

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list args;

    fputs("try_burst: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static void complain(struct burst *burst, size_t number, const char *step, const char *why)
{
    if (!atomic_exchange(&burst->complained, true))
        fprintf(stderr, "\n  invocation %zu was lost at %s: %s\n", number, step, why);
}

/* Exactly the row that this invocation wrote, and nobody else's. */
static bool is_own_row(MYSQL *db, const char *text)
{
    MYSQL_RES *result = mysql_store_result(db);
    MYSQL_ROW row;
    bool own;

    if (result == NULL)
        return false;
    row = mysql_fetch_row(result);
    own = mysql_num_rows(result) == 1 && row != NULL && row[0] != NULL && strcmp(row[0], text) == 0;
    mysql_free_result(result);
    return own;
}

static enum outcome converse(struct burst *burst, MYSQL *db, size_t number)
{
    char text[64], insert[160];

    if (mysql_real_connect(db, burst->host, "app", "app", "app", burst->port, NULL, 0) == NULL) {
        if (mysql_errno(db) == ER_CON_COUNT_ERROR)
            return REFUSED;
        complain(burst, number, "connect", mysql_error(db));
        return LOST;
    }
    snprintf(text, sizeof(text), "%s %zu", burst->name, number);
    snprintf(insert, sizeof(insert), "INSERT INTO invocation (text) VALUES ('%s')", text);
    if (mysql_query(db, "SET NAMES utf8mb4") != 0) {
        complain(burst, number, "SET NAMES", mysql_error(db));
        return LOST;
    }
    if (mysql_query(db, insert) != 0) {
        complain(burst, number, "INSERT", mysql_error(db));
        return LOST;
    }
    if (mysql_query(db, "SELECT text FROM invocation WHERE id = LAST_INSERT_ID()") != 0) {
        complain(burst, number, "SELECT", mysql_error(db));
        return LOST;
    }
    if (!is_own_row(db, text)) {
        complain(burst, number, "SELECT", "the row that came back is not the one that it wrote");
        return LOST;
    }
    return DONE;
}

static enum outcome invoke(struct burst *burst, size_t number)
{
    unsigned patience = 120; /* seconds: longer than any queue here, so that only a hang ends in it */
    enum outcome outcome;
    MYSQL *db = mysql_init(NULL);

    if (db == NULL)
        die("no memory");
    mysql_options(db, MYSQL_OPT_CONNECT_TIMEOUT, &patience);
    mysql_options(db, MYSQL_OPT_READ_TIMEOUT, &patience);
    mysql_options(db, MYSQL_OPT_WRITE_TIMEOUT, &patience);
    outcome = converse(burst, db, number);
    mysql_close(db);
    return outcome;
}

static void *container(void *data)
{
    struct burst *burst = data;
    size_t number;

    pthread_barrier_wait(&burst->start);
    while ((number = atomic_fetch_add(&burst->next, 1)) < burst->count) {
        struct invocation *invocation = &burst->invocations[number];
        int64_t began = now_us();
        enum outcome outcome = invoke(burst, number);

        invocation->took_us = now_us() - began;
        invocation->outcome = outcome;
        atomic_fetch_add(outcome == DONE ? &burst->done : outcome == REFUSED ? &burst->refused : &burst->lost, 1);
    }
    mysql_thread_end();
    return NULL;
}

static size_t ended(struct burst *burst)
{
    return atomic_load(&burst->done) + atomic_load(&burst->refused) + atomic_load(&burst->lost);
}

static void draw(struct burst *burst, bool tty)
{
    char bar[33];
    size_t filled = ended(burst) * (sizeof(bar) - 1) / burst->count;

    memset(bar, '.', sizeof(bar) - 1);
    memset(bar, '#', filled);
    bar[sizeof(bar) - 1] = '\0';
    fprintf(stderr, "%s  %-13s [%s] %4zu of %zu ended, %4zu refused%s", tty ? "\r" : "", burst->name, bar, ended(burst),
        burst->count, atomic_load(&burst->refused), tty ? " " : "\n");
}

/* Redraws in place on a terminal; elsewhere it writes a line for each quarter. */
static void watch(struct burst *burst)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    bool tty = isatty(STDERR_FILENO);
    size_t quarter = 0;

    for (;;) {
        size_t now = ended(burst);

        if (tty || now * 4 / burst->count > quarter)
            draw(burst, tty);
        quarter = now * 4 / burst->count;
        if (now == burst->count)
            break;
        nanosleep(&pause, NULL);
    }
    if (tty)
        fputc('\n', stderr);
}

static void run(struct burst *burst)
{
    pthread_t *threads = calloc(burst->at_once, sizeof(*threads));
    pthread_attr_t small;

    if (threads == NULL)
        die("no memory");
    pthread_barrier_init(&burst->start, NULL, (unsigned)burst->at_once + 1);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_SIZE);
    for (size_t i = 0; i < burst->at_once; i++) {
        int error = pthread_create(&threads[i], &small, container, burst);

        if (error != 0)
            die("no thread %zu: %s", i, strerror(error));
    }
    pthread_barrier_wait(&burst->start);
    watch(burst);
    for (size_t i = 0; i < burst->at_once; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

static MYSQL *asker_connect(const char *socket)
{
    MYSQL *db = mysql_init(NULL);

    if (db == NULL || mysql_real_connect(db, NULL, "root", "", NULL, 0, socket, 0) == NULL)
        die("asking the server: %s", db == NULL ? "no memory" : mysql_error(db));
    if (mysql_query(db, "FLUSH STATUS") != 0)
        die("asking the server: %s", mysql_error(db));
    return db;
}

/* The asker is connected all the time, and so is always one of those that the server counted. */
static long asker_most_connections(MYSQL *db)
{
    MYSQL_RES *result;
    MYSQL_ROW row;
    long most;

    if (mysql_query(db, "SHOW GLOBAL STATUS LIKE 'Max_used_connections'") != 0 || (result = mysql_store_result(db)) == NULL)
        die("asking the server: %s", mysql_error(db));
    row = mysql_fetch_row(result);
    most = row == NULL ? 0 : strtol(row[1], NULL, 10) - 1;
    mysql_free_result(result);
    mysql_close(db);
    return most;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Times of those that were done only: a refusal is quick, and would flatter. */
static void report(struct burst *burst, int64_t elapsed_us, long most)
{
    int64_t *times = calloc(burst->count, sizeof(*times));
    size_t n = 0;

    if (times == NULL)
        die("no memory");
    for (size_t i = 0; i < burst->count; i++) {
        if (burst->invocations[i].outcome == DONE)
            times[n++] = burst->invocations[i].took_us;
    }
    qsort(times, n, sizeof(*times), compare_times);
    printf("%zu %zu %zu %" PRId64 " %" PRId64 " %" PRId64 " %ld\n", n, atomic_load(&burst->refused), atomic_load(&burst->lost),
           elapsed_us, n == 0 ? 0 : times[n / 2], n == 0 ? 0 : times[n * 99 / 100], most);
    free(times);
}

static unsigned number_of(const char *text, unsigned max)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || n == 0 || n > max)
        die("\"%s\" is not a number from 1 to %u", text, max);
    return (unsigned)n;
}

int main(int argc, char **argv)
{
    struct burst burst = {.host = "127.0.0.1"};
    MYSQL *asker = NULL;
    int64_t began, elapsed;
    long most = 0;

    if (argc != 5 && argc != 6)
        die("usage: try_burst NAME PORT COUNT AT_ONCE [SERVER_SOCKET]");
    burst.name = argv[1];
    burst.port = number_of(argv[2], 65535);
    burst.count = number_of(argv[3], 10000000);
    burst.at_once = number_of(argv[4], 10000);
    burst.asker = argv[5];
    burst.invocations = calloc(burst.count, sizeof(*burst.invocations));
    if (burst.invocations == NULL || mysql_library_init(0, NULL, NULL) != 0)
        die("no memory");
    if (burst.asker != NULL)
        asker = asker_connect(burst.asker);
    began = now_us();
    run(&burst);
    elapsed = now_us() - began;
    if (asker != NULL)
        most = asker_most_connections(asker);
    report(&burst, elapsed, most);
    free(burst.invocations);
    mysql_library_end();
    return 0;
}
