// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_files_read": calls that complete frames through several open files of
 * one connection: how they are cancelled, and answers that cannot be written.
 */
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <uapi/linux/sched/types.h>

#include "files_rig.h"

/* A call whose answer cannot be written. It must not get another frame than this */
static void files_cannot_copy_out(struct ks_rig *rig, struct file *file, u32 index)
{
	struct ks_test_read read = { .error = -EFAULT };

	KUNIT_EXPECT_EQ(rig->test, -EFAULT, ks_test_read(file, true, 0, &read));
	KUNIT_EXPECT_EQ(rig->test, read.copies, 1);
	KUNIT_EXPECT_EQ(rig->test, read.answer.index, index);
}

/* Starts a thread that waits for a filled frame */
static struct ks_test_call *files_wait(struct kunit *test, struct file *file)
{
	struct ks_test_call *call = ks_test_call_read(test, file, 0);

	KUNIT_ASSERT_TRUE(test, ks_test_pending(call));
	return call;
}

/**
 * struct files_user - memory of user space for the test
 * @address: one page of it
 */
struct files_user {
	unsigned long address;
};

static struct files_user files_user(struct kunit *test)
{
	struct files_user user;

	user.address = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE,
				     PROT_READ | PROT_WRITE,
				     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, user.address, 0);
	KUNIT_ASSERT_LT(test, user.address, (unsigned long)TASK_SIZE);
	return user;
}

/* An ioctl with only size and flags */
static long files_ioctl(struct files_user user, struct file *file,
			unsigned int cmd)
{
	const struct ksalloc_cancel arg = { .size = sizeof(arg) };

	if (copy_to_user((void __user *)user.address, &arg, sizeof(arg)))
		return -EFAULT;
	return file->f_op->unlocked_ioctl(file, cmd, user.address);
}

/*
 * Passes if KSALLOC_CONNECTION_CANCEL ends the calls that wait through that open file, but
 * not those through another file or later ones; and KSALLOC_ALLOCATOR_CANCEL does the same
 * for an allocator (B4).
 */
static void files_cancel(struct kunit *test)
{
	struct files_user user = files_user(test);
	struct ks_rig *rig = files_rig(test, 2);
	struct file *file = ks_rig_open(rig);
	struct ks_test_call *calls[2], *others, *later;
	u32 i;

	ks_rig_submit(rig);
	calls[0] = files_wait(test, file);
	others = files_wait(test, rig->file);
	calls[1] = files_wait(test, file);
	KUNIT_EXPECT_EQ(test, 0,
			files_ioctl(user, file, KSALLOC_CONNECTION_CANCEL));
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[i]));
		KUNIT_EXPECT_EQ(test, calls[i]->ret, -ECANCELED);
		KUNIT_EXPECT_EQ(test, calls[i]->read.copies, 0);
	}
	KUNIT_EXPECT_TRUE(test, ks_test_pending(others));
	later = files_wait(test, file);

	ks_fake_fill(rig->fake);
	ks_rig_submit(rig);
	ks_fake_fill(rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(others));
	KUNIT_EXPECT_EQ(test, others->ret, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(later));
	KUNIT_EXPECT_EQ(test, later->ret, 0);

	/* Now both frames are completed, and a third call waits for a free one */
	calls[0] = ks_test_call_alloc(test, rig->allocator,
				      ks_test_owner_of(rig->allocator), 0);
	KUNIT_ASSERT_TRUE(test, ks_test_pending(calls[0]));
	KUNIT_EXPECT_EQ(test, 0,
			files_ioctl(user, rig->allocator,
				    KSALLOC_ALLOCATOR_CANCEL));
	KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[0]));
	KUNIT_EXPECT_EQ(test, calls[0]->ret, -ECANCELED);
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);
}

/*
 * Passes if a frame whose answer cannot be written stays the next one, for this caller or
 * another, and no frame is lost or reported out of order (A4, I2).
 */
static void files_copy_out_fails(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 4);
	struct file *one = ks_rig_open(rig);
	struct file *two = ks_rig_open(rig);
	struct ks_test_frames before;

	files_fill(rig, 0, 4);
	ks_test_look(test, rig->alloc, &before);
	files_cannot_copy_out(rig, one, 0);
	ks_test_expect_frames(test, rig->alloc, &before);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_IN);
	files_cannot_copy_out(rig, one, 0);
	files_cannot_copy_out(rig, two, 0);
	files_collect(rig, one, 0);

	/* Another reader in between */
	files_cannot_copy_out(rig, one, 1);
	files_collect(rig, two, 1);
	files_cannot_copy_out(rig, one, 2);
	files_cannot_copy_out(rig, two, 2);
	files_collect(rig, one, 2);
	files_collect(rig, two, 3);
	ks_test_look(test, rig->alloc, &before);
	KUNIT_EXPECT_PTR_EQ(test, before.frame[0].owner, files_owner(one));
	KUNIT_EXPECT_PTR_EQ(test, before.frame[1].owner, files_owner(two));
	KUNIT_EXPECT_PTR_EQ(test, before.frame[2].owner, files_owner(one));
	KUNIT_EXPECT_PTR_EQ(test, before.frame[3].owner, files_owner(two));
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), 0);
}

