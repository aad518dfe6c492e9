/* SPDX-License-Identifier: GPL-2.0-only */
/* Of COM, only the memory that functions of ksproxy.h return. It is that of malloc(). */
#ifndef KS_WIN_COMBASEAPI_H
#define KS_WIN_COMBASEAPI_H

#include "windef.h"

#ifdef __cplusplus
extern "C" {
#endif

LPVOID WINAPI CoTaskMemAlloc(SIZE_T bytes);
/* A size of 0 frees the memory */
LPVOID WINAPI CoTaskMemRealloc(LPVOID memory, SIZE_T bytes);
VOID WINAPI CoTaskMemFree(LPVOID memory);

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_COMBASEAPI_H */
