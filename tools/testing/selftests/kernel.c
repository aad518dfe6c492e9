// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel-mode clients and devices of other drivers, by the sample modules: the
 * direct interface in every context, beside processes; and memory of a device's own.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <ksalloc-client/ksalloc-client.h>
#include <ksalloc-device/ksalloc-device.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAMES 4
#define CLIENT_DEVICE "/dev/ksalloc-client"
#define DEVICE_NODE "/dev/ksalloc-device"

static int unload(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) ? -errno : 0;
}

/* Nothing of it is in use, or becomes so in a moment */
static void expect_unload(const char *module)
{
	EXPECT_TRUE(EVENTUALLY(module_refs(module) == 0));
	EXPECT_EQ(0, unload(module));
}

static int open_sample(const char *path)
{
	int fd;

	ASSERT_TRUE(EVENTUALLY(!access(path, F_OK)));
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	return fd;
}

static int client_alloc(int client, enum client_context context)
{
	struct client_call call = { .context = context, .op = CLIENT_ALLOC };

	return call_fd(client, CLIENT_CALL, &call);
}

static int client_free(int client, enum client_context context,
		       unsigned int index)
{
	struct client_call call = {
		.context = context,
		.op = CLIENT_FREE,
		.index = index,
	};

	return call_fd(client, CLIENT_CALL, &call);
}

static int client_attach(int client, int allocator)
{
	return call_fd(client, CLIENT_ATTACH, (void *)(long)allocator);
}

static int client_detach(int client)
{
	return call_fd(client, CLIENT_DETACH, NULL);
}

static struct client_told client_told(int client)
{
	struct client_told told = { 0 };

	ASSERT_EQ(0, call_fd(client, CLIENT_TOLD, &told));
	return told;
}

static void start_alloc(struct call *call, struct ksalloc_alloc *arg,
			int allocator, int n)
{
	*arg = (struct ksalloc_alloc){ .size = sizeof(*arg) };
	call_start(call, allocator, KSALLOC_ALLOC, arg);
	ASSERT_TRUE(EVENTUALLY(waiters(allocator) == n));
}

static void start_client_wait(struct call *call, int client, __u64 *deadline,
			      int allocator, int n)
{
	call_start(call, client, CLIENT_WAIT, deadline);
	ASSERT_TRUE(EVENTUALLY(waiters(allocator) == n));
}

/* A camera, an allocator of FRAMES frames, and a kernel-mode client of it */
FIXTURE(direct) {
	struct rig rig;
	int allocator;
	int client;
};

FIXTURE_SETUP(direct)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->allocator = self->rig.allocator;
	ASSERT_EQ(0, system("modprobe ksalloc-client"));
	self->client = open_sample(CLIENT_DEVICE);
	ASSERT_EQ(0, client_attach(self->client, self->allocator));
}

FIXTURE_TEARDOWN(direct)
{
	if (self->client > 0)
		close(self->client);
	rig_close(&self->rig);
	expect_unload("ksalloc_client");
}

/* C1, C2, B1: in each context it gets frames that are free, and at once none. */
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
 * C1, C3: a frame that is freed in any context is heard of by the request that
 * waits, or else by poll, an eventfd and the callback, in that context.
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
		start_alloc(&call, &arg, self->allocator, 1);
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
		EXPECT_EQ(before.in_hardirq + (context == CLIENT_HARDIRQ),
			  after.in_hardirq);
		EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, 0));
		ASSERT_EQ(8, read(event.eventfd, &count, sizeof(count)));
		EXPECT_EQ(1, count);
		for (i = 0; i < 3; i++)
			ASSERT_EQ(0, free_frame(self->allocator, i));
		ASSERT_EQ(8, read(event.eventfd, &count, sizeof(count)));
	}
}

/* C3: the callback may take the frame that it is told of, in a hard interrupt too. */
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

