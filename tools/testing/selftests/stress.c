// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rough treatment: many processes killed, the driver unbound, every ioctl called
 * with anything, the module loaded and unloaded, over and over. What passes here
 * is that nothing hangs, the kernel does not complain, and nothing is left over.
 *
 * The counts are those of a debug kernel; on others, a twentieth. Two variables
 * of the environment change that:
 *
 *	STRESS       percent of the full counts
 *	STRESS_SEED  the number that all random choices follow from; it is printed
 *
 * In a guest, words of the kernel's command line are variables:
 * tools/testing/vm/vm --append "STRESS=2000 STRESS_SEED=7".
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* The full counts */
#define KILLS 1000
#define UNBINDS 100
#define CALLS 1000000
#define LOADS 100

#define QUICK_PERCENT 5

#define FRAMES 4

#define VIDEO_MAJOR 81

/* The harness's time-out is for the case that the tests' own ones fail. */
#define LAST_RESORT_S 3600

static unsigned int variable(const char *name, unsigned int otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoul(value, NULL, 0) : otherwise;
}

/* How many of a full count there shall be */
static unsigned int scaled(unsigned int full)
{
	bool debug = !access("/sys/kernel/debug/failslab", F_OK);
	unsigned int percent = variable("STRESS", debug ? 100 : QUICK_PERCENT);
	unsigned long long count = (unsigned long long)full * percent / 100;

	return count ? count : 1;
}

/* The seed of a test, which it prints: a failure may depend on it. */
static unsigned int choose_seed(void)
{
	unsigned int seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = now_ns();
	seed = variable("STRESS_SEED", seed);
	harness_note("STRESS_SEED=%u", seed);
	return seed;
}

/* Seeds of threads and processes must not be alike. */
static unsigned int seed_of(unsigned int seed, unsigned int part)
{
	return (seed ^ (part * 0x9e3779b9U)) * 0x85ebca6bU;
}

static unsigned int pick(unsigned int *seed, unsigned int below)
{
	return rand_r(seed) % below;
}

static bool chance(unsigned int *seed, unsigned int percent)
{
	return pick(seed, 100) < percent;
}

static unsigned int random_bits(unsigned int *seed)
{
	return (unsigned int)rand_r(seed) << 16 ^ rand_r(seed);
}

static double seconds_since(unsigned long long start)
{
	return (now_ns() - start) / 1e9;
}

static void send_fds(int socket, const int *fds, unsigned int count)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec vec = { control, 1 };
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
	sendmsg(socket, &message, MSG_DONTWAIT);
}

/* Returns how many descriptors came. */
static unsigned int receive_fds(int socket, int *fds)
{
	char control[CMSG_SPACE(8 * sizeof(int))], byte;
	struct iovec vec = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights;
	unsigned int count;

	if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 1)
		return 0;
	rights = CMSG_FIRSTHDR(&message);
	if (!rights || rights->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(rights), count * sizeof(int));
	return count;
}

FIXTURE(stress) {
	struct rig rig;
	/* Of the other camera */
	int video, connection, allocator;
	char video_path[64];
	unsigned int seed;
};

FIXTURE_SETUP(stress)
{
	self->seed = choose_seed();
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	snprintf(self->video_path, sizeof(self->video_path), "%s",
		 node_path("vivid-001-vid-cap"));
	self->video = open_camera(1);
	ASSERT_EQ(0, set_format(self->video, 320, 180));
	self->connection = do_connect(self->rig.ksalloc, self->video);
	ASSERT_LE(0, self->connection);
	self->allocator = create_allocator(self->connection, self->rig.heap,
					   FRAMES, 0);
	ASSERT_LE(0, self->allocator);
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
}

FIXTURE_TEARDOWN(stress)
{
	if (self->connection > 0)
		close(self->connection);
	if (self->allocator > 0)
		close(self->allocator);
	if (self->video > 0)
		close(self->video);
	rig_close(&self->rig);
	repair_machine();
}

