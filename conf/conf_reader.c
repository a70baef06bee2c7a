/* SPDX-License-Identifier: MIT
 * Reads pool.ini and gives its settings to inih line by line, with every mistake of form reported.
 */
#include "conf/conf_reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_errors.h"
#include "conf/conf_value.h"

#define FILE_MAX 1048576

static void add(struct conf_reader *reader, const char *text)
{
    conf_errors_add(reader->errors, reader->path, reader->line, "%s", text);
}

bool conf_reader_open(struct conf_reader *reader)
{
    FILE *file = fopen(reader->path, "re");
    int failed;

    if (!file) {
        conf_errors_add(reader->errors, reader->path, 0, "cannot be opened: %s", strerror(errno));
        return false;
    }
    /* One byte more than is allowed shows a file that is too long; the last is room for a NUL. */
    reader->data = malloc(FILE_MAX + 2);
    if (!reader->data) {
        reader->errors->out_of_memory = true;
        fclose(file);
        return false;
    }
    errno = 0;
    reader->size = fread(reader->data, 1, FILE_MAX + 1, file);
    failed = ferror(file) ? errno : 0;
    fclose(file);
    if (failed) {
        conf_errors_add(reader->errors, reader->path, 0, "cannot be read: %s", strerror(failed));
    } else if (reader->size > FILE_MAX) {
        conf_errors_add(reader->errors, reader->path, 0, "is larger than 1 MiB; is it the right file?");
    } else {
        return true;
    }
    conf_reader_close(reader);
    return false;
}

void conf_reader_close(struct conf_reader *reader)
{
    if (reader->data) {
        explicit_bzero(reader->data, reader->size);
    }
    free(reader->data);
    reader->data = NULL;
    reader->size = 0;
}

static char *skip_space(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    return text;
}

static void trim_end(char *text)
{
    size_t length = strlen(text);

    while (length && isspace((unsigned char)text[length - 1])) {
        text[--length] = '\0';
    }
}

static bool is_comment(const char *text)
{
    return *text == ';' || *text == '#';
}

/* Cuts a comment off: ';' behind a space, as inih has it. */
static bool cut_comment(char *text)
{
    for (char *c = text; *c; c++) {
        if (*c == ';' && c > text && isspace((unsigned char)c[-1])) {
            *c = '\0';
            trim_end(text);
            return true;
        }
    }
    return false;
}

/* "[word]", "[word name]" or '[word "name"]', with nothing but a comment behind it. Returns what is wrong, or NULL. */
static const char *split_heading(char *text, char **word, char **name)
{
    bool quoted = false;
    char *end;

    *name = NULL;
    *word = skip_space(text + 1);
    end = *word + strcspn(*word, " \t]\"");
    if (*end == ' ' || *end == '\t') {
        *end = '\0';
        end = skip_space(end + 1);
        if (*end == '"') {
            quoted = true;
            *name = end;
            end = conf_value_unquote(end);
            end = skip_space(end ? end : *name + strlen(*name));
        } else if (*end != ']') {
            *name = end;
            end += strcspn(end, "]");
        }
    }
    if (*end != ']') {
        return "the section's closing ']' is missing; a section is written [pool], [account NAME] or [account \"NAME\"]";
    }
    *end = '\0';
    if (*name && !quoted) {
        trim_end(*name);
    }
    end = skip_space(end + 1);
    return *end && !is_comment(end) ? "there is text after the section's ']'; put it on a line of its own" : NULL;
}

static void read_heading(struct conf_reader *reader, char *text)
{
    char *word;
    char *name;
    const char *wrong = split_heading(text, &word, &name);

    if (wrong) {
        add(reader, wrong);
        word = NULL;
    }
    reader->on_section(reader->user, word, name);
}

/* The value in double quotes that a setting ends with. Returns the setting's end, or NULL. */
static char *read_quoted(struct conf_reader *reader, char *value)
{
    char *end = conf_value_unquote(value);
    char *after = end ? skip_space(end) : NULL;

    if (!end) {
        add(reader, "the closing '\"' is missing; a '\"' inside of quotes is written twice");
        return NULL;
    }
    if (*after && !is_comment(after)) {
        add(reader, "there is text after the closing '\"'; a '\"' inside of quotes is written twice");
        return NULL;
    }
    reader->quoted = value;
    return end;
}

/* Copies a setting for inih: one in quotes without its value, which inih would spoil. A longer line is an error. */
static bool read_setting(struct conf_reader *reader, char *text, char *buffer, size_t size)
{
    char *separator = text + strcspn(text, "=:");
    char *value = *separator ? skip_space(separator + 1) : separator;
    size_t length;

    if (*value == '"') {
        char *end = read_quoted(reader, value);

        if (!end) {
            return false;
        }
        length = (size_t)(end - text);
        *separator = '\0';
    } else {
        reader->cut = cut_comment(text);
        length = strlen(text);
    }
    if (length > size - 2) {
        conf_errors_add(reader->errors, reader->path, reader->line,
                        "the line has %zu bytes, and %zu is the most; a long password can be in a password_file", length,
                        size - 2);
        return false;
    }
    (void)snprintf(buffer, size, "%s%s\n", text, reader->quoted ? "=" : "");
    reader->pending = true;
    return true;
}

static void close_setting(struct conf_reader *reader)
{
    if (reader->pending) {
        /* Not a word of the line is shown: "password hunter2" comes here too. */
        add(reader, "there is no '=' in this line; a setting is written name = value");
    }
    reader->pending = false;
    reader->quoted = NULL;
    reader->cut = false;
}

/* The next line of the file, NUL-terminated in place. NULL: it has a NUL of its own, and is reported. */
static char *next_line(struct conf_reader *reader)
{
    char *text = reader->data + reader->at;
    size_t left = reader->size - reader->at;
    char *end = memchr(text, '\n', left);
    size_t length = end ? (size_t)(end - text) : left;

    reader->line++;
    reader->at += end ? length + 1 : length;
    text[length] = '\0';
    if (memchr(text, '\0', length)) {
        add(reader, "the line has a NUL byte in it; this must be plain text");
        return NULL;
    }
    if (reader->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
    }
    text = skip_space(text);
    trim_end(text);
    return text;
}

char *conf_reader_line(char *buffer, int size, void *stream)
{
    struct conf_reader *reader = stream;
    char *text;

    close_setting(reader);
    if (reader->at >= reader->size || size < 3) {
        return NULL;
    }
    text = next_line(reader);
    if (text && *text == '[') {
        read_heading(reader, text);
    } else if (text && *text && !is_comment(text) && read_setting(reader, text, buffer, (size_t)size)) {
        return buffer;
    }
    /* inih counts nothing for us, but an empty line keeps it in step. */
    (void)snprintf(buffer, (size_t)size, "\n");
    return buffer;
}

const char *conf_reader_value(struct conf_reader *reader, const char *value)
{
    reader->pending = false;
    return reader->quoted ? reader->quoted : value;
}
