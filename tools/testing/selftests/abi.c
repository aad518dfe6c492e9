// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules that hold for all ioctls, tried on each of them: sizes, flags,
 * reserved fields, pointers, numbers, and that a failed call changes nothing.
 *
 * Each ioctl has a prepare() that makes a call of it right, and an undo() that
 * brings back what was before, after a call that went well and after one that
 * failed. The connection runs all the time.
 */
#include "ksalloc_test.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
#define FRAMES 6
/* More than any argument of the ABI has */
#define ROOM 256
#define FILLER 0xa5

FIXTURE(abi) {
	struct rig rig;
	int spare_video;	/* of the other camera, not connected */
	int idle_video;		/* of the other camera, connected */
	int idle_connection;	/* in STOP */
};

struct op {
	const char *name;
	unsigned long request;
	size_t size;
	size_t needed;		/* up to the last field it cannot do without */
	enum { ON_DEVICE, ON_CONNECTION, ON_IDLE_CONNECTION, ON_ALLOCATOR } on;
	__u32 flags;
	size_t out_offset;	/* the first field that is out, or 0 */
	size_t reserved[2];	/* offsets of reserved fields, or 0 */
	void (*prepare)(struct abi_fixture *self, void *arg);
	void (*undo)(struct abi_fixture *self, const void *arg, int result);
};

static void take_frame(struct abi_fixture *self, __u32 *index)
{
	int got = alloc_now(self->rig.allocator);

	ASSERT_LE(0, got);
	*index = got;
}

static void give_back_filled(struct abi_fixture *self)
{
	int index = rig_complete(&self->rig, NULL);

	ASSERT_LE(0, index);
	ASSERT_EQ(0, free_frame(self->rig.allocator, index));
}

static void close_result(struct abi_fixture *self, const void *arg, int result)
{
	(void)self;
	(void)arg;
	if (result >= 0)
		close(result);
}

static void prepare_connect(struct abi_fixture *self, void *data)
{
	struct ksalloc_connect *arg = data;

	arg->v4l2_fd = self->spare_video;
}

static void prepare_create_allocator(struct abi_fixture *self, void *data)
{
	struct ksalloc_create_allocator *arg = data;

	arg->heap_fd = self->rig.heap;
	arg->framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
}

static void prepare_set_allocator(struct abi_fixture *self, void *data)
{
	struct ksalloc_set_allocator *arg = data;

	arg->allocator_fd = self->rig.allocator;
}

static void undo_set_allocator(struct abi_fixture *self, const void *arg,
			       int result)
{
	(void)arg;
	(void)result;
	ASSERT_EQ(0, set_allocator(self->idle_connection, -1));
}

static void prepare_set_state(struct abi_fixture *self, void *data)
{
	struct ksalloc_set_state *arg = data;

	(void)self;
	arg->state = KSSTATE_PAUSE;
}

static void undo_set_state(struct abi_fixture *self, const void *arg,
			   int result)
{
	(void)arg;
	EXPECT_EQ(result ? KSSTATE_RUN : KSSTATE_PAUSE,
		  get_state(self->rig.connection));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
}

static void prepare_submit(struct abi_fixture *self, void *data)
{
	struct ksalloc_submit *arg = data;

	take_frame(self, &arg->index);
}

static void undo_submit(struct abi_fixture *self, const void *data, int result)
{
	const struct ksalloc_submit *arg = data;

	if (result)
		ASSERT_EQ(0, free_frame(self->rig.allocator, arg->index));
	else
		give_back_filled(self);
}

static void prepare_complete(struct abi_fixture *self, void *data)
{
	struct ksalloc_complete *arg = data;
	__u32 index;

	take_frame(self, &index);
	ASSERT_EQ(0, submit(self->rig.connection, index));
	ASSERT_TRUE(poll_fd(self->rig.connection, POLLIN, PATIENCE_MS) &
		    POLLIN);
	arg->deadline_ns = in_ms(PATIENCE_MS);
}

