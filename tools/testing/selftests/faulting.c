// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that stop at a page fault or cannot write their answer, while something else
 * happens.
 */
#include "hostile.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trap.h"

/* Stops a COMPLETE that has found a filled frame where it writes its answer. */
static void hold_complete(struct hostile_fixture *self, struct trap *trap,
			  int connection)
{
	const struct ksalloc_complete arg = { .size = sizeof(arg) };

	trap_set(trap, TRAP_WRITE, &arg, sizeof(arg));
	if (get_state(self->connection) != KSSTATE_RUN) {
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	}
	trap_spring(trap, connection, KSALLOC_COMPLETE);
}

static const struct ksalloc_complete *answer_of(const struct trap *trap)
{
	return (const struct ksalloc_complete *)trap->page;
}

static void next_stream(struct hostile_fixture *self)
{
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
}

/* I4: the stream ends while COMPLETE is at a page fault. All frames are free. */
TEST_F(hostile, stop_while_complete_faults)
{
	struct trap trap;

	hold_complete(self, &trap, self->connection);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(-EFAULT, trap_release_faulting(&trap));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(0, get_pending(self->connection));
	expect_capture(self);
}

/* I4: the next stream begins while COMPLETE is at a page fault. It has no frames. */
TEST_F(hostile, next_stream_while_complete_faults)
{
	struct trap trap;

	hold_complete(self, &trap, self->connection);
	next_stream(self);
	EXPECT_EQ(-EFAULT, trap_release_faulting(&trap));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(0, get_pending(self->connection));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	expect_capture(self);
}

static void many_streams(struct hostile_fixture *self, unsigned int streams)
{
	unsigned int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	for (i = 0; i < streams; i++) {
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	}
}

/* I4: the same after so many streams that a 16-bit counter has wrapped around. */
TEST_F_TIMEOUT(hostile, many_streams_while_complete_faults, 120)
{
	struct trap trap;

	hold_complete(self, &trap, self->connection);
	many_streams(self, is_debug_kernel() ? 1 << 8 : 1 << 16);
	EXPECT_EQ(-EFAULT, trap_release_faulting(&trap));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(0, get_pending(self->connection));
	expect_capture(self);
}

/*
 * I4: COMPLETE that can write its answer then returns ECANCELED. A counter of 8 bits, which has
 * wrapped around, would let it wait for the new stream.
 */
TEST_F(hostile, many_streams_while_complete_is_late)
{
	struct trap trap;

	hold_complete(self, &trap, self->connection);
	many_streams(self, 1 << 8);
	EXPECT_EQ(-ECANCELED, trap_release(&trap));
	EXPECT_EQ(0, allocated(self->allocator));
	expect_capture(self);
}

/*
 * D5: another allocator is assigned while COMPLETE is at a page fault. Its frames are not
 * affected.
 */
TEST_F(hostile, next_allocator_while_complete_faults)
{
	struct trap trap;

	need_heap();
	hold_complete(self, &trap, self->connection);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	self->other = create_allocator(self->connection, self->rig.heap, FRAMES,
				       0);
	ASSERT_LE(0, self->other);
	ASSERT_EQ(0, set_allocator(self->connection, self->other));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, alloc_now(self->other));
	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, NULL));
	EXPECT_EQ(-EFAULT, trap_release_faulting(&trap));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(1, allocated(self->other));
	EXPECT_EQ(0, in_device(self->other));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	expect_capture(self);
}

/* I2: COMPLETE that is stopped and then can write its answer returns the next frame. */
TEST_F(hostile, complete_is_late)
{
	struct trap trap;
	int i;

	hold_complete(self, &trap, self->connection);
	EXPECT_EQ(0, trap_release(&trap));
	EXPECT_EQ(0, answer_of(&trap)->index);
	EXPECT_EQ(FRAMES - 1, get_pending(self->connection));
	for (i = 1; i < FRAMES; i++)
		EXPECT_EQ(i, rig_complete(&self->rig, NULL));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(0, free_frame(self->allocator, i));
	expect_capture(self);
}

/* I4: COMPLETE that is stopped while the stream ends returns ECANCELED. */
TEST_F(hostile, stop_while_complete_is_late)
{
	struct trap trap;

	hold_complete(self, &trap, self->connection);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(-ECANCELED, trap_release(&trap));
	expect_capture(self);
}

/* I4: it does so also if the next stream has begun. It does not wait for that one. */
TEST_F(hostile, next_stream_while_complete_is_late)
{
	struct trap trap;

	hold_complete(self, &trap, self->connection);
	next_stream(self);
	EXPECT_EQ(-ECANCELED, trap_release(&trap));
	expect_capture(self);
}

/* I4: COMPLETE that is stopped, cancelled, and finds no frame then returns ECANCELED. */
TEST_F(hostile, cancel_while_complete_is_late)
{
	struct trap trap;
	int other = connection_open(self->connection), i;

	ASSERT_LE(0, other);
	hold_complete(self, &trap, self->connection);
	ASSERT_EQ(0, connection_cancel(self->connection));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(i, complete(other, 0, in_ms(PATIENCE_MS), NULL));
	EXPECT_EQ(-ECANCELED, trap_release(&trap));
	close(other);
	expect_capture(self);
}

