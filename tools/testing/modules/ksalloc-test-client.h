/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Kernel-mode clients for tests: ioctls on /dev/ksalloc-test-client. Each open file of
 * it is one client. Errors are those of the function that is called, and:
 *
 *  - ENXIO if the client is not attached to an allocator;
 *  - EBUSY if it already is, or is already enabled;
 *  - EBADF for a bad descriptor; EINVAL for a wrong argument.
 */
#ifndef _KSALLOC_TEST_CLIENT_H
#define _KSALLOC_TEST_CLIENT_H

#include <linux/ioctl.h>
#include <linux/ksalloc.h>
#include <linux/types.h>

/* Where in the kernel a call is made */
enum client_context {
	CLIENT_PROCESS,
	CLIENT_WORK,
	CLIENT_TIMER,
	CLIENT_HARDIRQ, /* a softirq with CONFIG_PREEMPT_RT */
	CLIENT_CONTEXTS,
};

enum client_op {
	CLIENT_ALLOC,
	CLIENT_FREE,
};

/* ksalloc_client_create() and ksalloc_client_enable(). The argument is a descriptor */
#define CLIENT_ATTACH _IO('K', 0)

/*
 * ksalloc_create_allocator(), then the same with the new allocator; @heap_fd is -1 for no
 * heap
 */
struct client_create {
	__s32 connection_fd;
	__s32 heap_fd;
	struct ksallocator_framing framing;
};

#define CLIENT_CREATE _IOW('K', 1, struct client_create)

/* ksalloc_client_destroy(); close() does the same */
#define CLIENT_DETACH _IO('K', 2)

/* ksalloc_client_open(). Returns a descriptor of the file */
#define CLIENT_FD _IO('K', 3)

/**
 * struct client_call - one call in one context
 * @context: &enum client_context
 * @op: &enum client_op
 * @index: the frame that CLIENT_FREE frees
 * @__reserved: unused
 *
 * Returns the frame that was allocated, or what ksalloc_free_frame() returns.
 */
struct client_call {
	__u32 context;
	__u32 op;
	__u32 index;
	__u32 __reserved;
};

#define CLIENT_CALL _IOW('K', 4, struct client_call)

/* ksalloc_alloc_frame_wait() up to a deadline; returns the frame */
#define CLIENT_WAIT _IOW('K', 5, __u64)

/**
 * struct client_storm - allocates and frees at random, in several contexts at once
 * @contexts: a bit for each &enum client_context
 * @rounds: rounds in each context; up to CLIENT_MAX_ROUNDS
 * @mark: the mark of the first context; the following contexts have the following marks
 * @allocated: frames that each context got
 * @none: how often each context got none
 * @clashes: first words that were not as expected
 *
 * Who holds a frame writes its mark to the first word, which is 0 otherwise.
 */
struct client_storm {
	__u32 contexts;
	__u32 rounds;
	__u32 mark;
	__u32 allocated[CLIENT_CONTEXTS];
	__u32 none[CLIENT_CONTEXTS];
	__u32 clashes;
};

#define CLIENT_MAX_ROUNDS 10000
#define CLIENT_STORM _IOWR('K', 6, struct client_storm)

/**
 * struct client_told - calls of the callback since the client was attached
 * @times: all calls
 * @in_hardirq: calls in a hard interrupt
 * @taken: frames that it took
 * @last: the last of these
 */
struct client_told {
	__u32 times;
	__u32 in_hardirq;
	__u32 taken;
	__u32 last;
};

#define CLIENT_TOLD _IOR('K', 7, struct client_told)

/* The argument is the number of frames that the callback shall allocate from now on */
#define CLIENT_TAKE _IO('K', 8)

/* Writes a word to the beginning of a frame through the kernel's mapping */
struct client_write {
	__u32 index;
	__u32 word;
};

#define CLIENT_WRITE _IOW('K', 9, struct client_write)

/* Calls ksalloc_create_allocator() with preemption disabled */
#define CLIENT_BREAK_RULES _IO('K', 10)

/* ksalloc_client_create() without ksalloc_client_enable() */
#define CLIENT_ATTACH_QUIET _IO('K', 11)

/* ksalloc_client_enable() */
#define CLIENT_ENABLE _IO('K', 12)

#endif /* _KSALLOC_TEST_CLIENT_H */
