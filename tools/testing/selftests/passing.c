// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passing descriptors over UNIX sockets: see passing.h.
 */
#include "passing.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

bool send_with_fds(int socket, const struct iovec *vec, unsigned int n,
		   const int *fds, unsigned int count, int flags)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) *
							PASSING_MAX)] = { 0 };
	struct msghdr message = {
		.msg_iov = (struct iovec *)vec,
		.msg_iovlen = n,
	};
	struct cmsghdr *rights;
	ssize_t sent;

	if (count) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(rights), fds, sizeof(int) * count);
	}
	do {
		sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent > 0;
}

ssize_t receive_with_fds(int socket, const struct iovec *vec, unsigned int n,
			 int *fds, unsigned int *count, int flags)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) *
							PASSING_MAX)];
	struct msghdr message = {
		.msg_iov = (struct iovec *)vec,
		.msg_iovlen = n,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights;
	ssize_t got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);

	*count = 0;
	if (got <= 0)
		return got;
	rights = CMSG_FIRSTHDR(&message);
	if (rights && rights->cmsg_type == SCM_RIGHTS) {
		*count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(rights), *count * sizeof(int));
	}
	if (message.msg_flags & MSG_CTRUNC) {
		errno = EMFILE;
		return -1;
	}
	return got;
}

void send_fds(int socket, const int *fds, unsigned int count)
{
	char byte = 0;
	const struct iovec vec = { &byte, 1 };

	send_with_fds(socket, &vec, 1, fds, count, MSG_DONTWAIT);
}

unsigned int receive_fds(int socket, int *fds)
{
	char byte;
	const struct iovec vec = { &byte, 1 };
	unsigned int count;

	receive_with_fds(socket, &vec, 1, fds, &count, MSG_DONTWAIT);
	return count;
}
