// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions for the ioctls: see ksalloc_test.h.
 */
#include "ksalloc_test.h"

#include <string.h>
#include <sys/ioctl.h>

#include "remote.h"

int call_fd(int fd, unsigned long request, void *arg)
{
	int result;

	if (remote_call(fd, request, arg, &result))
		return result;
	result = ioctl(fd, request, arg);
	return result < 0 ? -errno : result;
}

int do_connect(int ksalloc, int video)
{
	struct ksalloc_connect arg = {
		.size = sizeof(arg),
		.v4l2_fd = video,
	};

	return call_fd(ksalloc, KSALLOC_CONNECT, &arg);
}

int get_framing(int connection, struct ksallocator_framing *framing)
{
	struct ksalloc_get_framing arg = { .size = sizeof(arg) };
	int err = call_fd(connection, KSALLOC_GET_FRAMING, &arg);

	*framing = arg.framing;
	return err;
}

int create_framed(int connection, int heap,
		  const struct ksallocator_framing *framing)
{
	struct ksalloc_create_allocator arg = {
		.size = sizeof(arg),
		.heap_fd = heap,
		.framing = *framing,
	};

	return call_fd(connection, KSALLOC_CREATE_ALLOCATOR, &arg);
}

int create_allocator(int connection, int heap, unsigned int frames,
		     unsigned int frame_size)
{
	struct ksallocator_framing framing = {
		.options_flags = usual_memory(),
		.frames = frames,
		.frame_size = frame_size,
	};

	return create_framed(connection, heap, &framing);
}

int create_own(int connection, unsigned int frames, unsigned int frame_size)
{
	const struct ksallocator_framing framing = {
		.frames = frames,
		.frame_size = frame_size,
	};

	return create_framed(connection, -1, &framing);
}

struct ksalloc_create_allocator import_of(const int *dmabufs, unsigned int count)
{
	return (struct ksalloc_create_allocator){
		.size = sizeof(struct ksalloc_create_allocator),
		.flags = KSALLOC_IMPORT,
		.heap_fd = -1,
		.nr_dmabufs = count,
		.framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.dmabufs = (uintptr_t)dmabufs,
	};
}

int import_dmabufs(int connection, const int *dmabufs, unsigned int count)
{
	struct ksalloc_create_allocator arg = import_of(dmabufs, count);

	return call_fd(connection, KSALLOC_CREATE_ALLOCATOR, &arg);
}

int set_allocator(int connection, int allocator)
{
	struct ksalloc_set_allocator arg = {
		.size = sizeof(arg),
		.allocator_fd = allocator,
	};

	return call_fd(connection, KSALLOC_SET_ALLOCATOR, &arg);
}

int set_state(int connection, unsigned int state)
{
	struct ksalloc_set_state arg = { .size = sizeof(arg), .state = state };

	return call_fd(connection, KSALLOC_SET_STATE, &arg);
}

int get_state(int connection)
{
	struct ksalloc_get_state arg = { .size = sizeof(arg) };
	int err = call_fd(connection, KSALLOC_GET_STATE, &arg);

	return err ? err : (int)arg.state;
}

void expect_refusal(int connection, unsigned int refusal, unsigned int frame, int error)
{
	struct ksalloc_get_state arg = { .size = sizeof(arg) };

	ASSERT_EQ(0, call_fd(connection, KSALLOC_GET_STATE, &arg));
	EXPECT_EQ(refusal, arg.refusal);
	EXPECT_EQ(frame, arg.refused_frame);
	EXPECT_EQ(error, arg.refused_error);
}

int get_pending(int connection)
{
	struct ksalloc_get_state arg = { .size = sizeof(arg) };
	int err = call_fd(connection, KSALLOC_GET_STATE, &arg);

	return err ? err : (int)arg.pending;
}

int submit(int connection, unsigned int index)
{
	return submit_fd(connection, index, -1);
}

int submit_fd(int connection, unsigned int index, int dmabuf)
{
	struct ksalloc_submit arg = {
		.size = sizeof(arg),
		.index = index,
		.dmabuf_fd = dmabuf,
	};

	return call_fd(connection, KSALLOC_SUBMIT, &arg);
}

