// SPDX-License-Identifier: GPL-2.0-only
/*
 * The signal at an HDMI input of vivid changes or ends, while ks-capture or another program
 * captures.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <linux/v4l2-dv-timings.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/tools/bin/ks-capture-static"
#define DIRECTORY "/tmp/source"
#define MESSAGES "/tmp/source.log"

/* Number of the HDMI input */
#define HDMI 3

/* Values of the control "DV Timings Signal Mode" */
#define SIGNAL_CURRENT 0
#define SIGNAL_NONE 1
#define SIGNAL_CHOSEN 4

/* A value of the control "DV Timings": 720x480p */
#define TIMINGS_480P 2

FIXTURE(source) {
	int video;
};

/* The capture that runs; 0 if there is none */
static pid_t running;

static int set_signal(int video, int mode)
{
	return set_control(video, "DV Timings Signal Mode", mode);
}

FIXTURE_SETUP(source)
{
	struct v4l2_dv_timings small = V4L2_DV_BT_CEA_640X480P59_94;
	int input = HDMI;

	if (access(PROGRAM, X_OK))
		SKIP("no " PROGRAM);
	repair_machine();
	self->video = open_camera(0);
	ASSERT_EQ(0, call_fd(self->video, VIDIOC_S_INPUT, &input));
	ASSERT_EQ(0, set_signal(self->video, SIGNAL_CURRENT));
	ASSERT_EQ(0, call_fd(self->video, VIDIOC_S_DV_TIMINGS, &small));
}

FIXTURE_TEARDOWN(source)
{
	int input = 0;

	if (running > 0) {
		kill(running, SIGKILL);
		waitpid(running, NULL, 0);
	}
	EXPECT_EQ(0, system("rm -rf " DIRECTORY " " MESSAGES));
	if (self->video <= 0)
		return;
	EXPECT_EQ(0, set_signal(self->video, SIGNAL_CURRENT));
	EXPECT_EQ(0, set_control(self->video, "DV Timings", 0));
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_S_INPUT, &input));
	close(self->video);
}

static void capture(const char *count, const char *on_change)
{
	const char *node = node_path("vivid-000-vid-cap");
	int log;

	ASSERT_EQ(0, system("rm -rf " DIRECTORY " && mkdir " DIRECTORY));
	running = fork();
	ASSERT_LE(0, running);
	if (!running) {
		log = open(MESSAGES, O_CREAT | O_TRUNC | O_WRONLY, 0600);
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		close_range(3, ~0U, 0);
		execl(PROGRAM, PROGRAM, "-d", node, "-f", "YUYV", "--skip", "0", "-n", count,
		      "--on-change", on_change, "-o", DIRECTORY "/%d.raw", NULL);
		_exit(127);
	}
}

/* The size of a frame in a file; 0 if there is no such file */
static long long frame_size(const char *path)
{
	struct stat file;

	return stat(path, &file) ? 0 : file.st_size;
}

