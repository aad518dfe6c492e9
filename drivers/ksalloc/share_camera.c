// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formats, frame rates, inputs, controls and events of the camera, for programs on the node of a
 * share. share.h describes the rules.
 *
 * These functions call operations of the camera, with the locks and checks of the V4L2 core. They
 * run in work items, see ks_share_ask() and ks_share_change(). Each has the argument of its ioctl,
 * in kernel memory: a program can delay an access to its own memory for ever. Only payloads of
 * controls are there, see ks_share_use_memory().
 */
#include <linux/lockdep.h>
#include <linux/string.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "connection.h"
#include "share.h"
#include "v4l2.h"

/* Number of events of a control that are kept for a handle */
#define KS_SHARE_EVENTS 4

/* Calls an operation of the camera, as the V4L2 core does for the ioctl @cmd */
#define ks_share_call_camera(camera, cmd, operation, arg)				\
({											\
	struct ks_v4l2_device *_camera = (camera);					\
	typeof(operation) _operation = (operation);					\
	struct device *_hardware;							\
	int _ret = -ENOTTY;								\
											\
	if (_operation)									\
		_ret = ks_v4l2_begin(_camera, cmd, &_hardware);				\
	if (!_ret) {									\
		_ret = _operation(_camera->file, _camera->file->private_data, arg);	\
		ks_v4l2_end(_camera, _hardware);					\
	}										\
	_ret;										\
})

static const struct v4l2_ioctl_ops *ks_share_ops(const struct ks_share *share)
{
	return share->camera->vdev->ioctl_ops;
}

/* The V4L2 core has checked the type of the buffers, and then describes the format */
int ks_share_enum_formats(struct ks_share_handle *handle, void *arg)
{
	return ks_share_call_camera(handle->share->camera, VIDIOC_ENUM_FMT,
				    ks_share_ops(handle->share)->vidioc_enum_fmt_vid_cap, arg);
}

int ks_share_enum_sizes(struct ks_share_handle *handle, void *arg)
{
	return ks_share_call_camera(handle->share->camera, VIDIOC_ENUM_FRAMESIZES,
				    ks_share_ops(handle->share)->vidioc_enum_framesizes, arg);
}

int ks_share_enum_intervals(struct ks_share_handle *handle, void *arg)
{
	return ks_share_call_camera(handle->share->camera, VIDIOC_ENUM_FRAMEINTERVALS,
				    ks_share_ops(handle->share)->vidioc_enum_frameintervals, arg);
}

int ks_share_get_format(struct ks_share_handle *handle, void *arg)
{
	return ks_v4l2_get_whole_format(handle->share->camera, arg);
}

/* If a handle has buffers, the caller gets the current format: a request can disturb the stream */
int ks_share_try_format(struct ks_share_handle *handle, void *arg)
{
	struct ks_share *share = handle->share;
	const struct v4l2_ioctl_ops *ops = ks_share_ops(share);
	struct ks_v4l2_device *camera = share->camera;
	int ret;

	ret = ks_share_lock(share);
	if (ret)
		return ret;
	if (share->users || ks_share_check_priority(handle))
		ret = ks_share_get_format(handle, arg);
	else if (ks_v4l2_is_mplane(camera))
		ret = ks_share_call_camera(camera, VIDIOC_TRY_FMT,
					   ops->vidioc_try_fmt_vid_cap_mplane, arg);
	else
		ret = ks_share_call_camera(camera, VIDIOC_TRY_FMT,
					   ops->vidioc_try_fmt_vid_cap, arg);
	mutex_unlock(&share->lock);
	return ret;
}

static int ks_share_change_format(struct ks_share *share, struct v4l2_format *format)
{
	const struct v4l2_ioctl_ops *ops = ks_share_ops(share);
	struct ks_v4l2_device *camera = share->camera;
	int ret;

	ret = ks_v4l2_check_priority(camera);
	if (ret)
		return ret;
	return ks_v4l2_is_mplane(camera) ?
	       ks_share_call_camera(camera, VIDIOC_S_FMT, ops->vidioc_s_fmt_vid_cap_mplane,
				    format) :
	       ks_share_call_camera(camera, VIDIOC_S_FMT, ops->vidioc_s_fmt_vid_cap, format);
}

