// SPDX-License-Identifier: GPL-2.0-only
/*
 * An allocator's frames: ALLOC, FREE, EXPORT and poll, who waits and in which order,
 * and whose a frame is.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE 4096
#define FRAMES 4

/* An allocator of FRAMES frames: for what is done with it */
FIXTURE(frames) {
	struct rig rig;
	int allocator;
};

FIXTURE_SETUP(frames)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->allocator = self->rig.allocator;
}

FIXTURE_TEARDOWN(frames)
{
	rig_close(&self->rig);
}

static void take_all(int allocator)
{
	while (alloc_now(allocator) >= 0)
		;
	ASSERT_EQ(FRAMES, allocated(allocator));
}

static void start_alloc(struct call *call, struct ksalloc_alloc *arg,
			int allocator)
{
	*arg = (struct ksalloc_alloc){ .size = sizeof(*arg) };
	call_start(call, allocator, KSALLOC_ALLOC, arg);
}

/* Start an ALLOC that has to wait, as number n of those that do. */
static void start_waiter(struct call *call, struct ksalloc_alloc *arg,
			 int allocator, int n)
{
	start_alloc(call, arg, allocator);
	ASSERT_TRUE(EVENTUALLY(waiters(allocator) == n));
}

static void begin_alloc(struct agent *agent, int allocator)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };

	agent_begin(agent, allocator, KSALLOC_ALLOC, &arg, sizeof(arg));
}

static int end_alloc(struct agent *agent)
{
	struct ksalloc_alloc arg;
	int err = agent_end(agent, &arg, sizeof(arg));

	return err ? err : (int)arg.index;
}

/* B1: each frame once, and no more than there are. */
TEST_F(frames, alloc_all)
{
	bool seen[FRAMES] = { false };
	int i, index;

	for (i = 0; i < FRAMES; i++) {
		EXPECT_EQ(i, allocated(self->allocator));
		index = alloc_now(self->allocator);
		ASSERT_LE(0, index);
		ASSERT_GT(FRAMES, index);
		EXPECT_FALSE(seen[index]);
		seen[index] = true;
	}
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(0, free_frame(self->allocator, i));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_LE(0, alloc_now(self->allocator));
}

/* B1: ALLOC gives a dma-buf where it was asked for, and -1 where not. */
TEST_F(frames, alloc_dmabuf)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF,
		.dmabuf_fd = 77,
	};
	struct ksalloc_status status = { 0 };
	int fds = count_fds();

	ASSERT_EQ(0, get_status(self->allocator, &status));
	ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
	ASSERT_LE(0, arg.dmabuf_fd);
	EXPECT_EQ(fds + 1, count_fds());
	EXPECT_EQ(FD_CLOEXEC, fcntl(arg.dmabuf_fd, F_GETFD));
	EXPECT_EQ(status.frame_bytes, lseek(arg.dmabuf_fd, 0, SEEK_END));
	close(arg.dmabuf_fd);

	arg.flags = 0;
	arg.dmabuf_fd = 77;
	ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
	EXPECT_EQ(-1, arg.dmabuf_fd);
	EXPECT_EQ(fds, count_fds());
}

/* A4: ALLOC with no descriptor left for the dma-buf keeps no frame. */
TEST_F(frames, alloc_dmabuf_no_descriptor)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF,
	};
	struct rlimit limit;
	rlim_t before;
	int top = dup(self->rig.heap), alloc, export;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	before = limit.rlim_cur;
	limit.rlim_cur = top + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	alloc = call_fd(self->allocator, KSALLOC_ALLOC, &arg);
	export = export_frame(self->allocator, 0);
	limit.rlim_cur = before;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, alloc);
	EXPECT_EQ(-EMFILE, export);
	EXPECT_EQ(0, allocated(self->allocator));
	take_all(self->allocator);
}

/* The frame that has been free the longest is given out first. */
TEST_F(frames, longest_free_first)
{
	int i;

	take_all(self->allocator);
	for (i = FRAMES - 1; i >= 0; i--)
		ASSERT_EQ(0, free_frame(self->allocator, i));
	for (i = FRAMES - 1; i >= 0; i--) {
		struct ksalloc_alloc arg = { .size = sizeof(arg) };

		ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
		EXPECT_EQ(i, (int)arg.index);
	}
}

/*
 * A4: ALLOC that finds no frame keeps no number of a descriptor either: the next
 * descriptor gets the number that it would have got before.
 */
