// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine is suspended and resumes while calls wait and the camera streams. No call
 * returns because of this, and the stream continues.
 */
#include "ksalloc_test.h"
#define READERS_WITHOUT_FIXTURE
#include "readers.h"
#include "sleep.h"

#include <fcntl.h>
#include <unistd.h>

/* Shorter than the machine sleeps */
#define SHORT_MS 300

FIXTURE(suspend) {
	struct rig rig;
	int connection, allocator;
};

FIXTURE_SETUP(suspend)
{
	if (!can_sleep())
		SKIP("the kernel has no pm_test");
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
}

FIXTURE_TEARDOWN(suspend)
{
	rig_close(&self->rig);
}

struct poller {
	pthread_t thread;
	int connection, events;
	atomic_bool done;
};

static void *poll_once(void *data)
{
	struct poller *poller = data;

	poller->events = poll_fd(poller->connection, POLLIN, PATIENCE_MS);
	poller->done = true;
	return NULL;
}

/* ALLOC, COMPLETE and poll() wait, because no frame is free and none is submitted. */
static void sleep_with_waiters(struct suspend_fixture *self, const char *level)
{
	struct ksalloc_complete filled = { .size = sizeof(filled) };
	struct poller poller = { .connection = self->connection };
	struct ksalloc_alloc freed = { .size = sizeof(freed) };
	struct call allocating, completing;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	take_all(self->allocator);
	start_waiter(&allocating, &freed, self->allocator, 1);
	start_complete(&completing, &filled, self->connection);
	ASSERT_EQ(0, pthread_create(&poller.thread, NULL, poll_once, &poller));
	ASSERT_TRUE(call_waits(&completing));

	ASSERT_EQ(0, sleep_machine(level, 0));
	EXPECT_TRUE(call_waits(&allocating));
	EXPECT_TRUE(call_waits(&completing));
	EXPECT_FALSE(poller.done);
	EXPECT_EQ(1, waiters(self->allocator));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->connection));

	/* If COMPLETE takes this frame before poll() sees it, poll() needs another frame */
	ASSERT_EQ(0, submit(self->connection, 0));
	EXPECT_EQ(0, call_result(&completing));
	EXPECT_EQ(0, filled.index);
	ASSERT_EQ(0, submit(self->connection, 1));
	pthread_join(poller.thread, NULL);
	EXPECT_EQ(POLLIN, poller.events & POLLIN);
	ASSERT_EQ(0, free_frame(self->allocator, 2));
	EXPECT_EQ(0, call_result(&allocating));
	EXPECT_EQ(2, freed.index);
}

/* B2, I2: calls that wait continue to wait after their processes were frozen. */
TEST_F(suspend, waiters_are_frozen)
{
	sleep_with_waiters(self, SLEEP_FREEZER);
}

/* B2, I2: the same if the devices were suspended, too. */
TEST_F(suspend, waiters_and_devices)
{
	sleep_with_waiters(self, SLEEP_DEVICES);
}

/* @reader: takes the frames; negative for the connection */
struct turner {
	pthread_t thread;
	struct rig *rig;
	int reader;
	atomic_bool stop;
	atomic_uint turns;
	int error;
	unsigned int backward;
};

/* Takes a frame and gives it back; returns an error */
static int turn_by_complete(struct turner *turner, __u32 *sequence)
{
	struct ksalloc_complete frame;
	int index = complete(turner->rig->connection, 0, 0, &frame);

	*sequence = frame.sequence;
	return index < 0 ? index : submit(turner->rig->connection, index);
}

static int turn_by_reader(struct turner *turner, __u32 *sequence)
{
	struct ksalloc_reader_frame frame;
	int count = take(turner->reader, &frame);

	*sequence = frame.sequence;
	return count == 1 ? give(turner->reader, &frame) : count ?: -ETIMEDOUT;
}

static void *turn_until_told(void *data)
{
	struct turner *turner = data;
	__u32 last = 0, sequence;

	while (!turner->stop) {
		turner->error = turner->reader < 0 ? turn_by_complete(turner, &sequence) :
						     turn_by_reader(turner, &sequence);
		if (turner->error < 0)
			break;
		/* If vivid is late, it makes two frames with the same number */
		turner->backward += sequence < last && turner->turns;
		last = sequence;
		turner->turns++;
	}
	return NULL;
}

/* A thread that takes frames gets no error, and sequence numbers that increase. */
static void sleep_while_turning(struct suspend_fixture *self, const char *level, int reader)
{
	struct turner turner = { .rig = &self->rig, .reader = reader };
	unsigned int before;

	ASSERT_EQ(0, pthread_create(&turner.thread, NULL, turn_until_told, &turner));
	ASSERT_TRUE(EVENTUALLY(turner.turns > FRAMES));

	ASSERT_EQ(0, sleep_machine(level, 1));
	before = turner.turns;
	EXPECT_TRUE(EVENTUALLY(turner.turns > before + 2 * FRAMES));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->connection));
	turner.stop = true;
	pthread_join(turner.thread, NULL);
	EXPECT_LE(0, turner.error);
	EXPECT_EQ(0, turner.backward);
}

