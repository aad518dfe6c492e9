// SPDX-License-Identifier: GPL-2.0-only
/*
 * LoadLibrary() and GetProcAddress(): clients find functions of ksuser.dll and of other
 * libraries in this way. All of them are in this library.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <ks/win/cfgmgr32.h>
#include <ks/win/combaseapi.h>
#include <ks/win/mmsystem.h>
#include <ks/win/setupapi.h>
#include <ks/win/winternl.h>

#include "win.h"
#include "text.h"

/* The name is the same in all of them, so that a library does not matter */
static const char *const names[] = {
	"ksuser", "ksproxy.ax", "kernel32", "kernelbase", "ntdll", "setupapi", "cfgmgr32",
	"advapi32", "winmm",
};

#define FUNCTION(name) { #name, (void (*)(void))name }

static const struct {
	const char *name;
	void (*function)(void);
} functions[] = {
	FUNCTION(CM_Get_Device_Interface_ListA),
	FUNCTION(CM_Get_Device_Interface_ListW),
	FUNCTION(CM_Get_Device_Interface_List_SizeA),
	FUNCTION(CM_Get_Device_Interface_List_SizeW),
	FUNCTION(CancelIo),
	FUNCTION(CancelIoEx),
	FUNCTION(CancelSynchronousIo),
	FUNCTION(CloseHandle),
	FUNCTION(CoTaskMemAlloc),
	FUNCTION(CoTaskMemFree),
	FUNCTION(CoTaskMemRealloc),
	FUNCTION(CreateEventA),
	FUNCTION(CreateEventW),
	FUNCTION(CreateFileA),
	FUNCTION(CreateFileW),
	FUNCTION(CreateIoCompletionPort),
	FUNCTION(CreateSemaphoreA),
	FUNCTION(CreateSemaphoreW),
	FUNCTION(CreateThread),
	FUNCTION(DeleteCriticalSection),
	FUNCTION(DeviceIoControl),
	FUNCTION(DuplicateHandle),
	FUNCTION(EnterCriticalSection),
	FUNCTION(ExitThread),
	FUNCTION(FormatMessageA),
	FUNCTION(FormatMessageW),
	FUNCTION(FreeLibrary),
	FUNCTION(GetCurrentProcess),
	FUNCTION(GetCurrentProcessId),
	FUNCTION(GetCurrentThread),
	FUNCTION(GetCurrentThreadId),
	FUNCTION(GetExitCodeThread),
	FUNCTION(GetLastError),
	FUNCTION(GetModuleHandleA),
	FUNCTION(GetModuleHandleW),
	FUNCTION(GetNativeSystemInfo),
	FUNCTION(GetOverlappedResult),
	FUNCTION(GetOverlappedResultEx),
	FUNCTION(GetProcAddress),
	FUNCTION(GetProcessHeap),
	FUNCTION(GetQueuedCompletionStatus),
	FUNCTION(GetQueuedCompletionStatusEx),
	FUNCTION(GetSystemInfo),
	FUNCTION(GetTickCount),
	FUNCTION(GetTickCount64),
	FUNCTION(GlobalAlloc),
	FUNCTION(GlobalFree),
	FUNCTION(GlobalLock),
	FUNCTION(GlobalReAlloc),
	FUNCTION(GlobalSize),
	FUNCTION(GlobalUnlock),
	FUNCTION(HeapAlloc),
	FUNCTION(HeapFree),
	FUNCTION(HeapReAlloc),
	FUNCTION(HeapSize),
	FUNCTION(InitializeCriticalSection),
	FUNCTION(InitializeCriticalSectionAndSpinCount),
	FUNCTION(InitializeCriticalSectionEx),
	FUNCTION(KsCreateAllocator),
	FUNCTION(KsCreateClock),
	FUNCTION(KsCreatePin),
	FUNCTION(KsCreateTopologyNode),
	FUNCTION(KsGetMultiplePinFactoryItems),
	FUNCTION(KsOpenDefaultDevice),
	FUNCTION(KsSynchronousDeviceControl),
	FUNCTION(LeaveCriticalSection),
	FUNCTION(LoadLibraryA),
	FUNCTION(LoadLibraryExA),
	FUNCTION(LoadLibraryExW),
	FUNCTION(LoadLibraryW),
	FUNCTION(LocalAlloc),
	FUNCTION(LocalFree),
	FUNCTION(LocalLock),
	FUNCTION(LocalReAlloc),
	FUNCTION(LocalSize),
	FUNCTION(LocalUnlock),
	FUNCTION(MultiByteToWideChar),
	FUNCTION(NtClose),
	FUNCTION(NtDeviceIoControlFile),
	FUNCTION(NtOpenFile),
	FUNCTION(OutputDebugStringA),
	FUNCTION(OutputDebugStringW),
	FUNCTION(PostQueuedCompletionStatus),
	FUNCTION(QueryPerformanceCounter),
	FUNCTION(QueryPerformanceFrequency),
	FUNCTION(RegCloseKey),
	FUNCTION(RegOpenKeyExA),
	FUNCTION(RegOpenKeyExW),
	FUNCTION(RegQueryValueExA),
	FUNCTION(RegQueryValueExW),
	FUNCTION(ReleaseSemaphore),
	FUNCTION(ResetEvent),
	FUNCTION(ResumeThread),
	FUNCTION(RtlInitUnicodeString),
	FUNCTION(RtlNtStatusToDosError),
	FUNCTION(SetEvent),
	FUNCTION(SetLastError),
	FUNCTION(SetupDiDestroyDeviceInfoList),
	FUNCTION(SetupDiEnumDeviceInfo),
	FUNCTION(SetupDiEnumDeviceInterfaces),
	FUNCTION(SetupDiGetClassDevsA),
	FUNCTION(SetupDiGetClassDevsW),
	FUNCTION(SetupDiGetDeviceInstanceIdA),
	FUNCTION(SetupDiGetDeviceInstanceIdW),
	FUNCTION(SetupDiGetDeviceInterfaceAlias),
	FUNCTION(SetupDiGetDeviceInterfaceDetailA),
	FUNCTION(SetupDiGetDeviceInterfaceDetailW),
	FUNCTION(SetupDiGetDeviceRegistryPropertyA),
	FUNCTION(SetupDiGetDeviceRegistryPropertyW),
	FUNCTION(SetupDiOpenDevRegKey),
	FUNCTION(SetupDiOpenDeviceInterfaceRegKey),
	FUNCTION(Sleep),
	FUNCTION(TryEnterCriticalSection),
	FUNCTION(VirtualAlloc),
	FUNCTION(VirtualFree),
	FUNCTION(WaitForMultipleObjects),
	FUNCTION(WaitForMultipleObjectsEx),
	FUNCTION(WaitForSingleObject),
	FUNCTION(WaitForSingleObjectEx),
	FUNCTION(WideCharToMultiByte),
	FUNCTION(lstrlenA),
	FUNCTION(lstrlenW),
	FUNCTION(timeBeginPeriod),
	FUNCTION(timeEndPeriod),
	FUNCTION(timeGetTime),
};

