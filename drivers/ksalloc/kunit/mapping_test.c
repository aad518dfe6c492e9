// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_mapping": kernel mappings of frames, which are kept in STOP (contract I1).
 */
#include "fake_device.h"

#define FRAMES 3

/* A connection to a device that maps its frames */
static struct ks_rig *mapping_rig(struct kunit *test)
{
	struct ks_rig *rig;

	if (!IS_ENABLED(CONFIG_64BIT))
		kunit_skip(test, "32-bit kernels keep no mapping");
	rig = ks_rig_create(test, FRAMES);
	rig->fake->maps = true;
	KUNIT_ASSERT_EQ(test, ks_test_mappings(), 0);
	return rig;
}

/*
 * Passes if the frames are mapped once for many starts, until another allocator is assigned
 * (I1).
 */
static void mapping_kept(struct kunit *test)
{
	struct ks_rig *rig = mapping_rig(test);
	const int before = ks_test_mappings_ever();
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ks_rig_request(rig, KSSTATE_RUN);
		KUNIT_EXPECT_EQ(test, ks_test_mappings(), FRAMES);
		ks_rig_request(rig, KSSTATE_STOP);
		KUNIT_EXPECT_EQ(test, ks_test_mappings(), FRAMES);
	}
	KUNIT_EXPECT_EQ(test, ks_test_mappings_ever(), before + FRAMES);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, rig->alloc));
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), FRAMES);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), 0);
}

/* Passes if no frame is mapped for a device that does not map frames (I1). */
static void mapping_not_made(struct kunit *test)
{
	struct ks_rig *rig = mapping_rig(test);
	const int before = ks_test_mappings_ever();

	rig->fake->maps = false;
	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_request(rig, KSSTATE_STOP);
	KUNIT_EXPECT_EQ(test, ks_test_mappings_ever(), before);
}

/* Passes if no mapping is kept for a connection that was closed, in STOP or in RUN (I1). */
static void mapping_end_of_connection(struct kunit *test)
{
	struct ks_rig *rig = mapping_rig(test), *other = mapping_rig(test);

	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_request(rig, KSSTATE_STOP);
	ks_rig_release(rig);
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), 0);
	ks_rig_request(other, KSSTATE_RUN);
	ks_rig_release(other);
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), 0);
}

/*
 * Passes if no mapping is kept for a device that has disappeared and whose connection is
 * closed (I1).
 */
static void mapping_gone(struct kunit *test)
{
	struct ks_rig *rig = mapping_rig(test);

	ks_rig_request(rig, KSSTATE_RUN);
	ks_fake_vanish(rig->fake);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(ks_rig_state(rig) == KSSTATE_STOP));
	ks_rig_release(rig);
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), 0);
}

/* Passes if another connection with the same allocator does not lose its mappings (I1). */
static void mapping_shared(struct kunit *test)
{
	struct ks_rig *rig = mapping_rig(test);
	struct ks_rig *other = ks_rig_create_on(test, rig->allocator);

	other->fake->maps = true;
	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_request(rig, KSSTATE_STOP);
	ks_rig_request(other, KSSTATE_RUN);
	ks_rig_request(other, KSSTATE_STOP);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), FRAMES);
	ks_rig_release(other);
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), 0);
}

static const struct ksalloc_planes mapping_planes = {
	.count = 2,
	.sizes = { PAGE_SIZE, PAGE_SIZE },
};

/* Passes if the mappings of all planes are kept (I1). */
static void mapping_each_plane(struct kunit *test)
{
	struct ks_rig *rig;

	if (!IS_ENABLED(CONFIG_64BIT))
		kunit_skip(test, "32-bit kernels keep no mapping");
	rig = ks_rig_create_on(test, ks_test_layout_file(test, FRAMES, &mapping_planes));
	rig->fake->maps = true;
	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_request(rig, KSSTATE_STOP);
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), 2 * FRAMES);
	ks_rig_release(rig);
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), 0);
}

/* Passes if mappings that were kept end with a device that does not stop any more (I1). */
static void mapping_stuck(struct kunit *test)
{
	struct ks_rig *rig = mapping_rig(test);

	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_request(rig, KSSTATE_STOP);
	ks_rig_request(rig, KSSTATE_RUN);
	ks_fake_fail_stop(rig->fake, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_request(rig->conn, KSSTATE_STOP, false));
	ks_rig_release(rig);
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), 0);
}

/* Passes if memory that its exporter can move is not mapped in STOP, which would pin it (I1). */
static void mapping_of_movable(struct kunit *test)
{
	struct ks_rig *rig;

	ks_test_movable = true;
	rig = mapping_rig(test);
	ks_test_movable = false;
	ks_rig_request(rig, KSSTATE_RUN);
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), FRAMES);
	ks_rig_request(rig, KSSTATE_STOP);
	KUNIT_EXPECT_EQ(test, ks_test_mappings(), 0);
}

static struct kunit_case mapping_cases[] = {
	KUNIT_CASE(mapping_kept),
	KUNIT_CASE(mapping_not_made),
	KUNIT_CASE(mapping_end_of_connection),
	KUNIT_CASE(mapping_gone),
	KUNIT_CASE(mapping_shared),
	KUNIT_CASE(mapping_each_plane),
	KUNIT_CASE(mapping_stuck),
	KUNIT_CASE(mapping_of_movable),
	{}
};

static struct kunit_suite mapping_suite = {
	.name = "ksalloc_mapping",
	.init = ks_test_init,
	.test_cases = mapping_cases,
};

kunit_test_suite(mapping_suite);
