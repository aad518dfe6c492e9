// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files of allocators, and their ioctls. allocator.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/io_uring/cmd.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "allocator.h"
#include "eventfd.h"
#include "framing.h"
#include "ioctl.h"

static struct ks_allocator *ks_ucmd_allocator(const struct ks_ucmd *ucmd)
{
	struct ks_allocator_file *file = ucmd->file->private_data;

	return file->alloc;
}

/* Reserves the descriptor first, so that nothing can fail after the reply */
static int ks_alloc_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator_file *file = ucmd->file->private_data;
	struct ksalloc_alloc *arg = &ucmd->arg.alloc;
	int ret, fd = -1;
	u32 index;

	if (READ_ONCE(file->owner.ended) && ucmd->may_wait)
		return -ECANCELED;
	if (arg->flags & KSALLOC_ALLOC_DMABUF) {
		/* One descriptor cannot stand for several dma-bufs */
		if (file->alloc->layout.count > 1)
			return -EOPNOTSUPP;
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0)
			return fd;
	}

	if (ks_nonblock(ucmd))
		ret = ks_allocator_try_alloc(file->alloc, &file->owner, &index);
	else
		ret = ks_allocator_alloc(file->alloc, &file->owner,
					 arg->deadline_ns, &index);
	if (ret)
		goto err_fd;

	arg->index = index;
	arg->dmabuf_fd = fd;
	ret = ks_reply(ucmd, sizeof(*arg));
	if (ret)
		goto err_frame;

	if (fd >= 0) {
		struct dma_buf *dmabuf = file->alloc->frames[index].planes->dmabuf;

		get_dma_buf(dmabuf);
		fd_install(fd, dmabuf->file);
	}
	return 0;

err_frame:
	ks_allocator_free_owned(file->alloc, index, &file->owner);
err_fd:
	if (fd >= 0)
		put_unused_fd(fd);
	return ret;
}

static int ks_free_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_free *arg = &ucmd->arg.free;

	if (arg->__reserved)
		return -EINVAL;
	return ks_allocator_free(ks_ucmd_allocator(ucmd), arg->index, false);
}

static int ks_export_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_export *arg = &ucmd->arg.export;
	struct ksalloc_frame *frame = ks_frame_at(ks_ucmd_allocator(ucmd),
						  arg->index);
	struct dma_buf *dmabuf;
	int fd;

	dmabuf = frame ? ks_frame_dmabuf(frame, arg->plane) : NULL;
	if (!dmabuf)
		return -EINVAL;
	get_dma_buf(dmabuf);
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

static int ks_status_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator *alloc = ks_ucmd_allocator(ucmd);
	struct ksalloc_status *arg = &ucmd->arg.status;

	arg->status = (struct ksstreamallocator_status){
		.framing = alloc->framing,
	};
	arg->frame_bytes = alloc->frame_bytes;
	arg->planes = alloc->layout;

	spin_lock_irq(&alloc->lock);
	arg->status.allocated_frames = alloc->nr_allocated;
	arg->in_device = alloc->nr_in_device;
	arg->waiters = alloc->nr_waiting;
	spin_unlock_irq(&alloc->lock);

	return ks_reply(ucmd, sizeof(*arg));
}

static int ks_status_ex_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator *alloc = ks_ucmd_allocator(ucmd);
	struct ksalloc_status_ex *arg = &ucmd->arg.status_ex;

	arg->status = (struct ksstreamallocator_status_ex){
		.count_items = 1,
		.output_compression = { 1, 1, 0 },
	};
	ks_framing_item_of(&alloc->framing, alloc->frame_bytes,
			   &arg->status.framing_item);
	arg->frame_bytes = alloc->frame_bytes;

	spin_lock_irq(&alloc->lock);
	arg->status.allocated_frames = alloc->nr_allocated;
	arg->in_device = alloc->nr_in_device;
	arg->waiters = alloc->nr_waiting;
	spin_unlock_irq(&alloc->lock);

	return ks_reply(ucmd, sizeof(*arg));
}

static int ks_allocator_open_ioctl(struct ks_ucmd *ucmd)
{
	return ks_install(ks_allocator_open(ks_ucmd_allocator(ucmd)));
}

static int ks_allocator_cancel_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator_file *file = ucmd->file->private_data;

	if (ucmd->arg.cancel.flags & KSALLOC_CANCEL_PERMANENT)
		ks_allocator_end_owner(file->alloc, &file->owner);
	else
		ks_allocator_cancel(file->alloc, &file->owner);
	return 0;
}

static const struct ks_ioctl ks_allocator_ioctls[] = {
	KS_WAITING_IOCTL(ALLOC, alloc, dmabuf_fd, KSALLOC_ALLOC_DMABUF, ks_alloc_ioctl),
	KS_IOCTL(FREE, free, __reserved, 0, ks_free_ioctl),
	KS_IOCTL(EXPORT, export, plane, 0, ks_export_ioctl),
	KS_IOCTL(STATUS, status, waiters, 0, ks_status_ioctl),
	KS_IOCTL(STATUS_EX, status_ex, waiters, 0,
		 ks_status_ex_ioctl),
	KS_IOCTL(ENABLE_EVENT, enable_event, __reserved,
		 KSALLOC_EVENT_ONESHOT, ks_enable_event_ioctl),
	KS_IOCTL(DISABLE_EVENT, disable_event, __reserved, 0,
		 ks_disable_event_ioctl),
	KS_IOCTL(ALLOCATOR_OPEN, open, flags, 0,
		 ks_allocator_open_ioctl),
	KS_IOCTL(ALLOCATOR_CANCEL, cancel, flags, KSALLOC_CANCEL_PERMANENT,
		 ks_allocator_cancel_ioctl),
};

