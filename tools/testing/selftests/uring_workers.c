// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of io_uring that wait in workers, and what ends them: the end of the ring or of the
 * process, job control, a freezer. Tasks that submit commands do not wait.
 */
#include "trap.h"
#include "uring.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP "/tmp/cgroup"

/* K9: when the ring ends, so do the commands that wait, and their files are released. */
TEST_F(uring, ring_ends)
{
	struct ksalloc_alloc args[4];
	int i, other = allocator_open(self->allocator);

	ASSERT_LE(0, other);
	take_all(self->allocator);
	/* This frame becomes free when the file of the other client is released */
	ASSERT_EQ(0, free_frame(self->allocator, 3));
	ASSERT_EQ(3, alloc_now(other));
	for (i = 0; i < 4; i++) {
		args[i] = (struct ksalloc_alloc){ .size = sizeof(args[i]) };
		begin(&self->ring, other, KSALLOC_ALLOC, &args[i], i);
	}
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 4));
	close(other);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	io_uring_queue_exit(&self->ring);
	self->ring.ring_fd = -1;
	EXPECT_TRUE(EVENTUALLY(waiters(self->allocator) == 0));
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == FRAMES - 1));
}

/*
 * What commands wait for goes to others: frame 2 becomes free, and the device fills it. No command
 * has taken one before.
 */
static void expect_nothing_taken(struct uring_fixture *self)
{
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 2));
	EXPECT_EQ(2, alloc_now(self->allocator));
	EXPECT_EQ(0, waiters(self->allocator));
	ASSERT_EQ(0, submit(self->connection, 2));
	EXPECT_EQ(2, complete(self->connection, 0, in_ms(PATIENCE_MS), NULL));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* All frames are allocated, and the device has none */
