/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ioctls of an allocator. The rules for all ioctls are in <linux/ksalloc.h>.
 */
#ifndef _UAPI_LINUX_KSALLOC_ALLOCATOR_H
#define _UAPI_LINUX_KSALLOC_ALLOCATOR_H

#include <linux/ioctl.h>
#include <linux/ksalloc-ks.h>
#include <linux/ksalloc-types.h>
#include <linux/types.h>

/**
 * KSALLOC_MAX_EVENTS - maximum number of events of an allocator, of all its clients
 */
#define KSALLOC_MAX_EVENTS 64

/**
 * KSALLOC_ALLOC_DMABUF - in @flags of KSALLOC_ALLOC: return a descriptor of the dma-buf
 */
#define KSALLOC_ALLOC_DMABUF 0x00000002

/**
 * KSALLOC_EVENT_ONESHOT - in @flags of KSALLOC_ENABLE_EVENT: the first frame disables the event
 */
#define KSALLOC_EVENT_ONESHOT 0x00000001

/**
 * struct ksalloc_alloc - ioctl(allocator, KSALLOC_ALLOC)
 * @size: sizeof(struct ksalloc_alloc)
 * @flags: KSALLOC_NONBLOCK, KSALLOC_ALLOC_DMABUF
 * @deadline_ns: when to stop waiting
 * @index: out: the frame, which this open file holds now
 * @dmabuf_fd: out: a descriptor of the frame's dma-buf; -1 without KSALLOC_ALLOC_DMABUF
 *
 * Allocates the frame that has been free the longest. If no frame is free, it waits for
 * one. Waiting calls are served in order, and no later call overtakes them.
 *
 * Errors:
 *
 * - EAGAIN, ETIMEDOUT, EINTR
 * - ECANCELED: KSALLOC_ALLOCATOR_CANCEL was called.
 * - EOPNOTSUPP: KSALLOC_ALLOC_DMABUF, but the frames have several planes. Use
 *   KSALLOC_EXPORT.
 * - EMFILE
 */
struct ksalloc_alloc {
	__u32 size;
	__u32 flags;
	__aligned_u64 deadline_ns;
	__u32 index;
	__s32 dmabuf_fd;
};

#define KSALLOC_ALLOC _IO(KSALLOC_TYPE, KSALLOC_CMD_ALLOC)

/**
 * struct ksalloc_free - ioctl(allocator, KSALLOC_FREE)
 * @size: sizeof(struct ksalloc_free)
 * @flags: zero
 * @index: an allocated frame; any client can hold it
 * @__reserved: zero
 *
 * Errors:
 *
 * - EINVAL: @index is out of range, or the frame is free or waits for a fence.
 * - EBUSY: the frame is in a device, or a kernel client or a reader holds it.
 */
struct ksalloc_free {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 __reserved;
};

#define KSALLOC_FREE _IO(KSALLOC_TYPE, KSALLOC_CMD_FREE)

/**
 * struct ksalloc_export - ioctl(allocator, KSALLOC_EXPORT)
 * @size: sizeof(struct ksalloc_export)
 * @flags: zero
 * @index: any frame of the allocator, free or not
 * @plane: a plane of the frame; 0 for the first or only one
 *
 * Returns a descriptor of the dma-buf of the plane. It is the same dma-buf each time, so map or
 * import it once and keep the mapping. The dma-buf keeps the memory, even after the end of
 * the allocator. It does not hold the frame.
 *
 * Errors:
 *
 * - EINVAL: @index or @plane is out of range.
 * - EMFILE
 */
struct ksalloc_export {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 plane;
};

#define KSALLOC_EXPORT _IO(KSALLOC_TYPE, KSALLOC_CMD_EXPORT)

