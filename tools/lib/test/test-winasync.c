// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of libkswin that complete later: how they are cancelled and waited for, and completion
 * ports; with a model of a camera.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ks/win/winternl.h>

#include "tap.h"
#include "wincamera.h"

#define READS 4

static HANDLE filter, pin;

struct one {
	KSSTREAM_HEADER header;
	OVERLAPPED overlapped;
	unsigned char data[CAMERA_BYTES];
};

static struct one ones[READS];

static DWORD read_one(struct one *one, HANDLE event)
{
	one->header = (KSSTREAM_HEADER) {
		.Size = sizeof(one->header),
		.Data = one->data,
		.FrameExtent = CAMERA_BYTES,
	};
	one->overlapped = (OVERLAPPED) { .hEvent = event };
	return begin_read(pin, &one->header, sizeof(one->header), &one->overlapped);
}

static void read_all(void)
{
	int i;

	for (i = 0; i < READS; i++)
		CHECK_EQ(read_one(&ones[i], NULL), ERROR_IO_PENDING);
}

static DWORD state_of(int i)
{
	return end_read(pin, &ones[i].overlapped, FALSE);
}

static DWORD cancel(HANDLE file, OVERLAPPED *overlapped)
{
	return CancelIoEx(file, overlapped) ? 0 : GetLastError();
}

/* J2: CancelIoEx() cancels one call, or all of a handle; the others complete. */
static void test_cancel(void)
{
	HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL);

	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK_EQ(cancel(pin, NULL), ERROR_NOT_FOUND);
	CHECK(CancelIo(pin));
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	read_all();
	CHECK_EQ(cancel(pin, &ones[1].overlapped), 0);
	CHECK_EQ(cancel(pin, &ones[1].overlapped), ERROR_NOT_FOUND);
	CHECK_EQ(state_of(0), ERROR_IO_INCOMPLETE);
	CHECK_EQ(state_of(1), ERROR_OPERATION_ABORTED);
	CHECK_EQ(ones[1].overlapped.InternalHigh, 0);
	camera_fill();
	camera_fill();
	CHECK_EQ(end_read(pin, &ones[0].overlapped, TRUE), 0);
	CHECK_EQ(end_read(pin, &ones[2].overlapped, TRUE), 0);
	CHECK_EQ(ones[2].data[0], 1);
	CHECK_EQ(read_one(&ones[0], event), ERROR_IO_PENDING);
	CHECK_EQ(cancel(pin, NULL), 0);
	CHECK_EQ(state_of(3), ERROR_OPERATION_ABORTED);
	CHECK_EQ(state_of(0), ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	CHECK_EQ(cancel(event, NULL), ERROR_NOT_FOUND);
	CHECK_EQ(cancel(NULL, NULL), ERROR_INVALID_HANDLE);
	CHECK(!CancelIo(NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	close_all(filter, pin);
	CloseHandle(event);
}

static DWORD WINAPI begin_first(LPVOID arg)
{
	return read_one(arg, NULL);
}

static DWORD join(HANDLE thread)
{
	DWORD exit_code = 0;

	CHECK_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(thread, &exit_code));
	CHECK(CloseHandle(thread));
	return exit_code;
}

/* CancelIo() cancels the calls of the thread that calls it. */
static void test_cancel_own(void)
{
	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK_EQ(join(CreateThread(NULL, 0, begin_first, &ones[0], 0, NULL)), ERROR_IO_PENDING);
	CHECK_EQ(read_one(&ones[1], NULL), ERROR_IO_PENDING);
	CHECK(CancelIo(pin));
	CHECK_EQ(state_of(0), ERROR_IO_INCOMPLETE);
	CHECK_EQ(state_of(1), ERROR_OPERATION_ABORTED);
	CHECK_EQ(cancel(pin, NULL), 0);
	CHECK_EQ(state_of(0), ERROR_OPERATION_ABORTED);
	close_all(filter, pin);
}

/* A thread in a read that it waits for, and its handles */
static HANDLE own_handle;
static pthread_t own_thread;

static DWORD WINAPI read_and_wait(LPVOID arg)
{
	struct one *one = arg;

	own_thread = pthread_self();
	CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(),
			      &own_handle, 0, FALSE, DUPLICATE_SAME_ACCESS));
	one->header = (KSSTREAM_HEADER) {
		.Size = sizeof(one->header), .Data = one->data, .FrameExtent = CAMERA_BYTES,
	};
	return begin_read(pin, &one->header, sizeof(one->header), NULL);
}

