/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls for which the kernel pins the pages of mapped memory. */
#ifndef SELFTESTS_PIN_H
#define SELFTESTS_PIN_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ksalloc_test.h"

/* On 9p, where a direct write goes to the host from the pages themselves */
#define PIN_FILE "/out/pinned"

/* Whether the other end of a pipe or a socket gets the picture. @count bytes are on their way */
static inline void pin_receive(int fd, const unsigned char *picture, size_t count)
{
	unsigned char *copy = malloc(count);
	size_t got = 0;

	while (got < count) {
		ssize_t more = read(fd, copy + got, count - got);

		ASSERT_LT(0, more);
		got += more;
	}
	EXPECT_EQ(0, memcmp(picture, copy, count));
	free(copy);
}

static inline int pin_by_splice(const unsigned char *picture, size_t size)
{
	size_t done = 0;
	int ends[2];
	int ret = 0;

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	while (!ret && done < size) {
		struct iovec part = { (void *)(picture + done), size - done };
		ssize_t count = vmsplice(ends[1], &part, 1, SPLICE_F_NONBLOCK);

		if (count < 0) {
			ret = -errno;
		} else {
			pin_receive(ends[0], picture + done, count);
			done += count;
		}
	}
	close(ends[0]);
	close(ends[1]);
	return ret;
}

static inline int pin_by_direct_write(const unsigned char *picture, size_t size)
{
	int file = open(PIN_FILE, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
	ssize_t count;
	int ret = 0;

	ASSERT_LE(0, file);
	count = write(file, picture, size);
	if (count < 0) {
		ret = -errno;
	} else {
		EXPECT_EQ(size, count);
		EXPECT_EQ(0, lseek(file, 0, SEEK_SET));
		pin_receive(file, picture, count);
	}
	close(file);
	unlink(PIN_FILE);
	return ret;
}

/* Two connected sockets; false if the kernel has no TCP */
static inline bool pin_sockets(int *sender, int *receiver)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
	socklen_t size = sizeof(address);

	if (listener < 0)
		return false;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(0, bind(listener, (void *)&address, size));
	ASSERT_EQ(0, listen(listener, 1));
	ASSERT_EQ(0, getsockname(listener, (void *)&address, &size));
	*sender = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, connect(*sender, (void *)&address, size));
	ASSERT_EQ(0, setsockopt(*sender, SOL_SOCKET, SO_ZEROCOPY, &yes, sizeof(yes)));
	*receiver = accept(listener, NULL, NULL);
	ASSERT_LE(0, *receiver);
	close(listener);
	return true;
}

/* The beginning of the picture, which can be sent at once */
static inline int pin_by_send(const unsigned char *picture)
{
	int sender, receiver, ret = 0;
	ssize_t count;

	if (!pin_sockets(&sender, &receiver))
		return pin_by_splice(picture, getpagesize());
	count = send(sender, picture, getpagesize(), MSG_ZEROCOPY);
	if (count < 0)
		ret = -errno;
	else
		pin_receive(receiver, picture, count);
	close(sender);
	close(receiver);
	return ret;
}

/* All have the same result; 0 if the kernel can pin the memory */
static inline void expect_pinned(int expected, const unsigned char *picture, size_t size)
{
	EXPECT_EQ(expected, pin_by_splice(picture, size));
	EXPECT_EQ(expected, pin_by_direct_write(picture, size));
	EXPECT_EQ(expected, pin_by_send(picture));
}

#endif
