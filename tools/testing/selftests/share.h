/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A share of the first camera, and handles of its node
 */
#ifndef SELFTESTS_SHARE_H
#define SELFTESTS_SHARE_H

#include "node.h"

#define FRAMES 10
/* Frames that a handle can have */
#define DEPTH ((FRAMES + 3) / 4)
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)

FIXTURE(share) {
	int ksalloc, video, share;
	char path[32];
};

#ifndef SHARE_WITHOUT_FIXTURE
FIXTURE_SETUP(share)
{
	self->ksalloc = open_ksalloc();
	self->video = open_camera(0);
	ASSERT_EQ(0, set_format(self->video, WIDTH, HEIGHT));
	self->share = share_of(self->ksalloc, self->video, 0, self->path);
	ASSERT_LE(0, self->share);
}

FIXTURE_TEARDOWN(share)
{
	if (self->share >= 0)
		close(self->share);
	close(self->video);
	close(self->ksalloc);
	if (!vivid_is_bound())
		vivid_bind();
}
#endif

static inline int handle_open(struct share_fixture *self)
{
	int fd = open(self->path, O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	return fd;
}

/* An open handle that streams, with the first buffers queued */
static inline int handle_start_with(struct share_fixture *self, int count)
{
	int fd = handle_open(self);

	request_and_queue(fd, FRAMES, count);
	ASSERT_EQ(0, stream(fd, true));
	return fd;
}

/* The same, with all of them */
static inline int handle_start(struct share_fixture *self)
{
	return handle_start_with(self, FRAMES);
}

#endif