TEST_F(frames, alloc_dmabuf_failed)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF | KSALLOC_NONBLOCK,
	};
	int before, after;

	take_all(self->allocator);
	before = dup(self->rig.heap);
	ASSERT_LE(0, before);
	ASSERT_EQ(0, close(before));
	EXPECT_EQ(-EAGAIN, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
	after = dup(self->rig.heap);
	EXPECT_EQ(before, after);
	close(after);
}

/* B6: a frame is the same dma-buf each time, by ALLOC and by EXPORT. */
TEST_F(frames, dmabuf_identity)
{
	unsigned long long inodes[FRAMES];
	int i, j, round, fd;

	for (i = 0; i < FRAMES; i++) {
		fd = export_frame(self->allocator, i);
		ASSERT_LE(0, fd);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		inodes[i] = inode_of(fd);
		close(fd);
		for (j = 0; j < i; j++)
			EXPECT_NE(inodes[j], inodes[i]);
	}
	for (round = 0; round < 3 * FRAMES; round++) {
		struct ksalloc_alloc arg = {
			.size = sizeof(arg),
			.flags = KSALLOC_ALLOC_DMABUF,
		};

		ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
		EXPECT_EQ(inodes[arg.index], inode_of(arg.dmabuf_fd));
		close(arg.dmabuf_fd);
		fd = export_frame(self->allocator, arg.index);
		ASSERT_LE(0, fd);
		EXPECT_EQ(inodes[arg.index], inode_of(fd));
		close(fd);
		ASSERT_EQ(0, free_frame(self->allocator, arg.index));
	}
}

/* B6: what is in a frame stays there over FREE and ALLOC. */
TEST_F(frames, content_persists)
{
	struct ksalloc_status status = { 0 };
	__u32 *maps[FRAMES];
	int i, fd, index;

	ASSERT_EQ(0, get_status(self->allocator, &status));
	for (i = 0; i < FRAMES; i++) {
		fd = export_frame(self->allocator, i);
		ASSERT_LE(0, fd);
		maps[i] = map_frame(fd, status.frame_bytes,
				    PROT_READ | PROT_WRITE);
		close(fd);
		/* New memory has nothing of anybody's in it. */
		EXPECT_EQ(0, maps[i][0]);
		EXPECT_EQ(0, maps[i][status.frame_bytes / 4 - 1]);
	}
	take_all(self->allocator);
	for (i = 0; i < FRAMES; i++) {
		maps[i][0] = 0x1000 + i;
		maps[i][status.frame_bytes / 4 - 1] = 0x2000 + i;
		EXPECT_EQ(0, free_frame(self->allocator, i));
	}
	for (i = 0; i < FRAMES; i++) {
		__u32 *map;

		index = alloc_now(self->allocator);
		ASSERT_LE(0, index);
		fd = export_frame(self->allocator, index);
		ASSERT_LE(0, fd);
		map = map_frame(fd, status.frame_bytes, PROT_READ);
		EXPECT_EQ(0x1000 + index, map[0]);
		EXPECT_EQ(0x2000 + index, map[status.frame_bytes / 4 - 1]);
		maps[index][1] = 0x3000 + index;
		EXPECT_EQ(0x3000 + index, map[1]);
		close(fd);
	}
}

/* EXPORT gives any frame, free or allocated, and refuses other indexes. */
TEST_F(frames, export_range)
{
	static const __u32 wrong[] = {
		FRAMES, FRAMES + 1, 1024, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	int fds = count_fds(), index, fd, i;

	index = alloc_now(self->allocator);
	ASSERT_LE(0, index);
	for (i = 0; i < FRAMES; i++) {
		fd = export_frame(self->allocator, i);
		EXPECT_LE(0, fd);
		close(fd);
	}
	for (i = 0; i < (int)ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, export_frame(self->allocator, wrong[i]));
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(1, allocated(self->allocator));
}

/* B7: a frame's memory lives as long as somebody has it, and no longer. */
TEST_F(frames, dmabuf_outlives_allocator)
{
	int before = count_dmabufs() - FRAMES;
	int fd = export_frame(self->allocator, 1);
	char *map;

	ASSERT_LE(0, fd);
	map = map_frame(fd, PAGE, PROT_READ | PROT_WRITE);
	map[0] = 42;
	rig_close(&self->rig);
	memset(&self->rig, 0, sizeof(self->rig));
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before + 1));
	EXPECT_EQ(42, map[0]);
	close(fd);
	EXPECT_EQ(42, map[0]);
	munmap(map, PAGE);
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before));
}

