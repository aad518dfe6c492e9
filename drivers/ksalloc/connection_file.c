// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files of connections and their ioctls. connection.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/io_uring/cmd.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "connection.h"
#include "framing.h"
#include "heap.h"
#include "import.h"
#include "ioctl.h"
#include "planes.h"

static unsigned int max_mbytes;
module_param(max_mbytes, uint, 0644);
MODULE_PARM_DESC(max_mbytes,
		 "Most MiB that all allocators of a user may have (0: half of the memory)");

static struct ks_connection *ks_ucmd_connection(const struct ks_ucmd *ucmd)
{
	struct ks_connection_file *file = ucmd->file->private_data;

	return file->conn;
}

static int ks_reset_state_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_reset_state *arg = &ucmd->arg.reset_state;

	if (arg->__reserved || arg->reset > KSRESET_END)
		return -EINVAL;
	return ks_connection_reset(ks_ucmd_connection(ucmd), arg->reset);
}

static int ks_set_state_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_set_state *arg = &ucmd->arg.set_state;

	if (arg->__reserved || arg->state > KSSTATE_RUN)
		return -EINVAL;
	if (arg->flags && arg->state < KSSTATE_PAUSE)
		return -EINVAL;
	return ks_connection_request(ks_ucmd_connection(ucmd), arg->state,
				     arg->flags & KSALLOC_CIRCULATE);
}

static int ks_get_state_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_connection *conn = ks_ucmd_connection(ucmd);
	struct ksalloc_get_state *arg = &ucmd->arg.get_state;
	struct ks_refusal refusal;

	if (arg->__reserved)
		return -EINVAL;
	refusal = ks_connection_get_refusal(conn);
	arg->refusal = refusal.reason;
	arg->refused_frame = refusal.frame;
	arg->refused_error = refusal.error;
	arg->state = READ_ONCE(conn->state);
	arg->pending = READ_ONCE(conn->nr_submitted) +
		       READ_ONCE(conn->done.nr_done);

	return ks_reply(ucmd, sizeof(*arg));
}

static int ks_connection_get_framing(struct ks_connection *conn,
				     struct ksalloc_requirements *needs)
{
	int ret;

	ret = ks_connection_check(conn);
	if (ret)
		return ret;
	ret = ks_connection_needs(conn, needs);
	return ks_connection_result(conn, ret);
}

static int ks_get_framing_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_connection *conn = ks_ucmd_connection(ucmd);
	struct ksalloc_get_framing *arg = &ucmd->arg.get_framing;
	struct ksalloc_requirements needs;
	int ret;

	ret = ks_connection_get_framing(conn, &needs);
	if (ret)
		return ret;
	arg->framing = needs.framing;
	arg->planes = needs.planes;
	return ks_reply(ucmd, sizeof(*arg));
}

static u64 ks_max_bytes(void)
{
	u64 mbytes = READ_ONCE(max_mbytes);

	return mbytes ? mbytes << 20 : (u64)totalram_pages() / 2 << PAGE_SHIFT;
}

/* Contract D4 */
static int ks_connection_describe(struct ks_connection *conn,
				  struct ksallocator_framing_ex *framing,
				  struct ks_framing_item *items)
{
	const struct ksalloc_device_ops *ops = conn->device->ops;
	struct ksalloc_framing_details details;
	struct ksalloc_requirements needs;
	int ret;

	ret = ks_connection_get_framing(conn, &needs);
	if (ret)
		return ret;
	ks_framing_details_init(&needs.framing, ops->memory, &details);
	if (ops->get_details)
		ret = ks_device_result(ops->get_details(conn->device, &details));
	if (ret)
		return ks_connection_result(conn, ret);

	framing->count_items = ks_framing_items(&needs.framing, &details,
						ks_max_bytes(), items);
	framing->pin_flags = READ_ONCE(conn->allocator) ?
			     KSALLOCATOR_FLAG_ALLOCATOR_EXISTS : 0;
	framing->output_compression = details.compression;
	framing->pin_weight = 0;
	return 0;
}

