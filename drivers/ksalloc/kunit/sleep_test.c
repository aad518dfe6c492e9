// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_sleep": how a task waits for a frame.
 */
#include "../sleep.h"
#include "ks_test.h"

/* Whether an entry is on the queue. No other task uses it */
static bool sleep_has(struct wait_queue_head *head)
{
	return !list_empty(&head->head);
}

/* Passes if a task that is woken all the time notices the deadline (I2). */
static void sleep_woken_at_deadline(struct kunit *test)
{
	DEFINE_WAIT_FUNC(wait, ks_wake_and_remove);

	wait.flags |= WQ_FLAG_WOKEN;
	KUNIT_EXPECT_EQ(test, ks_sleep_woken(&wait, 0), 0);
	wait.flags |= WQ_FLAG_WOKEN;
	KUNIT_EXPECT_EQ(test, ks_sleep_woken(&wait, U64_MAX), 0);
	wait.flags |= WQ_FLAG_WOKEN;
	KUNIT_EXPECT_EQ(test, ks_sleep_woken(&wait, 1), -ETIMEDOUT);
	KUNIT_EXPECT_FALSE(test, wait.flags & WQ_FLAG_WOKEN);
}

/*
 * Passes if a wake-up before the sleep ends the sleep, and removes the entry, so that the next one
 * is only heard after the task has begun to wait again (I2).
 */
static void sleep_wake_removes(struct kunit *test)
{
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(head);
	DEFINE_WAIT_FUNC(wait, ks_wake_and_remove);
	u32 i;

	for (i = 0; i < 2; i++) {
		ks_wait_begin(&head, &wait);
		KUNIT_EXPECT_TRUE(test, sleep_has(&head));
		wake_up(&head);
		KUNIT_EXPECT_FALSE(test, sleep_has(&head));
		KUNIT_EXPECT_EQ(test, ks_sleep_woken(&wait, 0), 0);
	}
	wake_up(&head);
	KUNIT_EXPECT_EQ(test, ks_sleep_woken(&wait, 1), -ETIMEDOUT);
	ks_wait_end(&head, &wait);
}

/* Passes if a task that waits again is on the queue once, and is not there in the end (I2). */
static void sleep_without_wake(struct kunit *test)
{
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(head);
	DEFINE_WAIT_FUNC(wait, ks_wake_and_remove);
	u32 i;

	for (i = 0; i < 2; i++) {
		ks_wait_begin(&head, &wait);
		KUNIT_EXPECT_TRUE(test, list_is_singular(&head.head));
		KUNIT_EXPECT_EQ(test, ks_sleep_woken(&wait, 1), -ETIMEDOUT);
	}
	ks_wait_end(&head, &wait);
	KUNIT_EXPECT_FALSE(test, sleep_has(&head));
}

/* Passes if one wake-up wakes all, and each is off the queue (I2). */
static void sleep_wake_all(struct kunit *test)
{
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(head);
	DEFINE_WAIT_FUNC(first, ks_wake_and_remove);
	DEFINE_WAIT_FUNC(second, ks_wake_and_remove);

	ks_wait_begin(&head, &first);
	ks_wait_begin(&head, &second);
	wake_up(&head);
	KUNIT_EXPECT_FALSE(test, sleep_has(&head));
	KUNIT_EXPECT_EQ(test, ks_sleep_woken(&first, 0), 0);
	KUNIT_EXPECT_EQ(test, ks_sleep_woken(&second, 0), 0);
	ks_wait_end(&head, &first);
	ks_wait_end(&head, &second);
}

static struct kunit_case sleep_cases[] = {
	KUNIT_CASE(sleep_woken_at_deadline),
	KUNIT_CASE(sleep_wake_removes),
	KUNIT_CASE(sleep_without_wake),
	KUNIT_CASE(sleep_wake_all),
	{}
};

static struct kunit_suite sleep_suite = {
	.name = "ksalloc_sleep",
	.test_cases = sleep_cases,
};

kunit_test_suite(sleep_suite);
