// SPDX-License-Identifier: GPL-2.0-only
/*
 * Output. A frame is read where the device wrote it: raw frames, and y4m planes
 * that lie as y4m wants them, go from there to write(); PNG is made row by row.
 *
 * A file either holds whole frames or is not there: what a failure leaves half
 * done is cut off or removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "output.h"
#include "say.h"

static int components(const struct picture *picture)
{
	return picture->format->kind == PIXEL_GREY ? 1 : 3;
}

/* Strip what has been written off the front of a vector */
static void advance(struct iovec **vector, int *count, size_t done)
{
	for (; *count && done >= (*vector)->iov_len; (*vector)++, (*count)--)
		done -= (*vector)->iov_len;
	if (*count) {
		(*vector)->iov_base = (char *)(*vector)->iov_base + done;
		(*vector)->iov_len -= done;
	}
}

/*
 * Some file systems (9p, or anything opened for direct I/O) want to hold on to
 * the writer's pages. Those of a dma-buf cannot be held, which is EFAULT; then a
 * piece is copied first.
 */
static ssize_t write_copy(int fd, const struct iovec *piece)
{
	static char copy[1 << 16];
	size_t size = piece->iov_len < sizeof(copy) ? piece->iov_len : sizeof(copy);

	memcpy(copy, piece->iov_base, size);
	return write(fd, copy, size);
}

/* All of it, however many calls that takes; changes the vector */
static int write_vector(int fd, struct iovec *vector, int count)
{
	ssize_t done;

	while (count) {
		done = writev(fd, vector, count);
		if (done < 0 && errno == EFAULT)
			done = write_copy(fd, vector);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		advance(&vector, &count, done);
	}
	return 0;
}

static int write_all(int fd, const void *data, size_t size)
{
	struct iovec vector = { (void *)data, size };

	return write_vector(fd, &vector, size ? 1 : 0);
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

void y4m_plane(const struct picture *picture, const __u8 *data, int component, __u8 *plane)
{
	unsigned int width = picture_component_width(picture, component);
	unsigned int height = picture_component_height(picture, component);
	unsigned int x, y;

	for (y = 0; y < height; y++) {
		struct samples in = picture_samples(picture, data, component, y);

		for (x = 0; x < width; x++)
			*plane++ = in.first[x * in.step];
	}
}

/* V4L2's 4:2:0 formats have their chroma samples in the middle of four pixels */
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
		return 'p';
	case V4L2_FIELD_INTERLACED:
		/* The field that comes first is the standard's: bottom for 525 lines */
		return height == 480 || height == 486 ? 'b' : 't';
	case V4L2_FIELD_INTERLACED_TB:
		return 't';
	case V4L2_FIELD_INTERLACED_BT:
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

int output_init(struct output *output, const struct options *options,
		const struct device *device)
{
	const struct picture *picture = &device->picture;
	size_t bytes = 0;

	*output = (struct output) {
		.kind = options->kind,
		.name = options->output,
		.numbered = options->output && pattern_check(options->output) == 1,
		.device = device,
		.every = options->save.every ? options->save.every : 1,
		.fd = -1,
	};
	if (options->kind == OUTPUT_PNG) {
		output->converter = converter_for(picture);
		bytes = 3 * (size_t)picture->width;
	} else if (options->kind == OUTPUT_Y4M) {
		bytes = y4m_bytes(picture);
	}
	if (!bytes)
		return STATUS_OK;
	output->buffer = malloc(bytes);
	if (output->buffer)
		return STATUS_OK;
	say_error("there is not enough memory to convert a frame");
	return STATUS_FAILED;
}

static int explain(const struct output *output, const char *what, int err)
{
	if (err == -EPIPE)
		return err;
	say_error("cannot %s %s: %s", what, output->path, strerror(-err));
	if (err == -ENOENT)
		say_advice("Its folder does not exist.");
	else if (err == -ENOSPC || err == -EDQUOT)
		say_advice("--every or --save write fewer frames.");
	return err;
}

static int open_file(struct output *output, unsigned long number)
{
	output->good_bytes = 0;
	if (!strcmp(output->name, "-")) {
		snprintf(output->path, sizeof(output->path), "stdout");
		output->fd = STDOUT_FILENO;
		return 0;
	}
	if (!pattern_expand(output->name, number, output->path, sizeof(output->path)))
		return explain(output, "open", -ENAMETOOLONG);
	output->fd = open(output->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return output->fd < 0 ? explain(output, "open", -errno) : 0;
}

/* Cut off what is no whole frame; a file without any goes */
static void drop_rest(struct output *output)
{
	struct stat st;

	if (output->fd == STDOUT_FILENO || fstat(output->fd, &st) || !S_ISREG(st.st_mode))
		return;
	if (!output->good_bytes)
		unlink(output->path);
	else if (ftruncate(output->fd, output->good_bytes))
		say_advice("The end of %s is no whole frame.", output->path);
}

static void give_up_file(struct output *output)
{
	drop_rest(output);
	if (output->fd != STDOUT_FILENO)
		close(output->fd);
	output->fd = -1;
}

static int close_file(struct output *output)
{
	int fd = output->fd;

	output->fd = -1;
	if (fd < 0 || fd == STDOUT_FILENO)
		return 0;
	return close(fd) ? explain(output, "finish", -errno) : 0;
}

static int write_y4m(struct output *output, const __u8 *data)
{
	const struct device *device = output->device;
	const struct picture *picture = &device->picture;
	struct rate rate = device->rate;
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
			const __u8 *plane = picture_samples(picture, data, i, 0).first;

			vector[count++] = (struct iovec) { (void *)plane, bytes };
		} else {
			y4m_plane(picture, data, i, free_part);
			vector[count++] = (struct iovec) { free_part, bytes };
			free_part += bytes;
		}
	}
	return write_vector(output->fd, vector, count);
}

