// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel-mode clients of an allocator: the direct interface (contract C1 to C6).
 *
 * A client is an owner of frames like a process, and a listener like an eventfd.
 * It holds a reference to the allocator's file, so what it calls is there as long
 * as it is there itself. Its end goes in this order:
 *
 *  1. nobody calls its callback any more, or waits for a frame on its behalf: a
 *     request that is pending ends with ECANCELED;
 *  2. a grace period. The callbacks that are under way are over, and so are its
 *     calls of ksalloc_alloc_frame() and ksalloc_free_frame() that began before,
 *     in whatever context: each is one RCU read-side section;
 *  3. its frames are free, and the reference goes.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <linux/atomic.h>
#include <linux/dma-buf.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "ksalloc_priv.h"

/**
 * struct ksalloc_client - a kernel-mode client of an allocator
 * @listener: on &ks_allocator.listeners, where there is a callback
 * @ops: the client's operations
 * @context: what they know it by
 * @file: the allocator's file, with a reference
 * @alloc: the allocator
 * @gone: ksalloc_client_cancel() was called
 * @waiting: calls of ksalloc_alloc_frame_wait()
 */
struct ksalloc_client {
	struct ks_listener listener;
	const struct ksalloc_client_ops *ops;
	void *context;
	struct file *file;
	struct ks_allocator *alloc;
	bool gone;
	atomic_t waiting;
};

static struct ks_owner ks_client_owner(struct ksalloc_client *client)
{
	return (struct ks_owner){ .files = client };
}

/**
 * ks_client_gone() - does a client go away?
 * @owner: a client as an owner
 *
 * Context: any; a call of the client's is under way.
 * Return: whether its requests are cancelled.
 */
bool ks_client_gone(const struct ks_owner *owner)
{
	const struct ksalloc_client *client = owner->files;

	return READ_ONCE(client->gone);
}

static void ks_client_tell(struct ks_listener *listener)
{
	struct ksalloc_client *client = container_of(listener,
						     struct ksalloc_client,
						     listener);

	client->ops->free_frame(client->context);
}

/**
 * ksalloc_client_create() - become a client of an allocator
 * @allocator: an allocator's file, of which the client gets a reference of its own
 * @ops: the client's operations; they stay until ksalloc_client_destroy()
 * @context: the operations' argument
 *
 * Contract C1, C5.
 *
 * Context: process context; sleeps.
 * Return: the client; -EINVAL where the file is no allocator's; -ENOMEM.
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
	client->file = get_file(allocator);
	client->alloc = alloc;
	client->listener.tell = ks_client_tell;
	if (ops->free_frame)
		ks_listener_add(alloc, &client->listener);
	return client;
}
EXPORT_SYMBOL_GPL(ksalloc_client_create);

/**
 * ksalloc_client_cancel() - send away who waits
 * @client: the client
 *
 * Calls of ksalloc_alloc_frame_wait() that wait end with -ECANCELED, and so do those
 * that are yet to come. Its frames stay the client's. So a caller can see to it that
 * nobody waits any more, and then call ksalloc_client_destroy(). Contract B4.
 *
 * Context: any.
 */
void ksalloc_client_cancel(struct ksalloc_client *client)
{
	const struct ks_owner owner = ks_client_owner(client);

	WRITE_ONCE(client->gone, true);
	ks_allocator_cancel_waiters(client->alloc, &owner);
}
EXPORT_SYMBOL_GPL(ksalloc_client_cancel);

/**
 * ksalloc_client_destroy() - be a client no more
 * @client: the client; NULL or an errno does nothing
 *
 * Waits for callbacks and for calls on its behalf that are under way; those that
 * wait for a frame end with -ECANCELED. The caller sees to it that no call begins
 * later, nor is just about to wait: of a call of ksalloc_alloc_frame_wait() that has
 * not come as far as to be counted, nobody here knows. Where others make such calls,
 * ksalloc_client_cancel() first, and then wait until all of them have returned. The
 * client's frames become free; those that somebody has submitted stay in the device.
 *
 * Context: process context; sleeps. Not in a callback.
 */
void ksalloc_client_destroy(struct ksalloc_client *client)
{
	struct ks_owner owner;

	might_sleep();

	if (IS_ERR_OR_NULL(client))
		return;
	owner = ks_client_owner(client);

	if (client->ops->free_frame)
		ks_listener_remove(client->alloc, &client->listener);
	ksalloc_client_cancel(client);
	wait_var_event(&client->waiting, !atomic_read(&client->waiting));

	synchronize_rcu();
	ks_allocator_reclaim(client->alloc, &owner);
	fput(client->file);
	kfree(client);
}
EXPORT_SYMBOL_GPL(ksalloc_client_destroy);

/**
 * ksalloc_alloc_frame() - take a free frame
 * @client: whose it shall be
 *
 * Contract C1, C2.
 *
 * Context: any, hard interrupts included.
 * Return: the frame, or NULL at once where none is free.
 */
struct ksalloc_frame *ksalloc_alloc_frame(struct ksalloc_client *client)
{
	const struct ks_owner owner = ks_client_owner(client);
	struct ksalloc_frame *frame = NULL;
	u32 index;

	rcu_read_lock();
	if (!ks_allocator_try_alloc(client->alloc, &owner, &index))
		frame = &client->alloc->frame[index];
	rcu_read_unlock();

