// SPDX-License-Identifier: GPL-2.0-only
/*
 * A camera that does not respond: calls that do not need the camera do not wait for it,
 * and processes that are killed while they wait for it leave little behind.
 *
 * Another process holds the lock of the driver. A change of the state waits for that lock,
 * and holds the lock of the connection meanwhile. The tested calls must return before the
 * lock of the driver is released, so no test depends on a time.
 */
#include "ksalloc_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trap.h"

#define FRAMES 4

/* SET_STATE waits for the camera on the way to ACQUIRE. The agent shares our files. */
FIXTURE(slow) {
	struct rig rig;
	int connection, allocator;
	/* @theirs is the agent's own open file of the connection. */
	struct agent agent;
	int theirs;
	struct held_camera held;
	struct ksalloc_set_state arg;
	struct call change;
	bool changing;
};

FIXTURE_SETUP(slow)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	agent_start(&self->agent);
	self->theirs = agent_open(&self->agent, self->connection);
	camera_hold(&self->held, 0);
	self->arg = (struct ksalloc_set_state){
		.size = sizeof(self->arg),
		.state = KSSTATE_ACQUIRE,
	};
	call_start(&self->change, self->connection, KSALLOC_SET_STATE,
		   &self->arg);
	ASSERT_TRUE(call_waits(&self->change));
	self->changing = true;
}

FIXTURE_TEARDOWN(slow)
{
	/* SET_STATE waits until here. */
	if (self->changing) {
		EXPECT_FALSE(self->change.done);
		camera_let_go(&self->held);
		EXPECT_EQ(0, call_result(&self->change));
	}
	rig_close(&self->rig);
}

/* close() of a shared open file in another process */
TEST_F(slow, close_of_a_shared_file)
{
	EXPECT_EQ(0, agent_close(&self->agent, self->connection));
}

/* close() of another open file of the connection */
TEST_F(slow, close_of_another_file)
{
	EXPECT_EQ(0, agent_close(&self->agent, self->theirs));
}

/* exec() in another process, which closes both files */
TEST_F(slow, exec)
{
	agent_exec(&self->agent);
}

/* Exit of another process that has both files */
TEST_F(slow, exit)
{
	int status;

	ASSERT_EQ(0, kill(self->agent.pid, SIGKILL));
	EXPECT_TRUE(EVENTUALLY(waitpid(self->agent.pid, &status, WNOHANG) ==
			       self->agent.pid));
}

struct shell {
	atomic_bool done;
	int status;
};

static void *run_shell(void *data)
{
	struct shell *shell = data;

	shell->status = system("true");
	shell->done = true;
	return NULL;
}

/* system() in a thread of this process */
TEST_F(slow, system)
{
	struct shell shell = { .status = -1 };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, run_shell, &shell));
	EXPECT_TRUE(EVENTUALLY(shell.done));
	EXPECT_EQ(0, shell.status);
	EXPECT_FALSE(self->change.done);
}

/* A call in another process that must not wait */
static void expect_at_once(struct slow_fixture *self, int fd,
			   unsigned long request, void *arg, size_t size)
{
	agent_begin(&self->agent, fd, request, arg, size);
	ASSERT_TRUE(EVENTUALLY(agent_is_done(&self->agent)));
	EXPECT_LE(0, agent_end(&self->agent, arg, size));
}

/* GET_STATE */
TEST_F(slow, get_state)
{
	struct ksalloc_get_state arg = { .size = sizeof(arg) };

	expect_at_once(self, self->connection, KSALLOC_GET_STATE, &arg,
		       sizeof(arg));
	EXPECT_EQ(KSSTATE_STOP, arg.state);
	EXPECT_EQ(0, arg.pending);
}

/* poll() and non-blocking COMPLETE: they report no error, as the state may change soon. */
TEST_F(slow, poll)
{
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
}

struct reading {
	char path[64];
	atomic_bool done;
	int length;
};

static void *read_info(void *data)
{
	struct reading *reading = data;
	char text[1024] = "";

	reading->length = read_text(reading->path, text, sizeof(text));
	reading->done = true;
	return NULL;
}

static void expect_info(int fd)
{
	struct reading reading = { .length = -1 };
	pthread_t thread;

	snprintf(reading.path, sizeof(reading.path), "/proc/self/fdinfo/%d", fd);
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_info, &reading));
	EXPECT_TRUE(EVENTUALLY(reading.done));
	EXPECT_LT(0, reading.length);
}

