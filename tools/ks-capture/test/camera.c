// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated camera of camera.h: its V4L2 driver, and the functions that replace those
 * of libc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ks/ks.h>

#include "../capture.h"
#include "../list.h"
#include "../options.h"
#include "../pipeline.h"
#include "../say.h"
#include "camera.h"
#include "camera-ks.h"
#include "camera-media.h"
#include "tests.h"

/* The number of the current input */
#define INPUT 2

#define MAX_FILES 256
#define MONOTONIC_START 1000
/* 2026-01-02 03:04:05 UTC, when the other clock starts */
#define REALTIME_START 1767323045

struct camera camera;
char camera_said[8192];
static enum camera_file files[MAX_FILES];
static unsigned long long clock_ns;

const struct v4l2_bt_timings camera_720p = {
	.width = 1280, .height = 720, .pixelclock = 74250000, .hfrontporch = 110, .hsync = 40,
	.hbackporch = 220, .vfrontporch = 5, .vsync = 5, .vbackporch = 20,
};

const struct v4l2_bt_timings camera_480p = {
	.width = 640, .height = 480, .pixelclock = 25175000, .hfrontporch = 16, .hsync = 96,
	.hbackporch = 48, .vfrontporch = 10, .vsync = 2, .vbackporch = 33,
};

const struct v4l2_bt_timings camera_1080i = {
	.width = 1920, .height = 1080, .interlaced = 1, .pixelclock = 74250000,
	.hfrontporch = 88, .hsync = 44, .hbackporch = 148, .vfrontporch = 2, .vsync = 5,
	.vbackporch = 15, .il_vfrontporch = 2, .il_vsync = 5, .il_vbackporch = 16,
};

void camera_reset(unsigned int frames)
{
	unsigned int i;

	camera = (struct camera) {
		.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
		.formats = { { V4L2_PIX_FMT_YUYV, 1, false } },
		.format = V4L2_PIX_FMT_YUYV,
		.width = 64,
		.height = 36,
		.field = V4L2_FIELD_NONE,
		.period = { 1, 30 },
		.timings = camera_720p,
		.sources = { { camera_720p, 0, 0 } },
		.needs = { .requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
			   .frames = 2 },
		.udmabuf_errno = ENOENT,
		.nodes = 1,
		.nr_frames = frames,
	};
	for (i = 0; i < frames && i < CAMERA_FRAMES; i++)
		camera.frames[i].sequence = i;
	clock_ns = 0;
	camera_ks_reset();
}

enum camera_file camera_file_of(int fd)
{
	return fd >= 0 && fd < MAX_FILES ? files[fd] : CAMERA_NO_FILE;
}

int camera_new_file(int fd, enum camera_file kind)
{
	if (fd < 0 || fd >= MAX_FILES)
		abort();
	files[fd] = kind;
	return fd;
}

static bool is_path(const char *path, const char *should)
{
	return !strcmp(path, should);
}

static bool is_node(const char *path)
{
	unsigned int number;

	return sscanf(path, "/dev/video%u", &number) == 1 && number < camera.nodes;
}

/* Whether this file is a part of the model, on which the machine has no influence */
static bool is_modelled(const char *path)
{
	return !strncmp(path, "/run/", 5) || is_path(path, "/.dockerenv") ||
	       !strncmp(path, "/sys/module/", 12) || !strncmp(path, "/sys/firmware/", 14) ||
	       !strncmp(path, "/sys/kernel/security/", 21);
}

static const struct camera_path *find_path(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(camera.paths); i++)
		if (camera.paths[i].path && is_path(path, camera.paths[i].path))
			return &camera.paths[i];
	return NULL;
}

int __wrap_access(const char *path, int mode)
{
	if (!is_modelled(path))
		return __real_access(path, mode);
	if (find_path(path))
		return 0;
	errno = ENOENT;
	return -1;
}

