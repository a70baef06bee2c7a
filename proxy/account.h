/* SPDX-License-Identifier: MIT
 * The accounts that may log in here, and what is known of their passwords. Read by every thread.
 */
#ifndef SLUSE_PROXY_ACCOUNT_H
#define SLUSE_PROXY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "protocol/auth.h"
#include "proxy/backend_error.h"
#include "proxy/session_image.h"

struct accounts;

struct accounts *accounts_new(const struct conf *conf);
void accounts_free(struct accounts *accounts);

/* A reload, on the main thread: accounts are added, get other passwords, or are removed. Who is in as a removed one stays; nobody new logs in as it. An index
 * stays the same account's. */
void accounts_settings_changed(struct accounts *accounts, const struct conf *before, const struct conf *after);

/* Index of the account, or -1. The control account logs in no client and is never found, nor is a removed one. */
int accounts_find(const struct accounts *accounts, struct wire_text name);
const char *accounts_name(const struct accounts *accounts, unsigned index);

/* A copy of what is known now; the caller wipes it. */
struct auth_secret accounts_secret(struct accounts *accounts, unsigned index);
/* SHA1(password), recovered from a client's login: with it the account can log in at the server. */
void accounts_learn(struct accounts *accounts, unsigned index, const uint8_t stage1[AUTH_SHA1]);
/* Can it log in at the server now? With nothing but a hash, only after the first client has. */
bool accounts_usable(struct accounts *accounts, unsigned index);
/* The first account that is usable; at the worst the control account. */
unsigned accounts_first_usable(struct accounts *accounts);

/* Did a login with this account, schema and collation go well at the server within ttl_us? Then the next one is not asked again. */
bool accounts_proven(struct accounts *accounts, const struct session_image *image, int64_t now_us, int64_t ttl_us);
void accounts_prove(struct accounts *accounts, const struct session_image *image, int64_t now_us);
/* Logins get no role by default, as far as a login at at_us showed: SET ROLE NONE is what a fresh login has. at_us 0: they do get one. */
void accounts_note_no_role(struct accounts *accounts, unsigned index, int64_t at_us);
/* Since when that is known; 0: it is not. */
int64_t accounts_no_role_since(struct accounts *accounts, unsigned index);
/* The server has just refused one. */
void accounts_disprove(struct accounts *accounts, const struct session_image *image);

/* What the server answers a login or a change of user as the account. It is refused: true if it was not before, or for another reason. It is let in: true if
 * it had been refused. */
bool accounts_refuse(struct accounts *accounts, unsigned index, const struct backend_error *error, int64_t now_us);
bool accounts_admit(struct accounts *accounts, unsigned index);
/* Was it refused within the last second? Then *error says with what. Cheap if it was not. */
bool accounts_refused(struct accounts *accounts, unsigned index, int64_t now_us, struct backend_error *error);

/* How it is with all of the clients' accounts. */
struct accounts_numbers {
    unsigned accounts, refused; /* refused: the server did not let them in the last time */
    int64_t refused_us;         /* when one of them was, last */
    char first[256];            /* the first of them, and why */
};
struct accounts_numbers accounts_numbers(struct accounts *accounts);

#endif