/* It is not known when another thread waits */
static void cancel_synchronous(HANDLE thread)
{
	while (!CancelSynchronousIo(thread)) {
		CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
		Sleep(1);
	}
}

/* As a program without threads of Windows does it */
static void *read_in_pthread(void *arg)
{
	return (void *)(uintptr_t)read_and_wait(arg);
}

/* CancelSynchronousIo() ends the call that a thread waits for, and no other call. */
static void test_cancel_synchronous(void)
{
	HANDLE thread;
	pthread_t other;
	void *result;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK_EQ(read_one(&ones[1], NULL), ERROR_IO_PENDING);
	CHECK(!CancelSynchronousIo((HANDLE)(uintptr_t)pthread_self()));
	CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
	thread = CreateThread(NULL, 0, read_and_wait, &ones[0], 0, NULL);
	cancel_synchronous(thread);
	CHECK_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
	CHECK(!CancelSynchronousIo(thread));
	CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
	CHECK(CloseHandle(own_handle));
	CHECK_EQ(join(thread), ERROR_OPERATION_ABORTED);
	CHECK(!CancelSynchronousIo(thread));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(!CancelSynchronousIo(pin));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(!CancelSynchronousIo(NULL));
	CHECK(!CancelSynchronousIo(INVALID_HANDLE_VALUE));

	CHECK(!pthread_create(&other, NULL, read_in_pthread, &ones[0]));
	cancel_synchronous((HANDLE)(uintptr_t)other);
	pthread_join(other, &result);
	CHECK_EQ((uintptr_t)result, ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(own_handle, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(own_handle));
	CHECK_EQ(state_of(1), ERROR_IO_INCOMPLETE);
	CHECK_EQ(cancel(pin, NULL), 0);
	close_all(filter, pin);
}

/*
 * After a read of a frame is cancelled, the frame stays in the device. Another read of it gets
 * it, and it can be freed when the device has filled it.
 */
static void test_cancel_frames(void)
{
	OVERLAPPED overlapped = { 0 };
	KSSTREAM_HEADER header = { .Size = sizeof(header) };
	HANDLE allocator;
	void *frame;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	allocator = open_allocator(pin);
	CHECK_EQ(allocate(allocator, &frame, NULL), 0);
	header.Data = frame;
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	CHECK_EQ(cancel(pin, &overlapped), 0);
	CHECK_EQ(end_read(pin, &overlapped, FALSE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(camera.submitted, 1);
	camera_fill();
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	CHECK_EQ(end_read(pin, &overlapped, TRUE), 0);
	CHECK_EQ(camera.submitted, 1);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	CHECK_EQ(cancel(pin, NULL), 0);
	CHECK_EQ(camera.submitted, 2);
	/* STOP returns it, and it is submitted again */
	CHECK_EQ(set_state(pin, KSSTATE_STOP), 0);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	CHECK_EQ(camera.submitted, 3);
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), 0);
	CloseHandle(allocator);
	close_all(filter, pin);
}

static HANDLE busy_allocator;

/* A client that frees its frame as soon as the read has ended */
static struct {
	OVERLAPPED overlapped[CAMERA_MAX_FRAMES];
	KSSTREAM_HEADER headers[CAMERA_MAX_FRAMES];
	void *frames[CAMERA_MAX_FRAMES];
} many;

static DWORD WINAPI free_at_once(LPVOID arg)
{
	OVERLAPPED *overlapped = arg;
	void *frame = many.frames[overlapped - many.overlapped];

	while (!HasOverlappedIoCompleted(overlapped))
		;
	return free_frame(busy_allocator, frame);
}

static void read_many(HANDLE *events)
{
	int i;

	for (i = 0; i < CAMERA_MAX_FRAMES; i++) {
		if (!many.frames[i])
			CHECK_EQ(allocate(busy_allocator, &many.frames[i], NULL), 0);
		many.headers[i] = (KSSTREAM_HEADER) {
			.Size = sizeof(many.headers[i]),
			.Data = many.frames[i],
		};
		many.overlapped[i] = (OVERLAPPED) { .hEvent = events[i] };
		CHECK_EQ(begin_read(pin, &many.headers[i], sizeof(many.headers[i]),
				    &many.overlapped[i]), ERROR_IO_PENDING);
	}
}

/* When a read has ended, the client can free its frame, although others have not ended yet. */
static void test_free_after_read(void)
{
	HANDLE events[CAMERA_MAX_FRAMES], thread;
	DWORD error;
	int i, turn;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	memset(&many, 0, sizeof(many));
	busy_allocator = open_allocator_of(pin, CAMERA_MAX_FRAMES);
	for (i = 0; i < CAMERA_MAX_FRAMES; i++)
		events[i] = CreateEventA(NULL, TRUE, FALSE, NULL);
	for (turn = 0; turn < 100; turn++) {
		CHECK_EQ(set_state(pin, KSSTATE_PAUSE), 0);
		read_many(events);
		thread = CreateThread(NULL, 0, free_at_once, &many.overlapped[0], 0, NULL);
		/* It runs now */
		Sleep(1);
		if (turn & 1)
			CHECK_EQ(reset_pin(pin, KSRESET_BEGIN), 0);
		CHECK_EQ(set_state(pin, KSSTATE_STOP), 0);
		error = join(thread);
		CHECK_EQ(error, 0);
		if (!error)
			many.frames[0] = NULL;
	}
	for (i = 0; i < CAMERA_MAX_FRAMES; i++)
		CloseHandle(events[i]);
	CHECK(CloseHandle(busy_allocator));
	close_all(filter, pin);
}

static DWORD WINAPI allocate_and_wait(LPVOID arg)
{
	return allocate(busy_allocator, arg, NULL);
}

/* ALLOC calls that wait can be cancelled: the one that waits in the kernel, and those behind. */
static void test_cancel_alloc(void)
{
	OVERLAPPED overlapped[4];
	void *frames[3], *later[4] = { 0 };
	HANDLE thread;
	int i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	memset(overlapped, 0, sizeof(overlapped));
	busy_allocator = open_allocator(pin);
	for (i = 0; i < 3; i++)
		CHECK_EQ(allocate(busy_allocator, &frames[i], NULL), 0);
	for (i = 0; i < 4; i++)
		CHECK_EQ(allocate(busy_allocator, &later[i], &overlapped[i]), ERROR_IO_PENDING);
	camera_wait_for_alloc();
	CHECK_EQ(cancel(busy_allocator, &overlapped[0]), 0);
	CHECK_EQ(cancel(busy_allocator, &overlapped[2]), 0);
	CHECK_EQ(cancel(busy_allocator, &overlapped[2]), ERROR_NOT_FOUND);
	CHECK_EQ(end_read(busy_allocator, &overlapped[0], TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(end_read(busy_allocator, &overlapped[2], TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(end_read(busy_allocator, &overlapped[1], FALSE), ERROR_IO_INCOMPLETE);
	thread = CreateThread(NULL, 0, allocate_and_wait, &later[0], 0, NULL);
	cancel_synchronous(thread);
	CHECK_EQ(join(thread), ERROR_OPERATION_ABORTED);
	CHECK_EQ(end_read(busy_allocator, &overlapped[1], FALSE), ERROR_IO_INCOMPLETE);
	CHECK(CancelIo(busy_allocator));
	CHECK_EQ(end_read(busy_allocator, &overlapped[1], TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(end_read(busy_allocator, &overlapped[3], TRUE), ERROR_OPERATION_ABORTED);
	CHECK(!later[0] && !later[1] && !later[2] && !later[3]);
	CHECK(CloseHandle(busy_allocator));
	close_all(filter, pin);
}

static DWORD WINAPI fill_later(LPVOID arg)
{
	(void)arg;
	Sleep(20);
	camera_fill();
	return 0;
}

/* GetOverlappedResultEx() waits for a time. */
static void test_result(void)
{
	DWORD bytes = 7;
	HANDLE thread;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(read_one(&ones[0], NULL), ERROR_IO_PENDING);
	CHECK(!GetOverlappedResultEx(pin, &ones[0].overlapped, &bytes, 0, FALSE));
	CHECK_EQ(GetLastError(), ERROR_IO_INCOMPLETE);
	CHECK(!GetOverlappedResultEx(pin, &ones[0].overlapped, &bytes, 1, TRUE));
	CHECK_EQ(GetLastError(), WAIT_TIMEOUT);
	thread = CreateThread(NULL, 0, fill_later, NULL, 0, NULL);
	CHECK(GetOverlappedResultEx(pin, &ones[0].overlapped, &bytes, PATIENCE_S * 1000, FALSE));
	CHECK_EQ(bytes, sizeof(KSSTREAM_HEADER));
	join(thread);
	CHECK(!GetOverlappedResultEx(pin, NULL, &bytes, 0, FALSE));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	close_all(filter, pin);
}

static NTSTATUS read_native(struct one *one, HANDLE event, IO_STATUS_BLOCK *status)
{
	one->header = (KSSTREAM_HEADER) {
		.Size = sizeof(one->header), .Data = one->data, .FrameExtent = CAMERA_BYTES,
	};
	memset(one->data, 0xff, sizeof(one->data));
	return NtDeviceIoControlFile(pin, event, NULL, NULL, status, IOCTL_KS_READ_STREAM, NULL, 0,
				     &one->header, sizeof(one->header));
}

/* J2: native reads are queued before the pin runs. Their events are set, and no port is told. */
static void test_native(void)
{
	IO_STATUS_BLOCK status[3] = { 0 };
	HANDLE events[3], queue;
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;
	int i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	queue = CreateIoCompletionPort(pin, NULL, 1, 0);
	CHECK_EQ(set_state(pin, KSSTATE_PAUSE), 0);
	for (i = 0; i < 3; i++) {
		events[i] = CreateEventA(NULL, TRUE, TRUE, NULL);
		CHECK_EQ(read_native(&ones[i], events[i], &status[i]), STATUS_PENDING);
		CHECK_EQ(status[i].Status, STATUS_PENDING);
		CHECK_EQ(WaitForSingleObject(events[i], 0), WAIT_TIMEOUT);
	}
	CHECK_EQ(cancel(pin, (OVERLAPPED *)(void *)&status[1]), 0);
	CHECK_EQ(status[1].Status, STATUS_CANCELLED);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	camera_fill();
	camera_fill();
	for (i = 0; i < 3; i++) {
		CHECK_EQ(WaitForSingleObject(events[i], INFINITE), WAIT_OBJECT_0);
		CHECK(CloseHandle(events[i]));
	}
	for (i = 0; i < 3; i += 2) {
		CHECK_EQ(status[i].Status, STATUS_SUCCESS);
		CHECK_EQ(status[i].Information, sizeof(ones[i].header));
		CHECK_EQ(ones[i].data[0], i / 2);
	}
	CHECK_EQ(read_native(&ones[0], events[0], &status[0]), STATUS_INVALID_HANDLE);
	CHECK_EQ(read_native(&ones[0], pin, (void *)((char *)status + 1)),
		 STATUS_ACCESS_VIOLATION);
	CHECK(!GetQueuedCompletionStatus(queue, &bytes, &key, &overlapped, 0));
	CHECK_EQ(GetLastError(), WAIT_TIMEOUT);
	CHECK(CloseHandle(queue));
	close_all(filter, pin);
}

/* Without an event, a native call waits until the read has ended. */
static void test_native_wait(void)
{
	IO_STATUS_BLOCK status = { 0 };
	HANDLE thread;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	thread = CreateThread(NULL, 0, fill_later, NULL, 0, NULL);
	CHECK_EQ(read_native(&ones[0], NULL, &status), STATUS_SUCCESS);
	join(thread);
	CHECK_EQ(status.Status, STATUS_SUCCESS);
	CHECK_EQ(status.Information, sizeof(ones[0].header));
	CHECK_EQ(ones[0].data[0], 0);
	close_all(filter, pin);
}

/* A question for a size completes with a warning, which has a result. */
static void test_warning(void)
{
	KSPROPERTY request = {
		.Set = KSPROPSETID_Connection, .Id = KSPROPERTY_CONNECTION_STATE,
		.Flags = KSPROPERTY_TYPE_GET,
	};
	OVERLAPPED overlapped = { 0 }, *done;
	HANDLE event, queue;
	IO_STATUS_BLOCK status = { 0 };
	ULONG_PTR key;
	DWORD bytes = 0;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	event = CreateEventA(NULL, TRUE, FALSE, NULL);
	overlapped.hEvent = event;
	CHECK_EQ(NtDeviceIoControlFile(pin, event, NULL, NULL, &status, IOCTL_KS_PROPERTY,
				       &request, sizeof(request), NULL, 0),
		 STATUS_BUFFER_OVERFLOW);
	CHECK_EQ(status.Status, STATUS_BUFFER_OVERFLOW);
	CHECK_EQ(status.Information, sizeof(KSSTATE));
	CHECK_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	queue = CreateIoCompletionPort(pin, NULL, 1, 0);
	CHECK(!DeviceIoControl(pin, IOCTL_KS_PROPERTY, &request, sizeof(request), NULL, 0, NULL,
			       &overlapped));
	CHECK_EQ(GetLastError(), ERROR_MORE_DATA);
	CHECK_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	CHECK(!GetOverlappedResult(pin, &overlapped, &bytes, TRUE));
	CHECK_EQ(GetLastError(), ERROR_MORE_DATA);
	CHECK_EQ(bytes, sizeof(KSSTATE));
	bytes = 0;
	CHECK(!GetQueuedCompletionStatus(queue, &bytes, &key, &done, 0));
	CHECK_EQ(GetLastError(), ERROR_MORE_DATA);
	CHECK(done == &overlapped);
	CHECK_EQ(bytes, sizeof(KSSTATE));
	CHECK(CloseHandle(queue));
	CHECK(CloseHandle(event));
	close_all(filter, pin);
}

/* Completion ports */

static HANDLE port;

/* Returns the last error; 0 for a call that succeeded. *overlapped is NULL if there was none. */
static DWORD get_status(OVERLAPPED **overlapped, DWORD *bytes, ULONG_PTR *key)
{
	return GetQueuedCompletionStatus(port, bytes, key, overlapped, 0) ? 0 : GetLastError();
}

/* J2: calls come out of a port in the order in which they completed, with their results. */
static void test_port(void)
{
	OVERLAPPED *overlapped, immediate = { 0 };
	KSPROPERTY property = {
		.Set = KSPROPSETID_Connection, .Flags = KSPROPERTY_TYPE_GET,
	};
	ULONG_PTR key = 0;
	DWORD bytes;
	KSSTATE state;
	int i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	port = CreateIoCompletionPort(pin, NULL, 77, 0);
	CHECK(port);
	CHECK_EQ(get_status(&overlapped, &bytes, &key), WAIT_TIMEOUT);
	CHECK(!overlapped);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	read_all();
	camera_fill();
	CHECK_EQ(end_read(pin, &ones[0].overlapped, TRUE), 0);
	CHECK_EQ(cancel(pin, &ones[2].overlapped), 0);
	CHECK(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE));
	CHECK(overlapped == &ones[0].overlapped);
	CHECK_EQ(bytes, sizeof(KSSTREAM_HEADER));
	CHECK_EQ(key, 77);
	CHECK_EQ(get_status(&overlapped, &bytes, &key), ERROR_OPERATION_ABORTED);
	CHECK(overlapped == &ones[2].overlapped);
	CHECK_EQ(bytes, 0);

	/* A call that succeeds immediately is there, and one that fails immediately is not. */
	CHECK(DeviceIoControl(pin, IOCTL_KS_PROPERTY, &property, sizeof(property), &state,
			      sizeof(state), NULL, &immediate));
	CHECK_EQ(get_status(&overlapped, &bytes, &key), 0);
	CHECK(overlapped == &immediate);
	CHECK_EQ(bytes, sizeof(state));
	property.Id = 1000;
	CHECK(!DeviceIoControl(pin, IOCTL_KS_PROPERTY, &property, sizeof(property), &state,
			       sizeof(state), NULL, &immediate));
	CHECK_EQ(get_status(&overlapped, &bytes, &key), WAIT_TIMEOUT);

	/* The rest stays in the port until it is closed. */
	CHECK_EQ(set_state(pin, KSSTATE_STOP), 0);
	for (i = 0; i < READS; i++)
		CHECK(HasOverlappedIoCompleted(&ones[i].overlapped));
	close_all(filter, pin);
	CHECK(CloseHandle(port));
}

/* An event with the lowest bit set: the call does not go to the port. */
static void test_port_not_told(void)
{
	HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL);
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	port = CreateIoCompletionPort(pin, NULL, 0, 0);
	CHECK_EQ(read_one(&ones[0], (HANDLE)((uintptr_t)event | 1)), ERROR_IO_PENDING);
	CHECK_EQ(read_one(&ones[1], event), ERROR_IO_PENDING);
	CHECK_EQ(cancel(pin, &ones[0].overlapped), 0);
	CHECK_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	CHECK_EQ(get_status(&overlapped, &bytes, &key), WAIT_TIMEOUT);
	CHECK_EQ(cancel(pin, &ones[1].overlapped), 0);
	CHECK_EQ(get_status(&overlapped, &bytes, &key), ERROR_OPERATION_ABORTED);
	CHECK(overlapped == &ones[1].overlapped);
	close_all(filter, pin);
	CloseHandle(port);
	CloseHandle(event);
}

static DWORD WINAPI wait_for_port(LPVOID arg)
{
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	(void)arg;
	return GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE) ?
		0 : GetLastError();
}

/* Posted packets, several at a time, wrong handles, and the end of a port. */
static void test_port_posts(void)
{
	OVERLAPPED_ENTRY entries[4];
	OVERLAPPED overlapped;
	ULONG count = 9, i;
	HANDLE thread;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
	CHECK(port);
	CHECK(CreateIoCompletionPort(pin, port, 1, 0) == port);
	CHECK(CreateIoCompletionPort(filter, port, 2, 0) == port);
	CHECK(!CreateIoCompletionPort(pin, port, 3, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!CreateIoCompletionPort(pin, NULL, 3, 0));
	CHECK(!CreateIoCompletionPort(port, port, 3, 0));
	CHECK(!CreateIoCompletionPort(NULL, port, 3, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(!CreateIoCompletionPort(filter, pin, 3, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(!PostQueuedCompletionStatus(pin, 1, 2, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);

	for (i = 0; i < 5; i++)
		CHECK(PostQueuedCompletionStatus(port, i, 10 + i, i ? &overlapped : NULL));
	CHECK(!GetQueuedCompletionStatusEx(port, entries, 0, &count, 0, FALSE));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!GetQueuedCompletionStatusEx(port, NULL, 1, &count, 0, FALSE));
	CHECK_EQ(GetLastError(), ERROR_NOACCESS);
	CHECK(GetQueuedCompletionStatusEx(port, entries, 4, &count, 0, FALSE));
	CHECK_EQ(count, 4);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(entries[i].dwNumberOfBytesTransferred, i);
		CHECK_EQ(entries[i].lpCompletionKey, 10 + i);
		CHECK(entries[i].lpOverlapped == (i ? &overlapped : NULL));
	}
	CHECK(GetQueuedCompletionStatusEx(port, entries, 4, &count, INFINITE, FALSE));
	CHECK_EQ(count, 1);
	CHECK(!GetQueuedCompletionStatusEx(port, entries, 4, &count, 1, FALSE));
	CHECK_EQ(GetLastError(), WAIT_TIMEOUT);

	thread = CreateThread(NULL, 0, wait_for_port, NULL, 0, NULL);
	Sleep(5);
	CHECK(PostQueuedCompletionStatus(port, 0, 0, NULL));
	CHECK_EQ(join(thread), 0);
	thread = CreateThread(NULL, 0, wait_for_port, NULL, 0, NULL);
	Sleep(5);
	CHECK(CloseHandle(port));
	CHECK(WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0);
	CloseHandle(thread);
	CHECK(!PostQueuedCompletionStatus(port, 0, 0, NULL));
	close_all(filter, pin);
}

/* Handles */

/* An object lives as long as one of its handles. */
static void test_duplicates(void)
{
	HANDLE self = GetCurrentProcess(), same = NULL;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK(DuplicateHandle(self, pin, self, &same, 0, FALSE, DUPLICATE_SAME_ACCESS));
	CHECK(same != pin);
	CHECK_EQ(LibksDescriptor(same), LibksDescriptor(pin));
	CHECK_EQ(read_one(&ones[0], NULL), ERROR_IO_PENDING);
	CHECK(CloseHandle(pin));
	CHECK_EQ(end_read(same, &ones[0].overlapped, FALSE), ERROR_IO_INCOMPLETE);
	CHECK(DuplicateHandle(self, same, self, &pin, 0, FALSE,
			      DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
	CHECK(pin != same);
	CHECK_EQ(LibksDescriptor(same), -1);
	CHECK(!DuplicateHandle(self, same, self, &same, 0, FALSE, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(!DuplicateHandle(self, pin, filter, &same, 0, FALSE, 0));
	CHECK_EQ(GetLastError(), ERROR_NOT_SUPPORTED);
	CHECK(!DuplicateHandle(self, pin, self, NULL, 0, FALSE, 0));
	CHECK(!DuplicateHandle(self, pin, self, &same, 0, FALSE, 4));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	close_all(filter, pin);
	CHECK_EQ(state_of(0), ERROR_OPERATION_ABORTED);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "cancelled reads", test_cancel },
		{ "cancelled reads of a thread", test_cancel_own },
		{ "cancelled synchronous calls", test_cancel_synchronous },
		{ "cancelled reads of frames", test_cancel_frames },
		{ "frames freed after their reads", test_free_after_read },
		{ "cancelled ALLOC calls", test_cancel_alloc },
		{ "results after a time", test_result },
		{ "native calls", test_native },
		{ "native calls that wait", test_native_wait },
		{ "warnings", test_warning },
		{ "completion port", test_port },
		{ "call that is not for the port", test_port_not_told },
		{ "posts to a completion port", test_port_posts },
		{ "duplicates of handles", test_duplicates },
	};

	alarm(PATIENCE_S);
	return tap_run(tests, ARRAY_SIZE(tests));
}
