// SPDX-License-Identifier: GPL-2.0-only
/*
 * The resolver of framings, with fixed needs and with sizes near the limits.
 * test-resolverandom.c compares it with a model.
 */
#include <errno.h>
#include <string.h>

#include <ks/resolve.h>

#include "needs.h"
#include "tap.h"

static struct given example_framing(__u32 flags, __u32 frames, __u32 frame_size)
{
	return (struct given) {
		.simple = true,
		.framing = {
			.requirements_flags = flags,
			.frames = frames,
			.frame_size = frame_size,
		},
	};
}

static struct given example_range(__u32 min, __u32 max, __u32 stepping)
{
	struct given given = { .simple = false };

	given.ex.count_items = 1;
	given.ex.framing_item[0].physical_range =
		(struct ks_framing_range){ min, max, stepping };
	return given;
}

#define SYSTEM KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY

/* Passes if two cameras get the larger of both numbers, and system memory. */
static void test_two_cameras(void)
{
	struct given given[] = {
		example_framing(SYSTEM, 3, 614400),
		example_framing(SYSTEM, 2, 3110400),
	};
	struct ks_resolved resolved;

	given[0].framing.file_alignment = 63;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.options_flags,
		 KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
	CHECK_EQ(resolved.framing.pool_type, KSALLOC_POOL_NONPAGED);
	CHECK_EQ(resolved.framing.frames, 3);
	CHECK_EQ(resolved.framing.frame_size, 3110400);
	CHECK_EQ(resolved.framing.file_alignment, 63);
	CHECK_EQ(resolved.sizes.min_frame_size, 3110400);
	CHECK_EQ(resolved.sizes.max_frame_size, MAX);
	CHECK_EQ(resolved.sizes.stepping, 1);
	CHECK_EQ(resolved.creator, -1);

	CHECK_EQ(resolve(given, 0, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frames, 0);
	CHECK_EQ(resolved.framing.frame_size, 0);
	CHECK_EQ(resolved.framing.options_flags,
		 KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
}

/*
 * Passes if a device's own memory is created on its connection, is compatible with needs
 * for any memory, and conflicts with needs for system memory or their own.
 */
static void test_device_memory(void)
{
	struct given given[] = {
		example_framing(0, 2, 100),
		example_framing(KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE, 2, 100),
		example_framing(SYSTEM, 2, 100),
	};
	struct ks_resolved resolved;
	struct ks_clash clash;

	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.options_flags, 0);
	CHECK_EQ(resolved.creator, 1);
	CHECK(is_device(resolved.memory_type));

	CHECK_EQ(resolve(given, 3, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_MEMORY_TYPE);
	CHECK_EQ(clash.first, 1);
	CHECK_EQ(clash.second, 2);
	CHECK_EQ(clash.members, 6);

	given[2] = given[1];
	CHECK_EQ(resolve(given, 3, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_MEMORY_TYPE);

	given[1].framing.requirements_flags |= SYSTEM;
	given[2].framing.requirements_flags |= SYSTEM;
	CHECK_EQ(resolve(given, 3, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_MUST_ALLOCATE);
	given[2].framing.requirements_flags = SYSTEM;
	CHECK_EQ(resolve(given, 3, &resolved, &clash), 0);
	CHECK_EQ(resolved.creator, 1);
}

/* Passes if steppings that have common sizes only in twos are reported as a conflict. */
static void test_steppings(void)
{
	struct given given[] = {
		example_range(0, 100, 6), example_range(0, 100, 10),
		example_range(0, 100, 15), example_range(0, 100, 7),
	};
	struct ks_resolved resolved;
	struct ks_clash clash;

	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 30);
	CHECK_EQ(resolved.sizes.stepping, 30);
	CHECK_EQ(resolved.sizes.max_frame_size, 90);
	CHECK_EQ(resolve(given, 4, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_STEPPING);
	/* 7 meets 6 at 42, and 10 at 70, but 15 not before 105 */
	CHECK_EQ(clash.members, 12);
	given[2] = example_range(0, 100, 1);
	CHECK_EQ(resolve(given, 4, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_STEPPING);
	CHECK_EQ(clash.members, 11);
	CHECK_EQ(clash.first, 0);
	CHECK_EQ(clash.second, 1);
	given[1] = example_range(1, 99, 2);
	given[0] = example_range(2, 100, 2);
	CHECK_EQ(resolve(given, 4, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_STEPPING);
	CHECK_EQ(clash.members, 3);
	given[0] = example_range(100, 200, 2);
	CHECK_EQ(resolve(given, 2, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_FRAME_SIZE);
}

/* The first common size, tried with the larger stepping; 0 for none */
static __u32 slow_meet(struct ks_framing_range one,
		       struct ks_framing_range other)
{
	__u64 size;

	for (size = one.min_frame_size; size <= one.max_frame_size;
	     size += one.stepping)
		if (in_range(size, other))
			return size;
	return 0;
}

/* Few enough sizes to try each, and often with common ones */
static struct given random_large_range(void)
{
	__u32 unit = one_in(2) ? 1U << 18 : 1U << 16;
	__u32 stepping = (1U << 18) + unit * random_below(60);

	if (one_in(8))
		stepping += random_below(1U << 17);
	return example_range(1 + unit * random_below(2000),
			     MAX - random_below(1U << 31), stepping);
}

/* Passes if sizes near 2^32 are handled like small ones. */
static void test_large_sizes(void)
{
	unsigned long cases = start_random() / 30, met = 0;
	struct ks_resolved resolved;
	struct given given[2];
	__u32 size;
	int i, err;

	for (; cases && tap_failures < 10; cases--) {
		for (i = 0; i < 2; i++)
			given[i] = random_large_range();
		size = slow_meet(given[0].ex.framing_item[0].physical_range,
				 given[1].ex.framing_item[0].physical_range);
		err = resolve(given, 2, &resolved, NULL);
		CHECK_EQ(err, size ? 0 : -ERANGE);
		if (err)
			continue;
		CHECK_EQ(resolved.framing.frame_size, size);
		met++;
	}
	CHECK(met > 100);
	given[0] = example_range(1, MAX, 65537);
	given[1] = example_range(65538, MAX, 65521);
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 65538);
	CHECK_EQ(resolved.sizes.max_frame_size, 65538U + 65537U * 65521U);
	given[0] = example_range(MAX, MAX, MAX);
	given[1] = example_range(1, MAX, 2);
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, MAX);
	CHECK_EQ(resolved.sizes.stepping, 1);
	given[1] = example_range(MAX, MAX, 0);
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	given[1] = example_range(2, MAX, 2);
	CHECK_EQ(resolve(given, 2, &resolved, NULL), -ERANGE);
}

/* Passes if a preference is applied if possible, and never causes a conflict (H4). */
static void test_wishes(void)
{
	struct given given[] = {
		example_range(10, 1000, 10), example_range(10, 1000, 10),
		example_framing(KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY |
				SYSTEM, 8, 300),
	};
	struct ks_framing_item *item = given[0].ex.framing_item;
	struct ks_framing_item *other = given[1].ex.framing_item;
	struct ks_resolved resolved;

	item->framing_range.range = (struct ks_framing_range){ 200, 400, 50 };
	item->framing_range.not_in_place_weight = 2;
	CHECK_EQ(resolve(given, 1, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 200);
	CHECK_EQ(resolved.sizes.max_frame_size, 400);
	CHECK_EQ(resolved.sizes.stepping, 50);
	/* The heavier of two that exclude each other */
	other->framing_range.range = (struct ks_framing_range){ 500, 600, 1 };
	other->framing_range.not_in_place_weight = 3;
	other->framing_range.in_place_weight = 1;
	item->framing_range.in_place_weight = 2;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 500);
	item->flags = KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 200);
	CHECK(resolved.framing.options_flags & KSALLOCATOR_OPTIONF_COMPATIBLE);
	/* A preference for size and frames, and an impossible one */
	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 300);
	CHECK_EQ(resolved.framing.frames, 8);
	given[2].framing.frame_size = 2000;
	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 200);
	given[2].framing.frames = MAX;
	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frames, KSALLOC_MAX_FRAMES);
}

/* Passes if a need for unchanged frames conflicts with one that changes them (H1, H3). */
static void test_integrity(void)
{
	struct given given[] = {
		example_framing(SYSTEM |
				KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY, 2, 9),
		example_framing(SYSTEM |
				KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER, 2, 9),
		example_framing(SYSTEM, 2, 9),
	};
	struct ks_resolved resolved;
	struct ks_clash clash;

	CHECK_EQ(resolve(given, 3, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_INTEGRITY);
	CHECK_EQ(clash.members, 3);
	CHECK_EQ(resolve(given + 1, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.options_flags,
		 KSALLOCATOR_OPTIONF_SYSTEM_MEMORY |
		 KSALLOCATOR_OPTIONF_COMPATIBLE);
	given[1] = given[0];
	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
}

/* Passes if the best item that is compatible with the others is used (D4). */
static void test_items(void)
{
	struct given given[2] = { { .simple = false }, { .simple = false } };
	struct ks_framing_item *item = given[0].ex.framing_item;
	struct ks_resolved resolved;
	struct ks_clash clash;

	given[0].ex.count_items = 2;
	item[0].memory_type = KSMEMORY_TYPE_DEVICE_UNKNOWN;
	item[0].memory_type_weight = 2;
	item[1].memory_type = KSMEMORY_TYPE_SYSTEM;
	item[1].memory_type_weight = 1;
	item[1].frames = 4;
	CHECK_EQ(resolve(given, 1, &resolved, NULL), 0);
	CHECK(is_device(resolved.memory_type));
	CHECK_EQ(resolved.creator, 0);
	item[0].memory_type_weight = 1;
	CHECK_EQ(resolve(given, 1, &resolved, NULL), 0);
	CHECK(is_device(resolved.memory_type));

	given[1].ex.count_items = 1;
	given[1].ex.framing_item[0].memory_type = KSMEMORY_TYPE_SYSTEM;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK(is_guid(resolved.memory_type, KSMEMORY_TYPE_SYSTEM));
	CHECK_EQ(resolved.framing.frames, 4);

	given[1].ex.framing_item[0].frames = 5;
	given[1].ex.framing_item[0].bus_type = KSMEMORY_TYPE_USER;
	item[1].bus_type = KSMEMORY_TYPE_SYSTEM;
	CHECK_EQ(resolve(given, 2, &resolved, &clash), -ERANGE);
	/* The first item fails by its memory type, the second one by a later property */
	CHECK_EQ(clash.field, LIBKS_CLASH_BUS_TYPE);

	item[1].flags = KSALLOCATOR_FLAG_2D_BUFFER_REQUIRED;
	item[1].frame_pitch = -1280;
	CHECK_EQ(resolve(given, 1, &resolved, NULL), 0);
	given[0].ex.count_items = 1;
	item[0] = item[1];
	CHECK_EQ(resolve(given, 2, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_2D);
	CHECK_EQ(clash.first, 0);
	CHECK_EQ(clash.second, 0);
}

/* Passes if of choices of equal weight the one with less memory is used. */
static void test_ties(void)
{
	struct given given[2] = { { .simple = false }, { .simple = false } };
	struct ks_framing_item *item = given[0].ex.framing_item;
	struct ks_framing_item *other = given[1].ex.framing_item;
	struct ks_resolved resolved;
	int i;

	for (i = 0; i < 2; i++) {
		given[i].ex.count_items = 2;
		given[i].ex.framing_item[i].memory_type = KSMEMORY_TYPE_USER;
		given[i].ex.framing_item[1 - i].memory_type =
			KSMEMORY_TYPE_SYSTEM;
	}
	for (i = 0; i < 2; i++) {
		item[i].physical_range =
			(struct ks_framing_range){ 100 + 100 * i, MAX, 1 };
		CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	}
	CHECK_EQ(resolved.framing.frame_size, 100);
	item[0].physical_range.min_frame_size = 300;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 200);
	other[0].frames = 2;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 300);
}

/* Passes if weights of 2^64 and more do not wrap. */
static void test_weights(void)
{
	struct given given[4];
	struct ks_resolved resolved;
	unsigned int i;

	memset(given, 0, sizeof(given));
	for (i = 0; i < 4; i++) {
		given[i].ex.count_items = 2;
		given[i].ex.pin_weight = 1U << 31;
		given[i].ex.framing_item[0].memory_type = KSMEMORY_TYPE_USER;
		given[i].ex.framing_item[0].memory_type_weight = 1;
		given[i].ex.framing_item[1].memory_type = KSMEMORY_TYPE_SYSTEM;
		given[i].ex.framing_item[1].memory_type_weight = 1U << 31;
	}
	CHECK_EQ(resolve(given, 4, &resolved, NULL), 0);
	CHECK(is_guid(resolved.memory_type, KSMEMORY_TYPE_SYSTEM));
}

static void check_refused(struct given given, int expected)
{
	struct given all[2] = { example_framing(SYSTEM, 1, 1) };
	struct ks_clash clash = { .first = 99, .second = 99 };
	struct ks_resolved resolved;

	all[1] = given;
	CHECK_EQ(resolve(all, 2, &resolved, &clash), expected);
	CHECK_EQ(resolve(all, 2, &resolved, NULL), expected);
	if (expected != -EINVAL)
		return;
	CHECK_EQ(clash.field, LIBKS_CLASH_INVALID);
	CHECK_EQ(clash.first, 1);
	CHECK_EQ(clash.second, 1);
	CHECK_EQ(clash.members, 2);
}

/* Passes if invalid needs are EINVAL, and are reported. */
static void test_refused(void)
{
	struct ks_need needs[LIBKS_RESOLVE_NEEDS + 1] = { { NULL, NULL } };
	struct given given;
	struct ks_resolved resolved;
	struct ks_clash clash;
	unsigned int i;

	CHECK_EQ(ks_resolve_framing(needs, 1, &resolved, &clash), -EINVAL);
	given = example_framing(SYSTEM, 1, 1);
	needs[0].framing = &given.framing;
	needs[0].framing_ex = &given.ex;
	CHECK_EQ(ks_resolve_framing(needs, 1, &resolved, &clash), -EINVAL);

	given = example_framing(SYSTEM | 0x10, 1, 1);
	check_refused(given, -EINVAL);
	given = example_framing(SYSTEM, 1, 1);
	given.framing.reserved = 1;
	check_refused(given, -EINVAL);
	given = example_framing(SYSTEM, 1, 1);
	given.framing.file_alignment = 2;
	check_refused(given, -EINVAL);
	given = example_framing(SYSTEM, 1, 1);
	given.framing.pool_type = 2;
	check_refused(given, -EINVAL);
	given = example_range(1, 1, 1);
	given.ex.framing_item[0].file_alignment = 4;
	check_refused(given, -EINVAL);
	given = example_range(1, 1, 1);
	given.ex.count_items = 0;
	check_refused(given, -EINVAL);
	given.ex.count_items = LIBKS_RESOLVE_ITEMS + 1;
	check_refused(given, -E2BIG);
	given = example_framing(SYSTEM, KSALLOC_MAX_FRAMES, 1);
	check_refused(given, 0);
	given = example_framing(SYSTEM, KSALLOC_MAX_FRAMES + 1, 1);
	check_refused(given, -ERANGE);

	given = example_framing(SYSTEM, 1, 1);
	for (i = 0; i <= LIBKS_RESOLVE_NEEDS; i++)
		needs[i] = need_of(&given);
	CHECK_EQ(ks_resolve_framing(needs, LIBKS_RESOLVE_NEEDS, &resolved,
				    NULL), 0);
	CHECK_EQ(ks_resolve_framing(needs, LIBKS_RESOLVE_NEEDS + 1, &resolved,
				    NULL), -E2BIG);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "two cameras", test_two_cameras },
		{ "device memory", test_device_memory },
		{ "steppings", test_steppings },
		{ "large sizes", test_large_sizes },
		{ "wishes", test_wishes },
		{ "frame integrity", test_integrity },
		{ "items", test_items },
		{ "ties", test_ties },
		{ "weights", test_weights },
		{ "refused", test_refused },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
