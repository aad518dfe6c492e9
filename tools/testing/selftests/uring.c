// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls that wait, as commands of io_uring: they do not wait in the task that submits them,
 * can be cancelled, and lose no frame.
 */
#include "ioctls.h"
#include "uring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* K9: an ALLOC gets a free frame, with its descriptor, in the task that submits it. */
TEST_F(uring, alloc)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF,
	};
	int fd;

	begin(&self->ring, self->allocator, KSALLOC_ALLOC, &arg, 7);
	/* It is complete when the submission returns */
	EXPECT_EQ(1, io_uring_cq_ready(&self->ring));
	EXPECT_EQ(0, result(&self->ring, 7));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(KSALLOC_ALLOC_DMABUF, arg.flags);
	fd = export_frame(self->allocator, arg.index);
	ASSERT_LE(0, fd);
	EXPECT_EQ(inode_of(fd), inode_of(arg.dmabuf_fd));
	close(fd);
	close(arg.dmabuf_fd);
}

/* K9: commands that wait get frames in their order, beside calls. */
TEST_F(uring, alloc_waits)
{
	struct ksalloc_alloc args[3], called;
	struct call call;
	int i;

	take_all(self->allocator);
	for (i = 0; i < 3; i++) {
		args[i] = (struct ksalloc_alloc){ .size = sizeof(args[i]) };
		if (i == 2)
			start_waiter(&call, &called, self->allocator, 3);
		begin(&self->ring, self->allocator, KSALLOC_ALLOC, &args[i], i);
		ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == i + 1 + (i == 2)));
	}
	EXPECT_EQ(0, io_uring_cq_ready(&self->ring));
	for (i = 0; i < 3; i++) {
		if (i == 2) {
			ASSERT_EQ(0, free_frame(self->allocator, 6));
			EXPECT_EQ(0, call_result(&call));
			EXPECT_EQ(6, called.index);
		}
		ASSERT_EQ(0, free_frame(self->allocator, i));
		EXPECT_EQ(0, result(&self->ring, i));
		EXPECT_EQ(i, args[i].index);
	}
	EXPECT_EQ(0, waiters(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* K9: a deadline, NONBLOCK and O_NONBLOCK are as in the ioctl. */
TEST_F(uring, alloc_limits)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg), .deadline_ns = in_ms(20) };

	take_all(self->allocator);
	EXPECT_EQ(-ETIMEDOUT, run(&self->ring, self->allocator, KSALLOC_ALLOC, &arg));
	EXPECT_LE(arg.deadline_ns, now_ns());
	arg.deadline_ns = 0;
	arg.flags = KSALLOC_NONBLOCK;
	EXPECT_EQ(-EAGAIN, run(&self->ring, self->allocator, KSALLOC_ALLOC, &arg));
	arg.flags = 0;
	ASSERT_EQ(0, fcntl(self->allocator, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, run(&self->ring, self->allocator, KSALLOC_ALLOC, &arg));
	ASSERT_EQ(0, fcntl(self->allocator, F_SETFL, 0));
	EXPECT_EQ(0, waiters(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* K9: a command that is cancelled takes no frame, now or later. */
TEST_F(uring, alloc_cancelled)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	int i, ret;

	take_all(self->allocator);
	for (i = 0; i < 20; i++) {
		begin(&self->ring, self->allocator, KSALLOC_ALLOC, &arg, 5);
		/* In the other rounds, the command may not wait yet */
		if (i % 2)
			ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
		ret = cancelled(&self->ring, 5);
		EXPECT_TRUE(ret == -EINTR || (ret == -ECANCELED && i % 2 == 0));
		EXPECT_EQ(0, waiters(self->allocator));
	}
	ASSERT_EQ(0, free_frame(self->allocator, 4));
	EXPECT_EQ(FRAMES - 1, allocated(self->allocator));
	EXPECT_EQ(4, alloc_now(self->allocator));
}

/* K9: ALLOCATOR_CANCEL ends commands that wait, too, and later ones if it is permanent. */
TEST_F(uring, alloc_cancelled_by_ioctl)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };

	take_all(self->allocator);
	begin(&self->ring, self->allocator, KSALLOC_ALLOC, &arg, 5);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_EQ(0, allocator_cancel(self->allocator));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 5));

	begin(&self->ring, self->allocator, KSALLOC_ALLOC, &arg, 6);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_EQ(0, cancel_permanently(self->allocator, KSALLOC_ALLOCATOR_CANCEL));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 6));
	begin(&self->ring, self->allocator, KSALLOC_ALLOC, &arg, 7);
	EXPECT_EQ(-ECANCELED, result(&self->ring, 7));
}

