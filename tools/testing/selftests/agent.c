// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls in threads and in other processes: see ksalloc_test.h.
 */
#include "ksalloc_test.h"

#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "passing.h"
#include "remote.h"

/* Calls in threads */

/*
 * Does a task sleep inside ioctl()? It is tested twice, because it could sleep for a moment
 * only.
 */
static bool task_waits(pid_t tid)
{
	char path[64], text[256];
	char *end;
	int i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
		if (read_text(path, text, sizeof(text)) <= 0)
			return false;
		/* "running" is not a number. */
		if (strtol(text, &end, 10) != SYS_ioctl || end == text)
			return false;
		sleep_ms(2);
	}
	return true;
}

static void *call_thread(void *data)
{
	struct call *call = data;

	call->tid = remote_tid();
	call->result = call_fd(call->fd, call->request, call->arg);
	call->done = true;
	return NULL;
}

void call_start(struct call *call, int fd, unsigned long request, void *arg)
{
	call->fd = fd;
	call->request = request;
	call->arg = arg;
	call->tid = 0;
	call->done = false;
	ASSERT_EQ(0, pthread_create(&call->thread, NULL, call_thread, call));
}

bool call_waits(struct call *call)
{
	return EVENTUALLY(call->done || (call->tid && task_waits(call->tid))) &&
		!call->done;
}

int call_result(struct call *call)
{
	ASSERT_TRUE(EVENTUALLY(call->done));
	pthread_join(call->thread, NULL);
	return call->result;
}

void start_alloc(struct call *call, struct ksalloc_alloc *arg, int allocator)
{
	*arg = (struct ksalloc_alloc){ .size = sizeof(*arg) };
	call_start(call, allocator, KSALLOC_ALLOC, arg);
}

void start_waiter(struct call *call, struct ksalloc_alloc *arg, int allocator,
		  int n)
{
	start_alloc(call, arg, allocator);
	ASSERT_TRUE(EVENTUALLY(waiters(allocator) == n));
}

void start_complete(struct call *call, struct ksalloc_complete *arg,
		    int connection)
{
	*arg = (struct ksalloc_complete){ .size = sizeof(*arg) };
	call_start(call, connection, KSALLOC_COMPLETE, arg);
}

/* Agents */

enum agent_order { AGENT_CALL, AGENT_CLOSE, AGENT_DUP, AGENT_PASS, AGENT_EXEC,
	AGENT_EXIT };

struct agent_message {
	alignas(8) char arg[AGENT_ARG_MAX];
	unsigned long request;
	enum agent_order order;
	int fd;
	int result;
};

static void agent_serve(int socket)
{
	struct agent_message message;
	const struct iovec vec = { &message, sizeof(message) };
	int fds[PASSING_MAX];
	unsigned int count;

	for (;;) {
		if (receive_with_fds(socket, &vec, 1, fds, &count, 0) !=
		    sizeof(message))
			_exit(0);
		switch (message.order) {
		case AGENT_CALL:
			message.result = call_fd(message.fd, message.request,
						 message.arg);
			break;
		case AGENT_CLOSE:
			message.result = close(message.fd) ? -errno : 0;
			break;
		case AGENT_DUP:
			message.result = dup(message.fd);
			break;
		case AGENT_PASS:
			message.result = count ? fds[0] : -EMFILE;
			break;
		case AGENT_EXEC:
			execl("/bin/sleep", "sleep", "600", NULL);
			_exit(1);
		case AGENT_EXIT:
			_exit(0);
		}
		if (write(socket, &message, sizeof(message)) < 0)
			_exit(0);
	}
}

void agent_start(struct agent *agent)
{
	int sockets[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				sockets));
	agent->pid = fork();
	ASSERT_LE(0, agent->pid);
	if (!agent->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sockets[0]);
		agent_serve(sockets[1]);
	}
	close(sockets[1]);
	agent->socket = sockets[0];
}

static void agent_order(struct agent *agent, struct agent_message *message)
{
	ASSERT_EQ(sizeof(*message),
		  write(agent->socket, message, sizeof(*message)));
}

static void agent_answer(struct agent *agent, struct agent_message *message)
{
	ASSERT_EQ(POLLIN, poll_fd(agent->socket, POLLIN, PATIENCE_MS));
	ASSERT_EQ(sizeof(*message),
		  read(agent->socket, message, sizeof(*message)));
}

void agent_begin(struct agent *agent, int fd, unsigned long request, void *arg,
		 size_t size)
{
	struct agent_message message = {
		.order = AGENT_CALL,
		.fd = fd,
		.request = request,
	};

	ASSERT_LE(size, sizeof(message.arg));
	memcpy(message.arg, arg, size);
	agent_order(agent, &message);
}

