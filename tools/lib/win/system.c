// SPDX-License-Identifier: GPL-2.0-only
/* GetSystemInfo() */
#include <unistd.h>

#include "win.h"

#if defined(__x86_64__)
#define ARCHITECTURE PROCESSOR_ARCHITECTURE_AMD64
#define TYPE PROCESSOR_AMD_X8664
#elif defined(__i386__)
#define ARCHITECTURE PROCESSOR_ARCHITECTURE_INTEL
#define TYPE PROCESSOR_INTEL_PENTIUM
#elif defined(__aarch64__)
#define ARCHITECTURE PROCESSOR_ARCHITECTURE_ARM64
#define TYPE 0
#elif defined(__arm__)
#define ARCHITECTURE PROCESSOR_ARCHITECTURE_ARM
#define TYPE 0
#else
#define ARCHITECTURE PROCESSOR_ARCHITECTURE_UNKNOWN
#define TYPE 0
#endif

/* The kernel gives larger addresses only to programs that ask for them */
#if UINTPTR_MAX > 0xffffffffu
#define END ((ULONG_PTR)1 << 48)
#else
#define END 0
#endif

#define LOWEST 0x10000

WIN_API VOID GetSystemInfo(LPSYSTEM_INFO info)
{
	DWORD page = (DWORD)sysconf(_SC_PAGESIZE), count = (DWORD)sysconf(_SC_NPROCESSORS_ONLN);
	DWORD bits = 8 * sizeof(DWORD_PTR);

	*info = (SYSTEM_INFO) {
		.wProcessorArchitecture = ARCHITECTURE,
		.dwPageSize = page,
		.lpMinimumApplicationAddress = (LPVOID)LOWEST,
		.lpMaximumApplicationAddress = (LPVOID)(END - page - 1),
		.dwActiveProcessorMask = ~(DWORD_PTR)0 >> (count < bits ? bits - count : 0),
		.dwNumberOfProcessors = count,
		.dwProcessorType = TYPE,
		.dwAllocationGranularity = page,
	};
}

/* Only programs for another architecture than the system would get another answer */
WIN_API VOID GetNativeSystemInfo(LPSYSTEM_INFO info)
{
	GetSystemInfo(info);
}
