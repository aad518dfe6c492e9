// SPDX-License-Identifier: GPL-2.0-only
/* Nodes of a filter of libkswin: controls, inputs and extension units. */
#include <string.h>
#include <unistd.h>

#include "tap.h"
#include "windevice.h"
#include "winrequest.h"

/* Nodes */

static ULONG get_nodes(GUID *types, KSTOPOLOGY_CONNECTION *connections)
{
	struct {
		KSMULTIPLE_ITEM head;
		char items[2048];
	} list;
	ULONG count;

	CHECK_EQ(property(filter, &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_NODES,
			  KSPROPERTY_TYPE_GET, &list, sizeof(list)), 0);
	count = list.head.Count;
	memcpy(types, list.items, count * sizeof(*types));
	CHECK_EQ(property(filter, &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_CONNECTIONS,
			  KSPROPERTY_TYPE_GET, &list, sizeof(list)), 0);
	CHECK_EQ(list.head.Count, count);
	memcpy(connections, list.items, count * sizeof(*connections));
	return count;
}

/* The nodes are what the camera has, connected in a chain to the pin. */
static void test_topology(void)
{
	KSTOPOLOGY_CONNECTION to[16];
	const GUID unit = { 0x12345678, 1, 2, { 3 } };
	WCHAR name[16];
	GUID types[16];
	ULONG i;

	camera_reset();
	open_camera();
	CHECK_EQ(get_nodes(types, to), 2);
	CHECK(IsEqualGUID(&types[0], &KSNODETYPE_VIDEO_CAMERA_TERMINAL));
	CHECK(IsEqualGUID(&types[1], &KSNODETYPE_VIDEO_STREAMING));
	CHECK_EQ(to[0].ToNode, 1);
	CHECK_EQ(to[1].ToNode, KSFILTER_NODE);
	CHECK_EQ(to[1].ToNodePin, 0);

	camera_add_control(V4L2_CID_GAIN, V4L2_CTRL_TYPE_INTEGER, 0, 9, 5);
	camera_add_unit(&unit);
	CHECK_EQ(get_nodes(types, to), 4);
	CHECK(IsEqualGUID(&types[1], &KSNODETYPE_VIDEO_PROCESSING));
	CHECK(IsEqualGUID(&types[2], &KSNODETYPE_DEV_SPECIFIC));
	for (i = 0; i < 3; i++) {
		CHECK_EQ(to[i].FromNode, i);
		CHECK_EQ(to[i].ToNode, i + 1);
		CHECK_EQ(to[i].ToNodePin, 1);
	}

	/* Several inputs: one terminal each, and a selector behind them */
	camera.nr_inputs = 3;
	CHECK_EQ(get_nodes(types, to), 7);
	for (i = 0; i < 3; i++) {
		CHECK(IsEqualGUID(&types[i], &KSNODETYPE_VIDEO_INPUT_TERMINAL));
		CHECK_EQ(to[i].ToNode, 3);
		CHECK_EQ(to[i].ToNodePin, i + 1);
	}
	CHECK(IsEqualGUID(&types[3], &KSNODETYPE_VIDEO_SELECTOR));
	CHECK_EQ(to[3].ToNode, 4);
	CHECK_EQ(to[3].ToNodePin, 1);

	CHECK_EQ(node_property(3, &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_NAME, 0, name,
			       sizeof(name)), ERROR_SET_NOT_FOUND);
	{
		KSP_NODE node = {
			.Property = { .Set = KSPROPSETID_Topology, .Id = KSPROPERTY_TOPOLOGY_NAME,
				      .Flags = KSPROPERTY_TYPE_GET },
			.NodeId = 3,
		};

		CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, &node, sizeof(node), name, sizeof(name)),
			 0);
		CHECK(name[0] == 'S' && name[7] == 'r' && !name[8]);
		node.NodeId = 7;
		CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, &node, sizeof(node), name, sizeof(name)),
			 ERROR_INVALID_PARAMETER);
	}
	CHECK_EQ(property(filter, &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_CATEGORIES,
			  KSPROPERTY_TYPE_GET, NULL, 0), ERROR_MORE_DATA);
	CHECK_EQ(returned, sizeof(KSMULTIPLE_ITEM) + 3 * sizeof(GUID));
	CloseHandle(filter);
}

/* Controls */

