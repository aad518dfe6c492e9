// SPDX-License-Identifier: GPL-2.0-only
/* Filters: open V4L2 capture nodes. Each has one pin, number 0, which captures. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "win.h"
#include "device.h"

/* No format is longer */
#define FORMAT_BYTES 65536

struct filter {
	struct win_object object;
	bool has_pin;
	/* The device, and the next filter of the process */
	dev_t device;
	struct filter *next;
	/* What the client set, and V4L2 does not know; and the format of the device */
	pthread_mutex_t lock;
	bool is_second;
	bool top_down;
	struct v4l2_pix_format pix;
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct filter *all;

static struct filter *filter_of(struct win_object *object)
{
	return container_of(object, struct filter, object);
}

static void add_to_all(struct filter *filter)
{
	struct stat status;

	filter->device = fstat(filter->object.fd, &status) ? 0 : status.st_rdev;
	pthread_mutex_lock(&all_lock);
	filter->next = all;
	all = filter;
	pthread_mutex_unlock(&all_lock);
}

static void destroy(struct win_object *object)
{
	struct filter *filter = filter_of(object), **link = &all;

	pthread_mutex_lock(&all_lock);
	while (*link != filter)
		link = &(*link)->next;
	*link = filter->next;
	pthread_mutex_unlock(&all_lock);
	pthread_mutex_destroy(&filter->lock);
	free(filter);
}

static bool has_pin(const struct filter *filter)
{
	return __atomic_load_n(&filter->has_pin, __ATOMIC_RELAXED);
}

/* Pins of the device in this process */
static ULONG count_pins(dev_t device)
{
	const struct filter *filter;
	ULONG count = 0;

	pthread_mutex_lock(&all_lock);
	for (filter = all; filter; filter = filter->next)
		count += filter->device == device && has_pin(filter);
	pthread_mutex_unlock(&all_lock);
	return count;
}

int win_filter_claim(struct win_object *object)
{
	if (__atomic_exchange_n(&filter_of(object)->has_pin, true, __ATOMIC_ACQUIRE))
		return -EBUSY;
	win_ref(object);
	return 0;
}

void win_filter_release(struct win_object *object)
{
	__atomic_store_n(&filter_of(object)->has_pin, false, __ATOMIC_RELEASE);
	win_put(object);
}

static int check_capture(int fd)
{
	struct v4l2_capability capability;
	__u32 capture = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE;
	int ret = win_video_call(fd, VIDIOC_QUERYCAP, &capability);

	if (ret)
		return ret == -ENOTTY ? -EOPNOTSUPP : ret;
	return capability.device_caps & capture &&
	       capability.device_caps & V4L2_CAP_STREAMING ? 0 : -EOPNOTSUPP;
}

static int open_filter(const char *name, HANDLE *handle)
{
	struct filter *filter;
	char node[PATH_MAX];
	int fd, ret;

	ret = win_device_node(name, node, sizeof(node));
	if (ret)
		return ret;
	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = check_capture(fd);
	if (ret)
		goto err;
	ret = -ENOMEM;
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		goto err;
	win_object_init(&filter->object, WIN_FILTER, fd);
	filter->object.destroy = destroy;
	pthread_mutex_init(&filter->lock, NULL);
	add_to_all(filter);
	return win_publish(&filter->object, handle);

err:
	close(fd);
	return ret;
}

WIN_API HANDLE CreateFileA(LPCSTR name, DWORD access, DWORD share,
			   LPSECURITY_ATTRIBUTES security, DWORD disposition, DWORD flags,
			   /* cppcheck-suppress constParameter */
			   HANDLE template_file)
{
	HANDLE handle;
	int ret;

	(void)access;
	(void)share;
	(void)security;
	(void)flags;
	ret = !name || disposition != OPEN_EXISTING || template_file ? -EINVAL :
	      open_filter(name, &handle);
	return win_result(ret) ? handle : INVALID_HANDLE_VALUE;
}

/* Formats */

static int remember_format(struct filter *filter, const KSDATAFORMAT *data_format, ULONG size)
{
	KS_DATAFORMAT_VIDEOINFOHEADER format, own;
	struct v4l2_pix_format pix;
	int ret;

	ret = win_format_take(data_format, size, &format);
	if (!ret)
		ret = win_format_get(filter->object.fd, &pix, &own);
	if (ret)
		return ret;
	pthread_mutex_lock(&filter->lock);
	filter->pix = pix;
	filter->top_down = format.VideoInfoHeader.bmiHeader.biHeight < 0;
	filter->is_second = IsEqualGUID(&format.DataFormat.Specifier,
					&KSDATAFORMAT_SPECIFIER_VIDEOINFO2);
	pthread_mutex_unlock(&filter->lock);
	return 0;
}

int win_filter_set_format(struct win_object *object, const KSDATAFORMAT *format, ULONG size,
			  bool try)
{
	int ret = win_format_set(object->fd, format, size, try);

	if (!ret && !try)
		ret = remember_format(filter_of(object), format, size);
	return ret;
}

int win_filter_get_format(struct win_object *object, struct win_call *call)
{
	struct filter *filter = filter_of(object);
	struct win_found match = { 0 };
	struct v4l2_pix_format pix;
	bool top_down;
	int ret;

	ret = win_format_get(object->fd, &pix, &match.format);
	if (ret)
		return ret;
	pthread_mutex_lock(&filter->lock);
	match.is_second = filter->is_second;
	top_down = filter->top_down;
	pthread_mutex_unlock(&filter->lock);
	match.field = pix.field;
	if (top_down)
		match.format.VideoInfoHeader.bmiHeader.biHeight *= -1;
	return win_format_answer(call, &match);
}

/* Whether frames of this format are not as the client expects them */
static bool get_swapped(struct win_object *object, struct v4l2_pix_format *pix)
{
	struct filter *filter = filter_of(object);
	bool top_down;

	pthread_mutex_lock(&filter->lock);
	*pix = filter->pix;
	top_down = filter->top_down;
	pthread_mutex_unlock(&filter->lock);
	return !top_down && win_format_is_rgb(pix->pixelformat);
}

bool win_filter_changes_frames(struct win_object *object)
{
	struct v4l2_pix_format pix;

	return get_swapped(object, &pix);
}

void win_filter_finish_frame(struct win_object *object, void *data, size_t bytes)
{
	struct v4l2_pix_format pix;

	if (get_swapped(object, &pix))
		win_format_swap_lines(&pix, data, bytes);
}

int win_filter_copy_frame(struct win_object *object, void *to, const void *from, size_t bytes)
{
	struct v4l2_pix_format pix;

	return get_swapped(object, &pix) ? win_format_copy_out(&pix, to, from, bytes) :
					   win_copy_out(to, from, bytes);
}

/* Pins */

ULONG win_filter_pins(struct win_object *object, bool of_device)
{
	const struct filter *filter = filter_of(object);

	return of_device ? count_pins(filter->device) : has_pin(filter);
}

static int check_connect(const KSPIN_CONNECT *connect)
{
	if (connect->PinId != WIN_CAPTURE_PIN)
		return -EINVAL;
	if (connect->PinToHandle)
		return -EOPNOTSUPP;
	if (!IsEqualGUID(&connect->Interface.Set, &KSINTERFACESETID_Standard) ||
	    connect->Interface.Id != KSINTERFACE_STANDARD_STREAMING ||
	    !IsEqualGUID(&connect->Medium.Set, &KSMEDIUMSETID_Standard) ||
	    connect->Medium.Id != KSMEDIUM_STANDARD_DEVIO)
		return -WIN_NO_MATCH;
	return 0;
}

/*
 * A format that the device does not have is reported first. The format of an existing pin
 * is not changed.
 */
static int create_pin(struct win_object *filter, const KSDATAFORMAT *format, HANDLE *pin)
{
	ULONG size = format->FormatSize;
	int ret;

	ret = win_filter_set_format(filter, format, size, true);
	if (ret)
		return ret;
	ret = win_filter_claim(filter);
	if (ret)
		return ret;
	ret = win_filter_set_format(filter, format, size, false);
	if (ret) {
		win_filter_release(filter);
		return ret;
	}
	return win_pin_create(filter, pin);
}

/* Copies the request of a client, which may be at any address, and the format behind it */
static int take_connect(const KSPIN_CONNECT *from, KSPIN_CONNECT *connect,
			KSDATAFORMAT **format)
{
	const char *behind = (const char *)from + sizeof(*from);
	KSDATAFORMAT head;
	int ret;

	ret = win_check_memory(from, sizeof(*from) + sizeof(head), false);
	if (ret)
		return ret;
	memcpy(connect, from, sizeof(*connect));
	memcpy(&head, behind, sizeof(head));
	/* KsCreatePin() of Windows uses the size in the format too */
	if (head.FormatSize < sizeof(head) || head.FormatSize > FORMAT_BYTES)
		return -EINVAL;
	ret = win_check_memory(behind, head.FormatSize, false);
	if (ret)
		return ret;
	*format = malloc(head.FormatSize);
	if (!*format)
		return -ENOMEM;
	memcpy(*format, behind, head.FormatSize);
	(*format)->FormatSize = head.FormatSize;
	return 0;
}

WIN_API DWORD KsCreatePin(HANDLE handle, PKSPIN_CONNECT connect, ACCESS_MASK access, PHANDLE pin)
{
	KSDATAFORMAT *format = NULL;
	struct win_object *filter;
	KSPIN_CONNECT copy;
	int ret;

	(void)access;
	if (!connect || !pin)
		return win_code(-EINVAL);
	filter = win_get(handle, WIN_FILTER);
	if (!filter)
		return win_code(-EBADF);
	ret = win_check_memory(pin, sizeof(*pin), true);
	if (!ret)
		ret = take_connect(connect, &copy, &format);
	if (!ret)
		ret = check_connect(&copy);
	if (!ret)
		ret = create_pin(filter, format, pin);
	free(format);
	win_put(filter);
	return win_code(ret);
}
