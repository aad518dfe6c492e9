// SPDX-License-Identifier: GPL-2.0-only
/* An ordinary user captures, with no right but the group of the udev rule. */
#include "try.h"
#include "../selftests/box.h"

#include <unistd.h>

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

/* In a container that has only the camera and /dev/ksalloc. */
TEST_F(user, captures)
{
	box_expect_video(self->node, BOX_CONTAINER, 320, 180);
}

/* In a user namespace that the user made, and as its root. */
TEST_F(user, captures_in_namespaces)
{
	if (access("/proc/self/ns/user", F_OK))
		SKIP("no user namespaces");
	box_expect_video(self->node, BOX_NAMESPACES, 320, 180);
}

/* Beside udmabuf and heaps that the user may not open. */
TEST_F(user, captures_on_machine)
{
	box_expect_video(self->node, BOX_MACHINE, 320, 180);
}

static void expect_no_memory(const struct user_fixture *self, enum box_place place, char *memory)
{
	struct box box = { .node = self->node, .place = place };
	char *const options[] = { "-n", "1", "-H", memory, NULL };

	EXPECT_EQ(3, box_capture(&box, options));
	expect_said(box.said, "cannot be opened");
}

/* There is no memory that the user could name. */
TEST_F(user, other_memory)
{
	expect_no_memory(self, BOX_CONTAINER, "system");
	expect_no_memory(self, BOX_CONTAINER, "udmabuf");
	expect_no_memory(self, BOX_MACHINE, "system");
	expect_no_memory(self, BOX_MACHINE, "udmabuf");
}
