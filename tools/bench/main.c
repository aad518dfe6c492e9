// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks-bench ROUNDS CROWD-ROUNDS: takes all samples and prints them; see bench.h. The second number
 * is that of the rounds for many readers.
 * ks-bench cameras ROUNDS: takes the samples of many cameras. vivid must have 64.
 * ks-bench profile ROW: does one operation once, or lets a crowd run for ever, for
 * tools/bench/profile.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	/* Large enough that nothing is written during a measurement */
	static char buffer[4 << 20];
	unsigned int rounds, crowd_rounds;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	must(mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall");

	if (argc == 3 && !strcmp(argv[1], "profile")) {
		if (!profile_call(argv[2]) && !profile_capture(argv[2]) &&
		    !profile_crowd(argv[2]))
			die("no such row: %s", argv[2]);
		return 0;
	}

	if (argc == 3 && !strcmp(argv[1], "cameras")) {
		bench_cameras(strtoul(argv[2], NULL, 10));
		return 0;
	}

	if (argc != 3)
		die("usage: ks-bench ROUNDS CROWD-ROUNDS | cameras ROUNDS | profile ROW");
	rounds = strtoul(argv[1], NULL, 10);
	crowd_rounds = strtoul(argv[2], NULL, 10);
	calibrate();
	bench_calls(rounds);
	bench_capture(rounds);
	bench_crowd(crowd_rounds);
	bench_growth(crowd_rounds);
	bench_wakeup(crowd_rounds);
	bench_uring(rounds);

	series_begin("disturbed", 0);
	series_add(disturbed);
	series_end();
	return 0;
}
