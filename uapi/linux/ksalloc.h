/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Kernel Streaming allocator objects for V4L2 capture devices.
 *
 * This header is the whole ABI of the ksalloc module. Structures whose names
 * begin with "ks" but not with "ksalloc_" have the layout and the values that
 * Windows' ks.h gives them (64-bit).
 */
#ifndef _UAPI_LINUX_KSALLOC_H
#define _UAPI_LINUX_KSALLOC_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: Objects
 *
 * Each ioctl works on an open file. There are three kinds of files:
 *
 *  - /dev/ksalloc makes connections: KSALLOC_CONNECT.
 *  - A connection is bound to one V4L2 capture device. It has a state, an
 *    assigned allocator and a queue of filled frames. poll() reports EPOLLIN
 *    when KSALLOC_COMPLETE has a frame, EPOLLERR in a state lower than PAUSE
 *    and during a flush, and EPOLLHUP when the device is gone.
 *  - An allocator is a fixed set of frames. Each frame is one dma-buf for the
 *    whole life of the allocator. poll() reports EPOLLIN when a frame is free.
 *    KSALLOC_ENABLE_EVENT makes an eventfd count frames that become free.
 *
 * A frame is free, allocated, or in the device. KSALLOC_ALLOC and
 * KSALLOC_COMPLETE allocate a frame, KSALLOC_SUBMIT gives an allocated frame to
 * the device, and KSALLOC_FREE frees an allocated frame.
 *
 * A frame that is freed while a fence on its dma-buf is not signalled stays
 * allocated until the fence is signalled, because a device may still read it.
 * Nobody holds it meanwhile, so the errors are those of a free frame.
 */

/**
 * DOC: Clients
 *
 * One open file is one client. Frames, waiting calls and events belong to the
 * open file through which they were got. They end with that open file: after
 * its last descriptor is closed, by close(), exec or death, its frames are free
 * again and its events are gone. Frames that it submitted stay in the device.
 *
 * Descriptors made by dup() or inherited over fork() share an open file, so they
 * are one client. KSALLOC_ALLOCATOR_OPEN and KSALLOC_CONNECTION_OPEN make
 * another open file of the same object for another client. Pass that one to
 * another process.
 *
 * close() does not end a call that waits through the same open file, as with any
 * file. KSALLOC_ALLOCATOR_CANCEL and KSALLOC_CONNECTION_CANCEL do.
 *
 * The object itself ends when its last open file is closed. An assigned
 * allocator lives as long as the connection as well.
 *
 * All clients of an allocator trust each other: each can map and write all of its
 * frames, and free and submit frames that another client holds. Frames that a
 * kernel client holds are the exception: only the kernel frees or submits these.
 */

/**
 * DOC: Rules for all ioctls
 *
 * The argument is a pointer to a structure. Its first field is the size of the
 * structure as the caller knows it. A caller with an older, shorter structure is
 * served as if the missing fields were zero. A newer, longer one is accepted if
 * all that the module does not know is zero. Fields marked "out" are written
 * only. Unknown bits in @flags and non-zero reserved fields are refused. The
 * layout is the same for 32-bit and 64-bit callers.
 *
 * A failed call changes nothing. It keeps no descriptor, memory or frame, and no
 * state is left half-way. It does not write to the argument, except in part
 * where the argument cannot be written as a whole.
 *
 * ==========  ============================================================
 * Error       Meaning
 * ==========  ============================================================
 * EFAULT      The argument cannot be read or written.
 * ENOTTY      This file has no ioctl of this number.
 * E2BIG       The structure has a non-zero part that the module does not
 *             know, or is larger than a page; or a count or size is above
 *             the limit of the module.
 * EBADF       A descriptor in the argument is not open, or is O_PATH.
 * EACCES      A descriptor in the argument is not open for reading and
 *             writing.
 * EINVAL      Anything else is wrong with the argument: the structure is
 *             too short, a flag is unknown, a reserved field is not zero, a
 *             descriptor is of another kind of file, a value is out of
 *             range, framing does not fit, a frame is not allocated.
 * EOPNOTSUPP  The argument is right, but this device cannot do it.
 * EBUSY       The argument is right, but not now: the state of the
 *             connection, the state of the frame, or another user of the
 *             device forbids it.
 * EAGAIN      The call would have to wait, and was told not to.
 * ETIMEDOUT   The deadline passed.
 * EINTR       A signal ended the wait. With SA_RESTART the call is
 *             restarted and waits as the last in the queue.
 * ECANCELED   There is nothing to wait for: the state of the connection is
 *             or became lower than PAUSE, it is flushed, or the wait was
 *             cancelled.
 * ENODEV      The device is gone.
 * ENOMEM      Out of memory.
 * EMFILE      Out of descriptors; likewise ENFILE.
 * ==========  ============================================================
 *
 * Errors of the V4L2 driver (EIO and others) are passed on.
 *
 * Calls that wait take @deadline_ns, an absolute time on CLOCK_MONOTONIC in
 * nanoseconds; 0 means no deadline. They do not wait with KSALLOC_NONBLOCK in
 * @flags or O_NONBLOCK on the file.
 *
 * The security modules of the kernel see the V4L2 ioctls of a connection once,
 * when KSALLOC_CONNECT is called, for the caller of KSALLOC_CONNECT. Whoever
 * gets the connection afterwards may use all of it, as with any descriptor.
 */
