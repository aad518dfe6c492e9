// SPDX-License-Identifier: GPL-2.0-only
/*
 * All ioctls, and those of V4L2 for streaming from the node of a share, with random arguments, from
 * several threads and processes at the same time, also as commands of io_uring.
 * The test passes if no call hangs or returns an errno that the ABI does not know, the
 * kernel logs no warning, and nothing is leaked. rough.h describes counts and seeds.
 */
#include "fuzz.h"
#include "passing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* The full count */
#define CALLS 1000000

FIXTURE(fuzz) {
	struct cameras cameras;
};

FIXTURE_SETUP(fuzz)
{
	cameras_open(&self->cameras);
}

FIXTURE_TEARDOWN(fuzz)
{
	cameras_close(&self->cameras);
}

/* The errnos of the ABI header, and EIO, which a driver may return */
static const int known_errors[] = {
	EFAULT, ENOTTY, E2BIG, EBADF, EACCES, EINVAL, EOPNOTSUPP, EBUSY, EAGAIN,
	ETIMEDOUT, EINTR, ECANCELED, ENODEV, ESTALE, ENOMEM, EMFILE, ENFILE, EIO,
};

#define CALLERS 8
/* The number of the thread that uses io_uring, if liburing is there */
#define RING_CALLER 0
#define UNKNOWN_MAX 10
/* Longer than any call takes that does not hang */
#define HANG_MS 60000
#define TICK_MS 20
/* Percent of the calls that are V4L2 calls on the node of a share, also in the quiet phase */
#define NODE_PERCENT 15
#define NODE_PERCENT_QUIET 70

static bool is_known(int err)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known_errors); i++)
		if (err == known_errors[i])
			return true;
	return false;
}

/* Replaces a descriptor by a new one, or closes it. */
void keep_fd(unsigned int *seed, int fd, enum file_kind kind)
{
	if (chance(seed, 50))
		dup3(fd, slot(kind * SLOTS_EACH + pick(seed, SLOTS_EACH)),
		     O_CLOEXEC);
	close(fd);
}

static void take_field(struct caller *caller, const struct ioctl_field *field,
		       const char *arg)
{
	unsigned int word;

	memcpy(&word, arg + field->offset, sizeof(word));
	switch (field->kind) {
	case FIELD_OUT_INDEX:
		caller->index = word;
		break;
	case FIELD_OUT_EVENT_ID:
		caller->event = word;
		break;
	case FIELD_OUT_DMABUF_FD:
		if ((int)word >= 0)
			keep_fd(&caller->seed, word, FILE_DMABUF);
		break;
	default:
		break;
	}
}

/* The number may have been reused for another file meanwhile. */
static void take_result(struct caller *caller, unsigned long request,
			const void *arg, int result)
{
	const struct ioctl_entry *entry = ioctl_find(request);
	const struct ioctl_field *field;
	__u32 size;

	if (!entry)
		return;
	memcpy(&size, arg, sizeof(size));
	if (entry->returns != FILE_NONE)
		keep_fd(&caller->seed, result, entry->returns);
	/* A shorter structure of an earlier version can be at the end of the memory */
	for (field = entry->fields; field->kind != FIELD_END; field++)
		if (field->offset + field->size <= size)
			take_field(caller, field, arg);
}

void note_unknown(struct thread *thread, const char *name, unsigned long request, int fd,
		  int err)
{
	if (is_known(err) || thread->fuzz->unknown++ > UNKNOWN_MAX)
		return;
	harness_note("%s (%#lx) of descriptor %d: %s, call %u of seed %u", name, request, fd,
		     strerrorname_np(err), thread->calls, thread->caller.first_seed);
}

static void call_ioctl(struct thread *thread, const struct ioctl_entry *command)
{
	struct caller *caller = &thread->caller;
	int fd = any_fd(&caller->seed, command->file);
	unsigned long request = any_request(&caller->seed, command->request);
	void *arg = make_argument(caller, command);
	struct fuzz *fuzz = thread->fuzz;
	int result;

	thread->request = request;
	result = call_fd(fd, request, arg);
	thread->calls++;
	if (result >= 0) {
		fuzz->succeeded[command - ioctls]++;
		fuzz->took += request == KSALLOC_EXCHANGE && result > 0;
		take_result(caller, request, arg, result);
		return;
	}
	fuzz->failed[command - ioctls]++;
	note_unknown(thread, command->name, request, fd, -result);
}

