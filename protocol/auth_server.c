/* SPDX-License-Identifier: MIT
 * The server's role: is this client who it says?
 */
#include "protocol/auth.h"

#include <string.h>

#include <openssl/crypto.h>

#include "protocol/auth_digest.h"

/* Both plugins are the same sum with another digest: answer = H(password) XOR H(the double digest and the nonce, in the plugin's order). */
static bool recover(enum auth_digest kind, const uint8_t *doubled, const uint8_t nonce[NONCE_SIZE], const uint8_t *answer, uint8_t *once)
{
    uint8_t mask[AUTH_DIGEST_MAX];
    uint8_t again[AUTH_DIGEST_MAX];
    size_t size = auth_digest_size(kind);
    bool ok = kind == AUTH_DIGEST_SHA1 ? auth_digest_pair(kind, nonce, NONCE_SIZE, doubled, size, mask)
                                       : auth_digest_pair(kind, doubled, size, nonce, NONCE_SIZE, mask);
    memcpy(once, answer, size);
    auth_xor(once, mask, size);
    ok = auth_digest(kind, once, size, again) && ok;
    ok = auth_equal(again, doubled, size) && ok;
    OPENSSL_cleanse(mask, sizeof(mask));
    OPENSSL_cleanse(again, sizeof(again));
    return ok;
}

static bool has_empty_password(const struct auth_secret *secret)
{
    return secret && secret->password && secret->password_len == 0;
}

/* What the account's double digest for the plugin is; NULL when it is not known. */
static const uint8_t *doubled_for(const struct auth_secret *secret, enum auth_digest kind)
{
    if (!secret)
        return NULL;
    if (kind == AUTH_DIGEST_SHA1)
        return secret->has_stage2 ? secret->stage2 : NULL;
    return secret->has_sha2 ? secret->sha2 : NULL;
}

static enum auth_verdict verify(struct auth_server *a, struct wire_text answer)
{
    static const uint8_t unknown[AUTH_DIGEST_MAX] = {0};
    bool sha2 = strcmp(a->plugin, AUTH_CACHING_SHA2) == 0;
    enum auth_digest kind = sha2 ? AUTH_DIGEST_SHA256 : AUTH_DIGEST_SHA1;
    size_t size = auth_digest_size(kind);
    const uint8_t *doubled = doubled_for(a->secret, kind);
    bool empty = answer.length == 0 || (sha2 && answer.length == 1 && answer.data[0] == '\0');
    uint8_t given[AUTH_DIGEST_MAX] = {0};
    uint8_t once[AUTH_DIGEST_MAX];

    if (answer.length == size)
        memcpy(given, answer.data, size);
    /* done for every user and every answer, so that time does not tell who exists */
    bool right = recover(kind, doubled ? doubled : unknown, a->nonce, given, once);
    /* as servers do: an account without a password takes the empty answer and no other */
    bool granted = empty ? has_empty_password(a->secret) : right && doubled && answer.length == size && !has_empty_password(a->secret);

    a->used_password = !empty;
    a->more = granted && sha2 && !empty;
    a->learned = granted && !sha2 && !empty;
    if (a->learned)
        memcpy(a->learned_stage1, once, AUTH_SHA1);
    OPENSSL_cleanse(given, sizeof(given));
    OPENSSL_cleanse(once, sizeof(once));
    return granted ? AUTH_GRANTED : AUTH_DENIED;
}

/* The plugin by our own name for it when we have it and the secret is enough for it; unknown users pass for ones with a password. */
static const char *checkable(const struct auth_secret *secret, struct wire_text plugin)
{
    if (plugin.length == 0 || wire_text_is(plugin, AUTH_NATIVE))
        return !secret || secret->has_stage2 ? AUTH_NATIVE : NULL;
    if (wire_text_is(plugin, AUTH_CACHING_SHA2))
        return !secret || secret->has_sha2 ? AUTH_CACHING_SHA2 : NULL;
    return NULL;
}

/* An account with both is asked as the server would ask: MySQL 9 has no other plugin than the greeting's. */
static const char *fallback(const struct auth_secret *secret, const char *offered)
{
    bool sha2 = !secret || secret->has_sha2, native = !secret || secret->has_stage2;

    return sha2 && (!native || strcmp(offered, AUTH_CACHING_SHA2) == 0) ? AUTH_CACHING_SHA2 : AUTH_NATIVE;
}

enum auth_verdict auth_server_begin(struct auth_server *a, const struct auth_secret *secret, const uint8_t nonce[NONCE_SIZE],
                                    struct wire_text plugin, struct wire_text answer, bool force_switch,
                                    const char *offered)
{
    const char *named = checkable(secret, plugin);
    memset(a, 0, sizeof(*a));
    a->secret = secret;
    a->plugin = named ? named : fallback(secret, offered);
    memcpy(a->nonce, nonce, NONCE_SIZE);
    a->used_password = answer.length > 0;
    if (named && !force_switch)
        return verify(a, answer);
    a->switched = true;
    return auth_nonce(a->nonce) ? AUTH_SWITCH : AUTH_DENIED;
}

enum auth_verdict auth_server_next(struct auth_server *a, struct wire_text answer)
{
    return verify(a, answer);
}
