/* SPDX-License-Identifier: GPL-2.0-only */
/* Structures of V4L2 that differ between the single-planar and the multi-planar API. */
#ifndef V4L2_H
#define V4L2_H

#include <linux/videodev2.h>

/* The common part of both kinds of struct v4l2_format */
struct format {
	__u32 fourcc;
	__u32 width;
	__u32 height;
	__u32 stride;
	/* Of the separate planes after the first */
	__u32 strides[2];
	__u32 field;
	__u32 planes;
	__u32 colorspace;
	__u32 ycbcr_enc;
	__u32 quantization;
};

/* ioctl(); returns 0 or a negative errno value */
int v4l2_call(int fd, unsigned long request, void *arg);

struct format v4l2_read(const struct v4l2_format *v4l2);
/* Sets the values to try or set; the driver chooses the others */
void v4l2_wish(struct v4l2_format *v4l2, __u32 type, __u32 fourcc, __u32 width, __u32 height);

/* The type of the capture queue of a node; 0 if it does not capture video */
__u32 v4l2_capture_type(const struct v4l2_capability *cap);
/* The name of the camera, such as "video0", if the node is that of a share; else NULL */
const char *v4l2_shared_camera(const struct v4l2_capability *cap);
/* Number of memory planes of a format; drivers report it only in VIDIOC_TRY_FMT */
__u32 v4l2_planes(int fd, __u32 type, __u32 fourcc);

#endif /* V4L2_H */
