// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the manner of the capture source of a media framework, in C.
 *
 * Finds the camera with SetupDi functions and keeps eight reads pending, each with an event. It
 * goes through the states step by step, and cancels the reads before it stops.
 */
#include "capture.h"

#include <setupapi.h>

#define READS 8

struct read {
	struct picture picture;
	OVERLAPPED overlapped;
};

struct capture {
	HANDLE filter;
	HANDLE pin;
	struct pin_request request;
	struct read reads[READS];
	/* The last one would end the thread of a real program */
	HANDLE events[READS + 1];
};

static char *path_of(HDEVINFO devices, SP_DEVICE_INTERFACE_DATA *device, const char *part)
{
	SP_DEVICE_INTERFACE_DETAIL_DATA_A *detail;
	SP_DEVINFO_DATA info;
	char *path = NULL, name[256];
	DWORD size = 0;

	SetupDiGetDeviceInterfaceDetailA(devices, device, NULL, 0, &size, NULL);
	detail = malloc(size);
	if (!detail)
		return NULL;
	detail->cbSize = sizeof(*detail);
	memset(&info, 0, sizeof(info));
	info.cbSize = sizeof(info);
	if (SetupDiGetDeviceInterfaceDetailA(devices, device, detail, size, NULL, &info) &&
	    SetupDiGetDeviceRegistryPropertyA(devices, &info, SPDRP_FRIENDLYNAME, NULL,
					      (BYTE *)name, sizeof(name), NULL) &&
	    strstr(detail->DevicePath, part)) {
		printf("%s\n", name);
		path = strdup(detail->DevicePath);
	}
	free(detail);
	return path;
}

static int open_camera(struct capture *capture, const char *part)
{
	const GUID *category = &KSCATEGORY_CAPTURE;
	SP_DEVICE_INTERFACE_DATA device;
	HDEVINFO devices;
	char *path = NULL;
	DWORD i;

	devices = SetupDiGetClassDevsA(category, NULL, NULL,
				       DIGCF_PRESENT | DIGCF_DEVICEINTERFACE);
	if (devices == INVALID_HANDLE_VALUE)
		return fail("devices");
	memset(&device, 0, sizeof(device));
	device.cbSize = sizeof(device);
	for (i = 0; !path && SetupDiEnumDeviceInterfaces(devices, NULL, category, i, &device); i++)
		path = path_of(devices, &device, part);
	SetupDiDestroyDeviceInfoList(devices);
	if (!path)
		return fail("no such camera");
	capture->filter = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
				      FILE_FLAG_OVERLAPPED, NULL);
	free(path);
	return capture->filter == INVALID_HANDLE_VALUE ? fail("open") : 0;
}

static int check_pin(struct capture *capture)
{
	KSPIN_COMMUNICATION communication;
	KSPIN_DATAFLOW flow;
	GUID category;
	ULONG pins;

	if (pin_property(capture->filter, KSPROPERTY_PIN_CTYPES, &pins, sizeof(pins)) < 0 || !pins)
		return fail("number of pins");
	if (pin_property(capture->filter, KSPROPERTY_PIN_DATAFLOW, &flow, sizeof(flow)) < 0 ||
	    flow != KSPIN_DATAFLOW_OUT)
		return fail("data flow");
	if (pin_property(capture->filter, KSPROPERTY_PIN_COMMUNICATION, &communication,
			 sizeof(communication)) < 0 || communication != KSPIN_COMMUNICATION_BOTH)
		return fail("communication");
	if (pin_property(capture->filter, KSPROPERTY_PIN_CATEGORY, &category,
			 sizeof(category)) < 0 || !same_guid(&category, &PINNAME_VIDEO_CAPTURE))
		return fail("category");
	return 0;
}

static int begin_read(struct capture *capture, int i)
{
	struct picture *picture = &capture->reads[i].picture;
	OVERLAPPED *overlapped = &capture->reads[i].overlapped;

	prepare(picture, capture->request.format.VideoInfoHeader.bmiHeader.biSizeImage);
	memset(overlapped, 0, sizeof(*overlapped));
	overlapped->hEvent = capture->events[i];
	if (!DeviceIoControl(capture->pin, IOCTL_KS_READ_STREAM, NULL, 0, picture,
			     sizeof(*picture), NULL, overlapped) &&
	    GetLastError() != ERROR_IO_PENDING)
		return fail("read");
	return 0;
}

/* Each read has its own event. Any of them can be the next one that a wait finds */
static int next_read(struct capture *capture, struct output *output)
{
	static int next;
	DWORD found, bytes;

	found = WaitForMultipleObjects(READS + 1, capture->events, FALSE, PATIENCE_MS);
	if (found >= WAIT_OBJECT_0 + READS)
		return fail("wait");
	if (!GetOverlappedResult(capture->pin, &capture->reads[next].overlapped, &bytes, TRUE))
		return fail("result");
	if (output_add(output, &capture->reads[next].picture) || begin_read(capture, next))
		return -1;
	next = (next + 1) % READS;
	return 0;
}

static int start(struct capture *capture)
{
	ULONG size = capture->request.format.VideoInfoHeader.bmiHeader.biSizeImage;
	DWORD error;
	int i;

	error = KsCreatePin(capture->filter, &capture->request.connect, GENERIC_READ,
			    &capture->pin);
	SetLastError(error);
	if (error)
		return fail("pin");
	for (i = 0; i <= READS; i++)
		capture->events[i] = CreateEventA(NULL, TRUE, FALSE, NULL);
	if (set_state(capture->pin, KSSTATE_ACQUIRE) || set_state(capture->pin, KSSTATE_PAUSE))
		return -1;
	for (i = 0; i < READS; i++) {
		capture->reads[i].picture.header.Data = malloc(size);
		if (begin_read(capture, i))
			return -1;
	}
	return set_state(capture->pin, KSSTATE_RUN);
}

static int stop(struct capture *capture)
{
	DWORD bytes;
	int i;

	if (!CancelIo(capture->pin))
		return fail("cancel");
	for (i = 0; i < READS; i++) {
		if (!GetOverlappedResult(capture->pin, &capture->reads[i].overlapped, &bytes,
					 TRUE) && GetLastError() != ERROR_OPERATION_ABORTED)
			return fail("cancelled read");
		free(capture->reads[i].picture.header.Data);
	}
	for (i = 0; i <= READS; i++)
		CloseHandle(capture->events[i]);
	if (set_state(capture->pin, KSSTATE_PAUSE) || set_state(capture->pin, KSSTATE_ACQUIRE) ||
	    set_state(capture->pin, KSSTATE_STOP))
		return -1;
	return CloseHandle(capture->pin) && CloseHandle(capture->filter) ? 0 : fail("close");
}

int main(int argc, char **argv)
{
	static struct capture capture;
	struct output output;
	int ret;

	if (output_open(&output, argc, argv))
		return EXIT_FAILURE;
	ret = open_camera(&capture, output.part) || check_pin(&capture) ||
	      use_range(capture.filter, &capture.request) || start(&capture);
	while (!ret && !output_is_done(&output))
		ret = next_read(&capture, &output);
	if (!ret)
		ret = stop(&capture);
	return output_close(&output, ret);
}
