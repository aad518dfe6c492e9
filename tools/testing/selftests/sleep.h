/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Suspends the machine by /sys/power/pm_test: the kernel suspends as far as a level, waits, and
 * resumes.
 */
#ifndef SELFTESTS_SLEEP_H
#define SELFTESTS_SLEEP_H

#include <stdbool.h>

/* All processes are frozen */
#define SLEEP_FREEZER "freezer"
/* Also, the suspend functions of all drivers are called */
#define SLEEP_DEVICES "devices"

/* Whether the kernel has pm_test */
bool can_sleep(void);

/*
 * Returns 0, or a negative error code if something does not let the machine suspend. The kernel
 * waits in a loop, so each second costs a second of processor time.
 */
int sleep_machine(const char *level, unsigned int seconds);

#endif
