// SPDX-License-Identifier: GPL-2.0-only
/*
 * libks with the model in fake.c: its calls to the kernel, its results, and that a failure
 * of any call leaks nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "fake.h"
#include "shared.h"
#include "tap.h"

#define V4L2_FD 77

static const char *shared_library;
static const char *version_script;

static struct ks_stream_config config_of(__u32 frames)
{
	return (struct ks_stream_config) {
		.size = sizeof(struct ks_stream_config),
		.v4l2_fd = V4L2_FD,
		.frames = frames,
	};
}

static struct ks_stream *open_stream(__u32 frames)
{
	struct ks_stream_config config = config_of(frames);
	struct ks_stream *stream = NULL;

	CHECK_EQ(ks_stream_open(&config, &stream, NULL), 0);
	return stream;
}

/* Paths: the default, a given one, heaps by name and by path */
static void test_open(void)
{
	char longest[600];

	fake_reset();
	CHECK(ks_open(NULL) >= 0);
	CHECK_STR(fake.path, "/dev/ksalloc");
	CHECK_EQ(fake.path_flags, O_RDWR | O_CLOEXEC);
	CHECK_EQ(ks_open("/dev/other"), -ENOENT);
	CHECK_STR(fake.path, "/dev/other");

	CHECK(ks_open_heap("system") >= 0);
	CHECK_STR(fake.path, "/dev/dma_heap/system");
	CHECK(fake.path_flags & O_CLOEXEC);
	CHECK_EQ(ks_open_heap("/some/where"), -ENOENT);
	CHECK_STR(fake.path, "/some/where");
	CHECK_EQ(ks_open_heap("./here"), -ENOENT);
	CHECK_STR(fake.path, "./here");
	CHECK_EQ(ks_open_heap(""), -EINVAL);
	CHECK_EQ(ks_open_heap(NULL), -EINVAL);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	CHECK_EQ(ks_open_heap(longest), -ENAMETOOLONG);
}

/* Each thin call has the right object and the right structure */
static void test_thin_calls(void)
{
	int ks, connection, allocator, imported, heap, first = -2, dmabuf = -2;
	struct ksallocator_framing framing;
	struct ks_allocator_status status;
	struct ks_completion done;
	enum ksstate state;
	__u32 index, pending;

	fake_reset();
	ks = ks_open(NULL);
	heap = ks_open_heap("system");
	connection = ks_connect(ks, V4L2_FD);
	CHECK(connection >= 0);
	CHECK_EQ(ks_get_framing(connection, &framing), 0);
	CHECK(!memcmp(&framing, &fake.needs, sizeof(framing)));

	framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	framing.frames = 3;
	allocator = ks_create_allocator(connection, &framing, heap);
	CHECK(allocator >= 0);
	CHECK(!memcmp(&framing, &fake.framing, sizeof(framing)));
	CHECK_EQ(ks_set_allocator(connection, allocator), 0);
	CHECK_EQ(ks_set_state(connection, KSSTATE_PAUSE), 0);

	CHECK_EQ(ks_alloc(allocator, 0, 1234, &index, NULL), 0);
	CHECK_EQ(index, 0);
	CHECK_EQ(fake.arg.alloc.flags, 0);
	CHECK_EQ(fake.arg.alloc.deadline_ns, 1234);
	first = ks_export(allocator, 0);
	CHECK_EQ(ks_alloc(allocator, KSALLOC_NONBLOCK, 0, &index, &dmabuf), 0);
	CHECK_EQ(index, 1);
	CHECK(dmabuf >= 0);
	CHECK_EQ(fake.arg.alloc.flags, KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF);
	CHECK_EQ(ks_free(allocator, 1), 0);
	CHECK_EQ(ks_free(allocator, 1), -EINVAL);
	framing.frames = 0;
	framing.frame_size = 12345;
	framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	CHECK_EQ(ks_import_allocator(connection, &framing, (int[]){ first, 200 }, 2), -EBADF);
	CHECK_EQ(ks_import_allocator(connection, &framing, NULL, 0), -EINVAL);
	CHECK_EQ(fake.framing.frames, 3);
	imported = ks_import_allocator(connection, &framing, (int[]){ first, dmabuf }, 2);
	CHECK(imported >= 0);
	CHECK_EQ(fake.framing.frames, 2);
	CHECK_EQ(fake.framing.frame_size, 12345);
	framing.frames = 3;
	CHECK_EQ(ks_import_allocator(connection, &framing, (int[]){ first, dmabuf }, 2), -EINVAL);
	framing.frames = 0;
	framing.options_flags = 0;
	CHECK_EQ(ks_import_allocator(connection, &framing, (int[]){ first, dmabuf }, 2), -EINVAL);
	close(imported);
	fake.framing.frames = 3;
	CHECK(ks_export(allocator, 2) >= 0);
	CHECK_EQ(ks_export(allocator, 3), -EINVAL);

	CHECK_EQ(ks_submit(connection, 0, dmabuf), -EINVAL);
	CHECK_EQ(ks_submit(connection, 0, 200), -EBADF);
	CHECK_EQ(ks_submit(connection, 0, first), 0);
	CHECK_EQ(fake.arg.submit.index, 0);
	CHECK_EQ(fake.arg.submit.dmabuf_fd, first);
	CHECK_EQ(fake.by_thread, 0);
	CHECK_EQ(ks_submit(connection, 0, first), -EBUSY);
	CHECK_EQ(ks_get_state(connection, &state, &pending), 0);
	CHECK_EQ(state, KSSTATE_PAUSE);
	CHECK_EQ(pending, 1);
	CHECK_EQ(ks_get_state(connection, NULL, NULL), 0);
	CHECK_EQ(ks_get_status(allocator, &status), 0);
	CHECK_EQ(status.status.framing.frames, 3);
	CHECK_EQ(status.status.allocated_frames, 1);
	CHECK_EQ(status.frame_bytes, 8192);
	CHECK_EQ(status.in_device, 1);
	CHECK_EQ(status.waiters, 3);

	CHECK_EQ(ks_complete(connection, KSALLOC_NONBLOCK, 0, &done), -EAGAIN);
	CHECK_EQ(ks_set_state(connection, KSSTATE_RUN), 0);
	fake.sequence = 9;
	CHECK_EQ(ks_complete(connection, 0, 5678, &done), 0);
	CHECK_EQ(fake.arg.complete.deadline_ns, 5678);
	CHECK_EQ(done.index, 0);
	CHECK_EQ(done.sequence, 9);
	CHECK_EQ(done.header.data_used, 4900);
	CHECK_EQ(done.header.header_size, sizeof(done.header));
	CHECK_EQ(ks_submit(connection, 0, -1), 0);
	CHECK_EQ(fake.by_thread, 1);
}

