// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failure injection, as in faults.c, for commands of io_uring that do not wait. They run in the
 * task that submits them. Failures are injected into that task only, and not into workers.
 */
#define URING_WITHOUT_FIXTURE
#include "reader_operation.h"
#include "uring.h"

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
	begin(&ring, fd, request, arg, 1);
	ASSERT_EQ(1, io_uring_cq_ready(&ring));
	return result(&ring, 1);
}

static void prepare_alloc(struct faults_fixture *self)
{
	prepare_ring();
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
}

/* A4: ALLOC that fails takes neither a frame nor a descriptor. */
OPERATION(alloc) = {
	CALLS(ALLOC, alloc, .flags = KSALLOC_ALLOC_DMABUF),
	.use = "by io_uring",
	.call = call_by_ring,
	.prepare = prepare_alloc,
	.undo = operation_undo_alloc,
	.points = { [SLAB] = 2, [COPY] = 2 },
};

static void prepare_filled(struct faults_fixture *self)
{
	prepare_ring();
	operation_prepare_filled(self);
}

/* A4: after a failure of COMPLETE, the next one returns the filled frame. */
OPERATION(complete) = {
	CALLS(COMPLETE, complete),
	.use = "by io_uring",
	.call = call_by_ring,
	.answers_again = true,
	.prepare = prepare_filled,
	.undo = operation_undo_complete,
	.points = { [COPY] = 2 },
};

static void prepare_ring_and_queued(struct faults_fixture *self)
{
	prepare_ring();
	prepare_queued(self);
}

/* A4: EXCHANGE that cannot describe a frame leaves it in the queue. */
OPERATION(exchange) = {
	EXCHANGE_TAKES(prepare_ring_and_queued),
	.use = "that takes, by io_uring",
	.call = call_by_ring,
};

static void prepare_ring_and_taken(struct faults_fixture *self)
{
	prepare_ring();
	prepare_taken(self);
}

/* A4: EXCHANGE that fails gives no frame back. */
OPERATION(exchange_gives) = {
	EXCHANGE_GIVES(prepare_ring_and_taken),
	.use = "that gives back, by io_uring",
	.call = call_by_ring,
};