static void call_any_file(struct thread *thread)
{
	struct caller *caller = &thread->caller;

	if (chance(&caller->seed, NODE_PERCENT))
		call_node(thread);
	else
		call_ioctl(thread, any_command(caller));
}

/* Not so often that streams end before they have frames */
static void call_quietly(struct thread *thread)
{
	if (chance(&thread->caller.seed, NODE_PERCENT_QUIET))
		call_node(thread);
	else
		call_ioctl(thread, &ioctls[IOCTL_EXCHANGE]);
	sleep_ms(1);
}

static void *call_anything_always(void *data)
{
	struct thread *thread = data;

	while (thread->fuzz->quiet)
		call_quietly(thread);
	while (!thread->fuzz->stop)
		call_any_file(thread);
	return NULL;
}

void wait_for_noise(struct thread *thread)
{
	while (thread->fuzz->quiet)
		sleep_ms(5);
}

/* A descriptor from which slots are made again; if it is missing, another one */
static int any_master(struct fuzz *fuzz, unsigned int *seed,
		      unsigned int number)
{
	const int *masters = fuzz->masters[number / SLOTS_EACH];
	int fd = masters[pick(seed, SLOTS_EACH)];

	return fd > 0 ? fd : masters[0];
}

/* poll() of a V4L2 file would start read(), and no other file could stream. */
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

/* Closes and duplicates descriptors that the other threads use, and passes them on. */
static void *shuffle(void *data)
{
	struct thread *thread = data;
	struct fuzz *fuzz = thread->fuzz;
	unsigned int *seed = &thread->caller.seed;
	unsigned int count, number;
	int fds[PASSING_MAX], fd;

	wait_for_noise(thread);
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
		thread->calls++;
		if (chance(seed, 50))
			sleep_ms(1);
	}
	return NULL;
}

/* Processes that share all descriptors, receive passed ones, and are killed */
static void *breed(void *data)
{
	struct thread *thread = data;
	struct fuzz *fuzz = thread->fuzz;
	unsigned int *seed = &thread->caller.seed;
	int fds[PASSING_MAX];
	pid_t pid;

	wait_for_noise(thread);
	while (!fuzz->stop) {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			*seed = random_bits(seed);
			for (;;) {
				if (receive_fds(fuzz->sockets[1], fds))
					dup3(fds[0], slot(pick(seed, SLOTS)),
					     O_CLOEXEC);
				call_any_file(thread);
			}
		}
		sleep_ms(pick(seed, 50));
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		/* Creating a process takes longer than its calls. */
		sleep_ms(pick(seed, 300));
		random_bits(seed);
		thread->calls++;
	}
	return NULL;
}

static void no_action(int signal)
{
	(void)signal;
}

static bool uses_rings(unsigned int thread)
{
	return HAS_RINGS && thread == RING_CALLER;
}

static bool is_quiet_enough(const struct fuzz *fuzz)
{
	return fuzz->took && node_has_succeeded(fuzz);
}

/*
 * Waits until this number of calls was made; or, in the quiet phase, until each of its calls has
 * succeeded, and false if that takes too long. A thread that waits in the kernel for too long
 * is woken by a signal. If it does not return even then, it hangs.
 */
static bool watch(struct thread *threads, unsigned int wanted)
{
	unsigned int last[CALLERS], idle[CALLERS] = { 0 }, total, begun = 0, i;
	struct harness_limit limit = harness_limit_begin(HANG_MS);
	const struct fuzz *fuzz = threads->fuzz;

	for (i = 0; i < CALLERS; i++) {
		last[i] = threads[i].calls;
		begun += last[i];
	}
	do {
		sleep_ms(TICK_MS);
		total = 0;
		for (i = 0; i < CALLERS; i++) {
			unsigned int calls = threads[i].calls;

			total += calls;
			idle[i] = calls == last[i] && !(fuzz->quiet && uses_rings(i)) ?
				idle[i] + 1 : 0;
			last[i] = calls;
			if (idle[i] > 2)
				pthread_kill(threads[i].thread, SIGUSR1);
			if (idle[i] * TICK_MS < HANG_MS)
				continue;
			harness_note("caller %u hangs in call %#lx of seed %u",
				     i, threads[i].request,
				     threads[i].caller.first_seed);
			return false;
		}
		if (fuzz->quiet && harness_limit_is_over(&limit))
			return false;
	} while (fuzz->quiet ? !is_quiet_enough(fuzz) : total - begun < wanted);
	return true;
}

