// SPDX-License-Identifier: GPL-2.0-only
/*
 * A V4L2 video capture device as the device of a connection. v4l2.h describes the rules.
 *
 * Frame i of the allocator is buffer i of the device's queue, always with the same
 * dma-buf. So videobuf2 attaches and maps each frame only once, in ACQUIRE. If the allocator
 * uses the device's own memory (v4l2_memory.c), its frames are already the buffers.
 *
 * No function here waits for a frame. Entries on the wait queues of the device wake the
 * connection.
 */
#include <kunit/visibility.h>
#include <linux/bitmap.h>
#include <linux/dma-buf.h>
#include <linux/fdtable.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <media/v4l2-common.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "v4l2.h"

/* An operation on a buffer: VIDIOC_QBUF or VIDIOC_PREPARE_BUF */
typedef int (*ks_v4l2_buffer_op)(struct file *file, void *fh,
				 struct v4l2_buffer *buffer);

static struct ks_v4l2 *to_ks_v4l2(struct ksalloc_device *device)
{
	return container_of(device, struct ks_v4l2, device);
}

static int ks_v4l2_framing(struct ksalloc_device *device,
			   struct ksalloc_requirements *needs)
{
	return ks_v4l2_get_requirements(to_ks_v4l2(device)->dev, needs);
}

static int ks_v4l2_details(struct ksalloc_device *device,
			   struct ksalloc_framing_details *details)
{
	return ks_v4l2_get_details(to_ks_v4l2(device)->dev, details);
}

static int ks_v4l2_format(struct ksalloc_device *device,
			  struct v4l2_format *format)
{
	return ks_v4l2_get_whole_format(to_ks_v4l2(device)->dev, format);
}

/* Initializes a buffer for an operation; its planes are in @v4l2 */
static void ks_v4l2_buffer_init(struct ks_v4l2 *v4l2,
				struct v4l2_buffer *buffer, u32 planes)
{
	*buffer = (struct v4l2_buffer){
		.type = v4l2->dev->type,
		.memory = v4l2->memory,
	};
	if (ks_v4l2_is_mplane(v4l2->dev)) {
		memset(v4l2->planes, 0, planes * sizeof(v4l2->planes[0]));
		buffer->m.planes = v4l2->planes;
		buffer->length = planes;
	}
}

/*
 * Calls an operation; ks_v4l2_lock() was called. @fds has a descriptor of the dma-buf of each
 * plane; NULL for the device's own memory, and for a buffer that is prepared. Without a length,
 * the buffer would be the whole dma-buf. That can be larger than the plane, and the device must
 * leave the rest alone.
 */
static int ks_v4l2_give_locked(struct ks_v4l2 *v4l2, unsigned int cmd,
			       ks_v4l2_buffer_op op, u32 index, const int *fds)
{
	const u32 nr_planes = ksalloc_allocator_planes(v4l2->allocator);
	struct ks_v4l2_device *dev = v4l2->dev;
	struct v4l2_buffer buffer __uninitialized;
	int ret;
	u32 i;

	ret = ks_v4l2_check(dev, cmd);
	if (ret)
		return ret;
	ks_v4l2_buffer_init(v4l2, &buffer, nr_planes);
	buffer.index = index;
	if (ks_v4l2_is_mplane(dev)) {
		for (i = 0; i < nr_planes; i++) {
			v4l2->planes[i].m.fd = fds ? fds[i] : -1;
			v4l2->planes[i].length = v4l2->length[i];
		}
	} else {
		buffer.m.fd = fds ? fds[0] : -1;
		buffer.length = v4l2->length[0];
	}

	ret = op(dev->file, dev->file->private_data, &buffer);
	v4l2->refused = ret;
	return ret;
}

static int ks_v4l2_give(struct ks_v4l2 *v4l2, unsigned int cmd,
			ks_v4l2_buffer_op op, u32 index, const int *fds)
{
	int ret;

	ret = ks_v4l2_lock(v4l2->dev);
	if (ret)
		return ret;
	ret = ks_v4l2_give_locked(v4l2, cmd, op, index, fds);
	ks_v4l2_unlock(v4l2->dev);

	return ret;
}

