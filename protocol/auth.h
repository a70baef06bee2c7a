/* SPDX-License-Identifier: MIT
 * Authentication in both roles: mysql_native_password and caching_sha2_password.
 *
 * Pure: the caller moves packets; these functions turn an incoming payload into an outgoing one. OpenSSL does the digests and RSA.
 */
#ifndef SLUSE_PROTOCOL_AUTH_H
#define SLUSE_PROTOCOL_AUTH_H

#include "protocol/greeting.h"

#define AUTH_NATIVE "mysql_native_password"
#define AUTH_CACHING_SHA2 "caching_sha2_password"
#define AUTH_SHA1 20u
#define AUTH_SHA256 32u

/* What is known of an account's password. Wiped by its owner. */
struct auth_secret {
    const char *password; /* borrowed; NULL: not known */
    size_t password_len;
    bool has_stage1;            /* SHA1(password): enough to log in with mysql_native_password */
    uint8_t stage1[AUTH_SHA1];
    bool has_stage2;            /* SHA1(SHA1(password)): enough to check such a login */
    uint8_t stage2[AUTH_SHA1];
    bool has_sha2;              /* SHA256(SHA256(password)): enough to check a fast caching_sha2_password login */
    uint8_t sha2[AUTH_SHA256];
};

/* Fills in everything that follows from the password. An empty password is a password. */
void auth_secret_from_password(struct auth_secret *secret, const char *password, size_t length);
/* From mysql_native_password's stored hash: only stage2. */
void auth_secret_from_hash(struct auth_secret *secret, const uint8_t stage2[AUTH_SHA1]);
void auth_secret_wipe(struct auth_secret *secret);

/* 20 random bytes, printable enough for every driver: none is 0 or '$', all below 128. Returns false when the system has no randomness. */
bool auth_nonce(uint8_t nonce[NONCE_SIZE]) __attribute__((warn_unused_result));

/* --- the server's role: is this client who it says? --- */
enum auth_verdict {
    AUTH_GRANTED,
    AUTH_DENIED,
    AUTH_SWITCH, /* send an AuthSwitchRequest to auth_server.plugin with auth_server.nonce, feed the answer to auth_server_next */
};

struct auth_server {
    const struct auth_secret *secret; /* NULL: unknown user, every answer is denied after the same work */
    uint8_t nonce[NONCE_SIZE];
    const char *plugin;     /* the plugin whose answer is awaited or was checked */
    bool switched;
    bool used_password;     /* for "(using password: YES)" */
    bool more;              /* AUTH_GRANTED only: send AuthMoreData 0x03 (fast authentication succeeded) ahead of the OK */
    bool learned;           /* AUTH_GRANTED only: learned_stage1 holds SHA1(password), recovered from the answer */
    uint8_t learned_stage1[AUTH_SHA1];
};

/* Begins with the client's first answer. plugin is what the client named (empty: AUTH_NATIVE). One that we don't have, or that the secret
 * is not enough for, leads to AUTH_SWITCH (a fresh nonce is made). force_switch: always switch, as servers do for COM_CHANGE_USER, and as
 * a client expects that named another plugin than the greeting and holds its answer back. offered: the greeting's plugin, which the switch names when the
 * secret is enough for it. */
enum auth_verdict auth_server_begin(struct auth_server *a, const struct auth_secret *secret, const uint8_t nonce[NONCE_SIZE],
                                    struct wire_text plugin, struct wire_text answer, bool force_switch,
                                    const char *offered) __attribute__((warn_unused_result));
enum auth_verdict auth_server_next(struct auth_server *a, struct wire_text answer) __attribute__((warn_unused_result));

/* --- the client's role: log in at a server --- */
enum auth_step {
    AUTH_SEND,   /* send `out` as the next packet */
    AUTH_WAIT,   /* nothing to send; wait for the next packet */
    AUTH_FAILED, /* auth_client.failure says why; close the connection */
};

struct auth_client {
    const struct auth_secret *secret; /* borrowed for the length of the exchange */
    bool private_line;                /* a Unix socket or TLS: a cleartext password may be sent */
    uint8_t nonce[NONCE_SIZE];
    char plugin[GREETING_PLUGIN_MAX];
    bool awaiting_key;
    const char *failure; /* static text */
};

#define AUTH_ANSWER_MAX 1024u

/* Begins with a server's plugin (empty: AUTH_NATIVE) and nonce and writes the first answer into out (at most AUTH_ANSWER_MAX bytes).
 * A plugin that we don't have, or caching_sha2_password without the password itself, is answered as AUTH_NATIVE; a->plugin says what
 * the answer is for, and the server will switch. out may hold the password afterwards: the caller wipes it. */
enum auth_step auth_client_begin(struct auth_client *a, const struct auth_secret *secret, bool private_line, const char *plugin,
                                 const uint8_t nonce[NONCE_SIZE], uint8_t *out, size_t *out_len) __attribute__((warn_unused_result));
/* Payload is AuthSwitchRequest (0xFE...) or AuthMoreData (0x01...); OK and ERR are the caller's.
 * caching_sha2: 0x03 -> AUTH_WAIT; 0x04 -> cleartext on a private line, else the public key is asked for (0x02) and the password sent
 * under RSA-OAEP. A plugin that needs something which the secret does not hold, or mysql_clear_password on an open line: AUTH_FAILED. */
enum auth_step auth_client_next(struct auth_client *a, const uint8_t *payload, size_t length, uint8_t *out, size_t *out_len)
    __attribute__((warn_unused_result));

#endif