static void run_without_frames(struct uring_fixture *self)
{
	take_all(self->allocator);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

/* K9: the end of the ring ends a waiting command of each kind, and releases its file. */
TEST_F(uring, ring_ends_in_each)
{
	struct commands commands;
	struct footprint before;
	struct io_uring ring;
	unsigned int kind;

	run_without_frames(self);
	footprint_take(&before);
	ASSERT_EQ(0, io_uring_queue_init(ENTRIES, &ring, 0));
	commands_open(&commands, self->allocator, self->connection);
	for (kind = 0; kind < COMMAND_KINDS; kind++) {
		commands_begin(&ring, &commands, kind);
		ASSERT_TRUE(EVENTUALLY(waiting_commands(getpid()) == (int)kind + 1));
	}
	commands_close(&commands);
	EXPECT_EQ(0, io_uring_cq_ready(&ring));
	io_uring_queue_exit(&ring);
	EXPECT_TRUE(EVENTUALLY(waiting_commands(getpid()) == 0));
	EXPECT_FOOTPRINT(&before);
	expect_nothing_taken(self);
}

/*
 * Starts a process with a command that waits, through files of its own. It exits with 0 if the
 * command ends with EINTR
 */
static pid_t start_waiting(struct uring_fixture *self, unsigned int kind)
{
	struct commands commands;
	struct io_uring ring;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (child) {
		EXPECT_TRUE(EVENTUALLY(waiting_commands(child) == 1));
		return child;
	}
	commands_open(&commands, self->allocator, self->connection);
	if (io_uring_queue_init(ENTRIES, &ring, 0))
		_exit(1);
	commands_begin(&ring, &commands, kind);
	_exit(result(&ring, kind) == -EINTR ? 0 : 2);
}

/* K9: the same when the process is killed. */
TEST_F(uring, process_dies)
{
	struct footprint before;
	unsigned int kind;
	pid_t child;

	run_without_frames(self);
	footprint_take(&before);
	for (kind = 0; kind < COMMAND_KINDS; kind++) {
		child = start_waiting(self, kind);
		EXPECT_EQ(kind == COMMAND_ALLOC, waiters(self->allocator));
		kill(child, SIGKILL);
		ASSERT_EQ(child, waitpid(child, NULL, 0));
		EXPECT_FOOTPRINT(&before);
		expect_nothing_taken(self);
	}
}

static void expect_interrupted(struct uring_fixture *self, pid_t child)
{
	int status = 0;

	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	expect_nothing_taken(self);
}

/* K9: job control that stops the process ends a command that waits. */
TEST_F(uring, stopped)
{
	unsigned int kind;
	pid_t child;
	int status;

	run_without_frames(self);
	for (kind = 0; kind < COMMAND_KINDS; kind++) {
		child = start_waiting(self, kind);
		kill(child, SIGSTOP);
		EXPECT_EQ(child, waitpid(child, &status, WUNTRACED));
		EXPECT_TRUE(WIFSTOPPED(status));
		EXPECT_TRUE(EVENTUALLY(waiting_commands(child) == 0));
		kill(child, SIGCONT);
		expect_interrupted(self, child);
	}
}

/* K9: so does the freezer of a control group. */
TEST_F(uring, frozen)
{
	unsigned int kind;
	char pid[16];
	pid_t child;

	mkdir(CGROUP, 0755);
	if (mount("none", CGROUP, "cgroup2", 0, NULL))
		SKIP("no control groups");
	ASSERT_EQ(0, mkdir(CGROUP "/frozen", 0755));
	run_without_frames(self);
	for (kind = 0; kind < COMMAND_KINDS; kind++) {
		child = start_waiting(self, kind);
		snprintf(pid, sizeof(pid), "%d", child);
		ASSERT_EQ(0, write_text(CGROUP "/frozen/cgroup.procs", pid));
		ASSERT_EQ(0, write_text(CGROUP "/frozen/cgroup.freeze", "1"));
		EXPECT_TRUE(EVENTUALLY(waiting_commands(child) == 0));
		ASSERT_EQ(0, write_text(CGROUP "/frozen/cgroup.freeze", "0"));
		expect_interrupted(self, child);
	}
	EXPECT_TRUE(EVENTUALLY(!rmdir(CGROUP "/frozen")));
	EXPECT_EQ(0, umount(CGROUP));
}

/*
 * I6, K9: the camera disappears while a COMPLETE and two EXCHANGEs wait: ENODEV. An ALLOC goes on,
 * and gets a frame.
 */
TEST_F(uring, camera_disappears)
{
	struct commands commands, other;
	struct io_uring_cqe *cqe = NULL;
	unsigned int i, seen = 0;

	run_without_frames(self);
	commands_open(&commands, self->allocator, self->connection);
	commands_open(&other, self->allocator, self->connection);
	for (i = 0; i < COMMAND_KINDS; i++)
		commands_begin(&self->ring, &commands, i);
	commands_begin(&self->ring, &other, COMMAND_EXCHANGE);
	ASSERT_TRUE(EVENTUALLY(waiting_commands(getpid()) == COMMAND_KINDS + 1));
	EXPECT_EQ(0, io_uring_cq_ready(&self->ring));
	vivid_unbind();
	for (i = 0; i < COMMAND_KINDS; i++) {
		ASSERT_EQ(0, io_uring_wait_cqe(&self->ring, &cqe));
		EXPECT_EQ(-ENODEV, cqe->res);
		seen += cqe->user_data;
		io_uring_cqe_seen(&self->ring, cqe);
	}
	EXPECT_EQ(COMMAND_COMPLETE + 2 * COMMAND_EXCHANGE, seen);
	EXPECT_EQ(0, io_uring_cq_ready(&self->ring));
	EXPECT_EQ(1, waiters(self->allocator));
	/* Later commands do not begin to wait */
	commands_begin(&self->ring, &commands, COMMAND_COMPLETE);
	EXPECT_EQ(-ENODEV, result(&self->ring, COMMAND_COMPLETE));
	commands_begin(&self->ring, &commands, COMMAND_EXCHANGE);
	EXPECT_EQ(-ENODEV, result(&self->ring, COMMAND_EXCHANGE));
	ASSERT_EQ(0, free_frame(self->allocator, 5));
	EXPECT_EQ(0, result(&self->ring, COMMAND_ALLOC));
	EXPECT_EQ(5, commands.alloc.index);
	commands_close(&commands);
	commands_close(&other);
}

/* I6, K9: the same for a reader of a stream that circulates, which waits for a frame. */
TEST_F(uring, camera_of_readers_disappears)
{
	struct commands commands;

	ASSERT_EQ(0, set_control(self->rig.video, "Percentage of Dropped Buffers", 100));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	commands_open(&commands, self->allocator, self->connection);
	commands_begin(&self->ring, &commands, COMMAND_EXCHANGE);
	ASSERT_TRUE(EVENTUALLY(waiting_commands(getpid()) == 1));
	vivid_unbind();
	EXPECT_EQ(-ENODEV, result(&self->ring, COMMAND_EXCHANGE));
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
	commands_close(&commands);
}

/* A thread that submits the commands of a ring, and waits for a result */
struct submission {
	struct io_uring *ring;
	pthread_t thread;
	atomic_bool done;
	int submitted, result;
};

static void ignore(int number)
{
	(void)number;
}

/* When a task exits, the commands that it has submitted end. So this waits for the result. */
static void *submit_ring(void *data)
{
	struct submission *submission = data;
	struct io_uring_cqe *cqe;
	int ret;

	submission->submitted = io_uring_submit(submission->ring);
	submission->done = true;
	do
		ret = io_uring_wait_cqe(submission->ring, &cqe);
	while (ret == -EINTR);
	submission->result = ret ?: cqe->res;
	return NULL;
}

/* A SUBMIT waits for the camera, with the lock of the connection, while a COMPLETE is submitted. */
static int complete_while_held(struct rig *rig, struct io_uring *ring, bool interrupt)
{
	struct ksalloc_submit submitted = { .size = sizeof(submitted), .dmabuf_fd = -1 };
	struct sigaction action = { .sa_handler = ignore };
	struct ksalloc_complete arg = { .size = sizeof(arg) };
	struct submission submission = { .ring = ring };
	struct held_camera held;
	struct call call;

	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_RUN));
	submitted.index = alloc_now(rig->allocator);
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	camera_hold(&held, 0);
	call_start(&call, rig->connection, KSALLOC_SUBMIT, &submitted);
	ASSERT_TRUE(call_waits(&call));
	command(ring, rig->connection, KSALLOC_COMPLETE, &arg, 1);
	ASSERT_EQ(0, pthread_create(&submission.thread, NULL, submit_ring, &submission));
	if (interrupt) {
		sleep_ms(200);
		ASSERT_EQ(0, pthread_kill(submission.thread, SIGUSR1));
		sleep_ms(200);
	} else {
		EXPECT_TRUE(EVENTUALLY(submission.done));
	}
	camera_let_go(&held);
	EXPECT_EQ(0, call_result(&call));
	pthread_join(submission.thread, NULL);
	EXPECT_EQ(1, submission.submitted);
	return submission.result;
}

