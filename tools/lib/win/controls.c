// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROPSETID_VIDCAP_VIDEOPROCAMP and _CAMERACONTROL: controls of the camera, which are
 * controls of V4L2. Values have the units of V4L2, except for exposure (Windows: the
 * logarithm to base 2 of seconds), pan and tilt (degrees), and colour (V4L2 turns it off).
 */
#include <string.h>

#include "win.h"

#define AUTO KSPROPERTY_VIDEOPROCAMP_FLAGS_AUTO
#define MANUAL KSPROPERTY_VIDEOPROCAMP_FLAGS_MANUAL
/* ABSOLUTE is 0. A camera may complete a call later, and this one never does */
#define CAMERA_ASYNCHRONOUS 4

/* How a camera is told to choose a value by itself */
enum automatic {
	NEVER,
	BY_CONTROL,
	EXPOSURE_BY_MODE,
	IRIS_BY_MODE,
};

static const struct control {
	const GUID *set;
	ULONG id;
	__u32 cid;
	enum win_unit unit;
	enum automatic automatic;
	__u32 automatic_cid;
} controls[] = {
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS,
	  V4L2_CID_BRIGHTNESS, WIN_SAME, BY_CONTROL, V4L2_CID_AUTOBRIGHTNESS },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_CONTRAST,
	  V4L2_CID_CONTRAST, WIN_SAME, NEVER, 0 },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_HUE,
	  V4L2_CID_HUE, WIN_SAME, BY_CONTROL, V4L2_CID_HUE_AUTO },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_SATURATION,
	  V4L2_CID_SATURATION, WIN_SAME, NEVER, 0 },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_SHARPNESS,
	  V4L2_CID_SHARPNESS, WIN_SAME, NEVER, 0 },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_GAMMA,
	  V4L2_CID_GAMMA, WIN_SAME, NEVER, 0 },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_COLORENABLE,
	  V4L2_CID_COLOR_KILLER, WIN_INVERTED, NEVER, 0 },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_WHITEBALANCE,
	  V4L2_CID_WHITE_BALANCE_TEMPERATURE, WIN_SAME, BY_CONTROL,
	  V4L2_CID_AUTO_WHITE_BALANCE },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_BACKLIGHT_COMPENSATION,
	  V4L2_CID_BACKLIGHT_COMPENSATION, WIN_SAME, NEVER, 0 },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_GAIN,
	  V4L2_CID_GAIN, WIN_SAME, BY_CONTROL, V4L2_CID_AUTOGAIN },
	{ &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_POWERLINE_FREQUENCY,
	  V4L2_CID_POWER_LINE_FREQUENCY, WIN_SAME, NEVER, 0 },
	{ &PROPSETID_VIDCAP_CAMERACONTROL, KSPROPERTY_CAMERACONTROL_PAN,
	  V4L2_CID_PAN_ABSOLUTE, WIN_DEGREES, NEVER, 0 },
	{ &PROPSETID_VIDCAP_CAMERACONTROL, KSPROPERTY_CAMERACONTROL_TILT,
	  V4L2_CID_TILT_ABSOLUTE, WIN_DEGREES, NEVER, 0 },
	{ &PROPSETID_VIDCAP_CAMERACONTROL, KSPROPERTY_CAMERACONTROL_ZOOM,
	  V4L2_CID_ZOOM_ABSOLUTE, WIN_SAME, NEVER, 0 },
	{ &PROPSETID_VIDCAP_CAMERACONTROL, KSPROPERTY_CAMERACONTROL_EXPOSURE,
	  V4L2_CID_EXPOSURE_ABSOLUTE, WIN_LOG2_SECONDS, EXPOSURE_BY_MODE,
	  V4L2_CID_EXPOSURE_AUTO },
	{ &PROPSETID_VIDCAP_CAMERACONTROL, KSPROPERTY_CAMERACONTROL_IRIS,
	  V4L2_CID_IRIS_ABSOLUTE, WIN_SAME, IRIS_BY_MODE, V4L2_CID_EXPOSURE_AUTO },
	{ &PROPSETID_VIDCAP_CAMERACONTROL, KSPROPERTY_CAMERACONTROL_FOCUS,
	  V4L2_CID_FOCUS_ABSOLUTE, WIN_SAME, BY_CONTROL, V4L2_CID_FOCUS_AUTO },
	{ &PROPSETID_VIDCAP_CAMERACONTROL, KSPROPERTY_CAMERACONTROL_PRIVACY,
	  V4L2_CID_PRIVACY, WIN_SAME, NEVER, 0 },
};

/* Units */

