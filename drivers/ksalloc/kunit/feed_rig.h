/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stream that circulates between a fake device and readers, for KUnit suites
 */
#ifndef KS_FEED_RIG_H
#define KS_FEED_RIG_H

#include "fake_device.h"
#include "reader.h"

/* More than the feed gives to the device in one go */
#define FEED_FRAMES 12
/* The fake device needs one frame, so the feed leaves it two */
#define FEED_KEEP 2

/* User memory of one call: the argument, the indices to give back, and the frames taken */
#define FEED_AREA 8192
#define FEED_GIVE 256
#define FEED_TAKE 1024
#define FEED_AREAS 3

/**
 * struct feed_call - one KSALLOC_EXCHANGE
 * @mm: the memory of the call
 * @area: its part of that memory
 * @arg: the argument, without the pointers
 * @give: the frame to give back, if @arg.nr_give is one
 * @unwritable: there is no memory for the frames that are taken
 * @frames: the frames that were taken
 */
struct feed_call {
	struct mm_struct *mm;
	unsigned long area;
	struct ksalloc_exchange arg;
	u32 give;
	bool unwritable;
	struct ksalloc_reader_frame frames[2];
};

/* A circulating stream, and user memory for the calls */
struct feed_rig {
	struct ks_rig *rig;
	unsigned long area;
};

/* In ACQUIRE, and with user memory for the calls */
struct feed_rig *feed_rig(struct kunit *test);
void feed_circulate(struct feed_rig *feed);
/* In RUN */
struct feed_rig *feed_running(struct kunit *test);
/* The action that closes the file of feed_reader() at the end of the test */
void feed_reader_end(void *file);
struct file *feed_reader(struct feed_rig *feed, u32 depth, u32 flags);
struct feed_call feed_call(struct feed_rig *feed, u32 take);
int feed_do_exchange(struct file *reader, struct feed_call *call);
/* Takes a frame without waiting */
int feed_take(struct feed_rig *feed, struct file *reader,
	      struct ksalloc_reader_frame *frame);
void feed_give(struct feed_rig *feed, struct file *reader, u32 index);
/* Expects the frame with a sequence number, and gives it back */
void feed_expect(struct feed_rig *feed, struct file *reader, u32 sequence,
		 u32 lost);
void feed_expect_none(struct feed_rig *feed, struct file *reader, int error);
void feed_fill(struct feed_rig *feed);
bool feed_device_has(struct feed_rig *feed, u32 count);
u32 feed_device_queued(struct feed_rig *feed);
/* Starts a thread that waits for a frame, with an area of its own */
struct ks_test_call *feed_start(struct feed_rig *feed, struct file *reader,
				u32 area);
void feed_expect_returned(struct feed_rig *feed, struct ks_test_call *call,
			  u32 sequence);

#endif /* KS_FEED_RIG_H */
