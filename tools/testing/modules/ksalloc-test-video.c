// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4L2 capture nodes for tests of ksalloc. Each behaves like a kind of driver. Debian's kernels
 * have no simulated device of these kinds. The node of a kind has the name "ksalloc-test-<kind>".
 *
 * All nodes have one fixed format. The first word of a filled frame is its sequence number.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-device.h>
#include <media/v4l2-event.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-vmalloc.h>

#define TEST_WIDTH 64
#define TEST_HEIGHT 36
#define TEST_LINE (TEST_WIDTH * 2)
#define TEST_SIZE (TEST_LINE * TEST_HEIGHT)
#define TEST_PERIOD_MS 10

#define TEST_CAPTURES (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING)

/**
 * struct test_kind - a kind of driver
 * @name: its name
 * @caps: V4L2_CAP_* of the node
 * @io_modes: VB2_* of the queue
 * @exports: has VIDIOC_EXPBUF
 * @once: allows only one open file
 * @has_no_queue: does not set vdev->queue, and has its own operations, without
 *	VIDIOC_PREPARE_BUF
 * @fills_all: fills whole buffers, as a driver whose device sends too much
 * @has_control: has V4L2_CID_BRIGHTNESS
 * @marks: see test_mark()
 * @frames: number of frames that it fills in each stream, or 0 for no limit
 * @ends: the last frame has V4L2_BUF_FLAG_LAST
 * @keeps_queue: VIDIOC_STREAMOFF does nothing while the device does not stream
 * @max_buffers: maximum number of buffers of VIDIOC_REQBUFS, or 0 for that of videobuf2
 * @start_error: error of the start of the stream, or 0
 */
struct test_kind {
	const char *name;
	u32 caps;
	unsigned int io_modes;
	bool exports;
	bool once;
	bool has_no_queue;
	bool fills_all;
	bool has_control;
	bool marks;
	unsigned int frames;
	bool ends;
	bool keeps_queue;
	unsigned int max_buffers;
	int start_error;
};

static const struct test_kind test_kinds[] = {
	{ "plain", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true, .has_control = true },
	{ "once", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true, .once = true },
	{ "no-queue", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true,
	  .has_no_queue = true },
	{ "fills-all", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true,
	  .fills_all = true },
	{ "no-import", TEST_CAPTURES, VB2_MMAP, true },
	{ "no-export", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, false },
	{ "no-dmabuf", TEST_CAPTURES, VB2_MMAP, false },
	{ "no-queue-no-import", TEST_CAPTURES, VB2_MMAP, true,
	  .has_no_queue = true },
	{ "no-queue-four", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true,
	  .has_no_queue = true, .max_buffers = 4 },
	{ "keeps-queue", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true,
	  .has_no_queue = true, .keeps_queue = true },
	{ "no-queue-no-dmabuf", TEST_CAPTURES, VB2_MMAP, false,
	  .has_no_queue = true },
	{ "marks", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true, .marks = true },
	{ "two-frames", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true, .has_control = true,
	  .frames = 2 },
	{ "four-frames", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true, .has_control = true,
	  .frames = 4 },
	{ "ends", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true, .frames = 2, .ends = true },
	{ "read", V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE, VB2_READ, false },
	{ "epipe", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true,
	  .start_error = -EPIPE },
	{ "enolink", TEST_CAPTURES, VB2_MMAP | VB2_DMABUF, true,
	  .start_error = -ENOLINK },
};

/**
 * struct test_video - a node
 * @vdev: the node
 * @kind: the kind of driver
 * @controls: the controls of @vdev
 * @registered: @vdev is registered
 * @opened: the open file of a node that allows one; protected by @lock
 * @lock: lock of @vdev and @queue
 * @queue: queue of buffers
 * @owner: the file that has buffers; used only without vdev->queue. Protected by @lock
 * @work: fills a buffer
 * @sequence: number of the next frame; used by @work
 * @buffers_lock: protects @buffers
 * @buffers: buffers to fill, in order
 */
