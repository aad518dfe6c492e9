// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that do not respond, do not stop, or disappear while they write: which calls wait
 * for them, and when their frames become free. The device is ksalloc-test-device.
 */
#include "kernel.h"

#include <ksalloc-test-device.h>
#include <string.h>
#include <sys/mman.h>

#define DEVICE_NODE "/dev/ksalloc-test-device"
#define DEVICE_FRAME_SIZE 4096

/* A connection to a device, in PAUSE, with an allocator; and an agent that shares it */
FIXTURE(stuck) {
	int ksalloc;
	int device;
	int heap;
	int connection;
	int allocator;
	struct agent agent;
	int theirs;
	struct call call;
	bool calling;
};

static struct device_state device_state(int device)
{
	struct device_state state = { 0 };

	ASSERT_EQ(0, call_fd(device, DEVICE_STATE, &state));
	return state;
}

static void device_block(int device, unsigned long ops)
{
	ASSERT_EQ(0, call_fd(device, DEVICE_BLOCK, (void *)ops));
}

static void device_fail(int device, enum device_op op, int error)
{
	struct device_fail arg = { .op = op, .error = error };

	ASSERT_EQ(0, call_fd(device, DEVICE_FAIL, &arg));
}

/* As with an exposure that does not end: the device writes into all its frames. */
static void device_expose(int device)
{
	ASSERT_EQ(0, call_fd(device, DEVICE_FILL, (void *)0));
}

static void device_unregister(int device)
{
	ASSERT_EQ(0, call_fd(device, DEVICE_UNREGISTER, NULL));
}

static int device_connect(int device)
{
	struct device_connect arg = { .frame_size = DEVICE_FRAME_SIZE };

	return call_fd(device, DEVICE_CONNECT, &arg);
}

FIXTURE_SETUP(stuck)
{
	const struct ksallocator_framing framing = {
		.options_flags = usual_memory(),
		.frames = FRAMES,
	};

	repair_machine();
	ASSERT_EQ(0, system("modprobe ksalloc-test-device"));
	need_heap();
	self->device = open_sample(DEVICE_NODE);
	self->heap = open_heap();
	self->connection = device_connect(self->device);
	ASSERT_LE(0, self->connection);
	self->allocator = create_framed(self->connection, self->heap, &framing);
	ASSERT_LE(0, self->allocator);
	agent_start(&self->agent);
	self->theirs = agent_open(&self->agent, self->connection);
	ASSERT_EQ(0, agent_close(&self->agent, self->connection));
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
}

FIXTURE_TEARDOWN(stuck)
{
	if (self->device > 0) {
		EXPECT_EQ(0, device_state(self->device).impatient);
		device_block(self->device, 0);
	}
	if (self->calling)
		call_result(&self->call);
	if (self->agent.pid > 0)
		agent_kill(&self->agent);
	if (self->connection > 0)
		close(self->connection);
	if (self->allocator > 0)
		close(self->allocator);
	if (self->device > 0)
		close(self->device);
	close_all();
	expect_unload("ksalloc_test_device");
}

static void submit_all(struct stuck_fixture *self)
{
	int i, index;

	for (i = 0; i < FRAMES; i++) {
		index = alloc_now(self->allocator);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit(self->connection, index));
	}
}

/*
 * Begins a call in which an operation of the device blocks. If the test fails, the call
 * continues until the teardown, so its argument is not on the stack.
 */
static void begin_blocked(struct stuck_fixture *self, enum device_op op,
			  unsigned long request, void *arg)
{
	device_block(self->device, 1UL << op);
	self->calling = true;
	call_start(&self->call, self->connection, request, arg);
	ASSERT_TRUE(EVENTUALLY(device_state(self->device).blocked == 1));
}

static int end_blocked(struct stuck_fixture *self)
{
	EXPECT_EQ(1, device_state(self->device).blocked);
	EXPECT_FALSE(self->call.done);
	device_block(self->device, 0);
	self->calling = false;
	return call_result(&self->call);
}

