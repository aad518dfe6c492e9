// SPDX-License-Identifier: GPL-2.0-only
/*
 * SetupDi functions: sets of devices, as they are when the set is made. A set is the address of
 * a record in a list, so a wrong one is found and never dereferenced.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ks/win/setupapi.h>

#include "win.h"
#include "device.h"
#include "text.h"

/* Setup classes of cameras */
static const GUID class_image = {
	0x6bdd1fc6, 0x810f, 0x11d0, { 0xbe, 0xc7, 0x08, 0x00, 0x2b, 0xe2, 0x09, 0x2f }
};

static const GUID class_camera = {
	0xca3e7ab9, 0xb4c3, 0x4ae6, { 0x82, 0x51, 0x57, 0x9e, 0xf9, 0x33, 0x89, 0x0f }
};

struct set {
	struct set *next;
	struct win_device *devices;
	int count;
	/* GUID_NULL: all categories; else only interfaces of this one */
	GUID category;
	bool interfaces;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct set *sets;

static BOOL result(DWORD error)
{
	if (error)
		SetLastError(error);
	return !error;
}

/* Unlocks at the end of a call */
static BOOL finish(DWORD error)
{
	pthread_mutex_unlock(&lock);
	return result(error);
}

/* Finds a set and takes the lock; the lock is also taken if there is no such set */
static struct set *lock_set(HDEVINFO handle)
{
	struct set *set;

