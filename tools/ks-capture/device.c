// SPDX-License-Identifier: GPL-2.0-only
/*
 * The V4L2 device. Drivers adjust requested values. The program reads the values back, uses
 * them, and reports them to the user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/media.h>
#include <linux/v4l2-subdev.h>

#include "device.h"
#include "field.h"
#include "format.h"
#include "hints.h"
#include "say.h"
#include "source.h"
#include "v4l2.h"

/* The purpose of a node that does not capture video; NULL if it is unknown */
static const char *purpose_of(const struct v4l2_capability *cap)
{
	static const struct {
		__u32 caps;
		const char *purpose;
	} purposes[] = {
		{ V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE,
		  "converts pictures that a program sends to it (memory to memory)" },
		{ V4L2_CAP_TOUCH, "is a touch sensor" },
		{ V4L2_CAP_META_CAPTURE | V4L2_CAP_META_OUTPUT, "is for metadata" },
		{ V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_OUTPUT_MPLANE, "shows pictures (output)" },
		{ V4L2_CAP_VBI_CAPTURE | V4L2_CAP_SLICED_VBI_CAPTURE | V4L2_CAP_VBI_OUTPUT |
		  V4L2_CAP_SLICED_VBI_OUTPUT, "is for teletext and captions (VBI)" },
		{ V4L2_CAP_SDR_CAPTURE | V4L2_CAP_SDR_OUTPUT | V4L2_CAP_RADIO | V4L2_CAP_MODULATOR,
		  "is a radio" },
	};
	__u32 caps = cap->capabilities;
	size_t i;

	if (caps & V4L2_CAP_DEVICE_CAPS)
		caps = cap->device_caps;
	for (i = 0; i < ARRAY_SIZE(purposes); i++)
		if (caps & purposes[i].caps)
			return purposes[i].purpose;
	return NULL;
}

/* Prints what a node without VIDIOC_QUERYCAP is */
static void explain_other_node(int fd, const char *path)
{
	struct v4l2_subdev_capability subdev;
	struct media_device_info media;

	if (!v4l2_call(fd, MEDIA_IOC_DEVICE_INFO, &media))
		say_error("%s sets up cameras (media device); it does not capture video", path);
	else if (!v4l2_call(fd, VIDIOC_SUBDEV_QUERYCAP, &subdev))
		say_error("%s is a part of a camera (sub-device); another node captures video",
			  path);
	else
		say_error("%s is not a V4L2 device", path);
}

int device_open(struct device *device, const char *path)
{
	struct v4l2_capability cap;
	const char *purpose;
	struct stat st;

	*device = (struct device) { .path = path };
	/*
	 * O_NONBLOCK, because without it some drivers wait for their device. Frames are not
	 * read here
	 */
	device->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (device->fd < 0) {
		say_error("cannot open %s: %s", path, strerror(errno));
		hint_open(path, -errno);
		return STATUS_DEVICE;
	}
	if (fstat(device->fd, &st) || !S_ISCHR(st.st_mode) ||
	    v4l2_call(device->fd, VIDIOC_QUERYCAP, &cap)) {
		explain_other_node(device->fd, path);
		goto err;
	}
	device->type = v4l2_capture_type(&cap);
	if (!device->type) {
		purpose = purpose_of(&cap);
		say_error("%s (%.32s) does not capture video%s%s", path, (const char *)cap.card,
			  purpose ? ": it " : "", purpose ? purpose : "");
		goto err;
	}
	snprintf(device->driver, sizeof(device->driver), "%.16s", (const char *)cap.driver);
	snprintf(device->card, sizeof(device->card), "%.32s",
		 say_clean(cap.card, sizeof(cap.card)));
	return STATUS_OK;

err:
	say_advice("ks-capture --list shows the cameras.");
	device_close(device);
	return STATUS_DEVICE;
}

void device_close(struct device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
}

static bool same_rate(struct rate a, struct rate b)
{
	__u64 left = (__u64)a.num * b.den, right = (__u64)b.num * a.den;
	__u64 difference = left > right ? left - right : right - left;

	/* 29.97 and 2997/100 are the same for users */
	return difference <= right / 2000;
}

