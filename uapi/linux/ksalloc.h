/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Kernel Streaming allocator objects for V4L2 capture devices.
 *
 * This header is the whole ABI of the ksalloc module. Structures whose names begin with
 * "ks" but not with "ksalloc_" have the layout and the values of ks.h of Windows (64-bit).
 *
 * In the terms of Kernel Streaming (KS), a frame is a buffer. A picture is the image that
 * the device stores in a frame. "Device" is the capture device of a connection, and "heap"
 * is a dma-buf heap.
 */
#ifndef _UAPI_LINUX_KSALLOC_H
#define _UAPI_LINUX_KSALLOC_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: Objects
 *
 * Each ioctl works on an open file. There are five kinds of files:
 *
 * - /dev/ksalloc makes connections and shares.
 * - A connection is bound to one V4L2 capture device. It has a state (STOP, ACQUIRE, PAUSE
 *   or RUN), an assigned allocator and a queue of filled frames.
 * - An allocator is a fixed set of frames. It is created on a connection, so that its
 *   frames meet the requirements of the device. It does not depend on that connection
 *   afterwards, and can be assigned to several connections at the same time.
 * - A reader gets the filled frames of a connection, beside other readers. It is made on that
 *   connection, and is of no use any more when the connection ends.
 * - A share has no ioctls. While it is open, other programs can stream from one V4L2 capture
 *   device at the same time, by a V4L2 node of their own.
 *
 * A frame is identified by its index in its allocator. It has the same dma-buf as long as
 * the allocator exists, so a client can map or import it once and keep the mapping. If the
 * format of the device has several memory planes, a frame has a dma-buf for each of them.
 *
 * An object is freed when its last open file is closed. An allocator also exists as long as
 * it is assigned to a connection, or another kernel module uses it (a kernel client).
 */

/**
 * DOC: Clients
 *
 * One open file of an allocator or a connection is one client. Allocated frames, waiting
 * calls and events belong to the open file of the call. An open file is released when its last
 * descriptor is closed, by close(), exec or death of the process. Then the frames that it
 * holds become free and its events are removed. Frames that it has submitted stay in the
 * device.
 *
 * Descriptors that were made by dup() or inherited over fork() share an open file, so they
 * are one client. KSALLOC_ALLOCATOR_OPEN and KSALLOC_CONNECTION_OPEN make another open file
 * of the same object. Pass such a file to another process, so that it is another client.
 *
 * As with any file, close() does not end a call that waits through the same open file.
 * KSALLOC_ALLOCATOR_CANCEL and KSALLOC_CONNECTION_CANCEL do.
 *
 * All clients of an allocator trust each other. Each can map and write all frames, and
 * can free and submit frames that another client holds. Frames that a kernel client or a
 * reader holds are an exception: only kernel clients can free these, and programs cannot
 * submit them.
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
 * that an open file of a connection holds becomes free when another allocator, or none, is
 * assigned to that connection.
 *
 * All frames in a device become free, filled or not, when
 *
 * - the connection goes to a state lower than KSSTATE_PAUSE, or ends,
 * - a flush begins, or
 * - the device disappears.
 *
 * If KSALLOC_ALLOC calls wait, a frame that becomes free is given to the call that has
 * waited the longest. No later call overtakes it.
 *
 * A frame can be reused while a process that does not hold it still uses its dma-buf. A
 * client that passes the dma-buf to another process has to hold the frame until that
 * process is done.
 */

/**
 * DOC: Fences
 *
 * A frame can be freed while another device still reads it. Then its dma-buf has a fence,
 * which the driver of that device has added, or a program with
 * DMA_BUF_IOCTL_IMPORT_SYNC_FILE. Such a frame becomes free when the fence is signalled.
 * Until then it counts as allocated, but no client holds it. KSALLOC_FREE and
 * KSALLOC_SUBMIT fail as for a free frame. The same applies to frames that become free for
 * another reason, such as the end of an open file, and to the frames of a new allocator with
 * KSALLOC_IMPORT.
 *
 * Only fences that a writer with implicit synchronization waits for are considered, that
 * is, up to DMA_RESV_USAGE_READ. If a fence is added while the frame waits, the frame waits
 * for it too. A fence that is added to a free frame is considered when the frame is freed
 * the next time.
 *
 * So each process that ever had the dma-buf of a frame can prevent the frame from becoming
 * free.
 */

