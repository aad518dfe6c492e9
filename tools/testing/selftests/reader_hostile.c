// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process of another user that has only a reader, and tries to write to frames, to use what
 * belongs to others, and to stall them, also by fences that others would wait for. Meanwhile other
 * readers lose no frame, and the picture in a frame that one of them has stays as it is.
 */
#define READERS_WITHOUT_FIXTURE

#include "attacker.h"
#include "fence.h"
#include "ioctls.h"
#include "steady.h"
#include "trap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The number of the descriptor that the process has */
#define READER 3
/* Of other descriptors, above all that the test has */
#define KEPT 600
/* Frames per second if the process uses a processor all the time: the others need more time then */
#define SLOW 10
/* Frames that the reader can have */
#define DEPTH 4
/* And one frame for the reader that keeps its picture */
#define MANY (STEADY_FRAMES + DEPTH + 1)
/* Frames that the steady readers get during the attack, and with a fence on all frames */
#define DURING (MANY / 2)
#define DURING_FENCE (MANY + 2)

FIXTURE(hostile_reader) {
	struct rig rig;
	struct steady_readers steady;
	int reader;
	/* Another reader, and a frame with the picture, which it keeps */
	int keeper;
	struct ksalloc_reader_frame kept;
	struct attack attack;
	/* What must happen before the attack ends: its rounds, and frames of each steady reader */
	unsigned int least_rounds, during;
};

static void keep_picture(struct hostile_reader_fixture *self)
{
	int view;

	self->keeper = reader_with_view(self->rig.connection, 1, &self->kept, &view);
	attack_keep_picture(&self->attack, map_frame(view, FRAME_SIZE, PROT_READ), FRAME_SIZE);
	close(view);
}

static void hostile_reader_start(struct hostile_reader_fixture *self, bool own,
				 unsigned int per_second)
{
	struct rig *rig = &self->rig;

	attack_prepare(&self->attack);
	self->least_rounds = 1;
	self->during = DURING;
	rig_open(rig, 0, WIDTH, HEIGHT);
	ASSERT_EQ(0, set_rate(rig->video, per_second));
	if (own)
		rig_own_allocator(rig, MANY);
	else
		rig_allocator(rig, MANY);
	ASSERT_EQ(0, circulate(rig->connection, KSSTATE_RUN));
	self->reader = reader_open(rig->connection, DEPTH, 0, 0);
	ASSERT_LE(0, self->reader);
	keep_picture(self);
	steady_start(&self->steady, rig->connection);
}

FIXTURE_SETUP(hostile_reader)
{
	hostile_reader_start(self, false, SLOW);
}

FIXTURE_TEARDOWN(hostile_reader)
{
	rig_close(&self->rig);
}

/* The same with memory of the camera, which is the usual one if the kernel has no heap */
FIXTURE(hostile_own) {
	struct hostile_reader_fixture base;
};

FIXTURE_SETUP(hostile_own)
{
	hostile_reader_start(&self->base, true, SLOW);
}

FIXTURE_TEARDOWN(hostile_own)
{
	hostile_reader_teardown(&self->base);
}

/* The same with the file of a fence, which the process has, too */
FIXTURE(hostile_fence) {
	struct hostile_reader_fixture base;
	struct fence fence;
};

/* First the fence: to load vgem, a process runs, and its end can interrupt calls of readers */
FIXTURE_SETUP(hostile_fence)
{
	int file = fence_create(&self->fence);

	ASSERT_EQ(KEPT, dup2(file, KEPT));
	close(file);
	hostile_reader_start(&self->base, false, 25);
	self->base.during = DURING_FENCE;
}

FIXTURE_TEARDOWN(hostile_fence)
{
	hostile_reader_teardown(&self->base);
}

/* Keeps only the reader, and the first @kept of the other descriptors from KEPT on. */
static void keep_reader(int reader, unsigned int kept)
{
	ASSERT_EQ(READER, dup2(reader, READER));
	ASSERT_EQ(0, close_range(READER + 1, KEPT - 1, 0));
	ASSERT_EQ(0, close_range(KEPT + kept, ~0U, 0));
}

