/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pictures of the camera tell of themselves.
 *
 * Each picture has a struct picture_label: a raw one in place of its first pixels, a
 * JPEG one as the comment that follows its first marker. So whoever gets a picture can
 * see which one it is, and whether all of it is there and right.
 */
#ifndef UVC_PICTURE_H
#define UVC_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_MAGIC 0x5655534b /* "KSUV" */

/**
 * struct picture_label - the label of a picture, little endian
 * @magic: PICTURE_MAGIC
 * @counter: number of the picture; the first one has 1
 * @bytes: of the whole picture
 * @sum: of all whole 32-bit words that follow the label
 */
struct picture_label {
	uint32_t magic;
	uint32_t counter;
	uint32_t bytes;
	uint32_t sum;
};

/* Where the label is in a JPEG picture: after the markers SOI and COM */
#define PICTURE_LABEL_JPEG 6

void picture_put_label(uint8_t *data, size_t bytes, uint32_t counter);
/*
 * Which picture this is; 0 if it is not a whole one. @why, if not NULL, is then set to
 * what is wrong.
 */
uint32_t picture_check(const uint8_t *data, size_t bytes, const char **why);
/* The number on the label, whatever the rest is; 0 without a label */
uint32_t picture_counter(const uint8_t *data, size_t bytes);
bool picture_is_jpeg(const uint8_t *data, size_t bytes);
/* Whether a JPEG picture has a segment with this marker */
bool picture_has_segment(const uint8_t *data, size_t bytes, uint8_t marker);

#endif
