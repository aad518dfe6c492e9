// SPDX-License-Identifier: GPL-2.0-only
/* Counting, and the report. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "report.h"
#include "say.h"

bool tally_sequence(struct tally *tally, __u32 sequence)
{
	__u32 step = sequence - tally->last;
	bool follows = !tally->started || step == 1;

	if (!follows) {
		tally->gaps++;
		/* Numbers that go back are a new start, and tell of no lost pictures */
		if (step && step < 0x80000000)
			tally->dropped += step - 1;
	}
	tally->started = true;
	tally->last = sequence;
	return follows;
}

void tally_good(struct tally *tally)
{
	tally->frames++;
}

void tally_damaged(struct tally *tally)
{
	tally->damaged++;
	tally->dropped++;
}

void json_string(const char *text, char *json, size_t size)
{
	char piece[8];
	size_t at = 0;

	json[at++] = '"';
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			snprintf(piece, sizeof(piece), "\\%c", c);
		else if (c < ' ' || c > '~')
			snprintf(piece, sizeof(piece), "\\u%04x", c);
		else
			snprintf(piece, sizeof(piece), "%c", c);
		if (at + strlen(piece) + 2 > size)
			break;
		at += snprintf(json + at, size - at, "%s", piece);
	}
	snprintf(json + at, size - at, "\"");
}

static void print_report(FILE *file, const struct device *device, const char *heap,
			 const struct tally *tally, double elapsed_s)
{
	struct utsname kernel = {};
	char code[FOURCC_TEXT];
	char json[512];

	uname(&kernel);
	json_string(kernel.release, json, sizeof(json));
	fprintf(file, "{\n  \"kernel\": %s,\n", json);
	json_string(device->driver, json, sizeof(json));
	fprintf(file, "  \"driver\": %s,\n", json);
	fprintf(file, "  \"width\": %u,\n  \"height\": %u,\n", device->picture.width,
		device->picture.height);
	json_string(fourcc_text(device->fourcc, code), json, sizeof(json));
	fprintf(file, "  \"pixelformat\": %s,\n", json);
	json_string(heap, json, sizeof(json));
	fprintf(file, "  \"heap\": %s,\n", json);
	fprintf(file, "  \"frames\": %lu,\n  \"dropped\": %lu,\n  \"sequence_gaps\": %lu,\n",
		tally->frames, tally->dropped, tally->gaps);
	fprintf(file, "  \"elapsed_s\": %.3f\n}\n", elapsed_s);
}

int report_write(const char *path, const struct device *device, const char *heap,
		 const struct tally *tally, double elapsed_s)
{
	FILE *file = fopen(path, "we");
	int err = 0;

	if (!file) {
		err = -errno;
		say_error("cannot open %s: %s", path, strerror(errno));
		return err;
	}
	print_report(file, device, heap, tally, elapsed_s);
	if (ferror(file))
		err = -EIO;
	if (fclose(file))
		err = -errno;
	if (err)
		say_error("cannot write %s: %s", path, strerror(-err));
	return err;
}
