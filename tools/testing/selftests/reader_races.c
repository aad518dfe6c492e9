// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers whose calls meet other events: a page fault, a stop, another allocator, a camera that
 * does not respond. readers.c tests what they get.
 */
#include "readers.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trap.h"

FIXTURE(reader_races) {
	struct readers_fixture base;
	int connection, allocator;
};

FIXTURE_SETUP(reader_races)
{
	readers_setup(&self->base);
	self->connection = self->base.connection;
	self->allocator = self->base.allocator;
}

FIXTURE_TEARDOWN(reader_races)
{
	readers_teardown(&self->base);
}

/* K4: in PAUSE, a frame that is given back goes to a waiting client of the allocator. */
TEST_F(reader_races, alloc_in_pause)
{
	int reader = reader_open(self->connection, 1, 0, 0);
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_alloc arg;
	struct call call;

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &frame));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	start_waiter(&call, &arg, self->allocator, 1);
	/* The thread of the feed looks when a client begins to wait. It must not find the frame */
	sleep_ms(100);
	ASSERT_EQ(0, give(reader, &frame));
	if (EXPECT_TRUE(EVENTUALLY(call.done)))
		EXPECT_EQ(frame.index, arg.index);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, call_result(&call));
	close(reader);
}

/*
 * K4: the same if the client begins to wait when the frame has been given back already. Frames of
 * the device's own memory do not stay with the feed then.
 */
TEST_F(reader_races, alloc_begins_in_pause)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	int reader = reader_open(self->connection, 1, 0, 0);
	struct ksalloc_reader_frame frame = { };
	struct call call;

	need_heap();
	ASSERT_LE(0, reader);
	/* The thread of the feed may still run, and give the frame to the device. Then try again */
	do {
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(1, take(reader, &frame));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
		sleep_ms(100);
		ASSERT_EQ(0, give(reader, &frame));
	} while (in_device(self->allocator) == FRAMES);
	call_start(&call, self->allocator, KSALLOC_ALLOC, &arg);
	EXPECT_TRUE(EVENTUALLY(call.done));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, call_result(&call));
	close(reader);
}

/* Frames of an allocator that was taken away are back: to give them back is no mistake. */
TEST_F(reader_races, give_without_allocator)
{
	int reader = reader_open(self->connection, 2, 0, 0);
	struct ksalloc_reader_frame frame = { };

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &frame));
	EXPECT_EQ(1, frame.generation);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_allocator(self->connection, -1));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(0, reader_info(reader).taken);
	EXPECT_EQ(0, give(reader, &frame));
	EXPECT_EQ(-ESTALE, reader_export(reader, 0, frame.generation));
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	EXPECT_EQ(0, give(reader, &frame));
	ASSERT_EQ(1, take(reader, &frame));
	EXPECT_EQ(2, frame.generation);
	close(self->connection);
	self->base.rig.connection = -1;
	EXPECT_EQ(0, give(reader, &frame));
	close(reader);
}

