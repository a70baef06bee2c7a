/* SPDX-License-Identifier: MIT
 * Reading the file again.
 */
#include "proxy/reload.h"

#include "proxy/log.h"

static void tell_errors(const struct conf_errors *errors, const char *path)
{
    for (size_t i = 0; i < errors->count; i++)
        if (errors->list[i].line)
            log_line(LOG_ERROR, "reload: %s:%d: %s", errors->list[i].path, errors->list[i].line, errors->list[i].text);
        else
            log_line(LOG_ERROR, "reload: %s: %s", errors->list[i].path, errors->list[i].text);
    if (errors->out_of_memory)
        log_line(LOG_ERROR, "reload: %s: out of memory", path);
    log_line(LOG_ERROR, "reload: nothing was changed");
}

static void tell_change(void *user, const struct conf_change *change)
{
    unsigned *changes = user;

    ++*changes;
    if (change->account)
        log_line(LOG_INFO, "reload: [account %s]: %s", change->account, change->name);
    else if (change->before)
        log_line(change->waits ? LOG_WARNING : LOG_INFO, "reload: [%s] %s: %s -> %s%s", change->section, change->name, change->before, change->after,
                 change->waits ? ": waits for a restart" : "");
    else
        log_line(LOG_INFO, "reload: [%s] %s: changed", change->section, change->name);
}

static struct conf *load(const struct conf *running)
{
    struct conf_errors errors = {0};
    struct conf *conf = conf_load(running->path, &errors);
    unsigned changes = 0;

    log_line(LOG_INFO, "SIGHUP: reloading %s", running->path);
    if (!conf)
        tell_errors(&errors, running->path);
    conf_errors_free(&errors);
    if (!conf)
        return NULL;
    if (!conf_changes(running, conf, tell_change, &changes) || !conf_keep_fixed(conf, running)) {
        log_line(LOG_ERROR, "reload: out of memory; nothing was changed");
        conf_drop(conf);
        return NULL;
    }
    if (!changes)
        log_line(LOG_INFO, "reload: the file says what is running already");
    return conf;
}

struct conf *reload_load(const struct conf *running, struct reloads *reloads)
{
    struct conf *conf = load(running);

    atomic_fetch_add(conf ? &reloads->done : &reloads->refused, 1);
    atomic_store(&reloads->stale, conf == NULL);
    return conf;
}
