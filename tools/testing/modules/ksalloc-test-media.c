// SPDX-License-Identifier: GPL-2.0-only
/*
 * While this module is loaded, a thread holds req_queue_mutex of the media device of a V4L2 node,
 * as a task that queues a media request does. The V4L2 core takes this mutex for VIDIOC_STREAMON
 * and VIDIOC_STREAMOFF, too.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <media/media-device.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>

static char *node;
module_param(node, charp, 0444);
MODULE_PARM_DESC(node, "path of the V4L2 node");

static struct file *test_file;
static struct task_struct *test_task;
static DECLARE_COMPLETION(test_held);
static DECLARE_WAIT_QUEUE_HEAD(test_wait);

static int test_hold(void *data)
{
	struct media_device *mdev = data;

	mutex_lock(&mdev->req_queue_mutex);
	complete(&test_held);
	wait_event_idle(test_wait, kthread_should_stop());
	mutex_unlock(&mdev->req_queue_mutex);
	return 0;
}

static int __init test_media_init(void)
{
	struct v4l2_device *v4l2_dev;

	if (!node)
		return -EINVAL;
	test_file = filp_open(node, O_RDWR, 0);
	if (IS_ERR(test_file))
		return PTR_ERR(test_file);
	v4l2_dev = video_devdata(test_file)->v4l2_dev;
	if (!v4l2_device_supports_requests(v4l2_dev)) {
		fput(test_file);
		return -EOPNOTSUPP;
	}
	test_task = kthread_run(test_hold, v4l2_dev->mdev, "ksalloc-test-media");
	if (IS_ERR(test_task)) {
		fput(test_file);
		return PTR_ERR(test_task);
	}
	wait_for_completion(&test_held);
	return 0;
}
module_init(test_media_init);

static void __exit test_media_exit(void)
{
	kthread_stop(test_task);
	/* The driver of the node can be unloaded after this */
	__fput_sync(test_file);
}
module_exit(test_media_exit);

MODULE_DESCRIPTION("Holds the mutex for requests of a media device");
MODULE_LICENSE("GPL");
/* Taints the kernel */
MODULE_INFO(test, "Y");
