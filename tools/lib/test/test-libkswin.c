// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of libkswin that need no kernel module: the table of errors, formats, handles and
 * events. A small model of a camera is linked between the library and libc (ld --wrap).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../win/win.h"
#include "shared.h"
#include "tap.h"
#include "wrap.h"

/* The camera: the format that it sets, and the calls that it got */
static struct {
	__u32 max_width;
	__u32 pad;
	struct v4l2_pix_format pix;
	struct v4l2_fract interval;
} camera;

static int try_format(struct v4l2_format *format)
{
	if (format->fmt.pix.pixelformat != V4L2_PIX_FMT_YUYV)
		format->fmt.pix.pixelformat = V4L2_PIX_FMT_UYVY;
	if (format->fmt.pix.width > camera.max_width)
		format->fmt.pix.width = camera.max_width;
	format->fmt.pix.bytesperline = format->fmt.pix.width * 2 + camera.pad;
	format->fmt.pix.sizeimage = format->fmt.pix.bytesperline * format->fmt.pix.height;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	(void)fd;
	if (request == VIDIOC_TRY_FMT)
		return try_format(arg);
	if (request == VIDIOC_S_FMT) {
		camera.pix = ((struct v4l2_format *)arg)->fmt.pix;
		return 0;
	}
	if (request == VIDIOC_S_PARM) {
		camera.interval = ((struct v4l2_streamparm *)arg)->parm.capture.timeperframe;
		return 0;
	}
	errno = ENOTTY;
	return -1;
}

