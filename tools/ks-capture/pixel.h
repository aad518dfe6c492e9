/* SPDX-License-Identifier: GPL-2.0-only */
/* Pixel formats, and how to read pictures in them. */
#ifndef PIXEL_H
#define PIXEL_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/videodev2.h>

/**
 * enum pixel_kind - what the samples of a format are
 * @PIXEL_YUV: Y, Cb and Cr
 * @PIXEL_GREY: grey, one byte each
 * @PIXEL_DEEP: grey or depth, two bytes each
 * @PIXEL_RGB: R, G and B
 * @PIXEL_JPEG: none: each picture is a file
 */
enum pixel_kind {
	PIXEL_YUV,
	PIXEL_GREY,
	PIXEL_DEEP,
	PIXEL_RGB,
	PIXEL_JPEG,
};

/**
 * struct pixel_format - where the samples of a picture lie
 * @fourcc: V4L2's code
 * @kind: what the samples are
 * @plane: the plane of each component: Y, Cb, Cr or R, G, B. Planes follow each
 *	other in memory
 * @offset: bytes before the first sample of a component in each row
 * @step: bytes from one pixel's sample to the next pixel's, in plane 0
 * @chroma_step: the same for Cb and Cr of PIXEL_YUV
 * @hshift: pixels that share a chroma sample in a row, as a power of two
 * @vshift: the same in a column
 * @bits: of PIXEL_DEEP: bits in a sample, the lower ones of its two bytes
 * @big_endian: of PIXEL_DEEP: the upper byte comes first
 */
struct pixel_format {
	__u32 fourcc;
	enum pixel_kind kind;
	__u8 plane[3];
	__u8 offset[3];
	__u8 step;
	__u8 chroma_step;
	__u8 hshift;
	__u8 vshift;
	__u8 bits;
	bool big_endian;
};

enum matrix {
	MATRIX_601,
	MATRIX_709,
	MATRIX_2020,
	MATRIX_240M,
};

/**
 * struct colours - what the samples' values mean
 * @matrix: how Y, Cb and Cr come from R, G and B
 * @full: black is 0 and white is 255; otherwise they are 16 and 235
 */
struct colours {
	enum matrix matrix;
	bool full;
};

/**
 * enum row_order - where the rows of a picture are
 * @ROWS_IN_TURN: one below the other
 * @ROWS_TOP_FIRST: rows 0, 2, 4 ..., and after all of them 1, 3, 5 ...
 * @ROWS_BOTTOM_FIRST: rows 1, 3, 5 ..., and after all of them 0, 2, 4 ...
 */
enum row_order {
	ROWS_IN_TURN,
	ROWS_TOP_FIRST,
	ROWS_BOTTOM_FIRST,
};

/**
 * struct picture - what all pictures of a capture have in common
 * @format: where the samples lie
 * @colours: what they mean
 * @width: pixels in a row
 * @height: rows
 * @stride: bytes from one row to the next in plane 0
 * @rows: in what order they lie in each plane
 */
struct picture {
	const struct pixel_format *format;
	struct colours colours;
	unsigned int width;
	unsigned int height;
	unsigned int stride;
	enum row_order rows;
};

/* A row of samples of one component */
struct samples {
	const __u8 *first;
	unsigned int step;
};

/* Coefficients in 1/65536, from samples to 8-bit R, G, B */
struct converter {
	int black;
	int luma;
	int red_cr;
	int green_cb;
	int green_cr;
	int blue_cb;
};

/* The formats that are known, best first; NULL where @index is beyond them */
const struct pixel_format *pixel_format_at(unsigned int index);
/* NULL where it is not known */
const struct pixel_format *pixel_format_find(__u32 fourcc);

/*
 * The format that has the same samples in one piece of memory as this one in several;
 * 0 where there is none
 */
__u32 pixel_in_one_piece(__u32 fourcc);

/* A code as text: up to 4 characters, and "-BE" for big-endian ones */
#define FOURCC_TEXT 8
const char *fourcc_text(__u32 fourcc, char text[FOURCC_TEXT]);
/* From text, by V4L2's code or by some well-known other names; 0 if wrong */
__u32 fourcc_parse(const char *text);

/* From what V4L2 reports; where that is "default", by V4L2's rules but for GREY */
struct colours colours_of(enum pixel_kind kind, __u32 colorspace, __u32 ycbcr_enc,
			  __u32 quantization);

/* Whether rows fit into the stride */
bool picture_is_sane(const struct picture *picture);
/* The least number of bytes that hold a whole picture */
size_t picture_bytes(const struct picture *picture);
unsigned int picture_component_width(const struct picture *picture, int component);
unsigned int picture_component_height(const struct picture *picture, int component);
/* Row @y of a component, counted in the component's own rows */
struct samples picture_samples(const struct picture *picture, const __u8 *data,
			       int component, unsigned int y);
/* Whether a component lies in memory without gaps */
bool picture_is_dense(const struct picture *picture, int component);

struct converter converter_for(const struct picture *picture);
/* Row @y as R, G, B bytes */
void picture_row_rgb(const struct picture *picture, const struct converter *converter,
		     const __u8 *data, unsigned int y, __u8 *rgb);
/* Row @y as grey bytes, of PIXEL_GREY pictures */
void picture_row_grey(const struct picture *picture, const struct converter *converter,
		      const __u8 *data, unsigned int y, __u8 *grey);

/* Row @y as 16-bit big-endian samples of PIXEL_DEEP pictures; white has all bits set */
void picture_row_deep(const struct picture *picture, const __u8 *data, unsigned int y,
		      __u8 *deep);

#endif /* PIXEL_H */
