// SPDX-License-Identifier: GPL-2.0-only
/*
 * Concurrent calls: calls during close, during other calls and during changes of the state;
 * processes that are killed at any point. The tests pass if no call hangs, the kernel logs
 * no warning, and no frame, descriptor or dma-buf is leaked.
 */
#define FRAMES 6
#define READERS_WITHOUT_FIXTURE
#include "readers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

FIXTURE(races) {
	struct rig rig;
	int connection, allocator;
};

FIXTURE_SETUP(races)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
}

FIXTURE_TEARDOWN(races)
{
	rig_close(&self->rig);
}

/* The duration of a race that has no other end. It is longer on kernels with many checks */
static unsigned int race_ms(void)
{
	return is_debug_kernel() || !access("/sys/kernel/debug/kcsan", F_OK) ?
		2000 : 1000;
}

/* What threads do: any call; nothing; or they all use the same reader of a stream that goes on */
enum phase { ANY, REST, READ };

/* Threads that run until they are told to end */
struct crowd {
	const struct races_fixture *self;
	atomic_bool stop;
	atomic_int phase;
	/* Threads that have nothing to do in REST, and make no call of ANY any more */
	atomic_int resting;
	atomic_int calls;
	/* Frames that readers took */
	atomic_int taken;
	int connection, allocator, reader;
};

struct member {
	struct crowd *crowd;
	unsigned int seed;
	bool rests;
};

static unsigned int pick(struct member *member, unsigned int below)
{
	return rand_r(&member->seed) % below;
}

/*
 * Takes a frame, and gives it back, unless it is to be @kept at times. The reader can be used by
 * others at the same time
 */
static void use_reader(struct member *member, int reader, bool kept)
{
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg = exchange_of(&frame, 1);

	arg.wait_for = pick(member, 2);
	arg.deadline_ns = in_ms(pick(member, 20));
	if (call_fd(reader, KSALLOC_EXCHANGE, &arg) != 1)
		return;
	member->crowd->taken++;
	if (pick(member, 4))
		close(reader_export(reader, frame.index, frame.generation));
	if (!kept || pick(member, 8))
		give(reader, &frame);
}

/* A reader that ends with or without frames, or is not given back to another thread */
static void use_own_reader(struct member *member, int connection)
{
	int reader = reader_open(connection, 1 + pick(member, 2), pick(member, 3),
				 pick(member, 3) ? 0 : KSALLOC_READER_NEWEST);

	if (reader < 0)
		return;
	use_reader(member, reader, true);
	use_reader(member, reader, true);
	close(reader);
}

/* Any call, mostly with valid arguments */
static void any_call(struct member *member, int connection, int allocator)
{
	const struct races_fixture *self = member->crowd->self;
	struct ksallocator_framing framing;
	struct ksalloc_status status;
	int fd = -1;

	switch (pick(member, 20)) {
	case 0:
		get_framing(connection, &framing);
		break;
	case 1:
		if (!pick(member, 10))
			fd = create_allocator(connection, self->rig.heap, 2,
					      0);
		break;
	case 2:
		set_allocator(connection, pick(member, 4) ? allocator : -1);
		break;
	case 3:
		set_state(connection, pick(member, 4));
		break;
	case 4:
		set_state(connection, KSSTATE_RUN);
		break;
	case 5:
		get_state(connection);
		break;
	case 6:
	case 7:
		submit(connection, pick(member, FRAMES));
		break;
	case 8:
		complete(connection, pick(member, 2), in_ms(pick(member, 20)),
			 NULL);
		break;
	case 9:
	case 10:
		alloc_frame(allocator, pick(member, 2), in_ms(pick(member, 5)));
		break;
	case 11:
		free_frame(allocator, pick(member, FRAMES));
		break;
	case 12:
		fd = export_frame(allocator, pick(member, FRAMES + 1));
		break;
	case 13:
		get_status(allocator, &status);
		poll_fd(connection, POLLIN, 0);
		poll_fd(allocator, POLLIN, 0);
		break;
	case 14:
		fd = open_again(pick(member, 2) ? connection : allocator);
		break;
	case 15:
		connection_cancel(connection);
		allocator_cancel(allocator);
		break;
	case 16:
		/* A stream that begins explicitly does not circulate */
		set_state(connection, KSSTATE_ACQUIRE);
		circulate(connection, KSSTATE_RUN);
		break;
	case 17:
		circulate(connection, pick(member, 2) ? KSSTATE_PAUSE : KSSTATE_RUN);
		break;
	case 18:
		use_reader(member, member->crowd->reader, true);
		break;
	case 19:
		use_own_reader(member, connection);
		break;
	}
	if (fd >= 0)
		close(fd);
	member->crowd->calls++;
}

