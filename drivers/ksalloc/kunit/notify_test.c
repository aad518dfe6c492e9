// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_notify": notifiers that are called for each frame that becomes free,
 * or once, while other processors free frames or remove notifiers.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>

#include "ks_test.h"

/**
 * struct notify_one - a notifier, and the number of its calls
 * @notifier: the notifier
 * @alloc: the allocator that it is on; NULL for none
 * @calls: number of calls
 */
struct notify_one {
	struct ks_notifier notifier;
	struct ks_allocator *alloc;
	atomic_t calls;
};

static void notify_count(struct ks_notifier *notifier)
{
	atomic_inc(&container_of(notifier, struct notify_one, notifier)->calls);
}

/* Removes it; false if it was added once and has been called */
static bool notify_end(struct notify_one *one)
{
	struct ks_allocator *alloc = one->alloc;

	one->alloc = NULL;
	return ks_notifier_remove(alloc, &one->notifier);
}

static void notify_action(void *data)
{
	struct notify_one *one = data;

	if (one->alloc)
		notify_end(one);
	synchronize_rcu();
}

static struct notify_one *notify_create(struct kunit *test)
{
	struct notify_one *one = kunit_kzalloc(test, sizeof(*one), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, one);
	one->notifier.notify = notify_count;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, notify_action,
							   one));
	return one;
}

static void notify_begin(struct notify_one *one, struct ks_allocator *alloc,
			 bool once)
{
	one->notifier.taken = false;
	one->alloc = alloc;
	atomic_set(&one->calls, 0);
	if (once)
		ks_notifier_add_once(alloc, &one->notifier);
	else
		ks_notifier_add(alloc, &one->notifier);
}

static void notify_alloc(struct kunit *test, struct file *file)
{
	u32 index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(ks_allocator_of(file),
							ks_test_owner_of(file),
							&index));
}

/*
 * Passes if a notifier is called for each frame that becomes free until it is removed, one
 * that was added once only for the next frame, and neither for a frame that is given to a
 * waiter (C3, E1).
 */
static void notify_always_and_once(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct notify_one *always = notify_create(test);
	struct notify_one *once = notify_create(test);
	struct ks_test_call *waiter;

	notify_begin(always, alloc, false);
	notify_begin(once, alloc, true);
	notify_alloc(test, file);
	waiter = ks_test_call_alloc(test, file, ks_test_owner_of(file), 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting)));
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter));
	KUNIT_EXPECT_EQ(test, atomic_read(&always->calls), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&once->calls), 0);

	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	KUNIT_EXPECT_EQ(test, atomic_read(&always->calls), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&once->calls), 1);
	notify_alloc(test, file);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	KUNIT_EXPECT_EQ(test, atomic_read(&always->calls), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&once->calls), 1);

	KUNIT_EXPECT_TRUE(test, notify_end(always));
	KUNIT_EXPECT_FALSE(test, notify_end(once));
	notify_alloc(test, file);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	KUNIT_EXPECT_EQ(test, atomic_read(&always->calls), 2);
}

/* Passes if a notifier that was added once and is removed in time is not called (E2). */
static void notify_once_removed(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct notify_one *removed = notify_create(test);
	struct notify_one *other = notify_create(test);

	notify_begin(removed, ks_allocator_of(file), true);
	notify_begin(other, ks_allocator_of(file), true);
	KUNIT_EXPECT_TRUE(test, notify_end(removed));
	notify_alloc(test, file);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(ks_allocator_of(file), 0,
						   false));
	KUNIT_EXPECT_EQ(test, atomic_read(&removed->calls), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&other->calls), 1);
}

#define NOTIFY_ROUNDS 300
#define NOTIFY_ONCE 8

/**
 * struct notify_crowd - processors that free a frame each at the same time
 * @alloc: the allocator
 * @next: the next frame to be freed
 * @failed: number of frees that failed
 */
struct notify_crowd {
	struct ks_allocator *alloc;
	atomic_t next;
	atomic_t failed;
};

static void notify_crowd_free(void *data)
{
	struct notify_crowd *crowd = data;
	u32 index = atomic_fetch_inc(&crowd->next);
	int i;

	/* All begin together, if they run at the same time */
	for (i = 0; i < 10000 && atomic_read(&crowd->next) == 1; i++)
		cpu_relax();
	if (index < crowd->alloc->nr_frames &&
	    ks_allocator_free(crowd->alloc, index, false))
		atomic_inc(&crowd->failed);
}

