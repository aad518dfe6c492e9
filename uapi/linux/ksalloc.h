/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Kernel Streaming allocator objects for V4L2 capture devices.
 *
 * This header is the whole ABI of the ksalloc module: the rules for all ioctls, and the headers
 * that it includes. Structures whose names begin with "ks" but not with "ksalloc_" have the layout
 * and the values of ks.h of Windows (64-bit), see ksalloc-ks.h.
 *
 * In the terms of Kernel Streaming (KS), a frame is a buffer. A picture is the image that
 * the device stores in a frame. "Device" is the capture device of a connection, and "heap"
 * is a dma-buf heap.
 */
#ifndef _UAPI_LINUX_KSALLOC_H
#define _UAPI_LINUX_KSALLOC_H

#include <linux/ioctl.h>
#include <linux/ksalloc-allocator.h>
#include <linux/ksalloc-connection.h>
#include <linux/ksalloc-ks.h>
#include <linux/ksalloc-reader.h>
#include <linux/ksalloc-types.h>
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
 * - A share has no ioctls. While it is open, there is a second V4L2 node for one V4L2 capture
 *   device, from which many programs can stream at the same time.
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
 * As with any file, close() does not end a call that waits through the same open file. Until the
 * call ends, the open file is not released, and its frames do not become free.
 * KSALLOC_ALLOCATOR_CANCEL, KSALLOC_CONNECTION_CANCEL and KSALLOC_READER_CANCEL end such calls.
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
 * DOC: Arguments
 *
 * The argument of an ioctl is a pointer to a structure. Its first field is the size of the
 * structure in the header that the caller was compiled with. If that structure is shorter than
 * the module's, the missing fields are taken as zero. A longer structure is accepted if the part
 * that the module does not know is zero. Fields marked "out" are only written. Unknown bits in
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
 *             restarted: it begins again, and waits as the last in the
 *             queue. The same happens, without a signal handler, when job
 *             control or a suspend has stopped the thread, and when io_uring
 *             interrupts a thread to complete a request.
 * ECANCELED   No frame will come: the state of the connection is or became
 *             lower than PAUSE, or a flush is in progress or began. Or the
 *             call was cancelled.
 * ENODEV      The device has disappeared. The connection stays in STOP, and
 *             the frames that were in the device are free.
 * EIO         The device did not stop when requested, and may still write to
 *             its frames. They stay in the device until the connection is
 *             closed, or, if a driver of the same kind has allocated them,
 *             until the allocator is freed. The connection can only be closed.
 * ESTALE      The generation in the argument is not the current one. See
 *             KSALLOC_READER_EXPORT.
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
 * absolute time on CLOCK_MONOTONIC in nanoseconds; 0 means no deadline. In a time namespace, it is
 * the time of the host. A call with a deadline in the past takes a frame if there is one, and else
 * returns ETIMEDOUT. With KSALLOC_NONBLOCK in @flags or O_NONBLOCK on the file, a call does not
 * wait, nor does a KSALLOC_EXCHANGE with a @wait_for of zero. After a permanent cancel (see
 * &struct ksalloc_cancel), calls that may wait fail.
 *
 * Most calls on a connection exclude each other. So a call can wait for an operation of the driver
 * that another call has begun. A signal ends most of these waits; a deadline or a cancel does not.
 * While KSALLOC_SET_STATE, KSALLOC_RESET_STATE or the last close() of a connection is in progress,
 * a non-blocking KSALLOC_COMPLETE returns EAGAIN, and a non-blocking KSALLOC_EXCHANGE takes only
 * frames that are in its queue. While the driver of a device that has disappeared has not yet
 * returned all frames, a non-blocking KSALLOC_COMPLETE returns EAGAIN, too, but KSALLOC_EXCHANGE
 * can wait for that. Both can wait for a KSALLOC_SUBMIT, for a call that fetches a frame, and for
 * the lock of the driver, as VIDIOC_DQBUF with O_NONBLOCK does. KSALLOC_COMPLETE can also wait for
 * KSALLOC_SET_ALLOCATOR. If a change of the state begins meanwhile, it can be before them.
 * KSALLOC_GET_STATE, KSALLOC_CONNECTION_OPEN and KSALLOC_CONNECTION_CANCEL never wait for the
 * driver, nor do fdinfo and close() of one of several open files.
 *
 * A killed process does not wait for the driver any more, except while the device stops or frees
 * its buffers, as close() of a V4L2 node does. That happens in KSALLOC_SET_STATE, also after a
 * step up that failed; in KSALLOC_RESET_STATE; in the last close() of a connection; and where an
 * allocator of the device's own memory ends: by its last close(), by KSALLOC_SET_ALLOCATOR, or by
 * KSALLOC_CREATE_ALLOCATOR that failed. On a share, close() of it or of a handle of its node,
 * VIDIOC_STREAMON, VIDIOC_STREAMOFF and VIDIOC_REQBUFS can also wait for the call of another
 * handle that starts the camera, or changes its format or buffers. KSALLOC_CONNECT and
 * KSALLOC_SHARE open the node of the device again, and wait like open() of the node.
 *
 * A filled frame wakes all calls that wait for one, as on a V4L2 node.
 *
 * If the machine is suspended and resumed, calls that wait for a frame continue to wait. Their
 * order can change. The stream continues if the driver of the device resumes it.
 *
 * poll() on a connection reports:
 *
 * - EPOLLIN and EPOLLRDNORM if KSALLOC_COMPLETE would return a frame or an error of the driver
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
 * - EPOLLIN and EPOLLRDNORM if its queue has a frame, or if the device may have filled one and
 *   no change of the state is in progress. The reader may not get that frame
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
 * - IORING_OP_ASYNC_CANCEL ends a command with EINTR, or with ECANCELED if the command did not
 *   begin to wait. A command that waits also ends with EINTR when the threads of the process are
 *   stopped: by job control (SIGSTOP, SIGTSTP), by the freezer of a control group, or by a suspend
 *   of the machine. The reason is that a worker of io_uring can stop only when its command has
 *   returned. In all these cases, a KSALLOC_EXCHANGE that has taken frames, or has frames to give
 *   back, returns the number of frames that it has taken, and not EINTR.
 * - The cancel ioctls end only commands that wait already. With KSALLOC_CANCEL_PERMANENT, a command
 *   that is queued for a worker also ends, but only when it gets one. A command that is submitted
 *   later needs no worker to end. The end of a stream or a flush does not end a command that is
 *   queued for a worker, either: it waits in the next stream.
 * - If other threads take frames from the same reader, KSALLOC_EXCHANGE can return less than
 *   @wait_for; with @nr_give also 0. The same happens if the reader is full and loses a frame, or
 *   if a change of the state or a flush begins.
 */