/*
 * Passes if the second attempt to report a frame has the same answer as the first,
 * including the flags for a gap and a step back in time, and the gap is counted once (I3).
 */
static void files_copy_out_the_same_again(struct kunit *test)
{
	static const struct ksalloc_completion completion[] = {
		{
			.sequence = 5, .planes[0].data_used = 100, .time = 5000,
			.options_flags = KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
		}, {
			.index = 1, .sequence = 9, .planes[0].data_used = 200, .time = 4000,
			.options_flags = KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
		},
	};
	struct ks_rig *rig = files_rig(test, 2);
	struct ks_test_read read = {}, again = {};
	u32 i;

	ks_rig_submit(rig);
	ks_rig_submit(rig);
	for (i = 0; i < ARRAY_SIZE(completion); i++)
		ks_fake_fill_as(rig->fake, &completion[i]);
	files_collect(rig, rig->file, 0);
	read.error = -EFAULT;
	KUNIT_EXPECT_EQ(test, -EFAULT, ks_test_read(rig->file, true, 0, &read));
	KUNIT_EXPECT_EQ(test, 0, ks_test_read(rig->file, true, 0, &again));
	KUNIT_EXPECT_MEMEQ(test, &read.answer, &again.answer,
			   sizeof(read.answer));
	KUNIT_EXPECT_EQ(test, again.answer.header.options_flags,
			KSSTREAM_HEADER_OPTIONSF_TIMEVALID |
			KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY |
			KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY);
	KUNIT_EXPECT_EQ(test, rig->conn->done.gaps, 1);
}

/*
 * Passes if a frame whose answer could not be written survives a pause, is the first frame
 * after it, and becomes free with the others when the stream ends (I1, I4, I5).
 */
static void files_copy_out_fails_and_state_changes(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 3);

	files_fill(rig, 0, 1);
	files_cannot_copy_out(rig, rig->file, 0);
	files_fill(rig, 1, 1);
	ks_rig_request(rig, KSSTATE_PAUSE);
	files_cannot_copy_out(rig, rig->file, 0);
	ks_rig_request(rig, KSSTATE_RUN);
	files_fill(rig, 2, 1);
	files_collect(rig, rig->file, 0);
	files_collect(rig, rig->file, 1);
	files_cannot_copy_out(rig, rig->file, 2);
	ks_test_expect_counts(test, rig->alloc, 3, 1, 0);

	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_END));
	files_fill(rig, 2, 1);
	files_cannot_copy_out(rig, rig->file, 2);
	ks_rig_request(rig, KSSTATE_ACQUIRE);
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);
}

static int files_read_that_faults(struct ks_test_call *call)
{
	call->read.error = -EFAULT;
	return ks_test_read(call->file, false, 0, &call->read);
}

/*
 * Passes if a call that waited for a frame, and whose answer cannot be written, returns and
 * leaves the frame to another waiting call (I2).
 */
static void files_copy_out_fails_after_a_wait(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 1);
	const struct ks_test_call faulting = {
		.fn = files_read_that_faults,
		.file = rig->file,
	};
	struct ks_test_call *call, *other;

	ks_rig_submit(rig);
	call = ks_test_call(test, &faulting);
	KUNIT_ASSERT_TRUE(test, ks_test_pending(call));
	ks_fake_fill(rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, -EFAULT);
	KUNIT_EXPECT_EQ(test, call->read.copies, 1);
	ks_test_expect_counts(test, rig->alloc, 1, 1, 0);

	other = ks_test_call_read(test, rig->file, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(other));
	KUNIT_EXPECT_EQ(test, other->ret, 0);
	KUNIT_EXPECT_EQ(test, other->read.answer.index, 0);
}

enum files_stream_end {
	FILES_FLUSH,
	FILES_ACQUIRE,
	FILES_STOP,
	FILES_STREAM_ENDS,
};

