/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations for which frames circulate, for suites with failure injection. The calls are made in
 * the way that the operation says.
 */
#ifndef SELFTESTS_READER_OPERATION_H
#define SELFTESTS_READER_OPERATION_H

#include "operation.h"

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

/* In PAUSE, frames circulate, and there is a reader without views */
static inline void prepare_reader(struct faults_fixture *self)
{
	struct ksalloc_reader_open reader = { .size = sizeof(reader), .depth = 1 };
	struct ksalloc_set_state state = {
		.size = sizeof(state),
		.flags = KSALLOC_CIRCULATE,
		.state = KSSTATE_PAUSE,
	};

	if (self->reader > 0)
		close(self->reader);
	self->reader = call_fd(self->rig.connection, KSALLOC_READER_OPEN, &reader);
	ASSERT_LE(0, self->reader);
	ASSERT_EQ(0, call_fd(self->rig.connection, KSALLOC_SET_STATE, &state));
}

static inline struct ksalloc_reader_info reader_info(struct faults_fixture *self)
{
	struct ksalloc_reader_info info = { .size = sizeof(info) };

	EXPECT_EQ(0, call_fd(self->reader, KSALLOC_READER_INFO, &info));
	return info;
}

/* A frame waits in its queue, and no other one comes. A call that failed left it there */
static inline void prepare_queued(struct faults_fixture *self)
{
	if (self->reader > 0) {
		ASSERT_EQ(1, reader_info(self).queued);
		ASSERT_EQ(0, reader_info(self).lost);
		return;
	}
	prepare_reader(self);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(POLLIN, poll_fd(self->reader, POLLIN, PATIENCE_MS));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(1, reader_info(self).queued);
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
	int result;

	result = (self->op->call ? self->op->call : call_fd)(self->reader, KSALLOC_EXCHANGE,
							     &arg);
	if (result == 1)
		self->index = frame.index;
	return result;
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
	ASSERT_EQ(1, reader_info(self).taken);
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
