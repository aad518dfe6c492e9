// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files of readers, and their ioctls. reader.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/io_uring/cmd.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "connection.h"
#include "ioctl.h"
#include "planes.h"
#include "reader.h"
#include "sleep.h"

/* Number of indices that KSALLOC_EXCHANGE copies to the stack */
#define KS_EXCHANGE_FEW 16

/**
 * struct ks_exchange - one KSALLOC_EXCHANGE
 * @reader: the reader
 * @arg: the argument
 * @nonblock: do not wait
 * @again: as in &struct ks_ucmd
 * @cancels: &ks_reader.cancels when the call began
 * @taken: number of frames that were taken
 */
struct ks_exchange {
	struct ks_reader *reader;
	const struct ksalloc_exchange *arg;
	bool nonblock;
	bool again;
	s64 cancels;
	u32 taken;
};

static struct ks_feed *ks_reader_feed(const struct ks_reader *reader)
{
	return &reader->conn->feed;
}

static int ks_exchange_give_indices(struct ks_exchange *call, const u32 *indices)
{
	struct ks_feed *feed = ks_reader_feed(call->reader);
	int ret;

	spin_lock(&feed->lock);
	ret = ks_reader_give(feed, call->reader, call->arg->generation, indices,
			     call->arg->nr_give);
	spin_unlock(&feed->lock);
	return ret;
}

static int ks_exchange_give(struct ks_exchange *call)
{
	const u32 __user *from = u64_to_user_ptr(call->arg->give);
	const u32 count = call->arg->nr_give;
	u32 few[KS_EXCHANGE_FEW] __uninitialized, *many;
	int ret;

	if (!count)
		return 0;
	/* The usual case. get_user() needs fewer instructions than a copy of a variable size */
	if (count == 1) {
		if (get_user(few[0], from))
			return -EFAULT;
		return ks_exchange_give_indices(call, few);
	}
	if (count <= ARRAY_SIZE(few)) {
		if (copy_from_user(few, from, array_size(count, sizeof(few[0]))))
			return -EFAULT;
		return ks_exchange_give_indices(call, few);
	}
	many = vmemdup_array_user(from, count, sizeof(*many));
	if (IS_ERR(many))
		return PTR_ERR(many);
	ret = ks_exchange_give_indices(call, many);
	kvfree(many);
	return ret;
}

static int ks_exchange_copy(const struct ks_exchange *call,
			    const struct ksalloc_reader_frame *frame)
{
	const size_t size = call->arg->take_size;
	void __user *to = u64_to_user_ptr(call->arg->take) +
			  (u64)call->taken * size;
	int ret;

	ret = ks_copy_out(to, frame, offsetof(struct ksalloc_reader_frame,
					      planes[frame->nr_planes]));
	if (!ret && size > sizeof(*frame) &&
	    clear_user(to + sizeof(*frame), size - sizeof(*frame)))
		ret = -EFAULT;
	return ret;
}

/*
 * Whether ks_reader_take() would not return -EAGAIN. Needs no lock: if ks_feed.pending was zero
 * before, the queue has the fetched frames, and ks_feed.ended and ks_feed.error wake waiting calls
 */
static bool ks_reader_has_news(const struct ks_reader *reader)
{
	const struct ks_feed *feed = &reader->conn->feed;

	return READ_ONCE(reader->nr_queued) || READ_ONCE(feed->ended) ||
	       READ_ONCE(feed->error);
}

static __always_inline int ks_exchange_take_one(struct ks_exchange *call)
{
	struct ks_feed *feed = ks_reader_feed(call->reader);
	struct ksalloc_reader_frame frame __uninitialized;
	u32 flushes;
	int ret;

	spin_lock(&feed->lock);
	flushes = call->reader->flushes;
	ret = ks_reader_take(feed, call->reader, &frame);
	spin_unlock(&feed->lock);
	if (ret)
		return ret;

	ret = ks_exchange_copy(call, &frame);
	if (!ret) {
		call->taken++;
		return 0;
	}
	spin_lock(&feed->lock);
	ks_reader_untake(feed, call->reader, &frame, flushes);
	spin_unlock(&feed->lock);
	ks_feed_return(call->reader->conn);
	/* Another thread may have begun to wait for it */
	wake_up_poll(&feed->wait, EPOLLIN | EPOLLRDNORM);
	return ret;
}

