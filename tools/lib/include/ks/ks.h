/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libks: allocators of Kernel Streaming frames for V4L2 capture devices.
 *
 * The library has three layers, each of which can be used without those
 * above it, and mixed with them on the same descriptors:
 *
 *  - thin calls: one function for each ioctl of <linux/ksalloc.h>;
 *  - ks_frames: an allocator's frames, each mapped once and kept;
 *  - ks_stream: what a capture program needs, from a V4L2 descriptor to a
 *    pointer to the next picture and back.
 *
 * Names of Windows' ks.h (KsCreatePin and its like) are not used here, but in
 * headers and a library of their own on top of this one: libkswin.
 */
#ifndef KS_KS_H
#define KS_KS_H

#include <stddef.h>

#include <linux/ksalloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: Results
 *
 * Each function that returns int returns a negative errno value when it
 * fails; otherwise a descriptor where its description says so, and else 0.
 * A call that fails has changed nothing: what its pointers lead to is as it
 * was, and no descriptor or memory is kept. errno itself means nothing.
 * Which value says what is stated once, at the top of <linux/ksalloc.h>.
 *
 * Each descriptor that is returned is the caller's, to be ended by close(),
 * and is close-on-exec. The functions without a ks_stream or ks_frames may be
 * called from any thread. One ks_stream may be used by several threads as
 * long as no two of them hold the same frame, start, stop or close it.
 *
 * Structures that the caller fills begin with their size, so that a program
 * keeps working with a later library: set it to sizeof, and clear the rest.
 */

/* The device that makes connections */
#define LIBKS_DEVICE "/dev/ksalloc"
/* The folder that ks_open_heap() looks for names in */
#define LIBKS_HEAP_DIR "/dev/dma_heap"

/* Thin calls */

/**
 * ks_open() - open the device that makes connections
 * @path: the device, or NULL for LIBKS_DEVICE
 *
 * Return: a descriptor. -ENOENT most often means that the module is not
 * loaded (modprobe ksalloc).
 */
int ks_open(const char *path);

/**
 * ks_open_heap() - open a dma-buf heap
 * @heap: a name in LIBKS_HEAP_DIR, such as "system"; a path if it has a slash
 *
 * Return: a descriptor. -ENOENT where there is no such heap.
 */
int ks_open_heap(const char *heap);

/**
 * ks_connect() - connect to a capture device
 * @ks_fd: what ks_open() returned; it may be closed afterwards
 * @v4l2_fd: the V4L2 node, open for reading and writing; it may be closed
 *	afterwards, or kept to set the format in state KSSTATE_STOP
 *
 * The connection opens the node once more for itself. From KSSTATE_ACQUIRE on the
 * device is busy for @v4l2_fd, as for all others.
 *
 * Return: a descriptor of a new connection, in state KSSTATE_STOP. -EBUSY if the
 * driver lets one file at a time open the node.
 */
int ks_connect(int ks_fd, int v4l2_fd);

/**
 * ks_get_framing() - what the device needs in its current format
 * @connection: the connection
 * @framing: out
 *
 * Return: 0.
 */
int ks_get_framing(int connection, struct ksallocator_framing *framing);

/**
 * ks_get_framing_ex() - the kinds of memory that the device can use, best first
 * @connection: the connection
 * @framing: out: as many whole items as there is room for
 * @size: bytes that there is room for at @framing; out: bytes of the whole answer
 *
 * Return: 0.
 */
int ks_get_framing_ex(int connection, struct ksallocator_framing_ex *framing, __u32 *size);

/**
 * ks_create_allocator() - make an allocator
 * @connection: whose device's needs the framing has to meet
 * @framing: number, size, alignment of the frames
 * @heap_fd: where their memory comes from; it may be closed afterwards
 *
 * Return: a descriptor of a new allocator.
 */
int ks_create_allocator(int connection,
			const struct ksallocator_framing *framing, int heap_fd);

/**
 * ks_set_allocator() - choose the allocator whose frames the device fills
 * @connection: the connection, in state KSSTATE_STOP
 * @allocator: the allocator, or -1 for none
 *
 * Return: 0.
 */
int ks_set_allocator(int connection, int allocator);

/**
 * ks_set_state() - bring a connection to a state, through those between
 * @connection: the connection
 * @state: the state
 *
 * Return: 0.
 */
int ks_set_state(int connection, enum ksstate state);

/**
 * ks_get_state() - a connection's state
 * @connection: the connection
 * @state: out: the state; may be NULL
 * @pending: out: frames submitted and not yet completed; may be NULL
 *
 * Return: 0.
 */
int ks_get_state(int connection, enum ksstate *state, __u32 *pending);

