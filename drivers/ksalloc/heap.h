/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames from dma-buf heaps. */
#ifndef _KSALLOC_HEAP_H
#define _KSALLOC_HEAP_H

#include <linux/ksalloc.h>

extern const struct ksalloc_memory_ops ks_heap_memory_ops;

struct file *ks_heap_get(int fd);
bool ks_heap_plausible(const struct file *file);

#endif /* _KSALLOC_HEAP_H */
