// SPDX-License-Identifier: GPL-2.0-only
#include "sleep.h"
#include "ksalloc_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PM_TEST "/sys/power/pm_test"

bool can_sleep(void)
{
	return !access(PM_TEST, W_OK);
}

int sleep_machine(const char *level, unsigned int seconds)
{
	char delay[16];
	int ret;

	/* Without this module, the guest would lose its files */
	ASSERT_EQ(0, system("modprobe ksalloc-test-sleep"));
	snprintf(delay, sizeof(delay), "%u", seconds);
	ASSERT_EQ(0, write_text("/sys/module/suspend/parameters/pm_test_delay", delay));
	ASSERT_EQ(0, write_text(PM_TEST, level));
	ret = write_text("/sys/power/state", "freeze");
	ASSERT_EQ(0, write_text(PM_TEST, "none"));
	ASSERT_EQ(0, system("rmmod ksalloc-test-sleep"));
	return ret;
}