/* Whatever happened before: all frames are free, or can be freed, and all flow. */
static void expect_capture(int connection, int allocator)
{
	int i, index;

	ASSERT_EQ(0, set_state(connection, KSSTATE_STOP));
	EXPECT_EQ(0, in_device(allocator));
	for (i = 0; i < FRAMES; i++)
		free_frame(allocator, i);
	EXPECT_EQ(0, allocated(allocator));
	EXPECT_EQ(0, waiters(allocator));
	ASSERT_EQ(0, set_allocator(connection, allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	while ((index = alloc_now(allocator)) >= 0)
		ASSERT_EQ(0, submit(connection, index));
	for (i = 0; i < 2 * FRAMES; i++) {
		index = complete(connection, 0, in_ms(PATIENCE_MS), NULL);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit(connection, index));
	}
	ASSERT_EQ(0, set_state(connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(allocator));
}

/* Processes killed at random moments */

#define CROWD 8

enum passed { PASSED_CONNECTION, PASSED_ALLOCATOR, PASSED_OTHER, PASSED };

/* Keeps a frame for a while; then it goes to the device, or is free. */
static void use_frame(int connection, int allocator, int index,
		      unsigned int *seed)
{
	sleep_ms(pick(seed, 8));
	if (!chance(seed, 70) || submit(connection, index))
		free_frame(allocator, index);
}

/* One who shares a connection that runs already, and its allocator */
static void share(const int *fds, unsigned int *seed)
{
	int connection = fds[PASSED_CONNECTION];
	int allocator = fds[PASSED_ALLOCATOR];
	int index;

	for (;;) {
		/* Now and then it would wait for ever. */
		index = alloc_frame(allocator, 0,
				    pick(seed, 16) ? in_ms(pick(seed, 5)) : 0);
		if (index >= 0)
			use_frame(connection, allocator, index, seed);
		index = complete(connection, 0,
				 pick(seed, 16) ? in_ms(pick(seed, 60)) : 0,
				 NULL);
		if (index >= 0)
			use_frame(connection, allocator, index, seed);
		if (chance(seed, 10))
			close(export_frame(allocator, pick(seed, FRAMES)));
	}
}

/* One who captures with an allocator that others have as well */
static void capture(const struct stress_fixture *self, int allocator,
		    unsigned int *seed)
{
	int video = open(self->video_path, O_RDWR | O_CLOEXEC);
	int connection = do_connect(self->rig.ksalloc, video);
	int index;

	if (connection < 0 || set_allocator(connection, allocator))
		_exit(1);
	for (;;) {
		/* Only one has the device; the others try. */
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

/* It has nothing but what is passed to it, and ends only by being killed. */
static void be_killed(const struct stress_fixture *self, int socket,
		      unsigned int seed)
{
	int fds[8];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(self->rig.connection);
	close(self->rig.allocator);
	close(self->allocator);
	if (receive_fds(socket, fds) != PASSED)
		_exit(2);
	if (chance(&seed, 30))
		capture(self, fds[PASSED_OTHER], &seed);
	share(fds, &seed);
}

/* Those that were killed too early have not taken what was for them. */
static void drain(int socket)
{
	unsigned int count;
	int fds[8];

	while ((count = receive_fds(socket, fds)))
		while (count)
			close(fds[--count]);
}

static bool is_held(int allocator)
{
	return allocated(allocator) > in_device(allocator);
}

static void kill_crowd(struct stress_fixture *self, int sockets[2],
		       unsigned int size, bool *held)
{
	const int fds[PASSED] = {
		[PASSED_CONNECTION] = self->rig.connection,
		[PASSED_ALLOCATOR] = self->rig.allocator,
		[PASSED_OTHER] = self->allocator,
	};
	pid_t pids[CROWD];
	unsigned int i;
	int status;

	for (i = 0; i < size; i++) {
		send_fds(sockets[0], fds, PASSED);
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			be_killed(self, sockets[1], random_bits(&self->seed));
		/* The child's are not ours. */
		random_bits(&self->seed);
	}
	/* Half of the time, all of it happens in the middle of the stream. */
	if (chance(&self->seed, 50))
		ASSERT_TRUE(EVENTUALLY(is_held(self->rig.allocator) ||
				       is_held(self->allocator)));
	sleep_ms(pick(&self->seed, 40));
	*held = is_held(self->rig.allocator) || is_held(self->allocator);
	for (i = 0; i < size; i++) {
		if (chance(&self->seed, 20))
			sleep_ms(pick(&self->seed, 5));
		ASSERT_EQ(0, kill(pids[i], SIGKILL));
	}
	for (i = 0; i < size; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
	drain(sockets[1]);
}

/*
 * B7: processes that share connection and allocators by passed descriptors are
 * killed at random moments: all that they held is free again each time, and after
 * the end of the stream so is every frame.
 */
TEST_F_TIMEOUT(stress, kills, LAST_RESORT_S)
{
	unsigned int kills = 0, wanted = scaled(KILLS), rounds = 0, busy = 0;
	unsigned long long start = now_ns();
	struct footprint before;
	int sockets[2];
	bool held;

	/* The device of the other camera is the crowd's. */
	close(self->connection);
	self->connection = -1;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
				sockets));
	footprint_take(&before);
	while (kills < wanted) {
		unsigned int size = wanted - kills < CROWD ? wanted - kills :
							     CROWD;

		ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
		kill_crowd(self, sockets, size, &held);
		kills += size;
		busy += held;
		/* What was submitted here is in the device still. */
		ASSERT_TRUE(EVENTUALLY(!is_held(self->rig.allocator)));
		ASSERT_TRUE(EVENTUALLY(!allocated(self->allocator)));
		ASSERT_EQ(0, waiters(self->rig.allocator));
		ASSERT_EQ(0, waiters(self->allocator));
		if (++rounds % 8 && kills < wanted)
			continue;
		ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
		ASSERT_EQ(0, allocated(self->rig.allocator));
	}
	harness_note("%u processes killed in %u rounds, %u of them with frames held, in %.1f s",
		     kills, rounds, busy, seconds_since(start));
	EXPECT_LE(rounds / 8, busy);
	EXPECT_FOOTPRINT(&before);
	self->connection = do_connect(self->rig.ksalloc, self->video);
	ASSERT_LE(0, self->connection);
	expect_capture(self->rig.connection, self->rig.allocator);
	expect_capture(self->connection, self->allocator);
}

/* The driver unbound */

/* Those who use a connection until it is without a device */
struct users {
	int connection, allocator;
	atomic_int running;
	atomic_bool gone;
	atomic_uint frames;
};

static void *read_until_gone(void *data)
{
	struct users *users = data;
	int index;

	/* No deadline: only the end of the device ends the wait. */
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

/* Gets frames as they become free, and waits for ever where none is. */
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

/* Takes frames through the device while it goes. */
static void *walk_until_gone(void *data)
{
	struct users *users = data;
	int err = 0;

	while (err != -ENODEV) {
		sleep_ms(3);
		err = set_state(users->connection, KSSTATE_PAUSE);
		if (err != -ENODEV)
			err = set_state(users->connection, KSSTATE_RUN);
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
	bool reloaded;
};

FIXTURE_SETUP(unbound)
{
	self->seed = choose_seed();
	repair_machine();
	/* To make all of vivid's devices takes long: one capture node will do. */
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

static unsigned int unbind_once(struct unbound_fixture *self)
{
	void *(*const work[])(void *) = {
		read_until_gone, read_until_gone, poll_until_gone,
		submit_until_gone, walk_until_gone,
	};
	struct users users = { .allocator = self->rig.allocator };
	/* Some of the time, nobody changes the state. */
	unsigned int count = ARRAY_SIZE(work) - pick(&self->seed, 2), i;
	pthread_t threads[ARRAY_SIZE(work)];
	int video = open_camera(0);

	ASSERT_EQ(0, set_format(video, 320, 180));
	users.connection = do_connect(self->rig.ksalloc, video);
	ASSERT_LE(0, users.connection);
	ASSERT_EQ(0, set_allocator(users.connection, users.allocator));
	ASSERT_EQ(0, set_state(users.connection, KSSTATE_RUN));
	users.running = count;
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, work[i],
					    &users));
	/* With nobody who stops it, a frame comes for certain. */
	if (count < ARRAY_SIZE(work) && chance(&self->seed, 50))
		ASSERT_TRUE(EVENTUALLY(users.frames));
	sleep_ms(pick(&self->seed, 60));
	vivid_unbind();
	ASSERT_TRUE(EVENTUALLY(!users.running));
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	/* Before anything is closed */
	EXPECT_TRUE(EVENTUALLY(allocated(users.allocator) == 0));
	EXPECT_EQ(0, waiters(users.allocator));
	close(users.connection);
	close(video);
	bind_one();
	return users.frames;
}

/*
 * I6: the driver is unbound again and again in the middle of a stream, with
 * readers blocked, polling, submitting and changing the state: all of them come
 * back with ENODEV or EPOLLHUP, and all frames come back by themselves.
 */
TEST_F_TIMEOUT(unbound, again_and_again, LAST_RESORT_S)
{
	unsigned int count = scaled(UNBINDS), frames = 0, i;
	unsigned long long start = now_ns();
	struct footprint before;

	footprint_take(&before);
	for (i = 0; i < count; i++)
		frames += unbind_once(self);
	harness_note("%u times unbound, %u frames read meanwhile, in %.1f s",
		     count, frames, seconds_since(start));
	if (count > 20)
		EXPECT_LT(0, frames);
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
		sleep_ms(1);
	}
	return NULL;
}

/* Short, but with everything in it */
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
 * The module is loaded, used with frames in the device, and unloaded again and
 * again, while somebody else opens its device: it goes whenever nobody uses it.
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

/* Every ioctl with anything */

/* The descriptors that are called, passed, closed and made again all the time */
enum fd_kind { DEVICE, VIDEO, CONNECTION, ALLOCATOR, HEAP, DMABUF, OTHER,
	FD_KINDS };

#define SLOTS_EACH 4
#define SLOTS (FD_KINDS * SLOTS_EACH)
#define FIRST_SLOT 300

enum field_kind { END, FLAGS, ZERO, VIDEO_FD, HEAP_FD, ALLOCATOR_FD, STATE,
	INDEX, DEADLINE, FRAMING };

struct field {
	enum field_kind kind;
	unsigned int offset;
};

struct command {
	const char *name;
	unsigned long request;
	unsigned int size;
	enum fd_kind target;
	/*
	 * How often, in thousandths: to make an allocator takes as long as a
	 * thousand other calls
	 */
	unsigned int weight;
	unsigned int flags;
	struct field fields[4];
};

#define COMMAND(command, structure, on, often) \
	.name = #command, \
	.request = KSALLOC_##command, \
	.size = sizeof(struct structure), \
	.target = (on), \
	.weight = (often)

static const struct command commands[] = {
	{
		COMMAND(CONNECT, ksalloc_connect, DEVICE, 2),
		.fields = {
			{ VIDEO_FD, offsetof(struct ksalloc_connect, v4l2_fd) },
			{ ZERO, offsetof(struct ksalloc_connect, __reserved) },
		},
	}, {
		COMMAND(GET_FRAMING, ksalloc_get_framing, CONNECTION, 80),
	}, {
		COMMAND(CREATE_ALLOCATOR, ksalloc_create_allocator, CONNECTION,
			1),
		.fields = {
			{ HEAP_FD, offsetof(struct ksalloc_create_allocator,
					    heap_fd) },
			{ ZERO, offsetof(struct ksalloc_create_allocator,
					 __reserved) },
			{ FRAMING, offsetof(struct ksalloc_create_allocator,
					    framing) },
		},
	}, {
		COMMAND(SET_ALLOCATOR, ksalloc_set_allocator, CONNECTION, 20),
		.fields = {
			{ ALLOCATOR_FD, offsetof(struct ksalloc_set_allocator,
						 allocator_fd) },
			{ ZERO, offsetof(struct ksalloc_set_allocator,
					 __reserved) },
		},
	}, {
		COMMAND(SET_STATE, ksalloc_set_state, CONNECTION, 3),
		.fields = {
			{ STATE, offsetof(struct ksalloc_set_state, state) },
			{ ZERO, offsetof(struct ksalloc_set_state,
					 __reserved) },
		},
	}, {
		COMMAND(GET_STATE, ksalloc_get_state, CONNECTION, 111),
	}, {
		COMMAND(SUBMIT, ksalloc_submit, CONNECTION, 240),
		.fields = {
			{ INDEX, offsetof(struct ksalloc_submit, index) },
			{ ZERO, offsetof(struct ksalloc_submit, __reserved) },
		},
	}, {
		COMMAND(COMPLETE, ksalloc_complete, CONNECTION, 150),
		.flags = KSALLOC_NONBLOCK,
		.fields = {
			{ DEADLINE, offsetof(struct ksalloc_complete,
					     deadline_ns) },
		},
	}, {
		COMMAND(ALLOC, ksalloc_alloc, ALLOCATOR, 160),
		.flags = KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF,
		.fields = {
			{ DEADLINE, offsetof(struct ksalloc_alloc,
					     deadline_ns) },
		},
	}, {
		COMMAND(FREE, ksalloc_free, ALLOCATOR, 70),
		.fields = {
			{ INDEX, offsetof(struct ksalloc_free, index) },
			{ ZERO, offsetof(struct ksalloc_free, __reserved) },
		},
	}, {
		COMMAND(EXPORT, ksalloc_export, ALLOCATOR, 60),
		.fields = {
			{ INDEX, offsetof(struct ksalloc_export, index) },
			{ ZERO, offsetof(struct ksalloc_export, __reserved) },
		},
	}, {
		COMMAND(STATUS, ksalloc_status, ALLOCATOR, 103),
	},
};

/* What the ABI header says, and EIO, which a driver may say */
static const int known_errors[] = {
	EFAULT, ENOTTY, E2BIG, EBADF, EACCES, EINVAL, EOPNOTSUPP, EBUSY, EAGAIN,
	ETIMEDOUT, EINTR, ECANCELED, ENODEV, ENOMEM, EMFILE, ENFILE, EIO,
};

#define CALLERS 8
#define UNKNOWN_MAX 10
/* No call takes so long, unless it hangs */
#define HANG_MS 60000
#define TICK_MS 20

struct fuzz {
	struct stress_fixture *self;
	int masters[FD_KINDS][SLOTS_EACH];
	unsigned int frame_size;
	int sockets[2];
	atomic_bool stop;
	atomic_uint unknown;
	atomic_uint succeeded[ARRAY_SIZE(commands)];
	atomic_uint failed[ARRAY_SIZE(commands)];
};

/* One who calls. The last bytes before a page that is not there are his. */
struct caller {
	struct fuzz *fuzz;
	pthread_t thread;
	unsigned int seed, first_seed;
	/* The frame that he got last */
	unsigned int index;
	atomic_uint calls;
	atomic_ulong request;
	unsigned char *pages;
};

#define PAGE 4096U

static int slot(unsigned int number)
{
	return FIRST_SLOT + number;
}

/* Mostly a descriptor of that kind, or where there was one */
static int any_fd(unsigned int *seed, enum fd_kind kind)
{
	static const int strange[] = { -1, -100, INT_MIN, INT_MAX, 1000, 4096 };

	if (chance(seed, 92))
		return slot(kind * SLOTS_EACH + pick(seed, SLOTS_EACH));
	if (chance(seed, 70))
		return slot(pick(seed, SLOTS));
	return strange[pick(seed, ARRAY_SIZE(strange))];
}

static unsigned int any_index(struct caller *caller)
{
	static const unsigned int edges[] = {
		FRAMES, KSALLOC_MAX_FRAMES - 1, KSALLOC_MAX_FRAMES, INT_MAX,
		0x80000000, UINT_MAX,
	};
	unsigned int *seed = &caller->seed;

	if (chance(seed, 50))
		return caller->index;
	if (chance(seed, 90))
		return pick(seed, FRAMES);
	if (chance(seed, 60))
		return edges[pick(seed, ARRAY_SIZE(edges))];
	return random_bits(seed);
}

static unsigned int any_state(unsigned int *seed)
{
	if (chance(seed, 80))
		return KSSTATE_RUN;
	if (chance(seed, 90))
		return pick(seed, KSSTATE_RUN + 1);
	return random_bits(seed);
}

static unsigned int any_flags(unsigned int *seed, unsigned int known)
{
	if (chance(seed, 3))
		return random_bits(seed);
	/* Most calls should not wait, or little would happen. */
	if (chance(seed, 85))
		return known & (KSALLOC_NONBLOCK | random_bits(seed));
	return known & random_bits(seed);
}

static __u64 any_deadline(unsigned int *seed)
{
	switch (pick(seed, 12)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return ~0ULL;
	case 3:
		return (__u64)random_bits(seed) << 32 | random_bits(seed);
	default:
		return now_ns() + pick(seed, 2000000);
	}
}

static struct ksallocator_framing any_framing(struct caller *caller)
{
	static const unsigned int counts[] = {
		0, 1, KSALLOC_MAX_FRAMES, KSALLOC_MAX_FRAMES + 1, UINT_MAX,
	};
	unsigned int needed = caller->fuzz->frame_size;
	const unsigned int sizes[] = {
		1, needed - 1, needed + 1, 1U << 30, UINT_MAX,
	};
	unsigned int *seed = &caller->seed;
	struct ksallocator_framing framing = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.pool_type = pick(seed, 2),
		.frames = 1 + pick(seed, 2),
		.frame_size = chance(seed, 50) ? needed : 0,
		.file_alignment = (1U << pick(seed, 13)) - 1,
	};

	if (chance(seed, 20))
		framing.options_flags = random_bits(seed) & 7;
	if (chance(seed, 5))
		framing.pool_type = random_bits(seed);
	if (chance(seed, 25))
		framing.frames = counts[pick(seed, ARRAY_SIZE(counts))];
	if (chance(seed, 25))
		framing.frame_size = sizes[pick(seed, ARRAY_SIZE(sizes))];
	if (chance(seed, 10))
		framing.file_alignment = random_bits(seed);
	if (chance(seed, 3))
		framing.reserved = random_bits(seed);
	return framing;
}

static void fill_field(struct caller *caller, const struct field *field,
		       unsigned char *arg)
{
	struct ksallocator_framing framing;
	unsigned int *seed = &caller->seed;
	unsigned int word = 0;
	__u64 deadline;

	switch (field->kind) {
	case VIDEO_FD:
		word = any_fd(seed, VIDEO);
		break;
	case HEAP_FD:
		word = any_fd(seed, HEAP);
		break;
	case ALLOCATOR_FD:
		word = any_fd(seed, ALLOCATOR);
		break;
	case STATE:
		word = any_state(seed);
		break;
	case INDEX:
		word = any_index(caller);
		break;
	case DEADLINE:
		deadline = any_deadline(seed);
		memcpy(arg + field->offset, &deadline, sizeof(deadline));
		return;
	case FRAMING:
		framing = any_framing(caller);
		memcpy(arg + field->offset, &framing, sizeof(framing));
		return;
	default:
		if (chance(seed, 2))
			word = random_bits(seed);
		break;
	}
	memcpy(arg + field->offset, &word, sizeof(word));
}

/* A size that is wrong, or right with more behind it than the module knows */
static unsigned int odd_size(unsigned int *seed, unsigned int size)
{
	switch (pick(seed, 6)) {
	case 0:
		return pick(seed, size);
	case 1:
		return size + 8;
	case 2:
		return PAGE;
	case 3:
		return PAGE + 1;
	case 4:
		return UINT_MAX;
	default:
		return random_bits(seed);
	}
}

/*
 * Makes an argument, and returns where it is. It ends where the page does, so
 * that nobody reads more than there is.
 */
static void *make_argument(struct caller *caller, const struct command *command)
{
	unsigned char *end = caller->pages + 2 * PAGE, *arg;
	unsigned int *seed = &caller->seed;
	unsigned int size = command->size, room = size;
	const struct field *field;
	unsigned int flags;

	if (chance(seed, 4)) {
		size = odd_size(seed, size);
		if (size > room && size <= PAGE)
			room = size;
	}
	arg = end - room;
	memset(arg, 0, room);
	/* More than the module knows is refused unless it is zero. */
	if (room > command->size && chance(seed, 50))
		arg[command->size + pick(seed, room - command->size)] = 1;
	for (field = command->fields; field->kind; field++)
		fill_field(caller, field, arg);
	flags = any_flags(seed, command->flags);
	memcpy(arg, &size, sizeof(size));
	memcpy(arg + 4, &flags, sizeof(flags));
	if (chance(seed, 97))
		return arg;
	switch (pick(seed, 5)) {
	case 0:
		return NULL;
	case 1:
		return end;
	case 2:
		/* Half of it is there. */
		return end - size / 2 % PAGE;
	case 3:
		/* Not writable: the page behind the one that is not there */
		memcpy(arg - PAGE, arg, room);
		return end + PAGE;
	default:
		return (void *)(ULONG_MAX - random_bits(seed));
	}
}

static unsigned long any_request(unsigned int *seed, unsigned long right)
{
	if (chance(seed, 98))
		return right;
	switch (pick(seed, 3)) {
	case 0:
		return _IO(KSALLOC_TYPE, pick(seed, 256));
	case 1:
		return _IO(KSALLOC_TYPE + 1, pick(seed, 256));
	default:
		/* The same number with a direction and a size */
		return right | (unsigned long)pick(seed, 0x10000) << 16;
	}
}

static bool is_known(int err)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known_errors); i++)
		if (err == known_errors[i])
			return true;
	return false;
}

