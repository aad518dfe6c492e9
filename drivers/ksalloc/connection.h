/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections: a device, the allocator assigned to it, and the stream of frames.
 *
 * "Contract" and an id such as B3 name a row of Documentation/conformance.rst.
 *
 * Layers, from top to bottom: connection_file; state; assign; those of reader.h; complete; queue;
 * connection; those of allocator.h. A file calls only lower layers. main (the module and
 * /dev/ksalloc) is above all other files.
 */

/**
 * DOC: Ownership of connections
 *
 * - Each open file of a connection has a reference to it (connection_file.c). A connection
 *   owns its device, and has a reference to the assigned allocator. When the last of these files
 *   is released, the connection ends. Readers keep only its memory (&ks_connection.memory).
 * - Frames in the device belong to the connection. Frames that KSALLOC_COMPLETE returned belong
 *   to the open file of that call.
 */

/**
 * DOC: The stream of a connection
 *
 * In PAUSE and RUN, the slot of each frame that is IN_DEVICE is on one of two lists. It is on
 * ks_connection.submitted, in order of submission, until it is dequeued from the device. Then
 * it is on ks_done.frames, until KSALLOC_COMPLETE returns it.
 *
 * If the frames circulate (KSALLOC_CIRCULATE), filled frames are not in ks_done.frames, but in
 * &ks_connection.feed: reader.h describes that. Such a stream has a thread, which fetches frames
 * when no reader does. The thread ends with the stream.
 *
 * Other streams have no thread that fetches frames. KSALLOC_SUBMIT queues a frame to the device,
 * and KSALLOC_COMPLETE dequeues it. Waiting calls sleep on the wait queue of the filled frames,
 * which ks_connection_notify() wakes.
 */

/**
 * DOC: Locking of connections
 *
 * - ks_connection.lock, a mutex, protects the state, the assigned allocator, the lists and the
 *   filled frames. It is also held during the operations of the device (<linux/ksalloc.h> lists
 *   the exceptions). Operations can wait for the device. So calls that must not wait do not take
 *   this lock: release of one of several open files, cancel, poll, KSALLOC_GET_STATE and
 *   fdinfo.
 * - Locks of the device and ks_feed.lock nest within ks_connection.lock, and ks_allocator.lock
 *   within all of them.
 * - ks_connection.allocator_lock is a spinlock. The pointer to the assigned allocator and @refusal
 *   are written with this lock and ks_connection.lock held, and read with one of them. No lock
 *   nests within this one.
 * - @state, @gone, @stuck, @flushing, @nr_submitted, @nr_done and @gaps are written under
 *   ks_connection.lock and can be read without it. They are written with WRITE_ONCE(), and
 *   @gone with smp_store_release(). A change that makes poll() return something new wakes pollers.
 * - ks_connection_notify() can run in any context. It takes no mutex, only the locks of wait
 *   queues, of the worker of the feed, and of the workqueue.
 * - Under ks_connection.lock, only ks_complete.copy_out writes to user memory. It does not sleep
 *   and does not handle page faults.
 */
#ifndef _KSALLOC_CONNECTION_H
#define _KSALLOC_CONNECTION_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/ksalloc.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "allocator.h"
#include "reader.h"

/**
 * struct ks_slot - the position of a frame of the assigned allocator in the stream
 * @link: on &ks_connection.submitted or &ks_done.frames; otherwise empty
 * @queued: the frame is submitted and in the queue of the device
 * @field: as in &struct ksalloc_completion. Not in @filled, which would be larger then
 * @filled: describes the data, when the frame is on &ks_done.frames
 */
struct ks_slot {
	struct list_head link;
	bool queued;
	u8 field;
	struct ks_filled filled;
};

/**
 * struct ks_done - filled frames, in order, and the calls that wait for frames
 * @wait: waiting calls and pollers
 * @frames: slots of frames that are filled
 * @nr_done: length of @frames
 * @stream: number of the current stream. A flush or a state below PAUSE ends a stream
 * @sequence: expected sequence number of the next frame
 * @synchronized: @sequence is valid, because there was a frame since the device was started
 * @timed: @time is valid, because there was a frame with a time in this stream
 * @interrupted: there was a pause or a flush after the last frame
 * @time: presentation time of the last frame that had one
 * @gaps: number of gaps in the sequence numbers
 */
