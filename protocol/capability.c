/* SPDX-License-Identifier: MIT
 * What sluse does with each capability bit, read from capability.def.
 */
#include "protocol/capability.h"

#include <stddef.h>

struct row {
    uint32_t bit;
    enum capability_role role;
    unsigned always;
};

static const struct row rows[] = {
#define CAPABILITY(bit, role, always) {(uint32_t)(bit), role, always},
#include "protocol/capability.def"
#undef CAPABILITY
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static uint32_t bits_of(enum capability_role role)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].role == role)
            bits |= rows[i].bit;
    return bits;
}

uint32_t capability_offer(uint32_t server)
{
    return server & ~bits_of(CAPABILITY_HIDDEN);
}

uint32_t capability_key(uint32_t client)
{
    return client & bits_of(CAPABILITY_KEY);
}

uint32_t capability_request(uint32_t server, uint32_t key)
{
    uint32_t wanted = key & (bits_of(CAPABILITY_KEY) | bits_of(CAPABILITY_IMAGE));
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].always)
            wanted |= rows[i].bit;
    return wanted & server;
}
