// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections: a device, and the allocator assigned to it. Their states are in state.c,
 * and what happens to frames while the state is PAUSE or RUN in reader.c.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <kunit/visibility.h>
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ksalloc_priv.h"

static unsigned int max_mbytes;
module_param(max_mbytes, uint, 0644);
MODULE_PARM_DESC(max_mbytes,
		 "Most MiB that one allocator may have (0: half of the memory)");

/* Ends a device, and lets its module go */
static void ks_device_destroy(struct ksalloc_device *device)
{
	struct module *owner = device->ops->owner;

	device->ops->destroy(device);
	module_put(owner);
}

/* Ends a connection in STOP that has no allocator, and its device */
static void ks_connection_destroy(struct ks_connection *conn)
{
	/* No more notifications after this, and so no more work */
	conn->device->ops->unwatch(conn->device);
	cancel_work_sync(&conn->gone_work);
	ks_device_destroy(conn->device);
	mutex_destroy(&conn->lock);
	kfree(conn);
}

/**
 * ks_connection_wake() - make readers and pollers look again
 * @conn: the connection
 *
 * Context: any, hard interrupts included.
 */
void ks_connection_wake(struct ks_connection *conn)
{
	atomic_inc(&conn->events);
	wake_up_poll(&conn->wait, EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP);
}

/**
 * ks_connection_notify() - the device has news: a filled frame, an error, its end
 * @conn: the connection
 *
 * Context: any, hard interrupts included.
 */
void ks_connection_notify(struct ks_connection *conn)
{
	ks_connection_wake(conn);
	if (conn->device->ops->gone(conn->device))
		schedule_work(&conn->gone_work);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_notify);

/**
 * ksalloc_device_notify() - the device has news: a filled frame, an error, its end
 * @device: the device, between the calls of its ->watch and ->unwatch
 *
 * Context: any, hard interrupts included.
 */
void ksalloc_device_notify(struct ksalloc_device *device)
{
	ks_connection_notify(device->connection);
}
EXPORT_SYMBOL_GPL(ksalloc_device_notify);

static long ks_reset_state_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_reset_state *arg = &ucmd->arg.reset_state;

	if (arg->__reserved || arg->reset > KSRESET_END)
		return -EINVAL;
	return ks_connection_reset(ucmd->file->private_data, arg->reset);
}

static long ks_set_state_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_set_state *arg = &ucmd->arg.set_state;

	if (arg->__reserved || arg->state > KSSTATE_RUN)
		return -EINVAL;
	return ks_connection_request(ucmd->file->private_data, arg->state);
}

static long ks_get_state_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_connection *conn = ucmd->file->private_data;
	struct ksalloc_get_state *arg = &ucmd->arg.get_state;

	if (mutex_lock_interruptible(&conn->lock))
		return -ERESTARTSYS;
	arg->state = conn->state;
	arg->pending = list_count_nodes(&conn->submitted) +
		       list_count_nodes(&conn->done);
	mutex_unlock(&conn->lock);

	return ks_reply(ucmd, sizeof(*arg));
}

static long ks_get_framing_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_connection *conn = ucmd->file->private_data;
	struct ksalloc_get_framing *arg = &ucmd->arg.get_framing;
	int ret;

	ret = ks_connection_lock(conn);
	if (ret)
		return ret;
	ret = conn->device->ops->get_framing(conn->device, &arg->framing);
	mutex_unlock(&conn->lock);

	return ret ?: ks_reply(ucmd, sizeof(*arg));
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
	struct ksallocator_framing device;
	int ret;

	ret = ks_connection_lock(conn);
	if (ret)
		return ret;
	ret = ops->get_framing(conn->device, &device);
	if (ret)
		goto out;
	ks_framing_details_init(&device, ops->memory, &details);
	if (ops->get_details)
		ret = ops->get_details(conn->device, &details);
	if (ret)
		goto out;

	framing->count_items = ks_framing_items(&device, &details, ks_max_bytes(),
						items);
	framing->pin_flags = conn->allocator ?
			     KSALLOCATOR_FLAG_ALLOCATOR_EXISTS : 0;
	framing->output_compression = details.compression;
	framing->pin_weight = 0;
out:
	mutex_unlock(&conn->lock);
	return ret;
}

