/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other functions of winbase.h that a capture program uses: memory, text, the library
 * with the KS functions, and atomic numbers. Each does the work of a function of the C library.
 */
#ifndef KS_WIN_KERNEL32_H
#define KS_WIN_KERNEL32_H

#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#include "winbase.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Memory */

#define LMEM_FIXED 0x0000
#define LMEM_MOVEABLE 0x0002
#define LMEM_ZEROINIT 0x0040
#define LPTR (LMEM_FIXED | LMEM_ZEROINIT)
#define GMEM_FIXED 0x0000
#define GMEM_MOVEABLE 0x0002
#define GMEM_ZEROINIT 0x0040
#define GPTR (GMEM_FIXED | GMEM_ZEROINIT)
#define HEAP_NO_SERIALIZE 0x00000001
#define HEAP_GENERATE_EXCEPTIONS 0x00000004
#define HEAP_ZERO_MEMORY 0x00000008

/* A handle of memory is its address, so memory is never moved. Return NULL on failure */
HLOCAL WINAPI LocalAlloc(UINT flags, SIZE_T bytes);
HLOCAL WINAPI LocalReAlloc(HLOCAL memory, SIZE_T bytes, UINT flags);
SIZE_T WINAPI LocalSize(HLOCAL memory);
LPVOID WINAPI LocalLock(HLOCAL memory);
BOOL WINAPI LocalUnlock(HLOCAL memory);
/* Return NULL, or the memory on failure */
HLOCAL WINAPI LocalFree(HLOCAL memory);
HGLOBAL WINAPI GlobalAlloc(UINT flags, SIZE_T bytes);
HGLOBAL WINAPI GlobalReAlloc(HGLOBAL memory, SIZE_T bytes, UINT flags);
SIZE_T WINAPI GlobalSize(HGLOBAL memory);
LPVOID WINAPI GlobalLock(HGLOBAL memory);
BOOL WINAPI GlobalUnlock(HGLOBAL memory);
HGLOBAL WINAPI GlobalFree(HGLOBAL memory);
HANDLE WINAPI GetProcessHeap(void);
LPVOID WINAPI HeapAlloc(HANDLE heap, DWORD flags, SIZE_T bytes);
LPVOID WINAPI HeapReAlloc(HANDLE heap, DWORD flags, LPVOID memory, SIZE_T bytes);
SIZE_T WINAPI HeapSize(HANDLE heap, DWORD flags, LPCVOID memory);
BOOL WINAPI HeapFree(HANDLE heap, DWORD flags, LPVOID memory);

/* Pages, which are always committed: memory that is only reserved cannot be committed later */
LPVOID WINAPI VirtualAlloc(LPVOID address, SIZE_T bytes, DWORD type, DWORD protection);
BOOL WINAPI VirtualFree(LPVOID address, SIZE_T bytes, DWORD type);

#define CopyMemory(to, from, bytes) ((void)memcpy((to), (from), (bytes)))
#define MoveMemory(to, from, bytes) ((void)memmove((to), (from), (bytes)))
#define FillMemory(memory, bytes, value) ((void)memset((memory), (value), (bytes)))
#define ZeroMemory(memory, bytes) ((void)memset((memory), 0, (bytes)))
#define RtlCopyMemory(to, from, bytes) CopyMemory(to, from, bytes)
#define RtlMoveMemory(to, from, bytes) MoveMemory(to, from, bytes)
#define RtlFillMemory(memory, bytes, value) FillMemory(memory, bytes, value)
#define RtlZeroMemory(memory, bytes) ZeroMemory(memory, bytes)
#define RtlEqualMemory(a, b, bytes) (!memcmp((a), (b), (bytes)))

typedef struct _SYSTEM_INFO {
	union {
		__extension__ struct {
			WORD wProcessorArchitecture;
			WORD wReserved;
		};
		DWORD dwOemId;
	};
	DWORD dwPageSize;
	LPVOID lpMinimumApplicationAddress;
	LPVOID lpMaximumApplicationAddress;
	DWORD_PTR dwActiveProcessorMask;
	DWORD dwNumberOfProcessors;
	DWORD dwProcessorType;
	DWORD dwAllocationGranularity;
	WORD wProcessorLevel;
	WORD wProcessorRevision;
} SYSTEM_INFO, *LPSYSTEM_INFO;

/*
 * VirtualAlloc() aligns to pages, so dwAllocationGranularity is the page size. No memory is
 * outside of the two addresses. The level and the revision of the processor are 0.
 */
VOID WINAPI GetSystemInfo(LPSYSTEM_INFO info);
VOID WINAPI GetNativeSystemInfo(LPSYSTEM_INFO info);

/* Text */

