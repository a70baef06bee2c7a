/* SPDX-License-Identifier: MIT
 * The client's role: log in at a server.
 */
#include "protocol/auth.h"

#include <string.h>

#include <openssl/crypto.h>

#include "protocol/auth_digest.h"
#include "protocol/login.h"

#define AUTH_CLEAR "mysql_clear_password"
/* AuthMoreData, and what caching_sha2_password says in it */
#define MORE_HEADER 0x01u
#define SHA2_REQUEST_KEY 0x02u
#define SHA2_FAST_OK 0x03u
#define SHA2_FULL 0x04u

static enum auth_step fail(struct auth_client *a, const char *why)
{
    a->failure = why;
    return AUTH_FAILED;
}

static bool is_plugin(const struct auth_client *a, const char *name)
{
    return strcmp(a->plugin, name) == 0;
}

static void set_plugin(struct auth_client *a, const char *name, size_t length)
{
    memcpy(a->plugin, name, length);
    a->plugin[length] = '\0';
}

static bool has_empty_password(const struct auth_secret *secret)
{
    return secret->password && secret->password_len == 0;
}

/* SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password))) */
static enum auth_step answer_native(struct auth_client *a, uint8_t *out, size_t *out_len)
{
    uint8_t stage2[AUTH_SHA1];
    if (has_empty_password(a->secret))
        return AUTH_SEND;
    if (!a->secret->has_stage1)
        return fail(a, "mysql_native_password needs the password, or its SHA1 learned from a client");
    bool ok = auth_digest(AUTH_DIGEST_SHA1, a->secret->stage1, AUTH_SHA1, stage2) &&
              auth_digest_pair(AUTH_DIGEST_SHA1, a->nonce, NONCE_SIZE, stage2, AUTH_SHA1, out);
    OPENSSL_cleanse(stage2, sizeof(stage2));
    if (!ok)
        return fail(a, "OpenSSL has no SHA1");
    auth_xor(out, a->secret->stage1, AUTH_SHA1);
    *out_len = AUTH_SHA1;
    return AUTH_SEND;
}

/* SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce) */
static enum auth_step answer_sha2(struct auth_client *a, uint8_t *out, size_t *out_len)
{
    uint8_t once[AUTH_SHA256];
    uint8_t twice[AUTH_SHA256];
    if (!a->secret->password)
        return fail(a, "caching_sha2_password needs the password");
    if (has_empty_password(a->secret)) {
        /* what libmysqlclient sends; servers take no bytes at all, too */
        out[0] = 0;
        *out_len = 1;
        return AUTH_SEND;
    }
    bool ok = auth_digest(AUTH_DIGEST_SHA256, a->secret->password, a->secret->password_len, once) &&
              auth_digest(AUTH_DIGEST_SHA256, once, sizeof(once), twice) &&
              auth_digest_pair(AUTH_DIGEST_SHA256, twice, sizeof(twice), a->nonce, NONCE_SIZE, out);
    if (ok)
        auth_xor(out, once, sizeof(once));
    OPENSSL_cleanse(once, sizeof(once));
    OPENSSL_cleanse(twice, sizeof(twice));
    if (!ok)
        return fail(a, "OpenSSL has no SHA256");
    *out_len = AUTH_SHA256;
    return AUTH_SEND;
}

/* The password and a NUL; to, of AUTH_ANSWER_MAX bytes. The caller has seen that nobody listens, or encrypts it. */
static enum auth_step put_password(struct auth_client *a, uint8_t *to, size_t *length)
{
    const struct auth_secret *secret = a->secret;
    if (!secret->password)
        return fail(a, "the server asks for the password itself, of which only a digest is known");
    if (secret->password_len >= AUTH_ANSWER_MAX)
        return fail(a, "the password is too long");
    memcpy(to, secret->password, secret->password_len);
    to[secret->password_len] = 0;
    *length = secret->password_len + 1;
    return AUTH_SEND;
}

static enum auth_step answer_clear(struct auth_client *a, uint8_t *out, size_t *out_len)
{
    if (!a->private_line)
        return fail(a, "the server asks for a cleartext password on an open line");
    return put_password(a, out, out_len);
}

