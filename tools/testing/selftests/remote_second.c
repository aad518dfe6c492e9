// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second process of a test, which makes its calls: see remote.h. It has a thread for
 * each thread of the test that makes calls.
 */
#include "remote_message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "remote.h"

/* Its own descriptors, by the numbers of the test */
static int own_fd[MAX_FD];
static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;

static void wake_up(int signal)
{
	(void)signal;
}

static int own(int fd)
{
	int mine;

	pthread_mutex_lock(&own_lock);
	mine = own_fd[fd];
	pthread_mutex_unlock(&own_lock);
	return mine;
}

static void second_call(int socket, struct message *message, const int *fds)
{
	/* Bits beyond those that the kernel may know, all zero */
	alignas(8) char arg[2 * ARG_MAX_BYTES] = { 0 };
	size_t place = fd_place(message->request);
	size_t room = room_place(message->request);
	bool with_fd = message->count_fds;
	int old_fd = 0, result, sent_fd = -1;
	char *pointer = message->room;
	uint64_t old_pointer = 0;

	memcpy(arg, message->arg, message->arg_bytes);
	if (with_fd) {
		old_fd = int_at(arg, place);
		patch_int(arg, place, fds[0]);
	}
	if (message->room_bytes) {
		memcpy(&old_pointer, arg + room, sizeof(old_pointer));
		memcpy(arg + room, &pointer, sizeof(pointer));
	}
	result = ioctl(own(message->fd), message->request, arg);
	message->result = result < 0 ? -errno : result;
	if (with_fd) {
		patch_int(arg, place, old_fd);
		__real_close(fds[0]);
	}
	if (message->room_bytes)
		memcpy(arg + room, &old_pointer, sizeof(old_pointer));
	memcpy(message->arg, arg, message->arg_bytes);

	place = fd_returned_at(message);
	if (place)
		sent_fd = int_at(message->arg, place);
	else if (returned_file(message->request) != FILE_NONE)
		sent_fd = message->result;
	message->count_fds = sent_fd >= 0;
	message->fd_flags = sent_fd >= 0 ? fcntl(sent_fd, F_GETFD) : 0;
	send_message(socket, message, &sent_fd);
	if (sent_fd >= 0)
		__real_close(sent_fd);
}

static void second_poll(int socket, struct message *message)
{
	struct pollfd pfd = {
		.fd = own(message->fd),
		.events = message->events,
	};
	int ready = poll(&pfd, 1, message->timeout_ms);

	message->result = ready < 0 ? -errno : pfd.revents;
	send_message(socket, message, NULL);
}

static void *second_thread(void *data)
{
	int socket = (int)(intptr_t)data;
	struct message message = { .tid = gettid() };
	int fds[PASSING_MAX];
	int got;

	send_message(socket, &message, NULL);
	for (;;) {
		got = receive_message(socket, &message, fds);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (message.order == ORDER_CALL)
			second_call(socket, &message, fds);
		else
			second_poll(socket, &message);
	}
	__real_close(socket);
	return NULL;
}

static int second_close(int fd)
{
	int mine, result;

	pthread_mutex_lock(&own_lock);
	mine = own_fd[fd];
	own_fd[fd] = -1;
	pthread_mutex_unlock(&own_lock);
	result = __real_close(mine);
	return result ? -errno : 0;
}

void second_serve(int socket)
{
	struct sigaction action = { .sa_handler = wake_up };
	struct message message = { .fd = -1 };
	int fds[PASSING_MAX];
	pthread_t thread;

	memset(own_fd, -1, sizeof(own_fd));
	sigaction(POKE, &action, NULL);
	while (receive_message(socket, &message, fds) > 0) {
		message.result = 0;
		message.count_fds = 0;
		switch (message.order) {
		case ORDER_PASS:
			pthread_mutex_lock(&own_lock);
			own_fd[message.fd] = fds[0];
			pthread_mutex_unlock(&own_lock);
			break;
		case ORDER_CLOSE:
			message.result = second_close(message.fd);
			break;
		default:
			message.result = -pthread_create(&thread, NULL,
							 second_thread,
							 (void *)(intptr_t)fds[0]);
			pthread_detach(thread);
		}
		send_message(socket, &message, NULL);
	}
	_exit(0);
}
