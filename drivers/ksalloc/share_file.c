// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of KSALLOC_SHARE: the start and the end of a share. share.h describes the rules.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "connection.h"
#include "ioctl.h"
#include "share.h"
#include "v4l2.h"

/* Default number of frames. OpenCV overruns an array if it gets more than ten buffers */
#define KS_SHARE_FRAMES 10

/* Maximum number of nodes of a camera. Those of ended shares count while they are open */
#define KS_SHARE_NODES 8

/* The ioctls of the camera that the node uses, in addition to those of a connection */
static const unsigned int ks_share_used[] = {
	VIDIOC_QUERYCAP, VIDIOC_ENUM_FMT, VIDIOC_S_FMT, VIDIOC_TRY_FMT, VIDIOC_S_PARM,
	VIDIOC_ENUM_FRAMEINTERVALS, VIDIOC_ENUMINPUT, VIDIOC_G_INPUT, VIDIOC_QUERYCTRL,
	VIDIOC_QUERY_EXT_CTRL, VIDIOC_QUERYMENU, VIDIOC_G_CTRL, VIDIOC_S_CTRL,
	VIDIOC_G_EXT_CTRLS, VIDIOC_S_EXT_CTRLS, VIDIOC_TRY_EXT_CTRLS, VIDIOC_SUBSCRIBE_EVENT,
	VIDIOC_UNSUBSCRIBE_EVENT, VIDIOC_DQEVENT,
};

/*
 * ks_shares has the shares with references, ks_shares_freed those whose free_work has not ended.
 * ks_shares_lock protects both
 */
static LIST_HEAD(ks_shares);
static LIST_HEAD(ks_shares_freed);
static DEFINE_SPINLOCK(ks_shares_lock);
static DECLARE_WAIT_QUEUE_HEAD(ks_shares_wait);

/* For free_work. It freezes, so that no file of a camera is closed during suspend */
static struct workqueue_struct *ks_shares_wq;

/* -ENOMEM */
int __init ks_shares_init(void)
{
	ks_shares_wq = alloc_workqueue("ksalloc-free", WQ_UNBOUND | WQ_FREEZABLE, 0);
	return ks_shares_wq ? 0 : -ENOMEM;
}

/* Called before ks_connection_exit(), when there is no file of this module */
void ks_shares_exit(void)
{
	destroy_workqueue(ks_shares_wq);
}

/* Unregisters the node, and stops the camera. Can be called twice */
static void ks_share_file_end(struct ks_share *share)
{
	video_unregister_device(&share->vdev);
	ks_share_end(share);
}

/*
 * Waits for ks_share.lock and for the locks of the driver. A camera has one share that has not
 * ended, so at most one such work item waits for each camera.
 */
static void ks_share_gone_work(struct work_struct *work)
{
	ks_share_file_end(container_of(work, struct ks_share, gone_work));
}

static int ks_share_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
			 void *key)
{
	struct ks_share *share = container_of(entry, struct ks_share, gone_wait);

	/* The work wakes this queue, too */
	if (READ_ONCE(share->conn->feed.ended) && !READ_ONCE(share->ended))
		ks_connection_queue_work(&share->gone_work);
	return 0;
}

static void ks_share_free_work(struct work_struct *work)
{
	struct ks_share *share = container_of(work, struct ks_share, free_work);

	v4l2_device_unregister(&share->v4l2_dev);
	if (share->conn)
		ks_connection_put_memory(share->conn);
	ks_v4l2_put(share->camera);
	ks_share_calls_exit(share);
	mutex_destroy(&share->relay_lock);
	mutex_destroy(&share->event_lock);
	mutex_destroy(&share->lock);

	spin_lock(&ks_shares_lock);
	list_del(&share->link);
	spin_unlock(&ks_shares_lock);
	wake_up_all(&ks_shares_wait);
	kfree(share);
}

/*
 * Called when the last reference to the share is dropped, also by a program on the node. The
 * release of the camera's file takes locks of the driver, so a work item does that
 */
static void ks_share_free(struct v4l2_device *v4l2_dev)
{
	struct ks_share *share = container_of(v4l2_dev, struct ks_share, v4l2_dev);

	spin_lock(&ks_shares_lock);
	list_move(&share->link, &ks_shares_freed);
	spin_unlock(&ks_shares_lock);
	queue_work(ks_shares_wq, &share->free_work);
}

static bool ks_share_is_being_freed(u32 id)
{
	const struct ks_share *share;
	bool found = false;

	spin_lock(&ks_shares_lock);
	list_for_each_entry(share, &ks_shares_freed, link)
		found |= share->id == id;
	spin_unlock(&ks_shares_lock);
	return found;
}

/* Drops a reference. If it was the last one, waits until the share does not use the camera */
static void ks_share_put(struct ks_share *share)
{
	const u32 id = share->id;

	v4l2_device_put(&share->v4l2_dev);
	wait_event(ks_shares_wait, !ks_share_is_being_freed(id));
}

static int ks_share_release(struct inode *inode, struct file *file)
{
	struct ks_share *share = file->private_data;

	remove_wait_queue(&share->conn->feed.wait, &share->gone_wait);
	cancel_work_sync(&share->gone_work);
	ks_share_file_end(share);
	ks_share_node_exit(share);
	fput(share->file);
	ks_share_put(share);
	return 0;
}

