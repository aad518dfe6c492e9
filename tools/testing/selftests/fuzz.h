/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the threads of the suite fuzz share
 */
#ifndef SELFTESTS_FUZZ_H
#define SELFTESTS_FUZZ_H

#include <stdatomic.h>
#include <sys/types.h>

#include "anything.h"

/* The Makefile defines it if liburing is there */
#ifndef HAS_RINGS
#define HAS_RINGS 0
#endif

struct fuzz {
	struct cameras *cameras;
	int masters[FILE_KINDS][SLOTS_EACH];
	int sockets[2];
	atomic_bool stop;
	atomic_uint unknown;
	atomic_uint succeeded[IOCTLS];
	atomic_uint failed[IOCTLS];
	/* A share of the second camera, the device of its node, and the calls on that */
	int share;
	dev_t node;
	atomic_uint node_succeeded[NODE_CALLS];
	atomic_uint node_failed[NODE_CALLS];
	/* Commands of io_uring, and rings that were made */
	unsigned int ring_succeeded, ring_failed, ring_cancelled, rings;
};

/* A thread with random calls */
struct thread {
	struct fuzz *fuzz;
	struct caller caller;
	pthread_t thread;
	atomic_uint calls;
	atomic_ulong request;
};

/* Fails the test if the ABI does not know the errno */
void note_unknown(struct thread *thread, const char *name, unsigned long request, int fd,
		  int err);

/* A thread that makes random calls by io_uring */
void *call_rings(void *data);

#endif
