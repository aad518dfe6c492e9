// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: which frames a handle gets, and which of them the camera fills.
 */
#include "camera_gaps.h"
#include "share.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Frames that read_in_turn() reads of each handle */
#define READ (3 * FRAMES)

/* Frames that a handle can have, however many handles there are */
#define LEAST 2

/* A handle that keeps its first frames */
struct slow {
	int fd;
	struct v4l2_buffer kept[LEAST];
};

/*
 * Reads frames of several handles, and checks that all of them get the same ones. If all lost the
 * same frame, or the camera had no empty one, there would be a gap. @slow can be NULL.
 */
static void read_in_turn(const int *fd, int count, struct slow *slow)
{
	__u32 seen[3][READ];
	unsigned int gaps = 0;
	int i, n, first;

	for (n = 0; n < READ; n++) {
		if (slow && n < LEAST)
			ASSERT_EQ(0, dequeue(slow->fd, &slow->kept[n]));
		for (i = 0; i < count; i++)
			seen[i][n] = next(fd[i]);
	}
	for (i = 1; i < count; i++) {
		for (first = 0; first < FRAMES && seen[0][first] < seen[i][0]; first++)
			;
		for (n = 0; first + n < READ; n++)
			EXPECT_EQ(seen[0][first + n], seen[i][n]);
	}
	/* vivid can give two frames the same number if the machine is busy */
	for (n = 1; n < READ; n++)
		gaps += seen[0][n] != seen[0][n - 1] + 1 && seen[0][n] != seen[0][n - 1];
	expect_no_gaps(gaps, READ);
}

/* K11: three handles get each frame, in order. */
TEST_F(share, each_frame)
{
	int fd[3], i;

	for (i = 0; i < 3; i++)
		fd[i] = handle_start(self);
	read_in_turn(fd, 3, NULL);
	for (i = 0; i < 3; i++)
		close(fd[i]);
}

/* An input for TV and its formats, at the node of the camera, which the handles get. */
static void select_fields(int video, __u32 field)
{
	struct v4l2_format format = { .type = TYPE };
	int input = 1;

	ASSERT_EQ(0, call(video, VIDIOC_S_INPUT, &input));
	ASSERT_EQ(0, call(video, VIDIOC_G_FMT, &format));
	format.fmt.pix.field = field;
	ASSERT_EQ(0, call(video, VIDIOC_S_FMT, &format));
	ASSERT_EQ(field, format.fmt.pix.field);
}

/* K11: if each buffer is one field, it says which. With 60 Hz, the bottom field comes first. */
TEST_F(share, fields)
{
	struct v4l2_buffer buffer;
	v4l2_std_id std = 0;
	int fd, i, pairs = 0;
	__u32 last = 0, before = V4L2_FIELD_ANY, first;

	select_fields(self->video, V4L2_FIELD_ALTERNATE);
	ASSERT_EQ(0, call(self->video, VIDIOC_G_STD, &std));
	first = (std & V4L2_STD_525_60) ? V4L2_FIELD_BOTTOM : V4L2_FIELD_TOP;
	fd = handle_start(self);
	for (i = 0; i < 2 * FRAMES; i++) {
		ASSERT_EQ(0, dequeue(fd, &buffer));
		EXPECT_TRUE(buffer.field == V4L2_FIELD_TOP || buffer.field == V4L2_FIELD_BOTTOM);
		/* vivid can give two frames the same number if the machine is busy */
		if (i && buffer.sequence == last && buffer.field != before) {
			EXPECT_EQ(first, before);
			pairs++;
		}
		last = buffer.sequence;
		before = buffer.field;
		ASSERT_EQ(0, queue(fd, buffer.index));
	}
	EXPECT_LT(0, pairs);
	close(fd);
}

/*
 * K2: a handle that does not give its frames back loses frames. Those that have begun before and
 * after it do not.
 */
