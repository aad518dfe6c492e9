/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocators: a fixed set of frames, their holders, and the requests that wait for them.
 *
 * "Contract" and an id such as B3 name a row of Documentation/conformance.rst.
 *
 * Layers, from top to bottom: client; allocator_file; eventfd; allocator (creation and
 * memory); pool (frames); waiter, notify, fence and mapping. A file calls only lower layers.
 * Below all other files are framing and planes (arithmetic), account (memory of each user), ioctl
 * (dispatch), sleep, and heap and import (memory of allocators; heap is above import).
 */

/**
 * DOC: Ownership of allocators
 *
 * - An allocator is reference counted. Each of its open files (allocator_file.c), each
 *   kernel client (client.c), and each connection that it is assigned to holds a
 *   reference. It never references any of them, so there is no cycle.
 * - An allocator owns its frames, and each frame owns its planes, which are dma-bufs. The
 *   dma-bufs of a frame never change, because importers cache mappings by dma-buf.
 * - A &struct ks_owner can hold frames and wait for them. It represents an open file of an
 *   allocator or connection, a kernel client, or the feed of a connection, and is embedded in
 *   that object. Before the object is freed, the frames of the owner are taken back, so
 *   &ksalloc_frame.owner never dangles.
 */

/**
 * DOC: States of a frame
 *
 * A frame is FREE, ALLOCATED to an owner, IN_DEVICE of a connection, or FENCED. When nobody
 * holds it any more, its fences are checked. If a fence on its dma-buf is not signalled, the
 * frame is FENCED until all its fences are signalled. After that it is given to the oldest
 * waiter. If there is no waiter, it becomes FREE. A new frame is FENCED or FREE likewise.
 *
 * The free list is empty while a request waits. So a later request cannot take a frame
 * that becomes free, and a frame on the free list may be taken immediately (contract B3).
 */

/**
 * DOC: Locking of allocators
 *
 * - ks_allocator.lock is an interrupt-safe spinlock. It protects the state and owner of
 *   each frame, the lists of free and fenced frames and of waiters, and the lists of
 *   notifiers. Tasks are woken and work is queued under it. No other lock of ksalloc
 *   nests within it. No callback is called, no eventfd is signalled and no fence is tested under
 *   it. The only loop under it is over the events that are signalled once, at most
 *   KSALLOC_MAX_EVENTS.
 * - ks_allocator.event_lock is a mutex and protects the events of all open files. It
 *   nests outside of ks_allocator.lock.
 * - Pollers read the free list without a lock, so they can read an old state. They are
 *   woken when a frame becomes free.
 * - The callback on a fence runs under the lock of the fence. It only queues
 *   ks_allocator.fence_work. The work takes fence locks and ks_allocator.lock, but never
 *   at the same time.
 * - mapping.c takes the reservation lock of one dma-buf at a time, with or without
 *   ks_connection.lock held.
 * - Neither of these two locks is held during an access to user memory or an allocation from a
 *   heap.
 */
#ifndef _KSALLOC_ALLOCATOR_H
#define _KSALLOC_ALLOCATOR_H

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/fs.h>
#include <linux/ksalloc.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/dma-buf.h>

struct ks_connection;

/* fence.c */

/**
 * struct ks_fence_wait - a wait for one fence of a reservation object
 * @fence: the fence, with a reference; NULL for none
 * @callback: registered on @fence
 * @work: queued when the fence is signalled
 */
struct ks_fence_wait {
	struct dma_fence *fence;
	struct dma_fence_cb callback;
	struct work_struct *work;
};

bool ks_fences_signaled(struct dma_resv *resv);
bool ks_fence_wait_begin(struct ks_fence_wait *wait, struct dma_resv *resv,
			 struct work_struct *work);
void ks_fence_wait_end(struct ks_fence_wait *wait);

/* notify.c */

/**
 * struct ks_notifier - callbacks for frames that become free, and requests that wait
 * @link: on one of the lists of &struct ks_notify_list
 * @taken: it was taken off the once list, and has been or is about to be called. Protected
 *	by ks_allocator.lock
 * @notify: called when a frame has become free, in any context, without a spinlock
 * @waiting: called when a request begins to wait for a frame, in process context, without a
 *	spinlock; or NULL. Only for notifiers on the always list
 */
