// SPDX-License-Identifier: GPL-2.0-only
/*
 * A captured frame, for each of several ways to capture.
 *
 * "ready" is the cost of the calls themselves. All buffers are filled first, while this
 * thread sleeps. Then they are completed and returned one after the other. During that time
 * no other thread can run, because there is only one processor and this thread has a
 * real-time priority. vivid's thread does not hold the lock of the queue either, because
 * the last call before has taken the same lock. The number of context switches verifies
 * this. If a kernel thread queues the frame, the program sleeps once for each frame, and
 * the benchmark verifies that vivid's thread did not run meanwhile.
 *
 * "waiting" is the loop of a real program with normal priority, which waits for each frame.
 * The result is the run time of the thread, which the scheduler measures with the same
 * clock from one context switch to the next. The run times of vivid's thread and of the
 * threads of ksalloc are measured too, because waking the program is part of them.
 *
 * In each round, all ways are measured in turn.
 */
#include "bench.h"

#include <assert.h>
#include <emmintrin.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUFFERS 16
/*
 * Frames that are ready at the same time. If more are, and no reader takes them, a thread of
 * ksalloc does
 */
#define READY 8
#define EIGHT 8
/* A reader holds EIGHT, and READY are filled */
#define READER_BUFFERS 24
#define BATCHES 4
#define WAITING_FRAMES 64

struct session {
	int camera;
	int fd; /* camera or connection: the file to wait on */
	int allocator;
	unsigned int buffers;
	int dmabuf[READER_BUFFERS];
	void *map[BUFFERS];
	void *copy;
	/* For readers: the frames that it has taken */
	int reader;
	unsigned int taken, turns;
	__u64 generation;
	__u32 index[EIGHT];
	struct ksalloc_reader_frame frames[EIGHT];
};

/* The times of one frame */
enum moment { BEGIN, POLLED, TAKEN, COPIED, GIVEN, MOMENTS };

struct way {
	const char *name;
	void (*start)(struct session *session);
	void (*stop)(struct session *session);
	bool poll;
	unsigned int (*take)(struct session *session);
	bool copy;
	void (*give)(struct session *session, unsigned int index);
	/* A kernel thread queues the frame, and the program sleeps meanwhile */
	bool by_thread;
	/* Number of frames that are ready at the same time */
	unsigned int ready;
};

/* Plain V4L2 */

static void v4l2_request(struct session *session, unsigned int count, unsigned int memory)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = memory,
	};

	must(ioctl(session->camera, VIDIOC_REQBUFS, &request), "VIDIOC_REQBUFS");
	if (request.count != count)
		die("the camera gives %u buffers instead of %u", request.count, count);
}

static void v4l2_run(struct session *session, bool on)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	must(ioctl(session->camera, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type),
	     "VIDIOC_STREAMON");
}

static unsigned int dmabuf_take(struct session *session)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};

	must(ioctl(session->camera, VIDIOC_DQBUF, &buffer), "VIDIOC_DQBUF");
	return buffer.index;
}

static void dmabuf_give(struct session *session, unsigned int index)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.index = index,
		.m.fd = session->dmabuf[index],
	};

	must(ioctl(session->camera, VIDIOC_QBUF, &buffer), "VIDIOC_QBUF");
}

static void dmabuf_open(struct session *session)
{
	int heap = open_heap();
	unsigned int i;

	session->camera = open_camera();
	session->fd = session->camera;
	session->buffers = BUFFERS;
	for (i = 0; i < BUFFERS; i++)
		session->dmabuf[i] = heap_alloc(heap, FRAME_BYTES);
	close(heap);
}

static void dmabuf_stream_on(struct session *session)
{
	unsigned int i;

	v4l2_request(session, BUFFERS, V4L2_MEMORY_DMABUF);
	for (i = 0; i < BUFFERS; i++)
		dmabuf_give(session, i);
	v4l2_run(session, true);
}

