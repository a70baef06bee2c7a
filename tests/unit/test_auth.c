/* SPDX-License-Identifier: MIT
 * Authentication, the server's role and both roles together. The constants come from python's hashlib, and one from a captured libmariadb login.
 */
#include "protocol/auth.h"

#include "protocol/auth_digest.h"
#include "protocol/login.h"
#include "protocol/packet.h"
#include "tests/unit/split.h"

Suite *auth_suite(void);
TCase *auth_client_tests(void); /* in test_auth_client.c */

#define LONG20 "aaaaaaaaaaaaaaaaaaaa"

struct known {
    const char *password, *nonce, *stage1, *stage2, *sha2, *native, *caching;
};

static const struct known answers[] = {
    {"secret", "0102030405060708090a0b0c0d0e0f1011121314", "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
     "14e65567abdb5135d0cfd9a70b3032c179a49ee7", "3881219d087dd9c634373fd33dfa33a2cb6bfc6c520b64b8bb60ef2ceb534ae7",
     "b32bb3a583e1340c0a1108d58b1be49781ad8c2f", "746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9"},
    {"p\303\244ssw\303\266rd \342\202\254", "6465666768696a6b6c6d6e6f7071727374757677", "58baec5f058a0ffe07b5a21d23918d828f645749",
     "d027ad51a51aec3438576be6b74d8daef904d8f1", "a54a58ad07456b3a0acf3d219ffbfebb72ec183466f00fe0b97f501f7a2e3f94",
     "21434cb20694d32c8e9f2125556ea9a6bd4806cd", "2d0e105034134d0559c680bf46b6fe70ce73d1c4d8395e42568492ee8524dc09"},
    {LONG20 LONG20 LONG20 LONG20 LONG20 LONG20 LONG20 LONG20 LONG20 LONG20, "5a7a5a7a5a7a5a7a5a7a5a7a5a7a5a7a5a7a5a7a",
     "e61cfffe0d9195a525fc6cf06ca2d77119c24a40", "513ec9238267674c444b5fb097b5f0bdf03e89ec",
     "f4f689c63cdae8fffae1b825d0487e7a3970a19c3e34dc1107ed5932896a61df", "68df5cdbb07a14d71b4a9210a851f202a57aca8f",
     "925f126b6d079fde72b14e2afc15143c90c3d513b6e6ba8f711ccc77a224b6f7"},
};

static void assert_hex(const uint8_t *bytes, const char *hex)
{
    uint8_t expected[64];
    size_t length = unhex(hex, expected, sizeof(expected));
    ck_assert_mem_eq(bytes, expected, length);
}

static struct auth_secret secret_of(const char *password)
{
    struct auth_secret secret;
    auth_secret_from_password(&secret, password, strlen(password));
    return secret;
}

/* The secret, nonce and both right answers of a row. */
struct fixture {
    struct auth_secret secret;
    uint8_t nonce[NONCE_SIZE], native[AUTH_SHA1], caching[AUTH_SHA256];
};

static struct fixture fixture_of(const struct known *k)
{
    struct fixture f = {.secret = secret_of(k->password)};
    unhex(k->nonce, f.nonce, sizeof(f.nonce));
    unhex(k->native, f.native, sizeof(f.native));
    unhex(k->caching, f.caching, sizeof(f.caching));
    return f;
}

static struct wire_text bytes_text(const void *bytes, size_t length)
{
    return (struct wire_text){bytes, length};
}

static enum auth_verdict begin(struct auth_server *a, const struct auth_secret *secret, const uint8_t *nonce, const char *plugin, const void *answer,
                               size_t length)
{
    return auth_server_begin(a, secret, nonce, text_of(plugin), bytes_text(answer, length), false, AUTH_NATIVE);
}