struct ks_notifier {
	struct list_head link;
	bool taken;
	void (*notify)(struct ks_notifier *notifier);
	void (*waiting)(struct ks_notifier *notifier);
};

/**
 * struct ks_notify_list - the notifiers of an allocator
 * @always: called for each frame that becomes free, and each request that waits; traversed
 *	under RCU
 * @once: called only for the next frame that becomes free
 */
struct ks_notify_list {
	struct list_head always;
	struct list_head once;
};

void ks_notify_init(struct ks_notify_list *list);
void ks_notify_take_once(struct ks_notify_list *list, struct list_head *taken);
void ks_notify_call_once(struct list_head *taken);
void ks_notify_call(struct ks_notify_list *list);
void ks_notify_waiting(struct ks_notify_list *list);
void ks_notifier_add(struct ks_allocator *alloc, struct ks_notifier *notifier);
void ks_notifier_add_once(struct ks_allocator *alloc,
			  struct ks_notifier *notifier);
bool ks_notifier_remove(struct ks_allocator *alloc,
			struct ks_notifier *notifier);

/* pool.c: frames; waiter.c: requests that wait for them */

/**
 * enum ks_frame_state - state of a frame
 * @KS_FRAME_FREE: on the free list
 * @KS_FRAME_ALLOCATED: an owner holds it
 * @KS_FRAME_IN_DEVICE: a connection holds it: it is queued, being filled, or filled and
 *	not yet completed (KSALLOC_COMPLETE)
 * @KS_FRAME_FENCED: nobody holds it, but a fence on its dma-buf is not signalled
 */
enum ks_frame_state {
	KS_FRAME_FREE,
	KS_FRAME_ALLOCATED,
	KS_FRAME_IN_DEVICE,
	KS_FRAME_FENCED,
};

/**
 * struct ks_owner - an object that can hold frames and wait for them
 * @connection: for an open file or the feed of a connection, the connection; otherwise NULL. Only
 *	compared
 * @kernel: a kernel client or a feed; user space cannot free or submit its frames
 * @ended: its requests do not wait any more. Written under ks_allocator.lock, never cleared.
 *	KSALLOC_ALLOC also reads it without the lock
 * @waiters: its pending requests, oldest first. Protected by ks_allocator.lock
 * @cancels: number of ks_allocator_cancel() calls; likewise
 */
struct ks_owner {
	const struct ks_connection *connection;
	bool kernel;
	bool ended;
	struct list_head waiters;
	u64 cancels;
};

static inline void ks_owner_init(struct ks_owner *owner,
				 const struct ks_connection *connection,
				 bool kernel)
{
	*owner = (struct ks_owner){
		.connection = connection,
		.kernel = kernel,
	};
	INIT_LIST_HEAD(&owner->waiters);
}

/**
 * struct ks_plane - the memory of one plane of a frame
 * @dmabuf: the dma-buf, with a reference; NULL for memory that never leaves the kernel
 * @map: the kernel's mapping, if the provider of the memory has one
 * @mapped: the allocator has a reference to the kernel mapping of @dmabuf, see mapping.c. Written
 *	under the lock of @dmabuf->resv
 */
struct ks_plane {
	struct dma_buf *dmabuf;
	struct iosys_map map;
	bool mapped;
};

/**
 * struct ksalloc_frame - a frame of an allocator
 * @link: on &ks_allocator.free or &ks_allocator.fenced; otherwise empty
 * @planes: @nr_planes planes; constant
 * @owner: its holder while ALLOCATED; while IN_DEVICE, the owner that submitted it, or
 *	NULL if that owner was closed
 * @connection: the connection that holds it while IN_DEVICE. Only compared
 * @fence: the fence that the frame waits for while FENCED: of one plane after the other.
 *	Only used by &ks_allocator.fence_work and when the allocator is freed
 * @holds: number of holds: one while ALLOCATED or IN_DEVICE, otherwise zero. The readers
 *	of a frame have one together. The feed counts them (&ks_feed_frame.holds)
 * @state: &enum ks_frame_state
 * @index: its index in the allocator; constant
 * @nr_planes: number of planes; constant
 */
