// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers of libks with the model in fake.c: their frames and mappings, and that a failure of any
 * call leaks nothing and keeps no frame.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include <linux/videodev2.h>

#include "fake.h"
#include "tap.h"

#define V4L2_FD 77
#define FRAMES 4

/* A stream that circulates, and a reader of it */
struct rig {
	struct ks_stream *stream;
	struct ks_reader *reader;
	/* What the stream has open and mapped */
	int files, mappings;
};

static struct rig rig_open(const struct ks_reader_config *reader)
{
	struct ks_stream_config config = {
		.size = sizeof(config),
		.flags = LIBKS_STREAM_CIRCULATE,
		.v4l2_fd = V4L2_FD,
		.frames = FRAMES,
	};
	struct rig rig = { };

	CHECK_EQ(ks_stream_open(&config, &rig.stream, NULL), 0);
	CHECK_EQ(ks_stream_start(rig.stream), 0);
	rig.files = fake.open_files;
	rig.mappings = fake.mappings;
	CHECK_EQ(ks_reader_open(ks_stream_connection(rig.stream), reader, &rig.reader), 0);
	return rig;
}

static void rig_close(struct rig *rig)
{
	ks_reader_close(rig->reader);
	CHECK_EQ(fake.open_files, rig->files);
	CHECK_EQ(fake.mappings, rig->mappings);
	CHECK_EQ(fake_frames_taken(), 0);
	ks_stream_close(rig->stream);
	CHECK(fake_is_clean());
}

/* A stream whose frames circulate: one call starts it, and it has no frames for itself */
static void test_stream(void)
{
	struct ks_stream_frame frame;
	struct rig rig;

	fake_reset();
	rig = rig_open(NULL);
	CHECK_EQ(fake.state, KSSTATE_RUN);
	CHECK(fake.circulates);
	CHECK_EQ(fake_frames_in(FAKE_FREE), FRAMES);
	CHECK_EQ(ks_stream_next(rig.stream, 0, &frame), -EBUSY);
	CHECK_EQ(ks_stream_stop(rig.stream), 0);
	CHECK(!fake.circulates);
	CHECK_EQ(ks_circulate(ks_stream_connection(rig.stream), KSSTATE_PAUSE), 0);
	CHECK_EQ(fake.arg.set_state.flags, KSALLOC_CIRCULATE);
	CHECK_EQ(fake.arg.set_state.state, KSSTATE_PAUSE);
	rig_close(&rig);
}

/* A typical program: each frame is mapped once, and keeps its address */
static void test_frames(void)
{
	const void *address[FRAMES] = { };
	struct ks_reader_frame frame;
	struct rig rig;
	__u32 i;

	fake_reset();
	rig = rig_open(NULL);
	for (i = 0; i < 5 * FRAMES; i++) {
		CHECK_EQ(ks_reader_next(rig.reader, 1000, &frame), 0);
		CHECK_EQ(frame.sequence, i);
		CHECK_EQ(frame.index, i % FRAMES);
		CHECK_EQ(frame.generation, 1);
		CHECK_EQ(frame.used, 4900);
		CHECK_EQ(frame.bytes, 8192);
		CHECK_EQ(frame.nr_planes, 1);
		CHECK_EQ(frame.header.frame_extent, 5000);
		CHECK(frame.planes[0].data == frame.data);
		CHECK_EQ(frame.planes[0].dmabuf, frame.dmabuf);
		CHECK_EQ(*(const char *)frame.data, 0);
		CHECK(!address[frame.index] || address[frame.index] == frame.data);
		address[frame.index] = frame.data;
		CHECK_EQ(fake.access[frame.index], 1);
		CHECK_EQ(fake_frames_taken(), 1);
		CHECK_EQ(ks_reader_give_back(rig.reader, &frame), 0);
		CHECK_EQ(fake.access[frame.index], 0);
		CHECK_EQ(fake_frames_taken(), 0);
	}
	CHECK_EQ(fake.mappings, rig.mappings + FRAMES);
	CHECK_EQ(fake.open_files, rig.files + 1 + FRAMES);

	CHECK_EQ(ks_reader_give_back(rig.reader, &frame), -EINVAL);
	frame.index = FRAMES;
	CHECK_EQ(ks_reader_give_back(rig.reader, &frame), -EINVAL);
	frame.index = 0;
	frame.generation = 99;
	CHECK_EQ(ks_reader_give_back(rig.reader, &frame), -EINVAL);
	rig_close(&rig);
	ks_reader_close(NULL);
}

