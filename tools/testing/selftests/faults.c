// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every failure: each ioctl is made to fail at its first point of failure, then
 * at its second, and so on until it comes through untouched. After each failure
 * the error is a right one, and all is as it was before the call.
 *
 * A point is an allocation from a slab, an allocation of pages, or a copy from
 * or to user memory that happens below a function of the module. The kernel's
 * fault injection counts them down (fail-nth), one kind at a time, so that it is
 * known which error is right. The table of descriptors is full during each call:
 * a new descriptor then needs memory.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEBUGFS "/sys/kernel/debug/"
#define SECTION "/sys/module/ksalloc/sections/.text"
#define CORE_SIZE "/sys/module/ksalloc/coresize"

#define FRAMES 3
/* More points than any call has */
#define POINTS_MAX 5000
/* As many descriptors as a table has room for that has not grown yet */
#define TABLE_SIZE 64
/* As deep as the kernel can look for the module on the stack */
#define DEPTH "32"

enum fault_kind { SLAB, PAGES, COPY, KINDS };

static const char * const kind_dirs[KINDS] = {
	DEBUGFS "failslab", DEBUGFS "fail_page_alloc", DEBUGFS "fail_usercopy",
};

static const char * const kind_names[KINDS] = { "slab", "pages", "copies" };

FIXTURE(faults) {
	struct rig rig;
	/* A V4L2 file without a connection, and an allocator that is not assigned */
	int video, second;
	/* A frame that the test has, or a descriptor that it closes */
	int index;
	int fail_nth;
	int fillers[TABLE_SIZE], filled;
};

/* An ioctl, or a kind of use of it, whose failures are tried */
struct operation {
	const char *name;
	/* Brings about what the call needs; nothing where it is there already */
	void (*prepare)(struct faults_fixture *self);
	int (*run)(struct faults_fixture *self);
	/* Takes the effects of a success back */
	void (*undo)(struct faults_fixture *self, int result);
	/* What may be said for lack of memory, beside ENOMEM */
	int also;
	/* What may be said for a copy that failed, beside EFAULT */
	int also_copy;
	/* The way down, which does not fail for lack of memory */
	bool never_fails;
	/* At least so many points */
	unsigned int points[KINDS];
};

/* What all tests of this run together have done */
struct tally {
	unsigned int operations;
	unsigned int injected[KINDS];
	unsigned int failed;
	/* Of the operation at hand */
	unsigned int points[KINDS];
	unsigned long long prepare_dmabuf[2];
};

static struct tally *tally;

