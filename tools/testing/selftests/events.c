// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: eventfds that count the frames that become free, beside poll, select and
 * epoll, which must agree with them.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#define FRAMES 4

/* A camera, an allocator of FRAMES frames, all of them ours, and two eventfds */
FIXTURE(events) {
	struct rig rig;
	int allocator;
	int eventfd;
	int second;
};

FIXTURE_SETUP(events)
{
	int i;

	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->allocator = self->rig.allocator;
	self->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->eventfd);
	self->second = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->second);
	for (i = 0; i < FRAMES; i++)
		ASSERT_LE(0, alloc_now(self->allocator));
}

FIXTURE_TEARDOWN(events)
{
	rig_close(&self->rig);
	close(self->eventfd);
	close(self->second);
}

static int enable(int allocator, unsigned int flags, unsigned int event, int fd,
		  unsigned int *id)
{
	struct ksalloc_enable_event arg = {
		.size = sizeof(arg),
		.flags = flags,
		.event = event,
		.eventfd = fd,
	};
	int ret = call_fd(allocator, KSALLOC_ENABLE_EVENT, &arg);

	if (!ret && id)
		*id = arg.id;
	return ret;
}

static int enable_free(int allocator, unsigned int flags, int fd,
		       unsigned int *id)
{
	return enable(allocator, flags, KSEVENT_STREAMALLOCATOR_FREEFRAME, fd,
		      id);
}

static int disable(int allocator, unsigned int id)
{
	struct ksalloc_disable_event arg = { .size = sizeof(arg), .id = id };

	return call_fd(allocator, KSALLOC_DISABLE_EVENT, &arg);
}

/* What the eventfd has counted since the last time */
static int counted(int fd)
{
	uint64_t value;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? (int)value : 0;
}

/* How many events there are, as fdinfo says */
static int events(int allocator)
{
	char text[32];

	ASSERT_TRUE(fdinfo_value(allocator, "events", text, sizeof(text)));
	return atoi(text);
}

/* E1: an event counts each frame that becomes free, and nothing else. */
TEST_F(events, counts)
{
	unsigned int id = 0;
	int i;

	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, &id));
	EXPECT_LT(0, (int)id);
	EXPECT_EQ(1, events(self->allocator));
	/* What is free already does not count, nor what is taken, nor an error. */
	EXPECT_EQ(0, counted(self->eventfd));
	ASSERT_EQ(0, alloc_now(self->allocator));
	EXPECT_EQ(-EINVAL, free_frame(self->allocator, FRAMES));
	EXPECT_EQ(0, counted(self->eventfd));
	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(0, free_frame(self->allocator, i));
		EXPECT_EQ(-EINVAL, free_frame(self->allocator, i));
		EXPECT_EQ(1, counted(self->eventfd));
	}
	while (alloc_now(self->allocator) >= 0)
		;
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, free_frame(self->allocator, i));
	EXPECT_EQ(FRAMES, counted(self->eventfd));
}

/* E1: an event that is disabled counts no more, and cannot be disabled again. */
TEST_F(events, disable)
{
	unsigned int id = 0, other = 0;

	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, &id));
	ASSERT_EQ(0, enable_free(self->allocator, KSALLOC_EVENT_ONESHOT,
				 self->second, &other));
	EXPECT_NE(id, other);
	EXPECT_EQ(-EINVAL, disable(self->allocator, id + other + 1));
	EXPECT_EQ(-EINVAL, disable(self->allocator, 0));
	EXPECT_EQ(0, disable(self->allocator, other));
	EXPECT_EQ(-EINVAL, disable(self->allocator, other));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, counted(self->eventfd));
	EXPECT_EQ(0, counted(self->second));
	EXPECT_EQ(0, disable(self->allocator, id));
	EXPECT_EQ(-EINVAL, disable(self->allocator, id));
	EXPECT_EQ(0, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, counted(self->eventfd));
}

/* E1: a one-shot event counts one frame, is disabled by that, and can be enabled anew. */
TEST_F(events, oneshot)
{
	unsigned int id = 0;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, enable_free(self->allocator, KSALLOC_EVENT_ONESHOT,
					 self->eventfd, &id));
		EXPECT_EQ(1, events(self->allocator));
		ASSERT_EQ(0, free_frame(self->allocator, 2 * i));
		EXPECT_EQ(0, events(self->allocator));
		ASSERT_EQ(0, free_frame(self->allocator, 2 * i + 1));
		EXPECT_EQ(1, counted(self->eventfd));
		EXPECT_EQ(-EINVAL, disable(self->allocator, id));
	}
}

