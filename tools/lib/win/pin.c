// SPDX-License-Identifier: GPL-2.0-only
/* Pins: their states and their other properties. read.c has the stream of frames. */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pin.h"

/* States */

/*
 * What dwFrameFlags of KS_FRAME_INFO says of the lines in all pictures. With V4L2_FIELD_ALTERNATE,
 * each picture says which field it is
 */
static DWORD frame_flags(int video)
{
	struct v4l2_pix_format pix = { 0 };

	if (win_video_format(video, VIDIOC_G_FMT, &pix))
		return KS_VIDEO_FLAG_FRAME;
	switch (pix.field) {
	case V4L2_FIELD_TOP:
		return KS_VIDEO_FLAG_FIELD1;
	case V4L2_FIELD_BOTTOM:
		return KS_VIDEO_FLAG_FIELD2;
	case V4L2_FIELD_INTERLACED:
	case V4L2_FIELD_INTERLACED_TB:
		return KS_VIDEO_FLAG_WEAVE | KS_VIDEO_FLAG_FIELD1FIRST;
	case V4L2_FIELD_INTERLACED_BT:
		return KS_VIDEO_FLAG_WEAVE;
	default:
		return KS_VIDEO_FLAG_FRAME;
	}
}

static void drop_pool(struct pin *pin)
{
	if (!pin->pool)
		return;
	ks_set_allocator(pin->object.fd, -1);
	win_pool_destroy(pin->pool);
	pin->pool = NULL;
}

static int begin_flush(struct pin *pin)
{
	int ret = ks_reset_state(pin->object.fd, KSRESET_BEGIN);

	if (ret)
		return ret;
	pin->flushing = true;
	pin->streaming = false;
	win_reads_frames_freed(pin);
	win_reads_end(pin, -ECANCELED);
	return 0;
}

static int end_flush(struct pin *pin)
{
	int ret = ks_reset_state(pin->object.fd, KSRESET_END);

	if (ret || !pin->flushing)
		return ret;
	pin->flushing = false;
	pin->streaming = true;
	win_reads_wake(pin);
	return pin->pool ? win_pool_submit(pin->pool, pin->object.fd) : 0;
}

int win_pin_reset(struct win_object *object, const struct win_call *call)
{
	struct pin *pin = win_pin_of(object);
	KSRESET reset;
	int ret;

	if (call->in_size < sizeof(reset))
		return -WIN_TOO_SMALL;
	memcpy(&reset, call->in, sizeof(reset));
	pthread_mutex_lock(&pin->lock);
	if (reset == KSRESET_BEGIN)
		ret = begin_flush(pin);
	else
		ret = reset == KSRESET_END ? end_flush(pin) : -EINVAL;
	pthread_mutex_unlock(&pin->lock);
	return ret;
}

static int get_state(struct win_object *object, struct win_call *call)
{
	enum ksstate state;
	int ret = ks_get_state(object->fd, &state, NULL);

	return ret ? ret : win_answer(call, &state, sizeof(state));
}

/* A device may need frames before it runs */
static int step_with_pool(struct pin *pin, enum ksstate before, enum ksstate state)
{
	int ret = 0;

	if (state >= KSSTATE_PAUSE) {
		ret = win_reads_start(pin);
		if (!ret && before < KSSTATE_PAUSE)
			ret = ks_set_state(pin->object.fd, KSSTATE_PAUSE);
		if (!ret && !pin->flushing)
			ret = win_pool_submit(pin->pool, pin->object.fd);
	}
	if (!ret)
		ret = ks_set_state(pin->object.fd, state);
	if (ret)
		ks_set_state(pin->object.fd, before);
	if (ret && before < KSSTATE_PAUSE)
		win_pool_discard(pin->pool);
	return ret;
}

/*
 * On the way up, reads into memory of the client wait for the device. On the way down they end,
 * as reads into frames of an allocator do in any state lower than PAUSE
 */
static void enter_state(struct pin *pin, enum ksstate before, enum ksstate state)
{
	pin->error = 0;
	if (state < KSSTATE_PAUSE) {
		win_reads_frames_freed(pin);
		if (pin->allocator || state < before)
			win_reads_end(pin, -ECANCELED);
		pin->flushing = false;
	} else if (before < KSSTATE_PAUSE) {
		win_reads_reset(pin);
		pin->frame_flags = frame_flags(pin->filter->fd);
	}
	pin->streaming = state >= KSSTATE_PAUSE && !pin->flushing;
	win_reads_wake(pin);
}

