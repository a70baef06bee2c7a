/* SPDX-License-Identifier: MIT
 * Accounts: found by name, what is known of their passwords, and which logins went well.
 */
#include "proxy/account.h"
#include "tests/unit/split.h"

Suite *account_suite(void);

#define SECOND INT64_C(1000000)

/* app has a password, hashed only a hash, open an empty password. */
static struct conf_account list[] = {
    {.name = "app", .password = "secret", .password_len = 6},
    {.name = "hashed", .has_hash = true},
    {.name = "open"},
};
static char control[] = "control";
static struct conf conf = {.accounts = list, .account_count = 3, .control_user = control, .control_password = control};
static struct accounts *accounts;

static void set_up(void)
{
    struct auth_secret secret = {0};
    auth_secret_from_password(&secret, "secret", 6);
    memcpy(list[1].hash, secret.stage2, AUTH_SHA1);
    accounts = accounts_new(&conf);
}

static void tear_down(void)
{
    accounts_free(accounts);
}

START_TEST(by_name)
{
    ck_assert_int_eq(accounts_find(accounts, text_of("app")), 0);
    ck_assert_int_eq(accounts_find(accounts, text_of("open")), 2);
    ck_assert_str_eq(accounts_name(accounts, 1), "hashed");
    ck_assert_int_eq(accounts_find(accounts, text_of("App")), -1);
    ck_assert_int_eq(accounts_find(accounts, text_of("ap")), -1);
    ck_assert_int_eq(accounts_find(accounts, text_of("app2")), -1);
    ck_assert_int_eq(accounts_find(accounts, text_of("")), -1);
    ck_assert_int_eq(accounts_find(accounts, (struct wire_text){"app\0x", 5}), -1);
}
END_TEST

/* app gets another password, hashed goes, late comes, and the control account is another. Each keeps its index. */
START_TEST(others)
{
    struct conf_account later[] = {{.name = "late", .password = "l", .password_len = 1}, {.name = "open"}, {.name = "app", .password = "new", .password_len = 3}};
    char boss[] = "boss";
    struct conf after = {.accounts = later, .account_count = 3, .control_user = boss, .control_password = boss};
    struct auth_secret was = accounts_secret(accounts, 0), is;

    accounts_settings_changed(accounts, &conf, &after);
    ck_assert_int_eq(accounts_find(accounts, text_of("app")), 0);
    ck_assert_int_eq(accounts_find(accounts, text_of("hashed")), -1);
    ck_assert_str_eq(accounts_name(accounts, 1), "hashed");
    ck_assert_int_eq(accounts_find(accounts, text_of("open")), 2);
    ck_assert_int_eq(accounts_find(accounts, text_of("control")), -1);
    ck_assert_int_eq(accounts_find(accounts, text_of("late")), 4);
    ck_assert_int_eq(accounts_find(accounts, text_of("boss")), -1);
    is = accounts_secret(accounts, 0);
    ck_assert(memcmp(was.stage2, is.stage2, AUTH_SHA1) != 0);
    accounts_settings_changed(accounts, &after, &conf);
    is = accounts_secret(accounts, 0);
    ck_assert_mem_eq(was.stage2, is.stage2, AUTH_SHA1);
    ck_assert_int_eq(accounts_find(accounts, text_of("hashed")), 1);
    ck_assert_int_eq(accounts_find(accounts, text_of("late")), -1);
}
END_TEST

START_TEST(secrets)
{
    struct auth_secret app = accounts_secret(accounts, 0), hashed = accounts_secret(accounts, 1), open = accounts_secret(accounts, 2);
    ck_assert(app.password && app.has_stage1 && app.has_stage2 && app.has_sha2);
    ck_assert(!hashed.password && !hashed.has_stage1 && hashed.has_stage2);
    ck_assert_mem_eq(hashed.stage2, app.stage2, AUTH_SHA1);
    ck_assert(open.password && open.password_len == 0);
}
END_TEST

