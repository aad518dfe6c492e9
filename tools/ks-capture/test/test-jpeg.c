// SPDX-License-Identifier: GPL-2.0-only
/* JPEG pictures: detection of damage, and tables that cameras omit. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../jpeg.h"
#include "../say.h"
#include "camera.h"
#include "tests.h"

/*
 * A picture of 24x16 pixels as cameras make it: baseline, 4:2:2, a restart marker after each of
 * its four units, and no Huffman tables.
 */
static const __u8 picture[] = {
	0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x00,
	0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x14, 0x0e, 0x0f,
	0x12, 0x0f, 0x0d, 0x14, 0x12, 0x10, 0x12, 0x17, 0x15, 0x14, 0x18, 0x1e, 0x32, 0x21,
	0x1e, 0x1c, 0x1c, 0x1e, 0x3d, 0x2c, 0x2e, 0x24, 0x32, 0x49, 0x40, 0x4c, 0x4b, 0x47,
	0x40, 0x46, 0x45, 0x50, 0x5a, 0x73, 0x62, 0x50, 0x55, 0x6d, 0x56, 0x45, 0x46, 0x64,
	0x88, 0x65, 0x6d, 0x77, 0x7b, 0x81, 0x82, 0x81, 0x4e, 0x60, 0x8d, 0x97, 0x8c, 0x7d,
	0x96, 0x73, 0x7e, 0x81, 0x7c, 0xff, 0xdb, 0x00, 0x43, 0x01, 0x15, 0x17, 0x17, 0x1e,
	0x1a, 0x1e, 0x3b, 0x21, 0x21, 0x3b, 0x7c, 0x53, 0x46, 0x53, 0x7c, 0x7c, 0x7c, 0x7c,
	0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c,
	0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c,
	0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c, 0x7c,
	0x7c, 0x7c, 0x7c, 0x7c, 0xff, 0xc0, 0x00, 0x11, 0x08, 0x00, 0x10, 0x00, 0x18, 0x03,
	0x01, 0x21, 0x00, 0x02, 0x11, 0x01, 0x03, 0x11, 0x01, 0xff, 0xdd, 0x00, 0x04, 0x00,
	0x01, 0xff, 0xda, 0x00, 0x0c, 0x03, 0x01, 0x00, 0x02, 0x11, 0x03, 0x11, 0x00, 0x3f,
	0x00, 0xc3, 0x8e, 0xd3, 0xc9, 0xed, 0x9c, 0xd5, 0x98, 0xed, 0x3c, 0x9e, 0xd9, 0xcd,
	0x7a, 0x13, 0xa9, 0xec, 0x7c, 0xfd, 0x9f, 0xe3, 0xcd, 0xf9, 0x5b, 0xe6, 0x56, 0x1e,
	0xad, 0xfe, 0x67, 0xff, 0xd0, 0xad, 0x1d, 0xa7, 0x93, 0xdb, 0x39, 0xa2, 0xb7, 0x78,
	0xdf, 0xaa, 0xbf, 0x63, 0x6b, 0xdb, 0xaf, 0xe2, 0x7b, 0x94, 0xea, 0x73, 0x46, 0xe7,
	0xff, 0xd1, 0x23, 0xb4, 0xf2, 0x7b, 0x67, 0x35, 0x6a, 0x3b, 0x4f, 0x27, 0xb6, 0x73,
	0x4e, 0x75, 0x3d, 0x8f, 0x9f, 0xb3, 0xfc, 0x79, 0xbf, 0x2b, 0x7c, 0xcf, 0x37, 0x0f,
	0x56, 0xff, 0x00, 0x33, 0xff, 0xd2, 0xd3, 0x8e, 0xd3, 0xc9, 0xed, 0x9c, 0xd1, 0x5c,
	0xef, 0x1b, 0xf5, 0x5f, 0xdc, 0xda, 0xf6, 0xeb, 0xf8, 0x9d, 0x34, 0xea, 0x73, 0x46,
	0xe7, 0xff, 0xd9,
};

/* Positions of its parts */
#define FRAME_AT 158
#define SCAN_AT 183
#define DATA_AT 197

#define SAID(text) CHECK(strstr(camera_said, text))
#define SAID_NOT(text) CHECK(!strstr(camera_said, text))

static __u8 copy[4096];

static size_t copy_picture(void)
{
	memcpy(copy, picture, sizeof(picture));
	return sizeof(picture);
}

/* Removes bytes from the copy */
static size_t cut_out(size_t size, size_t at, size_t bytes)
{
	memmove(copy + at, copy + at + bytes, size - at - bytes);
	return size - bytes;
}

static size_t put_in(size_t size, size_t at, const void *data, size_t bytes)
{
	memmove(copy + at + bytes, copy + at, size - at);
	memcpy(copy + at, data, bytes);
	return size + bytes;
}