/* B5: a second FREE is refused and changes nothing. */
TEST_F(frames, double_free)
{
	int index = alloc_now(self->allocator);
	int other = alloc_now(self->allocator);

	ASSERT_LE(0, index);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, free_frame(self->allocator, index));
	EXPECT_EQ(-EINVAL, free_frame(self->allocator, index));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(0, free_frame(self->allocator, other));
	EXPECT_EQ(-EINVAL, free_frame(self->allocator, other));
	EXPECT_EQ(0, allocated(self->allocator));
	/* No frame is there twice. */
	take_all(self->allocator);
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
}

/* B5: a frame that was never allocated is not freed. */
TEST_F(frames, free_of_a_free_frame)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(-EINVAL, free_frame(self->allocator, i));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* B5: an index out of range is refused. */
TEST_F(frames, free_out_of_range)
{
	static const __u32 wrong[] = {
		FRAMES, FRAMES + 1, 1024, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	unsigned int i;

	take_all(self->allocator);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, free_frame(self->allocator, wrong[i]));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* B5: another allocator's frame is not freed by its index here. */
TEST_F(frames, free_foreign)
{
	int other = create_allocator(self->rig.connection, self->rig.heap,
				     FRAMES + 2, 0);
	int i;

	ASSERT_LE(0, other);
	for (i = 0; i < FRAMES + 2; i++)
		ASSERT_LE(0, alloc_now(other));
	for (i = 0; i < FRAMES + 2; i++)
		EXPECT_EQ(-EINVAL, free_frame(self->allocator, i));
	EXPECT_EQ(FRAMES + 2, allocated(other));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* B5: a frame in the device's hands is neither freed nor given away. */
TEST_F(frames, free_in_device)
{
	int index = alloc_now(self->allocator), i;

	ASSERT_LE(0, index);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(self->rig.connection, index));
	EXPECT_EQ(-EBUSY, free_frame(self->allocator, index));
	EXPECT_EQ(1, in_device(self->allocator));
	EXPECT_EQ(1, allocated(self->allocator));
	for (i = 0; i < FRAMES - 1; i++)
		EXPECT_NE(index, alloc_now(self->allocator));
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
	EXPECT_EQ(-EBUSY, free_frame(self->allocator, index));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EINVAL, free_frame(self->allocator, index));
}

/* FREE takes an allocated frame, whoever allocated it. */
TEST_F(frames, free_by_another_process)
{
	struct ksalloc_free arg = { .size = sizeof(arg) };
	struct agent agent;
	int index;

	agent_start(&agent);
	index = alloc_now(self->allocator);
	ASSERT_LE(0, index);
	arg.index = index;
	EXPECT_EQ(0, agent_call(&agent, self->allocator, KSALLOC_FREE, &arg,
				sizeof(arg)));
	EXPECT_EQ(0, allocated(self->allocator));
	index = agent_alloc(&agent, self->allocator);
	ASSERT_LE(0, index);
	EXPECT_EQ(0, free_frame(self->allocator, index));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* B2: with no frame free, NONBLOCK gets EAGAIN, by flag and by O_NONBLOCK. */
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
	/* Taken for a duration, it would have ended at twice this time. */
	EXPECT_LT(now_ns(), deadline + deadline / 4 * 3);
	EXPECT_EQ(0, waiters(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	/* The wait that was given up takes no frame. */
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(FRAMES - 1, allocated(self->allocator));
	EXPECT_EQ(0, alloc_now(self->allocator));
}

/* B2: a deadline in the past matters only where there is no frame. */
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

/* B2: the latest deadlines that there are lie in the future. */
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

/* B3: waiters in threads are served in the order in which they came. */
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

/* B3: the same for waiters in several processes, mixed with threads. */
TEST_F(frames, fifo_processes)
{
	enum { PAIRS = 4 };
	struct ksalloc_alloc args[PAIRS];
	struct call calls[PAIRS];
	struct agent agents[PAIRS];
	int i, index;

	for (i = 0; i < PAIRS; i++)
		agent_start(&agents[i]);
	take_all(self->allocator);
	for (i = 0; i < PAIRS; i++) {
		begin_alloc(&agents[i], self->allocator);
		ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 2 * i + 1));
		start_waiter(&calls[i], &args[i], self->allocator, 2 * i + 2);
	}
	for (i = 0; i < PAIRS; i++) {
		index = (2 * i) % FRAMES;
		ASSERT_EQ(0, free_frame(self->allocator, index));
		EXPECT_EQ(index, end_alloc(&agents[i]));
		EXPECT_FALSE(calls[i].done);
		index = (2 * i + 1) % FRAMES;
		ASSERT_EQ(0, free_frame(self->allocator, index));
		EXPECT_EQ(0, call_result(&calls[i]));
		EXPECT_EQ(index, args[i].index);
	}
	EXPECT_EQ(0, waiters(self->allocator));
}

