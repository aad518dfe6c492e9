// SPDX-License-Identifier: GPL-2.0-only
/*
 * A USB camera with wrong pictures; controls; suspend.
 */
#include "webcam.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>
#include <unistd.h>

#include "picture.h"

#define JPEG_DHT 0xc4
#define JPEG_EOI 0xd9

FIXTURE(uvc_poor) {
	struct studio studio;
};

FIXTURE_SETUP(uvc_poor)
{
	studio_set_up(&self->studio, NULL);
}

FIXTURE_TEARDOWN(uvc_poor)
{
	studio_tear_down(&self->studio);
}

static void run_in(struct studio *studio, unsigned int pixelformat)
{
	studio_connect_in(studio, pixelformat, 320, 180, 30);
	studio_allocate(studio, studio->rig.heap);
	studio_start(studio);
}

/*
 * Raw pictures that are truncated or marked by the camera. The driver of 6.12 drops them,
 * so there is a gap. Later drivers (6.14) pass them on. In either case a frame is marked,
 * and a wrong picture is never unmarked.
 */
static void expect_marked(struct studio *studio, const char *command)
{
	struct watch watch = { .waiting = WAIT_DEADLINE, .damage = true };

	webcam_tell(&studio->cam, "%s", command);
	run_in(studio, V4L2_PIX_FMT_YUYV);
	while (watch.pictures < 100 && watch.marked < 4)
		watch_pictures(studio, &watch, 1);
	EXPECT_EQ(4, watch.marked);
	EXPECT_EQ(0, watch.unmarked);
	EXPECT_LT(watch.wrong, watch.pictures);
}

TEST_F(uvc_poor, cut)
{
	expect_marked(&self->studio, "cut 3");
}

TEST_F(uvc_poor, damaged)
{
	expect_marked(&self->studio, "damage 3");
}

/*
 * No driver detects a truncated compressed picture: it is passed on with the number of
 * bytes that the camera sent. The following picture is complete.
 */
TEST_F(uvc_poor, cut_jpeg)
{
	struct watch watch = { .waiting = WAIT_DEADLINE, .damage = true };
	unsigned int wrong = 0;

	webcam_tell(&self->studio.cam, "cut 3");
	run_in(&self->studio, V4L2_PIX_FMT_MJPEG);
	while (watch.pictures < 100 && watch.wrong < 4) {
		watch_pictures(&self->studio, &watch, 1);
		wrong += watch.counter % 3 == 0;
		EXPECT_EQ(wrong, watch.wrong);
	}
	EXPECT_EQ(4, watch.wrong);
}

/* Calls @look for the next picture and submits its frame again. */
static int look_at_next(struct studio *studio,
			int (*look)(const uint8_t *data, size_t bytes))
{
	struct watch watch = { .waiting = WAIT_DEADLINE };
	struct ksalloc_complete frame;
	int index = watch_next(studio, &watch, &frame), seen;

	ASSERT_LE(0, index);
	frame_begin_read(studio, index);
	seen = look(studio->frame[index] + frame.header.data, frame.header.data_used);
	frame_end_read(studio, index);
	ASSERT_EQ(0, submit(studio->rig.connection, index));
	return seen;
}

static int has_tables(const uint8_t *data, size_t bytes)
{
	EXPECT_EQ(JPEG_EOI, data[bytes - 1]);
	return picture_has_segment(data, bytes, JPEG_DHT);
}

/* A JPEG picture is passed on unchanged, with or without the usual Huffman tables. */
TEST_F(uvc_poor, no_huffman_tables)
{
	struct studio *studio = &self->studio;

	run_in(studio, V4L2_PIX_FMT_MJPEG);
	EXPECT_TRUE(look_at_next(studio, has_tables));
	webcam_tell(&studio->cam, "tables 0");
	EXPECT_TRUE(EVENTUALLY(!look_at_next(studio, has_tables)));
}

/* In the first line, after the label */
static int luma(const uint8_t *data, size_t bytes)
{
	unsigned int i, sum = 0;

	for (i = 0; i < 256; i++)
		sum += data[sizeof(struct picture_label) + 2 * i];
	EXPECT_LT(1024, bytes);
	return sum / 256;
}

/*
 * The first pictures after a start are black, like those of a sensor that needs time to
 * adjust.
 */
TEST_F(uvc_poor, black_at_first)
{
	struct studio *studio = &self->studio;
	int i;

	webcam_tell(&studio->cam, "black 3");
	run_in(studio, V4L2_PIX_FMT_YUYV);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(16, look_at_next(studio, luma));
	EXPECT_LT(32, look_at_next(studio, luma));
}

/* The caller's own file can set controls while the connection streams. */
TEST_F(uvc_poor, controls)
{
	struct studio *studio = &self->studio;
	int before;

	run_in(studio, V4L2_PIX_FMT_YUYV);
	before = look_at_next(studio, luma);
	EXPECT_EQ(0, webcam_set_control(studio->rig.video, V4L2_CID_BRIGHTNESS, -30));
	EXPECT_TRUE(EVENTUALLY(look_at_next(studio, luma) < before - 15));
	EXPECT_EQ(0, webcam_set_control(studio->rig.video, V4L2_CID_CONTRAST, 0));
	EXPECT_TRUE(EVENTUALLY(look_at_next(studio, luma) == 98));
}

static bool is_suspended(struct webcam *cam)
{
	char text[32];

	webcam_read(cam, "power/runtime_status", text, sizeof(text));
	return !strcmp(text, "suspended");
}

static void suspend_when_unused(struct webcam *cam)
{
	webcam_write(cam, "power/autosuspend_delay_ms", "0");
	webcam_write(cam, "power/control", "auto");
	ASSERT_TRUE(EVENTUALLY(is_suspended(cam)));
}