static void undo_complete(struct abi_fixture *self, const void *data,
			  int result)
{
	const struct ksalloc_complete *arg = data;

	if (result)
		give_back_filled(self);
	else
		ASSERT_EQ(0, free_frame(self->rig.allocator, arg->index));
}

static void prepare_get_framing_ex(struct abi_fixture *self, void *data)
{
	struct ksalloc_get_framing_ex *arg = data;

	(void)self;
	/* It comes behind what is out, but is not. */
	arg->__reserved = 0;
}

static void prepare_reset_state(struct abi_fixture *self, void *data)
{
	struct ksalloc_reset_state *arg = data;

	(void)self;
	arg->reset = KSRESET_BEGIN;
}

static void undo_reset_state(struct abi_fixture *self, const void *arg,
			     int result)
{
	struct ksalloc_reset_state end = {
		.size = sizeof(end),
		.reset = KSRESET_END,
	};

	(void)arg;
	EXPECT_EQ(result ? 0 : POLLERR,
		  poll_fd(self->rig.connection, POLLIN, 0));
	ASSERT_EQ(0, call_fd(self->rig.connection, KSALLOC_RESET_STATE, &end));
}

static void undo_alloc(struct abi_fixture *self, const void *data, int result)
{
	const struct ksalloc_alloc *arg = data;

	if (!result)
		ASSERT_EQ(0, free_frame(self->rig.allocator, arg->index));
}

static void prepare_free(struct abi_fixture *self, void *data)
{
	struct ksalloc_free *arg = data;

	take_frame(self, &arg->index);
}

static void undo_free(struct abi_fixture *self, const void *data, int result)
{
	const struct ksalloc_free *arg = data;

	if (result)
		ASSERT_EQ(0, free_frame(self->rig.allocator, arg->index));
}

