/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel Streaming allocator objects: what the files of the module share.
 *
 * Who owns what
 * -------------
 * Each object is one anonymous-inode file, and the file's reference count is
 * the object's life:
 *
 *  - A connection (connection_file.c, state.c) holds its device, and a reference to the file of
 *    the allocator assigned to it. The device of a V4L2 device (v4l2.c) holds a
 *    reference to the V4L2 file.
 *  - An allocator (allocator_file.c, pool.c) holds its frames, and each frame its
 *    dma-buf.
 *    It never holds a connection, so there is no cycle. Where they are a V4L2
 *    device's own buffers (v4l2_memory.c), it holds the V4L2 file too.
 *  - A kernel client (client.c) holds a reference to its allocator's file.
 *
 * Frames
 * ------
 * A frame is FREE (on the allocator's free list), ALLOCATED (somebody's, named
 * by &struct ks_owner), IN_DEVICE (a connection's), or FENCED (nobody's, but some
 * device reads it still; see fence.c). It keeps one dma-buf from the allocator's
 * creation to its end, because videobuf2 and other importers cache their mappings
 * by dma-buf.
 *
 * Frames come back by themselves: a process's frames when its last descriptor
 * of the file that it got them through is closed (->flush), all frames got
 * through a file when the file ends (->release), the frames in a device when
 * the connection's state goes below PAUSE, it is flushed, or the device disappears.
 * Whatever way a frame comes back, it is FENCED until the fences on its dma-buf are
 * signalled, and FREE, or the oldest waiter's, only then.
 *
 * Locking
 * -------
 *  - ks_connection.lock, a mutex, is held over every change of a connection's
 *    state, assigned allocator and lists, and over every call into its device
 *    except ->ready(), ->gone() and those that begin and end it. Within it nest the V4L2
 *    device's own locks, and within those ks_allocator.lock.
 *  - ks_allocator.lock, an interrupt-safe spinlock, is held over every change of
 *    a frame's state and owner, of the free list, and of the lists of waiters and
 *    of those who want to know of free frames. Nothing nests within it but locks
 *    that have none within: a woken task's, a workqueue's, and those that freeing
 *    memory takes. No callback is called and no eventfd signalled under it: see
 *    eventfd.c. Nor is any fence looked at.
 *  - A fence's own lock is held over our callback on it, which takes a workqueue's
 *    lock only. &ks_allocator.fence_work takes a fence's lock, and later
 *    ks_allocator.lock, never both.
 *  - No lock is held over an access to user memory, and none while memory is
 *    allocated from a heap.
 *  - A device tells its connection of news by ks_connection_notify(), from any
 *    context; that takes no lock but the wait queue's own.
 */
#ifndef _KSALLOC_PRIV_H
#define _KSALLOC_PRIV_H

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/fs.h>
#include <linux/ksalloc.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct seq_file;

/* main.c: ioctls */

/* The argument of any ioctl, as the kernel's copy of it */
union ks_arg {
	struct {
		u32 size;
		u32 flags;
	};
	struct ksalloc_connect connect;
	struct ksalloc_get_framing get_framing;
	struct ksalloc_create_allocator create_allocator;
	struct ksalloc_set_allocator set_allocator;
	struct ksalloc_set_state set_state;
	struct ksalloc_get_state get_state;
	struct ksalloc_submit submit;
	struct ksalloc_complete complete;
	struct ksalloc_get_framing_ex get_framing_ex;
	struct ksalloc_reset_state reset_state;
	struct ksalloc_alloc alloc;
	struct ksalloc_free free;
	struct ksalloc_export export;
	struct ksalloc_status status;
	struct ksalloc_status_ex status_ex;
	struct ksalloc_enable_event enable_event;
	struct ksalloc_disable_event disable_event;
};

/**
 * struct ks_ucmd - a call of an ioctl
 * @file: the file it is called on
 * @uarg: the caller's argument
 * @usize: the size that the caller gives it
 * @arg: the kernel's copy of it
 */
struct ks_ucmd {
	struct file *file;
	void __user *uarg;
	u32 usize;
	union ks_arg arg;
};

/**
 * struct ks_ioctl - one ioctl of a file; its place in the file's table is the low
 * digit of its number
 * @cmd: its number
 * @size: size of its argument here and now
 * @min_size: size of its argument in the first version of the ABI
 * @flags: the bits that may be set in the argument's flags
 * @fn: does the work; returns a non-negative result or an errno. May sleep
 */
struct ks_ioctl {
	unsigned int cmd;
	u16 size;
	u16 min_size;
	u32 flags;
	long (*fn)(struct ks_ucmd *ucmd);
};

