// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stream that circulates: see feed_rig.h.
 */
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "feed_rig.h"

struct feed_rig *feed_rig(struct kunit *test)
{
	struct feed_rig *feed = kunit_kzalloc(test, sizeof(*feed), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, feed);
	feed->area = kunit_vm_mmap(test, NULL, 0, FEED_AREAS * FEED_AREA,
				   PROT_READ | PROT_WRITE,
				   MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, feed->area, 0);
	feed->rig = ks_rig_create(test, FEED_FRAMES);
	ks_rig_request(feed->rig, KSSTATE_ACQUIRE);
	return feed;
}

void feed_circulate(struct feed_rig *feed)
{
	KUNIT_ASSERT_EQ(feed->rig->test, 0,
			ks_connection_request(feed->rig->conn, KSSTATE_RUN, true));
}

struct feed_rig *feed_running(struct kunit *test)
{
	struct feed_rig *feed = feed_rig(test);

	feed_circulate(feed);
	ks_fake_forget(feed->rig->fake);
	return feed;
}

void feed_reader_end(void *file)
{
	__fput_sync(file);
}

struct file *feed_reader(struct feed_rig *feed, u32 depth, u32 flags)
{
	struct kunit *test = feed->rig->test;
	struct file *file = ks_reader_open(feed->rig->conn, depth, 1, flags);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, feed_reader_end,
							   file));
	return file;
}

struct feed_call feed_call(struct feed_rig *feed, u32 take)
{
	return (struct feed_call){
		.mm = current->mm,
		.area = feed->area,
		.arg = {
			.size = sizeof(struct ksalloc_exchange),
			.nr_take = take,
			.take_size = sizeof(struct ksalloc_reader_frame),
			.wait_for = take,
			.generation = feed->rig->conn->feed.generation,
		},
	};
}

int feed_do_exchange(struct file *reader, struct feed_call *call)
{
	const struct file_operations *ops = reader->f_op;
	int ret;

	call->arg.give = call->area + FEED_GIVE;
	call->arg.take = call->unwritable ? 0 : call->area + FEED_TAKE;
	if (copy_to_user((void __user *)(call->area + FEED_GIVE), &call->give,
			 sizeof(call->give)) ||
	    copy_to_user((void __user *)call->area, &call->arg, sizeof(call->arg)))
		return -EFAULT;
	ret = ops->unlocked_ioctl(reader, KSALLOC_EXCHANGE, call->area);
	if (ret > 0 && copy_from_user(call->frames,
				      (void __user *)(call->area + FEED_TAKE),
				      ret * sizeof(call->frames[0])))
		return -EFAULT;
	return ret;
}

int feed_take(struct feed_rig *feed, struct file *reader,
	      struct ksalloc_reader_frame *frame)
{
	struct feed_call call = feed_call(feed, 1);
	int ret;

	call.arg.flags = KSALLOC_NONBLOCK;
	ret = feed_do_exchange(reader, &call);
	*frame = call.frames[0];
	return ret;
}

void feed_give(struct feed_rig *feed, struct file *reader, u32 index)
{
	struct feed_call call = feed_call(feed, 0);

	call.arg.nr_give = 1;
	call.give = index;
	KUNIT_EXPECT_EQ(feed->rig->test, 0, feed_do_exchange(reader, &call));
}

void feed_expect(struct feed_rig *feed, struct file *reader, u32 sequence,
		 u32 lost)
{
	struct ksalloc_reader_frame frame = {};

	KUNIT_ASSERT_EQ(feed->rig->test, 1, feed_take(feed, reader, &frame));
	KUNIT_EXPECT_EQ(feed->rig->test, frame.sequence, sequence);
	KUNIT_EXPECT_EQ(feed->rig->test, frame.lost, lost);
	feed_give(feed, reader, frame.index);
}

void feed_expect_none(struct feed_rig *feed, struct file *reader, int error)
{
	struct ksalloc_reader_frame frame;

	KUNIT_EXPECT_EQ(feed->rig->test, error, feed_take(feed, reader, &frame));
}

void feed_fill(struct feed_rig *feed)
{
	KUNIT_ASSERT_TRUE(feed->rig->test, ks_fake_fill(feed->rig->fake));
}

bool feed_device_has(struct feed_rig *feed, u32 count)
{
	struct ks_fake_hw hw;

	return ks_test_wait_until((ks_fake_look(feed->rig->fake, &hw),
				   hw.n_queued + hw.n_filled == count));
}

u32 feed_device_queued(struct feed_rig *feed)
{
	struct ks_fake_hw hw;

	ks_fake_look(feed->rig->fake, &hw);
	return hw.n_queued;
}

/* EXCHANGE in a thread */

static int feed_thread(struct ks_test_call *call)
{
	struct feed_call *exchange = call->data;
	int ret;

	kthread_use_mm(exchange->mm);
	ret = feed_do_exchange(call->file, exchange);
	kthread_unuse_mm(exchange->mm);
	return ret;
}

struct ks_test_call *feed_start(struct feed_rig *feed, struct file *reader,
				u32 area)
{
	struct kunit *test = feed->rig->test;
	struct feed_call *exchange = kunit_kzalloc(test, sizeof(*exchange), GFP_KERNEL);
	const struct ks_test_call call = {
		.fn = feed_thread,
		.file = reader,
		.data = exchange,
	};

	KUNIT_ASSERT_NOT_NULL(test, exchange);
	*exchange = feed_call(feed, 1);
	exchange->area += area * FEED_AREA;
	return ks_test_call(test, &call);
}

void feed_expect_returned(struct feed_rig *feed, struct ks_test_call *call,
			  u32 sequence)
{
	struct feed_call *exchange = call->data;

	KUNIT_ASSERT_TRUE(feed->rig->test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(feed->rig->test, 1, call->ret);
	KUNIT_EXPECT_EQ(feed->rig->test, exchange->frames[0].sequence, sequence);
}