/**
 * ks_submit() - give an allocated frame to the device to be filled
 * @connection: the connection, in KSSTATE_PAUSE or KSSTATE_RUN
 * @index: the frame
 * @dmabuf_fd: a descriptor of the frame's dma-buf, as ks_export(), ks_alloc() and
 *	ks_frames_dmabuf() give it; or -1
 *
 * V4L2 takes a dma-buf by descriptor, so name one that is open anyway. With -1 a
 * kernel thread queues the frame, which takes longer. Use -1 where the frames are
 * the device's own memory: no descriptor is needed there, and no thread.
 *
 * Return: 0. -EBADF or -EINVAL if @dmabuf_fd is not the frame's dma-buf; -EINVAL
 * if the frame is free; -EBUSY if it is in a device, a kernel client holds it, or
 * another device still reads it.
 */
int ks_submit(int connection, __u32 index, int dmabuf_fd);

/**
 * struct ks_completion - a frame that the device has filled
 * @index: the frame
 * @sequence: the device's sequence number; a gap in it is a lost picture
 * @header: how much is in the frame, and of when it is
 */
struct ks_completion {
	__u32 index;
	__u32 sequence;
	struct ksstream_header header;
};

/**
 * ks_complete() - get the next frame that the device has filled
 * @connection: the connection
 * @flags: 0, or KSALLOC_NONBLOCK
 * @deadline_ns: when to stop waiting, see ks_deadline(); 0 is never
 * @completion: out
 *
 * Return: 0. -EAGAIN, -ETIMEDOUT, -EINTR; -ECANCELED in a state lower than
 * KSSTATE_PAUSE, during a flush, or by ks_connection_cancel(); -ENODEV when the
 * device is gone.
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
 * ks_connection_open() - open a connection once more, for another client
 * @connection: the connection
 *
 * Return: a descriptor of another open file of the same connection.
 */
int ks_connection_open(int connection);

/**
 * ks_connection_cancel() - end all ks_complete() calls that wait
 * @connection: the open file through which they wait
 *
 * They return -ECANCELED. A call that has not begun to wait is not ended: a
 * program that ends its threads so calls this until all of them have returned.
 *
 * Return: 0.
 */
int ks_connection_cancel(int connection);

/**
 * ks_alloc() - take a free frame
 * @allocator: the allocator
 * @flags: 0, or KSALLOC_NONBLOCK
 * @deadline_ns: when to stop waiting, see ks_deadline(); 0 is never
 * @index: out: the frame
 * @dmabuf_fd: out: a descriptor of the frame's dma-buf; NULL for none
 *
 * Return: 0. -EAGAIN, -ETIMEDOUT, -EINTR; -ECANCELED by ks_allocator_cancel().
 */
int ks_alloc(int allocator, __u32 flags, __u64 deadline_ns,
	     __u32 *index, int *dmabuf_fd);

/**
 * ks_free() - give an allocated frame back to its allocator
 * @allocator: the allocator
 * @index: the frame; any client may hold it
 *
 * Return: 0. -EINVAL if the frame is free; -EBUSY if it is in a device or a kernel
 * client holds it.
 */
int ks_free(int allocator, __u32 index);

/**
 * ks_export() - get a frame's dma-buf
 * @allocator: the allocator
 * @index: any of its frames, free or not
 *
 * Return: a descriptor of the dma-buf, the same dma-buf each time.
 */
int ks_export(int allocator, __u32 index);

/**
 * struct ks_allocator_status - what an allocator is, and where its frames are
 * @status: its framing, and how many frames are not free
 * @frame_bytes: bytes in each frame's dma-buf
 * @in_device: frames in a device
 * @waiters: calls that wait for a frame
 */
struct ks_allocator_status {
	struct ksstreamallocator_status status;
	__u64 frame_bytes;
	__u32 in_device;
	__u32 waiters;
};

/**
 * ks_get_status() - what an allocator is, and where its frames are
 * @allocator: the allocator
 * @status: out
 *
 * Return: 0.
 */
int ks_get_status(int allocator, struct ks_allocator_status *status);

/**
 * ks_get_status_ex() - ks_get_status() with the extended framing
 * @allocator: the allocator
 * @status: out
 *
 * Return: 0.
 */
int ks_get_status_ex(int allocator, struct ksstreamallocator_status_ex *status);

/**
 * ks_enable_event() - let an eventfd count the frames that become free
 * @allocator: the allocator
 * @flags: 0, or KSALLOC_EVENT_ONESHOT
 * @event: KSEVENT_STREAMALLOCATOR_FREEFRAME
 * @eventfd: the eventfd; it may be closed afterwards
 * @id: out: the event's number
 *
 * The event ends with this open file of the allocator.
 *
 * Return: 0. -EBUSY if the eventfd has an event of this allocator already; -E2BIG
 * for more than KSALLOC_MAX_EVENTS.
 */
