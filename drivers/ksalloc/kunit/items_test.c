// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_items": the arithmetic on extended framing.
 */
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "ks_test.h"

#define ITEMS_RANDOM_CASES 20000
#define MANY_BYTES BIT_ULL(40)

static const struct ks_guid system_memory = KSMEMORY_TYPE_SYSTEM;
static const struct ks_guid device_memory = KSMEMORY_TYPE_DEVICE_UNKNOWN;

static const struct ksallocator_framing device_example = {
	.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY |
			      KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER,
	.frames = 3,
	.frame_size = 3000,
};

static bool items_has_type(const struct ks_framing_item *item,
			   const struct ks_guid *type)
{
	return !memcmp(&item->memory_type, type, sizeof(*type));
}

/*
 * Passes if there is one item for each kind of memory, the better one first and with a
 * larger weight, and each has the flags that apply to it (D4, H1, H2, H4, H5).
 */
static void items_kinds(struct kunit *test)
{
	const u32 system = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY;
	const u32 must = KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	const struct {
		bool system, own, own_first;
		u32 count, first_is_own;
	} cases[] = {
		{ false, false, false, 0, 0 }, { false, false, true, 0, 0 },
		{ true, false, false, 1, 0 }, { true, false, true, 1, 0 },
		{ false, true, false, 1, 1 }, { false, true, true, 1, 1 },
		{ true, true, false, 2, 0 }, { true, true, true, 2, 1 },
	};
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ks_framing_item items[KS_FRAMING_ITEMS] = {};
		struct ksallocator_framing device = device_example;
		struct ksalloc_framing_details details;

		if (!cases[i].system)
			device.requirements_flags ^= system | must;
		ks_framing_details_init(&device, cases[i].own, &details);
		details.own_first = cases[i].own_first;
		KUNIT_ASSERT_EQ(test, cases[i].count,
				ks_framing_items(&device, &details, MANY_BYTES,
						 items));
		for (j = 0; j < cases[i].count; j++) {
			bool own = cases[i].first_is_own ^ j;
			u32 flags = KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER |
				    KSALLOCATOR_FLAG_ENABLE_CACHED_MDL;

			if (own)
				flags |= KSALLOCATOR_FLAG_DEVICE_SPECIFIC |
					 KSALLOCATOR_FLAG_CAN_ALLOCATE;
			else
				flags |= system;
			if (!cases[i].system)
				flags |= must;
			KUNIT_EXPECT_EQ(test, items[j].flags, flags);
			KUNIT_EXPECT_TRUE(test,
					  items_has_type(&items[j], own ?
							 &device_memory :
							 &system_memory));
			KUNIT_EXPECT_EQ(test, items[j].memory_type_weight,
					cases[i].count - j);
			KUNIT_EXPECT_EQ(test, items[j].frames, device.frames);
			KUNIT_EXPECT_EQ(test, items[j].file_alignment,
					PAGE_SIZE - 1);
		}
	}
}

/* Passes if PREFERENCES_ONLY is passed on to the items (H4). */
static void items_preferences(struct kunit *test)
{
	struct ks_framing_item items[KS_FRAMING_ITEMS];
	struct ksallocator_framing device = device_example;
	struct ksalloc_framing_details details;
	u32 i, count;

	device.requirements_flags |= KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY |
				   KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY;
	ks_framing_details_init(&device, true, &details);
	count = ks_framing_items(&device, &details, MANY_BYTES, items);
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_TRUE(test, items[i].flags &
				  KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY);
		KUNIT_EXPECT_TRUE(test, items[i].flags &
				  KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY);
	}
}

/*
 * Passes if both ranges are not empty and begin at the requirement of the device, the
 * preferred one has only whole pages, and neither exceeds what is possible, in random cases
 * of all magnitudes (D4).
 */
