/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libks: find the framing of an allocator for several connections.
 *
 * These functions only compute: they do not open a device, keep a state or allocate
 * memory, and they may be called from any thread.
 */
#ifndef KS_RESOLVE_H
#define KS_RESOLVE_H

#include <linux/ksalloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: Framing for several connections
 *
 * Several connections can use one allocator (contract G1, H6) if its framing meets the
 * requirements of each of them. A connection reports its requirements in
 * KSALLOC_GET_FRAMING. In KSALLOC_GET_FRAMING_EX it reports a list of items, which are
 * alternatives: the framing has to meet one of them.
 *
 * An item is met if all of this holds:
 *
 *  - Memory type and bus type are those of the allocator, or are "don't care".
 *    KSMEMORY_TYPE_DEVICE_UNKNOWN is the own memory of the device, so it is different
 *    for each connection.
 *  - At most one item of all connections has MUST_ALLOCATE or the own memory of a device,
 *    because an allocator is created on one connection.
 *  - If the item has FRAME_INTEGRITY, no other item changes frames (INPLACE_MODIFIER,
 *    NO_FRAME_INTEGRITY).
 *  - The allocator has at least as many frames and at least the same alignment.
 *  - The frame size is in the physical range: it is the minimum plus a multiple of the
 *    stepping, and not 0. A stepping of 0 means 1. A range of three zeros is "don't care".
 *
 * The framing range is only a preference. If an item has PREFERENCES_ONLY, its frames, sizes
 * and alignment are preferences too. Preferences never conflict. They can increase the
 * number of frames and the alignment. Preferred sizes are applied in the order of their
 * weight, as long as at least one size remains. The weight is the pin weight (0 counts as
 * 1) times a weight of the range: the in-place weight if any connection modifies frames in
 * place, otherwise the other one. Compression is ignored, because the sizes of a connection are
 * those of its own frames.
 *
 * The framing of KSALLOC_GET_FRAMING is treated as one item: of system memory if it has
 * SYSTEM_MEMORY; else of the device's own memory if it has MUST_ALLOCATE; else of any
 * memory. Its size is the minimum.
 *
 * If several choices of items are possible, the one with the largest weight is used (the
 * sum of pin weight times memory type weight over all connections). Among those, the one
 * whose items are nearest to the beginning of their lists is used; among those, the one
 * with the fewest frames, the smallest size and alignment, and the lowest memory type. The
 * order of the connections does not matter.
 */

/* Maximum number of connections, and of items of each */
#define LIBKS_RESOLVE_NEEDS 8
#define LIBKS_RESOLVE_ITEMS 8

/**
 * struct ks_need - requirements of a connection; exactly one field is not NULL
 * @framing: result of KSALLOC_GET_FRAMING, or NULL
 * @framing_ex: result of KSALLOC_GET_FRAMING_EX with all items, or NULL
 */
struct ks_need {
	const struct ksallocator_framing *framing;
	const struct ksallocator_framing_ex *framing_ex;
};

/**
 * struct ks_resolved - framing that meets the requirements of all connections
 * @framing: framing for KSALLOC_CREATE_ALLOCATOR. COMPATIBLE is set if a connection
 *	modifies frames in place; SYSTEM_MEMORY is set unless the memory is the own memory
 *	of a device. Zero frames or frame size: no connection has a requirement
 * @memory_type: type of the memory; KSMEMORY_TYPE_DONT_CARE for any
 * @bus_type: type of the bus; KS_TYPE_DONT_CARE for any
 * @sizes: all possible frame sizes, with the preferences that could be applied
 * @creator: index of the connection to create the allocator on; -1 for any
 */
struct ks_resolved {
	struct ksallocator_framing framing;
	struct ks_guid memory_type;
	struct ks_guid bus_type;
	struct ks_framing_range sizes;
	int creator;
};

/**
 * enum ks_clash_field - property in which connections conflict ("clash")
 * @LIBKS_CLASH_INVALID: no conflict: the requirements of a connection are not valid
 * @LIBKS_CLASH_2D: a 2D buffer is required, which is not supported
 * @LIBKS_CLASH_FRAMES: more than KSALLOC_MAX_FRAMES frames are required
 * @LIBKS_CLASH_MEMORY_TYPE: the memory types are different
 * @LIBKS_CLASH_BUS_TYPE: the bus types are different
 * @LIBKS_CLASH_MUST_ALLOCATE: the allocator would have to be created on both
 * @LIBKS_CLASH_INTEGRITY: one changes frames, another needs them unchanged
 * @LIBKS_CLASH_FRAME_SIZE: the minimum size of one is above the maximum of the other
 * @LIBKS_CLASH_STEPPING: the ranges overlap, but because of the steppings they have no size
 *	in common
 * @LIBKS_CLASH_ITEMS: each two connections have a common framing, but not all together
 */
enum ks_clash_field {
	LIBKS_CLASH_INVALID,
	LIBKS_CLASH_2D,
	LIBKS_CLASH_FRAMES,
	LIBKS_CLASH_MEMORY_TYPE,
	LIBKS_CLASH_BUS_TYPE,
	LIBKS_CLASH_MUST_ALLOCATE,
	LIBKS_CLASH_INTEGRITY,
	LIBKS_CLASH_FRAME_SIZE,
	LIBKS_CLASH_STEPPING,
	LIBKS_CLASH_ITEMS,
};

/**
 * struct ks_clash - a conflict
 * @field: the property. If pairs of items conflict in different properties, the last one in
 *	the order of the enum, because that pair is nearest to a solution
 * @first: index of a connection
 * @second: index of the other connection, above @first; the same as @first if that
 *	connection alone cannot be met
 * @members: a bit for each connection in the conflict. There are more than two only if no
 *	two connections conflict. Without any one of the members, the others do not conflict
 */
struct ks_clash {
	enum ks_clash_field field;
	unsigned int first;
	unsigned int second;
	__u32 members;
};

/**
 * ks_resolve_framing() - find the framing that meets the requirements of several connections
 * @needs: their requirements (contract D4, H1 to H4, H6)
 * @count: number of connections; 0 results in framing without requirements
 * @resolved: out: the framing; not written on failure
 * @clash: out: the conflict, on -EINVAL and -ERANGE; may be NULL
 *
 * Return: 0 or
 * * -EINVAL: requirements are not valid: no framing or both kinds, no items, an alignment
 *   that is not a mask, a reserved field that is not zero or an unknown option
 * * -E2BIG: more than LIBKS_RESOLVE_NEEDS connections or LIBKS_RESOLVE_ITEMS items
 * * -ERANGE: no framing meets all requirements
 */
int ks_resolve_framing(const struct ks_need *needs, unsigned int count,
		       struct ks_resolved *resolved, struct ks_clash *clash);

/* The name of a field, in English */
const char *ks_clash_field_name(enum ks_clash_field field);

#ifdef __cplusplus
}
#endif

#endif /* KS_RESOLVE_H */