static LONG exposure_of(__s32 time)
{
	return win_control_from_v4l2(WIN_LOG2_SECONDS, time);
}

/* The arithmetic, and its ends. V4L2 has times in units of 100 us. */
static void test_exposure(void)
{
	static const struct {
		__s32 time;
		LONG exposure;
	} pairs[] = {
		{ 1, -13 }, { 2, -12 }, { 5, -11 }, { 10, -10 }, { 20, -9 }, { 39, -8 },
		{ 78, -7 }, { 156, -6 }, { 313, -5 }, { 625, -4 }, { 1250, -3 }, { 2500, -2 },
		{ 5000, -1 }, { 10000, 0 }, { 20000, 1 }, { 40000, 2 }, { 1310720000, 17 },
	};
	LONG last = -14;
	__s64 time;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		CHECK_EQ(exposure_of(pairs[i].time), pairs[i].exposure);
		CHECK_EQ(win_control_to_v4l2(WIN_LOG2_SECONDS, pairs[i].exposure), pairs[i].time);
	}
	/* Halfway is 2^(n + 1/2): 14142.1 */
	CHECK_EQ(exposure_of(14142), 0);
	CHECK_EQ(exposure_of(14143), 1);
	CHECK_EQ(exposure_of(7071), -1);
	CHECK_EQ(exposure_of(7072), 0);
	CHECK_EQ(exposure_of(INT32_MAX), 18);
	CHECK_EQ(exposure_of(0), -14);
	CHECK_EQ(exposure_of(-1), -14);
	CHECK_EQ(exposure_of(INT32_MIN), -14);
	CHECK_EQ(win_control_to_v4l2(WIN_LOG2_SECONDS, 18), 2621440000);
	CHECK_EQ(win_control_to_v4l2(WIN_LOG2_SECONDS, INT32_MAX), 2621440000);
	CHECK_EQ(win_control_to_v4l2(WIN_LOG2_SECONDS, -14), 1);
	CHECK_EQ(win_control_to_v4l2(WIN_LOG2_SECONDS, INT32_MIN), 1);
	for (time = 1; time <= INT32_MAX; time += time / 7 + 1) {
		CHECK(exposure_of((__s32)time) >= last);
		last = exposure_of((__s32)time);
	}
}

static void test_degrees(void)
{
	CHECK_EQ(win_control_from_v4l2(WIN_DEGREES, 3600), 1);
	CHECK_EQ(win_control_from_v4l2(WIN_DEGREES, 1799), 0);
	CHECK_EQ(win_control_from_v4l2(WIN_DEGREES, 1800), 1);
	CHECK_EQ(win_control_from_v4l2(WIN_DEGREES, -1799), 0);
	CHECK_EQ(win_control_from_v4l2(WIN_DEGREES, -1800), -1);
	CHECK_EQ(win_control_from_v4l2(WIN_DEGREES, INT32_MAX), 596523);
	CHECK_EQ(win_control_from_v4l2(WIN_DEGREES, INT32_MIN), -596523);
	CHECK_EQ(win_control_to_v4l2(WIN_DEGREES, -180), -648000);
	CHECK_EQ(win_control_to_v4l2(WIN_DEGREES, INT32_MIN), 3600LL * INT32_MIN);
	CHECK_EQ(win_control_from_v4l2(WIN_INVERTED, 0), 1);
	CHECK_EQ(win_control_to_v4l2(WIN_INVERTED, 1), 0);
	CHECK_EQ(win_control_from_v4l2(WIN_SAME, INT32_MIN), INT32_MIN);
}

static struct win_range range_of(enum win_unit unit, __s32 min, __s32 max, __s32 step,
				 __s32 normal)
{
	struct v4l2_queryctrl query = {
		.minimum = min, .maximum = max, .step = step, .default_value = normal,
	};
	struct win_range range;

	win_control_range(unit, &query, &range);
	return range;
}

