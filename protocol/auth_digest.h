/* SPDX-License-Identifier: MIT
 * Digests, comparison and RSA for the auth plugins, through OpenSSL. Private to protocol/auth_*.c.
 */
#ifndef SLUSE_PROTOCOL_AUTH_DIGEST_H
#define SLUSE_PROTOCOL_AUTH_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/auth.h"

/* Which digest a plugin is built on. */
enum auth_digest { AUTH_DIGEST_SHA1, AUTH_DIGEST_SHA256 };

#define AUTH_DIGEST_MAX AUTH_SHA256

size_t auth_digest_size(enum auth_digest kind);
/* False when OpenSSL can't (no memory, a policy without the digest); out is zeros then. */
bool auth_digest(enum auth_digest kind, const void *bytes, size_t length, uint8_t *out) __attribute__((warn_unused_result));
/* The digest of a and b in a row; together at most AUTH_DIGEST_MAX + NONCE_SIZE bytes. */
bool auth_digest_pair(enum auth_digest kind, const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out)
    __attribute__((warn_unused_result));

/* to ^= with, length bytes. */
void auth_xor(uint8_t *to, const uint8_t *with, size_t length);
/* In a time that depends on length alone. */
bool auth_equal(const uint8_t *a, const uint8_t *b, size_t length) __attribute__((warn_unused_result));

/* Encrypts plain under the RSA public key in PEM (OAEP with SHA-1) into out, which has room for capacity bytes. */
bool auth_rsa_encrypt(const void *pem, size_t pem_len, const uint8_t *plain, size_t plain_len, uint8_t *out, size_t capacity, size_t *out_len)
    __attribute__((warn_unused_result));

#endif
