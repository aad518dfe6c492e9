// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pixel formats as a table. An entry describes only the positions of the samples of each
 * component. One loop reads all formats, and no code depends on a single format.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pixel.h"
#include "say.h"

#define PACKED_422(code, y, cb, cr) \
	{ .fourcc = V4L2_PIX_FMT_##code, .kind = PIXEL_YUV, .offset = { y, cb, cr }, \
	  .step = 2, .chroma_step = 4, .hshift = 1 }
#define SEMI_PLANAR(code, cb, cr, h, v) \
	{ .fourcc = V4L2_PIX_FMT_##code, .kind = PIXEL_YUV, .plane = { 0, 1, 1 }, \
	  .offset = { 0, cb, cr }, .step = 1, .chroma_step = 2, .hshift = h, .vshift = v }
#define PLANAR(code, cb, cr, h, v) \
	{ .fourcc = V4L2_PIX_FMT_##code, .kind = PIXEL_YUV, .plane = { 0, cb, cr }, \
	  .step = 1, .chroma_step = 1, .hshift = h, .vshift = v }
#define RGB(code, bytes, r, g, b) \
	{ .fourcc = V4L2_PIX_FMT_##code, .kind = PIXEL_RGB, .offset = { r, g, b }, \
	  .step = bytes }

#define DEEP(code, n, ...) \
	{ .fourcc = V4L2_PIX_FMT_##code, .kind = PIXEL_DEEP, .step = 2, .bits = n, __VA_ARGS__ }

/* In the order of preference if the user does not request one */
static const struct pixel_format formats[] = {
	PACKED_422(YUYV, 0, 1, 3),
	PACKED_422(UYVY, 1, 0, 2),
	PACKED_422(YVYU, 0, 3, 1),
	PACKED_422(VYUY, 1, 2, 0),
	PLANAR(YUV422P, 1, 2, 1, 0),
	SEMI_PLANAR(NV16, 0, 1, 1, 0),
	SEMI_PLANAR(NV61, 1, 0, 1, 0),
	PLANAR(YUV420, 1, 2, 1, 1),
	PLANAR(YVU420, 2, 1, 1, 1),
	SEMI_PLANAR(NV12, 0, 1, 1, 1),
	SEMI_PLANAR(NV21, 1, 0, 1, 1),
	SEMI_PLANAR(NV24, 0, 1, 0, 0),
	SEMI_PLANAR(NV42, 1, 0, 0, 0),
	PLANAR(YVU422M, 2, 1, 1, 0),
	PLANAR(YUV444M, 1, 2, 0, 0),
	PLANAR(YVU444M, 2, 1, 0, 0),
	RGB(RGB24, 3, 0, 1, 2),
	RGB(BGR24, 3, 2, 1, 0),
	RGB(XBGR32, 4, 2, 1, 0),
	RGB(ABGR32, 4, 2, 1, 0),
	RGB(BGR32, 4, 2, 1, 0),
	RGB(XRGB32, 4, 1, 2, 3),
	RGB(ARGB32, 4, 1, 2, 3),
	RGB(RGB32, 4, 1, 2, 3),
	RGB(RGBX32, 4, 0, 1, 2),
	RGB(RGBA32, 4, 0, 1, 2),
	RGB(BGRX32, 4, 3, 2, 1),
	RGB(BGRA32, 4, 3, 2, 1),
	{ .fourcc = V4L2_PIX_FMT_GREY, .kind = PIXEL_GREY, .step = 1 },
	DEEP(Y16, 16),
	DEEP(Y16_BE, 16, .big_endian = true),
	DEEP(Y14, 14),
	DEEP(Y12, 12),
	DEEP(Y10, 10),
	DEEP(Z16, 16),
	{ .fourcc = V4L2_PIX_FMT_MJPEG, .kind = PIXEL_JPEG },
	{ .fourcc = V4L2_PIX_FMT_JPEG, .kind = PIXEL_JPEG },
};

/* Names of these formats in other programs */
static const struct {
	const char *name;
	__u32 fourcc;
} other_names[] = {
	{ "YUY2", V4L2_PIX_FMT_YUYV },
	{ "YUYV422", V4L2_PIX_FMT_YUYV },
	{ "UYVY422", V4L2_PIX_FMT_UYVY },
	{ "I420", V4L2_PIX_FMT_YUV420 },
	{ "YUV420P", V4L2_PIX_FMT_YUV420 },
	{ "RGB24", V4L2_PIX_FMT_RGB24 },
	{ "BGR24", V4L2_PIX_FMT_BGR24 },
	{ "GRAY", V4L2_PIX_FMT_GREY },
	{ "MJPEG", V4L2_PIX_FMT_MJPEG },
};

const struct pixel_format *pixel_format_at(unsigned int index)
{
	return index < ARRAY_SIZE(formats) ? &formats[index] : NULL;
}

__u32 pixel_in_one_piece(__u32 fourcc)
{
	static const struct {
		__u32 pieces;
		__u32 one;
	} pairs[] = {
		{ V4L2_PIX_FMT_NV12M, V4L2_PIX_FMT_NV12 },
		{ V4L2_PIX_FMT_NV21M, V4L2_PIX_FMT_NV21 },
		{ V4L2_PIX_FMT_NV16M, V4L2_PIX_FMT_NV16 },
		{ V4L2_PIX_FMT_NV61M, V4L2_PIX_FMT_NV61 },
		{ V4L2_PIX_FMT_YUV420M, V4L2_PIX_FMT_YUV420 },
		{ V4L2_PIX_FMT_YVU420M, V4L2_PIX_FMT_YVU420 },
		{ V4L2_PIX_FMT_YUV422M, V4L2_PIX_FMT_YUV422P },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		if (pairs[i].pieces == fourcc)
			return pairs[i].one;
	return 0;
}

const struct pixel_format *pixel_format_find(__u32 fourcc)
{
	const struct pixel_format *format;
	__u32 one = pixel_in_one_piece(fourcc);
	unsigned int i;

	if (one)
		fourcc = one;
	for (i = 0; (format = pixel_format_at(i)); i++)
		if (format->fourcc == fourcc)
			return format;
	return NULL;
}

static unsigned int colour_planes(const struct pixel_format *format)
{
	unsigned int last = format->plane[1] > format->plane[2] ? format->plane[1] :
								  format->plane[2];

	return last + 1;
}

unsigned int pixel_memory_planes(__u32 fourcc)
{
	const struct pixel_format *format = pixel_format_find(fourcc);

	switch (fourcc) {
	case V4L2_PIX_FMT_YVU422M:
	case V4L2_PIX_FMT_YUV444M:
	case V4L2_PIX_FMT_YVU444M:
		return 3;
	default:
		return format && pixel_in_one_piece(fourcc) ? colour_planes(format) : 1;
	}
}

const char *fourcc_text(__u32 fourcc, char text[FOURCC_TEXT])
{
	int i, len = 0;

	for (i = 0; i < 4; i++) {
		char c = (fourcc >> (8 * i)) & 0x7f;

		text[i] = c > ' ' && c < 0x7f ? c : ' ';
		if (text[i] != ' ')
			len = i + 1;
	}
	snprintf(text + len, FOURCC_TEXT - len, "%s", fourcc >> 31 ? "-BE" : "");
	return text;
}

__u32 fourcc_parse(const char *text)
{
	size_t i, len = strlen(text);
	char code[4] = { ' ', ' ', ' ', ' ' };
	__u32 big_endian = 0;

	for (i = 0; i < ARRAY_SIZE(other_names); i++)
		if (!strcasecmp(text, other_names[i].name))
			return other_names[i].fourcc;
	if (len > 3 && !strcmp(text + len - 3, "-BE")) {
		big_endian = 1U << 31;
		len -= 3;
	}
	if (!len || len > 4)
		return 0;
	for (i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return 0;
		code[i] = text[i];
	}
	return v4l2_fourcc(code[0], code[1], code[2], code[3]) | big_endian;
}

struct colours colours_of(enum pixel_kind kind, __u32 colorspace, __u32 ycbcr_enc,
			  __u32 quantization)
{
	struct colours colours = { MATRIX_601, false };

	if (ycbcr_enc == V4L2_YCBCR_ENC_DEFAULT)
		ycbcr_enc = V4L2_MAP_YCBCR_ENC_DEFAULT(colorspace);
	switch (ycbcr_enc) {
	case V4L2_YCBCR_ENC_709:
	case V4L2_YCBCR_ENC_XV709:
		colours.matrix = MATRIX_709;
		break;
	case V4L2_YCBCR_ENC_BT2020:
	case V4L2_YCBCR_ENC_BT2020_CONST_LUM:
		colours.matrix = MATRIX_2020;
		break;
	case V4L2_YCBCR_ENC_SMPTE240M:
		colours.matrix = MATRIX_240M;
		break;
	}
	if (quantization == V4L2_QUANTIZATION_DEFAULT) {
		/*
		 * Sensor data use the full range. GREY does too, although the V4L2 rule for
		 * luma says otherwise: monochrome cameras and vivid use the full range.
		 */
		if (colorspace == V4L2_COLORSPACE_RAW || kind == PIXEL_GREY)
			quantization = V4L2_QUANTIZATION_FULL_RANGE;
		else
			quantization = V4L2_MAP_QUANTIZATION_DEFAULT(kind == PIXEL_RGB, colorspace,
								     ycbcr_enc);
	}
	colours.full = quantization == V4L2_QUANTIZATION_FULL_RANGE;
	return colours;
}

unsigned int picture_component_width(const struct picture *picture, int component)
{
	unsigned int shift = component ? picture->format->hshift : 0;

	return (picture->width + (1U << shift) - 1) >> shift;
}

unsigned int picture_component_height(const struct picture *picture, int component)
{
	unsigned int shift = component ? picture->format->vshift : 0;

	return (picture->height + (1U << shift) - 1) >> shift;
}

static unsigned int component_step(const struct picture *picture, int component)
{
	const struct pixel_format *format = picture->format;

	return component && format->kind == PIXEL_YUV ? format->chroma_step : format->step;
}

static size_t component_stride(const struct picture *picture, int component)
{
	const struct pixel_format *format = picture->format;

	unsigned int plane = format->plane[component];

	if (!plane)
		return picture->stride;
	if (picture->strides[plane - 1])
		return picture->strides[plane - 1];
	return (size_t)picture->stride * format->chroma_step >> format->hshift;
}

/* Bytes from the beginning of a row of a component to the end of its last sample */
static size_t component_row_bytes(const struct picture *picture, int component)
{
	size_t sample = picture->format->kind == PIXEL_DEEP ? 2 : 1;

	return picture->format->offset[component] + sample +
	       (size_t)(picture_component_width(picture, component) - 1) *
	       component_step(picture, component);
}

static size_t component_start(const struct picture *picture, int component)
{
	unsigned int plane = picture->format->plane[component];
	size_t start = 0;

	if (plane > 0)
		start += (size_t)picture->stride * picture->height;
	if (plane > 1)
		start += component_stride(picture, component) *
			 picture_component_height(picture, component);
	return start;
}

static int components(const struct picture *picture)
{
	return picture->format->kind == PIXEL_GREY || picture->format->kind == PIXEL_DEEP ? 1 : 3;
}

bool picture_is_sane(const struct picture *picture)
{
	int i;

	if (picture->format->kind == PIXEL_JPEG)
		return true;
	if (!picture->width || !picture->height)
		return false;
	for (i = 0; i < components(picture); i++)
		if (component_row_bytes(picture, i) > component_stride(picture, i))
			return false;
	return true;
}

/* Bytes from the beginning of the plane of a component to the end of its last sample */
static size_t component_bytes(const struct picture *picture, int component)
{
	return component_row_bytes(picture, component) +
	       component_stride(picture, component) *
	       (picture_component_height(picture, component) - 1);
}

size_t picture_bytes(const struct picture *picture)
{
	size_t end, bytes = 0;
	int i;

	if (picture->format->kind == PIXEL_JPEG)
		return 1;
	for (i = 0; i < components(picture); i++) {
		end = component_start(picture, i) + component_bytes(picture, i);
		if (end > bytes)
			bytes = end;
	}
	return bytes;
}

size_t picture_plane_bytes(const struct picture *picture, unsigned int plane)
{
	size_t end, bytes = 0;
	int i;

	for (i = 0; i < components(picture); i++) {
		end = component_bytes(picture, i);
		if (picture->format->plane[i] == plane && end > bytes)
			bytes = end;
	}
	return bytes;
}

struct image picture_in_one_piece(const struct picture *picture, const __u8 *data)
{
	struct image image = { { data, data, data } };
	int i;

	for (i = 0; i < components(picture); i++)
		image.plane[picture->format->plane[i]] = data + component_start(picture, i);
	return image;
}

/* The position of a row in memory, in rows */
static unsigned int row_place(const struct picture *picture, int component, unsigned int y)
{
	unsigned int rows = picture_component_height(picture, component);

	switch (picture->rows) {
	case ROWS_TOP_FIRST:
		return y / 2 + (y % 2 ? (rows + 1) / 2 : 0);
	case ROWS_BOTTOM_FIRST:
		return y / 2 + (y % 2 ? 0 : rows / 2);
	default:
		return y;
	}
}

struct samples picture_samples(const struct picture *picture, const struct image *image,
			       int component, unsigned int y)
{
	return (struct samples) {
		.first = image->plane[picture->format->plane[component]] +
			 component_stride(picture, component) * row_place(picture, component, y) +
			 picture->format->offset[component],
		.step = component_step(picture, component),
	};
}

bool picture_is_dense(const struct picture *picture, int component)
{
	return picture->rows == ROWS_IN_TURN && component_step(picture, component) == 1 &&
	       component_stride(picture, component) == picture_component_width(picture, component);
}

/* Kr and Kb of each matrix */
static const struct {
	double red;
	double blue;
} weights[] = {
	[MATRIX_601] = { 0.299, 0.114 },
	[MATRIX_709] = { 0.2126, 0.0722 },
	[MATRIX_2020] = { 0.2627, 0.0593 },
	[MATRIX_240M] = { 0.212, 0.087 },
};

static int fixed_point(double value)
{
	return (int)(value * 65536 + (value < 0 ? -0.5 : 0.5));
}

struct converter converter_for(const struct picture *picture)
{
	const struct colours *colours = &picture->colours;
	double red = weights[colours->matrix].red;
	double blue = weights[colours->matrix].blue;
	double green = 1 - red - blue;
	double luma = colours->full ? 1 : 255.0 / 219;
	double chroma = colours->full ? 1 : 255.0 / 224;

	return (struct converter) {
		.black = colours->full ? 0 : 16,
		.luma = fixed_point(luma),
		.red_cr = fixed_point(2 * (1 - red) * chroma),
		.green_cb = fixed_point(-2 * (1 - blue) * blue / green * chroma),
		.green_cr = fixed_point(-2 * (1 - red) * red / green * chroma),
		.blue_cb = fixed_point(2 * (1 - blue) * chroma),
	};
}

static __u8 to_byte(int value)
{
	value = (value + (1 << 15)) >> 16;
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

static void row_from_yuv(const struct picture *picture, const struct converter *c,
			 const struct image *image, unsigned int y, __u8 *rgb)
{
	unsigned int hshift = picture->format->hshift;
	unsigned int vshift = picture->format->vshift;
	struct samples luma = picture_samples(picture, image, 0, y);
	struct samples cb = picture_samples(picture, image, 1, y >> vshift);
	struct samples cr = picture_samples(picture, image, 2, y >> vshift);
	unsigned int x;

	for (x = 0; x < picture->width; x++, rgb += 3) {
		int l = c->luma * (luma.first[x * luma.step] - c->black);
		int u = cb.first[(x >> hshift) * cb.step] - 128;
		int v = cr.first[(x >> hshift) * cr.step] - 128;

		rgb[0] = to_byte(l + c->red_cr * v);
		rgb[1] = to_byte(l + c->green_cb * u + c->green_cr * v);
		rgb[2] = to_byte(l + c->blue_cb * u);
	}
}

static void row_from_rgb(const struct picture *picture, const struct converter *c,
			 const struct image *image, unsigned int y, __u8 *rgb)
{
	unsigned int x;
	int i;

	for (i = 0; i < 3; i++) {
		struct samples in = picture_samples(picture, image, i, y);

		for (x = 0; x < picture->width; x++)
			rgb[3 * x + i] = in.first[x * in.step];
	}
	if (picture->colours.full)
		return;
	for (x = 0; x < 3 * picture->width; x++)
		rgb[x] = to_byte(c->luma * (rgb[x] - c->black));
}

void picture_row_rgb(const struct picture *picture, const struct converter *converter,
		     const struct image *image, unsigned int y, __u8 *rgb)
{
	if (picture->format->kind == PIXEL_RGB)
		row_from_rgb(picture, converter, image, y, rgb);
	else
		row_from_yuv(picture, converter, image, y, rgb);
}

void picture_row_grey(const struct picture *picture, const struct converter *converter,
		      const struct image *image, unsigned int y, __u8 *grey)
{
	struct samples in = picture_samples(picture, image, 0, y);
	unsigned int x;

	for (x = 0; x < picture->width; x++)
		grey[x] = to_byte(converter->luma * (in.first[x] - converter->black));
}

void picture_row_deep(const struct picture *picture, const struct image *image, unsigned int y,
		      __u8 *deep)
{
	struct samples in = picture_samples(picture, image, 0, y);
	const struct pixel_format *format = picture->format;
	unsigned int x, value;

	for (x = 0; x < picture->width; x++) {
		const __u8 *sample = in.first + x * in.step;

		value = sample[format->big_endian] | sample[!format->big_endian] << 8;
		value <<= 16 - format->bits;
		deep[2 * x] = value >> 8;
		deep[2 * x + 1] = value;
	}
}
