// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_frames": which owner has which frame of an allocator, and which
 * requests wait for one.
 *
 * Owners are not in open files here, and connections are invalid pointers, because they are
 * only compared. A waiting request is a thread (ks_test_call_alloc()).
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "ks_test.h"

#define DEVICE_A ks_test_device(14)
#define DEVICE_B ks_test_device(15)

static u32 frames_alloc(struct kunit *test, struct ks_allocator *alloc,
			struct ks_owner *owner)
{
	u32 index = KS_TEST_NEVER;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	KUNIT_ASSERT_LT(test, index, alloc->nr_frames);
	return index;
}

static void frames_alloc_all(struct kunit *test, struct ks_allocator *alloc,
			     struct ks_owner *owner)
{
	u32 i;

	for (i = 0; i < alloc->nr_frames; i++)
		frames_alloc(test, alloc, owner);
}

/* Allocates a frame and puts it into a device */
static u32 frames_submit(struct kunit *test, struct ks_allocator *alloc,
			 struct ks_owner *owner,
			 const struct ks_connection *connection)
{
	u32 index = frames_alloc(test, alloc, owner);

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_submit(alloc, index, connection));
	return index;
}

/* Starts a thread that waits for a frame, and waits until it is in the queue */
static struct ks_test_call *frames_wait(struct kunit *test, struct file *file,
					struct ks_owner *owner, u64 deadline_ns)
{
	struct ks_allocator *alloc = ks_allocator_of(file);
	u32 before = READ_ONCE(alloc->nr_waiting);
	struct ks_test_call *call;

	call = ks_test_call_alloc(test, file, owner, deadline_ns);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting) ==
						   before + 1));
	KUNIT_ASSERT_TRUE(test, ks_test_pending(call));
	return call;
}

/* Checks that the call has got this frame */
static void frames_expect_got(struct kunit *test, struct ks_test_call *call,
			      u32 index)
{
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, 0);
	KUNIT_EXPECT_EQ(test, call->index, index);
}

/* Checks that the call has ended with this errno and has written nothing */
static void frames_expect_ended(struct kunit *test, struct ks_test_call *call,
				int error)
{
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, error);
	KUNIT_EXPECT_EQ(test, call->index, KS_TEST_NEVER);
}

/*
 * Passes if an allocator gives out each of its frames once, and after that returns EAGAIN
 * to every owner and writes nothing (B1).
 */
static void frames_bound(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, KS_TEST_FRAMES);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	u32 i, index, got = 0;

	for (i = 0; i < KS_TEST_FRAMES; i++) {
		ks_test_expect_counts(test, alloc, i, 0, 0);
		got |= BIT(frames_alloc(test, alloc, owner));
	}
	KUNIT_EXPECT_EQ(test, got, GENMASK(KS_TEST_FRAMES - 1, 0));

	index = 77;
	KUNIT_EXPECT_EQ(test, -EAGAIN, ks_allocator_try_alloc(alloc, owner,
							      &index));
	KUNIT_EXPECT_EQ(test, -EAGAIN, ks_allocator_try_alloc(alloc, other,
							      &index));
	KUNIT_EXPECT_EQ(test, index, 77);
	ks_test_expect_counts(test, alloc, KS_TEST_FRAMES, 0, 0);
}

/* Passes if the limits of two allocators are independent (G2). */
static void frames_bound_is_each_allocators_own(struct kunit *test)
{
	struct ks_allocator *one = ks_test_allocator(test, 2);
	struct ks_allocator *other = ks_test_allocator(test, 3);
	struct ks_owner *owner = ks_test_owner(test, one);
	struct ks_owner *others = ks_test_owner(test, other);
	u32 index;

	frames_alloc_all(test, one, owner);
	ks_test_expect_counts(test, other, 0, 0, 0);
	frames_alloc_all(test, other, others);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(one, 1, false));
	KUNIT_EXPECT_EQ(test, -EAGAIN, ks_allocator_try_alloc(other, others,
							      &index));
	ks_test_expect_counts(test, one, 1, 0, 0);
	ks_test_expect_counts(test, other, 3, 0, 0);
}

/*
 * Passes if the frame that has been free the longest is allocated first, and new frames in
 * order (B1).
 */
static void frames_longest_free_first(struct kunit *test)
{
	static const u32 order[] = { 3, 0, 5, 1, 4, 2 };
	struct ks_allocator *alloc =
		ks_test_allocator(test, ARRAY_SIZE(order));
	struct ks_owner *owner = ks_test_owner(test, alloc);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, frames_alloc(test, alloc, owner), i);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, order[i], false));
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, frames_alloc(test, alloc, owner),
				order[i]);
}

/* Passes if ks_allocator_alloc() takes a free frame immediately, for its owner (B1). */
static void frames_alloc_without_waiting(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_owner *owner = ks_test_owner_of(file);
	struct ks_test_frames frames;
	struct ks_test_call *call;

	call = ks_test_call_alloc(test, file, owner, 0);
	frames_expect_got(test, call, 0);
	/* A deadline in the past matters only if the call has to wait */
	call = ks_test_call_alloc(test, file, owner, 1);
	frames_expect_got(test, call, 1);

	ks_test_look(test, ks_allocator_of(file), &frames);
	KUNIT_EXPECT_EQ(test, frames.allocated, 2);
	KUNIT_EXPECT_EQ(test, frames.waiting, 0);
	KUNIT_EXPECT_EQ(test, frames.frame[0].state, KS_FRAME_ALLOCATED);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[0].owner, owner);
}

/*
 * Passes if with sixteen waiting threads each freed frame ends only the wait of the oldest
 * (B2, B3).
 */
