// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel-mode clients of an allocator: the direct interface (contract C1 to C6).
 *
 * A client is an owner of frames like an open file, and a notifier like an event. It holds
 * a reference to its allocator. ksalloc_client_destroy() takes these steps:
 *
 * 1. It removes the notifier, and cancels the waiting requests (ECANCELED).
 * 2. It waits for a grace period. After that, no callback and no call of
 *    ksalloc_alloc_frame() or ksalloc_free_frame() is in progress, because each of them is
 *    an RCU read-side section.
 * 3. It takes the frames of the client back, and drops the reference.
 */
#include <linux/atomic.h>
#include <linux/dma-buf.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "allocator.h"

/**
 * struct ksalloc_client - a kernel-mode client of an allocator
 * @notifier: calls the callback
 * @ops: the client's operations
 * @context: argument of the operations
 * @alloc: the allocator, with a reference
 * @owner: its frames and requests
 * @enabled: @notifier was added to the list
 * @waiting: number of ksalloc_alloc_frame_wait() calls in progress
 */
struct ksalloc_client {
	struct ks_notifier notifier;
	const struct ksalloc_client_ops *ops;
	void *context;
	struct ks_allocator *alloc;
	struct ks_owner owner;
	bool enabled;
	atomic_t waiting;
};

static void ks_client_notify(struct ks_notifier *notifier)
{
	struct ksalloc_client *client = container_of(notifier,
						     struct ksalloc_client,
						     notifier);

	client->ops->free_frame(client->context);
}

/**
 * ksalloc_client_create() - create a client of an allocator
 * @allocator: an open file of the allocator. The client references the allocator and not
 *	the file. As long as the caller keeps a reference to the file of a process, the
 *	frames of that process do not become free when it ends
 * @ops: the operations, which must be valid until ksalloc_client_destroy()
 * @context: argument of the operations
 *
 * The callback is not called before ksalloc_client_enable(). Contract C1, C5.
 *
 * Context: process context; sleeps.
 * Return: the client; -EINVAL if it is not a file of an allocator; -ENOMEM.
 */
struct ksalloc_client *
ksalloc_client_create(struct file *allocator,
		      const struct ksalloc_client_ops *ops, void *context)
{
	struct ks_allocator *alloc = ks_allocator_of(allocator);
	struct ksalloc_client *client;

	might_sleep();

	if (!alloc)
		return ERR_PTR(-EINVAL);
	client = kzalloc(sizeof(*client), GFP_KERNEL);
	if (!client)
		return ERR_PTR(-ENOMEM);

	client->ops = ops;
	client->context = context;
	client->alloc = ks_allocator_get(alloc);
	client->notifier.notify = ks_client_notify;
	ks_owner_init(&client->owner, NULL, true);
	return client;
}
EXPORT_SYMBOL_GPL(ksalloc_client_create);

/**
 * ksalloc_client_enable() - enable the callback of a client
 * @client: the client, which must have a callback
 *
 * Must be called at most once. The callback may run before this call returns.
 *
 * Context: process context.
 */
void ksalloc_client_enable(struct ksalloc_client *client)
{
	if (WARN_ON_ONCE(client->enabled || !client->ops->free_frame))
		return;
	client->enabled = true;
	ks_notifier_add(client->alloc, &client->notifier);
}
EXPORT_SYMBOL_GPL(ksalloc_client_enable);

/**
 * ksalloc_client_open() - make another open file of the allocator of a client
 * @client: the client
 *
 * The file is another client. A module can pass it to a process as a descriptor.
 *
 * Context: process context; sleeps.
 * Return: the file, with a reference for the caller; -ENOMEM or -ENFILE.
 */
struct file *ksalloc_client_open(struct ksalloc_client *client)
{
	return ks_allocator_open(client->alloc);
}
EXPORT_SYMBOL_GPL(ksalloc_client_open);

/**
 * ksalloc_client_cancel() - end the requests of a client permanently
 * @client: the client
 *
 * Calls of ksalloc_alloc_frame_wait() that wait return -ECANCELED. Later calls do not wait:
 * they return a frame or -ECANCELED. The client keeps its frames. Contract B4.
 *
 * Context: any.
 */
