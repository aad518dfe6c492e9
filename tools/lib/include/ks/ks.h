/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libks: allocators of Kernel Streaming frames for V4L2 capture devices.
 *
 * Documentation/userspace-api/ksalloc.rst explains the terms. The library has layers. Each
 * can be used without the layers above it. They can be mixed on the same descriptors:
 *
 *  - thin calls: one function for each ioctl of a connection or an allocator, see
 *    <linux/ksalloc.h>;
 *  - <ks/memory.h>: find memory that the device can use;
 *  - ks_frames: the mapped frames of an allocator;
 *  - ks_stream: a complete capture: it connects to a V4L2 device, and returns pointers to
 *    pictures;
 *  - <ks/reader.h>: get the pictures of a stream beside other programs.
 *
 * The names of ks.h of Windows, such as KsCreatePin(), are in another library that calls
 * this one: libkswin.
 */
#ifndef KS_KS_H
#define KS_KS_H

#include <stddef.h>

#include <ks/memory.h>
#include <ks/reader.h>
#include <linux/ksalloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: Results
 *
 * Each function that returns int returns a negative errno value on failure. On success it
 * returns a descriptor if its description says so, otherwise 0. A call that fails changes
 * nothing: its output arguments are not written, and no descriptor or memory is leaked.
 * The variable errno is not set. The beginning of <linux/ksalloc.h> describes all values.
 *
 * The caller has to close() each returned descriptor. It is close-on-exec. Functions without a
 * ks_stream, ks_reader or ks_frames argument may be called from any thread. Several threads may
 * use one ks_stream, but no two of them may hold the same frame, and only one of them may start,
 * stop or close it. <ks/reader.h> describes the threads of a ks_reader.
 *
 * Structures that the caller fills in begin with their size, so that a program also works
 * with a later version of the library. Set the size to sizeof, and clear the other fields.
 */

/* The device that makes connections */
#define LIBKS_DEVICE "/dev/ksalloc"

/* Thin calls */

/**
 * ks_open() - open the device that makes connections
 * @path: the device, or NULL for LIBKS_DEVICE
 *
 * Return: a descriptor. -ENOENT usually means that the module is not loaded (modprobe
 * ksalloc).
 */
int ks_open(const char *path);

/**
 * ks_connect() - connect to a capture device
 * @ks_fd: descriptor from ks_open(); it may be closed after the call
 * @v4l2_fd: the V4L2 node, open for reading and writing. It may be closed after the call, or
 *	kept to set the format in state KSSTATE_STOP
 *
 * The connection opens the node again for itself. From KSSTATE_ACQUIRE on the device is
 * busy for @v4l2_fd, as for all other files.
 *
 * Return: a descriptor of a new connection, in state KSSTATE_STOP. -EBUSY if the driver
 * allows only one open file of the node.
 */
int ks_connect(int ks_fd, int v4l2_fd);

/**
 * ks_get_framing() - get the requirements of the device in its current format
 * @connection: the connection
 * @framing: out
 *
 * Return: 0.
 */
int ks_get_framing(int connection, struct ksallocator_framing *framing);

/**
 * ks_get_planes() - get the memory planes of a frame in the current format of the device
 * @connection: the connection
 * @planes: out. Most formats have one plane, of the frame size
 *
 * Return: 0.
 */
int ks_get_planes(int connection, struct ksalloc_planes *planes);

/**
 * ks_get_framing_ex() - get the kinds of memory that the device can use, best first
 * @connection: the connection
 * @framing: out: as many whole items as fit
 * @size: size of the buffer at @framing in bytes; out: size of the whole result
 *
 * Return: 0.
 */
int ks_get_framing_ex(int connection, struct ksallocator_framing_ex *framing, __u32 *size);

/**
 * ks_create_allocator() - create an allocator
 * @connection: the connection to the device whose requirements the framing has to meet
 * @framing: number, size and alignment of the frames
 * @heap_fd: the heap of their memory, or -1 for the device's own memory. It may be closed
 *	after the call
 *
 * Return: a descriptor of a new allocator.
 */
int ks_create_allocator(int connection,
			const struct ksallocator_framing *framing, int heap_fd);

