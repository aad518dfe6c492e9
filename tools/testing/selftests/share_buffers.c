// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: VIDIOC_QBUF and VIDIOC_DQBUF of the node, which do not go through the V4L2 core, fail and
 * succeed as its own calls do.
 */
#include "share.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* K11: the argument can be at any address. */
TEST_F(share, buffer_at_any_address)
{
	static const size_t shifts[] = { 0, 1, 4, 7 };
	char room[sizeof(struct v4l2_buffer) + 8];
	int fd = handle_start(self), i;
	struct v4l2_buffer buffer;
	__u32 last = 0;
	size_t shift;

	for (i = 0; i < 16; i++) {
		shift = shifts[i % ARRAY_SIZE(shifts)];
		buffer = buffer_of(0);
		memset(room, 0x5a, sizeof(room));
		memcpy(room + shift, &buffer, sizeof(buffer));
		ASSERT_EQ(0, call(fd, VIDIOC_DQBUF, room + shift));
		memcpy(&buffer, room + shift, sizeof(buffer));
		EXPECT_EQ(FRAME_SIZE, buffer.bytesused);
		EXPECT_FALSE(buffer.flags & V4L2_BUF_FLAG_QUEUED);
		EXPECT_TRUE(!i || last < buffer.sequence);
		EXPECT_EQ(0x5a, room[shift + sizeof(buffer)]);
		last = buffer.sequence;
		ASSERT_EQ(0, call(fd, VIDIOC_QBUF, room + shift));
		memcpy(&buffer, room + shift, sizeof(buffer));
		EXPECT_TRUE(buffer.flags & V4L2_BUF_FLAG_QUEUED);
		EXPECT_EQ(0, buffer.bytesused);
	}
	close(fd);
}

/* The last buffer that is in a page, so that the rest of it is not mapped if @beyond */
static struct v4l2_buffer *buffer_at_end(char *page, size_t beyond)
{
	return (void *)(page + getpagesize() - sizeof(struct v4l2_buffer) + beyond);
}

/* K11: an argument that cannot be read or written: EFAULT, and the node can be used as before. */
TEST_F(share, buffer_faults)
{
	char *page = mmap(NULL, 2 * getpagesize(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = handle_start(self);
	struct v4l2_buffer buffer = { 0 };
	int i, free = 0;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, munmap(page + getpagesize(), getpagesize()));
	EXPECT_EQ(-EFAULT, call(fd, VIDIOC_QBUF, NULL));
	EXPECT_EQ(-EFAULT, call(fd, VIDIOC_DQBUF, NULL));
	EXPECT_EQ(-EFAULT, call(fd, VIDIOC_QBUF, (void *)-8L));
	*(__u32 *)buffer_at_end(page, 8) = 0;
	EXPECT_EQ(-EFAULT, call(fd, VIDIOC_QBUF, buffer_at_end(page, 8)));
	EXPECT_EQ(-EFAULT, call(fd, VIDIOC_DQBUF, buffer_at_end(page, 8)));
	ASSERT_EQ(0, dequeue(fd, &buffer));
	*buffer_at_end(page, 0) = buffer;
	ASSERT_EQ(0, call(fd, VIDIOC_QBUF, buffer_at_end(page, 0)));

	/* As in the V4L2 core, a result that cannot be written is lost. The buffer is dequeued */
	*buffer_at_end(page, 0) = buffer_of(0);
	ASSERT_EQ(0, mprotect(page, getpagesize(), PROT_READ));
	EXPECT_EQ(-EFAULT, call(fd, VIDIOC_DQBUF, buffer_at_end(page, 0)));
	for (i = 0; i < FRAMES; i++)
		free += !queue(fd, i);
	EXPECT_EQ(1, free);
	for (i = 0; i < FRAMES; i++)
		next(fd);
	munmap(page, getpagesize());
	close(fd);
}

/* K11: a wrong argument: EINVAL, it is not written, and no buffer is queued or dequeued. */
TEST_F(share, buffer_is_wrong)
{
	int fd = handle_start(self), i;
	struct v4l2_buffer wrong[5], buffer, given;

	for (i = 0; i < (int)ARRAY_SIZE(wrong); i++) {
		memset(&wrong[i], 0x77, sizeof(wrong[i]));
		wrong[i].index = 0;
		wrong[i].type = TYPE;
		wrong[i].memory = V4L2_MEMORY_MMAP;
		wrong[i].flags = 0;
	}
	wrong[0].type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	wrong[1].type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	wrong[2].memory = V4L2_MEMORY_DMABUF;
	wrong[3].index = FRAMES;
	wrong[4].flags = V4L2_BUF_FLAG_REQUEST_FD;
	ASSERT_EQ(0, dequeue(fd, &buffer));
	wrong[0].index = buffer.index;
	wrong[1].index = buffer.index;
	wrong[2].index = buffer.index;
	wrong[4].index = buffer.index;
	for (i = 0; i < (int)ARRAY_SIZE(wrong); i++) {
		given = wrong[i];
		EXPECT_EQ(-EINVAL, call(fd, VIDIOC_QBUF, &given));
		EXPECT_EQ(0, memcmp(&wrong[i], &given, sizeof(given)));
		if (i < 3)
			EXPECT_EQ(-EINVAL, call(fd, VIDIOC_DQBUF, &given));
		EXPECT_EQ(0, memcmp(&wrong[i], &given, sizeof(given)));
	}
	ASSERT_EQ(0, queue(fd, buffer.index));
	EXPECT_EQ(-EINVAL, queue(fd, buffer.index));
	for (i = 0; i < FRAMES; i++)
		next(fd);
	close(fd);
}

/* Writes dev_debug of the node */
static void set_debug(const struct share_fixture *self, const char *value)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/sys/class/video4linux/%s/dev_debug",
		 strrchr(self->path, '/') + 1);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)strlen(value), write(fd, value, strlen(value)));
	close(fd);
}

/* Number of messages about calls of @name since the last call */
static int messages(int log, const char *name)
{
	char record[1024];
	int found = 0;
	ssize_t size;

	while ((size = read(log, record, sizeof(record) - 1)) > 0) {
		record[size] = '\0';
		found += !!strstr(record, name);
	}
	return found;
}

/* K11: with dev_debug, the V4L2 core prints the calls, and they have the same results. */
TEST_F(share, buffer_is_debugged)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int fd = handle_start(self);
	__u32 last;

	ASSERT_LE(0, log);
	ASSERT_LE(0, lseek(log, 0, SEEK_END));
	last = next(fd);
	EXPECT_EQ(0, messages(log, "VIDIOC_DQBUF"));
	/* Names of ioctls, also while streaming */
	set_debug(self, "9");
	EXPECT_LT(last, next(fd));
	set_debug(self, "0");
	EXPECT_LT(0, messages(log, "VIDIOC_DQBUF"));
	last = next(fd);
	EXPECT_LT(last, next(fd));
	EXPECT_EQ(0, messages(log, "VIDIOC_DQBUF"));
	close(fd);
	close(log);
}
