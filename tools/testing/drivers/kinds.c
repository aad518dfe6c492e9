// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kinds of drivers, simulated by ksalloc-test-video: what works with each, and what ks-capture
 * prints if a driver cannot be used.
 */
#include "../selftests/probe.h"
#include "try.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRIVER "ksalloc-test"

FIXTURE(kinds) {
	char said[8192];
};

FIXTURE_SETUP(kinds)
{
	(void)self;
	repair_machine();
	load_module("ksalloc_test_video");
}

/* Makes a share of a node; the path is that of its own node */
static int share_of(int ksalloc, int video, char path[32])
{
	struct ksalloc_share arg = { .size = sizeof(arg), .v4l2_fd = video };
	int share = call_fd(ksalloc, KSALLOC_SHARE, &arg);

	snprintf(path, 32, "/dev/video%u", arg.node);
	return share;
}

/* While these are set, subscriptions to events wait, and those with an initial event fail */
#define HOLD_EVENTS "/sys/module/ksalloc_test_video/parameters/hold_events"
#define REFUSE_INITIAL "/sys/module/ksalloc_test_video/parameters/refuse_initial"

FIXTURE_TEARDOWN(kinds)
{
	(void)self;
	write_text(HOLD_EVENTS, "0");
	write_text(REFUSE_INITIAL, "0");
}

static void expect_outcome(const char *kind, const char *what, const char *expected)
{
	char name[64], outcome[OUTCOME];
	int video;

	snprintf(name, sizeof(name), DRIVER "-%s", kind);
	video = open_node(name, O_RDWR);
	try_node(video, outcome);
	close(video);
	EXPECT_STREQ(expected, outcome);
	tell_row("(simulated)", what, outcome);
}

/* Captures with ks-capture; returns its status */
static int capture(const char *kind, char *said, size_t size)
{
	char name[64], arguments[128];

	snprintf(name, sizeof(name), DRIVER "-%s", kind);
	snprintf(arguments, sizeof(arguments), "-d %s -n 2 -o /tmp/frames.raw",
		 node_path(name));
	return run_capture(arguments, said, size);
}

/* The arguments for a capture with this memory */
static const char *with_memory(const char *kind, const char *memory)
{
	static char arguments[128];
	char name[64];

	snprintf(name, sizeof(name), DRIVER "-%s", kind);
	snprintf(arguments, sizeof(arguments), "-d %s -n 2 -H %s", node_path(name), memory);
	return arguments;
}

/* The reason in the list of ks-capture why a node is not usable; "" if there is none */
static const char *reason_in_list(const char *said, const char *kind)
{
	static char line[256];
	char name[64];
	const char *at;

	snprintf(name, sizeof(name), " " DRIVER "-%s (", kind);
	at = strstr(said, name);
	if (!EXPECT_TRUE(at))
		return "";
	at = strchr(at, '\n');
	snprintf(line, sizeof(line), "%s", at ? at + 1 : "");
	line[strcspn(line, "\n")] = '\0';
	return strstr(line, "not usable") ? line : "";
}

/* A driver without any restriction, for comparison */
TEST_F(kinds, plain)
{
	expect_outcome("plain", "nothing special", frames_in_all());
	EXPECT_EQ(0, capture("plain", self->said, sizeof(self->said)));
}

/* A driver that does not set vdev->queue, and is not uvcvideo */
TEST_F(kinds, no_queue)
{
	expect_outcome("no-queue", "does not set vdev->queue", frames_in_all());
	EXPECT_EQ(0, capture("no-queue", self->said, sizeof(self->said)));
}

/* Assigns an allocator of two imported dma-bufs; returns it */
static int assign_two_frames(int connection, int dmabufs[2])
{
	struct ksallocator_framing framing = {};
	int allocator, i;

	ASSERT_EQ(0, get_framing(connection, &framing));
	for (i = 0; i < 2; i++)
		dmabufs[i] = from_udmabuf(whole_pages(framing.frame_size));
	allocator = import_dmabufs(connection, dmabufs, 2);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(connection, allocator));
	return allocator;
}

/*
 * I1: a driver without VIDIOC_PREPARE_BUF, as uvcvideo before 6.17, maps each frame in ACQUIRE, and
 * none later.
 */
