// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators as files: their making and end, their ioctls, and the process that
 * closes its last descriptor. What they do with their frames is in pool.c.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <kunit/visibility.h>
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "ksalloc_priv.h"
#include "trace.h"

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
 * The descriptor that is being closed is out of the table already, unless the
 * process dies and put_files_struct() closes all of the table at once: nobody has
 * that table then (from 6.13 on the descriptors stay in it).
 *
 * A thread that is inside an ioctl on the file can get a frame even later, and
 * then holds it until the file ends or somebody frees it. That takes a program
 * that closes a descriptor which it is using.
 *
 * Context: process context; takes files_struct.file_lock.
 * Return: whether the process has no descriptor of the file any more.
 */
bool ks_closed_last(const struct file *file, fl_owner_t files)
{
	struct files_struct *table = files;

	if (!table)
		return false;
	return !atomic_read(&table->count) ||
	       !iterate_fd(table, 0, ks_fd_is_file, file);
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

	if (nonblock)
		ret = ks_allocator_try_alloc(alloc, &owner, &index);
	else
		ret = ks_allocator_alloc(alloc, &owner, arg->deadline_ns,
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
	ks_allocator_free_owned(alloc, index, &owner);
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
	struct ksalloc_frame *frame = ks_frame_at(alloc, arg->index);

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

static long ks_status_ex_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator *alloc = ucmd->file->private_data;
	struct ksalloc_status_ex *arg = &ucmd->arg.status_ex;

	arg->status = (struct ksstreamallocator_status_ex){
		.count_items = 1,
		.output_compression = { 1, 1, 0 },
	};
	ks_framing_item_of(&alloc->framing, alloc->frame_bytes,
			   &arg->status.framing_item);
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
	{
		.cmd = KSALLOC_STATUS_EX,
		.size = sizeof(struct ksalloc_status_ex),
		.min_size = offsetofend(struct ksalloc_status_ex, waiters),
		.fn = ks_status_ex_ioctl,
	},
	{
		.cmd = KSALLOC_ENABLE_EVENT,
		.size = sizeof(struct ksalloc_enable_event),
		.min_size = offsetofend(struct ksalloc_enable_event, __reserved),
		.flags = KSALLOC_EVENT_ONESHOT,
		.fn = ks_enable_event_ioctl,
	},
	{
		.cmd = KSALLOC_DISABLE_EVENT,
		.size = sizeof(struct ksalloc_disable_event),
		.min_size = offsetofend(struct ksalloc_disable_event, __reserved),
		.fn = ks_disable_event_ioctl,
	},
};

static long ks_allocator_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	struct ks_allocator *alloc = file->private_data;

	/* Contract F3, in case somebody in the kernel made a descriptor of it */
	if (alloc->kernel_only)
		return -EOPNOTSUPP;
	return ks_ioctl(file, cmd, arg, ks_allocator_ioctls,
			ARRAY_SIZE(ks_allocator_ioctls));
}