static void frames_waiters_in_order(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 3);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *waiters[16];
	struct ks_test_call *calls[ARRAY_SIZE(waiters)];
	u32 i, j;

	frames_alloc_all(test, alloc, owner);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		waiters[i] = ks_test_owner(test, alloc);
		calls[i] = frames_wait(test, file, waiters[i], 0);
	}
	ks_test_expect_counts(test, alloc, 3, 0, ARRAY_SIZE(calls));

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		struct ks_test_frames frames;
		u32 index = (i * 2) % 3;

		KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, index, false));
		frames_expect_got(test, calls[i], index);
		for (j = i + 1; j < ARRAY_SIZE(calls); j++)
			KUNIT_EXPECT_FALSE(test,
					   completion_done(&calls[j]->done));
		ks_test_look(test, alloc, &frames);
		KUNIT_EXPECT_EQ(test, frames.waiting, ARRAY_SIZE(calls) - i - 1);
		KUNIT_EXPECT_EQ(test, frames.allocated, 3);
		KUNIT_EXPECT_PTR_EQ(test, frames.frame[index].owner, waiters[i]);
	}
}

/*
 * Passes if a waiter has a freed frame before the free has returned: a later request that
 * does not wait gets none, and one that waits is the last (B3).
 */
static void frames_newcomers_do_not_overtake(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *newcomer = ks_test_owner(test, alloc);
	struct ks_test_call *first, *second, *last;
	u32 index = 77;

	frames_alloc_all(test, alloc, owner);
	first = frames_wait(test, file, owner, 0);
	second = frames_wait(test, file, owner, 0);

	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 1, false));
	KUNIT_EXPECT_EQ(test, -EAGAIN, ks_allocator_try_alloc(alloc, newcomer,
							      &index));
	last = frames_wait(test, file, newcomer, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	KUNIT_EXPECT_EQ(test, -EAGAIN, ks_allocator_try_alloc(alloc, newcomer,
							      &index));
	KUNIT_EXPECT_EQ(test, index, 77);
	frames_expect_got(test, first, 1);
	frames_expect_got(test, second, 0);
	KUNIT_EXPECT_FALSE(test, completion_done(&last->done));

	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	frames_expect_got(test, last, 0);
	/* If nobody waits, any owner can allocate a free frame again */
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	KUNIT_EXPECT_EQ(test, frames_alloc(test, alloc, newcomer), 0);
}

/*
 * Passes if freeing a frame that is free, out of range or in a device fails and changes
 * nothing (B5).
 */
static void frames_free_errors(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 4);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	u32 allocated = frames_alloc(test, alloc, owner);
	u32 device = frames_submit(test, alloc, owner, DEVICE_A);
	struct ks_test_frames before;

	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, allocated, false));
	ks_test_look(test, alloc, &before);
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, allocated, false));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, 3, false));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, 4, false));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, 5, false));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, BIT(31), false));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, U32_MAX, false));
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_allocator_free(alloc, device, false));
	ks_test_expect_frames(test, alloc, &before);
	ks_allocator_take_back(alloc, DEVICE_A);
}

/*
 * Passes if ks_allocator_free_owned() frees a frame only while this owner holds it, and
 * else changes nothing (A4).
 */
static void frames_free_owned(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 2);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	u32 index = frames_alloc(test, alloc, owner);
	u32 device = frames_submit(test, alloc, owner, DEVICE_A);
	struct ks_test_frames before;

	ks_test_look(test, alloc, &before);
	ks_allocator_free_owned(alloc, index, other);
	ks_allocator_free_owned(alloc, device, owner);
	ks_test_expect_frames(test, alloc, &before);

	ks_allocator_free_owned(alloc, index, owner);
	ks_test_expect_counts(test, alloc, 1, 1, 0);
	ks_allocator_free_owned(alloc, index, owner);
	ks_test_expect_counts(test, alloc, 1, 1, 0);
	ks_allocator_take_back(alloc, DEVICE_A);
}

/*
 * Passes if an allocated frame of any owner can be submitted, and any other frame is an
 * error that changes nothing (B5, I2).
 */
static void frames_submit_errors(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 4);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	u32 index = frames_submit(test, alloc, owner, DEVICE_A);
	struct ks_test_frames before;

	ks_test_look(test, alloc, &before);
	KUNIT_EXPECT_EQ(test, before.frame[index].state, KS_FRAME_IN_DEVICE);
	KUNIT_EXPECT_PTR_EQ(test, before.frame[index].connection, DEVICE_A);
	KUNIT_EXPECT_PTR_EQ(test, before.frame[index].owner, owner);
	KUNIT_EXPECT_EQ(test, before.allocated, 1);
	KUNIT_EXPECT_EQ(test, before.in_device, 1);

	KUNIT_EXPECT_EQ(test, -EBUSY, ks_allocator_submit(alloc, index, DEVICE_A));
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_allocator_submit(alloc, index, DEVICE_B));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_submit(alloc, 3, DEVICE_A));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_submit(alloc, 4, DEVICE_A));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_submit(alloc, U32_MAX,
							   DEVICE_A));
	ks_test_expect_frames(test, alloc, &before);
	ks_allocator_take_back(alloc, DEVICE_A);
}

/* Passes if a frame that a device did not accept is allocated to its owner as before (A4). */
static void frames_unsubmit_to_owner(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 3);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_frames before;
	u32 index;

	index = frames_alloc(test, alloc, owner);
	frames_alloc(test, alloc, owner);
	ks_test_look(test, alloc, &before);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_submit(alloc, index, DEVICE_A));
	ks_allocator_unsubmit(alloc, index);
	ks_test_expect_frames(test, alloc, &before);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, index, false));
}

/*
 * Passes if a frame that a device did not accept, and whose owner was closed meanwhile,
 * becomes free or is given to the oldest waiter (B3, B7).
 */
