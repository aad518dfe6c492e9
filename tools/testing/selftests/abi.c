// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules for all ioctls, tested with each of them: sizes, flags, reserved fields, pointers
 * and numbers, and that a failed call changes nothing.
 *
 * ioctls.def lists the ioctls, and usage.c has a valid call of each.
 */
#include "usage.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compat.h"

#define PAGE ((unsigned int)getpagesize())
#define FRAMES 6
/* Larger than any argument of the ABI */
#define ROOM 256

/* Everything that a failed call could have changed and that a client can see */
struct snapshot {
	int fds, dmabufs, module_refs;
	int state, pending, idle_state;
	int allocated, waiters, events;
};

static int count_events(struct abi_fixture *self)
{
	char text[16] = "";

	ASSERT_TRUE(fdinfo_value(self->rig.allocator, "events", text,
				 sizeof(text)));
	return atoi(text);
}

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
		.events = count_events(self),
	};
}

static void expect_unchanged(struct abi_fixture *self, const struct ioctl_entry *op,
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
		EXPECT_EQ(before->events, after.events);
	}
}

static void set_u32(void *arg, size_t offset, __u32 value)
{
	memcpy((char *)arg + offset, &value, sizeof(value));
}

/*
 * Around all calls of an ioctl that must fail, because a snapshot takes much longer than a call.
 * The first fills in a valid argument.
 */
static void refusals_begin(struct abi_fixture *self, const struct ioctl_entry *op,
			   void *arg, struct snapshot *before)
{
	usage_fill(self, op, arg);
	snapshot_take(self, before);
}

static void refusals_end(struct abi_fixture *self, const struct ioctl_entry *op,
			 void *arg, const struct snapshot *before)
{
	expect_unchanged(self, op, before);
	usage_undo(self, op, arg, -EINVAL);
}

/*
 * Makes a call with an error of the caller. It must fail with this errno, and write nothing to
 * its argument.
 */
static void expect_refused(struct abi_fixture *self, const struct ioctl_entry *op,
			   void *arg, size_t room, int expected)
{
	char *copy = malloc(room);
	int result;

	memcpy(copy, arg, room);
	result = call_fd(usage_op_fd(self, op), op->request, arg);
	if (!EXPECT_EQ(expected, result))
		harness_note("(%s)", op->name);
	if (!EXPECT_EQ(0, memcmp(copy, arg, room)))
		harness_note("%s failed and wrote to its argument", op->name);
	free(copy);
}

/* Makes a valid call. It must succeed. */
static void expect_done(struct abi_fixture *self, const struct ioctl_entry *op,
			void *arg)
{
	int result = call_fd(usage_op_fd(self, op), op->request, arg);

	if (!EXPECT_LE(0, result))
		harness_note("(%s)", op->name);
	usage_undo(self, op, arg, result);
}

/* Memory that ends at an inaccessible page */
static char *guarded_pages(void)
{
	char *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, mprotect(pages + 2 * PAGE, PAGE, PROT_NONE));
	return pages;
}

/* A connection in PAUSE, whose frames circulate, and a reader */
static void open_reader(struct abi_fixture *self)
{
	struct ksalloc_set_state state = {
		.size = sizeof(state),
		.flags = KSALLOC_CIRCULATE,
		.state = KSSTATE_PAUSE,
	};
	struct ksalloc_reader_open arg = { .size = sizeof(arg), .depth = 1 };
	int allocator;

	self->fed_connection = do_connect(self->rig.ksalloc, self->spare_video);
	ASSERT_LE(0, self->fed_connection);
	allocator = create_allocator(self->fed_connection, self->rig.heap, FRAMES, 0);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(self->fed_connection, allocator));
	ASSERT_EQ(0, call_fd(self->fed_connection, KSALLOC_SET_STATE, &state));
	self->reader = call_fd(self->fed_connection, KSALLOC_READER_OPEN, &arg);
	ASSERT_LE(0, self->reader);
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
	self->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_LE(0, self->eventfd);
	open_reader(self);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
}

FIXTURE_TEARDOWN(abi)
{
	rig_close(&self->rig);
}

/* Each call succeeds with the structure of the header. */
TEST_F(abi, exact_size)
{
	alignas(8) char arg[ROOM];
	const struct ioctl_entry *op;

	need_heap();
	for_each_ioctl(op) {
		usage_fill(self, op, arg);
		expect_done(self, op, arg);
	}
}

