// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_planes": frames with several memory planes: arithmetic, memory, and the
 * data of each plane.
 */
#include <linux/dma-buf.h>
#include <linux/limits.h>

#include "fake_device.h"
#include "import.h"

#define PLANES_FRAMES 4
#define PLANES_RANDOM_CASES 100000

/* Three planes of different sizes */
static const struct ksalloc_planes planes_three = {
	.count = 3,
	.sizes = { 3 * PAGE_SIZE, PAGE_SIZE + 1, PAGE_SIZE - 1 },
};

static u64 planes_sum(const struct ksalloc_planes *planes)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < planes->count; i++)
		sum += planes->sizes[i];
	return sum;
}

static struct ksalloc_requirements planes_needs(const struct ksalloc_planes *planes)
{
	return (struct ksalloc_requirements){
		.framing.frame_size = planes_sum(planes),
		.planes = *planes,
	};
}

/* Passes if a device without planes has one of the frame size, even if that is zero (D3). */
static void planes_default(struct kunit *test)
{
	static const u32 sizes[] = { 0, 1, PAGE_SIZE, U32_MAX };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct ksalloc_requirements needs = {
			.framing.frame_size = sizes[i],
			.planes.sizes = { 1, 2, 3, 4, 5, 6, 7, 8 },
		};

		KUNIT_EXPECT_EQ(test, 0, ks_planes_of_device(&needs));
		KUNIT_EXPECT_EQ(test, needs.planes.count, 1);
		KUNIT_EXPECT_EQ(test, needs.planes.sizes[0], sizes[i]);
		KUNIT_EXPECT_NULL(test, memchr_inv(&needs.planes.sizes[1], 0,
						   7 * sizeof(u32)));
	}
}

/* Passes if wrong planes of a device are refused, and unused fields are cleared (D3). */
static void planes_of_a_wrong_device(struct kunit *test)
{
	struct ksalloc_requirements needs;
	u32 i, count;

	for (count = 1; count <= KSALLOC_MAX_PLANES; count++) {
		needs = planes_needs(&(struct ksalloc_planes){
			.count = count,
			.sizes = { 1, 2, 3, 4, 5, 6, 7, 8 },
		});
		needs.planes.__reserved = 5;
		KUNIT_EXPECT_EQ(test, 0, ks_planes_of_device(&needs));
		KUNIT_EXPECT_EQ(test, needs.planes.__reserved, 0);
		for (i = 0; i < KSALLOC_MAX_PLANES; i++)
			KUNIT_EXPECT_EQ(test, needs.planes.sizes[i],
					i < count ? i + 1 : 0);
		needs.framing.frame_size++;
		KUNIT_EXPECT_EQ(test, -EINVAL, ks_planes_of_device(&needs));
		needs.framing.frame_size -= 2;
		KUNIT_EXPECT_EQ(test, -EINVAL, ks_planes_of_device(&needs));
	}
	needs = (struct ksalloc_requirements){ .planes.count = 9 };
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_planes_of_device(&needs));
	needs.planes.count = U32_MAX;
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_planes_of_device(&needs));
	/* A sum of more than 32 bits */
	needs = planes_needs(&(struct ksalloc_planes){
		.count = 2,
		.sizes = { U32_MAX, 2 },
	});
	KUNIT_EXPECT_EQ(test, needs.framing.frame_size, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_planes_of_device(&needs));
}

static u32 planes_random_size(struct rnd_state *rnd)
{
	return max(prandom_u32_state(rnd) >> (prandom_u32_state(rnd) % 32), 1U);
}

static struct ksalloc_planes planes_random(struct rnd_state *rnd)
{
	struct ksalloc_planes planes;
	u32 i;

	do {
		planes = (struct ksalloc_planes){
			.count = 1 + prandom_u32_state(rnd) % KSALLOC_MAX_PLANES,
		};
		for (i = 0; i < planes.count; i++)
			planes.sizes[i] = planes_random_size(rnd);
	} while (planes_sum(&planes) > U32_MAX);
	return planes;
}

