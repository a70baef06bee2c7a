/* SPDX-License-Identifier: MIT
 * The table of commands, by byte.
 */
#include "protocol/command.h"

static const struct command_info unknown = {"unknown", REPLY_RESULT, COMMAND_RELAYED, FRAME_REUSABLE};

static const struct command_info table[256] = {
#define COMMAND(symbol, byte, shape, server, frame) [byte] = {#symbol, shape, server, frame},
#include "protocol/command.def"
#undef COMMAND
};

const struct command_info *command_info(uint8_t byte)
{
    return table[byte].name ? &table[byte] : &unknown;
}