/*
 * Calls that do not need the device return. If one waits, the operation times out and is
 * counted as impatient.
 */
static void expect_others_go_on(struct stuck_fixture *self)
{
	char text[16];
	int other, index;

	EXPECT_LE(0, get_state(self->connection));
	EXPECT_LE(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_TRUE(fdinfo_value(self->connection, "state", text, sizeof(text)));
	EXPECT_TRUE(fdinfo_value(self->allocator, "ksalloc", text, sizeof(text)));
	EXPECT_EQ(0, connection_cancel(self->connection));
	other = connection_open(self->connection);
	ASSERT_LE(0, other);
	close(other);
	EXPECT_EQ(0, agent_close(&self->agent, self->theirs));
	index = alloc_now(self->allocator);
	if (index >= 0)
		EXPECT_EQ(0, free_frame(self->allocator, index));
	else
		EXPECT_EQ(-EAGAIN, index);
}

static void expect_state_change(struct stuck_fixture *self, enum device_op op,
				unsigned int state)
{
	static struct ksalloc_set_state arg;

	arg = (struct ksalloc_set_state){ .size = sizeof(arg), .state = state };
	begin_blocked(self, op, KSALLOC_SET_STATE, &arg);
	expect_others_go_on(self);
	EXPECT_EQ(0, end_blocked(self));
	EXPECT_EQ(state, get_state(self->connection));
}

/* While a device is being acquired, only calls that need it wait. */
TEST_F(stuck, acquire)
{
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	expect_state_change(self, DEVICE_OP_ACQUIRE, KSSTATE_ACQUIRE);
}

/* While a device starts, only calls that need it wait. */
TEST_F(stuck, run)
{
	expect_state_change(self, DEVICE_OP_RUN, KSSTATE_RUN);
}

/* While a device stops, only calls that need it wait. */
TEST_F(stuck, stop)
{
	submit_all(self);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	expect_state_change(self, DEVICE_OP_STOP, KSSTATE_STOP);
}

/* While a device releases the frames, only calls that need it wait. */
TEST_F(stuck, release)
{
	expect_state_change(self, DEVICE_OP_RELEASE, KSSTATE_STOP);
}

/* While a device queues a frame, only calls that need it wait. */
TEST_F(stuck, queue)
{
	static struct ksalloc_submit arg = {
		.size = sizeof(arg),
		.dmabuf_fd = -1,
	};

	arg.index = alloc_now(self->allocator);
	begin_blocked(self, DEVICE_OP_QUEUE, KSALLOC_SUBMIT, &arg);
	expect_others_go_on(self);
	EXPECT_EQ(0, end_blocked(self));
	EXPECT_EQ(1, in_device(self->allocator));
}

/* While a device dequeues a frame, only calls that need it wait. */
TEST_F(stuck, dequeue)
{
	static struct ksalloc_complete arg = { .size = sizeof(arg) };

	submit_all(self);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	begin_blocked(self, DEVICE_OP_DEQUEUE, KSALLOC_COMPLETE, &arg);
	expect_others_go_on(self);
	end_blocked(self);
}

/* D3, D4: while the device is asked for its framing, frames can be captured. */
TEST_F(stuck, framing)
{
	static struct ksalloc_get_framing_ex details = { .size = sizeof(details) };
	static struct ksalloc_get_framing framing = { .size = sizeof(framing) };
	struct ksalloc_complete out;

	begin_blocked(self, DEVICE_OP_GET_FRAMING, KSALLOC_GET_FRAMING, &framing);
	expect_others_go_on(self);
	submit_all(self);
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_LE(0, complete(self->connection, 0, in_ms(PATIENCE_MS), &out));
	EXPECT_EQ(0, end_blocked(self));
	EXPECT_EQ(DEVICE_FRAME_SIZE, framing.framing.frame_size);

	begin_blocked(self, DEVICE_OP_GET_DETAILS, KSALLOC_GET_FRAMING_EX,
		      &details);
	EXPECT_LE(0, complete(self->connection, 0, in_ms(PATIENCE_MS), &out));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_LE(0, end_blocked(self));
}

/* The device writes into all frames, and a call waits for a free one. */
static void stream_with_waiter(struct stuck_fixture *self, struct call *waiter,
			       struct ksalloc_alloc *arg)
{
	device_expose(self->device);
	submit_all(self);
	start_waiter(waiter, arg, self->allocator, 1);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

/* The device continues to write. */
static void expect_writes(int device)
{
	const unsigned int before = device_state(device).writes;

	EXPECT_TRUE(EVENTUALLY(device_state(device).writes > before + FRAMES));
}

/* The frames stay in the device, and the waiting call continues to wait. */
static void expect_frames_kept(struct stuck_fixture *self, struct call *waiter)
{
	expect_writes(self->device);
	EXPECT_EQ(FRAMES, in_device(self->allocator));
	EXPECT_FALSE(waiter->done);
	EXPECT_EQ(1, waiters(self->allocator));
}

/* The device does not write any more into a frame that was given to the waiting call. */
static void expect_frame_is_ours(struct stuck_fixture *self, unsigned int index)
{
	int dmabuf = export_frame(self->allocator, index);
	__u32 *word = map_frame(dmabuf, DEVICE_FRAME_SIZE, PROT_READ | PROT_WRITE);
	unsigned int i;

	close(dmabuf);
	for (i = 0; i < 2; i++)
		word[i] = 0xffffffff;
	/* Several times the period of the device */
	sleep_ms(10 * DEVICE_PERIOD_MS);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0xffffffff, read_word(&word[i]));
	munmap(word, DEVICE_FRAME_SIZE);
}

/* The device disappears, and its stop operation blocks. */
static void unregister_and_block_stop(struct stuck_fixture *self)
{
	device_block(self->device, 1UL << DEVICE_OP_STOP);
	device_unregister(self->device);
	ASSERT_TRUE(EVENTUALLY(device_state(self->device).blocked == 1));
}

/*
 * I4, I6: a device that has disappeared writes into its frames until it is stopped. The
 * frames become free then, and not before.
 */
TEST_F(stuck, unregistered_while_it_writes)
{
	static struct ksalloc_alloc arg;
	static struct call waiter;

	stream_with_waiter(self, &waiter, &arg);
	unregister_and_block_stop(self);
	expect_frames_kept(self, &waiter);
	/* poll() reports nothing as long as COMPLETE would return EAGAIN: no busy loop. */
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	EXPECT_EQ(-ETIMEDOUT, complete(self->connection, 0, in_ms(20), NULL));

	device_block(self->device, 0);
	EXPECT_EQ(0, call_result(&waiter));
	EXPECT_EQ(POLLERR | POLLHUP,
		  poll_fd(self->connection, POLLIN, PATIENCE_MS));
	expect_frame_is_ours(self, arg.index);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 1));
	EXPECT_EQ(-ENODEV, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));
}

