// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the manner of the SDK of a vendor of capture cards, in C++.
 *
 * Takes the path from the list of interfaces of video cameras, and lets the driver choose the
 * format in a range. It waits for the oldest read, and ends all of them before it stops.
 */
#include "capture.h"

#include <cfgmgr32.h>

#include <string>
#include <vector>

namespace {

constexpr int reads = 4;
constexpr ULONG smallest = 2 << 20;

struct Read {
	struct picture picture;
	OVERLAPPED overlapped;
};

class Card {
public:
	~Card();
	bool open(const char *part);
	bool choose();
	bool start();
	bool capture(output &to);
	bool stop();

private:
	bool begin(Read &read);

	HANDLE filter = INVALID_HANDLE_VALUE;
	HANDLE pin = nullptr;
	std::vector<unsigned char> request;
	std::vector<Read> list;
};

Card::~Card()
{
	if (pin)
		CloseHandle(pin);
	if (filter != INVALID_HANDLE_VALUE)
		CloseHandle(filter);
	for (auto &read : list) {
		VirtualFree(read.picture.header.Data, 0, MEM_RELEASE);
		CloseHandle(read.overlapped.hEvent);
	}
}

bool Card::open(const char *part)
{
	GUID category = KSCATEGORY_VIDEO_CAMERA;
	std::wstring wanted(part, part + strlen(part));
	ULONG size = 0;

	if (CM_Get_Device_Interface_List_SizeW(&size, &category, nullptr,
					       CM_GET_DEVICE_INTERFACE_LIST_PRESENT) != CR_SUCCESS)
		return false;
	std::vector<WCHAR> paths(size);
	if (CM_Get_Device_Interface_ListW(&category, nullptr, paths.data(), size,
					  CM_GET_DEVICE_INTERFACE_LIST_PRESENT) != CR_SUCCESS)
		return false;
	for (const WCHAR *path = paths.data(); *path; path += std::wstring(path).size() + 1) {
		if (std::wstring(path).find(wanted) == std::wstring::npos)
			continue;
		filter = CreateFileW(path, GENERIC_READ | GENERIC_WRITE,
				     FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING,
				     FILE_FLAG_OVERLAPPED, nullptr);
		return filter != INVALID_HANDLE_VALUE;
	}
	return false;
}

bool Card::choose()
{
	KSMULTIPLE_ITEM *ranges = pin_list(filter, KSPROPERTY_PIN_DATARANGES);
	const KSDATARANGE *range = ranges ? find_range(ranges, &KSDATAFORMAT_SPECIFIER_VIDEOINFO) :
					    nullptr;
	unsigned long size = 0;

	if (!range || !(range->MajorFormat == KSDATAFORMAT_TYPE_VIDEO) ||
	    range->SubFormat != subtype_yuy2) {
		free(ranges);
		return false;
	}
	/* The range follows the number of ranges, and the head of the request */
	std::vector<unsigned char> ask(sizeof(KSP_PIN) + sizeof(KSMULTIPLE_ITEM) +
				       range->FormatSize);
	auto *head = reinterpret_cast<KSP_PIN *>(ask.data());
	head->Property.Set = KSPROPSETID_Pin;
	head->Property.Id = KSPROPERTY_PIN_DATAINTERSECTION;
	head->Property.Flags = KSPROPERTY_TYPE_GET;
	auto *item = reinterpret_cast<KSMULTIPLE_ITEM *>(head + 1);
	item->Size = sizeof(*item) + range->FormatSize;
	item->Count = 1;
	memcpy(item + 1, range, range->FormatSize);
	free(ranges);

	DeviceIoControl(filter, IOCTL_KS_PROPERTY, ask.data(), (DWORD)ask.size(), nullptr, 0,
			(LPDWORD)&size, nullptr);
	if (GetLastError() != ERROR_MORE_DATA || size < sizeof(KS_DATAFORMAT_VIDEOINFOHEADER))
		return false;
	request.resize(sizeof(KSPIN_CONNECT) + size);
	begin_connect(reinterpret_cast<KSPIN_CONNECT *>(request.data()));
	return ::request(filter, ask.data(), (ULONG)ask.size(),
			 request.data() + sizeof(KSPIN_CONNECT), (ULONG)size) == (int)size;
}

bool Card::begin(Read &read)
{
	HANDLE event = read.overlapped.hEvent;

	prepare(&read.picture, smallest);
	memset(&read.overlapped, 0, sizeof(read.overlapped));
	read.overlapped.hEvent = event;
	return DeviceIoControl(pin, IOCTL_KS_READ_STREAM, nullptr, 0, &read.picture,
			       sizeof(read.picture), nullptr, &read.overlapped) ||
	       GetLastError() == ERROR_IO_PENDING;
}

bool Card::start()
{
	if (KsCreatePin(filter, reinterpret_cast<PKSPIN_CONNECT>(request.data()), GENERIC_READ,
			&pin) != ERROR_SUCCESS)
		return false;
	for (KSSTATE state : { KSSTATE_ACQUIRE, KSSTATE_PAUSE, KSSTATE_RUN })
		if (set_state(pin, state))
			return false;
	list.resize(reads);
	for (auto &read : list) {
		read.picture.header.Data = VirtualAlloc(nullptr, smallest,
							MEM_COMMIT | MEM_RESERVE,
							PAGE_READWRITE);
		read.overlapped.hEvent = CreateEventW(nullptr, TRUE, FALSE, nullptr);
		if (!begin(read))
			return false;
	}
	return true;
}

bool Card::capture(output &to)
{
	for (size_t i = 0; !output_is_done(&to); i = (i + 1) % list.size()) {
		auto &read = list[i];
		DWORD bytes = 0;

		if (!GetOverlappedResultEx(pin, &read.overlapped, &bytes, PATIENCE_MS, FALSE))
			return false;
		if (output_add(&to, &read.picture) || !begin(read))
			return false;
	}
	return true;
}

bool Card::stop()
{
	/* All reads can have completed by now */
	if (!CancelIoEx(pin, nullptr) && GetLastError() != ERROR_NOT_FOUND)
		return false;
	for (auto &read : list) {
		DWORD bytes;

		if (!GetOverlappedResult(pin, &read.overlapped, &bytes, TRUE) &&
		    GetLastError() != ERROR_OPERATION_ABORTED)
			return false;
	}
	return !set_state(pin, KSSTATE_STOP);
}

}

int main(int argc, char **argv)
{
	output to;
	Card card;

	if (output_open(&to, argc, argv))
		return EXIT_FAILURE;
	if (!card.open(to.part) || !card.choose() || !card.start() || !card.capture(to) ||
	    !card.stop())
		return output_close(&to, fail("card"));
	return output_close(&to, 0);
}
