// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arguments of the calls of readers: several frames at a time, wrong values, and memory that
 * cannot be written.
 */
#include "readers.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* K8: several frames are given back and taken by one call. */
TEST_F(readers, batches)
{
	int reader = reader_open(self->connection, 6, 0, 0);
	struct ksalloc_reader_frame frames[6] = { }, last;
	struct ksalloc_exchange arg;
	__u32 indices[4];
	int i, round;

	ASSERT_LE(0, reader);
	ASSERT_EQ(4, take_some(reader, frames, 4));
	for (round = 0; round < 5; round++) {
		last = frames[3];
		for (i = 0; i < 4; i++)
			indices[i] = frames[i].index;
		arg = exchange_of(frames, 4);
		arg.give = (uintptr_t)indices;
		arg.nr_give = 4;
		arg.generation = frames[0].generation;
		ASSERT_EQ(4, call_fd(reader, KSALLOC_EXCHANGE, &arg));
		for (i = 0; i < 4; i++) {
			EXPECT_EQ(0, frames[i].lost);
			EXPECT_TRUE(follows(&frames[i], i ? &frames[i - 1] : &last));
		}
	}
	/* No more than the depth */
	ASSERT_EQ(2, take_some(reader, &frames[4], 2));
	arg = exchange_of(frames, 1);
	arg.deadline_ns = 1;
	EXPECT_EQ(-ETIMEDOUT, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	close(reader);
}

/* Lets the camera run until the queue of a reader is full. After this, no frame is filled. */
static void fill_queue(struct readers_fixture *self, int reader, int other)
{
	struct ksalloc_reader_frame frame = { };

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	while (reader_info(reader).queued < DEEP) {
		ASSERT_EQ(1, take(other, &frame));
		ASSERT_EQ(0, give(other, &frame));
	}
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_PAUSE));
}

/* Gives all frames of the reader back, of which it has taken DEEP */
static void give_all(int reader, const struct ksalloc_reader_frame *frames)
{
	int i;

	for (i = 0; i < DEEP; i++)
		ASSERT_EQ(0, give(reader, &frames[i]));
}

/*
 * K8: a call that waits for fewer frames than it can take returns when there are so many, and takes
 * all that are there. After the deadline, or without waiting, these can be fewer.
 */
