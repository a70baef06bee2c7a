/* SPDX-License-Identifier: MIT
 * Reads the stored code of a server as sluse does, and prints what it makes of the names that are asked for.
 *
 *   stored_code_names PORT USER PASSWORD READINGS NAME...
 *
 * Prints one JSON object: milliseconds of each reading, the server's counters, how many names and schemas there are, and the meanings of the NAMEs;
 * "schema:NAME" asks whether a schema was read.
 */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/lexer.h"
#include "proxy/clock.h"
#include "proxy/stored_code.h"

static struct stored_code *read_timed(MYSQL *mysql, bool first)
{
    struct stored_code *code = NULL;
    int64_t began = monotonic_us();
    char why[256] = "";

    if (!stored_code_read(mysql, NULL, &code, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    printf("%s%.1f", first ? "" : ", ", (double)(monotonic_us() - began) / 1000);
    return code;
}

static int meaning(const struct name_set *names, const char *name)
{
    if (strncmp(name, "schema:", 7) == 0)
        return name_set_has_schema(names, name_hash(name + 7, strlen(name + 7)));
    return name_set_find(names, name_hash(name, strlen(name)));
}

static void print_counters(MYSQL *mysql)
{
    int64_t began = monotonic_us();
    uint64_t mixed;

    if (!stored_code_counters(mysql, &mixed)) {
        fprintf(stderr, "%s\n", mysql_error(mysql));
        exit(1);
    }
    printf("], \"counters\": %llu, \"counters_ms\": %.2f", (unsigned long long)mixed, (double)(monotonic_us() - began) / 1000);
}

int main(int count, char **arguments)
{
    MYSQL *mysql = mysql_init(NULL);
    struct stored_code *code = NULL;

    if (count < 5 || !mysql)
        return 2;
    if (!mysql_real_connect(mysql, "127.0.0.1", arguments[2], arguments[3], NULL, (unsigned)atoi(arguments[1]), NULL, 0)) {
        fprintf(stderr, "%s\n", mysql_error(mysql));
        return 1;
    }
    printf("{\"ms\": [");
    for (int i = 0; i < atoi(arguments[4]); i++) {
        stored_code_drop(code);
        code = read_timed(mysql, i == 0);
    }
    print_counters(mysql);
    if (code) {
        printf(", \"count\": %zu, \"schemas\": %zu, \"reads\": %u", code->names.count, code->names.schema_count, code->names.reads);
        printf(", \"meanings\": [");
        for (int i = 5; i < count; i++)
            printf("%s%d", i > 5 ? ", " : "", meaning(&code->names, arguments[i]));
        printf("]");
    }
    puts("}");
    stored_code_drop(code);
    mysql_close(mysql);
    mysql_library_end();
    return 0;
}
