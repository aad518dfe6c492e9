// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files of an allocator: KSALLOC_ALLOCATOR_OPEN, and when the frames of an open file
 * become free. reopen.c tests open files of a connection, cancel.c calls that end a wait.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "passing.h"

#define FRAMES 4

/* A second open file of the same allocator is another client. */
FIXTURE(open) {
	struct rig rig;
	int first, second;
};

FIXTURE_SETUP(open)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	/* The connection would keep the allocator. */
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	self->first = self->rig.allocator;
	self->second = allocator_open(self->first);
	ASSERT_LE(0, self->second);
}

FIXTURE_TEARDOWN(open)
{
	if (self->second > 0)
		close(self->second);
	rig_close(&self->rig);
}

static void close_first(struct open_fixture *self)
{
	ASSERT_EQ(0, close(self->first));
	self->rig.allocator = 0;
}

static void close_second(struct open_fixture *self)
{
	ASSERT_EQ(0, close(self->second));
	self->second = 0;
}

static void expect_same_info(int fd, int other, const char *key)
{
	char value[64] = "", same[64] = "?";

	EXPECT_TRUE(fdinfo_value(fd, key, value, sizeof(value)));
	EXPECT_TRUE(fdinfo_value(other, key, same, sizeof(same)));
	EXPECT_STREQ(value, same);
}

/* OPEN returns a new descriptor, close-on-exec, of the same allocator. */
TEST_F(open, descriptor)
{
	struct ksalloc_status first = { 0 }, second = { 0 };
	int third;

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->second, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(self->second, F_GETFL) & O_ACCMODE);
	expect_same_info(self->first, self->second, "id");
	ASSERT_EQ(0, alloc_now(self->second));
	ASSERT_EQ(0, get_status(self->first, &first));
	ASSERT_EQ(0, get_status(self->second, &second));
	EXPECT_EQ(0, memcmp(&first, &second, sizeof(first)));
	EXPECT_EQ(1, allocated(self->first));
	/* The new file can be opened again as well. */
	third = allocator_open(self->second);
	ASSERT_LE(0, third);
	expect_same_info(self->first, third, "id");
	close(third);
}

/* B6: each open file exports the same dma-buf for a frame. */
TEST_F(open, same_dmabuf)
{
	int dmabuf, other, i;

	for (i = 0; i < FRAMES; i++) {
		dmabuf = export_frame(self->first, i);
		other = export_frame(self->second, i);
		EXPECT_EQ(inode_of(dmabuf), inode_of(other));
		close(dmabuf);
		close(other);
	}
}

/* B2: each open file has its own O_NONBLOCK. */
TEST_F(open, nonblock)
{
	take_all(self->first);
	ASSERT_EQ(0, fcntl(self->second, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, alloc_frame(self->second, 0, in_ms(PATIENCE_MS)));
	EXPECT_EQ(-ETIMEDOUT, alloc_frame(self->first, 0, in_ms(1)));
}

/* B7: closing an open file frees the frames that it holds, and no others. */
TEST_F(open, close_returns_its_frames)
{
	ASSERT_EQ(0, alloc_now(self->first));
	ASSERT_EQ(1, alloc_now(self->second));
	ASSERT_EQ(2, alloc_now(self->second));
	close_second(self);
	EXPECT_EQ(1, allocated(self->first));
	EXPECT_EQ(-EINVAL, free_frame(self->first, 1));
	EXPECT_EQ(0, free_frame(self->first, 0));
}

/* B7: the open file that CREATE_ALLOCATOR returned is not special. */
TEST_F(open, close_of_the_first)
{
	ASSERT_EQ(0, alloc_now(self->first));
	ASSERT_EQ(1, alloc_now(self->second));
	close_first(self);
	EXPECT_EQ(1, allocated(self->second));
	EXPECT_EQ(0, free_frame(self->second, 1));
}

/* B7: the allocator and its memory end when the last open file is closed. */
TEST_F(open, last_close)
{
	int before = count_dmabufs();

	close_first(self);
	EXPECT_EQ(before, count_dmabufs());
	ASSERT_EQ(0, alloc_now(self->second));
	EXPECT_EQ(before, count_dmabufs());
	close_second(self);
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before - FRAMES));
}