/* B5: the direct interface frees whosever frame, and no frame that it must not. */
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
	index = client_alloc(self->client, CLIENT_PROCESS);
	ASSERT_LE(0, index);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(self->rig.connection, index));
	for (context = 0; context < CLIENT_CONTEXTS; context++)
		EXPECT_EQ(-EBUSY, client_free(self->client, context, index));
	EXPECT_EQ(1, in_device(self->allocator));
	EXPECT_EQ(1, allocated(self->allocator));
}

/* C4: a process frees a kernel client's frame; the frame is then free for both. */
TEST_F(direct, process_frees)
{
	int index = client_alloc(self->client, CLIENT_HARDIRQ);

	ASSERT_LE(0, index);
	EXPECT_EQ(0, free_frame(self->allocator, index));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(1, client_told(self->client).times);
}

/*
 * B2, B3, C4: requests of threads, a process and a kernel client wait in one queue,
 * are served in order, and no newcomer of either kind is served before them.
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
	start_alloc(&calls[0], &first, self->allocator, 1);
	start_client_wait(&calls[1], self->client, &never, self->allocator, 2);
	agent_begin(&agent, self->allocator, KSALLOC_ALLOC, &third,
		    sizeof(third));
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 3));
	start_alloc(&calls[3], &fourth, self->allocator, 4);

	for (i = 0; i < CLIENT_CONTEXTS; i++)
		EXPECT_EQ(-EAGAIN, client_alloc(self->client, i));
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));

	/* Each free serves one, the one that has waited longest. */
	ASSERT_EQ(0, client_free(self->client, CLIENT_HARDIRQ, 3));
	EXPECT_EQ(0, call_result(&calls[0]));
	EXPECT_EQ(3, first.index);
	EXPECT_EQ(3, waiters(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 2));
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
 * B4: a deadline, a signal, a close and a death in the middle of the queue end those
 * requests and no other; the frames go to who comes after them.
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
	start_alloc(&calls[0], &first, self->allocator, 1);
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
 * B4, B7, C5: a client that goes away cancels its requests, and its frames go to who
 * waits for them; the others' stay.
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
	start_alloc(&calls[1], &arg, self->allocator, 2);
	ASSERT_EQ(0, client_detach(self->client));
	EXPECT_EQ(-ECANCELED, call_result(&calls[0]));
	EXPECT_EQ(0, call_result(&calls[1]));
	EXPECT_NE(ours, (int)arg.index);
	EXPECT_EQ(2, allocated(self->allocator));
	EXPECT_EQ(0, waiters(self->allocator));
	EXPECT_EQ(-ENXIO, client_alloc(self->client, CLIENT_PROCESS));
	EXPECT_EQ(0, free_frame(self->allocator, ours));
}

/* B7: a frame of a client that is in the device stays there when the client goes. */
TEST_F(direct, detach_with_frame_in_device)
{
	int index = client_alloc(self->client, CLIENT_PROCESS);

	ASSERT_LE(0, index);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(self->rig.connection, index));
	ASSERT_EQ(0, client_detach(self->client));
	EXPECT_EQ(1, in_device(self->allocator));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* The owners of both interfaces are kept apart: neither's end takes the other's. */
TEST_F(direct, owners)
{
	int other = open_sample(CLIENT_DEVICE);
	struct agent agent;

	ASSERT_EQ(0, client_attach(other, self->allocator));
	agent_start(&agent);
	ASSERT_LE(0, agent_alloc(&agent, self->allocator));
	ASSERT_LE(0, client_alloc(self->client, CLIENT_HARDIRQ));
	ASSERT_LE(0, client_alloc(other, CLIENT_TIMER));
	ASSERT_LE(0, alloc_now(self->allocator));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 3));
	close(other);
	/* The agent had it, too; so perhaps it is a little later. */
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 2));
	ASSERT_EQ(0, client_detach(self->client));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(0, free_frame(self->allocator, 3));
}

/*
 * C5: the client keeps the allocator when all descriptors are closed, and the frames
 * end with the client.
 */
