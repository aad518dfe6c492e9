/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * How a program gets a connection to the sample sink: ioctls on /dev/ksalloc-device.
 */
#ifndef _SAMPLES_KSALLOC_SINK_H
#define _SAMPLES_KSALLOC_SINK_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* What memory the sink has of its own */
enum sink_memory_kind {
	SINK_MEMORY_NONE,
	SINK_MEMORY_DMABUF,
	SINK_MEMORY_KERNEL, /* it never leaves the kernel */
};

/* The call of the memory's that fails */
enum sink_failure {
	SINK_FAILS_NEVER,
	SINK_FAILS_INITIALIZE,
	SINK_FAILS_ALLOC,
};

/* A new connection; returns its descriptor */
struct sink_connect {
	__u32 memory; /* enum sink_memory_kind */
	__u32 frame_size;
	__u32 failure; /* enum sink_failure */
	__u32 fail_at; /* the frame at which alloc fails */
	__s32 error; /* how, as a negative errno */
	__u32 __reserved;
};

#define SINK_CONNECT _IOW('K', 0, struct sink_connect)

/* How often its own memory was called, by all connections, and what was wrong */
struct sink_counts {
	__u32 initialized;
	__u32 allocated;
	__u32 freed;
	__u32 deleted;
	__u32 buffers; /* that exist now */
	__u32 recognized; /* acquired with an allocator of its own memory */
	__u32 __reserved[2];
};

#define SINK_COUNTS _IOR('K', 1, struct sink_counts)

#endif /* _SAMPLES_KSALLOC_SINK_H */
