// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptors, POSIX locks and locked memory of the calling process: the module puts no
 * dma-buf into the table of descriptors during a call, and closes nothing.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Many large frames, so that ACQUIRE takes long */
#define FRAMES 16
#define WIDTH 1920
#define HEIGHT 1080
/*
 * Number of changes of the state, or of frames that are completed and submitted. On a debug
 * kernel each takes ten times as long, so fewer give the search enough time.
 */
static int rounds(void)
{
	return is_debug_kernel() ? 8 : 40;
}

/* The search looks at descriptors below this number. */
#define NUMBERS 32

FIXTURE(table) {
	struct rig rig;
	int connection, allocator;
};

FIXTURE_SETUP(table)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
}

FIXTURE_TEARDOWN(table)
{
	rig_close(&self->rig);
}

/* A thread that looks for descriptors, and what it has found */
struct search {
	int connection;
	atomic_bool stop;
	atomic_int found, looks;
};

static bool is_dmabuf(int fd)
{
	char path[32], target[32] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "/dmabuf:");
}

/* Duplicates each descriptor that appears, as an attacker would, and counts the dma-bufs. */
static void *search_always(void *data)
{
	struct search *search = data;
	int fd, copy;

	while (!search->stop) {
		for (fd = search->connection + 1; fd < NUMBERS; fd++) {
			copy = fcntl(fd, F_DUPFD_CLOEXEC, NUMBERS);
			if (copy < 0)
				continue;
			search->found += is_dmabuf(copy);
			close(copy);
		}
		search->looks++;
	}
	return NULL;
}

/*
 * Runs @work in a process that has only the connection, while one of its threads looks for
 * other descriptors. Returns the number of descriptors that it found.
 */
static int search_while(int connection, void (*work)(int connection))
{
	struct search search = { .connection = 3 };
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		pthread_t thread;

		dup2(connection, search.connection);
		close_range(search.connection + 1, ~0U, 0);
		pthread_create(&thread, NULL, search_always, &search);
		while (!search.looks)
			sched_yield();
		work(search.connection);
		search.stop = true;
		pthread_join(thread, NULL);
		_exit(search.found > 100 ? 100 : search.found);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void change_states(int connection)
{
	int count = rounds(), i;

	for (i = 0; i < count; i++) {
		EXPECT_EQ(0, set_state(connection, KSSTATE_RUN));
		EXPECT_EQ(0, set_state(connection, KSSTATE_STOP));
	}
}

static void turn_frames(int connection)
{
	int count = rounds(), i, index;

	for (i = 0; i < count; i++) {
		index = complete(connection, 0, in_ms(PATIENCE_MS), NULL);
		EXPECT_LE(0, index);
		EXPECT_EQ(0, submit(connection, index));
	}
}

/*
 * A process that has only a connection can change its state, complete and submit. It never
 * sees a descriptor of a frame's memory.
 */
TEST_F_TIMEOUT(table, nothing_comes_with_a_connection, 60)
{
	int theirs = dup(self->connection);

	EXPECT_EQ(0, search_while(theirs, change_states));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	EXPECT_EQ(0, search_while(theirs, turn_frames));
	close(theirs);
}

static void create_often(int connection)
{
	int count = rounds(), i = 0, own;

	while (i < count) {
		own = create_own(connection, 4, 0);
		/* The search can have a copy of the descriptor of the last one for a moment */
		if (own == -EBUSY)
			continue;
		EXPECT_LE(0, own);
		close(own);
		i++;
	}
}

/* The same with frames of the device's own memory, also while they are made */
TEST_F_TIMEOUT(table, nothing_of_device_memory, 60)
{
	int own;

	need_heap();
	EXPECT_EQ(0, search_while(self->connection, create_often));
	own = create_own(self->connection, 4, 0);
	ASSERT_LE(0, own);
	ASSERT_EQ(0, set_allocator(self->connection, own));
	EXPECT_EQ(0, search_while(self->connection, change_states));
	close(own);
}

static int count_locks(void)
{
	static char text[65536];
	int count = 0;
	char *at;

	ASSERT_LE(0, read_text("/proc/locks", text, sizeof(text)));
	for (at = text; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

/*
 * Closing any descriptor of a file drops the POSIX locks of the process on it. Locks on
 * dma-bufs of frames still exist after each call.
 */
TEST_F(table, locks_stay)
{
	struct flock whole = { .l_type = F_WRLCK };
	int dmabufs[4], before = count_locks(), i;

	for (i = 0; i < 4; i++) {
		dmabufs[i] = export_frame(self->allocator, i);
		ASSERT_LE(0, dmabufs[i]);
		ASSERT_EQ(0, fcntl(dmabufs[i], F_SETLK, &whole));
		ASSERT_EQ(i, alloc_now(self->allocator));
	}
	ASSERT_EQ(before + 4, count_locks());
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(before + 4, count_locks());
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(self->connection, 0));
	EXPECT_EQ(before + 4, count_locks());
	ASSERT_EQ(0, submit_fd(self->connection, 1, dmabufs[1]));
	EXPECT_EQ(before + 4, count_locks());
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, submit(self->connection, 2));
	ASSERT_EQ(0, submit_fd(self->connection, 3, dmabufs[3]));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(i, rig_complete(&self->rig, NULL));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(before + 4, count_locks());
	for (i = 0; i < 4; i++)
		close(dmabufs[i]);
	EXPECT_EQ(before, count_locks());
}

#define NOBODY 65534
#define LOCKED_BYTES (8UL << 20)

/* Locks memory up to the limit, in a process without CAP_IPC_LOCK */
static void lock_all_memory(void)
{
	const struct rlimit limit = { LOCKED_BYTES, LOCKED_BYTES };

	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_EQ(0, setgid(NOBODY));
	ASSERT_EQ(0, setuid(NOBODY));
	ASSERT_EQ(0, mlockall(MCL_FUTURE));
	while (mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		;
	ASSERT_EQ(EAGAIN, errno);
}

/*
 * A4: CREATE_ALLOCATOR with all lockable memory locked succeeds or returns ENOMEM. EAGAIN
 * would mean that a blocking call could succeed.
 */
TEST_F(table, locked_memory)
{
	int status, result;
	pid_t pid;

	need_heap();
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		lock_all_memory();
		result = create_allocator(self->connection, self->rig.heap, 2,
					  0);
		_exit(result < 0 ? -result : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status))
		EXPECT_EQ(ENOMEM, WEXITSTATUS(status));
}
