// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

#include "tap.h"
#include "wincamera.h"
#include "wrap.h"

#define MAX_FILES 256

enum kind {
	NO_FILE,
	CAMERA,
	KS,
	UDMABUF,
	CONNECTION,
	ALLOCATOR,
	DMABUF,
};

enum owner {
	FREE,
	ALLOCATED,
	IN_DEVICE,
};

struct camera camera;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum kind kinds[MAX_FILES];

static struct {
	int connection;
	__u32 frames;
	int memory[CAMERA_MAX_FRAMES];
	enum owner owner[CAMERA_MAX_FRAMES];
	__u32 queue[CAMERA_MAX_FRAMES];
	unsigned int queued;
	struct ksalloc_complete done[CAMERA_MAX_FRAMES];
	unsigned int nr_done;
	__u32 sequence;
	bool flushing;
	/* Calls that wait for a frame, and cancels */
	unsigned int waiting;
	unsigned int cancels;
	/* An allocator is being taken from the connection, and a step to PAUSE waits for that */
	bool leaving;
	bool waits_for_leave;
	/* The eventfd that was enabled last */
	int event;
} model = { .connection = -1, .event = -1 };

static void forget_frames(void)
{
	while (model.frames)
		close(model.memory[--model.frames]);
}

void camera_reset(void)
{
	forget_frames();
	memset(kinds, 0, sizeof(kinds));
	memset(&model, 0, sizeof(model));
	model.connection = -1;
	model.event = -1;
	camera = (struct camera) { .frames_needed = 2, .data_used = CAMERA_BYTES };
}

static int mark(int fd, enum kind kind)
{
	if (fd < 0 || fd >= MAX_FILES)
		return -ENFILE;
	kinds[fd] = kind;
	return fd;
}

static int new_file(enum kind kind)
{
	return mark(memfd_create("model", MFD_CLOEXEC), kind);
}

static int new_frame(void)
{
	int fd = new_file(DMABUF);

	return fd < 0 || ftruncate(fd, CAMERA_BYTES) ? -ENFILE : fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	enum kind kind = UDMABUF;
	int fd;

	(void)flags;
	if (!strcmp(path, "camera"))
		kind = CAMERA;
	else if (!strcmp(path, LIBKS_DEVICE))
		kind = KS;
	pthread_mutex_lock(&lock);
	fd = new_file(kind);
	pthread_mutex_unlock(&lock);
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
	if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	if (camera.rgb) {
		format->fmt.pix = (struct v4l2_pix_format) {
			.pixelformat = V4L2_PIX_FMT_BGR24,
			.width = CAMERA_LINE / 3,
			.height = CAMERA_LINES,
			.bytesperline = CAMERA_LINE,
			.sizeimage = CAMERA_LINE * CAMERA_LINES,
			.field = camera.field,
		};
		return 0;
	}
	format->fmt.pix = (struct v4l2_pix_format) {
		.pixelformat = V4L2_PIX_FMT_YUYV,
		.width = 64,
		.height = 64,
		.bytesperline = 128,
		.sizeimage = CAMERA_BYTES,
		.field = camera.field,
	};
	return 0;
}

static int connect_camera(void)
{
	/* As a connection, it can be read while there are filled frames */
	model.connection = mark(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE), CONNECTION);
	return model.connection;
}

static int get_framing(struct ksalloc_get_framing *arg)
{
	arg->framing = (struct ksallocator_framing) {
		.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
		.frames = camera.frames_needed,
		.frame_size = CAMERA_BYTES,
		.file_alignment = 63,
	};
	return 0;
}

static int create_allocator(const struct ksalloc_create_allocator *arg)
{
	const int *dmabufs = (const int *)(uintptr_t)arg->dmabufs;
	bool import = arg->flags & KSALLOC_IMPORT;
	__u32 frames = import ? arg->nr_dmabufs : arg->framing.frames;
	int fd;

	camera.created = *arg;
	if (arg->framing.reserved || frames > CAMERA_MAX_FRAMES || frames < camera.frames_needed)
		return -EINVAL;
	forget_frames();
	while (model.frames < frames) {
		fd = import ? fcntl(dmabufs[model.frames], F_DUPFD_CLOEXEC, 0) : new_frame();
		if (fd < 0)
			return -ENOMEM;
		model.owner[model.frames] = FREE;
		model.memory[model.frames++] = fd;
	}
	return new_file(ALLOCATOR);
}