START_TEST(known_answers)
{
    const struct known *k = &answers[_i];
    struct fixture f = fixture_of(k);
    ck_assert(f.secret.has_stage1 && f.secret.has_stage2 && f.secret.has_sha2);
    assert_hex(f.secret.stage1, k->stage1);
    assert_hex(f.secret.stage2, k->stage2);
    assert_hex(f.secret.sha2, k->sha2);

    uint8_t out[AUTH_ANSWER_MAX];
    size_t out_len;
    struct auth_client c;
    ck_assert_int_eq(auth_client_begin(&c, &f.secret, false, AUTH_NATIVE, f.nonce, out, &out_len), AUTH_SEND);
    ck_assert_uint_eq(out_len, AUTH_SHA1);
    assert_hex(out, k->native);
    ck_assert_int_eq(auth_client_begin(&c, &f.secret, false, AUTH_CACHING_SHA2, f.nonce, out, &out_len), AUTH_SEND);
    ck_assert_uint_eq(out_len, AUTH_SHA256);
    assert_hex(out, k->caching);

    struct auth_server a;
    ck_assert_int_eq(begin(&a, &f.secret, f.nonce, "", f.native, AUTH_SHA1), AUTH_GRANTED);
    ck_assert(a.used_password && !a.more && a.learned && !a.switched);
    assert_hex(a.learned_stage1, k->stage1);
    ck_assert_int_eq(begin(&a, &f.secret, f.nonce, AUTH_NATIVE, f.native, AUTH_SHA1), AUTH_GRANTED);
    ck_assert_int_eq(begin(&a, &f.secret, f.nonce, AUTH_CACHING_SHA2, f.caching, AUTH_SHA256), AUTH_GRANTED);
    ck_assert(a.used_password && a.more && !a.learned && !a.switched);
    auth_secret_wipe(&f.secret);
    ck_assert_ptr_null(f.secret.password);
    ck_assert(!f.secret.has_stage1 && f.secret.stage1[0] == 0);
}
END_TEST

START_TEST(captured_login)
{
    /* libmariadb 3.3.20 to MariaDB 10.11.19, password "secret"; the server keeps only the hash */
    struct auth_secret secret;
    struct auth_server a;
    uint8_t nonce[NONCE_SIZE], answer[AUTH_SHA1], stage2[AUTH_SHA1];
    unhex("5b243f4f512b7c546e4b6e663824482166602f68", nonce, sizeof(nonce));
    unhex("573ece46bf80631bb17fa8c476c184f002f9292f", answer, sizeof(answer));
    unhex("14E65567ABDB5135D0CFD9A70B3032C179A49EE7", stage2, sizeof(stage2));
    auth_secret_from_hash(&secret, stage2);
    ck_assert_int_eq(begin(&a, &secret, nonce, AUTH_NATIVE, answer, sizeof(answer)), AUTH_GRANTED);
    ck_assert(a.learned);
    assert_hex(a.learned_stage1, answers[0].stage1);
    /* what was learned is enough to log in elsewhere */
    secret.has_stage1 = true;
    memcpy(secret.stage1, a.learned_stage1, AUTH_SHA1);
    struct auth_client c;
    uint8_t out[AUTH_ANSWER_MAX];
    size_t out_len;
    ck_assert_int_eq(auth_client_begin(&c, &secret, false, AUTH_NATIVE, nonce, out, &out_len), AUTH_SEND);
    ck_assert_mem_eq(out, answer, AUTH_SHA1);
}
END_TEST

