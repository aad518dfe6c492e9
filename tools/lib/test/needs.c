// SPDX-License-Identifier: GPL-2.0-only
/*
 * Needs of devices for the tests of the resolver: see needs.h.
 */
#include <stdlib.h>
#include <string.h>

#include "needs.h"
#include "tap.h"

#define CASES 30000

/* Random numbers that are the same on all machines */

static unsigned long long random_state;

unsigned int random_below(unsigned int end)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 20) % end;
}

bool one_in(unsigned int times)
{
	return !random_below(times);
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

unsigned long start_random(void)
{
	random_state = 0x9e3779b97f4a7c15ULL ^ from_environment("KS_SEED", 1);
	return from_environment("KS_CASES", CASES);
}

/* Random needs */

struct ks_framing_range random_range(void)
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

void random_need(struct given *given, unsigned int most_items)
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

struct ks_need need_of(const struct given *given)
{
	struct ks_need need = { NULL, NULL };

	if (given->simple)
		need.framing = &given->framing;
	else
		need.framing_ex = &given->ex;
	return need;
}

int resolve(const struct given *given, unsigned int count,
	    struct ks_resolved *resolved, struct ks_clash *clash)
{
	struct ks_need needs[LIBKS_RESOLVE_NEEDS];
	unsigned int i;

	for (i = 0; i < count; i++)
		needs[i] = need_of(&given[i]);
	return ks_resolve_framing(needs, count, resolved, clash);
}

bool is_guid(struct ks_guid one, struct ks_guid other)
{
	return !memcmp(&one, &other, sizeof(one));
}

bool is_device(struct ks_guid type)
{
	return is_guid(type, KSMEMORY_TYPE_DEVICE_UNKNOWN);
}

bool in_range(unsigned int size, struct ks_framing_range range)
{
	if (!range.min_frame_size && !range.max_frame_size && !range.stepping)
		return true;
	if (size < range.min_frame_size || size > range.max_frame_size)
		return false;
	return range.stepping < 2 ||
		(size - range.min_frame_size) % range.stepping == 0;
}
