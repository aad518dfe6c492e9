// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic on the memory planes of frames. The framing of KS describes a frame as a whole, so
 * the planes of an allocator follow from its frame size and the planes of the device.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/math64.h>

#include "planes.h"

static u64 ks_planes_sum(const struct ksalloc_planes *planes)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < planes->count; i++)
		sum += planes->sizes[i];
	return sum;
}

/* Checks the planes of a device. A count of zero becomes one plane of the frame size */
int ks_planes_of_device(struct ksalloc_requirements *needs)
{
	struct ksalloc_planes *planes = &needs->planes;
	u32 i;

	if (!planes->count)
		*planes = (struct ksalloc_planes){
			.count = 1,
			.sizes[0] = needs->framing.frame_size,
		};
	if (planes->count > KSALLOC_MAX_PLANES ||
	    ks_planes_sum(planes) != needs->framing.frame_size)
		return -EINVAL;
	/* User space gets all elements */
	for (i = planes->count; i < KSALLOC_MAX_PLANES; i++)
		planes->sizes[i] = 0;
	planes->__reserved = 0;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_planes_of_device);

/*
 * Divides @frame_size, which is not zero, among planes with the proportions of those of
 * the device, from ks_planes_of_device(): the planes of most formats grow with the
 * picture. Bytes that remain belong to the first plane. Returns -EINVAL if a plane would
 * be empty.
 */
int ks_planes_resolve(u32 frame_size, const struct ksalloc_planes *device,
		      struct ksalloc_planes *result)
{
	struct ksalloc_planes planes = { .count = device->count };
	const u32 sum = ks_planes_sum(device);
	u32 i, rest = frame_size;

	for (i = 1; i < planes.count; i++) {
		if (!device->sizes[i])
			return -EINVAL;
		planes.sizes[i] = div_u64((u64)frame_size * device->sizes[i], sum);
		if (!planes.sizes[i])
			return -EINVAL;
		rest -= planes.sizes[i];
	}
	if (!rest)
		return -EINVAL;
	planes.sizes[0] = rest;
	*result = planes;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_planes_resolve);

/* The number of planes must be equal even if the device has only preferences */
bool ks_planes_fit(const struct ksalloc_planes *planes,
		   const struct ksalloc_requirements *needs)
{
	const bool preferences = needs->framing.requirements_flags &
				 KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
	u32 i;

	if (planes->count != needs->planes.count)
		return false;
	for (i = 0; i < planes->count && !preferences; i++)
		if (planes->sizes[i] < needs->planes.sizes[i])
			return false;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(ks_planes_fit);

/*
 * Sets @frame_bytes, with each plane in whole pages; -ENOMEM if @frames frames, at most
 * KSALLOC_MAX_FRAMES, need more than @max_bytes.
 */
int ks_planes_bytes(const struct ksalloc_planes *planes, u32 frames,
		    u64 max_bytes, size_t *frame_bytes)
{
	u64 bytes = 0;
	u32 i;

	/* This cannot overflow: a plane has at most 2^32 bytes */
	for (i = 0; i < planes->count; i++)
		bytes += ks_plane_bytes(planes, i);
	if (bytes * frames > max_bytes || bytes > SIZE_MAX)
		return -ENOMEM;

	*frame_bytes = bytes;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_planes_bytes);
