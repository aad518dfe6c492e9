// SPDX-License-Identifier: GPL-2.0-only
/*
 * The resolver of framings compared with a slow and simple model, which tries every choice
 * of items and every size. Stated sizes are small, so it is sufficient to try 1 to
 * MODEL_SIZES. Cases are random, with a fixed seed. The environment variables KS_SEED and
 * KS_CASES change seed and number.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <ks/resolve.h>

#include "tap.h"

#define MAX 0xffffffffU
/* Upper limit: the maximum of a stated size, without its minimum, plus lcm(1 ... 6) */
#define MODEL_SIZES 160
#define MOST_ITEMS 3
#define MOST_NEEDS 4
#define CASES 30000

/* A need with memory for its items */
struct given {
	struct ksallocator_framing framing;
	union {
		struct ksallocator_framing_ex ex;
		char room[sizeof(struct ksallocator_framing_ex) +
			  MOST_ITEMS * sizeof(struct ks_framing_item)];
	};
	bool simple;
};

/* Random numbers that are the same on all machines */

static unsigned long long random_state;

static unsigned int random_below(unsigned int end)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 20) % end;
}

static bool one_in(unsigned int times)
{
	return !random_below(times);
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static unsigned long start_random(void)
{
	random_state = 0x9e3779b97f4a7c15ULL ^ from_environment("KS_SEED", 1);
	return from_environment("KS_CASES", CASES);
}

/* Random needs */

static struct ks_framing_range random_range(void)
{
	struct ks_framing_range range = { 0, MAX, 1 };

	if (one_in(4))
		return range;
	if (one_in(8))
		return (struct ks_framing_range){ 0, 0, 0 };
	range.min_frame_size = random_below(13);
	range.stepping = random_below(7);
	if (!one_in(3))
		range.max_frame_size = range.min_frame_size + random_below(24);
	if (one_in(30))
		range.max_frame_size = range.min_frame_size / 2;
	return range;
}

static __u32 random_requirements(void)
{
	__u32 flags = 0;

	if (one_in(6))
		flags |= KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER;
	if (one_in(6))
		flags |= KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY;
	if (one_in(10))
		flags |= KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	if (one_in(6))
		flags |= KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
	return flags;
}

static struct ks_guid random_memory(void)
{
	const struct ks_guid types[] = {
		KSMEMORY_TYPE_DONT_CARE, KSMEMORY_TYPE_SYSTEM,
		KSMEMORY_TYPE_SYSTEM, KSMEMORY_TYPE_USER,
		KSMEMORY_TYPE_DEVICE_UNKNOWN,
	};

	return types[random_below(ARRAY_SIZE(types))];
}

static __u32 random_frames(void)
{
	return one_in(40) ? KSALLOC_MAX_FRAMES + 1 : random_below(5);
}

static struct ks_framing_item random_item(void)
{
	struct ks_framing_item item = {
		.memory_type = random_memory(),
		.flags = random_requirements(),
		.frames = random_frames(),
		.file_alignment = (1U << random_below(4)) - 1,
		.memory_type_weight = random_below(3),
		.physical_range = random_range(),
		.framing_range = {
			.range = random_range(),
			.in_place_weight = random_below(3),
			.not_in_place_weight = random_below(3),
		},
	};

	if (one_in(8))
		item.bus_type = KSMEMORY_TYPE_USER;
	if (one_in(10))
		item.bus_type = KSMEMORY_TYPE_SYSTEM;
	if (one_in(10))
		item.flags |= KSALLOCATOR_FLAG_NO_FRAME_INTEGRITY;
	if (one_in(40))
		item.flags |= KSALLOCATOR_FLAG_2D_BUFFER_REQUIRED;
	return item;
}

static void random_need(struct given *given, unsigned int most_items)
{
	unsigned int i;

	memset(given, 0, sizeof(*given));
	given->simple = one_in(3);
	given->framing = (struct ksallocator_framing) {
		.requirements_flags = random_requirements(),
		.frames = random_frames(),
		.frame_size = random_below(20),
		.file_alignment = (1U << random_below(4)) - 1,
	};
	if (!one_in(4))
		given->framing.requirements_flags |=
			KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY;
	given->ex.count_items = 1 + random_below(most_items);
	given->ex.pin_weight = random_below(3);
	for (i = 0; i < given->ex.count_items; i++)
		given->ex.framing_item[i] = random_item();
}

static struct ks_need need_of(const struct given *given)
{
	struct ks_need need = { NULL, NULL };

	if (given->simple)
		need.framing = &given->framing;
	else
		need.framing_ex = &given->ex;
	return need;
}

static int resolve(const struct given *given, unsigned int count,
		   struct ks_resolved *resolved, struct ks_clash *clash)
{
	struct ks_need needs[LIBKS_RESOLVE_NEEDS];
	unsigned int i;

	for (i = 0; i < count; i++)
		needs[i] = need_of(&given[i]);
	return ks_resolve_framing(needs, count, resolved, clash);
}

/* The model */

static bool is_guid(struct ks_guid one, struct ks_guid other)
{
	return !memcmp(&one, &other, sizeof(one));
}

static bool is_device(struct ks_guid type)
{
	return is_guid(type, KSMEMORY_TYPE_DEVICE_UNKNOWN);
}

static bool is_any(struct ks_guid type)
{
	return is_guid(type, KSMEMORY_TYPE_DONT_CARE);
}

static unsigned int items_of(const struct given *given)
{
	return given->simple ? 1 : given->ex.count_items;
}

/* The n-th item of a need; plain framing is converted to an item */
static struct ks_framing_item item_of(const struct given *given, unsigned int n)
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

static bool in_range(unsigned int size, struct ks_framing_range range)
{
	if (!range.min_frame_size && !range.max_frame_size && !range.stepping)
		return true;
	if (size < range.min_frame_size || size > range.max_frame_size)
		return false;
	return range.stepping < 2 ||
		(size - range.min_frame_size) % range.stepping == 0;
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

static bool changes(const struct ks_framing_item *item)
{
	return item->flags & (KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER |
			      KSALLOCATOR_FLAG_NO_FRAME_INTEGRITY);
}

static bool creates(const struct ks_framing_item *item)
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

static bool model_suits(const struct given *given, unsigned int count,
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
static int model_field(const struct given *given, unsigned int count,
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
static bool model_agrees(const struct given *given, unsigned int count,
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
static bool is_met(const struct given *given, unsigned int index,
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

/* Random cases */

static void check_clash(const struct given *given, unsigned int count,
			const struct ks_clash *clash)
{
	unsigned int i, j, all = clash->members;
	unsigned int first = clash->first, second = clash->second;

	CHECK(!(all >> count));
	CHECK(all & 1U << first && all & 1U << second);
	CHECK(!model_suits(given, count, all));
	for (i = 0; i < count; i++)
		if (all & 1U << i)
			CHECK(model_suits(given, count, all & ~(1U << i)));

	if (first == second) {
		CHECK_EQ(all, 1U << first);
		CHECK_EQ(clash->field, model_field(given, count, all, false));
		for (i = 0; i < first; i++)
			CHECK(model_suits(given, count, 1U << i));
		return;
	}
	CHECK(first < second);
	if (all == (1U << first | 1U << second)) {
		CHECK_EQ(clash->field, model_field(given, count, all, true));
		return;
	}
	CHECK(!(all & ((1U << second) - 1) & ~(1U << first)));
	for (i = 0; i < count; i++)
		for (j = 0; j < i; j++)
			CHECK(model_suits(given, count, 1U << i | 1U << j));
	for (i = 0, j = 1; i < count; i++)
		if (all & 1U << i)
			j &= items_of(&given[i]) == 1;
	CHECK_EQ(clash->field, j ? LIBKS_CLASH_STEPPING : LIBKS_CLASH_ITEMS);
}

static unsigned long suited, clashed[LIBKS_CLASH_ITEMS + 1], clashed_many;

static void check_against_model(const struct given *given, unsigned int count)
{
	struct ks_resolved resolved, poison;
	struct ks_clash clash, clash_poison;
	unsigned int i;
	int err;

	memset(&poison, 0xa5, sizeof(poison));
	memset(&clash_poison, 0xa5, sizeof(clash_poison));
	resolved = poison;
	clash = clash_poison;
	err = resolve(given, count, &resolved, &clash);
	if (!err) {
		suited++;
		CHECK(model_agrees(given, count, &resolved));
		CHECK(!memcmp(&clash, &clash_poison, sizeof(clash)));
		for (i = 0; i < count; i++)
			CHECK(is_met(&given[i], i, &resolved));
		return;
	}
	CHECK_EQ(err, -ERANGE);
	CHECK(!memcmp(&resolved, &poison, sizeof(poison)));
	CHECK((unsigned int)clash.field <= LIBKS_CLASH_ITEMS);
	if ((unsigned int)clash.field > LIBKS_CLASH_ITEMS)
		return;
	check_clash(given, count, &clash);
	clashed[clash.field]++;
	clashed_many += !!(clash.members & ~(1U << clash.first) &
			   ~(1U << clash.second));
}

/*
 * Passes if for each random case the result is that of the model, every need is met by it,
 * and a reported conflict is real: without any of its members there is none, with all of
 * them there is one, in the reported property. Each kind of conflict must have occurred.
 * (D4, H1 to H4, H6)
 */
static void test_model(void)
{
	struct given given[MOST_NEEDS];
	unsigned long cases = start_random();
	unsigned int i, count;

	for (; cases && tap_failures < 10; cases--) {
		count = 1 + random_below(MOST_NEEDS);
		for (i = 0; i < count; i++)
			random_need(&given[i], one_in(2) ? 1 : MOST_ITEMS);
		check_against_model(given, count);
	}
	printf("# %lu framings; clashes:", suited);
	for (i = LIBKS_CLASH_2D; i <= LIBKS_CLASH_ITEMS; i++) {
		printf(" %s %lu", ks_clash_field_name(i), clashed[i]);
		CHECK(clashed[i]);
	}
	printf("; of three or more %lu\n", clashed_many);
	CHECK(suited > 1000);
	CHECK(clashed_many);
}

/* As test_model(), with only sizes, many of which conflict only in threes */
static void test_model_sizes(void)
{
	struct given given[MOST_NEEDS];
	unsigned long cases = start_random();
	unsigned int i, count;

	for (; cases && tap_failures < 10; cases--) {
		count = 2 + random_below(MOST_NEEDS - 1);
		for (i = 0; i < count; i++) {
			memset(&given[i], 0, sizeof(given[i]));
			given[i].ex.count_items = 1;
			given[i].ex.framing_item[0].physical_range =
				random_range();
			given[i].ex.framing_item[0].framing_range.range =
				random_range();
		}
		check_against_model(given, count);
	}
}

static void shuffle(const struct given *given, struct given *shuffled,
		    unsigned int count)
{
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		j = random_below(i + 1);
		if (j != i)
			shuffled[i] = shuffled[j];
		shuffled[j] = given[i];
	}
}

/* Passes if the order of the needs changes neither the result nor the success. */
static void test_commutative(void)
{
	struct given given[MOST_NEEDS], shuffled[MOST_NEEDS];
	unsigned long cases = start_random();
	struct ks_resolved one, other;
	unsigned int i, count;
	int err;

	for (; cases && tap_failures < 10; cases--) {
		count = 1 + random_below(MOST_NEEDS);
		for (i = 0; i < count; i++)
			random_need(&given[i], MOST_ITEMS);
		shuffle(given, shuffled, count);
		err = resolve(given, count, &one, NULL);
		CHECK_EQ(resolve(shuffled, count, &other, NULL), err);
		if (err)
			continue;
		CHECK_EQ(one.creator < 0, other.creator < 0);
		one.creator = 0;
		other.creator = 0;
		CHECK(!memcmp(&one, &other, sizeof(one)));
	}
}

/* Can another need of the same kind be added? Not if it has to create the allocator */
static bool can_be_twice(const struct given *given)
{
	struct ks_framing_item item = item_of(given, 0);

	return items_of(given) == 1 && !creates(&item) &&
		!(changes(&item) && item.flags &
		  KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY);
}

/*
 * Passes if a need that occurs twice counts once, and if the result, added as one more
 * need, does not change the result.
 */
static void test_idempotent(void)
{
	struct given given[MOST_NEEDS + 1];
	unsigned long cases = start_random(), twice = 0, again = 0;
	struct ks_resolved one, other;
	unsigned int i, count;
	int err;

	for (; cases && tap_failures < 10; cases--) {
		count = 1 + random_below(MOST_NEEDS);
		for (i = 0; i < count; i++)
			random_need(&given[i], one_in(2) ? 1 : MOST_ITEMS);
		err = resolve(given, count, &one, NULL);
		if (can_be_twice(&given[0])) {
			given[count] = given[0];
			CHECK_EQ(resolve(given, count + 1, &other, NULL), err);
			if (!err)
				CHECK(!memcmp(&one, &other, sizeof(one)));
			twice += !err;
		}
		if (err || one.creator >= 0)
			continue;
		for (i = 0; i < count && items_of(&given[i]) == 1; i++)
			;
		if (i < count)
			continue;
		memset(&given[count], 0, sizeof(given[count]));
		given[count].simple = true;
		given[count].framing = one.framing;
		given[count].framing.requirements_flags =
			is_guid(one.memory_type, KSMEMORY_TYPE_SYSTEM) ?
			KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY : 0;
		CHECK_EQ(resolve(given, count + 1, &other, NULL), 0);
		CHECK(!memcmp(&one, &other, sizeof(one)));
		again++;
	}
	CHECK(twice > 100);
	CHECK(again > 100);
}

/*
 * Passes if one more need never ends a conflict, never decreases frames or alignment and,
 * without preferences, never makes frames smaller.
 */
static void test_monotone(void)
{
	struct given given[MOST_NEEDS + 1];
	unsigned long cases = start_random();
	struct ks_resolved one, other;
	unsigned int i, count, items;
	bool wishes;
	int err, more;

	for (; cases && tap_failures < 10; cases--) {
		count = 1 + random_below(MOST_NEEDS);
		items = one_in(2) ? 1 : MOST_ITEMS;
		wishes = one_in(2);
		for (i = 0; i <= count; i++) {
			struct ks_framing_item *item =
				&given[i].ex.framing_item[0];

			random_need(&given[i], items);
			if (wishes || items > 1)
				continue;
			memset(&item->framing_range, 0,
			       sizeof(item->framing_range));
			item->flags &= ~KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
			given[i].framing.requirements_flags &=
				~KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
		}
		err = resolve(given, count, &one, NULL);
		more = resolve(given, count + 1, &other, NULL);
		CHECK(!err || more);
		if (more || items > 1)
			continue;
		CHECK(other.framing.frames >= one.framing.frames);
		CHECK(other.framing.file_alignment >=
		      one.framing.file_alignment);
		CHECK(wishes ||
		      other.framing.frame_size >= one.framing.frame_size);
	}
}

/* Cases with fixed values */

static struct given example_framing(__u32 flags, __u32 frames, __u32 frame_size)
{
	return (struct given) {
		.simple = true,
		.framing = {
			.requirements_flags = flags,
			.frames = frames,
			.frame_size = frame_size,
		},
	};
}

static struct given example_range(__u32 min, __u32 max, __u32 stepping)
{
	struct given given = { .simple = false };

	given.ex.count_items = 1;
	given.ex.framing_item[0].physical_range =
		(struct ks_framing_range){ min, max, stepping };
	return given;
}

#define SYSTEM KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY

/* Passes if two cameras get the larger of both numbers, and system memory. */
static void test_two_cameras(void)
{
	struct given given[] = {
		example_framing(SYSTEM, 3, 614400),
		example_framing(SYSTEM, 2, 3110400),
	};
	struct ks_resolved resolved;

	given[0].framing.file_alignment = 63;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.options_flags,
		 KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
	CHECK_EQ(resolved.framing.pool_type, KSALLOC_POOL_NONPAGED);
	CHECK_EQ(resolved.framing.frames, 3);
	CHECK_EQ(resolved.framing.frame_size, 3110400);
	CHECK_EQ(resolved.framing.file_alignment, 63);
	CHECK_EQ(resolved.sizes.min_frame_size, 3110400);
	CHECK_EQ(resolved.sizes.max_frame_size, MAX);
	CHECK_EQ(resolved.sizes.stepping, 1);
	CHECK_EQ(resolved.creator, -1);

	CHECK_EQ(resolve(given, 0, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frames, 0);
	CHECK_EQ(resolved.framing.frame_size, 0);
	CHECK_EQ(resolved.framing.options_flags,
		 KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
}

/*
 * Passes if a device's own memory is created on its connection, is compatible with needs
 * for any memory, and conflicts with needs for system memory or their own.
 */
static void test_device_memory(void)
{
	struct given given[] = {
		example_framing(0, 2, 100),
		example_framing(KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE, 2, 100),
		example_framing(SYSTEM, 2, 100),
	};
	struct ks_resolved resolved;
	struct ks_clash clash;

	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.options_flags, 0);
	CHECK_EQ(resolved.creator, 1);
	CHECK(is_device(resolved.memory_type));

	CHECK_EQ(resolve(given, 3, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_MEMORY_TYPE);
	CHECK_EQ(clash.first, 1);
	CHECK_EQ(clash.second, 2);
	CHECK_EQ(clash.members, 6);

	given[2] = given[1];
	CHECK_EQ(resolve(given, 3, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_MEMORY_TYPE);

	given[1].framing.requirements_flags |= SYSTEM;
	given[2].framing.requirements_flags |= SYSTEM;
	CHECK_EQ(resolve(given, 3, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_MUST_ALLOCATE);
	given[2].framing.requirements_flags = SYSTEM;
	CHECK_EQ(resolve(given, 3, &resolved, &clash), 0);
	CHECK_EQ(resolved.creator, 1);
}

/* Passes if steppings that have common sizes only in twos are reported as a conflict. */
static void test_steppings(void)
{
	struct given given[] = {
		example_range(0, 100, 6), example_range(0, 100, 10),
		example_range(0, 100, 15), example_range(0, 100, 7),
	};
	struct ks_resolved resolved;
	struct ks_clash clash;

	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 30);
	CHECK_EQ(resolved.sizes.stepping, 30);
	CHECK_EQ(resolved.sizes.max_frame_size, 90);
	CHECK_EQ(resolve(given, 4, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_STEPPING);
	/* 7 meets 6 at 42, and 10 at 70, but 15 not before 105 */
	CHECK_EQ(clash.members, 12);
	given[2] = example_range(0, 100, 1);
	CHECK_EQ(resolve(given, 4, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_STEPPING);
	CHECK_EQ(clash.members, 11);
	CHECK_EQ(clash.first, 0);
	CHECK_EQ(clash.second, 1);
	given[1] = example_range(1, 99, 2);
	given[0] = example_range(2, 100, 2);
	CHECK_EQ(resolve(given, 4, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_STEPPING);
	CHECK_EQ(clash.members, 3);
	given[0] = example_range(100, 200, 2);
	CHECK_EQ(resolve(given, 2, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_FRAME_SIZE);
}

/* The first common size, tried with the larger stepping; 0 for none */
static __u32 slow_meet(struct ks_framing_range one,
		       struct ks_framing_range other)
{
	__u64 size;

	for (size = one.min_frame_size; size <= one.max_frame_size;
	     size += one.stepping)
		if (in_range(size, other))
			return size;
	return 0;
}

/* Few enough sizes to try each, and often with common ones */
static struct given random_large_range(void)
{
	__u32 unit = one_in(2) ? 1U << 18 : 1U << 16;
	__u32 stepping = (1U << 18) + unit * random_below(60);

	if (one_in(8))
		stepping += random_below(1U << 17);
	return example_range(1 + unit * random_below(2000),
			     MAX - random_below(1U << 31), stepping);
}

/* Passes if sizes near 2^32 are handled like small ones. */
static void test_large_sizes(void)
{
	unsigned long cases = start_random() / 30, met = 0;
	struct ks_resolved resolved;
	struct given given[2];
	__u32 size;
	int i, err;

	for (; cases && tap_failures < 10; cases--) {
		for (i = 0; i < 2; i++)
			given[i] = random_large_range();
		size = slow_meet(given[0].ex.framing_item[0].physical_range,
				 given[1].ex.framing_item[0].physical_range);
		err = resolve(given, 2, &resolved, NULL);
		CHECK_EQ(err, size ? 0 : -ERANGE);
		if (err)
			continue;
		CHECK_EQ(resolved.framing.frame_size, size);
		met++;
	}
	CHECK(met > 100);
	given[0] = example_range(1, MAX, 65537);
	given[1] = example_range(65538, MAX, 65521);
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 65538);
	CHECK_EQ(resolved.sizes.max_frame_size, 65538U + 65537U * 65521U);
	given[0] = example_range(MAX, MAX, MAX);
	given[1] = example_range(1, MAX, 2);
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, MAX);
	CHECK_EQ(resolved.sizes.stepping, 1);
	given[1] = example_range(MAX, MAX, 0);
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	given[1] = example_range(2, MAX, 2);
	CHECK_EQ(resolve(given, 2, &resolved, NULL), -ERANGE);
}

/* Passes if a preference is applied if possible, and never causes a conflict (H4). */
static void test_wishes(void)
{
	struct given given[] = {
		example_range(10, 1000, 10), example_range(10, 1000, 10),
		example_framing(KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY |
				SYSTEM, 8, 300),
	};
	struct ks_framing_item *item = given[0].ex.framing_item;
	struct ks_framing_item *other = given[1].ex.framing_item;
	struct ks_resolved resolved;

	item->framing_range.range = (struct ks_framing_range){ 200, 400, 50 };
	item->framing_range.not_in_place_weight = 2;
	CHECK_EQ(resolve(given, 1, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 200);
	CHECK_EQ(resolved.sizes.max_frame_size, 400);
	CHECK_EQ(resolved.sizes.stepping, 50);
	/* The heavier of two that exclude each other */
	other->framing_range.range = (struct ks_framing_range){ 500, 600, 1 };
	other->framing_range.not_in_place_weight = 3;
	other->framing_range.in_place_weight = 1;
	item->framing_range.in_place_weight = 2;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 500);
	item->flags = KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 200);
	CHECK(resolved.framing.options_flags & KSALLOCATOR_OPTIONF_COMPATIBLE);
	/* A preference for size and frames, and an impossible one */
	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 300);
	CHECK_EQ(resolved.framing.frames, 8);
	given[2].framing.frame_size = 2000;
	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 200);
	given[2].framing.frames = MAX;
	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frames, KSALLOC_MAX_FRAMES);
}

/* Passes if a need for unchanged frames conflicts with one that changes them (H1, H3). */
static void test_integrity(void)
{
	struct given given[] = {
		example_framing(SYSTEM |
				KSALLOCATOR_REQUIREMENTF_FRAME_INTEGRITY, 2, 9),
		example_framing(SYSTEM |
				KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER, 2, 9),
		example_framing(SYSTEM, 2, 9),
	};
	struct ks_resolved resolved;
	struct ks_clash clash;

	CHECK_EQ(resolve(given, 3, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_INTEGRITY);
	CHECK_EQ(clash.members, 3);
	CHECK_EQ(resolve(given + 1, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.options_flags,
		 KSALLOCATOR_OPTIONF_SYSTEM_MEMORY |
		 KSALLOCATOR_OPTIONF_COMPATIBLE);
	given[1] = given[0];
	CHECK_EQ(resolve(given, 3, &resolved, NULL), 0);
}

/* Passes if the best item that is compatible with the others is used (D4). */
static void test_items(void)
{
	struct given given[2] = { { .simple = false }, { .simple = false } };
	struct ks_framing_item *item = given[0].ex.framing_item;
	struct ks_resolved resolved;
	struct ks_clash clash;

	given[0].ex.count_items = 2;
	item[0].memory_type = KSMEMORY_TYPE_DEVICE_UNKNOWN;
	item[0].memory_type_weight = 2;
	item[1].memory_type = KSMEMORY_TYPE_SYSTEM;
	item[1].memory_type_weight = 1;
	item[1].frames = 4;
	CHECK_EQ(resolve(given, 1, &resolved, NULL), 0);
	CHECK(is_device(resolved.memory_type));
	CHECK_EQ(resolved.creator, 0);
	item[0].memory_type_weight = 1;
	CHECK_EQ(resolve(given, 1, &resolved, NULL), 0);
	CHECK(is_device(resolved.memory_type));

	given[1].ex.count_items = 1;
	given[1].ex.framing_item[0].memory_type = KSMEMORY_TYPE_SYSTEM;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK(is_guid(resolved.memory_type, KSMEMORY_TYPE_SYSTEM));
	CHECK_EQ(resolved.framing.frames, 4);

	given[1].ex.framing_item[0].frames = 5;
	given[1].ex.framing_item[0].bus_type = KSMEMORY_TYPE_USER;
	item[1].bus_type = KSMEMORY_TYPE_SYSTEM;
	CHECK_EQ(resolve(given, 2, &resolved, &clash), -ERANGE);
	/* The first item fails by its memory type, the second one by a later property */
	CHECK_EQ(clash.field, LIBKS_CLASH_BUS_TYPE);

	item[1].flags = KSALLOCATOR_FLAG_2D_BUFFER_REQUIRED;
	item[1].frame_pitch = -1280;
	CHECK_EQ(resolve(given, 1, &resolved, NULL), 0);
	given[0].ex.count_items = 1;
	item[0] = item[1];
	CHECK_EQ(resolve(given, 2, &resolved, &clash), -ERANGE);
	CHECK_EQ(clash.field, LIBKS_CLASH_2D);
	CHECK_EQ(clash.first, 0);
	CHECK_EQ(clash.second, 0);
}

/* Passes if of choices of equal weight the one with less memory is used. */
static void test_ties(void)
{
	struct given given[2] = { { .simple = false }, { .simple = false } };
	struct ks_framing_item *item = given[0].ex.framing_item;
	struct ks_framing_item *other = given[1].ex.framing_item;
	struct ks_resolved resolved;
	int i;

	for (i = 0; i < 2; i++) {
		given[i].ex.count_items = 2;
		given[i].ex.framing_item[i].memory_type = KSMEMORY_TYPE_USER;
		given[i].ex.framing_item[1 - i].memory_type =
			KSMEMORY_TYPE_SYSTEM;
	}
	for (i = 0; i < 2; i++) {
		item[i].physical_range =
			(struct ks_framing_range){ 100 + 100 * i, MAX, 1 };
		CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	}
	CHECK_EQ(resolved.framing.frame_size, 100);
	item[0].physical_range.min_frame_size = 300;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 200);
	other[0].frames = 2;
	CHECK_EQ(resolve(given, 2, &resolved, NULL), 0);
	CHECK_EQ(resolved.framing.frame_size, 300);
}

/* Passes if weights of 2^64 and more do not wrap. */
static void test_weights(void)
{
	struct given given[4];
	struct ks_resolved resolved;
	unsigned int i;

	memset(given, 0, sizeof(given));
	for (i = 0; i < 4; i++) {
		given[i].ex.count_items = 2;
		given[i].ex.pin_weight = 1U << 31;
		given[i].ex.framing_item[0].memory_type = KSMEMORY_TYPE_USER;
		given[i].ex.framing_item[0].memory_type_weight = 1;
		given[i].ex.framing_item[1].memory_type = KSMEMORY_TYPE_SYSTEM;
		given[i].ex.framing_item[1].memory_type_weight = 1U << 31;
	}
	CHECK_EQ(resolve(given, 4, &resolved, NULL), 0);
	CHECK(is_guid(resolved.memory_type, KSMEMORY_TYPE_SYSTEM));
}

static void check_refused(struct given given, int expected)
{
	struct given all[2] = { example_framing(SYSTEM, 1, 1) };
	struct ks_clash clash = { .first = 99, .second = 99 };
	struct ks_resolved resolved;

	all[1] = given;
	CHECK_EQ(resolve(all, 2, &resolved, &clash), expected);
	CHECK_EQ(resolve(all, 2, &resolved, NULL), expected);
	if (expected != -EINVAL)
		return;
	CHECK_EQ(clash.field, LIBKS_CLASH_INVALID);
	CHECK_EQ(clash.first, 1);
	CHECK_EQ(clash.second, 1);
	CHECK_EQ(clash.members, 2);
}

/* Passes if invalid needs are EINVAL, and are reported. */
static void test_refused(void)
{
	struct ks_need needs[LIBKS_RESOLVE_NEEDS + 1] = { { NULL, NULL } };
	struct given given;
	struct ks_resolved resolved;
	struct ks_clash clash;
	unsigned int i;

	CHECK_EQ(ks_resolve_framing(needs, 1, &resolved, &clash), -EINVAL);
	given = example_framing(SYSTEM, 1, 1);
	needs[0].framing = &given.framing;
	needs[0].framing_ex = &given.ex;
	CHECK_EQ(ks_resolve_framing(needs, 1, &resolved, &clash), -EINVAL);

	given = example_framing(SYSTEM | 0x10, 1, 1);
	check_refused(given, -EINVAL);
	given = example_framing(SYSTEM, 1, 1);
	given.framing.reserved = 1;
	check_refused(given, -EINVAL);
	given = example_framing(SYSTEM, 1, 1);
	given.framing.file_alignment = 2;
	check_refused(given, -EINVAL);
	given = example_framing(SYSTEM, 1, 1);
	given.framing.pool_type = 2;
	check_refused(given, -EINVAL);
	given = example_range(1, 1, 1);
	given.ex.framing_item[0].file_alignment = 4;
	check_refused(given, -EINVAL);
	given = example_range(1, 1, 1);
	given.ex.count_items = 0;
	check_refused(given, -EINVAL);
	given.ex.count_items = LIBKS_RESOLVE_ITEMS + 1;
	check_refused(given, -E2BIG);
	given = example_framing(SYSTEM, KSALLOC_MAX_FRAMES, 1);
	check_refused(given, 0);
	given = example_framing(SYSTEM, KSALLOC_MAX_FRAMES + 1, 1);
	check_refused(given, -ERANGE);

	given = example_framing(SYSTEM, 1, 1);
	for (i = 0; i <= LIBKS_RESOLVE_NEEDS; i++)
		needs[i] = need_of(&given);
	CHECK_EQ(ks_resolve_framing(needs, LIBKS_RESOLVE_NEEDS, &resolved,
				    NULL), 0);
	CHECK_EQ(ks_resolve_framing(needs, LIBKS_RESOLVE_NEEDS + 1, &resolved,
				    NULL), -E2BIG);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "two cameras", test_two_cameras },
		{ "device memory", test_device_memory },
		{ "steppings", test_steppings },
		{ "large sizes", test_large_sizes },
		{ "wishes", test_wishes },
		{ "frame integrity", test_integrity },
		{ "items", test_items },
		{ "ties", test_ties },
		{ "weights", test_weights },
		{ "refused", test_refused },
		{ "random cases against the model", test_model },
		{ "random sizes against the model", test_model_sizes },
		{ "order makes no difference", test_commutative },
		{ "the same again changes nothing", test_idempotent },
		{ "one more need never makes it easier", test_monotone },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