/* A size that does not include both size and flags is refused with EINVAL. */
TEST_F(abi, size_too_short)
{
	alignas(8) char arg[ROOM];
	static const __u32 sizes[] = { 0, 1, 3, 4, 5, 7 };
	const struct ioctl_entry *op;
	struct snapshot before;
	unsigned int i;

	for_each_ioctl(op) {
		refusals_begin(self, op, arg, &before);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			set_u32(arg, 0, sizes[i]);
			expect_refused(self, op, arg, op->size, -EINVAL);
		}
		refusals_end(self, op, arg, &before);
	}
}

/*
 * A structure shorter than in the first version of the ABI is refused with EINVAL. Memory behind
 * it is neither read nor written.
 */
TEST_F(abi, size_shorter)
{
	alignas(8) char arg[ROOM];
	char *pages = guarded_pages();
	const struct ioctl_entry *op;
	struct snapshot before;
	size_t size;

	for_each_ioctl(op) {
		refusals_begin(self, op, arg, &before);
		for (size = 8; size < op->min_size; size += 4) {
			char *at_end = pages + 2 * PAGE - size;

			memcpy(at_end, arg, size);
			set_u32(at_end, 0, size);
			expect_refused(self, op, at_end, size, -EINVAL);
		}
		refusals_end(self, op, arg, &before);
	}
}

/* The structures of earlier versions are accepted. Memory behind them is not accessed either. */
TEST_F(abi, size_of_earlier_versions)
{
	alignas(8) char arg[ROOM];
	char *pages = guarded_pages();
	const struct ioctl_entry *op;
	size_t size;
	int result;

	/* The camera has no second set of its own buffers */
	need_heap();
	for_each_ioctl(op) {
		for (size = op->min_size; size < op->size; size += 4) {
			char *at_end = pages + 2 * PAGE - size;

			usage_fill(self, op, arg);
			memcpy(at_end, arg, size);
			set_u32(at_end, 0, size);
			result = call_fd(usage_op_fd(self, op), op->request, at_end);
			if (!EXPECT_LE(0, result))
				harness_note("(%s of size %zu)", op->name,
					     size);
			memcpy(arg, at_end, size);
			usage_undo(self, op, arg, result);
		}
	}
}

/* A longer structure is accepted if the additional part is zero. */
TEST_F(abi, size_longer_zero_tail)
{
	char *arg = guarded_pages();
	const struct ioctl_entry *op;

	need_heap();
	for_each_ioctl(op) {
		memset(arg, 0, PAGE);
		usage_fill(self, op, arg);
		set_u32(arg, 0, op->size + 8);
		expect_done(self, op, arg);

		memset(arg, 0, PAGE);
		usage_fill(self, op, arg);
		set_u32(arg, 0, PAGE);
		expect_done(self, op, arg);
		EXPECT_EQ(0, arg[op->size]);
		EXPECT_EQ(0, arg[PAGE - 1]);
	}
}

/* A longer structure with any other additional part is refused with E2BIG. */
TEST_F(abi, size_longer_nonzero_tail)
{
	char *arg = guarded_pages();
	const struct ioctl_entry *op;
	struct snapshot before;

	for_each_ioctl(op) {
		memset(arg, 0, PAGE);
		refusals_begin(self, op, arg, &before);
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
		refusals_end(self, op, arg, &before);
	}
}

/* A structure larger than a page is refused with E2BIG, even if it is zero. */
TEST_F(abi, size_above_page)
{
	const __u32 sizes[] = {
		PAGE + 1, 2 * PAGE, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	char *arg = guarded_pages();
	const struct ioctl_entry *op;
	struct snapshot before;
	unsigned int i;

	for_each_ioctl(op) {
		memset(arg, 0, 2 * PAGE);
		refusals_begin(self, op, arg, &before);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			set_u32(arg, 0, sizes[i]);
			expect_refused(self, op, arg, 2 * PAGE, -E2BIG);
		}
		refusals_end(self, op, arg, &before);
	}
}

/* EFAULT if the size of a structure extends into inaccessible memory. */
TEST_F(abi, size_beyond_memory)
{
	char *pages = guarded_pages();
	const struct ioctl_entry *op;
	struct snapshot before;

	for_each_ioctl(op) {
		char *arg = pages + 2 * PAGE - op->size;

		refusals_begin(self, op, arg, &before);
		set_u32(arg, 0, op->size + 8);
		expect_refused(self, op, arg, op->size, -EFAULT);
		refusals_end(self, op, arg, &before);
	}
}

