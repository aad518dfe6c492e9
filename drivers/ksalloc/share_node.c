// SPDX-License-Identifier: GPL-2.0-only
/*
 * The V4L2 node of a share. share.h describes the rules.
 *
 * The V4L2 core checks most arguments, and copies them from and to the memory of the program:
 * ks_node_ioctl() has the exceptions. Calls that take locks of the camera or of the share are made
 * in work items: see share_call.c.
 */
#include <linux/bitmap.h>
#include <linux/compat.h>
#include <linux/dma-buf.h>
#include <linux/fcntl.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "connection.h"
#include "ioctl.h"
#include "share.h"
#include "v4l2.h"

#define KS_NODE_SUFFIX " (shared)"

/* v4l2_event_queue() searches the subscriptions of all handles, with interrupts disabled */
#define KS_NODE_HANDLES 1024

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
	struct ks_share *share = container_of(vdev, struct ks_share, vdev);
	struct ks_share_handle *handle;

	if (!atomic_add_unless(&share->handles, 1, KS_NODE_HANDLES))
		return -EBUSY;
	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle) {
		atomic_dec(&share->handles);
		return -ENOMEM;
	}
	handle->share = share;
	handle->file = file;
	handle->opener = get_pid(task_tgid(current));
	handle->priority = V4L2_PRIORITY_UNSET;
	v4l2_prio_open(&share->priorities, &handle->priority);
	v4l2_fh_init(&handle->fh, vdev);
	file->private_data = &handle->fh;
	ks_node_call_fh(v4l2_fh_add, &handle->fh, file);
	return 0;
}

static int ks_node_release(struct file *file)
{
	struct ks_share_handle *handle = ks_node_handle(file);

	/* Without buffers there is nothing to undo, so do not wait for the calls of others */
	if (handle->nr_buffers)
		ks_share_close_and_wait(handle);
	ks_node_call_fh(v4l2_fh_del, &handle->fh, file);
	v4l2_fh_exit(&handle->fh);
	v4l2_prio_close(&handle->share->priorities, handle->priority);
	atomic_dec(&handle->share->handles);
	put_pid(handle->opener);
	kfree(handle);
	return 0;
}

/* v4l2_prio_change() needs a lock. It does not sleep */
static DEFINE_SPINLOCK(ks_node_priority_lock);

/*
 * VIDIOC_S_PRIORITY. As on other nodes, a handle with a lower priority than another one must not
 * change it. With V4L2_PRIORITY_RECORD, the others cannot change controls, the format and the rate,
 * but they can stream.
 */
static long ks_node_set_priority(struct ks_share_handle *handle, unsigned long arg)
{
	u32 priority;
	int ret;

	if (get_user(priority, (u32 __user *)arg))
		return -EFAULT;
	spin_lock(&ks_node_priority_lock);
	ret = ks_share_check_priority(handle) ?:
	      v4l2_prio_change(&handle->share->priorities, &handle->priority, priority);
	spin_unlock(&ks_node_priority_lock);
	return ret;
}

static long ks_node_get_priority(struct ks_share_handle *handle, unsigned long arg)
{
	return put_user((u32)v4l2_prio_max(&handle->share->priorities), (u32 __user *)arg);
}

/*
 * Calls a control. The argument has @size bytes, and the driver gets the first @given of them, as
 * from the V4L2 core. It has the same size for 32-bit programs.
 */
static long ks_node_control(struct ks_share_handle *handle, unsigned int cmd,
			    unsigned long arg, size_t given, size_t size)
{
	struct ks_share_control control;
	void __user *user = (void __user *)arg;
	int ret;

	memset(&control, 0, sizeof(control));
	control.cmd = cmd;
	if (copy_from_user(&control.arg, user, given))
		return -EFAULT;
	ret = ks_share_ask(handle, ks_share_call_control, &control, sizeof(control));
	if (!ret && copy_to_user(user, &control.arg, size))
		ret = -EFAULT;
	return ret;
}

/* The V4L2 core also accepts the type of the other planar API */
static bool ks_node_is_type(struct file *file, u32 type)
{
	return type == ks_node_handle(file)->share->camera->type;
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
	return ks_share_queue(handle, buffer);
}

static int ks_node_dqbuf(struct file *file, void *priv, struct v4l2_buffer *buffer)
{
	struct ks_share_handle *handle = ks_node_handle(file);

	if (!ks_node_buffer_is_right(handle->share, buffer))
		return -EINVAL;
	return ks_share_dequeue(handle, buffer, file->f_flags & O_NONBLOCK);
}

/*
 * Whether VIDIOC_QBUF and VIDIOC_DQBUF bypass video_ioctl2(), which needs more instructions than
 * the operation. It is needed for the multi-planar API, for 32-bit programs, and for an argument at
 * an odd address. If dev_debug of the node is set, it traces the calls, and can print them
 */
