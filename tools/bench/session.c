// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capturing without ksalloc, with it, and as a reader: the calls that all parts of the benchmark
 * use.
 */
#include "session.h"

#include <assert.h>
#include <emmintrin.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define URING_ENTRIES 4

/* Plain V4L2 */

static unsigned int v4l2_request(struct session *session, unsigned int count,
				 unsigned int memory)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = memory,
	};

	must(ioctl(session->camera, VIDIOC_REQBUFS, &request), "VIDIOC_REQBUFS");
	return request.count;
}

static void check_buffers(unsigned int count)
{
	if (count != BUFFERS)
		die("the camera gives %u buffers instead of %u", count, BUFFERS);
}

static void v4l2_run(struct session *session, bool on)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	must(ioctl(session->camera, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type),
	     "VIDIOC_STREAMON");
}

static inline void v4l2_dequeue(struct session *session, unsigned int memory,
				struct v4l2_buffer *buffer)
{
	*buffer = (struct v4l2_buffer) {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = memory,
	};

	must(ioctl(session->camera, VIDIOC_DQBUF, buffer), "VIDIOC_DQBUF");
}

static unsigned int v4l2_take(struct session *session, unsigned int memory)
{
	struct v4l2_buffer buffer;

	v4l2_dequeue(session, memory, &buffer);
	return buffer.index;
}

static void v4l2_give(struct session *session, unsigned int index, unsigned int memory,
		      int dmabuf)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = memory,
		.index = index,
		.m.fd = dmabuf,
	};

	must(ioctl(session->camera, VIDIOC_QBUF, &buffer), "VIDIOC_QBUF");
}

unsigned int dmabuf_take(struct session *session)
{
	return v4l2_take(session, V4L2_MEMORY_DMABUF);
}

void dmabuf_give(struct session *session, unsigned int index)
{
	v4l2_give(session, index, V4L2_MEMORY_DMABUF, session->dmabuf[index]);
}

void dmabuf_open(struct session *session)
{
	int heap = open_heap();
	unsigned int i;

	session->camera = open_camera(session->number);
	session->fd = session->camera;
	session->buffers = BUFFERS;
	for (i = 0; i < BUFFERS; i++)
		session->dmabuf[i] = heap_alloc(heap, PICTURE_BYTES);
	close(heap);
}

void dmabuf_stream_on(struct session *session)
{
	unsigned int i;

	check_buffers(v4l2_request(session, BUFFERS, V4L2_MEMORY_DMABUF));
	for (i = 0; i < BUFFERS; i++)
		dmabuf_give(session, i);
	v4l2_run(session, true);
}

void dmabuf_start(struct session *session)
{
	dmabuf_open(session);
	dmabuf_stream_on(session);
}

void dmabuf_stream_off(struct session *session)
{
	v4l2_run(session, false);
	v4l2_request(session, 0, V4L2_MEMORY_DMABUF);
}

void dmabuf_stop(struct session *session)
{
	unsigned int i;

	dmabuf_stream_off(session);
	for (i = 0; i < BUFFERS; i++)
		close(session->dmabuf[i]);
	close(session->camera);
}

unsigned int mmap_take(struct session *session)
{
	return v4l2_take(session, V4L2_MEMORY_MMAP);
}

unsigned int mmap_take_next(struct session *session)
{
	struct v4l2_buffer buffer;

	v4l2_dequeue(session, V4L2_MEMORY_MMAP, &buffer);
	session->sequence = buffer.sequence;
	return buffer.index;
}

void mmap_give(struct session *session, unsigned int index)
{
	v4l2_give(session, index, V4L2_MEMORY_MMAP, 0);
}