/* B3: many frames freed at once go to as many waiters, and to no others. */
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

/* B3: no newcomer overtakes a waiter, however fast he is. */
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

/* B4: a signal ends the wait with EINTR; the waiter is gone from the queue. */
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

/* B4: under SA_RESTART the call goes on waiting, and is served. */
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

/* B4: a process that is stopped and continued goes on waiting. */
TEST_F(frames, stop_and_continue)
{
	struct agent agent;

	agent_start(&agent);
	take_all(self->allocator);
	begin_alloc(&agent, self->allocator);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_EQ(0, kill(agent.pid, SIGSTOP));
	sleep_ms(20);
	ASSERT_EQ(0, kill(agent.pid, SIGCONT));
	ASSERT_TRUE(agent_waits(&agent));
	EXPECT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_EQ(0, free_frame(self->allocator, 3));
	EXPECT_EQ(3, end_alloc(&agent));
}

/* B4: when a waiter is interrupted the frame goes to the next in line. */
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

/* B4: when a waiter is killed the frame goes to the next in line. */
TEST_F(frames, killed_waiter)
{
	struct agent first, second;

	agent_start(&first);
	agent_start(&second);
	take_all(self->allocator);
	begin_alloc(&first, self->allocator);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	begin_alloc(&second, self->allocator);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 2));
	agent_kill(&first);
	EXPECT_EQ(1, waiters(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, end_alloc(&second));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* B4: a signal and a freed frame at the same time: no frame is lost. */
TEST_F_TIMEOUT(frames, signal_races_free, 60)
{
	int round, served = 0;

	handle(SIGUSR1, 0);
	for (round = 0; round < 200; round++) {
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

/* B4: closing the process's last descriptor ends its waits: ECANCELED. */
TEST_F(frames, close_cancels)
{
	struct ksalloc_alloc args[2];
	struct call calls[2];
	struct agent agent;
	int i;

	agent_start(&agent);
	take_all(self->allocator);
	for (i = 0; i < 2; i++)
		start_waiter(&calls[i], &args[i], self->allocator, i + 1);
	begin_alloc(&agent, self->allocator);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 3));
	close(self->allocator);
	self->rig.allocator = 0;
	for (i = 0; i < 2; i++)
		EXPECT_EQ(-ECANCELED, call_result(&calls[i]));
	/* Our frames came back, and the other process is the next in line. */
	EXPECT_LE(0, end_alloc(&agent));
}

/* B4: nobody else's wait is ended by that. */
TEST_F(frames, close_cancels_own_waits_only)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct agent holder, waiter;
	int i;

	agent_start(&holder);
	agent_start(&waiter);
	for (i = 0; i < FRAMES; i++)
		ASSERT_LE(0, agent_alloc(&holder, self->allocator));
	agent_begin(&waiter, self->allocator, KSALLOC_ALLOC, &arg,
		    sizeof(arg));
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	close(self->allocator);
	self->rig.allocator = 0;
	EXPECT_TRUE(agent_waits(&waiter));
	agent_kill(&holder);
	EXPECT_LE(0, end_alloc(&waiter));
}

/* B4: closing one of two descriptors cancels nothing. */
TEST_F(frames, close_of_a_dup_cancels_nothing)
{
	struct ksalloc_alloc arg;
	struct call call;
	int other = dup(self->allocator);

	take_all(self->allocator);
	start_waiter(&call, &arg, self->allocator, 1);
	close(other);
	EXPECT_TRUE(call_waits(&call));
	EXPECT_EQ(1, waiters(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, call_result(&call));
}

/* E1: poll says EPOLLIN while a frame is free, and only then. */
TEST_F(frames, poll)
{
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, 0));
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, 0));
	take_all(self->allocator);
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 20));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, 0));
}