struct test_video {
	struct video_device vdev;
	const struct test_kind *kind;
	struct v4l2_ctrl_handler controls;
	bool registered;
	struct file *opened;
	struct mutex lock; /* the node */
	struct vb2_queue queue;
	struct file *owner;
	struct delayed_work work;
	u32 sequence;
	spinlock_t buffers_lock; /* buffers */
	struct list_head buffers;
};

/**
 * struct test_buffer - a buffer
 * @vb: the buffer of videobuf2
 * @link: on &test_video.buffers
 */
struct test_buffer {
	struct vb2_v4l2_buffer vb;
	struct list_head link;
};

static struct platform_device *test_parent;
static struct v4l2_device test_v4l2;
static struct test_video test_videos[ARRAY_SIZE(test_kinds)];

/* The buffers */

static struct test_buffer *test_next_buffer(struct test_video *video)
{
	struct test_buffer *buffer;
	unsigned long flags;

	spin_lock_irqsave(&video->buffers_lock, flags);
	buffer = list_first_entry_or_null(&video->buffers, struct test_buffer,
					  link);
	if (buffer)
		list_del(&buffer->link);
	spin_unlock_irqrestore(&video->buffers_lock, flags);
	return buffer;
}

static void test_return_buffers(struct test_video *video,
				enum vb2_buffer_state state)
{
	struct test_buffer *buffer;

	while ((buffer = test_next_buffer(video)))
		vb2_buffer_done(&buffer->vb.vb2_buf, state);
}

/*
 * Each buffer is a field. Of three, the first one is a key frame, and the second one is damaged.
 * The third one does not say which field it is
 */
static enum vb2_buffer_state test_mark(struct vb2_v4l2_buffer *vb)
{
	switch (vb->sequence % 3) {
	case 0:
		vb->field = V4L2_FIELD_TOP;
		vb->flags |= V4L2_BUF_FLAG_KEYFRAME;
		return VB2_BUF_STATE_DONE;
	case 1:
		vb->field = V4L2_FIELD_BOTTOM;
		return VB2_BUF_STATE_ERROR;
	default:
		return VB2_BUF_STATE_DONE;
	}
}

static void test_fill(struct work_struct *work)
{
	struct test_video *video = container_of(to_delayed_work(work),
						struct test_video, work);
	const unsigned int frames = video->kind->frames;
	enum vb2_buffer_state state = VB2_BUF_STATE_DONE;
	struct test_buffer *buffer;
	u32 *data;

	if (frames && video->sequence == frames)
		return;
	schedule_delayed_work(&video->work, msecs_to_jiffies(TEST_PERIOD_MS));
	buffer = test_next_buffer(video);
	if (!buffer)
		return;
	data = vb2_plane_vaddr(&buffer->vb.vb2_buf, 0);
	if (data && video->kind->fills_all)
		memset(data, 0xff, vb2_plane_size(&buffer->vb.vb2_buf, 0));
	if (data)
		data[0] = video->sequence;
	buffer->vb.sequence = video->sequence++;
	buffer->vb.field = V4L2_FIELD_NONE;
	buffer->vb.vb2_buf.timestamp = ktime_get_ns();
	vb2_set_plane_payload(&buffer->vb.vb2_buf, 0, TEST_SIZE);
	if (video->kind->marks)
		state = test_mark(&buffer->vb);
	if (video->kind->ends && video->sequence == frames)
		buffer->vb.flags |= V4L2_BUF_FLAG_LAST;
	vb2_buffer_done(&buffer->vb.vb2_buf, data ? state : VB2_BUF_STATE_ERROR);
}

static int test_queue_setup(struct vb2_queue *queue, unsigned int *nr_buffers,
			    unsigned int *nr_planes, unsigned int sizes[],
			    struct device *devices[])
{
	const struct test_video *video = vb2_get_drv_priv(queue);

	if (*nr_planes)
		return sizes[0] < TEST_SIZE ? -EINVAL : 0;
	if (video->kind->max_buffers)
		*nr_buffers = min(*nr_buffers, video->kind->max_buffers);
	*nr_planes = 1;
	sizes[0] = TEST_SIZE;
	return 0;
}

