// SPDX-License-Identifier: GPL-2.0-only
/*
 * In STOP, a connection does not change how its device behaves for other programs.
 * v4l2-compliance tries each ioctl, and must print the same with a connection and without one.
 * For the node of a share, it must not find errors that the node of the camera does not have.
 */
#include "try.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../uvc/webcam.h"

#define DIRECTORY "/compliance"
#define PROGRAM DIRECTORY "/run"
/* It tries several hundred ioctls */
#define TIMEOUT_S 120

struct report {
	char text[64 * 1024];
};

FIXTURE(compliance) {
	struct report without, with;
	struct webcam cam;
	int ksalloc, connection;
};

FIXTURE_SETUP(compliance)
{
	repair_machine();
	if (access(DIRECTORY, F_OK))
		SKIP("v4l2-compliance is not here");
	ASSERT_EQ(0, access(PROGRAM, X_OK));
	self->ksalloc = open_ksalloc();
}

FIXTURE_TEARDOWN(compliance)
{
	if (self->connection > 0)
		close(self->connection);
	if (self->ksalloc > 0)
		close(self->ksalloc);
	webcam_unplug(&self->cam);
	webcam_settle(&self->cam);
	remove_module("vimc");
}

/* Ignores the exit status, which is not 0 if the driver has an error */
static void check(const char *path, struct report *report)
{
	char command[128];
	FILE *output;
	size_t used;

	snprintf(command, sizeof(command), "exec " PROGRAM " -d %s 2>&1", path);
	output = popen(command, "r");
	ASSERT_TRUE(output);
	used = fread(report->text, 1, sizeof(report->text) - 1, output);
	report->text[used] = '\0';
	pclose(output);
	EXPECT_LT(used, sizeof(report->text) - 1);
	/* The last line: the program ran to its end */
	ASSERT_TRUE(strstr(report->text, "\nTotal for "));
}

static void note_difference(char *one, char *other)
{
	char *line, *other_line;

	do {
		line = strsep(&one, "\n");
		other_line = strsep(&other, "\n");
	} while (line && other_line && !strcmp(line, other_line));
	harness_note("without: %s", line ? line : "(end)");
	harness_note("with:    %s", other_line ? other_line : "(end)");
}

static void do_connect_to(struct compliance_fixture *self, const char *path)
{
	int video = open(path, O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, video);
	self->connection = do_connect(self->ksalloc, video);
	ASSERT_LE(0, self->connection);
	close(video);
}

static void expect_same(struct compliance_fixture *self, const char *path)
{
	const char *total;
	bool same;

	check(path, &self->without);
	do_connect_to(self, path);
	check(path, &self->with);
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));
	total = strstr(self->with.text, "\nTotal for ");
	if (total)
		harness_note("%.120s", total + 1);
	same = !strcmp(self->without.text, self->with.text);
	EXPECT_TRUE(same);
	if (!same)
		note_difference(self->without.text, self->with.text);
}

/*
 * A camera of vivid. To show that the comparison can fail, the test repeats it in ACQUIRE, where
 * the device is busy and the result is different.
 */
TEST_F_TIMEOUT(compliance, vivid, TIMEOUT_S)
{
	struct rig rig = { .ksalloc = self->ksalloc };
	const char *path;

	/* v4l2-compliance would use the control that disconnects the device, so remove it */
	vivid_reload("no_error_inj=1");
	path = node_path("vivid-000-vid-cap");
	expect_same(self, path);

	rig.connection = self->connection;
	rig.heap = open_heap();
	rig_allocator(&rig, 0);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_ACQUIRE));
	check(path, &self->with);
	EXPECT_STRNE(self->without.text, self->with.text);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_STOP));
	close(rig.allocator);
	close(rig.heap);
	close(self->connection);
	self->connection = 0;
	vivid_reload("");
}

/* A camera behind a media controller */
TEST_F_TIMEOUT(compliance, vimc, TIMEOUT_S)
{
	need_module("vimc");
	expect_same(self, node_path("Raw Capture 0"));
}

/* A USB camera */
TEST_F_TIMEOUT(compliance, uvcvideo, TIMEOUT_S)
{
	need_module("vhci-hcd");
	webcam_plug(&self->cam, NULL);
	expect_same(self, self->cam.node);
}

#define ERRORS 8

/**
 * struct failure - a test of v4l2-compliance that failed
 * @test: the line with its result, without the blanks before it
 * @errors: the lines with its errors, in the same form
 * @count: number of these lines
 */
struct failure {
	const char *test;
	const char *errors[ERRORS];
	unsigned int count;
};

