// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_owner": calls that end the requests of one owner, and frames with
 * several holds.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ks_test.h"

/* Starts a thread that waits for a frame, and waits until it is in the queue */
static struct ks_test_call *owner_wait(struct kunit *test, struct file *file,
				       struct ks_owner *owner)
{
	struct ks_allocator *alloc = ks_allocator_of(file);
	u32 before = READ_ONCE(alloc->nr_waiting);
	struct ks_test_call *call;

	call = ks_test_call_alloc(test, file, owner, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting) ==
						   before + 1));
	KUNIT_ASSERT_TRUE(test, ks_test_pending(call));
	return call;
}

static void owner_expect(struct kunit *test, struct ks_test_call *call, int ret)
{
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, ret);
	KUNIT_EXPECT_EQ(test, call->index, ret ? KS_TEST_NEVER : 0);
}

/* An allocator whose only frame is held by its file */
static struct file *owner_allocator(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	u32 index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(ks_allocator_of(file),
							ks_test_owner_of(file),
							&index));
	return file;
}

/*
 * Passes if a cancel ends all requests of that owner and no others, at any place in the
 * queue, the others keep their order, and no frame moves (B3, B4).
 */
static void owner_cancel(struct kunit *test)
{
	struct file *file = owner_allocator(test);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	struct ks_test_call *calls[8];
	u32 i;

	/* First, in the middle, two in a row, and last */
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = owner_wait(test, file,
				      BIT(i) & 0xb5 ? owner : other);
	ks_allocator_cancel(alloc, owner);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (BIT(i) & 0xb5)
			owner_expect(test, calls[i], -ECANCELED);
	ks_test_expect_counts(test, alloc, 1, 0, 3);
	KUNIT_EXPECT_TRUE(test, list_empty(&owner->waiters));

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (BIT(i) & 0xb5)
			continue;
		KUNIT_EXPECT_TRUE(test, ks_test_pending(calls[i]));
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
		owner_expect(test, calls[i], 0);
		KUNIT_EXPECT_PTR_EQ(test, alloc->frames[0].owner, other);
	}
	ks_test_expect_counts(test, alloc, 1, 0, 0);
}

/*
 * Passes if a cancel takes no frame of its owner, and does not affect requests that begin
 * later, whether or not a request waited at that time (B4).
 */
static void owner_waits_after_cancel(struct kunit *test)
{
	struct file *file = owner_allocator(test);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner_of(file);
	struct ks_test_call *call;
	u32 i;

	for (i = 0; i < 3; i++) {
		ks_allocator_cancel(alloc, owner);
		ks_test_expect_counts(test, alloc, 1, 0, 0);
		call = owner_wait(test, file, owner);
		ks_allocator_cancel(alloc, owner);
		owner_expect(test, call, -ECANCELED);
		call = owner_wait(test, file, owner);
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
		owner_expect(test, call, 0);
	}
	ks_test_expect_counts(test, alloc, 1, 0, 0);
}

/* Passes if a request that has its frame, or has ended, is not cancelled (B4). */
static void owner_cancel_too_late(struct kunit *test)
{
	struct file *file = owner_allocator(test);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_call *call;

	call = owner_wait(test, file, owner);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	ks_allocator_cancel(alloc, owner);
	owner_expect(test, call, 0);

	call = owner_wait(test, file, owner);
	ks_test_signal(call);
	owner_expect(test, call, -ERESTARTSYS);
	ks_allocator_cancel(alloc, owner);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
}

/*
 * Passes if an ended owner does not wait any more: waiting and later requests get ECANCELED
 * if no frame is free, and requests of other owners continue to wait (B4).
 */
static void owner_end(struct kunit *test)
{
	struct file *file = owner_allocator(test);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	struct ks_test_call *calls[2], *others;
	u32 i, index = 77;

	calls[0] = owner_wait(test, file, owner);
	others = owner_wait(test, file, other);
	calls[1] = owner_wait(test, file, owner);
	ks_allocator_end_owner(alloc, owner);
	owner_expect(test, calls[0], -ECANCELED);
	owner_expect(test, calls[1], -ECANCELED);
	KUNIT_EXPECT_TRUE(test, ks_test_pending(others));

	for (i = 0; i < 2; i++) {
		calls[i] = ks_test_call_alloc(test, file, owner, 0);
		owner_expect(test, calls[i], -ECANCELED);
		/* A cancel does not change that */
		ks_allocator_cancel(alloc, owner);
	}
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			ks_allocator_try_alloc(alloc, owner, &index));
	KUNIT_EXPECT_EQ(test, index, 77);

	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	owner_expect(test, others, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	calls[0] = ks_test_call_alloc(test, file, owner, 0);
	owner_expect(test, calls[0], 0);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
}

