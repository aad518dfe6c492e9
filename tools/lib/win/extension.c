// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extension units of USB cameras: a property set with the GUID of the unit, on a node of
 * the filter. The identifier of a property is the number of a control, and its value are
 * the bytes that the camera exchanges. The units are in the USB descriptors.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/usb/ch9.h>
#include <linux/usb/video.h>
#include <linux/uvcvideo.h>

#include "win.h"

/* Descriptors of all interfaces of a device with one configuration are usually shorter */
#define DESCRIPTORS_BYTES 65536

/* Length, type, subtype, unit, GUID, number of controls, number of pins, pins, bitmap */
#define UNIT_ID 3
#define UNIT_GUID 4
#define UNIT_PINS 21
#define UNIT_MIN_BYTES 24

#define INTERFACE_NUMBER 2

/* Adds the units of one interface; returns their number */
size_t win_parse_units(const unsigned char *bytes, size_t size, int interface,
		       struct win_unit_node *units, size_t most)
{
	size_t count = 0, at, length, pins;
	int current = -1;

	for (at = 0; size - at >= 2 && count < most; at += length) {
		const unsigned char *descriptor = bytes + at;

		length = descriptor[0];
		if (length < 2 || length > size - at)
			break;
		if (descriptor[1] == USB_DT_INTERFACE && length > INTERFACE_NUMBER)
			current = descriptor[INTERFACE_NUMBER];
		if (current != interface || descriptor[1] != USB_DT_CS_INTERFACE ||
		    length < UNIT_MIN_BYTES || descriptor[2] != UVC_VC_EXTENSION_UNIT)
			continue;
		pins = descriptor[UNIT_PINS];
		if (length < UNIT_MIN_BYTES + pins)
			continue;
		units[count].unit = descriptor[UNIT_ID];
		memcpy(&units[count].set, descriptor + UNIT_GUID, sizeof(GUID));
		count++;
	}
	return count;
}

static int open_attribute(dev_t device, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/%s", major(device),
		 minor(device), name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static ssize_t read_attribute(dev_t device, const char *name, char *to, size_t size)
{
	int fd = open_attribute(device, name);
	ssize_t total = 0, ret = 1;

	if (fd < 0)
		return -errno;
	while (ret > 0 && (size_t)total < size) {
		ret = read(fd, to + total, size - (size_t)total);
		if (ret > 0)
			total += ret;
	}
	close(fd);
	return total;
}

/* Only a device of uvcvideo has the number of a USB interface beside these descriptors */
size_t win_find_units(int video, struct win_unit_node *units, size_t most)
{
	char number[8] = "", *bytes;
	struct stat status;
	size_t count = 0;
	ssize_t size;

	if (fstat(video, &status) || !S_ISCHR(status.st_mode) ||
	    read_attribute(status.st_rdev, "bInterfaceNumber", number, sizeof(number) - 1) <= 0)
		return 0;
	bytes = malloc(DESCRIPTORS_BYTES);
	if (!bytes)
		return 0;
	size = read_attribute(status.st_rdev, "../descriptors", bytes, DESCRIPTORS_BYTES);
	if (size > 0)
		count = win_parse_units((unsigned char *)bytes, (size_t)size,
					(int)strtol(number, NULL, 16), units, most);
	free(bytes);
	return count;
}

static int query(int video, const struct win_unit_node *unit, ULONG id, __u8 what, void *data,
		 size_t size)
{
	struct uvc_xu_control_query request = {
		.unit = unit->unit,
		.selector = (__u8)id,
		.query = what,
		.size = (__u16)size,
		.data = data,
	};
	int ret = win_video_call(video, UVCIOC_CTRL_QUERY, &request);

	switch (ret) {
	case -ENOENT:
		return -WIN_NO_SUCH_ITEM;
	case -EBADRQC:
		/* It cannot be got, or not be set */
		return -ENOTTY;
	default:
		return ret;
	}
}

/* The answer has two bytes, the lower one first */
static int get_length(int video, const struct win_unit_node *unit, ULONG id, size_t *length)
{
	unsigned char bytes[2];
	int ret;

	if (!id || id > UINT8_MAX)
		return -WIN_NO_SUCH_ITEM;
	ret = query(video, unit, id, UVC_GET_LEN, bytes, sizeof(bytes));
	if (ret)
		return ret;
	*length = (size_t)bytes[1] << 8 | bytes[0];
	return *length ? 0 : -EIO;
}

static int get_bytes(int video, const struct win_unit_node *unit, ULONG id, __u8 what,
		     size_t length, struct win_call *call)
{
	void *bytes;
	int ret = 0;

	bytes = calloc(1, length);
	if (!bytes)
		return -ENOMEM;
	/* A question for the size does not reach the camera */
	if (call->out_size >= length)
		ret = query(video, unit, id, what, bytes, length);
	if (!ret)
		ret = win_answer(call, bytes, length);
	free(bytes);
	return ret;
}

static int put_bytes(int video, const struct win_unit_node *unit, ULONG id, size_t length,
		     const struct win_call *call)
{
	void *bytes;
	int ret;

	if (call->out_size < length)
		return -WIN_TOO_SMALL;
	ret = win_check_memory(call->out, length, false);
	if (ret)
		return ret;
	bytes = malloc(length);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, call->out, length);
	ret = query(video, unit, id, UVC_SET_CUR, bytes, length);
	free(bytes);
	return ret;
}

static int get_support(int video, const struct win_unit_node *unit, ULONG id,
		       struct win_call *call)
{
	unsigned char info;
	ULONG access = 0;
	int ret;

	ret = query(video, unit, id, UVC_GET_INFO, &info, sizeof(info));
	if (ret)
		return ret;
	if (info & UVC_CONTROL_CAP_GET)
		access |= KSPROPERTY_TYPE_GET;
	if (info & UVC_CONTROL_CAP_SET)
		access |= KSPROPERTY_TYPE_SET;
	return win_describe(call, access, NULL);
}

int win_unit_property(struct win_object *object, struct win_call *call, const KSP_NODE *request,
		      const struct win_unit_node *unit)
{
	ULONG flags = request->Property.Flags & ~KSPROPERTY_TYPE_TOPOLOGY;
	ULONG id = request->Property.Id;
	size_t length;
	int ret;

	if (flags == KSPROPERTY_TYPE_SETSUPPORT &&
	    IsEqualGUID(&request->Property.Set, &GUID_NULL))
		return win_answer(call, &unit->set, sizeof(unit->set));
	if (!IsEqualGUID(&request->Property.Set, &unit->set))
		return -WIN_NO_SUCH_SET;
	if (flags == KSPROPERTY_TYPE_SETSUPPORT)
		return 0;
	ret = get_length(object->fd, unit, id, &length);
	if (ret)
		return ret;
	switch (flags) {
	case KSPROPERTY_TYPE_BASICSUPPORT:
		return get_support(object->fd, unit, id, call);
	case KSPROPERTY_TYPE_GET:
		return get_bytes(object->fd, unit, id, UVC_GET_CUR, length, call);
	case KSPROPERTY_TYPE_DEFAULTVALUES:
		return get_bytes(object->fd, unit, id, UVC_GET_DEF, length, call);
	case KSPROPERTY_TYPE_SET:
		return put_bytes(object->fd, unit, id, length, call);
	default:
		return -ENOTTY;
	}
}
