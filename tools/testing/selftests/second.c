// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that got their descriptors over a socket and did not inherit any. The option -2
 * runs the other suites in such a process (remote.h). This suite tests the effects of
 * several processes on each other, and what -2 does not cover.
 */
#include "ksalloc_test.h"

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define FRAMES 4
#define PEERS 3

/* Number of calls of a process's signal handler, in shared memory */
static int *handled;

/* A process, and the numbers of its own open files */
struct peer {
	struct agent agent;
	int connection, allocator;
};

FIXTURE(second) {
	struct rig rig;
	int connection, allocator;
	struct peer peers[PEERS];
};

static void count_signal(int signal)
{
	(void)signal;
	__atomic_add_fetch(handled, 1, __ATOMIC_RELAXED);
}

static void handle_signals(void)
{
	struct sigaction restart = {
		.sa_handler = count_signal,
		.sa_flags = SA_RESTART,
	};
	struct sigaction interrupt = { .sa_handler = count_signal };

	ASSERT_EQ(0, sigaction(SIGUSR1, &restart, NULL));
	ASSERT_EQ(0, sigaction(SIGUSR2, &interrupt, NULL));
}

FIXTURE_SETUP(second)
{
	struct peer *peer;

	handled = mmap(NULL, sizeof(*handled), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, handled);
	handle_signals();
	/* Before there is a descriptor that they could inherit */
	for (peer = self->peers; peer < self->peers + PEERS; peer++)
		agent_start(&peer->agent);
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	for (peer = self->peers; peer < self->peers + PEERS; peer++) {
		peer->connection = agent_open(&peer->agent, self->connection);
		peer->allocator = agent_open(&peer->agent, self->allocator);
	}
}

FIXTURE_TEARDOWN(second)
{
	rig_close(&self->rig);
	repair_machine();
}

/* Makes a frame free. */
static void turn_over(int allocator)
{
	int index = alloc_now(allocator);

	ASSERT_LE(0, index);
	ASSERT_EQ(0, free_frame(allocator, index));
}

static void begin_alloc(struct peer *peer)
{
	agent_begin_alloc(&peer->agent, peer->allocator);
	ASSERT_TRUE(agent_waits(&peer->agent));
}

static int end_alloc(struct peer *peer)
{
	return agent_end_alloc(&peer->agent);
}

static int peer_alloc(struct peer *peer)
{
	return agent_alloc(&peer->agent, peer->allocator);
}

static int peer_free(struct peer *peer, unsigned int index)
{
	return agent_free(&peer->agent, peer->allocator, index);
}

static int peer_submit(struct peer *peer, unsigned int index)
{
	return agent_submit(&peer->agent, peer->connection, index);
}

static int peer_set_state(struct peer *peer, unsigned int state)
{
	struct ksalloc_set_state arg = { .size = sizeof(arg), .state = state };

	return agent_call(&peer->agent, peer->connection, KSALLOC_SET_STATE,
			  &arg, sizeof(arg));
}

static void begin_complete(struct peer *peer)
{
	agent_begin_complete(&peer->agent, peer->connection);
}

static int end_complete(struct peer *peer)
{
	return agent_end_complete(&peer->agent);
}

static void limit(struct peer *peer, int resource, rlim_t value)
{
	struct rlimit limit;

	ASSERT_EQ(0, prlimit(peer->agent.pid, resource, NULL, &limit));
	limit.rlim_cur = value;
	ASSERT_EQ(0, prlimit(peer->agent.pid, resource, &limit, NULL));
}

/*
 * B2, B3, G1: waiting calls in several processes are served in order, whichever process
 * frees.
 */
TEST_F(second, order_of_waiters)
{
	struct peer *peers = self->peers;
	int i;

	take_all(self->allocator);
	for (i = 0; i < PEERS; i++) {
		begin_alloc(&peers[i]);
		ASSERT_EQ(i + 1, waiters(self->allocator));
	}
	for (i = 0; i < PEERS; i++) {
		ASSERT_EQ(0, free_frame(self->allocator, PEERS - i));
		EXPECT_EQ(PEERS - i, end_alloc(&peers[i]));
	}
	/* One of them frees for another, and for this process. */
	begin_alloc(&peers[2]);
	ASSERT_EQ(0, peer_free(&peers[0], 3));
	EXPECT_EQ(3, end_alloc(&peers[2]));
	ASSERT_EQ(0, peer_free(&peers[1], 1));
	EXPECT_EQ(1, alloc_now(self->allocator));
}

