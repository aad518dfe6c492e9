/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Kernel Streaming allocator objects for V4L2 capture devices.
 *
 * This header is the whole ABI of the ksalloc module. Structures whose names begin with
 * "ks" but not with "ksalloc_" have the layout and the values of Windows' ks.h (64-bit).
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
 * - /dev/ksalloc makes connections.
 * - A connection is bound to one V4L2 capture device. It has a state, an assigned
 *   allocator and a queue of filled frames.
 * - An allocator is a fixed set of frames. It is created on a connection, so that it
 *   fits the device. It does not depend on that connection afterwards, and can be
 *   assigned to several connections at the same time.
 *
 * A frame is named by its index in its allocator. It has the same dma-buf for the whole
 * life of the allocator, so a client can map or import it once and keep that.
 *
 * An object ends when its last open file is closed. An allocator lives on while it is
 * assigned to a connection or has a kernel client.
 */

/**
 * DOC: Clients
 *
 * One open file is one client. Frames, waiting calls and events belong to the open file
 * through which they were got, and end with it. An open file ends when its last
 * descriptor is closed, by close(), exec or death. Then its frames are free again and
 * its events are gone. Frames that it has submitted stay in the device.
 *
 * Descriptors made by dup() or inherited over fork() share an open file, so they are one
 * client. KSALLOC_ALLOCATOR_OPEN and KSALLOC_CONNECTION_OPEN make another open file of
 * the same object for another client. Pass that one to another process.
 *
 * close() does not end a call that waits through the same open file, as with any file.
 * KSALLOC_ALLOCATOR_CANCEL and KSALLOC_CONNECTION_CANCEL do.
 *
 * All clients of an allocator trust each other. Each can map and write all frames, and
 * can free and submit frames that another client holds. Frames that a kernel client
 * holds are the exception: only the kernel frees or submits these.
 */

/**
 * DOC: Frames
 *
 * A frame is free, allocated, or in a device:
 *
 * - KSALLOC_ALLOC and KSALLOC_COMPLETE allocate a frame to the open file of the call.
 * - KSALLOC_SUBMIT gives an allocated frame to the device of a connection.
 * - KSALLOC_FREE frees an allocated frame.
 *
 * An allocated frame also becomes free when the open file that holds it ends. A frame
 * that was got through a connection becomes free when that connection gets another
 * allocator or none.
 *
 * All frames in a device become free, filled or not, when
 *
 * - the connection goes to a state lower than KSSTATE_PAUSE, or ends,
 * - a flush begins, or
 * - the device disappears.
 *
 * A frame that becomes free goes to the KSALLOC_ALLOC call that has waited the longest.
 * No later call overtakes it.
 *
 * A frame does not wait for processes that use its dma-buf without holding the frame. A
 * client that passes the dma-buf on has to hold the frame until the receiver is done.
 */

/**
 * DOC: Fences
 *
 * A frame can be given back while another device still reads it. Then there is a fence
 * on its dma-buf: of the driver of that device, or of a program that used
 * DMA_BUF_IOCTL_IMPORT_SYNC_FILE. Such a frame becomes free when the fence is signalled,
 * no matter how it was given back. Until then it counts as allocated, but nobody holds
 * it. KSALLOC_FREE and KSALLOC_SUBMIT return the errors of a free frame.
 *
 * A fence counts if a writer with implicit synchronization has to wait for it, that is,
 * up to DMA_RESV_USAGE_READ. A fence that is added while the frame waits counts as well.
 * A fence that is added to a free frame counts when the frame is given back the next
 * time.
 *
 * So each process that ever had the dma-buf of a frame can keep the frame from becoming
 * free.
 */

/**
 * DOC: Arguments
 *
 * The argument of an ioctl is a pointer to a structure. Its first field is the size of
 * the structure as the caller knows it. A caller with an older, shorter structure is
 * served as if the missing fields were zero. A newer, longer one is accepted if all that
 * the module does not know is zero. Fields marked "out" are written only. Unknown bits
 * in @flags and non-zero reserved fields are refused. The layout is the same for 32-bit
 * and 64-bit callers.
 *
 * All descriptors that an ioctl returns are close-on-exec.
 *
 * A failed call changes nothing. It keeps no descriptor, memory or frame, and no state
 * is left half-way. It does not change the argument, except in part if the argument
 * cannot be written as a whole. EIO of a device that does not stop is the exception.
 */