static void rest(struct member *member)
{
	if (!member->rests)
		member->crowd->resting++;
	member->rests = true;
	sleep_ms(1);
}

static void *any_calls(void *data)
{
	struct member *member = data;
	struct crowd *crowd = member->crowd;

	while (!crowd->stop) {
		if (crowd->phase == ANY)
			any_call(member, crowd->connection, crowd->allocator);
		else if (crowd->phase == READ)
			use_reader(member, crowd->reader, false);
		else
			rest(member);
	}
	return NULL;
}

/* A descriptor of the open file, or of another one, with this number */
static void reopen(int fd, int number, bool another)
{
	int other = another ? open_again(fd) : fd;

	dup2(other, number);
	if (another)
		close(other);
}

/* Replaces the descriptors that the other threads use. */
static void *close_and_dup(void *data)
{
	struct member *member = data;
	struct crowd *crowd = member->crowd;

	while (!crowd->stop) {
		if (crowd->phase != ANY) {
			rest(member);
			continue;
		}
		close(crowd->connection);
		if (pick(member, 2))
			sleep_ms(1);
		reopen(crowd->self->connection, crowd->connection,
		       pick(member, 2));
		close(crowd->allocator);
		if (pick(member, 2))
			sleep_ms(1);
		reopen(crowd->self->allocator, crowd->allocator,
		       pick(member, 2));
	}
	return NULL;
}

#define MEMBERS 5

/*
 * Whatever the calls have done, the reader that all have used gets frames of the next stream. All
 * threads take them, and nobody ends the stream, so each frame comes around.
 */
static void read_together(struct races_fixture *self, struct crowd *crowd)
{
	int i, end;

	crowd->phase = REST;
	ASSERT_TRUE(EVENTUALLY(crowd->resting == MEMBERS));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	for (i = 0; i < FRAMES; i++)
		free_frame(self->allocator, i);
	/* Ends the frames that the reader has kept */
	ASSERT_EQ(0, set_allocator(self->connection, -1));
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	end = crowd->taken + FRAMES + 1;
	crowd->phase = READ;
	EXPECT_TRUE(EVENTUALLY(crowd->taken >= end));
}

static void run_crowd(struct races_fixture *self, void *(*first)(void *),
		      unsigned int ms)
{
	struct crowd crowd = {
		.self = self,
		.connection = 200,
		.allocator = 201,
		.reader = reader_open(self->connection, 2, 0, 0),
	};
	struct member members[MEMBERS];
	pthread_t threads[MEMBERS];
	int i;

	ASSERT_LE(0, crowd.reader);
	ASSERT_EQ(200, dup2(self->connection, 200));
	ASSERT_EQ(201, dup2(self->allocator, 201));
	for (i = 0; i < MEMBERS; i++) {
		members[i] = (struct member){ .crowd = &crowd, .seed = i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL,
					    i ? any_calls : first,
					    &members[i]));
	}
	sleep_ms(ms);
	read_together(self, &crowd);
	atomic_store(&crowd.stop, true);
	for (i = 0; i < MEMBERS; i++)
		pthread_join(threads[i], NULL);
	close(200);
	close(201);
	close(crowd.reader);
	harness_note("%d calls, %d frames taken", crowd.calls, crowd.taken);
	EXPECT_LT(100, crowd.calls);
}

/* Checks that a capture with all frames is possible. */
static void expect_all_is_well(struct races_fixture *self)
{
	int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, in_device(self->allocator));
	for (i = 0; i < FRAMES; i++)
		free_frame(self->allocator, i);
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(0, waiters(self->allocator));
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < FRAMES; i++)
		rig_turn(&self->rig, NULL);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* All calls at the same time from several threads. */
TEST_F(races, calls)
{
	struct footprint before;

	footprint_take(&before);
	run_crowd(self, any_calls, race_ms());
	EXPECT_FOOTPRINT(&before);
	expect_all_is_well(self);
}

/* All calls while their descriptors are closed and made again. */
TEST_F(races, calls_and_close)
{
	struct footprint before;

	footprint_take(&before);
	run_crowd(self, close_and_dup, race_ms());
	EXPECT_FOOTPRINT(&before);
	expect_all_is_well(self);
}

static void release_video(int video)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_requestbuffers none = { .type = type, .memory = V4L2_MEMORY_MMAP };

	call_fd(video, VIDIOC_STREAMOFF, &type);
	call_fd(video, VIDIOC_REQBUFS, &none);
}