static int ks_get_framing_ex_ioctl(struct ks_ucmd *ucmd)
{
	struct ksalloc_get_framing_ex *arg = &ucmd->arg.get_framing_ex;
	void __user *to = u64_to_user_ptr(arg->framing);
	struct ks_framing_item items[KS_FRAMING_ITEMS];
	struct ksallocator_framing_ex framing;
	size_t room = arg->framing_size, bytes;
	int ret;

	if (arg->__reserved)
		return -EINVAL;
	ret = ks_connection_describe(ks_ucmd_connection(ucmd), &framing, items);
	if (ret)
		return ret;

	bytes = framing.count_items * sizeof(items[0]);
	arg->framing_size = sizeof(framing) + bytes;
	if (!arg->framing || room < sizeof(framing))
		return ks_reply(ucmd, sizeof(*arg));

	room -= sizeof(framing);
	bytes = min(bytes, room - room % sizeof(items[0]));
	if (copy_to_user(to, &framing, sizeof(framing)) ||
	    copy_to_user(to + sizeof(framing), items, bytes))
		return -EFAULT;
	return ks_reply(ucmd, sizeof(*arg));
}

/*
 * Resolves the framing with the requirements of the device, and creates the allocator. @ops
 * allocate the memory, and @creator is their argument; both are NULL for the device's own memory
 */
static struct file *
ks_connection_create_for(struct ks_connection *conn,
			 const struct ksalloc_requirements *needs,
			 const struct ksallocator_framing *asked,
			 const struct ksalloc_memory_ops *ops, void *creator,
			 bool user)
{
	const struct ksalloc_memory_ops *own = conn->device->ops->memory;
	const u64 max_bytes = ks_max_bytes();
	struct ksallocator_framing framing;
	struct ksalloc_planes layout;
	struct ks_program program;
	struct ks_allocator *alloc;
	struct file *file;
	size_t frame_bytes;
	u64 bytes;
	int ret;

	ret = ks_framing_resolve(asked, &needs->framing, own, &framing) ?:
	      ks_planes_resolve(framing.frame_size, &needs->planes, &layout) ?:
	      ks_planes_bytes(&layout, framing.frames, max_bytes, &frame_bytes);
	if (ret)
		return ERR_PTR(ret);
	/* Imported dma-bufs can be larger than the frames */
	bytes = ops == &ks_import_memory_ops ?
		ks_import_bytes(creator) : (u64)framing.frames * frame_bytes;
	if (bytes > max_bytes)
		return ERR_PTR(-ENOMEM);

	if (!ops) {
		ops = own;
		creator = conn->device;
	}
	alloc = user ? ks_allocator_create_for_user(&framing, &layout, frame_bytes,
						    ops, creator, bytes,
						    max_bytes) :
		       ks_allocator_create(&framing, &layout, frame_bytes, ops,
					   creator, false);
	if (IS_ERR(alloc))
		return ERR_PTR(ks_connection_result(conn, PTR_ERR(alloc)));
	ks_program_set(&program);
	ks_allocator_name_planes(alloc, conn->program ?: &program);
	file = ks_allocator_open(alloc);
	ks_allocator_put(alloc);
	return file;
}

static struct file *
ks_connection_create_allocator(struct ks_connection *conn,
			       const struct ksallocator_framing *asked,
			       const struct ksalloc_memory_ops *ops,
			       void *creator, bool user)
{
	struct ksalloc_requirements needs;
	int ret;

	ret = ks_connection_get_framing(conn, &needs);
	return ret ? ERR_PTR(ret) : ks_connection_create_for(conn, &needs, asked,
							     ops, creator, user);
}

static struct file *ks_create_own(struct ks_connection *conn,
				  const struct ksalloc_create_allocator *arg)
{
	if (arg->heap_fd != -1)
		return ERR_PTR(-EINVAL);
	return ks_connection_create_allocator(conn, &arg->framing, NULL, NULL,
					      true);
}

static struct file *ks_create_from_heap(struct ks_connection *conn,
					const struct ksalloc_create_allocator *arg)
{
	struct file *heap = ks_heap_get(arg->heap_fd), *file;

	if (IS_ERR(heap))
		return heap;
	file = ks_connection_create_allocator(conn, &arg->framing,
					      &ks_heap_memory_ops, heap, true);
	fput(heap);
	return file;
}

/* Creates an allocator of imported dma-bufs, and drops the references in @import */
static struct file *ks_create_imported(struct ks_connection *conn,
				       const struct ksalloc_requirements *needs,
				       const struct ksallocator_framing *asked,
				       struct ks_import *import, bool user)
{
	const u32 frames = import->count / import->nr_planes;
	struct ksallocator_framing framing = *asked;
	struct file *file = ERR_PTR(-EINVAL);