START_TEST(learned)
{
    static const uint8_t wrong[AUTH_SHA1] = {1};
    struct auth_secret app = accounts_secret(accounts, 0), hashed;
    ck_assert(accounts_usable(accounts, 0) && !accounts_usable(accounts, 1) && accounts_usable(accounts, 2));
    accounts_learn(accounts, 1, app.stage1);
    ck_assert(accounts_usable(accounts, 1));
    hashed = accounts_secret(accounts, 1);
    ck_assert(hashed.has_stage1);
    ck_assert_mem_eq(hashed.stage1, app.stage1, AUTH_SHA1);
    accounts_learn(accounts, 1, wrong); /* what is known stays */
    hashed = accounts_secret(accounts, 1);
    ck_assert_mem_eq(hashed.stage1, app.stage1, AUTH_SHA1);
}
END_TEST

START_TEST(first_usable)
{
    struct conf only = {.accounts = list + 1, .account_count = 1, .control_user = control, .control_password = control};
    struct accounts *other = accounts_new(&only);
    uint8_t stage1[AUTH_SHA1] = {0};
    ck_assert_int_eq(accounts_first_usable(accounts), 0);
    ck_assert_int_eq(accounts_first_usable(other), 1); /* the control account, which logs in no client */
    ck_assert_str_eq(accounts_name(other, 1), control);
    ck_assert_int_eq(accounts_find(other, (struct wire_text){control, strlen(control)}), -1);
    accounts_learn(other, 0, stage1);
    ck_assert_int_eq(accounts_first_usable(other), 0);
    accounts_free(other);
}
END_TEST

static struct session_image login(uint16_t account, uint16_t collation, const char *schema)
{
    struct session_image image;
    session_image_init(&image, account, collation, 0);
    ck_assert(session_image_set_schema(&image, schema, strlen(schema)));
    return image;
}

static bool proven(uint16_t account, uint16_t collation, const char *schema, int64_t now)
{
    struct session_image image = login(account, collation, schema);
    return accounts_proven(accounts, &image, now, 10 * SECOND);
}

START_TEST(proofs)
{
    struct session_image shop = login(0, 45, "shop"), none = login(0, 45, "");
    ck_assert(!proven(0, 45, "shop", 5));
    ck_assert(!proven(0, 0, "", 5)); /* an empty place in the list is no login without a schema */
    accounts_prove(accounts, &shop, 5);
    ck_assert(proven(0, 45, "shop", 5));
    ck_assert(proven(0, 45, "shop", 5 + 10 * SECOND - 1));
    ck_assert(!proven(0, 45, "shop", 5 + 10 * SECOND));
    ck_assert(!proven(1, 45, "shop", 6) && !proven(0, 8, "shop", 6) && !proven(0, 45, "", 6) && !proven(0, 45, "shop2", 6));
    ck_assert(!proven(0, 45, "Shop", 6));
    ck_assert(!accounts_proven(accounts, &shop, 5, 0)); /* 0: always ask */
    accounts_prove(accounts, &none, 6);
    ck_assert(proven(0, 45, "", 6) && proven(0, 45, "shop", 6));
    accounts_prove(accounts, &shop, 5 + 9 * SECOND); /* again: counts from then */
    ck_assert(proven(0, 45, "shop", 5 + 18 * SECOND));
    accounts_disprove(accounts, &shop);
    ck_assert(!proven(0, 45, "shop", 5 + 9 * SECOND) && proven(0, 45, "", 6));
}
END_TEST

START_TEST(the_oldest_proof_makes_room)
{
    char schema[16];
    for (int i = 0; i < 33; i++) {
        struct session_image image;
        snprintf(schema, sizeof(schema), "s%d", i);
        image = login(2, 45, schema);
        accounts_prove(accounts, &image, 100 + i);
    }
    ck_assert(!proven(2, 45, "s0", 200));
    for (int i = 1; i < 33; i++) {
        snprintf(schema, sizeof(schema), "s%d", i);
        ck_assert(proven(2, 45, schema, 200));
    }
    ck_assert(!proven(0, 45, "s5", 200)); /* each account has its own */
}
END_TEST

Suite *account_suite(void)
{
    Suite *suite = suite_create("account");
    TCase *tests = tcase_create("account");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, by_name);
    tcase_add_test(tests, others);
    tcase_add_test(tests, secrets);
    tcase_add_test(tests, learned);
    tcase_add_test(tests, first_usable);
    tcase_add_test(tests, proofs);
    tcase_add_test(tests, the_oldest_proof_makes_room);
    suite_add_tcase(suite, tests);
    return suite;
}
