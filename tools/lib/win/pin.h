/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Definitions for the files that make a pin: pin.c (its properties and states), read.c (reads)
 * and pool.c (frames of the library).
 *
 * A pin is in one of two modes. If the client has set an allocator, each read names a frame of
 * it, and nothing is copied. Otherwise a read names any memory. Then the library has a pool of
 * frames while the state is not STOP. It keeps them in the device, and copies the pictures.
 */
#ifndef KSWIN_PIN_H
#define KSWIN_PIN_H

#include "win.h"

/* A header of a read */
struct target {
	KSSTREAM_HEADER *header;
	/* What the client wrote to the header when the read began */
	ULONG size;
	ULONG extent;
	void *data;
};

/* A call of IOCTL_KS_READ_STREAM that is pending */
struct read {
	struct read *next;
	struct win_pending pending;
	/* Size of all headers */
	ULONG bytes;
	ULONG count;
	ULONG filled;
	struct target targets[];
};

/* A frame of the client's allocator, as this pin uses it */
struct slot {
	struct read *read;
	ULONG target;
	/* Stays set if the read is cancelled, because V4L2 cannot return a single frame */
	bool in_device;
};

/* A frame that the device has filled */
struct filled {
	struct ks_completion done;
	/* Its number; lost pictures have numbers too */
	LONGLONG picture;
};

struct pool;

struct pin {
	struct win_object object;
	/* Its V4L2 file is for the format. The connection has its own V4L2 file */
	struct win_object *filter;
	int wake;
	pthread_mutex_t lock;
	/* The allocator of the client, with a slot for each frame */
	struct win_allocator *allocator;
	struct slot *slots;
	/* The frames of the library, if there is no allocator */
	struct pool *pool;
	/* Whether the pool has to be served, and why the device fills no more frames */
	bool streaming;
	bool flushing;
	int error;
	/* Pending reads, the oldest first */
	struct read *reads;
	/* Numbers of pictures since STOP was left */
	bool has_sequence;
	__u32 sequence;
	LONGLONG picture;
	LONGLONG completed;
	/* What dwFrameFlags of KS_FRAME_INFO has of the format */
	DWORD frame_flags;
	pthread_t completer;
	bool has_completer;
	bool closing;
};

static inline struct pin *win_pin_of(struct win_object *object)
{
	return container_of(object, struct pin, object);
}

/* Reads. All functions but win_pin_read() are called with the lock of the pin held */

/* Starts the thread that completes frames, unless it runs */
int win_reads_start(struct pin *pin);
/* The thread looks again what it has to do */
void win_reads_wake(struct pin *pin);
/* Ends all reads. Frames stay in the device */
void win_reads_end(struct pin *pin, int err);
/*
 * The kernel has freed all frames in the device. To be called before their reads end: then the
 * client can free the frames
 */
void win_reads_frames_freed(struct pin *pin);
/* A stream begins: pictures are counted from 1 */
void win_reads_reset(struct pin *pin);
unsigned int win_reads_cancel(struct win_object *object, const struct win_match *match);

/* The frames of the library */

/* Only in KSSTATE_STOP. Assigns them to the connection */
int win_pool_create(struct win_object *pin, struct pool **pool);
/* NULL does nothing */
void win_pool_destroy(struct pool *pool);
ULONG win_pool_frame_size(const struct pool *pool);
/* Gives all free frames to the device */
int win_pool_submit(struct pool *pool, int connection);
/*
 * Adds a filled frame. If there are too many, the oldest goes back to the device. An error if the
 * device has no frame any more, and fills none
 */
int win_pool_add(struct pool *pool, int connection, const struct filled *filled);
/* The oldest filled frame; NULL if there is none */
const struct filled *win_pool_first(const struct pool *pool);
/* Copies a picture of this filter to the client's memory, which has @extent bytes */
int win_pool_copy(struct pool *pool, struct win_object *filter, const struct filled *filled,
		  void *data, ULONG extent);
/* Gives the oldest filled frame back to the device. The same errors */
int win_pool_return(struct pool *pool, int connection);
/* Forgets all frames that are filled or in the device, because it does not run */
void win_pool_discard(struct pool *pool);

#endif /* KSWIN_PIN_H */