/* J2: each error of the ABI and of the library has its status and its code. */
static void test_errors(void)
{
	static const struct {
		int err;
		NTSTATUS status;
		DWORD code;
	} expected[] = {
		{ 0, STATUS_SUCCESS, ERROR_SUCCESS },
		{ EFAULT, STATUS_ACCESS_VIOLATION, ERROR_NOACCESS },
		{ ENOTTY, STATUS_INVALID_DEVICE_REQUEST, ERROR_INVALID_FUNCTION },
		{ E2BIG, STATUS_INSUFFICIENT_RESOURCES, ERROR_NO_SYSTEM_RESOURCES },
		{ EBADF, STATUS_INVALID_HANDLE, ERROR_INVALID_HANDLE },
		{ EACCES, STATUS_ACCESS_DENIED, ERROR_ACCESS_DENIED },
		{ EINVAL, STATUS_INVALID_PARAMETER, ERROR_INVALID_PARAMETER },
		{ EOPNOTSUPP, STATUS_NOT_SUPPORTED, ERROR_NOT_SUPPORTED },
		{ EBUSY, STATUS_DEVICE_BUSY, ERROR_BUSY },
		{ EAGAIN, STATUS_PENDING, ERROR_IO_PENDING },
		{ ETIMEDOUT, STATUS_IO_TIMEOUT, ERROR_SEM_TIMEOUT },
		{ EINTR, STATUS_CANCELLED, ERROR_OPERATION_ABORTED },
		{ ECANCELED, STATUS_CANCELLED, ERROR_OPERATION_ABORTED },
		{ ENODEV, STATUS_DEVICE_REMOVED, ERROR_DEVICE_REMOVED },
		{ ENOMEM, STATUS_NO_MEMORY, ERROR_NOT_ENOUGH_MEMORY },
		{ EMFILE, STATUS_TOO_MANY_OPENED_FILES, ERROR_TOO_MANY_OPEN_FILES },
		{ ENFILE, STATUS_TOO_MANY_OPENED_FILES, ERROR_TOO_MANY_OPEN_FILES },
		{ EIO, STATUS_IO_DEVICE_ERROR, ERROR_IO_DEVICE },
		{ ENOENT, STATUS_OBJECT_NAME_NOT_FOUND, ERROR_FILE_NOT_FOUND },
		{ EILSEQ, STATUS_UNSUCCESSFUL, ERROR_GEN_FAILURE },
	};
	static const int others[] = {
		EOVERFLOW, EMSGSIZE, ENOBUFS, EPROTO, EPROTONOSUPPORT, ENOPROTOOPT, EPROTOTYPE,
		EUSERS, EINPROGRESS,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		CHECK_EQ(win_status(-expected[i].err), expected[i].status);
		CHECK_EQ(win_code(-expected[i].err), expected[i].code);
		CHECK_EQ(win_code_of_status(expected[i].status), expected[i].code);
	}
	/* What a driver can return is never an error of the library */
	for (i = 0; i < ARRAY_SIZE(others); i++)
		CHECK_EQ(win_code(-others[i]), ERROR_GEN_FAILURE);
	CHECK_EQ(win_code(-WIN_NO_MATCH), ERROR_NO_MATCH);
	CHECK_EQ(win_code(-WIN_MORE_DATA), ERROR_MORE_DATA);
	CHECK_EQ(win_code(-WIN_TOO_SMALL), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(win_code(-WIN_NO_SUCH_SET), ERROR_SET_NOT_FOUND);
	CHECK_EQ(win_code(-WIN_NO_SUCH_ITEM), ERROR_NOT_FOUND);
	CHECK_EQ(HRESULT_FROM_WIN32(ERROR_MORE_DATA), (HRESULT)0x800700ea);
	CHECK(SUCCEEDED(HRESULT_FROM_WIN32(ERROR_SUCCESS)));
}

static void *set_error(void *arg)
{
	SetLastError(7);
	return arg;
}

/* Each thread has its own last error. */
static void test_last_error(void)
{
	pthread_t thread;

	SetLastError(5);
	CHECK(!pthread_create(&thread, NULL, set_error, NULL));
	pthread_join(thread, NULL);
	CHECK_EQ(GetLastError(), 5);
	CHECK(!CloseHandle(INVALID_HANDLE_VALUE));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
}

static struct v4l2_pix_format pix_of(__u32 pixelformat, __u32 line)
{
	return (struct v4l2_pix_format) {
		.width = 320,
		.height = 180,
		.pixelformat = pixelformat,
		.bytesperline = line,
		.sizeimage = line * 180,
	};
}

static const struct {
	__u32 pixelformat;
	__u32 line;
	DWORD data1;
	WORD bits;
} known[] = {
	{ V4L2_PIX_FMT_YUYV, 640, v4l2_fourcc('Y', 'U', 'Y', '2'), 16 },
	{ V4L2_PIX_FMT_UYVY, 640, v4l2_fourcc('U', 'Y', 'V', 'Y'), 16 },
	{ V4L2_PIX_FMT_NV12, 320, v4l2_fourcc('N', 'V', '1', '2'), 12 },
	{ V4L2_PIX_FMT_YUV420, 320, v4l2_fourcc('I', '4', '2', '0'), 12 },
	{ V4L2_PIX_FMT_YVU420, 320, v4l2_fourcc('Y', 'V', '1', '2'), 12 },
	{ V4L2_PIX_FMT_GREY, 320, v4l2_fourcc('Y', '8', '0', '0'), 8 },
	{ V4L2_PIX_FMT_BGR24, 960, 0xe436eb7d, 24 },
	{ V4L2_PIX_FMT_XBGR32, 1280, 0xe436eb7e, 32 },
	{ V4L2_PIX_FMT_MJPEG, 0, v4l2_fourcc('M', 'J', 'P', 'G'), 24 },
	{ V4L2_PIX_FMT_H264, 0, v4l2_fourcc('H', '2', '6', '4'), 24 },
};

/* Each known format is converted to its Windows form, and back to the same format. */
static void test_formats(void)
{
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	struct v4l2_pix_format pix, back;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		pix = pix_of(known[i].pixelformat, known[i].line);
		CHECK_EQ(win_format_from_v4l2(&pix, 333333, &format), 0);
		CHECK_EQ(format.DataFormat.FormatSize, sizeof(format));
		CHECK_EQ(format.DataFormat.SampleSize, pix.sizeimage);
		CHECK_EQ(format.DataFormat.SubFormat.Data1, known[i].data1);
		CHECK_EQ(format.VideoInfoHeader.bmiHeader.biBitCount, known[i].bits);
		CHECK_EQ(format.VideoInfoHeader.AvgTimePerFrame, 333333);
		memset(&back, 0x5a, sizeof(back));
		CHECK_EQ(win_format_to_v4l2(&format.DataFormat, sizeof(format), &back), 0);
		CHECK_EQ(back.pixelformat, pix.pixelformat);
		CHECK_EQ(back.width, 320);
		CHECK_EQ(back.height, 180);
	}
	pix = pix_of(V4L2_PIX_FMT_SBGGR8, 320);
	CHECK_EQ(win_format_from_v4l2(&pix, 0, &format), -WIN_NO_MATCH);
	pix = pix_of(V4L2_PIX_FMT_YUYV, 641);
	CHECK_EQ(win_format_from_v4l2(&pix, 0, &format), -WIN_NO_MATCH);
}

