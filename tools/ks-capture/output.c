// SPDX-License-Identifier: GPL-2.0-only
/*
 * Output. Raw frames, and y4m planes with the right layout, are written directly from the
 * mapping. PNG is made row by row.
 *
 * A file contains only complete frames or does not exist: incomplete data are cut off or
 * the file is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jpeg.h"
#include "output.h"
#include "pngfile.h"
#include "say.h"
#include "write.h"
#include "y4m.h"

/* Prepares the conversion of the pictures */
static int make_room(struct output *output)
{
	const struct picture *picture = &output->device->picture;
	size_t bytes = 0;

	free(output->buffer);
	output->buffer = NULL;
	output->first = *output->device;
	if (output->kind == OUTPUT_PNG) {
		output->converter = converter_for(picture);
		bytes = 3 * (size_t)picture->width;
	} else if (output->kind == OUTPUT_Y4M) {
		bytes = y4m_bytes(picture);
	}
	if (!bytes)
		return STATUS_OK;
	output->buffer = malloc(bytes);
	if (output->buffer)
		return STATUS_OK;
	say_error("there is not enough memory to convert a frame of %ux%u", picture->width,
		  picture->height);
	say_advice("-F raw needs none; or choose a smaller size with -s.");
	return STATUS_FAILED;
}

int output_init(struct output *output, const struct options *options,
		const struct device *device)
{
	*output = (struct output) {
		.kind = options->kind,
		.name = options->output,
		.numbered = options->output && pattern_check(options->output) == 1,
		.device = device,
		.every = options->save.every ? options->save.every : 1,
		.fd = -1,
	};
	return make_room(output);
}

static bool same_pictures(const struct picture *a, const struct picture *b)
{
	return a->format == b->format && a->width == b->width && a->height == b->height &&
	       a->stride == b->stride && a->rows == b->rows &&
	       a->colours.matrix == b->colours.matrix && a->colours.full == b->colours.full;
}

/* A video has only one header, so size, rate and format must not change */
static bool same_video(const struct device *a, const struct device *b)
{
	return a->field == b->field && a->rate.num == b->rate.num && a->rate.den == b->rate.den &&
	       a->aspect.numerator == b->aspect.numerator &&
	       a->aspect.denominator == b->aspect.denominator;
}

int output_change(struct output *output)
{
	const struct picture *is = &output->device->picture, *was = &output->first.picture;

	/* Each frame has its own file, or no frame was written yet */
	if (output->fd < 0 || output->kind == OUTPUT_JPEG)
		return make_room(output);
	if (same_pictures(was, is) &&
	    (output->kind != OUTPUT_Y4M || same_video(&output->first, output->device)))
		return STATUS_OK;
	say_error("%s cannot contain the new pictures of the source, %ux%u after %ux%u",
		  output->path, is->width, is->height, was->width, was->height);
	say_advice("One file for each frame can, with %%04d in the name: -o 'shot-%%04d.png'.");
	return STATUS_FAILED;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int explain(const struct output *output, const char *what, int err)
{
	if (err == -EPIPE)
		return err;
	if (err == -EINTR) {
		say_note("nobody reads from %s", output->path);
		return err;
	}
	say_error("cannot %s %s: %s", what, output->path, strerror(-err));
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
		say_advice("Its directory does not exist: mkdir creates one.");
		break;
	case -EACCES:
	case -EPERM:
	case -EROFS:
		say_advice("You have no permission for this directory. Use another one: -o /tmp/%s",
			   base_of(output->name));
		break;
	case -ENOSPC:
	case -EDQUOT:
		say_advice("The disk is full. --every or --save write fewer frames.");
		break;
	case -EFBIG:
		say_advice("The file size limit is reached (ulimit -f). --every or --save write");
		say_advice("fewer frames; with %%04d in the name, each frame has its own file.");
		break;
	default:
		say_advice("Choose another name or directory with -o.");
	}
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

/*
 * Opening a pipe waits for its reader. Frames that the device fills meanwhile would be old.
 */
int output_open_pipe(struct output *output)
{
	struct stat st;
	int ret;

	if (!output->name || output->numbered || stat(output->name, &st) ||
	    !S_ISFIFO(st.st_mode))
		return STATUS_OK;
	ret = open_file(output, 0);
	if (!ret)
		return STATUS_OK;
	return ret == -EINTR ? STATUS_EARLY : STATUS_FAILED;
}

/* Cuts off an incomplete frame; removes a file without complete frames */
static void drop_rest(struct output *output)
{
	struct stat st;

	if (output->fd == STDOUT_FILENO || fstat(output->fd, &st) || !S_ISREG(st.st_mode))
		return;
	if (!output->good_bytes)
		unlink(output->path);
	else if (ftruncate(output->fd, output->good_bytes))
		say_advice("The last frame in %s is incomplete.", output->path);
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

/* Inserts the Huffman tables into a JPEG picture if the camera omitted them */
static int write_jpeg(struct output *output, const __u8 *data, size_t *size)
{
	size_t at = jpeg_look(data, *size).tables_at;
	__u8 tables[JPEG_TABLES_BYTES];
	struct iovec vector[] = {
		{ (void *)data, at },
		{ tables, sizeof(tables) },
		{ (void *)(data + at), *size - at },
	};

	if (!at)
		return write_all(output->fd, data, *size);
	jpeg_tables(tables);
	*size += sizeof(tables);
	return write_vector(output->fd, vector, ARRAY_SIZE(vector));
}

static int write_raw(struct output *output, const struct ks_stream_plane *planes,
		     unsigned int count, size_t *size)
{
	struct iovec vector[KSALLOC_MAX_PLANES];
	unsigned int i;

	for (*size = 0, i = 0; i < count; i++) {
		vector[i] = (struct iovec) { planes[i].data, planes[i].used };
		*size += planes[i].used;
	}
	return write_vector(output->fd, vector, (int)count);
}

/* The format has as many planes as the frame, unless the frame has only one */
static struct image image_of(const struct picture *picture, const struct ks_stream_plane *planes,
			     unsigned int count)
{
	struct image image = { { NULL, NULL, NULL } };
	unsigned int i;

	if (count == 1)
		return picture_in_one_piece(picture, planes[0].data);
	for (i = 0; i < count && i < ARRAY_SIZE(image.plane); i++)
		image.plane[i] = planes[i].data;
	return image;
}

static int write_frame(struct output *output, const struct ks_stream_plane *planes,
		       unsigned int count)
{
	const struct picture *picture = &output->device->picture;
	unsigned long long before = output->good_bytes;
	size_t used = planes[0].used;
	struct image image;
	int ret;

	switch (output->kind) {
	case OUTPUT_PNG:
		image = image_of(picture, planes, count);
		ret = pngfile_write(output, &image);
		break;
	case OUTPUT_Y4M:
		image = image_of(picture, planes, count);
		ret = y4m_write(output, &image);
		used = y4m_bytes(picture);
		break;
	case OUTPUT_JPEG:
		ret = write_jpeg(output, planes[0].data, &used);
		break;
	default:
		ret = write_raw(output, planes, count, &used);
	}
	if (ret)
		output->good_bytes = before;
	else
		output->good_bytes += used;
	return ret;
}

int output_frame(struct output *output, unsigned long number,
		 const struct ks_stream_plane *planes, unsigned int count)
{
	int ret;

	if (output->fd < 0) {
		ret = open_file(output, number);
		if (ret)
			return ret;
	}
	ret = write_frame(output, planes, count);
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
