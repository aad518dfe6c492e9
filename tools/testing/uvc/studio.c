// SPDX-License-Identifier: GPL-2.0-only
/*
 * A camera, a connection to it, and checks of its pictures: see webcam.h.
 */
#include "webcam.h"

#include <linux/dma-buf.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <unistd.h>

#include "picture.h"

void studio_set_up(struct studio *studio, const char *option)
{
	webcam_plug(&studio->cam, option);
}

void studio_tear_down(struct studio *studio)
{
	studio_disconnect(studio);
	webcam_unplug(&studio->cam);
}

void studio_connect_in(struct studio *studio, unsigned int pixelformat,
		       unsigned int width, unsigned int height, unsigned int rate)
{
	struct rig *rig = &studio->rig;

	rig->allocator = -1;
	rig->ksalloc = open_ksalloc();
	rig->heap = open_heap();
	rig->video = webcam_open(&studio->cam);
	ASSERT_EQ(0, webcam_set_mode(rig->video, pixelformat, width, height, rate));
	rig->connection = do_connect(rig->ksalloc, rig->video);
	ASSERT_LE(0, rig->connection);
	ASSERT_EQ(0, get_framing(rig->connection, &rig->framing));
}

void studio_connect(struct studio *studio, unsigned int width, unsigned int height,
		    unsigned int rate)
{
	studio_connect_in(studio, V4L2_PIX_FMT_YUYV, width, height, rate);
}

/* Assigns and maps the allocator */
static void use_allocator(struct studio *studio, int allocator)
{
	struct rig *rig = &studio->rig;
	struct ksalloc_status status = {};
	unsigned int i;

	ASSERT_LE(0, allocator);
	rig->allocator = allocator;
	ASSERT_EQ(0, set_allocator(rig->connection, rig->allocator));
	ASSERT_EQ(0, get_status(rig->allocator, &status));
	studio->frames = status.status.framing.frames;
	studio->bytes = status.frame_bytes;
	ASSERT_LE(studio->frames, WEBCAM_FRAMES_MAX);
	for (i = 0; i < studio->frames; i++) {
		studio->dmabuf[i] = export_frame(rig->allocator, i);
		ASSERT_LE(0, studio->dmabuf[i]);
		studio->frame[i] = map_frame(studio->dmabuf[i], studio->bytes,
					     PROT_READ | PROT_WRITE);
	}
}

void studio_allocate_frames(struct studio *studio, int heap, unsigned int frames)
{
	const struct ksallocator_framing framing = {
		.options_flags = heap < 0 ? 0 : KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = frames,
	};

	use_allocator(studio, create_framed(studio->rig.connection, heap, &framing));
}

void studio_allocate(struct studio *studio, int heap)
{
	studio_allocate_frames(studio, heap, WEBCAM_FRAMES);
}

void studio_import(struct studio *studio)
{
	int dmabufs[WEBCAM_FRAMES], i;

	for (i = 0; i < WEBCAM_FRAMES; i++)
		dmabufs[i] = from_udmabuf(studio->rig.framing.frame_size);
	use_allocator(studio, import_dmabufs(studio->rig.connection, dmabufs, WEBCAM_FRAMES));
	for (i = 0; i < WEBCAM_FRAMES; i++)
		close(dmabufs[i]);
}

void studio_start(struct studio *studio)
{
	ASSERT_EQ(0, set_state(studio->rig.connection, KSSTATE_PAUSE));
	rig_submit_all(&studio->rig);
	EXPECT_LT(0, get_pending(studio->rig.connection));
	ASSERT_EQ(0, set_state(studio->rig.connection, KSSTATE_RUN));
}

void studio_run(struct studio *studio)
{
	studio_connect(studio, 320, 180, 30);
	studio_allocate(studio, studio->rig.heap);
	studio_start(studio);
}

void studio_disconnect(struct studio *studio)
{
	unsigned int i;

	webcam_settle(&studio->cam);
	for (i = 0; i < studio->frames; i++) {
		munmap(studio->frame[i], studio->bytes);
		close(studio->dmabuf[i]);
	}
	studio->frames = 0;
	rig_close(&studio->rig);
	memset(&studio->rig, 0, sizeof(studio->rig));
}

static void synchronize(struct studio *studio, unsigned int index, unsigned int flags)
{
	struct dma_buf_sync arg = { .flags = DMA_BUF_SYNC_READ | flags };

	ASSERT_EQ(0, ioctl(studio->dmabuf[index], DMA_BUF_IOCTL_SYNC, &arg));
}

void frame_begin_read(struct studio *studio, unsigned int index)
{
	synchronize(studio, index, DMA_BUF_SYNC_START);
}

void frame_end_read(struct studio *studio, unsigned int index)
{
	synchronize(studio, index, DMA_BUF_SYNC_END);
}