/*
 * If another handle has buffers, or a higher priority, the format cannot be changed: the caller
 * gets the current one
 */
int ks_share_set_format(struct ks_share_handle *handle, void *arg)
{
	struct ks_share *share = handle->share;
	int ret;

	ret = ks_share_lock(share);
	if (ret)
		return ret;
	if (handle->nr_buffers)
		ret = -EBUSY;
	else if (share->users || ks_share_check_priority(handle))
		ret = ks_share_get_format(handle, arg);
	else
		ret = ks_share_change_format(share, arg);
	ks_share_end_reservation(share);
	mutex_unlock(&share->lock);
	return ret;
}

/* The node has no read(), so it has no buffers for that */
int ks_share_get_parm(struct ks_share_handle *handle, void *arg)
{
	struct ks_v4l2_device *camera = handle->share->camera;
	struct v4l2_streamparm *parm = arg;
	struct device *hardware;
	int ret;

	ret = ks_v4l2_begin(camera, VIDIOC_G_PARM, &hardware);
	if (ret)
		return ret;
	ret = ks_v4l2_get_parm(camera, parm);
	ks_v4l2_end(camera, hardware);
	parm->parm.capture.readbuffers = 0;
	return ret;
}

static int ks_share_change_parm(struct ks_share *share, struct v4l2_streamparm *parm)
{
	int ret;

	ret = ks_v4l2_check_priority(share->camera) ?:
	      ks_share_call_camera(share->camera, VIDIOC_S_PARM,
				   ks_share_ops(share)->vidioc_s_parm, parm);
	parm->parm.capture.readbuffers = 0;
	return ret;
}

/*
 * If a handle has buffers, or another one a higher priority, the rate cannot be changed: the caller
 * gets the current one
 */
int ks_share_set_parm(struct ks_share_handle *handle, void *arg)
{
	struct ks_share *share = handle->share;
	int ret;

	ret = ks_share_lock(share);
	if (ret)
		return ret;
	ret = share->users || ks_share_check_priority(handle) ? ks_share_get_parm(handle, arg) :
								ks_share_change_parm(share, arg);
	ks_share_end_reservation(share);
	mutex_unlock(&share->lock);
	return ret;
}

/* Describes the current input of the camera, the only one of the node */
int ks_share_get_input(struct ks_share_handle *handle, void *arg)
{
	struct ks_v4l2_device *camera = handle->share->camera;
	const struct v4l2_ioctl_ops *ops = camera->vdev->ioctl_ops;
	void *fh = camera->file->private_data;
	struct v4l2_input *input = arg;
	unsigned int current_input = 0;
	struct device *hardware;
	int ret;

	strscpy(input->name, "Camera", sizeof(input->name));
	input->type = V4L2_INPUT_TYPE_CAMERA;
	/* With V4L2_CAP_IO_MC, the core has both ioctls for drivers without the operations */
	if (!ops->vidioc_enum_input || !ops->vidioc_g_input)
		return 0;
	ret = ks_v4l2_begin(camera, VIDIOC_G_INPUT, &hardware);
	if (ret)
		return ret == -ENOTTY ? 0 : ret;
	if (!ks_v4l2_check(camera, VIDIOC_ENUMINPUT) &&
	    !ops->vidioc_g_input(camera->file, fh, &current_input)) {
		input->index = current_input;
		ops->vidioc_enum_input(camera->file, fh, input);
	}
	ks_v4l2_end(camera, hardware);
	/* Standards and timings can only be set on the camera's own node */
	input->index = 0;
	input->std = 0;
	input->capabilities = 0;
	input->audioset = 0;
	input->tuner = 0;
	return 0;
}

/* The controls of the camera; NULL if its driver has operations for them */
static struct v4l2_ctrl_handler *ks_share_controls(struct ks_share *share)
{
	struct v4l2_fh *fh = ks_v4l2_fh(share->camera);

	return fh && fh->ctrl_handler ? fh->ctrl_handler : share->camera->vdev->ctrl_handler;
}

