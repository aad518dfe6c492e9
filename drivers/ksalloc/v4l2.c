// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device of a V4L2 video capture device.
 *
 * How the device is driven says v4l2.h.
 *
 * Frame i of the allocator is buffer i of the device's queue, always with the
 * same dma-buf, so videobuf2 attaches and maps each frame once, in ACQUIRE. Where
 * the allocator is made of the device's own memory (v4l2_memory.c), they are one
 * and the same from the beginning.
 *
 * The client keeps its file and can use it beside the connection. It can thus
 * take buffers out of the queue or free them all; whatever the driver's answers
 * are then, the connection passes them on, and the kernel is none the worse.
 *
 * Nothing here waits for a frame: readers wait on the connection, which a wait
 * queue entry on the device's own queues wakes.
 */
#include <kunit/visibility.h>
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <media/v4l2-common.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "v4l2.h"

/* The minors of VIDEO_MAJOR; video_devdata() looks a file's up without asking */
#define KS_V4L2_MINORS 256

/* videobuf2 has one queue to wait on, and the file's events are another */
#define KS_V4L2_WAIT_QUEUES 4

/**
 * struct ks_v4l2_wait - an entry on a wait queue of the device
 * @entry: the entry
 * @head: the queue; it lives while the V4L2 file is open
 * @v4l2: back to the device
 */
struct ks_v4l2_wait {
	wait_queue_entry_t entry;
	wait_queue_head_t *head;
	struct ks_v4l2 *v4l2;
};

/**
 * struct ks_v4l2 - a V4L2 device as a device
 * @device: what the connection knows
 * @dev: the device, with a reference to the client's V4L2 file
 * @memory: what the device's buffers are made of, in ACQUIRE and above
 * @duration: how long a frame lasts, in 100 ns; 0 where that is not known. Asked
 *	when the device begins to run
 * @planes: what a multi-planar buffer points to during an operation; protected by
 *	ks_connection.lock, and not on the stack, where it would be cleared each time
 * @wait: where it waits for news
 * @waits: how many of @wait are in use
 * @poll: collects @wait
 * @node: on ks_v4l2_devices
 */
struct ks_v4l2 {
	struct ksalloc_device device;
	struct ks_v4l2_device dev;
	enum v4l2_memory memory;
	s64 duration;
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
	struct ks_v4l2_wait wait[KS_V4L2_WAIT_QUEUES];
	unsigned int waits;
	poll_table poll;
	struct list_head node;
};

/* All devices: a V4L2 file has one at most, for its buffers cannot be shared */
static DEFINE_MUTEX(ks_v4l2_devices_lock);
static LIST_HEAD(ks_v4l2_devices);

static struct ks_v4l2 *to_ks_v4l2(struct ksalloc_device *device)
{
	return container_of(device, struct ks_v4l2, device);
}

/**
 * ks_v4l2_device_of() - the device behind a V4L2 device
 * @device: a device of this file's
 *
 * Context: any.
 * Return: the device, as long as the device lives.
 */
const struct ks_v4l2_device *ks_v4l2_device_of(struct ksalloc_device *device)
{
	return &to_ks_v4l2(device)->dev;
}

static int ks_v4l2_framing(struct ksalloc_device *device,
				struct ksallocator_framing *framing)
{
	return ks_v4l2_get_framing(&to_ks_v4l2(device)->dev, framing);
}

static int ks_v4l2_details(struct ksalloc_device *device,
				struct ksalloc_framing_details *details)
{
	return ks_v4l2_get_details(&to_ks_v4l2(device)->dev, details);
}

/* A buffer as the driver's operations take it; with room for planes in @v4l2 */
static void ks_v4l2_buffer_init(struct ks_v4l2 *v4l2,
				struct v4l2_buffer *buffer, u32 planes)
{
	*buffer = (struct v4l2_buffer){
		.type = v4l2->dev.type,
		.memory = v4l2->memory,
	};
	if (ks_v4l2_is_mplane(&v4l2->dev)) {
		memset(v4l2->planes, 0, planes * sizeof(v4l2->planes[0]));
		buffer->m.planes = v4l2->planes;
		buffer->length = planes;
	}
}

