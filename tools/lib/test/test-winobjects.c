// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters, pins and allocators of libkswin with a model of a camera and of the kernel
 * module: lifetimes of objects and handles. The model is linked between the library and
 * libc (ld --wrap). Its files are real ones.
 */
#include <dirent.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../win/win.h"
#include "tap.h"
#include "wrap.h"

#define FRAMES 3
#define FRAME_BYTES 4096
#define MAX_FILES 256
/* A test that takes longer hangs */
#define PATIENCE_S 300

enum kind {
	NO_FILE,
	CAMERA,
	KS,
	HEAP,
	UDMABUF,
	CONNECTION,
	ALLOCATOR,
	DMABUF,
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum kind kinds[MAX_FILES];
	__u32 frame_of[MAX_FILES];
	bool allocated[FRAMES];
	/* Number of times the format was set */
	int formats_set;
	int waiting;
	unsigned int cancels;
	bool ended;
	/* An ALLOC begins to wait only after this number of cancels, and misses them */
	unsigned int cancels_missed;
	unsigned int events;
	unsigned int disable_calls;
	struct ksalloc_submit submitted;
	/* Whether other programs use the device, so that it can be asked nothing */
	bool busy;
	/* errno of open() of a heap, and of udmabuf; 0 if it works */
	int heap_errno;
	int udmabuf_errno;
	/* The memory that the last dma-buf was made of */
	enum kind source;
} model = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static int new_file(enum kind kind, __u32 frame)
{
	/* A file that can be polled and never has data */
	int fd = kind == CONNECTION ? eventfd(0, EFD_CLOEXEC) : memfd_create("model", MFD_CLOEXEC);

	if (fd < 0 || fd >= MAX_FILES || (kind == DMABUF && ftruncate(fd, FRAME_BYTES)))
		return -ENFILE;
	model.kinds[fd] = kind;
	model.frame_of[fd] = frame;
	return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	enum kind kind = !strcmp(path, "camera") ? CAMERA :
			 !strcmp(path, LIBKS_DEVICE) ? KS :
			 !strcmp(path, LIBKS_UDMABUF_DEVICE) ? UDMABUF : HEAP;
	int error = kind == HEAP ? model.heap_errno : kind == UDMABUF ? model.udmabuf_errno : 0;
	int fd;

	(void)flags;
	if (error) {
		errno = error;
		return -1;
	}
	pthread_mutex_lock(&model.lock);
	fd = new_file(kind, 0);
	pthread_mutex_unlock(&model.lock);
	return fd;
}

static int query_capability(struct v4l2_capability *capability)
{
	memset(capability, 0, sizeof(*capability));
	capability->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	return 0;
}

/* It has one format */
static int try_format(struct v4l2_format *format)
{
	format->fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	format->fmt.pix.width = 64;
	format->fmt.pix.height = 32;
	format->fmt.pix.bytesperline = 128;
	format->fmt.pix.sizeimage = FRAME_BYTES;
	return 0;
}

static int get_framing(struct ksalloc_get_framing *arg)
{
	arg->framing.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY;
	arg->framing.frames = FRAMES;
	arg->framing.frame_size = FRAME_BYTES;
	return 0;
}

/* With an allocator, the library does not try which memory the device can use */
static int get_framing_ex(const struct ksalloc_get_framing_ex *arg)
{
	struct ksallocator_framing_ex *framing = (void *)(uintptr_t)arg->framing;

	framing->pin_flags = model.busy ? 0 : KSALLOCATOR_FLAG_ALLOCATOR_EXISTS;
	return 0;
}

/* While other programs use the device, it lends no memory of its own */
static int create(const struct ksalloc_create_allocator *arg)
{
	return model.busy && !(arg->flags & KSALLOC_IMPORT) ? -EBUSY : new_file(ALLOCATOR, 0);
}

static int make_dmabuf(enum kind source)
{
	model.source = source;
	return new_file(DMABUF, 0);
}

