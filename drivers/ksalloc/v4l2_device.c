// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations of a V4L2 device's driver, under the locks and after the checks that
 * the V4L2 core has around them: see v4l2.h.
 */
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <media/media-device.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "v4l2.h"

/**
 * ks_v4l2_queue_lock() - what the V4L2 core locks around operations on buffers
 * @dev: the device
 *
 * Context: any.
 * Return: a mutex, or NULL where the driver has its own.
 */
struct mutex *ks_v4l2_queue_lock(const struct ks_v4l2_device *dev)
{
	struct video_device *vdev = dev->vdev;

	if (vdev->queue && vdev->queue->lock)
		return vdev->queue->lock;
	return vdev->lock;
}

/* Some operations exclude the submission of requests too */
static struct mutex *ks_v4l2_request_lock(const struct ks_v4l2_device *dev)
{
	struct v4l2_device *parent = dev->vdev->v4l2_dev;

	return v4l2_device_supports_requests(parent) ?
	       &parent->mdev->req_queue_mutex : NULL;
}

/**
 * ks_v4l2_lock() - take one of the device's locks
 * @lock: the lock, or NULL
 *
 * Only a process that is killed gives up: with frames half-way through a change
 * of state, an ordinary signal would lose what is filled already.
 *
 * Context: process context; sleeps.
 * Return: 0 or -EINTR.
 */
int ks_v4l2_lock(struct mutex *lock)
{
	return lock ? mutex_lock_killable(lock) : 0;
}

/**
 * ks_v4l2_unlock() - undo ks_v4l2_lock()
 * @lock: the lock, or NULL
 *
 * Context: process context.
 */
void ks_v4l2_unlock(struct mutex *lock)
{
	if (lock)
		mutex_unlock(lock);
}

/**
 * ks_v4l2_lock_buffers() - exclude whoever else changes the device's buffers
 * @dev: the device
 *
 * Context: process context; sleeps.
 * Return: 0 or -EINTR.
 */
int ks_v4l2_lock_buffers(const struct ks_v4l2_device *dev)
{
	struct mutex *request_lock = ks_v4l2_request_lock(dev);
	int ret;

	ret = ks_v4l2_lock(request_lock);
	if (ret)
		return ret;
	ret = ks_v4l2_lock(ks_v4l2_queue_lock(dev));
	if (ret)
		ks_v4l2_unlock(request_lock);
	return ret;
}

/**
 * ks_v4l2_lock_buffers_always() - the same with no way to fail
 * @dev: the device
 *
 * Context: process context; sleeps. The calling task may be exiting.
 */
void ks_v4l2_lock_buffers_always(const struct ks_v4l2_device *dev)
{
	struct mutex *request_lock = ks_v4l2_request_lock(dev);
	struct mutex *lock = ks_v4l2_queue_lock(dev);

	if (request_lock)
		mutex_lock(request_lock);
	if (lock)
		mutex_lock(lock);
}

/**
 * ks_v4l2_unlock_buffers() - undo either of them
 * @dev: the device
 *
 * Context: process context.
 */
void ks_v4l2_unlock_buffers(const struct ks_v4l2_device *dev)
{
	ks_v4l2_unlock(ks_v4l2_queue_lock(dev));
	ks_v4l2_unlock(ks_v4l2_request_lock(dev));
}

/**
 * ks_v4l2_check() - can an operation be called?
 * @dev: the device
 * @cmd: its ioctl
 *
 * Context: any; the operation's lock is held, lest the device goes meanwhile.
 * Return: 0; -ENODEV; -EOPNOTSUPP where the driver does not offer it.
 */
int ks_v4l2_check(const struct ks_v4l2_device *dev, unsigned int cmd)
{
	if (!video_is_registered(dev->vdev))
		return -ENODEV;
	if (!test_bit(_IOC_NR(cmd), dev->vdev->valid_ioctls))
		return -EOPNOTSUPP;
	return 0;
}