int __wrap_stat64(const char *path, struct stat *st)
{
	if (!camera.group || !(is_node(path) || is_path(path, LIBKS_DEVICE)))
		return __real_stat64(path, st);
	*st = (struct stat) { .st_mode = S_IFCHR | 0660, .st_gid = camera.group };
	return 0;
}

static int open_modelled(const char *path)
{
	const struct camera_path *found = find_path(path);
	int fd;

	if (!found) {
		errno = ENOENT;
		return -1;
	}
	fd = memfd_create("modelled", MFD_CLOEXEC);
	if (pwrite(fd, found->content, found->size, 0) != (ssize_t)found->size)
		abort();
	return fd;
}

static int open_any(const char *path, int flags, mode_t mode)
{
	int media, err = 0;

	if (is_node(path))
		err = camera.open_errno;
	else if (is_path(path, LIBKS_DEVICE))
		err = camera.ks_errno;
	else if (is_path(path, "/dev/dma_heap/system"))
		err = camera.heap_errno;
	else if (is_path(path, LIBKS_UDMABUF_DEVICE))
		err = camera.udmabuf_errno;
	if (err) {
		errno = err;
		return -1;
	}
	if (is_node(path))
		return camera_new_file(__real_open("/dev/null", O_RDWR), CAMERA_NODE);
	if (is_path(path, LIBKS_DEVICE))
		return camera_new_file(__real_open("/dev/null", O_RDWR), CAMERA_KS);
	if (is_path(path, "/dev/dma_heap/system"))
		return camera_new_file(__real_open("/dev/null", O_RDWR), CAMERA_HEAP);
	if (is_path(path, LIBKS_UDMABUF_DEVICE))
		return camera_new_file(__real_open("/dev/null", O_RDWR), CAMERA_UDMABUF);
	if (is_modelled(path))
		return open_modelled(path);
	media = camera_media_open(path);
	return media >= 0 ? media : __real_open(path, flags, mode);
}

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_any(path, flags, mode);
}

/* The name of open() with large file support */
int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_any(path, flags, mode);
}

/* The only heap, for libks */
int __wrap_scandir(const char *path, struct dirent ***list,
		   int (*filter)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **))
{
	(void)compare;
	if (!is_path(path, LIBKS_HEAP_DIR) || camera.heap_errno == ENOENT) {
		errno = ENOENT;
		return -1;
	}
	*list = calloc(1, sizeof(**list));
	**list = calloc(1, sizeof(***list));
	snprintf((**list)->d_name, sizeof((**list)->d_name), "system");
	return filter(**list);
}

/* The nodes, for ks-capture */
int __wrap_scandir64(const char *path, struct dirent ***list,
		     int (*filter)(const struct dirent *),
		     int (*compare)(const struct dirent **, const struct dirent **))
{
	unsigned int i;

	(void)path;
	(void)filter;
	(void)compare;
	*list = calloc(CAMERA_NODES, sizeof(**list));
	for (i = 0; i < camera.nodes; i++) {
		(*list)[i] = calloc(1, sizeof(***list));
		snprintf((*list)[i]->d_name, sizeof((*list)[i]->d_name), "video%u", i);
	}
	return (int)camera.nodes;
}

int __wrap_close(int fd)
{
	if (camera_file_of(fd))
		files[fd] = CAMERA_NO_FILE;
	return __real_close(fd);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	ts->tv_sec = clock_ns / 1000000000;
	ts->tv_nsec = clock_ns % 1000000000;
	ts->tv_sec += clock == CLOCK_MONOTONIC ? MONOTONIC_START : REALTIME_START;
	return 0;
}

__s64 camera_time(void)
{
	return MONOTONIC_START * 10000000LL + (__s64)(clock_ns / 100);
}

void camera_tick(void)
{
	clock_ns += 1000000000ULL * camera.period.numerator / camera.period.denominator;
}