/* A new descriptor takes the place of an old one, or goes. */
static void keep_fd(unsigned int *seed, int fd, enum fd_kind kind)
{
	if (chance(seed, 50))
		dup3(fd, slot(kind * SLOTS_EACH + pick(seed, SLOTS_EACH)),
		     O_CLOEXEC);
	close(fd);
}

static void take_result(struct caller *caller, unsigned long request,
			const void *arg, int result)
{
	const struct ksalloc_complete *completed = arg;
	const struct ksalloc_alloc *alloc = arg;

	switch (request) {
	case KSALLOC_CONNECT:
		keep_fd(&caller->seed, result, CONNECTION);
		break;
	case KSALLOC_CREATE_ALLOCATOR:
		keep_fd(&caller->seed, result, ALLOCATOR);
		break;
	case KSALLOC_EXPORT:
		keep_fd(&caller->seed, result, DMABUF);
		break;
	case KSALLOC_COMPLETE:
		caller->index = completed->index;
		break;
	case KSALLOC_ALLOC:
		caller->index = alloc->index;
		if (alloc->dmabuf_fd >= 0)
			keep_fd(&caller->seed, alloc->dmabuf_fd, DMABUF);
		break;
	}
}

static const struct command *any_command(unsigned int *seed)
{
	const struct command *command = commands;
	unsigned int left = pick(seed, 1000);

	/* The last one gets what the others leave. */
	while (left >= command->weight &&
	       command < commands + ARRAY_SIZE(commands) - 1)
		left -= command++->weight;
	return command;
}