void ksalloc_client_cancel(struct ksalloc_client *client)
{
	ks_allocator_end_owner(client->alloc, &client->owner);
}
EXPORT_SYMBOL_GPL(ksalloc_client_cancel);

/**
 * ksalloc_client_destroy() - end a client
 * @client: the client. Nothing is done for NULL or an error pointer
 *
 * Waits for callbacks and calls of the client that are in progress. Calls that wait for a
 * frame return -ECANCELED. No call may begin after this. If other threads make calls, call
 * ksalloc_client_cancel() first and wait until all of them have returned. The frames of the
 * client become free.
 *
 * Context: process context; sleeps. Must not be called in a callback.
 */
void ksalloc_client_destroy(struct ksalloc_client *client)
{
	might_sleep();

	if (IS_ERR_OR_NULL(client))
		return;

	if (client->enabled)
		ks_notifier_remove(client->alloc, &client->notifier);
	ksalloc_client_cancel(client);
	wait_var_event(&client->waiting, !atomic_read(&client->waiting));

	synchronize_rcu();
	ks_allocator_reclaim(client->alloc, &client->owner);
	ks_allocator_put(client->alloc);
	kfree(client);
}
EXPORT_SYMBOL_GPL(ksalloc_client_destroy);

/**
 * ksalloc_alloc_frame() - allocate a free frame
 * @client: the client that gets it
 *
 * Contract C1, C2.
 *
 * Context: any.
 * Return: the frame, or NULL immediately if no frame is free.
 */
struct ksalloc_frame *ksalloc_alloc_frame(struct ksalloc_client *client)
{
	struct ksalloc_frame *frame = NULL;
	u32 index;

	rcu_read_lock();
	if (!ks_allocator_try_alloc(client->alloc, &client->owner, &index))
		frame = &client->alloc->frames[index];
	rcu_read_unlock();

	return frame;
}
EXPORT_SYMBOL_GPL(ksalloc_alloc_frame);

/**
 * ksalloc_alloc_frame_wait() - allocate a frame, and wait if no frame is free
 * @client: the client that gets it
 * @deadline_ns: when to stop waiting, on CLOCK_MONOTONIC; 0 for no deadline
 * @frame: the frame; not written on failure
 *
 * Waits in the same queue as KSALLOC_ALLOC. Contract B2 to B4, C4.
 *
 * Context: process context; sleeps.
 * Return: 0; -ERESTARTSYS after a signal; -ETIMEDOUT; -ECANCELED after
 * ksalloc_client_cancel() or ksalloc_client_destroy().
 */
int ksalloc_alloc_frame_wait(struct ksalloc_client *client, u64 deadline_ns,
			     struct ksalloc_frame **frame)
{
	u32 index;
	int ret;

	might_sleep();

	atomic_inc(&client->waiting);
	ret = ks_allocator_alloc(client->alloc, &client->owner, deadline_ns,
				 &index);
	if (!ret)
		*frame = &client->alloc->frames[index];
	if (atomic_dec_and_test(&client->waiting))
		wake_up_var(&client->waiting);

	return ret;
}
EXPORT_SYMBOL_GPL(ksalloc_alloc_frame_wait);

/**
 * ksalloc_free_frame() - free a frame
 * @client: a client of the allocator of the frame
 * @frame: an allocated frame; any owner may hold it
 *
 * Before this call returns, the frame is given to the oldest waiter, or pollers, eventfds
 * and clients are notified. If a fence on the dma-buf is not signalled, or the fences
 * cannot be tested because this is a hard interrupt, this happens later. Contract C1, C3,
 * H3.
 *
 * Context: any; takes time for each fence on the dma-buf. Must not be called in the
 * callback of a fence, because fences can share their lock.
 * Return: 0; -EINVAL if the frame is free, waits for a fence, or belongs to another
 * allocator; -EBUSY if it is in a device.
 */
