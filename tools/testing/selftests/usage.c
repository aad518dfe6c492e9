// SPDX-License-Identifier: GPL-2.0-only
/*
 * A valid call of each ioctl: see usage.h.
 */
#include "usage.h"

#include <string.h>
#include <unistd.h>

struct meaning {
	void (*prepare)(struct abi_fixture *self, union ioctl_argument *arg);
	/* Without such a function, a returned descriptor is closed. */
	void (*undo)(struct abi_fixture *self, const union ioctl_argument *arg,
		     int result);
	bool on_idle_connection;
};

static void take_frame(struct abi_fixture *self, __u32 *index)
{
	int got = alloc_now(self->rig.allocator);

	ASSERT_LE(0, got);
	*index = got;
}

static void give_back_filled(struct abi_fixture *self)
{
	int index = rig_complete(&self->rig, NULL);

	ASSERT_LE(0, index);
	ASSERT_EQ(0, free_frame(self->rig.allocator, index));
}

static void prepare_connect(struct abi_fixture *self, union ioctl_argument *arg)
{
	arg->connect.v4l2_fd = self->spare_video;
}

static void prepare_share(struct abi_fixture *self, union ioctl_argument *arg)
{
	arg->share.v4l2_fd = self->spare_video;
}

static void prepare_create_allocator(struct abi_fixture *self,
				     union ioctl_argument *arg)
{
	arg->create_allocator.heap_fd = self->rig.heap;
	arg->create_allocator.framing.options_flags =
		usual_memory();
}

static void prepare_set_allocator(struct abi_fixture *self,
				  union ioctl_argument *arg)
{
	arg->set_allocator.allocator_fd = self->rig.allocator;
}

static void undo_set_allocator(struct abi_fixture *self,
			       const union ioctl_argument *arg, int result)
{
	(void)arg;
	(void)result;
	ASSERT_EQ(0, set_allocator(self->idle_connection, -1));
}

static void prepare_set_state(struct abi_fixture *self,
			      union ioctl_argument *arg)
{
	(void)self;
	arg->set_state.state = KSSTATE_PAUSE;
}

static void undo_set_state(struct abi_fixture *self,
			   const union ioctl_argument *arg, int result)
{
	(void)arg;
	EXPECT_EQ(result ? KSSTATE_RUN : KSSTATE_PAUSE,
		  get_state(self->rig.connection));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
}

/* Frames with even indexes are queued by descriptor, the others by the kernel thread. */
static void prepare_submit(struct abi_fixture *self, union ioctl_argument *arg)
{
	take_frame(self, &arg->submit.index);
	self->dmabuf = -1;
	if (arg->submit.index % 2 == 0)
		self->dmabuf = export_frame(self->rig.allocator,
					    arg->submit.index);
	arg->submit.dmabuf_fd = self->dmabuf;
}

static void undo_submit(struct abi_fixture *self,
			const union ioctl_argument *arg, int result)
{
	if (self->dmabuf >= 0)
		close(self->dmabuf);
	if (result)
		ASSERT_EQ(0, free_frame(self->rig.allocator,
					arg->submit.index));
	else
		give_back_filled(self);
}

static void prepare_complete(struct abi_fixture *self,
			     union ioctl_argument *arg)
{
	__u32 index;

	take_frame(self, &index);
	ASSERT_EQ(0, submit(self->rig.connection, index));
	ASSERT_TRUE(poll_fd(self->rig.connection, POLLIN, PATIENCE_MS) &
		    POLLIN);
	arg->complete.deadline_ns = in_ms(PATIENCE_MS);
}

static void undo_complete(struct abi_fixture *self,
			  const union ioctl_argument *arg, int result)
{
	if (result)
		give_back_filled(self);
	else
		ASSERT_EQ(0, free_frame(self->rig.allocator,
					arg->complete.index));
}

static void prepare_reset_state(struct abi_fixture *self,
				union ioctl_argument *arg)
{
	(void)self;
	arg->reset_state.reset = KSRESET_BEGIN;
}

static void undo_reset_state(struct abi_fixture *self,
			     const union ioctl_argument *arg, int result)
{
	(void)arg;
	EXPECT_EQ(result ? 0 : POLLERR,
		  poll_fd(self->rig.connection, POLLIN, 0));
	ASSERT_EQ(0, reset_state(self->rig.connection, KSRESET_END));
}

static void undo_alloc(struct abi_fixture *self,
		       const union ioctl_argument *arg, int result)
{
	if (!result)
		ASSERT_EQ(0, free_frame(self->rig.allocator, arg->alloc.index));
}