/*
 * I2: COMPLETE that cannot write its answer does not take a frame. The next call returns
 * the same frame, in RUN and in PAUSE, and later calls the others in order.
 */
TEST_F(hostile, complete_after_a_fault)
{
	const struct ksalloc_complete arg = { .size = sizeof(arg) };
	void *page = read_only_page(&arg, sizeof(arg));
	int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EFAULT, call_fd(self->connection, KSALLOC_COMPLETE,
					   page));
	EXPECT_EQ(FRAMES, get_pending(self->connection));
	EXPECT_EQ(FRAMES, in_device(self->allocator));
	EXPECT_EQ(POLLIN, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(0, rig_complete(&self->rig, NULL));
	EXPECT_EQ(-EFAULT, call_fd(self->connection, KSALLOC_COMPLETE, page));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	EXPECT_EQ(-EFAULT, call_fd(self->connection, KSALLOC_COMPLETE, page));
	EXPECT_EQ(1, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 2; i < FRAMES; i++)
		EXPECT_EQ(i, rig_complete(&self->rig, NULL));
}

#define READERS 3

/* The order in which stopped readers continue, and which of them fault */
static const struct {
	int order[READERS];
	bool faults[READERS];
} departures[] = {
	{ { 0, 1, 2 }, { true, true, true } },
	{ { 2, 1, 0 }, { true, true, true } },
	{ { 1, 2, 0 }, { false, true, false } },
	{ { 2, 0, 1 }, { true, false, false } },
	{ { 0, 2, 1 }, { false, false, false } },
};

/*
 * I2: several readers are stopped at the same time, through several open files. Readers
 * that fault lose no frame. The others get frames in the order in which they were filled.
 */
TEST_F(hostile, several_readers_fault)
{
	int others[READERS] = { self->connection }, i, next, reader;
	struct trap traps[READERS];
	unsigned int turn;

	for (i = 1; i < READERS; i++) {
		others[i] = connection_open(self->connection);
		ASSERT_LE(0, others[i]);
	}
	for (turn = 0; turn < ARRAY_SIZE(departures); turn++) {
		for (i = 0; i < READERS; i++)
			hold_complete(self, &traps[i], others[i]);
		next = 0;
		for (i = 0; i < READERS; i++) {
			reader = departures[turn].order[i];
			if (departures[turn].faults[reader]) {
				EXPECT_EQ(-EFAULT,
					  trap_release_faulting(&traps[reader]));
				continue;
			}
			EXPECT_EQ(0, trap_release(&traps[reader]));
			EXPECT_EQ(next++, answer_of(&traps[reader])->index);
		}
		EXPECT_EQ(FRAMES - next, get_pending(self->connection));
		while (next < FRAMES)
			EXPECT_EQ(next++, rig_complete(&self->rig, NULL));
		for (i = 0; i < FRAMES; i++)
			EXPECT_EQ(0, free_frame(self->allocator, i));
		expect_capture(self);
	}
	for (i = 1; i < READERS; i++)
		close(others[i]);
}

/* A4: ALLOC that cannot write its answer, or only a part of it, takes no frame. */
TEST_F(hostile, alloc_that_faults)
{
	const struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF | KSALLOC_NONBLOCK,
	};
	char *pages = mmap(NULL, 2 * TRAP_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *last = pages + TRAP_PAGE -
		     offsetof(struct ksalloc_alloc, dmabuf_fd);
	int before = count_fds(), i;

	ASSERT_NE(MAP_FAILED, pages);
	memcpy(last, &arg, sizeof(arg));
	ASSERT_EQ(0, mprotect(pages + TRAP_PAGE, TRAP_PAGE, PROT_READ));
	for (i = 0; i < 2 * FRAMES; i++)
		EXPECT_EQ(-EFAULT, call_fd(self->allocator, KSALLOC_ALLOC,
					   last));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(before, count_fds());
	for (i = 0; i < FRAMES; i++)
		EXPECT_LE(0, alloc_now(self->allocator));
}

/* Stops an ALLOC where it writes its answer. */
static void hold_alloc(struct trap *trap, int allocator, __u32 flags)
{
	const struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = flags,
	};

	trap_set(trap, TRAP_WRITE, &arg, sizeof(arg));
	trap_spring(trap, allocator, KSALLOC_ALLOC);
}

/*
 * B3: ALLOC takes the last frame and faults. The frame is given to a call that has begun to
 * wait meanwhile.
 */
