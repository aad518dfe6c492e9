/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions for handles, calls that complete later, and waiting. A handle is valid in one
 * process. It is a filter (an open V4L2 node), a pin (a connection), an allocator, or an
 * object for waiting. Documentation/porting.rst describes the differences from Windows.
 */
#ifndef KS_WIN_WINBASE_H
#define KS_WIN_WINBASE_H

#include "winerror.h"
#include "winnt.h"

#ifdef __cplusplus
extern "C" {
#endif

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

typedef struct _OVERLAPPED_ENTRY {
	ULONG_PTR lpCompletionKey;
	LPOVERLAPPED lpOverlapped;
	ULONG_PTR Internal;
	DWORD dwNumberOfBytesTransferred;
} OVERLAPPED_ENTRY, *LPOVERLAPPED_ENTRY;

#define HasOverlappedIoCompleted(overlapped) \
	((DWORD)__atomic_load_n(&(overlapped)->Internal, __ATOMIC_ACQUIRE) != \
	 (DWORD)STATUS_PENDING)

#define INFINITE 0xffffffffu
#define INVALID_HANDLE_VALUE ((HANDLE)~(ULONG_PTR)0)

#define CREATE_NEW 1
#define CREATE_ALWAYS 2
#define OPEN_EXISTING 3
#define OPEN_ALWAYS 4
#define FILE_FLAG_OVERLAPPED 0x40000000
#define FILE_FLAG_NO_BUFFERING 0x20000000

#define WAIT_OBJECT_0 0
#define WAIT_ABANDONED 0x00000080
#define WAIT_IO_COMPLETION 0x000000c0
#define WAIT_TIMEOUT 258
#define WAIT_FAILED 0xffffffffu
#define STILL_ACTIVE 259

#define FIELD_OFFSET(type, field) ((LONG)offsetof(type, field))
#define CONTAINING_RECORD(address, type, field) \
	((type *)(void *)((char *)(address) - offsetof(type, field)))

/* Errors */

DWORD WINAPI GetLastError(void);
VOID WINAPI SetLastError(DWORD error);

/* Handles */

/**
 * CreateFileA() - open a filter
 * @name: an interface path of SetupDiGetDeviceInterfaceDetail(), or the path of a V4L2
 *	capture node
 * @access: GENERIC_READ and GENERIC_WRITE; a node is opened for both
 * @share: not used
 * @security: not used
 * @disposition: OPEN_EXISTING
 * @flags: not used: every filter, pin and allocator is as with FILE_FLAG_OVERLAPPED
 * @template_file: NULL
 *
 * Return: the filter, or INVALID_HANDLE_VALUE.
 */
HANDLE WINAPI CreateFileA(LPCSTR name, DWORD access, DWORD share,
			  LPSECURITY_ATTRIBUTES security, DWORD disposition,
			  DWORD flags, HANDLE template_file);
HANDLE WINAPI CreateFileW(LPCWSTR name, DWORD access, DWORD share,
			  LPSECURITY_ATTRIBUTES security, DWORD disposition,
			  DWORD flags, HANDLE template_file);
#define CreateFile KS_WIN_NAME(CreateFile)

BOOL WINAPI CloseHandle(HANDLE handle);

#define DUPLICATE_CLOSE_SOURCE 0x00000001
#define DUPLICATE_SAME_ACCESS 0x00000002

HANDLE WINAPI GetCurrentProcess(void);
BOOL WINAPI DuplicateHandle(HANDLE from_process, HANDLE handle, HANDLE to_process,
			    LPHANDLE duplicate, DWORD access, BOOL inherit, DWORD options);

/* Calls */

BOOL WINAPI DeviceIoControl(HANDLE handle, DWORD code, LPVOID in, DWORD in_size,
			    LPVOID out, DWORD out_size, LPDWORD returned,
			    LPOVERLAPPED overlapped);
BOOL WINAPI GetOverlappedResult(HANDLE handle, LPOVERLAPPED overlapped,
				LPDWORD bytes, BOOL wait);
BOOL WINAPI GetOverlappedResultEx(HANDLE handle, LPOVERLAPPED overlapped, LPDWORD bytes,
				  DWORD milliseconds, BOOL alertable);
BOOL WINAPI CancelIo(HANDLE handle);
BOOL WINAPI CancelIoEx(HANDLE handle, LPOVERLAPPED overlapped);
BOOL WINAPI CancelSynchronousIo(HANDLE thread);

HANDLE WINAPI CreateIoCompletionPort(HANDLE handle, HANDLE port, ULONG_PTR key,
				     DWORD threads);
BOOL WINAPI GetQueuedCompletionStatus(HANDLE port, LPDWORD bytes, PULONG_PTR key,
				      LPOVERLAPPED *overlapped, DWORD milliseconds);
BOOL WINAPI GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG count,
					PULONG removed, DWORD milliseconds, BOOL alertable);
