/* SPDX-License-Identifier: MIT
 * Command bytes: what their replies look like and who answers them. The rows are in command.def.
 * https://mariadb.com/kb/en/2-text-protocol/ , https://mariadb.com/kb/en/3-binary-protocol-prepared-statements/
 */
#ifndef SLUSE_PROTOCOL_COMMAND_H
#define SLUSE_PROTOCOL_COMMAND_H

#include <stdint.h>

enum reply_shape {
    REPLY_RESULT,  /* OK, ERR, EOF, or result sets, chained by STATUS_MORE_RESULTS */
    REPLY_NONE,    /* no reply at all */
    REPLY_PREPARE, /* prepare-OK and the definitions that it counts, or ERR */
    REPLY_FIELDS,  /* column definitions without a count, or ERR */
    REPLY_ROWS,    /* rows without columns (COM_STMT_FETCH), or ERR */
    REPLY_TEXT,    /* one packet of bare text */
    REPLY_STREAM,  /* packets without end, until ERR, EOF or the connection's end */
};

enum command_server {
    COMMAND_RELAYED, /* the frame's server answers */
    COMMAND_OURS,    /* sluse answers, with a frame's help where it must */
};

enum command_frame {
    FRAME_REUSABLE,
    FRAME_SPENT, /* nothing cleans what it did: the frame is closed when the session ends */
};

enum command_byte {
#define COMMAND(symbol, byte, shape, server, frame) symbol = byte,
#include "protocol/command.def"
#undef COMMAND
};

struct command_info {
    const char *name;
    enum reply_shape shape;
    enum command_server server;
    enum command_frame frame;
};

/* Never NULL: a byte without a row gets the row "unknown". */
const struct command_info *command_info(uint8_t byte);

#endif