/*
 * Takes ks_connection.lock. With @again, a call waits for the lock only if it has given frames
 * back, and the queue does not have the frames that it waits for. It cannot be made again then, so
 * only a fatal signal ends the wait. Returns -EAGAIN if it must use the queue instead
 */
static int ks_exchange_lock(const struct ks_exchange *call)
{
	const u32 have = call->taken + READ_ONCE(call->reader->nr_queued);
	struct mutex *lock = &call->reader->conn->lock;

	if (!call->again)
		return mutex_lock_interruptible(lock) ? -ERESTARTSYS : 0;
	if (call->arg->nr_give && have < call->arg->wait_for)
		return mutex_lock_killable(lock) ? -ERESTARTSYS : 0;
	if (mutex_trylock(lock))
		return 0;
	return call->arg->nr_give ? -EAGAIN : -ERESTARTSYS;
}

static void ks_reader_check_caller(struct ks_reader *reader)
{
	struct ks_feed *feed = ks_reader_feed(reader);

	if (ks_feed_trusts_caller(feed) || READ_ONCE(reader->untrusted))
		return;
	spin_lock(&feed->lock);
	ks_feed_distrust(feed, reader);
	spin_unlock(&feed->lock);
}

/*
 * Fetches frames from the device for all readers; -EAGAIN if there is none. While this waits for
 * the lock, another reader can put a frame into the queue of this one. This reader is not woken for
 * that frame, so the queue is checked again
 */
static int ks_exchange_fetch(struct ks_exchange *call)
{
	const bool newest = call->reader->flags & KSALLOC_READER_NEWEST;
	struct ks_connection *conn = call->reader->conn;
	int ret;

	/* The priority can have changed since the call began */
	ks_reader_check_caller(call->reader);
	if (!READ_ONCE(conn->feed.running) || !ks_feed_may_fetch(&conn->feed) ||
	    (call->nonblock && atomic_read(&conn->changing)))
		return READ_ONCE(call->reader->nr_queued) ? 0 : -EAGAIN;
	ret = ks_exchange_lock(call);
	if (ret)
		return ret == -EAGAIN && READ_ONCE(call->reader->nr_queued) ? 0 : ret;
	ret = -EAGAIN;
	if (conn->stuck)
		ret = -EIO;
	else if (conn->state == KSSTATE_RUN)
		ret = ks_feed_pump(conn, newest ? U32_MAX :
				   call->arg->nr_take - call->taken);
	if (ret == -EAGAIN && READ_ONCE(call->reader->nr_queued))
		ret = 0;
	mutex_unlock(&conn->lock);
	return ret;
}

