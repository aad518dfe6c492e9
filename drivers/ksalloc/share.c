// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares and their handles. share.h describes the rules.
 */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <media/videobuf2-v4l2.h>

#include "connection.h"
#include "share.h"
#include "sleep.h"
#include "v4l2.h"

/* A handle can have 1 / KS_SHARE_PART of the frames, rounded up, and always KS_SHARE_DEPTH_LEAST */
#define KS_SHARE_PART 4

/* With what the camera needs, this is enough to promise frames to one program: see reader.h */
#define KS_SHARE_MORE 2U

/* If the camera cannot have all frames, fewer are tried, but not fewer than this */
#define KS_SHARE_LEAST 4U

static struct ks_feed *ks_share_feed(const struct ks_share_handle *handle)
{
	return &handle->share->conn->feed;
}

/* Takes ks_share.lock; or returns -ENODEV without it, if the share has ended */
int ks_share_lock(struct ks_share *share)
{
	mutex_lock(&share->lock);
	if (!share->ended)
		return 0;
	mutex_unlock(&share->lock);
	return -ENODEV;
}

static int ks_share_make_frames(struct ks_share *share, u32 frames)
{
	const struct ksallocator_framing framing = { .frames = frames };
	struct ks_feed *feed = &share->conn->feed;
	struct ks_allocator *alloc;
	struct file *file;
	int ret;

	file = ksalloc_create_allocator(share->file, &framing, NULL);
	if (IS_ERR(file))
		return PTR_ERR(file);
	alloc = ks_allocator_of(file);
	/* The camera can need more frames than requested, but a handle has no bits for more */
	ret = alloc->nr_frames > VIDEO_MAX_FRAME ? -EOPNOTSUPP :
	      ks_connection_set_allocator(share->conn, alloc);
	if (!ret) {
		spin_lock(&feed->lock);
		share->nr_frames = alloc->nr_frames;
		share->layout = alloc->layout;
		spin_unlock(&feed->lock);
	}
	/* Not fput(): in a kernel thread, it defers the release, and the camera would stay busy */
	__fput_sync(file);
	return ret;
}

/*
 * Makes the frames when the first handle requests buffers: as many as the caller of KSALLOC_SHARE
 * has requested, or KS_SHARE_MORE more than the camera needs if that is more. If this fails, half
 * of the number is tried, and so on, down to KS_SHARE_LEAST or what the camera needs
 */
static int ks_share_make_memory(struct ks_share *share)
{
	const struct vb2_queue *queue = share->camera->vdev->queue;
	struct ksalloc_requirements needs;
	u32 frames, least;
	int ret;

	lockdep_assert_held(&share->lock);

	ret = ks_connection_needs(share->conn, &needs);
	if (ret)
		return ret;
	frames = max(share->asked, needs.framing.frames + KS_SHARE_MORE);
	least = max(KS_SHARE_LEAST, needs.framing.frames);
	if (queue)
		frames = min(frames, queue->max_num_buffers);
	for (;;) {
		ret = ks_share_make_frames(share, frames);
		if ((ret != -ENOMEM && ret != -EOPNOTSUPP) || frames <= least)
			return ret;
		frames = max(frames / 2, least);
	}
}

/*
 * Makes the buffers of a handle, or frees them if the number at @arg is 0. There is one for each
 * frame of the share; the number only limits the depth of the reader. Sets the number to that of
 * the buffers. Returns -EBUSY if the handle streams, or another program uses the camera; other
 * errors of KSALLOC_CREATE_ALLOCATOR.
 */
