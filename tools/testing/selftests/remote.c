// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that another process makes: see remote.h.
 *
 * There is a control socket, over which descriptors are passed, duplicated and closed, one
 * order at a time; and a channel for each thread that makes calls. Both processes identify
 * a descriptor by its number in the test. It is passed before the first call on it.
 */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness.h"
#include "remote_message.h"

/* Numbers of the sockets, above all descriptors of the test */
#define SOCKET_FD 700

static pid_t test_pid;
static pid_t second_pid;
static int control = -1;
static pthread_mutex_t control_lock = PTHREAD_MUTEX_INITIALIZER;
/* Which descriptors the second process has */
static bool passed[MAX_FD];
static bool is_socket[MAX_FD];
static pthread_key_t channel_key;

/* This thread's channel, plus one, so that 0 is none; and the thread at its other end */
static __thread int channel_plus_one;
static __thread pid_t channel_tid;

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
	{ "cancel:cancel.nonblocking_complete", held },
	{ "submit:submit.replaced_*", held },
	{ "submit:submit.closed_*", held },
	{ "import:*", "the argument has a pointer to descriptors" },
	{ "kernel_create:direct.heap_of_another_kind", "it replaces its own standard input" },
	{ "observe:names.of_the_caller", "the argument has a pointer to descriptors" },
	{ "fences:fences.import*", "the argument has a pointer to descriptors" },
	{ "fences:circulating*", "the argument has pointers to frames" },
	{ "planes:planes.import*", "the argument has a pointer to descriptors" },
	{ "drivers:*", "about drivers, not about calls" },
	{ "suspend:*", "about the machine, not about calls" },
	{ "module:*", "about the module, not about calls" },
	{ "faulting:*", held },
	{ "table:*", "about the table of the calling process" },
	{ "hostile:*", "has processes of its own, and wild arguments" },
	{ "races:*", "has threads and processes of its own" },
	{ "dma:*", "the argument has pointers to memory of the test" },
	{ "client:*", "the library makes the calls" },
	{ "find_memory:*", "the library makes the calls" },
	{ "account:*", "about the user of the calling process" },
	{ "faults:*", "faults are injected into the calling thread" },
	{ "reader_faults:*", "faults are injected into the calling thread" },
	{ "fuzz:*", "has processes of its own" },
	{ "stress:*", "has processes of its own" },
	{ "second:*", "has processes of its own" },
	{ "readers:*", "the argument has pointers to frames" },
	{ "reader_calls:*", "the argument has pointers to frames" },
	{ "reader_races:*", "the argument has pointers to frames" },
	{ "reader_crowd:*", "has processes of its own" },
	{ "reader_hostile:*", "has processes of its own" },
	{ "reader_trust:*", "has processes of its own" },
	{ "share_limits:*", "about limits and memory of the calling process" },
	{ "share_calls:*", "has processes of its own" },
	{ "share_crowd:*", "has processes of its own" },
	{ "share_hostile:*", "has processes of its own" },
	{ "share_faults:*", "faults are injected into the calling thread" },
	{ "uring:*", "io_uring makes the calls" },
	{ "uring_workers:*", "io_uring makes the calls" },
	{ "uring_faults:*", "io_uring makes the calls" },
	{ "views:*", "about mappings of the calling process" },
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

bool remote_is_on(void)
{
	return control >= 0 && getpid() == test_pid;
}

static void broken(const char *what)
{
	harness_note("second process: %s: %s", what, strerror(errno));
	harness_true(__FILE__, __LINE__, false, "the second process answers");
	harness_abort();
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

/* Copies memory that may be inaccessible; false if it cannot be read and written. */
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

/* Receives an answer without descriptors; signals are ignored */
static bool receive_anyhow(int socket, struct message *message)
{
	int got;

	do {
		got = receive_message(socket, message, NULL);
	} while (got < 0 && errno == EINTR);
	return got > 0;
}

/* Sends an order on the control socket, with or without a descriptor */
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

/* This thread's channel. The first message on it has the id of the other thread. */
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
	 * Both run on one processor: a test switches between them thousands of times, and
	 * waking another processor takes long in an emulated machine.
	 */
	CPU_ZERO(&processor);
	CPU_SET(0, &processor);
	sched_setaffinity(0, sizeof(processor), &processor);
	test_pid = getpid();
	if (!probe(&word, sockets, 1))
		broken("process_vm_readv");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		broken("socketpair");
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
	if (!remote_is_on())
		return gettid();
	channel();
	return channel_tid;
}

/*
 * Sends the call and waits for the answer. A signal that arrives here while the call waits,
 * and whose handler does not restart calls, is passed on.
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

/* Copies the argument, as far as the kernel might read or write it. */
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

/* Copies back what has changed. */
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

	return kind == FILE_CONNECTION || kind == FILE_ALLOCATOR ||
	       kind == FILE_READER;
}

bool remote_call(int fd, unsigned long request, void *arg, int *result)
{
	static __thread struct message message, before;
	int fds[PASSING_MAX], named;
	void *room = NULL;
	size_t place;

	if (!remote_is_on() || _IOC_TYPE(request) != KSALLOC_TYPE || !may_be_passed(fd))
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
	/* Calls are made in the second process until the test closes the descriptor. */
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

	if (!remote_is_on() || !is_passed(fd))
		return false;
	converse(&message, NULL, NULL);
	*result = message.result;
	return true;
}

/* The linker replaces functions of the C library by these: see the Makefile. */

int __wrap_close(int fd)
{
	if (remote_is_on())
		unpass(fd);
	return __real_close(fd);
}

int __wrap_dup(int fd)
{
	int other = __real_dup(fd);

	if (remote_is_on() && other >= 0 && is_passed(fd))
		pass(other);
	return other;
}

int __wrap_dup2(int fd, int other)
{
	int result;

	if (remote_is_on() && fd != other)
		unpass(other);
	result = __real_dup2(fd, other);
	if (remote_is_on() && result >= 0 && is_passed(fd))
		pass(other);
	return result;
}

int __wrap_close_range(unsigned int first, unsigned int last, int flags)
{
	unsigned int fd;

	if (!remote_is_on() || flags)
		return __real_close_range(first, last, flags);
	for (fd = first; fd <= last && fd < MAX_FD; fd++)
		if (!is_socket[fd])
			__wrap_close(fd);
	return 0;
}
