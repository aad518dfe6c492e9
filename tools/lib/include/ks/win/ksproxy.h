/* SPDX-License-Identifier: GPL-2.0-only */
/* What a client of Kernel Streaming uses of Windows' ksproxy.h. */
#ifndef KS_WIN_KSPROXY_H
#define KS_WIN_KSPROXY_H

#include "ks.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * KsSynchronousDeviceControl() - make a call on a filter, pin or allocator, and
 *	wait until it is done
 * @handle: the filter, pin or allocator
 * @code: IOCTL_KS_*
 * @in: what is asked: a KSPROPERTY, KSMETHOD or KSEVENT, with what follows it
 * @in_size: bytes at @in
 * @out: the value that is read or written
 * @out_size: bytes at @out
 * @returned: out: bytes that were written at @out, or would be
 *
 * Return: S_OK, or HRESULT_FROM_WIN32() of an error. ERROR_MORE_DATA where
 * @out_size is 0 or too small and @returned says how much is needed.
 */
HRESULT WINAPI KsSynchronousDeviceControl(HANDLE handle, ULONG code,
					  PVOID in, ULONG in_size,
					  PVOID out, ULONG out_size,
					  PULONG returned);

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_KSPROXY_H */
