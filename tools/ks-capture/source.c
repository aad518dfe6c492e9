// SPDX-License-Identifier: GPL-2.0-only
/*
 * The signal at the input of a device. HDMI, SDI and similar inputs have DV timings. The driver
 * does not adopt the timings of the signal by itself; a program has to set them. Analog inputs
 * have a video standard. Cameras have neither.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "say.h"
#include "source.h"
#include "v4l2.h"

#define TIMINGS_TEXT 64

static bool read_input(const struct device *device, struct v4l2_input *input)
{
	int index;

	*input = (struct v4l2_input) {};
	if (v4l2_call(device->fd, VIDIOC_G_INPUT, &index))
		return false;
	input->index = index;
	return !v4l2_call(device->fd, VIDIOC_ENUMINPUT, input);
}

static __u64 pixels_of(const struct v4l2_bt_timings *bt)
{
	return (__u64)V4L2_DV_BT_FRAME_WIDTH(bt) * V4L2_DV_BT_FRAME_HEIGHT(bt);
}

/* A text such as "1920x1080i at 29.97 frames a second" */
static const char *timings_text(const struct v4l2_bt_timings *bt, char text[TIMINGS_TEXT])
{
	__u64 pixels = pixels_of(bt);

	snprintf(text, TIMINGS_TEXT, "%ux%u%s at %.4g frames a second", bt->width, bt->height,
		 bt->interlaced ? "i" : "p", pixels ? (double)bt->pixelclock / pixels : 0);
	return text;
}

/* 60 and 59.94 differ by 1/1000. A measurement cannot distinguish them, so allow 1/400 */
static bool same_timings(const struct v4l2_bt_timings *a, const struct v4l2_bt_timings *b)
{
	__u64 more = a->pixelclock > b->pixelclock ? a->pixelclock : b->pixelclock;
	__u64 less = a->pixelclock > b->pixelclock ? b->pixelclock : a->pixelclock;

	return a->width == b->width && a->height == b->height &&
	       a->interlaced == b->interlaced && pixels_of(a) == pixels_of(b) &&
	       more - less <= more / 400;
}

static enum signal look_at_timings(const struct device *device, struct v4l2_dv_timings *seen)
{
	struct v4l2_dv_timings set = {};

	*seen = (struct v4l2_dv_timings) {};
	switch (v4l2_call(device->fd, VIDIOC_QUERY_DV_TIMINGS, seen)) {
	case 0:
		break;
	case -ENOLINK:
		return SIGNAL_NONE;
	case -ENOLCK:
		return SIGNAL_UNSTABLE;
	case -ERANGE:
		return SIGNAL_UNFIT;
	default:
		return SIGNAL_RIGHT;
	}
	if (v4l2_call(device->fd, VIDIOC_G_DV_TIMINGS, &set))
		return SIGNAL_RIGHT;
	return same_timings(&seen->bt, &set.bt) ? SIGNAL_RIGHT : SIGNAL_OTHER;
}

static enum signal look_at_standard(const struct device *device, v4l2_std_id *seen)
{
	v4l2_std_id set;

	*seen = 0;
	if (v4l2_call(device->fd, VIDIOC_QUERYSTD, seen) || !*seen ||
	    v4l2_call(device->fd, VIDIOC_G_STD, &set))
		return SIGNAL_RIGHT;
	return (*seen & set) ? SIGNAL_RIGHT : SIGNAL_OTHER;
}

enum signal source_look(const struct device *device)
{
	struct v4l2_dv_timings timings;
	struct v4l2_input input;
	v4l2_std_id standard;

	if (!read_input(device, &input))
		return SIGNAL_RIGHT;
	if (input.status & (V4L2_IN_ST_NO_POWER | V4L2_IN_ST_NO_SIGNAL))
		return SIGNAL_NONE;
	if (input.capabilities & V4L2_IN_CAP_DV_TIMINGS)
		return look_at_timings(device, &timings);
	if (input.status & (V4L2_IN_ST_NO_H_LOCK | V4L2_IN_ST_NO_SYNC))
		return SIGNAL_UNSTABLE;
	if (input.capabilities & V4L2_IN_CAP_STD)
		return look_at_standard(device, &standard);
	return SIGNAL_RIGHT;
}

