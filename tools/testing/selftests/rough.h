/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers of the stress suites: counts, random numbers, two cameras.
 *
 * A twentieth of the full counts is used, so that "make check" stays short. Environment variables
 * change this:
 *
 *	STRESS          percent of the full counts
 *	STRESS_SEED     the seed of all random choices; it is printed
 *	STRESS_UNBINDS  percent of the unbinds of USB cameras, instead of STRESS; see check
 *	STRESS_KILLS    percent of the readers killed in crowd.heap, instead of STRESS; see check
 *
 * "make check STRESS=100" uses the full counts. In a guest (the virtual machine), parameters
 * of the kernel command line become variables: tools/testing/vm/vm --append "STRESS_SEED=7".
 */
#ifndef _ROUGH_H
#define _ROUGH_H

#include "ksalloc_test.h"

#include <stdbool.h>

#define FRAMES 4

/* The time limit of the harness. The tests have shorter limits themselves. */
#define LAST_RESORT_S 3600

/* The count on this kernel for a full count */
unsigned int scaled(unsigned int full);
/* The same; if the variable @name is set, it is used instead of STRESS. */
unsigned int scaled_by(const char *name, unsigned int full);

/* Chooses and prints the seed of a test, because a failure can depend on it. */
unsigned int choose_seed(void);

/* Threads and processes must have different seeds. */
unsigned int seed_of(unsigned int seed, unsigned int part);

unsigned int pick(unsigned int *seed, unsigned int below);
bool chance(unsigned int *seed, unsigned int percent);
unsigned int random_bits(unsigned int *seed);
double seconds_since(unsigned long long start);

/* Two cameras, each with a connection and an allocator of FRAMES frames */
struct cameras {
	/* The first camera */
	struct rig rig;
	/* The second camera */
	int video, connection, allocator;
	char video_path[64];
	unsigned int seed;
};

void cameras_open(struct cameras *cameras);
void cameras_close(struct cameras *cameras);

/* Checks that all frames are free or can be freed, and that each can be captured to. */
void expect_capture(int connection, int allocator);

#endif
