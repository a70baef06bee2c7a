/* SPDX-License-Identifier: MIT
 * A worker's backends: leasing them to its sessions, taking them back, cleaning, and doing for the pool what the pool decides.
 *
 *   lease ----> an idle one of this worker (no lock, when nobody waits)
 *          `--> a slot of the pool: connect here
 *          `--> the pool's queue, until a worker frees a backend or a slot: handed over at once or by message
 *
 * An idle backend stays in its worker's loop with its read watcher: death is seen for free. It moves only to a session that waits.
 */
#ifndef SLUSE_PROXY_FRAMES_H
#define SLUSE_PROXY_FRAMES_H

#include "proxy/backend.h"
#include "proxy/pool.h"

/* What all workers' frames share; read-only but for what it points to. */
struct frames_shared {
    struct pool *pool;
    struct frames **all; /* of each worker */
    unsigned count;
};

struct frames {
    struct backend_context context;
    const struct frames_shared *shared;
    struct backend_list idle;          /* most recently used first */
    atomic_uint idle_count;            /* written by the own thread only */
    atomic_bool nudged;                /* a message that somebody waits is on its way */
    struct message nudge;
    struct deadline_queue waiting;     /* wait_timeout */
    ev_timer retry;                    /* after a back-off */
    ev_timer janitor;
    struct log_limit starved;          /* of the line about sessions that got no connection */
    bool stopping;
};

/* context's loop, conf, accounts, target, facts and control are filled in by the caller. */
void frames_open(struct frames *f, const struct frames_shared *shared);
/* Closes every idle backend; the others follow as they become free. */
void frames_stop(struct frames *f);
void frames_close(struct frames *f);

/* Asks for a backend loaded with lease->session. True: the lease is HELD now. False: ready or failed of lease->ops will be called,
 * later; frames_cancel takes the wish back. */
bool frames_lease(struct frames *f, struct lease *lease) __attribute__((warn_unused_result));
/* Takes a wish back: WAITING, CONNECTING or RESTORING. Nothing is called any more. */
void frames_cancel(struct frames *f, struct lease *lease);
/* The session ends, in whatever state its lease is: waiting, resident, or holding a backend with a command half-sent, a reply under way, or at rest. border:
 * no command of ours lies half-written on its wire. Afterwards the lease is NONE, and resident nowhere. */
void frames_release(struct frames *f, struct lease *lease, bool border);
/* Between two commands of a session that nothing pins: it becomes resident, and its backend may be taken by others. It stays held when the backend can't be
 * given away now. */
void frames_yield(struct frames *f, struct lease *lease);
/* A backend at rest that is logged in as the session's account: the session's own, which it holds or holds then, or nobody's. A KILL QUERY aimed at it hits nothing,
 * and shows whether the asker may kill the session. NULL: there is none. The caller counts the KILL in b->kills; nobody else has the backend until it is answered. */
struct backend *frames_judge(struct frames *f, struct lease *lease);
/* Loads the held backend anew for a lease whose image has changed; ready or failed follows. */
void frames_reload(struct frames *f, struct lease *lease);
/* Is its own backend, which it has not left, being given its residue? */
static inline bool lease_is_primed(const struct lease *lease)
{
    return lease->state == LEASE_RESTORING && lease->backend->prime.active;
}
/* Gives the held backend these (enum residue), which backend_can_prime has named; ready or lost follows. */
void frames_prime(struct lease *lease, uint8_t which);
/* The held backend is gone or must go: it is closed and the lease is NONE. lost: the server has ended it. */
void frames_discard(struct lease *lease, enum close_reason reason, bool lost);

/* Half a command lies on the held backend, and the rest will not come: it is closed, and the lease is NONE. True: the session has lost nothing with it. */
bool frames_tear(struct frames *f, struct lease *lease) __attribute__((warn_unused_result));

/* The session is silent since then; nothing happens when it is on a backend, or has set no wait_timeout. */
void frames_silence_begin(struct frames *f, struct lease *lease, int64_t since_us);

/* Is it known now what the session's texts ran, and is it not held for that any more? */
bool frames_end_doubt(struct frames *f, struct lease *lease);
/* More is known of the server: sessions that are held only because it was not are let go. */
void frames_look_again(struct frames *f);

/* The settings are others: deadlines follow, and the pool's new bound. The loop's thread. */
void frames_settings_changed(struct frames *f, const struct conf *conf);

/* The control thread has reached the server: a back-off has no reason any more. */
void frames_server_up(struct frames *f);
/* Opens what min_idle asks for, and one more as long as something is wrong of which only a login shows that it is over. The loop's thread. */
void frames_probe(struct frames *f);

#endif
