// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds the framing for several connections. ks/resolve.h describes the rules.
 *
 * A "need" is the requirements of a connection: a list of items, of which one has to be
 * met. The search adds one item of each need to a "choice", but only if it is compatible
 * with the items in it. A choice with an item of each need is a solution. A "wish" is a
 * preference.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <ks/resolve.h>

#include "internal.h"

#define MAX_SIZE 0xffffffffU
#define AGREED (-1)
/* An item has its framing range, and its physical range if that is a preference */
#define WISHES 2

#define ALL_REQUIREMENTS ( \
	KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER | \
	KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY | \
	KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY | \
	KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE | \
	KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY)

static const struct ks_framing_range any_size = { 1, MAX_SIZE, 1 };

/* A preferred range of sizes, and its weights */
struct wish {
	struct ks_framing_range range;
	__u64 in_place_weight;
	__u64 not_in_place_weight;
};

/* An item, in a form in which items can be compared */
struct item {
	struct ks_guid memory_type;
	struct ks_guid bus_type;
	bool must_allocate;
	bool in_place;
	bool changes;
	bool integrity;
	bool two_dimensional;
	__u32 frames;
	__u32 alignment;
	struct ks_framing_range sizes;
	struct wish wishes[WISHES];
	__u64 weight;
};

/* A need: its items that can be met at all */
struct alternatives {
	unsigned int count;
	unsigned int position[LIBKS_RESOLVE_ITEMS];
	struct item items[LIBKS_RESOLVE_ITEMS];
	bool single;
};

struct problem {
	unsigned int count;
	struct alternatives needs[LIBKS_RESOLVE_NEEDS];
};

/* Compatible items, one for each of the first connections */
struct choice {
	unsigned int count;
	const struct item *items[LIBKS_RESOLVE_NEEDS];
	__u64 weight;
	unsigned int positions;
	struct ks_guid memory_type;
	struct ks_guid bus_type;
	bool in_place;
	bool changes;
	bool integrity;
	int creator;
	__u32 frames;
	__u32 alignment;
	struct ks_framing_range sizes;
};

/* The best choice so far, in the form for the caller */
struct best {
	bool found;
	__u64 weight;
	unsigned int positions;
	struct ks_resolved resolved;
};

static bool same_guid(const struct ks_guid *one, const struct ks_guid *other)
{
	return !memcmp(one, other, sizeof(*one));
}

static bool dont_care(const struct ks_guid *type)
{
	return same_guid(type, &KS_TYPE_DONT_CARE);
}

static __u64 add_saturated(__u64 one, __u64 other)
{
	return one + other < one ? ~0ULL : one + other;
}

/* Ranges of sizes */

static bool range_is_empty(const struct ks_framing_range *range)
{
	return range->min_frame_size > range->max_frame_size;
}

static bool range_is_any(const struct ks_framing_range *range)
{
	return !memcmp(range, &any_size, sizeof(any_size));
}

/* The range with a minimum and maximum that are possible sizes, and above 0 */
static struct ks_framing_range range_of(const struct ks_framing_range *said)
{
	struct ks_framing_range range = *said;

	if (!range.min_frame_size && !range.max_frame_size && !range.stepping)
		return any_size;
	if (!range.stepping)
		range.stepping = 1;
	if (!range.min_frame_size)
		range.min_frame_size = range.stepping;
	if (!range_is_empty(&range))
		range.max_frame_size -= (range.max_frame_size -
			range.min_frame_size) % range.stepping;
	return range;
}

/* Computes x with a * x = gcd(a, modulus) mod modulus, and the gcd */
static __u64 inverse(__u64 a, __u64 modulus, __u64 *gcd)
{
	__s64 x = 1, next_x = 0, old_x;
	__u64 r = a, next_r = modulus, old_r, quotient;

	while (next_r) {
		quotient = r / next_r;
		old_r = r;
		r = next_r;
		next_r = old_r - quotient * next_r;
		old_x = x;
		x = next_x;
		next_x = old_x - (__s64)quotient * next_x;
	}
	*gcd = r;
	x %= (__s64)modulus;
	if (x < 0)
		x += (__s64)modulus;
	return x;
}

/*
 * Makes @range the intersection of both ranges, which must not be empty. Two ranges have
 * common sizes if their minimums differ by a multiple of the greatest common divisor of the
 * steppings. The common sizes have the least common multiple as their stepping.
 */