static int ks_v4l2_plane_fd(const struct ks_allocator *allocator, u32 index,
			    u32 plane)
{
	struct dma_buf *dmabuf = ksalloc_allocator_dmabuf(allocator, index,
							  plane);
	int fd;

	get_dma_buf(dmabuf);
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

/* Called in a kernel thread. Opens descriptors there for the duration of the operation */
static int ks_v4l2_give_frame(struct ks_v4l2 *v4l2, unsigned int cmd,
			      ks_v4l2_buffer_op op, u32 index)
{
	u32 opened, nr_planes = ksalloc_allocator_planes(v4l2->allocator);
	int fds[KSALLOC_MAX_PLANES];
	int ret = 0;

	for (opened = 0; opened < nr_planes; opened++) {
		ret = ks_v4l2_plane_fd(v4l2->allocator, index, opened);
		if (ret < 0)
			break;
		fds[opened] = ret;
	}
	if (ret >= 0)
		ret = ks_v4l2_give(v4l2, cmd, op, index, fds);
	while (opened--)
		close_fd(fds[opened]);
	return ret;
}

/* @index: the frame; the next or the failed one, if there are several */
struct ks_v4l2_give_call {
	struct ks_v4l2 *v4l2;
	u32 index;
};

static int ks_v4l2_queue_fn(void *data)
{
	struct ks_v4l2_give_call *call = data;
	struct ks_v4l2 *v4l2 = call->v4l2;

	return ks_v4l2_give_frame(v4l2, VIDIOC_QBUF,
				  v4l2->dev->vdev->ioctl_ops->vidioc_qbuf,
				  call->index);
}

static bool ks_v4l2_prepares(struct ks_v4l2_device *dev)
{
	return !ks_v4l2_check(dev, VIDIOC_PREPARE_BUF);
}

/* Takes the lock of the device for each frame, so that others do not wait for all of them */
static int ks_v4l2_prepare_fn(void *data)
{
	struct ks_v4l2_give_call *call = data;
	struct ks_v4l2 *v4l2 = call->v4l2;
	const struct v4l2_ioctl_ops *ops = v4l2->dev->vdev->ioctl_ops;
	const bool prepares = ks_v4l2_prepares(v4l2->dev);
	const u32 nr_frames = ksalloc_allocator_frames(v4l2->allocator);
	int ret;

	for (; call->index < nr_frames; call->index++) {
		/* The caller was killed */
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = ks_v4l2_give_frame(v4l2, prepares ? VIDIOC_PREPARE_BUF : VIDIOC_QBUF,
					 prepares ? ops->vidioc_prepare_buf : ops->vidioc_qbuf,
					 call->index);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/*
 * Replaces all buffers with new ones, which are neither queued nor mapped. The calling task may be
 * exiting, so a signal does not end this. Afterwards, nothing accesses the frames any more. If
 * there are no new buffers, the device cannot be used before the next ACQUIRE
 */
static void ks_v4l2_replace_buffers(struct ks_v4l2 *v4l2)
{
	const u32 nr_frames = ksalloc_allocator_frames(v4l2->allocator);
	int ret;

	mutex_lock(v4l2->dev->lock);
	ks_v4l2_reqbufs(v4l2->dev, V4L2_MEMORY_DMABUF, 0);
	ret = ks_v4l2_check(v4l2->dev, VIDIOC_REQBUFS) ?:
	      ks_v4l2_reqbufs(v4l2->dev, V4L2_MEMORY_DMABUF, nr_frames);
	mutex_unlock(v4l2->dev->lock);
	if (ret >= 0)
		ret = ret < nr_frames ? -ENOMEM : 0;
	v4l2->no_buffers = ret;
}

static bool ks_v4l2_is_queued(struct ks_v4l2 *v4l2)
{
	return ks_v4l2_has_queued(v4l2->dev, ksalloc_allocator_frames(v4l2->allocator),
				  v4l2->planes);
}

/*
 * Stops the device, and takes the buffers out of its queue. Some drivers (omap4iss) keep them if
 * the device does not stream. Then the buffers are freed and made again. That would also free the
 * device's own memory, so such a device gets -EIO
 */
static int ks_v4l2_unqueue(struct ks_v4l2 *v4l2)
{
	int ret;

	/* There is nothing to stop. The driver may refuse it, because others can use it now */
	if (v4l2->no_buffers)
		return 0;
	ret = ks_v4l2_streamoff(v4l2->dev);
	if (ret || !ks_v4l2_is_queued(v4l2))
		return ret;
	if (v4l2->memory != V4L2_MEMORY_DMABUF)
		return -EIO;
	ks_v4l2_replace_buffers(v4l2);
	return ks_v4l2_is_queued(v4l2) ? -EIO : 0;
}

/*
 * Attaches and maps all frames. A driver without VIDIOC_PREPARE_BUF (uvcvideo before 6.17) gets
 * them queued, and removed from the queue again, for that. Only this shows whether the device can
 * use the memory: if it cannot, videobuf2 returns -EINVAL, or -EFAULT if the device needs
 * contiguous memory. Other failures say nothing about the memory: no thread, no descriptor, no
 * device.
 */
static int ks_v4l2_prepare(struct ks_v4l2 *v4l2)
{
	struct ks_v4l2_give_call call = { v4l2 };
	int ret;

	v4l2->refused = false;
	ret = ks_v4l2_run_in_thread(v4l2->dev, ks_v4l2_prepare_fn, &call);
	/* videobuf2 also maps a buffer that is queued, and keeps the mapping */
	if (!ret && !ks_v4l2_prepares(v4l2->dev))
		return ks_v4l2_unqueue(v4l2) ?: v4l2->no_buffers;
	if (!ret)
		bitmap_set(v4l2->prepared, 0,
			   ksalloc_allocator_frames(v4l2->allocator));
	if (v4l2->refused && ret != -EINTR)
		ksalloc_device_refuse(&v4l2->device, KSALLOC_REFUSAL_MAP,
				      call.index, ret);
	return ret == -EINVAL || ret == -EFAULT ? -EOPNOTSUPP : ret;
}

/* Makes buffers for dma-bufs; ks_v4l2_lock() was called */
static int ks_v4l2_make_buffers(struct ks_v4l2 *v4l2)
{
	const u32 nr_frames = ksalloc_allocator_frames(v4l2->allocator);
	struct ks_v4l2_device *dev = v4l2->dev;
	const struct vb2_queue *queue = dev->vdev->queue;
	int ret;

	if (queue && !(queue->io_modes & VB2_DMABUF)) {
		ksalloc_device_refuse(&v4l2->device, KSALLOC_REFUSAL_IMPORT, 0, 0);
		return -EOPNOTSUPP;
	}
	if (ks_v4l2_has_buffers(dev, v4l2->planes))
		return -EBUSY;

	ret = ks_v4l2_reqbufs(dev, V4L2_MEMORY_DMABUF, nr_frames);
	/* Without vdev->queue, -EINVAL is the only sign that the driver cannot import dma-bufs */
	if (ret == -EINVAL && !queue) {
		ksalloc_device_refuse(&v4l2->device, KSALLOC_REFUSAL_IMPORT, 0, ret);
		return -EOPNOTSUPP;
	}
	if (ret < 0 || ret >= nr_frames)
		return min(ret, 0);
	ks_v4l2_reqbufs(dev, V4L2_MEMORY_DMABUF, 0);
	ksalloc_device_refuse(&v4l2->device, KSALLOC_REFUSAL_COUNT, ret, 0);
	return -EOPNOTSUPP;
}

/* Makes the frames of the allocator the buffers of the device */
static int ks_v4l2_import(struct ks_v4l2 *v4l2)
{
	int ret;

	ret = ks_v4l2_lock(v4l2->dev);
	if (ret)
		return ret;
	ret = ks_v4l2_check(v4l2->dev, VIDIOC_REQBUFS) ?:
	      ks_v4l2_check_priority(v4l2->dev) ?:
	      ks_v4l2_make_buffers(v4l2);
	ks_v4l2_unlock(v4l2->dev);
	if (ret)
		return ret;

	ret = ks_v4l2_prepare(v4l2);
	if (ret)
		ks_v4l2_free_buffers(v4l2->dev, V4L2_MEMORY_DMABUF);
	return ret;
}

/*
 * Whether the driver writes frames itself. Only memory that a device uses has an address for it,
 * the cookie. The driver of a USB device gets packets, and copies them
 */
static bool ks_v4l2_is_written_by_cpu(const struct ks_v4l2_device *dev)
{
	const struct vb2_queue *queue = dev->vdev->queue;
	const struct device *parent = dev->vdev->dev_parent;

	if (queue)
		return !queue->mem_ops->cookie;
	return parent && parent->bus && !strcmp(parent->bus->name, "usb");
}

static int ks_v4l2_acquire(struct ksalloc_device *device,
			   const struct ks_allocator *allocator)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);
	u32 i;

	BUILD_BUG_ON(KSALLOC_MAX_PLANES != VIDEO_MAX_PLANES);

	v4l2->allocator = allocator;
	bitmap_zero(v4l2->prepared, KSALLOC_MAX_FRAMES);
	v4l2->no_buffers = 0;
	device->queue_in_thread = false;
	v4l2->direct = false;
	device->written_by_cpu = ks_v4l2_is_written_by_cpu(v4l2->dev);
	if (ks_v4l2_memory_is_of(v4l2->dev, allocator)) {
		v4l2->memory = V4L2_MEMORY_MMAP;
		v4l2->direct = ks_v4l2_is_direct(v4l2->dev);
		memset(v4l2->length, 0, sizeof(v4l2->length));
		return ks_v4l2_check(v4l2->dev, VIDIOC_QBUF) ?:
		       ks_v4l2_check_priority(v4l2->dev);
	}
	v4l2->memory = V4L2_MEMORY_DMABUF;
	device->queue_in_thread = true;
	for (i = 0; i < ksalloc_allocator_planes(allocator); i++)
		v4l2->length[i] = min(ksalloc_allocator_plane_bytes(allocator, i),
				      U32_MAX);
	return ks_v4l2_import(v4l2);
}

/* The device's own buffers exist as long as their allocator */
static void ks_v4l2_release(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);

	if (v4l2->memory == V4L2_MEMORY_DMABUF)
		ks_v4l2_free_buffers(v4l2->dev, V4L2_MEMORY_DMABUF);
	v4l2->allocator = NULL;
}

