// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators: a fixed set of frames, who has which, and who waits for one.
 *
 * The one rule that everything here follows: the free list holds frames only
 * while nobody waits. A frame that becomes free goes straight to the oldest
 * waiter, so no newcomer can overtake it (contract B3), and whoever finds a
 * frame on the free list may take it at once.
 *
 * A waiter is on its waiter's stack. It leaves the list under ks_allocator.lock
 * and is woken under it, and the waiter takes the lock once more before it
 * returns, so nobody touches a waiter that is gone. What reaches it last in that
 * moment counts: a frame wins over a signal or a deadline, and nothing is lost.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "ksalloc_priv.h"
#include "trace.h"

/**
 * struct ks_waiter - a pending KSALLOC_ALLOC
 * @link: on &ks_allocator.waiters until it is served or gives up
 * @task: whom to wake
 * @owner: whose the frame will be
 * @frame: the frame, once there is one
 * @error: why there will be none
 */
struct ks_waiter {
	struct list_head link;
	struct task_struct *task;
	struct ks_owner owner;
	struct ks_frame *frame;
	int error;
};

static u32 ks_frame_index(const struct ks_allocator *alloc,
			  const struct ks_frame *frame)
{
	return frame - alloc->frame;
}

static bool ks_owner_equal(const struct ks_owner *a, const struct ks_owner *b)
{
	return a->file == b->file && a->files == b->files;
}

/* A frame with a certain index, NULL where the index is out of range */
static struct ks_frame *ks_frame_at(struct ks_allocator *alloc, u32 index)
{
	if (index >= alloc->frames)
		return NULL;
	return &alloc->frame[array_index_nospec(index, alloc->frames)];
}

static void ks_frame_allocate(struct ks_allocator *alloc,
			      struct ks_frame *frame,
			      const struct ks_owner *owner)
{
	lockdep_assert_held(&alloc->lock);

	list_del_init(&frame->link);
	frame->owner = *owner;
	frame->state = KS_FRAME_ALLOCATED;
	alloc->allocated++;
}

static void ks_waiter_end(struct ks_allocator *alloc, struct ks_waiter *waiter)
{
	lockdep_assert_held(&alloc->lock);

	list_del_init(&waiter->link);
	alloc->waiting--;
	wake_up_process(waiter->task);
}

/* Makes a frame free: the oldest waiter's, or anybody's */
static void ks_frame_free(struct ks_allocator *alloc, struct ks_frame *frame)
{
	struct ks_waiter *waiter;

	lockdep_assert_held(&alloc->lock);

	if (frame->state == KS_FRAME_IN_DEVICE)
		alloc->in_device--;
	alloc->allocated--;
	frame->state = KS_FRAME_FREE;
	list_add_tail(&frame->link, &alloc->free);
	trace_ksalloc_free(alloc, ks_frame_index(alloc, frame));

	waiter = list_first_entry_or_null(&alloc->waiters, struct ks_waiter,
					  link);
	if (!waiter)
		return;

	ks_frame_allocate(alloc, frame, &waiter->owner);
	WRITE_ONCE(waiter->frame, frame);
	ks_waiter_end(alloc, waiter);
}

/* To be called, without the lock, after frames may have become free */
static void ks_allocator_wake(struct ks_allocator *alloc)
{
	if (wq_has_sleeper(&alloc->wait))
		wake_up_poll(&alloc->wait, EPOLLIN | EPOLLRDNORM);
}

/* Sleeps until the waiter is served, a signal, or the deadline */
static int ks_waiter_sleep(struct ks_waiter *waiter, u64 deadline_ns)
{
	ktime_t deadline = ns_to_ktime(min_t(u64, deadline_ns, KTIME_MAX));
	int ret = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(waiter->frame) || READ_ONCE(waiter->error))
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		if (!schedule_hrtimeout(deadline_ns ? &deadline : NULL,
					HRTIMER_MODE_ABS)) {
			ret = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);

	return ret;
}

/**
 * ks_allocator_alloc() - take a free frame, or wait for one
 * @alloc: the allocator
 * @owner: whose it shall be
 * @nonblock: do not wait
 * @deadline_ns: when to stop waiting, on CLOCK_MONOTONIC; 0 for never
 * @index: the frame; not written to on failure
 *
 * Contract B1 to B4.
 *
 * Context: process context; sleeps unless @nonblock.
 * Return: 0; -EAGAIN, -ERESTARTSYS or -ETIMEDOUT; -ECANCELED where the owner's
 * last descriptor was closed.
 */