/* A range has only values that the camera can be set to. */
static void test_ranges_of_controls(void)
{
	struct win_range range = range_of(WIN_LOG2_SECONDS, 3, 2047, 1, 250);

	CHECK_EQ(range.min, -11);
	CHECK_EQ(range.max, -3);
	CHECK_EQ(range.step, 1);
	CHECK_EQ(range.normal, -5);
	range = range_of(WIN_LOG2_SECONDS, 1, INT32_MAX, 1, 1);
	CHECK_EQ(range.min, -13);
	CHECK_EQ(range.max, 17);
	/* No power of two is in it */
	range = range_of(WIN_LOG2_SECONDS, 11000, 13000, 1, 12000);
	CHECK_EQ(range.min, 0);
	CHECK_EQ(range.max, 0);
	CHECK_EQ(range.normal, 0);
	range = range_of(WIN_DEGREES, -648000, 648000, 3600, 0);
	CHECK_EQ(range.min, -180);
	CHECK_EQ(range.max, 180);
	CHECK_EQ(range.step, 1);
	range = range_of(WIN_DEGREES, -6000, 6000, 7200, 6000);
	CHECK_EQ(range.min, -1);
	CHECK_EQ(range.max, 1);
	CHECK_EQ(range.normal, 1);
	CHECK_EQ(range.step, 2);
	range = range_of(WIN_SAME, INT32_MIN, INT32_MAX, 0, 0);
	CHECK_EQ(range.min, INT32_MIN);
	CHECK_EQ(range.max, INT32_MAX);
	CHECK_EQ(range.step, 1);
	range = range_of(WIN_INVERTED, 0, 1, 1, 0);
	CHECK_EQ(range.min, 0);
	CHECK_EQ(range.max, 1);
	CHECK_EQ(range.normal, 1);
}

static KSPROPERTY_VIDEOPROCAMP_S control;

static DWORD use_control(const GUID *set, ULONG id, ULONG flags)
{
	control.Property = (KSPROPERTY) { .Set = *set, .Id = id, .Flags = flags };
	return call(filter, IOCTL_KS_PROPERTY, &control, sizeof(control), &control,
		    sizeof(control));
}

static DWORD get_control(const GUID *set, ULONG id)
{
	control.Value = -12345;
	return use_control(set, id, KSPROPERTY_TYPE_GET);
}

static DWORD set_control(const GUID *set, ULONG id, LONG value, ULONG flags)
{
	control.Value = value;
	control.Flags = flags;
	return use_control(set, id, KSPROPERTY_TYPE_SET);
}

#define PROCESSING &PROPSETID_VIDCAP_VIDEOPROCAMP
#define CAMERA &PROPSETID_VIDCAP_CAMERACONTROL
#define AUTO KSPROPERTY_VIDEOPROCAMP_FLAGS_AUTO
#define MANUAL KSPROPERTY_VIDEOPROCAMP_FLAGS_MANUAL

/* J2: a value is got and set; one outside of the range is refused and not set. */
static void test_controls(void)
{
	camera_reset();
	camera_add_control(V4L2_CID_BRIGHTNESS, V4L2_CTRL_TYPE_INTEGER, -64, 64, 3);
	camera_add_control(V4L2_CID_COLOR_KILLER, V4L2_CTRL_TYPE_BOOLEAN, 0, 1, 1);
	camera_add_control(V4L2_CID_PAN_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, -36000, 36000, 7200);
	camera_add_control(V4L2_CID_SHARPNESS, V4L2_CTRL_TYPE_BUTTON, 0, 0, 0);
	camera_add_control(V4L2_CID_CONTRAST, V4L2_CTRL_TYPE_INTEGER, 0, 9, 3);
	camera_control(V4L2_CID_CONTRAST)->query.flags = V4L2_CTRL_FLAG_DISABLED;
	open_camera();
	CHECK_EQ(get_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS), 0);
	CHECK_EQ(returned, sizeof(control));
	CHECK_EQ(control.Value, 3);
	CHECK_EQ(control.Flags, MANUAL);
	CHECK_EQ(control.Capabilities, MANUAL);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS, -64, MANUAL), 0);
	CHECK_EQ(camera_control(V4L2_CID_BRIGHTNESS)->value, -64);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS, 64, 0), 0);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS, 65, MANUAL),
		 ERROR_INVALID_PARAMETER);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS, -65, MANUAL),
		 ERROR_INVALID_PARAMETER);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS, 1, AUTO),
		 ERROR_INVALID_PARAMETER);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS, 1, AUTO | MANUAL),
		 ERROR_INVALID_PARAMETER);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS, 1, 0x10),
		 ERROR_INVALID_PARAMETER);
	CHECK_EQ(camera_control(V4L2_CID_BRIGHTNESS)->value, 64);

	CHECK_EQ(get_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_COLORENABLE), 0);
	CHECK_EQ(control.Value, 0);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_COLORENABLE, 1, MANUAL), 0);
	CHECK_EQ(camera_control(V4L2_CID_COLOR_KILLER)->value, 0);
	CHECK_EQ(get_control(CAMERA, KSPROPERTY_CAMERACONTROL_PAN), 0);
	CHECK_EQ(control.Value, 2);
	CHECK_EQ(set_control(CAMERA, KSPROPERTY_CAMERACONTROL_PAN, -10, MANUAL), 0);
	CHECK_EQ(camera_control(V4L2_CID_PAN_ABSOLUTE)->value, -36000);
	CHECK_EQ(set_control(CAMERA, KSPROPERTY_CAMERACONTROL_PAN, INT32_MIN, MANUAL),
		 ERROR_INVALID_PARAMETER);

	/* What is not there */
	CHECK_EQ(get_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_SHARPNESS), ERROR_NOT_FOUND);
	CHECK_EQ(get_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_CONTRAST), ERROR_NOT_FOUND);
	CHECK_EQ(get_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_HUE), ERROR_NOT_FOUND);
	CHECK_EQ(get_control(CAMERA, 99), ERROR_NOT_FOUND);
	CHECK_EQ(property(filter, PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS,
			  KSPROPERTY_TYPE_SET, &control, sizeof(control) - 1),
		 ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(property(filter, PROCESSING, KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS,
			  KSPROPERTY_TYPE_GET, &control, sizeof(control) - 1),
		 ERROR_INSUFFICIENT_BUFFER);
	CloseHandle(filter);
}