/* B4: a killed waiter is skipped; the frame is given to the next. */
TEST_F(second, killed_waiter)
{
	struct peer *peers = self->peers;

	take_all(self->allocator);
	begin_alloc(&peers[0]);
	begin_alloc(&peers[1]);
	agent_kill(&peers[0].agent);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_EQ(0, free_frame(self->allocator, 2));
	EXPECT_EQ(2, end_alloc(&peers[1]));
}

/*
 * B4, B7: a process that closes its open file gets no frame any more and holds none. Frames
 * of others are not affected.
 */
TEST_F(second, passed_descriptor_closed)
{
	struct peer *peers = self->peers;

	ASSERT_EQ(0, peer_alloc(&peers[0]));
	ASSERT_EQ(1, peer_alloc(&peers[1]));
	ASSERT_EQ(2, alloc_now(self->allocator));
	ASSERT_EQ(0, agent_close(&peers[0].agent, peers[0].allocator));
	EXPECT_EQ(2, allocated(self->allocator));
	EXPECT_EQ(-EBADF, peer_alloc(&peers[0]));
	/* With two descriptors of one open file, the last close counts. */
	ASSERT_LE(0, agent_dup(&peers[1].agent, peers[1].allocator));
	ASSERT_EQ(0, agent_close(&peers[1].agent, peers[1].allocator));
	EXPECT_EQ(2, allocated(self->allocator));
	agent_kill(&peers[1].agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 1));
}

/*
 * B7: a process that got a passed descriptor, and no open file of its own, is the same
 * client: each process can free, submit and cancel for the other, and frames stay until
 * both have closed it.
 */
TEST_F(second, passed_on)
{
	struct ksalloc_cancel cancel = { .size = sizeof(cancel) };
	struct peer *peers = self->peers;
	int other = allocator_open(self->allocator), theirs[2], i;

	for (i = 0; i < 2; i++) {
		theirs[i] = agent_pass(&peers[i].agent, other);
		ASSERT_LE(0, theirs[i]);
	}
	close(other);
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(i, agent_alloc(&peers[i % 2].agent, theirs[i % 2]));
	agent_begin_alloc(&peers[0].agent, theirs[0]);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	ASSERT_EQ(0, agent_call(&peers[1].agent, theirs[1],
				KSALLOC_ALLOCATOR_CANCEL, &cancel,
				sizeof(cancel)));
	EXPECT_EQ(-ECANCELED, agent_end_alloc(&peers[0].agent));
	agent_kill(&peers[0].agent);
	sleep_ms(20);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	ASSERT_EQ(0, agent_close(&peers[1].agent, theirs[1]));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* B7: frames of a killed process become free, and are given to waiting calls. */
TEST_F(second, killed_owner)
{
	struct peer *peers = self->peers;
	int i;

	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(i, peer_alloc(&peers[0]));
	begin_alloc(&peers[1]);
	agent_kill(&peers[0].agent);
	EXPECT_LE(0, end_alloc(&peers[1]));
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 1));
}

/* A1, A4: a second process without a free descriptor creates nothing and leaks nothing. */
TEST_F(second, no_descriptor_left)
{
	struct ksalloc_create_allocator arg = {
		.size = sizeof(arg),
		.framing = self->rig.framing,
	};
	struct peer *peer = &self->peers[0];
	struct footprint before;
	int heap;

	need_heap();
	heap = agent_pass(&peer->agent, self->rig.heap);
	ASSERT_LE(0, heap);
	arg.heap_fd = heap;
	arg.framing.options_flags = usual_memory();
	footprint_take(&before);
	limit(peer, RLIMIT_NOFILE, heap + 1);
	EXPECT_EQ(-EMFILE, agent_call(&peer->agent, peer->connection,
				      KSALLOC_CREATE_ALLOCATOR, &arg,
				      sizeof(arg)));
	EXPECT_FOOTPRINT(&before);
	limit(peer, RLIMIT_NOFILE, heap + 9);
	EXPECT_EQ(heap + 1, agent_call(&peer->agent, peer->connection,
				       KSALLOC_CREATE_ALLOCATOR, &arg,
				       sizeof(arg)));
	/* It ends with the process that has it. */
	agent_kill(&peer->agent);
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before.dmabufs));
}

