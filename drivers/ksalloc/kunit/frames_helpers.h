/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocates and submits frames, and waits for them, for KUnit suites
 */
#ifndef _KS_FRAMES_HELPERS_H
#define _KS_FRAMES_HELPERS_H

#include "ks_test.h"

#define DEVICE_A ks_test_device(14)
#define DEVICE_B ks_test_device(15)

u32 frames_alloc(struct kunit *test, struct ks_allocator *alloc,
		 struct ks_owner *owner);
void frames_alloc_all(struct kunit *test, struct ks_allocator *alloc,
		      struct ks_owner *owner);
u32 frames_submit(struct kunit *test, struct ks_allocator *alloc,
		  struct ks_owner *owner,
		  const struct ks_connection *connection);
struct ks_test_call *frames_wait(struct kunit *test, struct file *file,
				 struct ks_owner *owner, u64 deadline_ns);
void frames_expect_got(struct kunit *test, struct ks_test_call *call,
		       u32 index);
void frames_expect_ended(struct kunit *test, struct ks_test_call *call,
			 int error);

#endif /* _KS_FRAMES_HELPERS_H */