#define ARC_SECONDS 3600
/* Times of V4L2 are in units of 100 us */
#define PER_SECOND 10000

/* Whether the time is at least 2^(n + 1/2) seconds. Compares squares, to stay exact */
static bool is_above(__u64 time, int n)
{
	const __u64 second = (__u64)PER_SECOND * PER_SECOND;
	int shift = 2 * n + 1;

	if (shift >= 0)
		return time * time >= second << shift;
	return time >= PER_SECOND || time * time << -shift >= second;
}

/* All times of an __s32 are from 2^-14 to 2^18 seconds */
static LONG log2_of(__s32 time)
{
	int n = -14;

	while (n < 18 && time > 0 && is_above((__u64)time, n))
		n++;
	return n;
}

static __s64 time_of_log2(LONG n)
{
	if (n >= 0)
		return (__s64)PER_SECOND << (n < 18 ? n : 18);
	/* Rounded, and not 0, which is not a time */
	return n < -14 ? 1 : (PER_SECOND + (1 << (-n - 1))) >> -n;
}

static LONG degrees_of(__s32 value)
{
	int half = value < 0 ? -ARC_SECONDS / 2 : ARC_SECONDS / 2;

	return (LONG)(((__s64)value + half) / ARC_SECONDS);
}

LONG win_control_from_v4l2(enum win_unit unit, __s32 value)
{
	switch (unit) {
	case WIN_LOG2_SECONDS:
		return log2_of(value);
	case WIN_DEGREES:
		return degrees_of(value);
	case WIN_INVERTED:
		return !value;
	default:
		return value;
	}
}

__s64 win_control_to_v4l2(enum win_unit unit, LONG value)
{
	switch (unit) {
	case WIN_LOG2_SECONDS:
		return time_of_log2(value);
	case WIN_DEGREES:
		return (__s64)value * ARC_SECONDS;
	case WIN_INVERTED:
		return !value;
	default:
		return value;
	}
}

/* The values that the camera can be set to, so the range does not reach outside of its own */
void win_control_range(enum win_unit unit, const struct v4l2_queryctrl *query,
		       struct win_range *range)
{
	range->min = win_control_from_v4l2(unit, query->minimum);
	range->max = win_control_from_v4l2(unit, query->maximum);
	range->step = unit == WIN_SAME && query->step > 0 ? (ULONG)query->step : 1;
	if (unit == WIN_DEGREES && query->step >= 2 * ARC_SECONDS)
		range->step = (ULONG)degrees_of(query->step);
	range->normal = win_control_from_v4l2(unit, query->default_value);
	if (unit == WIN_INVERTED) {
		range->min = 0;
		range->max = 1;
		return;
	}
	if (win_control_to_v4l2(unit, range->min) < query->minimum)
		range->min++;
	if (win_control_to_v4l2(unit, range->max) > query->maximum)
		range->max--;
	/* Between two values of Windows */
	if (range->min > range->max) {
		range->min = range->normal;
		range->max = range->normal;
	}
	if (range->normal < range->min)
		range->normal = range->min;
	if (range->normal > range->max)
		range->normal = range->max;
}

/* Controls of V4L2 */

static int query(int video, __u32 cid, struct v4l2_queryctrl *control)
{
	int ret;

	*control = (struct v4l2_queryctrl) { .id = cid };
	ret = win_video_call(video, VIDIOC_QUERYCTRL, control);
	if (ret)
		return ret;
	switch (control->type) {
	case V4L2_CTRL_TYPE_INTEGER:
	case V4L2_CTRL_TYPE_BOOLEAN:
	case V4L2_CTRL_TYPE_MENU:
	case V4L2_CTRL_TYPE_INTEGER_MENU:
		return (control->flags & V4L2_CTRL_FLAG_DISABLED) ? -WIN_NO_SUCH_ITEM : 0;
	default:
		return -WIN_NO_SUCH_ITEM;
	}
}

static int get_value(int video, __u32 cid, __s32 *value)
{
	struct v4l2_control control = { .id = cid };
	int ret = win_video_call(video, VIDIOC_G_CTRL, &control);

	*value = control.value;
	return ret;
}

static int put_value(int video, __u32 cid, __s32 value)
{
	struct v4l2_control control = { .id = cid, .value = value };

	return win_video_call(video, VIDIOC_S_CTRL, &control);
}

/* Automatic values */

/* One mode of V4L2 is for two controls of Windows: is exposure, is iris automatic */
static const enum v4l2_exposure_auto_type modes[2][2] = {
	{ V4L2_EXPOSURE_MANUAL, V4L2_EXPOSURE_SHUTTER_PRIORITY },
	{ V4L2_EXPOSURE_APERTURE_PRIORITY, V4L2_EXPOSURE_AUTO },
};

