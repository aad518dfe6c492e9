// SPDX-License-Identifier: GPL-2.0-only
/*
 * The V4L2 node of a share. share.h describes the rules.
 *
 * Calls about formats, frame rates and controls are passed to the V4L2 file of the camera, with
 * the locks and checks of the V4L2 core and of the driver. None of them accesses memory of the
 * caller while a lock is held, because the caller can delay that for ever.
 */
#include <linux/dma-buf.h>
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "connection.h"
#include "share.h"
#include "v4l2.h"

#define KS_NODE_SUFFIX " (shared)"

/* Number of events of a control that are kept for a handle */
#define KS_NODE_EVENTS 4

/*
 * Since 6.18, v4l2_fh_add() and v4l2_fh_del() have the file as an argument, too. One of these types
 * is that of the functions of this kernel.
 */
typedef void ks_node_fh_fn(struct v4l2_fh *fh);
typedef void ks_node_fh_file_fn(struct v4l2_fh *fh, struct file *file);

#define KS_NODE_FH_HAS_FILE \
	__builtin_types_compatible_p(typeof(v4l2_fh_add), ks_node_fh_file_fn)

static void ks_node_call_fh(void *fn, struct v4l2_fh *fh, struct file *file)
{
	if (KS_NODE_FH_HAS_FILE)
		((ks_node_fh_file_fn *)fn)(fh, file);
	else
		((ks_node_fh_fn *)fn)(fh);
}

static struct ks_share_handle *ks_node_handle(struct file *file)
{
	struct v4l2_fh *fh = file->private_data;

	return container_of(fh, struct ks_share_handle, fh);
}

static int ks_node_open(struct file *file)
{
	struct video_device *vdev = video_devdata(file);
	struct ks_share_handle *handle;

	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle)
		return -ENOMEM;
	handle->share = container_of(vdev, struct ks_share, vdev);
	v4l2_fh_init(&handle->fh, vdev);
	file->private_data = &handle->fh;
	ks_node_call_fh(v4l2_fh_add, &handle->fh, file);
	return 0;
}

static int ks_node_release(struct file *file)
{
	struct ks_share_handle *handle = ks_node_handle(file);

	ks_share_close(handle);
	ks_node_call_fh(v4l2_fh_del, &handle->fh, file);
	v4l2_fh_exit(&handle->fh);
	kfree(handle);
	return 0;
}

/* Calls an ioctl of the camera with the caller's argument */
static long ks_node_forward(struct ks_share *share, unsigned int cmd,
			    unsigned long arg)
{
	struct file *camera = share->camera->file;

	return camera->f_op->unlocked_ioctl(camera, cmd, arg);
}

/*
 * As ks_node_forward(), if the type in the argument is that of the node. The camera reads the
 * argument again, and the caller can change the type meanwhile. So this is only for calls that
 * change nothing.
 */
static long ks_node_forward_type(struct ks_share *share, unsigned int cmd,
				 unsigned long arg, size_t offset)
{
	u32 type;

	if (get_user(type, (u32 __user *)(arg + offset)))
		return -EFAULT;
	return type == share->camera->type ? ks_node_forward(share, cmd, arg) :
					     -EINVAL;
}

/* Ends VIDIOC_G_PARM. The node has no read(), so it has no buffers for that */
static long ks_node_end_parm(unsigned long arg, long ret)
{
	struct v4l2_streamparm __user *parm = (void __user *)arg;

	return ret ?: put_user(0, &parm->parm.capture.readbuffers);
}

static int ks_node_check_priority(struct ks_share_handle *handle)
{
	return v4l2_prio_check(handle->share->vdev.prio, handle->fh.prio);
}

/*
 * v4l2_prio_change() is not atomic, and does not sleep. The V4L2 core calls it under the lock of a
 * node
 */
static DEFINE_SPINLOCK(ks_node_priority_lock);

/*
 * VIDIOC_S_PRIORITY. If a handle had V4L2_PRIORITY_RECORD, the V4L2 core would not let the others
 * stream. Only one file of a node can have it, so the errno is that of a second one.
 */
static long ks_node_set_priority(struct ks_share_handle *handle, unsigned long arg)
{
	u32 priority;
	int ret;

	if (get_user(priority, (u32 __user *)arg))
		return -EFAULT;
	if (priority == V4L2_PRIORITY_RECORD)
		return -EBUSY;
	spin_lock(&ks_node_priority_lock);
	ret = v4l2_prio_change(handle->share->vdev.prio, &handle->fh.prio, priority);
	spin_unlock(&ks_node_priority_lock);
	return ret;
}

