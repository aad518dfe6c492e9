// SPDX-License-Identifier: GPL-2.0-only
/* Tests of the search for memory that a device can use, with the model of fake.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "tap.h"

#define V4L2_FD 77
#define FRAMES 4

static const struct ksallocator_framing asked = { .frames = FRAMES };
static struct ks_memory_report report;

/* A camera with these heaps and with udmabuf, whose own memory can be had */
static int set_up(const char *first, const char *second, const char *third)
{
	int ks, connection;

	fake_reset();
	fake.heaps[0] = first;
	fake.heaps[1] = second;
	fake.heaps[2] = third;
	fake.open_errno[FAKE_UDMABUF] = 0;
	fake.lends_memory = true;
	memset(&report, 0x5a, sizeof(report));
	ks = ks_open(NULL);
	connection = ks_connect(ks, V4L2_FD);
	CHECK(connection >= 0);
	close(ks);
	return connection;
}

static void tear_down(int connection, int allocator)
{
	CHECK_EQ(fake.state, KSSTATE_STOP);
	CHECK_EQ(fake.assigned, allocator >= 0);
	if (allocator >= 0)
		close(allocator);
	close(connection);
	CHECK(fake_is_clean());
}

static void check_attempt(__u32 index, const char *name, enum ks_memory_step step, int error,
			  enum ks_memory_help help)
{
	const struct ks_memory_attempt *attempt = &report.attempt[index];

	CHECK(index < report.count);
	CHECK_STR(attempt->name, name);
	CHECK_EQ(attempt->step, step);
	CHECK_EQ(attempt->error, error);
	CHECK_EQ(attempt->help, help);
}

static void refuse(enum fake_memory memory, enum ksalloc_refusal reason, int driver_error,
		   int error)
{
	fake.refuses[memory].reason = reason;
	fake.refuses[memory].frame = 2;
	fake.refuses[memory].driver_error = driver_error;
	fake.refuses[memory].error = error;
}

