// SPDX-License-Identifier: GPL-2.0-only
/* The model that windevice.h describes. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <linux/usb/video.h>
#include <linux/uvcvideo.h>

#include "windevice.h"
#include "wrap.h"

#define MAX_FILES 512

enum kind {
	NO_FILE,
	CAMERA,
	KS,
	HEAP,
	CONNECTION,
	ALLOCATOR,
	DMABUF,
};

enum holder {
	FREE,
	CLIENT,
	DEVICE,
};

/* A file of the kernel module */
struct file {
	enum kind kind;
	/* Connection */
	enum ksstate state;
	int allocator;
	__u32 queue[CAMERA_FRAMES];
	unsigned int queued;
	__u32 sequence;
	/* Allocator; the memory of a frame is a file that is open until the next reset */
	enum holder holder[CAMERA_FRAMES];
	int memory[CAMERA_FRAMES];
};

struct camera camera;
static struct file files[MAX_FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void camera_reset(void)
{
	memset(&camera, 0, sizeof(camera));
	camera.formats[0] = V4L2_PIX_FMT_YUYV;
	camera.formats[1] = V4L2_PIX_FMT_NV12;
	camera.formats[2] = V4L2_PIX_FMT_BGR24;
	camera.formats[3] = V4L2_PIX_FMT_MJPEG;
	camera.planes = 1;
	camera.line_unit = 1;
	camera.max_width = 128;
	camera.max_height = 96;
	camera.field = V4L2_FIELD_NONE;
	camera.nr_inputs = 1;
	camera.interval = (struct v4l2_fract) { 1, 30 };
	camera.pix = (struct v4l2_pix_format) {
		.width = 128, .height = 96, .pixelformat = V4L2_PIX_FMT_YUYV,
		.bytesperline = 256, .sizeimage = 256 * 96, .field = V4L2_FIELD_NONE,
	};
}

struct camera_control *camera_control(__u32 cid)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(camera.controls); i++)
		if (camera.controls[i].query.id == cid)
			return &camera.controls[i];
	return NULL;
}

void camera_add_control(__u32 cid, enum v4l2_ctrl_type type, __s32 min, __s32 max, __s32 value)
{
	struct camera_control *control = camera_control(0);

	*control = (struct camera_control) {
		.query = {
			.id = cid, .type = type, .minimum = min, .maximum = max, .step = 1,
			.default_value = value,
		},
		.value = value,
		.menu = ~0U,
	};
}

void camera_add_unit(const GUID *set)
{
	unsigned char interface[] = { 9, 4, 0, 0, 1, 14, 1, 0, 0 };
	unsigned char unit[26] = { 26, 0x24, 6, CAMERA_UNIT };
	unsigned char *next = camera.descriptors;

	memcpy(unit + 4, set, sizeof(*set));
	unit[20] = 1;
	unit[21] = 1;
	unit[22] = 2;
	unit[23] = 1;
	unit[24] = 1;
	memcpy(next, interface, sizeof(interface));
	memcpy(next + sizeof(interface), unit, sizeof(unit));
	camera.descriptors_bytes = sizeof(interface) + sizeof(unit);
}

int camera_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static int new_file(enum kind kind)
{
	int fd = kind == CAMERA ? __real_open("/dev/null", O_RDWR | O_CLOEXEC) :
		 kind == CONNECTION ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) :
		 memfd_create("model", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fd >= MAX_FILES)
		abort();
	if (kind == DMABUF && ftruncate(fd, CAMERA_FRAME_BYTES))
		abort();
	files[fd] = (struct file) { .kind = kind, .allocator = -1 };
	return fd;
}

/* With an allocator, its memory is closed */
int __wrap_close(int fd)
{
	int i;

	pthread_mutex_lock(&lock);
	if (fd >= 0 && fd < MAX_FILES) {
		for (i = 0; files[fd].kind == ALLOCATOR && i < CAMERA_FRAMES; i++) {
			files[files[fd].memory[i]].kind = NO_FILE;
			__real_close(files[fd].memory[i]);
		}
		files[fd].kind = NO_FILE;
	}
	pthread_mutex_unlock(&lock);
	return __real_close(fd);
}