/* VIDIOC_TRY_FMT. If a handle has buffers, the caller gets the current format */
static long ks_node_try_fmt(struct ks_share *share, unsigned int cmd, unsigned long arg)
{
	if (READ_ONCE(share->users))
		cmd = (cmd & ~(unsigned int)_IOC_NRMASK) | _IOC_NR(VIDIOC_G_FMT);
	return ks_node_forward_type(share, cmd, arg, 0);
}

static struct v4l2_fh *ks_node_camera_fh(struct ks_share *share)
{
	return share->camera->file->private_data;
}

/* Passes the events of the camera's file to the handles that have subscribed to them */
static void ks_node_relay(struct ks_share *share)
{
	struct v4l2_event event;

	/* Keeps the events in order */
	mutex_lock(&share->relay_lock);
	while (!v4l2_event_dequeue(ks_node_camera_fh(share), &event, true))
		v4l2_event_queue(&share->vdev, &event);
	mutex_unlock(&share->relay_lock);
}

static void ks_node_event_work(struct work_struct *work)
{
	ks_node_relay(container_of(work, struct ks_share, event_work));
}

static int ks_node_event_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
			      void *key)
{
	schedule_work(&container_of(entry, struct ks_share, event_wait)->event_work);
	return 0;
}

static bool ks_node_is_subscribed(struct v4l2_fh *fh,
				  const struct v4l2_event_subscription *sub)
{
	const struct v4l2_subscribed_event *event;
	bool subscribed = false;
	unsigned long flags;

	spin_lock_irqsave(&fh->vdev->fh_lock, flags);
	list_for_each_entry(event, &fh->subscribed, list)
		if (event->type == sub->type && event->id == sub->id)
			subscribed = true;
	spin_unlock_irqrestore(&fh->vdev->fh_lock, flags);
	return subscribed;
}

/**
 * struct ks_node_subscription - a subscription of the camera's file
 * @work: makes it
 * @share: the share
 * @sub: its arguments
 * @ret: errno of the camera, or 0
 */
struct ks_node_subscription {
	struct work_struct work;
	struct ks_share *share;
	struct v4l2_event_subscription sub;
	int ret;
};

static void ks_node_subscription_work(struct work_struct *work)
{
	struct ks_node_subscription *subscription =
		container_of(work, struct ks_node_subscription, work);
	struct ks_share *share = subscription->share;
	const struct v4l2_ioctl_ops *ops = share->camera->vdev->ioctl_ops;
	struct v4l2_event_subscription sub = subscription->sub;
	struct v4l2_fh *fh = ks_node_camera_fh(share);

	/* Unsubscribing removes the events that are pending */
	ks_node_relay(share);
	ops->vidioc_unsubscribe_event(fh, &sub);
	subscription->ret = ops->vidioc_subscribe_event(fh, &sub);
	if (!subscription->ret)
		return;
	/* Needs no value from the camera, so it is less likely to fail */
	sub.flags &= ~V4L2_EVENT_SUB_FL_SEND_INITIAL;
	ops->vidioc_subscribe_event(fh, &sub);
}

/*
 * Makes a subscription again that other handles have. uvcvideo refuses that if a signal is pending
 * and its lock is not free. Then the others would lose the subscription. So a worker does it, which
 * gets no signals. A signal does not end the wait for the worker. Without the worker, the task
 * would wait in the same way: uvcvideo takes that lock to end the old subscription, too
 */
static int ks_node_subscribe_again(struct ks_share *share,
				   const struct v4l2_event_subscription *sub)
{
	struct ks_node_subscription subscription = { .share = share, .sub = *sub };

	INIT_WORK_ONSTACK(&subscription.work, ks_node_subscription_work);
	ks_connection_queue_work(&subscription.work);
	flush_work(&subscription.work);
	destroy_work_on_stack(&subscription.work);
	return subscription.ret;
}

/*
 * Subscribes the camera's file. All handles change controls through this file, so it must get the
 * events of its own changes, too. Other handles may have the subscription already. It is made again
 * only for the initial event, which brings all of them up to date.
 */
