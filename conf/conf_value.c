/* SPDX-License-Identifier: MIT
 * Values as text: numbers, durations, sizes, booleans, addresses, hashes, and the nearest of some words.
 */
#include "conf/conf_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Reads the digits at the front; returns what follows them, or NULL when there are none or too many. */
static const char *digits(const char *text, uint64_t *out)
{
    uint64_t number = 0;

    if (!isdigit((unsigned char)*text)) {
        return NULL;
    }
    for (; isdigit((unsigned char)*text); text++) {
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number)) {
            return NULL;
        }
    }
    *out = number;
    return text;
}

const char *conf_value_count(const char *text, uint64_t *out)
{
    uint64_t number;
    const char *rest = digits(text, &number);

    if (!rest || *rest) {
        return "a whole number";
    }
    *out = number;
    return NULL;
}

static bool scaled(const char *text, const struct unit *units, size_t count, uint64_t *out)
{
    uint64_t number;
    const char *rest = digits(text, &number);

    if (!rest) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rest, units[i].name) == 0) {
            return !__builtin_mul_overflow(number, units[i].factor, out);
        }
    }
    return false;
}

const char *conf_value_duration(const char *text, int64_t *out_us)
{
    static const struct unit units[] = {{"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000}};
    uint64_t us;

    if (strcmp(text, "0") == 0) {
        *out_us = 0;
        return NULL;
    }
    if (!scaled(text, units, sizeof(units) / sizeof(units[0]), &us) || us > INT64_MAX) {
        return "a whole number and its unit, ms, s, m or h, as in 10s";
    }
    *out_us = (int64_t)us;
    return NULL;
}

const char *conf_value_size(const char *text, uint64_t *out)
{
    static const struct unit units[] = {{"", 1}, {"K", 1024}, {"M", 1048576}, {"G", 1073741824}};
    uint64_t bytes;

    if (!scaled(text, units, sizeof(units) / sizeof(units[0]), &bytes)) {
        return "a whole number of bytes, or one with K, M or G, as in 16M";
    }
    *out = bytes;
    return NULL;
}

const char *conf_value_bool(const char *text, bool *out)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return NULL;
        }
    }
    return "yes or no";
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *conf_value_hash(const char *text, uint8_t out[20])
{
    static const char right[] = "'*' and 40 hexadecimal digits, as SELECT PASSWORD('...') gives it";
    uint8_t hash[20];

    if (text[0] != '*' || strlen(text) != 41) {
        return right;
    }
    for (size_t i = 0; i < sizeof(hash); i++) {
        int high = hex_digit(text[1 + 2 * i]);
        int low = hex_digit(text[2 + 2 * i]);

        if (high < 0 || low < 0) {
            return right;
        }
        hash[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out, hash, sizeof(hash));
    return NULL;
}

/* An IPv6 address may name its interface: fe80::1%eth0. */
static bool is_ipv6(const char *text)
{
    struct in6_addr address;
    char plain[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "%");

    if (length >= sizeof(plain) || (text[length] == '%' && !text[length + 1])) {
        return false;
    }
    memcpy(plain, text, length);
    plain[length] = '\0';
    return inet_pton(AF_INET6, plain, &address) == 1;
}

static bool is_ipv4(const char *text)
{
    struct in_addr address;

    return inet_pton(AF_INET, text, &address) == 1;
}

const char *conf_value_host(const char *text, char *out, size_t size)
{
    char host[sizeof((struct conf_address){.port = 0}.host)];
    size_t length = strlen(text);

    if (length > 1 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length >= size || length >= sizeof(host)) {
        return "a name or an address of less than 256 bytes";
    }
    memcpy(host, text, length);
    host[length] = '\0';
    if (strchr(host, ':')) {
        if (!is_ipv6(host)) {
            return "a name or an address alone; the port has its own key, port";
        }
    } else if (host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")]) {
        return "a name or an address: letters, digits, '.', '-', '_'";
    }
    memcpy(out, host, length + 1);
    return NULL;
}

const char *conf_value_address(const char *text, struct conf_address *out)
{
    static const char right[] = "a numeric address and a port, as in 127.0.0.1:3306 or [::1]:3306";
    struct conf_address address = {.port = 0};
    const char *colon = strrchr(text, ':');
    bool brackets = text[0] == '[';
    uint64_t port;
    size_t length;

    if (!colon || conf_value_count(colon + 1, &port) || port < 1 || port > 65535) {
        return right;
    }
    length = (size_t)(colon - text);
    if (brackets) {
        if (length < 2 || text[length - 1] != ']') {
            return right;
        }
        text++;
        length -= 2;
    }
    if (length >= sizeof(address.host)) {
        return right;
    }
    memcpy(address.host, text, length);
    if (brackets ? !is_ipv6(address.host) : !is_ipv4(address.host)) {
        return right;
    }
    address.port = (uint16_t)port;
    *out = address;
    return NULL;
}

const char *conf_value_level(const char *text, int *out)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    const char *nearest;

    for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return NULL;
        }
    }
    nearest = conf_value_nearest(text, names, sizeof(names) / sizeof(names[0]));
    return nearest ? nearest : "";
}

#define WORD_MAX 40

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, delete, replace or swap with their neighbour; case does not count. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t cost[WORD_MAX + 1][WORD_MAX + 1];

    for (size_t i = 0; i <= a_length; i++) {
        for (size_t j = 0; j <= b_length; j++) {
            size_t differs;

            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            differs = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
            cost[i][j] = least(cost[i - 1][j - 1] + differs, least(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[a_length][b_length];
}

const char *conf_value_nearest(const char *word, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t length = strlen(word);
    /* A third of the letters may be wrong: more would suggest something to any short word. */
    size_t bound = length / 3 + 1;

    if (length < 2 || length > WORD_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(words[i]);
        size_t d = other <= WORD_MAX ? distance(word, length, words[i], other) : bound;

        /* "warn" for "warning": a cut word is meant however much of it is missing. */
        if (length >= 3 && d >= bound && strncasecmp(word, words[i], length) == 0) {
            d = bound - 1;
        }
        if (d < bound) {
            bound = d;
            nearest = words[i];
        }
    }
    return nearest;
}

char *conf_value_unquote(char *text)
{
    char *to = text;
    char *from = text + 1;

    while (*from) {
        if (*from == '"') {
            if (from[1] != '"') {
                *to = '\0';
                return from + 1;
            }
            from++;
        }
        *to++ = *from++;
    }
    return NULL;
}
