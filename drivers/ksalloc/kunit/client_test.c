// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_client": kernel-mode clients with the public API: allocating and
 * freeing in each context, callbacks, and destroying a client.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "ks_test.h"

#define CLIENT_FRAMES 4

/**
 * struct test_client - a client, and the calls of its callback
 * @client: the client; NULL once it is destroyed
 * @calls: number of calls
 * @in_hardirq: number of calls in a hard interrupt
 * @take: the callback shall allocate a frame
 * @took: the frame that it got
 */
struct test_client {
	struct ksalloc_client *client;
	atomic_t calls;
	atomic_t in_hardirq;
	bool take;
	struct ksalloc_frame *took;
};

static void test_client_count(void *context)
{
	struct test_client *client = context;

	atomic_inc(&client->calls);
	if (in_hardirq())
		atomic_inc(&client->in_hardirq);
	if (client->take)
		client->took = ksalloc_alloc_frame(client->client);
}

static const struct ksalloc_client_ops test_client_ops = {
	.free_frame = test_client_count,
};

static const struct ksalloc_client_ops test_silent_ops = {};

static void test_client_end(void *data)
{
	struct test_client *client = data;

	ksalloc_client_destroy(client->client);
	client->client = NULL;
}

/* A client whose callback is not enabled */
static struct test_client *test_client_quiet(struct kunit *test,
					     struct file *file,
					     const struct ksalloc_client_ops *ops)
{
	struct test_client *client;

	client = kunit_kzalloc(test, sizeof(*client), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, client);
	client->client = ksalloc_client_create(file, ops, client);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, client->client);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   test_client_end,
							   client));
	return client;
}

static struct test_client *test_client(struct kunit *test, struct file *file,
				       const struct ksalloc_client_ops *ops)
{
	struct test_client *client = test_client_quiet(test, file, ops);

	if (ops->free_frame)
		ksalloc_client_enable(client->client);
	return client;
}

/* A call in a hard interrupt */
struct test_client_call {
	struct ksalloc_client *client;
	struct ksalloc_frame *frame;
	int ret;
};

static void test_client_do_alloc(void *data)
{
	struct test_client_call *call = data;

	call->frame = ksalloc_alloc_frame(call->client);
}

static void test_client_do_free(void *data)
{
	struct test_client_call *call = data;

	call->ret = ksalloc_free_frame(call->client, call->frame);
}

/*
 * Passes if a client gets frames in a hard interrupt, immediately NULL if none is free, is
 * their owner, and frees them there (C1, C2).
 */
static void client_in_hardirq(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, CLIENT_FRAMES);
	struct test_client *client = test_client(test, file, &test_client_ops);
	struct test_client_call call = { .client = client->client };
	struct ks_allocator *alloc = ks_allocator_of(file);
	int i;

	for (i = 0; i < CLIENT_FRAMES; i++) {
		KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test, test_client_do_alloc,
							    &call));
		KUNIT_ASSERT_PTR_EQ(test, call.frame, &alloc->frames[i]);
		KUNIT_EXPECT_EQ(test, ksalloc_frame_index(call.frame), i);
		KUNIT_EXPECT_PTR_EQ(test, ksalloc_frame_dmabuf(call.frame, 0),
				    alloc->frames[i].planes->dmabuf);
		KUNIT_ASSERT_NOT_NULL(test, call.frame->owner);
		KUNIT_EXPECT_TRUE(test, call.frame->owner->kernel);
		KUNIT_EXPECT_PTR_EQ(test, call.frame->owner,
				    alloc->frames[0].owner);
	}
	ks_test_expect_counts(test, alloc, CLIENT_FRAMES, 0, 0);
	KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test, test_client_do_alloc,
						    &call));
	KUNIT_EXPECT_NULL(test, call.frame);
	for (i = 0; i < CLIENT_FRAMES; i++) {
		call.frame = ksalloc_frame(client->client, i);
		KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test, test_client_do_free,
							    &call));
		KUNIT_EXPECT_EQ(test, call.ret, 0);
	}
	KUNIT_EXPECT_NULL(test, ksalloc_frame(client->client, CLIENT_FRAMES));
	ks_test_expect_counts(test, alloc, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&client->calls), CLIENT_FRAMES);
	KUNIT_EXPECT_EQ(test, atomic_read(&client->in_hardirq), CLIENT_FRAMES);
}