static int ks_node_subscribe_camera(struct ks_share *share,
				    const struct v4l2_event_subscription *sub)
{
	struct v4l2_event_subscription again = {
		.type = sub->type,
		.id = sub->id,
		.flags = V4L2_EVENT_SUB_FL_ALLOW_FEEDBACK |
			 (sub->flags & V4L2_EVENT_SUB_FL_SEND_INITIAL),
	};
	const struct v4l2_ioctl_ops *ops = share->camera->vdev->ioctl_ops;
	struct v4l2_fh *fh = ks_node_camera_fh(share);
	struct device *hardware;
	bool subscribed;
	int ret;

	subscribed = ks_node_is_subscribed(fh, sub);
	if (subscribed && !(sub->flags & V4L2_EVENT_SUB_FL_SEND_INITIAL))
		return 0;
	ret = ks_v4l2_begin(share->camera, VIDIOC_SUBSCRIBE_EVENT, &hardware);
	if (ret)
		return ret;
	ret = subscribed ? ks_node_subscribe_again(share, &again) :
			   ops->vidioc_subscribe_event(fh, &again);
	ks_v4l2_end(share->camera, hardware);
	ks_node_relay(share);
	return ret;
}

static int ks_node_subscribe(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	struct ks_share *share = container_of(fh, struct ks_share_handle, fh)->share;
	bool was_subscribed;
	int ret;

	if (!share->relays || sub->type != V4L2_EVENT_CTRL)
		return -EINVAL;
	if (mutex_lock_interruptible(&share->event_lock))
		return -ERESTARTSYS;
	was_subscribed = ks_node_is_subscribed(fh, sub);
	ret = v4l2_event_subscribe(fh, sub, KS_NODE_EVENTS, NULL);
	if (!ret) {
		ret = ks_node_subscribe_camera(share, sub);
		if (ret && !was_subscribed)
			v4l2_event_unsubscribe(fh, sub);
	}
	mutex_unlock(&share->event_lock);
	return ret;
}

/* Compares the number, because the size in the command is different for 32-bit programs */
static long ks_node_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ks_share_handle *handle = ks_node_handle(file);
	struct ks_share *share = handle->share;

	switch (_IOC_TYPE(cmd) == 'V' ? _IOC_NR(cmd) : -1) {
	case _IOC_NR(VIDIOC_S_PRIORITY):
		return ks_node_set_priority(handle, arg);
	case _IOC_NR(VIDIOC_S_CTRL):
		return ks_node_check_priority(handle) ?:
		       ks_node_forward(share, cmd, arg);
	case _IOC_NR(VIDIOC_QUERYCTRL):
	case _IOC_NR(VIDIOC_QUERY_EXT_CTRL):
	case _IOC_NR(VIDIOC_QUERYMENU):
	case _IOC_NR(VIDIOC_G_CTRL):
	case _IOC_NR(VIDIOC_ENUM_FRAMESIZES):
	case _IOC_NR(VIDIOC_ENUM_FRAMEINTERVALS):
		return ks_node_forward(share, cmd, arg);
	case _IOC_NR(VIDIOC_ENUM_FMT):
		return ks_node_forward_type(share, cmd, arg,
					    offsetof(struct v4l2_fmtdesc, type));
	case _IOC_NR(VIDIOC_G_FMT):
		return ks_node_forward_type(share, cmd, arg, 0);
	case _IOC_NR(VIDIOC_G_PARM):
		return ks_node_end_parm(arg, ks_node_forward_type(share, cmd, arg, 0));
	case _IOC_NR(VIDIOC_TRY_FMT):
		return ks_node_try_fmt(share, cmd, arg);
	default:
		return video_ioctl2(file, cmd, arg);
	}
}

static __poll_t ks_node_poll(struct file *file, poll_table *wait)
{
	struct ks_share_handle *handle = ks_node_handle(file);
	struct ks_connection *conn = handle->share->conn;
	struct ks_feed *feed = &conn->feed;
	__poll_t events = 0;

	poll_wait(file, &handle->fh.wait, wait);
	poll_wait(file, &feed->wait, wait);
	if (v4l2_event_pending(&handle->fh))
		events |= EPOLLPRI;
	if (!(poll_requested_events(wait) & (EPOLLIN | EPOLLRDNORM)))
		return events;

	spin_lock(&feed->lock);
	if (feed->ended)
		events |= EPOLLERR | EPOLLHUP | EPOLLPRI;
	else if (!handle->reader)
		events |= EPOLLERR;
	else if (handle->reader->nr_queued ||
		 (atomic_read(&feed->pending) && !feed->nr_untrusted &&
		  READ_ONCE(conn->state) == KSSTATE_RUN &&
		  !atomic_read(&conn->changing)))
		events |= EPOLLIN | EPOLLRDNORM;
	else if (feed->error)
		events |= EPOLLERR;
	spin_unlock(&feed->lock);
	return events;
}

