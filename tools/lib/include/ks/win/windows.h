/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of the base API of Windows that a client of Kernel Streaming needs, for programs
 * that are compiled for Linux. libkswin has the functions.
 */
#ifndef KS_WIN_WINDOWS_H
#define KS_WIN_WINDOWS_H

#include <stdarg.h>

#include "windef.h"
#include "winnt.h"
#include "winerror.h"
#include "winbase.h"
#ifndef NOGDI
#include "wingdi.h"
#endif
#include "winreg.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Not in Windows: returns the descriptor behind a handle, which the library owns, for
 * poll() and the functions of <ks/ks.h>; -1 if there is no such handle. Another process is
 * another client: pass it a descriptor from ks_allocator_open() or ks_connection_open().
 */
int LibksDescriptor(HANDLE handle);
/* Returns the dma-buf of a frame of an allocator, which the library owns; or -1 */
int LibksFrameDmabuf(HANDLE allocator, const void *frame);

#ifdef __cplusplus
}
#endif

#include "dword.h"
#include "native.h"

#endif /* KS_WIN_WINDOWS_H */
