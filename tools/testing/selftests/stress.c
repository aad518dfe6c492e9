// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stress tests: many processes are killed, the driver is unbound, and the module is loaded
 * and unloaded, repeatedly. The tests pass if nothing hangs, the kernel logs no warning,
 * and nothing is leaked. rough.h describes counts and seeds.
 */
#include "passing.h"
#include "rough.h"

/* Of the cameras */
#define READERS_WITHOUT_FIXTURE
#include "readers.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The full counts */
#define KILLS 1000
#define OWNERS 300
#define UNBINDS 100
#define LOADS 100

FIXTURE(stress) {
	struct cameras cameras;
};

FIXTURE_SETUP(stress)
{
	cameras_open(&self->cameras);
}

FIXTURE_TEARDOWN(stress)
{
	cameras_close(&self->cameras);
}

/* Processes killed at random moments */

#define CROWD 8

enum passed { PASSED_CONNECTION, PASSED_ALLOCATOR, PASSED_OTHER, PASSED };

/* Holds a frame for some time, and then submits or frees it. */
static void use_frame(int connection, int allocator, int index,
		      unsigned int *seed)
{
	sleep_ms(pick(seed, 8));
	if (!chance(seed, 70) || submit(connection, index))
		free_frame(allocator, index);
}

/* A deadline less than @ms milliseconds from now. If @forever, sometimes none */
static __u64 random_deadline(unsigned int *seed, unsigned int ms, bool forever)
{
	bool limited = pick(seed, 16);

	return limited || !forever ? in_ms(pick(seed, ms)) : 0;
}

/*
 * A process that shares a running connection and its allocator. One process of a crowd does not
 * wait for ever. If all waited for free frames, they would get none.
 */
static void share(const int *fds, unsigned int *seed, bool forever)
{
	int connection = fds[PASSED_CONNECTION];
	int allocator = fds[PASSED_ALLOCATOR];
	int index;

	for (;;) {
		index = alloc_frame(allocator, 0,
				    random_deadline(seed, 5, forever));
		if (index >= 0)
			use_frame(connection, allocator, index, seed);
		index = complete(connection, 0,
				 random_deadline(seed, 60, forever), NULL);
		if (index >= 0)
			use_frame(connection, allocator, index, seed);
		if (chance(seed, 10))
			close(export_frame(allocator, pick(seed, FRAMES)));
	}
}

/* A process whose stream circulates. It has readers, which keep frames for some time */
static void capture_circulating(int connection, unsigned int *seed)
{
	struct ksalloc_reader_frame frames[2] = { };
	struct ksalloc_exchange arg;
	int reader, count;

	for (;;) {
		if (circulate(connection, KSSTATE_RUN))
			sleep_ms(1);
		reader = reader_open(connection, 1 + pick(seed, 2), pick(seed, 2), 0);
		if (reader < 0)
			continue;
		while (pick(seed, 8)) {
			arg = exchange_of(frames, 1 + pick(seed, 2));
			arg.wait_for = pick(seed, arg.nr_take + 1);
			arg.deadline_ns = random_deadline(seed, 60, true);
			count = call_fd(reader, KSALLOC_EXCHANGE, &arg);
			sleep_ms(pick(seed, 8));
			while (count-- > 0 && chance(seed, 90))
				give(reader, &frames[count]);
			if (chance(seed, 5))
				set_state(connection, pick(seed, 4));
		}
		close(reader);
	}
}

/* A process that captures with an allocator that it shares with others */
static void capture(const struct cameras *cameras, int allocator,
		    unsigned int *seed)
{
	int video = open(cameras->video_path, O_RDWR | O_CLOEXEC);
	int connection = do_connect(cameras->rig.ksalloc, video);
	int index;

	if (connection < 0 || set_allocator(connection, allocator))
		_exit(1);
	if (chance(seed, 40))
		capture_circulating(connection, seed);
	for (;;) {
		/* Only one process has the device; the others try to get it. */
		if (set_state(connection, KSSTATE_RUN))
			sleep_ms(1);
		index = alloc_frame(allocator, 0, in_ms(pick(seed, 5)));
		if (index >= 0)
			use_frame(connection, allocator, index, seed);
		index = complete(connection, 0, in_ms(pick(seed, 60)), NULL);
		if (index >= 0)
			use_frame(connection, allocator, index, seed);
		if (chance(seed, 5))
			set_state(connection, pick(seed, 4));
	}
}