/* Takes frames until there is none; -EAGAIN if there are fewer than the call waits for */
static int ks_exchange_take_frames(struct ks_exchange *call)
{
	struct ks_feed *feed = ks_reader_feed(call->reader);
	int ret, pending;

	while (call->taken < call->arg->nr_take) {
		/* Before the queue is read. Pairs with ks_feed_update_pending() */
		pending = atomic_read_acquire(&feed->pending);
		ret = ks_reader_has_news(call->reader) ?
		      ks_exchange_take_one(call) : -EAGAIN;
		if (!ret)
			continue;
		if (ret == -EAGAIN && pending)
			ret = ks_exchange_fetch(call);
		if (ret == -EAGAIN && call->taken >= call->arg->wait_for)
			return 0;
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * As ks_exchange_take_frames(). A call that sleeps finds no frame twice before that, so this check
 * is inline
 */
static __always_inline int ks_exchange_take(struct ks_exchange *call)
{
	/* As in ks_exchange_take_frames(), before the queue is read */
	const int pending = atomic_read_acquire(&ks_reader_feed(call->reader)->pending);

	if (call->taken < call->arg->wait_for && !pending && !ks_reader_has_news(call->reader))
		return -EAGAIN;
	return ks_exchange_take_frames(call);
}

/* The device may have a newer frame than the queue */
static int ks_exchange_take_newest(struct ks_exchange *call)
{
	if ((call->reader->flags & KSALLOC_READER_NEWEST) && call->arg->nr_take &&
	    atomic_read(&ks_reader_feed(call->reader)->pending)) {
		int ret = ks_exchange_fetch(call);

		if (ret && ret != -EAGAIN)
			return ret;
	}
	return ks_exchange_take(call);
}

static bool ks_exchange_is_cancelled(const struct ks_exchange *call)
{
	return atomic64_read(&call->reader->cancels) != call->cancels;
}

static int ks_exchange_wait(struct ks_exchange *call)
{
	struct ks_feed *feed = ks_reader_feed(call->reader);
	DEFINE_WAIT_FUNC(wait, ks_wake_and_remove);
	int ret, slept;

	for (;;) {
		ks_wait_begin(&feed->wait, &wait);
		ret = ks_exchange_take(call);
		if (ret != -EAGAIN)
			break;
		if (ks_exchange_is_cancelled(call)) {
			ret = -ECANCELED;
			break;
		}
		slept = ks_sleep_woken(&wait, call->arg->deadline_ns);
		/* If there is a frame now, return it, even after a signal or the deadline */
		ret = ks_exchange_take(call);
		if (ret != -EAGAIN)
			break;
		if (slept) {
			ret = ks_exchange_is_cancelled(call) ? -ECANCELED : slept;
			break;
		}
	}
	ks_wait_end(&feed->wait, &wait);
	return ret;
}

static int ks_exchange_check(const struct ksalloc_exchange *arg)
{
	if (arg->nr_give > KSALLOC_MAX_FRAMES || arg->nr_take > KSALLOC_MAX_FRAMES ||
	    arg->take_size > PAGE_SIZE)
		return -E2BIG;
	if (arg->wait_for > arg->nr_take ||
	    (arg->nr_take && arg->take_size < sizeof(struct ksalloc_reader_frame)))
		return -EINVAL;
	return 0;
}

/*
 * Whether the device has the next frame for the reader now. @pending alone is not enough: it can be
 * too large, and outside of RUN it counts notifications that are not for frames. Does not wait for
 * the lock
 */
static bool ks_exchange_can_fetch(const struct ks_exchange *call)
{
	struct ks_connection *conn = call->reader->conn;
	bool ready;

	if (call->reader->every != 1 || !atomic_read(&conn->feed.pending) ||
	    atomic_read(&conn->changing) || !ks_feed_may_fetch(&conn->feed) ||
	    !mutex_trylock(&conn->lock))
		return false;
	ready = conn->state == KSSTATE_RUN && conn->feed.running &&
		!conn->flushing && !conn->stuck && conn->nr_submitted &&
		conn->device->ops->ready(conn->device);
	mutex_unlock(&conn->lock);
	return ready;
}

/*
 * Whether a call with @again will find what it waits for. Checked before it gives frames back,
 * because it cannot be made again afterwards. The result can be wrong if another thread uses the
 * reader, too, or if the reader is full and loses the frame
 */
static bool ks_exchange_is_ready(const struct ks_exchange *call)
{
	const struct ks_reader *reader = call->reader;
	const struct ks_feed *feed = &reader->conn->feed;
	const u32 wait_for = call->arg->wait_for;

	return READ_ONCE(reader->nr_queued) >= wait_for ||
	       READ_ONCE(feed->ended) || READ_ONCE(feed->error) ||
	       (wait_for == 1 && ks_exchange_can_fetch(call));
}

/*
 * As for read(), a call that has given back or taken frames does not fail. If the cause of an error
 * persists, the next call fails with it
 */
static int ks_exchange_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_reader *reader = ucmd->file->private_data;
	struct ks_exchange call = {
		.reader = reader,
		.arg = &ucmd->arg.exchange,
		.nonblock = ks_nonblock(ucmd) || !ucmd->arg.exchange.wait_for,
		.again = ucmd->again,
		.cancels = atomic64_read_acquire(&reader->cancels),
	};
	int ret;

	ks_reader_check_caller(reader);
	ret = ks_exchange_check(call.arg);
	if (!ret && READ_ONCE(reader->ended) && call.arg->wait_for && ucmd->may_wait)
		return -ECANCELED;
	if (!ret && ucmd->again && !ks_exchange_is_ready(&call))
		ret = -EAGAIN;
	if (!ret)
		ret = ks_exchange_give(&call);
	if (ret)
		return ret;
	ret = ks_exchange_take_newest(&call);
	/* Does nothing if ks_exchange_fetch() has given these frames to the device already */
	if (call.arg->nr_give)
		ks_feed_return(reader->conn);
	if (ret == -EAGAIN && !call.nonblock)
		ret = ks_exchange_wait(&call);
	if (call.taken || call.arg->nr_give)
		return call.taken;
	return ret;
}

static void ks_reader_put_views(struct ks_reader *reader)
{
	u32 i;

	for (i = 0; i < reader->nr_views; i++)
		if (reader->views[i])
			dma_buf_put(reader->views[i]);
	kvfree(reader->views);
	reader->views = NULL;
	reader->nr_views = 0;
}

/* Allocates the array for the views of a generation. Puts the views of an earlier one */
static int ks_reader_set_views(struct ks_reader *reader, u64 generation, u32 count)
{
	lockdep_assert_held(&reader->view_lock);

	if (reader->views && reader->views_of == generation)
		return 0;
	ks_reader_put_views(reader);
	reader->views = kvcalloc(count, sizeof(*reader->views), GFP_KERNEL_ACCOUNT);
	if (!reader->views)
		return -ENOMEM;
	reader->nr_views = count;
	reader->views_of = generation;
	return 0;
}

/*
 * Finds a plane of a frame. Returns its dma-buf with a reference, its position among the planes of
 * all frames, and their number, and what the view needs
 */
static struct dma_buf *
ks_reader_find_plane(struct ks_feed *feed, const struct ksalloc_reader_export *arg,
		     u32 *position, u32 *planes, size_t *bytes, u32 *view_flags)
{
	struct dma_buf *dmabuf = NULL;
	struct ksalloc_frame *frame;
	int ret = -ESTALE;

	spin_lock(&feed->lock);
	if (feed->allocator && arg->generation == feed->generation) {
		frame = ks_frame_at(feed->allocator, arg->index);
		dmabuf = frame ? ks_frame_dmabuf(frame, arg->plane) : NULL;
		ret = -EINVAL;
	}
	if (dmabuf) {
		get_dma_buf(dmabuf);
		*position = frame->index * frame->nr_planes + arg->plane;
		*planes = feed->allocator->nr_frames * frame->nr_planes;
		*bytes = ks_plane_bytes(&feed->allocator->layout, arg->plane);
		*view_flags = feed->view_flags;
	}
	spin_unlock(&feed->lock);
	return dmabuf ?: ERR_PTR(ret);
}

/* The view of a plane; it belongs to the reader */
static struct dma_buf *ks_reader_view(struct ks_reader *reader,
				      const struct ksalloc_reader_export *arg)
{
	struct dma_buf *source, **view, *made;
	u32 position, planes, flags;
	size_t bytes;
	int ret;

	lockdep_assert_held(&reader->view_lock);

	source = ks_reader_find_plane(ks_reader_feed(reader), arg, &position,
				      &planes, &bytes, &flags);
	if (IS_ERR(source))
		return source;
	ret = ks_reader_set_views(reader, arg->generation, planes);
	made = ERR_PTR(ret);
	if (ret)
		goto out;
	view = &reader->views[array_index_nospec(position, planes)];
	made = *view ?: ks_view_create(source, bytes, flags);
	if (!IS_ERR(made))
		*view = made;
out:
	dma_buf_put(source);
	return made;
}

static int ks_reader_export_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_reader *reader = ucmd->file->private_data;
	struct dma_buf *view;
	int fd;

	mutex_lock(&reader->view_lock);
	view = ks_reader_view(reader, &ucmd->arg.reader_export);
	if (!IS_ERR(view))
		get_dma_buf(view);
	mutex_unlock(&reader->view_lock);
	if (IS_ERR(view))
		return PTR_ERR(view);
	fd = dma_buf_fd(view, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(view);
	return fd;
}

static void ks_reader_describe(struct ks_reader *reader,
			       struct ksalloc_reader_info *info,
			       struct v4l2_format *format)
{
	struct ks_feed *feed = ks_reader_feed(reader);

	spin_lock(&feed->lock);
	info->generation = feed->generation;
	info->running = feed->running;
	info->promised = reader->promised;
	info->lost = reader->lost_before + reader->lost;
	info->revoked = reader->nr_revoked;
	info->queued = reader->nr_queued;
	info->taken = reader->nr_taken;
	info->frames = feed->allocator ? feed->allocator->nr_frames : 0;
	if (feed->allocator) {
		info->planes = feed->allocator->layout;
		info->frame_size = feed->allocator->framing.frame_size;
	}
	*format = feed->format;
	spin_unlock(&feed->lock);
}

/* The format as a 32-bit program knows it: without padding after the type */
struct ks_format_32 {
	u32 type;
	u8 fmt[sizeof_field(struct v4l2_format, fmt)];
};

static int ks_reader_copy_format(const struct ksalloc_reader_info *info,
				 const struct v4l2_format *format)
{
	void __user *to = u64_to_user_ptr(info->format);
	struct ks_format_32 format_32;
	size_t size = sizeof(*format);
	const void *from = format;

	if (!info->format)
		return 0;
	if (in_compat_syscall()) {
		format_32.type = format->type;
		memcpy(format_32.fmt, &format->fmt, sizeof(format_32.fmt));
		from = &format_32;
		size = sizeof(format_32);
	}
	return copy_to_user(to, from, min_t(size_t, info->format_size, size)) ?
	       -EFAULT : 0;
}

static int ks_reader_info_ioctl(struct ks_ucmd *ucmd)
{
	struct ksalloc_reader_info *arg = &ucmd->arg.reader_info;
	struct ks_reader *reader = ucmd->file->private_data;
	struct ksalloc_reader_info info = {
		.size = arg->size,
		.format = arg->format,
		.format_size = arg->format_size,
	};
	struct v4l2_format format;
	int ret;

	ks_reader_describe(reader, &info, &format);
	ret = ks_reader_copy_format(&info, &format);
	if (ret)
		return ret;
	*arg = info;
	return ks_reply(ucmd, sizeof(*arg));
}

static int ks_reader_cancel_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_reader *reader = ucmd->file->private_data;

	if (ucmd->arg.cancel.flags & KSALLOC_CANCEL_PERMANENT)
		WRITE_ONCE(reader->ended, true);
	/* Pairs with atomic64_read_acquire() in ks_exchange_ioctl() */
	atomic64_inc_return_release(&reader->cancels);
	ks_wake_calls(&ks_reader_feed(reader)->wait);
	return 0;
}