static void call_anything(struct caller *caller)
{
	const struct command *command = any_command(&caller->seed);
	int fd = any_fd(&caller->seed, command->target);
	unsigned long request = any_request(&caller->seed, command->request);
	void *arg = make_argument(caller, command);
	struct fuzz *fuzz = caller->fuzz;
	int result;

	caller->request = request;
	result = call_fd(fd, request, arg);
	caller->calls++;
	if (result >= 0) {
		fuzz->succeeded[command - commands]++;
		take_result(caller, request, arg, result);
		return;
	}
	fuzz->failed[command - commands]++;
	if (is_known(-result) || fuzz->unknown++ > UNKNOWN_MAX)
		return;
	harness_note("%s (%#lx) of descriptor %d: %s, call %u of seed %u",
		     command->name, request, fd, strerrorname_np(-result),
		     caller->calls, caller->first_seed);
}

static void caller_prepare(struct caller *caller, struct fuzz *fuzz,
			   unsigned int seed)
{
	caller->fuzz = fuzz;
	caller->seed = seed;
	caller->first_seed = seed;
	/* Two pages, one that is not there, and one that cannot be written */
	caller->pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, caller->pages);
	memset(caller->pages, 0, 4 * PAGE);
	ASSERT_EQ(0, mprotect(caller->pages + 2 * PAGE, PAGE, PROT_NONE));
	ASSERT_EQ(0, mprotect(caller->pages + 3 * PAGE, PAGE, PROT_READ));
}