/**
 * ks_import_allocator() - create an allocator of the caller's dma-bufs
 * @connection: the connection to the device whose requirements the framing has to meet
 * @framing: number, size and alignment of the frames, with
 *	KSALLOCATOR_OPTIONF_SYSTEM_MEMORY. Zero frames mean @count, divided by the number of
 *	planes
 * @dmabufs: descriptors of the dma-bufs, one for each plane of each frame, those of frame 0
 *	first, open for reading and writing. They may be closed after the call
 * @count: number of dma-bufs
 *
 * Return: a descriptor of a new allocator.
 */
int ks_import_allocator(int connection, const struct ksallocator_framing *framing,
			const int *dmabufs, __u32 count);

/**
 * ks_set_allocator() - assign the allocator whose frames the device fills
 * @connection: the connection, in state KSSTATE_STOP
 * @allocator: the allocator, or -1 for none
 *
 * Return: 0.
 */
int ks_set_allocator(int connection, int allocator);

/**
 * ks_set_state() - change the state of a connection
 * @connection: the connection
 * @state: the state
 *
 * Return: 0.
 */
int ks_set_state(int connection, enum ksstate state);

/**
 * ks_circulate() - change the state of a connection whose frames circulate
 * @connection: the connection
 * @state: KSSTATE_PAUSE or KSSTATE_RUN
 *
 * Readers get the frames then, and not ks_complete(), which fails with -EBUSY. ks_set_state() ends
 * the stream.
 *
 * Return: 0. -EBUSY if the frames of the current stream do not circulate.
 */
int ks_circulate(int connection, enum ksstate state);

/**
 * ks_get_state() - get the state of a connection
 * @connection: the connection
 * @state: out: the state; may be NULL
 * @pending: out: frames that are submitted and not yet completed; may be NULL
 *
 * Return: 0.
 */
int ks_get_state(int connection, enum ksstate *state, __u32 *pending);

/**
 * struct ks_refusal - why the state KSSTATE_STOP could not be left
 * @reason: enum ksalloc_refusal
 * @frame: the frame, or the number of frames that are possible; see enum ksalloc_refusal
 * @error: the negative errno value of the driver; 0 if there is none
 */
struct ks_refusal {
	enum ksalloc_refusal reason;
	__u32 frame;
	int error;
};

/**
 * ks_get_refusal() - get why the last ks_set_state() that tried to leave KSSTATE_STOP failed
 * @connection: the connection
 * @refusal: out
 *
 * Return: 0.
 */
int ks_get_refusal(int connection, struct ks_refusal *refusal);

/**
 * ks_submit() - give an allocated frame to the device to be filled
 * @connection: the connection, in KSSTATE_PAUSE or KSSTATE_RUN
 * @index: the frame
 * @dmabuf_fd: a descriptor of the frame's dma-buf, from ks_export(), ks_alloc() or
 *	ks_frames_dmabuf(); or -1
 *
 * V4L2 takes a dma-buf by descriptor, so pass one if you have one. With -1 a kernel thread
 * queues the frame, which takes longer. If the frames are the device's own memory, use -1.
 * No descriptor and no thread is needed then. If the frames have several planes, use -1, too.
 *
 * Return: 0. -EBADF or -EINVAL if @dmabuf_fd is not the frame's dma-buf; -EINVAL if the
 * frame is free; -EBUSY if it is in a device, a kernel client holds it, or another device
 * still reads it (a fence is not signalled).
 */
int ks_submit(int connection, __u32 index, int dmabuf_fd);

/**
 * struct ks_completion - a frame that the device has filled
 * @index: the frame
 * @sequence: the sequence number of the device. A gap means that pictures are lost
 * @header: number of bytes in the frame, its time, and more
 * @nr_planes: number of memory planes of the frame
 * @planes: the data in each plane
 */
struct ks_completion {
	__u32 index;
	__u32 sequence;
	struct ksstream_header header;
	__u32 nr_planes;
	struct ksalloc_plane_data planes[KSALLOC_MAX_PLANES];
};

/**
 * ks_complete() - get the next frame that the device has filled
 * @connection: the connection
 * @flags: 0, or KSALLOC_NONBLOCK
 * @deadline_ns: when to stop waiting, see ks_deadline(); 0 for no deadline
 * @completion: out
 *
 * Return: 0. -EAGAIN, -ETIMEDOUT, -EINTR; -ECANCELED in a state lower than KSSTATE_PAUSE,
 * during a flush, or after ks_connection_cancel(); -ENODEV if the device has disappeared.
 */
