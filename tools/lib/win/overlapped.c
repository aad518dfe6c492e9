// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that complete later. An OVERLAPPED belongs to the caller before the call begins and
 * after it has completed. Internal, which is written last, shows which of these it is.
 */
#include <signal.h>

#include "win.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;

static NTSTATUS status_of(const OVERLAPPED *overlapped)
{
	return (NTSTATUS)__atomic_load_n(&overlapped->Internal, __ATOMIC_ACQUIRE);
}

static void set_status(OVERLAPPED *overlapped, NTSTATUS status)
{
	__atomic_store_n(&overlapped->Internal, (ULONG_PTR)(ULONG)status, __ATOMIC_RELEASE);
}

int win_pending_begin(struct win_pending *pending, OVERLAPPED *overlapped)
{
	*pending = (struct win_pending) {
		.overlapped = overlapped,
		.thread = pthread_self(),
	};
	if (overlapped->hEvent) {
		pending->event = win_get(overlapped->hEvent, WIN_EVENT);
		if (!pending->event)
			return -EBADF;
		win_event_reset(pending->event);
	}
	overlapped->InternalHigh = 0;
	set_status(overlapped, STATUS_PENDING);
	return 0;
}

bool win_matches(const struct win_match *match, const struct win_pending *pending)
{
	if (match->thread && !pthread_equal(*match->thread, pending->thread))
		return false;
	if (match->overlapped && match->overlapped != pending->overlapped)
		return false;
	return pending->synchronous || !match->synchronous;
}

/*
 * The event is set before GetOverlappedResult() can return in another thread: the caller
 * may begin another call with the same event then, and must not find it set by this one.
 */
void win_pending_end(struct win_pending *pending, int err, ULONG_PTR bytes)
{
	struct win_object *event = pending->event;

	pthread_mutex_lock(&lock);
	pending->overlapped->InternalHigh = bytes;
	set_status(pending->overlapped, win_status(win_end(err)));
	pthread_cond_broadcast(&ended);
	if (event)
		win_event_set(event);
	pthread_mutex_unlock(&lock);
	win_put(event);
}

void win_pending_drop(struct win_pending *pending, int err)
{
	pthread_mutex_lock(&lock);
	set_status(pending->overlapped, win_status(win_end(err)));
	pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&lock);
	win_put(pending->event);
}

NTSTATUS win_pending_wait(OVERLAPPED *overlapped, bool wait, DWORD *bytes)
{
	NTSTATUS status;

	pthread_mutex_lock(&lock);
	while ((status = status_of(overlapped)) == STATUS_PENDING && wait)
		pthread_cond_wait(&ended, &lock);
	*bytes = (DWORD)overlapped->InternalHigh;
	pthread_mutex_unlock(&lock);
	return status;
}

WIN_API BOOL GetOverlappedResult(HANDLE handle, LPOVERLAPPED overlapped, LPDWORD bytes,
				 BOOL wait)
{
	NTSTATUS status;

	(void)handle;
	if (!overlapped || !bytes)
		return win_result(-EINVAL);
	status = win_pending_wait(overlapped, wait, bytes);
	if (status == STATUS_SUCCESS)
		return TRUE;
	SetLastError(status == STATUS_PENDING ? ERROR_IO_INCOMPLETE : win_code_of_status(status));
	return FALSE;
}

/* Signals are for the client's own threads, and would interrupt a wait in these. */
int win_thread_create(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -ret;
}