int ks_share_request(struct ks_share_handle *handle, void *arg)
{
	struct ks_share *share = handle->share;
	struct ks_feed *feed = ks_share_feed(handle);
	const u32 count = *(u32 *)arg;
	u32 depth;
	int ret;

	ret = ks_share_lock(share);
	if (ret)
		return ret;
	if (handle->reader)
		ret = -EBUSY;
	else if (count && !share->users)
		ret = ks_share_make_memory(share);
	if (ret)
		goto out;

	WRITE_ONCE(share->users, share->users + !!count - !!handle->nr_buffers);
	spin_lock(&feed->lock);
	WRITE_ONCE(handle->nr_buffers, count ? share->nr_frames : 0);
	bitmap_zero(handle->queued, VIDEO_MAX_FRAME);
	spin_unlock(&feed->lock);
	depth = DIV_ROUND_UP(share->nr_frames, KS_SHARE_PART);
	handle->depth = clamp(count, KS_SHARE_DEPTH_LEAST, max(KS_SHARE_DEPTH_LEAST, depth));
	*(u32 *)arg = handle->nr_buffers;
	if (!share->users)
		ks_connection_drop_allocator(share->conn);
out:
	mutex_unlock(&share->lock);
	return ret;
}

/*
 * Lets other files of the camera use it after a change. While no handle has buffers, the camera is
 * not in use
 */
void ks_share_end_reservation(struct ks_share *share)
{
	lockdep_assert_held(&share->lock);

	if (!share->users)
		ks_v4l2_end_reservation(share->camera);
}

static int ks_share_add_reader(struct ks_share_handle *handle)
{
	struct ks_feed *feed = ks_share_feed(handle);
	struct ks_reader *reader;
	int ret;

	reader = ks_reader_new(handle->depth, 1, 0);
	if (!reader)
		return -ENOMEM;
	reader->conn = handle->share->conn;
	reader->wanted = handle->queued;
	ret = ks_feed_add_reader(feed, reader);
	if (ret) {
		kvfree(reader);
		return ret;
	}
	spin_lock(&feed->lock);
	handle->reader = reader;
	spin_unlock(&feed->lock);
	/* The frames are divided again, which can give others room */
	wake_up_poll(&feed->wait, EPOLLIN | EPOLLRDNORM);
	return 0;
}

static void ks_share_remove_reader(struct ks_share_handle *handle)
{
	struct ks_feed *feed = ks_share_feed(handle);
	struct ks_reader *reader = handle->reader;

	spin_lock(&feed->lock);
	handle->reader = NULL;
	spin_unlock(&feed->lock);
	ks_feed_remove_reader(feed, reader);
	/* For calls of this handle that wait */
	wake_up_poll(&feed->wait, EPOLLERR);
	mutex_destroy(&reader->view_lock);
	kvfree(reader);
}

static bool ks_share_failed(struct ks_share *share)
{
	struct ks_feed *feed = &share->conn->feed;
	bool failed;

	spin_lock(&feed->lock);
	failed = feed->error;
	spin_unlock(&feed->lock);
	return failed;
}

/* Returns -EINVAL if the handle has no buffers, -EBUSY if too many handles stream */
int ks_share_start(struct ks_share_handle *handle, void *arg)
{
	struct ks_share *share = handle->share;
	bool failed;
	int ret;

	ret = ks_share_lock(share);
	if (ret)
		return ret;
	if (handle->reader)
		goto out;
	ret = -EINVAL;
	if (!handle->nr_buffers)
		goto out;
	ret = ks_share_add_reader(handle);
	if (ret)
		goto out;

	/* After an error of the camera, no handle gets frames until it is started again */
	failed = ks_share_failed(share);
	if (failed)
		ks_connection_force_stop(share->conn);
	ret = share->streams && !failed ? 0 : ks_connection_request(share->conn,
								    KSSTATE_RUN, true);
	/* On failure, the buffers stay queued, as in videobuf2 */
	if (ret)
		ks_share_remove_reader(handle);
	else
		WRITE_ONCE(share->streams, share->streams + 1);
out:
	mutex_unlock(&share->lock);
	return ret;
}

static void ks_share_stop_locked(struct ks_share_handle *handle)
{
	struct ks_share *share = handle->share;

	lockdep_assert_held(&share->lock);

	if (!handle->reader)
		return;
	ks_share_remove_reader(handle);
	WRITE_ONCE(share->streams, share->streams - 1);
	if (!share->streams)
		ks_connection_force_stop(share->conn);
}

