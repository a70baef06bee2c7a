/* SPDX-License-Identifier: MIT
 * The table of commands: bytes as MariaDB numbers them, the shapes of their replies, and bytes without a row.
 */
#include "protocol/command.h"
#include "tests/unit/split.h"

Suite *command_suite(void);

struct command_row {
    uint8_t byte;
    const char *name;
    enum reply_shape shape;
    enum command_server server;
    enum command_frame frame;
};

static const struct command_row rows[] = {
    {0x01, "COM_QUIT", REPLY_NONE, COMMAND_OURS, FRAME_REUSABLE},
    {0x02, "COM_INIT_DB", REPLY_RESULT, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x03, "COM_QUERY", REPLY_RESULT, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x04, "COM_FIELD_LIST", REPLY_FIELDS, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x08, "COM_SHUTDOWN", REPLY_RESULT, COMMAND_RELAYED, FRAME_SPENT},
    {0x09, "COM_STATISTICS", REPLY_TEXT, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x0C, "COM_PROCESS_KILL", REPLY_RESULT, COMMAND_OURS, FRAME_REUSABLE},
    {0x0E, "COM_PING", REPLY_RESULT, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x11, "COM_CHANGE_USER", REPLY_RESULT, COMMAND_OURS, FRAME_REUSABLE},
    {0x12, "COM_BINLOG_DUMP", REPLY_STREAM, COMMAND_RELAYED, FRAME_SPENT},
    {0x15, "COM_REGISTER_SLAVE", REPLY_RESULT, COMMAND_RELAYED, FRAME_SPENT},
    {0x16, "COM_STMT_PREPARE", REPLY_PREPARE, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x17, "COM_STMT_EXECUTE", REPLY_RESULT, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x18, "COM_STMT_SEND_LONG_DATA", REPLY_NONE, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x19, "COM_STMT_CLOSE", REPLY_NONE, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x1A, "COM_STMT_RESET", REPLY_RESULT, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x1B, "COM_SET_OPTION", REPLY_RESULT, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x1C, "COM_STMT_FETCH", REPLY_ROWS, COMMAND_RELAYED, FRAME_REUSABLE},
    {0x1E, "COM_BINLOG_DUMP_GTID", REPLY_STREAM, COMMAND_RELAYED, FRAME_SPENT},
    {0x1F, "COM_RESET_CONNECTION", REPLY_RESULT, COMMAND_RELAYED, FRAME_REUSABLE},
};

START_TEST(known)
{
    const struct command_row *row = &rows[_i];
    const struct command_info *info = command_info(row->byte);
    ck_assert_str_eq(info->name, row->name);
    ck_assert_int_eq(info->shape, row->shape);
    ck_assert_int_eq(info->server, row->server);
    ck_assert_int_eq(info->frame, row->frame);
}
END_TEST

START_TEST(unknown)
{
    static const uint8_t bytes[] = {0x00, 0x05, 0x06, 0x0B, 0x0F, 0x10, 0x14, 0x1D, 0x22, 0x7F, 0x80, 0xFF};
    for (size_t i = 0; i < sizeof(bytes); i++) {
        const struct command_info *info = command_info(bytes[i]);
        ck_assert_str_eq(info->name, "unknown");
        ck_assert_int_eq(info->shape, REPLY_RESULT);
        ck_assert_int_eq(info->server, COMMAND_RELAYED);
        ck_assert_int_eq(info->frame, FRAME_REUSABLE);
    }
}
END_TEST

START_TEST(every_byte_has_a_row)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        const struct command_info *info = command_info((uint8_t)byte);
        ck_assert_ptr_nonnull(info);
        ck_assert_ptr_nonnull(info->name);
        ck_assert_int_le(info->shape, REPLY_STREAM);
        /* what streams without end leaves nothing to clean */
        ck_assert(info->shape != REPLY_STREAM || info->frame == FRAME_SPENT);
    }
}
END_TEST

Suite *command_suite(void)
{
    Suite *suite = suite_create("command");
    TCase *tests = tcase_create("command");
    tcase_add_loop_test(tests, known, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tests, unknown);
    tcase_add_test(tests, every_byte_has_a_row);
    suite_add_tcase(suite, tests);
    return suite;
}