/* Whether planes have the proportions of the device, except for what is left over */
static bool planes_are_right(const struct ksalloc_planes *planes, u32 frame_size,
			     const struct ksalloc_planes *device)
{
	const u64 sum = planes_sum(device);
	u32 i;

	if (planes->count != device->count || planes_sum(planes) != frame_size)
		return false;
	for (i = 0; i < KSALLOC_MAX_PLANES; i++) {
		u64 exact = (u64)frame_size * device->sizes[i] / sum;

		if (i >= planes->count ? planes->sizes[i] :
		    i ? planes->sizes[i] != exact :
			planes->sizes[i] - exact >= planes->count)
			return false;
		if (frame_size >= sum && planes->sizes[i] < device->sizes[i])
			return false;
	}
	return true;
}

/*
 * Passes if the planes of random frame sizes have the proportions of random devices, are not
 * smaller than those of the device if the frame is not, and no plane is empty (A8).
 */
static void planes_proportions(struct kunit *test)
{
	struct rnd_state rnd;
	u32 i, refused = 0;

	prandom_seed_state(&rnd, 13);
	for (i = 0; i < PLANES_RANDOM_CASES; i++) {
		struct ksalloc_planes planes = { .count = 77 };
		struct ksalloc_planes device = planes_random(&rnd);
		u32 size = prandom_u32_state(&rnd) % 4 ?
			   planes_random_size(&rnd) : planes_sum(&device);

		if (ks_planes_resolve(size, &device, &planes)) {
			refused++;
			KUNIT_ASSERT_EQ(test, planes.count, 77);
			KUNIT_ASSERT_LT(test, size, planes_sum(&device));
			continue;
		}
		KUNIT_ASSERT_TRUE_MSG(test, planes_are_right(&planes, size, &device),
				      "case %u: %u planes, %u bytes", i,
				      device.count, size);
	}
	KUNIT_EXPECT_GT(test, refused, 0);
	KUNIT_EXPECT_LT(test, refused, PLANES_RANDOM_CASES / 2);
}

/* Passes if special sizes have the right planes, and an empty plane is refused (A8). */
static void planes_sizes(struct kunit *test)
{
	static const struct ksalloc_planes half = { .count = 2, .sizes = { 2, 2 } };
	static const struct ksalloc_planes empty = { .count = 2, .sizes = { 4 } };
	static const struct ksalloc_planes first = { .count = 2, .sizes = { 0, 4 } };
	static const struct ksalloc_planes none = { .count = 1 };
	struct ksalloc_planes planes;

	KUNIT_EXPECT_EQ(test, 0, ks_planes_resolve(planes_sum(&planes_three),
						   &planes_three, &planes));
	KUNIT_EXPECT_MEMEQ(test, &planes, &planes_three, sizeof(planes));
	/* The first plane gets the odd byte */
	KUNIT_EXPECT_EQ(test, 0, ks_planes_resolve(7, &half, &planes));
	KUNIT_EXPECT_EQ(test, planes.sizes[0], 4);
	KUNIT_EXPECT_EQ(test, planes.sizes[1], 3);
	KUNIT_EXPECT_EQ(test, 0, ks_planes_resolve(U32_MAX, &half, &planes));
	KUNIT_EXPECT_EQ(test, planes.sizes[0], BIT(31));
	KUNIT_EXPECT_EQ(test, planes.sizes[1], BIT(31) - 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_planes_resolve(1, &half, &planes));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_planes_resolve(4, &empty, &planes));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_planes_resolve(4, &first, &planes));
	/* A device without requirements */
	KUNIT_EXPECT_EQ(test, 0, ks_planes_resolve(5, &none, &planes));
	KUNIT_EXPECT_EQ(test, planes.sizes[0], 5);
}

/*
 * Passes if planes fit that are not smaller than those of the device, and any that are as many
 * if it has only preferences (D5).
 */
