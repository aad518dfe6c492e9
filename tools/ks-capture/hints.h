/* SPDX-License-Identifier: GPL-2.0-only */
/* Advice: why a file cannot be used, and what to do about it. */
#ifndef HINTS_H
#define HINTS_H

/* Which group may use a file that this process may not */
void hint_permission(const char *path);
/* Who else has the device open */
void hint_holders(const char *device);
/* Which heaps there are */
void hint_heaps(void);
/* Why /dev/ksalloc is not there */
void hint_module(void);

#endif /* HINTS_H */