/* The mapping is that of a view. Programs ask for PROT_WRITE, and get a read-only mapping. */
static int ks_node_mmap(struct file *file, struct vm_area_struct *vma)
{
	const u32 index = min(vma->vm_pgoff / VIDEO_MAX_PLANES, VIDEO_MAX_FRAME);
	struct dma_buf *view;
	int ret;

	if (!(vma->vm_flags & VM_SHARED) || !(vma->vm_flags & VM_READ))
		return -EINVAL;
	view = ks_share_view(ks_node_handle(file), index,
			     vma->vm_pgoff % VIDEO_MAX_PLANES);
	if (IS_ERR(view))
		return PTR_ERR(view);
	ret = ks_view_mmap_shared(view, vma);
	dma_buf_put(view);
	return ret;
}

static const struct v4l2_file_operations ks_node_fops = {
	.owner = THIS_MODULE,
	.open = ks_node_open,
	.release = ks_node_release,
	.unlocked_ioctl = ks_node_ioctl,
	.poll = ks_node_poll,
	.mmap = ks_node_mmap,
};

static int ks_node_querycap(struct file *file, void *priv,
			    struct v4l2_capability *cap)
{
	struct ks_share *share = ks_node_handle(file)->share;

	strscpy(cap->driver, "ksalloc", sizeof(cap->driver));
	strscpy(cap->card, share->vdev.name, sizeof(cap->card));
	snprintf(cap->bus_info, sizeof(cap->bus_info), "platform:ksalloc-%s",
		 video_device_node_name(share->camera->vdev));
	return 0;
}

/* The V4L2 core accepts a buffer type only if this exists. VIDIOC_G_FMT goes to the camera */
static int ks_node_g_fmt(struct file *file, void *priv, struct v4l2_format *format)
{
	return ks_v4l2_get_whole_format(ks_node_handle(file)->share->camera, format);
}

static int ks_node_change_format(struct ks_v4l2_device *camera,
				 struct v4l2_format *format)
{
	const struct v4l2_ioctl_ops *ops = camera->vdev->ioctl_ops;
	int (*change)(struct file *file, void *priv, struct v4l2_format *format);
	struct device *hardware;
	int ret;

	change = ks_v4l2_is_mplane(camera) ? ops->vidioc_s_fmt_vid_cap_mplane :
					     ops->vidioc_s_fmt_vid_cap;
	if (!change)
		return -EINVAL;
	ret = ks_v4l2_begin(camera, VIDIOC_S_FMT, &hardware);
	if (ret)
		return ret;
	ret = ks_v4l2_check_priority(camera) ?:
	      change(camera->file, camera->file->private_data, format);
	ks_v4l2_end(camera, hardware);
	return ret;
}

/* If another handle has buffers, the format cannot be changed: the caller gets the current one */
static int ks_node_s_fmt(struct file *file, void *priv, struct v4l2_format *format)
{
	struct ks_share_handle *handle = ks_node_handle(file);
	struct ks_share *share = handle->share;
	int ret;

	if (format->type != share->camera->type)
		return -EINVAL;
	ret = ks_share_lock(share);
	if (ret)
		return ret;
	if (handle->nr_buffers)
		ret = -EBUSY;
	else if (share->users)
		ret = ks_v4l2_get_whole_format(share->camera, format);
	else
		ret = ks_node_change_format(share->camera, format);
	ks_share_end_reservation(share);
	mutex_unlock(&share->lock);
	return ret;
}

static int ks_node_call_parm(struct ks_v4l2_device *camera, unsigned int cmd,
			     struct v4l2_streamparm *parm)
{
	const struct v4l2_ioctl_ops *ops = camera->vdev->ioctl_ops;
	int (*call)(struct file *file, void *priv, struct v4l2_streamparm *parm);
	struct device *hardware;
	int ret;

