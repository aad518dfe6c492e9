// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_stream_wait": calls that wait for a filled frame, what ends their
 * wait, and poll.
 */
#include <linux/ktime.h>

#include "stream_rig.h"

/* Starts a thread that waits for a filled frame */
static struct ks_test_call *stream_wait(struct ks_rig *rig, u64 deadline_ns)
{
	struct ks_test_call *call;

	call = ks_test_call_read(rig->test, rig->file, deadline_ns);
	KUNIT_ASSERT_TRUE(rig->test, ks_test_pending(call));
	return call;
}

static void stream_fill_in_interrupt(void *data)
{
	ks_fake_fill(data);
}

/*
 * Passes if a waiting call gets the frame when it is filled, notified by a thread or in a
 * hard interrupt, also if the call began to wait before the frame was submitted, or in
 * PAUSE (I2).
 */
static void stream_reader_waits(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 3, KSSTATE_PAUSE);
	struct ks_test_call *call;

	call = stream_wait(rig, 0);
	ks_rig_submit(rig);
	ks_rig_request(rig, KSSTATE_RUN);
	KUNIT_EXPECT_TRUE(test, ks_test_pending(call));
	ks_fake_fill(rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, 0);
	KUNIT_EXPECT_EQ(test, call->read.answer.index, 0);

	call = stream_wait(rig,
			   ktime_get_ns() + 3600 * NSEC_PER_SEC);
	ks_rig_submit(rig);
	KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test,
						    stream_fill_in_interrupt,
						    rig->fake));
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, 0);
	KUNIT_EXPECT_EQ(test, call->read.answer.index, 1);
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);
}

/*
 * Passes if of several waiting calls each gets one frame, and no frame is given to two
 * (I2).
 */
static void stream_several_readers(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 4, KSSTATE_RUN);
	struct ks_test_call *calls[4];
	u32 i, got = 0;

	for (i = 0; i < 4; i++)
		calls[i] = stream_wait(rig, 0);
	for (i = 0; i < 4; i++) {
		ks_rig_submit(rig);
		ks_fake_fill(rig->fake);
	}
	for (i = 0; i < 4; i++) {
		KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[i]));
		KUNIT_EXPECT_EQ(test, calls[i]->ret, 0);
		KUNIT_ASSERT_LT(test, calls[i]->read.answer.index, 4);
		got |= BIT(calls[i]->read.answer.index);
	}
	KUNIT_EXPECT_EQ(test, got, GENMASK(3, 0));
	ks_test_expect_counts(test, rig->alloc, 4, 0, 0);
}

/*
 * Passes if a wait ends with ETIMEDOUT when its deadline has passed and not before, and a
 * filled frame is returned whatever the deadline (I2).
 */
static void stream_reader_deadline(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
	struct ks_test_call *call;
	u64 deadline;

	ks_rig_submit(rig);
	call = ks_test_call_read(test, rig->file, 1);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, -ETIMEDOUT);
	deadline = ktime_get_ns() + 20 * NSEC_PER_MSEC;
	call = ks_test_call_read(test, rig->file, deadline);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, ktime_get_ns(), deadline);
	KUNIT_EXPECT_EQ(test, call->read.answer.index, KS_TEST_NEVER);
	ks_test_expect_counts(test, rig->alloc, 1, 1, 0);

	ks_fake_fill(rig->fake);
	call = ks_test_call_read(test, rig->file, 1);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, 0);
}

/* Passes if a deadline beyond the range of the clock works (I2). */
static void stream_reader_deadline_far(struct kunit *test)
{
	static const u64 deadlines[] = { KTIME_MAX, (u64)KTIME_MAX + 1, U64_MAX };
	struct ks_rig *rig = stream_rig(test, ARRAY_SIZE(deadlines), KSSTATE_RUN);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		struct ks_test_call *call;

		call = stream_wait(rig, deadlines[i]);
		ks_rig_submit(rig);
		ks_fake_fill(rig->fake);
		KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
		KUNIT_EXPECT_EQ(test, call->ret, 0);
	}
}

/* Passes if a signal ends the wait of the thread that gets it, and no frame is lost (B4). */
static void stream_reader_signal(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
	struct ks_test_call *signalled, *other;

	ks_rig_submit(rig);
	signalled = stream_wait(rig, 0);
	other = stream_wait(rig, 0);
	ks_test_signal(signalled);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(signalled));
	KUNIT_EXPECT_EQ(test, signalled->ret, -ERESTARTSYS);
	KUNIT_EXPECT_TRUE(test, ks_test_pending(other));
	ks_fake_fill(rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(other));
	KUNIT_EXPECT_EQ(test, other->ret, 0);
	/* Both have returned, so no entry is added now */
	KUNIT_EXPECT_FALSE(test, waitqueue_active(&rig->conn->done.wait));
}

/*
 * Passes if waiting calls end with ECANCELED when the state goes below PAUSE, even if it is
 * back before they run, and do not end when it goes to PAUSE (I4).
 */
