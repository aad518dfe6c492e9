/* SPDX-License-Identifier: GPL-2.0-only */
/* Which memory a device can use with ksalloc. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>

#include <ks/ks.h>

/*
 * Whether the device can neither import nor export memory. @connection is a connection to it,
 * @fd a descriptor of its node, which has no buffers, and @type the type of its queue. False
 * if that is unknown
 */
bool memory_is_missing(int connection, int fd, __u32 type);

/* The size of a text of memory_describe() */
#define MEMORY_TEXT 256

/* The memory, and why it cannot be used, or that it can */
void memory_describe(const struct ks_memory_attempt *attempt, char text[MEMORY_TEXT]);
/* Prints what would help */
void memory_advise(const struct ks_memory_report *report);
/* Tries all memory on a connection, and prints which can be used, with an indent */
void memory_list(int connection, int indent);

#endif /* MEMORY_H */
