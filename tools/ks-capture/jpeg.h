/* SPDX-License-Identifier: GPL-2.0-only */
/* JPEG pictures as cameras make them: whether they are whole, and what they lack. */
#ifndef JPEG_H
#define JPEG_H

#include <stddef.h>

#include <linux/types.h>

/**
 * struct jpeg - what a picture is like
 * @damage: what is wrong with it, as half a sentence; NULL for nothing
 * @tables_at: where the standard's Huffman tables have to be put in; 0 for nowhere
 */
struct jpeg {
	const char *damage;
	size_t tables_at;
};

/*
 * Look at the markers of a picture, from the first to the last. What is lost between two
 * markers without a trace is not seen.
 */
struct jpeg jpeg_look(const __u8 *data, size_t size);

/* The standard's Huffman tables, as one segment */
#define JPEG_TABLES_BYTES 420
void jpeg_tables(__u8 segment[JPEG_TABLES_BYTES]);

#endif /* JPEG_H */
