/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A camera in RUN
 */
#ifndef SELFTESTS_STREAM_H
#define SELFTESTS_STREAM_H

#include <sys/mman.h>
#include <unistd.h>

#include "ksalloc_test.h"

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180
#define PITCH (WIDTH * 2)
#define FRAME_SIZE (PITCH * HEIGHT)

/* Running, with all frames allocated and none submitted */
FIXTURE(stream) {
	struct rig rig;
	int connection, allocator;
	unsigned char *map[FRAMES];
	__u64 started_ns;
};

FIXTURE_SETUP(stream)
{
	int i, dmabuf;

	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(i, alloc_now(self->allocator));
		dmabuf = export_frame(self->allocator, i);
		ASSERT_LE(0, dmabuf);
		self->map[i] = map_frame(dmabuf, FRAME_SIZE,
					 PROT_READ | PROT_WRITE);
		close(dmabuf);
	}
	self->started_ns = now_ns();
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

FIXTURE_TEARDOWN(stream)
{
	set_control(self->rig.video, "Percentage of Dropped Buffers", 0);
	set_control(self->rig.video, "Timestamp Source", 0);
	rig_close(&self->rig);
}

static inline void submit_all(struct stream_fixture *self)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, submit(self->connection, i));
}

static inline bool discontinuity(const struct ksalloc_complete *frame)
{
	return frame->header.options_flags &
		KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
}

#endif
