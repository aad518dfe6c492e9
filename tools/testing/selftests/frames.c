// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of an allocator: ALLOC, FREE, EXPORT and poll. waiting.c tests waiting calls,
 * and open.c open files.
 */
#include "frames.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#define PAGE ((unsigned int)getpagesize())

/* B1: each frame can be allocated once, and no more frames than there are. */
TEST_F(frames, alloc_all)
{
	bool seen[FRAMES] = { false };
	int i, index;

	for (i = 0; i < FRAMES; i++) {
		EXPECT_EQ(i, allocated(self->allocator));
		index = alloc_now(self->allocator);
		ASSERT_LE(0, index);
		ASSERT_GT(FRAMES, index);
		EXPECT_FALSE(seen[index]);
		seen[index] = true;
	}
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(0, free_frame(self->allocator, i));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_LE(0, alloc_now(self->allocator));
}

/* B1: ALLOC returns a dma-buf if it is requested, and -1 otherwise. */
TEST_F(frames, alloc_dmabuf)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF,
		.dmabuf_fd = 77,
	};
	struct ksalloc_status status = { 0 };
	int fds = count_fds();

	ASSERT_EQ(0, get_status(self->allocator, &status));
	ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
	ASSERT_LE(0, arg.dmabuf_fd);
	EXPECT_EQ(fds + 1, count_fds());
	EXPECT_EQ(FD_CLOEXEC, fcntl(arg.dmabuf_fd, F_GETFD));
	EXPECT_EQ(status.frame_bytes, lseek(arg.dmabuf_fd, 0, SEEK_END));
	close(arg.dmabuf_fd);

	arg.flags = 0;
	arg.dmabuf_fd = 77;
	ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
	EXPECT_EQ(-1, arg.dmabuf_fd);
	EXPECT_EQ(fds, count_fds());
}

/* A4: ALLOC without a free descriptor for the dma-buf keeps no frame. */
TEST_F(frames, alloc_dmabuf_no_descriptor)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF,
	};
	struct rlimit limit;
	rlim_t before;
	int top = dup(self->rig.video), alloc, export;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	before = limit.rlim_cur;
	limit.rlim_cur = top + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	alloc = call_fd(self->allocator, KSALLOC_ALLOC, &arg);
	export = export_frame(self->allocator, 0);
	limit.rlim_cur = before;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, alloc);
	EXPECT_EQ(-EMFILE, export);
	EXPECT_EQ(0, allocated(self->allocator));
	take_all(self->allocator);
}

/* The frame that has been free the longest is allocated first. */
TEST_F(frames, longest_free_first)
{
	int i;

	take_all(self->allocator);
	for (i = FRAMES - 1; i >= 0; i--)
		ASSERT_EQ(0, free_frame(self->allocator, i));
	for (i = FRAMES - 1; i >= 0; i--) {
		struct ksalloc_alloc arg = { .size = sizeof(arg) };

		ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
		EXPECT_EQ(i, (int)arg.index);
	}
}

/*
 * A4: ALLOC that finds no frame does not keep a descriptor number: the next descriptor gets
 * the same number as without the call.
 */
TEST_F(frames, alloc_dmabuf_failed)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF | KSALLOC_NONBLOCK,
	};
	int before, after;

	take_all(self->allocator);
	before = dup(self->rig.video);
	ASSERT_LE(0, before);
	ASSERT_EQ(0, close(before));
	EXPECT_EQ(-EAGAIN, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
	after = dup(self->rig.video);
	EXPECT_EQ(before, after);
	close(after);
}

/* B6: a frame has the same dma-buf each time, from ALLOC and from EXPORT. */
TEST_F(frames, dmabuf_identity)
{
	unsigned long long inodes[FRAMES];
	int i, j, round, fd;

	for (i = 0; i < FRAMES; i++) {
		fd = export_frame(self->allocator, i);
		ASSERT_LE(0, fd);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		inodes[i] = inode_of(fd);
		close(fd);
		for (j = 0; j < i; j++)
			EXPECT_NE(inodes[j], inodes[i]);
	}
	for (round = 0; round < 3 * FRAMES; round++) {
		struct ksalloc_alloc arg = {
			.size = sizeof(arg),
			.flags = KSALLOC_ALLOC_DMABUF,
		};

		ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
		EXPECT_EQ(inodes[arg.index], inode_of(arg.dmabuf_fd));
		close(arg.dmabuf_fd);
		fd = export_frame(self->allocator, arg.index);
		ASSERT_LE(0, fd);
		EXPECT_EQ(inodes[arg.index], inode_of(fd));
		close(fd);
		ASSERT_EQ(0, free_frame(self->allocator, arg.index));
	}
}

