// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_state_allocator": the assignment of allocators to a connection, and
 * the states that need one.
 */
#include "state_rig.h"

/* Passes if without an allocator only STOP can be entered: EINVAL (D5). */
static void state_without_allocator(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 2);
	enum ksstate to;

	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	ks_fake_forget(rig->fake);
	for (to = KSSTATE_ACQUIRE; to < STATES; to++) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				ks_connection_request(rig->conn, to, false));
		KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_STOP);
	}
	KUNIT_EXPECT_EQ(test, 0, ks_connection_request(rig->conn, KSSTATE_STOP, false));
	ks_rig_expect_calls(rig, "");
}

/*
 * Passes if an allocator that does not fit the format of the device any more ends the way
 * up with EINVAL, before the device is called, unless the device only states preferences
 * (A8, H4).
 */
static void state_format_changed(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 3);
	struct ksallocator_framing *framing = &rig->fake->framing;

	framing->frame_size = PAGE_SIZE + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_request(rig->conn, KSSTATE_RUN, false));
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_STOP);
	framing->frame_size = PAGE_SIZE;
	framing->frames = 4;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_request(rig->conn, KSSTATE_ACQUIRE, false));
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_STOP);
	ks_rig_expect_calls(rig, "framing framing");

	framing->requirements_flags |= KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
	KUNIT_EXPECT_EQ(test, 0, ks_connection_request(rig->conn, KSSTATE_RUN, false));
}

/*
 * Passes if a connection holds one reference to its allocator, from the assignment to the
 * assignment of another one or none, or to its own end (D5).
 */
static void state_allocator_reference(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_allocator *one = ks_allocator_of(file);
	struct ks_allocator *other = ks_test_allocator(test, 2);
	struct ks_rig *rig = ks_rig_create_on(test, file);

	KUNIT_EXPECT_EQ(test, kref_read(&one->refs), 2);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, one));
	KUNIT_EXPECT_EQ(test, kref_read(&one->refs), 2);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, other));
	KUNIT_EXPECT_EQ(test, kref_read(&one->refs), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 2);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 1);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, other));
	KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 2);
	ks_rig_release(rig);
	KUNIT_EXPECT_EQ(test, kref_read(&one->refs), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 1);
}

/* Passes if an allocator can be assigned only in STOP: EBUSY (D5). */
static void state_allocator_while_busy(struct kunit *test)
{
	struct ks_allocator *other = ks_test_allocator(test, 6);
	struct ks_rig *rig = ks_rig_create(test, 6);
	enum ksstate state;

	for (state = KSSTATE_ACQUIRE; state < STATES; state++) {
		ks_rig_request(rig, state);
		KUNIT_EXPECT_EQ(test, -EBUSY,
				ks_connection_set_allocator(rig->conn, other));
		KUNIT_EXPECT_EQ(test, -EBUSY,
				ks_connection_set_allocator(rig->conn, NULL));
		KUNIT_EXPECT_EQ(test, -EBUSY,
				ks_connection_set_allocator(rig->conn,
							    rig->alloc));
		KUNIT_EXPECT_PTR_EQ(test, rig->conn->allocator, rig->alloc);
		KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 1);
	}
}

/*
 * Passes if an allocator that does not fit, or an error of the device, leaves the earlier
 * assignment as it was (D5, A4).
 */
static void state_allocator_errors(struct kunit *test)
{
	struct ks_allocator *small = ks_test_allocator(test, 2);
	struct ks_rig *rig = ks_rig_create(test, 3);

	rig->fake->framing.frames = 3;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_set_allocator(rig->conn, small));
	rig->fake->framing.frames = 2;
	ks_fake_fail(rig->fake, 1, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			ks_connection_set_allocator(rig->conn, small));
	KUNIT_EXPECT_PTR_EQ(test, rig->conn->allocator, rig->alloc);
	KUNIT_EXPECT_EQ(test, kref_read(&small->refs), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&rig->alloc->refs), 2);

	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, small));
	/* The assigned allocator itself may not fit any more */
	rig->fake->framing.frames = 3;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_set_allocator(rig->conn, small));
	KUNIT_EXPECT_PTR_EQ(test, rig->conn->allocator, small);
	KUNIT_EXPECT_EQ(test, kref_read(&small->refs), 2);
}

/*
 * Passes if frames that were completed through a connection become free when another
 * allocator is assigned, and other frames do not (D5).
 */
static void state_allocator_takes_collected_frames(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 3);
	struct ks_owner *elsewhere = ks_test_owner_of(rig->allocator);
	struct ksalloc_complete complete = {};
	u32 index;

	KUNIT_EXPECT_EQ(test, 0, ks_allocator_try_alloc(rig->alloc, elsewhere,
							&index));
	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_submit(rig);
	ks_fake_fill(rig->fake);
	KUNIT_EXPECT_EQ(test, 0, ks_rig_read(rig, &complete));
	ks_rig_request(rig, KSSTATE_STOP);
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);

	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn,
							     rig->alloc));
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	ks_test_expect_counts(test, rig->alloc, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(rig->alloc, index, false));
}

/*
 * Passes if two connections share one allocator, and a change of the state of one does not
 * affect the frames of the other (G1).
 */
static void state_shared_allocator(struct kunit *test)
{
	struct ks_rig *one = ks_rig_create(test, 6);
	struct ks_rig *other = ks_rig_create_on(test, one->allocator);
	u32 i;

	ks_rig_request(one, KSSTATE_RUN);
	ks_rig_request(other, KSSTATE_RUN);
	for (i = 0; i < 3; i++) {
		ks_rig_submit(one);
		ks_rig_submit(other);
	}
	ks_test_expect_counts(test, one->alloc, 6, 6, 0);

	/* A frame in one device is not in another */
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_connection_submit(other->conn, 0, -1));
	ks_rig_request(one, KSSTATE_STOP);
	ks_test_expect_counts(test, one->alloc, 3, 3, 0);
	KUNIT_EXPECT_EQ(test, other->fake->hw.n_queued, 3);
	ks_rig_release(other);
	ks_test_expect_counts(test, one->alloc, 0, 0, 0);
}

static struct kunit_case state_allocator_cases[] = {
	KUNIT_CASE(state_without_allocator),
	KUNIT_CASE(state_format_changed),
	KUNIT_CASE(state_allocator_reference),
	KUNIT_CASE(state_allocator_while_busy),
	KUNIT_CASE(state_allocator_errors),
	KUNIT_CASE(state_allocator_takes_collected_frames),
	KUNIT_CASE(state_shared_allocator),
	{}
};

static struct kunit_suite state_allocator_suite = {
	.name = "ksalloc_state_allocator",
	.init = ks_test_init,
	.test_cases = state_allocator_cases,
};

kunit_test_suite(state_allocator_suite);
