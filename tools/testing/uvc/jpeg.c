// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compressed pictures: baseline JPEG with 4:2:2 sampling.
 *
 * Each block is a cell of one colour, so it has only a DC coefficient. The Huffman codes
 * are those of annex K of the standard. The tables in the picture end after the codes that
 * are used. Codes are assigned from the beginning of a table, so these codes are the same.
 * If a camera omits the tables, the reader must know annex K.
 */
#include "camera.h"

#include <string.h>

enum {
	SOF0 = 0xc0,
	DHT = 0xc4,
	SOI = 0xd8,
	EOI = 0xd9,
	SOS = 0xda,
	DQT = 0xdb,
	COM = 0xfe,
};

/* The DC coefficient is eight times the value, divided by this */
#define QUANTUM 8

/* Codes of annex K for the number of bits of a difference, and for the end of a block */
struct huffman {
	struct {
		uint8_t length;
		uint16_t code;
	} bits[12], end;
};

static const struct huffman huffman[] = {
	{
		.bits = {
			{ 2, 0x0 }, { 3, 0x2 }, { 3, 0x3 }, { 3, 0x4 },
			{ 3, 0x5 }, { 3, 0x6 }, { 4, 0xe }, { 5, 0x1e },
			{ 6, 0x3e }, { 7, 0x7e }, { 8, 0xfe }, { 9, 0x1fe },
		},
		.end = { 4, 0xa },
	}, {
		.bits = {
			{ 2, 0x0 }, { 2, 0x1 }, { 2, 0x2 }, { 3, 0x6 },
			{ 4, 0xe }, { 5, 0x1e }, { 6, 0x3e }, { 7, 0x7e },
			{ 8, 0xfe }, { 9, 0x1fe }, { 10, 0x3fe }, { 11, 0x7fe },
		},
		.end = { 2, 0x0 },
	},
};

/* A table as in a segment: class and number, number of codes of each length, values */
static const uint8_t huffman_tables[] = {
	0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
	0x01, 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
	0x10, 0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0x01, 0x02, 0x03, 0x00,
	0x11, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0x00,
};

struct writer {
	uint8_t *at;
	uint32_t bits;
	unsigned int count;
};

static void put_byte(struct writer *writer, unsigned int value)
{
	*writer->at++ = value;
}

static void put_word(struct writer *writer, unsigned int value)
{
	put_byte(writer, value >> 8);
	put_byte(writer, value);
}

static void put_marker(struct writer *writer, unsigned int marker)
{
	put_byte(writer, 0xff);
	put_byte(writer, marker);
}

static void put_segment(struct writer *writer, unsigned int marker, unsigned int bytes)
{
	put_marker(writer, marker);
	put_word(writer, bytes + 2);
}

static void put_bits(struct writer *writer, unsigned int value, unsigned int count)
{
	writer->bits = writer->bits << count | (value & ((1U << count) - 1));
	writer->count += count;
	while (writer->count >= 8) {
		writer->count -= 8;
		put_byte(writer, writer->bits >> writer->count);
		if (writer->at[-1] == 0xff)
			put_byte(writer, 0);
	}
}

/* One block; @previous is the value of the block before it of the same component */
static void put_block(struct writer *writer, const struct huffman *table, uint8_t value,
		      uint8_t *previous)
{
	int difference = value - *previous;
	unsigned int magnitude = difference < 0 ? -difference : difference;
	unsigned int bits = magnitude ? 32 - __builtin_clz(magnitude) : 0;

	put_bits(writer, table->bits[bits].code, table->bits[bits].length);
	if (bits)
		put_bits(writer, difference < 0 ? difference - 1 : difference, bits);
	put_bits(writer, table->end.code, table->end.length);
	*previous = value;
}

static void put_scan(struct writer *writer, const struct size *size,
		     const struct cell *cells)
{
	unsigned int pairs = cells_wide(size) * cells_high(size) / 2;
	uint8_t y = 128, cb = 128, cr = 128;

	for (; pairs--; cells += 2) {
		put_block(writer, &huffman[0], cells[0].y, &y);
		put_block(writer, &huffman[0], cells[1].y, &y);
		put_block(writer, &huffman[1], cells[0].cb, &cb);
		put_block(writer, &huffman[1], cells[0].cr, &cr);
	}
	/* Pads to a whole byte with ones */
	put_bits(writer, 0x7f, 7);
	writer->count = 0;
}

static void put_quantization(struct writer *writer)
{
	unsigned int i;

	put_segment(writer, DQT, 65);
	put_byte(writer, 0);
	for (i = 0; i < 64; i++)
		put_byte(writer, QUANTUM);
}

static void put_frame_header(struct writer *writer, const struct size *size)
{
	unsigned int i;

	put_segment(writer, SOF0, 15);
	put_byte(writer, 8);
	put_word(writer, size->height);
	put_word(writer, size->width);
	put_byte(writer, 3);
	for (i = 1; i <= 3; i++) {
		put_byte(writer, i);
		put_byte(writer, i == 1 ? 0x21 : 0x11);
		put_byte(writer, 0);
	}
}

static void put_scan_header(struct writer *writer)
{
	unsigned int i;

	put_segment(writer, SOS, 10);
	put_byte(writer, 3);
	for (i = 1; i <= 3; i++) {
		put_byte(writer, i);
		put_byte(writer, i == 1 ? 0x00 : 0x11);
	}
	put_byte(writer, 0);
	put_byte(writer, 63);
	put_byte(writer, 0);
}

/* @padding: number of bytes after the label, so that sizes vary as those of real pictures */
size_t jpeg_encode(uint8_t *out, const struct size *size, const struct cell *cells,
		   unsigned int padding, bool tables)
{
	struct writer writer = { .at = out };

	put_marker(&writer, SOI);
	put_segment(&writer, COM, 16 + padding);
	memset(writer.at, ' ', 16 + padding);
	writer.at += 16 + padding;
	put_quantization(&writer);
	put_frame_header(&writer, size);
	if (tables) {
		put_segment(&writer, DHT, sizeof(huffman_tables));
		memcpy(writer.at, huffman_tables, sizeof(huffman_tables));
		writer.at += sizeof(huffman_tables);
	}
	put_scan_header(&writer);
	put_scan(&writer, size, cells);
	put_marker(&writer, EOI);
	return writer.at - out;
}