TEST_F(share, slow_one_loses)
{
	int fd[2] = { handle_start(self) }, i;
	struct slow slow = { .fd = handle_start(self) };
	struct v4l2_buffer buffer;

	fd[1] = handle_start(self);
	read_in_turn(fd, 2, &slow);
	for (i = 0; i < LEAST; i++)
		ASSERT_EQ(0, queue(slow.fd, slow.kept[i].index));
	ASSERT_EQ(0, dequeue(slow.fd, &buffer));
	EXPECT_LT(slow.kept[LEAST - 1].sequence + 2 * FRAMES, buffer.sequence);
	close(slow.fd);
	close(fd[0]);
	close(fd[1]);
}

/* K2: fdinfo shows what each program has, and what it has lost; the oldest first. */
TEST_F(share, shows_programs)
{
	unsigned int limit = 0, queued = 0, taken = 0, lost = 0;
	int fd = handle_start(self), other = handle_start(self), pid = 0, fields, i;
	char text[64];

	next(fd);
	for (i = 0; i < 2 * FRAMES; i++)
		next(other);
	ASSERT_EQ(0, dequeue(fd, &(struct v4l2_buffer){ }));
	ASSERT_TRUE(fdinfo_value(self->share, "program", text, sizeof(text)));
	fields = sscanf(text, "%d %u %u %u %u", &pid, &limit, &queued, &taken, &lost);
	ASSERT_EQ(5, fields);
	EXPECT_EQ(getpid(), pid);
	EXPECT_EQ(DEPTH, limit);
	EXPECT_EQ(1, taken);
	EXPECT_LE(DEPTH - 1, queued + taken);
	/* The other program may have left frames in the camera */
	EXPECT_LE(FRAMES, lost);
	close(other);
	close(fd);
	EXPECT_TRUE(EVENTUALLY(!fdinfo_value(self->share, "program", text, sizeof(text))));
}

/* K11: a handle gets only frames whose buffers it has queued. */
TEST_F(share, only_queued)
{
	int fd = handle_open(self), other = handle_start(self), i;
	struct v4l2_buffer buffer;

	ASSERT_EQ(FRAMES, request_buffers(fd, 2));
	ASSERT_EQ(0, queue(fd, 3));
	ASSERT_EQ(0, queue(fd, 5));
	ASSERT_EQ(0, stream(fd, true));
	for (i = 0; i < 2 * FRAMES; i++)
		next(other);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, dequeue(fd, &buffer));
		EXPECT_TRUE(buffer.index == 3 || buffer.index == 5);
		ASSERT_EQ(0, queue(fd, buffer.index));
		next(other);
	}
	close(fd);
	close(other);
}

/* Reads frames of a handle, and returns which buffers they were in */
static unsigned int buffers_of(int fd, int frames)
{
	struct v4l2_buffer buffer;
	unsigned int seen = 0;

	while (frames--) {
		ASSERT_EQ(0, dequeue(fd, &buffer));
		seen |= 1U << buffer.index;
		ASSERT_EQ(0, queue(fd, buffer.index));
	}
	return seen;
}

/*
 * Reads frames of a handle, and as many of another one if @second is not -1. Returns how many the
 * camera filled meanwhile.
 */
static unsigned int read_both(int first, int second, int frames)
{
	__u32 begin = next(first), end = begin;

	while (frames--) {
		end = next(first);
		if (second >= 0)
			next(second);
	}
	return end - begin;
}

/*
 * K11: a handle that has queued few buffers does not lose the frames of the others. If the camera
 * filled all of them, it would lose three of five. The camera can skip some on a busy machine.
 */
TEST_F(share, few_buffers)
{
	int few = handle_start_with(self, 4), all, i;

	EXPECT_LT(read_both(few, -1, 3 * FRAMES), 5 * FRAMES);
	all = handle_start(self);
	read_both(few, all, FRAMES);
	EXPECT_LT(read_both(few, all, 3 * FRAMES), 5 * FRAMES);

	/* The other frames are used again when it has queued them */
	for (i = 4; i < FRAMES; i++)
		ASSERT_EQ(0, queue(few, i));
	EXPECT_EQ((1U << FRAMES) - 1, buffers_of(all, 3 * FRAMES));
	close(all);
	close(few);
}

