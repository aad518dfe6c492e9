/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readers: several programs get the frames of one stream. None of them can delay the stream or
 * another one.
 *
 * Layers, from top to bottom: reader_file (ioctls); feed_stream (begin and end of streams); feed
 * (frames circulate between the device and the readers); readers (the readers of a feed); reader
 * (the frames of one reader); view; suspend (when the threads of feeds must not work). All are
 * below assign and above complete (see connection.h).
 */

/**
 * DOC: Ownership of readers
 *
 * - A connection owns its feed. A reader belongs to the feed. It has a reference to the structure
 *   of the connection, but does not keep the connection open: the connection ends when its own last
 *   open file is released. For a reader of a share, the share has that reference.
 * - In a circulating stream, a filled frame is ALLOCATED to &ks_feed.owner. Each reader that
 *   has the frame in its queue, or has taken it, has one of &ks_feed_frame.holds. When the last
 *   one ends, the frame goes to the device again, or to the oldest waiter of the allocator, or is
 *   parked.
 * - The feed has a reference to the allocator from the first circulating stream until another
 *   allocator is assigned. So readers can keep frames while the connection is in STOP.
 * - A reader owns its views. A view has a reference to the dma-buf of a frame.
 */

/**
 * DOC: Frames for readers and for the device
 *
 * A reader has at most &ks_reader.limit frames, queued and taken ones together. If there is no
 * room for a new frame, the reader loses its oldest queued frame, or the new one if none is queued.
 *
 * The device must keep &ks_feed.keep frames. The frames above that number are promised to readers
 * (&ks_reader.promised), to the oldest reader first. A reader gets a promise if @depth frames are
 * left, and it does not have KSALLOC_READER_REVOCABLE. The other readers get frames, too, but these
 * can be revoked: if the device has fewer than @keep (returned and parked frames count as its own),
 * the feed revokes the oldest frames that no reader with a promise has. It also revokes frames that
 * readers have taken.
 *
 * A program on the node of a share cannot know that its frames can be revoked. So as many readers
 * of a share as possible get a promise. For that, &ks_reader.limit can be less than the depth. It
 * is never less than KS_SHARE_DEPTH_LEAST, nor than what the reader has taken and one queued frame.
 * This is decided for all readers when the stream begins, and when a reader is added or removed. It
 * is decided again when a frame is given back, if that can give another reader a promise. One frame
 * is promised to nobody. So if readers keep all their frames, the others still get some.
 *
 * A reader of a share can get only frames whose buffers are queued (&ks_reader.wanted). It loses a
 * frame that is filled while its buffer is not queued. So frames that a reader does not want are
 * parked (&ks_feed_frame.parked). The device gets them only if it has fewer than @keep. Nothing is
 * parked for a reader that loses frames because it gives none back, or if too few other frames
 * would be left for the device.
 */

/**
 * DOC: Who fetches frames
 *
 * A reader that waits for a frame fetches it, and passes it to all readers. So no other task has to
 * wake first. But it holds ks_connection.lock meanwhile. If it is preempted then, the others wait,
 * and the scheduler can keep a task of low priority from running for seconds.
 *
 * So a reader is untrusted (&ks_reader.untrusted) if it has KSALLOC_READER_UNTRUSTED, or if one of
 * these tasks has called KSALLOC_EXCHANGE or VIDIOC_DQBUF on it: a task with a positive nice value,
 * one with SCHED_IDLE, or one of another user than the one that made the connection. (Tasks of one
 * user can delay each other in any case, for example by SIGSTOP.) While there is such a reader,
 * only the thread of the feed fetches frames. It wakes the readers afterwards, and ks_feed_notify()
 * does not. It fetches nothing while the machine is suspended (suspend.c).
 */

/**
 * DOC: Locking of readers
 *
 * - ks_feed.lock, a spinlock, protects the feed and all its readers, except for the fields that
 *   are named below. It nests within ks_connection.lock, and ks_allocator.lock nests within it. It
 *   is not taken in interrupts. It is no mutex, because a reader that holds a mutex can be
 *   preempted. If a frame comes back when the stream has ended, it is freed under this lock.
 *   &ks_feed.free_work calls eventfds and kernel clients later, without the lock.
 * - Frames are moved between the feed and the device under ks_connection.lock, because queue() and
 *   dequeue() of the device are called under it. A reader that may fetch takes that lock if the
 *   device may have a filled frame, and the queue of the reader is empty or the reader has
 *   KSALLOC_READER_NEWEST. Then it can wait for another call that holds the lock.
 * - @pending, @work and @notifier are used in any context, without a lock.
 * - Views of a reader are made and put under ks_reader.view_lock. ks_feed.lock nests within it.
 */