static int ks_allocator_alloc(struct ks_allocator *alloc,
			      const struct ks_owner *owner, bool nonblock,
			      u64 deadline_ns, u32 *index)
{
	struct ks_waiter waiter = { .task = current, .owner = *owner };
	struct ks_frame *frame;
	int ret;

	spin_lock_irq(&alloc->lock);
	frame = list_first_entry_or_null(&alloc->free, struct ks_frame, link);
	if (frame) {
		ks_frame_allocate(alloc, frame, owner);
	} else if (!nonblock) {
		list_add_tail(&waiter.link, &alloc->waiters);
		alloc->waiting++;
	}
	spin_unlock_irq(&alloc->lock);

	if (!frame) {
		if (nonblock)
			return -EAGAIN;
		trace_ksalloc_wait(alloc, deadline_ns);
		ret = ks_waiter_sleep(&waiter, deadline_ns);

		spin_lock_irq(&alloc->lock);
		if (!list_empty(&waiter.link)) {
			list_del(&waiter.link);
			alloc->waiting--;
		}
		spin_unlock_irq(&alloc->lock);

		frame = waiter.frame;
		if (!frame)
			return waiter.error ?: ret;
	}

	*index = ks_frame_index(alloc, frame);
	trace_ksalloc_alloc(alloc, *index);
	return 0;
}

/**
 * ks_allocator_free() - free an allocated frame
 * @alloc: the allocator
 * @index: which frame, whoever's it is
 *
 * Contract B3, B5.
 *
 * Context: any, hard interrupts included.
 * Return: 0; -EINVAL where there is no such frame or it is free; -EBUSY where
 * it is in a device.
 */
static int ks_allocator_free(struct ks_allocator *alloc, u32 index)
{
	struct ks_frame *frame = ks_frame_at(alloc, index);
	unsigned long flags;
	int ret = -EINVAL;

	if (!frame)
		return -EINVAL;

	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->state == KS_FRAME_IN_DEVICE) {
		ret = -EBUSY;
	} else if (frame->state == KS_FRAME_ALLOCATED) {
		ks_frame_free(alloc, frame);
		ret = 0;
	}
	spin_unlock_irqrestore(&alloc->lock, flags);

	if (!ret)
		ks_allocator_wake(alloc);
	return ret;
}

/**
 * ks_allocator_submit() - give an allocated frame to a device
 * @alloc: the allocator
 * @index: which frame, whoever's it is
 * @connection: the file of the connection to the device
 *
 * Context: any.
 * Return: 0; -EINVAL where there is no such frame or it is free; -EBUSY where
 * it is in a device.
 */
int ks_allocator_submit(struct ks_allocator *alloc, u32 index,
			const struct file *connection)
{
	struct ks_frame *frame = ks_frame_at(alloc, index);
	unsigned long flags;
	int ret = -EINVAL;

	if (!frame)
		return -EINVAL;

	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->state == KS_FRAME_IN_DEVICE) {
		ret = -EBUSY;
	} else if (frame->state == KS_FRAME_ALLOCATED) {
		frame->connection = connection;
		frame->state = KS_FRAME_IN_DEVICE;
		alloc->in_device++;
		ret = 0;
	}
	spin_unlock_irqrestore(&alloc->lock, flags);

	return ret;
}

/**
 * ks_allocator_unsubmit() - undo ks_allocator_submit()
 * @alloc: the allocator
 * @index: a frame in a device that did not accept it
 *
 * The frame is its owner's again, or free where that has gone meanwhile.
 *
 * Context: any.
 */
void ks_allocator_unsubmit(struct ks_allocator *alloc, u32 index)
{
	struct ks_frame *frame = &alloc->frame[index];
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->owner.file) {
		frame->connection = NULL;
		frame->state = KS_FRAME_ALLOCATED;
		alloc->in_device--;
	} else {
		ks_frame_free(alloc, frame);
	}
	spin_unlock_irqrestore(&alloc->lock, flags);

	ks_allocator_wake(alloc);
}

/**
 * ks_allocator_deliver() - hand a frame from a device to a client
 * @alloc: the allocator
 * @index: a frame in a device
 * @owner: whose it is now
 *
 * Context: any.
 */
