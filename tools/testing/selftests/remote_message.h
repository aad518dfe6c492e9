/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test and its second process send to each other; see remote.h.
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

/* No test has a descriptor above */
#define MAX_FD 1024
/* Not open in the second process, whatever it has open */
#define NO_FD 1000000
/* The kernel takes no structure larger than a page */
#define ARG_MAX_BYTES 4096
/* Room that a structure points to */
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
	/* Descriptors that come with it, and their flags */
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

/* The place of a descriptor in an ioctl's argument, or 0 */
size_t fd_place(unsigned long request);
/* Of a pointer to room; its size is next to it */
size_t room_place(unsigned long request);
/* What kind of file's descriptor the ioctl returns */
enum file_kind returned_file(unsigned long request);
/* Where a call has put a descriptor into its argument; 0 where it has not */
size_t fd_returned_at(const struct message *message);
/* A descriptor that came along, or came with the answer, replaces a number. */
void patch_int(char *arg, size_t place, int value);
int int_at(const char *arg, size_t place);

/* Serve a test on this socket, until it ends: the second process */
noreturn void second_serve(int socket);

#endif
