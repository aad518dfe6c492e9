// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: calls that take locks of the camera or of the share are made in work items, so the
 * priority of a program does not matter for others, and the end of a program does not wait.
 */
#include "share.h"

#include <linux/v4l2-controls.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "trap.h"

#define KILLS 200
/* Calls of a share that wait for the lock of the camera at the same time */
#define ASKS 4

static struct v4l2_fmtdesc description = { .type = TYPE };
static struct v4l2_format format = { .type = TYPE };
static struct v4l2_streamparm parm = { .type = TYPE };
static struct v4l2_frmsizeenum size = { .pixel_format = V4L2_PIX_FMT_YUYV };

static struct v4l2_frmivalenum interval = {
	.pixel_format = V4L2_PIX_FMT_YUYV, .width = WIDTH, .height = HEIGHT,
};

static struct v4l2_input input;
static struct v4l2_queryctrl query = { .id = V4L2_CID_BRIGHTNESS };
static struct v4l2_query_ext_ctrl query_ext = { .id = V4L2_CID_BRIGHTNESS };
static struct v4l2_querymenu menu;
static struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS };
static struct v4l2_ext_control ext_control = { .id = V4L2_CID_BRIGHTNESS };
static struct v4l2_ext_controls ext_controls = { .count = 1, .controls = &ext_control };
static char payload[5];
static struct v4l2_ext_control text_control = { .size = sizeof(payload), .string = payload };
static struct v4l2_ext_controls text_controls = { .count = 1, .controls = &text_control };

static struct v4l2_event_subscription subscription = {
	.type = V4L2_EVENT_CTRL, .id = V4L2_CID_BRIGHTNESS,
};

static struct v4l2_requestbuffers buffers = {
	.count = 4, .type = TYPE, .memory = V4L2_MEMORY_MMAP,
};

static int buffer_type = TYPE;

#define CALL(name, arg) { #name, VIDIOC_##name, arg }

static const struct {
	const char *name;
	unsigned long request;
	void *arg;
} calls[] = {
	CALL(ENUM_FMT, &description), CALL(ENUM_FRAMESIZES, &size),
	CALL(ENUM_FRAMEINTERVALS, &interval), CALL(G_FMT, &format), CALL(TRY_FMT, &format),
	CALL(S_FMT, &format), CALL(G_PARM, &parm), CALL(S_PARM, &parm), CALL(ENUMINPUT, &input),
	CALL(QUERYCTRL, &query), CALL(QUERY_EXT_CTRL, &query_ext), CALL(QUERYMENU, &menu),
	CALL(G_CTRL, &control), CALL(S_CTRL, &control), CALL(G_EXT_CTRLS, &ext_controls),
	CALL(TRY_EXT_CTRLS, &ext_controls), CALL(S_EXT_CTRLS, &ext_controls),
	CALL(SUBSCRIBE_EVENT, &subscription), CALL(UNSUBSCRIBE_EVENT, &subscription),
	CALL(REQBUFS, &buffers), CALL(STREAMON, &buffer_type),
	CALL(STREAMOFF, &buffer_type),
};

/* The first item of a menu of the camera */
static struct v4l2_querymenu any_item(int fd)
{
	struct v4l2_queryctrl each = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };

	while (!call(fd, VIDIOC_QUERYCTRL, &each) && each.type != V4L2_CTRL_TYPE_MENU)
		each.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	ASSERT_EQ(V4L2_CTRL_TYPE_MENU, each.type);
	return (struct v4l2_querymenu){ .id = each.id, .index = each.minimum };
}

static bool is_in_trace(const char *function)
{
	static char text[1 << 18];

	trace_stop("workqueue/workqueue_execute_start", text, sizeof(text));
	return strstr(text, function);
}

/*
 * K12: a program on the node never has a lock of the camera or of the share, so the scheduler
 * cannot delay others by taking the processor from it.
 */
TEST_F(share, calls_in_work)
{
	int fd = handle_open(self), ret;
	unsigned int i;
	bool in_work;

	menu = any_item(fd);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		trace_start("workqueue/workqueue_execute_start");
		ret = call(fd, calls[i].request, calls[i].arg);
		in_work = is_in_trace("ks_share_call_work");
		if (ret || !in_work)
			harness_note("%s", calls[i].name);
		EXPECT_EQ(0, ret);
		EXPECT_TRUE(in_work);
	}
	ASSERT_EQ(FRAMES, request_buffers(fd, 4));
	trace_start("workqueue/workqueue_execute_start");
	close(fd);
	EXPECT_TRUE(is_in_trace("ks_share_closing_work"));
}

/* K12: when buffers are freed, the camera is free at once. */
TEST_F(share, buffers_end_at_once)
{
	int fd = handle_open(self), i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(FRAMES, request_buffers(fd, 4));
		ASSERT_EQ(0, request_buffers(fd, 0));
		ASSERT_EQ(0, set_format(fd, (2 - i % 2) * WIDTH, (2 - i % 2) * HEIGHT));
		ASSERT_EQ(FRAMES, request_buffers(fd, 4));
		EXPECT_EQ(-EBUSY, request_buffers(self->video, 2));
		if (i & 1)
			ASSERT_EQ(0, request_buffers(fd, 0));
		else
			close(fd);
		ASSERT_EQ(2, request_buffers(self->video, 2));
		ASSERT_EQ(0, request_buffers(self->video, 0));
		if (!(i & 1))
			fd = handle_open(self);
	}
	close(fd);
}