/* It uses only descriptors that are passed to it, and ends only when it is killed. */
static void be_killed(const struct cameras *cameras, int socket,
		      unsigned int seed, bool forever)
{
	int fds[PASSING_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(cameras->rig.connection);
	close(cameras->rig.allocator);
	close(cameras->allocator);
	if (receive_fds(socket, fds) != PASSED)
		_exit(2);
	if (chance(&seed, 30))
		capture(cameras, fds[PASSED_OTHER], &seed);
	share(fds, &seed, forever);
}

/* Processes that were killed too early have not received their descriptors. */
static void drain(int socket)
{
	unsigned int count;
	int fds[PASSING_MAX];

	while ((count = receive_fds(socket, fds)))
		while (count)
			close(fds[--count]);
}

/* Makes open files for one process. Only that process has them when they are closed here */
static void send_own_files(const struct cameras *cameras, int socket)
{
	const int fds[PASSED] = {
		[PASSED_CONNECTION] = connection_open(cameras->rig.connection),
		[PASSED_ALLOCATOR] = allocator_open(cameras->rig.allocator),
		[PASSED_OTHER] = allocator_open(cameras->allocator),
	};
	unsigned int i;

	send_fds(socket, fds, PASSED);
	for (i = 0; i < PASSED; i++) {
		ASSERT_LE(0, fds[i]);
		close(fds[i]);
	}
}

static bool is_held(int allocator)
{
	return allocated(allocator) > in_device(allocator);
}

static void kill_crowd(struct cameras *cameras, int sockets[2],
		       unsigned int size, bool *held)
{
	pid_t pids[CROWD];
	unsigned int i;
	int status;

	for (i = 0; i < size; i++) {
		send_own_files(cameras, sockets[0]);
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			be_killed(cameras, sockets[1],
				  random_bits(&cameras->seed), i > 0);
		/* The numbers of the child are not those of the parent. */
		random_bits(&cameras->seed);
	}
	/* Half of the time, everything happens during the stream. */
	if (chance(&cameras->seed, 50))
		ASSERT_TRUE(EVENTUALLY(is_held(cameras->rig.allocator) ||
				       is_held(cameras->allocator)));
	sleep_ms(pick(&cameras->seed, 40));
	*held = is_held(cameras->rig.allocator) || is_held(cameras->allocator);
	for (i = 0; i < size; i++) {
		if (chance(&cameras->seed, 20))
			sleep_ms(pick(&cameras->seed, 5));
		ASSERT_EQ(0, kill(pids[i], SIGKILL));
	}
	for (i = 0; i < size; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
	drain(sockets[1]);
}

/*
 * B7: processes that have open files of connections and allocators by passed descriptors
 * are killed at random moments: all frames that they held are free each time, and after the
 * end of the stream every frame is free.
 */
TEST_F_TIMEOUT(stress, kills, LAST_RESORT_S)
{
	struct cameras *cameras = &self->cameras;
	unsigned int kills = 0, wanted = scaled(KILLS), rounds = 0, busy = 0;
	unsigned long long start = now_ns();
	struct footprint before;
	int sockets[2];
	bool held;

	need_heap();
	/* The processes use the device of the other camera. */
	close(cameras->connection);
	cameras->connection = -1;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
				sockets));
	footprint_take(&before);
	while (kills < wanted) {
		unsigned int size = wanted - kills < CROWD ? wanted - kills :
							     CROWD;

		ASSERT_EQ(0, set_state(cameras->rig.connection, KSSTATE_RUN));
		kill_crowd(cameras, sockets, size, &held);
		kills += size;
		busy += held;
		/* Frames that were submitted here are still in the device. */
		ASSERT_TRUE(EVENTUALLY(!is_held(cameras->rig.allocator)));
		ASSERT_TRUE(EVENTUALLY(!allocated(cameras->allocator)));
		ASSERT_EQ(0, waiters(cameras->rig.allocator));
		ASSERT_EQ(0, waiters(cameras->allocator));
		if (++rounds % 8 && kills < wanted)
			continue;
		ASSERT_EQ(0, set_state(cameras->rig.connection, KSSTATE_STOP));
		ASSERT_EQ(0, allocated(cameras->rig.allocator));
	}
	harness_note("%u processes killed in %u rounds, %u of them with frames held, in %.1f s",
		     kills, rounds, busy, seconds_since(start));
	EXPECT_LE(rounds / 8, busy);
	EXPECT_FOOTPRINT(&before);
	cameras->connection = do_connect(cameras->rig.ksalloc, cameras->video);
	ASSERT_LE(0, cameras->connection);
	expect_capture(cameras->rig.connection, cameras->rig.allocator);
	expect_capture(cameras->connection, cameras->allocator);
}

