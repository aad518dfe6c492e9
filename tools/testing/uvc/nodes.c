// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes and controls of a USB camera through libkswin and uvcvideo. The tests ask the camera
 * itself for the values that it was set to.
 */
#include "webcam.h"
#include "controls.h"

#include "../selftests/filter.h"

/* The set of the extension unit, as its descriptor has it */
static const GUID extension = {
	0x6f1d2b94, 0x7c3a, 0x4e58, { 0x9d, 0x0b, 0xa2, 0xe4, 0xc8, 0x15, 0x73, 0xf6 }
};

#define AUTO KSPROPERTY_CAMERACONTROL_FLAGS_AUTO
#define MANUAL KSPROPERTY_CAMERACONTROL_FLAGS_MANUAL

enum {
	NODE_CAMERA,
	NODE_PROCESSING,
	NODE_EXTENSION,
	NODE_STREAMING,
	NODES,
};

FIXTURE(uvc_nodes) {
	struct webcam cam;
	HANDLE filter;
};

FIXTURE_SETUP(uvc_nodes)
{
	webcam_plug(&self->cam, NULL);
	self->filter = open_filter(self->cam.node);
}

FIXTURE_TEARDOWN(uvc_nodes)
{
	EXPECT_TRUE(CloseHandle(self->filter));
	webcam_unplug(&self->cam);
	webcam_settle(&self->cam);
}

/* J2: the nodes are the entities in the descriptors of the camera. */
TEST_F(uvc_nodes, topology)
{
	GUID types[MAX_NODES];

	ASSERT_EQ(NODES, get_nodes(self->filter, types));
	EXPECT_TRUE(IsEqualGUID(&types[NODE_CAMERA], &KSNODETYPE_VIDEO_CAMERA_TERMINAL));
	EXPECT_TRUE(IsEqualGUID(&types[NODE_PROCESSING], &KSNODETYPE_VIDEO_PROCESSING));
	EXPECT_TRUE(IsEqualGUID(&types[NODE_EXTENSION], &KSNODETYPE_DEV_SPECIFIC));
	EXPECT_TRUE(IsEqualGUID(&types[NODE_STREAMING], &KSNODETYPE_VIDEO_STREAMING));
}

static HRESULT use_exposure(struct uvc_nodes_fixture *self, KSPROPERTY_CAMERACONTROL_S *exposure,
			    ULONG flags)
{
	exposure->Property = (KSPROPERTY) {
		.Set = PROPSETID_VIDCAP_CAMERACONTROL,
		.Id = KSPROPERTY_CAMERACONTROL_EXPOSURE,
		.Flags = flags,
	};
	return own_property(self->filter, exposure, sizeof(*exposure));
}

static HRESULT set_exposure(struct uvc_nodes_fixture *self, LONG value, ULONG flags)
{
	KSPROPERTY_CAMERACONTROL_S exposure = { .Value = value, .Flags = flags };

	return use_exposure(self, &exposure, KSPROPERTY_TYPE_SET);
}

static void expect_exposure(struct uvc_nodes_fixture *self, LONG value, ULONG flags)
{
	KSPROPERTY_CAMERACONTROL_S exposure = { 0 };

	EXPECT_EQ(S_OK, use_exposure(self, &exposure, KSPROPERTY_TYPE_GET));
	EXPECT_EQ(value, exposure.Value);
	EXPECT_EQ(flags, exposure.Flags);
	EXPECT_EQ(AUTO | MANUAL, exposure.Capabilities);
}

static void expect_camera(struct uvc_nodes_fixture *self, int mode, int time)
{
	EXPECT_EQ(mode, webcam_value(&self->cam, CONTROL_EXPOSURE_MODE));
	EXPECT_EQ(time, webcam_value(&self->cam, CONTROL_EXPOSURE));
}

/*
 * J2: the time of exposure. The camera refuses one in its automatic mode, so the library ends
 * this mode first. A value outside of the range does not end it.
 */
