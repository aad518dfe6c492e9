// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections: a sink, the allocator assigned to it, and a state.
 *
 * A state is entered from the one beside it, by one step: those up can fail, and
 * then the steps down lead back; those down cannot. What happens to frames while
 * the state is PAUSE or RUN is in stream.c.
 *
 * A device that disappears is noticed by its last words, in any context, upon
 * which a work item takes the connection down to STOP for good: its frames are
 * free for others even if its owner never comes back.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <kunit/visibility.h>
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ksalloc_priv.h"
#include "trace.h"

static unsigned int max_mbytes;
module_param(max_mbytes, uint, 0644);
MODULE_PARM_DESC(max_mbytes,
		 "Most MiB that one allocator may have (0: half of the memory)");

/* Ends a sink, and lets its module go */
static void ks_sink_destroy(struct ksalloc_sink *sink)
{
	struct module *owner = sink->ops->owner;

	sink->ops->destroy(sink);
	module_put(owner);
}

/* Ends a connection in STOP that has no allocator, and its sink */
static void ks_connection_destroy(struct ks_connection *conn)
{
	/* No more notifications after this, and so no more work */
	conn->sink->ops->unwatch(conn->sink);
	cancel_work_sync(&conn->gone_work);
	ks_sink_destroy(conn->sink);
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
 * ks_connection_notify() - the sink has news: a filled frame, an error, its end
 * @conn: the connection
 *
 * Context: any, hard interrupts included.
 */
void ks_connection_notify(struct ks_connection *conn)
{
	ks_connection_wake(conn);
	if (conn->sink->ops->gone(conn->sink))
		schedule_work(&conn->gone_work);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_notify);

/**
 * ksalloc_sink_notify() - the sink has news: a filled frame, an error, its end
 * @sink: the sink, between the calls of its ->watch and ->unwatch
 *
 * Context: any, hard interrupts included.
 */
void ksalloc_sink_notify(struct ksalloc_sink *sink)
{
	ks_connection_notify(sink->connection);
}
EXPORT_SYMBOL_GPL(ksalloc_sink_notify);

static void ks_connection_set_state(struct ks_connection *conn,
				    enum ksstate state)
{
	lockdep_assert_held(&conn->lock);

	trace_ksalloc_state(conn->id, conn->state, state);
	WRITE_ONCE(conn->state, state);
	ks_connection_wake(conn);
}

/* Steps down. They do not fail, and the calling task may be exiting */

static void ks_step_acquire_to_stop(struct ks_connection *conn)
{
	conn->sink->ops->unacquire(conn->sink);
	kvfree(conn->slots);
	conn->slots = NULL;
	ks_connection_set_state(conn, KSSTATE_STOP);
}

/*
 * The device stops and forgets what it has. What was filled until then is kept
 * for the readers by ks_connection_request(), if there still is a use for it; the
 * rest stays submitted, to be queued again on the way to RUN: that can fail, and
 * the way down cannot. What was filled in between is among the rest, and lost.
 */
static void ks_step_run_to_pause(struct ks_connection *conn)
{
	struct ks_slot *slot;

	conn->sink->ops->cancel(conn->sink);
	list_for_each_entry(slot, &conn->submitted, link)
		slot->queued = false;
	conn->interrupted = true;
	ks_connection_set_state(conn, KSSTATE_PAUSE);
}

/*
 * What is pending is cancelled (contract I4, I5). What was in the device is not free
 * yet, for the caller has still to say that the stream has ended.
 */
static void ks_connection_end_stream(struct ks_connection *conn)
{
	struct ks_allocator *alloc = ks_assigned(conn);
	struct ks_reader *reader;
	u32 i;

	conn->sink->ops->cancel(conn->sink);
	for (i = 0; i < alloc->frames; i++)
		list_del_init(&conn->slots[i].link);
	conn->streams++;
	/* Even those that wake up when the next stream runs already */
	list_for_each_entry(reader, &conn->readers, link)
		reader->cancelled = true;
}

static void ks_step_pause_to_acquire(struct ks_connection *conn)
{
	ks_connection_end_stream(conn);
	conn->interrupted = false;
	conn->timed = false;
	WRITE_ONCE(conn->flushing, false);
	ks_connection_set_state(conn, KSSTATE_ACQUIRE);
	ks_allocator_cancel(ks_assigned(conn), conn->file);
}

static void ks_connection_down(struct ks_connection *conn, enum ksstate target)
{
	lockdep_assert_held(&conn->lock);

	if (conn->state == KSSTATE_RUN && target < KSSTATE_RUN)
		ks_step_run_to_pause(conn);
	if (conn->state == KSSTATE_PAUSE && target < KSSTATE_PAUSE)
		ks_step_pause_to_acquire(conn);
	if (conn->state == KSSTATE_ACQUIRE && target == KSSTATE_STOP)
		ks_step_acquire_to_stop(conn);
}

/* Contract I6: the device is gone, and so is all that it had */
static void ks_connection_gone(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	if (conn->gone)
		return;
	WRITE_ONCE(conn->gone, true);
	ks_connection_down(conn, KSSTATE_STOP);
	ks_connection_wake(conn);
}

static void ks_connection_gone_work(struct work_struct *work)
{
	struct ks_connection *conn =
		container_of(work, struct ks_connection, gone_work);

	mutex_lock(&conn->lock);
	ks_connection_gone(conn);
	mutex_unlock(&conn->lock);
}

/* Whether the device is there; the first to find that it is not says so */
static int ks_connection_check(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	if (!conn->gone && conn->sink->ops->gone(conn->sink))
		ks_connection_gone(conn);
	return conn->gone ? -ENODEV : 0;
}

/**
 * ks_connection_lock() - take ks_connection.lock if the device is there
 * @conn: the connection
 *
 * Context: process context; sleeps.
 * Return: 0 with the lock held; -ENODEV or -ERESTARTSYS.
 */
int ks_connection_lock(struct ks_connection *conn)
{
	int ret;

	if (mutex_lock_interruptible(&conn->lock))
		return -ERESTARTSYS;
	ret = ks_connection_check(conn);
	if (ret)
		mutex_unlock(&conn->lock);
	return ret;
}

/* Steps up */

static int ks_step_stop_to_acquire(struct ks_connection *conn)
{
	struct ks_allocator *alloc = ks_assigned(conn);
	struct ksallocator_framing framing;
	struct ks_slot *slots;
	int ret;
	u32 i;

	if (!alloc)
		return -EINVAL;

	/* The format may have changed since the allocator was assigned */
	ret = conn->sink->ops->get_framing(conn->sink, &framing);
	if (ret)
		return ret;
	if (!ks_framing_fits(&alloc->framing, &framing))
		return -EINVAL;

	slots = kvcalloc(alloc->frames, sizeof(*slots), GFP_KERNEL_ACCOUNT);
	if (!slots)
		return -ENOMEM;
	for (i = 0; i < alloc->frames; i++)
		INIT_LIST_HEAD(&slots[i].link);

	ret = conn->sink->ops->acquire(conn->sink, conn->allocator);
	if (ret) {
		kvfree(slots);
		return ret;
	}

	conn->slots = slots;
	ks_connection_set_state(conn, KSSTATE_ACQUIRE);
	return 0;
}

/* Lets the device run, unless that is left to the end of a flush */
static int ks_connection_run(struct ks_connection *conn)
{
	int ret = conn->flushing ? 0 : conn->sink->ops->run(conn->sink);

	if (!ret)
		conn->synchronized = false;
	return ret;
}

static int ks_step_pause_to_run(struct ks_connection *conn)
{
	struct ks_slot *slot;
	int ret;

	list_for_each_entry(slot, &conn->submitted, link) {
		ret = slot->queued ? 0 : ks_connection_queue(conn, slot);
		if (ret)
			return ret;
	}
	ret = ks_connection_run(conn);
	if (ret)
		return ret;
	ks_connection_set_state(conn, KSSTATE_RUN);
	return 0;
}

/* Contract I1: walks through the states between; a failure walks back */
static int ks_connection_up(struct ks_connection *conn, enum ksstate target)
{
	const enum ksstate start = conn->state;
	int ret = 0;

	lockdep_assert_held(&conn->lock);

	if (conn->state == KSSTATE_STOP && target > KSSTATE_STOP)
		ret = ks_step_stop_to_acquire(conn);
	if (!ret && conn->state == KSSTATE_ACQUIRE && target > KSSTATE_ACQUIRE)
		ks_connection_set_state(conn, KSSTATE_PAUSE);
	if (!ret && conn->state == KSSTATE_PAUSE && target > KSSTATE_PAUSE)
		ret = ks_step_pause_to_run(conn);

	if (ret)
		ks_connection_down(conn, start);
	return ret;
}

/**
 * ks_connection_request() - bring a connection to a state
 * @conn: the connection
 * @state: the state
 *
 * Contract I1, I4.
 *
 * Context: process context; sleeps. The calling task has descriptors.
 * Return: 0; the errors of KSALLOC_SET_STATE.
 */
int ks_connection_request(struct ks_connection *conn, enum ksstate state)
{
	int ret;

	might_sleep();

	ret = ks_connection_lock(conn);
	if (ret)
		/* A connection without a device is in STOP already */
		return ret == -ENODEV && state == KSSTATE_STOP ? 0 : ret;

	if (conn->state == KSSTATE_RUN && state == KSSTATE_PAUSE)
		while (!ks_connection_dequeue(conn))
			;
	if (state < conn->state)
		ks_connection_down(conn, state);
	else
		ret = ks_connection_up(conn, state);
	mutex_unlock(&conn->lock);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_request);

/* Contract I5: the device stops, and has no frames; the state is the same */
static void ks_connection_begin_flush(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	if (conn->flushing)
		return;
	ks_connection_end_stream(conn);
	conn->interrupted = true;
	WRITE_ONCE(conn->flushing, true);
	ks_connection_wake(conn);
	ks_allocator_cancel(ks_assigned(conn), conn->file);
}

/* On failure the flush goes on */
static int ks_connection_end_flush(struct ks_connection *conn)
{
	int ret = 0;

	lockdep_assert_held(&conn->lock);

	if (!conn->flushing)
		return 0;
	WRITE_ONCE(conn->flushing, false);
	if (conn->state == KSSTATE_RUN)
		ret = ks_connection_run(conn);
	if (ret)
		WRITE_ONCE(conn->flushing, true);
	ks_connection_wake(conn);
	return ret;
}

/**
 * ks_connection_reset() - begin or end a flush
 * @conn: the connection
 * @reset: which of both
 *
 * Contract I5.
 *
 * Context: process context; sleeps.
 * Return: 0; the errors of KSALLOC_RESET_STATE.
 */
int ks_connection_reset(struct ks_connection *conn, enum ksreset reset)
{
	int ret;

	might_sleep();

	ret = ks_connection_lock(conn);
	if (ret)
		return ret;
	if (conn->state < KSSTATE_PAUSE)
		ret = -ECANCELED;
	else if (reset == KSRESET_BEGIN)
		ks_connection_begin_flush(conn);
	else
		ret = ks_connection_end_flush(conn);
	mutex_unlock(&conn->lock);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_reset);

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
	ret = conn->sink->ops->get_framing(conn->sink, &arg->framing);
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
	const struct ksalloc_sink_ops *ops = conn->sink->ops;
	struct ksalloc_framing_details details;
	struct ksallocator_framing sink;
	int ret;

	ret = ks_connection_lock(conn);
	if (ret)
		return ret;
	ret = ops->get_framing(conn->sink, &sink);
	if (ret)
		goto out;
	ks_framing_details_init(&sink, ops->memory, &details);
	if (ops->get_details)
		ret = ops->get_details(conn->sink, &details);
	if (ret)
		goto out;

	framing->count_items = ks_framing_items(&sink, &details, ks_max_bytes(),
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
 * Resolves the framing against the sink's, and makes the allocator: of a heap, or
 * without one of the sink's own memory
 */
static struct file *ks_connection_create_allocator(struct ks_connection *conn,
						   const struct ksallocator_framing *asked,
						   struct file *heap, bool user)
{
	const struct ksalloc_memory_ops *ops = conn->sink->ops->memory;
	struct ksallocator_framing sink, framing;
	size_t frame_bytes;
	int ret;

	ret = ks_connection_lock(conn);
	if (ret)
		return ERR_PTR(ret);
	ret = conn->sink->ops->get_framing(conn->sink, &sink);
	mutex_unlock(&conn->lock);
	if (ret)
		return ERR_PTR(ret);

	ret = ks_framing_resolve(asked, &sink, ops, &framing);
	if (ret)
		return ERR_PTR(ret);
	ret = ks_framing_bytes(&framing, ks_max_bytes(), &frame_bytes);
	if (ret)
		return ERR_PTR(ret);

	if (heap)
		return ks_allocator_create(&framing, frame_bytes,
					   &ks_heap_memory_ops, heap, user);
	return ks_allocator_create(&framing, frame_bytes, ops, conn->sink,
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

/* Contract D5. A sink is given dma-bufs, which a kernel-only allocator has not (F3) */
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
		ret = conn->sink->ops->get_framing(conn->sink, &framing);
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

	if (READ_ONCE(conn->gone) || conn->sink->ops->gone(conn->sink))
		return EPOLLERR | EPOLLHUP;
	state = READ_ONCE(conn->state);
	if (state < KSSTATE_PAUSE || READ_ONCE(conn->flushing))
		return EPOLLERR;
	if (!list_empty(&conn->done) ||
	    (state == KSSTATE_RUN && !list_empty(&conn->submitted) &&
	     conn->sink->ops->ready(conn->sink)))
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
	if (conn->sink->ops->show)
		conn->sink->ops->show(conn->sink, m);
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
 *	sink's own memory, without KSALLOCATOR_OPTIONF_SYSTEM_MEMORY
 *
 * The kernel-mode KsCreateAllocator(). It does what the ioctl does, and can have
 * memory of the sink's that never leaves the kernel: such an allocator is refused
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
 * ksalloc_connect() - make a connection of a sink
 * @sink: the sink, which is the connection's then; on failure it has been destroyed
 *	when this returns
 *
 * A driver makes a descriptor of it for the user, or keeps it for itself.
 *
 * Context: process context; sleeps. Called from the module of the sink's
 * operations.
 * Return: the connection's file, in state STOP; -ENOMEM, -ENFILE, or what the sink's
 * ->watch says.
 */
struct file *ksalloc_connect(struct ksalloc_sink *sink)
{
	struct ks_connection *conn;
	struct file *file;
	int ret;

	might_sleep();

	__module_get(sink->ops->owner);
	conn = kzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);
	if (!conn) {
		ret = -ENOMEM;
		goto err_sink;
	}
	mutex_init(&conn->lock);
	INIT_LIST_HEAD(&conn->submitted);
	INIT_LIST_HEAD(&conn->done);
	INIT_LIST_HEAD(&conn->readers);
	init_waitqueue_head(&conn->wait);
	INIT_WORK(&conn->gone_work, ks_connection_gone_work);
	conn->id = ks_new_id();
	conn->sink = sink;
	sink->connection = conn;

	/* Before there is a file, whose release would come after the caller's error */
	ret = sink->ops->watch(sink);
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
err_sink:
	ks_sink_destroy(sink);
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
	struct ksalloc_sink *sink;

	if (arg->__reserved)
		return -EINVAL;
	sink = ks_v4l2_sink_create(arg->v4l2_fd);
	if (IS_ERR(sink))
		return PTR_ERR(sink);

	return ks_install(ksalloc_connect(sink));
}
