/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dispatch of ioctls. Each kind of file has a table of its ioctls. The low four bits of the
 * number of an ioctl are its index in the table. ks_ioctl() copies the argument in, by the
 * rules of the ABI header, and calls the handler with this copy. A handler with results
 * calls ks_reply() at the end. If that fails, the handler undoes what it has done.
 */
#ifndef _KSALLOC_IOCTL_H
#define _KSALLOC_IOCTL_H

#include <linux/fs.h>
#include <linux/types.h>
#include <uapi/linux/ksalloc.h>

struct io_uring_cmd;

/* The kernel's copy of the argument of any ioctl */
union ks_arg {
	struct {
		u32 size;
		u32 flags;
	};
	struct ksalloc_connect connect;
	struct ksalloc_share share;
	struct ksalloc_get_framing get_framing;
	struct ksalloc_create_allocator create_allocator;
	struct ksalloc_set_allocator set_allocator;
	struct ksalloc_set_state set_state;
	struct ksalloc_get_state get_state;
	struct ksalloc_submit submit;
	struct ksalloc_complete complete;
	struct ksalloc_get_framing_ex get_framing_ex;
	struct ksalloc_reset_state reset_state;
	struct ksalloc_alloc alloc;
	struct ksalloc_free free;
	struct ksalloc_export export;
	struct ksalloc_status status;
	struct ksalloc_status_ex status_ex;
	struct ksalloc_enable_event enable_event;
	struct ksalloc_disable_event disable_event;
	struct ksalloc_open open;
	struct ksalloc_cancel cancel;
	struct ksalloc_reader_open reader_open;
	struct ksalloc_exchange exchange;
	struct ksalloc_reader_export reader_export;
	struct ksalloc_reader_info reader_info;
};

/**
 * struct ks_ucmd - one call of an ioctl
 * @file: the file it is called on
 * @uarg: the argument of the caller
 * @usize: size of the argument, as the caller has set it
 * @again: the call must not wait. If it would have to, it does nothing and returns -EAGAIN or
 *	-ERESTARTSYS, and is made again with this field false. KSALLOC_EXCHANGE that has given
 *	frames back is the exception
 * @may_wait: neither KSALLOC_NONBLOCK nor O_NONBLOCK is set; for ioctls that can wait. The flag of
 *	the file can change at any time, so it is read once
 * @arg: the kernel's copy of the argument
 */
struct ks_ucmd {
	struct file *file;
	void __user *uarg;
	u32 usize;
	bool again;
	bool may_wait;
	union ks_arg arg;
};

/**
 * struct ks_ioctl - one ioctl of a file
 * @cmd: its number; 0 for an unused entry of the table
 * @size: size of its argument in this version of the ABI
 * @min_size: size of its argument in the first version of the ABI
 * @flags: the bits that may be set in the flags of the argument
 * @waits: waits for a frame, heeds &ks_ucmd.again, and is a command of io_uring
 * @fn: does the work; returns a non-negative result or an errno. May sleep. An int, as in the
 *	VFS and io_uring: a u32 that contains an errno is not a negative long
 */
struct ks_ioctl {
	unsigned int cmd;
	u16 size;
	u16 min_size;
	u32 flags;
	bool waits;
	int (*fn)(struct ks_ucmd *ucmd);
};

#define KS_IOCTL_NR(cmd) (_IOC_NR(cmd) & 0x0f)

/*
 * The entry of KSALLOC_@_name in a table. Its argument is a struct ksalloc_@_type. @_last
 * is the last field of that structure in the first version of the ABI.
 */
#define __KS_IOCTL(_name, _type, _last, _flags, _waits, _fn)		\
	[KS_IOCTL_NR(KSALLOC_##_name)] = {				\
		.cmd = KSALLOC_##_name +				\
		       BUILD_BUG_ON_ZERO(sizeof(struct ksalloc_##_type) > \
					 sizeof(union ks_arg)) +	\
		       BUILD_BUG_ON_ZERO(sizeof(struct ksalloc_##_type) % 8), \
		.size = sizeof(struct ksalloc_##_type),			\
		.min_size = offsetofend(struct ksalloc_##_type, _last),	\
		.flags = (_flags),					\
		.waits = (_waits),					\
		.fn = (_fn),						\
	}

#define KS_IOCTL(_name, _type, _last, _flags, _fn) \
	__KS_IOCTL(_name, _type, _last, _flags, false, _fn)

/* The same for an ioctl that waits for a frame. It also has KSALLOC_NONBLOCK */
#define KS_WAITING_IOCTL(_name, _type, _last, _flags, _fn) \
	__KS_IOCTL(_name, _type, _last, KSALLOC_NONBLOCK | (_flags), true, _fn)

long ks_ioctl(struct file *file, unsigned int cmd, unsigned long uarg,
	      const struct ks_ioctl *table, unsigned int entries);
int ks_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags,
		 const struct ks_ioctl *table, unsigned int entries);
int ks_copy_in_aligned(void *to, const void __user *from, size_t size);
int ks_copy_out(void __user *to, const void *from, size_t size);
int ks_reply(struct ks_ucmd *ucmd, size_t size);
int ks_install(struct file *file);
u32 ks_new_id(void);

static inline bool ks_is_aligned(const void __user *address)
{
	return IS_ALIGNED((unsigned long)address, sizeof(unsigned long));
}

/* Whether a call that can have KSALLOC_NONBLOCK must not wait now */
static inline bool ks_nonblock(const struct ks_ucmd *ucmd)
{
	return ucmd->again || !ucmd->may_wait;
}

#endif /* _KSALLOC_IOCTL_H */