/* Frames in another order, and frames that the program still has in the end */
static void test_held(void)
{
	struct ks_reader_frame frames[FRAMES], one;
	struct rig rig;
	int i;

	fake_reset();
	rig = rig_open(NULL);
	for (i = 0; i < FRAMES; i++)
		CHECK_EQ(ks_reader_next(rig.reader, -1, &frames[i]), 0);
	CHECK_EQ(ks_reader_next(rig.reader, 0, &one), -EAGAIN);
	CHECK_EQ(ks_reader_give_back(rig.reader, &frames[2]), 0);
	CHECK_EQ(ks_reader_give_back(rig.reader, &frames[0]), 0);
	CHECK_EQ(ks_reader_next(rig.reader, 0, &one), 0);
	CHECK_EQ(one.index, 0);
	CHECK_EQ(fake_frames_taken(), 3);
	CHECK_EQ(fake.access[1], 1);
	rig_close(&rig);
	CHECK_EQ(fake.access[1], 0);
}

/* The options, as the kernel gets them */
static void test_options(void)
{
	struct ks_reader_config config = { .size = sizeof(config) };
	struct ks_reader_frame frame;
	struct ks_reader *reader;
	struct rig rig;

	fake_reset();
	rig = rig_open(NULL);
	CHECK_EQ(fake.arg.reader_open.depth, 4);
	CHECK_EQ(fake.arg.reader_open.every, 0);
	CHECK_EQ(fake.arg.reader_open.flags, 0);
	rig_close(&rig);

	config.flags = LIBKS_READER_NEWEST | LIBKS_READER_REVOCABLE | LIBKS_READER_UNTRUSTED |
		       LIBKS_READER_NO_CPU_ACCESS;
	config.depth = 7;
	config.every = 3;
	rig = rig_open(&config);
	CHECK_EQ(fake.arg.reader_open.depth, 7);
	CHECK_EQ(fake.arg.reader_open.every, 3);
	CHECK_EQ(fake.arg.reader_open.flags, KSALLOC_READER_NEWEST |
		 KSALLOC_READER_REVOCABLE | KSALLOC_READER_UNTRUSTED);
	CHECK_EQ(ks_reader_next(rig.reader, -1, &frame), 0);
	CHECK_EQ(fake.access[frame.index], 0);
	CHECK_EQ(ks_reader_give_back(rig.reader, &frame), 0);
	CHECK_EQ(fake.access[frame.index], 0);

	reader = (void *)1;
	config.depth = KSALLOC_MAX_FRAMES + 1;
	CHECK_EQ(ks_reader_open(ks_stream_connection(rig.stream), &config, &reader), -EINVAL);
	config.depth = 1;
	config.flags = 16;
	CHECK_EQ(ks_reader_open(ks_stream_connection(rig.stream), &config, &reader), -EINVAL);
	config.flags = 0;
	config.size++;
	CHECK_EQ(ks_reader_open(ks_stream_connection(rig.stream), &config, &reader), -EINVAL);
	CHECK_EQ(ks_reader_open(-1, NULL, &reader), -EBADF);
	CHECK_EQ(ks_reader_open(ks_stream_allocator(rig.stream), NULL, &reader), -ENOTTY);
	CHECK(reader == (void *)1);
	rig_close(&rig);
}