/* Nothing is read or written beyond a structure that ends at the end of a page. */
TEST_F(abi, end_of_memory)
{
	char *pages = guarded_pages();
	const struct ioctl_entry *op;

	need_heap();
	for_each_ioctl(op) {
		char *arg = pages + 2 * PAGE - op->size;

		usage_fill(self, op, arg);
		expect_done(self, op, arg);
	}
}

/* An argument at an odd address works like any other. */
TEST_F(abi, unaligned)
{
	alignas(8) char room[ROOM];
	alignas(8) char arg[ROOM];
	const struct ioctl_entry *op;
	int result;

	need_heap();
	for_each_ioctl(op) {
		usage_fill(self, op, arg);
		memcpy(room + 1, arg, op->size);
		result = call_fd(usage_op_fd(self, op), op->request, room + 1);
		if (!EXPECT_LE(0, result))
			harness_note("(%s)", op->name);
		memcpy(arg, room + 1, op->size);
		usage_undo(self, op, arg, result);
	}
}

/* Each bit of flags without a meaning is refused with EINVAL. */
TEST_F(abi, unknown_flags)
{
	alignas(8) char arg[ROOM];
	const struct ioctl_entry *op;
	struct snapshot before;
	unsigned int bit;

	for_each_ioctl(op) {
		refusals_begin(self, op, arg, &before);
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
		refusals_end(self, op, arg, &before);
	}
}

/* Each reserved field that is not zero is refused with EINVAL. */
TEST_F(abi, reserved_fields)
{
	alignas(8) char arg[ROOM];
	const struct ioctl_field *field;
	const struct ioctl_entry *op;
	struct snapshot before;

	for_each_ioctl(op) {
		refusals_begin(self, op, arg, &before);
		for (field = op->fields; field->kind != FIELD_END; field++) {
			if (field->kind != FIELD_RESERVED)
				continue;
			set_u32(arg, field->offset, 1);
			expect_refused(self, op, arg, op->size, -EINVAL);
			set_u32(arg, field->offset, 0x80000000);
			expect_refused(self, op, arg, op->size, -EINVAL);
			set_u32(arg, field->offset, 0);
		}
		refusals_end(self, op, arg, &before);
	}
}

static void expect_bad_pointer(struct abi_fixture *self, const struct ioctl_entry *op,
			       void *pointer)
{
	int result = call_fd(usage_op_fd(self, op), op->request, pointer);

	if (!EXPECT_EQ(-EFAULT, result))
		harness_note("(%s of %p)", op->name, pointer);
}

/* NULL, kernel addresses and inaccessible memory are refused with EFAULT. */
TEST_F(abi, bad_pointers)
{
	char *pages = guarded_pages();
	const struct ioctl_entry *op;
	struct snapshot before;

	for_each_ioctl(op) {
		snapshot_take(self, &before);
		expect_bad_pointer(self, op, NULL);
		expect_bad_pointer(self, op, (void *)8);
		expect_bad_pointer(self, op, (void *)-1UL);
		expect_bad_pointer(self, op, (void *)0xffffffff81000000UL);
		expect_bad_pointer(self, op, (void *)0x7fffffffffffUL);
		expect_bad_pointer(self, op, pages + 2 * PAGE);
		/* Only the size can be read. */
		set_u32(pages, 2 * PAGE - 4, op->size);
		expect_bad_pointer(self, op, pages + 2 * PAGE - 4);
		expect_unchanged(self, op, &before);
	}
}

/*
 * A4: if the result cannot be written, the call has no effect. A call without a result
 * accepts read-only memory.
 */
TEST_F(abi, read_only_argument)
{
	char *pages = guarded_pages();
	const struct ioctl_entry *op;
	struct snapshot before;

	need_heap();
	for_each_ioctl(op) {
		refusals_begin(self, op, pages, &before);
		ASSERT_EQ(0, mprotect(pages, PAGE, PROT_READ));
		if (ioctl_answers(op)) {
			expect_refused(self, op, pages, PAGE, -EFAULT);
			refusals_end(self, op, pages, &before);
		} else {
			expect_done(self, op, pages);
		}
		ASSERT_EQ(0, mprotect(pages, PAGE, PROT_READ | PROT_WRITE));
	}
}

