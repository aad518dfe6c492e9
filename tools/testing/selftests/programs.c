// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract J2: clients that find, open and read a camera in different ways, as programs for
 * Windows do. See tools/testing/clients.
 */
#include "programs.h"

#define NO_TEXT 2
#define ALL_TEXT 0

FIXTURE(programs) {
	struct footprint before;
	unsigned char *expected;
	int video;
};

/*
 * Without text and movement, all pictures are equal. Their order is that of the numbers that the
 * client gets
 */
FIXTURE_SETUP(programs)
{
	repair_machine();
	self->video = open_camera(0);
	ASSERT_EQ(0, set_format(self->video, 320, 180));
	ASSERT_EQ(0, set_control(self->video, "OSD Text Mode", NO_TEXT));
	self->expected = malloc(PROGRAMS_BYTES);
	ASSERT_TRUE(self->expected);
	ASSERT_EQ(PROGRAMS_BYTES, read(self->video, self->expected, PROGRAMS_BYTES));
	/* The read makes this file the owner of the buffers */
	close(self->video);
	self->video = open_camera(0);
	footprint_take(&self->before);
}

FIXTURE_TEARDOWN(programs)
{
	EXPECT_FOOTPRINT(&self->before);
	EXPECT_EQ(0, set_control(self->video, "OSD Text Mode", ALL_TEXT));
	close(self->video);
	free(self->expected);
}

static void expect_pictures(struct programs_fixture *self, const char *name)
{
	unsigned char *pictures = programs_run(name, node_path("vivid-000-vid-cap"));
	int i, wrong = 0;

	for (i = 0; i < PROGRAMS_FRAMES; i++)
		wrong += !!memcmp(pictures + i * PROGRAMS_BYTES, self->expected, PROGRAMS_BYTES);
	EXPECT_EQ(0, wrong);
	free(pictures);
}

/* J2: SetupDi functions, many reads with events, and CancelIo(). */
TEST_F(programs, events)
{
	expect_pictures(self, "events");
}

/* J2: C++, a list of interfaces, an intersection of formats, CancelIoEx(). */
TEST_F(programs, card)
{
	expect_pictures(self, "card");
}

/* J2: reads in a thread that waits for each, and CancelSynchronousIo(). */
TEST_F(programs, viewer)
{
	expect_pictures(self, "viewer");
}

/* J2: C++, an allocator, sets that are supported, a completion port. */
TEST_F(programs, proxy)
{
	expect_pictures(self, "proxy");
}

/* J2: functions of ntdll.dll, GetProcAddress(), several headers in a read. */
TEST_F(programs, native)
{
	expect_pictures(self, "native");
}

/* J2: C++, nodes and controls of the filter, the second form of a format, STOP with a read. */
TEST_F(programs, tuner)
{
	expect_pictures(self, "tuner");
}
