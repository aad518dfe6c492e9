// SPDX-License-Identifier: GPL-2.0-only
/* Counters, and the report. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "field.h"
#include "report.h"
#include "write.h"

/* Number of missing pictures if the sequence number increases by this */
static unsigned long missing(const struct tally *tally, __u32 step)
{
	unsigned long number = (unsigned long)(step - 1) * (tally->pairs ? 2 : 1);

	/* The capture may have begun with the second field of a frame */
	return number + (tally->pairs && tally->of_last == 1 && !tally->first);
}

bool tally_sequence(struct tally *tally, __u32 sequence)
{
	__u32 step = sequence - tally->last;

	if (!tally->started) {
		tally->started = true;
		tally->first = true;
		tally->last = sequence;
		tally->of_last = 1;
		return true;
	}
	if (!step) {
		tally->of_last++;
		tally->skips = false;
		tally->pairs = tally->fields;
		return true;
	}
	/*
	 * If the numbers decrease, the device has restarted. This does not mean lost
	 * pictures
	 */
	if (step < 0x80000000 && !tally->skips)
		tally->dropped += missing(tally, step);
	tally->gaps += step != 1 && !tally->skips;
	tally->first = tally->skips;
	tally->skips = false;
	tally->moves = true;
	tally->last = sequence;
	tally->of_last = 1;
	return step == 1;
}

bool tally_is_blind(const struct tally *tally)
{
	return !tally->moves && tally->of_last > (tally->fields ? 2 : 1);
}

void tally_skip(struct tally *tally, __u32 sequence)
{
	tally->skipped++;
	tally->moves |= tally->started && sequence != tally->last;
	tally->skips = true;
	tally->started = true;
	tally->first = true;
	tally->of_last = sequence == tally->last ? tally->of_last + 1 : 1;
	tally->last = sequence;
}

void tally_pass(struct tally *tally, __u32 sequence)
{
	tally_skip(tally, sequence);
	tally->skipped--;
	tally->passed++;
}

void tally_restart(struct tally *tally, bool fields)
{
	tally->restarts++;
	tally->started = false;
	tally->skips = false;
	tally->pairs = false;
	tally->fields = fields;
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
	json_string(field_name(device->field), json, sizeof(json));
	fprintf(file, "  \"field\": %s,\n", json);
	fprintf(file, "  \"numbered\": %s,\n", tally_is_blind(tally) ? "false" : "true");
	fprintf(file, "  \"skipped\": %lu,\n  \"passed\": %lu,\n", tally->skipped,
		tally->passed);
	fprintf(file, "  \"frames\": %lu,\n  \"dropped\": %lu,\n  \"damaged\": %lu,\n",
		tally->frames, tally->dropped, tally->damaged + tally->kept);
	fprintf(file, "  \"sequence_gaps\": %lu,\n", tally->gaps);
	fprintf(file, "  \"restarts\": %lu,\n", tally->restarts);
	fprintf(file, "  \"elapsed_s\": %.3f\n}\n", elapsed_s);
}

int report_write(const char *path, const struct device *device, const char *heap,
		 const struct tally *tally, double elapsed_s)
{
	FILE *file = write_open(path);

	if (!file)
		return -1;
	print_report(file, device, heap, tally, elapsed_s);
	return write_close(file, path);
}