int ks_complete(int connection, __u32 flags, __u64 deadline_ns,
		struct ks_completion *completion);

/**
 * ks_reset_state() - begin or end a flush
 * @connection: the connection, in KSSTATE_PAUSE or KSSTATE_RUN
 * @reset: KSRESET_BEGIN, KSRESET_END
 *
 * Return: 0.
 */
int ks_reset_state(int connection, enum ksreset reset);

/**
 * ks_connection_open() - make another open file of a connection, for another client
 * @connection: the connection
 *
 * Return: a descriptor of another open file of the same connection.
 */
int ks_connection_open(int connection);

/**
 * ks_connection_cancel() - end all ks_complete() calls that wait
 * @connection: the open file through which they wait
 * @flags: 0, or KSALLOC_CANCEL_PERMANENT
 *
 * They return -ECANCELED. A call that has not yet begun to wait is not ended. To end its
 * threads, a program sets KSALLOC_CANCEL_PERMANENT: then later calls that may wait return
 * -ECANCELED, too.
 *
 * Return: 0.
 */
int ks_connection_cancel(int connection, __u32 flags);

/**
 * ks_alloc() - allocate a frame
 * @allocator: the allocator
 * @flags: 0, or KSALLOC_NONBLOCK
 * @deadline_ns: when to stop waiting, see ks_deadline(); 0 for no deadline
 * @index: out: the frame
 * @dmabuf_fd: out: a descriptor of the frame's dma-buf; NULL for none
 *
 * Return: 0. -EAGAIN, -ETIMEDOUT, -EINTR; -ECANCELED after ks_allocator_cancel().
 */
int ks_alloc(int allocator, __u32 flags, __u64 deadline_ns,
	     __u32 *index, int *dmabuf_fd);

/**
 * ks_free() - free an allocated frame
 * @allocator: the allocator
 * @index: the frame; any client may hold it
 *
 * Return: 0. -EINVAL if the frame is free; -EBUSY if it is in a device or a kernel
 * client holds it.
 */
int ks_free(int allocator, __u32 index);

/**
 * ks_export() - get the dma-buf of a frame
 * @allocator: the allocator
 * @index: any of its frames, free or not
 *
 * Return: a descriptor of the dma-buf, the same dma-buf each time.
 */
int ks_export(int allocator, __u32 index);

/**
 * ks_export_plane() - get the dma-buf of a memory plane of a frame
 * @allocator: the allocator
 * @index: any of its frames, free or not
 * @plane: the plane; ks_export() returns that of plane 0
 *
 * Return: a descriptor of the dma-buf, the same dma-buf each time.
 */
int ks_export_plane(int allocator, __u32 index, __u32 plane);

/**
 * struct ks_allocator_status - framing of an allocator, and states of its frames
 * @status: its framing, and how many frames are not free
 * @frame_bytes: bytes in each frame's dma-buf; in all of them, if it has several planes
 * @in_device: frames in a device
 * @waiters: calls that wait for a frame
 * @planes: memory planes of each frame
 */
struct ks_allocator_status {
	struct ksstreamallocator_status status;
	__u64 frame_bytes;
	__u32 in_device;
	__u32 waiters;
	struct ksalloc_planes planes;
};

/**
 * ks_get_status() - get the framing of an allocator, and the states of its frames
 * @allocator: the allocator
 * @status: out
 *
 * Return: 0.
 */
int ks_get_status(int allocator, struct ks_allocator_status *status);

/**
 * ks_get_status_ex() - get the status with extended framing
 * @allocator: the allocator
 * @status: out
 *
 * Return: 0.
 */
int ks_get_status_ex(int allocator, struct ksstreamallocator_status_ex *status);

/**
 * ks_enable_event() - count the frames that become free in an eventfd
 * @allocator: the allocator
 * @flags: 0, or KSALLOC_EVENT_ONESHOT
 * @event: KSEVENT_STREAMALLOCATOR_FREEFRAME
 * @eventfd: the eventfd; it may be closed after the call
 * @id: out: number of the event
 *
 * The event ends with this open file of the allocator.
 *
 * Return: 0. -EBUSY if the eventfd already has an event of this allocator; -E2BIG for more
 * than KSALLOC_MAX_EVENTS events.
 */
int ks_enable_event(int allocator, __u32 flags, __u32 event, int eventfd, __u32 *id);

