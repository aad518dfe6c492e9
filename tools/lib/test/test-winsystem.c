// SPDX-License-Identifier: GPL-2.0-only
/*
 * What winbase.h has of the system: critical sections, GetSystemInfo(), and waiting for threads
 * that have no handle. A client may include only this header.
 */
#include <ks/win/winbase.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <ks/win/combaseapi.h>
#include <ks/win/native.h>

#include "tap.h"
#include "wrap.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* As before Linux 6.9: there are no descriptors of threads */
static bool is_old;

long __wrap_syscall(long number, ...)
{
	long args[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		args[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_pidfd_open && is_old) {
		errno = EINVAL;
		return -1;
	}
	return __real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

/* Critical sections */

#define THREADS 4
#define ROUNDS 50000

static CRITICAL_SECTION section;
static long count;

static void *try_once(void *arg)
{
	*(BOOL *)arg = TryEnterCriticalSection(&section);
	if (*(BOOL *)arg)
		LeaveCriticalSection(&section);
	return NULL;
}

/* Whether another thread could enter it now */
static BOOL is_free(void)
{
	pthread_t thread;
	BOOL entered = FALSE;

	CHECK(!pthread_create(&thread, NULL, try_once, &entered));
	pthread_join(thread, NULL);
	return entered;
}

static void *leave_wrongly(void *arg)
{
	LeaveCriticalSection(&section);
	return arg;
}

/* J2: a thread can enter it again, and another one only when it was left as often. */
static void test_critical(void)
{
	pthread_t other;

	InitializeCriticalSection(&section);
	CHECK_EQ(section.LockCount, -1);
	CHECK(is_free());
	EnterCriticalSection(&section);
	CHECK(section.OwningThread == (HANDLE)(ULONG_PTR)GetCurrentThreadId());
	CHECK(!is_free());
	EnterCriticalSection(&section);
	CHECK(TryEnterCriticalSection(&section));
	CHECK_EQ(section.RecursionCount, 3);
	LeaveCriticalSection(&section);
	LeaveCriticalSection(&section);
	CHECK(!is_free());
	CHECK(!pthread_create(&other, NULL, leave_wrongly, NULL));
	pthread_join(other, NULL);
	CHECK(!is_free());
	LeaveCriticalSection(&section);
	CHECK(is_free());
	LeaveCriticalSection(&section);
	CHECK(is_free());
	CHECK(!section.OwningThread);
	DeleteCriticalSection(&section);
}

static void *add(void *arg)
{
	long before;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		EnterCriticalSection(&section);
		before = __atomic_load_n(&count, __ATOMIC_RELAXED);
		if (i % 1000 == 0)
			Sleep(0);
		__atomic_store_n(&count, before + 1, __ATOMIC_RELAXED);
		LeaveCriticalSection(&section);
	}
	return arg;
}

/* Only one thread is inside at a time, and none waits forever. */
static void test_contention(void)
{
	pthread_t threads[THREADS];
	int i;

	CHECK(InitializeCriticalSectionAndSpinCount(&section, 0x80000400));
	CHECK_EQ(section.SpinCount, 0x400);
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, add, NULL));
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(count, THREADS * ROUNDS);
	CHECK_EQ(section.LockCount, -1);
	DeleteCriticalSection(&section);
	CHECK(InitializeCriticalSectionEx(&section, 0, CRITICAL_SECTION_NO_DEBUG_INFO));
	DeleteCriticalSection(&section);
	CHECK(!InitializeCriticalSectionEx(&section, 0, 1));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!InitializeCriticalSectionEx(&section, 0x01000000, 0));
	CHECK(!InitializeCriticalSectionEx(NULL, 0, 0));
}

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

static void test_task_memory(void)
{
	char *memory = CoTaskMemAlloc(0);

	CHECK(memory);
	memory = CoTaskMemRealloc(memory, 4);
	CHECK(memory);
	if (memory)
		memcpy(memory, "abc", sizeof("abc"));
	memory = CoTaskMemRealloc(memory, 100000);
	CHECK(memory);
	if (memory)
		CHECK_STR(memory, "abc");
	CHECK(!CoTaskMemRealloc(memory, 0));
	memory = CoTaskMemRealloc(NULL, 0);
	CHECK(memory);
	CoTaskMemFree(memory);
	CoTaskMemFree(NULL);
}

/* Threads */

static void *wait_for_event(void *arg)
{
	WaitForSingleObject(arg, INFINITE);
	return arg;
}

static void *end_later(void *arg)
{
	Sleep(20);
	return arg;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1000000000;
}

/* The wait ends when the thread has ended, or after the time. The thread can still be joined. */
static void check_threads(void)
{
	HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL);
	pthread_t thread;
	double before;
	void *result = NULL;

	CHECK(!pthread_create(&thread, NULL, wait_for_event, event));
	CHECK_EQ(LibksWaitForThread(thread, 0), WAIT_TIMEOUT);
	before = seconds();
	CHECK_EQ(LibksWaitForThread(thread, 30), WAIT_TIMEOUT);
	CHECK(seconds() - before >= 0.03);
	SetEvent(event);
	CHECK_EQ(LibksWaitForThread(thread, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(LibksWaitForThread(thread, 0), WAIT_OBJECT_0);
	CHECK(!pthread_join(thread, &result));
	CHECK(result == event);

	CHECK(!pthread_create(&thread, NULL, end_later, NULL));
	CHECK_EQ(LibksWaitForThread(thread, 60000), WAIT_OBJECT_0);
	CHECK(!pthread_join(thread, NULL));
	CloseHandle(event);
}

static void test_native_threads(void)
{
	check_threads();
	CHECK_EQ(LibksWaitForThread(0, 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK_EQ(LibksWaitForThread(pthread_self(), 1), WAIT_TIMEOUT);
}

static void test_native_threads_old(void)
{
	is_old = true;
	check_threads();
	is_old = false;
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "critical section", test_critical },
		{ "critical section of several threads", test_contention },
		{ "information about the system", test_system },
		{ "memory of COM", test_task_memory },
		{ "threads without handles", test_native_threads },
		{ "threads without handles before Linux 6.9", test_native_threads_old },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
