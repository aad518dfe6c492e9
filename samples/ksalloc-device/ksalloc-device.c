// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sink of ksalloc with memory of its own: what a driver does that is no V4L2
 * driver.
 *
 * The device is a work item that counts: into each frame that it fills it writes
 * the number of the frame. It takes any memory that the kernel can map, and knows
 * its own when it sees it. That is either exported as dma-bufs, or never leaves the
 * kernel, as on-board memory might; which one, and whether something fails, a
 * program says when it asks for a connection: see ksalloc-device.h.
 */
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/iosys-map.h>
#include <linux/ksalloc.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "ksalloc-device.h"

#define SINK_FRAMES 2
#define SINK_PERIOD_MS 5

static atomic_t sink_initialized, sink_allocated, sink_freed, sink_deleted;
static atomic_t sink_buffers, sink_recognized;

/**
 * struct sink - the device end of a connection
 * @sink: what ksalloc knows
 * @ask: what the program asked for
 * @allocator: the assigned allocator's file, from acquire to unacquire
 * @own: its memory, where that is this sink's
 * @map: else where the kernel sees each frame
 * @lock: protects all that follows, but @sequence, which is @work's
 * @running: the device works
 * @queued: frames to fill, in order
 * @n_queued: how many
 * @filled: what is filled, in order
 * @n_filled: how many
 * @sequence: number of the next frame
 * @work: the device
 */
struct sink {
	struct ksalloc_sink sink;
	struct sink_connect ask;
	struct file *allocator;
	struct sink_memory *own;
	struct iosys_map *map;

	spinlock_t lock; /* the device */
	bool running;
	u32 queued[KSALLOC_MAX_FRAMES];
	u32 n_queued;
	struct ksalloc_completion filled[KSALLOC_MAX_FRAMES];
	u32 n_filled;
	u32 sequence;
	struct delayed_work work;
};

static struct sink *to_sink(struct ksalloc_sink *sink)
{
	return container_of(sink, struct sink, sink);
}

/* The sink's own memory */

/**
 * struct sink_memory - the memory of one allocator
 * @ask: what the program asked for
 * @vaddr: each frame
 */
struct sink_memory {
	struct sink_connect ask;
	void *vaddr[];
};

/* As a dma-buf: the memory is the dma-buf's, and is freed with it */

static void sink_free_buffer(void *vaddr)
{
	vfree(vaddr);
	atomic_dec(&sink_buffers);
}

static struct sg_table *sink_map_dma_buf(struct dma_buf_attachment *attachment,
					 enum dma_data_direction direction)
{
	struct dma_buf *dmabuf = attachment->dmabuf;
	struct scatterlist *sg;
	struct sg_table *table;
	unsigned int i;
	int ret;

	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table(table, dmabuf->size >> PAGE_SHIFT, GFP_KERNEL);
	if (ret)
		goto err_free;
	for_each_sgtable_sg(table, sg, i)
		sg_set_page(sg, vmalloc_to_page(dmabuf->priv + i * PAGE_SIZE),
			    PAGE_SIZE, 0);
	ret = dma_map_sgtable(attachment->dev, table, direction, 0);
	if (ret)
		goto err_table;
	return table;

err_table:
	sg_free_table(table);
err_free:
	kfree(table);
	return ERR_PTR(ret);
}

static void sink_unmap_dma_buf(struct dma_buf_attachment *attachment,
			       struct sg_table *table,
			       enum dma_data_direction direction)
{
	dma_unmap_sgtable(attachment->dev, table, direction, 0);
	sg_free_table(table);
	kfree(table);
}

static int sink_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, dmabuf->priv, vma->vm_pgoff);
}

static int sink_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, dmabuf->priv);
	return 0;
}

static void sink_release_dma_buf(struct dma_buf *dmabuf)
{
	sink_free_buffer(dmabuf->priv);
}

static const struct dma_buf_ops sink_dma_buf_ops = {
	.map_dma_buf = sink_map_dma_buf,
	.unmap_dma_buf = sink_unmap_dma_buf,
	.mmap = sink_mmap,
	.vmap = sink_vmap,
	.release = sink_release_dma_buf,
};

