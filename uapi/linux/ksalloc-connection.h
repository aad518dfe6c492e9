/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ioctls of a connection. The rules for all ioctls are in <linux/ksalloc.h>.
 */
#ifndef _UAPI_LINUX_KSALLOC_CONNECTION_H
#define _UAPI_LINUX_KSALLOC_CONNECTION_H

#include <linux/ioctl.h>
#include <linux/ksalloc-ks.h>
#include <linux/ksalloc-types.h>
#include <linux/types.h>

/**
 * KSALLOC_IMPORT - in @flags of KSALLOC_CREATE_ALLOCATOR: the caller provides the memory
 */
#define KSALLOC_IMPORT 0x00000004

/**
 * KSALLOC_CIRCULATE - in @flags of KSALLOC_SET_STATE: the frames of the stream circulate
 */
#define KSALLOC_CIRCULATE 0x00000008

/**
 * struct ksalloc_get_framing - ioctl(connection, KSALLOC_GET_FRAMING)
 * @size: sizeof(struct ksalloc_get_framing)
 * @flags: zero
 * @framing: out: what the device needs in its current format
 * @planes: out: memory planes of a frame in this format. Their sum is the frame size
 *
 * The values of a V4L2 device are:
 *
 * - requirements_flags: INPLACE_MODIFIER, and SYSTEM_MEMORY or MUST_ALLOCATE
 * - pool_type: KSALLOC_POOL_NONPAGED
 * - frames: the number of frames for continuous capture: one more than the driver needs in
 *   its queue, and at least 2
 * - frame_size: image size of the format, in bytes; the sum of all planes
 * - file_alignment: zero
 *
 * Errors:
 *
 * - EOPNOTSUPP: a frame of this format has 4 GiB or more.
 * - ENODEV
 */
struct ksalloc_get_framing {
	__u32 size;
	__u32 flags;
	struct ksallocator_framing framing;
	struct ksalloc_planes planes;
};

#define KSALLOC_GET_FRAMING _IO(KSALLOC_TYPE, KSALLOC_CMD_GET_FRAMING)

/**
 * struct ksalloc_create_allocator - ioctl(connection, KSALLOC_CREATE_ALLOCATOR)
 * @size: sizeof(struct ksalloc_create_allocator)
 * @flags: KSALLOC_IMPORT, or zero
 * @heap_fd: with KSALLOCATOR_OPTIONF_SYSTEM_MEMORY and without KSALLOC_IMPORT, the dma-buf heap
 *	that the frames come from, open in any mode. Otherwise -1
 * @nr_dmabufs: with KSALLOC_IMPORT, the number of descriptors; otherwise zero
 * @framing: the framing of the allocator. If @frames or @frame_size is zero, the value of
 *	KSALLOC_GET_FRAMING is used. With KSALLOC_IMPORT, the value for zero @frames is
 *	@nr_dmabufs divided by the number of planes
 * @dmabufs: with KSALLOC_IMPORT, the address of an array of __s32, which has a descriptor of
 *	a dma-buf for each plane of each frame: all planes of frame 0, then those of frame 1,
 *	and so on. Otherwise zero
 *
 * Returns a new allocator, with all frames free, except those that wait for a fence. It is
 * not assigned to the connection.
 * All memory is allocated in this call. The module parameter max_mbytes limits the memory
 * of all allocators that a user has created, in MiB. It counts as long as the allocator exists,
 * also if only other users have its descriptors. The default 0 means half of the memory of the
 * machine.
 *
 * With KSALLOC_IMPORT, the caller provides the memory of the frames: dma-bufs of any origin
 * that are at least as large as a plane, rounded up to whole pages. The frame with index i is
 * the beginning of the dma-buf of descriptor i or, with n planes, of the dma-bufs of descriptors
 * i * n to i * n + n - 1. The allocator takes references to the dma-bufs, so the caller can close
 * the descriptors. Each process that has such a dma-buf can write to the frame at any time. The
 * module cannot detect different dma-bufs that share memory.
 *
 * An allocator of the device's own memory uses the buffers of the device
 * (V4L2_MEMORY_MMAP), and exports each as a dma-buf. It can be assigned to this
 * connection, which streams with these buffers. It can also be assigned to connections of
 * other devices, which import the dma-bufs. A device has only one set of buffers. So until
 * the allocator is freed, other files cannot use buffers of the device, and its format is
 * fixed. A dma-buf that is mapped or imported keeps its memory, even after the device has
 * disappeared.
 *
 * A heap returns dma-bufs by descriptor. So the calling process has one additional
 * descriptor for a short time during the call.
 *
 * Errors:
 *
 * - EINVAL: a flag, pool type or mask in @framing is not valid; a value is lower than the
 *   device requires, or zero both here and in KSALLOC_GET_FRAMING; @heap_fd is not a heap,
 *   or should be -1; @nr_dmabufs or @dmabufs should be zero.
 * - EINVAL, with KSALLOC_IMPORT: KSALLOCATOR_OPTIONF_SYSTEM_MEMORY is not set; @nr_dmabufs is
 *   zero, or not the number of frames times the number of planes; a file is not a dma-buf; a
 *   dma-buf is smaller than its plane, or is given twice.
 * - E2BIG: there are more than KSALLOC_MAX_FRAMES frames, or @nr_dmabufs is more than that for
 *   each plane.
 * - ENOMEM: the allocators of the user, or the dma-bufs for this one, would have more than
 *   max_mbytes; or the heap or the device has too little memory.
 * - EOPNOTSUPP, with KSALLOCATOR_OPTIONF_SYSTEM_MEMORY: the device can use only its own
 *   memory.
 * - EOPNOTSUPP, without it: the device has no memory of its own; the memory cannot be
 *   exported; or the device cannot have so many buffers, or buffers of this size.
 * - EBUSY, without it: the buffers of the device are in use, or another file has a
 *   higher priority.
 * - EMFILE, ENODEV
 */
