// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock, its verification, and the output of samples.
 */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Iterations of the known loop, with two instructions each */
#define LOOP_COUNT 500000
#define CALIBRATIONS 40

/* If more samples are disturbed, something is wrong */
#define DISTURBED_MAX 100

unsigned int now_cost;
unsigned int process_time_cost;
unsigned int disturbed;

noreturn void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("ks-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

int must(int result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, strerror(errno));
	return result;
}

void series_begin(const char *row, unsigned int round)
{
	printf("%s %u", row, round);
}

void series_add(double sample)
{
	printf(" %.10g", sample);
}

void series_end(void)
{
	putchar('\n');
}

static __u64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	must(clock_gettime(clock, &ts), "clock_gettime");
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

__u64 thread_time(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

__u64 process_time(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void known_loop(unsigned long count)
{
	asm volatile("1: dec %0\n\tjnz 1b" : "+r" (count) : : "cc");
}

/* The minimum difference of two consecutive times */
static unsigned int cost_of(__u64 (*clock)(void))
{
	unsigned int least = -1;
	__u64 start, end;
	unsigned int i;

	for (i = 0; i < CALIBRATIONS; i++) {
		start = clock();
		end = clock();
		if (end - start < least)
			least = end - start;
	}
	return least;
}

/* The known loop, measured with one clock: units for each executed instruction */
static void calibrate_clock(const char *row, __u64 (*clock)(void))
{
	unsigned int cost = cost_of(clock);
	__u64 start, end;
	unsigned int i;

	series_begin(row, 0);
	for (i = 0; i < CALIBRATIONS; i++) {
		start = clock();
		known_loop(LOOP_COUNT);
		end = clock();
		series_add((double)(end - start - cost) / (2 * LOOP_COUNT));
	}
	series_end();
}

/* The count of a string instruction, for each byte */
static void calibrate_rep(void)
{
	static char bytes[4096];
	__u64 start, end;
	unsigned int i;

	series_begin("calibration.rep", 0);
	for (i = 0; i < CALIBRATIONS; i++) {
		unsigned long count = sizeof(bytes);
		void *to = bytes;

		start = now();
		asm volatile("rep stosb" : "+c" (count), "+D" (to) : "a" (0) : "memory");
		end = now();
		series_add((double)(end - start - now_cost) / sizeof(bytes));
	}
	series_end();
}

static __u64 monotonic(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void calibrate(void)
{
	__u64 start, end;
	unsigned int i;

	/* Inline, as it is used */
	now_cost = -1;
	for (i = 0; i < CALIBRATIONS; i++) {
		start = now();
		end = now();
		if (end - start < now_cost)
			now_cost = end - start;
	}
	process_time_cost = cost_of(process_time);

	series_begin("calibration.now", 0);
	series_add(now_cost);
	series_end();
	calibrate_clock("calibration.tsc", now);
	calibrate_clock("calibration.monotonic", monotonic);
	calibrate_clock("calibration.thread", thread_time);
	calibrate_rep();
}

void exclusive(bool on)
{
	struct sched_param param = { .sched_priority = on ? 1 : 0 };

	must(sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &param),
	     "sched_setscheduler");
}

unsigned long switches(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_THREAD, &usage), "getrusage");
	return usage.ru_nvcsw + usage.ru_nivcsw;
}

bool disturbed_since(unsigned long before)
{
	if (switches() == before)
		return false;
	if (++disturbed > DISTURBED_MAX)
		die("something keeps taking the processor away");
	return true;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&ts, NULL);
}

void profile_begin(void)
{
	asm volatile("" : : : "memory");
}

void profile_end(void)
{
	/* Different code, so that the compiler does not merge both functions */
	asm volatile("nop" : : : "memory");
}