bool agent_waits(struct agent *agent)
{
	return EVENTUALLY(agent_is_done(agent) || task_waits(agent->pid)) &&
		!agent_is_done(agent);
}

bool agent_is_done(struct agent *agent)
{
	return poll_fd(agent->socket, POLLIN, 0) != 0;
}

int agent_end(struct agent *agent, void *arg, size_t size)
{
	struct agent_message message;

	agent_answer(agent, &message);
	if (arg)
		memcpy(arg, message.arg, size);
	return message.result;
}

int agent_call(struct agent *agent, int fd, unsigned long request, void *arg,
	       size_t size)
{
	agent_begin(agent, fd, request, arg, size);
	return agent_end(agent, arg, size);
}

static int agent_simple(struct agent *agent, enum agent_order order, int fd)
{
	struct agent_message message = { .order = order, .fd = fd };

	agent_order(agent, &message);
	agent_answer(agent, &message);
	return message.result;
}

int agent_close(struct agent *agent, int fd)
{
	return agent_simple(agent, AGENT_CLOSE, fd);
}

int agent_dup(struct agent *agent, int fd)
{
	return agent_simple(agent, AGENT_DUP, fd);
}

int agent_pass(struct agent *agent, int fd)
{
	struct agent_message message = { .order = AGENT_PASS };
	const struct iovec vec = { &message, sizeof(message) };

	ASSERT_TRUE(send_with_fds(agent->socket, &vec, 1, &fd, 1, 0));
	agent_answer(agent, &message);
	return message.result;
}

int agent_open(struct agent *agent, int fd)
{
	int theirs, other = open_again(fd);

	ASSERT_LE(0, other);
	theirs = agent_pass(agent, other);
	ASSERT_LE(0, theirs);
	close(other);
	return theirs;
}

int agent_alloc(struct agent *agent, int allocator)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_NONBLOCK,
	};
	int err = agent_call(agent, allocator, KSALLOC_ALLOC, &arg,
			     sizeof(arg));

	return err ? err : (int)arg.index;
}

int agent_free(struct agent *agent, int allocator, unsigned int index)
{
	struct ksalloc_free arg = { .size = sizeof(arg), .index = index };

	return agent_call(agent, allocator, KSALLOC_FREE, &arg, sizeof(arg));
}

int agent_submit(struct agent *agent, int connection, unsigned int index)
{
	struct ksalloc_submit arg = {
		.size = sizeof(arg),
		.index = index,
		.dmabuf_fd = -1,
	};

	return agent_call(agent, connection, KSALLOC_SUBMIT, &arg, sizeof(arg));
}

void agent_begin_alloc(struct agent *agent, int allocator)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };

	agent_begin(agent, allocator, KSALLOC_ALLOC, &arg, sizeof(arg));
}

int agent_end_alloc(struct agent *agent)
{
	struct ksalloc_alloc arg;
	int err = agent_end(agent, &arg, sizeof(arg));

	return err ? err : (int)arg.index;
}

void agent_begin_complete(struct agent *agent, int connection)
{
	struct ksalloc_complete arg = { .size = sizeof(arg) };

	agent_begin(agent, connection, KSALLOC_COMPLETE, &arg, sizeof(arg));
}

int agent_end_complete(struct agent *agent)
{
	struct ksalloc_complete arg;
	int err = agent_end(agent, &arg, sizeof(arg));

	return err ? err : (int)arg.index;
}

int agent_complete(struct agent *agent, int connection)
{
	agent_begin_complete(agent, connection);
	return agent_end_complete(agent);
}

void agent_exec(struct agent *agent)
{
	struct agent_message message = { .order = AGENT_EXEC };
	char path[64], name[32] = "";

	agent_order(agent, &message);
	snprintf(path, sizeof(path), "/proc/%d/comm", agent->pid);
	ASSERT_TRUE(EVENTUALLY(read_text(path, name, sizeof(name)) > 0 &&
			       !strcmp(name, "sleep\n")));
}

void agent_exit(struct agent *agent)
{
	struct agent_message message = { .order = AGENT_EXIT };

	agent_order(agent, &message);
	ASSERT_EQ(agent->pid, waitpid(agent->pid, NULL, 0));
	close(agent->socket);
}

void agent_kill(struct agent *agent)
{
	ASSERT_EQ(0, kill(agent->pid, SIGKILL));
	/* The process may be in a call that SIGKILL does not interrupt. */
	ASSERT_TRUE(EVENTUALLY(waitpid(agent->pid, NULL, WNOHANG) == agent->pid));
	close(agent->socket);
}