static void frames_unsubmit_without_owner(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	struct ks_test_call *call;

	frames_submit(test, alloc, owner, DEVICE_A);
	ks_allocator_reclaim(alloc, owner);
	ks_test_expect_counts(test, alloc, 1, 1, 0);
	ks_allocator_unsubmit(alloc, 0);
	ks_test_expect_counts(test, alloc, 0, 0, 0);

	frames_submit(test, alloc, owner, DEVICE_A);
	call = frames_wait(test, file, other, 0);
	ks_allocator_reclaim(alloc, owner);
	KUNIT_EXPECT_TRUE(test, ks_test_pending(call));
	ks_allocator_unsubmit(alloc, 0);
	frames_expect_got(test, call, 0);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
}

/* Passes if a delivered frame belongs to that owner, whichever owner submitted it (I2). */
static void frames_deliver(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 2);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *reader = ks_test_owner(test, alloc);
	u32 index = frames_submit(test, alloc, owner, DEVICE_A);
	struct ks_test_frames frames;

	ks_allocator_deliver(alloc, index, reader);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[index].state, KS_FRAME_ALLOCATED);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[index].owner, reader);
	KUNIT_EXPECT_EQ(test, frames.allocated, 1);
	KUNIT_EXPECT_EQ(test, frames.in_device, 0);

	ks_allocator_reclaim(alloc, owner);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
	ks_allocator_reclaim(alloc, reader);
	ks_test_expect_counts(test, alloc, 0, 0, 0);
}

/*
 * Passes if for an allocator that two devices share, only the frames of one device are
 * taken back (G1, I4).
 */
static void frames_take_back_by_connection(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 6);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_frames frames;

	frames_submit(test, alloc, owner, DEVICE_A);
	frames_submit(test, alloc, owner, DEVICE_B);
	frames_submit(test, alloc, owner, DEVICE_A);
	frames_alloc(test, alloc, owner);
	frames_submit(test, alloc, owner, DEVICE_B);

	ks_allocator_take_back(alloc, DEVICE_A);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[0].state, KS_FRAME_FREE);
	KUNIT_EXPECT_EQ(test, frames.frame[1].state, KS_FRAME_IN_DEVICE);
	KUNIT_EXPECT_EQ(test, frames.frame[2].state, KS_FRAME_FREE);
	KUNIT_EXPECT_EQ(test, frames.frame[3].state, KS_FRAME_ALLOCATED);
	KUNIT_EXPECT_EQ(test, frames.frame[4].state, KS_FRAME_IN_DEVICE);
	KUNIT_EXPECT_EQ(test, frames.allocated, 3);
	KUNIT_EXPECT_EQ(test, frames.in_device, 2);

	ks_allocator_take_back(alloc, DEVICE_A);
	ks_test_expect_frames(test, alloc, &frames);
	ks_allocator_take_back(alloc, DEVICE_B);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
}

/*
 * Passes if frames that are returned from a device are given to waiting requests, in order
 * (B3).
 */
static void frames_take_back_serves_waiters(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 3);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_call *calls[2];
	u32 i;

	for (i = 0; i < 3; i++)
		frames_submit(test, alloc, owner, DEVICE_A);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = frames_wait(test, file, owner, 0);
	ks_allocator_take_back(alloc, DEVICE_A);
	frames_expect_got(test, calls[0], 0);
	frames_expect_got(test, calls[1], 1);
	ks_test_expect_counts(test, alloc, 2, 0, 0);
}

/* Passes if reclaim takes the frames of an owner and no others (B7). */
static void frames_reclaim_owner(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 6);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	struct ks_owner *third = ks_test_owner(test, alloc);
	struct ks_test_frames frames;

	/* Also of two open files of one connection */
	owner->connection = DEVICE_A;
	other->connection = DEVICE_A;
	frames_alloc(test, alloc, owner);
	frames_alloc(test, alloc, other);
	frames_alloc(test, alloc, third);
	frames_alloc(test, alloc, owner);

	ks_allocator_reclaim(alloc, owner);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[0].state, KS_FRAME_FREE);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[1].owner, other);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[2].owner, third);
	KUNIT_EXPECT_EQ(test, frames.frame[3].state, KS_FRAME_FREE);
	KUNIT_EXPECT_EQ(test, frames.allocated, 2);

	/* A second time, there is nothing to take */
	ks_allocator_reclaim(alloc, owner);
	ks_test_expect_frames(test, alloc, &frames);
}

/*
 * Passes if all open files of a connection lose their frames, and an open file of an
 * allocator or of another connection loses none (B7, D5).
 */
static void frames_reclaim_connection(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 6);
	struct ks_owner *one = ks_test_owner(test, alloc);
	struct ks_owner *two = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	struct ks_owner *none = ks_test_owner(test, alloc);
	struct ks_test_frames frames;

	one->connection = DEVICE_A;
	two->connection = DEVICE_A;
	other->connection = DEVICE_B;
	frames_alloc(test, alloc, one);
	frames_alloc(test, alloc, none);
	frames_alloc(test, alloc, two);
	frames_alloc(test, alloc, other);
	/* A frame that it completed, and that was submitted to another device */
	frames_submit(test, alloc, one, DEVICE_B);
	frames_submit(test, alloc, none, DEVICE_A);

	ks_allocator_reclaim_connection(alloc, DEVICE_A);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[0].state, KS_FRAME_FREE);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[1].owner, none);
	KUNIT_EXPECT_EQ(test, frames.frame[2].state, KS_FRAME_FREE);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[3].owner, other);
	KUNIT_EXPECT_EQ(test, frames.frame[4].state, KS_FRAME_IN_DEVICE);
	KUNIT_EXPECT_NULL(test, frames.frame[4].owner);
	KUNIT_EXPECT_EQ(test, frames.frame[5].state, KS_FRAME_IN_DEVICE);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[5].owner, none);
	KUNIT_EXPECT_EQ(test, frames.allocated, 4);
	KUNIT_EXPECT_EQ(test, frames.in_device, 2);

	ks_allocator_take_back(alloc, DEVICE_A);
	ks_allocator_take_back(alloc, DEVICE_B);
	ks_test_expect_counts(test, alloc, 2, 0, 0);
}

