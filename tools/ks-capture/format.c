// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format of a device. Drivers adjust requested values. The program reads the values
 * back, uses them, and reports them to the user.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "choose.h"
#include "format.h"
#include "hints.h"
#include "say.h"

#define OFFERS_MAX 128

static bool in_steps(__u32 value, __u32 min, __u32 max, __u32 step)
{
	return value >= min && value <= max && (!step || (value - min) % step == 0);
}

/*
 * If the driver does not list its sizes, only an attempt can show it. Assume that the size
 * is available
 */
static bool has_size(int fd, __u32 fourcc, __u32 width, __u32 height)
{
	struct v4l2_frmsizeenum size = { .pixel_format = fourcc };

	if (!width)
		return true;
	for (; !v4l2_call(fd, VIDIOC_ENUM_FRAMESIZES, &size); size.index++) {
		const struct v4l2_frmsize_stepwise *steps = &size.stepwise;

		if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE)
			return in_steps(width, steps->min_width, steps->max_width,
					steps->step_width) &&
			       in_steps(height, steps->min_height, steps->max_height,
					steps->step_height);
		if (size.discrete.width == width && size.discrete.height == height)
			return true;
	}
	return !size.index;
}

static unsigned int list_offers(const struct device *device, __u32 width, __u32 height,
				struct offer offers[OFFERS_MAX])
{
	struct v4l2_fmtdesc desc = { .type = device->type };
	unsigned int count = 0;

	for (; count < OFFERS_MAX && !v4l2_call(device->fd, VIDIOC_ENUM_FMT, &desc); desc.index++)
		offers[count++] = (struct offer) {
			.fourcc = desc.pixelformat,
			.emulated = desc.flags & V4L2_FMT_FLAG_EMULATED,
			.has_size = has_size(device->fd, desc.pixelformat, width, height),
			.planes = v4l2_planes(device->fd, device->type, desc.pixelformat),
		};
	return count;
}

/* One line with the offered formats that an output can use */
static void advise_offers(const struct offer *offers, unsigned int count, enum output_kind kind)
{
	char line[1024] = "", code[FOURCC_TEXT];
	unsigned int i;
	size_t len;

	for (i = 0; i < count; i++) {
		if (!offer_can_use(&offers[i], kind))
			continue;
		len = strlen(line);
		snprintf(line + len, sizeof(line) - len, " %s",
			 fourcc_text(offers[i].fourcc, code));
	}
	if (*line)
		say_advice("It offers:%s", line);
}

static void advise_output(enum output_kind kind, const struct pixel_format *format)
{
	if (format && format->kind == PIXEL_JPEG)
		say_advice("-F jpeg saves its frames as they come, each one a JPEG picture.");
	else if (kind == OUTPUT_Y4M && output_can_use(OUTPUT_PNG, format ? format->fourcc : 0))
		say_advice("-F png takes it; -F raw saves the frames as they come.");
	else
		say_advice("-F raw saves the frames as they come.");
}

static int refuse_output(__u32 fourcc, enum output_kind kind, const struct offer *offers,
			 unsigned int count)
{
	char code[FOURCC_TEXT];

	say_error("%s cannot be written as %s", fourcc_text(fourcc, code), output_kind_name(kind));
	advise_output(kind, pixel_format_find(fourcc));
	say_advice("Or leave the choice of the format to ks-capture, without -f.");
	advise_offers(offers, count, kind);
	return STATUS_FORMAT;
}

/*
 * The requested format, or the same name in another case if the device has that one; NULL
 * for nothing
 */
static const struct offer *find_offer(const struct offer *offers, unsigned int count,
				      __u32 fourcc)
{
	char wish[FOURCC_TEXT], offer[FOURCC_TEXT];
	unsigned int i;

	for (i = 0; i < count; i++)
		if (offers[i].fourcc == fourcc)
			return &offers[i];
	fourcc_text(fourcc, wish);
	for (i = 0; i < count; i++)
		if (!strcasecmp(fourcc_text(offers[i].fourcc, offer), wish))
			return &offers[i];
	return NULL;
}

static int refuse_all(const struct device *device, const struct offer *offers,
		      unsigned int count, enum output_kind kind)
{
	say_error("%s has no format that can be written as %s", device->path,
		  output_kind_name(kind));
	advise_output(kind, count ? pixel_format_find(offers[0].fourcc) : NULL);
	advise_offers(offers, count, OUTPUT_RAW);
	return STATUS_FORMAT;
}

