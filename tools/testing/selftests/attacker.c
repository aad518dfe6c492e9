// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks by a process of another user: see attacker.h.
 */
#include "attacker.h"
#include "camera_gaps.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

void attack_prepare(struct attack *attack)
{
	*attack = (struct attack){ .sleeps = clock_is_virtual() };
	attack->rounds = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE((void *)attack->rounds != MAP_FAILED);
}

void attack_keep_picture(struct attack *attack, const unsigned char *picture, size_t size)
{
	attack->picture = picture;
	attack->size = size;
	attack->copy = malloc(size);
	ASSERT_TRUE(attack->copy);
	memcpy(attack->copy, picture, size);
}

void attack_end_round(struct attack *attack)
{
	(*attack->rounds)++;
	if (attack->sleeps)
		sleep_ms(10);
}

void attack_end(struct attack *attack, pid_t process)
{
	int status;

	EXPECT_EQ(0, memcmp(attack->copy, attack->picture, attack->size));
	ASSERT_EQ(0, kill(process, SIGKILL));
	ASSERT_EQ(process, waitpid(process, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	harness_note("%u rounds", *attack->rounds);
}

void become_other_user(void)
{
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setgid(NOBODY));
	ASSERT_EQ(0, setuid(NOBODY));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	/* The kernel forgets it when the user changes */
	ASSERT_EQ(0, prctl(PR_SET_PDEATHSIG, SIGKILL));
}

void map_for_writing(int fd, off_t offset, void *map, size_t size)
{
	void *copy = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, offset);

	if (copy != MAP_FAILED) {
		ASSERT_EQ(-EACCES, make_writable(copy, size));
		munmap(copy, size);
	}
	ASSERT_TRUE(mmap(NULL, size, PROT_WRITE, MAP_SHARED, fd, offset) == MAP_FAILED);
	ASSERT_TRUE(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, offset) ==
		    MAP_FAILED);
	ASSERT_EQ(-EACCES, make_writable(map, size));
	syscall(SYS_remap_file_pages, map, size, 0, 0, 0);
	ASSERT_EQ(-EACCES, make_writable(map, size));
	ASSERT_TRUE(mremap(map, size, size + getpagesize(), MREMAP_MAYMOVE) == MAP_FAILED);
}

/* It has the same mappings, but no file, and ends with its parent, which can be killed */
static pid_t start_tracee(void)
{
	pid_t parent = getpid(), child = fork();
	int status;

	ASSERT_LE(0, child);
	if (!child) {
		close_range(0, ~0U, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!ptrace(PTRACE_TRACEME, 0, NULL, NULL) && getppid() == parent)
			raise(SIGSTOP);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	return child;
}

void write_by_tracer(unsigned char *map)
{
	const unsigned char before = *map;
	pid_t tracee = start_tracee();
	int status;
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, tracee, map, NULL);
	/* Heaps map with remap_pfn_range(), so that it cannot even read */
	if (!errno)
		EXPECT_EQ(before, (unsigned char)word);
	EXPECT_EQ(-1, ptrace(PTRACE_POKEDATA, tracee, map, (void *)~word));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(before, *map);
	ASSERT_EQ(0, kill(tracee, SIGKILL));
	ASSERT_EQ(tracee, waitpid(tracee, &status, 0));
}

void write_by_calls(unsigned char *map)
{
	unsigned char byte = ~*map;
	struct iovec local = { &byte, 1 }, remote = { map, 1 };
	int mem = open("/proc/self/mem", O_RDWR), pipes[2];

	ASSERT_LE(0, mem);
	ASSERT_GT(1, pwrite(mem, &byte, 1, (off_t)(uintptr_t)map));
	ASSERT_GT(1, process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(1, write(pipes[1], &byte, 1));
	ASSERT_EQ(-1, read(pipes[0], map, 1));
	close(pipes[0]);
	close(pipes[1]);
	close(mem);
}
