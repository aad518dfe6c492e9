// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the manner of the COM proxy that DirectShow has for KS, which uses allocators, in C++.
 *
 * Asks first what the pin supports, and then makes an allocator with an incomplete framing.
 * Each read names a frame of it. A completion port tells which reads have ended.
 */
#include "capture.h"

#include <setupapi.h>

#include <vector>

namespace {

class Proxy {
public:
	~Proxy();
	bool open(const char *part);
	bool create();
	bool stream(output &to);

private:
	struct Sample {
		OVERLAPPED overlapped;
		struct picture picture;
	};

	bool has_set(HANDLE file, DWORD code, const GUID &wanted) const;
	bool has_standard(ULONG id, const GUID &set) const;
	bool allocate(Sample &sample);
	bool submit(Sample &sample);

	HANDLE filter = INVALID_HANDLE_VALUE;
	HANDLE pin = nullptr;
	HANDLE allocator = nullptr;
	HANDLE port = nullptr;
	ULONG bytes = 0;
	std::vector<Sample> samples;
};

Proxy::~Proxy()
{
	for (HANDLE handle : { pin, allocator, port })
		if (handle)
			CloseHandle(handle);
	if (filter != INVALID_HANDLE_VALUE)
		CloseHandle(filter);
}

bool Proxy::open(const char *part)
{
	HDEVINFO devices = SetupDiGetClassDevsW(&KSCATEGORY_CAPTURE, nullptr, nullptr,
						DIGCF_PRESENT | DIGCF_DEVICEINTERFACE);
	SP_DEVICE_INTERFACE_DATA device = {};

	device.cbSize = sizeof(device);
	for (DWORD i = 0; filter == INVALID_HANDLE_VALUE &&
	     SetupDiEnumDeviceInterfaces(devices, nullptr, &KSCATEGORY_CAPTURE, i, &device); i++) {
		DWORD size = 0;

		SetupDiGetDeviceInterfaceDetailW(devices, &device, nullptr, 0, &size, nullptr);
		std::vector<unsigned char> room(size);
		auto *detail = reinterpret_cast<SP_DEVICE_INTERFACE_DETAIL_DATA_W *>(room.data());
		detail->cbSize = sizeof(*detail);
		if (!SetupDiGetDeviceInterfaceDetailW(devices, &device, detail, size, nullptr,
						      nullptr))
			break;
		const WCHAR *path = detail->DevicePath;
		/* The wanted part has only ASCII characters */
		bool found = false;
		for (; *path && !found; path++) {
			size_t n = 0;

			while (part[n] && path[n] == (WCHAR)(unsigned char)part[n])
				n++;
			found = !part[n];
		}
		if (found)
			filter = CreateFileW(detail->DevicePath, GENERIC_READ | GENERIC_WRITE, 0,
					     nullptr, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr);
	}
	SetupDiDestroyDeviceInfoList(devices);
	return filter != INVALID_HANDLE_VALUE;
}

bool Proxy::has_set(HANDLE file, DWORD code, const GUID &wanted) const
{
	KSPROPERTY head = {};
	DWORD size = 0;

	head.Flags = KSPROPERTY_TYPE_SETSUPPORT;
	if (!DeviceIoControl(file, code, &head, sizeof(head), nullptr, 0, &size, nullptr) &&
	    GetLastError() != ERROR_MORE_DATA)
		return false;
	std::vector<GUID> sets(size / sizeof(GUID));
	if (sets.empty() || !DeviceIoControl(file, code, &head, sizeof(head), sets.data(), size,
					     &size, nullptr))
		return false;
	for (const GUID &set : sets)
		if (set == wanted)
			return true;
	return false;
}

/* Interfaces and media have the same form */
bool Proxy::has_standard(ULONG id, const GUID &set) const
{
	KSMULTIPLE_ITEM *list = pin_list(filter, id);
	bool has = list && list->Count &&
		   reinterpret_cast<KSIDENTIFIER *>(list + 1)->Set == set;

	free(list);
	return has;
}

bool Proxy::create()
{
	pin_request with;
	KSALLOCATOR_FRAMING framing;

	if (!has_standard(KSPROPERTY_PIN_INTERFACES, KSINTERFACESETID_Standard) ||
	    !has_standard(KSPROPERTY_PIN_MEDIUMS, KSMEDIUMSETID_Standard) ||
	    use_range(filter, &with))
		return false;
	if (KsCreatePin(filter, &with.connect, GENERIC_READ, &pin))
		return false;
	if (!has_set(pin, IOCTL_KS_PROPERTY, KSPROPSETID_Connection))
		return false;
	if (property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_ALLOCATORFRAMING,
		     KSPROPERTY_TYPE_GET, &framing, sizeof(framing)) < 0)
		return false;
	bytes = framing.FrameSize;
	samples.resize(framing.Frames < 3 ? 3 : framing.Frames);
	/* The rest stays what it was */
	framing.OptionsFlags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	framing.Frames = (ULONG)samples.size();
	framing.Reserved = 0xcdcdcdcd;
	if (KsCreateAllocator(pin, &framing, &allocator))
		return false;
	if (!has_set(allocator, IOCTL_KS_METHOD, KSMETHODSETID_StreamAllocator) ||
	    !has_set(allocator, IOCTL_KS_ENABLE_EVENT, KSEVENTSETID_StreamAllocator))
		return false;
	port = CreateIoCompletionPort(pin, nullptr, 7, 0);
	return port && property(pin, &KSPROPSETID_Stream, KSPROPERTY_STREAM_ALLOCATOR,
				KSPROPERTY_TYPE_SET, &allocator, sizeof(allocator)) >= 0;
}

