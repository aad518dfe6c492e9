// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: 32-bit programs use the node as 64-bit programs do.
 */
#include "share.h"

#include <string.h>

#include "compat.h"

/* Structures of V4L2 in 32-bit programs, with a smaller long, struct timeval and pointers */
struct format_32 {
	__u32 type;
	union {
		struct v4l2_pix_format pix;
		__u8 raw[200];
	};
};

struct buffer_32 {
	__u32 index;
	__u32 type;
	__u32 bytesused;
	__u32 flags;
	__u32 field;
	__s32 seconds;
	__s32 microseconds;
	struct v4l2_timecode timecode;
	__u32 sequence;
	__u32 memory;
	__u32 offset;
	__u32 length;
	__u32 reserved2;
	__u32 request_fd;
};

struct ext_control_32 {
	__u32 id;
	__u32 size;
	__u32 reserved;
	__s32 value;
	__u32 value_high;
};

struct ext_controls_32 {
	__u32 which;
	__u32 count;
	__u32 error_idx;
	__s32 request_fd;
	__u32 reserved;
	__u32 controls;
};

#define G_FMT_32 _IOWR('V', 4, struct format_32)
#define S_FMT_32 _IOWR('V', 5, struct format_32)
#define TRY_FMT_32 _IOWR('V', 64, struct format_32)
#define QUERYBUF_32 _IOWR('V', 9, struct buffer_32)
#define QBUF_32 _IOWR('V', 15, struct buffer_32)
#define DQBUF_32 _IOWR('V', 17, struct buffer_32)
#define G_EXT_CTRLS_32 _IOWR('V', 71, struct ext_controls_32)
#define S_EXT_CTRLS_32 _IOWR('V', 72, struct ext_controls_32)

static struct buffer_32 *buffer_32(void *page, unsigned int index)
{
	struct buffer_32 *buffer = page;

	*buffer = (struct buffer_32){
		.index = index,
		.type = TYPE,
		.memory = V4L2_MEMORY_MMAP,
	};
	return buffer;
}

/* K12: a 32-bit program reads and sets the format. */
TEST_F(share, format_32)
{
	struct format_32 *format = page_32();
	int fd = handle_open(self);

	format->type = TYPE;
	EXPECT_EQ(0, ioctl_32(fd, G_FMT_32, format));
	EXPECT_EQ(WIDTH, format->pix.width);
	EXPECT_EQ(HEIGHT, format->pix.height);
	format->pix.width = 640;
	format->pix.height = 360;
	EXPECT_EQ(0, ioctl_32(fd, TRY_FMT_32, format));
	EXPECT_EQ(640, format->pix.width);
	EXPECT_EQ(0, ioctl_32(fd, G_FMT_32, format));
	EXPECT_EQ(WIDTH, format->pix.width);
	format->pix.width = 640;
	format->pix.height = 360;
	EXPECT_EQ(0, ioctl_32(fd, S_FMT_32, format));
	memset(&format->pix, 0, sizeof(format->pix));
	EXPECT_EQ(0, ioctl_32(fd, G_FMT_32, format));
	EXPECT_EQ(640, format->pix.width);
	EXPECT_EQ(360, format->pix.height);

	format->type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	EXPECT_EQ(-EINVAL, ioctl_32(fd, G_FMT_32, format));
	EXPECT_EQ(-EFAULT, ioctl_32(fd, G_FMT_32, NULL));
	EXPECT_EQ(-ENOTTY, ioctl_32(fd, _IOWR('V', 103, int), format));
	close(fd);
}

