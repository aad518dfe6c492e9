/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In Windows, DWORD and ULONG are unsigned long. On Linux with 64 bits, this has 8 bytes, so
 * they are unsigned int. A C++ client that has a variable of the type unsigned long for a
 * size would not compile. These functions accept such a variable, and write all its bytes.
 * They are templates so that NULL still means the function of the library.
 *
 * In C there are no such functions. The compiler warns if it gets a pointer to unsigned long,
 * and the library writes the lower four bytes. A macro must not write all eight, because in C the
 * pointer can be the address of a DWORD. See Documentation/porting.rst.
 */
#ifndef KS_WIN_DWORD_H
#define KS_WIN_DWORD_H

#include "winbase.h"

#if defined(__cplusplus) && __SIZEOF_LONG__ == 8

/* Result<unsigned long, R> is R; for any other type there is no such function */
namespace ks_win {
template <typename Argument, typename R> struct Result {};
template <typename R> struct Result<unsigned long, R> { typedef R type; };
}

template <typename Long>
inline typename ks_win::Result<Long, BOOL>::type
DeviceIoControl(HANDLE handle, DWORD code, LPVOID in, DWORD in_size, LPVOID out,
		DWORD out_size, Long *returned, LPOVERLAPPED overlapped)
{
	DWORD bytes = 0;
	BOOL ok = DeviceIoControl(handle, code, in, in_size, out, out_size, &bytes, overlapped);

	*returned = bytes;
	return ok;
}

template <typename Long>
inline typename ks_win::Result<Long, BOOL>::type
GetOverlappedResult(HANDLE handle, LPOVERLAPPED overlapped, Long *returned, BOOL wait)
{
	DWORD bytes = 0;
	BOOL ok = GetOverlappedResult(handle, overlapped, &bytes, wait);

	*returned = bytes;
	return ok;
}

#endif

#endif /* KS_WIN_DWORD_H */
