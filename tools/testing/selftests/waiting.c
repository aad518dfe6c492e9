// SPDX-License-Identifier: GPL-2.0-only
/*
 * ALLOC when no frame is free: which calls wait, how long, and in which order.
 */
#include "frames.h"
#include "remote.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* B2: without a free frame, NONBLOCK fails with EAGAIN, by flag and by O_NONBLOCK. */
TEST_F(frames, nonblock)
{
	take_all(self->allocator);
	EXPECT_EQ(-EAGAIN, alloc_frame(self->allocator, KSALLOC_NONBLOCK, 0));
	EXPECT_EQ(-EAGAIN, alloc_frame(self->allocator, KSALLOC_NONBLOCK,
				       in_ms(PATIENCE_MS)));
	ASSERT_EQ(0, fcntl(self->allocator, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, alloc_frame(self->allocator, 0, 0));
	EXPECT_EQ(-EAGAIN, alloc_frame(self->allocator, 0,
				       in_ms(PATIENCE_MS)));
	EXPECT_EQ(0, waiters(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 2));
	EXPECT_EQ(2, alloc_frame(self->allocator, 0, 0));
	ASSERT_EQ(0, fcntl(self->allocator, F_SETFL, 0));
	EXPECT_EQ(-ETIMEDOUT, alloc_frame(self->allocator, 0, in_ms(1)));
}

/* B2: a deadline ends the wait with ETIMEDOUT, and not before its time. */
TEST_F(frames, deadline)
{
	__u64 deadline;

	take_all(self->allocator);
	deadline = in_ms(100);
	EXPECT_EQ(-ETIMEDOUT, alloc_frame(self->allocator, 0, deadline));
	EXPECT_LE(deadline, now_ns());
	/* If it were used as a duration, the call would end at twice this time. */
	EXPECT_LT(now_ns(), deadline + deadline / 4 * 3);
	EXPECT_EQ(0, waiters(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	/* The call that timed out does not take a frame. */
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(FRAMES - 1, allocated(self->allocator));
	EXPECT_EQ(0, alloc_now(self->allocator));
}

/* B2: a deadline in the past matters only if no frame is free. */
TEST_F(frames, deadline_past)
{
	__u64 past = now_ns() - 1000000000;
	int i;

	for (i = 0; i < FRAMES; i++)
		EXPECT_LE(0, alloc_frame(self->allocator, 0, i ? past : 1));
	EXPECT_EQ(-ETIMEDOUT, alloc_frame(self->allocator, 0, past));
	EXPECT_EQ(-ETIMEDOUT, alloc_frame(self->allocator, 0, 1));
	EXPECT_EQ(0, waiters(self->allocator));
}

/* B2: the largest possible deadlines are in the future. */
TEST_F(frames, deadline_never)
{
	static const __u64 deadlines[] = {
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	};
	unsigned int i;

	take_all(self->allocator);
	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		struct ksalloc_alloc arg = {
			.size = sizeof(arg),
			.deadline_ns = deadlines[i],
		};
		struct call call;

		call_start(&call, self->allocator, KSALLOC_ALLOC, &arg);
		EXPECT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
		EXPECT_TRUE(call_waits(&call));
		ASSERT_EQ(0, free_frame(self->allocator, 3));
		EXPECT_EQ(0, call_result(&call));
		EXPECT_EQ(3, arg.index);
	}
}

/* B2, B3: a blocking ALLOC waits, and gets the frame that is freed. */
TEST_F(frames, wait_for_free)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF,
	};
	struct call call;
	int fd;

	take_all(self->allocator);
	call_start(&call, self->allocator, KSALLOC_ALLOC, &arg);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, free_frame(self->allocator, 2));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(2, arg.index);
	fd = export_frame(self->allocator, 2);
	ASSERT_LE(0, fd);
	EXPECT_EQ(inode_of(fd), inode_of(arg.dmabuf_fd));
	EXPECT_EQ(0, waiters(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* B3: waiting calls in threads are served in order. */
TEST_F(frames, fifo_threads)
{
	enum { WAITERS = 12 };
	struct ksalloc_alloc args[WAITERS];
	struct call calls[WAITERS];
	int i, j, index;

	take_all(self->allocator);
	for (i = 0; i < WAITERS; i++)
		start_waiter(&calls[i], &args[i], self->allocator, i + 1);
	for (i = 0; i < WAITERS; i++) {
		index = i * 7 % FRAMES;
		ASSERT_EQ(0, free_frame(self->allocator, index));
		EXPECT_EQ(0, call_result(&calls[i]));
		EXPECT_EQ(index, args[i].index);
		EXPECT_EQ(WAITERS - 1 - i, waiters(self->allocator));
		for (j = i + 1; j < WAITERS; j++)
			EXPECT_FALSE(calls[j].done);
	}
}

/* B3: the same for waiting calls in several processes and threads. */
TEST_F(frames, fifo_processes)
{
	enum { PAIRS = 4 };
	struct ksalloc_alloc args[PAIRS];
	struct call calls[PAIRS];
	struct agent agents[PAIRS];
	int i, index, theirs[PAIRS];

	/* Some share our open file, and some have their own. */
	for (i = 0; i < PAIRS; i++) {
		agent_start(&agents[i]);
		theirs[i] = i % 2 ? self->allocator :
				    agent_open(&agents[i], self->allocator);
	}
	take_all(self->allocator);
	for (i = 0; i < PAIRS; i++) {
		agent_begin_alloc(&agents[i], theirs[i]);
		ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 2 * i + 1));
		start_waiter(&calls[i], &args[i], self->allocator, 2 * i + 2);
	}
	for (i = 0; i < PAIRS; i++) {
		index = (2 * i) % FRAMES;
		ASSERT_EQ(0, free_frame(self->allocator, index));
		EXPECT_EQ(index, agent_end_alloc(&agents[i]));
		EXPECT_FALSE(calls[i].done);
		index = (2 * i + 1) % FRAMES;
		ASSERT_EQ(0, free_frame(self->allocator, index));
		EXPECT_EQ(0, call_result(&calls[i]));
		EXPECT_EQ(index, args[i].index);
	}
	EXPECT_EQ(0, waiters(self->allocator));
}

