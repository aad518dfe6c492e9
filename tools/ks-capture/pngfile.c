// SPDX-License-Identifier: GPL-2.0-only
/* PNG pictures, made row by row. */
#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>

#include "output.h"
#include "pngfile.h"
#include "say.h"
#include "write.h"

/* Data for the callbacks of libpng */
struct png_target {
	int fd;
	int err;
	char message[128];
};

static void png_fail(png_structp png, png_const_charp message)
{
	struct png_target *target = png_get_error_ptr(png);

	snprintf(target->message, sizeof(target->message), "%s", message);
	png_longjmp(png, 1);
}

static void png_ignore(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

static void png_write_data(png_structp png, png_bytep data, png_size_t size)
{
	struct png_target *target = png_get_io_ptr(png);

	target->err = write_all(target->fd, data, size);
	if (target->err)
		png_error(png, "write");
}

static void png_flush_nothing(png_structp png)
{
	(void)png;
}

/* Aspect ratio: pixels per unit across and down, without a unit */
static void write_aspect(png_structp png, const struct v4l2_fract *aspect)
{
	png_byte chunk[9] = {};

	png_save_uint_32(chunk, aspect->numerator);
	png_save_uint_32(chunk + 4, aspect->denominator);
	png_write_chunk(png, (png_const_bytep)"pHYs", chunk, sizeof(chunk));
}

/* Number of significant bits of a sample; the others are zero */
static void write_bits(png_structp png, unsigned int bits)
{
	png_byte chunk = bits;

	png_write_chunk(png, (png_const_bytep)"sBIT", &chunk, sizeof(chunk));
}

static void write_png_rows(struct output *output, png_structp png, const struct image *image)
{
	const struct picture *picture = &output->device->picture;
	unsigned int y;

	for (y = 0; y < picture->height; y++) {
		switch (picture->format->kind) {
		case PIXEL_GREY:
			picture_row_grey(picture, &output->converter, image, y, output->buffer);
			break;
		case PIXEL_DEEP:
			picture_row_deep(picture, image, y, output->buffer);
			break;
		default:
			picture_row_rgb(picture, &output->converter, image, y, output->buffer);
		}
		png_write_row(png, output->buffer);
	}
}

static void write_png_picture(struct output *output, png_structp png, png_infop info,
			      const struct image *image)
{
	const struct v4l2_fract *aspect = &output->device->aspect;
	const struct picture *picture = &output->device->picture;
	bool deep = picture->format->kind == PIXEL_DEEP;
	bool grey = picture->format->kind == PIXEL_GREY;

	/* Fast rather than small, because the camera does not wait */
	png_set_compression_level(png, 1);
	png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
	png_set_compression_buffer_size(png, 1 << 16);
	png_set_IHDR(png, info, picture->width, picture->height, deep ? 16 : 8,
		     grey || deep ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	if (deep && picture->format->bits < 16)
		write_bits(png, picture->format->bits);
	if (aspect->numerator != aspect->denominator)
		write_aspect(png, aspect);
	write_png_rows(output, png, image);
	png_write_end(png, info);
}

/* libpng returns to setjmp() if it or png_write_data() fails */
static bool try_png_picture(struct output *output, png_structp png, png_infop info,
			    const struct image *image)
{
	if (setjmp(png_jmpbuf(png)))
		return false;
	write_png_picture(output, png, info, image);
	return true;
}

int pngfile_write(struct output *output, const struct image *image)
{
	struct png_target target = { .fd = output->fd };
	png_structp png;
	png_infop info;
	bool done;

	png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &target, png_fail, png_ignore);
	if (!png)
		return -ENOMEM;
	info = png_create_info_struct(png);
	if (!info) {
		png_destroy_write_struct(&png, NULL);
		return -ENOMEM;
	}
	png_set_write_fn(png, &target, png_write_data, png_flush_nothing);
	done = try_png_picture(output, png, info, image);
	png_destroy_write_struct(&png, &info);
	if (done)
		return 0;
	if (target.err)
		return target.err;
	say_error("libpng: %s", target.message);
	say_advice("Use another output format: -F y4m or -F raw.");
	return -EIO;
}
