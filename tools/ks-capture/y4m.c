// SPDX-License-Identifier: GPL-2.0-only
/* YUV4MPEG2 video. Planes with the right layout are written directly. */
#include <stdio.h>
#include <string.h>

#include "field.h"
#include "output.h"
#include "write.h"
#include "y4m.h"

static int components(const struct picture *picture)
{
	return picture->format->kind == PIXEL_GREY ? 1 : 3;
}

size_t y4m_bytes(const struct picture *picture)
{
	size_t bytes = 0;
	int i;

	for (i = 0; i < components(picture); i++)
		bytes += (size_t)picture_component_width(picture, i) *
			 picture_component_height(picture, i);
	return bytes;
}

void y4m_plane(const struct picture *picture, const struct image *image, int component,
	       __u8 *plane)
{
	unsigned int width = picture_component_width(picture, component);
	unsigned int height = picture_component_height(picture, component);
	unsigned int x, y;

	for (y = 0; y < height; y++) {
		struct samples in = picture_samples(picture, image, component, y);

		for (x = 0; x < width; x++)
			*plane++ = in.first[x * in.step];
	}
}

/* The chroma samples of V4L2's 4:2:0 formats are in the centre of four pixels */
static const char *y4m_sampling(const struct pixel_format *format)
{
	if (format->kind == PIXEL_GREY)
		return "mono";
	if (!format->hshift)
		return "444";
	return format->vshift ? "420jpeg" : "422";
}

static char y4m_interlacing(__u32 field, unsigned int height)
{
	switch (field) {
	case V4L2_FIELD_ANY:
	case V4L2_FIELD_NONE:
	/* Each field is a picture with half of the lines */
	case V4L2_FIELD_TOP:
	case V4L2_FIELD_BOTTOM:
	case V4L2_FIELD_ALTERNATE:
		return 'p';
	case V4L2_FIELD_INTERLACED:
		/* The first field depends on the standard: bottom for 525 lines */
		return height == 480 || height == 486 ? 'b' : 't';
	case V4L2_FIELD_INTERLACED_TB:
	case V4L2_FIELD_SEQ_TB:
		return 't';
	case V4L2_FIELD_INTERLACED_BT:
	case V4L2_FIELD_SEQ_BT:
		return 'b';
	default:
		return '?';
	}
}

void y4m_header(char header[Y4M_HEADER_MAX], const struct picture *picture, __u32 field,
		struct rate rate, struct v4l2_fract aspect)
{
	snprintf(header, Y4M_HEADER_MAX,
		 "YUV4MPEG2 W%u H%u F%u:%u I%c A%u:%u C%s XCOLORRANGE=%s",
		 picture->width, picture->height, rate.num, rate.num ? rate.den : 0,
		 y4m_interlacing(field, picture->height), aspect.denominator, aspect.numerator,
		 y4m_sampling(picture->format), picture->colours.full ? "FULL" : "LIMITED");
}

int y4m_write(struct output *output, const struct image *image)
{
	const struct device *device = output->device;
	const struct picture *picture = &device->picture;
	struct rate rate = field_rate(device->field, device->rate);
	char header[Y4M_HEADER_MAX];
	char frame[Y4M_HEADER_MAX + 16];
	__u8 *free_part = output->buffer;
	struct iovec vector[4];
	int i, count = 0;

	if (output->good_bytes) {
		snprintf(frame, sizeof(frame), "FRAME\n");
	} else {
		rate.den *= output->every;
		y4m_header(header, picture, device->field, rate, device->aspect);
		snprintf(frame, sizeof(frame), "%s\nFRAME\n", header);
	}
	vector[count++] = (struct iovec) { frame, strlen(frame) };
	output->good_bytes += strlen(frame);

	for (i = 0; i < components(picture); i++) {
		size_t bytes = (size_t)picture_component_width(picture, i) *
			       picture_component_height(picture, i);

		if (picture_is_dense(picture, i)) {
			const __u8 *plane = picture_samples(picture, image, i, 0).first;

			vector[count++] = (struct iovec) { (void *)plane, bytes };
		} else {
			y4m_plane(picture, image, i, free_part);
			vector[count++] = (struct iovec) { free_part, bytes };
			free_part += bytes;
		}
	}
	return write_vector(output->fd, vector, count);
}
