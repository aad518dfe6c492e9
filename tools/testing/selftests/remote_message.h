/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages between a test and its second process; see remote.h.
 */
#ifndef SELFTESTS_REMOTE_MESSAGE_H
#define SELFTESTS_REMOTE_MESSAGE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "ioctls.h"
#include "passing.h"

/* No test has a higher descriptor */
#define MAX_FD 1024
/* A number that is never open in the second process */
#define NO_FD 1000000
/* The kernel accepts no structure larger than a page. Pages of test kernels have at most 16 KiB */
#define ARG_MAX_BYTES 16384
/* Size of a buffer that a structure points to */
#define ROOM_MAX_BYTES 8192
/* Wakes a waiting call in the second process */
#define POKE SIGUSR1

enum order { ORDER_PASS, ORDER_CLOSE, ORDER_CHANNEL, ORDER_CALL, ORDER_POLL };

struct message {
	enum order order;
	int fd;
	unsigned long request;
	int result;
	int events;
	int timeout_ms;
	pid_t tid;
	/* Number of descriptors in the message, and their flags */
	unsigned int count_fds;
	int fd_flags;
	__u32 arg_bytes;
	__u32 room_bytes;
	char arg[ARG_MAX_BYTES];
	char room[ROOM_MAX_BYTES];
};

bool send_message(int socket, const struct message *message, const int *fds);
/* Returns 0 when the other end is closed, -1 with errno on failure */
int receive_message(int socket, struct message *message, int *fds);

/* The offset of the descriptor in the argument of an ioctl, or 0 */
size_t fd_place(unsigned long request);
/* The offset of the pointer to a buffer; the size of the buffer is the next field */
size_t room_place(unsigned long request);
/* The kind of file whose descriptor the ioctl returns */
enum file_kind returned_file(unsigned long request);
/* The offset at which a call has stored a descriptor in its argument; 0 if it has not */
size_t fd_returned_at(const struct message *message);
/* Replaces a number in the argument by a received descriptor. */
void patch_int(char *arg, size_t place, int value);
int int_at(const char *arg, size_t place);

/* Makes calls for a test on this socket until the test ends: the second process */
noreturn void second_serve(int socket);

#endif