static void attack_always(struct hostile_reader_fixture *self, void (*attack)(void))
{
	for (;;) {
		attack();
		attack_end_round(&self->attack);
	}
}

static void be_hostile(struct hostile_reader_fixture *self, void (*attack)(void))
{
	keep_reader(self->reader, 0);
	become_other_user();
	attack_always(self, attack);
}

/* The attack stops no other reader, while it goes on */
static void expect_no_delay(struct hostile_reader_fixture *self)
{
	unsigned int end[STEADY], last;
	bool goes_on = true;
	struct steady *steady;
	int i;

	for (i = 0; i < STEADY; i++)
		end[i] = self->steady.each[i].frames + self->during;
	for (i = 0; i < STEADY; i++) {
		steady = &self->steady.each[i];
		for (last = steady->frames; goes_on && last < end[i]; last = steady->frames)
			goes_on = EVENTUALLY(steady->frames != last);
	}
	EXPECT_TRUE(goes_on);
}

/* Lets the process try everything again and again, and kills it then. */
static void attack_with(struct hostile_reader_fixture *self,
			void (*run)(struct hostile_reader_fixture *self, void (*attack)(void)),
			void (*attack)(void))
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		run(self, attack);
	close(self->reader);
	EXPECT_TRUE(EVENTUALLY(*self->attack.rounds >= self->least_rounds));
	expect_no_delay(self);
	attack_end(&self->attack, child);
	steady_end(&self->steady);
	ASSERT_EQ(0, give(self->keeper, &self->kept));
	close(self->keeper);
	EXPECT_TRUE(EVENTUALLY(in_device(self->rig.allocator) == MANY));
}

/* Writing */

static void open_for_writing(int fd)
{
	char path[64];

	fcntl(fd, F_SETFL, O_RDWR);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_EQ(-1, open(path, O_RDWR));
	ASSERT_EQ(-1, open(path, O_WRONLY | O_TRUNC));
}

static void write_to_file(int view)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	char byte = 0;

	ASSERT_EQ(-1, write(view, &byte, 1));
	ASSERT_EQ(-1, pwrite(view, &byte, 1, 0));
	ASSERT_EQ(-1, ftruncate(view, 0));
	ASSERT_EQ(-1, fallocate(view, 0, 0, FRAME_SIZE));
	ASSERT_EQ(-1, ioctl(view, DMA_BUF_IOCTL_SYNC, &sync));
}

/* In a frame that it has, and in the frames that others have */
static void try_to_write(void)
{
	struct ksalloc_reader_frame frame = { };
	unsigned char *map, before;
	unsigned int index;
	int view;

	ASSERT_EQ(1, take(READER, &frame));
	for (index = 0; index < MANY; index++) {
		view = reader_export(READER, index, frame.generation);
		ASSERT_LE(0, view);
		map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, view, 0);
		ASSERT_TRUE((void *)map != MAP_FAILED);
		before = *map;
		ASSERT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, view, 0) ==
			    MAP_FAILED);
		map_for_writing(view, 0, map, FRAME_SIZE);
		open_for_writing(view);
		write_to_file(view);
		write_by_calls(map);
		if (index == frame.index) {
			write_by_tracer(map);
			ASSERT_EQ(before, *map);
		}
		munmap(map, FRAME_SIZE);
		close(view);
	}
	ASSERT_EQ(0, give(READER, &frame));
}

/* K5: another user finds no way to write to a frame, neither to its own nor to one of others. */
TEST_F_TIMEOUT(hostile_reader, writes, 120)
{
	attack_with(self, be_hostile, try_to_write);
}

/* Calls */

