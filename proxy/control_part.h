/* SPDX-License-Identifier: MIT
 * What the control thread is made of. Only the control*.c files include this; all of it runs on that thread but for what control.h says.
 */
#ifndef SLUSE_PROXY_CONTROL_PART_H
#define SLUSE_PROXY_CONTROL_PART_H

#include <mysql.h>
#include <pthread.h>
#include <time.h>

#include "proxy/control.h"

struct control {
    struct conf *conf; /* held; the thread's own */
    struct accounts *accounts;
    struct target *target;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct kill_request *first, **last; /* guarded */
    struct conf *settings;              /* guarded, held; NULL: no others than conf */
    bool stopping;                      /* guarded */
    bool code_asked;                    /* guarded; the stored code is to be read again */
    bool globals_asked;                 /* guarded; and the globals */
    unsigned generation;                /* guarded; how many connections there have been */
    bool started;
    /* the thread's own */
    MYSQL *mysql; /* NULL: not connected */
    bool resolved;
    int64_t asked_us;  /* when what is asked was; to tell a timeout */
    struct log_news down; /* why, as the log says */
    int64_t failed_us; /* when connecting failed last; 0: it did not */
    int64_t health_due_us;
    struct {
        char *question;      /* what reads them all; NULL: to be put together */
        bool *read;          /* which: in the order of the table of variables */
        unsigned generation; /* of the connection for which it was put together */
    } globals;
    bool account_used; /* the connection was another account's for a moment */
    struct {
        bool wanted;         /* as soon as it may be */
        bool postponed;      /* until what is changing it has ended */
        unsigned generation; /* of the connection over which it was read */
        uint64_t changes;    /* the target's, when it was read */
        uint64_t counters;   /* the server's, when it was read */
        unsigned skipped;    /* readings since, because the counters stood still */
        unsigned retries;    /* readings in a row that were not completed */
        int64_t due_us, rest_us;
        char why[256];       /* the last failure that was logged */
    } code;
};

/* control.c */
bool control_connected(struct control *c);
void control_disconnect(struct control *c);
/* What was asked last got no answer, or one that makes the connection useless: the server is down until the next one. */
void control_lost(struct control *c);
bool control_is_connection_error(unsigned number);

/* control_globals.c: reads what is watched at each health_interval, globals and all. False: mysql_error tells why. */
bool control_read_globals(struct control *c) __attribute__((warn_unused_result));

/* control_kill.c: says the KILLs that are asked for, until the time. *stop: there will be none any more. */
void control_serve_kills(struct control *c, const struct timespec *until, bool *stop);

/* control_code.c: when the stored code is to be looked at next, and doing it. */
int64_t control_code_due(const struct control *c);
void control_look_at_code(struct control *c);

#endif
