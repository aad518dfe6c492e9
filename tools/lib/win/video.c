// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4L2 devices with the single-planar and the multi-planar API. A format of the latter is
 * one of the former if its frames have one plane of memory.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "win.h"

int win_video_call(int video, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(video, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static bool has_planes(int video)
{
	struct v4l2_capability capability = { 0 };

	return !win_video_call(video, VIDIOC_QUERYCAP, &capability) &&
	       !(capability.device_caps & V4L2_CAP_VIDEO_CAPTURE) &&
	       capability.device_caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE;
}

__u32 win_video_type(int video)
{
	return has_planes(video) ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
				   V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

static void to_planes(struct v4l2_pix_format_mplane *to, const struct v4l2_pix_format *from)
{
	*to = (struct v4l2_pix_format_mplane) {
		.width = from->width,
		.height = from->height,
		.pixelformat = from->pixelformat,
		.field = from->field,
		.num_planes = 1,
		.plane_fmt[0] = {
			.bytesperline = from->bytesperline,
			.sizeimage = from->sizeimage,
		},
	};
}

static void from_planes(struct v4l2_pix_format *to, const struct v4l2_pix_format_mplane *from)
{
	*to = (struct v4l2_pix_format) {
		.width = from->width,
		.height = from->height,
		.pixelformat = from->pixelformat,
		.field = from->field,
		.bytesperline = from->plane_fmt[0].bytesperline,
		.sizeimage = from->plane_fmt[0].sizeimage,
	};
}

int win_video_format(int video, unsigned long request, struct v4l2_pix_format *pix)
{
	struct v4l2_format format = { .type = win_video_type(video) };
	bool planes = format.type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	int ret;

	if (planes)
		to_planes(&format.fmt.pix_mp, pix);
	else
		format.fmt.pix = *pix;
	ret = win_video_call(video, request, &format);
	if (ret)
		return ret;
	if (!planes)
		*pix = format.fmt.pix;
	else
		from_planes(pix, &format.fmt.pix_mp);
	return planes && format.fmt.pix_mp.num_planes != 1 ? -WIN_NO_MATCH : 0;
}