static void items_ranges(struct kunit *test)
{
	struct rnd_state rnd;
	u32 i, j, count;

	ks_test_seed(test, &rnd);
	for (i = 0; i < ITEMS_RANDOM_CASES; i++) {
		struct ks_framing_item items[KS_FRAMING_ITEMS];
		struct ksallocator_framing device = device_example;
		u64 max_bytes = prandom_u32_state(&rnd);
		struct ksalloc_framing_details details;

		max_bytes <<= prandom_u32_state(&rnd) % 16;
		device.frame_size = prandom_u32_state(&rnd) >>
				  prandom_u32_state(&rnd) % 32;
		device.frames = prandom_u32_state(&rnd) % 5;
		ks_framing_details_init(&device, true, &details);
		details.largest = max(device.frame_size,
				      prandom_u32_state(&rnd) >>
				      prandom_u32_state(&rnd) % 32);
		details.own_largest = max(device.frame_size,
					  prandom_u32_state(&rnd));
		count = ks_framing_items(&device, &details, max_bytes, items);
		KUNIT_ASSERT_EQ(test, count, 2);
		for (j = 0; j < count; j++) {
			const struct ks_framing_range *may, *best;
			u64 limit = max_t(u64, device.frame_size,
					  div_u64(max_bytes,
						  max(device.frames, 1U)));

			may = &items[j].physical_range;
			best = &items[j].framing_range.range;
			if (j)
				limit = min_t(u64, limit, details.own_largest);
			KUNIT_ASSERT_EQ(test, may->min_frame_size,
					device.frame_size);
			KUNIT_ASSERT_LE(test, may->min_frame_size,
					may->max_frame_size);
			KUNIT_ASSERT_LE(test, may->max_frame_size, limit);
			KUNIT_ASSERT_EQ(test, may->stepping, 1);
			KUNIT_ASSERT_EQ(test, best->stepping, PAGE_SIZE);
			KUNIT_ASSERT_LE(test, best->min_frame_size,
					best->max_frame_size);
			KUNIT_ASSERT_EQ(test, best->min_frame_size % PAGE_SIZE,
					0);
			KUNIT_ASSERT_EQ(test, best->max_frame_size % PAGE_SIZE,
					0);
			if (best->max_frame_size > best->min_frame_size)
				KUNIT_ASSERT_LE(test, best->max_frame_size,
						may->max_frame_size);
		}
	}
}

/* Passes if the ratio is exact and in lowest terms, and 1 / 1 if there is none. */
static void items_compression(struct kunit *test)
{
	static const struct {
		u32 size, width, height, numerator, denominator;
	} cases[] = {
		{ 320 * 180 * 2, 320, 180, 1, 1 },
		{ 320 * 180, 320, 180, 1, 2 },
		{ 320 * 180 * 3, 320, 180, 3, 2 },
		{ 1, 1, 1, 1, 2 }, { 7, 3, 5, 7, 30 },
		{ 0, 320, 180, 1, 1 }, { 100, 0, 180, 1, 1 },
		{ 100, 320, 0, 1, 1 }, { 100, 65535, 65535, 1, 1 },
		{ 100, U32_MAX, U32_MAX, 1, 1 },
		{ U32_MAX, 1, 1, U32_MAX, 2 },
	};
	struct ks_compression compression;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ks_framing_compression(cases[i].size, cases[i].width,
				       cases[i].height, &compression);
		KUNIT_EXPECT_EQ_MSG(test, compression.ratio_numerator,
				    cases[i].numerator, "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, compression.ratio_denominator,
				    cases[i].denominator, "case %u", i);
		KUNIT_EXPECT_EQ(test, compression.ratio_constant_margin, 0);
	}
}

/* Passes if the item of an allocator has the size and the memory type of its frames (D2). */
static void items_of_allocator(struct kunit *test)
{
	static const u32 options[] = { 0, KSALLOCATOR_OPTIONF_SYSTEM_MEMORY };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct ksallocator_framing framing = {
			.options_flags = options[i],
			.frames = 7,
			.frame_size = 5000,
			.file_alignment = 63,
		};
		struct ks_framing_item item;

		ks_framing_item_of(&framing, 8192, &item);
		KUNIT_EXPECT_TRUE(test, items_has_type(&item, i ?
						       &system_memory :
						       &device_memory));
		KUNIT_EXPECT_EQ(test, item.frames, 7);
		KUNIT_EXPECT_EQ(test, item.file_alignment, 63);
		KUNIT_EXPECT_EQ(test, item.physical_range.min_frame_size, 5000);
		KUNIT_EXPECT_EQ(test, item.physical_range.max_frame_size, 8192);
		KUNIT_EXPECT_EQ(test,
				item.framing_range.range.max_frame_size, 5000);
	}
}

static struct kunit_case items_cases[] = {
	KUNIT_CASE(items_kinds),
	KUNIT_CASE(items_preferences),
	KUNIT_CASE(items_ranges),
	KUNIT_CASE(items_compression),
	KUNIT_CASE(items_of_allocator),
	{}
};

static struct kunit_suite items_suite = {
	.name = "ksalloc_items",
	.init = ks_test_init,
	.test_cases = items_cases,
};

kunit_test_suite(items_suite);
