/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts the calls of a function of the kernel, by all tasks, with a kprobe. The name can have the
 * module before it: "vivid:function". One process at a time can count, because the counts of
 * all probes are in one file.
 */
#ifndef SELFTESTS_PROBE_H
#define SELFTESTS_PROBE_H

#include <stdbool.h>

/* Begins at zero. Returns false if the kernel does not have kprobes, or not this function. */
bool probe_begin(const char *function);
int probe_count(const char *function);
/* Does nothing if the function is not counted. */
void probe_end(const char *function);

/* The same for all functions that map a dma-buf for a device */
bool probe_maps_begin(void);
int probe_maps_count(void);
void probe_maps_end(void);

#endif
