/* SPDX-License-Identifier: GPL-2.0-only */
/* Completion ports, for other files of the library. */
#ifndef KSWIN_PORT_H
#define KSWIN_PORT_H

#include "win.h"

/* A completed call in the queue of a port */
struct win_packet;

/* NULL if there is no memory */
struct win_packet *win_packet_alloc(ULONG_PTR key, OVERLAPPED *overlapped);
/* NULL does nothing */
void win_packet_free(struct win_packet *packet);
/* The port takes over the packet */
void win_packet_post(struct win_object *port, struct win_packet *packet, NTSTATUS status,
		     ULONG_PTR bytes);

#endif /* KSWIN_PORT_H */