static bool wait_select(int connection)
{
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(connection, &set);
	return select(connection + 1, &set, NULL, NULL, &patience) == 1 &&
	       FD_ISSET(connection, &set);
}

static int wait_epoll(int connection)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC), ready;

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, connection, &event));
	ready = epoll_wait(epoll, &event, 1, PATIENCE_MS);
	close(epoll);
	return ready == 1 ? (int)event.events : 0;
}

static int next_frame(int connection, enum waiting waiting, struct ksalloc_complete *out)
{
	int index = -EAGAIN;

	switch (waiting) {
	case WAIT_BLOCKING:
		return complete(connection, 0, 0, out);
	case WAIT_DEADLINE:
		return complete(connection, 0, in_ms(PATIENCE_MS), out);
	case WAIT_SELECT:
		EXPECT_TRUE(wait_select(connection));
		return complete(connection, KSALLOC_NONBLOCK, 0, out);
	case WAIT_POLL:
		EXPECT_EQ(POLLIN, poll_fd(connection, POLLIN, PATIENCE_MS));
		return complete(connection, KSALLOC_NONBLOCK, 0, out);
	case WAIT_EPOLL:
		EXPECT_EQ(EPOLLIN, wait_epoll(connection));
		return complete(connection, KSALLOC_NONBLOCK, 0, out);
	case WAIT_NONBLOCK:
		EXPECT_TRUE(EVENTUALLY((index = complete(connection, KSALLOC_NONBLOCK,
							 0, out)) != -EAGAIN));
	}
	return index;
}

/* Checks of the header, besides the picture */
static void expect_header(const struct ksalloc_complete *frame, const struct watch *watch)
{
	const struct ksstream_header *header = &frame->header;
	const int64_t time = header->presentation_time.time;

	EXPECT_TRUE(header->options_flags & KSSTREAM_HEADER_OPTIONSF_TIMEVALID);
	EXPECT_LT(watch->time, time);
	EXPECT_GE((int64_t)(now_ns() / 100), time);
	if (watch->rate) {
		EXPECT_TRUE(header->options_flags &
			    KSSTREAM_HEADER_OPTIONSF_DURATIONVALID);
		/* Drivers round */
		EXPECT_LE(10000000 / watch->rate - 1, header->duration);
		EXPECT_GE(10000000 / watch->rate + 1, header->duration);
	}
}

/* The sequence numbers show how many pictures were lost. */
static void note_label(struct watch *watch, const struct ksalloc_complete *frame,
		       uint32_t counter, bool marked)
{
	if (watch->counter) {
		EXPECT_EQ(counter - watch->counter, frame->sequence - watch->sequence);
		EXPECT_TRUE(marked || counter == watch->counter + 1);
	}
	watch->counter = counter;
	watch->sequence = frame->sequence;
}

static void note_right(struct watch *watch, size_t bytes)
{
	if (!watch->smallest || bytes < watch->smallest)
		watch->smallest = bytes;
	if (bytes > watch->largest)
		watch->largest = bytes;
}

static void note_wrong(struct watch *watch, const struct ksalloc_complete *frame,
		       const char *fault, bool marked)
{
	watch->wrong++;
	watch->unmarked += !marked;
	if (!watch->damage) {
		harness_note("sequence %u, %u bytes: %s", frame->sequence,
			     frame->header.data_used, fault);
		EXPECT_EQ(0, watch->wrong);
	}
}

void watch_look(struct studio *studio, struct watch *watch, const struct ksalloc_complete *frame)
{
	const struct ksstream_header *header = &frame->header;
	const bool marked = header->options_flags & KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	const uint8_t *data;
	const char *fault;
	uint32_t counter;

	expect_header(frame, watch);
	watch->time = header->presentation_time.time;
	watch->pictures++;
	watch->marked += marked;

	frame_begin_read(studio, frame->index);
	data = studio->frame[frame->index] + header->data;
	picture_check(data, header->data_used, &fault);
	counter = picture_counter(data, header->data_used);
	frame_end_read(studio, frame->index);

	if (counter)
		note_label(watch, frame, counter, marked);
	if (fault)
		note_wrong(watch, frame, fault, marked);
	else
		note_right(watch, header->data_used);
}

int watch_next(struct studio *studio, struct watch *watch, struct ksalloc_complete *out)
{
	int index = next_frame(studio->rig.connection, watch->waiting, out);

	if (index >= 0)
		watch_look(studio, watch, out);
	return index;
}

void watch_pictures(struct studio *studio, struct watch *watch, unsigned int count)
{
	struct ksalloc_complete frame;
	int index;

	while (count--) {
		index = watch_next(studio, watch, &frame);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit(studio->rig.connection, index));
	}
}

void expect_pictures(struct studio *studio, unsigned int count)
{
	struct watch watch = { .waiting = WAIT_DEADLINE };

	watch_pictures(studio, &watch, count);
	EXPECT_EQ(count, watch.pictures);
}
