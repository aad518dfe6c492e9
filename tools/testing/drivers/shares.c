// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares of the kinds of drivers that ksalloc-test-video simulates.
 */
#include "try.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRIVER "ksalloc-test"

/* While these are set, subscriptions to events wait, and those with an initial event fail */
#define HOLD_EVENTS "/sys/module/ksalloc_test_video/parameters/hold_events"
#define REFUSE_INITIAL "/sys/module/ksalloc_test_video/parameters/refuse_initial"
/* While this is set, the control "Text" cannot be set yet */
#define HOLD_TEXT "/sys/module/ksalloc_test_video/parameters/hold_text"

FIXTURE(shares) {
	char unused;
};

FIXTURE_SETUP(shares)
{
	(void)self;
	repair_machine();
	load_module("ksalloc_test_video");
	/* A test that was ended by a timeout has left them */
	write_text(HOLD_EVENTS, "0");
	write_text(REFUSE_INITIAL, "0");
	write_text(HOLD_TEXT, "0");
}

FIXTURE_TEARDOWN(shares)
{
	(void)self;
	write_text(HOLD_EVENTS, "0");
	write_text(REFUSE_INITIAL, "0");
	write_text(HOLD_TEXT, "0");
}

/* Makes a share of a node; the path is that of its own node */
static int share_of(int ksalloc, int video, char path[32])
{
	struct ksalloc_share arg = { .size = sizeof(arg), .v4l2_fd = video };
	int share = call_fd(ksalloc, KSALLOC_SHARE, &arg);

	snprintf(path, 32, "/dev/video%u", arg.node);
	return share;
}

/* A killed process has ended, or waits for something that a signal does not end */
static bool has_ended_or_waits(pid_t pid)
{
	char path[32], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'D' || state == 'Z';
}

static bool has_event(int fd, int value)
{
	struct v4l2_event event = { };

	return !call_fd(fd, VIDIOC_DQEVENT, &event) && event.u.ctrl.value == value;
}

/* The first of two programs that have opened the node of a share gets the events of a control */
struct listeners {
	int ksalloc, video, share, fd[2];
};

static int subscribe(int fd, __u32 flags)
{
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_CTRL, .id = V4L2_CID_BRIGHTNESS, .flags = flags,
	};

	return call_fd(fd, VIDIOC_SUBSCRIBE_EVENT, &subscription);
}

static void set_brightness(int video, int value)
{
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS, .value = value };

	ASSERT_EQ(0, call_fd(video, VIDIOC_S_CTRL, &control));
}

static void listeners_open(struct listeners *listeners)
{
	char path[32];
	int i;

	listeners->ksalloc = open_ksalloc();
	listeners->video = open_node(DRIVER "-plain", O_RDWR);
	set_brightness(listeners->video, 4);
	listeners->share = share_of(listeners->ksalloc, listeners->video, path);
	ASSERT_LE(0, listeners->share);
	for (i = 0; i < 2; i++) {
		listeners->fd[i] = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		ASSERT_LE(0, listeners->fd[i]);
	}
	ASSERT_EQ(0, subscribe(listeners->fd[0], 0));
}

/* The first program still gets events, whatever has happened to the second one. */
static void listeners_close(struct listeners *listeners)
{
	set_brightness(listeners->video, 5);
	EXPECT_TRUE(EVENTUALLY(has_event(listeners->fd[0], 5)));
	close(listeners->fd[1]);
	close(listeners->fd[0]);
	close(listeners->share);
	close(listeners->video);
	close(listeners->ksalloc);
}

/*
 * K12: a program is killed while it subscribes to a control of a share, and the driver lets a
 * signal end that. Another program still gets the events of that control.
 */