static const struct op ops[] = {
	{
		.name = "CONNECT",
		.request = KSALLOC_CONNECT,
		.size = sizeof(struct ksalloc_connect),
		.needed = offsetof(struct ksalloc_connect, __reserved),
		.on = ON_DEVICE,
		.reserved = { offsetof(struct ksalloc_connect, __reserved) },
		.prepare = prepare_connect,
		.undo = close_result,
	}, {
		.name = "GET_FRAMING",
		.request = KSALLOC_GET_FRAMING,
		.size = sizeof(struct ksalloc_get_framing),
		.on = ON_CONNECTION,
		.out_offset = offsetof(struct ksalloc_get_framing, framing),
	}, {
		.name = "CREATE_ALLOCATOR",
		.request = KSALLOC_CREATE_ALLOCATOR,
		.size = sizeof(struct ksalloc_create_allocator),
		.needed = offsetof(struct ksalloc_create_allocator,
				   framing.reserved),
		.on = ON_CONNECTION,
		.reserved = {
			offsetof(struct ksalloc_create_allocator, __reserved),
			offsetof(struct ksalloc_create_allocator,
				 framing.reserved),
		},
		.prepare = prepare_create_allocator,
		.undo = close_result,
	}, {
		.name = "SET_ALLOCATOR",
		.request = KSALLOC_SET_ALLOCATOR,
		.size = sizeof(struct ksalloc_set_allocator),
		.needed = offsetof(struct ksalloc_set_allocator, __reserved),
		.on = ON_IDLE_CONNECTION,
		.reserved = {
			offsetof(struct ksalloc_set_allocator, __reserved),
		},
		.prepare = prepare_set_allocator,
		.undo = undo_set_allocator,
	}, {
		.name = "SET_STATE",
		.request = KSALLOC_SET_STATE,
		.size = sizeof(struct ksalloc_set_state),
		.needed = offsetof(struct ksalloc_set_state, __reserved),
		.on = ON_CONNECTION,
		.reserved = { offsetof(struct ksalloc_set_state, __reserved) },
		.prepare = prepare_set_state,
		.undo = undo_set_state,
	}, {
		.name = "GET_STATE",
		.request = KSALLOC_GET_STATE,
		.size = sizeof(struct ksalloc_get_state),
		.on = ON_CONNECTION,
		.out_offset = offsetof(struct ksalloc_get_state, state),
	}, {
		.name = "SUBMIT",
		.request = KSALLOC_SUBMIT,
		.size = sizeof(struct ksalloc_submit),
		.needed = offsetof(struct ksalloc_submit, __reserved),
		.on = ON_CONNECTION,
		.reserved = { offsetof(struct ksalloc_submit, __reserved) },
		.prepare = prepare_submit,
		.undo = undo_submit,
	}, {
		.name = "COMPLETE",
		.request = KSALLOC_COMPLETE,
		.size = sizeof(struct ksalloc_complete),
		.needed = offsetof(struct ksalloc_complete, sequence),
		.on = ON_CONNECTION,
		.flags = KSALLOC_NONBLOCK,
		.out_offset = offsetof(struct ksalloc_complete, index),
		.prepare = prepare_complete,
		.undo = undo_complete,
	}, {
		/* With room for nothing; the suite framing has the rest */
		.name = "GET_FRAMING_EX",
		.request = KSALLOC_GET_FRAMING_EX,
		.size = sizeof(struct ksalloc_get_framing_ex),
		.on = ON_CONNECTION,
		.out_offset = offsetof(struct ksalloc_get_framing_ex,
				       framing_size),
		.reserved = {
			offsetof(struct ksalloc_get_framing_ex, __reserved),
		},
		.prepare = prepare_get_framing_ex,
	}, {
		.name = "RESET_STATE",
		.request = KSALLOC_RESET_STATE,
		.size = sizeof(struct ksalloc_reset_state),
		.needed = offsetof(struct ksalloc_reset_state, __reserved),
		.on = ON_CONNECTION,
		.reserved = {
			offsetof(struct ksalloc_reset_state, __reserved),
		},
		.prepare = prepare_reset_state,
		.undo = undo_reset_state,
	}, {
		.name = "ALLOC",
		.request = KSALLOC_ALLOC,
		.size = sizeof(struct ksalloc_alloc),
		.needed = offsetof(struct ksalloc_alloc, dmabuf_fd),
		.on = ON_ALLOCATOR,
		.flags = KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF,
		.out_offset = offsetof(struct ksalloc_alloc, index),
		.undo = undo_alloc,
	}, {
		.name = "FREE",
		.request = KSALLOC_FREE,
		.size = sizeof(struct ksalloc_free),
		.needed = offsetof(struct ksalloc_free, __reserved),
		.on = ON_ALLOCATOR,
		.reserved = { offsetof(struct ksalloc_free, __reserved) },
		.prepare = prepare_free,
		.undo = undo_free,
	}, {
		.name = "EXPORT",
		.request = KSALLOC_EXPORT,
		.size = sizeof(struct ksalloc_export),
		.needed = offsetof(struct ksalloc_export, __reserved),
		.on = ON_ALLOCATOR,
		.reserved = { offsetof(struct ksalloc_export, __reserved) },
		.undo = close_result,
	}, {
		.name = "STATUS",
		.request = KSALLOC_STATUS,
		.size = sizeof(struct ksalloc_status),
		.on = ON_ALLOCATOR,
		.out_offset = offsetof(struct ksalloc_status, status),
	}, {
		.name = "STATUS_EX",
		.request = KSALLOC_STATUS_EX,
		.size = sizeof(struct ksalloc_status_ex),
		.on = ON_ALLOCATOR,
		.out_offset = offsetof(struct ksalloc_status_ex, status),
	},
};

/* All that a failed call could have changed and a client can see */
struct snapshot {
	int fds, dmabufs, module_refs;
	int state, pending, idle_state;
	int allocated, waiters;
};

