/* SPDX-License-Identifier: GPL-2.0-only */
/* Where frames are written to, and in what form. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "device.h"
#include "options.h"
#include "pixel.h"

/**
 * struct output - an output, be it one file or a file for each frame
 * @kind: what is written
 * @name: name of the file, or pattern of names
 * @numbered: the name has a number in it
 * @device: what the frames are like
 * @every: every how many-th frame is written, for the rate that a film has
 * @fd: the file that is open, or -1
 * @path: its name
 * @good_bytes: how far it has whole frames in it
 * @converter: from samples to R, G, B
 * @buffer: one row for PNG, one frame for y4m
 */
struct output {
	enum output_kind kind;
	const char *name;
	bool numbered;
	const struct device *device;
	unsigned long every;
	int fd;
	char path[4096];
	unsigned long long good_bytes;
	struct converter converter;
	__u8 *buffer;
};

/*
 * Opens no file: the first frame does. Returns an exit status, having said what is
 * wrong.
 */
int output_init(struct output *output, const struct options *options,
		const struct device *device);

/* Open the output now, if it is a named pipe. Returns as output_init() does */
int output_open_pipe(struct output *output);

/*
 * Write a frame straight from where it is mapped. Returns 0; -EPIPE where the
 * reader of the output has gone, of which nothing is said; and another negative
 * value having said what is wrong.
 */
int output_frame(struct output *output, unsigned long number, const void *data, size_t used);

/* Finish the file that is open. Returns as output_frame() does */
int output_close(struct output *output);

#endif /* OUTPUT_H */
