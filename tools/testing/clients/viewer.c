// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the manner of a small webcam viewer with a window and one thread, in C.
 *
 * A thread reads one picture after the other, and waits in each read. The main thread changes from
 * STOP to RUN at once, and breaks the last read off.
 */
#include "capture.h"

#include <setupapi.h>

struct viewer {
	HANDLE filter;
	HANDLE pin;
	struct pin_request request;
	struct output output;
	HANDLE enough;
	/* Why the thread has ended */
	DWORD error;
};

static int open_camera(struct viewer *viewer)
{
	GUID category = KSCATEGORY_VIDEO;
	union {
		SP_DEVICE_INTERFACE_DETAIL_DATA_A detail;
		char room[1024];
	} both;
	SP_DEVICE_INTERFACE_DATA device;
	HDEVINFO devices;
	DWORD i;

	viewer->filter = INVALID_HANDLE_VALUE;
	devices = SetupDiGetClassDevsA(&category, NULL, NULL,
				       DIGCF_DEVICEINTERFACE | DIGCF_PRESENT);
	memset(&device, 0, sizeof(device));
	device.cbSize = sizeof(device);
	for (i = 0; SetupDiEnumDeviceInterfaces(devices, NULL, &category, i, &device); i++) {
		both.detail.cbSize = sizeof(both.detail);
		if (!SetupDiGetDeviceInterfaceDetailA(devices, &device, &both.detail, sizeof(both),
						      NULL, NULL) ||
		    !strstr(both.detail.DevicePath, viewer->output.part))
			continue;
		viewer->filter = CreateFileA(both.detail.DevicePath, GENERIC_READ | GENERIC_WRITE,
					     0, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
		break;
	}
	SetupDiDestroyDeviceInfoList(devices);
	return viewer->filter == INVALID_HANDLE_VALUE ? fail("camera") : 0;
}

/* The buffer is larger than a picture */
static DWORD WINAPI read_pictures(LPVOID arg)
{
	struct viewer *viewer = arg;
	ULONG extent = viewer->request.format.VideoInfoHeader.bmiHeader.biSizeImage + 1024;
	struct picture picture;
	DWORD bytes;

	picture.header.Data = malloc(extent);
	while (picture.header.Data) {
		prepare(&picture, extent);
		if (!DeviceIoControl(viewer->pin, IOCTL_KS_READ_STREAM, NULL, 0, &picture,
				     sizeof(picture), &bytes, NULL)) {
			viewer->error = GetLastError();
			break;
		}
		/* It reads on until it is cancelled */
		if (!output_is_done(&viewer->output) && output_add(&viewer->output, &picture))
			break;
		if (output_is_done(&viewer->output))
			SetEvent(viewer->enough);
	}
	free(picture.header.Data);
	SetEvent(viewer->enough);
	return 0;
}

/* The thread can be between two reads. Then the next try finds it in a read */
static int end_thread(struct viewer *viewer, HANDLE thread)
{
	DWORD result;

	do {
		if (!CancelSynchronousIo(thread) && GetLastError() != ERROR_NOT_FOUND)
			return fail("cancel");
		result = WaitForSingleObject(thread, 10);
	} while (result == WAIT_TIMEOUT);
	CloseHandle(thread);
	SetLastError(viewer->error);
	return result != WAIT_OBJECT_0 || viewer->error != ERROR_OPERATION_ABORTED ?
	       fail("thread") : 0;
}

static int run(struct viewer *viewer)
{
	HANDLE thread;
	DWORD error;

	error = KsCreatePin(viewer->filter, &viewer->request.connect, GENERIC_READ | GENERIC_WRITE,
			    &viewer->pin);
	SetLastError(error);
	if (error)
		return fail("pin");
	if (set_state(viewer->pin, KSSTATE_RUN))
		return -1;
	viewer->enough = CreateEventA(NULL, FALSE, FALSE, NULL);
	thread = CreateThread(NULL, 0, read_pictures, viewer, 0, NULL);
	if (!thread)
		return fail("thread");
	if (WaitForSingleObject(viewer->enough, PATIENCE_MS) != WAIT_OBJECT_0)
		return fail("pictures");
	if (end_thread(viewer, thread))
		return -1;
	CloseHandle(viewer->enough);
	if (set_state(viewer->pin, KSSTATE_STOP))
		return -1;
	return CloseHandle(viewer->pin) && CloseHandle(viewer->filter) ? 0 : fail("close");
}

int main(int argc, char **argv)
{
	static struct viewer viewer;
	int ret;

	if (output_open(&viewer.output, argc, argv))
		return EXIT_FAILURE;
	ret = open_camera(&viewer) || use_range(viewer.filter, &viewer.request) || run(&viewer);
	return output_close(&viewer.output, ret);
}
