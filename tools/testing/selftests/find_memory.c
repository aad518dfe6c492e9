// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_find_memory() and ks_try_memory() of libks, on real devices and with the memory that the
 * kernel really has. tools/lib/test/test-memory.c tests the rules with a model.
 */
#include "ksalloc_test.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ks/ks.h>

#include "box.h"
#include "pin.h"

#define NOBODY 65534
#define FRAMES 3
#define WIDTH 320
#define HEIGHT 180
#define WHITE ((HEIGHT - 8) * WIDTH * 2 + 16)
#define BLACK ((HEIGHT - 7) * WIDTH * 2 - 16)
#define LARGE_FRAME (4 << 20)
/* The heap of the debug kernel with contiguous memory */
#define CMA_HEAP "reserved"
#define HIDDEN LIBKS_UDMABUF_DEVICE ".hidden"

static const struct ksallocator_framing some = { .frames = FRAMES };

/* A connected camera, and what was tried with it */
struct trial {
	struct rig rig;
	struct ks_memory_report report;
};

FIXTURE(memory) {
	struct trial trial;
};

FIXTURE_SETUP(memory)
{
	rig_open(&self->trial.rig, 0, WIDTH, HEIGHT);
}

FIXTURE_TEARDOWN(memory)
{
	rename(HIDDEN, LIBKS_UDMABUF_DEVICE);
	rig_close(&self->trial.rig);
}

static const struct ks_memory_attempt *find(const struct trial *self, const char *name)
{
	__u32 i;

	for (i = 0; i < self->report.count; i++)
		if (!strcmp(self->report.attempt[i].name, name))
			return &self->report.attempt[i];
	return NULL;
}

static void expect_attempt(const struct trial *self, const char *name,
			   enum ks_memory_step step, int error, enum ks_memory_help help)
{
	const struct ks_memory_attempt *attempt = find(self, name);

	if (!EXPECT_TRUE(attempt)) {
		harness_note("(%s)", name);
		return;
	}
	if (EXPECT_EQ(step, attempt->step) + EXPECT_EQ(error, attempt->error) +
	    EXPECT_EQ(help, attempt->help) != 3)
		harness_note("(%s)", name);
}

/* Takes over the allocator; its frames are filled */
static void expect_stream(struct trial *self, int allocator)
{
	ASSERT_LE(0, allocator);
	self->rig.allocator = allocator;
	EXPECT_EQ(KSSTATE_STOP, get_state(self->rig.connection));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	rig_turn(&self->rig, NULL);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
}

static bool has_udmabuf(void)
{
	return !access(LIBKS_UDMABUF_DEVICE, F_OK);
}

