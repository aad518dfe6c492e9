// SPDX-License-Identifier: GPL-2.0-only
/* An ordinary user captures, in a container that has only the camera and /dev/ksalloc. */
#include "try.h"
#include "../selftests/box.h"

#include <unistd.h>

#define WIDTH 320
#define HEIGHT 180
/* The header of a frame in a Y4M file, and a frame of YUYV as 4:2:2 */
#define FRAME (6 + WIDTH * HEIGHT * 2)

FIXTURE(user) {
	const char *node;
};

FIXTURE_SETUP(user)
{
	repair_machine();
	self->node = node_path("vivid-000-vid-cap");
}

FIXTURE_TEARDOWN(user)
{
	(void)self;
}

/* The user needs no right but those on the two nodes. */
TEST_F(user, captures)
{
	char *const arguments[] = {
		"ks-capture", "-d", BOX_CAMERA, "-f", "YUYV", "-s", "320x180", "-n", "10",
		"-o", "x.y4m", NULL,
	};

	EXPECT_EQ(0, box_capture(self->node, arguments));
	EXPECT_LT(10 * FRAME, box_size("x.y4m"));
	EXPECT_GT(10 * FRAME + 128, box_size("x.y4m"));
}

static int capture_from(const struct user_fixture *self, char *memory)
{
	char *const arguments[] = {
		"ks-capture", "-d", BOX_CAMERA, "-n", "1", "-H", memory, NULL,
	};

	return box_capture(self->node, arguments);
}

/* There is no memory that the user could name, and no file outside of the container. */
TEST_F(user, other_memory)
{
	EXPECT_EQ(3, capture_from(self, "system"));
	EXPECT_EQ(3, capture_from(self, "udmabuf"));
}
