// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_stuck": a device that does not stop when it should. It may still
 * write to its frames, so nobody gets them before it is destroyed.
 */
#include "fake_device.h"

#define STUCK_FRAMES 4

/* A connection in a state, with two frames in the device and one held by the reader */
static struct ks_rig *stuck_rig(struct kunit *test, enum ksstate state)
{
	struct ks_rig *rig = ks_rig_create(test, STUCK_FRAMES);
	struct ksalloc_complete complete;

	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_submit(rig);
	KUNIT_ASSERT_TRUE(test, ks_fake_fill(rig->fake));
	KUNIT_ASSERT_EQ(test, 0, ks_rig_read(rig, &complete));
	if (state != KSSTATE_RUN)
		ks_rig_request(rig, state);
	if (state >= KSSTATE_PAUSE) {
		ks_rig_submit(rig);
		ks_rig_submit(rig);
	}
	ks_fake_fail_stop(rig->fake, -EIO);
	ks_fake_forget(rig->fake);
	return rig;
}

/* Checks that all calls fail with EIO, and nothing about the frames changes */
static void stuck_expect(struct ks_rig *rig)
{
	struct kunit *test = rig->test;
	struct ks_test_frames before, after;
	struct ksalloc_complete complete;
	enum ksstate state;

	KUNIT_EXPECT_TRUE(test, rig->conn->stuck);
	ks_test_look(test, rig->alloc, &before);
	KUNIT_EXPECT_EQ(test, before.in_device, 2);
	ks_fake_forget(rig->fake);
	for (state = KSSTATE_STOP; state <= KSSTATE_RUN; state++)
		KUNIT_EXPECT_EQ(test, -EIO,
				ks_connection_request(rig->conn, state, false));
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_reset(rig->conn, KSRESET_END));
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_submit(rig->conn, 0, -1));
	KUNIT_EXPECT_EQ(test, -EIO, ks_rig_read(rig, &complete));
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_set_allocator(rig->conn, NULL));
	KUNIT_EXPECT_EQ(test, -EIO,
			ks_connection_set_allocator(rig->conn, rig->alloc));
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_ERR);
	ks_rig_expect_calls(rig, "");
	KUNIT_EXPECT_PTR_EQ(test, rig->conn->allocator, rig->alloc);

	/* Neither their owner gets them back, nor a reclaim of that owner */
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_allocator_free(rig->alloc, 1, false));
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_allocator_free(rig->alloc, 2, true));
	ks_test_look(test, rig->alloc, &after);
	KUNIT_EXPECT_MEMEQ(test, &before, &after, sizeof(before));
}

/* Closes the connection, which frees the frames of its file and those in the device */
static void stuck_release(struct ks_rig *rig)
{
	struct kunit *test = rig->test;
	struct ks_test_call *waiter;
	u32 index, i;

	/* All other frames, and one more attempt */
	for (i = 0; i < STUCK_FRAMES - 3; i++)
		KUNIT_EXPECT_EQ(test, 0,
				ks_allocator_try_alloc(rig->alloc,
						       ks_test_owner_of(rig->allocator),
						       &index));
	waiter = ks_test_call_alloc(test, rig->allocator,
				    ks_test_owner_of(rig->allocator), 0);
	KUNIT_EXPECT_TRUE(test, ks_test_pending(waiter));
	ks_fake_forget(rig->fake);
	ks_rig_release(rig);
	ks_rig_expect_calls(rig, "unwatch destroy");
	KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter));
	KUNIT_EXPECT_EQ(test, waiter->ret, 0);
	ks_test_expect_counts(test, rig->alloc, STUCK_FRAMES - 2, 0, 0);
	KUNIT_EXPECT_EQ(test, kref_read(&rig->alloc->refs), 1);
}

/*
 * Passes if on each way down a device that does not stop keeps its frames until it is
 * destroyed, and all calls fail with EIO until then (I4).
 */
static void stuck_on_the_way_down(struct kunit *test)
{
	enum ksstate from, to;

	for (from = KSSTATE_PAUSE; from <= KSSTATE_RUN; from++) {
		for (to = KSSTATE_STOP; to < from; to++) {
			struct ks_rig *rig = stuck_rig(test, from);

			KUNIT_EXPECT_EQ(test, -EIO,
					ks_connection_request(rig->conn, to, false));
			KUNIT_EXPECT_EQ(test, ks_rig_state(rig), to);
			ks_rig_expect_calls(rig, from == KSSTATE_RUN &&
					    to == KSSTATE_PAUSE ?
					    "dequeue stop" : "stop");
			stuck_expect(rig);
			stuck_release(rig);
			ks_rig_end(rig);
		}
	}
}