/* Calls that are for other files, and file operations that a reader does not have */
static void call_anything(void)
{
	union ioctl_argument arg;
	const struct ioctl_entry *op;
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	char byte = 0;

	for_each_ioctl(op) {
		if (op->file == FILE_READER)
			continue;
		memset(&arg, 0, sizeof(arg));
		arg.head.size = op->size;
		ASSERT_EQ(-ENOTTY, call_fd(READER, op->request, &arg));
	}
	ASSERT_EQ(-ENOTTY, call_fd(READER, VIDIOC_STREAMOFF, &type));
	ASSERT_EQ(-1, read(READER, &byte, 1));
	ASSERT_EQ(-1, write(READER, &byte, 1));
	ASSERT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, READER, 0) == MAP_FAILED);
	open_for_writing(READER);
}

static void give_of_others(void)
{
	struct ksalloc_reader_frame frame = { };
	unsigned int index;

	ASSERT_EQ(1, take(READER, &frame));
	for (index = 0; index < 2 * MANY; index++)
		if (index != frame.index)
			ASSERT_EQ(-EINVAL, give_index(READER, index, frame.generation));
	ASSERT_EQ(-EINVAL, give_index(READER, 0xffffffff, frame.generation));
	ASSERT_EQ(-EINVAL, give_index(READER, frame.index, frame.generation + 1));
	ASSERT_EQ(0, give(READER, &frame));
	ASSERT_EQ(-EINVAL, give(READER, &frame));
}

static void try_calls(void)
{
	call_anything();
	give_of_others();
}

/* K6: another user can neither change the stream nor give frames of others back. */
TEST_F_TIMEOUT(hostile_reader, calls, 120)
{
	attack_with(self, be_hostile, try_calls);
}

/* Delays */

/* Takes what it can get, and gives nothing back. */
static void hoard(void)
{
	struct ksalloc_reader_frame frames[MANY];
	struct ksalloc_exchange arg = exchange_of(frames, MANY);

	arg.wait_for = 0;
	ASSERT_LE(0, call_fd(READER, KSALLOC_EXCHANGE, &arg));
	ASSERT_GE(DEPTH, reader_info(READER).taken);
	poll_fd(READER, POLLIN, 0);
	ASSERT_EQ(0, cancel_permanently(READER, KSALLOC_READER_CANCEL));
	ASSERT_EQ(-ECANCELED, take(READER, frames));
}

/* K2: another user who keeps all frames that it can get delays nobody. */
TEST_F_TIMEOUT(hostile_reader, gives_nothing, 120)
{
	attack_with(self, be_hostile, hoard);
}

/* Cancels as fast as possible, and once at least while a call waits. */
static void cancel_always(void)
{
	struct ksalloc_cancel cancel = { .size = sizeof(cancel) };
	struct ksalloc_reader_frame frames[DEPTH];
	struct ksalloc_exchange arg = exchange_of(frames, DEPTH);
	struct call call;
	int i;

	call_start(&call, READER, KSALLOC_EXCHANGE, &arg);
	while (!call.done)
		ASSERT_EQ(0, call_fd(READER, KSALLOC_READER_CANCEL, &cancel));
	call_result(&call);
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(0, call_fd(READER, KSALLOC_READER_CANCEL, &cancel));
}

/* K2: nor does another user who cancels all the time. */
TEST_F_TIMEOUT(hostile_reader, cancels, 120)
{
	attack_with(self, be_hostile, cancel_always);
}

/* An EXCHANGE that stops at a page fault, at one of the addresses that it uses */
enum place { ARGUMENT, GIVE, TAKE, PLACES };

static void stop_at(struct trap *trap, enum place place)
{
	static struct ksalloc_reader_frame frame;
	static struct ksalloc_exchange args[PLACES];
	struct ksalloc_exchange *arg = &args[place];

	*arg = exchange_of(place == TAKE ? (void *)trap->page : &frame, 1);
	arg->deadline_ns = 0;
	if (place == GIVE) {
		arg->give = (uintptr_t)trap->page;
		arg->nr_give = 1;
	}
	call_start(&trap->call, READER, KSALLOC_EXCHANGE,
		   place == ARGUMENT ? (void *)trap->page : arg);
	ASSERT_EQ(POLLIN, poll_fd(trap->fault_fd, POLLIN, PATIENCE_MS));
}

