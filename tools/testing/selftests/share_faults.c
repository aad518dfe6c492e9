// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failure injection, as in faults.c, for calls on the node of a share. Most of them allocate memory
 * in a work item, too, and that fails as well. faults.c has KSALLOC_SHARE.
 *
 * The answer is copied when the operation has taken place. If that fails, the call returns EFAULT
 * nevertheless (copies_before), as on any V4L2 node.
 */
#include "node.h"
#include "operation.h"

#include <string.h>
#include <sys/mman.h>

#define WIDTH 320
#define HEIGHT 180
/* One more than the least number, so that a share can try with fewer frames */
#define BUFFERS 5

FIXTURE_SETUP(faults)
{
	operation_set_up(self);
	self->video = open_camera(1);
	ASSERT_EQ(0, set_format(self->video, WIDTH, HEIGHT));
	self->share = share_of(self->rig.ksalloc, self->video, BUFFERS, self->node);
	ASSERT_LE(0, self->share);
	self->handle = open(self->node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->handle);
}

FIXTURE_TEARDOWN(faults)
{
	operation_tear_down(self);
}

/* The state of the share, of the camera, and of the buffers of the handle */
static void describe(struct faults_fixture *self, char *text, size_t size)
{
	struct v4l2_control brightness = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_streamparm parm = { .type = TYPE };
	struct v4l2_format format = { .type = TYPE };
	char users[16], streams[16], queued[BUFFERS + 1] = "";
	struct v4l2_buffer buffer;
	int i;

	ASSERT_TRUE(fdinfo_value(self->share, "users", users, sizeof(users)));
	ASSERT_TRUE(fdinfo_value(self->share, "streams", streams, sizeof(streams)));
	ASSERT_EQ(0, call(self->video, VIDIOC_G_FMT, &format));
	ASSERT_EQ(0, call(self->video, VIDIOC_G_PARM, &parm));
	ASSERT_EQ(0, call(self->video, VIDIOC_G_CTRL, &brightness));
	for (i = 0; i < BUFFERS; i++) {
		buffer = buffer_of(i);
		if (call(self->handle, VIDIOC_QUERYBUF, &buffer))
			break;
		queued[i] = buffer.flags & V4L2_BUF_FLAG_QUEUED ? 'q' : '-';
	}
	snprintf(text, size, "users %s, streams %s, %ux%u, rate %u/%u, brightness %d, buffers %s",
		 users, streams, format.fmt.pix.width, format.fmt.pix.height,
		 parm.parm.capture.timeperframe.denominator,
		 parm.parm.capture.timeperframe.numerator, brightness.value, queued);
}

/* The handle has no buffers. */
static void prepare_idle(struct faults_fixture *self)
{
	ASSERT_EQ(0, stream(self->handle, false));
	ASSERT_EQ(0, request_buffers(self->handle, 0));
}

/* It has buffers, and none is queued. */
static void prepare_buffers(struct faults_fixture *self)
{
	struct v4l2_buffer last = buffer_of(BUFFERS - 1);

	ASSERT_EQ(0, stream(self->handle, false));
	if (!call(self->handle, VIDIOC_QUERYBUF, &last))
		return;
	ASSERT_EQ(0, request_buffers(self->handle, 0));
	ASSERT_EQ(BUFFERS, request_buffers(self->handle, 2));
}

/* Queues all buffers that are not queued. */
static void queue_all(struct faults_fixture *self)
{
	int i, ret;

	for (i = 0; i < BUFFERS; i++) {
		ret = queue(self->handle, i);
		ASSERT_TRUE(!ret || ret == -EINVAL);
	}
}

static void prepare_queued(struct faults_fixture *self)
{
	prepare_buffers(self);
	queue_all(self);
}

static void prepare_streaming(struct faults_fixture *self)
{
	struct v4l2_buffer last = buffer_of(BUFFERS - 1);

	if (call(self->handle, VIDIOC_QUERYBUF, &last))
		prepare_buffers(self);
	queue_all(self);
	ASSERT_EQ(0, stream(self->handle, true));
}

static void prepare_filled(struct faults_fixture *self)
{
	prepare_streaming(self);
	ASSERT_EQ(POLLIN, poll_fd(self->handle, POLLIN, PATIENCE_MS));
}