static int range_meet(struct ks_framing_range *range,
		      const struct ks_framing_range *other)
{
	const struct ks_framing_range one = *range;
	__u64 low, high, first, period, gcd, step, steps, factor;
	__s64 distance;

	low = one.min_frame_size > other->min_frame_size ?
		one.min_frame_size : other->min_frame_size;
	high = one.max_frame_size < other->max_frame_size ?
		one.max_frame_size : other->max_frame_size;
	if (low > high)
		return LIBKS_CLASH_FRAME_SIZE;

	factor = inverse(one.stepping, other->stepping, &gcd);
	distance = (__s64)other->min_frame_size - one.min_frame_size;
	if (distance % (__s64)gcd)
		return LIBKS_CLASH_STEPPING;
	/* Number of steps of @one to the first common size */
	step = other->stepping / gcd;
	distance = distance / (__s64)gcd % (__s64)step;
	if (distance < 0)
		distance += step;
	steps = (__u64)distance * (factor % step) % step;
	/* Both factors are below 2^32, so the sum with another such number is below 2^64 */
	period = one.stepping * step;
	first = one.min_frame_size + steps * one.stepping;
	if (first < low && period <= MAX_SIZE)
		first += (low - first + period - 1) / period * period;
	if (first < low || first > high)
		return LIBKS_CLASH_STEPPING;

	range->min_frame_size = first;
	if (period > high - first) {
		range->max_frame_size = first;
		range->stepping = 1;
	} else {
		range->max_frame_size = first + (high - first) / period * period;
		range->stepping = period;
	}
	return AGREED;
}

/* What connections say */

static void item_set_wishes(struct item *item,
			    const struct ks_framing_range *range,
			    __u64 in_place_weight, __u64 not_in_place_weight)
{
	unsigned int i;

	for (i = 0; i < WISHES; i++) {
		item->wishes[i].range = any_size;
		item->wishes[i].in_place_weight = in_place_weight;
		item->wishes[i].not_in_place_weight = not_in_place_weight;
	}
	item->wishes[0].range = *range;
}

static bool is_mask(__u32 alignment)
{
	return !(alignment & (alignment + 1));
}

/* Moves the requirements of an item to its preferences */
static void make_preference(struct item *item)
{
	item->wishes[1].range = item->sizes;
	item->sizes = any_size;
	if (item->frames > KSALLOC_MAX_FRAMES)
		item->frames = KSALLOC_MAX_FRAMES;
}

static int item_of_framing(const struct ksallocator_framing *said,
			   struct item *item)
{
	__u32 flags = said->requirements_flags;

	if (flags & ~ALL_REQUIREMENTS || said->reserved ||
	    said->pool_type > KSALLOC_POOL_PAGED ||
	    !is_mask(said->file_alignment))
		return -EINVAL;

	memset(item, 0, sizeof(*item));
	if (flags & KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY)
		item->memory_type = KSMEMORY_TYPE_SYSTEM;
	else if (flags & KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE)
		item->memory_type = KSMEMORY_TYPE_DEVICE_UNKNOWN;
	item->must_allocate = flags & KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	item->in_place = flags & KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER;
	item->integrity = flags & KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY;
	item->changes = item->in_place;
	item->frames = said->frames;
	item->alignment = said->file_alignment;
	item->sizes = any_size;
	if (said->frame_size)
		item->sizes.min_frame_size = said->frame_size;
	item_set_wishes(item, &any_size, 1, 1);
	if (flags & KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY)
		make_preference(item);
	return 0;
}

static int item_of_framing_item(const struct ks_framing_item *said,
				__u64 pin_weight, struct item *item)
{
	struct ks_framing_range best;
	__u32 flags = said->flags;

	memset(item, 0, sizeof(*item));
	item->two_dimensional = flags & KSALLOCATOR_FLAG_2D_BUFFER_REQUIRED;
	/* The field is a pitch in this case */
	if (!item->two_dimensional && !is_mask(said->file_alignment))
		return -EINVAL;

	item->memory_type = said->memory_type;
	item->bus_type = said->bus_type;
	item->must_allocate = flags & KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	item->in_place = flags & KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER;
	item->integrity = flags & KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY;
	item->changes = item->in_place ||
		flags & KSALLOCATOR_FLAG_NO_FRAME_INTEGRITY;
	item->frames = said->frames;
	item->alignment = said->file_alignment;
	item->sizes = range_of(&said->physical_range);
	best = range_of(&said->framing_range.range);
	item_set_wishes(item, &best,
			pin_weight * said->framing_range.in_place_weight,
			pin_weight * said->framing_range.not_in_place_weight);
	item->weight = pin_weight * said->memory_type_weight;
	if (flags & KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY)
		make_preference(item);
	return 0;
}