struct ksalloc_create_allocator {
	__u32 size;
	__u32 flags;
	__s32 heap_fd;
	__u32 nr_dmabufs;
	struct ksallocator_framing framing;
	__aligned_u64 dmabufs;
};

#define KSALLOC_CREATE_ALLOCATOR \
	_IO(KSALLOC_TYPE, KSALLOC_CMD_CREATE_ALLOCATOR)

/**
 * struct ksalloc_set_allocator - ioctl(connection, KSALLOC_SET_ALLOCATOR)
 * @size: sizeof(struct ksalloc_set_allocator)
 * @flags: zero
 * @allocator_fd: the allocator whose frames the device shall fill; -1 for none
 * @__reserved: zero
 *
 * The allocator can be from another connection. Frames of the previous allocator become
 * free if they were returned by KSALLOC_COMPLETE of this connection and are still
 * allocated. If nothing else refers to the previous allocator, its memory is free when this
 * call returns, or a moment later if another open file of the connection is closed meanwhile.
 *
 * Errors:
 *
 * - EINVAL: @allocator_fd is not an allocator, its framing is lower than the device
 *   requires, or its frames have another number of planes.
 * - EOPNOTSUPP: the frames have no dma-bufs, because their memory never leaves the kernel.
 * - EBUSY: the state is not KSSTATE_STOP.
 * - ENODEV, but not if @allocator_fd is -1
 */
struct ksalloc_set_allocator {
	__u32 size;
	__u32 flags;
	__s32 allocator_fd;
	__u32 __reserved;
};

#define KSALLOC_SET_ALLOCATOR _IO(KSALLOC_TYPE, KSALLOC_CMD_SET_ALLOCATOR)