/* B1: a second process without a free descriptor for the dma-buf gets no frame. */
TEST_F(second, no_descriptor_for_frame)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF,
	};
	struct peer *peer = &self->peers[0];

	limit(peer, RLIMIT_NOFILE, peer->allocator + 1);
	EXPECT_EQ(-EMFILE, agent_call(&peer->agent, peer->allocator,
				      KSALLOC_ALLOC, &arg, sizeof(arg)));
	EXPECT_EQ(0, allocated(self->allocator));
	limit(peer, RLIMIT_NOFILE, peer->allocator + 9);
	EXPECT_EQ(0, agent_call(&peer->agent, peer->allocator, KSALLOC_ALLOC,
				&arg, sizeof(arg)));
	EXPECT_EQ(peer->allocator + 1, arg.dmabuf_fd);
}

/* B4: a signal without SA_RESTART ends the wait of a second process: EINTR. */
TEST_F(second, signal)
{
	struct peer *peers = self->peers;

	take_all(self->allocator);
	begin_alloc(&peers[0]);
	ASSERT_EQ(0, kill(peers[0].agent.pid, SIGUSR2));
	EXPECT_EQ(-EINTR, end_alloc(&peers[0]));
	EXPECT_EQ(0, waiters(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, alloc_now(self->allocator));
}

/* B3, B4: with SA_RESTART the call waits again, as the last. */
TEST_F(second, signal_restart_order)
{
	struct peer *peers = self->peers;

	take_all(self->allocator);
	begin_alloc(&peers[0]);
	begin_alloc(&peers[1]);
	ASSERT_EQ(0, kill(peers[0].agent.pid, SIGUSR1));
	ASSERT_TRUE(EVENTUALLY(__atomic_load_n(handled, __ATOMIC_RELAXED)));
	ASSERT_TRUE(agent_waits(&peers[0].agent));
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 2));
	ASSERT_EQ(0, free_frame(self->allocator, 3));
	EXPECT_EQ(3, end_alloc(&peers[1]));
	EXPECT_FALSE(agent_is_done(&peers[0].agent));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(1, end_alloc(&peers[0]));
}

/*
 * I1, I2, G1: one process allocates, the next submits, another one starts the device, and
 * this one completes. The process that got a frame last owns it.
 */
TEST_F(second, one_stream)
{
	struct peer *peers = self->peers;
	struct ksalloc_complete frame = { 0 };
	int i, index;

	ASSERT_EQ(0, peer_set_state(&peers[2], KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->connection));
	for (i = 0; i < 3; i++) {
		index = peer_alloc(&peers[0]);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, peer_submit(&peers[1], index));
		EXPECT_EQ(-EBUSY, peer_free(&peers[0], index));
		ASSERT_EQ(index, rig_complete(&self->rig, &frame));
		EXPECT_EQ(self->rig.framing.frame_size, frame.header.data_used);
		EXPECT_EQ(1, allocated(self->allocator));
		ASSERT_EQ(0, peer_free(&peers[2], index));
	}
	/* If that process completed the frame, it becomes free with that process. */
	index = alloc_now(self->allocator);
	ASSERT_EQ(0, submit(self->connection, index));
	begin_complete(&peers[0]);
	EXPECT_EQ(index, end_complete(&peers[0]));
	agent_kill(&peers[0].agent);
	EXPECT_TRUE(EVENTUALLY(!allocated(self->allocator)));
}

/* I4: a state below PAUSE ends waiting calls of another process. */
TEST_F(second, state_cancels_reader)
{
	struct peer *peers = self->peers;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	begin_complete(&peers[0]);
	begin_complete(&peers[1]);
	ASSERT_TRUE(agent_waits(&peers[0].agent));
	ASSERT_TRUE(agent_waits(&peers[1].agent));
	ASSERT_EQ(0, peer_set_state(&peers[2], KSSTATE_ACQUIRE));
	EXPECT_EQ(-ECANCELED, end_complete(&peers[0]));
	EXPECT_EQ(-ECANCELED, end_complete(&peers[1]));
}

/*
 * A1, B7, D5: objects exist while a second process has a descriptor of them, or one is in a
 * socket.
 */