/* The property in which an item cannot be met at all, or AGREED */
static int item_check(const struct item *item)
{
	if (item->two_dimensional)
		return LIBKS_CLASH_2D;
	if (item->frames > KSALLOC_MAX_FRAMES)
		return LIBKS_CLASH_FRAMES;
	if (range_is_empty(&item->sizes))
		return LIBKS_CLASH_FRAME_SIZE;
	return AGREED;
}

static void alternatives_add(struct alternatives *all, const struct item *item,
			     unsigned int position, int *field)
{
	int check = item_check(item);

	if (check != AGREED) {
		*field = check > *field ? check : *field;
		return;
	}
	all->position[all->count] = position;
	all->items[all->count++] = *item;
}

/* Returns an errno. @field is the property in which no item can be met, or AGREED */
static int alternatives_of(const struct ks_need *need,
			   struct alternatives *all, int *field)
{
	const struct ksallocator_framing_ex *ex = need->framing_ex;
	__u64 pin_weight;
	struct item item;
	unsigned int i;
	int err;

	all->count = 0;
	all->single = true;
	*field = AGREED;
	if (!need->framing == !ex)
		return -EINVAL;
	if (need->framing) {
		err = item_of_framing(need->framing, &item);
		if (err)
			return err;
		alternatives_add(all, &item, 0, field);
	} else {
		if (!ex->count_items)
			return -EINVAL;
		if (ex->count_items > LIBKS_RESOLVE_ITEMS)
			return -E2BIG;
		all->single = ex->count_items == 1;
		pin_weight = ex->pin_weight ? ex->pin_weight : 1;
		for (i = 0; i < ex->count_items; i++) {
			err = item_of_framing_item(&ex->framing_item[i],
						   pin_weight, &item);
			if (err)
				return err;
			alternatives_add(all, &item, i, field);
		}
	}
	if (all->count)
		*field = AGREED;
	return 0;
}

/* Choices */

static const struct choice nothing_chosen = {
	.creator = -1,
	.sizes = { 1, MAX_SIZE, 1 },
};

/* Whether two types are compatible; @type becomes the common type */
static bool type_meet(struct ks_guid *type, const struct ks_guid *other)
{
	if (dont_care(other))
		return true;
	if (!dont_care(type) && !same_guid(type, other))
		return false;
	*type = *other;
	return true;
}

/*
 * Adds the item of connection @index to a choice. Returns AGREED, or the property in which
 * it conflicts with the items in the choice; then the choice must not be used any more.
 */
static int choice_add(struct choice *choice, const struct item *item,
		      unsigned int index, unsigned int position)
{
	const struct ks_guid device = KSMEMORY_TYPE_DEVICE_UNKNOWN;
	bool own = same_guid(&item->memory_type, &device);

	if ((own && same_guid(&choice->memory_type, &device)) ||
	    !type_meet(&choice->memory_type, &item->memory_type))
		return LIBKS_CLASH_MEMORY_TYPE;
	if (!type_meet(&choice->bus_type, &item->bus_type))
		return LIBKS_CLASH_BUS_TYPE;
	if (own || item->must_allocate) {
		if (choice->creator >= 0)
			return LIBKS_CLASH_MUST_ALLOCATE;
		choice->creator = index;
	}
	if ((item->integrity && choice->changes) ||
	    (item->changes && choice->integrity))
		return LIBKS_CLASH_INTEGRITY;
	choice->integrity |= item->integrity;
	choice->changes |= item->changes;
	choice->in_place |= item->in_place;
	choice->frames = item->frames > choice->frames ?
		item->frames : choice->frames;
	choice->alignment |= item->alignment;
	choice->weight = add_saturated(choice->weight, item->weight);
	choice->positions += position;
	choice->items[choice->count++] = item;
	return range_meet(&choice->sizes, &item->sizes);
}

static __u64 wish_weight(const struct wish *wish, bool in_place)
{
	return in_place ? wish->in_place_weight : wish->not_in_place_weight;
}

/* Whether a wish comes before another. The order depends only on values */
static bool wish_before(const struct wish *one, const struct wish *other,
			bool in_place)
{
	__u64 weight = wish_weight(one, in_place);
	__u64 other_weight = wish_weight(other, in_place);

	if (weight != other_weight)
		return weight > other_weight;
	if (one->range.min_frame_size != other->range.min_frame_size)
		return one->range.min_frame_size < other->range.min_frame_size;
	if (one->range.max_frame_size != other->range.max_frame_size)
		return one->range.max_frame_size < other->range.max_frame_size;
	return one->range.stepping < other->range.stepping;
}