/**
 * DOC: Permissions
 *
 * A process that can open /dev/ksalloc and a V4L2 node for reading and writing can make a
 * connection. A process that gets a descriptor of a connection or an allocator from another
 * process can make all calls on it. So the security modules of the kernel check the V4L2
 * ioctls of a connection only once, for the process that calls KSALLOC_CONNECT. They check
 * the ioctl of a heap in KSALLOC_CREATE_ALLOCATOR. In KSALLOC_SHARE they also check the ioctls of
 * the camera that other programs can cause by calls on the node of the share.
 */

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
 * 6.17). For these, the connection keeps a reference to the open file of @v4l2_fd until the
 * connection is closed. If VIDIOC_S_PRIORITY is called on this file later, that priority also stays
 * until then. The connection releases the reservation on the way to KSSTATE_ACQUIRE, and when an
 * allocator of the device's own memory is created. It cannot do that if the file has requested
 * buffers. In that case the device is busy until the file frees its buffers or, if the caller has
 * closed the file, until the connection is closed.
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
 * @frames: number of buffers of the new node, at most 32; 0 for 10. There are fewer if the device
 *	cannot have that many, and more if it needs more
 * @node: out: the number N of the new node, /dev/videoN
 * @__reserved: zero
 *
 * Returns a descriptor of a share. As long as it is open, there is another V4L2 capture node with
 * the name of the device and " (shared)". Up to 256 programs can stream from that node at the
 * same time, each with its own VIDIOC_REQBUFS and VIDIOC_STREAMON. They get the frames of the
 * device without a copy, and cannot write to them.
 *
 * The share makes its own connection to the device. The device runs while at least one program
 * streams. It has buffers while at least one program has buffers. When the share ends or the
 * device disappears, the node disappears like the node of an unplugged device.
 *
 * Errors: as KSALLOC_CONNECT, and
 *
 * - EBUSY: the device has a share already, or programs still have the nodes of eight ended shares
 *   of the device open.
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
 * KSALLOC_CANCEL_PERMANENT - in @flags of &struct ksalloc_cancel: also for calls that begin later
 */
#define KSALLOC_CANCEL_PERMANENT 0x00000001

/**
 * struct ksalloc_cancel - ioctl(connection, KSALLOC_CONNECTION_CANCEL),
 *	ioctl(allocator, KSALLOC_ALLOCATOR_CANCEL) and ioctl(reader, KSALLOC_READER_CANCEL)
 * @size: sizeof(struct ksalloc_cancel)
 * @flags: KSALLOC_CANCEL_PERMANENT
 *
 * Ends all KSALLOC_COMPLETE, KSALLOC_ALLOC or KSALLOC_EXCHANGE calls that wait for a frame
 * through this open file. They return ECANCELED; but a KSALLOC_EXCHANGE that has taken frames, or
 * has frames to give back, returns the number of frames that it has taken. Calls through other open
 * files are not affected. This ioctl does not sleep. A call that waits for another call on the
 * connection (see Waiting) ends only when that one lets it go on.
 *
 * Calls that begin later are not affected either, and a call that is restarted after an
 * interruption (see EINTR) begins later. With KSALLOC_CANCEL_PERMANENT, a later call that may wait
 * returns ECANCELED immediately, even if there is a frame or its deadline has passed. This cannot
 * be undone. So a program can end its threads, which may be about to call, or about to restart.
 * A call does not wait, and works as before, with KSALLOC_NONBLOCK, with O_NONBLOCK, or if it is a
 * KSALLOC_EXCHANGE with a @wait_for of zero. A KSALLOC_EXCHANGE that is cancelled so has given no
 * frame back.
 *
 * A cancel does not end poll().
 */
struct ksalloc_cancel {
	__u32 size;
	__u32 flags;
};

#define KSALLOC_CONNECTION_CANCEL \
	_IO(KSALLOC_TYPE, KSALLOC_CMD_CONNECTION_CANCEL)
#define KSALLOC_ALLOCATOR_CANCEL \
	_IO(KSALLOC_TYPE, KSALLOC_CMD_ALLOCATOR_CANCEL)

#endif /* _UAPI_LINUX_KSALLOC_H */