/*
 * Passes if a frame that is free, in a device or of another allocator, or an invalid
 * pointer, cannot be freed, and no callback is called (B5).
 */
static void client_wrong_frees(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, CLIENT_FRAMES);
	struct file *other = ks_test_allocator_file(test, CLIENT_FRAMES);
	struct test_client *client = test_client(test, file, &test_client_ops);
	struct ks_allocator *alloc = ks_allocator_of(file);
	u32 index = 0;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(ks_allocator_of(other),
							ks_test_owner_of(other),
							&index));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ksalloc_free_frame(client->client,
					   &ks_allocator_of(other)->frames[0]));
	KUNIT_EXPECT_EQ(test, -EINVAL, ksalloc_free_frame(client->client, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ksalloc_free_frame(client->client,
					   alloc->frames + CLIENT_FRAMES));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ksalloc_free_frame(client->client, &alloc->frames[0]));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc,
							ks_test_owner_of(file),
							&index));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_submit(alloc, 0,
						     ks_test_device(1)));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			ksalloc_free_frame(client->client, &alloc->frames[0]));
	KUNIT_EXPECT_EQ(test, atomic_read(&client->calls), 0);
	ks_test_expect_counts(test, alloc, 1, 1, 0);
	ks_test_expect_counts(test, ks_allocator_of(other), 1, 0, 0);
	ks_allocator_take_back(alloc, ks_test_device(1));
	KUNIT_EXPECT_EQ(test, atomic_read(&client->calls), 1);
}

/*
 * Passes if user space can neither free nor submit a frame that a client holds, and each
 * client can free each allocated frame (B5).
 */
static void client_frames_are_the_kernels(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct test_client *client = test_client(test, file, &test_client_ops);
	struct test_client *other = test_client(test, file, &test_client_ops);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner_of(file);
	struct ks_test_frames before;
	u32 index = 0;

	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(client->client));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	ks_test_look(test, alloc, &before);
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_allocator_free(alloc, 0, false));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			ks_allocator_submit(alloc, 0, ks_test_device(1)));
	ks_allocator_free_owned(alloc, 0, owner);
	ks_test_expect_frames(test, alloc, &before);

	KUNIT_EXPECT_EQ(test, 0, ksalloc_free_frame(other->client,
						    &alloc->frames[0]));
	KUNIT_EXPECT_EQ(test, 0, ksalloc_free_frame(other->client,
						    &alloc->frames[1]));
	ks_test_expect_counts(test, alloc, 0, 0, 0);
	/* After that, a frame of a client is like any other frame */
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	KUNIT_EXPECT_EQ(test, index, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
}

/*
 * Passes if the callback is not called before ksalloc_client_enable(), and is called for
 * each frame that becomes free from then on (C3).
 */
static void client_enable(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct test_client *client = test_client_quiet(test, file,
						       &test_client_ops);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ksalloc_frame *frame;

	frame = ksalloc_alloc_frame(client->client);
	KUNIT_ASSERT_NOT_NULL(test, frame);
	KUNIT_EXPECT_TRUE(test, list_empty(&alloc->notifiers.always));
	KUNIT_EXPECT_EQ(test, 0, ksalloc_free_frame(client->client, frame));
	KUNIT_EXPECT_EQ(test, atomic_read(&client->calls), 0);

	ksalloc_client_enable(client->client);
	KUNIT_EXPECT_EQ(test, atomic_read(&client->calls), 0);
	frame = ksalloc_alloc_frame(client->client);
	KUNIT_ASSERT_NOT_NULL(test, frame);
	KUNIT_EXPECT_EQ(test, 0, ksalloc_free_frame(client->client, frame));
	KUNIT_EXPECT_EQ(test, atomic_read(&client->calls), 1);
}