/* Ends the stream to a handle, and dequeues all its buffers */
int ks_share_stop(struct ks_share_handle *handle, void *arg)
{
	struct ks_share *share = handle->share;
	struct ks_feed *feed = ks_share_feed(handle);
	int ret;

	ret = ks_share_lock(share);
	if (ret)
		return ret;
	ks_share_stop_locked(handle);
	spin_lock(&feed->lock);
	bitmap_zero(handle->queued, VIDEO_MAX_FRAME);
	spin_unlock(&feed->lock);
	mutex_unlock(&share->lock);
	return 0;
}

/* Ends the stream to a handle that has buffers, and frees them */
void ks_share_close(struct ks_share_handle *handle)
{
	struct ks_share *share = handle->share;

	mutex_lock(&share->lock);
	ks_share_stop_locked(handle);
	WRITE_ONCE(share->users, share->users - 1);
	if (!share->users)
		ks_connection_drop_allocator(share->conn);
	mutex_unlock(&share->lock);
}

static u32 ks_share_timestamp_flags(const struct ks_share *share)
{
	const struct vb2_queue *queue = share->camera->vdev->queue;

	return queue ? queue->timestamp_flags : V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
}

/* The fields that do not depend on the data */
static int ks_share_describe_locked(struct ks_share_handle *handle,
				    struct v4l2_buffer *buffer)
{
	struct ks_share *share = handle->share;
	const struct ksalloc_planes *layout = &share->layout;
	const u32 index = buffer->index;
	u32 i;

	lockdep_assert_held(&ks_share_feed(handle)->lock);

	if (index >= handle->nr_buffers)
		return -EINVAL;
	buffer->memory = V4L2_MEMORY_MMAP;
	buffer->flags = ks_share_timestamp_flags(share);
	if (test_bit(array_index_nospec(index, VIDEO_MAX_FRAME), handle->queued))
		buffer->flags |= V4L2_BUF_FLAG_QUEUED;
	buffer->field = V4L2_FIELD_ANY;
	buffer->timestamp = (struct __kernel_v4l2_timeval){ };
	buffer->timecode = (struct v4l2_timecode){ };
	buffer->sequence = 0;
	buffer->bytesused = 0;
	buffer->reserved2 = 0;
	buffer->request_fd = 0;
	if (!ks_v4l2_is_mplane(share->camera)) {
		buffer->length = layout->sizes[0];
		buffer->m.offset = index * VIDEO_MAX_PLANES << PAGE_SHIFT;
		return 0;
	}
	if (!buffer->m.planes || buffer->length < layout->count)
		return -EINVAL;
	buffer->length = layout->count;
	for (i = 0; i < layout->count; i++)
		buffer->m.planes[i] = (struct v4l2_plane){
			.length = layout->sizes[i],
			.m.mem_offset = (index * VIDEO_MAX_PLANES + i) << PAGE_SHIFT,
		};
	return 0;
}

/* Describes a buffer of a handle, as VIDIOC_QUERYBUF */
int ks_share_describe(struct ks_share_handle *handle, struct v4l2_buffer *buffer)
{
	struct ks_feed *feed = ks_share_feed(handle);
	int ret;

	spin_lock(&feed->lock);
	ret = ks_share_describe_locked(handle, buffer);
	spin_unlock(&feed->lock);
	return ret;
}

/*
 * Queues a buffer, and describes it. Returns -EINVAL if there is no such buffer, or it is queued
 * already
 */
int ks_share_queue(struct ks_share_handle *handle, struct v4l2_buffer *buffer)
{
	struct ks_feed *feed = ks_share_feed(handle);
	bool had_room = true;
	u64 divisions = 0;
	u32 index = buffer->index;
	int ret;

	spin_lock(&feed->lock);
	ret = ks_share_describe_locked(handle, buffer);
	if (ret)
		goto out;
	if (handle->reader)
		had_room = ks_share_has_room(handle);
	index = array_index_nospec(index, VIDEO_MAX_FRAME);
	ret = -EINVAL;
	if (__test_and_set_bit(index, handle->queued))
		goto out;
	buffer->flags |= V4L2_BUF_FLAG_QUEUED;
	/* Fails if the handle did not have this frame. That is no error */
	divisions = feed->divisions;
	if (handle->reader)
		ks_reader_give(feed, handle->reader, feed->generation, &index, 1);
	divisions -= feed->divisions;
	ret = 0;
out:
	spin_unlock(&feed->lock);
	if (ret)
		return ret;
	ks_feed_return(handle->share->conn);
	/* Pollers saw that there was no room */
	if (divisions)
		wake_up_poll(&feed->wait, EPOLLIN | EPOLLRDNORM);
	else if (!had_room)
		wake_up_poll(&handle->fh.wait, EPOLLIN | EPOLLRDNORM);
	return 0;
}

