/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fences on dma-bufs: from sw_sync if the kernel has it, else from vgem. vgem signals its fences
 * after ten seconds by itself.
 */
#ifndef SELFTESTS_FENCE_H
#define SELFTESTS_FENCE_H

#include <linux/types.h>
#include <stdbool.h>

/* A fence, and its own timeline or vgem device */
struct fence {
	int source;
	bool vgem;
	__u32 id;
};

/* A device begins to read the memory */
void fence_begin(struct fence *fence, int dmabuf);
/*
 * Makes a fence on memory of its own, and returns its sync file. fence_import() can add it to any
 * dma-buf, also to a view, which vgem cannot import
 */
int fence_create(struct fence *fence);
/*
 * Adds the fence to a dma-buf, as any program can. With DMA_BUF_SYNC_READ, a device reads the
 * memory; with DMA_BUF_SYNC_WRITE, it writes
 */
void fence_import(int file, int dmabuf, __u32 flags);
/* The device has finished reading */
void fence_signal(struct fence *fence);

/* A DRM device without hardware. Skips the test if the kernel has none */
int open_vgem(void);
/*
 * Makes a picture in the memory of such a device, with two bytes for each pixel. Returns its
 * dma-buf, which the caller closes. It stays valid when the device is closed
 */
int vgem_alloc(int vgem, unsigned int width, unsigned int height);

#endif
