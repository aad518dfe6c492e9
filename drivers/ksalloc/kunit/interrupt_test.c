// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_interrupt": frames that are allocated and freed in hard interrupts
 * while threads do the same (C1, C4).
 *
 * The suite needs a kernel with lockdep. Lockdep finds a lock that is not interrupt-safe
 * even if no interrupt comes at that moment. Each test fails if lockdep reports a bug
 * (ks_test_init()).
 */
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "ks_test.h"

#define ARENA_FRAMES 5
#define ARENA_CPUS 4
#define ARENA_HOLDS 3

/*
 * A test continues until both sides have allocated this number of frames. The number of
 * rounds and the time depend on the machine
 */
#define ARENA_HARD_GOT 200
#define ARENA_THREADS_GOT 100

/* An interrupt to another processor takes many times as long as one to the same processor */
#define ARENA_WORK_PER_IPI 8

/**
 * struct arena_actor - allocates and frees frames
 * @arena: the arena
 * @owner: its owner in the allocator
 * @id: the value that it writes into @holder
 * @rnd: its random numbers
 * @held: frames that it holds
 * @n_held: length of @held
 * @rounds: number of rounds so far
 */
struct arena_actor {
	struct arena *arena;
	struct ks_owner *owner;
	int id;
	struct rnd_state rnd;
	u32 held[ARENA_HOLDS];
	u32 n_held;
	u32 rounds;
};

/**
 * struct arena_timer - a timer that runs an actor in a hard interrupt
 * @timer: the timer
 * @actor: the actor
 * @over: the timer has run often enough
 */
struct arena_timer {
	struct hrtimer timer;
	struct arena_actor actor;
	struct completion over;
};

/**
 * struct arena - data of all actors
 * @alloc: the allocator
 * @holder: holder of each frame; 0 for none
 * @clashes: how often a frame had two holders, or a call returned an unexpected errno
 * @soft: how often code for hard interrupts ran in another context
 * @hard_got: how often a frame was allocated in a hard interrupt
 * @hard_none: how often no frame was free in a hard interrupt
 * @threads_got: how often threads that may wait got a frame
 * @stop: the threads shall end
 * @timer: one timer for each processor
 * @work: an irq_work
 * @by_work: the actor of @work
 * @by_ipi: the actor of interrupts from one processor to another
 * @thread: actors of the threads
 * @seed: seed of all random numbers
 */
struct arena {
	struct ks_allocator *alloc;
	atomic_t holder[ARENA_FRAMES];
	atomic_t clashes;
	atomic_t soft;
	atomic_t hard_got;
	atomic_t hard_none;
	atomic_t threads_got;
	bool stop;
	struct arena_timer timer[ARENA_CPUS];
	struct irq_work work;
	struct arena_actor by_work;
	struct arena_actor by_ipi;
	struct arena_actor thread[KS_TEST_CREW];
	u64 seed;
};

static void arena_got(struct arena_actor *actor, u32 index)
{
	if (index >= ARENA_FRAMES ||
	    atomic_cmpxchg(&actor->arena->holder[index], 0, actor->id)) {
		atomic_inc(&actor->arena->clashes);
		return;
	}
	actor->held[actor->n_held++] = index;
}

static void arena_free(struct arena_actor *actor)
{
	u32 index = actor->held[--actor->n_held];
	struct arena *arena = actor->arena;

	if (atomic_cmpxchg(&arena->holder[index], actor->id, 0) != actor->id ||
	    ks_allocator_free(arena->alloc, index, false))
		atomic_inc(&arena->clashes);
}

/* Allocates or frees at random; in any context */
static void arena_act(struct arena_actor *actor)
{
	struct arena *arena = actor->arena;
	u32 r = prandom_u32_state(&actor->rnd), index = 0;
	int ret;

	actor->rounds++;
	if (actor->n_held == ARENA_HOLDS || (actor->n_held && r % 2)) {
		arena_free(actor);
		return;
	}
	ret = ks_allocator_try_alloc(arena->alloc, actor->owner, &index);
	if (!ret)
		arena_got(actor, index);
	else if (ret != -EAGAIN)
		atomic_inc(&arena->clashes);
	if (in_hardirq())
		atomic_inc(ret ? &arena->hard_none : &arena->hard_got);
}