/*
 * Passes if a submitted frame whose owner was closed belongs to its reader when it is
 * delivered, and becomes free if the device did not accept it (B7, I2).
 */
static void frames_reclaim_submitted(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 2);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *reader = ks_test_owner(test, alloc);
	struct ks_test_frames frames;

	frames_submit(test, alloc, owner, DEVICE_A);
	frames_submit(test, alloc, owner, DEVICE_A);
	ks_allocator_reclaim(alloc, owner);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_NULL(test, frames.frame[0].owner);
	KUNIT_EXPECT_NULL(test, frames.frame[1].owner);
	KUNIT_EXPECT_EQ(test, frames.in_device, 2);

	ks_allocator_deliver(alloc, 0, reader);
	ks_allocator_unsubmit(alloc, 1);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[0].state, KS_FRAME_ALLOCATED);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[0].owner, reader);
	KUNIT_EXPECT_EQ(test, frames.frame[1].state, KS_FRAME_FREE);
	ks_test_expect_counts(test, alloc, 1, 0, 0);

	/* The ended owner does not affect either frame any more */
	ks_allocator_reclaim(alloc, owner);
	ks_test_expect_frames(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
}

/*
 * Passes if a frame in a device stays there when its owner is closed, and is returned without an
 * owner when the device stops (B7).
 */
static void frames_reclaim_leaves_the_device_alone(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 3);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	u32 index = frames_submit(test, alloc, owner, DEVICE_A);
	struct ks_test_frames frames;

	frames_submit(test, alloc, other, DEVICE_A);
	ks_allocator_reclaim(alloc, owner);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[index].state, KS_FRAME_IN_DEVICE);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[index].connection, DEVICE_A);
	KUNIT_EXPECT_NULL(test, frames.frame[index].owner);
	KUNIT_EXPECT_EQ(test, frames.in_device, 2);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[1].owner, other);

	ks_allocator_take_back(alloc, DEVICE_A);
	ks_test_expect_counts(test, alloc, 0, 0, 0);
}

/*
 * Passes if frames of an owner that ends are not given to its own waiting threads but to
 * requests behind them (B3, B4, B7).
 */
static void frames_reclaim_serves_others(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *gone = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	struct ks_test_call *own, *others;
	struct ks_test_frames frames;

	frames_alloc_all(test, alloc, gone);
	own = frames_wait(test, file, gone, 0);
	others = frames_wait(test, file, other, 0);

	ks_allocator_end_owner(alloc, gone);
	ks_allocator_reclaim(alloc, gone);
	frames_expect_ended(test, own, -ECANCELED);
	frames_expect_got(test, others, 0);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.allocated, 1);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[0].owner, other);
}

/*
 * Passes if closing a descriptor has no effect while the open file has another one, and the
 * last close ends the open file: its frames are given to requests that wait through other
 * open files (B3, B7).
 */
static void frames_close(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct file *closing = ks_allocator_open(alloc);
	struct ks_test_fd *first, *last;
	struct ks_test_frames frames;
	struct ks_test_call *waiter;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, closing);
	first = ks_test_fd(test, closing);
	last = ks_test_fd(test, closing);
	fput(closing);
	frames_alloc_all(test, alloc, ks_test_owner_of(closing));
	waiter = frames_wait(test, file, ks_test_owner_of(file), 0);

	ks_test_fd_close(first);
	KUNIT_EXPECT_TRUE(test, ks_test_pending(waiter));
	ks_test_expect_counts(test, alloc, 2, 0, 1);
	ks_test_fd_close(last);
	flush_delayed_fput();
	frames_expect_got(test, waiter, 0);
	KUNIT_EXPECT_TRUE(test,
			  ks_test_wait_until(READ_ONCE(alloc->nr_allocated) == 1));
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[0].owner, ks_test_owner_of(file));
}

/*
 * Passes if closing the last descriptor does not end a call that waits through the same
 * open file: the call keeps the open file, and its frame (B4, B7).
 */
static void frames_close_under_a_call(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct file *closing = ks_allocator_open(alloc);
	struct ks_owner *owner;
	struct ks_test_call *waiter;
	struct ks_test_fd *fd;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, closing);
	fd = ks_test_fd(test, closing);
	fput(closing);
	owner = ks_test_owner_of(closing);
	frames_alloc_all(test, alloc, ks_test_owner_of(file));
	waiter = frames_wait(test, closing, owner, 0);

	ks_test_fd_close(fd);
	flush_delayed_fput();
	KUNIT_EXPECT_TRUE(test, ks_test_pending(waiter));
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	frames_expect_got(test, waiter, 0);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
	KUNIT_EXPECT_PTR_EQ(test, alloc->frames[0].owner, owner);
}

/*
 * Passes if a signal ends the wait of the thread that gets it, at the beginning, in the
 * middle or at the end of the queue, and the frame is given to the next request (B4).
 */
static void frames_signal(struct kunit *test)
{
	u32 i, j;

	for (i = 0; i < 3; i++) {
		struct file *file = ks_test_allocator_file(test, 1);
		struct ks_allocator *alloc = ks_allocator_of(file);
		struct ks_owner *owner = ks_test_owner(test, alloc);
		struct ks_test_call *calls[3];

		frames_alloc_all(test, alloc, owner);
		for (j = 0; j < 3; j++)
			calls[j] = frames_wait(test, file, owner, 0);

		ks_test_signal(calls[i]);
		frames_expect_ended(test, calls[i], -ERESTARTSYS);
		ks_test_expect_counts(test, alloc, 1, 0, 2);
		for (j = 0; j < 3; j++) {
			if (j == i)
				continue;
			KUNIT_EXPECT_TRUE(test, ks_test_pending(calls[j]));
			KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
			frames_expect_got(test, calls[j], 0);
		}
		ks_test_expect_counts(test, alloc, 1, 0, 0);
	}
}