static bool has_mode(int video, enum v4l2_exposure_auto_type mode)
{
	struct v4l2_querymenu menu = { .id = V4L2_CID_EXPOSURE_AUTO, .index = mode };

	return !win_video_call(video, VIDIOC_QUERYMENU, &menu);
}

static bool mode_is_automatic(const struct control *control, __s32 mode)
{
	if (mode == V4L2_EXPOSURE_AUTO)
		return true;
	return mode == (control->automatic == EXPOSURE_BY_MODE ?
			V4L2_EXPOSURE_APERTURE_PRIORITY : V4L2_EXPOSURE_SHUTTER_PRIORITY);
}

/*
 * Finds a mode in which this control is automatic or not. The other one stays as it is, if
 * the camera has such a mode.
 */
static int find_mode(int video, const struct control *control, bool automatic, __s32 *mode)
{
	bool is_exposure = control->automatic == EXPOSURE_BY_MODE;
	bool other = *mode == V4L2_EXPOSURE_AUTO ||
		     *mode == (is_exposure ? V4L2_EXPOSURE_SHUTTER_PRIORITY :
					     V4L2_EXPOSURE_APERTURE_PRIORITY);
	int tries;

	for (tries = 0; tries < 2; tries++, other = !other) {
		*mode = is_exposure ? modes[automatic][other] : modes[other][automatic];
		if (has_mode(video, (enum v4l2_exposure_auto_type)*mode))
			return 0;
	}
	return -EINVAL;
}

static bool can_be_automatic(int video, const struct control *control)
{
	struct v4l2_queryctrl automatic;
	__s32 mode = V4L2_EXPOSURE_MANUAL;

	if (control->automatic == NEVER || query(video, control->automatic_cid, &automatic))
		return false;
	return control->automatic == BY_CONTROL || !find_mode(video, control, true, &mode);
}

static int is_automatic(int video, const struct control *control, bool *automatic)
{
	__s32 value = 0;
	int ret;

	*automatic = false;
	if (!can_be_automatic(video, control))
		return 0;
	ret = get_value(video, control->automatic_cid, &value);
	if (!ret)
		*automatic = control->automatic == BY_CONTROL ? value :
			     mode_is_automatic(control, value);
	return ret;
}

static int set_automatic(int video, const struct control *control, bool automatic)
{
	__s32 value = automatic;
	bool before;
	int ret;

	ret = is_automatic(video, control, &before);
	if (ret || before == automatic)
		return ret;
	if (control->automatic != BY_CONTROL) {
		ret = get_value(video, control->automatic_cid, &value);
		if (!ret)
			ret = find_mode(video, control, automatic, &value);
	}
	return ret ? ret : put_value(video, control->automatic_cid, value);
}

/* Properties */

static const struct control *find(const GUID *set, ULONG id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(controls); i++)
		if (controls[i].id == id && IsEqualGUID(controls[i].set, set))
			return &controls[i];
	return NULL;
}

static bool has_control(struct win_object *object, const struct win_property *property)
{
	const struct control *control = find(property->set, property->id);
	struct v4l2_queryctrl ignored;

	return control && !query(object->fd, control->cid, &ignored);
}

static int get_range(struct win_object *object, const struct win_property *property,
		     struct win_range *range, ULONG *access)
{
	const struct control *control = find(property->set, property->id);
	struct v4l2_queryctrl own;
	int ret = query(object->fd, control->cid, &own);

	if (ret)
		return ret;
	win_control_range(control->unit, &own, range);
	if (own.flags & V4L2_CTRL_FLAG_READ_ONLY)
		*access &= ~KSPROPERTY_TYPE_SET;
	if (own.flags & V4L2_CTRL_FLAG_WRITE_ONLY)
		*access &= ~KSPROPERTY_TYPE_GET;
	return 0;
}

/* The value follows a KSPROPERTY, or a KSP_NODE if the request is for a node */
struct value {
	LONG value;
	ULONG flags;
	ULONG capabilities;
};

static size_t head_size(const KSPROPERTY *request)
{
	return request->Flags & KSPROPERTY_TYPE_TOPOLOGY ? sizeof(KSP_NODE) : sizeof(KSPROPERTY);
}

static size_t answer_size(const KSPROPERTY *request)
{
	return request->Flags & KSPROPERTY_TYPE_TOPOLOGY ?
	       sizeof(KSPROPERTY_VIDEOPROCAMP_NODE_S) : sizeof(KSPROPERTY_VIDEOPROCAMP_S);
}

