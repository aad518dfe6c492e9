/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of ksproxy.h of Windows that a client of Kernel Streaming uses. */
#ifndef KS_WIN_KSPROXY_H
#define KS_WIN_KSPROXY_H

#include "ks.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * KsSynchronousDeviceControl() - make a call on a filter, pin or allocator, and wait until
 * it has completed
 * @handle: the filter, pin or allocator
 * @code: IOCTL_KS_*
 * @in: the request: a KSPROPERTY, KSMETHOD or KSEVENT, with the data that follow it
 * @in_size: bytes at @in
 * @out: the value that is read or written
 * @out_size: bytes at @out
 * @returned: out: size of the result at @out
 *
 * Return: S_OK, or HRESULT_FROM_WIN32() of an error. If @out_size is 0, this is
 * ERROR_MORE_DATA; if @out is too small, ERROR_INSUFFICIENT_BUFFER. In both cases @returned
 * is the required size.
 */
HRESULT WINAPI KsSynchronousDeviceControl(HANDLE handle, ULONG code,
					  PVOID in, ULONG in_size,
					  PVOID out, ULONG out_size,
					  PULONG returned);

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_KSPROXY_H */