#ifndef _KSALLOC_READER_H
#define _KSALLOC_READER_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/cred.h>
#include <linux/kthread.h>
#include <linux/ksalloc.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/videodev2.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "allocator.h"

/* A reader of a share can have two frames at least: a program shows one, and gets the next one */
#define KS_SHARE_DEPTH_LEAST 2U

struct ks_connection;
struct ks_feed_free_notifier;
struct ks_slot;

/**
 * struct ks_filled - describes the data of a filled frame
 * @sequence: as in &struct ksalloc_completion
 * @options_flags: as there
 * @time: as there
 * @duration: as there
 * @planes: as there, but only the planes that the frame has. They are stored behind the array that
 *	this structure is in
 */
struct ks_filled {
	u32 sequence;
	u32 options_flags;
	s64 time;
	s64 duration;
	struct ksalloc_plane_data *planes;
};

/**
 * struct ks_feed_frame - a frame of a circulating stream
 * @link: on &ks_feed.returned; otherwise empty
 * @number: the value of &ks_feed.passed before it was passed to readers
 * @holds: number of readers that have the frame queued or taken
 * @promised: number of those readers that have a promise
 * @damaged: the device has marked the data as damaged
 * @parked: neither the device nor a reader has the frame, because a reader does not want it. Only
 *	in shares, whose frames no client of the allocator can free
 * @field: as in &struct ks_slot
 * @filled: describes the data
 */
struct ks_feed_frame {
	struct list_head link;
	u64 number;
	u32 holds;
	u32 promised;
	bool damaged;
	bool parked;
	u8 field;
	struct ks_filled filled;
};

/**
 * struct ks_feed - passes the frames of a circulating stream to readers
 * @lock: protects the fields down to @format
 * @readers: all readers (&struct ks_reader), the oldest first
 * @nr_readers: length of @readers, at most KSALLOC_MAX_READERS: each frame is passed to all of them
 *	under @lock
 * @nr_untrusted: number of readers that are untrusted
 * @allocator: the allocator, with a reference; NULL before its first circulating stream
 * @generation: number of the allocator, for readers; increases when the feed drops @allocator
 * @view_flags: enum ks_view_flags of readers' views of @allocator
 * @frames: one for each frame of @allocator
 * @returned: frames that no reader holds, and that were not given to the device yet
 * @nr_returned: length of @returned
 * @nr_parked: number of parked frames
 * @nr_freed: number of frames that have become free after the stream, for @free_work
 * @keep: number of frames that the device must keep
 * @divisions: how often the frames of a share were divided, which can raise limits
 * @promise_again: another reader can get a promise when one gives a frame back. Only in shares
 * @running: a circulating stream is in PAUSE or RUN. Written under ks_connection.lock, too
 * @ended: the connection has ended, or its device has disappeared
 * @error: errno of the device that ended the stream, or 0. Cleared when the device starts
 * @passed: number of frames that were passed to readers
 * @format: the V4L2 format of the stream; of type 0 if the device has none
 * @user: the user that made the connection
 * @owner: the frames that readers have, and the returned and parked ones, are ALLOCATED to it
 * @wait: waiting readers and pollers
 * @pending: number of notifications of the device, less the frames that were fetched. It is not
 *	exact: a device can notify once for several frames, or without a frame. After each fetch,
 *	->ready() of the device corrects it. So if it is zero in RUN, there is nothing to fetch
 * @notifier: queues @work when a frame becomes free, or a request waits for one; only while
 *	@running, else NULL
 * @grace: the grace period after which no earlier @notifier is used any more
 * @worker: runs @work in @thread
 * @thread: a thread of this connection while @running, else NULL. It does not exist all the time,
 *	because a user can have any number of connections, and no limit counts kernel threads
 * @work: fetches frames if no reader does, and gives returned frames to the device
 * @free_work: calls the notifiers for @nr_freed frames, because that takes long, and a reader could
 *	delay it
 */
struct ks_feed {
	spinlock_t lock; /* readers, and frames that circulate */
	struct list_head readers;
	u32 nr_readers;
	u32 nr_untrusted;
	struct ks_allocator *allocator;
	u64 generation;
	u32 view_flags;
	struct ks_feed_frame *frames;
	struct list_head returned;
	u32 nr_returned;
	u32 nr_parked;
	u32 nr_freed;
	u32 keep;
	u64 divisions;
	bool promise_again;
	bool running;
	bool ended;
	int error;
	u64 passed;
	struct v4l2_format format;