static __poll_t ks_allocator_poll(struct file *file, poll_table *wait)
{
	struct ks_allocator *alloc = file->private_data;

	poll_wait(file, &alloc->wait, wait);
	/*
	 * With that in wq_has_sleeper(): either the poller sees the frame, or who
	 * frees it sees the poller. poll_wait() has one of its own only since 6.14
	 */
	smp_mb();

	return list_empty(&alloc->free) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static int ks_allocator_flush(struct file *file, fl_owner_t files)
{
	struct ks_allocator *alloc = file->private_data;
	const struct ks_owner owner = { file, files };

	/* The search of a large table of descriptors is not for nothing */
	if (ks_allocator_serves(alloc, &owner) && ks_closed_last(file, files))
		ks_allocator_reclaim(alloc, &owner);
	return 0;
}

/* Gives back the first frames' memory */
static void ks_allocator_free_memory(struct ks_allocator *alloc, u32 frames)
{
	const struct ksalloc_memory_ops *ops = alloc->memory_ops;

	while (frames--) {
		struct ksalloc_frame *frame = &alloc->frame[frames];
		struct ksalloc_memory memory = { frame->dmabuf, frame->map };

		ops->free(alloc->memory, frames, &memory);
	}
	if (ops->delete_allocator)
		ops->delete_allocator(alloc->memory);
	module_put(ops->owner);
}

static int ks_allocator_release(struct inode *inode, struct file *file)
{
	struct ks_allocator *alloc = file->private_data;

	/* Who waits, or has a frame in a device, has a reference to the file */
	WARN_ON_ONCE(alloc->in_device || alloc->waiting);
	/* No frame becomes free after this, so nobody looks at the events */
	ks_fences_end(alloc);
	ks_events_end(alloc);
	/* So does a client */
	WARN_ON_ONCE(!list_empty(&alloc->listeners));
	ks_allocator_free_memory(alloc, alloc->frames);
	kvfree(alloc);

	return 0;
}

#ifdef CONFIG_PROC_FS
static void ks_allocator_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct ks_allocator *alloc = file->private_data;
	u32 allocated, in_device, fenced, waiting, events;

	spin_lock_irq(&alloc->lock);
	allocated = alloc->allocated;
	in_device = alloc->in_device;
	fenced = alloc->fenced;
	waiting = alloc->waiting;
	events = alloc->n_events;
	spin_unlock_irq(&alloc->lock);

	seq_puts(m, "ksalloc:\tallocator\n");
	seq_printf(m, "id:\t%u\n", alloc->id);
	seq_printf(m, "frames:\t%u\n", alloc->frames);
	seq_printf(m, "frame_size:\t%u\n", alloc->framing.frame_size);
	seq_printf(m, "frame_bytes:\t%zu\n", alloc->frame_bytes);
	seq_printf(m, "allocated:\t%u\n", allocated);
	seq_printf(m, "in_device:\t%u\n", in_device);
	seq_printf(m, "fenced:\t%u\n", fenced);
	seq_printf(m, "waiters:\t%u\n", waiting);
	seq_printf(m, "events:\t%u\n", events);
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
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_of);

/**
 * ksalloc_allocator_memory() - what an allocator's memory knows it by
 * @allocator: an allocator's file
 * @ops: the memory
 *
 * So a device recognizes an allocator that is made of its own memory.
 *
 * Context: any.
 * Return: what @ops->initialize_allocator() said; NULL where the allocator has other
 * memory, or the file is no allocator's.
 */
void *ksalloc_allocator_memory(const struct file *allocator,
			       const struct ksalloc_memory_ops *ops)
{
	const struct ks_allocator *alloc = ks_allocator_of(allocator);

	return alloc && alloc->memory_ops == ops ? alloc->memory : NULL;
}
EXPORT_SYMBOL_GPL(ksalloc_allocator_memory);

/**
 * ksalloc_allocator_frames() - how many frames an allocator has
 * @allocator: an allocator's file
 *
 * Context: any.
 * Return: the number of frames; 0 where the file is no allocator's.
 */
u32 ksalloc_allocator_frames(const struct file *allocator)
{
	const struct ks_allocator *alloc = ks_allocator_of(allocator);

	return alloc ? alloc->frames : 0;
}
EXPORT_SYMBOL_GPL(ksalloc_allocator_frames);

/**
 * ksalloc_allocator_dmabuf() - a frame's memory
 * @allocator: an allocator's file
 * @index: one of its frames
 *
 * Context: any.
 * Return: the dma-buf, which is the frame's as long as the allocator lives; NULL
 * where its memory never leaves the kernel, there is no such frame, or the file is no
 * allocator's.
 */
struct dma_buf *ksalloc_allocator_dmabuf(const struct file *allocator,
					 u32 index)
{
	struct ks_allocator *alloc = ks_allocator_of(allocator);
	struct ksalloc_frame *frame = alloc ? ks_frame_at(alloc, index) : NULL;

	return frame ? frame->dmabuf : NULL;
}
EXPORT_SYMBOL_GPL(ksalloc_allocator_dmabuf);

/* Frames do not share memory, whatever the caller's heap may be */
static bool ks_allocator_has_dmabuf(const struct ks_allocator *alloc,
				    const struct dma_buf *dmabuf, u32 count)
{
	while (count--)
		if (alloc->frame[count].dmabuf == dmabuf)
			return true;
	return false;
}