static void arena_act_in_interrupt(struct arena_actor *actor)
{
	if (!in_hardirq() || !irqs_disabled())
		atomic_inc(&actor->arena->soft);
	arena_act(actor);
}

static bool arena_enough(struct arena *arena)
{
	return atomic_read(&arena->hard_got) >= ARENA_HARD_GOT &&
	       atomic_read(&arena->threads_got) >= ARENA_THREADS_GOT;
}

static enum hrtimer_restart arena_timer_fires(struct hrtimer *timer)
{
	struct arena_timer *t = container_of(timer, struct arena_timer, timer);
	struct arena *arena = t->actor.arena;
	u64 pause_ns = 100 * NSEC_PER_USEC;

	arena_act_in_interrupt(&t->actor);
	if (arena_enough(arena)) {
		while (t->actor.n_held)
			arena_free(&t->actor);
		complete_all(&t->over);
		return HRTIMER_NORESTART;
	}
	/* Threads may not run at all between the interrupts */
	if (atomic_read(&arena->hard_got) >= ARENA_HARD_GOT)
		pause_ns = 2 * NSEC_PER_MSEC;
	hrtimer_forward_now(timer, ns_to_ktime(pause_ns));
	return HRTIMER_RESTART;
}

static void arena_timer_start(void *data)
{
	struct arena_timer *t = data;

	hrtimer_start(&t->timer, ns_to_ktime(100 * NSEC_PER_USEC), HRTIMER_MODE_REL_PINNED_HARD);
}

/* Sets up a timer that fires in a hard interrupt, on the processor that starts it */
static void interrupt_timer_setup(struct hrtimer *timer,
				  enum hrtimer_restart (*fires)(struct hrtimer *timer))
{
#ifdef KS_TEST_HRTIMER_SETUP
	hrtimer_setup(timer, fires, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer->function = fires;
#endif
}

static void arena_timer_end(void *data)
{
	struct arena_timer *t = data;

	hrtimer_cancel(&t->timer);
}

static void arena_work_runs(struct irq_work *work)
{
	struct arena *arena = container_of(work, struct arena, work);

	arena_act_in_interrupt(&arena->by_work);
}

/*
 * A processor in the polling idle loop is notified by a flag and not by an interrupt. Then
 * the idle task calls this function, with interrupts disabled.
 */
static void arena_ipi(void *data)
{
	struct arena *arena = data;

	if (!irqs_disabled() || !(in_hardirq() || is_idle_task(current)))
		atomic_inc(&arena->soft);
	arena_act(&arena->by_ipi);
}

static void arena_actor_init(struct kunit *test, struct arena *arena,
			     struct arena_actor *actor, int id)
{
	actor->arena = arena;
	actor->id = id;
	actor->owner = ks_test_owner(test, arena->alloc);
	prandom_seed_state(&actor->rnd, arena->seed + id);
}

/* An arena with all actors, which do not run yet. It is freed with the crew */
static struct arena *arena_create(struct kunit *test, struct file *file)
{
	struct arena *arena = kzalloc(sizeof(*arena), GFP_KERNEL);
	struct rnd_state rnd;
	int i, id = 1;