static __attribute__((constructor)) void make_tally(void)
{
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* The kernel's fault injection */

static int set_attribute(enum fault_kind kind, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", kind_dirs[kind], name);
	return write_text(path, value);
}

static bool can_inject(void)
{
	char path[128];
	int kind;

	for (kind = 0; kind < KINDS; kind++) {
		snprintf(path, sizeof(path), "%s/stacktrace-depth",
			 kind_dirs[kind]);
		if (access(path, F_OK))
			return false;
	}
	return !access("/proc/thread-self/fail-nth", F_OK);
}

static unsigned long long number_in(const char *path)
{
	char text[64] = "";

	ASSERT_LT(0, read_text(path, text, sizeof(text)));
	return strtoull(text, NULL, 0);
}

/* The compiler can have made a function's variant, and given that a suffix. */
static bool names(const char *name, const char *function)
{
	size_t length = strlen(function);

	return !strncmp(name, function, length) &&
	       (!name[length] || !strncmp(name + length, ".constprop", 10) ||
		!strncmp(name + length, ".isra", 5)) && !strstr(name, ".cold");
}

/* Where a function of the kernel's is in memory; it ends where the next begins. */
static void find_symbol(FILE *symbols, const char *wanted,
			unsigned long long range[2])
{
	unsigned long long address;
	char name[256];

	rewind(symbols);
	range[0] = 0;
	while (!range[0] &&
	       fscanf(symbols, "%llx %*c %255s%*[^\n]", &address, name) >= 1)
		if (names(name, wanted))
			range[0] = address;
	ASSERT_NE(0, range[0]);
	/* Those of a module are in no order. */
	rewind(symbols);
	range[1] = ULLONG_MAX;
	while (fscanf(symbols, "%llx %*c %255s%*[^\n]", &address, name) >= 1)
		if (address > range[0] && address < range[1])
			range[1] = address;
}

/* It takes a while to find it: once is enough. */
static void find_prepare_dmabuf(void)
{
	FILE *symbols;

	if (tally->prepare_dmabuf[1])
		return;
	symbols = fopen("/proc/kallsyms", "r");
	ASSERT_NE(NULL, symbols);
	find_symbol(symbols, "__prepare_dmabuf", tally->prepare_dmabuf);
	fclose(symbols);
}

static void set_range(enum fault_kind kind, const char *what,
		      const unsigned long long range[2])
{
	char name[32], value[32];

	snprintf(name, sizeof(name), "%s-start", what);
	snprintf(value, sizeof(value), "%#llx", range[0]);
	ASSERT_EQ(0, set_attribute(kind, name, value));
	snprintf(name, sizeof(name), "%s-end", what);
	snprintf(value, sizeof(value), "%#llx", range[1]);
	ASSERT_EQ(0, set_attribute(kind, name, value));
}

/*
 * Only what happens below the module counts, and not below the function by which
 * videobuf2 takes a dma-buf: where it cannot attach one, 6.12 loses it, and it warns
 * of one that it cannot map for itself.
 */
static void set_up_injection(void)
{
	unsigned long long module[2];
	int kind;

	module[0] = number_in(SECTION);
	module[1] = module[0] + number_in(CORE_SIZE);
	find_prepare_dmabuf();
	for (kind = 0; kind < KINDS; kind++) {
		ASSERT_EQ(0, set_attribute(kind, "verbose", "0"));
		ASSERT_EQ(0, set_attribute(kind, "stacktrace-depth", "0"));
		set_range(kind, "require", module);
		set_range(kind, "reject", tally->prepare_dmabuf);
	}
	ASSERT_EQ(0, set_attribute(SLAB, "ignore-gfp-wait", "N"));
	ASSERT_EQ(0, set_attribute(PAGES, "ignore-gfp-wait", "N"));
	ASSERT_EQ(0, set_attribute(PAGES, "ignore-gfp-highmem", "N"));
	ASSERT_EQ(0, set_attribute(PAGES, "min-order", "0"));
}

/* Without a depth nothing is found on the stack, and nothing counted. */
static void choose_kind(enum fault_kind chosen)
{
	int kind;

	for (kind = 0; kind < KINDS; kind++)
		ASSERT_EQ(0, set_attribute(kind, "stacktrace-depth",
					   kind == (int)chosen ? DEPTH : "0"));
}

static void arm(struct faults_fixture *self, unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	ASSERT_EQ(length, pwrite(self->fail_nth, text, length, 0));
}

/* Returns whether there was a failure. */
static bool disarm(struct faults_fixture *self)
{
	char text[16] = "";

	ASSERT_LT(0, pread(self->fail_nth, text, sizeof(text) - 1, 0));
	arm(self, 0);
	return atoi(text) == 0;
}

static void fill_table(struct faults_fixture *self)
{
	int fd;

	self->filled = 0;
	while ((fd = dup(self->rig.heap)) < TABLE_SIZE) {
		ASSERT_LE(0, fd);
		self->fillers[self->filled++] = fd;
		if (fd == TABLE_SIZE - 1)
			return;
	}
	close(fd);
}

static void empty_table(struct faults_fixture *self)
{
	while (self->filled)
		close(self->fillers[--self->filled]);
}

/* What a failed call does not change */
struct account {
	struct footprint footprint;
	struct ksalloc_status status;
	int state, pending;
	/* Pages of address space */
	int size;
};

static void account_take(struct faults_fixture *self, struct account *account)
{
	memset(account, 0, sizeof(*account));
	footprint_take(&account->footprint);
	account->state = get_state(self->rig.connection);
	account->pending = get_pending(self->rig.connection);
	ASSERT_EQ(0, get_status(self->rig.allocator, &account->status));
	account->size = number_in("/proc/self/statm");
}

static bool expect_account(struct faults_fixture *self,
			   const struct account *before)
{
	struct account after;
	bool same = true;

	account_take(self, &after);
	if (memcmp(&before->footprint, &after.footprint,
		   sizeof(after.footprint)))
		/* Waits a while, and says what differs */
		EXPECT_FOOTPRINT(&before->footprint);
	same &= EXPECT_EQ(before->state, after.state);
	same &= EXPECT_EQ(before->pending, after.pending);
	same &= EXPECT_EQ(before->status.status.allocated_frames,
			  after.status.status.allocated_frames);
	same &= EXPECT_EQ(before->status.in_device, after.status.in_device);
	same &= EXPECT_EQ(before->status.waiters, after.status.waiters);
	same &= EXPECT_EQ(0, memcmp(&before->status, &after.status,
				    sizeof(after.status)));
	same &= EXPECT_EQ(before->size, after.size);
	return same;
}

static bool error_is_right(const struct operation *op, enum fault_kind kind, int err)
{
	if (kind == COPY)
		return err == -EFAULT || (op->also_copy && err == -op->also_copy);
	return !op->never_fails && (err == -ENOMEM || err == -op->also);
}

/* One call; returns whether a failure was injected into it. */
static bool attempt(struct faults_fixture *self, const struct operation *op,
		    enum fault_kind kind, unsigned int nth)
{
	struct account before;
	bool injected, good = true;
	int result;

	op->prepare(self);
	account_take(self, &before);
	fill_table(self);
	arm(self, nth);
	result = op->run(self);
	injected = disarm(self);
	empty_table(self);

	if (result >= 0) {
		op->undo(self, result);
		return injected;
	}
	good &= EXPECT_TRUE(injected);
	good &= EXPECT_TRUE(error_is_right(op, kind, result));
	good &= expect_account(self, &before);
	if (!good)
		harness_note("%s: %s, point %u: %s", op->name,
			     kind_names[kind], nth, strerrorname_np(-result));
	tally->failed++;
	/* A call that fails without a reason would do so for ever. */
	ASSERT_TRUE(injected);
	return injected;
}

static void sweep(struct faults_fixture *self, const struct operation *op,
		  enum fault_kind kind)
{
	unsigned int nth = 1;

	self->fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fail_nth);
	choose_kind(kind);
	while (attempt(self, op, kind, nth)) {
		nth++;
		ASSERT_LT(nth, POINTS_MAX);
	}
	tally->points[kind] = nth - 1;
	tally->injected[kind] += nth - 1;
	/* The next kind's process begins where this one did. */
	op->prepare(self);
	close(self->fail_nth);
}