int ksalloc_free_frame(struct ksalloc_client *client,
		       struct ksalloc_frame *frame)
{
	struct ks_allocator *alloc = client->alloc;
	int ret = -EINVAL;

	rcu_read_lock();
	if (frame >= alloc->frames && frame < alloc->frames + alloc->nr_frames)
		ret = ks_allocator_free(alloc, frame->index, true);
	rcu_read_unlock();

	return ret;
}
EXPORT_SYMBOL_GPL(ksalloc_free_frame);

/**
 * ksalloc_frame() - find a frame by its index
 * @client: a client of the allocator of the frame
 * @index: the index
 *
 * Context: any.
 * Return: the frame, which is valid as long as the client; NULL if there is no such frame.
 */
struct ksalloc_frame *ksalloc_frame(struct ksalloc_client *client, u32 index)
{
	return ks_frame_at(client->alloc, index);
}
EXPORT_SYMBOL_GPL(ksalloc_frame);

/**
 * ksalloc_frame_index() - the index of a frame, as user space knows it
 * @frame: the frame
 *
 * Context: any.
 * Return: the index.
 */
u32 ksalloc_frame_index(const struct ksalloc_frame *frame)
{
	return frame->index;
}
EXPORT_SYMBOL_GPL(ksalloc_frame_index);

/**
 * ksalloc_frame_planes() - the number of memory planes of a frame
 * @frame: the frame
 *
 * Context: any.
 * Return: the number of planes.
 */
u32 ksalloc_frame_planes(const struct ksalloc_frame *frame)
{
	return frame->nr_planes;
}
EXPORT_SYMBOL_GPL(ksalloc_frame_planes);

/**
 * ksalloc_frame_dmabuf() - the dma-buf of a plane of a frame
 * @frame: the frame
 * @plane: the plane; 0 for the first or only one
 *
 * Context: any.
 * Return: the dma-buf, without a reference. It is valid as long as the client. NULL if there
 * is no such plane, or its memory never leaves the kernel.
 */
struct dma_buf *ksalloc_frame_dmabuf(const struct ksalloc_frame *frame,
				     u32 plane)
{
	return ks_frame_dmabuf(frame, plane);
}
EXPORT_SYMBOL_GPL(ksalloc_frame_dmabuf);

/**
 * ksalloc_frame_vmap() - map a plane of a frame into the kernel
 * @frame: the frame
 * @plane: the plane; 0 for the first or only one
 * @map: the mapping; not written on failure
 *
 * Access the mapping of a dma-buf between dma_buf_begin_cpu_access() and
 * dma_buf_end_cpu_access(). To access it in an interrupt, map the frame beforehand.
 *
 * Context: process context; sleeps.
 * Return: 0; -EINVAL if there is no such plane, or its dma-buf cannot be mapped; an errno of
 * its exporter.
 */
int ksalloc_frame_vmap(struct ksalloc_frame *frame, u32 plane,
		       struct iosys_map *map)
{
	struct iosys_map mapped;
	int ret;

	might_sleep();

	if (plane >= frame->nr_planes)
		return -EINVAL;
	if (!frame->planes[plane].dmabuf) {
		*map = frame->planes[plane].map;
		return 0;
	}
	ret = dma_buf_vmap_unlocked(frame->planes[plane].dmabuf, &mapped);
	if (!ret)
		*map = mapped;
	return ret;
}
EXPORT_SYMBOL_GPL(ksalloc_frame_vmap);

/**
 * ksalloc_frame_vunmap() - undo ksalloc_frame_vmap()
 * @frame: the frame
 * @plane: the plane
 * @map: the mapping from ksalloc_frame_vmap()
 *
 * Context: process context; sleeps.
 */
void ksalloc_frame_vunmap(struct ksalloc_frame *frame, u32 plane,
			  struct iosys_map *map)
{
	might_sleep();

	if (frame->planes[plane].dmabuf)
		dma_buf_vunmap_unlocked(frame->planes[plane].dmabuf, map);
}
EXPORT_SYMBOL_GPL(ksalloc_frame_vunmap);