TEST_F(direct, keeps_the_allocator)
{
	struct footprint before;
	int allocator, i, back;

	ASSERT_EQ(0, client_detach(self->client));
	footprint_take(&before);
	allocator = create_allocator(self->rig.connection, self->rig.heap,
				     FRAMES, 0);
	ASSERT_LE(0, allocator);
	ASSERT_LE(0, alloc_now(allocator));
	ASSERT_EQ(0, client_attach(self->client, allocator));
	close(allocator);
	EXPECT_EQ(before.dmabufs + FRAMES, count_dmabufs());
	/* What the process had is free. */
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

/* A5: what is no allocator has no client. */
TEST_F(direct, attach_to_others)
{
	const int fds[] = { self->rig.connection, self->rig.heap,
			    self->rig.ksalloc, self->rig.video, self->client };
	unsigned int i;

	ASSERT_EQ(0, client_detach(self->client));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		EXPECT_EQ(-EINVAL, client_attach(self->client, fds[i]));
}

/* C6: the direct interface has no number among an allocator's ioctls. */
TEST_F(direct, not_for_processes)
{
	static const unsigned int known[] = {
		KSALLOC_CMD_ALLOC, KSALLOC_CMD_FREE, KSALLOC_CMD_EXPORT,
		KSALLOC_CMD_STATUS, 0x24, KSALLOC_CMD_ENABLE_EVENT,
		KSALLOC_CMD_DISABLE_EVENT,
	};
	char arg[4096] = { 0 };
	unsigned int nr, i;

	for (nr = 0; nr < 256; nr++) {
		*(__u32 *)arg = sizeof(arg);
		for (i = 0; i < ARRAY_SIZE(known); i++)
			if (known[i] == nr)
				break;
		if (i == ARRAY_SIZE(known))
			EXPECT_EQ(-ENOTTY, call_fd(self->allocator,
						   _IO(KSALLOC_TYPE, nr), arg));
	}
}

/* A word that somebody else writes */
static __u32 read_word(const __u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* What the kernel writes into its mapping of a frame, a process reads in its own. */
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

/* What processes and the kernel quarrel over, and the marks of who has a frame */
struct quarrel {
	int allocator; /* of FRAMES frames */
	__u32 *word[FRAMES];
	atomic_int clashes;
	atomic_int got;
	atomic_bool stop;
	atomic_uint next_mark;
};

/* Shared with children */
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

/* Every other thread waits for frames; sometimes not for long */
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

/* Signals threads now and then until told to stop */
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
#define QUARREL_ROUNDS 4000

/*
 * C1, C2, C4, B3, B4: a kernel client in all four contexts at the same time, threads
 * that wait with and without time, are interrupted, or do not wait, and a process
 * share four frames for thousands of rounds; no frame is ever had twice, none is
 * lost, and no request stays behind.
 */
TEST_F_TIMEOUT(direct, storm, 120)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct client_storm storm = {
		.contexts = (1 << CLIENT_CONTEXTS) - 1,
		.rounds = QUARREL_ROUNDS,
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

	/* Others wait in the queue, so that some context can go empty-handed. */
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

/* A client that comes and goes while others free frames */
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
 * C5: clients with callbacks come and go while another frees frames in hard interrupts
 * and elsewhere: no callback comes too late, and their frames come back each time.
 */
TEST_F_TIMEOUT(direct, come_and_go, 120)
{
	struct client_storm storm = {
		.contexts = (1 << CLIENT_CONTEXTS) - 1,
		.rounds = QUARREL_ROUNDS,
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

static int client_create(int client, int connection, int heap,
			 const struct ksallocator_framing *framing)
{
	struct client_create create = {
		.connection_fd = connection,
		.heap_fd = heap,
		.framing = *framing,
	};

	return call_fd(client, CLIENT_CREATE, &create);
}

/*
 * A2, A4: the kernel-mode version creates the same as the ioctl, and fails as that
 * does, with nothing left behind.
 */
TEST_F(direct, create)
{
	struct ksallocator_framing right = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = FRAMES,
		.frame_size = self->rig.framing.frame_size,
		.file_alignment = 63,
	};
	const struct {
		__u32 options, pool, frames, size, alignment, reserved;
	} wrong[] = {
		{ 4 | 2, 0, FRAMES, 0, 0, 0 },
		{ 2, 2, FRAMES, 0, 0, 0 },
		{ 2, 0, 1, 0, 0, 0 },
		{ 2, 0, KSALLOC_MAX_FRAMES + 1, 0, 0, 0 },
		{ 2, 0, FRAMES, 1, 0, 0 },
		{ 2, 0, FRAMES, 0xffffffff, 0, 0 },
		{ 2, 0, FRAMES, 0, 2, 0 },
		{ 2, 0, FRAMES, 0, 8191, 0 },
		{ 2, 0, FRAMES, 0, 0, 1 },
		{ 0, 0, FRAMES, 0, 0, 0 },
	};
	struct ksalloc_status ours = { 0 }, theirs = { 0 };
	struct footprint before;
	int fd, kernel, null = open("/dev/null", O_RDWR);
	unsigned int i;

	ASSERT_EQ(0, client_detach(self->client));
	footprint_take(&before);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct ksallocator_framing framing = {
			.options_flags = wrong[i].options,
			.pool_type = wrong[i].pool,
			.frames = wrong[i].frames,
			.frame_size = wrong[i].size,
			.file_alignment = wrong[i].alignment,
			.reserved = wrong[i].reserved,
		};
		int user = create_framed(self->rig.connection, self->rig.heap,
					 &framing);

		EXPECT_GT(0, user);
		EXPECT_EQ(user, client_create(self->client,
					      self->rig.connection,
					      self->rig.heap, &framing));
	}
	EXPECT_EQ(-EINVAL, client_create(self->client, self->rig.video,
					 self->rig.heap, &right));
	EXPECT_EQ(-EINVAL, client_create(self->client, self->allocator,
					 self->rig.heap, &right));
	EXPECT_EQ(-EINVAL, client_create(self->client, self->rig.connection,
					 null, &right));
	EXPECT_EQ(-EINVAL, client_create(self->client, self->rig.connection,
					 self->client, &right));
	EXPECT_EQ(-EINVAL, client_create(self->client, self->rig.connection,
					 -1, &right));
	EXPECT_FOOTPRINT(&before);

	ASSERT_EQ(0, client_create(self->client, self->rig.connection,
				   self->rig.heap, &right));
	kernel = call_fd(self->client, CLIENT_FD, NULL);
	fd = create_framed(self->rig.connection, self->rig.heap, &right);
	ASSERT_LE(0, kernel);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, get_status(kernel, &theirs));
	ASSERT_EQ(0, get_status(fd, &ours));
	EXPECT_EQ(0, memcmp(&ours, &theirs, sizeof(ours)));
	/* Its frames are good for the camera. */
	ASSERT_EQ(0, set_allocator(self->rig.connection, kernel));
	EXPECT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	close(kernel);
	close(fd);
	ASSERT_EQ(0, client_detach(self->client));
	EXPECT_FOOTPRINT(&before);
}

/* Whether the kernel's log has a text; from a place in it on */
static bool log_says(int log, const char *text)
{
	char record[8192];
	bool found = false;
	ssize_t got;

	while ((got = read(log, record, sizeof(record) - 1)) > 0 ||
	       (got < 0 && errno == EPIPE)) {
		if (got < 0)
			continue;
		record[got] = '\0';
		if (strstr(record, text))
			found = true;
	}
	return found;
}

static bool kernel_checks_sleep(void)
{
	char text[64];

	return read_text("/sys/module/ksalloc_client/parameters/sleep_is_checked",
			 text, sizeof(text)) > 0 && text[0] == 'Y';
}

/*
 * A3: creation where no one may sleep is caught by a kernel that looks; a kernel
 * that does not, skips this. The judge of the kernel's log knows this complaint.
 */
TEST_F(direct, atomic_context)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	ASSERT_LE(0, log);
	lseek(log, 0, SEEK_END);
	if (!kernel_checks_sleep())
		SKIP("no CONFIG_DEBUG_ATOMIC_SLEEP");
	EXPECT_EQ(-EINVAL, call_fd(self->client, CLIENT_BREAK_RULES, NULL));
	EXPECT_TRUE(log_says(log, "sleeping function called from invalid context"));
}

/* The sample device, a connection to it, and a kernel-mode client of nothing yet */
FIXTURE(device) {
	struct rig rig;
	int device;
	int connection;
	int client;
	struct ksallocator_framing own;
};

#define DEVICE_FRAME_SIZE 5000

static int device_connect(int device, unsigned int memory)
{
	struct device_connect arg = {
		.memory = memory,
		.frame_size = DEVICE_FRAME_SIZE,
	};

	return call_fd(device, DEVICE_CONNECT, &arg);
}

static struct device_counts device_counts(int device)
{
	struct device_counts counts = { 0 };

	ASSERT_EQ(0, call_fd(device, DEVICE_COUNTS, &counts));
	return counts;
}

FIXTURE_SETUP(device)
{
	rig_open(&self->rig, 0, 320, 180);
	ASSERT_EQ(0, system("modprobe ksalloc-client && modprobe ksalloc-device"));
	self->client = open_sample(CLIENT_DEVICE);
	self->device = open_sample(DEVICE_NODE);
	self->connection = device_connect(self->device, DEVICE_MEMORY_DMABUF);
	ASSERT_LE(0, self->connection);
	self->own = (struct ksallocator_framing){ .frames = FRAMES };
}

FIXTURE_TEARDOWN(device)
{
	struct device_counts counts;

	if (self->client > 0)
		close(self->client);
	if (self->connection > 0)
		close(self->connection);
	rig_close(&self->rig);
	if (self->device > 0) {
		/* What was begun is ended, and what was got is given back. */
		EXPECT_TRUE(EVENTUALLY(device_counts(self->device).buffers == 0));
		counts = device_counts(self->device);
		EXPECT_EQ(counts.initialized, counts.deleted);
		EXPECT_EQ(counts.allocated, counts.freed);
		close(self->device);
	}
	expect_unload("ksalloc_device");
	expect_unload("ksalloc_client");
}

/* F2, D3: a device of another driver has framing of its own. */
TEST_F(device, framing)
{
	struct ksallocator_framing framing;

	ASSERT_EQ(0, get_framing(self->connection, &framing));
	EXPECT_EQ(DEVICE_FRAME_SIZE, framing.frame_size);
	EXPECT_EQ(2, framing.frames);
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));
}