/* Passes if this also applies to a flush, in PAUSE and in RUN (I5). */
static void stuck_in_a_flush(struct kunit *test)
{
	enum ksstate state;

	for (state = KSSTATE_PAUSE; state <= KSSTATE_RUN; state++) {
		struct ks_rig *rig = stuck_rig(test, state);

		KUNIT_EXPECT_EQ(test, -EIO, ks_connection_reset(rig->conn,
								KSRESET_BEGIN));
		ks_rig_expect_calls(rig, "stop");
		stuck_expect(rig);
		stuck_release(rig);
		ks_rig_end(rig);
	}
}

/* Passes if this also applies to the way back after a step up that failed (I1). */
static void stuck_on_the_way_back(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 2);
	enum ksstate state;

	ks_fake_fail(rig->fake, 3, -ENOMEM);
	ks_fake_fail_stop(rig->fake, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			ks_connection_request(rig->conn, KSSTATE_RUN, false));
	ks_rig_expect_calls(rig, "framing acquire run stop");
	for (state = KSSTATE_STOP; state <= KSSTATE_RUN; state++)
		KUNIT_EXPECT_EQ(test, -EIO,
				ks_connection_request(rig->conn, state, false));
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_set_allocator(rig->conn, NULL));
	ks_rig_release(rig);
	ks_rig_expect_calls(rig, "framing acquire run stop unwatch destroy");
}

/* Passes if calls that wait for a frame of such a device end with EIO (I2). */
static void stuck_ends_waits(struct kunit *test)
{
	struct ks_rig *rig = stuck_rig(test, KSSTATE_RUN);
	struct ks_test_call *calls[2];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		calls[i] = ks_test_call_read(test, rig->file, 0);
		KUNIT_ASSERT_TRUE(test, ks_test_pending(calls[i]));
	}
	KUNIT_EXPECT_EQ(test, -EIO,
			ks_connection_request(rig->conn, KSSTATE_PAUSE, false));
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[i]));
		KUNIT_EXPECT_EQ(test, calls[i]->ret, -EIO);
	}
	stuck_expect(rig);
}

/* Passes if pollers are woken when a device does not stop, and see EPOLLERR (I2). */
static void stuck_wakes_pollers(struct kunit *test)
{
	struct ks_rig *rig = stuck_rig(test, KSSTATE_RUN);
	struct ks_test_poll *poll = ks_test_poll(test, rig->file);

	atomic_set(&poll->wakes, 0);
	atomic_set(&poll->key, 0);
	KUNIT_EXPECT_EQ(test, -EIO,
			ks_connection_request(rig->conn, KSSTATE_PAUSE, false));
	KUNIT_EXPECT_GT(test, atomic_read(&poll->wakes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&poll->key) & KS_TEST_ERR, KS_TEST_ERR);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_ERR);
}

/*
 * Passes if a device that disappears and does not stop keeps its frames as well: the
 * connection stays in STOP, but another allocator cannot be assigned (D5, I6).
 */
static void stuck_and_gone(struct kunit *test)
{
	struct ks_rig *rig = stuck_rig(test, KSSTATE_RUN);

	ks_fake_vanish(rig->fake);
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_check(rig->conn));
	ks_rig_expect_calls(rig, "stop");
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_STOP);
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_request(rig->conn, KSSTATE_RUN, false));
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_request(rig->conn, KSSTATE_STOP, false));
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_set_allocator(rig->conn, NULL));
	KUNIT_EXPECT_EQ(test, -EIO,
			ks_connection_set_allocator(rig->conn, rig->alloc));
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_HUP);
	ks_test_expect_counts(test, rig->alloc, 3, 2, 0);
	stuck_release(rig);
}

/*
 * Passes if frames of a device that does not stop when its connection is closed are not freed
 * before it is destroyed (B7).
 */
static void stuck_at_the_end(struct kunit *test)
{
	enum ksstate state;

	for (state = KSSTATE_PAUSE; state <= KSSTATE_RUN; state++) {
		struct ks_rig *rig = stuck_rig(test, state);

		ks_rig_release(rig);
		ks_rig_expect_calls(rig, "stop unwatch destroy");
		ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
		ks_rig_end(rig);
	}
}