static int test_buf_prepare(struct vb2_buffer *vb)
{
	return vb2_plane_size(vb, 0) < TEST_SIZE ? -EINVAL : 0;
}

static void test_buf_queue(struct vb2_buffer *vb)
{
	struct test_buffer *buffer =
		container_of(to_vb2_v4l2_buffer(vb), struct test_buffer, vb);
	struct test_video *video = vb2_get_drv_priv(vb->vb2_queue);
	unsigned long flags;

	spin_lock_irqsave(&video->buffers_lock, flags);
	list_add_tail(&buffer->link, &video->buffers);
	spin_unlock_irqrestore(&video->buffers_lock, flags);
}

static int test_start_streaming(struct vb2_queue *queue, unsigned int count)
{
	struct test_video *video = vb2_get_drv_priv(queue);

	if (video->kind->start_error) {
		test_return_buffers(video, VB2_BUF_STATE_QUEUED);
		return video->kind->start_error;
	}
	video->sequence = 0;
	schedule_delayed_work(&video->work, 0);
	return 0;
}

static void test_stop_streaming(struct vb2_queue *queue)
{
	struct test_video *video = vb2_get_drv_priv(queue);

	cancel_delayed_work_sync(&video->work);
	test_return_buffers(video, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops test_queue_ops = {
	.queue_setup = test_queue_setup,
	.buf_prepare = test_buf_prepare,
	.buf_queue = test_buf_queue,
	.start_streaming = test_start_streaming,
	.stop_streaming = test_stop_streaming,
};

/* Operations of all nodes */

static int test_querycap(struct file *file, void *fh,
			 struct v4l2_capability *cap)
{
	strscpy(cap->driver, "ksalloc-test", sizeof(cap->driver));
	strscpy(cap->card, video_devdata(file)->name, sizeof(cap->card));
	return 0;
}

static int test_enum_fmt(struct file *file, void *fh, struct v4l2_fmtdesc *desc)
{
	if (desc->index)
		return -EINVAL;
	desc->pixelformat = V4L2_PIX_FMT_YUYV;
	return 0;
}

static int test_get_fmt(struct file *file, void *fh, struct v4l2_format *format)
{
	const struct test_video *video = video_drvdata(file);

	format->fmt.pix = (struct v4l2_pix_format){
		.width = TEST_WIDTH,
		.height = TEST_HEIGHT,
		.pixelformat = V4L2_PIX_FMT_YUYV,
		.field = video->kind->marks ? V4L2_FIELD_ALTERNATE : V4L2_FIELD_NONE,
		.bytesperline = TEST_LINE,
		.sizeimage = TEST_SIZE,
		.colorspace = V4L2_COLORSPACE_SRGB,
	};
	return 0;
}

/* While this is set, subscriptions to events wait, and a signal ends them, as in uvcvideo */
static bool test_hold_events;
static DECLARE_WAIT_QUEUE_HEAD(test_released_events);

static int test_set_hold_events(const char *value, const struct kernel_param *param)
{
	int ret = param_set_bool(value, param);

	wake_up_all(&test_released_events);
	return ret;
}

static const struct kernel_param_ops test_hold_events_ops = {
	.set = test_set_hold_events,
	.get = param_get_bool,
};
module_param_cb(hold_events, &test_hold_events_ops, &test_hold_events, 0600);
MODULE_PARM_DESC(hold_events, "Subscriptions to events wait");

static bool test_refuse_initial;
module_param_named(refuse_initial, test_refuse_initial, bool, 0600);
MODULE_PARM_DESC(refuse_initial, "Subscriptions with an initial event fail");

/* Only unregisters the node. Some drivers do not end the stream when their device disappears */
static int test_set_unregister(const char *value, const struct kernel_param *param)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(test_videos); i++) {
		if (sysfs_streq(value, test_kinds[i].name)) {
			video_unregister_device(&test_videos[i].vdev);
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops test_unregister_ops = {
	.set = test_set_unregister,
};
module_param_cb(unregister, &test_unregister_ops, NULL, 0200);
MODULE_PARM_DESC(unregister, "Unregisters the node of this kind");

static int test_subscribe_event(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	if (wait_event_interruptible(test_released_events, !READ_ONCE(test_hold_events)))
		return -EINTR;
	if (READ_ONCE(test_refuse_initial) && (sub->flags & V4L2_EVENT_SUB_FL_SEND_INITIAL))
		return -ENOMEM;
	return v4l2_ctrl_subscribe_event(fh, sub);
}

static const struct v4l2_ioctl_ops test_ioctl_ops = {
	.vidioc_querycap = test_querycap,
	.vidioc_enum_fmt_vid_cap = test_enum_fmt,
	.vidioc_g_fmt_vid_cap = test_get_fmt,
	.vidioc_s_fmt_vid_cap = test_get_fmt,
	.vidioc_try_fmt_vid_cap = test_get_fmt,
	.vidioc_reqbufs = vb2_ioctl_reqbufs,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_prepare_buf = vb2_ioctl_prepare_buf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
	.vidioc_subscribe_event = test_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};

static int test_open(struct file *file)
{
	struct test_video *video = video_drvdata(file);
	int ret = 0;

	mutex_lock(&video->lock);
	if (video->kind->once && video->opened)
		ret = -EBUSY;
	else
		ret = v4l2_fh_open(file);
	if (!ret)
		video->opened = file;
	mutex_unlock(&video->lock);
	return ret;
}

static int test_release(struct file *file)
{
	struct test_video *video = video_drvdata(file);

	mutex_lock(&video->lock);
	if (video->opened == file)
		video->opened = NULL;
	mutex_unlock(&video->lock);
	return vb2_fop_release(file);
}

static const struct v4l2_file_operations test_fops = {
	.owner = THIS_MODULE,
	.open = test_open,
	.release = test_release,
	.read = vb2_fop_read,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
	.unlocked_ioctl = video_ioctl2,
};

/* Operations of nodes without vdev->queue. The V4L2 core takes no lock for them */

/* Takes the lock; fails if another file has buffers */
static int test_begin(struct test_video *video, struct file *file)
{
	mutex_lock(&video->lock);
	if (!video->owner || video->owner == file)
		return 0;
	mutex_unlock(&video->lock);
	return -EBUSY;
}

static int test_end(struct test_video *video, int ret)
{
	mutex_unlock(&video->lock);
	return ret;
}

/* After so many calls of VIDIOC_REQBUFS, there is memory for one buffer only. Negative: never */
static int test_few_after = -1;
module_param_named(few_after, test_few_after, int, 0600);
MODULE_PARM_DESC(few_after, "Calls before there is memory for one buffer only");

/* Whether there is memory for one buffer only */
static bool test_has_few(void)
{
	const int after = READ_ONCE(test_few_after);

	if (after > 0)
		WRITE_ONCE(test_few_after, after - 1);
	return !after;
}

static int test_reqbufs(struct file *file, void *fh,
			struct v4l2_requestbuffers *request)
{
	struct test_video *video = video_drvdata(file);
	int ret;

	ret = test_begin(video, file);
	if (ret)
		return ret;
	if (request->count && test_has_few())
		request->count = 1;
	ret = vb2_reqbufs(&video->queue, request);
	if (!ret)
		video->owner = request->count ? file : NULL;
	return test_end(video, ret);
}

static int test_querybuf(struct file *file, void *fh,
			 struct v4l2_buffer *buffer)
{
	struct test_video *video = video_drvdata(file);

	return test_begin(video, file) ?:
	       test_end(video, vb2_querybuf(&video->queue, buffer));
}

static int test_qbuf(struct file *file, void *fh, struct v4l2_buffer *buffer)
{
	struct test_video *video = video_drvdata(file);

	return test_begin(video, file) ?:
	       test_end(video, vb2_qbuf(&video->queue, NULL, buffer));
}

/* A blocking call would wait with the lock held, so it is refused */
static int test_dqbuf(struct file *file, void *fh, struct v4l2_buffer *buffer)
{
	struct test_video *video = video_drvdata(file);

	if (!(file->f_flags & O_NONBLOCK))
		return -EOPNOTSUPP;
	return test_begin(video, file) ?:
	       test_end(video, vb2_dqbuf(&video->queue, buffer, true));
}

static int test_expbuf(struct file *file, void *fh,
		       struct v4l2_exportbuffer *export)
{
	struct test_video *video = video_drvdata(file);

	return test_begin(video, file) ?:
	       test_end(video, vb2_expbuf(&video->queue, export));
}

static int test_streamon(struct file *file, void *fh, enum v4l2_buf_type type)
{
	struct test_video *video = video_drvdata(file);

	return test_begin(video, file) ?:
	       test_end(video, vb2_streamon(&video->queue, type));
}

static int test_streamoff(struct file *file, void *fh, enum v4l2_buf_type type)
{
	struct test_video *video = video_drvdata(file);

	if (video->kind->keeps_queue && !vb2_is_streaming(&video->queue))
		return 0;
	return test_begin(video, file) ?:
	       test_end(video, vb2_streamoff(&video->queue, type));
}

static const struct v4l2_ioctl_ops test_own_ioctl_ops = {
	.vidioc_querycap = test_querycap,
	.vidioc_enum_fmt_vid_cap = test_enum_fmt,
	.vidioc_g_fmt_vid_cap = test_get_fmt,
	.vidioc_s_fmt_vid_cap = test_get_fmt,
	.vidioc_try_fmt_vid_cap = test_get_fmt,
	.vidioc_reqbufs = test_reqbufs,
	.vidioc_querybuf = test_querybuf,
	.vidioc_qbuf = test_qbuf,
	.vidioc_dqbuf = test_dqbuf,
	.vidioc_expbuf = test_expbuf,
	.vidioc_streamon = test_streamon,
	.vidioc_streamoff = test_streamoff,
};

static int test_own_release(struct file *file)
{
	struct test_video *video = video_drvdata(file);

	mutex_lock(&video->lock);
	if (!video->owner || video->owner == file) {
		vb2_queue_release(&video->queue);
		video->owner = NULL;
	}
	mutex_unlock(&video->lock);
	return v4l2_fh_release(file);
}

static __poll_t test_own_poll(struct file *file, poll_table *wait)
{
	struct test_video *video = video_drvdata(file);
	__poll_t events;

	mutex_lock(&video->lock);
	events = vb2_poll(&video->queue, file, wait);
	mutex_unlock(&video->lock);
	return events;
}

static int test_own_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct test_video *video = video_drvdata(file);

	return vb2_mmap(&video->queue, vma);
}

static const struct v4l2_file_operations test_own_fops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = test_own_release,
	.poll = test_own_poll,
	.mmap = test_own_mmap,
	.unlocked_ioctl = video_ioctl2,
};

/* The nodes */

static int test_init_queue(struct test_video *video)
{
	struct vb2_queue *queue = &video->queue;

	queue->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	queue->io_modes = video->kind->io_modes;
	queue->drv_priv = video;
	queue->buf_struct_size = sizeof(struct test_buffer);
	queue->ops = &test_queue_ops;
	queue->mem_ops = &vb2_vmalloc_memops;
	queue->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	queue->lock = &video->lock;
	queue->dev = &test_parent->dev;
	return vb2_queue_init(queue);
}

#define TEST_TEXT (V4L2_CID_USER_BASE | 0x1001)

/* While this is set, the text is being set: a device that responds late */
static bool test_hold_text;
static DECLARE_WAIT_QUEUE_HEAD(test_released_text);

static int test_set_hold_text(const char *value, const struct kernel_param *param)
{
	int ret = param_set_bool(value, param);

	wake_up_all(&test_released_text);
	return ret;
}

static const struct kernel_param_ops test_hold_text_ops = {
	.set = test_set_hold_text,
	.get = param_get_bool,
};
module_param_cb(hold_text, &test_hold_text_ops, &test_hold_text, 0600);
MODULE_PARM_DESC(hold_text, "The control \"Text\" cannot be set yet");

static int test_set_control(struct v4l2_ctrl *control)
{
	if (control->id == TEST_TEXT)
		wait_event(test_released_text, !READ_ONCE(test_hold_text));
	return 0;
}

static const struct v4l2_ctrl_ops test_control_ops = {
	.s_ctrl = test_set_control,
};

static int test_init_controls(struct test_video *video)
{
	static const struct v4l2_ctrl_config text = {
		.ops = &test_control_ops,
		.id = TEST_TEXT,
		.name = "Text",
		.type = V4L2_CTRL_TYPE_STRING,
		.max = 4,
		.step = 1,
	};

	v4l2_ctrl_handler_init(&video->controls, 2);
	v4l2_ctrl_new_custom(&video->controls, &text, NULL);
	v4l2_ctrl_new_std(&video->controls, &test_control_ops, V4L2_CID_BRIGHTNESS, 0, 255, 1, 127);
	video->vdev.ctrl_handler = &video->controls;
	return video->controls.error;
}

static int test_register(struct test_video *video, const struct test_kind *kind)
{
	struct video_device *vdev = &video->vdev;
	int ret;

	video->kind = kind;
	mutex_init(&video->lock);
	INIT_DELAYED_WORK(&video->work, test_fill);
	spin_lock_init(&video->buffers_lock);
	INIT_LIST_HEAD(&video->buffers);
	ret = test_init_queue(video);
	if (ret)
		return ret;
	if (kind->has_control) {
		ret = test_init_controls(video);
		if (ret)
			return ret;
	}

	snprintf(vdev->name, sizeof(vdev->name), "ksalloc-test-%s", kind->name);
	vdev->v4l2_dev = &test_v4l2;
	vdev->release = video_device_release_empty;
	vdev->device_caps = kind->caps;
	if (kind->has_no_queue) {
		vdev->fops = &test_own_fops;
		vdev->ioctl_ops = &test_own_ioctl_ops;
	} else {
		vdev->fops = &test_fops;
		vdev->ioctl_ops = &test_ioctl_ops;
		vdev->queue = &video->queue;
		vdev->lock = &video->lock;
	}
	if (!kind->exports)
		v4l2_disable_ioctl(vdev, VIDIOC_EXPBUF);
	video_set_drvdata(vdev, video);
	ret = video_register_device(vdev, VFL_TYPE_VIDEO, -1);
	video->registered = !ret;
	return ret;
}

/* Without buffers, videobuf2 still has an array, which only vb2_queue_release() frees */
static void test_unregister(struct test_video *video)
{
	if (video->registered) {
		video_unregister_device(&video->vdev);
		mutex_lock(&video->lock);
		vb2_queue_release(&video->queue);
		mutex_unlock(&video->lock);
	}
	/* Does nothing if there are no controls */
	v4l2_ctrl_handler_free(&video->controls);
}

static void test_unregister_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(test_videos); i++)
		test_unregister(&test_videos[i]);
	v4l2_device_unregister(&test_v4l2);
	platform_device_unregister(test_parent);
}

static int __init test_video_init(void)
{
	unsigned int i;
	int ret;

	test_parent = platform_device_register_simple("ksalloc-test-video", -1,
						      NULL, 0);
	if (IS_ERR(test_parent))
		return PTR_ERR(test_parent);
	/* Without a name, the name of a driver would be used, and there is none */
	strscpy(test_v4l2.name, "ksalloc-test-video", sizeof(test_v4l2.name));
	ret = v4l2_device_register(&test_parent->dev, &test_v4l2);
	if (ret) {
		platform_device_unregister(test_parent);
		return ret;
	}
	for (i = 0; i < ARRAY_SIZE(test_kinds) && !ret; i++)
		ret = test_register(&test_videos[i], &test_kinds[i]);
	if (ret)
		test_unregister_all();
	return ret;
}
module_init(test_video_init);

static void __exit test_video_exit(void)
{
	test_unregister_all();
}
module_exit(test_video_exit);

MODULE_DESCRIPTION("V4L2 capture nodes for tests of ksalloc");
MODULE_LICENSE("GPL");
/* Taints the kernel */
MODULE_INFO(test, "Y");