/* A process whose connection has a stream that circulates. It passes a reader to the test */
static void circulate_until_killed(const struct rig *rig, int socket, unsigned int *seed)
{
	int connection = do_connect(rig->ksalloc, open_camera(0)), reader;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (connection < 0 || set_allocator(connection, rig->allocator))
		_exit(1);
	/* The process before may not have released the device yet. */
	while (circulate(connection, KSSTATE_RUN))
		sleep_ms(1);
	reader = reader_open(connection, 2, 0, 0);
	if (reader < 0)
		_exit(2);
	send_fds(socket, &reader, 1);
	close(reader);
	for (;;) {
		sleep_ms(pick(seed, 100));
		set_state(connection, KSSTATE_PAUSE);
		circulate(connection, KSSTATE_RUN);
	}
}

/*
 * Gives back the frame that the last call has taken, if @result is 1, and waits for the next one
 * without a deadline. A call that gives a frame back does not fail. The next one has the errno
 */
static int turn_forever(int reader, struct ksalloc_reader_frame *frame, int result)
{
	struct ksalloc_exchange arg = exchange_of(frame, 1);
	__u32 index = frame->index;

	arg.give = (uintptr_t)&index;
	arg.nr_give = result;
	arg.generation = frame->generation;
	arg.deadline_ns = 0;
	return call_fd(reader, KSALLOC_EXCHANGE, &arg);
}

/* A thread that takes frames until that fails */
struct taking {
	int reader;
	unsigned int taken;
	int result;
	atomic_bool ended;
};

static void *take_until_end(void *data)
{
	struct ksalloc_reader_frame frame = { }, last = { };
	struct taking *taking = data;
	int result = 0;

	do {
		result = turn_forever(taking->reader, &frame, result);
		if (result == 1) {
			if (taking->taken++)
				EXPECT_TRUE(frame.lost || marked(&frame) || follows(&frame, &last));
			last = frame;
		}
	} while (result >= 0);
	taking->result = result;
	taking->ended = true;
	return NULL;
}

/*
 * B7, K4: a process is killed while its stream circulates, and another one waits for frames:
 * ENODEV. All frames become free, also that which the other one has.
 */
