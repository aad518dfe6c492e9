// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_framing": the arithmetic on framing.
 *
 * There are two kinds of expected results. For boundaries they are numbers. For random
 * cases they are computed by a slow and simple model, which is written from the ABI header
 * and the contract and not from the code. If framing has several errors, the errno of any
 * of them is accepted.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "ks_test.h"

#define FRAMING_RANDOM_CASES 100000

#define SYSTEM_MEMORY KSALLOCATOR_OPTIONF_SYSTEM_MEMORY
#define DEVICE_MEMORY KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY
#define DEVICE_PREFERS KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY

/* A valid framing of a client; each test changes some fields */
static const struct ksallocator_framing asked_example = {
	.options_flags = SYSTEM_MEMORY,
	.pool_type = KSALLOC_POOL_NONPAGED,
	.frames = 4,
	.frame_size = 4000,
	.file_alignment = 0,
};

/* The requirements of a device */
static const struct ksallocator_framing device_example = {
	.requirements_flags = DEVICE_MEMORY,
	.pool_type = KSALLOC_POOL_NONPAGED,
	.frames = 3,
	.frame_size = 3000,
};

/* Resolves framing. Checks that a failure writes nothing, and the result of a success */
static int framing_resolve(struct kunit *test,
			   const struct ksallocator_framing *asked,
			   const struct ksallocator_framing *device)
{
	struct ksallocator_framing result, poison, expected = *asked;
	int ret;

	memset(&poison, 0xa5, sizeof(poison));
	result = poison;
	ret = ks_framing_resolve(asked, device, false, &result);
	if (ret) {
		KUNIT_EXPECT_MEMEQ(test, &result, &poison, sizeof(result));
		return ret;
	}

	if (!expected.frames)
		expected.frames = device->frames;
	if (!expected.frame_size)
		expected.frame_size = device->frame_size;
	KUNIT_EXPECT_MEMEQ(test, &result, &expected, sizeof(result));
	KUNIT_EXPECT_TRUE(test, ks_framing_fits(&result, device));
	return ret;
}

/* Passes if valid framing is not changed (A1). */
static void framing_plain(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, framing_resolve(test, &asked_example,
						 &device_example));
}

/*
 * Passes if of the 32 option bits only COMPATIBLE and SYSTEM_MEMORY are accepted, and the
 * others are EINVAL (A7).
 */
static void framing_option_bits(struct kunit *test)
{
	struct ksallocator_framing asked = asked_example;
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		asked.options_flags = SYSTEM_MEMORY | BIT(bit);
		KUNIT_EXPECT_EQ_MSG(test,
				    framing_resolve(test, &asked, &device_example),
				    bit < 2 ? 0 : -EINVAL, "bit %u", bit);
	}
	asked.options_flags = KSALLOCATOR_OPTIONF_VALID;
	KUNIT_EXPECT_EQ(test, 0, framing_resolve(test, &asked, &device_example));
}

/*
 * Passes if other memory than system memory is EOPNOTSUPP, if the client requests it
 * without SYSTEM_MEMORY or the device can use no other (A9, H4).
 */
static void framing_system_memory(struct kunit *test)
{
	struct ksallocator_framing asked = asked_example;
	struct ksallocator_framing device = device_example;

	asked.options_flags = 0;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, framing_resolve(test, &asked, &device));
	asked.options_flags = KSALLOCATOR_OPTIONF_COMPATIBLE;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, framing_resolve(test, &asked, &device));

	asked.options_flags = SYSTEM_MEMORY;
	device.requirements_flags = 0;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, framing_resolve(test, &asked, &device));
	device.requirements_flags = KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, framing_resolve(test, &asked, &device));
	device.requirements_flags = DEVICE_PREFERS;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, framing_resolve(test, &asked, &device));
}

/*
 * Passes if flags that describe how a device uses frames do not restrict the framing (H1,
 * H3).
 */
static void framing_device_flags(struct kunit *test)
{
	struct ksallocator_framing device = device_example;

	device.requirements_flags |= KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER;
	KUNIT_EXPECT_EQ(test, 0, framing_resolve(test, &asked_example, &device));
	device.requirements_flags |= KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY;
	KUNIT_EXPECT_EQ(test, 0, framing_resolve(test, &asked_example, &device));
}