	KUNIT_ASSERT_NOT_NULL(test, arena);
	arena->alloc = ks_allocator_of(file);
	arena->seed = ks_test_seed(test, &rnd);
	for (i = 0; i < ARENA_CPUS; i++) {
		arena_actor_init(test, arena, &arena->timer[i].actor, id++);
		interrupt_timer_setup(&arena->timer[i].timer, arena_timer_fires);
		init_completion(&arena->timer[i].over);
	}
	arena->work = IRQ_WORK_INIT_HARD(arena_work_runs);
	arena_actor_init(test, arena, &arena->by_work, id++);
	arena_actor_init(test, arena, &arena->by_ipi, id++);
	for (i = 0; i < KS_TEST_CREW; i++)
		arena_actor_init(test, arena, &arena->thread[i], id++);
	return arena;
}

/*
 * Waits for frames, so that interrupts give frames to waiters; then holds one for some time
 */
static void arena_wait_for_frame(struct arena_actor *actor)
{
	struct arena *arena = actor->arena;
	u32 index = 0;
	int ret;

	ret = ks_allocator_alloc(arena->alloc, actor->owner,
				 ktime_get_ns() + 100 * NSEC_PER_MSEC, &index);
	if (!ret) {
		atomic_inc(&arena->threads_got);
		arena_got(actor, index);
	} else if (ret != -ETIMEDOUT) {
		atomic_inc(&arena->clashes);
	}
	if (actor->n_held)
		arena_free(actor);
}

/* A thread: numbers 0 and 1 wait for frames, the others do not */
static void arena_thread(struct ks_test_crew *crew, unsigned int number)
{
	struct arena *arena = crew->data;
	struct arena_actor *actor = &arena->thread[number];

	while (!READ_ONCE(arena->stop) && !signal_pending(current)) {
		if (number < 2)
			arena_wait_for_frame(actor);
		else
			arena_act(actor);
		cond_resched();
	}
	while (actor->n_held)
		arena_free(actor);
}

static void arena_report(struct kunit *test, struct arena *arena)
{
	kunit_info(test, "in hard interrupts %d allocated and %d not; %d in threads\n",
		   atomic_read(&arena->hard_got), atomic_read(&arena->hard_none),
		   atomic_read(&arena->threads_got));
	KUNIT_EXPECT_EQ(test, atomic_read(&arena->clashes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&arena->soft), 0);
	KUNIT_EXPECT_TRUE(test, arena_enough(arena));
}

/* Ends the crew. After that, nobody holds a frame */
static void arena_stop(struct kunit *test, struct arena *arena,
		       struct ks_test_crew *crew)
{
	WRITE_ONCE(arena->stop, true);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&crew->done,
							    KS_TEST_PATIENCE));
	ks_test_expect_counts(test, arena->alloc, 0, 0, 0);
}

/*
 * Passes if timers in hard interrupts on each processor, and threads that wait or do not
 * wait, share five frames, never have one frame twice, and leave all of them free (C1, C2,
 * C4).
 */
static void interrupt_timers_against_threads(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, ARENA_FRAMES);
	struct arena *arena = arena_create(test, file);
	struct ks_test_crew *crew;
	int cpu, n = 0;

	crew = ks_test_crew(test, 4, arena_thread, arena, file);
	for_each_online_cpu(cpu) {
		struct arena_timer *t = &arena->timer[n];

		if (n++ == ARENA_CPUS)
			break;
		KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
								   arena_timer_end,
								   t));
		KUNIT_ASSERT_EQ(test, 0,
				smp_call_function_single(cpu, arena_timer_start,
							 t, true));
	}
	n = min(n, ARENA_CPUS);
	while (n--) {
		KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&arena->timer[n].over,
								    3 * KS_TEST_PATIENCE));
		KUNIT_EXPECT_GT(test, arena->timer[n].actor.rounds, 0);
	}
	arena_stop(test, arena, crew);
	arena_report(test, arena);
}

/*
 * Passes if this also applies to irq_work, which interrupts a thread on its own processor
 * at any point, and to interrupts sent to another processor (C1, C2, C4).
 */
