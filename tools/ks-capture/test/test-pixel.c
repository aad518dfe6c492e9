// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pixel formats compared with a slow and simple model: the samples of each format are found
 * with its own formula from the V4L2 documentation, and converted in floating point.
 */
#include <math.h>
#include <stdlib.h>

#include "tests.h"

struct yuv {
	double y, cb, cr;
};

struct rgb {
	double r, g, b;
};

static __u32 noise_state = 1;

static __u8 noise(void)
{
	noise_state = noise_state * 1664525 + 1013904223;
	return noise_state >> 24;
}

static unsigned int luma_bytes(__u32 fourcc)
{
	const struct pixel_format *format = pixel_format_find(fourcc);

	return format->step;
}

struct picture noise_picture(__u8 data[PICTURE_MAX], __u32 fourcc, unsigned int width,
			     unsigned int height, unsigned int padding, struct colours colours)
{
	unsigned int even = (width + 1) & ~1U;
	size_t i;

	for (i = 0; i < PICTURE_MAX; i++)
		data[i] = noise();
	return (struct picture) {
		.format = pixel_format_find(fourcc),
		.colours = colours,
		.width = width,
		.height = height,
		.stride = even * luma_bytes(fourcc) + padding,
	};
}

/* Two bytes per pixel, in groups of four: the positions of Y, Y, Cb and Cr */
static struct yuv packed(const __u8 *p, unsigned int x, int y0, int y1, int cb, int cr)
{
	p += x / 2 * 4;
	return (struct yuv) { p[x % 2 ? y1 : y0], p[cb], p[cr] };
}

static struct yuv model_yuv(const struct picture *pic, const __u8 *data, unsigned int x,
			    unsigned int y)
{
	unsigned int s = pic->stride;
	const __u8 *row = data + y * s;
	const __u8 *uv = data + pic->height * s;
	unsigned int half = (pic->height + 1) / 2;

	switch (pic->format->fourcc) {
	case V4L2_PIX_FMT_YUYV:
		return packed(row, x, 0, 2, 1, 3);
	case V4L2_PIX_FMT_YVYU:
		return packed(row, x, 0, 2, 3, 1);
	case V4L2_PIX_FMT_UYVY:
		return packed(row, x, 1, 3, 0, 2);
	case V4L2_PIX_FMT_VYUY:
		return packed(row, x, 1, 3, 2, 0);
	case V4L2_PIX_FMT_NV12:
		uv += y / 2 * s + x / 2 * 2;
		return (struct yuv) { row[x], uv[0], uv[1] };
	case V4L2_PIX_FMT_NV21:
		uv += y / 2 * s + x / 2 * 2;
		return (struct yuv) { row[x], uv[1], uv[0] };
	case V4L2_PIX_FMT_NV16:
		uv += y * s + x / 2 * 2;
		return (struct yuv) { row[x], uv[0], uv[1] };
	case V4L2_PIX_FMT_NV61:
		uv += y * s + x / 2 * 2;
		return (struct yuv) { row[x], uv[1], uv[0] };
	case V4L2_PIX_FMT_NV24:
		uv += y * 2 * s + x * 2;
		return (struct yuv) { row[x], uv[0], uv[1] };
	case V4L2_PIX_FMT_NV42:
		uv += y * 2 * s + x * 2;
		return (struct yuv) { row[x], uv[1], uv[0] };
	case V4L2_PIX_FMT_YUV420:
		uv += y / 2 * (s / 2) + x / 2;
		return (struct yuv) { row[x], uv[0], uv[half * (s / 2)] };
	case V4L2_PIX_FMT_YVU420:
		uv += y / 2 * (s / 2) + x / 2;
		return (struct yuv) { row[x], uv[half * (s / 2)], uv[0] };
	case V4L2_PIX_FMT_YUV422P:
		uv += y * (s / 2) + x / 2;
		return (struct yuv) { row[x], uv[0], uv[pic->height * (s / 2)] };
	case V4L2_PIX_FMT_YVU422M:
		uv += y * (s / 2) + x / 2;
		return (struct yuv) { row[x], uv[pic->height * (s / 2)], uv[0] };
	case V4L2_PIX_FMT_YUV444M:
		uv += y * s + x;
		return (struct yuv) { row[x], uv[0], uv[pic->height * s] };
	case V4L2_PIX_FMT_YVU444M:
		uv += y * s + x;
		return (struct yuv) { row[x], uv[pic->height * s], uv[0] };
	case V4L2_PIX_FMT_GREY:
		return (struct yuv) { row[x], 128, 128 };
	}
	abort();
}

