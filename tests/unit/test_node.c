/* SPDX-License-Identifier: MIT
 * What is said of a node that has too little: descriptors, and the kernel's settings out of files of our own.
 */
#include "proxy/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/split.h"

Suite *node_suite(void);

static char sys[] = "/tmp/sluse-node-XXXXXX", said[2000];
static unsigned lines;
static struct conf_address listen_on[2];
static struct conf conf;

static void keep(void *user, const char *line)
{
    ck_assert_ptr_eq(user, said);
    lines++;
    snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", line);
}

static const struct node_teller teller = {keep, said};

static void write_file(const char *name, const char *text)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", sys, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void with_kernel(const char *somaxconn, const char *range, const char *reuse)
{
    write_file("net/core/somaxconn", somaxconn);
    write_file("net/ipv4/ip_local_port_range", range);
    write_file("net/ipv4/tcp_tw_reuse", reuse);
}

static void set_up(void)
{
    static const char *const folders[] = {"", "net", "net/core", "net/ipv4"};
    char path[200];

    ck_assert_ptr_nonnull(mkdtemp(sys));
    for (size_t i = 1; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", sys, folders[i]);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    with_kernel("4096\n", "32768\t60999\n", "2\n");
    lines = 0;
    said[0] = '\0';
    memset(listen_on, 0, sizeof(listen_on));
    strcpy(listen_on[0].host, "127.0.0.1");
    conf = (struct conf){.listen = listen_on, .listen_count = 1, .workers = 2, .max_clients = 10000, .size = 20};
}

static void tear_down(void)
{
    char command[200];

    snprintf(command, sizeof(command), "rm -r %s", sys);
    ck_assert_int_eq(system(command), 0);
    strcpy(sys + strlen(sys) - 6, "XXXXXX");
}

static void assert_says(const char *what)
{
    lines = 0;
    said[0] = '\0';
    node_check_kernel(&conf, sys, &teller);
    if (!what) {
        ck_assert_str_eq(said, "");
        return;
    }
    ck_assert_msg(lines == 1 && strncmp(said, what, strlen(what)) == 0, "%s", said);
    ck_assert_ptr_nonnull(strstr(said, ": packaging/sysctl.d/60-sluse.conf has what a node needs\n"));
}

/* --- the kernel --- */

START_TEST(defaults_are_enough)
{
    assert_says(NULL);
}
END_TEST

START_TEST(files_that_are_not_there)
{
    node_check_kernel(&conf, "/nosuch", &teller);
    ck_assert_uint_eq(lines, 0);
    with_kernel("", "nonsense", "?");
    assert_says(NULL);
    with_kernel("4096", "32768", "2"); /* half a range */
    assert_says(NULL);
}
END_TEST

START_TEST(a_short_listening_queue)
{
    write_file("net/core/somaxconn", "128\n");
    assert_says("net.core.somaxconn = 128: so many clients can wait to be accepted, 4096 are asked for");
    conf.max_clients = 200;
    assert_says("net.core.somaxconn = 128: so many clients can wait to be accepted, 200 are asked for");
    conf.max_clients = 128;
    assert_says(NULL);
}
END_TEST

START_TEST(few_ports)
{
    write_file("net/ipv4/ip_local_port_range", "50000 59998\n");
    assert_says("net.ipv4.ip_local_port_range = 50000 59998: 9999 ports, one for each client on loopback, and max_clients = 10000");
    write_file("net/ipv4/ip_local_port_range", "50000 59999\n");
    assert_says(NULL);
    conf.size = 5001; /* a pool of them, and one at rest */
    assert_says("net.ipv4.ip_local_port_range = 50000 59999: 10000 ports, and 10002 are needed for size = 5001");
    conf.size = 5000;
    assert_says(NULL);
    write_file("net/ipv4/ip_local_port_range", "2 1\n");
    assert_says("net.ipv4.ip_local_port_range = 2 1: 0 ports, and 10000 are needed");
    conf.backend_socket = "/s";
    assert_says("net.ipv4.ip_local_port_range = 2 1: 0 ports, one for each client");
    strcpy(listen_on[0].host, "10.0.0.1"); /* whose clients have ports of their own */
    assert_says(NULL);
}
END_TEST

START_TEST(addresses_on_loopback)
{
    static const char *const hosts[] = {"127.0.0.5", "::1", "0.0.0.0", "::"};

    write_file("net/ipv4/ip_local_port_range", "50000 50999\n");
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        strcpy(listen_on[0].host, "10.0.0.1");
        strcpy(listen_on[1].host, hosts[i]);
        conf.listen_count = 1;
        assert_says(NULL);
        conf.listen_count = 2;
        assert_says("net.ipv4.ip_local_port_range = 50000 50999: 1000 ports, one for each client");
    }
}
END_TEST

