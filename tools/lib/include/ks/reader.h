/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libks: readers, which get the frames of a stream beside other readers.
 */
#ifndef KS_READER_H
#define KS_READER_H

#include <stddef.h>

#include <linux/ksalloc.h>

#ifdef __cplusplus
extern "C" {
#endif

struct v4l2_format;

/**
 * DOC: Readers in libks
 *
 * A struct ks_reader gets the filled frames of a stream that circulates, see "DOC: Readers" in
 * <linux/ksalloc.h>. It can only read them. A program that has the camera makes readers, and
 * passes their descriptors to other programs. Neither a slow reader nor one that is killed
 * delays the camera or another reader.
 *
 * The program with the camera, where fd is an open V4L2 node whose format is set::
 *
 *	struct ks_stream_config config = {
 *		.size = sizeof(config),
 *		.flags = LIBKS_STREAM_CIRCULATE,
 *		.v4l2_fd = fd,
 *		.frames = 12,
 *	};
 *
 *	err = ks_stream_open(&config, &stream, NULL);
 *	if (!err)
 *		err = ks_reader_open(ks_stream_connection(stream), NULL, &reader);
 *	if (!err)
 *		err = ks_stream_start(stream);
 *	if (!err)
 *		send_descriptor(socket, ks_reader_fd(reader));
 *	ks_reader_close(reader);
 *
 * The program that reads::
 *
 *	err = ks_reader_adopt(receive_descriptor(socket), 0, &reader);
 *	while (!err && wanted()) {
 *		err = ks_reader_next(reader, 5000, &frame);
 *		if (!err) {
 *			look_at(frame.data, frame.used);
 *			err = ks_reader_give_back(reader, &frame);
 *		}
 *	}
 *	ks_reader_close(reader);
 *
 * One open file of a reader is one queue. Its frames go back when its last descriptor is closed, by
 * close() or by death of the process. So a program that has passed a descriptor closes its own, and
 * two programs that shall both get each frame need a reader each.
 *
 * Several threads may use one struct ks_reader, but only one of them may close it, when the others
 * are done. Frames may be given back in any order, and by any thread.
 */
struct ks_reader;

/* The queue has only the newest frame */
#define LIBKS_READER_NEWEST 0x1
/* If the device has too few frames, it may fill those again that the reader has */
#define LIBKS_READER_REVOCABLE 0x2
/* The program may want to delay other readers: see KSALLOC_READER_UNTRUSTED */
#define LIBKS_READER_UNTRUSTED 0x8
/* The program does not read frames by CPU, or calls ks_begin_access() itself */
#define LIBKS_READER_NO_CPU_ACCESS 0x4

/**
 * struct ks_reader_config - configuration of a reader
 * @size: sizeof(struct ks_reader_config)
 * @flags: LIBKS_READER_*
 * @depth: number of frames that the reader has at most: those in its queue, and those that the
 *	program has. 0 for 4
 * @every: it gets each n-th frame, where n is @every; 0 for each frame
 */
struct ks_reader_config {
	size_t size;
	__u32 flags;
	__u32 depth;
	__u32 every;
};

/**
 * struct ks_reader_plane - a memory plane of a frame of a reader
 * @data: address of the data, valid until ks_reader_give_back(). It can only be read
 * @used: number of bytes of data
 * @bytes: bytes from @data to the end of the mapping
 * @dmabuf: descriptor of its dma-buf, which the library owns. Through it the memory can only be
 *	read
 */
struct ks_reader_plane {
	const void *data;
	size_t used;
	size_t bytes;
	int dmabuf;
};

/**
 * struct ks_reader_frame - a frame that a reader has taken
 * @index: the frame
 * @sequence: the sequence number of the device. All readers see the same number
 * @generation: the generation that @index belongs to. It changes when the device gets other frames
 * @data: address of the picture, valid until ks_reader_give_back(). It can only be read
 * @used: number of bytes of the picture
 * @bytes: bytes from @data to the end of the mapping
 * @dmabuf: descriptor of its dma-buf, which the library owns
 * @lost: number of frames that this reader has lost since the last one that it took
 * @revoked: number of frames that were revoked since this reader took the last one, see struct
 *	ksalloc_reader_frame. They have to be given back, too
 * @header: its time and other properties, of all planes together
 * @nr_planes: number of memory planes
 * @planes: the planes. If there are several, the fields above describe plane 0
 */
struct ks_reader_frame {
	__u32 index;
	__u32 sequence;
	__u64 generation;
	const void *data;
	size_t used;
	size_t bytes;
	int dmabuf;
	__u32 lost;
	__u32 revoked;
	struct ksstream_header header;
	__u32 nr_planes;
	struct ks_reader_plane planes[KSALLOC_MAX_PLANES];
};

/**
 * struct ks_reader_status - what a reader has got and lost
 * @generation: the generation of the frames that the device has now
 * @lost: number of frames that it has lost, since it was made
 * @revoked: number of frames that were revoked while it had taken them, since it was made
 * @queued: number of frames in its queue
 * @taken: number of frames that it has taken and not given back
 * @frames: number of frames that the device has; 0 if no stream has circulated with the assigned
 *	allocator yet
 * @promised: 1 if its frames cannot be revoked
 * @running: 1 if a stream circulates
 */
struct ks_reader_status {
	__u64 generation;
	__u64 lost;
	__u64 revoked;
	__u32 queued;
	__u32 taken;
	__u32 frames;
	__u32 promised;
	__u32 running;
};

/**
 * ks_reader_open() - make a reader
 * @connection: the connection, such as ks_stream_connection(); it may be closed after the call
 * @config: its configuration; NULL for the default
 * @reader: out; free it with ks_reader_close()
 *
 * It gets the frames that the device fills from now on.
 *
 * Return: 0. -EINVAL if the configuration is wrong; -EBUSY if the stream circulates, and it has too
 * few frames for @depth of the configuration.
 */
int ks_reader_open(int connection, const struct ks_reader_config *config,
		   struct ks_reader **reader);

/**
 * ks_reader_adopt() - use a reader that another program has made
 * @fd: descriptor of the reader
 * @flags: 0, or LIBKS_READER_NO_CPU_ACCESS
 * @reader: out; free it with ks_reader_close()
 *
 * If the call succeeds, @fd belongs to the library, which closes it in ks_reader_close(). Otherwise
 * it still belongs to the caller.
 *
 * Return: 0. -ENOTTY if @fd is not a reader.
 */
int ks_reader_adopt(int fd, __u32 flags, struct ks_reader **reader);

/**
 * ks_reader_close() - free a reader
 * @reader: the reader; NULL does nothing
 *
 * All frames are unmapped. If no other program has its descriptor, this also gives all frames
 * back.
 */
void ks_reader_close(struct ks_reader *reader);

/* The descriptor, to be passed to another program, or for poll() with POLLIN */
int ks_reader_fd(const struct ks_reader *reader);

/**
 * ks_reader_next() - take the next frame from the queue
 * @reader: the reader
 * @timeout_ms: how long to wait; 0 to not wait, -1 for no limit
 * @frame: out
 *
 * Each frame is mapped when it comes for the first time, and keeps its address as long as the
 * @generation of frames is the same. The CPU can read the frame immediately, unless the reader has
 * LIBKS_READER_NO_CPU_ACCESS.
 *
 * The call also waits while no stream circulates.
 *
 * Return: 0. -ETIMEDOUT, or -EAGAIN if @timeout_ms is 0; -EINTR for a signal whose handler has no
 * SA_RESTART; -ECANCELED after ks_reader_cancel(); -ENODEV if the device has disappeared, or the
 * connection has ended. If the frame cannot be mapped, it is given back, and the error is that of
 * the mapping.
 */
int ks_reader_next(struct ks_reader *reader, int timeout_ms, struct ks_reader_frame *frame);

/**
 * ks_reader_give_back() - give a frame back
 * @reader: the reader
 * @frame: the frame; only its @index and @generation are used
 *
 * The program does not have the frame after this call, even if it fails.
 *
 * Return: 0. -EINVAL if the program did not have the frame.
 */
int ks_reader_give_back(struct ks_reader *reader, const struct ks_reader_frame *frame);

/**
 * ks_reader_cancel() - end all ks_reader_next() calls that wait
 * @reader: the reader
 * @flags: 0, or KSALLOC_CANCEL_PERMANENT
 *
 * As ks_connection_cancel().
 *
 * Return: 0.
 */
int ks_reader_cancel(struct ks_reader *reader, __u32 flags);

/**
 * ks_reader_get_status() - get what a reader has got and lost
 * @reader: the reader
 * @status: out
 *
 * Return: 0.
 */
int ks_reader_get_status(const struct ks_reader *reader, struct ks_reader_status *status);

/**
 * ks_reader_get_format() - get the format of the frames
 * @reader: the reader
 * @format: out: the V4L2 format of the device in the current or the last stream that circulated
 *
 * Return: 0. -ENODATA if no stream has circulated with the assigned allocator yet.
 */
int ks_reader_get_format(const struct ks_reader *reader, struct v4l2_format *format);

#ifdef __cplusplus
}
#endif

#endif /* KS_READER_H */
