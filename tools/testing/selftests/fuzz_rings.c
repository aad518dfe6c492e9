// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random commands of io_uring: some are linked, run in a worker from the beginning, have a
 * timeout, or are cancelled. Rings end while commands wait.
 */
#include "fuzz.h"

#include <liburing.h>
#include <string.h>

/* Commands that are made at the same time. Each of them has memory for its argument */
#define OPS 8
#define ENTRIES 32
/* Percent of the turns after which the ring is replaced */
#define REPLACE_PERCENT 1
/* Longer than most commands wait */
#define PATIENCE_US 3000
/* user_data of what is not a command */
#define NO_COMMAND OPS

struct op {
	struct caller caller;
	const struct ioctl_entry *command;
	int fd;
	bool busy;
};

struct rings {
	struct thread *thread;
	struct io_uring ring;
	struct op ops[OPS];
	struct __kernel_timespec timeout;
};

static void rings_begin(struct rings *rings)
{
	unsigned int i;

	ASSERT_EQ(0, io_uring_queue_init(ENTRIES, &rings->ring, 0));
	rings->thread->fuzz->rings++;
	for (i = 0; i < OPS; i++)
		rings->ops[i].busy = false;
}

/* Most commands are those that can wait: the module refuses the others */
static const struct ioctl_entry *any_waiting(struct caller *caller)
{
	static const unsigned int waiting[] = { IOCTL_ALLOC, IOCTL_COMPLETE, IOCTL_EXCHANGE };

	return chance(&caller->seed, 5) ? any_command(caller) :
					  &ioctls[waiting[pick(&caller->seed, 3)]];
}

static unsigned int any_sqe_flags(unsigned int *seed)
{
	unsigned int flags = 0;

	if (chance(seed, 20))
		flags |= IOSQE_ASYNC;
	if (chance(seed, 10))
		flags |= chance(seed, 50) ? IOSQE_IO_LINK : IOSQE_IO_HARDLINK;
	if (chance(seed, 2))
		flags |= IOSQE_IO_DRAIN;
	return flags;
}

static void prepare_command(struct rings *rings, unsigned int number)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&rings->ring);
	struct op *op = &rings->ops[number];
	unsigned int *seed = &op->caller.seed;
	struct ksalloc_uring_cmd cmd = { 0 };

	ASSERT_TRUE(sqe);
	op->command = any_waiting(&op->caller);
	op->fd = any_fd(seed, op->command->file);
	cmd.arg = (uintptr_t)make_argument(&op->caller, op->command);
	if (chance(seed, 1))
		cmd.__reserved = random_bits(seed);
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, op->fd, NULL, 0, 0);
	sqe->cmd_op = any_request(seed, op->command->request);
	sqe->uring_cmd_flags = chance(seed, 1) ? random_bits(seed) : 0;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	sqe->flags = any_sqe_flags(seed);
	io_uring_sqe_set_data64(sqe, number);
	op->busy = true;
	if (!(sqe->flags & IOSQE_IO_LINK) || chance(seed, 50))
		return;
	sqe = io_uring_get_sqe(&rings->ring);
	ASSERT_TRUE(sqe);
	rings->timeout.tv_nsec = pick(seed, 2000000);
	io_uring_prep_link_timeout(sqe, &rings->timeout, 0);
	io_uring_sqe_set_data64(sqe, NO_COMMAND);
}

static void prepare_cancel(struct rings *rings, unsigned int *seed)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&rings->ring);

	ASSERT_TRUE(sqe);
	if (chance(seed, 20))
		io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
	else
		io_uring_prep_cancel64(sqe, pick(seed, OPS), 0);
	io_uring_sqe_set_data64(sqe, NO_COMMAND);
}

static void take_cqe(struct rings *rings, const struct io_uring_cqe *cqe)
{
	struct thread *thread = rings->thread;
	struct fuzz *fuzz = thread->fuzz;
	struct op *op;

	if (cqe->user_data >= OPS)
		return;
	op = &rings->ops[cqe->user_data];
	op->busy = false;
	thread->calls++;
	if (cqe->res >= 0) {
		fuzz->ring_succeeded++;
		return;
	}
	if (cqe->res == -EINTR || cqe->res == -ECANCELED)
		fuzz->ring_cancelled++;
	else
		fuzz->ring_failed++;
	note_unknown(thread, op->command->name, op->command->request, op->fd, -cqe->res);
}

/* Waits for one result, but not long, and takes all that are there */
static void take_results(struct rings *rings)
{
	struct __kernel_timespec patience = { .tv_nsec = PATIENCE_US * 1000 };
	struct io_uring_cqe *cqe;

	io_uring_wait_cqe_timeout(&rings->ring, &cqe, &patience);
	while (!io_uring_peek_cqe(&rings->ring, &cqe)) {
		take_cqe(rings, cqe);
		io_uring_cqe_seen(&rings->ring, cqe);
	}
}

static void turn(struct rings *rings)
{
	unsigned int *seed = &rings->thread->caller.seed;
	unsigned int i, prepared = 0;

	for (i = 0; i < OPS; i++) {
		if (rings->ops[i].busy || chance(seed, 30))
			continue;
		prepare_command(rings, i);
		prepared++;
	}
	if (!prepared || chance(seed, 20))
		prepare_cancel(rings, seed);
	io_uring_submit(&rings->ring);
	take_results(rings);
}

void *call_rings(void *data)
{
	struct rings rings = { .thread = data };
	struct thread *thread = data;
	unsigned int *seed = &thread->caller.seed, i;

	for (i = 0; i < OPS; i++) {
		caller_prepare(&rings.ops[i].caller, random_bits(seed),
			       thread->caller.frame_size);
		rings.ops[i].caller.no_descriptor = true;
	}
	wait_for_noise(thread);
	rings_begin(&rings);
	while (!thread->fuzz->stop) {
		turn(&rings);
		if (!chance(seed, REPLACE_PERCENT))
			continue;
		io_uring_queue_exit(&rings.ring);
		rings_begin(&rings);
	}
	io_uring_queue_exit(&rings.ring);
	return NULL;
}