/* K11: when such a handle ends, the camera has all frames again. */
TEST_F(share, few_buffers_end)
{
	int few = handle_start_with(self, 4), all = handle_start(self);

	read_both(few, all, 2 * FRAMES);
	close(few);
	EXPECT_EQ((1U << FRAMES) - 1, buffers_of(all, 3 * FRAMES));
	close(all);
}

/* K2: a handle that does not read, or has queued no buffer, leaves the camera all other frames. */
TEST_F(share, few_buffers_stopped)
{
	int none = handle_start_with(self, 0), few, all = handle_start(self);

	EXPECT_EQ((1U << FRAMES) - 1, buffers_of(all, 2 * FRAMES));
	close(none);
	few = handle_start_with(self, 4);
	read_both(few, all, 2 * FRAMES);
	buffers_of(all, FRAMES);
	EXPECT_EQ(((1U << FRAMES) - 1) & ~0xf, buffers_of(all, 3 * FRAMES) & ~0xf);
	close(few);
	close(all);
}

/* K11: there are as many buffers as the camera needs, if the user asks for fewer. */
TEST_F(share, as_many_as_needed)
{
	int fd, count;

	close(self->share);
	self->share = share_of(self->ksalloc, self->video, 1, self->path);
	ASSERT_LE(0, self->share);
	fd = handle_open(self);
	count = request_buffers(fd, 1);
	EXPECT_LE(2, count);
	EXPECT_GT(FRAMES, count);
	while (count--)
		ASSERT_EQ(0, queue(fd, count));
	ASSERT_EQ(0, stream(fd, true));
	read_both(fd, -1, 4);
	close(fd);
}

/* Copies all pictures. */
static void copy_pictures(unsigned char *const maps[FRAMES], unsigned char *copies)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		memcpy(copies + (size_t)i * FRAME_SIZE, maps[i], FRAME_SIZE);
}

/* The number of pictures that have changed after another camera has filled many frames */
static int pictures_changed(int clock, unsigned char *const maps[FRAMES])
{
	unsigned char *copies = malloc((size_t)FRAMES * FRAME_SIZE);
	int changed = 0, i;

	ASSERT_TRUE(copies);
	copy_pictures(maps, copies);
	for (i = 0; i < 2 * FRAMES; i++)
		next(clock);
	for (i = 0; i < FRAMES; i++)
		changed += !!memcmp(copies + (size_t)i * FRAME_SIZE, maps[i], FRAME_SIZE);
	free(copies);
	return changed;
}

/* The second camera, which streams without a share */
static int clock_start(void)
{
	int video = open_camera(1), count, i;

	ASSERT_EQ(0, set_format(video, WIDTH, HEIGHT));
	count = request_buffers(video, 4);
	ASSERT_LT(0, count);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, queue(video, i));
	ASSERT_EQ(0, stream(video, true));
	return video;
}

/* A picture that a handle has got, and does not give back, and a copy of it. */
struct kept {
	unsigned char *map, *copy;
};

static void keep_next(int fd, struct kept *kept)
{
	struct v4l2_buffer buffer;

	ASSERT_EQ(0, dequeue(fd, &buffer));
	kept->map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, fd, buffer.m.offset);
	ASSERT_NE(MAP_FAILED, kept->map);
	kept->copy = malloc(FRAME_SIZE);
	ASSERT_TRUE(kept->copy);
	memcpy(kept->copy, kept->map, FRAME_SIZE);
}

static bool kept_is_same(struct kept *kept)
{
	bool same = !memcmp(kept->copy, kept->map, FRAME_SIZE);

	munmap(kept->map, FRAME_SIZE);
	free(kept->copy);
	return same;
}

/* Gets as many frames as the handle can have, which must be @count. */
static void keep_all(int fd, struct kept *kept, int count)
{
	struct v4l2_buffer buffer;
	int i;

	for (i = 0; i < count; i++)
		keep_next(fd, &kept[i]);
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, dequeue(fd, &buffer));
	ASSERT_EQ(0, fcntl(fd, F_SETFL, 0));
}