/*
 * I6: if a device does not stop after it has disappeared, the work item waits in the module's own
 * workqueue. In the system workqueue, many such items would delay the work of other drivers.
 */
TEST_F(stuck, unregistered_blocks_own_workqueue)
{
	submit_all(self);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	unregister_and_block_stop(self);
	EXPECT_TRUE(EVENTUALLY(waiting_kernel_threads("+ksalloc") == 1));
	device_block(self->device, 0);
	EXPECT_TRUE(EVENTUALLY(waiting_kernel_threads("+ksalloc") == 0));
}

/* Kills a process in a call that waits for a disappeared device to stop. */
static void kill_in_call(struct stuck_fixture *self, unsigned long request, void *arg,
			 size_t size)
{
	struct agent agent;

	agent_start(&agent);
	agent_begin(&agent, self->connection, request, arg, size);
	ASSERT_TRUE(agent_waits(&agent));
	agent_kill(&agent);
}

/* I6: SIGKILL ends all calls that wait for a disappeared device to stop. */
TEST_F(stuck, killed_after_unregister)
{
	struct ksalloc_get_framing framing = { .size = sizeof(framing) };
	struct ksalloc_set_allocator assign = { .size = sizeof(assign), .allocator_fd = -1 };
	struct ksalloc_set_state state = { .size = sizeof(state), .state = KSSTATE_STOP };
	struct ksalloc_submit queue = { .size = sizeof(queue), .dmabuf_fd = -1 };
	struct ksalloc_complete frame = { .size = sizeof(frame) };

	submit_all(self);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	unregister_and_block_stop(self);
	kill_in_call(self, KSALLOC_GET_FRAMING, &framing, sizeof(framing));
	kill_in_call(self, KSALLOC_SET_ALLOCATOR, &assign, sizeof(assign));
	kill_in_call(self, KSALLOC_SET_STATE, &state, sizeof(state));
	kill_in_call(self, KSALLOC_SUBMIT, &queue, sizeof(queue));
	kill_in_call(self, KSALLOC_COMPLETE, &frame, sizeof(frame));
	EXPECT_EQ(1, device_state(self->device).blocked);
	EXPECT_EQ(FRAMES, in_device(self->allocator));

	device_block(self->device, 0);
	EXPECT_EQ(-ENODEV, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(0, in_device(self->allocator));
}

/*
 * The device disappears during an operation, which then fails. The device is stopped after the
 * operation has returned, and the stop operation blocks.
 */
static void unregister_in(struct stuck_fixture *self, enum device_op op,
			  unsigned long request, void *arg)
{
	device_fail(self->device, op, -EINVAL);
	begin_blocked(self, op, request, arg);
	device_block(self->device, 1UL << op | 1UL << DEVICE_OP_STOP);
	device_unregister(self->device);
	device_block(self->device, 1UL << DEVICE_OP_STOP);
	ASSERT_TRUE(EVENTUALLY(device_state(self->device).calls[DEVICE_OP_STOP]));
	EXPECT_LT(0, in_device(self->allocator));
}

/* Passes if the call returns ENODEV, and does so only after the device returned its frames. */
static void expect_frames_back(struct stuck_fixture *self)
{
	ASSERT_TRUE(call_waits(&self->call));
	EXPECT_LT(0, in_device(self->allocator));
	EXPECT_EQ(-ENODEV, end_blocked(self));
	EXPECT_EQ(0, in_device(self->allocator));
}

/* I6: if the device disappears in SUBMIT, the frames come back. */
TEST_F(stuck, unregistered_in_submit)
{
	static struct ksalloc_submit arg = { .size = sizeof(arg), .dmabuf_fd = -1 };
	int index;

	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(0, submit(self->connection, 0));
	index = alloc_now(self->allocator);
	ASSERT_LE(0, index);
	arg.index = index;
	unregister_in(self, DEVICE_OP_QUEUE, KSALLOC_SUBMIT, &arg);
	expect_frames_back(self);
}

/* I6: if the device disappears in COMPLETE, the frames come back. */
TEST_F(stuck, unregistered_in_complete)
{
	static struct ksalloc_complete arg = { .size = sizeof(arg) };

	submit_all(self);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	unregister_in(self, DEVICE_OP_DEQUEUE, KSALLOC_COMPLETE, &arg);
	expect_frames_back(self);
}

/* I6: if the device disappears in a change of the state, the frames come back. */
TEST_F(stuck, unregistered_in_run)
{
	static struct ksalloc_set_state arg = {
		.size = sizeof(arg),
		.state = KSSTATE_RUN,
	};

	submit_all(self);
	unregister_in(self, DEVICE_OP_RUN, KSALLOC_SET_STATE, &arg);
	expect_frames_back(self);
}

/* I6: a device that disappears in a call without the lock stops during that call. */
TEST_F(stuck, unregistered_in_framing)
{
	static struct ksalloc_get_framing arg = { .size = sizeof(arg) };

	submit_all(self);
	device_fail(self->device, DEVICE_OP_GET_FRAMING, -EINVAL);
	begin_blocked(self, DEVICE_OP_GET_FRAMING, KSALLOC_GET_FRAMING, &arg);
	device_block(self->device,
		     1UL << DEVICE_OP_GET_FRAMING | 1UL << DEVICE_OP_STOP);
	device_unregister(self->device);
	ASSERT_TRUE(EVENTUALLY(device_state(self->device).blocked == 2));
	device_block(self->device, 1UL << DEVICE_OP_STOP);
	ASSERT_TRUE(EVENTUALLY(device_state(self->device).blocked == 1));
	expect_frames_back(self);
}

/* Non-blocking calls return EAGAIN until the device has returned its frames. */
TEST_F(stuck, unregistered_in_nonblocking)
{
	static struct ksalloc_complete arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_NONBLOCK,
	};

	submit_all(self);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	unregister_in(self, DEVICE_OP_DEQUEUE, KSALLOC_COMPLETE, &arg);
	self->calling = false;
	EXPECT_EQ(-EAGAIN, call_result(&self->call));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0, &arg));
	EXPECT_LT(0, in_device(self->allocator));
	device_block(self->device, 0);
	EXPECT_TRUE(EVENTUALLY(complete(self->connection, KSALLOC_NONBLOCK, 0, &arg) !=
			       -EAGAIN));
	EXPECT_EQ(-ENODEV, complete(self->connection, KSALLOC_NONBLOCK, 0, &arg));
	EXPECT_EQ(0, in_device(self->allocator));
}

