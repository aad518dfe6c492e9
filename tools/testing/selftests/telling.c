// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notification of free frames: all ways report the same frames, each frame once, and other
 * tasks run in between.
 */
#include "events.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "remote.h"

/* A thread that watches an allocator while many of its frames become free together */
struct observer {
	int allocator;
	int frames;
	atomic_bool stop;
	int seen; /* how often only some of them were free */
	pthread_t thread;
};

static void *observer_thread(void *data)
{
	const struct timespec moment = { .tv_nsec = 500000 };
	struct observer *observer = data;
	char text[32];
	int now;

	while (!observer->stop) {
		ASSERT_TRUE(fdinfo_value(observer->allocator, "allocated", text,
					 sizeof(text)));
		now = atoi(text);
		if (now > 0 && now < observer->frames)
			observer->seen++;
		nanosleep(&moment, NULL);
	}
	return NULL;
}

/* On the same processor, with the highest priority */
static void observer_start(struct observer *observer)
{
	const struct sched_param urgent = { .sched_priority = 1 };

	ASSERT_EQ(0, pthread_create(&observer->thread, NULL, observer_thread,
				    observer));
	ASSERT_EQ(0, pthread_setschedparam(observer->thread, SCHED_FIFO,
					   &urgent));
}

static void observer_stop(struct observer *observer)
{
	observer->stop = true;
	pthread_join(observer->thread, NULL);
	EXPECT_LT(0, observer->seen);
}

static void only_one_processor(void)
{
	cpu_set_t processor;

	CPU_ZERO(&processor);
	CPU_SET(0, &processor);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(processor), &processor));
}

#define EVENTS 16

/* Events on an allocator, each with an eventfd that has many waiters */
static void watch_often(int allocator, int *fds)
{
	/* Signalling them has to take a few milliseconds, on any kernel */
	int watchers = is_debug_kernel() ? 25 : 250, i, j;
	struct epoll_event event = { .events = EPOLLIN };

	for (i = 0; i < EVENTS; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, enable_free(allocator, 0, fds[i], NULL));
	}
	for (i = 0; i < watchers; i++) {
		int epoll = epoll_create1(EPOLL_CLOEXEC);

		ASSERT_LE(0, epoll);
		for (j = 0; j < EVENTS; j++)
			ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fds[j],
					       &event));
	}
}

#define DYING_FRAMES 32

/*
 * B7: while a process with many frames dies, and many waiters are notified, other tasks run
 * on its processor: a task with priority sees some of the frames free and others not. If
 * the kernel freed all of them without a break, it would see none or all.
 */
TEST_F_TIMEOUT(events, others_run_while_frames_come_back, 60)
{
	struct observer observer = { .frames = DYING_FRAMES };
	struct agent agent;
	int allocator, theirs, i, fds[EVENTS];

	need_heap();
	only_one_processor();
	agent_start(&agent);
	allocator = create_allocator(self->rig.connection, self->rig.heap,
				     DYING_FRAMES, 0);
	ASSERT_LE(0, allocator);
	theirs = agent_open(&agent, allocator);
	for (i = 0; i < DYING_FRAMES; i++)
		ASSERT_EQ(i, agent_alloc(&agent, theirs));
	watch_often(allocator, fds);

	observer.allocator = allocator;
	observer_start(&observer);
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(allocator) == 0));
	observer_stop(&observer);
	for (i = 0; i < EVENTS; i++)
		EXPECT_EQ(DYING_FRAMES, counted(fds[i]));
	harness_note("seen in between: %d times", observer.seen);
}

#define DEVICE_FRAMES 24

/* I4: the same when a device returns its frames. */
TEST_F_TIMEOUT(events, others_run_while_device_lets_go, 60)
{
	struct observer observer = { .frames = DEVICE_FRAMES };
	int allocator, i, fds[EVENTS];

	need_heap();
	only_one_processor();
	allocator = create_allocator(self->rig.connection, self->rig.heap,
				     DEVICE_FRAMES, 0);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, allocator));
	close(self->allocator);
	self->rig.allocator = allocator;
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(DEVICE_FRAMES, rig_submit_all(&self->rig));
	watch_often(allocator, fds);

	observer.allocator = allocator;
	observer_start(&observer);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	observer_stop(&observer);
	for (i = 0; i < EVENTS; i++)
		EXPECT_EQ(DEVICE_FRAMES, counted(fds[i]));
	harness_note("seen in between: %d times", observer.seen);
}

/*
 * E1: at each step of a random walk, poll, select, and epoll report the same;
 * edge-triggered epoll reports once what an eventfd counts once; neither reports a frame
 * that is given to a waiter.
 */
