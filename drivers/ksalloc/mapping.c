// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel mappings of frames, kept while a connection is in STOP.
 *
 * A device that writes with the CPU (videobuf2-vmalloc: uvcvideo, vivid) maps each dma-buf into
 * the address space of the kernel, and drops the mappings when it frees its buffers. To map a
 * frame of 4 MB takes 22,000 instructions. A dma-buf has one such mapping, which all importers
 * share. So the allocator takes a reference to each mapping that exists, and the next start
 * finds the mapping and only takes one more reference.
 *
 * Mappings for DMA are not kept, because they belong to the device that made them. Nor are those
 * of dma-bufs that their exporter can move (it has an operation to pin them): a kept mapping
 * would pin such memory while no camera uses it.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/sched.h>

#include "allocator.h"

static void ks_mapping_keep(struct ks_plane *plane)
{
	struct dma_buf *dmabuf = plane->dmabuf;
	struct iosys_map map;

	if (!dmabuf || dmabuf->ops->pin)
		return;
	dma_resv_lock(dmabuf->resv, NULL);
	if (!plane->mapped && dmabuf->vmapping_counter)
		WRITE_ONCE(plane->mapped, !dma_buf_vmap(dmabuf, &map));
	dma_resv_unlock(dmabuf->resv);
}

static void ks_mapping_drop(struct ks_plane *plane)
{
	struct dma_buf *dmabuf = plane->dmabuf;
	struct iosys_map map;

	/* The lock of a dma-buf that another driver exports can be held for long */
	if (!READ_ONCE(plane->mapped))
		return;
	dma_resv_lock(dmabuf->resv, NULL);
	if (plane->mapped) {
		map = dmabuf->vmap_ptr;
		dma_buf_vunmap(dmabuf, &map);
		WRITE_ONCE(plane->mapped, false);
	}
	dma_resv_unlock(dmabuf->resv);
}

static void ks_mappings_call(struct ks_allocator *alloc,
			     void (*call)(struct ks_plane *plane))
{
	u32 i;

	might_sleep();

	for (i = 0; i < alloc->nr_frames * alloc->layout.count; i++) {
		call(&alloc->planes[i]);
		cond_resched();
	}
}

/* Takes a reference to each mapping that an importer has made. Does not make one */
void ks_mappings_keep(struct ks_allocator *alloc)
{
	/* A 32-bit kernel needs its small address space for other mappings */
	if (IS_ENABLED(CONFIG_64BIT))
		ks_mappings_call(alloc, ks_mapping_keep);
}

/* Devices that use the frames have references of their own */
void ks_mappings_drop(struct ks_allocator *alloc)
{
	ks_mappings_call(alloc, ks_mapping_drop);
}