/* Streams through a connection: each frame has its own number in it */
static void expect_stream(int connection, int allocator, int frames)
{
	__u32 *map[KSALLOC_MAX_FRAMES];
	int i, index, expected;

	ASSERT_EQ(0, set_allocator(connection, allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_PAUSE));
	for (i = 0; i < frames; i++) {
		int dmabuf = export_frame(allocator, i);

		map[i] = map_frame(dmabuf, 4096, PROT_READ);
		close(dmabuf);
		index = alloc_now(allocator);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit(connection, index));
	}
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	for (i = 0; i < 3 * frames; i++) {
		struct ksalloc_complete out;

		ASSERT_EQ(POLLIN, poll_fd(connection, POLLIN, PATIENCE_MS));
		index = complete(connection, 0, in_ms(PATIENCE_MS), &out);
		ASSERT_LE(0, index);
		if (!i)
			expected = out.sequence;
		EXPECT_EQ(expected + i, (int)out.sequence);
		EXPECT_EQ(out.sequence, read_word(map[index]));
		EXPECT_EQ(4, out.header.data_used);
		ASSERT_EQ(0, submit(connection, index));
	}
	ASSERT_EQ(0, set_state(connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(allocator));
	ASSERT_EQ(0, set_allocator(connection, -1));
	for (i = 0; i < frames; i++)
		munmap(map[i], 4096);
}