/* B6: the content of a frame is not changed by FREE and ALLOC. */
TEST_F(frames, content_persists)
{
	struct ksalloc_status status = { 0 };
	__u32 *maps[FRAMES];
	int i, fd, index;

	ASSERT_EQ(0, get_status(self->allocator, &status));
	for (i = 0; i < FRAMES; i++) {
		fd = export_frame(self->allocator, i);
		ASSERT_LE(0, fd);
		maps[i] = map_frame(fd, status.frame_bytes,
				    PROT_READ | PROT_WRITE);
		close(fd);
		/* New memory contains only zeros. */
		EXPECT_EQ(0, maps[i][0]);
		EXPECT_EQ(0, maps[i][status.frame_bytes / 4 - 1]);
	}
	take_all(self->allocator);
	for (i = 0; i < FRAMES; i++) {
		maps[i][0] = 0x1000 + i;
		maps[i][status.frame_bytes / 4 - 1] = 0x2000 + i;
		EXPECT_EQ(0, free_frame(self->allocator, i));
	}
	for (i = 0; i < FRAMES; i++) {
		__u32 *map;

		index = alloc_now(self->allocator);
		ASSERT_LE(0, index);
		fd = export_frame(self->allocator, index);
		ASSERT_LE(0, fd);
		map = map_frame(fd, status.frame_bytes, PROT_READ);
		EXPECT_EQ(0x1000 + index, map[0]);
		EXPECT_EQ(0x2000 + index, map[status.frame_bytes / 4 - 1]);
		maps[index][1] = 0x3000 + index;
		EXPECT_EQ(0x3000 + index, map[1]);
		close(fd);
	}
}

/* EXPORT returns any frame, free or allocated, and refuses other indexes. */
TEST_F(frames, export_range)
{
	static const __u32 wrong[] = {
		FRAMES, FRAMES + 1, 1024, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	int fds = count_fds(), index, fd, i;

	index = alloc_now(self->allocator);
	ASSERT_LE(0, index);
	for (i = 0; i < FRAMES; i++) {
		fd = export_frame(self->allocator, i);
		EXPECT_LE(0, fd);
		close(fd);
	}
	for (i = 0; i < (int)ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, export_frame(self->allocator, wrong[i]));
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(1, allocated(self->allocator));
}

/* B7: a frame's memory exists as long as it is in use, and not longer. */
TEST_F(frames, dmabuf_outlives_allocator)
{
	int before = count_dmabufs() - FRAMES;
	int fd = export_frame(self->allocator, 1);
	char *map;

	ASSERT_LE(0, fd);
	map = map_frame(fd, PAGE, PROT_READ | PROT_WRITE);
	map[0] = 42;
	rig_close(&self->rig);
	memset(&self->rig, 0, sizeof(self->rig));
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before + 1));
	EXPECT_EQ(42, map[0]);
	close(fd);
	EXPECT_EQ(42, map[0]);
	munmap(map, PAGE);
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before));
}

/* B5: a second FREE is refused and changes nothing. */
TEST_F(frames, double_free)
{
	int index = alloc_now(self->allocator);
	int other = alloc_now(self->allocator);

	ASSERT_LE(0, index);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, free_frame(self->allocator, index));
	EXPECT_EQ(-EINVAL, free_frame(self->allocator, index));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(0, free_frame(self->allocator, other));
	EXPECT_EQ(-EINVAL, free_frame(self->allocator, other));
	EXPECT_EQ(0, allocated(self->allocator));
	/* No frame is on the free list twice. */
	take_all(self->allocator);
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
}

/* B5: a frame that was never allocated cannot be freed. */
TEST_F(frames, free_of_a_free_frame)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(-EINVAL, free_frame(self->allocator, i));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* B5: an index out of range is refused. */
TEST_F(frames, free_out_of_range)
{
	static const __u32 wrong[] = {
		FRAMES, FRAMES + 1, 1024, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	unsigned int i;

	take_all(self->allocator);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, free_frame(self->allocator, wrong[i]));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* B5: a frame of another allocator is not freed by its index. */
TEST_F(frames, free_foreign)
{
	int other = create_allocator(self->rig.connection, self->rig.heap,
				     FRAMES + 2, 0);
	int i;

	need_heap();
	ASSERT_LE(0, other);
	for (i = 0; i < FRAMES + 2; i++)
		ASSERT_LE(0, alloc_now(other));
	for (i = 0; i < FRAMES + 2; i++)
		EXPECT_EQ(-EINVAL, free_frame(self->allocator, i));
	EXPECT_EQ(FRAMES + 2, allocated(other));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* B5: a frame in a device can be neither freed nor allocated. */
TEST_F(frames, free_in_device)
{
	int index = alloc_now(self->allocator), i;

	ASSERT_LE(0, index);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(self->rig.connection, index));
	EXPECT_EQ(-EBUSY, free_frame(self->allocator, index));
	EXPECT_EQ(1, in_device(self->allocator));
	EXPECT_EQ(1, allocated(self->allocator));
	for (i = 0; i < FRAMES - 1; i++)
		EXPECT_NE(index, alloc_now(self->allocator));
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
	EXPECT_EQ(-EBUSY, free_frame(self->allocator, index));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EINVAL, free_frame(self->allocator, index));
}