#ifdef CONFIG_PROC_FS
static void ks_share_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct ks_share *share = file->private_data;

	seq_puts(m, "ksalloc:\tshare\n");
	seq_printf(m, "connection:\t%u\n", share->conn->id);
	seq_printf(m, "device:\t%s\n", video_device_node_name(share->camera->vdev));
	/* The name of the node is freed with its last file, but the share is not */
	seq_printf(m, "node:\tvideo%d\n", share->vdev.num);
	seq_printf(m, "users:\t%u\n", READ_ONCE(share->users));
	seq_printf(m, "streams:\t%u\n", READ_ONCE(share->streams));
	ks_share_show_programs(m, share);
}
#endif

static const struct file_operations ks_share_fops = {
	.owner = THIS_MODULE,
	.release = ks_share_release,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = ks_share_show_fdinfo,
#endif
};

/*
 * Minor numbers of V4L2 nodes are few, and those of ended shares are in use while a handle is open.
 * So a camera has one share that has not ended, and a limited number of nodes.
 */
static bool ks_share_admit(struct ks_share *share, struct ks_v4l2_device *camera)
{
	const struct ks_share *other;
	bool admitted = true;
	u32 nodes = 0;

	spin_lock(&ks_shares_lock);
	list_for_each_entry(other, &ks_shares, link)
		if (other->camera->vdev == camera->vdev &&
		    (!READ_ONCE(other->ended) || ++nodes == KS_SHARE_NODES))
			admitted = false;
	if (admitted) {
		share->camera = ks_v4l2_get(camera);
		list_add(&share->link, &ks_shares);
	}
	spin_unlock(&ks_shares_lock);
	return admitted;
}

/*
 * Returns 0 if the security modules permit the caller what the node lets other programs do; or an
 * errno. They see the calls of these programs as calls on the node only
 */
static int ks_share_check_security(const struct ks_v4l2_device *camera)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(ks_share_used) && !ret; i++)
		ret = security_file_ioctl(camera->file, ks_share_used[i], 0);
	return ret;
}

static struct ks_share *ks_share_new(struct ksalloc_device *device, u32 frames)
{
	struct ks_v4l2_device *camera = ks_v4l2_device_of(device);
	struct ks_share *share;
	int ret;

	if (!ks_v4l2_has_memory(camera))
		return ERR_PTR(-EOPNOTSUPP);
	ret = ks_share_check_security(camera);
	if (ret)
		return ERR_PTR(ret);
	share = kzalloc(sizeof(*share), GFP_KERNEL_ACCOUNT);
	if (!share)
		return ERR_PTR(-ENOMEM);
	if (!ks_share_admit(share, camera)) {
		kfree(share);
		return ERR_PTR(-EBUSY);
	}
	mutex_init(&share->lock);
	mutex_init(&share->event_lock);
	mutex_init(&share->relay_lock);
	share->asked = frames ?: KS_SHARE_FRAMES;
	init_waitqueue_func_entry(&share->gone_wait, ks_share_wake);
	INIT_WORK(&share->gone_work, ks_share_gone_work);
	INIT_WORK(&share->free_work, ks_share_free_work);
	share->id = ks_new_id();
	ks_program_set(&share->program);
	strscpy(share->v4l2_dev.name, "ksalloc", sizeof(share->v4l2_dev.name));
	share->v4l2_dev.release = ks_share_free;
	/* Without a parent, it only fails if there is no name */
	WARN_ON(v4l2_device_register(NULL, &share->v4l2_dev));
	ret = ks_share_calls_init(share);
	if (!ret)
		return share;
	ks_share_put(share);
	return ERR_PTR(ret);
}

/* Consumes @device, even on failure. The caller keeps its reference to the share */
static struct file *ks_share_connect(struct ks_share *share,
				     struct ksalloc_device *device)
{
	struct file *file;

	share->file = ksalloc_connect(device);
	if (IS_ERR(share->file))
		return share->file;
	share->conn = ks_connection_of(share->file);
	share->conn->program = &share->program;
	kref_get(&share->conn->memory);
	file = anon_inode_getfile("[ksalloc-share]", &ks_share_fops, share, O_RDWR);
	if (IS_ERR(file))
		fput(share->file);
	else
		add_wait_queue(&share->conn->feed.wait, &share->gone_wait);
	return file;
}

/*
 * If the camera disappears before the node is registered, ks_share_gone_work() may have run too
 * early. So check again after the registration. ks_feed_gone() sets ks_feed.ended with the lock
 * held, and then wakes @gone_wait. So either this sees @ended, or the wake-up comes later.
 */
static int ks_share_register(struct ks_share *share)
{
	struct ks_feed *feed = &share->conn->feed;
	bool ended;
	int ret;

	ret = ks_share_node_init(share) ?:
	      video_register_device(&share->vdev, VFL_TYPE_VIDEO, -1);
	if (ret)
		return ret;
	spin_lock(&feed->lock);
	ended = feed->ended;
	spin_unlock(&feed->lock);
	if (ended)
		ks_connection_queue_work(&share->gone_work);
	return 0;
}

/*
 * Makes a share of the camera of the caller's descriptor, and sets @node to N of its
 * /dev/videoN. @frames is 0 for the default. Returns an open file of the share.
 */
struct file *ks_share_open(int v4l2_fd, u32 frames, u32 *node)
{
	struct ksalloc_device *device;
	struct ks_share *share;
	struct file *file;
	int ret;

	device = ks_v4l2_create(v4l2_fd);
	if (IS_ERR(device))
		return ERR_CAST(device);
	share = ks_share_new(device, frames);
	if (IS_ERR(share)) {
		device->ops->destroy(device);
		return ERR_CAST(share);
	}
	file = ks_share_connect(share, device);
	if (IS_ERR(file)) {
		ks_share_put(share);
		return file;
	}
	ret = ks_share_register(share);
	if (ret) {
		fput(file);
		return ERR_PTR(ret);
	}
	*node = share->vdev.num;
	return file;
}
