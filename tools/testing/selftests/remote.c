// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that are made by another process: see remote.h.
 *
 * There is a control socket, on which descriptors are passed, duplicated and
 * closed, one order at a time; and a channel for each thread that makes calls.
 * Descriptors are known to both by the number that they have in the test; one
 * is passed before the first call on it.
 */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/ksalloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness.h"
#include "ioctls.h"
#include "passing.h"

/* No test has a descriptor above; the sockets are moved out of their way */
#define MAX_FD 1024
#define SOCKET_FD 700
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

static pid_t test_pid;
static pid_t second_pid;
static int control = -1;
static pthread_mutex_t control_lock = PTHREAD_MUTEX_INITIALIZER;
/* Which descriptors the second process has */
static bool passed[MAX_FD];
static bool is_socket[MAX_FD];
static pthread_key_t channel_key;

/* This thread's channel, plus one, so that 0 is none; and who is at its end */
static __thread int channel_plus_one;
static __thread pid_t channel_tid;

/* In the second process: its own descriptors by the test's numbers */
static int own_fd[MAX_FD];
static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;

static const char limits[] = "the limits are the test's own process's";
static const char held[] = "the call is held up by the test's own memory";

static const struct {
	const char *glob;
	const char *reason;
} exceptions[] = {
	{ "allocator:create.no_descriptor_left", limits },
	{ "allocator:create.no_address_space", limits },
	{ "frames:frames.alloc_dmabuf_no_descriptor", limits },
	{ "connect:connect.no_descriptor_left", limits },
	{ "own_memory:creation.no_descriptors", limits },
	{ "state:state.no_descriptor_left", limits },
	{ "state:state.pause_no_descriptor_left", limits },
	{ "waiting:frames.signal_restart_order",
		"a restarted call is not seen from outside; second.c has it" },
	{ "cancel:cancel.before_the_wait", held },
	{ "submit:submit.replaced_*", held },
	{ "submit:submit.closed_*", held },
	{ "module:*", "about the module, not about calls" },
	{ "faulting:*", held },
	{ "table:*", "about the table of the calling process" },
	{ "hostile:*", "has processes of its own, and wild arguments" },
	{ "races:*", "has threads and processes of its own" },
	{ "client:*", "the library makes the calls" },
	{ "faults:*", "faults are injected into the calling thread" },
	{ "fuzz:*", "has processes of its own" },
	{ "stress:*", "has processes of its own" },
	{ "second:*", "has processes of its own" },
};

const char *remote_exception(const char *suite, const char *test)
{
	char full[256];
	unsigned int i;

	snprintf(full, sizeof(full), "%s:%s", suite, test);
	for (i = 0; i < ARRAY_SIZE(exceptions); i++)
		if (!fnmatch(exceptions[i].glob, full, 0))
			return exceptions[i].reason;
	return NULL;
}

static bool is_on(void)
{
	return control >= 0 && getpid() == test_pid;
}

static void broken(const char *what)
{
	harness_note("second process: %s: %s", what, strerror(errno));
	harness_true(__FILE__, __LINE__, false, "the second process answers");
	harness_abort();
}

/* Messages */

static bool send_message(int socket, const struct message *message,
			 const int *fds)
{
	const struct iovec vec[] = {
		{ (void *)message, offsetof(struct message, arg) },
		{ (void *)message->arg, message->arg_bytes },
		{ (void *)message->room, message->room_bytes },
	};

	return send_with_fds(socket, vec, ARRAY_SIZE(vec), fds,
			     message->count_fds, 0);
}

/* Returns 0 when the other end is closed, -1 with errno on failure */
static int receive_message(int socket, struct message *message, int *fds)
{
	char data[ARG_MAX_BYTES + ROOM_MAX_BYTES];
	const struct iovec vec[] = {
		{ message, offsetof(struct message, arg) },
		{ data, sizeof(data) },
	};
	int received[PASSING_MAX];
	unsigned int count;
	ssize_t got = receive_with_fds(socket, vec, ARRAY_SIZE(vec), received,
				       &count, 0);

	if (got <= 0)
		return got;
	memcpy(message->arg, data, message->arg_bytes);
	memcpy(message->room, data + message->arg_bytes, message->room_bytes);
	if (count)
		memcpy(fds, received, sizeof(int) * count);
	return 1;
}

