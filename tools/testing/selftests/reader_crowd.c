// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many readers of one stream, in processes that are stopped and killed at random moments, while
 * other readers go on. rough.h describes counts and seeds.
 */
#include "rough.h"

/* Of the cameras of rough.h, which are not used here */
#undef FRAMES
#define READERS_WITHOUT_FIXTURE

#include "steady.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The full count. The usual run has a tenth, but check kills all in one test on one kernel */
#define READERS 1000

#define CROWD 8
/* Enough for all promises, and for some frames of readers without one */
#define MANY (STEADY_FRAMES + CROWD)

enum doing { WAITING, HOLDING, EXPORTING, DOINGS };

FIXTURE(crowd) {
	struct rig rig;
	unsigned int seed;
	struct steady_readers steady;
	/* What each process does now, in shared memory */
	atomic_int *doing;
	unsigned int killed_when[DOINGS];
	unsigned int stopped_when[DOINGS];
};

FIXTURE_SETUP(crowd)
{
	self->seed = choose_seed();
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	/* So that the readers lose no frame if the guest does not run for a moment */
	ASSERT_EQ(0, set_rate(self->rig.video, 25));
	self->doing = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE((void *)self->doing != MAP_FAILED);
}

FIXTURE_TEARDOWN(crowd)
{
	rig_close(&self->rig);
}

/* A reader for a process of the crowd. There are not always frames to promise */
static int open_any(struct crowd_fixture *self)
{
	unsigned int flags = chance(&self->seed, 30) ? KSALLOC_READER_NEWEST : 0;
	unsigned int every = pick(&self->seed, 4);
	int reader = -1;

	if (chance(&self->seed, 50))
		reader = reader_open(self->rig.connection, 1, every, flags);
	if (reader < 0)
		reader = reader_open(self->rig.connection, 1 + pick(&self->seed, 6), every,
				     flags | KSALLOC_READER_REVOCABLE);
	return reader;
}

static void look_at(int reader, const struct ksalloc_reader_frame *frame)
{
	int view = reader_export(reader, frame->index, frame->generation);
	void *map;

	if (view < 0)
		return;
	map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, view, 0);
	if (map != MAP_FAILED)
		munmap(map, FRAME_SIZE);
	close(view);
}

/* A process that has only a reader, and ends only when it is killed */
static void be_killed(int reader, atomic_int *doing, unsigned int seed)
{
	struct ksalloc_reader_frame frames[6];
	int count, i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct ksalloc_exchange arg = exchange_of(frames, 1 + pick(&seed, 6));

		arg.wait_for = 1;
		if (chance(&seed, 20))
			arg.deadline_ns = in_ms(pick(&seed, 40));
		*doing = WAITING;
		count = call_fd(reader, KSALLOC_EXCHANGE, &arg);
		for (i = 0; i < count; i++) {
			*doing = EXPORTING;
			look_at(reader, &frames[i]);
			*doing = HOLDING;
			sleep_ms(pick(&seed, 20));
		}
		for (i = 0; i < count; i++)
			if (chance(&seed, 90))
				give(reader, &frames[i]);
		if (chance(&seed, 10))
			poll_fd(reader, POLLIN, pick(&seed, 40));
	}
}

/* Of four processes, two are only killed, one is stopped first, one also continued */
enum fate { RUNS, RUNS_TOO, STAYS_STOPPED, IS_CONTINUED, FATES };

static enum fate fate_of(unsigned int process)
{
	return process % FATES;
}

/*
 * SIGSTOP takes effect only when a task returns to user space: it interrupts a call that waits, and
 * any other call runs to its end. So even a trusted reader holds no lock of the module while it is
 * stopped. But it keeps its frames, and does not fetch those that it was woken for
 */
static void stop_some(struct crowd_fixture *self, const pid_t *pids, unsigned int size)
{
	unsigned int i;
	int status;

	for (i = 0; i < size; i++) {
		if (fate_of(i) < STAYS_STOPPED)
			continue;
		usleep(pick(&self->seed, 8000));
		self->stopped_when[self->doing[i]]++;
		ASSERT_EQ(0, kill(pids[i], SIGSTOP));
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
	}
	sleep_ms(pick(&self->seed, 100));
	for (i = 0; i < size; i++)
		if (fate_of(i) == IS_CONTINUED)
			ASSERT_EQ(0, kill(pids[i], SIGCONT));
}

static void kill_some(struct crowd_fixture *self, unsigned int size)
{
	pid_t pids[CROWD];
	unsigned int i;
	int reader, status;

	for (i = 0; i < size; i++) {
		reader = open_any(self);
		ASSERT_LE(0, reader);
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i]) {
			close(self->rig.connection);
			close(self->rig.allocator);
			be_killed(reader, &self->doing[i], random_bits(&self->seed));
		}
		/* The numbers of the child are not those of the parent */
		random_bits(&self->seed);
		close(reader);
	}
	sleep_ms(20 + pick(&self->seed, 50));
	stop_some(self, pids, size);
	sleep_ms(pick(&self->seed, 50));
	for (i = 0; i < size; i++) {
		sleep_ms(pick(&self->seed, 8));
		self->killed_when[self->doing[i]]++;
		ASSERT_EQ(0, kill(pids[i], SIGKILL));
	}
	for (i = 0; i < size; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
}

/* The allocator is assigned */
static void kill_readers(struct crowd_fixture *self, unsigned int wanted)
{
	unsigned int killed = 0, size;
	struct footprint before;

	if (wanted > READERS)
		wanted = READERS;

	footprint_take(&before);
	ASSERT_EQ(0, circulate(self->rig.connection, KSSTATE_RUN));
	steady_start(&self->steady, self->rig.connection);
	while (killed < wanted) {
		size = wanted - killed < CROWD ? wanted - killed : CROWD;
		kill_some(self, size);
		killed += size;
	}
	steady_end(&self->steady);
	harness_note("%u readers killed: %u waited, %u held frames, %u exported them; %u frames",
		     killed, self->killed_when[WAITING], self->killed_when[HOLDING],
		     self->killed_when[EXPORTING], self->steady.each[0].frames);
	harness_note("stopped before: %u waited, %u held frames, %u exported them",
		     self->stopped_when[WAITING], self->stopped_when[HOLDING],
		     self->stopped_when[EXPORTING]);
	EXPECT_LT(0, self->killed_when[WAITING]);
	EXPECT_LT(0, self->killed_when[HOLDING]);
	EXPECT_LT(0, self->stopped_when[HOLDING]);
	EXPECT_TRUE(EVENTUALLY(in_device(self->rig.allocator) == MANY));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->rig.allocator));
	EXPECT_FOOTPRINT(&before);
}

/*
 * K2: readers whose processes are stopped, continued and killed delay nobody: others lose no frame.
 * Those that were killed keep none.
 */
TEST_F_TIMEOUT(crowd, heap, LAST_RESORT_S)
{
	need_heap();
	rig_allocator(&self->rig, MANY);
	kill_readers(self, scaled_by("STRESS_KILLS", 2 * READERS));
}

/* K2: the same with the camera's own memory */
TEST_F_TIMEOUT(crowd, own_memory, LAST_RESORT_S)
{
	rig_own_allocator(&self->rig, MANY);
	kill_readers(self, scaled(2 * READERS));
}