/*
 * V4L2 permits V4L2_FIELD_ALTERNATE for a format, but not for a buffer. If the driver does not say
 * which field this is, nothing better is known
 */
static u32 ks_share_field(const struct ks_feed_frame *frame, u32 format)
{
	switch (frame->field) {
	case KS_VIDEO_FLAG_FIELD1:
		return V4L2_FIELD_TOP;
	case KS_VIDEO_FLAG_FIELD2:
		return V4L2_FIELD_BOTTOM;
	default:
		return format;
	}
}

static void ks_share_describe_data(struct ks_share_handle *handle,
				   struct v4l2_buffer *buffer)
{
	const struct ks_feed *feed = ks_share_feed(handle);
	const struct ks_feed_frame *frame = &feed->frames[buffer->index];
	const struct ks_filled *filled = &frame->filled;
	const bool mplane = ks_v4l2_is_mplane(handle->share->camera);
	u32 i, rest;
	u64 time;

	time = div_u64_rem(filled->time, 10000000, &rest);
	buffer->timestamp.tv_sec = time;
	buffer->timestamp.tv_usec = rest / 10;
	buffer->sequence = filled->sequence;
	buffer->field = ks_share_field(frame, mplane ? feed->format.fmt.pix_mp.field :
						       feed->format.fmt.pix.field);
	if (frame->damaged)
		buffer->flags |= V4L2_BUF_FLAG_ERROR;
	if (filled->options_flags & KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT)
		buffer->flags |= V4L2_BUF_FLAG_KEYFRAME;
	if (filled->options_flags & KSSTREAM_HEADER_OPTIONSF_ENDOFSTREAM)
		buffer->flags |= V4L2_BUF_FLAG_LAST;
	if (!mplane) {
		buffer->bytesused = filled->planes[0].data_used;
		return;
	}
	for (i = 0; i < buffer->length; i++) {
		buffer->m.planes[i].data_offset = filled->planes[i].data_offset;
		buffer->m.planes[i].bytesused = filled->planes[i].data_offset +
						filled->planes[i].data_used;
	}
}

/* Takes a frame from the queue of the handle; -EAGAIN if there is none */
static int ks_share_take(struct ks_share_handle *handle, struct v4l2_buffer *buffer)
{
	struct ks_feed *feed = ks_share_feed(handle);
	int ret = -EINVAL;
	u32 index;

	spin_lock(&feed->lock);
	if (!handle->reader)
		goto out;
	if (!ks_feed_trusts_caller(feed))
		ks_feed_distrust(feed, handle->reader);
	ret = ks_reader_take_index(feed, handle->reader);
	if (ret < 0)
		goto out;
	index = ret;
	__clear_bit(index, handle->queued);
	buffer->index = index;
	ret = ks_share_describe_locked(handle, buffer);
	if (ret)
		ks_reader_give(feed, handle->reader, feed->generation, &index, 1);
	else
		ks_share_describe_data(handle, buffer);
out:
	spin_unlock(&feed->lock);
	return ret;
}

/* Fetches a frame from the camera for all handles; -EAGAIN if there is none */
static int ks_share_fetch(struct ks_connection *conn, bool nonblock)
{
	int ret = -EAGAIN;

	if (!READ_ONCE(conn->feed.running) || !ks_feed_may_fetch(&conn->feed) ||
	    (nonblock && atomic_read(&conn->changing)))
		return -EAGAIN;
	if (mutex_lock_interruptible(&conn->lock))
		return -ERESTARTSYS;
	if (conn->stuck)
		ret = -EIO;
	else if (conn->state == KSSTATE_RUN)
		ret = ks_feed_pump(conn, 1);
	mutex_unlock(&conn->lock);
	return ret;
}

