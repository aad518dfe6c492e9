// SPDX-License-Identifier: GPL-2.0-only
/*
 * Markers of JPEG (ITU-T T.81, annex B), and its typical Huffman tables (annex K.3), which
 * many cameras omit in MJPEG.
 */
#include <stdbool.h>
#include <string.h>

#include "jpeg.h"
#include "say.h"

enum marker {
	SOF0 = 0xc0,
	SOF1 = 0xc1,
	DHT = 0xc4,
	JPG = 0xc8,
	DAC = 0xcc,
	SOF15 = 0xcf,
	RST0 = 0xd0,
	RST7 = 0xd7,
	SOI = 0xd8,
	EOI = 0xd9,
	SOS = 0xda,
	DQT = 0xdb,
	TEM = 0x01,
};

/* Maximum number of tables of a class, and number of typical tables of a class */
#define TABLES 4
#define STANDARD_TABLES 2

/**
 * struct look - state of the parser
 * @data: the picture
 * @size: number of bytes of the picture
 * @at: current position
 * @frame: SOF* marker of the picture; 0 if there was none yet
 * @scans: number of scans so far
 * @quantized: there was a quantization table
 * @first_table: position of the first Huffman table or scan
 * @tables: which Huffman tables the picture has: DC, AC
 * @jpeg: the result
 */
struct look {
	const __u8 *data;
	size_t size;
	size_t at;
	unsigned int frame;
	unsigned int scans;
	bool quantized;
	size_t first_table;
	bool tables[2][TABLES];
	struct jpeg jpeg;
};

static const char cut[] = "it is truncated";
static const char garbage[] = "it has other data in place of a marker";

/* A Huffman table: number of codes with 1, 2, 3 ... 16 bits, and their values, in order */
struct table {
	__u8 lengths[16];
	__u8 values[162];
};

