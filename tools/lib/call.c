// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thin calls: one function for each ioctl, and functions that open files.
 *
 * The structures of the kernel may grow in later versions. This file uses the sizes with
 * which it was compiled. The caller sees only plain values and structures that do not
 * change.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/dma-buf.h>

#include <ks/ks.h>

#include "internal.h"

static int call(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

LIBKS_API int ks_open(const char *path)
{
	return open_file(path ? path : LIBKS_DEVICE, O_RDWR);
}

LIBKS_API int ks_open_heap(const char *heap)
{
	char path[256];
	int len;

	if (!heap || !*heap)
		return -EINVAL;
	if (strchr(heap, '/'))
		return open_file(heap, O_RDONLY);
	len = snprintf(path, sizeof(path), "%s/%s", LIBKS_HEAP_DIR, heap);
	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;
	return open_file(path, O_RDONLY);
}

LIBKS_API int ks_connect(int ks_fd, int v4l2_fd)
{
	struct ksalloc_connect arg = {
		.size = sizeof(arg),
		.v4l2_fd = v4l2_fd,
	};

	return call(ks_fd, KSALLOC_CONNECT, &arg);
}

LIBKS_API int ks_get_framing(int connection, struct ksallocator_framing *framing)
{
	struct ksalloc_get_framing arg = { .size = sizeof(arg) };
	int ret = call(connection, KSALLOC_GET_FRAMING, &arg);

	if (!ret)
		*framing = arg.framing;
	return ret;
}

/* A module without planes has one of the frame size */
static void complete_planes(struct ksalloc_planes *planes, __u32 frame_size)
{
	if (planes->count)
		return;
	planes->count = 1;
	planes->sizes[0] = frame_size;
}

LIBKS_API int ks_get_planes(int connection, struct ksalloc_planes *planes)
{
	struct ksalloc_get_framing arg = { .size = sizeof(arg) };
	int ret = call(connection, KSALLOC_GET_FRAMING, &arg);

	if (ret)
		return ret;
	*planes = arg.planes;
	complete_planes(planes, arg.framing.frame_size);
	return 0;
}

LIBKS_API int ks_get_framing_ex(int connection, struct ksallocator_framing_ex *framing,
				__u32 *size)
{
	struct ksalloc_get_framing_ex arg = {
		.size = sizeof(arg),
		.framing = (uintptr_t)framing,
		.framing_size = *size,
	};
	int ret = call(connection, KSALLOC_GET_FRAMING_EX, &arg);

	if (!ret)
		*size = arg.framing_size;
	return ret;
}

LIBKS_API int ks_create_allocator(int connection, const struct ksallocator_framing *framing,
				  int heap_fd)
{
	struct ksalloc_create_allocator arg = {
		.size = sizeof(arg),
		.heap_fd = heap_fd,
		.framing = *framing,
	};

	return call(connection, KSALLOC_CREATE_ALLOCATOR, &arg);
}

LIBKS_API int ks_import_allocator(int connection, const struct ksallocator_framing *framing,
				  const int *dmabufs, __u32 count)
{
	struct ksalloc_create_allocator arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_IMPORT,
		.heap_fd = -1,
		.nr_dmabufs = count,
		.framing = *framing,
		.dmabufs = (uintptr_t)dmabufs,
	};

	return call(connection, KSALLOC_CREATE_ALLOCATOR, &arg);
}

LIBKS_API int ks_set_allocator(int connection, int allocator)
{
	struct ksalloc_set_allocator arg = {
		.size = sizeof(arg),
		.allocator_fd = allocator,
	};

	return call(connection, KSALLOC_SET_ALLOCATOR, &arg);
}

static int set_state(int connection, __u32 flags, enum ksstate state)
{
	struct ksalloc_set_state arg = {
		.size = sizeof(arg),
		.flags = flags,
		.state = state,
	};

	return call(connection, KSALLOC_SET_STATE, &arg);
}

LIBKS_API int ks_set_state(int connection, enum ksstate state)
{
	return set_state(connection, 0, state);
}

LIBKS_API int ks_circulate(int connection, enum ksstate state)
{
	return set_state(connection, KSALLOC_CIRCULATE, state);
}

LIBKS_API int ks_get_state(int connection, enum ksstate *state, __u32 *pending)
{
	struct ksalloc_get_state arg = { .size = sizeof(arg) };
	int ret = call(connection, KSALLOC_GET_STATE, &arg);

	if (ret)
		return ret;
	if (state)
		*state = arg.state;
	if (pending)
		*pending = arg.pending;
	return 0;
}

LIBKS_API int ks_get_refusal(int connection, struct ks_refusal *refusal)
{
	struct ksalloc_get_state arg = { .size = sizeof(arg) };
	int ret = call(connection, KSALLOC_GET_STATE, &arg);

	if (ret)
		return ret;
	refusal->reason = arg.refusal;
	refusal->frame = arg.refused_frame;
	refusal->error = arg.refused_error;
	return 0;
}

LIBKS_API int ks_submit(int connection, __u32 index, int dmabuf_fd)
{
	struct ksalloc_submit arg = {
		.size = sizeof(arg),
		.index = index,
		.dmabuf_fd = dmabuf_fd,
	};

	return call(connection, KSALLOC_SUBMIT, &arg);
}

LIBKS_API int ks_complete(int connection, __u32 flags, __u64 deadline_ns,
			  struct ks_completion *completion)
{
	struct ksalloc_complete arg = {
		.size = sizeof(arg),
		.flags = flags,
		.deadline_ns = deadline_ns,
	};
	int ret = call(connection, KSALLOC_COMPLETE, &arg);

