// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_files": several open files of one connection, each of which is a
 * client, and which calls wait for the device.
 */
#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include "files_rig.h"

/*
 * Passes if each open file holds the frames that were completed through it, all files get
 * frames of one stream in order, and closing a file frees only its own frames and does not
 * stop the stream (B7, I2).
 */
static void files_are_clients(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 4);
	struct file *one = ks_rig_open(rig);
	struct file *two = ks_rig_open(rig);
	struct ks_test_frames frames;

	KUNIT_EXPECT_PTR_EQ(test, ks_connection_of(one), rig->conn);
	KUNIT_EXPECT_PTR_EQ(test, ks_connection_of(two), rig->conn);
	files_fill(rig, 0, 4);
	files_collect(rig, one, 0);
	files_collect(rig, two, 1);
	files_collect(rig, one, 2);
	ks_test_look(test, rig->alloc, &frames);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[0].owner, files_owner(one));
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[1].owner, files_owner(two));
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[2].owner, files_owner(one));
	KUNIT_EXPECT_EQ(test, frames.frame[3].state, KS_FRAME_IN_DEVICE);

	ks_fake_forget(rig->fake);
	ks_rig_close(rig, one);
	ks_rig_expect_calls(rig, "");
	ks_test_look(test, rig->alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[0].state, KS_FRAME_FREE);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[1].owner, files_owner(two));
	KUNIT_EXPECT_EQ(test, frames.frame[2].state, KS_FRAME_FREE);
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_RUN);
	files_collect(rig, two, 3);
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);
}

/*
 * Passes if a frame that was submitted through an open file stays in the device when that
 * file is closed, and is given to the next reader (B7).
 */
static void files_leave_submitted_frames(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 2);
	struct file *closing = ks_rig_open(rig);

	files_fill(rig, 0, 1);
	files_collect(rig, closing, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_submit(rig->conn, 0, -1));
	KUNIT_EXPECT_PTR_EQ(test, rig->alloc->frames[0].owner,
			    files_owner(closing));
	ks_rig_close(rig, closing);
	ks_test_expect_counts(test, rig->alloc, 1, 1, 0);
	KUNIT_EXPECT_NULL(test, rig->alloc->frames[0].owner);
	KUNIT_EXPECT_TRUE(test, ks_fake_fill(rig->fake));
	files_collect(rig, rig->file, 0);
	KUNIT_EXPECT_PTR_EQ(test, rig->alloc->frames[0].owner, rig->owner);
}

/* Passes if the connection is freed with its last open file, in any order of closing (B7, I4). */
static void files_end(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 3);
	struct file *last = ks_rig_open(rig);
	struct file *first = rig->file;

	files_fill(rig, 0, 2);
	files_collect(rig, first, 0);
	files_collect(rig, last, 1);
	ks_fake_forget(rig->fake);
	rig->file = NULL;
	__fput_sync(first);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(rig->fake->destroyed));
	ks_rig_expect_calls(rig, "");
	ks_test_expect_counts(test, rig->alloc, 1, 0, 0);

	ks_rig_close(rig, last);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(rig->fake->destroyed));
	ks_rig_expect_calls(rig, "stop stop release unwatch destroy");
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, kref_read(&rig->alloc->refs), 1);
}

/*
 * Passes if the assignment of another allocator frees the frames of the earlier one that
 * open files of the connection hold, and no other frames (D5).
 */
static void files_lose_frames_of_old_allocator(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 4);
	struct ks_rig *other = ks_rig_create_on(test, rig->allocator);
	struct ks_allocator *next = ks_test_allocator(test, 2);
	struct file *second = ks_rig_open(rig);
	struct ks_test_frames frames;

	files_fill(rig, 0, 2);
	files_collect(rig, rig->file, 0);
	files_collect(rig, second, 1);
	/* Completed through the first connection, submitted through the second */
	KUNIT_ASSERT_EQ(test, ks_rig_alloc(rig), 2);
	ks_rig_request(other, KSSTATE_RUN);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_submit(other->conn, 2, -1));
	KUNIT_ASSERT_EQ(test, ks_rig_alloc(other), 3);

	ks_rig_request(rig, KSSTATE_STOP);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, next));
	ks_test_look(test, rig->alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[0].state, KS_FRAME_FREE);
	KUNIT_EXPECT_EQ(test, frames.frame[1].state, KS_FRAME_FREE);
	KUNIT_EXPECT_EQ(test, frames.frame[2].state, KS_FRAME_IN_DEVICE);
	KUNIT_EXPECT_NULL(test, frames.frame[2].owner);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[3].owner, other->owner);
}

static int files_do_submit(struct ks_test_call *call)
{
	return ks_connection_submit(ks_connection_of(call->file), call->index,
				    -1);
}

/**
 * struct files_quick - calls that must not wait for the device
 * @closing: an open file of the connection to be closed
 * @text: the text of fdinfo
 * @events: the events of poll
 */
struct files_quick {
	struct file *closing;
	char text[256];
	int events;
};