/* K9: COMPLETE gets filled frames in order, whether it waits or not. */
TEST_F(uring, complete)
{
	struct ksalloc_complete arg = { .size = sizeof(arg) };
	__u32 sequence = 0;
	int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	rig_submit_all(&self->rig);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 0; i < 3 * FRAMES; i++) {
		ASSERT_EQ(0, run(&self->ring, self->connection, KSALLOC_COMPLETE, &arg));
		if (i)
			EXPECT_LE(sequence, arg.sequence);
		sequence = arg.sequence;
		EXPECT_EQ(FRAME_SIZE, arg.header.data_used);
		ASSERT_EQ(0, submit(self->connection, arg.index));
	}
	/* The end of the stream ends a command that waits */
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	while (complete(self->connection, KSALLOC_NONBLOCK, 0, &arg) >= 0)
		;
	arg.flags = 0;
	begin(&self->ring, self->connection, KSALLOC_COMPLETE, &arg, 3);
	sleep_ms(20);
	EXPECT_EQ(0, io_uring_cq_ready(&self->ring));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 3));
}

/* K9: a COMPLETE that is cancelled takes no frame, now or later. */
TEST_F(uring, complete_cancelled)
{
	struct ksalloc_complete arg = { .size = sizeof(arg) };
	int i, ret;

	take_all(self->allocator);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 0; i < 20; i++) {
		begin(&self->ring, self->connection, KSALLOC_COMPLETE, &arg, 5);
		/* In the other rounds, the command may not wait yet */
		if (i % 2)
			ASSERT_TRUE(EVENTUALLY(waiting_commands(getpid()) == 1));
		ret = cancelled(&self->ring, 5);
		EXPECT_TRUE(ret == -EINTR || (ret == -ECANCELED && i % 2 == 0));
		ASSERT_TRUE(EVENTUALLY(waiting_commands(getpid()) == 0));
	}
	ASSERT_EQ(0, submit(self->connection, 3));
	EXPECT_EQ(3, complete(self->connection, 0, in_ms(PATIENCE_MS), NULL));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	EXPECT_EQ(0, io_uring_cq_ready(&self->ring));
}

/* The argument of an EXCHANGE that gives @frame back, and waits for the next one */
static struct ksalloc_exchange turn_of(struct ksalloc_reader_frame *frame, __u32 *index)
{
	struct ksalloc_exchange arg = exchange_of(frame, 1);

	*index = frame->index;
	arg.give = (uintptr_t)index;
	arg.nr_give = 1;
	arg.generation = frame->generation;
	return arg;
}

/* K9: EXCHANGE returns and takes each frame many times, in order and without a loss. */
TEST_F(uring, exchange)
{
	struct ksalloc_reader_frame frame = { }, last;
	struct ksalloc_exchange arg;
	__u32 index;
	int reader, i;

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	reader = reader_open(self->connection, DEEP, 0, 0);
	ASSERT_LE(0, reader);
	arg = exchange_of(&frame, 1);
	ASSERT_EQ(1, run(&self->ring, reader, KSALLOC_EXCHANGE, &arg));
	for (i = 0; i < 5 * FRAMES; i++) {
		last = frame;
		arg = turn_of(&frame, &index);
		ASSERT_EQ(1, run(&self->ring, reader, KSALLOC_EXCHANGE, &arg));
		EXPECT_TRUE(follows(&frame, &last));
		EXPECT_EQ(0, frame.lost);
		EXPECT_EQ(1, reader_info(reader).taken);
	}
	close(reader);
}

