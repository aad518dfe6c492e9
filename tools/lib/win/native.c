// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that the library did not make, and that have no handle: what native_handle() of a
 * std::thread returns. pthread_join() would wait for one, but then its owner cannot join it.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "thread.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* The ID is a part of the number of the thread's clock; 0 if the thread has ended */
static pid_t id_of(pthread_t thread)
{
	clockid_t clock;

	return pthread_getcpuclockid(thread, &clock) ? 0 : (pid_t)~(clock >> 3);
}

/*
 * If another thread has the ID by the time of the open, then the thread has ended, which the
 * loop finds first
 */
static int wait_for(pthread_t thread, __u64 deadline)
{
	pid_t id = id_of(thread);
	struct pollfd poller = { .fd = -1, .events = POLLIN };
	int left, ret = 0;

	if (id)
		poller.fd = (int)syscall(SYS_pidfd_open, id, PIDFD_THREAD);
	while (id_of(thread)) {
		left = win_left_until(deadline);
		if (!left) {
			ret = -ETIMEDOUT;
			break;
		}
		/* Linux 6.8 and earlier have no such descriptors */
		poll(&poller, 1, poller.fd < 0 ? 1 : left);
	}
	if (poller.fd >= 0)
		close(poller.fd);
	return ret;
}

WIN_API DWORD LibksWaitForThread(ULONG_PTR thread, DWORD milliseconds)
{
	__u64 deadline = 0;
	int ret;

	if (milliseconds != INFINITE)
		deadline = ks_deadline((__u64)milliseconds * 1000000);
	ret = thread ? wait_for((pthread_t)thread, deadline) : -EBADF;
	if (ret == -ETIMEDOUT)
		return WAIT_TIMEOUT;
	return win_result(ret) ? WAIT_OBJECT_0 : WAIT_FAILED;
}