static struct dma_buf *sink_export(void *vaddr, size_t bytes)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &sink_dma_buf_ops;
	info.size = bytes;
	info.flags = O_RDWR;
	info.priv = vaddr;
	return dma_buf_export(&info);
}

/* The four callbacks. The sink may be gone before the allocator: nothing of it stays */

static int sink_initialize_allocator(void *creator,
				     const struct ksallocator_framing *framing,
				     size_t bytes, void **context)
{
	struct sink *sink = to_sink(creator);
	struct sink_memory *memory;

	if (sink->ask.failure == SINK_FAILS_INITIALIZE)
		return sink->ask.error;
	memory = kvzalloc(struct_size(memory, vaddr, framing->frames),
			  GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	memory->ask = sink->ask;
	*context = memory;
	atomic_inc(&sink_initialized);
	return 0;
}

static int sink_alloc(void *context, u32 index, size_t bytes,
		      struct ksalloc_memory *result)
{
	struct sink_memory *memory = context;
	struct dma_buf *dmabuf;
	void *vaddr;

	if (memory->ask.failure == SINK_FAILS_ALLOC &&
	    memory->ask.fail_at == index)
		return memory->ask.error;
	vaddr = vmalloc_user(bytes);
	if (!vaddr)
		return -ENOMEM;
	atomic_inc(&sink_buffers);

	if (memory->ask.memory == SINK_MEMORY_DMABUF) {
		dmabuf = sink_export(vaddr, bytes);
		if (IS_ERR(dmabuf)) {
			sink_free_buffer(vaddr);
			return PTR_ERR(dmabuf);
		}
		result->dmabuf = dmabuf;
	}
	iosys_map_set_vaddr(&result->map, vaddr);
	memory->vaddr[index] = vaddr;
	atomic_inc(&sink_allocated);
	return 0;
}

static void sink_free(void *context, u32 index, struct ksalloc_memory *frame)
{
	atomic_inc(&sink_freed);
	if (frame->dmabuf)
		dma_buf_put(frame->dmabuf);
	else
		sink_free_buffer(frame->map.vaddr);
}

static void sink_delete_allocator(void *context)
{
	atomic_inc(&sink_deleted);
	kvfree(context);
}

static const struct ksalloc_memory_ops sink_memory_ops = {
	.owner = THIS_MODULE,
	.initialize_allocator = sink_initialize_allocator,
	.alloc = sink_alloc,
	.free = sink_free,
	.delete_allocator = sink_delete_allocator,
};

/* The device */

/* Takes the next frame to fill; false where there is none */
static bool sink_take(struct sink *sink, u32 *index)
{
	bool takes;

	spin_lock_irq(&sink->lock);
	takes = sink->running && sink->n_queued;
	if (takes) {
		*index = sink->queued[0];
		sink->n_queued--;
		memmove(&sink->queued[0], &sink->queued[1],
			sink->n_queued * sizeof(sink->queued[0]));
	}
	spin_unlock_irq(&sink->lock);

	return takes;
}

/*
 * Writes into a frame. Others may have the memory in their caches, or in memory of a
 * device: hence the two calls around, which can sleep, and no plain pointer.
 */
static int sink_write(struct sink *sink, u32 index, u32 word)
{
	struct dma_buf *dmabuf = ksalloc_allocator_dmabuf(sink->allocator,
							  index);
	struct iosys_map own;
	int ret;

	ret = dma_buf_begin_cpu_access(dmabuf, DMA_TO_DEVICE);
	if (ret)
		return ret;
	if (sink->own) {
		iosys_map_set_vaddr(&own, sink->own->vaddr[index]);
		iosys_map_wr(&own, 0, u32, word);
	} else {
		iosys_map_wr(&sink->map[index], 0, u32, word);
	}
	return dma_buf_end_cpu_access(dmabuf, DMA_TO_DEVICE);
}

/* Gives a filled frame back; where that has failed, without data */
static void sink_give(struct sink *sink, u32 index, u32 sequence, int error)
{
	spin_lock_irq(&sink->lock);
	sink->filled[sink->n_filled++] = (struct ksalloc_completion){
		.index = index,
		.sequence = sequence,
		.data_used = error ? 0 : sizeof(u32),
		.options_flags = KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
		.time = div_u64(ktime_get_ns(), 100),
	};
	spin_unlock_irq(&sink->lock);
	ksalloc_sink_notify(&sink->sink);
}

/* sink_cancel() waits for this; so the allocator stays meanwhile */
static void sink_works(struct work_struct *work)
{
	struct sink *sink = container_of(to_delayed_work(work), struct sink,
					 work);
	u32 index, sequence;

	if (sink_take(sink, &index)) {
		sequence = sink->sequence++;
		sink_give(sink, index, sequence,
			  sink_write(sink, index, sequence));
	}
	schedule_delayed_work(&sink->work, msecs_to_jiffies(SINK_PERIOD_MS));
}

/* The connection's calls */

static int sink_get_framing(struct ksalloc_sink *ksalloc,
			    struct ksallocator_framing *framing)
{
	*framing = (struct ksallocator_framing){
		.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
		.frames = SINK_FRAMES,
		.frame_size = to_sink(ksalloc)->ask.frame_size,
	};
	return 0;
}

static void sink_unmap_frames(struct sink *sink, u32 frames)
{
	while (frames--)
		dma_buf_vunmap_unlocked(ksalloc_allocator_dmabuf(sink->allocator,
								 frames),
					&sink->map[frames]);
	kvfree(sink->map);
	sink->map = NULL;
}

static int sink_map_frames(struct sink *sink)
{
	u32 i, frames = ksalloc_allocator_frames(sink->allocator);
	struct dma_buf *dmabuf;
	int ret;

	sink->map = kvcalloc(frames, sizeof(*sink->map), GFP_KERNEL);
	if (!sink->map)
		return -ENOMEM;
	for (i = 0; i < frames; i++) {
		dmabuf = ksalloc_allocator_dmabuf(sink->allocator, i);
		ret = dmabuf ? dma_buf_vmap_unlocked(dmabuf, &sink->map[i]) :
			       -EOPNOTSUPP;
		if (ret) {
			sink_unmap_frames(sink, i);
			return ret;
		}
	}
	return 0;
}

static int sink_acquire(struct ksalloc_sink *ksalloc, struct file *allocator)
{
	struct sink *sink = to_sink(ksalloc);
	int ret = 0;

	sink->allocator = allocator;
	sink->own = ksalloc_allocator_memory(allocator, &sink_memory_ops);
	if (sink->own)
		atomic_inc(&sink_recognized);
	else
		ret = sink_map_frames(sink);
	if (ret)
		sink->allocator = NULL;
	return ret;
}

static void sink_unacquire(struct ksalloc_sink *ksalloc)
{
	struct sink *sink = to_sink(ksalloc);

	if (!sink->own)
		sink_unmap_frames(sink, ksalloc_allocator_frames(sink->allocator));
	sink->own = NULL;
	sink->allocator = NULL;
}

static int sink_queue(struct ksalloc_sink *ksalloc, u32 index,
		      struct dma_buf *dmabuf)
{
	struct sink *sink = to_sink(ksalloc);

	spin_lock_irq(&sink->lock);
	sink->queued[sink->n_queued++] = index;
	spin_unlock_irq(&sink->lock);

	return 0;
}

static int sink_dequeue(struct ksalloc_sink *ksalloc,
			struct ksalloc_completion *completion)
{
	struct sink *sink = to_sink(ksalloc);
	int ret = -EAGAIN;

	spin_lock_irq(&sink->lock);
	if (sink->n_filled) {
		*completion = sink->filled[0];
		sink->n_filled--;
		memmove(&sink->filled[0], &sink->filled[1],
			sink->n_filled * sizeof(sink->filled[0]));
		ret = 0;
	}
	spin_unlock_irq(&sink->lock);

	return ret;
}

static int sink_run(struct ksalloc_sink *ksalloc)
{
	struct sink *sink = to_sink(ksalloc);

	spin_lock_irq(&sink->lock);
	sink->running = true;
	spin_unlock_irq(&sink->lock);
	schedule_delayed_work(&sink->work, msecs_to_jiffies(SINK_PERIOD_MS));

	return 0;
}

static void sink_cancel(struct ksalloc_sink *ksalloc)
{
	struct sink *sink = to_sink(ksalloc);

	cancel_delayed_work_sync(&sink->work);
	spin_lock_irq(&sink->lock);
	sink->running = false;
	sink->n_queued = 0;
	sink->n_filled = 0;
	spin_unlock_irq(&sink->lock);
}

static bool sink_ready(struct ksalloc_sink *ksalloc)
{
	return READ_ONCE(to_sink(ksalloc)->n_filled);
}

static bool sink_gone(struct ksalloc_sink *ksalloc)
{
	return false;
}

static int sink_watch(struct ksalloc_sink *ksalloc)
{
	return 0;
}

/* It only ever notifies while it is running, which is over by now */
static void sink_unwatch(struct ksalloc_sink *ksalloc)
{
}

static void sink_destroy(struct ksalloc_sink *ksalloc)
{
	kvfree(to_sink(ksalloc));
}

static void sink_show(struct ksalloc_sink *ksalloc, struct seq_file *m)
{
	seq_puts(m, "device:\tsample\n");
}

/* With memory of its own, and without */

#define SINK_OPS				\
	.owner = THIS_MODULE,			\
	.get_framing = sink_get_framing,	\
	.acquire = sink_acquire,		\
	.unacquire = sink_unacquire,		\
	.queue = sink_queue,			\
	.dequeue = sink_dequeue,		\
	.run = sink_run,			\
	.cancel = sink_cancel,			\
	.ready = sink_ready,			\
	.gone = sink_gone,			\
	.watch = sink_watch,			\
	.unwatch = sink_unwatch,		\
	.destroy = sink_destroy,		\
	.show = sink_show

static const struct ksalloc_sink_ops sink_ops = {
	SINK_OPS,
};

static const struct ksalloc_sink_ops sink_ops_with_memory = {
	SINK_OPS,
	.memory = &sink_memory_ops,
};

/* The program's calls */

static long sink_connect(void __user *uarg)
{
	struct sink_connect ask;
	struct file *connection;
	struct sink *sink;
	int fd;

	if (copy_from_user(&ask, uarg, sizeof(ask)))
		return -EFAULT;
	if (ask.memory > SINK_MEMORY_KERNEL || !ask.frame_size ||
	    ask.failure > SINK_FAILS_ALLOC || ask.__reserved ||
	    (ask.failure && (ask.error >= 0 || ask.error < -MAX_ERRNO)))
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;

	sink = kvzalloc(sizeof(*sink), GFP_KERNEL);
	if (!sink) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	sink->ask = ask;
	sink->sink.ops = ask.memory ? &sink_ops_with_memory : &sink_ops;
	spin_lock_init(&sink->lock);
	INIT_DELAYED_WORK(&sink->work, sink_works);

	/* From here on the sink is the connection's, come what may */
	connection = ksalloc_connect(&sink->sink);
	if (IS_ERR(connection)) {
		put_unused_fd(fd);
		return PTR_ERR(connection);
	}
	fd_install(fd, connection);
	return fd;
}

static long sink_counts(void __user *uarg)
{
	const struct sink_counts counts = {
		.initialized = atomic_read(&sink_initialized),
		.allocated = atomic_read(&sink_allocated),
		.freed = atomic_read(&sink_freed),
		.deleted = atomic_read(&sink_deleted),
		.buffers = atomic_read(&sink_buffers),
		.recognized = atomic_read(&sink_recognized),
	};

	return copy_to_user(uarg, &counts, sizeof(counts)) ? -EFAULT : 0;
}

static long sink_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case SINK_CONNECT:
		return sink_connect((void __user *)arg);
	case SINK_COUNTS:
		return sink_counts((void __user *)arg);
	}
	return -ENOTTY;
}

static const struct file_operations sink_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = sink_ioctl,
};

static struct miscdevice sink_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ksalloc-device",
	.fops = &sink_fops,
	.mode = 0600,
};
module_misc_device(sink_device);

MODULE_DESCRIPTION("Sample sink of ksalloc with memory of its own");
MODULE_LICENSE("GPL");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