static int exit_status(void)
{
	int status;

	ASSERT_EQ(running, waitpid(running, &status, 0));
	running = 0;
	ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Prints the messages if they do not contain the words */
static bool log_contains(const char *words)
{
	static char text[8192];
	FILE *file = fopen(MESSAGES, "r");
	size_t size;

	ASSERT_NE(NULL, file);
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = 0;
	if (strstr(text, words))
		return true;
	EXPECT_EQ(0, system("sed 's/^/# /' " MESSAGES));
	return false;
}

/* When the signal ends, the capture ends and prints the reason. */
TEST_F(source, signal_ends)
{
	capture("300", "end");
	ASSERT_TRUE(EVENTUALLY(frame_size(DIRECTORY "/1.raw") == 2 * 640 * 480));
	ASSERT_EQ(0, set_signal(self->video, SIGNAL_NONE));
	EXPECT_EQ(1, exit_status());
	EXPECT_TRUE(log_contains("its source has changed"));
	EXPECT_TRUE(log_contains("has no signal"));
}

/* Without a signal, a capture does not begin. */
TEST_F(source, no_signal)
{
	ASSERT_EQ(0, set_signal(self->video, SIGNAL_NONE));
	capture("1", "end");
	EXPECT_NE(0, exit_status());
	EXPECT_TRUE(log_contains("has no signal to capture"));
}

/* The capture restarts with the size of the new signal. */
TEST_F(source, size_changes)
{
	capture("150", "restart");
	ASSERT_TRUE(EVENTUALLY(frame_size(DIRECTORY "/1.raw") == 2 * 640 * 480));
	ASSERT_EQ(0, set_control(self->video, "DV Timings", TIMINGS_480P));
	ASSERT_EQ(0, set_signal(self->video, SIGNAL_CHOSEN));
	EXPECT_EQ(0, exit_status());
	EXPECT_TRUE(log_contains("restarting the capture"));
	EXPECT_EQ(2 * 720 * 480, frame_size(DIRECTORY "/149.raw"));
	EXPECT_TRUE(log_contains("150 frames of YUYV 720x480"));
}

static void subscribe(int video)
{
	struct v4l2_event_subscription change = { .type = V4L2_EVENT_SOURCE_CHANGE, .id = HDMI };

	ASSERT_EQ(0, ioctl(video, VIDIOC_SUBSCRIBE_EVENT, &change));
}

/* Waits for a change of the source */
static void expect_event(int video)
{
	struct v4l2_event event = { };

	ASSERT_TRUE(poll_fd(video, POLLPRI, PATIENCE_MS) & POLLPRI);
	ASSERT_EQ(0, ioctl(video, VIDIOC_DQEVENT, &event));
	EXPECT_EQ(V4L2_EVENT_SOURCE_CHANGE, event.type);
}

/* Captures some frames. No flag of their headers is about the source. */
static void expect_frames(struct rig *rig)
{
	struct ksalloc_complete frame;
	int i;

	for (i = 0; i < 4; i++) {
		rig_turn(rig, &frame);
		EXPECT_FALSE(frame.header.options_flags & KSSTREAM_HEADER_OPTIONSF_TYPECHANGED);
	}
}

/*
 * A program that captures with ksalloc learns of a change from its own V4L2 file. The stream keeps
 * its format until the program stops it, sets the new timings, and gets frames of the new size.
 */
TEST_F(source, event_of_own_file)
{
	struct v4l2_dv_timings seen = { };
	struct ksallocator_framing framing;
	struct rig rig = { .ksalloc = open_ksalloc(), .heap = open_heap() };

	/* Frames of the camera's own memory keep its format as long as they exist */
	need_heap();
	rig.connection = do_connect(rig.ksalloc, self->video);
	ASSERT_LE(0, rig.connection);
	subscribe(self->video);
	rig_allocator(&rig, 4);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_RUN));
	rig_submit_all(&rig);
	expect_frames(&rig);

	ASSERT_EQ(0, set_control(self->video, "DV Timings", TIMINGS_480P));
	ASSERT_EQ(0, set_signal(self->video, SIGNAL_CHOSEN));
	expect_event(self->video);
	EXPECT_EQ(KSSTATE_RUN, get_state(rig.connection));
	expect_frames(&rig);
	ASSERT_EQ(0, ioctl(self->video, VIDIOC_QUERY_DV_TIMINGS, &seen));
	EXPECT_EQ(720, seen.bt.width);
	EXPECT_EQ(-EBUSY, call_fd(self->video, VIDIOC_S_DV_TIMINGS, &seen));

	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_S_DV_TIMINGS, &seen));
	ASSERT_EQ(0, get_framing(rig.connection, &framing));
	EXPECT_EQ(2 * 720 * 480, framing.frame_size);
	EXPECT_EQ(-EINVAL, set_state(rig.connection, KSSTATE_RUN));
	rig_close(&rig);
}