/**
 * ks_disable_event() - end an event
 * @allocator: the allocator
 * @id: number of the event
 *
 * Return: 0. -EINVAL if this open file has no such event, or it was a one-shot event that
 * has been signalled.
 */
int ks_disable_event(int allocator, __u32 id);

/**
 * ks_allocator_open() - make another open file of an allocator, for another client
 * @allocator: the allocator
 *
 * Return: a descriptor of another open file of the same allocator. It holds no
 * frames and has no events.
 */
int ks_allocator_open(int allocator);

/**
 * ks_allocator_cancel() - end all ks_alloc() calls that wait
 * @allocator: the open file through which they wait
 * @flags: 0, or KSALLOC_CANCEL_PERMANENT
 *
 * As ks_connection_cancel().
 *
 * Return: 0.
 */
int ks_allocator_cancel(int allocator, __u32 flags);

/**
 * DOC: Other clients
 *
 * One open file is one client: the frames that it holds become free when it ends. So a
 * second program needs its own open file, from ks_allocator_open() or ks_connection_open().
 */

/**
 * ks_deadline() - compute a deadline
 * @ns: time from now, in nanoseconds
 *
 * In a time namespace whose CLOCK_MONOTONIC differs from that of the host, the deadline is wrong by
 * the difference, because the kernel does not convert it.
 *
 * Return: now plus @ns on CLOCK_MONOTONIC. It is not 0, because 0 means no deadline.
 */
__u64 ks_deadline(__u64 ns);

/* Kinds of CPU access */
#define LIBKS_READ 0x1
#define LIBKS_WRITE 0x2

/**
 * ks_begin_access() - begin a CPU access to a mapped dma-buf
 * @dmabuf_fd: the dma-buf
 * @access: LIBKS_READ, LIBKS_WRITE or both
 *
 * Until ks_end_access(), the CPU caches are coherent with the data of the device. If the
 * device is cache coherent, this costs very little.
 *
 * Return: 0.
 */
int ks_begin_access(int dmabuf_fd, unsigned int access);

/**
 * ks_end_access() - end a CPU access to a mapped dma-buf
 * @dmabuf_fd: the dma-buf
 * @access: the same as in ks_begin_access()
 *
 * Return: 0.
 */
int ks_end_access(int dmabuf_fd, unsigned int access);

/**
 * DOC: Mapped frames
 *
 * A struct ks_frames has the mapped frames of an allocator. A frame always has the same
 * memory, so each is mapped once and keeps its address. The mappings outlive the descriptor
 * of the allocator.
 *
 * The kernel cannot pin the pages of a mapped dma-buf from a heap or from udmabuf. Calls that
 * need this fail with EFAULT: read() and write() on a file that is open with O_DIRECT, on 9p and
 * on some network file systems; send() with MSG_ZEROCOPY; vmsplice(); registered buffers of
 * io_uring. fwrite() passes large blocks to write(), and can leave an empty file. A program that
 * can get any file copies the data to other memory if write() fails with EFAULT.
 *
 * In a stream with memory of udmabuf, the memfds are mapped instead. They have the same pages,
 * and these calls work. With the device's own memory, it depends on the driver.
 */
struct ks_frames;

/**
 * ks_frames_map() - map all frames of an allocator
 * @allocator: the allocator; it may be closed after the call
 * @frames: out; free it with ks_frames_unmap()
 *
 * Return: 0.
 */
int ks_frames_map(int allocator, struct ks_frames **frames);

/**
 * ks_frames_unmap() - unmap all frames
 * @frames: the frames; NULL does nothing
 */
void ks_frames_unmap(struct ks_frames *frames);

/* Number of frames */
__u32 ks_frames_count(const struct ks_frames *frames);
/* Bytes in the mapping of each frame; of plane 0, if there are several */
size_t ks_frames_bytes(const struct ks_frames *frames);
/* Address of a frame, of its plane 0; NULL if there is no such frame */
void *ks_frames_data(const struct ks_frames *frames, __u32 index);
/*
 * Descriptor of a frame's dma-buf, of its plane 0, which the library owns; -1 if there is no such
 * frame
 */
