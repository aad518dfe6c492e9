/* SPDX-License-Identifier: GPL-2.0-only */
/* V4L2's calls and structures, as far as they have two forms. */
#ifndef V4L2_H
#define V4L2_H

#include <linux/videodev2.h>

/* What both kinds of struct v4l2_format have in common */
struct format {
	__u32 fourcc;
	__u32 width;
	__u32 height;
	__u32 stride;
	__u32 field;
	__u32 planes;
	__u32 colorspace;
	__u32 ycbcr_enc;
	__u32 quantization;
};

/* ioctl(); returns 0 or a negative errno value */
int v4l2_call(int fd, unsigned long request, void *arg);

struct format v4l2_read(const struct v4l2_format *v4l2);
/* What to try or set: the driver chooses all else */
void v4l2_wish(struct v4l2_format *v4l2, __u32 type, __u32 fourcc, __u32 width, __u32 height);

/* The type of the queue that a node captures with; 0 where it does not capture video */
__u32 v4l2_capture_type(const struct v4l2_capability *cap);
/* In how many pieces of memory a frame lies; the driver tells only when asked */
__u32 v4l2_planes(int fd, __u32 type, __u32 fourcc);

#endif /* V4L2_H */