/* A control that the camera sets by itself is set to manual before its value. */
static void test_automatic(void)
{
	camera_reset();
	camera_add_control(V4L2_CID_WHITE_BALANCE_TEMPERATURE, V4L2_CTRL_TYPE_INTEGER, 2800, 6500,
			   4000);
	camera_add_control(V4L2_CID_AUTO_WHITE_BALANCE, V4L2_CTRL_TYPE_BOOLEAN, 0, 1, 1);
	camera_control(V4L2_CID_WHITE_BALANCE_TEMPERATURE)->manual_cid =
		V4L2_CID_AUTO_WHITE_BALANCE;
	open_camera();
	CHECK_EQ(get_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_WHITEBALANCE), 0);
	CHECK_EQ(control.Value, 4000);
	CHECK_EQ(control.Flags, AUTO);
	CHECK_EQ(control.Capabilities, AUTO | MANUAL);
	/* A wrong value changes nothing */
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_WHITEBALANCE, 1, MANUAL),
		 ERROR_INVALID_PARAMETER);
	CHECK_EQ(camera_control(V4L2_CID_AUTO_WHITE_BALANCE)->value, 1);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_WHITEBALANCE, 5000, MANUAL), 0);
	CHECK_EQ(camera_control(V4L2_CID_AUTO_WHITE_BALANCE)->value, 0);
	CHECK_EQ(camera_control(V4L2_CID_WHITE_BALANCE_TEMPERATURE)->value, 5000);
	CHECK_EQ(get_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_WHITEBALANCE), 0);
	CHECK_EQ(control.Flags, MANUAL);
	CHECK_EQ(set_control(PROCESSING, KSPROPERTY_VIDEOPROCAMP_WHITEBALANCE, 1, AUTO), 0);
	CHECK_EQ(camera_control(V4L2_CID_AUTO_WHITE_BALANCE)->value, 1);
	CHECK_EQ(camera_control(V4L2_CID_WHITE_BALANCE_TEMPERATURE)->value, 5000);
	CloseHandle(filter);
}