/* The order of bytes in memory; 'x' is an unused byte */
static const char *model_rgb_order(__u32 fourcc)
{
	switch (fourcc) {
	case V4L2_PIX_FMT_RGB24:
		return "rgb";
	case V4L2_PIX_FMT_BGR24:
		return "bgr";
	case V4L2_PIX_FMT_XBGR32:
	case V4L2_PIX_FMT_ABGR32:
	case V4L2_PIX_FMT_BGR32:
		return "bgrx";
	case V4L2_PIX_FMT_XRGB32:
	case V4L2_PIX_FMT_ARGB32:
	case V4L2_PIX_FMT_RGB32:
		return "xrgb";
	case V4L2_PIX_FMT_RGBX32:
	case V4L2_PIX_FMT_RGBA32:
		return "rgbx";
	case V4L2_PIX_FMT_BGRX32:
	case V4L2_PIX_FMT_BGRA32:
		return "xbgr";
	}
	abort();
}

static struct rgb model_rgb(const struct picture *pic, const __u8 *data, unsigned int x,
			    unsigned int y)
{
	const char *order = model_rgb_order(pic->format->fourcc);
	const __u8 *p = data + y * pic->stride + x * strlen(order);
	struct rgb rgb = {
		p[strchr(order, 'r') - order],
		p[strchr(order, 'g') - order],
		p[strchr(order, 'b') - order],
	};

	if (pic->colours.full)
		return rgb;
	return (struct rgb) {
		(rgb.r - 16) * 255 / 219, (rgb.g - 16) * 255 / 219, (rgb.b - 16) * 255 / 219,
	};
}

static struct rgb model_convert(struct colours colours, struct yuv yuv)
{
	static const double kr[] = { 0.299, 0.2126, 0.2627, 0.212 };
	static const double kb[] = { 0.114, 0.0722, 0.0593, 0.087 };
	double r = kr[colours.matrix], b = kb[colours.matrix], g = 1 - r - b;
	double y, pb, pr;

	/* y in 0 … 1, pb and pr in -0.5 … 0.5 */
	if (colours.full) {
		y = yuv.y / 255;
		pb = (yuv.cb - 128) / 255;
		pr = (yuv.cr - 128) / 255;
	} else {
		y = (yuv.y - 16) / 219;
		pb = (yuv.cb - 128) / 224;
		pr = (yuv.cr - 128) / 224;
	}
	return (struct rgb) {
		255 * (y + 2 * (1 - r) * pr),
		255 * (y - 2 * (1 - b) * b / g * pb - 2 * (1 - r) * r / g * pr),
		255 * (y + 2 * (1 - b) * pb),
	};
}

static struct rgb model(const struct picture *pic, const __u8 *data, unsigned int x,
			unsigned int y)
{
	if (pic->format->kind == PIXEL_RGB)
		return model_rgb(pic, data, x, y);
	return model_convert(pic->colours, model_yuv(pic, data, x, y));
}

static bool is_near(__u8 value, double should)
{
	should = fmin(255, fmax(0, should));
	return fabs(value - should) <= 0.52;
}

static void check_picture(const struct picture *pic, const __u8 *data)
{
	struct converter converter = converter_for(pic);
	bool grey = pic->format->kind == PIXEL_GREY;
	unsigned int x, y, wrong = 0;
	char code[FOURCC_TEXT];
	__u8 row[3 * 256];

	for (y = 0; y < pic->height; y++) {
		if (grey)
			picture_row_grey(pic, &converter, one_piece(pic, data), y, row);
		else
			picture_row_rgb(pic, &converter, one_piece(pic, data), y, row);
		for (x = 0; x < pic->width; x++) {
			struct rgb should = model(pic, data, x, y);

			if (grey)
				wrong += !is_near(row[x], should.g);
			else
				wrong += !is_near(row[3 * x], should.r) ||
					 !is_near(row[3 * x + 1], should.g) ||
					 !is_near(row[3 * x + 2], should.b);
		}
	}
	if (!wrong)
		return;
	printf("# %s %ux%u matrix %d %s: %u pixels are wrong\n",
	       fourcc_text(pic->format->fourcc, code), pic->width, pic->height,
	       pic->colours.matrix, pic->colours.full ? "full" : "limited", wrong);
	tap_failures++;
}

