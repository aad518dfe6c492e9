/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections: a device, the allocator assigned to it, and the stream of frames.
 *
 * "Contract" and a letter with a number name a row of Documentation/conformance.rst.
 *
 * Layers, upper ones first: connection_file; state; reader; queue; connection.
 */

/**
 * DOC: Ownership of connections
 *
 * - A connection is reference counted by its open files (connection_file.c). It owns its
 *   device, and holds a reference to the assigned allocator.
 * - Frames in the device belong to the connection. Frames that were collected by
 *   KSALLOC_COMPLETE belong to the open file that collected them.
 */

/**
 * DOC: The stream of a connection
 *
 * In PAUSE and RUN each frame that is IN_DEVICE has its slot on one of two lists. It is on
 * "submitted", in order of submission, until the device has filled it. Then it is on
 * "done" of the reader, until KSALLOC_COMPLETE collects it.
 *
 * A stream has no thread. A frame is queued by the call that submits it, and dequeued by
 * the call that completes it. Waiting calls sleep on the wait queue of the reader, which
 * ks_connection_notify() wakes.
 */

/**
 * DOC: Locking of connections
 *
 * - ks_connection.lock, a mutex, is held over each change of the state, the assigned
 *   allocator, the lists and the reader. It is also held over each operation of the
 *   device that <linux/ksalloc.h> does not exempt. Operations can wait for the device.
 *   What must not wait for it does not take this lock: release of one of several open
 *   files, cancel, poll, KSALLOC_GET_STATE and fdinfo.
 * - Locks of the device nest within ks_connection.lock, ks_allocator.lock within both.
 * - ks_connection.allocator_lock, a spinlock, protects the pointer to the assigned
 *   allocator. It is written under both locks and read under either. Nothing nests within
 *   it.
 * - @state, @gone, @stuck, @flushing, @changing, @nr_submitted and the reader's @nr_done and
 *   @gaps are written under ks_connection.lock with WRITE_ONCE() and may be read without.
 *   Pollers are woken when they change.
 * - ks_connection_notify() takes no lock but that of the wait queue.
 * - User memory is written under ks_connection.lock by ks_read.tell only, which does not
 *   sleep and does not fault.
 */
#ifndef _KSALLOC_CONNECTION_H
#define _KSALLOC_CONNECTION_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/ksalloc.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "allocator.h"

/**
 * struct ks_slot - a frame of the assigned allocator in the stream
 * @link: on &ks_connection.submitted or &ks_reader.done; else empty
 * @queued: the device has it, while it is submitted
 * @completion: what the device said, once it is done
 */
struct ks_slot {
	struct list_head link;
	bool queued;
	struct ksalloc_completion completion;
};

/**
 * struct ks_reader - filled frames, in order, and who waits for them
 * @wait: waiting calls and pollers
 * @done: slots of frames that are filled
 * @nr_done: length of @done
 * @stream: number of the current stream. A stream ends with a flush or below PAUSE
 * @sequence: the sequence number that the next frame should have
 * @synchronized: @sequence is valid: there was a frame since the device was started
 * @timed: @time is valid: there was a frame with a time in this stream
 * @interrupted: there was a pause or a flush before the next frame
 * @time: presentation time of the last frame that had one
 * @gaps: number of gaps in the sequence numbers
 */
struct ks_reader {
	wait_queue_head_t wait;
	struct list_head done;
	u32 nr_done;
	u64 stream;
	u32 sequence;
	bool synchronized;
	bool timed;
	bool interrupted;
	s64 time;
	u64 gaps;
};

/**
 * struct ks_connection - a connection
 * @lock: protects the fields down to @reader
 * @state: the state
 * @gone: the device has disappeared, and the state is STOP for good
 * @stuck: the device did not stop. It keeps its frames until it is destroyed, and the
 *	connection is of no more use
 * @flushing: a flush is under way, in PAUSE or RUN: nothing is submitted, and the
 *	device does not run
 * @changing: the state is being changed, or a flush begun or ended, which can wait for
 *	the device
 * @allocator: the assigned allocator, with a reference, or NULL
 * @slots: one for each frame of the allocator, in ACQUIRE and above
 * @submitted: slots of frames that are not filled yet, in order
 * @nr_submitted: length of @submitted
 * @reader: filled frames
 * @allocator_lock: protects @allocator for those who do not hold @lock
 * @device: the device
 * @gone_work: takes the connection down when the device has disappeared
 * @refs: open files
 * @id: its number in traces and fdinfo
 */