/* K12: as on the camera, fields of an answer that have no value are zero. */
TEST_F(share, cleared_answers)
{
	struct v4l2_queryctrl answer;
	int fd = handle_open(self);

	memset(&answer, 0xff, sizeof(answer));
	answer.id = V4L2_CID_BRIGHTNESS;
	ASSERT_EQ(0, call(fd, VIDIOC_QUERYCTRL, &answer));
	EXPECT_EQ(0, answer.reserved[0]);
	EXPECT_EQ(0, answer.reserved[1]);
	EXPECT_EQ(0, answer.name[sizeof(answer.name) - 1]);
	close(fd);
}

/* A program that makes one call on the node, or the same one again and again */
static pid_t start_call(struct share_fixture *self, unsigned long request, void *arg, bool again)
{
	pid_t child = fork();
	int fd;

	ASSERT_LE(0, child);
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = handle_open(self);
	do {
		call(fd, request, arg);
	} while (again);
	_exit(0);
}

static void end_killed(pid_t child)
{
	int status;

	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
}

/* The process sleeps, and a signal that does not end it would not wake it. */
static bool waits(pid_t child)
{
	char path[64], text[512] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	return read_text(path, text, sizeof(text)) > 0 && strstr(text, ") D ");
}

/*
 * K12: a program is killed while the camera does not respond to its call, or while the call waits
 * for another one. It ends at once, and its call leaves nothing.
 */
TEST_F(share, killed_while_it_waits)
{
	static const unsigned int which[] = { VIDIOC_G_FMT, VIDIOC_S_CTRL, VIDIOC_S_FMT };
	void *args[] = { &format, &control, &format };
	struct held_camera held;
	struct footprint before;
	pid_t first, second;
	unsigned int i;

	ASSERT_EQ(0, call(self->video, VIDIOC_G_FMT, &format));
	ASSERT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	for (i = 0; i < ARRAY_SIZE(which); i++) {
		footprint_take(&before);
		camera_hold(&held, 0);
		first = start_call(self, which[i], args[i], false);
		EXPECT_TRUE(EVENTUALLY(waits(first)));
		second = start_call(self, which[i], args[i], false);
		EXPECT_TRUE(EVENTUALLY(waits(second)));
		end_killed(second);
		end_killed(first);
		camera_let_go(&held);
		EXPECT_FOOTPRINT(&before);
	}
}

/* A program with buffers, which stops. After SIGCONT, it sets a control. */
static pid_t start_with_buffers(struct share_fixture *self)
{
	pid_t child = fork();
	int fd, status;

	ASSERT_LE(0, child);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = handle_open(self);
		ASSERT_EQ(FRAMES, request_buffers(fd, 4));
		kill(getpid(), SIGSTOP);
		call(fd, VIDIOC_S_CTRL, &control);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	return child;
}

/* K12: the same for programs with buffers, which a work item frees when the call has ended. */
TEST_F(share, killed_with_buffers)
{
	pid_t children[2 * ASKS];
	struct held_camera held;
	struct footprint before;
	unsigned int i;
	int fd = handle_open(self);

	ASSERT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	ASSERT_EQ(FRAMES, request_buffers(fd, 4));
	footprint_take(&before);
	for (i = 0; i < ARRAY_SIZE(children); i++)
		children[i] = start_with_buffers(self);
	camera_hold(&held, 0);
	for (i = 0; i < ARRAY_SIZE(children); i++) {
		ASSERT_EQ(0, kill(children[i], SIGCONT));
		EXPECT_TRUE(EVENTUALLY(waits(children[i])));
	}
	for (i = 0; i < ARRAY_SIZE(children); i++)
		end_killed(children[i]);
	camera_let_go(&held);
	EXPECT_FOOTPRINT(&before);
	ASSERT_EQ(0, stream(fd, true));
	close(fd);
	ASSERT_EQ(2, request_buffers(self->video, 2));
	ASSERT_EQ(0, request_buffers(self->video, 0));
}

/* K2: a program with many calls does not delay the stream by all of them. */
TEST_F(share, few_calls_wait)
{
	pid_t children[2 * ASKS];
	struct held_camera held;
	unsigned int i;

	camera_hold(&held, 0);
	for (i = 0; i < ARRAY_SIZE(children); i++)
		children[i] = start_call(self, VIDIOC_G_FMT, &format, false);
	for (i = 0; i < ARRAY_SIZE(children); i++)
		EXPECT_TRUE(EVENTUALLY(waits(children[i])));
	EXPECT_TRUE(EVENTUALLY(waiting_calls(self->share) == ASKS));
	camera_let_go(&held);
	for (i = 0; i < ARRAY_SIZE(children); i++)
		EXPECT_EQ(children[i], waitpid(children[i], NULL, 0));
}