/* No flags, and no ranges */
static int get_framing_ex(const struct ksalloc_get_framing_ex *arg)
{
	memset((void *)(uintptr_t)arg->framing, 0, arg->framing_size);
	return 0;
}

static int make_udmabuf(const struct udmabuf_create *arg)
{
	return mark(fcntl((int)arg->memfd, F_DUPFD_CLOEXEC, 0), DMABUF);
}

static int sync_access(const struct dma_buf_sync *arg)
{
	__u64 *flags = (arg->flags & DMA_BUF_SYNC_END) ? &camera.ended : &camera.began;

	*flags |= arg->flags & DMA_BUF_SYNC_RW;
	return 0;
}

static int get_status(struct ksalloc_status *arg)
{
	arg->status.framing.frames = model.frames;
	arg->status.framing.frame_size = CAMERA_BYTES;
	arg->frame_bytes = CAMERA_BYTES;
	return 0;
}

static int export_frame(const struct ksalloc_export *arg)
{
	if (camera.export_errno)
		return -camera.export_errno;
	return mark(fcntl(model.memory[arg->index], F_DUPFD_CLOEXEC, 0), DMABUF);
}

static int find_free(struct ksalloc_alloc *arg)
{
	__u32 i;

	for (i = 0; i < model.frames; i++) {
		if (model.owner[i] != FREE)
			continue;
		model.owner[i] = ALLOCATED;
		arg->index = i;
		return 0;
	}
	return -EAGAIN;
}

static int alloc(struct ksalloc_alloc *arg)
{
	int ret = find_free(arg);
	unsigned int cancels;

	if (ret != -EAGAIN || arg->flags & KSALLOC_NONBLOCK)
		return ret;
	model.waiting++;
	pthread_cond_broadcast(&changed);
	cancels = model.cancels;
	while (model.cancels == cancels && (ret = find_free(arg)) == -EAGAIN)
		pthread_cond_wait(&changed, &lock);
	model.waiting--;
	return ret == -EAGAIN ? -ECANCELED : ret;
}

static int cancel(void)
{
	model.cancels++;
	pthread_cond_broadcast(&changed);
	return 0;
}

static int release_frame(const struct ksalloc_free *arg)
{
	if (arg->index >= model.frames || model.owner[arg->index] != ALLOCATED)
		return -EINVAL;
	model.owner[arg->index] = FREE;
	pthread_cond_broadcast(&changed);
	return 0;
}

/* As the kernel, it keeps the file of the eventfd */
static int enable_event(const struct ksalloc_enable_event *arg)
{
	model.event = fcntl(arg->eventfd, F_DUPFD_CLOEXEC, 0);
	return 0;
}

/* Removes what shows that there are filled frames */
static void clear_poll(void)
{
	eventfd_t value;

	while (!eventfd_read(model.connection, &value))
		;
}

static void free_submitted(void)
{
	__u32 i;

	for (i = 0; i < model.frames; i++)
		if (model.owner[i] == IN_DEVICE)
			model.owner[i] = FREE;
	model.queued = 0;
	model.nr_done = 0;
	clear_poll();
	pthread_cond_broadcast(&changed);
}

static int set_allocator(const struct ksalloc_set_allocator *arg)
{
	if (camera.state != KSSTATE_STOP)
		return -EBUSY;
	camera.assigned = arg->allocator_fd >= 0;
	return 0;
}

static int change_state(const struct ksalloc_set_state *arg)
{
	while (arg->state == KSSTATE_PAUSE && model.leaving) {
		model.waits_for_leave = true;
		pthread_cond_wait(&changed, &lock);
	}
	if (arg->state > KSSTATE_RUN || (arg->state > KSSTATE_STOP && !camera.assigned))
		return -EINVAL;
	if (camera.gone && arg->state > KSSTATE_STOP)
		return -ENODEV;
	if (arg->state > camera.state && camera.state_errno[arg->state])
		return -camera.state_errno[arg->state];
	if (arg->state < KSSTATE_PAUSE) {
		free_submitted();
		model.flushing = false;
	}
	camera.state = arg->state;
	return 0;
}

