/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Structures and values of Kernel Streaming that ksalloc uses.
 *
 * They have the layout and the values of ks.h and ksmedia.h of Windows (64-bit).
 */
#ifndef _UAPI_LINUX_KSALLOC_KS_H
#define _UAPI_LINUX_KSALLOC_KS_H

#include <linux/types.h>

/**
 * DOC: Requirements of a device
 *
 * RequirementsFlags of KSALLOCATOR_FRAMING, and Flags of KS_FRAMING_ITEM:
 *
 * KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER
 *	The device writes into the frames. Capture devices do.
 * KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY
 *	The device can import dma-bufs, from a heap or of the caller (KSALLOC_IMPORT). Whether
 *	it can use those of a certain heap is only known in KSSTATE_ACQUIRE.
 * KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY
 *	Nobody may change a frame after the device has filled it. V4L2 devices do not set it.
 * KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE
 *	The device can use only its own memory.
 * KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY
 *	The other values are preferences: framing below them is accepted. Only devices of
 *	other kernel modules can set it.
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
 *	The memory of the frames is from a heap or from the caller (KSALLOC_IMPORT). Without
 *	this flag it is the device's own memory.
 * KSALLOCATOR_OPTIONF_COMPATIBLE
 *	Accepted, but has no effect.
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
 * @pool_type: KSALLOC_POOL_NONPAGED or KSALLOC_POOL_PAGED. Both have the same effect
 * @frames: number of frames; 0 for no requirement
 * @frame_size: bytes in a frame; 0 for no requirement
 * @file_alignment: alignment of a frame minus one, as a mask: 0, 1, 3, 7 … up to the page
 *	size minus one. Frames begin at a page, so they have any such alignment
 * @frame_pitch: another meaning of @file_alignment in KS. Not used by ksalloc
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
 * @data1: the first eight hexadecimal digits
 * @data2: the next four digits
 * @data3: the next four digits
 * @data4: the last sixteen digits, as bytes
 */
struct ks_guid {
	__u32 data1;
	__u16 data2;
	__u16 data3;
	__u8 data4[8];
};

#define KS_GUID(d1, d2, d3, b0, b1, b2, b3, b4, b5, b6, b7) \
	((struct ks_guid){ d1, d2, d3, { b0, b1, b2, b3, b4, b5, b6, b7 } })

/* In MemoryType and BusType of KS_FRAMING_ITEM: any type */
#define KS_TYPE_DONT_CARE KS_GUID(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

/**
 * DOC: Types of memory
 *
 * MemoryType of KS_FRAMING_ITEM. ksalloc uses two types:
 *
 * KSMEMORY_TYPE_SYSTEM
 *	Memory from a heap.
 * KSMEMORY_TYPE_DEVICE_UNKNOWN
 *	The device's own memory.
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
 * Flags of KS_FRAMING_ITEM, and PinFlags of KSALLOCATOR_FRAMING_EX. ksalloc sets only
 * these:
 *
 * KSALLOCATOR_FLAG_DEVICE_SPECIFIC
 *	The memory is the device's own.
 * KSALLOCATOR_FLAG_CAN_ALLOCATE
 *	The device can allocate the memory.
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
 * @min_frame_size: minimum number of bytes in a frame
 * @max_frame_size: maximum number of bytes in a frame
 * @stepping: other sizes are @min_frame_size plus a multiple of @stepping
 */
struct ks_framing_range {
	__u32 min_frame_size;
	__u32 max_frame_size;
	__u32 stepping;
};

/**
 * struct ks_framing_range_weighted - KS_FRAMING_RANGE_WEIGHTED
 * @range: the range
 * @in_place_weight: preference of the range if frames are modified in place
 * @not_in_place_weight: preference of the range otherwise
 */
struct ks_framing_range_weighted {
	struct ks_framing_range range;
	__u32 in_place_weight;
	__u32 not_in_place_weight;
};

