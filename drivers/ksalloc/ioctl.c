// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch of ioctls and replies: see ioctl.h.
 */
#include <linux/atomic.h>
#include <linux/fault-inject-usercopy.h>
#include <linux/file.h>
#include <linux/io_uring/cmd.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "ioctl.h"

/* Assigns a number for traces and fdinfo only. It repeats after 2^32 objects */
u32 ks_new_id(void)
{
	static atomic_t last = ATOMIC_INIT(0);

	return atomic_inc_return(&last);
}

/*
 * Reads words between user_read_access_begin() and user_read_access_end(). An argument has only a
 * few, so a loop that copies two at a time needs fewer instructions than copy_from_user(). Inline,
 * because functions must not be called there. Returns false if it cannot read them
 */
static __always_inline bool ks_read_words(void *to, const unsigned long __user *from, size_t size)
{
	unsigned long *word = to, *end = to + size;

	for (; word + 1 < end; word += 2, from += 2) {
		unsafe_get_user(word[0], &from[0], fault);
		unsafe_get_user(word[1], &from[1], fault);
	}
	if (word < end)
		unsafe_get_user(*word, from, fault);
	return true;

fault:
	return false;
}

/*
 * Copies the argument in if its size is that of this version of the ABI. Returns 0; 1 if the size
 * is another one, or the argument is not aligned or cannot be read; -EFAULT only if fail_usercopy
 * injects it
 */
static int ks_copy_in(struct ks_ucmd *ucmd, size_t size)
{
	const unsigned long __user *from = ucmd->uarg;
	int ret = 1;

	if (should_fail_usercopy())
		return -EFAULT;
	if (!ks_is_aligned(from) || !user_read_access_begin(from, size))
		return 1;
	unsafe_get_user(ucmd->usize, (const u32 __user *)from, out);
	if (ucmd->usize == size && ks_read_words(&ucmd->arg, from, size))
		ret = 0;
out:
	user_read_access_end();
	return ret;
}

