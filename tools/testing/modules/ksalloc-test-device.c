// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device of ksalloc with memory of its own: what a driver does that is no V4L2
 * driver.
 *
 * The device is a work item that counts: into each frame that it fills it writes
 * the number of the frame. It takes any memory that the kernel can map, and knows
 * its own when it sees it. That is either exported as dma-bufs, or never leaves the
 * kernel, as on-board memory might; which one, and whether something fails, a
 * program says when it asks for a connection: see ksalloc-test-device.h.
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

#include "ksalloc-test-device.h"

#define DEVICE_FRAMES 2
#define DEVICE_PERIOD_MS 5

static atomic_t sample_initialized, sample_allocated, sample_freed, sample_deleted;
static atomic_t sample_buffers, sample_recognized;

/**
 * struct sample_device - the device end of a connection
 * @device: what ksalloc knows
 * @ask: what the program asked for
 * @allocator: the assigned allocator, from acquire to release
 * @own: its memory, where that is this device's
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
struct sample_device {
	struct ksalloc_device device;
	struct device_connect ask;
	const struct ks_allocator *allocator;
	struct sample_memory *own;
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

static struct sample_device *to_sample(struct ksalloc_device *device)
{
	return container_of(device, struct sample_device, device);
}

/* The device's own memory */

/**
 * struct sample_memory - the memory of one allocator
 * @ask: what the program asked for
 * @vaddr: each frame
 */
struct sample_memory {
	struct device_connect ask;
	void *vaddr[];
};

/* As a dma-buf: the memory is the dma-buf's, and is freed with it */

static void sample_free_buffer(void *vaddr)
{
	vfree(vaddr);
	atomic_dec(&sample_buffers);
}

static struct sg_table *sample_map_dma_buf(struct dma_buf_attachment *attachment,
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

static void sample_unmap_dma_buf(struct dma_buf_attachment *attachment,
			       struct sg_table *table,
			       enum dma_data_direction direction)
{
	dma_unmap_sgtable(attachment->dev, table, direction, 0);
	sg_free_table(table);
	kfree(table);
}

static int sample_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, dmabuf->priv, vma->vm_pgoff);
}

static int sample_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, dmabuf->priv);
	return 0;
}

static void sample_release_dma_buf(struct dma_buf *dmabuf)
{
	sample_free_buffer(dmabuf->priv);
}

static const struct dma_buf_ops sample_dma_buf_ops = {
	.map_dma_buf = sample_map_dma_buf,
	.unmap_dma_buf = sample_unmap_dma_buf,
	.mmap = sample_mmap,
	.vmap = sample_vmap,
	.release = sample_release_dma_buf,
};

static struct dma_buf *sample_export(void *vaddr, size_t bytes)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &sample_dma_buf_ops;
	info.size = bytes;
	info.flags = O_RDWR;
	info.priv = vaddr;
	return dma_buf_export(&info);
}

/* The four callbacks. The device may be gone before the allocator: nothing of it stays */