TEST_F_TIMEOUT(stress, kills_of_owner, LAST_RESORT_S)
{
	unsigned int count = scaled(OWNERS), taken = 0, i;
	struct rig *rig = &self->cameras.rig;
	unsigned int *seed = &self->cameras.seed;
	unsigned long long start = now_ns();
	struct footprint before;
	int sockets[2];

	need_heap();
	close(rig->connection);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets));
	footprint_take(&before);
	for (i = 0; i < count; i++) {
		struct taking taking = { };
		int fds[PASSING_MAX] = { -1 };
		pthread_t thread;
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid)
			circulate_until_killed(rig, sockets[0], seed);
		random_bits(seed);
		ASSERT_TRUE(EVENTUALLY(receive_fds(sockets[1], fds) == 1));
		taking.reader = fds[0];
		ASSERT_EQ(0, pthread_create(&thread, NULL, take_until_end, &taking));
		sleep_ms(pick(seed, 80));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		ASSERT_TRUE(EVENTUALLY(taking.ended));
		pthread_join(thread, NULL);
		EXPECT_EQ(-ENODEV, taking.result);
		EXPECT_TRUE(poll_fd(taking.reader, POLLIN, 0) & POLLHUP);
		ASSERT_TRUE(EVENTUALLY(allocated(rig->allocator) == 0));
		EXPECT_EQ(0, reader_info(taking.reader).queued);
		EXPECT_EQ(0, reader_info(taking.reader).taken);
		ASSERT_EQ(0, waiters(rig->allocator));
		close(taking.reader);
		taken += taking.taken;
	}
	harness_note("%u processes killed, %u frames taken from them, in %.1f s", count, taken,
		     seconds_since(start));
	EXPECT_LT(0, taken);
	EXPECT_FOOTPRINT(&before);
	rig->connection = do_connect(rig->ksalloc, rig->video);
	ASSERT_LE(0, rig->connection);
	expect_capture(rig->connection, rig->allocator);
}

/* The driver unbound */

/* Threads and processes that use a connection until its device has disappeared */
struct users {
	int connection, allocator;
	/* Of KSALLOC_SET_STATE */
	unsigned int flags;
	atomic_int running;
	/* Readers that a thread has begun to make, and those that were made */
	atomic_int tried, readers;
	atomic_uint frames;
};

static int run_users(struct users *users)
{
	struct ksalloc_set_state arg = {
		.size = sizeof(arg),
		.flags = users->flags,
		.state = KSSTATE_RUN,
	};

	return call_fd(users->connection, KSALLOC_SET_STATE, &arg);
}

static void *read_until_gone(void *data)
{
	struct users *users = data;
	int index;

	/* No deadline: the wait ends only when the device disappears. */
	while ((index = complete(users->connection, 0, 0, NULL)) >= 0) {
		users->frames++;
		if (submit(users->connection, index))
			free_frame(users->allocator, index);
	}
	EXPECT_EQ(-ENODEV, index);
	users->running--;
	return NULL;
}

static void *poll_until_gone(void *data)
{
	struct users *users = data;

	while (!(poll_fd(users->connection, POLLIN, -1) & POLLHUP))
		;
	users->running--;
	return NULL;
}

/* Allocates frames as they become free, and waits without a deadline. */
static void *submit_until_gone(void *data)
{
	struct users *users = data;
	int index, err;

	do {
		index = alloc_frame(users->allocator, 0, 0);
		if (EXPECT_LE(0, index))
			err = submit(users->connection, index);
		else
			break;
		if (err)
			free_frame(users->allocator, index);
	} while (!err);
	EXPECT_EQ(-ENODEV, err);
	users->running--;
	return NULL;
}

/* A reader of a stream that circulates */
static void *exchange_until_gone(void *data)
{
	struct ksalloc_reader_frame frame = { };
	struct users *users = data;
	int reader, result = 0;

	/* There are frames for two readers with a promise */
	reader = reader_open(users->connection, 1, 0,
			     users->tried++ < 2 ? 0 : KSALLOC_READER_REVOCABLE);
	ASSERT_LE(0, reader);
	users->readers++;
	do {
		result = turn_forever(reader, &frame, result);
		users->frames += result == 1;
	} while (result >= 0);
	EXPECT_EQ(-ENODEV, result);
	EXPECT_TRUE(poll_fd(reader, POLLIN, 0) & POLLHUP);
	close(reader);
	users->running--;
	return NULL;
}