/* A9, F2: an allocator of the device's own memory; the device knows it, and streams. */
TEST_F(device, own_memory)
{
	struct device_counts before = device_counts(self->device), after;
	struct ksalloc_status status = { 0 };
	int allocator;

	allocator = create_framed(self->connection, -1, &self->own);
	ASSERT_LE(0, allocator);
	after = device_counts(self->device);
	EXPECT_EQ(before.initialized + 1, after.initialized);
	EXPECT_EQ(before.allocated + FRAMES, after.allocated);
	ASSERT_EQ(0, get_status(allocator, &status));
	EXPECT_EQ(8192, status.frame_bytes);
	EXPECT_EQ(DEVICE_FRAME_SIZE, status.status.framing.frame_size);
	EXPECT_EQ(0, status.status.framing.options_flags);
	expect_stream(self->connection, allocator, FRAMES);
	EXPECT_EQ(after.recognized + 1, device_counts(self->device).recognized);
	close(allocator);
	after = device_counts(self->device);
	EXPECT_EQ(before.freed + FRAMES, after.freed);
	EXPECT_EQ(before.deleted + 1, after.deleted);
}

/* A9, G1: the same device takes frames of a heap, and others' memory. */
TEST_F(device, heap_memory)
{
	struct ksallocator_framing framing = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = FRAMES,
	};
	int allocator = create_framed(self->connection, self->rig.heap,
				      &framing);

	ASSERT_LE(0, allocator);
	expect_stream(self->connection, allocator, FRAMES);
	EXPECT_EQ(0, device_counts(self->device).recognized);
	close(allocator);
}