/**
 * DOC: Readers
 *
 * With KSALLOC_CIRCULATE, the frames of a stream circulate: free frames of the assigned
 * allocator go to the device without a call, and whatever makes a frame free sends it there
 * again. KSALLOC_SUBMIT and KSALLOC_COMPLETE are not used then. Any number of readers get the
 * filled frames.
 *
 * KSALLOC_READER_OPEN makes a reader, which is an open file. It can be passed to any process. A
 * reader gets each frame, or each n-th, or only the newest. It takes frames and gives them back
 * with KSALLOC_EXCHANGE, and maps them with KSALLOC_READER_EXPORT. It cannot change the
 * connection, the allocator or the contents of frames. Readers can be made and closed at any
 * time, also while the device runs. When a reader is closed, it gives all its frames back.
 *
 * No reader waits for another one, and the device does not wait for readers. A frame is free
 * again when the last reader has given it back. A reader has at most @depth frames: those that it
 * has taken, and those that wait in its queue. If there is no room for a new frame, the reader
 * loses the oldest frame in its queue; if the queue is empty, it loses the new one. It sees in the
 * next frame how many it has lost.
 *
 * The device keeps as many frames as it needs to run. The others are promised to the readers in
 * the order in which these were made: a reader is promised its @depth of frames if so many are
 * left. Frames of readers with KSALLOC_READER_REVOCABLE, and of readers without a promise, can be
 * revoked: if the device has too few frames, it fills them again while such a reader has taken
 * them. The reader sees that in the next frame.
 *
 * The frames of a reader do not depend on the state of the connection. In a state lower than
 * PAUSE, in a flush, and while no stream circulates, KSALLOC_EXCHANGE waits. Frames that a reader
 * has taken stay taken. Frames in its queue are dropped when the stream ends or a flush begins.
 *
 * When another allocator is assigned, the number @generation changes, and the next stream has
 * other frames. A reader has to export these, too. Frames of an earlier generation need not be
 * given back.
 */

/**
 * DOC: Arguments
 *
 * The argument of an ioctl is a pointer to a structure. Its first field is the size that
 * the structure has for the compiled caller. If it is an older, shorter structure, the
 * missing fields are taken as zero. A newer, longer structure is accepted if the part that
 * the module does not know is zero. Fields marked "out" are only written. Unknown bits in
 * @flags and non-zero reserved fields are refused. The layout is the same for 32-bit and
 * 64-bit callers.
 *
 * All descriptors that an ioctl returns are close-on-exec.
 *
 * A failed call changes nothing. It keeps no descriptor, memory or frame, and the state
 * is the same as before. It does not change the argument. If the argument cannot be
 * written as a whole, a part of it may be changed. EIO of a device that does not stop is
 * an exception.
 */

/**
 * DOC: Errors
 *
 * The description of an ioctl lists only errors that it adds to this table, or that have
 * a special meaning.
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
 * EAGAIN      The call would have to wait, but is non-blocking.
 * ETIMEDOUT   The deadline passed.
 * EINTR       A signal ended the wait. With SA_RESTART the call is
 *             restarted, and waits as the last in the queue.
 * ECANCELED   No frame will come: the state of the connection is or became
 *             lower than PAUSE, a flush is in progress or began, or the
 *             call was cancelled.
 * ENODEV      The device has disappeared. The connection stays in STOP, and
 *             the frames that were in the device are free.
 * EIO         The device did not stop when requested, and may still write to
 *             its frames. They stay in the device until the connection is
 *             closed, or, if they are its own memory, until the allocator is
 *             freed. The connection can only be closed.
 * ESTALE      The generation in the argument has passed.
 * ENOMEM      Out of memory.
 * EMFILE      Out of descriptors; likewise ENFILE.
 * ==========  ============================================================
 *
 * Errors of the V4L2 driver and of the security modules of the kernel are passed on. EIO
 * can also be an error of the driver, or ENODEV of a driver whose node is still there.
 */

