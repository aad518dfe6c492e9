// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of readers: those in the queue of each, those that it has taken, and which readers are
 * promised theirs. reader.h describes the rules. All functions except ks_reader_new() are called
 * with ks_feed.lock held, which protects the readers, and do not sleep.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "connection.h"
#include "reader.h"

/* Nothing is parked unless all readers want this many frames more than the device must keep */
#define KS_READER_COMMON 2

/*
 * Frames of a share that are promised to no reader. With them, the camera fills frames for the
 * others even if all readers that have a promise keep their frames
 */
#define KS_SHARE_SPARE 1U

/* The flags that the next frame of a reader gets, if the reader does not get this one */
#define KS_READER_OPTIONS (KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY | \
			   KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY)

/* Makes a reader, to be freed by kvfree(). @depth and @every are at least one */
struct ks_reader *ks_reader_new(u32 depth, u32 every, u32 flags)
{
	struct ks_reader *reader;

	reader = kvzalloc(struct_size(reader, queue, depth), GFP_KERNEL_ACCOUNT);
	if (!reader)
		return NULL;
	INIT_LIST_HEAD(&reader->link);
	mutex_init(&reader->view_lock);
	atomic64_set(&reader->cancels, 0);
	reader->depth = depth;
	reader->limit = depth;
	reader->every = every;
	reader->flags = flags;
	return reader;
}

static void ks_reader_set_queued(struct ks_reader *reader, u32 count)
{
	/* Pollers read it without the lock */
	WRITE_ONCE(reader->nr_queued, count);
}

/*
 * Finds the frames that all readers of a share want. A reader wants those in &ks_reader.wanted, and
 * those that it has taken, or that were revoked: programs usually queue their buffers again. A
 * reader is ignored if it has as many frames as it can have, and has lost as many since it took
 * the last one. If the readers have too few frames in common, the result is all frames
 */
static void ks_reader_find_common(const struct ks_feed *feed, unsigned long *common)
{
	DECLARE_BITMAP(wanted, VIDEO_MAX_FRAME);
	const struct ks_reader *reader;
	u32 held;

	lockdep_assert_held(&feed->lock);

	bitmap_fill(common, VIDEO_MAX_FRAME);
	list_for_each_entry(reader, &feed->readers, link) {
		bitmap_or(wanted, reader->wanted, reader->taken, VIDEO_MAX_FRAME);
		bitmap_or(wanted, wanted, reader->revoked, VIDEO_MAX_FRAME);
		held = reader->nr_queued + reader->nr_taken +
		       bitmap_weight(reader->revoked, VIDEO_MAX_FRAME);
		if (reader->lost >= reader->limit &&
		    held >= min(reader->limit, bitmap_weight(wanted, VIDEO_MAX_FRAME)))
			continue;
		bitmap_and(common, common, wanted, VIDEO_MAX_FRAME);
	}
	/* Too few for the device, and for readers to have some */
	if (bitmap_weight(common, VIDEO_MAX_FRAME) < feed->keep + KS_READER_COMMON)
		bitmap_fill(common, VIDEO_MAX_FRAME);
}

/* Not inline, so that other frames do not pay for the bitmap on the stack */
static noinline_for_stack bool ks_reader_is_common(const struct ks_feed *feed, u32 index)
{
	DECLARE_BITMAP(common, VIDEO_MAX_FRAME);

	ks_reader_find_common(feed, common);
	return test_bit(index, common);
}

/*
 * Usually all readers have queued the buffer. Such a frame is always in the result of
 * ks_reader_find_common()
 */
static bool ks_reader_is_wanted(const struct ks_feed *feed, u32 index)
{
	const struct ks_reader *reader;

	list_for_each_entry(reader, &feed->readers, link)
		if (!test_bit(index, reader->wanted))
			return ks_reader_is_common(feed, index);
	return true;
}

