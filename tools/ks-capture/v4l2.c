// SPDX-License-Identifier: GPL-2.0-only
/* Structures of V4L2 that differ between the single-planar and the multi-planar API. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "v4l2.h"

int v4l2_call(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

struct format v4l2_read(const struct v4l2_format *v4l2)
{
	const struct v4l2_pix_format_mplane *mp = &v4l2->fmt.pix_mp;
	const struct v4l2_pix_format *sp = &v4l2->fmt.pix;

	if (v4l2->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE)
		return (struct format) {
			.fourcc = mp->pixelformat,
			.width = mp->width,
			.height = mp->height,
			.stride = mp->plane_fmt[0].bytesperline,
			.strides = { mp->num_planes > 1 ? mp->plane_fmt[1].bytesperline : 0,
				     mp->num_planes > 2 ? mp->plane_fmt[2].bytesperline : 0 },
			.field = mp->field,
			.planes = mp->num_planes,
			.colorspace = mp->colorspace,
			.ycbcr_enc = mp->ycbcr_enc,
			.quantization = mp->quantization,
		};
	return (struct format) {
		.fourcc = sp->pixelformat,
		.width = sp->width,
		.height = sp->height,
		.stride = sp->bytesperline,
		.field = sp->field,
		.planes = 1,
		.colorspace = sp->colorspace,
		.ycbcr_enc = sp->ycbcr_enc,
		.quantization = sp->quantization,
	};
}

void v4l2_wish(struct v4l2_format *v4l2, __u32 type, __u32 fourcc, __u32 width,
	       __u32 height)
{
	memset(v4l2, 0, sizeof(*v4l2));
	v4l2->type = type;
	if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) {
		v4l2->fmt.pix_mp.pixelformat = fourcc;
		v4l2->fmt.pix_mp.width = width;
		v4l2->fmt.pix_mp.height = height;
		v4l2->fmt.pix_mp.field = V4L2_FIELD_ANY;
		v4l2->fmt.pix_mp.num_planes = 1;
	} else {
		v4l2->fmt.pix.pixelformat = fourcc;
		v4l2->fmt.pix.width = width;
		v4l2->fmt.pix.height = height;
		v4l2->fmt.pix.field = V4L2_FIELD_ANY;
	}
}

__u32 v4l2_capture_type(const struct v4l2_capability *cap)
{
	__u32 caps = cap->capabilities;

	/* The capabilities of this node, and not of the whole device */
	if (caps & V4L2_CAP_DEVICE_CAPS)
		caps = cap->device_caps;
	/* A touch sensor's frames are no pictures, and ksalloc refuses it */
	if (caps & V4L2_CAP_TOUCH)
		return 0;
	if (caps & V4L2_CAP_VIDEO_CAPTURE)
		return V4L2_BUF_TYPE_VIDEO_CAPTURE;
	if (caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE)
		return V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	return 0;
}

const char *v4l2_shared_camera(const struct v4l2_capability *cap)
{
	static const char bus[] = "platform:ksalloc-";
	const char *bus_info = (const char *)cap->bus_info;

	if (strcmp((const char *)cap->driver, "ksalloc") ||
	    strncmp(bus_info, bus, sizeof(bus) - 1))
		return NULL;
	return bus_info + sizeof(bus) - 1;
}

__u32 v4l2_planes(int fd, __u32 type, __u32 fourcc)
{
	struct v4l2_format v4l2;

	if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return 1;
	v4l2_wish(&v4l2, type, fourcc, 640, 480);
	if (v4l2_call(fd, VIDIOC_TRY_FMT, &v4l2))
		return 1;
	return v4l2_read(&v4l2).planes;
}