/* One mode of V4L2 says whether exposure and iris are automatic. */
static void test_exposure_modes(void)
{
	struct camera_control *mode;

	camera_reset();
	camera_add_control(V4L2_CID_EXPOSURE_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, 3, 2047, 250);
	camera_add_control(V4L2_CID_IRIS_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, 0, 10, 5);
	camera_add_control(V4L2_CID_EXPOSURE_AUTO, V4L2_CTRL_TYPE_MENU, 0, 3, V4L2_EXPOSURE_AUTO);
	mode = camera_control(V4L2_CID_EXPOSURE_AUTO);
	open_camera();
	CHECK_EQ(get_control(CAMERA, KSPROPERTY_CAMERACONTROL_EXPOSURE), 0);
	CHECK_EQ(control.Value, -5);
	CHECK_EQ(control.Flags, AUTO);
	/* The iris stays as it is */
	CHECK_EQ(set_control(CAMERA, KSPROPERTY_CAMERACONTROL_EXPOSURE, -4, MANUAL), 0);
	CHECK_EQ(mode->value, V4L2_EXPOSURE_SHUTTER_PRIORITY);
	CHECK_EQ(camera_control(V4L2_CID_EXPOSURE_ABSOLUTE)->value, 625);
	CHECK_EQ(get_control(CAMERA, KSPROPERTY_CAMERACONTROL_IRIS), 0);
	CHECK_EQ(control.Flags, AUTO);
	CHECK_EQ(set_control(CAMERA, KSPROPERTY_CAMERACONTROL_IRIS, 7, MANUAL), 0);
	CHECK_EQ(mode->value, V4L2_EXPOSURE_MANUAL);
	CHECK_EQ(get_control(CAMERA, KSPROPERTY_CAMERACONTROL_EXPOSURE), 0);
	CHECK_EQ(control.Flags, MANUAL);
	CHECK_EQ(set_control(CAMERA, KSPROPERTY_CAMERACONTROL_EXPOSURE, 0, AUTO), 0);
	CHECK_EQ(mode->value, V4L2_EXPOSURE_APERTURE_PRIORITY);
	CHECK_EQ(set_control(CAMERA, KSPROPERTY_CAMERACONTROL_IRIS, 0, AUTO), 0);
	CHECK_EQ(mode->value, V4L2_EXPOSURE_AUTO);

	/* A usual camera has two of the modes */
	mode->menu = 1 << V4L2_EXPOSURE_MANUAL | 1 << V4L2_EXPOSURE_APERTURE_PRIORITY;
	mode->value = V4L2_EXPOSURE_APERTURE_PRIORITY;
	CHECK_EQ(get_control(CAMERA, KSPROPERTY_CAMERACONTROL_IRIS), 0);
	CHECK_EQ(control.Capabilities, MANUAL);
	CHECK_EQ(control.Flags, MANUAL);
	CHECK_EQ(set_control(CAMERA, KSPROPERTY_CAMERACONTROL_EXPOSURE, -5, MANUAL), 0);
	CHECK_EQ(mode->value, V4L2_EXPOSURE_MANUAL);
	CHECK_EQ(set_control(CAMERA, KSPROPERTY_CAMERACONTROL_EXPOSURE, -5, AUTO), 0);
	CHECK_EQ(mode->value, V4L2_EXPOSURE_APERTURE_PRIORITY);
	/* Another one has auto and manual */
	mode->menu = 1 << V4L2_EXPOSURE_MANUAL | 1 << V4L2_EXPOSURE_AUTO;
	mode->value = V4L2_EXPOSURE_MANUAL;
	CHECK_EQ(set_control(CAMERA, KSPROPERTY_CAMERACONTROL_EXPOSURE, -5, AUTO), 0);
	CHECK_EQ(mode->value, V4L2_EXPOSURE_AUTO);
	mode->menu = 1 << V4L2_EXPOSURE_MANUAL;
	CHECK_EQ(get_control(CAMERA, KSPROPERTY_CAMERACONTROL_EXPOSURE), 0);
	CHECK_EQ(control.Capabilities, MANUAL);
	CloseHandle(filter);
}

