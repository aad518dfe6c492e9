/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libks: the one framing that suits several connections.
 *
 * Arithmetic only: nothing here opens a device, keeps anything or allocates
 * memory, and each function may be called from any thread.
 */
#ifndef KS_RESOLVE_H
#define KS_RESOLVE_H

#include <linux/ksalloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: Framing that suits all
 *
 * One allocator can serve several connections (contract G1, H6) where its
 * framing is what each of them needs. What a connection needs it says by
 * KSALLOC_GET_FRAMING or, in more detail and with alternatives, by
 * KSALLOC_GET_FRAMING_EX: of the items it takes any one.
 *
 * An item is met as follows:
 *
 *  - Memory type and bus type are the allocator's, or are "don't care".
 *    KSMEMORY_TYPE_DEVICE_UNKNOWN is the connection's own device's memory, and so
 *    never the same in two connections.
 *  - No other connection's item has MUST_ALLOCATE or memory of its device's own
 *    where this one has either: an allocator is created once, on one of them.
 *  - No other connection's item says that it changes frames
 *    (INPLACE_MODIFIER, NO_FRAME_INTEGRITY) where this one has FRAME_INTEGRITY.
 *  - The allocator has at least as many frames, aligned at least as much.
 *  - The frame size is in the physical range, stepping included: the least
 *    size and a whole multiple of the stepping more, of which 0 is none. A
 *    stepping of 0 is 1; a range of three zeros is "don't care".
 *
 * The framing range is a wish, and so is all that an item with
 * PREFERENCES_ONLY says of frames, sizes and alignment. Wishes never clash. They
 * raise the number of frames and the alignment; as to sizes, they are taken up
 * from the heaviest to the lightest as long as a size is left. A wish weighs what
 * the pin weight (0 counts as 1) times the range's in-place weight is where any
 * of the connections modifies frames in place, else times its other weight.
 * Compression is not looked at: a connection's sizes are those of its own frames.
 *
 * A plain framing is one item: of system memory with SYSTEM_MEMORY; else of the
 * device's own with MUST_ALLOCATE; else it does not care. Its size is the least.
 *
 * Where several choices of items suit, the heaviest is taken (the sum over the
 * connections of pin weight times memory type weight); of those, the one with
 * items nearest to the beginning of their lists; of those, the least frames,
 * size, alignment, and memory type by number. The order of the connections
 * makes no difference.
 */

/* At most so many connections, and items of each */
#define LIBKS_RESOLVE_NEEDS 8
#define LIBKS_RESOLVE_ITEMS 8

/**
 * struct ks_need - what one connection needs; one of the two
 * @framing: as KSALLOC_GET_FRAMING says it, or NULL
 * @framing_ex: as KSALLOC_GET_FRAMING_EX says it, with all its items, or NULL
 */
struct ks_need {
	const struct ksallocator_framing *framing;
	const struct ksallocator_framing_ex *framing_ex;
};

/**
 * struct ks_resolved - framing that suits all
 * @framing: what to create the allocator with. COMPATIBLE is set where one of
 *	the connections modifies frames in place; SYSTEM_MEMORY unless the memory
 *	is a device's own. Zero frames or frame size: nobody needs any number
 * @memory_type: of what memory; KSMEMORY_TYPE_DONT_CARE where nobody cares
 * @bus_type: likewise
 * @sizes: all frame sizes that suit, wishes included that were taken up
 * @creator: on which connection to create it; -1 for any
 */
struct ks_resolved {
	struct ksallocator_framing framing;
	struct ks_guid memory_type;
	struct ks_guid bus_type;
	struct ks_framing_range sizes;
	int creator;
};

/**
 * enum ks_clash_field - in what connections clash
 * @LIBKS_CLASH_INVALID: in nothing; what this one says is not well-formed
 * @LIBKS_CLASH_2D: a 2D buffer is needed, which no memory here is
 * @LIBKS_CLASH_FRAMES: more than KSALLOC_MAX_FRAMES
 * @LIBKS_CLASH_MEMORY_TYPE: memory types
 * @LIBKS_CLASH_BUS_TYPE: bus types
 * @LIBKS_CLASH_MUST_ALLOCATE: it would have to be created on both
 * @LIBKS_CLASH_INTEGRITY: one changes frames, another needs them unchanged
 * @LIBKS_CLASH_FRAME_SIZE: the least size of one is above the most of the other
 * @LIBKS_CLASH_STEPPING: the sizes of one fall between those of the other
 * @LIBKS_CLASH_ITEMS: no choice of items suits all, though one suits each two
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
 * struct ks_clash - who clashes, and in what
 * @field: in what. Where items differ in it, the last in the order of the enum
 *	that any pair of items comes to: what is left to be changed at least
 * @first: index of a connection
 * @second: index of the other, above @first; the same as @first where that one
 *	cannot be met at all
 * @members: a bit for each connection that takes part: @first, @second, and more
 *	only where no two of all connections clash. Without any one of the
 *	members, the others do not clash
 */
struct ks_clash {
	enum ks_clash_field field;
	unsigned int first;
	unsigned int second;
	__u32 members;
};

/**
 * ks_resolve_framing() - find the framing that suits several connections
 * @needs: what they need (contract D4, H1 to H4, H6)
 * @count: how many they are; with none, any framing suits
 * @resolved: out: the framing; not written to on failure
 * @clash: out: what is in the way, on -EINVAL and -ERANGE; may be NULL
 *
 * Return: 0 or
 * * -EINVAL: a need is not well-formed: no framing or both, no items, an
 *   alignment that is no mask, a set reserved word or an unknown option
 * * -E2BIG: more than LIBKS_RESOLVE_NEEDS needs or LIBKS_RESOLVE_ITEMS items
 * * -ERANGE: no framing suits all
 */
int ks_resolve_framing(const struct ks_need *needs, unsigned int count,
		       struct ks_resolved *resolved, struct ks_clash *clash);

/* The name of a field, in English */
const char *ks_clash_field_name(enum ks_clash_field field);

#ifdef __cplusplus
}
#endif

#endif /* KS_RESOLVE_H */