static void snapshot_take(struct abi_fixture *self, struct snapshot *shot)
{
	*shot = (struct snapshot){
		.fds = count_fds(),
		.dmabufs = count_dmabufs(),
		.module_refs = module_refs("ksalloc"),
		.state = get_state(self->rig.connection),
		.pending = get_pending(self->rig.connection),
		.idle_state = get_state(self->idle_connection),
		.allocated = allocated(self->rig.allocator),
		.waiters = waiters(self->rig.allocator),
	};
}

static void expect_unchanged(struct abi_fixture *self, const struct op *op,
			     const struct snapshot *before)
{
	struct snapshot after;

	EVENTUALLY((snapshot_take(self, &after),
		    !memcmp(&after, before, sizeof(after))));
	if (memcmp(&after, before, sizeof(after))) {
		harness_note("%s failed and changed something", op->name);
		EXPECT_EQ(before->fds, after.fds);
		EXPECT_EQ(before->dmabufs, after.dmabufs);
		EXPECT_EQ(before->module_refs, after.module_refs);
		EXPECT_EQ(before->state, after.state);
		EXPECT_EQ(before->pending, after.pending);
		EXPECT_EQ(before->idle_state, after.idle_state);
		EXPECT_EQ(before->allocated, after.allocated);
		EXPECT_EQ(before->waiters, after.waiters);
	}
}

static int op_fd(struct abi_fixture *self, const struct op *op)
{
	switch (op->on) {
	case ON_DEVICE:
		return self->rig.ksalloc;
	case ON_CONNECTION:
		return self->rig.connection;
	case ON_IDLE_CONNECTION:
		return self->idle_connection;
	case ON_ALLOCATOR:
		return self->rig.allocator;
	}
	return -1;
}

static void fill_argument(struct abi_fixture *self, const struct op *op,
			  void *arg)
{
	__u32 size = op->size;

	memset(arg, 0, op->size);
	if (op->out_offset)
		memset((char *)arg + op->out_offset, FILLER,
		       op->size - op->out_offset);
	if (op->prepare)
		op->prepare(self, arg);
	memcpy(arg, &size, sizeof(size));
}

static void set_u32(void *arg, size_t offset, __u32 value)
{
	memcpy((char *)arg + offset, &value, sizeof(value));
}

/* The call, made wrong by its caller, fails so and changes nothing. */
static void expect_refused(struct abi_fixture *self, const struct op *op,
			   void *arg, size_t room, int expected)
{
	char *copy = malloc(room);
	struct snapshot before;
	int result;

	memcpy(copy, arg, room);
	snapshot_take(self, &before);
	result = call_fd(op_fd(self, op), op->request, arg);
	if (!EXPECT_EQ(expected, result))
		harness_note("(%s)", op->name);
	expect_unchanged(self, op, &before);
	if (!EXPECT_EQ(0, memcmp(copy, arg, room)))
		harness_note("%s failed and wrote to its argument", op->name);
	free(copy);
}

/* The call is right, and is done. */
static void expect_done(struct abi_fixture *self, const struct op *op,
			void *arg)
{
	int result = call_fd(op_fd(self, op), op->request, arg);

	if (!EXPECT_LE(0, result))
		harness_note("(%s)", op->name);
	if (op->undo)
		op->undo(self, arg, result);
}

static void undo_refused(struct abi_fixture *self, const struct op *op,
			 const void *arg)
{
	if (op->undo)
		op->undo(self, arg, -EINVAL);
}

/* Memory that ends where the next page cannot be touched */
static char *guarded_pages(void)
{
	char *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, mprotect(pages + 2 * PAGE, PAGE, PROT_NONE));
	return pages;
}

FIXTURE_SETUP(abi)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->spare_video = open_camera(1);
	self->idle_video = open_camera(1);
	ASSERT_EQ(0, set_format(self->idle_video, 320, 180));
	self->idle_connection = do_connect(self->rig.ksalloc,
					   self->idle_video);
	ASSERT_LE(0, self->idle_connection);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
}