/* Passes frames through the device until it disappears. */
static void *walk_until_gone(void *data)
{
	struct users *users = data;
	int err = 0;

	while (err != -ENODEV) {
		sleep_ms(3);
		err = set_state(users->connection, KSSTATE_PAUSE);
		if (err != -ENODEV)
			err = run_users(users);
	}
	users->running--;
	return NULL;
}

static void reload_vivid(const char *parameters)
{
	char command[128];

	ASSERT_EQ(0, syscall(SYS_delete_module, "vivid", O_NONBLOCK));
	snprintf(command, sizeof(command), "modprobe vivid %s", parameters);
	ASSERT_EQ(0, system(command));
}

static bool camera_exists(unsigned int instance)
{
	return node_exists(instance ? "vivid-001-vid-cap" : "vivid-000-vid-cap");
}

FIXTURE(unbound) {
	struct rig rig;
	unsigned int seed;
	/* Frames that readers took from streams that circulate */
	unsigned int circulated;
	bool reloaded;
};

FIXTURE_SETUP(unbound)
{
	self->seed = choose_seed();
	repair_machine();
	/* Loading all devices of vivid takes long. One capture node is enough. */
	self->reloaded = true;
	reload_vivid("n_devs=1 node_types=1 num_inputs=1 input_types=0");
	ASSERT_TRUE(EVENTUALLY(camera_exists(0)));
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	close(self->rig.connection);
	close(self->rig.video);
	self->rig.connection = -1;
	self->rig.video = -1;
}

FIXTURE_TEARDOWN(unbound)
{
	rig_close(&self->rig);
	if (!self->reloaded)
		return;
	reload_vivid("n_devs=2");
	ASSERT_TRUE(EVENTUALLY(camera_exists(0) && camera_exists(1)));
}

static void bind_one(void)
{
	ASSERT_EQ(0, write_text("/sys/bus/platform/drivers/vivid/bind",
				"vivid.0"));
	ASSERT_TRUE(EVENTUALLY(camera_exists(0)));
}

/*
 * Returns the number of frames that were read. In the first round, frames circulate, and in the
 * second one, they do not. In both, a frame is completed for certain.
 */
static unsigned int unbind_once(struct unbound_fixture *self, unsigned int round)
{
	enum { WORK = 5 };
	void *(*const explicit[WORK])(void *) = {
		read_until_gone, read_until_gone, poll_until_gone,
		submit_until_gone, walk_until_gone,
	};
	void *(*const circulating[WORK])(void *) = {
		exchange_until_gone, exchange_until_gone, exchange_until_gone,
		poll_until_gone, walk_until_gone,
	};
	const bool chosen = round < 2;
	const bool circulates = chosen ? round == 0 : chance(&self->seed, 50);
	struct users users = {
		.allocator = self->rig.allocator,
		.flags = circulates ? KSALLOC_CIRCULATE : 0,
	};
	/* In some rounds, no thread changes the state. */
	unsigned int count = WORK - (chosen || chance(&self->seed, 50)), i;
	pthread_t threads[WORK];
	int video = open_camera(0);

	ASSERT_EQ(0, set_format(video, 320, 180));
	users.connection = do_connect(self->rig.ksalloc, video);
	ASSERT_LE(0, users.connection);
	ASSERT_EQ(0, set_allocator(users.connection, users.allocator));
	ASSERT_EQ(0, run_users(&users));
	users.running = count;
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL,
					    users.flags ? circulating[i] : explicit[i], &users));
	/* After the end, no reader can be made */
	if (users.flags)
		ASSERT_TRUE(EVENTUALLY(users.readers == 3));
	/* If no thread stops the stream, a frame is completed for certain. */
	if (chosen || (count < WORK && chance(&self->seed, 50)))
		ASSERT_TRUE(EVENTUALLY(users.frames));
	sleep_ms(pick(&self->seed, 60));
	vivid_unbind();
	ASSERT_TRUE(EVENTUALLY(!users.running));
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	/* Before any file is closed */
	EXPECT_TRUE(EVENTUALLY(allocated(users.allocator) == 0));
	EXPECT_EQ(0, waiters(users.allocator));
	close(users.connection);
	close(video);
	bind_one();
	if (users.flags)
		self->circulated += users.frames;
	return users.frames;
}