/* The first heap that works is used; "system" comes first, and files that are no heap do not */
static void test_order(void)
{
	int connection = set_up("cma", "system", NULL), allocator;

	allocator = ks_find_memory(connection, &asked, NULL, &report);
	CHECK(allocator >= 0);
	CHECK_EQ(report.count, 1);
	check_attempt(0, "system", LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	CHECK_EQ(report.attempt[0].kind, LIBKS_MEMORY_HEAP);
	CHECK_EQ(fake.framing.frames, FRAMES);
	CHECK_EQ(fake.framing.frame_size, 5000);
	CHECK_EQ(fake.framing.options_flags, KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
	tear_down(connection, allocator);
}

/*
 * Frames with planes: each has a dma-buf of its size, and the planes of larger frames have the
 * proportions of those of the device. An allocation that fails is reported with its frame.
 */
static void test_planes(void)
{
	static const struct ksallocator_framing larger = { .frames = FRAMES, .frame_size = 12000 };
	int connection = set_up("system", "cma", NULL), allocator;

	fake.planes = (struct ksalloc_planes) { .count = 2, .sizes = { 4000, 2000 } };
	fake.needs.frame_size = 6000;
	fake.alloc_errno[0] = ENOMEM;
	fake.room[0] = 5;
	allocator = ks_find_memory(connection, &asked, NULL, &report);
	CHECK(allocator >= 0);
	CHECK_EQ(report.count, 2);
	check_attempt(0, "system", LIBKS_MEMORY_ALLOCATE, -ENOMEM, LIBKS_HELP_LESS);
	CHECK_EQ(report.attempt[0].frame, 2);
	check_attempt(1, "cma", LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	CHECK_EQ(fake.framing.frames, FRAMES);
	CHECK_EQ(fake.framing.frame_size, 6000);
	CHECK_EQ(fake.allocated, 5 + 2 * FRAMES);
	CHECK_EQ(fake.sizes[5], 4000);
	CHECK_EQ(fake.sizes[6], 2000);
	ks_set_allocator(connection, -1);
	close(allocator);

	fake.allocated = 0;
	allocator = ks_find_memory(connection, &larger, "cma", &report);
	CHECK(allocator >= 0);
	CHECK_EQ(fake.allocated, 2 * FRAMES);
	CHECK_EQ(fake.sizes[2], 8000);
	CHECK_EQ(fake.sizes[3], 4000);
	tear_down(connection, allocator);
}

/* One kind after another fails in its own way */
static void test_each_fails(void)
{
	int connection = set_up("system", "cma", "other"), allocator;

	fake.open_errno[0] = EACCES;
	fake.alloc_errno[1] = ENOMEM;
	fake.room[1] = 3;
	refuse(2, KSALLOC_REFUSAL_MAP, -EFAULT, -EOPNOTSUPP);
	refuse(FAKE_UDMABUF, KSALLOC_REFUSAL_MAP, -EINVAL, -EOPNOTSUPP);
	allocator = ks_find_memory(connection, &asked, NULL, &report);
	CHECK(allocator >= 0);
	CHECK_EQ(report.count, 5);
	check_attempt(0, "system", LIBKS_MEMORY_OPEN, -EACCES, LIBKS_HELP_PERMISSION);
	check_attempt(1, "cma", LIBKS_MEMORY_ALLOCATE, -ENOMEM, LIBKS_HELP_LESS);
	CHECK_EQ(report.attempt[1].frame, 3);
	check_attempt(2, "other", LIBKS_MEMORY_ACQUIRE, -EOPNOTSUPP, LIBKS_HELP_CONTIGUOUS);
	CHECK_EQ(report.attempt[2].refusal, KSALLOC_REFUSAL_MAP);
	CHECK_EQ(report.attempt[2].frame, 2);
	check_attempt(3, LIBKS_UDMABUF, LIBKS_MEMORY_ACQUIRE, -EOPNOTSUPP,
		      LIBKS_HELP_OTHER_MEMORY);
	CHECK_EQ(report.attempt[3].kind, LIBKS_MEMORY_UDMABUF);
	check_attempt(4, LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	CHECK_EQ(report.attempt[4].kind, LIBKS_MEMORY_DEVICE);
	CHECK_EQ(fake.memory, FAKE_DEVICE);
	tear_down(connection, allocator);
}

/* No heap, and no udmabuf: the kernel has none. All that is tried fails: the furthest error */
static void test_nothing_works(void)
{
	int connection = set_up(NULL, NULL, NULL);

	fake.open_errno[FAKE_UDMABUF] = ENOENT;
	refuse(FAKE_DEVICE, KSALLOC_REFUSAL_COUNT, 0, -EOPNOTSUPP);
	CHECK_EQ(ks_find_memory(connection, &asked, NULL, &report), -EOPNOTSUPP);
	CHECK_EQ(report.count, 3);
	check_attempt(0, "", LIBKS_MEMORY_OPEN, -ENOENT, LIBKS_HELP_KERNEL);
	check_attempt(1, LIBKS_UDMABUF, LIBKS_MEMORY_OPEN, -ENOENT, LIBKS_HELP_KERNEL);
	check_attempt(2, LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_ACQUIRE, -EOPNOTSUPP, LIBKS_HELP_LESS);
	tear_down(connection, -1);

	connection = set_up("system", "cma", NULL);
	fake.open_errno[0] = EPERM;
	fake.open_errno[1] = EACCES;
	fake.open_errno[FAKE_UDMABUF] = EACCES;
	fake.lends_memory = false;
	CHECK_EQ(ks_find_memory(connection, &asked, NULL, &report), -EOPNOTSUPP);
	check_attempt(0, "system", LIBKS_MEMORY_OPEN, -EPERM, LIBKS_HELP_PERMISSION);
	check_attempt(3, LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_CREATE, -EOPNOTSUPP,
		      LIBKS_HELP_OTHER_MEMORY);
	tear_down(connection, -1);
}

/* The kernel would end a program that makes a larger file than it may. */
static void test_file_size(void)
{
	int connection = set_up(NULL, NULL, NULL), allocator;

	fake.file_limit = 8191;
	allocator = ks_find_memory(connection, &asked, NULL, &report);
	CHECK(allocator >= 0);
	check_attempt(1, LIBKS_UDMABUF, LIBKS_MEMORY_ALLOCATE, -EFBIG, LIBKS_HELP_LESS);
	check_attempt(2, LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	tear_down(connection, allocator);

	connection = set_up(NULL, NULL, NULL);
	fake.file_limit = 8192;
	allocator = ks_find_memory(connection, &asked, LIBKS_UDMABUF, &report);
	CHECK(allocator >= 0);
	tear_down(connection, allocator);
}

/* If the device cannot import, nothing is allocated for it after that is known */
static void test_no_import(void)
{
	int connection = set_up("system", "cma", NULL), allocator;

	refuse(0, KSALLOC_REFUSAL_IMPORT, -EINVAL, -EOPNOTSUPP);
	fake.alloc_errno[1] = ENOMEM;
	allocator = ks_find_memory(connection, &asked, NULL, &report);
	CHECK_EQ(report.count, 4);
	check_attempt(0, "system", LIBKS_MEMORY_ACQUIRE, -EOPNOTSUPP, LIBKS_HELP_OTHER_MEMORY);
	check_attempt(1, "cma", LIBKS_MEMORY_CREATE, -EOPNOTSUPP, LIBKS_HELP_OTHER_MEMORY);
	check_attempt(2, LIBKS_UDMABUF, LIBKS_MEMORY_CREATE, -EOPNOTSUPP,
		      LIBKS_HELP_OTHER_MEMORY);
	check_attempt(3, LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	tear_down(connection, allocator);

	connection = set_up("system", NULL, NULL);
	fake.needs.requirements_flags = KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	fake.alloc_errno[0] = ENOMEM;
	allocator = ks_find_memory(connection, &asked, NULL, &report);
	check_attempt(0, "system", LIBKS_MEMORY_CREATE, -EOPNOTSUPP, LIBKS_HELP_OTHER_MEMORY);
	CHECK_EQ(fake.memory, FAKE_DEVICE);
	tear_down(connection, allocator);
}

/* An error that does not depend on the memory ends the search */
static void test_other_errors(void)
{
	static const int errors[] = { -EBUSY, -ENODEV, -EINTR, -EIO };
	int connection;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		connection = set_up("system", "cma", NULL);
		refuse(0, KSALLOC_REFUSAL_OTHER, errors[i], errors[i]);
		CHECK_EQ(ks_find_memory(connection, &asked, NULL, &report), errors[i]);
		CHECK_EQ(report.count, 1);
		check_attempt(0, "system", LIBKS_MEMORY_ACQUIRE, errors[i],
			      errors[i] == -EBUSY ? LIBKS_HELP_LATER : LIBKS_HELP_NONE);
		tear_down(connection, -1);
	}
	connection = set_up("system", "cma", NULL);
	fake.alloc_errno[0] = EMFILE;
	CHECK_EQ(ks_find_memory(connection, &asked, NULL, &report), -EMFILE);
	CHECK_EQ(report.count, 1);
	tear_down(connection, -1);
}

/* What the caller names is all that is tried */
static void test_named(void)
{
	static const struct {
		const char *name;
		enum ks_memory_kind kind;
		enum fake_memory memory;
	} names[] = {
		{ "cma", LIBKS_MEMORY_HEAP, 1 },
		{ LIBKS_HEAP_DIR "/cma", LIBKS_MEMORY_HEAP, 1 },
		{ LIBKS_UDMABUF, LIBKS_MEMORY_UDMABUF, FAKE_UDMABUF },
		{ LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_DEVICE, FAKE_DEVICE },
	};
	char too_long[LIBKS_MEMORY_NAME + 1];
	int connection, allocator;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		connection = set_up("system", "cma", NULL);
		allocator = ks_find_memory(connection, &asked, names[i].name, &report);
		CHECK(allocator >= 0);
		CHECK_EQ(report.count, 1);
		CHECK_EQ(report.attempt[0].kind, names[i].kind);
		CHECK_EQ(fake.memory, names[i].memory);
		tear_down(connection, allocator);
	}
	connection = set_up("system", NULL, NULL);
	refuse(0, KSALLOC_REFUSAL_MAP, -EFAULT, -EOPNOTSUPP);
	CHECK_EQ(ks_find_memory(connection, &asked, "system", &report), -EOPNOTSUPP);
	CHECK_EQ(report.count, 1);
	CHECK_EQ(ks_find_memory(connection, &asked, "absent", NULL), -ENOENT);
	memset(too_long, 'x', sizeof(too_long));
	too_long[LIBKS_MEMORY_NAME] = 0;
	CHECK_EQ(ks_find_memory(connection, &asked, too_long, &report), -ENAMETOOLONG);
	CHECK_EQ(report.count, 0);
	tear_down(connection, -1);
}

/* ks_try_memory() goes on after memory that works, and keeps none */
static void test_all(void)
{
	int connection = set_up("system", "cma", NULL);

	refuse(1, KSALLOC_REFUSAL_MAP, -EFAULT, -EOPNOTSUPP);
	CHECK_EQ(ks_try_memory(connection, &asked, &report), 0);
	CHECK_EQ(report.count, 4);
	check_attempt(0, "system", LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	check_attempt(1, "cma", LIBKS_MEMORY_ACQUIRE, -EOPNOTSUPP, LIBKS_HELP_CONTIGUOUS);
	check_attempt(2, LIBKS_UDMABUF, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	check_attempt(3, LIBKS_DEVICE_MEMORY, LIBKS_MEMORY_WORKS, 0, LIBKS_HELP_NONE);
	tear_down(connection, -1);

	/* The memory is right, but there is too little for its mappings */
	connection = set_up("system", NULL, NULL);
	refuse(0, KSALLOC_REFUSAL_MAP, -ENOMEM, -ENOMEM);
	CHECK_EQ(ks_try_memory(connection, &asked, &report), 0);
	check_attempt(0, "system", LIBKS_MEMORY_ACQUIRE, -ENOMEM, LIBKS_HELP_LESS);
	tear_down(connection, -1);

	connection = set_up("system", NULL, NULL);
	refuse(FAKE_UDMABUF, KSALLOC_REFUSAL_OTHER, -EBUSY, -EBUSY);
	CHECK_EQ(ks_try_memory(connection, &asked, &report), -EBUSY);
	CHECK_EQ(report.count, 2);
	tear_down(connection, -1);
}

/* The requirements of the device are used where the caller has none */
static void test_framing(void)
{
	struct ksallocator_framing framing = { .frames = 5, .frame_size = 8000 };
	int connection = set_up("system", NULL, NULL), allocator;

	allocator = ks_find_memory(connection, &framing, NULL, NULL);
	CHECK_EQ(fake.framing.frames, 5);
	CHECK_EQ(fake.framing.frame_size, 8000);
	tear_down(connection, allocator);

	connection = set_up("system", NULL, NULL);
	framing.frames = KSALLOC_MAX_FRAMES + 1;
	CHECK_EQ(ks_find_memory(connection, &framing, NULL, &report), -E2BIG);
	CHECK_EQ(report.count, 0);
	framing.frames = 0;
	fake.needs.frames = 0;
	CHECK_EQ(ks_find_memory(connection, &framing, NULL, &report), -EINVAL);
	tear_down(connection, -1);
}

/* Each call fails once: another kind of memory is used, or nothing is left */
static void test_calls_fail(void)
{
	int connection, allocator, n;
	unsigned int survived = 0;

	for (n = 1; n < 100; n++) {
		connection = set_up("system", NULL, NULL);
		fake.calls = 0;
		fake_fail(n);
		allocator = ks_find_memory(connection, &asked, NULL, &report);
		if (fake.calls < n) {
			tear_down(connection, allocator);
			break;
		}
		survived += allocator >= 0;
		if (allocator < 0) {
			CHECK_EQ(allocator, -fake.fail_errno);
			CHECK(!fake.assigned || fake.fail_errno == EIO);
			fake.assigned = false;
		}
		fake.state = KSSTATE_STOP;
		tear_down(connection, allocator);
	}
	CHECK(n > 8 && n < 100);
	CHECK(survived >= FRAMES);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "the order of heaps", test_order },
		{ "planes", test_planes },
		{ "each kind of memory fails", test_each_fails },
		{ "nothing works", test_nothing_works },
		{ "the limit of file sizes", test_file_size },
		{ "a device that cannot import", test_no_import },
		{ "errors that are not about memory", test_other_errors },
		{ "memory with a name", test_named },
		{ "all memory", test_all },
		{ "framing", test_framing },
		{ "calls fail", test_calls_fail },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
