/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways to capture with the camera, for all parts of the benchmark.
 */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include "bench.h"

#define BUFFERS 16
#define BUFFERS_MAX 64
/* Frames that a reader takes with one call, at most */
#define EIGHT 8

struct reader {
	int fd;
	/* The frames that it has taken */
	unsigned int taken, turns;
	__u64 generation;
	__u32 index[EIGHT];
	struct ksalloc_reader_frame frames[EIGHT];
};

/* All zero before it is started, except for the number of the camera */
struct session {
	unsigned int number;
	int camera;
	/* A file of the camera's own node, if @camera is on the node of a share; otherwise 0 */
	int origin;
	int fd; /* camera or connection: the file to wait on */
	int allocator;
	unsigned int buffers;
	int dmabuf[BUFFERS_MAX];
	void *map[BUFFERS];
	void *copy;
	struct reader reader;
	/* Of the last frame of mmap_take_next() */
	__u32 sequence;
};

/* Plain V4L2 */

unsigned int dmabuf_take(struct session *session);
void dmabuf_give(struct session *session, unsigned int index);
void dmabuf_open(struct session *session);
void dmabuf_stream_on(struct session *session);
void dmabuf_stream_off(struct session *session);
void dmabuf_start(struct session *session);
void dmabuf_stop(struct session *session);

unsigned int mmap_take(struct session *session);
void mmap_give(struct session *session, unsigned int index);
/* The same, and sets the sequence number */
unsigned int mmap_take_next(struct session *session);
/* Does everything before VIDIOC_STREAMON. The camera is open already */
void mmap_prepare(struct session *session);
void mmap_run(struct session *session);
void mmap_start(struct session *session);
void mmap_stop(struct session *session);
/* Copies a picture by moves of 16 bytes */
void copy_picture(void *target, const void *source);

/* The node of a share: plain V4L2 programs, with MMAP buffers, use one camera */

struct share {
	int fd, camera;
	unsigned int node;
};

/*
 * The share is of the user of this program, or of another one. The latter is as if the programs
 * were of another user than the share: only the thread of the feed fetches frames
 */
void share_open(struct share *share, bool other_user);
void share_close(struct share *share);
/* Opens the node and calls mmap_prepare(). Ended by mmap_stop() */
void share_prepare(const struct share *share, struct session *session);
/* The only program on the node of a share */
void shared_start(struct session *session);
void shared_untrusted_start(struct session *session);
void shared_stop(struct session *session);

/* ksalloc */

unsigned int ks_take(struct session *session);
void ks_give(struct session *session, unsigned int index);
/* Without a descriptor */
void ks_give_index(struct session *session, unsigned int index);
void ks_set_state(struct session *session, unsigned int state);
/* Goes to RUN with frames that circulate */
void ks_circulate(struct session *session);
/* Without a heap (-1), the frames are the camera's own memory */
void ks_open(struct session *session, int heap, unsigned int buffers);
void ks_run(struct session *session,
	    void (*give)(struct session *session, unsigned int index));
void ks_start(struct session *session);
/* Frames of the camera's own memory need no descriptor */
void ks_start_own(struct session *session);
void ks_stop(struct session *session);

void reader_open(struct reader *reader, int connection, unsigned int depth, unsigned int flags);
/* Gives back all frames that the reader has, and takes @count frames */
void reader_exchange(struct reader *reader, unsigned int count);
/* A connection with one reader. Without a heap (-1), as ks_open() */
void reader_start(struct session *session, int heap, unsigned int buffers, unsigned int depth,
		  unsigned int flags);
void reader_stop(struct session *session);
unsigned int reader_take(struct session *session);
/* Does nothing: the next reader_take() gives the frame back */
void reader_give(struct session *session, unsigned int index);

/* The same call as a command of io_uring. The ring exists from the first use until uring_stop() */
unsigned int uring_take(struct session *session);
void uring_stop(struct session *session);

#endif /* BENCH_SESSION_H */