/* A4: the same if only the last part of the result cannot be written. */
TEST_F(abi, half_read_only_argument)
{
	char *pages = guarded_pages();
	const struct ioctl_entry *op;
	struct snapshot before;

	for_each_ioctl(op) {
		char *arg = pages + PAGE - (op->size - 4);

		if (!ioctl_answers(op))
			continue;
		ASSERT_EQ(0, mprotect(pages, 2 * PAGE, PROT_READ | PROT_WRITE));
		refusals_begin(self, op, arg, &before);
		ASSERT_EQ(0, mprotect(pages + PAGE, PAGE, PROT_READ));
		expect_bad_pointer(self, op, arg);
		refusals_end(self, op, arg, &before);
	}
}

/*
 * Each file accepts the ioctls of its kind in ioctls.def, and no others: ENOTTY before the
 * argument is read, which would be EFAULT.
 */
TEST_F(abi, every_number)
{
	enum file_kind kind;
	unsigned int nr;

	for (kind = FILE_DEVICE; kind <= FILE_READER; kind++) {
		for (nr = 0; nr <= _IOC_NRMASK; nr++) {
			unsigned long request = _IO(KSALLOC_TYPE, nr);
			const struct ioctl_entry *op = ioctl_find(request);
			bool own = op && op->file == kind;

			if (!EXPECT_EQ(own ? -EFAULT : -ENOTTY,
				       call_fd(usage_fd(self, kind), request, NULL)))
				harness_note("(number %#x)", nr);
		}
	}
}

/* ENOTTY for numbers of other types, directions or sizes, whatever the argument is. */
TEST_F(abi, unknown_numbers)
{
	static const unsigned long numbers[] = {
		_IO(0, 0), _IO(0xff, 0xff),
		_IO(0xba, KSALLOC_CMD_CONNECT),
		_IO(0xbc, KSALLOC_CMD_GET_FRAMING),
		_IO('V', KSALLOC_CMD_ALLOC),
		_IOR(KSALLOC_TYPE, KSALLOC_CMD_CONNECT, int),
		_IOWR(KSALLOC_TYPE, KSALLOC_CMD_GET_STATE,
		      struct ksalloc_get_state),
		_IOW(KSALLOC_TYPE, KSALLOC_CMD_STATUS, struct ksalloc_status),
	};
	alignas(8) char arg[ROOM];
	enum file_kind kind;
	unsigned int i;

	usage_fill(self, &ioctls[IOCTL_CONNECT], arg);
	for (kind = FILE_DEVICE; kind <= FILE_READER; kind++) {
		for (i = 0; i < ARRAY_SIZE(numbers); i++) {
			EXPECT_EQ(-ENOTTY, call_fd(usage_fd(self, kind),
						   numbers[i], arg));
			EXPECT_EQ(-ENOTTY, call_fd(usage_fd(self, kind),
						   numbers[i], NULL));
		}
	}
}

/* K6: a call on an object of another kind fails with ENOTTY and changes nothing. */
TEST_F(abi, wrong_object)
{
	alignas(8) char arg[ROOM];
	const struct ioctl_entry *op;
	struct snapshot before;
	enum file_kind kind;

	for_each_ioctl(op) {
		refusals_begin(self, op, arg, &before);
		for (kind = FILE_DEVICE; kind <= FILE_READER; kind++)
			if (kind != op->file)
				EXPECT_EQ(-ENOTTY, call_fd(usage_fd(self, kind),
							   op->request, arg));
		refusals_end(self, op, arg, &before);
	}
}

/* Other files do not accept these ioctls either. */
TEST_F(abi, foreign_files)
{
	alignas(8) char arg[ROOM];
	const struct ioctl_entry *op;
	int dmabuf;

	dmabuf = export_frame(self->rig.allocator, 0);
	ASSERT_LE(0, dmabuf);
	for_each_ioctl(op) {
		usage_fill(self, op, arg);
		EXPECT_EQ(-ENOTTY, call_fd(dmabuf, op->request, arg));
		EXPECT_EQ(-ENOTTY, call_fd(self->rig.video, op->request, arg));
		usage_undo(self, op, arg, -EINVAL);
	}
}

/* The files of the module cannot be read, written, mapped or sought in. */
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

