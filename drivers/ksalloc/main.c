// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device /dev/ksalloc, and the way into and out of every ioctl.
 *
 * Each kind of file has a table of its ioctls. ks_ioctl() finds the entry,
 * copies the argument in by the rules of the ABI header (extensible by size,
 * unknown flags refused) and calls the handler, which works on the kernel's
 * copy; a handler with results to write ends with ks_reply(), and keeps nothing
 * where that fails.
 */
#include <linux/atomic.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "ksalloc_priv.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/**
 * ks_new_id() - number a new object
 *
 * Context: any.
 * Return: a number for traces and fdinfo, unique until 2^32 objects were made.
 */
u32 ks_new_id(void)
{
	static atomic_t last = ATOMIC_INIT(0);

	return atomic_inc_return(&last);
}

/**
 * ks_ioctl() - run an ioctl from a file's table
 * @file: the file
 * @cmd: the ioctl's number
 * @uarg: the user's argument, a pointer to a structure that begins with its size
 * @table: what this kind of file can do
 * @entries: length of @table
 *
 * Context: process context, may sleep; no lock is held.
 * Return: what the handler returns; -ENOTTY for no such ioctl; -EFAULT, -EINVAL
 * and -E2BIG for an argument that breaks the rules of the ABI header.
 */
long ks_ioctl(struct file *file, unsigned int cmd, unsigned long uarg,
	      const struct ks_ioctl *table, unsigned int entries)
{
	unsigned int nr = _IOC_NR(cmd) & 0x0f;
	struct ks_ucmd ucmd;
	long ret;

	if (nr >= entries)
		return -ENOTTY;
	table += array_index_nospec(nr, entries);
	if (table->cmd != cmd)
		return -ENOTTY;

	ucmd.file = file;
	ucmd.uarg = (void __user *)uarg;
	if (get_user(ucmd.usize, (u32 __user *)uarg))
		return -EFAULT;
	if (ucmd.usize < table->min_size)
		return -EINVAL;
	if (ucmd.usize > PAGE_SIZE)
		return -E2BIG;

	ret = copy_struct_from_user(&ucmd.arg, table->size, ucmd.uarg,
				    ucmd.usize);
	if (ret)
		return ret;
	if (ucmd.arg.flags & ~table->flags)
		return -EINVAL;

	ret = table->fn(&ucmd);
	ks_close_strays();
	return ret;
}

/**
 * ks_reply() - write an ioctl's argument back to the caller
 * @ucmd: the call
 * @size: size of the argument as the module knows it
 *
 * Context: process context, may sleep; no lock is held.
 * Return: 0 or -EFAULT.
 */
int ks_reply(struct ks_ucmd *ucmd, size_t size)
{
	size = min_t(size_t, size, ucmd->usize);

	return copy_to_user(ucmd->uarg, &ucmd->arg, size) ? -EFAULT : 0;
}

static const struct ks_ioctl ks_device_ioctls[] = {
	{
		.cmd = KSALLOC_CONNECT,
		.size = sizeof(struct ksalloc_connect),
		.min_size = offsetofend(struct ksalloc_connect, __reserved),
		.fn = ks_connect_ioctl,
	},
};

static long ks_device_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	return ks_ioctl(file, cmd, arg, ks_device_ioctls,
			ARRAY_SIZE(ks_device_ioctls));
}

#ifdef CONFIG_PROC_FS
static void ks_device_show_fdinfo(struct seq_file *m, struct file *file)
{
	seq_puts(m, "ksalloc:\tdevice\n");
	seq_printf(m, "version:\t%s\n", THIS_MODULE->version);
}
#endif

static const struct file_operations ks_device_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = ks_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = ks_device_show_fdinfo,
#endif
};

static struct miscdevice ks_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ksalloc",
	.fops = &ks_device_fops,
	.mode = 0660,
};

static int __init ks_init(void)
{
	return misc_register(&ks_device);
}
module_init(ks_init);

static void __exit ks_exit(void)
{
	misc_deregister(&ks_device);
	/* Events are freed by code that is to go */
	rcu_barrier();
}
module_exit(ks_exit);

MODULE_DESCRIPTION("Kernel Streaming allocator objects for V4L2 capture devices");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
