/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection with frames in a certain state, for KUnit suites
 */
#ifndef _KS_STREAM_RIG_H
#define _KS_STREAM_RIG_H

#include "fake_device.h"

#define MARKED KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY

struct ks_rig *stream_rig(struct kunit *test, u32 frames,
			  enum ksstate state);
u32 stream_collect(struct ks_rig *rig, u32 index);
void stream_expect_no_frame(struct ks_rig *rig, int error);
void stream_expect_order(struct ks_rig *rig, const u32 *expected, u32 n);

#endif /* _KS_STREAM_RIG_H */
