// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sample client of ksalloc: a driver that uses frames of an allocator.
 *
 * A program opens /dev/ksalloc-client and passes a descriptor of an allocator. Then a work item
 * allocates a free frame, writes a number into it and frees it. The work is queued again 10 ms
 * after a frame has become free. Each open file of /dev/ksalloc-client is one client.
 */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/iosys-map.h>
#include <linux/ksalloc.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "ksalloc-client.h"

#define SAMPLE_PERIOD msecs_to_jiffies(10)

/**
 * struct sample_client - an open file of /dev/ksalloc-client
 * @lock: protects @ksalloc
 * @ksalloc: the client, after the program has passed an allocator
 * @work: fills a frame
 * @number: the next number; used by @work
 */
struct sample_client {
	struct mutex lock; /* one ioctl at a time */
	struct ksalloc_client *ksalloc;
	struct delayed_work work;
	u32 number;
};

/* A frame has become free. Any context: must not sleep, must not free frames */
static void sample_free_frame(void *context)
{
	struct sample_client *client = context;

	schedule_delayed_work(&client->work, SAMPLE_PERIOD);
}

static const struct ksalloc_client_ops sample_ops = {
	.free_frame = sample_free_frame,
};

/*
 * Writes a number into the first plane of a frame. Many drivers would map all frames once, and
 * unmap them before ksalloc_client_destroy().
 */
static int sample_fill(struct ksalloc_frame *frame, u32 number)
{
	struct dma_buf *dmabuf = ksalloc_frame_dmabuf(frame, 0);
	struct iosys_map map;
	int ret;

	/* The memory never leaves the kernel */
	if (!dmabuf)
		return -EOPNOTSUPP;
	ret = ksalloc_frame_vmap(frame, 0, &map);
	if (ret)
		return ret;
	ret = dma_buf_begin_cpu_access(dmabuf, DMA_TO_DEVICE);
	if (!ret) {
		iosys_map_wr(&map, 0, u32, number);
		ret = dma_buf_end_cpu_access(dmabuf, DMA_TO_DEVICE);
	}
	ksalloc_frame_vunmap(frame, 0, &map);
	return ret;
}

static void sample_work(struct work_struct *work)
{
	struct sample_client *client = container_of(to_delayed_work(work),
						    struct sample_client, work);
	/* ksalloc_alloc_frame() does not sleep: an interrupt handler can also call it */
	struct ksalloc_frame *frame = ksalloc_alloc_frame(client->ksalloc);

	/* If no frame is free, sample_free_frame() queues the work again */
	if (!frame)
		return;
	if (sample_fill(frame, client->number))
		pr_warn_once("ksalloc-client: a frame was not filled\n");
	else
		client->number++;
	/* The frame is given to a waiter, or sample_free_frame() is called */
	ksalloc_free_frame(client->ksalloc, frame);
}

static int sample_begin(struct sample_client *client, struct file *allocator)
{
	struct ksalloc_client *ksalloc;

	if (client->ksalloc)
		return -EBUSY;
	ksalloc = ksalloc_client_create(allocator, &sample_ops, client);
	if (IS_ERR(ksalloc))
		return PTR_ERR(ksalloc);

	/* Before the first callback, because the callback queues the work */
	client->ksalloc = ksalloc;
	ksalloc_client_enable(ksalloc);
	/* The callback is not called for frames that are free already */
	schedule_delayed_work(&client->work, 0);
	return 0;
}

static long sample_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sample_client *client = file->private_data;
	struct file *allocator;
	int ret;

	if (cmd != KSALLOC_SAMPLE_FILL)
		return -ENOTTY;
	if (arg > INT_MAX)
		return -EBADF;
	allocator = fget(arg);
	if (!allocator)
		return -EBADF;
	mutex_lock(&client->lock);
	ret = sample_begin(client, allocator);
	mutex_unlock(&client->lock);
	/* The client has a reference to the allocator, so its file is not needed */
	fput(allocator);
	return ret;
}

static int sample_open(struct inode *inode, struct file *file)
{
	struct sample_client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	mutex_init(&client->lock);
	INIT_DELAYED_WORK(&client->work, sample_work);
	file->private_data = client;
	return nonseekable_open(inode, file);
}

/*
 * The driver must not use the client after ksalloc_client_destroy() has begun. So the work is
 * disabled first, and then the callback cannot queue it any more. Allocated frames become free
 * with the client.
 */
static int sample_release(struct inode *inode, struct file *file)
{
	struct sample_client *client = file->private_data;

	disable_delayed_work_sync(&client->work);
	ksalloc_client_destroy(client->ksalloc);
	kfree(client);
	return 0;
}

static const struct file_operations sample_fops = {
	.owner = THIS_MODULE,
	.open = sample_open,
	.release = sample_release,
	.unlocked_ioctl = sample_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice sample_node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ksalloc-client",
	.fops = &sample_fops,
	.mode = 0600,
};
module_misc_device(sample_node);

MODULE_DESCRIPTION("Sample client of ksalloc");
MODULE_LICENSE("GPL");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
