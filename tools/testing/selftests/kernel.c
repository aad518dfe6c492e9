// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel-mode clients, with a test module: the direct interface in every context, together
 * with processes. kernel_create.c tests allocators that the kernel creates, kernel_device.c
 * devices of other drivers.
 */
#include "direct.h"

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "ioctls.h"

/* C1, C2, B1: in each context it gets free frames, and NULL immediately if there is none. */
TEST_F(direct, alloc_everywhere)
{
	int context, i;

	for (context = 0; context < CLIENT_CONTEXTS; context++) {
		for (i = 0; i < FRAMES; i++)
			EXPECT_EQ(i, client_alloc(self->client, context));
		EXPECT_EQ(FRAMES, allocated(self->allocator));
		EXPECT_EQ(-EAGAIN, client_alloc(self->client, context));
		EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
		for (i = 0; i < FRAMES; i++)
			EXPECT_EQ(0, client_free(self->client, context, i));
		EXPECT_EQ(0, allocated(self->allocator));
	}
}

/*
 * C1, C3: when a frame is freed in any context, the waiting request gets it, or poll, an
 * eventfd and the callback are notified, in that context. With PREEMPT_RT an interrupt is
 * threaded.
 */
TEST_F(direct, free_is_heard_of)
{
	struct ksalloc_enable_event event = {
		.size = sizeof(event),
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.eventfd = eventfd(0, EFD_NONBLOCK),
	};
	int context, i;

	ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ENABLE_EVENT, &event));
	for (context = 0; context < CLIENT_CONTEXTS; context++) {
		struct client_told before, after;
		struct ksalloc_alloc arg;
		struct call call;
		uint64_t count;

		for (i = 0; i < FRAMES; i++)
			ASSERT_LE(0, client_alloc(self->client, context));
		before = client_told(self->client);
		start_waiter(&call, &arg, self->allocator, 1);
		ASSERT_EQ(0, client_free(self->client, context, 2));
		EXPECT_EQ(0, call_result(&call));
		EXPECT_EQ(2, arg.index);
		after = client_told(self->client);
		EXPECT_EQ(before.times, after.times);
		EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
		EXPECT_EQ(-1, read(event.eventfd, &count, sizeof(count)));

		ASSERT_EQ(0, client_free(self->client, context, 3));
		after = client_told(self->client);
		EXPECT_EQ(before.times + 1, after.times);
		EXPECT_EQ(before.in_hardirq +
			  (context == CLIENT_HARDIRQ && !is_realtime_kernel()),
			  after.in_hardirq);
		EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, 0));
		ASSERT_EQ(8, read(event.eventfd, &count, sizeof(count)));
		EXPECT_EQ(1, count);
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, client_free(self->client, context, i));
		ASSERT_EQ(0, free_frame(self->allocator, 2));
		ASSERT_EQ(8, read(event.eventfd, &count, sizeof(count)));
	}
}

/*
 * C1: the callback is not called before the client has enabled it, and is called for each
 * frame after that.
 */
TEST_F(direct, callbacks_begin)
{
	int quiet = open_sample(CLIENT_DEVICE), i;

	ASSERT_EQ(0, call_fd(quiet, CLIENT_ATTACH_QUIET,
			     (void *)(long)self->allocator));
	for (i = 1; i <= 3; i++) {
		if (i == 2)
			ASSERT_EQ(0, call_fd(quiet, CLIENT_ENABLE, NULL));
		ASSERT_EQ(i - 1, client_alloc(quiet, CLIENT_PROCESS));
		ASSERT_EQ(0, client_free(quiet, CLIENT_PROCESS, i - 1));
		EXPECT_EQ(i, client_told(self->client).times);
		EXPECT_EQ(i - 1, client_told(quiet).times);
	}
	close(quiet);
}

/* C3: the callback may allocate the frame that became free, also in a hard interrupt. */
TEST_F(direct, callback_allocates)
{
	int context, index;

	for (context = 0; context < CLIENT_CONTEXTS; context++) {
		struct client_told told;

		index = client_alloc(self->client, context);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, call_fd(self->client, CLIENT_TAKE, (void *)1));
		ASSERT_EQ(0, client_free(self->client, context, index));
		told = client_told(self->client);
		EXPECT_EQ(context + 1, (int)told.taken);
		EXPECT_EQ(1, allocated(self->allocator));
		EXPECT_EQ(0, client_free(self->client, context, told.last));
		EXPECT_EQ(0, allocated(self->allocator));
	}
}

/*
 * B5: the direct interface frees frames of all holders, and no frame that must not be
 * freed.
 */