	framing.frames = framing.frames ?: frames;
	if (framing.frames == frames)
		file = ks_connection_create_for(conn, needs, &framing,
						&ks_import_memory_ops, import,
						user);
	ks_import_put(import);
	return file;
}

static struct file *ks_create_from_caller(struct ks_connection *conn,
					  const struct ksalloc_create_allocator *arg)
{
	struct ksalloc_requirements needs;
	struct ks_import *import;
	int ret;

	if (arg->heap_fd != -1 || !ks_framing_is_system(&arg->framing))
		return ERR_PTR(-EINVAL);
	ret = ks_connection_get_framing(conn, &needs);
	if (ret)
		return ERR_PTR(ret);
	import = ks_import_get(u64_to_user_ptr(arg->dmabufs), arg->nr_dmabufs,
			       needs.planes.count);
	return IS_ERR(import) ? ERR_CAST(import) :
	       ks_create_imported(conn, &needs, &arg->framing, import, true);
}

static int ks_create_allocator_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_create_allocator *arg = &ucmd->arg.create_allocator;
	struct ks_connection *conn = ks_ucmd_connection(ucmd);

	if (arg->flags & KSALLOC_IMPORT)
		return ks_install(ks_create_from_caller(conn, arg));
	if (arg->nr_dmabufs || arg->dmabufs)
		return -EINVAL;
	if (ks_framing_is_system(&arg->framing))
		return ks_install(ks_create_from_heap(conn, arg));
	return ks_install(ks_create_own(conn, arg));
}

static int ks_connection_set_file(struct ks_connection *conn, struct file *file)
{
	struct ks_allocator *alloc = ks_allocator_of(file);

	return alloc ? ks_connection_set_allocator(conn, alloc) : -EINVAL;
}

static int ks_set_allocator_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_set_allocator *arg = &ucmd->arg.set_allocator;
	struct ks_connection *conn = ks_ucmd_connection(ucmd);
	struct file *file;
	int ret;

	if (arg->__reserved)
		return -EINVAL;
	if (arg->allocator_fd == -1)
		return ks_connection_set_allocator(conn, NULL);

	file = fget(arg->allocator_fd);
	if (!file)
		return -EBADF;
	ret = ks_connection_set_file(conn, file);
	fput(file);
	return ret;
}

static int ks_submit_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_submit *arg = &ucmd->arg.submit;

	return ks_connection_submit(ks_ucmd_connection(ucmd), arg->index,
				    arg->dmabuf_fd);
}

/**
 * struct ks_complete_call - one KSALLOC_COMPLETE
 * @read: the call, for the connection
 * @ucmd: the call, for the ioctl
 * @faulted: the last write to user memory faulted
 */
struct ks_complete_call {
	struct ks_complete read;
	struct ks_ucmd *ucmd;
	bool faulted;
};

static int ks_complete_copy_out(struct ks_complete *read)
{
	struct ks_complete_call *call = container_of(read,
						     struct ks_complete_call,
						     read);
	const struct ks_ucmd *ucmd = call->ucmd;
	struct ksalloc_complete *answer = &read->answer;
	size_t size = min_t(size_t, sizeof(*answer), ucmd->usize);

	answer->size = ucmd->usize;
	answer->flags = ucmd->arg.complete.flags;
	answer->deadline_ns = ucmd->arg.complete.deadline_ns;
	call->faulted = copy_to_user_nofault(ucmd->uarg, answer, size);
	return call->faulted ? -EFAULT : 0;
}

/*
 * The result is written to user memory under the lock, where page faults cannot be handled. If
 * that faults, this writes the unchanged argument back without the lock, which makes its pages
 * present, and tries again.
 */
static int ks_complete_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_connection_file *file = ucmd->file->private_data;
	struct ks_complete_call call = {
		.read = {
			.file = file,
			.nonblock = ks_nonblock(ucmd),
			.again = ucmd->again,
			.deadline_ns = ucmd->arg.complete.deadline_ns,
			.copy_out = ks_complete_copy_out,
			.cancels = atomic64_read_acquire(&file->cancels),
		},
		.ucmd = ucmd,
	};
	int ret;

	if (READ_ONCE(file->ended) && ucmd->may_wait)
		return -ECANCELED;
	for (;;) {
		call.faulted = false;
		ret = ks_connection_complete(file->conn, &call.read);
		if (!call.faulted)
			return ret;
		ret = ks_reply(ucmd, sizeof(ucmd->arg.complete));
		if (ret)
			return ret;
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
}

