/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * How a program tells the sample client what to do: ioctls on /dev/ksalloc-test-client,
 * each open file of which is one kernel-mode client.
 */
#ifndef _KSALLOC_TEST_CLIENT_H
#define _KSALLOC_TEST_CLIENT_H

#include <linux/ioctl.h>
#include <linux/ksalloc.h>
#include <linux/types.h>

/* Where in the kernel something is done */
enum client_context {
	CLIENT_PROCESS,
	CLIENT_WORK,
	CLIENT_TIMER,
	CLIENT_HARDIRQ,
	CLIENT_CONTEXTS,
};

enum client_op {
	CLIENT_ALLOC,
	CLIENT_FREE,
};

/* Be a client of the allocator behind a descriptor */
#define CLIENT_ATTACH _IO('K', 0)

/* Create an allocator, by the kernel's own way, and be its client */
struct client_create {
	__s32 connection_fd;
	__s32 heap_fd; /* -1 for the device's own memory */
	struct ksallocator_framing framing;
};

#define CLIENT_CREATE _IOW('K', 1, struct client_create)

/* Be no client any more; close does the same */
#define CLIENT_DETACH _IO('K', 2)

/* A descriptor of the allocator */
#define CLIENT_FD _IO('K', 3)

/* Allocate or free one frame; the result is the call's, or the frame */
struct client_call {
	__u32 context;
	__u32 op;
	__u32 index; /* of the frame to free */
	__u32 __reserved;
};

#define CLIENT_CALL _IOW('K', 4, struct client_call)

/* Wait for a frame, up to a deadline; the result is the frame */
#define CLIENT_WAIT _IOW('K', 5, __u64)

/*
 * Allocate and free at random, in several contexts at the same time, so many times
 * in each. Who has a frame has its mark in the frame's first word, which is 0
 * otherwise; @clashes counts words that were not as they should be.
 */
struct client_storm {
	__u32 contexts; /* a bit for each enum client_context */
	__u32 rounds; /* up to CLIENT_MAX_ROUNDS */
	__u32 mark; /* and the following CLIENT_CONTEXTS - 1 */
	__u32 allocated[CLIENT_CONTEXTS];
	__u32 none[CLIENT_CONTEXTS];
	__u32 clashes;
};

#define CLIENT_MAX_ROUNDS 10000
#define CLIENT_STORM _IOWR('K', 6, struct client_storm)

/* What the callback has seen */
struct client_told {
	__u32 times;
	__u32 in_hardirq;
	__u32 taken; /* frames that it allocated */
	__u32 last; /* the last of these */
};

#define CLIENT_TOLD _IOR('K', 7, struct client_told)

/* How many frames the callback shall allocate itself */
#define CLIENT_TAKE _IO('K', 8)

/* Write a word to the beginning of a frame through a mapping of the kernel's */
struct client_write {
	__u32 index;
	__u32 word;
};

#define CLIENT_WRITE _IOW('K', 9, struct client_write)

/* Call, where no one may sleep, what may sleep; to see who notices */
#define CLIENT_BREAK_RULES _IO('K', 10)

#endif /* _KSALLOC_TEST_CLIENT_H */