/*
 * B3: many frames that are freed together are given to as many waiting calls, and to no
 * others.
 */
TEST_F(frames, fifo_several_at_once)
{
	struct ksalloc_alloc args[FRAMES + 2];
	struct call calls[FRAMES + 2];
	int i;

	take_all(self->allocator);
	for (i = 0; i < FRAMES + 2; i++)
		start_waiter(&calls[i], &args[i], self->allocator, i + 1);
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, free_frame(self->allocator, i));
	for (i = 0; i < FRAMES; i++) {
		EXPECT_EQ(0, call_result(&calls[i]));
		EXPECT_EQ(i, args[i].index);
	}
	EXPECT_EQ(2, waiters(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	EXPECT_FALSE(calls[FRAMES].done);
	EXPECT_FALSE(calls[FRAMES + 1].done);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, call_result(&calls[FRAMES]));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, call_result(&calls[FRAMES + 1]));
}

/* B3: no later call overtakes a waiting one, however fast it is. */
TEST_F(frames, no_overtaking)
{
	struct ksalloc_alloc arg;
	struct call call;
	int round;

	take_all(self->allocator);
	for (round = 0; round < 100; round++) {
		start_waiter(&call, &arg, self->allocator, 1);
		ASSERT_EQ(0, free_frame(self->allocator, round % FRAMES));
		ASSERT_EQ(-EAGAIN, alloc_now(self->allocator));
		ASSERT_EQ(-ETIMEDOUT, alloc_frame(self->allocator, 0, 1));
		ASSERT_EQ(0, call_result(&call));
		ASSERT_EQ(round % FRAMES, arg.index);
	}
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

static atomic_int handled;

static void handler(int signal)
{
	(void)signal;
	handled++;
}

static void handle(int signal, int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	handled = 0;
	ASSERT_EQ(0, sigaction(signal, &action, NULL));
}

/* B4: a signal ends the wait with EINTR; the call is not in the queue any more. */
TEST_F(frames, signal)
{
	struct ksalloc_alloc arg;
	struct call call;

	handle(SIGUSR1, 0);
	take_all(self->allocator);
	start_waiter(&call, &arg, self->allocator, 1);
	ASSERT_TRUE(call_waits(&call));
	pthread_kill(call.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, call_result(&call));
	EXPECT_EQ(1, handled);
	EXPECT_EQ(0, waiters(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(1, alloc_now(self->allocator));
}

/* B4: with SA_RESTART the call waits again, and is served. */
TEST_F(frames, signal_restart)
{
	struct ksalloc_alloc arg;
	struct call call;
	int i;

	handle(SIGUSR1, SA_RESTART);
	take_all(self->allocator);
	start_waiter(&call, &arg, self->allocator, 1);
	for (i = 1; i <= 3; i++) {
		ASSERT_TRUE(call_waits(&call));
		pthread_kill(call.thread, SIGUSR1);
		ASSERT_TRUE(EVENTUALLY(handled == i));
	}
	ASSERT_TRUE(call_waits(&call));
	EXPECT_EQ(1, waiters(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(1, arg.index);
}

/* B4: a restarted call waits as the last in the queue. */
TEST_F(frames, signal_restart_order)
{
	struct ksalloc_alloc args[2];
	struct call calls[2];

	handle(SIGUSR1, SA_RESTART);
	take_all(self->allocator);
	start_waiter(&calls[0], &args[0], self->allocator, 1);
	start_waiter(&calls[1], &args[1], self->allocator, 2);
	ASSERT_TRUE(call_waits(&calls[0]));
	pthread_kill(calls[0].thread, SIGUSR1);
	ASSERT_TRUE(EVENTUALLY(handled == 1));
	ASSERT_TRUE(call_waits(&calls[0]));
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 2));
	ASSERT_EQ(0, free_frame(self->allocator, 3));
	EXPECT_EQ(0, call_result(&calls[1]));
	EXPECT_EQ(3, args[1].index);
	EXPECT_FALSE(calls[0].done);
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, call_result(&calls[0]));
	EXPECT_EQ(1, args[0].index);
}

/* B4: a restarted call keeps its deadline. */
TEST_F(frames, signal_restart_deadline)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct call call;

	handle(SIGUSR1, SA_RESTART);
	take_all(self->allocator);
	arg.deadline_ns = in_ms(300);
	call_start(&call, self->allocator, KSALLOC_ALLOC, &arg);
	ASSERT_TRUE(call_waits(&call));
	pthread_kill(call.thread, SIGUSR1);
	EXPECT_EQ(-ETIMEDOUT, call_result(&call));
	EXPECT_LE(arg.deadline_ns, now_ns());
	EXPECT_EQ(1, handled);
}

/* B4: a process that is stopped and continued still waits. */
TEST_F(frames, stop_and_continue)
{
	struct agent agent;

	agent_start(&agent);
	take_all(self->allocator);
	agent_begin_alloc(&agent, self->allocator);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_EQ(0, kill(agent.pid, SIGSTOP));
	sleep_ms(20);
	ASSERT_EQ(0, kill(agent.pid, SIGCONT));
	ASSERT_TRUE(agent_waits(&agent));
	EXPECT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_EQ(0, free_frame(self->allocator, 3));
	EXPECT_EQ(3, agent_end_alloc(&agent));
}

/* B4: when a waiting call is interrupted, the frame is given to the next one. */
TEST_F(frames, signal_next_in_line)
{
	struct ksalloc_alloc args[3];
	struct call calls[3];
	int i;

	handle(SIGUSR1, 0);
	take_all(self->allocator);
	for (i = 0; i < 3; i++)
		start_waiter(&calls[i], &args[i], self->allocator, i + 1);
	ASSERT_TRUE(call_waits(&calls[0]));
	pthread_kill(calls[0].thread, SIGUSR1);
	EXPECT_EQ(-EINTR, call_result(&calls[0]));
	EXPECT_EQ(2, waiters(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, call_result(&calls[1]));
	EXPECT_FALSE(calls[2].done);
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, call_result(&calls[2]));
}

/* B4: when a waiting process is killed, the frame is given to the next call. */
TEST_F(frames, killed_waiter)
{
	struct agent first, second;

	agent_start(&first);
	agent_start(&second);
	take_all(self->allocator);
	agent_begin_alloc(&first, self->allocator);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	agent_begin_alloc(&second, agent_open(&second, self->allocator));
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 2));
	agent_kill(&first);
	EXPECT_EQ(1, waiters(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, agent_end_alloc(&second));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* B4: a signal and a freed frame at the same time: no frame is lost. */
TEST_F_TIMEOUT(frames, signal_races_free, 60)
{
	int rounds = remote_is_on() ? 40 : 200;
	int round, served = 0;

	handle(SIGUSR1, 0);
	for (round = 0; round < rounds; round++) {
		struct ksalloc_alloc arg;
		struct call call;
		int result;

		take_all(self->allocator);
		start_waiter(&call, &arg, self->allocator, 1);
		if (round % 2) {
			pthread_kill(call.thread, SIGUSR1);
			ASSERT_EQ(0, free_frame(self->allocator, 0));
		} else {
			ASSERT_EQ(0, free_frame(self->allocator, 0));
			pthread_kill(call.thread, SIGUSR1);
		}
		result = call_result(&call);
		if (result)
			ASSERT_EQ(-EINTR, result);
		else
			served++;
		ASSERT_EQ(result ? FRAMES - 1 : FRAMES,
			  allocated(self->allocator));
		ASSERT_EQ(0, waiters(self->allocator));
	}
	harness_note("served %d times of %d", served, round);
}

/* B4: a deadline and a freed frame at the same time: no frame is lost. */
TEST_F_TIMEOUT(frames, deadline_races_free, 60)
{
	int round, served = 0;

	for (round = 0; round < 100; round++) {
		struct ksalloc_alloc arg = { .size = sizeof(arg) };
		struct call call;
		int result;

		take_all(self->allocator);
		arg.deadline_ns = in_ms(6);
		call_start(&call, self->allocator, KSALLOC_ALLOC, &arg);
		while (now_ns() + round * 1000 < arg.deadline_ns)
			;
		ASSERT_EQ(0, free_frame(self->allocator, 0));
		result = call_result(&call);
		if (result)
			ASSERT_EQ(-ETIMEDOUT, result);
		else
			served++;
		ASSERT_EQ(result ? FRAMES - 1 : FRAMES,
			  allocated(self->allocator));
		ASSERT_EQ(0, waiters(self->allocator));
	}
	harness_note("served %d times of %d", served, round);
}
