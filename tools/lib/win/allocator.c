// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators. A frame is known to the client by its address, and the client holds it
 * from ALLOC to FREE, also while it is in the device, after a read was cancelled, and
 * when the pin is closed that it was read through.
 * The kernel, though, gives such a frame back to the allocator. So that this is
 * not seen, it is TAKEN then: nobody here gets it from ALLOC, FREE only notes
 * that it is free, and before it is submitted again it is got back from the kernel.
 * ALLOC can meet it earlier than whoever ended the read marks it so: every frame is
 * kept for the client that is not FREE here.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "win.h"

enum held {
	FREE,
	HELD,
	IN_DEVICE,
	TAKEN,
};

struct frame {
	enum held held;
	/* Of what is filled, from the frame's begin */
	size_t start;
	bool cpu_access;
	/* While HELD: the pin that it came through, or none. Only compared */
	const struct win_object *pin;
};

struct waiter {
	struct win_pending pending;
	void **out;
	struct waiter *next;
};

struct event {
	const KSEVENTDATA *data;
	__u32 id;
	struct event *next;
};

struct win_allocator {
	struct win_object object;
	struct ks_frames *mapped;
	pthread_mutex_t lock;
	struct frame *frames;
	struct event *events;
	/* ALLOC calls that wait, served by a thread that lives while there are any */
	struct waiter *waiters;
	bool serving;
	bool closing;
};

struct win_allocator *win_allocator_of(struct win_object *object)
{
	return container_of(object, struct win_allocator, object);
}

struct win_object *win_allocator_object(struct win_allocator *allocator)
{
	return &allocator->object;
}

ULONG win_frame_count(const struct win_allocator *allocator)
{
	return ks_frames_count(allocator->mapped);
}

ULONG win_frame_bytes(const struct win_allocator *allocator)
{
	return (ULONG)ks_frames_bytes(allocator->mapped);
}

static int find(struct win_allocator *allocator, const void *data)
{
	__u32 i;

	for (i = 0; i < win_frame_count(allocator); i++) {
		const char *begin = ks_frames_data(allocator->mapped, i);

		if (data == begin || data == begin + allocator->frames[i].start)
			return (int)i;
	}
	return -EINVAL;
}

int win_frame_find(struct win_allocator *allocator, const void *data)
{
	int index;

	pthread_mutex_lock(&allocator->lock);
	index = find(allocator, data);
	pthread_mutex_unlock(&allocator->lock);
	return index;
}

static void end_cpu_access(struct win_allocator *allocator, __u32 index)
{
	struct frame *frame = &allocator->frames[index];

	if (frame->cpu_access)
		ks_end_access(ks_frames_dmabuf(allocator->mapped, index), LIBKS_READ);
	frame->cpu_access = false;
}

/* Gets a TAKEN frame back, which is among those that are free in the kernel. */
static int regain(struct win_allocator *allocator, __u32 wanted)
{
	__u32 others[KSALLOC_MAX_FRAMES], index, count = 0, i;
	struct frame *frames = allocator->frames;
	int ret = 0;

	while (frames[wanted].held == TAKEN && !ret) {
		ret = ks_alloc(allocator->object.fd, KSALLOC_NONBLOCK, 0, &index, NULL);
		if (ret)
			break;
		if (frames[index].held == TAKEN)
			frames[index].held = HELD;
		else
			others[count++] = index;
	}
	for (i = 0; i < count; i++)
		ks_free(allocator->object.fd, others[i]);
	if (ret && allocator->closing)
		return -ECANCELED;
	return ret == -EAGAIN ? -EBUSY : ret;
}

