/* SPDX-License-Identifier: MIT
 * What a login and the loading of an image have in common. Only the backend_*.c files include this.
 *
 * Each function that fails does so with backend_fail: the caller goes on to its end and nothing more is read.
 */
#ifndef SLUSE_PROXY_BACKEND_EXCHANGE_H
#define SLUSE_PROXY_BACKEND_EXCHANGE_H

#include "protocol/login.h"
#include "proxy/backend.h"

/* A statement that does nothing on MySQL, but that the list of warnings begins anew and ROW_COUNT() is 0: DO would make FOUND_ROWS() 1. */
#define MYSQL_NOTHING "SET sql_select_limit=@@session.sql_select_limit"
#define EXCHANGE_PACKET 16384u /* what we send fits */
#define EXCHANGE_LIMIT 65536u /* longer than anything a server says here */

/* backend_exchange.c */
void exchange_fail(struct backend *b, const char *why);
/* What we know of the account is not enough to log in: an error of the account's, as a wrong password would be. */
void exchange_fail_account(struct backend *b);
/* The server's ERR. */
void exchange_refused(struct backend *b, const uint8_t *payload, size_t length);
void exchange_send(struct backend *b, struct wire_writer *w);
struct login_request exchange_request(const struct backend *b, const uint8_t *answer, size_t answer_length);
void exchange_attributes(struct wire_writer *w);

/* backend_page_in.c: the cheapest way to load a session that has begun into what is on the backend now. */
enum page_in { PAGE_IN_DIFFERENCE, PAGE_IN_RESET, PAGE_IN_LOGIN };
enum page_in backend_page_in_way(const struct backend *b, const struct session *s);
/* Where nobody knows what a backend has that takes the globals just now, the session takes those that it began with as its own. False: it has more than
 * is kept, and the backend fails. */
bool backend_keep_globals(struct backend *b, struct session *s);
/* One SET of what the session has and the backend has not: there, status and insert_id are the backend's. Counted in b->owed when there is any.
 * True: the server can't refuse it. */
bool backend_put_settings(struct backend *b, struct wire_writer *w, const struct session *s, const struct session_values *there, uint16_t status,
                          uint64_t insert_id);
/* Henceforth the backend has the session's page. */
void backend_note_page(struct backend *b, const struct session *s);

/* backend_load.c: does COM_RESET_CONNECTION go back to the character set that the image says? */
bool exchange_resets_to_itself(const struct backend *b);

/* backend_login.c: one packet of greeting or authentication. */
void login_packet(struct backend *b, struct wire_text payload, uint8_t sequence);

/* backend_load.c: what is left to be said when the user is right (the step says what is awaited then). */
void load_rest(struct backend *b);
/* A reply to what was said around the authentication has ended; fresh: bytes are all of it. */
void load_reply(struct backend *b, const uint8_t *bytes, size_t length, bool fresh);

/* backend_prime.c: a reply to what it said has ended. */
void prime_reply(struct backend *b);

#endif
