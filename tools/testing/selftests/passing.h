/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors passed over UNIX sockets
 */
#ifndef SELFTESTS_PASSING_H
#define SELFTESTS_PASSING_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Maximum number of descriptors in a message */
#define PASSING_MAX 8

/* Sends a message; @flags as for sendmsg(). */
bool send_with_fds(int socket, const struct iovec *vec, unsigned int n,
		   const int *fds, unsigned int count, int flags);
/*
 * Receives a message. @fds has room for PASSING_MAX descriptors; @count is the number of
 * received ones. They are close-on-exec. Returns the result of recvmsg(), or -1 with EMFILE
 * if not all descriptors could be received.
 */
ssize_t receive_with_fds(int socket, const struct iovec *vec, unsigned int n,
			 int *fds, unsigned int *count, int flags);

/*
 * For messages that only have descriptors. These do not wait. Returns the number of
 * received descriptors.
 */
void send_fds(int socket, const int *fds, unsigned int count);
unsigned int receive_fds(int socket, int *fds);

#endif