TEST_F(hostile, waiter_while_alloc_faults)
{
	struct ksalloc_alloc arg;
	struct trap trap;
	struct call call;
	int i;

	for (i = 0; i < FRAMES - 1; i++)
		ASSERT_EQ(i, alloc_now(self->allocator));
	hold_alloc(&trap, self->allocator, 0);
	start_waiter(&call, &arg, self->allocator, 1);
	EXPECT_EQ(-EFAULT, trap_release_faulting(&trap));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(FRAMES - 1, arg.index);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/*
 * B5: ALLOC takes a frame and faults after another client has freed and allocated it. That
 * client keeps it.
 */
TEST_F(hostile, other_holder_while_alloc_faults)
{
	int other = allocator_open(self->allocator), i;
	struct trap trap;

	ASSERT_LE(0, other);
	for (i = 0; i < FRAMES - 1; i++)
		ASSERT_EQ(i, alloc_now(self->allocator));
	hold_alloc(&trap, self->allocator, 0);
	ASSERT_EQ(0, free_frame(other, FRAMES - 1));
	ASSERT_EQ(FRAMES - 1, alloc_now(other));
	EXPECT_EQ(-EFAULT, trap_release_faulting(&trap));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	close(other);
	EXPECT_EQ(FRAMES - 1, allocated(self->allocator));
}

/* A4: the descriptor of a frame is not in the table before ALLOC has succeeded. */
TEST_F(hostile, descriptor_while_alloc_is_late)
{
	int before, i, open = 0;
	struct trap trap;

	/* The descriptors of the trap are open already. */
	hold_alloc(&trap, self->allocator, KSALLOC_ALLOC_DMABUF);
	before = count_fds();
	for (i = 0; i < 64; i++)
		open += dup2(i, i) == i;
	/* count_fds() also counts its own descriptor of the directory. */
	EXPECT_EQ(before - 1, open);
	EXPECT_EQ(-EFAULT, trap_release_faulting(&trap));
	EXPECT_EQ(0, allocated(self->allocator));
}

static void handler(int signal)
{
	(void)signal;
}

static void interrupt_calls(int signal)
{
	struct sigaction action = { .sa_handler = handler };

	ASSERT_EQ(0, sigaction(signal, &action, NULL));
}

/*
 * I4: the last descriptor is closed after COMPLETE was entered and before it waits. It
 * waits. The connection is freed at the end of the call.
 */
TEST_F(hostile, last_close_before_complete_waits)
{
	const struct ksalloc_complete arg = { .size = sizeof(arg) };
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	struct trap trap;

	need_heap();
	interrupt_calls(SIGUSR1);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	trap_set(&trap, TRAP_READ, &arg, sizeof(arg));
	trap_spring(&trap, self->connection, KSALLOC_COMPLETE);
	close(self->connection);
	self->rig.connection = 0;
	trap_let_go(&trap);
	ASSERT_TRUE(call_waits(&trap.call));
	EXPECT_EQ(-EBUSY, call_fd(self->video, VIDIOC_REQBUFS, &request));
	pthread_kill(trap.call.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, trap_result(&trap));
	request.count = 2;
	EXPECT_TRUE(EVENTUALLY(!call_fd(self->video, VIDIOC_REQBUFS, &request)));
}

/* B4: the same with ALLOC, of an allocator that has another open file */
TEST_F(hostile, last_close_before_alloc_waits)
{
	const struct ksalloc_alloc arg = { .size = sizeof(arg) };
	int other = allocator_open(self->allocator);
	struct trap trap;

	ASSERT_LE(0, other);
	take_all(other);
	trap_set(&trap, TRAP_READ, &arg, sizeof(arg));
	trap_spring(&trap, self->allocator, KSALLOC_ALLOC);
	close(self->allocator);
	self->rig.allocator = 0;
	trap_let_go(&trap);
	ASSERT_TRUE(call_waits(&trap.call));
	ASSERT_EQ(0, free_frame(other, 2));
	EXPECT_EQ(0, trap_result(&trap));
	EXPECT_TRUE(EVENTUALLY(allocated(other) == FRAMES - 1));
	close(other);
}

/* E1, B7: the same with ENABLE_EVENT. The event ends with the call. */
TEST_F(hostile, last_close_before_enable_event)
{
	const struct ksalloc_enable_event arg = {
		.size = sizeof(arg),
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.eventfd = eventfd(0, EFD_CLOEXEC),
	};
	int other = allocator_open(self->allocator);
	char text[16] = "";
	struct trap trap;

	ASSERT_LE(0, other);
	trap_set(&trap, TRAP_READ, &arg, sizeof(arg));
	trap_spring(&trap, self->allocator, KSALLOC_ENABLE_EVENT);
	close(self->allocator);
	self->rig.allocator = 0;
	EXPECT_EQ(0, trap_release(&trap));
	EXPECT_TRUE(EVENTUALLY(fdinfo_value(other, "events", text,
					    sizeof(text)) && !atoi(text)));
	close(other);
}

/*
 * A4, E1: ENABLE_EVENT that cannot write its answer enables nothing, also if a frame
 * becomes free meanwhile.
 */
TEST_F(hostile, free_while_enable_event_faults)
{
	const struct ksalloc_enable_event arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_EVENT_ONESHOT,
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	struct trap trap;

	ASSERT_EQ(0, alloc_now(self->allocator));
	trap_set(&trap, TRAP_WRITE, &arg, sizeof(arg));
	trap_spring(&trap, self->allocator, KSALLOC_ENABLE_EVENT);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(-EFAULT, trap_release_faulting(&trap));
	EXPECT_LT(0, enable_event(self->allocator, 0, arg.eventfd));
	close(arg.eventfd);
}