/* The node streams, and gives the camera back to others. */
static void expect_stream(struct faults_fixture *self)
{
	int i;

	prepare_idle(self);
	prepare_streaming(self);
	for (i = 0; i < 2; i++)
		next(self->handle);
	prepare_idle(self);
	EXPECT_EQ(2, request_buffers(self->video, 2));
	EXPECT_EQ(0, request_buffers(self->video, 0));
}

static void try_each(struct faults_fixture *self, const struct operation *const *ops)
{
	for (; *ops; ops++)
		operation_fail(self, *ops);
	expect_stream(self);
}

#define TRY_EACH(...) \
	try_each(self, (const struct operation *const[]){ __VA_ARGS__, NULL })

/* vmalloc_user(): see faults.c */
#define ON_NODE(name) \
	.use = name, \
	.describe = describe, \
	.except = "vmalloc_user"

/* A part of the call runs in a work item */
#define WITH_WORK_ITEM(name) \
	ON_NODE(name), \
	.with_work_item = true

static int run_open(struct faults_fixture *self)
{
	int fd = open(self->node, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Open() that fails makes no handle. */
static const struct operation op_open = {
	ON_NODE("open() of the node"),
	.prepare = prepare_idle,
	.run = run_open,
	.undo = operation_undo_descriptor,
	.points = { [SLAB] = 1 },
};

static void prepare_close(struct faults_fixture *self)
{
	prepare_idle(self);
	self->index = open(self->node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->index);
	request_and_queue(self->index, BUFFERS, 1);
	ASSERT_EQ(0, stream(self->index, true));
}

/* Close() of a handle that streams cannot report an error: it always ends the stream. */
static const struct operation op_close = {
	WITH_WORK_ITEM("close() of a handle"),
	.prepare = prepare_close,
	.run = operation_run_close,
	.never_fails = true,
};

/* A4, K12: files of the node. */
TEST_F_TIMEOUT(faults, files, TIMEOUT_S)
{
	TRY_EACH(&op_open, &op_close);
}

static int run_g_fmt(struct faults_fixture *self)
{
	struct v4l2_format format = { .type = TYPE };

	return call(self->handle, VIDIOC_G_FMT, &format);
}

/* VIDIOC_G_FMT, as an example of the calls that only ask the camera. */
static const struct operation op_g_fmt = {
	WITH_WORK_ITEM("VIDIOC_G_FMT"),
	.prepare = prepare_idle,
	.run = run_g_fmt,
	.points = { [SLAB] = 1 },
};

static int call_with_format(struct faults_fixture *self, unsigned long request)
{
	struct v4l2_format format = {
		.type = TYPE,
		.fmt.pix = {
			.width = 2 * WIDTH,
			.height = 2 * HEIGHT,
			.pixelformat = V4L2_PIX_FMT_YUYV,
		},
	};

	return call(self->handle, request, &format);
}

static int run_try_fmt(struct faults_fixture *self)
{
	return call_with_format(self, VIDIOC_TRY_FMT);
}

/* The same for VIDIOC_TRY_FMT. */
static const struct operation op_try_fmt = {
	WITH_WORK_ITEM("VIDIOC_TRY_FMT"),
	.prepare = prepare_idle,
	.run = run_try_fmt,
	.points = { [SLAB] = 1 },
};

static int run_s_fmt(struct faults_fixture *self)
{
	return call_with_format(self, VIDIOC_S_FMT);
}

static void undo_s_fmt(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, set_format(self->video, WIDTH, HEIGHT));
}

/* VIDIOC_S_FMT that fails changes neither the format nor the owner of the camera. */
static const struct operation op_s_fmt = {
	WITH_WORK_ITEM("VIDIOC_S_FMT"),
	.prepare = prepare_idle,
	.run = run_s_fmt,
	.undo = undo_s_fmt,
	.copies_before = 1,
	.points = { [SLAB] = 1 },
};

static void prepare_rate(struct faults_fixture *self)
{
	prepare_idle(self);
	ASSERT_EQ(0, set_rate(self->video, 30));
}

static int run_s_parm(struct faults_fixture *self)
{
	return set_rate(self->handle, 25);
}

/* VIDIOC_S_PARM that fails does not change the rate. */
static const struct operation op_s_parm = {
	WITH_WORK_ITEM("VIDIOC_S_PARM"),
	.prepare = prepare_rate,
	.run = run_s_parm,
	.copies_before = 1,
	.points = { [SLAB] = 1 },
};

/* A4, K12: the format and the rate. */
TEST_F_TIMEOUT(faults, formats, TIMEOUT_S)
{
	TRY_EACH(&op_g_fmt, &op_try_fmt, &op_s_fmt, &op_s_parm);
}

static int run_reqbufs(struct faults_fixture *self)
{
	return request_buffers(self->handle, 2);
}

static void undo_reqbufs(struct faults_fixture *self, int result)
{
	ASSERT_LE(0, result);
	ASSERT_EQ(0, request_buffers(self->handle, 0));
}

/* The buffers are made as in create_own_allocator of faults.c. */
#define MAKES_BUFFERS(name) \
	WITH_WORK_ITEM(name), \
	.prepare = prepare_idle, \
	.run = run_reqbufs, \
	.undo = undo_reqbufs, \
	.step = 1000, \
	.copies_before = 1, \
	.points = { [SLAB] = 10 }

/*
 * VIDIOC_REQBUFS that fails leaves no buffer, and the camera free. If there is memory for some
 * frames only, it succeeds.
 */
static const struct operation op_reqbufs = {
	MAKES_BUFFERS("VIDIOC_REQBUFS"),
};

/* The same if there is no memory for fewer frames, either. */
static const struct operation op_reqbufs_fails = {
	MAKES_BUFFERS("VIDIOC_REQBUFS without memory"),
	.failures = 1000,
};

static int run_free(struct faults_fixture *self)
{
	return request_buffers(self->handle, 0);
}

/* The same call for no buffers leaves all of them if it fails. */
static const struct operation op_reqbufs_none = {
	WITH_WORK_ITEM("VIDIOC_REQBUFS for none"),
	.prepare = prepare_buffers,
	.run = run_free,
	.copies_before = 1,
	.points = { [SLAB] = 1 },
};

/* A4, K12: making and freeing buffers. */
TEST_F_TIMEOUT(faults, buffers, TIMEOUT_S)
{
	TRY_EACH(&op_reqbufs, &op_reqbufs_fails, &op_reqbufs_none);
}

static int run_querybuf(struct faults_fixture *self)
{
	struct v4l2_buffer buffer = buffer_of(1);

	return call(self->handle, VIDIOC_QUERYBUF, &buffer);
}

/* VIDIOC_QUERYBUF needs no memory. */
static const struct operation op_querybuf = {
	WITH_WORK_ITEM("VIDIOC_QUERYBUF"),
	.prepare = prepare_buffers,
	.run = run_querybuf,
	.never_fails = true,
};

static int run_qbuf(struct faults_fixture *self)
{
	return queue(self->handle, 1);
}

/* VIDIOC_QBUF needs no memory. */
static const struct operation op_qbuf = {
	WITH_WORK_ITEM("VIDIOC_QBUF"),
	.prepare = prepare_buffers,
	.run = run_qbuf,
	.never_fails = true,
	.copies_before = 1,
};

static void prepare_taken(struct faults_fixture *self)
{
	struct v4l2_buffer buffer;

	prepare_filled(self);
	ASSERT_EQ(0, dequeue(self->handle, &buffer));
	self->index = buffer.index;
}

static int run_qbuf_taken(struct faults_fixture *self)
{
	return queue(self->handle, self->index);
}

/* The same while the node streams: the frame goes back to the camera. */
static const struct operation op_qbuf_in_stream = {
	WITH_WORK_ITEM("VIDIOC_QBUF of a filled buffer"),
	.prepare = prepare_taken,
	.run = run_qbuf_taken,
	.never_fails = true,
	.copies_before = 1,
};

static int run_streamon(struct faults_fixture *self)
{
	return stream(self->handle, true);
}

/* After a failure of VIDIOC_STREAMON there is no stream, and the buffers stay queued. */
static const struct operation op_streamon = {
	WITH_WORK_ITEM("VIDIOC_STREAMON"),
	.prepare = prepare_queued,
	.run = run_streamon,
	.points = { [SLAB] = 5 },
};

static int run_streamoff(struct faults_fixture *self)
{
	return stream(self->handle, false);
}

/* After a failure of VIDIOC_STREAMOFF the stream goes on. */
static const struct operation op_streamoff = {
	WITH_WORK_ITEM("VIDIOC_STREAMOFF"),
	.prepare = prepare_streaming,
	.run = run_streamoff,
	.points = { [SLAB] = 1 },
};

static int run_dqbuf(struct faults_fixture *self)
{
	struct v4l2_buffer buffer;

	return dequeue(self->handle, &buffer);
}

/* VIDIOC_DQBUF needs no memory. */
static const struct operation op_dqbuf = {
	WITH_WORK_ITEM("VIDIOC_DQBUF"),
	.prepare = prepare_filled,
	.run = run_dqbuf,
	.never_fails = true,
	.copies_before = 1,
};

/* A4, K12: streams and their frames. */
TEST_F_TIMEOUT(faults, streams, TIMEOUT_S)
{
	TRY_EACH(&op_querybuf, &op_qbuf, &op_qbuf_in_stream, &op_streamon,
		 &op_streamoff, &op_dqbuf);
}

static int run_expbuf(struct faults_fixture *self)
{
	return export_buffer(self->handle, 1, O_CLOEXEC);
}

/* If only the answer could not be written, the new descriptor is above those of inject.c */
static void undo_expbuf(struct faults_fixture *self, int fd)
{
	(void)self;
	if (fd)
		close(fd);
	else
		close_range(TABLE_SIZE, ~0U, 0);
}

/* VIDIOC_EXPBUF that fails leaves no view. */
static const struct operation op_expbuf = {
	WITH_WORK_ITEM("VIDIOC_EXPBUF"),
	.prepare = prepare_buffers,
	.run = run_expbuf,
	.undo = undo_expbuf,
	.copies_before = 1,
	.points = { [SLAB] = 3 },
};

static void *mapping;

static int run_mmap(struct faults_fixture *self)
{
	mapping = mmap(NULL, WIDTH * HEIGHT * 2, PROT_READ | PROT_WRITE, MAP_SHARED,
		       self->handle, 0);
	return mapping == MAP_FAILED ? -errno : 0;
}

static void undo_mmap(struct faults_fixture *self, int result)
{
	(void)self;
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, munmap(mapping, WIDTH * HEIGHT * 2));
}