	if (ret)
		return ret;
	completion->index = arg.index;
	completion->sequence = arg.sequence;
	completion->header = arg.header;
	completion->nr_planes = arg.nr_planes;
	memcpy(completion->planes, arg.planes, sizeof(arg.planes));
	if (!arg.nr_planes) {
		completion->nr_planes = 1;
		completion->planes[0].data_offset = (__u32)arg.header.data;
		completion->planes[0].data_used = arg.header.data_used;
	}
	return 0;
}

LIBKS_API int ks_reset_state(int connection, enum ksreset reset)
{
	struct ksalloc_reset_state arg = {
		.size = sizeof(arg),
		.reset = reset,
	};

	return call(connection, KSALLOC_RESET_STATE, &arg);
}

static int open_again(int fd, unsigned long request)
{
	struct ksalloc_open arg = { .size = sizeof(arg) };

	return call(fd, request, &arg);
}

static int cancel(int fd, unsigned long request, __u32 flags)
{
	struct ksalloc_cancel arg = { .size = sizeof(arg), .flags = flags };

	return call(fd, request, &arg);
}

LIBKS_API int ks_connection_open(int connection)
{
	return open_again(connection, KSALLOC_CONNECTION_OPEN);
}

LIBKS_API int ks_connection_cancel(int connection, __u32 flags)
{
	return cancel(connection, KSALLOC_CONNECTION_CANCEL, flags);
}

LIBKS_API int ks_alloc(int allocator, __u32 flags, __u64 deadline_ns, __u32 *index,
		       int *dmabuf_fd)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = flags | (dmabuf_fd ? KSALLOC_ALLOC_DMABUF : 0),
		.deadline_ns = deadline_ns,
	};
	int ret = call(allocator, KSALLOC_ALLOC, &arg);

	if (ret)
		return ret;
	*index = arg.index;
	if (dmabuf_fd)
		*dmabuf_fd = arg.dmabuf_fd;
	return 0;
}

LIBKS_API int ks_free(int allocator, __u32 index)
{
	struct ksalloc_free arg = {
		.size = sizeof(arg),
		.index = index,
	};

	return call(allocator, KSALLOC_FREE, &arg);
}

LIBKS_API int ks_export(int allocator, __u32 index)
{
	return ks_export_plane(allocator, index, 0);
}

LIBKS_API int ks_export_plane(int allocator, __u32 index, __u32 plane)
{
	struct ksalloc_export arg = {
		.size = sizeof(arg),
		.index = index,
		.plane = plane,
	};

	return call(allocator, KSALLOC_EXPORT, &arg);
}

LIBKS_API int ks_get_status(int allocator, struct ks_allocator_status *status)
{
	struct ksalloc_status arg = { .size = sizeof(arg) };
	int ret = call(allocator, KSALLOC_STATUS, &arg);

	if (ret)
		return ret;
	status->status = arg.status;
	status->frame_bytes = arg.frame_bytes;
	status->in_device = arg.in_device;
	status->waiters = arg.waiters;
	status->planes = arg.planes;
	complete_planes(&status->planes, arg.status.framing.frame_size);
	return 0;
}

LIBKS_API int ks_get_status_ex(int allocator, struct ksstreamallocator_status_ex *status)
{
	struct ksalloc_status_ex arg = { .size = sizeof(arg) };
	int ret = call(allocator, KSALLOC_STATUS_EX, &arg);

	if (!ret)
		*status = arg.status;
	return ret;
}

LIBKS_API int ks_enable_event(int allocator, __u32 flags, __u32 event, int eventfd, __u32 *id)
{
	struct ksalloc_enable_event arg = {
		.size = sizeof(arg),
		.flags = flags,
		.event = event,
		.eventfd = eventfd,
	};
	int ret = call(allocator, KSALLOC_ENABLE_EVENT, &arg);

	if (!ret)
		*id = arg.id;
	return ret;
}

LIBKS_API int ks_disable_event(int allocator, __u32 id)
{
	struct ksalloc_disable_event arg = {
		.size = sizeof(arg),
		.id = id,
	};

	return call(allocator, KSALLOC_DISABLE_EVENT, &arg);
}

LIBKS_API int ks_allocator_open(int allocator)
{
	return open_again(allocator, KSALLOC_ALLOCATOR_OPEN);
}

LIBKS_API int ks_allocator_cancel(int allocator, __u32 flags)
{
	return cancel(allocator, KSALLOC_ALLOCATOR_CANCEL, flags);
}

LIBKS_API __u64 ks_deadline(__u64 ns)
{
	struct timespec now;
	__u64 deadline;

	clock_gettime(CLOCK_MONOTONIC, &now);
	deadline = (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
	if (__builtin_add_overflow(deadline, ns, &deadline))
		return ~0ULL;
	return deadline ? deadline : 1;
}

static int sync_access(int dmabuf_fd, unsigned int access, __u64 end)
{
	struct dma_buf_sync arg = { .flags = end };
	int ret;

	if (!access || access & ~(LIBKS_READ | LIBKS_WRITE))
		return -EINVAL;
	if (access & LIBKS_READ)
		arg.flags |= DMA_BUF_SYNC_READ;
	if (access & LIBKS_WRITE)
		arg.flags |= DMA_BUF_SYNC_WRITE;

	/* An exporter that waits for a device may require another call */
	do {
		ret = call(dmabuf_fd, DMA_BUF_IOCTL_SYNC, &arg);
	} while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}

LIBKS_API int ks_begin_access(int dmabuf_fd, unsigned int access)
{
	return sync_access(dmabuf_fd, access, DMA_BUF_SYNC_START);
}

LIBKS_API int ks_end_access(int dmabuf_fd, unsigned int access)
{
	return sync_access(dmabuf_fd, access, DMA_BUF_SYNC_END);
}