static void *close_in_thread(void *data)
{
	struct stuck_fixture *self = data;

	close(self->connection);
	return NULL;
}

/*
 * I4: a device that does not stop keeps its frames until it is destroyed. Until then the
 * connection can only be closed.
 */
static void expect_stuck(struct stuck_fixture *self, struct call *waiter,
			 const struct ksalloc_alloc *arg)
{
	struct device_state state;
	pthread_t thread;
	char text[16];

	expect_frames_kept(self, waiter);
	EXPECT_TRUE(fdinfo_value(self->connection, "state", text, sizeof(text)));
	EXPECT_TRUE(!strcmp("STUCK", text) || !strcmp("GONE", text));

	/* The frames are not free before the device is destroyed */
	device_block(self->device, 1UL << DEVICE_OP_DESTROY);
	agent_kill(&self->agent);
	self->agent.pid = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_in_thread, self));
	ASSERT_TRUE(EVENTUALLY(device_state(self->device).blocked == 1));
	expect_frames_kept(self, waiter);
	device_block(self->device, 0);
	pthread_join(thread, NULL);
	self->connection = 0;

	EXPECT_EQ(0, call_result(waiter));
	expect_frame_is_ours(self, arg->index);
	EXPECT_EQ(1, allocated(self->allocator));
	state = device_state(self->device);
	EXPECT_EQ(0, state.calls[DEVICE_OP_RELEASE]);
	EXPECT_EQ(1, state.calls[DEVICE_OP_STOP]);
	EXPECT_EQ(1, state.calls[DEVICE_OP_DESTROY]);
}

