/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clients of tools/testing/clients, each in the manner of other programs for Windows. They
 * are run with the camera at a node, and write their pictures to a file.
 */
#ifndef SELFTESTS_PROGRAMS_H
#define SELFTESTS_PROGRAMS_H

#include "ksalloc_test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAMS_FRAMES 40
#define PROGRAMS_BYTES (320 * 180 * 2)
#define PROGRAMS_FILE "/tmp/pictures"

/* A part of the interface path that only this node has: its place in sysfs, and its index */
static inline void programs_part(const char *node, char *part, size_t size)
{
	char path[PATH_MAX], place[PATH_MAX], index[16] = "";
	ssize_t length;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/video4linux/%s/device", strrchr(node, '/') + 1);
	length = readlink(path, place, sizeof(place) - 1);
	ASSERT_LT(0, length);
	place[length] = '\0';
	snprintf(path, sizeof(path), "/sys/class/video4linux/%s/index", strrchr(node, '/') + 1);
	file = fopen(path, "r");
	ASSERT_TRUE(file && fgets(index, sizeof(index), file));
	fclose(file);
	index[strcspn(index, "\n")] = '\0';
	length = strcspn(strrchr(place, '/') + 1, ":");
	snprintf(part, size, "#%.*s&%s#", (int)length, strrchr(place, '/') + 1, index);
}

/* Runs a client, and returns its pictures, to be freed */
static inline unsigned char *programs_run(const char *name, const char *node)
{
	char part[128], command[512], line[256];
	unsigned char *pictures;
	struct stat status;
	FILE *output;

	programs_part(node, part, sizeof(part));
	unlink(PROGRAMS_FILE);
	snprintf(command, sizeof(command), "/tools/clients/%s '%s' %d " PROGRAMS_FILE " 2>&1",
		 name, part, PROGRAMS_FRAMES);
	output = popen(command, "r");
	ASSERT_TRUE(output);
	while (fgets(line, sizeof(line), output))
		harness_note("%s", line);
	ASSERT_EQ(0, pclose(output));
	ASSERT_EQ(0, stat(PROGRAMS_FILE, &status));
	ASSERT_EQ(PROGRAMS_FRAMES * PROGRAMS_BYTES, status.st_size);
	pictures = malloc(status.st_size);
	output = fopen(PROGRAMS_FILE, "r");
	ASSERT_TRUE(pictures && output);
	ASSERT_EQ(PROGRAMS_FRAMES, fread(pictures, PROGRAMS_BYTES, PROGRAMS_FRAMES, output));
	fclose(output);
	unlink(PROGRAMS_FILE);
	return pictures;
}

#endif