/* Parks a frame that no reader has, if a reader does not want it. True if parked */
bool ks_reader_park(struct ks_feed *feed, struct ks_feed_frame *frame)
{
	lockdep_assert_held(&feed->lock);

	if (!ks_reader_in_share(feed) || ks_reader_is_wanted(feed, ks_feed_index(feed, frame)))
		return false;
	frame->parked = true;
	WRITE_ONCE(feed->nr_parked, feed->nr_parked + 1);
	return true;
}

/* Lets the device have a parked frame */
void ks_reader_unpark(struct ks_feed *feed, struct ks_feed_frame *frame)
{
	lockdep_assert_held(&feed->lock);

	frame->parked = false;
	WRITE_ONCE(feed->nr_parked, feed->nr_parked - 1);
	list_add_tail(&frame->link, &feed->returned);
	ks_feed_count_returned(feed, 1);
}

/* Lets the device have the parked frames that all readers want now */
void ks_reader_unpark_wanted(struct ks_feed *feed)
{
	DECLARE_BITMAP(common, VIDEO_MAX_FRAME);
	u32 i;

	lockdep_assert_held(&feed->lock);

	ks_reader_find_common(feed, common);
	for (i = 0; i < feed->allocator->nr_frames; i++)
		if (feed->frames[i].parked && test_bit(i, common))
			ks_reader_unpark(feed, &feed->frames[i]);
}

/* Inline, because it runs for each frame, and most streams are not those of a share */
static __always_inline void ks_reader_return_inline(struct ks_feed *feed,
						    struct ks_feed_frame *frame)
{
	lockdep_assert_held(&feed->lock);

	if (ks_reader_in_share(feed) && ks_reader_park(feed, frame))
		return;
	list_add_tail(&frame->link, &feed->returned);
	ks_feed_count_returned(feed, 1);
}

/* Lets the device have a frame that no reader has, unless a reader does not want it */
void ks_reader_return(struct ks_feed *feed, struct ks_feed_frame *frame)
{
	ks_reader_return_inline(feed, frame);
}

/* A frame became free. Lets a worker call the notifiers */
static void ks_feed_tell_later(struct ks_feed *feed)
{
	lockdep_assert_held(&feed->lock);

	feed->nr_freed++;
	ks_connection_queue_work(&feed->free_work);
}

/* Ends the hold of a reader on a frame. @promised is &ks_reader.promised of that reader */
static void ks_reader_put_frame(struct ks_feed *feed, u32 index, bool promised)
{
	struct ks_feed_frame *frame = &feed->frames[index];

	lockdep_assert_held(&feed->lock);

	frame->promised -= promised;
	if (--frame->holds)
		return;
	if (feed->running)
		ks_reader_return_inline(feed, frame);
	else if (ks_allocator_free_quietly(feed->allocator, index, &feed->owner))
		ks_feed_tell_later(feed);
}

/* Removes the oldest frame from the queue, which is not empty */
static u32 ks_reader_pop(struct ks_reader *reader)
{
	u32 index = reader->queue[reader->first];

	reader->first = (reader->first + 1) % reader->depth;
	ks_reader_set_queued(reader, reader->nr_queued - 1);
	return index;
}

static void ks_reader_drop(struct ks_feed *feed, struct ks_reader *reader)
{
	u32 index = ks_reader_pop(reader);

	reader->options |= feed->frames[index].filled.options_flags & KS_READER_OPTIONS;
	ks_reader_put_frame(feed, index, reader->promised);
}

static void ks_reader_drop_queue(struct ks_feed *feed, struct ks_reader *reader)
{
	lockdep_assert_held(&feed->lock);

	while (reader->nr_queued)
		ks_reader_drop(feed, reader);
}

static void ks_reader_lose(struct ks_reader *reader, u32 frames)
{
	if (!(reader->flags & KSALLOC_READER_NEWEST))
		reader->lost += frames;
}

/* Empties the queue for a stop or a flush. The reader sees that in its next frame */
void ks_reader_lose_queue(struct ks_feed *feed, struct ks_reader *reader)
{
	lockdep_assert_held(&feed->lock);

	ks_reader_lose(reader, reader->nr_queued);
	ks_reader_drop_queue(feed, reader);
	reader->options |= KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	reader->flushes++;
}

