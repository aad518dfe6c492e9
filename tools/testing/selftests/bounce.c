// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that read frames from bounce buffers. If the memory of a frame is synchronized for the
 * CPU, exporters copy these buffers back, and an old picture replaces a new one. With
 * swiotlb=force, all DMA uses such buffers, as in confidential guests.
 */
#define READERS_WITHOUT_FIXTURE
#include "readers.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* More than a picture */
#define SIZE 65536
#define PICTURE (WIDTH * HEIGHT)
/* Until each frame was filled again */
#define TURNS 400

static void need_bounce_buffers(void)
{
	char line[4096] = "";

	ASSERT_LT(0, read_text("/proc/cmdline", line, sizeof(line)));
	if (!strstr(line, "swiotlb=force"))
		SKIP("the kernel was booted without swiotlb=force");
	need_vivid("1,1", "1,0");
}

static void set_grey(int video, enum v4l2_buf_type type)
{
	struct v4l2_format format = { .type = type };

	ASSERT_EQ(0, ioctl(video, VIDIOC_G_FMT, &format));
	format.fmt.pix.width = WIDTH;
	format.fmt.pix.height = HEIGHT;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_GREY;
	format.fmt.pix.bytesperline = 0;
	format.fmt.pix.sizeimage = 0;
	ASSERT_EQ(0, ioctl(video, VIDIOC_S_FMT, &format));
	ASSERT_EQ(PICTURE, format.fmt.pix.sizeimage);
}

/* A device that reads frames, as an encoder does */
static int encoder_open(void)
{
	struct v4l2_requestbuffers buffers = {
		.count = FRAMES, .type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
		.memory = V4L2_MEMORY_DMABUF,
	};
	int video = open_node("vivid-000-vid-out", O_RDWR);

	ASSERT_LE(0, video);
	set_grey(video, V4L2_BUF_TYPE_VIDEO_OUTPUT);
	ASSERT_EQ(0, ioctl(video, VIDIOC_REQBUFS, &buffers));
	return video;
}

static int encoder_import(int encoder, int dmabuf)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_DMABUF,
		.bytesused = PICTURE, .length = PICTURE, .m.fd = dmabuf,
	};

	return call_fd(encoder, VIDIOC_QBUF, &buffer);
}

static int sync_view(int view, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_READ };

	return call_fd(view, DMA_BUF_IOCTL_SYNC, &sync);
}

/* A stream of pictures with one byte for each pixel, and two readers */
struct pictures {
	int ksalloc, video, connection, allocator, viewer, recorder;
};