/* Passes if a wait ends with ETIMEDOUT when its deadline has passed, and not before (B2). */
static void frames_deadline(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_call *call;
	u64 deadline;

	frames_alloc_all(test, alloc, owner);
	call = ks_test_call_alloc(test, file, owner, 1);
	frames_expect_ended(test, call, -ETIMEDOUT);
	call = ks_test_call_alloc(test, file, owner, ktime_get_ns());
	frames_expect_ended(test, call, -ETIMEDOUT);

	deadline = ktime_get_ns() + 20 * NSEC_PER_MSEC;
	call = ks_test_call_alloc(test, file, owner, deadline);
	frames_expect_ended(test, call, -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, ktime_get_ns(), deadline);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	ks_test_expect_counts(test, alloc, 0, 0, 0);
}

/* Passes if deadlines in the far future work (B2). */
static void frames_deadline_far(struct kunit *test)
{
	const u64 deadlines[] = {
		ktime_get_ns() + 3600 * NSEC_PER_SEC, KTIME_MAX - 1, KTIME_MAX,
		(u64)KTIME_MAX + 1, U64_MAX - 1, U64_MAX,
	};
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	u32 i;

	frames_alloc_all(test, alloc, owner);
	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		struct ks_test_call *call;

		call = frames_wait(test, file, owner, deadlines[i]);
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
		frames_expect_got(test, call, 0);
	}
}