/* Applies wishes, the heaviest first, as long as a size remains. */
static struct ks_framing_range with_wishes(const struct choice *choice)
{
	const struct wish *order[LIBKS_RESOLVE_NEEDS * WISHES], *wish;
	struct ks_framing_range sizes = choice->sizes, fewer;
	unsigned int count = choice->count * WISHES;
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		wish = &choice->items[i / WISHES]->wishes[i % WISHES];
		for (j = i; j && wish_before(wish, order[j - 1],
					     choice->in_place); j--)
			order[j] = order[j - 1];
		order[j] = wish;
	}
	for (i = 0; i < count; i++) {
		fewer = sizes;
		if (!range_is_empty(&order[i]->range) &&
		    range_meet(&fewer, &order[i]->range) == AGREED)
			sizes = fewer;
	}
	return sizes;
}

static void choice_resolve(const struct choice *choice,
			   struct ks_resolved *resolved)
{
	memset(resolved, 0, sizeof(*resolved));
	resolved->memory_type = choice->memory_type;
	resolved->bus_type = choice->bus_type;
	resolved->sizes = with_wishes(choice);
	resolved->creator = choice->creator;

	if (!same_guid(&choice->memory_type, &KSMEMORY_TYPE_DEVICE_UNKNOWN))
		resolved->framing.options_flags =
			KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	if (choice->in_place)
		resolved->framing.options_flags |=
			KSALLOCATOR_OPTIONF_COMPATIBLE;
	resolved->framing.frames = choice->frames;
	resolved->framing.file_alignment = choice->alignment;
	if (!range_is_any(&resolved->sizes))
		resolved->framing.frame_size = resolved->sizes.min_frame_size;
}

static int compare_words(__u32 one, __u32 other)
{
	return one < other ? -1 : one > other;
}

/* Negative if the first is better, among choices of equal weight and position */
static int compare_resolved(const struct ks_resolved *one,
			    const struct ks_resolved *other)
{
	int order = compare_words(one->framing.frames, other->framing.frames);

	if (!order)
		order = compare_words(one->framing.frame_size,
				      other->framing.frame_size);
	if (!order)
		order = compare_words(one->framing.file_alignment,
				      other->framing.file_alignment);
	if (!order)
		order = memcmp(&one->memory_type, &other->memory_type,
			       sizeof(one->memory_type));
	if (!order)
		order = memcmp(&one->bus_type, &other->bus_type,
			       sizeof(one->bus_type));
	if (!order)
		order = compare_words(one->framing.options_flags,
				      other->framing.options_flags);
	if (!order)
		order = compare_words(other->sizes.max_frame_size,
				      one->sizes.max_frame_size);
	if (!order)
		order = compare_words(one->sizes.stepping,
				      other->sizes.stepping);
	/* -1, which means any connection, comes first */
	return order ? order : one->creator - other->creator;
}

static void best_consider(struct best *best, const struct choice *choice)
{
	struct ks_resolved resolved;

	if (best->found && (choice->weight < best->weight ||
			    (choice->weight == best->weight &&
			     choice->positions > best->positions)))
		return;
	choice_resolve(choice, &resolved);
	if (best->found && choice->weight == best->weight &&
	    choice->positions == best->positions &&
	    compare_resolved(&resolved, &best->resolved) >= 0)
		return;
	best->found = true;
	best->weight = choice->weight;
	best->positions = choice->positions;
	best->resolved = resolved;
}

/*
 * Tries all choices for the connections in @members from @index on that begin with @choice.
 * Returns whether there are any. Without @best, it stops at the first.
 */
static bool choose(const struct problem *problem, __u32 members,
		   unsigned int index, const struct choice *choice,
		   struct best *best)
{
	const struct alternatives *all;
	struct choice next;
	bool found = false;
	unsigned int i;

	while (index < problem->count && !(members & 1U << index))
		index++;
	if (index == problem->count) {
		if (best)
			best_consider(best, choice);
		return true;
	}
	all = &problem->needs[index];
	for (i = 0; i < all->count && !(found && !best); i++) {
		next = *choice;
		if (choice_add(&next, &all->items[i], index,
			       all->position[i]) == AGREED)
			found |= choose(problem, members, index + 1, &next,
					best);
	}
	return found;
}