static void *use_video(void *data)
{
	struct member *member = data;
	int video = member->crowd->self->rig.video;
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_requestbuffers request = { .type = type };
	struct v4l2_buffer buffer = {
		.type = type,
		.memory = V4L2_MEMORY_DMABUF,
	};

	while (!member->crowd->stop) {
		if (member->crowd->phase != ANY) {
			if (!member->rests)
				release_video(video);
			rest(member);
			continue;
		}
		sleep_ms(pick(member, 5));
		switch (pick(member, 6)) {
		case 0:
			call_fd(video, VIDIOC_STREAMOFF, &type);
			break;
		case 1:
			call_fd(video, VIDIOC_STREAMON, &type);
			break;
		case 2:
			request.memory = pick(member, 2) ? V4L2_MEMORY_DMABUF :
							   V4L2_MEMORY_MMAP;
			request.count = pick(member, 4);
			call_fd(video, VIDIOC_REQBUFS, &request);
			break;
		case 3:
			/* Not poll(): it would start read() on an idle queue. */
			call_fd(video, VIDIOC_DQBUF, &buffer);
			break;
		case 4:
			buffer.index = pick(member, FRAMES);
			call_fd(video, VIDIOC_QBUF, &buffer);
			break;
		case 5:
			set_format(video, 320, 180);
			break;
		}
	}
	release_video(video);
	return NULL;
}

/* All calls while another program uses the V4L2 file. */
TEST_F(races, calls_and_video)
{
	/* So that DQBUF does not block its thread. */
	ASSERT_EQ(0, fcntl(self->rig.video, F_SETFL, O_NONBLOCK));
	run_crowd(self, use_video, race_ms());
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	expect_all_is_well(self);
}

/* A whole capture in its own process. It ends only when it is killed. */
static void capture_until_killed(const struct races_fixture *self)
{
	struct rig rig = self->rig;

	rig.allocator = allocator_open(rig.allocator);
	rig.connection = do_connect(rig.ksalloc, open_camera(0));
	if (rig.connection < 0 || set_allocator(rig.connection, rig.allocator))
		_exit(1);
	/* The process before may not have released the device yet. */
	while (set_state(rig.connection, KSSTATE_RUN))
		sleep_ms(1);
	for (;;) {
		int index = alloc_frame(rig.allocator, 0, in_ms(5));

		if (index >= 0)
			submit(rig.connection, index);
		index = complete(rig.connection, 0, in_ms(5), NULL);
		if (index >= 0 && index % 2)
			submit(rig.connection, index);
		else if (index >= 0)
			free_frame(rig.allocator, index);
	}
}

/* B7: a process is killed at any point of a capture: every frame becomes free. */
TEST_F_TIMEOUT(races, killed_captures, 90)
{
	struct footprint before;
	unsigned int seed = 1;
	int round, busy = 0;

	need_heap();
	close(self->connection);
	self->rig.connection = 0;
	footprint_take(&before);
	for (round = 0; round < 50; round++) {
		unsigned int ms = rand_r(&seed) % 60;
		pid_t pid = fork();
		int status;

		ASSERT_LE(0, pid);
		if (!pid)
			capture_until_killed(self);
		/* Most processes have a stream by then, but not all. */
		if (round % 5)
			ASSERT_TRUE(EVENTUALLY(in_device(self->allocator) > 0));
		sleep_ms(ms);
		busy += allocated(self->allocator) > 0;
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		ASSERT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
		ASSERT_EQ(0, waiters(self->allocator));
	}
	/* Some must have been killed during the stream. */
	EXPECT_LT(10, busy);
	EXPECT_FOOTPRINT(&before);
	self->connection = do_connect(self->rig.ksalloc, self->rig.video);
	ASSERT_LE(0, self->connection);
	self->rig.connection = self->connection;
	expect_all_is_well(self);
}

static void call_until_killed(struct member *member)
{
	const struct races_fixture *self = member->crowd->self;
	int connection = connection_open(self->connection);
	int allocator = allocator_open(self->allocator);

	member->crowd->reader = reader_open(connection, 1, 0, 0);
	for (;;)
		any_call(member, connection, allocator);
}