FIXTURE_TEARDOWN(abi)
{
	rig_close(&self->rig);
}

/* Each call is done with the structure as the header has it. */
TEST_F(abi, exact_size)
{
	alignas(8) char arg[ROOM];
	const struct op *op;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		fill_argument(self, op, arg);
		expect_done(self, op, arg);
	}
}

/* Sizes that do not even hold size and flags are refused with EINVAL. */
TEST_F(abi, size_too_short)
{
	alignas(8) char arg[ROOM];
	static const __u32 sizes[] = { 0, 1, 3, 4, 5, 7 };
	const struct op *op;
	unsigned int i;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		fill_argument(self, op, arg);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			set_u32(arg, 0, sizes[i]);
			expect_refused(self, op, arg, op->size, -EINVAL);
		}
		undo_refused(self, op, arg);
	}
}

/*
 * A structure too short for what the call needs is refused with EINVAL; one
 * that is only shorter than ours may be served. What lies behind it is neither
 * read nor written.
 */
TEST_F(abi, size_shorter)
{
	alignas(8) char arg[ROOM];
	char *pages = guarded_pages();
	const struct op *op;
	size_t size;
	int result;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		for (size = 8; size < op->size; size += 4) {
			char *at_end = pages + 2 * PAGE - size;

			fill_argument(self, op, arg);
			memcpy(at_end, arg, size);
			set_u32(at_end, 0, size);
			if (size < op->needed) {
				expect_refused(self, op, at_end, size, -EINVAL);
				undo_refused(self, op, arg);
				continue;
			}
			result = call_fd(op_fd(self, op), op->request, at_end);
			if (result < 0 && !EXPECT_EQ(-EINVAL, result))
				harness_note("(%s of size %zu)", op->name,
					     size);
			memcpy(arg, at_end, size);
			if (op->undo)
				op->undo(self, arg, result);
		}
	}
}

/* A longer structure is served while what it adds is zero. */
TEST_F(abi, size_longer_zero_tail)
{
	char *arg = guarded_pages();
	const struct op *op;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		memset(arg, 0, PAGE);
		fill_argument(self, op, arg);
		set_u32(arg, 0, op->size + 8);
		expect_done(self, op, arg);

		memset(arg, 0, PAGE);
		fill_argument(self, op, arg);
		set_u32(arg, 0, PAGE);
		expect_done(self, op, arg);
		EXPECT_EQ(0, arg[op->size]);
		EXPECT_EQ(0, arg[PAGE - 1]);
	}
}

/* A longer structure that adds anything else is refused with E2BIG. */
TEST_F(abi, size_longer_nonzero_tail)
{
	char *arg = guarded_pages();
	const struct op *op;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		memset(arg, 0, PAGE);
		fill_argument(self, op, arg);
		set_u32(arg, 0, op->size + 8);
		arg[op->size] = 1;
		expect_refused(self, op, arg, PAGE, -E2BIG);
		arg[op->size] = 0;
		arg[op->size + 7] = 1;
		expect_refused(self, op, arg, PAGE, -E2BIG);
		arg[op->size + 7] = 0;
		set_u32(arg, 0, PAGE);
		arg[PAGE - 1] = 1;
		expect_refused(self, op, arg, PAGE, -E2BIG);
		undo_refused(self, op, arg);
	}
}

/* A structure larger than a page is refused with E2BIG, zero or not. */
TEST_F(abi, size_above_page)
{
	static const __u32 sizes[] = {
		PAGE + 1, 2 * PAGE, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	char *arg = guarded_pages();
	const struct op *op;
	unsigned int i;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		memset(arg, 0, 2 * PAGE);
		fill_argument(self, op, arg);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			set_u32(arg, 0, sizes[i]);
			expect_refused(self, op, arg, 2 * PAGE, -E2BIG);
		}
		undo_refused(self, op, arg);
	}
}