static int ks_share_call_handler(struct ks_share *share, struct v4l2_ctrl_handler *handler,
				 struct ks_share_control *control)
{
	switch (control->cmd) {
	case VIDIOC_QUERYCTRL:
		return v4l2_queryctrl(handler, &control->arg.query);
	case VIDIOC_QUERY_EXT_CTRL:
		return v4l2_query_ext_ctrl(handler, &control->arg.query_ext);
	case VIDIOC_QUERYMENU:
		return v4l2_querymenu(handler, &control->arg.menu);
	case VIDIOC_G_CTRL:
		return v4l2_g_ctrl(handler, &control->arg.value);
	default:
		return v4l2_s_ctrl(ks_v4l2_fh(share->camera), handler, &control->arg.value);
	}
}

/* Drivers have no operation for VIDIOC_QUERYCTRL since 6.15. Other types have no range there */
static int ks_share_query(struct ks_v4l2_device *camera, struct v4l2_queryctrl *query)
{
	struct v4l2_query_ext_ctrl ext = { .id = query->id };
	int ret;

	ret = camera->vdev->ioctl_ops->vidioc_query_ext_ctrl(camera->file,
							     camera->file->private_data, &ext);
	if (ret)
		return ret;
	*query = (struct v4l2_queryctrl){
		.id = ext.id,
		.type = ext.type,
		.flags = ext.flags,
	};
	strscpy(query->name, ext.name, sizeof(query->name));
	switch (ext.type) {
	case V4L2_CTRL_TYPE_INTEGER:
	case V4L2_CTRL_TYPE_BOOLEAN:
	case V4L2_CTRL_TYPE_MENU:
	case V4L2_CTRL_TYPE_INTEGER_MENU:
	case V4L2_CTRL_TYPE_STRING:
	case V4L2_CTRL_TYPE_BITMASK:
		query->minimum = ext.minimum;
		query->maximum = ext.maximum;
		query->step = ext.step;
		query->default_value = ext.default_value;
		break;
	default:
		break;
	}
	return 0;
}

static int ks_share_call_value(struct ks_v4l2_device *camera, unsigned int cmd,
			       struct v4l2_control *value)
{
	const struct v4l2_ioctl_ops *ops = camera->vdev->ioctl_ops;
	struct v4l2_ext_control control = { .id = value->id, .value = value->value };
	struct v4l2_ext_controls controls = {
		.which = V4L2_CTRL_ID2WHICH(value->id),
		.count = 1,
		.controls = &control,
	};
	int ret;

	/* These are no classes of controls. The V4L2 core refuses them, too */
	if (controls.which == V4L2_CID_PRIVATE_BASE ||
	    controls.which >= V4L2_CTRL_WHICH_DEF_VAL)
		return -EINVAL;
	if (cmd == VIDIOC_S_CTRL ? !ops->vidioc_s_ext_ctrls : !ops->vidioc_g_ext_ctrls)
		return -ENOTTY;
	ret = cmd == VIDIOC_S_CTRL ?
	      ops->vidioc_s_ext_ctrls(camera->file, camera->file->private_data, &controls) :
	      ops->vidioc_g_ext_ctrls(camera->file, camera->file->private_data, &controls);
	value->value = control.value;
	return ret;
}

static int ks_share_call_operation(struct ks_v4l2_device *camera,
				   struct ks_share_control *control)
{
	const struct v4l2_ioctl_ops *ops = camera->vdev->ioctl_ops;
	void *fh = camera->file->private_data;

	switch (control->cmd) {
	case VIDIOC_QUERYCTRL:
		return ops->vidioc_query_ext_ctrl ? ks_share_query(camera, &control->arg.query) :
						    -ENOTTY;
	case VIDIOC_QUERY_EXT_CTRL:
		return ops->vidioc_query_ext_ctrl(camera->file, fh, &control->arg.query_ext);
	case VIDIOC_QUERYMENU:
		return ops->vidioc_querymenu(camera->file, fh, &control->arg.menu);
	default:
		return ks_share_call_value(camera, control->cmd, &control->arg.value);
	}
}

/* As ks_v4l2_begin(). With a ctrl_handler, all ioctls for controls exist */
static int ks_share_begin_controls(struct ks_share *share, unsigned int cmd,
				   struct device **hardware)
{
	return ks_v4l2_begin(share->camera, ks_share_controls(share) ? VIDIOC_QUERYCAP : cmd,
			     hardware);
}