/**
 * DOC: Errors
 *
 * Each ioctl states what it adds to this table, or what an error means in particular.
 *
 * ==========  ============================================================
 * Error       Meaning
 * ==========  ============================================================
 * EFAULT      The argument cannot be read or written.
 * ENOTTY      This file has no ioctl of this number.
 * E2BIG       The structure has a non-zero part that the module does not
 *             know, or is larger than a page; or a count is above the limit
 *             of the module.
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
 *             restarted, and waits as the last in the queue.
 * ECANCELED   There is nothing to wait for: the state of the connection is
 *             or became lower than PAUSE, it is flushed, or the wait was
 *             cancelled.
 * ENODEV      The device is gone. The connection is in STOP for good, and
 *             its frames are back.
 * EIO         The device did not stop when it should, and may still write to
 *             its frames. They stay in the device until the connection ends,
 *             or, if they are its own memory, the allocator.
 *             Close it: it can do nothing else any more.
 * ENOMEM      Out of memory.
 * EMFILE      Out of descriptors; likewise ENFILE.
 * ==========  ============================================================
 *
 * Errors of the V4L2 driver are passed on; EIO can be one of these too. Errors of the
 * security modules of the kernel are passed on.
 */

/**
 * DOC: Waiting
 *
 * KSALLOC_ALLOC and KSALLOC_COMPLETE wait for a frame. @deadline_ns is an absolute time
 * on CLOCK_MONOTONIC in nanoseconds; 0 means no deadline. A call with a deadline in the
 * past looks once, and then returns ETIMEDOUT. With KSALLOC_NONBLOCK in @flags or
 * O_NONBLOCK on the file, a call does not wait.
 *
 * Calls on a connection wait for each other, so one can take as long as the driver needs
 * for another. A KSALLOC_COMPLETE call that must not wait returns EAGAIN while
 * KSALLOC_SET_STATE or KSALLOC_RESET_STATE is under way, or the frames of a device that
 * has disappeared are not back yet. KSALLOC_GET_STATE,
 * KSALLOC_CONNECTION_OPEN and KSALLOC_CONNECTION_CANCEL never wait for the driver, nor do
 * fdinfo and close() of one of several open files.
 *
 * A killed process does not wait for the driver any more, except on the way down, or back
 * after a failure: there KSALLOC_SET_STATE, KSALLOC_RESET_STATE and the last close() wait
 * as close() of the V4L2 node does.
 *
 * A filled frame wakes all calls that wait for one, as on a V4L2 node.
 *
 * poll() on a connection reports:
 *
 * - EPOLLIN and EPOLLRDNORM if KSALLOC_COMPLETE would not wait
 * - EPOLLERR in a state lower than KSSTATE_PAUSE, and during a flush
 * - EPOLLERR and EPOLLHUP when the device is gone
 *
 * poll() on an allocator reports EPOLLIN and EPOLLRDNORM if a frame is free. Another
 * client can take it first. Edge-triggered epoll reports frames that become free before
 * the next epoll_wait() once. The eventfd of KSALLOC_ENABLE_EVENT counts them.
 */

/**
 * DOC: Permissions
 *
 * A process that can open /dev/ksalloc and a V4L2 node for reading and writing can make a
 * connection. A process that gets a connection or an allocator from another one can use
 * all of it, as with any descriptor. The security modules of the kernel see the V4L2
 * ioctls of a connection once, for the caller of KSALLOC_CONNECT. They see the ioctl of a
 * heap for the caller of KSALLOC_CREATE_ALLOCATOR.
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

/**
 * KSALLOC_MAX_FRAMES - the most frames that an allocator can have
 */
#define KSALLOC_MAX_FRAMES 1024

/**
 * KSALLOC_MAX_EVENTS - the most events of an allocator, of all its clients together
 */
#define KSALLOC_MAX_EVENTS 64

/**
 * KSALLOC_NONBLOCK - in @flags of KSALLOC_ALLOC and KSALLOC_COMPLETE: do not wait
 */
#define KSALLOC_NONBLOCK 0x00000001

/**
 * KSALLOC_ALLOC_DMABUF - in @flags of KSALLOC_ALLOC: return a descriptor of the dma-buf
 */
