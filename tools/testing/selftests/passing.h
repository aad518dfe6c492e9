/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors passed over UNIX sockets
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
 * Receive one message. @fds has room for PASSING_MAX descriptors, @count is how many came.
 * They are close-on-exec. Returns what recvmsg() returns, or -1 with EMFILE if not all
 * descriptors could be received.
 */
ssize_t receive_with_fds(int socket, const struct iovec *vec, unsigned int n,
			 int *fds, unsigned int *count, int flags);

/* Messages with descriptors only. Do not wait. Returns how many descriptors came. */
void send_fds(int socket, const int *fds, unsigned int count);
unsigned int receive_fds(int socket, int *fds);

#endif
