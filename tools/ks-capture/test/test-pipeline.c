// SPDX-License-Identifier: GPL-2.0-only
/* Tests of pipeline.c: advice on the pipeline of a camera behind a media controller. */
#include "camera.h"
#include "camera-media.h"
#include "tests.h"

#define SAID(text) CHECK(strstr(camera_said, text))
#define SAID_NOT(text) CHECK(!strstr(camera_said, text))

/* Sensors are linked to a bridge, of which one is enabled, and the bridge to the node */
static __u32 node, bridge, sensor;

static void set_up(void)
{
	camera_reset(1);
	media_model = (struct media_model) {};
	node = media_add_node();
	bridge = media_add("Bridge", MEDIA_ENT_F_V4L2_SUBDEV_UNKNOWN);
	sensor = media_add("Sensor", MEDIA_ENT_F_CAM_SENSOR);
	media_link(bridge, node, MEDIA_LNK_FL_ENABLED);
	media_link(sensor, bridge, MEDIA_LNK_FL_ENABLED);
}

void test_pipeline_formats(void)
{
	set_up();
	camera_advise();
	SAID("'Bridge' pad 0 sends 64x36, media bus code 0x2008; this node has YUYV 64x36.");
	SAID_NOT("expects");
	SAID_NOT("no enabled link");
	media_model.widths[sensor - 1] = 32;
	camera_advise();
	SAID("'Sensor' pad 0 sends 32x36, media bus code 0x2008;");
	SAID("'Bridge' pad 0 expects 64x36, media bus code 0x2008.");

	/* Another camera of the same media device does not matter */
	set_up();
	media_link(media_add("Other sensor", MEDIA_ENT_F_CAM_SENSOR),
		   media_add("Other bridge", MEDIA_ENT_F_V4L2_SUBDEV_UNKNOWN),
		   MEDIA_LNK_FL_ENABLED);
	media_model.widths[3] = 32;
	camera_advise();
	SAID_NOT("Other");
}

void test_pipeline_links(void)
{
	set_up();
	media_model.links[1].flags = 0;
	camera_advise();
	SAID("'Bridge' has no enabled link from a camera.");
	SAID_NOT("'Node' has");
	SAID_NOT("'Sensor'");
	media_model.links[0].flags = 0;
	camera_advise();
	SAID("'Node' has no enabled link from a camera.");
	SAID_NOT("'Bridge'");

	/* A decoder of analog pictures has sink pads, but no link can lead to it */
	set_up();
	media_model.entities[sensor - 1].pads = 4;
	camera_advise();
	SAID_NOT("no enabled link");

	/* A link to a lens carries no pictures */
	set_up();
	media_model.links[1].flags = 0;
	media_link(sensor, bridge, MEDIA_LNK_FL_ENABLED | MEDIA_LNK_FL_ANCILLARY_LINK);
	camera_advise();
	SAID("'Bridge' has no enabled link from a camera.");
}

/* Nodes for output are not opened: that can have effects */
void test_pipeline_output(void)
{
	__u32 output;

	set_up();
	output = media_add("Output", MEDIA_ENT_F_IO_V4L);
	media_link(output, bridge, MEDIA_LNK_FL_ENABLED);
	camera_advise();
	SAID_NOT("Output");
	CHECK_EQ(media_model.opened[output - 1], 0);
	CHECK(media_model.opened[bridge - 1]);
}

/* What is not known is not advised: entities that were not read, or links of one */
void test_pipeline_large(void)
{
	unsigned int i;

	set_up();
	media_model.links[1].flags = 0;
	while (media_model.nr_entities < MEDIA_ENTITIES)
		media_add("More", MEDIA_ENT_F_V4L2_SUBDEV_UNKNOWN);
	/* Perhaps there is a link from one of them */
	media_link(MEDIA_ENTITIES, bridge, MEDIA_LNK_FL_ENABLED);
	/* It must not be taken for a link to the node */
	media_link(bridge, MEDIA_ENTITIES, MEDIA_LNK_FL_ENABLED);
	camera_advise();
	SAID_NOT("no enabled link");
	CHECK_EQ(camera_said_count("this node has"), 1);

	set_up();
	media_model.links[1].flags = 0;
	media_model.entities[sensor - 1].links = 60000;
	camera_advise();
	SAID_NOT("no enabled link");
	SAID("this node has");

	/* An entity that many others can be linked to */
	set_up();
	for (i = 0; i < 60; i++)
		media_link(sensor, media_add("More", MEDIA_ENT_F_V4L2_SUBDEV_UNKNOWN), 0);
	camera_advise();
	SAID_NOT("no enabled link");
	media_model.links[1].flags = 0;
	camera_advise();
	SAID("'Bridge' has no enabled link from a camera.");
}

/* A node that is no entity, and a media device that cannot be opened */
void test_pipeline_unknown(void)
{
	set_up();
	media_model.entities[node - 1].dev.minor++;
	camera_advise();
	CHECK_STR(camera_said, "");
	media_model = (struct media_model) {};
	camera_advise();
	CHECK_STR(camera_said, "");
}