void ks_allocator_deliver(struct ks_allocator *alloc, u32 index,
			  const struct ks_owner *owner)
{
	struct ks_frame *frame = &alloc->frame[index];
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	frame->owner = *owner;
	frame->connection = NULL;
	frame->state = KS_FRAME_ALLOCATED;
	alloc->in_device--;
	spin_unlock_irqrestore(&alloc->lock, flags);
}

/**
 * ks_allocator_undeliver() - undo ks_allocator_deliver()
 * @alloc: the allocator
 * @index: a frame
 * @owner: who was to have it
 *
 * Context: any.
 * Return: whether the frame is in the device again, or somebody freed or
 * submitted it already.
 */
bool ks_allocator_undeliver(struct ks_allocator *alloc, u32 index,
			    const struct ks_owner *owner)
{
	struct ks_frame *frame = &alloc->frame[index];
	unsigned long flags;
	bool ours;

	spin_lock_irqsave(&alloc->lock, flags);
	ours = frame->state == KS_FRAME_ALLOCATED &&
	       ks_owner_equal(&frame->owner, owner);
	if (ours) {
		frame->owner = (struct ks_owner){};
		frame->connection = owner->file;
		frame->state = KS_FRAME_IN_DEVICE;
		alloc->in_device++;
	}
	spin_unlock_irqrestore(&alloc->lock, flags);

	return ours;
}

/**
 * ks_allocator_drop() - free one frame in a device
 * @alloc: the allocator
 * @index: a frame in a device that has let go of it
 *
 * Context: any.
 */
void ks_allocator_drop(struct ks_allocator *alloc, u32 index)
{
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	ks_frame_free(alloc, &alloc->frame[index]);
	spin_unlock_irqrestore(&alloc->lock, flags);

	ks_allocator_wake(alloc);
}

/**
 * ks_allocator_cancel() - free the frames in a device
 * @alloc: the allocator
 * @connection: the file of the connection to the device, which has let go of
 *	the frames
 *
 * Context: any.
 */
void ks_allocator_cancel(struct ks_allocator *alloc,
			 const struct file *connection)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&alloc->lock, flags);
	for (i = 0; i < alloc->frames; i++) {
		struct ks_frame *frame = &alloc->frame[i];

		if (frame->state == KS_FRAME_IN_DEVICE &&
		    frame->connection == connection)
			ks_frame_free(alloc, frame);
	}
	spin_unlock_irqrestore(&alloc->lock, flags);

	ks_allocator_wake(alloc);
}

/* An owner without files stands for all owners through its file */
static bool ks_owner_matches(const struct ks_owner *owner,
			     const struct ks_owner *pattern)
{
	return owner->file == pattern->file &&
	       (!pattern->files || owner->files == pattern->files);
}

/**
 * ks_allocator_reclaim() - take back what an owner has and waits for
 * @alloc: the allocator
 * @owner: who has gone; with no files, everybody who came through its file
 *
 * Frames that the owner has submitted stay in the device. Contract B4, B7.
 *
 * Context: any.
 */
void ks_allocator_reclaim(struct ks_allocator *alloc,
			  const struct ks_owner *owner)
{
	struct ks_waiter *waiter, *next;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&alloc->lock, flags);
	list_for_each_entry_safe(waiter, next, &alloc->waiters, link) {
		if (!ks_owner_matches(&waiter->owner, owner))
			continue;
		WRITE_ONCE(waiter->error, -ECANCELED);
		ks_waiter_end(alloc, waiter);
	}
	for (i = 0; i < alloc->frames; i++) {
		struct ks_frame *frame = &alloc->frame[i];

		if (frame->state == KS_FRAME_FREE ||
		    !ks_owner_matches(&frame->owner, owner))
			continue;
		if (frame->state == KS_FRAME_ALLOCATED)
			ks_frame_free(alloc, frame);
		else
			frame->owner = (struct ks_owner){};
	}
	spin_unlock_irqrestore(&alloc->lock, flags);

	ks_allocator_wake(alloc);
}

static int ks_fd_is_file(const void *file, struct file *candidate,
			 unsigned int fd)
{
	return candidate == file;
}