TEST_F(kinds, no_prepare_maps_once)
{
	int video = open_node(DRIVER "-no-queue", O_RDWR), ksalloc = open_ksalloc();
	int connection = do_connect(ksalloc, video), dmabufs[2], allocator, before, i;

	(void)self;
	ASSERT_LE(0, connection);
	allocator = assign_two_frames(connection, dmabufs);
	if (!probe_maps_begin())
		SKIP("the kernel does not count calls");
	ASSERT_EQ(0, set_state(connection, KSSTATE_ACQUIRE));
	before = probe_maps_count();
	EXPECT_LE(2, before);
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	for (i = 0; i < 6; i++) {
		if (i < 2)
			ASSERT_EQ(i, alloc_now(allocator));
		ASSERT_EQ(0, submit_fd(connection, i % 2, i % 3 ? -1 : dmabufs[i % 2]));
		ASSERT_EQ(i % 2, complete(connection, 0, in_ms(PATIENCE_MS), NULL));
	}
	EXPECT_EQ(before, probe_maps_count());
	probe_maps_end();
	for (i = 0; i < 2; i++)
		close(dmabufs[i]);
	close(allocator);
	close(connection);
	close(ksalloc);
	close(video);
}

/* A driver that allows one open file: EBUSY, because a connection has a file of its own. */
TEST_F(kinds, once)
{
	expect_outcome("once", "can be opened once", "EBUSY in CONNECT");
	EXPECT_EQ(3, capture("once", self->said, sizeof(self->said)));
	expect_said(self->said, "allows only one open file");
	expect_said(self->said, "--list");
}

/* The same node, while another program has it open. */
TEST_F(kinds, once_in_use)
{
	int video = open_node(DRIVER "-once", O_RDWR);

	EXPECT_EQ(3, capture("once", self->said, sizeof(self->said)));
	expect_said(self->said, "cannot open");
	expect_said(self->said, "has it open");
	expect_said(self->said, "allows only one open file");
	close(video);
}

/* A driver that cannot import memory: its own memory can be used. */
TEST_F(kinds, no_import)
{
	expect_outcome("no-import", "cannot import memory", "frames in own memory");
	EXPECT_EQ(0, capture("no-import", self->said, sizeof(self->said)));
	expect_said(self->said, "own memory");
	EXPECT_EQ(3, run_capture(with_memory("no-import", "udmabuf"), self->said,
				 sizeof(self->said)));
	expect_said(self->said, "/dev/udmabuf: its driver cannot import memory");
}

/* The same without vdev->queue */
TEST_F(kinds, no_queue_no_import)
{
	expect_outcome("no-queue-no-import", "cannot import memory, no vdev->queue",
		       "frames in own memory");
	EXPECT_EQ(0, capture("no-queue-no-import", self->said, sizeof(self->said)));
}

/*
 * I4: a driver that keeps its queue in VIDIOC_STREAMOFF while it does not stream, as omap4iss. It
 * can be used, but frames that it has queued in PAUSE do not become free.
 */