/*
 * Calls an operation that takes a dma-buf. videobuf2 wants it by descriptor, so
 * it gets one for the time of the call. Another thread of the process can meddle
 * with it meanwhile, and thereby make the camera write into another dma-buf that
 * the process has, as VIDIOC_QBUF would; see the user-space interface's page.
 */
static int ks_v4l2_give(struct ks_v4l2 *v4l2,
			int (*op)(struct file *file, void *fh,
				  struct v4l2_buffer *buffer),
			u32 index, struct dma_buf *dmabuf)
{
	struct v4l2_buffer buffer;
	int fd, ret;

	fd = ks_dma_buf_fd(dmabuf);
	if (fd < 0)
		return fd;

	ks_v4l2_buffer_init(v4l2, &buffer, 1);
	buffer.index = index;
	if (ks_v4l2_is_mplane(&v4l2->dev))
		v4l2->planes[0].m.fd = fd;
	else
		buffer.m.fd = fd;
	ret = op(v4l2->dev.file, v4l2->dev.file->private_data, &buffer);

	ks_dma_buf_close_fd(dmabuf, fd);
	return ret;
}

/* The same where the buffer is the device's own */
static int ks_v4l2_give_own(struct ks_v4l2 *v4l2,
			    int (*op)(struct file *file, void *fh,
				      struct v4l2_buffer *buffer),
			    u32 index)
{
	struct v4l2_buffer buffer;

	ks_v4l2_buffer_init(v4l2, &buffer, 1);
	buffer.index = index;
	return op(v4l2->dev.file, v4l2->dev.file->private_data, &buffer);
}

/*
 * Attaches and maps every frame, which is the exact test of whether the device
 * can use this memory. videobuf2 says -EINVAL where it cannot, or -EFAULT where
 * the device needs the memory in one piece.
 */
static int ks_v4l2_prepare(struct ks_v4l2 *v4l2, struct ks_allocator *alloc)
{
	const struct v4l2_ioctl_ops *ops = v4l2->dev.vdev->ioctl_ops;
	int ret;
	u32 i;

	/* Without this operation, the first use of each frame will tell */
	if (ks_v4l2_check(&v4l2->dev, VIDIOC_PREPARE_BUF))
		return 0;

	for (i = 0; i < alloc->frames; i++) {
		ret = ks_v4l2_give(v4l2, ops->vidioc_prepare_buf, i,
				   alloc->frame[i].dmabuf);
		if (ret == -EINVAL || ret == -EFAULT)
			return -EOPNOTSUPP;
		if (ret)
			return ret;
	}
	return 0;
}

/* Makes the frames the buffers of the device; called with its locks held */
static int ks_v4l2_import(struct ks_v4l2 *v4l2, struct ks_allocator *alloc)
{
	const struct ks_v4l2_device *dev = &v4l2->dev;
	const struct vb2_queue *queue = dev->vdev->queue;
	int ret;

	if (queue && !(queue->io_modes & VB2_DMABUF))
		return -EOPNOTSUPP;
	if (ks_v4l2_is_busy(dev, v4l2->planes))
		return -EBUSY;

	ret = ks_v4l2_reqbufs(dev, V4L2_MEMORY_DMABUF, alloc->frames);
	/* Where it could not be known before, DMABUF is what is wrong */
	if (ret == -EINVAL && !queue)
		return -EOPNOTSUPP;
	if (ret < 0)
		return ret;
	ret = ret < alloc->frames ? -EOPNOTSUPP : ks_v4l2_prepare(v4l2, alloc);
	if (ret)
		ks_v4l2_reqbufs(dev, V4L2_MEMORY_DMABUF, 0);
	return ret;
}