/* Makes room in the queue for one frame. Returns whether there is room */
static bool ks_reader_make_room(struct ks_feed *feed, struct ks_reader *reader)
{
	if (reader->flags & KSALLOC_READER_NEWEST)
		ks_reader_drop_queue(feed, reader);
	if (reader->nr_queued + reader->nr_taken < reader->limit)
		return true;
	if (!reader->nr_queued)
		return false;
	ks_reader_drop(feed, reader);
	reader->lost++;
	return true;
}

/* Puts a filled frame into the queue of a reader, if it wants the frame */
void ks_reader_offer(struct ks_feed *feed, struct ks_reader *reader, u32 index)
{
	struct ks_feed_frame *frame = &feed->frames[index];
	u32 last;

	lockdep_assert_held(&feed->lock);

	if (reader->skip) {
		reader->skip--;
		goto not_queued;
	}
	reader->skip = reader->every - 1;
	if (reader->wanted && !test_bit(index, reader->wanted)) {
		reader->lost++;
		goto not_queued;
	}
	/* It has to give a revoked frame back before it gets the frame again */
	if (test_bit(index, reader->revoked) || !ks_reader_make_room(feed, reader)) {
		if (!(reader->flags & KSALLOC_READER_NEWEST))
			reader->lost++;
		goto not_queued;
	}

	last = (reader->first + reader->nr_queued) % reader->depth;
	reader->queue[last] = index;
	ks_reader_set_queued(reader, reader->nr_queued + 1);
	frame->holds++;
	frame->promised += reader->promised;
	return;

not_queued:
	reader->options |= frame->filled.options_flags & KS_READER_OPTIONS;
}

/* Removes a frame from the queue of a reader. Returns whether it was in the queue */
static bool ks_reader_unqueue(struct ks_reader *reader, u32 index)
{
	u32 i, at = reader->first, last = at;
	bool found = false;

	for (i = 0; i < reader->nr_queued; i++) {
		if (found)
			reader->queue[last] = reader->queue[at];
		else
			found = reader->queue[at] == index;
		last = at;
		at = at + 1 == reader->depth ? 0 : at + 1;
	}
	if (found)
		ks_reader_set_queued(reader, reader->nr_queued - 1);
	return found;
}

/* Takes a frame away from a reader, if the reader has it */
void ks_reader_revoke(struct ks_feed *feed, struct ks_reader *reader, u32 index)
{
	lockdep_assert_held(&feed->lock);

	if (__test_and_clear_bit(index, reader->taken)) {
		__set_bit(index, reader->revoked);
		reader->nr_taken--;
		reader->revoked_now++;
		reader->nr_revoked++;
	} else if (ks_reader_unqueue(reader, index)) {
		reader->lost++;
	} else {
		return;
	}
	ks_reader_put_frame(feed, index, reader->promised);
}

/*
 * Sets ks_reader.promised, and counts it in all frames of the reader. A frame with a promise is
 * revoked only if a kernel client frees it
 */
static void ks_reader_set_promised(struct ks_feed *feed, struct ks_reader *reader,
				   bool promised)
{
	const int change = promised - reader->promised;
	u32 i, index;

	lockdep_assert_held(&feed->lock);

	if (!change)
		return;
	reader->promised = promised;
	for (i = 0; i < reader->nr_queued; i++) {
		index = reader->queue[(reader->first + i) % reader->depth];
		feed->frames[index].promised += change;
	}
	for_each_set_bit(index, reader->taken, KSALLOC_MAX_FRAMES)
		feed->frames[index].promised += change;
}

/* If a reader has more frames than its limit, it loses its oldest queued frames */
static void ks_reader_trim(struct ks_feed *feed, struct ks_reader *reader)
{
	lockdep_assert_held(&feed->lock);

	while (reader->nr_queued && reader->nr_queued + reader->nr_taken > reader->limit) {
		ks_reader_drop(feed, reader);
		reader->lost++;
	}
}

