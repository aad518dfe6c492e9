// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls: see anything.h.
 */
#include "anything.h"

#include <limits.h>
#include <string.h>
#include <sys/mman.h>

void caller_prepare(struct caller *caller, unsigned int seed,
		    unsigned int frame_size)
{
	caller->seed = seed;
	caller->first_seed = seed;
	caller->frame_size = frame_size;
	caller->pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, caller->pages);
	memset(caller->pages, 0, 4 * PAGE);
	ASSERT_EQ(0, mprotect(caller->pages + 2 * PAGE, PAGE, PROT_NONE));
	ASSERT_EQ(0, mprotect(caller->pages + 3 * PAGE, PAGE, PROT_READ));
}

int slot(unsigned int number)
{
	return FIRST_SLOT + number;
}

/* Mostly a descriptor of that kind, or the number of a closed one */
int any_fd(unsigned int *seed, enum file_kind kind)
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

/* For values that are mostly 0 or 1 */
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

__u64 any_room(struct caller *caller)
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
	/* Most calls should not wait, or few calls would be made. */
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
	unsigned int needed = caller->frame_size;
	const unsigned int sizes[] = {
		1, needed - 1, needed + 1, 1U << 30, UINT_MAX,
	};
	unsigned int *seed = &caller->seed;
	struct ksallocator_framing framing = {
		.options_flags = usual_memory(),
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

/* Most frames are queued by the kernel thread, or few calls would be valid. */
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
	case FIELD_DMABUF_COUNT:
		return chance(seed, 90) ? pick(seed, FRAMES) : random_bits(seed);
	case FIELD_INDEX:
		return any_index(caller);
	case FIELD_PLANE:
		return chance(seed, 80) ? 0 : random_bits(seed);
	case FIELD_DEPTH:
		return chance(seed, 90) ? 1 + pick(seed, 3) : random_bits(seed);
	case FIELD_EVERY:
	case FIELD_WAIT_FOR:
		return any_choice(seed);
	case FIELD_GIVE_COUNT:
	case FIELD_TAKE_COUNT:
		return chance(seed, 95) ? pick(seed, 4) : random_bits(seed);
	case FIELD_TAKE_SIZE:
		return chance(seed, 90) ? sizeof(struct ksalloc_reader_frame) :
					  any_room_size(seed);
	case FIELD_ROOM_BYTES:
		return any_room_size(seed);
	default:
		if (field_file(kind) != FILE_NONE)
			return any_fd(seed, field_file(kind));
		return chance(seed, 2) ? random_bits(seed) : 0;
	}
}

/* Descriptors of dma-bufs, maybe with duplicates */
static int *any_dmabufs(struct caller *caller)
{
	int *dmabufs = (int *)caller->pages, i;

	for (i = 0; i < FRAMES; i++)
		dmabufs[i] = any_fd(&caller->seed, FILE_DMABUF);
	return dmabufs;
}

/* Indices of frames, maybe with duplicates */
static __u32 *any_indices(struct caller *caller)
{
	__u32 *indices = (__u32 *)caller->pages;
	int i;

	for (i = 0; i < FRAMES; i++)
		indices[i] = any_index(caller);
	return indices;
}

static __u64 any_generation(unsigned int *seed)
{
	if (chance(seed, 90))
		return 1 + pick(seed, 3);
	return (__u64)random_bits(seed) << 32 | random_bits(seed);
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
	case FIELD_DMABUFS:
		number = chance(&caller->seed, 90) ? (uintptr_t)any_dmabufs(caller) :
						     any_room(caller);
		memcpy(arg + field->offset, &number, sizeof(number));
		break;
	case FIELD_GIVE:
		number = chance(&caller->seed, 90) ? (uintptr_t)any_indices(caller) :
						     any_room(caller);
		memcpy(arg + field->offset, &number, sizeof(number));
		break;
	case FIELD_GENERATION:
		number = any_generation(&caller->seed);
		memcpy(arg + field->offset, &number, sizeof(number));
		break;
	case FIELD_TAKE:
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

/* A size that is wrong, or right with an additional part that the module does not know */
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

/* Makes the fields of KSALLOC_CREATE_ALLOCATOR fit its flags */
static void agree_on_memory(unsigned int flags, void *at, unsigned int size)
{
	struct ksalloc_create_allocator arg;

	if (size != sizeof(arg))
		return;
	memcpy(&arg, at, sizeof(arg));
	if (flags & KSALLOC_IMPORT) {
		arg.heap_fd = -1;
	} else {
		arg.nr_dmabufs = 0;
		arg.dmabufs = 0;
	}
	memcpy(at, &arg, sizeof(arg));
}

void *make_argument(struct caller *caller, const struct ioctl_entry *command)
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
	/* An additional part is refused unless it is zero. */
	if (room > command->size && chance(seed, 50))
		arg[command->size + pick(seed, room - command->size)] = 1;
	for (field = command->fields; field->kind != FIELD_END; field++)
		fill_field(caller, field, arg);
	flags = any_flags(seed, command->flags);
	/* Most streams have explicit calls */
	if (command == &ioctls[IOCTL_SET_STATE] && chance(seed, 60))
		flags &= ~KSALLOC_CIRCULATE;
	/* Or soon no call could wait through the files that live long */
	if ((command == &ioctls[IOCTL_CONNECTION_CANCEL] ||
	     command == &ioctls[IOCTL_ALLOCATOR_CANCEL] ||
	     command == &ioctls[IOCTL_READER_CANCEL]) && pick(seed, 500))
		flags &= ~KSALLOC_CANCEL_PERMANENT;
	if (command == &ioctls[IOCTL_ALLOC] && caller->no_descriptor)
		flags &= ~KSALLOC_ALLOC_DMABUF;
	if (command == &ioctls[IOCTL_CREATE_ALLOCATOR] && chance(seed, 90))
		agree_on_memory(flags, arg, size);
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
		/* Half of it is accessible. */
		return end - size / 2 % PAGE;
	case 3:
		/* Read-only: the page behind the inaccessible one */
		memcpy(arg - PAGE, arg, room);
		return end + PAGE;
	default:
		return (void *)(ULONG_MAX - random_bits(seed));
	}
}

unsigned long any_request(unsigned int *seed, unsigned long right)
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

const struct ioctl_entry *any_command(struct caller *caller)
{
	const struct ioctl_entry *command;
	unsigned int weights = 0, left;

	for_each_ioctl(command)
		weights += command->weight;
	left = pick(&caller->seed, weights);
	for (command = ioctls; left >= command->weight; command++)
		left -= command->weight;
	return command;
}