#define KSALLOC_TYPE 0xBB

enum {
	KSALLOC_CMD_CONNECT = 0x00,

	KSALLOC_CMD_GET_FRAMING = 0x10,
	KSALLOC_CMD_CREATE_ALLOCATOR = 0x11,
	KSALLOC_CMD_SET_ALLOCATOR = 0x12,
	KSALLOC_CMD_SET_STATE = 0x13,
	KSALLOC_CMD_GET_STATE = 0x14,
	KSALLOC_CMD_SUBMIT = 0x15,
	KSALLOC_CMD_COMPLETE = 0x16,
	KSALLOC_CMD_GET_FRAMING_EX = 0x17,
	KSALLOC_CMD_RESET_STATE = 0x18,
	KSALLOC_CMD_CONNECTION_OPEN = 0x19,
	KSALLOC_CMD_CONNECTION_CANCEL = 0x1a,

	KSALLOC_CMD_ALLOC = 0x20,
	KSALLOC_CMD_FREE = 0x21,
	KSALLOC_CMD_EXPORT = 0x22,
	KSALLOC_CMD_STATUS = 0x23,
	KSALLOC_CMD_STATUS_EX = 0x24,
	KSALLOC_CMD_ENABLE_EVENT = 0x25,
	KSALLOC_CMD_DISABLE_EVENT = 0x26,
	KSALLOC_CMD_ALLOCATOR_OPEN = 0x27,
	KSALLOC_CMD_ALLOCATOR_CANCEL = 0x28,
};

/* The most frames that an allocator may have */
#define KSALLOC_MAX_FRAMES 1024

/* The most events that an allocator may have enabled, all its clients together */
#define KSALLOC_MAX_EVENTS 64

/* @flags of KSALLOC_ALLOC and KSALLOC_COMPLETE: do not wait */
#define KSALLOC_NONBLOCK 0x00000001
/* @flags of KSALLOC_ALLOC: return a descriptor of the frame's dma-buf too */
#define KSALLOC_ALLOC_DMABUF 0x00000002
/* @flags of KSALLOC_ENABLE_EVENT: signal once, then the event is disabled */
#define KSALLOC_EVENT_ONESHOT 0x00000001

/* KSALLOCATOR_FRAMING.RequirementsFlags: what a device needs */
#define KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER 0x00000001
#define KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY 0x00000002
#define KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY 0x00000004
#define KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE 0x00000008
#define KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY 0x80000000

/* KSALLOCATOR_FRAMING.OptionsFlags: what a client asks for */
#define KSALLOCATOR_OPTIONF_COMPATIBLE 0x00000001
#define KSALLOCATOR_OPTIONF_SYSTEM_MEMORY 0x00000002
#define KSALLOCATOR_OPTIONF_VALID 0x00000003

/* KSALLOCATOR_FRAMING.PoolType: dma-buf memory is never paged, so both fit */
#define KSALLOC_POOL_NONPAGED 0
#define KSALLOC_POOL_PAGED 1

/**
 * struct ksallocator_framing - KSALLOCATOR_FRAMING
 * @options_flags: KSALLOCATOR_OPTIONF_*, when creating an allocator
 * @requirements_flags: KSALLOCATOR_REQUIREMENTF_*, when stating a device's needs
 * @pool_type: KSALLOC_POOL_*
 * @frames: number of frames; 0 is no requirement
 * @frame_size: bytes in a frame; 0 is no requirement
 * @file_alignment: alignment of a frame less one, as a mask: 0, 1, 3, 7 … up to
 *	the page size less one
 * @frame_pitch: the same word where KS has it mean a pitch; unused here
 * @reserved: zero
 */
