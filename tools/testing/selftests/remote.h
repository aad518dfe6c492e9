/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same tests, their calls made by another process.
 *
 * With the option -2, a test makes none of its calls to ksalloc itself. Before it
 * opens anything, a second process is forked. A descriptor that a call is made
 * on is passed to it over a UNIX socket, and it makes the call; what the call
 * returns comes back the same way, descriptors included. When the test closes,
 * duplicates or replaces a descriptor, so does the second process with its own,
 * lest a frame outlives the descriptor that it was got through. Each thread of a
 * test has a thread there, so that waiting calls wait side by side.
 *
 * The test itself keeps V4L2, mmap(), fcntl() and all that it looks at. Calls
 * about memory that cannot be read or written are made where that memory is, and
 * so are those of processes that a test forks, which are second processes
 * already.
 *
 * remote_exception() lists the tests for which this makes no sense.
 */
#ifndef SELFTESTS_REMOTE_H
#define SELFTESTS_REMOTE_H

#include <stdbool.h>
#include <sys/types.h>

/* Fork the second process of a test. */
void remote_start(void);
/* Why a test is not run with the calls made elsewhere; NULL where it is */
const char *remote_exception(const char *suite, const char *test);

/*
 * Make a call in the second process, if this one has one and the call can be made
 * there; false where it is to be made here. The result is as of call_fd().
 */
bool remote_call(int fd, unsigned long request, void *arg, int *result);
/* The same for poll() of one descriptor: the events */
bool remote_poll(int fd, int events, int timeout_ms, int *result);
/* The thread that makes the calls of this thread */
pid_t remote_tid(void);

/* The linker has the second called instead of the first, see the Makefile. */
int __real_close(int fd);
int __real_dup(int fd);
int __real_dup2(int fd, int other);
int __real_close_range(unsigned int first, unsigned int last, int flags);
int __wrap_close(int fd);
int __wrap_dup(int fd);
int __wrap_dup2(int fd, int other);
int __wrap_close_range(unsigned int first, unsigned int last, int flags);

#endif
