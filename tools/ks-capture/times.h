/* SPDX-License-Identifier: GPL-2.0-only */
/* The time of each frame, as a table in a file. */
#ifndef TIMES_H
#define TIMES_H

#include <stdio.h>

#include <linux/types.h>

/* Units of a frame's time, 100 ns, in a second */
#define TIMES_A_SECOND 10000000LL

/**
 * struct times - a table of frames' times
 * @file: the file; NULL where none is wanted
 * @path: its name
 */
struct times {
	FILE *file;
	const char *path;
};

/* Returns 0, or a negative value having said what is wrong. @path may be NULL */
int times_open(struct times *times, const char *path);
int times_close(struct times *times);

/**
 * times_add() - add a frame
 * @times: the table
 * @number: the frame's number in this capture
 * @sequence: the device's number of it
 * @taken: the device's time of it, in 100 ns on CLOCK_MONOTONIC; negative where it has none
 * @got: when it was got, likewise
 */
void times_add(struct times *times, unsigned long number, __u32 sequence, __s64 taken, __s64 got);

/* CLOCK_MONOTONIC, in 100 ns */
__s64 times_now(void);

#endif /* TIMES_H */
