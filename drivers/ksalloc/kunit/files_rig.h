/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection in RUN that has several open files, for KUnit suites
 */
#ifndef _KS_FILES_RIG_H
#define _KS_FILES_RIG_H

#include "fake_device.h"

struct ks_rig *files_rig(struct kunit *test, u32 frames);
void files_fill(struct ks_rig *rig, u32 first, u32 n);
void files_collect(struct ks_rig *rig, struct file *file, u32 index);
struct ks_owner *files_owner(struct file *file);

#endif /* _KS_FILES_RIG_H */