/**
 * struct ksalloc_set_state - ioctl(connection, KSALLOC_SET_STATE)
 * @size: sizeof(struct ksalloc_set_state)
 * @flags: KSALLOC_CIRCULATE, if this call begins a stream or continues one that circulates
 * @state: enum ksstate
 * @__reserved: zero
 *
 * Enters the states one after the other, up to @state. STOP is the lowest state. If a step
 * to a higher state fails, the connection returns to the state that it had before the
 * call. Steps to a lower state do not fail, except with EIO if the device does not stop.
 *
 * From RUN to PAUSE, frames that are already filled can still be completed, and the others
 * stay submitted. A picture that the device stores during the step is lost. From PAUSE to
 * ACQUIRE, all submitted frames become free, filled or not, and waiting KSALLOC_COMPLETE
 * calls end with ECANCELED. Frames that were completed before stay allocated in any state.
 *
 * A stream begins with the step to PAUSE, and ends with the step from PAUSE to ACQUIRE. Whether
 * its frames circulate cannot be changed in between.
 *
 * Errors:
 *
 * - EINVAL: there is no such state; KSALLOC_CIRCULATE with a state lower than PAUSE; no
 *   allocator is assigned; or the format of the device has changed and the frames are too
 *   small for it, or have another number of planes.
 * - EBUSY: another file has buffers of the device, or has a higher priority; or
 *   KSALLOC_CIRCULATE, and the current stream does not circulate.
 * - EOPNOTSUPP: the device cannot use the memory of the allocator, or cannot have so many
 *   buffers.
 * - ENODEV, but not for KSSTATE_STOP. Before the driver has unregistered its node, this can be
 *   another errno of the driver, such as EPERM.
 */
struct ksalloc_set_state {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 __reserved;
};

#define KSALLOC_SET_STATE _IO(KSALLOC_TYPE, KSALLOC_CMD_SET_STATE)

/**
 * enum ksalloc_refusal - what prevented the step from KSSTATE_STOP to KSSTATE_ACQUIRE
 * @KSALLOC_REFUSAL_NONE: nothing, or no call has tried this step yet
 * @KSALLOC_REFUSAL_ALLOCATOR: no allocator is assigned
 * @KSALLOC_REFUSAL_FRAMING: the framing of the allocator, or the number of its planes, does not
 *	fit the current format
 * @KSALLOC_REFUSAL_IMPORT: the device cannot import dma-bufs
 * @KSALLOC_REFUSAL_COUNT: the device cannot have as many buffers as the allocator has frames;
 *	@refused_frame is the number of buffers that it can have
 * @KSALLOC_REFUSAL_MAP: the memory of frame @refused_frame cannot be mapped for the device. A
 *	device that needs contiguous memory refuses frames that are not contiguous
 * @KSALLOC_REFUSAL_OTHER: anything else, such as another user of the device
 */
enum ksalloc_refusal {
	KSALLOC_REFUSAL_NONE,
	KSALLOC_REFUSAL_ALLOCATOR,
	KSALLOC_REFUSAL_FRAMING,
	KSALLOC_REFUSAL_IMPORT,
	KSALLOC_REFUSAL_COUNT,
	KSALLOC_REFUSAL_MAP,
	KSALLOC_REFUSAL_OTHER,
};

/**
 * struct ksalloc_get_state - ioctl(connection, KSALLOC_GET_STATE)
 * @size: sizeof(struct ksalloc_get_state)
 * @flags: zero
 * @state: out: enum ksstate. KSSTATE_STOP when the device has disappeared
 * @pending: out: frames that are submitted and not yet completed
 * @refusal: out: enum ksalloc_refusal, of the last call that tried to leave KSSTATE_STOP
 * @refused_frame: out: see enum ksalloc_refusal; otherwise zero
 * @refused_error: out: the errno of the driver. That of the call can be another one, because
 *	drivers return different errors for the same reason. Zero if there is none
 * @__reserved: zero
 *
 * The tracepoint ksalloc_refusal has the same values.
 */
struct ksalloc_get_state {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 pending;
	__u32 refusal;
	__u32 refused_frame;
	__s32 refused_error;
	__u32 __reserved;
};

#define KSALLOC_GET_STATE _IO(KSALLOC_TYPE, KSALLOC_CMD_GET_STATE)

