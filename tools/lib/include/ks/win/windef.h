/* SPDX-License-Identifier: GPL-2.0-only */
/* The base types of Windows, with the same sizes. */
#ifndef KS_WIN_WINDEF_H
#define KS_WIN_WINDEF_H

#include <stddef.h>

#include "basetsd.h"
#include "guiddef.h"

#define VOID void
#define CONST const
#define CALLBACK
#define WINAPI
#define WINAPIV
#define NTAPI
#define APIENTRY
#define PASCAL
#define FAR
#define NEAR
#define IN
#define OUT
#define OPTIONAL
#define DECLSPEC_IMPORT
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))

#ifdef __cplusplus
#define EXTERN_C extern "C"
#else
#define EXTERN_C extern
#endif

/*
 * In Windows, long has 32 bits. Where it has 64, LONG is int. See Documentation/porting.rst
 * for what this means for a client.
 */
#if __SIZEOF_LONG__ == 4
typedef long LONG, HRESULT, NTSTATUS;
typedef unsigned long ULONG, DWORD, ACCESS_MASK;
#else
typedef int LONG, HRESULT, NTSTATUS;
typedef unsigned int ULONG, DWORD, ACCESS_MASK;
#endif

typedef char CHAR, CCHAR;
typedef unsigned char UCHAR, BYTE, BOOLEAN;
typedef short SHORT;
typedef unsigned short USHORT, WORD, ATOM;
typedef int INT, BOOL, WINBOOL;
typedef unsigned int UINT;
typedef long long LONGLONG, USN;
typedef unsigned long long ULONGLONG, DWORDLONG;
typedef float FLOAT;
typedef double DOUBLE;
typedef LONG_PTR LPARAM, LRESULT;
typedef UINT_PTR WPARAM;
typedef ACCESS_MASK REGSAM;
typedef DWORD LCID, COLORREF;
typedef WORD LANGID;

typedef void *PVOID, *LPVOID, *HANDLE;
typedef const void *LPCVOID, *PCVOID;
typedef HANDLE *PHANDLE, *LPHANDLE;
typedef HANDLE HGLOBAL, HLOCAL;
typedef LONG *PLONG, *LPLONG;
typedef ULONG *PULONG;
typedef DWORD *PDWORD, *LPDWORD;
typedef SHORT *PSHORT;
typedef USHORT *PUSHORT;
typedef WORD *PWORD, *LPWORD;
typedef UCHAR *PUCHAR;
typedef BYTE *PBYTE, *LPBYTE;
typedef BOOLEAN *PBOOLEAN;
typedef BOOL *PBOOL, *LPBOOL;
typedef INT *PINT, *LPINT;
typedef UINT *PUINT;
typedef LONGLONG *PLONGLONG;
typedef ULONGLONG *PULONGLONG;
typedef HRESULT SCODE;

/* Handles of what only other libraries have */
#define DECLARE_HANDLE(name) \
	struct name##__ { \
		int unused; \
	}; \
	typedef struct name##__ *name
DECLARE_HANDLE(HINSTANCE);
DECLARE_HANDLE(HKEY);
DECLARE_HANDLE(HWND);
typedef HINSTANCE HMODULE;
typedef HKEY *PHKEY;

/*
 * Text. WCHAR is wchar_t, so that L"" is of this type. It has 32 bits, or 16 if the client is
 * compiled with -fshort-wchar; the library asks this constant which of the two it is.
 */
#ifdef __cplusplus
typedef wchar_t WCHAR;
#else
typedef __WCHAR_TYPE__ WCHAR;
#endif
#if __SIZEOF_WCHAR_T__ == 2
KS_WIN_EXTERN_C const unsigned char LibksWcharBytes __attribute__((weak, visibility("default")));
const unsigned char LibksWcharBytes = __SIZEOF_WCHAR_T__;
#endif

typedef CHAR *PCHAR, *LPCH, *PSTR, *LPSTR;
typedef const CHAR *LPCCH, *PCSTR, *LPCSTR;
typedef WCHAR *PWCHAR, *LPWCH, *PWCH, *PWSTR, *LPWSTR;
typedef const WCHAR *LPCWCH, *PCWCH, *PCWSTR, *LPCWSTR;

#ifdef UNICODE
typedef WCHAR TCHAR, *PTCHAR;
typedef LPWSTR PTSTR, LPTSTR;
typedef LPCWSTR PCTSTR, LPCTSTR;
#define __TEXT(quote) L##quote
/* Names that exist for CHAR and WCHAR, without A or W at the end */
#define KS_WIN_NAME(name) name##W
#else
typedef CHAR TCHAR, *PTCHAR;
typedef LPSTR PTSTR, LPTSTR;
typedef LPCSTR PCTSTR, LPCTSTR;
#define __TEXT(quote) quote
#define KS_WIN_NAME(name) name##A
#endif
#define TEXT(quote) __TEXT(quote)

#define TRUE 1
#define FALSE 0

#define MAX_PATH 260

#define MAKEWORD(low, high) ((WORD)((BYTE)(low) | (WORD)(BYTE)(high) << 8))
#define MAKELONG(low, high) ((LONG)((WORD)(low) | (DWORD)(WORD)(high) << 16))
#define LOWORD(value) ((WORD)((DWORD_PTR)(value) & 0xffff))
#define HIWORD(value) ((WORD)((DWORD_PTR)(value) >> 16 & 0xffff))
#define LOBYTE(value) ((BYTE)((DWORD_PTR)(value) & 0xff))
#define HIBYTE(value) ((BYTE)((DWORD_PTR)(value) >> 8 & 0xff))

#if !defined(NOMINMAX) && !defined(__cplusplus)
#ifndef max
#define max(a, b) ((a) > (b) ? (a) : (b))
#endif
#ifndef min
#define min(a, b) ((a) < (b) ? (a) : (b))
#endif
#endif

typedef struct tagRECT {
	LONG left;
	LONG top;
	LONG right;
	LONG bottom;
} RECT, *PRECT, *LPRECT;

typedef const RECT *LPCRECT;

typedef struct _RECTL {
	LONG left;
	LONG top;
	LONG right;
	LONG bottom;
} RECTL, *PRECTL, *LPRECTL;

typedef struct tagPOINT {
	LONG x;
	LONG y;
} POINT, *PPOINT, *LPPOINT;

typedef struct tagSIZE {
	LONG cx;
	LONG cy;
} SIZE, *PSIZE, *LPSIZE;

typedef struct _FILETIME {
	DWORD dwLowDateTime;
	DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

typedef INT_PTR (WINAPI *FARPROC)(void);

#endif /* KS_WIN_WINDEF_H */