/* Conversion of timeouts to flags and deadlines, and what ends a wait */
static void test_timeout(void)
{
	struct ks_reader_frame frame;
	struct rig rig;
	__u64 before;

	fake_reset();
	rig = rig_open(NULL);
	CHECK_EQ(ks_stream_stop(rig.stream), 0);
	CHECK_EQ(ks_reader_next(rig.reader, 0, &frame), -EAGAIN);
	CHECK_EQ(fake.arg.exchange.flags, KSALLOC_NONBLOCK);
	CHECK_EQ(fake.arg.exchange.deadline_ns, 0);
	CHECK_EQ(ks_reader_next(rig.reader, -1, &frame), -ETIMEDOUT);
	CHECK_EQ(fake.arg.exchange.flags, 0);
	CHECK_EQ(fake.arg.exchange.deadline_ns, 0);
	before = ks_deadline(0);
	CHECK_EQ(ks_reader_next(rig.reader, 250, &frame), -ETIMEDOUT);
	CHECK_EQ(fake.arg.exchange.flags, 0);
	CHECK(fake.arg.exchange.deadline_ns >= before + 250000000ULL);
	CHECK(fake.arg.exchange.deadline_ns <= ks_deadline(250000000ULL));

	CHECK_EQ(ks_reader_cancel(rig.reader, KSALLOC_CANCEL_PERMANENT), 0);
	CHECK_EQ(fake.arg.cancel.flags, KSALLOC_CANCEL_PERMANENT);
	CHECK_EQ(fake.request, KSALLOC_READER_CANCEL);
	CHECK_EQ(fake.request_fd, ks_reader_fd(rig.reader));
	fake.gone = true;
	CHECK_EQ(ks_reader_next(rig.reader, -1, &frame), -ENODEV);
	rig_close(&rig);
}

/* What was lost, and the format */
static void test_status(void)
{
	struct ks_reader_status status;
	struct v4l2_format format = { };
	struct ks_reader_frame frame;
	struct rig rig;

	fake_reset();
	rig = rig_open(NULL);
	fake.lost = 5;
	fake.revoked = 6;
	CHECK_EQ(ks_reader_next(rig.reader, -1, &frame), 0);
	CHECK_EQ(frame.lost, 5);
	CHECK_EQ(frame.revoked, 6);
	CHECK_EQ(ks_reader_get_status(rig.reader, &status), 0);
	CHECK_EQ(status.generation, 1);
	CHECK_EQ(status.lost, 21);
	CHECK_EQ(status.revoked, 22);
	CHECK_EQ(status.queued, 23);
	CHECK_EQ(status.taken, 1);
	CHECK_EQ(status.frames, FRAMES);
	CHECK_EQ(status.promised, 1);
	CHECK_EQ(status.running, 1);
	CHECK_EQ(ks_reader_get_format(rig.reader, &format), 0);
	CHECK_EQ(format.fmt.pix.width, 320);

	/* Before the first stream */
	format.fmt.pix.width = 5;
	fake.framing.frames = 0;
	CHECK_EQ(ks_reader_get_format(rig.reader, &format), -ENODATA);
	CHECK_EQ(format.fmt.pix.width, 5);
	fake.framing.frames = FRAMES;
	fake_fail(1);
	CHECK_EQ(ks_reader_get_format(rig.reader, &format), -EIO);
	CHECK_EQ(format.fmt.pix.width, 5);
	fake_fail(1);
	status.lost = 7;
	CHECK_EQ(ks_reader_get_status(rig.reader, &status), -EIO);
	CHECK_EQ(status.lost, 7);
	rig_close(&rig);
}