/* B7: processes with their own open files of both objects are killed. */
TEST_F_TIMEOUT(races, killed_sharers, 60)
{
	enum { PROCESSES = 3 };
	unsigned int seed = 2;
	int round, i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (round = 0; round < 15; round++) {
		pid_t pids[PROCESSES];

		for (i = 0; i < PROCESSES; i++) {
			struct crowd crowd = { .self = self };
			struct member member = {
				.crowd = &crowd,
				.seed = round * PROCESSES + i,
			};

			pids[i] = fork();
			ASSERT_LE(0, pids[i]);
			if (!pids[i])
				call_until_killed(&member);
		}
		sleep_ms(rand_r(&seed) % 60);
		for (i = 0; i < PROCESSES; i++)
			ASSERT_EQ(0, kill(pids[i], SIGKILL));
		for (i = 0; i < PROCESSES; i++)
			ASSERT_EQ(pids[i], waitpid(pids[i], NULL, 0));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
		ASSERT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
		ASSERT_EQ(0, waiters(self->allocator));
		ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	}
	expect_all_is_well(self);
}

/* An open file is cancelled and closed while another thread begins to wait or waits. */
TEST_F_TIMEOUT(races, cancel_against_complete, 60)
{
	int round, result, fd;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	for (round = 0; round < 100; round++) {
		struct ksalloc_complete frame = { .size = sizeof(frame) };
		struct call call;

		fd = connection_open(self->connection);
		ASSERT_LE(0, fd);
		call_start(&call, fd, KSALLOC_COMPLETE, &frame);
		if (round % 4)
			ASSERT_TRUE(EVENTUALLY(call.tid));
		else
			ASSERT_TRUE(call_waits(&call));
		/*
		 * Until the call has ended, because the first cancels can come before it
		 * waits.
		 */
		while (!call.done)
			ASSERT_EQ(0, connection_cancel(fd));
		result = call_result(&call);
		ASSERT_EQ(-ECANCELED, result);
		close(fd);
	}
	expect_all_is_well(self);
}

/* The same for an allocator and a call that waits for a free frame. */
TEST_F_TIMEOUT(races, cancel_against_alloc, 60)
{
	int round, fd;

	take_all(self->allocator);
	for (round = 0; round < 100; round++) {
		struct ksalloc_alloc arg = { .size = sizeof(arg) };
		struct call call;

		fd = allocator_open(self->allocator);
		ASSERT_LE(0, fd);
		call_start(&call, fd, KSALLOC_ALLOC, &arg);
		if (round % 4)
			ASSERT_TRUE(EVENTUALLY(call.tid));
		else
			ASSERT_TRUE(call_waits(&call));
		while (!call.done)
			ASSERT_EQ(0, allocator_cancel(fd));
		ASSERT_EQ(-ECANCELED, call_result(&call));
		close(fd);
	}
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	EXPECT_EQ(0, waiters(self->allocator));
	expect_all_is_well(self);
}

/*
 * B7: the last descriptor of an open file is closed while a call waits through it, and a
 * frame becomes free at the same time: the call gets it, and it becomes free with the file.
 */
TEST_F_TIMEOUT(races, close_against_alloc, 60)
{
	int round, result, fd;

	for (round = 0; round < 100; round++) {
		struct ksalloc_alloc arg = { .size = sizeof(arg) };
		struct call call;

		take_all(self->allocator);
		fd = allocator_open(self->allocator);
		ASSERT_LE(0, fd);
		call_start(&call, fd, KSALLOC_ALLOC, &arg);
		if (round % 4)
			ASSERT_TRUE(EVENTUALLY(call.tid));
		else
			ASSERT_TRUE(call_waits(&call));
		if (round % 2)
			close(fd);
		ASSERT_EQ(0, free_frame(self->allocator, round % FRAMES));
		if (round % 2 == 0)
			close(fd);
		result = call_result(&call);
		/* EBADF if the file was closed before the call */
		if (result)
			ASSERT_EQ(-EBADF, result);
		ASSERT_TRUE(EVENTUALLY(allocated(self->allocator) ==
				       FRAMES - 1));
		ASSERT_EQ(0, waiters(self->allocator));
	}
	expect_all_is_well(self);
}

static void *toggle(void *data)
{
	struct member *member = data;
	struct crowd *crowd = member->crowd;

	while (!crowd->stop) {
		set_state(crowd->self->connection, KSSTATE_PAUSE);
		set_state(crowd->self->connection, KSSTATE_RUN);
		if (!pick(member, 4))
			set_state(crowd->self->connection, KSSTATE_ACQUIRE);
		crowd->calls++;
		sleep_ms(pick(member, 3));
	}
	return NULL;
}

/*
 * I1, I4: changes of the state while frames are submitted and completed: each frame is
 * returned once, filled or free.
 */
