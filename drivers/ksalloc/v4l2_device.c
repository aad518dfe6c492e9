// SPDX-License-Identifier: GPL-2.0-only
/*
 * The V4L2 file of a connection, and the operations of its driver, with the locks and checks
 * of the V4L2 core. v4l2.h describes the rules.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/pm_runtime.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <media/media-device.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "v4l2.h"

/* Number of minors of VIDEO_MAJOR. video_devdata() does not check the minor */
#define KS_V4L2_MINORS 256

/*
 * For drivers without a lock that the V4L2 core takes: one lock for each device, by minor
 * number. These drivers have internal locks, which are not held between two operations.
 */
static struct mutex ks_v4l2_locks[KS_V4L2_MINORS];

/* The operations that a connection needs */
static const unsigned int ks_v4l2_needed[] = {
	VIDIOC_G_FMT, VIDIOC_REQBUFS, VIDIOC_QBUF, VIDIOC_DQBUF,
	VIDIOC_STREAMON, VIDIOC_STREAMOFF,
};

/* The operations that it calls if the driver supports them */
static const unsigned int ks_v4l2_used[] = {
	VIDIOC_QUERYBUF, VIDIOC_PREPARE_BUF, VIDIOC_EXPBUF, VIDIOC_G_PARM,
	VIDIOC_ENUM_FRAMESIZES,
};

/*
 * The device of a file of a V4L2 video capture node; NULL for other files. video_devdata() only
 * looks up the minor number, so the file operations must also be those of the device.
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

/*
 * Returns 0 if the security modules permit the caller the operations of a connection; or an
 * errno
 */
static int ks_v4l2_check_security(struct file *file)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(ks_v4l2_needed) && !ret; i++)
		ret = security_file_ioctl(file, ks_v4l2_needed[i], 0);
	for (i = 0; i < ARRAY_SIZE(ks_v4l2_used) && !ret; i++)
		ret = security_file_ioctl(file, ks_v4l2_used[i], 0);
	return ret;
}

/* Returns 0 if a file can be used, otherwise an errno */
static int ks_v4l2_check_file(struct file *file)
{
	struct video_device *vdev = ks_v4l2_capture_device(file);
	unsigned int i;

	/* A shared node would need the locks of two connections at the same time */
	if (!vdev || vdev->fops->owner == THIS_MODULE)
		return -EINVAL;
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) !=
	    (FMODE_READ | FMODE_WRITE))
		return -EACCES;
	if (!video_is_registered(vdev))
		return -ENODEV;
	if (!(vdev->device_caps & V4L2_CAP_STREAMING) || !vdev->ioctl_ops)
		return -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(ks_v4l2_needed); i++)
		if (!test_bit(_IOC_NR(ks_v4l2_needed[i]), vdev->valid_ioctls))
			return -EOPNOTSUPP;
	return ks_v4l2_check_security(file);
}

/* Copies the priority (VIDIOC_S_PRIORITY) of the caller's file */
static void ks_v4l2_copy_priority(struct file *file, struct file *origin)
{
	struct video_device *vdev = video_devdata(file);
	struct v4l2_fh *fh = file->private_data;
	struct v4l2_fh *origin_fh = origin->private_data;

	if (test_bit(V4L2_FL_USES_V4L2_FH, &vdev->flags))
		v4l2_prio_change(vdev->prio, &fh->prio, origin_fh->prio);
}

static struct file *ks_v4l2_reopen(struct file *origin)
{
	struct file *file;

	file = dentry_open(&origin->f_path, O_RDWR | O_NONBLOCK | O_CLOEXEC,
			   current_cred());
	if (IS_ERR(file))
		return file;
	ks_v4l2_copy_priority(file, origin);
	return file;
}

/*
 * The lock around operations on buffers. The V4L2 core takes the lock of the queue, or
 * that of the device if the queue has none. If the driver has neither, this is a lock of
 * this module, which all connections to the device share.
 */
static struct mutex *ks_v4l2_find_lock(const struct ks_v4l2_device *dev)
{
	struct video_device *vdev = dev->vdev;

	if (vdev->queue && vdev->queue->lock)
		return vdev->queue->lock;
	return vdev->lock ?: &ks_v4l2_locks[iminor(file_inode(dev->file))];
}

/*
 * Returns 0 if a file has a buffer; -EINVAL if it has none; another errno if that is unknown.
 * ks_v4l2_lock() was called
 */