/*
 * K2, K3: the frames that three programs have got stay as they are, whatever a fourth one does, and
 * that one gets frames, too. There is a time in the picture.
 */
TEST_F(share, three_keep_frames)
{
	static const int can_have[3] = { DEPTH, LEAST, LEAST };
	struct kept kept[3][DEPTH];
	struct v4l2_buffer buffer;
	int fd[3], fourth, i, n;

	for (i = 0; i < 3; i++)
		fd[i] = handle_start(self);
	for (i = 0; i < 3; i++)
		keep_all(fd[i], kept[i], can_have[i]);
	fourth = handle_start(self);
	for (i = 0; i < 2 * FRAMES; i++)
		next(fourth);
	/* It keeps frames, too */
	ASSERT_EQ(0, dequeue(fourth, &buffer));
	n = handle_start(self);
	for (i = 0; i < 2 * FRAMES; i++)
		next(n);
	close(n);
	for (i = 0; i < 3; i++) {
		for (n = 0; n < can_have[i]; n++)
			EXPECT_TRUE(kept_is_same(&kept[i][n]));
		close(fd[i]);
	}
	close(fourth);
}

/*
 * K3: two programs have got three frames each. A third one is promised two when one of those comes
 * back. When the first one ends, the second one can have three again.
 */
TEST_F(share, frames_for_next)
{
	int first = handle_start(self), second = handle_start(self), third, fourth, i;
	struct kept kept[DEPTH], more;
	struct v4l2_buffer buffer;

	for (i = 0; i < DEPTH; i++) {
		ASSERT_EQ(0, dequeue(first, &buffer));
		ASSERT_EQ(0, dequeue(second, &buffer));
	}
	third = handle_start(self);
	fourth = handle_start(self);
	ASSERT_EQ(0, queue(second, buffer.index));
	keep_all(third, kept, LEAST);
	for (i = 0; i < 2 * FRAMES; i++)
		next(fourth);
	for (i = 0; i < 2; i++)
		EXPECT_TRUE(kept_is_same(&kept[i]));

	ASSERT_EQ(0, fcntl(second, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, dequeue(second, &buffer));
	ASSERT_EQ(0, fcntl(second, F_SETFL, 0));
	close(first);
	close(fourth);
	keep_next(second, &more);
	kept_is_same(&more);
	close(second);
	close(third);
}

/* K3: when a third program begins, one that does not read loses its oldest frame of three. */
TEST_F(share, queue_shrinks)
{
	int first = handle_start(self), second = handle_start(self), third, i;
	struct kept kept[LEAST];

	for (i = 0; i < 2 * DEPTH; i++)
		next(first);
	third = handle_start(self);
	keep_all(second, kept, LEAST);
	for (i = 0; i < LEAST; i++)
		EXPECT_TRUE(kept_is_same(&kept[i]));
	close(first);
	close(second);
	close(third);
}

/* K3: when a program ends, the oldest one that has no promise gets one. */
TEST_F(share, oldest_is_next)
{
	static const int can_have[] = { DEPTH, LEAST, LEAST };
	struct kept kept[3][DEPTH];
	int fd[5], i, n;

	for (i = 0; i < 5; i++)
		fd[i] = handle_start(self);
	close(fd[0]);
	for (i = 0; i < 3; i++)
		keep_all(fd[i + 1], kept[i], can_have[i]);
	for (i = 0; i < 2 * FRAMES; i++)
		next(fd[4]);
	for (i = 0; i < 3; i++)
		for (n = 0; n < can_have[i]; n++)
			EXPECT_TRUE(kept_is_same(&kept[i][n]));
	for (i = 1; i < 5; i++)
		close(fd[i]);
}

/*
 * K12: the camera stands still after the last handle has stopped, while handles still have
 * buffers. There is a time in the picture, so each frame that is filled changes a buffer.
 */
TEST_F(share, stands_still)
{
	int fd = handle_start(self), other = handle_start(self), clock = clock_start(), i;
	unsigned char *maps[FRAMES];
	struct v4l2_buffer buffer;

	for (i = 0; i < FRAMES; i++) {
		buffer = buffer_of(i);
		ASSERT_EQ(0, call(fd, VIDIOC_QUERYBUF, &buffer));
		maps[i] = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, fd, buffer.m.offset);
		ASSERT_TRUE((void *)maps[i] != MAP_FAILED);
	}
	ASSERT_EQ(0, stream(other, false));
	EXPECT_LT(0, pictures_changed(clock, maps));
	ASSERT_EQ(0, stream(fd, false));
	EXPECT_EQ(0, pictures_changed(clock, maps));
	for (i = 0; i < FRAMES; i++)
		munmap(maps[i], FRAME_SIZE);
	close(clock);
	close(fd);
	close(other);
}

