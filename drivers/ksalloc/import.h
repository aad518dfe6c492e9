/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames whose memory is dma-bufs of the creator of the allocator. */
#ifndef _KSALLOC_IMPORT_H
#define _KSALLOC_IMPORT_H

#include <linux/dma-buf.h>
#include <linux/ksalloc.h>

/**
 * struct ks_import - the dma-bufs of a new allocator, with a reference to each
 * @count: number of @dmabufs
 * @nr_planes: number of planes of each frame; a divisor of @count
 * @dmabufs: one for each plane of each frame; those of frame 0 first
 */
struct ks_import {
	u32 count;
	u32 nr_planes;
	struct dma_buf *dmabufs[] __counted_by(count);
};

extern const struct ksalloc_memory_ops ks_import_memory_ops;

struct dma_buf *ks_import_dmabuf(int fd);
struct ks_import *ks_import_get(const __s32 __user *fds, u32 count,
				u32 nr_planes);
struct ks_import *ks_import_copy(struct dma_buf *const *dmabufs, u32 count,
				 u32 nr_planes);
size_t ks_import_bytes(const struct ks_import *import);
void ks_import_put(struct ks_import *import);

#endif /* _KSALLOC_IMPORT_H */