static int pick_format(const struct device *device, const struct options *options,
		       const struct format *now, __u32 *fourcc)
{
	struct offer offers[OFFERS_MAX];
	unsigned int count = list_offers(device, options->width, options->height, offers);
	const struct offer *offer;
	char code[FOURCC_TEXT];

	*fourcc = options->fourcc;
	if (!*fourcc) {
		*fourcc = choose_format(offers, count, now->fourcc, options->kind);
		return *fourcc ? STATUS_OK : refuse_all(device, offers, count, options->kind);
	}
	offer = find_offer(offers, count, *fourcc);
	if (count && !offer) {
		say_error("%s does not offer the format %s", device->path,
			  fourcc_text(*fourcc, code));
		advise_offers(offers, count, options->kind);
		return STATUS_FORMAT;
	}
	if (offer)
		*fourcc = offer->fourcc;
	if (offer ? !offer_can_use(offer, options->kind) : !output_can_use(options->kind, *fourcc))
		return refuse_output(*fourcc, options->kind, offers, count);
	return STATUS_OK;
}

int format_explain(const struct device *device, const char *what, int err)
{
	say_error("%s: cannot set the %s: %s", device->path, what, strerror(-err));
	if (err == -EBUSY) {
		hint_busy(device->path);
		return STATUS_DEVICE;
	}
	if (err == -EINVAL)
		say_advice("ks-capture -d %s --list-formats shows what it offers.", device->path);
	else
		hint_other(err);
	return STATUS_DEVICE;
}

/* Prints how the driver changed a requested value; an error with --exact */
static int tell_format(const struct device *device, const struct options *options, __u32 fourcc,
		       __u32 width, __u32 height, const struct format *got)
{
	char wish[FOURCC_TEXT], is[FOURCC_TEXT];

	if (got->fourcc == fourcc && got->width == width && got->height == height)
		return STATUS_OK;
	fourcc_text(fourcc, wish);
	fourcc_text(got->fourcc, is);
	if (options->exact) {
		say_error("%s does not offer %s %ux%u, the nearest is %s %ux%u", device->path,
			  wish, width, height, is, got->width, got->height);
		say_advice("ks-capture -d %s --list-formats shows what it offers.", device->path);
		return STATUS_FORMAT;
	}
	say_note("%s uses %s %ux%u instead of %s %ux%u", device->path, is, got->width, got->height,
		 wish, width, height);
	return STATUS_OK;
}

int format_set(struct device *device, const struct options *options, struct format *got)
{
	struct v4l2_format v4l2 = { .type = device->type };
	__u32 fourcc, width, height;
	int ret;

	ret = v4l2_call(device->fd, VIDIOC_G_FMT, &v4l2);
	if (ret)
		return format_explain(device, "format", ret);
	*got = v4l2_read(&v4l2);
	ret = pick_format(device, options, got, &fourcc);
	if (ret)
		return ret;

	width = options->width ? options->width : got->width;
	height = options->width ? options->height : got->height;
	v4l2_wish(&v4l2, device->type, fourcc, width, height);
	ret = v4l2_call(device->fd, VIDIOC_S_FMT, &v4l2);
	if (ret)
		return format_explain(device, "format", ret);
	*got = v4l2_read(&v4l2);
	return tell_format(device, options, fourcc, width, height, got);
}

int format_check(const struct device *device, const struct options *options,
		 const struct format *got)
{
	char code[FOURCC_TEXT];

	fourcc_text(got->fourcc, code);
	if (!output_can_use_planes(options->kind, got->fourcc, got->planes)) {
		say_error("%s uses %s instead, which cannot be written as %s", device->path, code,
			  output_kind_name(options->kind));
		advise_output(options->kind, device->picture.format);
		return STATUS_FORMAT;
	}
	if (device->picture.format && !picture_is_sane(&device->picture)) {
		say_error("%s reports %u bytes a line for %s %ux%u, which is too little",
			  device->path, got->stride, code, got->width, got->height);
		say_advice("This is a bug of its driver. Try another size (-s) or format (-f).");
		return STATUS_DEVICE;
	}
	return STATUS_OK;
}
