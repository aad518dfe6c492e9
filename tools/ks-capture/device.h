/* SPDX-License-Identifier: GPL-2.0-only */
/* The V4L2 device: open it, set it up, tell what it can do. */
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
 * @type: the kind of its queue, with one or with several planes
 * @driver: its driver's name
 * @card: its name
 * @fourcc: pixel format
 * @field: V4L2_FIELD_*
 * @picture: how to read a frame; @picture.format is NULL for unknown formats
 * @rate: frames a second
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
	struct rate rate;
	struct v4l2_fract aspect;
};

/* These return an exit status, having said what is wrong */
int device_open(struct device *device, const char *path);
int device_set_up(struct device *device, const struct options *options);
void device_close(struct device *device);

/* Why no frame comes, if the device knows */
void device_explain_silence(const struct device *device);

#endif /* DEVICE_H */
