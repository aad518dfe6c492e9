// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOCTL_KS_READ_STREAM. A read has one or more headers, and completes when all are filled. Each
 * pin has a thread, which completes the frames that the device has filled, and then the reads.
 * It does so with the lock of the pin held, as changes of the state and flushes, so a frame from
 * before such a change never completes a read that began after it.
 */
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pin.h"

/* What a driver of Windows writes behind a header. The surface is not written */
#define FRAME_INFO_COUNTERS offsetof(KS_FRAME_INFO, hDirectDraw)
#define FRAME_INFO_COMPLETION offsetof(KS_FRAME_INFO, FrameCompletionNumber)

/* poll() always reports an error in a state lower than PAUSE, so it cannot wait for the end */
#define LOOK_AGAIN_MS 100

/* Ends of reads */

static void end_read(struct pin *pin, struct read *read, int err)
{
	struct read **link = &pin->reads;

	while (*link != read)
		link = &(*link)->next;
	*link = read->next;
	win_pending_end(&read->pending, err, err ? 0 : read->bytes);
	free(read);
}

/* The frames of a read complete without it. They stay in the device until then */
static void detach(struct pin *pin, const struct read *read)
{
	__u32 i;

	if (!pin->allocator)
		return;
	for (i = 0; i < win_frame_count(pin->allocator); i++)
		if (pin->slots[i].read == read)
			pin->slots[i].read = NULL;
}

void win_reads_end(struct pin *pin, int err)
{
	while (pin->reads) {
		detach(pin, pin->reads);
		end_read(pin, pin->reads, err);
	}
}

void win_reads_frames_freed(struct pin *pin)
{
	__u32 i;

	if (pin->pool)
		win_pool_discard(pin->pool);
	if (!pin->allocator)
		return;
	for (i = 0; i < win_frame_count(pin->allocator); i++) {
		if (!pin->slots[i].in_device)
			continue;
		pin->slots[i].in_device = false;
		win_frame_taken(pin->allocator, i);
	}
}

unsigned int win_reads_cancel(struct win_object *object, const struct win_match *match)
{
	struct pin *pin = win_pin_of(object);
	unsigned int cancelled = 0;
	struct read *read, *next;

	pthread_mutex_lock(&pin->lock);
	for (read = pin->reads; read; read = next) {
		next = read->next;
		if (!win_matches(match, &read->pending))
			continue;
		detach(pin, read);
		end_read(pin, read, -ECANCELED);
		cancelled++;
	}
	pthread_mutex_unlock(&pin->lock);
	return cancelled;
}

/* Filled frames */

void win_reads_reset(struct pin *pin)
{
	pin->has_sequence = false;
	pin->picture = 0;
	pin->completed = 0;
}

/*
 * A driver that starts again begins with another number, and some always have the same. Then no
 * picture is missing
 */
static void count_picture(struct pin *pin, struct filled *filled)
{
	__u32 step = filled->done.sequence - pin->sequence;

	if (!pin->has_sequence || !step || step > INT32_MAX)
		step = 1;
	pin->has_sequence = true;
	pin->sequence = filled->done.sequence;
	pin->picture += step;
	filled->picture = pin->picture;
}

/* On Windows, TypeSpecificFlags of a picture are zero: its field is in KS_FRAME_INFO */
static void make_header(const struct target *target, const struct filled *filled,
			void *data, KSSTREAM_HEADER *header)
{
	const struct ksstream_header *native = &filled->done.header;

	*header = (KSSTREAM_HEADER) {
		.Size = target->size,
		.PresentationTime.Time = native->presentation_time.time,
		.PresentationTime.Numerator = native->presentation_time.numerator,
		.PresentationTime.Denominator = native->presentation_time.denominator,
		.Duration = native->duration,
		.FrameExtent = target->extent,
		.DataUsed = native->data_used,
		.Data = data,
		.OptionsFlags = native->options_flags,
	};
}

static int write_info(const struct pin *pin, const struct target *target,
		      const struct filled *filled)
{
	size_t room = target->size - sizeof(*target->header);
	char *to = (char *)(target->header + 1);
	KS_FRAME_INFO info = { 0 };
	int ret;

	if (room > sizeof(info))
		room = sizeof(info);
	info.ExtendedHeaderSize = (ULONG)room;
	info.dwFrameFlags = pin->frame_flags | filled->done.header.type_specific_flags;
	info.PictureNumber = filled->picture;
	info.DropCount = filled->picture - pin->completed;
	info.FrameCompletionNumber = (ULONGLONG)pin->completed;
	ret = win_copy_out(to, &info, room < FRAME_INFO_COUNTERS ? room : FRAME_INFO_COUNTERS);
	if (!ret && room == sizeof(info))
		ret = win_copy_out(to + FRAME_INFO_COMPLETION, &info.FrameCompletionNumber,
				   sizeof(info.FrameCompletionNumber));
	return ret;
}

