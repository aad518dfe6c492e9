/* SPDX-License-Identifier: GPL-2.0-only */
/* Output of frames to files. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <ks/ks.h>

#include "device.h"
#include "options.h"
#include "pixel.h"

/**
 * struct output - an output: one file, or a file for each frame
 * @kind: kind of output
 * @name: name of the file, or pattern of names
 * @numbered: the name contains a number
 * @device: properties of the frames
 * @first: properties of the first frames; all frames of a file have the same
 * @every: interval of written frames, for the rate of a video
 * @fd: the file that is open, or -1
 * @path: its name
 * @good_bytes: bytes of complete frames in it
 * @converter: from samples to R, G, B
 * @buffer: one row for PNG, one frame for y4m
 */
struct output {
	enum output_kind kind;
	const char *name;
	bool numbered;
	const struct device *device;
	struct device first;
	unsigned long every;
	int fd;
	char path[4096];
	unsigned long long good_bytes;
	struct converter converter;
	__u8 *buffer;
};

/* Opens no file; the first frame does. Returns an exit status, and prints errors. */
int output_init(struct output *output, const struct options *options,
		const struct device *device);

/*
 * The pictures of the device have changed. Returns an exit status, and prints an error if
 * the output cannot contain them.
 */
int output_change(struct output *output);

/* Opens the output now if it is a named pipe. Returns the same as output_init() */
int output_open_pipe(struct output *output);

/*
 * Writes a frame directly from the mappings of its memory planes. Returns 0; -EPIPE without a
 * message if the reader of the output has closed it; another negative value after printing an
 * error.
 */
int output_frame(struct output *output, unsigned long number,
		 const struct ks_stream_plane *planes, unsigned int count);

/* Finishes the open file. Returns the same as output_frame() */
int output_close(struct output *output);

#endif /* OUTPUT_H */