/* Every format, size, padding, matrix and range: each pixel has the value of the model */
void test_rows(void)
{
	static const unsigned int sizes[][2] = {
		{ 2, 2 }, { 16, 8 }, { 37, 21 }, { 64, 1 }, { 1, 5 }, { 2, 3 },
	};
	const struct pixel_format *format;
	static __u8 data[PICTURE_MAX];
	unsigned int i, size, matrix, full;

	for (i = 0; (format = pixel_format_at(i)); i++) {
		if (format->kind == PIXEL_JPEG || format->kind == PIXEL_DEEP)
			continue;
		for (size = 0; size < ARRAY_SIZE(sizes); size++)
			for (matrix = MATRIX_601; matrix <= MATRIX_240M; matrix++)
				for (full = 0; full < 2; full++) {
					struct colours colours = { matrix, full };
					struct picture pic =
						noise_picture(data, format->fourcc, sizes[size][0],
							      sizes[size][1], matrix * 8, colours);

					check_picture(&pic, data);
				}
	}
}

/* Well-known colours, with the samples from the tables of the standards */
void test_known_colours(void)
{
	static const struct {
		enum matrix matrix;
		bool full;
		__u8 yuv[3];
		__u8 rgb[3];
	} known[] = {
		{ MATRIX_601, false, { 235, 128, 128 }, { 255, 255, 255 } },
		{ MATRIX_601, false, { 16, 128, 128 }, { 0, 0, 0 } },
		{ MATRIX_601, false, { 81, 90, 240 }, { 255, 0, 0 } },
		{ MATRIX_601, false, { 145, 54, 34 }, { 0, 255, 0 } },
		{ MATRIX_601, false, { 41, 240, 110 }, { 0, 0, 255 } },
		{ MATRIX_709, false, { 63, 102, 240 }, { 255, 0, 0 } },
		{ MATRIX_709, false, { 173, 42, 26 }, { 0, 255, 0 } },
		{ MATRIX_709, false, { 32, 240, 118 }, { 0, 0, 255 } },
		{ MATRIX_601, true, { 255, 128, 128 }, { 255, 255, 255 } },
		{ MATRIX_601, true, { 0, 128, 128 }, { 0, 0, 0 } },
		{ MATRIX_601, true, { 76, 85, 255 }, { 255, 0, 0 } },
		/* Values outside of black and white */
		{ MATRIX_601, false, { 255, 128, 128 }, { 255, 255, 255 } },
		{ MATRIX_601, false, { 0, 128, 128 }, { 0, 0, 0 } },
	};
	struct picture pic = { .width = 2, .height = 1, .stride = 4 };
	struct converter converter;
	unsigned int i, c;
	__u8 rgb[6];

	pic.format = pixel_format_find(V4L2_PIX_FMT_YUYV);
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		const __u8 *yuv = known[i].yuv;
		__u8 data[] = { yuv[0], yuv[1], yuv[0], yuv[2] };

		pic.colours = (struct colours) { known[i].matrix, known[i].full };
		converter = converter_for(&pic);
		picture_row_rgb(&pic, &converter, one_piece(&pic, data), 0, rgb);
		for (c = 0; c < 6; c++)
			CHECK(abs(rgb[c] - known[i].rgb[c % 3]) <= 2);
	}
}