static int files_do_quick(struct ks_test_call *call)
{
	struct files_quick *quick = call->data;
	struct seq_file m = {
		.buf = quick->text,
		.size = sizeof(quick->text),
	};

	quick->events = ks_test_events(call->file);
	call->file->f_op->show_fdinfo(&m, call->file);
	__fput_sync(quick->closing);
	return m.count == m.size ? -ENOSPC : 0;
}

/*
 * Passes if closing an open file frees its frames, and poll and fdinfo return, while
 * another thread is in an operation of the device with the lock of the connection held
 * (B7).
 */
static void files_do_not_wait_for_the_device(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 3);
	struct files_quick *quick = kunit_kzalloc(test, sizeof(*quick), GFP_KERNEL);
	struct ks_test_call prototype = { .fn = files_do_submit };
	struct ks_test_call *slow, *call;
	bool returned;

	KUNIT_ASSERT_NOT_NULL(test, quick);
	quick->closing = ks_connection_open(rig->conn);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, quick->closing);
	files_fill(rig, 0, 1);
	files_collect(rig, quick->closing, 0);
	prototype.file = rig->file;
	prototype.index = ks_rig_alloc(rig);
	ks_fake_close_gate(rig->fake, KS_FAKE_QUEUE);
	slow = ks_test_call(test, &prototype);
	KUNIT_EXPECT_TRUE(test, ks_fake_wait_at_gate(rig->fake));

	prototype.fn = files_do_quick;
	prototype.data = quick;
	call = ks_test_call(test, &prototype);
	returned = wait_for_completion_timeout(&call->done, KS_TEST_PATIENCE / 2);
	KUNIT_EXPECT_TRUE(test, returned);
	KUNIT_EXPECT_FALSE(test, completion_done(&slow->done));
	if (returned) {
		KUNIT_EXPECT_EQ(test, call->ret, 0);
		KUNIT_EXPECT_EQ(test, quick->events, 0);
		KUNIT_EXPECT_NOT_NULL(test, strstr(quick->text, "RUN"));
		KUNIT_EXPECT_EQ(test, rig->alloc->frames[0].state, KS_FRAME_FREE);
	}
	ks_fake_open_gate(rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(slow));
	KUNIT_EXPECT_EQ(test, slow->ret, 0);
	ks_test_expect_counts(test, rig->alloc, 1, 1, 0);
}

/*
 * Passes if a non-blocking call gets EAGAIN, and poll reports nothing even if a frame is
 * filled, while another thread changes the state and is in an operation of the device; and
 * pollers are woken afterwards and see the frame (I2).
 */
static void files_nonblock_while_changing(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 2);
	struct ks_test_poll *poll = ks_test_poll(test, rig->file);
	struct ks_test_read read = {};
	struct ks_test_call *slow;

	files_fill(rig, 0, 1);
	ks_rig_request(rig, KSSTATE_PAUSE);
	ks_rig_submit(rig);
	ks_fake_close_gate(rig->fake, KS_FAKE_RUN);
	slow = ks_test_call_request(test, rig->file, KSSTATE_RUN);
	KUNIT_EXPECT_TRUE(test, ks_fake_wait_at_gate(rig->fake));
	KUNIT_EXPECT_EQ(test, -EAGAIN, ks_test_read(rig->file, true, 0, &read));
	KUNIT_EXPECT_EQ(test, read.copies, 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), 0);
	KUNIT_EXPECT_FALSE(test, completion_done(&slow->done));
	atomic_set(&poll->key, 0);
	ks_fake_open_gate(rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(slow));
	KUNIT_EXPECT_EQ(test, slow->ret, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&poll->key) & KS_TEST_IN, KS_TEST_IN);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_IN);
	files_collect(rig, rig->file, 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), 0);
}

static int files_do_close(struct ks_test_call *call)
{
	__fput_sync(call->data);
	return 0;
}

/*
 * Passes if an open file that is closed while another allocator is assigned loses its
 * frames, whichever comes first (B7, D5).
 */
static void files_close_against_assignment(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 2);
	struct ks_allocator *other = ks_test_allocator(test, 2);
	struct ks_test_call prototype = {
		.fn = files_do_close,
		.file = rig->file,
	};
	u32 round;

	for (round = 0; round < 100; round++) {
		struct file *closing = ks_connection_open(rig->conn);
		struct ks_test_call *call;

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, closing);
		files_fill(rig, 0, 2);
		files_collect(rig, closing, 0);
		files_collect(rig, closing, 1);
		ks_rig_request(rig, KSSTATE_STOP);
		ks_test_expect_counts(test, rig->alloc, 2, 0, 0);

		prototype.data = closing;
		call = ks_test_call(test, &prototype);
		udelay(round % 20 * 5);
		KUNIT_EXPECT_EQ(test, 0,
				ks_connection_set_allocator(rig->conn, other));
		KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
		ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
		KUNIT_ASSERT_EQ(test, 0,
				ks_connection_set_allocator(rig->conn, rig->alloc));
		ks_rig_request(rig, KSSTATE_RUN);
	}
}