static int ks_v4l2_set_up(struct ks_v4l2 *v4l2, struct file *allocator)
{
	const struct ks_v4l2_device *dev = &v4l2->dev;
	int ret;

	ret = ks_v4l2_check(dev, VIDIOC_REQBUFS) ?:
	      ks_v4l2_check_priority(dev);
	if (ret)
		return ret;
	/* The frames are the device's buffers already */
	if (ks_v4l2_memory_is_of(dev, allocator)) {
		v4l2->memory = V4L2_MEMORY_MMAP;
		return ks_v4l2_memory_check(dev, allocator);
	}
	v4l2->memory = V4L2_MEMORY_DMABUF;
	return ks_v4l2_import(v4l2, ks_allocator_of(allocator));
}

static int ks_v4l2_acquire(struct ksalloc_device *device, struct file *allocator)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);
	int ret;

	ret = ks_v4l2_lock_buffers(&v4l2->dev);
	if (ret)
		return ret;
	ret = ks_v4l2_set_up(v4l2, allocator);
	ks_v4l2_unlock_buffers(&v4l2->dev);

	return ret;
}

/*
 * Stops the device and empties its queue, with no way to fail or to be interrupted.
 *
 * As in ks_v4l2_free_buffers(), videobuf2's own operation is called even after the
 * device's end. Without it, a device in RUN could go on writing into frames that are
 * somebody else's meanwhile. A driver with operations of its own has to stop the
 * device before it unregisters it; uvcvideo's USB core has ended all transfers by
 * then.
 */
static void ks_v4l2_cancel(struct ksalloc_device *device)
{
	const struct ks_v4l2_device *dev = &to_ks_v4l2(device)->dev;
	const struct v4l2_ioctl_ops *ops = dev->vdev->ioctl_ops;

	ks_v4l2_lock_buffers_always(dev);
	if (video_is_registered(dev->vdev) ||
	    ops->vidioc_streamoff == vb2_ioctl_streamoff)
		ops->vidioc_streamoff(dev->file, dev->file->private_data,
				      dev->type);
	ks_v4l2_unlock_buffers(dev);
}

/* The device's own buffers live as long as their allocator */
static void ks_v4l2_unacquire(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);

	if (v4l2->memory == V4L2_MEMORY_MMAP)
		return;
	ks_v4l2_lock_buffers_always(&v4l2->dev);
	ks_v4l2_free_buffers(&v4l2->dev, v4l2->memory);
	ks_v4l2_unlock_buffers(&v4l2->dev);
}

static int ks_v4l2_queue(struct ksalloc_device *device, u32 index,
			 struct dma_buf *dmabuf)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);
	const struct v4l2_ioctl_ops *ops = v4l2->dev.vdev->ioctl_ops;
	struct mutex *lock = ks_v4l2_queue_lock(&v4l2->dev);
	int ret;

	ret = ks_v4l2_lock(lock);
	if (ret)
		return ret;
	ret = ks_v4l2_check(&v4l2->dev, VIDIOC_QBUF);
	if (!ret && v4l2->memory == V4L2_MEMORY_MMAP)
		ret = ks_v4l2_give_own(v4l2, ops->vidioc_qbuf, index);
	else if (!ret)
		ret = ks_v4l2_give(v4l2, ops->vidioc_qbuf, index, dmabuf);
	ks_v4l2_unlock(lock);

	return ret;
}

static int ks_v4l2_run(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);
	const struct ks_v4l2_device *dev = &v4l2->dev;
	void *fh = dev->file->private_data;
	int ret;

	v4l2->duration = ks_v4l2_frame_duration(dev);

	ret = ks_v4l2_lock_buffers(dev);
	if (ret)
		return ret;
	ret = ks_v4l2_check(dev, VIDIOC_STREAMON) ?:
	      ks_v4l2_check_priority(dev) ?:
	      dev->vdev->ioctl_ops->vidioc_streamon(dev->file, fh, dev->type);
	ks_v4l2_unlock_buffers(dev);

	return ret;
}