/* A reader of another program */
static void test_adopt(void)
{
	struct ksalloc_reader_open arg = { .size = sizeof(arg), .depth = 2 };
	struct ks_reader *reader = (void *)1;
	struct ks_reader_frame frame;
	struct rig rig;
	int fd;

	fake_reset();
	rig = rig_open(NULL);
	fd = ioctl(ks_stream_connection(rig.stream), KSALLOC_READER_OPEN, &arg);
	CHECK_EQ(ks_reader_adopt(ks_stream_connection(rig.stream), 0, &reader), -ENOTTY);
	CHECK_EQ(ks_reader_adopt(-1, 0, &reader), -EBADF);
	CHECK_EQ(ks_reader_adopt(fd, LIBKS_READER_NEWEST, &reader), -EINVAL);
	fake_fail(2);
	CHECK_EQ(ks_reader_adopt(fd, 0, &reader), -ENOMEM);
	CHECK(reader == (void *)1);
	CHECK_EQ(fake.open_files, rig.files + 2);

	CHECK_EQ(ks_reader_adopt(fd, LIBKS_READER_NO_CPU_ACCESS, &reader), 0);
	CHECK_EQ(ks_reader_fd(reader), fd);
	CHECK_EQ(ks_reader_next(reader, -1, &frame), 0);
	CHECK_EQ(fake.access[frame.index], 0);
	CHECK_EQ(ks_reader_give_back(reader, &frame), 0);
	ks_reader_close(reader);
	rig_close(&rig);
}

/*
 * The frames of a new generation are mapped. Those of the last one stay mapped while the program
 * has one of them
 */
static void test_generations(void)
{
	struct ks_reader_frame old[2], new;
	struct rig rig;

	fake_reset();
	rig = rig_open(NULL);
	CHECK_EQ(ks_reader_next(rig.reader, -1, &old[0]), 0);
	CHECK_EQ(ks_reader_next(rig.reader, -1, &old[1]), 0);
	CHECK_EQ(ks_reader_give_back(rig.reader, &old[1]), 0);
	fake_new_generation();
	CHECK_EQ(ks_reader_next(rig.reader, -1, &new), 0);
	CHECK_EQ(new.generation, 2);
	CHECK(new.data != old[0].data);
	CHECK_EQ(fake.mappings, rig.mappings + 3);
	CHECK_EQ(*(const char *)old[0].data, 0);
	CHECK_EQ(ks_reader_give_back(rig.reader, &old[1]), -EINVAL);
	CHECK_EQ(ks_reader_give_back(rig.reader, &old[0]), 0);
	CHECK_EQ(fake.access[old[0].index], 0);
	/* The frame of the new generation is still there */
	CHECK_EQ(fake.mappings, rig.mappings + 1);
	CHECK_EQ(fake_frames_taken(), 1);
	CHECK_EQ(ks_reader_give_back(rig.reader, &old[0]), -EINVAL);
	CHECK_EQ(ks_reader_give_back(rig.reader, &new), 0);

	/* The program has no frame, so all are unmapped when the first new one comes */
	fake_new_generation();
	CHECK_EQ(ks_reader_next(rig.reader, -1, &new), 0);
	CHECK_EQ(new.generation, 3);
	CHECK_EQ(fake.mappings, rig.mappings + 1);
	rig_close(&rig);
}

/* The generation changes after a frame is taken and before it is mapped: the next one is taken */
static void test_stale(void)
{
	struct ks_reader_frame frame;
	struct rig rig;

	fake_reset();
	rig = rig_open(NULL);
	fake.changes = 1;
	CHECK_EQ(ks_reader_next(rig.reader, -1, &frame), 0);
	CHECK_EQ(frame.generation, 2);
	CHECK_EQ(frame.sequence, 1);
	CHECK_EQ(fake_frames_taken(), 1);
	rig_close(&rig);
}