/* Mmap() that fails leaves neither a view nor a mapping. */
static const struct operation op_mmap = {
	ON_NODE("mmap() of a buffer"),
	.prepare = prepare_buffers,
	.run = run_mmap,
	.undo = undo_mmap,
	.points = { [SLAB] = 2 },
};

/* A4, K12: descriptors and mappings of buffers. */
TEST_F_TIMEOUT(faults, views, TIMEOUT_S)
{
	TRY_EACH(&op_expbuf, &op_mmap);
}

static int set_brightness(int fd, int value)
{
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS, .value = value };

	return call(fd, VIDIOC_S_CTRL, &control);
}

static void prepare_brightness(struct faults_fixture *self)
{
	prepare_idle(self);
	ASSERT_EQ(0, set_brightness(self->video, 100));
}

static int run_s_ctrl(struct faults_fixture *self)
{
	return set_brightness(self->handle, 101);
}

/* VIDIOC_S_CTRL that fails does not change the control. */
static const struct operation op_s_ctrl = {
	WITH_WORK_ITEM("VIDIOC_S_CTRL"),
	.prepare = prepare_brightness,
	.run = run_s_ctrl,
	.copies_before = 1,
	.points = { [SLAB] = 1, [COPY] = 2 },
};

static int call_with_controls(struct faults_fixture *self, unsigned long request)
{
	struct v4l2_ext_control control = { .id = V4L2_CID_BRIGHTNESS, .value = 102 };
	struct v4l2_ext_controls controls = { .count = 1, .controls = &control };

	return call(self->handle, request, &controls);
}

