// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles. A handle is a number: four times (index in the table + 1). So a wrong handle is
 * detected and never dereferenced.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "win.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct win_object **table;
static size_t table_size;

void win_object_init(struct win_object *object, enum win_kind kind, int fd)
{
	*object = (struct win_object) { .kind = kind, .refs = 1, .fd = fd };
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

static int grow(void)
{
	size_t new_size = table_size ? 2 * table_size : 16;
	struct win_object **new = realloc(table, new_size * sizeof(*new));

	if (!new)
		return -ENOMEM;
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
	if (place == table_size)
		ret = grow();
	if (!ret) {
		table[place] = object;
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
	object->destroy(object);
	if (fd >= 0)
		close(fd);
}

WIN_API BOOL CloseHandle(HANDLE handle)
{
	struct win_object *object = NULL;
	size_t place;

	pthread_mutex_lock(&lock);
	place = place_of(handle);
	if (place < table_size) {
		object = table[place];
		table[place] = NULL;
	}
	pthread_mutex_unlock(&lock);

	if (!object)
		return win_result(-EBADF);
	if (object->close)
		object->close(object);
	win_put(object);
	return TRUE;
}

WIN_API int LibksDescriptor(HANDLE handle)
{
	struct win_object *object = win_get(handle, WIN_ANY);
	int fd = object ? object->fd : -1;

	win_put(object);
	return fd;
}
