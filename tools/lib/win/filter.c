// SPDX-License-Identifier: GPL-2.0-only
/* Filters: open V4L2 capture nodes. Each has one pin, number 0, which captures. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "win.h"
#include "device.h"

#define CAPTURE_PIN 0

struct filter {
	struct win_object object;
	bool has_pin;
};

static struct filter *filter_of(struct win_object *object)
{
	return container_of(object, struct filter, object);
}

static void destroy(struct win_object *object)
{
	free(filter_of(object));
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
	__u32 needed = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;

	if (ioctl(fd, VIDIOC_QUERYCAP, &capability))
		return errno == ENOTTY ? -EOPNOTSUPP : -errno;
	return (capability.device_caps & needed) == needed ? 0 : -EOPNOTSUPP;
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

/* Properties of the pin before it is created */

static int check_pin(const struct win_call *call)
{
	const KSP_PIN *property = call->in;

	return property->PinId == CAPTURE_PIN ? 0 : -EINVAL;
}

static int answer_number(struct win_call *call, ULONG number)
{
	int ret = check_pin(call);

	return ret ? ret : win_answer(call, &number, sizeof(number));
}

static int get_pin_count(struct win_object *object, struct win_call *call)
{
	ULONG count = 1;

	(void)object;
	return win_answer(call, &count, sizeof(count));
}

static int get_data_flow(struct win_object *object, struct win_call *call)
{
	(void)object;
	return answer_number(call, KSPIN_DATAFLOW_OUT);
}

/* The pin receives requests (reads), so it is a sink of requests */
static int get_communication(struct win_object *object, struct win_call *call)
{
	(void)object;
	return answer_number(call, KSPIN_COMMUNICATION_SINK);
}

static int get_category(struct win_object *object, struct win_call *call)
{
	int ret = check_pin(call);

	(void)object;
	return ret ? ret : win_answer(call, &PINNAME_VIDEO_CAPTURE,
				      sizeof(PINNAME_VIDEO_CAPTURE));
}

/* A list with one KSIDENTIFIER */
static int answer_identifier(struct win_call *call, const GUID *set, ULONG id)
{
	const KSIDENTIFIER identifier = { .Set = *set, .Id = id };
	char answer[sizeof(KSMULTIPLE_ITEM) + sizeof(identifier)];
	const KSMULTIPLE_ITEM list = { .Size = sizeof(answer), .Count = 1 };
	int ret = check_pin(call);

	memcpy(answer, &list, sizeof(list));
	memcpy(answer + sizeof(list), &identifier, sizeof(identifier));
	return ret ? ret : win_answer(call, answer, sizeof(answer));
}

static int get_interfaces(struct win_object *object, struct win_call *call)
{
	(void)object;
	return answer_identifier(call, &KSINTERFACESETID_Standard, KSINTERFACE_STANDARD_STREAMING);
}

static int get_mediums(struct win_object *object, struct win_call *call)
{
	(void)object;
	return answer_identifier(call, &KSMEDIUMSETID_Standard, KSMEDIUM_STANDARD_DEVIO);
}

static int add_range(void *context, const KS_DATARANGE_VIDEO *range)
{
	KSMULTIPLE_ITEM **list = context;
	KSMULTIPLE_ITEM *new = realloc(*list, (*list)->Size + sizeof(*range));

	if (!new)
		return -ENOMEM;
	memcpy((char *)new + new->Size, range, sizeof(*range));
	new->Size += (ULONG)sizeof(*range);
	new->Count++;
	*list = new;
	return 0;
}

static int get_data_ranges(struct win_object *object, struct win_call *call)
{
	KSMULTIPLE_ITEM *list;
	int ret = check_pin(call);

	if (ret)
		return ret;
	list = calloc(1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	list->Size = sizeof(*list);
	ret = win_format_ranges(object->fd, add_range, &list);
	if (!ret)
		ret = win_answer(call, list, list->Size);
	free(list);
	return ret;
}

int win_filter_property(struct win_object *object, struct win_call *call)
{
	static const struct win_property properties[] = {
		{ &KSPROPSETID_Pin, KSPROPERTY_PIN_CTYPES, sizeof(KSPROPERTY), 0,
		  get_pin_count, NULL },
		{ &KSPROPSETID_Pin, KSPROPERTY_PIN_DATAFLOW, sizeof(KSP_PIN), 0,
		  get_data_flow, NULL },
		{ &KSPROPSETID_Pin, KSPROPERTY_PIN_DATARANGES, sizeof(KSP_PIN), 0,
		  get_data_ranges, NULL },
		{ &KSPROPSETID_Pin, KSPROPERTY_PIN_INTERFACES, sizeof(KSP_PIN), 0,
		  get_interfaces, NULL },
		{ &KSPROPSETID_Pin, KSPROPERTY_PIN_MEDIUMS, sizeof(KSP_PIN), 0,
		  get_mediums, NULL },
		{ &KSPROPSETID_Pin, KSPROPERTY_PIN_COMMUNICATION, sizeof(KSP_PIN), 0,
		  get_communication, NULL },
		{ &KSPROPSETID_Pin, KSPROPERTY_PIN_CATEGORY, sizeof(KSP_PIN), 0,
		  get_category, NULL },
	};

	return win_property(object, call, properties, ARRAY_SIZE(properties));
}

static int check_connect(const KSPIN_CONNECT *connect)
{
	if (connect->PinId != CAPTURE_PIN)
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
static int create_pin(struct win_object *filter, const KSPIN_CONNECT *connect, HANDLE *pin)
{
	const KSDATAFORMAT *format = (const void *)(connect + 1);
	/* KsCreatePin() of Windows uses the size in the format too */
	ULONG size = format->FormatSize;
	int ret;

	ret = check_connect(connect);
	if (ret)
		return ret;
	ret = win_format_set(filter->fd, format, size, true);
	if (ret)
		return ret;
	ret = win_filter_claim(filter);
	if (ret)
		return ret;
	ret = win_format_set(filter->fd, format, size, false);
	if (ret) {
		win_filter_release(filter);
		return ret;
	}
	return win_pin_create(filter, pin);
}

WIN_API DWORD KsCreatePin(HANDLE handle, PKSPIN_CONNECT connect, ACCESS_MASK access, PHANDLE pin)
{
	struct win_object *filter;
	int ret;

	(void)access;
	if (!connect || !pin)
		return win_code(-EINVAL);
	filter = win_get(handle, WIN_FILTER);
	if (!filter)
		return win_code(-EBADF);
	ret = create_pin(filter, connect, pin);
	win_put(filter);
	return win_code(ret);
}
