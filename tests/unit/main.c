/* SPDX-License-Identifier: MIT
 * Runs the unit tests: one suite a file.
 */
#include <check.h>
#include <stdlib.h>

#define SUITES(SUITE)                                                                                                                                \
    SUITE(wire)                                                                                                                                      \
    SUITE(packet)                                                                                                                                    \
    SUITE(capability)                                                                                                                                \
    SUITE(greeting)                                                                                                                                  \
    SUITE(login)                                                                                                                                     \
    SUITE(auth)                                                                                                                                      \
    SUITE(reply_packet)                                                                                                                              \
    SUITE(reply)                                                                                                                                     \
    SUITE(reply_row)                                                                                                                                 \
    SUITE(trackers)                                                                                                                                  \
    SUITE(command)                                                                                                                                   \
    SUITE(lexer)                                                                                                                                     \
    SUITE(name_list)                                                                                                                                 \
    SUITE(name_set)                                                                                                                                  \
    SUITE(variable)                                                                                                                                  \
    SUITE(statement)                                                                                                                                 \
    SUITE(residue_text)                                                                                                                              \
    SUITE(residue_prime)                                                                                                                             \
    SUITE(conf)                                                                                                                                      \
    SUITE(conf_change)                                                                                                                               \
    SUITE(stored_code)                                                                                                                               \
    SUITE(session_image)                                                                                                                             \
    SUITE(session_values)                                                                                                                            \
    SUITE(session)                                                                                                                                   \
    SUITE(session_doubt)                                                                                                                             \
    SUITE(account)                                                                                                                                   \
    SUITE(globals)                                                                                                                                   \
    SUITE(pool)                                                                                                                                      \
    SUITE(buffer)                                                                                                                                    \
    SUITE(deadline)                                                                                                                                  \
    SUITE(mailbox)                                                                                                                                   \
    SUITE(stream)                                                                                                                                    \
    SUITE(node)                                                                                                                                      \
    SUITE(notify)                                                                                                                                    \
    SUITE(backend)                                                                                                                                   \
    SUITE(stats)                                                                                                                                     \
    SUITE(log)

#define DECLARE(name) Suite *name##_suite(void);
SUITES(DECLARE)

int main(void)
{
    SRunner *runner = srunner_create(NULL);
    int failed;

#define ADD(name) srunner_add_suite(runner, name##_suite());
    SUITES(ADD)
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