/**
 * struct ksalloc_submit - ioctl(connection, KSALLOC_SUBMIT)
 * @size: sizeof(struct ksalloc_submit)
 * @flags: zero
 * @index: an allocated frame of the assigned allocator; any client can hold it
 * @dmabuf_fd: a descriptor of the frame's dma-buf, or -1
 *
 * Gives the frame to the device, which fills it later. Most drivers fill frames in the
 * order in which they are submitted.
 *
 * V4L2 takes dma-bufs by descriptor. The module uses @dmabuf_fd of the caller during the
 * call. If it is -1, a kernel thread queues the frame, with a descriptor in its own table.
 * That takes more than three times as many instructions. If the frames are the device's own
 * memory, no descriptor is needed. Use -1 then. If the frames have several planes, only -1 is
 * accepted.
 *
 * If the caller replaces @dmabuf_fd by another dma-buf during the call, the device writes
 * to that one, as with VIDIOC_QBUF. Such a frame completes without data and with
 * DATADISCONTINUITY, if the module finds the driver's videobuf2 queue. It does not find that of
 * uvcvideo before Linux 6.17: the frame then has data, but an old picture.
 *
 * Errors:
 *
 * - EBADF: @dmabuf_fd is not open.
 * - EINVAL: @index is out of range; the frame is free or waits for a fence; @dmabuf_fd is
 *   neither -1 nor its dma-buf, or is not -1 and the frame has several planes.
 * - EBUSY: the frame is in a device; a kernel client or a reader holds it; the stream
 *   circulates; or a fence on its dma-buf is not signalled. To wait for the fence, poll the
 *   dma-buf for EPOLLOUT.
 * - ECANCELED: the state is lower than KSSTATE_PAUSE, or a flush is in progress.
 * - ENODEV
 */
struct ksalloc_submit {
	__u32 size;
	__u32 flags;
	__u32 index;
	__s32 dmabuf_fd;
};

#define KSALLOC_SUBMIT _IO(KSALLOC_TYPE, KSALLOC_CMD_SUBMIT)

/**
 * struct ksalloc_complete - ioctl(connection, KSALLOC_COMPLETE)
 * @size: sizeof(struct ksalloc_complete)
 * @flags: KSALLOC_NONBLOCK
 * @deadline_ns: when to stop waiting
 * @index: out: the frame, which this open file holds now
 * @sequence: out: the sequence number of the device. A gap means that pictures are lost
 * @header: out: describes the data in the frame as a whole
 * @nr_planes: out: number of planes of the frame
 * @__reserved: out: zero
 * @planes: out: the data in each plane. Elements from @nr_planes on are zero
 *
 * Waits for the next filled frame, even if no frame is submitted yet. If the result
 * cannot be written (EFAULT), the next call returns the same frame.
 *
 * Errors:
 *
 * - EAGAIN, ETIMEDOUT, EINTR
 * - EBUSY: the stream circulates.
 * - ECANCELED: the state is lower than KSSTATE_PAUSE, or a flush is in progress; one of
 *   these began during the wait; or KSALLOC_CONNECTION_CANCEL was called.
 * - EPIPE: the driver has ended the stream.
 * - ENODEV
 * - an error of the driver
 */
struct ksalloc_complete {
	__u32 size;
	__u32 flags;
	__aligned_u64 deadline_ns;
	__u32 index;
	__u32 sequence;
	struct ksstream_header header;
	__u32 nr_planes;
	__u32 __reserved;
	struct ksalloc_plane_data planes[KSALLOC_MAX_PLANES];
};

#define KSALLOC_COMPLETE _IO(KSALLOC_TYPE, KSALLOC_CMD_COMPLETE)

