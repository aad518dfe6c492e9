/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same tests, with calls made by another process.
 *
 * With the option -2, a test makes none of its calls to ksalloc itself. Before it opens
 * anything, it forks a second process. A descriptor is passed to that process over a UNIX
 * socket before the first call on it, and the process makes the call. The results come back
 * in the same way, including descriptors. When the test closes, duplicates or replaces a
 * descriptor, the second process does the same with its own, so that no frame outlives the
 * descriptor that it was allocated through. Each thread of a test has a thread in the
 * second process, so that calls can wait in parallel.
 *
 * The test itself calls V4L2, mmap() and fcntl(), and checks the results. Calls with
 * inaccessible memory are made in the test, where that memory is. So are calls of processes
 * that a test forks, because these are second processes already.
 *
 * remote_exception() lists the tests for which this makes no sense.
 */
#ifndef SELFTESTS_REMOTE_H
#define SELFTESTS_REMOTE_H

#include <stdbool.h>
#include <sys/types.h>

/* Forks the second process of a test. */
void remote_start(void);
/* Whether this process is a test whose calls the second process makes. They take much longer */
bool remote_is_on(void);
/* The reason why a test is not run with calls in another process; NULL if it is */
const char *remote_exception(const char *suite, const char *test);

/*
 * Makes a call in the second process, if there is one and the call can be made there; false
 * if the caller has to make it. The result is that of call_fd().
 */
bool remote_call(int fd, unsigned long request, void *arg, int *result);
/* The same for poll() of one descriptor: the events */
bool remote_poll(int fd, int events, int timeout_ms, int *result);
/* The thread in the second process that makes the calls of this thread */
pid_t remote_tid(void);

/* The linker replaces the first by the second function: see the Makefile. */
int __real_close(int fd);
int __real_dup(int fd);
int __real_dup2(int fd, int other);
int __real_close_range(unsigned int first, unsigned int last, int flags);
int __wrap_close(int fd);
int __wrap_dup(int fd);
int __wrap_dup2(int fd, int other);
int __wrap_close_range(unsigned int first, unsigned int last, int flags);

#endif