static void sleep_in_stream(struct suspend_fixture *self, const char *level)
{
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	sleep_while_turning(self, level, -1);
}

/* I2: a stream continues after its process was frozen. */
TEST_F(suspend, stream_is_frozen)
{
	sleep_in_stream(self, SLEEP_FREEZER);
}

/* I2: the same if the devices were suspended, too. */
TEST_F(suspend, stream_and_devices)
{
	sleep_in_stream(self, SLEEP_DEVICES);
}

/* K1: a stream that circulates continues for its readers if the devices were suspended. */
TEST_F(suspend, readers_and_devices)
{
	int reader;

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	reader = reader_open(self->connection, DEEP, 0, 0);
	ASSERT_LE(0, reader);
	sleep_while_turning(self, SLEEP_DEVICES, reader);
	close(reader);
}

/* K1: a reader that waits in PAUSE continues to wait after its process was frozen. */
TEST_F(suspend, waiting_reader_is_frozen)
{
	struct ksalloc_reader_frame frame;
	struct ksalloc_exchange arg = exchange_of(&frame, 1);
	struct call exchanging;
	int reader;

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_PAUSE));
	reader = reader_open(self->connection, DEEP, 0, 0);
	ASSERT_LE(0, reader);
	arg.deadline_ns = 0;
	call_start(&exchanging, reader, KSALLOC_EXCHANGE, &arg);
	ASSERT_TRUE(call_waits(&exchanging));
	ASSERT_EQ(0, sleep_machine(SLEEP_FREEZER, 0));
	EXPECT_TRUE(call_waits(&exchanging));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	EXPECT_EQ(1, call_result(&exchanging));
	EXPECT_EQ(0, give(reader, &frame));
	close(reader);
}

/*
 * K1: a reader that waits in RUN continues to wait if the devices were suspended, too. It gets a
 * frame when the camera gets one.
 */
TEST_F(suspend, waiting_reader_and_devices)
{
	struct ksalloc_reader_frame frame;
	struct ksalloc_exchange arg = exchange_of(&frame, 1);
	struct call exchanging;
	int reader, i;

	take_all(self->allocator);
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	reader = reader_open(self->connection, DEEP, 0, KSALLOC_READER_REVOCABLE);
	ASSERT_LE(0, reader);
	arg.deadline_ns = 0;
	call_start(&exchanging, reader, KSALLOC_EXCHANGE, &arg);
	ASSERT_TRUE(call_waits(&exchanging));
	ASSERT_EQ(0, sleep_machine(SLEEP_DEVICES, 0));
	EXPECT_TRUE(call_waits(&exchanging));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->connection));
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, free_frame(self->allocator, i));
	EXPECT_EQ(1, call_result(&exchanging));
	EXPECT_EQ(0, give(reader, &frame));
	close(reader);
}

/*
 * K2: while a program prepares a hibernation, or a resume from one, no thread fetches frames for a
 * reader that may not do so itself. Afterwards it gets frames again.
 */
TEST_F(suspend, snapshot)
{
	static const int modes[] = { O_RDONLY, O_WRONLY };
	struct ksalloc_reader_frame frame = { };
	int reader, snapshot;
	unsigned int i;

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	reader = reader_open(self->connection, DEEP, 0, KSALLOC_READER_UNTRUSTED);
	ASSERT_LE(0, reader);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(1, take(reader, &frame));
		ASSERT_EQ(0, give(reader, &frame));
		snapshot = open("/dev/snapshot", modes[i] | O_CLOEXEC);
		if (snapshot < 0)
			SKIP("the kernel has no /dev/snapshot");
		while (take_now(reader, &frame) == 1)
			ASSERT_EQ(0, give(reader, &frame));
		sleep_ms(SHORT_MS);
		EXPECT_EQ(0, take_now(reader, &frame));
		close(snapshot);
	}
	EXPECT_EQ(1, take(reader, &frame));
	EXPECT_EQ(0, give(reader, &frame));
	close(reader);
}

/* I2: if a deadline passes while the machine is suspended, the wait ends after it has resumed. */
TEST_F(suspend, deadline_passes)
{
	struct ksalloc_complete filled = { .size = sizeof(filled) };
	struct call completing;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	filled.deadline_ns = in_ms(SHORT_MS);
	call_start(&completing, self->connection, KSALLOC_COMPLETE, &filled);
	ASSERT_TRUE(call_waits(&completing));
	ASSERT_EQ(0, sleep_machine(SLEEP_FREEZER, 1));
	EXPECT_EQ(-ETIMEDOUT, call_result(&completing));
	EXPECT_LE(filled.deadline_ns, now_ns());
}

/* I1: the machine can be suspended in each state, and RUN can be reached from there. */
TEST_F_TIMEOUT(suspend, in_each_state, 60)
{
	static const int states[] = { KSSTATE_STOP, KSSTATE_ACQUIRE, KSSTATE_PAUSE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		ASSERT_EQ(0, set_state(self->connection, states[i]));
		ASSERT_EQ(0, sleep_machine(SLEEP_DEVICES, 0));
		EXPECT_EQ(states[i], get_state(self->connection));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		rig_turn(&self->rig, NULL);
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	}
}