TEST_F(shares, killed_subscriber)
{
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_CTRL,
		.id = V4L2_CID_BRIGHTNESS,
		.flags = V4L2_EVENT_SUB_FL_SEND_INITIAL,
	};
	struct listeners listeners;
	struct agent agent;

	(void)self;
	listeners_open(&listeners);
	agent_start(&agent);
	ASSERT_EQ(0, write_text(HOLD_EVENTS, "1"));
	agent_begin(&agent, listeners.fd[1], VIDIOC_SUBSCRIBE_EVENT, &subscription,
		    sizeof(subscription));
	EXPECT_TRUE(agent_waits(&agent));
	ASSERT_EQ(0, kill(agent.pid, SIGKILL));
	EXPECT_TRUE(EVENTUALLY(has_ended_or_waits(agent.pid)));
	ASSERT_EQ(0, write_text(HOLD_EVENTS, "0"));
	ASSERT_EQ(agent.pid, waitpid(agent.pid, NULL, 0));
	listeners_close(&listeners);
}

/* K12: the same if the driver refuses the second subscription for another reason. */
TEST_F(shares, subscription_refused)
{
	struct listeners listeners;

	(void)self;
	listeners_open(&listeners);
	ASSERT_EQ(0, write_text(REFUSE_INITIAL, "1"));
	EXPECT_EQ(-ENOMEM, subscribe(listeners.fd[1], V4L2_EVENT_SUB_FL_SEND_INITIAL));
	EXPECT_FALSE(has_event(listeners.fd[1], 4));
	ASSERT_EQ(0, write_text(REFUSE_INITIAL, "0"));
	listeners_close(&listeners);
}

/*
 * K12: a program is killed while the driver sets a control with a payload, and has access to the
 * memory of the program. The program ends when the driver has returned, not before.
 */
TEST_F(shares, killed_while_payload_is_used)
{
	int ksalloc = open_ksalloc(), video = open_node(DRIVER "-plain", O_RDWR), share, fd, status;
	struct v4l2_ext_control control = { .id = control_of(video, "Text"), .size = 5 };
	struct v4l2_ext_controls controls = { .count = 1, .controls = &control };
	char text[5] = "", path[32];
	pid_t child;

	(void)self;
	control.string = text;
	share = share_of(ksalloc, video, path);
	ASSERT_LE(0, share);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	/* If the value does not change, the driver is not called */
	ASSERT_EQ(0, call_fd(video, VIDIOC_S_EXT_CTRLS, &controls));
	memcpy(text, "late", sizeof(text));
	ASSERT_EQ(0, write_text(HOLD_TEXT, "1"));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		call_fd(fd, VIDIOC_S_EXT_CTRLS, &controls);
		_exit(0);
	}
	EXPECT_TRUE(EVENTUALLY(waiting_calls(share) == 1));
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_TRUE(EVENTUALLY(has_ended_or_waits(child)));
	usleep(100000);
	EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
	ASSERT_EQ(0, write_text(HOLD_TEXT, "0"));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	memset(text, 0, sizeof(text));
	EXPECT_EQ(0, call_fd(fd, VIDIOC_G_EXT_CTRLS, &controls));
	EXPECT_STREQ("late", text);
	close(fd);
	close(share);
	close(video);
	close(ksalloc);
}

/* K11: a share of a camera that can have four buffers has four. */
TEST_F(shares, four_buffers)
{
	struct v4l2_requestbuffers request = {
		.count = 2, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
	};
	int ksalloc = open_ksalloc(), video = open_node(DRIVER "-no-queue-four", O_RDWR);
	int share, fd;
	char path[32];

	(void)self;
	share = share_of(ksalloc, video, path);
	ASSERT_LE(0, share);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, call_fd(fd, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(4, request.count);
	close(fd);
	close(share);
	close(video);
	close(ksalloc);
}

/* A program that streams from the node of a share of a camera of this kind */
struct viewer {
	int ksalloc, video, share, fd;
};

static void viewer_open(struct viewer *viewer, const char *kind)
{
	char name[64], path[32];

	snprintf(name, sizeof(name), DRIVER "-%s", kind);
	viewer->ksalloc = open_ksalloc();
	viewer->video = open_node(name, O_RDWR);
	viewer->share = share_of(viewer->ksalloc, viewer->video, path);
	ASSERT_LE(0, viewer->share);
	viewer->fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, viewer->fd);
}