/*
 * Passes if frames that such a device has, and whose owner was closed, are free after the
 * device was destroyed, and those of another device are not affected (B7, G1).
 */
static void stuck_beside_another(struct kunit *test)
{
	struct ks_rig *rig = stuck_rig(test, KSSTATE_PAUSE);
	struct ks_rig *other = ks_rig_create_on(test, rig->allocator);

	ks_rig_request(other, KSSTATE_RUN);
	ks_rig_submit(other);
	KUNIT_EXPECT_EQ(test, -EIO,
			ks_connection_request(rig->conn, KSSTATE_STOP, false));
	ks_allocator_reclaim(rig->alloc, rig->owner);
	ks_test_expect_counts(test, rig->alloc, 3, 3, 0);
	/* Only this device does not stop */
	ks_rig_request(other, KSSTATE_PAUSE);
	ks_rig_request(other, KSSTATE_STOP);
	ks_test_expect_counts(test, rig->alloc, 2, 2, 0);
	ks_rig_release(rig);
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
}

/*
 * Passes if a device that does not stop, and whose own memory the frames are, keeps them
 * even when it is destroyed, because the memory exists until the allocator is freed: these
 * frames do not become free, and the other frames can be used as before (B7, F2).
 */
static void stuck_with_own_memory(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, STUCK_FRAMES);
	struct ks_owner *owner = ks_test_owner_of(rig->allocator);
	struct ks_test_frames frames;
	u32 i, index;

	ks_fake_own_memory(rig->fake);
	ks_rig_request(rig, KSSTATE_RUN);
	/* One frame of an owner that outlives the connection, one of its own file */
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(rig->alloc, owner,
							&index));
	KUNIT_ASSERT_EQ(test, 0, ks_connection_submit(rig->conn, index, -1));
	ks_rig_submit(rig);
	ks_fake_fail_stop(rig->fake, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			ks_connection_request(rig->conn, KSSTATE_STOP, false));
	ks_rig_release(rig);

	/* An owner can be part of the connection that is freed now */
	ks_test_look(test, rig->alloc, &frames);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_NULL(test, frames.frame[i].owner);
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, -EBUSY, ks_allocator_free(rig->alloc, i, false));
		KUNIT_EXPECT_EQ(test, -EBUSY, ks_allocator_free(rig->alloc, i, true));
		KUNIT_EXPECT_EQ(test, -EBUSY,
				ks_allocator_submit(rig->alloc, i,
						    ks_test_device(1)));
		ks_allocator_free_owned(rig->alloc, i, owner);
	}
	ks_allocator_reclaim(rig->alloc, owner);
	ks_test_look(test, rig->alloc, &frames);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, frames.frame[i].state, KS_FRAME_IN_DEVICE);
		KUNIT_EXPECT_NULL(test, frames.frame[i].owner);
		KUNIT_EXPECT_NULL(test, frames.frame[i].connection);
	}
	for (i = 2; i < STUCK_FRAMES; i++) {
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_try_alloc(rig->alloc, owner,
								&index));
		KUNIT_EXPECT_EQ(test, index, i);
	}
	KUNIT_EXPECT_EQ(test, -EAGAIN, ks_allocator_try_alloc(rig->alloc, owner,
							      &index));
}

/* Passes if the frames of such a device that stops become free as usual (I4). */
static void stuck_not_with_own_memory(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 2);

	ks_fake_own_memory(rig->fake);
	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_submit(rig);
	ks_rig_release(rig);
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
}

static struct kunit_case stuck_cases[] = {
	KUNIT_CASE(stuck_on_the_way_down),
	KUNIT_CASE(stuck_in_a_flush),
	KUNIT_CASE(stuck_on_the_way_back),
	KUNIT_CASE(stuck_ends_waits),
	KUNIT_CASE(stuck_wakes_pollers),
	KUNIT_CASE(stuck_and_gone),
	KUNIT_CASE(stuck_at_the_end),
	KUNIT_CASE(stuck_beside_another),
	KUNIT_CASE(stuck_with_own_memory),
	KUNIT_CASE(stuck_not_with_own_memory),
	{}
};

static struct kunit_suite stuck_suite = {
	.name = "ksalloc_stuck",
	.init = ks_test_init,
	.test_cases = stuck_cases,
};

kunit_test_suite(stuck_suite);