static noinline_for_stack int ks_v4l2_queue_buffer(struct ks_v4l2 *v4l2, u32 index,
						   int dmabuf_fd)
{
	struct ks_v4l2_give_call call = { v4l2, index };
	bool prepared = __test_and_clear_bit(index, v4l2->prepared);

	if (dmabuf_fd == -1 && v4l2->memory == V4L2_MEMORY_DMABUF && !prepared) {
		/* Its table of descriptors is not that of a process */
		if (current->flags & PF_KTHREAD)
			return ks_v4l2_queue_fn(&call);
		return ks_v4l2_run_in_thread(v4l2->dev, ks_v4l2_queue_fn, &call);
	}
	return ks_v4l2_give(v4l2, VIDIOC_QBUF,
			    v4l2->dev->vdev->ioctl_ops->vidioc_qbuf, index,
			    dmabuf_fd == -1 ? NULL : &dmabuf_fd);
}

static int ks_v4l2_queue(struct ksalloc_device *device, u32 index,
			 int dmabuf_fd)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);

	if (v4l2->no_buffers)
		return v4l2->no_buffers;
	return v4l2->direct ? ks_v4l2_queue_direct(v4l2->dev, index) :
			      ks_v4l2_queue_buffer(v4l2, index, dmabuf_fd);
}

