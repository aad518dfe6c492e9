// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the client. Windows checks each pointer of a call, and returns an error for a wrong
 * one. This library must not crash in its place.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "win.h"

/* In headers since glibc 2.35 */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static int populate(uintptr_t first, size_t size, int advice)
{
	int ret;

	do {
		ret = madvise((void *)first, size, advice) ? -errno : 0;
	} while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}

/* Linux 5.14 and newer. An older kernel returns the same error as for wrong memory */
static bool can_populate(uintptr_t page)
{
	static char known;

	return !populate((uintptr_t)&known & ~(page - 1), page, MADV_POPULATE_WRITE);
}

int win_check_memory(const void *data, size_t size, bool for_write)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (uintptr_t)data & ~(page - 1), last;
	int advice = for_write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	if (!size)
		return 0;
	if (__builtin_add_overflow((uintptr_t)data, size - 1, &last))
		return -EFAULT;
	if (!populate(first, (last & ~(page - 1)) - first + page, advice))
		return 0;
	return can_populate(page) ? -EFAULT : 0;
}

/*
 * The kernel copies, and notices if the memory was unmapped in the meantime. Where a sandbox
 * forbids this call, the copy is an ordinary one
 */
int win_copy_out(void *to, const void *from, size_t size)
{
	char *next = to;

	while (size) {
		struct iovec local = { .iov_base = (void *)(uintptr_t)from, .iov_len = size };
		struct iovec remote = { .iov_base = next, .iov_len = size };
		ssize_t copied = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);

		if (copied < 0 && errno != EFAULT) {
			memcpy(next, from, size);
			return 0;
		}
		if (copied <= 0)
			return -EFAULT;
		from = (const char *)from + copied;
		next += copied;
		size -= (size_t)copied;
	}
	return 0;
}