void mmap_prepare(struct session *session)
{
	unsigned int i;

	session->fd = session->camera;
	/* A share has a number of its own */
	session->buffers = v4l2_request(session, BUFFERS, V4L2_MEMORY_MMAP);
	for (i = 0; i < session->buffers; i++) {
		struct v4l2_buffer buffer = {
			.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.memory = V4L2_MEMORY_MMAP,
			.index = i,
		};

		must(ioctl(session->camera, VIDIOC_QUERYBUF, &buffer), "VIDIOC_QUERYBUF");
		session->map[i] = mmap(NULL, PICTURE_BYTES, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_POPULATE, session->camera,
				       buffer.m.offset);
		if (session->map[i] == MAP_FAILED)
			die("mmap: %s", strerror(errno));
		mmap_give(session, i);
	}
	session->copy = mmap(NULL, PICTURE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (session->copy == MAP_FAILED)
		die("mmap: %s", strerror(errno));
}

void mmap_run(struct session *session)
{
	v4l2_run(session, true);
}

void mmap_start(struct session *session)
{
	session->camera = open_camera(session->number);
	mmap_prepare(session);
	check_buffers(session->buffers);
	mmap_run(session);
}

void mmap_stop(struct session *session)
{
	unsigned int i;

	v4l2_run(session, false);
	for (i = 0; i < session->buffers; i++)
		munmap(session->map[i], PICTURE_BYTES);
	munmap(session->copy, PICTURE_BYTES);
	v4l2_request(session, 0, V4L2_MEMORY_MMAP);
	close(session->camera);
}

/* The node of a share */

/* Any but root */
#define OTHER_USER 1000

void share_open(struct share *share, bool other_user)
{
	/* With the number of frames that ks-share has by default */
	struct ksalloc_share arg = { .size = sizeof(arg) };
	int device = must(open("/dev/ksalloc", O_RDWR | O_CLOEXEC), "/dev/ksalloc");

	share->camera = open_camera(0);
	arg.v4l2_fd = share->camera;
	if (other_user)
		must(seteuid(OTHER_USER), "seteuid");
	share->fd = must(ioctl(device, KSALLOC_SHARE, &arg), "KSALLOC_SHARE");
	must(seteuid(0), "seteuid");
	share->node = arg.node;
	close(device);
}

void share_close(struct share *share)
{
	close(share->fd);
	close(share->camera);
}

void share_prepare(const struct share *share, struct session *session)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/video%u", share->node);
	session->camera = must(open(path, O_RDWR | O_CLOEXEC), path);
	mmap_prepare(session);
}

static struct share only_share;

static void only_start(struct session *session, bool other_user)
{
	share_open(&only_share, other_user);
	share_prepare(&only_share, session);
	session->origin = only_share.camera;
	mmap_run(session);
}

void shared_start(struct session *session)
{
	only_start(session, false);
}

void shared_untrusted_start(struct session *session)
{
	only_start(session, true);
}

void shared_stop(struct session *session)
{
	mmap_stop(session);
	share_close(&only_share);
}

/*
 * QEMU counts "rep movsb", which memcpy() can be, as one instruction for each byte. So this
 * copies 16 bytes at a time, which every x86-64 can do.
 */
void copy_picture(void *target, const void *source)
{
	const __m128i *from = source;
	const __m128i *end = from + FRAME_BYTES / sizeof(*from);
	__m128i *to = target;

	static_assert(FRAME_BYTES % (8 * sizeof(*from)) == 0, "whole steps");
	for (; from < end; from += 8, to += 8) {
		__m128i a = from[0], b = from[1], c = from[2], d = from[3];
		__m128i e = from[4], f = from[5], g = from[6], h = from[7];

		to[0] = a;
		to[1] = b;
		to[2] = c;
		to[3] = d;
		to[4] = e;
		to[5] = f;
		to[6] = g;
		to[7] = h;
	}
	/* Prevents the compiler from removing the copy */
	asm volatile("" : : "r" (to) : "memory");
}

/* ksalloc */

unsigned int ks_take(struct session *session)
{
	struct ksalloc_complete complete = { .size = sizeof(complete) };

	must(ioctl(session->fd, KSALLOC_COMPLETE, &complete), "KSALLOC_COMPLETE");
	return complete.index;
}

static void ks_submit(struct session *session, unsigned int index, int dmabuf)
{
	struct ksalloc_submit submit = {
		.size = sizeof(submit),
		.index = index,
		.dmabuf_fd = dmabuf,
	};

	must(ioctl(session->fd, KSALLOC_SUBMIT, &submit), "KSALLOC_SUBMIT");
}

void ks_give(struct session *session, unsigned int index)
{
	ks_submit(session, index, session->dmabuf[index]);
}

void ks_give_index(struct session *session, unsigned int index)
{
	ks_submit(session, index, -1);
}

static void set_state(struct session *session, unsigned int state, unsigned int flags)
{
	struct ksalloc_set_state set = {
		.size = sizeof(set),
		.flags = flags,
		.state = state,
	};

	must(ioctl(session->fd, KSALLOC_SET_STATE, &set), "KSALLOC_SET_STATE");
}

void ks_set_state(struct session *session, unsigned int state)
{
	set_state(session, state, 0);
}

void ks_circulate(struct session *session)
{
	set_state(session, KSSTATE_RUN, KSALLOC_CIRCULATE);
}

static void ks_export_all(struct session *session)
{
	unsigned int i;

	for (i = 0; i < session->buffers; i++) {
		struct ksalloc_export export = { .size = sizeof(export), .index = i };

		session->dmabuf[i] = must(ioctl(session->allocator, KSALLOC_EXPORT, &export),
					  "KSALLOC_EXPORT");
	}
}