static void interrupt_irq_work_against_threads(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, ARENA_FRAMES);
	struct arena *arena = arena_create(test, file);
	struct ks_test_crew *crew;
	unsigned long end = jiffies + 3 * KS_TEST_PATIENCE;
	unsigned int cpu, other;
	u32 works = 0, ipis = 0;

	crew = ks_test_crew(test, 3, arena_thread, arena, file);
	while (!arena_enough(arena) && time_before(jiffies, end)) {
		cpu = get_cpu();
		other = cpumask_any_but(cpu_online_mask, cpu);
		irq_work_queue(&arena->work);
		if (works++ % ARENA_WORK_PER_IPI == 0 && other < nr_cpu_ids) {
			smp_call_function_single(other, arena_ipi, arena, true);
			ipis++;
		}
		put_cpu();
		irq_work_sync(&arena->work);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, arena->by_work.rounds, works);
	KUNIT_EXPECT_EQ(test, arena->by_ipi.rounds, ipis);
	while (arena->by_work.n_held)
		arena_free(&arena->by_work);
	while (arena->by_ipi.n_held)
		arena_free(&arena->by_ipi);

	arena_stop(test, arena, crew);
	arena_report(test, arena);
}

/* Arguments and results of calls in an interrupt */
struct interrupt_call {
	struct ks_allocator *alloc;
	struct ks_owner *owner;
	const struct ks_connection *connection;
	u32 index;
	int ret;
};

static void interrupt_do_alloc(void *data)
{
	struct interrupt_call *call = data;

	call->ret = ks_allocator_try_alloc(call->alloc, call->owner,
					   &call->index);
}

static void interrupt_do_free(void *data)
{
	struct interrupt_call *call = data;

	call->ret = ks_allocator_free(call->alloc, call->index, false);
}

static void interrupt_do_submit(void *data)
{
	struct interrupt_call *call = data;

	call->ret = ks_allocator_submit(call->alloc, call->index,
					call->connection);
}

static void interrupt_do_unsubmit(void *data)
{
	struct interrupt_call *call = data;

	ks_allocator_unsubmit(call->alloc, call->index);
}

static void interrupt_do_free_owned(void *data)
{
	struct interrupt_call *call = data;

	ks_allocator_free_owned(call->alloc, call->index, call->owner);
}

static void interrupt_do_cancel(void *data)
{
	struct interrupt_call *call = data;

	ks_allocator_cancel(call->alloc, call->owner);
}

static void interrupt_do_end_owner(void *data)
{
	struct interrupt_call *call = data;

	ks_allocator_end_owner(call->alloc, call->owner);
}

#define INTERRUPT(fn)							\
	KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test, fn, &call))

/*
 * Passes if every function whose comment has "Context: any" works in a hard interrupt as in
 * other contexts, and neither lockdep nor the scheduler logs a warning (C1).
 */
static void interrupt_every_call(struct kunit *test)
{
	struct interrupt_call call = {
		.alloc = ks_test_allocator(test, 2),
		.connection = ks_test_device(1),
	};

	call.owner = ks_test_owner(test, call.alloc);
	/* In the other context first, so that lockdep can compare */
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(call.alloc, call.owner,
							&call.index));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(call.alloc, call.index, false));

	INTERRUPT(interrupt_do_alloc);
	KUNIT_EXPECT_EQ(test, call.ret, 0);
	ks_test_expect_counts(test, call.alloc, 1, 0, 0);
	INTERRUPT(interrupt_do_submit);
	KUNIT_EXPECT_EQ(test, call.ret, 0);
	ks_test_expect_counts(test, call.alloc, 1, 1, 0);
	INTERRUPT(interrupt_do_unsubmit);
	ks_test_expect_counts(test, call.alloc, 1, 0, 0);
	INTERRUPT(interrupt_do_submit);
	ks_allocator_deliver(call.alloc, call.index, call.owner);
	ks_test_expect_counts(test, call.alloc, 1, 0, 0);
	INTERRUPT(interrupt_do_submit);
	ks_test_expect_counts(test, call.alloc, 1, 1, 0);
	ks_allocator_take_back(call.alloc, call.connection);
	ks_test_expect_counts(test, call.alloc, 0, 0, 0);
	INTERRUPT(interrupt_do_alloc);
	INTERRUPT(interrupt_do_free);
	KUNIT_EXPECT_EQ(test, call.ret, 0);
	ks_test_expect_counts(test, call.alloc, 0, 0, 0);
	INTERRUPT(interrupt_do_alloc);
	INTERRUPT(interrupt_do_free_owned);
	ks_test_expect_counts(test, call.alloc, 0, 0, 0);
}

