// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic on framing: what a client asks for against what a sink needs.
 *
 * Pure functions, with no object, lock or allocation in sight.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/mm.h>

#include "ksalloc_priv.h"

/* Whether the framing is right in itself (contract A6, A7, A10) */
static bool ks_framing_valid(const struct ksallocator_framing *framing)
{
	u32 mask = framing->file_alignment;

	return !(framing->options_flags & ~KSALLOCATOR_OPTIONF_VALID) &&
	       (framing->pool_type == KSALLOC_POOL_NONPAGED ||
		framing->pool_type == KSALLOC_POOL_PAGED) &&
	       !(mask & (mask + 1)) && mask < PAGE_SIZE &&
	       !framing->reserved;
}

/**
 * ks_framing_fits() - does framing meet what a sink needs?
 * @framing: of an allocator: neither frames nor frame size is zero
 * @sink: what the sink needs; zero for what it does not care about
 *
 * The alignment need not be compared: dma-bufs are aligned to pages, and no
 * sink may ask for more (contract A6).
 *
 * Context: any.
 * Return: whether it fits (contract A8, D5, H4).
 */
bool ks_framing_fits(const struct ksallocator_framing *framing,
		     const struct ksallocator_framing *sink)
{
	if (sink->requirements_flags & KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY)
		return true;

	return framing->frames >= sink->frames &&
	       framing->frame_size >= sink->frame_size;
}
EXPORT_SYMBOL_IF_KUNIT(ks_framing_fits);

/**
 * ks_framing_resolve() - what an allocator is to be like
 * @asked: the client's framing; zero frames or frame size leave it to the sink
 * @sink: what the sink needs
 * @own_memory: whether the sink has memory of its own
 * @result: @asked with the zeros filled in; not written to on failure
 *
 * Context: any.
 * Return: 0 or
 * * -EINVAL: @asked is wrong in itself (contract A6, A7, A10), leaves a zero
 *   that the sink does not fill, or is below what the sink needs (A8)
 * * -EOPNOTSUPP: it asks for memory of the device, which has none, or the device
 *   can use no other (A9, H4)
 * * -E2BIG: more than KSALLOC_MAX_FRAMES frames (A8)
 */
int ks_framing_resolve(const struct ksallocator_framing *asked,
		       const struct ksallocator_framing *sink, bool own_memory,
		       struct ksallocator_framing *result)
{
	struct ksallocator_framing framing = *asked;
	bool system = asked->options_flags & KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;

	if (!ks_framing_valid(asked))
		return -EINVAL;
	if (system ? !(sink->requirements_flags &
		       KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY) : !own_memory)
		return -EOPNOTSUPP;

	framing.frames = framing.frames ?: sink->frames;
	framing.frame_size = framing.frame_size ?: sink->frame_size;
	if (!framing.frames || !framing.frame_size)
		return -EINVAL;
	if (framing.frames > KSALLOC_MAX_FRAMES)
		return -E2BIG;
	if (!ks_framing_fits(&framing, sink))
		return -EINVAL;

	*result = framing;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_framing_resolve);

/**
 * ks_framing_bytes() - how much memory a frame takes
 * @framing: resolved framing
 * @max_bytes: the most that all frames together may take
 * @frame_bytes: bytes for one frame, whole pages; not written to on failure
 *
 * Context: any.
 * Return: 0, or -ENOMEM where the frames take more than @max_bytes.
 */
int ks_framing_bytes(const struct ksallocator_framing *framing, u64 max_bytes,
		     size_t *frame_bytes)
{
	u64 bytes = round_up((u64)framing->frame_size, PAGE_SIZE);

	/* 2^32 times KSALLOC_MAX_FRAMES is far from an overflow */
	if (bytes * framing->frames > max_bytes || bytes > SIZE_MAX)
		return -ENOMEM;

	*frame_bytes = bytes;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_framing_bytes);
