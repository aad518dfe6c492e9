/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ks.h of Windows for a user-mode client, with the same names, layouts and values (64-bit).
 * What only drivers use is left out. The constants of allocators, streams and states are in
 * <linux/ksalloc.h>, which the kernel uses too.
 *
 * If <linux/ksalloc.h> has its own form of a structure, only the names differ, and the
 * memory has the same layout.
 */
#ifndef KS_WIN_KS_H
#define KS_WIN_KS_H

#include "ks-base.h"
#include "ks-pin.h"
#include "ks-stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * KsCreatePin() - connect to a filter
 * @filter: handle from CreateFileA(); it may be closed after the call
 * @connect: the standard interface and medium, and pin 0. It is followed by a
 *	KS_DATAFORMAT_VIDEOINFOHEADER, which is set as the format of the device
 * @access: GENERIC_READ
 * @pin: out: the pin, in KSSTATE_STOP
 *
 * Return: ERROR_SUCCESS, ERROR_NO_MATCH if the device does not have exactly this format, or
 * another error.
 */
DWORD WINAPI KsCreatePin(HANDLE filter, PKSPIN_CONNECT connect,
			 ACCESS_MASK access, PHANDLE pin);

/**
 * KsCreateAllocator() - create an allocator
 * @connection: the pin whose requirements the framing has to meet
 * @framing: number, size and alignment of the frames
 * @allocator: out: the allocator
 *
 * Its memory is from the dma-buf heap in the environment variable KS_HEAP, or from
 * "system".
 *
 * Return: ERROR_SUCCESS, or another error.
 */
DWORD WINAPI KsCreateAllocator(HANDLE connection, PKSALLOCATOR_FRAMING framing,
			       PHANDLE allocator);

/* Nodes cannot be opened: it fails with ERROR_NOT_SUPPORTED, as on most drivers of Windows */
DWORD WINAPI KsCreateTopologyNode(HANDLE parent, PKSNODE_CREATE node, ACCESS_MASK access,
				  PHANDLE handle);

/*
 * The time of all clocks is that of the frames, which never stands still. They have no events.
 * @create: CreateFlags must be 0
 */
DWORD WINAPI KsCreateClock(HANDLE connection, PKSCLOCK_CREATE create, PHANDLE clock);

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_KS_H */