int ks_share_call_control(struct ks_share_handle *handle, void *arg)
{
	struct ks_share_control *control = arg;
	struct ks_share *share = handle->share;
	struct v4l2_ctrl_handler *handler;
	struct device *hardware;
	int ret;

	ret = ks_share_begin_controls(share, control->cmd, &hardware);
	if (ret)
		return ret;
	handler = ks_share_controls(share);
	if (control->cmd == VIDIOC_S_CTRL)
		ret = ks_share_check_priority(handle) ?: ks_v4l2_check_priority(share->camera);
	if (!ret)
		ret = handler ? ks_share_call_handler(share, handler, control) :
				ks_share_call_operation(share->camera, control);
	ks_v4l2_end(share->camera, hardware);
	return ret;
}

static int ks_share_call_ext(struct ks_share *share, unsigned int cmd,
			     struct v4l2_ext_controls *controls)
{
	struct v4l2_ctrl_handler *handler = ks_share_controls(share);
	struct ks_v4l2_device *camera = share->camera;
	const struct v4l2_ioctl_ops *ops = camera->vdev->ioctl_ops;
	void *fh = camera->file->private_data;

	/* The media device is NULL: it is only needed for requests, which the core refuses here */
	switch (cmd) {
	case VIDIOC_G_EXT_CTRLS:
		return handler ?
		       v4l2_g_ext_ctrls(handler, camera->vdev, NULL, controls) :
		       ops->vidioc_g_ext_ctrls(camera->file, fh, controls);
	case VIDIOC_TRY_EXT_CTRLS:
		return handler ?
		       v4l2_try_ext_ctrls(handler, camera->vdev, NULL, controls) :
		       ops->vidioc_try_ext_ctrls(camera->file, fh, controls);
	default:
		return handler ?
		       v4l2_s_ext_ctrls(ks_v4l2_fh(share->camera), handler, camera->vdev, NULL,
					controls) :
		       ops->vidioc_s_ext_ctrls(camera->file, fh, controls);
	}
}

int ks_share_call_ext_controls(struct ks_share_handle *handle, void *arg)
{
	struct ks_share_ext_controls *ext = arg;
	struct ks_share *share = handle->share;
	struct device *hardware;
	int ret;

	ret = ks_share_begin_controls(share, ext->cmd, &hardware);
	if (ret)
		return ret;
	if (ext->cmd == VIDIOC_S_EXT_CTRLS)
		ret = ks_share_check_priority(handle) ?: ks_v4l2_check_priority(share->camera);
	if (!ret)
		ret = ks_share_use_memory(arg);
	if (ret)
		goto out;
	ext->controls.controls = ext->control;
	ret = ks_share_call_ext(share, ext->cmd, &ext->controls);
	ks_share_unuse_memory(arg);
out:
	ks_v4l2_end(share->camera, hardware);
	return ret;
}

/*
 * Passes the events of the camera's file to the handles that have subscribed to them. Events that
 * come meanwhile queue &ks_share.event_work, so a program that makes many does not keep this busy
 */
static void ks_share_relay(struct ks_share *share)
{
	struct v4l2_fh *fh = ks_v4l2_fh(share->camera);
	struct v4l2_event event;
	int pending;

	/* Keeps the events in order */
	mutex_lock(&share->relay_lock);
	for (pending = v4l2_event_pending(fh); pending; pending--) {
		if (v4l2_event_dequeue(fh, &event, true))
			break;
		v4l2_event_queue(&share->vdev, &event);
		cond_resched();
	}
	mutex_unlock(&share->relay_lock);
}

static void ks_share_event_work(struct work_struct *work)
{
	ks_share_relay(container_of(work, struct ks_share, event_work));
}

static int ks_share_event_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
			       void *key)
{
	schedule_work(&container_of(entry, struct ks_share, event_wait)->event_work);
	return 0;
}