/* Starts a thread that waits for a frame, for the owner of @call */
static struct ks_test_call *interrupt_wait(struct kunit *test, struct file *file,
					   const struct interrupt_call *call)
{
	struct ks_test_call *waiter;

	waiter = ks_test_call_alloc(test, file, call->owner, 0);
	KUNIT_ASSERT_TRUE(test,
			  ks_test_wait_until(READ_ONCE(call->alloc->nr_waiting)));
	KUNIT_ASSERT_TRUE(test, ks_test_pending(waiter));
	return waiter;
}

/*
 * Passes if a hard interrupt can end the requests of an owner, once and permanently (B4,
 * C1).
 */
static void interrupt_cancel(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct interrupt_call call = {
		.alloc = ks_allocator_of(file),
		.owner = ks_test_owner_of(file),
	};
	struct ks_test_call *waiter;

	INTERRUPT(interrupt_do_alloc);
	waiter = interrupt_wait(test, file, &call);
	INTERRUPT(interrupt_do_cancel);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter));
	KUNIT_EXPECT_EQ(test, waiter->ret, -ECANCELED);

	waiter = interrupt_wait(test, file, &call);
	INTERRUPT(interrupt_do_end_owner);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter));
	KUNIT_EXPECT_EQ(test, waiter->ret, -ECANCELED);
	ks_test_expect_counts(test, call.alloc, 1, 0, 0);
}

#define WATCH_WAITERS 64
#define WATCH_ROUNDS 6

/**
 * struct interrupt_watch - a timer that looks at the requests of an allocator
 * @timer: the timer
 * @alloc: the allocator
 * @seen: number of times that it saw some, but not all, requests cancelled
 */
struct interrupt_watch {
	struct hrtimer timer;
	const struct ks_allocator *alloc;
	u32 seen;
};

static enum hrtimer_restart interrupt_watch_fires(struct hrtimer *timer)
{
	struct interrupt_watch *watch = container_of(timer, struct interrupt_watch, timer);
	const u32 waiting = READ_ONCE(watch->alloc->nr_waiting);

	if (waiting && waiting < WATCH_WAITERS)
		watch->seen++;
	hrtimer_forward_now(timer, ns_to_ktime(50 * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

/* Cancels all requests while the timer fires on the same processor */
static void interrupt_cancel_watched(struct kunit *test, struct interrupt_watch *watch,
				     struct file *file, u64 first_ns)
{
	struct ks_owner *owner = ks_test_owner_of(file);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_test_call *waiter[WATCH_WAITERS];
	u32 i;

	for (i = 0; i < WATCH_WAITERS; i++)
		waiter[i] = ks_test_call_alloc(test, file, owner, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting) ==
						   WATCH_WAITERS));
	migrate_disable();
	hrtimer_start(&watch->timer, ns_to_ktime(first_ns), HRTIMER_MODE_REL_PINNED_HARD);
	ks_allocator_cancel(alloc, owner);
	hrtimer_cancel(&watch->timer);
	migrate_enable();
	for (i = 0; i < WATCH_WAITERS; i++) {
		KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter[i]));
		KUNIT_EXPECT_EQ(test, waiter[i]->ret, -ECANCELED);
	}
}

/*
 * Passes if interrupts are handled while many requests are cancelled (B4, C1). User space chooses
 * the number of requests.
 */
static void interrupt_between_cancelled(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct interrupt_watch *watch;
	u32 round, index = 0;

	watch = kunit_kzalloc(test, sizeof(*watch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, watch);
	watch->alloc = ks_allocator_of(file);
	interrupt_timer_setup(&watch->timer, interrupt_watch_fires);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(ks_allocator_of(file),
							ks_test_owner_of(file), &index));
	/* A fast machine can cancel all requests before the timer fires. Then it fires earlier */
	for (round = 0; round < WATCH_ROUNDS && !watch->seen; round++)
		interrupt_cancel_watched(test, watch, file, 50 * NSEC_PER_USEC >> round);
	KUNIT_EXPECT_GT(test, watch->seen, 0);
}