/* K9: a poll before the command, so that no worker waits; each n-th frame, and the newest */
TEST_F(uring, exchange_after_poll)
{
	static const struct {
		unsigned int every, flags;
	} kinds[] = { { 0, 0 }, { 3, 0 }, { 0, KSALLOC_READER_NEWEST } };
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg;
	struct io_uring_sqe *sqe;
	__u32 index, sequence;
	unsigned int kind;
	int reader, i;

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		/* The ring drops its reference to the last reader after the result */
		ASSERT_TRUE(EVENTUALLY((reader = reader_open(self->connection, DEEP,
							     kinds[kind].every,
							     kinds[kind].flags)) != -EBUSY));
		ASSERT_LE(0, reader);
		ASSERT_EQ(1, take(reader, &frame));
		for (i = 0; i < FRAMES; i++) {
			sequence = frame.sequence;
			arg = turn_of(&frame, &index);
			sqe = io_uring_get_sqe(&self->ring);
			io_uring_prep_poll_add(sqe, reader, POLLIN);
			io_uring_sqe_set_data64(sqe, 1);
			sqe->flags |= IOSQE_IO_LINK;
			command(&self->ring, reader, KSALLOC_EXCHANGE, &arg, 2);
			ASSERT_EQ(2, io_uring_submit(&self->ring));
			EXPECT_LT(0, result(&self->ring, 1));
			ASSERT_EQ(1, result(&self->ring, 2));
			EXPECT_LE(sequence, frame.sequence);
			EXPECT_EQ(0, frame.lost);
		}
		close(reader);
	}
}

/* The next result of a poll that continues, which must be that there is a frame */
static bool polled(struct io_uring *ring, unsigned int ms)
{
	struct __kernel_timespec time = { ms / 1000, ms % 1000 * 1000000 };
	struct io_uring_cqe *cqe;
	int ret;

	do
		ret = io_uring_wait_cqe_timeout(ring, &cqe, &time);
	while (ret == -EINTR);
	if (ret)
		return false;
	EXPECT_EQ(1, cqe->user_data);
	EXPECT_TRUE(cqe->flags & IORING_CQE_F_MORE);
	EXPECT_EQ(POLLIN | POLLRDNORM, cqe->res);
	io_uring_cqe_seen(ring, cqe);
	return true;
}

/*
 * K9: one poll (IORING_POLL_ADD_MULTI) tells of each frame. Without a frame, it tells of nothing.
 * The unplugged camera ends it.
 */
