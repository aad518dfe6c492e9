// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mistakes of clients of libkswin, with a model of a camera: wrong pointers, memory that is
 * unmapped too early, and handles that are closed while another thread uses them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ks/win/winternl.h>

#include "tap.h"
#include "wincamera.h"
#include "wrap.h"

/* More objects than malloc() keeps for a thread */
#define MANY 16
/* More handles than the table has room for */
#define MAX_HANDLES 128
#define FORKS 100

static HANDLE filter, pin;
/* Whether realloc() fails, by which the table of handles grows */
static bool no_memory;

void *__wrap_realloc(void *memory, size_t bytes)
{
	return no_memory ? NULL : __real_realloc(memory, bytes);
}

/* After the last handle of a pin was closed, a call that has begun can make no new one. */
static void test_late_duplicate(void)
{
	static char picture[CAMERA_BYTES];
	KSSTREAM_HEADER header = {
		.Size = sizeof(header), .Data = picture, .FrameExtent = sizeof(picture),
	};
	OVERLAPPED overlapped = { 0 };
	struct win_object *object;
	int files = count_files();
	HANDLE same;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	object = win_get(pin, WIN_PIN);
	CHECK(CloseHandle(pin));
	CHECK_EQ(end_read(NULL, &overlapped, FALSE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(win_publish(object, &same), -EBADF);
	CHECK(CloseHandle(filter));
	check_files(files);
}

/* Requests at odd addresses work, but an OVERLAPPED must be aligned. */
static void test_alignment(void)
{
	KSMETHOD method = {
		.Set = KSMETHODSETID_StreamAllocator, .Id = KSMETHOD_STREAMALLOCATOR_ALLOC,
	};
	KSEVENT event = {
		.Set = KSEVENTSETID_StreamAllocator, .Flags = KSEVENT_TYPE_ENABLE,
		.Id = KSEVENT_STREAMALLOCATOR_FREEFRAME,
	};
	KSEVENTDATA data = { .NotificationType = KSEVENTF_EVENT_HANDLE };
	char request[sizeof(method) + 1], out[sizeof(data) + 1];
	OVERLAPPED overlapped[2] = { 0 };
	HANDLE allocator;
	DWORD bytes;
	void *frame;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	allocator = open_allocator(pin);
	memcpy(request + 1, &method, sizeof(method));
	CHECK(DeviceIoControl(allocator, IOCTL_KS_METHOD, request + 1, sizeof(method), out + 1,
			      sizeof(frame), &bytes, NULL));
	memcpy(&frame, out + 1, sizeof(frame));
	method.Id = KSMETHOD_STREAMALLOCATOR_FREE;
	memcpy(request + 1, &method, sizeof(method));
	CHECK(DeviceIoControl(allocator, IOCTL_KS_METHOD, request + 1, sizeof(method), out + 1,
			      sizeof(frame), &bytes, NULL));
	CHECK_EQ(free_frame(allocator, frame), ERROR_INVALID_PARAMETER);
	data.EventHandle.Event = CreateEventA(NULL, TRUE, FALSE, NULL);
	memcpy(request + 1, &event, sizeof(event));
	memcpy(out + 1, &data, sizeof(data));
	CHECK(DeviceIoControl(allocator, IOCTL_KS_ENABLE_EVENT, request + 1, sizeof(event),
			      out + 1, sizeof(data), &bytes, NULL));
	CHECK(DeviceIoControl(allocator, IOCTL_KS_DISABLE_EVENT, out + 1, sizeof(data), NULL, 0,
			      &bytes, NULL));
	camera_signal(0);
	CHECK_EQ(allocate(allocator, &frame, (void *)((char *)overlapped + 1)), ERROR_NOACCESS);
	CHECK(CloseHandle(data.EventHandle.Event));
	CHECK(CloseHandle(allocator));
	close_all(filter, pin);
}

/* If the client has unmapped the memory for the address of a frame, the frame is free again. */
static void test_unmapped_answer(void)
{
	OVERLAPPED overlapped = { 0 };
	HANDLE allocator;
	void **page, *frames[3];
	int i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	allocator = open_allocator(pin);
	for (i = 0; i < 3; i++)
		CHECK_EQ(allocate(allocator, &frames[i], NULL), 0);
	page = VirtualAlloc(NULL, 4096, MEM_COMMIT, PAGE_READWRITE);
	CHECK_EQ(allocate(allocator, page, &overlapped), ERROR_IO_PENDING);
	CHECK(VirtualFree(page, 0, MEM_RELEASE));
	CHECK_EQ(free_frame(allocator, frames[1]), 0);
	CHECK_EQ(end_read(allocator, &overlapped, TRUE), ERROR_NOACCESS);
	CHECK_EQ(allocate(allocator, &frames[0], NULL), 0);
	CHECK(frames[0] == frames[1]);
	CHECK(CloseHandle(allocator));
	close_all(filter, pin);
}

/* J2: wrong pointers to requests for objects are refused. */
static void test_wrong_pointers(void)
{
	KSALLOCATOR_FRAMING framing = { .Frames = 3, .FrameSize = CAMERA_BYTES };
	PHANDLE nowhere = (PHANDLE)(ULONG_PTR)16;
	KSPIN_CONNECT connect = { 0 };
	HANDLE handle;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK_EQ(KsCreateAllocator(pin, (void *)nowhere, &handle), ERROR_NOACCESS);
	CHECK_EQ(KsCreateAllocator(pin, &framing, nowhere), ERROR_NOACCESS);
	CHECK_EQ(KsCreateAllocator(pin, NULL, &handle), ERROR_INVALID_PARAMETER);
	CHECK_EQ(KsCreatePin(filter, (void *)nowhere, 0, &handle), ERROR_NOACCESS);
	CHECK_EQ(KsCreatePin(filter, &connect, 0, nowhere), ERROR_NOACCESS);
	close_all(filter, pin);
}

/* If the client has unmapped the OVERLAPPED of a read, the event still tells that it has ended. */
static void test_unmapped_overlapped(void)
{
	static char picture[CAMERA_BYTES];
	KSSTREAM_HEADER header = {
		.Size = sizeof(header), .Data = picture, .FrameExtent = sizeof(picture),
	};
	OVERLAPPED *overlapped;
	HANDLE event;
	int i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	event = CreateEventA(NULL, FALSE, FALSE, NULL);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	for (i = 0; i < 2; i++) {
		overlapped = VirtualAlloc(NULL, sizeof(*overlapped), MEM_COMMIT, PAGE_READWRITE);
		overlapped->hEvent = event;
		CHECK_EQ(begin_read(pin, &header, sizeof(header), overlapped), ERROR_IO_PENDING);
		CHECK(VirtualFree(overlapped, 0, MEM_RELEASE));
		if (i)
			CHECK(CancelIo(pin));
		else
			camera_fill();
		CHECK_EQ(WaitForSingleObject(event, PATIENCE_S * 1000), WAIT_OBJECT_0);
	}
	CHECK(CloseHandle(event));
	close_all(filter, pin);
}

static HANDLE opened;
static IO_STATUS_BLOCK done;

static NTSTATUS open_native(PHANDLE handle, OBJECT_ATTRIBUTES *attributes,
			    IO_STATUS_BLOCK *status)
{
	int files = count_files();
	NTSTATUS ret = NtOpenFile(handle, GENERIC_READ, attributes, status, 0, 0);

	if (ret)
		CHECK_EQ(count_files(), files);
	return ret;
}

/* With another text of the same length */
static NTSTATUS open_native_text(const OBJECT_ATTRIBUTES *attributes, const WCHAR *text)
{
	UNICODE_STRING name = *attributes->ObjectName;
	OBJECT_ATTRIBUTES other = *attributes;

	name.Buffer = (PWSTR)text;
	other.ObjectName = &name;
	return open_native(&opened, &other, &done);
}

/* Wrong pointers to NtOpenFile() are refused, and nothing is opened. */
static void test_native_open(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *last = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	WCHAR text[] = L"camera", *cut = (WCHAR *)(void *)(last + page - 2 * sizeof(WCHAR));
	void *nowhere = (void *)(ULONG_PTR)16;
	OBJECT_ATTRIBUTES attributes;
	UNICODE_STRING name;

	CHECK(!munmap(last + page, page));
	memcpy(cut, text, 2 * sizeof(WCHAR));
	camera_reset();
	RtlInitUnicodeString(&name, text);
	InitializeObjectAttributes(&attributes, &name, 0, NULL, NULL);
	CHECK_EQ(open_native(nowhere, &attributes, &done), STATUS_ACCESS_VIOLATION);
	CHECK_EQ(open_native(&opened, &attributes, NULL), STATUS_ACCESS_VIOLATION);
	CHECK_EQ(open_native(&opened, &attributes, nowhere), STATUS_ACCESS_VIOLATION);
	CHECK_EQ(open_native(&opened, nowhere, &done), STATUS_ACCESS_VIOLATION);
	CHECK_EQ(open_native(&opened, NULL, &done), STATUS_INVALID_PARAMETER);
	attributes.ObjectName = nowhere;
	CHECK_EQ(open_native(&opened, &attributes, &done), STATUS_ACCESS_VIOLATION);
	attributes.ObjectName = &name;
	CHECK_EQ(open_native_text(&attributes, nowhere), STATUS_ACCESS_VIOLATION);
	CHECK_EQ(open_native_text(&attributes, cut), STATUS_ACCESS_VIOLATION);
	CHECK_EQ(open_native_text(&attributes, NULL), STATUS_INVALID_PARAMETER);
	CHECK(!mprotect(last, page, PROT_READ));
	CHECK_EQ(open_native((void *)last, &attributes, &done), STATUS_ACCESS_VIOLATION);
	CHECK_EQ(open_native(&opened, &attributes, (void *)last), STATUS_ACCESS_VIOLATION);
	CHECK(!opened);
	CHECK_EQ(done.Information, 0);
	CHECK_EQ(open_native(&opened, &attributes, &done), STATUS_SUCCESS);
	CHECK_EQ(NtClose(opened), STATUS_SUCCESS);
	munmap(last, page);
}

/* A call without a right IO_STATUS_BLOCK has no effect. */
static void test_native_status(void)
{
	KSPROPERTY property = {
		.Set = KSPROPSETID_Connection, .Id = KSPROPERTY_CONNECTION_STATE,
		.Flags = KSPROPERTY_TYPE_SET,
	};
	void *wrong[] = { NULL, (void *)(ULONG_PTR)16, (void *)"read-only" };
	KSSTATE state = KSSTATE_PAUSE;
	size_t i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		CHECK_EQ(NtDeviceIoControlFile(pin, NULL, NULL, NULL, wrong[i], IOCTL_KS_PROPERTY,
					       &property, sizeof(property), &state, sizeof(state)),
			 STATUS_ACCESS_VIOLATION);
		CHECK_EQ(camera.state, KSSTATE_STOP);
	}
	close_all(filter, pin);
}

/* The memory of a camera that a pin had is not that of another pin, which is at its address. */
static void test_address_again(void)
{
	KSALLOCATOR_FRAMING framing = { .Frames = 3, .FrameSize = CAMERA_BYTES };
	KSPROPERTY property = {
		.Set = KSPROPSETID_Stream, .Id = KSPROPERTY_STREAM_ALLOCATOR,
		.Flags = KSPROPERTY_TYPE_SET,
	};
	HANDLE allocator, filters[MANY], pins[MANY];
	KSSTREAM_HEADER header = { .Size = sizeof(header), .FrameExtent = CAMERA_BYTES };
	OVERLAPPED overlapped = { 0 };
	struct win_object *before, *after;
	int i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	for (i = 0; i < MANY; i++) {
		filters[i] = open_filter();
		pins[i] = open_pin(filters[i]);
	}
	CHECK_EQ(KsCreateAllocator(pin, &framing, &allocator), ERROR_SUCCESS);
	before = win_get(pin, WIN_PIN);
	win_put(before);
	/* calloc() does not take what malloc() keeps for the thread, so others come first */
	for (i = 0; i < MANY; i++)
		CHECK(CloseHandle(pins[i]));
	CHECK(CloseHandle(pin));
	pin = open_pin(filter);
	for (i = 0; i < MANY; i++) {
		after = win_get(pin, WIN_PIN);
		win_put(after);
		pins[i] = NULL;
		if (after == before)
			continue;
		pins[i] = pin;
		pin = open_pin(filters[i]);
	}
	if (after != before)
		printf("# no pin is at the same address\n");
	CHECK(DeviceIoControl(pin, IOCTL_KS_PROPERTY, &property, sizeof(property), &allocator,
			      sizeof(allocator), NULL, NULL));
	CHECK_EQ(allocate(allocator, &header.Data, NULL), 0);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	CHECK_EQ(camera.without_descriptor, 0);
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), 0);
	CHECK(CloseHandle(allocator));
	for (i = 0; i < MANY; i++) {
		CHECK(!pins[i] || CloseHandle(pins[i]));
		CHECK(CloseHandle(filters[i]));
	}
	close_all(filter, pin);
}

