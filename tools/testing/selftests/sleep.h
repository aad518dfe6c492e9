/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Suspends the machine with /sys/power/pm_test: the kernel suspends up to the given level, waits,
 * and resumes.
 */
#ifndef SELFTESTS_SLEEP_H
#define SELFTESTS_SLEEP_H

#include <stdbool.h>

/* The kernel freezes all processes */
#define SLEEP_FREEZER "freezer"
/* It also calls the suspend functions of all drivers */
#define SLEEP_DEVICES "devices"

/* Whether the kernel has pm_test */
bool can_sleep(void);

/*
 * Returns 0, or a negative error code if the machine cannot be suspended. The kernel
 * waits in a loop, so each second costs a second of processor time.
 */
int sleep_machine(const char *level, unsigned int seconds);

#endif