static int files_do_check(struct ks_test_call *call)
{
	struct ks_connection *conn = ks_connection_of(call->file);
	int ret = ks_connection_check(conn);

	call->state = READ_ONCE(conn->state);
	return ret;
}

/*
 * Passes if ks_connection_check() notices a device that has disappeared without a
 * notification, and the connection is in STOP and has no frames when it returns (I6).
 */
static void files_check(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 2);

	KUNIT_EXPECT_EQ(test, 0, ks_connection_check(rig->conn));
	ks_rig_submit(rig);
	WRITE_ONCE(rig->fake->gone, true);
	KUNIT_EXPECT_EQ(test, -ENODEV, ks_connection_check(rig->conn));
	KUNIT_EXPECT_EQ(test, READ_ONCE(rig->conn->state), KSSTATE_STOP);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(rig->conn->gone));
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, -ENODEV, ks_connection_check(rig->conn));
}

/*
 * Passes if this also applies while gone_work is already running, and the device stops
 * slowly (I6).
 */
static void files_check_waits(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 2);
	const struct ks_test_call prototype = {
		.fn = files_do_check,
		.file = rig->file,
	};
	struct ks_test_call *calls[2];
	u32 i;

	ks_rig_submit(rig);
	ks_fake_close_gate(rig->fake, KS_FAKE_STOP);
	ks_fake_vanish(rig->fake);
	KUNIT_EXPECT_TRUE(test, ks_fake_wait_at_gate(rig->fake));
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = ks_test_call(test, &prototype);
	/* Long enough for a check that does not wait */
	msleep(50);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		KUNIT_EXPECT_FALSE(test, completion_done(&calls[i]->done));
	ks_fake_open_gate(rig->fake);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[i]));
		KUNIT_EXPECT_EQ(test, calls[i]->ret, -ENODEV);
		KUNIT_EXPECT_EQ(test, calls[i]->state, KSSTATE_STOP);
	}
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
}

static int files_do_gone_work(struct ks_test_call *call)
{
	ks_connection_gone_work(&ks_connection_of(call->file)->gone_work.work);
	return 0;
}

/*
 * Passes if gone_work does not wait for a call that holds the lock, and the connection is
 * brought to STOP when that call releases the lock (I6).
 */
static void files_gone_work_waits_for_none(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 2);
	const struct ks_test_call prototype = {
		.fn = files_do_gone_work,
		.file = rig->file,
	};
	struct ks_test_call *call;

	ks_rig_submit(rig);
	mutex_lock(&rig->conn->lock);
	ks_fake_vanish(rig->fake);
	call = ks_test_call(test, &prototype);
	KUNIT_EXPECT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_FALSE(test, ks_connection_is_gone(rig->conn));
	mutex_unlock(&rig->conn->lock);
	KUNIT_EXPECT_EQ(test, -ENODEV, ks_connection_check(rig->conn));
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
}

static int files_do_check_killed(struct ks_test_call *call)
{
	allow_signal(SIGKILL);
	return files_do_check(call);
}

/*
 * Passes if a task that waits for a device that does not stop can be killed, and the
 * connection is brought to STOP nevertheless (I6).
 */
static void files_check_is_killed(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 2);
	const struct ks_test_call prototype = {
		.fn = files_do_check_killed,
		.file = rig->file,
	};
	struct ks_test_call *call;

	ks_rig_submit(rig);
	ks_fake_close_gate(rig->fake, KS_FAKE_STOP);
	ks_fake_vanish(rig->fake);
	KUNIT_EXPECT_TRUE(test, ks_fake_wait_at_gate(rig->fake));
	call = ks_test_call(test, &prototype);
	KUNIT_EXPECT_TRUE(test,
			  ks_test_wait_until(READ_ONCE(call->task->__state) ==
					     TASK_KILLABLE));
	send_sig(SIGKILL, call->task, 1);
	KUNIT_EXPECT_TRUE(test,
			  wait_for_completion_timeout(&call->done,
						      KS_TEST_PATIENCE / 2));
	KUNIT_EXPECT_EQ(test, call->ret, -EINTR);
	KUNIT_EXPECT_NE(test, call->state, KSSTATE_STOP);
	ks_fake_open_gate(rig->fake);
	KUNIT_EXPECT_EQ(test, -ENODEV, ks_connection_check(rig->conn));
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
}

static struct kunit_case files_cases[] = {
	KUNIT_CASE(files_are_clients),
	KUNIT_CASE(files_leave_submitted_frames),
	KUNIT_CASE(files_end),
	KUNIT_CASE(files_lose_frames_of_old_allocator),
	KUNIT_CASE(files_do_not_wait_for_the_device),
	KUNIT_CASE(files_nonblock_while_changing),
	KUNIT_CASE_SLOW(files_close_against_assignment),
	KUNIT_CASE(files_check),
	KUNIT_CASE(files_check_waits),
	KUNIT_CASE(files_gone_work_waits_for_none),
	KUNIT_CASE(files_check_is_killed),
	{}
};

static struct kunit_suite files_suite = {
	.name = "ksalloc_files",
	.init = ks_test_init,
	.test_cases = files_cases,
};

kunit_test_suite(files_suite);
