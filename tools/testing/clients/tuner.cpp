// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the manner of a program for TV tuners, in C++.
 *
 * Looks at the nodes of the filter and turns a control before it captures in a format with
 * VIDEOINFOHEADER2. It has one read at a time, and stops while one is pending.
 */
#include "capture.h"

#include <setupapi.h>

#include <initializer_list>
#include <vector>

namespace {

bool open_camera(const char *part, HANDLE *filter)
{
	HDEVINFO devices = SetupDiGetClassDevsA(&KSCATEGORY_VIDEO_CAMERA, nullptr, nullptr,
						DIGCF_PRESENT | DIGCF_DEVICEINTERFACE);
	SP_DEVINFO_DATA info = {};

	info.cbSize = sizeof(info);
	*filter = INVALID_HANDLE_VALUE;
	for (DWORD i = 0; SetupDiEnumDeviceInfo(devices, i, &info); i++) {
		struct {
			SP_DEVICE_INTERFACE_DETAIL_DATA_A detail;
			char room[1024];
		} path;
		SP_DEVICE_INTERFACE_DATA device = {};

		device.cbSize = sizeof(device);
		path.detail.cbSize = sizeof(path.detail);
		if (!SetupDiEnumDeviceInterfaces(devices, &info, &KSCATEGORY_VIDEO_CAMERA, 0,
						 &device) ||
		    !SetupDiGetDeviceInterfaceDetailA(devices, &device, &path.detail, sizeof(path),
						      nullptr, nullptr) ||
		    !strstr(path.detail.DevicePath, part))
			continue;
		*filter = CreateFileA(path.detail.DevicePath, GENERIC_READ | GENERIC_WRITE,
				      FILE_SHARE_READ, nullptr, OPEN_EXISTING,
				      FILE_FLAG_OVERLAPPED, nullptr);
		break;
	}
	SetupDiDestroyDeviceInfoList(devices);
	return *filter != INVALID_HANDLE_VALUE;
}

bool look(HANDLE filter)
{
	KSPIN_CINSTANCES instances = {};
	GUID nodes[32 + 1];
	auto *list = reinterpret_cast<KSMULTIPLE_ITEM *>(nodes);
	WCHAR name[64] = {};
	ULONG streaming = 0;

	if (pin_property(filter, KSPROPERTY_PIN_NAME, name, sizeof(name)) <= 0 || !name[0] ||
	    pin_property(filter, KSPROPERTY_PIN_CINSTANCES, &instances, sizeof(instances)) < 0 ||
	    instances.CurrentCount || instances.PossibleCount != 1)
		return false;
	if (property(filter, &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_NODES,
		     KSPROPERTY_TYPE_GET, nodes, sizeof(nodes)) < (int)sizeof(*list))
		return false;
	auto *node = reinterpret_cast<const GUID *>(list + 1);
	for (ULONG i = 0; i < list->Count; i++)
		streaming += node[i] == KSNODETYPE_VIDEO_STREAMING;
	return streaming == 1;
}

struct Brightness {
	explicit Brightness(HANDLE of) : filter(of)
	{
		memset(&value, 0, sizeof(value));
		value.Property.Set = PROPSETID_VIDCAP_VIDEOPROCAMP;
		value.Property.Id = KSPROPERTY_VIDEOPROCAMP_BRIGHTNESS;
	}

	bool get()
	{
		value.Property.Flags = KSPROPERTY_TYPE_GET;
		return request(filter, &value, sizeof(value), &value, sizeof(value)) >= 0;
	}

	bool put(LONG level)
	{
		value.Property.Flags = KSPROPERTY_TYPE_SET;
		value.Value = level;
		value.Flags = KSPROPERTY_VIDEOPROCAMP_FLAGS_MANUAL;
		return request(filter, &value, sizeof(value), &value, sizeof(value)) >= 0;
	}

