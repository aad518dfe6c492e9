// SPDX-License-Identifier: GPL-2.0-only
/* Runs a table of tests and prints the results as TAP. */
#include "tap.h"

int tap_failures;

int tap_run(const struct tap_test *tests, int count)
{
	int i, failed = 0;

	printf("TAP version 13\n1..%d\n", count);
	for (i = 0; i < count; i++) {
		tap_failures = 0;
		tests[i].run();
		printf("%sok %d %s\n", tap_failures ? "not " : "", i + 1, tests[i].name);
		fflush(stdout);
		failed += !!tap_failures;
	}
	return !!failed;
}