static void *call_anything_always(void *data)
{
	struct caller *caller = data;

	while (!caller->fuzz->stop)
		call_anything(caller);
	return NULL;
}

/* A descriptor that the slots are made from again; where there is none, another */
static int any_master(struct fuzz *fuzz, unsigned int *seed,
		      unsigned int number)
{
	const int *masters = fuzz->masters[number / SLOTS_EACH];
	int fd = masters[pick(seed, SLOTS_EACH)];

	return fd > 0 ? fd : masters[0];
}

/* To poll a V4L2 file would start its read(), and nobody else could stream. */
static bool can_poll(int fd)
{
	struct stat st;

	return !fstat(fd, &st) &&
	       !(S_ISCHR(st.st_mode) && major(st.st_rdev) == VIDEO_MAJOR);
}

static void look_at(int fd, unsigned int *seed)
{
	char path[64], text[512];

	switch (pick(seed, 3)) {
	case 0:
		if (can_poll(fd))
			poll_fd(fd, POLLIN, pick(seed, 2));
		break;
	case 1:
		fcntl(fd, F_SETFL, chance(seed, 30) ? O_NONBLOCK : 0);
		break;
	case 2:
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		read_text(path, text, sizeof(text));
		break;
	}
}

/* Closes and duplicates the descriptors that the others use, and passes them on. */
static void *shuffle(void *data)
{
	struct caller *caller = data;
	struct fuzz *fuzz = caller->fuzz;
	unsigned int *seed = &caller->seed;
	unsigned int count, number;
	int fds[8], fd;

	while (!fuzz->stop) {
		number = pick(seed, SLOTS);
		fd = slot(number);
		switch (pick(seed, 14)) {
		case 0:
			close(fd);
			break;
		case 1:
			dup3(slot(pick(seed, SLOTS)), fd, O_CLOEXEC);
			break;
		case 2:
			send_fds(fuzz->sockets[0], &fd, 1);
			break;
		case 3:
			count = receive_fds(fuzz->sockets[1], fds);
			if (!count)
				break;
			dup3(fds[0], fd, O_CLOEXEC);
			close(fds[0]);
			break;
		case 4:
			look_at(fd, seed);
			break;
		default:
			dup3(any_master(fuzz, seed, number), fd, O_CLOEXEC);
			break;
		}
		caller->calls++;
		if (chance(seed, 50))
			sleep_ms(1);
	}
	return NULL;
}

