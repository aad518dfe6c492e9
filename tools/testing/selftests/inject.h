/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault injection of the kernel: in one call, one point of failure of a kind fails, or several.
 *
 * A point is an allocation from a slab, an allocation of pages, or a copy from or to user
 * memory that happens below a function of the module. They are counted down (fail-nth) for
 * one kind at a time, so that the expected errno is known. The table of descriptors is full
 * during the call, so a new descriptor needs memory.
 *
 * The kernel has such a counter for each task. Some calls of the module allocate memory in a work
 * item, too. For these, the point is chosen by the size of all allocations before it ("space"),
 * which counts for all tasks.
 */
#ifndef SELFTESTS_INJECT_H
#define SELFTESTS_INJECT_H

#include <stdbool.h>

enum fault_kind { SLAB, PAGES, COPY, KINDS };

extern const char * const fault_kind_names[KINDS];

/* As many descriptors as fit into a table that has not grown yet */
#define TABLE_SIZE 64
/* More than any call allocates, in bytes or pages */
#define SPACE_MAX 1000000000

/* Does the kernel have all required features? */
bool inject_is_possible(void);
/* Sets up all kinds, below the module but not below a function of the kernel */
void inject_set_up(const char *except);
void inject_tear_down(void);
/* Begins in the calling thread. The table of its process must not have grown yet */
void inject_begin(enum fault_kind kind);
void inject_end(void);
/* Called before a call: the nth point fails. */
void inject_arm(unsigned int nth);
/* Called after it; returns whether there was a failure. */
bool inject_disarm(void);
/*
 * The same for all tasks: the first point fails with which the sum of all allocations is @space
 * bytes (SLAB) or pages (PAGES), or more, and the next @failures - 1 points. The second function
 * returns the sum before the first of these points, or that of all points if none failed.
 */
void inject_arm_space(unsigned int space, unsigned int failures);
bool inject_disarm_space(unsigned int *before);

#endif
