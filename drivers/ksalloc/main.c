// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module and /dev/ksalloc, which makes connections to V4L2 devices and shares of them.
 */
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>

#include "connection.h"
#include "ioctl.h"
#include "reader.h"
#include "share.h"
#include "v4l2.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int ks_connect_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_connect *arg = &ucmd->arg.connect;
	struct ksalloc_device *device;

	if (arg->__reserved)
		return -EINVAL;
	device = ks_v4l2_create(arg->v4l2_fd);
	if (IS_ERR(device))
		return PTR_ERR(device);

	return ks_install(ksalloc_connect(device));
}

static int ks_share_ioctl(struct ks_ucmd *ucmd)
{
	struct ksalloc_share *arg = &ucmd->arg.share;
	struct file *file;
	int fd, ret;

	if (arg->__reserved || arg->frames > VIDEO_MAX_FRAME)
		return -EINVAL;
	/* First, so that nothing can fail after the reply */
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = ks_share_open(arg->v4l2_fd, arg->frames, &arg->node);
	ret = PTR_ERR_OR_ZERO(file);
	if (ret)
		goto err_fd;
	ret = ks_reply(ucmd, sizeof(*arg));
	if (ret)
		goto err_file;
	fd_install(fd, file);
	return fd;

err_file:
	fput(file);
err_fd:
	put_unused_fd(fd);
	return ret;
}

static const struct ks_ioctl ks_misc_ioctls[] = {
	KS_IOCTL(CONNECT, connect, __reserved, 0,
		 ks_connect_ioctl),
	KS_IOCTL(SHARE, share, __reserved, 0, ks_share_ioctl),
};

static long ks_misc_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	return ks_ioctl(file, cmd, arg, ks_misc_ioctls,
			ARRAY_SIZE(ks_misc_ioctls));
}

#ifdef CONFIG_PROC_FS
static void ks_misc_show_fdinfo(struct seq_file *m, struct file *file)
{
	seq_puts(m, "ksalloc:\tdevice\n");
	seq_printf(m, "version:\t%s\n", THIS_MODULE->version);
}
#endif

static const struct file_operations ks_misc_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = ks_misc_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = ks_misc_show_fdinfo,
#endif
};

static struct miscdevice ks_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ksalloc",
	.fops = &ks_misc_fops,
	.mode = 0660,
};

static int __init ks_init(void)
{
	int ret;

	ret = ks_connection_init();
	if (ret)
		return ret;
	ret = ks_shares_init();
	if (ret)
		goto err_connection;
	ret = ks_suspend_init();
	if (ret)
		goto err_shares;
	ks_v4l2_init();
	ret = misc_register(&ks_misc);
	if (ret)
		goto err_suspend;
	return 0;

err_suspend:
	ks_suspend_exit();
err_shares:
	ks_shares_exit();
err_connection:
	ks_connection_exit();
	return ret;
}
module_init(ks_init);

static void __exit ks_exit(void)
{
	misc_deregister(&ks_misc);
	ks_shares_exit();
	ks_connection_exit();
	ks_v4l2_exit();
	ks_suspend_exit();
	/* Functions of this module free events after a grace period */
	rcu_barrier();
}
module_exit(ks_exit);

MODULE_DESCRIPTION("Kernel Streaming allocator objects for V4L2 capture devices");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
