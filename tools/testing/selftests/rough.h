/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of rough treatment share: counts, random numbers, two cameras.
 *
 * The counts are those of a debug kernel; on others, a twentieth. Two variables
 * of the environment change that:
 *
 *	STRESS       percent of the full counts
 *	STRESS_SEED  the number that all random choices follow from; it is printed
 *
 * In a guest, words of the kernel's command line are variables:
 * tools/testing/vm/vm --append "STRESS=2000 STRESS_SEED=7".
 */
#ifndef _ROUGH_H
#define _ROUGH_H

#include "ksalloc_test.h"

#include <stdbool.h>

#define FRAMES 4

/* The harness's time-out is for the case that the tests' own ones fail. */
#define LAST_RESORT_S 3600

/* How many of a full count there shall be */
unsigned int scaled(unsigned int full);

/* The seed of a test, which it prints: a failure may depend on it. */
unsigned int choose_seed(void);

/* Seeds of threads and processes must not be alike. */
unsigned int seed_of(unsigned int seed, unsigned int part);

unsigned int pick(unsigned int *seed, unsigned int below);
bool chance(unsigned int *seed, unsigned int percent);
unsigned int random_bits(unsigned int *seed);
double seconds_since(unsigned long long start);

/* Two cameras, each with a connection and an allocator of FRAMES frames */
struct cameras {
	/* Of the first */
	struct rig rig;
	/* Of the other */
	int video, connection, allocator;
	char video_path[64];
	unsigned int seed;
};

void cameras_open(struct cameras *cameras);
void cameras_close(struct cameras *cameras);

/* Whatever happened before: all frames are free, or can be freed, and all flow. */
void expect_capture(int connection, int allocator);

#endif
