// SPDX-License-Identifier: GPL-2.0-only
/*
 * A V4L2 device's own memory: allocators whose frames are MMAP buffers of the driver, each
 * exported as a dma-buf (contract A9).
 *
 * The buffers belong to the connection's V4L2 file. The allocator can outlive the connection,
 * so it also has a reference to that file: the device is busy for other files until the
 * allocator is freed. The connection of that file streams with the buffers directly. For all
 * other devices, the frames are ordinary dma-bufs.
 */
#include <linux/dma-buf.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "planes.h"
#include "v4l2.h"

/**
 * struct ks_v4l2_memory - the memory of one allocator
 * @dev: the device, with a reference
 * @nr_frames: number of frames of the allocator
 * @layout: the planes of each frame
 * @planes: planes of a multi-planar buffer, for operations; protected by the lock of the
 *	device
 */
struct ks_v4l2_memory {
	struct ks_v4l2_device *dev;
	u32 nr_frames;
	struct ksalloc_planes layout;
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
};

/*
 * Whether there can be an allocator of the device's own memory. Without vdev->queue, this
 * is true for all drivers with VIDIOC_EXPBUF, and only an attempt shows whether MMAP
 * buffers are possible.
 */
bool ks_v4l2_has_memory(struct ks_v4l2_device *dev)
{
	const struct vb2_queue *queue = dev->vdev->queue;

	return !ks_v4l2_check(dev, VIDIOC_EXPBUF) &&
	       (!queue || (queue->io_modes & VB2_MMAP));
}

/* Whether the buffer of ks_v4l2_querybuf() has the right planes */
static bool ks_v4l2_memory_is_right(const struct ks_v4l2_memory *memory,
				    const struct v4l2_buffer *buffer)
{
	const struct ksalloc_planes *layout = &memory->layout;
	u32 i;

	if (!ks_v4l2_is_mplane(memory->dev))
		return PAGE_ALIGN((u64)buffer->length) >= ks_plane_bytes(layout, 0);
	/* Another file can have set another format after the framing was resolved */
	if (buffer->length != layout->count)
		return false;
	for (i = 0; i < layout->count; i++)
		if (PAGE_ALIGN((u64)memory->planes[i].length) <
		    ks_plane_bytes(layout, i))
			return false;
	return true;
}

/* Checks that there is a buffer for each frame, and that the buffers are large enough */
static int ks_v4l2_memory_check_buffers(struct ks_v4l2_memory *memory)
{
	struct v4l2_buffer buffer;
	int ret;
	u32 i;

	for (i = 0; i < memory->nr_frames; i++) {
		ret = ks_v4l2_querybuf(memory->dev, i, &buffer, memory->planes);
		if (ret)
			return ret;
		if (!ks_v4l2_memory_is_right(memory, &buffer))
			return -EOPNOTSUPP;
	}
	return 0;
}

/* Makes the buffers; the lock of the device is held */
static int ks_v4l2_memory_set_up(struct ks_v4l2_memory *memory)
{
	struct ks_v4l2_device *dev = memory->dev;
	const struct vb2_queue *queue = dev->vdev->queue;
	int ret;

	ret = ks_v4l2_check(dev, VIDIOC_REQBUFS) ?:
	      ks_v4l2_check(dev, VIDIOC_EXPBUF) ?:
	      ks_v4l2_check_priority(dev);
	if (ret)
		return ret;
	if (!ks_v4l2_has_memory(dev))
		return -EOPNOTSUPP;
	if (dev->has_memory || ks_v4l2_has_buffers(dev, memory->planes))
		return -EBUSY;
	if (queue && memory->nr_frames > queue->max_num_buffers)
		return -EOPNOTSUPP;

	ret = ks_v4l2_reqbufs(dev, V4L2_MEMORY_MMAP, memory->nr_frames);
	/* Without vdev->queue, -EINVAL is the only sign that the driver has no MMAP buffers */
	if (ret == -EINVAL && !queue)
		return -EOPNOTSUPP;
	if (ret < 0)
		return ret;
	if (ret < memory->nr_frames)
		ret = queue ? -ENOMEM : -EOPNOTSUPP;
	else
		ret = ks_v4l2_memory_check_buffers(memory);
	if (ret)
		ks_v4l2_reqbufs(dev, V4L2_MEMORY_MMAP, 0);
	else
		dev->has_memory = true;
	return ret;
}