static int open_reader(int connection)
{
	struct ksalloc_reader_open arg = { .size = sizeof(arg), .depth = 2 };

	return call_fd(connection, KSALLOC_READER_OPEN, &arg);
}

static void open_masters(struct fuzz *fuzz)
{
	struct cameras *cameras = fuzz->cameras;
	unsigned int i;
	int fds[2];

	fuzz->masters[FILE_DEVICE][0] = cameras->rig.ksalloc;
	fuzz->masters[FILE_VIDEO][0] = cameras->rig.video;
	fuzz->masters[FILE_VIDEO][1] = cameras->video;
	fuzz->masters[FILE_VIDEO][2] = open_camera(0);
	fuzz->masters[FILE_VIDEO][3] = open_camera(1);
	fuzz->masters[FILE_CONNECTION][0] = cameras->rig.connection;
	fuzz->masters[FILE_CONNECTION][1] = cameras->connection;
	fuzz->masters[FILE_ALLOCATOR][0] = cameras->rig.allocator;
	fuzz->masters[FILE_ALLOCATOR][1] = cameras->allocator;
	fuzz->masters[FILE_HEAP][0] = cameras->rig.heap;
	for (i = 0; i < SLOTS_EACH; i++)
		fuzz->masters[FILE_READER][i] =
			open_reader(i % 2 ? cameras->connection : cameras->rig.connection);
	for (i = 0; i < SLOTS_EACH; i++)
		fuzz->masters[FILE_DMABUF][i] = export_frame(cameras->rig.allocator, i);
	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC | O_NONBLOCK));
	close(fds[1]);
	fuzz->masters[OTHER][0] = fds[0];
	fuzz->masters[OTHER][1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (i = 0; i < SLOTS_EACH; i++)
		fuzz->masters[FILE_EVENTFD][i] =
			eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fuzz->masters[OTHER][2] = open(cameras->video_path, O_PATH | O_CLOEXEC);
	fuzz->masters[OTHER][3] = open(cameras->video_path, O_RDONLY | O_CLOEXEC);
	node_open(fuzz);
}

static void close_masters(struct fuzz *fuzz)
{
	unsigned int i;

	for (i = 0; i < SLOTS_EACH; i++) {
		close(fuzz->masters[FILE_DMABUF][i]);
		close(fuzz->masters[FILE_EVENTFD][i]);
		close(fuzz->masters[FILE_READER][i]);
		close(fuzz->masters[OTHER][i]);
		close(fuzz->masters[FILE_NODE][i]);
	}
	close(fuzz->share);
	close(fuzz->masters[FILE_VIDEO][2]);
	close(fuzz->masters[FILE_VIDEO][3]);
}

static void report_calls(struct fuzz *fuzz, struct thread *threads,
			 unsigned long long start)
{
	double seconds = seconds_since(start);
	unsigned int i, total = 0;

	for (i = 0; i < CALLERS; i++)
		total += threads[i].calls;
	harness_note("%u calls by %u threads in %.1f s, %.0f a second; %u processes killed",
		     total, CALLERS, seconds, total / seconds,
		     threads[CALLERS + 1].calls);
	for (i = 0; i < IOCTLS; i++) {
		harness_note("%s: %u succeeded, %u failed", ioctls[i].name,
			     fuzz->succeeded[i], fuzz->failed[i]);
		EXPECT_LT(0, fuzz->failed[i]);
	}
	if (HAS_RINGS) {
		harness_note("io_uring: %u commands succeeded, %u failed, %u cancelled; %u rings",
			     fuzz->ring_succeeded, fuzz->ring_failed, fuzz->ring_cancelled,
			     fuzz->rings);
		EXPECT_LT(0, fuzz->ring_succeeded);
		EXPECT_LT(0, fuzz->ring_cancelled);
		EXPECT_LT(1, fuzz->rings);
	}
	harness_note("%u EXCHANGEs took frames", fuzz->took);
	if (fuzz->has_quiet)
		EXPECT_LT(0, fuzz->took);
	node_report(fuzz);
}

/*
 * Assigns their own allocators to the connections again, so that references to others are
 * dropped.
 */
