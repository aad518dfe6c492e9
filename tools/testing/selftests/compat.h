/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioctls as a 32-bit program makes them. The addresses of their arguments must be below 4 GiB.
 */
#ifndef SELFTESTS_COMPAT_H
#define SELFTESTS_COMPAT_H

#include <stdint.h>
#include <sys/mman.h>

#include "harness.h"

#ifdef __x86_64__

static inline int ioctl_32(int fd, unsigned long request, void *arg)
{
	int result;

	asm volatile("int $0x80"
		     : "=a" (result)
		     : "a" (54), "b" (fd), "c" ((int)request),
		       "d" ((int)(uintptr_t)arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* A page for arguments */
static inline void *page_32(void)
{
	void *page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	return page;
}

#else

static inline int ioctl_32(int fd, unsigned long request, void *arg)
{
	(void)fd;
	(void)request;
	(void)arg;
	return 0;
}

static inline void *page_32(void)
{
	SKIP("a 64-bit program can make 32-bit calls only on x86");
}

#endif

#endif