/* The attributes of a USB device in sysfs */
static int open_sysfs(const char *path)
{
	size_t bytes = camera.descriptors_bytes;
	const void *data = camera.descriptors;
	int fd;

	if (!bytes)
		return -ENOENT;
	if (strstr(path, "bInterfaceNumber")) {
		data = "00\n";
		bytes = 3;
	}
	fd = memfd_create("sysfs", MFD_CLOEXEC);
	if (fd < 0 || pwrite(fd, data, bytes, 0) != (ssize_t)bytes)
		abort();
	return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	int fd;

	(void)flags;
	pthread_mutex_lock(&lock);
	if (!strcmp(path, CAMERA_PATH))
		fd = new_file(CAMERA);
	else if (!strncmp(path, "/sys/", 5))
		fd = open_sysfs(path);
	else if (!strcmp(path, LIBKS_DEVICE))
		fd = new_file(KS);
	else if (!strncmp(path, LIBKS_HEAP_DIR, strlen(LIBKS_HEAP_DIR)))
		fd = new_file(HEAP);
	else
		fd = -ENOENT;
	pthread_mutex_unlock(&lock);
	if (fd >= 0)
		return fd;
	errno = -fd;
	return -1;
}

/* V4L2: formats */

static __u32 bits_of(__u32 pixelformat)
{
	switch (pixelformat) {
	case V4L2_PIX_FMT_NV12:
		return 8;
	case V4L2_PIX_FMT_BGR24:
		return 24;
	case V4L2_PIX_FMT_MJPEG:
		return 0;
	default:
		return 16;
	}
}

static int query_capability(struct v4l2_capability *capability)
{
	memset(capability, 0, sizeof(*capability));
	capability->device_caps = V4L2_CAP_STREAMING |
		(camera.has_planes ? V4L2_CAP_VIDEO_CAPTURE_MPLANE : V4L2_CAP_VIDEO_CAPTURE);
	return 0;
}

static __u32 type(void)
{
	return camera.has_planes ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
				   V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

static bool has_format(__u32 pixelformat)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(camera.formats); i++)
		if (pixelformat && camera.formats[i] == pixelformat)
			return true;
	return false;
}

static void adjust(struct v4l2_pix_format *pix)
{
	__u32 line;

	if (!has_format(pix->pixelformat))
		pix->pixelformat = camera.formats[0];
	if (!pix->width || pix->width > camera.max_width)
		pix->width = camera.max_width;
	if (!pix->height || pix->height > camera.max_height)
		pix->height = camera.max_height;
	line = pix->width * bits_of(pix->pixelformat) / 8;
	if (camera.takes_lines && pix->bytesperline > line && pix->bytesperline < 4 * line)
		line = pix->bytesperline;
	pix->bytesperline = (line + camera.line_unit - 1) / camera.line_unit * camera.line_unit;
	pix->sizeimage = pix->bytesperline * pix->height;
	if (pix->pixelformat == V4L2_PIX_FMT_NV12)
		pix->sizeimage += pix->sizeimage / 2;
	if (pix->pixelformat == V4L2_PIX_FMT_MJPEG)
		pix->sizeimage = pix->width * pix->height;
	pix->field = camera.field;
}

static int use_format(struct v4l2_format *format, unsigned long request)
{
	struct v4l2_pix_format_mplane *planes = &format->fmt.pix_mp;
	struct v4l2_pix_format pix = format->fmt.pix;

	if (format->type != type())
		return -EINVAL;
	if (camera.has_planes) {
		pix.bytesperline = planes->plane_fmt[0].bytesperline;
		pix.field = planes->field;
		pix.pixelformat = planes->pixelformat;
	}
	if (request == VIDIOC_G_FMT)
		pix = camera.pix;
	adjust(&pix);
	if (request == VIDIOC_S_FMT) {
		camera.pix = pix;
		camera.formats_set++;
	}
	if (!camera.has_planes) {
		format->fmt.pix = pix;
		return 0;
	}
	*planes = (struct v4l2_pix_format_mplane) {
		.width = pix.width, .height = pix.height, .pixelformat = pix.pixelformat,
		.field = pix.field, .num_planes = camera.planes,
		.plane_fmt[0] = { .bytesperline = pix.bytesperline,
				  .sizeimage = pix.sizeimage },
	};
	return 0;
}

static int enum_format(struct v4l2_fmtdesc *desc)
{
	if (desc->type != type() || desc->index >= ARRAY_SIZE(camera.formats) ||
	    !camera.formats[desc->index])
		return -EINVAL;
	desc->pixelformat = camera.formats[desc->index];
	return 0;
}