/*
 * What a reader of a share has at least. What it has taken is not taken away. Nor is the last frame
 * of its queue, because poll() can have reported it
 */
static u32 ks_reader_least(const struct ks_reader *reader)
{
	return min(reader->depth,
		   max(KS_SHARE_DEPTH_LEAST, reader->nr_taken + !!reader->nr_queued));
}

/*
 * Each reader is promised the least before one is promised more. If a reader gets no promise, no
 * later one does. Then this is done again when a reader gives back that has more than two
 */
static void ks_feed_promise_share(struct ks_feed *feed, u32 left)
{
	bool taken = false, missed = false;
	struct ks_reader *reader;
	u32 more;

	left -= min(left, KS_SHARE_SPARE);
	list_for_each_entry(reader, &feed->readers, link) {
		reader->limit = ks_reader_least(reader);
		taken |= reader->limit > KS_SHARE_DEPTH_LEAST;
		missed |= reader->limit > left;
		ks_reader_set_promised(feed, reader, !missed);
		if (!missed)
			left -= reader->limit;
	}
	feed->promise_again = missed && taken;
	feed->divisions++;

	list_for_each_entry(reader, &feed->readers, link) {
		more = reader->promised ? min(reader->depth - reader->limit, left) : 0;
		left -= more;
		reader->limit += more;
		ks_reader_trim(feed, reader);
	}
}

/* Decides which readers are promised their frames: see reader.h */
void ks_feed_promise(struct ks_feed *feed)
{
	struct ks_reader *reader;
	u32 left;

	lockdep_assert_held(&feed->lock);

	if (!feed->allocator)
		return;
	left = feed->allocator->nr_frames - feed->keep;
	if (ks_reader_in_share(feed)) {
		ks_feed_promise_share(feed, left);
		return;
	}
	list_for_each_entry(reader, &feed->readers, link) {
		bool promised = !(reader->flags & KSALLOC_READER_REVOCABLE) &&
				reader->depth <= left;

		if (promised)
			left -= reader->depth;
		ks_reader_set_promised(feed, reader, promised);
	}
}

/*
 * Takes the next frame. Returns its index; -EAGAIN if the queue is empty, -ENODEV if no frame will
 * come, or an errno of the device
 */
static int ks_reader_take_next(struct ks_feed *feed, struct ks_reader *reader)
{
	u32 index;

	lockdep_assert_held(&feed->lock);

	if (feed->ended)
		return -ENODEV;
	if (!reader->nr_queued)
		return feed->error ?: -EAGAIN;

	index = ks_reader_pop(reader);
	__set_bit(index, reader->taken);
	reader->nr_taken++;
	return index;
}

/* What was lost before a frame is told with that frame, so it is forgotten when it is taken */
static void ks_reader_clear_lost(struct ks_reader *reader)
{
	reader->lost_before += reader->lost;
	reader->lost = 0;
	reader->revoked_now = 0;
	reader->options = 0;
}

/* Takes the next frame, as ks_reader_take(), and does not describe it */
int ks_reader_take_index(struct ks_feed *feed, struct ks_reader *reader)
{
	int index = ks_reader_take_next(feed, reader);

	if (index >= 0)
		ks_reader_clear_lost(reader);
	return index;
}

/*
 * Takes the next frame, and describes it. Fails as ks_reader_take_next(). Does not write the planes
 * of @answer that the frame does not have
 */
int ks_reader_take(struct ks_feed *feed, struct ks_reader *reader,
		   struct ksalloc_reader_frame *answer)
{
	const struct ks_feed_frame *frame;
	int index;

	index = ks_reader_take_next(feed, reader);
	if (index < 0)
		return index;

	frame = &feed->frames[index];
	answer->index = index;
	answer->sequence = frame->filled.sequence;
	answer->generation = feed->generation;
	answer->lost = reader->lost;
	answer->revoked = reader->revoked_now;
	answer->nr_planes = feed->allocator->layout.count;
	answer->__reserved = 0;
	ks_filled_describe(&frame->filled, frame->field, feed->allocator,
			   &answer->header, answer->planes);
	answer->header.options_flags |= reader->options;
	if (reader->lost)
		answer->header.options_flags |=
			KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	ks_reader_clear_lost(reader);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_reader_take);

