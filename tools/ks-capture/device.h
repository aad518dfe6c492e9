/* SPDX-License-Identifier: GPL-2.0-only */
/* The V4L2 device: opening, configuration and properties. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>

#include <linux/videodev2.h>

#include "options.h"
#include "pixel.h"

/**
 * struct device - an open capture device
 * @path: its node
 * @fd: its descriptor
 * @type: type of its queue, single-planar or multi-planar
 * @driver: name of its driver
 * @card: its name
 * @fourcc: pixel format
 * @field: V4L2_FIELD_*
 * @picture: layout of a frame; @picture.format is NULL for unknown formats
 * @watched: it reports changes of its source
 * @rate: frames per second
 * @aspect: height to width of a pixel
 */
struct device {
	const char *path;
	int fd;
	__u32 type;
	char driver[16 + 1];
	char card[32 + 1];
	__u32 fourcc;
	__u32 field;
	struct picture picture;
	bool watched;
	struct rate rate;
	struct v4l2_fract aspect;
};

/* These return an exit status, and print errors */
int device_open(struct device *device, const char *path);
int device_set_up(struct device *device, const struct options *options);
void device_close(struct device *device);

#endif /* DEVICE_H */