/* Passes if the two pool types are accepted and others are EINVAL (A10). */
static void framing_pool_types(struct kunit *test)
{
	static const struct {
		u32 pool_type;
		int ret;
	} cases[] = {
		{ KSALLOC_POOL_NONPAGED, 0 },
		{ KSALLOC_POOL_PAGED, 0 },
		{ 2, -EINVAL },
		{ 3, -EINVAL },
		{ 0x200, -EINVAL },
		{ BIT(31), -EINVAL },
		{ BIT(31) | 1, -EINVAL },
		{ U32_MAX, -EINVAL },
	};
	struct ksallocator_framing asked = asked_example;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		asked.pool_type = cases[i].pool_type;
		KUNIT_EXPECT_EQ_MSG(test,
				    framing_resolve(test, &asked, &device_example),
				    cases[i].ret, "pool type %#x",
				    asked.pool_type);
	}
}

static bool framing_model_mask(u32 mask)
{
	u64 alignment;

	for (alignment = 1; alignment <= PAGE_SIZE; alignment *= 2)
		if (mask == alignment - 1)
			return true;
	return false;
}

/*
 * Passes if the masks 0, 1, 3, 7 … PAGE_SIZE - 1 are accepted, and EINVAL is returned for
 * every other number up to more than two pages, each higher mask and each single high bit
 * (A6).
 */
static void framing_alignment_masks(struct kunit *test)
{
	struct ksallocator_framing asked = asked_example;
	unsigned int bit, taken = 0;
	u32 mask;

	for (mask = 0; mask < 2 * PAGE_SIZE + 2; mask++) {
		int expected = framing_model_mask(mask) ? 0 : -EINVAL;

		asked.file_alignment = mask;
		KUNIT_ASSERT_EQ_MSG(test,
				    framing_resolve(test, &asked, &device_example),
				    expected, "mask %#x", mask);
		taken += !expected;
	}
	KUNIT_EXPECT_EQ(test, taken, PAGE_SHIFT + 1);

	for (bit = PAGE_SHIFT; bit < 32; bit++) {
		asked.file_alignment = BIT(bit);
		KUNIT_EXPECT_EQ(test, -EINVAL,
				framing_resolve(test, &asked, &device_example));
		asked.file_alignment = GENMASK(bit, 0);
		KUNIT_EXPECT_EQ(test, -EINVAL,
				framing_resolve(test, &asked, &device_example));
	}
}

/* Passes if each bit of the reserved field is EINVAL (A7). */
static void framing_reserved(struct kunit *test)
{
	struct ksallocator_framing asked = asked_example;
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		asked.reserved = BIT(bit);
		KUNIT_EXPECT_EQ(test, -EINVAL,
				framing_resolve(test, &asked, &device_example));
	}
}

/*
 * Passes if the device's number of frames and no lower number is accepted, zero selects the
 * device's number, and more than KSALLOC_MAX_FRAMES are E2BIG (A8).
 */
static void framing_frames(struct kunit *test)
{
	static const struct {
		u32 asked, device;
		int ret;
	} cases[] = {
		{ 1, 0, 0 },
		{ 1, 1, 0 },
		{ 1, 2, -EINVAL },
		{ 2, 3, -EINVAL },
		{ 3, 3, 0 },
		{ 4, 3, 0 },
		{ 0, 3, 0 },
		{ 0, 1, 0 },
		{ 0, 0, -EINVAL },
		{ KSALLOC_MAX_FRAMES - 1, 3, 0 },
		{ KSALLOC_MAX_FRAMES, 3, 0 },
		{ KSALLOC_MAX_FRAMES, KSALLOC_MAX_FRAMES, 0 },
		{ KSALLOC_MAX_FRAMES - 1, KSALLOC_MAX_FRAMES, -EINVAL },
		{ KSALLOC_MAX_FRAMES + 1, 3, -E2BIG },
		{ U32_MAX - 1, 3, -E2BIG },
		{ U32_MAX, 3, -E2BIG },
		{ U32_MAX, U32_MAX, -E2BIG },
		{ 0, KSALLOC_MAX_FRAMES, 0 },
		{ 0, KSALLOC_MAX_FRAMES + 1, -E2BIG },
		{ 0, U32_MAX, -E2BIG },
	};
	struct ksallocator_framing asked = asked_example;
	struct ksallocator_framing device = device_example;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		asked.frames = cases[i].asked;
		device.frames = cases[i].device;
		KUNIT_EXPECT_EQ_MSG(test, framing_resolve(test, &asked, &device),
				    cases[i].ret, "%u of %u", asked.frames,
				    device.frames);
	}
}

