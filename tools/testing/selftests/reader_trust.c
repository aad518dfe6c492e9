// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that may not delay others: while it has a reader, only the thread of the feed fetches
 * frames.
 */
#define READERS_WITHOUT_FIXTURE

#include "readers.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

FIXTURE(reader_trust) {
	struct rig rig;
	int reader;
};

FIXTURE_SETUP(reader_trust)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	ASSERT_EQ(0, circulate(self->rig.connection, KSSTATE_RUN));
	self->reader = reader_open(self->rig.connection, DEEP, 0, KSALLOC_READER_REVOCABLE);
	ASSERT_LE(0, self->reader);
}

FIXTURE_TEARDOWN(reader_trust)
{
	rig_close(&self->rig);
}

static bool is_untrusted(int reader)
{
	char text[16];

	ASSERT_TRUE(fdinfo_value(reader, "untrusted", text, sizeof(text)));
	return *text == '1';
}

/* A process that changes itself, and takes frames until it is killed. */
static void run(int reader, void (*change)(void))
{
	struct ksalloc_reader_frame frame;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	change();
	for (;;) {
		ASSERT_EQ(1, take(reader, &frame));
		ASSERT_EQ(0, give(reader, &frame));
	}
}

static void expect_not_trusted(struct reader_trust_fixture *self, void (*change)(void))
{
	int reader = reader_open(self->rig.connection, 2, 0, 0), status;
	struct ksalloc_reader_frame frame;
	pid_t child;

	ASSERT_LE(0, reader);
	EXPECT_FALSE(is_untrusted(reader));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		run(reader, change);
	EXPECT_TRUE(EVENTUALLY(is_untrusted(reader)));
	close(reader);
	EXPECT_TRUE(only_thread_fetches());
	/* The other reader gets frames as before, and is trusted */
	ASSERT_LE(0, take_now(self->reader, &frame));
	ASSERT_EQ(1, take(self->reader, &frame));
	EXPECT_FALSE(is_untrusted(self->reader));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(1, turn(self->reader, &frame));
}

static void become_nobody(void)
{
	ASSERT_EQ(0, setuid(NOBODY));
}

/* K2: a process of another user. */
TEST_F(reader_trust, other_user)
{
	expect_not_trusted(self, become_nobody);
}

static void become_nice(void)
{
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, 1));
}

/* K2: a process with a positive nice value. */
TEST_F(reader_trust, nice)
{
	expect_not_trusted(self, become_nice);
}

static void become_idle(void)
{
	const struct sched_param param = { };

	ASSERT_EQ(0, sched_setscheduler(0, SCHED_IDLE, &param));
}

/* K2: a process that runs when no other does. */
TEST_F(reader_trust, idle)
{
	expect_not_trusted(self, become_idle);
}

/* K2: a reader that is opened for such a process. */
TEST_F(reader_trust, flag)
{
	int reader = reader_open(self->rig.connection, 2, 0, KSALLOC_READER_UNTRUSTED);
	struct ksalloc_reader_frame frame;

	ASSERT_LE(0, reader);
	EXPECT_TRUE(is_untrusted(reader));
	EXPECT_TRUE(only_thread_fetches());
	ASSERT_EQ(1, take(reader, &frame));
	close(reader);
	ASSERT_EQ(1, take(self->reader, &frame));
}