static int ks_connection_open_ioctl(struct ks_ucmd *ucmd)
{
	return ks_install(ks_connection_open(ks_ucmd_connection(ucmd)));
}

static int ks_connection_cancel_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_connection_file *file = ucmd->file->private_data;

	if (ucmd->arg.cancel.flags & KSALLOC_CANCEL_PERMANENT)
		WRITE_ONCE(file->ended, true);
	/* Pairs with atomic64_read_acquire() in ks_complete_ioctl() */
	atomic64_inc_return_release(&file->cancels);
	ks_wake_calls(&file->conn->done.wait);
	return 0;
}

/* The descriptor comes first, because a reader takes frames as soon as it exists */
static int ks_reader_open_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_reader_open *arg = &ucmd->arg.reader_open;
	struct file *file;
	int fd;

	if (!arg->depth || arg->depth > KSALLOC_MAX_FRAMES)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = ks_reader_open(ks_ucmd_connection(ucmd), arg->depth,
			      arg->every ?: 1, arg->flags);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

static const struct ks_ioctl ks_connection_ioctls[] = {
	KS_IOCTL(GET_FRAMING, get_framing, framing, 0,
		 ks_get_framing_ioctl),
	KS_IOCTL(CREATE_ALLOCATOR, create_allocator, framing, KSALLOC_IMPORT,
		 ks_create_allocator_ioctl),
	KS_IOCTL(SET_ALLOCATOR, set_allocator, __reserved, 0,
		 ks_set_allocator_ioctl),
	KS_IOCTL(SET_STATE, set_state, __reserved, KSALLOC_CIRCULATE,
		 ks_set_state_ioctl),
	KS_IOCTL(GET_STATE, get_state, pending, 0,
		 ks_get_state_ioctl),
	KS_IOCTL(SUBMIT, submit, dmabuf_fd, 0, ks_submit_ioctl),
	KS_WAITING_IOCTL(COMPLETE, complete, header, 0, ks_complete_ioctl),
	KS_IOCTL(GET_FRAMING_EX, get_framing_ex, __reserved, 0,
		 ks_get_framing_ex_ioctl),
	KS_IOCTL(RESET_STATE, reset_state, __reserved, 0,
		 ks_reset_state_ioctl),
	KS_IOCTL(CONNECTION_OPEN, open, flags, 0,
		 ks_connection_open_ioctl),
	KS_IOCTL(CONNECTION_CANCEL, cancel, flags, KSALLOC_CANCEL_PERMANENT,
		 ks_connection_cancel_ioctl),
	KS_IOCTL(READER_OPEN, reader_open, every,
		 KSALLOC_READER_NEWEST | KSALLOC_READER_REVOCABLE |
		 KSALLOC_READER_UNTRUSTED,
		 ks_reader_open_ioctl),
};

static long ks_connection_ioctl(struct file *file, unsigned int cmd,
				unsigned long arg)
{
	return ks_ioctl(file, cmd, arg, ks_connection_ioctls,
			ARRAY_SIZE(ks_connection_ioctls));
}

static int ks_connection_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	return ks_uring_cmd(cmd, issue_flags, ks_connection_ioctls,
			    ARRAY_SIZE(ks_connection_ioctls));
}

static __poll_t ks_connection_poll(struct file *file, poll_table *wait)
{
	struct ks_connection_file *cfile = file->private_data;
	struct ks_connection *conn = cfile->conn;
	enum ksstate state;

	poll_wait(file, &conn->done.wait, wait);
	/*
	 * Pairs with wq_has_sleeper() in ks_connection_notify(). poll_wait() has this barrier
	 * itself since 6.14, and in some versions before
	 */
	smp_mb();

	if (ks_connection_is_gone(conn))
		return EPOLLERR | EPOLLHUP;
	/* As for non-blocking calls, which return -EAGAIN now */
	if (atomic_read(&conn->changing) || ks_connection_is_going(conn))
		return 0;
	state = READ_ONCE(conn->state);
	if (state < KSSTATE_PAUSE || READ_ONCE(conn->flushing) ||
	    READ_ONCE(conn->stuck))
		return EPOLLERR;
	/* The frames are for readers */
	if (READ_ONCE(conn->feed.running))
		return 0;
	if (READ_ONCE(conn->done.nr_done) ||
	    (state == KSSTATE_RUN &&
	     (READ_ONCE(conn->nr_submitted) ? conn->device->ops->ready(conn->device) :
					      ks_connection_ended(conn) < 0)))
		return EPOLLIN | EPOLLRDNORM;
	return 0;
}