/* Passes if requests behind one whose deadline passes keep their order (B3, B4). */
static void frames_deadline_in_line(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_call *first, *second, *third;

	frames_alloc_all(test, alloc, owner);
	first = frames_wait(test, file, owner, 0);
	second = ks_test_call_alloc(test, file, owner,
				    ktime_get_ns() + 50 * NSEC_PER_MSEC);
	third = ks_test_call_alloc(test, file, owner, 0);
	frames_expect_ended(test, second, -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test,
			  ks_test_wait_until(READ_ONCE(alloc->nr_waiting) == 2));
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	frames_expect_got(test, first, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	frames_expect_got(test, third, 0);
}

/*
 * Passes if poll reports EPOLLIN only while a frame is free, and each way in which a frame
 * becomes free wakes pollers with EPOLLIN (B2, E1).
 */
static void frames_poll(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_poll *poll = ks_test_poll(test, file);
	unsigned int way;

	KUNIT_EXPECT_EQ(test, ks_test_events(file), KS_TEST_IN);
	for (way = 0; way < 5; way++) {
		int wakes;

		frames_submit(test, alloc, owner, DEVICE_A);
		KUNIT_EXPECT_EQ(test, ks_test_events(file), KS_TEST_IN);
		frames_alloc(test, alloc, owner);
		KUNIT_EXPECT_EQ(test, ks_test_events(file), 0);
		wakes = atomic_read(&poll->wakes);
		atomic_set(&poll->key, 0);

		switch (way) {
		case 0:
			ks_allocator_free(alloc, 1, false);
			break;
		case 1:
			ks_allocator_take_back(alloc, DEVICE_A);
			break;
		case 2:
			ks_allocator_reclaim(alloc, owner);
			break;
		case 3:
			ks_allocator_free_owned(alloc, 1, owner);
			break;
		case 4:
			ks_allocator_reclaim(alloc, owner);
			wakes = atomic_read(&poll->wakes);
			frames_alloc(test, alloc, owner);
			ks_allocator_unsubmit(alloc, 0);
			break;
		}
		KUNIT_EXPECT_GT_MSG(test, atomic_read(&poll->wakes), wakes,
				    "way %u", way);
		KUNIT_EXPECT_EQ(test, atomic_read(&poll->key), KS_TEST_IN);
		KUNIT_EXPECT_EQ(test, ks_test_events(file), KS_TEST_IN);

		ks_allocator_take_back(alloc, DEVICE_A);
		ks_allocator_reclaim(alloc, owner);
		/* Makes frame 0 the next frame to be allocated */
		frames_alloc_all(test, alloc, owner);
		ks_allocator_free(alloc, 0, false);
		ks_allocator_free(alloc, 1, false);
	}
}

/* Passes if pollers never see a frame that is given to a waiter as free (B3). */
static void frames_poll_while_others_wait(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_call *call;

	frames_alloc_all(test, alloc, owner);
	call = frames_wait(test, file, owner, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	KUNIT_EXPECT_EQ(test, ks_test_events(file), 0);
	frames_expect_got(test, call, 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(file), 0);
}

#define MODEL_FRAMES 5
#define MODEL_OWNERS 6
#define MODEL_STEPS 10000

/*
 * The model: it computes from the visible state before a call the state that the contract
 * requires after it
 */

static bool frames_model_is(const struct ks_test_frames *model, u32 index,
			    enum ks_frame_state state)
{
	return index < MODEL_FRAMES && model->frame[index].state == state;
}

static bool frames_model_has(const struct ks_test_frames *model, u32 index,
			     const struct ks_owner *owner)
{
	return model->frame[index].owner == owner;
}

static void frames_model_free(struct ks_test_frames *model, u32 index)
{
	if (frames_model_is(model, index, KS_FRAME_IN_DEVICE))
		model->in_device--;
	model->allocated--;
	memset(&model->frame[index], 0, sizeof(model->frame[index]));
	model->order[model->free++] = index;
}

/* B1, C2 */
static int frames_model_alloc(struct ks_test_frames *model,
			      const struct ks_owner *owner, u32 *index)
{
	u32 i;

	if (!model->free)
		return -EAGAIN;
	*index = model->order[0];
	model->free--;
	for (i = 0; i < model->free; i++)
		model->order[i] = model->order[i + 1];
	model->order[model->free] = 0;
	model->frame[*index].state = KS_FRAME_ALLOCATED;
	model->frame[*index].holds = 1;
	model->frame[*index].owner = owner;
	model->allocated++;
	return 0;
}

/* B5: the result of freeing or submitting a frame by user space */
static int frames_model_check(const struct ks_test_frames *model, u32 index)
{
	if (frames_model_is(model, index, KS_FRAME_ALLOCATED))
		return model->frame[index].owner->kernel ? -EBUSY : 0;
	return frames_model_is(model, index, KS_FRAME_IN_DEVICE) ? -EBUSY : -EINVAL;
}

/* The same for a free by a kernel client */
static int frames_model_check_kernel(const struct ks_test_frames *model, u32 index)
{
	if (frames_model_is(model, index, KS_FRAME_ALLOCATED))
		return 0;
	return frames_model_check(model, index);
}

static void frames_model_to_device(struct ks_test_frames *model, u32 index,
				   const struct ks_connection *connection)
{
	model->frame[index].state = KS_FRAME_IN_DEVICE;
	model->frame[index].connection = connection;
	model->in_device++;
}

static void frames_model_from_device(struct ks_test_frames *model, u32 index,
				     const struct ks_owner *owner)
{
	model->frame[index].state = KS_FRAME_ALLOCATED;
	model->frame[index].owner = owner;
	model->frame[index].connection = NULL;
	model->in_device--;
}

/* B7: the frames of an owner; if @owner is NULL, of all owners of a connection */
static void frames_model_reclaim(struct ks_test_frames *model,
				 const struct ks_owner *gone,
				 const struct ks_connection *connection)
{
	u32 i;

	for (i = 0; i < MODEL_FRAMES; i++) {
		const struct ks_owner *owner = model->frame[i].owner;

		if (!owner ||
		    (gone ? owner != gone : owner->connection != connection))
			continue;
		if (frames_model_is(model, i, KS_FRAME_ALLOCATED))
			frames_model_free(model, i);
		else
			model->frame[i].owner = NULL;
	}
}

/* I4 */
static void frames_model_take_back(struct ks_test_frames *model,
				   const struct ks_connection *connection)
{
	u32 i;

	for (i = 0; i < MODEL_FRAMES; i++)
		if (frames_model_is(model, i, KS_FRAME_IN_DEVICE) &&
		    model->frame[i].connection == connection)
			frames_model_free(model, i);
}

/* A frame that a device did not accept belongs to its owner again, if that exists */
static void frames_model_unsubmit(struct ks_test_frames *model, u32 index)
{
	const struct ks_owner *owner = model->frame[index].owner;

	if (owner)
		frames_model_from_device(model, index, owner);
	else
		frames_model_free(model, index);
}

enum frames_call {
	CALL_ALLOC,
	CALL_FREE,
	CALL_FREE_KERNEL,
	CALL_SUBMIT,
	CALL_DELIVER,
	CALL_UNSUBMIT,
	CALL_FREE_OWNED,
	CALL_TAKE_BACK,
	CALL_RECLAIM,
	CALL_RECLAIM_CONNECTION,
};

/* Calls with frame @i, or an index beyond the last frame */
static void frames_step(struct kunit *test, struct ks_allocator *alloc,
			struct ks_test_frames *model, enum frames_call call,
			struct ks_owner *owner, u32 i)
{
	const struct ks_connection *connection = owner->connection ?: DEVICE_A;
	u32 index = KS_TEST_NEVER, expected = KS_TEST_NEVER;
	int ret;

	switch (call) {
	case CALL_ALLOC:
		ret = frames_model_alloc(model, owner, &expected);
		KUNIT_EXPECT_EQ(test, ks_allocator_try_alloc(alloc, owner, &index), ret);
		KUNIT_EXPECT_EQ(test, index, expected);
		break;
	case CALL_FREE:
		ret = frames_model_check(model, i);
		if (!ret)
			frames_model_free(model, i);
		KUNIT_EXPECT_EQ(test, ks_allocator_free(alloc, i, false), ret);
		break;
	case CALL_FREE_KERNEL:
		ret = frames_model_check_kernel(model, i);
		if (!ret)
			frames_model_free(model, i);
		KUNIT_EXPECT_EQ(test, ks_allocator_free(alloc, i, true), ret);
		break;
	case CALL_SUBMIT:
		ret = frames_model_check(model, i);
		if (!ret)
			frames_model_to_device(model, i, connection);
		KUNIT_EXPECT_EQ(test, ks_allocator_submit(alloc, i, connection), ret);
		break;
	case CALL_TAKE_BACK:
		frames_model_take_back(model, connection);
		ks_allocator_take_back(alloc, connection);
		break;
	case CALL_RECLAIM:
		frames_model_reclaim(model, owner, NULL);
		ks_allocator_reclaim(alloc, owner);
		break;
	case CALL_RECLAIM_CONNECTION:
		frames_model_reclaim(model, NULL, connection);
		ks_allocator_reclaim_connection(alloc, connection);
		break;
	default:
		break;
	}
}

/* Calls that are made only for a frame that exists, or that is in a device */
static void frames_step_within(struct kunit *test, struct ks_allocator *alloc,
			       struct ks_test_frames *model, enum frames_call call,
			       struct ks_owner *owner, u32 i)
{
	bool in_device = frames_model_is(model, i, KS_FRAME_IN_DEVICE);
	bool ours = frames_model_is(model, i, KS_FRAME_ALLOCATED) &&
		    frames_model_has(model, i, owner);

	if (call == CALL_DELIVER && in_device) {
		frames_model_from_device(model, i, owner);
		ks_allocator_deliver(alloc, i, owner);
	} else if (call == CALL_UNSUBMIT && in_device) {
		frames_model_unsubmit(model, i);
		ks_allocator_unsubmit(alloc, i);
	} else if (call == CALL_FREE_OWNED) {
		if (ours)
			frames_model_free(model, i);
		ks_allocator_free_owned(alloc, i, owner);
	}
}

/* Two open files of each of two connections, one of the allocator, and a kernel client */
static void frames_random_owners(struct kunit *test, struct ks_allocator *alloc,
				 struct ks_owner *owners[MODEL_OWNERS])
{
	u32 i;

	for (i = 0; i < MODEL_OWNERS; i++)
		owners[i] = ks_test_owner(test, alloc);
	owners[0]->connection = DEVICE_A;
	owners[1]->connection = DEVICE_A;
	owners[2]->connection = DEVICE_B;
	owners[3]->connection = DEVICE_B;
	owners[5]->kernel = true;
}

/*
 * Passes if after each of 10,000 random calls for six owners and two devices, the owner of
 * each frame, the free frames and their order are those of the model; and if there often is
 * no free frame, and often more than one frame in a device (B1, B5, B7, C2, I2, I4).
 */
static void frames_random_calls(struct kunit *test)
{
	/*
	 * Each call is as frequent as its number of entries. Calls that free many frames
	 * are rare, or all frames would be free
	 */
	static const enum frames_call calls[] = {
		CALL_ALLOC, CALL_ALLOC, CALL_ALLOC, CALL_ALLOC, CALL_ALLOC,
		CALL_ALLOC, CALL_ALLOC, CALL_ALLOC, CALL_SUBMIT, CALL_SUBMIT,
		CALL_SUBMIT, CALL_SUBMIT, CALL_SUBMIT, CALL_SUBMIT,
		CALL_DELIVER, CALL_DELIVER, CALL_UNSUBMIT, CALL_FREE, CALL_FREE,
		CALL_FREE_KERNEL, CALL_FREE_OWNED, CALL_FREE_OWNED,
		CALL_TAKE_BACK, CALL_RECLAIM, CALL_RECLAIM,
		CALL_RECLAIM_CONNECTION,
	};
	struct ks_allocator *alloc = ks_test_allocator(test, MODEL_FRAMES);
	u32 step, none_free = 0, in_device = 0;
	struct ks_owner *owners[MODEL_OWNERS];
	struct ks_test_frames model;
	struct rnd_state rnd;

	frames_random_owners(test, alloc, owners);
	ks_test_seed(test, &rnd);
	ks_test_look(test, alloc, &model);
	for (step = 0; step < MODEL_STEPS; step++) {
		u32 r = prandom_u32_state(&rnd);
		struct ks_owner *owner = owners[r % MODEL_OWNERS];
		enum frames_call call = calls[r / 8 % ARRAY_SIZE(calls)];
		u32 i = prandom_u32_state(&rnd) % (MODEL_FRAMES + 2);

		frames_step(test, alloc, &model, call, owner, i);
		if (i < MODEL_FRAMES)
			frames_step_within(test, alloc, &model, call, owner, i);
		ks_test_expect_frames(test, alloc, &model);
		KUNIT_ASSERT_NE_MSG(test, READ_ONCE(test->status), KUNIT_FAILURE,
				    "step %u: call %u for frame %u", step, call, i);
		none_free += !model.free;
		in_device += model.in_device > 1;
	}
	kunit_info(test, "none free after %u calls, several in devices after %u\n",
		   none_free, in_device);
	KUNIT_EXPECT_GT(test, none_free, MODEL_STEPS / 20);
	KUNIT_EXPECT_GT(test, in_device, MODEL_STEPS / 20);
	ks_allocator_take_back(alloc, DEVICE_A);
	ks_allocator_take_back(alloc, DEVICE_B);
}

#define CANCEL_ROUNDS 100

/**
 * struct frames_free - a frame that is freed in an interrupt
 * @alloc: the allocator
 * @begins: the interrupt has begun
 * @pause_ns: how long the interrupt waits then
 * @ret: result of the free
 * @done: the interrupt has ended
 */
struct frames_free {
	struct ks_allocator *alloc;
	bool begins;
	u32 pause_ns;
	int ret;
	struct completion done;
};

static void frames_free_first(void *data)
{
	struct frames_free *call = data;

	WRITE_ONCE(call->begins, true);
	ndelay(call->pause_ns);
	call->ret = ks_allocator_free(call->alloc, 0, false);
	complete(&call->done);
}

/*
 * Passes if a waiter that is cancelled while another processor frees the frame gets the
 * frame or ECANCELED, and in either case the frame is free in the end (B4).
 */
static void frames_cancel_against_free(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *holder = ks_test_owner(test, alloc);
	struct ks_owner *cancelled = ks_test_owner(test, alloc);
	struct frames_free *call;
	u32 round, served = 0;

	call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, call);
	call->alloc = alloc;
	init_completion(&call->done);
	for (round = 0; round < CANCEL_ROUNDS; round++) {
		struct ks_test_call *waiter;
		unsigned int cpu, spins;

		call->begins = false;
		call->pause_ns = round / 8 % 4 * 1000;
		frames_alloc(test, alloc, holder);
		waiter = frames_wait(test, file, cancelled, 0);
		migrate_disable();
		cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
		if (cpu >= nr_cpu_ids)
			cpu = smp_processor_id();
		smp_call_function_single(cpu, frames_free_first, call, false);
		/* Close together, so that either of them comes first */
		for (spins = 0; spins < 100000 && !READ_ONCE(call->begins); spins++)
			cpu_relax();
		ndelay(round % 8 * 200);
		ks_allocator_cancel(alloc, cancelled);
		migrate_enable();

		wait_for_completion(&call->done);
		KUNIT_EXPECT_EQ(test, call->ret, 0);
		KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter));
		served += !waiter->ret;
		if (waiter->ret)
			frames_expect_ended(test, waiter, -ECANCELED);
		ks_test_expect_counts(test, alloc, !waiter->ret, 0, 0);
		ks_allocator_reclaim(alloc, cancelled);
		ks_test_expect_counts(test, alloc, 0, 0, 0);
	}
	kunit_info(test, "%u of %u were served first\n", served, CANCEL_ROUNDS);
}