/**
 * struct ksalloc_get_framing_ex - ioctl(connection, KSALLOC_GET_FRAMING_EX)
 * @size: sizeof(struct ksalloc_get_framing_ex)
 * @flags: zero
 * @framing: pointer to a buffer for a &struct ksallocator_framing_ex and its items; 0 to
 *	get only the size
 * @framing_size: size of the buffer in bytes; out: size of the whole result in bytes
 * @__reserved: zero
 *
 * The result has one item for each kind of memory that the device can use in its current
 * format, best first. The module writes as many whole items as fit into the buffer. If the
 * part before the items does not fit, nothing is written. count_items is always the number
 * of all items.
 *
 * Values of &struct ksallocator_framing_ex:
 *
 * - pin_flags: KSALLOCATOR_FLAG_ALLOCATOR_EXISTS if an allocator is assigned
 * - output_compression: for a compressed format, the ratio of the frame size to a raw
 *   picture with two bytes per pixel; else 1 / 1. A format is compressed if bytesperline
 *   of the V4L2 format is zero
 *
 * Values of an item:
 *
 * - memory_type: KSMEMORY_TYPE_SYSTEM if the device can import dma-bufs, and
 *   KSMEMORY_TYPE_DEVICE_UNKNOWN if it has MMAP buffers and can export them
 * - memory_type_weight: system memory is preferred, because it does not occupy the device.
 *   But the device's own memory is preferred if the device needs physically contiguous
 *   memory (videobuf2-dma-contig without an IOMMU), because most heaps do not have it
 * - flags: the flags of KSALLOC_GET_FRAMING that apply to this memory, and
 *   KSALLOCATOR_FLAG_ENABLE_CACHED_MDL. For the device's own memory also
 *   KSALLOCATOR_FLAG_DEVICE_SPECIFIC and KSALLOCATOR_FLAG_CAN_ALLOCATE
 * - frames: as KSALLOC_GET_FRAMING
 * - file_alignment: the page size minus one
 * - physical_range: possible frame sizes, of all planes together. The minimum is the image
 *   size of the format. The maximum is max_mbytes divided by @frames, or the size of the
 *   device's own buffers
 * - framing_range: preferred frame sizes: whole pages, from the image size of the format to
 *   that of the largest picture in the same pixel format. An allocator of that size can be
 *   kept when the picture size changes. in_place_weight is 1, because the device writes
 *   into the frame
 *
 * Errors: as KSALLOC_GET_FRAMING.
 */
struct ksalloc_get_framing_ex {
	__u32 size;
	__u32 flags;
	__aligned_u64 framing;
	__u32 framing_size;
	__u32 __reserved;
};

#define KSALLOC_GET_FRAMING_EX _IO(KSALLOC_TYPE, KSALLOC_CMD_GET_FRAMING_EX)

/**
 * struct ksalloc_reset_state - ioctl(connection, KSALLOC_RESET_STATE)
 * @size: sizeof(struct ksalloc_reset_state)
 * @flags: zero
 * @reset: enum ksreset
 * @__reserved: zero
 *
 * Begins or ends a flush. A flush discards the frames in the device without a change of
 * state.
 *
 * When a flush begins, the device stops, all submitted frames become free, filled or not,
 * and waiting KSALLOC_COMPLETE calls end with ECANCELED. Until it ends, KSALLOC_SUBMIT
 * and KSALLOC_COMPLETE fail with ECANCELED. If it ends in RUN, the device starts again,
 * and the first frame has DATADISCONTINUITY and TIMEDISCONTINUITY. Frames that were
 * completed before stay allocated.
 *
 * A flush belongs to the connection, so any client of the connection can end it. The state
 * can be changed during a flush, but the device does not run before the flush ends. A
 * state lower than PAUSE ends the flush. KSRESET_BEGIN during a flush and KSRESET_END
 * without one have no effect.
 *
 * Errors:
 *
 * - EINVAL: @reset is not a value of enum ksreset.
 * - ECANCELED: the state is lower than KSSTATE_PAUSE.
 * - ENODEV
 * - an error of the driver, if the device does not start again at the end. The flush
 *   continues. KSRESET_END can be tried again. If the driver has no buffers any more, it fails
 *   until the connection has been in KSSTATE_STOP.
 */
struct ksalloc_reset_state {
	__u32 size;
	__u32 flags;
	__u32 reset;
	__u32 __reserved;
};

#define KSALLOC_RESET_STATE _IO(KSALLOC_TYPE, KSALLOC_CMD_RESET_STATE)

#endif /* _UAPI_LINUX_KSALLOC_CONNECTION_H */