static void ks_device_destroy(struct ksalloc_device *device)
{
	struct module *owner = device->ops->owner;

	device->ops->destroy(device);
	module_put(owner);
}

/* Frees a connection in STOP. After ->unwatch(), gone_work is not queued any more */
static void ks_connection_end(struct ks_connection *conn)
{
	const struct ksalloc_memory_ops *own = conn->device->ops->memory;

	if (conn->device->ops->unwatch)
		conn->device->ops->unwatch(conn->device);
	cancel_delayed_work_sync(&conn->gone_work);
	ks_feed_end(conn);
	ks_device_destroy(conn->device);
	ks_connection_destroy(conn, own);
}

static void ks_connection_release(struct kref *refs)
{
	struct ks_connection *conn = container_of(refs, struct ks_connection,
						  refs);

	ks_connection_force_stop(conn);
	ks_connection_end(conn);
}

/*
 * Reclaims the frames of this file. Unless it is the last one, this must not wait. So it does not
 * take ks_connection.lock, and does not free an allocator itself: both can wait for the device. If
 * another allocator is assigned at the same time, either this sees the old pointer, or
 * ks_connection_assign() has already reclaimed the frames.
 */
static int ks_connection_file_release(struct inode *inode, struct file *file)
{
	struct ks_connection_file *cfile = file->private_data;
	struct ks_allocator *alloc = ks_connection_get_allocator(cfile->conn);

	if (alloc) {
		ks_allocator_reclaim(alloc, &cfile->owner);
		ks_connection_put_allocator(alloc);
	}
	kref_put(&cfile->conn->refs, ks_connection_release);
	kfree(cfile);

	return 0;
}

#ifdef CONFIG_PROC_FS
static void ks_connection_show_fdinfo(struct seq_file *m, struct file *file)
{
	static const char * const names[] = { "STOP", "ACQUIRE", "PAUSE", "RUN" };
	struct ks_connection_file *cfile = file->private_data;
	struct ks_connection *conn = cfile->conn;

	seq_puts(m, "ksalloc:\tconnection\n");
	seq_printf(m, "id:\t%u\n", conn->id);
	if (conn->device->ops->show)
		conn->device->ops->show(conn->device, m);
	seq_printf(m, "state:\t%s\n", READ_ONCE(conn->gone) ? "GONE" :
		   READ_ONCE(conn->stuck) ? "STUCK" :
		   names[READ_ONCE(conn->state)]);
	seq_printf(m, "allocator:\t%d\n", ks_connection_allocator_id(conn));
	seq_printf(m, "submitted:\t%u\n", READ_ONCE(conn->nr_submitted));
	seq_printf(m, "done:\t%u\n", READ_ONCE(conn->done.nr_done));
	seq_printf(m, "gaps:\t%llu\n", READ_ONCE(conn->done.gaps));
	seq_printf(m, "flushing:\t%u\n", READ_ONCE(conn->flushing));
}
#endif

static const struct file_operations ks_connection_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ks_connection_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = ks_connection_uring_cmd,
	.poll = ks_connection_poll,
	.release = ks_connection_file_release,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = ks_connection_show_fdinfo,
#endif
};

/*
 * Makes an open file of a connection, which takes over a reference of the caller. On failure, the
 * caller keeps it
 */
static struct file *ks_connection_file(struct ks_connection *conn)
{
	struct ks_connection_file *cfile;
	struct file *file;

	cfile = kzalloc(sizeof(*cfile), GFP_KERNEL_ACCOUNT);
	if (!cfile)
		return ERR_PTR(-ENOMEM);
	cfile->conn = conn;
	ks_owner_init(&cfile->owner, conn, false);
	atomic64_set(&cfile->cancels, 0);

	file = anon_inode_getfile("[ksalloc-connection]", &ks_connection_fops,
				  cfile, O_RDWR);
	if (IS_ERR(file))
		kfree(cfile);
	return file;
}

/* Makes another open file of a connection that has one; it takes its own reference */
struct file *ks_connection_open(struct ks_connection *conn)
{
	struct file *file = ks_connection_file(conn);

	if (!IS_ERR(file))
		kref_get(&conn->refs);
	return file;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_open);