int win_frame_submit(struct win_allocator *allocator, __u32 index, int connection)
{
	struct frame *frame = &allocator->frames[index];
	int ret = 0;

	pthread_mutex_lock(&allocator->lock);
	if (frame->held == TAKEN)
		ret = regain(allocator, index);
	else if (frame->held != HELD)
		ret = frame->held == FREE ? -EINVAL : -EBUSY;
	if (!ret) {
		end_cpu_access(allocator, index);
		ret = ks_submit(connection, index, ks_frames_dmabuf(allocator->mapped, index));
	}
	if (!ret) {
		frame->held = IN_DEVICE;
		frame->pin = NULL;
	}
	pthread_mutex_unlock(&allocator->lock);
	return ret;
}

void *win_frame_filled(struct win_allocator *allocator, __u32 index, size_t start,
		       const struct win_object *pin)
{
	struct frame *frame = &allocator->frames[index];

	pthread_mutex_lock(&allocator->lock);
	frame->held = HELD;
	frame->pin = pin;
	frame->start = start < win_frame_bytes(allocator) ? start : 0;
	frame->cpu_access = !ks_begin_access(ks_frames_dmabuf(allocator->mapped, index),
					     LIBKS_READ);
	pthread_mutex_unlock(&allocator->lock);
	return (char *)ks_frames_data(allocator->mapped, index) + frame->start;
}

void win_frame_unasked(struct win_allocator *allocator, __u32 index,
		       const struct win_object *pin)
{
	struct frame *frame = &allocator->frames[index];

	pthread_mutex_lock(&allocator->lock);
	if (frame->held == FREE) {
		ks_free(allocator->object.fd, index);
	} else {
		frame->held = HELD;
		frame->pin = pin;
	}
	pthread_mutex_unlock(&allocator->lock);
}

void win_frame_taken(struct win_allocator *allocator, __u32 index)
{
	pthread_mutex_lock(&allocator->lock);
	if (allocator->frames[index].held == IN_DEVICE)
		allocator->frames[index].held = TAKEN;
	pthread_mutex_unlock(&allocator->lock);
}

void win_frames_taken(struct win_allocator *allocator, const struct win_object *pin)
{
	struct frame *frames = allocator->frames;
	__u32 i;

	pthread_mutex_lock(&allocator->lock);
	for (i = 0; i < win_frame_count(allocator); i++) {
		if (frames[i].pin != pin)
			continue;
		frames[i].held = TAKEN;
		frames[i].pin = NULL;
	}
	pthread_mutex_unlock(&allocator->lock);
}

/* Where the handle was closed, the descriptor is of something else. */
static int error_of_alloc(struct win_allocator *allocator, int err)
{
	bool closing;

	pthread_mutex_lock(&allocator->lock);
	closing = allocator->closing;
	pthread_mutex_unlock(&allocator->lock);
	return closing ? -ECANCELED : err;
}

/* ALLOC: a frame that the client holds already is kept for it, and another one got. */
static int take_frame(struct win_allocator *allocator, __u32 flags, void **data)
{
	struct frame *frame;
	bool is_new;
	__u32 index;
	int ret;

	do {
		ret = ks_alloc(allocator->object.fd, flags, 0, &index, NULL);
		if (ret)
			return error_of_alloc(allocator, ret);
		/* Only a kernel that breaks its word would fail this */
		if (index >= win_frame_count(allocator))
			return -EIO;
		pthread_mutex_lock(&allocator->lock);
		frame = &allocator->frames[index];
		is_new = frame->held == FREE;
		frame->held = HELD;
		frame->pin = NULL;
		pthread_mutex_unlock(&allocator->lock);
	} while (!is_new);
	*data = ks_frames_data(allocator->mapped, index);
	return 0;
}

static int free_frame(struct win_allocator *allocator, const void *data)
{
	int index, ret = 0;

	pthread_mutex_lock(&allocator->lock);
	index = find(allocator, data);
	if (index < 0) {
		ret = index;
		goto out;
	}
	switch (allocator->frames[index].held) {
	case FREE:
		ret = -EINVAL;
		break;
	case IN_DEVICE:
		ret = -EBUSY;
		break;
	case HELD:
		end_cpu_access(allocator, index);
		ret = ks_free(allocator->object.fd, index);
		break;
	case TAKEN:
		end_cpu_access(allocator, index);
		break;
	}
	if (!ret)
		allocator->frames[index] = (struct frame) { .held = FREE };
out:
	pthread_mutex_unlock(&allocator->lock);
	return ret;
}

