// SPDX-License-Identifier: GPL-2.0-only
/* Cancelling calls that are pending. They complete with STATUS_CANCELLED. */
#include "thread.h"

/* Returns the number of calls */
static unsigned int cancel(struct win_object *object, const struct win_match *match)
{
	return object->cancel ? object->cancel(object, match) : 0;
}

/* Calls that the calling thread has made. It is no error if there are none */
WIN_API BOOL CancelIo(HANDLE handle)
{
	struct win_object *object = win_get(handle, WIN_ANY);
	pthread_t self = pthread_self();
	const struct win_match match = { .thread = &self };

	if (!object)
		return win_result(-EBADF);
	cancel(object, &match);
	win_put(object);
	return TRUE;
}

WIN_API BOOL CancelIoEx(HANDLE handle, LPOVERLAPPED overlapped)
{
	struct win_object *object = win_get(handle, WIN_ANY);
	const struct win_match match = { .overlapped = overlapped };
	unsigned int cancelled;

	if (!object)
		return win_result(-EBADF);
	cancelled = cancel(object, &match);
	win_put(object);
	return win_result(cancelled ? 0 : -WIN_NO_SUCH_ITEM);
}

/*
 * The call that another thread waits for. C++ programs have no handle of a thread, but its
 * native_handle(). It is never the value of a handle.
 */
WIN_API BOOL CancelSynchronousIo(HANDLE handle)
{
	struct win_object *object = win_get(handle, WIN_THREAD);
	pthread_t thread = (pthread_t)(ULONG_PTR)handle;
	const struct win_match match = { .thread = &thread, .synchronous = true };
	int ret = 0;

	if (object)
		ret = win_thread_get(object, &thread);
	else if (win_is_handle_value(handle))
		ret = -EBADF;
	win_put(object);
	if (!ret && !win_each(cancel, &match))
		ret = -WIN_NO_SUCH_ITEM;
	return win_result(ret);
}