struct ks_connection {
	struct mutex lock; /* state, allocator and stream */
	enum ksstate state;
	bool gone;
	bool stuck;
	bool flushing;
	bool changing;
	struct ks_allocator *allocator;
	struct ks_slot *slots;
	struct list_head submitted;
	u32 nr_submitted;
	struct ks_reader reader;

	spinlock_t allocator_lock; /* the pointer to the allocator */
	struct ksalloc_device *device;
	struct delayed_work gone_work;
	struct kref refs;
	u32 id;
};

/**
 * struct ks_connection_file - an open file of a connection
 * @conn: the connection, with a reference
 * @owner: frames that were collected through this file
 * @cancels: number of KSALLOC_CONNECTION_CANCEL calls
 */
struct ks_connection_file {
	struct ks_connection *conn;
	struct ks_owner owner;
	atomic64_t cancels;
};

/* connection.c: the object */

int ks_connection_init(void);
void ks_connection_exit(void);
struct ks_connection *ks_connection_create(struct ksalloc_device *device,
					   work_func_t gone_work);
void ks_connection_destroy(struct ks_connection *conn,
			   const struct ksalloc_memory_ops *own);
int ks_connection_check(struct ks_connection *conn);
bool ks_connection_is_gone(struct ks_connection *conn);
bool ks_connection_is_going(struct ks_connection *conn);
void ks_connection_gone(struct ks_connection *conn, unsigned long delay);
int ks_connection_lock(struct ks_connection *conn);
int ks_connection_lock_nonblock(struct ks_connection *conn);
int ks_connection_result(struct ks_connection *conn, int ret, bool nonblock);
bool ks_connection_is_streaming(struct ks_connection *conn);
void ks_connection_wake(struct ks_connection *conn);
void ks_connection_notify(struct ks_connection *conn);
struct ks_allocator *ks_connection_get_allocator(struct ks_connection *conn);
void ks_connection_put_allocator(struct ks_allocator *alloc);
int ks_connection_allocator_id(struct ks_connection *conn);
int ks_connection_set_allocator(struct ks_connection *conn,
				struct ks_allocator *alloc);

/* queue.c: frames to the device and back */

int ks_connection_queue(struct ks_connection *conn, struct ks_slot *slot,
			int dmabuf_fd);
int ks_connection_dequeue(struct ks_connection *conn, struct ks_slot **slot);
int ks_connection_submit(struct ks_connection *conn, u32 index, int dmabuf_fd);

/* reader.c: filled frames to clients */

/**
 * struct ks_read - one call of KSALLOC_COMPLETE
 * @file: who gets the frame
 * @nonblock: do not wait
 * @deadline_ns: when to stop waiting, on CLOCK_MONOTONIC; 0 for never
 * @tell: tells the caller of the frame in @answer. Called with ks_connection.lock, so
 *	it must not sleep or fault. Returns 0, or an errno: the frame stays the next one
 * @answer: what to tell
 * @begun: the call has looked for a frame; false at first. The caller may call
 *	ks_connection_read() again after an errno of @tell, which goes on with the call
 * @stream: the stream that it waits for, once @begun
 * @cancels: &ks_connection_file.cancels when it began, once @begun
 */
struct ks_read {
	struct ks_connection_file *file;
	bool nonblock;
	u64 deadline_ns;
	int (*tell)(struct ks_read *read);
	struct ksalloc_complete answer;
	bool begun;
	u64 stream;
	s64 cancels;
};

int ks_reader_fetch(struct ks_connection *conn);
void ks_reader_end_stream(struct ks_connection *conn, bool interrupted);
int ks_connection_read(struct ks_connection *conn, struct ks_read *read);

/* state.c */

int ks_connection_request(struct ks_connection *conn, enum ksstate state);
int ks_connection_reset(struct ks_connection *conn, enum ksreset reset);
void ks_connection_down(struct ks_connection *conn, enum ksstate target);
void ks_connection_gone_work(struct work_struct *work);

/* connection_file.c */

struct file *ks_connection_open(struct ks_connection *conn);
struct ks_connection *ks_connection_of(const struct file *file);

#endif /* _KSALLOC_CONNECTION_H */