/* B7, D5: a connection keeps the assigned allocator, but holds no frames for clients. */
TEST_F(open, assigned)
{
	int before = count_dmabufs();

	ASSERT_EQ(0, set_allocator(self->rig.connection, self->second));
	ASSERT_EQ(0, alloc_now(self->second));
	close_second(self);
	EXPECT_EQ(0, allocated(self->first));
	close_first(self);
	EXPECT_EQ(before, count_dmabufs());
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before - FRAMES));
}

/* B7: dup() does not make an open file. The last close() ends the client. */
TEST_F(open, duplicate)
{
	int copy = dup(self->second);

	ASSERT_LE(0, copy);
	ASSERT_EQ(0, alloc_now(self->second));
	ASSERT_EQ(1, alloc_now(copy));
	close_second(self);
	EXPECT_EQ(2, allocated(self->first));
	ASSERT_EQ(0, close(copy));
	EXPECT_EQ(0, allocated(self->first));
}

/* B7: dup2() over a descriptor and close_range() close it as well. */
TEST_F(open, other_ways_to_close)
{
	int null = open("/dev/null", O_RDWR);

	ASSERT_EQ(0, alloc_now(self->second));
	ASSERT_EQ(self->second, dup2(null, self->second));
	EXPECT_EQ(0, allocated(self->first));
	close_second(self);
	self->second = allocator_open(self->first);
	ASSERT_EQ(1, alloc_now(self->second));
	ASSERT_EQ(0, close_range(self->second, self->second, 0));
	self->second = 0;
	EXPECT_EQ(0, allocated(self->first));
}

/* B7: frames of a closed file are given to waiting calls. */
TEST_F(open, close_serves_waiter)
{
	struct ksalloc_alloc arg;
	struct call call;

	take_all(self->second);
	start_waiter(&call, &arg, self->first, 1);
	close_second(self);
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(1, allocated(self->first));
}

/* B7: a frame belongs to the client that got it last. */
TEST_F(open, holder_changes)
{
	int index = alloc_now(self->second);

	ASSERT_LE(0, index);
	ASSERT_EQ(0, free_frame(self->first, index));
	take_all(self->first);
	close_second(self);
	EXPECT_EQ(FRAMES, allocated(self->first));
	EXPECT_EQ(0, free_frame(self->first, index));
}

/* B7: parent and child share an open file. Frames stay when the child dies. */
TEST_F(open, fork_shares)
{
	struct agent agent;
	int theirs;

	agent_start(&agent);
	theirs = agent_alloc(&agent, self->second);
	ASSERT_LE(0, theirs);
	ASSERT_LE(0, alloc_now(self->second));
	agent_kill(&agent);
	sleep_ms(20);
	EXPECT_EQ(2, allocated(self->first));
	EXPECT_EQ(0, free_frame(self->second, theirs));
	close_second(self);
	EXPECT_EQ(0, allocated(self->first));
}

/* B7: frames stay when the parent closes the file and the child has it. */
TEST_F(open, fork_keeps_open)
{
	struct agent agent;

	ASSERT_LE(0, alloc_now(self->second));
	agent_start(&agent);
	close_second(self);
	EXPECT_EQ(1, allocated(self->first));
	agent_exit(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->first) == 0));
}

/* B7: a descriptor in a UNIX socket, and one received from it, share the open file. */
TEST_F(open, passed_descriptor_shares)
{
	int sockets[2], fds[PASSING_MAX], copy;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
				sockets));
	ASSERT_LE(0, alloc_now(self->second));
	copy = dup(self->second);
	send_fds(sockets[0], &copy, 1);
	close(copy);
	close_second(self);
	EXPECT_EQ(1, allocated(self->first));
	ASSERT_EQ(1, receive_fds(sockets[1], fds));
	EXPECT_EQ(1, allocated(self->first));
	send_fds(sockets[0], fds, 1);
	close(fds[0]);
	EXPECT_EQ(1, allocated(self->first));
	/* Nobody can receive it any more. */
	close(sockets[0]);
	close(sockets[1]);
	EXPECT_TRUE(EVENTUALLY(allocated(self->first) == 0));
}

