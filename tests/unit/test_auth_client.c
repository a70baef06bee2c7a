/* SPDX-License-Identifier: MIT
 * Authentication, the client's role: switches, full authentication with RSA and in cleartext, and servers that lie. Part of auth_suite.
 */
#include "protocol/auth.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tests/unit/split.h"

TCase *auth_client_tests(void);

static const uint8_t nonce[NONCE_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

/* One exchange at the client's side. */
struct exchange {
    struct auth_secret secret;
    struct auth_client client;
    uint8_t out[AUTH_ANSWER_MAX];
    size_t out_len;
};

static enum auth_step start(struct exchange *x, const char *password, bool private_line, const char *plugin)
{
    auth_secret_from_password(&x->secret, password, strlen(password));
    return auth_client_begin(&x->client, &x->secret, private_line, plugin, nonce, x->out, &x->out_len);
}

static enum auth_step next(struct exchange *x, const void *payload, size_t length)
{
    return auth_client_next(&x->client, payload, length, x->out, &x->out_len);
}

static void assert_failed(const struct exchange *x, enum auth_step step)
{
    ck_assert_int_eq(step, AUTH_FAILED);
    ck_assert_ptr_nonnull(x->client.failure);
    ck_assert_uint_eq(x->out_len, 0);
}

static enum auth_step switch_to(struct exchange *x, const char *plugin, const void *data, size_t length)
{
    uint8_t payload[128];
    struct wire_writer w = wire_writer(payload, sizeof(payload));
    wire_put_u8(&w, 0xFE);
    wire_put_nul_text(&w, plugin, strlen(plugin));
    wire_put_bytes(&w, data, length);
    ck_assert(!w.full);
    return next(x, payload, wire_written(&w));
}

START_TEST(first_answers)
{
    struct exchange x;
    ck_assert_int_eq(start(&x, "secret", false, ""), AUTH_SEND);
    ck_assert_str_eq(x.client.plugin, AUTH_NATIVE);
    ck_assert_int_eq(start(&x, "secret", true, "client_ed25519"), AUTH_SEND);
    ck_assert_str_eq(x.client.plugin, AUTH_NATIVE);
    ck_assert_uint_eq(x.out_len, AUTH_SHA1);
    ck_assert_int_eq(start(&x, "secret", true, AUTH_CACHING_SHA2), AUTH_SEND);
    ck_assert_str_eq(x.client.plugin, AUTH_CACHING_SHA2);
    /* the greeting asks for no cleartext */
    ck_assert_int_eq(start(&x, "secret", true, "mysql_clear_password"), AUTH_SEND);
    ck_assert_str_eq(x.client.plugin, AUTH_NATIVE);
}
END_TEST

START_TEST(with_less_than_the_password)
{
    struct exchange x;
    uint8_t stage2[AUTH_SHA1] = {1};
    auth_secret_from_hash(&x.secret, stage2);
    assert_failed(&x, auth_client_begin(&x.client, &x.secret, true, AUTH_NATIVE, nonce, x.out, &x.out_len));
    /* SHA1(password) alone: native also where the server's default is another, then no further */
    ck_assert_int_eq(start(&x, "secret", true, AUTH_NATIVE), AUTH_SEND);
    x.secret.password = NULL;
    x.secret.has_sha2 = false;
    ck_assert_int_eq(auth_client_begin(&x.client, &x.secret, true, AUTH_CACHING_SHA2, nonce, x.out, &x.out_len), AUTH_SEND);
    ck_assert_str_eq(x.client.plugin, AUTH_NATIVE);
    ck_assert_uint_eq(x.out_len, AUTH_SHA1);
    assert_failed(&x, switch_to(&x, AUTH_CACHING_SHA2, nonce, NONCE_SIZE));
    assert_failed(&x, switch_to(&x, "mysql_clear_password", "", 0));
}
END_TEST

START_TEST(switched)
{
    struct exchange x;
    ck_assert_int_eq(start(&x, "secret", false, AUTH_NATIVE), AUTH_SEND);
    ck_assert_int_eq(switch_to(&x, AUTH_CACHING_SHA2, nonce, NONCE_SIZE), AUTH_SEND);
    ck_assert_uint_eq(x.out_len, AUTH_SHA256);
    uint8_t expected[AUTH_SHA256];
    unhex("746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9", expected, sizeof(expected));
    ck_assert_mem_eq(x.out, expected, sizeof(expected));
    ck_assert_int_eq(next(&x, "\1\3", 2), AUTH_WAIT);
    ck_assert_uint_eq(x.out_len, 0);
    /* the password itself, only where nobody listens */
    assert_failed(&x, switch_to(&x, "mysql_clear_password", "", 0));
    ck_assert_int_eq(start(&x, "secret", true, AUTH_NATIVE), AUTH_SEND);
    ck_assert_int_eq(switch_to(&x, "mysql_clear_password", "", 0), AUTH_SEND);
    ck_assert_uint_eq(x.out_len, 7);
    ck_assert_mem_eq(x.out, "secret", 7);
}
END_TEST

START_TEST(servers_that_lie)
{
    struct exchange x;
    char name[GREETING_PLUGIN_MAX + 1];
    memset(name, 'p', GREETING_PLUGIN_MAX);
    name[GREETING_PLUGIN_MAX] = '\0';
    ck_assert_int_eq(start(&x, "secret", true, AUTH_NATIVE), AUTH_SEND);
    assert_failed(&x, switch_to(&x, name, nonce, NONCE_SIZE));
    assert_failed(&x, switch_to(&x, "client_ed25519", nonce, NONCE_SIZE));
    assert_failed(&x, switch_to(&x, AUTH_NATIVE, nonce, NONCE_SIZE - 1));
    assert_failed(&x, switch_to(&x, AUTH_CACHING_SHA2, "", 0));
    assert_failed(&x, next(&x, "\376", 1));
    assert_failed(&x, next(&x, "", 0));
    assert_failed(&x, next(&x, "\0\0\0\2\0\0\0", 7));
    /* more, with a plugin that has no more to say: never the password */
    ck_assert_int_eq(start(&x, "secret", true, AUTH_NATIVE), AUTH_SEND);
    assert_failed(&x, next(&x, "\1\4", 2));
    ck_assert_int_eq(start(&x, "secret", true, AUTH_CACHING_SHA2), AUTH_SEND);
    assert_failed(&x, next(&x, "\1", 1));
    assert_failed(&x, next(&x, "\1\5", 2));
    assert_failed(&x, next(&x, "\1\4\4", 3));
}
END_TEST

START_TEST(full_authentication_on_a_private_line)
{
    struct exchange x;
    char password[AUTH_ANSWER_MAX + 1];
    ck_assert_int_eq(start(&x, "secret", true, AUTH_CACHING_SHA2), AUTH_SEND);
    ck_assert_int_eq(next(&x, "\1\4", 2), AUTH_SEND);
    ck_assert_uint_eq(x.out_len, 7);
    ck_assert_mem_eq(x.out, "secret", 7);
    /* the longest that fits, and one more */
    memset(password, 'x', sizeof(password));
    password[AUTH_ANSWER_MAX - 1] = '\0';
    ck_assert_int_eq(start(&x, password, true, AUTH_CACHING_SHA2), AUTH_SEND);
    ck_assert_int_eq(next(&x, "\1\4", 2), AUTH_SEND);
    ck_assert_uint_eq(x.out_len, AUTH_ANSWER_MAX);
    password[AUTH_ANSWER_MAX - 1] = 'x';
    password[AUTH_ANSWER_MAX] = '\0';
    ck_assert_int_eq(start(&x, password, true, AUTH_CACHING_SHA2), AUTH_SEND);
    assert_failed(&x, next(&x, "\1\4", 2));
}
END_TEST

/* 0x01 and the public key in PEM, as the server sends it. */
static size_t put_key(EVP_PKEY *key, uint8_t *payload, size_t capacity)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, key), 1);
    size_t length = (size_t)BIO_get_mem_data(bio, &pem);
    ck_assert_uint_lt(length, capacity);
    payload[0] = 0x01;
    memcpy(payload + 1, pem, length);
    BIO_free(bio);
    return length + 1;
}

