// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles. A handle is a number: four times (index in the table + 1). So a wrong handle is
 * detected and never dereferenced.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "thread.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct win_object **table;
static size_t table_size;

void win_object_init(struct win_object *object, enum win_kind kind, int fd)
{
	static unsigned long long last;

	*object = (struct win_object) {
		.kind = kind,
		.refs = 1,
		.fd = fd,
		.number = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED),
	};
}

static HANDLE handle_of(size_t place)
{
	return (HANDLE)((place + 1) << 2);
}

/* Returns table_size for an invalid handle. */
static size_t place_of(HANDLE handle)
{
	uintptr_t number = (uintptr_t)handle;

	if (!number || number & 3 || (number >> 2) > table_size)
		return table_size;
	return (number >> 2) - 1;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

/*
 * A new process has no handles, as in Windows. It shares the open files with its parent, and has
 * no other threads: closing a pin there would stop the stream of the parent
 */
static void after_fork_in_child(void)
{
	size_t place;

	for (place = 0; place < table_size; place++)
		table[place] = NULL;
	pthread_mutex_unlock(&lock);
}

static int grow(void)
{
	size_t new_size = table_size ? 2 * table_size : 16;
	struct win_object **new = realloc(table, new_size * sizeof(*new));

	if (!new)
		return -ENOMEM;
	if (!table && pthread_atfork(before_fork, after_fork, after_fork_in_child)) {
		free(new);
		return -ENOMEM;
	}
	table = new;
	while (table_size < new_size)
		table[table_size++] = NULL;
	return 0;
}

int win_publish(struct win_object *object, HANDLE *handle)
{
	size_t place;
	int ret = 0;

	pthread_mutex_lock(&lock);
	for (place = 0; place < table_size && table[place]; place++)
		;
	if (object->closed)
		ret = -EBADF;
	else if (place == table_size)
		ret = grow();
	if (!ret) {
		table[place] = object;
		object->handles++;
		*handle = handle_of(place);
	}
	pthread_mutex_unlock(&lock);

	if (ret)
		win_put(object);
	return ret;
}

struct win_object *win_get(HANDLE handle, enum win_kind kind)
{
	struct win_object *object = NULL;
	size_t place;

	pthread_mutex_lock(&lock);
	place = place_of(handle);
	if (place < table_size)
		object = table[place];
	if (object && kind != WIN_ANY && object->kind != kind)
		object = NULL;
	if (object)
		object->refs++;
	pthread_mutex_unlock(&lock);
	return object;
}

struct win_object *win_ref(struct win_object *object)
{
	pthread_mutex_lock(&lock);
	object->refs++;
	pthread_mutex_unlock(&lock);
	return object;
}

void win_put(struct win_object *object)
{
	struct win_object *port;
	int fd;

	if (!object)
		return;
	pthread_mutex_lock(&lock);
	object->refs--;
	if (object->refs)
		object = NULL;
	pthread_mutex_unlock(&lock);
	if (!object)
		return;
	fd = object->fd;
	port = object->port;
	object->destroy(object);
	if (fd >= 0)
		close(fd);
	win_put(port);
}

bool win_is_handle_value(HANDLE handle)
{
	uintptr_t number = (uintptr_t)handle;
	bool is_value;

	pthread_mutex_lock(&lock);
	is_value = number & 3 || (number >> 2) <= table_size;
	pthread_mutex_unlock(&lock);
	return is_value;
}

static struct win_object *get_place(size_t place, bool *is_last)
{
	struct win_object *object = NULL;

	pthread_mutex_lock(&lock);
	*is_last = place >= table_size;
	if (!*is_last)
		object = table[place];
	if (object)
		object->refs++;
	pthread_mutex_unlock(&lock);
	return object;
}

unsigned int win_each(unsigned int (*call)(struct win_object *object,
					   const struct win_match *match),
		      const struct win_match *match)
{
	struct win_object *object;
	unsigned int sum = 0;
	bool is_last;
	size_t place;

	for (place = 0; object = get_place(place, &is_last), !is_last; place++) {
		if (object)
			sum += call(object, match);
		win_put(object);
	}
	return sum;
}

int win_object_set_port(struct win_object *object, struct win_object *port, ULONG_PTR key)
{
	int ret = -EINVAL;

	pthread_mutex_lock(&lock);
	if (!object->port) {
		port->refs++;
		object->port = port;
		object->key = key;
		ret = 0;
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

struct win_object *win_object_port(struct win_object *object, ULONG_PTR *key)
{
	struct win_object *port;

	pthread_mutex_lock(&lock);
	port = object->port;
	*key = object->key;
	if (port)
		port->refs++;
	pthread_mutex_unlock(&lock);
	return port;
}

WIN_API BOOL CloseHandle(HANDLE handle)
{
	struct win_object *object = NULL;
	bool is_last = false;
	size_t place;

	pthread_mutex_lock(&lock);
	place = place_of(handle);
	if (place < table_size) {
		object = table[place];
		table[place] = NULL;
	}
	if (object) {
		is_last = !--object->handles && object->close;
		object->closed = is_last;
	}
	pthread_mutex_unlock(&lock);

	if (!object)
		return win_result(-EBADF);
	if (is_last)
		object->close(object);
	win_put(object);
	return TRUE;
}

static int duplicate(HANDLE handle, HANDLE *new)
{
	struct win_object *object;
	int ret = win_thread_or_get(handle, WIN_ANY, &object);

	return ret ? ret : win_publish(object, new);
}

/* cppcheck-suppress constParameter */
WIN_API BOOL DuplicateHandle(HANDLE from, HANDLE handle,
			     /* cppcheck-suppress constParameter */
			     HANDLE to, PHANDLE new, DWORD access, BOOL inherit, DWORD options)
{
	int ret;

	(void)access;
	(void)inherit;
	if (from != WIN_CURRENT_PROCESS || to != WIN_CURRENT_PROCESS)
		return win_result(-EOPNOTSUPP);
	if (options & ~(DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE) || !new)
		return win_result(-EINVAL);
	ret = duplicate(handle, new);
	if (options & DUPLICATE_CLOSE_SOURCE)
		CloseHandle(handle);
	return win_result(ret);
}

WIN_API HANDLE GetCurrentProcess(VOID)
{
	return WIN_CURRENT_PROCESS;
}

WIN_API int LibksDescriptor(HANDLE handle)
{
	struct win_object *object = win_get(handle, WIN_ANY);
	int fd = object ? object->fd : -1;

	win_put(object);
	return fd;
}