	bool range(LONG *smallest, LONG *largest)
	{
		struct {
			KSPROPERTY_DESCRIPTION head;
			KSPROPERTY_MEMBERSHEADER members;
			KSPROPERTY_STEPPING_LONG range;
			KSPROPERTY_MEMBERSHEADER normal_members;
			LONG normal;
		} all;

		value.Property.Flags = KSPROPERTY_TYPE_BASICSUPPORT;
		if (request(filter, &value, sizeof(value), &all, sizeof(all)) <
		    (int)(sizeof(all.head) + sizeof(all.members) + sizeof(all.range)) ||
		    all.head.MembersListCount < 1 ||
		    !(all.members.MembersFlags & KSPROPERTY_MEMBER_STEPPEDRANGES))
			return false;
		*smallest = all.range.Bounds.SignedMinimum;
		*largest = all.range.Bounds.SignedMaximum;
		return *smallest < *largest;
	}

	HANDLE filter;
	KSPROPERTY_VIDEOPROCAMP_S value;
};

/* Sets the other values, and at the end the first one again */
bool turn(HANDLE filter)
{
	Brightness brightness(filter);
	LONG smallest, largest, before;

	if (!brightness.range(&smallest, &largest) || !brightness.get())
		return false;
	before = brightness.value.Value;
	for (LONG level : { smallest, largest, before })
		if (!brightness.put(level) || !brightness.get() || brightness.value.Value != level)
			return false;
	return true;
}

bool create_pin(HANDLE filter, HANDLE *pin, ULONG *bytes)
{
	struct {
		KSPIN_CONNECT connect;
		KS_DATAFORMAT_VIDEOINFOHEADER2 format;
	} ask;
	KSMULTIPLE_ITEM *list = pin_list(filter, KSPROPERTY_PIN_DATARANGES);
	auto *range = reinterpret_cast<const KS_DATARANGE_VIDEO2 *>
		(list ? find_range(list, &KSDATAFORMAT_SPECIFIER_VIDEOINFO2) : nullptr);

	if (range) {
		begin_connect(&ask.connect);
		ask.format.DataFormat = range->DataRange;
		ask.format.DataFormat.FormatSize = sizeof(ask.format);
		ask.format.VideoInfoHeader2 = range->VideoInfoHeader;
		*bytes = ask.format.VideoInfoHeader2.bmiHeader.biSizeImage;
	}
	free(list);
	return range && !KsCreatePin(filter, &ask.connect, GENERIC_READ, pin);
}

bool begin(HANDLE pin, picture *of, ULONG bytes, OVERLAPPED *overlapped)
{
	prepare(of, bytes);
	memset(overlapped, 0, sizeof(*overlapped));
	return DeviceIoControl(pin, IOCTL_KS_READ_STREAM, nullptr, 0, of, sizeof(*of),
			       nullptr, overlapped) || GetLastError() == ERROR_IO_PENDING;
}

bool capture(HANDLE pin, ULONG bytes, output *to)
{
	std::vector<unsigned char> data(bytes);
	OVERLAPPED overlapped;
	picture one = {};
	DWORD count;

	one.header.Data = data.data();
	if (set_state(pin, KSSTATE_PAUSE) || set_state(pin, KSSTATE_RUN))
		return false;
	while (!output_is_done(to)) {
		if (!begin(pin, &one, bytes, &overlapped))
			return false;
		while (!HasOverlappedIoCompleted(&overlapped))
			Sleep(1);
		if (!GetOverlappedResult(pin, &overlapped, &count, FALSE) ||
		    output_add(to, &one))
			return false;
	}
	if (!begin(pin, &one, bytes, &overlapped) || set_state(pin, KSSTATE_STOP))
		return false;
	/* A picture can come just before */
	if (!GetOverlappedResult(pin, &overlapped, &count, TRUE) &&
	    GetLastError() != ERROR_OPERATION_ABORTED)
		return false;
	return true;
}

}

int main(int argc, char **argv)
{
	HANDLE filter, pin = nullptr;
	ULONG bytes = 0;
	output to;

	if (output_open(&to, argc, argv))
		return EXIT_FAILURE;
	if (!open_camera(to.part, &filter) || !look(filter) || !turn(filter) ||
	    !create_pin(filter, &pin, &bytes) || !capture(pin, bytes, &to))
		return output_close(&to, fail("tuner"));
	CloseHandle(pin);
	CloseHandle(filter);
	return output_close(&to, 0);
}