TEST_F(kinds, keeps_queue)
{
	int video = open_node(DRIVER "-keeps-queue", O_RDWR), ksalloc = open_ksalloc();
	int connection = do_connect(ksalloc, video), dmabufs[2], allocator, i;

	EXPECT_EQ(0, capture("keeps-queue", self->said, sizeof(self->said)));
	ASSERT_LE(0, connection);
	allocator = assign_two_frames(connection, dmabufs);
	ASSERT_EQ(0, set_state(connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, alloc_now(allocator));
	ASSERT_EQ(0, submit(connection, 0));
	EXPECT_EQ(-EIO, set_state(connection, KSSTATE_STOP));
	EXPECT_EQ(1, in_device(allocator));
	close(connection);
	EXPECT_TRUE(EVENTUALLY(!in_device(allocator)));
	for (i = 0; i < 2; i++)
		close(dmabufs[i]);
	close(allocator);
	close(ksalloc);
	close(video);
}

/* A driver that exports nothing: other memory can be used, and its own is refused. */
TEST_F(kinds, no_export)
{
	expect_outcome("no-export", "cannot export memory",
		       usual_memory() ? "frames in heap memory" : "EOPNOTSUPP in CREATE");
	EXPECT_EQ(0, capture("no-export", self->said, sizeof(self->said)));
	EXPECT_FALSE(strstr(self->said, "own memory"));
	EXPECT_EQ(3, run_capture(with_memory("no-export", "device"), self->said,
				 sizeof(self->said)));
	expect_said(self->said, "its own memory: its driver cannot export it");
}

/* A driver that can neither import nor export memory cannot be used. */
TEST_F(kinds, no_dmabuf)
{
	expect_outcome("no-dmabuf", "can neither import nor export memory",
		       "EOPNOTSUPP in CREATE");
	EXPECT_EQ(3, capture("no-dmabuf", self->said, sizeof(self->said)));
	expect_said(self->said, "can neither import nor export memory");
	EXPECT_FALSE(strstr(self->said, "-H"));
}

/* The same without vdev->queue: only a request shows that the driver cannot import */
TEST_F(kinds, no_queue_no_dmabuf)
{
	expect_outcome("no-queue-no-dmabuf", "can neither import nor export memory, no vdev->queue",
		       usual_memory() ? "EOPNOTSUPP in ACQUIRE" : "EOPNOTSUPP in CREATE");
	EXPECT_EQ(3, capture("no-queue-no-dmabuf", self->said, sizeof(self->said)));
	expect_said(self->said, "can neither import nor export memory");
	EXPECT_FALSE(strstr(self->said, "CMA"));
}

/* A driver that supports only read() */
TEST_F(kinds, read_only)
{
	expect_outcome("read", "supports only read()", "EOPNOTSUPP in CONNECT");
	EXPECT_EQ(3, capture("read", self->said, sizeof(self->said)));
	expect_said(self->said, "does not support streaming I/O");
}

/* A pipeline of a media controller whose formats differ */
TEST_F(kinds, epipe)
{
	expect_outcome("epipe", "formats of the pipeline differ", "EPIPE in RUN");
	EXPECT_EQ(3, capture("epipe", self->said, sizeof(self->said)));
	expect_said(self->said, "have different formats or sizes, or a link is missing");
	expect_said(self->said, "media-ctl");
}

/* A pipeline without a link to a camera */
TEST_F(kinds, enolink)
{
	expect_outcome("enolink", "link of the pipeline is missing", "ENOLINK in RUN");
	EXPECT_EQ(3, capture("enolink", self->said, sizeof(self->said)));
	expect_said(self->said, "No camera is linked to this node");
	expect_said(self->said, "media-ctl");
}

/*
 * A device that sends more than a picture, or a driver that writes all of a buffer: it leaves
 * the rest of a dma-buf alone that is larger than the frame.
 */
TEST_F(kinds, rest_of_dmabuf)
{
	int video = open_node(DRIVER "-fills-all", O_RDWR), ksalloc = open_ksalloc();
	int connection = do_connect(ksalloc, video), dmabufs[2], allocator, index, i;
	struct ksallocator_framing framing = {};
	const unsigned char *map;
	__u32 bytes, at;

	(void)self;
	ASSERT_LE(0, connection);
	ASSERT_EQ(0, get_framing(connection, &framing));
	bytes = whole_pages(framing.frame_size);
	for (i = 0; i < 2; i++)
		dmabufs[i] = from_udmabuf(2 * bytes);
	allocator = import_dmabufs(connection, dmabufs, 2);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(connection, allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	/* By the kernel thread, and with a descriptor */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(i, alloc_now(allocator));
		ASSERT_EQ(0, i ? submit(connection, i) : submit_fd(connection, i, dmabufs[i]));
	}
	for (i = 0; i < 2; i++) {
		index = complete(connection, 0, in_ms(PATIENCE_MS), NULL);
		ASSERT_LE(0, index);
		map = map_frame(dmabufs[index], 2 * bytes, PROT_READ);
		EXPECT_EQ(0xff, map[framing.frame_size - 1]);
		for (at = bytes; at < 2 * bytes && !map[at]; at++)
			;
		EXPECT_EQ(2 * bytes, at);
		munmap((void *)map, 2 * bytes);
		close(dmabufs[index]);
	}
	close(allocator);
	close(connection);
	close(ksalloc);
	close(video);
}

/* The list has a reason for each node that cannot be used, and for no other node. */
TEST_F(kinds, list)
{
	static const char * const usable[] = {
		"plain", "no-queue", "no-import", "no-queue-no-import", "no-export",
	};
	static const struct {
		const char *kind;
		const char *reason;
	} refused[] = {
		{ "once", "allows only one open file" },
		{ "no-dmabuf", "can neither import nor export" },
		{ "no-queue-no-dmabuf", "can neither import nor export" },
		{ "read", "does not support streaming" },
	};
	unsigned int i;

	EXPECT_EQ(0, run_capture("--list", self->said, sizeof(self->said)));
	for (i = 0; i < ARRAY_SIZE(usable); i++)
		EXPECT_STREQ("", reason_in_list(self->said, usable[i]));
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		expect_said(reason_in_list(self->said, refused[i].kind), refused[i].reason);
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
TEST_F(kinds, events_of_share)
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
TEST_F(kinds, events_refused)
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

/* K11: a share of a camera that can have four buffers has four. */
TEST_F(kinds, share_of_four)
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
TEST_F(kinds, marks_of_share)
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
TEST_F(kinds, share_without_controls)
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
TEST_F(kinds, event_is_no_frame)
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
TEST_F(kinds, poll_of_full_program)
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

/* K11: the last frame says so, and no program waits for another one. The stream can begin again. */
TEST_F(kinds, stream_of_share_ends)
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
 * K11: poll() reports the end of the stream also to a program that has taken all frames that it can
 * have. It has not asked for another one.
 */
TEST_F(kinds, end_for_full_program)
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

/* I2: the same for a connection: ENDOFSTREAM, then EPIPE. */
TEST_F(kinds, stream_ends)
{
	int video = open_node(DRIVER "-ends", O_RDWR), ksalloc = open_ksalloc();
	int connection = do_connect(ksalloc, video), dmabufs[2], allocator, i;
	struct ksalloc_complete frame = { };
	struct call call;

	(void)self;
	ASSERT_LE(0, connection);
	allocator = assign_two_frames(connection, dmabufs);
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(i, alloc_now(allocator));
		ASSERT_EQ(0, submit(connection, i));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(i, complete(connection, 0, in_ms(PATIENCE_MS), &frame));
		EXPECT_EQ(i, !!(frame.header.options_flags &
				KSSTREAM_HEADER_OPTIONSF_ENDOFSTREAM));
	}
	/* Without a submitted frame, it waits for one */
	start_complete(&call, &frame, connection);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, submit(connection, 0));
	EXPECT_EQ(-EPIPE, call_result(&call));
	EXPECT_EQ(-EPIPE, complete(connection, 0, in_ms(PATIENCE_MS), &frame));
	for (i = 0; i < 2; i++)
		close(dmabufs[i]);
	close(allocator);
	close(connection);
	close(ksalloc);
	close(video);
}

/*
 * I6: when a node is unregistered, a call that waits for a frame ends, even if the driver does
 * nothing more.
 */
TEST_F(kinds, unregistered_while_waiting)
{
	int video = open_node(DRIVER "-two-frames", O_RDWR), ksalloc = open_ksalloc();
	int connection = do_connect(ksalloc, video), dmabufs[2], allocator, i;
	struct ksalloc_complete frame;
	struct call call;

	(void)self;
	ASSERT_LE(0, connection);
	allocator = assign_two_frames(connection, dmabufs);
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(i, alloc_now(allocator));
		ASSERT_EQ(0, submit(connection, i));
		ASSERT_EQ(i, complete(connection, 0, in_ms(PATIENCE_MS), NULL));
	}
	/* The camera does not fill this one */
	ASSERT_EQ(0, submit(connection, 0));
	start_complete(&call, &frame, connection);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, write_text("/sys/module/ksalloc_test_video/parameters/unregister",
				"two-frames"));
	EXPECT_EQ(-ENODEV, call_result(&call));
	for (i = 0; i < 2; i++)
		close(dmabufs[i]);
	close(allocator);
	close(connection);
	close(ksalloc);
	close(video);
	/* The next test loads it with all nodes */
	remove_module("ksalloc_test_video");
}