#define CROWD_THREADS 6
#define CROWD_ROUNDS 400

/**
 * struct frames_crowd - data of threads that compete for a few frames
 * @seed: seed of all random numbers
 * @owner: one for each thread
 * @holder: holder of each frame; 0 for none
 * @clashes: how often a frame had two holders, or a call returned an unexpected errno
 * @served: number of allocations that succeeded
 * @ended: number of allocations that failed
 */
struct frames_crowd {
	u64 seed;
	struct ks_owner *owner[CROWD_THREADS];
	atomic_t holder[2];
	atomic_t clashes;
	atomic_t served;
	atomic_t ended;
};

/*
 * Waits with a deadline between the past and the near future, and frees the frame
 * immediately
 */
static void frames_crowd_round(struct frames_crowd *crowd,
			       struct ks_allocator *alloc, int me, u32 r)
{
	u64 deadline = ktime_get_ns() + r % 64 * 20 * NSEC_PER_USEC;
	u32 index = 0;
	int ret;

	ret = ks_allocator_alloc(alloc, crowd->owner[me - 1], deadline, &index);
	flush_signals(current);
	if (ret) {
		atomic_inc(&crowd->ended);
		if (ret != -ETIMEDOUT && ret != -ERESTARTSYS)
			atomic_inc(&crowd->clashes);
		return;
	}

