// SPDX-License-Identifier: GPL-2.0-only
/*
 * KSALLOC_ALLOCATOR_CANCEL and KSALLOC_CONNECTION_CANCEL: which waiting calls they end.
 */
#include "ksalloc_test.h"
#include "remote.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trap.h"

#define FRAMES 4

/* In RUN. All frames are held; each object has two open files. */
FIXTURE(cancel) {
	struct rig rig;
	int connection, other_connection;
	int allocator, other_allocator;
};

FIXTURE_SETUP(cancel)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	self->other_connection = connection_open(self->connection);
	ASSERT_LE(0, self->other_connection);
	self->other_allocator = allocator_open(self->allocator);
	ASSERT_LE(0, self->other_allocator);
	take_all(self->allocator);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

FIXTURE_TEARDOWN(cancel)
{
	if (self->other_connection > 0)
		close(self->other_connection);
	if (self->other_allocator > 0)
		close(self->other_allocator);
	rig_close(&self->rig);
}

/*
 * B4: cancel ends all ALLOC calls that wait through the open file, of all its descriptors
 * and processes. Calls through another open file go on.
 */
TEST_F(cancel, allocs)
{
	struct ksalloc_alloc args[3];
	struct call calls[3];
	struct agent agent;
	int copy = dup(self->allocator);

	agent_start(&agent);
	start_waiter(&calls[0], &args[0], self->allocator, 1);
	start_waiter(&calls[1], &args[1], copy, 2);
	agent_begin_alloc(&agent, self->allocator);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 3));
	start_waiter(&calls[2], &args[2], self->other_allocator, 4);

	ASSERT_EQ(0, allocator_cancel(copy));
	EXPECT_EQ(-ECANCELED, call_result(&calls[0]));
	EXPECT_EQ(-ECANCELED, call_result(&calls[1]));
	EXPECT_EQ(-ECANCELED, agent_end_alloc(&agent));
	EXPECT_EQ(1, waiters(self->allocator));
	EXPECT_TRUE(call_waits(&calls[2]));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 2));
	EXPECT_EQ(0, call_result(&calls[2]));
	EXPECT_EQ(2, args[2].index);
	close(copy);
}

/* B3, B4: the other waiting calls keep their order. */
TEST_F(cancel, order_of_the_rest)
{
	enum { WAITERS = 6 };
	struct ksalloc_alloc args[WAITERS];
	struct call calls[WAITERS];
	int i;

	for (i = 0; i < WAITERS; i++)
		start_waiter(&calls[i], &args[i], i % 2 ? self->other_allocator :
							  self->allocator, i + 1);
	ASSERT_EQ(0, allocator_cancel(self->allocator));
	for (i = 0; i < WAITERS; i += 2)
		EXPECT_EQ(-ECANCELED, call_result(&calls[i]));
	for (i = 1; i < WAITERS; i += 2) {
		ASSERT_EQ(0, free_frame(self->allocator, i % FRAMES));
		EXPECT_EQ(0, call_result(&calls[i]));
		EXPECT_EQ(i % FRAMES, args[i].index);
	}
	EXPECT_EQ(0, waiters(self->allocator));
}

/* B4: cancelling the newest waiting call does not affect the oldest. */
TEST_F(cancel, the_newest)
{
	struct ksalloc_alloc args[2];
	struct call calls[2];

	start_waiter(&calls[0], &args[0], self->other_allocator, 1);
	start_waiter(&calls[1], &args[1], self->allocator, 2);
	ASSERT_EQ(0, allocator_cancel(self->allocator));
	EXPECT_EQ(-ECANCELED, call_result(&calls[1]));
	EXPECT_TRUE(call_waits(&calls[0]));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, call_result(&calls[0]));
}

/* B4: calls that begin after a cancel wait as usual. */
TEST_F(cancel, later_allocs_wait)
{
	struct ksalloc_alloc arg;
	struct call call;
	int round;

	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, allocator_cancel(self->allocator));
		start_waiter(&call, &arg, self->allocator, 1);
		EXPECT_TRUE(call_waits(&call));
		ASSERT_EQ(0, allocator_cancel(self->allocator));
		EXPECT_EQ(-ECANCELED, call_result(&call));
		start_waiter(&call, &arg, self->allocator, 1);
		EXPECT_TRUE(call_waits(&call));
		ASSERT_EQ(0, free_frame(self->allocator, 3));
		EXPECT_EQ(0, call_result(&call));
		EXPECT_EQ(3, arg.index);
	}
	/* Cancel does not affect free and allocated frames. */
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, allocator_cancel(self->allocator));
	EXPECT_EQ(0, alloc_frame(self->allocator, 0, 0));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/*
 * B4: after a permanent cancel, ALLOC calls through the open file that may wait are cancelled,
 * even if a frame is free. Nothing undoes that. Other calls and open files are not affected.
 */