static long ks_allocator_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	struct ks_allocator_file *afile = file->private_data;

	/* Contract F3. A kernel module can have installed a descriptor of such a file */
	if (afile->alloc->kernel_only)
		return -EOPNOTSUPP;
	return ks_ioctl(file, cmd, arg, ks_allocator_ioctls,
			ARRAY_SIZE(ks_allocator_ioctls));
}

static int ks_allocator_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct ks_allocator_file *afile = cmd->file->private_data;

	if (afile->alloc->kernel_only)
		return -EOPNOTSUPP;
	return ks_uring_cmd(cmd, issue_flags, ks_allocator_ioctls,
			    ARRAY_SIZE(ks_allocator_ioctls));
}

static __poll_t ks_allocator_poll(struct file *file, poll_table *wait)
{
	struct ks_allocator_file *afile = file->private_data;
	struct ks_allocator *alloc = afile->alloc;

	poll_wait(file, &alloc->wait, wait);
	/*
	 * Pairs with wq_has_sleeper(): either the poller sees the frame, or the call that
	 * frees it sees the poller. poll_wait() has this barrier itself since 6.14.
	 */
	smp_mb();

	return list_empty(&alloc->free) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static int ks_allocator_file_release(struct inode *inode, struct file *file)
{
	struct ks_allocator_file *afile = file->private_data;

	ks_events_end(afile->alloc, &afile->owner);
	ks_allocator_reclaim(afile->alloc, &afile->owner);
	ks_allocator_put(afile->alloc);
	kfree(afile);

	return 0;
}

#ifdef CONFIG_PROC_FS
static void ks_allocator_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct ks_allocator_file *afile = file->private_data;
	struct ks_allocator *alloc = afile->alloc;
	u32 i, allocated, in_device, fenced, waiting;

	spin_lock_irq(&alloc->lock);
	allocated = alloc->nr_allocated;
	in_device = alloc->nr_in_device;
	fenced = alloc->nr_fenced;
	waiting = alloc->nr_waiting;
	spin_unlock_irq(&alloc->lock);

	seq_puts(m, "ksalloc:\tallocator\n");
	seq_printf(m, "id:\t%u\n", alloc->id);
	if (alloc->memory_ops->show)
		alloc->memory_ops->show(alloc->memory, m);
	if (uid_valid(alloc->user))
		seq_printf(m, "user:\t%u\n",
			   from_kuid_munged(seq_user_ns(m), alloc->user));
	seq_printf(m, "frames:\t%u\n", alloc->nr_frames);
	seq_printf(m, "planes:\t%u\n", alloc->layout.count);
	seq_puts(m, "plane_sizes:");
	for (i = 0; i < alloc->layout.count; i++)
		seq_printf(m, "\t%u", alloc->layout.sizes[i]);
	seq_printf(m, "\nframe_size:\t%u\n", alloc->framing.frame_size);
	seq_printf(m, "frame_bytes:\t%zu\n", alloc->frame_bytes);
	seq_printf(m, "allocated:\t%u\n", allocated);
	seq_printf(m, "in_device:\t%u\n", in_device);
	seq_printf(m, "fenced:\t%u\n", fenced);
	seq_printf(m, "waiters:\t%u\n", waiting);
	seq_printf(m, "events:\t%u\n", ks_events_count(alloc));
}
#endif

static const struct file_operations ks_allocator_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ks_allocator_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = ks_allocator_uring_cmd,
	.poll = ks_allocator_poll,
	.release = ks_allocator_file_release,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = ks_allocator_show_fdinfo,
#endif
};

/* NULL for another kind of file. The allocator is valid as long as the file */
struct ks_allocator *ks_allocator_of(const struct file *file)
{
	const struct ks_allocator_file *afile = file->private_data;

	return file->f_op == &ks_allocator_fops ? afile->alloc : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_of);

/* Makes another open file of an allocator; the file takes its own reference */
struct file *ks_allocator_open(struct ks_allocator *alloc)
{
	struct ks_allocator_file *afile;
	struct file *file;

	afile = kzalloc(sizeof(*afile), GFP_KERNEL_ACCOUNT);
	if (!afile)
		return ERR_PTR(-ENOMEM);
	afile->alloc = ks_allocator_get(alloc);
	ks_owner_init(&afile->owner, NULL, false);

	file = anon_inode_getfile("[ksalloc-allocator]", &ks_allocator_fops,
				  afile, O_RDWR);
	if (IS_ERR(file)) {
		ks_allocator_put(alloc);
		kfree(afile);
	}
	return file;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_open);
