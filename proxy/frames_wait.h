/* SPDX-License-Identifier: MIT
 * Waiting for a backend: the part of frames.c that deals with the pool's queue. Only frames.c and frames_wait.c include this.
 */
#ifndef SLUSE_PROXY_FRAMES_WAIT_H
#define SLUSE_PROXY_FRAMES_WAIT_H

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

/* frames.c: what the above need of it. */
struct backend *frames_idle_for(struct frames *f, uint32_t key);
void frames_turn_over(struct frames *f);
void frames_connect_for(struct frames *f, struct lease *lease);
/* Off its idle list and loop; then, on the other side, loaded for the lease or, when that has gone (NULL), one more idle backend. */
void frames_send_away(struct frames *f, struct backend *b);
void frames_receive(struct frames *f, struct backend *b, struct lease *lease);

#endif
