/* SPDX-License-Identifier: MIT
 * Connections, plain.
 */
#include "proxy/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proxy/invariant.h"

#define SMALL_WRITE 1024u

static ssize_t status_of_errno(void)
{
    return errno == EAGAIN || errno == EINTR ? -STREAM_AGAIN : -STREAM_ERROR;
}

static ssize_t plain_read(struct stream *s, void *bytes, size_t size)
{
    ssize_t n = recv(s->fd, bytes, size, 0);

    return n > 0 ? n : n == 0 ? -STREAM_EOF : status_of_errno();
}

/* A few small pieces are cheaper copied than listed for the kernel. */
static bool gather(const struct iovec *list, int count, struct iovec *one)
{
    uint8_t *to = one->iov_base;

    for (int i = 0; i < count; i++) {
        if (list[i].iov_len > SMALL_WRITE - one->iov_len)
            return false;
        memcpy(to + one->iov_len, list[i].iov_base, list[i].iov_len);
        one->iov_len += list[i].iov_len;
    }
    return true;
}

static ssize_t plain_writev(struct stream *s, const struct iovec *list, int count)
{
    uint8_t together[SMALL_WRITE];
    struct iovec one = {together, 0};
    ssize_t n;

    if (count > 1 && gather(list, count, &one)) {
        list = &one;
        count = 1;
    }
    n = count == 1 ? send(s->fd, list->iov_base, list->iov_len, MSG_NOSIGNAL) : writev(s->fd, list, count);
    return n >= 0 ? n : status_of_errno();
}

static const struct stream_ops plain = {plain_read, plain_writev};

static void on_readable(struct ev_loop *ev, ev_io *io, int events)
{
    struct stream *s = io->data;

    (void)ev;
    (void)events;
    s->events->readable(s);
}

static void finish_connect(struct stream *s)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size))
        error = errno;
    s->connecting = false;
    ev_io_stop(s->loop->ev, &s->writer);
    if (!error)
        ev_io_start(s->loop->ev, &s->reader);
    s->events->connected(s, error);
}

static void on_writable(struct ev_loop *ev, ev_io *io, int events)
{
    struct stream *s = io->data;
    struct iovec piece = {buffer_bytes(&s->out), buffer_length(&s->out)};
    ssize_t n;

    (void)events;
    if (s->connecting) {
        finish_connect(s);
        return;
    }
    n = s->ops->writev(s, &piece, 1);
    if (n == -STREAM_AGAIN)
        return;
    if (n < 0) { /* told as what reading would find; a direction that the peer has ended would hide it */
        ev_io_stop(ev, io);
        s->broken = true;
        buffer_free(&s->out);
        stream_resume(s);
        s->events->readable(s); /* what the peer said before it went may still be there */
        return;
    }
    buffer_drop(&s->out, (size_t)n);
    if (buffer_length(&s->out) == 0) {
        ev_io_stop(ev, io);
        s->events->drained(s);
    }
}

static void init(struct stream *s, struct loop *loop, int fd, const struct stream_events *events)
{
    *s = (struct stream){.loop = loop, .ops = &plain, .events = events, .fd = fd};
    ev_io_init(&s->reader, on_readable, fd, EV_READ);
    ev_io_init(&s->writer, on_writable, fd, EV_WRITE);
    s->reader.data = s->writer.data = s;
}

void stream_open(struct stream *s, struct loop *loop, int fd, const struct stream_events *events)
{
    init(s, loop, fd, events);
    ev_io_start(loop->ev, &s->reader);
}

int stream_connect(struct stream *s, struct loop *loop, const struct sockaddr *address, socklen_t length, const struct stream_events *events)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    init(s, loop, fd, events);
    if (fd < 0)
        return errno;
    if (address->sa_family != AF_UNIX) {
        int on = 1;

        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* refused, it costs time and nothing else */
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    if (connect(fd, address, length) && errno != EINPROGRESS) {
        int error = errno;

        close(fd);
        s->fd = -1;
        return error;
    }
    s->connecting = true;
    ev_io_start(loop->ev, &s->writer);
    return 0;
}

void stream_close(struct stream *s)
{
    if (s->fd < 0)
        return;
    ev_io_stop(s->loop->ev, &s->reader);
    ev_io_stop(s->loop->ev, &s->writer);
    close(s->fd);
    s->fd = -1;
    buffer_free(&s->in);
    buffer_free(&s->out);
}

enum stream_status stream_read(struct stream *s, uint8_t **bytes, size_t *length)
{
    size_t kept = buffer_length(&s->in);
    ssize_t n;

    *bytes = s->loop->scratch;
    *length = kept;
    if (kept >= SCRATCH_SIZE) { /* more than any owner keeps and still reads */
        *length = 0;
        return STREAM_ERROR;
    }
    if (kept) {
        memcpy(s->loop->scratch, buffer_bytes(&s->in), kept);
        buffer_free(&s->in);
    }
    n = s->ops->read(s, s->loop->scratch + kept, SCRATCH_SIZE - kept);
    if (n == -STREAM_AGAIN && s->broken)
        return STREAM_ERROR;
    if (n < 0)
        return (enum stream_status)-n;
    *length += (size_t)n;
    return STREAM_OK;
}

bool stream_keep(struct stream *s, const uint8_t *bytes, size_t length)
{
    return buffer_append(&s->in, bytes, length);
}

static bool keep_rest(struct stream *s, const struct iovec *list, size_t count, size_t written)
{
    for (size_t i = 0; i < count; i++) {
        size_t gone = written < list[i].iov_len ? written : list[i].iov_len;

        written -= gone;
        if (!buffer_append(&s->out, (const uint8_t *)list[i].iov_base + gone, list[i].iov_len - gone))
            return false;
    }
    ev_io_start(s->loop->ev, &s->writer);
    return true;
}

static bool write_list(struct stream *s, const struct iovec *list, size_t count, size_t total)
{
    ssize_t n = 0;

    if (total == 0)
        return true;
    if (s->fd < 0)
        return false;
    if (!stream_stuck(s)) {
        n = s->ops->writev(s, list, (int)count);
        if (n == -STREAM_AGAIN)
            n = 0;
        if (n < 0)
            return false;
        if ((size_t)n == total)
            return true;
    }
    return keep_rest(s, list, count, (size_t)n);
}

bool stream_write(struct stream *s, const struct pieces *pieces)
{
    return write_list(s, pieces->list, pieces->count, pieces->bytes);
}

bool stream_write_bytes(struct stream *s, const void *bytes, size_t length)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, length};

    return write_list(s, &piece, 1, length);
}

bool stream_stuck(const struct stream *s)
{
    return buffer_length(&s->out) != 0;
}

void stream_pause(struct stream *s)
{
    ev_io_stop(s->loop->ev, &s->reader);
}

void stream_resume(struct stream *s)
{
    if (s->fd >= 0)
        ev_io_start(s->loop->ev, &s->reader);
}

bool stream_paused(const struct stream *s)
{
    return !ev_is_active(&s->reader);
}

void stream_detach(struct stream *s)
{
    INVARIANT(!stream_stuck(s) && !s->connecting);
    ev_io_stop(s->loop->ev, &s->reader);
    loop_forget(s->loop, s->fd);
    s->loop = NULL;
}

void stream_attach(struct stream *s, struct loop *loop)
{
    s->loop = loop;
    ev_io_set(&s->reader, s->fd, EV_READ); /* or libev, when it is the same loop within one turn, would think it still knows it */
    ev_io_start(loop->ev, &s->reader);
}