static long ks_get_framing_ex_ioctl(struct ks_ucmd *ucmd)
{
	struct ksalloc_get_framing_ex *arg = &ucmd->arg.get_framing_ex;
	void __user *to = u64_to_user_ptr(arg->framing);
	struct ks_framing_item items[KS_FRAMING_ITEMS];
	struct ksallocator_framing_ex framing;
	size_t room = arg->framing_size, bytes;
	int ret;

	if (arg->__reserved)
		return -EINVAL;
	ret = ks_connection_describe(ucmd->file->private_data, &framing, items);
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
 * Resolves the framing against the device's, and makes the allocator: of a heap, or
 * without one of the device's own memory
 */
static struct file *ks_connection_create_allocator(struct ks_connection *conn,
						   const struct ksallocator_framing *asked,
						   struct file *heap, bool user)
{
	const struct ksalloc_memory_ops *ops = conn->device->ops->memory;
	struct ksallocator_framing device, framing;
	size_t frame_bytes;
	int ret;

	ret = ks_connection_lock(conn);
	if (ret)
		return ERR_PTR(ret);
	ret = conn->device->ops->get_framing(conn->device, &device);
	mutex_unlock(&conn->lock);
	if (ret)
		return ERR_PTR(ret);

	ret = ks_framing_resolve(asked, &device, ops, &framing);
	if (ret)
		return ERR_PTR(ret);
	ret = ks_framing_bytes(&framing, ks_max_bytes(), &frame_bytes);
	if (ret)
		return ERR_PTR(ret);

	if (heap)
		return ks_allocator_create(&framing, frame_bytes,
					   &ks_heap_memory_ops, heap, user);
	return ks_allocator_create(&framing, frame_bytes, ops, conn->device,
				   user);
}

/* A new descriptor for a new object's file, whose reference it takes */
static int ks_install(struct file *file)
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

static long ks_create_allocator_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_create_allocator *arg = &ucmd->arg.create_allocator;
	struct file *heap = NULL, *file;

	if (arg->__reserved)
		return -EINVAL;
	if (arg->framing.options_flags & KSALLOCATOR_OPTIONF_SYSTEM_MEMORY)
		heap = ks_heap_get(arg->heap_fd);
	else if (arg->heap_fd != -1)
		return -EINVAL;
	if (IS_ERR(heap))
		return PTR_ERR(heap);

	file = ks_connection_create_allocator(ucmd->file->private_data,
					      &arg->framing, heap, true);
	if (heap)
		fput(heap);

	return ks_install(file);
}

/* Takes an allocator by descriptor; none by -1 */
static int ks_allocator_file_get(int fd, struct file **allocator)
{
	struct file *file;

	*allocator = NULL;
	if (fd == -1)
		return 0;
	file = fget(fd);
	if (!file)
		return -EBADF;
	if (!ks_allocator_of(file)) {
		fput(file);
		return -EINVAL;
	}

	*allocator = file;
	return 0;
}

/* Contract D5. A device is given dma-bufs, which a kernel-only allocator has not (F3) */
static int ks_connection_assign(struct ks_connection *conn,
				struct file *allocator)
{
	const struct ks_owner through_us = { .file = conn->file };
	struct ksallocator_framing framing;
	int ret;

	lockdep_assert_held(&conn->lock);

	if (conn->state != KSSTATE_STOP)
		return -EBUSY;
	if (allocator) {
		if (ks_allocator_of(allocator)->kernel_only)
			return -EOPNOTSUPP;
		ret = conn->device->ops->get_framing(conn->device, &framing);
		if (ret)
			return ret;
		if (!ks_framing_fits(&ks_allocator_of(allocator)->framing,
				     &framing))
			return -EINVAL;
	}
	if (allocator == conn->allocator)
		return 0;

	if (allocator)
		get_file(allocator);
	if (conn->allocator) {
		ks_allocator_reclaim(ks_assigned(conn), &through_us);
		fput(conn->allocator);
	}
	conn->allocator = allocator;
	conn->assigned++;
	return 0;
}

/**
 * ks_connection_set_allocator() - assign an allocator
 * @conn: the connection
 * @allocator: the allocator's file, of which the connection gets a reference of
 *	its own; NULL for none
 *
 * Contract D5.
 *
 * Context: process context; sleeps.
 * Return: 0; the errors of KSALLOC_SET_ALLOCATOR.
 */
int ks_connection_set_allocator(struct ks_connection *conn,
				struct file *allocator)
{
	int ret = 0;

	if (mutex_lock_interruptible(&conn->lock))
		return -ERESTARTSYS;
	/* To let go of frames, no device is needed */
	if (allocator)
		ret = ks_connection_check(conn);
	if (!ret)
		ret = ks_connection_assign(conn, allocator);
	mutex_unlock(&conn->lock);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_set_allocator);

static long ks_set_allocator_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_set_allocator *arg = &ucmd->arg.set_allocator;
	struct file *allocator;
	int ret;

	if (arg->__reserved)
		return -EINVAL;
	ret = ks_allocator_file_get(arg->allocator_fd, &allocator);
	if (ret)
		return ret;

	ret = ks_connection_set_allocator(ucmd->file->private_data, allocator);
	if (allocator)
		fput(allocator);
	return ret;
}

