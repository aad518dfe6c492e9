// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers of libks in several processes, on a real device. tools/lib/test/test-reader.c tests the
 * library with a model.
 */
#include "ksalloc_test.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ks/ks.h>

#define FRAMES 12
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)
#define PICTURES 30

FIXTURE(library) {
	struct ks_stream *stream;
	int video;
};

FIXTURE_SETUP(library)
{
	struct ks_stream_config config = {
		.size = sizeof(config),
		.flags = LIBKS_STREAM_CIRCULATE | LIBKS_STREAM_DEVICE_MEMORY,
		.frames = FRAMES,
	};

	self->video = open_camera(0);
	ASSERT_EQ(0, set_format(self->video, WIDTH, HEIGHT));
	config.v4l2_fd = self->video;
	ASSERT_EQ(0, ks_stream_open(&config, &self->stream, NULL));
}

FIXTURE_TEARDOWN(library)
{
	ks_stream_close(self->stream);
	close(self->video);
}

static struct ks_reader *new_reader(struct library_fixture *self, __u32 depth)
{
	struct ks_reader_config config = { .size = sizeof(config), .depth = depth };
	struct ks_reader *reader = NULL;

	EXPECT_EQ(0, ks_reader_open(ks_stream_connection(self->stream), &config, &reader));
	return reader;
}

/*
 * Reads pictures; returns their number. On a slow machine, frames between them can be lost, and two
 * can have the same number
 */
static int read_all(struct ks_reader *reader)
{
	struct ks_reader_frame frame = { };
	__u32 sequence = 0;
	int i;

	for (i = 0; i < PICTURES; i++) {
		if (ks_reader_next(reader, PATIENCE_MS, &frame))
			break;
		if (frame.used != FRAME_SIZE || (i && frame.sequence < sequence))
			break;
		sequence = frame.sequence;
		/* The last stripe of colour bars is black */
		if (((const unsigned char *)frame.data)[FRAME_SIZE - 16] > 40)
			break;
		if (ks_reader_give_back(reader, &frame))
			break;
	}
	return i;
}

/* Another process adopts a reader; one with frames is killed; neither disturbs the first reader. */
TEST_F(library, processes)
{
	struct ks_reader *all = new_reader(self, 4), *passed = new_reader(self, 4);
	struct ks_reader *killed = new_reader(self, 2);
	struct ks_reader_status status = { };
	struct ks_reader_frame frame = { };
	int pid[2], result;

	ASSERT_EQ(0, ks_stream_start(self->stream));
	pid[0] = fork();
	if (!pid[0]) {
		struct ks_reader *reader;

		_exit(ks_reader_adopt(ks_reader_fd(passed), 0, &reader) ? 0 :
		      read_all(reader));
	}
	pid[1] = fork();
	if (!pid[1]) {
		ks_reader_next(killed, PATIENCE_MS, &frame);
		ks_reader_next(killed, PATIENCE_MS, &frame);
		raise(SIGKILL);
	}
	ks_reader_close(passed);
	ks_reader_close(killed);
	EXPECT_EQ(PICTURES, read_all(all));
	ASSERT_EQ(pid[0], waitpid(pid[0], &result, 0));
	EXPECT_TRUE(WIFEXITED(result));
	EXPECT_EQ(PICTURES, WEXITSTATUS(result));
	ASSERT_EQ(pid[1], waitpid(pid[1], &result, 0));
	EXPECT_TRUE(WIFSIGNALED(result));
	EXPECT_EQ(PICTURES, read_all(all));
	ASSERT_EQ(0, ks_reader_get_status(all, &status));
	EXPECT_EQ(FRAMES, status.frames);
	EXPECT_EQ(1, status.promised);
	EXPECT_EQ(1, status.running);
	ks_reader_close(all);
}

/* The memory of a frame can only be read. The format is that of the device. */
TEST_F(library, only_read)
{
	struct ks_reader *reader = new_reader(self, 0);
	struct ks_reader_frame frame = { };
	struct v4l2_format format = { };

	EXPECT_EQ(-ENODATA, ks_reader_get_format(reader, &format));
	ASSERT_EQ(0, ks_stream_start(self->stream));
	ASSERT_EQ(0, ks_reader_next(reader, PATIENCE_MS, &frame));
	EXPECT_EQ(0, ks_reader_get_format(reader, &format));
	EXPECT_EQ(WIDTH, format.fmt.pix.width);
	EXPECT_EQ(HEIGHT, format.fmt.pix.height);
	EXPECT_EQ(-1, mprotect((void *)frame.data, FRAME_SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-EACCES, ks_begin_access(frame.dmabuf, LIBKS_WRITE));
	EXPECT_EQ(0, ks_reader_give_back(reader, &frame));
	EXPECT_EQ(-EINVAL, ks_reader_give_back(reader, &frame));
	ks_reader_close(reader);
}

/* A stream is stopped and started again: the reader goes on, with the same mappings. */
TEST_F(library, again)
{
	struct ks_reader *reader = new_reader(self, 0);
	struct ks_reader_frame frame = { };
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ks_stream_start(self->stream));
		ASSERT_EQ(0, ks_reader_next(reader, PATIENCE_MS, &frame));
		ASSERT_EQ(0, ks_stream_stop(self->stream));
		EXPECT_EQ(0, ks_reader_give_back(reader, &frame));
		EXPECT_EQ(-EAGAIN, ks_reader_next(reader, 0, &frame));
	}
	ks_stream_close(self->stream);
	self->stream = NULL;
	EXPECT_EQ(-ENODEV, ks_reader_next(reader, -1, &frame));
	ks_reader_close(reader);
}