/* A node has the controls of its kind, and takes requests with its number. */
static void test_controls_on_nodes(void)
{
	KSPROPERTY_VIDEOPROCAMP_NODE_S node;
	GUID sets[4];

	camera_reset();
	camera_add_control(V4L2_CID_GAIN, V4L2_CTRL_TYPE_INTEGER, 0, 9, 5);
	camera_add_control(V4L2_CID_ZOOM_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, 0, 9, 4);
	open_camera();
	CHECK_EQ(node_property(0, CAMERA, KSPROPERTY_CAMERACONTROL_ZOOM, KSPROPERTY_TYPE_GET,
			       &node, sizeof(node)), 0);
	CHECK_EQ(returned, sizeof(node));
	CHECK_EQ(node.NodeProperty.NodeId, 0);
	CHECK_EQ(node.Value, 4);
	CHECK_EQ(node.Flags, MANUAL);
	CHECK_EQ(node_property(1, PROCESSING, KSPROPERTY_VIDEOPROCAMP_GAIN, KSPROPERTY_TYPE_GET,
			       &node, sizeof(node)), 0);
	CHECK_EQ(node.NodeProperty.NodeId, 1);
	CHECK_EQ(node.Value, 5);
	node.Value = 8;
	CHECK_EQ(node_property(1, PROCESSING, KSPROPERTY_VIDEOPROCAMP_GAIN, KSPROPERTY_TYPE_SET,
			       &node, sizeof(node)), 0);
	CHECK_EQ(camera_control(V4L2_CID_GAIN)->value, 8);
	CHECK_EQ(node_property(1, PROCESSING, KSPROPERTY_VIDEOPROCAMP_GAIN, KSPROPERTY_TYPE_SET,
			       &node, sizeof(node) - 1), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(node_property(1, &GUID_NULL, 0, KSPROPERTY_TYPE_SETSUPPORT, sets, sizeof(sets)),
		 0);
	CHECK_EQ(returned, sizeof(GUID));
	CHECK(IsEqualGUID(&sets[0], PROCESSING));
	CHECK_EQ(node_property(1, PROCESSING, KSPROPERTY_VIDEOPROCAMP_GAIN,
			       KSPROPERTY_TYPE_BASICSUPPORT, &node, sizeof(ULONG)), 0);
	CHECK_EQ(node_property(0, PROCESSING, KSPROPERTY_VIDEOPROCAMP_GAIN, KSPROPERTY_TYPE_GET,
			       &node, sizeof(node)), ERROR_SET_NOT_FOUND);
	CHECK_EQ(node_property(2, PROCESSING, KSPROPERTY_VIDEOPROCAMP_GAIN, KSPROPERTY_TYPE_GET,
			       &node, sizeof(node)), ERROR_SET_NOT_FOUND);
	CHECK_EQ(node_property(3, PROCESSING, KSPROPERTY_VIDEOPROCAMP_GAIN, KSPROPERTY_TYPE_GET,
			       &node, sizeof(node)), ERROR_INVALID_PARAMETER);
	CHECK_EQ(node_property(KSFILTER_NODE, PROCESSING, 0, KSPROPERTY_TYPE_GET, &node,
			       sizeof(node)), ERROR_INVALID_PARAMETER);
	CHECK_EQ(property(filter, PROCESSING, KSPROPERTY_VIDEOPROCAMP_GAIN,
			  KSPROPERTY_TYPE_GET | KSPROPERTY_TYPE_TOPOLOGY, &node, sizeof(node)),
		 ERROR_INSUFFICIENT_BUFFER);
	CloseHandle(filter);
}

/* The inputs of a device, and which one it uses */
static void test_crossbar(void)
{
	const GUID *set = &PROPSETID_VIDCAP_CROSSBAR;
	KSPROPERTY_CROSSBAR_PININFO_S info = {
		.Property = { .Set = *set, .Id = KSPROPERTY_CROSSBAR_PININFO,
			      .Flags = KSPROPERTY_TYPE_GET },
		.Direction = KSPIN_DATAFLOW_IN,
	};
	KSPROPERTY_CROSSBAR_ROUTE_S route = {
		.Property = { .Set = *set, .Id = KSPROPERTY_CROSSBAR_CAN_ROUTE,
			      .Flags = KSPROPERTY_TYPE_GET },
		.IndexInputPin = 1,
	};
	KSPROPERTY_CROSSBAR_CAPS_S caps;

	camera_reset();
	open_camera();
	CHECK_EQ(property(filter, set, KSPROPERTY_CROSSBAR_CAPS, KSPROPERTY_TYPE_GET, &caps,
			  sizeof(caps)), ERROR_SET_NOT_FOUND);
	camera.nr_inputs = 4;
	camera.inputs[0].type = V4L2_INPUT_TYPE_TUNER;
	camera.inputs[1].type = V4L2_INPUT_TYPE_CAMERA;
	memcpy(camera.inputs[1].name, "S-Video 1", sizeof("S-Video 1"));
	camera.inputs[2].std = V4L2_STD_PAL;
	camera.inputs[3].capabilities = V4L2_IN_CAP_DV_TIMINGS;
	CHECK_EQ(property(filter, set, KSPROPERTY_CROSSBAR_CAPS, KSPROPERTY_TYPE_GET, &caps,
			  sizeof(caps)), 0);
	CHECK_EQ(caps.NumberOfInputs, 4);
	CHECK_EQ(caps.NumberOfOutputs, 1);
#define INFO(index, result) \
	(info.Index = (index), \
	 call(filter, IOCTL_KS_PROPERTY, &info, sizeof(info), &info, sizeof(info)) == (result))
	CHECK(INFO(0, 0) && info.PinType == KS_PhysConn_Video_Tuner);
	CHECK(INFO(1, 0) && info.PinType == KS_PhysConn_Video_SVideo);
	CHECK(INFO(2, 0) && info.PinType == KS_PhysConn_Video_Composite);
	CHECK(INFO(3, 0) && info.PinType == KS_PhysConn_Video_ParallelDigital);
	CHECK(INFO(4, ERROR_INVALID_PARAMETER));
	info.Direction = KSPIN_DATAFLOW_OUT;
	CHECK(INFO(0, 0) && info.PinType == KS_PhysConn_Video_VideoDecoder);
	CHECK(INFO(1, ERROR_INVALID_PARAMETER));
	info.Direction = 9;
	CHECK(INFO(0, ERROR_INVALID_PARAMETER));
#undef INFO
#define ROUTE() call(filter, IOCTL_KS_PROPERTY, &route, sizeof(route), &route, sizeof(route))
	CHECK_EQ(ROUTE(), 0);
	CHECK_EQ(route.CanRoute, 1);
	route.IndexInputPin = 4;
	CHECK_EQ(ROUTE(), 0);
	CHECK_EQ(route.CanRoute, 0);
	route.Property.Id = KSPROPERTY_CROSSBAR_ROUTE;
	route.Property.Flags = KSPROPERTY_TYPE_SET;
	CHECK_EQ(ROUTE(), ERROR_INVALID_PARAMETER);
	route.IndexInputPin = 2;
	route.IndexOutputPin = 1;
	CHECK_EQ(ROUTE(), ERROR_INVALID_PARAMETER);
	CHECK_EQ(camera.input, 0);
	route.IndexOutputPin = 0;
	CHECK_EQ(ROUTE(), 0);
	CHECK_EQ(camera.input, 2);
	route.Property.Flags = KSPROPERTY_TYPE_GET;
	route.IndexInputPin = 9;
	CHECK_EQ(ROUTE(), 0);
	CHECK_EQ(route.IndexInputPin, 2);
#undef ROUTE
	CloseHandle(filter);
}

/* J2: controls of an extension unit are bytes, on the node of the unit only. */
static void test_extension_unit(void)
{
	const GUID set = { 0x12345678, 1, 2, { 3 } };
	unsigned char bytes[CAMERA_UNIT_BYTES + 1] = { 1, 2, 3, 4, GUARD };
	GUID sets[2];
	ULONG access;

	camera_reset();
	camera_add_unit(&set);
	open_camera();
	CHECK_EQ(node_property(1, &GUID_NULL, 0, KSPROPERTY_TYPE_SETSUPPORT, sets, sizeof(sets)),
		 0);
	CHECK(IsEqualGUID(&sets[0], &set));
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_SET, bytes, 4), 0);
	CHECK(!memcmp(camera.unit, "\1\2\3\4", 4));
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_SET, bytes, 3),
		 ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_GET, NULL, 0), ERROR_MORE_DATA);
	CHECK_EQ(returned, CAMERA_UNIT_BYTES);
	memset(bytes, GUARD, sizeof(bytes));
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_GET, bytes, 3),
		 ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(bytes[0], GUARD);
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_GET, bytes, sizeof(bytes)), 0);
	CHECK_EQ(returned, CAMERA_UNIT_BYTES);
	CHECK(!memcmp(bytes, "\1\2\3\4\x5a", 5));
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_DEFAULTVALUES, bytes, 4), 0);
	CHECK_EQ(bytes[0], 0x77);
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_BASICSUPPORT, &access, 4), 0);
	CHECK_EQ(access, KSPROPERTY_TYPE_GET | KSPROPERTY_TYPE_SET);
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_SETSUPPORT, NULL, 0), 0);

	/* What uvcvideo returns for a value that the camera refuses */
	camera.unit_errno = ERANGE;
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_SET, bytes, 4),
		 ERROR_INVALID_PARAMETER);
	/* The same for a control that can only be got */
	camera.unit_errno = EBADRQC;
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_SET, bytes, 4),
		 ERROR_INVALID_FUNCTION);
	/* What USB returns if the camera sends too much */
	camera.unit_errno = EOVERFLOW;
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_SET, bytes, 4), ERROR_GEN_FAILURE);
	camera.unit_errno = 0;

	camera.unit_queries = 0;
	CHECK_EQ(node_property(1, &set, 0, KSPROPERTY_TYPE_GET, bytes, 4), ERROR_NOT_FOUND);
	CHECK_EQ(node_property(1, &set, 257, KSPROPERTY_TYPE_GET, bytes, 4), ERROR_NOT_FOUND);
	CHECK_EQ(camera.unit_queries, 0);
	CHECK_EQ(node_property(1, &set, 2, KSPROPERTY_TYPE_GET, bytes, 4), ERROR_NOT_FOUND);
	CHECK_EQ(node_property(1, &set, 1, 0x400, bytes, 4), ERROR_INVALID_FUNCTION);
	CHECK_EQ(node_property(1, &set, 1, KSPROPERTY_TYPE_SET, (void *)8, 4), ERROR_NOACCESS);
	CHECK_EQ(node_property(1, PROCESSING, 1, KSPROPERTY_TYPE_GET, bytes, 4),
		 ERROR_SET_NOT_FOUND);
	CHECK_EQ(node_property(0, &set, 1, KSPROPERTY_TYPE_GET, bytes, 4), ERROR_SET_NOT_FOUND);
	CHECK_EQ(property(filter, &set, 1, KSPROPERTY_TYPE_GET, bytes, 4), ERROR_SET_NOT_FOUND);
	CloseHandle(filter);
}