static bool ks_share_is_subscribed(struct v4l2_fh *fh,
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

/*
 * Ends and repeats a subscription of the camera's file, which other handles use, too. If the second
 * step failed, they would lose their events. In uvcvideo, a pending signal can cause that, but a
 * work item gets no signals.
 */
static int ks_share_subscribe_again(struct ks_share *share, struct v4l2_event_subscription *sub)
{
	const struct v4l2_ioctl_ops *ops = share->camera->vdev->ioctl_ops;
	struct v4l2_fh *fh = ks_v4l2_fh(share->camera);
	int ret;

	/* Unsubscribing removes the events that are pending */
	ks_share_relay(share);
	ops->vidioc_unsubscribe_event(fh, sub);
	ret = ops->vidioc_subscribe_event(fh, sub);
	if (!ret)
		return 0;
	/* Needs no value from the camera, so it is less likely to fail */
	sub->flags &= ~V4L2_EVENT_SUB_FL_SEND_INITIAL;
	ops->vidioc_subscribe_event(fh, sub);
	return ret;
}

/*
 * Subscribes the camera's file. All handles change controls through this file, so it must get the
 * events of its own changes, too. Other handles may have the subscription already. It is made again
 * only for the initial event, which brings all of them up to date.
 */
static int ks_share_subscribe_camera(struct ks_share *share,
				     const struct v4l2_event_subscription *sub)
{
	struct v4l2_event_subscription again = {
		.type = sub->type,
		.id = sub->id,
		.flags = V4L2_EVENT_SUB_FL_ALLOW_FEEDBACK |
			 (sub->flags & V4L2_EVENT_SUB_FL_SEND_INITIAL),
	};
	const struct v4l2_ioctl_ops *ops = share->camera->vdev->ioctl_ops;
	struct v4l2_fh *fh = ks_v4l2_fh(share->camera);
	struct device *hardware;
	bool subscribed;
	int ret;

	subscribed = ks_share_is_subscribed(fh, sub);
	if (subscribed && !(sub->flags & V4L2_EVENT_SUB_FL_SEND_INITIAL))
		return 0;
	ret = ks_v4l2_begin(share->camera, VIDIOC_SUBSCRIBE_EVENT, &hardware);
	if (ret)
		return ret;
	ret = subscribed ? ks_share_subscribe_again(share, &again) :
			   ops->vidioc_subscribe_event(fh, &again);
	ks_v4l2_end(share->camera, hardware);
	ks_share_relay(share);
	return ret;
}

int ks_share_subscribe(struct ks_share_handle *handle, void *arg)
{
	const struct v4l2_event_subscription *sub = arg;
	struct ks_share *share = handle->share;
	bool was_subscribed;
	int ret;

	mutex_lock(&share->event_lock);
	was_subscribed = ks_share_is_subscribed(&handle->fh, sub);
	ret = v4l2_event_subscribe(&handle->fh, sub, KS_SHARE_EVENTS, NULL);
	if (!ret) {
		ret = ks_share_subscribe_camera(share, sub);
		if (ret && !was_subscribed)
			v4l2_event_unsubscribe(&handle->fh, sub);
	}
	mutex_unlock(&share->event_lock);
	return ret;
}

/*
 * v4l2_event_unsubscribe() takes a mutex of the handle. ks_share_subscribe() waits for the same
 * mutex, so this also runs in a work item
 */
int ks_share_unsubscribe(struct ks_share_handle *handle, void *arg)
{
	return v4l2_event_unsubscribe(&handle->fh, arg);
}

static bool ks_share_has_events(struct ks_v4l2_device *camera)
{
	return ks_v4l2_fh(camera) &&
	       !ks_v4l2_check(camera, VIDIOC_SUBSCRIBE_EVENT) &&
	       !ks_v4l2_check(camera, VIDIOC_UNSUBSCRIBE_EVENT);
}

/* The caller calls ks_share_events_exit() */
void ks_share_events_init(struct ks_share *share)
{
	share->relays = ks_share_has_events(share->camera);
	if (!share->relays)
		return;
	INIT_WORK(&share->event_work, ks_share_event_work);
	init_waitqueue_func_entry(&share->event_wait, ks_share_event_wake);
	add_wait_queue(&ks_v4l2_fh(share->camera)->wait, &share->event_wait);
}

void ks_share_events_exit(struct ks_share *share)
{
	if (!share->relays)
		return;
	remove_wait_queue(&ks_v4l2_fh(share->camera)->wait, &share->event_wait);
	cancel_work_sync(&share->event_work);
}
