/* SPDX-License-Identifier: MIT
 * What the parts of frames need of each other: frames.c (lease and release), frames_events.c (what backends tell), frames_idle.c (the idle list) and
 * frames_wait.c (the pool's queue).
 * Nobody else includes this.
 */
#ifndef SLUSE_PROXY_FRAMES_PART_H
#define SLUSE_PROXY_FRAMES_PART_H

#include "proxy/frames.h"

void frames_wait_open(struct frames *f);
void frames_wait_close(struct frames *f);

/* frames_wait.c: a slot, a place in the queue, or an error, for a lease that found nothing idle. */
void frames_ask(struct frames *f, struct lease *lease, int64_t now_us);
/* The connection made for the lease failed for a passing reason: back to its place. */
void frames_wait_again(struct frames *f, struct lease *lease, const struct backend_error *error);
/* Out of the queue, or out of reach of what is on its way to it. */
void frames_forget(struct frames *f, struct lease *lease);
/* Idle backends here, and somebody waits: hand over as many as fit, in the queue's order. */
void frames_serve(struct frames *f);
/* A connection has ended. */
void frames_slot_back(struct frames *f);
/* A login went well, or a back-off is over: free slots to who waits. */
void frames_kick(struct frames *f);
/* A connect or login failed. */
void frames_back_off(struct frames *f);

/* The waiter was taken off the queue; the backend, idle and in no list, goes to it. */
void frames_grant(struct frames *f, struct waiter *waiter, struct backend *b);
/* Nothing came of what was meant for the waiter: back to its place. */
void frames_waiter_again(struct frames *f, struct waiter *waiter);

/* frames_idle.c */
void frames_idle_open(struct frames *f);
/* Idle now; and if somebody waits it is given away at once. */
void frames_idle_add(struct frames *f, struct backend *b);
void frames_idle_remove(struct frames *f, struct backend *b);
bool frames_is_fresh(struct frames *f, const struct backend *b, int64_t now_us);
/* Of those without a resident session: the one that needs the least to serve the lease, the warmest among equals. */
struct backend *frames_idle_nearest(struct frames *f, const struct lease *lease, int64_t now_us);
/* One with that key for who waits: without a resident session if there is one, else the one that can best be stolen. NULL: none. */
struct backend *frames_idle_for(struct frames *f, uint32_t key);
/* The resident session's page is of no backend any more; what was not saved is lost. */
void frames_page_out(struct backend *b);
/* IDLE and off its list: the resident session's page leaves (first the server is asked, if it must be: SAVING), then the backend goes to the waiter, is
 * closed for the reason (close >= 0), or becomes idle without a page. */
void frames_evict(struct frames *f, struct backend *b, struct waiter *waiter, int close);
/* The idle one that is missed the least; NULL: there is none. */
struct backend *frames_idle_least(struct frames *f);
/* Closes one that fits nobody, to make room for one that does. */
void frames_turn_over(struct frames *f);

/* frames_settings.c: the pool shrinks, and the backend (IDLE, in no list) was one too many: it is on its way out. */
bool frames_retire(struct frames *f, struct backend *b);
/* It has ended, or is needed after all. */
void frames_retired(struct frames *f, struct backend *b);
/* Idle ones leave as long as there are too many. */
void frames_shrink(struct frames *f);

/* frames_starved.c: a session gets no connection, but this 3168: said in the log, with what holds them, every ten seconds at most. */
void frames_starved(struct frames *f, const struct backend_error *error);

/* frames_silence.c: it has a command, or ends. */
void frames_silence_end(struct frames *f, struct lease *lease);
void frames_silence_free(struct frames *f, struct lease *lease);

/* frames_saved.c */
void frames_saved(struct backend *b, bool done);
/* IDLE and off its list: may the resident session's page leave it at all? */
bool frames_may_leave(const struct frames *f, const struct backend *b);
/* It may not: it keeps the backend, which was meant for the waiter, if there is one. */
void frames_keep(struct frames *f, struct backend *b, struct waiter *waiter);
/* Its resident session, if there is one, loses its page: what was not known of it is lost, and then so is the session. */
void frames_lose_page(struct backend *b);

/* frames_failed.c: it failed before it was leased, with what the lease that waits for it is told. */
void frames_failed(struct backend *b, enum close_reason reason, const struct backend_error *error);
/* It gets no backend, but this; of a session that has begun and was refused by the server there is nothing to go on with. 3168: it has only waited too long. */
void frames_refuse(struct frames *f, struct lease *lease, const struct backend_error *error);
/* Would the lease have to log in (there, if b is not NULL), as somebody whom the server has just refused? Then it gets the same answer, and the server is not
 * asked again for each of a thousand clients, nor is a connection of another account lost to it. */
bool frames_denied(struct frames *f, const struct lease *lease, const struct backend *b, struct backend_error *error);

/* frames_prime.c: the server has answered, or has not. */
void frames_primed(struct backend *b);
void frames_prime_failed(struct backend *b, enum close_reason reason);

/* frames.c */
/* The idle backend, in no list, gets the lease's page. True: held at once. Else the lease waits for the server's answer, or for another connection. */
bool frames_load(struct frames *f, struct lease *lease, struct backend *b, int64_t now_us);
/* A clean backend is nobody's: to who waits, or to the idle list. */
void frames_settle(struct backend *b);
/* The backend, loaded, is the lease's. */
void frames_hold(struct frames *f, struct lease *lease, struct backend *b);
/* Nobody's session is on it any more. */
void frames_clean(struct backend *b);
void frames_connect_for(struct frames *f, struct lease *lease);
/* What was granted, on its new worker: loaded for the lease or, when that has gone (NULL), one more idle backend. */
void frames_receive(struct frames *f, struct backend *b, struct lease *lease);

#endif