TEST_F(uring, poll_continues)
{
	struct ksalloc_reader_frame frame = { }, last = { };
	struct io_uring_cqe *cqe = NULL;
	struct io_uring_sqe *sqe;
	unsigned int round, taken;
	bool more;
	int reader;

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	reader = reader_open(self->connection, DEEP, 0, 0);
	ASSERT_LE(0, reader);
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_poll_multishot(sqe, reader, POLLIN | POLLRDNORM);
	io_uring_sqe_set_data64(sqe, 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (round = 0; round < 2; round++) {
		for (taken = 0; taken < 3 * FRAMES;) {
			ASSERT_TRUE(polled(&self->ring, PATIENCE_MS));
			/* As with EPOLLET, a program takes all frames, or it is not told again */
			while (take_now(reader, &frame) == 1) {
				EXPECT_TRUE(!taken || follows(&frame, &last));
				EXPECT_EQ(0, frame.lost);
				last = frame;
				taken++;
				ASSERT_EQ(0, give(reader, &frame));
			}
		}
		/* What came before the change */
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
		while (polled(&self->ring, 1))
			;
		EXPECT_FALSE(polled(&self->ring, 100));
		ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	}
	vivid_unbind();
	do {
		ASSERT_EQ(0, io_uring_wait_cqe(&self->ring, &cqe));
		EXPECT_EQ(1, cqe->user_data);
		more = cqe->flags & IORING_CQE_F_MORE && !(cqe->res & POLLHUP);
		io_uring_cqe_seen(&self->ring, cqe);
	} while (more);
	close(reader);
}

/* K9: a command that has to wait gives a frame back only once, in the worker. */
TEST_F(uring, exchange_waits)
{
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg;
	__u32 index;
	int reader;

	reader = reader_open(self->connection, 2, 0, 0);
	ASSERT_LE(0, reader);
	arg = exchange_of(&frame, 1);
	arg.deadline_ns = 0;
	begin(&self->ring, reader, KSALLOC_EXCHANGE, &arg, 1);
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	ASSERT_EQ(1, result(&self->ring, 1));
	/* Drops what is in the queue of the reader, but not what it has taken */
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(1, reader_info(reader).taken);

	arg = turn_of(&frame, &index);
	arg.deadline_ns = 0;
	begin(&self->ring, reader, KSALLOC_EXCHANGE, &arg, 2);
	/* The worker gives it back, and waits */
	EXPECT_TRUE(EVENTUALLY(reader_info(reader).taken == 0));
	EXPECT_EQ(0, io_uring_cq_ready(&self->ring));
	/* The frame is given back, so this is no failure */
	EXPECT_EQ(0, cancelled(&self->ring, 2));

	arg.nr_give = 0;
	begin(&self->ring, reader, KSALLOC_EXCHANGE, &arg, 2);
	sleep_ms(20);
	EXPECT_EQ(0, io_uring_cq_ready(&self->ring));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	EXPECT_EQ(1, result(&self->ring, 2));
	EXPECT_EQ(1, reader_info(reader).taken);
	ASSERT_EQ(0, give(reader, &frame));
	close(reader);
}

/* K9: an EXCHANGE can be cancelled in both ways, and loses no frame. */
TEST_F(uring, exchange_cancelled)
{
	struct ksalloc_cancel cancel = { .size = sizeof(cancel) };
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg = exchange_of(&frame, 1);
	int reader = reader_open(self->connection, 2, 0, 0);

	ASSERT_LE(0, reader);
	arg.deadline_ns = 0;
	begin(&self->ring, reader, KSALLOC_EXCHANGE, &arg, 1);
	sleep_ms(20);
	EXPECT_EQ(-EINTR, cancelled(&self->ring, 1));
	begin(&self->ring, reader, KSALLOC_EXCHANGE, &arg, 2);
	sleep_ms(20);
	ASSERT_EQ(0, call_fd(reader, KSALLOC_READER_CANCEL, &cancel));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 2));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	ASSERT_EQ(1, take(reader, &frame));
	EXPECT_EQ(0, frame.lost);
	close(reader);
}

/* K9: a thread of the kernel submits the commands. */
TEST_F(uring, polled_submission)
{
	struct ksalloc_reader_frame frame = { }, last;
	struct ksalloc_exchange arg;
	struct io_uring ring;
	__u32 index;
	int reader, i;

	ASSERT_EQ(0, io_uring_queue_init(ENTRIES, &ring, IORING_SETUP_SQPOLL));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	reader = reader_open(self->connection, DEEP, 0, 0);
	ASSERT_EQ(1, take(reader, &frame));
	for (i = 0; i < FRAMES; i++) {
		last = frame;
		arg = turn_of(&frame, &index);
		command(&ring, reader, KSALLOC_EXCHANGE, &arg, 1);
		ASSERT_LE(0, io_uring_submit(&ring));
		ASSERT_EQ(1, result(&ring, 1));
		EXPECT_TRUE(follows(&frame, &last));
	}
	io_uring_queue_exit(&ring);
	close(reader);
}

/* K9: what is refused, and that a refusal changes nothing */
TEST_F(uring, refused)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct io_uring *ring = &self->ring;
	struct ksalloc_uring_cmd cmd = { .arg = (uintptr_t)&arg, .__reserved = 1 };
	struct io_uring_sqe *sqe;

	EXPECT_EQ(-ENOTTY, run(ring, self->allocator, KSALLOC_COMPLETE, &arg));
	EXPECT_EQ(-ENOTTY, run(ring, self->connection, KSALLOC_ALLOC, &arg));
	EXPECT_EQ(-ENOTTY, run(ring, self->allocator, 0xffffffff, &arg));
	EXPECT_EQ(-EFAULT, run(ring, self->allocator, KSALLOC_ALLOC, NULL));
	EXPECT_EQ(-EFAULT, run(ring, self->allocator, KSALLOC_ALLOC, (void *)-8));
	arg.size = 4;
	EXPECT_EQ(-EINVAL, run(ring, self->allocator, KSALLOC_ALLOC, &arg));
	arg.size = sizeof(arg);
	arg.flags = 0x80000000;
	EXPECT_EQ(-EINVAL, run(ring, self->allocator, KSALLOC_ALLOC, &arg));
	arg.flags = 0;
	sqe = command(ring, self->allocator, KSALLOC_ALLOC, &arg, 1);
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	ASSERT_EQ(1, io_uring_submit(ring));
	EXPECT_EQ(-EINVAL, result(ring, 1));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* K9: only the ioctls that wait for frames are commands. */
