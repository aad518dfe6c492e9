// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events are eventfds. An event is set while the count is not zero. The kernel can set it
 * too. A waiting call resets an auto-reset event by reading it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "win.h"

struct event {
	struct win_object object;
	bool manual_reset;
};

static struct event *event_of(struct win_object *object)
{
	return container_of(object, struct event, object);
}

static void destroy(struct win_object *object)
{
	free(event_of(object));
}

void win_event_set(struct win_object *event)
{
	uint64_t one = 1;

	/* If the count is at its maximum, the event is set already */
	while (write(event->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Resets an event; returns whether it was set */
static bool reset(struct win_object *event)
{
	uint64_t count;
	ssize_t ret;

	do {
		ret = read(event->fd, &count, sizeof(count));
	} while (ret < 0 && errno == EINTR);
	return ret == sizeof(count);
}

void win_event_reset(struct win_object *event)
{
	reset(event);
}

static bool take(struct win_object *event)
{
	return event_of(event)->manual_reset || reset(event);
}

static void untake(struct win_object *event)
{
	if (!event_of(event)->manual_reset)
		win_event_set(event);
}

static int create(bool manual_reset, bool set, HANDLE *handle)
{
	struct event *event = calloc(1, sizeof(*event));
	int fd;

	if (!event)
		return -ENOMEM;
	fd = eventfd(set, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		free(event);
		return -errno;
	}
	win_object_init(&event->object, WIN_EVENT, fd);
	event->object.destroy = destroy;
	event->object.take = take;
	event->object.untake = untake;
	event->manual_reset = manual_reset;
	return win_publish(&event->object, handle);
}

WIN_API HANDLE CreateEventA(LPSECURITY_ATTRIBUTES security, BOOL manual_reset,
			    BOOL initial_state, LPCSTR name)
{
	HANDLE handle;

	(void)security;
	if (!win_result(name ? -EOPNOTSUPP : create(manual_reset, !!initial_state, &handle)))
		return NULL;
	return handle;
}

WIN_API HANDLE CreateEventW(LPSECURITY_ATTRIBUTES security, BOOL manual_reset,
			    BOOL initial_state, LPCWSTR name)
{
	return CreateEventA(security, manual_reset, initial_state, name ? "" : NULL);
}

WIN_API BOOL SetEvent(HANDLE handle)
{
	struct win_object *event = win_get(handle, WIN_EVENT);

	if (!event)
		return win_result(-EBADF);
	win_event_set(event);
	win_put(event);
	return TRUE;
}

WIN_API BOOL ResetEvent(HANDLE handle)
{
	struct win_object *event = win_get(handle, WIN_EVENT);

	if (!event)
		return win_result(-EBADF);
	win_event_reset(event);
	win_put(event);
	return TRUE;
}
