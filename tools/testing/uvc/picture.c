// SPDX-License-Identifier: GPL-2.0-only
/*
 * Labels of pictures: see picture.h. Both the camera and the tests use this file.
 */
#include "picture.h"

#include <endian.h>
#include <string.h>

#define JPEG_SOI 0xd8
#define JPEG_SOS 0xda

bool picture_is_jpeg(const uint8_t *data, size_t bytes)
{
	return bytes > 2 && data[0] == 0xff && data[1] == JPEG_SOI;
}

static size_t label_offset(const uint8_t *data, size_t bytes)
{
	return picture_is_jpeg(data, bytes) ? PICTURE_LABEL_JPEG : 0;
}

static uint32_t sum_of(const uint8_t *data, size_t bytes)
{
	uint32_t sum = 0, word;

	for (; bytes >= sizeof(word); bytes -= sizeof(word), data += sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		sum += le32toh(word);
	}
	return sum;
}

void picture_put_label(uint8_t *data, size_t bytes, uint32_t counter)
{
	size_t offset = label_offset(data, bytes);
	size_t begin = offset + sizeof(struct picture_label);
	struct picture_label label = {
		.magic = htole32(PICTURE_MAGIC),
		.counter = htole32(counter),
		.bytes = htole32(bytes),
		.sum = htole32(sum_of(data + begin, bytes - begin)),
	};

	memcpy(data + offset, &label, sizeof(label));
}

static bool get_label(const uint8_t *data, size_t bytes, struct picture_label *label)
{
	size_t offset = label_offset(data, bytes);

	if (bytes < offset + sizeof(*label))
		return false;
	memcpy(label, data + offset, sizeof(*label));
	return le32toh(label->magic) == PICTURE_MAGIC;
}

static const char *find_fault(const uint8_t *data, size_t bytes)
{
	size_t begin = label_offset(data, bytes) + sizeof(struct picture_label);
	struct picture_label label;

	if (!get_label(data, bytes, &label))
		return "no label";
	if (le32toh(label.bytes) != bytes)
		return "another size than on the label";
	if (le32toh(label.sum) != sum_of(data + begin, bytes - begin))
		return "another sum than on the label";
	return NULL;
}

uint32_t picture_counter(const uint8_t *data, size_t bytes)
{
	struct picture_label label;

	return get_label(data, bytes, &label) ? le32toh(label.counter) : 0;
}

uint32_t picture_check(const uint8_t *data, size_t bytes, const char **why)
{
	const char *fault = find_fault(data, bytes);

	if (why)
		*why = fault;
	return fault ? 0 : picture_counter(data, bytes);
}

bool picture_has_segment(const uint8_t *data, size_t bytes, uint8_t marker)
{
	size_t at = 2;

	while (at + 4 <= bytes && data[at] == 0xff) {
		if (data[at + 1] == marker)
			return true;
		if (data[at + 1] == JPEG_SOS)
			return false;
		at += 2 + (data[at + 2] << 8 | data[at + 3]);
	}
	return false;
}