/* K9: the task that submits a command does not wait for a call that waits for the camera. */
TEST_F(uring, camera_does_not_respond)
{
	EXPECT_EQ(0, complete_while_held(&self->rig, &self->ring, false));
}

/*
 * K9: a command of a reader of the newest frame uses its queue while another call waits for the
 * camera. It also gives a frame back.
 */
TEST_F(uring, newest_is_queued)
{
	int newest = reader_open(self->connection, 2, 0, KSALLOC_READER_NEWEST);
	int other = reader_open(self->connection, 2, 0, 0);
	struct ksalloc_reader_frame held = {}, theirs = {}, got = {};
	struct ksalloc_exchange arg, waiting;
	struct held_camera camera;
	struct call call;
	__u32 index;

	ASSERT_LE(0, newest);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	ASSERT_EQ(1, take(newest, &held));
	/* What one reader fetches is put into both queues */
	do {
		ASSERT_EQ(1, take(other, &theirs));
		give(other, &theirs);
	} while (!reader_info(newest).queued);
	while (take_now(other, &theirs) == 1)
		give(other, &theirs);
	ASSERT_EQ(POLLIN, poll_fd(other, POLLIN, PATIENCE_MS));
	camera_hold(&camera, 0);
	waiting = exchange_of(&theirs, 1);
	waiting.deadline_ns = 0;
	call_start(&call, other, KSALLOC_EXCHANGE, &waiting);
	ASSERT_TRUE(EVENTUALLY(call_waits(&call)));

	index = held.index;
	arg = exchange_of(&got, 1);
	arg.give = (uintptr_t)&index;
	arg.nr_give = 1;
	arg.generation = held.generation;
	EXPECT_EQ(1, run(&self->ring, newest, KSALLOC_EXCHANGE, &arg));
	camera_let_go(&camera);
	EXPECT_EQ(1, call_result(&call));
	close(other);
	close(newest);
}