TEST_F(second, outlives_the_first)
{
	struct peer *peer = &self->peers[0];
	struct ksalloc_status status = { .size = sizeof(status) };
	int i;

	for (i = 1; i < PEERS; i++)
		agent_kill(&self->peers[i].agent);
	ASSERT_EQ(0, close(self->connection));
	ASSERT_EQ(0, close(self->allocator));
	ASSERT_EQ(0, close(self->rig.video));
	self->rig.connection = -1;
	self->rig.allocator = -1;
	self->rig.video = -1;
	ASSERT_EQ(0, peer_set_state(peer, KSSTATE_RUN));
	ASSERT_EQ(0, peer_alloc(peer));
	ASSERT_EQ(0, peer_submit(peer, 0));
	begin_complete(peer);
	EXPECT_EQ(0, end_complete(peer));
	EXPECT_EQ(0, agent_call(&peer->agent, peer->allocator, KSALLOC_STATUS,
				&status, sizeof(status)));
	EXPECT_EQ(1, status.status.allocated_frames);
	agent_kill(&peer->agent);
	EXPECT_TRUE(EVENTUALLY(!count_dmabufs()));
}

/* D5: a second process assigns its own allocator, and removes it again. */
TEST_F(second, set_allocator)
{
	struct peer *peer = &self->peers[0];
	struct ksalloc_set_allocator arg = {
		.size = sizeof(arg),
		.allocator_fd = -1,
	};

	ASSERT_EQ(0, agent_call(&peer->agent, peer->connection,
				KSALLOC_SET_ALLOCATOR, &arg, sizeof(arg)));
	EXPECT_EQ(-EINVAL, set_state(self->connection, KSSTATE_ACQUIRE));
	arg.allocator_fd = peer->allocator;
	ASSERT_EQ(0, agent_call(&peer->agent, peer->connection,
				KSALLOC_SET_ALLOCATOR, &arg, sizeof(arg)));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	arg.allocator_fd = -1;
	EXPECT_EQ(-EBUSY, agent_call(&peer->agent, peer->connection,
				     KSALLOC_SET_ALLOCATOR, &arg, sizeof(arg)));
}

static unsigned long long count_of(int eventfd)
{
	unsigned long long count = 0;

	if (read(eventfd, &count, sizeof(count)) < 0)
		return 0;
	return count;
}

/* An eventfd that a process registers itself. The test has it too */
static void peer_enable_event(struct peer *peer, int eventfd)
{
	struct ksalloc_enable_event arg = {
		.size = sizeof(arg),
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
	};

	arg.eventfd = agent_pass(&peer->agent, eventfd);
	ASSERT_LE(0, arg.eventfd);
	ASSERT_EQ(0, agent_call(&peer->agent, peer->allocator,
				KSALLOC_ENABLE_EVENT, &arg, sizeof(arg)));
}

/*
 * E1: an event of a second process counts frames that other processes free. It ends with
 * the last descriptor of the allocator, or with the process.
 */
TEST_F(second, events)
{
	struct peer *peers = self->peers;
	int tells[2] = {
		eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
	};

	peer_enable_event(&peers[0], tells[0]);
	peer_enable_event(&peers[1], tells[1]);
	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(1, peer_alloc(&peers[2]));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, peer_free(&peers[2], 1));
	EXPECT_EQ(2, count_of(tells[0]));
	EXPECT_EQ(2, count_of(tells[1]));

	ASSERT_EQ(0, agent_close(&peers[0].agent, peers[0].allocator));
	turn_over(self->allocator);
	EXPECT_EQ(0, count_of(tells[0]));
	EXPECT_EQ(1, count_of(tells[1]));

	agent_kill(&peers[1].agent);
	turn_over(self->allocator);
	EXPECT_EQ(0, count_of(tells[1]));
}

/* E1: frames of a dying process are counted too. */
TEST_F(second, event_of_death)
{
	int tells = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	peer_enable_event(&self->peers[0], tells);
	ASSERT_EQ(0, peer_alloc(&self->peers[1]));
	ASSERT_EQ(1, peer_alloc(&self->peers[1]));
	agent_kill(&self->peers[1].agent);
	ASSERT_TRUE(EVENTUALLY(!allocated(self->allocator)));
	EXPECT_EQ(2, count_of(tells));
}