static int ks_v4l2_run(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);

	if (v4l2->no_buffers)
		return v4l2->no_buffers;
	v4l2->duration = ks_v4l2_frame_duration(v4l2->dev, &v4l2->alternates);
	return ks_v4l2_streamon(v4l2->dev);
}

static int ks_v4l2_stop(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);

	bitmap_zero(v4l2->prepared, KSALLOC_MAX_FRAMES);
	/* The device would fill queued frames the next time, although they are free then */
	return ks_v4l2_unqueue(v4l2);
}

/* The errno of VIDIOC_DQBUF after the filled buffers; 0 if there can be more of them */
static int ks_v4l2_queue_ended(const struct vb2_queue *queue)
{
	/*
	 * READ_ONCE() cannot read bit fields. An old value does no harm: a wake-up follows when
	 * @error is set and when @streaming is cleared, and @last_buffer_dequeued is set under
	 * ks_connection.lock
	 */
	return data_race(!queue->streaming ? -EINVAL :
			 queue->error ? -EIO :
			 queue->last_buffer_dequeued ? -EPIPE : 0);
}

/*
 * Whether a dequeue would return a frame or an error other than -EAGAIN. Does not take the
 * mutex of the queue, as v4l2_m2m_poll(): another task can hold it for seconds if a camera
 * does not respond. Needs no lock, because a buffer that is missed here wakes later.
 */
static bool ks_v4l2_queue_is_ready(struct vb2_queue *queue)
{
	return ks_v4l2_queue_ended(queue) || !list_empty(&queue->done_list);
}