static void pictures_start(struct pictures *pictures, bool udmabuf)
{
	int dmabufs[FRAMES], heap, i;

	pictures->ksalloc = open_ksalloc();
	pictures->video = open_camera(1);
	ASSERT_EQ(0, set_format(pictures->video, WIDTH, HEIGHT));
	set_grey(pictures->video, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	pictures->connection = do_connect(pictures->ksalloc, pictures->video);
	ASSERT_LE(0, pictures->connection);
	if (udmabuf) {
		for (i = 0; i < FRAMES; i++)
			dmabufs[i] = from_udmabuf(SIZE);
		pictures->allocator = import_dmabufs(pictures->connection, dmabufs, FRAMES);
		for (i = 0; i < FRAMES; i++)
			close(dmabufs[i]);
	} else {
		heap = open_heap();
		pictures->allocator = create_allocator(pictures->connection, heap, FRAMES, SIZE);
		close(heap);
	}
	ASSERT_LE(0, pictures->allocator);
	ASSERT_EQ(0, set_allocator(pictures->connection, pictures->allocator));
	ASSERT_EQ(0, circulate(pictures->connection, KSSTATE_RUN));
	pictures->viewer = reader_open(pictures->connection, 2, 1, 0);
	pictures->recorder = reader_open(pictures->connection, 2, 1, 0);
	ASSERT_LE(0, pictures->viewer);
	ASSERT_LE(0, pictures->recorder);
}

static void pictures_end(struct pictures *pictures)
{
	close(pictures->viewer);
	close(pictures->recorder);
	close(pictures->allocator);
	close(pictures->connection);
	close(pictures->video);
	close(pictures->ksalloc);
}

static const unsigned char *map_picture(int view)
{
	const unsigned char *map = mmap(NULL, PICTURE, PROT_READ, MAP_SHARED, view, 0);

	ASSERT_TRUE((const void *)map != MAP_FAILED);
	return map;
}

/* A picture of the recorder, in a frame that the viewer had before */
static const unsigned char *newer_picture(struct pictures *pictures,
					  const struct ksalloc_reader_frame *old)
{
	struct ksalloc_reader_frame frame = {};
	const unsigned char *map;
	int view, i;

	ASSERT_EQ(1, take(pictures->recorder, &frame));
	for (i = 0; i < TURNS && (frame.index != old->index ||
				  frame.sequence <= old->sequence); i++)
		ASSERT_EQ(1, turn(pictures->recorder, &frame));
	ASSERT_EQ(old->index, frame.index);
	ASSERT_LT(old->sequence, frame.sequence);
	view = reader_export(pictures->recorder, frame.index, frame.generation);
	ASSERT_LE(0, view);
	map = map_picture(view);
	close(view);
	return map;
}

/* K5: a device that would read a copy of a frame cannot import the view. */
TEST(import_by_reader)
{
	struct ksalloc_reader_frame frame = {};
	struct pictures pictures;
	int encoder, dmabuf, view;

	need_bounce_buffers();
	pictures_start(&pictures, false);
	ASSERT_EQ(1, take(pictures.viewer, &frame));
	view = reader_export(pictures.viewer, frame.index, frame.generation);
	ASSERT_LE(0, view);
	encoder = encoder_open();
	/* The view returns EOPNOTSUPP, and videobuf2 EINVAL */
	EXPECT_EQ(-EINVAL, encoder_import(encoder, view));
	close(encoder);
	encoder = encoder_open();
	dmabuf = export_frame(pictures.allocator, frame.index);
	EXPECT_EQ(0, encoder_import(encoder, dmabuf));
	close(dmabuf);
	close(encoder);
	close(view);
	pictures_end(&pictures);
}

/* The viewer synchronizes a frame of the recorder, of which the device or udmabuf has a copy. */
static void sync_of_viewer(bool udmabuf)
{
	struct ksalloc_reader_frame old = {};
	const unsigned char *map;
	struct pictures pictures;
	int encoder = -1, dmabuf = -1, view;
	unsigned char *before;

	pictures_start(&pictures, udmabuf);
	ASSERT_EQ(1, take(pictures.viewer, &old));
	view = reader_export(pictures.viewer, old.index, old.generation);
	ASSERT_LE(0, view);
	if (udmabuf) {
		EXPECT_EQ(0, sync_view(view, DMA_BUF_SYNC_START));
		EXPECT_EQ(0, sync_view(view, DMA_BUF_SYNC_END));
	} else {
		encoder = encoder_open();
		dmabuf = export_frame(pictures.allocator, old.index);
		ASSERT_LE(0, dmabuf);
		ASSERT_EQ(0, encoder_import(encoder, dmabuf));
	}
	before = malloc(PICTURE);
	ASSERT_NE(NULL, before);
	map = map_picture(view);
	memcpy(before, map, PICTURE);
	munmap((void *)map, PICTURE);
	ASSERT_EQ(0, give(pictures.viewer, &old));

	map = newer_picture(&pictures, &old);
	ASSERT_NE(0, memcmp(before, map, PICTURE));
	memcpy(before, map, PICTURE);
	EXPECT_EQ(0, sync_view(view, DMA_BUF_SYNC_START));
	EXPECT_EQ(0, memcmp(before, map, PICTURE));
	EXPECT_EQ(0, sync_view(view, DMA_BUF_SYNC_END));
	EXPECT_EQ(0, memcmp(before, map, PICTURE));
	/* The client itself can do it */
	if (!udmabuf) {
		EXPECT_EQ(0, sync_view(dmabuf, DMA_BUF_SYNC_START));
		EXPECT_NE(0, memcmp(before, map, PICTURE));
		EXPECT_EQ(0, sync_view(dmabuf, DMA_BUF_SYNC_END));
	}

	free(before);
	munmap((void *)map, PICTURE);
	close(view);
	close(dmabuf);
	close(encoder);
	pictures_end(&pictures);
}

/* K5: with SYNC, a reader cannot copy an old picture of a device's buffer into a new frame. */
TEST(sync_with_importer)
{
	need_bounce_buffers();
	sync_of_viewer(false);
}

/* K5: nor an old picture of the buffer that udmabuf itself has. */
TEST(sync_with_udmabuf)
{
	need_bounce_buffers();
	sync_of_viewer(true);
}
