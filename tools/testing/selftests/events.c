// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: eventfds that count the frames that become free. telling.c compares them with
 * poll, and tests them with concurrent calls.
 */
#include "events.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/mman.h>

/* E1: an event counts each frame that becomes free, and nothing else. */
TEST_F(events, counts)
{
	unsigned int id = 0;
	int i;

	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, &id));
	EXPECT_LT(0, (int)id);
	EXPECT_EQ(1, events(self->allocator));
	/* Frames that are free already, allocations and errors are not counted. */
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

/* E1: a disabled event does not count any more, and cannot be disabled again. */
TEST_F(events, disable)
{
	unsigned int id = 0, other = 0;

	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, &id));
	ASSERT_EQ(0, enable_free(self->allocator, KSALLOC_EVENT_ONESHOT,
				 self->second, &other));
	EXPECT_NE(id, other);
	EXPECT_EQ(-EINVAL, disable_event(self->allocator, id + other + 1));
	EXPECT_EQ(-EINVAL, disable_event(self->allocator, 0));
	EXPECT_EQ(0, disable_event(self->allocator, other));
	EXPECT_EQ(-EINVAL, disable_event(self->allocator, other));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, counted(self->eventfd));
	EXPECT_EQ(0, counted(self->second));
	EXPECT_EQ(0, disable_event(self->allocator, id));
	EXPECT_EQ(-EINVAL, disable_event(self->allocator, id));
	EXPECT_EQ(0, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, counted(self->eventfd));
}

/* E1: a one-shot event counts one frame, is disabled then, and can be enabled again. */
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
		EXPECT_EQ(-EINVAL, disable_event(self->allocator, id));
	}
}

/* E1: a frame that is given directly to a waiter is not counted. */
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
 * E1: the maximum number of events, of several open files; one more: E2BIG through any
 * file; all of them count, and one-shot events that were signalled do not take room.
 */
TEST_F_TIMEOUT(events, most, 60)
{
	int other = allocator_open(self->allocator), i;
	int fds[KSALLOC_MAX_EVENTS];

	ASSERT_LE(0, other);
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, enable_free(i % 3 ? self->allocator : other,
					 i % 2 ? KSALLOC_EVENT_ONESHOT : 0,
					 fds[i], NULL));
	}
	EXPECT_EQ(-E2BIG, enable_free(self->allocator, 0, self->eventfd, NULL));
	EXPECT_EQ(-E2BIG, enable_free(other, 0, self->eventfd, NULL));
	EXPECT_EQ(KSALLOC_MAX_EVENTS, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++)
		ASSERT_EQ(1, counted(fds[i]));
	EXPECT_EQ(KSALLOC_MAX_EVENTS / 2, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++)
		ASSERT_EQ(i % 2 ? 0 : 1, counted(fds[i]));
	EXPECT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++)
		close(fds[i]);
	close(other);
}

/* E1: an open file that is closed makes room for other events. */
TEST_F(events, room_after_close)
{
	int other = allocator_open(self->allocator), i;
	int fds[KSALLOC_MAX_EVENTS];

	ASSERT_LE(0, other);
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		ASSERT_EQ(0, enable_free(other, 0, fds[i], NULL));
	}
	EXPECT_EQ(-E2BIG, enable_free(self->allocator, 0, self->eventfd, NULL));
	close(other);
	EXPECT_EQ(0, events(self->allocator));
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++)
		ASSERT_EQ(0, enable_free(self->allocator, 0, fds[i], NULL));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	for (i = 0; i < KSALLOC_MAX_EVENTS; i++) {
		ASSERT_EQ(1, counted(fds[i]));
		close(fds[i]);
	}
}

/*
 * E1: an eventfd that already has an event of the allocator, of any kind: EBUSY, also
 * through another descriptor. After that event was disabled or was a one-shot event that
 * was signalled, or with another allocator: success.
 */