TEST_F(races, state_against_stream)
{
	struct crowd crowd = { .self = self };
	struct member member = { .crowd = &crowd, .seed = 3 };
	unsigned long long end = in_ms(race_ms());
	int index, filled = 0, owned[FRAMES] = { 0 };
	pthread_t thread;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, pthread_create(&thread, NULL, toggle, &member));
	while (now_ns() < end) {
		while ((index = alloc_now(self->allocator)) >= 0) {
			ASSERT_EQ(0, owned[index]);
			owned[index] = 1;
			if (submit(self->connection, index)) {
				ASSERT_EQ(0, free_frame(self->allocator,
							index));
				owned[index] = 0;
				break;
			}
			owned[index] = 0;
		}
		index = complete(self->connection, 0, in_ms(20), NULL);
		if (index < 0)
			continue;
		filled++;
		ASSERT_EQ(0, owned[index]);
		ASSERT_EQ(0, free_frame(self->allocator, index));
	}
	atomic_store(&crowd.stop, true);
	pthread_join(thread, NULL);
	harness_note("%d frames, %d turns", filled, crowd.calls);
	EXPECT_LT(0, filled);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->allocator));
	expect_all_is_well(self);
}

static void *close_everything(void *data)
{
	atomic_bool *stop = data;
	int fd;

	while (!*stop)
		for (fd = 20; fd < 40; fd++)
			close(fd);
	return NULL;
}

/*
 * Descriptors that the module uses for a short time are closed or replaced by other files
 * during the calls. This affects only the process itself, and when it ends, everything that
 * was made ends too.
 */
TEST_F(races, stolen_descriptors)
{
	unsigned long long end = in_ms(race_ms());
	struct footprint before;
	pid_t pid;

	footprint_take(&before);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct races_fixture theirs = *self;
		atomic_bool stop = false;
		pthread_t thread;
		int fd;

		/* New descriptors get the numbers of closed ones. */
		for (fd = 0; fd >= 0 && fd < 19;)
			fd = dup(STDERR_FILENO);
		pthread_create(&thread, NULL, close_everything, &stop);
		while (now_ns() < end) {
			fd = create_allocator(theirs.connection,
					      theirs.rig.heap, 3, 0);
			if (fd >= 0) {
				alloc_frame(fd, KSALLOC_ALLOC_DMABUF |
					    KSALLOC_NONBLOCK, 0);
				export_frame(fd, 1);
			}
			set_state(theirs.connection, KSSTATE_ACQUIRE);
			set_state(theirs.connection, KSSTATE_RUN);
			fd = alloc_now(theirs.allocator);
			if (fd >= 0)
				submit_fd(theirs.connection, fd,
					  export_frame(theirs.allocator, fd));
			fd = alloc_now(theirs.allocator);
			if (fd >= 0)
				submit(theirs.connection, fd);
			complete(theirs.connection, 0, in_ms(10), NULL);
			set_state(theirs.connection, KSSTATE_STOP);
		}
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_FOOTPRINT(&before);
	expect_all_is_well(self);
}

static const int priorities[] = { V4L2_PRIORITY_BACKGROUND, V4L2_PRIORITY_INTERACTIVE };

static void *toggle_priority(void *data)
{
	const int *handle = data;
	int i, n = is_debug_kernel() ? 2000 : 50000;

	for (i = 0; i < n; i++)
		if (ioctl(*handle, VIDIOC_S_PRIORITY, &priorities[i % 2]))
			break;
	EXPECT_EQ(n, i);
	return NULL;
}

/*
 * A share counts the handles of each priority. The counts are right after a race: if one is
 * too low, the other one is too high, and the handle does not get the priority of one of them.
 */
TEST(priority_of_share)
{
	int ksalloc = open_ksalloc(), video = open_camera(0), share, i;
	struct ksalloc_share arg = { .size = sizeof(arg), .v4l2_fd = video };
	int handle, highest = 0;
	pthread_t threads[2];
	char path[32];

	ASSERT_EQ(0, set_format(video, 320, 180));
	share = ioctl(ksalloc, KSALLOC_SHARE, &arg);
	ASSERT_LE(0, share);
	snprintf(path, sizeof(path), "/dev/video%u", arg.node);
	handle = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, handle);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, toggle_priority, &handle));
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ioctl(handle, VIDIOC_S_PRIORITY, &priorities[i]));
		EXPECT_EQ(0, ioctl(handle, VIDIOC_G_PRIORITY, &highest));
		EXPECT_EQ(priorities[i], highest);
	}
	close(handle);
	close(share);
	close(video);
	close(ksalloc);
}
