// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins. IOCTL_KS_READ_STREAM submits a frame and stores the call. Each pin has a thread,
 * which starts with the first read. It completes the frames that the device has filled, and
 * then the calls. It does so with the lock of the pin held, as changes of the state and
 * flushes, so a frame from before such a change never completes a call that began after it.
 */
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "win.h"

struct request {
	bool active;
	struct win_pending pending;
	KSSTREAM_HEADER *header;
};

struct pin {
	struct win_object object;
	/* Its V4L2 file is for the format. The connection has its own V4L2 file */
	struct win_object *filter;
	int wake;
	pthread_mutex_t lock;
	struct win_allocator *allocator;
	/* One for each frame of the allocator */
	struct request *requests;
	unsigned int active;
	pthread_t completer;
	bool has_completer;
	bool closing;
};

static struct pin *pin_of(struct win_object *object)
{
	return container_of(object, struct pin, object);
}

/* Reads */

static void end_request(struct pin *pin, __u32 index, int err)
{
	struct request *request = &pin->requests[index];

	request->active = false;
	pin->active--;
	win_pending_end(&request->pending, err, err ? 0 : sizeof(*request->header));
}

static void end_all(struct pin *pin, int err)
{
	__u32 i;

	for (i = 0; pin->active; i++) {
		if (!pin->requests[i].active)
			continue;
		win_frame_taken(pin->allocator, i);
		end_request(pin, i, err);
	}
}

static void fill_header(KSSTREAM_HEADER *header, const struct ksstream_header *native,
			void *data)
{
	header->TypeSpecificFlags = native->type_specific_flags;
	header->PresentationTime.Time = native->presentation_time.time;
	header->PresentationTime.Numerator = native->presentation_time.numerator;
	header->PresentationTime.Denominator = native->presentation_time.denominator;
	header->Duration = native->duration;
	header->DataUsed = native->data_used;
	header->Data = data;
	header->OptionsFlags = native->options_flags;
}

static void complete_frames(struct pin *pin)
{
	struct ks_completion done;
	void *data;
	int ret;

	while (pin->active) {
		ret = ks_complete(pin->object.fd, KSALLOC_NONBLOCK, 0, &done);
		if (ret == -EAGAIN || ret == -EINTR)
			return;
		if (ret) {
			end_all(pin, ret);
			return;
		}
		if (done.index >= win_frame_count(pin->allocator))
			continue;
		/* The call has already ended with an error of the device */
		if (!pin->requests[done.index].active) {
			win_frame_unasked(pin->allocator, done.index, &pin->object);
			continue;
		}
		data = win_frame_filled(pin->allocator, done.index, done.header.data,
					&pin->object);
		fill_header(pin->requests[done.index].header, &done.header, data);
		end_request(pin, done.index, 0);
	}
}

static void *complete_until_closed(void *arg)
{
	struct pin *pin = arg;
	struct pollfd fds[2] = { { .fd = pin->wake, .events = POLLIN } };
	uint64_t count;
	bool closing;

	do {
		pthread_mutex_lock(&pin->lock);
		complete_frames(pin);
		/* Does not poll the connection if no read is pending */
		fds[1] = (struct pollfd) {
			.fd = pin->active ? pin->object.fd : -1,
			.events = POLLIN,
		};
		closing = pin->closing;
		pthread_mutex_unlock(&pin->lock);
		if (!closing && poll(fds, ARRAY_SIZE(fds), -1) > 0 && fds[0].revents)
			closing = read(pin->wake, &count, sizeof(count)) < 0 && errno != EINTR;
	} while (!closing);
	return NULL;
}

