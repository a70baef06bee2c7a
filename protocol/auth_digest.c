/* SPDX-License-Identifier: MIT
 * Digests, comparison and RSA for the auth plugins, through OpenSSL.
 */
#include "protocol/auth_digest.h"

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

size_t auth_digest_size(enum auth_digest kind)
{
    return kind == AUTH_DIGEST_SHA1 ? AUTH_SHA1 : AUTH_SHA256;
}

bool auth_digest(enum auth_digest kind, const void *bytes, size_t length, uint8_t *out)
{
    const EVP_MD *md = kind == AUTH_DIGEST_SHA1 ? EVP_sha1() : EVP_sha256();
    if (EVP_Digest(bytes, length, out, NULL, md, NULL) == 1)
        return true;
    /* the queue is the thread's: what is left there would be taken for an error of its next TLS call */
    ERR_clear_error();
    memset(out, 0, auth_digest_size(kind));
    return false;
}

bool auth_digest_pair(enum auth_digest kind, const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out)
{
    uint8_t both[AUTH_DIGEST_MAX + NONCE_SIZE];
    memset(out, 0, auth_digest_size(kind));
    if (a_len > sizeof(both) || b_len > sizeof(both) - a_len)
        return false;
    memcpy(both, a, a_len);
    memcpy(both + a_len, b, b_len);
    bool ok = auth_digest(kind, both, a_len + b_len, out);
    OPENSSL_cleanse(both, sizeof(both));
    return ok;
}

void auth_xor(uint8_t *to, const uint8_t *with, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] ^= with[i];
}

bool auth_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

/* OpenSSL's own asks at the terminal when a key is encrypted; a server must not be able to stop us there. */
static int no_passphrase(char *buffer, int size, int writing, void *user)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

static EVP_PKEY *read_public_key(const void *pem, size_t pem_len)
{
    if (pem_len > INT_MAX)
        return NULL;
    BIO *bio = BIO_new_mem_buf(pem, (int)pem_len);
    if (!bio)
        return NULL;
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return key;
}

bool auth_rsa_encrypt(const void *pem, size_t pem_len, const uint8_t *plain, size_t plain_len, uint8_t *out, size_t capacity, size_t *out_len)
{
    EVP_PKEY *key = read_public_key(pem, pem_len);
    EVP_PKEY_CTX *context = NULL;
    size_t length = capacity;
    bool ok = key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_size(key) > 0 && (size_t)EVP_PKEY_get_size(key) <= capacity;
    if (ok)
        context = EVP_PKEY_CTX_new(key, NULL);
    ok = ok && context && EVP_PKEY_encrypt_init(context) > 0 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
         EVP_PKEY_encrypt(context, out, &length, plain, plain_len) > 0;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    *out_len = ok ? length : 0;
    return ok;
}
