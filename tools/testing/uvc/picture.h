/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Labels in the pictures of the camera.
 *
 * Each picture has a struct picture_label. In a raw picture it replaces the first pixels,
 * in a JPEG picture it is the comment after the first marker. It identifies the picture and
 * shows whether the picture is complete and correct.
 */
#ifndef UVC_PICTURE_H
#define UVC_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_MAGIC 0x5655534b /* "KSUV" */

/**
 * struct picture_label - label of a picture, little endian
 * @magic: PICTURE_MAGIC
 * @counter: number of the picture; the first one has 1
 * @bytes: size of the whole picture
 * @sum: sum of all whole 32-bit words after the label
 */
struct picture_label {
	uint32_t magic;
	uint32_t counter;
	uint32_t bytes;
	uint32_t sum;
};

/* Offset of the label in a JPEG picture: after the markers SOI and COM */
#define PICTURE_LABEL_JPEG 6

void picture_put_label(uint8_t *data, size_t bytes, uint32_t counter);
/*
 * Returns the number of the picture; 0 if it is not complete and correct. Then @why, if not
 * NULL, is set to the reason.
 */
uint32_t picture_check(const uint8_t *data, size_t bytes, const char **why);
/* The number on the label, even if the picture is wrong; 0 without a label */
uint32_t picture_counter(const uint8_t *data, size_t bytes);
bool picture_is_jpeg(const uint8_t *data, size_t bytes);
/* Whether a JPEG picture has a segment with this marker */
bool picture_has_segment(const uint8_t *data, size_t bytes, uint8_t marker);

#endif
