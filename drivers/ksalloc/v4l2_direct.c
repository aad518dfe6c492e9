// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues and dequeues the device's own buffers without struct v4l2_buffer. v4l2.h describes the
 * rules.
 *
 * vb2_ioctl_qbuf() and vb2_ioctl_dqbuf() copy each field of a buffer from and to that structure.
 * For a buffer that only this module uses, that is more than half of their work. The functions here
 * do the rest of it, and call videobuf2 as it calls itself for read().
 */
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "v4l2.h"

/*
 * Whether the driver leaves the operations to videobuf2, and the file owns the queue. Then no other
 * file can dequeue its MMAP buffers, or replace them. Called when the file has buffers
 */
bool ks_v4l2_is_direct(const struct ks_v4l2_device *dev)
{
	const struct v4l2_ioctl_ops *ops = dev->vdev->ioctl_ops;
	const struct vb2_queue *queue = dev->vdev->queue;

	return queue && READ_ONCE(queue->owner) == dev->file->private_data &&
	       ops->vidioc_qbuf == vb2_ioctl_qbuf && ops->vidioc_dqbuf == vb2_ioctl_dqbuf;
}

static __always_inline int ks_v4l2_check_direct(struct ks_v4l2_device *dev, unsigned int cmd)
{
	struct vb2_queue *queue = dev->vdev->queue;
	int ret;

	lockdep_assert_held(dev->lock);

	ret = ks_v4l2_check(dev, cmd);
	if (ret)
		return ret;
	if (queue->owner != dev->file->private_data || vb2_fileio_is_active(queue))
		return -EBUSY;
	return 0;
}

static int ks_v4l2_queue_locked(struct ks_v4l2_device *dev, u32 index)
{
	struct vb2_queue *queue = dev->vdev->queue;
	struct vb2_v4l2_buffer *vbuf;
	struct vb2_buffer *vb;
	int ret;

	ret = ks_v4l2_check_direct(dev, VIDIOC_QBUF);
	if (ret)
		return ret;
	vb = vb2_get_buffer(queue, index);
	if (!vb || vb->state != VB2_BUF_STATE_DEQUEUED)
		return -EINVAL;
	/* As vb2_qbuf() without flags. Drivers add theirs when they have filled the buffer */
	vbuf = to_vb2_v4l2_buffer(vb);
	vbuf->flags = 0;
	vbuf->sequence = 0;
	return vb2_core_qbuf(queue, vb, NULL, NULL);
}

/* Queues a buffer. Fails as VIDIOC_QBUF */
int ks_v4l2_queue_direct(struct ks_v4l2_device *dev, u32 index)
{
	int ret;

	ret = ks_v4l2_lock(dev);
	if (ret)
		return ret;
	ret = ks_v4l2_queue_locked(dev, index);
	ks_v4l2_unlock(dev);

	return ret;
}

/* V4L2 has times in microseconds */
static void ks_v4l2_describe(const struct ks_v4l2 *v4l2, const struct vb2_v4l2_buffer *vbuf,
			     bool failed, struct ksalloc_completion *completion)
{
	const struct vb2_buffer *vb = &vbuf->vb2_buf;
	u32 flags = vbuf->flags & ~(V4L2_BUF_FLAG_ERROR | V4L2_BUF_FLAG_TIMESTAMP_MASK);
	u32 i;

	flags |= vb->vb2_queue->timestamp_flags;
	if (failed)
		flags |= V4L2_BUF_FLAG_ERROR;
	completion->index = vb->index;
	completion->sequence = vbuf->sequence;
	completion->options_flags = ks_v4l2_options_flags(flags);
	if (v4l2->alternates)
		completion->field = ks_v4l2_field(vbuf->field);
	completion->time = div_u64(vb->timestamp, NSEC_PER_USEC) * 10;
	completion->duration = v4l2->duration;
	if (!ks_v4l2_is_mplane(v4l2->dev)) {
		completion->planes[0].data_used = vb->planes[0].bytesused;
		return;
	}
	for (i = 0; i < ksalloc_allocator_planes(v4l2->allocator); i++)
		ks_v4l2_complete_plane(vb->planes[i].data_offset, vb->planes[i].bytesused,
				       &completion->planes[i]);
}

/* Why there is no filled buffer, as from VIDIOC_DQBUF */
static int ks_v4l2_no_buffer(const struct vb2_queue *queue)
{
	if (!queue->streaming)
		return -EINVAL;
	if (queue->error)
		return -EIO;
	return queue->last_buffer_dequeued ? -EPIPE : -EAGAIN;
}

static int ks_v4l2_dequeue_locked(struct ks_v4l2 *v4l2, struct ksalloc_completion *completion)
{
	struct vb2_queue *queue = v4l2->dev->vdev->queue;
	const struct vb2_v4l2_buffer *vbuf;
	struct vb2_buffer *vb;
	bool failed;
	int ret;

	ret = ks_v4l2_check_direct(v4l2->dev, VIDIOC_DQBUF);
	if (ret)
		return ret;
	/*
	 * vb2_core_dqbuf() takes this buffer, because only a holder of the lock of the queue takes
	 * buffers from the list. It overwrites the state
	 */
	spin_lock_irq(&queue->done_lock);
	vb = list_first_entry_or_null(&queue->done_list, struct vb2_buffer, done_entry);
	failed = vb && vb->state == VB2_BUF_STATE_ERROR;
	spin_unlock_irq(&queue->done_lock);
	if (!vb)
		return ks_v4l2_no_buffer(queue);

	ret = vb2_core_dqbuf(queue, NULL, NULL, true);
	if (ret)
		return ret;
	vbuf = to_vb2_v4l2_buffer(vb);
	if (vbuf->flags & V4L2_BUF_FLAG_LAST)
		queue->last_buffer_dequeued = true;
	ks_v4l2_describe(v4l2, vbuf, failed, completion);
	return 0;
}

/*
 * Dequeues a filled buffer, and describes it; -EAGAIN if there is none. Other errors are those of
 * VIDIOC_DQBUF
 */
int ks_v4l2_dequeue_direct(struct ks_v4l2 *v4l2, struct ksalloc_completion *completion)
{
	int ret;

	ret = ks_v4l2_lock(v4l2->dev);
	if (ret)
		return ret;
	ret = ks_v4l2_dequeue_locked(v4l2, completion);
	ks_v4l2_unlock(v4l2->dev);

	return ret;
}