/* Processes that have what we have, take what is passed, and are killed */
static void *breed(void *data)
{
	struct caller *caller = data;
	struct fuzz *fuzz = caller->fuzz;
	unsigned int *seed = &caller->seed;
	int fds[8];
	pid_t pid;

	while (!fuzz->stop) {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			*seed = random_bits(seed);
			for (;;) {
				if (receive_fds(fuzz->sockets[1], fds))
					dup3(fds[0], slot(pick(seed, SLOTS)),
					     O_CLOEXEC);
				call_anything(caller);
			}
		}
		sleep_ms(pick(seed, 50));
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		/* To make a process costs more than its calls. */
		sleep_ms(pick(seed, 300));
		random_bits(seed);
		caller->calls++;
	}
	return NULL;
}

static void no_action(int signal)
{
	(void)signal;
}

/*
 * Waits until there were so many calls. Who waits in the kernel for too long is
 * woken by a signal; who does not come back even then hangs.
 */
static bool watch(struct caller *callers, unsigned int wanted)
{
	unsigned int last[CALLERS] = { 0 }, idle[CALLERS] = { 0 }, total, i;

	do {
		sleep_ms(TICK_MS);
		total = 0;
		for (i = 0; i < CALLERS; i++) {
			unsigned int calls = callers[i].calls;

			total += calls;
			idle[i] = calls == last[i] ? idle[i] + 1 : 0;
			last[i] = calls;
			if (idle[i] > 2)
				pthread_kill(callers[i].thread, SIGUSR1);
			if (idle[i] * TICK_MS < HANG_MS)
				continue;
			harness_note("caller %u hangs in call %#lx of seed %u",
				     i, callers[i].request,
				     callers[i].first_seed);
			return false;
		}
	} while (total < wanted);
	return true;
}