/* K12: a 32-bit program reads and sets controls, also with an argument that has a pointer. */
TEST_F(share, controls_32)
{
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_control *control_32 = page_32();
	struct ext_controls_32 *extended = (void *)(control_32 + 1);
	struct ext_control_32 *brightness = (void *)(extended + 1);
	int fd = handle_open(self), value;

	ASSERT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	value = control.value;
	*control_32 = (struct v4l2_control){ V4L2_CID_BRIGHTNESS, value / 2 };
	EXPECT_EQ(0, ioctl_32(fd, VIDIOC_S_CTRL, control_32));
	brightness->id = V4L2_CID_BRIGHTNESS;
	extended->count = 1;
	extended->controls = (uintptr_t)brightness;
	EXPECT_EQ(0, ioctl_32(fd, G_EXT_CTRLS_32, extended));
	EXPECT_EQ(value / 2, brightness->value);
	brightness->value = value / 3;
	EXPECT_EQ(0, ioctl_32(fd, S_EXT_CTRLS_32, extended));
	EXPECT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	EXPECT_EQ(value / 3, control.value);
	control.value = value;
	EXPECT_EQ(0, call(self->video, VIDIOC_S_CTRL, &control));
	close(fd);
}

/* K12: a 32-bit program reads a string. Its pointer has 32 bits of an argument of 64. */
TEST_F(share, payload_32)
{
	struct v4l2_queryctrl query = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };
	struct ext_controls_32 *extended = page_32();
	struct ext_control_32 *string = (void *)(extended + 1);
	char *text = (char *)(string + 1);
	int fd = handle_open(self);

	while (!call(fd, VIDIOC_QUERYCTRL, &query) && query.type != V4L2_CTRL_TYPE_STRING)
		query.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	string->id = query.id;
	string->size = query.maximum + 1;
	string->value = (uintptr_t)text;
	string->value_high = 1;
	extended->count = 1;
	extended->controls = (uintptr_t)string;
	EXPECT_EQ(0, ioctl_32(fd, G_EXT_CTRLS_32, extended));
	EXPECT_LE(query.minimum, (int)strlen(text));
	close(fd);
}

/* K12: a 32-bit program streams. Its frames are those of a 64-bit program. */
TEST_F(share, stream_32)
{
	int other = handle_start(self), fd = handle_open(self), i;
	void *page = page_32();
	struct buffer_32 *buffer;
	struct v4l2_buffer same;
	int found = 0;

	ASSERT_EQ(FRAMES, request_buffers(fd, 4));
	if (ioctl_32(fd, QUERYBUF_32, buffer_32(page, 0)) == -ENOTTY)
		SKIP("the kernel has no CONFIG_COMPAT_32BIT_TIME");
	for (i = 0; i < FRAMES; i++) {
		buffer = buffer_32(page, i);
		ASSERT_EQ(0, ioctl_32(fd, QUERYBUF_32, buffer));
		EXPECT_EQ(FRAME_SIZE, buffer->length);
		ASSERT_EQ(0, ioctl_32(fd, QBUF_32, buffer_32(page, i)));
	}
	EXPECT_EQ(-EINVAL, ioctl_32(fd, QBUF_32, buffer_32(page, FRAMES)));
	ASSERT_EQ(0, stream(fd, true));
	for (i = 0; i < FRAMES; i++) {
		buffer = buffer_32(page, 0);
		ASSERT_EQ(0, ioctl_32(fd, DQBUF_32, buffer));
		EXPECT_EQ(FRAME_SIZE, buffer->bytesused);
		do {
			ASSERT_EQ(0, dequeue(other, &same));
			ASSERT_EQ(0, queue(other, same.index));
		} while (same.sequence < buffer->sequence);
		/* A slow program loses frames, and vivid gives two frames the same number */
		if (same.index == buffer->index) {
			EXPECT_EQ(same.sequence, buffer->sequence);
			EXPECT_EQ((__s32)same.timestamp.tv_sec, buffer->seconds);
			EXPECT_EQ((__s32)same.timestamp.tv_usec, buffer->microseconds);
			found++;
		}
		ASSERT_EQ(0, ioctl_32(fd, QBUF_32, buffer_32(page, buffer->index)));
	}
	EXPECT_LT(0, found);
	close(fd);
	close(other);
}