/* The second process */

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

/* The place of a field in an argument, or 0 */
static size_t place_of(const struct ioctl_field *field)
{
	return field ? field->offset : 0;
}

/* Of a descriptor */
static size_t fd_place(unsigned long request)
{
	const struct ioctl_entry *entry = ioctl_find(request);

	return entry ? place_of(ioctl_fd_field(entry)) : 0;
}

/* Of a pointer to room; its size is next to it */
static size_t room_place(unsigned long request)
{
	const struct ioctl_entry *entry = ioctl_find(request);

	return entry ? place_of(ioctl_field(entry, FIELD_ROOM)) : 0;
}

static enum file_kind returned_file(unsigned long request)
{
	const struct ioctl_entry *entry = ioctl_find(request);

	return entry ? entry->returns : FILE_NONE;
}

/* Where a call has put a descriptor into its argument; 0 where it has not */
static size_t fd_returned_at(const struct message *message)
{
	const struct ioctl_entry *entry = ioctl_find(message->request);
	const struct ioctl_field *field;
	int fd;

	field = entry ? ioctl_field(entry, FIELD_OUT_DMABUF_FD) : NULL;
	if (!field || message->result ||
	    message->arg_bytes < field->offset + field->size)
		return 0;
	memcpy(&fd, message->arg + field->offset, sizeof(fd));
	return fd >= 0 ? field->offset : 0;
}

/* A descriptor that came along, or came with the answer, replaces a number. */
static void patch_int(char *arg, size_t place, int value)
{
	memcpy(arg + place, &value, sizeof(value));
}

static int int_at(const char *arg, size_t place)
{
	int value;

	memcpy(&value, arg + place, sizeof(value));
	return value;
}

