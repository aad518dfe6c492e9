// SPDX-License-Identifier: GPL-2.0-only
/*
 * Semaphores are eventfds. The count of the eventfd is that of the semaphore, so the kernel can
 * release it too. Those who change it do so with the lock held, because it is 0 for a moment.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "win.h"

struct semaphore {
	struct win_object object;
	eventfd_t maximum;
};

/* For all semaphores */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct semaphore *semaphore_of(struct win_object *object)
{
	return container_of(object, struct semaphore, object);
}

/* Reads the count, which is 0 after that */
static eventfd_t read_count(const struct semaphore *semaphore)
{
	eventfd_t count;

	return eventfd_read(semaphore->object.fd, &count) ? 0 : count;
}

int win_semaphores_poll(struct pollfd *fds, DWORD count)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = poll(fds, count, 0);
	pthread_mutex_unlock(&lock);
	return ret;
}

static bool take(struct win_object *object)
{
	struct semaphore *semaphore = semaphore_of(object);
	eventfd_t count;

	pthread_mutex_lock(&lock);
	count = read_count(semaphore);
	if (count > 1)
		eventfd_write(object->fd, count - 1);
	pthread_mutex_unlock(&lock);
	return count;
}

static void untake(struct win_object *object)
{
	eventfd_write(object->fd, 1);
}

static void destroy(struct win_object *object)
{
	free(semaphore_of(object));
}

static int create(LONG initial, LONG maximum, HANDLE *handle)
{
	struct semaphore *semaphore;
	int fd;

	if (initial < 0 || maximum <= 0 || initial > maximum)
		return -EINVAL;
	semaphore = calloc(1, sizeof(*semaphore));
	if (!semaphore)
		return -ENOMEM;
	fd = eventfd((unsigned int)initial, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		free(semaphore);
		return -errno;
	}
	semaphore->maximum = (eventfd_t)maximum;
	win_object_init(&semaphore->object, WIN_SEMAPHORE, fd);
	semaphore->object.destroy = destroy;
	semaphore->object.take = take;
	semaphore->object.untake = untake;
	return win_publish(&semaphore->object, handle);
}

static int release(struct semaphore *semaphore, LONG count, LONG *previous)
{
	eventfd_t before;
	int ret = 0;

	pthread_mutex_lock(&lock);
	before = read_count(semaphore);
	/* The kernel does not know the maximum */
	if (before + (eventfd_t)count > semaphore->maximum)
		ret = -WIN_TOO_MANY;
	eventfd_write(semaphore->object.fd, ret ? before : before + (eventfd_t)count);
	pthread_mutex_unlock(&lock);
	if (!ret && previous)
		*previous = (LONG)before;
	return ret;
}

WIN_API HANDLE CreateSemaphoreA(LPSECURITY_ATTRIBUTES security, LONG initial, LONG maximum,
				LPCSTR name)
{
	HANDLE handle;

	(void)security;
	if (!win_result(name ? -EOPNOTSUPP : create(initial, maximum, &handle)))
		return NULL;
	return handle;
}

WIN_API HANDLE CreateSemaphoreW(LPSECURITY_ATTRIBUTES security, LONG initial, LONG maximum,
				LPCWSTR name)
{
	return CreateSemaphoreA(security, initial, maximum, name ? "" : NULL);
}

WIN_API BOOL ReleaseSemaphore(HANDLE handle, LONG count, LPLONG previous)
{
	struct win_object *object;
	int ret;

	if (count <= 0)
		return win_result(-EINVAL);
	object = win_get(handle, WIN_SEMAPHORE);
	if (!object)
		return win_result(-EBADF);
	ret = release(semaphore_of(object), count, previous);
	win_put(object);
	return win_result(ret);
}