static void stream_reader_cancelled(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
	struct ks_test_call *calls[2];
	enum ksstate low;
	u32 i;

	for (low = KSSTATE_STOP; low < KSSTATE_PAUSE; low++) {
		ks_rig_request(rig, KSSTATE_RUN);
		ks_rig_submit(rig);
		for (i = 0; i < 2; i++)
			calls[i] = stream_wait(rig, 0);
		ks_rig_request(rig, KSSTATE_PAUSE);
		ks_rig_request(rig, KSSTATE_RUN);
		for (i = 0; i < 2; i++)
			KUNIT_EXPECT_TRUE(test, ks_test_pending(calls[i]));

		ks_rig_request(rig, low);
		ks_rig_request(rig, KSSTATE_RUN);
		for (i = 0; i < 2; i++) {
			KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[i]));
			KUNIT_EXPECT_EQ(test, calls[i]->ret, -ECANCELED);
		}
		ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
	}
}

/* Passes if waiting calls end with ENODEV when the device disappears (I6). */
static void stream_reader_gone(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
	struct ks_test_call *calls[2];
	u32 i;

	ks_rig_submit(rig);
	for (i = 0; i < 2; i++)
		calls[i] = stream_wait(rig, 0);
	ks_fake_vanish(rig->fake);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[i]));
		KUNIT_EXPECT_EQ(test, calls[i]->ret, -ENODEV);
	}
}

/*
 * Passes if closing one descriptor has no effect while the open file has another one, and
 * the last close frees the frames that were completed through it, and no others (B7).
 */
static void stream_close(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 3, KSSTATE_RUN);
	struct file *closing = ks_connection_open(rig->conn);
	struct ks_test_read read = {};
	struct ks_test_fd *first, *last;
	struct ks_test_call *waiter;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, closing);
	first = ks_test_fd(test, closing);
	last = ks_test_fd(test, closing);
	fput(closing);
	ks_rig_submit(rig);
	ks_rig_submit(rig);
	ks_fake_fill(rig->fake);
	ks_fake_fill(rig->fake);
	stream_collect(rig, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_test_read(closing, true, 0, &read));
	KUNIT_EXPECT_EQ(test, read.answer.index, 1);
	ks_rig_submit(rig);
	waiter = stream_wait(rig, 0);
	ks_test_expect_counts(test, rig->alloc, 3, 1, 0);

	ks_test_fd_close(first);
	ks_test_expect_counts(test, rig->alloc, 3, 1, 0);
	ks_test_fd_close(last);
	flush_delayed_fput();
	KUNIT_EXPECT_TRUE(test,
			  ks_test_wait_until(READ_ONCE(rig->alloc->nr_allocated) == 2));
	ks_test_expect_counts(test, rig->alloc, 2, 1, 0);
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_RUN);
	KUNIT_EXPECT_TRUE(test, ks_test_pending(waiter));
	ks_fake_fill(rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter));
	KUNIT_EXPECT_EQ(test, waiter->ret, 0);
}

/*
 * Passes if closing the last descriptor does not end a call that waits through the same
 * open file: the call keeps the connection, which ends after it (B4, B7).
 */
static void stream_close_under_a_call(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
	struct ks_test_call *call;

	ks_rig_submit(rig);
	call = stream_wait(rig, 0);
	/* The call has its own reference */
	fput(rig->file);
	rig->file = NULL;
	flush_delayed_fput();
	KUNIT_EXPECT_TRUE(test, ks_test_pending(call));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(rig->fake->destroyed));
	ks_fake_fill(rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, 0);
	KUNIT_EXPECT_EQ(test, call->read.answer.index, 0);
}

/*
 * Passes if poll reports EPOLLIN only while a frame can be completed, and each frame that
 * is filled wakes pollers (E1).
 */
static void stream_poll(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
	struct ks_test_poll *poll = ks_test_poll(test, rig->file);

	ks_rig_submit(rig);
	ks_rig_submit(rig);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), 0);
	atomic_set(&poll->wakes, 0);
	atomic_set(&poll->key, 0);
	ks_fake_fill(rig->fake);
	KUNIT_EXPECT_GT(test, atomic_read(&poll->wakes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&poll->key) & KS_TEST_IN, KS_TEST_IN);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_IN);
	stream_collect(rig, 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), 0);
}

static struct kunit_case stream_wait_cases[] = {
	KUNIT_CASE(stream_reader_waits),
	KUNIT_CASE(stream_several_readers),
	KUNIT_CASE(stream_reader_deadline),
	KUNIT_CASE(stream_reader_deadline_far),
	KUNIT_CASE(stream_reader_signal),
	KUNIT_CASE(stream_reader_cancelled),
	KUNIT_CASE(stream_reader_gone),
	KUNIT_CASE(stream_close),
	KUNIT_CASE(stream_close_under_a_call),
	KUNIT_CASE(stream_poll),
	{}
};

static struct kunit_suite stream_wait_suite = {
	.name = "ksalloc_stream_wait",
	.init = ks_test_init,
	.test_cases = stream_wait_cases,
};

kunit_test_suite(stream_wait_suite);