/*
 * Takes no lock of ours, but the driver's own. To poll a queue of videobuf2 that
 * has no buffers would start its read(), and such a queue comes about when the
 * state changes meanwhile. So that is asked under the same lock.
 */
static bool ks_v4l2_ready(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);
	struct vb2_queue *queue = v4l2->dev.vdev->queue;
	struct mutex *lock = ks_v4l2_queue_lock(&v4l2->dev);
	__poll_t events;

	if (!queue || v4l2->dev.vdev->fops->poll != vb2_fop_poll) {
		events = vfs_poll(v4l2->dev.file, NULL);
	} else {
		if (ks_v4l2_lock(lock))
			return false;
		events = vb2_is_busy(queue) ?
			 vb2_poll(queue, v4l2->dev.file, NULL) : EPOLLERR;
		ks_v4l2_unlock(lock);
	}

	return events & (EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP);
}

static bool ks_v4l2_gone(struct ksalloc_device *device)
{
	return !video_is_registered(to_ks_v4l2(device)->dev.vdev);
}

/* As fcntl() does it; again each time, for the client can undo it */
static void ks_v4l2_make_nonblocking(struct file *file)
{
	if (file->f_flags & O_NONBLOCK)
		return;
	spin_lock(&file->f_lock);
	file->f_flags |= O_NONBLOCK;
	spin_unlock(&file->f_lock);
}

/*
 * The driver's operation waits where the file is not O_NONBLOCK. Where it is
 * videobuf2's, what that does beside is done here. Where it is the driver's own
 * (uvcvideo before 6.17), the file is made O_NONBLOCK, for with our locks held
 * there must be no waiting.
 */
static int ks_v4l2_dqbuf(struct ks_v4l2 *v4l2, struct v4l2_buffer *buffer)
{
	const struct ks_v4l2_device *dev = &v4l2->dev;
	const struct v4l2_ioctl_ops *ops = dev->vdev->ioctl_ops;
	struct vb2_queue *queue = dev->vdev->queue;
	struct mutex *lock = ks_v4l2_queue_lock(dev);
	bool is_vb2 = queue && ops->vidioc_dqbuf == vb2_ioctl_dqbuf;
	int ret;

	if (!is_vb2)
		ks_v4l2_make_nonblocking(dev->file);

	ret = ks_v4l2_lock(lock);
	if (ret)
		return ret;
	ret = ks_v4l2_check(dev, VIDIOC_DQBUF);
	if (ret)
		goto out;
	if (!is_vb2)
		ret = ops->vidioc_dqbuf(dev->file, dev->file->private_data,
					buffer);
	else if (vb2_queue_is_busy(queue, dev->file))
		ret = -EBUSY;
	else
		ret = vb2_dqbuf(queue, buffer, true);
out:
	ks_v4l2_unlock(lock);
	return ret;
}

/* Contract I3 */
VISIBLE_IF_KUNIT u32 ks_v4l2_options_flags(u32 flags)
{
	u32 options = 0;

	if ((flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) ==
	    V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
		options |= KSSTREAM_HEADER_OPTIONSF_TIMEVALID;
	if (flags & V4L2_BUF_FLAG_KEYFRAME)
		options |= KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT;
	if (flags & V4L2_BUF_FLAG_ERROR)
		options |= KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	if (flags & V4L2_BUF_FLAG_LAST)
		options |= KSSTREAM_HEADER_OPTIONSF_ENDOFSTREAM;
	return options;
}
EXPORT_SYMBOL_IF_KUNIT(ks_v4l2_options_flags);

static int ks_v4l2_dequeue(struct ksalloc_device *device,
			   struct ksalloc_completion *completion)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);
	struct v4l2_buffer buffer;
	int ret;

	ks_v4l2_buffer_init(v4l2, &buffer, VIDEO_MAX_PLANES);
	ret = ks_v4l2_dqbuf(v4l2, &buffer);
	if (ret)
		return ret;

	*completion = (struct ksalloc_completion){
		.index = buffer.index,
		.sequence = buffer.sequence,
		.data_used = buffer.bytesused,
		.options_flags = ks_v4l2_options_flags(buffer.flags),
		.time = div_u64(v4l2_buffer_get_timestamp(&buffer), 100),
		.duration = v4l2->duration,
	};
	/* There, the bytes used include those before the data */
	if (ks_v4l2_is_mplane(&v4l2->dev)) {
		completion->data_offset = min(v4l2->planes[0].data_offset,
					      v4l2->planes[0].bytesused);
		completion->data_used = v4l2->planes[0].bytesused -
					completion->data_offset;
	}
	return 0;
}