struct ks_done {
	wait_queue_head_t wait;
	struct list_head frames;
	u32 nr_done;
	atomic64_t stream;
	u32 sequence;
	bool synchronized;
	bool timed;
	bool interrupted;
	s64 time;
	u64 gaps;
};

/**
 * struct ks_refusal - why a connection did not leave STOP; as in struct ksalloc_get_state
 * @reason: enum ksalloc_refusal
 * @frame: a frame, or a number of frames; depends on @reason
 * @error: errno of the device
 */
struct ks_refusal {
	enum ksalloc_refusal reason;
	u32 frame;
	int error;
};

/**
 * struct ks_connection - a connection
 * @lock: protects the fields down to @done
 * @state: the state
 * @gone: the device has disappeared, and the state is STOP and will not change
 * @stuck: the device did not stop. It keeps its frames until it is destroyed, and the
 *	connection cannot be used any more
 * @flushing: a flush is in progress, in PAUSE or RUN: no frame is submitted, and the
 *	device does not run
 * @changing: number of calls that change the state, or begin or end a flush, or will do so. They
 *	can wait for the device. Written without @lock
 * @allocator: the assigned allocator, with a reference, or NULL
 * @slots: one for each frame of the allocator, in ACQUIRE and above
 * @submitted: slots of submitted frames that were not dequeued yet, in order
 * @nr_submitted: length of @submitted
 * @done: filled frames, if the stream does not circulate
 * @feed: passes frames to readers, if the stream circulates; has its own lock
 * @allocator_lock: protects @allocator and @refusal for code that does not hold @lock
 * @refusal: why the last attempt to leave STOP failed
 * @device: the device
 * @gone_work: brings the connection to STOP when the device has disappeared
 * @refs: references of open files
 * @memory: references to this structure: of @refs together, and of readers
 * @id: number of the connection, for traces and fdinfo
 * @program: frames are named after it; NULL for the program that creates the allocator
 */
struct ks_connection {
	struct mutex lock; /* state, allocator and stream */
	enum ksstate state;
	bool gone;
	bool stuck;
	bool flushing;
	atomic_t changing;
	struct ks_allocator *allocator;
	struct ks_slot *slots;
	struct list_head submitted;
	u32 nr_submitted;
	struct ks_done done;
	struct ks_feed feed;

	spinlock_t allocator_lock; /* the pointer to the allocator, and the refusal */
	struct ks_refusal refusal;
	struct ksalloc_device *device;
	struct delayed_work gone_work;
	struct kref refs;
	struct kref memory;
	u32 id;
	const struct ks_program *program;
};

/**
 * struct ks_connection_file - an open file of a connection
 * @conn: the connection, with a reference
 * @owner: holds the frames that were completed through this file
 * @cancels: number of KSALLOC_CONNECTION_CANCEL calls
 * @ended: later calls that may wait are cancelled. Written before @cancels; never cleared
 */
struct ks_connection_file {
	struct ks_connection *conn;
	struct ks_owner owner;
	atomic64_t cancels;
	bool ended;
};

/* assign.c: which allocator a connection has */

bool ks_allocator_fits(const struct ks_allocator *alloc,
		       const struct ksalloc_requirements *needs);
int ks_connection_set_allocator(struct ks_connection *conn,
				struct ks_allocator *alloc);
void ks_connection_drop_allocator(struct ks_connection *conn);

/* connection.c: the object */

int ks_connection_init(void);
void ks_connection_exit(void);
struct ks_connection *ks_connection_create(struct ksalloc_device *device,
					   work_func_t gone_work);
void ks_connection_destroy(struct ks_connection *conn,
			   const struct ksalloc_memory_ops *own);
int ks_connection_check(struct ks_connection *conn);
int ks_connection_needs(struct ks_connection *conn,
			struct ksalloc_requirements *needs);
bool ks_connection_is_gone(struct ks_connection *conn);

/* Whether the device has disappeared. The connection may not be in STOP yet. Context: any */
static inline bool ks_device_is_gone(struct ksalloc_device *device)
{
	return device->ops->gone && device->ops->gone(device);
}

/* A positive result is a bug of the driver. It would be taken for success, or for an index */
static inline int ks_device_result(int ret)
{
	return ret > 0 ? -EIO : ret;
}