/* Passes if a client that was never enabled, and has frames, ends like any other (C5). */
static void client_end_without_enable(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct test_client *client = test_client_quiet(test, file,
						       &test_client_ops);
	struct test_client *other = test_client(test, file, &test_client_ops);
	struct ks_allocator *alloc = ks_allocator_of(file);

	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(client->client));
	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(client->client));
	test_client_end(client);
	KUNIT_EXPECT_EQ(test, atomic_read(&client->calls), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&other->calls), 2);
	ks_test_expect_counts(test, alloc, 0, 0, 0);
}

/*
 * Passes if for each way in which a frame becomes free, each enabled client is called once
 * per frame, and not for a frame that is given to a waiter (C3).
 */
static void client_is_called(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, CLIENT_FRAMES);
	struct test_client *one = test_client(test, file, &test_client_ops);
	struct test_client *two = test_client(test, file, &test_client_ops);
	struct test_client *deaf = test_client(test, file, &test_silent_ops);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_call *waiter;
	u32 i, index = 0;

	for (i = 0; i < CLIENT_FRAMES; i++)
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner,
								&index));
	waiter = ks_test_call_alloc(test, file, owner, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting)));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 0, true));
	KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter));
	KUNIT_EXPECT_EQ(test, atomic_read(&one->calls), 0);

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 0, true));
	KUNIT_EXPECT_EQ(test, atomic_read(&one->calls), 1);
	ks_allocator_free_owned(alloc, 1, owner);
	KUNIT_EXPECT_EQ(test, atomic_read(&one->calls), 2);
	ks_allocator_free_owned(alloc, 1, owner);
	KUNIT_EXPECT_EQ(test, atomic_read(&one->calls), 2);

	/* All frames of a device */
	for (i = 2; i < CLIENT_FRAMES; i++)
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_submit(alloc, i,
							     ks_test_device(1)));
	ks_allocator_take_back(alloc, ks_test_device(1));
	KUNIT_EXPECT_EQ(test, atomic_read(&one->calls), CLIENT_FRAMES);

	/* All frames of an owner that ends, for example of another client */
	for (i = 0; i < CLIENT_FRAMES; i++)
		KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(deaf->client));
	test_client_end(deaf);
	KUNIT_EXPECT_EQ(test, atomic_read(&one->calls), 2 * CLIENT_FRAMES);
	KUNIT_EXPECT_EQ(test, atomic_read(&two->calls), 2 * CLIENT_FRAMES);

	/* A client that has ended is not called */
	test_client_end(two);
	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(one->client));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 0, true));
	KUNIT_EXPECT_EQ(test, atomic_read(&one->calls), 2 * CLIENT_FRAMES + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&two->calls), 2 * CLIENT_FRAMES);
	KUNIT_EXPECT_EQ(test, atomic_read(&deaf->calls), 0);
}

/*
 * Passes if a callback in a hard interrupt can allocate the frame that has become free
 * (C3).
 */
static void client_allocs_what_became_free(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct test_client *client = test_client(test, file, &test_client_ops);
	struct test_client_call call = { .client = client->client };

	call.frame = ksalloc_alloc_frame(client->client);
	client->take = true;
	KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test, test_client_do_free,
						    &call));
	client->take = false;
	KUNIT_EXPECT_PTR_EQ(test, client->took, call.frame);
	ks_test_expect_counts(test, ks_allocator_of(file), 1, 0, 0);
}

static int test_client_do_wait(struct ks_test_call *call)
{
	struct ksalloc_frame *frame;
	int ret = ksalloc_alloc_frame_wait(call->data, call->deadline_ns, &frame);

	if (!ret)
		call->index = ksalloc_frame_index(frame);
	return ret;
}

/* A thread that waits for a frame for a client */
static struct ks_test_call *test_client_wait(struct kunit *test,
					     struct file *file,
					     struct test_client *client,
					     u64 deadline_ns)
{
	const struct ks_test_call call = {
		.fn = test_client_do_wait,
		.file = file,
		.data = client->client,
		.deadline_ns = deadline_ns,
		.index = KS_TEST_NEVER,
	};

	return ks_test_call(test, &call);
}

