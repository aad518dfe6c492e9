/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads, for other files of the library. */
#ifndef KSWIN_THREAD_H
#define KSWIN_THREAD_H

#include "win.h"

#define WIN_CURRENT_PROCESS ((HANDLE)~(ULONG_PTR)0)
#define WIN_CURRENT_THREAD ((HANDLE)~(ULONG_PTR)1)

/*
 * As win_get(), and also for the handle that means the calling thread. This thread gets an object
 * if it has none. EBADF or ENOMEM, for instance
 */
int win_thread_or_get(HANDLE handle, enum win_kind kind, struct win_object **object);
/* WIN_NO_SUCH_ITEM if it has ended */
int win_thread_get(struct win_object *object, pthread_t *thread);

#endif /* KSWIN_THREAD_H */