START_TEST(one_bit_is_enough)
{
    struct fixture f = fixture_of(&answers[0]);
    struct auth_server a;
    for (size_t bit = 0; bit < AUTH_SHA256 * 8; bit++) {
        uint8_t native[AUTH_SHA1], caching[AUTH_SHA256];
        memcpy(native, f.native, sizeof(native));
        memcpy(caching, f.caching, sizeof(caching));
        native[bit / 8 % AUTH_SHA1] ^= (uint8_t)(1u << bit % 8);
        caching[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(begin(&a, &f.secret, f.nonce, "", native, sizeof(native)), AUTH_DENIED);
        ck_assert(a.used_password && !a.learned && !a.more);
        ck_assert_int_eq(begin(&a, &f.secret, f.nonce, AUTH_CACHING_SHA2, caching, sizeof(caching)), AUTH_DENIED);
        ck_assert(a.used_password && !a.learned && !a.more);
    }
    f.nonce[3] ^= 1;
    ck_assert_int_eq(begin(&a, &f.secret, f.nonce, "", f.native, AUTH_SHA1), AUTH_DENIED);
    ck_assert_int_eq(begin(&a, &f.secret, f.nonce, AUTH_CACHING_SHA2, f.caching, AUTH_SHA256), AUTH_DENIED);
}
END_TEST

static void wrong_length(const uint8_t *bytes, size_t length, void *context)
{
    const struct fixture *f = context;
    struct auth_server a;
    ck_assert_int_eq(begin(&a, &f->secret, f->nonce, "", bytes, length), length == AUTH_SHA1 ? AUTH_GRANTED : AUTH_DENIED);
    ck_assert_int_eq(a.used_password, length > 0);
}

static void wrong_length_sha2(const uint8_t *bytes, size_t length, void *context)
{
    const struct fixture *f = context;
    struct auth_server a;
    enum auth_verdict verdict = begin(&a, &f->secret, f->nonce, AUTH_CACHING_SHA2, bytes, length);
    ck_assert_int_eq(verdict, length == AUTH_SHA256 ? AUTH_GRANTED : AUTH_DENIED);
}

START_TEST(answers_cut_anywhere)
{
    struct fixture f = fixture_of(&answers[0]);
    uint8_t longer[AUTH_SHA256 + 1] = {0};
    memcpy(longer, f.native, AUTH_SHA1);
    for_each_split(longer, AUTH_SHA1 + 1, wrong_length, &f);
    memcpy(longer, f.caching, AUTH_SHA256);
    for_each_split(longer, AUTH_SHA256 + 1, wrong_length_sha2, &f);
}
END_TEST

START_TEST(empty_passwords)
{
    struct auth_secret empty = secret_of(""), other = secret_of("secret"), hashed;
    const struct auth_secret *with_password[] = {&other, &hashed, NULL};
    uint8_t nonce[NONCE_SIZE] = {1};
    struct auth_server a;
    /* the digest of nothing is known to all: such a hash is no empty password */
    auth_secret_from_hash(&hashed, empty.stage2);
    ck_assert_int_eq(begin(&a, &empty, nonce, "", "", 0), AUTH_GRANTED);
    ck_assert(!a.used_password && !a.learned && !a.more);
    for (size_t length = 0; length < 2; length++) {
        ck_assert_int_eq(begin(&a, &empty, nonce, AUTH_CACHING_SHA2, "\0", length), AUTH_GRANTED);
        ck_assert(!a.used_password && !a.learned && !a.more);
    }
    ck_assert_int_eq(begin(&a, &empty, nonce, AUTH_CACHING_SHA2, "\1", 1), AUTH_DENIED);
    ck_assert_int_eq(begin(&a, &empty, nonce, "", "\0", 1), AUTH_DENIED);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(begin(&a, with_password[i], nonce, "", "", 0), AUTH_DENIED);
        ck_assert(!a.used_password);
    }
    ck_assert_int_eq(begin(&a, &other, nonce, AUTH_CACHING_SHA2, "\0", 1), AUTH_DENIED);
    ck_assert(!a.used_password);
    /* a scramble of nothing is refused, as servers do */
    uint8_t scramble[AUTH_SHA1];
    ck_assert(auth_digest_pair(AUTH_DIGEST_SHA1, nonce, NONCE_SIZE, empty.stage2, AUTH_SHA1, scramble));
    auth_xor(scramble, empty.stage1, AUTH_SHA1);
    ck_assert_int_eq(begin(&a, &empty, nonce, "", scramble, sizeof(scramble)), AUTH_DENIED);
    /* and what we answer ourselves */
    struct auth_client c;
    uint8_t out[AUTH_ANSWER_MAX];
    size_t out_len = 7;
    ck_assert_int_eq(auth_client_begin(&c, &empty, false, "", nonce, out, &out_len), AUTH_SEND);
    ck_assert_uint_eq(out_len, 0);
    ck_assert_int_eq(auth_client_begin(&c, &empty, false, AUTH_CACHING_SHA2, nonce, out, &out_len), AUTH_SEND);
    ck_assert_uint_eq(out_len, 1);
    ck_assert_uint_eq(out[0], 0);
}
END_TEST

