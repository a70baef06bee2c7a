/* SPDX-License-Identifier: MIT
 * What the node gives to the process: processors, descriptors, and the kernel's settings for many connections.
 */
#ifndef SLUSE_PROXY_NODE_H
#define SLUSE_PROXY_NODE_H

#include "conf/conf.h"

/* Gets each shortage, as one line with its remedy. */
struct node_teller {
    void (*tell)(void *user, const char *line);
    void *user;
};

/* Threads that serve clients: as set, or one a processor. */
unsigned node_workers(const struct conf *conf);

/* Descriptors for everything: max_clients, size, listening sockets, loops, HTTP, and what is open for a moment. */
uint64_t node_descriptors(const struct conf *conf);
/* Tells when more are needed than `allowed`. Returns how many clients may be let in so that the rest has its descriptors, or at least a quarter of all;
 * UINT64_MAX: they are no limit. */
uint64_t node_check_descriptors(const struct conf *conf, uint64_t allowed, const struct node_teller *teller);
/* How many this process could open: its hard limit. */
uint64_t node_descriptors_allowed(void);
/* Raises the soft limit to the hard one, and does the above. */
uint64_t node_raise_descriptors(const struct conf *conf, const struct node_teller *teller);

/* net.core.somaxconn, net.ipv4.ip_local_port_range and net.ipv4.tcp_tw_reuse, as files below `sys` ("/proc/sys"); one that is not there is no error. */
void node_check_kernel(const struct conf *conf, const char *sys, const struct node_teller *teller);

#endif
