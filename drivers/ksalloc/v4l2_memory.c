// SPDX-License-Identifier: GPL-2.0-only
/*
 * A V4L2 device's own memory: allocators of the driver's MMAP buffers, each of which
 * is exported as a dma-buf (contract A9).
 *
 * The allocator is made on a connection and outlives it, so it holds the V4L2 file:
 * the buffers are the file's, and others find the device busy until the allocator
 * ends. A connection of the same file streams with the buffers themselves; to any
 * other device the frames are dma-bufs like all others.
 *
 * The client has the file too, and can free its buffers (VIDIOC_REQBUFS) behind
 * this allocator's back. The memory stays, for the dma-bufs hold it, but is no
 * buffer of the device any more, even where new ones have the same numbers. So
 * before the device is to use the frames, and before its buffers are freed here, each
 * is compared with its dma-buf: videobuf2 exports a buffer's memory with the
 * memory's own address as the dma-buf's private data.
 *
 * Where the driver does not show its queue (vdev->queue; uvcvideo up to 6.16 is such a
 * one), a buffer's memory cannot be seen: then only its number and kind are compared,
 * and new MMAP buffers of the client's own pass for the old ones. They are freed with
 * the allocator, or used in the place of its frames. That harms nobody but the client:
 * the buffers are its file's, and a device that streams with them does not free them.
 */
#include <linux/dma-buf.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "v4l2.h"

/**
 * struct ks_v4l2_memory - the memory of one allocator
 * @dev: the device, with a reference of its own to the file
 * @frames: how many frames the allocator has
 * @planes: what a multi-planar buffer points to during an operation; protected by
 *	the lock of the device's buffers
 * @buffer: the memory of each buffer, only to be compared; NULL where the driver
 *	does not show it
 */
struct ks_v4l2_memory {
	struct ks_v4l2_device dev;
	u32 frames;
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
	const void *buffer[] __counted_by(frames);
};

/* The memory of one of the device's MMAP buffers, where that can be seen */
static const void *ks_v4l2_buffer_memory(const struct ks_v4l2_device *dev,
					 u32 index)
{
	struct vb2_queue *queue = dev->vdev->queue;
	struct vb2_buffer *vb = queue ? vb2_get_buffer(queue, index) : NULL;

	return vb && vb->memory == VB2_MEMORY_MMAP ? vb->planes[0].mem_priv :
						     NULL;
}

/**
 * ks_v4l2_has_memory() - can there be an allocator of the device's own memory?
 * @dev: the device
 *
 * Without vdev->queue that is known only when it is tried.
 *
 * Context: any.
 * Return: whether there can.
 */
bool ks_v4l2_has_memory(const struct ks_v4l2_device *dev)
{
	const struct vb2_queue *queue = dev->vdev->queue;

	return !ks_v4l2_check(dev, VIDIOC_EXPBUF) &&
	       (!queue || (queue->io_modes & VB2_MMAP));
}

/* What the device's buffers are: as many as there are frames, and large enough */
static int ks_v4l2_memory_check_buffers(struct ks_v4l2_memory *memory,
					size_t bytes)
{
	struct ks_v4l2_device *dev = &memory->dev;
	struct v4l2_buffer buffer;
	size_t length;
	int ret;
	u32 i;

	for (i = 0; i < memory->frames; i++) {
		ret = ks_v4l2_querybuf(dev, i, &buffer, memory->planes);
		if (ret)
			return ret;
		if (ks_v4l2_is_mplane(dev) && buffer.length != 1)
			return -EOPNOTSUPP;
		length = ks_v4l2_is_mplane(dev) ? memory->planes[0].length :
						  buffer.length;
		if (PAGE_ALIGN(length) < bytes)
			return -EOPNOTSUPP;
		memory->buffer[i] = ks_v4l2_buffer_memory(dev, i);
	}
	return 0;
}

/* Makes the buffers; called with the device's locks held */
static int ks_v4l2_memory_set_up(struct ks_v4l2_memory *memory, size_t bytes)
{
	struct ks_v4l2_device *dev = &memory->dev;
	const struct vb2_queue *queue = dev->vdev->queue;
	int ret;

	ret = ks_v4l2_check(dev, VIDIOC_REQBUFS) ?:
	      ks_v4l2_check(dev, VIDIOC_EXPBUF) ?:
	      ks_v4l2_check_priority(dev);
	if (ret)
		return ret;
	if (!ks_v4l2_has_memory(dev))
		return -EOPNOTSUPP;
	if (ks_v4l2_is_busy(dev, memory->planes))
		return -EBUSY;
	if (queue && memory->frames > queue->max_num_buffers)
		return -EOPNOTSUPP;

	ret = ks_v4l2_reqbufs(dev, V4L2_MEMORY_MMAP, memory->frames);
	/* Where it could not be known before, MMAP is what is wrong */
	if (ret == -EINVAL && !queue)
		return -EOPNOTSUPP;
	if (ret < 0)
		return ret;
	if (ret < memory->frames)
		ret = queue ? -ENOMEM : -EOPNOTSUPP;
	else
		ret = ks_v4l2_memory_check_buffers(memory, bytes);
	if (ret)
		ks_v4l2_reqbufs(dev, V4L2_MEMORY_MMAP, 0);
	return ret;
}