/*
 * Fetches frames until this handle gets one, or the camera has none. The handle gets only frames
 * whose buffers it has queued. If the camera has none, another handle may have fetched one for all
 * handles meanwhile. This handle is not woken for that frame, so its queue is checked again
 */
static int ks_share_try(struct ks_share_handle *handle, struct v4l2_buffer *buffer,
			bool nonblock)
{
	struct ks_feed *feed = ks_share_feed(handle);
	int ret, pending;

	for (;;) {
		/* Before the queue is read. Pairs with ks_feed_update_pending() */
		pending = atomic_read_acquire(&feed->pending);
		ret = ks_share_take(handle, buffer);
		if (ret != -EAGAIN || !pending)
			return ret;
		ret = ks_share_fetch(handle->share->conn, nonblock);
		if (ret == -EAGAIN)
			return ks_share_take(handle, buffer);
		if (ret)
			return ret;
	}
}

/* Gets the next frame of a handle; -EINVAL if the handle does not stream */
int ks_share_dequeue(struct ks_share_handle *handle, struct v4l2_buffer *buffer,
		     bool nonblock)
{
	struct ks_feed *feed = ks_share_feed(handle);
	DEFINE_WAIT_FUNC(wait, ks_wake_and_remove);
	int ret, slept;

	ret = ks_share_try(handle, buffer, nonblock);
	if (ret != -EAGAIN || nonblock)
		return ret;
	for (;;) {
		ks_wait_begin(&feed->wait, &wait);
		ret = ks_share_try(handle, buffer, false);
		if (ret != -EAGAIN)
			break;
		slept = ks_sleep_woken(&wait, 0);
		ret = ks_share_try(handle, buffer, false);
		if (ret != -EAGAIN)
			break;
		if (slept) {
			ret = slept;
			break;
		}
	}
	ks_wait_end(&feed->wait, &wait);
	return ret;
}

/*
 * Makes a view of a plane of a buffer. Each call makes a view of its own, so fences on it
 * delay nobody else. @index and @plane can come from user space. The lock of an address
 * space can be held. The caller gets one reference.
 */
struct dma_buf *ks_share_view(struct ks_share_handle *handle, u32 index, u32 plane)
{
	struct dma_buf *source, *view;

	if (index >= READ_ONCE(handle->nr_buffers))
		return ERR_PTR(-EINVAL);
	source = ks_connection_get_dmabuf(handle->share->conn, index, plane);
	if (!source)
		return ERR_PTR(-EINVAL);
	view = ks_view_create(source, source->size, 0);
	dma_buf_put(source);
	return view;
}

/* A line for each handle that streams */
void ks_share_show_programs(struct seq_file *m, struct ks_share *share)
{
	struct ks_feed *feed = &share->conn->feed;
	const struct ks_share_handle *handle;
	const struct ks_reader *reader;

	spin_lock(&feed->lock);
	list_for_each_entry(reader, &feed->readers, link) {
		handle = container_of(reader->wanted, struct ks_share_handle, queued[0]);
		seq_printf(m, "program:\t%d\t%u\t%u\t%u\t%llu\n", pid_vnr(handle->opener),
			   reader->limit, reader->nr_queued, reader->nr_taken,
			   reader->lost_before + reader->lost);
	}
	spin_unlock(&feed->lock);
}

/* Stops using the camera. The node is unregistered; open handles get -ENODEV */
void ks_share_end(struct ks_share *share)
{
	mutex_lock(&share->lock);
	WRITE_ONCE(share->ended, true);
	ks_connection_force_stop(share->conn);
	ks_connection_drop_allocator(share->conn);
	/* Open handles keep the file of the camera */
	ks_v4l2_drop_priority(share->camera);
	mutex_unlock(&share->lock);
}