static int get_state(struct ksalloc_get_state *arg)
{
	arg->state = camera.gone ? KSSTATE_STOP : camera.state;
	return 0;
}

static int submit(const struct ksalloc_submit *arg)
{
	if (camera.gone)
		return -ENODEV;
	if (camera.state < KSSTATE_PAUSE || model.flushing)
		return -ECANCELED;
	if (camera.submit_errno)
		return -camera.submit_errno;
	if (arg->index >= model.frames || model.owner[arg->index] != ALLOCATED)
		return -EINVAL;
	if (arg->dmabuf_fd >= 0 && kinds[arg->dmabuf_fd] != DMABUF)
		return -EBADF;
	camera.submitted++;
	camera.without_descriptor += arg->dmabuf_fd < 0;
	model.owner[arg->index] = IN_DEVICE;
	model.queue[model.queued++] = arg->index;
	pthread_cond_broadcast(&changed);
	return 0;
}

static int complete(struct ksalloc_complete *arg)
{
	eventfd_t value;

	if (camera.gone)
		return -ENODEV;
	if (camera.state < KSSTATE_PAUSE || model.flushing)
		return -ECANCELED;
	if (!model.nr_done)
		return -EAGAIN;
	eventfd_read(model.connection, &value);
	*arg = model.done[0];
	model.owner[arg->index] = ALLOCATED;
	model.nr_done--;
	memmove(model.done, model.done + 1, model.nr_done * sizeof(model.done[0]));
	pthread_cond_broadcast(&changed);
	return 0;
}

static int reset_state(const struct ksalloc_reset_state *arg)
{
	if (camera.state < KSSTATE_PAUSE)
		return -ECANCELED;
	model.flushing = arg->reset == KSRESET_BEGIN;
	if (model.flushing)
		free_submitted();
	return 0;
}

static int dispatch(unsigned long request, void *arg)
{
	switch (request) {
	case VIDIOC_QUERYCAP:
		return query_capability(arg);
	case VIDIOC_S_FMT:
	case VIDIOC_TRY_FMT:
	case VIDIOC_G_FMT:
		return try_format(arg);
	case KSALLOC_CONNECT:
		return connect_camera();
	case KSALLOC_GET_FRAMING:
		return get_framing(arg);
	case KSALLOC_GET_FRAMING_EX:
		return get_framing_ex(arg);
	case KSALLOC_CREATE_ALLOCATOR:
		return create_allocator(arg);
	case UDMABUF_CREATE:
		return make_udmabuf(arg);
	case DMA_BUF_IOCTL_SYNC:
		return sync_access(arg);
	case KSALLOC_EXPORT:
		return export_frame(arg);
	case KSALLOC_STATUS:
		return get_status(arg);
	case KSALLOC_ALLOC:
		return alloc(arg);
	case KSALLOC_ALLOCATOR_CANCEL:
		return cancel();
	case KSALLOC_FREE:
		return release_frame(arg);
	case KSALLOC_ENABLE_EVENT:
		return enable_event(arg);
	case KSALLOC_DISABLE_EVENT:
		return 0;
	case KSALLOC_SET_ALLOCATOR:
		return set_allocator(arg);
	case KSALLOC_SET_STATE:
		return change_state(arg);
	case KSALLOC_GET_STATE:
		return get_state(arg);
	case KSALLOC_SUBMIT:
		return submit(arg);
	case KSALLOC_COMPLETE:
		return complete(arg);
	case KSALLOC_RESET_STATE:
		return reset_state(arg);
	default:
		return -ENOTTY;
	}
}

/* Returns whether the test has asked for it */
static bool begin_leave(unsigned long request, const struct ksalloc_set_allocator *arg)
{
	void (*call)(void) = camera.before_leave;

	if (!call || request != KSALLOC_SET_ALLOCATOR || arg->allocator_fd >= 0)
		return false;
	camera.before_leave = NULL;
	model.leaving = true;
	pthread_mutex_unlock(&lock);
	call();
	pthread_mutex_lock(&lock);
	return true;
}

