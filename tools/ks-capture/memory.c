// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether there is any memory that a device can use with ksalloc. The module knows the memory
 * of most drivers. A driver that does not set vdev->queue can only be tried.
 */
#include <errno.h>

#include <ks/ks.h>

#include "memory.h"
#include "v4l2.h"

/* Requests no buffers, so nothing changes. EINVAL is only for the kind of memory */
static bool refuses_dmabuf(int fd, __u32 type)
{
	struct v4l2_requestbuffers request = {
		.type = type,
		.memory = V4L2_MEMORY_DMABUF,
	};

	return v4l2_call(fd, VIDIOC_REQBUFS, &request) == -EINVAL;
}

bool memory_is_missing(int connection, int fd, __u32 type)
{
	struct ksallocator_framing_ex framing = {};
	struct ksallocator_framing needs = {};
	__u32 size = sizeof(framing);

	if (ks_get_framing_ex(connection, &framing, &size) || ks_get_framing(connection, &needs))
		return false;
	if (!framing.count_items)
		return true;
	/* The only item is memory of a heap */
	return framing.count_items == 1 &&
	       needs.requirements_flags & KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY &&
	       refuses_dmabuf(fd, type);
}
