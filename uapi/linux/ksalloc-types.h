/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What the ioctls of several kinds of files have in common. The rules for all ioctls are in
 * <linux/ksalloc.h>.
 */
#ifndef _UAPI_LINUX_KSALLOC_TYPES_H
#define _UAPI_LINUX_KSALLOC_TYPES_H

#include <linux/types.h>

#define KSALLOC_TYPE 0xBB

enum {
	KSALLOC_CMD_CONNECT = 0x00,
	KSALLOC_CMD_SHARE = 0x01,

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
	KSALLOC_CMD_READER_OPEN = 0x1b,

	KSALLOC_CMD_ALLOC = 0x20,
	KSALLOC_CMD_FREE = 0x21,
	KSALLOC_CMD_EXPORT = 0x22,
	KSALLOC_CMD_STATUS = 0x23,
	KSALLOC_CMD_STATUS_EX = 0x24,
	KSALLOC_CMD_ENABLE_EVENT = 0x25,
	KSALLOC_CMD_DISABLE_EVENT = 0x26,
	KSALLOC_CMD_ALLOCATOR_OPEN = 0x27,
	KSALLOC_CMD_ALLOCATOR_CANCEL = 0x28,

	KSALLOC_CMD_EXCHANGE = 0x30,
	KSALLOC_CMD_READER_EXPORT = 0x31,
	KSALLOC_CMD_READER_INFO = 0x32,
	KSALLOC_CMD_READER_CANCEL = 0x33,
};

/**
 * KSALLOC_MAX_FRAMES - maximum number of frames of an allocator
 */
#define KSALLOC_MAX_FRAMES 1024

/**
 * KSALLOC_MAX_PLANES - maximum number of memory planes of a frame, as VIDEO_MAX_PLANES
 */
#define KSALLOC_MAX_PLANES 8

/**
 * KSALLOC_NONBLOCK - in @flags of KSALLOC_ALLOC, KSALLOC_COMPLETE and KSALLOC_EXCHANGE: do not wait
 */
#define KSALLOC_NONBLOCK 0x00000001

/**
 * DOC: Planes
 *
 * Most formats store a frame in one memory plane, even if the picture has several color
 * planes (V4L2_PIX_FMT_NV12). In a few formats of multi-planar V4L2 devices, a frame has
 * several memory planes (V4L2_PIX_FMT_NV12M). Each memory plane of a frame has its own
 * dma-buf. In these headers, "plane" is a memory plane.
 *
 * The structures of KS have no planes, and describe the frame as a whole: FrameSize and
 * FrameExtent are the sum of all planes. Other structures describe each plane.
 *
 * An allocator has the number of planes that the device of its connection needed when it
 * was created. It can be assigned only to devices that need the same number, and planes that
 * are not larger. If it is created with another FrameSize than that of the device, the
 * planes have the same proportions as those of the device. Bytes that remain belong to plane
 * 0.
 *
 * All planes of a frame are allocated, filled and freed together. A frame waits for the
 * fences on the dma-bufs of all its planes.
 */

/**
 * struct ksalloc_planes - memory planes of a frame
 * @count: number of planes
 * @__reserved: zero
 * @sizes: bytes in each plane. Elements from @count on are zero
 */
struct ksalloc_planes {
	__u32 count;
	__u32 __reserved;
	__u32 sizes[KSALLOC_MAX_PLANES];
};

/**
 * struct ksalloc_plane_data - the data in one memory plane of a filled frame
 * @data_offset: offset of the data in the plane, in bytes
 * @data_used: number of bytes of data. They never exceed the plane
 */
struct ksalloc_plane_data {
	__u32 data_offset;
	__u32 data_used;
};

/**
 * struct ksalloc_uring_cmd - the field @cmd of an IORING_OP_URING_CMD
 * @arg: pointer to the argument of the ioctl
 * @__reserved: zero
 */
struct ksalloc_uring_cmd {
	__aligned_u64 arg;
	__aligned_u64 __reserved;
};

#endif /* _UAPI_LINUX_KSALLOC_TYPES_H */
