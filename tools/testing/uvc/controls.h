/* SPDX-License-Identifier: GPL-2.0-only */
/* Controls of the camera. Both the camera and the tests use this file. */
#ifndef UVC_CONTROLS_H
#define UVC_CONTROLS_H

enum {
	CONTROL_BRIGHTNESS,
	CONTROL_CONTRAST,
	CONTROL_POWER_LINE,
	CONTROL_EXPOSURE_MODE,
	CONTROL_EXPOSURE,
	CONTROL_LAMP,
	CONTROL_HEAT,
	CONTROLS,
};

/* Of UVC. It has two of the modes, as usual: the iris is fixed. Times are in units of 100 us */
#define EXPOSURE_MANUAL 1
#define EXPOSURE_APERTURE_PRIORITY 8
#define EXPOSURE_MIN 3
#define EXPOSURE_MAX 2047
#define EXPOSURE_USUAL 250

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