	call = cmd == VIDIOC_S_PARM ? ops->vidioc_s_parm : ops->vidioc_g_parm;
	if (!call)
		return -ENOTTY;
	ret = ks_v4l2_begin(camera, cmd, &hardware);
	if (ret)
		return ret;
	if (cmd == VIDIOC_S_PARM)
		ret = ks_v4l2_check_priority(camera);
	if (!ret)
		ret = call(camera->file, camera->file->private_data, parm);
	ks_v4l2_end(camera, hardware);
	parm->parm.capture.readbuffers = 0;
	return ret;
}

/* If a handle has buffers, the rate cannot be changed: the caller gets the current one */
static int ks_node_s_parm(struct file *file, void *priv, struct v4l2_streamparm *parm)
{
	struct ks_share *share = ks_node_handle(file)->share;
	int ret;

	if (parm->type != share->camera->type)
		return -EINVAL;
	ret = ks_share_lock(share);
	if (ret)
		return ret;
	ret = ks_node_call_parm(share->camera,
				share->users ? VIDIOC_G_PARM : VIDIOC_S_PARM, parm);
	ks_share_end_reservation(share);
	mutex_unlock(&share->lock);
	return ret;
}

static int ks_node_reqbufs(struct file *file, void *priv,
			   struct v4l2_requestbuffers *request)
{
	struct ks_share_handle *handle = ks_node_handle(file);
	int ret;

	if (request->type != handle->share->camera->type)
		return -EINVAL;
	request->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP |
				V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS;
	request->flags = 0;
	if (request->memory != V4L2_MEMORY_MMAP)
		return -EINVAL;
	ret = ks_share_request(handle, request->count);
	if (ret < 0)
		return ret;
	request->count = ret;
	return 0;
}

static int ks_node_querybuf(struct file *file, void *priv,
			    struct v4l2_buffer *buffer)
{
	struct ks_share_handle *handle = ks_node_handle(file);

	return buffer->type == handle->share->camera->type ?
	       ks_share_describe(handle, buffer) : -EINVAL;
}

/* Checked first, so that a call with a wrong argument does not change the state of a buffer */
static bool ks_node_buffer_is_right(const struct ks_share *share,
				    const struct v4l2_buffer *buffer)
{
	if (buffer->type != share->camera->type || buffer->memory != V4L2_MEMORY_MMAP)
		return false;
	return !ks_v4l2_is_mplane(share->camera) ||
	       (buffer->m.planes && buffer->length >= READ_ONCE(share->layout.count));
}

static int ks_node_qbuf(struct file *file, void *priv, struct v4l2_buffer *buffer)
{
	struct ks_share_handle *handle = ks_node_handle(file);

	if (!ks_node_buffer_is_right(handle->share, buffer) ||
	    (buffer->flags & V4L2_BUF_FLAG_REQUEST_FD))
		return -EINVAL;
	return ks_share_queue(handle, buffer->index) ?:
	       ks_share_describe(handle, buffer);
}

static int ks_node_dqbuf(struct file *file, void *priv, struct v4l2_buffer *buffer)
{
	struct ks_share_handle *handle = ks_node_handle(file);

	if (!ks_node_buffer_is_right(handle->share, buffer))
		return -EINVAL;
	return ks_share_dequeue(handle, buffer, file->f_flags & O_NONBLOCK);
}

/* Programs ask for O_RDWR. The view is read-only in any case */
static int ks_node_expbuf(struct file *file, void *priv,
			  struct v4l2_exportbuffer *export)
{
	struct ks_share_handle *handle = ks_node_handle(file);
	struct dma_buf *view;
	int fd;

	if (export->type != handle->share->camera->type ||
	    (export->flags & ~(O_CLOEXEC | O_ACCMODE)))
		return -EINVAL;
	view = ks_share_view(handle, export->index, export->plane);
	if (IS_ERR(view))
		return PTR_ERR(view);
	fd = dma_buf_fd(view, export->flags & O_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(view);
		return fd;
	}
	export->fd = fd;
	return 0;
}

static int ks_node_streamon(struct file *file, void *priv, enum v4l2_buf_type type)
{
	struct ks_share_handle *handle = ks_node_handle(file);

	return type == handle->share->camera->type ? ks_share_start(handle) : -EINVAL;
}

static int ks_node_streamoff(struct file *file, void *priv, enum v4l2_buf_type type)
{
	struct ks_share_handle *handle = ks_node_handle(file);

	return type == handle->share->camera->type ? ks_share_stop(handle) : -EINVAL;
}

