// SPDX-License-Identifier: GPL-2.0-only
/*
 * The resolver of framings with random needs: its results are those of the model, and have
 * the properties that the header promises.
 */
#include <errno.h>
#include <string.h>

#include <ks/resolve.h>

#include "needs.h"
#include "resolvemodel.h"
#include "tap.h"

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

int main(void)
{
	static const struct tap_test tests[] = {
		{ "random cases against the model", test_model },
		{ "random sizes against the model", test_model_sizes },
		{ "order makes no difference", test_commutative },
		{ "the same again changes nothing", test_idempotent },
		{ "one more need never makes it easier", test_monotone },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