/**
 * DOC: Waiting
 *
 * KSALLOC_ALLOC, KSALLOC_COMPLETE and KSALLOC_EXCHANGE wait for frames. @deadline_ns is an
 * absolute time on CLOCK_MONOTONIC in nanoseconds; 0 means no deadline. A call with a
 * deadline in the past takes a frame if there is one, and else returns ETIMEDOUT. With
 * KSALLOC_NONBLOCK in @flags or O_NONBLOCK on the file, a call does not wait.
 *
 * Calls on a connection exclude each other, so a call can wait until the driver has done
 * what another call requires. A non-blocking KSALLOC_COMPLETE returns EAGAIN while
 * KSALLOC_SET_STATE or KSALLOC_RESET_STATE is in progress, and while the driver of a device
 * that has disappeared has not yet returned all frames. KSALLOC_GET_STATE,
 * KSALLOC_CONNECTION_OPEN and KSALLOC_CONNECTION_CANCEL never wait for the driver, nor do
 * fdinfo and close() of one of several open files.
 *
 * A killed process does not wait for the driver any more, except while the device stops or
 * frees its buffers, as close() of a V4L2 node does. That happens in KSALLOC_SET_STATE, also
 * after a step up that failed; in KSALLOC_RESET_STATE; in the last close() of a connection;
 * and where an allocator of the device's own memory ends: by its last close(), by
 * KSALLOC_SET_ALLOCATOR, or by KSALLOC_CREATE_ALLOCATOR that failed.
 *
 * A filled frame wakes all calls that wait for one, as on a V4L2 node.
 *
 * If the machine is suspended and resumed, calls that wait for a frame continue to wait. Their
 * order can change. The stream continues if the driver of the device resumes it.
 *
 * poll() on a connection reports:
 *
 * - EPOLLIN and EPOLLRDNORM if KSALLOC_COMPLETE would not wait
 * - EPOLLERR in a state lower than KSSTATE_PAUSE, during a flush, and if the device did
 *   not stop
 * - EPOLLERR and EPOLLHUP when the device has disappeared, and its frames are free
 * - nothing while a non-blocking KSALLOC_COMPLETE would return EAGAIN
 *
 * poll() on an allocator reports EPOLLIN and EPOLLRDNORM if a frame is free. Another
 * client can take it first. If several frames become free before the next epoll_wait(),
 * edge-triggered epoll reports them once. The eventfd of KSALLOC_ENABLE_EVENT counts them.
 *
 * poll() on a reader reports:
 *
 * - EPOLLIN and EPOLLRDNORM if its queue has a frame, or if the device may have filled one. The
 *   reader may not get that frame
 * - EPOLLERR if an error of the device has ended the stream
 * - EPOLLERR and EPOLLHUP when the device has disappeared, or the connection has ended
 */

/**
 * DOC: io_uring
 *
 * KSALLOC_ALLOC, KSALLOC_COMPLETE and KSALLOC_EXCHANGE are commands of io_uring, too: an
 * IORING_OP_URING_CMD on the same file, with the number of the ioctl in @cmd_op and a
 * &struct ksalloc_uring_cmd in @cmd. The argument must stay valid until the command completes. The
 * result of the command is that of the ioctl. These are the differences:
 *
 * - Other ioctls fail with EOPNOTSUPP, and commands with IORING_URING_CMD_* flags with EINVAL.
 * - A command that has to wait does so in a worker thread of io_uring, which costs context
 *   switches. An IORING_OP_POLL_ADD avoids that: submit the command when the poll has completed.
 *   With IOSQE_IO_LINK, both can be submitted at once. But Linux 6.12 reads the SQE of a linked
 *   command only when the command begins. Until then, the program must not use this entry of the
 *   ring for another SQE. So it must not submit as many further SQEs as the ring has entries.
 * - By default, a task has at most four workers for each processor. If all of them wait, further
 *   commands that have to wait do not begin, even when frames come for them, and commands on
 *   regular files wait, too. IORING_REGISTER_IOWQ_MAX_WORKERS sets another maximum (of bounded
 *   workers).
 * - IORING_OP_ASYNC_CANCEL ends a command with EINTR, or ECANCELED if it did not begin to wait. A
 *   suspend of the machine ends it with EINTR. KSALLOC_EXCHANGE returns the number of frames that
 *   it has taken instead, if that is not 0 or if it has given frames back. The cancel ioctls end
 *   only commands that wait already.
 * - If other threads take frames from the same reader, KSALLOC_EXCHANGE can return less than
 *   @wait_for; with @nr_give also 0. The same happens if the reader is full and loses a frame.
 */