struct ksallocator_framing {
	union {
		__u32 options_flags;
		__u32 requirements_flags;
	};
	__u32 pool_type;
	__u32 frames;
	__u32 frame_size;
	union {
		__u32 file_alignment;
		__s32 frame_pitch;
	};
	__u32 reserved;
};

/**
 * struct ks_guid - GUID
 * @data1: the first eight digits
 * @data2: the next four
 * @data3: the next four
 * @data4: the other sixteen, as bytes
 */
struct ks_guid {
	__u32 data1;
	__u16 data2;
	__u16 data3;
	__u8 data4[8];
};

#define KS_GUID(d1, d2, d3, b0, b1, b2, b3, b4, b5, b6, b7) \
	((struct ks_guid){ d1, d2, d3, { b0, b1, b2, b3, b4, b5, b6, b7 } })

/* KS_FRAMING_ITEM.MemoryType, and BusType: none in particular */
#define KS_TYPE_DONT_CARE KS_GUID(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

/* KS_FRAMING_ITEM.MemoryType */
#define KSMEMORY_TYPE_WILDCARD KS_TYPE_DONT_CARE
#define KSMEMORY_TYPE_DONT_CARE KS_TYPE_DONT_CARE
#define KSMEMORY_TYPE_SYSTEM \
	KS_GUID(0x091bb638, 0x603f, 0x11d1, \
		0xb0, 0x67, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02)
#define KSMEMORY_TYPE_USER \
	KS_GUID(0x8cb0fc28, 0x7893, 0x11d1, \
		0xb0, 0x69, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02)
#define KSMEMORY_TYPE_KERNEL_PAGED \
	KS_GUID(0xd833f8f8, 0x7894, 0x11d1, \
		0xb0, 0x69, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02)
#define KSMEMORY_TYPE_KERNEL_NONPAGED \
	KS_GUID(0x4a6d5fc4, 0x7895, 0x11d1, \
		0xb0, 0x69, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02)
#define KSMEMORY_TYPE_DEVICE_UNKNOWN \
	KS_GUID(0x091bb639, 0x603f, 0x11d1, \
		0xb0, 0x67, 0x00, 0xa0, 0xc9, 0x06, 0x28, 0x02)

/*
 * KS_FRAMING_ITEM.Flags, which may hold KSALLOCATOR_REQUIREMENTF_* as well, and
 * KSALLOCATOR_FRAMING_EX.PinFlags
 */
#define KSALLOCATOR_FLAG_PARTIAL_READ_SUPPORT 0x00000010
#define KSALLOCATOR_FLAG_DEVICE_SPECIFIC 0x00000020
#define KSALLOCATOR_FLAG_CAN_ALLOCATE 0x00000040
#define KSALLOCATOR_FLAG_INSIST_ON_FRAMESIZE_RATIO 0x00000080
#define KSALLOCATOR_FLAG_NO_FRAME_INTEGRITY 0x00000100
#define KSALLOCATOR_FLAG_MULTIPLE_OUTPUT 0x00000200
#define KSALLOCATOR_FLAG_CYCLE 0x00000400
#define KSALLOCATOR_FLAG_ALLOCATOR_EXISTS 0x00000800
#define KSALLOCATOR_FLAG_INDEPENDENT_RANGES 0x00001000
#define KSALLOCATOR_FLAG_ATTENTION_STEPPING 0x00002000
#define KSALLOCATOR_FLAG_ENABLE_CACHED_MDL 0x00004000
#define KSALLOCATOR_FLAG_2D_BUFFER_REQUIRED 0x00008000

/**
 * struct ks_framing_range - KS_FRAMING_RANGE
 * @min_frame_size: the least number of bytes in a frame
 * @max_frame_size: the most
 * @stepping: sizes between are @min_frame_size and whole multiples of this more
 */
struct ks_framing_range {
	__u32 min_frame_size;
	__u32 max_frame_size;
	__u32 stepping;
};

/**
 * struct ks_framing_range_weighted - KS_FRAMING_RANGE_WEIGHTED
 * @range: the range
 * @in_place_weight: how good it is where frames are modified in place
 * @not_in_place_weight: how good it is otherwise
 */
struct ks_framing_range_weighted {
	struct ks_framing_range range;
	__u32 in_place_weight;
	__u32 not_in_place_weight;
};

/**
 * struct ks_compression - KS_COMPRESSION
 * @ratio_numerator: what goes out is at most this
 * @ratio_denominator: by this of what comes in
 * @ratio_constant_margin: and these bytes more
 */