/**
 * ks_v4l2_check_priority() - may this file change what the device does?
 * @dev: the device
 *
 * Context: any.
 * Return: 0, or -EBUSY where another file has a higher priority.
 */
int ks_v4l2_check_priority(const struct ks_v4l2_device *dev)
{
	struct video_device *vdev = dev->vdev;
	struct v4l2_fh *fh = dev->file->private_data;

	if (!test_bit(V4L2_FL_USES_V4L2_FH, &vdev->flags))
		return 0;
	return v4l2_prio_check(vdev->prio, fh->prio);
}

/**
 * ks_v4l2_reqbufs() - make or free the device's buffers
 * @dev: the device
 * @memory: where their memory comes from
 * @count: how many
 *
 * Context: process context; sleeps. ks_v4l2_lock_buffers() was called.
 * Return: how many there are; an errno of the driver.
 */
int ks_v4l2_reqbufs(const struct ks_v4l2_device *dev, enum v4l2_memory memory,
		    u32 count)
{
	struct v4l2_requestbuffers req = {
		.count = count,
		.type = dev->type,
		.memory = memory,
	};
	int ret;

	ret = dev->vdev->ioctl_ops->vidioc_reqbufs(dev->file,
						    dev->file->private_data,
						    &req);
	return ret ?: req.count;
}

/**
 * ks_v4l2_free_buffers() - free the device's buffers, even after its end
 * @dev: the device
 * @memory: what they are made of
 *
 * The V4L2 core would not call a driver whose device is unregistered. videobuf2's
 * own operation is safe even then: it does what videobuf2 does itself when the file
 * is closed.
 *
 * Context: process context; sleeps. ks_v4l2_lock_buffers_always() was called.
 */
void ks_v4l2_free_buffers(const struct ks_v4l2_device *dev,
			  enum v4l2_memory memory)
{
	if (video_is_registered(dev->vdev) ||
	    dev->vdev->ioctl_ops->vidioc_reqbufs == vb2_ioctl_reqbufs)
		ks_v4l2_reqbufs(dev, memory, 0);
}

/**
 * ks_v4l2_querybuf() - ask for a buffer of this file
 * @dev: the device
 * @index: which
 * @buffer: what the driver says
 * @planes: VIDEO_MAX_PLANES of them, for @buffer
 *
 * Context: process context; sleeps. ks_v4l2_lock_buffers() was called.
 * Return: 0; an errno of the driver, or that there is no such operation.
 */
int ks_v4l2_querybuf(const struct ks_v4l2_device *dev, u32 index,
		     struct v4l2_buffer *buffer, struct v4l2_plane *planes)
{
	int ret;

	ret = ks_v4l2_check(dev, VIDIOC_QUERYBUF);
	if (ret)
		return ret;
	*buffer = (struct v4l2_buffer){ .type = dev->type, .index = index };
	if (ks_v4l2_is_mplane(dev)) {
		memset(planes, 0, VIDEO_MAX_PLANES * sizeof(*planes));
		buffer->m.planes = planes;
		buffer->length = VIDEO_MAX_PLANES;
	}
	return dev->vdev->ioctl_ops->vidioc_querybuf(dev->file,
						     dev->file->private_data,
						     buffer);
}

/**
 * ks_v4l2_is_busy() - does somebody have buffers of the device?
 * @dev: the device
 * @planes: VIDEO_MAX_PLANES of them, to be used
 *
 * The driver would let this file throw away its own. Without vdev->queue, only a
 * buffer of this file can be asked for; VIDIOC_REQBUFS will tell of others.
 *
 * Context: process context; sleeps. ks_v4l2_lock_buffers() was called.
 * Return: whether somebody has.
 */
bool ks_v4l2_is_busy(const struct ks_v4l2_device *dev,
		     struct v4l2_plane *planes)
{
	struct v4l2_buffer buffer;

	if (dev->vdev->queue)
		return vb2_is_busy(dev->vdev->queue);
	return !ks_v4l2_querybuf(dev, 0, &buffer, planes);
}
