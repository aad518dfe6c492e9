// SPDX-License-Identifier: GPL-2.0-only
/*
 * What winbase.h has of the system: GetSystemInfo().
 * A client may include only this header.
 */
#include <ks/win/winbase.h>

#include <string.h>
#include <unistd.h>

#include "tap.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The system */

static void test_system(void)
{
	SYSTEM_INFO info, native;
	ULONG_PTR here = (ULONG_PTR)&info;
	LPVOID page;

	memset(&info, 0xff, sizeof(info));
	GetSystemInfo(&info);
	CHECK_EQ(info.dwPageSize, sysconf(_SC_PAGESIZE));
	CHECK_EQ(info.dwNumberOfProcessors, sysconf(_SC_NPROCESSORS_ONLN));
	CHECK(info.dwActiveProcessorMask & 1);
	CHECK(info.wProcessorArchitecture != PROCESSOR_ARCHITECTURE_UNKNOWN);
	CHECK_EQ(info.wReserved, 0);
	CHECK((ULONG_PTR)info.lpMinimumApplicationAddress < here);
	CHECK((ULONG_PTR)info.lpMaximumApplicationAddress > here);
	page = VirtualAlloc(NULL, 1, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	CHECK(page);
	CHECK_EQ((ULONG_PTR)page % info.dwAllocationGranularity, 0);
	VirtualFree(page, 0, MEM_RELEASE);
	memset(&native, 0, sizeof(native));
	GetNativeSystemInfo(&native);
	CHECK(!memcmp(&info, &native, sizeof(info)));
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "information about the system", test_system },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