static int heap_alloc(struct dma_heap_allocation_data *data)
{
	int fd = make_dmabuf(HEAP);

	data->fd = (__u32)fd;
	return fd < 0 ? fd : 0;
}

static int get_status(struct ksalloc_status *arg)
{
	arg->status.framing.frames = FRAMES;
	arg->frame_bytes = FRAME_BYTES;
	return 0;
}

static int find_free(struct ksalloc_alloc *arg)
{
	__u32 i;

	for (i = 0; i < FRAMES; i++) {
		if (model.allocated[i])
			continue;
		model.allocated[i] = true;
		arg->index = i;
		return 0;
	}
	return -EAGAIN;
}

static int alloc(struct ksalloc_alloc *arg)
{
	unsigned int cancels;
	int ret;

	if (model.ended && !(arg->flags & KSALLOC_NONBLOCK))
		return -ECANCELED;
	ret = find_free(arg);
	if (ret != -EAGAIN || arg->flags & KSALLOC_NONBLOCK)
		return ret;
	model.waiting++;
	pthread_cond_broadcast(&model.changed);
	while (model.cancels < model.cancels_missed)
		pthread_cond_wait(&model.changed, &model.lock);
	cancels = model.cancels;
	while (!model.ended && model.cancels == cancels && (ret = find_free(arg)) == -EAGAIN)
		pthread_cond_wait(&model.changed, &model.lock);
	model.waiting--;
	return ret == -EAGAIN ? -ECANCELED : ret;
}

static int cancel(const struct ksalloc_cancel *arg)
{
	model.ended |= arg->flags & KSALLOC_CANCEL_PERMANENT;
	model.cancels++;
	pthread_cond_broadcast(&model.changed);
	return 0;
}

static int free_frame(const struct ksalloc_free *arg)
{
	model.allocated[arg->index] = false;
	pthread_cond_broadcast(&model.changed);
	return 0;
}

static int enable_event(struct ksalloc_enable_event *arg)
{
	arg->id = ++model.events;
	return 0;
}

static int disable_event(void)
{
	model.disable_calls++;
	model.events--;
	return 0;
}

static int submit(const struct ksalloc_submit *arg)
{
	model.submitted = *arg;
	return 0;
}

static int dispatch(unsigned long request, void *arg)
{
	switch (request) {
	case VIDIOC_QUERYCAP:
		return query_capability(arg);
	case VIDIOC_S_FMT:
		model.formats_set++;
		return try_format(arg);
	case VIDIOC_TRY_FMT:
	case VIDIOC_G_FMT:
		return try_format(arg);
	case KSALLOC_CONNECT:
		return new_file(CONNECTION, 0);
	case KSALLOC_GET_FRAMING:
		return get_framing(arg);
	case KSALLOC_GET_FRAMING_EX:
		return get_framing_ex(arg);
	case KSALLOC_CREATE_ALLOCATOR:
		model.ended = false;
		return create(arg);
	case DMA_HEAP_IOCTL_ALLOC:
		return heap_alloc(arg);
	case UDMABUF_CREATE:
		return make_dmabuf(UDMABUF);
	case KSALLOC_EXPORT:
		return new_file(DMABUF, ((struct ksalloc_export *)arg)->index);
	case KSALLOC_STATUS:
		return get_status(arg);
	case KSALLOC_ALLOC:
		return alloc(arg);
	case KSALLOC_ALLOCATOR_CANCEL:
		return cancel(arg);
	case KSALLOC_FREE:
		return free_frame(arg);
	case KSALLOC_ENABLE_EVENT:
		return enable_event(arg);
	case KSALLOC_DISABLE_EVENT:
		return disable_event();
	case KSALLOC_SUBMIT:
		return submit(arg);
	case KSALLOC_COMPLETE:
		return -EAGAIN;
	default:
		return 0;
	}
}