struct ks_compression {
	__u32 ratio_numerator;
	__u32 ratio_denominator;
	__u32 ratio_constant_margin;
};

/**
 * struct ks_framing_item - KS_FRAMING_ITEM: one kind of memory
 * @memory_type: KSMEMORY_TYPE_*
 * @bus_type: KS_TYPE_DONT_CARE
 * @memory_flags: zero
 * @bus_flags: zero
 * @flags: KSALLOCATOR_REQUIREMENTF_* and KSALLOCATOR_FLAG_*
 * @frames: number of frames
 * @file_alignment: alignment of a frame less one, as a mask
 * @frame_pitch: the same word where KS has it mean a pitch; unused here
 * @memory_type_weight: how good this kind of memory is, among the items
 * @physical_range: frame sizes that are possible
 * @framing_range: frame sizes that are best
 */
struct ks_framing_item {
	struct ks_guid memory_type;
	struct ks_guid bus_type;
	__u32 memory_flags;
	__u32 bus_flags;
	__u32 flags;
	__u32 frames;
	union {
		__u32 file_alignment;
		__s32 frame_pitch;
	};
	__u32 memory_type_weight;
	struct ks_framing_range physical_range;
	struct ks_framing_range_weighted framing_range;
};

/**
 * struct ksallocator_framing_ex - KSALLOCATOR_FRAMING_EX
 * @count_items: number of items
 * @pin_flags: KSALLOCATOR_FLAG_* of the connection as a whole
 * @output_compression: how much smaller the data may be than a frame
 * @pin_weight: how much this connection's wishes count among others'
 * @framing_item: the items, best first
 *
 * In KS, the first item counts to the structure's size; here none does.
 */
struct ksallocator_framing_ex {
	__u32 count_items;
	__u32 pin_flags;
	struct ks_compression output_compression;
	__u32 pin_weight;
	struct ks_framing_item framing_item[];
};

/**
 * struct ksstreamallocator_status - KSSTREAMALLOCATOR_STATUS
 * @framing: the framing that the allocator was created with; a zero @frames or
 *	@frame_size in it has become the connection's requirement
 * @allocated_frames: frames that are not free now, those in a device included
 * @reserved: zero
 */
struct ksstreamallocator_status {
	struct ksallocator_framing framing;
	__u32 allocated_frames;
	__u32 reserved;
};

/**
 * struct ksstreamallocator_status_ex - KSSTREAMALLOCATOR_STATUS_EX
 * @count_items: 1
 * @pin_flags: zero
 * @output_compression: 1 / 1
 * @pin_weight: zero
 * @framing_item: what the allocator was created with
 * @allocated_frames: frames that are not free now, those in a device included
 * @reserved: zero
 *
 * The fields down to @framing_item are a struct ksallocator_framing_ex of one
 * item.
 */
struct ksstreamallocator_status_ex {
	__u32 count_items;
	__u32 pin_flags;
	struct ks_compression output_compression;
	__u32 pin_weight;
	struct ks_framing_item framing_item;
	__u32 allocated_frames;
	__u32 reserved;
};

/**
 * enum ksevent_streamallocator - KSEVENT_STREAMALLOCATOR
 * @KSEVENT_STREAMALLOCATOR_INTERNAL_FREEFRAME: for allocators' own use
 * @KSEVENT_STREAMALLOCATOR_FREEFRAME: a frame became free
 */
enum ksevent_streamallocator {
	KSEVENT_STREAMALLOCATOR_INTERNAL_FREEFRAME,
	KSEVENT_STREAMALLOCATOR_FREEFRAME,
};

/**
 * struct kstime - KSTIME
 * @time: a time, in units of @numerator / @denominator times 100 ns
 * @numerator: 1
 * @denominator: 1
 */
struct kstime {
	__s64 time;
	__u32 numerator;
	__u32 denominator;
};

/* KSSTREAM_HEADER.OptionsFlags */
#define KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT 0x00000001
#define KSSTREAM_HEADER_OPTIONSF_PREROLL 0x00000002
#define KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY 0x00000004
#define KSSTREAM_HEADER_OPTIONSF_TYPECHANGED 0x00000008
#define KSSTREAM_HEADER_OPTIONSF_TIMEVALID 0x00000010
#define KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY 0x00000040
#define KSSTREAM_HEADER_OPTIONSF_FLUSHONPAUSE 0x00000080
#define KSSTREAM_HEADER_OPTIONSF_DURATIONVALID 0x00000100
#define KSSTREAM_HEADER_OPTIONSF_ENDOFSTREAM 0x00000200
#define KSSTREAM_HEADER_OPTIONSF_BUFFEREDTRANSFER 0x00000400
#define KSSTREAM_HEADER_OPTIONSF_VRAM_DATA_TRANSFER 0x00000800
#define KSSTREAM_HEADER_OPTIONSF_LOOPEDDATA 0x80000000