TEST_F(readers, waits_for_some)
{
	int reader = reader_open(self->connection, DEEP, 0, 0), i;
	int other = reader_open(self->connection, 1, 0, KSALLOC_READER_REVOCABLE);
	struct ksalloc_reader_frame frames[FRAMES] = { };
	struct ksalloc_exchange arg;
	struct call call;

	ASSERT_LE(0, reader);
	ASSERT_LE(0, other);
	/* More than it waits for are there. The deadline has passed, so it must not wait */
	fill_queue(self, reader, other);
	arg = exchange_of(frames, FRAMES);
	arg.wait_for = 2;
	arg.deadline_ns = 1;
	EXPECT_EQ(DEEP, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	EXPECT_EQ(DEEP, reader_info(reader).taken);
	give_all(reader, frames);

	/* Fewer are there */
	fill_queue(self, reader, other);
	ASSERT_EQ(DEEP - 1, take_some(reader, frames, DEEP - 1));
	arg = exchange_of(&frames[DEEP - 1], FRAMES - DEEP + 1);
	arg.wait_for = 2;
	arg.flags = KSALLOC_NONBLOCK;
	EXPECT_EQ(1, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	EXPECT_EQ(-EAGAIN, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	give_all(reader, frames);
	fill_queue(self, reader, other);
	ASSERT_EQ(DEEP - 1, take_some(reader, frames, DEEP - 1));
	arg.flags = 0;
	arg.deadline_ns = in_ms(20);
	EXPECT_EQ(1, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	EXPECT_LE(arg.deadline_ns, now_ns());
	give_all(reader, frames);

	/* None is there. The reader can have DEEP frames, so a wait for more would not end */
	arg = exchange_of(frames, FRAMES);
	arg.wait_for = DEEP;
	arg.deadline_ns = 0;
	call_start(&call, reader, KSALLOC_EXCHANGE, &arg);
	EXPECT_TRUE(call_waits(&call));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	EXPECT_EQ(DEEP, call_result(&call));
	for (i = 1; i < DEEP; i++) {
		EXPECT_TRUE(follows(&frames[i], &frames[i - 1]));
		EXPECT_EQ(0, frames[i].lost);
	}
	close(reader);
	close(other);
}

static int give_three(int reader, const struct ksalloc_reader_frame *frames, __u32 third,
		      __u64 generation)
{
	__u32 indices[] = { frames[0].index, frames[1].index, third };
	struct ksalloc_exchange arg = {
		.size = sizeof(arg),
		.give = (uintptr_t)indices,
		.nr_give = ARRAY_SIZE(indices),
		.generation = generation,
	};

	return call_fd(reader, KSALLOC_EXCHANGE, &arg);
}

/* K6: frames that the reader has not taken are refused, and then no frame is given back. */
TEST_F(readers, foreign_frames)
{
	int reader = reader_open(self->connection, 2, 0, 0);
	int other = reader_open(self->connection, 2, 0, 0);
	struct ksalloc_reader_frame frames[2] = { }, foreign = { };
	__u64 now;

	ASSERT_LE(0, reader);
	ASSERT_LE(0, other);
	ASSERT_EQ(2, take_some(reader, frames, 2));
	ASSERT_EQ(1, take(other, &foreign));
	while (foreign.index == frames[0].index || foreign.index == frames[1].index)
		ASSERT_EQ(1, turn(other, &foreign));

	now = frames[0].generation;
	EXPECT_EQ(-EINVAL, give_three(reader, frames, foreign.index, now));
	EXPECT_EQ(-EINVAL, give_three(reader, frames, FRAMES, now));
	EXPECT_EQ(-EINVAL, give_three(reader, frames, KSALLOC_MAX_FRAMES, now));
	EXPECT_EQ(-EINVAL, give_three(reader, frames, 0xffffffff, now));
	EXPECT_EQ(-EINVAL, give_three(reader, frames, frames[0].index, now + 1));
	EXPECT_EQ(2, reader_info(reader).taken);
	/* A frame that is named twice is given back once */
	EXPECT_EQ(0, give_three(reader, frames, frames[0].index, now));
	EXPECT_EQ(0, reader_info(reader).taken);
	EXPECT_EQ(-EINVAL, give(reader, &frames[0]));
	close(reader);
	close(other);
}

/* More than the module has room for on its stack */
#define MANY 18

static int give_many(int reader, const __u32 indices[MANY])
{
	struct ksalloc_exchange arg = {
		.size = sizeof(arg),
		.give = (uintptr_t)indices,
		.nr_give = MANY,
		.generation = 1,
	};

	return call_fd(reader, KSALLOC_EXCHANGE, &arg);
}

/* K6, K8: many frames are given back by one call; with a wrong index among them, none is. */
TEST(many_given_back)
{
	struct ksalloc_reader_frame frames[MANY] = { };
	__u32 indices[MANY];
	struct rig rig;
	int reader, i;

	rig_open(&rig, 0, WIDTH, HEIGHT);
	rig_allocator(&rig, MANY + KEEP);
	ASSERT_EQ(0, circulate(rig.connection, KSSTATE_RUN));
	reader = reader_open(rig.connection, MANY, 0, 0);
	ASSERT_LE(0, reader);
	ASSERT_EQ(MANY, take_some(reader, frames, MANY));
	EXPECT_EQ(1, frames[0].generation);
	for (i = 0; i < MANY; i++)
		indices[i] = frames[i].index;
	indices[MANY - 1] = MANY + KEEP;
	EXPECT_EQ(-EINVAL, give_many(reader, indices));
	EXPECT_EQ(MANY, reader_info(reader).taken);
	EXPECT_GE(KEEP, in_device(rig.allocator));
	indices[MANY - 1] = frames[MANY - 1].index;
	EXPECT_EQ(0, give_many(reader, indices));
	EXPECT_EQ(0, reader_info(reader).taken);
	/* Each of them comes back, and is filled again */
	EXPECT_EQ(MANY, take_some(reader, frames, MANY));
	close(reader);
	EXPECT_TRUE(EVENTUALLY(in_device(rig.allocator) == MANY + KEEP));
	rig_close(&rig);
}

/* A4, K5: without a descriptor for a view, nothing is left but the view of the reader. */
TEST_F(readers, no_descriptor_for_view)
{
	int reader = reader_open(self->connection, 2, 0, 0), first, second, none;
	int dmabufs, fds;
	struct rlimit limit;
	rlim_t soft;

	ASSERT_LE(0, reader);
	/* The reader keeps the view of each frame */
	first = reader_export(reader, 0, 1);
	ASSERT_LE(0, first);
	close(first);
	dmabufs = count_dmabufs();
	fds = count_fds();
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	soft = limit.rlim_cur;
	limit.rlim_cur = reader + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	none = reader_export(reader, 0, 1);
	second = reader_export(reader, 1, 1);
	limit.rlim_cur = soft;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, none);
	EXPECT_EQ(-EMFILE, second);
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(dmabufs + 1, count_dmabufs());
	first = reader_export(reader, 0, 1);
	EXPECT_LE(0, first);
	close(first);
	close(reader);
	/* Both views have ended with it */
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == dmabufs - 1));
}

/* K8: wrong arguments */
TEST_F(readers, wrong_arguments)
{
	int reader;
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg;

	EXPECT_EQ(-EINVAL, reader_open(self->connection, 0, 0, 0));
	EXPECT_EQ(-EINVAL, reader_open(self->connection, KSALLOC_MAX_FRAMES + 1, 0, 0));
	EXPECT_EQ(-EINVAL, reader_open(self->connection, 1, 0, 8));
	reader = reader_open(self->connection, 1, 0, 0);
	ASSERT_LE(0, reader);
	arg = exchange_of(&frame, 1);
	arg.wait_for = 2;
	EXPECT_EQ(-EINVAL, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	arg = exchange_of(&frame, 1);
	arg.take_size = sizeof(frame) - 1;
	EXPECT_EQ(-EINVAL, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	arg.take_size = 65537;
	EXPECT_EQ(-E2BIG, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	arg = exchange_of(&frame, KSALLOC_MAX_FRAMES + 1);
	EXPECT_EQ(-E2BIG, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	arg = exchange_of(&frame, 0);
	arg.nr_give = KSALLOC_MAX_FRAMES + 1;
	EXPECT_EQ(-E2BIG, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	arg.nr_give = 1;
	EXPECT_EQ(-EFAULT, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	arg.nr_give = KSALLOC_MAX_FRAMES;
	EXPECT_EQ(-EFAULT, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	/* Nothing to do */
	arg.nr_give = 0;
	EXPECT_EQ(0, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	EXPECT_EQ(-ESTALE, reader_export(reader, 0, 0));
	EXPECT_EQ(-EINVAL, reader_export(reader, FRAMES, 1));
	EXPECT_EQ(-EINVAL, reader_export(reader, 0xffffffff, 1));
	close(reader);
}

/* K8: epoll reports frames while there are some, and each new one if it is edge-triggered. */
TEST_F(readers, epoll)
{
	struct epoll_event edge = { .events = EPOLLIN | EPOLLET }, level = { .events = EPOLLIN };
	int reader = reader_open(self->connection, 2, 0, 0);
	int edges = epoll_create1(EPOLL_CLOEXEC), levels = epoll_create1(EPOLL_CLOEXEC), i;
	struct ksalloc_reader_frame frame = { };
	struct epoll_event event;

	ASSERT_LE(0, reader);
	ASSERT_EQ(0, epoll_ctl(edges, EPOLL_CTL_ADD, reader, &edge));
	ASSERT_EQ(0, epoll_ctl(levels, EPOLL_CTL_ADD, reader, &level));
	for (i = 0; i < 2 * FRAMES; i++) {
		ASSERT_EQ(1, epoll_wait(edges, &event, 1, PATIENCE_MS));
		EXPECT_EQ(EPOLLIN, event.events);
		ASSERT_EQ(1, epoll_wait(levels, &event, 1, PATIENCE_MS));
		EXPECT_EQ(EPOLLIN, event.events);
		ASSERT_EQ(1, take(reader, &frame));
		ASSERT_EQ(0, give(reader, &frame));
	}
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	while (take_now(reader, &frame) == 1) {
		ASSERT_EQ(0, give(reader, &frame));
		epoll_wait(edges, &event, 1, 0);
	}
	EXPECT_EQ(0, epoll_wait(levels, &event, 1, 0));
	EXPECT_EQ(0, epoll_wait(edges, &event, 1, 0));
	close(edges);
	close(levels);
	close(reader);
}

/* K1, K8: a frame that cannot be described stays the next one. */
TEST_F(readers, fault_loses_nothing)
{
	int reader = reader_open(self->connection, 3, 0, 0);
	struct ksalloc_reader_frame frame = { }, last, *edge;
	struct ksalloc_exchange arg;
	const long page = sysconf(_SC_PAGESIZE);
	unsigned char *pages;
	int i;

	ASSERT_LE(0, reader);
	pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(pages != MAP_FAILED);
	ASSERT_EQ(0, mprotect(pages + page, page, PROT_NONE));
	/* Room for one frame and a half */
	edge = (void *)(pages + page - sizeof(frame) * 3 / 2 / 8 * 8);
	ASSERT_EQ(1, take(reader, &frame));
	for (i = 0; i < 5; i++) {
		last = frame;
		ASSERT_EQ(0, give(reader, &frame));
		arg = exchange_of((void *)(pages + page), 1);
		EXPECT_EQ(-EFAULT, call_fd(reader, KSALLOC_EXCHANGE, &arg));
		arg = exchange_of(edge, 2);
		EXPECT_EQ(1, call_fd(reader, KSALLOC_EXCHANGE, &arg));
		EXPECT_TRUE(follows(edge, &last));
		EXPECT_EQ(0, edge->lost);
		ASSERT_EQ(1, take(reader, &frame));
		EXPECT_TRUE(follows(&frame, edge));
		EXPECT_EQ(0, frame.lost);
		ASSERT_EQ(0, give(reader, edge));
	}
	munmap(pages, 2 * page);
	close(reader);
}

/* A larger element of a later version is filled with zeros. */
TEST_F(readers, larger_element)
{
	int reader = reader_open(self->connection, 2, 0, 0);
	struct {
		struct ksalloc_reader_frame frame;
		unsigned char more[40];
	} elements[2];
	struct ksalloc_exchange arg;
	unsigned int i;

	ASSERT_LE(0, reader);
	memset(elements, 0xa5, sizeof(elements));
	arg = exchange_of(&elements[0].frame, 2);
	arg.take_size = sizeof(elements[0]);
	ASSERT_EQ(2, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	/* On a busy machine, the camera can skip a picture */
	EXPECT_LT(elements[0].frame.sequence, elements[1].frame.sequence);
	for (i = 0; i < sizeof(elements[0].more); i++)
		EXPECT_EQ(0, elements[0].more[i] | elements[1].more[i]);
	close(reader);
}