static const struct ks_ioctl ks_reader_ioctls[] = {
	KS_WAITING_IOCTL(EXCHANGE, exchange, generation, 0, ks_exchange_ioctl),
	KS_IOCTL(READER_EXPORT, reader_export, generation, 0,
		 ks_reader_export_ioctl),
	KS_IOCTL(READER_INFO, reader_info, planes, 0, ks_reader_info_ioctl),
	KS_IOCTL(READER_CANCEL, cancel, flags, KSALLOC_CANCEL_PERMANENT, ks_reader_cancel_ioctl),
};

static long ks_reader_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	return ks_ioctl(file, cmd, arg, ks_reader_ioctls,
			ARRAY_SIZE(ks_reader_ioctls));
}

static int ks_reader_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	return ks_uring_cmd(cmd, issue_flags, ks_reader_ioctls,
			    ARRAY_SIZE(ks_reader_ioctls));
}

static __poll_t ks_reader_poll(struct file *file, poll_table *wait)
{
	struct ks_reader *reader = file->private_data;
	struct ks_feed *feed = ks_reader_feed(reader);
	int pending;

	poll_wait(file, &feed->wait, wait);
	if (READ_ONCE(feed->ended))
		return EPOLLERR | EPOLLHUP;
	/* Before the queue is read, as in ks_exchange_take() */
	pending = atomic_read_acquire(&feed->pending);
	/* During a change of the state, a non-blocking call does not fetch */
	if (READ_ONCE(reader->nr_queued) ||
	    (pending && !READ_ONCE(feed->nr_untrusted) &&
	     READ_ONCE(reader->conn->state) == KSSTATE_RUN &&
	     !atomic_read(&reader->conn->changing)))
		return EPOLLIN | EPOLLRDNORM;
	return READ_ONCE(feed->error) ? EPOLLERR : 0;
}

