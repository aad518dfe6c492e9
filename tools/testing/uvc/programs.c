// SPDX-License-Identifier: GPL-2.0-only
/* The clients of tools/testing/clients capture from a USB camera. */
#include "webcam.h"
#include "picture.h"

#include "../selftests/programs.h"

FIXTURE(uvc_programs) {
	struct webcam cam;
};

FIXTURE_SETUP(uvc_programs)
{
	webcam_plug(&self->cam, NULL);
}

FIXTURE_TEARDOWN(uvc_programs)
{
	webcam_unplug(&self->cam);
}

/* Each picture has a label with its number */
static void expect_rising(struct uvc_programs_fixture *self, const char *name)
{
	unsigned char *pictures = programs_run(name, self->cam.node);
	uint32_t number, last = 0;
	const char *why = "";
	int i;

	for (i = 0; i < PROGRAMS_FRAMES; i++) {
		number = picture_check(pictures + i * PROGRAMS_BYTES, PROGRAMS_BYTES, &why);
		if (!number)
			harness_note("picture %d: %s", i, why);
		EXPECT_LT(last, number);
		last = number;
	}
	free(pictures);
}

/* J2: each client gets complete pictures in their order. */
TEST_F(uvc_programs, events)
{
	expect_rising(self, "events");
}

/* J2: the same for the others. */
TEST_F(uvc_programs, card)
{
	expect_rising(self, "card");
}

/* J2 */
TEST_F(uvc_programs, viewer)
{
	expect_rising(self, "viewer");
}

/* J2 */
TEST_F(uvc_programs, proxy)
{
	expect_rising(self, "proxy");
}

/* J2 */
TEST_F(uvc_programs, native)
{
	expect_rising(self, "native");
}

/* J2 */
TEST_F(uvc_programs, tuner)
{
	expect_rising(self, "tuner");
}