static void open_masters(struct fuzz *fuzz)
{
	struct stress_fixture *self = fuzz->self;
	unsigned int i;
	int fds[2];

	fuzz->masters[DEVICE][0] = self->rig.ksalloc;
	fuzz->masters[VIDEO][0] = self->rig.video;
	fuzz->masters[VIDEO][1] = self->video;
	fuzz->masters[VIDEO][2] = open_camera(0);
	fuzz->masters[VIDEO][3] = open_camera(1);
	fuzz->masters[CONNECTION][0] = self->rig.connection;
	fuzz->masters[CONNECTION][1] = self->connection;
	fuzz->masters[ALLOCATOR][0] = self->rig.allocator;
	fuzz->masters[ALLOCATOR][1] = self->allocator;
	fuzz->masters[HEAP][0] = self->rig.heap;
	for (i = 0; i < SLOTS_EACH; i++)
		fuzz->masters[DMABUF][i] = export_frame(self->rig.allocator, i);
	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC | O_NONBLOCK));
	close(fds[1]);
	fuzz->masters[OTHER][0] = fds[0];
	fuzz->masters[OTHER][1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fuzz->masters[OTHER][2] = open(self->video_path, O_PATH | O_CLOEXEC);
	fuzz->masters[OTHER][3] = open(self->video_path, O_RDONLY | O_CLOEXEC);
}

