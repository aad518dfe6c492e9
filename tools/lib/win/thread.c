// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads. A thread object has an eventfd that is set when the thread ends. A thread that the
 * library did not make gets an object when it asks for its handle.
 */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "thread.h"

struct thread {
	struct win_object object;
	LPTHREAD_START_ROUTINE start;
	void *arg;
	/* Protects the following */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	DWORD id;
	DWORD exit_code;
	LONG suspended;
	bool ended;
};

/* The thread object of each thread, which has a reference */
static pthread_key_t own_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct thread *thread_of(struct win_object *object)
{
	return container_of(object, struct thread, object);
}

/* Called when the thread ends, in whatever way */
static void end_thread(void *arg)
{
	struct thread *thread = arg;

	pthread_mutex_lock(&thread->lock);
	thread->ended = true;
	if (thread->exit_code == STILL_ACTIVE)
		thread->exit_code = 0;
	pthread_mutex_unlock(&thread->lock);
	eventfd_write(thread->object.fd, 1);
	win_put(&thread->object);
}

static void make_key(void)
{
	pthread_key_create(&own_key, end_thread);
}

static void destroy(struct win_object *object)
{
	struct thread *thread = thread_of(object);

	pthread_cond_destroy(&thread->changed);
	pthread_mutex_destroy(&thread->lock);
	free(thread);
}

static bool take(struct win_object *object)
{
	(void)object;
	return true;
}

static int make_thread(struct thread **new)
{
	struct thread *thread = calloc(1, sizeof(*thread));
	int fd;

	pthread_once(&once, make_key);
	if (!thread)
		return -ENOMEM;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		free(thread);
		return -errno;
	}
	win_object_init(&thread->object, WIN_THREAD, fd);
	thread->object.destroy = destroy;
	thread->object.take = take;
	thread->exit_code = STILL_ACTIVE;
	pthread_mutex_init(&thread->lock, NULL);
	pthread_cond_init(&thread->changed, NULL);
	*new = thread;
	return 0;
}

/* The thread has its reference from here on */
static void adopt(struct thread *thread)
{
	pthread_mutex_lock(&thread->lock);
	thread->thread = pthread_self();
	thread->id = GetCurrentThreadId();
	pthread_cond_broadcast(&thread->changed);
	pthread_mutex_unlock(&thread->lock);
	pthread_setspecific(own_key, thread);
}

static int get_self(struct win_object **object)
{
	struct thread *thread;
	int ret;

	pthread_once(&once, make_key);
	thread = pthread_getspecific(own_key);
	if (!thread) {
		ret = make_thread(&thread);
		if (ret)
			return ret;
		adopt(thread);
	}
	*object = win_ref(&thread->object);
	return 0;
}

int win_thread_or_get(HANDLE handle, enum win_kind kind, struct win_object **object)
{
	if (handle == WIN_CURRENT_THREAD)
		return get_self(object);
	*object = win_get(handle, kind);
	return *object ? 0 : -EBADF;
}

int win_thread_get(struct win_object *object, pthread_t *thread)
{
	struct thread *of = thread_of(object);
	int ret;

	pthread_mutex_lock(&of->lock);
	ret = of->ended ? -WIN_NO_SUCH_ITEM : 0;
	*thread = of->thread;
	pthread_mutex_unlock(&of->lock);
	return ret;
}

static void *run(void *arg)
{
	struct thread *thread = arg;
	DWORD exit_code;

	adopt(thread);
	pthread_mutex_lock(&thread->lock);
	while (thread->suspended)
		pthread_cond_wait(&thread->changed, &thread->lock);
	pthread_mutex_unlock(&thread->lock);
	exit_code = thread->start(thread->arg);
	pthread_mutex_lock(&thread->lock);
	thread->exit_code = exit_code;
	pthread_mutex_unlock(&thread->lock);
	return NULL;
}

static int start_thread(struct thread *thread, SIZE_T stack)
{
	pthread_attr_t attributes;
	pthread_t unused;
	int ret;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* Windows rounds up what is too small; 0 is the usual size */
	if (stack >= (SIZE_T)sysconf(_SC_THREAD_STACK_MIN))
		pthread_attr_setstacksize(&attributes, stack);
	win_ref(&thread->object);
	ret = pthread_create(&unused, &attributes, run, thread);
	pthread_attr_destroy(&attributes);
	if (ret) {
		win_put(&thread->object);
		return -ret;
	}
	pthread_mutex_lock(&thread->lock);
	while (!thread->id)
		pthread_cond_wait(&thread->changed, &thread->lock);
	pthread_mutex_unlock(&thread->lock);
	return 0;
}

WIN_API HANDLE CreateThread(LPSECURITY_ATTRIBUTES security, SIZE_T stack,
			    LPTHREAD_START_ROUTINE start, LPVOID arg, DWORD flags, LPDWORD id)
{
	struct thread *thread;
	HANDLE handle;
	int ret;

	(void)security;
	if (!win_result(start ? make_thread(&thread) : -EINVAL))
		return NULL;
	thread->start = start;
	thread->arg = arg;
	thread->suspended = !!(flags & CREATE_SUSPENDED);
	ret = start_thread(thread, stack);
	if (ret) {
		win_put(&thread->object);
		win_result(ret);
		return NULL;
	}
	if (id)
		*id = thread->id;
	return win_result(win_publish(&thread->object, &handle)) ? handle : NULL;
}

/* Only a thread that was created suspended can be resumed */
WIN_API DWORD ResumeThread(HANDLE handle)
{
	struct win_object *object;
	struct thread *thread;
	LONG before;

	if (!win_result(win_thread_or_get(handle, WIN_THREAD, &object)))
		return (DWORD)-1;
	thread = thread_of(object);
	pthread_mutex_lock(&thread->lock);
	before = thread->suspended;
	thread->suspended = 0;
	pthread_cond_broadcast(&thread->changed);
	pthread_mutex_unlock(&thread->lock);
	win_put(object);
	return (DWORD)before;
}

WIN_API BOOL GetExitCodeThread(HANDLE handle, LPDWORD exit_code)
{
	struct win_object *object;
	struct thread *thread;

	if (!win_result(win_thread_or_get(handle, WIN_THREAD, &object)))
		return FALSE;
	thread = thread_of(object);
	pthread_mutex_lock(&thread->lock);
	/* The exit code is known slightly before the end */
	*exit_code = thread->ended ? thread->exit_code : STILL_ACTIVE;
	pthread_mutex_unlock(&thread->lock);
	win_put(object);
	return TRUE;
}

WIN_API VOID ExitThread(DWORD exit_code)
{
	struct thread *thread;

	pthread_once(&once, make_key);
	thread = pthread_getspecific(own_key);
	if (thread) {
		pthread_mutex_lock(&thread->lock);
		thread->exit_code = exit_code;
		pthread_mutex_unlock(&thread->lock);
	}
	pthread_exit(NULL);
}

WIN_API DWORD GetCurrentThreadId(VOID)
{
	return (DWORD)gettid();
}

/* As in Windows, it means the thread that uses it. DuplicateHandle() makes a handle for others */
WIN_API HANDLE GetCurrentThread(VOID)
{
	return WIN_CURRENT_THREAD;
}