/* What libpng is given to work with */
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

static void png_write(png_structp png, png_bytep data, png_size_t size)
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

static void write_png_picture(struct output *output, png_structp png, png_infop info,
			      const __u8 *data)
{
	const struct picture *picture = &output->device->picture;
	bool grey = picture->format->kind == PIXEL_GREY;
	unsigned int y;

	/* Fast rather than small: the camera does not wait */
	png_set_compression_level(png, 1);
	png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
	png_set_compression_buffer_size(png, 1 << 16);
	png_set_IHDR(png, info, picture->width, picture->height, 8,
		     grey ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (y = 0; y < picture->height; y++) {
		if (grey)
			picture_row_grey(picture, &output->converter, data, y, output->buffer);
		else
			picture_row_rgb(picture, &output->converter, data, y, output->buffer);
		png_write_row(png, output->buffer);
	}
	png_write_end(png, info);
}

/* libpng comes back to setjmp() when it, or png_write(), fails */
static bool try_png_picture(struct output *output, png_structp png, png_infop info,
			    const __u8 *data)
{
	if (setjmp(png_jmpbuf(png)))
		return false;
	write_png_picture(output, png, info, data);
	return true;
}

static int write_png(struct output *output, const __u8 *data)
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
	png_set_write_fn(png, &target, png_write, png_flush_nothing);
	done = try_png_picture(output, png, info, data);
	png_destroy_write_struct(&png, &info);
	if (done)
		return 0;
	if (target.err)
		return target.err;
	say_error("libpng: %s", target.message);
	return -EIO;
}

static int write_frame(struct output *output, const void *data, size_t used)
{
	unsigned long long before = output->good_bytes;
	int ret;

	switch (output->kind) {
	case OUTPUT_PNG:
		ret = write_png(output, data);
		break;
	case OUTPUT_Y4M:
		ret = write_y4m(output, data);
		used = y4m_bytes(&output->device->picture);
		break;
	default:
		ret = write_all(output->fd, data, used);
	}
	if (ret)
		output->good_bytes = before;
	else
		output->good_bytes += used;
	return ret;
}

int output_frame(struct output *output, unsigned long number, const void *data, size_t used)
{
	int ret;

	if (output->fd < 0) {
		ret = open_file(output, number);
		if (ret)
			return ret;
	}
	ret = write_frame(output, data, used);
	if (ret) {
		ret = explain(output, "write", ret);
		give_up_file(output);
		return ret;
	}
	if (output->numbered)
		return close_file(output);
	return 0;
}

int output_close(struct output *output)
{
	int ret = close_file(output);

	free(output->buffer);
	output->buffer = NULL;
	return ret;
}