/* Completes one header of a read; and the read, if it was the last one */
static void complete(struct pin *pin, struct read *read, const struct target *target,
		     const struct filled *filled, void *data)
{
	KSSTREAM_HEADER header;
	int ret;

	pin->completed++;
	make_header(target, filled, data, &header);
	ret = win_copy_out(target->header, &header, sizeof(header));
	if (!ret)
		ret = write_info(pin, target, filled);
	read->filled++;
	if (!ret && read->filled < read->count)
		return;
	detach(pin, read);
	end_read(pin, read, ret);
}

/* Copies filled frames of the pool to the reads, the oldest first */
static int serve_reads(struct pin *pin)
{
	const struct filled *filled;
	const struct target *target;
	struct read *read;
	int ret, returned = 0;

	while (!returned && (read = pin->reads) && (filled = win_pool_first(pin->pool))) {
		target = &read->targets[read->filled];
		ret = win_pool_copy(pin->pool, pin->filter, filled, target->data, target->extent);
		if (ret)
			end_read(pin, read, ret);
		else
			complete(pin, read, target, filled, target->data);
		returned = win_pool_return(pin->pool, pin->object.fd);
	}
	return returned;
}

/* The stream is broken until the state changes */
static void fail(struct pin *pin, int err)
{
	pin->streaming = false;
	pin->error = err;
	win_reads_frames_freed(pin);
	win_reads_end(pin, err);
}

static int pool_frame(struct pin *pin, const struct filled *filled)
{
	int ret = win_pool_add(pin->pool, pin->object.fd, filled);

	return ret ? ret : serve_reads(pin);
}

static void complete_frame(struct pin *pin, const struct filled *filled)
{
	__u32 index = filled->done.index;
	unsigned int access = LIBKS_READ;
	struct read *read;
	struct slot *slot;
	void *data;

	if (!pin->allocator || index >= win_frame_count(pin->allocator))
		return;
	slot = &pin->slots[index];
	slot->in_device = false;
	read = slot->read;
	slot->read = NULL;
	/* The read has already ended: cancelled, or with an error of the device */
	if (!read) {
		win_frame_unasked(pin->allocator, index, &pin->object);
		return;
	}
	if (win_filter_changes_frames(pin->filter))
		access |= LIBKS_WRITE;
	data = win_frame_filled(pin->allocator, index, filled->done.header.data, &pin->object,
				access);
	win_filter_finish_frame(pin->filter, data, filled->done.header.data_used);
	complete(pin, read, &read->targets[slot->target], filled, data);
}

static bool wants_frames(const struct pin *pin)
{
	return pin->pool ? pin->streaming : pin->reads && pin->allocator;
}

static void complete_frames(struct pin *pin)
{
	struct filled filled;
	int ret;

	while (wants_frames(pin)) {
		ret = ks_complete(pin->object.fd, KSALLOC_NONBLOCK, 0, &filled.done);
		if (ret == -EAGAIN || ret == -EINTR)
			return;
		if (!ret)
			count_picture(pin, &filled);
		if (!ret && pin->pool)
			ret = pool_frame(pin, &filled);
		else if (!ret)
			complete_frame(pin, &filled);
		if (ret) {
			fail(pin, ret);
			return;
		}
	}
}

/* In a state lower than PAUSE, reads into memory of the client wait for the device */
static bool has_early_reads(const struct pin *pin)
{
	return pin->reads && !wants_frames(pin);
}

static void fail_if_gone(struct pin *pin)
{
	struct pollfd connection = { .fd = pin->object.fd };

	if (poll(&connection, 1, 0) > 0 && connection.revents & POLLHUP)
		fail(pin, -ENODEV);
}

static void *complete_until_closed(void *arg)
{
	struct pin *pin = arg;
	struct pollfd fds[2] = { { .fd = pin->wake, .events = POLLIN } };
	uint64_t count;
	bool closing;
	int time;

	do {
		pthread_mutex_lock(&pin->lock);
		complete_frames(pin);
		if (has_early_reads(pin))
			fail_if_gone(pin);
		time = has_early_reads(pin) ? LOOK_AGAIN_MS : -1;
		fds[1] = (struct pollfd) {
			.fd = wants_frames(pin) ? pin->object.fd : -1,
			.events = POLLIN,
		};
		closing = pin->closing;
		pthread_mutex_unlock(&pin->lock);
		if (!closing && poll(fds, ARRAY_SIZE(fds), time) > 0 && fds[0].revents)
			closing = read(pin->wake, &count, sizeof(count)) < 0 && errno != EINTR;
	} while (!closing);
	return NULL;
}

