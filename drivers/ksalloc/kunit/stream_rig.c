// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection with frames in a certain state: see stream_rig.h.
 */
#include "stream_rig.h"

struct ks_rig *stream_rig(struct kunit *test, u32 frames,
			  enum ksstate state)
{
	struct ks_rig *rig = ks_rig_create(test, frames);

	ks_rig_request(rig, state);
	ks_fake_forget(rig->fake);
	return rig;
}

/* Completes a frame. It must be this frame; returns its options */
u32 stream_collect(struct ks_rig *rig, u32 index)
{
	struct ksalloc_complete complete = { .index = KS_TEST_NEVER };

	KUNIT_EXPECT_EQ(rig->test, 0, ks_rig_read(rig, &complete));
	KUNIT_EXPECT_EQ(rig->test, complete.index, index);
	return complete.header.options_flags;
}

/* Checks that there is nothing to complete, and the argument is not written */
void stream_expect_no_frame(struct ks_rig *rig, int error)
{
	struct ksalloc_complete complete, poison;

	memset(&poison, 0xa5, sizeof(poison));
	complete = poison;
	KUNIT_EXPECT_EQ(rig->test, error, ks_rig_read(rig, &complete));
	KUNIT_EXPECT_MEMEQ(rig->test, &complete, &poison, sizeof(poison));
}

void stream_expect_order(struct ks_rig *rig, const u32 *expected, u32 n)
{
	u32 order[KS_TEST_FRAMES];

	KUNIT_EXPECT_EQ(rig->test, ks_rig_submitted(rig, order), n);
	KUNIT_EXPECT_MEMEQ(rig->test, order, expected, n * sizeof(order[0]));
}
