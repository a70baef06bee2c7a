/* SPDX-License-Identifier: MIT
 * The command line.
 */
#include <getopt.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/check.h"
#include "proxy/instance.h"
#include "proxy/version.h"

#define DEFAULT_FILE "/etc/sluse/pool.ini"

enum { OPTION_CHECK = 256, OPTION_CONNECT, OPTION_REFERENCE };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", required_argument, NULL, OPTION_CHECK},
    {"connect", no_argument, NULL, OPTION_CONNECT},
    {"print-reference", no_argument, NULL, OPTION_REFERENCE},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void usage(FILE *out)
{
    fprintf(out, "usage: sluse [-c FILE]                  run (default: " DEFAULT_FILE ")\n"
                 "       sluse --check FILE [--connect]   check FILE; with --connect also log in to the server\n"
                 "       sluse --print-reference          the manual of pool.ini, as Markdown\n"
                 "       sluse --version | --help\n");
}

static int check(const char *path, bool connect)
{
    struct conf *conf = check_load(path);
    int status = 0;

    if (!conf)
        return 1;
    printf("%s: ok\n", path);
    check_node(conf);
    fflush(stdout);
    if (connect)
        status = check_connect(conf);
    conf_drop(conf);
    return status;
}

static int run(const char *path)
{
    struct conf *conf = check_load(path);
    int status;

    if (!conf)
        return 1;
    status = instance_run(conf);
    conf_drop(conf);
    return status;
}

int main(int argc, char **argv)
{
    const char *path = DEFAULT_FILE, *check_path = NULL;
    bool connect = false;
    int option, status;

    while ((option = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case OPTION_CHECK:
            check_path = optarg;
            break;
        case OPTION_CONNECT:
            connect = true;
            break;
        case OPTION_REFERENCE:
            conf_print_reference(stdout);
            return 0;
        case 'V':
            printf("sluse " SLUSE_VERSION "\n");
            return 0;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return 2;
        }
    }
    if (optind < argc || (connect && !check_path)) {
        usage(stderr);
        return 2;
    }
    if (mysql_library_init(0, NULL, NULL))
        return 1;
    status = check_path ? check(check_path, connect) : run(path);
    mysql_library_end();
    return status;
}
