// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers of the suites of frames: see frames_helpers.h.
 */
#include "frames_helpers.h"

u32 frames_alloc(struct kunit *test, struct ks_allocator *alloc,
		 struct ks_owner *owner)
{
	u32 index = KS_TEST_NEVER;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	KUNIT_ASSERT_LT(test, index, alloc->nr_frames);
	return index;
}

void frames_alloc_all(struct kunit *test, struct ks_allocator *alloc,
		      struct ks_owner *owner)
{
	u32 i;

	for (i = 0; i < alloc->nr_frames; i++)
		frames_alloc(test, alloc, owner);
}

/* Allocates a frame and puts it into a device */
u32 frames_submit(struct kunit *test, struct ks_allocator *alloc,
		  struct ks_owner *owner,
		  const struct ks_connection *connection)
{
	u32 index = frames_alloc(test, alloc, owner);

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_submit(alloc, index, connection));
	return index;
}

/* Starts a thread that waits for a frame, and waits until it is in the queue */
struct ks_test_call *frames_wait(struct kunit *test, struct file *file,
				 struct ks_owner *owner, u64 deadline_ns)
{
	struct ks_allocator *alloc = ks_allocator_of(file);
	u32 before = READ_ONCE(alloc->nr_waiting);
	struct ks_test_call *call;

	call = ks_test_call_alloc(test, file, owner, deadline_ns);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting) ==
						   before + 1));
	KUNIT_ASSERT_TRUE(test, ks_test_pending(call));
	return call;
}

/* Checks that the call has got this frame */
void frames_expect_got(struct kunit *test, struct ks_test_call *call,
		       u32 index)
{
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, 0);
	KUNIT_EXPECT_EQ(test, call->index, index);
}

/* Checks that the call has ended with this errno and has written nothing */
void frames_expect_ended(struct kunit *test, struct ks_test_call *call,
			 int error)
{
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, error);
	KUNIT_EXPECT_EQ(test, call->index, KS_TEST_NEVER);
}