int win_reads_start(struct pin *pin)
{
	int ret;

	if (pin->has_completer)
		return 0;
	ret = win_thread_create(&pin->completer, complete_until_closed, pin);
	pin->has_completer = !ret;
	return ret;
}

void win_reads_wake(struct pin *pin)
{
	uint64_t one = 1;

	while (write(pin->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Beginnings of reads */

static int add_target(struct read *read, char *at, ULONG left)
{
	struct target *target = &read->targets[read->count];
	KSSTREAM_HEADER header;

	if (left < sizeof(header))
		return -WIN_BAD_SIZE;
	memcpy(&header, at, sizeof(header));
	if (header.Size < sizeof(header) || header.Size % sizeof(LONGLONG) || header.Size > left)
		return -WIN_BAD_SIZE;
	*target = (struct target) {
		.header = (KSSTREAM_HEADER *)(void *)at,
		.size = header.Size,
		.extent = header.FrameExtent,
		.data = header.Data,
	};
	read->count++;
	return 0;
}

static int make_read(const struct win_call *call, const struct win_pending *pending,
		     struct read **new)
{
	ULONG most = call->out_size / (ULONG)sizeof(KSSTREAM_HEADER), at = 0;
	struct read *read;
	int ret = 0;

	if (!most)
		return -WIN_BAD_SIZE;
	read = calloc(1, sizeof(*read) + most * sizeof(read->targets[0]));
	if (!read)
		return -ENOMEM;
	read->pending = *pending;
	read->bytes = call->out_size;
	while (!ret && at < call->out_size) {
		ret = add_target(read, (char *)call->out + at, call->out_size - at);
		if (!ret)
			at += read->targets[read->count - 1].size;
	}
	if (ret)
		free(read);
	else
		*new = read;
	return ret;
}

static void add_last(struct pin *pin, struct read *read)
{
	struct read **link = &pin->reads;

	while (*link)
		link = &(*link)->next;
	*link = read;
}

static int frame_size(const struct pin *pin, ULONG *size)
{
	struct ksallocator_framing framing;
	int ret = 0;

	if (pin->pool) {
		*size = win_pool_frame_size(pin->pool);
	} else {
		ret = ks_get_framing(pin->object.fd, &framing);
		*size = framing.frame_size;
	}
	return ret;
}

static int check_target(const struct target *target, ULONG size)
{
	if (target->extent < size)
		return -WIN_TOO_SMALL;
	return win_check_memory(target->data, target->extent, true);
}

/* Before PAUSE, reads wait for the device. Only a flush refuses them */
static int read_copy(struct pin *pin, struct read *read)
{
	ULONG size, i;
	int ret;

	if (pin->flushing)
		return -ECANCELED;
	if (pin->error)
		return pin->error;
	ret = frame_size(pin, &size);
	for (i = 0; !ret && i < read->count; i++)
		ret = check_target(&read->targets[i], size);
	if (ret)
		return ret;
	add_last(pin, read);
	ret = pin->pool ? serve_reads(pin) : 0;
	if (ret)
		fail(pin, ret);
	if (has_early_reads(pin))
		win_reads_wake(pin);
	return 0;
}

static int attach(struct pin *pin, struct read *read, ULONG number)
{
	const struct target *target = &read->targets[number];
	int index = win_frame_find(pin->allocator, target->data), ret;
	struct slot *slot;

	if (index < 0)
		return index;
	if (target->extent > win_frame_bytes(pin->allocator))
		return -EINVAL;
	slot = &pin->slots[index];
	if (slot->read)
		return -EBUSY;
	if (!slot->in_device) {
		ret = win_frame_submit(pin->allocator, (__u32)index, &pin->object);
		if (ret)
			return ret;
	}
	*slot = (struct slot) { .read = read, .target = number, .in_device = true };
	return 0;
}

static int read_frames(struct pin *pin, struct read *read)
{
	ULONG i;
	int ret;

	for (i = 0; i < read->count; i++) {
		ret = attach(pin, read, i);
		if (ret) {
			detach(pin, read);
			return ret;
		}
	}
	add_last(pin, read);
	win_reads_wake(pin);
	return 0;
}

static int begin_read(struct pin *pin, struct read *read)
{
	int ret;

	if (pin->closing)
		return -ECANCELED;
	ret = win_reads_start(pin);
	if (ret)
		return ret;
	return pin->allocator ? read_frames(pin, read) : read_copy(pin, read);
}

int win_pin_read(struct win_object *object, const struct win_call *call,
		 const struct win_pending *pending)
{
	struct pin *pin = win_pin_of(object);
	struct read *read;
	int ret;

	ret = make_read(call, pending, &read);
	if (ret)
		return ret;
	pthread_mutex_lock(&pin->lock);
	ret = begin_read(pin, read);
	pthread_mutex_unlock(&pin->lock);
	if (!ret)
		return -WIN_LATER;
	free(read);
	return ret;
}