/* K9: a signal of the task that submits a command does not end the command. */
TEST_F(uring, signal)
{
	EXPECT_EQ(0, complete_while_held(&self->rig, &self->ring, true));
}

/* K9: any number of commands can wait, if the program asks io_uring for so many workers. */
TEST_F(uring, many_wait)
{
	unsigned int workers[2] = { 64, 64 };
	struct ksalloc_alloc args[64];
	struct io_uring ring;
	int i;

	ASSERT_EQ(0, io_uring_queue_init(64, &ring, 0));
	ASSERT_EQ(0, io_uring_register_iowq_max_workers(&ring, workers));
	take_all(self->allocator);
	for (i = 0; i < 64; i++) {
		args[i] = (struct ksalloc_alloc){ .size = sizeof(args[i]) };
		begin(&ring, self->allocator, KSALLOC_ALLOC, &args[i], i);
	}
	EXPECT_TRUE(EVENTUALLY(waiters(self->allocator) == 64));
	io_uring_queue_exit(&ring);
	EXPECT_TRUE(EVENTUALLY(waiters(self->allocator) == 0));
}

/* K9: a command that a permanent cancel ends needs no worker. The only one waits here. */
TEST_F(uring, cancelled_without_worker)
{
	struct ksalloc_alloc args[2] = { { .size = sizeof(args[0]) }, { .size = sizeof(args[0]) } };
	struct ksalloc_complete frame = { .size = sizeof(frame) };
	int other = allocator_open(self->allocator);
	unsigned int workers[2] = { 1, 1 };
	struct io_uring ring;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	ASSERT_EQ(0, io_uring_register_iowq_max_workers(&ring, workers));
	take_all(self->allocator);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	begin(&ring, other, KSALLOC_ALLOC, &args[0], 0);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));

	ASSERT_EQ(0, cancel_permanently(self->allocator, KSALLOC_ALLOCATOR_CANCEL));
	begin(&ring, self->allocator, KSALLOC_ALLOC, &args[1], 1);
	EXPECT_EQ(-ECANCELED, result(&ring, 1));
	ASSERT_EQ(0, cancel_permanently(self->rig.connection, KSALLOC_CONNECTION_CANCEL));
	begin(&ring, self->rig.connection, KSALLOC_COMPLETE, &frame, 2);
	EXPECT_EQ(-ECANCELED, result(&ring, 2));

	EXPECT_EQ(1, waiters(self->allocator));
	io_uring_queue_exit(&ring);
	close(other);
}

/*
 * K9: a command gets its own argument, also if it waits until the program has used its entry of the
 * ring again. There is one worker, which waits for the first command.
 */
TEST_F(uring, entry_used_again)
{
	unsigned int workers[2] = { 1, 1 };
	struct ksalloc_alloc args[3];
	struct io_uring ring;
	int i;

	ASSERT_EQ(0, io_uring_queue_init(1, &ring, 0));
	ASSERT_EQ(0, io_uring_register_iowq_max_workers(&ring, workers));
	take_all(self->allocator);
	for (i = 0; i < 3; i++) {
		args[i] = (struct ksalloc_alloc){ .size = sizeof(args[i]), .index = FRAMES };
		begin(&ring, self->allocator, KSALLOC_ALLOC, &args[i], i);
	}
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
		ASSERT_EQ(0, free_frame(self->allocator, i));
		EXPECT_EQ(0, result(&ring, i));
		EXPECT_EQ(i, args[i].index);
	}
	io_uring_queue_exit(&ring);
}