static void planes_fit(struct kunit *test)
{
	struct ksalloc_requirements needs = planes_needs(&planes_three);
	struct ksalloc_planes planes = planes_three;
	u32 i;

	KUNIT_EXPECT_TRUE(test, ks_planes_fit(&planes, &needs));
	for (i = 0; i < planes.count; i++) {
		planes.sizes[i]--;
		KUNIT_EXPECT_FALSE(test, ks_planes_fit(&planes, &needs));
		needs.framing.requirements_flags =
			KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
		KUNIT_EXPECT_TRUE(test, ks_planes_fit(&planes, &needs));
		needs.framing.requirements_flags = 0;
		planes.sizes[i] += 2;
		KUNIT_EXPECT_TRUE(test, ks_planes_fit(&planes, &needs));
	}
	for (planes.count = 0; planes.count <= KSALLOC_MAX_PLANES; planes.count++) {
		KUNIT_EXPECT_EQ(test, planes.count == 3,
				ks_planes_fit(&planes, &needs));
		needs.framing.requirements_flags =
			KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
		KUNIT_EXPECT_EQ(test, planes.count == 3,
				ks_planes_fit(&planes, &needs));
		needs.framing.requirements_flags = 0;
	}
}

/* Passes if each plane takes whole pages, up to exactly the limit (A6, A8). */
static void planes_bytes(struct kunit *test)
{
	struct ksalloc_planes most = { .count = KSALLOC_MAX_PLANES };
	size_t bytes = 77;
	u32 i;

	KUNIT_EXPECT_EQ(test, -ENOMEM, ks_planes_bytes(&planes_three, 5,
						       30 * PAGE_SIZE - 1, &bytes));
	KUNIT_EXPECT_EQ(test, bytes, 77);
	KUNIT_EXPECT_EQ(test, 0, ks_planes_bytes(&planes_three, 5,
						 30 * PAGE_SIZE, &bytes));
	KUNIT_EXPECT_EQ(test, bytes, 6 * PAGE_SIZE);

	for (i = 0; i < KSALLOC_MAX_PLANES; i++)
		most.sizes[i] = U32_MAX;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ks_planes_bytes(&most, KSALLOC_MAX_FRAMES,
					SZ_4G * KSALLOC_MAX_PLANES * KSALLOC_MAX_FRAMES - 1,
					&bytes));
	KUNIT_EXPECT_EQ(test, 0,
			ks_planes_bytes(&most, KSALLOC_MAX_FRAMES,
					SZ_4G * KSALLOC_MAX_PLANES * KSALLOC_MAX_FRAMES,
					&bytes));
	KUNIT_EXPECT_EQ(test, bytes, SZ_4G * KSALLOC_MAX_PLANES);
}

/**
 * struct planes_memory - provider of memory that checks the calls of its operations
 * @memory: the memory
 * @layout: the expected planes
 * @freed: number of calls of free()
 * @misuse: a call was wrong
 */
struct planes_memory {
	struct ks_test_memory memory;
	const struct ksalloc_planes *layout;
	u32 freed;
	bool misuse;
};

static int planes_memory_initialize(void *creator,
				    const struct ksallocator_framing *framing,
				    const struct ksalloc_planes *planes,
				    void **context)
{
	struct planes_memory *memory = creator;

	if (memcmp(planes, memory->layout, sizeof(*planes)))
		memory->misuse = true;
	*context = creator;
	return 0;
}

static int planes_memory_alloc(void *context, u32 index, u32 plane, size_t bytes,
			       struct ksalloc_memory *result)
{
	struct planes_memory *memory = context;

	if (index * memory->layout->count + plane != memory->memory.calls ||
	    bytes != PAGE_ALIGN(memory->layout->sizes[plane]))
		memory->misuse = true;
	return ks_test_memory_ops.alloc(&memory->memory, index, plane, bytes,
					result);
}

/* In reverse order of the allocations that succeeded */
static void planes_memory_free(void *context, u32 index, u32 plane,
			       struct ksalloc_memory *result)
{
	struct planes_memory *memory = context;
	u32 allocated = min(memory->memory.calls, memory->memory.fail_at);

