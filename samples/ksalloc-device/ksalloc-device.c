// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sample device of ksalloc: a driver that is not a V4L2 driver and has connections.
 *
 * A program opens /dev/ksalloc-device and requests a connection. It uses the connection
 * like a connection to a camera. The device is a work item that runs every 10 ms and writes
 * the sequence number into the frame that was queued first.
 *
 * The device has no memory of its own. tools/testing/modules/test-device.c has.
 */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/iosys-map.h>
#include <linux/kfifo.h>
#include <linux/ksalloc.h>
#include <linux/math64.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "ksalloc-device.h"

#define SAMPLE_PERIOD msecs_to_jiffies(10)

/**
 * struct sample_device - a device
 * @device: the part for ksalloc
 * @allocator: the assigned allocator, from acquire() to release()
 * @map: the kernel's mapping of each frame
 * @queued: frames to fill. ksalloc writes, @work reads
 * @filled: filled frames. @work writes, ksalloc reads
 * @work: simulates the hardware
 * @sequence: sequence number of the next frame; used by @work
 *
 * ksalloc calls one operation at a time, so each FIFO has one writer and one reader, and
 * needs no lock.
 */
struct sample_device {
	struct ksalloc_device device;
	const struct ks_allocator *allocator;
	struct iosys_map map[KSALLOC_MAX_FRAMES];
	DECLARE_KFIFO(queued, u32, KSALLOC_MAX_FRAMES);
	DECLARE_KFIFO(filled, struct ksalloc_completion, KSALLOC_MAX_FRAMES);
	struct delayed_work work;
	u32 sequence;
};

static struct sample_device *to_sample(struct ksalloc_device *device)
{
	return container_of(device, struct sample_device, device);
}

/* The hardware */

static int sample_fill(struct sample_device *sample, u32 index)
{
	struct dma_buf *dmabuf = ksalloc_allocator_dmabuf(sample->allocator,
							  index, 0);
	int ret = dma_buf_begin_cpu_access(dmabuf, DMA_TO_DEVICE);

	if (ret)
		return ret;
	iosys_map_wr(&sample->map[index], 0, u32, sample->sequence);
	return dma_buf_end_cpu_access(dmabuf, DMA_TO_DEVICE);
}

static void sample_work(struct work_struct *work)
{
	struct sample_device *sample = container_of(to_delayed_work(work),
						    struct sample_device, work);
	struct ksalloc_completion completion = {
		.sequence = sample->sequence,
		.options_flags = KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
	};

	if (kfifo_get(&sample->queued, &completion.index)) {
		/* If the frame could not be written, it is completed without data */
		if (!sample_fill(sample, completion.index))
			completion.planes[0].data_used = sizeof(u32);
		completion.time = div_u64(ktime_get_ns(), 100);
		kfifo_put(&sample->filled, completion);
		ksalloc_device_notify(&sample->device);
	}
	/* Without a queued frame, the number is skipped, and programs see a gap */
	sample->sequence++;
	schedule_delayed_work(&sample->work, SAMPLE_PERIOD);
}

/* The operations, in the order in which a connection uses them */

static int sample_get_framing(struct ksalloc_device *device,
			      struct ksalloc_requirements *needs)
{
	*needs = (struct ksalloc_requirements){
		.framing = {
			.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
			.frames = 2,
			.frame_size = PAGE_SIZE,
		},
	};
	return 0;
}

static void sample_unmap(struct sample_device *sample, u32 frames)
{
	while (frames--)
		dma_buf_vunmap_unlocked(ksalloc_allocator_dmabuf(sample->allocator,
								 frames, 0),
					&sample->map[frames]);
}

/* STOP to ACQUIRE. A device with DMA attaches to the dma-bufs here */
static int sample_acquire(struct ksalloc_device *device,
			  const struct ks_allocator *allocator)
{
	struct sample_device *sample = to_sample(device);
	int ret;
	u32 i;

	sample->allocator = allocator;
	for (i = 0; i < ksalloc_allocator_frames(allocator); i++) {
		ret = dma_buf_vmap_unlocked(ksalloc_allocator_dmabuf(allocator, i, 0),
					    &sample->map[i]);
		if (ret) {
			sample_unmap(sample, i);
			return ret;
		}
	}
	return 0;
}

static int sample_queue(struct ksalloc_device *device, u32 index, int dmabuf_fd)
{
	kfifo_put(&to_sample(device)->queued, index);
	return 0;
}

static int sample_run(struct ksalloc_device *device)
{
	schedule_delayed_work(&to_sample(device)->work, SAMPLE_PERIOD);
	return 0;
}

static bool sample_ready(struct ksalloc_device *device)
{
	return !kfifo_is_empty(&to_sample(device)->filled);
}

static int sample_dequeue(struct ksalloc_device *device,
			  struct ksalloc_completion *completion)
{
	return kfifo_get(&to_sample(device)->filled, completion) ? 0 : -EAGAIN;
}

/* Must not return before the device has stopped, because the frames become free then */
static int sample_stop(struct ksalloc_device *device)
{
	struct sample_device *sample = to_sample(device);

	cancel_delayed_work_sync(&sample->work);
	kfifo_reset(&sample->queued);
	kfifo_reset(&sample->filled);
	return 0;
}

static void sample_release(struct ksalloc_device *device)
{
	struct sample_device *sample = to_sample(device);

	sample_unmap(sample, ksalloc_allocator_frames(sample->allocator));
}

static void sample_destroy(struct ksalloc_device *device)
{
	kvfree(to_sample(device));
}

/* Without gone(), watch() and unwatch(): it never disappears, and only notifies in RUN */
static const struct ksalloc_device_ops sample_ops = {
	.owner = THIS_MODULE,
	.get_framing = sample_get_framing,
	.acquire = sample_acquire,
	.queue = sample_queue,
	.run = sample_run,
	.ready = sample_ready,
	.dequeue = sample_dequeue,
	.stop = sample_stop,
	.release = sample_release,
	.destroy = sample_destroy,
};

/* The ioctl that makes connections */

static long sample_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sample_device *sample;
	struct file *connection;
	int fd;

	if (cmd != KSALLOC_SAMPLE_CONNECT)
		return -ENOTTY;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	sample = kvzalloc(sizeof(*sample), GFP_KERNEL);
	if (!sample) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	sample->device.ops = &sample_ops;
	INIT_KFIFO(sample->queued);
	INIT_KFIFO(sample->filled);
	INIT_DELAYED_WORK(&sample->work, sample_work);

	/* The connection owns the device after this, even if the call fails */
	connection = ksalloc_connect(&sample->device);
	if (IS_ERR(connection)) {
		put_unused_fd(fd);
		return PTR_ERR(connection);
	}
	fd_install(fd, connection);
	return fd;
}

static const struct file_operations sample_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = sample_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice sample_node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ksalloc-device",
	.fops = &sample_fops,
	.mode = 0600,
};
module_misc_device(sample_node);

MODULE_DESCRIPTION("Sample device of ksalloc");
MODULE_LICENSE("GPL");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