static struct waiter *next_waiter(struct win_allocator *allocator, bool *closing)
{
	struct waiter *waiter;

	pthread_mutex_lock(&allocator->lock);
	waiter = allocator->waiters;
	if (waiter)
		allocator->waiters = waiter->next;
	else
		allocator->serving = false;
	*closing = allocator->closing;
	pthread_mutex_unlock(&allocator->lock);
	return waiter;
}

/* One at a time, for the order of the calls is the order in which they are served. */
static void *serve_waiters(void *arg)
{
	struct win_allocator *allocator = arg;
	struct waiter *waiter;
	bool closing;
	int ret;

	while ((waiter = next_waiter(allocator, &closing))) {
		do {
			ret = closing ? -ECANCELED : take_frame(allocator, 0, waiter->out);
		} while (ret == -EINTR);
		win_pending_end(&waiter->pending, ret, ret ? 0 : sizeof(void *));
		free(waiter);
	}
	win_put(&allocator->object);
	return NULL;
}

static int start_serving(struct win_allocator *allocator)
{
	pthread_t thread;
	int ret;

	win_ref(&allocator->object);
	ret = win_thread_create(&thread, serve_waiters, allocator);
	if (ret)
		win_put(&allocator->object);
	else
		pthread_detach(thread);
	return ret;
}

static void add_last(struct win_allocator *allocator, struct waiter *waiter)
{
	struct waiter **last = &allocator->waiters;

	while (*last)
		last = &(*last)->next;
	*last = waiter;
}

static void remove_last(struct win_allocator *allocator)
{
	struct waiter **last = &allocator->waiters;

	while ((*last)->next)
		last = &(*last)->next;
	*last = NULL;
}

static int alloc_later(struct win_allocator *allocator, void **out,
		       const struct win_pending *pending)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	int ret = 0;

	if (!waiter)
		return -ENOMEM;
	waiter->out = out;
	waiter->pending = *pending;
	pthread_mutex_lock(&allocator->lock);
	add_last(allocator, waiter);
	if (!allocator->serving) {
		ret = start_serving(allocator);
		allocator->serving = !ret;
		if (ret)
			remove_last(allocator);
	}
	pthread_mutex_unlock(&allocator->lock);
	if (ret) {
		free(waiter);
		return ret;
	}
	return -WIN_LATER;
}

static bool has_waiters(struct win_allocator *allocator)
{
	bool serving;

	pthread_mutex_lock(&allocator->lock);
	serving = allocator->serving;
	pthread_mutex_unlock(&allocator->lock);
	return serving;
}

static int alloc(struct win_allocator *allocator, void **out,
		 const struct win_pending *pending)
{
	int ret;

	if (!pending)
		return take_frame(allocator, 0, out);
	ret = has_waiters(allocator) ? -EAGAIN : take_frame(allocator, KSALLOC_NONBLOCK, out);
	return ret == -EAGAIN ? alloc_later(allocator, out, pending) : ret;
}

int win_allocator_method(struct win_object *object, struct win_call *call,
			 const struct win_pending *pending)
{
	struct win_allocator *allocator = win_allocator_of(object);
	const KSMETHOD *method = call->in;
	int ret;

	if (call->in_size < sizeof(*method))
		return -WIN_TOO_SMALL;
	if (!IsEqualGUID(&method->Set, &KSMETHODSETID_StreamAllocator))
		return -WIN_NO_SUCH_SET;
	if (method->Flags & KSMETHOD_TYPE_SETSUPPORT)
		return 0;
	if (method->Id > KSMETHOD_STREAMALLOCATOR_FREE)
		return -WIN_NO_SUCH_ITEM;
	if (call->out_size < sizeof(void *))
		return -WIN_TOO_SMALL;
	if (method->Id == KSMETHOD_STREAMALLOCATOR_FREE)
		return free_frame(allocator, *(void **)call->out);
	ret = alloc(allocator, call->out, pending);
	if (!ret)
		call->returned = sizeof(void *);
	return ret;
}

