// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passes filled frames to clients: detects gaps in the stream, and waits for frames.
 * connection.h describes the rules.
 *
 * A frame is passed to the caller in one step under ks_connection.lock: ks_complete.copy_out writes
 * its description to the caller, and then the caller owns the frame. If the write fails, the
 * frame stays the next one. So a frame never has to be put back, and the order is kept.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>

#include "connection.h"
#include "sleep.h"
#include "trace.h"

/*
 * Returns DATADISCONTINUITY if frames are missing before this one, or the stream was interrupted;
 * otherwise 0
 */
static u32 ks_done_check_sequence(struct ks_done *done,
				  const struct ksalloc_completion *completion)
{
	/* The two fields of an interlaced frame can have the same number */
	bool gap = done->synchronized &&
		   completion->sequence != done->sequence &&
		   completion->sequence != done->sequence - 1;

	if (gap)
		WRITE_ONCE(done->gaps, done->gaps + 1);
	done->synchronized = true;
	done->sequence = completion->sequence + 1;

	return gap || done->interrupted ?
	       KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY : 0;
}

/*
 * Returns TIMEDISCONTINUITY if the time of this frame is before that of the last frame, or if the
 * stream was interrupted before this frame; otherwise 0. Missing frames are detected by their
 * sequence numbers.
 */
static u32 ks_done_check_time(struct ks_done *done,
			      const struct ksalloc_completion *completion)
{
	bool breaks = done->interrupted ||
		      (done->timed && completion->time < done->time);

	if (!(completion->options_flags & KSSTREAM_HEADER_OPTIONSF_TIMEVALID))
		return 0;
	done->timed = true;
	done->time = completion->time;

	return breaks ? KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY : 0;
}

/* Sets the flags of a filled frame for gaps and interruptions before it */
void ks_done_mark(struct ks_connection *conn,
		  struct ksalloc_completion *completion)
{
	struct ks_done *done = &conn->done;

	lockdep_assert_held(&conn->lock);

	completion->options_flags |= ks_done_check_sequence(done, completion) |
				     ks_done_check_time(done, completion);
	done->interrupted = false;
}

/* In RUN: moves a filled frame from the device to ks_done.frames; -EAGAIN if there is none */
int ks_done_fetch(struct ks_connection *conn)
{
	struct ksalloc_completion completion __uninitialized;
	struct ks_done *done = &conn->done;
	struct ks_slot *slot;
	int ret;

	lockdep_assert_held(&conn->lock);

	ret = ks_connection_dequeue(conn, &completion);
	if (ret)
		return ret;
	ks_done_mark(conn, &completion);
	slot = &conn->slots[completion.index];
	ks_filled_store(&slot->filled, &completion, conn->allocator);
	slot->field = completion.field;
	list_add_tail(&slot->link, &done->frames);
	WRITE_ONCE(done->nr_done, done->nr_done + 1);
	return 0;
}

/*
 * Removes all filled frames. Waiting calls return -ECANCELED, even if they wake up after
 * the next stream has begun. With @interrupted, the next stream continues this one, and
 * its first frame is marked. The caller wakes the calls, and takes the frames back.
 */
void ks_done_end_stream(struct ks_connection *conn, bool interrupted)
{
	struct ks_done *done = &conn->done;
	struct ks_slot *slot, *next;

	lockdep_assert_held(&conn->lock);

	list_for_each_entry_safe(slot, next, &done->frames, link)
		list_del_init(&slot->link);
	WRITE_ONCE(done->nr_done, 0);
	atomic64_inc(&done->stream);
	done->interrupted = interrupted;
	done->timed &= interrupted;
}

void ks_filled_store(struct ks_filled *filled,
		     const struct ksalloc_completion *completion,
		     const struct ks_allocator *alloc)
{
	u32 i;

	filled->sequence = completion->sequence;
	filled->options_flags = completion->options_flags;
	filled->time = completion->time;
	filled->duration = completion->duration;
	for (i = 0; i < alloc->layout.count; i++)
		filled->planes[i] = completion->planes[i];
}

/* Describes a filled frame; writes only the @planes that it has. Contract I3 */
void ks_filled_describe(const struct ks_filled *filled, u8 field,
			const struct ks_allocator *alloc,
			struct ksstream_header *header,
			struct ksalloc_plane_data *planes)
{
	u32 i;