/* Without vdev->queue, vfs_poll() waits if the driver is starting or stopping the device */
static bool ks_v4l2_ready(struct ksalloc_device *device)
{
	struct ks_v4l2_device *dev = to_ks_v4l2(device)->dev;

	if (dev->vdev->queue)
		return ks_v4l2_queue_is_ready(dev->vdev->queue);
	return vfs_poll(dev->file, NULL) &
	       (EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP);
}

/* Without vdev->queue, this is not known */
static int ks_v4l2_ended(struct ksalloc_device *device)
{
	const struct vb2_queue *queue = to_ks_v4l2(device)->dev->vdev->queue;

	return queue ? ks_v4l2_queue_ended(queue) : 0;
}

static bool ks_v4l2_gone(struct ksalloc_device *device)
{
	return !video_is_registered(to_ks_v4l2(device)->dev->vdev);
}

/*
 * Whether a buffer has the dma-buf of its frame; true if the driver does not set vdev->queue.
 * Frames with several planes are not queued by descriptors of clients, so only one plane can
 * have another dma-buf.
 */
static bool ks_v4l2_is_right_buffer(struct ks_v4l2 *v4l2, u32 index)
{
	struct vb2_queue *queue = v4l2->dev->vdev->queue;
	struct vb2_buffer *vb;

	if (!queue || v4l2->memory != V4L2_MEMORY_DMABUF)
		return true;
	vb = vb2_get_buffer(queue, index);
	return vb && vb->planes[0].dbuf ==
		     ksalloc_allocator_dmabuf(v4l2->allocator, index, 0);
}

static void ks_v4l2_complete(struct ks_v4l2 *v4l2,
			     const struct v4l2_buffer *buffer,
			     struct ksalloc_completion *completion)
{
	u32 i;

	completion->index = buffer->index;
	completion->sequence = buffer->sequence;
	completion->planes[0].data_used = buffer->bytesused;
	completion->options_flags = ks_v4l2_options_flags(buffer->flags);
	if (v4l2->alternates)
		completion->field = ks_v4l2_field(buffer->field);
	completion->time = div_u64(v4l2_buffer_get_timestamp(buffer), 100);
	completion->duration = v4l2->duration;
	if (ks_v4l2_is_mplane(v4l2->dev))
		for (i = 0; i < ksalloc_allocator_planes(v4l2->allocator); i++)
			ks_v4l2_complete_plane(v4l2->planes[i].data_offset,
					       v4l2->planes[i].bytesused,
					       &completion->planes[i]);
	/* The client replaced the file of the descriptor while KSALLOC_SUBMIT used it */
	if (!ks_v4l2_is_right_buffer(v4l2, buffer->index)) {
		memset(completion->planes, 0, sizeof(completion->planes));
		completion->options_flags |=
			KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	}
}

/*
 * The file is O_NONBLOCK, so the operation does not wait. Not inline, so that ks_v4l2_dequeue() has
 * no buffer on the stack
 */
static noinline_for_stack int ks_v4l2_dequeue_buffer(struct ks_v4l2 *v4l2,
						     struct ksalloc_completion *completion)
{
	struct v4l2_buffer buffer __uninitialized;
	struct ks_v4l2_device *dev = v4l2->dev;
	int ret;

	ks_v4l2_buffer_init(v4l2, &buffer, VIDEO_MAX_PLANES);
	ret = ks_v4l2_lock(dev);
	if (ret)
		return ret;
	ret = ks_v4l2_check(dev, VIDIOC_DQBUF) ?:
	      dev->vdev->ioctl_ops->vidioc_dqbuf(dev->file,
						 dev->file->private_data,
						 &buffer);
	if (!ret)
		ks_v4l2_complete(v4l2, &buffer, completion);
	ks_v4l2_unlock(dev);

	return ret;
}

static int ks_v4l2_dequeue(struct ksalloc_device *device,
			   struct ksalloc_completion *completion)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);
	struct vb2_queue *queue = v4l2->dev->vdev->queue;

	if (queue && !ks_v4l2_queue_is_ready(queue))
		return ks_v4l2_check(v4l2->dev, VIDIOC_DQBUF) ?: -EAGAIN;
	return v4l2->direct ? ks_v4l2_dequeue_direct(v4l2, completion) :
			      ks_v4l2_dequeue_buffer(v4l2, completion);
}