/* A structure that says it goes on where there is no memory gets EFAULT. */
TEST_F(abi, size_beyond_memory)
{
	char *pages = guarded_pages();
	const struct op *op;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		char *arg = pages + 2 * PAGE - op->size;

		fill_argument(self, op, arg);
		set_u32(arg, 0, op->size + 8);
		expect_refused(self, op, arg, op->size, -EFAULT);
		undo_refused(self, op, arg);
	}
}

/* A structure that ends with its page is read and written no further. */
TEST_F(abi, end_of_memory)
{
	char *pages = guarded_pages();
	const struct op *op;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		char *arg = pages + 2 * PAGE - op->size;

		fill_argument(self, op, arg);
		expect_done(self, op, arg);
	}
}

/* An argument at an odd address is as good as another. */
TEST_F(abi, unaligned)
{
	alignas(8) char room[ROOM];
	alignas(8) char arg[ROOM];
	const struct op *op;
	int result;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		fill_argument(self, op, arg);
		memcpy(room + 1, arg, op->size);
		result = call_fd(op_fd(self, op), op->request, room + 1);
		if (!EXPECT_LE(0, result))
			harness_note("(%s)", op->name);
		memcpy(arg, room + 1, op->size);
		if (op->undo)
			op->undo(self, arg, result);
	}
}

/* Each bit of flags that has no meaning is refused with EINVAL. */
TEST_F(abi, unknown_flags)
{
	alignas(8) char arg[ROOM];
	const struct op *op;
	unsigned int bit;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		fill_argument(self, op, arg);
		for (bit = 0; bit < 32; bit++) {
			if (op->flags & 1U << bit)
				continue;
			set_u32(arg, 4, 1U << bit);
			expect_refused(self, op, arg, op->size, -EINVAL);
			if (!op->flags)
				continue;
			set_u32(arg, 4, 1U << bit | op->flags);
			expect_refused(self, op, arg, op->size, -EINVAL);
		}
		undo_refused(self, op, arg);
	}
}

/* Each reserved field that is not zero is refused with EINVAL. */
TEST_F(abi, reserved_fields)
{
	alignas(8) char arg[ROOM];
	const struct op *op;
	unsigned int i;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		fill_argument(self, op, arg);
		for (i = 0; i < ARRAY_SIZE(op->reserved); i++) {
			if (!op->reserved[i])
				continue;
			set_u32(arg, op->reserved[i], 1);
			expect_refused(self, op, arg, op->size, -EINVAL);
			set_u32(arg, op->reserved[i], 0x80000000);
			expect_refused(self, op, arg, op->size, -EINVAL);
			set_u32(arg, op->reserved[i], 0);
		}
		undo_refused(self, op, arg);
	}
}

static void expect_bad_pointer(struct abi_fixture *self, const struct op *op,
			       void *pointer)
{
	struct snapshot before;
	int result;

	snapshot_take(self, &before);
	result = call_fd(op_fd(self, op), op->request, pointer);
	if (!EXPECT_EQ(-EFAULT, result))
		harness_note("(%s of %p)", op->name, pointer);
	expect_unchanged(self, op, &before);
}

/* Pointers to nothing, into the kernel and to closed memory get EFAULT. */
TEST_F(abi, bad_pointers)
{
	char *pages = guarded_pages();
	const struct op *op;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		expect_bad_pointer(self, op, NULL);
		expect_bad_pointer(self, op, (void *)8);
		expect_bad_pointer(self, op, (void *)-1UL);
		expect_bad_pointer(self, op, (void *)0xffffffff81000000UL);
		expect_bad_pointer(self, op, (void *)0x7fffffffffffUL);
		expect_bad_pointer(self, op, pages + 2 * PAGE);
		/* Only the size can be read. */
		set_u32(pages, 2 * PAGE - 4, op->size);
		expect_bad_pointer(self, op, pages + 2 * PAGE - 4);
	}
}

