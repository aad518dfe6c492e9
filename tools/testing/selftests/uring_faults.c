// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failure injection, as in faults.c, for commands of io_uring that do not wait. They run in the
 * task that submits them. Failures are injected into that task only, and not into workers.
 */
#include "operation.h"

#include <liburing.h>
#include <string.h>
#include <unistd.h>

FIXTURE_SETUP(faults)
{
	if (!inject_is_possible())
		SKIP("the kernel injects no failures");
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->index = -1;
	self->dmabuf = -1;
}

FIXTURE_TEARDOWN(faults)
{
	if (inject_is_possible())
		inject_tear_down();
	if (self->reader > 0)
		close(self->reader);
	rig_close(&self->rig);
}

/* A process that was forked cannot use the ring of its parent: both have a position in it */
static struct io_uring ring;
static pid_t ring_owner;

static void prepare_ring(void)
{
	if (ring_owner == getpid())
		return;
	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	ring_owner = getpid();
}

/* Makes an ioctl as a command, which must be complete when its submission returns */
static int call_by_ring(int fd, unsigned long request, void *arg)
{
	struct ksalloc_uring_cmd cmd = { .arg = (uintptr_t)arg };
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct io_uring_cqe *cqe = NULL;
	int result;

	ASSERT_TRUE(sqe);
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = request;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	ASSERT_EQ(1, io_uring_submit(&ring));
	ASSERT_EQ(1, io_uring_cq_ready(&ring));
	ASSERT_EQ(0, io_uring_peek_cqe(&ring, &cqe));
	result = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return result;
}

static void prepare_alloc(struct faults_fixture *self)
{
	prepare_ring();
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
}

static void undo_alloc(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, close(self->arg.alloc.dmabuf_fd));
	ASSERT_EQ(0, free_frame(self->rig.allocator, self->arg.alloc.index));
}

/* A4: ALLOC that fails takes neither a frame nor a descriptor. */
OPERATION(alloc) = {
	CALLS(ALLOC, alloc, .flags = KSALLOC_ALLOC_DMABUF),
	.use = "by io_uring",
	.call = call_by_ring,
	.prepare = prepare_alloc,
	.undo = undo_alloc,
	.points = { [SLAB] = 2, [COPY] = 2 },
};

static void prepare_filled(struct faults_fixture *self)
{
	prepare_ring();
	operation_prepare_state(self, KSSTATE_RUN);
	ASSERT_TRUE(poll_fd(self->rig.connection, POLLIN, PATIENCE_MS) & POLLIN);
}

static void undo_complete(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, submit(self->rig.connection, self->arg.complete.index));
}

/* A4: after a failure of COMPLETE, the next one returns the filled frame. */
OPERATION(complete) = {
	CALLS(COMPLETE, complete),
	.use = "by io_uring",
	.call = call_by_ring,
	.answers_again = true,
	.prepare = prepare_filled,
	.undo = undo_complete,
	.points = { [COPY] = 2 },
};

static struct ksalloc_reader_info info_of(int reader)
{
	struct ksalloc_reader_info info = { .size = sizeof(info) };

	EXPECT_EQ(0, call_fd(reader, KSALLOC_READER_INFO, &info));
	return info;
}

/* In PAUSE, a frame waits in the queue of a reader. A command that failed left it there */
static void prepare_queued(struct faults_fixture *self)
{
	struct ksalloc_reader_open reader = { .size = sizeof(reader), .depth = 1 };
	struct ksalloc_set_state state = {
		.size = sizeof(state),
		.flags = KSALLOC_CIRCULATE,
		.state = KSSTATE_RUN,
	};

	prepare_ring();
	if (self->reader > 0) {
		ASSERT_EQ(1, info_of(self->reader).queued);
		ASSERT_EQ(0, info_of(self->reader).lost);
		return;
	}
	self->reader = call_fd(self->rig.connection, KSALLOC_READER_OPEN, &reader);
	ASSERT_LE(0, self->reader);
	ASSERT_EQ(0, call_fd(self->rig.connection, KSALLOC_SET_STATE, &state));
	ASSERT_EQ(POLLIN, poll_fd(self->reader, POLLIN, PATIENCE_MS));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
}

static int take_by_ring(struct faults_fixture *self)
{
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg = {
		.size = sizeof(arg),
		.take = (uintptr_t)&frame,
		.nr_take = 1,
		.wait_for = 1,
		.take_size = sizeof(frame),
	};
	int result = call_by_ring(self->reader, KSALLOC_EXCHANGE, &arg);

	if (result == 1)
		self->index = frame.index;
	return result;
}

static void end_circulation(struct faults_fixture *self, int result)
{
	ASSERT_LE(0, result);
	close(self->reader);
	self->reader = -1;
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
}

/* A4: EXCHANGE that cannot describe a frame leaves it in the queue. */
OPERATION(exchange) = {
	.ioctl = &ioctls[IOCTL_EXCHANGE],
	.use = "that takes, by io_uring",
	.prepare = prepare_queued,
	.run = take_by_ring,
	.undo = end_circulation,
	.circulates = true,
	.points = { [COPY] = 2 },
};

static void prepare_taken(struct faults_fixture *self)
{
	if (self->reader <= 0) {
		prepare_queued(self);
		ASSERT_EQ(1, take_by_ring(self));
	}
	prepare_ring();
	ASSERT_EQ(1, info_of(self->reader).taken);
}

static int give_by_ring(struct faults_fixture *self)
{
	__u32 index = self->index;
	struct ksalloc_exchange arg = {
		.size = sizeof(arg),
		.give = (uintptr_t)&index,
		.nr_give = 1,
		.generation = 1,
	};

	return call_by_ring(self->reader, KSALLOC_EXCHANGE, &arg);
}

/* A4: EXCHANGE that fails gives no frame back. */
OPERATION(exchange_gives) = {
	.ioctl = &ioctls[IOCTL_EXCHANGE],
	.use = "that gives back, by io_uring",
	.prepare = prepare_taken,
	.run = give_by_ring,
	.undo = end_circulation,
	.circulates = true,
	.points = { [COPY] = 1 },
};
