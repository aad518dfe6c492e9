// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic on framing: compares the framing that a client requests with that of a device.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/gcd.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include "framing.h"

/* Whether framing is valid in itself (contract A6, A7, A10) */
static bool ks_framing_valid(const struct ksallocator_framing *framing)
{
	u32 mask = framing->file_alignment;

	return !(framing->options_flags & ~KSALLOCATOR_OPTIONF_VALID) &&
	       (framing->pool_type == KSALLOC_POOL_NONPAGED ||
		framing->pool_type == KSALLOC_POOL_PAGED) &&
	       !(mask & (mask + 1)) && mask < PAGE_SIZE &&
	       !framing->reserved;
}

/*
 * Whether framing of an allocator, with neither zero frames nor a zero frame size, meets
 * the requirements of a device (contract A8, D5, H4). The alignment is not compared:
 * dma-bufs are aligned to pages, and no device may require more (contract A6).
 */
bool ks_framing_fits(const struct ksallocator_framing *framing,
		     const struct ksallocator_framing *device)
{
	if (device->requirements_flags & KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY)
		return true;

	return framing->frames >= device->frames &&
	       framing->frame_size >= device->frame_size;
}
EXPORT_SYMBOL_IF_KUNIT(ks_framing_fits);

/*
 * @result, written only on success, is @asked with the values of the device in place of zeros.
 * Returns -EINVAL if @asked is not valid in itself (contract A6, A7, A10), or a value is zero in
 * both or lower than the device requires (A8); -EOPNOTSUPP if the device does not have or cannot
 * use the requested memory (A9, H4); -E2BIG for too many frames (A8).
 */
int ks_framing_resolve(const struct ksallocator_framing *asked,
		       const struct ksallocator_framing *device, bool own_memory,
		       struct ksallocator_framing *result)
{
	struct ksallocator_framing framing = *asked;

	if (!ks_framing_valid(asked))
		return -EINVAL;
	if (ks_framing_is_system(asked) ? !(device->requirements_flags &
		       KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY) : !own_memory)
		return -EOPNOTSUPP;

	framing.frames = framing.frames ?: device->frames;
	framing.frame_size = framing.frame_size ?: device->frame_size;
	if (!framing.frames || !framing.frame_size)
		return -EINVAL;
	if (framing.frames > KSALLOC_MAX_FRAMES)
		return -E2BIG;
	if (!ks_framing_fits(&framing, device))
		return -EINVAL;

	*result = framing;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_framing_resolve);

/*
 * The ratio of @size to a picture with 4:2:2 sampling and two bytes per pixel, because
 * most compressed formats are made from such pictures.
 */
void ks_framing_compression(u32 size, u32 width, u32 height,
			    struct ks_compression *compression)
{
	u64 raw = (u64)width * height * 2;
	u64 divisor;

	*compression = (struct ks_compression){ 1, 1, 0 };
	if (!size || !raw || raw > U32_MAX)
		return;
	divisor = gcd(size, raw);
	compression->ratio_numerator = size / (u32)divisor;
	compression->ratio_denominator = (u32)raw / (u32)divisor;
}
EXPORT_SYMBOL_IF_KUNIT(ks_framing_compression);

/* Sets the details of a device without ->get_details() */
void ks_framing_details_init(const struct ksallocator_framing *device,
			     bool own_memory,
			     struct ksalloc_framing_details *details)
{
	*details = (struct ksalloc_framing_details){
		.largest = device->frame_size,
		.compression = { 1, 1, 0 },
		.own_memory = own_memory,
		.own_largest = U32_MAX,
	};
}
EXPORT_SYMBOL_IF_KUNIT(ks_framing_details_init);

/*
 * Sets the fields that are the same for all kinds of memory. Sizes from the requirement of the
 * device to @possible are possible. @best is the size of its largest picture. Whole pages are
 * preferred, because frames get whole pages anyway: from the current requirement of the device
 * to that of its largest picture.
 */