static bool ks_node_bypasses_core(const struct ks_share *share, unsigned long arg)
{
	return !ks_v4l2_is_mplane(share->camera) && !in_compat_syscall() &&
	       ks_is_aligned((void __user *)arg) && !READ_ONCE(share->vdev.dev_debug);
}

static long ks_node_buffer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ks_share *share = ks_node_handle(file)->share;
	struct v4l2_buffer buffer __uninitialized;
	void __user *user = (void __user *)arg;
	int ret;

	BUILD_BUG_ON(sizeof(buffer) % sizeof(unsigned long));

	if (!ks_node_bypasses_core(share, arg))
		return video_ioctl2(file, cmd, arg);
	ret = ks_copy_in_aligned(&buffer, user, sizeof(buffer));
	if (ret)
		return ret;
	ret = cmd == VIDIOC_QBUF ? ks_node_qbuf(file, NULL, &buffer) :
				   ks_node_dqbuf(file, NULL, &buffer);
	return ret ?: ks_copy_out(user, &buffer, sizeof(buffer));
}

/*
 * The V4L2 core has no operations for some of the ioctls for controls, or it has them only in some
 * versions. The ioctls for a frame are here because they must be fast
 */
static long ks_node_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ks_share_handle *handle = ks_node_handle(file);

	switch (cmd) {
	case VIDIOC_QBUF:
	case VIDIOC_DQBUF:
		return ks_node_buffer_ioctl(file, cmd, arg);
	case VIDIOC_S_PRIORITY:
		return ks_node_set_priority(handle, arg);
	case VIDIOC_G_PRIORITY:
		return ks_node_get_priority(handle, arg);
	case VIDIOC_S_CTRL:
		return ks_node_control(handle, cmd, arg, sizeof(struct v4l2_control),
				       sizeof(struct v4l2_control));
	case VIDIOC_G_CTRL:
		return ks_node_control(handle, cmd, arg, offsetofend(struct v4l2_control, id),
				       sizeof(struct v4l2_control));
	case VIDIOC_QUERYCTRL:
		return ks_node_control(handle, cmd, arg, offsetofend(struct v4l2_queryctrl, id),
				       sizeof(struct v4l2_queryctrl));
	case VIDIOC_QUERY_EXT_CTRL:
		return ks_node_control(handle, cmd, arg,
				       offsetofend(struct v4l2_query_ext_ctrl, id),
				       sizeof(struct v4l2_query_ext_ctrl));
	case VIDIOC_QUERYMENU:
		return ks_node_control(handle, cmd, arg,
				       offsetofend(struct v4l2_querymenu, index),
				       sizeof(struct v4l2_querymenu));
	default:
		return video_ioctl2(file, cmd, arg);
	}
}

/*
 * Whether VIDIOC_DQBUF of the handle would fetch from the camera. The frame can be one whose buffer
 * this handle has not queued. If the handle has no room, lets the thread of the feed fetch instead:
 * the frame can be for others, or the camera can have an error that nobody else fetches
 */
static bool ks_node_can_fetch_or_kick(const struct ks_share_handle *handle)
{
	struct ks_connection *conn = handle->share->conn;

	lockdep_assert_held(&conn->feed.lock);

	if (!atomic_read(&conn->feed.pending) || conn->feed.nr_untrusted ||
	    READ_ONCE(conn->state) != KSSTATE_RUN || atomic_read(&conn->changing))
		return false;
	if (ks_share_has_room(handle))
		return true;
	ks_feed_kick(&conn->feed, 0);
	return false;
}

static __poll_t ks_node_poll(struct file *file, poll_table *wait)
{
	struct ks_share_handle *handle = ks_node_handle(file);
	struct ks_feed *feed = &handle->share->conn->feed;
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
	else if (handle->reader->nr_queued || ks_node_can_fetch_or_kick(handle))
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

static int ks_node_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *format)
{
	return ks_share_ask(ks_node_handle(file), ks_share_enum_formats, format, sizeof(*format));
}

static int ks_node_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *size)
{
	return ks_share_ask(ks_node_handle(file), ks_share_enum_sizes, size, sizeof(*size));
}

static int ks_node_enum_frameintervals(struct file *file, void *priv,
				       struct v4l2_frmivalenum *interval)
{
	return ks_share_ask(ks_node_handle(file), ks_share_enum_intervals, interval,
			    sizeof(*interval));
}

static int ks_node_g_fmt(struct file *file, void *priv, struct v4l2_format *format)
{
	if (!ks_node_is_type(file, format->type))
		return -EINVAL;
	return ks_share_ask(ks_node_handle(file), ks_share_get_format, format, sizeof(*format));
}