/*
 * Tries all failures of an operation. Each kind has a process of its own, whose
 * table of descriptors is of the least size.
 */
static void inject(struct faults_fixture *self, const struct operation *op)
{
	int kind, status;

	/* What is there to be made once is made now. */
	op->prepare(self);
	op->undo(self, op->run(self));
	memset(tally->points, 0, sizeof(tally->points));
	for (kind = 0; kind < KINDS; kind++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			sweep(self, op, kind);
			_exit(0);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
	}
	harness_note("%s: %u failures of slab, %u of pages, %u of copies",
		     op->name, tally->points[SLAB], tally->points[PAGES],
		     tally->points[COPY]);
	for (kind = 0; kind < KINDS; kind++)
		EXPECT_LE(op->points[kind], tally->points[kind]);
	tally->operations++;
}

FIXTURE_SETUP(faults)
{
	if (!can_inject())
		SKIP("the kernel injects no failures");
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->second = create_allocator(self->rig.connection, self->rig.heap,
					FRAMES, 0);
	ASSERT_LE(0, self->second);
	self->video = open_camera(1);
	ASSERT_EQ(0, set_format(self->video, 320, 180));
	self->index = -1;
	set_up_injection();
}

FIXTURE_TEARDOWN(faults)
{
	int kind;

	if (can_inject())
		for (kind = 0; kind < KINDS; kind++)
			set_attribute(kind, "stacktrace-depth", "0");
	if (self->second > 0)
		close(self->second);
	if (self->video > 0)
		close(self->video);
	rig_close(&self->rig);
}