/*
 * Passes if the device's frame size and no smaller size is accepted, and zero selects the
 * device's size (A8). framing_bytes_limit tests the upper limit.
 */
static void framing_frame_size(struct kunit *test)
{
	static const struct {
		u32 asked, device;
		int ret;
	} cases[] = {
		{ 1, 0, 0 },
		{ 1, 1, 0 },
		{ 1, 2, -EINVAL },
		{ 2999, 3000, -EINVAL },
		{ 3000, 3000, 0 },
		{ 3001, 3000, 0 },
		{ 0, 3000, 0 },
		{ 0, 1, 0 },
		{ 0, U32_MAX, 0 },
		{ 0, 0, -EINVAL },
		{ U32_MAX, 0, 0 },
		{ U32_MAX, 3000, 0 },
		{ U32_MAX, U32_MAX, 0 },
		{ U32_MAX - 1, U32_MAX, -EINVAL },
	};
	struct ksallocator_framing asked = asked_example;
	struct ksallocator_framing device = device_example;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		asked.frame_size = cases[i].asked;
		device.frame_size = cases[i].device;
		KUNIT_EXPECT_EQ_MSG(test, framing_resolve(test, &asked, &device),
				    cases[i].ret, "%u of %u", asked.frame_size,
				    device.frame_size);
	}
}

/* Passes if zero on both sides is EINVAL, for each field alone and for both (A8). */
static void framing_zero_on_both_sides(struct kunit *test)
{
	struct ksallocator_framing asked = asked_example;
	struct ksallocator_framing device = device_example;

	asked.frames = 0;
	device.frames = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, framing_resolve(test, &asked, &device));
	asked.frame_size = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, framing_resolve(test, &asked, &device));
	device.frame_size = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, framing_resolve(test, &asked, &device));
	asked.frames = 4;
	KUNIT_EXPECT_EQ(test, -EINVAL, framing_resolve(test, &asked, &device));
	asked.frame_size = 1;
	KUNIT_EXPECT_EQ(test, 0, framing_resolve(test, &asked, &device));
	/* A preference of zero does not change that */
	device.requirements_flags |= DEVICE_PREFERS;
	asked.frames = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, framing_resolve(test, &asked, &device));
}

/*
 * Passes if a device that only states preferences accepts less, but nothing that is invalid
 * in itself, and its values still replace zeros (A8, H4).
 */
static void framing_preferences_only(struct kunit *test)
{
	struct ksallocator_framing asked = asked_example;
	struct ksallocator_framing device = device_example;

	device.requirements_flags |= DEVICE_PREFERS;
	asked.frames = 1;
	asked.frame_size = 1;
	KUNIT_EXPECT_EQ(test, 0, framing_resolve(test, &asked, &device));
	asked.frames = 0;
	asked.frame_size = 0;
	KUNIT_EXPECT_EQ(test, 0, framing_resolve(test, &asked, &device));
	asked.frames = KSALLOC_MAX_FRAMES + 1;
	KUNIT_EXPECT_EQ(test, -E2BIG, framing_resolve(test, &asked, &device));
	asked.frames = 1;
	asked.pool_type = 2;
	KUNIT_EXPECT_EQ(test, -EINVAL, framing_resolve(test, &asked, &device));
}

/*
 * Passes if framing fits by its number and size of frames, or because the device only
 * states preferences (D5, H4).
 */
static void framing_fits(struct kunit *test)
{
	static const struct {
		u32 frames, frame_size;
		bool fits;
	} cases[] = {
		{ 3, 3000, true },
		{ 4, 3001, true },
		{ 2, 3000, false },
		{ 3, 2999, false },
		{ 1, U32_MAX, false },
		{ KSALLOC_MAX_FRAMES, 1, false },
		{ KSALLOC_MAX_FRAMES, U32_MAX, true },
	};
	struct ksallocator_framing framing = asked_example;
	struct ksallocator_framing device = device_example;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		framing.frames = cases[i].frames;
		framing.frame_size = cases[i].frame_size;
		device.requirements_flags = DEVICE_MEMORY;
		KUNIT_EXPECT_EQ(test, ks_framing_fits(&framing, &device),
				cases[i].fits);
		device.requirements_flags |= DEVICE_PREFERS;
		KUNIT_EXPECT_TRUE(test, ks_framing_fits(&framing, &device));
	}

	device = device_example;
	device.frames = 0;
	device.frame_size = 0;
	framing.frames = 1;
	framing.frame_size = 1;
	KUNIT_EXPECT_TRUE(test, ks_framing_fits(&framing, &device));
}

