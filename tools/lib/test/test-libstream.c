// SPDX-License-Identifier: GPL-2.0-only
/*
 * The streams of libks with the model in fake.c: what they are opened with, the frames that
 * they give, and that a failure of any call leaks nothing.
 */
#include <errno.h>
#include <string.h>

#include "fake.h"
#include "stream.h"
#include "tap.h"

/* A frame has the data of each plane, which never exceed the plane */
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

/* Values from a device never exceed the frame */
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
 * With udmabuf, the memfds are mapped. If one cannot be mapped, its dma-buf is; each other call
 * fails once, and nothing is leaked
 */
static void test_stream_udmabuf(void)
{
	struct ks_stream_config config = config_of(3);
	int n, ret, by_dmabuf = 0;
	struct ks_stream *stream;

	config.heap = LIBKS_UDMABUF;
	for (n = 1; n < 100; n++) {
		fake_reset();
		fake.open_errno[FAKE_UDMABUF] = 0;
		fake_fail(n);
		ret = ks_stream_open(&config, &stream, NULL);
		if (!ret && fake.calls < n)
			break;
		if (!ret) {
			CHECK_EQ(fake.mappings, 3);
			by_dmabuf += fake.memfd_mappings == 2;
			ks_stream_close(stream);
		} else {
			CHECK_EQ(ret, -fake.fail_errno);
		}
		CHECK(fake_is_clean());
	}
	CHECK_EQ(by_dmabuf, 3);
	CHECK_EQ(fake.mappings, 3);
	CHECK_EQ(fake.memfd_mappings, 3);
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

int main(void)
{
	static const struct tap_test tests[] = {
		{ "planes: stream", test_planes_stream },
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
		{ "stream: mapped memfds", test_stream_udmabuf },
		{ "stream: starting fails at each call", test_stream_start_fails },
		{ "stream: a frame fails at each call", test_stream_frame_fails },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