struct ksalloc_frame {
	struct list_head link;
	struct ks_plane *planes;
	struct ks_owner *owner;
	const struct ks_connection *connection;
	struct ks_fence_wait fence;
	u32 holds;
	enum ks_frame_state state;
	u32 index;
	u32 nr_planes;
};

/**
 * struct ks_program - a program that makes an allocator
 * @comm: the name of the program, in printable characters
 * @pid: its process, in the initial namespace
 */
struct ks_program {
	char comm[TASK_COMM_LEN];
	pid_t pid;
};

/**
 * struct ks_allocator - a fixed set of frames
 * @lock: protects the fields down to @notifiers
 * @free: free frames, the longest free first
 * @fenced: FENCED frames
 * @waiters: pending requests (&struct ks_waiter), oldest first
 * @nr_allocated: number of frames that are not FREE
 * @nr_in_device: number of frames that are IN_DEVICE, without those of ks_allocator_abandon()
 * @nr_fenced: number of frames that are FENCED; they count in @nr_allocated too
 * @nr_waiting: length of @waiters
 * @notifiers: called when a frame becomes free, or a request begins to wait
 * @wait: pollers
 * @fence_work: frees FENCED frames whose fences are signalled
 * @event_lock: protects the fields down to @last_event
 * @events: all events (&struct ks_event)
 * @nr_events: length of @events
 * @last_event: number of the last event
 * @assigned: number of connections that it is assigned to
 * @refs: references to the allocator
 * @put_work: drops the last reference, for ks_allocator_put_on()
 * @framing: the framing, with the values of the device in place of zeros; constant
 * @layout: the planes of each frame, whose sum is the frame size; constant
 * @frame_bytes: bytes in each frame, with each plane in whole pages; constant
 * @memory_ops: allocate and free the memory of the frames; constant
 * @memory: the first argument of @memory_ops; constant
 * @kernel_only: a plane has no dma-buf, so user space must not see it; constant
 * @id: its number in traces and fdinfo; constant
 * @user: the user for whom the memory is counted; INVALID_UID for a kernel client. Constant
 * @pages: number of pages that are counted; constant
 * @planes: the planes of all frames, those of frame 0 first; constant
 * @nr_frames: number of frames; constant
 * @frames: the frames
 */
struct ks_allocator {
	spinlock_t lock; /* frames and waiters */
	struct list_head free;
	struct list_head fenced;
	struct list_head waiters;
	u32 nr_allocated;
	u32 nr_in_device;
	u32 nr_fenced;
	u32 nr_waiting;
	struct ks_notify_list notifiers;

	wait_queue_head_t wait;
	struct work_struct fence_work;

	struct mutex event_lock; /* events of all open files */
	struct list_head events;
	u32 nr_events;
	u32 last_event;

	atomic_t assigned;
	struct kref refs;
	struct work_struct put_work;
	struct ksallocator_framing framing;
	struct ksalloc_planes layout;
	size_t frame_bytes;
	const struct ksalloc_memory_ops *memory_ops;
	void *memory;
	bool kernel_only;
	u32 id;
	kuid_t user;
	unsigned long pages;
	struct ks_plane *planes;
	u32 nr_frames;
	struct ksalloc_frame frames[] __counted_by(nr_frames);
};

/**
 * ks_frame_at() - find a frame by its index
 * @alloc: the allocator
 * @index: the index, which can come from user space
 *
 * Context: any.
 * Return: the frame; NULL if there is none.
 */
static inline struct ksalloc_frame *
ks_frame_at(const struct ks_allocator *alloc, u32 index)
{
	if (index >= alloc->nr_frames)
		return NULL;
	index = array_index_nospec(index, alloc->nr_frames);
	/* Callers with a const allocator may still change its frames */
	return (struct ksalloc_frame *)&alloc->frames[index];
}

/**
 * ks_frame_dmabuf() - find the dma-buf of a plane
 * @frame: the frame
 * @plane: the plane, which can come from user space
 *
 * Context: any.
 * Return: the dma-buf; NULL if there is no such plane, or its memory never leaves the kernel.
 */