static const struct table dc_tables[STANDARD_TABLES] = {
	{
		{ 0, 1, 5, 1, 1, 1, 1, 1, 1 },
		{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 },
	}, {
		{ 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
		{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 },
	},
};

/* The values of the longest codes are omitted: they are all other values, in ascending order */
static const struct table ac_tables[STANDARD_TABLES] = {
	{
		{ 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125 },
		{
			0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06,
			0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08,
			0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
			0x82,
		},
	}, {
		{ 0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119 },
		{
			0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41,
			0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91,
			0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
			0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1,
		},
	},
};

/* Valid are: up to 15 zeros and a number of 1 to 10 bits; end of block; 16 zeros */
static bool is_ac_value(unsigned int value)
{
	unsigned int bits = value & 0xf;

	return value == 0x00 || value == 0xf0 || (bits >= 1 && bits <= 10);
}

static size_t fill_ac(const struct table *table, size_t known, __u8 *values)
{
	unsigned int value;
	size_t count = known;

	memcpy(values, table->values, known);
	for (value = 0; value < 0x100; value++)
		if (is_ac_value(value) && !memchr(table->values, value, known))
			values[count++] = value;
	return count;
}

void jpeg_tables(__u8 segment[JPEG_TABLES_BYTES])
{
	static const size_t known[STANDARD_TABLES] = { 37, 43 };
	__u8 *at = segment + 4;
	size_t i;

	segment[0] = 0xff;
	segment[1] = DHT;
	segment[2] = (JPEG_TABLES_BYTES - 2) >> 8;
	segment[3] = (JPEG_TABLES_BYTES - 2) & 0xff;
	for (i = 0; i < STANDARD_TABLES; i++) {
		*at++ = i;
		memcpy(at, dc_tables[i].lengths, 16);
		memcpy(at + 16, dc_tables[i].values, 12);
		at += 16 + 12;
		*at++ = 0x10 | i;
		memcpy(at, ac_tables[i].lengths, 16);
		at += 16 + fill_ac(&ac_tables[i], known[i], at + 16);
	}
}

static unsigned int word_at(const struct look *look, size_t at)
{
	return look->data[at] << 8 | look->data[at + 1];
}

static bool is_frame(unsigned int marker)
{
	return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG &&
	       marker != DAC;
}

static bool is_restart(unsigned int marker)
{
	return marker >= RST0 && marker <= RST7;
}

static void note_place(struct look *look, size_t at)
{
	if (!look->first_table)
		look->first_table = at;
}

/* Parses a DHT segment. It has tables of class and number, 16 counts, and the values */
static const char *look_at_tables(struct look *look, size_t at, size_t end)
{
	unsigned int class, number, i, values;

	while (at < end) {
		if (end - at < 17)
			return garbage;
		class = look->data[at] >> 4;
		number = look->data[at] & 0xf;
		for (values = 0, i = 0; i < 16; i++)
			values += look->data[at + 1 + i];
		at += 17;
		if (class > 1 || number >= TABLES || values > end - at)
			return garbage;
		look->tables[class][number] = true;
		at += values;
	}
	return NULL;
}

/* Checks for the tables that a scan uses. Cameras do not omit tables of progressive pictures */
static const char *look_at_scan(struct look *look, size_t at, size_t end)
{
	unsigned int i, class, number, count = look->data[at];

	if (!look->frame)
		return "it has no frame header";
	if (!look->quantized)
		return "it has no quantization tables";
	if (end - at < 1 + 2 * count + 3)
		return garbage;
	if (look->frame > SOF1)
		return NULL;
	for (i = 0; i < count; i++) {
		for (class = 0; class < 2; class++) {
			number = look->data[at + 2 + 2 * i] >> (class ? 0 : 4) & 0xf;
			if (number < TABLES && look->tables[class][number])
				continue;
			if (number >= STANDARD_TABLES)
				return "it has no Huffman tables";
			look->jpeg.tables_at = look->first_table;
		}
	}
	return NULL;
}

/* Skips compressed data up to the next marker that is not a restart marker */
static const char *pass_scan(struct look *look)
{
	unsigned int next, restart = 0;
	const __u8 *found;

	for (;;) {
		found = memchr(look->data + look->at, 0xff, look->size - look->at);
		if (!found)
			return cut;
		look->at = found - look->data;
		if (look->at + 1 >= look->size)
			return cut;
		next = look->data[look->at + 1];
		if (is_restart(next)) {
			if (next - RST0 != restart)
				return "a part is missing: its restart markers are not in order";
			restart = (restart + 1) % 8;
		} else if (next && next != 0xff) {
			return NULL;
		}
		/* A marker can have fill bytes 0xff; it begins at the last 0xff */
		look->at += next == 0xff ? 1 : 2;
	}
}

static const char *look_at_segment(struct look *look, unsigned int marker, size_t begins)
{
	const char *damage = NULL;
	size_t end, at = look->at + 2;

	if (look->size - look->at < 2)
		return cut;
	if (word_at(look, look->at) < 2)
		return garbage;
	end = look->at + word_at(look, look->at);
	if (end > look->size)
		return cut;
	look->at = end;
	if (marker == DHT) {
		note_place(look, begins);
		damage = look_at_tables(look, at, end);
	} else if (marker == SOS) {
		note_place(look, begins);
		damage = end > at ? look_at_scan(look, at, end) : garbage;
		look->scans++;
		if (!damage)
			damage = pass_scan(look);
	} else if (marker == DQT) {
		look->quantized = true;
	} else if (is_frame(marker)) {
		look->frame = marker;
	}
	return damage;
}

/* Parses the next marker and its segment. Sets @ends at the end of the picture */
static const char *look_at_marker(struct look *look, bool *ends)
{
	size_t begins = look->at;
	unsigned int marker;

	if (look->at >= look->size)
		return cut;
	if (look->data[look->at] != 0xff)
		return garbage;
	while (look->at < look->size && look->data[look->at] == 0xff)
		look->at++;
	if (look->at >= look->size)
		return cut;
	marker = look->data[look->at++];
	switch (marker) {
	case EOI:
		*ends = true;
		return look->scans ? NULL : "it contains no picture";
	case SOI:
		return "its end is missing, and another picture begins";
	case 0:
	case TEM:
		return garbage;
	default:
		return is_restart(marker) ? garbage : look_at_segment(look, marker, begins);
	}
}

struct jpeg jpeg_look(const __u8 *data, size_t size)
{
	struct look look = { .data = data, .size = size, .at = 2 };
	bool ends = false;

	if (size < 2 || data[0] != 0xff || data[1] != SOI)
		look.jpeg.damage = "it does not begin as a JPEG picture";
	while (!look.jpeg.damage && !ends)
		look.jpeg.damage = look_at_marker(&look, &ends);
	return look.jpeg;
}