static void close_masters(struct fuzz *fuzz)
{
	unsigned int i;

	for (i = 0; i < SLOTS_EACH; i++) {
		close(fuzz->masters[DMABUF][i]);
		close(fuzz->masters[OTHER][i]);
	}
	close(fuzz->masters[VIDEO][2]);
	close(fuzz->masters[VIDEO][3]);
}

static void report_calls(struct fuzz *fuzz, struct caller *callers,
			 unsigned long long start)
{
	double seconds = seconds_since(start);
	unsigned int i, total = 0;

	for (i = 0; i < CALLERS; i++)
		total += callers[i].calls;
	harness_note("%u calls by %u threads in %.1f s, %.0f a second; %u processes killed",
		     total, CALLERS, seconds, total / seconds,
		     callers[CALLERS + 1].calls);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		harness_note("%s: %u succeeded, %u failed", commands[i].name,
			     fuzz->succeeded[i], fuzz->failed[i]);
		EXPECT_LT(0, fuzz->failed[i]);
	}
}

/* The connections have their own allocators again, and have let go of others. */
static void calm(struct stress_fixture *self)
{
	const int connections[] = { self->rig.connection, self->connection };
	const int allocators[] = { self->rig.allocator, self->allocator };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(connections); i++) {
		ASSERT_EQ(0, fcntl(connections[i], F_SETFL, 0));
		ASSERT_EQ(0, fcntl(allocators[i], F_SETFL, 0));
		ASSERT_EQ(0, set_state(connections[i], KSSTATE_STOP));
		ASSERT_EQ(0, set_allocator(connections[i], allocators[i]));
	}
}

static void set_limit(const char *mbytes)
{
	ASSERT_EQ(0, write_text("/sys/module/ksalloc/parameters/max_mbytes",
				mbytes));
}

/*
 * All calls with valid, stale and random arguments from several threads, while
 * others close, duplicate and pass the descriptors on, and processes that share
 * them are killed: no call hangs or says what the ABI does not know, and nothing
 * is left over.
 */
TEST_F_TIMEOUT(stress, fuzz, LAST_RESORT_S)
{
	struct sigaction action = { .sa_handler = no_action };
	struct caller callers[CALLERS + 2] = { 0 };
	struct fuzz fuzz = {
		.self = self,
		.frame_size = self->rig.framing.frame_size,
	};
	unsigned long long start = now_ns();
	struct footprint before;
	unsigned int i;

	footprint_take(&before);
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
				fuzz.sockets));
	set_limit("8");
	open_masters(&fuzz);
	for (i = 0; i < SLOTS; i++)
		dup3(any_master(&fuzz, &self->seed, i), slot(i), O_CLOEXEC);

	for (i = 0; i < CALLERS + 2; i++) {
		caller_prepare(&callers[i], &fuzz, seed_of(self->seed, i));
		ASSERT_EQ(0, pthread_create(&callers[i].thread, NULL,
					    i == CALLERS ? shuffle :
					    i == CALLERS + 1 ? breed :
					    call_anything_always,
					    &callers[i]));
	}
	/* A thread that hangs would hang the end as well. */
	ASSERT_TRUE(watch(callers, scaled(CALLS)));
	fuzz.stop = true;
	for (i = 0; i < CALLERS; i++)
		while (pthread_tryjoin_np(callers[i].thread, NULL)) {
			pthread_kill(callers[i].thread, SIGUSR1);
			sleep_ms(1);
		}
	pthread_join(callers[CALLERS].thread, NULL);
	pthread_join(callers[CALLERS + 1].thread, NULL);

	report_calls(&fuzz, callers, start);
	EXPECT_EQ(0, fuzz.unknown);
	for (i = 0; i < SLOTS; i++)
		close(slot(i));
	close_masters(&fuzz);
	close(fuzz.sockets[0]);
	close(fuzz.sockets[1]);
	set_limit("0");
	calm(self);
	EXPECT_FOOTPRINT(&before);
	expect_capture(self->rig.connection, self->rig.allocator);
	expect_capture(self->connection, self->allocator);
}
