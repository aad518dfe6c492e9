// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events are eventfds. An event is set while the count is not zero. The kernel can set it
 * too. A waiting call resets an auto-reset event by reading it.
 */
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
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

/* Resets an auto-reset event that was waited for; false if another thread was faster. */
static bool take(struct win_object *event)
{
	return event_of(event)->manual_reset || reset(event);
}

static int take_any(struct win_object **events, const struct pollfd *fds, DWORD count)
{
	DWORD i;

	for (i = 0; i < count; i++)
		if (fds[i].revents && take(events[i]))
			return (int)i;
	return -EAGAIN;
}

/*
 * Takes all events or none: if one is not set any more, those that were taken are set
 * again. Each event was set, but not necessarily at the same time, so they are polled
 * again.
 */
static int take_all(struct win_object **events, struct pollfd *fds, DWORD count)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	DWORD taken = 0, i;

	pthread_mutex_lock(&one_at_a_time);
	if (poll(fds, count, 0) == (int)count)
		while (taken < count && take(events[taken]))
			taken++;
	if (taken < count)
		for (i = 0; i < taken; i++)
			if (!event_of(events[i])->manual_reset)
				win_event_set(events[i]);
	pthread_mutex_unlock(&one_at_a_time);
	return taken < count ? -EAGAIN : 0;
}

/* Milliseconds until the deadline; -1 for no deadline */
static int left_until(__u64 deadline)
{
	__u64 now = ks_deadline(0), left;

	if (!deadline)
		return -1;
	left = now < deadline ? (deadline - now + 999999) / 1000000 : 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

/*
 * With wait_all, events that are set are left out of the next poll(), which would return
 * immediately for them. If an event turns out to be missing, all are polled again.
 */
static int wait_for(struct win_object **events, DWORD count, bool all, __u64 deadline)
{
	struct pollfd fds[MAXIMUM_WAIT_OBJECTS];
	DWORD i, missing = count;
	int ret;

	for (i = 0; i < count; i++)
		fds[i] = (struct pollfd) { .fd = events[i]->fd, .events = POLLIN };
	for (;;) {
		ret = poll(fds, count, left_until(deadline));
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (!ret)
			return -ETIMEDOUT;
		if (ret < 0)
			continue;
		if (!all) {
			ret = take_any(events, fds, count);
			if (ret >= 0)
				return ret;
			continue;
		}
		for (i = 0; i < count; i++) {
			if (fds[i].fd >= 0 && fds[i].revents) {
				fds[i].fd = -1;
				missing--;
			}
		}
		if (missing)
			continue;
		missing = count;
		for (i = 0; i < count; i++)
			fds[i].fd = events[i]->fd;
		if (!take_all(events, fds, count))
			return 0;
	}
}

WIN_API DWORD WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL wait_all,
				     DWORD milliseconds)
{
	struct win_object *events[MAXIMUM_WAIT_OBJECTS];
	__u64 deadline = 0;
	DWORD i = 0;
	int ret;

	if (milliseconds != INFINITE)
		deadline = ks_deadline((__u64)milliseconds * 1000000);
	ret = !count || count > MAXIMUM_WAIT_OBJECTS ? -EINVAL : 0;
	for (; !ret && i < count; i++) {
		events[i] = win_get(handles[i], WIN_EVENT);
		if (!events[i]) {
			ret = -EBADF;
			break;
		}
	}
	if (!ret)
		ret = wait_for(events, count, wait_all, deadline);
	while (i)
		win_put(events[--i]);

	if (ret == -ETIMEDOUT)
		return WAIT_TIMEOUT;
	return win_result(ret) ? WAIT_OBJECT_0 + (DWORD)ret : WAIT_FAILED;
}

WIN_API DWORD WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
	return WaitForMultipleObjects(1, &handle, FALSE, milliseconds);
}

WIN_API void Sleep(DWORD milliseconds)
{
	struct timespec left = {
		.tv_sec = milliseconds / 1000,
		.tv_nsec = milliseconds % 1000 * 1000000L,
	};

	while (milliseconds == INFINITE)
		pause();
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}