static int change_state(struct pin *pin, enum ksstate state)
{
	enum ksstate before;
	int ret;

	if (state > KSSTATE_RUN)
		return -EINVAL;
	if (pin->closing)
		return -ECANCELED;
	ret = ks_get_state(pin->object.fd, &before, NULL);
	if (ret)
		return ret;
	if (before == KSSTATE_STOP && state != KSSTATE_STOP && !pin->allocator && !pin->pool) {
		ret = win_pool_create(&pin->object, &pin->pool);
		if (ret)
			return ret;
	}
	ret = pin->pool ? step_with_pool(pin, before, state) :
			  ks_set_state(pin->object.fd, state);
	if (!ret)
		enter_state(pin, before, state);
	if (ret ? before == KSSTATE_STOP : state == KSSTATE_STOP)
		drop_pool(pin);
	return ret;
}

static int put_state(struct win_object *object, struct win_call *call)
{
	struct pin *pin = win_pin_of(object);
	KSSTATE state;
	int ret;

	memcpy(&state, call->out, sizeof(state));
	pthread_mutex_lock(&pin->lock);
	ret = change_state(pin, state);
	pthread_mutex_unlock(&pin->lock);
	return ret;
}

/* The other properties */

static int get_framing(struct win_object *object, struct win_call *call)
{
	struct ksallocator_framing framing;
	int ret = ks_get_framing(object->fd, &framing);

	return ret ? ret : win_answer(call, &framing, sizeof(framing));
}

/* If more items appear between the two calls, they do not fit */
static int get_framing_ex(struct win_object *object, struct win_call *call)
{
	struct ksallocator_framing_ex *framing;
	__u32 size = 0, room;
	int ret;

	ret = ks_get_framing_ex(object->fd, NULL, &size);
	if (ret)
		return ret;
	room = size;
	framing = calloc(1, room);
	if (!framing)
		return -ENOMEM;
	ret = ks_get_framing_ex(object->fd, framing, &size);
	if (!ret && size > room)
		ret = -EBUSY;
	if (!ret)
		ret = win_answer(call, framing, size);
	free(framing);
	return ret;
}

static int get_format(struct win_object *object, struct win_call *call)
{
	return win_filter_get_format(win_pin_of(object)->filter, call);
}

/* Only in STOP, because the frames were made for the current format */
static int put_format(struct win_object *object, struct win_call *call)
{
	enum ksstate state;
	int ret = ks_get_state(object->fd, &state, NULL);

	if (ret)
		return ret;
	if (state != KSSTATE_STOP)
		return -EBUSY;
	return win_filter_set_format(win_pin_of(object)->filter, call->out, call->out_size,
				     false);
}

static int propose_format(struct win_object *object, struct win_call *call)
{
	return win_filter_set_format(win_pin_of(object)->filter, call->out, call->out_size,
				     true);
}

/* As on Windows, the allocator or clock is not returned. */
static int get_none(struct win_object *object, struct win_call *call)
{
	HANDLE none = NULL;

	(void)object;
	return win_answer(call, &none, sizeof(none));
}

/*
 * The kernel has freed the frames that were used for reads. In KSSTATE_STOP no reads of them are
 * pending, except those that another process with the descriptor of the pin has ended and
 * that the thread has not noticed yet. Reads that wait for the device end too: the memory that
 * they name need not belong to the new allocator.
 */
static void leave_allocator(struct pin *pin)
{
	win_reads_frames_freed(pin);
	win_reads_end(pin, -ECANCELED);
	win_pool_destroy(pin->pool);
	pin->pool = NULL;
	if (!pin->allocator)
		return;
	win_frames_taken(pin->allocator, &pin->object);
	win_put(win_allocator_object(pin->allocator));
	pin->allocator = NULL;
	free(pin->slots);
	pin->slots = NULL;
}

static int use_allocator(struct pin *pin, struct win_object *object)
{
	struct slot *slots = NULL;
	int ret;

	if (pin->closing)
		return -ECANCELED;
	if (object) {
		slots = calloc(win_frame_count(win_allocator_of(object)), sizeof(*slots));
		if (!slots)
			return -ENOMEM;
	}
	ret = ks_set_allocator(pin->object.fd, object ? object->fd : -1);
	if (ret) {
		free(slots);
		return ret;
	}
	leave_allocator(pin);
	if (object)
		pin->allocator = win_allocator_of(win_ref(object));
	pin->slots = slots;
	return 0;
}

void win_pin_lock(struct win_object *object)
{
	pthread_mutex_lock(&win_pin_of(object)->lock);
}

void win_pin_unlock(struct win_object *object)
{
	pthread_mutex_unlock(&win_pin_of(object)->lock);
}

void win_pin_use_new(struct win_object *object, struct win_object *allocator)
{
	struct pin *pin = win_pin_of(object);

	if (!pin->allocator && !pin->pool)
		use_allocator(pin, allocator);
}