long ks_ioctl(struct file *file, unsigned int cmd, unsigned long uarg,
	      const struct ks_ioctl *table, unsigned int entries);
int ks_reply(struct ks_ucmd *ucmd, size_t size);
u32 ks_new_id(void);

/* framing.c: arithmetic on framing */

/* One for system memory, one for the device's own */
#define KS_FRAMING_ITEMS 2

int ks_framing_resolve(const struct ksallocator_framing *asked,
		       const struct ksallocator_framing *device, bool own_memory,
		       struct ksallocator_framing *result);
bool ks_framing_fits(const struct ksallocator_framing *framing,
		     const struct ksallocator_framing *device);
void ks_framing_compression(u32 size, u32 width, u32 height,
			    struct ks_compression *compression);
void ks_framing_details_init(const struct ksallocator_framing *device,
			     bool own_memory,
			     struct ksalloc_framing_details *details);
u32 ks_framing_items(const struct ksallocator_framing *device,
		     const struct ksalloc_framing_details *details,
		     u64 max_bytes, struct ks_framing_item *items);
void ks_framing_item_of(const struct ksallocator_framing *framing,
			size_t frame_bytes, struct ks_framing_item *item);
int ks_framing_bytes(const struct ksallocator_framing *framing, u64 max_bytes,
		     size_t *frame_bytes);

/* heap.c: where a frame's memory comes from */

extern const struct ksalloc_memory_ops ks_heap_memory_ops;

struct file *ks_heap_get(int fd);
bool ks_heap_plausible(const struct file *file);
int ks_dma_buf_fd(struct dma_buf *dmabuf);
void ks_dma_buf_close_fd(const struct dma_buf *dmabuf, int fd);
void __ks_close_strays(void);

extern struct list_head ks_strays;

/* Nearly always there are none; see heap.c */
static inline void ks_close_strays(void)
{
	if (unlikely(!list_empty_careful(&ks_strays)))
		__ks_close_strays();
}

/* pool.c */

/**
 * enum ks_frame_state - whose a frame is
 * @KS_FRAME_FREE: nobody's
 * @KS_FRAME_ALLOCATED: a client's
 * @KS_FRAME_IN_DEVICE: a connection's: queued, being filled, or filled and not
 *	yet collected
 * @KS_FRAME_FENCED: given back, but a fence on its dma-buf is not signalled yet
 */
enum ks_frame_state {
	KS_FRAME_FREE,
	KS_FRAME_ALLOCATED,
	KS_FRAME_IN_DEVICE,
	KS_FRAME_FENCED,
};

/**
 * struct ks_owner - who got a frame, and through what
 * @file: the allocator's or connection's file it was got through. Only compared,
 *	never followed: the file's ->release ends the ownership. NULL for a kernel
 *	client, so no file's owner is ever taken for one
 * @files: the process's table of descriptors, as in fl_owner_t. Only compared:
 *	the table's last descriptor of @file ends the ownership. Or a &struct
 *	ksalloc_client, whose ksalloc_client_destroy() does. NULL for nobody
 */
struct ks_owner {
	const struct file *file;
	fl_owner_t files;
};

/* An owner without files stands for all owners through its file */
static inline bool ks_owner_matches(const struct ks_owner *owner,
				    const struct ks_owner *pattern)
{
	return owner->file == pattern->file &&
	       (!pattern->files || owner->files == pattern->files);
}

/**
 * struct ksalloc_frame - a frame of an allocator
 * @link: on &ks_allocator.free while FREE
 * @dmabuf: its memory, from the allocator's creation to its end; NULL where that
 *	never leaves the kernel
 * @map: where the kernel sees it, if the memory's provider says so; likewise
 * @owner: whose it is while ALLOCATED; whose it was before while IN_DEVICE, unless
 *	that has gone
 * @connection: the file of the connection that has it while IN_DEVICE. Only
 *	compared
 * @state: &enum ks_frame_state
 * @index: its number; constant
 * @fence: while FENCED: what it waits for, with a reference. Only
 *	&ks_allocator.fence_work and the allocator's end look at it
 * @fence_callback: is on @fence
 */
struct ksalloc_frame {
	struct list_head link;
	struct dma_buf *dmabuf;
	struct iosys_map map;
	struct ks_owner owner;
	const struct file *connection;
	enum ks_frame_state state;
	u32 index;
	struct dma_fence *fence;
	struct dma_fence_cb fence_callback;
};

/**
 * struct ks_listener - who is told each time that a frame becomes free
 * @link: on &ks_allocator.listeners
 * @tell: called for each frame that became free, in any context, hard interrupts
 *	included, with no spinlock held
 */
struct ks_listener {
	struct list_head link;
	void (*tell)(struct ks_listener *listener);
};