static int ks_v4l2_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
			void *key)
{
	struct ks_v4l2_wait *wait =
		container_of(entry, struct ks_v4l2_wait, entry);

	ks_connection_notify(wait->v4l2->device.connection);
	return 0;
}

static void ks_v4l2_queue_wait(struct file *file, wait_queue_head_t *head,
			       poll_table *poll)
{
	struct ks_v4l2 *v4l2 = container_of(poll, struct ks_v4l2, poll);
	struct ks_v4l2_wait *wait;

	/* A driver with more queues than that is refused */
	if (v4l2->waits == ARRAY_SIZE(v4l2->wait)) {
		v4l2->waits++;
		return;
	}
	if (v4l2->waits > ARRAY_SIZE(v4l2->wait))
		return;

	wait = &v4l2->wait[v4l2->waits++];
	wait->v4l2 = v4l2;
	wait->head = head;
	init_waitqueue_func_entry(&wait->entry, ks_v4l2_wake);
	add_wait_queue(head, &wait->entry);
}

static int ks_v4l2_watch(struct ksalloc_device *device)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);

	init_poll_funcptr(&v4l2->poll, ks_v4l2_queue_wait);
	/* Not EPOLLIN: that would make an idle videobuf2 start to read() */
	v4l2->poll._key = EPOLLPRI | EPOLLERR | EPOLLHUP;
	vfs_poll(v4l2->dev.file, &v4l2->poll);

	if (ks_v4l2_gone(device))
		return -ENODEV;
	/* A poll that a signal interrupts can come back with nothing done */
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

	mutex_lock(&ks_v4l2_devices_lock);
	list_del(&v4l2->node);
	mutex_unlock(&ks_v4l2_devices_lock);

	fput(v4l2->dev.file);
	kfree(v4l2);
}

static void ks_v4l2_show(struct ksalloc_device *device, struct seq_file *m)
{
	struct ks_v4l2 *v4l2 = to_ks_v4l2(device);

	seq_printf(m, "device:\t%s\n", video_device_node_name(v4l2->dev.vdev));
}

static const struct ksalloc_device_ops ks_v4l2_ops = {
	.owner = THIS_MODULE,
	.memory = &ks_v4l2_memory_ops,
	.get_framing = ks_v4l2_framing,
	.get_details = ks_v4l2_details,
	.acquire = ks_v4l2_acquire,
	.unacquire = ks_v4l2_unacquire,
	.queue = ks_v4l2_queue,
	.dequeue = ks_v4l2_dequeue,
	.run = ks_v4l2_run,
	.cancel = ks_v4l2_cancel,
	.ready = ks_v4l2_ready,
	.gone = ks_v4l2_gone,
	.watch = ks_v4l2_watch,
	.unwatch = ks_v4l2_unwatch,
	.destroy = ks_v4l2_destroy,
	.show = ks_v4l2_show,
};

/*
 * The device behind a file of a V4L2 video capture node; else NULL. The numbers
 * lead to a candidate, the file operations prove that it is one.
 */
static struct video_device *ks_v4l2_capture_device(struct file *file)
{
	struct inode *inode = file_inode(file);
	struct video_device *vdev;