	memory->freed++;
	if (index * memory->layout->count + plane != allocated - memory->freed)
		memory->misuse = true;
	dma_buf_put(result->dmabuf);
}

static const struct ksalloc_memory_ops planes_memory_ops = {
	.owner = THIS_MODULE,
	.initialize_allocator = planes_memory_initialize,
	.alloc = planes_memory_alloc,
	.free = planes_memory_free,
};

static const struct planes_memory planes_memory_fine = {
	.memory = {
		.fail_at = KS_TEST_NEVER,
		.signal_at = KS_TEST_NEVER,
		.same_at = KS_TEST_NEVER,
	},
	.layout = &planes_three,
};

static struct ks_allocator *planes_create(struct planes_memory *memory)
{
	struct ksallocator_framing framing = {
		.frames = PLANES_FRAMES,
		.frame_size = planes_sum(memory->layout),
	};

	return ks_allocator_create(&framing, memory->layout, 6 * PAGE_SIZE,
				   &planes_memory_ops, memory, true);
}

/*
 * Passes if the memory of each plane is allocated once, in order, and freed at the end, and
 * each plane has its own dma-buf (B6, F2).
 */
static void planes_memory_of_each(struct kunit *test)
{
	struct planes_memory memory = planes_memory_fine;
	struct ks_allocator *alloc = planes_create(&memory);
	struct dma_buf *dmabuf, *last = NULL;
	int ground = ks_test_dma_bufs();
	u32 i, plane;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	KUNIT_EXPECT_EQ(test, memory.memory.calls, 3 * PLANES_FRAMES);
	KUNIT_EXPECT_EQ(test, ksalloc_allocator_planes(alloc), 3);
	for (i = 0; i < PLANES_FRAMES; i++) {
		for (plane = 0; plane < 3; plane++) {
			dmabuf = ksalloc_allocator_dmabuf(alloc, i, plane);
			KUNIT_ASSERT_NOT_NULL(test, dmabuf);
			KUNIT_EXPECT_PTR_NE(test, dmabuf, last);
			KUNIT_EXPECT_EQ(test, dmabuf->size,
					PAGE_ALIGN(planes_three.sizes[plane]));
			last = dmabuf;
		}
		KUNIT_EXPECT_NULL(test, ksalloc_allocator_dmabuf(alloc, i, 3));
		KUNIT_EXPECT_NULL(test, ksalloc_allocator_dmabuf(alloc, i, U32_MAX));
	}
	KUNIT_EXPECT_NULL(test, ksalloc_allocator_dmabuf(alloc, PLANES_FRAMES, 0));
	ks_allocator_put(alloc);
	KUNIT_EXPECT_EQ(test, memory.freed, 3 * PLANES_FRAMES);
	KUNIT_EXPECT_FALSE(test, memory.misuse);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground - 3 * PLANES_FRAMES));
}

/* Passes if a failure at each plane frees exactly the planes before it (A4, F2). */
static void planes_memory_fails(struct kunit *test)
{
	int ground = ks_test_dma_bufs();
	u32 i;

	for (i = 0; i < 3 * PLANES_FRAMES; i++) {
		struct planes_memory memory = planes_memory_fine;

		memory.memory.fail_at = i;
		memory.memory.error = -ENOSPC;
		KUNIT_EXPECT_PTR_EQ(test, planes_create(&memory),
				    (struct ks_allocator *)ERR_PTR(-ENOSPC));
		KUNIT_EXPECT_EQ(test, memory.freed, i);
		KUNIT_EXPECT_FALSE(test, memory.misuse);
	}
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground));
}

/* Passes if no two planes can have the same dma-buf, not even of one frame (B6). */
static void planes_memory_shared(struct kunit *test)
{
	int ground = ks_test_dma_bufs();
	u32 i;

	for (i = 1; i < 3 * PLANES_FRAMES; i++) {
		struct planes_memory memory = planes_memory_fine;

		memory.memory.same_at = i;
		KUNIT_EXPECT_PTR_EQ(test, planes_create(&memory),
				    (struct ks_allocator *)ERR_PTR(-EINVAL));
		KUNIT_EXPECT_EQ(test, memory.freed, i + 1);
	}
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground));
}

