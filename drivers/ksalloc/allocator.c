// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators as files: their making and end, their ioctls, and the process that
 * closes its last descriptor. What they do with their frames is in frame.c.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <kunit/visibility.h>
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
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
	struct ks_allocator *alloc = file->private_data;
	const struct ks_owner owner = { file, files };

	/* The search of a large table of descriptors is not for nothing */
	if (ks_allocator_serves(alloc, &owner) && ks_closed_last(file, files))
		ks_allocator_reclaim(alloc, &owner);
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
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_of);

/* Frames do not share memory, whatever the caller's heap may be */
static bool ks_allocator_has_dmabuf(const struct ks_allocator *alloc,
				    const struct dma_buf *dmabuf, u32 count)
{
	while (count--)
		if (alloc->frame[count].dmabuf == dmabuf)
			return true;
	return false;
}

/**
 * ks_allocator_create() - make an allocator
 * @framing: resolved framing
 * @frame_bytes: bytes in each frame, from ks_framing_bytes()
 * @memory: where the memory comes from
 * @context: what @memory needs to know
 *
 * Contract A1, A4, F1.
 *
 * Context: process context, as @memory needs it; sleeps. No lock may be held.
 * Return: the allocator's file; an errno, and nothing left behind.
 */
struct file *ks_allocator_create(const struct ksallocator_framing *framing,
				 size_t frame_bytes, ks_memory_fn memory,
				 void *context)
{
	struct ks_allocator *alloc;
	struct file *file;
	int ret;
	u32 i;

	might_sleep();

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
		struct dma_buf *dmabuf = memory(context, frame_bytes);

		if (IS_ERR(dmabuf)) {
			ret = PTR_ERR(dmabuf);
			goto err_destroy;
		}
		alloc->frame[i].dmabuf = dmabuf;
		if (ks_allocator_has_dmabuf(alloc, dmabuf, i)) {
			ret = -EINVAL;
			goto err_destroy;
		}
		list_add_tail(&alloc->frame[i].link, &alloc->free);

		/* Who is killed shall not have to fill gigabytes first */
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
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
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_create);