/* The node has one input: the current input of the camera */
static int ks_node_enum_input(struct file *file, void *priv,
			      struct v4l2_input *input)
{
	struct ks_v4l2_device *camera = ks_node_handle(file)->share->camera;
	const struct v4l2_ioctl_ops *ops = camera->vdev->ioctl_ops;
	void *fh = camera->file->private_data;
	unsigned int current_input = 0;
	int ret;

	if (input->index)
		return -EINVAL;
	strscpy(input->name, "Camera", sizeof(input->name));
	input->type = V4L2_INPUT_TYPE_CAMERA;
	/* With V4L2_CAP_IO_MC, the core has both ioctls for drivers without the operations */
	if (!ops->vidioc_enum_input || !ops->vidioc_g_input ||
	    ks_v4l2_check(camera, VIDIOC_ENUMINPUT) ||
	    ks_v4l2_check(camera, VIDIOC_G_INPUT))
		return 0;
	ret = ks_v4l2_lock_device(camera);
	if (ret)
		return ret;
	if (!ops->vidioc_g_input(camera->file, fh, &current_input)) {
		input->index = current_input;
		ops->vidioc_enum_input(camera->file, fh, input);
	}
	ks_v4l2_unlock_device(camera);
	/* Standards and timings can only be set on the camera's own node */
	input->index = 0;
	input->std = 0;
	input->capabilities = 0;
	input->audioset = 0;
	input->tuner = 0;
	return 0;
}

static int ks_node_g_input(struct file *file, void *priv, unsigned int *input)
{
	*input = 0;
	return 0;
}

static int ks_node_s_input(struct file *file, void *priv, unsigned int input)
{
	return input ? -EINVAL : 0;
}

static int ks_node_call_controls(struct ks_v4l2_device *camera, unsigned int cmd,
				 struct v4l2_ext_controls *controls)
{
	const struct v4l2_ioctl_ops *ops = camera->vdev->ioctl_ops;
	struct v4l2_ctrl_handler *handler = camera->vdev->ctrl_handler;
	void *priv = camera->file->private_data;
	struct v4l2_fh *fh = NULL;
	int ret;

	if (test_bit(V4L2_FL_USES_V4L2_FH, &camera->vdev->flags))
		fh = priv;
	if (fh && fh->ctrl_handler)
		handler = fh->ctrl_handler;
	/* There is no media device, because the core refuses requests on this node */
	switch (cmd) {
	case VIDIOC_G_EXT_CTRLS:
		return handler ?
		       v4l2_g_ext_ctrls(handler, camera->vdev, NULL, controls) :
		       ops->vidioc_g_ext_ctrls(camera->file, priv, controls);
	case VIDIOC_TRY_EXT_CTRLS:
		return handler ?
		       v4l2_try_ext_ctrls(handler, camera->vdev, NULL, controls) :
		       ops->vidioc_try_ext_ctrls(camera->file, priv, controls);
	default:
		ret = ks_v4l2_check_priority(camera);
		if (ret)
			return ret;
		return handler ?
		       v4l2_s_ext_ctrls(fh, handler, camera->vdev, NULL, controls) :
		       ops->vidioc_s_ext_ctrls(camera->file, priv, controls);
	}
}

/*
 * The array of controls is in kernel memory here. But a payload is not: the camera would copy it
 * with its locks held. So controls with a payload are refused.
 */
static int ks_node_ext_controls(struct file *file, unsigned int cmd,
				struct v4l2_ext_controls *controls)
{
	struct ks_v4l2_device *camera = ks_node_handle(file)->share->camera;
	struct device *hardware;
	u32 i;
	int ret;

	for (i = 0; i < controls->count; i++) {
		if (!controls->controls[i].size)
			continue;
		controls->error_idx = cmd == VIDIOC_TRY_EXT_CTRLS ? i : controls->count;
		return -EACCES;
	}
	ret = ks_v4l2_begin(camera, cmd, &hardware);
	if (ret)
		return ret;
	ret = ks_node_call_controls(camera, cmd, controls);
	ks_v4l2_end(camera, hardware);
	return ret;
}

static int ks_node_g_ext_ctrls(struct file *file, void *priv,
			       struct v4l2_ext_controls *controls)
{
	return ks_node_ext_controls(file, VIDIOC_G_EXT_CTRLS, controls);
}

