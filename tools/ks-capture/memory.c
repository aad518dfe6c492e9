// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether there is any memory that a device can use with ksalloc. The framing shows it, except
 * for a driver that does not set vdev->queue: only a request to such a driver shows it.
 */
#include <errno.h>

#include <ks/ks.h>

#include "memory.h"
#include "v4l2.h"

/* A request for zero buffers changes nothing. It fails with EINVAL if it is for other memory */
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
