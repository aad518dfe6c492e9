// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators. The client identifies a frame by its address, and holds it from ALLOC to
 * FREE: also while it is in the device, after a read was cancelled, and after the pin
 * through which it was read was closed.
 *
 * But the kernel frees a frame whose read was cancelled, and a frame that was completed
 * through a pin that is closed. The client must not notice this. Such a frame is TAKEN:
 * ALLOC does not return it, FREE only marks it as free, and a read first gets it back from
 * the kernel. ALLOC may get such a frame from the kernel before it is marked as TAKEN. So
 * if a frame that ALLOC gets is not FREE in this table, ALLOC keeps it for its holder and
 * gets another one.
 *
 * The open file exists as long as the object: until the handle is closed, all calls have
 * ended, and no pin uses the allocator.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"

#define NS_IN_S 1000000000
#define CANCEL_AGAIN_NS 1000000

enum held {
	FREE,
	HELD,
	IN_DEVICE,
	TAKEN,
};

struct frame {
	enum held held;
	/* Offset of the data in the frame */
	size_t start;
	/* LIBKS_READ, LIBKS_WRITE; 0 for no access of the CPU */
	unsigned int access;
	/* While HELD: the pin through which it was completed, or NULL. Only compared */
	const struct win_object *pin;
};

struct waiter {
	struct win_pending pending;
	void *out;
	struct waiter *next;
};

struct win_allocator {
	struct win_object object;
	struct ks_frames *mapped;
	/*
	 * The number of the pin of the device whose own memory it is; 0 for other memory
	 */
	unsigned long long memory_of;
	pthread_mutex_t lock;
	struct frame *frames;
	struct win_events events;
	/* ALLOC calls that wait, served by a thread that exists while there are any */
	struct waiter *waiters;
	bool serving;
	/* The one that the thread serves, and its number */
	struct waiter *current;
	__u64 number;
	/* Number of ALLOC calls in the kernel; none begins when closing is set */
	unsigned int calls;
	pthread_cond_t no_calls;
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

	if (frame->access)
		ks_end_access(ks_frames_dmabuf(allocator->mapped, index), frame->access);
	frame->access = 0;
}

/* Gets a TAKEN frame back. It is among the free frames of the kernel. */
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
	return ret == -EAGAIN ? -EBUSY : ret;
}

/* The device's own memory needs no descriptor */
static int submit(struct win_allocator *allocator, __u32 index, const struct win_object *pin)
{
	int dmabuf = -1;

	if (allocator->memory_of != pin->number)
		dmabuf = ks_frames_dmabuf(allocator->mapped, index);
	return ks_submit(pin->fd, index, dmabuf);
}

int win_frame_submit(struct win_allocator *allocator, __u32 index, const struct win_object *pin)
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
		ret = submit(allocator, index, pin);
	}
	if (!ret) {
		frame->held = IN_DEVICE;
		frame->pin = NULL;
	}
	pthread_mutex_unlock(&allocator->lock);
	return ret;
}