/* E1: a frame that goes straight to a waiter did not become free. */
TEST_F(events, not_for_waiters)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct call call;

	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	ASSERT_EQ(0, enable_free(self->allocator, KSALLOC_EVENT_ONESHOT,
				 self->second, NULL));
	call_start(&call, self->allocator, KSALLOC_ALLOC, &arg);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, call_result(&call));
	EXPECT_EQ(0, counted(self->eventfd));
	EXPECT_EQ(0, counted(self->second));
	EXPECT_EQ(2, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, counted(self->eventfd));
	EXPECT_EQ(1, counted(self->second));
}

/*
 * E1: as many events as there may be; one more: E2BIG; all of them count, and room
 * that one-shots leave is room.
 */
TEST_F_TIMEOUT(events, most, 60)
{
	const struct rlimit limit = {
		KSALLOC_MAX_EVENTS + 200, KSALLOC_MAX_EVENTS + 200,
	};
	static int fds[KSALLOC_MAX_EVENTS];
	int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, enable_free(self->allocator,
					 i % 2 ? KSALLOC_EVENT_ONESHOT : 0,
					 fds[i], NULL));
	}
	EXPECT_EQ(-E2BIG, enable_free(self->allocator, 0, self->eventfd, NULL));
	EXPECT_EQ(KSALLOC_MAX_EVENTS, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++)
		ASSERT_EQ(1, counted(fds[i]));
	EXPECT_EQ(KSALLOC_MAX_EVENTS / 2, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++)
		ASSERT_EQ(i % 2 ? 0 : 1, counted(fds[i]));
	EXPECT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
}

/*
 * E1: an eventfd that has an event of the allocator already, of whatever kind: EBUSY,
 * under another descriptor as well. When that has ended, by DISABLE or because it was
 * a one-shot, or at another allocator: success.
 */
TEST_F(events, same_eventfd_twice)
{
	int other = create_allocator(self->rig.connection, self->rig.heap,
				     FRAMES, 0);
	int copy = dup(self->eventfd), i;
	unsigned int id = 0;

	ASSERT_LE(0, other);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd,
					 &id));
		EXPECT_EQ(-EBUSY, enable_free(self->allocator, 0, self->eventfd,
					      NULL));
		EXPECT_EQ(-EBUSY, enable_free(self->allocator,
					      KSALLOC_EVENT_ONESHOT, copy,
					      NULL));
		EXPECT_EQ(1, events(self->allocator));
		ASSERT_EQ(0, disable(self->allocator, id));

		ASSERT_EQ(0, enable_free(self->allocator, KSALLOC_EVENT_ONESHOT,
					 copy, &id));
		EXPECT_EQ(-EBUSY, enable_free(self->allocator, 0, self->eventfd,
					      NULL));
		ASSERT_EQ(0, free_frame(self->allocator, i));
		EXPECT_EQ(1, counted(self->eventfd));
	}
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	ASSERT_EQ(0, enable_free(other, 0, self->eventfd, NULL));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->second, NULL));
	close(other);
	close(copy);
}