static bool is_damaged(size_t size)
{
	return jpeg_look(copy, size).damage;
}

/* Position of the n-th restart marker */
static size_t restart_at(unsigned int n)
{
	size_t at = DATA_AT;

	while (picture[at] != 0xff || picture[at + 1] != 0xd0 + n)
		at++;
	return at;
}

void test_jpeg_damage(void)
{
	static const char comment[] = "\xff\xff\xfe\0\4hi", word[] = "hi";
	size_t size, i;

	CHECK(!jpeg_look(picture, sizeof(picture)).damage);
	/* It is truncated at any position, or has data after the end */
	for (i = 0; i < sizeof(picture); i++)
		CHECK(jpeg_look(picture, i).damage);
	size = copy_picture();
	memset(copy + size, 0, 100);
	CHECK(!is_damaged(size + 100));
	memset(copy + size - 2, 0, 2);
	CHECK(is_damaged(size + 100));
	/* Another picture begins before the end */
	copy_picture();
	memcpy(copy + 250, picture, sizeof(picture));
	CHECK(is_damaged(250 + sizeof(picture)));
	/* The data between two restart markers are lost */
	size = cut_out(copy_picture(), restart_at(0), restart_at(1) - restart_at(0));
	CHECK(is_damaged(size));
	size = cut_out(copy_picture(), restart_at(1), restart_at(2) - restart_at(1));
	CHECK(is_damaged(size));
	/* The header is lost or incomplete, or there are two */
	CHECK(is_damaged(cut_out(copy_picture(), 0, 2)));
	CHECK(is_damaged(cut_out(copy_picture(), 20, 138)));
	CHECK(is_damaged(cut_out(copy_picture(), FRAME_AT, 19)));
	CHECK(is_damaged(cut_out(copy_picture(), 30, 10)));
	CHECK(is_damaged(put_in(copy_picture(), FRAME_AT, word, 2)));
	memset(copy, 0, 1000);
	CHECK(is_damaged(1000));
	/* Valid variants */
	CHECK(!is_damaged(put_in(copy_picture(), FRAME_AT, comment, 7)));
}

/* With any wrong byte, the parser ends, and reads only bytes of the picture */
void test_jpeg_noise(void)
{
	unsigned int noise = 1, i, j;
	__u8 *exact;
	size_t size;

	for (i = 0; i < 20000; i++) {
		size = copy_picture();
		for (j = 0; j < 3; j++) {
			noise = noise * 1103515245 + 12345;
			copy[(noise >> 8) % size] = noise >> 24;
		}
		size -= (noise >> 4) % 8;
		exact = malloc(size);
		memcpy(exact, copy, size);
		CHECK(jpeg_look(exact, size).tables_at < size);
		free(exact);
	}
}

void test_jpeg_tables(void)
{
	__u8 tables[JPEG_TABLES_BYTES], one[4 + 29] = { 0xff, 0xc4, 0, 31 };
	struct jpeg jpeg = jpeg_look(picture, sizeof(picture));
	size_t size;

	jpeg_tables(tables);
	/* Before the scan, or before existing tables, which take precedence then */
	CHECK_EQ(jpeg.tables_at, SCAN_AT);
	memcpy(one + 4, tables + 4, 29);
	size = put_in(copy_picture(), FRAME_AT, one, sizeof(one));
	jpeg = jpeg_look(copy, size);
	CHECK(!jpeg.damage);
	CHECK_EQ(jpeg.tables_at, FRAME_AT);
	/* If all tables exist, none are inserted */
	size = put_in(copy_picture(), SCAN_AT, tables, sizeof(tables));
	jpeg = jpeg_look(copy, size);
	CHECK(!jpeg.damage);
	CHECK_EQ(jpeg.tables_at, 0);
	/* Tables with other numbers cannot be inserted */
	copy_picture();
	copy[SCAN_AT + 6] = 0x22;
	CHECK(is_damaged(sizeof(picture)));
}

/* Reads codes with the tables, like a decoder */
struct bits {
	const __u8 *data;
	unsigned int bit;
};

static unsigned int next_bits(struct bits *bits, unsigned int count)
{
	unsigned int value = 0;

	for (; count; count--, bits->bit++) {
		const __u8 *byte = bits->data + bits->bit / 8;

		value = value << 1 | (*byte >> (7 - bits->bit % 8) & 1);
		/* A zero after 0xff is not part of the data */
		if (bits->bit % 8 == 7 && byte[0] == 0xff && !byte[1])
			bits->bit += 8;
	}
	return value;
}

