// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_frames": which owner has which frame of an allocator.
 *
 * Owners are not in open files here, and connections are invalid pointers, because they are
 * only compared.
 */
#include "frames_helpers.h"

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

static struct kunit_case frames_cases[] = {
	KUNIT_CASE(frames_bound),
	KUNIT_CASE(frames_bound_is_each_allocators_own),
	KUNIT_CASE(frames_longest_free_first),
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
	{}
};

static struct kunit_suite frames_suite = {
	.name = "ksalloc_frames",
	.init = ks_test_init,
	.test_cases = frames_cases,
};

kunit_test_suite(frames_suite);