static enum kind kind_of(unsigned long request)
{
	switch (request) {
	case DMA_HEAP_IOCTL_ALLOC:
		return HEAP;
	case UDMABUF_CREATE:
		return UDMABUF;
	case KSALLOC_CONNECT:
		return KS;
	case KSALLOC_GET_FRAMING:
	case KSALLOC_GET_FRAMING_EX:
	case KSALLOC_CREATE_ALLOCATOR:
	case KSALLOC_SET_ALLOCATOR:
	case KSALLOC_SET_STATE:
	case KSALLOC_GET_STATE:
	case KSALLOC_SUBMIT:
	case KSALLOC_COMPLETE:
		return CONNECTION;
	default:
		if (_IOC_TYPE(request) == KSALLOC_TYPE)
			return ALLOCATOR;
		return _IOC_TYPE(request) == 'V' ? CAMERA : DMABUF;
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	pthread_mutex_lock(&model.lock);
	ret = fd >= 0 && fd < MAX_FILES && model.kinds[fd] == kind_of(request) ?
	      dispatch(request, arg) : -ENOTTY;
	pthread_mutex_unlock(&model.lock);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}

static int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* Nothing is left open. A thread of the library may release the last object slightly later */
static void check_files(int before)
{
	int tries;

	for (tries = 0; count_files() != before && tries < 10000; tries++)
		Sleep(1);
	CHECK_EQ(count_files(), before);
}

/* The objects of most tests */

static HANDLE filter, pin, allocator;

static struct {
	KSPIN_CONNECT connect;
	KS_DATAFORMAT_VIDEOINFOHEADER format;
} usual;

static void make_usual(void)
{
	struct v4l2_format format = { 0 };

	memset(&usual, 0, sizeof(usual));
	usual.connect.Interface.Set = KSINTERFACESETID_Standard;
	usual.connect.Medium.Set = KSMEDIUMSETID_Standard;
	try_format(&format);
	CHECK_EQ(win_format_from_v4l2(&format.fmt.pix, 0, &usual.format), 0);
}

static DWORD create_pin(HANDLE of, HANDLE *new)
{
	return KsCreatePin(of, &usual.connect, GENERIC_READ, new);
}

static HANDLE open_filter(void)
{
	return CreateFileA("camera", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
}

static DWORD create_allocator(HANDLE on, ULONG options, HANDLE *new)
{
	KSALLOCATOR_FRAMING framing = {
		.OptionsFlags = options,
		.Frames = FRAMES,
		.FrameSize = FRAME_BYTES,
	};

	return KsCreateAllocator(on, &framing, new);
}

static void open_all(ULONG options)
{
	make_usual();
	memset(model.allocated, 0, sizeof(model.allocated));
	filter = open_filter();
	CHECK(filter != INVALID_HANDLE_VALUE);
	CHECK_EQ(create_pin(filter, &pin), ERROR_SUCCESS);
	CHECK_EQ(create_allocator(pin, options, &allocator), ERROR_SUCCESS);
}

static DWORD method(ULONG id, void **frame, OVERLAPPED *overlapped)
{
	KSMETHOD request = { .Set = KSMETHODSETID_StreamAllocator, .Id = id };

	return DeviceIoControl(allocator, IOCTL_KS_METHOD, &request, sizeof(request), frame,
			       sizeof(*frame), NULL, overlapped) ? 0 : GetLastError();
}

static void take_all(void **frames)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		CHECK_EQ(method(KSMETHOD_STREAMALLOCATOR_ALLOC, &frames[i], NULL), 0);
}

static DWORD get_format(HANDLE of)
{
	KSPROPERTY request = {
		.Set = KSPROPSETID_Connection,
		.Id = KSPROPERTY_CONNECTION_DATAFORMAT,
		.Flags = KSPROPERTY_TYPE_GET,
	};
	KS_DATAFORMAT_VIDEOINFOHEADER format;

	return DeviceIoControl(of, IOCTL_KS_PROPERTY, &request, sizeof(request), &format,
			       sizeof(format), NULL, NULL) ? 0 : GetLastError();
}

/* J2: a filter has one pin at a time, which exists after the handle of the filter is closed. */
static void test_one_pin(void)
{
	HANDLE other, second = NULL;
	int before = count_files();

	make_usual();
	filter = open_filter();
	CHECK_EQ(create_pin(filter, &pin), ERROR_SUCCESS);
	model.formats_set = 0;
	CHECK_EQ(create_pin(filter, &second), ERROR_BUSY);
	CHECK_EQ(model.formats_set, 0);
	usual.format.VideoInfoHeader.bmiHeader.biWidth += 2;
	CHECK_EQ(create_pin(filter, &second), ERROR_NO_MATCH);
	usual.format.VideoInfoHeader.bmiHeader.biWidth -= 2;
	CHECK(!second);

	other = open_filter();
	CHECK_EQ(create_pin(other, &second), ERROR_SUCCESS);
	CloseHandle(second);
	CloseHandle(other);

	CloseHandle(pin);
	CHECK_EQ(create_pin(filter, &pin), ERROR_SUCCESS);
	CloseHandle(filter);
	CHECK_EQ(get_format(pin), 0);
	CloseHandle(pin);
	check_files(before);
}

static void *take_one(void *result)
{
	void *frame;

	*(DWORD *)result = method(KSMETHOD_STREAMALLOCATOR_ALLOC, &frame, NULL);
	return NULL;
}

static void wait_for_waiting(int calls)
{
	pthread_mutex_lock(&model.lock);
	while (model.waiting < calls)
		pthread_cond_wait(&model.changed, &model.lock);
	pthread_mutex_unlock(&model.lock);
}

/*
 * B4: closing an allocator cancels the waiting ALLOC calls, the one in the kernel and those
 * behind it, even if it begins to wait only after the cancel.
 */
static void test_close_cancels(void)
{
	OVERLAPPED overlapped[2] = { 0 };
	void *frames[FRAMES], *later[2];
	int i, before = count_files();
	DWORD bytes, result = 0;
	pthread_t thread;

	open_all(KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
	take_all(frames);
	model.cancels = 0;
	model.cancels_missed = 1;
	CHECK(!pthread_create(&thread, NULL, take_one, &result));
	wait_for_waiting(1);
	for (i = 0; i < 2; i++)
		CHECK_EQ(method(KSMETHOD_STREAMALLOCATOR_ALLOC, &later[i], &overlapped[i]),
			 ERROR_IO_PENDING);
	CHECK(CloseHandle(allocator));
	CHECK_EQ(model.waiting, 0);
	CHECK_EQ(model.cancels, 1);
	for (i = 0; i < 2; i++) {
		CHECK(!GetOverlappedResult(NULL, &overlapped[i], &bytes, TRUE));
		CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	}
	pthread_join(thread, NULL);
	CHECK_EQ(result, ERROR_OPERATION_ABORTED);
	CloseHandle(pin);
	CloseHandle(filter);
	check_files(before);
}

static DWORD begin_read(HANDLE on, void *frame, KSSTREAM_HEADER *header, OVERLAPPED *overlapped)
{
	*header = (KSSTREAM_HEADER) { .Size = sizeof(*header), .Data = frame };
	*overlapped = (OVERLAPPED) { 0 };
	return DeviceIoControl(on, IOCTL_KS_READ_STREAM, NULL, 0, header, sizeof(*header), NULL,
			       overlapped) ? 0 : GetLastError();
}

/* E1: events end with the handle of the allocator. Its frames exist as long as the pin. */
static void test_close_keeps_frames(void)
{
	KSEVENTDATA data[2] = {
		{ .NotificationType = KSEVENTF_EVENT_HANDLE },
		{ .NotificationType = KSEVENTF_EVENT_HANDLE },
	};
	KSEVENT request = {
		.Set = KSEVENTSETID_StreamAllocator,
		.Id = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.Flags = KSEVENT_TYPE_ENABLE,
	};
	int i, before = count_files();
	OVERLAPPED overlapped;
	KSSTREAM_HEADER header;
	void *frames[FRAMES];
	DWORD bytes;

	open_all(KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
	take_all(frames);
	model.events = 0;
	for (i = 0; i < 2; i++) {
		data[i].EventHandle.Event = CreateEventA(NULL, FALSE, FALSE, NULL);
		CHECK(DeviceIoControl(allocator, IOCTL_KS_ENABLE_EVENT, &request, sizeof(request),
				      &data[i], sizeof(data[i]), NULL, NULL));
	}
	CHECK_EQ(model.events, 2);
	CHECK(CloseHandle(allocator));
	CHECK_EQ(model.events, 0);

	memset(frames[1], 0x5a, FRAME_BYTES);
	CHECK_EQ(begin_read(pin, frames[1], &header, &overlapped), ERROR_IO_PENDING);
	CHECK_EQ(model.submitted.index, 1);
	CHECK(CloseHandle(pin));
	CHECK(!GetOverlappedResult(NULL, &overlapped, &bytes, FALSE));
	CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	CloseHandle(filter);
	for (i = 0; i < 2; i++)
		CloseHandle(data[i].EventHandle.Event);
	check_files(before);
}

/* The library forgets events for one frame that have ended, when their object is used again. */
static void test_ended_events(void)
{
	KSEVENTDATA data[9] = { 0 };
	KSEVENT request = {
		.Set = KSEVENTSETID_StreamAllocator,
		.Id = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.Flags = KSEVENT_TYPE_ENABLE | KSEVENT_TYPE_ONESHOT,
	};
	HANDLE events[3];
	size_t i;

	open_all(KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
	for (i = 0; i < ARRAY_SIZE(events); i++)
		events[i] = CreateEventA(NULL, FALSE, FALSE, NULL);
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		data[i].NotificationType = KSEVENTF_EVENT_HANDLE;
		data[i].EventHandle.Event = events[i % ARRAY_SIZE(events)];
		CHECK(DeviceIoControl(allocator, IOCTL_KS_ENABLE_EVENT, &request, sizeof(request),
				      &data[i], sizeof(data[i]), NULL, NULL));
	}
	model.disable_calls = 0;
	CHECK(CloseHandle(allocator));
	CHECK_EQ(model.disable_calls, ARRAY_SIZE(events));
	for (i = 0; i < ARRAY_SIZE(events); i++)
		CloseHandle(events[i]);
	CloseHandle(pin);
	CloseHandle(filter);
}

static void check_submit(HANDLE on, void *frame, bool by_descriptor)
{
	KSSTREAM_HEADER header;
	OVERLAPPED overlapped;
	DWORD bytes;
	int fd;

	CHECK_EQ(begin_read(on, frame, &header, &overlapped), ERROR_IO_PENDING);
	fd = model.submitted.dmabuf_fd;
	CHECK_EQ(fd >= 0, by_descriptor);
	if (fd >= 0) {
		CHECK_EQ(model.kinds[fd], DMABUF);
		CHECK_EQ(model.frame_of[fd], model.submitted.index);
	}
	CHECK(CloseHandle(on));
	CHECK(!GetOverlappedResult(NULL, &overlapped, &bytes, FALSE));
}

/*
 * I2: a read passes the dma-buf of the frame, unless the frame is the memory of that
 * device.
 */
static void test_submit(void)
{
	int before = count_files();
	void *frames[FRAMES];
	HANDLE other_filter, other;
	KSPROPERTY request = {
		.Set = KSPROPSETID_Stream,
		.Id = KSPROPERTY_STREAM_ALLOCATOR,
		.Flags = KSPROPERTY_TYPE_SET,
	};

	open_all(KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
	take_all(frames);
	check_submit(pin, frames[2], true);
	CloseHandle(allocator);
	CloseHandle(filter);

	open_all(0);
	take_all(frames);
	other_filter = open_filter();
	CHECK_EQ(create_pin(other_filter, &other), ERROR_SUCCESS);
	CHECK(DeviceIoControl(other, IOCTL_KS_PROPERTY, &request, sizeof(request), &allocator,
			      sizeof(allocator), NULL, NULL));
	check_submit(other, frames[1], true);
	check_submit(pin, frames[2], false);
	CloseHandle(allocator);
	CloseHandle(filter);
	CloseHandle(other_filter);
	check_files(before);
}

/*
 * A busy device cannot show which memory it can use, so the frames are from the usual heap. If
 * that cannot be opened, the busy device is the reason that helps the client.
 */
static void test_busy(void)
{
	static const struct {
		int heap_errno;
		DWORD error;
	} expected[] = {
		{ ENOENT, ERROR_BUSY },
		{ EACCES, ERROR_BUSY },
		{ EMFILE, ERROR_TOO_MANY_OPEN_FILES },
		{ 0, ERROR_SUCCESS },
	};
	int before = count_files();
	size_t i;

	make_usual();
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		filter = open_filter();
		CHECK_EQ(create_pin(filter, &pin), ERROR_SUCCESS);
		allocator = NULL;
		model.busy = true;
		model.heap_errno = expected[i].heap_errno;
		model.udmabuf_errno = expected[i].heap_errno;
		CHECK_EQ(create_allocator(pin, KSALLOCATOR_OPTIONF_SYSTEM_MEMORY, &allocator),
			 expected[i].error);
		model.busy = false;
		model.heap_errno = 0;
		model.udmabuf_errno = 0;
		CHECK_EQ(!allocator, expected[i].error != ERROR_SUCCESS);
		if (allocator)
			CloseHandle(allocator);
		CloseHandle(pin);
		CloseHandle(filter);
	}
	check_files(before);
}

/*
 * While an allocator is assigned, memory cannot be tried either. Frames are from the usual heap, or
 * from udmabuf if the user may not open that. Other errors are passed on.
 */
static void test_untried(void)
{
	static const struct {
		int heap_errno, udmabuf_errno;
		DWORD error;
		enum kind source;
	} expected[] = {
		{ 0, EACCES, ERROR_SUCCESS, HEAP },
		{ EACCES, 0, ERROR_SUCCESS, UDMABUF },
		{ ENOENT, 0, ERROR_SUCCESS, UDMABUF },
		{ EACCES, ENOENT, ERROR_ACCESS_DENIED, NO_FILE },
		{ ENOENT, EACCES, ERROR_ACCESS_DENIED, NO_FILE },
		{ EMFILE, 0, ERROR_TOO_MANY_OPEN_FILES, NO_FILE },
	};
	int before = count_files();
	size_t i;

	make_usual();
	filter = open_filter();
	CHECK_EQ(create_pin(filter, &pin), ERROR_SUCCESS);
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		allocator = NULL;
		model.heap_errno = expected[i].heap_errno;
		model.udmabuf_errno = expected[i].udmabuf_errno;
		model.source = NO_FILE;
		CHECK_EQ(create_allocator(pin, KSALLOCATOR_OPTIONF_SYSTEM_MEMORY, &allocator),
			 expected[i].error);
		CHECK_EQ(model.source, expected[i].source);
		if (allocator)
			CloseHandle(allocator);
	}
	model.heap_errno = 0;
	model.udmabuf_errno = 0;
	CloseHandle(pin);
	CloseHandle(filter);
	check_files(before);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "one pin for each filter", test_one_pin },
		{ "closing an allocator cancels its calls", test_close_cancels },
		{ "frames of a closed allocator", test_close_keeps_frames },
		{ "events that have ended", test_ended_events },
		{ "descriptors of frames", test_submit },
		{ "memory for a busy device", test_busy },
		{ "memory that is not tried", test_untried },
	};

	alarm(PATIENCE_S);
	return tap_run(tests, ARRAY_SIZE(tests));
}