/* @table: 16 counts and their values. Returns -1 for an invalid code */
static int next_value(struct bits *bits, const __u8 *table)
{
	const __u8 *values = table + 16;
	unsigned int code = 0, first = 0, i;

	for (i = 0; i < 16; i++) {
		code = code << 1 | next_bits(bits, 1);
		if (code - first < table[i])
			return values[code - first];
		first = (first + table[i]) << 1;
		values += table[i];
	}
	return -1;
}

static bool pass_block(struct bits *bits, const __u8 *dc, const __u8 *ac)
{
	int value = next_value(bits, dc);
	unsigned int place;

	if (value < 0)
		return false;
	next_bits(bits, value);
	for (place = 1; place < 64; place++) {
		value = next_value(bits, ac);
		if (value <= 0)
			return !value;
		place += value >> 4;
		next_bits(bits, value & 0xf);
	}
	return place == 64;
}

/*
 * The inserted tables are those that the picture was made with: the codes of each unit are two
 * blocks of Y, one of Cb and one of Cr, followed by a restart marker or the end. Only bits with
 * value 1, which fill the last byte, are in between.
 */
void test_jpeg_decode(void)
{
	static const __u8 which[] = { 0, 0, 1, 1 };
	__u8 tables[JPEG_TABLES_BYTES];
	unsigned int unit, block, end;
	size_t at = DATA_AT;

	jpeg_tables(tables);
	for (unit = 0; unit < 4; unit++) {
		struct bits bits = { .data = picture + at };

		for (block = 0; block < 4; block++) {
			const __u8 *dc = tables + 4 + 1 + which[block] * (29 + 179);

			CHECK(pass_block(&bits, dc, dc + 29));
		}
		end = (bits.bit + 7) / 8;
		while (bits.bit < 8 * end)
			CHECK_EQ(next_bits(&bits, 1), 1);
		at += end;
		CHECK_EQ(picture[at], 0xff);
		CHECK_EQ(picture[at + 1], unit == 3 ? 0xd9 : 0xd0 + unit);
		at += 2;
	}
	CHECK_EQ(at, sizeof(picture));
}

static void reset_to_jpeg(unsigned int frames)
{
	unsigned int i;

	camera_reset(frames);
	camera.formats[0].fourcc = V4L2_PIX_FMT_MJPEG;
	camera.format = V4L2_PIX_FMT_MJPEG;
	for (i = 0; i < frames; i++) {
		camera.frames[i].data = picture;
		camera.frames[i].used = sizeof(picture);
	}
}

static size_t read_all(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t size = read(fd, copy, sizeof(copy));

	close(fd);
	return size < 0 ? 0 : size;
}

void test_capture_jpeg(void)
{
	const size_t whole = sizeof(picture) + JPEG_TABLES_BYTES;
	unsigned int i;

	/* Written pictures have tables, and no other changes. Truncated ones are not written */
	reset_to_jpeg(4);
	camera.frames[1].used /= 2;
	CHECK_EQ(camera_run("-n 3 -o a.mjpeg"), STATUS_OK);
	SAID("number 1 is damaged and skipped: it is truncated");
	SAID("3 frames of MJPG");
	SAID("1 dropped, 1 of them damaged");
	CHECK_EQ(read_all("a.mjpeg"), 3 * whole);
	CHECK(!jpeg_look(copy, whole).damage && !jpeg_look(copy, whole).tables_at);
	CHECK(!memcmp(copy + 2 * whole, picture, SCAN_AT));
	CHECK(!memcmp(copy + 3 * whole - (sizeof(picture) - SCAN_AT), picture + SCAN_AT,
		      sizeof(picture) - SCAN_AT));
	/* Raw frames are not changed. Truncated ones are damaged, also if nothing is written */
	reset_to_jpeg(3);
	camera.frames[0].used /= 2;
	CHECK_EQ(camera_run("-n 2 -o a.raw"), STATUS_OK);
	SAID("1 of them damaged");
	CHECK_EQ(read_all("a.raw"), 2 * sizeof(picture));
	reset_to_jpeg(3);
	camera.frames[0].used /= 2;
	CHECK_EQ(camera_run("-n 2"), STATUS_OK);
	SAID("1 of them damaged");
	/* There are only damaged frames */
	reset_to_jpeg(60);
	for (i = 0; i < 60; i++)
		camera.frames[i].used -= 2;
	CHECK_EQ(camera_run("-n 2 -o a.mjpeg --timeout 1"), STATUS_FAILED);
	SAID("only damaged frames for 1 s");
	SAID("it is truncated");
	SAID("--keep-damaged");
	reset_to_jpeg(60);
	camera.frames[0].used -= 2;
	CHECK_EQ(camera_run("-n 2 -o a.raw --keep-damaged"), STATUS_OK);
	SAID("0 dropped, 1 damaged ones used");
	CHECK_EQ(read_all("a.raw"), 2 * sizeof(picture) - 2);
}
