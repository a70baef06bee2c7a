/* SPDX-License-Identifier: MIT
 * A non-blocking connection: read, gather-write, back-pressure as an event. Plain today; TLS brings another table of operations and
 * changes no caller.
 *
 * What is read lies in the loop's scratch memory until the callback returns; what the owner can't use yet it keeps (stream_keep). What
 * the kernel does not take at once is stuck in `out`, and `drained` tells when it has gone: until then the owner stops reading
 * whatever feeds this stream.
 */
#ifndef SLUSE_PROXY_STREAM_H
#define SLUSE_PROXY_STREAM_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "proxy/buffer.h"
#include "proxy/loop.h"

enum stream_status {
    STREAM_OK,
    STREAM_AGAIN, /* nothing to read now */
    STREAM_EOF,   /* the peer has ended its direction (FIN) */
    STREAM_ERROR, /* RST or another error: the connection is of no use */
};

struct stream;

/* What the owner is told. Called on the loop's thread; the owner may close the stream inside. */
struct stream_events {
    void (*readable)(struct stream *s);
    void (*drained)(struct stream *s);
    void (*connected)(struct stream *s, int error); /* error: errno, 0 for success */
};

/* What differs between plain and TLS. read: bytes, or -STREAM_AGAIN, -STREAM_EOF, -STREAM_ERROR. writev: bytes, or the same. */
struct stream_ops {
    ssize_t (*read)(struct stream *s, void *bytes, size_t size);
    ssize_t (*writev)(struct stream *s, const struct iovec *list, int count);
};

struct stream {
    struct loop *loop;
    const struct stream_ops *ops;
    const struct stream_events *events;
    int fd; /* -1: closed */
    bool connecting;
    bool broken;       /* a write failed: when nothing is left to read, reading says STREAM_ERROR */
    ev_io reader;
    ev_io writer;
    struct buffer in;  /* read and kept */
    struct buffer out; /* to be written */
};

/* Takes over a connected non-blocking socket (accepted: TCP_NODELAY comes from its listener) and starts reading. */
void stream_open(struct stream *s, struct loop *loop, int fd, const struct stream_events *events);
/* Begins to connect; `connected` is always called later, never from inside. Returns 0 or errno. */
int stream_connect(struct stream *s, struct loop *loop, const struct sockaddr *address, socklen_t length, const struct stream_events *events)
    __attribute__((warn_unused_result));
void stream_close(struct stream *s);

/* Reads once. *bytes and *length are what was kept before and what has come, in one piece in the loop's scratch memory (also with EOF
 * and ERROR: then only what was kept). Nothing is kept any more afterwards. */
enum stream_status stream_read(struct stream *s, uint8_t **bytes, size_t *length) __attribute__((warn_unused_result));
/* Keeps a copy of bytes for later. False: no memory, the owner closes. */
bool stream_keep(struct stream *s, const uint8_t *bytes, size_t length) __attribute__((warn_unused_result));

/* Writes all pieces, or as many as the kernel takes, the rest being copied. False: the connection is broken; the owner closes. */
bool stream_write(struct stream *s, const struct pieces *pieces) __attribute__((warn_unused_result));
bool stream_write_bytes(struct stream *s, const void *bytes, size_t length) __attribute__((warn_unused_result));
/* Are bytes stuck that the peer has not taken? */
bool stream_stuck(const struct stream *s);

void stream_pause(struct stream *s);  /* stop reading */
void stream_resume(struct stream *s); /* read again; nothing happens when it is not paused */
bool stream_paused(const struct stream *s);

/* Leaves its loop, with nothing stuck; then attached to another, on that one's thread, it reads again. */
void stream_detach(struct stream *s);
void stream_attach(struct stream *s, struct loop *loop);

#endif
