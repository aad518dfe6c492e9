/* SPDX-License-Identifier: GPL-2.0-only */
/* Arithmetic on the memory planes of frames: pure functions, without objects or locks. */
#ifndef _KSALLOC_PLANES_H
#define _KSALLOC_PLANES_H

#include <linux/ksalloc.h>
#include <linux/mm.h>
#include <linux/types.h>

/* Bytes of a plane in whole pages; 64 bits, because this can be 2^32 */
static inline u64 ks_plane_bytes(const struct ksalloc_planes *planes, u32 plane)
{
	return PAGE_ALIGN((u64)planes->sizes[plane]);
}

int ks_planes_of_device(struct ksalloc_requirements *needs);
int ks_planes_resolve(u32 frame_size, const struct ksalloc_planes *device,
		      struct ksalloc_planes *result);
bool ks_planes_fit(const struct ksalloc_planes *planes,
		   const struct ksalloc_requirements *needs);
int ks_planes_bytes(const struct ksalloc_planes *planes, u32 frames,
		    u64 max_bytes, size_t *frame_bytes);

#endif /* _KSALLOC_PLANES_H */
