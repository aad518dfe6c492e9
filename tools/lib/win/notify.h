/* SPDX-License-Identifier: GPL-2.0-only */
/* Events that a client has enabled on an allocator, for frames that become free. */
#ifndef KSWIN_NOTIFY_H
#define KSWIN_NOTIFY_H

#include "win.h"

struct enabled;

struct win_events {
	pthread_mutex_t lock;
	struct enabled *first;
};

void win_events_init(struct win_events *events);
/* The kernel disables what is left when the descriptor is closed */
void win_events_destroy(struct win_events *events);
/* @fd: the descriptor of the allocator */
int win_events_enable(struct win_events *events, int fd, const struct win_call *call);
int win_events_disable(struct win_events *events, int fd, const struct win_call *call);
/* Disables all events */
void win_events_end(struct win_events *events, int fd);

#endif /* KSWIN_NOTIFY_H */
