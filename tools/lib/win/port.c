// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completion ports: queues of completed calls. A filter, pin or allocator can have a port. Then
 * each call with an OVERLAPPED that does not fail immediately is put into the queue when it
 * completes. The room for that is allocated when the call begins.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "port.h"

#define NS_IN_MS 1000000
#define NS_IN_S 1000000000

struct win_packet {
	struct win_packet *next;
	OVERLAPPED_ENTRY entry;
};

struct port {
	struct win_object object;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct win_packet *first;
	struct win_packet **last;
	bool closed;
};

static struct port *port_of(struct win_object *object)
{
	return container_of(object, struct port, object);
}

/* Ends calls that wait */
static void close_port(struct win_object *object)
{
	struct port *port = port_of(object);

	pthread_mutex_lock(&port->lock);
	port->closed = true;
	pthread_cond_broadcast(&port->changed);
	pthread_mutex_unlock(&port->lock);
}

static void destroy(struct win_object *object)
{
	struct port *port = port_of(object);
	struct win_packet *packet;

	while ((packet = port->first)) {
		port->first = packet->next;
		free(packet);
	}
	pthread_cond_destroy(&port->changed);
	pthread_mutex_destroy(&port->lock);
	free(port);
}

static int create(HANDLE *handle)
{
	struct port *port = calloc(1, sizeof(*port));

	if (!port)
		return -ENOMEM;
	win_object_init(&port->object, WIN_PORT, -1);
	port->object.close = close_port;
	port->object.destroy = destroy;
	pthread_mutex_init(&port->lock, NULL);
	win_condition_init(&port->changed);
	port->last = &port->first;
	return win_publish(&port->object, handle);
}

struct win_packet *win_packet_alloc(ULONG_PTR key, OVERLAPPED *overlapped)
{
	struct win_packet *packet = calloc(1, sizeof(*packet));

	if (packet) {
		packet->entry.lpCompletionKey = key;
		packet->entry.lpOverlapped = overlapped;
	}
	return packet;
}

void win_packet_free(struct win_packet *packet)
{
	free(packet);
}

void win_packet_post(struct win_object *object, struct win_packet *packet, NTSTATUS status,
		     ULONG_PTR bytes)
{
	struct port *port = port_of(object);

	packet->entry.Internal = (ULONG)status;
	packet->entry.dwNumberOfBytesTransferred = (DWORD)bytes;
	pthread_mutex_lock(&port->lock);
	*port->last = packet;
	port->last = &packet->next;
	pthread_cond_signal(&port->changed);
	pthread_mutex_unlock(&port->lock);
}

/* Called with the lock held. ETIMEDOUT; ECANCELED if the port was closed */
static int wait_for_packet(struct port *port, DWORD milliseconds)
{
	__u64 deadline = ks_deadline((__u64)milliseconds * NS_IN_MS);
	struct timespec until = {
		.tv_sec = (time_t)(deadline / NS_IN_S), .tv_nsec = (long)(deadline % NS_IN_S),
	};
	int ret = 0;

	while (!port->first && !port->closed && !ret) {
		if (milliseconds == INFINITE)
			pthread_cond_wait(&port->changed, &port->lock);
		else
			ret = pthread_cond_timedwait(&port->changed, &port->lock, &until);
	}
	if (port->closed)
		return -ECANCELED;
	return port->first ? 0 : -ETIMEDOUT;
}

static struct win_packet *remove_first(struct port *port)
{
	struct win_packet *packet = port->first;

	port->first = packet->next;
	if (!port->first)
		port->last = &port->first;
	return packet;
}

/* Gets at least one packet */
static int get_packets(HANDLE handle, OVERLAPPED_ENTRY *entries, ULONG most, ULONG *count,
		       DWORD milliseconds)
{
	struct win_object *object = win_get(handle, WIN_PORT);
	struct win_packet *packet;
	struct port *port;
	ULONG got = 0;
	int ret;

	if (!object)
		return -EBADF;
	port = port_of(object);
	pthread_mutex_lock(&port->lock);
	ret = wait_for_packet(port, milliseconds);
	while (!ret && got < most && port->first) {
		packet = remove_first(port);
		entries[got++] = packet->entry;
		free(packet);
	}
	pthread_mutex_unlock(&port->lock);
	win_put(object);
	if (!ret)
		*count = got;
	return ret;
}

/* These are not errors of a call */
static BOOL port_result(int ret)
{
	if (ret == -ETIMEDOUT)
		SetLastError(WAIT_TIMEOUT);
	else if (ret == -ECANCELED)
		SetLastError(ERROR_ABANDONED_WAIT_0);
	else
		return win_result(ret);
	return FALSE;
}

WIN_API BOOL GetQueuedCompletionStatus(HANDLE handle, LPDWORD bytes, PULONG_PTR key,
				       LPOVERLAPPED *overlapped, DWORD milliseconds)
{
	OVERLAPPED_ENTRY entry;
	NTSTATUS status;
	ULONG count;
	int ret;

	*overlapped = NULL;
	ret = get_packets(handle, &entry, 1, &count, milliseconds);
	if (ret)
		return port_result(ret);
	*bytes = entry.dwNumberOfBytesTransferred;
	*key = entry.lpCompletionKey;
	*overlapped = entry.lpOverlapped;
	status = (NTSTATUS)entry.Internal;
	if (NT_SUCCESS(status))
		return TRUE;
	SetLastError(win_code_of_status(status));
	return FALSE;
}

WIN_API BOOL GetQueuedCompletionStatusEx(HANDLE handle, LPOVERLAPPED_ENTRY entries, ULONG count,
					 PULONG removed, DWORD milliseconds, BOOL alertable)
{
	int ret = count ? win_check_memory(entries, count * sizeof(*entries), true) : -EINVAL;

	(void)alertable;
	return port_result(ret ? ret : get_packets(handle, entries, count, removed, milliseconds));
}

WIN_API BOOL PostQueuedCompletionStatus(HANDLE handle, DWORD bytes, ULONG_PTR key,
					LPOVERLAPPED overlapped)
{
	struct win_object *object = win_get(handle, WIN_PORT);
	struct win_packet *packet;

	if (!object)
		return win_result(-EBADF);
	packet = win_packet_alloc(key, overlapped);
	if (packet)
		win_packet_post(object, packet, STATUS_SUCCESS, bytes);
	win_put(object);
	return win_result(packet ? 0 : -ENOMEM);
}

/* A file has one port, until it is closed */
static int associate(HANDLE file, HANDLE handle, ULONG_PTR key)
{
	struct win_object *port = win_get(handle, WIN_PORT), *object;
	int ret = -EBADF;

	if (!port)
		return -EBADF;
	object = win_get(file, WIN_ANY);
	if (object) {
		ret = -EINVAL;
		if (object->kind < WIN_EVENT)
			ret = win_object_set_port(object, port, key);
		win_put(object);
	}
	win_put(port);
	return ret;
}

WIN_API HANDLE CreateIoCompletionPort(HANDLE file, HANDLE existing, ULONG_PTR key, DWORD threads)
{
	HANDLE port = existing;
	int ret;

	(void)threads;
	/* A new port without a file */
	if (file == INVALID_HANDLE_VALUE)
		return win_result(existing ? -EINVAL : create(&port)) ? port : NULL;
	ret = existing ? 0 : create(&port);
	if (!ret) {
		ret = associate(file, port, key);
		if (ret && !existing)
			CloseHandle(port);
	}
	return win_result(ret) ? port : NULL;
}