static void wake_completer(struct pin *pin)
{
	uint64_t one = 1;

	while (write(pin->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static int start_completer(struct pin *pin)
{
	int ret;

	if (pin->has_completer)
		return 0;
	ret = win_thread_create(&pin->completer, complete_until_closed, pin);
	pin->has_completer = !ret;
	return ret;
}

static int check_header(const struct win_call *call)
{
	const KSSTREAM_HEADER *header = call->out;

	if (call->out_size < sizeof(*header))
		return -WIN_TOO_SMALL;
	if (header->Size != sizeof(*header))
		return -EINVAL;
	/* Several headers in one call */
	if (call->out_size != sizeof(*header))
		return -EOPNOTSUPP;
	return 0;
}

static int read_frame(struct pin *pin, KSSTREAM_HEADER *header,
		      const struct win_pending *pending)
{
	struct request *request;
	int index, ret;

	if (pin->closing)
		return -ECANCELED;
	if (!pin->allocator)
		return -EINVAL;
	index = win_frame_find(pin->allocator, header->Data);
	if (index < 0)
		return index;
	if (header->FrameExtent > win_frame_bytes(pin->allocator))
		return -EINVAL;
	request = &pin->requests[index];
	if (request->active)
		return -EBUSY;
	ret = start_completer(pin);
	if (ret)
		return ret;
	ret = win_frame_submit(pin->allocator, index, &pin->object);
	if (ret)
		return ret;
	request->pending = *pending;
	request->header = header;
	request->active = true;
	pin->active++;
	wake_completer(pin);
	return -WIN_LATER;
}

int win_pin_read(struct win_object *object, const struct win_call *call,
		 const struct win_pending *pending)
{
	struct pin *pin = pin_of(object);
	int ret;

	ret = check_header(call);
	if (ret)
		return ret;
	pthread_mutex_lock(&pin->lock);
	ret = read_frame(pin, call->out, pending);
	pthread_mutex_unlock(&pin->lock);
	return ret;
}

/* States */

int win_pin_reset(struct win_object *object, const struct win_call *call)
{
	struct pin *pin = pin_of(object);
	KSRESET reset;
	int ret;

	if (call->in_size < sizeof(reset))
		return -WIN_TOO_SMALL;
	memcpy(&reset, call->in, sizeof(reset));
	pthread_mutex_lock(&pin->lock);
	ret = ks_reset_state(object->fd, reset);
	if (!ret && reset == KSRESET_BEGIN)
		end_all(pin, -ECANCELED);
	pthread_mutex_unlock(&pin->lock);
	return ret;
}

static int get_state(struct win_object *object, struct win_call *call)
{
	enum ksstate state;
	int ret = ks_get_state(object->fd, &state, NULL);

	return ret ? ret : win_answer(call, &state, sizeof(state));
}

static int put_state(struct win_object *object, struct win_call *call)
{
	struct pin *pin = pin_of(object);
	KSSTATE state;
	int ret;

	memcpy(&state, call->out, sizeof(state));
	pthread_mutex_lock(&pin->lock);
	ret = ks_set_state(object->fd, state);
	if (!ret && state < KSSTATE_PAUSE)
		end_all(pin, -ECANCELED);
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
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	int ret = win_format_get(pin_of(object)->filter->fd, &format);

	return ret ? ret : win_answer(call, &format, sizeof(format));
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
	return win_format_set(pin_of(object)->filter->fd, call->out, call->out_size, false);
}

static int propose_format(struct win_object *object, struct win_call *call)
{
	return win_format_set(pin_of(object)->filter->fd, call->out, call->out_size, true);
}

/* As on Windows, the allocator is not returned. */
static int get_allocator(struct win_object *object, struct win_call *call)
{
	HANDLE none = NULL;

	(void)object;
	return win_answer(call, &none, sizeof(none));
}

/*
 * The kernel has freed the frames that were used for reads. In KSSTATE_STOP no reads are
 * pending, except those that another process with the descriptor of the pin has ended and
 * that the thread has not noticed yet.
 */
static void leave_allocator(struct pin *pin)
{
	end_all(pin, -ECANCELED);
	if (!pin->allocator)
		return;
	win_frames_taken(pin->allocator, &pin->object);
	win_put(win_allocator_object(pin->allocator));
	pin->allocator = NULL;
	free(pin->requests);
	pin->requests = NULL;
}

static int use_allocator(struct pin *pin, struct win_object *object)
{
	struct request *requests = NULL;
	int ret;

	if (pin->closing)
		return -ECANCELED;
	if (object) {
		requests = calloc(win_frame_count(win_allocator_of(object)), sizeof(*requests));
		if (!requests)
			return -ENOMEM;
	}
	ret = ks_set_allocator(pin->object.fd, object ? object->fd : -1);
	if (ret) {
		free(requests);
		return ret;
	}
	leave_allocator(pin);
	if (object)
		pin->allocator = win_allocator_of(win_ref(object));
	pin->requests = requests;
	return 0;
}

void win_pin_use_new(struct win_object *object, struct win_object *allocator)
{
	struct pin *pin = pin_of(object);

	pthread_mutex_lock(&pin->lock);
	if (!pin->allocator)
		use_allocator(pin, allocator);
	pthread_mutex_unlock(&pin->lock);
}

static int put_allocator(struct win_object *object, struct win_call *call)
{
	struct pin *pin = pin_of(object);
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
		  sizeof(KSPROPERTY), sizeof(HANDLE), get_allocator, put_allocator },
	};

	return win_property(object, call, properties, ARRAY_SIZE(properties));
}

/* Beginning and end */

static void close_pin(struct win_object *object)
{
	struct pin *pin = pin_of(object);
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
	if (has_completer) {
		wake_completer(pin);
		pthread_join(pin->completer, NULL);
	}
}

static void destroy(struct win_object *object)
{
	struct pin *pin = pin_of(object);

	if (pin->allocator)
		win_put(win_allocator_object(pin->allocator));
	free(pin->requests);
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
