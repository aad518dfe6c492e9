/* SPDX-License-Identifier: GPL-2.0-only */
/* Controls of the camera. Both the camera and the tests use this file. */
#ifndef UVC_CONTROLS_H
#define UVC_CONTROLS_H

enum {
	CONTROL_BRIGHTNESS,
	CONTROL_CONTRAST,
	CONTROL_POWER_LINE,
	CONTROL_LAMP,
	CONTROL_HEAT,
	CONTROLS,
};

/*
 * Controls of the extension unit. The camera refuses all requests for the broken one, although
 * its descriptor lists it
 */
#define EXTENSION_LAMP 1
#define EXTENSION_HEAT 2
#define EXTENSION_BROKEN 3

#define LAMP_MAX 1000000
#define LAMP_USUAL 70000
#define HEAT 300

#endif
