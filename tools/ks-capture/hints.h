/* SPDX-License-Identifier: GPL-2.0-only */
/* Hints: why a file cannot be used, and how to fix it. */
#ifndef HINTS_H
#define HINTS_H

#include <stdbool.h>

/* Which group may use a file that this process may not */
void hint_permission(const char *path);
/* Which processes have the device open */
void hint_holders(const char *device);
/* Which heaps there are */
void hint_heaps(void);
/* Whether a file is a dma-buf heap */
bool hint_is_heap(const char *path);
/* Why /dev/ksalloc is not there */
void hint_module(void);
/* Which media device a node belongs to, and how to look at that */
void hint_media(const char *node);
/* Where the kernel may say more */
void hint_log(void);

#endif /* HINTS_H */