static void end_leave(void)
{
	model.leaving = false;
	pthread_cond_broadcast(&changed);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	bool leaves;
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	pthread_mutex_lock(&lock);
	leaves = begin_leave(request, arg);
	ret = fd >= 0 && fd < MAX_FILES && kinds[fd] ? dispatch(request, arg) : -EBADF;
	if (leaves)
		end_leave();
	pthread_mutex_unlock(&lock);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}

/* What the device does */

static void paint(__u32 index, __u32 number)
{
	char *data = mmap(NULL, CAMERA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			  model.memory[index], 0);
	unsigned int line;

	CHECK(data != MAP_FAILED);
	memset(data, (int)number & 0xff, CAMERA_BYTES);
	for (line = 0; camera.rgb && line < CAMERA_LINES; line++)
		memset(data + line * CAMERA_LINE, (int)(number + line) & 0xff, CAMERA_LINE);
	munmap(data, CAMERA_BYTES);
}

/* The top field is the first one */
static __u32 field_of(__u32 sequence)
{
	if (camera.field != V4L2_FIELD_ALTERNATE)
		return KS_VIDEO_FLAG_FRAME;
	return sequence % 2 ? KS_VIDEO_FLAG_FIELD2 : KS_VIDEO_FLAG_FIELD1;
}

void camera_fill(void)
{
	struct ksalloc_complete *done;

	pthread_mutex_lock(&lock);
	while (!model.queued)
		pthread_cond_wait(&changed, &lock);
	done = &model.done[model.nr_done++];
	*done = (struct ksalloc_complete) {
		.size = sizeof(*done),
		.index = model.queue[0],
		.sequence = model.sequence,
		.nr_planes = 1,
		.header = {
			.header_size = sizeof(done->header),
			.type_specific_flags = field_of(model.sequence),
			.presentation_time = { 1000LL * model.sequence, 1, 1 },
			.duration = 1000,
			.frame_extent = CAMERA_BYTES,
			.data_used = camera.data_used,
			.data = camera.data_start,
			.options_flags = KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
		},
	};
	model.sequence++;
	model.queued--;
	memmove(model.queue, model.queue + 1, model.queued * sizeof(model.queue[0]));
	paint(done->index, done->sequence);
	eventfd_write(model.connection, 1);
	pthread_mutex_unlock(&lock);
}

void camera_lose(void)
{
	pthread_mutex_lock(&lock);
	model.sequence++;
	pthread_mutex_unlock(&lock);
}