int ks_enable_event(int allocator, __u32 flags, __u32 event, int eventfd, __u32 *id);

/**
 * ks_disable_event() - end what ks_enable_event() began
 * @allocator: the allocator
 * @id: the event's number
 *
 * Return: 0. -EINVAL if there is no such event of this open file, or not any more.
 */
int ks_disable_event(int allocator, __u32 id);

/**
 * ks_allocator_open() - open an allocator once more, for another client
 * @allocator: the allocator
 *
 * Return: a descriptor of another open file of the same allocator. It holds no
 * frames and has no events.
 */
int ks_allocator_open(int allocator);

/**
 * ks_allocator_cancel() - end all ks_alloc() calls that wait
 * @allocator: the open file through which they wait
 *
 * As ks_connection_cancel().
 *
 * Return: 0.
 */
int ks_allocator_cancel(int allocator);

/**
 * DOC: Other clients
 *
 * One open file is one client: the frames that were got through it become free
 * when it ends. A second program therefore gets an open file of its own, which
 * ks_allocator_open() or ks_connection_open() makes.
 */

/**
 * ks_deadline() - a point of time for the calls that wait
 * @ns: how far from now, in nanoseconds
 *
 * Return: now plus @ns on CLOCK_MONOTONIC; never 0, which would mean never.
 */
__u64 ks_deadline(__u64 ns);

/* Kinds of access by the CPU */
#define LIBKS_READ 0x1
#define LIBKS_WRITE 0x2

/**
 * ks_begin_access() - before the CPU reads or writes a mapped dma-buf
 * @dmabuf_fd: the dma-buf
 * @access: LIBKS_READ, LIBKS_WRITE or both
 *
 * Until ks_end_access(), caches are such that the CPU sees what the device
 * wrote. Where device and CPU share their caches this costs next to nothing.
 *
 * Return: 0.
 */
int ks_begin_access(int dmabuf_fd, unsigned int access);

/**
 * ks_end_access() - after the CPU has read or written a mapped dma-buf
 * @dmabuf_fd: the dma-buf
 * @access: the same as in ks_begin_access()
 *
 * Return: 0.
 */
int ks_end_access(int dmabuf_fd, unsigned int access);

/**
 * DOC: Mapped frames
 *
 * A struct ks_frames has the frames of an allocator, mapped into memory. A frame
 * keeps its memory for the allocator's whole life, so that each is mapped once,
 * and its address stays. The mappings outlive the allocator's descriptor.
 */
struct ks_frames;

/**
 * ks_frames_map() - map all frames of an allocator
 * @allocator: the allocator; it may be closed afterwards
 * @frames: out; to be ended by ks_frames_unmap()
 *
 * Return: 0.
 */
int ks_frames_map(int allocator, struct ks_frames **frames);

/**
 * ks_frames_unmap() - end what ks_frames_map() began
 * @frames: the frames; NULL does nothing
 */
void ks_frames_unmap(struct ks_frames *frames);

/* How many frames there are */
__u32 ks_frames_count(const struct ks_frames *frames);
/* Bytes that are mapped of each frame */
size_t ks_frames_bytes(const struct ks_frames *frames);
/* Where a frame is mapped; NULL where there is no frame of this index */
void *ks_frames_data(const struct ks_frames *frames, __u32 index);
/* A frame's dma-buf, which stays the library's; -1 where there is no frame */
int ks_frames_dmabuf(const struct ks_frames *frames, __u32 index);

/**
 * DOC: Streams
 *
 * A struct ks_stream is a capture device that fills mapped frames.
 *
 * The usual program, with fd an open V4L2 node whose format is set::
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

/* Frames are not read by the CPU, or the program brackets that itself */
#define LIBKS_STREAM_NO_CPU_ACCESS 0x1

/**
 * struct ks_stream_config - what a stream is made of
 * @size: sizeof(struct ks_stream_config)
 * @flags: LIBKS_STREAM_*
 * @v4l2_fd: a V4L2 capture node, open for reading and writing, with its format
 *	set; it stays the caller's, who may close it when the stream is open
 * @frames: how many frames; 0 for as many as the device needs and two more,
 *	but at least four
 * @heap: where their memory comes from, as ks_open_heap() takes it; NULL for
 *	"system"
 * @device: the device that makes connections; NULL for LIBKS_DEVICE
 */
struct ks_stream_config {
	size_t size;
	__u32 flags;
	int v4l2_fd;
	__u32 frames;
	const char *heap;
	const char *device;
};

