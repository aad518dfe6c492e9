/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations for which frames circulate, for suites with failure injection. The calls are made in
 * the way that the operation says.
 */
#ifndef SELFTESTS_READER_OPERATION_H
#define SELFTESTS_READER_OPERATION_H

#include "operation.h"

#define READERS_WITHOUT_FIXTURE
#include "readers.h"

#include <unistd.h>

FIXTURE_SETUP(faults)
{
	operation_set_up(self);
}

FIXTURE_TEARDOWN(faults)
{
	operation_tear_down(self);
}

/* In PAUSE, frames circulate, and there is a reader without views */
static inline void prepare_reader(struct faults_fixture *self)
{
	if (self->reader > 0)
		close(self->reader);
	self->reader = reader_open(self->rig.connection, 1, 0, 0);
	ASSERT_LE(0, self->reader);
	ASSERT_EQ(0, circulate(self->rig.connection, KSSTATE_PAUSE));
}

/* A frame waits in its queue, and no other one comes. A call that failed left it there */
static inline void prepare_queued(struct faults_fixture *self)
{
	if (self->reader > 0) {
		ASSERT_EQ(1, reader_info(self->reader).queued);
		ASSERT_EQ(0, reader_info(self->reader).lost);
		return;
	}
	prepare_reader(self);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(POLLIN, poll_fd(self->reader, POLLIN, PATIENCE_MS));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(1, reader_info(self->reader).queued);
}

static inline int exchange(struct faults_fixture *self, int give, bool take)
{
	struct ksalloc_reader_frame frame = { };
	__u32 index = give;
	struct ksalloc_exchange arg = {
		.size = sizeof(arg),
		.give = (uintptr_t)&index,
		.nr_give = give >= 0,
		.take = (uintptr_t)&frame,
		.nr_take = take,
		.wait_for = take,
		.take_size = sizeof(frame),
		.generation = 1,
	};
	int ret;

	ret = (self->op->call ? self->op->call : call_fd)(self->reader, KSALLOC_EXCHANGE, &arg);
	if (ret == 1)
		self->index = frame.index;
	return ret;
}

static inline int take_frame(struct faults_fixture *self)
{
	return exchange(self, -1, true);
}

static inline void end_circulation(struct faults_fixture *self, int result)
{
	ASSERT_LE(0, result);
	close(self->reader);
	self->reader = -1;
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
}

static inline void prepare_taken(struct faults_fixture *self)
{
	if (self->reader <= 0) {
		prepare_queued(self);
		ASSERT_EQ(1, take_frame(self));
	}
	ASSERT_EQ(1, reader_info(self->reader).taken);
}

static inline int give_frame(struct faults_fixture *self)
{
	return exchange(self, self->index, false);
}

/* EXCHANGE that takes a frame, after prepare_queued(). The rest of an OPERATION */
#define EXCHANGE_TAKES(before) \
	.ioctl = &ioctls[IOCTL_EXCHANGE], \
	.prepare = (before), \
	.run = take_frame, \
	.undo = end_circulation, \
	.circulates = true, \
	.points = { [COPY] = 2 }

/* The same that gives it back, after prepare_taken() */
#define EXCHANGE_GIVES(before) \
	.ioctl = &ioctls[IOCTL_EXCHANGE], \
	.prepare = (before), \
	.run = give_frame, \
	.undo = end_circulation, \
	.circulates = true, \
	.points = { [COPY] = 1 }

#endif
