// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that complete later. An OVERLAPPED belongs to the caller before the call begins and
 * after it has completed. Internal, which is written last, shows which of these it is.
 */
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "port.h"

#define NS_IN_MS 1000000
#define NS_IN_S 1000000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;

static NTSTATUS status_of(const OVERLAPPED *overlapped)
{
	return (NTSTATUS)__atomic_load_n(&overlapped->Internal, __ATOMIC_ACQUIRE);
}

/* The client can have unmapped it. Then nobody sees the status there, as in Windows */
static void set_status(OVERLAPPED *overlapped, NTSTATUS status)
{
	ULONG_PTR internal = (ULONG)status;

	__atomic_thread_fence(__ATOMIC_RELEASE);
	win_copy_out(&overlapped->Internal, &internal, sizeof(internal));
}

/* Room in the queue of the completion port of the object, if it has one */
static int begin_packet(struct win_pending *pending, struct win_object *object)
{
	ULONG_PTR key;

	pending->port = win_object_port(object, &key);
	if (!pending->port)
		return 0;
	pending->packet = win_packet_alloc(key, pending->overlapped);
	return pending->packet ? 0 : -ENOMEM;
}

static void put(const struct win_pending *pending)
{
	win_put(pending->port);
	win_put(pending->event);
}

int win_pending_begin(struct win_pending *pending, struct win_object *object,
		      OVERLAPPED *overlapped, HANDLE event)
{
	bool has_packet = object && !((uintptr_t)event & WIN_NO_PACKET);
	int ret = 0;

	if ((uintptr_t)overlapped % _Alignof(OVERLAPPED))
		return -EFAULT;
	*pending = (struct win_pending) {
		.overlapped = overlapped,
		.thread = pthread_self(),
		.synchronous = !object,
	};
	if (has_packet)
		ret = begin_packet(pending, object);
	event = (HANDLE)((uintptr_t)event & ~(uintptr_t)WIN_NO_PACKET);
	if (!ret && event) {
		pending->event = win_get(event, WIN_EVENT);
		ret = pending->event ? 0 : -EBADF;
	}
	if (ret) {
		win_packet_free(pending->packet);
		put(pending);
		return ret;
	}
	if (pending->event)
		win_event_reset(pending->event);
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
	NTSTATUS status = win_status(win_end(err));

	pthread_mutex_lock(&lock);
	win_copy_out(&pending->overlapped->InternalHigh, &bytes, sizeof(bytes));
	set_status(pending->overlapped, status);
	pthread_cond_broadcast(&ended);
	if (pending->event)
		win_event_set(pending->event);
	pthread_mutex_unlock(&lock);
	if (pending->packet)
		win_packet_post(pending->port, pending->packet, status, bytes);
	put(pending);
}

void win_pending_drop(struct win_pending *pending, int err)
{
	pthread_mutex_lock(&lock);
	set_status(pending->overlapped, win_status(win_end(err)));
	pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&lock);
	win_packet_free(pending->packet);
	put(pending);
}

NTSTATUS win_pending_wait(OVERLAPPED *overlapped, DWORD milliseconds, DWORD *bytes)
{
	__u64 deadline = ks_deadline((__u64)milliseconds * NS_IN_MS);
	struct timespec until = {
		.tv_sec = (time_t)(deadline / NS_IN_S), .tv_nsec = (long)(deadline % NS_IN_S),
	};
	int ret = milliseconds ? 0 : ETIMEDOUT;
	NTSTATUS status;

	pthread_mutex_lock(&lock);
	while ((status = status_of(overlapped)) == STATUS_PENDING && !ret) {
		if (milliseconds == INFINITE)
			pthread_cond_wait(&ended, &lock);
		else
			ret = pthread_cond_clockwait(&ended, &lock, CLOCK_MONOTONIC, &until);
	}
	*bytes = (DWORD)overlapped->InternalHigh;
	pthread_mutex_unlock(&lock);
	return status;
}

WIN_API BOOL GetOverlappedResultEx(HANDLE handle, LPOVERLAPPED overlapped, LPDWORD bytes,
				   DWORD milliseconds, BOOL alertable)
{
	NTSTATUS status;

	(void)handle;
	(void)alertable;
	if (!overlapped || !bytes)
		return win_result(-EINVAL);
	status = win_pending_wait(overlapped, milliseconds, bytes);
	if (NT_SUCCESS(status) && status != STATUS_PENDING)
		return TRUE;
	if (status == STATUS_PENDING)
		SetLastError(milliseconds ? WAIT_TIMEOUT : ERROR_IO_INCOMPLETE);
	else
		SetLastError(win_code_of_status(status));
	return FALSE;
}

WIN_API BOOL GetOverlappedResult(HANDLE handle, LPOVERLAPPED overlapped, LPDWORD bytes,
				 BOOL wait)
{
	return GetOverlappedResultEx(handle, overlapped, bytes, wait ? INFINITE : 0, FALSE);
}

/* The clock of ks_deadline(), which cannot be set */
void win_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
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