TEST_F(cancel, permanent_alloc)
{
	struct ksalloc_alloc args[2];
	struct call calls[2];

	start_waiter(&calls[0], &args[0], self->allocator, 1);
	start_waiter(&calls[1], &args[1], self->other_allocator, 2);
	ASSERT_EQ(0, cancel_permanently(self->allocator, KSALLOC_ALLOCATOR_CANCEL));
	EXPECT_EQ(-ECANCELED, call_result(&calls[0]));
	EXPECT_EQ(-ECANCELED, alloc_frame(self->allocator, 0, 0));
	EXPECT_EQ(-ECANCELED, alloc_frame(self->allocator, 0, in_ms(PATIENCE_MS)));
	EXPECT_EQ(-ECANCELED, alloc_frame(self->allocator, 0, 1));
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
	ASSERT_EQ(0, allocator_cancel(self->allocator));
	EXPECT_EQ(-ECANCELED, alloc_frame(self->allocator, 0, 0));

	EXPECT_TRUE(call_waits(&calls[1]));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, call_result(&calls[1]));
	ASSERT_EQ(0, free_frame(self->allocator, 2));
	EXPECT_EQ(-ECANCELED, alloc_frame(self->allocator, 0, 0));
	EXPECT_EQ(2, alloc_now(self->allocator));
	ASSERT_EQ(0, fcntl(self->allocator, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, alloc_frame(self->allocator, 0, 0));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* B4: cancel does not change deadlines of calls through another open file. */
TEST_F(cancel, deadline)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.deadline_ns = in_ms(200),
	};
	struct call call;

	call_start(&call, self->other_allocator, KSALLOC_ALLOC, &arg);
	ASSERT_TRUE(EVENTUALLY(call.done || waiters(self->allocator) == 1));
	ASSERT_EQ(0, allocator_cancel(self->allocator));
	EXPECT_EQ(-ETIMEDOUT, call_result(&call));
	EXPECT_LE(arg.deadline_ns, now_ns());
}

/* B4: a call that already has a frame is not cancelled. A cancelled call gets no frame. */
TEST_F_TIMEOUT(cancel, beside_free, 60)
{
	int rounds = remote_is_on() ? 20 : 200;
	int round, served = 0;

	for (round = 0; round < rounds; round++) {
		struct ksalloc_alloc arg;
		struct call call;
		int result;

		take_all(self->allocator);
		start_waiter(&call, &arg, self->allocator, 1);
		if (round % 2) {
			ASSERT_EQ(0, allocator_cancel(self->allocator));
			ASSERT_EQ(0, free_frame(self->allocator, 0));
		} else {
			ASSERT_EQ(0, free_frame(self->allocator, 0));
			ASSERT_EQ(0, allocator_cancel(self->allocator));
		}
		result = call_result(&call);
		ASSERT_EQ(round % 2 ? -ECANCELED : 0, result);
		served += !result;
		ASSERT_EQ(result ? FRAMES - 1 : FRAMES,
			  allocated(self->allocator));
		ASSERT_EQ(0, waiters(self->allocator));
	}
	EXPECT_EQ(round / 2, served);
}

struct canceller {
	int allocator, connection;
	atomic_bool stop;
	atomic_int times;
};

static void *keep_cancelling(void *data)
{
	struct canceller *canceller = data;

	while (!canceller->stop) {
		ASSERT_EQ(0, allocator_cancel(canceller->allocator));
		ASSERT_EQ(0, connection_cancel(canceller->connection));
		canceller->times++;
		sleep_ms(1);
	}
	return NULL;
}

/*
 * B4, I4: a thread cancels all the time while frames are allocated and freed. No frame is
 * lost or given to two holders. Each call returns a frame or ECANCELED.
 */
TEST_F_TIMEOUT(cancel, always, 60)
{
	struct canceller canceller = {
		.allocator = self->allocator,
		.connection = self->connection,
	};
	int i, index, cancelled = 0, filled = 0;
	pthread_t thread;

	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, submit(self->connection, i));
	ASSERT_EQ(0, pthread_create(&thread, NULL, keep_cancelling,
				    &canceller));
	while (filled < 40 || cancelled < 40) {
		index = complete(self->connection, 0, in_ms(PATIENCE_MS), NULL);
		if (index == -ECANCELED) {
			cancelled++;
			continue;
		}
		ASSERT_LE(0, index);
		filled++;
		ASSERT_EQ(0, free_frame(self->allocator, index));
		do {
			index = alloc_frame(self->allocator, 0, 0);
		} while (index == -ECANCELED);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit(self->connection, index));
	}
	canceller.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(FRAMES, in_device(self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->allocator));
	harness_note("%d filled, %d calls cancelled", filled, cancelled);
}