bool ks_connection_is_going(struct ks_connection *conn);
void ks_connection_queue_gone_work(struct ks_connection *conn, unsigned long delay);
void ks_connection_queue_work(struct work_struct *work);
int ks_connection_lock(struct ks_connection *conn);
int ks_connection_lock_complete(struct ks_connection *conn, bool nonblock,
				bool again);
int ks_connection_result(struct ks_connection *conn, int ret);
int ks_connection_result_complete(struct ks_connection *conn, int ret);
bool ks_connection_is_streaming(struct ks_connection *conn);
int ks_connection_failure(int ret);
void ks_connection_put_memory(struct ks_connection *conn);
void ks_connection_wake_calls(struct ks_connection *conn);
void ks_connection_wake(struct ks_connection *conn);

/*
 * Wakes waiting calls, which ignore the key, but no pollers: nothing here reports EPOLLMSG.
 * Context: any
 */
static inline void ks_wake_calls(struct wait_queue_head *wait)
{
	wake_up_poll(wait, EPOLLMSG);
}

struct ks_refusal ks_connection_get_refusal(struct ks_connection *conn);
struct ks_allocator *ks_connection_get_allocator(struct ks_connection *conn);
struct dma_buf *ks_connection_get_dmabuf(struct ks_connection *conn, u32 index, u32 plane);
void ks_connection_put_allocator(struct ks_allocator *alloc);
void ks_connection_release_allocator(struct ks_allocator *alloc);
int ks_connection_allocator_id(struct ks_connection *conn);

/* queue.c: queues frames to the device and dequeues them */

int ks_connection_queue(struct ks_connection *conn, struct ks_slot *slot,
			int dmabuf_fd);
int ks_connection_ended(struct ks_connection *conn);
int ks_connection_dequeue(struct ks_connection *conn,
			  struct ksalloc_completion *completion);
int ks_connection_give(struct ks_connection *conn, u32 index, int dmabuf_fd);
int ks_connection_submit(struct ks_connection *conn, u32 index, int dmabuf_fd);

/* complete.c: passes filled frames to clients */

/**
 * struct ks_complete - one call of KSALLOC_COMPLETE
 * @file: the open file that gets the frame
 * @nonblock: do not wait
 * @again: as in &struct ks_ucmd: do not wait for the lock of the connection either
 * @deadline_ns: end of waiting, on CLOCK_MONOTONIC; 0 for none
 * @copy_out: passes @answer to the caller. Called with ks_connection.lock held, so it must not
 *	sleep or fault. Returns 0, or an errno: then the frame stays the next one
 * @answer: description of the frame
 * @begun: @stream is valid; initially false. After an errno of @copy_out, the caller may continue
 *	the call with another ks_connection_complete()
 * @stream: the stream that the call waits for: the current one when the call began
 * @cancels: &ks_connection_file.cancels at the beginning of the call
 */
struct ks_complete {
	struct ks_connection_file *file;
	bool nonblock;
	bool again;
	u64 deadline_ns;
	int (*copy_out)(struct ks_complete *read);
	struct ksalloc_complete answer;
	bool begun;
	s64 stream;
	s64 cancels;
};

int ks_done_fetch(struct ks_connection *conn);
void ks_done_mark(struct ks_connection *conn,
		  struct ksalloc_completion *completion);
void ks_filled_store(struct ks_filled *filled,
		     const struct ksalloc_completion *completion,
		     const struct ks_allocator *alloc);
void ks_filled_describe(const struct ks_filled *filled, u8 field,
			const struct ks_allocator *alloc,
			struct ksstream_header *header,
			struct ksalloc_plane_data *planes);
void ks_done_end_stream(struct ks_connection *conn, bool interrupted);
int ks_connection_complete(struct ks_connection *conn, struct ks_complete *read);

/* state.c */

void ks_connection_notify(struct ks_connection *conn);
int ks_connection_request(struct ks_connection *conn, enum ksstate state,
			  bool circulate);
int ks_connection_reset(struct ks_connection *conn, enum ksreset reset);
void ks_connection_force_stop(struct ks_connection *conn);
void ks_connection_gone_work(struct work_struct *work);

/* connection_file.c */

struct file *ks_connection_open(struct ks_connection *conn);
struct ks_connection *ks_connection_of(const struct file *file);

#endif /* _KSALLOC_CONNECTION_H */