static HANDLE runner;

static DWORD WINAPI run(LPVOID arg)
{
	(void)arg;
	return set_state(pin, KSSTATE_RUN);
}

static void start_to_run(void)
{
	runner = CreateThread(NULL, 0, run, NULL, 0, NULL);
	camera_wait_for_pause();
}

/* An allocator that is made does not take away the frames with which another thread starts. */
static void test_allocator_while_starting(void)
{
	DWORD result = ERROR_GEN_FAILURE;
	HANDLE allocator;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	camera.before_leave = start_to_run;
	allocator = open_allocator(pin);
	CHECK(!camera.before_leave);
	CHECK_EQ(WaitForSingleObject(runner, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(runner, &result));
	CHECK_EQ(result, 0);
	CHECK(camera.assigned);
	CHECK(CloseHandle(runner));
	CHECK(CloseHandle(allocator));
	close_all(filter, pin);
}

/* An allocator for which there is no handle is not used. */
static void test_no_handle(void)
{
	static char picture[CAMERA_BYTES];
	KSSTREAM_HEADER header = {
		.Size = sizeof(header), .Data = picture, .FrameExtent = sizeof(picture),
	};
	KSALLOCATOR_FRAMING framing = {
		.OptionsFlags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.Frames = 3,
		.FrameSize = CAMERA_BYTES,
	};
	HANDLE events[MAX_HANDLES], allocator = NULL;
	OVERLAPPED overlapped = { 0 };
	int count = 0;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	no_memory = true;
	while (count < MAX_HANDLES) {
		events[count] = CreateEventA(NULL, TRUE, FALSE, NULL);
		if (!events[count])
			break;
		count++;
	}
	CHECK(count < MAX_HANDLES);
	CHECK_EQ(KsCreateAllocator(pin, &framing, &allocator), ERROR_NOT_ENOUGH_MEMORY);
	no_memory = false;
	CHECK(!allocator);
	CHECK(!camera.assigned);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	if (begin_read(pin, &header, sizeof(header), &overlapped) == ERROR_IO_PENDING)
		camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), 0);
	while (count)
		CHECK(CloseHandle(events[--count]));
	close_all(filter, pin);
}

