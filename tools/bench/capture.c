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
 * The result is the run time of the process, which the scheduler measures with the same
 * clock from one context switch to the next. The run times of vivid's thread and of the
 * threads of ksalloc are measured too, because waking the program is part of them.
 *
 * In each round, all ways are measured in turn.
 */
#include "session.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * Frames that are ready at the same time. If more are ready and no reader fetches them, a thread of
 * ksalloc does
 */
#define READY 8
/* A reader holds EIGHT, and READY are filled */
#define READER_BUFFERS 24
#define BATCHES 4
#define WAITING_FRAMES 64
/* Starts of each way in a round, because the first ones differ much */
#define STARTS 4

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

/* Readers of a stream that circulates */

static void reader_start_heap(struct session *session)
{
	int heap = open_heap();

	reader_start(session, heap, READER_BUFFERS, READY, 0);
	close(heap);
}

static void reader_start_own(struct session *session)
{
	reader_start(session, -1, READER_BUFFERS, READY, 0);
}

/* Only the thread of the feed fetches frames */
static void reader_start_untrusted(struct session *session)
{
	reader_start(session, -1, READER_BUFFERS, READY, KSALLOC_READER_UNTRUSTED);
}

/* A turn is one frame. Each eighth one takes eight */
static unsigned int reader_take_eight(struct session *session)
{
	if (session->reader.turns++ % EIGHT == 0)
		reader_exchange(&session->reader, EIGHT);
	return 0;
}

/* All ways. Without @ready, only frames that are waited for are measured */

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
	{ "reader-untrusted", reader_start_untrusted, reader_stop, false, reader_take, false,
	  reader_give, .ready = 0 },
	{ "reader-uring", reader_start_own, uring_stop, false, uring_take, false, reader_give,
	  .ready = READY },
	{ "mmap-poll", mmap_start, mmap_stop, true, mmap_take, false, mmap_give,
	  .ready = 2 },
	{ "shared-poll", shared_start, shared_stop, true, mmap_take, false, mmap_give,
	  .ready = 2 },
	{ "shared-untrusted", shared_untrusted_start, shared_stop, true, mmap_take, false,
	  mmap_give, .ready = 0 },
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
		copy_picture(session->copy, session->map[index]);
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

		must(ioctl(session->origin ?: session->camera, VIDIOC_QUERYBUF, &buffer),
		     "VIDIOC_QUERYBUF");
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
	const unsigned int own = process_time_cost + WAITING_FRAMES * MOMENTS * now_cost;
	__u64 moments[MOMENTS], process, producer, ksalloc;
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
	process = process_time();
	for (i = 0; i < WAITING_FRAMES; i++)
		turn(session, way, moments);
	process = process_time() - process;
	lost = switches() - lost;
	sleep_ms(4);
	producer = runtime_of(pid) - producer;
	ksalloc = runtime_of_ksalloc() - ksalloc;

	waiting_sample(way, "process", round, process - own);
	waiting_sample(way, "producer", round, producer);
	waiting_sample(way, "ksalloc", round, ksalloc);
	waiting_sample(way, "switches", round, lost);
}

static void ks_stream_on(struct session *session)
{
	ks_run(session, ks_give);
}

static void ks_stream_off(struct session *session)
{
	ks_set_state(session, KSSTATE_STOP);
}

/* The frames circulate, so the module queues them */
static void ks_circulate_on(struct session *session)
{
	struct ksalloc_get_state get = { .size = sizeof(get) };

	ks_circulate(session);
	must(ioctl(session->fd, KSALLOC_GET_STATE, &get), "KSALLOC_GET_STATE");
	if (get.pending != BUFFERS)
		die("%u frames are queued instead of %u", get.pending, BUFFERS);
}

static void dmabuf_close(struct session *session)
{
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		close(session->dmabuf[i]);
	close(session->camera);
}

static void ks_open_heap(struct session *session)
{
	int heap = open_heap();

	ks_open(session, heap, BUFFERS);
	close(heap);
}

static void ks_open_own(struct session *session)
{
	ks_open(session, -1, BUFFERS);
}

static const struct start {
	const char *name;
	void (*open)(struct session *session);
	void (*on)(struct session *session);
	void (*off)(struct session *session);
	void (*close)(struct session *session);
} starts[] = {
	{ "dmabuf", dmabuf_open, dmabuf_stream_on, dmabuf_stream_off, dmabuf_close },
	{ "ksalloc", ks_open_heap, ks_stream_on, ks_stream_off, ks_stop },
	{ "circulate", ks_open_heap, ks_circulate_on, ks_stream_off, ks_stop },
	{ "own", ks_open_own, ks_circulate_on, ks_stream_off, ks_stop },
};

/*
 * All that is executed until the camera streams, with all buffers queued: by this thread, and by
 * the kernel threads that it waits for. The memory is new the first time. Between the first and
 * the second time, the buffers of the camera are freed.
 */
static void measure_start(const struct start *start, unsigned int round)
{
	static const char * const times[] = { "first", "again" };
	struct session session = { };
	unsigned int i;
	char row[64];
	__u64 time;

	start->open(&session);
	for (i = 0; i < ARRAY_SIZE(times); i++) {
		exclusive(true);
		time = now();
		start->on(&session);
		time = now() - time - now_cost;
		exclusive(false);
		start->off(&session);
		snprintf(row, sizeof(row), "start.%s.%s", start->name, times[i]);
		series_begin(row, round);
		series_add(time);
		series_end();
	}
	start->close(&session);
}

static void measure_way(const struct way *way, unsigned int round)
{
	struct session session = { };

	way->start(&session);
	if (way->ready) {
		exclusive(true);
		measure_ready(&session, way, round);
		exclusive(false);
	}
	measure_waiting(&session, way, round);
	way->stop(&session);
}

static bool uses_uring(const struct way *way)
{
	return way->take == uring_take;
}

void bench_capture(unsigned int rounds)
{
	unsigned int round, i;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < STARTS * ARRAY_SIZE(starts); i++)
			measure_start(&starts[i % ARRAY_SIZE(starts)], round);
		for (i = 0; i < ARRAY_SIZE(ways); i++)
			if (!uses_uring(&ways[i]))
				measure_way(&ways[i], round);
	}
}

void bench_uring(unsigned int rounds)
{
	unsigned int round, i;

	for (round = 0; round < rounds; round++)
		for (i = 0; i < ARRAY_SIZE(ways); i++)
			if (uses_uring(&ways[i]))
				measure_way(&ways[i], round);
}

bool profile_capture(const char *row)
{
	__u64 moments[BUFFERS][MOMENTS];
	struct session session = { };
	unsigned int i, j;
	char name[64];

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		snprintf(name, sizeof(name), "ready.%s.frame", ways[i].name);
		if (strcmp(name, row) || !ways[i].ready)
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