static unsigned int planes_of(__u32 fourcc)
{
	unsigned int i;

	for (i = 0; i < CAMERA_FORMATS; i++)
		if (camera.formats[i].fourcc == fourcc && camera.formats[i].planes)
			return camera.formats[i].planes;
	return 1;
}

__u32 camera_planes(void)
{
	return planes_of(camera.format);
}

__u32 camera_frame_bytes(void)
{
	return camera.frame_bytes ? camera.frame_bytes : 2 * camera.width * camera.height;
}

/* Two bytes per pixel, or one if the format is planar: sufficient for the tests */
static __u32 stride_of(__u32 fourcc, __u32 width)
{
	switch (fourcc) {
	case V4L2_PIX_FMT_YUYV:
	case V4L2_PIX_FMT_Y16:
		return 2 * width;
	case V4L2_PIX_FMT_MJPEG:
		return 0;
	default:
		return width;
	}
}

static void describe(struct v4l2_format *v4l2, __u32 fourcc, __u32 width, __u32 height)
{
	__u32 type = v4l2->type;

	memset(v4l2, 0, sizeof(*v4l2));
	v4l2->type = type;
	if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) {
		v4l2->fmt.pix_mp = (struct v4l2_pix_format_mplane) {
			.width = width, .height = height, .pixelformat = fourcc,
			.field = camera.field, .num_planes = planes_of(fourcc),
		};
		v4l2->fmt.pix_mp.plane_fmt[0].bytesperline = stride_of(fourcc, width);
		return;
	}
	v4l2->fmt.pix = (struct v4l2_pix_format) {
		.width = width, .height = height, .pixelformat = fourcc, .field = camera.field,
		.bytesperline = stride_of(fourcc, width), .sizeimage = camera_frame_bytes(),
	};
}

/* Accepts any offered format, in any size */
static int do_format(struct v4l2_format *v4l2, bool sets)
{
	bool mplane = v4l2->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	__u32 fourcc = mplane ? v4l2->fmt.pix_mp.pixelformat : v4l2->fmt.pix.pixelformat;
	__u32 width = mplane ? v4l2->fmt.pix_mp.width : v4l2->fmt.pix.width;
	__u32 height = mplane ? v4l2->fmt.pix_mp.height : v4l2->fmt.pix.height;

	if (sets && camera.set_errno)
		return -camera.set_errno;
	if (sets) {
		camera.format = fourcc;
		camera.width = width;
		camera.height = height;
	}
	describe(v4l2, fourcc, width, height);
	return 0;
}

static int do_enum(struct v4l2_fmtdesc *desc)
{
	const struct camera_format *format = &camera.formats[desc->index];

	if (desc->index >= CAMERA_FORMATS || !format->fourcc)
		return -EINVAL;
	desc->pixelformat = format->fourcc;
	desc->flags = format->emulated ? V4L2_FMT_FLAG_EMULATED : 0;
	return 0;
}

static int do_parm(struct v4l2_streamparm *parm, bool sets)
{
	if (sets)
		camera.period = parm->parm.capture.timeperframe;
	parm->parm.capture.capability = camera.period.numerator ? V4L2_CAP_TIMEPERFRAME : 0;
	parm->parm.capture.timeperframe = camera.period;
	return 0;
}

static int do_input(struct v4l2_input *input)
{
	if (input->index != INPUT)
		return -EINVAL;
	snprintf((char *)input->name, sizeof(input->name), "HDMI 1");
	input->capabilities = camera.input_caps;
	input->status = camera.sources[camera.source].status;
	return 0;
}

static int do_timings(unsigned long request, struct v4l2_dv_timings *timings)
{
	if (!(camera.input_caps & V4L2_IN_CAP_DV_TIMINGS))
		return -ENOTTY;
	timings->type = V4L2_DV_BT_656_1120;
	if (request == VIDIOC_G_DV_TIMINGS) {
		timings->bt = camera.timings;
		return 0;
	}
	if (request == VIDIOC_QUERY_DV_TIMINGS) {
		timings->bt = camera.sources[camera.source].timings;
		return -camera.sources[camera.source].query_errno;
	}
	camera.timings = timings->bt;
	camera.width = timings->bt.width;
	camera.height = timings->bt.height / (timings->bt.interlaced ? 2 : 1);
	camera.field = timings->bt.interlaced ? V4L2_FIELD_ALTERNATE : V4L2_FIELD_NONE;
	camera.sets_timings++;
	return 0;
}