/* Flushes and events */
static void test_more_thin_calls(void)
{
	int connection, allocator, ks;
	__u32 id = 99;

	fake_reset();
	ks = ks_open(NULL);
	connection = ks_connect(ks, V4L2_FD);
	allocator = ks_create_allocator(connection, &(struct ksallocator_framing) {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = 3,
	}, ks_open_heap("system"));
	CHECK_EQ(ks_reset_state(connection, KSRESET_END), 0);
	CHECK_EQ(fake.arg.reset.reset, KSRESET_END);
	CHECK_EQ(ks_reset_state(allocator, KSRESET_BEGIN), -ENOTTY);
	CHECK_EQ(ks_enable_event(connection, 0, KSEVENT_STREAMALLOCATOR_FREEFRAME, 5, &id),
		 -ENOTTY);
	CHECK_EQ(id, 99);
	CHECK_EQ(ks_enable_event(allocator, KSALLOC_EVENT_ONESHOT,
				 KSEVENT_STREAMALLOCATOR_FREEFRAME, 5, &id), 0);
	CHECK_EQ(id, FAKE_EVENT);
	CHECK_EQ(fake.arg.enable.flags, KSALLOC_EVENT_ONESHOT);
	CHECK_EQ(fake.arg.enable.event, KSEVENT_STREAMALLOCATOR_FREEFRAME);
	CHECK_EQ(fake.arg.enable.eventfd, 5);
	CHECK_EQ(ks_disable_event(allocator, FAKE_EVENT + 1), -EINVAL);
	CHECK_EQ(ks_disable_event(allocator, FAKE_EVENT), 0);
}

/* Open files for other clients, each with its own frames; and cancelling */
static void test_clients(void)
{
	int connection, allocator, other, ks;
	struct ks_allocator_status status;
	__u32 index;

	fake_reset();
	ks = ks_open(NULL);
	connection = ks_connect(ks, V4L2_FD);
	allocator = ks_create_allocator(connection, &(struct ksallocator_framing) {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = 3,
	}, ks_open_heap("system"));
	other = ks_allocator_open(allocator);
	CHECK(other >= 0);
	CHECK(other != allocator);
	CHECK_EQ(fake.request_fd, allocator);
	CHECK_EQ(ks_alloc(allocator, 0, 0, &index, NULL), 0);
	CHECK_EQ(ks_alloc(other, 0, 0, &index, NULL), 0);
	CHECK_EQ(ks_get_status(other, &status), 0);
	CHECK_EQ(status.status.allocated_frames, 2);
	close(other);
	CHECK_EQ(ks_get_status(allocator, &status), 0);
	CHECK_EQ(status.status.allocated_frames, 1);
	CHECK_EQ(ks_allocator_open(connection), -ENOTTY);

	other = ks_connection_open(connection);
	CHECK(other >= 0);
	CHECK(other != connection);
	CHECK_EQ(ks_set_allocator(connection, allocator), 0);
	CHECK_EQ(ks_set_state(other, KSSTATE_PAUSE), 0);
	CHECK_EQ(ks_submit(connection, 0, -1), 0);
	close(other);
	CHECK_EQ(fake_frames_in(FAKE_IN_DEVICE), 1);
	CHECK_EQ(ks_connection_open(allocator), -ENOTTY);

	CHECK_EQ(ks_connection_cancel(connection), 0);
	CHECK_EQ(fake.request, KSALLOC_CONNECTION_CANCEL);
	CHECK_EQ(fake.request_fd, connection);
	CHECK_EQ(ks_connection_cancel(allocator), -ENOTTY);
	CHECK_EQ(ks_allocator_cancel(allocator), 0);
	CHECK_EQ(fake.request, KSALLOC_ALLOCATOR_CANCEL);
	CHECK_EQ(fake.request_fd, allocator);
	CHECK_EQ(ks_allocator_cancel(connection), -ENOTTY);
}

