/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The base types and functions of Windows that a client of Kernel Streaming needs, with the
 * same names and layouts (64-bit), for programs that are compiled for Linux. libkswin has
 * the functions.
 *
 * A handle is valid in one process. It is a filter (an open V4L2 node), a pin (a
 * connection), an allocator, or an event (an eventfd). Documentation/porting.rst describes
 * the differences from Windows.
 */
#ifndef KS_WIN_WINDOWS_H
#define KS_WIN_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VOID void
#define CONST const
#define CALLBACK
#define WINAPI
#define NTAPI
#define APIENTRY
#define IN
#define OUT

/*
 * In Windows, long has 32 bits, so these are int. See Documentation/porting.rst for
 * printf()
 */
typedef char CHAR;
typedef uint8_t UCHAR, BYTE, BOOLEAN;
typedef int16_t SHORT;
typedef uint16_t USHORT, WORD, WCHAR;
typedef int INT;
typedef unsigned int UINT;
typedef int32_t LONG, HRESULT, NTSTATUS;
typedef uint32_t ULONG, DWORD, ACCESS_MASK;
typedef int BOOL, WINBOOL;
typedef long long LONGLONG;
typedef unsigned long long ULONGLONG, DWORDLONG;
typedef intptr_t LONG_PTR, INT_PTR;
typedef uintptr_t ULONG_PTR, UINT_PTR, DWORD_PTR;
typedef size_t SIZE_T;
typedef void *PVOID, *LPVOID, *HANDLE;
typedef const void *LPCVOID;
typedef void **PHANDLE, **LPHANDLE;
typedef uint32_t *PULONG, *PDWORD, *LPDWORD;
typedef int32_t *PLONG, *LPLONG;
typedef uint8_t *PBYTE, *LPBYTE;
typedef char *PSTR, *LPSTR;
typedef const char *PCSTR, *LPCSTR;
typedef char TCHAR;

#define TRUE 1
#define FALSE 0

#define INFINITE 0xffffffffu
#define INVALID_HANDLE_VALUE ((HANDLE)~(ULONG_PTR)0)

#define FIELD_OFFSET(type, field) ((LONG)offsetof(type, field))
#define ZeroMemory(memory, bytes) __builtin_memset((memory), 0, (bytes))

typedef struct _GUID {
	ULONG Data1;
	USHORT Data2;
	USHORT Data3;
	UCHAR Data4[8];
} GUID, *LPGUID, IID, CLSID;

typedef const struct _GUID *LPCGUID;

#ifdef __cplusplus
typedef const struct _GUID & REFGUID;
#define IsEqualGUID(a, b) (!__builtin_memcmp(&(a), &(b), sizeof(GUID)))
#else
typedef const struct _GUID *REFGUID;
#define IsEqualGUID(a, b) (!__builtin_memcmp((a), (b), sizeof(GUID)))
#endif

typedef struct tagRECT {
	LONG left;
	LONG top;
	LONG right;
	LONG bottom;
} RECT, *PRECT, *LPRECT;

typedef struct tagSIZE {
	LONG cx;
	LONG cy;
} SIZE, *PSIZE, *LPSIZE;

typedef struct _SECURITY_ATTRIBUTES {
	DWORD nLength;
	LPVOID lpSecurityDescriptor;
	BOOL bInheritHandle;
} SECURITY_ATTRIBUTES, *PSECURITY_ATTRIBUTES, *LPSECURITY_ATTRIBUTES;

typedef struct _OVERLAPPED {
	ULONG_PTR Internal;
	ULONG_PTR InternalHigh;
	union {
		__extension__ struct {
			DWORD Offset;
			DWORD OffsetHigh;
		};
		PVOID Pointer;
	};
	HANDLE hEvent;
} OVERLAPPED, *LPOVERLAPPED;

#define HasOverlappedIoCompleted(overlapped) \
	((DWORD)__atomic_load_n(&(overlapped)->Internal, __ATOMIC_ACQUIRE) != \
	 (DWORD)STATUS_PENDING)

/* Access, sharing and flags of CreateFileA() for filters */
#define GENERIC_READ 0x80000000u
#define GENERIC_WRITE 0x40000000u
#define FILE_SHARE_READ 0x00000001
#define FILE_SHARE_WRITE 0x00000002
#define OPEN_EXISTING 3
#define FILE_ATTRIBUTE_NORMAL 0x00000080
#define FILE_FLAG_OVERLAPPED 0x40000000

#define WAIT_OBJECT_0 0
#define WAIT_TIMEOUT 258
#define WAIT_FAILED 0xffffffffu
#define MAXIMUM_WAIT_OBJECTS 64

