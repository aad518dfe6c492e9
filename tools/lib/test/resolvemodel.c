// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of the resolver: see resolvemodel.h. Stated sizes are small, so it is sufficient
 * to try 1 to MODEL_SIZES.
 */
#include <string.h>

#include "resolvemodel.h"

/* Upper limit: the maximum of a stated size, without its minimum, plus lcm(1 ... 6) */
#define MODEL_SIZES 160

static bool is_any(struct ks_guid type)
{
	return is_guid(type, KSMEMORY_TYPE_DONT_CARE);
}

unsigned int items_of(const struct given *given)
{
	return given->simple ? 1 : given->ex.count_items;
}

/* The n-th item of a need; plain framing is converted to an item */
struct ks_framing_item item_of(const struct given *given, unsigned int n)
{
	const struct ksallocator_framing *framing = &given->framing;
	struct ks_framing_item item = {
		.flags = framing->requirements_flags,
		.frames = framing->frames,
		.file_alignment = framing->file_alignment,
		.physical_range = { framing->frame_size, MAX, 1 },
		.framing_range = { { 0, MAX, 1 }, 1, 1 },
	};

	if (!given->simple)
		return given->ex.framing_item[n];
	if (item.flags & KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY)
		item.memory_type = KSMEMORY_TYPE_SYSTEM;
	else if (item.flags & KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE)
		item.memory_type = KSMEMORY_TYPE_DEVICE_UNKNOWN;
	return item;
}

static unsigned long long pin_weight_of(const struct given *given)
{
	return given->simple || !given->ex.pin_weight ? 1 : given->ex.pin_weight;
}

/* Stepping and limits, as the header defines them */
static struct ks_framing_range meant(struct ks_framing_range range)
{
	if (!range.min_frame_size && !range.max_frame_size && !range.stepping)
		return (struct ks_framing_range){ 1, MAX, 1 };
	if (!range.stepping)
		range.stepping = 1;
	if (!range.min_frame_size)
		range.min_frame_size = range.stepping;
	while (range.max_frame_size < MAX - 7 &&
	       range.max_frame_size > range.min_frame_size &&
	       !in_range(range.max_frame_size, range))
		range.max_frame_size--;
	if (range.max_frame_size == MAX)
		range.max_frame_size -= (MAX - range.min_frame_size) %
			range.stepping;
	return range;
}

static bool is_wish(const struct ks_framing_item *item)
{
	return item->flags & KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
}

bool changes(const struct ks_framing_item *item)
{
	return item->flags & (KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER |
			      KSALLOCATOR_FLAG_NO_FRAME_INTEGRITY);
}

bool creates(const struct ks_framing_item *item)
{
	return item->flags & KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE ||
		is_device(item->memory_type);
}

/* A choice of items: the n-th item of each need in @members */
struct chosen {
	unsigned int count;
	struct ks_framing_item items[MOST_NEEDS + 1];
	unsigned int need[MOST_NEEDS + 1];
	unsigned long long pin_weight[MOST_NEEDS + 1];
	unsigned long long weight;
	unsigned int positions;
};

static bool size_suits(const struct chosen *chosen, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < chosen->count; i++)
		if (!is_wish(&chosen->items[i]) &&
		    !in_range(size, chosen->items[i].physical_range))
			return false;
	return true;
}

static bool any_size_suits(const struct chosen *chosen)
{
	unsigned int size;

	for (size = 1; size <= MODEL_SIZES; size++)
		if (size_suits(chosen, size))
			return true;
	return false;
}

/* Are two types of memory or bus different, if both are stated? */
static bool types_differ(struct ks_guid one, struct ks_guid other)
{
	return !is_any(one) && !is_any(other) && !is_guid(one, other);
}

/*
 * The first property in which a choice fails, in the order of the enum; -1 if it is
 * possible
 */
static int choice_fails(const struct chosen *chosen)
{
	bool memory = false, bus = false, creator = false, integrity = false;
	const struct ks_framing_item *one, *other;
	struct ks_framing_range range;
	__u32 low = 1, high = MAX;
	unsigned int i, j;

	for (i = 0; i < chosen->count; i++)
		if (chosen->items[i].flags & KSALLOCATOR_FLAG_2D_BUFFER_REQUIRED)
			return LIBKS_CLASH_2D;
	for (i = 0; i < chosen->count; i++)
		if (!is_wish(&chosen->items[i]) &&
		    chosen->items[i].frames > KSALLOC_MAX_FRAMES)
			return LIBKS_CLASH_FRAMES;
	for (i = 0; i < chosen->count; i++)
		for (j = 0; j < chosen->count; j++) {
			one = &chosen->items[i];
			other = &chosen->items[j];
			if (i == j)
				continue;
			memory |= types_differ(one->memory_type,
					       other->memory_type);
			memory |= is_device(one->memory_type) &&
				is_device(other->memory_type);
			bus |= types_differ(one->bus_type, other->bus_type);
			creator |= creates(one) && creates(other);
			integrity |= changes(one) && other->flags &
				KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY;
		}
	if (memory)
		return LIBKS_CLASH_MEMORY_TYPE;
	if (bus)
		return LIBKS_CLASH_BUS_TYPE;
	if (creator)
		return LIBKS_CLASH_MUST_ALLOCATE;
	if (integrity)
		return LIBKS_CLASH_INTEGRITY;
	if (any_size_suits(chosen))
		return -1;
	for (i = 0; i < chosen->count; i++) {
		one = &chosen->items[i];
		range = meant(one->physical_range);
		if (is_wish(one))
			continue;
		low = range.min_frame_size > low ? range.min_frame_size : low;
		high = range.max_frame_size < high ? range.max_frame_size : high;
	}
	return low > high || chosen->count == 1 ? LIBKS_CLASH_FRAME_SIZE :
		LIBKS_CLASH_STEPPING;
}