static int ks_reader_release(struct inode *inode, struct file *file)
{
	struct ks_reader *reader = file->private_data;
	struct ks_connection *conn = reader->conn;

	/* Not if ks_reader_open() failed */
	if (!list_empty(&reader->link))
		ks_feed_remove_reader(&conn->feed, reader);
	ks_reader_put_views(reader);
	mutex_destroy(&reader->view_lock);
	kvfree(reader);
	ks_connection_put_memory(conn);
	return 0;
}

#ifdef CONFIG_PROC_FS
static void ks_reader_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct ks_reader *reader = file->private_data;

	seq_puts(m, "ksalloc:\treader\n");
	seq_printf(m, "connection:\t%u\n", reader->conn->id);
	seq_printf(m, "depth:\t%u\n", reader->depth);
	seq_printf(m, "every:\t%u\n", reader->every);
	seq_printf(m, "newest:\t%u\n", !!(reader->flags & KSALLOC_READER_NEWEST));
	seq_printf(m, "promised:\t%u\n", READ_ONCE(reader->promised));
	seq_printf(m, "untrusted:\t%u\n", READ_ONCE(reader->untrusted));
	seq_printf(m, "queued:\t%u\n", READ_ONCE(reader->nr_queued));
	seq_printf(m, "taken:\t%u\n", READ_ONCE(reader->nr_taken));
	seq_printf(m, "lost:\t%llu\n",
		   READ_ONCE(reader->lost_before) + READ_ONCE(reader->lost));
	seq_printf(m, "revoked:\t%llu\n", READ_ONCE(reader->nr_revoked));
}
#endif

static const struct file_operations ks_reader_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ks_reader_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = ks_reader_uring_cmd,
	.poll = ks_reader_poll,
	.release = ks_reader_release,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = ks_reader_show_fdinfo,
#endif
};

/* @conn has an open file. @depth and @every are at least one */
struct file *ks_reader_open(struct ks_connection *conn, u32 depth, u32 every,
			    u32 flags)
{
	struct ks_reader *reader;
	struct file *file;
	int ret;

	reader = ks_reader_new(depth, every, flags);
	if (!reader)
		return ERR_PTR(-ENOMEM);
	reader->conn = conn;
	file = anon_inode_getfile("[ksalloc-reader]", &ks_reader_fops, reader,
				  O_RDONLY);
	if (IS_ERR(file)) {
		kvfree(reader);
		return file;
	}
	kref_get(&conn->memory);
	/* Last, because a reader takes frames as soon as it is added */
	ret = ks_feed_add_reader(&conn->feed, reader);
	if (ret) {
		fput(file);
		return ERR_PTR(ret);
	}
	return file;
}
EXPORT_SYMBOL_IF_KUNIT(ks_reader_open);