static int to_v4l2(const KS_DATAFORMAT_VIDEOINFOHEADER *format, ULONG size)
{
	struct v4l2_pix_format pix;

	return win_format_to_v4l2(&format->DataFormat, size, &pix);
}

/* Invalid formats are refused without a call to the camera. */
static void test_wrong_formats(void)
{
	struct v4l2_pix_format pix = pix_of(V4L2_PIX_FMT_YUYV, 640);
	KS_DATAFORMAT_VIDEOINFOHEADER good, format;
	KS_BITMAPINFOHEADER *bitmap = &format.VideoInfoHeader.bmiHeader;

	CHECK_EQ(win_format_from_v4l2(&pix, 0, &good), 0);
	format = good;
	CHECK_EQ(to_v4l2(&format, sizeof(KSDATAFORMAT) - 1), -WIN_TOO_SMALL);
	CHECK_EQ(to_v4l2(&format, sizeof(format) - 1), -WIN_TOO_SMALL);
	format.DataFormat.FormatSize = sizeof(KSDATAFORMAT);
	CHECK_EQ(to_v4l2(&format, sizeof(format)), -WIN_TOO_SMALL);
	format = good;
	format.DataFormat.MajorFormat.Data1++;
	CHECK_EQ(to_v4l2(&format, sizeof(format)), -WIN_NO_MATCH);
	format = good;
	format.DataFormat.Specifier.Data1++;
	CHECK_EQ(to_v4l2(&format, sizeof(format)), -WIN_NO_MATCH);
	format = good;
	format.DataFormat.SubFormat.Data4[7]++;
	CHECK_EQ(to_v4l2(&format, sizeof(format)), -WIN_NO_MATCH);
	format = good;
	bitmap->biCompression = v4l2_fourcc('U', 'Y', 'V', 'Y');
	CHECK_EQ(to_v4l2(&format, sizeof(format)), -WIN_NO_MATCH);
	format = good;
	bitmap->biBitCount = 12;
	CHECK_EQ(to_v4l2(&format, sizeof(format)), -WIN_NO_MATCH);
	format = good;
	bitmap->biWidth = 0;
	CHECK_EQ(to_v4l2(&format, sizeof(format)), -EINVAL);
	format = good;
	bitmap->biHeight = INT32_MIN;
	CHECK_EQ(to_v4l2(&format, sizeof(format)), -EINVAL);
	bitmap->biHeight = -180;
	CHECK_EQ(to_v4l2(&format, sizeof(format)), 0);
}

/* If a camera would set another format, it is not set. Only the rate may differ. */
static void test_setting_a_format(void)
{
	struct v4l2_pix_format pix = pix_of(V4L2_PIX_FMT_YUYV, 640);
	KS_DATAFORMAT_VIDEOINFOHEADER format;

	memset(&camera, 0, sizeof(camera));
	camera.max_width = 640;
	CHECK_EQ(win_format_from_v4l2(&pix, 400000, &format), 0);
	CHECK_EQ(win_format_set(3, &format.DataFormat, sizeof(format), true), 0);
	CHECK_EQ(camera.pix.width, 0);
	camera.max_width = 160;
	CHECK_EQ(win_format_set(3, &format.DataFormat, sizeof(format), false), -WIN_NO_MATCH);
	camera.max_width = 640;
	camera.pad = 64;
	CHECK_EQ(win_format_set(3, &format.DataFormat, sizeof(format), false), -WIN_NO_MATCH);
	CHECK_EQ(camera.pix.width, 0);
	camera.pad = 0;
	CHECK_EQ(win_format_set(3, &format.DataFormat, sizeof(format), false), 0);
	CHECK_EQ(camera.pix.width, 320);
	CHECK_EQ(camera.pix.pixelformat, V4L2_PIX_FMT_YUYV);
	CHECK_EQ(camera.interval.numerator, 400000);
	CHECK_EQ(camera.interval.denominator, 10000000);
	pix = pix_of(V4L2_PIX_FMT_NV12, 320);
	CHECK_EQ(win_format_from_v4l2(&pix, 0, &format), 0);
	CHECK_EQ(win_format_set(3, &format.DataFormat, sizeof(format), false), -WIN_NO_MATCH);
}

