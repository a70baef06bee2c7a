/* SPDX-License-Identifier: MIT
 * Settings: an immutable, reference-counted snapshot of pool.ini.
 *
 * This library knows neither MySQL nor the event loop: an address is a string and a port until somebody resolves it.
 */
#ifndef SLUSE_CONF_CONF_H
#define SLUSE_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* "host:port", "[v6]:port". host is a numeric address for listeners and may be a name for the backend. */
struct conf_address {
    char host[256];
    uint16_t port;
};

/* One [account NAME] section. At most one of the three secrets is given; with none the password is empty. */
struct conf_account {
    char *name;
    char *password;      /* from password or password_file (one trailing newline removed); NULL when only a hash is known */
    size_t password_len; /* a password may hold any byte but NUL */
    bool has_hash;       /* password_hash = *40 hex digits: SHA1(SHA1(password)), as MariaDB stores it */
    uint8_t hash[20];
    int line;            /* where the section begins */
};

struct conf {
    /* [sluse] */
    struct conf_address *listen;
    size_t listen_count;
    char *socket;              /* NULL: none */
    unsigned workers;          /* 0: auto, one a processor */
    uint64_t max_clients;
    int64_t login_timeout_us;  /* from accept to the end of the login */
    int64_t abandon_after_us;  /* a half-closed client's query is killed after this */
    int64_t drain_timeout_us;  /* from SIGTERM until what still runs is cut; 0: at once */
    int log_level;             /* enum conf_log_level */
    /* [backend] */
    struct conf_address backend; /* host empty when backend_socket is used */
    char *backend_socket;        /* NULL: TCP */
    int64_t connect_timeout_us;  /* TCP connect and login at the server */
    int64_t close_timeout_us;    /* how long a closing connection waits for the server's EOF */
    int64_t health_interval_us;
    /* [pool] */
    uint64_t size;             /* every connection to the server, the control connection included; at least 2 */
    uint64_t min_idle;
    uint64_t max_waiting;      /* 0: no limit but max_clients */
    int64_t wait_timeout_us;
    int64_t idle_timeout_us;   /* 0: never */
    int64_t max_lifetime_us;   /* 0: never */
    int64_t privilege_refresh_us; /* an idle connection older than this is logged in anew before a new session has it */
    int64_t schema_ttl_us;     /* how long a proven (account, schema) is accepted from memory; 0: always ask the server */
    int64_t idle_in_transaction_timeout_us; /* 0: never */
    int64_t query_timeout_us;  /* 0: never */
    bool debug_migrate;        /* chaos: a session changes its backend after each command that does not pin it */
    /* [control] */
    char *control_user;        /* conf_load fills both in: without [control], the first account with a known password */
    char *control_password;    /* never NULL after conf_load; may be empty */
    int64_t stored_code_refresh_us;
    /* [account NAME] */
    struct conf_account *accounts;
    size_t account_count;
    /* [stats] */
    struct conf_address stats_listen; /* host empty: off */

    char *path;                /* the file that this came from */
    unsigned references;       /* only conf_hold and conf_drop touch it, atomically */
};

enum conf_log_level { CONF_LOG_ERROR, CONF_LOG_WARNING, CONF_LOG_INFO, CONF_LOG_DEBUG };

/* One mistake. line is 0 for a mistake of the file as a whole. text says what is wrong and what would be right. */
struct conf_error {
    char *path;
    int line;
    char *text;
};

struct conf_errors {
    struct conf_error *list;
    size_t count;
    bool out_of_memory; /* memory ran out: the list may lack mistakes, and may even be empty */
};

/* Reads and checks a file. Returns a snapshot with one reference, or NULL with at least one error
 * (or, when memory ran out, with errors->out_of_memory).
 * *All* mistakes are collected, in the order of their lines. errors is caller's, zeroed before; free it with conf_errors_free.
 * Reads password files too: relative names are relative to the directory of the ini file. Thread: any. */
struct conf *conf_load(const char *path, struct conf_errors *errors) __attribute__((warn_unused_result));

/* References, from any thread. The last drop wipes the passwords and frees. */
struct conf *conf_hold(struct conf *conf);
void conf_drop(struct conf *conf);

void conf_errors_free(struct conf_errors *errors);

/* The account of that name, or NULL. Names are compared byte by byte, as the servers do. */
const struct conf_account *conf_account(const struct conf *conf, const char *name, size_t length);

/* Do the two have the same password or hash? */
bool conf_account_equal(const struct conf_account *a, const struct conf_account *b);

/* One difference between two snapshots. Of an account, name is "added", "removed" or "password changed". */
struct conf_change {
    const char *section;
    const char *account; /* NULL: no account's */
    const char *name;
    bool waits;          /* for a restart */
    const char *before;  /* as in the file; NULL, and so is after: not to be shown */
    const char *after;
};

/* Tells each. False: memory ran out. */
bool conf_changes(const struct conf *before, const struct conf *after, void (*tell)(void *user, const struct conf_change *change), void *user)
    __attribute__((warn_unused_result));

/* A reload: gives conf, which nobody else has yet, the running values of what needs a restart. False: memory ran out. */
bool conf_keep_fixed(struct conf *conf, const struct conf *running) __attribute__((warn_unused_result));

/* Writes docs/pool.ini.md: every key of conf_keys.def with its default, range and meaning. */
void conf_print_reference(FILE *out);

#endif