static int do_event(unsigned long request, void *arg)
{
	const struct v4l2_event_subscription *subscription = arg;
	struct v4l2_event *event = arg;

	if (!camera.has_events)
		return -EINVAL;
	if (request == VIDIOC_SUBSCRIBE_EVENT) {
		camera.subscribed |= subscription->id == INPUT;
		return 0;
	}
	if (!camera.event || !camera.subscribed)
		return -ENOENT;
	camera.event = false;
	event->type = V4L2_EVENT_SOURCE_CHANGE;
	event->u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION;
	return 0;
}

static int do_capabilities(struct v4l2_capability *cap)
{
	*cap = (struct v4l2_capability) {
		.driver = "fake", .bus_info = "test", .capabilities = camera.caps,
	};
	snprintf((char *)cap->card, sizeof(cap->card), "%s",
		 camera.card ? camera.card : "Fake camera");
	if (!camera.share_of)
		return 0;
	snprintf((char *)cap->driver, sizeof(cap->driver), "ksalloc");
	snprintf((char *)cap->bus_info, sizeof(cap->bus_info), "platform:ksalloc-%s",
		 camera.share_of);
	return 0;
}

static int do_node(unsigned long request, void *arg)
{
	struct v4l2_format *v4l2 = arg;

	if (camera.only)
		return request == camera.only ? 0 : -ENOTTY;
	switch (request) {
	case VIDIOC_QUERYCAP:
		return do_capabilities(arg);
	case VIDIOC_ENUM_FMT:
		return do_enum(arg);
	case VIDIOC_G_FMT:
		describe(v4l2, camera.format, camera.width, camera.height);
		return 0;
	case VIDIOC_TRY_FMT:
	case VIDIOC_S_FMT:
		return do_format(v4l2, request == VIDIOC_S_FMT);
	case VIDIOC_G_PARM:
	case VIDIOC_S_PARM:
		return do_parm(arg, request == VIDIOC_S_PARM);
	case VIDIOC_G_INPUT:
		*(int *)arg = INPUT;
		return 0;
	case VIDIOC_ENUMINPUT:
		return do_input(arg);
	case VIDIOC_G_DV_TIMINGS:
	case VIDIOC_S_DV_TIMINGS:
	case VIDIOC_QUERY_DV_TIMINGS:
		return do_timings(request, arg);
	case VIDIOC_REQBUFS:
		return camera.cannot_import ? -EINVAL : 0;
	case VIDIOC_SUBSCRIBE_EVENT:
	case VIDIOC_DQEVENT:
		return do_event(request, arg);
	default:
		return -ENOTTY;
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	enum camera_file kind = camera_file_of(fd);
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!kind)
		return __real_ioctl(fd, request, arg);
	if (kind == CAMERA_NODE)
		ret = do_node(request, arg);
	else if (kind == CAMERA_MEDIA || kind == CAMERA_SUBDEV)
		ret = camera_media_call(fd, request, arg);
	else
		ret = camera_ks_call(fd, request, arg);
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

/* Events before the next frame happen now */
static void begin_frame(void)
{
	struct camera_frame *frame = &camera.frames[camera.next];

	if (camera.next >= camera.nr_frames || !frame->changes[0] || camera.event)
		return;
	camera.source = frame->changes[0];
	frame->changes[0] = frame->changes[1];
	frame->changes[1] = 0;
	camera.event = true;
}

static short ready_events(const struct pollfd *file)
{
	struct pollfd one = { .fd = file->fd, .events = file->events };

	switch (camera_file_of(file->fd)) {
	case CAMERA_NO_FILE:
		return __real_poll(&one, 1, 0) > 0 ? one.revents : 0;
	case CAMERA_NODE:
		return camera.event && camera.subscribed ? POLLPRI & file->events : 0;
	case CAMERA_CONNECTION:
		return camera_ks_is_ready() ? POLLIN & file->events : 0;
	default:
		return 0;
	}
}

static int count_ready(struct pollfd *list, nfds_t count)
{
	int ready = 0;
	nfds_t i;

	for (i = 0; i < count; i++) {
		list[i].revents = ready_events(&list[i]);
		ready += !!list[i].revents;
	}
	return ready;
}

int __wrap_poll(struct pollfd *list, nfds_t count, int timeout)
{
	int ready;

	if (list->events == POLLOUT)
		return __real_poll(list, count, timeout);
	begin_frame();
	ready = count_ready(list, count);
	if (ready)
		return ready;
	if (camera.next < camera.nr_frames && camera.frames[camera.next].waits) {
		camera.frames[camera.next].waits = false;
		clock_ns += 1000000;
		return count_ready(list, count);
	}
	clock_ns += timeout * 1000000ULL;
	return 0;
}

#define WORDS_MAX 40

static int run(const char *words)
{
	char *argv[WORDS_MAX + 2] = { "ks-capture" };
	struct options options;
	char copy[1024], *word;
	int argc = 1, status;

	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok(copy, " "); word && argc <= WORDS_MAX; word = strtok(NULL, " "))
		argv[argc++] = word;
	status = options_parse(&options, argc, argv);
	say_quiet = options.quiet;
	return status ? status : capture(&options);
}

