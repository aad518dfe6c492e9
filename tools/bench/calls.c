// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single calls: allocating and freeing a frame, compared with the allocation from a heap
 * and with calls that do nothing.
 *
 * Each row is an operation, which is repeated for one sample. In each round, all rows are
 * measured in turn, so that changes over time affect all of them.
 */
#include "bench.h"

#include <errno.h>
#include <linux/dma-heap.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAMES 8
#define SAMPLES 10

#define LARGE NV12_BYTES(1920, 1080)
#define SMALL FRAME_BYTES

struct calls {
	int camera;
	int heap;
	int connection;
	int large;
	int small;
};

static void do_nothing(const struct calls *calls)
{
	(void)calls;
	if (syscall(SYS_getppid) < 0)
		die("getppid failed");
}

static void do_unknown(const struct calls *calls)
{
	if (!ioctl(calls->large, _IO(KSALLOC_TYPE, 0xff), 0) || errno != ENOTTY)
		die("an unknown ioctl is known");
}

static void do_querycap(const struct calls *calls)
{
	struct v4l2_capability capability;

	if (ioctl(calls->camera, VIDIOC_QUERYCAP, &capability))
		die("VIDIOC_QUERYCAP failed");
}

static __u32 alloc_frame(int allocator)
{
	struct ksalloc_alloc alloc = { .size = sizeof(alloc) };

	if (ioctl(allocator, KSALLOC_ALLOC, &alloc))
		die("KSALLOC_ALLOC failed");
	return alloc.index;
}

static void free_frame(int allocator, __u32 index)
{
	struct ksalloc_free free = { .size = sizeof(free), .index = index };

	if (ioctl(allocator, KSALLOC_FREE, &free))
		die("KSALLOC_FREE failed");
}

static void do_pair_large(const struct calls *calls)
{
	free_frame(calls->large, alloc_frame(calls->large));
}

static void do_pair_small(const struct calls *calls)
{
	free_frame(calls->small, alloc_frame(calls->small));
}

static void do_pair_dmabuf(const struct calls *calls)
{
	struct ksalloc_alloc alloc = {
		.size = sizeof(alloc),
		.flags = KSALLOC_ALLOC_DMABUF,
	};

	if (ioctl(calls->large, KSALLOC_ALLOC, &alloc))
		die("KSALLOC_ALLOC failed");
	close(alloc.dmabuf_fd);
	free_frame(calls->large, alloc.index);
}

static void do_heap_large(const struct calls *calls)
{
	close(heap_alloc(calls->heap, LARGE));
}

static void do_heap_small(const struct calls *calls)
{
	close(heap_alloc(calls->heap, SMALL));
}

static const struct operation {
	const char *row;
	unsigned int times;
	void (*run)(const struct calls *calls);
} operations[] = {
	{ "call.none", 100, do_nothing },
	{ "call.unknown", 100, do_unknown },
	{ "call.querycap", 50, do_querycap },
	{ "pair.1080p", 50, do_pair_large },
	{ "pair.360p", 50, do_pair_small },
	{ "pair.dmabuf", 50, do_pair_dmabuf },
	{ "heap.1080p", 1, do_heap_large },
	{ "heap.360p", 1, do_heap_small },
};

static void measure(const struct operation *operation, const struct calls *calls,
		    unsigned int round)
{
	unsigned long before;
	__u64 start, end;
	unsigned int i, j;

	operation->run(calls);

	series_begin(operation->row, round);
	for (i = 0; i < SAMPLES;) {
		before = switches();
		start = now();
		for (j = 0; j < operation->times; j++)
			operation->run(calls);
		end = now();
		if (disturbed_since(before))
			continue;
		series_add((double)(end - start - now_cost) / operation->times);
		i++;
	}
	series_end();
}

static void open_calls(struct calls *calls)
{
	calls->camera = open_camera(0);
	calls->heap = open_heap();
	calls->connection = open_connection(calls->camera);
	calls->large = create_allocator(calls->connection, calls->heap, FRAMES, LARGE);
	calls->small = create_allocator(calls->connection, calls->heap, FRAMES, SMALL);
}

static void close_calls(const struct calls *calls)
{
	close(calls->small);
	close(calls->large);
	close(calls->connection);
	close(calls->heap);
	close(calls->camera);
}

void bench_calls(unsigned int rounds)
{
	struct calls calls;
	unsigned int round, i;

	open_calls(&calls);
	exclusive(true);
	for (round = 0; round < rounds; round++)
		for (i = 0; i < ARRAY_SIZE(operations); i++)
			measure(&operations[i], &calls, round);
	exclusive(false);
	close_calls(&calls);
}

bool profile_call(const char *row)
{
	struct calls calls;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		if (strcmp(operations[i].row, row))
			continue;
		open_calls(&calls);
		exclusive(true);
		for (j = 0; j < 2 * FRAMES; j++)
			operations[i].run(&calls);
		profile_begin();
		operations[i].run(&calls);
		profile_end();
		close_calls(&calls);
		return true;
	}
	return false;
}
