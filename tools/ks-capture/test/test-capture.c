// SPDX-License-Identifier: GPL-2.0-only
/* Whole captures, from a camera that is played. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../say.h"
#include "camera.h"
#include "tests.h"

#define SAID(text) CHECK(strstr(camera_said, text))
#define SAID_NOT(text) CHECK(!strstr(camera_said, text))

static long size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) ? -1 : (long)st.st_size;
}

/* Names are relative, so that they are short */
void begin_captures(void)
{
	char folder[] = "/tmp/ks-capture-run-XXXXXX";

	CHECK(mkdtemp(folder) && !chdir(folder));
}

void end_captures(void)
{
	char here[64];

	CHECK(getcwd(here, sizeof(here)) && !system("rm -f ./*"));
	CHECK(!chdir("/") && !rmdir(here));
}

/* A film is written, counted and reported */
void test_capture_film(void)
{
	camera_reset(5);
	CHECK_EQ(camera_run("-n 5 -o a.y4m --report r.json"), STATUS_OK);
	SAID("5 frames of YUYV 64x36");
	SAID("0 dropped");
	CHECK_EQ(size_of("a.y4m"), 57 + 5 * (6 + 2 * 64 * 36));
	CHECK(size_of("r.json") > 0);
	CHECK_EQ(camera.starts, 1);

	camera_reset(5);
	camera.frames[3].sequence = 7;
	camera.frames[4].sequence = 8;
	CHECK_EQ(camera_run("-n 5"), STATUS_OK);
	SAID("4 dropped in 1 gap");
}

/* What comes damaged is left out, and another frame is waited for */
void test_capture_damaged(void)
{
	camera_reset(5);
	camera.frames[1].flags = KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	camera.frames[2].used = 1000;
	CHECK_EQ(camera_run("-n 3 -o a.raw"), STATUS_OK);
	SAID("3 frames");
	SAID("2 dropped, 2 of them damaged");
	CHECK_EQ(size_of("a.raw"), 3 * 2 * 64 * 36);

	camera_reset(5);
	CHECK_EQ(camera_run("-n 6 -o a.raw"), STATUS_FAILED);
	SAID("has sent no frame for 5 s");
	CHECK_EQ(size_of("a.raw"), 5 * 2 * 64 * 36);
}