/* A closed handle and a number that was never a handle are invalid; handles have a kind. */
static void test_handles(void)
{
	HANDLE events[40];
	OVERLAPPED overlapped = { .hEvent = (HANDLE)3 };
	int fd;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		events[i] = CreateEventA(NULL, FALSE, FALSE, NULL);
		CHECK(events[i]);
	}
	fd = LibksDescriptor(events[39]);
	CHECK(fd >= 0);
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		CHECK(CloseHandle(events[i]));
		CHECK(!CloseHandle(events[i]));
	}
	CHECK_EQ(close(fd), -1);
	CHECK_EQ(LibksDescriptor(events[39]), -1);
	CHECK(!SetEvent(NULL));
	CHECK(!SetEvent(INVALID_HANDLE_VALUE));
	CHECK(!SetEvent((HANDLE)6));
	CHECK(!SetEvent((HANDLE)0x7ffffffc));

	events[0] = CreateEventA(NULL, FALSE, FALSE, NULL);
	CHECK_EQ(KsCreateAllocator(events[0], &(KSALLOCATOR_FRAMING) { 0 }, &events[1]),
		 ERROR_INVALID_HANDLE);
	CHECK(!DeviceIoControl(events[0], IOCTL_KS_PROPERTY, NULL, 0, NULL, 0, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_FUNCTION);
	CHECK(!DeviceIoControl(events[0], IOCTL_KS_PROPERTY, NULL, 0, NULL, 0, NULL, &overlapped));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(!DeviceIoControl(events[0], IOCTL_KS_PROPERTY, NULL, 8, NULL, 0, NULL, &overlapped));
	CHECK_EQ(GetLastError(), ERROR_NOACCESS);
	CHECK(!CreateEventA(NULL, FALSE, FALSE, "name"));
	CHECK_EQ(GetLastError(), ERROR_NOT_SUPPORTED);
	CloseHandle(events[0]);
}