/**
 * struct ks_allocator - a fixed set of frames
 * @lock: protects all that follows up to @last_event
 * @free: free frames, the longest free first; not empty only while no one waits
 * @waiters: pending requests (&struct ks_waiter), the oldest first
 * @allocated: frames that are not FREE
 * @in_device: frames that are IN_DEVICE
 * @fenced: frames that are FENCED; they count in @allocated too
 * @waiting: length of @waiters
 * @listeners: &struct ks_listener, traversed under RCU
 * @oneshots: &struct ks_listener that the next free frame ends
 * @events: eventfds (&struct ks_event), and those that are being enabled
 * @n_events: length of @events
 * @last_event: number of the last event
 * @wait: pollers
 * @fence_work: frees FENCED frames
 * @framing: what it was created with, resolved; constant
 * @frame_bytes: bytes in each frame, in whole pages; constant
 * @memory_ops: where the frames come from; constant
 * @memory: what those know it by; constant
 * @kernel_only: some frame has no dma-buf, so user space must not see it; constant
 * @id: its number in traces and fdinfo; constant
 * @frames: number of frames; constant
 * @frame: the frames
 */
struct ks_allocator {
	spinlock_t lock; /* frames, and who waits for them */
	struct list_head free;
	struct list_head waiters;
	u32 allocated;
	u32 in_device;
	u32 fenced;
	u32 waiting;
	struct list_head listeners;
	struct list_head oneshots;
	struct list_head events;
	u32 n_events;
	u32 last_event;
	wait_queue_head_t wait;
	struct work_struct fence_work;
	struct ksallocator_framing framing;
	size_t frame_bytes;
	const struct ksalloc_memory_ops *memory_ops;
	void *memory;
	bool kernel_only;
	u32 id;
	u32 frames;
	struct ksalloc_frame frame[] __counted_by(frames);
};

struct ksalloc_frame *ks_frame_at(struct ks_allocator *alloc, u32 index);
int ks_allocator_try_alloc(struct ks_allocator *alloc,
			   const struct ks_owner *owner, u32 *index);
int ks_allocator_alloc(struct ks_allocator *alloc, const struct ks_owner *owner,
		       u64 deadline_ns, u32 *index);
int ks_allocator_free(struct ks_allocator *alloc, u32 index);
void ks_allocator_free_owned(struct ks_allocator *alloc, u32 index,
			     const struct ks_owner *owner);
int ks_allocator_submit(struct ks_allocator *alloc, u32 index,
			const struct file *connection);
void ks_allocator_unsubmit(struct ks_allocator *alloc, u32 index);
void ks_allocator_deliver(struct ks_allocator *alloc, u32 index,
			  const struct ks_owner *owner);
bool ks_allocator_undeliver(struct ks_allocator *alloc, u32 index,
			    const struct ks_owner *owner);
void ks_allocator_cancel(struct ks_allocator *alloc,
			 const struct file *connection);
struct ksalloc_frame *ks_allocator_fenced(struct ks_allocator *alloc, u32 index);
void ks_allocator_unfence(struct ks_allocator *alloc,
			  struct ksalloc_frame *frame);
bool ks_allocator_serves(struct ks_allocator *alloc,
			 const struct ks_owner *owner);
void ks_allocator_cancel_waiters(struct ks_allocator *alloc,
				 const struct ks_owner *owner);
void ks_allocator_reclaim(struct ks_allocator *alloc,
			  const struct ks_owner *owner);

/* fence.c */

bool ks_frame_idle(const struct ksalloc_frame *frame);
void ks_fences_begin(struct ks_allocator *alloc);
void ks_fences_end(struct ks_allocator *alloc);

/* eventfd.c */

void ks_listener_add(struct ks_allocator *alloc, struct ks_listener *listener);
void ks_listener_remove(struct ks_allocator *alloc,
			struct ks_listener *listener);
void ks_listeners_tell(struct ks_allocator *alloc);
void ks_oneshots_take(struct ks_allocator *alloc, struct list_head *taken);
void ks_oneshots_tell(struct list_head *taken);
bool ks_events_serve(struct ks_allocator *alloc, const struct ks_owner *owner);
void ks_events_reclaim(struct ks_allocator *alloc,
		       const struct ks_owner *owner);
void ks_events_end(struct ks_allocator *alloc);
long ks_enable_event_ioctl(struct ks_ucmd *ucmd);
long ks_disable_event_ioctl(struct ks_ucmd *ucmd);

/* client.c */

bool ks_client_gone(const struct ks_owner *owner);

/* allocator_file.c */

struct file *ks_allocator_create(const struct ksallocator_framing *framing,
				 size_t frame_bytes,
				 const struct ksalloc_memory_ops *ops,
				 void *creator, bool user);