static int ks_node_try_fmt(struct file *file, void *priv, struct v4l2_format *format)
{
	if (!ks_node_is_type(file, format->type))
		return -EINVAL;
	return ks_share_change(ks_node_handle(file), ks_share_try_format, format,
			       sizeof(*format));
}

static int ks_node_s_fmt(struct file *file, void *priv, struct v4l2_format *format)
{
	if (!ks_node_is_type(file, format->type))
		return -EINVAL;
	return ks_share_change(ks_node_handle(file), ks_share_set_format, format,
			       sizeof(*format));
}

static int ks_node_g_parm(struct file *file, void *priv, struct v4l2_streamparm *parm)
{
	if (!ks_node_is_type(file, parm->type))
		return -EINVAL;
	return ks_share_ask(ks_node_handle(file), ks_share_get_parm, parm, sizeof(*parm));
}

static int ks_node_s_parm(struct file *file, void *priv, struct v4l2_streamparm *parm)
{
	if (!ks_node_is_type(file, parm->type))
		return -EINVAL;
	return ks_share_change(ks_node_handle(file), ks_share_set_parm, parm, sizeof(*parm));
}

static int ks_node_reqbufs(struct file *file, void *priv,
			   struct v4l2_requestbuffers *request)
{
	if (!ks_node_is_type(file, request->type))
		return -EINVAL;
	request->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP |
				V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS;
	request->flags = 0;
	if (request->memory != V4L2_MEMORY_MMAP)
		return -EINVAL;
	return ks_share_change(ks_node_handle(file), ks_share_request, &request->count,
			       sizeof(request->count));
}

static int ks_node_querybuf(struct file *file, void *priv,
			    struct v4l2_buffer *buffer)
{
	return ks_node_is_type(file, buffer->type) ?
	       ks_share_describe(ks_node_handle(file), buffer) : -EINVAL;
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
	return ks_node_is_type(file, type) ?
	       ks_share_change(ks_node_handle(file), ks_share_start, NULL, 0) : -EINVAL;
}

static int ks_node_streamoff(struct file *file, void *priv, enum v4l2_buf_type type)
{
	return ks_node_is_type(file, type) ?
	       ks_share_change(ks_node_handle(file), ks_share_stop, NULL, 0) : -EINVAL;
}