	atomic_inc(&crowd->served);
	if (atomic_cmpxchg(&crowd->holder[index], 0, me))
		atomic_inc(&crowd->clashes);
	/* Sometimes holds the frame longer than any deadline */
	if (r / 64 % 32 == 0)
		schedule_timeout_uninterruptible(1);
	else if (r / 64 % 2)
		cond_resched();
	if (atomic_cmpxchg(&crowd->holder[index], me, 0) != me)
		atomic_inc(&crowd->clashes);
	if (ks_allocator_free(alloc, index, false))
		atomic_inc(&crowd->clashes);
}

static void frames_crowd_work(struct ks_test_crew *crew, unsigned int number)
{
	struct frames_crowd *crowd = crew->data;
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, crowd->seed + number);
	for (i = 0; i < CROWD_ROUNDS; i++)
		frames_crowd_round(crowd, ks_allocator_of(crew->file),
				   number + 1, prandom_u32_state(&rnd));
}

/*
 * Passes if threads that wait for frames, with deadlines that pass and signals that arrive
 * at that time, never have one frame twice, and all frames are free in the end: a frame
 * that is assigned while the wait ends is not lost (B4).
 */
static void frames_giving_up_loses_nothing(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_test_crew *crew;
	struct frames_crowd *crowd;
	struct rnd_state rnd;
	unsigned long end;
	u32 i;

	crowd = kzalloc(sizeof(*crowd), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, crowd);
	crowd->seed = ks_test_seed(test, &rnd);
	for (i = 0; i < CROWD_THREADS; i++)
		crowd->owner[i] = ks_test_owner(test, ks_allocator_of(file));
	crew = ks_test_crew(test, CROWD_THREADS, frames_crowd_work, crowd, file);

	end = jiffies + 3 * KS_TEST_PATIENCE;
	while (time_before(jiffies, end) &&
	       !wait_for_completion_timeout(&crew->done, 1))
		send_sig(SIGUSR1,
			 crew->task[prandom_u32_state(&rnd) % CROWD_THREADS], 1);
	KUNIT_ASSERT_EQ(test, atomic_read(&crew->running), 0);

	kunit_info(test, "%d served, %d gave up\n", atomic_read(&crowd->served),
		   atomic_read(&crowd->ended));
	KUNIT_EXPECT_EQ(test, atomic_read(&crowd->clashes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&crowd->served) +
			atomic_read(&crowd->ended),
			CROWD_THREADS * CROWD_ROUNDS);
	KUNIT_EXPECT_GT(test, atomic_read(&crowd->ended), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&crowd->served), 0);
	ks_test_expect_counts(test, ks_allocator_of(file), 0, 0, 0);
}

static struct kunit_case frames_cases[] = {
	KUNIT_CASE(frames_bound),
	KUNIT_CASE(frames_bound_is_each_allocators_own),
	KUNIT_CASE(frames_longest_free_first),
	KUNIT_CASE(frames_alloc_without_waiting),
	KUNIT_CASE(frames_waiters_in_order),
	KUNIT_CASE(frames_newcomers_do_not_overtake),
	KUNIT_CASE(frames_free_errors),
	KUNIT_CASE(frames_free_owned),
	KUNIT_CASE(frames_submit_errors),
	KUNIT_CASE(frames_unsubmit_to_owner),
	KUNIT_CASE(frames_unsubmit_without_owner),
	KUNIT_CASE(frames_deliver),
	KUNIT_CASE(frames_take_back_by_connection),
	KUNIT_CASE(frames_take_back_serves_waiters),
	KUNIT_CASE(frames_reclaim_owner),
	KUNIT_CASE(frames_reclaim_connection),
	KUNIT_CASE(frames_reclaim_submitted),
	KUNIT_CASE(frames_reclaim_leaves_the_device_alone),
	KUNIT_CASE(frames_reclaim_serves_others),
	KUNIT_CASE(frames_close),
	KUNIT_CASE(frames_close_under_a_call),
	KUNIT_CASE(frames_signal),
	KUNIT_CASE(frames_deadline),
	KUNIT_CASE(frames_deadline_far),
	KUNIT_CASE(frames_deadline_in_line),
	KUNIT_CASE(frames_poll),
	KUNIT_CASE(frames_poll_while_others_wait),
	KUNIT_CASE_SLOW(frames_random_calls),
	KUNIT_CASE_SLOW(frames_cancel_against_free),
	KUNIT_CASE_SLOW(frames_giving_up_loses_nothing),
	{}
};

static struct kunit_suite frames_suite = {
	.name = "ksalloc_frames",
	.init = ks_test_init,
	.test_cases = frames_cases,
};

kunit_test_suite(frames_suite);
