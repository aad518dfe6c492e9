// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection in RUN that has several open files: see files_rig.h.
 */
#include "files_rig.h"

struct ks_rig *files_rig(struct kunit *test, u32 frames)
{
	struct ks_rig *rig = ks_rig_create(test, frames);

	ks_rig_request(rig, KSSTATE_RUN);
	return rig;
}

/* Makes the device fill @n frames: @first and the following ones */
void files_fill(struct ks_rig *rig, u32 first, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_EQ(rig->test, ks_rig_submit(rig), first + i);
		KUNIT_ASSERT_TRUE(rig->test, ks_fake_fill(rig->fake));
	}
}

/* Completes a frame through a file. It must be this frame */
void files_collect(struct ks_rig *rig, struct file *file, u32 index)
{
	struct ks_test_read read = { .answer.index = KS_TEST_NEVER };

	KUNIT_EXPECT_EQ(rig->test, 0, ks_test_read(file, true, 0, &read));
	KUNIT_EXPECT_EQ(rig->test, read.copies, 1);
	KUNIT_EXPECT_EQ(rig->test, read.answer.index, index);
}

struct ks_owner *files_owner(struct file *file)
{
	struct ks_connection_file *cfile = file->private_data;

	return &cfile->owner;
}