	pthread_mutex_lock(&lock);
	for (set = sets; set && set != handle; set = set->next)
		;
	return set;
}

static void keep_enumerator(struct set *set, const char *enumerator)
{
	size_t length = strlen(enumerator);
	int i, kept = 0;

	for (i = 0; i < set->count; i++)
		if (!strncasecmp(set->devices[i].id, enumerator, length) &&
		    (set->devices[i].id[length] == '\\' || !set->devices[i].id[length]))
			set->devices[kept++] = set->devices[i];
	set->count = kept;
}

static int new_set(const GUID *category, const char *enumerator, DWORD flags, struct set **set)
{
	bool wanted;
	int ret;

	*set = NULL;
	if (!category && !(flags & DIGCF_ALLCLASSES))
		return -EINVAL;
	*set = calloc(1, sizeof(**set));
	if (!*set)
		return -ENOMEM;
	(*set)->interfaces = flags & DIGCF_DEVICEINTERFACE;
	if (flags & DIGCF_ALLCLASSES)
		category = NULL;
	if (category)
		(*set)->category = *category;
	wanted = !category || ((*set)->interfaces ? win_device_category(category) :
			       IsEqualGUID(category, &class_image) ||
			       IsEqualGUID(category, &class_camera));
	if (wanted)
		(*set)->count = win_devices(&(*set)->devices);
	if ((*set)->count < 0) {
		ret = (*set)->count;
		free(*set);
		return ret;
	}
	if (enumerator)
		keep_enumerator(*set, enumerator);
	return 0;
}

WIN_API HDEVINFO SetupDiGetClassDevsA(const GUID *category, PCSTR enumerator, HWND window,
				      DWORD flags)
{
	struct set *set;

	(void)window;
	if (!win_result(new_set(category, enumerator, flags, &set)))
		return INVALID_HANDLE_VALUE;
	pthread_mutex_lock(&lock);
	set->next = sets;
	sets = set;
	pthread_mutex_unlock(&lock);
	return set;
}

WIN_API HDEVINFO SetupDiGetClassDevsW(const GUID *category, PCWSTR enumerator, HWND window,
				      DWORD flags)
{
	char *text = NULL;
	HDEVINFO set;

	if (enumerator) {
		text = win_narrow(enumerator, win_wide_length(enumerator));
		if (!text) {
			win_result(-ENOMEM);
			return INVALID_HANDLE_VALUE;
		}
	}
	set = SetupDiGetClassDevsA(category, text, window, flags);
	free(text);
	return set;
}

WIN_API BOOL SetupDiDestroyDeviceInfoList(HDEVINFO handle)
{
	struct set **link, *set;

	pthread_mutex_lock(&lock);
	for (link = &sets; (set = *link) && set != handle; link = &set->next)
		;
	if (!set)
		return finish(ERROR_INVALID_HANDLE);
	*link = set->next;
	free(set->devices);
	free(set);
	return finish(ERROR_SUCCESS);
}

/* Devices and interfaces. DevInst is the number of the device in the set, from 1. */

static void fill_device(PSP_DEVINFO_DATA device, int index)
{
	device->ClassGuid = class_camera;
	device->DevInst = (DWORD)index + 1;
	device->Reserved = 0;
}

static DWORD check_device(const struct set *set, const SP_DEVINFO_DATA *device)
{
	if (!set)
		return ERROR_INVALID_HANDLE;
	if (!device || device->cbSize != sizeof(*device))
		return ERROR_INVALID_PARAMETER;
	return device->DevInst - 1 < (DWORD)set->count ? ERROR_SUCCESS : ERROR_NO_SUCH_DEVINST;
}

static DWORD check_interface(const struct set *set, const SP_DEVICE_INTERFACE_DATA *data)
{
	if (!set)
		return ERROR_INVALID_HANDLE;
	if (!data || data->cbSize != sizeof(*data) || data->Reserved - 1 >= (ULONG_PTR)set->count ||
	    !win_device_category(&data->InterfaceClassGuid))
		return ERROR_INVALID_PARAMETER;
	return ERROR_SUCCESS;
}

WIN_API BOOL SetupDiEnumDeviceInfo(HDEVINFO handle, DWORD index, PSP_DEVINFO_DATA device)
{
	const struct set *set = lock_set(handle);

	if (!set)
		return finish(ERROR_INVALID_HANDLE);
	if (!device)
		return finish(ERROR_INVALID_PARAMETER);
	if (device->cbSize != sizeof(*device))
		return finish(ERROR_INVALID_USER_BUFFER);
	if (index >= (DWORD)set->count)
		return finish(ERROR_NO_MORE_ITEMS);
	fill_device(device, (int)index);
	return finish(ERROR_SUCCESS);
}

static bool has_interfaces(const struct set *set, const GUID *category)
{
	return set->interfaces && win_device_category(category) &&
	       (IsEqualGUID(&set->category, &GUID_NULL) ||
		IsEqualGUID(&set->category, category));
}

static void fill_interface(PSP_DEVICE_INTERFACE_DATA data, const GUID *category, ULONG_PTR number)
{
	data->InterfaceClassGuid = *category;
	data->Flags = SPINT_ACTIVE;
	data->Reserved = number;
}

WIN_API BOOL SetupDiEnumDeviceInterfaces(HDEVINFO handle, PSP_DEVINFO_DATA device,
					 const GUID *category, DWORD index,
					 PSP_DEVICE_INTERFACE_DATA data)
{
	const struct set *set = lock_set(handle);
	DWORD error, number = index + 1, count;

	if (!set)
		return finish(ERROR_INVALID_HANDLE);
	if (!data || !category)
		return finish(ERROR_INVALID_PARAMETER);
	if (data->cbSize != sizeof(*data))
		return finish(ERROR_INVALID_USER_BUFFER);
	count = (DWORD)set->count;
	if (device) {
		error = check_device(set, device);
		if (error)
			return finish(error);
		/* A device has one interface of a category */
		number = device->DevInst;
		count = 1;
	}
	if (!has_interfaces(set, category) || index >= count)
		return finish(ERROR_NO_MORE_ITEMS);
	fill_interface(data, category, number);
	return finish(ERROR_SUCCESS);
}

WIN_API BOOL SetupDiGetDeviceInterfaceAlias(HDEVINFO handle, PSP_DEVICE_INTERFACE_DATA data,
					    const GUID *category, PSP_DEVICE_INTERFACE_DATA alias)
{
	const struct set *set = lock_set(handle);
	DWORD error = check_interface(set, data);

	if (error)
		return finish(error);
	if (!category || !alias || alias->cbSize != sizeof(*alias))
		return finish(ERROR_INVALID_PARAMETER);
	if (!win_device_category(category))
		return finish(ERROR_NO_SUCH_DEVICE_INTERFACE);
	fill_interface(alias, category, data->Reserved);
	return finish(ERROR_SUCCESS);
}

/* Text for the client */

/* Both forms of the structure have this size, and the path begins after cbSize */
#define DETAIL_SIZE sizeof(SP_DEVICE_INTERFACE_DETAIL_DATA_A)

static BOOL get_detail(HDEVINFO handle, PSP_DEVICE_INTERFACE_DATA data, void *detail,
		       DWORD size, PDWORD required, PSP_DEVINFO_DATA device, bool wide)
{
	const struct set *set = lock_set(handle);
	DWORD error = check_interface(set, data), needed = 0;
	size_t start = offsetof(SP_DEVICE_INTERFACE_DETAIL_DATA_A, DevicePath);
	char path[WIN_DEVICE_ID + 64];
	int index;

	if (wide)
		start = offsetof(SP_DEVICE_INTERFACE_DETAIL_DATA_W, DevicePath);
	if (error)
		return finish(error);
	if (device && device->cbSize != sizeof(*device))
		return finish(ERROR_INVALID_PARAMETER);
	if (detail ? size < DETAIL_SIZE || *(DWORD *)detail != DETAIL_SIZE : size)
		return finish(ERROR_INVALID_USER_BUFFER);
	index = (int)data->Reserved - 1;
	win_device_path(&set->devices[index], &data->InterfaceClassGuid, path, sizeof(path));
	error = win_put_text(path, wide, 1, detail ? (char *)detail + start : NULL,
			     size > start ? size - start : 0, &needed);
	if (required)
		*required = (DWORD)start + needed;
	if (device)
		fill_device(device, index);
	return finish(error);
}

WIN_API BOOL SetupDiGetDeviceInterfaceDetailA(HDEVINFO set, PSP_DEVICE_INTERFACE_DATA data,
					      PSP_DEVICE_INTERFACE_DETAIL_DATA_A detail,
					      DWORD size, PDWORD required,
					      PSP_DEVINFO_DATA device)
{
	return get_detail(set, data, detail, size, required, device, false);
}

WIN_API BOOL SetupDiGetDeviceInterfaceDetailW(HDEVINFO set, PSP_DEVICE_INTERFACE_DATA data,
					      PSP_DEVICE_INTERFACE_DETAIL_DATA_W detail,
					      DWORD size, PDWORD required,
					      PSP_DEVINFO_DATA device)
{
	return get_detail(set, data, detail, size, required, device, true);
}

/* In an instance ID of Windows, letters are capitals */
static void to_capitals(char *text)
{
	for (; *text; text++)
		*text = (char)toupper((unsigned char)*text);
}

/* Copies the first parts of the ID */
static void get_id(const struct win_device *device, int parts, char *id)
{
	char *c;

	memcpy(id, device->id, sizeof(device->id));
	for (c = id; *c; c++)
		if (*c == '\\' && !--parts)
			break;
	*c = '\0';
	to_capitals(id);
}

static DWORD get_property(const struct win_device *device, DWORD property, char *text, DWORD *type)
{
	*type = REG_SZ;
	switch (property) {
	case SPDRP_FRIENDLYNAME:
	case SPDRP_DEVICEDESC:
		memcpy(text, device->name, sizeof(device->name));
		break;
	case SPDRP_SERVICE:
		memcpy(text, device->driver, sizeof(device->driver));
		break;
	case SPDRP_CLASS:
		memcpy(text, "Camera", sizeof("Camera"));
		break;
	case SPDRP_ENUMERATOR_NAME:
		get_id(device, 1, text);
		break;
	case SPDRP_HARDWAREID:
		get_id(device, 2, text);
		*type = REG_MULTI_SZ;
		break;
	default:
		*text = '\0';
	}
	return *text ? ERROR_SUCCESS : ERROR_INVALID_DATA;
}

static BOOL get_registry_property(HDEVINFO handle, PSP_DEVINFO_DATA device, DWORD property,
				  PDWORD type, PBYTE buffer, DWORD size, PDWORD required, bool wide)
{
	const struct set *set = lock_set(handle);
	DWORD error = check_device(set, device), kind;
	char text[WIN_DEVICE_ID];

	if (!error)
		error = get_property(&set->devices[device->DevInst - 1], property, text, &kind);
	if (error)
		return finish(error);
	if (type)
		*type = kind;
	error = win_put_text(text, wide, kind == REG_MULTI_SZ ? 2 : 1, buffer, size, required);
	return finish(error);
}

WIN_API BOOL SetupDiGetDeviceRegistryPropertyA(HDEVINFO set, PSP_DEVINFO_DATA device,
					       DWORD property, PDWORD type, PBYTE buffer,
					       DWORD size, PDWORD required)
{
	return get_registry_property(set, device, property, type, buffer, size, required, false);
}

WIN_API BOOL SetupDiGetDeviceRegistryPropertyW(HDEVINFO set, PSP_DEVINFO_DATA device,
					       DWORD property, PDWORD type, PBYTE buffer,
					       DWORD size, PDWORD required)
{
	return get_registry_property(set, device, property, type, buffer, size, required, true);
}

static BOOL get_instance_id(HDEVINFO handle, PSP_DEVINFO_DATA device, void *id, DWORD size,
			    PDWORD required, bool wide)
{
	const struct set *set = lock_set(handle);
	DWORD error = check_device(set, device), bytes = 0;
	size_t unit = wide ? win_wchar_bytes() : 1;
	char text[WIN_DEVICE_ID];

	if (!error && !id && size)
		error = ERROR_INVALID_PARAMETER;
	if (error)
		return finish(error);
	get_id(&set->devices[device->DevInst - 1], INT_MAX, text);
	error = win_put_text(text, wide, 1, id, size * unit, &bytes);
	if (required)
		*required = bytes / (DWORD)unit;
	return finish(error);
}

WIN_API BOOL SetupDiGetDeviceInstanceIdA(HDEVINFO set, PSP_DEVINFO_DATA device, PSTR id,
					 DWORD size, PDWORD required)
{
	return get_instance_id(set, device, id, size, required, false);
}

WIN_API BOOL SetupDiGetDeviceInstanceIdW(HDEVINFO set, PSP_DEVINFO_DATA device, PWSTR id,
					 DWORD size, PDWORD required)
{
	return get_instance_id(set, device, id, size, required, true);
}

/* Keys */

static HKEY open_key(const struct set *set, DWORD error, ULONG_PTR number)
{
	HKEY key = (HKEY)INVALID_HANDLE_VALUE;

	if (!error)
		error = win_key_open(set->devices[number - 1].name, &key);
	finish(error);
	return key;
}

WIN_API HKEY SetupDiOpenDeviceInterfaceRegKey(HDEVINFO handle, PSP_DEVICE_INTERFACE_DATA data,
					      DWORD reserved, REGSAM access)
{
	const struct set *set = lock_set(handle);
	DWORD error = reserved ? ERROR_INVALID_PARAMETER : check_interface(set, data);

	(void)access;
	return open_key(set, error, error ? 0 : data->Reserved);
}

WIN_API HKEY SetupDiOpenDevRegKey(HDEVINFO handle, PSP_DEVINFO_DATA device, DWORD scope,
				  DWORD profile, DWORD type, REGSAM access)
{
	const struct set *set = lock_set(handle);
	DWORD error = check_device(set, device);

	(void)profile;
	(void)access;
	if (!error && (scope != DICS_FLAG_GLOBAL || (type != DIREG_DEV && type != DIREG_DRV)))
		error = ERROR_INVALID_PARAMETER;
	return open_key(set, error, error ? 0 : device->DevInst);
}