/* The only module: this library */
static struct HINSTANCE__ module;

static bool is_known(const char *name)
{
	const char *slash = strrchr(name, '/'), *backslash = strrchr(name, '\\');
	const char *last = slash > backslash ? slash : backslash;
	size_t length, i;

	if (last)
		name = last + 1;
	length = strlen(name);
	if (length > 4 && !strcasecmp(name + length - 4, ".dll"))
		length -= 4;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == length && !strncasecmp(names[i], name, length))
			return true;
	return false;
}

static HMODULE find(const char *name, DWORD error)
{
	if (!error && (!name || !is_known(name)))
		error = ERROR_MOD_NOT_FOUND;
	if (!error)
		return &module;
	SetLastError(error);
	return NULL;
}

static HMODULE find_wide(LPCWSTR name)
{
	char *text = name ? win_narrow(name, win_wide_length(name)) : NULL;
	HMODULE found;

	found = find(text, text ? ERROR_SUCCESS :
		     name ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_PARAMETER);
	free(text);
	return found;
}

WIN_API HMODULE LoadLibraryA(LPCSTR name)
{
	return find(name, name ? ERROR_SUCCESS : ERROR_INVALID_PARAMETER);
}

WIN_API HMODULE LoadLibraryW(LPCWSTR name)
{
	return find_wide(name);
}

WIN_API HMODULE LoadLibraryExA(LPCSTR name, HANDLE file, DWORD flags)
{
	(void)flags;
	return find(name, name && !file ? ERROR_SUCCESS : ERROR_INVALID_PARAMETER);
}

WIN_API HMODULE LoadLibraryExW(LPCWSTR name, HANDLE file, DWORD flags)
{
	(void)flags;
	return find_wide(file ? NULL : name);
}

/* NULL is the program */
WIN_API HMODULE GetModuleHandleA(LPCSTR name)
{
	return name ? find(name, ERROR_SUCCESS) : &module;
}

WIN_API HMODULE GetModuleHandleW(LPCWSTR name)
{
	return name ? find_wide(name) : &module;
}

WIN_API BOOL FreeLibrary(HMODULE library)
{
	return win_result(library == &module ? 0 : -EBADF);
}

WIN_API FARPROC GetProcAddress(HMODULE library, LPCSTR name)
{
	size_t i;

	if (library != &module) {
		SetLastError(ERROR_MOD_NOT_FOUND);
		return NULL;
	}
	/* Windows has numbers of functions too, below 0x10000 */
	if ((uintptr_t)name >= 0x10000)
		for (i = 0; i < ARRAY_SIZE(functions); i++)
			if (!strcmp(functions[i].name, name))
				return (FARPROC)functions[i].function;
	SetLastError(ERROR_PROC_NOT_FOUND);
	return NULL;
}

/* Time */

/* The unit is that of the times of frames */
WIN_API BOOL QueryPerformanceFrequency(PLARGE_INTEGER frequency)
{
	if (!frequency)
		return win_result(-EFAULT);
	frequency->QuadPart = NANOSECONDS;
	return TRUE;
}

WIN_API BOOL QueryPerformanceCounter(PLARGE_INTEGER count)
{
	struct timespec now;

	if (!count)
		return win_result(-EFAULT);
	clock_gettime(CLOCK_MONOTONIC, &now);
	count->QuadPart = (LONGLONG)now.tv_sec * NANOSECONDS + now.tv_nsec / 100;
	return TRUE;
}

WIN_API ULONGLONG GetTickCount64(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (ULONGLONG)now.tv_sec * 1000 + (ULONGLONG)now.tv_nsec / 1000000;
}

WIN_API DWORD GetTickCount(void)
{
	return (DWORD)GetTickCount64();
}

WIN_API DWORD timeGetTime(void)
{
	return (DWORD)GetTickCount64();
}

WIN_API MMRESULT timeBeginPeriod(UINT milliseconds)
{
	return milliseconds ? TIMERR_NOERROR : TIMERR_NOCANDO;
}

WIN_API MMRESULT timeEndPeriod(UINT milliseconds)
{
	return milliseconds ? TIMERR_NOERROR : TIMERR_NOCANDO;
}

WIN_API DWORD GetCurrentProcessId(void)
{
	return (DWORD)getpid();
}
