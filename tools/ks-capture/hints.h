/* SPDX-License-Identifier: GPL-2.0-only */
/* Hints: why a file cannot be used, and how to fix it. */
#ifndef HINTS_H
#define HINTS_H

#include <stdbool.h>

/* Which group may access a file that this process may not */
void hint_permission(const char *path);
/* Which processes have the device open */
void hint_holders(const char *device);
/* Which heaps there are */
void hint_heaps(void);
/* Whether a file is a dma-buf heap */
bool hint_is_heap(const char *path);
/* Why /dev/ksalloc does not exist */
void hint_module(void);
/* The media device of a node, and how to show its state */
void hint_media(const char *node);
/* The kernel log may contain more */
void hint_log(void);

#endif /* HINTS_H */