static int get_status_ex(struct win_object *object, struct win_call *call)
{
	struct ksstreamallocator_status_ex status;
	int ret = ks_get_status_ex(object->fd, &status);

	return ret ? ret : win_answer(call, &status, sizeof(status));
}

/* One property has both forms: which one is asked for, the room for it says */
static int get_status(struct win_object *object, struct win_call *call)
{
	struct ks_allocator_status status;
	int ret;

	if (call->out_size >= sizeof(struct ksstreamallocator_status_ex))
		return get_status_ex(object, call);
	ret = ks_get_status(object->fd, &status);
	return ret ? ret : win_answer(call, &status.status, sizeof(status.status));
}

int win_allocator_property(struct win_object *object, struct win_call *call)
{
	static const struct win_property properties[] = {
		{ &KSPROPSETID_StreamAllocator, KSPROPERTY_STREAMALLOCATOR_STATUS,
		  sizeof(KSPROPERTY), 0, get_status, NULL },
	};

	return win_property(object, call, properties, ARRAY_SIZE(properties));
}

static int check_event(const struct win_call *call)
{
	const KSEVENTDATA *data = call->out;
	const KSEVENT *event = call->in;

	if (call->in_size < sizeof(*event) || call->out_size < sizeof(*data))
		return -WIN_TOO_SMALL;
	if (!IsEqualGUID(&event->Set, &KSEVENTSETID_StreamAllocator))
		return -WIN_NO_SUCH_SET;
	if ((event->Flags & ~KSEVENT_TYPE_ONESHOT) != KSEVENT_TYPE_ENABLE)
		return -EINVAL;
	if (data->NotificationType != KSEVENTF_EVENT_HANDLE)
		return -EOPNOTSUPP;
	return 0;
}

/* The event's data is what the client disables it by: its address, not its content. */
int win_allocator_enable(struct win_object *object, const struct win_call *call)
{
	struct win_allocator *allocator = win_allocator_of(object);
	const KSEVENT *request = call->in;
	const KSEVENTDATA *data = call->out;
	struct win_object *event;
	struct event *new;
	int ret;

	ret = check_event(call);
	if (ret)
		return ret;
	event = win_get(data->EventHandle.Event, WIN_EVENT);
	if (!event)
		return -EBADF;
	new = calloc(1, sizeof(*new));
	ret = new ? 0 : -ENOMEM;
	if (!ret)
		ret = ks_enable_event(object->fd,
				      request->Flags & KSEVENT_TYPE_ONESHOT ?
				      KSALLOC_EVENT_ONESHOT : 0,
				      request->Id, event->fd, &new->id);
	win_put(event);
	if (ret) {
		free(new);
		return ret;
	}
	new->data = data;
	pthread_mutex_lock(&allocator->lock);
	new->next = allocator->events;
	allocator->events = new;
	pthread_mutex_unlock(&allocator->lock);
	return 0;
}

int win_allocator_disable(struct win_object *object, const struct win_call *call)
{
	struct win_allocator *allocator = win_allocator_of(object);
	struct event **link, *event;
	int ret;

	if (call->in_size < sizeof(KSEVENTDATA))
		return -WIN_TOO_SMALL;
	pthread_mutex_lock(&allocator->lock);
	link = &allocator->events;
	while (*link && (*link)->data != call->in)
		link = &(*link)->next;
	event = *link;
	if (event)
		*link = event->next;
	pthread_mutex_unlock(&allocator->lock);

	if (!event)
		return -EINVAL;
	ret = ks_disable_event(object->fd, event->id);
	free(event);
	return ret;
}

/*
 * Ends the allocator in the kernel, and with it the calls that wait. The descriptor
 * keeps its number, for one of them may be about to use it; something that is open
 * anyway takes its place, for there may be no descriptor left to open with.
 */