	kuid_t user;
	struct ks_owner owner;
	wait_queue_head_t wait;
	atomic_t pending;
	struct ks_feed_free_notifier *notifier;
	unsigned long grace;
	struct kthread_worker worker;
	struct task_struct *thread;
	struct kthread_delayed_work work;
	struct work_struct free_work;
};

/**
 * struct ks_reader - a reader, of a file of KSALLOC_READER_OPEN or of a handle of a share
 * @link: on &ks_feed.readers
 * @conn: the connection. The file of the reader or the share has a reference to its structure
 * @flags: KSALLOC_READER_*
 * @depth: the maximum of @limit
 * @limit: maximum number of frames that it has: @depth, or less for readers of a share
 * @every: it gets each n-th frame, where n is @every
 * @skip: number of frames to skip before the next one that it gets
 * @promised: its frames are not revoked, unless a kernel client frees them. Can end when a stream
 *	begins and the device must keep more frames than before
 * @untrusted: a task has used it that may not fetch frames. Never cleared
 * @wanted: for a handle of a share, &ks_share_handle.queued, the frames that it gets; otherwise
 *	NULL
 * @first: index in @queue of the oldest queued frame
 * @nr_queued: number of queued frames
 * @nr_taken: number of frames that were taken, and neither given back nor revoked
 * @lost: frames that it lost since it took the last one
 * @lost_before: frames that it lost before that
 * @flushes: number of stops and flushes since it was made. It can wrap
 * @revoked_now: frames that were revoked since it took the last one
 * @nr_revoked: frames that were revoked while they were taken, since the reader was made
 * @options: flags of frames that it did not get, for the next one
 * @taken: frames that were taken, and neither given back nor revoked
 * @revoked: frames that were revoked while they were taken, and not given back
 * @cancels: number of KSALLOC_READER_CANCEL calls
 * @ended: later calls that may wait are cancelled. Written before @cancels; never cleared
 * @view_lock: protects @views and @views_of
 * @views: for each plane of each frame, its view or NULL. There is no array before the first one
 * @nr_views: length of @views
 * @views_of: the generation that @views are of
 * @queue: ring of queued frames
 */
struct ks_reader {
	struct list_head link;
	struct ks_connection *conn;
	u32 flags;
	u32 depth;
	u32 limit;
	u32 every;
	u32 skip;
	bool promised;
	bool untrusted;
	const unsigned long *wanted;
	u32 first;
	u32 nr_queued;
	u32 nr_taken;
	u32 lost;
	u64 lost_before;
	u32 flushes;
	u32 revoked_now;
	u64 nr_revoked;
	u32 options;
	DECLARE_BITMAP(taken, KSALLOC_MAX_FRAMES);
	DECLARE_BITMAP(revoked, KSALLOC_MAX_FRAMES);
	atomic64_t cancels;
	bool ended;

	struct mutex view_lock; /* see above */
	struct dma_buf **views;
	u32 nr_views;
	u64 views_of;

	u16 queue[] __counted_by(depth);
};

/* Adds @change to the number of frames that wait for the device */
static inline void ks_feed_count_returned(struct ks_feed *feed, int change)
{
	lockdep_assert_held(&feed->lock);

	/* ks_feed_return() reads it without the lock, and most times finds 0 */
	WRITE_ONCE(feed->nr_returned, feed->nr_returned + change);
}

static inline u32 ks_feed_index(const struct ks_feed *feed, const struct ks_feed_frame *frame)
{
	return frame - feed->frames;
}

/* All readers of a share have &ks_reader.wanted. Other readers do not have it */
static inline bool ks_reader_in_share(const struct ks_feed *feed)
{
	return !list_empty(&feed->readers) &&
	       list_first_entry(&feed->readers, struct ks_reader, link)->wanted;
}

/* Whether the calling task may fetch frames, if all readers are trusted */
static inline bool ks_feed_trusts_caller(const struct ks_feed *feed)
{
	return uid_eq(current_euid(), feed->user) && task_nice(current) <= 0 &&
	       current->policy != SCHED_IDLE;
}

/* Whether the calling task may move frames under ks_connection.lock. Otherwise the thread does */
static inline bool ks_feed_may_fetch(const struct ks_feed *feed)
{
	return !READ_ONCE(feed->nr_untrusted) && ks_feed_trusts_caller(feed);
}