static void *free_later(void *data)
{
	const int *allocator = data;

	sleep_ms(50);
	free_frame(*allocator, 1);
	return NULL;
}

/* E1: poll, select and epoll that wait are woken by a freed frame. */
TEST_F(frames, poll_wakes)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int epoll = epoll_create1(0);
	pthread_t thread;
	fd_set set;

	take_all(self->allocator);
	ASSERT_EQ(0, pthread_create(&thread, NULL, free_later,
				    &self->allocator));
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, PATIENCE_MS));
	pthread_join(thread, NULL);

	ASSERT_EQ(1, alloc_now(self->allocator));
	ASSERT_EQ(0, pthread_create(&thread, NULL, free_later,
				    &self->allocator));
	FD_ZERO(&set);
	FD_SET(self->allocator, &set);
	EXPECT_EQ(1, select(self->allocator + 1, &set, NULL, NULL, &patience));
	pthread_join(thread, NULL);

	ASSERT_EQ(1, alloc_now(self->allocator));
	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->allocator, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, free_later,
				    &self->allocator));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE_MS));
	EXPECT_EQ(EPOLLIN, event.events);
	pthread_join(thread, NULL);
}

/* E1: edge-triggered epoll reports each frame that becomes free. */
TEST_F(frames, epoll_edges)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0), i;

	take_all(self->allocator);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->allocator, &event));
	for (i = 0; i < FRAMES; i++) {
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		ASSERT_EQ(0, free_frame(self->allocator, i));
		EXPECT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE_MS));
	}
}

/* E1: a frame that goes straight to a waiter was never free for a poller. */
TEST_F(frames, poll_beside_waiter)
{
	struct ksalloc_alloc arg;
	struct call call;

	take_all(self->allocator);
	start_waiter(&call, &arg, self->allocator, 1);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
}

/* E1: frames that come back from a dead process wake pollers as well. */
TEST_F(frames, poll_wakes_on_death)
{
	struct agent agent;

	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	take_all(self->allocator);
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
	agent_kill(&agent);
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, PATIENCE_MS));
}

/* B7: what a process held when it was killed comes back, and only that. */
TEST_F(frames, killed_process)
{
	struct agent agent;
	int ours, theirs;

	agent_start(&agent);
	ours = alloc_now(self->allocator);
	ASSERT_LE(0, ours);
	theirs = agent_alloc(&agent, self->allocator);
	ASSERT_LE(0, theirs);
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	EXPECT_EQ(3, allocated(self->allocator));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 1));
	EXPECT_EQ(-EINVAL, free_frame(self->allocator, theirs));
	EXPECT_EQ(0, free_frame(self->allocator, ours));
}

/* B7: the same where the process had several descriptors of the allocator. */
TEST_F(frames, killed_process_with_dups)
{
	struct agent agent;

	agent_start(&agent);
	ASSERT_LE(0, agent_dup(&agent, self->allocator));
	ASSERT_LE(0, agent_dup(&agent, self->allocator));
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
}

/* B7: a process that exits gives its frames back, too. */
TEST_F(frames, exited_process)
{
	struct agent agent;

	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	EXPECT_EQ(1, allocated(self->allocator));
	agent_exit(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
}

/* B7: so does one that becomes another program: the file closes on exec. */
TEST_F(frames, exec)
{
	struct agent agent;

	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	agent_exec(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
	EXPECT_EQ(0, kill(agent.pid, 0));
}

/* B7: the same with a descriptor that was passed over a UNIX socket. */
TEST_F(frames, killed_process_passed_descriptor)
{
	struct agent agent;
	int theirs, allocator;

	agent_start(&agent);
	allocator = create_allocator(self->rig.connection, self->rig.heap,
				     FRAMES, 0);
	ASSERT_LE(0, allocator);
	theirs = agent_pass(&agent, allocator);
	ASSERT_LE(0, theirs);
	ASSERT_LE(0, agent_alloc(&agent, theirs));
	ASSERT_LE(0, agent_alloc(&agent, theirs));
	ASSERT_LE(0, alloc_now(allocator));
	EXPECT_EQ(3, allocated(allocator));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(allocator) == 1));
}

