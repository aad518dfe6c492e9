// SPDX-License-Identifier: GPL-2.0-only
/* The time of each frame, as a table in a file. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "say.h"
#include "times.h"
#include "write.h"

static __s64 clock_now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * TIMES_A_SECOND + ts.tv_nsec / 100;
}

__s64 times_now(void)
{
	return clock_now(CLOCK_MONOTONIC);
}

int times_open(struct times *times, const char *path)
{
	*times = (struct times) { .path = path };
	if (!path)
		return 0;
	times->file = write_open(path);
	if (!times->file)
		return -1;
	fprintf(times->file, "frame,sequence,time_s,got_s,utc\n");
	return 0;
}

static void print_seconds(FILE *file, __s64 time)
{
	fprintf(file, "%lld.%07lld,", (long long)(time / TIMES_A_SECOND),
		(long long)(time % TIMES_A_SECOND));
}

/* The other clock can be set, so what lies between both is looked at each time */
static void print_utc(FILE *file, __s64 time)
{
	__s64 utc = time + clock_now(CLOCK_REALTIME) - times_now();
	time_t seconds = utc / TIMES_A_SECOND;
	char text[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(file, "%s.%06lldZ", text, (long long)(utc % TIMES_A_SECOND / 10));
}

void times_add(struct times *times, unsigned long number, __u32 sequence, __s64 taken, __s64 got)
{
	FILE *file = times->file;

	if (!file)
		return;
	fprintf(file, "%lu,%u,", number, sequence);
	if (taken < 0)
		fputc(',', file);
	else
		print_seconds(file, taken);
	print_seconds(file, got);
	if (taken >= 0)
		print_utc(file, taken);
	fputc('\n', file);
}

int times_close(struct times *times)
{
	FILE *file = times->file;

	times->file = NULL;
	return file ? write_close(file, times->path) : 0;
}