/*
 * B4: a call that has been entered but does not wait yet either gets a frame or
 * ECANCELED.
 */
TEST_F(cancel, before_the_wait)
{
	const struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct trap trap;

	/* The call cannot read its argument yet. */
	trap_set(&trap, TRAP_READ, &arg, sizeof(arg));
	trap_spring(&trap, self->allocator, KSALLOC_ALLOC);
	ASSERT_EQ(0, allocator_cancel(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	if (trap_release(&trap))
		EXPECT_EQ(0, alloc_now(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* E1: cancel does not affect poll(). */
TEST_F(cancel, poll)
{
	ASSERT_EQ(0, allocator_cancel(self->allocator));
	ASSERT_EQ(0, connection_cancel(self->connection));
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
}

/*
 * I4: cancel ends all COMPLETE calls that wait through the open file, of all its
 * descriptors and processes. Calls through another open file go on.
 */
TEST_F(cancel, completes)
{
	struct ksalloc_complete frames[3];
	struct call calls[3];
	struct agent agent;
	int copy = dup(self->connection), i;

	agent_start(&agent);
	start_complete(&calls[0], &frames[0], self->connection);
	start_complete(&calls[1], &frames[1], copy);
	agent_begin_complete(&agent, self->connection);
	start_complete(&calls[2], &frames[2], self->other_connection);
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(call_waits(&calls[i]));
	ASSERT_TRUE(agent_waits(&agent));

	ASSERT_EQ(0, connection_cancel(self->connection));
	EXPECT_EQ(-ECANCELED, call_result(&calls[0]));
	EXPECT_EQ(-ECANCELED, call_result(&calls[1]));
	EXPECT_EQ(-ECANCELED, agent_end_complete(&agent));
	EXPECT_TRUE(call_waits(&calls[2]));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->connection));
	ASSERT_EQ(0, submit(self->connection, 1));
	EXPECT_EQ(0, call_result(&calls[2]));
	EXPECT_EQ(1, frames[2].index);
	close(copy);
}

/* I4: calls that begin after a cancel wait as usual, in RUN and in PAUSE. */
TEST_F(cancel, later_completes_wait)
{
	static const unsigned int states[] = { KSSTATE_RUN, KSSTATE_PAUSE };
	struct ksalloc_complete frame;
	struct call call;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		ASSERT_EQ(0, set_state(self->connection, states[i]));
		ASSERT_EQ(0, connection_cancel(self->connection));
		start_complete(&call, &frame, self->connection);
		EXPECT_TRUE(call_waits(&call));
		ASSERT_EQ(0, connection_cancel(self->connection));
		EXPECT_EQ(-ECANCELED, call_result(&call));
		start_complete(&call, &frame, self->connection);
		EXPECT_TRUE(call_waits(&call));
		ASSERT_EQ(0, submit(self->connection, i));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		EXPECT_EQ(0, call_result(&call));
		EXPECT_EQ(i, frame.index);
	}
}

/* I4: a cancel does not affect a non-blocking COMPLETE, here while it writes its answer. */
TEST_F(cancel, nonblocking_complete)
{
	const struct ksalloc_complete frame = { .size = sizeof(frame), .flags = KSALLOC_NONBLOCK };
	struct trap trap;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, submit(self->connection, i));
		ASSERT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
		trap_set(&trap, TRAP_WRITE, &frame, sizeof(frame));
		trap_spring(&trap, self->connection, KSALLOC_COMPLETE);
		if (i)
			ASSERT_EQ(0, cancel_permanently(self->connection,
							KSALLOC_CONNECTION_CANCEL));
		else
			ASSERT_EQ(0, connection_cancel(self->connection));
		EXPECT_EQ(0, trap_release(&trap));
	}
}