static const struct ks_ioctl ks_connection_ioctls[] = {
	{
		.cmd = KSALLOC_GET_FRAMING,
		.size = sizeof(struct ksalloc_get_framing),
		.min_size = offsetofend(struct ksalloc_get_framing, framing),
		.fn = ks_get_framing_ioctl,
	},
	{
		.cmd = KSALLOC_CREATE_ALLOCATOR,
		.size = sizeof(struct ksalloc_create_allocator),
		.min_size = offsetofend(struct ksalloc_create_allocator, framing),
		.fn = ks_create_allocator_ioctl,
	},
	{
		.cmd = KSALLOC_SET_ALLOCATOR,
		.size = sizeof(struct ksalloc_set_allocator),
		.min_size = offsetofend(struct ksalloc_set_allocator, __reserved),
		.fn = ks_set_allocator_ioctl,
	},
	{
		.cmd = KSALLOC_SET_STATE,
		.size = sizeof(struct ksalloc_set_state),
		.min_size = offsetofend(struct ksalloc_set_state, __reserved),
		.fn = ks_set_state_ioctl,
	},
	{
		.cmd = KSALLOC_GET_STATE,
		.size = sizeof(struct ksalloc_get_state),
		.min_size = offsetofend(struct ksalloc_get_state, pending),
		.fn = ks_get_state_ioctl,
	},
	{
		.cmd = KSALLOC_SUBMIT,
		.size = sizeof(struct ksalloc_submit),
		.min_size = offsetofend(struct ksalloc_submit, __reserved),
		.fn = ks_submit_ioctl,
	},
	{
		.cmd = KSALLOC_COMPLETE,
		.size = sizeof(struct ksalloc_complete),
		.min_size = offsetofend(struct ksalloc_complete, header),
		.flags = KSALLOC_NONBLOCK,
		.fn = ks_complete_ioctl,
	},
	{
		.cmd = KSALLOC_GET_FRAMING_EX,
		.size = sizeof(struct ksalloc_get_framing_ex),
		.min_size = offsetofend(struct ksalloc_get_framing_ex,
					__reserved),
		.fn = ks_get_framing_ex_ioctl,
	},
	{
		.cmd = KSALLOC_RESET_STATE,
		.size = sizeof(struct ksalloc_reset_state),
		.min_size = offsetofend(struct ksalloc_reset_state, __reserved),
		.fn = ks_reset_state_ioctl,
	},
};

static long ks_connection_ioctl(struct file *file, unsigned int cmd,
				unsigned long arg)
{
	return ks_ioctl(file, cmd, arg, ks_connection_ioctls,
			ARRAY_SIZE(ks_connection_ioctls));
}

static __poll_t ks_connection_poll(struct file *file, poll_table *wait)
{
	struct ks_connection *conn = file->private_data;
	enum ksstate state;

	poll_wait(file, &conn->wait, wait);

	if (READ_ONCE(conn->gone) || conn->device->ops->gone(conn->device))
		return EPOLLERR | EPOLLHUP;
	state = READ_ONCE(conn->state);
	if (state < KSSTATE_PAUSE || READ_ONCE(conn->flushing))
		return EPOLLERR;
	if (!list_empty(&conn->done) ||
	    (state == KSSTATE_RUN && !list_empty(&conn->submitted) &&
	     conn->device->ops->ready(conn->device)))
		return EPOLLIN | EPOLLRDNORM;
	return 0;
}

/* Whether a process waits here, or has frames that it got here */
static bool ks_connection_serves(struct ks_connection *conn,
				 const struct ks_owner *owner)
{
	struct ks_reader *reader;

	lockdep_assert_held(&conn->lock);

	list_for_each_entry(reader, &conn->readers, link)
		if (reader->files == owner->files)
			return true;
	return conn->allocator &&
	       ks_allocator_serves(ks_assigned(conn), owner);
}

/* The process that closes its last descriptor has nothing here any more */
static int ks_connection_flush(struct file *file, fl_owner_t files)
{
	struct ks_connection *conn = file->private_data;
	const struct ks_owner owner = { file, files };
	struct ks_reader *reader;

	mutex_lock(&conn->lock);
	if (!ks_connection_serves(conn, &owner) ||
	    !ks_closed_last(file, files)) {
		mutex_unlock(&conn->lock);
		return 0;
	}
	list_for_each_entry(reader, &conn->readers, link)
		if (reader->files == files)
			reader->cancelled = true;
	if (conn->allocator)
		ks_allocator_reclaim(ks_assigned(conn), &owner);
	mutex_unlock(&conn->lock);
	ks_connection_wake(conn);

	return 0;
}

static int ks_connection_release(struct inode *inode, struct file *file)
{
	struct ks_connection *conn = file->private_data;

	mutex_lock(&conn->lock);
	ks_connection_down(conn, KSSTATE_STOP);
	ks_connection_assign(conn, NULL);
	mutex_unlock(&conn->lock);
	ks_connection_destroy(conn);

	return 0;
}

