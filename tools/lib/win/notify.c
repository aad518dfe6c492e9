// SPDX-License-Identifier: GPL-2.0-only
/* Events that a client has enabled on an allocator. The kernel signals them. */
#include <stdlib.h>
#include <string.h>

#include "notify.h"

/* The client disables an event by the address of its data */
struct enabled {
	const KSEVENTDATA *data;
	/* The number of the object that is signalled */
	unsigned long long signalled;
	__u32 id;
	struct enabled *next;
};

void win_events_init(struct win_events *events)
{
	pthread_mutex_init(&events->lock, NULL);
	events->first = NULL;
}

void win_events_destroy(struct win_events *events)
{
	struct enabled *event;

	while ((event = events->first)) {
		events->first = event->next;
		free(event);
	}
	pthread_mutex_destroy(&events->lock);
}

/* Copies both, which can be at any address */
static int take_event_request(const struct win_call *call, KSEVENT *event, KSEVENTDATA *data)
{
	if (call->in_size < sizeof(*event) || call->out_size < sizeof(*data))
		return -WIN_TOO_SMALL;
	memcpy(event, call->in, sizeof(*event));
	memcpy(data, call->out, sizeof(*data));
	if (!IsEqualGUID(&event->Set, &KSEVENTSETID_StreamAllocator))
		return -WIN_NO_SUCH_SET;
	if ((event->Flags & ~KSEVENT_TYPE_ONESHOT) != KSEVENT_TYPE_ENABLE)
		return -EINVAL;
	if (data->NotificationType == KSEVENTF_EVENT_HANDLE)
		return 0;
	if (data->NotificationType != KSEVENTF_SEMAPHORE_HANDLE)
		return -EOPNOTSUPP;
	/* The kernel adds 1 for each frame */
	if (data->SemaphoreHandle.Adjustment <= 0)
		return -EINVAL;
	return data->SemaphoreHandle.Adjustment == 1 ? 0 : -EOPNOTSUPP;
}

/*
 * The kernel has one event for each eventfd. If it accepts a new one, an older one was for one
 * frame, and has ended
 */
static void add(struct win_events *events, struct enabled *new)
{
	struct enabled **link = &events->first, *event;

	while ((event = *link)) {
		if (event->signalled == new->signalled) {
			*link = event->next;
			free(event);
		} else {
			link = &event->next;
		}
	}
	new->next = events->first;
	events->first = new;
}

int win_events_enable(struct win_events *events, int fd, const struct win_call *call)
{
	struct win_object *signalled;
	struct enabled *new;
	KSEVENTDATA data;
	KSEVENT request;
	int ret;

	ret = take_event_request(call, &request, &data);
	if (ret)
		return ret;
	/* Both kinds of handles are at the same place, and both objects are eventfds */
	signalled = win_get(data.EventHandle.Event,
			    data.NotificationType == KSEVENTF_EVENT_HANDLE ? WIN_EVENT :
									      WIN_SEMAPHORE);
	if (!signalled)
		return -EBADF;
	new = calloc(1, sizeof(*new));
	if (!new) {
		win_put(signalled);
		return -ENOMEM;
	}
	new->data = call->out;
	new->signalled = signalled->number;
	pthread_mutex_lock(&events->lock);
	ret = ks_enable_event(fd, request.Flags & KSEVENT_TYPE_ONESHOT ? KSALLOC_EVENT_ONESHOT : 0,
			      request.Id, signalled->fd, &new->id);
	if (!ret)
		add(events, new);
	pthread_mutex_unlock(&events->lock);
	win_put(signalled);
	if (ret)
		free(new);
	return ret;
}

int win_events_disable(struct win_events *events, int fd, const struct win_call *call)
{
	struct enabled **link, *event;
	int ret;

	if (call->in_size < sizeof(KSEVENTDATA))
		return -WIN_TOO_SMALL;
	pthread_mutex_lock(&events->lock);
	link = &events->first;
	while (*link && (*link)->data != call->in)
		link = &(*link)->next;
	event = *link;
	if (event)
		*link = event->next;
	pthread_mutex_unlock(&events->lock);

	if (!event)
		return -EINVAL;
	ret = ks_disable_event(fd, event->id);
	free(event);
	return ret;
}

static struct enabled *take_first(struct win_events *events)
{
	struct enabled *event;

	pthread_mutex_lock(&events->lock);
	event = events->first;
	if (event)
		events->first = event->next;
	pthread_mutex_unlock(&events->lock);
	return event;
}

void win_events_end(struct win_events *events, int fd)
{
	struct enabled *event;

	while ((event = take_first(events))) {
		ks_disable_event(fd, event->id);
		free(event);
	}
}
