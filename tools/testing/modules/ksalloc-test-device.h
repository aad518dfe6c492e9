/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * How a program gets a connection to the sample device: ioctls on /dev/ksalloc-test-device.
 */
#ifndef _KSALLOC_TEST_DEVICE_H
#define _KSALLOC_TEST_DEVICE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* What memory the device has of its own */
enum device_memory_kind {
	DEVICE_MEMORY_NONE,
	DEVICE_MEMORY_DMABUF,
	DEVICE_MEMORY_KERNEL, /* it never leaves the kernel */
};

/* The call of the memory's that fails */
enum device_failure {
	DEVICE_FAILS_NEVER,
	DEVICE_FAILS_INITIALIZE,
	DEVICE_FAILS_ALLOC,
};

/* A new connection; returns its descriptor */
struct device_connect {
	__u32 memory; /* enum device_memory_kind */
	__u32 frame_size;
	__u32 failure; /* enum device_failure */
	__u32 fail_at; /* the frame at which alloc fails */
	__s32 error; /* how, as a negative errno */
	__u32 __reserved;
};

#define DEVICE_CONNECT _IOW('K', 0, struct device_connect)

/* How often its own memory was called, by all connections, and what was wrong */
struct device_counts {
	__u32 initialized;
	__u32 allocated;
	__u32 freed;
	__u32 deleted;
	__u32 buffers; /* that exist now */
	__u32 recognized; /* acquired with an allocator of its own memory */
	__u32 __reserved[2];
};

#define DEVICE_COUNTS _IOR('K', 1, struct device_counts)

#endif /* _KSALLOC_TEST_DEVICE_H */