/*
 * Passes if a frame that is freed in a hard interrupt ends the wait of a thread and wakes
 * pollers (C3).
 */
static void interrupt_free_is_heard_of(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct interrupt_call call = {
		.alloc = ks_allocator_of(file),
		.owner = ks_test_owner_of(file),
	};
	struct ks_test_poll *poll = ks_test_poll(test, file);
	struct ks_test_call *waiter;

	INTERRUPT(interrupt_do_alloc);
	waiter = interrupt_wait(test, file, &call);
	INTERRUPT(interrupt_do_free);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter));
	KUNIT_EXPECT_EQ(test, waiter->ret, 0);
	KUNIT_EXPECT_EQ(test, waiter->index, 0);

	atomic_set(&poll->wakes, 0);
	INTERRUPT(interrupt_do_free);
	KUNIT_EXPECT_GT(test, atomic_read(&poll->wakes), 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(file), KS_TEST_IN);
}

#define DOUBLE_ROUNDS 500

/**
 * struct interrupt_double - a frame that all processors free or submit at the same time
 * @alloc: the allocator
 * @at: number of processors that have arrived
 * @done: how often it was freed or submitted
 * @wrong: how often a call failed with an unexpected errno
 */
struct interrupt_double {
	struct ks_allocator *alloc;
	atomic_t at;
	atomic_t done;
	atomic_t wrong;
};

/* Processors with odd numbers submit */
static void interrupt_do_double(void *data)
{
	struct interrupt_double *both = data;
	int ret;

	/* All begin together, if they run at the same time */
	atomic_inc(&both->at);
	for (ret = 0; ret < 10000 && atomic_read(&both->at) == 1; ret++)
		cpu_relax();

	if (smp_processor_id() % 2)
		ret = ks_allocator_submit(both->alloc, 0, ks_test_device(1));
	else
		ret = ks_allocator_free(both->alloc, 0, false);
	if (!ret)
		atomic_inc(&both->done);
	else if (ret != -EINVAL && ret != -EBUSY)
		atomic_inc(&both->wrong);
}

/*
 * Passes if of all processors that free or submit the same frame at the same time exactly
 * one succeeds, and the others get EINVAL or EBUSY (B5, C4).
 */
static void interrupt_double_free(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 1);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct interrupt_double *both;
	u32 i, index = 0, submitted = 0;

	both = kunit_kzalloc(test, sizeof(*both), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, both);
	both->alloc = alloc;
	for (i = 0; i < DOUBLE_ROUNDS; i++) {
		struct ks_test_frames frames;

		KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner,
								&index));
		atomic_set(&both->at, 0);
		atomic_set(&both->done, 0);
		on_each_cpu(interrupt_do_double, both, true);
		KUNIT_ASSERT_EQ(test, atomic_read(&both->done), 1);
		KUNIT_ASSERT_EQ(test, atomic_read(&both->wrong), 0);
		ks_test_look(test, alloc, &frames);
		submitted += frames.in_device;
		ks_allocator_take_back(alloc, ks_test_device(1));
		ks_test_expect_counts(test, alloc, 0, 0, 0);
	}
	kunit_info(test, "%u of %u were submitted first\n", submitted, DOUBLE_ROUNDS);
}

static struct kunit_case interrupt_cases[] = {
	KUNIT_CASE(interrupt_every_call),
	KUNIT_CASE(interrupt_cancel),
	KUNIT_CASE(interrupt_between_cancelled),
	KUNIT_CASE(interrupt_free_is_heard_of),
	KUNIT_CASE_SLOW(interrupt_double_free),
	KUNIT_CASE_SLOW(interrupt_timers_against_threads),
	KUNIT_CASE_SLOW(interrupt_irq_work_against_threads),
	{}
};

static struct kunit_suite interrupt_suite = {
	.name = "ksalloc_interrupt",
	.init = ks_test_init,
	.test_cases = interrupt_cases,
};

kunit_test_suite(interrupt_suite);