/* Descriptors can be cut off or have wrong lengths. */
static void test_wrong_descriptors(void)
{
	const GUID set = { 0x12345678, 1, 2, { 3 } };
	struct win_unit_node units[4];
	unsigned char bytes[256];
	size_t size, i;

	camera_reset();
	camera_add_unit(&set);
	size = camera.descriptors_bytes;
	CHECK_EQ(win_parse_units(camera.descriptors, size, 0, units, 4), 1);
	CHECK_EQ(units[0].unit, CAMERA_UNIT);
	CHECK_EQ(win_parse_units(camera.descriptors, size, 1, units, 4), 0);
	CHECK_EQ(win_parse_units(camera.descriptors, size, 0, units, 0), 0);
	for (i = 0; i < size; i++)
		CHECK_EQ(win_parse_units(camera.descriptors, i, 0, units, 4), 0);
	for (i = 0; i < 256; i++) {
		memcpy(bytes, camera.descriptors, size);
		bytes[9] = (unsigned char)i;
		CHECK_EQ(win_parse_units(bytes, size, 0, units, 4), i >= 25 && i <= 26);
		bytes[9] = 26;
		bytes[9 + 21] = (unsigned char)i;
		CHECK_EQ(win_parse_units(bytes, size, 0, units, 4), i <= 2);
	}
	memcpy(bytes, camera.descriptors, size);
	memcpy(bytes + size, camera.descriptors + 9, 26);
	CHECK_EQ(win_parse_units(bytes, size + 26, 0, units, 4), 2);
	CHECK_EQ(win_parse_units(bytes, size + 26, 0, units, 1), 1);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "topology", test_topology },
		{ "exposure", test_exposure },
		{ "degrees", test_degrees },
		{ "ranges of controls", test_ranges_of_controls },
		{ "controls", test_controls },
		{ "automatic controls", test_automatic },
		{ "modes of exposure", test_exposure_modes },
		{ "controls on nodes", test_controls_on_nodes },
		{ "crossbar", test_crossbar },
		{ "extension unit", test_extension_unit },
		{ "wrong descriptors", test_wrong_descriptors },
	};

	alarm(WIN_PATIENCE_S);
	return tap_run(tests, ARRAY_SIZE(tests));
}