static int get_control(struct win_object *object, struct win_call *call)
{
	const KSPROPERTY *request = call->in;
	const struct control *control = find(&request->Set, request->Id);
	char answer[sizeof(KSPROPERTY_VIDEOPROCAMP_NODE_S)] = { 0 };
	struct v4l2_queryctrl own;
	struct win_range range;
	struct value value;
	bool automatic;
	__s32 native;
	int ret;

	ret = query(object->fd, control->cid, &own);
	if (!ret)
		ret = is_automatic(object->fd, control, &automatic);
	if (!ret)
		ret = get_value(object->fd, control->cid, &native);
	if (ret)
		return ret;
	win_control_range(control->unit, &own, &range);
	value.value = win_control_from_v4l2(control->unit, native);
	value.value = value.value < range.min ? range.min : value.value;
	value.value = value.value > range.max ? range.max : value.value;
	value.flags = automatic ? AUTO : MANUAL;
	value.capabilities = MANUAL | (can_be_automatic(object->fd, control) ? AUTO : 0);
	memcpy(answer, request, head_size(request));
	memcpy(answer + head_size(request), &value, sizeof(value));
	return win_answer(call, answer, answer_size(request));
}

static int put_manual(int video, const struct control *control, LONG value)
{
	struct v4l2_queryctrl own;
	struct win_range range;
	__s64 native;
	int ret;

	ret = query(video, control->cid, &own);
	if (ret)
		return ret;
	win_control_range(control->unit, &own, &range);
	if (value < range.min || value > range.max)
		return -EINVAL;
	native = win_control_to_v4l2(control->unit, value);
	native = native < own.minimum ? own.minimum : native;
	native = native > own.maximum ? own.maximum : native;
	ret = set_automatic(video, control, false);
	return ret ? ret : put_value(video, control->cid, (__s32)native);
}

static int put_control(struct win_object *object, struct win_call *call)
{
	const KSPROPERTY *request = call->in;
	const struct control *control = find(&request->Set, request->Id);
	struct value value;
	ULONG flags;

	if (call->out_size < answer_size(request))
		return -WIN_TOO_SMALL;
	memcpy(&value, (const char *)call->out + head_size(request), sizeof(value));
	flags = value.flags & ~(ULONG)CAMERA_ASYNCHRONOUS;
	if (flags == AUTO)
		return can_be_automatic(object->fd, control) ?
		       set_automatic(object->fd, control, true) : -EINVAL;
	if (flags && flags != MANUAL)
		return -EINVAL;
	return put_manual(object->fd, control, value.value);
}

#define CONTROL(set, name) \
	{ &PROPSETID_VIDCAP_##set, KSPROPERTY_##set##_##name, sizeof(KSPROPERTY), \
	  sizeof(KSPROPERTY_VIDEOPROCAMP_S), get_control, put_control }

static const struct win_property processing_table[] = {
	CONTROL(VIDEOPROCAMP, BRIGHTNESS),
	CONTROL(VIDEOPROCAMP, CONTRAST),
	CONTROL(VIDEOPROCAMP, HUE),
	CONTROL(VIDEOPROCAMP, SATURATION),
	CONTROL(VIDEOPROCAMP, SHARPNESS),
	CONTROL(VIDEOPROCAMP, GAMMA),
	CONTROL(VIDEOPROCAMP, COLORENABLE),
	CONTROL(VIDEOPROCAMP, WHITEBALANCE),
	CONTROL(VIDEOPROCAMP, BACKLIGHT_COMPENSATION),
	CONTROL(VIDEOPROCAMP, GAIN),
	CONTROL(VIDEOPROCAMP, POWERLINE_FREQUENCY),
};

static const struct win_property camera_table[] = {
	CONTROL(CAMERACONTROL, PAN),
	CONTROL(CAMERACONTROL, TILT),
	CONTROL(CAMERACONTROL, ZOOM),
	CONTROL(CAMERACONTROL, EXPOSURE),
	CONTROL(CAMERACONTROL, IRIS),
	CONTROL(CAMERACONTROL, FOCUS),
	CONTROL(CAMERACONTROL, PRIVACY),
};

const struct win_properties win_processing = {
	.table = processing_table,
	.count = ARRAY_SIZE(processing_table),
	.has = has_control,
	.range = get_range,
};

const struct win_properties win_camera = {
	.table = camera_table,
	.count = ARRAY_SIZE(camera_table),
	.has = has_control,
	.range = get_range,
};