/* The @n-th choice for the needs in @members; false when there are no more */
static bool nth_choice(const struct given *given, unsigned int count,
		       unsigned int members, unsigned int n,
		       struct chosen *chosen)
{
	unsigned int i, item;

	memset(chosen, 0, sizeof(*chosen));
	for (i = 0; i < count; i++) {
		if (!(members & 1U << i))
			continue;
		item = n % items_of(&given[i]);
		n /= items_of(&given[i]);
		chosen->items[chosen->count] = item_of(&given[i], item);
		chosen->need[chosen->count] = i;
		chosen->pin_weight[chosen->count] = pin_weight_of(&given[i]);
		chosen->weight += pin_weight_of(&given[i]) *
			chosen->items[chosen->count].memory_type_weight;
		chosen->positions += item;
		chosen->count++;
	}
	return !n;
}

bool model_suits(const struct given *given, unsigned int count,
		 unsigned int members)
{
	struct chosen chosen;
	unsigned int n;

	for (n = 0; nth_choice(given, count, members, n, &chosen); n++)
		if (choice_fails(&chosen) < 0)
			return true;
	return false;
}

/* Can this item be met at all? */
static bool usable(const struct given *given, unsigned int n)
{
	struct chosen alone = { .count = 1, .items = { item_of(given, n) } };

	return choice_fails(&alone) < 0;
}

/* The property in which needs conflict: the last one of all choices of usable items */
int model_field(const struct given *given, unsigned int count,
		unsigned int members, bool only_usable)
{
	struct chosen chosen;
	int field, last = -1;
	unsigned int n, i, rest;
	bool skip;

	for (n = 0; nth_choice(given, count, members, n, &chosen); n++) {
		skip = false;
		for (i = 0, rest = n; i < count; i++) {
			if (!(members & 1U << i))
				continue;
			skip |= only_usable &&
				!usable(&given[i], rest % items_of(&given[i]));
			rest /= items_of(&given[i]);
		}
		field = choice_fails(&chosen);
		if (!skip && field > last)
			last = field;
	}
	return last;
}

/* The model's result for a possible choice */
struct answer {
	struct ksallocator_framing framing;
	struct ks_guid memory_type;
	struct ks_guid bus_type;
	bool sizes[MODEL_SIZES + 1];
	int creator;
};

struct wished {
	struct ks_framing_range range;
	unsigned long long weight;
	bool done;
};

static bool heavier(const struct wished *one, const struct wished *other)
{
	struct ks_framing_range a = meant(one->range), b = meant(other->range);

	if (one->weight != other->weight)
		return one->weight > other->weight;
	if (a.min_frame_size != b.min_frame_size)
		return a.min_frame_size < b.min_frame_size;
	if (a.max_frame_size != b.max_frame_size)
		return a.max_frame_size < b.max_frame_size;
	return a.stepping < b.stepping;
}

static unsigned int wishes_of(const struct chosen *chosen,
			      struct wished *wishes)
{
	bool in_place = false;
	unsigned int i, count = 0;

	for (i = 0; i < chosen->count; i++)
		in_place |= chosen->items[i].flags &
			KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER;
	for (i = 0; i < chosen->count; i++) {
		const struct ks_framing_item *item = &chosen->items[i];
		unsigned long long weight = chosen->pin_weight[i] *
			(in_place ? item->framing_range.in_place_weight :
			 item->framing_range.not_in_place_weight);

		wishes[count++] = (struct wished) {
			item->framing_range.range, weight, false,
		};
		if (is_wish(item))
			wishes[count++] = (struct wished) {
				item->physical_range, weight, false,
			};
	}
	return count;
}

/* Applies the range, if at least one size remains */
static void take_up(bool *sizes, struct ks_framing_range range)
{
	bool left[MODEL_SIZES + 1] = { false };
	bool some = false;
	unsigned int size;

	for (size = 1; size <= MODEL_SIZES; size++) {
		left[size] = sizes[size] && in_range(size, range);
		some |= left[size];
	}
	if (some)
		memcpy(sizes, left, sizeof(left));
}