/**
 * ksalloc_create_allocator() - create an allocator on a connection
 * @connection: an open file of the connection
 * @framing: the requested framing, as for KSALLOC_CREATE_ALLOCATOR
 * @heap: the file of the dma-buf heap to allocate from; NULL for the device's own memory,
 *	without KSALLOCATOR_OPTIONF_SYSTEM_MEMORY
 *
 * KsCreateAllocator() of kernel mode. Does the same as the ioctl. In addition, the device's own
 * memory can be memory without dma-bufs, which only the kernel can use. User space cannot use
 * such an allocator even if it gets a descriptor of it. Contract A1 to A5, F2, F3.
 *
 * Context: process context; sleeps. With @heap, in a task with an address space.
 * Return: an open file of the allocator, whose reference is the caller's; the errors of
 * KSALLOC_CREATE_ALLOCATOR; -EOPNOTSUPP also for a heap in a kernel thread.
 */
struct file *ksalloc_create_allocator(struct file *connection,
				      const struct ksallocator_framing *framing,
				      struct file *heap)
{
	struct ks_connection *conn = ks_connection_of(connection);

	might_sleep();

	if (!conn || ks_framing_is_system(framing) != !!heap ||
	    (heap && !ks_heap_plausible(heap)))
		return ERR_PTR(-EINVAL);
	return ks_connection_create_allocator(conn, framing,
					      heap ? &ks_heap_memory_ops : NULL,
					      heap, false);
}
EXPORT_SYMBOL_GPL(ksalloc_create_allocator);

/**
 * ksalloc_import_allocator() - create an allocator of the caller's dma-bufs
 * @connection: an open file of the connection
 * @framing: the requested framing, as for KSALLOC_CREATE_ALLOCATOR with KSALLOC_IMPORT
 * @dmabufs: the dma-bufs, one for each plane of each frame, those of frame 0 first. The
 *	allocator takes its own references
 * @nr_dmabufs: number of dma-bufs
 *
 * Does the same as the ioctl with KSALLOC_IMPORT. Contract A1, A9.
 *
 * Context: process context; sleeps.
 * Return: an open file of the allocator, whose reference is the caller's; the errors of
 * KSALLOC_CREATE_ALLOCATOR.
 */
struct file *ksalloc_import_allocator(struct file *connection,
				      const struct ksallocator_framing *framing,
				      struct dma_buf *const *dmabufs,
				      u32 nr_dmabufs)
{
	struct ks_connection *conn = ks_connection_of(connection);
	struct ksalloc_requirements needs;
	struct ks_import *import;
	int ret;

	might_sleep();

	if (!conn || !ks_framing_is_system(framing))
		return ERR_PTR(-EINVAL);
	ret = ks_connection_get_framing(conn, &needs);
	if (ret)
		return ERR_PTR(ret);
	import = ks_import_copy(dmabufs, nr_dmabufs, needs.planes.count);
	return IS_ERR(import) ? ERR_CAST(import) :
	       ks_create_imported(conn, &needs, framing, import, false);
}
EXPORT_SYMBOL_GPL(ksalloc_import_allocator);

/**
 * ksalloc_connect() - make a connection to a device
 * @device: the device, which the connection takes ownership of; on failure, this function
 *	destroys the device
 *
 * A driver can install a descriptor of the file for user space, or use the file itself.
 *
 * Context: process context; sleeps. Called from the module of the device's operations.
 * Return: an open file of the connection, in state STOP; -ENOMEM, -ENFILE, or what
 * ->watch() of the device returns.
 */
struct file *ksalloc_connect(struct ksalloc_device *device)
{
	struct ks_connection *conn;
	struct file *file;
	int ret;

	might_sleep();

	__module_get(device->ops->owner);
	conn = ks_connection_create(device, ks_connection_gone_work);
	if (!conn) {
		ks_device_destroy(device);
		return ERR_PTR(-ENOMEM);
	}
	ks_feed_init(conn);

	/*
	 * Before the file is made: on failure, fput() would release the file and destroy the
	 * device only after this function has returned
	 */
	ret = device->ops->watch ? ks_device_result(device->ops->watch(device)) : 0;
	file = ret ? ERR_PTR(ret) : ks_connection_file(conn);
	if (IS_ERR(file))
		ks_connection_end(conn);
	return file;
}
EXPORT_SYMBOL_GPL(ksalloc_connect);

/* NULL for another kind of file. The connection exists as long as the file */
struct ks_connection *ks_connection_of(const struct file *file)
{
	const struct ks_connection_file *cfile = file->private_data;

	return file->f_op == &ks_connection_fops ? cfile->conn : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_of);