TEST_F(direct, wrong_frees)
{
	int context, index;

	for (context = 0; context < CLIENT_CONTEXTS; context++) {
		EXPECT_EQ(-EINVAL, client_free(self->client, context, 0));
		EXPECT_EQ(-EINVAL, client_free(self->client, context, FRAMES));
		EXPECT_EQ(-EINVAL, client_free(self->client, context, -1));
		index = alloc_now(self->allocator);
		ASSERT_LE(0, index);
		EXPECT_EQ(0, client_free(self->client, context, index));
		EXPECT_EQ(-EINVAL, client_free(self->client, context, index));
		EXPECT_EQ(-EINVAL, free_frame(self->allocator, index));
	}
	index = alloc_now(self->allocator);
	ASSERT_LE(0, index);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(self->rig.connection, index));
	for (context = 0; context < CLIENT_CONTEXTS; context++)
		EXPECT_EQ(-EBUSY, client_free(self->client, context, index));
	EXPECT_EQ(1, in_device(self->allocator));
	EXPECT_EQ(1, allocated(self->allocator));
}

/*
 * B5, C4: processes can neither free nor submit a frame that a kernel client holds, through
 * any open file and descriptor: EBUSY. After the kernel has freed it, it is like any other
 * frame.
 */
TEST_F(direct, not_freed_by_processes)
{
	int index = client_alloc(self->client, CLIENT_HARDIRQ);
	int other = allocator_open(self->allocator), dmabuf;

	ASSERT_LE(0, index);
	dmabuf = export_frame(self->allocator, index);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	EXPECT_EQ(-EBUSY, free_frame(self->allocator, index));
	EXPECT_EQ(-EBUSY, free_frame(other, index));
	EXPECT_EQ(-EBUSY, submit(self->rig.connection, index));
	EXPECT_EQ(-EBUSY, submit_fd(self->rig.connection, index, dmabuf));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(0, in_device(self->allocator));
	EXPECT_EQ(0, client_told(self->client).times);

	ASSERT_EQ(0, client_free(self->client, CLIENT_HARDIRQ, index));
	EXPECT_EQ(0, allocated(self->allocator));
	take_all(other);
	EXPECT_EQ(0, submit_fd(self->rig.connection, index, dmabuf));
	close(dmabuf);
	close(other);
}

/*
 * B2, B3, C4: requests of threads, a process and a kernel client wait in one queue and are
 * served in order, and no later request of either kind overtakes them.
 */
TEST_F(direct, one_queue)
{
	struct ksalloc_alloc first, fourth;
	struct ksalloc_alloc third = { .size = sizeof(third) };
	struct call calls[4];
	struct agent agent;
	__u64 never = 0;
	int i;

	agent_start(&agent);
	for (i = 0; i < FRAMES; i++)
		ASSERT_LE(0, client_alloc(self->client, i));
	start_waiter(&calls[0], &first, self->allocator, 1);
	start_client_wait(&calls[1], self->client, &never, self->allocator, 2);
	agent_begin(&agent, self->allocator, KSALLOC_ALLOC, &third,
		    sizeof(third));
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 3));
	start_waiter(&calls[3], &fourth, self->allocator, 4);

	for (i = 0; i < CLIENT_CONTEXTS; i++)
		EXPECT_EQ(-EAGAIN, client_alloc(self->client, i));
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));

	/* Each free serves the request that has waited the longest. */
	ASSERT_EQ(0, client_free(self->client, CLIENT_HARDIRQ, 3));
	EXPECT_EQ(0, call_result(&calls[0]));
	EXPECT_EQ(3, first.index);
	EXPECT_EQ(3, waiters(self->allocator));
	ASSERT_EQ(0, client_free(self->client, CLIENT_PROCESS, 2));
	EXPECT_EQ(2, call_result(&calls[1]));
	EXPECT_EQ(2, waiters(self->allocator));
	ASSERT_EQ(0, client_free(self->client, CLIENT_TIMER, 1));
	EXPECT_EQ(0, agent_end(&agent, &third, sizeof(third)));
	EXPECT_EQ(1, third.index);
	EXPECT_EQ(1, waiters(self->allocator));
	ASSERT_EQ(0, client_free(self->client, CLIENT_WORK, 0));
	EXPECT_EQ(0, call_result(&calls[3]));
	EXPECT_EQ(0, fourth.index);
	EXPECT_EQ(0, client_told(self->client).times);
	agent_exit(&agent);
}

static void on_signal(int number)
{
	(void)number;
}

/*
 * B4: a deadline, a signal, a close and a death in the middle of the queue end only those
 * requests. The frames are given to the requests behind them.
 */