/* I4: a device that does not stop keeps its frames. */
TEST_F(stuck, stop_fails)
{
	static struct ksalloc_alloc arg;
	static struct call waiter;

	stream_with_waiter(self, &waiter, &arg);
	device_fail(self->device, DEVICE_OP_STOP, -EREMOTEIO);
	EXPECT_EQ(-EIO, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(-EIO, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(-EIO, set_allocator(self->connection, -1));
	EXPECT_EQ(-EIO, reset_state(self->connection, KSRESET_BEGIN));
	expect_stuck(self, &waiter, &arg);
}

/* I4: a device that does not stop in a flush keeps its frames. */
TEST_F(stuck, stop_fails_in_flush)
{
	static struct ksalloc_alloc arg;
	static struct call waiter;

	stream_with_waiter(self, &waiter, &arg);
	device_fail(self->device, DEVICE_OP_STOP, -EREMOTEIO);
	EXPECT_EQ(-EIO, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(-EIO, set_state(self->connection, KSSTATE_STOP));
	expect_stuck(self, &waiter, &arg);
}

/* I4: a device that has disappeared, and does not stop, keeps its frames. */
TEST_F(stuck, stop_fails_when_unregistered)
{
	static struct ksalloc_alloc arg;
	static struct call waiter;

	stream_with_waiter(self, &waiter, &arg);
	device_fail(self->device, DEVICE_OP_STOP, -EREMOTEIO);
	device_unregister(self->device);
	EXPECT_EQ(-EIO, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(-EIO, set_allocator(self->connection, -1));
	expect_stuck(self, &waiter, &arg);
}

/* The errno ENODEV of an operation does not mean that the device has disappeared. */
static void expect_no_end(struct stuck_fixture *self)
{
	struct ksallocator_framing framing;

	device_fail(self->device, DEVICE_OP_GET_FRAMING, -ENODEV);
	EXPECT_EQ(-EIO, get_framing(self->connection, &framing));
	device_fail(self->device, DEVICE_OP_GET_FRAMING, 0);
	device_fail(self->device, DEVICE_OP_RUN, -ENODEV);
	EXPECT_EQ(-EIO, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_PAUSE, get_state(self->connection));
	EXPECT_EQ(1, in_device(self->allocator));
	device_fail(self->device, DEVICE_OP_RUN, 0);
	device_fail(self->device, DEVICE_OP_DEQUEUE, -ENODEV);
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(-EIO, complete(self->connection, 0, in_ms(PATIENCE_MS), NULL));
	device_fail(self->device, DEVICE_OP_DEQUEUE, 0);
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
}

/* Errors of each operation are passed on, and the state does not change. */
TEST_F(stuck, operations_fail)
{
	struct ksalloc_complete out;
	int fd;

	device_fail(self->device, DEVICE_OP_QUEUE, -ENOSPC);
	ASSERT_EQ(0, alloc_now(self->allocator));
	EXPECT_EQ(-ENOSPC, submit(self->connection, 0));
	EXPECT_EQ(0, in_device(self->allocator));
	device_fail(self->device, DEVICE_OP_QUEUE, 0);
	EXPECT_EQ(0, submit(self->connection, 0));

	expect_no_end(self);
	device_fail(self->device, DEVICE_OP_RUN, -EREMOTEIO);
	EXPECT_EQ(-EREMOTEIO, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_PAUSE, get_state(self->connection));
	device_fail(self->device, DEVICE_OP_RUN, 0);
	device_fail(self->device, DEVICE_OP_DEQUEUE, -ECOMM);
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(-ECOMM, complete(self->connection, 0, in_ms(PATIENCE_MS), &out));
	device_fail(self->device, DEVICE_OP_DEQUEUE, 0);
	EXPECT_EQ(0, complete(self->connection, 0, in_ms(PATIENCE_MS), &out));

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	device_fail(self->device, DEVICE_OP_ACQUIRE, -EXDEV);
	EXPECT_EQ(-EXDEV, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));

	device_fail(self->device, DEVICE_OP_WATCH, -ENETDOWN);
	EXPECT_EQ(-ENETDOWN, device_connect(self->device));
	EXPECT_EQ(1, device_state(self->device).calls[DEVICE_OP_DESTROY]);
	device_fail(self->device, DEVICE_OP_WATCH, 0);
	fd = device_connect(self->device);
	EXPECT_LE(0, fd);
	close(fd);
}
