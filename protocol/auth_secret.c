/* SPDX-License-Identifier: MIT
 * What is known of a password, and the nonces that prove it.
 */
#include "protocol/auth.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "protocol/auth_digest.h"

void auth_secret_from_password(struct auth_secret *secret, const char *password, size_t length)
{
    uint8_t once[AUTH_SHA256];
    memset(secret, 0, sizeof(*secret));
    secret->password = password;
    secret->password_len = length;
    secret->has_stage1 = auth_digest(AUTH_DIGEST_SHA1, password, length, secret->stage1);
    secret->has_stage2 = secret->has_stage1 && auth_digest(AUTH_DIGEST_SHA1, secret->stage1, AUTH_SHA1, secret->stage2);
    secret->has_sha2 =
        auth_digest(AUTH_DIGEST_SHA256, password, length, once) && auth_digest(AUTH_DIGEST_SHA256, once, sizeof(once), secret->sha2);
    OPENSSL_cleanse(once, sizeof(once));
}

void auth_secret_from_hash(struct auth_secret *secret, const uint8_t stage2[AUTH_SHA1])
{
    memset(secret, 0, sizeof(*secret));
    secret->has_stage2 = true;
    memcpy(secret->stage2, stage2, AUTH_SHA1);
}

void auth_secret_wipe(struct auth_secret *secret)
{
    OPENSSL_cleanse(secret, sizeof(*secret));
}

bool auth_nonce(uint8_t nonce[NONCE_SIZE])
{
    if (RAND_bytes(nonce, (int)NONCE_SIZE) != 1) {
        ERR_clear_error();
        return false;
    }
    for (size_t i = 0; i < NONCE_SIZE; i++) {
        nonce[i] &= 0x7F;
        if (nonce[i] == 0 || nonce[i] == '$')
            nonce[i]++;
    }
    return true;
}