static void prepare_free(struct abi_fixture *self, union ioctl_argument *arg)
{
	take_frame(self, &arg->free.index);
}

static void undo_free(struct abi_fixture *self, const union ioctl_argument *arg,
		      int result)
{
	if (result)
		ASSERT_EQ(0, free_frame(self->rig.allocator, arg->free.index));
}

static void prepare_enable_event(struct abi_fixture *self,
				 union ioctl_argument *arg)
{
	arg->enable_event.event = KSEVENT_STREAMALLOCATOR_FREEFRAME;
	arg->enable_event.eventfd = self->eventfd;
}

static void undo_enable_event(struct abi_fixture *self,
			      const union ioctl_argument *arg, int result)
{
	if (!result)
		ASSERT_EQ(0, disable_event(self->rig.allocator,
					   arg->enable_event.id));
}

static void prepare_disable_event(struct abi_fixture *self,
				  union ioctl_argument *arg)
{
	int id = enable_event(self->rig.allocator, 0, self->eventfd);

	ASSERT_LT(0, id);
	arg->disable_event.id = id;
}

static void undo_disable_event(struct abi_fixture *self,
			       const union ioctl_argument *arg, int result)
{
	if (result)
		ASSERT_EQ(0, disable_event(self->rig.allocator,
					   arg->disable_event.id));
}

static void prepare_reader_open(struct abi_fixture *self, union ioctl_argument *arg)
{
	(void)self;
	arg->reader_open.depth = 1;
}

static void prepare_reader_export(struct abi_fixture *self, union ioctl_argument *arg)
{
	(void)self;
	arg->reader_export.generation = 1;
}

static const struct meaning meanings[IOCTLS] = {
	[IOCTL_CONNECT] = { .prepare = prepare_connect },
	[IOCTL_SHARE] = { .prepare = prepare_share },
	[IOCTL_CREATE_ALLOCATOR] = { .prepare = prepare_create_allocator },
	[IOCTL_SET_ALLOCATOR] = {
		prepare_set_allocator, undo_set_allocator, true,
	},
	[IOCTL_SET_STATE] = { prepare_set_state, undo_set_state },
	[IOCTL_SUBMIT] = { prepare_submit, undo_submit },
	[IOCTL_COMPLETE] = { prepare_complete, undo_complete },
	[IOCTL_RESET_STATE] = { prepare_reset_state, undo_reset_state },
	[IOCTL_ALLOC] = { .undo = undo_alloc },
	[IOCTL_FREE] = { prepare_free, undo_free },
	[IOCTL_ENABLE_EVENT] = { prepare_enable_event, undo_enable_event },
	[IOCTL_DISABLE_EVENT] = { prepare_disable_event, undo_disable_event },
	[IOCTL_READER_OPEN] = { .prepare = prepare_reader_open },
	[IOCTL_READER_EXPORT] = { .prepare = prepare_reader_export },
};

static const struct meaning *meaning_of(const struct ioctl_entry *op)
{
	return &meanings[op - ioctls];
}

int usage_fd(const struct abi_fixture *self, enum file_kind kind)
{
	switch (kind) {
	case FILE_DEVICE:
		return self->rig.ksalloc;
	case FILE_CONNECTION:
		return self->rig.connection;
	case FILE_ALLOCATOR:
		return self->rig.allocator;
	case FILE_READER:
		return self->reader;
	default:
		return -1;
	}
}

int usage_op_fd(const struct abi_fixture *self, const struct ioctl_entry *op)
{
	if (meaning_of(op)->on_idle_connection)
		return self->idle_connection;
	return usage_fd(self, op->file);
}

void usage_fill(struct abi_fixture *self, const struct ioctl_entry *op, void *arg)
{
	const struct ioctl_field *field;
	__u32 size = op->size;

	memset(arg, 0, op->size);
	for (field = op->fields; field->kind != FIELD_END; field++)
		if (field_is_out(field->kind))
			memset((char *)arg + field->offset, FILLER, field->size);
	if (meaning_of(op)->prepare)
		meaning_of(op)->prepare(self, arg);
	memcpy(arg, &size, sizeof(size));
}

void usage_undo(struct abi_fixture *self, const struct ioctl_entry *op,
		const void *arg, int result)
{
	if (meaning_of(op)->undo)
		meaning_of(op)->undo(self, arg, result);
	else if (op->returns != FILE_NONE && result >= 0)
		close(result);
}