static void dmabuf_start(struct session *session)
{
	dmabuf_open(session);
	dmabuf_stream_on(session);
}

static void dmabuf_stream_off(struct session *session)
{
	v4l2_run(session, false);
	v4l2_request(session, 0, V4L2_MEMORY_DMABUF);
}

static void dmabuf_stop(struct session *session)
{
	unsigned int i;

	dmabuf_stream_off(session);
	for (i = 0; i < BUFFERS; i++)
		close(session->dmabuf[i]);
	close(session->camera);
}

static unsigned int mmap_take(struct session *session)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	must(ioctl(session->camera, VIDIOC_DQBUF, &buffer), "VIDIOC_DQBUF");
	return buffer.index;
}

static void mmap_give(struct session *session, unsigned int index)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
		.index = index,
	};

	must(ioctl(session->camera, VIDIOC_QBUF, &buffer), "VIDIOC_QBUF");
}

static void mmap_start(struct session *session)
{
	unsigned int i;

	session->camera = open_camera();
	session->fd = session->camera;
	session->buffers = BUFFERS;
	v4l2_request(session, BUFFERS, V4L2_MEMORY_MMAP);
	for (i = 0; i < BUFFERS; i++) {
		struct v4l2_buffer buffer = {
			.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.memory = V4L2_MEMORY_MMAP,
			.index = i,
		};

		must(ioctl(session->camera, VIDIOC_QUERYBUF, &buffer), "VIDIOC_QUERYBUF");
		session->map[i] = mmap(NULL, FRAME_BYTES, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_POPULATE, session->camera,
				       buffer.m.offset);
		if (session->map[i] == MAP_FAILED)
			die("mmap: %s", strerror(errno));
		mmap_give(session, i);
	}
	session->copy = mmap(NULL, FRAME_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (session->copy == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	v4l2_run(session, true);
}

static void mmap_stop(struct session *session)
{
	unsigned int i;

	v4l2_run(session, false);
	for (i = 0; i < BUFFERS; i++)
		munmap(session->map[i], FRAME_BYTES);
	munmap(session->copy, FRAME_BYTES);
	v4l2_request(session, 0, V4L2_MEMORY_MMAP);
	close(session->camera);
}

/*
 * QEMU counts "rep movsb", which memcpy() can be, as one instruction for each byte. So this
 * copies 16 bytes at a time, which every x86-64 can do: the minimum that a copy needs.
 */
static void copy_frame(struct session *session, unsigned int index)
{
	const __m128i *from = session->map[index];
	const __m128i *end = from + FRAME_BYTES / sizeof(*from);
	__m128i *to = session->copy;

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

static unsigned int ks_take(struct session *session)
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

static void ks_give(struct session *session, unsigned int index)
{
	ks_submit(session, index, session->dmabuf[index]);
}

/* Without a descriptor */
static void ks_give_index(struct session *session, unsigned int index)
{
	ks_submit(session, index, -1);
}

static void ks_set_state(struct session *session, unsigned int state)
{
	struct ksalloc_set_state set = { .size = sizeof(set), .state = state };

	must(ioctl(session->fd, KSALLOC_SET_STATE, &set), "KSALLOC_SET_STATE");
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

static void ks_open(struct session *session, int heap, unsigned int buffers)
{
	struct ksalloc_set_allocator assign = { .size = sizeof(assign) };

	session->camera = open_camera();
	session->fd = open_connection(session->camera);
	session->buffers = buffers;
	session->allocator = create_allocator(session->fd, heap, buffers, FRAME_BYTES);
	ks_export_all(session);
	assign.allocator_fd = session->allocator;
	must(ioctl(session->fd, KSALLOC_SET_ALLOCATOR, &assign), "KSALLOC_SET_ALLOCATOR");
}

static void ks_run(struct session *session,
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

static void ks_start(struct session *session)
{
	int heap = open_heap();

	ks_open(session, heap, BUFFERS);
	close(heap);
	ks_run(session, ks_give);
}

/* Frames of the camera's own memory need no descriptor */
static void ks_start_own(struct session *session)
{
	ks_open(session, -1, BUFFERS);
	ks_run(session, ks_give_index);
}

static void ks_stop(struct session *session)
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

static void reader_start(struct session *session, int heap)
{
	struct ksalloc_set_state set = {
		.size = sizeof(set),
		.flags = KSALLOC_CIRCULATE,
		.state = KSSTATE_RUN,
	};
	struct ksalloc_reader_open reader = {
		.size = sizeof(reader),
		.depth = READY,
	};

	ks_open(session, heap, READER_BUFFERS);
	session->reader = must(ioctl(session->fd, KSALLOC_READER_OPEN, &reader),
			       "KSALLOC_READER_OPEN");
	session->taken = 0;
	must(ioctl(session->fd, KSALLOC_SET_STATE, &set), "KSALLOC_SET_STATE");
}

static void reader_start_heap(struct session *session)
{
	int heap = open_heap();

	reader_start(session, heap);
	close(heap);
}

static void reader_start_own(struct session *session)
{
	reader_start(session, -1);
}

static void reader_stop(struct session *session)
{
	close(session->reader);
	ks_stop(session);
}

/* Gives all frames back that it has, and takes as many as it asks for */
static void reader_exchange(struct session *session, unsigned int count)
{
	struct ksalloc_reader_frame *frames = session->frames;
	struct ksalloc_exchange exchange = {
		.size = sizeof(exchange),
		.give = (uintptr_t)session->index,
		.take = (uintptr_t)frames,
		.nr_give = session->taken,
		.nr_take = count,
		.take_size = sizeof(frames[0]),
		.wait_for = count,
		.generation = session->generation,
	};
	unsigned int i;

	if (must(ioctl(session->reader, KSALLOC_EXCHANGE, &exchange),
		 "KSALLOC_EXCHANGE") != (int)count)
		die("a reader takes less than %u frames", count);
	session->taken = count;
	session->generation = frames[0].generation;
	for (i = 0; i < count; i++) {
		session->index[i] = frames[i].index;
		if (frames[i].lost)
			die("a reader has lost %u frames", frames[i].lost);
	}
}

static unsigned int reader_take(struct session *session)
{
	reader_exchange(session, 1);
	return 0;
}

/* A turn is one frame. Each eighth one takes eight */
static unsigned int reader_take_eight(struct session *session)
{
	if (session->turns++ % EIGHT == 0)
		reader_exchange(session, EIGHT);
	return 0;
}

static void reader_give(struct session *session, unsigned int index)
{
	(void)session;
	(void)index;
}

/* All ways */

static const struct way ways[] = {
	{ "dmabuf-poll", dmabuf_start, dmabuf_stop, true, dmabuf_take, false, dmabuf_give,
	  .ready = BUFFERS },
	{ "ksalloc-poll", ks_start, ks_stop, true, ks_take, false, ks_give, .ready = BUFFERS },
	{ "ksalloc-thread", ks_start, ks_stop, true, ks_take, false, ks_give_index,
	  .by_thread = true, .ready = BUFFERS },
	{ "ksalloc-own", ks_start_own, ks_stop, true, ks_take, false, ks_give_index,
	  .ready = BUFFERS },
	{ "dmabuf-block", dmabuf_start, dmabuf_stop, false, dmabuf_take, false, dmabuf_give,
	  .ready = BUFFERS },
	{ "ksalloc-block", ks_start, ks_stop, false, ks_take, false, ks_give, .ready = BUFFERS },
	{ "reader", reader_start_heap, reader_stop, false, reader_take, false, reader_give,
	  .ready = READY },
	{ "reader-own", reader_start_own, reader_stop, false, reader_take, false, reader_give,
	  .ready = READY },
	{ "reader-eight", reader_start_own, reader_stop, false, reader_take_eight, false,
	  reader_give, .ready = READY },
	{ "mmap-copy", mmap_start, mmap_stop, true, mmap_take, true, mmap_give,
	  .ready = BUFFERS },
};

static void turn(struct session *session, const struct way *way, __u64 moments[MOMENTS])
{
	struct pollfd pfd = { .fd = session->fd, .events = POLLIN };
	unsigned int index;

	moments[BEGIN] = now();
	if (way->poll && (poll(&pfd, 1, -1) != 1 || pfd.revents != POLLIN))
		die("poll: events %#x", pfd.revents);
	moments[POLLED] = now();
	index = way->take(session);
	moments[TAKEN] = now();
	if (way->copy)
		copy_frame(session, index);
	moments[COPIED] = now();
	way->give(session, index);
	moments[GIVEN] = now();
}

/* VIDIOC_QUERYBUF is allowed for any file of the camera, whichever file has the buffers */
static bool are_filled(const struct session *session, unsigned int count)
{
	unsigned int i, filled = 0;

	for (i = 0; i < session->buffers; i++) {
		struct v4l2_buffer buffer = {
			.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.index = i,
		};

		must(ioctl(session->camera, VIDIOC_QUERYBUF, &buffer), "VIDIOC_QUERYBUF");
		if (buffer.flags & V4L2_BUF_FLAG_DONE)
			filled++;
	}
	return filled >= count;
}

/* Takes and returns all that are ready, until no other thread has run in between */
static void batch(struct session *session, const struct way *way,
		  __u64 moments[BUFFERS][MOMENTS])
{
	const int pid = way->by_thread ? producer_pid() : 0;
	const unsigned int count = way->ready;
	unsigned long before;
	__u64 producer = 0;
	unsigned int i;

	do {
		while (!are_filled(session, count))
			sleep_ms(5);
		if (way->by_thread)
			producer = runtime_of(pid);
		before = switches() + (way->by_thread ? count : 0);
		for (i = 0; i < count; i++)
			turn(session, way, moments[i]);
	} while (disturbed_since(before) || (way->by_thread && runtime_of(pid) != producer));
}

static double average(__u64 moments[BUFFERS][MOMENTS], unsigned int count, enum moment from,
		      enum moment to)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		sum += moments[i][to] - moments[i][from] - (to - from) * now_cost;
	return (double)sum / count;
}

static void measure_ready(struct session *session, const struct way *way, unsigned int round)
{
	static const struct {
		const char *name;
		enum moment from, to;
	} parts[] = {
		{ "frame", BEGIN, GIVEN },
		{ "poll", BEGIN, POLLED },
		{ "take", POLLED, TAKEN },
		{ "copy", TAKEN, COPIED },
		{ "give", COPIED, GIVEN },
	};
	__u64 moments[BUFFERS][MOMENTS] = { };
	double samples[ARRAY_SIZE(parts)][BATCHES];
	unsigned int i, j;

	batch(session, way, moments);
	for (i = 0; i < BATCHES; i++) {
		batch(session, way, moments);
		for (j = 0; j < ARRAY_SIZE(parts); j++)
			samples[j][i] = average(moments, way->ready, parts[j].from,
						parts[j].to);
	}

	for (j = 0; j < ARRAY_SIZE(parts); j++) {
		char row[64];

		snprintf(row, sizeof(row), "ready.%s.%s", way->name, parts[j].name);
		series_begin(row, round);
		for (i = 0; i < BATCHES; i++)
			series_add(samples[j][i]);
		series_end();
	}
}

static void waiting_sample(const struct way *way, const char *part, unsigned int round,
			   __u64 sum)
{
	char row[64];

	snprintf(row, sizeof(row), "waiting.%s.%s", way->name, part);
	series_begin(row, round);
	series_add((double)sum / WAITING_FRAMES);
	series_end();
}

static void measure_waiting(struct session *session, const struct way *way, unsigned int round)
{
	const unsigned int own = thread_time_cost + WAITING_FRAMES * MOMENTS * now_cost;
	__u64 moments[MOMENTS], thread, producer, ksalloc;
	int pid = producer_pid();
	unsigned long lost;
	unsigned int i;

	/* Until all frames that were filled before are used, and each frame is waited for */
	for (i = 0; i < 2 * BUFFERS; i++)
		turn(session, way, moments);

	/* Long enough for vivid to go to sleep, and too short for a frame */
	sleep_ms(4);
	producer = runtime_of(pid);
	ksalloc = runtime_of_ksalloc();
	lost = switches();
	thread = thread_time();
	for (i = 0; i < WAITING_FRAMES; i++)
		turn(session, way, moments);
	thread = thread_time() - thread;
	lost = switches() - lost;
	sleep_ms(4);
	producer = runtime_of(pid) - producer;
	ksalloc = runtime_of_ksalloc() - ksalloc;

	waiting_sample(way, "thread", round, thread - own);
	waiting_sample(way, "producer", round, producer);
	waiting_sample(way, "ksalloc", round, ksalloc);
	waiting_sample(way, "switches", round, lost);
}

/*
 * All that is executed until the camera streams, with all buffers queued: by this thread, and by
 * the kernel threads that it waits for. Between the first and the second time, the buffers are
 * freed.
 */
static void measure_start(const char *name, unsigned int round, struct session *session,
			  void (*on)(struct session *session),
			  void (*off)(struct session *session))
{
	static const char * const times[] = { "first", "again" };
	unsigned int i;
	char row[64];
	__u64 time;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		exclusive(true);
		time = now();
		on(session);
		time = now() - time - now_cost;
		exclusive(false);
		off(session);
		snprintf(row, sizeof(row), "start.%s.%s", name, times[i]);
		series_begin(row, round);
		series_add(time);
		series_end();
	}
}

static void ks_stream_on(struct session *session)
{
	ks_run(session, ks_give);
}

static void ks_stream_off(struct session *session)
{
	ks_set_state(session, KSSTATE_STOP);
}

static void bench_start(unsigned int round)
{
	struct session session;
	unsigned int i;
	int heap;

	dmabuf_open(&session);
	measure_start("dmabuf", round, &session, dmabuf_stream_on, dmabuf_stream_off);
	for (i = 0; i < BUFFERS; i++)
		close(session.dmabuf[i]);
	close(session.camera);

	heap = open_heap();
	ks_open(&session, heap, BUFFERS);
	close(heap);
	measure_start("ksalloc", round, &session, ks_stream_on, ks_stream_off);
	ks_stop(&session);
}

void bench_capture(unsigned int rounds)
{
	struct session session;
	unsigned int round, i;

	for (round = 0; round < rounds; round++) {
		bench_start(round);
		for (i = 0; i < ARRAY_SIZE(ways); i++) {
			ways[i].start(&session);
			exclusive(true);
			measure_ready(&session, &ways[i], round);
			exclusive(false);
			measure_waiting(&session, &ways[i], round);
			ways[i].stop(&session);
		}
	}
}

bool profile_capture(const char *row)
{
	__u64 moments[BUFFERS][MOMENTS];
	struct session session;
	unsigned int i, j;
	char name[64];

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		snprintf(name, sizeof(name), "ready.%s.frame", ways[i].name);
		if (strcmp(name, row))
			continue;
		ways[i].start(&session);
		exclusive(true);
		batch(&session, &ways[i], moments);
		while (!are_filled(&session, ways[i].ready))
			sleep_ms(5);
		for (j = 0; j < ways[i].ready / 2; j++)
			turn(&session, &ways[i], moments[j]);
		profile_begin();
		turn(&session, &ways[i], moments[j]);
		profile_end();
		ways[i].stop(&session);
		return true;
	}
	return false;
}