static void ks_reader_give_one(struct ks_feed *feed, struct ks_reader *reader,
			       u32 index)
{
	/* A frame is either taken or revoked */
	if (!__test_and_clear_bit(index, reader->taken)) {
		__clear_bit(index, reader->revoked);
		return;
	}
	reader->nr_taken--;
	ks_reader_put_frame(feed, index, reader->promised);
}

/*
 * Undoes ks_reader_take(). The frame is the next one again, unless it was revoked or the allocator
 * was replaced meanwhile. If the stream was stopped or flushed, the reader loses it, as those in
 * the queue. @flushes is &ks_reader.flushes at ks_reader_take()
 */
void ks_reader_untake(struct ks_feed *feed, struct ks_reader *reader,
		      const struct ksalloc_reader_frame *answer, u32 flushes)
{
	lockdep_assert_held(&feed->lock);

	reader->lost += answer->lost;
	reader->lost_before -= answer->lost;
	reader->revoked_now += answer->revoked;
	reader->options |= answer->header.options_flags & KS_READER_OPTIONS;
	/* Since ks_reader_take(), the frame can have been revoked, or the allocator replaced */
	if (answer->generation != feed->generation) {
		/* Of the previous allocator, which can only be replaced after a stop */
		ks_reader_lose(reader, 1);
		return;
	}
	if (__test_and_clear_bit(answer->index, reader->revoked)) {
		/* Another ks_reader_take() may have reported this already */
		if (reader->revoked_now)
			reader->revoked_now--;
		reader->nr_revoked--;
		reader->lost++;
	}
	if (!test_bit(answer->index, reader->taken))
		return;
	if (flushes != reader->flushes) {
		ks_reader_lose(reader, 1);
		ks_reader_give_one(feed, reader, answer->index);
		return;
	}
	__clear_bit(answer->index, reader->taken);
	reader->nr_taken--;
	reader->first = (reader->first + reader->depth - 1) % reader->depth;
	reader->queue[reader->first] = answer->index;
	ks_reader_set_queued(reader, reader->nr_queued + 1);
}
EXPORT_SYMBOL_IF_KUNIT(ks_reader_untake);

/*
 * Gives frames back. If @generation has passed, there is nothing to give back. Gives none
 * back, and returns -EINVAL, if there was no such generation yet, or if at least one of
 * the frames is neither taken nor revoked.
 */
int ks_reader_give(struct ks_feed *feed, struct ks_reader *reader, u64 generation,
		   const u32 *indices, u32 count)
{
	const bool again = feed->promise_again &&
			   reader->nr_taken + reader->nr_queued > KS_SHARE_DEPTH_LEAST;
	u32 i, index;

	lockdep_assert_held(&feed->lock);

	if (generation != feed->generation)
		return generation < feed->generation ? 0 : -EINVAL;
	for (i = 0; i < count; i++) {
		if (indices[i] >= KSALLOC_MAX_FRAMES)
			return -EINVAL;
		index = array_index_nospec(indices[i], KSALLOC_MAX_FRAMES);
		if (!test_bit(index, reader->taken) &&
		    !test_bit(index, reader->revoked))
			return -EINVAL;
	}
	for (i = 0; i < count; i++)
		ks_reader_give_one(feed, reader,
				   array_index_nospec(indices[i],
						      KSALLOC_MAX_FRAMES));
	if (again)
		ks_feed_promise(feed);
	return 0;
}

/* Gives all frames back, and empties the queue */
void ks_reader_give_all(struct ks_feed *feed, struct ks_reader *reader)
{
	u32 index;

	lockdep_assert_held(&feed->lock);

	ks_reader_drop_queue(feed, reader);
	for_each_set_bit(index, reader->taken, KSALLOC_MAX_FRAMES)
		ks_reader_give_one(feed, reader, index);
	bitmap_zero(reader->revoked, KSALLOC_MAX_FRAMES);
}