/* Passes if the largest allocator can be created and freed (A8). */
static void planes_most(struct kunit *test)
{
	struct ksalloc_planes layout = { .count = KSALLOC_MAX_PLANES };
	int ground = ks_test_dma_bufs();
	struct file *file;
	u32 i;

	for (i = 0; i < KSALLOC_MAX_PLANES; i++)
		layout.sizes[i] = 1;
	file = ks_test_layout_file(test, KSALLOC_MAX_FRAMES, &layout);
	KUNIT_EXPECT_EQ(test, ks_test_dma_bufs(),
			ground + KSALLOC_MAX_FRAMES * KSALLOC_MAX_PLANES);
	KUNIT_EXPECT_NOT_NULL(test,
			      ksalloc_allocator_dmabuf(ks_allocator_of(file),
						       KSALLOC_MAX_FRAMES - 1,
						       KSALLOC_MAX_PLANES - 1));
	ks_test_allocator_end(test, file);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground));
}

static struct ks_rig *planes_rig(struct kunit *test)
{
	return ks_rig_create_on(test, ks_test_layout_file(test, PLANES_FRAMES,
							  &planes_three));
}

static void planes_expect_import(struct ks_rig *rig, long expected,
				 struct dma_buf *const *dmabufs, u32 count,
				 u32 frames)
{
	struct ksallocator_framing framing = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = frames,
	};
	struct file *file = ksalloc_import_allocator(rig->file, &framing,
						     dmabufs, count);
	struct ks_allocator *alloc;
	u32 i;

	KUNIT_EXPECT_EQ(rig->test, PTR_ERR_OR_ZERO(file), expected);
	if (IS_ERR(file))
		return;
	alloc = ks_allocator_of(file);
	KUNIT_EXPECT_EQ(rig->test, alloc->nr_frames, count / 3);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_PTR_EQ(rig->test, dmabufs[i],
				    ksalloc_allocator_dmabuf(alloc, i / 3, i % 3));
	__fput_sync(file);
}

/*
 * Passes if the planes of imported frames are the dma-bufs in their order, and other numbers
 * of dma-bufs are refused before one is accessed (A9).
 */
static void planes_import(struct kunit *test)
{
	struct ks_rig *rig = planes_rig(test);
	struct dma_buf *dmabufs[3 * PLANES_FRAMES];
	long refs;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(dmabufs); i++)
		dmabufs[i] = ksalloc_allocator_dmabuf(rig->alloc, i / 3, i % 3);
	refs = file_count(dmabufs[0]->file);
	planes_expect_import(rig, 0, dmabufs, 3 * PLANES_FRAMES, 0);
	planes_expect_import(rig, 0, dmabufs, 3 * PLANES_FRAMES, PLANES_FRAMES);
	planes_expect_import(rig, 0, dmabufs, 3, 1);
	planes_expect_import(rig, -EINVAL, dmabufs, 3 * PLANES_FRAMES,
			     PLANES_FRAMES - 1);
	planes_expect_import(rig, -EINVAL, dmabufs, 3 * PLANES_FRAMES,
			     3 * PLANES_FRAMES);
	for (i = 0; i < 3 * PLANES_FRAMES; i++)
		if (i % 3)
			planes_expect_import(rig, -EINVAL, dmabufs, i, 0);
	planes_expect_import(rig, -EINVAL, dmabufs, 0, 0);
	/* These do not exist, so an access to them would be noticed */
	planes_expect_import(rig, -E2BIG, NULL, 3 * KSALLOC_MAX_FRAMES + 1, 0);
	planes_expect_import(rig, -E2BIG, NULL, 3 * KSALLOC_MAX_FRAMES + 3, 0);
	planes_expect_import(rig, -E2BIG, NULL, U32_MAX, 0);
	/* Planes in the wrong order are too small */
	planes_expect_import(rig, -EINVAL, dmabufs + 1, 3, 0);
	KUNIT_EXPECT_EQ(test, file_count(dmabufs[0]->file), refs);
}