	return frame;
}
EXPORT_SYMBOL_GPL(ksalloc_alloc_frame);

/**
 * ksalloc_alloc_frame_wait() - take a free frame, or wait for one
 * @client: whose it shall be
 * @deadline_ns: when to stop waiting, on CLOCK_MONOTONIC; 0 for never
 * @frame: the frame; not written to on failure
 *
 * Waits in the same queue as KSALLOC_ALLOC. Contract B2 to B4, C4.
 *
 * Context: process context; sleeps.
 * Return: 0; -ERESTARTSYS upon a signal; -ETIMEDOUT; -ECANCELED where the client is
 * destroyed.
 */
int ksalloc_alloc_frame_wait(struct ksalloc_client *client, u64 deadline_ns,
			     struct ksalloc_frame **frame)
{
	const struct ks_owner owner = ks_client_owner(client);
	struct ks_allocator *alloc = client->alloc;
	int ret = -ECANCELED;
	u32 index;

	atomic_inc(&client->waiting);
	if (!ks_client_gone(&owner))
		ret = ks_allocator_alloc(alloc, &owner, deadline_ns, &index);
	if (!ret && ks_client_gone(&owner)) {
		ks_allocator_free_owned(alloc, index, &owner);
		ret = -ECANCELED;
	}
	if (!ret)
		*frame = &alloc->frame[index];
	if (atomic_dec_and_test(&client->waiting))
		wake_up_var(&client->waiting);

	return ret;
}
EXPORT_SYMBOL_GPL(ksalloc_alloc_frame_wait);

/**
 * ksalloc_free_frame() - free a frame
 * @client: a client of the frame's allocator
 * @frame: an allocated frame, whoever's it is
 *
 * Everybody hears of it before it returns: the request that has waited longest has
 * the frame, or else pollers, eventfds and clients are told. But where a fence on the
 * frame's dma-buf is not signalled, all that comes when it is. Contract C1, C3, H3.
 *
 * Context: any, hard interrupts included; takes longer with each fence on the frame's
 * dma-buf. Not in the callback of any fence, for fences can share their lock.
 * Return: 0; -EINVAL where the frame is free, or kept for a fence already, or another
 * allocator's; -EBUSY where it is in a device.
 */
int ksalloc_free_frame(struct ksalloc_client *client,
		       struct ksalloc_frame *frame)
{
	struct ks_allocator *alloc = client->alloc;
	int ret = -EINVAL;

	rcu_read_lock();
	if (frame >= alloc->frame && frame < alloc->frame + alloc->frames)
		ret = ks_allocator_free(alloc, frame->index);
	rcu_read_unlock();

	return ret;
}
EXPORT_SYMBOL_GPL(ksalloc_free_frame);

/**
 * ksalloc_frame() - a frame by its number
 * @client: a client of the frame's allocator
 * @index: its index
 *
 * Context: any.
 * Return: the frame, which is there as long as the client; NULL where there is no
 * such frame.
 */
struct ksalloc_frame *ksalloc_frame(struct ksalloc_client *client, u32 index)
{
	return ks_frame_at(client->alloc, index);
}
EXPORT_SYMBOL_GPL(ksalloc_frame);

/**
 * ksalloc_frame_index() - a frame's number, as user space knows it
 * @frame: the frame
 *
 * Context: any.
 * Return: its index.
 */
u32 ksalloc_frame_index(const struct ksalloc_frame *frame)
{
	return frame->index;
}
EXPORT_SYMBOL_GPL(ksalloc_frame_index);

/**
 * ksalloc_frame_dmabuf() - a frame's memory
 * @frame: the frame
 *
 * Context: any.
 * Return: the dma-buf, without a reference: it is there as long as the frame, which
 * is as long as the client. NULL where the memory never leaves the kernel.
 */
struct dma_buf *ksalloc_frame_dmabuf(const struct ksalloc_frame *frame)
{
	return frame->dmabuf;
}
EXPORT_SYMBOL_GPL(ksalloc_frame_dmabuf);

/**
 * ksalloc_frame_vmap() - map a frame into the kernel
 * @frame: the frame
 * @map: where it is; not written to on failure
 *
 * A dma-buf's bytes are to be read and written between dma_buf_begin_cpu_access()
 * and dma_buf_end_cpu_access(). To do that in an interrupt, map the frame before.
 *
 * Context: process context; sleeps.
 * Return: 0; -EINVAL where the dma-buf cannot be mapped, or what its exporter says.
 */
int ksalloc_frame_vmap(struct ksalloc_frame *frame, struct iosys_map *map)
{
	struct iosys_map mapped;
	int ret;

	might_sleep();

	if (!frame->dmabuf) {
		*map = frame->map;
		return 0;
	}
	ret = dma_buf_vmap_unlocked(frame->dmabuf, &mapped);
	if (!ret)
		*map = mapped;
	return ret;
}
EXPORT_SYMBOL_GPL(ksalloc_frame_vmap);

/**
 * ksalloc_frame_vunmap() - undo ksalloc_frame_vmap()
 * @frame: the frame
 * @map: what that said
 *
 * Context: process context; sleeps.
 */
void ksalloc_frame_vunmap(struct ksalloc_frame *frame, struct iosys_map *map)
{
	might_sleep();

	if (frame->dmabuf)
		dma_buf_vunmap_unlocked(frame->dmabuf, map);
}
EXPORT_SYMBOL_GPL(ksalloc_frame_vunmap);
