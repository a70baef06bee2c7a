/* SPDX-License-Identifier: MIT
 * What reply.c and its parts share; for nobody else.
 */
#ifndef SLUSE_PROTOCOL_REPLY_PART_H
#define SLUSE_PROTOCOL_REPLY_PART_H

#include "protocol/reply.h"

/* One call's view: [run, at) is what goes on unchanged and is not yet in the pieces. */
struct walk {
    struct reply *r;
    uint8_t *run;
    uint8_t *at;
    uint8_t *end;
    struct pieces *out;
};

/* What goes on unchanged goes into the pieces. */
void reply_flush(struct walk *w);
/* An OK or EOF that ends something. The whole packet is in view. False: it is none. */
bool reply_pass_ok(struct walk *w, uint32_t length) __attribute__((warn_unused_result));

#endif
