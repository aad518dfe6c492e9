// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_account": the memory of each user. The tests use users that no process
 * has.
 */
#include "account.h"
#include "ks_test.h"

#define ACCOUNT_LIMIT 100

static kuid_t account_user(u32 number)
{
	return KUIDT_INIT(0xfffffff0 + number);
}

/* Passes if a user can have exactly the limit, in one piece or in several (A8). */
static void account_limit(struct kunit *test)
{
	const kuid_t user = account_user(0);

	KUNIT_EXPECT_EQ(test, ks_account_charge(user, ACCOUNT_LIMIT + 1, ACCOUNT_LIMIT),
			-ENOMEM);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, LONG_MAX, ACCOUNT_LIMIT), -ENOMEM);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, 60, ACCOUNT_LIMIT), 0);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, 41, ACCOUNT_LIMIT), -ENOMEM);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, 40, ACCOUNT_LIMIT), 0);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, 1, ACCOUNT_LIMIT), -ENOMEM);

	/* A limit that becomes lower than what the user has */
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, 1, 50), -ENOMEM);
	ks_account_uncharge(user, 60);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, 10, 50), 0);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, 1, 50), -ENOMEM);
	ks_account_uncharge(user, 10);
	ks_account_uncharge(user, 40);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, ACCOUNT_LIMIT, ACCOUNT_LIMIT), 0);
	ks_account_uncharge(user, ACCOUNT_LIMIT);
}

/* Passes if large numbers do not wrap around (A8). */
static void account_wraps_not(struct kunit *test)
{
	const kuid_t user = account_user(1);

	KUNIT_EXPECT_EQ(test, ks_account_charge(user, LONG_MAX, LONG_MAX), 0);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, 1, LONG_MAX), -ENOMEM);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, LONG_MAX, LONG_MAX), -ENOMEM);
	ks_account_uncharge(user, LONG_MAX);
	KUNIT_EXPECT_EQ(test, ks_account_charge(user, 1, 1), 0);
	ks_account_uncharge(user, 1);
}

/* Passes if users do not share their limit (A8). */
static void account_users(struct kunit *test)
{
	u32 i;

	for (i = 2; i < 8; i++)
		KUNIT_EXPECT_EQ(test, ks_account_charge(account_user(i), ACCOUNT_LIMIT,
							ACCOUNT_LIMIT), 0);
	for (i = 2; i < 8; i++) {
		KUNIT_EXPECT_EQ(test, ks_account_charge(account_user(i), 1, ACCOUNT_LIMIT),
				-ENOMEM);
		ks_account_uncharge(account_user(i), ACCOUNT_LIMIT);
	}
}

static struct kunit_case account_cases[] = {
	KUNIT_CASE(account_limit),
	KUNIT_CASE(account_wraps_not),
	KUNIT_CASE(account_users),
	{}
};

static struct kunit_suite account_suite = {
	.name = "ksalloc_account",
	.test_cases = account_cases,
};

kunit_test_suite(account_suite);