int complete(int connection, unsigned int flags, __u64 deadline_ns,
	     struct ksalloc_complete *out)
{
	struct ksalloc_complete arg = {
		.size = sizeof(arg),
		.flags = flags,
		.deadline_ns = deadline_ns,
	};
	int err = call_fd(connection, KSALLOC_COMPLETE, &arg);

	if (out)
		*out = arg;
	return err ? err : (int)arg.index;
}

int alloc_frame(int allocator, unsigned int flags, __u64 deadline_ns)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = flags,
		.deadline_ns = deadline_ns,
	};
	int err = call_fd(allocator, KSALLOC_ALLOC, &arg);

	return err ? err : (int)arg.index;
}

int alloc_now(int allocator)
{
	return alloc_frame(allocator, KSALLOC_NONBLOCK, 0);
}

void take_all(int allocator)
{
	int index;

	do {
		index = alloc_now(allocator);
	} while (index >= 0);
	ASSERT_EQ(-EAGAIN, index);
}

int free_frame(int allocator, unsigned int index)
{
	struct ksalloc_free arg = { .size = sizeof(arg), .index = index };

	return call_fd(allocator, KSALLOC_FREE, &arg);
}

int export_frame(int allocator, unsigned int index)
{
	struct ksalloc_export arg = { .size = sizeof(arg), .index = index };

	return call_fd(allocator, KSALLOC_EXPORT, &arg);
}

int get_status(int allocator, struct ksalloc_status *status)
{
	memset(status, 0, sizeof(*status));
	status->size = sizeof(*status);
	return call_fd(allocator, KSALLOC_STATUS, status);
}

int allocated(int allocator)
{
	struct ksalloc_status status;
	int err = get_status(allocator, &status);

	return err ? err : (int)status.status.allocated_frames;
}

int in_device(int allocator)
{
	struct ksalloc_status status;
	int err = get_status(allocator, &status);

	return err ? err : (int)status.in_device;
}

int waiters(int allocator)
{
	struct ksalloc_status status;
	int err = get_status(allocator, &status);

	return err ? err : (int)status.waiters;
}

int connection_open(int connection)
{
	struct ksalloc_open arg = { .size = sizeof(arg) };

	return call_fd(connection, KSALLOC_CONNECTION_OPEN, &arg);
}

int allocator_open(int allocator)
{
	struct ksalloc_open arg = { .size = sizeof(arg) };

	return call_fd(allocator, KSALLOC_ALLOCATOR_OPEN, &arg);
}

int open_again(int fd)
{
	int other = allocator_open(fd);

	return other == -ENOTTY ? connection_open(fd) : other;
}

int connection_cancel(int connection)
{
	struct ksalloc_cancel arg = { .size = sizeof(arg) };

	return call_fd(connection, KSALLOC_CONNECTION_CANCEL, &arg);
}

/* KSALLOC_ALLOCATOR_CANCEL, KSALLOC_CONNECTION_CANCEL or KSALLOC_READER_CANCEL */
int cancel_permanently(int fd, unsigned long request)
{
	struct ksalloc_cancel arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_CANCEL_PERMANENT,
	};

	return call_fd(fd, request, &arg);
}

int allocator_cancel(int allocator)
{
	struct ksalloc_cancel arg = { .size = sizeof(arg) };

	return call_fd(allocator, KSALLOC_ALLOCATOR_CANCEL, &arg);
}

int reset_state(int connection, unsigned int reset)
{
	struct ksalloc_reset_state arg = {
		.size = sizeof(arg),
		.reset = reset,
	};

	return call_fd(connection, KSALLOC_RESET_STATE, &arg);
}

int enable_event(int allocator, unsigned int flags, int eventfd)
{
	struct ksalloc_enable_event arg = {
		.size = sizeof(arg),
		.flags = flags,
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.eventfd = eventfd,
	};
	int err = call_fd(allocator, KSALLOC_ENABLE_EVENT, &arg);

	return err ? err : (int)arg.id;
}

int disable_event(int allocator, unsigned int id)
{
	struct ksalloc_disable_event arg = { .size = sizeof(arg), .id = id };

	return call_fd(allocator, KSALLOC_DISABLE_EVENT, &arg);
}