/* FREE accepts an allocated frame, whichever open file holds it. */
TEST_F(frames, free_by_another_client)
{
	struct agent agent;
	int index, theirs;

	agent_start(&agent);
	theirs = agent_open(&agent, self->allocator);
	index = alloc_now(self->allocator);
	ASSERT_LE(0, index);
	EXPECT_EQ(0, agent_free(&agent, theirs, index));
	EXPECT_EQ(0, allocated(self->allocator));
	index = agent_alloc(&agent, theirs);
	ASSERT_LE(0, index);
	EXPECT_EQ(0, free_frame(self->allocator, index));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* E1: poll reports EPOLLIN while a frame is free, and only then. */
TEST_F(frames, poll)
{
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, 0));
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, 0));
	take_all(self->allocator);
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 20));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, 0));
}

static void *free_later(void *data)
{
	const int *allocator = data;

	sleep_ms(50);
	free_frame(*allocator, 1);
	return NULL;
}

/* E1: a freed frame wakes poll, select and epoll. */
TEST_F(frames, poll_wakes)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int epoll = epoll_create1(0);
	pthread_t thread;
	fd_set set;

	take_all(self->allocator);
	ASSERT_EQ(0, pthread_create(&thread, NULL, free_later,
				    &self->allocator));
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, PATIENCE_MS));
	pthread_join(thread, NULL);

	ASSERT_EQ(1, alloc_now(self->allocator));
	ASSERT_EQ(0, pthread_create(&thread, NULL, free_later,
				    &self->allocator));
	FD_ZERO(&set);
	FD_SET(self->allocator, &set);
	EXPECT_EQ(1, select(self->allocator + 1, &set, NULL, NULL, &patience));
	pthread_join(thread, NULL);

	ASSERT_EQ(1, alloc_now(self->allocator));
	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->allocator, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, free_later,
				    &self->allocator));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE_MS));
	EXPECT_EQ(EPOLLIN, event.events);
	pthread_join(thread, NULL);
}

/* E1: edge-triggered epoll reports each frame that becomes free. */
TEST_F(frames, epoll_edges)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0), i;

	take_all(self->allocator);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->allocator, &event));
	for (i = 0; i < FRAMES; i++) {
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		ASSERT_EQ(0, free_frame(self->allocator, i));
		EXPECT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE_MS));
	}
}

/* E1: a frame that is given directly to a waiter is not reported as free. */
TEST_F(frames, poll_beside_waiter)
{
	struct ksalloc_alloc arg;
	struct call call;

	take_all(self->allocator);
	start_waiter(&call, &arg, self->allocator, 1);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
}

/* E1: frames of a dead process wake pollers as well. */
TEST_F(frames, poll_wakes_on_death)
{
	struct agent agent;

	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, agent_open(&agent, self->allocator)));
	take_all(self->allocator);
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
	agent_kill(&agent);
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, PATIENCE_MS));
}

/* G1: processes pass frames to each other; none is lost or given to two holders. */
TEST_F_TIMEOUT(frames, passed_around, 60)
{
	struct agent agents[2];
	int round, i, index, theirs[2];

	for (i = 0; i < 2; i++) {
		agent_start(&agents[i]);
		theirs[i] = agent_open(&agents[i], self->allocator);
	}
	for (round = 0; round < 50; round++) {
		bool seen[FRAMES] = { false };

		for (i = 0; i < FRAMES; i++) {
			index = agent_alloc(&agents[i % 2], theirs[i % 2]);
			ASSERT_LE(0, index);
			ASSERT_FALSE(seen[index]);
			seen[index] = true;
		}
		ASSERT_EQ(-EAGAIN, agent_alloc(&agents[0], theirs[0]));
		for (i = 0; i < FRAMES; i++)
			ASSERT_EQ(0, free_frame(self->allocator, i));
	}
	EXPECT_EQ(0, allocated(self->allocator));
}