void *win_frame_filled(struct win_allocator *allocator, __u32 index, size_t start,
		       const struct win_object *pin, unsigned int access)
{
	struct frame *frame = &allocator->frames[index];

	pthread_mutex_lock(&allocator->lock);
	frame->held = HELD;
	frame->pin = pin;
	frame->start = start < win_frame_bytes(allocator) ? start : 0;
	if (!ks_begin_access(ks_frames_dmabuf(allocator->mapped, index), access))
		frame->access = access;
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

static bool begin_call(struct win_allocator *allocator)
{
	bool may_begin;

	pthread_mutex_lock(&allocator->lock);
	may_begin = !allocator->closing;
	allocator->calls += may_begin;
	pthread_mutex_unlock(&allocator->lock);
	return may_begin;
}

static void end_call(struct win_allocator *allocator)
{
	pthread_mutex_lock(&allocator->lock);
	allocator->calls--;
	if (!allocator->calls)
		pthread_cond_broadcast(&allocator->no_calls);
	pthread_mutex_unlock(&allocator->lock);
}

static int alloc_in_kernel(struct win_allocator *allocator, __u32 flags, __u32 *index)
{
	int ret;

	if (!begin_call(allocator))
		return -ECANCELED;
	ret = ks_alloc(allocator->object.fd, flags, 0, index, NULL);
	end_call(allocator);
	return ret;
}

static int free_frame(struct win_allocator *allocator, const void *data);

/* The client may have unmapped its memory in the meantime. Then the frame is free again */
static int return_frame(struct win_allocator *allocator, __u32 index, void *out)
{
	const void *data = ks_frames_data(allocator->mapped, index);
	int ret = win_copy_out(out, &data, sizeof(data));

	if (ret)
		free_frame(allocator, data);
	return ret;
}

/*
 * ALLOC: if the client already holds the frame, it is kept for it, and another one is
 * allocated.
 */
static int take_frame(struct win_allocator *allocator, __u32 flags, void *out)
{
	struct frame *frame;
	bool is_new;
	__u32 index;
	int ret;

	do {
		ret = alloc_in_kernel(allocator, flags, &index);
		if (ret)
			return ret;
		/* Only a kernel that violates the ABI can cause this */
		if (index >= win_frame_count(allocator))
			return -EIO;
		pthread_mutex_lock(&allocator->lock);
		frame = &allocator->frames[index];
		is_new = frame->held == FREE;
		frame->held = HELD;
		frame->pin = NULL;
		pthread_mutex_unlock(&allocator->lock);
	} while (!is_new);
	return return_frame(allocator, index, out);
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

static struct waiter *next_waiter(struct win_allocator *allocator)
{
	struct waiter *waiter;

	pthread_mutex_lock(&allocator->lock);
	waiter = allocator->waiters;
	if (waiter)
		allocator->waiters = waiter->next;
	else
		allocator->serving = false;
	allocator->current = waiter;
	allocator->number++;
	pthread_mutex_unlock(&allocator->lock);
	return waiter;
}

static void end_waiter(struct win_allocator *allocator, struct waiter *waiter, int err)
{
	pthread_mutex_lock(&allocator->lock);
	allocator->current = NULL;
	pthread_cond_broadcast(&allocator->no_calls);
	pthread_mutex_unlock(&allocator->lock);
	win_pending_end(&waiter->pending, err, err ? 0 : sizeof(void *));
	free(waiter);
}

/* One at a time, because calls are served in order. */
static void *serve_waiters(void *arg)
{
	struct win_allocator *allocator = arg;
	struct waiter *waiter;
	int ret;

	while ((waiter = next_waiter(allocator))) {
		do {
			ret = take_frame(allocator, 0, waiter->out);
		} while (ret == -EINTR);
		end_waiter(allocator, waiter, ret);
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

static int alloc_later(struct win_allocator *allocator, void *out,
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

static int alloc(struct win_allocator *allocator, void *out,
		 const struct win_pending *pending)
{
	int ret;

	ret = has_waiters(allocator) ? -EAGAIN : take_frame(allocator, KSALLOC_NONBLOCK, out);
	return ret == -EAGAIN ? alloc_later(allocator, out, pending) : ret;
}

int win_allocator_method(struct win_object *object, struct win_call *call,
			 const struct win_pending *pending)
{
	struct win_allocator *allocator = win_allocator_of(object);
	KSMETHOD method;
	void *data;
	int ret;

	if (call->in_size < sizeof(method))
		return -WIN_TOO_SMALL;
	/* Both can be at any address */
	memcpy(&method, call->in, sizeof(method));
	if (!IsEqualGUID(&method.Set, &KSMETHODSETID_StreamAllocator))
		return -WIN_NO_SUCH_SET;
	if (method.Flags & KSMETHOD_TYPE_SETSUPPORT)
		return 0;
	if (method.Id > KSMETHOD_STREAMALLOCATOR_FREE)
		return -WIN_NO_SUCH_ITEM;
	if (call->out_size < sizeof(data))
		return -WIN_TOO_SMALL;
	if (method.Id == KSMETHOD_STREAMALLOCATOR_FREE) {
		memcpy(&data, call->out, sizeof(data));
		return free_frame(allocator, data);
	}
	ret = alloc(allocator, call->out, pending);
	if (!ret)
		call->returned = sizeof(void *);
	return ret;
}

int win_allocator_enable(struct win_object *object, const struct win_call *call)
{
	return win_events_enable(&win_allocator_of(object)->events, object->fd, call);
}

int win_allocator_disable(struct win_object *object, const struct win_call *call)
{
	return win_events_disable(&win_allocator_of(object)->events, object->fd, call);
}

/*
 * A cancel ends waiting calls, but not a call that is about to wait, and it must not end later
 * ones. So it is repeated until what was cancelled has ended. Called with the lock held
 */
static void cancel_once(struct win_allocator *allocator)
{
	struct timespec again;
	__u64 deadline;

	ks_allocator_cancel(allocator->object.fd, 0);
	deadline = ks_deadline(CANCEL_AGAIN_NS);
	again.tv_sec = (time_t)(deadline / NS_IN_S);
	again.tv_nsec = (long)(deadline % NS_IN_S);
	pthread_cond_timedwait(&allocator->no_calls, &allocator->lock, &again);
}

static void cancel_calls(struct win_allocator *allocator)
{
	pthread_mutex_lock(&allocator->lock);
	allocator->closing = true;
	ks_allocator_cancel(allocator->object.fd, KSALLOC_CANCEL_PERMANENT);
	while (allocator->calls)
		pthread_cond_wait(&allocator->no_calls, &allocator->lock);
	pthread_mutex_unlock(&allocator->lock);
}

/* Moves the waiters that match to another list */
static struct waiter *remove_waiters(struct win_allocator *allocator,
				     const struct win_match *match)
{
	struct waiter **link = &allocator->waiters, *removed = NULL, **last = &removed;

	while (*link) {
		if (!win_matches(match, &(*link)->pending)) {
			link = &(*link)->next;
			continue;
		}
		*last = *link;
		*link = (*last)->next;
		last = &(*last)->next;
		*last = NULL;
	}
	return removed;
}

/* Of the calls that wait, only one is in the kernel */
static unsigned int cancel_waiters(struct win_object *object, const struct win_match *match)
{
	struct win_allocator *allocator = win_allocator_of(object);
	struct waiter *removed, *waiter;
	unsigned int cancelled = 0;
	__u64 number;

	pthread_mutex_lock(&allocator->lock);
	removed = remove_waiters(allocator, match);
	number = allocator->number;
	if (allocator->current && win_matches(match, &allocator->current->pending)) {
		cancelled++;
		while (allocator->current && allocator->number == number)
			cancel_once(allocator);
	}
	pthread_mutex_unlock(&allocator->lock);
	while ((waiter = removed)) {
		removed = waiter->next;
		win_pending_end(&waiter->pending, -ECANCELED, 0);
		free(waiter);
		cancelled++;
	}
	return cancelled;
}

/*
 * The handle is closed, and with it waiting calls and events end. A pin may continue to use
 * the frames.
 */
static void close_allocator(struct win_object *object)
{
	struct win_allocator *allocator = win_allocator_of(object);

	cancel_calls(allocator);
	win_events_end(&allocator->events, object->fd);
}

static void destroy(struct win_object *object)
{
	struct win_allocator *allocator = win_allocator_of(object);
	__u32 i;

	for (i = 0; allocator->frames && i < win_frame_count(allocator); i++)
		end_cpu_access(allocator, i);
	win_events_destroy(&allocator->events);
	ks_frames_unmap(allocator->mapped);
	free(allocator->frames);
	pthread_cond_destroy(&allocator->no_calls);
	pthread_mutex_destroy(&allocator->lock);
	free(allocator);
}

/* ksproxy of Windows leaves Reserved unset */
static int create_in_kernel(struct win_allocator *allocator, struct win_object *pin,
			    const KSALLOCATOR_FRAMING *framing)
{
	struct ksallocator_framing native;
	bool device_memory;
	int fd;

	memcpy(&native, framing, sizeof(native));
	native.reserved = 0;
	fd = win_memory_create(pin, &native, &device_memory);
	if (fd >= 0 && device_memory)
		allocator->memory_of = pin->number;
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
	win_events_init(&allocator->events);
	win_condition_init(&allocator->no_calls);
	ret = create_in_kernel(allocator, pin, framing);
	win_object_init(&allocator->object, WIN_ALLOCATOR, ret);
	allocator->object.destroy = destroy;
	allocator->object.close = close_allocator;
	allocator->object.cancel = cancel_waiters;
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
	KSALLOCATOR_FRAMING copy;
	int ret;

	if (!framing || !handle)
		return win_code(-EINVAL);
	ret = win_check_memory(framing, sizeof(*framing), false);
	if (!ret)
		ret = win_check_memory(handle, sizeof(*handle), true);
	if (ret)
		return win_code(ret);
	memcpy(&copy, framing, sizeof(copy));
	pin = win_get(connection, WIN_PIN);
	if (!pin)
		return win_code(-EBADF);
	win_pin_lock(pin);
	ret = create(pin, &copy, &allocator);
	if (!ret) {
		/* Another thread can guess the handle and close it */
		win_ref(allocator);
		ret = win_publish(allocator, handle);
		if (!ret)
			win_pin_use_new(pin, allocator);
		win_put(allocator);
	}
	win_pin_unlock(pin);
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