TEST_F(uvc_nodes, exposure)
{
	expect_camera(self, EXPOSURE_APERTURE_PRIORITY, EXPOSURE_USUAL);
	expect_exposure(self, -5, AUTO);
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), set_exposure(self, -12, MANUAL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), set_exposure(self, -2, MANUAL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER),
		  set_exposure(self, -4, AUTO | MANUAL));
	expect_camera(self, EXPOSURE_APERTURE_PRIORITY, EXPOSURE_USUAL);

	EXPECT_EQ(S_OK, set_exposure(self, -4, MANUAL));
	expect_camera(self, EXPOSURE_MANUAL, 625);
	expect_exposure(self, -4, MANUAL);
	EXPECT_EQ(S_OK, set_exposure(self, -11, MANUAL));
	expect_camera(self, EXPOSURE_MANUAL, 5);
	EXPECT_EQ(S_OK, set_exposure(self, -3, MANUAL));
	expect_camera(self, EXPOSURE_MANUAL, 1250);
	EXPECT_EQ(S_OK, set_exposure(self, 0, AUTO));
	expect_camera(self, EXPOSURE_APERTURE_PRIORITY, 1250);
	expect_exposure(self, -3, AUTO);
}

/* J2: the range of the camera in the units of Windows, and controls that it does not have. */
TEST_F(uvc_nodes, camera_controls)
{
	const GUID *set = &PROPSETID_VIDCAP_CAMERACONTROL;
	KSPROPERTY_CAMERACONTROL_NODE_S node;
	struct {
		KSPROPERTY_DESCRIPTION head;
		KSPROPERTY_MEMBERSHEADER range_head;
		KSPROPERTY_STEPPING_LONG range;
		KSPROPERTY_MEMBERSHEADER normal_head;
		LONG normal;
	} all = { 0 };

	EXPECT_EQ(S_OK, property(self->filter, set, KSPROPERTY_CAMERACONTROL_EXPOSURE,
				 KSPROPERTY_TYPE_BASICSUPPORT, &all, sizeof(all), NULL));
	EXPECT_EQ(KSPROPERTY_TYPE_GET | KSPROPERTY_TYPE_SET, all.head.AccessFlags);
	EXPECT_EQ(2, all.head.MembersListCount);
	EXPECT_EQ(-11, all.range.Bounds.SignedMinimum);
	EXPECT_EQ(-3, all.range.Bounds.SignedMaximum);
	EXPECT_EQ(1, all.range.SteppingDelta);
	EXPECT_EQ(-5, all.normal);

	EXPECT_EQ(S_OK, node_property(self->filter, NODE_CAMERA, set,
				      KSPROPERTY_CAMERACONTROL_EXPOSURE, KSPROPERTY_TYPE_GET,
				      &node, sizeof(node), NULL));
	EXPECT_EQ(-5, node.Value);
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_SET_NOT_FOUND),
		  node_property(self->filter, NODE_PROCESSING, set,
				KSPROPERTY_CAMERACONTROL_EXPOSURE, KSPROPERTY_TYPE_GET, &node,
				sizeof(node), NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_NOT_FOUND),
		  property(self->filter, set, KSPROPERTY_CAMERACONTROL_FOCUS,
			   KSPROPERTY_TYPE_GET, &node, sizeof(node), NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_NOT_FOUND),
		  property(self->filter, set, KSPROPERTY_CAMERACONTROL_IRIS,
			   KSPROPERTY_TYPE_GET, &node, sizeof(node), NULL));
}

static HRESULT unit_property(struct uvc_nodes_fixture *self, ULONG id, ULONG flags, void *data,
			     ULONG size, ULONG *returned)
{
	return node_property(self->filter, NODE_EXTENSION, &extension, id, flags, data, size,
			     returned);
}

/* J2: the node of an extension unit has the set of the unit, and no other node has it. */
TEST_F(uvc_nodes, set_of_extension_unit)
{
	GUID sets[4] = { 0 };
	ULONG size = 0, node;

	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_MORE_DATA),
		  node_property(self->filter, NODE_EXTENSION, &GUID_NULL, 0,
				KSPROPERTY_TYPE_SETSUPPORT, NULL, 0, &size));
	EXPECT_EQ(sizeof(GUID), size);
	EXPECT_EQ(S_OK, node_property(self->filter, NODE_EXTENSION, &GUID_NULL, 0,
				      KSPROPERTY_TYPE_SETSUPPORT, sets, sizeof(sets), &size));
	EXPECT_EQ(sizeof(GUID), size);
	EXPECT_TRUE(IsEqualGUID(&sets[0], &extension));
	for (node = 0; node < NODES; node++)
		EXPECT_EQ(node == NODE_EXTENSION ? S_OK : HRESULT_FROM_WIN32(ERROR_SET_NOT_FOUND),
			  node_property(self->filter, node, &extension, 0,
					KSPROPERTY_TYPE_SETSUPPORT, NULL, 0, NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_SET_NOT_FOUND),
		  property(self->filter, &extension, EXTENSION_LAMP, KSPROPERTY_TYPE_GET, &size,
			   sizeof(size), NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_SET_NOT_FOUND),
		  node_property(self->filter, NODE_EXTENSION, &PROPSETID_VIDCAP_VIDEOPROCAMP,
				KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS, KSPROPERTY_TYPE_GET, &size,
				sizeof(size), NULL));
}