/* B7: frames of a dead process go to who waits for them. */
TEST_F(frames, killed_process_serves_waiter)
{
	struct ksalloc_alloc arg;
	struct agent agent;
	struct call call;
	int index;

	agent_start(&agent);
	index = agent_alloc(&agent, self->allocator);
	ASSERT_LE(0, index);
	take_all(self->allocator);
	start_waiter(&call, &arg, self->allocator, 1);
	agent_kill(&agent);
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(index, arg.index);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* B7: closing the last descriptor in a process returns that process's frames. */
TEST_F(frames, close_returns_frames)
{
	struct agent agent;

	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	ASSERT_LE(0, alloc_now(self->allocator));
	EXPECT_EQ(2, allocated(self->allocator));
	EXPECT_EQ(0, agent_close(&agent, self->allocator));
	EXPECT_EQ(1, allocated(self->allocator));
}

/* B7: closing one of two descriptors does not; closing the other one does. */
TEST_F(frames, close_of_a_dup_returns_nothing)
{
	struct agent agent;
	int other;

	agent_start(&agent);
	other = agent_dup(&agent, self->allocator);
	ASSERT_LE(0, other);
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	EXPECT_EQ(0, agent_close(&agent, self->allocator));
	EXPECT_EQ(1, allocated(self->allocator));
	ASSERT_LE(0, agent_alloc(&agent, other));
	EXPECT_EQ(2, allocated(self->allocator));
	EXPECT_EQ(0, agent_close(&agent, other));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* B7: descriptors replaced by dup2() or closed by range are closed, too. */
TEST_F(frames, other_ways_to_close)
{
	int other, null = open("/dev/null", O_RDWR);
	struct agent agent;

	/* Somebody else keeps the allocator. */
	agent_start(&agent);
	other = dup(self->allocator);
	ASSERT_LE(0, other);
	ASSERT_LE(0, alloc_now(self->allocator));
	ASSERT_EQ(self->allocator, dup2(null, self->allocator));
	EXPECT_EQ(1, allocated(other));
	ASSERT_EQ(0, close_range(self->allocator, self->allocator, 0));
	self->rig.allocator = 0;
	ASSERT_EQ(self->allocator, dup2(other, self->allocator));
	close(other);
	EXPECT_EQ(1, allocated(self->allocator));

	ASSERT_EQ(self->allocator, dup2(null, self->allocator));
	/* The agent has it by the same number. */
	{
		struct ksalloc_status status = { .size = sizeof(status) };

		ASSERT_EQ(0, agent_call(&agent, self->allocator,
					KSALLOC_STATUS, &status,
					sizeof(status)));
		EXPECT_EQ(0, status.status.allocated_frames);
	}
}

/* B7: a child that ends, having allocated nothing, takes nothing from us. */
TEST_F(frames, child_takes_nothing)
{
	struct agent agent;

	ASSERT_LE(0, alloc_now(self->allocator));
	agent_start(&agent);
	ASSERT_LE(0, alloc_now(self->allocator));
	EXPECT_EQ(0, agent_close(&agent, self->allocator));
	EXPECT_EQ(2, allocated(self->allocator));
	agent_exit(&agent);
	sleep_ms(20);
	EXPECT_EQ(2, allocated(self->allocator));
}

/* B7: a frame belongs to who got it last, not to who had it once. */
TEST_F(frames, ownership_moves)
{
	struct agent agent;
	int index;

	agent_start(&agent);
	index = agent_alloc(&agent, self->allocator);
	ASSERT_LE(0, index);
	ASSERT_EQ(0, free_frame(self->allocator, index));
	take_all(self->allocator);
	agent_kill(&agent);
	sleep_ms(20);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	EXPECT_EQ(0, free_frame(self->allocator, index));
}

/* G1: frames go round between processes; none is lost, none is doubled. */
TEST_F_TIMEOUT(frames, passed_around, 60)
{
	struct agent agents[2];
	int round, i, index;

	for (i = 0; i < 2; i++)
		agent_start(&agents[i]);
	for (round = 0; round < 50; round++) {
		bool seen[FRAMES] = { false };

		for (i = 0; i < FRAMES; i++) {
			index = agent_alloc(&agents[i % 2], self->allocator);
			ASSERT_LE(0, index);
			ASSERT_FALSE(seen[index]);
			seen[index] = true;
		}
		ASSERT_EQ(-EAGAIN, agent_alloc(&agents[0], self->allocator));
		for (i = 0; i < FRAMES; i++)
			ASSERT_EQ(0, free_frame(self->allocator, i));
	}
	EXPECT_EQ(0, allocated(self->allocator));
}