struct ks_allocator *ks_allocator_of(const struct file *file);
bool ks_closed_last(const struct file *file, fl_owner_t files);

/* connection_file.c */

/**
 * struct ks_slot - a frame of the assigned allocator on its way
 * @link: on &ks_connection.submitted or &ks_connection.done; else empty
 * @queued: whether the device has it, while it is submitted
 * @completion: what the device said, once it is done
 */
struct ks_slot {
	struct list_head link;
	bool queued;
	struct ksalloc_completion completion;
};

/**
 * struct ks_reader - a waiting KSALLOC_COMPLETE
 * @link: on &ks_connection.readers
 * @files: the process, as in &struct ks_owner
 * @cancelled: that process has closed its last descriptor, or the stream that it
 *	waited for has ended
 */
struct ks_reader {
	struct list_head link;
	fl_owner_t files;
	bool cancelled;
};

/**
 * struct ks_connection - a connection
 * @lock: protects all that follows up to @file
 * @state: written under @lock; pollers read it without
 * @gone: the device has disappeared; likewise
 * @allocator: the assigned allocator's file, with a reference, or NULL
 * @slots: one for each frame of the allocator, in ACQUIRE and above
 * @submitted: slots of frames that are not filled yet, in order
 * @done: slots of frames that are filled, in order
 * @assigned: how often an allocator was assigned
 * @streams: how often a stream ended, from PAUSE to ACQUIRE or by a flush
 * @sequence: the sequence number that the next frame should have
 * @synchronized: whether there was a frame before the next one, with no restart of
 *	the device in between
 * @timed: whether @time is that of an earlier frame of this stream
 * @interrupted: whether there was a pause or a flush before the next frame
 * @flushing: whether a flush is under way, in PAUSE or RUN: nothing is submitted,
 *	and the device does not run. Pollers read it without @lock
 * @time: the presentation time of the last frame that had one
 * @gaps: how often a frame had another number than it should
 * @readers: &struct ks_reader
 * @file: the connection's own file, without a reference
 * @device: the device's end
 * @id: its number in traces and fdinfo
 * @wait: readers and pollers
 * @events: news from the device and changes of state, counted
 * @gone_work: takes the connection down when the device has disappeared
 */
struct ks_connection {
	struct mutex lock; /* state, allocator and stream */
	enum ksstate state;
	bool gone;
	struct file *allocator;
	struct ks_slot *slots;
	struct list_head submitted;
	struct list_head done;
	u32 assigned;
	u32 streams;
	u32 sequence;
	bool synchronized;
	bool timed;
	bool interrupted;
	bool flushing;
	s64 time;
	u64 gaps;
	struct list_head readers;

	struct file *file;
	struct ksalloc_device *device;
	u32 id;
	wait_queue_head_t wait;
	atomic_t events;
	struct work_struct gone_work;
};

/* The allocator assigned to a connection, or NULL */
static inline struct ks_allocator *ks_assigned(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	return conn->allocator ? ks_allocator_of(conn->allocator) : NULL;
}

long ks_connect_ioctl(struct ks_ucmd *ucmd);
int ks_connection_set_allocator(struct ks_connection *conn,
				struct file *allocator);
void ks_connection_wake(struct ks_connection *conn);
void ks_connection_notify(struct ks_connection *conn);

/* state.c */

int ks_connection_check(struct ks_connection *conn);
int ks_connection_lock(struct ks_connection *conn);
int ks_connection_request(struct ks_connection *conn, enum ksstate state);
int ks_connection_reset(struct ks_connection *conn, enum ksreset reset);
void ks_connection_down(struct ks_connection *conn, enum ksstate target);
void ks_connection_gone_work(struct work_struct *work);

/* reader.c */

/**
 * struct ks_collected - a frame that was handed to a reader, and when
 * @assigned: &ks_connection.assigned at that time
 * @streams: &ks_connection.streams at that time
 * @index: the frame
 */
struct ks_collected {
	u32 assigned;
	u32 streams;
	u32 index;
};

int ks_connection_dequeue(struct ks_connection *conn);
int ks_connection_queue(struct ks_connection *conn, struct ks_slot *slot);
int ks_connection_submit(struct ks_connection *conn, u32 index);
int ks_connection_read(struct ks_connection *conn, const struct ks_owner *owner,
		       bool nonblock, struct ksalloc_complete *arg,
		       struct ks_collected *collected);
long ks_submit_ioctl(struct ks_ucmd *ucmd);
long ks_complete_ioctl(struct ks_ucmd *ucmd);

/* v4l2.c */

struct ksalloc_device *ks_v4l2_create(int fd);

#endif /* _KSALLOC_PRIV_H */
