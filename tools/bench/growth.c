// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the costs grow: with the frames of an allocator, with the threads that use one, and with
 * the cameras that capture at the same time.
 */
#include "meter.h"
#include "session.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAIRS 50
#define PAIR_SAMPLES 10

#define THREADS_MAX 8
/* Many, so that the start of the threads is a small part. Small stacks, which are cleared faster */
#define THREAD_PAIRS 20000
#define THREAD_STACK (64 << 10)

#define CAMERAS_MAX 64
/*
 * The pictures are small and slow, so that one processor can make them. A sample of all cameras
 * has fewer frames of each
 */
#define CAMERA_WIDTH 320
#define CAMERA_HEIGHT 180
#define CAMERA_RATE 25
#define MANY_CAMERAS_FRAMES 32
#define DEPTH 2

static void do_pair(int allocator)
{
	struct ksalloc_alloc alloc = { .size = sizeof(alloc) };
	struct ksalloc_free free = { .size = sizeof(free) };

	must(ioctl(allocator, KSALLOC_ALLOC, &alloc), "KSALLOC_ALLOC");
	free.index = alloc.index;
	must(ioctl(allocator, KSALLOC_FREE, &free), "KSALLOC_FREE");
}

/* ALLOC and FREE in allocators of several sizes */
static void grow_pairs(unsigned int rounds)
{
	static const unsigned int counts[] = { 4, 8, 16, 32, 64, 256, 1024 };
	int camera = open_camera(0), heap = open_heap(), connection = open_connection(camera);
	int allocators[ARRAY_SIZE(counts)];
	unsigned int round, i, j, k;
	char row[64];

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		allocators[i] = create_allocator(connection, heap, counts[i], FRAME_BYTES);

	exclusive(true);
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			snprintf(row, sizeof(row), "growth.pair.%u", counts[i]);
			series_begin(row, round);
			for (j = 0; j < PAIR_SAMPLES; j++) {
				__u64 time = now();

				for (k = 0; k < PAIRS; k++)
					do_pair(allocators[i]);
				series_add((double)(now() - time - now_cost) / PAIRS);
			}
			series_end();
		}
	}
	exclusive(false);

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		close(allocators[i]);
	close(connection);
	close(heap);
	close(camera);
}

static void *thread_pairs(void *data)
{
	const int allocator = *(const int *)data;
	unsigned int i;

	for (i = 0; i < THREAD_PAIRS; i++)
		do_pair(allocator);
	return NULL;
}

/* The same by several threads. @files has an open file for each. Includes the scheduler */
static void grow_thread_files(const char *name, int *files, unsigned int round)
{
	static const unsigned int counts[] = { 1, 2, 4, 8 };
	pthread_t threads[THREADS_MAX];
	pthread_attr_t small;
	unsigned int i, j;
	char row[64];
	__u64 time;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, THREAD_STACK);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		time = now();
		for (j = 0; j < counts[i]; j++)
			if (pthread_create(&threads[j], &small, thread_pairs, &files[j]))
				die("pthread_create failed");
		for (j = 0; j < counts[i]; j++)
			pthread_join(threads[j], NULL);
		time = now() - time - now_cost;
		snprintf(row, sizeof(row), "growth.%s.%u", name, counts[i]);
		series_begin(row, round);
		series_add((double)time / THREAD_PAIRS / counts[i]);
		series_end();
	}
}

/* Threads with an open file for each, and with one for all */
static void grow_threads(unsigned int rounds)
{
	int camera = open_camera(0), connection = open_connection(camera);
	int allocator = create_allocator(connection, -1, BUFFERS, FRAME_BYTES);
	struct ksalloc_open open = { .size = sizeof(open) };
	int own[THREADS_MAX], shared[THREADS_MAX];
	unsigned int round, i;

	for (i = 0; i < THREADS_MAX; i++) {
		own[i] = must(ioctl(allocator, KSALLOC_ALLOCATOR_OPEN, &open),
			      "KSALLOC_ALLOCATOR_OPEN");
		shared[i] = own[0];
	}
	for (round = 0; round < rounds; round++) {
		grow_thread_files("threads", own, round);
		grow_thread_files("shared-file", shared, round);
	}
	for (i = 0; i < THREADS_MAX; i++)
		close(own[i]);
	close(allocator);
	close(connection);
	close(camera);
}

/* Cameras, each with one process */

static struct session cameras[CAMERAS_MAX];

static bool goes_on(const struct session *session)
{
	return session == cameras ? crowd_mark() : crowd_goes_on();
}

static void plain_run(void *data)
{
	struct session *session = data;
	unsigned int index, next = 0;
	bool more;

	do {
		index = mmap_take_next(session);
		crowd_number(&next, session->sequence);
		more = goes_on(session);
		mmap_give(session, index);
	} while (more);
}

static void plain_start(struct session *session, unsigned int frames)
{
	(void)frames;
	mmap_start(session);
	crowd_process(plain_run, session);
}

static void reader_run(void *data)
{
	struct session *session = data;

	do {
		reader_exchange(&session->reader, 1);
	} while (goes_on(session));
}

static void grow_reader_start(struct session *session, unsigned int frames)
{
	ks_open(session, -1, frames);
	reader_open(&session->reader, session->fd, DEPTH, 0);
	crowd_process(reader_run, session);
	ks_circulate(session);
}

/* The frame of a reader, with allocators of several sizes */
static void grow_reader(unsigned int rounds)
{
	static const unsigned int counts[] = { 4, 8, 16, 32, 64 };
	unsigned int round, i;
	char row[64];

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			crowd_begin(CROWD_FRAMES);
			grow_reader_start(cameras, counts[i]);
			set_rate(cameras->camera, CROWD_RATE);
			snprintf(row, sizeof(row), "growth.reader.%u", counts[i]);
			crowd_end(row, round);
			reader_stop(cameras);
		}
	}
}

void bench_growth(unsigned int rounds)
{
	grow_pairs(rounds);
	grow_threads(rounds);
	meter_start();
	grow_reader(rounds);
	meter_stop();
}

void bench_cameras(unsigned int rounds)
{
	static const struct {
		const char *name;
		void (*start)(struct session *session, unsigned int frames);
		void (*stop)(struct session *session);
	} ways[] = {
		{ "plain", plain_start, mmap_stop },
		{ "reader", grow_reader_start, reader_stop },
	};
	static const unsigned int counts[] = { 1, 8, CAMERAS_MAX };
	/* Each frame of each camera has a descriptor */
	const struct rlimit limit = { .rlim_cur = 4096, .rlim_max = 4096 };
	unsigned int round, i, j, k;
	char row[64];

	must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	set_picture(CAMERA_WIDTH, CAMERA_HEIGHT);
	for (i = 0; i < CAMERAS_MAX; i++)
		cameras[i].number = i;
	meter_start();
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			for (j = 0; j < ARRAY_SIZE(ways); j++) {
				crowd_begin(counts[i] == CAMERAS_MAX ? MANY_CAMERAS_FRAMES :
					    CROWD_FRAMES);
				/* The first one takes the samples, so it is started last */
				for (k = counts[i]; k--;) {
					ways[j].start(&cameras[k], BUFFERS);
					set_rate(cameras[k].camera, CAMERA_RATE);
				}
				snprintf(row, sizeof(row), "cameras.%s.%u", ways[j].name,
					 counts[i]);
				crowd_end(row, round);
				for (k = 0; k < counts[i]; k++)
					ways[j].stop(&cameras[k]);
			}
		}
	}
	meter_stop();
}