/* Makes a call, and sees that a failure does not touch its argument. */
static int call(int fd, unsigned long request, void *arg, size_t size)
{
	unsigned char before[256];
	int result;

	ASSERT_LE(size, sizeof(before));
	memcpy(before, arg, size);
	result = call_fd(fd, request, arg);
	if (result < 0 && result != -EFAULT)
		EXPECT_EQ(0, memcmp(before, arg, size));
	return result;
}

static void prepare_nothing(struct faults_fixture *self)
{
	(void)self;
}

static void undo_nothing(struct faults_fixture *self, int result)
{
	(void)self;
	ASSERT_LE(0, result);
}

static void undo_descriptor(struct faults_fixture *self, int fd)
{
	(void)self;
	ASSERT_LE(0, fd);
	close(fd);
}

/* A state, with all frames submitted where that is possible */
static void prepare_state(struct faults_fixture *self, unsigned int state)
{
	ASSERT_EQ(0, set_state(self->rig.connection, state));
	if (state < KSSTATE_PAUSE)
		return;
	rig_submit_all(&self->rig);
	ASSERT_EQ(FRAMES, get_pending(self->rig.connection));
}

static void prepare_stop(struct faults_fixture *self)
{
	prepare_state(self, KSSTATE_STOP);
}

static void prepare_acquire(struct faults_fixture *self)
{
	prepare_state(self, KSSTATE_ACQUIRE);
}

static void prepare_pause(struct faults_fixture *self)
{
	prepare_state(self, KSSTATE_PAUSE);
}

static void prepare_run(struct faults_fixture *self)
{
	prepare_state(self, KSSTATE_RUN);
}

/* CONNECT leaves no connection and no hold on the V4L2 file where it fails. */
static int run_connect(struct faults_fixture *self)
{
	struct ksalloc_connect arg = {
		.size = sizeof(arg),
		.v4l2_fd = self->video,
	};

	return call(self->rig.ksalloc, KSALLOC_CONNECT, &arg, sizeof(arg));
}

TEST_F_TIMEOUT(faults, connect, 60)
{
	static const struct operation op = {
		.name = "CONNECT",
		.prepare = prepare_nothing,
		.run = run_connect,
		.undo = undo_descriptor,
		.points = { [SLAB] = 5, [COPY] = 1 },
	};

	inject(self, &op);
}

static int run_get_framing(struct faults_fixture *self)
{
	struct ksalloc_get_framing arg = { .size = sizeof(arg) };

	return call(self->rig.connection, KSALLOC_GET_FRAMING, &arg, sizeof(arg));
}

/* GET_FRAMING fails only where its argument cannot be copied. */
TEST_F(faults, get_framing)
{
	static const struct operation op = {
		.name = "GET_FRAMING",
		.prepare = prepare_nothing,
		.run = run_get_framing,
		.undo = undo_nothing,
		.points = { [COPY] = 2 },
	};

	inject(self, &op);
}

static int run_create_allocator(struct faults_fixture *self)
{
	struct ksalloc_create_allocator arg = {
		.size = sizeof(arg),
		.heap_fd = self->rig.heap,
		.framing = {
			.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
			.frames = FRAMES,
		},
	};

	return call(self->rig.connection, KSALLOC_CREATE_ALLOCATOR, &arg, sizeof(arg));
}

/*
 * CREATE_ALLOCATOR keeps no frame, descriptor or address space, whichever frame
 * it fails at. A file that cannot copy what it has been asked as a heap is
 * taken for none: EINVAL.
 */
TEST_F_TIMEOUT(faults, create_allocator, 90)
{
	static const struct operation op = {
		.name = "CREATE_ALLOCATOR",
		.prepare = prepare_nothing,
		.run = run_create_allocator,
		.undo = undo_descriptor,
		.also_copy = EINVAL,
		.points = { [SLAB] = 30, [PAGES] = 6, [COPY] = 1 + 2 * FRAMES },
	};

	inject(self, &op);
}