START_TEST(ports_that_rest)
{
    write_file("net/ipv4/tcp_tw_reuse", "0\n");
    assert_says("net.ipv4.tcp_tw_reuse = 0: a port rests for 60 s, so 28232 ports allow 470 new connections a second");
    write_file("net/ipv4/tcp_tw_reuse", "1\n");
    assert_says(NULL);
    write_file("net/ipv4/tcp_tw_reuse", "0\n");
    conf.listen_count = 0; /* a Unix socket at either end needs no ports */
    conf.socket = "/c";
    conf.backend_socket = "/s";
    assert_says(NULL);
}
END_TEST

/* --- descriptors --- */

START_TEST(enough_descriptors)
{
    uint64_t wanted = node_descriptors(&conf);

    ck_assert_uint_gt(wanted, conf.max_clients + conf.size + 64);
    ck_assert_uint_eq(node_check_descriptors(&conf, wanted, &teller), UINT64_MAX);
    ck_assert_uint_eq(node_check_descriptors(&conf, RLIM_INFINITY, &teller), UINT64_MAX);
    ck_assert_uint_eq(lines, 0);
}
END_TEST

START_TEST(all_that_needs_them)
{
    uint64_t before = node_descriptors(&conf);

    conf.workers++; /* a loop, its mailbox, a client that is refused, and a socket for each address */
    ck_assert_uint_eq(node_descriptors(&conf) - before, 4);
    before = node_descriptors(&conf);
    conf.listen_count++;
    ck_assert_uint_eq(node_descriptors(&conf) - before, conf.workers + 1);
    before = node_descriptors(&conf);
    conf.size += 7;
    conf.max_clients += 9;
    ck_assert_uint_eq(node_descriptors(&conf) - before, 16);
}
END_TEST

START_TEST(too_few_descriptors)
{
    uint64_t wanted = node_descriptors(&conf), rest = wanted - conf.max_clients;
    char line[300];

    ck_assert_uint_eq(node_check_descriptors(&conf, wanted - 1, &teller), conf.max_clients - 1);
    snprintf(line, sizeof(line), "open files: %u wanted for max_clients = 10000 and size = 20, %u allowed: raise LimitNOFILE in the unit (ulimit -Hn in a"
             " shell) to %u, or lower max_clients to 9999\n", (unsigned)wanted, (unsigned)wanted - 1, (unsigned)wanted);
    ck_assert_str_eq(said, line);
    conf.max_clients = 9999; /* as advised */
    ck_assert_uint_eq(node_check_descriptors(&conf, wanted - 1, &teller), UINT64_MAX);
    ck_assert_uint_eq(lines, 1);
    ck_assert_uint_eq(node_check_descriptors(&conf, 4 * rest, &teller), 3 * rest);
    ck_assert_uint_eq(node_check_descriptors(&conf, rest, &teller), (rest + 3) / 4); /* somebody is let in all the same */
    ck_assert_ptr_nonnull(strstr(said, "or lower size and max_clients\n"));
    ck_assert_uint_ge(node_check_descriptors(&conf, 1, &teller), 1);
}
END_TEST

START_TEST(the_soft_limit_is_raised)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 64; /* in a process of its own */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    conf.max_clients = 1;
    ck_assert_uint_eq(node_descriptors_allowed(), limit.rlim_max);
    (void)node_raise_descriptors(&conf, &teller);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
    ck_assert_uint_eq(lines, 0);
}
END_TEST

START_TEST(workers)
{
    ck_assert_uint_eq(node_workers(&conf), 2);
    conf.workers = 0;
    ck_assert_uint_ge(node_workers(&conf), 1);
    ck_assert_uint_le(node_workers(&conf), 64);
}
END_TEST

Suite *node_suite(void)
{
    const TTest *const tests[] = {defaults_are_enough, files_that_are_not_there, a_short_listening_queue, few_ports, addresses_on_loopback, ports_that_rest,
                                  enough_descriptors, all_that_needs_them, too_few_descriptors, the_soft_limit_is_raised, workers};
    Suite *suite = suite_create("node");
    TCase *tcase = tcase_create("node");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}