static int enum_size(struct v4l2_frmsizeenum *size)
{
	if (!has_format(size->pixel_format) || size->index > !camera.stepwise)
		return -EINVAL;
	if (camera.stepwise) {
		size->type = V4L2_FRMSIZE_TYPE_STEPWISE;
		size->stepwise = (struct v4l2_frmsize_stepwise) {
			16, camera.max_width, 2, 16, camera.max_height, 2,
		};
		return 0;
	}
	size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
	size->discrete.width = size->index ? camera.max_width / 2 : camera.max_width;
	size->discrete.height = size->index ? camera.max_height / 2 : camera.max_height;
	return 0;
}

static int enum_interval(struct v4l2_frmivalenum *interval)
{
	if (interval->index > 1)
		return -EINVAL;
	interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
	interval->discrete = (struct v4l2_fract) { 1, interval->index ? 15 : 30 };
	return 0;
}

/* V4L2: controls and inputs */

static int query_control(struct v4l2_queryctrl *query)
{
	const struct camera_control *control = query->id ? camera_control(query->id) : NULL;

	if (!control)
		return -EINVAL;
	*query = control->query;
	return 0;
}

static int query_menu(struct v4l2_querymenu *menu)
{
	const struct camera_control *control = camera_control(menu->id);

	return control && menu->index < 32 && control->menu >> menu->index & 1 ? 0 : -EINVAL;
}

static int use_control(struct v4l2_control *arg, bool put)
{
	struct camera_control *control = arg->id ? camera_control(arg->id) : NULL;
	const struct camera_control *manual;

	if (!control)
		return -EINVAL;
	manual = control->manual_cid ? camera_control(control->manual_cid) : NULL;
	if (put && manual && manual->value != control->manual)
		return -EACCES;
	if (put && (arg->value < control->query.minimum || arg->value > control->query.maximum))
		return -ERANGE;
	if (put)
		control->value = arg->value;
	else
		arg->value = control->value;
	return 0;
}

static int enum_input(struct v4l2_input *input)
{
	__u32 index = input->index;

	if (index >= camera.nr_inputs || index >= ARRAY_SIZE(camera.inputs))
		return -EINVAL;
	*input = camera.inputs[index];
	input->index = index;
	return 0;
}

/* The unit has one control, number 1 */
static int query_unit(const struct uvc_xu_control_query *query)
{
	camera.unit_queries++;
	if (!camera.descriptors_bytes || query->unit != CAMERA_UNIT || query->selector != 1)
		return -ENOENT;
	switch (query->query) {
	case UVC_GET_LEN:
		query->data[0] = CAMERA_UNIT_BYTES;
		query->data[1] = 0;
		return 0;
	case UVC_GET_INFO:
		query->data[0] = UVC_CONTROL_CAP_GET | UVC_CONTROL_CAP_SET;
		return 0;
	}
	if (query->size != CAMERA_UNIT_BYTES)
		return -ENOBUFS;
	if (query->query == UVC_SET_CUR && camera.unit_errno)
		return -camera.unit_errno;
	if (query->query == UVC_SET_CUR)
		memcpy(camera.unit, query->data, CAMERA_UNIT_BYTES);
	else if (query->query == UVC_GET_CUR)
		memcpy(query->data, camera.unit, CAMERA_UNIT_BYTES);
	else
		memset(query->data, 0x77, CAMERA_UNIT_BYTES);
	return 0;
}

static int use_video(unsigned long request, void *arg)
{
	switch (request) {
	case VIDIOC_QUERYCAP:
		return query_capability(arg);
	case VIDIOC_TRY_FMT:
	case VIDIOC_S_FMT:
	case VIDIOC_G_FMT:
		return use_format(arg, request);
	case VIDIOC_ENUM_FMT:
		return enum_format(arg);
	case VIDIOC_ENUM_FRAMESIZES:
		return enum_size(arg);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return enum_interval(arg);
	case VIDIOC_S_PARM:
		camera.interval = ((struct v4l2_streamparm *)arg)->parm.capture.timeperframe;
		return 0;
	case VIDIOC_G_PARM:
		((struct v4l2_streamparm *)arg)->parm.capture.timeperframe = camera.interval;
		return 0;
	case VIDIOC_QUERYCTRL:
		return query_control(arg);
	case VIDIOC_QUERYMENU:
		return query_menu(arg);
	case VIDIOC_G_CTRL:
	case VIDIOC_S_CTRL:
		return use_control(arg, request == VIDIOC_S_CTRL);
	case VIDIOC_ENUMINPUT:
		return enum_input(arg);
	case VIDIOC_G_INPUT:
		*(int *)arg = camera.input;
		return 0;
	case VIDIOC_S_INPUT:
		camera.input = *(int *)arg;
		return 0;
	case UVCIOC_CTRL_QUERY:
		return query_unit(arg);
	default:
		return -ENOTTY;
	}
}