static int ks_v4l2_ask_for_buffer(struct ks_v4l2_device *dev, struct file *file)
{
	struct v4l2_buffer buffer = { .type = dev->type };
	int ret;

	lockdep_assert_held(dev->lock);

	if (ks_v4l2_is_mplane(dev))
		return -EOPNOTSUPP;
	ret = ks_v4l2_check(dev, VIDIOC_QUERYBUF);
	if (ret)
		return ret;
	return dev->vdev->ioctl_ops->vidioc_querybuf(file, file->private_data,
						     &buffer);
}

/*
 * Keeps a reference to the caller's file. Fails if that file has buffers: a file that streams
 * would continue to stream after the caller closed it.
 */
static int ks_v4l2_keep_origin(struct ks_v4l2_device *dev, struct file *origin)
{
	int ret;

	ret = ks_v4l2_lock(dev);
	if (ret)
		return ret;
	if (!ks_v4l2_ask_for_buffer(dev, origin))
		ret = -EBUSY;
	else
		dev->origin = get_file(origin);
	ks_v4l2_unlock(dev);
	return ret;
}

/* Opens the node of @origin again, and initializes the fields of @dev for the file */
static int ks_v4l2_open_file(struct ks_v4l2_device *dev, struct file *origin)
{
	struct file *file;
	int ret;

	ret = ks_v4l2_check_file(origin);
	if (ret)
		return ret;
	file = ks_v4l2_reopen(origin);
	if (IS_ERR(file))
		return PTR_ERR(file);

	dev->file = file;
	dev->vdev = video_devdata(file);
	dev->lock = ks_v4l2_find_lock(dev);
	dev->type = dev->vdev->device_caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE ?
		    V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
		    V4L2_BUF_TYPE_VIDEO_CAPTURE;
	ret = dev->vdev->queue ? 0 : ks_v4l2_keep_origin(dev, origin);
	if (ret)
		fput(file);
	return ret;
}

void ks_v4l2_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ks_v4l2_locks); i++)
		mutex_init(&ks_v4l2_locks[i]);
}

/* Opens a V4L2 capture device, given the caller's descriptor. Contract A5 */
struct ks_v4l2_device *ks_v4l2_open(int fd)
{
	struct ks_v4l2_device *dev;
	struct file *origin;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	kref_init(&dev->refs);
	mutex_init(&dev->thread_lock);

	origin = fget(fd);
	ret = origin ? ks_v4l2_open_file(dev, origin) : -EBADF;
	if (origin)
		fput(origin);
	if (!ret)
		return dev;

	mutex_destroy(&dev->thread_lock);
	kfree(dev);
	return ERR_PTR(ret);
}

struct ks_v4l2_device *ks_v4l2_get(struct ks_v4l2_device *dev)
{
	kref_get(&dev->refs);
	return dev;
}

static void ks_v4l2_close(struct kref *refs)
{
	struct ks_v4l2_device *dev = container_of(refs, struct ks_v4l2_device,
						  refs);

	ks_v4l2_put_thread(dev);
	/* Not fput(): after this, the driver has no reservation, and does not access the buffers */
	__fput_sync(dev->file);
	if (dev->origin)
		__fput_sync(dev->origin);
	mutex_destroy(&dev->thread_lock);
	kfree(dev);
}

/* Can sleep. No lock of the device is held */
void ks_v4l2_put(struct ks_v4l2_device *dev)
{
	kref_put(&dev->refs, ks_v4l2_close);
}

/* The lock that excludes the submission of requests from STREAMON and STREAMOFF; may be NULL */
static struct mutex *ks_v4l2_request_mutex(struct ks_v4l2_device *dev)
{
	struct v4l2_device *parent = dev->vdev->v4l2_dev;

	return v4l2_device_supports_requests(parent) ?
	       &parent->mdev->req_queue_mutex : NULL;
}

static int ks_mutex_lock_killable(struct mutex *lock)
{
	return lock ? mutex_lock_killable(lock) : 0;
}

static void ks_mutex_lock(struct mutex *lock)
{
	if (lock)
		mutex_lock(lock);
}

static void ks_mutex_unlock(struct mutex *lock)
{
	if (lock)
		mutex_unlock(lock);
}

/*
 * Takes the lock that the V4L2 core takes around other operations. Not together with
 * ks_v4l2_lock(): it can be the same mutex
 */
int ks_v4l2_lock_device(struct ks_v4l2_device *dev)
{
	return ks_mutex_lock_killable(dev->vdev->lock);
}

void ks_v4l2_unlock_device(struct ks_v4l2_device *dev)
{
	ks_mutex_unlock(dev->vdev->lock);
}

