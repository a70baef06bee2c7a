/* SPDX-License-Identifier: MIT
 * When the stored code is read, and what becomes of it. KILLs are served in between.
 */
#include "proxy/control_part.h"

#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>

#include "proxy/invariant.h"
#include "proxy/log.h"
#include "proxy/stored_code.h"

#define CODE_SKIPS 5u     /* readings of the stored code that may be left out in a row because the server's counters stand still */
#define CODE_REST 4       /* between two readings, as a multiple of what the first took */
#define CODE_FAILED_REST 20
#define CODE_RETRY_US 50000 /* at least, after a reading that was not completed; doubles each time */
#define CODE_RETRIES 6u

static enum stored_code_pause between(void *data)
{
    static const struct timespec now;
    struct control *c = data;
    unsigned generation = c->generation;
    bool stop = false;

    c->account_used = false;
    c->asked_us = monotonic_us();
    control_serve_kills(c, &now, &stop);
    if (stop || !c->mysql || c->generation != generation)
        return PAUSE_STOP;
    return c->account_used ? PAUSE_SETTINGS_LOST : PAUSE_GO_ON;
}

static void note_failure(struct control *c, const char *why)
{
    if (why[0])
        target_stored_code_failed(c->target);
    else
        target_stored_code_unknown(c->target);
    if (!why[0] || strcmp(why, c->code.why) == 0)
        return;
    snprintf(c->code.why, sizeof c->code.why, "%s", why);
    log_line(LOG_WARNING, "server %s: its views, triggers and routines can't be read, so sessions share less: %s", c->target->name, why);
}

static void not_read(struct control *c, const char *why, int64_t took_us)
{
    bool lost = c->mysql && (control_is_connection_error(mysql_errno(c->mysql)) || mysql_errno(c->mysql) == ER_SERVER_SHUTDOWN);
    int64_t rest_us = took_us * (why[0] ? CODE_FAILED_REST : CODE_REST), retry_us = CODE_RETRY_US << c->code.retries;

    note_failure(c, lost ? "" : why);
    c->code.skipped = CODE_SKIPS;
    c->code.wanted |= !why[0];
    c->code.retries += c->code.retries < CODE_RETRIES;
    c->code.rest_us = monotonic_us() + (rest_us > retry_us ? rest_us : retry_us);
    if (lost)
        control_lost(c);
}

/* The counters are read first: what changes during the reading changes them again. */
static void read_everything(struct control *c, uint64_t changes, uint64_t counters)
{
    const struct stored_code_pauses pauses = {between, c};
    struct stored_code *code = NULL;
    int64_t began_us = monotonic_us(), took_us;
    char why[256] = "";
    bool read;

    c->code.wanted = false;
    c->code.generation = c->generation;
    read = stored_code_read(c->mysql, &pauses, &code, why, sizeof why);
    took_us = monotonic_us() - began_us;
    if (!read) {
        not_read(c, why, took_us);
        return;
    }
    c->code.changes = changes;
    c->code.counters = counters;
    c->code.skipped = c->code.retries = 0;
    c->code.why[0] = 0;
    c->code.rest_us = monotonic_us() + took_us * CODE_REST;
    log_line(LOG_DEBUG, "server %s: stored code read in %lld ms: %zu names, %zu schemas", c->target->name, (long long)took_us / 1000, code->names.count,
             code->names.schema_count);
    target_stored_code_learn(c->target, code, changes, took_us);
}

void control_look_at_code(struct control *c)
{
    uint64_t changes, counters = 0;
    bool known = c->code.generation == c->generation && !c->code.wanted && c->code.skipped < CODE_SKIPS;

    c->code.postponed = !target_stored_code_begin(c->target, &changes);
    if (c->code.postponed)
        return;
    c->code.due_us = monotonic_us() + c->conf->stored_code_refresh_us;
    c->asked_us = monotonic_us();
    if (!stored_code_counters(c->mysql, &counters)) {
        not_read(c, mysql_error(c->mysql), 0);
        return;
    }
    if (known && changes == c->code.changes && counters == c->code.counters) {
        c->code.skipped++;
        target_stored_code_learn(c->target, NULL, changes, 0);
    } else {
        read_everything(c, changes, counters);
    }
}

int64_t control_code_due(const struct control *c)
{
    bool at_once = c->code.wanted || c->code.generation != c->generation;

    if (!c->mysql || c->code.postponed)
        return INT64_MAX;
    return at_once ? c->code.rest_us : c->code.due_us > c->code.rest_us ? c->code.due_us : c->code.rest_us;
}

void control_stored_code_changing(struct control *c)
{
    target_stored_code_changing(c->target);
}

void control_stored_code_changed(struct control *c)
{
    target_stored_code_changed(c->target);
    pthread_mutex_lock(&c->mutex);
    c->code_asked = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
}