static void ks_framing_item_init(const struct ksallocator_framing *device,
				 u64 possible, u64 best,
				 struct ks_framing_item *item)
{
	const u32 last_page = round_down(U32_MAX, PAGE_SIZE);
	u32 least = min(round_up((u64)device->frame_size, PAGE_SIZE), last_page);

	possible = clamp(possible, device->frame_size, U32_MAX);
	best = min(round_up(best, PAGE_SIZE),
		   round_down(possible, PAGE_SIZE));
	*item = (struct ks_framing_item){
		.bus_type = KS_TYPE_DONT_CARE,
		.frames = device->frames,
		.file_alignment = PAGE_SIZE - 1,
		.physical_range = {
			.min_frame_size = device->frame_size,
			.max_frame_size = possible,
			.stepping = 1,
		},
		.framing_range = {
			.range = {
				.min_frame_size = least,
				.max_frame_size = max_t(u32, best, least),
				.stepping = PAGE_SIZE,
			},
			.in_place_weight = 1,
		},
	};
}

/*
 * The kinds of memory that a device can use, best first (contract D4, H1, H2, H4, H5).
 * Returns their number, at most KS_FRAMING_ITEMS. @max_bytes is the limit for all frames
 * of an allocator. A frame keeps its dma-buf, so it is mapped once (ENABLE_CACHED_MDL).
 */
u32 ks_framing_items(const struct ksallocator_framing *device,
		     const struct ksalloc_framing_details *details,
		     u64 max_bytes, struct ks_framing_item *items)
{
	const u32 flags = (device->requirements_flags &
			   ~(KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY |
			     KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE)) |
			  KSALLOCATOR_FLAG_ENABLE_CACHED_MDL;
	const bool system = device->requirements_flags &
			    KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY;
	u64 possible = round_down(div_u64(max_bytes, max(device->frames, 1U)),
				  PAGE_SIZE);
	struct ks_framing_item *item;
	u32 count = 0;

	if (system) {
		item = &items[details->own_memory && details->own_first];
		ks_framing_item_init(device, possible, details->largest, item);
		item->memory_type = KSMEMORY_TYPE_SYSTEM;
		item->flags = flags | KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY;
		count++;
	}
	if (details->own_memory) {
		item = &items[system && !details->own_first];
		ks_framing_item_init(device, min(possible, details->own_largest),
				     details->largest, item);
		item->memory_type = KSMEMORY_TYPE_DEVICE_UNKNOWN;
		item->flags = flags | KSALLOCATOR_FLAG_DEVICE_SPECIFIC |
			      KSALLOCATOR_FLAG_CAN_ALLOCATE;
		if (!system)
			item->flags |= KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
		count++;
	}
	if (count)
		items[0].memory_type_weight = count;
	if (count > 1)
		items[1].memory_type_weight = 1;
	return count;
}
EXPORT_SYMBOL_IF_KUNIT(ks_framing_items);

/* The framing of an allocator as an item (contract D2) */
void ks_framing_item_of(const struct ksallocator_framing *framing,
			size_t frame_bytes, struct ks_framing_item *item)
{
	const bool system = framing->options_flags &
			    KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;

	*item = (struct ks_framing_item){
		.bus_type = KS_TYPE_DONT_CARE,
		.flags = KSALLOCATOR_FLAG_ENABLE_CACHED_MDL,
		.frames = framing->frames,
		.file_alignment = framing->file_alignment,
		.memory_type_weight = 1,
		.physical_range = {
			.min_frame_size = framing->frame_size,
			.max_frame_size = min_t(u64, frame_bytes, U32_MAX),
			.stepping = 1,
		},
		.framing_range.range = {
			.min_frame_size = framing->frame_size,
			.max_frame_size = framing->frame_size,
			.stepping = 1,
		},
	};
	if (system) {
		item->memory_type = KSMEMORY_TYPE_SYSTEM;
		item->flags |= KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY;
	} else {
		item->memory_type = KSMEMORY_TYPE_DEVICE_UNKNOWN;
		item->flags |= KSALLOCATOR_FLAG_DEVICE_SPECIFIC;
	}
}
EXPORT_SYMBOL_IF_KUNIT(ks_framing_item_of);