/**
 * DOC: Permissions
 *
 * A process that can open /dev/ksalloc and a V4L2 node for reading and writing can make a
 * connection. A process that gets a descriptor of a connection or an allocator from another
 * process can make all calls on it. The security modules of the kernel check the V4L2
 * ioctls of a connection once, in KSALLOC_CONNECT. They check the ioctl of a heap in
 * KSALLOC_CREATE_ALLOCATOR.
 */
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
 * KSALLOC_MAX_EVENTS - maximum number of events of an allocator, of all its clients
 */
#define KSALLOC_MAX_EVENTS 64

/**
 * KSALLOC_NONBLOCK - in @flags of KSALLOC_ALLOC, KSALLOC_COMPLETE and KSALLOC_EXCHANGE: do not wait
 */
#define KSALLOC_NONBLOCK 0x00000001

/**
 * KSALLOC_ALLOC_DMABUF - in @flags of KSALLOC_ALLOC: return a descriptor of the dma-buf
 */
#define KSALLOC_ALLOC_DMABUF 0x00000002

/**
 * KSALLOC_IMPORT - in @flags of KSALLOC_CREATE_ALLOCATOR: the caller provides the memory
 */
#define KSALLOC_IMPORT 0x00000004

/**
 * KSALLOC_CIRCULATE - in @flags of KSALLOC_SET_STATE: the frames of the stream circulate
 */
#define KSALLOC_CIRCULATE 0x00000008

/**
 * KSALLOC_READER_NEWEST - in @flags of KSALLOC_READER_OPEN: the queue has only the newest frame
 */
#define KSALLOC_READER_NEWEST 0x00000001

/**
 * KSALLOC_READER_REVOCABLE - in @flags of KSALLOC_READER_OPEN: frames can be taken away
 */
#define KSALLOC_READER_REVOCABLE 0x00000002

/**
 * KSALLOC_EVENT_ONESHOT - in @flags of KSALLOC_ENABLE_EVENT: the first frame disables the event
 */
