/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Needs of devices for the tests of the resolver, and random numbers that are the same on all
 * machines. The environment variables KS_SEED and KS_CASES change the seed, and the number of
 * random cases.
 */
#ifndef NEEDS_H
#define NEEDS_H

#include <stdbool.h>

#include <ks/resolve.h>

#define MAX 0xffffffffU
#define MOST_ITEMS 3

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

unsigned int random_below(unsigned int end);
bool one_in(unsigned int times);
unsigned long start_random(void);
struct ks_framing_range random_range(void);
void random_need(struct given *given, unsigned int most_items);
struct ks_need need_of(const struct given *given);
int resolve(const struct given *given, unsigned int count,
	    struct ks_resolved *resolved, struct ks_clash *clash);
bool is_guid(struct ks_guid one, struct ks_guid other);
bool is_device(struct ks_guid type);
bool in_range(unsigned int size, struct ks_framing_range range);

#endif /* NEEDS_H */