void camera_wait(unsigned int in_device)
{
	pthread_mutex_lock(&lock);
	while (model.nr_done || model.queued != in_device)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

unsigned int camera_frames_in_device(void)
{
	unsigned int queued;

	pthread_mutex_lock(&lock);
	queued = model.queued;
	pthread_mutex_unlock(&lock);
	return queued;
}

void camera_signal(unsigned int frames)
{
	while (frames--)
		eventfd_write(model.event, 1);
	close(model.event);
}

void camera_wait_for_alloc(void)
{
	pthread_mutex_lock(&lock);
	while (!model.waiting)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

void camera_refuse(int err)
{
	pthread_mutex_lock(&lock);
	camera.submit_errno = err;
	pthread_mutex_unlock(&lock);
}

void camera_wait_for_pause(void)
{
	bool waits = false;
	int tries;

	for (tries = 0; !waits && tries < 100; tries++) {
		Sleep(1);
		pthread_mutex_lock(&lock);
		waits = model.waits_for_leave;
		pthread_mutex_unlock(&lock);
	}
}

/* poll() of the connection reports it, as that of a pipe that nobody writes to */
void camera_unplug(void)
{
	int ends[2];

	pthread_mutex_lock(&lock);
	camera.gone = true;
	free_submitted();
	eventfd_write(model.connection, 1);
	CHECK(!pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	close(ends[1]);
	dup2(ends[0], model.connection);
	close(ends[0]);
	pthread_mutex_unlock(&lock);
}

int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count - (int)model.frames;
}

void check_files(int before)
{
	int tries;

	for (tries = 0; count_files() != before && tries < 10000; tries++)
		Sleep(1);
	CHECK_EQ(count_files(), before);
}

/* What clients do */

HANDLE open_filter(void)
{
	HANDLE filter = CreateFileA("camera", GENERIC_READ, 0, NULL, OPEN_EXISTING,
				    FILE_FLAG_OVERLAPPED, NULL);

	CHECK(filter != INVALID_HANDLE_VALUE);
	return filter;
}

HANDLE open_pin(HANDLE filter)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	HANDLE pin = NULL;
	struct {
		KSPIN_CONNECT connect;
		KS_DATAFORMAT_VIDEOINFOHEADER format;
	} request;

	memset(&request, 0, sizeof(request));
	request.connect.Interface.Set = KSINTERFACESETID_Standard;
	request.connect.Medium.Set = KSMEDIUMSETID_Standard;
	try_format(&format);
	CHECK_EQ(win_format_from_v4l2(&format.fmt.pix, 0, &request.format), 0);
	if (camera.top_down)
		request.format.VideoInfoHeader.bmiHeader.biHeight *= -1;
	CHECK_EQ(KsCreatePin(filter, &request.connect, GENERIC_READ, &pin), ERROR_SUCCESS);
	return pin;
}

DWORD set_state(HANDLE pin, KSSTATE state)
{
	KSPROPERTY property = {
		.Set = KSPROPSETID_Connection,
		.Id = KSPROPERTY_CONNECTION_STATE,
		.Flags = KSPROPERTY_TYPE_SET,
	};

	return DeviceIoControl(pin, IOCTL_KS_PROPERTY, &property, sizeof(property), &state,
			       sizeof(state), NULL, NULL) ? 0 : GetLastError();
}

DWORD reset_pin(HANDLE pin, KSRESET reset)
{
	return DeviceIoControl(pin, IOCTL_KS_RESET_STATE, &reset, sizeof(reset), NULL, 0, NULL,
			       NULL) ? 0 : GetLastError();
}

DWORD begin_read(HANDLE pin, void *headers, ULONG size, OVERLAPPED *overlapped)
{
	return DeviceIoControl(pin, IOCTL_KS_READ_STREAM, NULL, 0, headers, size, NULL,
			       overlapped) ? 0 : GetLastError();
}

DWORD end_read(HANDLE pin, OVERLAPPED *overlapped, BOOL wait)
{
	DWORD bytes;

	return GetOverlappedResult(pin, overlapped, &bytes, wait) ? 0 : GetLastError();
}

static DWORD method(HANDLE allocator, ULONG id, void **frame, OVERLAPPED *overlapped)
{
	KSMETHOD request = { .Set = KSMETHODSETID_StreamAllocator, .Id = id };

	return DeviceIoControl(allocator, IOCTL_KS_METHOD, &request, sizeof(request), frame,
			       sizeof(*frame), NULL, overlapped) ? 0 : GetLastError();
}

DWORD allocate(HANDLE allocator, void **frame, OVERLAPPED *overlapped)
{
	return method(allocator, KSMETHOD_STREAMALLOCATOR_ALLOC, frame, overlapped);
}

DWORD free_frame(HANDLE allocator, void *frame)
{
	return method(allocator, KSMETHOD_STREAMALLOCATOR_FREE, &frame, NULL);
}

HANDLE open_allocator(HANDLE pin)
{
	return open_allocator_of(pin, 3);
}

HANDLE open_allocator_of(HANDLE pin, ULONG frames)
{
	KSALLOCATOR_FRAMING framing = {
		.OptionsFlags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.Frames = frames,
		.FrameSize = CAMERA_BYTES,
		/* As ksproxy leaves it */
		.Reserved = 0xcccccccc,
	};
	HANDLE allocator = NULL;

	CHECK_EQ(KsCreateAllocator(pin, &framing, &allocator), ERROR_SUCCESS);
	CHECK_EQ(framing.Reserved, 0xcccccccc);
	return allocator;
}

static int files_before;

void open_all(const char *memory, HANDLE *filter, HANDLE *pin)
{
	files_before = count_files();
	camera_reset();
	setenv("KS_HEAP", memory, 1);
	*filter = open_filter();
	*pin = open_pin(*filter);
}

void close_all(HANDLE filter, HANDLE pin)
{
	CHECK(CloseHandle(pin));
	CHECK(CloseHandle(filter));
	check_files(files_before);
}