#define KSALLOC_EVENT_ONESHOT 0x00000001

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
 * DOC: Planes
 *
 * Most formats store a frame in one memory plane, even if the picture has several color
 * planes (V4L2_PIX_FMT_NV12). In a few formats of multi-planar V4L2 devices, a frame has
 * several memory planes (V4L2_PIX_FMT_NV12M). Each memory plane of a frame has its own
 * dma-buf. In this header, "plane" is a memory plane.
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
 *	The device marked this as the last frame.
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
 *	steps do not fail because the device cannot use the memory. Drivers without
 *	VIDIOC_PREPARE_BUF attach and map a frame at its first KSALLOC_SUBMIT
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
 * The connection opens the node again for itself, with the credentials of the caller.
 * @v4l2_fd proves that the caller may use the device. The caller can set the format through
 * it in KSSTATE_STOP, and can close it. From KSSTATE_ACQUIRE on, the device is busy for
 * @v4l2_fd as for all other files: the format cannot be set and buffers cannot be used
 * (EBUSY). A device can have several connections. Only one of them at a time can be in
 * KSSTATE_ACQUIRE or above. With drivers that have a separate format for each open file
 * (omap3isp), the caller cannot set the format of the connection.
 *
 * The connection has the priority (VIDIOC_S_PRIORITY) that the open file of @v4l2_fd has
 * at this time.
 *
 * Some drivers reserve the device for the file that set the format (uvcvideo before
 * 6.17). For these, the connection keeps a reference to the open file of @v4l2_fd until it
 * is closed. On the way to KSSTATE_ACQUIRE, and when an allocator of the
 * device's own memory is created, the connection releases the reservation, unless that
 * file has requested buffers meanwhile. Then the device is busy until that file frees them
 * or, if the caller has closed it, until the connection is closed.
 *
 * Errors:
 *
 * - EINVAL: @v4l2_fd is not a V4L2 video capture node. Nodes for output, memory to
 *   memory, VBI, radio, metadata and touch are refused.
 * - EOPNOTSUPP: the device does not support streaming I/O, only read() for instance.
 * - EBUSY: the driver allows only one open file of the node; or the driver reserves the
 *   device, and the file of @v4l2_fd has buffers. Other errors of open() are passed on as
 *   well.
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
 * struct ksalloc_share - ioctl(/dev/ksalloc, KSALLOC_SHARE)
 * @size: sizeof(struct ksalloc_share)
 * @flags: zero
 * @v4l2_fd: a V4L2 capture node, as for KSALLOC_CONNECT
 * @frames: number of buffers of the new node, at most 32; 0 for 16. There are fewer if the device
 *	cannot have that many
 * @node: out: the number N of the new node, /dev/videoN
 * @__reserved: zero
 *
 * Returns a descriptor of a share. As long as it is open, there is another V4L2 capture node with
 * the name of the device and " (shared)". Any number of programs can stream from that node at the
 * same time, each with its own VIDIOC_REQBUFS and VIDIOC_STREAMON. They get the frames of the
 * device without a copy, and cannot write to them.
 *
 * The share makes its own connection to the device. The device runs while at least one program
 * streams. It has buffers while at least one program has buffers. When the share ends or the
 * device disappears, the node disappears like the node of an unplugged device.
 *
 * Errors: as KSALLOC_CONNECT, and
 *
 * - EOPNOTSUPP: the device has no memory of its own that it can export.
 * - EINVAL: @frames is too large.
 */
struct ksalloc_share {
	__u32 size;
	__u32 flags;
	__s32 v4l2_fd;
	__u32 frames;
	__u32 node;
	__u32 __reserved;
};

#define KSALLOC_SHARE _IO(KSALLOC_TYPE, KSALLOC_CMD_SHARE)

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
 * whoever has its descriptors. The default 0 means half of the memory of the machine.
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
 * allocated.
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
 * - ENODEV, but not for KSSTATE_STOP
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
 * to that one, as with VIDIOC_QBUF. If the driver uses a videobuf2 queue, such a frame
 * completes without data and with DATADISCONTINUITY.
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
 * - ENODEV
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
 *   continues. KSRESET_END can be tried again.
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
 * Returns a descriptor of another open file of the same object, for another client. It
 * holds no frames and has no events.
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
 * struct ksalloc_cancel - ioctl(connection, KSALLOC_CONNECTION_CANCEL),
 *	ioctl(allocator, KSALLOC_ALLOCATOR_CANCEL) and ioctl(reader, KSALLOC_READER_CANCEL)
 * @size: sizeof(struct ksalloc_cancel)
 * @flags: zero
 *
 * Ends all KSALLOC_COMPLETE, KSALLOC_ALLOC or KSALLOC_EXCHANGE calls that wait for a frame
 * through this open file. They return ECANCELED. Calls through other open files, and calls that
 * begin later, are not affected. The call does not sleep.
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
 * @in_device: out: frames in a device now
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
 * Adds one to the eventfd for each frame that becomes free from now on. A frame that
 * becomes free during the call may already be counted. Frames that are free before the call
 * are not counted. A frame that is given directly to a waiting KSALLOC_ALLOC call does not
 * become free. With KSALLOC_EVENT_ONESHOT the first frame disables the event.
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