/* The kernel module */

static int new_allocator(void)
{
	int fd = new_file(ALLOCATOR), i;

	for (i = 0; fd >= 0 && i < CAMERA_FRAMES; i++) {
		files[fd].memory[i] = new_file(DMABUF);
		if (files[fd].memory[i] < 0)
			abort();
	}
	return fd;
}

/* Readable while a frame can be completed */
static void tell(int fd)
{
	uint64_t count = 1;

	if (files[fd].state == KSSTATE_RUN && files[fd].queued && camera.frames) {
		if (write(fd, &count, sizeof(count)) < 0)
			abort();
	} else if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN) {
		abort();
	}
}

void camera_give_frames(unsigned int count)
{
	int fd;

	pthread_mutex_lock(&lock);
	camera.frames = count;
	for (fd = 0; fd < MAX_FILES; fd++)
		if (files[fd].kind == CONNECTION)
			tell(fd);
	pthread_mutex_unlock(&lock);
}

static void leave_pause(struct file *connection)
{
	struct file *allocator = &files[connection->allocator];

	while (connection->queued)
		allocator->holder[connection->queue[--connection->queued]] = FREE;
}

static int set_state(int fd, enum ksstate state)
{
	struct file *connection = &files[fd];

	if (state > KSSTATE_RUN)
		return -EINVAL;
	if (connection->allocator < 0)
		return state == KSSTATE_STOP ? 0 : -EINVAL;
	if (state < KSSTATE_PAUSE)
		leave_pause(connection);
	connection->state = state;
	tell(fd);
	return 0;
}

static int set_allocator(struct file *connection, int allocator)
{
	if (connection->state != KSSTATE_STOP)
		return -EBUSY;
	if (allocator >= 0 && (allocator >= MAX_FILES || files[allocator].kind != ALLOCATOR))
		return -EINVAL;
	connection->allocator = allocator < 0 ? -1 : allocator;
	return 0;
}

static int submit(int fd, const struct ksalloc_submit *arg)
{
	struct file *connection = &files[fd], *allocator;

	if (connection->state < KSSTATE_PAUSE)
		return -ECANCELED;
	allocator = &files[connection->allocator];
	if (arg->index >= CAMERA_FRAMES || allocator->holder[arg->index] == FREE)
		return -EINVAL;
	if (allocator->holder[arg->index] == DEVICE)
		return -EBUSY;
	allocator->holder[arg->index] = DEVICE;
	connection->queue[connection->queued++] = arg->index;
	tell(fd);
	return 0;
}

static void fill(const struct file *allocator, __u32 index)
{
	unsigned char *data;

	if (!camera.fill)
		return;
	data = mmap(NULL, CAMERA_FRAME_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		    allocator->memory[index], 0);
	if (data == MAP_FAILED)
		abort();
	camera.fill(data);
	munmap(data, CAMERA_FRAME_BYTES);
}

static int complete(int fd, struct ksalloc_complete *arg)
{
	struct file *connection = &files[fd];

	if (camera.complete_errno)
		return -camera.complete_errno;
	if (connection->state < KSSTATE_PAUSE)
		return -ECANCELED;
	if (connection->state < KSSTATE_RUN || !connection->queued || !camera.frames)
		return -EAGAIN;
	camera.frames--;
	arg->index = connection->queue[0];
	connection->queued--;
	memmove(connection->queue, connection->queue + 1,
		connection->queued * sizeof(connection->queue[0]));
	files[connection->allocator].holder[arg->index] = CLIENT;
	fill(&files[connection->allocator], arg->index);
	arg->sequence = connection->sequence++;
	arg->header = (struct ksstream_header) {
		.header_size = sizeof(arg->header),
		.frame_extent = camera.pix.sizeimage,
		.data_used = camera.pix.sizeimage,
	};
	tell(fd);
	return 0;
}

