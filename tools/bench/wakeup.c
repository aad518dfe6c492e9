// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the moment at which the driver has filled a buffer until a program that waits has the frame.
 *
 * The first moment is the tracepoint vb2_buf_done, in units of the counter that now() reads. It
 * is traced for all ways, so all have the same additional instructions. Each frame is waited for,
 * so it is that of the last event before the program has it.
 */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"
#define EVENT "vb2_buf_done: "
#define WAKEUPS 400
#define DEPTH 4
/* Frames that were filled before the program waits, and more buffers than any way has */
#define WARM_UP 64

static void trace_set(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), TRACING "%s", name);
	fd = must(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), path);
	must(write(fd, value, strlen(value)), path);
	close(fd);
}

static void trace_begin(void)
{
	trace_set("trace_clock", "x86-tsc");
	trace_set("events/vb2/vb2_buf_done/enable", "1");
	trace_set("trace", "");
}

/* The time of the next event in the trace; 0 at its end */
static __u64 trace_next(FILE *trace)
{
	char line[512], *at;

	while (fgets(line, sizeof(line), trace)) {
		at = strstr(line, ": " EVENT);
		if (!at)
			continue;
		*at = '\0';
		at = strrchr(line, ' ');
		return at ? strtoull(at, NULL, 10) : 0;
	}
	return 0;
}

static FILE *trace_open(void)
{
	FILE *trace = fopen(TRACING "trace", "r");

	if (!trace)
		die("the trace cannot be read");
	return trace;
}

/* Prints by how much each of the moments is later than the last event before it */
static void trace_end(const char *way, unsigned int round, const __u64 *moments)
{
	FILE *trace = trace_open();
	__u64 done, next;
	char row[64];
	unsigned int i;

	trace_set("events/vb2/vb2_buf_done/enable", "0");
	snprintf(row, sizeof(row), "wakeup.%s", way);
	series_begin(row, round);
	next = trace_next(trace);
	for (i = 0; i < WAKEUPS; i++) {
		done = 0;
		for (; next && next < moments[i]; next = trace_next(trace))
			done = next;
		if (!done)
			die("%s: frame %u was not waited for", way, i);
		series_add(moments[i] - done);
	}
	series_end();
	fclose(trace);
}

/* The ways */

static unsigned int poll_take(struct session *session)
{
	struct pollfd pfd = { .fd = session->fd, .events = POLLIN };

	if (poll(&pfd, 1, -1) != 1 || pfd.revents != POLLIN)
		die("poll: events %#x", pfd.revents);
	return mmap_take(session);
}

static void one_reader_start(struct session *session)
{
	reader_start(session, -1, BUFFERS, DEPTH, 0);
}

static void untrusted_reader_start(struct session *session)
{
	reader_start(session, -1, BUFFERS, DEPTH, KSALLOC_READER_UNTRUSTED);
}

void bench_wakeup(unsigned int rounds)
{
	static const struct {
		const char *name;
		void (*start)(struct session *session);
		void (*stop)(struct session *session);
		unsigned int (*take)(struct session *session);
		void (*give)(struct session *session, unsigned int index);
	} ways[] = {
		{ "poll", mmap_start, mmap_stop, poll_take, mmap_give },
		{ "block", mmap_start, mmap_stop, mmap_take, mmap_give },
		{ "reader", one_reader_start, reader_stop, reader_take, reader_give },
		{ "untrusted", untrusted_reader_start, reader_stop, reader_take, reader_give },
		{ "shared", shared_start, shared_stop, poll_take, mmap_give },
		{ "shared-untrusted", shared_untrusted_start, shared_stop, poll_take, mmap_give },
	};
	static __u64 moments[WAKEUPS];
	struct session session = { };
	unsigned int round, i, j, index;

	if (access(TRACING "trace", W_OK))
		must(mount("tracefs", TRACING, "tracefs", 0, NULL), "tracefs");
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(ways); i++) {
			ways[i].start(&session);
			/* Before frames are measured, because it takes longer than a frame */
			trace_begin();
			for (j = 0; j < WARM_UP; j++)
				ways[i].give(&session, ways[i].take(&session));
			for (j = 0; j < WAKEUPS; j++) {
				index = ways[i].take(&session);
				moments[j] = now();
				ways[i].give(&session, index);
			}
			trace_end(ways[i].name, round, moments);
			ways[i].stop(&session);
		}
	}
}