int ks_frames_dmabuf(const struct ks_frames *frames, __u32 index);
/* Number of memory planes of each frame. Each plane is mapped separately */
__u32 ks_frames_planes(const struct ks_frames *frames);
/* Bytes in the mapping of a plane; 0 if there is no such plane */
size_t ks_frames_plane_bytes(const struct ks_frames *frames, __u32 plane);
/* Address of a plane; NULL if there is no such frame or plane */
void *ks_frames_plane_data(const struct ks_frames *frames, __u32 index, __u32 plane);
/* Descriptor of a plane's dma-buf, which the library owns; -1 if there is none */
int ks_frames_plane_dmabuf(const struct ks_frames *frames, __u32 index, __u32 plane);

/**
 * DOC: Streams
 *
 * A struct ks_stream is a capture device that fills mapped frames.
 *
 * A typical program, where fd is an open V4L2 node whose format is set::
 *
 *	struct ks_stream_config config = { .size = sizeof(config), .v4l2_fd = fd };
 *	struct ks_stream_frame frame;
 *	struct ks_stream *stream;
 *	int err;
 *
 *	err = ks_stream_open(&config, &stream, NULL);
 *	if (!err)
 *		err = ks_stream_start(stream);
 *	while (!err && wanted()) {
 *		err = ks_stream_next(stream, 5000, &frame);
 *		if (!err) {
 *			look_at(frame.data, frame.used);
 *			err = ks_stream_give_back(stream, frame.index);
 *		}
 *	}
 *	ks_stream_close(stream);
 */
struct ks_stream;

/* The program does not read frames by CPU, or calls ks_begin_access() itself */
#define LIBKS_STREAM_NO_CPU_ACCESS 0x1
/* The frames are the device's own memory */
#define LIBKS_STREAM_DEVICE_MEMORY 0x2
/* The frames circulate: readers get them, see <ks/reader.h> */
#define LIBKS_STREAM_CIRCULATE 0x4

/**
 * struct ks_stream_config - configuration of a stream
 * @size: sizeof(struct ks_stream_config)
 * @flags: LIBKS_STREAM_*
 * @v4l2_fd: a V4L2 capture node, open for reading and writing, with its format set. The
 *	caller may close it when the stream is open
 * @frames: number of frames; 0 for two more than the device needs, but at least four. With
 *	LIBKS_STREAM_CIRCULATE, the device needs them beside the depth of each reader
 * @heap: their memory: a heap as for ks_open_heap(), or LIBKS_UDMABUF. NULL for the first
 *	memory that works, see <ks/memory.h>, and with LIBKS_STREAM_DEVICE_MEMORY
 * @device: path of the device that makes connections; NULL for LIBKS_DEVICE
 * @memory: out: the memory that was tried; NULL if it is of no interest. The last attempt is
 *	the memory of the stream. @count is 0 if a step before LIBKS_STEP_HEAP fails
 */
struct ks_stream_config {
	size_t size;
	__u32 flags;
	int v4l2_fd;
	__u32 frames;
	const char *heap;
	const char *device;
	struct ks_memory_report *memory;
};

/**
 * enum ks_stream_step - the steps of ks_stream_open()
 * @LIBKS_STEP_CONFIG: check the configuration, allocate memory for the stream itself
 * @LIBKS_STEP_OPEN: open the device that makes connections
 * @LIBKS_STEP_CONNECT: connect to the capture device
 * @LIBKS_STEP_FRAMING: get the requirements of the device
 * @LIBKS_STEP_HEAP: open a heap or /dev/udmabuf
 * @LIBKS_STEP_CREATE: allocate the frames, and create the allocator
 * @LIBKS_STEP_ACQUIRE: let the device map the frames
 * @LIBKS_STEP_MAP: map the frames
 */
enum ks_stream_step {
	LIBKS_STEP_CONFIG,
	LIBKS_STEP_OPEN,
	LIBKS_STEP_CONNECT,
	LIBKS_STEP_FRAMING,
	LIBKS_STEP_HEAP,
	LIBKS_STEP_CREATE,
	LIBKS_STEP_ACQUIRE,
	LIBKS_STEP_MAP,
};

/**
 * ks_stream_open() - create a stream, in state KSSTATE_STOP
 * @config: its configuration
 * @stream: out; free it with ks_stream_close()
 * @step: out, if the call fails: the step that failed; may be NULL
 *
 * The memory is tried on the device. For this time the connection is in KSSTATE_ACQUIRE. Later,
 * other programs can use the device until the stream starts. If the memory is the device's own,
 * the device is busy for other programs, and its format is fixed, until the stream is closed.
 *
 * Return: 0. -EBUSY if another program uses the device. At LIBKS_STEP_HEAP and later, the error
 * of ks_find_memory().
 */