/**
 * struct ksstream_header - KSSTREAM_HEADER
 * @header_size: sizeof(struct ksstream_header)
 * @type_specific_flags: zero
 * @presentation_time: the device's timestamp on CLOCK_MONOTONIC
 * @duration: how long the frame lasts, in 100 ns; with OPTIONSF_DURATIONVALID
 * @frame_extent: bytes in the frame
 * @data_used: bytes of data that the device filled in, all within the frame
 * @data: where the data begin, in bytes from the start of the frame; mostly 0
 * @options_flags: KSSTREAM_HEADER_OPTIONSF_*
 * @reserved: zero
 *
 * DATADISCONTINUITY is set on the first frame after a gap in the device's
 * sequence numbers, after a pause or after a flush, on a frame that the device
 * marked as damaged, and on one whose data go beyond the frame, where they are cut off.
 * TIMEDISCONTINUITY is set, where there is a presentation time, on the first frame
 * after a pause or a flush, and on a frame whose time is before that of the last one.
 * SPLICEPOINT is set on a frame that the device marked as a key frame.
 */
struct ksstream_header {
	__u32 header_size;
	__u32 type_specific_flags;
	struct kstime presentation_time;
	__s64 duration;
	__u32 frame_extent;
	__u32 data_used;
	__u64 data;
	__u32 options_flags;
	__u32 reserved;
};

/**
 * enum ksstate - KSSTATE
 * @KSSTATE_STOP: others may use the device
 * @KSSTATE_ACQUIRE: the buffers of the device are the frames of the assigned
 *	allocator; each frame is attached to the device and mapped
 * @KSSTATE_PAUSE: frames can be submitted and wait in the device's queue
 * @KSSTATE_RUN: the device fills frames
 */
enum ksstate {
	KSSTATE_STOP,
	KSSTATE_ACQUIRE,
	KSSTATE_PAUSE,
	KSSTATE_RUN,
};

/**
 * enum ksreset - KSRESET
 * @KSRESET_BEGIN: a flush begins
 * @KSRESET_END: the flush ends
 */
enum ksreset {
	KSRESET_BEGIN,
	KSRESET_END,
};

/**
 * struct ksalloc_connect - ioctl(/dev/ksalloc, KSALLOC_CONNECT)
 * @size: sizeof(struct ksalloc_connect)
 * @flags: zero
 * @v4l2_fd: a V4L2 video capture node, open for reading and writing
 * @__reserved: zero
 *
 * Returns a new connection, close-on-exec, in state KSSTATE_STOP.
 *
 * The connection opens the node once more for itself, with the credentials of
 * the caller. @v4l2_fd shows that the caller may use the device; the caller may
 * close it afterwards, or set the format through it in state KSSTATE_STOP. From
 * KSSTATE_ACQUIRE on the device is busy for it, as for all others. A device may
 * have several connections; it lends its buffers to one of them at a time.
 *
 * The connection keeps a reference to the open file of @v4l2_fd, because some
 * drivers reserve the device for the file that set the format (uvcvideo before
 * 6.17). KSSTATE_ACQUIRE gives this reservation up, unless that file has buffers.
 *
 * Errors: EINVAL if @v4l2_fd is not a V4L2 video capture node; EOPNOTSUPP if it
 * cannot stream; ENODEV. Errors of open() are passed on: EBUSY if the driver
 * lets one file at a time open the node.
 */
struct ksalloc_connect {
	__u32 size;
	__u32 flags;
	__s32 v4l2_fd;
	__u32 __reserved;
};

#define KSALLOC_CONNECT _IO(KSALLOC_TYPE, KSALLOC_CMD_CONNECT)

/**
 * struct ksalloc_get_framing - ioctl(connection, KSALLOC_GET_FRAMING)
 * @size: sizeof(struct ksalloc_get_framing)
 * @flags: zero
 * @framing: out: what the device needs in its current format
 *
 * Errors: ENODEV.
 */
struct ksalloc_get_framing {
	__u32 size;
	__u32 flags;
	struct ksallocator_framing framing;
};

#define KSALLOC_GET_FRAMING _IO(KSALLOC_TYPE, KSALLOC_CMD_GET_FRAMING)