START_TEST(unknown_users)
{
    struct fixture f = fixture_of(&answers[0]);
    struct auth_server a;
    ck_assert_int_eq(begin(&a, NULL, f.nonce, "", f.native, AUTH_SHA1), AUTH_DENIED);
    ck_assert(a.used_password);
    ck_assert_int_eq(begin(&a, NULL, f.nonce, AUTH_CACHING_SHA2, f.caching, AUTH_SHA256), AUTH_DENIED);
    ck_assert(a.used_password);
    /* sent to another plugin like anybody else */
    ck_assert_int_eq(begin(&a, NULL, f.nonce, "dialog", "x", 1), AUTH_SWITCH);
    ck_assert_str_eq(a.plugin, AUTH_NATIVE);
    ck_assert_int_eq(auth_server_next(&a, bytes_text(f.native, AUTH_SHA1)), AUTH_DENIED);
    ck_assert_int_eq(auth_server_next(&a, bytes_text("", 0)), AUTH_DENIED);
}
END_TEST

START_TEST(clients_that_hold_back)
{
    /* libmariadb with --default-auth=caching_sha2_password under a greeting of mysql_native_password, seen live, and the reverse */
    static const char *const plugins[] = {AUTH_NATIVE, AUTH_CACHING_SHA2};
    struct fixture f = fixture_of(&answers[0]);
    const struct auth_secret *secrets[] = {&f.secret, NULL};
    struct wire_text nothing = bytes_text("", 0);
    struct auth_server a;
    for (size_t i = 0; i < 4; i++) {
        struct wire_text plugin = {plugins[i % 2], strlen(plugins[i % 2])};
        ck_assert_int_eq(auth_server_begin(&a, secrets[i / 2], f.nonce, plugin, nothing, true, AUTH_NATIVE), AUTH_SWITCH);
        ck_assert_str_eq(a.plugin, plugins[i % 2]);
        /* nothing again: there is no password */
        ck_assert_int_eq(auth_server_next(&a, nothing), AUTH_DENIED);
        ck_assert(!a.used_password);
        ck_assert_int_eq(begin(&a, secrets[i / 2], f.nonce, plugins[i % 2], "", 0), AUTH_DENIED);
    }
    /* a plugin that nobody has: the greeting's is asked for */
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(auth_server_begin(&a, secrets[i / 2], f.nonce, bytes_text("nonsense", 8), nothing, false, plugins[i % 2]), AUTH_SWITCH);
        ck_assert_str_eq(a.plugin, plugins[i % 2]);
    }
    struct auth_secret empty = secret_of("");
    ck_assert_int_eq(begin(&a, &empty, f.nonce, AUTH_NATIVE, "", 0), AUTH_GRANTED);
}
END_TEST

/* Answers a switch as a client would, and gives the answer back. */
static enum auth_verdict follow(struct auth_server *a, const struct auth_secret *secret)
{
    uint8_t packet[128], out[AUTH_ANSWER_MAX];
    size_t out_len;
    struct auth_client c;
    uint8_t other[NONCE_SIZE] = {0};
    ck_assert_int_eq(auth_client_begin(&c, secret, false, AUTH_NATIVE, other, out, &out_len), AUTH_SEND);
    struct wire_writer w = wire_writer(packet, sizeof(packet));
    auth_switch_write(&w, a->plugin, a->nonce, 2);
    ck_assert_int_eq(auth_client_next(&c, packet + PACKET_HEADER, wire_written(&w) - PACKET_HEADER, out, &out_len), AUTH_SEND);
    return auth_server_next(a, bytes_text(out, out_len));
}

