/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Readers and their ioctls. The rules for all ioctls are in <linux/ksalloc.h>.
 */
#ifndef _UAPI_LINUX_KSALLOC_READER_H
#define _UAPI_LINUX_KSALLOC_READER_H

#include <linux/ioctl.h>
#include <linux/ksalloc-ks.h>
#include <linux/ksalloc-types.h>
#include <linux/types.h>

/**
 * DOC: Readers
 *
 * With KSALLOC_CIRCULATE, the frames of a stream circulate: free frames of the assigned
 * allocator go to the device without a call, and whatever makes a frame free sends it there
 * again. KSALLOC_SUBMIT and KSALLOC_COMPLETE are not used then. Several readers get the
 * filled frames.
 *
 * KSALLOC_READER_OPEN makes a reader, which is an open file. It can be passed to any process. A
 * reader gets each frame, or each n-th, or only the newest. It takes frames and gives them back
 * with KSALLOC_EXCHANGE, and maps them with KSALLOC_READER_EXPORT. It cannot change the
 * connection, the allocator or the contents of frames. (But if the frames are in the device's own
 * memory, V4L2 lets each program that can open the node of the device write to them.) Readers can
 * be made and closed at any time, also while the device runs. When a reader is closed, it gives all
 * its frames back.
 *
 * No reader waits for another one, and the device does not wait for readers; for what the
 * scheduler can do to processes of one user, see KSALLOC_READER_UNTRUSTED. A frame is free
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
 * After an error of the device, or after the driver has ended the stream (EPIPE), a call that finds
 * no frame in the queue returns that error at once, until the device is started again. So then it
 * does not wait below PAUSE, either.
 *
 * When another allocator is assigned, the number @generation changes, and the next stream has
 * other frames. A reader has to export these, too. Frames of an earlier generation need not be
 * given back.
 */

/**
 * KSALLOC_READER_NEWEST - in @flags of KSALLOC_READER_OPEN: the queue has only the newest frame
 */
#define KSALLOC_READER_NEWEST 0x00000001

/**
 * KSALLOC_READER_REVOCABLE - in @flags of KSALLOC_READER_OPEN: frames can be taken away
 */
#define KSALLOC_READER_REVOCABLE 0x00000002

/**
 * KSALLOC_READER_UNTRUSTED - in @flags of KSALLOC_READER_OPEN: a program that uses the reader may
 *	want to delay other readers
 *
 * Usually, a reader fetches frames from the device for all readers. While there is an untrusted
 * reader, only a kernel thread of normal priority does this, and a frame costs more. A reader
 * becomes untrusted by itself, until it is closed, if KSALLOC_EXCHANGE is called by a task with a
 * positive nice value or SCHED_IDLE, or with another effective user than the caller of
 * KSALLOC_CONNECT had. So a service that begins as root connects after it has become another user;
 * otherwise, its own readers are untrusted.
 *
 * While there is an untrusted reader, a non-blocking KSALLOC_EXCHANGE of any reader takes only
 * frames that are in its queue. The queue gets each frame soon after the device has filled it.
 */
#define KSALLOC_READER_UNTRUSTED 0x00000004

/**
 * KSALLOC_MAX_READERS - maximum number of readers of a connection
 */
#define KSALLOC_MAX_READERS 256

/**
 * struct ksalloc_reader_open - ioctl(connection, KSALLOC_READER_OPEN)
 * @size: sizeof(struct ksalloc_reader_open)
 * @flags: KSALLOC_READER_NEWEST, KSALLOC_READER_REVOCABLE, KSALLOC_READER_UNTRUSTED
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
 * - EBUSY: the connection has KSALLOC_MAX_READERS readers.
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
 *	zero, and in the first frame after a stop or a flush during which the reader was open
 * @lost: number of frames that this reader has lost since the last one that it took. Frames that
 *	it does not get because of @every or KSALLOC_READER_NEWEST do not count. Those in its queue
 *	at a stop or a flush do, except with KSALLOC_READER_NEWEST. Those that are still in the
 *	device then do not
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
 * A call that fails has taken no frame, and given none back. When it has given frames back (or
 * they were back already) or has taken frames, it returns the number of frames that were taken,
 * which can be less than @wait_for. If the cause of an error persists, the next call fails with
 * it.
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
 *	the last stream that circulated; 0 if it is not wanted. As for VIDIOC_G_FMT, its layout is
 *	that of the caller: 32-bit and 64-bit programs have different ones
 * @format_size: size of that structure
 * @frames: out: number of frames; 0 if no stream has circulated with the assigned allocator yet
 * @generation: out: the current generation
 * @lost: out: number of frames that this reader has lost
 * @revoked: out: number of frames that were revoked while this reader had taken them
 * @queued: out: number of frames in its queue
 * @taken: out: number of frames that it has taken, and that were neither given back nor revoked
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

/* The argument is a struct ksalloc_cancel */
#define KSALLOC_READER_CANCEL _IO(KSALLOC_TYPE, KSALLOC_CMD_READER_CANCEL)

#endif /* _UAPI_LINUX_KSALLOC_READER_H */
