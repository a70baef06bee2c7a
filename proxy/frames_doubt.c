/* SPDX-License-Identifier: MIT
 * Sessions that are held because it was not known what is stored at the server: when it is known, they are looked at again.
 */
#include "proxy/frames_part.h"
#include "proxy/stored_code.h"

bool frames_end_doubt(struct frames *f, struct lease *lease)
{
    const struct stored_code *code = f->context.facts->stored_code;
    uint64_t changes;

    return lease->session.doubt && target_stored_code_sure(f->context.target, code, &changes) && session_doubt_end(&lease->session, &code->names, changes);
}

void frames_look_again(struct frames *f)
{
    struct backend *b, *next;

    for (b = TAILQ_FIRST(&f->context.every); b; b = next) {
        next = TAILQ_NEXT(b, every);
        if (b->state != BACKEND_LEASED || !frames_end_doubt(f, b->lease))
            continue;
        b->lease->ops->answered(b->lease);
        next = TAILQ_FIRST(&f->context.every); /* whoever waited may have changed the list */
    }
}
