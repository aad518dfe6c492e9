// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every ioctl with anything, from several threads and processes at once. What passes
 * here is that no call hangs or says what the ABI does not know, the kernel does not
 * complain, and nothing is left over. See rough.h for counts and seeds.
 */
#include "ioctls.h"
#include "passing.h"
#include "rough.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* The full count */
#define CALLS 1000000

#define VIDEO_MAJOR 81

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

/*
 * The descriptors that are called, passed, closed and made again all the time: so many
 * of each kind of file, and of no kind.
 */
#define SLOTS_EACH 4
#define OTHER FILE_NONE
#define SLOTS (FILE_KINDS * SLOTS_EACH)
#define FIRST_SLOT 300

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
	struct cameras *cameras;
	int masters[FILE_KINDS][SLOTS_EACH];
	/* Of all ioctls together */
	unsigned int weights;
	unsigned int frame_size;
	int sockets[2];
	atomic_bool stop;
	atomic_uint unknown;
	atomic_uint succeeded[IOCTLS];
	atomic_uint failed[IOCTLS];
};

/* One who calls. The last bytes before a page that is not there are his. */
struct caller {
	struct fuzz *fuzz;
	pthread_t thread;
	unsigned int seed, first_seed;
	/* The frame and the event that he got last */
	unsigned int index, event;
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
static int any_fd(unsigned int *seed, enum file_kind kind)
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

/* Of what is mostly 0 or 1 */
static unsigned int any_choice(unsigned int *seed)
{
	return chance(seed, 95) ? pick(seed, 2) : random_bits(seed);
}

static unsigned int any_event(struct caller *caller)
{
	unsigned int *seed = &caller->seed;

	if (chance(seed, 60))
		return caller->event;
	return chance(seed, 80) ? pick(seed, 1000) : random_bits(seed);
}

/* What fits into the page, what does not, and what nobody can write to */
static __u64 any_room(struct caller *caller)
{
	unsigned int *seed = &caller->seed;

	switch (pick(seed, 8)) {
	case 0:
		return 0;
	case 1:
		return (uintptr_t)caller->pages + PAGE - pick(seed, 300);
	case 2:
		return (uintptr_t)caller->pages + 2 * PAGE + pick(seed, 2 * PAGE);
	case 3:
		return (__u64)random_bits(seed) << 32 | random_bits(seed);
	default:
		return (uintptr_t)caller->pages;
	}
}

static unsigned int any_room_size(unsigned int *seed)
{
	if (chance(seed, 60))
		return pick(seed, PAGE);
	return chance(seed, 80) ? pick(seed, 200) : random_bits(seed);
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
	return framing;
}

/* Most frames go by the kernel's thread, or there would be few right calls. */
static int any_dmabuf(unsigned int *seed)
{
	return chance(seed, 70) ? -1 : any_fd(seed, FILE_DMABUF);
}

/* A field of 32 bits */
static unsigned int any_word(struct caller *caller, enum field_kind kind)
{
	unsigned int *seed = &caller->seed;

	switch (kind) {
	case FIELD_DMABUF_FD:
		return any_dmabuf(seed);
	case FIELD_STATE:
		return any_state(seed);
	case FIELD_RESET:
	case FIELD_EVENT:
		return any_choice(seed);
	case FIELD_EVENT_ID:
		return any_event(caller);
	case FIELD_ROOM_SIZE:
		return any_room_size(seed);
	case FIELD_INDEX:
		return any_index(caller);
	default:
		if (field_file(kind) != FILE_NONE)
			return any_fd(seed, field_file(kind));
		return chance(seed, 2) ? random_bits(seed) : 0;
	}
}

static void fill_field(struct caller *caller, const struct ioctl_field *field,
		       unsigned char *arg)
{
	struct ksallocator_framing framing;
	unsigned int word;
	__u64 number;

	switch (field->kind) {
	case FIELD_DEADLINE:
		number = any_deadline(&caller->seed);
		memcpy(arg + field->offset, &number, sizeof(number));
		break;
	case FIELD_ROOM:
		number = any_room(caller);
		memcpy(arg + field->offset, &number, sizeof(number));
		break;
	case FIELD_FRAMING:
		framing = any_framing(caller);
		memcpy(arg + field->offset, &framing, sizeof(framing));
		break;
	case FIELD_OUT:
		break;
	default:
		word = any_word(caller, field->kind);
		memcpy(arg + field->offset, &word, sizeof(word));
	}
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
static void *make_argument(struct caller *caller,
			   const struct ioctl_entry *command)
{
	unsigned char *end = caller->pages + 2 * PAGE, *arg;
	unsigned int *seed = &caller->seed;
	unsigned int size = command->size, room = size;
	const struct ioctl_field *field;
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
	for (field = command->fields; field->kind != FIELD_END; field++)
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
static void keep_fd(unsigned int *seed, int fd, enum file_kind kind)
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

/* The number may have been another's than it was meant to be. */
static void take_result(struct caller *caller, unsigned long request,
			const void *arg, int result)
{
	const struct ioctl_entry *entry = ioctl_find(request);
	const struct ioctl_field *field;

	if (!entry)
		return;
	if (entry->returns != FILE_NONE)
		keep_fd(&caller->seed, result, entry->returns);
	for (field = entry->fields; field->kind != FIELD_END; field++)
		take_field(caller, field, arg);
}

static const struct ioctl_entry *any_command(struct caller *caller)
{
	const struct ioctl_entry *command = ioctls;
	unsigned int left = pick(&caller->seed, caller->fuzz->weights);

	while (left >= command->weight)
		left -= command++->weight;
	return command;
}

static void call_anything(struct caller *caller)
{
	const struct ioctl_entry *command = any_command(caller);
	int fd = any_fd(&caller->seed, command->file);
	unsigned long request = any_request(&caller->seed, command->request);
	void *arg = make_argument(caller, command);
	struct fuzz *fuzz = caller->fuzz;
	int result;

	caller->request = request;
	result = call_fd(fd, request, arg);
	caller->calls++;
	if (result >= 0) {
		fuzz->succeeded[command - ioctls]++;
		take_result(caller, request, arg, result);
		return;
	}
	fuzz->failed[command - ioctls]++;
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
	int fds[PASSING_MAX], fd;

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
}

static void close_masters(struct fuzz *fuzz)
{
	unsigned int i;

	for (i = 0; i < SLOTS_EACH; i++) {
		close(fuzz->masters[FILE_DMABUF][i]);
		close(fuzz->masters[FILE_EVENTFD][i]);
		close(fuzz->masters[OTHER][i]);
	}
	close(fuzz->masters[FILE_VIDEO][2]);
	close(fuzz->masters[FILE_VIDEO][3]);
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
	for (i = 0; i < IOCTLS; i++) {
		harness_note("%s: %u succeeded, %u failed", ioctls[i].name,
			     fuzz->succeeded[i], fuzz->failed[i]);
		EXPECT_LT(0, fuzz->failed[i]);
	}
}

/* The connections have their own allocators again, and have let go of others. */
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
TEST_F_TIMEOUT(fuzz, every_ioctl, LAST_RESORT_S)
{
	struct cameras *cameras = &self->cameras;
	struct sigaction action = { .sa_handler = no_action };
	struct caller callers[CALLERS + 2] = { 0 };
	struct fuzz fuzz = {
		.cameras = cameras,
		.frame_size = cameras->rig.framing.frame_size,
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
	for (i = 0; i < IOCTLS; i++)
		fuzz.weights += ioctls[i].weight;
	for (i = 0; i < SLOTS; i++)
		dup3(any_master(&fuzz, &cameras->seed, i), slot(i), O_CLOEXEC);

	for (i = 0; i < CALLERS + 2; i++) {
		caller_prepare(&callers[i], &fuzz, seed_of(cameras->seed, i));
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
	calm(cameras);
	EXPECT_FOOTPRINT(&before);
	expect_capture(cameras->rig.connection, cameras->rig.allocator);
	expect_capture(cameras->connection, cameras->allocator);
}