static int run_set_allocator(struct faults_fixture *self)
{
	struct ksalloc_set_allocator arg = {
		.size = sizeof(arg),
		.allocator_fd = self->second,
	};

	return call(self->rig.connection, KSALLOC_SET_ALLOCATOR, &arg, sizeof(arg));
}

static void undo_set_allocator(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, set_allocator(self->rig.connection, self->rig.allocator));
}

/* SET_ALLOCATOR that fails leaves the allocator that was assigned. */
TEST_F(faults, set_allocator)
{
	static const struct operation op = {
		.name = "SET_ALLOCATOR",
		.prepare = prepare_nothing,
		.run = run_set_allocator,
		.undo = undo_set_allocator,
		.points = { [COPY] = 1 },
	};

	inject(self, &op);
	/* It is the same one still. */
	prepare_pause(self);
}

static int run_set_state(struct faults_fixture *self, unsigned int state)
{
	struct ksalloc_set_state arg = { .size = sizeof(arg), .state = state };

	return call(self->rig.connection, KSALLOC_SET_STATE, &arg, sizeof(arg));
}

static int run_stop(struct faults_fixture *self)
{
	return run_set_state(self, KSSTATE_STOP);
}

static int run_acquire(struct faults_fixture *self)
{
	return run_set_state(self, KSSTATE_ACQUIRE);
}

static int run_pause(struct faults_fixture *self)
{
	return run_set_state(self, KSSTATE_PAUSE);
}

static int run_run(struct faults_fixture *self)
{
	return run_set_state(self, KSSTATE_RUN);
}

/*
 * videobuf2 makes as many buffers as it can, and the module has to take that for
 * a device that has not more.
 */
#define ACQUIRE_ERROR EOPNOTSUPP

/* A capture with all frames, after whatever happened to it */
static void expect_capture(struct faults_fixture *self)
{
	int i;

	prepare_run(self);
	for (i = 0; i < 2 * FRAMES; i++)
		rig_turn(&self->rig, NULL);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->rig.allocator));
}

