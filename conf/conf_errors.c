/* SPDX-License-Identifier: MIT
 * The list of mistakes that reading a file came upon.
 */
#include "conf/conf_errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The list grows to the next power of two when its count is one: no capacity needs to be kept. */
static bool make_room(struct conf_errors *errors)
{
    size_t count = errors->count;
    struct conf_error *list;

    if (count != 0 && (count & (count - 1)) != 0) {
        return true;
    }
    list = reallocarray(errors->list, count ? count * 2 : 1, sizeof(*list));
    if (!list) {
        return false;
    }
    errors->list = list;
    return true;
}

static void tame(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}

void conf_errors_add(struct conf_errors *errors, const char *path, int line, const char *format, ...)
{
    struct conf_error error = {.line = line};
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&error.text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        errors->out_of_memory = true;
        return;
    }
    tame(error.text);
    error.path = strdup(path);
    if (!error.path || !make_room(errors)) {
        free(error.path);
        free(error.text);
        errors->out_of_memory = true;
        return;
    }
    errors->list[errors->count++] = error;
}

/* Insertion sort: stable, and nearly all mistakes are found in order. */
void conf_errors_sort(struct conf_errors *errors)
{
    for (size_t i = 1; i < errors->count; i++) {
        struct conf_error error = errors->list[i];
        size_t at = i;

        while (at > 0 && errors->list[at - 1].line > error.line) {
            errors->list[at] = errors->list[at - 1];
            at--;
        }
        errors->list[at] = error;
    }
}

char *conf_errors_strdup(struct conf_errors *errors, const char *text)
{
    char *copy = strdup(text);

    if (!copy) {
        errors->out_of_memory = true;
    }
    return copy;
}

void conf_errors_free(struct conf_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        free(errors->list[i].path);
        free(errors->list[i].text);
    }
    free(errors->list);
    *errors = (struct conf_errors){0};
}