/* Returns the number of failures. The text of the report is split into lines */
static unsigned int failures_of(struct report *report, struct failure *failures, unsigned int max)
{
	struct failure failure = { };
	char *rest = report->text, *line;
	unsigned int count = 0;

	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, " \t");
		if (!strncmp(line, "fail: ", 6)) {
			ASSERT_LT(failure.count, ERRORS);
			failure.errors[failure.count++] = line;
		} else if (strstr(line, ": FAIL")) {
			ASSERT_LT(count, max);
			failure.test = line;
			failures[count++] = failure;
			failure.count = 0;
		} else if (!strncmp(line, "test ", 5)) {
			/* One that succeeded has no error */
			EXPECT_EQ(0, failure.count);
			failure.count = 0;
		}
	}
	EXPECT_EQ(0, failure.count);
	return count;
}

static bool is_same(const struct failure *one, const struct failure *other)
{
	unsigned int i;

	if (strcmp(one->test, other->test) || one->count != other->count)
		return false;
	for (i = 0; i < one->count; i++)
		if (strcmp(one->errors[i], other->errors[i]))
			return false;
	return true;
}

/*
 * The test that fails at each node on which many programs stream, and its error: a second program
 * gets buffers. Documentation/userspace-api/sharing.rst has this line, with that of the source
 */
#define EXCEPTION_TEST "test VIDIOC_REQBUFS/CREATE_BUFS/QUERYBUF: FAIL"
#define EXCEPTION_FILE "v4l2-test-buffers.cpp"
#define EXCEPTION_ERROR "q2.reqbufs(node->node2, 1) != EBUSY"

/* Whether a line is "fail: FILE(LINE): ERROR" */
static bool is_error(const char *line, const char *file, const char *error)
{
	size_t length = strlen(file);

	line += strlen("fail: ");
	if (strncmp(line, file, length) || line[length] != '(')
		return false;
	line += length + 1;
	line += strspn(line, "0123456789");
	return !strncmp(line, "): ", 3) && !strcmp(line + 3, error);
}

/* It has no other error: v4l2-compliance could have found that one before or after it */
static bool is_exception(const struct failure *failure)
{
	return !strcmp(failure->test, EXCEPTION_TEST) && failure->count == 1 &&
	       is_error(failure->errors[0], EXCEPTION_FILE, EXCEPTION_ERROR);
}

#define FAILURES 32

/*
 * Each test that failed at the node of the share is the exception, or failed at the camera's node
 * with the same errors. The exception was needed.
 */
static void expect_errors_of(struct report *node, struct report *camera)
{
	struct failure failures[FAILURES], cameras[FAILURES];
	unsigned int count = failures_of(node, failures, FAILURES), i, j;
	unsigned int of_camera = failures_of(camera, cameras, FAILURES);
	bool used = false, good;

	for (i = 0; i < count; i++) {
		good = false;
		for (j = 0; j < of_camera; j++)
			good |= is_same(&failures[i], &cameras[j]);
		harness_note("%s: %s", good ? "the camera, too" : "only the share",
			     failures[i].test);
		for (j = 0; j < failures[i].count; j++)
			harness_note("    %s", failures[i].errors[j]);
		used |= is_exception(&failures[i]);
		EXPECT_TRUE(good || is_exception(&failures[i]));
	}
	EXPECT_TRUE(used);
}

/* The node of a share, including its streams */
static void check_share(struct compliance_fixture *self, const char *path)
{
	struct ksalloc_share arg = { .size = sizeof(arg) };
	char node[32];

	check(path, &self->without);
	arg.v4l2_fd = open(path, O_RDWR | O_CLOEXEC);
	self->connection = call_fd(self->ksalloc, KSALLOC_SHARE, &arg);
	ASSERT_LE(0, self->connection);
	close(arg.v4l2_fd);
	snprintf(node, sizeof(node), "/dev/video%u -s", arg.node);
	check(node, &self->with);
	EXPECT_TRUE(strstr(self->with.text, "test MMAP (no poll): OK"));
	EXPECT_TRUE(strstr(self->with.text, "test MMAP (select): OK"));
	EXPECT_TRUE(strstr(self->with.text, "test MMAP (epoll): OK"));
	expect_errors_of(&self->with, &self->without);
}

TEST_F_TIMEOUT(compliance, share_of_vivid, TIMEOUT_S)
{
	vivid_reload("no_error_inj=1");
	check_share(self, node_path("vivid-000-vid-cap"));
	close(self->connection);
	self->connection = 0;
	vivid_reload("");
}

TEST_F_TIMEOUT(compliance, share_of_uvcvideo, TIMEOUT_S)
{
	need_module("vhci-hcd");
	webcam_plug(&self->cam, NULL);
	check_share(self, self->cam.node);
}