/* All values that the library returns. tools/lib/win/error.c has the table */
#define STATUS_SUCCESS ((NTSTATUS)0x00000000)
#define STATUS_PENDING ((NTSTATUS)0x00000103)
#define STATUS_BUFFER_OVERFLOW ((NTSTATUS)0x80000005)
#define STATUS_DEVICE_BUSY ((NTSTATUS)0x80000011)
#define STATUS_UNSUCCESSFUL ((NTSTATUS)0xc0000001)
#define STATUS_ACCESS_VIOLATION ((NTSTATUS)0xc0000005)
#define STATUS_INVALID_HANDLE ((NTSTATUS)0xc0000008)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xc000000d)
#define STATUS_INVALID_DEVICE_REQUEST ((NTSTATUS)0xc0000010)
#define STATUS_NO_MEMORY ((NTSTATUS)0xc0000017)
#define STATUS_ACCESS_DENIED ((NTSTATUS)0xc0000022)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xc0000023)
#define STATUS_OBJECT_NAME_NOT_FOUND ((NTSTATUS)0xc0000034)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xc000009a)
#define STATUS_IO_TIMEOUT ((NTSTATUS)0xc00000b5)
#define STATUS_NOT_SUPPORTED ((NTSTATUS)0xc00000bb)
#define STATUS_TOO_MANY_OPENED_FILES ((NTSTATUS)0xc000011f)
#define STATUS_CANCELLED ((NTSTATUS)0xc0000120)
#define STATUS_IO_DEVICE_ERROR ((NTSTATUS)0xc0000185)
#define STATUS_NOT_FOUND ((NTSTATUS)0xc0000225)
#define STATUS_PROPSET_NOT_FOUND ((NTSTATUS)0xc0000230)
#define STATUS_NO_MATCH ((NTSTATUS)0xc0000272)
#define STATUS_DEVICE_REMOVED ((NTSTATUS)0xc00002b6)

#define ERROR_SUCCESS 0
#define NO_ERROR 0
#define ERROR_INVALID_FUNCTION 1
#define ERROR_FILE_NOT_FOUND 2
#define ERROR_TOO_MANY_OPEN_FILES 4
#define ERROR_ACCESS_DENIED 5
#define ERROR_INVALID_HANDLE 6
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_GEN_FAILURE 31
#define ERROR_NOT_SUPPORTED 50
#define ERROR_INVALID_PARAMETER 87
#define ERROR_SEM_TIMEOUT 121
#define ERROR_INSUFFICIENT_BUFFER 122
#define ERROR_BUSY 170
#define ERROR_MORE_DATA 234
#define ERROR_OPERATION_ABORTED 995
#define ERROR_IO_INCOMPLETE 996
#define ERROR_IO_PENDING 997
#define ERROR_NOACCESS 998
#define ERROR_IO_DEVICE 1117
#define ERROR_NOT_FOUND 1168
#define ERROR_NO_MATCH 1169
#define ERROR_SET_NOT_FOUND 1170
#define ERROR_NO_SYSTEM_RESOURCES 1450
#define ERROR_DEVICE_REMOVED 1617

#define S_OK ((HRESULT)0)
#define S_FALSE ((HRESULT)1)
#define E_FAIL ((HRESULT)0x80004005)
#define SUCCEEDED(result) ((HRESULT)(result) >= 0)
#define FAILED(result) ((HRESULT)(result) < 0)
#define HRESULT_FROM_WIN32(error) \
	((HRESULT)(error) <= 0 ? (HRESULT)(error) : \
	 (HRESULT)(((error) & 0xffff) | 0x80070000u))
#define HRESULT_CODE(result) ((result) & 0xffff)
#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

DWORD WINAPI GetLastError(void);
VOID WINAPI SetLastError(DWORD error);

/* Opens a filter. The name is the path of a V4L2 capture node */
HANDLE WINAPI CreateFileA(LPCSTR name, DWORD access, DWORD share,
			  LPSECURITY_ATTRIBUTES security, DWORD disposition,
			  DWORD flags, HANDLE template_file);
BOOL WINAPI CloseHandle(HANDLE handle);

BOOL WINAPI DeviceIoControl(HANDLE handle, DWORD code, LPVOID in, DWORD in_size,
			    LPVOID out, DWORD out_size, LPDWORD returned,
			    LPOVERLAPPED overlapped);
BOOL WINAPI GetOverlappedResult(HANDLE handle, LPOVERLAPPED overlapped,
				LPDWORD bytes, BOOL wait);

/* Events cannot have names: name must be NULL */
HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES security, BOOL manual_reset,
			   BOOL initial_state, LPCSTR name);
BOOL WINAPI SetEvent(HANDLE event);
BOOL WINAPI ResetEvent(HANDLE event);
/* Only handles of events can be waited for */
DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds);
DWORD WINAPI WaitForMultipleObjects(DWORD count, const HANDLE *handles,
				    BOOL wait_all, DWORD milliseconds);
VOID WINAPI Sleep(DWORD milliseconds);

#define CreateFile CreateFileA
#define CreateEvent CreateEventA

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

#endif /* KS_WIN_WINDOWS_H */