/* Checks a success, and that a failure writes nothing */
static int framing_bytes(struct kunit *test, u32 frames, u32 frame_size,
			 u64 max_bytes, size_t expected)
{
	const struct ksalloc_planes planes = {
		.count = 1,
		.sizes[0] = frame_size,
	};
	size_t bytes = 0xa5a5a5a5;
	int ret;

	ret = ks_planes_bytes(&planes, frames, max_bytes, &bytes);
	KUNIT_EXPECT_EQ_MSG(test, bytes, ret ? 0xa5a5a5a5 : expected,
			    "%u frames of %u", frames, frame_size);
	return ret;
}

/* Passes if a frame takes as many whole pages as its size needs (A6). */
static void framing_bytes_whole_pages(struct kunit *test)
{
	const u64 all = U64_MAX;

	KUNIT_EXPECT_EQ(test, 0, framing_bytes(test, 1, 1, all, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, framing_bytes(test, 1, PAGE_SIZE - 1, all,
					       PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, framing_bytes(test, 1, PAGE_SIZE, all,
					       PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, framing_bytes(test, 1, PAGE_SIZE + 1, all,
					       2 * PAGE_SIZE));
	/* The last whole page in 32 bits, and sizes that need one more */
	KUNIT_EXPECT_EQ(test, 0, framing_bytes(test, 1, (u32)-PAGE_SIZE, all,
					       SZ_4G - PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, framing_bytes(test, 1, (u32)-PAGE_SIZE + 1, all,
					       SZ_4G));
	KUNIT_EXPECT_EQ(test, 0, framing_bytes(test, KSALLOC_MAX_FRAMES,
					       U32_MAX, all, SZ_4G));
}

/*
 * Passes if all frames together may take exactly the limit, and one byte more is ENOMEM,
 * even if the product has more than 32 bits (A8).
 */
static void framing_bytes_limit(struct kunit *test)
{
	static const struct {
		u32 frames, frame_size;
		u64 bytes;
	} cases[] = {
		{ 1, 1, PAGE_SIZE },
		{ 1, PAGE_SIZE, PAGE_SIZE },
		{ 3, PAGE_SIZE + 1, 6 * PAGE_SIZE },
		{ KSALLOC_MAX_FRAMES, 1, KSALLOC_MAX_FRAMES * PAGE_SIZE },
		{ 1, U32_MAX, SZ_4G },
		{ 2, BIT(31), SZ_4G },
		{ 2, U32_MAX, 2 * SZ_4G },
		{ KSALLOC_MAX_FRAMES, BIT(22), SZ_4G },
		{ KSALLOC_MAX_FRAMES, U32_MAX, KSALLOC_MAX_FRAMES * SZ_4G },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 frames = cases[i].frames, size = cases[i].frame_size;
		u64 bytes = cases[i].bytes;

		KUNIT_EXPECT_EQ(test, 0, framing_bytes(test, frames, size, bytes,
						       bytes / frames));
		KUNIT_EXPECT_EQ(test, 0, framing_bytes(test, frames, size,
						       bytes + 1,
						       bytes / frames));
		KUNIT_EXPECT_EQ(test, -ENOMEM, framing_bytes(test, frames, size,
							     bytes - 1, 0));
		KUNIT_EXPECT_EQ(test, -ENOMEM, framing_bytes(test, frames, size,
							     0, 0));
	}
}

/* The model: all errors of the framing, as a set */

#define WRONG_EINVAL BIT(0)
#define WRONG_EOPNOTSUPP BIT(1)
#define WRONG_E2BIG BIT(2)

static unsigned int framing_model_wrong(const struct ksallocator_framing *asked,
					const struct ksallocator_framing *device)
{
	u32 frames = asked->frames, frame_size = asked->frame_size;
	unsigned int wrong = 0, bit;

	/* A7 */
	for (bit = 0; bit < 32; bit++)
		if ((asked->options_flags >> bit) % 2 == 1 && bit != 0 &&
		    bit != 1)
			wrong |= WRONG_EINVAL;
	if (asked->reserved != 0)
		wrong |= WRONG_EINVAL;
	/* A6, A10 */
	if (!framing_model_mask(asked->file_alignment))
		wrong |= WRONG_EINVAL;
	if (asked->pool_type != 0 && asked->pool_type != 1)
		wrong |= WRONG_EINVAL;
	/* A9 */
	if ((asked->options_flags >> 1) % 2 == 0 ||
	    (device->requirements_flags >> 1) % 2 == 0)
		wrong |= WRONG_EOPNOTSUPP;
	/* A8 */
	if (frames == 0)
		frames = device->frames;
	if (frame_size == 0)
		frame_size = device->frame_size;
	if (frames == 0 || frame_size == 0)
		wrong |= WRONG_EINVAL;
	if (frames > 1024)
		wrong |= WRONG_E2BIG;
	/* A8, H4 */
	if (device->requirements_flags >> 31 == 0)
		if (frames < device->frames || frame_size < device->frame_size)
			wrong |= WRONG_EINVAL;
	return wrong;
}

static bool framing_model_allows(unsigned int wrong, int ret)
{
	switch (ret) {
	case 0:
		return wrong == 0;
	case -EINVAL:
		return wrong & WRONG_EINVAL;
	case -EOPNOTSUPP:
		return wrong & WRONG_EOPNOTSUPP;
	case -E2BIG:
		return wrong & WRONG_E2BIG;
	default:
		return false;
	}
}

/* Random numbers of all magnitudes, often at boundaries */
static u32 framing_random_number(struct rnd_state *rnd)
{
	static const u32 edges[] = {
		0, 1, 2, 3, 4, KSALLOC_MAX_FRAMES - 1, KSALLOC_MAX_FRAMES,
		KSALLOC_MAX_FRAMES + 1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1,
		BIT(31) - 1, BIT(31), U32_MAX - PAGE_SIZE, (u32)-PAGE_SIZE,
		U32_MAX - 1, U32_MAX,
	};
	u32 r = prandom_u32_state(rnd);

	if (r % 2)
		return edges[r / 2 % ARRAY_SIZE(edges)];
	return prandom_u32_state(rnd) >> (r / 2 % 32);
}

/* Mostly @usual, else any number */
static u32 framing_random_else(struct rnd_state *rnd, u32 usual)
{
	return prandom_u32_state(rnd) % 8 ? usual : framing_random_number(rnd);
}

static void framing_random(struct rnd_state *rnd,
			   struct ksallocator_framing *asked,
			   struct ksallocator_framing *device)
{
	u32 r = prandom_u32_state(rnd);

	*asked = (struct ksallocator_framing){
		.options_flags = framing_random_else(rnd, SYSTEM_MEMORY | r % 2),
		.pool_type = framing_random_else(rnd, r / 2 % 2),
		.frames = framing_random_number(rnd),
		.frame_size = framing_random_number(rnd),
		.file_alignment =
			framing_random_else(rnd, BIT(r / 4 % (PAGE_SHIFT + 1)) - 1),
		.reserved = framing_random_else(rnd, 0),
	};
	*device = (struct ksallocator_framing){
		.requirements_flags =
			framing_random_else(rnd, DEVICE_MEMORY |
					    (r % 3 ? 0 : DEVICE_PREFERS)),
		.frames = framing_random_number(rnd),
		.frame_size = framing_random_number(rnd),
	};
}

/*
 * Passes if in 100,000 random cases the result is one that the model allows, and each
 * result occurred often (A6 to A10).
 */
static void framing_random_resolve(struct kunit *test)
{
	struct ksallocator_framing asked, device;
	u32 fine = 0, einval = 0, eopnotsupp = 0, e2big = 0;
	struct rnd_state rnd;
	u32 i;

	ks_test_seed(test, &rnd);
	for (i = 0; i < FRAMING_RANDOM_CASES; i++) {
		u32 wrong;
		int ret;

		framing_random(&rnd, &asked, &device);
		wrong = framing_model_wrong(&asked, &device);
		ret = framing_resolve(test, &asked, &device);
		KUNIT_ASSERT_TRUE_MSG(test, framing_model_allows(wrong, ret),
				      "case %u: %d for asked %*ph, device %*ph", i,
				      ret, (int)sizeof(asked), &asked,
				      (int)sizeof(device), &device);
		fine += ret == 0;
		einval += ret == -EINVAL;
		eopnotsupp += ret == -EOPNOTSUPP;
		e2big += ret == -E2BIG;
		KUNIT_ASSERT_NE(test, READ_ONCE(test->status), KUNIT_FAILURE);
	}
	kunit_info(test, "%u fine, %u EINVAL, %u EOPNOTSUPP, %u E2BIG\n", fine,
		   einval, eopnotsupp, e2big);
	KUNIT_EXPECT_GT(test, fine, FRAMING_RANDOM_CASES / 100);
	KUNIT_EXPECT_GT(test, einval, FRAMING_RANDOM_CASES / 100);
	KUNIT_EXPECT_GT(test, eopnotsupp, FRAMING_RANDOM_CASES / 100);
	KUNIT_EXPECT_GT(test, e2big, FRAMING_RANDOM_CASES / 100);
}

/* Adds frame after frame; returns whether all of them are below the limit */
static bool framing_model_bytes(u32 frames, u32 frame_size, u64 max_bytes,
				u64 *frame_bytes)
{
	u64 pages = frame_size / PAGE_SIZE, sum = 0;
	u32 i;

	if (frame_size % PAGE_SIZE)
		pages++;
	*frame_bytes = pages * PAGE_SIZE;
	for (i = 0; i < frames; i++) {
		sum += *frame_bytes;
		if (sum > max_bytes)
			return false;
	}
	return true;
}

/* Passes if in 100,000 random cases the number of bytes is that of the model (A8). */
static void framing_random_bytes(struct kunit *test)
{
	u32 fine = 0, i;
	struct rnd_state rnd;

	ks_test_seed(test, &rnd);
	for (i = 0; i < FRAMING_RANDOM_CASES; i++) {
		u32 frames = 1 + prandom_u32_state(&rnd) % KSALLOC_MAX_FRAMES;
		u32 size = framing_random_number(&rnd) ?: 1;
		u64 max_bytes = (u64)prandom_u32_state(&rnd) << 32 |
				prandom_u32_state(&rnd);
		u64 bytes;
		bool fits;

		max_bytes >>= prandom_u32_state(&rnd) % 64;
		/* One in four is exactly at the limit */
		if (i % 4 == 0)
			max_bytes = round_up((u64)size, PAGE_SIZE) * frames -
				    (i / 4 % 2);
		fits = framing_model_bytes(frames, size, max_bytes, &bytes);
		KUNIT_ASSERT_EQ_MSG(test,
				    framing_bytes(test, frames, size, max_bytes,
						  bytes),
				    fits ? 0 : -ENOMEM,
				    "case %u: %u frames of %u bytes, limit %llu",
				    i, frames, size, max_bytes);
		fine += fits;
	}
	kunit_info(test, "%u fit\n", fine);
	KUNIT_EXPECT_GT(test, fine, FRAMING_RANDOM_CASES / 10);
	KUNIT_EXPECT_LT(test, fine, FRAMING_RANDOM_CASES * 9 / 10);
}

static struct kunit_case framing_cases[] = {
	KUNIT_CASE(framing_plain),
	KUNIT_CASE(framing_option_bits),
	KUNIT_CASE(framing_system_memory),
	KUNIT_CASE(framing_device_flags),
	KUNIT_CASE(framing_pool_types),
	KUNIT_CASE(framing_alignment_masks),
	KUNIT_CASE(framing_reserved),
	KUNIT_CASE(framing_frames),
	KUNIT_CASE(framing_frame_size),
	KUNIT_CASE(framing_zero_on_both_sides),
	KUNIT_CASE(framing_preferences_only),
	KUNIT_CASE(framing_fits),
	KUNIT_CASE(framing_bytes_whole_pages),
	KUNIT_CASE(framing_bytes_limit),
	KUNIT_CASE_SLOW(framing_random_resolve),
	KUNIT_CASE_SLOW(framing_random_bytes),
	{}
};

static struct kunit_suite framing_suite = {
	.name = "ksalloc_framing",
	.init = ks_test_init,
	.test_cases = framing_cases,
};

kunit_test_suite(framing_suite);