/*
 * The page faults end only with the process. It needs a right for them here, but any user can have
 * such memory in other ways, for instance with FUSE
 */
static void be_stopped(struct hostile_reader_fixture *self, void (*attack)(void))
{
	struct trap traps[PLACES];
	const char nothing = 0;
	enum place place;

	for (place = 0; place < PLACES; place++)
		trap_set(&traps[place], TRAP_READ, &nothing, sizeof(nothing));
	for (place = 0; place < PLACES; place++)
		traps[place].fault_fd = dup2(traps[place].fault_fd, KEPT + place);
	keep_reader(self->reader, PLACES);
	become_other_user();
	for (place = 0; place < PLACES; place++)
		stop_at(&traps[place], place);
	attack_always(self, attack);
}

static void look_on(void)
{
	struct ksalloc_cancel cancel = { .size = sizeof(cancel) };
	struct ksalloc_reader_frame frame = { };

	ASSERT_EQ(0, call_fd(READER, KSALLOC_READER_CANCEL, &cancel));
	reader_info(READER);
	if (take_now(READER, &frame) == 1)
		ASSERT_EQ(0, give(READER, &frame));
}

/*
 * K2: nor does another user whose calls stop at page faults, where they read their argument and the
 * frames to give back, and where they describe a frame.
 */
TEST_F_TIMEOUT(hostile_reader, faults, 120)
{
	const char nothing = 0;
	struct trap trap;

	/* The test is skipped if there are no traps */
	trap_set(&trap, TRAP_READ, &nothing, sizeof(nothing));
	close(trap.fault_fd);
	attack_with(self, be_stopped, look_on);
}

/* As a device that writes to all frames, and does not end */
static void fence_frames(__u64 generation)
{
	unsigned int index;
	int view;

	for (index = 0; index < MANY; index++) {
		view = reader_export(READER, index, generation);
		ASSERT_LE(0, view);
		ASSERT_EQ(POLLIN | POLLOUT, poll_fd(view, POLLIN | POLLOUT, 0));
		fence_import(KEPT, view, DMA_BUF_SYNC_RW);
		ASSERT_EQ(0, poll_fd(view, POLLIN | POLLOUT, 0));
		close(view);
	}
}

/* Gets frames, too, so that those of its reader circulate */
static void fence_and_take(void)
{
	struct ksalloc_reader_frame frame = { };
	static bool fenced;

	ASSERT_EQ(1, take(READER, &frame));
	if (!fenced)
		fence_frames(frame.generation);
	fenced = true;
	ASSERT_EQ(0, give(READER, &frame));
}

static void be_fencing(struct hostile_reader_fixture *self, void (*attack)(void))
{
	keep_reader(self->reader, 1);
	become_other_user();
	attack_always(self, attack);
}

/*
 * K2: nor does another user whose device does not finish with the frames. The fence is signalled
 * only when the process has ended, and all frames are in the camera again.
 */
TEST_F_TIMEOUT(hostile_fence, all_frames, 120)
{
	attack_with(&self->base, be_fencing, fence_and_take);
	/* Nothing has waited until vgem signals it */
	EXPECT_EQ(0, poll_fd(KEPT, POLLIN, 0));
	fence_signal(&self->fence);
	close(KEPT);
}

/* cancel_always() can leave frames taken, and hoard() cancels the reader for ever. */
static void try_everything(void)
{
	static unsigned int rounds;

	switch (rounds++) {
	case 0:
		try_to_write();
		try_calls();
		break;
	case 1:
		cancel_always();
		break;
	default:
		hoard();
		break;
	}
}

/* K2, K5, K6: all of this with memory of the camera. */
TEST_F_TIMEOUT(hostile_own, everything, 120)
{
	self->base.least_rounds = 3;
	attack_with(&self->base, be_hostile, try_everything);
}