/* STOP to ACQUIRE that fails leaves the device to others. */
TEST_F_TIMEOUT(faults, stop_to_acquire, 60)
{
	static const struct operation op = {
		.name = "SET_STATE, STOP to ACQUIRE",
		.prepare = prepare_stop,
		.run = run_acquire,
		.undo = undo_nothing,
		.also = ACQUIRE_ERROR,
		.points = { [SLAB] = 8, [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* ACQUIRE to PAUSE needs nothing, and so fails for EFAULT only. */
TEST_F(faults, acquire_to_pause)
{
	static const struct operation op = {
		.name = "SET_STATE, ACQUIRE to PAUSE",
		.prepare = prepare_acquire,
		.run = run_pause,
		.undo = undo_nothing,
		.points = { [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* In PAUSE, with frames that the device has had before and is to have again */
static void prepare_resume(struct faults_fixture *self)
{
	prepare_run(self);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
}

/* PAUSE to RUN that fails leaves the frames submitted. */
TEST_F_TIMEOUT(faults, pause_to_run, 60)
{
	static const struct operation op = {
		.name = "SET_STATE, PAUSE to RUN",
		.prepare = prepare_pause,
		.run = run_run,
		.undo = undo_nothing,
		.points = { [SLAB] = 1, [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* It is the same after RUN, when frames wait in front of the device's queue. */
TEST_F_TIMEOUT(faults, pause_to_run_again, 60)
{
	static const struct operation op = {
		.name = "SET_STATE, RUN to PAUSE to RUN",
		.prepare = prepare_resume,
		.run = run_run,
		.undo = undo_nothing,
		.points = { [SLAB] = 1, [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* STOP to RUN that fails at any step walks back to STOP. */
TEST_F_TIMEOUT(faults, stop_to_run, 60)
{
	static const struct operation op = {
		.name = "SET_STATE, STOP to RUN",
		.prepare = prepare_stop,
		.run = run_run,
		.undo = undo_nothing,
		.also = ACQUIRE_ERROR,
		.points = { [SLAB] = 9, [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* The way down succeeds with whatever failure, but for EFAULT: one step, */
TEST_F_TIMEOUT(faults, run_to_pause, 60)
{
	static const struct operation op = {
		.name = "SET_STATE, RUN to PAUSE",
		.prepare = prepare_run,
		.run = run_pause,
		.undo = undo_nothing,
		.never_fails = true,
		.points = { [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* the next, */
TEST_F_TIMEOUT(faults, pause_to_acquire, 60)
{
	static const struct operation op = {
		.name = "SET_STATE, PAUSE to ACQUIRE",
		.prepare = prepare_pause,
		.run = run_acquire,
		.undo = undo_nothing,
		.never_fails = true,
		.points = { [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* the last, */
TEST_F_TIMEOUT(faults, acquire_to_stop, 60)
{
	static const struct operation op = {
		.name = "SET_STATE, ACQUIRE to STOP",
		.prepare = prepare_acquire,
		.run = run_stop,
		.undo = undo_nothing,
		.never_fails = true,
		.points = { [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* and all of them at once. */
TEST_F_TIMEOUT(faults, run_to_stop, 60)
{
	static const struct operation op = {
		.name = "SET_STATE, RUN to STOP",
		.prepare = prepare_run,
		.run = run_stop,
		.undo = undo_nothing,
		.never_fails = true,
		.points = { [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

static int run_get_state(struct faults_fixture *self)
{
	struct ksalloc_get_state arg = { .size = sizeof(arg) };

	return call(self->rig.connection, KSALLOC_GET_STATE, &arg, sizeof(arg));
}

/* GET_STATE fails only where its argument cannot be copied. */
TEST_F(faults, get_state)
{
	static const struct operation op = {
		.name = "GET_STATE",
		.prepare = prepare_run,
		.run = run_get_state,
		.undo = undo_nothing,
		.points = { [COPY] = 2 },
	};

	inject(self, &op);
}

/* All frames are submitted but one, which the test has. */
static void prepare_frame(struct faults_fixture *self, unsigned int state)
{
	struct ksalloc_status status = { 0 };
	int index;

	ASSERT_EQ(0, get_status(self->rig.allocator, &status));
	if (status.in_device == FRAMES - 1 && self->index >= 0)
		return;
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	for (index = 0; index < FRAMES; index++)
		free_frame(self->rig.allocator, index);
	ASSERT_EQ(0, set_state(self->rig.connection, state));
	self->index = alloc_now(self->rig.allocator);
	ASSERT_LE(0, self->index);
	ASSERT_EQ(FRAMES - 1, rig_submit_all(&self->rig));
}

static void prepare_frame_in_pause(struct faults_fixture *self)
{
	prepare_frame(self, KSSTATE_PAUSE);
}

static void prepare_frame_in_run(struct faults_fixture *self)
{
	prepare_frame(self, KSSTATE_RUN);
}

static int run_submit(struct faults_fixture *self)
{
	struct ksalloc_submit arg = {
		.size = sizeof(arg),
		.index = self->index,
	};

	return call(self->rig.connection, KSALLOC_SUBMIT, &arg, sizeof(arg));
}

static void undo_submit(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	self->index = -1;
}

/* SUBMIT that fails leaves the frame to its owner. */
TEST_F(faults, submit)
{
	static const struct operation op = {
		.name = "SUBMIT",
		.prepare = prepare_frame_in_pause,
		.run = run_submit,
		.undo = undo_submit,
		.points = { [SLAB] = 1, [COPY] = 1 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* It is the same while the device runs. */
TEST_F(faults, submit_in_run)
{
	static const struct operation op = {
		.name = "SUBMIT in RUN",
		.prepare = prepare_frame_in_run,
		.run = run_submit,
		.undo = undo_submit,
		.points = { [SLAB] = 1, [COPY] = 1 },
	};

	inject(self, &op);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	expect_capture(self);
}

static int run_complete(struct faults_fixture *self)
{
	struct ksalloc_complete arg = {
		.size = sizeof(arg),
		.deadline_ns = in_ms(PATIENCE_MS),
	};
	int result = call(self->rig.connection, KSALLOC_COMPLETE, &arg,
			  sizeof(arg));

	self->index = arg.index;
	return result;
}

static void prepare_filled(struct faults_fixture *self)
{
	prepare_run(self);
	ASSERT_TRUE(poll_fd(self->rig.connection, POLLIN, PATIENCE_MS) & POLLIN);
}

static void undo_complete(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, submit(self->rig.connection, self->index));
}

/* COMPLETE that fails leaves the filled frame for the next COMPLETE. */
TEST_F(faults, complete)
{
	static const struct operation op = {
		.name = "COMPLETE",
		.prepare = prepare_filled,
		.run = run_complete,
		.undo = undo_complete,
		.points = { [COPY] = 2 },
	};

	inject(self, &op);
	expect_capture(self);
}

/* Nothing is filled: the device has begun just now. */
static void prepare_unfilled(struct faults_fixture *self)
{
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	prepare_run(self);
}

/* It is the same where COMPLETE has to wait. */
TEST_F(faults, complete_waiting)
{
	static const struct operation op = {
		.name = "COMPLETE that waits",
		.prepare = prepare_unfilled,
		.run = run_complete,
		.undo = undo_complete,
		.points = { [COPY] = 2 },
	};

	inject(self, &op);
	expect_capture(self);
}

static int run_alloc_with(struct faults_fixture *self, unsigned int flags)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = flags,
		.deadline_ns = in_ms(PATIENCE_MS),
	};
	int result = call(self->rig.allocator, KSALLOC_ALLOC, &arg,
			  sizeof(arg));

	self->index = arg.index;
	if (result)
		return result;
	return flags & KSALLOC_ALLOC_DMABUF ? arg.dmabuf_fd : 0;
}

static int run_alloc(struct faults_fixture *self)
{
	return run_alloc_with(self, KSALLOC_NONBLOCK);
}

static void undo_alloc(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, free_frame(self->rig.allocator, self->index));
}

/* ALLOC that fails takes no frame. */
TEST_F(faults, alloc)
{
	static const struct operation op = {
		.name = "ALLOC",
		.prepare = prepare_nothing,
		.run = run_alloc,
		.undo = undo_alloc,
		.points = { [COPY] = 2 },
	};

	inject(self, &op);
}

static int run_alloc_dmabuf(struct faults_fixture *self)
{
	return run_alloc_with(self, KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF);
}

static void undo_alloc_dmabuf(struct faults_fixture *self, int fd)
{
	undo_descriptor(self, fd);
	undo_alloc(self, 0);
}

/* ALLOC with a descriptor takes neither frame nor descriptor where it fails. */
TEST_F(faults, alloc_dmabuf)
{
	static const struct operation op = {
		.name = "ALLOC with DMABUF",
		.prepare = prepare_nothing,
		.run = run_alloc_dmabuf,
		.undo = undo_alloc_dmabuf,
		.points = { [SLAB] = 2, [COPY] = 2 },
	};

	inject(self, &op);
}

/* Frees a frame once somebody waits for it. */
struct giver {
	int allocator;
	atomic_bool stop;
	bool gave;
};

static void *give(void *data)
{
	struct giver *giver = data;

	while (!giver->stop && waiters(giver->allocator) < 1)
		sleep_ms(1);
	giver->gave = waiters(giver->allocator) == 1 &&
		      !free_frame(giver->allocator, 0);
	return NULL;
}

static void prepare_none_free(struct faults_fixture *self)
{
	while (alloc_now(self->rig.allocator) >= 0)
		;
	ASSERT_EQ(FRAMES, allocated(self->rig.allocator));
}

/* A frame that was given and not taken must be free: it is taken here. */
static int run_alloc_waiting(struct faults_fixture *self)
{
	struct giver giver = { .allocator = self->rig.allocator };
	pthread_t thread;
	int result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, give, &giver));
	result = run_alloc_with(self, KSALLOC_ALLOC_DMABUF);
	atomic_store(&giver.stop, true);
	pthread_join(thread, NULL);
	if (result < 0 && giver.gave)
		EXPECT_EQ(0, alloc_now(self->rig.allocator));
	return result;
}

/* ALLOC that waited and fails gives the frame back that it was given. */
TEST_F(faults, alloc_waiting)
{
	static const struct operation op = {
		.name = "ALLOC that waits",
		.prepare = prepare_none_free,
		.run = run_alloc_waiting,
		.undo = undo_descriptor,
		.points = { [SLAB] = 2, [COPY] = 2 },
	};

	inject(self, &op);
}

static void prepare_allocated(struct faults_fixture *self)
{
	if (!allocated(self->rig.allocator))
		self->index = alloc_now(self->rig.allocator);
	ASSERT_LE(0, self->index);
}

static int run_free(struct faults_fixture *self)
{
	struct ksalloc_free arg = { .size = sizeof(arg), .index = self->index };

	return call(self->rig.allocator, KSALLOC_FREE, &arg, sizeof(arg));
}

/* FREE that fails leaves the frame allocated. */
TEST_F(faults, free)
{
	static const struct operation op = {
		.name = "FREE",
		.prepare = prepare_allocated,
		.run = run_free,
		.undo = undo_nothing,
		.points = { [COPY] = 1 },
	};

	inject(self, &op);
}

static int run_export(struct faults_fixture *self)
{
	struct ksalloc_export arg = { .size = sizeof(arg), .index = 1 };

	return call(self->rig.allocator, KSALLOC_EXPORT, &arg, sizeof(arg));
}

/* EXPORT that fails leaves no descriptor and no reference. */
TEST_F(faults, export)
{
	static const struct operation op = {
		.name = "EXPORT",
		.prepare = prepare_nothing,
		.run = run_export,
		.undo = undo_descriptor,
		.points = { [SLAB] = 2, [COPY] = 1 },
	};

	inject(self, &op);
}

static int run_status(struct faults_fixture *self)
{
	struct ksalloc_status arg = { .size = sizeof(arg) };

	return call(self->rig.allocator, KSALLOC_STATUS, &arg, sizeof(arg));
}

/* STATUS fails only where its argument cannot be copied. */
TEST_F(faults, status)
{
	static const struct operation op = {
		.name = "STATUS",
		.prepare = prepare_nothing,
		.run = run_status,
		.undo = undo_nothing,
		.points = { [COPY] = 2 },
	};

	inject(self, &op);
}

/* The other camera's connection, running with the second allocator's frames */
static void prepare_running(struct faults_fixture *self)
{
	int index;

	self->index = do_connect(self->rig.ksalloc, self->video);
	ASSERT_LE(0, self->index);
	ASSERT_EQ(0, set_allocator(self->index, self->second));
	ASSERT_EQ(0, set_state(self->index, KSSTATE_RUN));
	while ((index = alloc_now(self->second)) >= 0)
		ASSERT_EQ(0, submit(self->index, index));
}

static int run_close(struct faults_fixture *self)
{
	return close(self->index) ? -errno : 0;
}

static void undo_close(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	EXPECT_TRUE(EVENTUALLY(allocated(self->second) == 0));
}

/*
 * The end of a connection is no ioctl, and nobody could be told of a failure
 * either: all frames come back whatever fails.
 */
TEST_F_TIMEOUT(faults, close, 60)
{
	static const struct operation op = {
		.name = "close() in RUN",
		.prepare = prepare_running,
		.run = run_close,
		.undo = undo_close,
		.never_fails = true,
	};

	inject(self, &op);
}

/* The tests above together have made each ioctl fail, and how often is said. */
TEST(total)
{
	unsigned int sum = tally->injected[SLAB] + tally->injected[PAGES] +
			   tally->injected[COPY];

	if (!tally->operations)
		SKIP("no failure was injected");
	harness_note("%u operations: %u failures injected", tally->operations,
		     sum);
	harness_note("%u of slab, %u of pages, %u of copies; %u calls failed",
		     tally->injected[SLAB], tally->injected[PAGES],
		     tally->injected[COPY], tally->failed);
	EXPECT_LE(tally->operations - 1, sum);
	EXPECT_LT(0, tally->failed);
}
