/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault injection of the kernel: in one call, the nth point of failure of a kind fails.
 *
 * A point is an allocation from a slab, an allocation of pages, or a copy from or to user
 * memory that happens below a function of the module. They are counted down (fail-nth) for
 * one kind at a time, so that the expected errno is known. The table of descriptors is full
 * during the call, so a new descriptor needs memory.
 */
#ifndef SELFTESTS_INJECT_H
#define SELFTESTS_INJECT_H

#include <stdbool.h>

enum fault_kind { SLAB, PAGES, COPY, KINDS };

extern const char * const fault_kind_names[KINDS];

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

#endif