static int run_g_ext_ctrls(struct faults_fixture *self)
{
	return call_with_controls(self, VIDIOC_G_EXT_CTRLS);
}

/* VIDIOC_G_EXT_CTRLS frees its two copies of the controls. */
static const struct operation op_g_ext_ctrls = {
	WITH_WORK_ITEM("VIDIOC_G_EXT_CTRLS"),
	.prepare = prepare_brightness,
	.run = run_g_ext_ctrls,
	.points = { [SLAB] = 2 },
};

static int run_try_ext_ctrls(struct faults_fixture *self)
{
	return call_with_controls(self, VIDIOC_TRY_EXT_CTRLS);
}

/* The same for VIDIOC_TRY_EXT_CTRLS. */
static const struct operation op_try_ext_ctrls = {
	WITH_WORK_ITEM("VIDIOC_TRY_EXT_CTRLS"),
	.prepare = prepare_brightness,
	.run = run_try_ext_ctrls,
	.points = { [SLAB] = 2 },
};

static int run_s_ext_ctrls(struct faults_fixture *self)
{
	return call_with_controls(self, VIDIOC_S_EXT_CTRLS);
}

/* VIDIOC_S_EXT_CTRLS that fails does not change the control. */
static const struct operation op_s_ext_ctrls = {
	WITH_WORK_ITEM("VIDIOC_S_EXT_CTRLS"),
	.prepare = prepare_brightness,
	.run = run_s_ext_ctrls,
	.copies_before = 2,
	.points = { [SLAB] = 2 },
};

