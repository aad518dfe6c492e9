/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: eventfds that count frames that become free. Their ioctls are here and not in
 * allocator_file.c, because the steps of an ioctl depend on whether the event is enabled already.
 */
#ifndef _KSALLOC_EVENTFD_H
#define _KSALLOC_EVENTFD_H

#include "allocator.h"

struct ks_ucmd;

int ks_enable_event_ioctl(struct ks_ucmd *ucmd);
int ks_disable_event_ioctl(struct ks_ucmd *ucmd);
u32 ks_events_count(struct ks_allocator *alloc);
void ks_events_end(struct ks_allocator *alloc, const struct ks_owner *owner);

#endif /* _KSALLOC_EVENTFD_H */