/* The hardware that unlocked_ioctl of the driver would resume; NULL if only operations do that */
static struct device *ks_v4l2_hardware(struct ks_v4l2_device *dev)
{
	return dev->vdev->fops->unlocked_ioctl == video_ioctl2 ? NULL :
	       dev->vdev->v4l2_dev->dev;
}

/*
 * Prepares for an operation that can access the hardware: takes the lock of the device,
 * and resumes the hardware. A failed resume is not reported, because the operation fails
 * then. @hardware is what was resumed, for ks_v4l2_end(), or NULL. Returns -ENOTTY if the
 * driver does not support the operation. On failure, the lock is not held.
 */
int ks_v4l2_begin(struct ks_v4l2_device *dev, unsigned int cmd,
		  struct device **hardware)
{
	int ret;

	ret = ks_v4l2_lock_device(dev);
	if (ret)
		return ret;
	ret = ks_v4l2_check(dev, cmd);
	if (ret) {
		ks_v4l2_unlock_device(dev);
		return ret == -EOPNOTSUPP ? -ENOTTY : ret;
	}
	*hardware = ks_v4l2_hardware(dev);
	if (*hardware)
		pm_runtime_get_sync(*hardware);
	return 0;
}

/*
 * @hardware is that of ks_v4l2_begin(). It cannot be found again: a driver that was
 * unbound meanwhile has taken it from its &struct v4l2_device.
 */
void ks_v4l2_end(struct ks_v4l2_device *dev, struct device *hardware)
{
	if (hardware)
		pm_runtime_put(hardware);
	ks_v4l2_unlock_device(dev);
}

/* The file handle of the device's file; NULL if the driver does not use struct v4l2_fh */
struct v4l2_fh *ks_v4l2_fh(struct ks_v4l2_device *dev)
{
	return test_bit(V4L2_FL_USES_V4L2_FH, &dev->vdev->flags) ?
	       dev->file->private_data : NULL;
}

/* Returns -EBUSY if another file has a higher priority */
int ks_v4l2_check_priority(struct ks_v4l2_device *dev)
{
	struct v4l2_fh *fh = ks_v4l2_fh(dev);

	return fh ? v4l2_prio_check(dev->vdev->prio, fh->prio) : 0;
}

/* Sets the priority of the file to the lowest, so that others can change the device */
void ks_v4l2_drop_priority(struct ks_v4l2_device *dev)
{
	struct v4l2_fh *fh = ks_v4l2_fh(dev);

	if (fh)
		v4l2_prio_change(dev->vdev->prio, &fh->prio, V4L2_PRIORITY_BACKGROUND);
}

static int ks_v4l2_do_reqbufs(struct ks_v4l2_device *dev,
			      struct file *file, enum v4l2_memory memory,
			      u32 *count)
{
	struct v4l2_requestbuffers req = {
		.count = *count,
		.type = dev->type,
		.memory = memory,
	};
	int ret;

	lockdep_assert_held(dev->lock);

	ret = dev->vdev->ioctl_ops->vidioc_reqbufs(file, file->private_data,
						   &req);
	*count = req.count;
	return ret;
}

/*
 * uvcvideo before 6.17 reserves the device for the file that set the format, until that file
 * frees its buffers. Usually this is the caller's file. If that file has no buffers, this
 * releases the reservation, because the caller wants the connection to use the device. Returns
 * whether to try again.
 */
static bool ks_v4l2_give_up_origin(struct ks_v4l2_device *dev,
				   enum v4l2_memory memory)
{
	u32 none = 0;

	return dev->origin &&
	       ks_v4l2_ask_for_buffer(dev, dev->origin) == -EINVAL &&
	       !ks_v4l2_do_reqbufs(dev, dev->origin, memory, &none);
}

/*
 * Makes @count buffers of the file, or frees them if @count is 0. Returns the number that
 * the driver made. ks_v4l2_lock() was called.
 */
int ks_v4l2_reqbufs(struct ks_v4l2_device *dev, enum v4l2_memory memory,
		    u32 count)
{
	u32 made = count, none = 0;
	int ret;

	ret = ks_v4l2_do_reqbufs(dev, dev->file, memory, &made);
	if (ret == -EBUSY && ks_v4l2_give_up_origin(dev, memory)) {
		made = count;
		ret = ks_v4l2_do_reqbufs(dev, dev->file, memory, &made);
	}
	/* These drivers reserve the device for the file even if they fail */
	if (ret && ret != -EBUSY && dev->origin)
		ks_v4l2_do_reqbufs(dev, dev->file, memory, &none);
	return ret ?: made;
}

/*
 * Works for an unregistered device, too. No lock of the device is held. The calling task may be
 * exiting
 */