static void calm(struct cameras *cameras)
{
	const int connections[] = { cameras->rig.connection, cameras->connection };
	const int allocators[] = { cameras->rig.allocator, cameras->allocator };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(connections); i++) {
		ASSERT_EQ(0, fcntl(connections[i], F_SETFL, 0));
		ASSERT_EQ(0, fcntl(allocators[i], F_SETFL, 0));
		ASSERT_EQ(0, set_state(connections[i], KSSTATE_STOP));
		ASSERT_EQ(0, set_allocator(connections[i], allocators[i]));
	}
	/*
	 * Programs of the share may have changed it. io_uring closes the files of a killed process
	 * later. Until then, the share keeps the camera busy. Without heaps, the allocator has the
	 * camera's own memory, so the format did not change
	 */
	if (cameras->rig.heap >= 0)
		ASSERT_TRUE(EVENTUALLY(!set_format(cameras->video, 320, 180)));
}

static void *(*role_of(unsigned int thread))(void *)
{
	if (uses_rings(thread))
		return call_rings;
	if (thread == CALLERS)
		return shuffle;
	return thread == CALLERS + 1 ? breed : call_anything_always;
}

static void start_thread(struct fuzz *fuzz, struct thread *threads, unsigned int number)
{
	struct thread *thread = &threads[number];

	thread->fuzz = fuzz;
	caller_prepare(&thread->caller, seed_of(fuzz->cameras->seed, number),
		       fuzz->cameras->rig.framing.frame_size);
	ASSERT_EQ(0, pthread_create(&thread->thread, NULL, role_of(number), thread));
}

static void begin_quietly(struct fuzz *fuzz)
{
	struct ksalloc_set_state arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_CIRCULATE,
		.state = KSSTATE_RUN,
	};

	fuzz->has_quiet = true;
	fuzz->quiet = true;
	ASSERT_EQ(0, call_fd(fuzz->cameras->rig.connection, KSALLOC_SET_STATE, &arg));
	node_request_buffers(fuzz);
}

static void set_limit(const char *mbytes)
{
	ASSERT_EQ(0, write_text("/sys/module/ksalloc/parameters/max_mbytes",
				mbytes));
}

/*
 * All calls with valid, stale and random arguments from several threads, while others
 * close, duplicate and pass the descriptors on, and processes that share them are killed:
 * no call hangs or returns an errno that the ABI does not know, and nothing is leaked.
 */
TEST_F_TIMEOUT(fuzz, every_ioctl, LAST_RESORT_S)
{
	struct cameras *cameras = &self->cameras;
	struct sigaction action = { .sa_handler = no_action };
	struct thread threads[CALLERS + 2] = { 0 };
	struct fuzz fuzz = {
		.cameras = cameras,
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
	/* Each of them at first, so that there are readers of the first camera for certain */
	for (i = 0; i < SLOTS; i++) {
		int fd = fuzz.masters[i / SLOTS_EACH][i % SLOTS_EACH];

		dup3(fd > 0 ? fd : any_master(&fuzz, &cameras->seed, i), slot(i), O_CLOEXEC);
	}

	if (cameras->rig.heap >= 0)
		begin_quietly(&fuzz);
	for (i = 0; i < CALLERS + 2; i++)
		start_thread(&fuzz, threads, i);
	if (fuzz.has_quiet) {
		EXPECT_TRUE(watch(threads, 0));
		fuzz.quiet = false;
		harness_note("%.2f s in the quiet phase", seconds_since(start));
	}
	/* A thread that hangs would block the teardown as well. */
	ASSERT_TRUE(watch(threads, scaled(CALLS)));
	fuzz.stop = true;
	for (i = 0; i < CALLERS; i++)
		while (pthread_tryjoin_np(threads[i].thread, NULL)) {
			pthread_kill(threads[i].thread, SIGUSR1);
			sleep_ms(1);
		}
	pthread_join(threads[CALLERS].thread, NULL);
	pthread_join(threads[CALLERS + 1].thread, NULL);

	report_calls(&fuzz, threads, start);
	EXPECT_EQ(0, fuzz.unknown);
	for (i = 0; i < SLOTS; i++)
		close(slot(i));
	close_masters(&fuzz);
	close(fuzz.sockets[0]);
	close(fuzz.sockets[1]);
	set_limit("0");
	calm(cameras);
	EXPECT_FOOTPRINT(&before);
	expect_capture(cameras->rig.connection, cameras->rig.allocator);
	expect_capture(cameras->connection, cameras->allocator);
}
