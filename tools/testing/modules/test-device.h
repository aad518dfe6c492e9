/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device of ksalloc-test-device, and its own memory.
 */
#ifndef _TEST_DEVICE_H
#define _TEST_DEVICE_H

#include <linux/atomic.h>
#include <linux/iosys-map.h>
#include <linux/ksalloc.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ksalloc-test-device.h"

/**
 * struct test_device - a device
 * @device: what ksalloc knows
 * @control: its control, with a reference
 * @ask: what the program asked for
 * @link: on &test_control.devices while it may notify
 * @allocator: the assigned allocator, from acquire to release
 * @own: the memory of @allocator, if it is this device's
 * @map: otherwise, the kernel's mapping of each frame
 * @stuck: stop() has failed
 * @work: what the device does
 * @sequence: number of the next frame; used by @work
 * @scribble: what @work writes into frames that are not filled
 * @lock: protects the fields below
 * @queued: frames to fill, in order. @work takes the first; others append
 * @n_queued: length of @queued
 * @filled: filled frames, in order
 * @n_filled: length of @filled
 */
struct test_device {
	struct ksalloc_device device;
	struct test_control *control;
	struct device_connect ask;
	struct list_head link;
	const struct ks_allocator *allocator;
	struct test_memory *own;
	struct iosys_map *map;
	bool stuck;
	struct delayed_work work;
	u32 sequence;
	u32 scribble;

	spinlock_t lock; /* the queues */
	u32 queued[KSALLOC_MAX_FRAMES];
	u32 n_queued;
	struct ksalloc_completion filled[KSALLOC_MAX_FRAMES];
	u32 n_filled;
};

static inline struct test_device *to_test(struct ksalloc_device *device)
{
	return container_of(device, struct test_device, device);
}

/*
 * The device's own memory. The device can end before the memory, so it does not refer to a
 * device
 */

/**
 * struct test_memory - the memory of one allocator
 * @ask: what the program asked for
 * @vaddr: each frame
 */
struct test_memory {
	struct device_connect ask;
	void *vaddr[];
};

extern const struct ksalloc_memory_ops test_memory_ops;

/* Counts for &struct device_counts */
extern atomic_t test_initialized, test_allocated, test_freed, test_deleted;
extern atomic_t test_buffers;

#endif /* _TEST_DEVICE_H */
