// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for objects: events, semaphores and threads. Each has a descriptor that can be read
 * while the object is signalled. take() does to the object what the end of a wait does.
 */
#include <limits.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "thread.h"

/* The first object that is signalled, unless another thread is faster */
static int take_any(struct win_object **objects, const struct pollfd *fds, DWORD count)
{
	DWORD i;

	for (i = 0; i < count; i++)
		if (fds[i].revents && objects[i]->take(objects[i]))
			return (int)i;
	return -EAGAIN;
}

/*
 * Takes all objects or none: if one is not signalled any more, those that were taken are given
 * back. Each was signalled, but not necessarily at the same time, so they are polled again.
 */
static int take_all(struct win_object **objects, struct pollfd *fds, DWORD count)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	DWORD taken = 0, i;

	pthread_mutex_lock(&one_at_a_time);
	if (poll(fds, count, 0) == (int)count)
		while (taken < count && objects[taken]->take(objects[taken]))
			taken++;
	if (taken < count)
		for (i = 0; i < taken; i++)
			if (objects[i]->untake)
				objects[i]->untake(objects[i]);
	pthread_mutex_unlock(&one_at_a_time);
	return taken < count ? -EAGAIN : 0;
}

int win_left_until(__u64 deadline)
{
	__u64 now = ks_deadline(0), left;

	if (!deadline)
		return -1;
	left = now < deadline ? (deadline - now + 999999) / 1000000 : 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

/*
 * With wait_all, objects that are signalled are left out of the next poll(), which would return
 * immediately for them. If an object turns out to be missing, all are polled again.
 */
static int wait_for(struct win_object **objects, DWORD count, bool all, __u64 deadline)
{
	struct pollfd fds[MAXIMUM_WAIT_OBJECTS];
	DWORD i, missing = count;
	int ret;

	for (i = 0; i < count; i++)
		fds[i] = (struct pollfd) { .fd = objects[i]->fd, .events = POLLIN };
	for (;;) {
		ret = poll(fds, count, win_left_until(deadline));
		if (!ret)
			ret = win_semaphores_poll(fds, count);
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (!ret)
			return -ETIMEDOUT;
		if (ret < 0)
			continue;
		if (!all) {
			ret = take_any(objects, fds, count);
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
			fds[i].fd = objects[i]->fd;
		if (!take_all(objects, fds, count))
			return 0;
	}
}

static int get_object(HANDLE handle, struct win_object **object)
{
	int ret = win_thread_or_get(handle, WIN_ANY, object);

	if (!ret && !(*object)->take) {
		win_put(*object);
		ret = -EBADF;
	}
	return ret;
}

/* As in Windows, an object may not be there twice if all are waited for */
static bool has_duplicate(struct win_object **objects, DWORD count)
{
	DWORD i, other;

	for (i = 0; i < count; i++)
		for (other = 0; other < i; other++)
			if (objects[i] == objects[other])
				return true;
	return false;
}

WIN_API DWORD WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL wait_all,
				     DWORD milliseconds)
{
	struct win_object *objects[MAXIMUM_WAIT_OBJECTS];
	__u64 deadline = 0;
	DWORD i = 0;
	int ret;

	if (milliseconds != INFINITE)
		deadline = ks_deadline((__u64)milliseconds * 1000000);
	ret = !count || count > MAXIMUM_WAIT_OBJECTS ? -EINVAL :
	      win_check_memory(handles, count * sizeof(*handles), false);
	while (!ret && i < count) {
		ret = get_object(handles[i], &objects[i]);
		if (!ret)
			i++;
	}
	if (!ret && wait_all && has_duplicate(objects, count))
		ret = -EINVAL;
	if (!ret)
		ret = wait_for(objects, count, wait_all, deadline);
	while (i)
		win_put(objects[--i]);

	if (ret == -ETIMEDOUT)
		return WAIT_TIMEOUT;
	return win_result(ret) ? WAIT_OBJECT_0 + (DWORD)ret : WAIT_FAILED;
}

WIN_API DWORD WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
	return WaitForMultipleObjects(1, &handle, FALSE, milliseconds);
}

/* There are no asynchronous procedure calls, which would end an alertable wait */

WIN_API DWORD WaitForMultipleObjectsEx(DWORD count, const HANDLE *handles, BOOL wait_all,
				       DWORD milliseconds, BOOL alertable)
{
	(void)alertable;
	return WaitForMultipleObjects(count, handles, wait_all, milliseconds);
}

WIN_API DWORD WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL alertable)
{
	(void)alertable;
	return WaitForSingleObject(handle, milliseconds);
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