static size_t decrypt(EVP_PKEY *key, const uint8_t *bytes, size_t length, uint8_t *out, size_t capacity)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    ck_assert_int_eq(EVP_PKEY_decrypt_init(context), 1);
    ck_assert_int_gt(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), 0);
    ck_assert_int_eq(EVP_PKEY_decrypt(context, out, &capacity, bytes, length), 1);
    EVP_PKEY_CTX_free(context);
    for (size_t i = 0; i < capacity; i++)
        out[i] ^= nonce[i % NONCE_SIZE];
    return capacity;
}

START_TEST(full_authentication_with_rsa)
{
    /* longer than the nonce, so that it has to be repeated */
    static const char *const passwords[] = {"secret", "correct horse battery staple"};
    EVP_PKEY *key = EVP_RSA_gen(2048);
    uint8_t payload[2048], plain[512];
    size_t length = put_key(key, payload, sizeof(payload));
    struct exchange x;
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(start(&x, passwords[i], false, AUTH_CACHING_SHA2), AUTH_SEND);
        ck_assert_int_eq(next(&x, "\1\4", 2), AUTH_SEND);
        ck_assert_uint_eq(x.out_len, 1);
        ck_assert_uint_eq(x.out[0], 0x02);
        ck_assert(x.client.awaiting_key);
        ck_assert_int_eq(next(&x, payload, length), AUTH_SEND);
        ck_assert(!x.client.awaiting_key);
        ck_assert_uint_eq(x.out_len, 256);
        ck_assert_uint_eq(decrypt(key, x.out, x.out_len, plain, sizeof(plain)), strlen(passwords[i]) + 1);
        ck_assert_str_eq((char *)plain, passwords[i]);
    }
    /* more than OAEP has room for */
    char password[300];
    memset(password, 'x', sizeof(password));
    password[256 - 42] = '\0';
    ck_assert_int_eq(start(&x, password, false, AUTH_CACHING_SHA2), AUTH_SEND);
    ck_assert_int_eq(next(&x, "\1\4", 2), AUTH_SEND);
    assert_failed(&x, next(&x, payload, length));
    ck_assert_uint_eq(ERR_peek_error(), 0);
    EVP_PKEY_free(key);
}
END_TEST