/* Redirects stdout or stderr to a memfd, until restore() or end_log() */
static void begin_log(FILE *file, int log, int *saved)
{
	fflush(file);
	*saved = dup(fileno(file));
	dup2(log, fileno(file));
}

static void restore(FILE *file, int saved)
{
	fflush(file);
	dup2(saved, fileno(file));
	__real_close(saved);
}

static void end_log(FILE *file, int log, int saved)
{
	ssize_t size;

	restore(file, saved);
	size = pread(log, camera_said, sizeof(camera_said) - 1, 0);
	camera_said[size < 0 ? 0 : size] = 0;
	__real_close(log);
}

int camera_run(const char *words)
{
	int log = memfd_create("log", MFD_CLOEXEC), saved, status;

	begin_log(stderr, log, &saved);
	status = run(words);
	end_log(stderr, log, saved);
	return status;
}

bool camera_list(void)
{
	int log = memfd_create("log", MFD_CLOEXEC), saved;
	bool told, denied;

	begin_log(stdout, log, &saved);
	told = list_node(CAMERA_PATH, &denied);
	end_log(stdout, log, saved);
	return told;
}

int camera_list_all(void)
{
	int log = memfd_create("log", MFD_CLOEXEC), saved, saved_stderr, status;

	begin_log(stdout, log, &saved);
	begin_log(stderr, log, &saved_stderr);
	status = list_cameras();
	restore(stderr, saved_stderr);
	end_log(stdout, log, saved);
	return status;
}

int camera_list_formats(void)
{
	int log = memfd_create("log", MFD_CLOEXEC), saved, status;

	begin_log(stdout, log, &saved);
	status = list_formats(CAMERA_PATH);
	end_log(stdout, log, saved);
	return status;
}

void camera_advise(void)
{
	int log = memfd_create("log", MFD_CLOEXEC), saved;
	struct device device;

	begin_log(stderr, log, &saved);
	if (!device_open(&device, CAMERA_PATH)) {
		pipeline_advise(&device, MEDIA_PATH);
		device_close(&device);
	}
	end_log(stderr, log, saved);
}

int camera_said_count(const char *text)
{
	const char *at = camera_said;
	int count = 0;

	for (; (at = strstr(at, text)); at++)
		count++;
	return count;
}
