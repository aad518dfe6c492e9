/* SPDX-License-Identifier: GPL-2.0-only */
/* Where frames are written to, and in what form. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "device.h"
#include "options.h"
#include "pixel.h"

#define Y4M_HEADER_MAX 128

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
 * Neither opens a file: the first frame does. Returns an exit status, having
 * said what is wrong.
 */
int output_init(struct output *output, const struct options *options,
		const struct device *device);

/*
 * Write a frame straight from where it is mapped. Returns 0; -EPIPE where the
 * reader of the output has gone, of which nothing is said; and another negative
 * value having said what is wrong.
 */
int output_frame(struct output *output, unsigned long number, const void *data, size_t used);

/* Finish the file that is open. Returns as output_frame() does */
int output_close(struct output *output);

/* The first line of a y4m film, without what ends it */
void y4m_header(char header[Y4M_HEADER_MAX], const struct picture *picture, __u32 field,
		struct rate rate, struct v4l2_fract aspect);
/* Bytes of a y4m film's frame */
size_t y4m_bytes(const struct picture *picture);
/* Put a component's samples one after the other */
void y4m_plane(const struct picture *picture, const __u8 *data, int component, __u8 *plane);

#endif /* OUTPUT_H */
