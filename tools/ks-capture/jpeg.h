/* SPDX-License-Identifier: GPL-2.0-only */
/* JPEG pictures of cameras: detection of damage and of missing Huffman tables. */
#ifndef JPEG_H
#define JPEG_H

#include <stddef.h>

#include <linux/types.h>

/**
 * struct jpeg - properties of a picture
 * @damage: text that describes the damage; NULL if there is none
 * @tables_at: position at which the typical Huffman tables must be inserted; 0 for none
 */
struct jpeg {
	const char *damage;
	size_t tables_at;
};

/*
 * Checks the markers of a picture. Does not decode the compressed data, so damage between two
 * markers is not detected.
 */
struct jpeg jpeg_look(const __u8 *data, size_t size);

/* Stores the typical Huffman tables as a DHT segment */
#define JPEG_TABLES_BYTES 420
void jpeg_tables(__u8 segment[JPEG_TABLES_BYTES]);

#endif /* JPEG_H */