/* fdinfo of the connection and of the allocator */
TEST_F(slow, fdinfo)
{
	expect_info(self->connection);
	expect_info(self->allocator);
}

/* CONNECTION_OPEN and CONNECTION_CANCEL */
TEST_F(slow, open_and_cancel)
{
	struct ksalloc_open open = { .size = sizeof(open) };
	struct ksalloc_cancel cancel = { .size = sizeof(cancel) };

	expect_at_once(self, self->connection, KSALLOC_CONNECTION_OPEN, &open,
		       sizeof(open));
	expect_at_once(self, self->connection, KSALLOC_CONNECTION_CANCEL,
		       &cancel, sizeof(cancel));
}

/* ALLOC and FREE on the allocator that is assigned */
TEST_F(slow, allocator)
{
	struct ksalloc_alloc alloc = {
		.size = sizeof(alloc),
		.flags = KSALLOC_ALLOC_DMABUF,
	};
	struct ksalloc_free free = { .size = sizeof(free) };

	expect_at_once(self, self->allocator, KSALLOC_ALLOC, &alloc,
		       sizeof(alloc));
	free.index = alloc.index;
	expect_at_once(self, self->allocator, KSALLOC_FREE, &free, sizeof(free));
	EXPECT_EQ(0, agent_close(&self->agent, self->allocator));
}

static void start_change(struct call *call, struct ksalloc_set_state *arg, int connection,
			 unsigned int state)
{
	*arg = (struct ksalloc_set_state){ .size = sizeof(*arg), .state = state };
	call_start(call, connection, KSALLOC_SET_STATE, arg);
}

/* In RUN, with all frames in the device, which fills none and does not respond */
FIXTURE(silent) {
	struct rig rig;
	int connection;
	struct agent agent;
	int theirs;
	struct held_camera held;
};

FIXTURE_SETUP(silent)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 100));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	agent_start(&self->agent);
	self->theirs = agent_open(&self->agent, self->connection);
	camera_hold(&self->held, 0);
}

FIXTURE_TEARDOWN(silent)
{
	camera_let_go(&self->held);
	set_control(self->rig.video, "Percentage of Dropped Buffers", 0);
	rig_close(&self->rig);
}

/* COMPLETE with KSALLOC_NONBLOCK in another process */
static void expect_nonblocking(struct silent_fixture *self, int expected)
{
	struct ksalloc_complete arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_NONBLOCK,
	};

	agent_begin(&self->agent, self->theirs, KSALLOC_COMPLETE, &arg,
		    sizeof(arg));
	ASSERT_TRUE(EVENTUALLY(agent_is_done(&self->agent)));
	EXPECT_EQ(expected, agent_end(&self->agent, &arg, sizeof(arg)));
}

struct poller {
	int connection;
	atomic_bool done;
	int events;
};

static void *poll_once(void *data)
{
	struct poller *poller = data;

	poller->events = poll_fd(poller->connection, POLLIN, 0);
	poller->done = true;
	return NULL;
}

static void expect_poll(struct silent_fixture *self, int expected)
{
	struct poller poller = { .connection = self->connection };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_once, &poller));
	ASSERT_TRUE(EVENTUALLY(poller.done));
	EXPECT_EQ(expected, poller.events);
}

/* I2: COMPLETE with KSALLOC_NONBLOCK and poll() do not wait for the camera. */
TEST_F(silent, nonblocking)
{
	expect_nonblocking(self, -EAGAIN);
	expect_poll(self, 0);
}

/* I2: they do not wait for a change of the state either. */
TEST_F(silent, nonblocking_beside_a_change)
{
	struct ksalloc_set_state arg;
	struct call call;

	start_change(&call, &arg, self->connection, KSSTATE_PAUSE);
	ASSERT_TRUE(call_waits(&call));
	expect_nonblocking(self, -EAGAIN);
	expect_poll(self, 0);
	EXPECT_FALSE(call.done);
	camera_let_go(&self->held);
	EXPECT_EQ(0, call_result(&call));
	/* For the teardown */
	camera_hold(&self->held, 0);
}

