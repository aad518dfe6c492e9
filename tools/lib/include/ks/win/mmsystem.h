/* SPDX-License-Identifier: GPL-2.0-only */
/* Time of the multimedia API, and codes of four characters. */
#ifndef KS_WIN_MMSYSTEM_H
#define KS_WIN_MMSYSTEM_H

#include "windef.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef UINT MMRESULT;
typedef DWORD FOURCC;

#define MMSYSERR_NOERROR 0
#define TIMERR_NOERROR 0
#define TIMERR_NOCANDO 97

#ifndef MAKEFOURCC
#define MAKEFOURCC(a, b, c, d) \
	((DWORD)(BYTE)(a) | (DWORD)(BYTE)(b) << 8 | (DWORD)(BYTE)(c) << 16 | \
	 (DWORD)(BYTE)(d) << 24)
#endif
#ifndef mmioFOURCC
#define mmioFOURCC(a, b, c, d) MAKEFOURCC(a, b, c, d)
#endif

/* Milliseconds of CLOCK_MONOTONIC */
DWORD WINAPI timeGetTime(void);
/* Linux has no such period: nothing happens */
MMRESULT WINAPI timeBeginPeriod(UINT milliseconds);
MMRESULT WINAPI timeEndPeriod(UINT milliseconds);

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_MMSYSTEM_H */