TEST_F(events, same_eventfd_twice)
{
	int other = create_allocator(self->rig.connection, self->rig.heap,
				     FRAMES, 0);
	int copy = dup(self->eventfd), i;
	unsigned int id = 0;

	need_heap();
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
		ASSERT_EQ(0, disable_event(self->allocator, id));

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

/*
 * E1, I4: frames that a device returns are counted too, except those that are given to
 * waiters.
 */
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

/* E2: neither the event that is reserved for allocators nor any other can be enabled. */
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

/* A descriptor that is not open: EBADF; another kind of file: EINVAL. */
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

/* A4: if the number of the event cannot be written, there is no event. */
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

/* The event keeps the eventfd: its descriptor may be closed, and a duplicate can be read. */
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
	EXPECT_EQ(0, disable_event(self->allocator, id));
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
 * E1, B7: an event ends with the open file through which it was enabled: with the last of
 * two descriptors, and not with another file.
 */
TEST_F(events, close_disables)
{
	int other = allocator_open(self->allocator), copy;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, enable_free(other, 0, self->second, NULL));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, counted(self->eventfd));
	EXPECT_EQ(1, counted(self->second));

	copy = dup(other);
	ASSERT_LE(0, copy);
	close(other);
	EXPECT_EQ(2, events(self->allocator));
	close(copy);
	EXPECT_EQ(1, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(1, counted(self->eventfd));
	EXPECT_EQ(0, counted(self->second));
}

/*
 * E1, B7: after a fork both processes share the open file: the event stays when the child
 * dies.
 */
TEST_F(events, fork_shares)
{
	struct agent agent;
	unsigned int id = 0;

	agent_start(&agent);
	ASSERT_EQ(0, agent_enable(&agent, self->allocator, self->eventfd, &id));
	agent_kill(&agent);
	sleep_ms(20);
	EXPECT_EQ(1, events(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, counted(self->eventfd));
	EXPECT_EQ(0, disable_event(self->allocator, id));
}

/* E1, B7: the event of a killed process ends with its own open file. */
TEST_F(events, kill_disables)
{
	unsigned int id = 0;
	struct agent agent;
	int theirs;

	agent_start(&agent);
	theirs = agent_open(&agent, self->allocator);
	ASSERT_EQ(0, agent_enable(&agent, theirs, self->eventfd, &id));
	EXPECT_EQ(1, events(self->allocator));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(events(self->allocator) == 0));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, counted(self->eventfd));
}

/* E1: the eventfd can have been passed over a UNIX socket as well. */
TEST_F(events, passed_descriptors)
{
	struct agent agent;
	unsigned int id = 0;
	int theirs, event;

	agent_start(&agent);
	theirs = agent_open(&agent, self->allocator);
	event = agent_pass(&agent, self->eventfd);
	ASSERT_LE(0, event);
	ASSERT_EQ(0, agent_enable(&agent, theirs, event, &id));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, counted(self->eventfd));
	agent_exit(&agent);
	EXPECT_TRUE(EVENTUALLY(events(self->allocator) == 0));
}

/* E1: an event cannot be disabled through another open file. */
TEST_F(events, not_by_others)
{
	int other = allocator_open(self->allocator);
	unsigned int id = 0, theirs = 0;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, &id));
	ASSERT_EQ(0, enable_free(other, 0, self->second, &theirs));
	EXPECT_EQ(-EINVAL, disable_event(self->allocator, theirs));
	EXPECT_EQ(-EINVAL, disable_event(other, id));
	EXPECT_EQ(2, events(self->allocator));
	EXPECT_EQ(0, disable_event(self->allocator, id));
	EXPECT_EQ(0, disable_event(other, theirs));
	close(other);
}

/* E1: an eventfd cannot have two events of an allocator through two open files: EBUSY. */
TEST_F(events, same_eventfd_through_another_file)
{
	int other = allocator_open(self->allocator);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, enable_free(other, 0, self->eventfd, NULL));
	EXPECT_EQ(-EBUSY, enable_free(self->allocator, 0, self->eventfd, NULL));
	close(other);
	EXPECT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
}

/* E1: frames that become free because a process was killed are counted. */
TEST_F(events, frames_of_the_dead)
{
	struct agent agent;
	int theirs;

	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	agent_start(&agent);
	theirs = agent_open(&agent, self->allocator);
	ASSERT_LE(0, agent_alloc(&agent, theirs));
	ASSERT_LE(0, agent_alloc(&agent, theirs));
	ASSERT_EQ(0, enable_free(self->allocator, 0, self->eventfd, NULL));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 2));
	EXPECT_EQ(2, counted(self->eventfd));
}

/* B7: an allocator that ends with enabled events leaks nothing. */
TEST_F(events, end_of_allocator)
{
	struct footprint before;
	int allocator, i;

	need_heap();
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