/* What there is to say against a frame's memory. Contract F3, B6 */
static int ks_allocator_check_memory(const struct ks_allocator *alloc,
				     u32 index,
				     const struct ksalloc_memory *memory,
				     bool user)
{
	if (!memory->dmabuf) {
		if (user)
			return -EOPNOTSUPP;
		return iosys_map_is_null(&memory->map) ? -EINVAL : 0;
	}
	if (memory->dmabuf->size < alloc->frame_bytes ||
	    ks_allocator_has_dmabuf(alloc, memory->dmabuf, index))
		return -EINVAL;
	return 0;
}

static int ks_allocator_add_frame(struct ks_allocator *alloc, u32 index,
				  bool user)
{
	const struct ksalloc_memory_ops *ops = alloc->memory_ops;
	struct ksalloc_frame *frame = &alloc->frame[index];
	struct ksalloc_memory memory = {};
	int ret;

	ret = ops->alloc(alloc->memory, index, alloc->frame_bytes, &memory);
	if (ret)
		return ret;
	ret = ks_allocator_check_memory(alloc, index, &memory, user);
	/* Who is killed shall not have to fill gigabytes first */
	if (!ret && fatal_signal_pending(current))
		ret = -EINTR;
	if (ret) {
		ops->free(alloc->memory, index, &memory);
		return ret;
	}

	frame->index = index;
	frame->dmabuf = memory.dmabuf;
	frame->map = memory.map;
	if (!frame->dmabuf)
		alloc->kernel_only = true;
	list_add_tail(&frame->link, &alloc->free);
	return 0;
}

/* The memory of all frames; on failure there is none. Contract F2 */
static int ks_allocator_get_memory(struct ks_allocator *alloc, void *creator,
				   bool user)
{
	const struct ksalloc_memory_ops *ops = alloc->memory_ops;
	int ret = 0;
	u32 i;

	if (!try_module_get(ops->owner))
		return -ENODEV;
	alloc->memory = creator;
	if (ops->initialize_allocator)
		ret = ops->initialize_allocator(creator, &alloc->framing,
						alloc->frame_bytes,
						&alloc->memory);
	if (ret) {
		module_put(ops->owner);
		return ret;
	}

	for (i = 0; i < alloc->frames && !ret; i++) {
		ret = ks_allocator_add_frame(alloc, i, user);
		if (ret)
			ks_allocator_free_memory(alloc, i);
	}
	return ret;
}

/**
 * ks_allocator_create() - make an allocator
 * @framing: resolved framing
 * @frame_bytes: bytes in each frame, from ks_framing_bytes()
 * @ops: where the memory comes from
 * @creator: what that is made from
 * @user: whether user space will have it, and so each frame needs a dma-buf
 *
 * Contract A1, A4, F1 to F3.
 *
 * Context: process context, as @ops needs it; sleeps. No lock may be held.
 * Return: the allocator's file; an errno, and nothing left behind.
 */
struct file *ks_allocator_create(const struct ksallocator_framing *framing,
				 size_t frame_bytes,
				 const struct ksalloc_memory_ops *ops,
				 void *creator, bool user)
{
	struct ks_allocator *alloc;
	struct file *file;
	int ret;

	might_sleep();

	alloc = kvzalloc(struct_size(alloc, frame, framing->frames),
			 GFP_KERNEL_ACCOUNT);
	if (!alloc)
		return ERR_PTR(-ENOMEM);
	alloc->frames = framing->frames;
	alloc->framing = *framing;
	alloc->frame_bytes = frame_bytes;
	alloc->memory_ops = ops;
	alloc->id = ks_new_id();
	spin_lock_init(&alloc->lock);
	INIT_LIST_HEAD(&alloc->free);
	INIT_LIST_HEAD(&alloc->waiters);
	INIT_LIST_HEAD(&alloc->listeners);
	INIT_LIST_HEAD(&alloc->oneshots);
	INIT_LIST_HEAD(&alloc->events);
	init_waitqueue_head(&alloc->wait);
	ks_fences_begin(alloc);

	ret = ks_allocator_get_memory(alloc, creator, user);
	if (ret)
		goto err_alloc;

	file = anon_inode_getfile("[ksalloc-allocator]", &ks_allocator_fops,
				  alloc, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_memory;
	}

	trace_ksalloc_create(alloc);
	return file;

err_memory:
	ks_allocator_free_memory(alloc, alloc->frames);
err_alloc:
	kvfree(alloc);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_create);