/**
 * struct ksalloc_create_allocator - ioctl(connection, KSALLOC_CREATE_ALLOCATOR)
 * @size: sizeof(struct ksalloc_create_allocator)
 * @flags: zero
 * @heap_fd: the dma-buf heap that the frames come from, open in any mode. Without
 *	KSALLOCATOR_OPTIONF_SYSTEM_MEMORY they come from the device's own memory,
 *	and this is -1
 * @__reserved: zero
 * @framing: what the allocator shall be. A zero @frames or @frame_size takes
 *	what KSALLOC_GET_FRAMING says
 *
 * Returns a new allocator, close-on-exec. It is not assigned to the
 * connection, and lives on without it. An allocator of the device's own memory
 * takes the buffers of the device: until the allocator ends, the device is busy
 * for all others and its format is fixed. It can be assigned to this connection, and
 * to connections of other devices, which import its frames.
 *
 * Errors: EINVAL for framing that is wrong in itself, is below what the device
 * needs, or stays zero; EOPNOTSUPP without KSALLOCATOR_OPTIONF_SYSTEM_MEMORY where
 * the device has no memory of its own, none that a process may have, not so many or
 * not so large buffers, and EBUSY where somebody has them; EOPNOTSUPP with it where
 * the device cannot use memory but its own; EINVAL if @heap_fd is no
 * heap, or should be -1 and is not; E2BIG for more than KSALLOC_MAX_FRAMES frames;
 * ENOMEM for more memory than an allocator may have (the module's parameter
 * max_mbytes) or than there is; ENODEV.
 */
struct ksalloc_create_allocator {
	__u32 size;
	__u32 flags;
	__s32 heap_fd;
	__u32 __reserved;
	struct ksallocator_framing framing;
};

#define KSALLOC_CREATE_ALLOCATOR \
	_IO(KSALLOC_TYPE, KSALLOC_CMD_CREATE_ALLOCATOR)

/**
 * struct ksalloc_set_allocator - ioctl(connection, KSALLOC_SET_ALLOCATOR)
 * @size: sizeof(struct ksalloc_set_allocator)
 * @flags: zero
 * @allocator_fd: the allocator whose frames the device shall fill, which may
 *	have been created on another connection; -1 for none
 * @__reserved: zero
 *
 * Frames of the allocator that was assigned before, which were got by
 * KSALLOC_COMPLETE and not freed, become free.
 *
 * Errors: EINVAL if @allocator_fd is no allocator, or its framing is below
 * what the device needs; EOPNOTSUPP if its memory never leaves the kernel;
 * EBUSY in any state but KSSTATE_STOP; ENODEV.
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
 * @flags: zero
 * @state: enum ksstate
 * @__reserved: zero
 *
 * Walks through the states between. On the way up a failure walks back to the
 * state that the call found; the way down does not fail. From RUN to PAUSE,
 * frames that are filled can still be completed, and the others stay submitted;
 * pictures that the device takes meanwhile are lost. From PAUSE to ACQUIRE, all
 * submitted frames go back to the allocator, and waiting KSALLOC_COMPLETE calls
 * end with ECANCELED.
 *
 * Errors: EINVAL for no such state, or where no allocator is assigned or it no
 * longer fits the device's format; EBUSY where somebody else has the device's
 * buffers; EOPNOTSUPP if the device cannot use the allocator's memory, or
 * has not as many buffers; ENODEV on the way up.
 */
struct ksalloc_set_state {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 __reserved;
};

#define KSALLOC_SET_STATE _IO(KSALLOC_TYPE, KSALLOC_CMD_SET_STATE)

/**
 * struct ksalloc_get_state - ioctl(connection, KSALLOC_GET_STATE)
 * @size: sizeof(struct ksalloc_get_state)
 * @flags: zero
 * @state: out: enum ksstate
 * @pending: out: frames submitted and not yet completed
 */
struct ksalloc_get_state {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 pending;
};

#define KSALLOC_GET_STATE _IO(KSALLOC_TYPE, KSALLOC_CMD_GET_STATE)