/* B7: the frames of a killed process become free if it had its own open file. */
TEST_F(open, killed_process)
{
	struct agent agent;
	int ours, theirs, held;

	agent_start(&agent);
	theirs = agent_open(&agent, self->first);
	ours = alloc_now(self->first);
	ASSERT_LE(0, ours);
	held = agent_alloc(&agent, theirs);
	ASSERT_LE(0, held);
	ASSERT_LE(0, agent_dup(&agent, theirs));
	ASSERT_LE(0, agent_alloc(&agent, theirs));
	EXPECT_EQ(3, allocated(self->first));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->first) == 1));
	EXPECT_EQ(-EINVAL, free_frame(self->first, held));
	EXPECT_EQ(0, free_frame(self->first, ours));
}

/* B7: so do the frames of a process that exits. */
TEST_F(open, exited_process)
{
	struct agent agent;

	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, agent_open(&agent, self->first)));
	EXPECT_EQ(1, allocated(self->first));
	agent_exit(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->first) == 0));
}

/* B7: so do the frames of a process that calls exec(). */
TEST_F(open, exec)
{
	struct agent agent;

	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, agent_open(&agent, self->first)));
	agent_exec(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->first) == 0));
	EXPECT_EQ(0, kill(agent.pid, 0));
}

/* B7: frames stay over exec() if the descriptor has no close-on-exec flag. */
TEST_F(open, exec_with_descriptor)
{
	struct agent agent;

	ASSERT_EQ(0, fcntl(self->second, F_SETFD, 0));
	agent_start(&agent);
	ASSERT_LE(0, alloc_now(self->second));
	close_second(self);
	agent_exec(&agent);
	sleep_ms(20);
	EXPECT_EQ(1, allocated(self->first));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->first) == 0));
}

/* B7: frames of a dead process are given to waiting calls. */
TEST_F(open, killed_process_serves_waiter)
{
	struct ksalloc_alloc arg;
	struct agent agent;
	struct call call;
	int index;

	agent_start(&agent);
	index = agent_alloc(&agent, agent_open(&agent, self->first));
	ASSERT_LE(0, index);
	take_all(self->first);
	start_waiter(&call, &arg, self->second, 1);
	agent_kill(&agent);
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(index, arg.index);
	EXPECT_EQ(FRAMES, allocated(self->first));
}

static void *sleep_in_thread(void *data)
{
	const atomic_bool *stop = data;

	while (!*stop)
		sleep_ms(2);
	return NULL;
}

/*
 * B7: unshare(CLONE_FILES) gives a thread its own table of descriptors. Frames stay held
 * when the last user of the old table ends.
 */
TEST_F(open, unshare)
{
	atomic_bool stop = false;
	pthread_t thread;

	take_all(self->first);
	ASSERT_EQ(0, pthread_create(&thread, NULL, sleep_in_thread, &stop));
	ASSERT_EQ(0, unshare(CLONE_FILES));
	stop = true;
	pthread_join(thread, NULL);
	sleep_ms(20);
	EXPECT_EQ(FRAMES, allocated(self->first));
	EXPECT_EQ(0, free_frame(self->first, 0));
}

/* A process that takes all frames, forks, and exits. Its child sleeps. */
static void go_to_background(int allocator, int pipe)
{
	/* An open file of its own, which the test does not have */
	int theirs = allocator_open(allocator);
	pid_t child;

	take_all(theirs);
	child = fork();
	if (!child) {
		for (;;)
			pause();
	}
	if (write(pipe, &child, sizeof(child)) < 0)
		_exit(1);
	_exit(0);
}