TEST_F(direct, gaps_in_the_queue)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct ksalloc_alloc first, last, doomed = { .size = sizeof(doomed) };
	struct ksalloc_alloc timed = { .size = sizeof(timed) };
	struct call calls[5];
	struct agent agent;
	__u64 soon, never = 0;
	int i;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	agent_start(&agent);
	for (i = 0; i < FRAMES; i++)
		ASSERT_LE(0, client_alloc(self->client, CLIENT_PROCESS));
	start_waiter(&calls[0], &first, self->allocator, 1);
	start_client_wait(&calls[1], self->client, &never, self->allocator, 2);
	soon = in_ms(2000);
	start_client_wait(&calls[2], self->client, &soon, self->allocator, 3);
	agent_begin(&agent, self->allocator, KSALLOC_ALLOC, &doomed,
		    sizeof(doomed));
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 4));
	timed.deadline_ns = in_ms(2000);
	call_start(&calls[3], self->allocator, KSALLOC_ALLOC, &timed);
	ASSERT_TRUE(call_waits(&calls[3]));
	last = (struct ksalloc_alloc){ .size = sizeof(last) };
	call_start(&calls[4], self->allocator, KSALLOC_ALLOC, &last);

	EXPECT_EQ(-ETIMEDOUT, call_result(&calls[2]));
	EXPECT_EQ(-ETIMEDOUT, call_result(&calls[3]));
	agent_kill(&agent);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 3));
	ASSERT_EQ(0, pthread_kill(calls[1].thread, SIGUSR1));
	EXPECT_EQ(-EINTR, call_result(&calls[1]));
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 2));

	ASSERT_EQ(0, client_free(self->client, CLIENT_HARDIRQ, 0));
	EXPECT_EQ(0, call_result(&calls[0]));
	ASSERT_EQ(0, client_free(self->client, CLIENT_HARDIRQ, 1));
	EXPECT_EQ(0, call_result(&calls[4]));
	EXPECT_EQ(0, first.index);
	EXPECT_EQ(1, last.index);
	EXPECT_EQ(0, waiters(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/*
 * B4, B7, C5: a client that ends cancels its requests, and its frames are given to waiting
 * requests. Frames of other holders are not affected.
 */
TEST_F(direct, detach)
{
	struct ksalloc_alloc arg;
	struct call calls[2];
	__u64 never = 0;
	int i, ours = alloc_now(self->allocator);

	ASSERT_LE(0, ours);
	for (i = 0; i < FRAMES - 1; i++)
		ASSERT_LE(0, client_alloc(self->client, CLIENT_HARDIRQ));
	start_client_wait(&calls[0], self->client, &never, self->allocator, 1);
	start_waiter(&calls[1], &arg, self->allocator, 2);
	ASSERT_EQ(0, client_detach(self->client));
	EXPECT_EQ(-ECANCELED, call_result(&calls[0]));
	EXPECT_EQ(0, call_result(&calls[1]));
	EXPECT_NE(ours, (int)arg.index);
	EXPECT_EQ(2, allocated(self->allocator));
	EXPECT_EQ(0, waiters(self->allocator));
	EXPECT_EQ(-ENXIO, client_alloc(self->client, CLIENT_PROCESS));
	EXPECT_EQ(0, free_frame(self->allocator, ours));
}

/*
 * B7: frames in the device stay there when a client is destroyed, and its own frames cannot be
 * submitted.
 */
TEST_F(direct, detach_with_frames_in_device)
{
	int theirs = client_alloc(self->client, CLIENT_PROCESS);
	int ours = alloc_now(self->allocator);

	ASSERT_LE(0, theirs);
	ASSERT_LE(0, ours);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(self->rig.connection, ours));
	EXPECT_EQ(-EBUSY, submit(self->rig.connection, theirs));
	ASSERT_EQ(0, client_detach(self->client));
	EXPECT_EQ(1, in_device(self->allocator));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(-EINVAL, submit(self->rig.connection, theirs));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* Closing an owner of one interface does not affect frames of owners of the other. */
TEST_F(direct, owners)
{
	int other = open_sample(CLIENT_DEVICE);
	struct agent agent;

	ASSERT_EQ(0, client_attach(other, self->allocator));
	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, agent_open(&agent, self->allocator)));
	ASSERT_LE(0, client_alloc(self->client, CLIENT_HARDIRQ));
	ASSERT_LE(0, client_alloc(other, CLIENT_TIMER));
	ASSERT_LE(0, alloc_now(self->allocator));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 3));
	close(other);
	/* The agent had it too, so it may become free slightly later. */
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 2));
	ASSERT_EQ(0, client_detach(self->client));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(0, free_frame(self->allocator, 3));
}