static inline struct dma_buf *
ks_frame_dmabuf(const struct ksalloc_frame *frame, u32 plane)
{
	if (plane >= frame->nr_planes)
		return NULL;
	return frame->planes[array_index_nospec(plane, frame->nr_planes)].dmabuf;
}

void ks_pool_init(struct ks_allocator *alloc);
void ks_pool_begin(struct ks_allocator *alloc);
void ks_pool_end(struct ks_allocator *alloc);
int ks_allocator_try_alloc(struct ks_allocator *alloc, struct ks_owner *owner,
			   u32 *index);
int ks_allocator_alloc(struct ks_allocator *alloc, struct ks_owner *owner,
		       u64 deadline_ns, u32 *index);
int ks_allocator_free(struct ks_allocator *alloc, u32 index, bool kernel);
void ks_allocator_free_owned(struct ks_allocator *alloc, u32 index,
			     const struct ks_owner *owner);
int ks_allocator_submit(struct ks_allocator *alloc, u32 index,
			const struct ks_connection *connection);
void ks_allocator_unsubmit(struct ks_allocator *alloc, u32 index);
bool ks_allocator_recycle(struct ks_allocator *alloc, u32 index,
			  const struct ks_owner *owner,
			  const struct ks_connection *connection);
bool ks_allocator_free_quietly(struct ks_allocator *alloc, u32 index,
			       const struct ks_owner *owner);
void ks_allocator_notify_free(struct ks_allocator *alloc);
void ks_allocator_deliver(struct ks_allocator *alloc, u32 index,
			  struct ks_owner *owner);
void ks_allocator_take_back(struct ks_allocator *alloc,
			    const struct ks_connection *connection);
void ks_allocator_abandon(struct ks_allocator *alloc,
			  const struct ks_connection *connection);
void ks_allocator_cancel(struct ks_allocator *alloc, struct ks_owner *owner);
void ks_allocator_end_owner(struct ks_allocator *alloc, struct ks_owner *owner);
void ks_allocator_reclaim(struct ks_allocator *alloc,
			  const struct ks_owner *owner);
void ks_allocator_reclaim_connection(struct ks_allocator *alloc,
				     const struct ks_connection *connection);

/* mapping.c */

void ks_mappings_keep(struct ks_allocator *alloc);
void ks_mappings_drop(struct ks_allocator *alloc);

/* allocator.c: creation, memory and end */

void ks_program_set(struct ks_program *program);
void ks_allocator_name_planes(const struct ks_allocator *alloc,
			      const struct ks_program *program);
void ks_plane_name(char name[DMA_BUF_NAME_LEN], const struct ks_allocator *alloc,
		   u32 plane, const char *comm, pid_t pid);
struct ks_allocator *
ks_allocator_create(const struct ksallocator_framing *framing,
		    const struct ksalloc_planes *layout, size_t frame_bytes,
		    const struct ksalloc_memory_ops *ops, void *creator,
		    bool user);
struct ks_allocator *
ks_allocator_create_for_user(const struct ksallocator_framing *framing,
			     const struct ksalloc_planes *layout,
			     size_t frame_bytes,
			     const struct ksalloc_memory_ops *ops,
			     void *creator, u64 bytes, u64 max_bytes);
void ks_allocator_put(struct ks_allocator *alloc);
void ks_allocator_put_on(struct ks_allocator *alloc,
			 struct workqueue_struct *wq);

static inline struct ks_allocator *ks_allocator_get(struct ks_allocator *alloc)
{
	kref_get(&alloc->refs);
	return alloc;
}

/* allocator_file.c */

/**
 * struct ks_allocator_file - an open file of an allocator
 * @alloc: the allocator, with a reference
 * @owner: the frames and requests of this file
 */
struct ks_allocator_file {
	struct ks_allocator *alloc;
	struct ks_owner owner;
};

struct file *ks_allocator_open(struct ks_allocator *alloc);
struct ks_allocator *ks_allocator_of(const struct file *file);

#endif /* _KSALLOC_ALLOCATOR_H */