int ks_stream_open(const struct ks_stream_config *config,
		   struct ks_stream **stream, enum ks_stream_step *step);

/**
 * ks_stream_close() - stop and free a stream
 * @stream: the stream; NULL does nothing
 *
 * The frames are unmapped and the descriptors of their dma-bufs are closed. If the program
 * has duplicated a descriptor before, that dma-buf stays valid.
 */
void ks_stream_close(struct ks_stream *stream);

/**
 * ks_stream_start() - submit all free frames, and start the device
 * @stream: the stream
 *
 * With LIBKS_STREAM_CIRCULATE, the kernel submits the frames, and readers get them. Then
 * ks_stream_next() fails with -EBUSY.
 *
 * Return: 0. -EBUSY if another file uses the device; -EINVAL if the format of the device has
 * changed and the frames are too small now; -EPIPE or -ENOLINK if the device is behind a media
 * controller whose links or formats are not set up. After an error the stream is in state
 * KSSTATE_STOP.
 */
int ks_stream_start(struct ks_stream *stream);

/**
 * ks_stream_stop() - stop the device and release it for other files
 * @stream: the stream
 *
 * Frames from ks_stream_next() that were not given back stay valid. Give them back as
 * usual. The stream can be started again.
 *
 * Return: 0.
 */
int ks_stream_stop(struct ks_stream *stream);

/**
 * struct ks_stream_plane - a memory plane of a frame that the device has filled
 * @data: address of the data, valid until ks_stream_give_back()
 * @used: number of bytes of data
 * @bytes: bytes from @data to the end of the mapping
 * @dmabuf: descriptor of its dma-buf, which the library owns
 */
struct ks_stream_plane {
	void *data;
	size_t used;
	size_t bytes;
	int dmabuf;
};

/**
 * struct ks_stream_frame - a frame that the device has filled
 * @index: the frame
 * @sequence: the sequence number of the device. A gap means that pictures are lost
 * @data: address of the picture, valid until ks_stream_give_back()
 * @used: number of bytes of the picture
 * @bytes: bytes from @data to the end of the mapping
 * @dmabuf: descriptor of its dma-buf, which the library owns
 * @header: its time and other properties, of all planes together
 * @nr_planes: number of memory planes
 * @planes: the planes. If there are several, the fields above describe plane 0
 */
struct ks_stream_frame {
	__u32 index;
	__u32 sequence;
	void *data;
	size_t used;
	size_t bytes;
	int dmabuf;
	struct ksstream_header header;
	__u32 nr_planes;
	struct ks_stream_plane planes[KSALLOC_MAX_PLANES];
};

/**
 * ks_stream_next() - get the next frame that the device has filled
 * @stream: the stream
 * @timeout_ms: how long to wait; 0 to not wait, -1 for no limit
 * @frame: out
 *
 * The CPU can read the frame immediately, unless the stream was opened with
 * LIBKS_STREAM_NO_CPU_ACCESS.
 *
 * Return: 0. -ETIMEDOUT, or -EAGAIN if @timeout_ms is 0; -EINTR for a signal whose handler
 * has no SA_RESTART; -ECANCELED if the stream is not started, or ks_connection_cancel()
 * ended the wait; -ENODEV if the device has disappeared.
 */
int ks_stream_next(struct ks_stream *stream, int timeout_ms,
		   struct ks_stream_frame *frame);

/**
 * ks_stream_give_back() - give a frame back
 * @stream: the stream
 * @index: the frame
 *
 * The frame is submitted to the device again. If that is not possible, because the stream
 * is stopped or the device has disappeared, the frame is freed. In any case the program
 * does not hold it after this call.
 *
 * Return: 0. -EINVAL if the program did not hold the frame.
 */
int ks_stream_give_back(struct ks_stream *stream, __u32 index);

/* The connection, for poll() with EPOLLIN and for the thin calls */
int ks_stream_connection(const struct ks_stream *stream);
/* The allocator, for the thin calls */
int ks_stream_allocator(const struct ks_stream *stream);
/* The mapped frames */
const struct ks_frames *ks_stream_frames(const struct ks_stream *stream);

#ifdef __cplusplus
}
#endif

#endif /* KS_KS_H */