/* The rules of V4L2 for values that a driver leaves open */
void test_colours(void)
{
	struct colours c;

	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_SRGB, 0, 0);
	CHECK(c.matrix == MATRIX_601 && !c.full);
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_REC709, 0, 0);
	CHECK(c.matrix == MATRIX_709 && !c.full);
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_DCI_P3, 0, 0);
	CHECK(c.matrix == MATRIX_709 && !c.full);
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_SMPTE170M, 0, 0);
	CHECK(c.matrix == MATRIX_601 && !c.full);
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_BT2020, 0, 0);
	CHECK(c.matrix == MATRIX_2020 && !c.full);
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_SMPTE240M, 0, 0);
	CHECK(c.matrix == MATRIX_240M && !c.full);
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_JPEG, 0, 0);
	CHECK(c.matrix == MATRIX_601 && c.full);
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_DEFAULT, 0, 0);
	CHECK(c.matrix == MATRIX_601 && !c.full);
	c = colours_of(PIXEL_GREY, V4L2_COLORSPACE_RAW, 0, 0);
	CHECK(c.full);
	c = colours_of(PIXEL_GREY, V4L2_COLORSPACE_SRGB, 0, 0);
	CHECK(c.full);
	c = colours_of(PIXEL_GREY, V4L2_COLORSPACE_SRGB, 0, V4L2_QUANTIZATION_LIM_RANGE);
	CHECK(!c.full);
	c = colours_of(PIXEL_RGB, V4L2_COLORSPACE_SRGB, 0, 0);
	CHECK(c.full);
	c = colours_of(PIXEL_RGB, V4L2_COLORSPACE_SRGB, 0, V4L2_QUANTIZATION_LIM_RANGE);
	CHECK(!c.full);
	/* Values of the driver take precedence */
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_SRGB, V4L2_YCBCR_ENC_709,
		       V4L2_QUANTIZATION_FULL_RANGE);
	CHECK(c.matrix == MATRIX_709 && c.full);
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_REC709, V4L2_YCBCR_ENC_601,
		       V4L2_QUANTIZATION_LIM_RANGE);
	CHECK(c.matrix == MATRIX_601 && !c.full);
	c = colours_of(PIXEL_YUV, V4L2_COLORSPACE_REC709, V4L2_YCBCR_ENC_XV709, 0);
	CHECK(c.matrix == MATRIX_709 && !c.full);
}

/*
 * If the fields are one after the other, so are the rows of each component, also with an
 * odd number of rows
 */
void test_row_order(void)
{
	static const unsigned int places[][2][5] = {
		[ROWS_TOP_FIRST] = { { 0, 3, 1, 4, 2 }, { 0, 2, 1 } },
		[ROWS_BOTTOM_FIRST] = { { 2, 0, 3, 1, 4 }, { 1, 0, 2 } },
	};
	static __u8 data[PICTURE_MAX];
	struct picture plain, pic;
	enum row_order order;
	unsigned int y;

	plain = noise_picture(data, V4L2_PIX_FMT_NV12, 8, 5, 0, (struct colours) {});
	CHECK(picture_is_dense(&plain, 0));
	pic = plain;
	for (order = ROWS_TOP_FIRST; order <= ROWS_BOTTOM_FIRST; order++) {
		pic.rows = order;
		CHECK(!picture_is_dense(&pic, 0));
		CHECK_EQ(picture_bytes(&pic), picture_bytes(&plain));
		for (y = 0; y < 5; y++)
			CHECK(picture_samples(&pic, one_piece(&pic, data), 0, y).first ==
			      picture_samples(&plain, one_piece(&plain, data), 0,
					      places[order][0][y]).first);
		for (y = 0; y < 3; y++)
			CHECK(picture_samples(&pic, one_piece(&pic, data), 2, y).first ==
			      picture_samples(&plain, one_piece(&plain, data), 2,
					      places[order][1][y]).first);
	}
}

