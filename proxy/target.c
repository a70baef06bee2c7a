/* SPDX-License-Identifier: MIT
 * What is known of the server.
 */
#include "proxy/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "proxy/invariant.h"
#include "proxy/stored_code.h"

static void set_socket_address(struct target *target, const char *path)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&target->facts.address;

    address->sun_family = AF_UNIX;
    snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
    target->facts.address_length = sizeof *address;
    target->facts.addressed = true;
    target->name = strdup(path);
}

void target_open(struct target *target, const char *host, uint16_t port, const char *socket_path)
{
    *target = (struct target){.private_line = socket_path != NULL, .facts.init_connect = true};
    pthread_mutex_init(&target->mutex, NULL);
    atomic_init(&target->up, false);
    atomic_init(&target->stored_code.right, 0);
    atomic_init(&target->stored_code.changes, 0);
    atomic_init(&target->globals.right, 0);
    atomic_init(&target->globals.globals_us, 0);
    atomic_init(&target->globals.privileges_us, 0);
    if (socket_path)
        set_socket_address(target, socket_path);
    else if (asprintf(&target->name, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port) < 0)
        target->name = NULL;
    INVARIANT(target->name);
}

void target_close(struct target *target)
{
    stored_code_drop(target->stored_code.newest);
    target_globals_close(target);
    pthread_mutex_destroy(&target->mutex);
    free(target->name);
}

bool target_usable(struct target *target)
{
    return atomic_load(&target->up) && target_facts(target).greeted;
}

struct target_facts target_facts(struct target *target)
{
    struct target_facts copy;

    pthread_mutex_lock(&target->mutex);
    copy = target->facts;
    pthread_mutex_unlock(&target->mutex);
    return copy;
}

static void tell(struct target *target)
{
    if (target->changed)
        target->changed(target->changed_data);
}

static bool same_login(const struct target_facts *facts, const struct greeting *greeting, uint16_t status)
{
    return facts->greeted && strcmp(facts->server_version, greeting->version) == 0 && strcmp(facts->plugin, greeting->plugin) == 0 &&
           facts->capabilities == greeting->capabilities && facts->collation == greeting->collation && facts->status == status;
}

/* "11.8.6-MariaDB" is 110806; some MariaDBs have "5.5.5-" in front, for old replicas. */
static uint32_t number_of(const char *version)
{
    unsigned major = 0, minor = 0, patch = 0;

    if (strncmp(version, "5.5.5-", 6) == 0 && strstr(version, "MariaDB"))
        version += 6;
    if (sscanf(version, "%u.%u.%u", &major, &minor, &patch) < 2)
        return 0;
    return major * 10000 + minor * 100 + patch;
}

void target_learn_login(struct target *target, const struct target_facts *known, const struct greeting *greeting, uint16_t status)
{
    struct target_facts *facts = &target->facts;

    if (same_login(known, greeting, status))
        return;
    pthread_mutex_lock(&target->mutex);
    facts->greeted = true;
    memcpy(facts->server_version, greeting->version, sizeof facts->server_version);
    memcpy(facts->plugin, greeting->plugin, sizeof facts->plugin);
    facts->capabilities = greeting->capabilities;
    facts->collation = greeting->collation;
    facts->greeting_status = greeting->status;
    facts->status = status;
    facts->is_mariadb = strstr(greeting->version, "MariaDB") != NULL;
    facts->server_number = number_of(greeting->version);
    facts->version++;
    pthread_mutex_unlock(&target->mutex);
    tell(target);
}

void target_learn_address(struct target *target, const struct sockaddr *address, socklen_t length)
{
    struct target_facts *facts = &target->facts;
    bool same;

    pthread_mutex_lock(&target->mutex);
    same = facts->addressed && facts->address_length == length && memcmp(&facts->address, address, length) == 0;
    if (!same) {
        memcpy(&facts->address, address, length);
        facts->address_length = length;
        facts->addressed = true;
        facts->version++;
    }
    pthread_mutex_unlock(&target->mutex);
    if (!same)
        tell(target);
}

void target_learn_variables(struct target *target, bool init_connect, bool skip_name_resolve, uint64_t max_connections)
{
    struct target_facts *facts = &target->facts;
    bool same;

    pthread_mutex_lock(&target->mutex);
    same = facts->asked && facts->init_connect == init_connect && facts->skip_name_resolve == skip_name_resolve && facts->max_connections == max_connections;
    facts->asked = true;
    facts->init_connect = init_connect;
    facts->skip_name_resolve = skip_name_resolve;
    facts->max_connections = max_connections;
    if (!same)
        facts->version++;
    pthread_mutex_unlock(&target->mutex);
    if (!same)
        tell(target);
}

bool target_set_up(struct target *target, bool up)
{
    bool before = atomic_exchange(&target->up, up);

    if (before != up)
        tell(target);
    return before;
}

void target_set_error(struct target *target, const char *text)
{
    pthread_mutex_lock(&target->mutex);
    snprintf(target->last_error, sizeof target->last_error, "%s", text);
    pthread_mutex_unlock(&target->mutex);
}

bool target_failed(struct target *target, const char *text, unsigned *before)
{
    bool news;

    pthread_mutex_lock(&target->mutex);
    snprintf(target->last_error, sizeof target->last_error, "%s", text);
    news = log_is_news(&target->failures, text, before);
    pthread_mutex_unlock(&target->mutex);
    return news;
}

void target_succeeded(struct target *target)
{
    target_set_error(target, "");
}

void target_error(struct target *target, char *text, size_t size)
{
    pthread_mutex_lock(&target->mutex);
    snprintf(text, size, "%s", target->last_error);
    pthread_mutex_unlock(&target->mutex);
}