static void files_end_stream(struct ks_rig *rig, enum files_stream_end how)
{
	if (how == FILES_FLUSH) {
		ks_connection_reset(rig->conn, KSRESET_BEGIN);
		ks_connection_reset(rig->conn, KSRESET_END);
		return;
	}
	ks_connection_request(rig->conn, how == FILES_STOP ? KSSTATE_STOP :
							     KSSTATE_ACQUIRE, false);
	ks_connection_request(rig->conn, KSSTATE_RUN, false);
}

/*
 * Passes if a call that waits in one stream does not continue to wait in the next, even if
 * it runs only when that has begun; and a call that begins in the next stream gets its
 * frame (I4, I5).
 */
static void files_stream_number(struct kunit *test)
{
	struct ks_rig *rig = files_rig(test, 2);
	struct ks_test_call *early, *late;
	enum files_stream_end how;
	u32 index;

	for (how = 0; how < FILES_STREAM_ENDS; how++) {
		early = files_wait(test, rig->file);
		/* No other task runs on this processor until this task sleeps */
		set_cpus_allowed_ptr(early->task,
				     cpumask_of(raw_smp_processor_id()));
		set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
		KUNIT_EXPECT_TRUE(test, ks_test_pending(early));
		sched_set_fifo(current);
		files_end_stream(rig, how);
		KUNIT_EXPECT_FALSE(test, completion_done(&early->done));
		sched_set_normal(current, 0);
		set_cpus_allowed_ptr(current, cpu_possible_mask);
		KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_RUN);
		KUNIT_EXPECT_FALSE(test, rig->conn->flushing);

		late = files_wait(test, rig->file);
		KUNIT_ASSERT_TRUE(test, ks_test_returned(early));
		KUNIT_EXPECT_EQ(test, early->ret, -ECANCELED);
		KUNIT_EXPECT_TRUE(test, ks_test_pending(late));
		index = ks_rig_submit(rig);
		ks_fake_fill(rig->fake);
		KUNIT_ASSERT_TRUE(test, ks_test_returned(late));
		KUNIT_EXPECT_EQ(test, late->ret, 0);
		KUNIT_EXPECT_EQ(test, late->read.answer.index, index);
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(rig->alloc, index,
							   false));
	}
}

/*
 * Passes if a call whose answer could not be written continues: it gets the frame, but is
 * cancelled if the stream has ended meanwhile or, unless it is non-blocking, if the calls of
 * its file were cancelled (B4, I4, I5).
 */
static void files_read_goes_on(struct kunit *test)
{
	struct files_user user = files_user(test);
	struct ks_rig *rig = files_rig(test, 2);
	enum files_stream_end how;

	for (how = 0; how <= FILES_STREAM_ENDS + 1; how++) {
		struct ks_test_read read = { .error = -EFAULT };
		bool cancelled = how <= FILES_STREAM_ENDS;
		bool nonblock = how != FILES_STREAM_ENDS;

		files_fill(rig, 0, 1);
		KUNIT_EXPECT_EQ(test, -EFAULT,
				ks_test_read(rig->file, nonblock, 0, &read));
		if (how < FILES_STREAM_ENDS)
			files_end_stream(rig, how);
		else
			files_ioctl(user, rig->file, KSALLOC_CONNECTION_CANCEL);
		read.error = 0;
		KUNIT_EXPECT_EQ(test, cancelled ? -ECANCELED : 0,
				ks_test_read_on(&read));
		KUNIT_EXPECT_EQ(test, read.copies, cancelled ? 1 : 2);

		/* A new call is not affected */
		if (how == FILES_STREAM_ENDS)
			files_collect(rig, rig->file, 0);
		else
			ks_rig_read(rig, &read.answer);
		ks_allocator_reclaim(rig->alloc, rig->owner);
		ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
		/* Makes frame 0 the next frame again */
		KUNIT_ASSERT_EQ(test, ks_rig_alloc(rig), 1);
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(rig->alloc, 1, false));
	}
}

static struct kunit_case files_read_cases[] = {
	KUNIT_CASE(files_cancel),
	KUNIT_CASE(files_copy_out_fails),
	KUNIT_CASE(files_copy_out_the_same_again),
	KUNIT_CASE(files_copy_out_fails_and_state_changes),
	KUNIT_CASE(files_copy_out_fails_after_a_wait),
	KUNIT_CASE(files_stream_number),
	KUNIT_CASE(files_read_goes_on),
	{}
};

static struct kunit_suite files_read_suite = {
	.name = "ksalloc_files_read",
	.init = ks_test_init,
	.test_cases = files_read_cases,
};

kunit_test_suite(files_read_suite);