/* Memory that cannot be read, or not be written if the call writes to it, is refused. */
static void test_pointers(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 3 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	KSPROPERTY get = { .Flags = KSPROPERTY_TYPE_GET }, set = { .Flags = KSPROPERTY_TYPE_SET };
	HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL);

	munmap(pages + 2 * page, page);
	CHECK_EQ(win_check_memory(pages, 2 * page, false), 0);
	CHECK_EQ(win_check_memory(pages + 1, 2 * page - 1, false), 0);
	CHECK_EQ(win_check_memory(pages + 1, 2 * page, false), -EFAULT);
	CHECK_EQ(win_check_memory(pages, 1, true), -EFAULT);
	CHECK_EQ(win_check_memory(&page, sizeof(page), true), 0);
	CHECK_EQ(win_check_memory(NULL, 0, true), 0);
	CHECK_EQ(win_check_memory(NULL, 1, false), -EFAULT);
	CHECK_EQ(win_check_memory(pages, UINTPTR_MAX, false), -EFAULT);
	CHECK_EQ(win_copy_out(pages, &page, sizeof(page)), -EFAULT);

	/* An event has no properties, but the pointers are checked before */
	CHECK(!DeviceIoControl(event, IOCTL_KS_PROPERTY, &get, sizeof(get), pages, 4, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_NOACCESS);
	CHECK(!DeviceIoControl(event, IOCTL_KS_PROPERTY, &set, sizeof(set), pages, 4, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_FUNCTION);
	CHECK(!DeviceIoControl(event, IOCTL_KS_PROPERTY, pages + 2 * page - 4, 8, NULL, 0, NULL,
			       NULL));
	CHECK_EQ(GetLastError(), ERROR_NOACCESS);
	CHECK(!DeviceIoControl(event, IOCTL_KS_PROPERTY, &get, sizeof(get), NULL, 0, NULL,
			       (OVERLAPPED *)(void *)pages));
	CHECK_EQ(GetLastError(), ERROR_NOACCESS);
	CloseHandle(event);
	munmap(pages, 2 * page);
}

/* A waiting call resets an auto-reset event, and does not reset a manual-reset event. */
static void test_events(void)
{
	HANDLE manual = CreateEventA(NULL, TRUE, TRUE, NULL);
	HANDLE automatic = CreateEventA(NULL, FALSE, TRUE, NULL);

	CHECK_EQ(WaitForSingleObject(manual, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(manual, 0), WAIT_OBJECT_0);
	CHECK(ResetEvent(manual));
	CHECK_EQ(WaitForSingleObject(manual, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(automatic, 1), WAIT_TIMEOUT);
	CHECK(SetEvent(automatic));
	CHECK(SetEvent(automatic));
	CHECK_EQ(WaitForSingleObject(automatic, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(NULL, 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CloseHandle(manual);
	CloseHandle(automatic);
}

static void *set_events(void *arg)
{
	HANDLE *events = arg;
	int i;

	for (i = 0; i < 3; i++) {
		Sleep(5);
		SetEvent(events[i]);
	}
	return NULL;
}

/*
 * Waiting for the first of several events, in their order; or for all of them, or none is
 * reset.
 */
static void test_waits(void)
{
	HANDLE events[3];
	pthread_t thread;
	int i;

	for (i = 0; i < 3; i++)
		events[i] = CreateEventA(NULL, FALSE, FALSE, NULL);
	SetEvent(events[2]);
	SetEvent(events[1]);
	CHECK_EQ(WaitForMultipleObjects(3, events, TRUE, 10), WAIT_TIMEOUT);
	CHECK_EQ(WaitForMultipleObjects(3, events, FALSE, 0), WAIT_OBJECT_0 + 1);
	CHECK_EQ(WaitForMultipleObjects(3, events, FALSE, 0), WAIT_OBJECT_0 + 2);
	CHECK_EQ(WaitForMultipleObjects(3, events, FALSE, 0), WAIT_TIMEOUT);
	CHECK(!pthread_create(&thread, NULL, set_events, events));
	CHECK_EQ(WaitForMultipleObjects(3, events, TRUE, 10000), WAIT_OBJECT_0);
	pthread_join(thread, NULL);
	CHECK_EQ(WaitForMultipleObjects(3, events, FALSE, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForMultipleObjects(0, events, FALSE, 0), WAIT_FAILED);
	CHECK_EQ(WaitForMultipleObjects(MAXIMUM_WAIT_OBJECTS + 1, events, FALSE, 0), WAIT_FAILED);
	for (i = 0; i < 3; i++)
		CloseHandle(events[i]);
	CHECK_EQ(WaitForMultipleObjects(3, events, FALSE, 0), WAIT_FAILED);
}

static void *change_events(void *arg)
{
	HANDLE *events = arg;

	Sleep(20);
	ResetEvent(events[0]);
	SetEvent(events[1]);
	return NULL;
}

/*
 * All of several events means at one time: an event that was set and is not any more is
 * missing.
 */
static void test_wait_for_all(void)
{
	HANDLE events[2] = {
		CreateEventA(NULL, TRUE, TRUE, NULL), CreateEventA(NULL, FALSE, FALSE, NULL),
	};
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, change_events, events));
	CHECK_EQ(WaitForMultipleObjects(2, events, TRUE, 100), WAIT_TIMEOUT);
	pthread_join(thread, NULL);
	CHECK_EQ(WaitForSingleObject(events[0], 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(events[1], 0), WAIT_OBJECT_0);
	SetEvent(events[0]);
	SetEvent(events[1]);
	CHECK_EQ(WaitForMultipleObjects(2, events, TRUE, 0), WAIT_OBJECT_0);
	CloseHandle(events[0]);
	CloseHandle(events[1]);
}

/* An OVERLAPPED is pending until its call completes, which sets its event and its result. */
static void test_overlapped(void)
{
	OVERLAPPED overlapped = { .hEvent = CreateEventA(NULL, TRUE, TRUE, NULL) };
	struct win_pending pending;
	DWORD bytes = 9;

	CHECK_EQ(win_pending_begin(&pending, NULL, &overlapped, overlapped.hEvent), 0);
	CHECK(!HasOverlappedIoCompleted(&overlapped));
	CHECK_EQ(WaitForSingleObject(overlapped.hEvent, 0), WAIT_TIMEOUT);
	CHECK(!GetOverlappedResult(NULL, &overlapped, &bytes, FALSE));
	CHECK_EQ(GetLastError(), ERROR_IO_INCOMPLETE);
	win_pending_end(&pending, 0, 12);
	CHECK(HasOverlappedIoCompleted(&overlapped));
	CHECK(GetOverlappedResult(NULL, &overlapped, &bytes, TRUE));
	CHECK_EQ(bytes, 12);
	CHECK_EQ(WaitForSingleObject(overlapped.hEvent, 0), WAIT_OBJECT_0);
	CHECK_EQ(win_pending_begin(&pending, NULL, &overlapped, overlapped.hEvent), 0);
	win_pending_end(&pending, -ECANCELED, 0);
	CHECK(!GetOverlappedResult(NULL, &overlapped, &bytes, TRUE));
	CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(overlapped.hEvent, 0), WAIT_OBJECT_0);

	/* EAGAIN from a device completes the call, too. */
	CHECK_EQ(win_pending_begin(&pending, NULL, &overlapped, overlapped.hEvent), 0);
	win_pending_end(&pending, -EAGAIN, 0);
	CHECK(!GetOverlappedResult(NULL, &overlapped, &bytes, TRUE));
	CHECK_EQ(GetLastError(), ERROR_BUSY);

	/* A call that failed immediately is not waited for. */
	CHECK_EQ(win_pending_begin(&pending, NULL, &overlapped, overlapped.hEvent), 0);
	win_pending_drop(&pending, -EINVAL);
	CHECK(!GetOverlappedResult(NULL, &overlapped, &bytes, TRUE));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK_EQ(WaitForSingleObject(overlapped.hEvent, 0), WAIT_TIMEOUT);
	CloseHandle(overlapped.hEvent);
	CHECK_EQ(win_pending_begin(&pending, NULL, &overlapped, overlapped.hEvent), -EBADF);
}

#define TURNS 20000

/* Calls that are begun, each of which another thread completes */
static struct win_pending begun;
static int turn;

static void *end_calls(void *arg)
{
	int i;

	for (i = 1; i <= TURNS; i++) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != i)
			sched_yield();
		win_pending_end(&begun, 0, 0);
	}
	return arg;
}

/*
 * When a thread has seen the result, the event was set already and is not set later by this
 * call.
 */
static void test_event_of_an_end(void)
{
	OVERLAPPED overlapped = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
	int i, unset = 0;
	pthread_t thread;
	DWORD bytes;

	CHECK(!pthread_create(&thread, NULL, end_calls, NULL));
	for (i = 1; i <= TURNS; i++) {
		win_pending_begin(&begun, NULL, &overlapped, overlapped.hEvent);
		__atomic_store_n(&turn, i, __ATOMIC_RELEASE);
		GetOverlappedResult(NULL, &overlapped, &bytes, TRUE);
		unset += WaitForSingleObject(overlapped.hEvent, 0) != WAIT_OBJECT_0;
	}
	pthread_join(thread, NULL);
	CHECK_EQ(unset, 0);
	CloseHandle(overlapped.hEvent);
}

static const char *shared_library;
static const char *version_script;

static void test_shared_library(void)
{
	CHECK(check_shared_library(shared_library, version_script) >= 30);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "errors", test_errors },
		{ "last error", test_last_error },
		{ "formats", test_formats },
		{ "wrong formats", test_wrong_formats },
		{ "setting a format", test_setting_a_format },
		{ "handles", test_handles },
		{ "pointers", test_pointers },
		{ "events", test_events },
		{ "waits", test_waits },
		{ "wait for all", test_wait_for_all },
		{ "overlapped", test_overlapped },
		{ "event of an end", test_event_of_an_end },
		{ "shared library", test_shared_library },
	};

	if (argc != 3)
		return 2;
	shared_library = argv[1];
	version_script = argv[2];
	return tap_run(tests, ARRAY_SIZE(tests));
}