void ks_open(struct session *session, int heap, unsigned int buffers)
{
	struct ksalloc_set_allocator assign = { .size = sizeof(assign) };

	session->camera = open_camera(session->number);
	session->fd = open_connection(session->camera);
	session->buffers = buffers;
	session->allocator = create_allocator(session->fd, heap, buffers, PICTURE_BYTES);
	ks_export_all(session);
	assign.allocator_fd = session->allocator;
	must(ioctl(session->fd, KSALLOC_SET_ALLOCATOR, &assign), "KSALLOC_SET_ALLOCATOR");
}

void ks_run(struct session *session,
	    void (*give)(struct session *session, unsigned int index))
{
	unsigned int i;

	ks_set_state(session, KSSTATE_PAUSE);
	for (i = 0; i < BUFFERS; i++) {
		struct ksalloc_alloc alloc = { .size = sizeof(alloc) };

		must(ioctl(session->allocator, KSALLOC_ALLOC, &alloc), "KSALLOC_ALLOC");
		give(session, alloc.index);
	}
	ks_set_state(session, KSSTATE_RUN);
}

void ks_start(struct session *session)
{
	int heap = open_heap();

	ks_open(session, heap, BUFFERS);
	close(heap);
	ks_run(session, ks_give);
}

void ks_start_own(struct session *session)
{
	ks_open(session, -1, BUFFERS);
	ks_run(session, ks_give_index);
}

void ks_stop(struct session *session)
{
	unsigned int i;

	ks_set_state(session, KSSTATE_STOP);
	for (i = 0; i < session->buffers; i++)
		close(session->dmabuf[i]);
	close(session->fd);
	close(session->allocator);
	close(session->camera);
}

/* Readers of a stream that circulates. One call gives a frame back and takes the next one */

void reader_open(struct reader *reader, int connection, unsigned int depth, unsigned int flags)
{
	struct ksalloc_reader_open open = { .size = sizeof(open), .depth = depth, .flags = flags };

	memset(reader, 0, sizeof(*reader));
	reader->fd = must(ioctl(connection, KSALLOC_READER_OPEN, &open), "KSALLOC_READER_OPEN");
}

static inline void exchange_prepare(struct reader *reader, unsigned int count,
				    struct ksalloc_exchange *exchange)
{
	struct ksalloc_reader_frame *frames = reader->frames;

	*exchange = (struct ksalloc_exchange) {
		.size = sizeof(*exchange),
		.give = (uintptr_t)reader->index,
		.take = (uintptr_t)frames,
		.nr_give = reader->taken,
		.nr_take = count,
		.take_size = sizeof(frames[0]),
		.wait_for = count,
		.generation = reader->generation,
	};
}

static inline void exchange_end(struct reader *reader, unsigned int count, int result)
{
	const struct ksalloc_reader_frame *frames = reader->frames;
	unsigned int i;

	if (result != (int)count)
		die("a reader takes %d frames instead of %u", result, count);
	reader->taken = count;
	reader->generation = frames[0].generation;
	for (i = 0; i < count; i++) {
		reader->index[i] = frames[i].index;
		if (frames[i].lost)
			die("a reader has lost %u frames", frames[i].lost);
	}
}

void reader_exchange(struct reader *reader, unsigned int count)
{
	struct ksalloc_exchange exchange;

	exchange_prepare(reader, count, &exchange);
	exchange_end(reader, count, must(ioctl(reader->fd, KSALLOC_EXCHANGE, &exchange),
					 "KSALLOC_EXCHANGE"));
}

void reader_start(struct session *session, int heap, unsigned int buffers, unsigned int depth,
		  unsigned int flags)
{
	ks_open(session, heap, buffers);
	reader_open(&session->reader, session->fd, depth, flags);
	ks_circulate(session);
}

void reader_stop(struct session *session)
{
	close(session->reader.fd);
	ks_stop(session);
}

unsigned int reader_take(struct session *session)
{
	reader_exchange(&session->reader, 1);
	return 0;
}

void reader_give(struct session *session, unsigned int index)
{
	(void)session;
	(void)index;
}

/* io_uring */

static struct io_uring ring;

unsigned int uring_take(struct session *session)
{
	struct ksalloc_exchange exchange;
	struct ksalloc_uring_cmd cmd = { .arg = (uintptr_t)&exchange };
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;

	if (!ring.ring_fd && io_uring_queue_init(URING_ENTRIES, &ring, 0))
		die("io_uring_queue_init failed");
	exchange_prepare(&session->reader, 1, &exchange);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, session->reader.fd, NULL, 0, 0);
	sqe->cmd_op = KSALLOC_EXCHANGE;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	if (io_uring_submit_and_wait(&ring, 1) != 1 || io_uring_peek_cqe(&ring, &cqe))
		die("a command of io_uring failed");
	exchange_end(&session->reader, 1, cqe->res);
	io_uring_cqe_seen(&ring, cqe);
	return 0;
}

void uring_stop(struct session *session)
{
	io_uring_queue_exit(&ring);
	ring.ring_fd = 0;
	reader_stop(session);
}