static bool suits(const struct problem *problem, __u32 members)
{
	return choose(problem, members, 0, &nothing_chosen, NULL);
}

/* Who clashes */

static int pair_clash(const struct alternatives *one,
		      const struct alternatives *other)
{
	struct choice choice;
	int field, last = AGREED;
	unsigned int i, j;

	for (i = 0; i < one->count; i++)
		for (j = 0; j < other->count; j++) {
			choice = nothing_chosen;
			choice_add(&choice, &one->items[i], 0, 0);
			field = choice_add(&choice, &other->items[j], 1, 0);
			if (field == AGREED)
				return AGREED;
			last = field > last ? field : last;
		}
	return last;
}

static void set_clash(struct ks_clash *clash, enum ks_clash_field field,
		      unsigned int first, unsigned int second)
{
	if (!clash)
		return;
	clash->field = field;
	clash->first = first;
	clash->second = second;
	clash->members = 1U << first | 1U << second;
}

/*
 * No two connections conflict, but there is no choice for all: leaves out those that are
 * not in the conflict.
 */
static void find_many(const struct problem *problem, struct ks_clash *clash)
{
	__u32 members = (1U << problem->count) - 1;
	enum ks_clash_field field = LIBKS_CLASH_STEPPING;
	unsigned int i, first = problem->count, second = 0;

	for (i = 0; i < problem->count; i++)
		if (!suits(problem, members & ~(1U << i)))
			members &= ~(1U << i);
	for (i = problem->count; i-- > 0;) {
		if (!(members & 1U << i))
			continue;
		second = first;
		first = i;
		if (!problem->needs[i].single)
			field = LIBKS_CLASH_ITEMS;
	}
	set_clash(clash, field, first, second);
	clash->members = members;
}

static void find_clash(const struct problem *problem, struct ks_clash *clash)
{
	unsigned int i, j;
	int field;

	for (i = 0; i < problem->count; i++)
		for (j = i + 1; j < problem->count; j++) {
			field = pair_clash(&problem->needs[i],
					   &problem->needs[j]);
			if (field == AGREED)
				continue;
			set_clash(clash, field, i, j);
			return;
		}
	find_many(problem, clash);
}

static int understand(const struct ks_need *needs, unsigned int count,
		      struct problem *problem, struct ks_clash *clash)
{
	int err, field, impossible = AGREED;
	unsigned int i, where = 0;

	if (count > LIBKS_RESOLVE_NEEDS)
		return -E2BIG;
	problem->count = count;
	for (i = 0; i < count; i++) {
		err = alternatives_of(&needs[i], &problem->needs[i], &field);
		if (err) {
			if (err == -EINVAL)
				set_clash(clash, LIBKS_CLASH_INVALID, i, i);
			return err;
		}
		if (field != AGREED && impossible == AGREED) {
			impossible = field;
			where = i;
		}
	}
	if (impossible == AGREED)
		return 0;
	set_clash(clash, impossible, where, where);
	return -ERANGE;
}

LIBKS_API int ks_resolve_framing(const struct ks_need *needs,
				 unsigned int count,
				 struct ks_resolved *resolved,
				 struct ks_clash *clash)
{
	struct best best = { .found = false };
	struct problem problem;
	int err;

	err = understand(needs, count, &problem, clash);
	if (err)
		return err;
	choose(&problem, ~0U, 0, &nothing_chosen, &best);
	if (!best.found) {
		if (clash)
			find_clash(&problem, clash);
		return -ERANGE;
	}
	*resolved = best.resolved;
	return 0;
}

LIBKS_API const char *ks_clash_field_name(enum ks_clash_field field)
{
	switch (field) {
	case LIBKS_CLASH_INVALID:
		return "not well-formed";
	case LIBKS_CLASH_2D:
		return "2D buffer";
	case LIBKS_CLASH_FRAMES:
		return "number of frames";
	case LIBKS_CLASH_MEMORY_TYPE:
		return "memory type";
	case LIBKS_CLASH_BUS_TYPE:
		return "bus type";
	case LIBKS_CLASH_MUST_ALLOCATE:
		return "who allocates";
	case LIBKS_CLASH_INTEGRITY:
		return "frame integrity";
	case LIBKS_CLASH_FRAME_SIZE:
		return "frame size";
	case LIBKS_CLASH_STEPPING:
		return "stepping of frame sizes";
	case LIBKS_CLASH_ITEMS:
		return "choice of items";
	}
	return "unknown";
}
