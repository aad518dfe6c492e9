// SPDX-License-Identifier: GPL-2.0-only
/* The requests that winrequest.h describes. */
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "winrequest.h"

HANDLE filter;
ULONG returned;
struct win_request request;

void open_camera(void)
{
	filter = CreateFileA(CAMERA_PATH, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(filter != INVALID_HANDLE_VALUE);
}

DWORD call(HANDLE handle, DWORD code, const void *in, ULONG in_size, void *out, ULONG size)
{
	returned = 0;
	return DeviceIoControl(handle, code, (void *)in, in_size, out, size, &returned, NULL) ?
	       0 : GetLastError();
}

DWORD property(HANDLE handle, const GUID *set, ULONG id, ULONG flags, void *out,
	       ULONG size)
{
	KSPROPERTY in = { .Set = *set, .Id = id, .Flags = flags };

	return call(handle, IOCTL_KS_PROPERTY, &in, sizeof(in), out, size);
}

DWORD pin_property(ULONG pin, ULONG id, void *out, ULONG size)
{
	KSP_PIN in = {
		.Property = { .Set = KSPROPSETID_Pin, .Id = id, .Flags = KSPROPERTY_TYPE_GET },
		.PinId = pin,
	};

	return call(filter, IOCTL_KS_PROPERTY, &in, sizeof(in), out, size);
}

DWORD node_property(ULONG node, const GUID *set, ULONG id, ULONG flags, void *out,
		    ULONG size)
{
	KSP_NODE in = {
		.Property = { .Set = *set, .Id = id, .Flags = flags | KSPROPERTY_TYPE_TOPOLOGY },
		.NodeId = node,
	};

	return call(filter, IOCTL_KS_PROPERTY, &in, sizeof(in), out, size);
}

DWORD create_pin(HANDLE of, HANDLE *pin)
{
	memset(&request.connect, 0, sizeof(request.connect));
	request.connect.Interface.Set = KSINTERFACESETID_Standard;
	request.connect.Medium.Set = KSMEDIUMSETID_Standard;
	return KsCreatePin(of, &request.connect, GENERIC_READ, pin);
}

KSMULTIPLE_ITEM *get_ranges(void)
{
	KSMULTIPLE_ITEM *list;

	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_DATARANGES, NULL, 0), ERROR_MORE_DATA);
	list = calloc(1, returned);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_DATARANGES, list, returned), 0);
	CHECK_EQ(list->Size, returned);
	return list;
}

KSDATARANGE *range_number(KSMULTIPLE_ITEM *list, ULONG number)
{
	char *next = (char *)(list + 1), *end = (char *)list + list->Size;

	while (number-- && next < end)
		next += (((KSDATARANGE *)next)->FormatSize + 7) & ~7u;
	return next < end ? (KSDATARANGE *)next : NULL;
}

void take_range(const KSDATARANGE *range)
{
	const KS_DATARANGE_VIDEO *video = (const void *)range;

	request.format.any = *range;
	request.format.any.FormatSize = sizeof(request.format.first);
	request.format.first.VideoInfoHeader = video->VideoInfoHeader;
}

void take_range_number(ULONG number)
{
	KSMULTIPLE_ITEM *list = get_ranges();

	take_range(range_number(list, number));
	free(list);
}