/* An EXCHANGE that has taken a frame, and is stopped where it describes the frame */
static void hold_exchange(struct trap *trap, int reader)
{
	struct ksalloc_exchange arg = exchange_of(NULL, 1), *set;

	arg.deadline_ns = 0;
	trap_set(trap, TRAP_READ, &arg, sizeof(arg));
	/* The argument is in another page than the answer */
	set = mmap(NULL, TRAP_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE((void *)set != MAP_FAILED);
	*set = arg;
	set->take = (uintptr_t)trap->page;
	call_start(&trap->call, reader, KSALLOC_EXCHANGE, set);
	ASSERT_EQ(POLLIN, poll_fd(trap->fault_fd, POLLIN, PATIENCE_MS));
}

/* Lets it continue with EFAULT */
static int fail_exchange(struct trap *trap)
{
	ASSERT_EQ(0, munmap(trap->page, TRAP_PAGE));
	/* This wakes the call, which finds no page then */
	close(trap->fault_fd);
	return call_result(&trap->call);
}

/* K8: another thread waits for the frame that a failed call puts back into the queue. */
TEST_F(reader_races, waiter_gets_what_is_put_back)
{
	int reader = reader_open(self->connection, 1, 0, 0);
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg = exchange_of(&frame, 1);
	struct trap trap;
	struct call call;

	ASSERT_LE(0, reader);
	hold_exchange(&trap, reader);
	EXPECT_EQ(1, reader_info(reader).taken);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	arg.deadline_ns = 0;
	call_start(&call, reader, KSALLOC_EXCHANGE, &arg);
	EXPECT_TRUE(call_waits(&call));
	EXPECT_EQ(-EFAULT, fail_exchange(&trap));
	EXPECT_TRUE(EVENTUALLY(call.done));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(1, call_result(&call));
	close(reader);
}

/* Takes frames of other readers away until the camera needs what @victim has */
static void revoke_from(struct reader_races_fixture *self, int victim)
{
	int greedy = reader_open(self->connection, FRAMES - KEEP, 0, 0);
	struct ksalloc_reader_frame frames[FRAMES] = { };
	struct ksalloc_reader_info before = reader_info(victim);

	ASSERT_LE(0, greedy);
	ASSERT_EQ(FRAMES - KEEP, take_some(greedy, frames, FRAMES - KEEP));
	ASSERT_TRUE(EVENTUALLY(reader_info(victim).revoked > before.revoked));
	close(greedy);
}

/* K8: a frame is revoked before a call fails to describe it. Another thread counts the frame. */
TEST_F(reader_races, revoked_before_it_is_described)
{
	int reader = reader_open(self->connection, 2, 0, KSALLOC_READER_REVOCABLE);
	struct ksalloc_reader_frame frame = { };
	struct trap trap;

	ASSERT_LE(0, reader);
	hold_exchange(&trap, reader);
	revoke_from(self, reader);
	ASSERT_EQ(1, take(reader, &frame));
	EXPECT_EQ(1, frame.revoked);
	EXPECT_EQ(-EFAULT, fail_exchange(&trap));
	ASSERT_EQ(1, turn(reader, &frame));
	EXPECT_GE(1, frame.revoked);
	EXPECT_GE(1, reader_info(reader).revoked);
	close(reader);
}

/*
 * K1: a reader loses a frame if the stream ends and another allocator comes before its call fails
 * to describe it.
 */
TEST_F(reader_races, replaced_before_it_is_described)
{
	int reader = reader_open(self->connection, 2, 0, 0);
	struct ksalloc_reader_frame frame = { };
	struct trap trap;

	ASSERT_LE(0, reader);
	hold_exchange(&trap, reader);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(1, allocated(self->allocator));
	ASSERT_EQ(0, set_allocator(self->connection, -1));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(-EFAULT, fail_exchange(&trap));
	EXPECT_EQ(0, reader_info(reader).taken);
	EXPECT_EQ(0, reader_info(reader).queued);
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	ASSERT_EQ(1, take(reader, &frame));
	EXPECT_EQ(1, frame.lost);
	close(reader);
}

/* K10: the connection ends while a call is at a page fault; the reader ends later. */
TEST_F(reader_races, end_before_it_is_described)
{
	int reader = reader_open(self->connection, 2, 0, 0);
	struct trap trap;

	ASSERT_LE(0, reader);
	hold_exchange(&trap, reader);
	close(self->connection);
	self->base.rig.connection = -1;
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(-EFAULT, fail_exchange(&trap));
	EXPECT_EQ(0, reader_info(reader).taken);
	close(reader);
}

/* K5: the mapping of a view is one of the file that its exporter expects in page faults. */
TEST_F(reader_races, file_of_a_mapping)
{
	int reader = reader_open(self->connection, 1, 0, 0), view, dmabuf;
	unsigned long long inode, found = 0;
	unsigned long start;
	char line[512];
	FILE *maps;
	void *map;

	ASSERT_LE(0, reader);
	view = reader_export(reader, 0, 1);
	dmabuf = export_frame(self->allocator, 0);
	ASSERT_LE(0, view);
	ASSERT_LE(0, dmabuf);
	inode = inode_of(dmabuf);
	map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, view, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	maps = fopen("/proc/self/maps", "r");
	ASSERT_NE(NULL, maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%*x %*s %*x %*s %llu", &start, &inode) == 2 &&
		    start == (unsigned long)map)
			found = inode;
	fclose(maps);
	EXPECT_EQ(inode_of(dmabuf), found);
	EXPECT_EQ(-1, mprotect(map, FRAME_SIZE, PROT_READ | PROT_WRITE));
	munmap(map, FRAME_SIZE);
	close(dmabuf);
	close(view);
	close(reader);
}

/* A frame that the driver has mapped in ACQUIRE is first queued after a pause. */
TEST_F(reader_races, first_queued_after_pause)
{
	int index;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, submit(self->connection, alloc_now(self->allocator)));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	index = alloc_now(self->allocator);
	ASSERT_LE(0, index);
	ASSERT_EQ(0, submit(self->connection, index));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

/* A running stream with the camera's own memory */
FIXTURE(own_races) {
	struct rig rig;
	int reader;
};

FIXTURE_SETUP(own_races)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_own_allocator(&self->rig, FRAMES);
	ASSERT_EQ(0, circulate(self->rig.connection, KSSTATE_RUN));
	self->reader = reader_open(self->rig.connection, 2, 0, 0);
	ASSERT_LE(0, self->reader);
}

FIXTURE_TEARDOWN(own_races)
{
	if (self->reader > 0)
		close(self->reader);
	rig_close(&self->rig);
}

/* K2: close() of a reader does not wait for a camera that does not respond. */
TEST_F(own_races, close)
{
	struct ksalloc_reader_frame frame = { };
	struct held_camera held;
	struct agent agent;
	int theirs;

	ASSERT_EQ(1, take(self->reader, &frame));
	agent_start(&agent);
	theirs = self->reader;
	camera_hold(&held, 0);
	/* The agent's descriptor is the last one */
	close(self->reader);
	self->reader = -1;
	EXPECT_EQ(0, agent_close(&agent, theirs));
	camera_let_go(&held);
	EXPECT_TRUE(EVENTUALLY(in_device(self->rig.allocator) == FRAMES));
}

/* K5: a view of the camera's own memory can only be read. */
TEST_F(own_races, view)
{
	struct ksalloc_reader_frame frame = { };
	const unsigned char *map;
	int view;

	ASSERT_EQ(1, take(self->reader, &frame));
	view = reader_export(self->reader, frame.index, frame.generation);
	ASSERT_LE(0, view);
	EXPECT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, view, 0) ==
		    MAP_FAILED);
	map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, view, 0);
	ASSERT_TRUE((void *)map != MAP_FAILED);
	EXPECT_LT(150, map[PITCH * (HEIGHT - 8) + PITCH / 16]);
	EXPECT_EQ(-1, mprotect((void *)map, FRAME_SIZE, PROT_READ | PROT_WRITE));
	close(view);
	/* The memory outlives the camera's buffers */
	close(self->reader);
	self->reader = -1;
	close(self->rig.connection);
	self->rig.connection = -1;
	close(self->rig.allocator);
	self->rig.allocator = -1;
	EXPECT_LT(150, map[PITCH * (HEIGHT - 8) + PITCH / 16]);
	munmap((void *)map, FRAME_SIZE);
}