/* Queues the work, unless the stream has ended. Any context */
static inline void ks_feed_kick(struct ks_feed *feed, unsigned long delay)
{
	if (READ_ONCE(feed->running))
		kthread_mod_delayed_work(&feed->worker, &feed->work, delay);
}

/* Lets the thread give the device the frames that a reader has given back */
static inline void ks_feed_return_later(struct ks_feed *feed)
{
	lockdep_assert_held(&feed->lock);

	if (feed->nr_returned)
		ks_feed_kick(feed, 0);
}

/* reader.c: the frames of readers */

struct ks_reader *ks_reader_new(u32 depth, u32 every, u32 flags);
bool ks_reader_park(struct ks_feed *feed, struct ks_feed_frame *frame);
void ks_reader_unpark(struct ks_feed *feed, struct ks_feed_frame *frame);
void ks_reader_unpark_wanted(struct ks_feed *feed);
void ks_reader_return(struct ks_feed *feed, struct ks_feed_frame *frame);
void ks_reader_offer(struct ks_feed *feed, struct ks_reader *reader, u32 index);
void ks_reader_lose_queue(struct ks_feed *feed, struct ks_reader *reader);
void ks_reader_revoke(struct ks_feed *feed, struct ks_reader *reader, u32 index);
int ks_reader_take_index(struct ks_feed *feed, struct ks_reader *reader);
int ks_reader_take(struct ks_feed *feed, struct ks_reader *reader,
		   struct ksalloc_reader_frame *answer);
void ks_reader_untake(struct ks_feed *feed, struct ks_reader *reader,
		      const struct ksalloc_reader_frame *answer, u32 flushes);
int ks_reader_give(struct ks_feed *feed, struct ks_reader *reader, u64 generation,
		   const u32 *indices, u32 count);
void ks_reader_give_all(struct ks_feed *feed, struct ks_reader *reader);
void ks_feed_promise(struct ks_feed *feed);

/* suspend.c: the threads of feeds and the suspend of the machine */

#define KS_SUSPEND_SUSPEND BIT(0)
#define KS_SUSPEND_HIBERNATION BIT(1)
#define KS_SUSPEND_RESTORE BIT(2)

bool ks_call_unless_suspended(void (*fn)(struct ks_feed *feed), struct ks_feed *feed);
int ks_suspend_begin(unsigned int reason, unsigned long timeout);
void ks_suspend_end(unsigned int reason);
int ks_suspend_init(void);
void ks_suspend_exit(void);

/* feed.c: frames circulate between the device and the readers */

void ks_feed_init(struct ks_connection *conn);
void ks_feed_notify(struct ks_connection *conn);
void ks_feed_fail(struct ks_feed *feed, int error);
void ks_feed_clear_error(struct ks_connection *conn);
int ks_feed_fill(struct ks_connection *conn);
int ks_feed_fill_first(struct ks_connection *conn);
void ks_feed_free_returned(struct ks_feed *feed);
int ks_feed_pump(struct ks_connection *conn, u32 frames);
void ks_feed_refill(struct ks_connection *conn);
void ks_feed_return(struct ks_connection *conn);

/* feed_stream.c: begin and end of streams that circulate */

void ks_feed_end(struct ks_connection *conn);
int ks_feed_begin(struct ks_connection *conn);
void ks_feed_stop(struct ks_connection *conn);
void ks_feed_flush(struct ks_connection *conn);
struct ks_allocator *ks_feed_detach(struct ks_connection *conn);
void ks_feed_gone(struct ks_connection *conn);

/* readers.c: the readers of a feed */

int ks_feed_add_reader(struct ks_feed *feed, struct ks_reader *reader);
void ks_feed_remove_reader(struct ks_feed *feed, struct ks_reader *reader);
void ks_feed_distrust(struct ks_feed *feed, struct ks_reader *reader);

/* reader_file.c */

struct file *ks_reader_open(struct ks_connection *conn, u32 depth, u32 every,
			    u32 flags);

/* view.c */

/**
 * enum ks_view_flags - what a view does not do
 * @KS_VIEW_NO_BOUNCE: devices that may need bounce buffers cannot import it
 * @KS_VIEW_NO_SYNC: the CPU does not synchronize the source
 */
enum ks_view_flags {
	KS_VIEW_NO_BOUNCE = BIT(0),
	KS_VIEW_NO_SYNC = BIT(1),
};

struct dma_buf *ks_view_create(struct dma_buf *source, size_t bytes, u32 flags);
int ks_view_mmap_shared(struct dma_buf *view, struct vm_area_struct *vma);

#endif /* _KSALLOC_READER_H */