static int ks_copy_in_any_size(struct ks_ucmd *ucmd, const struct ks_ioctl *entry)
{
	if (get_user(ucmd->usize, (u32 __user *)ucmd->uarg))
		return -EFAULT;
	if (ucmd->usize < entry->min_size)
		return -EINVAL;
	if (ucmd->usize > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(&ucmd->arg, entry->size, ucmd->uarg,
				     ucmd->usize);
}

/*
 * Copies a structure from the caller. @size is a multiple of sizeof(long), and @from is aligned to
 * that.
 * Called without locks. Returns 0 or -EFAULT
 */
int ks_copy_in_aligned(void *to, const void __user *from, size_t size)
{
	bool done;

	if (should_fail_usercopy() || !user_read_access_begin(from, size))
		return -EFAULT;
	done = ks_read_words(to, from, size);
	user_read_access_end();
	return done ? 0 : -EFAULT;
}

/*
 * Copies a structure of this version of the ABI to the caller. @size is a multiple of 8.
 * Takes longer if @to is not aligned to a word. Called without locks.
 */
int ks_copy_out(void __user *to, const void *from, size_t size)
{
	unsigned long __user *target = to;
	const unsigned long *word, *end = from + size;

	if (!ks_is_aligned(to))
		return copy_to_user(to, from, size) ? -EFAULT : 0;
	if (should_fail_usercopy() || !user_write_access_begin(target, size))
		return -EFAULT;
	for (word = from; word + 3 < end; word += 4, target += 4) {
		unsafe_put_user(word[0], &target[0], fault);
		unsafe_put_user(word[1], &target[1], fault);
		unsafe_put_user(word[2], &target[2], fault);
		unsafe_put_user(word[3], &target[3], fault);
	}
	for (; word < end; word++, target++)
		unsafe_put_user(*word, target, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

static const struct ks_ioctl *ks_find_ioctl(unsigned int cmd,
					    const struct ks_ioctl *table,
					    unsigned int entries)
{
	unsigned int nr = KS_IOCTL_NR(cmd);

	if (nr >= entries)
		return NULL;
	table += array_index_nospec(nr, entries);
	return table->cmd == cmd && table->fn ? table : NULL;
}

/* The caller has set @file, @uarg and @again. Inline, because it runs for each frame */
static __always_inline int ks_run_ioctl(struct ks_ucmd *ucmd,
					const struct ks_ioctl *entry)
{
	int ret;

	ret = ks_copy_in(ucmd, entry->size);
	if (ret > 0)
		ret = ks_copy_in_any_size(ucmd, entry);
	if (ret)
		return ret;
	if (ucmd->arg.flags & ~entry->flags)
		return -EINVAL;
	if (entry->waits)
		ucmd->may_wait = !(ucmd->arg.flags & KSALLOC_NONBLOCK) &&
				 !(READ_ONCE(ucmd->file->f_flags) & O_NONBLOCK);

	return entry->fn(ucmd);
}

/*
 * Returns the result of the handler; -ENOTTY for an unknown ioctl; -EFAULT, -EINVAL or
 * -E2BIG for an argument that violates the rules of the ABI header. Called without locks.
 */
long ks_ioctl(struct file *file, unsigned int cmd, unsigned long uarg,
	      const struct ks_ioctl *table, unsigned int entries)
{
	const struct ks_ioctl *entry = ks_find_ioctl(cmd, table, entries);
	struct ks_ucmd ucmd __uninitialized;

	if (!entry)
		return -ENOTTY;
	ucmd.file = file;
	ucmd.uarg = (void __user *)uarg;
	ucmd.again = false;
	return ks_run_ioctl(&ucmd, entry);
}

/* In io_uring_cmd.flags: the argument is saved. io_uring clears it when a command begins */
#define KS_URING_SAVED BIT(29)

/*
 * Reads the SQE only when the command runs first. When it runs again in a worker, Linux 6.12 still
 * passes the entry of the ring, which can be that of another command then.
 */
static int ks_uring_read_sqe(struct io_uring_cmd *cmd, void __user **uarg)
{
	const struct ksalloc_uring_cmd *sqe = (const void *)cmd->sqe->cmd;
	u64 *saved = io_uring_cmd_to_pdu(cmd, u64);

	if (!(cmd->flags & KS_URING_SAVED)) {
		/* READ_ONCE(), because user space can change the SQE at any time */
		if (READ_ONCE(sqe->__reserved))
			return -EINVAL;
		*saved = READ_ONCE(sqe->arg);
		cmd->flags |= KS_URING_SAVED;
	}
	*uarg = u64_to_user_ptr(*saved);
	return 0;
}

/*
 * Only ioctls that can wait are commands. One that would wait in the task that submits it
 * runs again in an io_uring worker, and waits there. With IO_URING_F_NONBLOCK, this waits
 * only for the lock of a driver or, in ks_exchange_lock(), for ks_connection.lock.
 * IORING_OP_ASYNC_CANCEL ends the wait of a worker (-EINTR). No command returns
 * -EIOCBQUEUED, because it would not be found then.
 */
int ks_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags,
		 const struct ks_ioctl *table, unsigned int entries)
{
	const struct ks_ioctl *entry = ks_find_ioctl(cmd->cmd_op, table, entries);
	struct ks_ucmd ucmd;
	int ret;

	if (!entry)
		return -ENOTTY;
	if (!entry->waits)
		return -EOPNOTSUPP;
	/* With IORING_URING_CMD_MULTISHOT, io_uring does not complete commands that succeed */
	if (cmd->flags & IORING_URING_CMD_MASK)
		return -EINVAL;
	ret = ks_uring_read_sqe(cmd, &ucmd.uarg);
	if (ret)
		return ret;
	ucmd.file = cmd->file;
	ucmd.again = issue_flags & IO_URING_F_NONBLOCK;
	ret = ks_run_ioctl(&ucmd, entry);
	if (ret != -ERESTARTSYS)
		return ret;
	/* io_uring does not restart calls. A signal of the submitting task must not end it */
	return ucmd.again ? -EAGAIN : -EINTR;
}

/*
 * Copies the argument of an ioctl back to the caller. @size is its size in this version
 * of the ABI. Called without locks.
 */
int ks_reply(struct ks_ucmd *ucmd, size_t size)
{
	if (ucmd->usize < size)
		return copy_to_user(ucmd->uarg, &ucmd->arg, ucmd->usize) ?
		       -EFAULT : 0;
	return ks_copy_out(ucmd->uarg, &ucmd->arg, size);
}

/*
 * The descriptor gets the reference to @file. On failure, the reference is dropped. If @file is an
 * error pointer, returns the errno
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