static int ks_node_s_ext_ctrls(struct file *file, void *priv,
			       struct v4l2_ext_controls *controls)
{
	return ks_node_ext_controls(file, VIDIOC_S_EXT_CTRLS, controls);
}

static int ks_node_try_ext_ctrls(struct file *file, void *priv,
				 struct v4l2_ext_controls *controls)
{
	return ks_node_ext_controls(file, VIDIOC_TRY_EXT_CTRLS, controls);
}

static const struct v4l2_ioctl_ops ks_node_ops = {
	.vidioc_querycap = ks_node_querycap,
	.vidioc_g_fmt_vid_cap = ks_node_g_fmt,
	.vidioc_g_fmt_vid_cap_mplane = ks_node_g_fmt,
	.vidioc_s_fmt_vid_cap = ks_node_s_fmt,
	.vidioc_s_fmt_vid_cap_mplane = ks_node_s_fmt,
	.vidioc_s_parm = ks_node_s_parm,
	.vidioc_reqbufs = ks_node_reqbufs,
	.vidioc_querybuf = ks_node_querybuf,
	.vidioc_qbuf = ks_node_qbuf,
	.vidioc_dqbuf = ks_node_dqbuf,
	.vidioc_expbuf = ks_node_expbuf,
	.vidioc_streamon = ks_node_streamon,
	.vidioc_streamoff = ks_node_streamoff,
	.vidioc_enum_input = ks_node_enum_input,
	.vidioc_g_input = ks_node_g_input,
	.vidioc_s_input = ks_node_s_input,
	.vidioc_g_ext_ctrls = ks_node_g_ext_ctrls,
	.vidioc_s_ext_ctrls = ks_node_s_ext_ctrls,
	.vidioc_try_ext_ctrls = ks_node_try_ext_ctrls,
	.vidioc_subscribe_event = ks_node_subscribe,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};

static int ks_node_get_card(struct ks_v4l2_device *camera, char *card, size_t size)
{
	struct v4l2_capability cap = {};
	int ret;

	ret = ks_v4l2_check(camera, VIDIOC_QUERYCAP) ?: ks_v4l2_lock_device(camera);
	if (ret)
		return ret;
	ret = camera->vdev->ioctl_ops->vidioc_querycap(camera->file,
						       camera->file->private_data,
						       &cap);
	ks_v4l2_unlock_device(camera);
	snprintf(card, size, "%.*s" KS_NODE_SUFFIX,
		 (int)(sizeof(cap.card) - sizeof(KS_NODE_SUFFIX)), cap.card);
	return ret;
}

static bool ks_node_has_events(struct ks_v4l2_device *camera)
{
	return test_bit(V4L2_FL_USES_V4L2_FH, &camera->vdev->flags) &&
	       !ks_v4l2_check(camera, VIDIOC_SUBSCRIBE_EVENT) &&
	       !ks_v4l2_check(camera, VIDIOC_UNSUBSCRIBE_EVENT);
}

/* The caller must call ks_share_node_exit(), after a failure, too */
int ks_share_node_init(struct ks_share *share)
{
	struct video_device *vdev = &share->vdev;

	vdev->fops = &ks_node_fops;
	vdev->ioctl_ops = &ks_node_ops;
	vdev->release = video_device_release_empty;
	vdev->v4l2_dev = &share->v4l2_dev;
	vdev->vfl_dir = VFL_DIR_RX;
	vdev->device_caps = V4L2_CAP_STREAMING |
			    (ks_v4l2_is_mplane(share->camera) ?
			     V4L2_CAP_VIDEO_CAPTURE_MPLANE : V4L2_CAP_VIDEO_CAPTURE);
	/* With a ctrl_handler, the core would not call the operations for controls */
	share->relays = ks_node_has_events(share->camera);
	if (share->relays) {
		INIT_WORK(&share->event_work, ks_node_event_work);
		init_waitqueue_func_entry(&share->event_wait, ks_node_event_wake);
		add_wait_queue(&ks_node_camera_fh(share)->wait, &share->event_wait);
	}
	return ks_node_get_card(share->camera, vdev->name, sizeof(vdev->name));
}

/* Undoes ks_share_node_init(). The node is unregistered */
void ks_share_node_exit(struct ks_share *share)
{
	if (!share->relays)
		return;
	remove_wait_queue(&ks_node_camera_fh(share)->wait, &share->event_wait);
	cancel_work_sync(&share->event_work);
}
