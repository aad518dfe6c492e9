/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether there is any memory that a device can use with ksalloc. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>

#include <linux/types.h>

/*
 * Whether the device can neither import nor export memory. @connection is a connection to it,
 * @fd a descriptor of its node, which has no buffers, and @type the type of its queue. False
 * if that is unknown
 */
bool memory_is_missing(int connection, int fd, __u32 type);

#endif /* MEMORY_H */
