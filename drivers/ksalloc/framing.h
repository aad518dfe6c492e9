/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic on framing: pure functions, without objects or locks.
 *
 * "Contract" with an id such as D4 refers to a row of Documentation/conformance.rst.
 */
#ifndef _KSALLOC_FRAMING_H
#define _KSALLOC_FRAMING_H

#include <linux/ksalloc.h>
#include <linux/types.h>

/* One for system memory, one for the device's own memory */
#define KS_FRAMING_ITEMS 2

/* Whether the memory of an allocator is from a heap or imported, and not the device's own */
static inline bool ks_framing_is_system(const struct ksallocator_framing *framing)
{
	return framing->options_flags & KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
}

int ks_framing_resolve(const struct ksallocator_framing *asked,
		       const struct ksallocator_framing *device, bool own_memory,
		       struct ksallocator_framing *result);
bool ks_framing_fits(const struct ksallocator_framing *framing,
		     const struct ksallocator_framing *device);
void ks_framing_compression(u32 size, u32 width, u32 height,
			    struct ks_compression *compression);
void ks_framing_details_init(const struct ksallocator_framing *device,
			     bool own_memory,
			     struct ksalloc_framing_details *details);
u32 ks_framing_items(const struct ksallocator_framing *device,
		     const struct ksalloc_framing_details *details,
		     u64 max_bytes, struct ks_framing_item *items);
void ks_framing_item_of(const struct ksallocator_framing *framing,
			size_t frame_bytes, struct ks_framing_item *item);

#endif /* _KSALLOC_FRAMING_H */