static int follow_timings(const struct device *device)
{
	struct v4l2_dv_timings timings;
	char text[TIMINGS_TEXT];
	int err;

	look_at_timings(device, &timings);
	timings_text(&timings.bt, text);
	err = v4l2_call(device->fd, VIDIOC_S_DV_TIMINGS, &timings);
	if (err)
		return format_explain(device, "timings of its source", err);
	say_note("%s is set to the signal of its source, %s", device->path, text);
	return STATUS_OK;
}

static int follow_standard(const struct device *device)
{
	v4l2_std_id standard;
	int err;

	look_at_standard(device, &standard);
	err = v4l2_call(device->fd, VIDIOC_S_STD, &standard);
	if (err)
		return format_explain(device, "video standard of its source", err);
	say_note("%s is set to the video standard of its source", device->path);
	return STATUS_OK;
}

void source_advise(const struct device *device)
{
	struct v4l2_dv_timings timings;
	char text[TIMINGS_TEXT];
	struct v4l2_input input;

	if (!read_input(device, &input))
		return;
	switch (source_look(device)) {
	case SIGNAL_RIGHT:
		break;
	case SIGNAL_OTHER:
		if (look_at_timings(device, &timings) == SIGNAL_OTHER)
			say_advice("Its source sends %s now.", timings_text(&timings.bt, text));
		else
			say_advice("Its source has another video standard now.");
		break;
	case SIGNAL_NONE:
		say_advice("Its input '%s' has no signal: is a source plugged in and switched on?",
			   (const char *)input.name);
		break;
	case SIGNAL_UNSTABLE:
		say_advice("Its input '%s' has a signal that it cannot lock to. Another cable may",
			   (const char *)input.name);
		say_advice("help, or a smaller size at the source.");
		break;
	case SIGNAL_UNFIT:
		say_advice("Its input '%s' has a signal that the device does not support:",
			   (const char *)input.name);
		say_advice("set the source to a smaller size or rate.");
		break;
	}
}

/*
 * The id of a source change event is the number of the input. It is 0 if the device has no inputs,
 * and also if the event comes from a receiver that knows no numbers.
 */
static void watch(struct device *device)
{
	struct v4l2_event_subscription change = { .type = V4L2_EVENT_SOURCE_CHANGE };
	struct v4l2_input input;

	device->watched = !v4l2_call(device->fd, VIDIOC_SUBSCRIBE_EVENT, &change);
	if (!read_input(device, &input) || !input.index)
		return;
	change.id = input.index;
	device->watched |= !v4l2_call(device->fd, VIDIOC_SUBSCRIBE_EVENT, &change);
}

bool source_has_changed(const struct device *device)
{
	struct v4l2_event event;
	bool changed = false;

	if (!device->watched)
		return false;
	while (!v4l2_call(device->fd, VIDIOC_DQEVENT, &event))
		changed |= event.type == V4L2_EVENT_SOURCE_CHANGE;
	return changed;
}

int source_set_up(struct device *device, const struct options *options)
{
	struct v4l2_input input;

	/* Subscribe before the check, so that no change is missed. Discard older events */
	watch(device);
	source_has_changed(device);
	if (options->on_change == CHANGE_IGNORE)
		return STATUS_OK;
	switch (source_look(device)) {
	case SIGNAL_RIGHT:
		return STATUS_OK;
	case SIGNAL_OTHER:
		if (read_input(device, &input) && input.capabilities & V4L2_IN_CAP_DV_TIMINGS)
			return follow_timings(device);
		return follow_standard(device);
	default:
		say_error("%s has no signal to capture", device->path);
		source_advise(device);
		say_advice("--on-change ignore captures nevertheless.");
		return STATUS_DEVICE;
	}
}