#define CP_ACP 0
#define CP_UTF8 65001
#define MB_PRECOMPOSED 0x00000001
#define MB_ERR_INVALID_CHARS 0x00000008
#define WC_ERR_INVALID_CHARS 0x00000080

/* The code pages CP_ACP and CP_UTF8 are both UTF-8. A length of -1: up to and with the zero */
int WINAPI MultiByteToWideChar(UINT code_page, DWORD flags, LPCSTR from, int length,
			       LPWSTR to, int size);
int WINAPI WideCharToMultiByte(UINT code_page, DWORD flags, LPCWSTR from, int length,
			       LPSTR to, int size, LPCSTR default_char, LPBOOL used_default);
int WINAPI lstrlenA(LPCSTR text);
int WINAPI lstrlenW(LPCWSTR text);
#define lstrlen KS_WIN_NAME(lstrlen)

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x00000100
#define FORMAT_MESSAGE_IGNORE_INSERTS 0x00000200
#define FORMAT_MESSAGE_FROM_STRING 0x00000400
#define FORMAT_MESSAGE_FROM_HMODULE 0x00000800
#define FORMAT_MESSAGE_FROM_SYSTEM 0x00001000
#define FORMAT_MESSAGE_ARGUMENT_ARRAY 0x00002000
#define FORMAT_MESSAGE_MAX_WIDTH_MASK 0x000000ff

/*
 * Only with FORMAT_MESSAGE_FROM_SYSTEM: a sentence in English for an error of winerror.h, or
 * an HRESULT made of one. It ends in "\r\n", or in a blank with FORMAT_MESSAGE_MAX_WIDTH_MASK.
 */
DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			    LPSTR buffer, DWORD size, __builtin_va_list *arguments);
DWORD WINAPI FormatMessageW(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			    LPWSTR buffer, DWORD size, __builtin_va_list *arguments);
#define FormatMessage KS_WIN_NAME(FormatMessage)

/* Writes to standard error, if the environment variable KS_DEBUG is set */
VOID WINAPI OutputDebugStringA(LPCSTR text);
VOID WINAPI OutputDebugStringW(LPCWSTR text);
#define OutputDebugString KS_WIN_NAME(OutputDebugString)

/* Libraries */

/*
 * ksuser.dll, ksproxy.ax, kernel32.dll, ntdll.dll, setupapi.dll and cfgmgr32.dll, with or
 * without a path and in any case. All of them are libkswin itself.
 */
HMODULE WINAPI LoadLibraryA(LPCSTR name);
HMODULE WINAPI LoadLibraryW(LPCWSTR name);
#define LoadLibrary KS_WIN_NAME(LoadLibrary)
HMODULE WINAPI LoadLibraryExA(LPCSTR name, HANDLE file, DWORD flags);
HMODULE WINAPI LoadLibraryExW(LPCWSTR name, HANDLE file, DWORD flags);
#define LoadLibraryEx KS_WIN_NAME(LoadLibraryEx)
HMODULE WINAPI GetModuleHandleA(LPCSTR name);
HMODULE WINAPI GetModuleHandleW(LPCWSTR name);
#define GetModuleHandle KS_WIN_NAME(GetModuleHandle)
BOOL WINAPI FreeLibrary(HMODULE module);
/* Returns a function of the library, or NULL */
FARPROC WINAPI GetProcAddress(HMODULE module, LPCSTR name);

/* Time */

/* CLOCK_MONOTONIC in units of 100 ns, the unit of KSSTREAM_HEADER.PresentationTime */
BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *count);
BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *frequency);
DWORD WINAPI GetTickCount(void);
ULONGLONG WINAPI GetTickCount64(void);
DWORD WINAPI GetCurrentProcessId(void);

/* Atomic numbers */

#define InterlockedIncrement(number) __atomic_add_fetch((number), 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrement(number) __atomic_sub_fetch((number), 1, __ATOMIC_SEQ_CST)
#define InterlockedExchange(number, value) \
	__atomic_exchange_n((number), (value), __ATOMIC_SEQ_CST)
#define InterlockedExchangeAdd(number, value) \
	__atomic_fetch_add((number), (value), __ATOMIC_SEQ_CST)
#define InterlockedCompareExchange(number, value, expected) \
	__sync_val_compare_and_swap((number), (expected), (value))
#define InterlockedExchangePointer(pointer, value) \
	__atomic_exchange_n((pointer), (value), __ATOMIC_SEQ_CST)
#define InterlockedCompareExchangePointer(pointer, value, expected) \
	__sync_val_compare_and_swap((pointer), (expected), (value))
#define MemoryBarrier() __sync_synchronize()

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_KERNEL32_H */