TEST_F(uring, other_ioctls)
{
	const int files[] = {
		[FILE_DEVICE] = self->rig.ksalloc,
		[FILE_CONNECTION] = self->connection,
		[FILE_ALLOCATOR] = self->allocator,
		[FILE_READER] = reader_open(self->connection, 1, 0, 0),
	};
	const struct ioctl_entry *entry;

	ASSERT_LE(0, files[FILE_READER]);
	for_each_ioctl(entry) {
		union ioctl_argument arg = { .head = { .size = entry->size } };

		if (entry->request != KSALLOC_ALLOC && entry->request != KSALLOC_COMPLETE &&
		    entry->request != KSALLOC_EXCHANGE &&
		    !EXPECT_EQ(-EOPNOTSUPP, run(&self->ring, files[entry->file],
						entry->request, &arg)))
			harness_note("(%s)", entry->name);
	}
	close(files[FILE_READER]);
}

/* K9: the argument is only readable: the frame is free again. */
TEST_F(uring, argument_is_not_written)
{
	struct ksalloc_alloc *arg;

	arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(arg != MAP_FAILED);
	arg->size = sizeof(*arg);
	ASSERT_EQ(0, mprotect(arg, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, run(&self->ring, self->allocator, KSALLOC_ALLOC, arg));
	EXPECT_EQ(0, allocated(self->allocator));
	munmap(arg, 4096);
}

/* K9: a result that is not negative is a success: the next command of a chain runs. */
TEST_F(uring, link)
{
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg;
	struct io_uring_sqe *sqe;
	int reader;

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	reader = reader_open(self->connection, DEEP, 0, 0);
	ASSERT_LE(0, reader);
	arg = exchange_of(&frame, 1);
	sqe = command(&self->ring, reader, KSALLOC_EXCHANGE, &arg, 1);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 2);
	ASSERT_EQ(2, io_uring_submit(&self->ring));
	EXPECT_EQ(1, result(&self->ring, 1));
	EXPECT_EQ(0, result(&self->ring, 2));
	close(reader);
}

/*
 * K9: IORING_URING_CMD_FIXED, and IORING_URING_CMD_MULTISHOT of newer kernels. With the latter,
 * some kernels never complete a command that succeeds.
 */
TEST_F(uring, refused_flags)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct io_uring_sqe *sqe;
	unsigned int flag;

	for (flag = 1; flag <= 2; flag <<= 1) {
		sqe = command(&self->ring, self->allocator, KSALLOC_ALLOC, &arg, 1);
		sqe->uring_cmd_flags = flag;
		if (flag == 2)
			sqe->flags |= IOSQE_BUFFER_SELECT;
		ASSERT_LE(1, io_uring_submit(&self->ring));
		/* Also if the kernel does not know this flag */
		EXPECT_GT(0, result_in(&self->ring, 1, 2000));
		EXPECT_EQ(0, allocated(self->allocator));
	}
}

/* K9: in PAUSE, the command waits, although a camera that stops sends notifications. */
TEST_F(uring, exchange_in_pause)
{
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg;
	__u32 index;
	int reader, i;

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	reader = reader_open(self->connection, 1, 0, 0);
	ASSERT_LE(0, reader);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(1, take(reader, &frame));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
		ASSERT_EQ(0, reader_info(reader).queued);
		arg = turn_of(&frame, &index);
		begin(&self->ring, reader, KSALLOC_EXCHANGE, &arg, 1);
		EXPECT_EQ(-ETIME, result_in(&self->ring, 1, 50));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		EXPECT_EQ(1, result(&self->ring, 1));
		ASSERT_EQ(0, give(reader, &frame));
	}
	close(reader);
}
