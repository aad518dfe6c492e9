/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4L2 capture devices: what the device (v4l2.c), its framing (v4l2_format.c) and its
 * own memory (v4l2_memory.c) share.
 *
 * The device is driven through its driver's own ioctl operations, with kernel
 * structures, on the file that the client has opened: for the driver, this is that
 * client. What the V4L2 core does around the operations for user space
 * (video_ioctl2) is done here likewise: the request queue's lock, then the buffer
 * queue's or the device's; no operation on an unregistered device; no operation that
 * the driver does not offer; the priority.
 */
#ifndef _KSALLOC_V4L2_H
#define _KSALLOC_V4L2_H

#include <linux/mutex.h>
#include <linux/videodev2.h>
#include <media/v4l2-dev.h>

#include "ksalloc_priv.h"

/**
 * struct ks_v4l2_device - a V4L2 capture device, as one open file of it
 * @file: that file, with a reference
 * @vdev: the device, which lives while the file is open
 * @type: V4L2_BUF_TYPE_VIDEO_CAPTURE or its multi-planar variant
 */
struct ks_v4l2_device {
	struct file *file;
	struct video_device *vdev;
	enum v4l2_buf_type type;
};

static inline bool ks_v4l2_is_mplane(const struct ks_v4l2_device *dev)
{
	return V4L2_TYPE_IS_MULTIPLANAR(dev->type);
}

/* v4l2_device.c */

struct mutex *ks_v4l2_queue_lock(const struct ks_v4l2_device *dev);
int ks_v4l2_lock(struct mutex *lock);
void ks_v4l2_unlock(struct mutex *lock);
int ks_v4l2_lock_buffers(const struct ks_v4l2_device *dev);
void ks_v4l2_lock_buffers_always(const struct ks_v4l2_device *dev);
void ks_v4l2_unlock_buffers(const struct ks_v4l2_device *dev);
int ks_v4l2_check(const struct ks_v4l2_device *dev, unsigned int cmd);
int ks_v4l2_check_priority(const struct ks_v4l2_device *dev);
int ks_v4l2_reqbufs(const struct ks_v4l2_device *dev, enum v4l2_memory memory,
		    u32 count);
void ks_v4l2_free_buffers(const struct ks_v4l2_device *dev,
			  enum v4l2_memory memory);
int ks_v4l2_querybuf(const struct ks_v4l2_device *dev, u32 index,
		     struct v4l2_buffer *buffer, struct v4l2_plane *planes);
bool ks_v4l2_is_busy(const struct ks_v4l2_device *dev,
		     struct v4l2_plane *planes);

/* v4l2_format.c */

int ks_v4l2_get_framing(const struct ks_v4l2_device *dev,
			struct ksallocator_framing *framing);
int ks_v4l2_get_details(const struct ks_v4l2_device *dev,
			struct ksalloc_framing_details *details);
s64 ks_v4l2_frame_duration(const struct ks_v4l2_device *dev);

/* v4l2_memory.c */

extern const struct ksalloc_memory_ops ks_v4l2_memory_ops;

bool ks_v4l2_has_memory(const struct ks_v4l2_device *dev);
bool ks_v4l2_memory_is_of(const struct ks_v4l2_device *dev,
			  const struct file *allocator);
int ks_v4l2_memory_check(const struct ks_v4l2_device *dev,
			 const struct file *allocator);

/* v4l2.c */

const struct ks_v4l2_device *ks_v4l2_device_of(struct ksalloc_device *device);
#if IS_ENABLED(CONFIG_KUNIT)
u32 ks_v4l2_options_flags(u32 flags);
#endif

#endif /* _KSALLOC_V4L2_H */
