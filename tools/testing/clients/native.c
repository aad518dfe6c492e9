// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the manner of a bench of capture drivers, which avoids the Win32 functions, in C.
 *
 * Calls ntdll.dll in the places of CreateFile() and DeviceIoControl(), and finds KsCreatePin() by
 * its name. The framing tells how many headers a read has. Reads are queued before the pin runs.
 */
#include "capture.h"

#include <cfgmgr32.h>
#include <winternl.h>

#define READS 2
#define MOST_HEADERS 8
#define MOST_CHARS 512

typedef DWORD WINAPI create_pin(HANDLE filter, PKSPIN_CONNECT connect, ACCESS_MASK access,
				PHANDLE pin);

struct read {
	IO_STATUS_BLOCK status;
	HANDLE event;
	struct picture pictures[MOST_HEADERS];
};

struct native {
	HANDLE filter;
	HANDLE pin;
	struct pin_request request;
	ULONG count;
	struct read reads[READS];
};

static int check(NTSTATUS status, const char *what)
{
	if (NT_SUCCESS(status))
		return 0;
	fprintf(stderr, "%s: status %08lx\n", what, (unsigned long)status);
	return -1;
}

static int open_path(struct native *native, const char *path)
{
	WCHAR wide[MOST_CHARS];
	OBJECT_ATTRIBUTES attributes;
	IO_STATUS_BLOCK status;
	UNICODE_STRING name;
	size_t i;

	for (i = 0; i < MOST_CHARS - 1 && path[i]; i++)
		wide[i] = (WCHAR)(unsigned char)path[i];
	wide[i] = 0;
	/* Native paths begin with \??\ */
	wide[1] = '?';
	RtlInitUnicodeString(&name, wide);
	InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
	return check(NtOpenFile(&native->filter, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE,
				&attributes, &status, FILE_SHARE_READ | FILE_SHARE_WRITE, 0),
		     "NtOpenFile");
}

static int open_camera(struct native *native, const char *part)
{
	GUID category = KSCATEGORY_CAPTURE;
	char *paths, *path;
	ULONG size = 0;
	int ret = -1;

	if (CM_Get_Device_Interface_List_SizeA(&size, &category, NULL, 0) != CR_SUCCESS)
		return fail("size of the list");
	paths = malloc(size);
	if (!paths ||
	    CM_Get_Device_Interface_ListA(&category, NULL, paths, size, 0) != CR_SUCCESS) {
		free(paths);
		return fail("list");
	}
	for (path = paths; *path; path += strlen(path) + 1) {
		if (strstr(path, part)) {
			ret = open_path(native, path);
			break;
		}
	}
	free(paths);
	return ret;
}

static int create(struct native *native)
{
	HMODULE library = LoadLibraryA("ksuser.dll");
	KSALLOCATOR_FRAMING framing;
	create_pin *function = NULL;
	DWORD error;

	if (library)
		function = (create_pin *)(void *)GetProcAddress(library, "KsCreatePin");
	if (!function)
		return fail("ksuser.dll");
	error = function(native->filter, &native->request.connect, GENERIC_READ, &native->pin);
	SetLastError(error);
	if (error)
		return fail("KsCreatePin");
	FreeLibrary(library);
	if (property(native->pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_ALLOCATORFRAMING,
		     KSPROPERTY_TYPE_GET, &framing, sizeof(framing)) < 0)
		return fail("framing");
	native->count = framing.Frames < MOST_HEADERS ? framing.Frames : MOST_HEADERS;
	if (native->count < 2)
		native->count = 2;
	return 0;
}

static int set_native_state(struct native *native, KSSTATE state)
{
	IO_STATUS_BLOCK status;
	KSPROPERTY head;

	memset(&head, 0, sizeof(head));
	head.Set = KSPROPSETID_Connection;
	head.Id = KSPROPERTY_CONNECTION_STATE;
	head.Flags = KSPROPERTY_TYPE_SET;
	return check(NtDeviceIoControlFile(native->pin, NULL, NULL, NULL, &status,
					   IOCTL_KS_PROPERTY, &head, sizeof(head), &state,
					   sizeof(state)), "state");
}

static int begin_read(struct native *native, struct read *read)
{
	ULONG bytes = native->request.format.VideoInfoHeader.bmiHeader.biSizeImage, i;
	NTSTATUS result;

	for (i = 0; i < native->count; i++) {
		prepare(&read->pictures[i], bytes);
		if (!read->pictures[i].header.Data)
			read->pictures[i].header.Data = malloc(bytes);
	}
	result = NtDeviceIoControlFile(native->pin, read->event, NULL, NULL, &read->status,
				       IOCTL_KS_READ_STREAM, NULL, 0, read->pictures,
				       native->count * (ULONG)sizeof(read->pictures[0]));
	return check(result, "read");
}

/* As a read that is pending, one that has completed has set its event */
static int end_read(struct native *native, struct read *read, struct output *output)
{
	ULONG i;

	if (WaitForSingleObject(read->event, PATIENCE_MS) != WAIT_OBJECT_0)
		return fail("wait");
	if (check(read->status.Status, "end of a read"))
		return -1;
	for (i = 0; i < native->count && !output_is_done(output); i++)
		if (output_add(output, &read->pictures[i]))
			return -1;
	return 0;
}

static int start(struct native *native)
{
	int i;

	if (set_native_state(native, KSSTATE_ACQUIRE) || set_native_state(native, KSSTATE_PAUSE))
		return -1;
	for (i = 0; i < READS; i++) {
		native->reads[i].event = CreateEventA(NULL, FALSE, FALSE, NULL);
		if (!native->reads[i].event)
			return fail("event");
		if (begin_read(native, &native->reads[i]))
			return -1;
	}
	return set_native_state(native, KSSTATE_RUN);
}

static int next_read(struct native *native, struct output *output)
{
	static int next;
	struct read *read = &native->reads[next];

	next = (next + 1) % READS;
	return end_read(native, read, output) || begin_read(native, read);
}

/* STOP ends the reads that are pending */
static int stop(struct native *native)
{
	ULONG i, j;

	if (set_native_state(native, KSSTATE_STOP))
		return -1;
	for (i = 0; i < READS; i++) {
		if (WaitForSingleObject(native->reads[i].event, PATIENCE_MS) != WAIT_OBJECT_0)
			return fail("cancelled read");
		for (j = 0; j < native->count; j++)
			free(native->reads[i].pictures[j].header.Data);
		CloseHandle(native->reads[i].event);
	}
	return check(NtClose(native->pin), "close") || check(NtClose(native->filter), "close");
}

int main(int argc, char **argv)
{
	static struct native native;
	struct output output;
	int ret;

	if (output_open(&output, argc, argv))
		return EXIT_FAILURE;
	ret = open_camera(&native, output.part) || use_range(native.filter, &native.request) ||
	      create(&native) || start(&native);
	while (!ret && !output_is_done(&output))
		ret = next_read(&native, &output);
	if (!ret)
		ret = stop(&native);
	return output_close(&output, ret);
}