	*header = (struct ksstream_header){
		.header_size = sizeof(*header),
		.type_specific_flags = field,
		.presentation_time = {
			.time = filled->time,
			.numerator = 1,
			.denominator = 1,
		},
		.duration = filled->duration,
		.frame_extent = alloc->framing.frame_size,
		.data = filled->planes[0].data_offset,
		.options_flags = filled->options_flags,
	};
	if (filled->duration)
		header->options_flags |= KSSTREAM_HEADER_OPTIONSF_DURATIONVALID;
	for (i = 0; i < alloc->layout.count; i++) {
		planes[i] = filled->planes[i];
		header->data_used += filled->planes[i].data_used;
	}
}

static void ks_fill_answer(struct ksalloc_complete *answer, u32 index,
			   const struct ks_slot *slot,
			   const struct ks_allocator *alloc)
{
	answer->index = index;
	answer->sequence = slot->filled.sequence;
	answer->nr_planes = alloc->layout.count;
	ks_filled_describe(&slot->filled, slot->field, alloc, &answer->header,
			   answer->planes);
}

/* Passes the next filled frame to the caller; -EAGAIN if there is none */
static int ks_done_take(struct ks_connection *conn, struct ks_complete *read)
{
	struct ks_done *done = &conn->done;
	struct ks_slot *slot;
	int ret;

	lockdep_assert_held(&conn->lock);

	if (!ks_connection_is_streaming(conn))
		return -ECANCELED;
	if (conn->feed.running)
		return -EBUSY;
	if (list_empty(&done->frames)) {
		if (conn->state != KSSTATE_RUN)
			return -EAGAIN;
		ret = ks_done_fetch(conn);
		if (ret)
			return ret;
	}

	slot = list_first_entry(&done->frames, struct ks_slot, link);
	ks_fill_answer(&read->answer, slot - conn->slots, slot, conn->allocator);
	ret = read->copy_out(read);
	if (ret)
		return ret;

	list_del_init(&slot->link);
	WRITE_ONCE(done->nr_done, done->nr_done - 1);
	ks_allocator_deliver(conn->allocator, read->answer.index,
			     &read->file->owner);
	trace_ksalloc_complete(conn->id, &read->answer);
	return 0;
}

/* Checks once for a frame */
static int ks_complete_once(struct ks_connection *conn, struct ks_complete *read)
{
	int ret;

	if (!read->nonblock && atomic64_read(&read->file->cancels) != read->cancels)
		return -ECANCELED;
	ret = ks_connection_lock_complete(conn, read->nonblock, read->again);
	if (ret)
		return ret;
	if (atomic64_read(&conn->done.stream) != read->stream)
		ret = -ECANCELED;
	else
		ret = ks_done_take(conn, read);
	mutex_unlock(&conn->lock);

	return ks_connection_result_complete(conn, ret);
}

/*
 * Waits for the next filled frame, and passes it to the caller. Returns the errors of
 * KSALLOC_COMPLETE, or an errno of @read->copy_out. Contract I2, I3.
 */
int ks_connection_complete(struct ks_connection *conn, struct ks_complete *read)
{
	DEFINE_WAIT_FUNC(wait, ks_wake_and_remove);
	int ret, slept;

	might_sleep();

	/* Not under the lock: while this waits for it, one stream can end and the next one begin */
	if (!read->begun) {
		read->begun = true;
		read->stream = atomic64_read(&conn->done.stream);
	}
	ret = ks_complete_once(conn, read);
	if (ret != -EAGAIN || read->nonblock)
		return ret;

	for (;;) {
		ks_wait_begin(&conn->done.wait, &wait);
		ret = ks_complete_once(conn, read);
		if (ret != -EAGAIN)
			break;
		slept = ks_sleep_woken(&wait, read->deadline_ns);
		/* If there is a frame now, return it, in spite of a signal or the deadline */
		ret = ks_complete_once(conn, read);
		if (ret != -EAGAIN)
			break;
		if (slept) {
			ret = slept;
			break;
		}
	}
	ks_wait_end(&conn->done.wait, &wait);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_complete);
