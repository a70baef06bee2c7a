/* SPDX-License-Identifier: MIT
 * Reads password files and wipes passwords.
 */
#include "conf/conf_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Far above any real password: a larger file is the wrong file. */
#define SECRET_MAX 4096

static char *resolve(const char *ini_path, const char *name)
{
    const char *slash = strrchr(ini_path, '/');
    char *path;

    if (*name == '/' || !slash) {
        return strdup(name);
    }
    return asprintf(&path, "%.*s/%s", (int)(slash - ini_path), ini_path, name) < 0 ? NULL : path;
}

/* Reads up to size bytes. Returns how many, or -1 with errno. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t length = 0;

    while (length < size) {
        ssize_t got = read(fd, buffer + length, size - length);

        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        length += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)length;
}

static ssize_t read_file(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length;
    int error;

    if (fd < 0) {
        return -1;
    }
    length = read_all(fd, buffer, size);
    error = errno;
    close(fd);
    errno = error;
    return length;
}

static size_t without_newline(const char *text, size_t length)
{
    if (length && text[length - 1] == '\n') {
        length--;
        if (length && text[length - 1] == '\r') {
            length--;
        }
    }
    return length;
}

/* Judges what was read. Returns the length of the password, or 0 with what is wrong. */
static size_t judge(const char *path, const char *buffer, ssize_t got, char *wrong, size_t size)
{
    size_t length = got > 0 ? without_newline(buffer, (size_t)got) : 0;

    if (got < 0) {
        (void)snprintf(wrong, size, "cannot read %.200s: %s", path, strerror(errno));
    } else if (length > SECRET_MAX) {
        (void)snprintf(wrong, size, "%.200s is longer than %d bytes; it must hold nothing but the password", path, SECRET_MAX);
    } else if (length == 0) {
        (void)snprintf(wrong, size, "%.200s is empty; for an empty password, write password = \"\"", path);
    } else if (memchr(buffer, '\0', length)) {
        (void)snprintf(wrong, size, "%.200s has a NUL byte in it; a password can hold any byte but that", path);
    } else {
        return length;
    }
    return 0;
}

char *conf_secret_read(const char *ini_path, const char *name, char *wrong, size_t size)
{
    char buffer[SECRET_MAX + 3]; /* room for "\r\n" and for a byte too many */
    char *path = resolve(ini_path, name);
    char *secret = NULL;
    size_t length;

    if (!path) {
        (void)snprintf(wrong, size, "cannot be read: out of memory");
        return NULL;
    }
    length = judge(path, buffer, read_file(path, buffer, sizeof(buffer)), wrong, size);
    if (length) {
        secret = strndup(buffer, length);
        if (!secret) {
            (void)snprintf(wrong, size, "cannot be kept: out of memory");
        }
    }
    explicit_bzero(buffer, sizeof(buffer));
    free(path);
    return secret;
}

void conf_secret_free(char *secret)
{
    if (secret) {
        explicit_bzero(secret, strlen(secret));
    }
    free(secret);
}