static int use_connection(int fd, unsigned long request, void *arg)
{
	struct file *connection = &files[fd];
	struct ksalloc_get_framing *framing = arg;

	switch (request) {
	case KSALLOC_GET_FRAMING:
		memset(framing, 0, sizeof(*framing));
		framing->framing.frames = 2;
		framing->framing.frame_size = camera.pix.sizeimage;
		framing->planes.count = 1;
		framing->planes.sizes[0] = camera.pix.sizeimage;
		return 0;
	case KSALLOC_CREATE_ALLOCATOR:
		if (((struct ksalloc_create_allocator *)arg)->framing.frames > CAMERA_FRAMES)
			return -E2BIG;
		return new_allocator();
	case KSALLOC_SET_ALLOCATOR:
		return set_allocator(connection,
				     ((struct ksalloc_set_allocator *)arg)->allocator_fd);
	case KSALLOC_SET_STATE:
		return set_state(fd, ((struct ksalloc_set_state *)arg)->state);
	case KSALLOC_GET_STATE:
		((struct ksalloc_get_state *)arg)->state = connection->state;
		return 0;
	case KSALLOC_SUBMIT:
		return submit(fd, arg);
	case KSALLOC_COMPLETE:
		return complete(fd, arg);
	case KSALLOC_RESET_STATE:
		if (((struct ksalloc_reset_state *)arg)->reset > KSRESET_END)
			return -EINVAL;
		if (connection->allocator >= 0)
			leave_pause(connection);
		tell(fd);
		return 0;
	case KSALLOC_CONNECTION_CANCEL:
		return 0;
	default:
		return -ENOTTY;
	}
}

static int alloc(struct file *allocator, struct ksalloc_alloc *arg)
{
	__u32 i;

	for (i = 0; i < CAMERA_FRAMES; i++) {
		if (allocator->holder[i] != FREE)
			continue;
		allocator->holder[i] = CLIENT;
		arg->index = i;
		return 0;
	}
	/* A call that would wait is cancelled immediately */
	return arg->flags & KSALLOC_NONBLOCK ? -EAGAIN : -ECANCELED;
}

static int free_frame(struct file *allocator, const struct ksalloc_free *arg)
{
	if (arg->index >= CAMERA_FRAMES || allocator->holder[arg->index] == FREE)
		return -EINVAL;
	if (allocator->holder[arg->index] == DEVICE)
		return -EBUSY;
	allocator->holder[arg->index] = FREE;
	return 0;
}

static int export(int memory)
{
	int fd = dup(memory);

	if (fd < 0 || fd >= MAX_FILES)
		abort();
	files[fd] = (struct file) { .kind = DMABUF };
	return fd;
}

static int use_allocator(struct file *allocator, unsigned long request, void *arg)
{
	struct ksalloc_status *status = arg;

	switch (request) {
	case KSALLOC_ALLOC:
		return alloc(allocator, arg);
	case KSALLOC_FREE:
		return free_frame(allocator, arg);
	case KSALLOC_EXPORT:
		if (((struct ksalloc_export *)arg)->index >= CAMERA_FRAMES)
			return -EINVAL;
		return export(allocator->memory[((struct ksalloc_export *)arg)->index]);
	case KSALLOC_STATUS:
		memset(status, 0, sizeof(*status));
		status->status.framing.frames = CAMERA_FRAMES;
		status->frame_bytes = CAMERA_FRAME_BYTES;
		status->planes.count = 1;
		status->planes.sizes[0] = CAMERA_FRAME_BYTES;
		return 0;
	case KSALLOC_ENABLE_EVENT:
		if (((struct ksalloc_enable_event *)arg)->event !=
		    KSEVENT_STREAMALLOCATOR_FREEFRAME)
			return -EINVAL;
		((struct ksalloc_enable_event *)arg)->id = 1;
		return 0;
	case KSALLOC_STATUS_EX:
	case KSALLOC_DISABLE_EVENT:
	case KSALLOC_ALLOCATOR_CANCEL:
		return 0;
	default:
		return -ENOTTY;
	}
}

static int dispatch(int fd, unsigned long request, void *arg)
{
	switch (fd >= 0 && fd < MAX_FILES ? files[fd].kind : NO_FILE) {
	case CAMERA:
		return use_video(request, arg);
	case KS:
		return request == KSALLOC_CONNECT ? new_file(CONNECTION) : -ENOTTY;
	case CONNECTION:
		return use_connection(fd, request, arg);
	case ALLOCATOR:
		return use_allocator(&files[fd], request, arg);
	case HEAP:
		if (request != DMA_HEAP_IOCTL_ALLOC)
			return -ENOTTY;
		((struct dma_heap_allocation_data *)arg)->fd = (__u32)new_file(DMABUF);
		return 0;
	default:
		return request == DMA_BUF_IOCTL_SYNC ? 0 : -ENOTTY;
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
	pthread_mutex_lock(&lock);
	ret = dispatch(fd, request, arg);
	pthread_mutex_unlock(&lock);
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}