/*
 * C5: the client keeps the allocator when all descriptors are closed, but not the frames
 * that were allocated through them. The frames end with the client.
 */
TEST_F(direct, keeps_the_allocator)
{
	struct footprint before;
	int allocator, other, i, back;

	need_heap();
	ASSERT_EQ(0, client_detach(self->client));
	footprint_take(&before);
	allocator = create_allocator(self->rig.connection, self->rig.heap,
				     FRAMES, 0);
	ASSERT_LE(0, allocator);
	other = allocator_open(allocator);
	ASSERT_LE(0, other);
	ASSERT_LE(0, alloc_now(other));
	ASSERT_EQ(0, client_attach(self->client, allocator));
	close(allocator);
	close(other);
	EXPECT_EQ(before.dmabufs + FRAMES, count_dmabufs());
	for (i = 0; i < FRAMES; i++)
		ASSERT_LE(0, client_alloc(self->client, CLIENT_HARDIRQ));
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, client_free(self->client, CLIENT_HARDIRQ, i));
	back = call_fd(self->client, CLIENT_FD, NULL);
	ASSERT_LE(0, back);
	EXPECT_EQ(0, allocated(back));
	close(back);
	ASSERT_EQ(0, client_detach(self->client));
	EXPECT_FOOTPRINT(&before);
}

/* A5: files that are not allocators are refused. */
TEST_F(direct, attach_to_others)
{
	const int fds[] = { self->rig.connection, self->rig.heap,
			    self->rig.ksalloc, self->rig.video, self->client };
	unsigned int i;

	ASSERT_EQ(0, client_detach(self->client));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		/* The heap is -1 on some kernels */
		if (fds[i] >= 0)
			EXPECT_EQ(-EINVAL, client_attach(self->client, fds[i]));
}

/* C6: no ioctl of an allocator gives access to the direct interface. */
TEST_F(direct, not_for_processes)
{
	char arg[4096] = { 0 };
	unsigned int nr;

	for (nr = 0; nr <= _IOC_NRMASK; nr++) {
		unsigned long request = _IO(KSALLOC_TYPE, nr);
		const struct ioctl_entry *known = ioctl_find(request);

		*(__u32 *)arg = sizeof(arg);
		if (!known || known->file != FILE_ALLOCATOR)
			EXPECT_EQ(-ENOTTY, call_fd(self->allocator, request,
						   arg));
	}
}

/*
 * The kernel writes through its mapping of a frame, and a process reads this in its own
 * mapping.
 */
TEST_F(direct, kernel_mapping)
{
	int i;

	for (i = 0; i < FRAMES; i++) {
		struct client_write write = {
			.index = i,
			.word = 0x12345678 + i,
		};
		int dmabuf = export_frame(self->allocator, i);
		__u32 *map = map_frame(dmabuf, 4096, PROT_READ);

		ASSERT_EQ(0, call_fd(self->client, CLIENT_WRITE, &write));
		EXPECT_EQ(write.word, read_word(map));
		munmap(map, 4096);
		close(dmabuf);
	}
}

/* Frames that processes and the kernel share, and marks of their holders */
struct quarrel {
	int allocator; /* of FRAMES frames */
	__u32 *word[FRAMES];
	atomic_int clashes;
	atomic_int got;
	atomic_bool stop;
	atomic_uint next_mark;
};

/* Shared with child processes */
static struct quarrel *quarrel_create(int allocator)
{
	struct quarrel *quarrel;
	int i;