/* A 32-bit process can use the same structures. */
TEST_F(abi, compat)
{
	const struct ioctl_entry *op;
	void *arg = page_32();
	int result;

	for_each_ioctl(op) {
		usage_fill(self, op, arg);
		result = ioctl_32(usage_op_fd(self, op), op->request, arg);
		if (!EXPECT_LE(0, result))
			harness_note("(%s)", op->name);
		usage_undo(self, op, arg, result);
		usage_fill(self, op, arg);
		set_u32(arg, 4, 0x80000000);
		EXPECT_EQ(-EINVAL, ioctl_32(usage_op_fd(self, op), op->request,
					    arg));
		usage_undo(self, op, arg, -EINVAL);
	}
	EXPECT_EQ(-ENOTTY, ioctl_32(self->rig.connection,
				    _IO(KSALLOC_TYPE, 0x7f), arg));
}

/* A 32-bit process gets a struct v4l2_format as it knows it: without padding after the type. */
TEST_F(abi, compat_format)
{
	struct v4l2_format expected = {};
	char *page = page_32();
	struct ksalloc_reader_info *arg = (void *)page;
	const __u32 *format = (void *)(page + PAGE / 2);

	*arg = (struct ksalloc_reader_info){
		.size = sizeof(*arg),
		.format = (uintptr_t)&expected,
		.format_size = sizeof(expected),
	};
	ASSERT_EQ(0, call_fd(self->reader, KSALLOC_READER_INFO, arg));
	ASSERT_NE(0, expected.fmt.pix.width);
	*arg = (struct ksalloc_reader_info){
		.size = sizeof(*arg),
		.format = (uintptr_t)format,
		.format_size = sizeof(expected),
	};
	memset(page + PAGE / 2, FILLER, PAGE / 2);
	ASSERT_EQ(0, ioctl_32(self->reader, KSALLOC_READER_INFO, arg));
	EXPECT_EQ(expected.type, format[0]);
	EXPECT_EQ(0, memcmp(&expected.fmt, &format[1], sizeof(expected.fmt)));
	EXPECT_EQ(FILLER * 0x01010101U, format[1 + sizeof(expected.fmt) / 4]);
}

/* The layouts are those of the header: no padding, and 64-bit fields are aligned. */
TEST(layout)
{
	EXPECT_EQ(24, sizeof(struct ksallocator_framing));
	EXPECT_EQ(32, sizeof(struct ksstreamallocator_status));
	EXPECT_EQ(16, sizeof(struct kstime));
	EXPECT_EQ(56, sizeof(struct ksstream_header));
	EXPECT_EQ(16, sizeof(struct ksalloc_connect));
	EXPECT_EQ(40, sizeof(struct ksalloc_planes));
	EXPECT_EQ(72, sizeof(struct ksalloc_get_framing));
	EXPECT_EQ(48, sizeof(struct ksalloc_create_allocator));
	EXPECT_EQ(16, sizeof(struct ksalloc_set_allocator));
	EXPECT_EQ(16, sizeof(struct ksalloc_set_state));
	EXPECT_EQ(32, sizeof(struct ksalloc_get_state));
	EXPECT_EQ(16, sizeof(struct ksalloc_submit));
	EXPECT_EQ(152, sizeof(struct ksalloc_complete));
	EXPECT_EQ(24, sizeof(struct ksalloc_alloc));
	EXPECT_EQ(16, sizeof(struct ksalloc_free));
	EXPECT_EQ(16, sizeof(struct ksalloc_export));
	EXPECT_EQ(96, sizeof(struct ksalloc_status));
	EXPECT_EQ(24, sizeof(struct ksalloc_get_framing_ex));
	EXPECT_EQ(16, sizeof(struct ksalloc_reset_state));
	EXPECT_EQ(24, sizeof(struct ksalloc_enable_event));
	EXPECT_EQ(16, sizeof(struct ksalloc_disable_event));
	EXPECT_EQ(8, sizeof(struct ksalloc_open));
	EXPECT_EQ(8, sizeof(struct ksalloc_cancel));
	EXPECT_EQ(24, offsetof(struct ksalloc_complete, header));
	EXPECT_EQ(8, offsetof(struct ksstream_header, presentation_time));
	EXPECT_EQ(24, offsetof(struct ksstream_header, duration));
	EXPECT_EQ(40, offsetof(struct ksstream_header, data));
}