static void model_sizes(const struct chosen *chosen, bool *sizes)
{
	struct wished wishes[2 * MOST_NEEDS + 2];
	unsigned int i, j, best, size, count = wishes_of(chosen, wishes);

	for (size = 1; size <= MODEL_SIZES; size++)
		sizes[size] = size_suits(chosen, size);
	for (i = 0; i < count; i++) {
		best = count;
		for (j = 0; j < count; j++)
			if (!wishes[j].done &&
			    (best == count || heavier(&wishes[j], &wishes[best])))
				best = j;
		wishes[best].done = true;
		take_up(sizes, wishes[best].range);
	}
}

static void model_answer(const struct chosen *chosen, struct answer *answer)
{
	struct ksallocator_framing *framing = &answer->framing;
	unsigned int i, frames, size, sizes = 0;

	memset(answer, 0, sizeof(*answer));
	answer->creator = -1;
	for (i = 0; i < chosen->count; i++) {
		const struct ks_framing_item *item = &chosen->items[i];

		if (!is_any(item->memory_type))
			answer->memory_type = item->memory_type;
		if (!is_any(item->bus_type))
			answer->bus_type = item->bus_type;
		if (creates(item))
			answer->creator = chosen->need[i];
		if (item->flags & KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER)
			framing->options_flags |= KSALLOCATOR_OPTIONF_COMPATIBLE;
		frames = item->frames > KSALLOC_MAX_FRAMES ?
			KSALLOC_MAX_FRAMES : item->frames;
		if (frames > framing->frames)
			framing->frames = frames;
		if (item->file_alignment > framing->file_alignment)
			framing->file_alignment = item->file_alignment;
	}
	if (!is_device(answer->memory_type))
		framing->options_flags |= KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	model_sizes(chosen, answer->sizes);
	for (size = MODEL_SIZES; size; size--)
		if (answer->sizes[size]) {
			framing->frame_size = size;
			sizes++;
		}
	if (sizes == MODEL_SIZES)
		framing->frame_size = 0;
}

static int compare_answers(const struct answer *one, const struct answer *other)
{
	const struct ksallocator_framing *a = &one->framing;
	const struct ksallocator_framing *b = &other->framing;
	int order;

	if (a->frames != b->frames)
		return a->frames < b->frames ? -1 : 1;
	if (a->frame_size != b->frame_size)
		return a->frame_size < b->frame_size ? -1 : 1;
	if (a->file_alignment != b->file_alignment)
		return a->file_alignment < b->file_alignment ? -1 : 1;
	order = memcmp(&one->memory_type, &other->memory_type,
		       sizeof(one->memory_type));
	if (order)
		return order;
	order = memcmp(&one->bus_type, &other->bus_type, sizeof(one->bus_type));
	if (order)
		return order;
	return (int)a->options_flags - (int)b->options_flags;
}

static bool answer_is(const struct answer *answer,
		      const struct ks_resolved *resolved)
{
	unsigned int size;

	for (size = 1; size <= MODEL_SIZES; size++)
		if (answer->sizes[size] != in_range(size, resolved->sizes))
			return false;
	return !memcmp(&answer->framing, &resolved->framing,
		       sizeof(answer->framing)) &&
		is_guid(answer->memory_type, resolved->memory_type) &&
		is_guid(answer->bus_type, resolved->bus_type) &&
		answer->creator == resolved->creator;
}

/*
 * Is it the result of the model? Choices of equal weight with the same framing may differ
 * in the creator and in the other sizes.
 */
bool model_agrees(const struct given *given, unsigned int count,
		  const struct ks_resolved *resolved)
{
	struct chosen chosen, best = { 0 };
	struct answer answer, least = { 0 };
	bool found = false, agrees = false;
	unsigned int n, all = (1U << count) - 1;

	for (n = 0; nth_choice(given, count, all, n, &chosen); n++) {
		int order;

		if (choice_fails(&chosen) >= 0)
			continue;
		model_answer(&chosen, &answer);
		order = !found || chosen.weight > best.weight ? -1 :
			chosen.weight < best.weight ? 1 :
			chosen.positions < best.positions ? -1 :
			chosen.positions > best.positions ? 1 :
			compare_answers(&answer, &least);
		if (order < 0) {
			best = chosen;
			least = answer;
			agrees = false;
			found = true;
		}
		if (order <= 0)
			agrees |= answer_is(&answer, resolved);
	}
	return agrees;
}

/* Can this need use an allocator of this framing, according to the header? */
bool is_met(const struct given *given, unsigned int index,
	    const struct ks_resolved *resolved)
{
	const struct ksallocator_framing *framing = &resolved->framing;
	unsigned int n;

	for (n = 0; n < items_of(given); n++) {
		struct ks_framing_item item = item_of(given, n);

		if (types_differ(item.memory_type, resolved->memory_type) ||
		    types_differ(item.bus_type, resolved->bus_type) ||
		    (creates(&item) && resolved->creator != (int)index))
			continue;
		if (is_wish(&item))
			return true;
		if (framing->frames >= item.frames &&
		    (framing->file_alignment & item.file_alignment) ==
		    item.file_alignment &&
		    (in_range(framing->frame_size, item.physical_range) ||
		     (!framing->frame_size && in_range(1, item.physical_range) &&
		      in_range(MAX, item.physical_range))))
			return true;
	}
	return false;
}