/* I4: after a permanent cancel, the same holds for COMPLETE calls. */
TEST_F(cancel, permanent_complete)
{
	struct ksalloc_complete frames[2];
	struct call calls[2];

	start_complete(&calls[0], &frames[0], self->connection);
	start_complete(&calls[1], &frames[1], self->other_connection);
	EXPECT_TRUE(call_waits(&calls[0]));
	EXPECT_TRUE(call_waits(&calls[1]));
	ASSERT_EQ(0, cancel_permanently(self->connection, KSALLOC_CONNECTION_CANCEL));
	EXPECT_EQ(-ECANCELED, call_result(&calls[0]));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, in_ms(PATIENCE_MS), NULL));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	ASSERT_EQ(0, connection_cancel(self->connection));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));

	EXPECT_TRUE(call_waits(&calls[1]));
	ASSERT_EQ(0, submit(self->connection, 1));
	EXPECT_EQ(0, call_result(&calls[1]));
	ASSERT_EQ(0, submit(self->connection, 2));
	ASSERT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));
	EXPECT_EQ(2, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
}

/*
 * B4, I4: a permanent cancel ends a call that begins at the same time, also if the file does not
 * block from then on.
 */
TEST_F_TIMEOUT(cancel, permanent_at_begin, 60)
{
	int round, rounds = remote_is_on() ? 20 : 400;

	for (round = 0; round < rounds; round++) {
		struct ksalloc_complete frame = { .size = sizeof(frame) };
		struct ksalloc_alloc arg = { .size = sizeof(arg) };
		bool allocs = round % 2;
		int result, fd = allocs ? allocator_open(self->allocator) :
					  connection_open(self->connection);
		struct call call;

		ASSERT_LE(0, fd);
		if (allocs)
			call_start(&call, fd, KSALLOC_ALLOC, &arg);
		else
			call_start(&call, fd, KSALLOC_COMPLETE, &frame);
		ASSERT_EQ(0, cancel_permanently(fd, allocs ? KSALLOC_ALLOCATOR_CANCEL :
							     KSALLOC_CONNECTION_CANCEL));
		ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
		result = call_result(&call);
		ASSERT_TRUE(result == -ECANCELED || result == -EAGAIN);
		close(fd);
	}
}

/* B4, I4: a permanent cancel ends a call that is restarted, because job control stopped it. */
TEST_F(cancel, permanent_while_stopped)
{
	static const unsigned long requests[] = {
		KSALLOC_ALLOCATOR_CANCEL, KSALLOC_CONNECTION_CANCEL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		bool allocs = requests[i] == KSALLOC_ALLOCATOR_CANCEL;
		struct agent agent;

		agent_start(&agent);
		if (allocs)
			agent_begin_alloc(&agent, self->allocator);
		else
			agent_begin_complete(&agent, self->connection);
		ASSERT_TRUE(agent_waits(&agent));
		ASSERT_EQ(0, kill(agent.pid, SIGSTOP));
		ASSERT_EQ(agent.pid, waitpid(agent.pid, NULL, WUNTRACED));
		ASSERT_EQ(0, cancel_permanently(allocs ? self->allocator : self->connection,
						requests[i]));
		ASSERT_EQ(0, kill(agent.pid, SIGCONT));
		EXPECT_EQ(-ECANCELED, allocs ? agent_end_alloc(&agent) :
					       agent_end_complete(&agent));
	}
}

/* I4: cancel succeeds in each state, also if no call waits. */
TEST_F(cancel, in_each_state)
{
	unsigned int state;

	for (state = KSSTATE_STOP; state <= KSSTATE_RUN; state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		EXPECT_EQ(0, connection_cancel(self->connection));
		EXPECT_EQ(0, connection_cancel(self->other_connection));
		EXPECT_EQ(state, get_state(self->connection));
	}
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(0, connection_cancel(self->connection));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
}

/* I4: cancel does not affect filled frames. */
TEST_F(cancel, keeps_filled_frames)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, submit(self->connection, i));
	ASSERT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	ASSERT_EQ(0, connection_cancel(self->connection));
	EXPECT_EQ(POLLIN, poll_fd(self->connection, POLLIN, 0));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(i, rig_complete(&self->rig, NULL));
}

/*
 * B4: a process can cancel calls of another one that shares its open file, and no others.
 */
TEST_F(cancel, by_another_process)
{
	struct ksalloc_cancel arg = { .size = sizeof(arg) };
	struct ksalloc_alloc alloc;
	struct agent agent;
	struct call call;
	int theirs;

	agent_start(&agent);
	theirs = agent_open(&agent, self->allocator);
	start_waiter(&call, &alloc, self->allocator, 1);
	ASSERT_EQ(0, agent_call(&agent, theirs, KSALLOC_ALLOCATOR_CANCEL, &arg,
				sizeof(arg)));
	EXPECT_TRUE(call_waits(&call));
	ASSERT_EQ(0, agent_call(&agent, self->allocator,
				KSALLOC_ALLOCATOR_CANCEL, &arg, sizeof(arg)));
	EXPECT_EQ(-ECANCELED, call_result(&call));
}