static enum auth_step answer_rsa(struct auth_client *a, struct wire_text pem, uint8_t *out, size_t *out_len)
{
    uint8_t plain[AUTH_ANSWER_MAX];
    size_t plain_len = 0;
    enum auth_step step = put_password(a, plain, &plain_len);
    if (step == AUTH_SEND) {
        for (size_t i = 0; i < plain_len; i++)
            plain[i] ^= a->nonce[i % NONCE_SIZE];
        if (!auth_rsa_encrypt(pem.data, pem.length, plain, plain_len, out, AUTH_ANSWER_MAX, out_len))
            step = fail(a, "the server's public key can't be used");
    }
    OPENSSL_cleanse(plain, sizeof(plain));
    return step;
}

static enum auth_step answer(struct auth_client *a, uint8_t *out, size_t *out_len)
{
    if (is_plugin(a, AUTH_NATIVE))
        return answer_native(a, out, out_len);
    if (is_plugin(a, AUTH_CACHING_SHA2))
        return answer_sha2(a, out, out_len);
    if (is_plugin(a, AUTH_CLEAR))
        return answer_clear(a, out, out_len);
    return fail(a, "the server asks for an authentication plugin that is not supported");
}

enum auth_step auth_client_begin(struct auth_client *a, const struct auth_secret *secret, bool private_line, const char *plugin,
                                 const uint8_t nonce[NONCE_SIZE], uint8_t *out, size_t *out_len)
{
    memset(a, 0, sizeof(*a));
    a->secret = secret;
    a->private_line = private_line;
    memcpy(a->nonce, nonce, NONCE_SIZE);
    *out_len = 0;
    /* the greeting names the server's default, not the account's plugin: what can't be answered is left to a switch */
    if (strcmp(plugin, AUTH_CACHING_SHA2) == 0 && secret->password)
        set_plugin(a, AUTH_CACHING_SHA2, strlen(AUTH_CACHING_SHA2));
    else
        set_plugin(a, AUTH_NATIVE, strlen(AUTH_NATIVE));
    return answer(a, out, out_len);
}

static enum auth_step follow_switch(struct auth_client *a, const uint8_t *payload, size_t length, uint8_t *out, size_t *out_len)
{
    struct auth_switch to;
    if (auth_switch_parse(payload, length, &to) != WIRE_OK || to.plugin.length >= sizeof(a->plugin))
        return fail(a, "the server's authentication switch request is malformed");
    set_plugin(a, to.plugin.data, to.plugin.length);
    a->awaiting_key = false;
    if (to.data.length == NONCE_SIZE)
        memcpy(a->nonce, to.data.data, NONCE_SIZE);
    else if (is_plugin(a, AUTH_NATIVE) || is_plugin(a, AUTH_CACHING_SHA2))
        return fail(a, "the server's nonce is not 20 bytes");
    return answer(a, out, out_len);
}

/* data: what follows 0x01. */
static enum auth_step follow_more(struct auth_client *a, struct wire_text data, uint8_t *out, size_t *out_len)
{
    if (!is_plugin(a, AUTH_CACHING_SHA2))
        return fail(a, "the server says more than its authentication plugin has to say");
    if (a->awaiting_key) {
        a->awaiting_key = false;
        return answer_rsa(a, data, out, out_len);
    }
    if (data.length == 1 && data.data[0] == SHA2_FAST_OK)
        return AUTH_WAIT;
    if (data.length != 1 || data.data[0] != SHA2_FULL)
        return fail(a, "caching_sha2_password: the server's answer is not understood");
    if (a->private_line)
        return put_password(a, out, out_len);
    if (!a->secret->password)
        return fail(a, "caching_sha2_password needs the password");
    a->awaiting_key = true;
    out[0] = SHA2_REQUEST_KEY;
    *out_len = 1;
    return AUTH_SEND;
}

enum auth_step auth_client_next(struct auth_client *a, const uint8_t *payload, size_t length, uint8_t *out, size_t *out_len)
{
    *out_len = 0;
    if (length && payload[0] == MORE_HEADER) {
        struct wire_reader r = wire_reader(payload + 1, length - 1);
        return follow_more(a, wire_rest(&r), out, out_len);
    }
    if (length && payload[0] == 0xFE)
        return follow_switch(a, payload, length, out, out_len);
    return fail(a, "the server's answer during the login is not understood");
}
