/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's fault injection: of one call, the nth point of failure of a kind fails.
 *
 * A point is an allocation from a slab, an allocation of pages, or a copy from or to
 * user memory that happens below a function of the module. They are counted down
 * (fail-nth) one kind at a time, so that it is known which error is right. The table
 * of descriptors is full during the call: a new descriptor then needs memory.
 */
#ifndef SELFTESTS_INJECT_H
#define SELFTESTS_INJECT_H

#include <stdbool.h>

enum fault_kind { SLAB, PAGES, COPY, KINDS };

extern const char * const fault_kind_names[KINDS];

/* Does the kernel have all that is needed? */
bool inject_is_possible(void);
/* All kinds, below the module, but not below a function of the kernel's */
void inject_set_up(const char *except);
void inject_tear_down(void);
/* From here on in the calling thread, whose process has the least of tables yet */
void inject_begin(enum fault_kind kind);
void inject_end(void);
/* Before a call: the nth point fails. */
void inject_arm(unsigned int nth);
/* After it; returns whether there was a failure. */
bool inject_disarm(void);

#endif
