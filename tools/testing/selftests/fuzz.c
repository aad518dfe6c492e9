// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every ioctl with anything, from several threads and processes at once. What passes
 * here is that no call hangs or says what the ABI does not know, the kernel does not
 * complain, and nothing is left over. See rough.h for counts and seeds.
 */
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

/* The descriptors that are called, passed, closed and made again all the time */
enum fd_kind { DEVICE, VIDEO, CONNECTION, ALLOCATOR, HEAP, DMABUF, OTHER,
	FD_KINDS };

#define SLOTS_EACH 4
#define SLOTS (FD_KINDS * SLOTS_EACH)
#define FIRST_SLOT 300

enum field_kind { END, FLAGS, ZERO, VIDEO_FD, HEAP_FD, ALLOCATOR_FD, EVENT_FD,
	STATE, RESET, INDEX, EVENT, EVENT_ID, DEADLINE, FRAMING, ROOM, ROOM_SIZE };

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
		COMMAND(GET_FRAMING, ksalloc_get_framing, CONNECTION, 50),
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
		COMMAND(GET_STATE, ksalloc_get_state, CONNECTION, 81),
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
		COMMAND(GET_FRAMING_EX, ksalloc_get_framing_ex, CONNECTION, 30),
		.fields = {
			{ ROOM, offsetof(struct ksalloc_get_framing_ex,
					 framing) },
			{ ROOM_SIZE, offsetof(struct ksalloc_get_framing_ex,
					      framing_size) },
			{ ZERO, offsetof(struct ksalloc_get_framing_ex,
					 __reserved) },
		},
	}, {
		COMMAND(RESET_STATE, ksalloc_reset_state, CONNECTION, 3),
		.fields = {
			{ RESET, offsetof(struct ksalloc_reset_state, reset) },
			{ ZERO, offsetof(struct ksalloc_reset_state,
					 __reserved) },
		},
	}, {
		COMMAND(STATUS_EX, ksalloc_status_ex, ALLOCATOR, 30),
	}, {
		COMMAND(ENABLE_EVENT, ksalloc_enable_event, ALLOCATOR, 30),
		.flags = KSALLOC_EVENT_ONESHOT,
		.fields = {
			{ EVENT, offsetof(struct ksalloc_enable_event, event) },
			{ EVENT_FD, offsetof(struct ksalloc_enable_event,
					     eventfd) },
			{ ZERO, offsetof(struct ksalloc_enable_event,
					 __reserved) },
		},
	}, {
		COMMAND(DISABLE_EVENT, ksalloc_disable_event, ALLOCATOR, 30),
		.fields = {
			{ EVENT_ID, offsetof(struct ksalloc_disable_event,
					     id) },
			{ ZERO, offsetof(struct ksalloc_disable_event,
					 __reserved) },
		},
	}, {
		COMMAND(STATUS, ksalloc_status, ALLOCATOR, 10),
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
	struct cameras *cameras;
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
	__u64 number;

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
	case EVENT_FD:
		word = any_fd(seed, OTHER);
		break;
	case STATE:
		word = any_state(seed);
		break;
	case RESET:
	case EVENT:
		word = any_choice(seed);
		break;
	case EVENT_ID:
		word = any_event(caller);
		break;
	case ROOM_SIZE:
		word = any_room_size(seed);
		break;
	case INDEX:
		word = any_index(caller);
		break;
	case DEADLINE:
		number = any_deadline(seed);
		memcpy(arg + field->offset, &number, sizeof(number));
		return;
	case ROOM:
		number = any_room(caller);
		memcpy(arg + field->offset, &number, sizeof(number));
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
	const struct ksalloc_enable_event *event = arg;
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
	case KSALLOC_ENABLE_EVENT:
		caller->event = event->id;
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
	struct cameras *cameras = fuzz->cameras;
	unsigned int i;
	int fds[2];

	fuzz->masters[DEVICE][0] = cameras->rig.ksalloc;
	fuzz->masters[VIDEO][0] = cameras->rig.video;
	fuzz->masters[VIDEO][1] = cameras->video;
	fuzz->masters[VIDEO][2] = open_camera(0);
	fuzz->masters[VIDEO][3] = open_camera(1);
	fuzz->masters[CONNECTION][0] = cameras->rig.connection;
	fuzz->masters[CONNECTION][1] = cameras->connection;
	fuzz->masters[ALLOCATOR][0] = cameras->rig.allocator;
	fuzz->masters[ALLOCATOR][1] = cameras->allocator;
	fuzz->masters[HEAP][0] = cameras->rig.heap;
	for (i = 0; i < SLOTS_EACH; i++)
		fuzz->masters[DMABUF][i] = export_frame(cameras->rig.allocator, i);
	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC | O_NONBLOCK));
	close(fds[1]);
	fuzz->masters[OTHER][0] = fds[0];
	fuzz->masters[OTHER][1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fuzz->masters[OTHER][2] = open(cameras->video_path, O_PATH | O_CLOEXEC);
	fuzz->masters[OTHER][3] = open(cameras->video_path, O_RDONLY | O_CLOEXEC);
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