/* J2: values of an extension unit come from the camera, and those that are set reach it. */
TEST_F(uvc_nodes, extension_unit)
{
	ULONG access = 0, lamp = 0, size = 0;
	USHORT heat = 0;

	EXPECT_EQ(S_OK, unit_property(self, EXTENSION_LAMP, KSPROPERTY_TYPE_BASICSUPPORT, &access,
				      sizeof(access), NULL));
	EXPECT_EQ(KSPROPERTY_TYPE_GET | KSPROPERTY_TYPE_SET, access);
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_MORE_DATA),
		  unit_property(self, EXTENSION_LAMP, KSPROPERTY_TYPE_GET, NULL, 0, &size));
	EXPECT_EQ(sizeof(lamp), size);
	EXPECT_EQ(S_OK, unit_property(self, EXTENSION_LAMP, KSPROPERTY_TYPE_GET, &lamp,
				      sizeof(lamp), &size));
	EXPECT_EQ(sizeof(lamp), size);
	EXPECT_EQ(LAMP_USUAL, lamp);

	lamp = 0x12345;
	EXPECT_EQ(S_OK, unit_property(self, EXTENSION_LAMP, KSPROPERTY_TYPE_SET, &lamp,
				      sizeof(lamp), NULL));
	EXPECT_EQ(0x12345, webcam_value(&self->cam, CONTROL_LAMP));
	lamp = 0;
	EXPECT_EQ(S_OK, unit_property(self, EXTENSION_LAMP, KSPROPERTY_TYPE_GET, &lamp,
				      sizeof(lamp), NULL));
	EXPECT_EQ(0x12345, lamp);
	EXPECT_EQ(S_OK, unit_property(self, EXTENSION_LAMP, KSPROPERTY_TYPE_DEFAULTVALUES, &lamp,
				      sizeof(lamp), NULL));
	EXPECT_EQ(LAMP_USUAL, lamp);

	EXPECT_EQ(S_OK, unit_property(self, EXTENSION_HEAT, KSPROPERTY_TYPE_BASICSUPPORT, &access,
				      sizeof(access), NULL));
	EXPECT_EQ(KSPROPERTY_TYPE_GET, access);
	EXPECT_EQ(S_OK, unit_property(self, EXTENSION_HEAT, KSPROPERTY_TYPE_GET, &heat,
				      sizeof(heat), NULL));
	EXPECT_EQ(HEAT, heat);
}

/* J2: what the camera or the driver refuses has the code of Windows, and changes nothing. */
TEST_F(uvc_nodes, refused_by_extension_unit)
{
	ULONG lamp = LAMP_MAX + 1;
	USHORT heat = HEAT + 1;

	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER),
		  unit_property(self, EXTENSION_LAMP, KSPROPERTY_TYPE_SET, &lamp, sizeof(lamp),
				NULL));
	lamp = 1;
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INSUFFICIENT_BUFFER),
		  unit_property(self, EXTENSION_LAMP, KSPROPERTY_TYPE_SET, &lamp,
				sizeof(lamp) - 1, NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INSUFFICIENT_BUFFER),
		  unit_property(self, EXTENSION_LAMP, KSPROPERTY_TYPE_GET, &lamp,
				sizeof(lamp) - 1, NULL));
	EXPECT_EQ(1, lamp);
	EXPECT_EQ(LAMP_USUAL, webcam_value(&self->cam, CONTROL_LAMP));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_FUNCTION),
		  unit_property(self, EXTENSION_HEAT, KSPROPERTY_TYPE_SET, &heat, sizeof(heat),
				NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_NOT_FOUND),
		  unit_property(self, EXTENSION_BROKEN, KSPROPERTY_TYPE_GET, &lamp, sizeof(lamp),
				NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_NOT_FOUND),
		  unit_property(self, EXTENSION_BROKEN + 1, KSPROPERTY_TYPE_GET, &lamp,
				sizeof(lamp), NULL));
}
