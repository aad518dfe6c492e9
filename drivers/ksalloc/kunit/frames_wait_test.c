// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_frames_wait": requests that wait for a frame of an allocator. Which
 * of them gets a frame that becomes free, and what ends a wait.
 *
 * A waiting request is a thread (ks_test_call_alloc()).
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "frames_helpers.h"

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

static struct kunit_case frames_wait_cases[] = {
	KUNIT_CASE(frames_alloc_without_waiting),
	KUNIT_CASE(frames_waiters_in_order),
	KUNIT_CASE(frames_newcomers_do_not_overtake),
	KUNIT_CASE(frames_close),
	KUNIT_CASE(frames_close_under_a_call),
	KUNIT_CASE(frames_signal),
	KUNIT_CASE(frames_deadline),
	KUNIT_CASE(frames_deadline_far),
	KUNIT_CASE(frames_deadline_in_line),
	KUNIT_CASE(frames_poll),
	KUNIT_CASE(frames_poll_while_others_wait),
	KUNIT_CASE_SLOW(frames_cancel_against_free),
	KUNIT_CASE_SLOW(frames_giving_up_loses_nothing),
	{}
};

static struct kunit_suite frames_wait_suite = {
	.name = "ksalloc_frames_wait",
	.init = ks_test_init,
	.test_cases = frames_wait_cases,
};

kunit_test_suite(frames_wait_suite);