static void second_call(int socket, struct message *message, const int *fds)
{
	/* More than the kernel may think that there is, and none of it set */
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

static void second_serve(int socket)
{
	struct sigaction action = { .sa_handler = wake_up };
	struct message message = { .fd = -1 };
	int fds[PASSING_MAX];
	pthread_t thread;

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

/* The test */

static void channel_end(void *data)
{
	int ended = (int)(intptr_t)data - 1;

	is_socket[ended] = false;
	__real_close(ended);
}

static int move_away(int socket)
{
	int moved = fcntl(socket, F_DUPFD_CLOEXEC, SOCKET_FD);

	__real_close(socket);
	if (moved >= 0 && moved < MAX_FD)
		is_socket[moved] = true;
	return moved;
}

/* Copy memory that may not be there; false where it cannot be read and written. */
static bool probe(void *to, void *from, size_t bytes)
{
	struct iovec local = { to, bytes };
	struct iovec remote = { from, bytes };

	if (process_vm_readv(test_pid, &local, 1, &remote, 1, 0) !=
	    (ssize_t)bytes)
		return false;
	return process_vm_writev(test_pid, &local, 1, &remote, 1, 0) ==
		(ssize_t)bytes;
}

/* An answer without descriptors, whatever signals come */
static bool receive_anyhow(int socket, struct message *message)
{
	int got;

	do {
		got = receive_message(socket, message, NULL);
	} while (got < 0 && errno == EINTR);
	return got > 0;
}

/* An order on the control socket, with or without a descriptor */
static int order(enum order what, int fd, const int *sent)
{
	struct message message = {
		.order = what,
		.fd = fd,
		.count_fds = !!sent,
	};

	if (!send_message(control, &message, sent) ||
	    !receive_anyhow(control, &message))
		broken("control");
	return message.result;
}

static bool may_be_passed(int fd)
{
	return fd >= 0 && fd < MAX_FD && !is_socket[fd] &&
		fcntl(fd, F_GETFD) >= 0;
}

static bool is_passed(int fd)
{
	bool is;

	if (fd < 0 || fd >= MAX_FD)
		return false;
	pthread_mutex_lock(&control_lock);
	is = passed[fd];
	pthread_mutex_unlock(&control_lock);
	return is;
}

static void pass(int fd)
{
	pthread_mutex_lock(&control_lock);
	if (!passed[fd]) {
		order(ORDER_PASS, fd, &fd);
		passed[fd] = true;
	}
	pthread_mutex_unlock(&control_lock);
}

static void unpass(int fd)
{
	if (fd < 0 || fd >= MAX_FD)
		return;
	pthread_mutex_lock(&control_lock);
	if (passed[fd]) {
		order(ORDER_CLOSE, fd, NULL);
		passed[fd] = false;
	}
	pthread_mutex_unlock(&control_lock);
}

/* This thread's channel; the first message on it says who is at its end. */
static int channel(void)
{
	struct message message = { .fd = -1 };
	int sockets[2], fd;

	if (channel_plus_one)
		return channel_plus_one - 1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		broken("socketpair");
	pthread_mutex_lock(&control_lock);
	order(ORDER_CHANNEL, 0, &sockets[1]);
	pthread_mutex_unlock(&control_lock);
	__real_close(sockets[1]);
	fd = move_away(sockets[0]);
	if (fd < 0 || !receive_anyhow(fd, &message))
		broken("channel");
	channel_tid = message.tid;
	channel_plus_one = fd + 1;
	pthread_setspecific(channel_key, (void *)(intptr_t)channel_plus_one);
	return fd;
}

void remote_start(void)
{
	cpu_set_t processor;
	int sockets[2];
	char word = 0;

	/*
	 * Both on one processor: a test goes to and fro thousands of times, and
	 * to wake another processor takes an emulated machine long.
	 */
	CPU_ZERO(&processor);
	CPU_SET(0, &processor);
	sched_setaffinity(0, sizeof(processor), &processor);
	test_pid = getpid();
	if (!probe(&word, sockets, 1))
		broken("process_vm_readv");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		broken("socketpair");
	memset(own_fd, -1, sizeof(own_fd));
	second_pid = fork();
	if (second_pid < 0)
		broken("fork");
	if (!second_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "second");
		__real_close(sockets[0]);
		second_serve(sockets[1]);
	}
	__real_close(sockets[1]);
	pthread_key_create(&channel_key, channel_end);
	control = move_away(sockets[0]);
	/* Before a test counts its descriptors */
	channel();
}

pid_t remote_tid(void)
{
	if (!is_on())
		return gettid();
	channel();
	return channel_tid;
}

/*
 * Ask, and wait for the answer. A signal that comes here while the call waits
 * there, and whose handler does not restart calls, is passed on.
 */
static void converse(struct message *message, const int *sent, int *received)
{
	int socket = channel();
	int got;

	if (!send_message(socket, message, sent))
		broken("call");
	for (;;) {
		got = receive_message(socket, message, received);
		if (got > 0)
			return;
		if (!got || errno != EINTR)
			broken("answer");
		syscall(SYS_tgkill, second_pid, channel_tid, POKE);
	}
}

/* Take over the argument, as far as the kernel might read or write it. */
static bool take_arg(struct message *message, void *arg, void **room)
{
	size_t place = room_place(message->request);
	__u32 size = 0, room_size;
	uint64_t pointer;

	if (!probe(&size, arg, sizeof(size)))
		return false;
	message->arg_bytes = size <= ARG_MAX_BYTES ? size : 2 * sizeof(__u32);
	if (message->arg_bytes < 2 * sizeof(__u32))
		message->arg_bytes = 2 * sizeof(__u32);
	if (!probe(message->arg, arg, message->arg_bytes))
		return false;
	if (!place ||
	    message->arg_bytes < place + sizeof(pointer) + sizeof(room_size))
		return true;
	memcpy(&pointer, message->arg + place, sizeof(pointer));
	memcpy(&room_size, message->arg + place + sizeof(pointer),
	       sizeof(room_size));
	if (!room_size)
		return true;
	if (room_size > ROOM_MAX_BYTES)
		return false;
	message->room_bytes = room_size;
	*room = (void *)(uintptr_t)pointer;
	return probe(message->room, *room, room_size);
}

/* Write back what has changed. */
static void give_back(void *to, const char *before, const char *after,
		      size_t bytes)
{
	char *target = to;
	size_t i;

	for (i = 0; i < bytes; i++)
		if (before[i] != after[i])
			target[i] = after[i];
}

static void take_fd(struct message *message, int fd)
{
	size_t place = fd_returned_at(message);

	if (!(message->fd_flags & FD_CLOEXEC))
		fcntl(fd, F_SETFD, 0);
	if (place)
		patch_int(message->arg, place, fd);
	else
		message->result = fd;
}

static bool returns_ksalloc_file(unsigned long request)
{
	enum file_kind kind = returned_file(request);

	return kind == FILE_CONNECTION || kind == FILE_ALLOCATOR;
}

bool remote_call(int fd, unsigned long request, void *arg, int *result)
{
	static __thread struct message message, before;
	int fds[PASSING_MAX], named;
	void *room = NULL;
	size_t place;

	if (!is_on() || _IOC_TYPE(request) != KSALLOC_TYPE || !may_be_passed(fd))
		return false;
	message.order = ORDER_CALL;
	message.fd = fd;
	message.request = request;
	message.count_fds = 0;
	message.room_bytes = 0;
	if (!take_arg(&message, arg, &room))
		return false;
	memcpy(before.arg, message.arg, message.arg_bytes);
	memcpy(before.room, message.room, message.room_bytes);
	place = fd_place(request);
	if (place && message.arg_bytes >= place + sizeof(int)) {
		named = int_at(message.arg, place);
		if (may_be_passed(named)) {
			message.count_fds = 1;
			fds[0] = named;
		} else if (named >= 0) {
			patch_int(message.arg, place, NO_FD);
		}
	}
	pass(fd);
	converse(&message, fds, fds);
	if (place && message.arg_bytes >= place + sizeof(int))
		memcpy(message.arg + place, before.arg + place, sizeof(int));
	if (message.count_fds)
		take_fd(&message, fds[0]);
	/* Calls are made on it there, until the test closes it. */
	if (returns_ksalloc_file(request) && message.result >= 0)
		pass(message.result);
	give_back(arg, before.arg, message.arg, message.arg_bytes);
	if (room)
		give_back(room, before.room, message.room, message.room_bytes);
	*result = message.result;
	return true;
}

bool remote_poll(int fd, int events, int timeout_ms, int *result)
{
	struct message message = {
		.order = ORDER_POLL,
		.fd = fd,
		.events = events,
		.timeout_ms = timeout_ms,
	};

	if (!is_on() || !is_passed(fd))
		return false;
	converse(&message, NULL, NULL);
	*result = message.result;
	return true;
}

/* The linker has these called instead of the C library's, see the Makefile. */

int __wrap_close(int fd)
{
	if (is_on())
		unpass(fd);
	return __real_close(fd);
}

int __wrap_dup(int fd)
{
	int other = __real_dup(fd);

	if (is_on() && other >= 0 && is_passed(fd))
		pass(other);
	return other;
}

int __wrap_dup2(int fd, int other)
{
	int result;

	if (is_on() && fd != other)
		unpass(other);
	result = __real_dup2(fd, other);
	if (is_on() && result >= 0 && is_passed(fd))
		pass(other);
	return result;
}

int __wrap_close_range(unsigned int first, unsigned int last, int flags)
{
	unsigned int fd;

	if (!is_on() || flags)
		return __real_close_range(first, last, flags);
	for (fd = first; fd <= last && fd < MAX_FD; fd++)
		if (!is_socket[fd])
			__wrap_close(fd);
	return 0;
}
