/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of commands of io_uring: a camera in STOP with its allocator, and a ring.
 */
#ifndef URING_H
#define URING_H

#define READERS_WITHOUT_FIXTURE
#include "readers.h"

#include <dirent.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES 16
/* user_data of an IORING_OP_ASYNC_CANCEL. No command has this value */
#define CANCEL_DATA 1000

#ifndef URING_WITHOUT_FIXTURE
FIXTURE(uring) {
	struct rig rig;
	int connection, allocator;
	struct io_uring ring;
};

FIXTURE_SETUP(uring)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	ASSERT_EQ(0, io_uring_queue_init(ENTRIES, &self->ring, 0));
}

FIXTURE_TEARDOWN(uring)
{
	if (self->ring.ring_fd > 0)
		io_uring_queue_exit(&self->ring);
	rig_close(&self->rig);
	if (!vivid_is_bound())
		vivid_bind();
}
#endif

/* Prepares a command; its user_data is @data. */
static inline struct io_uring_sqe *command(struct io_uring *ring, int fd, unsigned int op,
					   void *arg, __u64 data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct ksalloc_uring_cmd cmd = { .arg = (uintptr_t)arg };

	ASSERT_TRUE(sqe);
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = op;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	io_uring_sqe_set_data64(sqe, data);
	return sqe;
}

static inline void begin(struct io_uring *ring, int fd, unsigned int op, void *arg, __u64 data)
{
	command(ring, fd, op, arg, data);
	ASSERT_EQ(1, io_uring_submit(ring));
}

/* Waits for the next result, which must be of the command with @data; -ETIME after @ms */
static inline int result_in(struct io_uring *ring, __u64 data, unsigned int ms)
{
	struct __kernel_timespec time = { ms / 1000, ms % 1000 * 1000000 };
	struct io_uring_cqe *cqe;
	int ret;

	/* EINTR: this wait was interrupted. The result of the command is in the CQE */
	do
		ret = io_uring_wait_cqe_timeout(ring, &cqe, &time);
	while (ret == -EINTR);
	if (ret)
		return ret;
	EXPECT_EQ(data, cqe->user_data);
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

static inline int result(struct io_uring *ring, __u64 data)
{
	return result_in(ring, data, PATIENCE_MS);
}

static inline int run(struct io_uring *ring, int fd, unsigned int op, void *arg)
{
	begin(ring, fd, op, arg, 1);
	return result(ring, 1);
}

/* Cancels the command with @data; returns the result of the command */
static inline int cancelled(struct io_uring *ring, __u64 data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe = NULL;
	int i, ret = -ETIME;

	ASSERT_TRUE(sqe);
	io_uring_prep_cancel64(sqe, data, 0);
	io_uring_sqe_set_data64(sqe, CANCEL_DATA);
	ASSERT_EQ(1, io_uring_submit(ring));
	/* In any order: the result of the command, and that of the cancellation */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, io_uring_wait_cqe(ring, &cqe));
		if (cqe->user_data == data)
			ret = cqe->res;
		else
			/* EALREADY: it is being cancelled. Some kernels return ENOENT then */
			EXPECT_TRUE(!cqe->res || cqe->res == -EALREADY || cqe->res == -ENOENT);
		io_uring_cqe_seen(ring, cqe);
	}
	return ret;
}

/* Whether this task is a worker of io_uring that sleeps in a function of the module */
static inline bool worker_waits(pid_t pid, const char *tid)
{
	char path[300], text[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", pid, tid);
	if (read_text(path, text, sizeof(text)) <= 0 || strncmp(text, "iou-wrk", 7))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/task/%s/wchan", pid, tid);
	return read_text(path, text, sizeof(text)) > 0 && !strncmp(text, "ks_", 3);
}

/* The number of commands of a process that wait in workers */
static inline int waiting_commands(pid_t pid)
{
	struct dirent *entry;
	char path[32];
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += worker_waits(pid, entry->d_name);
	if (dir)
		closedir(dir);
	return count;
}

/* The commands that wait for something */
enum command_kind { COMMAND_ALLOC, COMMAND_COMPLETE, COMMAND_EXCHANGE, COMMAND_KINDS };

/* Memory for a command of each kind, and the open files that they use */
struct commands {
	int fds[COMMAND_KINDS];
	struct ksalloc_alloc alloc;
	struct ksalloc_complete complete;
	struct ksalloc_exchange exchange;
	struct ksalloc_reader_frame frame;
};

/* Open files of an allocator and of a connection, and a reader */
static inline void commands_open(struct commands *commands, int allocator, int connection)
{
	commands->fds[COMMAND_ALLOC] = allocator_open(allocator);
	commands->fds[COMMAND_COMPLETE] = connection_open(connection);
	commands->fds[COMMAND_EXCHANGE] = reader_open(connection, 1, 0, 0);
	ASSERT_LE(0, commands->fds[COMMAND_ALLOC]);
	ASSERT_LE(0, commands->fds[COMMAND_COMPLETE]);
	ASSERT_LE(0, commands->fds[COMMAND_EXCHANGE]);
}

static inline void commands_close(struct commands *commands)
{
	unsigned int kind;

	for (kind = 0; kind < COMMAND_KINDS; kind++)
		close(commands->fds[kind]);
}

/* Begins a command without a deadline. Its user_data is the kind */
static inline void commands_begin(struct io_uring *ring, struct commands *commands,
				  unsigned int kind)
{
	static const unsigned int ops[] = { KSALLOC_ALLOC, KSALLOC_COMPLETE, KSALLOC_EXCHANGE };
	void *args[] = { &commands->alloc, &commands->complete, &commands->exchange };

	commands->alloc = (struct ksalloc_alloc){ .size = sizeof(commands->alloc) };
	commands->complete = (struct ksalloc_complete){ .size = sizeof(commands->complete) };
	commands->exchange = exchange_of(&commands->frame, 1);
	commands->exchange.deadline_ns = 0;
	begin(ring, commands->fds[kind], ops[kind], args[kind], kind);
}

#endif /* URING_H */