	if (!S_ISCHR(inode->i_mode) || imajor(inode) != VIDEO_MAJOR ||
	    iminor(inode) >= KS_V4L2_MINORS)
		return NULL;
	vdev = video_devdata(file);
	if (!vdev || !vdev->cdev || file->f_op != vdev->cdev->ops)
		return NULL;

	if (vdev->vfl_type != VFL_TYPE_VIDEO || vdev->vfl_dir != VFL_DIR_RX ||
	    !(vdev->device_caps & (V4L2_CAP_VIDEO_CAPTURE |
				   V4L2_CAP_VIDEO_CAPTURE_MPLANE)))
		return NULL;
	return vdev;
}

/* The operations that a connection cannot do without */
static const unsigned int ks_v4l2_cmds[] = {
	VIDIOC_G_FMT, VIDIOC_REQBUFS, VIDIOC_QBUF, VIDIOC_DQBUF,
	VIDIOC_STREAMON, VIDIOC_STREAMOFF,
};

/* What there is to say against a file as a device */
static int ks_v4l2_check_file(struct file *file)
{
	struct video_device *vdev = ks_v4l2_capture_device(file);
	unsigned int i;
	int ret;

	if (!vdev)
		return -EINVAL;
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) !=
	    (FMODE_READ | FMODE_WRITE))
		return -EACCES;
	if (!video_is_registered(vdev))
		return -ENODEV;
	if (!(vdev->device_caps & V4L2_CAP_STREAMING) || !vdev->ioctl_ops)
		return -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(ks_v4l2_cmds); i++) {
		if (!test_bit(_IOC_NR(ks_v4l2_cmds[i]), vdev->valid_ioctls))
			return -EOPNOTSUPP;
		/* The caller must be allowed what the connection will do */
		ret = security_file_ioctl(file, ks_v4l2_cmds[i], 0);
		if (ret)
			return ret;
	}
	return 0;
}

/* Enters a device in the list of all, unless its file has one there */
static int ks_v4l2_claim(struct ks_v4l2 *v4l2)
{
	struct ks_v4l2 *other;
	int ret = 0;

	mutex_lock(&ks_v4l2_devices_lock);
	list_for_each_entry(other, &ks_v4l2_devices, node)
		if (other->dev.file == v4l2->dev.file)
			ret = -EBUSY;
	if (!ret)
		list_add(&v4l2->node, &ks_v4l2_devices);
	mutex_unlock(&ks_v4l2_devices_lock);

	return ret;
}

/**
 * ks_v4l2_create() - the device of a V4L2 file
 * @fd: the caller's descriptor of it
 *
 * Contract A5.
 *
 * Context: process context; sleeps.
 * Return: a device; -EBADF; -EINVAL where @fd is no V4L2 video capture node;
 * -EACCES where it is not open for reading and writing; -EOPNOTSUPP where the
 * device cannot stream; -EBUSY where the file has a device; -ENODEV; -ENOMEM.
 */
struct ksalloc_device *ks_v4l2_create(int fd)
{
	struct ks_v4l2 *v4l2;
	struct file *file;
	int ret;

	file = fget(fd);
	if (!file)
		return ERR_PTR(-EBADF);
	ret = ks_v4l2_check_file(file);
	if (ret)
		goto err_file;

	v4l2 = kzalloc(sizeof(*v4l2), GFP_KERNEL_ACCOUNT);
	if (!v4l2) {
		ret = -ENOMEM;
		goto err_file;
	}
	v4l2->device.ops = &ks_v4l2_ops;
	v4l2->dev.file = file;
	v4l2->dev.vdev = video_devdata(file);
	v4l2->dev.type = v4l2->dev.vdev->device_caps &
			 V4L2_CAP_VIDEO_CAPTURE_MPLANE ?
			 V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
			 V4L2_BUF_TYPE_VIDEO_CAPTURE;
	ret = ks_v4l2_claim(v4l2);
	if (ret)
		goto err_free;

	return &v4l2->device;

err_free:
	kfree(v4l2);
err_file:
	fput(file);
	return ERR_PTR(ret);
}