/*
 * Passes if several notifiers that were added once are called exactly once each, and the
 * others once for each frame, while all processors free a frame at the same time (E1, E2).
 */
static void notify_once_by_all_processors(struct kunit *test)
{
	u32 frames = clamp(num_online_cpus(), 2, KS_TEST_FRAMES);
	struct file *file = ks_test_allocator_file(test, frames);
	struct notify_crowd crowd = { .alloc = ks_allocator_of(file) };
	struct notify_one *once[NOTIFY_ONCE], *always = notify_create(test);
	u32 i, round;

	for (i = 0; i < NOTIFY_ONCE; i++)
		once[i] = notify_create(test);
	notify_begin(always, crowd.alloc, false);
	for (round = 0; round < NOTIFY_ROUNDS; round++) {
		for (i = 0; i < frames; i++)
			notify_alloc(test, file);
		for (i = 0; i < NOTIFY_ONCE; i++)
			notify_begin(once[i], crowd.alloc, true);
		atomic_set(&crowd.next, 0);
		on_each_cpu(notify_crowd_free, &crowd, true);
		/* The other frames, if there are fewer processors than frames */
		while (atomic_read(&crowd.next) < frames)
			notify_crowd_free(&crowd);

		KUNIT_ASSERT_EQ(test, atomic_read(&crowd.failed), 0);
		for (i = 0; i < NOTIFY_ONCE; i++) {
			KUNIT_ASSERT_EQ(test, atomic_read(&once[i]->calls), 1);
			KUNIT_ASSERT_FALSE(test, notify_end(once[i]));
		}
		KUNIT_ASSERT_EQ(test, atomic_read(&always->calls),
				(round + 1) * frames);
	}
	ks_test_expect_counts(test, crowd.alloc, 0, 0, 0);
}

/**
 * struct notify_race - a free in an interrupt while a notifier is removed
 * @alloc: the allocator
 * @begins: the interrupt has begun
 * @pause_ns: how long the interrupt waits then
 * @done: the frame was freed
 */
struct notify_race {
	struct ks_allocator *alloc;
	bool begins;
	u32 pause_ns;
	struct completion done;
};

static void notify_race_free(void *data)
{
	struct notify_race *race = data;

	WRITE_ONCE(race->begins, true);
	ndelay(race->pause_ns);
	ks_allocator_free(race->alloc, 0, false);
	complete(&race->done);
}

/*
 * Passes if a notifier that was added once, and is removed while another processor frees a
 * frame, is either removed or called, and ks_notifier_remove() returns which (E2).
 */
static void notify_once_against_remove(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct notify_one *one = notify_create(test);
	struct notify_race *race;
	u32 round, removed = 0;

	race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, race);
	race->alloc = ks_allocator_of(file);
	init_completion(&race->done);
	for (round = 0; round < NOTIFY_ROUNDS; round++) {
		unsigned int cpu, spins;
		bool listed;

		notify_alloc(test, file);
		notify_begin(one, race->alloc, true);
		race->begins = false;
		race->pause_ns = round / 8 % 4 * 1000;
		migrate_disable();
		cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
		if (cpu >= nr_cpu_ids)
			cpu = smp_processor_id();
		smp_call_function_single(cpu, notify_race_free, race, false);
		for (spins = 0; spins < 100000 && !READ_ONCE(race->begins); spins++)
			cpu_relax();
		ndelay(round % 8 * 200);
		listed = notify_end(one);
		migrate_enable();

		wait_for_completion(&race->done);
		KUNIT_ASSERT_EQ(test, atomic_read(&one->calls), !listed);
		removed += listed;
	}
	kunit_info(test, "%u of %u were removed first\n", removed, NOTIFY_ROUNDS);
}

static struct kunit_case notify_cases[] = {
	KUNIT_CASE(notify_always_and_once),
	KUNIT_CASE(notify_once_removed),
	KUNIT_CASE_SLOW(notify_once_by_all_processors),
	KUNIT_CASE_SLOW(notify_once_against_remove),
	{}
};

static struct kunit_suite notify_suite = {
	.name = "ksalloc_notify",
	.init = ks_test_init,
	.test_cases = notify_cases,
};

kunit_test_suite(notify_suite);