/*
 * A4: where the result cannot be written the call has no effect; where there
 * is nothing to write, read-only memory will do.
 */
TEST_F(abi, read_only_argument)
{
	char *pages = guarded_pages();
	const struct op *op;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		fill_argument(self, op, pages);
		ASSERT_EQ(0, mprotect(pages, PAGE, PROT_READ));
		if (op->out_offset) {
			expect_refused(self, op, pages, PAGE, -EFAULT);
			undo_refused(self, op, pages);
		} else {
			expect_done(self, op, pages);
		}
		ASSERT_EQ(0, mprotect(pages, PAGE, PROT_READ | PROT_WRITE));
	}
}

/* A4: the same where only the last part of the result cannot be written. */
TEST_F(abi, half_read_only_argument)
{
	char *pages = guarded_pages();
	const struct op *op;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		char *arg = pages + PAGE - (op->size - 4);

		if (!op->out_offset)
			continue;
		ASSERT_EQ(0, mprotect(pages, 2 * PAGE, PROT_READ | PROT_WRITE));
		fill_argument(self, op, arg);
		ASSERT_EQ(0, mprotect(pages + PAGE, PAGE, PROT_READ));
		expect_bad_pointer(self, op, arg);
		undo_refused(self, op, arg);
	}
}

/* Numbers that no object has get ENOTTY, whatever the argument is. */
TEST_F(abi, unknown_numbers)
{
	static const unsigned long numbers[] = {
		_IO(KSALLOC_TYPE, 0x01), _IO(KSALLOC_TYPE, 0x0f),
		_IO(KSALLOC_TYPE, 0x19), _IO(KSALLOC_TYPE, 0x1f),
		_IO(KSALLOC_TYPE, 0x27), _IO(KSALLOC_TYPE, 0x7f),
		_IO(KSALLOC_TYPE, 0xff), _IO(0, 0), _IO(0xff, 0xff),
		_IO(0xba, KSALLOC_CMD_CONNECT),
		_IO(0xbc, KSALLOC_CMD_GET_FRAMING),
		_IO('V', KSALLOC_CMD_ALLOC),
		_IOR(KSALLOC_TYPE, KSALLOC_CMD_CONNECT, int),
		_IOWR(KSALLOC_TYPE, KSALLOC_CMD_GET_STATE,
		      struct ksalloc_get_state),
		_IOW(KSALLOC_TYPE, KSALLOC_CMD_STATUS, struct ksalloc_status),
	};
	const int fds[] = {
		self->rig.ksalloc, self->rig.connection, self->rig.allocator,
	};
	alignas(8) char arg[ROOM];
	unsigned int i, j;

	fill_argument(self, &ops[0], arg);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		for (j = 0; j < ARRAY_SIZE(numbers); j++) {
			EXPECT_EQ(-ENOTTY, call_fd(fds[i], numbers[j], arg));
			EXPECT_EQ(-ENOTTY, call_fd(fds[i], numbers[j], NULL));
		}
	}
}

/* A call on an object of another kind gets ENOTTY and changes nothing. */
TEST_F(abi, wrong_object)
{
	const int fds[] = {
		[ON_DEVICE] = self->rig.ksalloc,
		[ON_CONNECTION] = self->rig.connection,
		[ON_IDLE_CONNECTION] = -1,
		[ON_ALLOCATOR] = self->rig.allocator,
	};
	alignas(8) char arg[ROOM];
	struct snapshot before;
	const struct op *op;
	unsigned int i;

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		unsigned int own = op->on == ON_IDLE_CONNECTION ?
			ON_CONNECTION : op->on;

		fill_argument(self, op, arg);
		snapshot_take(self, &before);
		for (i = 0; i < ARRAY_SIZE(fds); i++) {
			if (fds[i] < 0 || i == own)
				continue;
			EXPECT_EQ(-ENOTTY, call_fd(fds[i], op->request, arg));
		}
		expect_unchanged(self, op, &before);
		undo_refused(self, op, arg);
	}
}

