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

#define VIDEO_MAJOR 81

/* V4L2 calls on the node of a share */
enum node_call {
	NODE_REQBUFS, NODE_QUERYBUF, NODE_EXPBUF, NODE_QBUF, NODE_DQBUF, NODE_STREAMON,
	NODE_STREAMOFF, NODE_G_FMT, NODE_TRY_FMT, NODE_S_FMT, NODE_G_PARM, NODE_S_PARM,
	NODE_G_CTRLS, NODE_S_CTRLS, NODE_SUBSCRIBE, NODE_UNSUBSCRIBE, NODE_DQEVENT, NODE_POLL,
	NODE_MMAP, NODE_CALLS,
};

struct fuzz {
	struct cameras *cameras;
	int masters[FILE_KINDS][SLOTS_EACH];
	int sockets[2];
	atomic_bool stop;
	/*
	 * At first, only readers of the first camera and the node are used, until each such call
	 * has succeeded. Later, connections keep the second camera busy most of the time. Without
	 * heaps, its own memory does so all the time, and there is no such phase
	 */
	bool has_quiet;
	atomic_bool quiet;
	atomic_uint unknown;
	/* EXCHANGEs that took frames */
	atomic_uint took;
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

/* Waits for the end of the quiet phase */
void wait_for_noise(struct thread *thread);

/* Keeps a descriptor in a slot, or closes it */
void keep_fd(unsigned int *seed, int fd, enum file_kind kind);

/* Makes the share and opens its node */
void node_open(struct fuzz *fuzz);
/* Requests buffers for each open node */
void node_request_buffers(struct fuzz *fuzz);
/* Makes a random call on the node */
void call_node(struct thread *thread);
/* Whether each call on the node has succeeded, but for one that seldom does */
bool node_has_succeeded(const struct fuzz *fuzz);
/* Prints the results, and checks that each call was made, and has succeeded in the quiet phase */
void node_report(const struct fuzz *fuzz);

/* A thread that makes random calls by io_uring */
void *call_rings(void *data);

#endif