#ifdef CONFIG_PROC_FS
static void ks_connection_show_fdinfo(struct seq_file *m, struct file *file)
{
	static const char * const names[] = { "STOP", "ACQUIRE", "PAUSE", "RUN" };
	struct ks_connection *conn = file->private_data;
	struct ks_allocator *alloc;

	if (mutex_lock_interruptible(&conn->lock))
		return;
	alloc = ks_assigned(conn);
	seq_puts(m, "ksalloc:\tconnection\n");
	seq_printf(m, "id:\t%u\n", conn->id);
	if (conn->device->ops->show)
		conn->device->ops->show(conn->device, m);
	seq_printf(m, "state:\t%s\n", conn->gone ? "GONE" : names[conn->state]);
	seq_printf(m, "allocator:\t%d\n", alloc ? (int)alloc->id : -1);
	seq_printf(m, "submitted:\t%zu\n", list_count_nodes(&conn->submitted));
	seq_printf(m, "done:\t%zu\n", list_count_nodes(&conn->done));
	seq_printf(m, "gaps:\t%llu\n", conn->gaps);
	seq_printf(m, "flushing:\t%u\n", conn->flushing);
	mutex_unlock(&conn->lock);
}
#endif

static const struct file_operations ks_connection_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ks_connection_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = ks_connection_poll,
	.flush = ks_connection_flush,
	.release = ks_connection_release,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = ks_connection_show_fdinfo,
#endif
};

/**
 * ksalloc_create_allocator() - create an allocator on a connection
 * @connection: the connection's file
 * @framing: what the allocator shall be, as for KSALLOC_CREATE_ALLOCATOR
 * @heap: the file of the dma-buf heap that the frames come from; NULL for the
 *	device's own memory, without KSALLOCATOR_OPTIONF_SYSTEM_MEMORY
 *
 * The kernel-mode KsCreateAllocator(). It does what the ioctl does, and can have
 * memory of the device's that never leaves the kernel: such an allocator is refused
 * to user space even where it gets a descriptor of it. Contract A1 to A5, F2, F3.
 *
 * Context: process context; sleeps. With @heap, of a task with an address space.
 * Return: the allocator's file, a reference to which is the caller's; the errors
 * of KSALLOC_CREATE_ALLOCATOR; -EOPNOTSUPP also for a heap in a kernel thread.
 */
struct file *ksalloc_create_allocator(struct file *connection,
				      const struct ksallocator_framing *framing,
				      struct file *heap)
{
	bool system = framing->options_flags & KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;

	might_sleep();

	if (connection->f_op != &ks_connection_fops || system != !!heap ||
	    (heap && !ks_heap_plausible(heap)))
		return ERR_PTR(-EINVAL);
	return ks_connection_create_allocator(connection->private_data,
					      framing, heap, false);
}
EXPORT_SYMBOL_GPL(ksalloc_create_allocator);

/**
 * ksalloc_connect() - make a connection of a device
 * @device: the device, which is the connection's then; on failure it has been destroyed
 *	when this returns
 *
 * A driver makes a descriptor of it for the user, or keeps it for itself.
 *
 * Context: process context; sleeps. Called from the module of the device's
 * operations.
 * Return: the connection's file, in state STOP; -ENOMEM, -ENFILE, or what the device's
 * ->watch says.
 */
struct file *ksalloc_connect(struct ksalloc_device *device)
{
	struct ks_connection *conn;
	struct file *file;
	int ret;

	might_sleep();

	__module_get(device->ops->owner);
	conn = kzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);
	if (!conn) {
		ret = -ENOMEM;
		goto err_device;
	}
	mutex_init(&conn->lock);
	INIT_LIST_HEAD(&conn->submitted);
	INIT_LIST_HEAD(&conn->done);
	INIT_LIST_HEAD(&conn->readers);
	init_waitqueue_head(&conn->wait);
	INIT_WORK(&conn->gone_work, ks_connection_gone_work);
	conn->id = ks_new_id();
	conn->device = device;
	device->connection = conn;

	/* Before there is a file, whose release would come after the caller's error */
	ret = device->ops->watch(device);
	if (ret)
		goto err_conn;
	file = anon_inode_getfile("[ksalloc-connection]", &ks_connection_fops,
				  conn, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_conn;
	}
	conn->file = file;
	return file;

err_conn:
	ks_connection_destroy(conn);
	return ERR_PTR(ret);
err_device:
	ks_device_destroy(device);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(ksalloc_connect);

/**
 * ks_connect_ioctl() - KSALLOC_CONNECT
 * @ucmd: the call
 *
 * Context: process context; sleeps.
 * Return: a descriptor of a new connection, or an errno of the ABI header.
 */
long ks_connect_ioctl(struct ks_ucmd *ucmd)
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
