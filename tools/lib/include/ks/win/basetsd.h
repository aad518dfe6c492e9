/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Integers with a certain number of bits, or with as many as a pointer. The guard has the name
 * that it has in Windows: other headers ask for it before they define some of these names.
 * jpeglib.h is one of them, so it can be included after <windows.h>.
 */
#ifndef _BASETSD_H_
#define _BASETSD_H_

#include <stdint.h>

typedef signed char INT8, *PINT8;
typedef short INT16, *PINT16;
typedef int INT32, LONG32, *PINT32, *PLONG32;
typedef long long INT64, LONG64, *PINT64, *PLONG64;
typedef unsigned char UINT8, *PUINT8;
typedef unsigned short UINT16, *PUINT16;
typedef unsigned int UINT32, ULONG32, DWORD32, *PUINT32, *PULONG32, *PDWORD32;
typedef unsigned long long UINT64, ULONG64, DWORD64, *PUINT64, *PULONG64, *PDWORD64;
typedef intptr_t INT_PTR, LONG_PTR, SSIZE_T, *PINT_PTR, *PLONG_PTR, *PSSIZE_T;
typedef uintptr_t UINT_PTR, ULONG_PTR, DWORD_PTR, SIZE_T;
typedef uintptr_t *PUINT_PTR, *PULONG_PTR, *PDWORD_PTR, *PSIZE_T;

#define MAXUINT_PTR (~(UINT_PTR)0)
#define MAXINT_PTR ((INT_PTR)(MAXUINT_PTR >> 1))
#define MININT_PTR (~MAXINT_PTR)
#define MAXULONG_PTR (~(ULONG_PTR)0)
#define MAXLONG_PTR ((LONG_PTR)(MAXULONG_PTR >> 1))
#define MINLONG_PTR (~MAXLONG_PTR)

#endif /* _BASETSD_H_ */