/* Extended framing, as many items as fit; and the extended status */
static void test_extended_framing(void)
{
	struct ksstreamallocator_status_ex status;
	struct ksallocator_framing_ex framing;
	int connection, allocator, ks;
	__u32 size = sizeof(framing);

	fake_reset();
	ks = ks_open(NULL);
	connection = ks_connect(ks, V4L2_FD);
	allocator = ks_create_allocator(connection, &(struct ksallocator_framing) {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = 3,
	}, ks_open_heap("system"));
	CHECK_EQ(ks_get_framing_ex(connection, &framing, &size), 0);
	CHECK_EQ(framing.count_items, 2);
	CHECK_EQ(size, sizeof(framing) + 2 * sizeof(struct ks_framing_item));
	size = 0;
	CHECK_EQ(ks_get_framing_ex(connection, NULL, &size), 0);
	CHECK_EQ(size, sizeof(framing) + 2 * sizeof(struct ks_framing_item));
	CHECK_EQ(ks_get_framing_ex(allocator, NULL, &size), -ENOTTY);
	CHECK_EQ(ks_get_status_ex(allocator, &status), 0);
	CHECK_EQ(status.count_items, 1);
	CHECK_EQ(status.framing_item.frames, 3);
	CHECK_EQ(ks_get_status_ex(connection, &status), -ENOTTY);
}

/* A failed call returns -errno and writes no output */
static void test_thin_errors(void)
{
	struct ksallocator_framing framing, framing_before;
	struct ks_allocator_status status, status_before;
	struct ks_completion done, done_before;
	enum ksstate state = 99;
	__u32 index = 99, pending = 99;
	int dmabuf = 99;

	fake_reset();
	memset(&framing, 0x5a, sizeof(framing));
	memset(&status, 0x5a, sizeof(status));
	memset(&done, 0x5a, sizeof(done));
	framing_before = framing;
	status_before = status;
	done_before = done;

	CHECK_EQ(ks_connect(-1, V4L2_FD), -EBADF);
	CHECK_EQ(ks_get_framing(-1, &framing), -EBADF);
	CHECK_EQ(ks_create_allocator(-1, &framing, 0), -EBADF);
	CHECK_EQ(ks_set_allocator(-1, 0), -EBADF);
	CHECK_EQ(ks_set_state(-1, KSSTATE_RUN), -EBADF);
	CHECK_EQ(ks_circulate(-1, KSSTATE_RUN), -EBADF);
	CHECK_EQ(ks_get_state(-1, &state, &pending), -EBADF);
	CHECK_EQ(ks_submit(-1, 0, -1), -EBADF);
	CHECK_EQ(ks_connection_open(-1), -EBADF);
	CHECK_EQ(ks_connection_cancel(-1), -EBADF);
	CHECK_EQ(ks_allocator_open(-1), -EBADF);
	CHECK_EQ(ks_allocator_cancel(-1), -EBADF);
	CHECK_EQ(ks_complete(-1, 0, 0, &done), -EBADF);
	CHECK_EQ(ks_alloc(-1, 0, 0, &index, &dmabuf), -EBADF);
	CHECK_EQ(ks_free(-1, 0), -EBADF);
	CHECK_EQ(ks_export(-1, 0), -EBADF);
	CHECK_EQ(ks_get_status(-1, &status), -EBADF);
	CHECK_EQ(ks_begin_access(-1, LIBKS_READ), -EBADF);
	CHECK_EQ(ks_end_access(-1, LIBKS_READ), -EBADF);

	CHECK(!memcmp(&framing, &framing_before, sizeof(framing)));
	CHECK(!memcmp(&status, &status_before, sizeof(status)));
	CHECK(!memcmp(&done, &done_before, sizeof(done)));
	CHECK_EQ(state, 99);
	CHECK_EQ(pending, 99);
	CHECK_EQ(index, 99);
	CHECK_EQ(dmabuf, 99);
}

/* Deadlines are on CLOCK_MONOTONIC, after now, and never overflow or become 0 */
static void test_deadline(void)
{
	struct timespec ts;
	__u64 now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
	CHECK(ks_deadline(0) >= now);
	CHECK(ks_deadline(0) < now + 1000000000ULL);
	CHECK(ks_deadline(5000000000ULL) >= now + 5000000000ULL);
	CHECK(ks_deadline(5000000000ULL) < now + 6000000000ULL);
	CHECK(ks_deadline(~0ULL) == ~0ULL);
}