/**
 * struct ksalloc_submit - ioctl(connection, KSALLOC_SUBMIT)
 * @size: sizeof(struct ksalloc_submit)
 * @flags: zero
 * @index: an allocated frame of the assigned allocator
 * @dmabuf_fd: a descriptor of the frame's dma-buf, or -1
 *
 * Gives the frame to the device, to be filled. It does not wait for the device.
 *
 * V4L2 takes dma-bufs by descriptor. With @dmabuf_fd the caller lends its own for
 * the time of the call. With -1 a kernel thread, which has descriptors of its own,
 * queues the frame; that takes about three times as long. Where the frames
 * are the device's own memory, no descriptor is needed and -1 costs nothing.
 *
 * A caller that puts another dma-buf at @dmabuf_fd during the call makes the
 * device write there, as with VIDIOC_QBUF. Where the driver shows its queue, such a
 * frame completes with no data and DATADISCONTINUITY.
 *
 * Errors: EBADF if @dmabuf_fd is not open; EINVAL if @index is out of range, the
 * frame is free, or @dmabuf_fd is not its dma-buf; EBUSY if the frame is in a
 * device, a kernel client holds it, or a fence on its dma-buf is not signalled
 * (poll the dma-buf for EPOLLOUT to wait for that); ECANCELED in a state lower
 * than PAUSE or during a flush; ENODEV.
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
 * @sequence: out: the device's sequence number of the frame
 * @header: out: what is in the frame
 *
 * Waits for the next filled frame.
 *
 * Errors: EAGAIN, ETIMEDOUT, EINTR; ECANCELED in a state lower than PAUSE, during a
 * flush, if either began meanwhile, or by KSALLOC_CONNECTION_CANCEL; ENODEV.
 */
struct ksalloc_complete {
	__u32 size;
	__u32 flags;
	__aligned_u64 deadline_ns;
	__u32 index;
	__u32 sequence;
	struct ksstream_header header;
};

#define KSALLOC_COMPLETE _IO(KSALLOC_TYPE, KSALLOC_CMD_COMPLETE)

/**
 * struct ksalloc_get_framing_ex - ioctl(connection, KSALLOC_GET_FRAMING_EX)
 * @size: sizeof(struct ksalloc_get_framing_ex)
 * @flags: zero
 * @framing: where to write: a pointer to room for a struct ksallocator_framing_ex
 *	and its items; 0 for nowhere
 * @framing_size: how much room there is, in bytes; out: how much the whole answer
 *	takes
 * @__reserved: zero
 *
 * What the device can use in its current format: one item for each kind of memory,
 * best first. As many whole items are written as there is room for, and nothing
 * where there is none even for what comes before them; count_items says how many
 * there are in any case.
 *
 * Of an item, physical_range is what frame sizes are possible: from what the current
 * format needs, to what the module's limit leaves to as many frames as the device
 * needs, or to the size of the device's own buffers. framing_range is what is best:
 * whole pages, from what the current format needs to what the largest picture in the
 * same pixel format needs. An allocator of that size need not be made anew when the
 * picture's size changes. output_compression is what a frame is to a raw picture of
 * two bytes each pixel.
 *
 * Errors: ENODEV.
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
 * Begins or ends a flush. It begins with all submitted frames, filled or not, going
 * back to the allocator, and waiting KSALLOC_COMPLETE calls ending with ECANCELED,
 * as does every KSALLOC_SUBMIT and KSALLOC_COMPLETE until it ends. The device does
 * not run meanwhile; the state is still what KSALLOC_SET_STATE says. A state lower
 * than PAUSE ends the flush too. To begin what has begun or to end what has ended
 * does nothing.
 *
 * Errors: EINVAL for no such value; ECANCELED in a state lower than PAUSE; ENODEV.
 * Where the device does not run again, the flush goes on.
 */
struct ksalloc_reset_state {
	__u32 size;
	__u32 flags;
	__u32 reset;
	__u32 __reserved;
};

#define KSALLOC_RESET_STATE _IO(KSALLOC_TYPE, KSALLOC_CMD_RESET_STATE)

/**
 * struct ksalloc_open - ioctl(connection, KSALLOC_CONNECTION_OPEN) and
 *	ioctl(allocator, KSALLOC_ALLOCATOR_OPEN)
 * @size: sizeof(struct ksalloc_open)
 * @flags: zero
 *
 * Returns another open file of the same object, close-on-exec, for another
 * client. It holds no frames and has no events.
 *
 * Errors: EMFILE, ENFILE, ENOMEM.
 */
struct ksalloc_open {
	__u32 size;
	__u32 flags;
};

#define KSALLOC_CONNECTION_OPEN _IO(KSALLOC_TYPE, KSALLOC_CMD_CONNECTION_OPEN)
#define KSALLOC_ALLOCATOR_OPEN _IO(KSALLOC_TYPE, KSALLOC_CMD_ALLOCATOR_OPEN)