bool Proxy::allocate(Sample &sample)
{
	KSMETHOD method = {};
	DWORD returned = 0;

	method.Set = KSMETHODSETID_StreamAllocator;
	method.Id = KSMETHOD_STREAMALLOCATOR_ALLOC;
	method.Flags = KSMETHOD_TYPE_WRITE;
	return DeviceIoControl(allocator, IOCTL_KS_METHOD, &method, sizeof(method),
			       &sample.picture.header.Data, sizeof(PVOID), &returned, nullptr);
}

bool Proxy::submit(Sample &sample)
{
	memset(&sample.overlapped, 0, sizeof(sample.overlapped));
	prepare(&sample.picture, bytes);
	return DeviceIoControl(pin, IOCTL_KS_READ_STREAM, nullptr, 0, &sample.picture,
			       sizeof(sample.picture), nullptr, &sample.overlapped) ||
	       GetLastError() == ERROR_IO_PENDING;
}

bool Proxy::stream(output &to)
{
	if (set_state(pin, KSSTATE_ACQUIRE) || set_state(pin, KSSTATE_PAUSE))
		return false;
	for (auto &sample : samples)
		if (!allocate(sample) || !submit(sample))
			return false;
	if (set_state(pin, KSSTATE_RUN))
		return false;
	while (!output_is_done(&to)) {
		OVERLAPPED *overlapped;
		ULONG_PTR key;
		DWORD count;

		if (!GetQueuedCompletionStatus(port, &count, &key, &overlapped, PATIENCE_MS) ||
		    key != 7)
			return false;
		/* A sample begins with its OVERLAPPED */
		auto *sample = reinterpret_cast<Sample *>(overlapped);
		if (output_add(&to, &sample->picture) || !submit(*sample))
			return false;
	}
	/* STOP ends the reads, and the port tells each */
	if (set_state(pin, KSSTATE_STOP))
		return false;
	for (size_t i = 0; i < samples.size(); i++) {
		OVERLAPPED *overlapped;
		ULONG_PTR key;
		DWORD count;

		if (!GetQueuedCompletionStatus(port, &count, &key, &overlapped, PATIENCE_MS) &&
		    GetLastError() != ERROR_OPERATION_ABORTED)
			return false;
	}
	return true;
}

}

int main(int argc, char **argv)
{
	output to;
	Proxy proxy;

	if (output_open(&to, argc, argv))
		return EXIT_FAILURE;
	if (!proxy.open(to.part) || !proxy.create() || !proxy.stream(to))
		return output_close(&to, fail("proxy"));
	return output_close(&to, 0);
}