static int ks_v4l2_memory_initialize(void *creator,
				     const struct ksallocator_framing *framing,
				     const struct ksalloc_planes *planes,
				     void **context)
{
	struct ks_v4l2_memory *memory;
	int ret;

	memory = kzalloc(sizeof(*memory), GFP_KERNEL_ACCOUNT);
	if (!memory)
		return -ENOMEM;
	memory->nr_frames = framing->frames;
	memory->layout = *planes;
	memory->dev = ks_v4l2_device_of(creator);

	ret = ks_v4l2_lock(memory->dev);
	if (ret)
		goto err_free;
	ret = ks_v4l2_memory_set_up(memory);
	ks_v4l2_unlock(memory->dev);
	if (ret)
		goto err_free;

	ks_v4l2_get(memory->dev);
	*context = memory;
	return 0;

err_free:
	kfree(memory);
	return ret;
}

struct ks_v4l2_export_call {
	struct ks_v4l2_device *dev;
	u32 index;
	u32 plane;
	struct dma_buf *dmabuf;
};

/* Runs in a kernel thread, because the driver returns the dma-buf as a descriptor */
static int ks_v4l2_export_fn(void *data)
{
	struct ks_v4l2_export_call *call = data;
	struct ks_v4l2_device *dev = call->dev;
	struct v4l2_exportbuffer export = {
		.type = dev->type,
		.index = call->index,
		.plane = call->plane,
		.flags = O_RDWR | O_CLOEXEC,
	};
	int ret;

	ret = ks_v4l2_lock(dev);
	if (ret)
		return ret;
	ret = ks_v4l2_check(dev, VIDIOC_EXPBUF) ?:
	      dev->vdev->ioctl_ops->vidioc_expbuf(dev->file,
						  dev->file->private_data,
						  &export);
	ks_v4l2_unlock(dev);
	if (ret)
		return ret;

	call->dmabuf = dma_buf_get(export.fd);
	close_fd(export.fd);
	return PTR_ERR_OR_ZERO(call->dmabuf);
}

static int ks_v4l2_memory_alloc(void *context, u32 index, u32 plane,
				size_t bytes, struct ksalloc_memory *result)
{
	struct ks_v4l2_memory *memory = context;
	struct ks_v4l2_export_call call = {
		.dev = memory->dev,
		.index = index,
		.plane = plane,
	};
	int ret;

	ret = ks_v4l2_run_in_thread(memory->dev, ks_v4l2_export_fn, &call);
	/* videobuf2 returns -EINVAL if it cannot export this memory */
	if (ret == -EINVAL)
		return -EOPNOTSUPP;
	if (ret)
		return ret;
	result->dmabuf = call.dmabuf;
	return 0;
}

static void ks_v4l2_memory_free(void *context, u32 index, u32 plane,
				struct ksalloc_memory *result)
{
	/* dma_buf_put() in a kernel thread defers this, and the next buffers may need the memory */
	if (current->flags & PF_KTHREAD)
		__fput_sync(result->dmabuf->file);
	else
		dma_buf_put(result->dmabuf);
}

static void ks_v4l2_memory_delete(void *context)
{
	struct ks_v4l2_memory *memory = context;

	ks_v4l2_free_buffers(memory->dev, V4L2_MEMORY_MMAP);
	ks_v4l2_put(memory->dev);
	kfree(memory);
}

static void ks_v4l2_memory_show(void *context, struct seq_file *m)
{
	struct ks_v4l2_memory *memory = context;

	seq_printf(m, "device:\t%s\n",
		   video_device_node_name(memory->dev->vdev));
}

const struct ksalloc_memory_ops ks_v4l2_memory_ops = {
	.owner = THIS_MODULE,
	.initialize_allocator = ks_v4l2_memory_initialize,
	.alloc = ks_v4l2_memory_alloc,
	.free = ks_v4l2_memory_free,
	.delete_allocator = ks_v4l2_memory_delete,
	.show = ks_v4l2_memory_show,
};

/* Whether an allocator is made of buffers of this device */
bool ks_v4l2_memory_is_of(struct ks_v4l2_device *dev,
			  const struct ks_allocator *allocator)
{
	const struct ks_v4l2_memory *memory =
		ksalloc_allocator_memory(allocator, &ks_v4l2_memory_ops);

	return memory && memory->dev == dev;
}