static enum auth_step give_key(struct exchange *x, const uint8_t *payload, size_t length)
{
    ck_assert_int_eq(start(x, "secret", false, AUTH_CACHING_SHA2), AUTH_SEND);
    ck_assert_int_eq(next(x, "\1\4", 2), AUTH_SEND);
    return next(x, payload, length);
}

START_TEST(useless_keys)
{
    /* the last one would have OpenSSL ask for a passphrase at the terminal */
    static const char encrypted[] = "\1-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"
                                    "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
                                    "AAAAAAAAAAAAAAAAAAAAAA==\n-----END PUBLIC KEY-----\n";
    static const char *const keys[] = {"\1", "\1-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", encrypted};
    struct exchange x;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_failed(&x, give_key(&x, (const uint8_t *)keys[i], strlen(keys[i])));
        ck_assert_uint_eq(ERR_peek_error(), 0);
    }
    uint8_t payload[2048];
    EVP_PKEY *curve = EVP_EC_gen("P-256");
    size_t length = put_key(curve, payload, sizeof(payload));
    assert_failed(&x, give_key(&x, payload, length));
    EVP_PKEY_free(curve);
}
END_TEST

static void follow_anything(const uint8_t *bytes, size_t length, void *context)
{
    const struct exchange *from = context;
    struct exchange x = *from;
    enum auth_step step = next(&x, bytes, length);
    if (x.out_len > sizeof(x.out) || (step != AUTH_SEND && x.out_len) || (step == AUTH_FAILED) != (x.client.failure != NULL))
        ck_abort_msg("step %d with %zu bytes", (int)step, x.out_len);
    if (!x.client.private_line && x.out_len >= 6 && memcmp(x.out, "secret", 6) == 0)
        ck_abort_msg("the password on an open line");
}

START_TEST(fuzzed)
{
    static const char to_sha2[] = "\376" AUTH_CACHING_SHA2 "\0abcdefghijklmnopqrst";
    static const char to_clear[] = "\376mysql_clear_password\0";
    struct exchange x;
    for (int private_line = 0; private_line < 2; private_line++) {
        ck_assert_int_eq(start(&x, "secret", private_line, AUTH_CACHING_SHA2), AUTH_SEND);
        fuzz((const uint8_t *)to_sha2, sizeof(to_sha2), FUZZ_ROUNDS, follow_anything, &x);
        fuzz((const uint8_t *)to_clear, sizeof(to_clear), FUZZ_ROUNDS, follow_anything, &x);
        fuzz((const uint8_t *)"\1\4", 2, FUZZ_ROUNDS, follow_anything, &x);
        for_each_split((const uint8_t *)to_sha2, sizeof(to_sha2), follow_anything, &x);
    }
}
END_TEST

START_TEST(fuzzed_keys)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    uint8_t payload[2048];
    size_t length = put_key(key, payload, sizeof(payload));
    struct exchange x;
    ck_assert_int_eq(start(&x, "secret", false, AUTH_CACHING_SHA2), AUTH_SEND);
    ck_assert_int_eq(next(&x, "\1\4", 2), AUTH_SEND);
    for_each_split(payload, length, follow_anything, &x);
    /* fewer: OpenSSL reads a key each time */
    fuzz(payload, length, FUZZ_ROUNDS / 10, follow_anything, &x);
    EVP_PKEY_free(key);
}
END_TEST

TCase *auth_client_tests(void)
{
    TCase *tests = tcase_create("client");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, first_answers);
    tcase_add_test(tests, with_less_than_the_password);
    tcase_add_test(tests, switched);
    tcase_add_test(tests, servers_that_lie);
    tcase_add_test(tests, full_authentication_on_a_private_line);
    tcase_add_test(tests, full_authentication_with_rsa);
    tcase_add_test(tests, useless_keys);
    tcase_add_test(tests, fuzzed);
    tcase_add_test(tests, fuzzed_keys);
    return tests;
}