/* Who looks at an allocator while many of its frames become free at once */
struct observer {
	int allocator;
	int frames;
	atomic_bool stop;
	int seen; /* how often some were free, and others not */
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

/* On the same processor as all, but before all */
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

/* Events on an allocator, each of an eventfd that many watch */
static void watch_often(int allocator, int *fds)
{
	/* To tell them has to take a few milliseconds, on any kernel */
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
 * B7: while a process dies whose many frames are told of to many, others run on its
 * processor: one that has priority sees some of the frames free and others not yet.
 * Where the kernel goes through all in one piece, it sees none or all.
 */
TEST_F_TIMEOUT(events, others_run_while_frames_come_back, 60)
{
	struct observer observer = { .frames = DYING_FRAMES };
	struct agent agent;
	int allocator, theirs, i, fds[EVENTS];

	only_one_processor();
	agent_start(&agent);
	allocator = create_allocator(self->rig.connection, self->rig.heap,
				     DYING_FRAMES, 0);
	ASSERT_LE(0, allocator);
	theirs = agent_pass(&agent, allocator);
	ASSERT_LE(0, theirs);
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

/* I4: the same when a device lets go of its frames. */
TEST_F_TIMEOUT(events, others_run_while_device_lets_go, 60)
{
	struct observer observer = { .frames = DEVICE_FRAMES };
	int allocator, i, fds[EVENTS];

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

/* E1: hundreds of eventfds each count by themselves. */
TEST_F(events, many_eventfds)
{
	int fds[500];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, enable_free(self->allocator, 0, fds[i], NULL));
	}
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		ASSERT_EQ(2, counted(fds[i]));
}

/* E1, I4: frames that a device lets go count too, all that are not waited for. */
TEST_F(events, device_lets_go)
{
	int i;

	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, submit(self->rig.connection, i));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(FRAMES, counted(self->eventfd));
}

/* E2: the event for allocators' own use is out of reach, and so is any other. */
TEST_F(events, other_events)
{
	static const unsigned int others[] = { 2, 3, 0x80000001, 0xffffffff };
	unsigned int i;

	EXPECT_EQ(-EINVAL,
		  enable(self->allocator, 0,
			 KSEVENT_STREAMALLOCATOR_INTERNAL_FREEFRAME,
			 self->eventfd, NULL));
	for (i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT_EQ(-EINVAL, enable(self->allocator, 0, others[i],
					  self->eventfd, NULL));
	EXPECT_EQ(0, events(self->allocator));
}

/* A descriptor that is not open: EBADF; of another kind: EINVAL. */
TEST_F(events, wrong_descriptors)
{
	int closed = dup(self->eventfd);
	int pipes[2] = { -1, -1 };
	unsigned int i;

	close(closed);
	{
		const int fds[] = { -1, INT_MIN, INT_MAX, closed };

		for (i = 0; i < ARRAY_SIZE(fds); i++)
			EXPECT_EQ(-EBADF, enable_free(self->allocator, 0,
						      fds[i], NULL));
	}
	ASSERT_EQ(0, pipe(pipes));
	{
		const int fds[] = { pipes[1], self->allocator, self->rig.video,
				    self->rig.connection, epoll_create1(0) };

		for (i = 0; i < ARRAY_SIZE(fds); i++)
			EXPECT_EQ(-EINVAL, enable_free(self->allocator, 0,
						       fds[i], NULL));
	}
	EXPECT_EQ(0, events(self->allocator));
}

/* An unknown flag or a reserved field: EINVAL, and no event. */
TEST_F(events, reserved)
{
	struct ksalloc_enable_event on = {
		.size = sizeof(on),
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.eventfd = self->eventfd,
		.__reserved = 1,
	};
	struct ksalloc_disable_event off = { .size = sizeof(off) };
	unsigned int bit;

	EXPECT_EQ(-EINVAL, call_fd(self->allocator, KSALLOC_ENABLE_EVENT, &on));
	for (bit = 1; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, enable_free(self->allocator, 1U << bit,
					       self->eventfd, NULL));
	EXPECT_EQ(0, events(self->allocator));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, &off.id));
	off.__reserved = 1;
	EXPECT_EQ(-EINVAL, call_fd(self->allocator, KSALLOC_DISABLE_EVENT,
				   &off));
	off.__reserved = 0;
	off.flags = 1;
	EXPECT_EQ(-EINVAL, call_fd(self->allocator, KSALLOC_DISABLE_EVENT,
				   &off));
	EXPECT_EQ(1, events(self->allocator));
}

/* A4: a caller that cannot be told of its event has none. */
TEST_F(events, read_only_argument)
{
	struct ksalloc_enable_event *arg;

	arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(arg != MAP_FAILED);
	*arg = (struct ksalloc_enable_event){
		.size = sizeof(*arg),
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.eventfd = self->eventfd,
	};
	ASSERT_EQ(0, mprotect(arg, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, call_fd(self->allocator, KSALLOC_ENABLE_EVENT, arg));
	EXPECT_EQ(0, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, counted(self->eventfd));
}

/* The event holds the eventfd: it may be closed before, and a duplicate be read. */
TEST_F(events, eventfd_closed)
{
	int other = dup(self->eventfd), lone = eventfd(0, 0);
	unsigned int id = 0;

	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	ASSERT_EQ(0, enable_free(self->allocator, 0, lone, &id));
	close(self->eventfd);
	close(lone);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, counted(other));
	EXPECT_EQ(0, disable(self->allocator, id));
	self->eventfd = other;
}

static int agent_enable(struct agent *agent, int allocator, int fd,
			unsigned int *id)
{
	struct ksalloc_enable_event arg = {
		.size = sizeof(arg),
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.eventfd = fd,
	};
	int ret = agent_call(agent, allocator, KSALLOC_ENABLE_EVENT, &arg,
			     sizeof(arg));

	*id = arg.id;
	return ret;
}

/*
 * E1, B7: an event goes with the last descriptor of the process that enabled it,
 * not with one of two, and not with another process's.
 */
TEST_F(events, close_disables)
{
	unsigned int id = 0;
	struct agent agent;
	int other;

	agent_start(&agent);
	ASSERT_EQ(0, agent_enable(&agent, self->allocator, self->second, &id));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, counted(self->eventfd));
	EXPECT_EQ(1, counted(self->second));

	other = agent_dup(&agent, self->allocator);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, agent_close(&agent, self->allocator));
	EXPECT_EQ(2, events(self->allocator));
	ASSERT_EQ(0, agent_close(&agent, other));
	EXPECT_EQ(1, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(1, counted(self->eventfd));
	EXPECT_EQ(0, counted(self->second));
}