/* The minimum size of a frame ends exactly with its last sample */
void test_bytes(void)
{
	static const struct {
		__u32 fourcc;
		unsigned int width, height, stride;
		size_t bytes;
	} cases[] = {
		{ V4L2_PIX_FMT_YUYV, 640, 360, 1280, 640 * 360 * 2 },
		{ V4L2_PIX_FMT_YUYV, 640, 360, 2048, 2048 * 359 + 1280 },
		{ V4L2_PIX_FMT_NV12, 640, 360, 640, 640 * 540 },
		{ V4L2_PIX_FMT_NV12, 640, 360, 768, 768 * 539 + 640 },
		{ V4L2_PIX_FMT_YUV420, 640, 360, 640, 640 * 540 },
		{ V4L2_PIX_FMT_YUV420, 640, 360, 768, 768 * 360 + 384 * 359 + 320 },
		{ V4L2_PIX_FMT_YUV422P, 640, 360, 640, 640 * 720 },
		{ V4L2_PIX_FMT_NV24, 640, 360, 640, 640 * 1080 },
		{ V4L2_PIX_FMT_GREY, 640, 360, 640, 640 * 360 },
		{ V4L2_PIX_FMT_RGB24, 640, 360, 1920, 640 * 360 * 3 },
		{ V4L2_PIX_FMT_Y16, 640, 360, 1408, 1408 * 359 + 1280 },
		{ V4L2_PIX_FMT_MJPEG, 640, 360, 0, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct picture pic = {
			.format = pixel_format_find(cases[i].fourcc),
			.width = cases[i].width,
			.height = cases[i].height,
			.stride = cases[i].stride,
		};

		CHECK(picture_is_sane(&pic));
		CHECK_EQ(picture_bytes(&pic), cases[i].bytes);
	}
}

/* Rows that do not fit into the stride are not read */
void test_sanity(void)
{
	static const struct {
		__u32 fourcc;
		unsigned int least;
	} cases[] = {
		{ V4L2_PIX_FMT_YUYV, 128 }, { V4L2_PIX_FMT_NV12, 64 },
		{ V4L2_PIX_FMT_YUV420, 64 }, { V4L2_PIX_FMT_RGB24, 192 },
		{ V4L2_PIX_FMT_GREY, 64 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct picture pic = {
			.format = pixel_format_find(cases[i].fourcc),
			.width = 64,
			.height = 4,
			.stride = cases[i].least,
		};

		CHECK(picture_is_sane(&pic));
		pic.stride = cases[i].least - 1;
		CHECK(!picture_is_sane(&pic));
		pic.stride = 0;
		CHECK(!picture_is_sane(&pic));
		pic.stride = 4096;
		CHECK(picture_is_sane(&pic));
		pic.height = 0;
		CHECK(!picture_is_sane(&pic));
	}
}

/* Codes to text and back, and names of other programs */
void test_fourcc(void)
{
	const struct pixel_format *format;
	char text[FOURCC_TEXT];
	unsigned int i;

	for (i = 0; (format = pixel_format_at(i)); i++) {
		CHECK_EQ(fourcc_parse(fourcc_text(format->fourcc, text)), format->fourcc);
		CHECK(pixel_format_find(format->fourcc) == format);
	}
	CHECK(!pixel_format_find(0));
	CHECK(pixel_format_find(V4L2_PIX_FMT_NV12M) == pixel_format_find(V4L2_PIX_FMT_NV12));

	CHECK_STR(fourcc_text(V4L2_PIX_FMT_YUYV, text), "YUYV");
	CHECK_STR(fourcc_text(V4L2_PIX_FMT_Y16, text), "Y16");
	CHECK_STR(fourcc_text(V4L2_PIX_FMT_Y16_BE, text), "Y16-BE");
	CHECK_STR(fourcc_text(0x01020304, text), "");
	CHECK_EQ(fourcc_parse("YUYV"), V4L2_PIX_FMT_YUYV);
	CHECK_EQ(fourcc_parse("Y16"), V4L2_PIX_FMT_Y16);
	CHECK_EQ(fourcc_parse("Y16-BE"), V4L2_PIX_FMT_Y16_BE);
	CHECK_EQ(fourcc_parse("yuy2"), V4L2_PIX_FMT_YUYV);
	CHECK_EQ(fourcc_parse("i420"), V4L2_PIX_FMT_YUV420);
	CHECK_EQ(fourcc_parse("mjpeg"), V4L2_PIX_FMT_MJPEG);
	CHECK_EQ(fourcc_parse(""), 0);
	CHECK_EQ(fourcc_parse("-BE"), v4l2_fourcc('-', 'B', 'E', ' '));
	CHECK_EQ(fourcc_parse("YUYVX"), 0);
	CHECK_EQ(fourcc_parse("YU\nV"), 0);
	CHECK_EQ(fourcc_parse("Y\xc3\xa4"), 0);
}