/* Passes if clients and processes wait in one queue, the oldest first (B3, C4). */
static void client_queues_with_processes(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct test_client *client = test_client(test, file, &test_client_ops);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_test_call *calls[6];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(client->client));
	for (i = 0; i < 6; i++) {
		calls[i] = i % 2 ? test_client_wait(test, file, client, 0) :
				   ks_test_call_alloc(test, file, owner, 0);
		KUNIT_ASSERT_TRUE(test,
				  ks_test_wait_until(READ_ONCE(alloc->nr_waiting) ==
						     i + 1));
	}
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_NULL(test, ksalloc_alloc_frame(client->client));
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 0, true));
		KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[i]));
		KUNIT_EXPECT_EQ(test, calls[i]->ret, 0);
		KUNIT_EXPECT_EQ(test, calls[i]->index, 0);
		ks_test_expect_counts(test, alloc, 1, 0, 5 - i);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&client->calls), 0);
}

/*
 * Passes if a signal and a deadline end the request of a client, and no frame is lost (B4).
 */
static void client_gives_up(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct test_client *client = test_client(test, file, &test_client_ops);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_test_call *call;

	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(client->client));
	call = test_client_wait(test, file, client, 1);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, -ETIMEDOUT);
	call = test_client_wait(test, file, client, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting)));
	ks_test_signal(call);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, -ERESTARTSYS);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 0, true));
	KUNIT_EXPECT_EQ(test, atomic_read(&client->calls), 1);
}

/*
 * Passes if ksalloc_client_cancel() ends the requests of this client and no others, does
 * not take its frames, and its later requests do not wait (B4).
 */
static void client_cancel(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct test_client *client = test_client(test, file, &test_client_ops);
	struct test_client *other = test_client(test, file, &test_client_ops);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_test_call *calls[3];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(client->client));
	for (i = 0; i < 3; i++) {
		calls[i] = test_client_wait(test, file, i == 1 ? other : client, 0);
		KUNIT_ASSERT_TRUE(test,
				  ks_test_wait_until(READ_ONCE(alloc->nr_waiting) ==
						     i + 1));
	}
	ksalloc_client_cancel(client->client);
	for (i = 0; i < 3; i += 2) {
		KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[i]));
		KUNIT_EXPECT_EQ(test, calls[i]->ret, -ECANCELED);
	}
	KUNIT_EXPECT_TRUE(test, ks_test_pending(calls[1]));
	ks_test_expect_counts(test, alloc, 1, 0, 1);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 0, true));
	KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[1]));

	/* Later calls do not wait, but can get a frame that is free */
	calls[0] = test_client_wait(test, file, client, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[0]));
	KUNIT_EXPECT_EQ(test, calls[0]->ret, -ECANCELED);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 0, true));
	calls[0] = test_client_wait(test, file, client, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(calls[0]));
	KUNIT_EXPECT_EQ(test, calls[0]->ret, 0);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
}

/*
 * Passes if the number of frames of an allocator, their size and the dma-buf of each frame
 * are right (F2).
 */
static void client_asks_allocators(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 2);
	u32 i;

	KUNIT_EXPECT_EQ(test, ksalloc_allocator_frames(alloc), 2);
	KUNIT_EXPECT_EQ(test, ksalloc_allocator_plane_bytes(alloc, 0), alloc->frame_bytes);
	KUNIT_EXPECT_EQ(test, ksalloc_allocator_plane_bytes(alloc, 1), 0);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_PTR_EQ(test, ksalloc_allocator_dmabuf(alloc, i, 0),
				    alloc->frames[i].planes->dmabuf);
	KUNIT_EXPECT_NULL(test, ksalloc_allocator_dmabuf(alloc, 2, 0));
	KUNIT_EXPECT_NULL(test, ksalloc_allocator_dmabuf(alloc, U32_MAX, 0));
}

/*
 * Passes if destroying a client frees its frames, does not affect other owners, and cancels
 * its waiting calls (B4, B7, C5).
 */