/**
 * enum ks_stream_step - the steps that ks_stream_open() takes
 * @LIBKS_STEP_CONFIG: look at the configuration, get memory of one's own
 * @LIBKS_STEP_OPEN: open the device that makes connections
 * @LIBKS_STEP_CONNECT: connect to the capture device
 * @LIBKS_STEP_FRAMING: ask what the device needs
 * @LIBKS_STEP_HEAP: open the heap
 * @LIBKS_STEP_CREATE: make the allocator and its frames
 * @LIBKS_STEP_ASSIGN: assign the allocator to the connection
 * @LIBKS_STEP_MAP: map the frames
 */
enum ks_stream_step {
	LIBKS_STEP_CONFIG,
	LIBKS_STEP_OPEN,
	LIBKS_STEP_CONNECT,
	LIBKS_STEP_FRAMING,
	LIBKS_STEP_HEAP,
	LIBKS_STEP_CREATE,
	LIBKS_STEP_ASSIGN,
	LIBKS_STEP_MAP,
};

/**
 * ks_stream_open() - make a stream, in state KSSTATE_STOP
 * @config: what of
 * @stream: out; to be ended by ks_stream_close()
 * @step: out: where the call fails: the step that failed; may be NULL
 *
 * Return: 0.
 */
int ks_stream_open(const struct ks_stream_config *config,
		   struct ks_stream **stream, enum ks_stream_step *step);

/**
 * ks_stream_close() - stop and end a stream
 * @stream: the stream; NULL does nothing
 *
 * What the frames' addresses led to is gone afterwards. A dma-buf whose
 * descriptor was duplicated before stays.
 */
void ks_stream_close(struct ks_stream *stream);

/**
 * ks_stream_start() - give all free frames to the device, and let it run
 * @stream: the stream
 *
 * Return: 0. -EBUSY where somebody else uses the device; -EOPNOTSUPP where the
 * device cannot use the heap's memory or has not as many buffers; -EINVAL where
 * the device's format has changed and the frames no longer fit. After an error
 * the stream is in state KSSTATE_STOP.
 */
int ks_stream_start(struct ks_stream *stream);

/**
 * ks_stream_stop() - let the device go
 * @stream: the stream
 *
 * Frames that were got from ks_stream_next() and not given back stay as they
 * are, and are given back as before. The stream can be started again.
 *
 * Return: 0.
 */
int ks_stream_stop(struct ks_stream *stream);

/**
 * struct ks_stream_frame - a frame that the device has filled
 * @index: the frame
 * @sequence: the device's sequence number; a gap in it is a lost picture
 * @data: where the picture is in memory, until ks_stream_give_back()
 * @used: bytes of it that the device filled
 * @bytes: bytes that are mapped from there
 * @dmabuf: its dma-buf, which stays the library's
 * @header: more about it, above all its time
 */
struct ks_stream_frame {
	__u32 index;
	__u32 sequence;
	void *data;
	size_t used;
	size_t bytes;
	int dmabuf;
	struct ksstream_header header;
};

/**
 * ks_stream_next() - get the next frame that the device has filled
 * @stream: the stream
 * @timeout_ms: how long to wait for it; 0 for not at all, -1 for as long as it
 *	takes
 * @frame: out
 *
 * The frame is ready to be read by the CPU, unless the stream was opened with
 * LIBKS_STREAM_NO_CPU_ACCESS.
 *
 * Return: 0. -ETIMEDOUT, or -EAGAIN where @timeout_ms is 0; -EINTR for a signal
 * whose handler has no SA_RESTART; -ECANCELED where the stream is not started, or
 * ks_connection_cancel() ended the wait; -ENODEV when the device is gone.
 */
int ks_stream_next(struct ks_stream *stream, int timeout_ms,
		   struct ks_stream_frame *frame);

/**
 * ks_stream_give_back() - be done with a frame
 * @stream: the stream
 * @index: the frame
 *
 * The device gets the frame to fill it again; where it cannot, because the
 * stream is stopped or the device is gone, the allocator gets it. In any case
 * the program does not hold it afterwards.
 *
 * Return: 0. -EINVAL where the program did not hold the frame.
 */
int ks_stream_give_back(struct ks_stream *stream, __u32 index);

/* The connection, to poll() for EPOLLIN and for the thin calls */
int ks_stream_connection(const struct ks_stream *stream);
/* The allocator, for the thin calls */
int ks_stream_allocator(const struct ks_stream *stream);
/* The mapped frames */
const struct ks_frames *ks_stream_frames(const struct ks_stream *stream);

#ifdef __cplusplus
}
#endif

#endif /* KS_KS_H */
