// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many readers of one camera, measured as a whole system; see meter.h.
 *
 * All ways use memory of the camera, so that no way has to map other memory. For "sleep" and for
 * the peers, each reader is a process that sleeps until it is woken for a frame. For "ready", one
 * process has all readers. It sleeps for the frame of the first one, and then the same frame is
 * ready for the others. For "eight", these take eight frames with every eighth call.
 *
 * A reader that loses a frame ends the program. The others count frames that they have lost, by
 * the numbers of frames.
 */
#include "crowd.h"
#include "meter.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A reader that takes eight frames has others in its queue meanwhile */
#define CROWD_BUFFERS 24
#define DEPTH 4
#define DEPTH_EIGHT (2 * EIGHT)
/* A sample of large pictures has fewer frames, because vivid needs long for one */
#define LARGE_WIDTH 1920
#define LARGE_HEIGHT 1080
#define LARGE_FRAMES 32

struct crowd_reader {
	struct reader reader;
	bool marks;
};

static struct session session;
static struct crowd_reader readers[READERS_MAX];

/* Plain V4L2 */

static void plain_run(void *data)
{
	unsigned int index, next = 0;
	bool more;

	(void)data;
	do {
		index = mmap_take_next(&session);
		crowd_number(&next, session.sequence);
		more = crowd_mark();
		mmap_give(&session, index);
	} while (more);
}

static void plain_start(unsigned int count)
{
	(void)count;
	mmap_start(&session);
	set_rate(session.camera, CROWD_RATE);
	crowd_process(plain_run, NULL);
}

static void plain_stop(void)
{
	mmap_stop(&session);
}

/* ksalloc */

/* @flags are those of the first reader */
static void open_readers(unsigned int count, unsigned int depth, unsigned int flags)
{
	unsigned int i;

	ks_open(&session, -1, CROWD_BUFFERS);
	set_rate(session.camera, CROWD_RATE);
	for (i = 0; i < count; i++) {
		reader_open(&readers[i].reader, session.fd, i ? depth : DEPTH, i ? 0 : flags);
		readers[i].marks = !i;
	}
}

static void sleep_run(void *data)
{
	struct crowd_reader *this = data;

	do {
		reader_exchange(&this->reader, 1);
	} while (this->marks ? crowd_mark() : crowd_goes_on());
}

static void sleeping_start(unsigned int count, unsigned int flags)
{
	unsigned int i;

	open_readers(count, DEPTH, flags);
	for (i = 0; i < count; i++)
		crowd_process(sleep_run, &readers[i]);
	/* After the processes exist, so that no reader loses frames before its process runs */
	ks_circulate(&session);
}

static void sleep_start(unsigned int count)
{
	sleeping_start(count, 0);
}

static void untrusted_start(unsigned int count)
{
	sleeping_start(count, KSALLOC_READER_UNTRUSTED);
}

static void ready_run(void *data)
{
	const unsigned int count = *(const unsigned int *)data;
	unsigned int i;
	bool more;

	do {
		reader_exchange(&readers[0].reader, 1);
		more = crowd_mark();
		for (i = 1; i < count; i++)
			reader_exchange(&readers[i].reader, 1);
	} while (more);
}

static void ready_start(unsigned int count)
{
	open_readers(count, DEPTH, 0);
	crowd_process(ready_run, &count);
	ks_circulate(&session);
}

static void eight_run(void *data)
{
	const unsigned int count = *(const unsigned int *)data;
	unsigned int turns = 0, i;
	bool more;

	do {
		reader_exchange(&readers[0].reader, 1);
		more = crowd_mark();
		if (++turns % EIGHT)
			continue;
		for (i = 1; i < count; i++)
			reader_exchange(&readers[i].reader, EIGHT);
	} while (more);
}

static void eight_start(unsigned int count)
{
	open_readers(count, DEPTH_EIGHT, 0);
	crowd_process(eight_run, &count);
	ks_circulate(&session);
}

static void readers_stop(void)
{
	unsigned int i;

	for (i = 0; i < READERS_MAX && readers[i].reader.fd; i++) {
		close(readers[i].reader.fd);
		readers[i].reader.fd = 0;
	}
	ks_stop(&session);
}

/* Unchanged programs on the node of a share */

static struct share share;
static struct session sharers[READERS_MAX];
static unsigned int nr_sharers;

static void shared_run(void *data)
{
	struct session *this = data;
	unsigned int index, next = 0;
	bool more;

	do {
		index = mmap_take_next(this);
		crowd_number(&next, this->sequence);
		more = this == &sharers[0] ? crowd_mark() : crowd_goes_on();
		mmap_give(this, index);
	} while (more);
}