BOOL WINAPI PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key,
				       LPOVERLAPPED overlapped);

/* Waiting */

/* Events cannot have names: name must be NULL */
HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES security, BOOL manual_reset,
			   BOOL initial_state, LPCSTR name);
HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES security, BOOL manual_reset,
			   BOOL initial_state, LPCWSTR name);
#define CreateEvent KS_WIN_NAME(CreateEvent)

BOOL WINAPI SetEvent(HANDLE event);
BOOL WINAPI ResetEvent(HANDLE event);
HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES security, LONG count, LONG maximum,
			       LPCSTR name);
HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES security, LONG count, LONG maximum,
			       LPCWSTR name);
#define CreateSemaphore KS_WIN_NAME(CreateSemaphore)

BOOL WINAPI ReleaseSemaphore(HANDLE semaphore, LONG count, LPLONG previous);
DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds);
DWORD WINAPI WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL alertable);
DWORD WINAPI WaitForMultipleObjects(DWORD count, const HANDLE *handles,
				    BOOL wait_all, DWORD milliseconds);
DWORD WINAPI WaitForMultipleObjectsEx(DWORD count, const HANDLE *handles, BOOL wait_all,
				      DWORD milliseconds, BOOL alertable);
VOID WINAPI Sleep(DWORD milliseconds);

/* Critical sections. They are never spun for: a thread waits at once */

typedef RTL_CRITICAL_SECTION CRITICAL_SECTION, *PCRITICAL_SECTION, *LPCRITICAL_SECTION;

#define CRITICAL_SECTION_NO_DEBUG_INFO 0x01000000

VOID WINAPI InitializeCriticalSection(LPCRITICAL_SECTION section);
BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins);
BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spins, DWORD flags);
VOID WINAPI EnterCriticalSection(LPCRITICAL_SECTION section);
BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION section);
/* Does nothing if the calling thread does not have it */
VOID WINAPI LeaveCriticalSection(LPCRITICAL_SECTION section);
VOID WINAPI DeleteCriticalSection(LPCRITICAL_SECTION section);

/* Threads */

typedef DWORD (WINAPI *PTHREAD_START_ROUTINE)(LPVOID parameter);
typedef PTHREAD_START_ROUTINE LPTHREAD_START_ROUTINE;

#define CREATE_SUSPENDED 0x00000004

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES security, SIZE_T stack_size,
			   LPTHREAD_START_ROUTINE start, LPVOID parameter, DWORD flags,
			   LPDWORD id);
DWORD WINAPI ResumeThread(HANDLE thread);
VOID WINAPI ExitThread(DWORD code);
BOOL WINAPI GetExitCodeThread(HANDLE thread, LPDWORD code);
HANDLE WINAPI GetCurrentThread(void);
DWORD WINAPI GetCurrentThreadId(void);

#ifdef __cplusplus
}
#endif

/* As in Windows, this file has those functions too */
#include "kernel32.h"

#endif /* KS_WIN_WINBASE_H */