static void viewer_close(struct viewer *viewer)
{
	close(viewer->fd);
	close(viewer->share);
	close(viewer->video);
	close(viewer->ksalloc);
}

static struct v4l2_buffer viewer_buffer(unsigned int index)
{
	return (struct v4l2_buffer){
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
}

/* Returns the number of buffers */
static unsigned int viewer_request(struct viewer *viewer)
{
	struct v4l2_requestbuffers request = {
		.count = 4, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
	};

	ASSERT_EQ(0, call_fd(viewer->fd, VIDIOC_REQBUFS, &request));
	return request.count;
}

static void viewer_start(struct viewer *viewer)
{
	unsigned int count = viewer_request(viewer), i;
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_buffer buffer;

	for (i = 0; i < count; i++) {
		buffer = viewer_buffer(i);
		ASSERT_EQ(0, call_fd(viewer->fd, VIDIOC_QBUF, &buffer));
	}
	ASSERT_EQ(0, call_fd(viewer->fd, VIDIOC_STREAMON, &type));
}

/*
 * K11: a buffer says that it is a key frame, or damaged, and which field it is. If the driver does
 * not say which field, nothing better than the format is known.
 */
TEST_F(shares, marks)
{
	static const struct { __u32 flags, field; } expected[] = {
		{ V4L2_BUF_FLAG_KEYFRAME, V4L2_FIELD_TOP },
		{ V4L2_BUF_FLAG_ERROR, V4L2_FIELD_BOTTOM },
		{ 0, V4L2_FIELD_ALTERNATE },
	};
	struct v4l2_buffer buffer;
	struct viewer viewer;
	unsigned int i, which;

	(void)self;
	viewer_open(&viewer, "marks");
	viewer_start(&viewer);
	for (i = 0; i < 12; i++) {
		buffer = viewer_buffer(0);
		ASSERT_EQ(0, call_fd(viewer.fd, VIDIOC_DQBUF, &buffer));
		which = buffer.sequence % ARRAY_SIZE(expected);
		EXPECT_EQ(expected[which].flags,
			  buffer.flags & (V4L2_BUF_FLAG_KEYFRAME | V4L2_BUF_FLAG_ERROR));
		EXPECT_EQ(expected[which].field, buffer.field);
		ASSERT_EQ(0, call_fd(viewer.fd, VIDIOC_QBUF, &buffer));
	}
	viewer_close(&viewer);
}

/* K12: calls that the camera does not have are refused on the node of its share as on its own. */
TEST_F(shares, without_controls)
{
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_ext_control ext = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_ext_controls controls = { .count = 1, .controls = &ext };
	struct v4l2_queryctrl query = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_querymenu menu = { .id = V4L2_CID_BRIGHTNESS };
	const struct { unsigned long request; void *arg; } calls[] = {
		{ VIDIOC_QUERYCTRL, &query }, { VIDIOC_QUERYMENU, &menu },
		{ VIDIOC_G_CTRL, &control }, { VIDIOC_S_CTRL, &control },
		{ VIDIOC_G_EXT_CTRLS, &controls }, { VIDIOC_TRY_EXT_CTRLS, &controls },
		{ VIDIOC_S_EXT_CTRLS, &controls },
	};
	struct viewer viewer;
	unsigned int i;

	(void)self;
	viewer_open(&viewer, "fills-all");
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		EXPECT_EQ(-ENOTTY, call_fd(viewer.video, calls[i].request, calls[i].arg));
		EXPECT_EQ(-ENOTTY, call_fd(viewer.fd, calls[i].request, calls[i].arg));
	}
	viewer_close(&viewer);
}

static int viewer_take(struct viewer *viewer, struct v4l2_buffer *buffer)
{
	*buffer = viewer_buffer(0);
	return call_fd(viewer->fd, VIDIOC_DQBUF, buffer);
}

static int poll_in(int fd, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	ASSERT_LE(0, poll(&pollfd, 1, timeout_ms));
	return pollfd.revents;
}