START_TEST(switches)
{
    struct fixture f = fixture_of(&answers[0]);
    struct auth_secret hashed, only_sha2 = {.has_sha2 = true};
    struct auth_server a;
    auth_secret_from_hash(&hashed, f.secret.stage2);
    memcpy(only_sha2.sha2, f.secret.sha2, AUTH_SHA256);
    /* a plugin that we don't have; a fresh nonce */
    ck_assert_int_eq(begin(&a, &f.secret, f.nonce, "client_ed25519", f.caching, 32), AUTH_SWITCH);
    ck_assert(a.switched);
    ck_assert_str_eq(a.plugin, AUTH_NATIVE);
    ck_assert_mem_ne(a.nonce, f.nonce, NONCE_SIZE);
    ck_assert_int_eq(follow(&a, &f.secret), AUTH_GRANTED);
    ck_assert(a.learned && !a.more && a.switched);
    /* one that a hash is not enough for */
    ck_assert_int_eq(begin(&a, &hashed, f.nonce, AUTH_CACHING_SHA2, f.caching, 32), AUTH_SWITCH);
    ck_assert_str_eq(a.plugin, AUTH_NATIVE);
    ck_assert_int_eq(follow(&a, &f.secret), AUTH_GRANTED);
    assert_hex(a.learned_stage1, answers[0].stage1);
    /* and the other way round */
    ck_assert_int_eq(begin(&a, &only_sha2, f.nonce, "", f.native, 20), AUTH_SWITCH);
    ck_assert_str_eq(a.plugin, AUTH_CACHING_SHA2);
    ck_assert_int_eq(follow(&a, &f.secret), AUTH_GRANTED);
    ck_assert(a.more && !a.learned);
    /* forced: the right answer to the old nonce is not looked at */
    static const char *const plugins[] = {AUTH_NATIVE, AUTH_CACHING_SHA2};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(auth_server_begin(&a, &f.secret, f.nonce, text_of(plugins[i]), bytes_text(f.native, 20), true, AUTH_NATIVE), AUTH_SWITCH);
        ck_assert_str_eq(a.plugin, plugins[i]);
        struct auth_server replay = a;
        ck_assert_int_eq(auth_server_next(&replay, bytes_text(i ? f.caching : f.native, i ? 32 : 20)), AUTH_DENIED);
        ck_assert_int_eq(follow(&a, &f.secret), AUTH_GRANTED);
    }
}
END_TEST

START_TEST(nonces)
{
    uint8_t last[NONCE_SIZE] = {0}, nonce[NONCE_SIZE];
    for (unsigned i = 0; i < 1000; i++) {
        if (!auth_nonce(nonce))
            ck_abort_msg("no randomness");
        for (size_t j = 0; j < NONCE_SIZE; j++)
            if (nonce[j] == 0 || nonce[j] == '$' || nonce[j] >= 128)
                ck_abort_msg("%u in a nonce", nonce[j]);
        if (memcmp(nonce, last, NONCE_SIZE) == 0)
            ck_abort_msg("twice the same nonce");
        memcpy(last, nonce, NONCE_SIZE);
    }
}
END_TEST

static void check_anything(const uint8_t *bytes, size_t length, void *context)
{
    const struct fixture *f = context;
    struct auth_server a;
    bool native = length == AUTH_SHA1 && memcmp(bytes, f->native, AUTH_SHA1) == 0;
    bool caching = length == AUTH_SHA256 && memcmp(bytes, f->caching, AUTH_SHA256) == 0;
    if ((begin(&a, &f->secret, f->nonce, "", bytes, length) == AUTH_GRANTED) != native)
        ck_abort_msg("mysql_native_password: wrong verdict");
    if ((begin(&a, &f->secret, f->nonce, AUTH_CACHING_SHA2, bytes, length) == AUTH_GRANTED) != caching)
        ck_abort_msg("caching_sha2_password: wrong verdict");
    if (begin(&a, NULL, f->nonce, "", bytes, length) != AUTH_DENIED)
        ck_abort_msg("an unknown user was let in");
}

START_TEST(fuzzed)
{
    struct fixture f = fixture_of(&answers[0]);
    fuzz(f.native, AUTH_SHA1, FUZZ_ROUNDS, check_anything, &f);
    fuzz(f.caching, AUTH_SHA256, FUZZ_ROUNDS, check_anything, &f);
}
END_TEST

Suite *auth_suite(void)
{
    Suite *suite = suite_create("auth");
    TCase *tests = tcase_create("server");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, known_answers, 0, (int)(sizeof(answers) / sizeof(answers[0])));
    tcase_add_test(tests, captured_login);
    tcase_add_test(tests, one_bit_is_enough);
    tcase_add_test(tests, answers_cut_anywhere);
    tcase_add_test(tests, empty_passwords);
    tcase_add_test(tests, unknown_users);
    tcase_add_test(tests, clients_that_hold_back);
    tcase_add_test(tests, switches);
    tcase_add_test(tests, nonces);
    tcase_add_test(tests, fuzzed);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, auth_client_tests());
    return suite;
}
