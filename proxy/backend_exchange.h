/* SPDX-License-Identifier: MIT
 * What a login and the loading of an image have in common. Only backend_exchange.c, backend_login.c and backend_load.c include this.
 *
 * Each function that fails does so with backend_fail: the caller goes on to its end and nothing more is read.
 */
#ifndef SLUSE_PROXY_BACKEND_EXCHANGE_H
#define SLUSE_PROXY_BACKEND_EXCHANGE_H

#include "protocol/login.h"
#include "proxy/backend.h"

#define EXCHANGE_PACKET 4096u /* what we send fits */
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

/* backend_login.c: one packet of greeting or authentication. */
void login_packet(struct backend *b, struct wire_text payload, uint8_t sequence);

/* backend_load.c: what is left to be said when the user is right (the step says what is awaited then). */
void load_rest(struct backend *b);
/* A reply to what was said around the authentication has ended; fresh: bytes are all of it. */
void load_reply(struct backend *b, const uint8_t *bytes, size_t length, bool fresh);

#endif
