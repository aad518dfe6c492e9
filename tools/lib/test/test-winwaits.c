// SPDX-License-Identifier: GPL-2.0-only
/* Semaphores and threads of libkswin, with a model of a camera. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "wincamera.h"

static HANDLE filter, pin;

static DWORD join(HANDLE thread)
{
	DWORD exit_code = 0;

	CHECK_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(thread, &exit_code));
	CHECK(CloseHandle(thread));
	return exit_code;
}

/* Semaphores */

/* J2: a wait takes one of the count. A release above the maximum changes nothing. */
static void test_semaphore(void)
{
	HANDLE semaphore = CreateSemaphoreA(NULL, 2, 4, NULL), event;
	HANDLE both[2];
	LONG before = -1;

	CHECK(semaphore);
	CHECK_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(semaphore, 1), WAIT_TIMEOUT);
	CHECK(ReleaseSemaphore(semaphore, 1, &before));
	CHECK_EQ(before, 0);
	CHECK(ReleaseSemaphore(semaphore, 2, &before));
	CHECK_EQ(before, 1);
	CHECK(!ReleaseSemaphore(semaphore, 2, &before));
	CHECK_EQ(GetLastError(), ERROR_TOO_MANY_POSTS);
	CHECK_EQ(before, 1);
	CHECK(!ReleaseSemaphore(semaphore, 0, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!ReleaseSemaphore(semaphore, INT32_MAX, NULL));
	CHECK(ReleaseSemaphore(semaphore, 1, &before));
	CHECK_EQ(before, 3);

	event = CreateEventA(NULL, FALSE, FALSE, NULL);
	both[0] = semaphore;
	both[1] = event;
	CHECK_EQ(WaitForMultipleObjects(2, both, TRUE, 1), WAIT_TIMEOUT);
	SetEvent(event);
	CHECK_EQ(WaitForMultipleObjectsEx(2, both, TRUE, INFINITE, FALSE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
	CHECK(ReleaseSemaphore(semaphore, 1, &before));
	CHECK_EQ(before, 3);
	both[1] = semaphore;
	CHECK_EQ(WaitForMultipleObjects(2, both, TRUE, 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK_EQ(WaitForMultipleObjects(2, both, FALSE, 0), WAIT_OBJECT_0);

	CHECK(!ReleaseSemaphore(event, 1, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(!SetEvent(semaphore));
	CHECK(!CreateSemaphoreA(NULL, -1, 1, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!CreateSemaphoreA(NULL, 0, 0, NULL));
	CHECK(!CreateSemaphoreA(NULL, 2, 1, NULL));
	CHECK(!CreateSemaphoreA(NULL, 0, 1, "name"));
	CHECK_EQ(GetLastError(), ERROR_NOT_SUPPORTED);
	CloseHandle(semaphore);
	CloseHandle(event);
}

static DWORD take_and_release(LPVOID semaphore)
{
	int i;

	for (i = 0; i < 100000; i++)
		if (!WaitForSingleObject(semaphore, 0))
			ReleaseSemaphore(semaphore, 1, NULL);
	return 0;
}

/* While others change the count, it is never 0 for a moment. */
static void test_semaphore_for_all(void)
{
	HANDLE semaphore = CreateSemaphoreA(NULL, 8, 8, NULL);
	HANDLE thread = CreateThread(NULL, 0, take_and_release, semaphore, 0, NULL);
	int missed = 0;

	while (WaitForSingleObject(thread, 0)) {
		if (WaitForSingleObject(semaphore, 0))
			missed++;
		else
			ReleaseSemaphore(semaphore, 1, NULL);
	}
	CHECK_EQ(missed, 0);
	CHECK(CloseHandle(thread));
	CHECK(CloseHandle(semaphore));
}

/* A semaphore counts the frames that become free. */
static void test_semaphore_of_frames(void)
{
	HANDLE semaphore, allocator;
	KSEVENTDATA data = { .NotificationType = KSEVENTF_SEMAPHORE_HANDLE };
	KSEVENT request = {
		.Set = KSEVENTSETID_StreamAllocator,
		.Id = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.Flags = KSEVENT_TYPE_ENABLE,
	};
	static const struct {
		LONG adjustment;
		DWORD error;
	} wrong[] = {
		{ 0, ERROR_INVALID_PARAMETER }, { -1, ERROR_INVALID_PARAMETER },
		{ 2, ERROR_NOT_SUPPORTED },
	};
	LONG before;
	size_t i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	semaphore = CreateSemaphoreA(NULL, 0, 9, NULL);
	allocator = open_allocator(pin);
	data.SemaphoreHandle.Semaphore = semaphore;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		data.SemaphoreHandle.Adjustment = wrong[i].adjustment;
		CHECK(!DeviceIoControl(allocator, IOCTL_KS_ENABLE_EVENT, &request, sizeof(request),
				       &data, sizeof(data), NULL, NULL));
		CHECK_EQ(GetLastError(), wrong[i].error);
	}
	data.SemaphoreHandle.Adjustment = 1;
	CHECK(DeviceIoControl(allocator, IOCTL_KS_ENABLE_EVENT, &request, sizeof(request), &data,
			      sizeof(data), NULL, NULL));
	camera_signal(3);
	CHECK_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
	CHECK(ReleaseSemaphore(semaphore, 1, &before));
	CHECK_EQ(before, 2);
	data.NotificationType = KSEVENTF_EVENT_HANDLE;
	CHECK(!DeviceIoControl(allocator, IOCTL_KS_ENABLE_EVENT, &request, sizeof(request), &data,
			       sizeof(data), NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CloseHandle(semaphore);
	CloseHandle(allocator);
	close_all(filter, pin);
}

/* Threads */

static DWORD WINAPI tell_id(LPVOID arg)
{
	*(DWORD *)arg = GetCurrentThreadId();
	return 5;
}

static DWORD WINAPI exit_early(LPVOID arg)
{
	WaitForSingleObject(arg, INFINITE);
	ExitThread(6);
	return 0;
}

/* J2: a thread can be waited for, and has an exit code. It can begin suspended. */
static void test_threads(void)
{
	HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL), thread, handles[2];
	DWORD id = 0, told = 0, exit_code = 0;
	int before = count_files();

	thread = CreateThread(NULL, 1, tell_id, &told, CREATE_SUSPENDED, &id);
	CHECK(thread);
	CHECK_EQ(WaitForSingleObject(thread, 5), WAIT_TIMEOUT);
	CHECK_EQ(told, 0);
	CHECK_EQ(ResumeThread(thread), 1);
	CHECK_EQ(join(thread), 5);
	CHECK_EQ(told, id);
	CHECK(id != GetCurrentThreadId());

	thread = CreateThread(NULL, 1 << 20, exit_early, event, 0, NULL);
	CHECK(GetExitCodeThread(thread, &exit_code));
	CHECK_EQ(exit_code, STILL_ACTIVE);
	CHECK_EQ(ResumeThread(thread), 0);
	handles[0] = event;
	handles[1] = thread;
	CHECK_EQ(WaitForMultipleObjects(2, handles, FALSE, 0), WAIT_TIMEOUT);
	SetEvent(event);
	CHECK_EQ(WaitForMultipleObjects(2, handles, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObjectEx(thread, 0, TRUE), WAIT_OBJECT_0);
	CHECK_EQ(join(thread), 6);

	CHECK(!CreateThread(NULL, 0, NULL, NULL, 0, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!GetExitCodeThread(event, &exit_code));
	CHECK_EQ(ResumeThread(event), (DWORD)-1);
	CHECK_EQ(WaitForSingleObject(GetCurrentProcess(), 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	check_files(before);
	CloseHandle(event);
}

static DWORD WINAPI use_own_handle(LPVOID event)
{
	HANDLE handles[2] = { event, GetCurrentThread() };
	DWORD exit_code = 0;

	CHECK_EQ(WaitForSingleObject(GetCurrentThread(), 1), WAIT_TIMEOUT);
	CHECK_EQ(WaitForMultipleObjects(2, handles, FALSE, 0), WAIT_TIMEOUT);
	SetEvent(event);
	CHECK_EQ(WaitForMultipleObjects(2, handles, FALSE, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForMultipleObjects(2, handles, TRUE, 1), WAIT_TIMEOUT);
	ResetEvent(event);
	CHECK(GetExitCodeThread(GetCurrentThread(), &exit_code));
	CHECK_EQ(exit_code, STILL_ACTIVE);
	CHECK_EQ(ResumeThread(GetCurrentThread()), 0);
	return 7;
}

static void *use_own_handle_in_pthread(void *event)
{
	use_own_handle(event);
	return NULL;
}

/* A thread can use the handle that means itself, and its object ends with it. */
static void test_own_thread(void)
{
	HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL);
	int before = count_files();
	pthread_t thread;

	CHECK_EQ(join(CreateThread(NULL, 0, use_own_handle, event, 0, NULL)), 7);
	CHECK(!pthread_create(&thread, NULL, use_own_handle_in_pthread, event));
	pthread_join(thread, NULL);
	check_files(before);
	CloseHandle(event);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "semaphore", test_semaphore },
		{ "semaphore of two threads", test_semaphore_for_all },
		{ "semaphore of free frames", test_semaphore_of_frames },
		{ "threads", test_threads },
		{ "handle of the own thread", test_own_thread },
	};

	alarm(PATIENCE_S);
	return tap_run(tests, ARRAY_SIZE(tests));
}