/**
 * struct ksalloc_status - ioctl(allocator, KSALLOC_STATUS)
 * @size: sizeof(struct ksalloc_status)
 * @flags: zero
 * @status: out: KSPROPERTY_STREAMALLOCATOR_STATUS
 * @frame_bytes: out: the frame size, with each plane rounded up to whole pages
 * @in_device: out: frames in a device now, without those of a closed connection whose device did
 *	not stop (EIO)
 * @waiters: out: KSALLOC_ALLOC calls that wait now
 * @planes: out: planes of each frame. The dma-buf of a plane has at least its size, rounded
 *	up to whole pages
 */
struct ksalloc_status {
	__u32 size;
	__u32 flags;
	struct ksstreamallocator_status status;
	__aligned_u64 frame_bytes;
	__u32 in_device;
	__u32 waiters;
	struct ksalloc_planes planes;
};

#define KSALLOC_STATUS _IO(KSALLOC_TYPE, KSALLOC_CMD_STATUS)

/**
 * struct ksalloc_status_ex - ioctl(allocator, KSALLOC_STATUS_EX)
 * @size: sizeof(struct ksalloc_status_ex)
 * @flags: zero
 * @status: out: KSSTREAMALLOCATOR_STATUS_EX
 * @frame_bytes: out: as in &struct ksalloc_status
 * @in_device: out: as in &struct ksalloc_status
 * @waiters: out: as in &struct ksalloc_status
 */
struct ksalloc_status_ex {
	__u32 size;
	__u32 flags;
	struct ksstreamallocator_status_ex status;
	__aligned_u64 frame_bytes;
	__u32 in_device;
	__u32 waiters;
};

#define KSALLOC_STATUS_EX _IO(KSALLOC_TYPE, KSALLOC_CMD_STATUS_EX)

/**
 * struct ksalloc_enable_event - ioctl(allocator, KSALLOC_ENABLE_EVENT)
 * @size: sizeof(struct ksalloc_enable_event)
 * @flags: KSALLOC_EVENT_ONESHOT
 * @event: KSEVENT_STREAMALLOCATOR_FREEFRAME
 * @eventfd: an eventfd
 * @id: out: number of the event, for KSALLOC_DISABLE_EVENT
 * @__reserved: zero
 *
 * Adds one to the eventfd for each frame that becomes free from now on. A frame that becomes
 * free during the call may already be counted. Frames that are free before the call are
 * not counted, except for those that a reader gave back just before, after its stream. A frame
 * that is given directly to a waiting KSALLOC_ALLOC call does not become free. With
 * KSALLOC_EVENT_ONESHOT the first frame disables the event.
 *
 * An allocator can have several events, each with its own eventfd. An event belongs to the
 * open file of the call and ends with it. Closing the eventfd does not end it. The number of
 * events is limited because a frame can be freed in an interrupt, which signals all
 * eventfds.
 *
 * Errors:
 *
 * - EBADF: @eventfd is not open.
 * - EINVAL: @eventfd is not an eventfd, or @event is another event.
 * - EBUSY: the eventfd already has an event of this allocator, through any open file.
 * - E2BIG: there are KSALLOC_MAX_EVENTS events already.
 */
struct ksalloc_enable_event {
	__u32 size;
	__u32 flags;
	__u32 event;
	__s32 eventfd;
	__u32 id;
	__u32 __reserved;
};

#define KSALLOC_ENABLE_EVENT _IO(KSALLOC_TYPE, KSALLOC_CMD_ENABLE_EVENT)

/**
 * struct ksalloc_disable_event - ioctl(allocator, KSALLOC_DISABLE_EVENT)
 * @size: sizeof(struct ksalloc_disable_event)
 * @flags: zero
 * @id: an event that was enabled through this open file
 * @__reserved: zero
 *
 * A frame that becomes free during the call may still be counted.
 *
 * Errors:
 *
 * - EINVAL: this open file has no such event, or it was a one-shot event that has been
 *   signalled.
 */
struct ksalloc_disable_event {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 __reserved;
};

#define KSALLOC_DISABLE_EVENT _IO(KSALLOC_TYPE, KSALLOC_CMD_DISABLE_EVENT)

#endif /* _UAPI_LINUX_KSALLOC_ALLOCATOR_H */