static int ks_v4l2_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
			void *key)
{
	struct ks_v4l2_wait *wait =
		container_of(entry, struct ks_v4l2_wait, entry);
	struct ksalloc_device *device = &wait->v4l2->device;

	/* The end of the node wakes this queue, too */
	if (!wait->for_events || ks_v4l2_gone(device))
		ksalloc_device_notify(device);
	return 0;
}

static void ks_v4l2_queue_wait(struct file *file, wait_queue_head_t *head,
			       poll_table *poll)
{
	struct ks_v4l2 *v4l2 = container_of(poll, struct ks_v4l2, poll);
	const struct v4l2_fh *fh = ks_v4l2_fh(v4l2->dev);
	struct ks_v4l2_wait *wait;

	/* ks_v4l2_watch() fails if the driver has more wait queues */
	if (v4l2->waits == ARRAY_SIZE(v4l2->wait)) {
		v4l2->waits++;
		return;
	}
	if (v4l2->waits > ARRAY_SIZE(v4l2->wait))
		return;

	wait = &v4l2->wait[v4l2->waits++];
	wait->v4l2 = v4l2;
	wait->head = head;
	wait->for_events = fh && head == &fh->wait;
	init_waitqueue_func_entry(&wait->entry, ks_v4l2_wake);
	add_wait_queue(head, &wait->entry);
}

static int ks_v4l2_watch(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);

	init_poll_funcptr(&v4l2->poll, ks_v4l2_queue_wait);
	/* With EPOLLIN, an idle videobuf2 would start to capture for read() */
	v4l2->poll._key = EPOLLPRI | EPOLLERR | EPOLLHUP;
	vfs_poll(v4l2->dev->file, &v4l2->poll);

	if (ks_v4l2_gone(device))
		return -ENODEV;
	/* If a signal interrupts the poll of a driver, it may not add a wait queue entry */
	if (!v4l2->waits && signal_pending(current))
		return -ERESTARTSYS;
	if (!v4l2->waits || v4l2->waits > ARRAY_SIZE(v4l2->wait))
		return -EOPNOTSUPP;
	return 0;
}

static void ks_v4l2_unwatch(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);
	unsigned int i;

	for (i = 0; i < min(v4l2->waits, ARRAY_SIZE(v4l2->wait)); i++)
		remove_wait_queue(v4l2->wait[i].head, &v4l2->wait[i].entry);
	v4l2->waits = 0;
}

static void ks_v4l2_destroy(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);

	ks_v4l2_put(v4l2->dev);
	kfree(v4l2);
}

static void ks_v4l2_show(struct ksalloc_device *device, struct seq_file *m)
{
	seq_printf(m, "device:\t%s\n",
		   video_device_node_name(to_ks_v4l2(device)->dev->vdev));
}

static const struct ksalloc_device_ops ks_v4l2_ops = {
	.owner = THIS_MODULE,
	.memory = &ks_v4l2_memory_ops,
	.get_framing = ks_v4l2_framing,
	.get_details = ks_v4l2_details,
	.get_format = ks_v4l2_format,
	.acquire = ks_v4l2_acquire,
	.release = ks_v4l2_release,
	.queue = ks_v4l2_queue,
	.dequeue = ks_v4l2_dequeue,
	.run = ks_v4l2_run,
	.stop = ks_v4l2_stop,
	.ready = ks_v4l2_ready,
	.ended = ks_v4l2_ended,
	.gone = ks_v4l2_gone,
	.watch = ks_v4l2_watch,
	.unwatch = ks_v4l2_unwatch,
	.destroy = ks_v4l2_destroy,
	.show = ks_v4l2_show,
};

/* @fd is the caller's descriptor of a V4L2 capture node. Contract A5 */
struct ksalloc_device *ks_v4l2_create(int fd)
{
	struct ks_v4l2_device *dev;
	struct ks_v4l2 *v4l2;

	dev = ks_v4l2_open(fd);
	if (IS_ERR(dev))
		return ERR_CAST(dev);
	v4l2 = kzalloc(sizeof(*v4l2), GFP_KERNEL_ACCOUNT);
	if (!v4l2) {
		ks_v4l2_put(dev);
		return ERR_PTR(-ENOMEM);
	}
	v4l2->device.ops = &ks_v4l2_ops;
	v4l2->dev = dev;
	return &v4l2->device;
}
