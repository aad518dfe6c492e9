/* SPDX-License-Identifier: GPL-2.0-only */
/* Pixel formats, and access to pictures in them. */
#ifndef PIXEL_H
#define PIXEL_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/videodev2.h>

/**
 * enum pixel_kind - kind of the samples of a format
 * @PIXEL_YUV: Y, Cb and Cr
 * @PIXEL_GREY: grey, one byte each
 * @PIXEL_DEEP: grey or depth, two bytes each
 * @PIXEL_RGB: R, G and B
 * @PIXEL_JPEG: none: each picture is a compressed file
 */
enum pixel_kind {
	PIXEL_YUV,
	PIXEL_GREY,
	PIXEL_DEEP,
	PIXEL_RGB,
	PIXEL_JPEG,
};

/**
 * struct pixel_format - layout of the samples of a picture
 * @fourcc: code of V4L2
 * @kind: kind of the samples
 * @plane: the plane of each component: Y, Cb, Cr or R, G, B
 * @offset: bytes before the first sample of a component in each row
 * @step: bytes from the sample of a pixel to that of the next pixel, in plane 0
 * @chroma_step: the same for Cb and Cr of PIXEL_YUV
 * @hshift: log2 of the number of pixels in a row that share a chroma sample
 * @vshift: the same in a column
 * @bits: for PIXEL_DEEP: number of bits of a sample, in the low bits of its two bytes
 * @big_endian: for PIXEL_DEEP: the high byte comes first
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
 * struct colours - meaning of the sample values
 * @matrix: conversion of R, G and B to Y, Cb and Cr
 * @full: full range: black is 0 and white is 255. Otherwise they are 16 and 235
 */
struct colours {
	enum matrix matrix;
	bool full;
};

/**
 * enum row_order - order of the rows of a picture in memory
 * @ROWS_IN_TURN: in order
 * @ROWS_TOP_FIRST: rows 0, 2, 4 ..., followed by rows 1, 3, 5 ...
 * @ROWS_BOTTOM_FIRST: rows 1, 3, 5 ..., followed by rows 0, 2, 4 ...
 */
enum row_order {
	ROWS_IN_TURN,
	ROWS_TOP_FIRST,
	ROWS_BOTTOM_FIRST,
};

/**
 * struct picture - common properties of all pictures of a capture
 * @format: layout of the samples
 * @colours: meaning of the samples
 * @width: pixels per row
 * @height: number of rows
 * @stride: bytes from one row to the next in plane 0
 * @strides: the same in plane 1 and 2, if they are separate; 0 if they follow from @stride
 * @rows: order of the rows in each plane
 */
struct picture {
	const struct pixel_format *format;
	struct colours colours;
	unsigned int width;
	unsigned int height;
	unsigned int stride;
	unsigned int strides[2];
	enum row_order rows;
};

/**
 * struct image - where a picture is in memory
 * @plane: address of each plane of its format
 */
struct image {
	const __u8 *plane[3];
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

/* The known formats, best first; NULL if @index is too large */
const struct pixel_format *pixel_format_at(unsigned int index);
/* NULL if it is unknown. Formats with separate planes are found as those with one piece */
const struct pixel_format *pixel_format_find(__u32 fourcc);

/* The format with the same samples in one memory plane; 0 if there is none */
__u32 pixel_in_one_piece(__u32 fourcc);
/* Number of memory planes of a known format */
unsigned int pixel_memory_planes(__u32 fourcc);

/* A code as text: up to 4 characters, and "-BE" for big-endian formats */
#define FOURCC_TEXT 8
const char *fourcc_text(__u32 fourcc, char text[FOURCC_TEXT]);
/* Parses a code of V4L2, or some well-known other names; 0 if it is unknown */
__u32 fourcc_parse(const char *text);

/* From the values of V4L2. "Default" values follow the rules of V4L2, except for GREY */
struct colours colours_of(enum pixel_kind kind, __u32 colorspace, __u32 ycbcr_enc,
			  __u32 quantization);

/* Whether the rows fit into the stride */
bool picture_is_sane(const struct picture *picture);
/* Minimum number of bytes of a whole picture in one piece */
size_t picture_bytes(const struct picture *picture);
/* The same of one separate plane */
size_t picture_plane_bytes(const struct picture *picture, unsigned int plane);
/* A picture in one piece: the planes are consecutive */
struct image picture_in_one_piece(const struct picture *picture, const __u8 *data);
unsigned int picture_component_width(const struct picture *picture, int component);
unsigned int picture_component_height(const struct picture *picture, int component);
/* Row @y of a component, counted in rows of that component */
struct samples picture_samples(const struct picture *picture, const struct image *image,
			       int component, unsigned int y);
/* Whether a component is contiguous in memory */
bool picture_is_dense(const struct picture *picture, int component);

struct converter converter_for(const struct picture *picture);
/* Row @y as R, G, B bytes */
void picture_row_rgb(const struct picture *picture, const struct converter *converter,
		     const struct image *image, unsigned int y, __u8 *rgb);
/* Row @y of a PIXEL_GREY picture as grey bytes */
void picture_row_grey(const struct picture *picture, const struct converter *converter,
		      const struct image *image, unsigned int y, __u8 *grey);

/* Row @y of a PIXEL_DEEP picture as 16-bit big-endian samples; white has all bits set */
void picture_row_deep(const struct picture *picture, const struct image *image, unsigned int y,
		      __u8 *deep);

#endif /* PIXEL_H */
