/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An allocator and two eventfds
 */
#ifndef SELFTESTS_EVENTS_H
#define SELFTESTS_EVENTS_H

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ksalloc_test.h"

#define FRAMES 4

/* A camera, an allocator of FRAMES frames, which the test holds, and two eventfds */
FIXTURE(events) {
	struct rig rig;
	int allocator;
	int eventfd;
	int second;
};

FIXTURE_SETUP(events)
{
	int i;

	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->allocator = self->rig.allocator;
	self->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->eventfd);
	self->second = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->second);
	for (i = 0; i < FRAMES; i++)
		ASSERT_LE(0, alloc_now(self->allocator));
}

FIXTURE_TEARDOWN(events)
{
	rig_close(&self->rig);
	close(self->eventfd);
	close(self->second);
}

static inline int enable(int allocator, unsigned int flags, unsigned int event, int fd,
			 unsigned int *id)
{
	struct ksalloc_enable_event arg = {
		.size = sizeof(arg),
		.flags = flags,
		.event = event,
		.eventfd = fd,
	};
	int ret = call_fd(allocator, KSALLOC_ENABLE_EVENT, &arg);

	if (!ret && id)
		*id = arg.id;
	return ret;
}

static inline int enable_free(int allocator, unsigned int flags, int fd,
			      unsigned int *id)
{
	return enable(allocator, flags, KSEVENT_STREAMALLOCATOR_FREEFRAME, fd,
		      id);
}

/* The count of the eventfd since the last call */
static inline int counted(int fd)
{
	uint64_t value;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? (int)value : 0;
}

/* The number of events, from fdinfo */
static inline int events(int allocator)
{
	char text[32];

	ASSERT_TRUE(fdinfo_value(allocator, "events", text, sizeof(text)));
	return atoi(text);
}

#endif