/**
 * struct ks_compression - KS_COMPRESSION
 * @ratio_numerator: number of output bytes
 * @ratio_denominator: for this number of input bytes
 * @ratio_constant_margin: number of output bytes in addition to the ratio
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
 * @file_alignment: alignment of a frame minus one, as a mask
 * @frame_pitch: another meaning of @file_alignment in KS. Not used by ksalloc
 * @memory_type_weight: preference of this kind of memory among the items. A larger value is
 *	better
 * @physical_range: possible frame sizes
 * @framing_range: preferred frame sizes
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
 * @output_compression: ratio of the size of a frame to that of a raw picture
 * @pin_weight: zero
 * @framing_item: the items, best first
 *
 * In KS the size of the structure includes the first item. Here it includes none.
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
 * @framing: the framing of KSALLOC_CREATE_ALLOCATOR. If @frames or @frame_size was zero
 *	there, it is the value of the device
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
 * @framing_item: the framing of the allocator. @framing_range begins and ends at the frame
 *	size. @physical_range begins at the frame size and ends at the size in whole pages
 * @allocated_frames: as in &struct ksstreamallocator_status
 * @reserved: zero
 *
 * The fields up to @framing_item are a &struct ksallocator_framing_ex with one item.
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
 * @KSEVENT_STREAMALLOCATOR_INTERNAL_FREEFRAME: only for drivers of Windows; refused
 * @KSEVENT_STREAMALLOCATOR_FREEFRAME: a frame became free
 */
enum ksevent_streamallocator {
	KSEVENT_STREAMALLOCATOR_INTERNAL_FREEFRAME,
	KSEVENT_STREAMALLOCATOR_FREEFRAME,
};

/**
 * struct kstime - KSTIME
 * @time: a time in units of 100 ns times @numerator / @denominator
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
 * OptionsFlags of KSSTREAM_HEADER. ksalloc sets only these:
 *
 * KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT
 *	The device marked this as a key frame.
 * KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY
 *	Pictures before this one are lost, or the data are damaged. This is the first frame
 *	after a gap in the sequence numbers, after a pause or after a flush; or the device
 *	marked it as damaged; or the data exceeded the frame size and were truncated.
 * KSSTREAM_HEADER_OPTIONSF_TIMEVALID
 *	@presentation_time is valid.
 * KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY
 *	@presentation_time does not continue that of the frame before. This is the first
 *	frame after a pause or a flush, or its time is earlier than the one before.
 * KSSTREAM_HEADER_OPTIONSF_DURATIONVALID
 *	@duration is valid.
 * KSSTREAM_HEADER_OPTIONSF_ENDOFSTREAM
 *	The device marked this as the last frame. After it, KSALLOC_COMPLETE and KSALLOC_EXCHANGE
 *	fail with EPIPE; with some drivers (without vdev->queue) only while a frame is submitted.
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
 * DOC: Field of a filled frame
 *
 * If the format has V4L2_FIELD_ALTERNATE, each frame is one field of a picture. Then
 * TypeSpecificFlags of KSSTREAM_HEADER tells which. The values are those of dwFrameFlags of
 * KS_FRAME_INFO:
 *
 * KS_VIDEO_FLAG_FRAME
 *	Always, if the format is not V4L2_FIELD_ALTERNATE: the format tells what a frame is. If it
 *	is, the driver does not say which field the frame is.
 * KS_VIDEO_FLAG_FIELD1
 *	The top field (V4L2_FIELD_TOP).
 * KS_VIDEO_FLAG_FIELD2
 *	The bottom field (V4L2_FIELD_BOTTOM).
 */
#define KS_VIDEO_FLAG_FRAME 0x0000
#define KS_VIDEO_FLAG_FIELD1 0x0001
#define KS_VIDEO_FLAG_FIELD2 0x0002

/**
 * struct ksstream_header - KSSTREAM_HEADER
 * @header_size: sizeof(struct ksstream_header)
 * @type_specific_flags: KS_VIDEO_FLAG_FRAME, KS_VIDEO_FLAG_FIELD1 or KS_VIDEO_FLAG_FIELD2
 * @presentation_time: timestamp of the device on CLOCK_MONOTONIC, in 100 ns
 * @duration: duration of the frame in 100 ns: the frame interval of the driver
 *	(VIDIOC_G_PARM) when the device started, or half of it if each field is a frame
 *	(V4L2_FIELD_ALTERNATE). 0 if it is unknown. With a long exposure, a camera can take
 *	longer
 * @frame_extent: frame size of the allocator, in bytes
 * @data_used: number of bytes of data, in all planes. They never exceed the frame
 * @data: offset of the data in the frame, in bytes: in the first plane, if there are
 *	several. 0 except for a few multi-planar devices
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
 * @KSSTATE_STOP: other files can use the device, and its format can be changed
 * @KSSTATE_ACQUIRE: the frames of the assigned allocator are the buffers of the device.
 *	The format is fixed. Each frame is attached to the device and mapped, so later
 *	steps do not fail because the device cannot use the memory
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

#endif /* _UAPI_LINUX_KSALLOC_KS_H */
