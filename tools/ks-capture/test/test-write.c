// SPDX-License-Identifier: GPL-2.0-only
/* Writing to files that cannot be written from the memory of a frame. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../write.h"
#include "tests.h"
#include "wrap.h"

/* Memory whose pages cannot be pinned, like that of a dma-buf */
static const char *frame;
static size_t frame_bytes;
/* A file whose file system pins pages; and one that is opened for direct I/O */
static int holding = -1;
static bool direct;

static bool is_frame(const void *data)
{
	return (const char *)data >= frame && (const char *)data < frame + frame_bytes;
}

static bool refuses(int fd, const void *data, size_t size)
{
	bool whole = (uintptr_t)data % 512 == 0 && size % 512 == 0;

	errno = is_frame(data) ? EFAULT : EINVAL;
	return fd == holding && (is_frame(data) || (direct && !whole));
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	return refuses(fd, data, size) ? -1 : __real_write(fd, data, size);
}

ssize_t __wrap_writev(int fd, const struct iovec *vector, int count)
{
	int taken = 1;

	if (refuses(fd, vector->iov_base, vector->iov_len))
		return -1;
	/* The write ends before the memory that cannot be pinned */
	while (taken < count && !refuses(fd, vector[taken].iov_base, vector[taken].iov_len))
		taken++;
	return __real_writev(fd, vector, taken);
}

int __wrap_fcntl64(int fd, int command, ...)
{
	va_list args;
	int flags;

	va_start(args, command);
	flags = va_arg(args, int);
	va_end(args);
	if (fd == holding && command == F_SETFL)
		direct = flags & O_DIRECT;
	flags = __real_fcntl64(fd, command, flags & ~O_DIRECT);
	return fd == holding && command == F_GETFL && direct ? flags | O_DIRECT : flags;
}

static char memory[200001];

static void check_write(void)
{
	struct iovec vector[] = {
		{ memory, 3 }, { memory + 3, 100000 }, { memory + 100003, 99998 },
	};
	static char is[sizeof(memory)];
	size_t i;

	holding = memfd_create("file", MFD_CLOEXEC);
	for (i = 0; i < sizeof(memory); i++)
		memory[i] = i * 7919 >> 8;
	CHECK_EQ(write_vector(holding, vector, 3), 0);
	CHECK_EQ(pread(holding, is, sizeof(is), 0), sizeof(is));
	CHECK(!memcmp(is, memory, sizeof(is)));
	close(holding);
	holding = -1;
}

/* All data are written in spite of EFAULT (memory), EINVAL (direct I/O), or both */
void test_write_memory(void)
{
	frame = memory + 3;
	frame_bytes = 100000;
	check_write();
	direct = true;
	check_write();
	CHECK(!direct);
	direct = true;
	frame_bytes = 0;
	check_write();
	CHECK(!direct);
}

static int wait_for_child(void)
{
	int status;

	return wait(&status) < 0 ? -1 : status;
}

/* Writing to a non-blocking pipe waits for its reader */
void test_write_pipe(void)
{
	int ends[2];

	CHECK(!pipe2(ends, O_NONBLOCK));
	if (!fork()) {
		static char is[sizeof(memory)];
		size_t size = 0;
		ssize_t got;

		close(ends[1]);
		__real_fcntl64(ends[0], F_SETFL, 0);
		while ((got = read(ends[0], is + size, sizeof(is) - size)) > 0)
			size += got;
		_exit(size != sizeof(is) || memcmp(is, memory, size));
	}
	close(ends[0]);
	CHECK_EQ(write_all(ends[1], memory, sizeof(memory)), 0);
	close(ends[1]);
	CHECK_EQ(wait_for_child(), 0);
}