/**
 * struct ksalloc_reader_open - ioctl(connection, KSALLOC_READER_OPEN)
 * @size: sizeof(struct ksalloc_reader_open)
 * @flags: KSALLOC_READER_NEWEST, KSALLOC_READER_REVOCABLE
 * @depth: maximum number of frames that the reader has, in its queue and taken; 1 to
 *	KSALLOC_MAX_FRAMES
 * @every: the reader gets each n-th frame, where n is @every; 0 and 1 for each frame
 *
 * Returns a descriptor of the reader. A new reader gets the frames that the device fills from now
 * on.
 *
 * Errors:
 *
 * - EINVAL: @depth is out of range.
 * - EBUSY: a stream circulates now, and too few frames are left to promise @depth of them. With
 *   KSALLOC_READER_REVOCABLE, there is no such error. While no stream circulates, the call does not
 *   fail. Then @promised of &struct ksalloc_reader_info shows the result when a stream begins.
 * - EMFILE, ENFILE, ENOMEM
 */
struct ksalloc_reader_open {
	__u32 size;
	__u32 flags;
	__u32 depth;
	__u32 every;
};

#define KSALLOC_READER_OPEN _IO(KSALLOC_TYPE, KSALLOC_CMD_READER_OPEN)

/**
 * struct ksalloc_reader_frame - a frame that KSALLOC_EXCHANGE has taken
 * @index: the frame
 * @sequence: the sequence number of the device
 * @generation: the generation that @index belongs to; see KSALLOC_READER_EXPORT
 * @header: describes the data in the frame as a whole. DATADISCONTINUITY also if @lost is not
 *	zero
 * @lost: number of frames that this reader has lost since the last one that it took. Frames that
 *	it does not get because of @every or KSALLOC_READER_NEWEST do not count
 * @revoked: number of frames that were revoked since this reader took the last one. The oldest
 *	frames are revoked first, except those that a reader with a promise has, too. Data that
 *	were read from a frame after it was revoked can be wrong
 * @nr_planes: number of planes of the frame
 * @__reserved: zero
 * @planes: the data in each plane. Elements from @nr_planes on are not written
 */
struct ksalloc_reader_frame {
	__u32 index;
	__u32 sequence;
	__aligned_u64 generation;
	struct ksstream_header header;
	__u32 lost;
	__u32 revoked;
	__u32 nr_planes;
	__u32 __reserved;
	struct ksalloc_plane_data planes[KSALLOC_MAX_PLANES];
};

/**
 * struct ksalloc_exchange - ioctl(reader, KSALLOC_EXCHANGE)
 * @size: sizeof(struct ksalloc_exchange)
 * @flags: KSALLOC_NONBLOCK
 * @deadline_ns: when to stop waiting
 * @give: pointer to the indices of the frames to give back, of type __u32
 * @take: pointer to an array of &struct ksalloc_reader_frame for the frames that are taken
 * @nr_give: number of indices
 * @nr_take: maximum number of frames to take
 * @take_size: sizeof(struct ksalloc_reader_frame), the distance of the elements of @take
 * @wait_for: number of frames to wait for, at most @nr_take; 0 to take only what is there
 * @generation: of the frames to give back. If it is not the current one, they are back already
 *
 * Gives any number of frames back, and takes the next filled ones from the queue of the reader.
 * Returns the number of frames that were taken. Frames of several calls and threads are taken in
 * order. A frame that was revoked has to be given back, too. Until then, the reader does not get
 * that frame again.
 *
 * If frames were given back or taken, the call does not fail any more, and returns the number of
 * frames that were taken, which can be less than @wait_for. So a call that fails has given no
 * frame back. If the cause of an error persists, the next call fails with it.
 *
 * Errors:
 *
 * - E2BIG: @nr_give or @nr_take is above KSALLOC_MAX_FRAMES, or @take_size is above the page size.
 * - EINVAL: the reader has not taken a frame that it gives back; @wait_for is above @nr_take;
 *   @take_size is too small; or there was no such generation yet.
 * - EAGAIN, ETIMEDOUT, EINTR
 * - ECANCELED: KSALLOC_READER_CANCEL was called.
 * - ENODEV: the device has disappeared, or the last open file of the connection was closed.
 * - an error of the driver, which has ended the stream.
 */