static int ks_v4l2_memory_initialize(void *creator,
				     const struct ksallocator_framing *framing,
				     size_t bytes, void **context)
{
	const struct ks_v4l2_device *dev = ks_v4l2_device_of(creator);
	struct ks_v4l2_memory *memory;
	int ret;

	/* The caller must be allowed what is done in his place */
	ret = security_file_ioctl(dev->file, VIDIOC_EXPBUF, 0);
	if (ret)
		return ret;
	memory = kzalloc(struct_size(memory, buffer, framing->frames),
			 GFP_KERNEL_ACCOUNT);
	if (!memory)
		return -ENOMEM;
	memory->frames = framing->frames;
	memory->dev = *dev;
	get_file(memory->dev.file);

	ret = ks_v4l2_lock_buffers(dev);
	if (ret)
		goto err_free;
	ret = ks_v4l2_memory_set_up(memory, bytes);
	ks_v4l2_unlock_buffers(dev);
	if (ret)
		goto err_free;

	*context = memory;
	return 0;

err_free:
	fput(memory->dev.file);
	kfree(memory);
	return ret;
}

/* A descriptor of a buffer, in the calling task */
static int ks_v4l2_expbuf(const struct ks_v4l2_device *dev, u32 index)
{
	struct v4l2_exportbuffer export = {
		.type = dev->type,
		.index = index,
		.flags = O_RDWR | O_CLOEXEC,
	};
	struct mutex *lock = ks_v4l2_queue_lock(dev);
	int ret;

	ret = ks_v4l2_lock(lock);
	if (ret)
		return ret;
	ret = ks_v4l2_check(dev, VIDIOC_EXPBUF);
	if (!ret)
		ret = dev->vdev->ioctl_ops->vidioc_expbuf(dev->file,
							  dev->file->private_data,
							  &export);
	ks_v4l2_unlock(lock);

	return ret ?: export.fd;
}

/*
 * The driver gives its dma-buf by descriptor. What another thread of the process may
 * put there instead is found by comparing it with the buffer, and refused.
 */
static int ks_v4l2_memory_alloc(void *context, u32 index, size_t bytes,
				struct ksalloc_memory *frame)
{
	struct ks_v4l2_memory *memory = context;
	struct dma_buf *dmabuf;
	int fd;

	fd = ks_v4l2_expbuf(&memory->dev, index);
	/* What videobuf2 says where its memory cannot be exported */
	if (fd == -EINVAL)
		return -EOPNOTSUPP;
	if (fd < 0)
		return fd;
	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return -EINVAL;
	close_fd(fd);
	if (memory->buffer[index] && memory->buffer[index] != dmabuf->priv) {
		dma_buf_put(dmabuf);
		return -EINVAL;
	}

	frame->dmabuf = dmabuf;
	return 0;
}

static void ks_v4l2_memory_free(void *context, u32 index,
				struct ksalloc_memory *frame)
{
	dma_buf_put(frame->dmabuf);
}

/* Whether the device's buffers are still those of this memory */
static bool ks_v4l2_memory_is_current(struct ks_v4l2_memory *memory)
{
	struct v4l2_buffer buffer;
	u32 i;

	for (i = 0; i < memory->frames; i++) {
		if (memory->buffer[i] &&
		    memory->buffer[i] != ks_v4l2_buffer_memory(&memory->dev, i))
			return false;
		if (!memory->buffer[i] &&
		    (ks_v4l2_querybuf(&memory->dev, i, &buffer,
				      memory->planes) ||
		     buffer.memory != V4L2_MEMORY_MMAP))
			return false;
	}
	return true;
}

/* Buffers that are others' by now are theirs to free */
static void ks_v4l2_memory_delete(void *context)
{
	struct ks_v4l2_memory *memory = context;
	struct ks_v4l2_device *dev = &memory->dev;

	ks_v4l2_lock_buffers_always(dev);
	if (ks_v4l2_memory_is_current(memory))
		ks_v4l2_free_buffers(dev, V4L2_MEMORY_MMAP);
	ks_v4l2_unlock_buffers(dev);

	fput(dev->file);
	kfree(memory);
}

const struct ksalloc_memory_ops ks_v4l2_memory_ops = {
	.owner = THIS_MODULE,
	.initialize_allocator = ks_v4l2_memory_initialize,
	.alloc = ks_v4l2_memory_alloc,
	.free = ks_v4l2_memory_free,
	.delete_allocator = ks_v4l2_memory_delete,
};

/**
 * ks_v4l2_memory_is_of() - is an allocator made of buffers of this file?
 * @dev: the device
 * @allocator: the allocator's file
 *
 * Context: any.
 * Return: whether it is.
 */
bool ks_v4l2_memory_is_of(const struct ks_v4l2_device *dev,
			  const struct file *allocator)
{
	const struct ks_v4l2_memory *memory =
		ksalloc_allocator_memory(allocator, &ks_v4l2_memory_ops);

	return memory && memory->dev.file == dev->file;
}

/**
 * ks_v4l2_memory_check() - are the device's buffers still the allocator's frames?
 * @dev: the device
 * @allocator: the allocator's file; ks_v4l2_memory_is_of() the device
 *
 * Context: process context; sleeps. ks_v4l2_lock_buffers() was called.
 * Return: 0; -EOPNOTSUPP where the client has freed them behind its back.
 */
int ks_v4l2_memory_check(const struct ks_v4l2_device *dev,
			 const struct file *allocator)
{
	struct ks_v4l2_memory *memory =
		ksalloc_allocator_memory(allocator, &ks_v4l2_memory_ops);

	return ks_v4l2_memory_is_current(memory) ? 0 : -EOPNOTSUPP;
}