/* A node of vivid whose buffers are imported dma-bufs, with a format as large as the frames */
static int importer_open(const char *name, enum v4l2_buf_type type)
{
	struct v4l2_requestbuffers buffers = {
		.count = DEPTH,
		.type = type,
		.memory = V4L2_MEMORY_DMABUF,
	};
	struct v4l2_format format = { .type = type };
	int video = open_node(name, O_RDWR);

	ASSERT_LE(0, video);
	ASSERT_EQ(0, call(video, VIDIOC_G_FMT, &format));
	format.fmt.pix.width = WIDTH;
	format.fmt.pix.height = HEIGHT;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	format.fmt.pix.bytesperline = 0;
	format.fmt.pix.sizeimage = 0;
	ASSERT_EQ(0, call(video, VIDIOC_S_FMT, &format));
	ASSERT_EQ(FRAME_SIZE, format.fmt.pix.sizeimage);
	ASSERT_EQ(0, call(video, VIDIOC_REQBUFS, &buffers));
	ASSERT_EQ(DEPTH, buffers.count);
	return video;
}

static int import(int video, enum v4l2_buf_type type, unsigned int index, int dmabuf)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = type,
		.memory = V4L2_MEMORY_DMABUF,
		.bytesused = FRAME_SIZE,
		.length = FRAME_SIZE,
		.m.fd = dmabuf,
	};

	return call(video, VIDIOC_QBUF, &buffer);
}

/*
 * K11, K5: a device that reads imports the frames, as an encoder does; one that writes cannot. For
 * other memory than this, vivid would need a mapping of the kernel, which a view does not have.
 */
TEST(share_import)
{
	const enum v4l2_buf_type out = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	struct v4l2_buffer frames[DEPTH] = { }, done;
	struct share_fixture self;
	int fd, reading, writing, dmabuf, type = out, i;

	need_vivid("1,1", "1,1");
	share_setup(&self);
	reading = importer_open("vivid-000-vid-out", out);
	writing = importer_open("vivid-001-vid-cap", TYPE);
	fd = handle_start(&self);
	for (i = 0; i < DEPTH; i++) {
		ASSERT_EQ(0, dequeue(fd, &frames[i]));
		dmabuf = export_buffer(fd, frames[i].index, 0);
		ASSERT_LE(0, dmabuf);
		EXPECT_EQ(0, import(reading, out, i, dmabuf));
		EXPECT_GT(0, import(writing, TYPE, i, dmabuf));
		close(dmabuf);
	}
	ASSERT_EQ(0, call(reading, VIDIOC_STREAMON, &type));
	/* vivid keeps one buffer */
	for (i = 0; i < DEPTH - 1; i++) {
		done = (struct v4l2_buffer){ .type = out, .memory = V4L2_MEMORY_DMABUF };
		ASSERT_EQ(0, call(reading, VIDIOC_DQBUF, &done));
		EXPECT_FALSE(done.flags & V4L2_BUF_FLAG_ERROR);
		EXPECT_EQ(0, queue(fd, frames[done.index].index));
	}
	close(writing);
	close(reading);
	close(fd);
	share_teardown(&self);
}
