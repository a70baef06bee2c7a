/* SPDX-License-Identifier: MIT
 * The table of variables, and its index by the hash of the name.
 *
 * Variables that are only global share one row, the last: a session has nothing to keep for them, so they need no bit of their own.
 */
#include "protocol/variable.h"

#include "protocol/lexer.h"

#include <string.h>

#define SAME(name, row, servers)
static const struct variable table[] = {
#define VARIABLE(name, policy, kind, servers) {#name, VARIABLE_##policy, VARIABLE_##kind},
#include "protocol/variable.def"
#undef VARIABLE
    {"(global)", VARIABLE_GLOBAL, VARIABLE_NUMBER},
};
#undef SAME

#define SAME(name, row, servers)
static const char *const row_servers[] = {
#define VARIABLE(name, policy, kind, servers) servers,
#include "protocol/variable.def"
#undef VARIABLE
};
#undef SAME

/* Two names of one state must share a row: a value that was read by one of them would be stale once the other was set. */
#define VARIABLE(name, policy, kind, servers)
static const struct {
    const char *name, *row, *servers;
} views[] = {
#define SAME(name, row, servers) {#name, #row, servers},
#include "protocol/variable.def"
#undef SAME
};
#undef VARIABLE

static const char *const global_names[] = {
#define GLOBAL(name, servers) #name,
#include "protocol/variable_global.def"
#undef GLOBAL
};

enum { MARIADB = 1, MYSQL = 2, BOTH = MARIADB | MYSQL };

struct place_name {
    const char *name;
    uint8_t where;
};

static const struct place_name fixed_names[] = {
#define FIXED(name, where) {#name, where},
#include "protocol/variable_fixed.def"
#undef FIXED
};

static const struct place_name sure_names[] = {
#define SURE(name, where) {#name, where},
#include "protocol/variable_sure.def"
#undef SURE
};

#define ROWS (sizeof(table) / sizeof(table[0]))
#define VIEWS (sizeof(views) / sizeof(views[0]))
#define GLOBALS (sizeof(global_names) / sizeof(global_names[0]))
#define FIXED_NAMES (sizeof(fixed_names) / sizeof(fixed_names[0]))
#define SURE_NAMES (sizeof(sure_names) / sizeof(sure_names[0]))
#define TRANSACTION_NAMES 110100u /* 11.1.0: from here on MariaDB has MySQL's names too (MDEV-21921) */
#define SLOTS 4096u

_Static_assert(ROWS <= VARIABLES_MAX, "a session has a bit for each row");
_Static_assert((ROWS + VIEWS + GLOBALS) * 2 <= SLOTS, "half of the slots stay empty, so that searches are short and end");

/* Open addressing; row + 1, 0 is an empty slot. Written before main, only read after. */
static uint64_t hashes[SLOTS];
static uint16_t rows[SLOTS];
static uint8_t places[SLOTS]; /* where the name has a session value */
static uint8_t fixed[ROWS]; /* where it is */
static uint8_t sure[ROWS];  /* likewise */

static uint8_t places_of(const char *servers)
{
    return (uint8_t)((strstr(servers, "m1") ? MARIADB : 0) | (strstr(servers, "my") ? MYSQL : 0));
}

static void put(const char *name, size_t row, const char *servers)
{
    uint64_t hash = name_hash(name, strlen(name));
    size_t slot = hash % SLOTS;

    while (rows[slot])
        slot = (slot + 1) % SLOTS;
    hashes[slot] = hash;
    rows[slot] = (uint16_t)(row + 1);
    places[slot] = places_of(servers);
}

static void mark(uint8_t *where, const struct place_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        where[variable_find(name_hash(names[i].name, strlen(names[i].name)))] = names[i].where;
}

/* Before main: so nobody can forget it, and no thread can see half of it. */
__attribute__((constructor)) static void build_index(void)
{
    size_t i;

    for (i = 0; i + 1 < ROWS; i++)
        put(table[i].name, i, row_servers[i]);
    for (i = 0; i < VIEWS; i++)
        put(views[i].name, (size_t)variable_find(name_hash(views[i].row, strlen(views[i].row))), views[i].servers);
    for (i = 0; i < GLOBALS; i++)
        put(global_names[i], ROWS - 1, "");
    mark(fixed, fixed_names, FIXED_NAMES);
    mark(sure, sure_names, SURE_NAMES);
}

/* -1: it is not there. */
static int slot_of(uint64_t hash)
{
    size_t slot;

    for (slot = hash % SLOTS; rows[slot]; slot = (slot + 1) % SLOTS)
        if (hashes[slot] == hash)
            return (int)slot;
    return -1;
}

int variable_find(uint64_t hash)
{
    int slot = slot_of(hash);

    return slot < 0 ? -1 : rows[slot] - 1;
}

int variable_find_on(uint64_t hash, bool mariadb)
{
    int slot = slot_of(hash);

    return slot >= 0 && places[slot] & (mariadb ? MARIADB : MYSQL) ? rows[slot] - 1 : -1;
}

const struct variable *variable_at(unsigned index)
{
    return &table[index];
}

unsigned variable_count(void)
{
    return ROWS;
}

const char *variable_name(unsigned index, bool mariadb, uint32_t version)
{
    static const char *const renamed[][2] = {{"tx_isolation", "transaction_isolation"}, {"tx_read_only", "transaction_read_only"}};
    size_t i;

    if (!mariadb || version >= TRANSACTION_NAMES)
        for (i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
            if (strcmp(table[index].name, renamed[i][0]) == 0)
                return renamed[i][1];
    return table[index].name;
}

bool variable_is_fixed(unsigned index, bool mariadb)
{
    return fixed[index] & (mariadb ? MARIADB : MYSQL);
}

bool variable_is_sure(unsigned index, bool mariadb)
{
    return sure[index] & (mariadb ? MARIADB : MYSQL);
}