#define STORM_ROUNDS 300
#define STORM_THREADS KS_TEST_CREW
#define STORM_OTHERS 2

/**
 * struct owner_storm - threads that wait again as soon as their wait has ended
 * @owner: owner of all threads except the first STORM_OTHERS
 * @other: owner of those
 * @cancelled: how often a wait of @owner was cancelled
 * @others: how often a wait of @other was cancelled
 * @wrong: how often a wait ended in another way
 * @stop: the next cancel is the last
 */
struct owner_storm {
	struct ks_owner *owner;
	struct ks_owner *other;
	atomic_t cancelled;
	atomic_t others;
	atomic_t wrong;
	bool stop;
};

static void owner_storm_thread(struct ks_test_crew *crew, unsigned int number)
{
	struct owner_storm *storm = crew->data;
	bool other = number < STORM_OTHERS;
	u32 index;
	int ret;

	do {
		ret = ks_allocator_alloc(ks_allocator_of(crew->file),
					 other ? storm->other : storm->owner, 0,
					 &index);
		if (ret == -ECANCELED)
			atomic_inc(other ? &storm->others : &storm->cancelled);
		else
			atomic_inc(&storm->wrong);
	} while (ret == -ECANCELED && !READ_ONCE(storm->stop));
}

static bool owner_storm_all_wait(struct ks_allocator *alloc)
{
	unsigned long end = jiffies + KS_TEST_PATIENCE;

	while (READ_ONCE(alloc->nr_waiting) != STORM_THREADS) {
		if (time_after(jiffies, end))
			return false;
		cond_resched();
	}
	return true;
}

/*
 * Passes if each cancel ends exactly the requests that waited when it began, even if the
 * threads wait again before it returns, and no requests of other owners (B4).
 */
static void owner_cancel_storm(struct kunit *test)
{
	struct file *file = owner_allocator(test);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct owner_storm *storm;
	struct ks_test_crew *crew;
	int round;

	storm = kzalloc(sizeof(*storm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, storm);
	storm->owner = ks_test_owner(test, alloc);
	storm->other = ks_test_owner(test, alloc);
	crew = ks_test_crew(test, STORM_THREADS, owner_storm_thread, storm, file);

	for (round = 0; round < STORM_ROUNDS; round++) {
		KUNIT_ASSERT_TRUE(test, owner_storm_all_wait(alloc));
		KUNIT_ASSERT_EQ(test, atomic_read(&storm->cancelled),
				round * (STORM_THREADS - STORM_OTHERS));
		KUNIT_ASSERT_EQ(test, atomic_read(&storm->others), 0);
		ks_allocator_cancel(alloc, storm->owner);
	}
	KUNIT_ASSERT_TRUE(test, owner_storm_all_wait(alloc));
	WRITE_ONCE(storm->stop, true);
	ks_allocator_cancel(alloc, storm->owner);
	ks_allocator_cancel(alloc, storm->other);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&crew->done,
							    KS_TEST_PATIENCE));
	KUNIT_EXPECT_EQ(test, atomic_read(&storm->cancelled),
			(STORM_ROUNDS + 1) * (STORM_THREADS - STORM_OTHERS));
	KUNIT_EXPECT_EQ(test, atomic_read(&storm->others), STORM_OTHERS);
	KUNIT_EXPECT_EQ(test, atomic_read(&storm->wrong), 0);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
}

static void owner_hold_again(struct ks_allocator *alloc, u32 index)
{
	spin_lock_irq(&alloc->lock);
	alloc->frames[index].holds++;
	spin_unlock_irq(&alloc->lock);
}

/*
 * Passes if a frame with several holds becomes free at the last one, and belongs to its
 * owner until then (B5).
 */
static void owner_several_holds(struct kunit *test)
{
	struct file *file = owner_allocator(test);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_test_frames before;
	u32 i;

	ks_test_look(test, alloc, &before);
	for (i = 0; i < 3; i++)
		owner_hold_again(alloc, 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, alloc->frames[0].holds, 4 - i);
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
		KUNIT_EXPECT_EQ(test, ks_test_events(file), 0);
	}
	ks_test_expect_frames(test, alloc, &before);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	ks_test_expect_counts(test, alloc, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, 0, false));
}

static struct kunit_case owner_cases[] = {
	KUNIT_CASE(owner_cancel),
	KUNIT_CASE(owner_waits_after_cancel),
	KUNIT_CASE(owner_cancel_too_late),
	KUNIT_CASE(owner_end),
	KUNIT_CASE_SLOW(owner_cancel_storm),
	KUNIT_CASE(owner_several_holds),
	{}
};

static struct kunit_suite owner_suite = {
	.name = "ksalloc_owner",
	.init = ks_test_init,
	.test_cases = owner_cases,
};

kunit_test_suite(owner_suite);