static void start_sharers(unsigned int count, bool other_user)
{
	unsigned int i;

	share_open(&share, other_user);
	set_rate(share.camera, CROWD_RATE);
	nr_sharers = count;
	for (i = 0; i < count; i++)
		share_prepare(&share, &sharers[i]);
	for (i = 0; i < count; i++)
		mmap_run(&sharers[i]);
	/* The first one takes the samples, so it is started last */
	for (i = count; i--;)
		crowd_process(shared_run, &sharers[i]);
}

static void sharers_start(unsigned int count)
{
	start_sharers(count, false);
}

static void untrusted_sharers_start(unsigned int count)
{
	start_sharers(count, true);
}

static void sharers_stop(void)
{
	unsigned int i;

	for (i = 0; i < nr_sharers; i++)
		mmap_stop(&sharers[i]);
	share_close(&share);
}

/* All ways */

enum crowd_kind {
	USUAL,
	/* All processes have a real-time priority */
	REALTIME,
	/* Pictures of 1920x1080 */
	LARGE,
};

static const struct crowd_way {
	const char *name;
	void (*start)(unsigned int count);
	void (*stop)(void);
	unsigned int counts[8];
	enum crowd_kind kind;
} ways[] = {
	{ "plain", plain_start, plain_stop, { 1 }, USUAL },
	{ "sleep", sleep_start, readers_stop, { 1, 2, 4, 8, 16, 32, 64 }, USUAL },
	{ "untrusted", untrusted_start, readers_stop, { 1, 8, 64 }, USUAL },
	{ "ready", ready_start, readers_stop, { 1, 2, 4, 8, 16, 32, 64 }, USUAL },
	{ "eight", eight_start, readers_stop, { 8, 64 }, USUAL },
	{ "shared", sharers_start, sharers_stop, { 1, 2, 4, 8, 16, 32, 64 }, USUAL },
	{ "shared-untrusted", untrusted_sharers_start, sharers_stop, { 1, 8, 64 }, USUAL },
	{ "daemon", daemon_start, daemon_stop, { 1, 8, 64 }, USUAL },
	{ "futex", futex_start, daemon_stop, { 1, 8, 64 }, USUAL },
	{ "loopback", loopback_start, loopback_stop, { 1, 8, 64 }, USUAL },
	{ "plain-realtime", plain_start, plain_stop, { 1 }, REALTIME },
	{ "sleep-realtime", sleep_start, readers_stop, { 1, 8, 64 }, REALTIME },
	{ "shared-realtime", sharers_start, sharers_stop, { 1, 8, 64 }, REALTIME },
	{ "futex-realtime", futex_start, daemon_stop, { 1, 8, 64 }, REALTIME },
	{ "plain-large", plain_start, plain_stop, { 1 }, LARGE },
	{ "sleep-large", sleep_start, readers_stop, { 1, 8 }, LARGE },
	{ "ready-large", ready_start, readers_stop, { 1, 8 }, LARGE },
};

static void measure(const struct crowd_way *way, unsigned int count, unsigned int round)
{
	char row[64];

	if (way->kind == LARGE)
		set_picture(LARGE_WIDTH, LARGE_HEIGHT);
	crowd_begin(way->kind == LARGE ? LARGE_FRAMES : CROWD_FRAMES);
	crowd_realtime(way->kind == REALTIME);
	way->start(count);
	snprintf(row, sizeof(row), "crowd.%s.%u", way->name, count);
	crowd_end(row, round);
	way->stop();
	crowd_realtime(false);
	set_picture(WIDTH, HEIGHT);
}

/* Does not return if there is such a row */
bool profile_crowd(const char *row)
{
	unsigned int i, count;
	char name[32];

	if (sscanf(row, "crowd.%31[^.].%u", name, &count) != 2 || !count || count > READERS_MAX)
		return false;
	for (i = 0; i < ARRAY_SIZE(ways) && strcmp(ways[i].name, name); i++)
		;
	if (i == ARRAY_SIZE(ways))
		return false;
	meter_start();
	crowd_begin(UINT_MAX);
	crowd_realtime(ways[i].kind == REALTIME);
	ways[i].start(count);
	fprintf(stderr, "the crowd runs\n");
	crowd_wait();
	die("the crowd has ended");
}

void bench_crowd(unsigned int rounds)
{
	unsigned int round, i, j;

	meter_start();
	for (round = 0; round < rounds; round++) {
		verify_meter(round);
		for (i = 0; i < ARRAY_SIZE(ways); i++) {
			if (ways[i].start == loopback_start && !has_loopback())
				continue;
			for (j = 0; ways[i].counts[j]; j++)
				measure(&ways[i], ways[i].counts[j], round);
		}
	}
	meter_stop();
}
