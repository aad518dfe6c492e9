/* SPDX-License-Identifier: GPL-2.0-only */
/* Hints: why a file cannot be used, and how to fix it. */
#ifndef HINTS_H
#define HINTS_H

#include <stdbool.h>

/* Prints which group has permission for a file that this process cannot access */
void hint_permission(const char *path);
/* Prints which processes have the device open */
void hint_holders(const char *device);
/* Another program captures from the device: prints which one, and how to share the device */
void hint_busy(const char *device);
/* Prints which heaps exist */
void hint_heaps(void);
/* In a container, prints how to get a node that is missing. Returns false elsewhere */
bool hint_container(const char *node);
/* Whether a file is a dma-buf heap */
bool hint_is_heap(const char *path);
/* Prints why /dev/ksalloc cannot be opened. Returns false if it does not know that */
bool hint_ksalloc(int err);
/*
 * Prints why ksalloc cannot connect to the node that is open as @video. Returns false if it does
 * not know that
 */
bool hint_connect(int video, int err);
/* Prints why a node cannot be opened */
void hint_open(const char *path, int err);
/* Prints what is known about an error of any call after a node was opened */
void hint_other(int err);
/* Prints how to show the kernel log */
void hint_log(void);

#endif /* HINTS_H */
