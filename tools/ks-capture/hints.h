/* SPDX-License-Identifier: GPL-2.0-only */
/* Hints: why a file cannot be used, and how to fix it. */
#ifndef HINTS_H
#define HINTS_H

/* Which group may access a file that this process may not */
void hint_permission(const char *path);
/* Which processes have the device open */
void hint_holders(const char *device);
/* Which heaps there are */
void hint_heaps(void);
/* Why /dev/ksalloc does not exist */
void hint_module(void);

#endif /* HINTS_H */