struct ksalloc_exchange {
	__u32 size;
	__u32 flags;
	__aligned_u64 deadline_ns;
	__aligned_u64 give;
	__aligned_u64 take;
	__u32 nr_give;
	__u32 nr_take;
	__u32 take_size;
	__u32 wait_for;
	__aligned_u64 generation;
};

#define KSALLOC_EXCHANGE _IO(KSALLOC_TYPE, KSALLOC_CMD_EXCHANGE)

/**
 * struct ksalloc_uring_cmd - the field @cmd of an IORING_OP_URING_CMD
 * @arg: pointer to the argument of the ioctl
 * @__reserved: zero
 */
struct ksalloc_uring_cmd {
	__aligned_u64 arg;
	__aligned_u64 __reserved;
};

/**
 * struct ksalloc_reader_export - ioctl(reader, KSALLOC_READER_EXPORT)
 * @size: sizeof(struct ksalloc_reader_export)
 * @flags: zero
 * @index: any frame, taken or not
 * @plane: a plane of the frame; 0 for the first or only one
 * @generation: the current generation
 *
 * Returns a descriptor of a dma-buf through which the memory of the plane can only be read. A
 * reader gets the same dma-buf each time in a generation, so map or import it once and keep the
 * mapping. Another reader gets another one. Fences on it delay nobody else, and the frame does
 * not wait for them: give the frame back when nothing reads it any more.
 *
 * mmap() refuses PROT_WRITE, and DMA_BUF_IOCTL_SYNC refuses DMA_BUF_SYNC_WRITE. A device can
 * import the dma-buf for DMA_TO_DEVICE. For DMA_BIDIRECTIONAL, which GPU drivers ask for, the
 * device must be behind an IOMMU that translates. Then it cannot write either.
 *
 * Errors:
 *
 * - EINVAL: @index or @plane is out of range.
 * - ESTALE: @generation is not the current one, or there was no stream yet.
 * - EMFILE, ENFILE, ENOMEM
 */
struct ksalloc_reader_export {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 plane;
	__aligned_u64 generation;
};

#define KSALLOC_READER_EXPORT _IO(KSALLOC_TYPE, KSALLOC_CMD_READER_EXPORT)

/**
 * struct ksalloc_reader_info - ioctl(reader, KSALLOC_READER_INFO)
 * @size: sizeof(struct ksalloc_reader_info)
 * @flags: zero
 * @format: pointer to a struct v4l2_format, which gets the format of the device in the current or
 *	the last stream that circulated; 0 if it is not wanted
 * @format_size: size of that structure
 * @frames: out: number of frames; 0 if no stream has circulated with the assigned allocator yet
 * @generation: out: the current generation
 * @lost: out: number of frames that this reader has lost
 * @revoked: out: number of frames that were revoked while this reader had taken them
 * @queued: out: number of frames in its queue
 * @taken: out: number of frames that it has taken and not given back
 * @promised: out: 1 if its frames cannot be revoked
 * @running: out: 1 if a stream circulates
 * @frame_size: out: bytes in each frame
 * @__reserved: out: zero
 * @planes: out: planes of each frame
 */
struct ksalloc_reader_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 format;
	__u32 format_size;
	__u32 frames;
	__aligned_u64 generation;
	__aligned_u64 lost;
	__aligned_u64 revoked;
	__u32 queued;
	__u32 taken;
	__u32 promised;
	__u32 running;
	__u32 frame_size;
	__u32 __reserved;
	struct ksalloc_planes planes;
};

#define KSALLOC_READER_INFO _IO(KSALLOC_TYPE, KSALLOC_CMD_READER_INFO)

/* The argument is a struct ksalloc_cancel. Ends the waiting calls of this reader */
#define KSALLOC_READER_CANCEL _IO(KSALLOC_TYPE, KSALLOC_CMD_READER_CANCEL)

#endif /* _UAPI_LINUX_KSALLOC_H */
