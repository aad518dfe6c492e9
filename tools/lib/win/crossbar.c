// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROPSETID_VIDCAP_CROSSBAR: the inputs of a device, if it has several. On Windows a
 * crossbar is a filter of its own. Here the filter of the device has this set too. It has
 * one output.
 */
#include <string.h>
#include <strings.h>

#include "win.h"

static int query(int video, __u32 index, struct v4l2_input *input)
{
	*input = (struct v4l2_input) { .index = index };
	return win_video_call(video, VIDIOC_ENUMINPUT, input);
}

ULONG win_inputs(int video)
{
	struct v4l2_input input;
	ULONG count = 0;

	while (count < WIN_MAX_INPUTS && !query(video, count, &input))
		count++;
	return count;
}

static bool has_inputs(struct win_object *object, const struct win_property *property)
{
	(void)property;
	return win_inputs(object->fd) > 1;
}

/* V4L2 has only names for what is not a tuner */
static ULONG type_of(const struct v4l2_input *input)
{
	if (input->type == V4L2_INPUT_TYPE_TUNER)
		return KS_PhysConn_Video_Tuner;
	if (strcasestr((const char *)input->name, "s-video"))
		return KS_PhysConn_Video_SVideo;
	if (strcasestr((const char *)input->name, "composite"))
		return KS_PhysConn_Video_Composite;
	if (input->capabilities & V4L2_IN_CAP_DV_TIMINGS)
		return KS_PhysConn_Video_ParallelDigital;
	return input->std ? KS_PhysConn_Video_Composite : KS_PhysConn_Video_AUX;
}

static int get_caps(struct win_object *object, struct win_call *call)
{
	KSPROPERTY_CROSSBAR_CAPS_S caps = {
		.NumberOfInputs = win_inputs(object->fd),
		.NumberOfOutputs = 1,
	};

	memcpy(&caps.Property, call->in, sizeof(caps.Property));
	return win_answer(call, &caps, sizeof(caps));
}

static int get_info(struct win_object *object, struct win_call *call)
{
	KSPROPERTY_CROSSBAR_PININFO_S info;
	struct v4l2_input input;
	int ret;

	memcpy(&info, call->in, sizeof(info));
	info.RelatedPinIndex = (ULONG)-1;
	info.Medium = (KSPIN_MEDIUM) { .Set = KSMEDIUMSETID_Standard };
	if (info.Direction == KSPIN_DATAFLOW_OUT) {
		info.PinType = KS_PhysConn_Video_VideoDecoder;
		return info.Index ? -EINVAL : win_answer(call, &info, sizeof(info));
	}
	if (info.Direction != KSPIN_DATAFLOW_IN)
		return -EINVAL;
	ret = query(object->fd, info.Index, &input);
	if (ret)
		return ret;
	info.PinType = type_of(&input);
	return win_answer(call, &info, sizeof(info));
}

static int can_route(struct win_object *object, struct win_call *call)
{
	KSPROPERTY_CROSSBAR_ROUTE_S route;

	memcpy(&route, call->in, sizeof(route));
	route.CanRoute = !route.IndexOutputPin && route.IndexInputPin < win_inputs(object->fd);
	return win_answer(call, &route, sizeof(route));
}

static int get_route(struct win_object *object, struct win_call *call)
{
	KSPROPERTY_CROSSBAR_ROUTE_S route;
	int input, ret;

	memcpy(&route, call->in, sizeof(route));
	if (route.IndexOutputPin)
		return -EINVAL;
	ret = win_video_call(object->fd, VIDIOC_G_INPUT, &input);
	if (ret)
		return ret;
	route.IndexInputPin = (ULONG)input;
	route.CanRoute = TRUE;
	return win_answer(call, &route, sizeof(route));
}

static int put_route(struct win_object *object, struct win_call *call)
{
	KSPROPERTY_CROSSBAR_ROUTE_S route;
	int input;

	memcpy(&route, call->out, sizeof(route));
	if (route.IndexOutputPin || route.IndexInputPin >= win_inputs(object->fd))
		return -EINVAL;
	input = (int)route.IndexInputPin;
	return win_video_call(object->fd, VIDIOC_S_INPUT, &input);
}

static const struct win_property table[] = {
	{ &PROPSETID_VIDCAP_CROSSBAR, KSPROPERTY_CROSSBAR_CAPS, sizeof(KSPROPERTY), 0,
	  get_caps, NULL },
	{ &PROPSETID_VIDCAP_CROSSBAR, KSPROPERTY_CROSSBAR_PININFO,
	  sizeof(KSPROPERTY_CROSSBAR_PININFO_S), 0, get_info, NULL },
	{ &PROPSETID_VIDCAP_CROSSBAR, KSPROPERTY_CROSSBAR_CAN_ROUTE,
	  sizeof(KSPROPERTY_CROSSBAR_ROUTE_S), 0, can_route, NULL },
	{ &PROPSETID_VIDCAP_CROSSBAR, KSPROPERTY_CROSSBAR_ROUTE,
	  sizeof(KSPROPERTY_CROSSBAR_ROUTE_S), sizeof(KSPROPERTY_CROSSBAR_ROUTE_S),
	  get_route, put_route },
};

const struct win_properties win_crossbar = {
	.table = table,
	.count = ARRAY_SIZE(table),
	.has = has_inputs,
};