static void client_end_gives_back(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, CLIENT_FRAMES);
	struct test_client *client = test_client(test, file, &test_client_ops);
	struct test_client *other = test_client(test, file, &test_client_ops);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner_of(file);
	struct ks_test_call *call;
	u32 index = 0;

	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(client->client));
	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(client->client));
	KUNIT_ASSERT_NOT_NULL(test, ksalloc_alloc_frame(other->client));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	call = test_client_wait(test, file, client, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting)));

	ks_allocator_reclaim(alloc, owner);
	/* The frame of the file's owner was given to the waiter */
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->index, 3);
	call = test_client_wait(test, file, client, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting)));

	test_client_end(client);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, -ECANCELED);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, alloc->frames[2].state, KS_FRAME_ALLOCATED);
}

/**
 * struct client_in_irq - a free in a hard interrupt on another processor, which is blocked
 * in a callback
 * @work: the interrupt
 * @freer: the client that frees
 * @frame: the frame
 * @listener: the client whose callback is called
 * @cpu: the processor of the test
 * @ready: the thread that destroys a client is on that processor too
 * @in_callback: the callback has begun
 * @go: the callback may end
 * @callback_over: the callback has ended
 * @free_over: ksalloc_free_frame() has returned
 * @over_then: @callback_over and @free_over when ksalloc_client_destroy() returned
 */
struct client_in_irq {
	struct irq_work work;
	struct ksalloc_client *freer;
	struct ksalloc_frame *frame;
	struct ksalloc_client *listener;
	unsigned int cpu;
	bool ready;
	bool in_callback;
	bool go;
	bool callback_over;
	bool free_over;
	bool over_then;
};

static void client_in_irq_free_frame(void *context)
{
	struct client_in_irq *irq = context;
	/* A busy host can stop the other processor for seconds. Less than a soft lockup */
	u64 end = ktime_get_ns() + 15 * NSEC_PER_SEC;

	WRITE_ONCE(irq->in_callback, true);
	while (!READ_ONCE(irq->go) && ktime_get_ns() < end)
		cpu_relax();
	WRITE_ONCE(irq->callback_over, true);
}

static const struct ksalloc_client_ops client_in_irq_ops = {
	.free_frame = client_in_irq_free_frame,
};

static void client_in_irq_frees(struct irq_work *work)
{
	struct client_in_irq *irq = container_of(work, struct client_in_irq,
						 work);

	ksalloc_free_frame(irq->freer, irq->frame);
	WRITE_ONCE(irq->free_over, true);
}

/* On the processor that is to be interrupted */
static void client_in_irq_queue(void *data)
{
	struct client_in_irq *irq = data;

	irq_work_queue(&irq->work);
}

/* In a thread: ends a client, and records what was over when that returned */
static int client_in_irq_end(struct ks_test_call *call)
{
	struct client_in_irq *irq = call->data;

	/* Not on the interrupted processor, because the thread would have to wait there */
	set_cpus_allowed_ptr(current, cpumask_of(irq->cpu));
	WRITE_ONCE(irq->ready, true);
	if (!ks_test_wait_until(READ_ONCE(irq->in_callback)))
		return -ETIMEDOUT;
	ksalloc_client_destroy(call->nonblock ? irq->freer : irq->listener);
	irq->over_then = READ_ONCE(irq->callback_over) &&
			 (!call->nonblock || READ_ONCE(irq->free_over));
	return 0;
}

static void client_ends_in_the_middle(struct kunit *test, bool freer)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct client_in_irq *irq;
	struct ks_test_call prototype = {
		.fn = client_in_irq_end,
		.file = file,
		.nonblock = freer,
	};
	struct ks_test_call *call;
	unsigned int other;

	irq = kunit_kzalloc(test, sizeof(*irq), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, irq);
	irq->work = IRQ_WORK_INIT_HARD(client_in_irq_frees);
	irq->freer = ksalloc_client_create(file, &test_silent_ops, NULL);
	irq->listener = ksalloc_client_create(file, &client_in_irq_ops, irq);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, irq->freer);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, irq->listener);
	ksalloc_client_enable(irq->listener);
	irq->frame = ksalloc_alloc_frame(irq->freer);
	KUNIT_ASSERT_NOT_NULL(test, irq->frame);
	prototype.data = irq;

	irq->cpu = raw_smp_processor_id();
	set_cpus_allowed_ptr(current, cpumask_of(irq->cpu));
	call = ks_test_call(test, &prototype);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(irq->ready)));
	other = cpumask_any_but(cpu_online_mask, irq->cpu);
	smp_call_function_single(other, client_in_irq_queue, irq, true);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(irq->in_callback)));
	if (!freer)
		KUNIT_EXPECT_TRUE(test,
				  ks_test_wait_until(list_empty_careful(&alloc->notifiers.always)));
	/* Long enough for an end that does not wait */
	msleep(50);
	KUNIT_EXPECT_FALSE(test, completion_done(&call->done));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(irq->callback_over));
	WRITE_ONCE(irq->go, true);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_TRUE(test, irq->over_then);
	irq_work_sync(&irq->work);
	KUNIT_EXPECT_EQ(test, call->ret, 0);
	ksalloc_client_destroy(freer ? irq->listener : irq->freer);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	ks_test_expect_counts(test, alloc, 0, 0, 0);
}