/**
 * ks_closed_last() - is this the process's last descriptor of a file?
 * @file: the file, in its ->flush
 * @files: what ->flush was told
 *
 * The descriptor that is being closed is out of the table already. So are, when
 * the process dies, those that were closed before it: the last one counts.
 *
 * A thread that is inside an ioctl on the file can get a frame even later, and
 * then holds it until the file ends or somebody frees it. That takes a program
 * that closes a descriptor which it is using.
 *
 * Context: process context, with no lock held.
 * Return: whether the process has no descriptor of the file any more.
 */
bool ks_closed_last(const struct file *file, fl_owner_t files)
{
	return files && !iterate_fd(files, 0, ks_fd_is_file, file);
}

static long ks_alloc_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator *alloc = ucmd->file->private_data;
	struct ksalloc_alloc *arg = &ucmd->arg.alloc;
	const struct ks_owner owner = { ucmd->file, current->files };
	bool nonblock = (arg->flags & KSALLOC_NONBLOCK) ||
			(ucmd->file->f_flags & O_NONBLOCK);
	int ret, fd = -1;
	u32 index;

	if (arg->flags & KSALLOC_ALLOC_DMABUF) {
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0)
			return fd;
	}

	ret = ks_allocator_alloc(alloc, &owner, nonblock, arg->deadline_ns,
				 &index);
	if (ret)
		goto err_fd;

	arg->index = index;
	arg->dmabuf_fd = fd;
	ret = ks_reply(ucmd, sizeof(*arg));
	if (ret)
		goto err_frame;

	if (fd >= 0) {
		struct dma_buf *dmabuf = alloc->frame[index].dmabuf;

		get_dma_buf(dmabuf);
		fd_install(fd, dmabuf->file);
	}
	return 0;

err_frame:
	ks_allocator_free(alloc, index);
err_fd:
	if (fd >= 0)
		put_unused_fd(fd);
	return ret;
}

static long ks_free_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_free *arg = &ucmd->arg.free;

	if (arg->__reserved)
		return -EINVAL;
	return ks_allocator_free(ucmd->file->private_data, arg->index);
}

static long ks_export_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator *alloc = ucmd->file->private_data;
	const struct ksalloc_export *arg = &ucmd->arg.export;
	struct ks_frame *frame = ks_frame_at(alloc, arg->index);

	if (arg->__reserved || !frame)
		return -EINVAL;
	return ks_dma_buf_fd(frame->dmabuf);
}

static long ks_status_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator *alloc = ucmd->file->private_data;
	struct ksalloc_status *arg = &ucmd->arg.status;

	arg->status = (struct ksstreamallocator_status){
		.framing = alloc->framing,
	};
	arg->frame_bytes = alloc->frame_bytes;

	spin_lock_irq(&alloc->lock);
	arg->status.allocated_frames = alloc->allocated;
	arg->in_device = alloc->in_device;
	arg->waiters = alloc->waiting;
	spin_unlock_irq(&alloc->lock);

	return ks_reply(ucmd, sizeof(*arg));
}

static const struct ks_ioctl ks_allocator_ioctls[] = {
	{
		.cmd = KSALLOC_ALLOC,
		.size = sizeof(struct ksalloc_alloc),
		.min_size = offsetofend(struct ksalloc_alloc, dmabuf_fd),
		.flags = KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF,
		.fn = ks_alloc_ioctl,
	},
	{
		.cmd = KSALLOC_FREE,
		.size = sizeof(struct ksalloc_free),
		.min_size = offsetofend(struct ksalloc_free, __reserved),
		.fn = ks_free_ioctl,
	},
	{
		.cmd = KSALLOC_EXPORT,
		.size = sizeof(struct ksalloc_export),
		.min_size = offsetofend(struct ksalloc_export, __reserved),
		.fn = ks_export_ioctl,
	},
	{
		.cmd = KSALLOC_STATUS,
		.size = sizeof(struct ksalloc_status),
		.min_size = offsetofend(struct ksalloc_status, waiters),
		.fn = ks_status_ioctl,
	},
};

static long ks_allocator_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	return ks_ioctl(file, cmd, arg, ks_allocator_ioctls,
			ARRAY_SIZE(ks_allocator_ioctls));
}