/* The largest preferred frame size */
static unsigned int best_size(int connection)
{
	struct {
		struct ksallocator_framing_ex framing;
		struct ks_framing_item items[4];
	} room = {};
	struct ksalloc_get_framing_ex arg = {
		.size = sizeof(arg),
		.framing = (uintptr_t)&room,
		.framing_size = sizeof(room),
	};

	ASSERT_EQ(0, call_fd(connection, KSALLOC_GET_FRAMING_EX, &arg));
	ASSERT_LT(0, room.framing.count_items);
	return room.items[0].framing_range.range.max_frame_size;
}

/*
 * A camera that is not in use is suspended. The driver of 6.17 and later also suspends it
 * while it is only open. Its requirements can be read nevertheless, and RUN resumes it.
 */
TEST_F(uvc_poor, suspended)
{
	struct studio *studio = &self->studio;
	struct webcam *cam = &studio->cam;
	unsigned int awake;
	int i;

	need_heap();
	suspend_when_unused(cam);
	for (i = 0; i < 3; i++) {
		studio_connect(studio, 320, 180, 30);
		studio_allocate(studio, i & 1 ? -1 : studio->rig.heap);
		studio_start(studio);
		expect_pictures(studio, 2);
		EXPECT_FALSE(is_suspended(cam));
		awake = best_size(studio->rig.connection);
		EXPECT_LE(1280 * 720 * 2, awake);
		ASSERT_EQ(0, set_state(studio->rig.connection, KSSTATE_STOP));
		/* It may be suspended by now, or not */
		sleep_ms(100);
		EXPECT_EQ(awake, best_size(studio->rig.connection));
		studio_disconnect(studio);
		EXPECT_TRUE(EVENTUALLY(is_suspended(cam)));
	}
}

/*
 * The driver of 6.17 and later resumes the camera in each call that accesses it. Earlier drivers
 * do so in open(), so the camera is awake while it has a share.
 */
static bool sleeps_while_open(struct webcam *cam)
{
	int video = webcam_open(cam);
	bool sleeps = is_suspended(cam);

	close(video);
	return sleeps;
}

/* The camera has the request of a call before it answers, so the call has resumed it. */
static void expect_format_reaches(struct webcam *cam, int node)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = 640,
			.height = 360,
			.pixelformat = V4L2_PIX_FMT_YUYV,
		},
	};
	struct call call;

	webcam_tell(cam, "hang 1");
	call_start(&call, node, VIDIOC_S_FMT, &format);
	EXPECT_TRUE(EVENTUALLY(webcam_waiting(cam) || call.done));
	EXPECT_FALSE(call.done);
	EXPECT_FALSE(is_suspended(cam));
	webcam_tell(cam, "hang 0");
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(640, format.fmt.pix.width);
}

/* The value of a control, by the initial event of a subscription */
static int initial_value(int node, unsigned int control)
{
	struct v4l2_event_subscription sub = {
		.type = V4L2_EVENT_CTRL,
		.id = control,
		.flags = V4L2_EVENT_SUB_FL_SEND_INITIAL,
	};
	struct v4l2_event event = {};

	EXPECT_EQ(0, call_fd(node, VIDIOC_SUBSCRIBE_EVENT, &sub));
	EXPECT_EQ(0, call_fd(node, VIDIOC_DQEVENT, &event));
	EXPECT_EQ(control, event.id);
	return event.u.ctrl.value;
}

/* Waits until the camera is suspended, if it can be while it is open */
static void expect_sleep(struct webcam *cam, bool sleeps)
{
	ASSERT_TRUE(!sleeps || EVENTUALLY(is_suspended(cam)));
}

/*
 * K12: a program sets the format and controls on the node of a share while the camera is suspended.
 * Each call resumes the camera. No control is read twice, because the driver keeps the values.
 */
TEST_F(uvc_poor, suspended_share)
{
	struct v4l2_control light = { .id = V4L2_CID_POWER_LINE_FREQUENCY };
	struct studio *studio = &self->studio;
	struct webcam *cam = &studio->cam;
	struct sharing sharing;
	bool sleeps;
	int node;

	suspend_when_unused(cam);
	sleeps = sleeps_while_open(cam);
	sharing_begin(&sharing, cam);
	node = open(sharing.path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, node);

	expect_sleep(cam, sleeps);
	expect_format_reaches(cam, node);
	expect_sleep(cam, sleeps);
	EXPECT_EQ(0, webcam_set_mode(node, V4L2_PIX_FMT_YUYV, 320, 180, 15));
	expect_sleep(cam, sleeps);
	EXPECT_EQ(0, call_fd(node, VIDIOC_G_CTRL, &light));
	EXPECT_EQ(V4L2_CID_POWER_LINE_FREQUENCY_50HZ, light.value);
	expect_sleep(cam, sleeps);
	EXPECT_EQ(0, webcam_set_control(node, V4L2_CID_BRIGHTNESS, -30));
	expect_sleep(cam, sleeps);
	EXPECT_EQ(50, initial_value(node, V4L2_CID_CONTRAST));
	expect_sleep(cam, sleeps);
	EXPECT_EQ(0, webcam_set_control(node, V4L2_CID_CONTRAST, 0));
	close(node);
	sharing_end(&sharing);

	/* The pictures show what has reached the camera. */
	run_in(studio, V4L2_PIX_FMT_YUYV);
	EXPECT_EQ(98, look_at_next(studio, luma));
	harness_note("%s while it is open", sleeps ? "suspended" : "not suspended");
}