	quarrel = mmap(NULL, sizeof(*quarrel), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(quarrel != MAP_FAILED);
	quarrel->allocator = allocator;
	quarrel->next_mark = 1;
	for (i = 0; i < FRAMES; i++) {
		int dmabuf = export_frame(allocator, i);

		quarrel->word[i] = map_frame(dmabuf, 4096,
					     PROT_READ | PROT_WRITE);
		*quarrel->word[i] = 0;
		close(dmabuf);
	}
	return quarrel;
}

static bool change_word(__u32 *word, __u32 from, __u32 to)
{
	return __atomic_compare_exchange_n(word, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Every other thread waits for frames, sometimes with a deadline */
static void *quarrel_thread(void *data)
{
	struct quarrel *quarrel = data;
	__u32 mark = quarrel->next_mark++;
	unsigned int rnd = mark;

	while (!quarrel->stop) {
		int index;

		if (mark % 2)
			index = alloc_frame(quarrel->allocator, 0,
					    in_ms(rand_r(&rnd) % 3 * 10));
		else
			index = alloc_now(quarrel->allocator);
		if (index < 0) {
			if (index != -EAGAIN && index != -ETIMEDOUT &&
			    index != -EINTR)
				quarrel->clashes++;
			continue;
		}
		quarrel->got++;
		if (!change_word(quarrel->word[index], 0, mark) ||
		    !change_word(quarrel->word[index], mark, 0))
			quarrel->clashes++;
		if (free_frame(quarrel->allocator, index))
			quarrel->clashes++;
	}
	return NULL;
}

/* Signals threads from time to time until it is stopped */
struct nuisance {
	struct quarrel *quarrel;
	pthread_t *threads;
	unsigned int n;
};

static void *quarrel_nuisance(void *data)
{
	struct nuisance *nuisance = data;
	unsigned int i = 0;

	while (!nuisance->quarrel->stop) {
		pthread_kill(nuisance->threads[i++ % nuisance->n], SIGUSR1);
		sleep_ms(3);
	}
	return NULL;
}

#define QUARREL_THREADS 4
#define STORM_ROUNDS 1000

/*
 * C1, C2, C4, B3, B4: a kernel client in all four contexts at the same time, threads that
 * wait with and without a deadline, are interrupted, or do not wait, and a process share
 * four frames for thousands of rounds. No frame has two holders, none is lost, and no
 * request is left.
 */
TEST_F_TIMEOUT(direct, storm, 120)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct client_storm storm = {
		.contexts = (1 << CLIENT_CONTEXTS) - 1,
		.rounds = STORM_ROUNDS,
		.mark = 0x1000,
	};
	unsigned int got[CLIENT_CONTEXTS] = { 0 }, least, storms = 0;
	pthread_t threads[QUARREL_THREADS], bother;
	struct nuisance nuisance;
	struct quarrel *quarrel;
	unsigned int i;
	int status;
	pid_t pid;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	quarrel = quarrel_create(self->allocator);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		quarrel_thread(quarrel);
		_exit(0);
	}
	for (i = 0; i < QUARREL_THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, quarrel_thread,
					    quarrel));
	nuisance = (struct nuisance){ quarrel, threads, QUARREL_THREADS };
	ASSERT_EQ(0, pthread_create(&bother, NULL, quarrel_nuisance,
				    &nuisance));

	/* Other requests wait in the queue, so sometimes a context gets no frame. */
	do {
		ASSERT_EQ(0, call_fd(self->client, CLIENT_STORM, &storm));
		ASSERT_EQ(0, storm.clashes);
		least = -1;
		for (i = 0; i < CLIENT_CONTEXTS; i++) {
			got[i] += storm.allocated[i];
			least = got[i] < least ? got[i] : least;
		}
	} while (!least && ++storms < 10);
	quarrel->stop = true;
	pthread_join(bother, NULL);
	for (i = 0; i < QUARREL_THREADS; i++)
		pthread_join(threads[i], NULL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	EXPECT_EQ(0, quarrel->clashes);
	EXPECT_LT(0, quarrel->got);
	EXPECT_LT(0, least);
	EXPECT_EQ(0, waiters(self->allocator));
	EXPECT_EQ(0, allocated(self->allocator));
	harness_note("process %u, work %u, timer %u, hard interrupt %u; threads %d",
		     got[0], got[1], got[2], got[3], quarrel->got);
}

struct turnover {
	int allocator;
	atomic_bool stop;
	atomic_int turns;
};

/* A client that is created and destroyed while other threads free frames */
static void *turnover_thread(void *data)
{
	struct turnover *turnover = data;
	int client = open_sample(CLIENT_DEVICE);

	while (!turnover->stop) {
		ASSERT_EQ(0, client_attach(client, turnover->allocator));
		client_alloc(client, CLIENT_PROCESS);
		ASSERT_EQ(0, client_detach(client));
		turnover->turns++;
	}
	close(client);
	return NULL;
}

/*
 * C5: clients with callbacks are created and destroyed while another one frees frames in
 * hard interrupts and elsewhere: no callback is called after the end, and their frames
 * become free each time.
 */
TEST_F_TIMEOUT(direct, come_and_go, 120)
{
	struct client_storm storm = {
		.contexts = (1 << CLIENT_CONTEXTS) - 1,
		.rounds = STORM_ROUNDS,
		.mark = 0x1000,
	};
	struct turnover turnover = { .allocator = self->allocator };
	pthread_t threads[2];
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, turnover_thread,
					    &turnover));
	do
		ASSERT_EQ(0, call_fd(self->client, CLIENT_STORM, &storm));
	while (turnover.turns < 20);
	turnover.stop = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, storm.clashes);
	EXPECT_EQ(0, allocated(self->allocator));
	harness_note("%d clients came and went", turnover.turns);
}