/* Frames with three planes, whose data never exceed the plane */
static void test_planes(void)
{
	struct ks_reader_frame frame;
	struct rig rig;
	__u32 i;

	fake_reset();
	fake.planes = (struct ksalloc_planes) { .count = 3, .sizes = { 8000, 4500, 4500 } };
	fake.needs.frame_size = 17000;
	fake.data[0] = (struct ksalloc_plane_data) { .data_used = 8000 };
	fake.data[1] = (struct ksalloc_plane_data) { .data_offset = 100, .data_used = 4400 };
	fake.data[2] = (struct ksalloc_plane_data) { .data_offset = ~0U, .data_used = 9000 };
	rig = rig_open(NULL);
	for (i = 0; i < 2 * FRAMES; i++) {
		CHECK_EQ(ks_reader_next(rig.reader, -1, &frame), 0);
		CHECK_EQ(frame.nr_planes, 3);
		CHECK_EQ(frame.used, 8000);
		CHECK_EQ(frame.planes[1].used, 4400);
		CHECK_EQ(frame.planes[1].bytes, 8092);
		CHECK_EQ(frame.planes[2].used, 0);
		CHECK_EQ(frame.planes[2].bytes, 0);
		CHECK_EQ(fake.access[frame.index], 3);
		CHECK_EQ(ks_reader_give_back(rig.reader, &frame), 0);
		CHECK_EQ(fake.access[frame.index], 0);
	}
	CHECK_EQ(fake.mappings, rig.mappings + 3 * FRAMES);
	rig_close(&rig);
}

/* Each call while a reader is made fails once */
static void test_open_fails(void)
{
	struct ks_reader *reader = NULL;
	struct rig rig;
	int n, ret;

	fake_reset();
	rig = rig_open(NULL);
	for (n = 1; n < 10; n++) {
		fake_fail(n);
		ret = ks_reader_open(ks_stream_connection(rig.stream), NULL, &reader);
		if (!ret)
			break;
		CHECK_EQ(ret, -fake.fail_errno);
		CHECK(!reader);
		CHECK_EQ(fake.open_files, rig.files + 1);
	}
	fake_fail(0);
	CHECK_EQ(n, 3);
	ks_reader_close(reader);
	rig_close(&rig);
}

/*
 * Each call for a frame with two planes fails once: the reader has no frame then, and the next call
 * works
 */
static void test_frame_fails(void)
{
	struct ks_reader_frame frame;
	struct rig rig;
	int n, ret;

	for (n = 1; n < 20; n++) {
		fake_reset();
		fake.planes = (struct ksalloc_planes) { .count = 2, .sizes = { 8000, 4500 } };
		rig = rig_open(NULL);
		fake_fail(n);
		ret = ks_reader_next(rig.reader, -1, &frame);
		if (!ret)
			break;
		CHECK_EQ(ret, -fake.fail_errno);
		CHECK_EQ(fake_frames_taken(), 0);
		CHECK_EQ(fake.access[0], 0);
		CHECK_EQ(ks_reader_next(rig.reader, -1, &frame), 0);
		CHECK_EQ(fake.access[frame.index], 2);
		rig_close(&rig);
	}
	/* EXCHANGE, INFO, memory, two planes exported and mapped, two accesses */
	CHECK_EQ(n, 1 + 1 + 1 + 2 * 2 + 2 + 1);
	fake_fail(0);
	/* The program does not have the frame, even if it cannot be given back */
	fake_fail(3);
	CHECK_EQ(ks_reader_give_back(rig.reader, &frame), -EIO);
	CHECK_EQ(ks_reader_give_back(rig.reader, &frame), -EINVAL);
	CHECK_EQ(fake.access[frame.index], 0);
	rig_close(&rig);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a stream that circulates", test_stream },
		{ "frames", test_frames },
		{ "frames that are held", test_held },
		{ "options", test_options },
		{ "timeouts", test_timeout },
		{ "status and format", test_status },
		{ "a reader of another program", test_adopt },
		{ "generations", test_generations },
		{ "a generation passes", test_stale },
		{ "planes", test_planes },
		{ "opening fails at each call", test_open_fails },
		{ "a frame fails at each call", test_frame_fails },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