/* The system heap comes first, and is used if it works. Each dma-buf has the allocator's name. */
TEST_F(memory, heap)
{
	struct trial *trial = &self->trial;
	char id[16], name[128];
	int allocator;

	need_heap();
	allocator = ks_find_memory(trial->rig.connection, &some, NULL, &trial->report);
	ASSERT_LE(0, allocator);
	EXPECT_EQ(1, trial->report.count);
	expect_attempt(trial, "system", LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	ASSERT_TRUE(fdinfo_value(allocator, "id", id, sizeof(id)));
	snprintf(name, sizeof(name), "grep -q '\tksalloc %s/%d .*:%d$' " BUFINFO, id, FRAMES - 1,
		 getpid());
	EXPECT_EQ(0, system(name));
	expect_stream(trial, allocator);
}

/* udmabuf: the frames are filled. */
TEST_F(memory, udmabuf)
{
	struct trial *trial = &self->trial;
	int allocator;

	if (!has_udmabuf())
		SKIP("no /dev/udmabuf");
	allocator = ks_find_memory(trial->rig.connection, &some, LIBKS_UDMABUF, &trial->report);
	EXPECT_EQ(1, trial->report.count);
	expect_attempt(trial, LIBKS_UDMABUF, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	expect_stream(trial, allocator);
}

/* The left end of vivid's colour bars is white, and the right end is black, below its text. */
static void expect_bars(const unsigned char *picture)
{
	EXPECT_LT(150, picture[WHITE]);
	EXPECT_GT(20, picture[BLACK]);
}

/* A9: the kernel can pin the frames of a stream, but not those of mapped dma-bufs. */
TEST_F(memory, stream_of_udmabuf)
{
	struct ks_stream_config config = {
		.size = sizeof(config),
		.v4l2_fd = self->trial.rig.video,
		.frames = FRAMES,
		.heap = LIBKS_UDMABUF,
	};
	struct ks_stream_frame frame = { };
	struct ks_frames *frames = NULL;
	struct ks_stream *stream = NULL;
	const unsigned char *mapped;
	int i;

	if (!has_udmabuf())
		SKIP("no /dev/udmabuf");
	ASSERT_EQ(0, ks_stream_open(&config, &stream, NULL));
	ASSERT_EQ(0, ks_frames_map(ks_stream_allocator(stream), &frames));
	ASSERT_EQ(0, ks_stream_start(stream));
	for (i = 0; i < 2 * FRAMES; i++) {
		ASSERT_EQ(0, ks_stream_next(stream, PATIENCE_MS, &frame));
		mapped = ks_frames_data(frames, frame.index);
		EXPECT_EQ(0, memcmp(frame.data, mapped, frame.used));
		expect_bars(frame.data);
		expect_pinned(0, frame.data, frame.used);
		expect_pinned(-EFAULT, mapped, frame.used);
		memset(frame.data, 0x33, frame.used);
		ASSERT_EQ(0, ks_stream_give_back(stream, frame.index));
	}
	ks_frames_unmap(frames);
	ks_stream_close(stream);
}

/* The device's own memory, if it is named. */
TEST_F(memory, device)
{
	struct trial *trial = &self->trial;
	int allocator;

	allocator = ks_find_memory(trial->rig.connection, &some, LIBKS_DEVICE_MEMORY,
				   &trial->report);
	EXPECT_EQ(1, trial->report.count);
	expect_stream(trial, allocator);
}

/* A heap that does not exist, and a file that is no heap. */
TEST_F(memory, wrong_names)
{
	struct trial *trial = &self->trial;

	EXPECT_EQ(-ENOENT, ks_find_memory(trial->rig.connection, &some, "absent",
					  &trial->report));
	expect_attempt(trial, "absent", LIBKS_MEMORY_OPEN, -ENOENT, LIBKS_HELP_KERNEL);
	EXPECT_EQ(-ENOTTY, ks_find_memory(trial->rig.connection, &some, "/dev/null",
					  &trial->report));
	expect_attempt(trial, "/dev/null", LIBKS_MEMORY_ALLOCATE, -ENOTTY,
		       LIBKS_HELP_OTHER_MEMORY);
}

static void need_cma_heap(void)
{
	if (!access(LIBKS_HEAP_DIR "/" CMA_HEAP, F_OK))
		return;
	ASSERT_FALSE(is_debug_kernel());
	SKIP("no CMA heap");
}

/* A heap that is too small for the frames: nothing of it is kept. */
TEST_F(memory, heap_full)
{
	struct trial *trial = &self->trial;
	struct ksallocator_framing large = { .frames = 20, .frame_size = LARGE_FRAME };
	struct footprint before;

	need_cma_heap();
	footprint_take(&before);
	EXPECT_EQ(-ENOMEM, ks_find_memory(trial->rig.connection, &large, CMA_HEAP,
					  &trial->report));
	expect_attempt(trial, CMA_HEAP, LIBKS_MEMORY_ALLOCATE, -ENOMEM, LIBKS_HELP_LESS);
	EXPECT_LT(8, trial->report.attempt[0].frame);
	EXPECT_FOOTPRINT(&before);
}

/* Uses up a heap; only this test sees it in the directory of the heaps, and sees no other there */
static void leave_only_full_heap(void)
{
	int heap = ks_open_heap(CMA_HEAP);
	struct stat node;

	ASSERT_LE(0, heap);
	ASSERT_EQ(0, fstat(heap, &node));
	while (ks_heap_alloc(heap, LARGE_FRAME) >= 0)
		;
	close(heap);
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("none", LIBKS_HEAP_DIR, "tmpfs", 0, NULL));
	ASSERT_EQ(0, mknod(LIBKS_HEAP_DIR "/" CMA_HEAP, S_IFCHR | 0600, node.st_rdev));
}

/* A heap that is full: the search goes on, and udmabuf is used. */
TEST_F(memory, after_full_heap)
{
	struct ksallocator_framing large = { .frames = FRAMES, .frame_size = LARGE_FRAME };
	struct trial *trial = &self->trial;
	int allocator;

	need_cma_heap();
	if (!has_udmabuf())
		SKIP("no /dev/udmabuf");
	leave_only_full_heap();
	allocator = ks_find_memory(trial->rig.connection, &large, NULL, &trial->report);
	EXPECT_EQ(2, trial->report.count);
	expect_attempt(trial, CMA_HEAP, LIBKS_MEMORY_ALLOCATE, -ENOMEM, LIBKS_HELP_LESS);
	expect_attempt(trial, LIBKS_UDMABUF, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	expect_stream(trial, allocator);
}

/* More memory than the machine has. */
TEST_F(memory, too_large)
{
	struct trial *trial = &self->trial;
	struct ksallocator_framing large = { .frames = 2, .frame_size = 0xf0000000 };

	if (trial->rig.heap >= 0) {
		EXPECT_EQ(-ENOMEM, ks_find_memory(trial->rig.connection, &large, "system",
						  &trial->report));
		expect_attempt(trial, "system", LIBKS_MEMORY_ALLOCATE, -ENOMEM, LIBKS_HELP_LESS);
	}
	if (!has_udmabuf())
		SKIP("no /dev/udmabuf");
	EXPECT_EQ(-ENOMEM, ks_find_memory(trial->rig.connection, &large, LIBKS_UDMABUF,
					  &trial->report));
	expect_attempt(trial, LIBKS_UDMABUF, LIBKS_MEMORY_ALLOCATE, -ENOMEM, LIBKS_HELP_LESS);
}

/* The search of a user who has no right but the files of the camera */
static void search_as_nobody(struct trial *self)
{
	struct ks_memory_report *report;
	int status, allocator;
	pid_t pid;

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, report);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		ASSERT_EQ(0, setgroups(0, NULL));
		ASSERT_EQ(0, setgid(NOBODY));
		ASSERT_EQ(0, setuid(NOBODY));
		allocator = ks_find_memory(self->rig.connection, &some, NULL, report);
		_exit(allocator < 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	self->report = *report;
	munmap(report, sizeof(*report));
}

/* An ordinary user, who may not open heaps and udmabuf, gets the device's own memory. */
TEST_F(memory, ordinary_user)
{
	struct trial *trial = &self->trial;

	search_as_nobody(trial);
	if (trial->rig.heap >= 0)
		expect_attempt(trial, "system", LIBKS_MEMORY_OPEN, -EACCES,
			       LIBKS_HELP_PERMISSION);
	if (has_udmabuf())
		expect_attempt(trial, LIBKS_UDMABUF, LIBKS_MEMORY_OPEN, -EACCES,
			       LIBKS_HELP_PERMISSION);
	expect_attempt(trial, LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
}

/* A user who may open udmabuf gets its memory. */
TEST_F(memory, user_of_udmabuf)
{
	struct trial *trial = &self->trial;

	if (!has_udmabuf())
		SKIP("no /dev/udmabuf");
	ASSERT_EQ(0, chown(LIBKS_UDMABUF_DEVICE, NOBODY, NOBODY));
	search_as_nobody(trial);
	EXPECT_EQ(0, chown(LIBKS_UDMABUF_DEVICE, 0, 0));
	expect_attempt(trial, LIBKS_UDMABUF, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	EXPECT_EQ(NULL, find(trial, LIBKS_DEVICE_MEMORY));
}

/* Without /dev/udmabuf, the list says so. */
TEST_F(memory, no_udmabuf)
{
	struct trial *trial = &self->trial;

	if (!has_udmabuf())
		SKIP("no /dev/udmabuf");
	ASSERT_EQ(0, rename(LIBKS_UDMABUF_DEVICE, HIDDEN));
	ASSERT_EQ(0, ks_try_memory(trial->rig.connection, &some, &trial->report));
	expect_attempt(trial, LIBKS_UDMABUF, LIBKS_MEMORY_OPEN, -ENOENT, LIBKS_HELP_KERNEL);
	expect_attempt(trial, LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
}

/* Another program uses the device: EBUSY, whatever the memory is. */
TEST_F(memory, busy)
{
	struct trial *trial = &self->trial;
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	ASSERT_EQ(0, call_fd(trial->rig.video, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(-EBUSY, ks_find_memory(trial->rig.connection, &some, NULL, &trial->report));
	EXPECT_EQ(LIBKS_HELP_LATER, trial->report.attempt[trial->report.count - 1].help);
	EXPECT_EQ(KSSTATE_STOP, get_state(trial->rig.connection));
}

/* A search in a new process, which @enter prepares; returns its exit status */
static int search_in(struct trial *self, const char *name,
		     const struct ksallocator_framing *framing, void (*enter)(void))
{
	int status, allocator;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		enter();
		allocator = ks_find_memory(self->rig.connection, framing, name, NULL);
		_exit(allocator < 0 ? -allocator : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	return status;
}

static void enter_user_namespace(void)
{
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setgid(NOBODY));
	ASSERT_EQ(0, setuid(NOBODY));
	box_own_users();
}

/* Root of a user namespace, with the files of the camera, is an ordinary user. */
TEST_F(memory, user_namespace)
{
	struct trial *trial = &self->trial;

	if (access("/proc/self/ns/user", F_OK))
		SKIP("no user namespaces");
	EXPECT_EQ(0, search_in(trial, NULL, &some, enter_user_namespace));
	if (has_udmabuf())
		EXPECT_EQ(EACCES << 8, search_in(trial, LIBKS_UDMABUF, &some,
						 enter_user_namespace));
	EXPECT_EQ(0, set_allocator(trial->rig.connection, -1));
}

static void limit(int resource, rlim_t value)
{
	struct rlimit limit;

	ASSERT_EQ(0, getrlimit(resource, &limit));
	limit.rlim_cur = value;
	ASSERT_EQ(0, setrlimit(resource, &limit));
}

static void forbid_files(void)
{
	limit(RLIMIT_FSIZE, 4096);
}

/* RLIMIT_FSIZE is for a memfd, too. The search reports it, and SIGXFSZ does not end the program. */
TEST_F(memory, limit_of_files)
{
	struct trial *trial = &self->trial;

	if (!has_udmabuf())
		SKIP("no /dev/udmabuf");
	EXPECT_EQ(EFBIG << 8, search_in(trial, LIBKS_UDMABUF, &some, forbid_files));
	EXPECT_EQ(0, search_in(trial, NULL, &some, forbid_files));
	EXPECT_EQ(0, set_allocator(trial->rig.connection, -1));
}

/* Without CAP_IPC_LOCK, which permits any amount. It still owns the files of root. */
static void forbid_locked_memory(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	limit(RLIMIT_MEMLOCK, 0);
	ASSERT_EQ(0, syscall(SYS_capset, &header, none));
	ASSERT_EQ(-1, mlock(none, sizeof(none)));
}

/* RLIMIT_MEMLOCK is for no memory of frames, although it is pinned (security.rst). */
TEST_F(memory, limit_of_locked_memory)
{
	struct trial *trial = &self->trial;

	if (has_udmabuf())
		EXPECT_EQ(0, search_in(trial, LIBKS_UDMABUF, &some, forbid_locked_memory));
	EXPECT_EQ(0, set_allocator(trial->rig.connection, -1));
	EXPECT_EQ(0, search_in(trial, NULL, &some, forbid_locked_memory));
	EXPECT_EQ(0, set_allocator(trial->rig.connection, -1));
	EXPECT_EQ(0, search_in(trial, LIBKS_DEVICE_MEMORY, &some, forbid_locked_memory));
	EXPECT_EQ(0, set_allocator(trial->rig.connection, -1));
}

/* Set before a search */
static int free_descriptors;

static void forbid_descriptors(void)
{
	int lowest = dup(0);

	ASSERT_LE(0, lowest);
	close(lowest);
	limit(RLIMIT_NOFILE, lowest + free_descriptors);
}

/*
 * RLIMIT_NOFILE: a search needs a descriptor for each dma-buf and two more, even if the allocator
 * has one descriptor afterwards. Otherwise it ends, and nothing is left.
 */
TEST_F(memory, limit_of_descriptors)
{
	struct trial *trial = &self->trial;
	struct footprint before;

	if (!has_udmabuf())
		SKIP("no /dev/udmabuf");
	footprint_take(&before);
	for (free_descriptors = 0; free_descriptors < FRAMES + 2; free_descriptors++)
		EXPECT_EQ(EMFILE << 8, search_in(trial, LIBKS_UDMABUF, &some,
						 forbid_descriptors));
	EXPECT_FOOTPRINT(&before);
	EXPECT_EQ(0, search_in(trial, LIBKS_UDMABUF, &some, forbid_descriptors));
	EXPECT_EQ(0, set_allocator(trial->rig.connection, -1));
	EXPECT_FOOTPRINT(&before);
}

/* RLIMIT_AS is for mapped frames. Importing and capturing them needs no address space. */
TEST_F(memory, limit_of_address_space)
{
	struct trial *trial = &self->trial;
	struct ks_frames *frames = NULL;
	struct footprint before;
	struct rlimit old;
	int allocator, mapped;

	allocator = ks_find_memory(trial->rig.connection, &some, NULL, NULL);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &old));
	footprint_take(&before);
	limit(RLIMIT_AS, 0);
	mapped = ks_frames_map(allocator, &frames);
	limit(RLIMIT_AS, old.rlim_cur);
	EXPECT_EQ(-ENOMEM, mapped);
	EXPECT_FOOTPRINT(&before);
	limit(RLIMIT_AS, 0);
	expect_stream(trial, allocator);
	limit(RLIMIT_AS, old.rlim_cur);
	ASSERT_EQ(0, ks_frames_map(allocator, &frames));
	ks_frames_unmap(frames);
}

#define CGROUP "/tmp/cgroup"

static void enter_cgroup(void)
{
	ASSERT_EQ(0, write_text(CGROUP "/test/cgroup.procs", "0"));
}

/*
 * Memory of udmabuf is charged to the memory cgroup of the program: the limit ends the
 * allocation or the program, and nothing else.
 */
TEST_F(memory, cgroup)
{
	const struct ksallocator_framing large = { .frames = 16, .frame_size = 2 << 20 };
	struct trial *trial = &self->trial;
	struct footprint before;
	int status;

	if (!has_udmabuf())
		SKIP("no /dev/udmabuf");
	mkdir(CGROUP, 0700);
	if (mount("none", CGROUP, "cgroup2", 0, NULL) ||
	    write_text(CGROUP "/cgroup.subtree_control", "+memory"))
		SKIP("no memory cgroups");
	mkdir(CGROUP "/test", 0700);
	ASSERT_EQ(0, write_text(CGROUP "/test/memory.max", "12M"));
	write_text(CGROUP "/test/memory.swap.max", "0");

	footprint_take(&before);
	EXPECT_EQ(0, search_in(trial, LIBKS_UDMABUF, &some, enter_cgroup));
	EXPECT_EQ(0, set_allocator(trial->rig.connection, -1));
	status = search_in(trial, LIBKS_UDMABUF, &large, enter_cgroup);
	EXPECT_TRUE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
		    status == ENOMEM << 8);
	EXPECT_FOOTPRINT(&before);
	EXPECT_EQ(0, ks_find_memory(trial->rig.connection, &some, NULL, NULL) < 0);
	EXPECT_TRUE(EVENTUALLY(!rmdir(CGROUP "/test")));
	umount(CGROUP);
}

FIXTURE(contiguous) {
	struct trial trial;
};

FIXTURE_SETUP(contiguous)
{
	need_vivid("1,1", "1,1");
	rig_open(&self->trial.rig, 0, 1920, 1080);
}

FIXTURE_TEARDOWN(contiguous)
{
	rig_close(&self->trial.rig);
}

/*
 * A device that needs contiguous memory refuses that of the system heap and of udmabuf. It can
 * use a CMA heap, if the kernel has one, and its own memory.
 */
TEST_F(contiguous, memory)
{
	const struct trial *trial = &self->trial;
	int allocator;

	ASSERT_EQ(0, ks_try_memory(trial->rig.connection, &some, &self->trial.report));
	if (trial->rig.heap >= 0)
		expect_attempt(trial, "system", LIBKS_MEMORY_ACQUIRE, -EOPNOTSUPP,
			       LIBKS_HELP_CONTIGUOUS);
	if (has_udmabuf())
		expect_attempt(trial, LIBKS_UDMABUF, LIBKS_MEMORY_ACQUIRE, -EOPNOTSUPP,
			       LIBKS_HELP_CONTIGUOUS);
	if (is_debug_kernel() || find(trial, CMA_HEAP))
		expect_attempt(trial, CMA_HEAP, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	expect_attempt(trial, LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);

	allocator = ks_find_memory(trial->rig.connection, &some, NULL, &self->trial.report);
	EXPECT_TRUE(find(trial, CMA_HEAP) || find(trial, LIBKS_DEVICE_MEMORY));
	expect_stream(&self->trial, allocator);
}