/* G1, H6: a device's own memory serves a camera too, if its framing suits that. */
TEST_F(device, own_memory_for_a_camera)
{
	struct ksalloc_complete out;
	int allocator, i;

	self->own.frame_size = self->rig.framing.frame_size;
	allocator = create_framed(self->connection, -1, &self->own);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, allocator));
	self->rig.allocator = allocator;
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	rig_submit_all(&self->rig);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	for (i = 0; i < 2 * FRAMES; i++)
		rig_turn(&self->rig, &out);
	EXPECT_EQ(self->rig.framing.frame_size, out.header.data_used);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
}

/* A9: a heap where the device's own memory is asked for, or none for a heap's: EINVAL. */
TEST_F(device, heap_or_not)
{
	struct ksallocator_framing system = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = FRAMES,
	};

	EXPECT_EQ(-EINVAL, create_framed(self->connection, self->rig.heap,
					 &self->own));
	EXPECT_EQ(-EBADF, create_framed(self->connection, -1, &system));
}

/* A9: a device that has no memory of its own: EOPNOTSUPP. */
TEST_F(device, no_memory)
{
	int bare = device_connect(self->device, DEVICE_MEMORY_NONE);

	ASSERT_LE(0, bare);
	EXPECT_EQ(-EOPNOTSUPP, create_framed(bare, -1, &self->own));
	EXPECT_EQ(-EOPNOTSUPP, client_create(self->client, bare, -1,
					     &self->own));
	close(bare);
}

/*
 * B7, F2: the allocator outlives its connection, the module stays as long, and the
 * memory is freed when the last of both is gone.
 */
TEST_F(device, allocator_outlives_connection)
{
	int allocator = create_framed(self->connection, -1, &self->own);
	int dmabuf, index;

	ASSERT_LE(0, allocator);
	close(self->connection);
	close(self->device);
	self->connection = 0;
	EXPECT_LT(0, module_refs("ksalloc_device"));
	EXPECT_EQ(-EWOULDBLOCK, unload("ksalloc_device"));
	index = alloc_now(allocator);
	EXPECT_LE(0, index);
	dmabuf = export_frame(allocator, index);
	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(0, free_frame(allocator, index));
	close(allocator);
	EXPECT_EQ(-EWOULDBLOCK, unload("ksalloc_device"));
	close(dmabuf);
	self->device = open_sample(DEVICE_NODE);
}

