/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages on UNIX sockets, with descriptors that go along.
 */
#ifndef SELFTESTS_PASSING_H
#define SELFTESTS_PASSING_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The most descriptors of one message */
#define PASSING_MAX 8

/* Send one message; @flags as for sendmsg(). */
bool send_with_fds(int socket, const struct iovec *vec, unsigned int n,
		   const int *fds, unsigned int count, int flags);
/*
 * Receive one. @fds has room for PASSING_MAX descriptors, which are close-on-exec
 * here; @count says how many came. Returns what recvmsg() returns; a message that
 * has lost descriptors on its way is an error: EMFILE.
 */
ssize_t receive_with_fds(int socket, const struct iovec *vec, unsigned int n,
			 int *fds, unsigned int *count, int flags);

/* Only descriptors. Neither waits; the second returns how many came. */
void send_fds(int socket, const int *fds, unsigned int count);
unsigned int receive_fds(int socket, int *fds);

#endif
