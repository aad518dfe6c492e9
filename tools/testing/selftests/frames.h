/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A camera and an allocator
 */
#ifndef SELFTESTS_FRAMES_H
#define SELFTESTS_FRAMES_H

#include "ksalloc_test.h"

#define FRAMES 4

FIXTURE(frames) {
	struct rig rig;
	int allocator;
};

FIXTURE_SETUP(frames)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->allocator = self->rig.allocator;
}

FIXTURE_TEARDOWN(frames)
{
	rig_close(&self->rig);
}

#endif