#define KSALLOC_ALLOC_DMABUF 0x00000002

/**
 * KSALLOC_EVENT_ONESHOT - in @flags of KSALLOC_ENABLE_EVENT: the first frame disables it
 */
#define KSALLOC_EVENT_ONESHOT 0x00000001

/**
 * DOC: Requirements of a device
 *
 * RequirementsFlags of KSALLOCATOR_FRAMING, and Flags of KS_FRAMING_ITEM:
 *
 * KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER
 *	The device writes into the frames that it is given. Capture devices do.
 * KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY
 *	The device can use memory from a heap.
 * KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY
 *	Nobody may change a frame after the device. No device here states it.
 * KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE
 *	The device can use only memory of its own.
 * KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY
 *	The other values are a wish: framing below them is accepted. Devices of other kernel
 *	modules can state it.
 */
#define KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER 0x00000001
#define KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY 0x00000002
#define KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY 0x00000004
#define KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE 0x00000008
#define KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY 0x80000000

/**
 * DOC: Options of an allocator
 *
 * OptionsFlags of KSALLOCATOR_FRAMING:
 *
 * KSALLOCATOR_OPTIONF_SYSTEM_MEMORY
 *	The frames come from a heap. Without it they come from the device's own memory.
 * KSALLOCATOR_OPTIONF_COMPATIBLE
 *	Accepted, and changes nothing.
 */
#define KSALLOCATOR_OPTIONF_COMPATIBLE 0x00000001
#define KSALLOCATOR_OPTIONF_SYSTEM_MEMORY 0x00000002
#define KSALLOCATOR_OPTIONF_VALID 0x00000003

/* KSALLOCATOR_FRAMING.PoolType: memory of dma-bufs is never paged, so both are the same */
#define KSALLOC_POOL_NONPAGED 0
#define KSALLOC_POOL_PAGED 1

/**
 * struct ksallocator_framing - KSALLOCATOR_FRAMING
 * @options_flags: KSALLOCATOR_OPTIONF_* of an allocator
 * @requirements_flags: KSALLOCATOR_REQUIREMENTF_* of a device
 * @pool_type: KSALLOC_POOL_NONPAGED or KSALLOC_POOL_PAGED; they are the same here
 * @frames: number of frames; 0 is no requirement
 * @frame_size: bytes in a frame; 0 is no requirement
 * @file_alignment: alignment of a frame less one, as a mask: 0, 1, 3, 7 … up to the page
 *	size less one. Frames begin at a page, so each mask is met
 * @frame_pitch: another meaning of @file_alignment in KS; unused here
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

/* KS_FRAMING_ITEM.MemoryType and BusType: any */
#define KS_TYPE_DONT_CARE KS_GUID(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

/**
 * DOC: Types of memory
 *
 * MemoryType of KS_FRAMING_ITEM. Two types occur here:
 *
 * KSMEMORY_TYPE_SYSTEM
 *	Memory from a heap.
 * KSMEMORY_TYPE_DEVICE_UNKNOWN
 *	Memory of the device.
 */
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

/**
 * DOC: Flags of an item
 *
 * Flags of KS_FRAMING_ITEM, and PinFlags of KSALLOCATOR_FRAMING_EX. These occur here; the
 * others are never set:
 *
 * KSALLOCATOR_FLAG_DEVICE_SPECIFIC
 *	The memory is the device's own.
 * KSALLOCATOR_FLAG_CAN_ALLOCATE
 *	The device can provide it.
 * KSALLOCATOR_FLAG_ALLOCATOR_EXISTS
 *	In PinFlags: an allocator is assigned to the connection.
 * KSALLOCATOR_FLAG_ENABLE_CACHED_MDL
 *	A frame is mapped for the device once, in KSSTATE_ACQUIRE.
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
 * @min_frame_size: least number of bytes in a frame
 * @max_frame_size: most bytes in a frame
 * @stepping: sizes between are @min_frame_size and multiples of @stepping more
 */
struct ks_framing_range {
	__u32 min_frame_size;
	__u32 max_frame_size;
	__u32 stepping;
};

/**
 * struct ks_framing_range_weighted - KS_FRAMING_RANGE_WEIGHTED
 * @range: the range
 * @in_place_weight: how good it is if frames are modified in place
 * @not_in_place_weight: how good it is otherwise
 */