/*
 * Passes if the data of each plane are limited to that plane, the header has their sum, and
 * planes that the frame does not have are ignored (I2, I3).
 */
static void planes_data(struct kunit *test)
{
	static const struct {
		struct ksalloc_plane_data filled[4], answer[3];
		bool cut;
	} cases[] = {
		{
			{ { 0, 3 * PAGE_SIZE }, { 0, PAGE_SIZE + 1 }, { 0, PAGE_SIZE - 1 } },
			{ { 0, 3 * PAGE_SIZE }, { 0, PAGE_SIZE + 1 }, { 0, PAGE_SIZE - 1 } },
			false,
		}, {
			{ { 5, 6 }, { 7, 8 }, { 9, 10 }, { 11, 12 } },
			{ { 5, 6 }, { 7, 8 }, { 9, 10 } },
			false,
		}, {
			{ { 0, 1 }, { 0, PAGE_SIZE + 2 }, { 0, 1 } },
			{ { 0, 1 }, { 0, PAGE_SIZE + 1 }, { 0, 1 } },
			true,
		}, {
			{ { 0, 1 }, { 0, 1 }, { PAGE_SIZE, 1 } },
			{ { 0, 1 }, { 0, 1 }, { PAGE_SIZE - 1, 0 } },
			true,
		}, {
			{ { U32_MAX, 1 }, { 1, U32_MAX }, { U32_MAX, U32_MAX } },
			{ { 3 * PAGE_SIZE, 0 }, { 1, PAGE_SIZE }, { PAGE_SIZE - 1, 0 } },
			true,
		},
	};
	struct ks_rig *rig = planes_rig(test);
	u32 i, j;

	ks_rig_request(rig, KSSTATE_RUN);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ksalloc_completion completion = { .sequence = i };
		struct ksalloc_complete answer = {};
		u32 sum = 0;

		memcpy(completion.planes, cases[i].filled, sizeof(cases[i].filled));
		completion.index = ks_rig_submit(rig);
		ks_fake_fill_as(rig->fake, &completion);
		KUNIT_ASSERT_EQ(test, 0, ks_rig_read(rig, &answer));
		KUNIT_EXPECT_EQ(test, answer.nr_planes, 3);
		for (j = 0; j < KSALLOC_MAX_PLANES; j++) {
			struct ksalloc_plane_data want = {};

			if (j < 3)
				want = cases[i].answer[j];
			KUNIT_EXPECT_MEMEQ(test, &answer.planes[j], &want, sizeof(want));
			sum += want.data_used;
		}
		KUNIT_EXPECT_EQ(test, answer.header.data_used, sum);
		KUNIT_EXPECT_EQ(test, answer.header.data, cases[i].answer[0].data_offset);
		KUNIT_EXPECT_EQ(test, answer.header.frame_extent,
				planes_sum(&planes_three));
		KUNIT_EXPECT_EQ(test, cases[i].cut,
				!!(answer.header.options_flags &
				   KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY));
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(rig->alloc, answer.index,
							   false));
	}
}

/* Passes if a descriptor of any plane is refused, and the frame stays allocated (I2). */
static void planes_no_descriptor(struct kunit *test)
{
	struct ks_rig *rig = planes_rig(test);
	u32 index, plane;

	ks_rig_request(rig, KSSTATE_PAUSE);
	index = ks_rig_alloc(rig);
	ks_fake_forget(rig->fake);
	for (plane = 0; plane < 3; plane++) {
		struct dma_buf *dmabuf = ksalloc_allocator_dmabuf(rig->alloc,
								  index, plane);
		struct ks_test_fd *fd = ks_test_fd(test, dmabuf->file);

		KUNIT_EXPECT_EQ(test, -EINVAL,
				ks_connection_submit(rig->conn, index, fd->fd));
		ks_test_fd_close(fd);
	}
	ks_rig_expect_calls(rig, "");
	KUNIT_EXPECT_EQ(test, 0, ks_connection_submit(rig->conn, index, -1));
	KUNIT_EXPECT_EQ(test, rig->fake->dmabuf_fd, -1);
}