/* CPU access: the right flags, and another call if the exporter requires it */
static void test_access(void)
{
	struct ks_stream *stream;
	int fd;

	fake_reset();
	stream = open_stream(0);
	fd = ks_frames_dmabuf(ks_stream_frames(stream), 1);

	CHECK_EQ(ks_begin_access(fd, LIBKS_READ), 0);
	CHECK_EQ(*(__u64 *)fake.arg.bytes, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	CHECK_EQ(ks_end_access(fd, LIBKS_READ), 0);
	CHECK_EQ(*(__u64 *)fake.arg.bytes, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	CHECK_EQ(ks_begin_access(fd, LIBKS_WRITE), 0);
	CHECK_EQ(*(__u64 *)fake.arg.bytes, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	CHECK_EQ(ks_end_access(fd, LIBKS_READ | LIBKS_WRITE), 0);
	CHECK_EQ(*(__u64 *)fake.arg.bytes, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	CHECK_EQ(ks_begin_access(fd, 0), -EINVAL);
	CHECK_EQ(ks_begin_access(fd, 4), -EINVAL);

	fake.sync_errno = EINTR;
	fake.sync_errors = 3;
	CHECK_EQ(ks_begin_access(fd, LIBKS_READ), 0);
	fake.sync_errno = EAGAIN;
	fake.sync_errors = 1;
	CHECK_EQ(ks_end_access(fd, LIBKS_READ), 0);
	fake.sync_errno = EFAULT;
	fake.sync_errors = 1;
	CHECK_EQ(ks_begin_access(fd, LIBKS_READ), -EFAULT);
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/* Frames: each is mapped separately, and unmapped */
static void test_frames(void)
{
	struct ks_stream *stream;
	struct ks_frames *frames;
	__u32 i, j;

	fake_reset();
	stream = open_stream(5);
	CHECK_EQ(ks_frames_map(ks_stream_allocator(stream), &frames), 0);
	CHECK_EQ(ks_frames_count(frames), 5);
	CHECK_EQ(ks_frames_bytes(frames), 8192);
	for (i = 0; i < 5; i++)
		memset(ks_frames_data(frames, i), i + 1, 8192);
	for (i = 0; i < 5; i++) {
		const unsigned char *data = ks_frames_data(frames, i);

		for (j = 0; j < 8192 && data[j] == i + 1; j++)
			;
		CHECK_EQ(j, 8192);
	}
	CHECK(!ks_frames_data(frames, 5));
	CHECK_EQ(ks_frames_dmabuf(frames, 5), -1);
	ks_frames_unmap(frames);
	ks_frames_unmap(NULL);
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/* A camera whose frames have three planes; each has 8192 bytes in whole pages */
static void three_planes(void)
{
	fake_reset();
	fake.planes = (struct ksalloc_planes) { .count = 3, .sizes = { 8000, 4500, 4500 } };
	fake.needs.frame_size = 17000;
	fake.data[0] = (struct ksalloc_plane_data) { .data_used = 8000 };
	fake.data[1] = (struct ksalloc_plane_data) { .data_offset = 100, .data_used = 4400 };
	fake.data[2] = (struct ksalloc_plane_data) { .data_used = 9000 };
}

/* Each plane of each frame has its own mapping and descriptor */
static void test_planes_mapped(void)
{
	const struct ks_frames *frames;
	struct ks_stream *stream;
	unsigned char *data;
	__u32 i, j;

	three_planes();
	stream = open_stream(4);
	frames = ks_stream_frames(stream);
	CHECK_EQ(fake.framing.frames, 4);
	CHECK_EQ(fake.open_files, 2 + 3 * 4);
	CHECK_EQ(fake.mappings, 3 * 4);
	CHECK_EQ(ks_frames_count(frames), 4);
	CHECK_EQ(ks_frames_planes(frames), 3);
	for (i = 0; i < 4; i++)
		for (j = 0; j < 3; j++)
			memset(ks_frames_plane_data(frames, i, j), (int)(16 * i + j), 8192);
	for (i = 0; i < 4; i++) {
		CHECK(ks_frames_data(frames, i) == ks_frames_plane_data(frames, i, 0));
		CHECK_EQ(ks_frames_dmabuf(frames, i), ks_frames_plane_dmabuf(frames, i, 0));
		for (j = 0; j < 3; j++) {
			data = ks_frames_plane_data(frames, i, j);
			CHECK_EQ(data[0], 16 * i + j);
			CHECK_EQ(data[8191], 16 * i + j);
			CHECK_EQ(ks_frames_plane_bytes(frames, j), 8192);
			CHECK(ks_frames_plane_dmabuf(frames, i, j) >= 0);
		}
	}
	CHECK(!ks_frames_plane_data(frames, 0, 3));
	CHECK(!ks_frames_plane_data(frames, 4, 0));
	CHECK_EQ(ks_frames_plane_dmabuf(frames, 0, 3), -1);
	CHECK_EQ(ks_frames_plane_bytes(frames, 3), 0);
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/* A frame has the data of each plane, which never lead beyond the plane */
static void test_planes_stream(void)
{
	struct ks_stream_frame frame;
	struct ks_stream *stream;
	__u32 i;

	three_planes();
	stream = open_stream(4);
	CHECK_EQ(ks_stream_start(stream), 0);
	/* No descriptor stands for several planes */
	CHECK_EQ(fake.by_thread, 4);
	for (i = 0; i < 8; i++) {
		CHECK_EQ(ks_stream_next(stream, 1000, &frame), 0);
		CHECK_EQ(frame.nr_planes, 3);
		CHECK(frame.data == frame.planes[0].data);
		CHECK_EQ(frame.used, 8000);
		CHECK_EQ(frame.planes[0].used, 8000);
		CHECK_EQ(frame.planes[1].used, 4400);
		CHECK_EQ(frame.planes[1].bytes, 8092);
		CHECK((char *)frame.planes[1].data ==
		      (char *)ks_frames_plane_data(ks_stream_frames(stream), frame.index, 1) + 100);
		CHECK_EQ(frame.planes[2].used, 8192);
		CHECK_EQ(frame.planes[2].dmabuf,
			 ks_frames_plane_dmabuf(ks_stream_frames(stream), frame.index, 2));
		CHECK_EQ(fake.access[frame.index], 3);
		CHECK_EQ(ks_stream_give_back(stream, frame.index), 0);
		CHECK_EQ(fake.access[frame.index], 0);
	}
	CHECK_EQ(fake.by_thread, 12);
	/* The access to the second plane fails: none is begun, and the frame is given back */
	fake.sync_errno = EFAULT;
	fake_fail(3);
	CHECK_EQ(ks_stream_next(stream, 1000, &frame), -EIO);
	CHECK_EQ(fake.access[0], 0);
	CHECK_EQ(fake_frames_in(FAKE_IN_DEVICE), 4);
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/* The planes of the thin calls. A module without planes has one */
static void test_planes_calls(void)
{
	struct ks_allocator_status status;
	struct ks_completion done;
	struct ksalloc_planes planes;
	struct ks_stream *stream;
	int allocator, i;

	three_planes();
	stream = open_stream(4);
	allocator = ks_stream_allocator(stream);
	CHECK_EQ(ks_get_planes(ks_stream_connection(stream), &planes), 0);
	CHECK(!memcmp(&planes, &fake.planes, sizeof(planes)));
	CHECK_EQ(ks_get_status(allocator, &status), 0);
	CHECK(!memcmp(&status.planes, &fake.planes, sizeof(planes)));
	for (i = 0; i < 3; i++)
		CHECK_EQ(close(ks_export_plane(allocator, 1, (__u32)i)), 0);
	CHECK_EQ(ks_export_plane(allocator, 1, 3), -EINVAL);
	CHECK_EQ(ks_export_plane(allocator, 4, 0), -EINVAL);
	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(ks_complete(ks_stream_connection(stream), 0, 0, &done), 0);
	CHECK_EQ(done.nr_planes, 3);
	CHECK(!memcmp(done.planes, fake.data, sizeof(done.planes)));
	ks_stream_close(stream);

	fake_reset();
	fake.data_start = 12;
	stream = open_stream(4);
	CHECK_EQ(ks_get_planes(ks_stream_connection(stream), &planes), 0);
	CHECK_EQ(planes.count, 1);
	CHECK_EQ(planes.sizes[0], 5000);
	CHECK_EQ(ks_get_status(ks_stream_allocator(stream), &status), 0);
	CHECK_EQ(status.planes.count, 1);
	CHECK_EQ(status.planes.sizes[0], 5000);
	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(ks_complete(ks_stream_connection(stream), 0, 0, &done), 0);
	CHECK_EQ(done.nr_planes, 1);
	CHECK_EQ(done.planes[0].data_offset, 12);
	CHECK_EQ(done.planes[0].data_used, 4900);
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/*
 * The number of frames of a stream: the requested one, or the requirement of the device and
 * some more
 */
static void test_frame_number(void)
{
	static const struct {
		__u32 needs, wish, is;
	} cases[] = {
		{ 2, 0, 4 }, { 0, 0, 4 }, { 1, 0, 4 }, { 3, 0, 5 }, { 8, 0, 10 },
		{ 2, 2, 2 }, { 2, 3, 3 }, { 2, 16, 16 },
	};
	struct ks_stream_config config;
	struct ks_stream *stream;
	enum ks_stream_step step;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_reset();
		fake.needs.frames = cases[i].needs;
		stream = open_stream(cases[i].wish);
		CHECK_EQ(fake.framing.frames, cases[i].is);
		CHECK_EQ(ks_frames_count(ks_stream_frames(stream)), cases[i].is);
		CHECK_EQ(fake.framing.frame_size, 5000);
		CHECK_EQ(fake.framing.file_alignment, 63);
		ks_stream_close(stream);
		CHECK(fake_is_clean());
	}

	config = config_of(1);
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -EINVAL);
	CHECK_EQ(step, LIBKS_STEP_CREATE);
}

/* A typical program */
static void test_stream(void)
{
	struct ks_stream_frame frame;
	struct ks_stream *stream;
	__u32 i;

	fake_reset();
	stream = open_stream(4);
	/* Only files that a running stream needs stay open */
	CHECK_EQ(fake.open_files, 2 + 4);
	CHECK_EQ(ks_stream_next(stream, 0, &frame), -ECANCELED);
	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(fake.state, KSSTATE_RUN);
	CHECK_EQ(fake_frames_in(FAKE_IN_DEVICE), 4);

	for (i = 0; i < 20; i++) {
		CHECK_EQ(ks_stream_next(stream, 1000, &frame), 0);
		CHECK_EQ(frame.sequence, i);
		CHECK_EQ(frame.index, i % 4);
		CHECK_EQ(frame.used, 4900);
		CHECK_EQ(frame.bytes, 8192);
		CHECK(frame.data == ks_frames_data(ks_stream_frames(stream), frame.index));
		CHECK_EQ(frame.dmabuf, ks_frames_dmabuf(ks_stream_frames(stream), frame.index));
		CHECK_EQ(frame.header.frame_extent, 5000);
		CHECK_EQ(fake.access[frame.index], 1);
		CHECK_EQ(ks_stream_give_back(stream, frame.index), 0);
		CHECK_EQ(fake.access[frame.index], 0);
		CHECK_EQ(fake_frames_in(FAKE_IN_DEVICE), 4);
	}

	/* Each frame was submitted with its descriptor */
	CHECK_EQ(fake.by_thread, 0);
	CHECK_EQ(ks_stream_give_back(stream, frame.index), -EINVAL);
	CHECK_EQ(ks_stream_give_back(stream, 4), -EINVAL);
	CHECK_EQ(ks_stream_stop(stream), 0);
	CHECK_EQ(fake.state, KSSTATE_STOP);
	CHECK_EQ(fake_frames_in(FAKE_FREE), 4);
	ks_stream_close(stream);
	ks_stream_close(NULL);
	CHECK(fake_is_clean());
}

/* Values from a device never lead beyond the frame */
static void test_stream_bounds(void)
{
	static const struct {
		__u32 start, used;
		size_t is_start, is_used;
	} cases[] = {
		{ 0, 8192, 0, 8192 }, { 0, 8193, 0, 8192 }, { 128, 4096, 128, 4096 },
		{ 128, 8192, 128, 8064 }, { 8192, 1, 8192, 0 }, { 0xffffffff, 5, 8192, 0 },
	};
	struct ks_stream_frame frame;
	struct ks_stream *stream;
	char *mapped;
	size_t i;

	fake_reset();
	stream = open_stream(4);
	CHECK_EQ(ks_stream_start(stream), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fake.data_start = cases[i].start;
		fake.data_used = cases[i].used;
		CHECK_EQ(ks_stream_next(stream, -1, &frame), 0);
		mapped = ks_frames_data(ks_stream_frames(stream), frame.index);
		CHECK_EQ((char *)frame.data - mapped, cases[i].is_start);
		CHECK_EQ(frame.used, cases[i].is_used);
		CHECK_EQ(frame.bytes, 8192 - cases[i].is_start);
		CHECK_EQ(ks_stream_give_back(stream, frame.index), 0);
	}
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/* Frames that are held during a stop, a new start, and after the device disappeared */
static void test_stream_held(void)
{
	struct ks_stream_frame a, b, c;
	struct ks_stream *stream;

	fake_reset();
	stream = open_stream(4);
	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(ks_stream_next(stream, -1, &a), 0);
	CHECK_EQ(ks_stream_next(stream, -1, &b), 0);
	CHECK_EQ(ks_stream_stop(stream), 0);
	CHECK_EQ(fake_frames_in(FAKE_ALLOCATED), 2);
	CHECK_EQ(ks_stream_give_back(stream, a.index), 0);
	CHECK_EQ(fake_frames_in(FAKE_FREE), 3);

	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(fake_frames_in(FAKE_IN_DEVICE), 3);
	CHECK_EQ(ks_stream_give_back(stream, b.index), 0);
	CHECK_EQ(fake_frames_in(FAKE_IN_DEVICE), 4);

	CHECK_EQ(ks_stream_next(stream, -1, &c), 0);
	fake.gone = true;
	CHECK_EQ(ks_stream_next(stream, -1, &b), -ENODEV);
	CHECK_EQ(ks_stream_give_back(stream, c.index), 0);
	CHECK_EQ(fake_frames_in(FAKE_FREE), 1);
	ks_stream_close(stream);
	CHECK(fake_is_clean());

	/* Closing a stream while a frame is held ends the CPU access to it */
	fake_reset();
	stream = open_stream(4);
	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(ks_stream_next(stream, -1, &a), 0);
	ks_stream_close(stream);
	CHECK_EQ(fake.access[a.index], 0);
	CHECK(fake_is_clean());
}

/* Conversion of timeouts to flags and deadlines */
static void test_stream_timeout(void)
{
	struct ks_stream_frame frame;
	struct ks_stream *stream;
	__u64 before;

	fake_reset();
	stream = open_stream(2);
	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(ks_stream_next(stream, 0, &frame), 0);
	CHECK_EQ(fake.access[frame.index], 1);
	CHECK_EQ(ks_stream_next(stream, 0, &frame), 0);

	CHECK_EQ(ks_stream_next(stream, 0, &frame), -EAGAIN);
	CHECK_EQ(fake.arg.complete.flags, KSALLOC_NONBLOCK);
	CHECK_EQ(fake.arg.complete.deadline_ns, 0);
	CHECK_EQ(ks_stream_next(stream, -1, &frame), -ETIMEDOUT);
	CHECK_EQ(fake.arg.complete.flags, 0);
	CHECK_EQ(fake.arg.complete.deadline_ns, 0);
	before = ks_deadline(0);
	CHECK_EQ(ks_stream_next(stream, 250, &frame), -ETIMEDOUT);
	CHECK_EQ(fake.arg.complete.flags, 0);
	CHECK(fake.arg.complete.deadline_ns >= before + 250000000ULL);
	CHECK(fake.arg.complete.deadline_ns <= ks_deadline(250000000ULL));
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/* LIBKS_STREAM_NO_CPU_ACCESS makes no calls for the caches */
static void test_stream_no_access(void)
{
	struct ks_stream_config config = config_of(4);
	struct ks_stream_frame frame;
	struct ks_stream *stream = NULL;

	fake_reset();
	config.flags = LIBKS_STREAM_NO_CPU_ACCESS;
	CHECK_EQ(ks_stream_open(&config, &stream, NULL), 0);
	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(ks_stream_next(stream, -1, &frame), 0);
	CHECK_EQ(fake.access[frame.index], 0);
	CHECK_EQ(ks_stream_give_back(stream, frame.index), 0);
	CHECK_EQ(fake.access[frame.index], 0);
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/* LIBKS_STREAM_DEVICE_MEMORY opens no heap, and submits without a dma-buf */
static void test_stream_device_memory(void)
{
	struct ks_stream_config config = config_of(0);
	struct ks_stream_frame frame;
	struct ks_stream *stream;
	enum ks_stream_step step;

	fake_reset();
	config.flags = LIBKS_STREAM_DEVICE_MEMORY;
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -EOPNOTSUPP);
	CHECK_EQ(step, LIBKS_STEP_CREATE);
	CHECK(fake_is_clean());

	fake.lends_memory = true;
	CHECK_EQ(ks_stream_open(&config, &stream, NULL), 0);
	CHECK_STR(fake.path, LIBKS_DEVICE);
	CHECK_EQ(fake.framing.options_flags, 0);
	CHECK_EQ(fake.framing.frames, 4);
	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(fake.by_thread, 4);
	CHECK_EQ(ks_stream_next(stream, 0, &frame), 0);
	CHECK(frame.data && frame.used == 4900);
	CHECK_EQ(fake.access[frame.index], 1);
	CHECK_EQ(ks_stream_give_back(stream, frame.index), 0);
	CHECK_EQ(fake.by_thread, 5);
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/* A device that can use only its own memory gets it without the flag, unless a heap is named */
static void test_stream_must_allocate(void)
{
	struct ks_stream_config config = config_of(0);
	struct ks_memory_report report = { .count = 1 };
	struct ks_stream *stream;
	enum ks_stream_step step;

	fake_reset();
	fake.lends_memory = true;
	fake.needs.requirements_flags = KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	config.memory = &report;
	CHECK_EQ(ks_stream_open(&config, &stream, NULL), 0);
	CHECK_EQ(report.count, 3);
	CHECK_STR(report.attempt[2].name, LIBKS_DEVICE_MEMORY);
	CHECK_EQ(fake.framing.options_flags, 0);
	CHECK_EQ(ks_stream_start(stream), 0);
	CHECK_EQ(fake.by_thread, 4);
	ks_stream_close(stream);

	config.heap = "none";
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -ENOENT);
	CHECK_EQ(step, LIBKS_STEP_HEAP);
	CHECK_EQ(report.count, 1);
	config.v4l2_fd = 78;
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -EINVAL);
	CHECK_EQ(report.count, 0);
	CHECK(fake_is_clean());
}

/* Invalid configurations, and the reported step */
static void test_stream_config(void)
{
	struct ks_stream *stream = (void *)1;
	struct ks_stream_config config;
	enum ks_stream_step step = 99;

	fake_reset();
	CHECK_EQ(ks_stream_open(NULL, &stream, &step), -EINVAL);
	CHECK_EQ(step, LIBKS_STEP_CONFIG);
	config = config_of(0);
	config.size--;
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -EINVAL);
	config.size += 2;
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -EINVAL);
	config = config_of(0);
	config.flags = 8;
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -EINVAL);
	config.flags = LIBKS_STREAM_DEVICE_MEMORY;
	config.heap = "system";
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -EINVAL);
	CHECK_EQ(step, LIBKS_STEP_CONFIG);

	config = config_of(0);
	config.device = "/dev/other";
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -ENOENT);
	CHECK_EQ(step, LIBKS_STEP_OPEN);
	config = config_of(0);
	config.v4l2_fd = 78;
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -EINVAL);
	CHECK_EQ(step, LIBKS_STEP_CONNECT);
	config = config_of(0);
	config.heap = "none";
	CHECK_EQ(ks_stream_open(&config, &stream, &step), -ENOENT);
	CHECK_EQ(step, LIBKS_STEP_HEAP);
	CHECK(stream == (void *)1);
	CHECK(fake_is_clean());
}

/* Each call of ks_stream_open() fails once, and nothing is leaked */
static void test_stream_open_fails(void)
{
	enum ks_stream_step step, last = LIBKS_STEP_CONFIG;
	struct ks_stream_config config = config_of(3);
	struct ks_stream *stream;
	int n, ret;

	/* With a name, no other memory is tried */
	config.heap = "system";
	for (n = 1; n < 100; n++) {
		stream = (void *)1;
		fake_reset();
		fake_fail(n);
		ret = ks_stream_open(&config, &stream, &step);
		if (!ret)
			break;
		CHECK_EQ(ret, -fake.fail_errno);
		CHECK(step >= last);
		CHECK(stream == (void *)1);
		CHECK(fake_is_clean());
		last = step;
	}
	CHECK_EQ(last, LIBKS_STEP_MAP);
	/* Every call except the last open has failed once */
	CHECK_EQ(n, fake.calls + 1);
	CHECK(n > 15);
	ks_stream_close(stream);
	CHECK(fake_is_clean());
}

/*
 * Each call of ks_stream_start() fails once: then the stream is stopped, and holds no frame
 */
static void test_stream_start_fails(void)
{
	struct ks_stream *stream;
	int n, ret;

	for (n = 1; n < 100; n++) {
		fake_reset();
		stream = open_stream(3);
		fake_fail(n);
		ret = ks_stream_start(stream);
		if (!ret)
			break;
		CHECK_EQ(ret, -EIO);
		CHECK_EQ(fake.state, KSSTATE_STOP);
		CHECK_EQ(fake_frames_in(FAKE_FREE), 3);
		CHECK_EQ(ks_stream_start(stream), 0);
		CHECK_EQ(fake_frames_in(FAKE_IN_DEVICE), 3);
		ks_stream_close(stream);
		CHECK(fake_is_clean());
	}
	/* PAUSE, three frames allocated and submitted, no fourth one, RUN */
	CHECK_EQ(n, 1 + 3 * 2 + 1 + 1 + 1);
	ks_stream_close(stream);
}

/* Each call while frames are taken and given back fails once: no frame is lost */
static void test_stream_frame_fails(void)
{
	struct ks_stream_frame frame;
	struct ks_stream *stream;
	int n, ret;

	for (n = 1; n < 10; n++) {
		fake_reset();
		stream = open_stream(3);
		CHECK_EQ(ks_stream_start(stream), 0);
		fake_fail(n);
		ret = ks_stream_next(stream, -1, &frame);
		if (!ret)
			ret = ks_stream_give_back(stream, frame.index);
		CHECK_EQ(fake_frames_in(FAKE_ALLOCATED), 0);
		CHECK_EQ(fake.access[0], n == 3 ? 1 : 0);
		if (n != 3)
			CHECK_EQ(ret, n <= 4 ? -EIO : 0);
		ks_stream_close(stream);
		CHECK(fake_is_clean());
	}
}

/* The shared library has each symbol of the version script, with its version */
static void test_shared_library(void)
{
	void *library = dlopen(shared_library, RTLD_NOW | RTLD_LOCAL);

	CHECK(check_shared_library(shared_library, version_script) >= 40);
	if (library) {
		CHECK(!dlsym(library, "sync_access"));
		dlclose(library);
	}
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "open", test_open },
		{ "thin calls", test_thin_calls },
		{ "thin calls: flush, events", test_more_thin_calls },
		{ "thin calls: other clients", test_clients },
		{ "thin calls: extended framing", test_extended_framing },
		{ "thin calls that fail", test_thin_errors },
		{ "deadlines", test_deadline },
		{ "CPU access", test_access },
		{ "mapped frames", test_frames },
		{ "planes: mapped frames", test_planes_mapped },
		{ "planes: stream", test_planes_stream },
		{ "planes: thin calls", test_planes_calls },
		{ "number of frames", test_frame_number },
		{ "stream", test_stream },
		{ "stream: bounds of a frame", test_stream_bounds },
		{ "stream: frames held", test_stream_held },
		{ "stream: timeouts", test_stream_timeout },
		{ "stream: no CPU access", test_stream_no_access },
		{ "stream: the device's own memory", test_stream_device_memory },
		{ "stream: a device that must allocate", test_stream_must_allocate },
		{ "stream: configuration", test_stream_config },
		{ "stream: opening fails at each call", test_stream_open_fails },
		{ "stream: starting fails at each call", test_stream_start_fails },
		{ "stream: a frame fails at each call", test_stream_frame_fails },
		{ "shared library", test_shared_library },
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s libks.so libks.map\n", argv[0]);
		return 2;
	}
	shared_library = argv[1];
	version_script = argv[2];
	return tap_run(tests, ARRAY_SIZE(tests));
}