/* K12: a program is killed at any moment of its call. */
TEST_F_TIMEOUT(share, killed_at_any_time, 120)
{
	struct footprint before;
	pid_t child;
	int i;

	ASSERT_EQ(0, call(self->video, VIDIOC_G_FMT, &format));
	text_control.id = control_of(self->video, "String");
	footprint_take(&before);
	for (i = 0; i < KILLS; i++) {
		if (i % 3 == 2)
			child = start_call(self, VIDIOC_G_EXT_CTRLS, &text_controls, true);
		else
			child = start_call(self, i % 3 ? VIDIOC_S_FMT : VIDIOC_G_FMT, &format,
					   true);
		usleep(rand() % 20000);
		end_killed(child);
	}
	EXPECT_FOOTPRINT(&before);
}

static void on_signal(int number)
{
	(void)number;
}

static int drain(int fd)
{
	struct v4l2_buffer buffer;
	int frames = 0;

	while (!dequeue(fd, &buffer)) {
		ASSERT_EQ(0, queue(fd, buffer.index));
		frames++;
	}
	return frames;
}

/* Both handles have got all frames, and then the camera has filled another one. */
static void wait_for_frame(const int fd[2])
{
	int frames, i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, fcntl(fd[i], F_SETFL, O_NONBLOCK));
	do {
		frames = drain(fd[0]) + drain(fd[1]);
	} while (frames);
	ASSERT_EQ(POLLIN, poll_fd(fd[0], POLLIN, PATIENCE_MS));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, fcntl(fd[i], F_SETFL, 0));
}

/*
 * Begins VIDIOC_DQBUF, which waits. On a busy machine, the thread of the feed can have fetched
 * frames before the camera was held. They come first.
 */
static void start_waiting(struct call *waiting, int fd, struct v4l2_buffer *got)
{
	call_start(waiting, fd, VIDIOC_DQBUF, got);
	while (!call_waits(waiting)) {
		ASSERT_EQ(0, call_result(waiting));
		ASSERT_EQ(0, queue(fd, got->index));
		call_start(waiting, fd, VIDIOC_DQBUF, got);
	}
}

/*
 * K2, K11: a signal ends a call that waits while another one fetches a frame from a camera that
 * does not respond. The handle gets that frame by its next call.
 */
TEST_F(share, fetch_interrupted)
{
	const int fd[2] = { handle_start(self), handle_start(self) };
	struct sigaction action = { .sa_handler = on_signal };
	struct v4l2_buffer got[2] = { buffer_of(0), buffer_of(0) };
	struct held_camera held;
	struct call waiting[2];
	int i;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	wait_for_frame(fd);
	camera_hold(&held, 0);
	for (i = 0; i < 2; i++)
		start_waiting(&waiting[i], fd[i], &got[i]);
	pthread_kill(waiting[1].thread, SIGUSR1);
	EXPECT_EQ(-EINTR, call_result(&waiting[1]));
	EXPECT_FALSE(waiting[0].done);
	camera_let_go(&held);
	EXPECT_EQ(0, call_result(&waiting[0]));
	EXPECT_EQ(0, dequeue(fd[1], &got[1]));
	EXPECT_EQ(got[0].sequence, got[1].sequence);
	EXPECT_EQ(got[0].index, got[1].index);
	for (i = 0; i < 2; i++)
		close(fd[i]);
}

static void *unbind_thread(void *unused)
{
	vivid_unbind();
	return unused;
}

/* K12: the camera disappears while a call waits for its lock: ENODEV. */
TEST_F(share, unplug_during_call)
{
	char worker[64] = "+ksalloc-ask-";
	int fd = handle_open(self);
	struct held_camera held;
	pthread_t thread;
	struct call waiting;

	ASSERT_TRUE(fdinfo_value(self->share, "device", worker + strlen(worker), 32));
	camera_hold(&held, 0);
	call_start(&waiting, fd, VIDIOC_G_PARM, &parm);
	ASSERT_TRUE(EVENTUALLY(waiting_kernel_threads(worker) == 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, unbind_thread, NULL));
	ASSERT_TRUE(EVENTUALLY(!node_exists("vivid-000-vid-cap")));
	EXPECT_FALSE(waiting.done);
	camera_let_go(&held);
	EXPECT_EQ(-ENODEV, call_result(&waiting));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(EVENTUALLY(open(self->path, O_RDWR) == -1));
	close(fd);
}

/* K12: frames have the name of the program that shares. */
TEST_F(share, name_of_frames)
{
	int fd = handle_open(self);
	char bufinfo[1 << 16] = "", name[32];

	ASSERT_EQ(FRAMES, request_buffers(fd, 4));
	snprintf(name, sizeof(name), ":%d", getpid());
	ASSERT_LT(0, read_text("/sys/kernel/debug/dma_buf/bufinfo", bufinfo, sizeof(bufinfo)));
	EXPECT_TRUE(strstr(bufinfo, name));
	close(fd);
}