static int sample_initialize_allocator(void *creator,
				     const struct ksallocator_framing *framing,
				     size_t bytes, void **context)
{
	struct sample_device *device = to_sample(creator);
	struct sample_memory *memory;

	if (device->ask.failure == DEVICE_FAILS_INITIALIZE)
		return device->ask.error;
	memory = kvzalloc(struct_size(memory, vaddr, framing->frames),
			  GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	memory->ask = device->ask;
	*context = memory;
	atomic_inc(&sample_initialized);
	return 0;
}

static int sample_alloc(void *context, u32 index, size_t bytes,
		      struct ksalloc_memory *result)
{
	struct sample_memory *memory = context;
	struct dma_buf *dmabuf;
	void *vaddr;

	if (memory->ask.failure == DEVICE_FAILS_ALLOC &&
	    memory->ask.fail_at == index)
		return memory->ask.error;
	vaddr = vmalloc_user(bytes);
	if (!vaddr)
		return -ENOMEM;
	atomic_inc(&sample_buffers);

	if (memory->ask.memory == DEVICE_MEMORY_DMABUF) {
		dmabuf = sample_export(vaddr, bytes);
		if (IS_ERR(dmabuf)) {
			sample_free_buffer(vaddr);
			return PTR_ERR(dmabuf);
		}
		result->dmabuf = dmabuf;
	}
	iosys_map_set_vaddr(&result->map, vaddr);
	memory->vaddr[index] = vaddr;
	atomic_inc(&sample_allocated);
	return 0;
}

static void sample_free(void *context, u32 index, struct ksalloc_memory *frame)
{
	atomic_inc(&sample_freed);
	if (frame->dmabuf)
		dma_buf_put(frame->dmabuf);
	else
		sample_free_buffer(frame->map.vaddr);
}

static void sample_delete_allocator(void *context)
{
	atomic_inc(&sample_deleted);
	kvfree(context);
}

static const struct ksalloc_memory_ops sample_memory_ops = {
	.owner = THIS_MODULE,
	.initialize_allocator = sample_initialize_allocator,
	.alloc = sample_alloc,
	.free = sample_free,
	.delete_allocator = sample_delete_allocator,
};

/* The device */

/* Takes the next frame to fill; false where there is none */
static bool sample_take(struct sample_device *device, u32 *index)
{
	bool takes;

	spin_lock_irq(&device->lock);
	takes = device->running && device->n_queued;
	if (takes) {
		*index = device->queued[0];
		device->n_queued--;
		memmove(&device->queued[0], &device->queued[1],
			device->n_queued * sizeof(device->queued[0]));
	}
	spin_unlock_irq(&device->lock);

	return takes;
}

/*
 * Writes into a frame. Others may have the memory in their caches, or in memory of a
 * device: hence the two calls around, which can sleep, and no plain pointer.
 */
static int sample_write(struct sample_device *device, u32 index, u32 word)
{
	struct dma_buf *dmabuf = ksalloc_allocator_dmabuf(device->allocator,
							  index);
	struct iosys_map own;
	int ret;

	ret = dma_buf_begin_cpu_access(dmabuf, DMA_TO_DEVICE);
	if (ret)
		return ret;
	if (device->own) {
		iosys_map_set_vaddr(&own, device->own->vaddr[index]);
		iosys_map_wr(&own, 0, u32, word);
	} else {
		iosys_map_wr(&device->map[index], 0, u32, word);
	}
	return dma_buf_end_cpu_access(dmabuf, DMA_TO_DEVICE);
}

/* Gives a filled frame back; where that has failed, without data */
static void sample_give(struct sample_device *device, u32 index, u32 sequence, int error)
{
	spin_lock_irq(&device->lock);
	device->filled[device->n_filled++] = (struct ksalloc_completion){
		.index = index,
		.sequence = sequence,
		.data_used = error ? 0 : sizeof(u32),
		.options_flags = KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
		.time = div_u64(ktime_get_ns(), 100),
	};
	spin_unlock_irq(&device->lock);
	ksalloc_device_notify(&device->device);
}

/* sample_stop() waits for this; so the allocator stays meanwhile */
static void sample_works(struct work_struct *work)
{
	struct sample_device *device = container_of(to_delayed_work(work), struct sample_device,
					 work);
	u32 index, sequence;

	if (sample_take(device, &index)) {
		sequence = device->sequence++;
		sample_give(device, index, sequence,
			  sample_write(device, index, sequence));
	}
	schedule_delayed_work(&device->work, msecs_to_jiffies(DEVICE_PERIOD_MS));
}

/* The connection's calls */

static int sample_get_framing(struct ksalloc_device *ksalloc,
			    struct ksallocator_framing *framing)
{
	*framing = (struct ksallocator_framing){
		.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
		.frames = DEVICE_FRAMES,
		.frame_size = to_sample(ksalloc)->ask.frame_size,
	};
	return 0;
}

static void sample_unmap_frames(struct sample_device *device, u32 frames)
{
	while (frames--)
		dma_buf_vunmap_unlocked(ksalloc_allocator_dmabuf(device->allocator,
								 frames),
					&device->map[frames]);
	kvfree(device->map);
	device->map = NULL;
}

static int sample_map_frames(struct sample_device *device)
{
	u32 i, frames = ksalloc_allocator_frames(device->allocator);
	struct dma_buf *dmabuf;
	int ret;

	device->map = kvcalloc(frames, sizeof(*device->map), GFP_KERNEL);
	if (!device->map)
		return -ENOMEM;
	for (i = 0; i < frames; i++) {
		dmabuf = ksalloc_allocator_dmabuf(device->allocator, i);
		ret = dmabuf ? dma_buf_vmap_unlocked(dmabuf, &device->map[i]) :
			       -EOPNOTSUPP;
		if (ret) {
			sample_unmap_frames(device, i);
			return ret;
		}
	}
	return 0;
}

static int sample_acquire(struct ksalloc_device *ksalloc,
			  const struct ks_allocator *allocator)
{
	struct sample_device *device = to_sample(ksalloc);
	int ret = 0;

	device->allocator = allocator;
	device->own = ksalloc_allocator_memory(allocator, &sample_memory_ops);
	if (device->own)
		atomic_inc(&sample_recognized);
	else
		ret = sample_map_frames(device);
	if (ret)
		device->allocator = NULL;
	return ret;
}

static void sample_release(struct ksalloc_device *ksalloc)
{
	struct sample_device *device = to_sample(ksalloc);

	if (!device->own)
		sample_unmap_frames(device, ksalloc_allocator_frames(device->allocator));
	device->own = NULL;
	device->allocator = NULL;
}

static int sample_queue(struct ksalloc_device *ksalloc, u32 index,
			int dmabuf_fd)
{
	struct sample_device *device = to_sample(ksalloc);

	spin_lock_irq(&device->lock);
	device->queued[device->n_queued++] = index;
	spin_unlock_irq(&device->lock);

	return 0;
}

static int sample_dequeue(struct ksalloc_device *ksalloc,
			struct ksalloc_completion *completion)
{
	struct sample_device *device = to_sample(ksalloc);
	int ret = -EAGAIN;

	spin_lock_irq(&device->lock);
	if (device->n_filled) {
		*completion = device->filled[0];
		device->n_filled--;
		memmove(&device->filled[0], &device->filled[1],
			device->n_filled * sizeof(device->filled[0]));
		ret = 0;
	}
	spin_unlock_irq(&device->lock);

	return ret;
}

static int sample_run(struct ksalloc_device *ksalloc)
{
	struct sample_device *device = to_sample(ksalloc);

	spin_lock_irq(&device->lock);
	device->running = true;
	spin_unlock_irq(&device->lock);
	schedule_delayed_work(&device->work, msecs_to_jiffies(DEVICE_PERIOD_MS));

	return 0;
}

static int sample_stop(struct ksalloc_device *ksalloc)
{
	struct sample_device *device = to_sample(ksalloc);

	cancel_delayed_work_sync(&device->work);
	spin_lock_irq(&device->lock);
	device->running = false;
	device->n_queued = 0;
	device->n_filled = 0;
	spin_unlock_irq(&device->lock);

	return 0;
}

static bool sample_ready(struct ksalloc_device *ksalloc)
{
	return READ_ONCE(to_sample(ksalloc)->n_filled);
}

static bool sample_gone(struct ksalloc_device *ksalloc)
{
	return false;
}

static int sample_watch(struct ksalloc_device *ksalloc)
{
	return 0;
}

/* It only ever notifies while it is running, which is over by now */
static void sample_unwatch(struct ksalloc_device *ksalloc)
{
}

static void sample_destroy(struct ksalloc_device *ksalloc)
{
	kvfree(to_sample(ksalloc));
}

static void sample_show(struct ksalloc_device *ksalloc, struct seq_file *m)
{
	seq_puts(m, "device:\tsample\n");
}

/* With memory of its own, and without */

#define DEVICE_OPS				\
	.owner = THIS_MODULE,			\
	.get_framing = sample_get_framing,	\
	.acquire = sample_acquire,		\
	.release = sample_release,		\
	.queue = sample_queue,			\
	.dequeue = sample_dequeue,		\
	.run = sample_run,			\
	.stop = sample_stop,			\
	.ready = sample_ready,			\
	.gone = sample_gone,			\
	.watch = sample_watch,			\
	.unwatch = sample_unwatch,		\
	.destroy = sample_destroy,		\
	.show = sample_show

static const struct ksalloc_device_ops sample_ops = {
	DEVICE_OPS,
};

static const struct ksalloc_device_ops sample_ops_with_memory = {
	DEVICE_OPS,
	.memory = &sample_memory_ops,
};

/* The program's calls */

static long sample_connect(void __user *uarg)
{
	struct device_connect ask;
	struct file *connection;
	struct sample_device *device;
	int fd;

	if (copy_from_user(&ask, uarg, sizeof(ask)))
		return -EFAULT;
	if (ask.memory > DEVICE_MEMORY_KERNEL || !ask.frame_size ||
	    ask.failure > DEVICE_FAILS_ALLOC || ask.__reserved ||
	    (ask.failure && (ask.error >= 0 || ask.error < -MAX_ERRNO)))
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;

	device = kvzalloc(sizeof(*device), GFP_KERNEL);
	if (!device) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	device->ask = ask;
	device->device.ops = ask.memory ? &sample_ops_with_memory : &sample_ops;
	spin_lock_init(&device->lock);
	INIT_DELAYED_WORK(&device->work, sample_works);

	/* From here on the device is the connection's, come what may */
	connection = ksalloc_connect(&device->device);
	if (IS_ERR(connection)) {
		put_unused_fd(fd);
		return PTR_ERR(connection);
	}
	fd_install(fd, connection);
	return fd;
}

static long sample_counts(void __user *uarg)
{
	const struct device_counts counts = {
		.initialized = atomic_read(&sample_initialized),
		.allocated = atomic_read(&sample_allocated),
		.freed = atomic_read(&sample_freed),
		.deleted = atomic_read(&sample_deleted),
		.buffers = atomic_read(&sample_buffers),
		.recognized = atomic_read(&sample_recognized),
	};

	return copy_to_user(uarg, &counts, sizeof(counts)) ? -EFAULT : 0;
}

static long sample_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case DEVICE_CONNECT:
		return sample_connect((void __user *)arg);
	case DEVICE_COUNTS:
		return sample_counts((void __user *)arg);
	}
	return -ENOTTY;
}

static const struct file_operations sample_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = sample_ioctl,
};

static struct miscdevice sample_node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ksalloc-test-device",
	.fops = &sample_fops,
	.mode = 0600,
};
module_misc_device(sample_node);

MODULE_DESCRIPTION("Sample device of ksalloc with memory of its own");
MODULE_LICENSE("GPL");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