/* K11: an event of a control is no frame: poll() of a program that streams does not report one. */
TEST_F(shares, event_is_no_frame)
{
	struct v4l2_buffer buffer;
	struct viewer viewer;
	char path[32];
	int fd, i;

	(void)self;
	viewer_open(&viewer, "two-frames");
	set_brightness(viewer.video, 4);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", viewer.fd);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, subscribe(fd, 0));
	viewer_start(&viewer);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, viewer_take(&viewer, &buffer));
	set_brightness(viewer.video, 5);
	EXPECT_TRUE(EVENTUALLY(has_event(fd, 5)));
	EXPECT_EQ(0, poll_in(viewer.fd, 0));
	close(fd);
	viewer_close(&viewer);
}

/*
 * K11: poll() does not report a frame to a program that has taken all frames that it can have,
 * while the camera fills frames for another one. VIDIOC_DQBUF would wait for ever.
 */
TEST_F(shares, poll_of_full_program)
{
	struct viewer viewer, other;
	struct v4l2_buffer buffer;
	char path[32];
	int i;

	(void)self;
	viewer_open(&viewer, "plain");
	other = viewer;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", viewer.fd);
	other.fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, other.fd);
	viewer_start(&other);
	viewer_start(&viewer);
	/* A quarter of ten, rounded up */
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, viewer_take(&viewer, &buffer));
	EXPECT_EQ(POLLIN, poll_in(other.fd, PATIENCE_MS));
	EXPECT_EQ(0, poll_in(viewer.fd, 100));
	ASSERT_EQ(0, call_fd(viewer.fd, VIDIOC_QBUF, &buffer));
	EXPECT_EQ(POLLIN, poll_in(viewer.fd, PATIENCE_MS));
	EXPECT_EQ(0, viewer_take(&viewer, &buffer));
	close(other.fd);
	viewer_close(&viewer);
}

/* A call that holds the lock of the camera, which goes on to fill buffers */
struct holder {
	struct v4l2_event_subscription subscription;
	struct call call;
};

/*
 * Waits until the camera has filled a buffer, which nobody fetches, and then holds its lock. So the
 * thread of the feed cannot fetch either
 */
static void hold_filled_buffer(struct viewer *viewer, struct holder *holder)
{
	ASSERT_EQ(POLLIN, poll_in(viewer->video, PATIENCE_MS));
	holder->subscription = (struct v4l2_event_subscription){
		.type = V4L2_EVENT_CTRL, .id = V4L2_CID_BRIGHTNESS,
	};
	ASSERT_EQ(0, write_text(HOLD_EVENTS, "1"));
	call_start(&holder->call, viewer->video, VIDIOC_SUBSCRIBE_EVENT, &holder->subscription);
	ASSERT_TRUE(call_waits(&holder->call));
}

static void let_go(struct holder *holder)
{
	ASSERT_EQ(0, write_text(HOLD_EVENTS, "0"));
	EXPECT_EQ(0, call_result(&holder->call));
}

/* Begins to poll a node that has nothing to report. Returns a descriptor for was_woken() */
static int begin_poll(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int poller = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(0, epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event));
	EXPECT_EQ(0, epoll_wait(poller, &event, 1, 0));
	return poller;
}

/* Whether there was a wake-up, and a frame was reported then: without one, epoll does not ask */
static bool was_woken(int poller)
{
	struct epoll_event event = { };

	return epoll_wait(poller, &event, 1, PATIENCE_MS) == 1 && event.events == EPOLLIN;
}

/*
 * K11: a program polls that has dequeued all buffers that it had queued. When one of its threads
 * queues a buffer, poll() reports the frame that the camera has filled before. Nothing else wakes
 * the program: the camera fills no further frame.
 */