static void close_allocator(struct win_object *object)
{
	struct win_allocator *allocator = win_allocator_of(object);

	pthread_mutex_lock(&allocator->lock);
	allocator->closing = true;
	pthread_mutex_unlock(&allocator->lock);
	while (dup3(ks_frames_dmabuf(allocator->mapped, 0), object->fd, O_CLOEXEC) < 0 &&
	       (errno == EINTR || errno == EBUSY))
		;
}

static void destroy(struct win_object *object)
{
	struct win_allocator *allocator = win_allocator_of(object);
	struct event *event;
	__u32 i;

	for (i = 0; allocator->frames && i < win_frame_count(allocator); i++)
		end_cpu_access(allocator, i);
	while ((event = allocator->events)) {
		allocator->events = event->next;
		free(event);
	}
	ks_frames_unmap(allocator->mapped);
	free(allocator->frames);
	pthread_mutex_destroy(&allocator->lock);
	free(allocator);
}

static int open_heap(const KSALLOCATOR_FRAMING *framing)
{
	const char *name = getenv("KS_HEAP");

	if (!(framing->OptionsFlags & KSALLOCATOR_OPTIONF_SYSTEM_MEMORY))
		return -1;
	return ks_open_heap(name && *name ? name : "system");
}

static int create_in_kernel(struct win_object *pin, const KSALLOCATOR_FRAMING *framing)
{
	struct ksallocator_framing native;
	int heap, fd;

	memcpy(&native, framing, sizeof(native));
	heap = open_heap(framing);
	if (heap < -1)
		return heap;
	fd = ks_create_allocator(pin->fd, &native, heap);
	if (heap >= 0)
		close(heap);
	return fd;
}

static int create(struct win_object *pin, const KSALLOCATOR_FRAMING *framing,
		  struct win_object **object)
{
	struct win_allocator *allocator = calloc(1, sizeof(*allocator));
	int ret;

	if (!allocator)
		return -ENOMEM;
	pthread_mutex_init(&allocator->lock, NULL);
	ret = create_in_kernel(pin, framing);
	win_object_init(&allocator->object, WIN_ALLOCATOR, ret);
	allocator->object.destroy = destroy;
	allocator->object.close = close_allocator;
	if (ret < 0)
		goto err;
	ret = ks_frames_map(allocator->object.fd, &allocator->mapped);
	if (ret)
		goto err;
	allocator->frames = calloc(win_frame_count(allocator), sizeof(*allocator->frames));
	ret = allocator->frames ? 0 : -ENOMEM;
	if (ret)
		goto err;
	*object = &allocator->object;
	return 0;

err:
	win_put(&allocator->object);
	return ret;
}

WIN_API DWORD KsCreateAllocator(HANDLE connection, PKSALLOCATOR_FRAMING framing,
				PHANDLE handle)
{
	struct win_object *pin, *allocator;
	int ret;

	if (!framing || !handle)
		return win_code(-EINVAL);
	pin = win_get(connection, WIN_PIN);
	if (!pin)
		return win_code(-EBADF);
	ret = create(pin, framing, &allocator);
	if (!ret) {
		win_pin_use_new(pin, allocator);
		ret = win_publish(allocator, handle);
	}
	win_put(pin);
	return win_code(ret);
}

WIN_API int LibksFrameDmabuf(HANDLE handle, const void *frame)
{
	struct win_object *object = win_get(handle, WIN_ALLOCATOR);
	struct win_allocator *allocator;
	int index, dmabuf = -1;

	if (!object)
		return -1;
	allocator = win_allocator_of(object);
	pthread_mutex_lock(&allocator->lock);
	index = find(allocator, frame);
	if (index >= 0)
		dmabuf = ks_frames_dmabuf(allocator->mapped, index);
	pthread_mutex_unlock(&allocator->lock);
	win_put(object);
	return dmabuf;
}