/* F2, A4: what each callback says is passed on, and what was done is undone. */
TEST_F(device, callbacks_fail)
{
	static const int errors[] = { -ENOMEM, -EIO, -ENOSPC, -EREMOTEIO };
	int i;

	for (i = -1; i < FRAMES; i++) {
		struct device_connect arg = {
			.memory = DEVICE_MEMORY_DMABUF,
			.frame_size = DEVICE_FRAME_SIZE,
			.failure = i < 0 ? DEVICE_FAILS_INITIALIZE :
				   DEVICE_FAILS_ALLOC,
			.fail_at = i,
			.error = errors[(i + 1) % ARRAY_SIZE(errors)],
		};
		struct device_counts before = device_counts(self->device), after;
		int failing = call_fd(self->device, DEVICE_CONNECT, &arg), kind;

		ASSERT_LE(0, failing);
		for (kind = 0; kind < 2; kind++)
			EXPECT_EQ(arg.error, kind ?
				  client_create(self->client, failing, -1,
						&self->own) :
				  create_framed(failing, -1, &self->own));
		after = device_counts(self->device);
		EXPECT_EQ(before.initialized + 2 * (i >= 0), after.initialized);
		EXPECT_EQ(before.deleted + 2 * (i >= 0), after.deleted);
		EXPECT_EQ(before.allocated + 2 * (i > 0 ? i : 0),
			  after.allocated);
		EXPECT_EQ(before.freed + 2 * (i > 0 ? i : 0), after.freed);
		EXPECT_EQ(0, after.buffers);
		close(failing);
	}
}

/*
 * F3: memory that never leaves the kernel is refused to a process, with all undone; a
 * kernel client has it, in every context; and a descriptor of that allocator is good
 * for nothing.
 */
TEST_F(device, kernel_only_memory)
{
	int kernel = device_connect(self->device, DEVICE_MEMORY_KERNEL);
	struct client_write write = { .index = 1, .word = 7 };
	struct ksalloc_status status = { .size = sizeof(status) };
	struct ksalloc_alloc alloc = { .size = sizeof(alloc) };
	struct device_counts counts;
	int fd, context;

	ASSERT_LE(0, kernel);
	EXPECT_EQ(-EOPNOTSUPP, create_framed(kernel, -1, &self->own));
	counts = device_counts(self->device);
	EXPECT_EQ(counts.initialized, counts.deleted);
	EXPECT_EQ(counts.allocated, counts.freed);
	EXPECT_EQ(0, counts.buffers);

	ASSERT_EQ(0, client_create(self->client, kernel, -1, &self->own));
	for (context = 0; context < CLIENT_CONTEXTS; context++)
		EXPECT_EQ(context, client_alloc(self->client, context));
	EXPECT_EQ(-EAGAIN, client_alloc(self->client, CLIENT_HARDIRQ));
	for (context = 0; context < CLIENT_CONTEXTS; context++)
		EXPECT_EQ(0, client_free(self->client, context, context));
	EXPECT_EQ(0, call_fd(self->client, CLIENT_WRITE, &write));

	fd = call_fd(self->client, CLIENT_FD, NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, call_fd(fd, KSALLOC_ALLOC, &alloc));
	EXPECT_EQ(-EOPNOTSUPP, call_fd(fd, KSALLOC_STATUS, &status));
	EXPECT_EQ(-EOPNOTSUPP, export_frame(fd, 0));
	EXPECT_EQ(-EOPNOTSUPP, set_allocator(kernel, fd));
	EXPECT_EQ(-EOPNOTSUPP, set_allocator(self->rig.connection, fd));
	close(fd);
	close(kernel);
}

/* I4, B7: a connection that is closed while it runs leaves nothing behind. */
TEST_F(device, close_while_running)
{
	int i, round;

	for (round = 0; round < 10; round++) {
		int connection = device_connect(self->device, DEVICE_MEMORY_DMABUF);
		int allocator = create_framed(connection, -1, &self->own);

		ASSERT_LE(0, connection);
		ASSERT_LE(0, allocator);
		ASSERT_EQ(0, set_allocator(connection, allocator));
		ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
		for (i = 0; i < FRAMES; i++) {
			ASSERT_LE(0, alloc_now(allocator));
			ASSERT_EQ(0, submit(connection, i));
		}
		sleep_ms(round * 2);
		close(connection);
		EXPECT_TRUE(EVENTUALLY(allocated(allocator) == 0));
		close(allocator);
	}
}