static DWORD WINAPI open_and_close(LPVOID stop)
{
	while (WaitForSingleObject(stop, 0))
		CloseHandle(CreateEventA(NULL, TRUE, FALSE, NULL));
	return 0;
}

/* Returns whether a new process has no handles, and can make some */
static bool check_child(void)
{
	pid_t child = fork();
	int status = -1;
	bool ok;

	if (!child) {
		alarm(PATIENCE_S);
		ok = !CloseHandle(pin) && GetLastError() == ERROR_INVALID_HANDLE &&
		     CreateEventA(NULL, TRUE, FALSE, NULL);
		_exit(!ok);
	}
	return waitpid(child, &status, 0) == child && !status;
}

/* A process that is forked cannot close the pin of its parent. Other threads use the table. */
static void test_fork(void)
{
	static char picture[CAMERA_BYTES];
	KSSTREAM_HEADER header = {
		.Size = sizeof(header), .Data = picture, .FrameExtent = sizeof(picture),
	};
	HANDLE stop, thread;
	OVERLAPPED overlapped = { 0 };
	int i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	stop = CreateEventA(NULL, TRUE, FALSE, NULL);
	thread = CreateThread(NULL, 0, open_and_close, stop, 0, NULL);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	for (i = 0; i < FORKS && check_child(); i++)
		;
	CHECK_EQ(i, FORKS);
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), 0);
	SetEvent(stop);
	CHECK_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(thread));
	CHECK(CloseHandle(stop));
	close_all(filter, pin);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "duplicate of a closed pin", test_late_duplicate },
		{ "requests at odd addresses", test_alignment },
		{ "memory that was unmapped", test_unmapped_answer },
		{ "wrong pointers", test_wrong_pointers },
		{ "OVERLAPPED that was unmapped", test_unmapped_overlapped },
		{ "wrong pointers to NtOpenFile", test_native_open },
		{ "wrong IO_STATUS_BLOCK", test_native_status },
		{ "pin at the address of another one", test_address_again },
		{ "allocator made while the pin starts", test_allocator_while_starting },
		{ "allocator without a handle", test_no_handle },
		{ "fork", test_fork },
	};

	alarm(PATIENCE_S);
	return tap_run(tests, ARRAY_SIZE(tests));
}