void ks_v4l2_free_buffers(struct ks_v4l2_device *dev,
			  enum v4l2_memory memory)
{
	u32 none = 0;

	ks_v4l2_put_thread(dev);
	mutex_lock(dev->lock);
	ks_v4l2_do_reqbufs(dev, dev->file, memory, &none);
	if (memory == V4L2_MEMORY_MMAP)
		dev->has_memory = false;
	mutex_unlock(dev->lock);
}

/*
 * uvcvideo before 6.17 reserves the device for the file that has set the format or the frame rate,
 * until this file frees its buffers. Ends the reservation with VIDIOC_REQBUFS. Not while an
 * allocator has the buffers: the next allocator would make new ones, and the end of the first one
 * would free those. No lock of the device is held
 */
void ks_v4l2_end_reservation(struct ks_v4l2_device *dev)
{
	u32 none = 0;

	if (dev->vdev->queue)
		return;
	mutex_lock(dev->lock);
	if (!dev->has_memory)
		ks_v4l2_do_reqbufs(dev, dev->file, V4L2_MEMORY_MMAP, &none);
	mutex_unlock(dev->lock);
}

/* @planes is an array of VIDEO_MAX_PLANES planes for @buffer */
int ks_v4l2_querybuf(struct ks_v4l2_device *dev, u32 index,
		     struct v4l2_buffer *buffer, struct v4l2_plane *planes)
{
	int ret;

	lockdep_assert_held(dev->lock);

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

/*
 * A driver permits a file to replace its own buffers. But they can belong to an allocator
 * of the device's own memory, and must not be replaced then. Without vdev->queue, this
 * knows only the buffers of this file; ks_v4l2_reqbufs() fails if another file has some.
 * ks_v4l2_lock() was called. @planes is for temporary use: VIDEO_MAX_PLANES planes.
 */
bool ks_v4l2_has_buffers(struct ks_v4l2_device *dev,
			 struct v4l2_plane *planes)
{
	struct v4l2_buffer buffer;

	if (dev->vdev->queue)
		return vb2_is_busy(dev->vdev->queue);
	return !ks_v4l2_querybuf(dev, 0, &buffer, planes);
}

/*
 * Whether one of the first @count buffers is in the queue. omap4iss does nothing in
 * VIDIOC_STREAMOFF if it does not stream, so they can still be there. Without vdev->queue, an
 * unregistered device does not answer this, and cannot be started again. @planes is for
 * temporary use: VIDEO_MAX_PLANES planes. No lock of the device is held. The calling task may be
 * exiting.
 */
bool ks_v4l2_has_queued(struct ks_v4l2_device *dev, u32 count,
			struct v4l2_plane *planes)
{
	const struct vb2_queue *queue = dev->vdev->queue;
	struct v4l2_buffer buffer;
	bool queued = false;
	u32 i;

	mutex_lock(dev->lock);
	if (queue)
		queued = !list_empty(&queue->queued_list);
	for (i = 0; i < count && !queue && !queued; i++)
		queued = !ks_v4l2_querybuf(dev, i, &buffer, planes) &&
			 (buffer.flags & V4L2_BUF_FLAG_QUEUED);
	mutex_unlock(dev->lock);
	return queued;
}

int ks_v4l2_streamon(struct ks_v4l2_device *dev)
{
	struct mutex *request_lock = ks_v4l2_request_mutex(dev);
	int ret;

	ret = ks_mutex_lock_killable(request_lock);
	if (ret)
		return ret;
	ret = ks_v4l2_lock(dev);
	if (ret)
		goto out;
	ret = ks_v4l2_check(dev, VIDIOC_STREAMON) ?:
	      ks_v4l2_check_priority(dev);
	if (!ret)
		ret = dev->vdev->ioctl_ops->vidioc_streamon(dev->file,
							    dev->file->private_data,
							    dev->type);
	ks_v4l2_unlock(dev);
out:
	ks_mutex_unlock(request_lock);
	return ret;
}

/*
 * Stops the device and empties its queue, even if it is unregistered: until this call, an
 * unregistered device can write to its buffers (uvcvideo before 6.17). After an error, it may
 * still write. The calling task may be exiting.
 */
int ks_v4l2_streamoff(struct ks_v4l2_device *dev)
{
	struct mutex *request_lock = ks_v4l2_request_mutex(dev);
	int ret;

	ks_mutex_lock(request_lock);
	mutex_lock(dev->lock);
	ret = dev->vdev->ioctl_ops->vidioc_streamoff(dev->file,
						     dev->file->private_data,
						     dev->type);
	mutex_unlock(dev->lock);
	ks_mutex_unlock(request_lock);
	return ret;
}
