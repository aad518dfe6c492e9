/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slow and simple model of the resolver of framings, which tries every choice of items and
 * every size.
 */
#ifndef RESOLVEMODEL_H
#define RESOLVEMODEL_H

#include <stdbool.h>

#include "needs.h"

#define MOST_NEEDS 4

unsigned int items_of(const struct given *given);
struct ks_framing_item item_of(const struct given *given, unsigned int n);
bool changes(const struct ks_framing_item *item);
bool creates(const struct ks_framing_item *item);
bool model_suits(const struct given *given, unsigned int count,
		 unsigned int members);
int model_field(const struct given *given, unsigned int count,
		unsigned int members, bool only_usable);
bool model_agrees(const struct given *given, unsigned int count,
		  const struct ks_resolved *resolved);
bool is_met(const struct given *given, unsigned int index,
	    const struct ks_resolved *resolved);

#endif /* RESOLVEMODEL_H */