/**
 * struct ksalloc_cancel - ioctl(connection, KSALLOC_CONNECTION_CANCEL) and
 *	ioctl(allocator, KSALLOC_ALLOCATOR_CANCEL)
 * @size: sizeof(struct ksalloc_cancel)
 * @flags: zero
 *
 * Ends with ECANCELED all KSALLOC_COMPLETE or KSALLOC_ALLOC calls that wait
 * through this open file. Calls through other open files go on, and calls that
 * begin later wait as usual. It does not wait for anything.
 */
struct ksalloc_cancel {
	__u32 size;
	__u32 flags;
};

#define KSALLOC_CONNECTION_CANCEL \
	_IO(KSALLOC_TYPE, KSALLOC_CMD_CONNECTION_CANCEL)
#define KSALLOC_ALLOCATOR_CANCEL \
	_IO(KSALLOC_TYPE, KSALLOC_CMD_ALLOCATOR_CANCEL)

/**
 * struct ksalloc_alloc - ioctl(allocator, KSALLOC_ALLOC)
 * @size: sizeof(struct ksalloc_alloc)
 * @flags: KSALLOC_NONBLOCK, KSALLOC_ALLOC_DMABUF
 * @deadline_ns: when to stop waiting
 * @index: out: the frame, which this open file holds now
 * @dmabuf_fd: out: the frame's dma-buf, close-on-exec; -1 where not asked for
 *
 * Takes a free frame; if there is none, waits for one. Waiting calls are served
 * in order, and no new call overtakes them.
 *
 * Errors: EAGAIN, ETIMEDOUT, EINTR, ECANCELED, EMFILE.
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
 * @index: an allocated frame; any client may hold it
 * @__reserved: zero
 *
 * Errors: EINVAL if @index is out of range or the frame is free; EBUSY if the
 * frame is in a device or a kernel client holds it.
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
 * @index: any frame of the allocator
 * @__reserved: zero
 *
 * Returns a descriptor of the frame's dma-buf, close-on-exec. It is the same
 * dma-buf each time: map or import it once, and keep it.
 *
 * Errors: EINVAL if @index is out of range; EMFILE.
 */
struct ksalloc_export {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 __reserved;
};

#define KSALLOC_EXPORT _IO(KSALLOC_TYPE, KSALLOC_CMD_EXPORT)

/**
 * struct ksalloc_status - ioctl(allocator, KSALLOC_STATUS)
 * @size: sizeof(struct ksalloc_status)
 * @flags: zero
 * @status: out: KSPROPERTY_STREAMALLOCATOR_STATUS
 * @frame_bytes: out: bytes in each frame's dma-buf: the frame size, rounded up
 *	to whole pages
 * @in_device: out: frames in a device now
 * @waiters: out: KSALLOC_ALLOC calls waiting now
 */
struct ksalloc_status {
	__u32 size;
	__u32 flags;
	struct ksstreamallocator_status status;
	__aligned_u64 frame_bytes;
	__u32 in_device;
	__u32 waiters;
};

#define KSALLOC_STATUS _IO(KSALLOC_TYPE, KSALLOC_CMD_STATUS)

/**
 * struct ksalloc_status_ex - ioctl(allocator, KSALLOC_STATUS_EX)
 * @size: sizeof(struct ksalloc_status_ex)
 * @flags: zero
 * @status: out: KSSTREAMALLOCATOR_STATUS_EX
 * @frame_bytes: out: as in struct ksalloc_status
 * @in_device: out: likewise
 * @waiters: out: likewise
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
 * @id: out: the event's number, for KSALLOC_DISABLE_EVENT
 * @__reserved: zero
 *
 * Adds one to the eventfd for each frame that becomes free from now on. Frames
 * that are free already do not count. A frame that goes straight to a waiting
 * KSALLOC_ALLOC does not become free. With KSALLOC_EVENT_ONESHOT the first frame
 * disables the event. An allocator may have several events, each with an eventfd
 * of its own.
 *
 * The event belongs to this open file of the allocator and ends with it. Closing
 * the eventfd does not end it.
 *
 * Errors: EBADF if @eventfd is not open; EINVAL if it is not an eventfd, or for
 * another event; EBUSY if the eventfd has an event of this allocator already,
 * through any open file; E2BIG for more than KSALLOC_MAX_EVENTS.
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
 * A frame that becomes free at the same moment may still be counted.
 *
 * Errors: EINVAL if there is no such event, or not any more.
 */
struct ksalloc_disable_event {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 __reserved;
};

#define KSALLOC_DISABLE_EVENT _IO(KSALLOC_TYPE, KSALLOC_CMD_DISABLE_EVENT)

#endif /* _UAPI_LINUX_KSALLOC_H */