/* B7: a daemon keeps the frames that it got before it forked and its parent exited. */
TEST_F(open, daemon)
{
	pid_t pid, child = 0;
	int status, pipes[2];

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		go_to_background(self->first, pipes[1]);
	ASSERT_EQ(sizeof(child), read(pipes[0], &child, sizeof(child)));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	sleep_ms(20);
	EXPECT_EQ(FRAMES, allocated(self->first));
	kill(child, SIGKILL);
	EXPECT_TRUE(EVENTUALLY(allocated(self->first) == 0));
}

/* E1: poll() reports the same through each open file. */
TEST_F(open, poll)
{
	EXPECT_EQ(POLLIN, poll_fd(self->second, POLLIN, 0));
	take_all(self->first);
	EXPECT_EQ(0, poll_fd(self->first, POLLIN, 0));
	EXPECT_EQ(0, poll_fd(self->second, POLLIN, 0));
	ASSERT_EQ(0, free_frame(self->second, 0));
	EXPECT_EQ(POLLIN, poll_fd(self->first, POLLIN, 0));
	EXPECT_EQ(POLLIN, poll_fd(self->second, POLLIN, 0));
	close_first(self);
	EXPECT_EQ(POLLIN, poll_fd(self->second, POLLIN, 0));
}

static void *poll_in_thread(void *data)
{
	const int *fd = data;

	return (void *)(long)poll_fd(*fd, POLLIN, PATIENCE_MS);
}

/* E1: a free frame wakes the pollers of all open files. */
TEST_F(open, poll_wakes_all)
{
	const int fds[] = { self->first, self->second };
	pthread_t threads[2];
	void *events;
	int i;

	take_all(self->first);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, poll_in_thread,
					    (void *)&fds[i]));
	sleep_ms(20);
	ASSERT_EQ(0, free_frame(self->second, 2));
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &events);
		EXPECT_EQ(POLLIN, (long)events);
	}
}

/* A1, B7: an allocator can have many open files, and nothing is left of them. */
TEST_F(open, many)
{
	struct footprint before;
	int fds[200];
	unsigned int i;

	footprint_take(&before);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = allocator_open(i ? fds[i - 1] : self->first);
		ASSERT_LE(0, fds[i]);
		if (i % 50 == 7)
			ASSERT_LE(0, alloc_now(fds[i]));
	}
	EXPECT_EQ(FRAMES, allocated(self->first));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	EXPECT_EQ(0, allocated(self->first));
	EXPECT_FOOTPRINT(&before);
}

/*
 * B4: close() of the last descriptor does not end a call that waits through the open file.
 * The file is released after the call, so the frame that the call gets becomes free again.
 */
TEST_F(open, close_does_not_end_a_wait)
{
	struct ksalloc_alloc arg;
	struct call call;

	take_all(self->first);
	start_waiter(&call, &arg, self->second, 1);
	ASSERT_TRUE(call_waits(&call));
	close_second(self);
	EXPECT_TRUE(call_waits(&call));
	EXPECT_EQ(1, waiters(self->first));
	ASSERT_EQ(0, free_frame(self->first, 1));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(1, arg.index);
	EXPECT_TRUE(EVENTUALLY(allocated(self->first) == FRAMES - 1));
	EXPECT_EQ(1, alloc_now(self->first));
}

/* B4: SIGKILL ends the wait of the only process that has an open file. */
TEST_F(open, killed_while_waiting)
{
	struct agent agent;
	int theirs;

	agent_start(&agent);
	theirs = agent_open(&agent, self->first);
	ASSERT_EQ(0, agent_alloc(&agent, theirs));
	take_all(self->first);
	agent_begin_alloc(&agent, theirs);
	ASSERT_TRUE(EVENTUALLY(waiters(self->first) == 1));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(waiters(self->first) == 0));
	EXPECT_TRUE(EVENTUALLY(allocated(self->first) == FRAMES - 1));
	EXPECT_EQ(0, alloc_now(self->first));
}