/*
 * Passes if an allocator with another number of planes can neither be assigned nor be used
 * after the device has changed its planes; likewise if a plane is too small (D5).
 */
static void planes_assigned(struct kunit *test)
{
	struct file *one = ks_test_allocator_file(test, PLANES_FRAMES);
	struct ks_rig *rig = planes_rig(test);
	struct ks_fake *fake = rig->fake;

	fake->framing.requirements_flags |=
		KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_set_allocator(rig->conn,
						    ks_allocator_of(one)));
	fake->planes.count = 2;
	fake->planes.sizes[1] += fake->planes.sizes[2];
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_set_allocator(rig->conn, rig->alloc));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_request(rig->conn, KSSTATE_ACQUIRE, false));

	fake->framing.requirements_flags = 0;
	fake->planes = planes_three;
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, rig->alloc));
	/* The frame is still large enough, but its last plane is not */
	fake->planes.sizes[0]--;
	fake->planes.sizes[2]++;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_set_allocator(rig->conn, rig->alloc));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_request(rig->conn, KSSTATE_ACQUIRE, false));
	/* A device whose planes are wrong */
	fake->planes.sizes[0]--;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_request(rig->conn, KSSTATE_ACQUIRE, false));
	fake->planes = planes_three;
	KUNIT_EXPECT_EQ(test, 0, ks_connection_request(rig->conn, KSSTATE_ACQUIRE, false));
}

/* Passes if a client gets and maps each plane, and no other (C1). */
static void planes_of_a_client(struct kunit *test)
{
	static const struct ksalloc_client_ops ops = {};
	struct file *file = ks_test_layout_file(test, 1, &planes_three);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ksalloc_client *client = ksalloc_client_create(file, &ops, NULL);
	struct ksalloc_frame *frame;
	struct iosys_map map = {};
	u32 plane;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, client);
	frame = ksalloc_frame(client, 0);
	KUNIT_EXPECT_EQ(test, ksalloc_frame_planes(frame), 3);
	for (plane = 0; plane < 3; plane++)
		KUNIT_EXPECT_PTR_EQ(test, ksalloc_frame_dmabuf(frame, plane),
				    alloc->planes[plane].dmabuf);
	KUNIT_EXPECT_NULL(test, ksalloc_frame_dmabuf(frame, 3));
	KUNIT_EXPECT_NULL(test, ksalloc_frame_dmabuf(frame, U32_MAX));
	KUNIT_EXPECT_EQ(test, -EINVAL, ksalloc_frame_vmap(frame, 3, &map));
	KUNIT_EXPECT_EQ(test, -EINVAL, ksalloc_frame_vmap(frame, U32_MAX, &map));
	KUNIT_EXPECT_TRUE(test, iosys_map_is_null(&map));
	ksalloc_client_destroy(client);
}

static struct kunit_case planes_cases[] = {
	KUNIT_CASE(planes_default),
	KUNIT_CASE(planes_of_a_wrong_device),
	KUNIT_CASE_SLOW(planes_proportions),
	KUNIT_CASE(planes_sizes),
	KUNIT_CASE(planes_fit),
	KUNIT_CASE(planes_bytes),
	KUNIT_CASE(planes_memory_of_each),
	KUNIT_CASE(planes_memory_fails),
	KUNIT_CASE(planes_memory_shared),
	KUNIT_CASE_ATTR(planes_most, (struct kunit_attributes) {
		.speed = KUNIT_SPEED_VERY_SLOW }),
	KUNIT_CASE(planes_import),
	KUNIT_CASE(planes_data),
	KUNIT_CASE(planes_no_descriptor),
	KUNIT_CASE(planes_assigned),
	KUNIT_CASE(planes_of_a_client),
	{}
};

static struct kunit_suite planes_suite = {
	.name = "ksalloc_planes",
	.init = ks_test_init,
	.test_cases = planes_cases,
};

kunit_test_suite(planes_suite);
