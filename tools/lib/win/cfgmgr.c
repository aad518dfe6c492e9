// SPDX-License-Identifier: GPL-2.0-only
/* CM_Get_Device_Interface_List(): all interfaces of a category, as one list of paths. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ks/win/cfgmgr32.h>

#include "win.h"
#include "device.h"
#include "text.h"

/* Room for the list; without it, only the size is counted */
struct list {
	bool wide;
	void *buffer;
	size_t size;
	size_t used;
};

static void *place(const struct list *list)
{
	return (char *)list->buffer + list->used * (list->wide ? win_wchar_bytes() : 1);
}

/* Adds a text with its zero, if all of it fits */
static void add(struct list *list, const char *text)
{
	size_t length = list->wide ? win_widen(text, NULL, 0) : strlen(text) + 1;

	if (list->buffer && list->used + length <= list->size) {
		if (list->wide)
			win_widen(text, place(list), length);
		else
			memcpy(place(list), text, length);
	}
	list->used += length;
}

static CONFIGRET make_list(struct list *list, const GUID *category, const char *device, ULONG flags)
{
	struct win_device *devices;
	char path[WIN_DEVICE_ID + 64];
	int count = 0, i;

	if (!category)
		return CR_INVALID_POINTER;
	if (flags & ~(ULONG)CM_GET_DEVICE_INTERFACE_LIST_ALL_DEVICES)
		return CR_INVALID_FLAG;
	if (win_device_category(category))
		count = win_devices(&devices);
	if (count < 0)
		return count == -ENOMEM ? CR_OUT_OF_MEMORY : CR_FAILURE;
	for (i = 0; i < count; i++) {
		if (device && *device && strcasecmp(device, devices[i].id))
			continue;
		win_device_path(&devices[i], category, path, sizeof(path));
		add(list, path);
	}
	if (count)
		free(devices);
	add(list, "");
	return CR_SUCCESS;
}

static CONFIGRET get_size(PULONG size, const GUID *category, const char *device, ULONG flags,
			  bool wide)
{
	struct list list = { .wide = wide };
	CONFIGRET ret;

	if (!size)
		return CR_INVALID_POINTER;
	ret = make_list(&list, category, device, flags);
	if (ret == CR_SUCCESS)
		*size = (ULONG)list.used;
	return ret;
}

static CONFIGRET get_list(const GUID *category, const char *device, void *buffer, ULONG size,
			  ULONG flags, bool wide)
{
	struct list list = { .wide = wide, .buffer = buffer, .size = size };
	CONFIGRET ret;

	if (!buffer)
		return CR_INVALID_POINTER;
	if (!size)
		return CR_INVALID_DATA;
	ret = make_list(&list, category, device, flags);
	return ret == CR_SUCCESS && list.used > size ? CR_BUFFER_SMALL : ret;
}

WIN_API CONFIGRET CM_Get_Device_Interface_List_SizeA(PULONG size, LPGUID category,
						     DEVINSTID_A device, ULONG flags)
{
	return get_size(size, category, device, flags, false);
}

WIN_API CONFIGRET CM_Get_Device_Interface_ListA(LPGUID category, DEVINSTID_A device, PCHAR buffer,
						ULONG size, ULONG flags)
{
	return get_list(category, device, buffer, size, flags, false);
}

WIN_API CONFIGRET CM_Get_Device_Interface_List_SizeW(PULONG size, LPGUID category,
						     DEVINSTID_W device, ULONG flags)
{
	char *text = device ? win_narrow(device, win_wide_length(device)) : NULL;
	CONFIGRET ret = CR_OUT_OF_MEMORY;

	if (!device || text)
		ret = get_size(size, category, text, flags, true);
	free(text);
	return ret;
}

WIN_API CONFIGRET CM_Get_Device_Interface_ListW(LPGUID category, DEVINSTID_W device,
						PWCHAR buffer, ULONG size, ULONG flags)
{
	char *text = device ? win_narrow(device, win_wide_length(device)) : NULL;
	CONFIGRET ret = CR_OUT_OF_MEMORY;

	if (!device || text)
		ret = get_list(category, text, buffer, size, flags, true);
	free(text);
	return ret;
}
