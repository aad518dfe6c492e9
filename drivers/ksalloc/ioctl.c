// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch of ioctls and replies: see ioctl.h.
 */
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "ioctl.h"

/**
 * ks_new_id() - assign a number to a new object
 *
 * The number is for traces and fdinfo only. It repeats after 2^32 objects.
 *
 * Context: any.
 * Return: the number.
 */
u32 ks_new_id(void)
{
	static atomic_t last = ATOMIC_INIT(0);

	return atomic_inc_return(&last);
}

/**
 * ks_ioctl() - run an ioctl of a file
 * @file: the file
 * @cmd: number of the ioctl
 * @uarg: argument from user space: pointer to a structure that begins with its size
 * @table: the ioctls of this kind of file
 * @entries: length of @table
 *
 * Context: process context, may sleep; no lock is held.
 * Return: result of the handler; -ENOTTY for an unknown ioctl; -EFAULT, -EINVAL or -E2BIG
 * for an argument that violates the rules of the ABI header.
 */
long ks_ioctl(struct file *file, unsigned int cmd, unsigned long uarg,
	      const struct ks_ioctl *table, unsigned int entries)
{
	unsigned int nr = KS_IOCTL_NR(cmd);
	struct ks_ucmd ucmd;
	int ret;

	if (nr >= entries)
		return -ENOTTY;
	table += array_index_nospec(nr, entries);
	if (table->cmd != cmd || !table->fn)
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

	return table->fn(&ucmd);
}

/**
 * ks_reply() - copy the argument of an ioctl back to the caller
 * @ucmd: the call
 * @size: size of the argument in this version of the ABI
 *
 * Context: process context, may sleep; no lock is held.
 * Return: 0 or -EFAULT.
 */
int ks_reply(struct ks_ucmd *ucmd, size_t size)
{
	size = min_t(size_t, size, ucmd->usize);

	return copy_to_user(ucmd->uarg, &ucmd->arg, size) ? -EFAULT : 0;
}

/**
 * ks_install() - make a descriptor of the file of a new object
 * @file: the file, or an error pointer. The descriptor gets the reference
 *
 * Context: process context; may sleep.
 * Return: the descriptor, close-on-exec; or an errno, and the reference is dropped.
 */
int ks_install(struct file *file)
{
	int fd;

	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	return fd;
}