TEST_F(shares, poll_woken_by_queue)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE, poller;
	struct v4l2_buffer buffer = viewer_buffer(0);
	struct holder holder;
	struct viewer viewer;

	(void)self;
	viewer_open(&viewer, "two-frames");
	viewer_request(&viewer);
	ASSERT_EQ(0, call_fd(viewer.fd, VIDIOC_QBUF, &buffer));
	ASSERT_EQ(0, call_fd(viewer.fd, VIDIOC_STREAMON, &type));
	ASSERT_EQ(0, viewer_take(&viewer, &buffer));
	hold_filled_buffer(&viewer, &holder);
	poller = begin_poll(viewer.fd);
	buffer = viewer_buffer(1);
	ASSERT_EQ(0, call_fd(viewer.fd, VIDIOC_QBUF, &buffer));
	EXPECT_TRUE(was_woken(poller));
	let_go(&holder);
	ASSERT_EQ(0, viewer_take(&viewer, &buffer));
	EXPECT_EQ(1, buffer.sequence);
	close(poller);
	viewer_close(&viewer);
}

/*
 * K3, K11: the same if the program has as many frames as it can have, and can have one more because
 * another program queues a buffer. Of the seven frames that can be promised, the other one has had
 * three, so the last of four programs has no promise.
 */
TEST_F(shares, poll_woken_by_another)
{
	struct v4l2_buffer buffer, last;
	struct viewer viewers[4];
	struct holder holder;
	char path[32];
	int poller, i;

	(void)self;
	viewer_open(&viewers[0], "four-frames");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", viewers[0].fd);
	for (i = 1; i < 4; i++) {
		viewers[i] = viewers[0];
		viewers[i].fd = open(path, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, viewers[i].fd);
	}
	for (i = 0; i < 2; i++)
		viewer_start(&viewers[i]);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, viewer_take(&viewers[1], &last));
	for (i = 2; i < 4; i++)
		viewer_start(&viewers[i]);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, viewer_take(&viewers[0], &buffer));
	hold_filled_buffer(&viewers[0], &holder);
	poller = begin_poll(viewers[0].fd);
	/* The first program has this frame, too, so nothing is given to the camera now */
	ASSERT_EQ(0, call_fd(viewers[1].fd, VIDIOC_QBUF, &last));
	EXPECT_TRUE(was_woken(poller));
	let_go(&holder);
	ASSERT_EQ(0, viewer_take(&viewers[0], &buffer));
	EXPECT_EQ(3, buffer.sequence);
	close(poller);
	for (i = 1; i < 4; i++)
		close(viewers[i].fd);
	viewer_close(&viewers[0]);
}

/* K11: the last frame says so, and no program waits for another one. The stream can begin again. */
TEST_F(shares, stream_ends)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE, round;
	struct v4l2_buffer buffer;
	struct viewer viewer;

	(void)self;
	viewer_open(&viewer, "ends");
	for (round = 0; round < 2; round++) {
		viewer_start(&viewer);
		ASSERT_EQ(0, viewer_take(&viewer, &buffer));
		EXPECT_FALSE(buffer.flags & V4L2_BUF_FLAG_LAST);
		ASSERT_EQ(0, viewer_take(&viewer, &buffer));
		EXPECT_TRUE(buffer.flags & V4L2_BUF_FLAG_LAST);
		EXPECT_EQ(-EPIPE, viewer_take(&viewer, &buffer));
		EXPECT_EQ(POLLERR, poll_in(viewer.fd, PATIENCE_MS));
		ASSERT_EQ(0, call_fd(viewer.fd, VIDIOC_STREAMOFF, &type));
	}
	viewer_close(&viewer);
}

/*
 * K11: poll() reports the end of the stream also to a program that has dequeued all buffers that it
 * had queued.
 */
TEST_F(shares, end_without_queued_buffer)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE, i;
	struct v4l2_buffer buffer;
	struct viewer viewer;

	(void)self;
	viewer_open(&viewer, "ends");
	viewer_request(&viewer);
	for (i = 0; i < 2; i++) {
		buffer = viewer_buffer(i);
		ASSERT_EQ(0, call_fd(viewer.fd, VIDIOC_QBUF, &buffer));
	}
	ASSERT_EQ(0, call_fd(viewer.fd, VIDIOC_STREAMON, &type));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, viewer_take(&viewer, &buffer));
	EXPECT_EQ(POLLERR, poll_in(viewer.fd, PATIENCE_MS));
	viewer_close(&viewer);
}