/* E1, B7: the event of a process that is killed goes with it. */
TEST_F(events, kill_disables)
{
	unsigned int id = 0;
	struct agent agent;

	agent_start(&agent);
	ASSERT_EQ(0, agent_enable(&agent, self->allocator, self->eventfd, &id));
	EXPECT_EQ(1, events(self->allocator));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(events(self->allocator) == 0));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, counted(self->eventfd));
}

/* E1: the same with descriptors that were passed over a UNIX socket. */
TEST_F(events, passed_descriptors)
{
	struct agent agent;
	unsigned int id = 0;
	int allocator, theirs, event;

	agent_start(&agent);
	allocator = create_allocator(self->rig.connection, self->rig.heap,
				     FRAMES, 0);
	ASSERT_LE(0, allocator);
	ASSERT_LE(0, alloc_now(allocator));
	theirs = agent_pass(&agent, allocator);
	event = agent_pass(&agent, self->eventfd);
	ASSERT_LE(0, theirs);
	ASSERT_LE(0, event);
	ASSERT_EQ(0, agent_enable(&agent, theirs, event, &id));
	ASSERT_EQ(0, free_frame(allocator, 0));
	EXPECT_EQ(1, counted(self->eventfd));
	agent_exit(&agent);
	EXPECT_TRUE(EVENTUALLY(events(allocator) == 0));
}

/* E1: an event is the process's that enabled it; another cannot disable it. */
TEST_F(events, not_by_others)
{
	struct ksalloc_disable_event off = { .size = sizeof(off) };
	struct agent agent;
	unsigned int id = 0;

	agent_start(&agent);
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, &off.id));
	ASSERT_EQ(0, agent_enable(&agent, self->allocator, self->second, &id));
	EXPECT_EQ(-EINVAL, disable(self->allocator, id));
	EXPECT_EQ(-EINVAL, agent_call(&agent, self->allocator,
				      KSALLOC_DISABLE_EVENT, &off,
				      sizeof(off)));
	EXPECT_EQ(2, events(self->allocator));
}

/* E1: frames that come back from a process that is killed count. */
TEST_F(events, frames_of_the_dead)
{
	struct agent agent;

	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 2));
	EXPECT_EQ(2, counted(self->eventfd));
}

/* B7: an allocator that ends with events enabled leaves nothing behind. */
TEST_F(events, end_of_allocator)
{
	struct footprint before;
	int allocator, i;

	footprint_take(&before);
	for (i = 0; i < 20; i++) {
		allocator = create_allocator(self->rig.connection,
					     self->rig.heap, FRAMES, 0);
		ASSERT_LE(0, allocator);
		ASSERT_EQ(0, enable_free(allocator, 0, self->eventfd, NULL));
		ASSERT_EQ(0, enable_free(allocator, KSALLOC_EVENT_ONESHOT,
					 self->second, NULL));
		close(allocator);
	}
	EXPECT_FOOTPRINT(&before);
}

/*
 * E1: at each step of a walk, poll, select, and epoll say the same; edge-triggered
 * epoll reports once what an eventfd counts once; neither says anything of a frame
 * that goes to a waiter.
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
			/* With none free, one goes from hand to hand. */
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

/* What threads that make frames free at the same time share */
struct storm {
	int allocator;
	atomic_int freed;
	atomic_int left;
};

#define STORM_ROUNDS 2000
#define STORM_THREADS 3
#define STORM_ONESHOTS 16

static void *storm_frees(void *data)
{
	struct storm *storm = data;
	int i, index;

	for (i = 0; i < STORM_ROUNDS; i++) {
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
 * E1: while three threads free frames, an event that was enabled before counts each of
 * them exactly once, and each of many one-shots counts one of them exactly once,
 * however they are enabled and disabled meanwhile.
 */
TEST_F_TIMEOUT(events, storm, 60)
{
	struct storm storm = {
		.allocator = self->allocator,
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
		/* Nobody was told of it since the last time round */
		ASSERT_TRUE(!ret || ret == -EBUSY);
		enabled += !ret;
		if (i % 3 == 0 && !disable(self->allocator, ids[i]))
			disabled++;
		ASSERT_EQ(0, enable_free(self->allocator, 0, other, &id));
		ASSERT_EQ(0, disable(self->allocator, id));
	}
	for (i = 0; i < STORM_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(storm.freed, counted(self->eventfd));

	/* What is still enabled is told now. */
	ASSERT_LE(0, i = alloc_now(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, i));
	for (i = 0; i < STORM_ONESHOTS; i++)
		told += counted(once[i]);
	EXPECT_EQ(enabled - disabled, told);
	EXPECT_EQ(1, events(self->allocator));
	harness_note("%d frames freed, %d one-shots, %d of them disabled",
		     storm.freed, enabled, disabled);
}