/* I4: CANCEL and SIGKILL do not wait for a reader that waits for the camera. */
TEST_F(silent, cancel_and_kill)
{
	struct ksalloc_complete frame;
	struct call call;

	start_complete(&call, &frame, self->connection);
	agent_begin_complete(&self->agent, self->theirs);
	sleep_ms(50);
	EXPECT_FALSE(call.done);
	ASSERT_EQ(0, connection_cancel(self->connection));
	camera_let_go(&self->held);
	/* On a busy machine, the call may only begin now. Then the first cancel did not end it */
	EXPECT_TRUE(EVENTUALLY(call.done || connection_cancel(self->connection)));
	EXPECT_EQ(-ECANCELED, call_result(&call));
	camera_hold(&self->held, 0);
	agent_kill(&self->agent);
}

/* In PAUSE, with an allocated frame; the camera does not respond. */
FIXTURE(held) {
	struct rig rig;
	int connection, frame;
	struct held_camera held;
	bool holding;
};

FIXTURE_SETUP(held)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	self->frame = alloc_now(self->rig.allocator);
	ASSERT_LE(0, self->frame);
	camera_hold(&self->held, 0);
	self->holding = true;
}

FIXTURE_TEARDOWN(held)
{
	if (self->holding)
		camera_let_go(&self->held);
	rig_close(&self->rig);
}

/* Kills a process whose SUBMIT waits for the camera in a kernel thread. */
static void kill_in_submit(struct held_fixture *self)
{
	struct ksalloc_submit arg = {
		.size = sizeof(arg),
		.index = self->frame,
		.dmabuf_fd = -1,
	};
	struct agent agent;

	agent_start(&agent);
	agent_begin(&agent, self->connection, KSALLOC_SUBMIT, &arg, sizeof(arg));
	ASSERT_TRUE(agent_waits(&agent));
	agent_kill(&agent);
}

/*
 * I2: many processes are killed in SUBMIT. At most one kernel thread that waits for the camera
 * remains, and other cameras can be used. Calls do not wait for that thread, and the frame is
 * not submitted.
 */
TEST_F(held, many_are_killed)
{
	int i, before = waiting_kernel_threads("");
	struct rig other;

	for (i = 0; i < 20; i++)
		kill_in_submit(self);
	EXPECT_GE(before + 1, waiting_kernel_threads(""));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	EXPECT_EQ(0, get_pending(self->connection));
	EXPECT_EQ(0, in_device(self->rig.allocator));

	rig_open(&other, 1, 320, 180);
	rig_allocator(&other, FRAMES);
	ASSERT_EQ(0, set_state(other.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, alloc_now(other.allocator));
	EXPECT_EQ(0, submit(other.connection, 0));
	rig_close(&other);

	self->holding = false;
	camera_let_go(&self->held);
	EXPECT_EQ(0, submit(self->connection, self->frame));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(self->frame, rig_complete(&self->rig, NULL));
}

/* The connection is in STOP. A kernel thread holds req_queue_mutex of the media device. */
FIXTURE(requests) {
	struct rig rig;
	int connection;
	bool holding;
};

static void release_requests(struct requests_fixture *self)
{
	self->holding = false;
	ASSERT_EQ(0, system("rmmod ksalloc-test-media"));
}

FIXTURE_SETUP(requests)
{
	char command[128];

	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	snprintf(command, sizeof(command), "modprobe ksalloc-test-media node=%s",
		 node_path("vivid-000-vid-cap"));
	ASSERT_EQ(0, system(command));
	self->holding = true;
}

FIXTURE_TEARDOWN(requests)
{
	if (self->holding)
		release_requests(self);
	rig_close(&self->rig);
}

/*
 * I1: ACQUIRE and PAUSE do not wait for requests of any node of the media device. Only steps that
 * start or stop the camera wait, as VIDIOC_STREAMON does.
 */
TEST_F(requests, acquire)
{
	static struct ksalloc_set_state arg;
	static struct call call;

	start_change(&call, &arg, self->connection, KSSTATE_PAUSE);
	EXPECT_TRUE(EVENTUALLY(call.done));
	if (!call.done)
		release_requests(self);
	EXPECT_EQ(0, call_result(&call));
	if (!self->holding)
		return;

	start_change(&call, &arg, self->connection, KSSTATE_RUN);
	EXPECT_TRUE(call_waits(&call));
	release_requests(self);
	EXPECT_EQ(0, call_result(&call));
}