/* Files that are none of ours do not know these numbers either. */
TEST_F(abi, foreign_files)
{
	alignas(8) char arg[ROOM];
	const struct op *op;
	int dmabuf;

	dmabuf = export_frame(self->rig.allocator, 0);
	ASSERT_LE(0, dmabuf);
	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		fill_argument(self, op, arg);
		EXPECT_EQ(-ENOTTY, call_fd(dmabuf, op->request, arg));
		EXPECT_EQ(-ENOTTY, call_fd(self->rig.video, op->request, arg));
		undo_refused(self, op, arg);
	}
}

/* Nothing of our objects can be read, written, mapped or sought in. */
TEST_F(abi, no_other_file_operations)
{
	const int fds[] = {
		self->rig.ksalloc, self->rig.connection, self->rig.allocator,
	};
	char byte = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		EXPECT_EQ(-1, read(fds[i], &byte, 1));
		EXPECT_EQ(-1, write(fds[i], &byte, 1));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
					   fds[i], 0));
	}
}

#ifdef __x86_64__
/* An ioctl as a 32-bit process makes it */
static int call_fd_32(int fd, unsigned long request, void *arg)
{
	int result;

	asm volatile("int $0x80"
		     : "=a" (result)
		     : "a" (54), "b" (fd), "c" ((int)request),
		       "d" ((int)(uintptr_t)arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* A 32-bit process is served with the same structures. */
TEST_F(abi, compat)
{
	void *arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	const struct op *op;
	int result;

	ASSERT_NE(MAP_FAILED, arg);
	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		fill_argument(self, op, arg);
		result = call_fd_32(op_fd(self, op), op->request, arg);
		if (!EXPECT_LE(0, result))
			harness_note("(%s)", op->name);
		if (op->undo)
			op->undo(self, arg, result);
		fill_argument(self, op, arg);
		set_u32(arg, 4, 0x80000000);
		EXPECT_EQ(-EINVAL, call_fd_32(op_fd(self, op), op->request,
					      arg));
		undo_refused(self, op, arg);
	}
	EXPECT_EQ(-ENOTTY, call_fd_32(self->rig.connection,
				      _IO(KSALLOC_TYPE, 0x7f), arg));
}
#endif

/* The layouts are those of the header: no padding, 64-bit fields aligned. */
TEST(layout)
{
	EXPECT_EQ(24, sizeof(struct ksallocator_framing));
	EXPECT_EQ(32, sizeof(struct ksstreamallocator_status));
	EXPECT_EQ(16, sizeof(struct kstime));
	EXPECT_EQ(56, sizeof(struct ksstream_header));
	EXPECT_EQ(16, sizeof(struct ksalloc_connect));
	EXPECT_EQ(32, sizeof(struct ksalloc_get_framing));
	EXPECT_EQ(40, sizeof(struct ksalloc_create_allocator));
	EXPECT_EQ(16, sizeof(struct ksalloc_set_allocator));
	EXPECT_EQ(16, sizeof(struct ksalloc_set_state));
	EXPECT_EQ(16, sizeof(struct ksalloc_get_state));
	EXPECT_EQ(16, sizeof(struct ksalloc_submit));
	EXPECT_EQ(80, sizeof(struct ksalloc_complete));
	EXPECT_EQ(24, sizeof(struct ksalloc_alloc));
	EXPECT_EQ(16, sizeof(struct ksalloc_free));
	EXPECT_EQ(16, sizeof(struct ksalloc_export));
	EXPECT_EQ(56, sizeof(struct ksalloc_status));
	EXPECT_EQ(24, offsetof(struct ksalloc_complete, header));
	EXPECT_EQ(8, offsetof(struct ksstream_header, presentation_time));
	EXPECT_EQ(24, offsetof(struct ksstream_header, duration));
	EXPECT_EQ(40, offsetof(struct ksstream_header, data));
}