/* A4, K12: controls. */
TEST_F_TIMEOUT(faults, controls, TIMEOUT_S)
{
	TRY_EACH(&op_s_ctrl, &op_g_ext_ctrls, &op_try_ext_ctrls, &op_s_ext_ctrls);
}

/* Another handle with a subscription, so that the share gets the events of the camera */
static int listener = -1;

static int subscribe(int fd, unsigned long request, unsigned int flags)
{
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_CTRL,
		.id = V4L2_CID_BRIGHTNESS,
		.flags = flags,
	};

	return call(fd, request, &subscription);
}

static bool has_event(int fd)
{
	struct v4l2_event event;
	bool has = false;

	while (poll_fd(fd, POLLPRI, 0) & POLLPRI) {
		ASSERT_EQ(0, call(fd, VIDIOC_DQEVENT, &event));
		has = true;
	}
	return has;
}

/* Whether the handle gets events. All handles get one at the same time */
static void describe_subscription(struct faults_fixture *self, char *text, size_t size)
{
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS };

	has_event(listener);
	has_event(self->handle);
	ASSERT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	ASSERT_EQ(0, set_brightness(self->video, control.value ^ 1));
	ASSERT_TRUE(EVENTUALLY(has_event(listener)));
	snprintf(text, size, "%s", has_event(self->handle) ? "subscribed" : "not subscribed");
}

#define EVENT(name) \
	.use = name, \
	.describe = describe_subscription, \
	.except = "vmalloc_user", \
	.with_work_item = true

static void prepare_unsubscribed(struct faults_fixture *self)
{
	prepare_idle(self);
	if (listener < 0) {
		listener = open(self->node, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, listener);
		ASSERT_EQ(0, subscribe(listener, VIDIOC_SUBSCRIBE_EVENT, 0));
	}
	ASSERT_EQ(0, subscribe(self->handle, VIDIOC_UNSUBSCRIBE_EVENT, 0));
}

static int run_subscribe(struct faults_fixture *self)
{
	return subscribe(self->handle, VIDIOC_SUBSCRIBE_EVENT, V4L2_EVENT_SUB_FL_SEND_INITIAL);
}

/*
 * VIDIOC_SUBSCRIBE_EVENT that fails makes no subscription. It ends and repeats that of the camera,
 * because it wants an initial event. The listener gets its events in any case.
 */
static const struct operation op_subscribe = {
	EVENT("VIDIOC_SUBSCRIBE_EVENT"),
	.prepare = prepare_unsubscribed,
	.run = run_subscribe,
	.points = { [SLAB] = 2 },
};

static void prepare_subscribed(struct faults_fixture *self)
{
	prepare_unsubscribed(self);
	ASSERT_EQ(0, run_subscribe(self));
}

static int run_unsubscribe(struct faults_fixture *self)
{
	return subscribe(self->handle, VIDIOC_UNSUBSCRIBE_EVENT, 0);
}

/* VIDIOC_UNSUBSCRIBE_EVENT that fails leaves the subscription. */
static const struct operation op_unsubscribe = {
	EVENT("VIDIOC_UNSUBSCRIBE_EVENT"),
	.prepare = prepare_subscribed,
	.run = run_unsubscribe,
	.points = { [SLAB] = 1 },
};

/* A4, K12: events. */
TEST_F_TIMEOUT(faults, events, TIMEOUT_S)
{
	TRY_EACH(&op_subscribe, &op_unsubscribe);
}