struct ks_framing_range_weighted {
	struct ks_framing_range range;
	__u32 in_place_weight;
	__u32 not_in_place_weight;
};

/**
 * struct ks_compression - KS_COMPRESSION
 * @ratio_numerator: bytes that go out
 * @ratio_denominator: for so many bytes that come in
 * @ratio_constant_margin: bytes that go out in any case
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
 * @frame_pitch: another meaning of @file_alignment in KS; unused here
 * @memory_type_weight: how good this kind of memory is, among the items; the larger, the
 *	better
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
 * @output_compression: size of a frame in proportion to a raw picture
 * @pin_weight: zero
 * @framing_item: the items, best first
 *
 * In KS the first item belongs to the size of the structure. Here none does.
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
 * @framing: the framing that the allocator was created with. If @frames or @frame_size
 *	was zero, it is what the device needed
 * @allocated_frames: frames that are not free: allocated, in a device, or waiting for a
 *	fence
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
 * @framing_item: what the allocator was created with. @framing_range begins and ends
 *	with the frame size. @physical_range begins there, and ends with whole pages
 * @allocated_frames: as in &struct ksstreamallocator_status
 * @reserved: zero
 *
 * The fields down to @framing_item are a &struct ksallocator_framing_ex with one item.
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
 * @KSEVENT_STREAMALLOCATOR_INTERNAL_FREEFRAME: for allocators in the kernel; refused
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

/**
 * DOC: Flags of a filled frame
 *
 * OptionsFlags of KSSTREAM_HEADER. These occur here; the others are never set:
 *
 * KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT
 *	The device marked this as a key frame.
 * KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY
 *	Pictures before this one are lost, or the data are damaged. This is the first frame
 *	after a gap in the sequence numbers, after a pause or after a flush; or the device
 *	marked it as damaged; or the data went beyond the frame and are cut off there.
 * KSSTREAM_HEADER_OPTIONSF_TIMEVALID
 *	@presentation_time is valid.
 * KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY
 *	@presentation_time does not continue that of the frame before. This is the first
 *	frame after a pause or a flush, or its time is earlier than the one before.
 * KSSTREAM_HEADER_OPTIONSF_DURATIONVALID
 *	@duration is valid.
 * KSSTREAM_HEADER_OPTIONSF_ENDOFSTREAM
 *	The device said that this is the last frame.
 */
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
 * @presentation_time: timestamp of the device on CLOCK_MONOTONIC, in 100 ns
 * @duration: how long the frame lasts, in 100 ns: the frame interval of the driver
 *	(VIDIOC_G_PARM) when the device began to run, or half of it if fields are frames
 *	of their own. 0 if the driver does not know. A camera in the dark can take longer
 * @frame_extent: frame size of the allocator, in bytes
 * @data_used: bytes of data that the device filled in. They never go beyond the frame
 * @data: where the data begin, in bytes from the start of the frame. 0 except for a few
 *	multi-planar devices
 * @options_flags: KSSTREAM_HEADER_OPTIONSF_*
 * @reserved: zero
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
 * @KSSTATE_STOP: others can use the device, and its format can be changed
 * @KSSTATE_ACQUIRE: the frames of the assigned allocator are the buffers of the device.
 *	The format is fixed. Each frame is attached to the device and mapped, so later
 *	steps do not fail for reasons of memory. Drivers without VIDIOC_PREPARE_BUF do
 *	that at the first KSALLOC_SUBMIT of each frame
 * @KSSTATE_PAUSE: frames can be submitted. They wait in the queue of the device
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
 * Returns a new connection, in KSSTATE_STOP.
 *
 * The connection opens the node once more for itself, with the credentials of the
 * caller. @v4l2_fd shows that the caller may use the device. The caller can set the
 * format through it in KSSTATE_STOP, and can close it. From KSSTATE_ACQUIRE on, the
 * device is busy for @v4l2_fd as for all other files. A device can have several
 * connections. It lends its buffers to one of them at a time. A few drivers have a format
 * for each open file (omap3isp): there the caller cannot set that of the connection.
 *
 * The connection has the priority that the open file of @v4l2_fd has at this time
 * (VIDIOC_S_PRIORITY).
 *
 * Some drivers reserve the device for the file that set the format (uvcvideo before
 * 6.17). For these, the connection keeps a reference to the open file of @v4l2_fd, which
 * then ends with the connection. KSSTATE_ACQUIRE and an allocator of the device's own
 * memory give the reservation up, unless that file has got buffers meanwhile: then the
 * device is busy until that file frees them or, if it is closed, the connection ends.
 *
 * Errors:
 *
 * - EINVAL: @v4l2_fd is not a V4L2 video capture node. Nodes for output, memory to
 *   memory, VBI, radio, metadata and touch are not.
 * - EOPNOTSUPP: the device cannot stream; it has read() only, for instance.
 * - EBUSY: the driver lets one file at a time open the node; or it is one of those that
 *   reserve the device, and the file of @v4l2_fd has buffers. Other errors of open() are
 *   passed on as well.
 * - ENODEV
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
 * Of a V4L2 device, @framing says:
 *
 * - requirements_flags: INPLACE_MODIFIER, and SYSTEM_MEMORY or MUST_ALLOCATE
 * - pool_type: KSALLOC_POOL_NONPAGED
 * - frames: how many frames the device needs to run without a break, one more than it
 *   must have in its queue; at least 2
 * - frame_size: image size of the format, in bytes
 * - file_alignment: zero
 *
 * Errors:
 *
 * - EOPNOTSUPP: the planes of the format are in separate buffers.
 * - ENODEV
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
 * @heap_fd: with KSALLOCATOR_OPTIONF_SYSTEM_MEMORY, the dma-buf heap that the frames come
 *	from, open in any mode. Without it, -1
 * @__reserved: zero
 * @framing: what the allocator shall be. If @frames or @frame_size is zero, it is what
 *	KSALLOC_GET_FRAMING says
 *
 * Returns a new allocator, with all frames free. It is not assigned to the connection.
 * All memory is allocated now and none later. An allocator can have as much as the
 * module parameter max_mbytes says, in MiB. The default 0 is half of the memory of the
 * machine.
 *
 * An allocator of the device's own memory takes the buffers of the device
 * (V4L2_MEMORY_MMAP), and exports each as a dma-buf. It can be assigned to this
 * connection, which streams with these buffers. It can be assigned to connections of
 * other devices, which import the dma-bufs. A device has one set of buffers. So until
 * the allocator ends, the device is busy for all others and its format is fixed. A
 * dma-buf that is mapped or imported keeps its memory, even beyond the device.
 *
 * A heap returns dma-bufs by descriptor. So the calling process has one descriptor more
 * for a short time during the call.
 *
 * Errors:
 *
 * - EINVAL: a flag, pool type or mask in @framing does not exist; the framing is below
 *   what the device needs, or stays zero; @heap_fd is not a heap, or should be -1.
 * - E2BIG: there are more than KSALLOC_MAX_FRAMES frames.
 * - ENOMEM: it is more than max_mbytes, or the heap or the device does not have so much.
 * - EOPNOTSUPP, with KSALLOCATOR_OPTIONF_SYSTEM_MEMORY: the device can use no memory but
 *   its own.
 * - EOPNOTSUPP, without it: the device has no memory of its own, none that a process can
 *   have, not so many buffers, or not so large ones.
 * - EBUSY, without it: the buffers of the device are in use, or another file has a
 *   higher priority.
 * - EMFILE, ENODEV
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
 * @allocator_fd: the allocator whose frames the device shall fill; -1 for none
 * @__reserved: zero
 *
 * The allocator can be from another connection. Frames of the allocator that was assigned
 * before become free, if they were got by KSALLOC_COMPLETE of this connection and are
 * still allocated.
 *
 * Errors:
 *
 * - EINVAL: @allocator_fd is not an allocator, or its framing is below what the device
 *   needs.
 * - EOPNOTSUPP: the memory of the allocator never leaves the kernel.
 * - EBUSY: the state is not KSSTATE_STOP.
 * - ENODEV: not for -1
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
 * Walks through the states between. On the way up, a failure walks back to the state that
 * the call found. The way down does not fail, except with EIO if the device does not
 * stop.
 *
 * From RUN to PAUSE, frames that are filled can still be completed, and the others stay
 * submitted. Pictures that the device takes meanwhile are lost. From PAUSE to ACQUIRE,
 * all submitted frames become free, filled or not, and waiting KSALLOC_COMPLETE calls end
 * with ECANCELED. Frames that were completed before stay allocated in any state.
 *
 * Errors:
 *
 * - EINVAL: there is no such state; no allocator is assigned; or the allocator does not
 *   fit the format of the device any more.
 * - EBUSY: another file has the buffers of the device, or has a higher priority.
 * - EOPNOTSUPP: the device cannot use the memory of the allocator, or cannot have so many
 *   buffers.
 * - ENODEV: on the way up only
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
 * @state: out: enum ksstate. KSSTATE_STOP when the device is gone
 * @pending: out: frames that are submitted and not yet completed
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
 * @index: an allocated frame of the assigned allocator; any client can hold it
 * @dmabuf_fd: a descriptor of the frame's dma-buf, or -1
 *
 * Gives the frame to the device, to be filled. It does not wait until that is done.
 * Frames are filled in the order in which they are submitted, if the driver keeps it.
 *
 * V4L2 takes dma-bufs by descriptor. With @dmabuf_fd the caller lends its own for the
 * time of the call. With -1 a kernel thread, which has descriptors of its own, queues the
 * frame. That takes about four times as long. If the frames are the device's own
 * memory, no descriptor is needed and -1 costs nothing.
 *
 * A caller that puts another dma-buf at @dmabuf_fd during the call makes the device write
 * there, as with VIDIOC_QBUF. If the driver uses the queue of videobuf2, such a frame
 * completes without data and with DATADISCONTINUITY.
 *
 * Errors:
 *
 * - EBADF: @dmabuf_fd is not open.
 * - EINVAL: @index is out of range; the frame is free or waits for a fence; @dmabuf_fd is
 *   not its dma-buf.
 * - EBUSY: the frame is in a device; a kernel client holds it; or a fence on its dma-buf
 *   is not signalled. Poll the dma-buf for EPOLLOUT to wait for the fence.
 * - ECANCELED: the state is lower than KSSTATE_PAUSE, or the connection is flushed.
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
 * @sequence: out: the sequence number of the device. A gap is a lost picture
 * @header: out: what is in the frame
 *
 * Waits for the next filled frame, even if no frame is submitted yet. If the answer
 * cannot be written (EFAULT), the frame stays the next one.
 *
 * Errors:
 *
 * - EAGAIN, ETIMEDOUT, EINTR
 * - ECANCELED: the state is lower than KSSTATE_PAUSE, or the connection is flushed; one
 *   of both began during the wait; or KSALLOC_CONNECTION_CANCEL was called.
 * - ENODEV
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
 * @framing: where to write a &struct ksallocator_framing_ex and its items: a pointer, or
 *	0 for nowhere
 * @framing_size: how much room is there, in bytes; out: how much the whole answer takes
 * @__reserved: zero
 *
 * The answer has one item for each kind of memory that the device can use in its current
 * format, best first. As many whole items are written as there is room for. If there is
 * no room for what comes before the items, nothing is written. count_items is the number
 * of all items in any case.
 *
 * The answer says:
 *
 * - pin_flags: KSALLOCATOR_FLAG_ALLOCATOR_EXISTS if an allocator is assigned
 * - output_compression: for a compressed format, bytes of a frame for the bytes of a raw
 *   picture with two bytes a pixel; else 1 / 1. A format is compressed if V4L2 says zero
 *   bytesperline
 *
 * An item says:
 *
 * - memory_type: KSMEMORY_TYPE_SYSTEM if the device can import dma-bufs, and
 *   KSMEMORY_TYPE_DEVICE_UNKNOWN if it has MMAP buffers and can export them
 * - memory_type_weight: system memory is better, because the device stays free for
 *   others. But if the device needs each frame in one piece, its own memory is better,
 *   because a heap seldom gives that (videobuf2's dma-contig memory without an IOMMU)
 * - flags: what KSALLOC_GET_FRAMING says and is true of this memory;
 *   KSALLOCATOR_FLAG_ENABLE_CACHED_MDL; and KSALLOCATOR_FLAG_DEVICE_SPECIFIC and
 *   KSALLOCATOR_FLAG_CAN_ALLOCATE for the device's own
 * - frames: as KSALLOC_GET_FRAMING
 * - file_alignment: the page size less one
 * - physical_range: frame sizes that are possible. They begin with the image size of the
 *   format. They end with what max_mbytes leaves to each of @frames frames, or with the
 *   size of the device's own buffers
 * - framing_range: frame sizes that are best: whole pages, from the image size of the
 *   format to that of the largest picture in the same pixel format. An allocator of that
 *   size can stay when the size of the picture changes. in_place_weight is 1, because
 *   the device fills the frame itself
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
 * Begins or ends a flush, which throws away what is in the stream without a change of
 * state.
 *
 * When a flush begins, the device stops, all submitted frames become free, filled or not,
 * and waiting KSALLOC_COMPLETE calls end with ECANCELED. Until it ends, KSALLOC_SUBMIT
 * and KSALLOC_COMPLETE fail with ECANCELED. When it ends in RUN, the device runs again,
 * and the first frame has DATADISCONTINUITY and TIMEDISCONTINUITY. Frames that were
 * completed before stay allocated.
 *
 * A flush belongs to the connection, so any client of it can end it. The state can be
 * changed during a flush. In RUN, the device does not run before the flush ends. A state
 * lower than PAUSE ends the flush. To begin a flush twice or to end none does nothing.
 *
 * Errors:
 *
 * - EINVAL: there is no such value.
 * - ECANCELED: the state is lower than KSSTATE_PAUSE.
 * - ENODEV
 * - If the device does not run again at the end, the flush goes on. It can be ended once
 *   more.
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
 * Returns another open file of the same object, for another client. It holds no frames
 * and has no events.
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
 * Ends with ECANCELED all KSALLOC_COMPLETE or KSALLOC_ALLOC calls that wait for a frame
 * through this open file. Calls through other open files go on, and calls that begin
 * later wait as usual. It does not wait for anything.
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
 * @dmabuf_fd: out: a descriptor of the frame's dma-buf; -1 without KSALLOC_ALLOC_DMABUF
 *
 * Takes the frame that has been free the longest. If there is none, it waits for one.
 * Waiting calls are served in order, and no later call overtakes them.
 *
 * Errors:
 *
 * - EAGAIN, ETIMEDOUT, EINTR
 * - ECANCELED: KSALLOC_ALLOCATOR_CANCEL was called.
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
 * - EBUSY: the frame is in a device, or a kernel client holds it.
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
 * @__reserved: zero
 *
 * Returns a descriptor of the frame's dma-buf. It is the same dma-buf each time: map or
 * import it once, and keep it. It keeps the memory, even beyond the end of the allocator,
 * but does not hold the frame.
 *
 * Errors:
 *
 * - EINVAL: @index is out of range.
 * - EMFILE
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
 * @frame_bytes: out: the frame size in whole pages; each dma-buf has at least so many
 *	bytes
 * @in_device: out: frames in a device now
 * @waiters: out: KSALLOC_ALLOC calls that wait now
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
 * @frame_bytes: out: as in &struct ksalloc_status
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
 * @id: out: number of the event, for KSALLOC_DISABLE_EVENT
 * @__reserved: zero
 *
 * Adds one to the eventfd for each frame that becomes free from now on. A frame that
 * becomes free during the call can count already. Frames that are free do not count. A
 * frame that goes straight to a waiting KSALLOC_ALLOC call does not become free. With
 * KSALLOC_EVENT_ONESHOT the first frame disables the event.
 *
 * An allocator can have several events, each with an eventfd of its own. An event belongs
 * to this open file of the allocator and ends with it. Closing the eventfd does not end
 * it. The number of events is limited because a frame can be freed in an interrupt, and
 * each event is told there.
 *
 * Errors:
 *
 * - EBADF: @eventfd is not open.
 * - EINVAL: @eventfd is not an eventfd, or @event is another event.
 * - EBUSY: the eventfd has an event of this allocator already, through any open file.
 * - E2BIG: there would be more than KSALLOC_MAX_EVENTS events.
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
 * A frame that becomes free during the call can still be counted.
 *
 * Errors:
 *
 * - EINVAL: this open file has no such event, or the event was a one-shot and is over.
 */
struct ksalloc_disable_event {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 __reserved;
};

#define KSALLOC_DISABLE_EVENT _IO(KSALLOC_TYPE, KSALLOC_CMD_DISABLE_EVENT)

#endif /* _UAPI_LINUX_KSALLOC_H */