/*
 * I6: the driver is unbound repeatedly during a stream, while threads read, poll, submit
 * and change the state: all of them end with ENODEV or EPOLLHUP, and all frames become
 * free.
 */
TEST_F_TIMEOUT(unbound, again_and_again, LAST_RESORT_S)
{
	unsigned int count = scaled(UNBINDS), frames = 0, i;
	unsigned long long start = now_ns();
	struct footprint before;

	need_heap();
	footprint_take(&before);
	for (i = 0; i < count; i++)
		frames += unbind_once(self, i);
	harness_note("%u times unbound, %u frames read meanwhile, %u of them by readers, in %.1f s",
		     count, frames, self->circulated, seconds_since(start));
	EXPECT_LT(0, self->circulated);
	if (count > 1)
		EXPECT_LT(self->circulated, frames);
	EXPECT_FOOTPRINT(&before);
}

/* The module */

static int unload(void)
{
	return syscall(SYS_delete_module, "ksalloc", O_NONBLOCK) ? -errno : 0;
}

static void *open_and_close(void *data)
{
	atomic_bool *stop = data;
	int fd;

	while (!*stop) {
		fd = open("/dev/ksalloc", O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			close(fd);
		sleep_ms(4);
	}
	return NULL;
}

/* Short, but with all kinds of calls */
static void use_module(int video, int heap)
{
	int ksalloc, connection, allocator, index;

	ksalloc = open_ksalloc();
	connection = do_connect(ksalloc, video);
	ASSERT_LE(0, connection);
	allocator = create_allocator(connection, heap, 2, 0);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(connection, allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	index = alloc_now(allocator);
	ASSERT_LE(0, index);
	ASSERT_EQ(0, submit(connection, index));
	ASSERT_LE(0, alloc_now(allocator));
	close(ksalloc);
	close(connection);
	close(allocator);
}

static void find_module(char *path, size_t size)
{
	FILE *pipe = popen("modinfo -n ksalloc", "r");

	ASSERT_NE(NULL, pipe);
	ASSERT_NE(NULL, fgets(path, size, pipe));
	pclose(pipe);
	path[strcspn(path, "\n")] = '\0';
}

/*
 * The module is loaded, used with frames in the device, and unloaded repeatedly, while
 * another thread opens its device: it can be unloaded whenever it is not in use.
 */
TEST_TIMEOUT(load, LAST_RESORT_S)
{
	unsigned int count = scaled(LOADS), i, refused = 0;
	unsigned long long start = now_ns();
	int video, heap, file, err;
	struct footprint before;
	atomic_bool stop = false;
	pthread_t thread;
	char path[256];

	repair_machine();
	find_module(path, sizeof(path));
	file = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, file);
	video = open_camera(0);
	heap = open_heap();
	ASSERT_EQ(0, set_format(video, 320, 180));
	footprint_take(&before);
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_and_close, &stop));
	for (i = 0; i < count; i++) {
		use_module(video, heap);
		ASSERT_TRUE(EVENTUALLY((err = unload(), refused += err != 0,
					!err)));
		ASSERT_EQ(0, syscall(SYS_finit_module, file, "", 0));
		ASSERT_TRUE(EVENTUALLY(!access("/dev/ksalloc", F_OK)));
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	harness_note("%u times loaded and unloaded, %u times refused for being in use, in %.1f s",
		     count, refused, seconds_since(start));
	EXPECT_FOOTPRINT(&before);
	close(video);
	close(heap);
	close(file);
	EXPECT_TRUE(EVENTUALLY(module_refs("ksalloc") == 0));
}
