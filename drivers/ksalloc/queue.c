// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues frames to the device and dequeues them. connection.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>

#include "connection.h"
#include "trace.h"

/*
 * In PAUSE or RUN. @dmabuf_fd is a descriptor of the frame's dma-buf in the calling task,
 * or -1; -1 if the frame has several planes.
 */
int ks_connection_queue(struct ks_connection *conn, struct ks_slot *slot,
			int dmabuf_fd)
{
	int ret;

	lockdep_assert_held(&conn->lock);

	ret = conn->device->ops->queue(conn->device, slot - conn->slots,
				       dmabuf_fd);
	slot->queued = !ret;
	return ks_device_result(ret);
}

/*
 * Limits data_offset and data_used to the size of each plane. Clients index their mapping with
 * them, so wrong values of a driver would lead to accesses outside of it.
 */
static void ks_completion_clamp(struct ksalloc_completion *completion,
				const struct ksalloc_planes *layout)
{
	u32 i, offset, used;

	for (i = 0; i < layout->count; i++) {
		struct ksalloc_plane_data *data = &completion->planes[i];

		offset = min(data->data_offset, layout->sizes[i]);
		used = min(data->data_used, layout->sizes[i] - offset);
		if (offset != data->data_offset || used != data->data_used)
			completion->options_flags |=
				KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
		data->data_offset = offset;
		data->data_used = used;
	}
}

/* A driver can leave some of it unset, and it is passed to user space */
static void ks_completion_init(struct ksalloc_completion *completion,
			       const struct ksalloc_planes *layout)
{
	u32 i;

	completion->index = 0;
	completion->sequence = 0;
	completion->options_flags = 0;
	completion->field = 0;
	completion->time = 0;
	completion->duration = 0;
	for (i = 0; i < layout->count; i++)
		completion->planes[i] = (struct ksalloc_plane_data){ };
}

/* Why no frame comes before the device runs again; otherwise 0. A hint without the lock */
int ks_connection_ended(struct ks_connection *conn)
{
	const struct ksalloc_device_ops *ops = conn->device->ops;

	return ops->ended ? ks_device_result(ops->ended(conn->device)) : 0;
}

/*
 * In RUN: takes one filled frame from the device; -EAGAIN if there is none. Its slot is
 * on no list afterwards. Skips frames that were not submitted, in case of a bug of the
 * driver.
 */
int ks_connection_dequeue(struct ks_connection *conn,
			  struct ksalloc_completion *completion)
{
	struct ks_allocator *alloc = conn->allocator;
	struct ks_slot *slot;
	int ret;

	lockdep_assert_held(&conn->lock);

	if (list_empty(&conn->submitted) && !ks_connection_ended(conn))
		return -EAGAIN;
	do {
		ks_completion_init(completion, &alloc->layout);
		ret = conn->device->ops->dequeue(conn->device, completion);
		if (ret)
			return ks_device_result(ret);
		slot = completion->index < alloc->nr_frames ?
		       &conn->slots[completion->index] : NULL;
	} while (!slot || !slot->queued);

	ks_completion_clamp(completion, &alloc->layout);
	slot->queued = false;
	list_del_init(&slot->link);
	WRITE_ONCE(conn->nr_submitted, conn->nr_submitted - 1);
	return 0;
}

/* Whether submitted frames are not in the device's queue: see ks_step_run_to_pause() */
static bool ks_connection_holds_frames(struct ks_connection *conn)
{
	return !list_empty(&conn->submitted) &&
	       !list_last_entry(&conn->submitted, struct ks_slot, link)->queued;
}

/* Returns 0 if there is such a frame, and @fd is -1 or a descriptor of its dma-buf; or an errno */
static int ks_frame_check_fd(const struct ks_allocator *alloc, u32 index, int fd)
{
	const struct ksalloc_frame *frame = ks_frame_at(alloc, index);
	const struct dma_buf *dmabuf;
	struct fd file;
	bool same;

	if (!frame)
		return -EINVAL;
	if (fd == -1)
		return 0;
	if (frame->nr_planes > 1)
		return -EINVAL;
	/* A dma-buf has exactly one file. A file that is not of a dma-buf is never equal */
	file = fdget(fd);
	if (!fd_file(file))
		return -EBADF;
	dmabuf = frame->planes->dmabuf;
	same = dmabuf && dmabuf->file == fd_file(file);
	fdput(file);
	return same ? 0 : -EINVAL;
}

/*
 * In PAUSE or RUN: submits a frame that is IN_DEVICE. It is queued now, or by the next step
 * to RUN if earlier frames wait for that. On failure, ks_allocator_unsubmit() was called.
 * @dmabuf_fd is as in ks_connection_queue().
 */
int ks_connection_give(struct ks_connection *conn, u32 index, int dmabuf_fd)
{
	struct ks_allocator *alloc = conn->allocator;
	struct ks_slot *slot;
	int ret = 0;
	bool hold;

	lockdep_assert_held(&conn->lock);

	slot = &conn->slots[array_index_nospec(index, alloc->nr_frames)];
	hold = ks_connection_holds_frames(conn);

	/* Before the device gets it: a poller must see the frame when the device has filled it */
	list_add_tail(&slot->link, &conn->submitted);
	WRITE_ONCE(conn->nr_submitted, conn->nr_submitted + 1);
	if (!hold)
		ret = ks_connection_queue(conn, slot, dmabuf_fd);
	if (ret) {
		list_del_init(&slot->link);
		WRITE_ONCE(conn->nr_submitted, conn->nr_submitted - 1);
		ks_allocator_unsubmit(alloc, index);
		return ret;
	}
	trace_ksalloc_queue(conn->id, index);
	return 0;
}

static int ks_connection_do_submit(struct ks_connection *conn, u32 index,
				   int dmabuf_fd)
{
	struct ks_allocator *alloc = conn->allocator;
	int ret;

	lockdep_assert_held(&conn->lock);

	if (!ks_connection_is_streaming(conn))
		return -ECANCELED;
	if (conn->feed.running)
		return -EBUSY;
	ret = ks_frame_check_fd(alloc, index, dmabuf_fd) ?:
	      ks_allocator_submit(alloc, index, conn);
	if (!ret)
		ret = ks_connection_give(conn, index, dmabuf_fd);
	/*
	 * Without a submitted frame, a call does not see that the stream has ended if the device
	 * does not know it. The device does not notify again
	 */
	if (!ret && conn->state == KSSTATE_RUN && wq_has_sleeper(&conn->done.wait) &&
	    conn->device->ops->ready(conn->device))
		ks_connection_wake_calls(conn);
	return ret;
}

/* Gives an allocated frame to the device. Fails as KSALLOC_SUBMIT does (contract I2) */
int ks_connection_submit(struct ks_connection *conn, u32 index, int dmabuf_fd)
{
	int ret;

	ret = ks_connection_lock(conn);
	if (ret)
		return ret;
	ret = ks_connection_do_submit(conn, index, dmabuf_fd);
	mutex_unlock(&conn->lock);

	return ks_connection_result(conn, ret);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_submit);