static int put_allocator(struct win_object *object, struct win_call *call)
{
	struct pin *pin = win_pin_of(object);
	struct win_object *allocator = NULL;
	HANDLE handle;
	int ret;

	memcpy(&handle, call->out, sizeof(handle));
	if (handle) {
		allocator = win_get(handle, WIN_ALLOCATOR);
		if (!allocator)
			return -EBADF;
	}
	pthread_mutex_lock(&pin->lock);
	ret = use_allocator(pin, allocator);
	pthread_mutex_unlock(&pin->lock);
	win_put(allocator);
	return ret;
}

/* All clocks have the same time, so that nothing changes */
static int put_clock(struct win_object *object, struct win_call *call)
{
	struct win_object *clock;
	enum ksstate state;
	HANDLE handle;
	int ret;

	memcpy(&handle, call->out, sizeof(handle));
	if (handle) {
		clock = win_get(handle, WIN_CLOCK);
		if (!clock)
			return -EBADF;
		win_put(clock);
	}
	ret = ks_get_state(object->fd, &state, NULL);
	if (ret)
		return ret;
	return state == KSSTATE_STOP ? 0 : -EBUSY;
}

int win_pin_property(struct win_object *object, struct win_call *call)
{
	static const struct win_property properties[] = {
		{ &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_STATE,
		  sizeof(KSPROPERTY), sizeof(KSSTATE), get_state, put_state },
		{ &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_DATAFORMAT,
		  sizeof(KSPROPERTY), sizeof(KSDATAFORMAT), get_format, put_format },
		{ &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_PROPOSEDATAFORMAT,
		  sizeof(KSPROPERTY), sizeof(KSDATAFORMAT), NULL, propose_format },
		{ &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_ALLOCATORFRAMING,
		  sizeof(KSPROPERTY), 0, get_framing, NULL },
		{ &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_ALLOCATORFRAMING_EX,
		  sizeof(KSPROPERTY), 0, get_framing_ex, NULL },
		{ &KSPROPSETID_Stream, KSPROPERTY_STREAM_ALLOCATOR,
		  sizeof(KSPROPERTY), sizeof(HANDLE), get_none, put_allocator },
		{ &KSPROPSETID_Stream, KSPROPERTY_STREAM_MASTERCLOCK,
		  sizeof(KSPROPERTY), sizeof(HANDLE), get_none, put_clock },
	};

	return win_property(object, call, properties, ARRAY_SIZE(properties));
}

/* Beginning and end */

bool win_pin_is_closed(struct win_object *object)
{
	struct pin *pin = win_pin_of(object);
	bool closing;

	pthread_mutex_lock(&pin->lock);
	closing = pin->closing;
	pthread_mutex_unlock(&pin->lock);
	return closing;
}

static void close_pin(struct win_object *object)
{
	struct pin *pin = win_pin_of(object);
	bool has_completer;

	pthread_mutex_lock(&pin->lock);
	pin->closing = true;
	ks_set_state(object->fd, KSSTATE_STOP);
	/*
	 * Frees the frames now. The descriptor can be closed later, when the last call ends
	 */
	ks_set_allocator(object->fd, -1);
	leave_allocator(pin);
	has_completer = pin->has_completer;
	pthread_mutex_unlock(&pin->lock);
	win_clocks_leave(object);
	if (has_completer) {
		win_reads_wake(pin);
		pthread_join(pin->completer, NULL);
	}
}

static void destroy(struct win_object *object)
{
	struct pin *pin = win_pin_of(object);

	if (pin->allocator)
		win_put(win_allocator_object(pin->allocator));
	free(pin->slots);
	win_filter_release(pin->filter);
	if (pin->wake >= 0)
		close(pin->wake);
	pthread_mutex_destroy(&pin->lock);
	free(pin);
}

static int connect_video(int video)
{
	int ks = ks_open(NULL);
	int ret;

	if (ks < 0)
		return ks;
	ret = ks_connect(ks, video);
	close(ks);
	return ret;
}

int win_pin_create(struct win_object *filter, HANDLE *handle)
{
	struct pin *pin = calloc(1, sizeof(*pin));
	int ret;

	if (!pin) {
		win_filter_release(filter);
		return -ENOMEM;
	}
	win_object_init(&pin->object, WIN_PIN, -1);
	pin->object.close = close_pin;
	pin->object.destroy = destroy;
	pin->object.cancel = win_reads_cancel;
	pin->filter = filter;
	pthread_mutex_init(&pin->lock, NULL);
	pin->wake = eventfd(0, EFD_CLOEXEC);
	ret = pin->wake < 0 ? -errno : connect_video(filter->fd);
	if (ret < 0) {
		win_put(&pin->object);
		return ret;
	}
	pin->object.fd = ret;
	return win_publish(&pin->object, handle);
}
