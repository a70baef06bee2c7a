/* SPDX-License-Identifier: MIT
 * What has run on a backend since it was last clean, and so what a session may have left there.
 */
#ifndef SLUSE_PROXY_FOOTPRINT_H
#define SLUSE_PROXY_FOOTPRINT_H

#include <stdint.h>

enum footprint {
    FOOTPRINT_NONE,   /* nothing: the image is exactly what was loaded */
    FOOTPRINT_PLAIN,  /* statements that change nothing but what the wire tells */
    FOOTPRINT_KNOWN,  /* changes that the wire or the text names */
    FOOTPRINT_OPAQUE, /* anything may have changed */
};

/* Of a command by its byte. Every command that reaches a server is opaque as long as no lexer reads its text. */
static inline enum footprint footprint_of_command(uint8_t byte)
{
    (void)byte;
    return FOOTPRINT_OPAQUE;
}

#endif