TEST_F(events, agree)
{
	struct epoll_event level = { .events = EPOLLIN };
	struct epoll_event edge = { .events = EPOLLIN | EPOLLET };
	int levels = epoll_create1(0), edges = epoll_create1(0), step, free = 0;
	unsigned int rnd = 1;
	bool held[FRAMES];

	ASSERT_EQ(0, epoll_ctl(levels, EPOLL_CTL_ADD, self->allocator, &level));
	ASSERT_EQ(0, epoll_ctl(edges, EPOLL_CTL_ADD, self->allocator, &edge));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	for (step = 0; step < FRAMES; step++)
		held[step] = true;

	for (step = 0; step < 1000; step++) {
		struct ksalloc_alloc arg = { .size = sizeof(arg) };
		int index = rand_r(&rnd) % FRAMES, news = 0;
		struct timeval at_once = { 0 };
		struct call call;
		fd_set set;

		if (held[index] && (free || rand_r(&rnd) % 8)) {
			ASSERT_EQ(0, free_frame(self->allocator, index));
			held[index] = false;
			free++;
			news = 1;
		} else if (held[index]) {
			/* If none is free, a freed frame is given to a waiter. */
			call_start(&call, self->allocator, KSALLOC_ALLOC, &arg);
			ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
			ASSERT_EQ(0, free_frame(self->allocator, index));
			ASSERT_EQ(0, call_result(&call));
			ASSERT_EQ(index, (int)arg.index);
		} else {
			index = alloc_now(self->allocator);
			ASSERT_LE(0, index);
			held[index] = true;
			free--;
		}

		FD_ZERO(&set);
		FD_SET(self->allocator, &set);
		ASSERT_EQ(free ? POLLIN : 0, poll_fd(self->allocator, POLLIN, 0));
		ASSERT_EQ(!!free, select(self->allocator + 1, &set, NULL, NULL,
					 &at_once));
		ASSERT_EQ(!!free, epoll_wait(levels, &level, 1, 0));
		ASSERT_EQ(news, epoll_wait(edges, &edge, 1, 0));
		ASSERT_EQ(news, counted(self->eventfd));
	}
}

/* Data of threads that free frames at the same time */
struct storm {
	int allocator;
	int rounds;
	atomic_int freed;
	atomic_int left;
};

#define STORM_THREADS 3
#define STORM_ONESHOTS 16

static void *storm_frees(void *data)
{
	struct storm *storm = data;
	int i, index;

	for (i = 0; i < storm->rounds; i++) {
		index = alloc_now(storm->allocator);
		if (index < 0)
			continue;
		ASSERT_EQ(0, free_frame(storm->allocator, index));
		atomic_fetch_add(&storm->freed, 1);
	}
	atomic_fetch_sub(&storm->left, 1);
	return NULL;
}

/*
 * E1: while three threads free frames, an event that was enabled before counts each frame
 * exactly once, and each of many one-shot events counts one frame exactly once, while they
 * are enabled and disabled.
 */
TEST_F_TIMEOUT(events, storm, 60)
{
	struct storm storm = {
		.allocator = self->allocator,
		.rounds = remote_is_on() ? 250 : 2000,
		.left = STORM_THREADS,
	};
	int once[STORM_ONESHOTS], other = eventfd(0, EFD_NONBLOCK);
	unsigned int ids[STORM_ONESHOTS] = { 0 }, id = 0;
	int i, ret, enabled = 0, disabled = 0, told = 0;
	pthread_t threads[STORM_THREADS];

	for (i = 0; i < STORM_ONESHOTS; i++)
		ASSERT_LE(0, once[i] = eventfd(0, EFD_NONBLOCK));
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, free_frame(self->allocator, i));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	for (i = 0; i < STORM_THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, storm_frees,
					    &storm));
	for (i = 0; storm.left; i = (i + 1) % STORM_ONESHOTS) {
		ret = enable_free(self->allocator, KSALLOC_EVENT_ONESHOT,
				  once[i], &ids[i]);
		/* It was not signalled since the last round */
		ASSERT_TRUE(!ret || ret == -EBUSY);
		enabled += !ret;
		if (i % 3 == 0 && !disable_event(self->allocator, ids[i]))
			disabled++;
		ASSERT_EQ(0, enable_free(self->allocator, 0, other, &id));
		ASSERT_EQ(0, disable_event(self->allocator, id));
	}
	for (i = 0; i < STORM_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(storm.freed, counted(self->eventfd));

	/* Events that are still enabled are signalled now. */
	ASSERT_LE(0, i = alloc_now(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, i));
	for (i = 0; i < STORM_ONESHOTS; i++)
		told += counted(once[i]);
	EXPECT_EQ(enabled - disabled, told);
	EXPECT_EQ(1, events(self->allocator));
	harness_note("%d frames freed, %d one-shots, %d of them disabled",
		     storm.freed, enabled, disabled);
}