static int ks_node_enum_input(struct file *file, void *priv, struct v4l2_input *input)
{
	if (input->index)
		return -EINVAL;
	return ks_share_ask(ks_node_handle(file), ks_share_get_input, input, sizeof(*input));
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

/* Number of times that VIDIOC_*_EXT_CTRLS are tried if a payload is not present any more */
#define KS_NODE_ATTEMPTS 8

/* The V4L2 core calls this, too: it wants to know whether a 32-bit program gives a pointer */
static int ks_node_query_ext_ctrl(struct file *file, void *priv, struct v4l2_query_ext_ctrl *query)
{
	struct ks_share_control control = {
		.cmd = VIDIOC_QUERY_EXT_CTRL,
		.arg.query_ext.id = query->id & V4L2_CTRL_ID_MASK,
	};
	int ret = ks_share_ask(ks_node_handle(file), ks_share_call_control, &control,
			       sizeof(control));

	*query = control.arg.query_ext;
	return ret;
}

/* Makes the bytes present that the camera can access. Waits for as long as the program wants */
static int ks_node_fault_in_payload(struct file *file, const struct v4l2_ext_control *control)
{
	struct v4l2_query_ext_ctrl query = { .id = control->id };
	size_t size, missing;
	int ret;
	u32 i;

	if (!control->size)
		return 0;
	ret = ks_node_query_ext_ctrl(file, NULL, &query);
	/* For a control that the camera does not have, its call fails */
	if (ret == -EINVAL || ret == -ENOTTY)
		return 0;
	if (ret || !(query.flags & V4L2_CTRL_FLAG_HAS_PAYLOAD))
		return ret;
	size = query.elem_size;
	for (i = 0; i < query.nr_of_dims; i++)
		size = size_mul(size, query.dims[i]);
	size = min_t(size_t, size, control->size);
	/* The first one makes a stack larger */
	missing = fault_in_readable(control->ptr, size);
	missing |= fault_in_safe_writeable(control->ptr, size);
	return missing ? -EFAULT : 0;
}

static int ks_node_fault_in(struct file *file, const struct v4l2_ext_controls *controls)
{
	int ret, fault = 0;
	u32 i;

	for (i = 0; i < controls->count; i++) {
		ret = ks_node_fault_in_payload(file, &controls->controls[i]);
		if (ret == -EFAULT)
			fault = ret;
		else if (ret)
			return ret;
	}
	return fault;
}

/*
 * A page can be gone again when the camera accesses it. Then the call is made again, but not after
 * more than the first control was set: a later one could be a button
 */
static bool ks_node_calls_again(const struct ks_share_ext_controls *ext)
{
	const struct v4l2_ext_controls *controls = &ext->controls;

	return ext->cmd != VIDIOC_S_EXT_CTRLS || !controls->error_idx ||
	       controls->error_idx >= controls->count;
}

/*
 * The array of controls is in kernel memory here. But payloads are not. If they cannot be made
 * present, the camera fails as it does without a share
 */
static int ks_node_ext_controls(struct file *file, unsigned int cmd,
				struct v4l2_ext_controls *controls)
{
	struct v4l2_ext_control *array = controls->controls;
	struct ks_share_ext_controls *ext;
	typeof(ks_share_ask) *ask = ks_share_ask;
	int ret, present, attempt = 0;
	size_t size, array_size;
	u32 i;

	for (i = 0; i < controls->count; i++)
		if (array[i].size)
			ask = ks_share_ask_with_memory;
	array_size = flex_array_size(ext, control, controls->count);
	size = struct_size(ext, control, controls->count);
	ext = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!ext)
		return -ENOMEM;
	do {
		present = ks_node_fault_in(file, controls);
		if (present && present != -EFAULT) {
			kvfree(ext);
			return present;
		}
		ext->cmd = cmd;
		ext->controls = *controls;
		memcpy(ext->control, array, array_size);
		ret = ask(ks_node_handle(file), ks_share_call_ext_controls, ext, size);
	} while (ret == -EFAULT && !present && ks_node_calls_again(ext) &&
		 ++attempt < KS_NODE_ATTEMPTS);
	memcpy(array, ext->control, array_size);
	*controls = ext->controls;
	controls->controls = array;
	kvfree(ext);
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

static int ks_node_subscribe(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	struct ks_share_handle *handle = container_of(fh, struct ks_share_handle, fh);
	struct v4l2_event_subscription copy = *sub;

	if (!handle->share->relays || sub->type != V4L2_EVENT_CTRL)
		return -EINVAL;
	return ks_share_ask(handle, ks_share_subscribe, &copy, sizeof(copy));
}

static int ks_node_unsubscribe(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	struct ks_share_handle *handle = container_of(fh, struct ks_share_handle, fh);
	struct v4l2_event_subscription copy = *sub;

	return ks_share_ask(handle, ks_share_unsubscribe, &copy, sizeof(copy));
}

static const struct v4l2_ioctl_ops ks_node_ops = {
	.vidioc_querycap = ks_node_querycap,
	.vidioc_enum_fmt_vid_cap = ks_node_enum_fmt,
	.vidioc_enum_framesizes = ks_node_enum_framesizes,
	.vidioc_enum_frameintervals = ks_node_enum_frameintervals,
	.vidioc_g_fmt_vid_cap = ks_node_g_fmt,
	.vidioc_g_fmt_vid_cap_mplane = ks_node_g_fmt,
	.vidioc_try_fmt_vid_cap = ks_node_try_fmt,
	.vidioc_try_fmt_vid_cap_mplane = ks_node_try_fmt,
	.vidioc_s_fmt_vid_cap = ks_node_s_fmt,
	.vidioc_s_fmt_vid_cap_mplane = ks_node_s_fmt,
	.vidioc_g_parm = ks_node_g_parm,
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
	.vidioc_query_ext_ctrl = ks_node_query_ext_ctrl,
	.vidioc_g_ext_ctrls = ks_node_g_ext_ctrls,
	.vidioc_s_ext_ctrls = ks_node_s_ext_ctrls,
	.vidioc_try_ext_ctrls = ks_node_try_ext_ctrls,
	.vidioc_subscribe_event = ks_node_subscribe,
	.vidioc_unsubscribe_event = ks_node_unsubscribe,
};

static int ks_node_get_card(struct ks_v4l2_device *camera, char *card, size_t size)
{
	struct v4l2_capability cap = {};
	int ret;

	ret = ks_v4l2_lock_device(camera);
	if (ret)
		return ret;
	ret = ks_v4l2_check(camera, VIDIOC_QUERYCAP) ?:
	      camera->vdev->ioctl_ops->vidioc_querycap(camera->file, camera->file->private_data,
						       &cap);
	ks_v4l2_unlock_device(camera);
	snprintf(card, size, "%.*s" KS_NODE_SUFFIX,
		 (int)(sizeof(cap.card) - sizeof(KS_NODE_SUFFIX)), cap.card);
	return ret;
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
	ks_share_events_init(share);
	return ks_node_get_card(share->camera, vdev->name, sizeof(vdev->name));
}

/* Undoes ks_share_node_init(). The node is unregistered */
void ks_share_node_exit(struct ks_share *share)
{
	ks_share_events_exit(share);
}