/*
 * Passes if destroying a client waits for its callback that runs in a hard interrupt on
 * another processor (C5).
 */
static void client_end_waits_for_callback(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor");
	client_ends_in_the_middle(test, false);
}

/*
 * Passes if destroying a client waits for its own free that is in progress in a hard
 * interrupt on another processor, blocked in another client's callback (C5).
 */
static void client_end_waits_for_free(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor");
	client_ends_in_the_middle(test, true);
}

/*
 * Passes if a client keeps the allocator, and destroying the client frees the allocator (C5,
 * B7).
 */
static void client_keeps_the_allocator(struct kunit *test)
{
	struct ksallocator_framing framing = {
		.frames = 2,
		.frame_size = PAGE_SIZE,
	};
	struct ks_test_memory memory = {
		.fail_at = KS_TEST_NEVER,
		.signal_at = KS_TEST_NEVER,
		.same_at = KS_TEST_NEVER,
	};
	int ground = ks_test_dma_bufs();
	struct ksalloc_client *client;
	struct ks_allocator *alloc;
	struct file *file;

	alloc = ks_allocator_create(&framing, &ks_test_one_plane, PAGE_SIZE,
				    &ks_test_memory_ops,
				    &memory, false);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	file = ks_allocator_open(alloc);
	ks_allocator_put(alloc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	client = ksalloc_client_create(file, &test_silent_ops, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, client);
	fput(file);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, ks_test_dma_bufs(), ground + 2);
	KUNIT_EXPECT_NOT_NULL(test, ksalloc_alloc_frame(client));
	ksalloc_client_destroy(client);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground));
}

/*
 * Passes if only an allocator file is accepted, and ksalloc_client_destroy() accepts NULL
 * and errors (A5).
 */
static void client_of_other_files(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct file *dmabuf = ks_allocator_of(file)->frames[0].planes->dmabuf->file;

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    ksalloc_client_create(dmabuf, &test_silent_ops,
						  NULL));
	ksalloc_client_destroy(NULL);
	ksalloc_client_destroy(ERR_PTR(-EINVAL));
}

static struct kunit_case client_cases[] = {
	KUNIT_CASE(client_in_hardirq),
	KUNIT_CASE(client_wrong_frees),
	KUNIT_CASE(client_frames_are_the_kernels),
	KUNIT_CASE(client_enable),
	KUNIT_CASE(client_end_without_enable),
	KUNIT_CASE(client_is_called),
	KUNIT_CASE(client_allocs_what_became_free),
	KUNIT_CASE_SLOW(client_queues_with_processes),
	KUNIT_CASE(client_gives_up),
	KUNIT_CASE(client_cancel),
	KUNIT_CASE(client_end_gives_back),
	KUNIT_CASE_SLOW(client_end_waits_for_callback),
	KUNIT_CASE_SLOW(client_end_waits_for_free),
	KUNIT_CASE(client_keeps_the_allocator),
	KUNIT_CASE(client_of_other_files),
	KUNIT_CASE(client_asks_allocators),
	{}
};

static struct kunit_suite client_suite = {
	.name = "ksalloc_client",
	.init = ks_test_init,
	.test_cases = client_cases,
};

kunit_test_suite(client_suite);