static struct rate read_rate(const struct v4l2_streamparm *parm)
{
	const struct v4l2_fract *period = &parm->parm.capture.timeperframe;

	if (!(parm->parm.capture.capability & V4L2_CAP_TIMEPERFRAME))
		return (struct rate) {};
	return rate_of(period->denominator, period->numerator);
}

static int set_rate(struct device *device, const struct options *options)
{
	struct v4l2_streamparm parm = { .type = device->type };
	const struct rate *wish = &options->rate;
	int ret = v4l2_call(device->fd, VIDIOC_G_PARM, &parm);

	/* If this fails, the rate is unknown */
	device->rate = read_rate(&parm);
	if (ret)
		device->rate.num = 0;
	if (!wish->num)
		return STATUS_OK;
	if (device->rate.num) {
		parm.parm.capture.timeperframe = (struct v4l2_fract) { wish->den, wish->num };
		ret = v4l2_call(device->fd, VIDIOC_S_PARM, &parm);
		if (ret)
			return format_explain(device, "rate", ret);
		device->rate = read_rate(&parm);
	}
	if (device->rate.num && same_rate(device->rate, *wish))
		return STATUS_OK;
	if (options->exact) {
		say_error("%s does not offer %.5g frames per second", device->path,
			  (double)wish->num / wish->den);
		say_advice("ks-capture -d %s --list-formats shows what it offers.", device->path);
		return STATUS_FORMAT;
	}
	if (device->rate.num)
		say_note("%s uses %.5g frames per second instead of %.5g", device->path,
			 (double)device->rate.num / device->rate.den,
			 (double)wish->num / wish->den);
	else
		say_note("%s does not support setting the frame rate", device->path);
	return STATUS_OK;
}

/* V4L2 reports non-square pixels only if the picture is not scaled */
static struct v4l2_fract read_aspect(const struct device *device)
{
	struct v4l2_cropcap crop = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	unsigned int fields = field_is_half(device->field) ? 2 : 1;

	if (v4l2_call(device->fd, VIDIOC_CROPCAP, &crop) || !crop.pixelaspect.numerator ||
	    !crop.pixelaspect.denominator || crop.defrect.width != device->picture.width ||
	    crop.defrect.height != fields * device->picture.height)
		crop.pixelaspect = (struct v4l2_fract) { 1, 1 };
	/* The lines of the other field are missing */
	crop.pixelaspect.numerator *= fields;
	return crop.pixelaspect;
}

static void tell_fields(const struct device *device)
{
	if (device->field == V4L2_FIELD_ALTERNATE)
		say_note("%s sends both fields of each frame one by one: a picture is one field,",
			 device->path);
	else if (field_is_half(device->field))
		say_note("%s sends the %s field of each frame only: a picture is one field,",
			 device->path, field_name(device->field));
	else
		return;
	say_note("with half of the frame's lines, %u instead of %u", device->picture.height,
		 2 * device->picture.height);
}

int device_set_up(struct device *device, const struct options *options)
{
	const struct pixel_format *pixel;
	struct format got = {};
	int ret;

	ret = source_set_up(device, options);
	if (ret)
		return ret;
	ret = format_set(device, options, &got);
	if (ret)
		return ret;
	pixel = pixel_format_find(got.fourcc);
	device->fourcc = got.fourcc;
	device->field = got.field;
	device->picture = (struct picture) {
		.format = pixel,
		.width = got.width,
		.height = got.height,
		.stride = got.stride,
		.strides = { got.strides[0], got.strides[1] },
		.rows = field_rows(got.field),
	};
	if (pixel)
		device->picture.colours = colours_of(pixel->kind, got.colorspace, got.ycbcr_enc,
						     got.quantization);
	ret = format_check(device, options, &got);
	if (ret)
		return ret;
	device->aspect = read_aspect(device);
	tell_fields(device);
	return set_rate(device, options);
}