static __poll_t ks_allocator_poll(struct file *file, poll_table *wait)
{
	struct ks_allocator *alloc = file->private_data;

	poll_wait(file, &alloc->wait, wait);

	return list_empty_careful(&alloc->free) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static int ks_allocator_flush(struct file *file, fl_owner_t files)
{
	const struct ks_owner owner = { file, files };

	if (ks_closed_last(file, files))
		ks_allocator_reclaim(file->private_data, &owner);
	return 0;
}

static void ks_allocator_destroy(struct ks_allocator *alloc)
{
	u32 i;

	for (i = 0; i < alloc->frames; i++)
		if (alloc->frame[i].dmabuf)
			dma_buf_put(alloc->frame[i].dmabuf);
	kvfree(alloc);
}

static int ks_allocator_release(struct inode *inode, struct file *file)
{
	struct ks_allocator *alloc = file->private_data;

	/* Who waits, or has a frame in a device, has a reference to the file */
	WARN_ON_ONCE(alloc->in_device || alloc->waiting);
	ks_allocator_destroy(alloc);

	return 0;
}

#ifdef CONFIG_PROC_FS
static void ks_allocator_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct ks_allocator *alloc = file->private_data;
	u32 allocated, in_device, waiting;

	spin_lock_irq(&alloc->lock);
	allocated = alloc->allocated;
	in_device = alloc->in_device;
	waiting = alloc->waiting;
	spin_unlock_irq(&alloc->lock);

	seq_puts(m, "ksalloc:\tallocator\n");
	seq_printf(m, "id:\t%u\n", alloc->id);
	seq_printf(m, "frames:\t%u\n", alloc->frames);
	seq_printf(m, "frame_size:\t%u\n", alloc->framing.frame_size);
	seq_printf(m, "frame_bytes:\t%zu\n", alloc->frame_bytes);
	seq_printf(m, "allocated:\t%u\n", allocated);
	seq_printf(m, "in_device:\t%u\n", in_device);
	seq_printf(m, "waiters:\t%u\n", waiting);
}
#endif

static const struct file_operations ks_allocator_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ks_allocator_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = ks_allocator_poll,
	.flush = ks_allocator_flush,
	.release = ks_allocator_release,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = ks_allocator_show_fdinfo,
#endif
};

/**
 * ks_allocator_of() - the allocator behind a file
 * @file: any file
 *
 * Context: any.
 * Return: the allocator, which lives as long as the file; NULL where the file
 * is none.
 */
struct ks_allocator *ks_allocator_of(const struct file *file)
{
	return file->f_op == &ks_allocator_fops ? file->private_data : NULL;
}

/**
 * ks_allocator_create() - make an allocator
 * @framing: resolved framing
 * @frame_bytes: bytes in each frame, from ks_framing_bytes()
 * @heap: where the memory comes from
 *
 * Contract A1, A4, F1.
 *
 * Context: process context of a task with an address space; sleeps. No lock may
 * be held.
 * Return: the allocator's file; an errno, and nothing left behind.
 */
struct file *ks_allocator_create(const struct ksallocator_framing *framing,
				 size_t frame_bytes, struct file *heap)
{
	struct ks_allocator *alloc;
	struct file *file;
	int ret;
	u32 i;

	alloc = kvzalloc(struct_size(alloc, frame, framing->frames),
			 GFP_KERNEL_ACCOUNT);
	if (!alloc)
		return ERR_PTR(-ENOMEM);
	alloc->frames = framing->frames;
	alloc->framing = *framing;
	alloc->frame_bytes = frame_bytes;
	alloc->id = ks_new_id();
	spin_lock_init(&alloc->lock);
	INIT_LIST_HEAD(&alloc->free);
	INIT_LIST_HEAD(&alloc->waiters);
	init_waitqueue_head(&alloc->wait);

	for (i = 0; i < alloc->frames; i++) {
		struct dma_buf *dmabuf = ks_heap_alloc(heap, frame_bytes);

		if (IS_ERR(dmabuf)) {
			ret = PTR_ERR(dmabuf);
			goto err_destroy;
		}
		alloc->frame[i].dmabuf = dmabuf;
		list_add_tail(&alloc->frame[i].link, &alloc->free);

		/* A signal shall not have to wait for gigabytes */
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			goto err_destroy;
		}
	}

	file = anon_inode_getfile("[ksalloc-allocator]", &ks_allocator_fops,
				  alloc, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_destroy;
	}

	trace_ksalloc_create(alloc);
	return file;

err_destroy:
	ks_allocator_destroy(alloc);
	return ERR_PTR(ret);
}
