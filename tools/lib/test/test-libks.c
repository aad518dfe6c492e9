// SPDX-License-Identifier: GPL-2.0-only
/*
 * libks with the model in fake.c: its calls to the kernel and their results. test-libstream.c
 * tests its streams.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "fake.h"
#include "shared.h"
#include "stream.h"
#include "tap.h"

static const char *shared_library;
static const char *version_script;

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

	CHECK_EQ(ks_connection_cancel(connection, KSALLOC_CANCEL_PERMANENT), 0);
	CHECK_EQ(fake.request, KSALLOC_CONNECTION_CANCEL);
	CHECK_EQ(fake.arg.cancel.flags, KSALLOC_CANCEL_PERMANENT);
	CHECK_EQ(fake.request_fd, connection);
	CHECK_EQ(ks_connection_cancel(allocator, 0), -ENOTTY);
	CHECK_EQ(ks_allocator_cancel(allocator, 0), 0);
	CHECK_EQ(fake.request, KSALLOC_ALLOCATOR_CANCEL);
	CHECK_EQ(fake.arg.cancel.flags, 0);
	CHECK_EQ(fake.request_fd, allocator);
	CHECK_EQ(ks_allocator_cancel(connection, 0), -ENOTTY);
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
	CHECK_EQ(ks_connection_cancel(-1, 0), -EBADF);
	CHECK_EQ(ks_allocator_open(-1), -EBADF);
	CHECK_EQ(ks_allocator_cancel(-1, 0), -EBADF);
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
		{ "planes: thin calls", test_planes_calls },
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
