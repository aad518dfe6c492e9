// SPDX-License-Identifier: GPL-2.0-only
/*
 * A capture client of Kernel Streaming, as it would be written for Windows: it opens a
 * filter, chooses a format, creates a pin and an allocator, keeps several reads pending,
 * checks the frames in order, and writes the last one to a file.
 *
 * This file is compiled for Windows with the headers of Windows, and for Linux with the
 * headers of libkswin. It does not test for either system.
 *
 *	ks-client FILTER [FRAMES [FILE]]
 *
 * FILTER is the path of the interface of a capture filter, or of a V4L2 node.
 */
#include <windows.h>
#include <winioctl.h>
#include <ks.h>
#include <ksmedia.h>
#include <ksproxy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * ksproxy.h declares this function, but mingw-w64 does so only for C++ with the classes of
 * DirectShow
 */
HRESULT WINAPI KsSynchronousDeviceControl(HANDLE Handle, ULONG IoControl, PVOID InBuffer,
					  ULONG InLength, PVOID OutBuffer, ULONG OutLength,
					  PULONG BytesReturned);

#define READS 4
#define TIMEOUT_MS 60000

struct read {
	KSSTREAM_HEADER header;
	OVERLAPPED overlapped;
	HANDLE event;
	BOOL pending;
};

struct client {
	HANDLE filter;
	HANDLE pin;
	HANDLE allocator;
	HANDLE free_event;
	KSEVENTDATA free_data;
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	KSALLOCATOR_FRAMING framing;
	struct read reads[READS];
	ULONG frames_read;
	ULONG frames_changed;
	ULONG frames_in_order;
	ULONG last_sum;
	LONGLONG last_time;
};

static int fail(const char *what, unsigned long error)
{
	fprintf(stderr, "ks-client: %s: error %lu\n", what, error);
	return -1;
}

static int check(const char *what, HRESULT result)
{
	return FAILED(result) ? fail(what, (unsigned long)HRESULT_CODE(result)) : 0;
}

/* Properties */

static HRESULT property(HANDLE object, const GUID *set, ULONG id, ULONG flags, PVOID data,
			ULONG size, ULONG *returned)
{
	KSPROPERTY request;
	ULONG unused;

	memset(&request, 0, sizeof(request));
	request.Set = *set;
	request.Id = id;
	request.Flags = flags;
	return KsSynchronousDeviceControl(object, IOCTL_KS_PROPERTY, &request, sizeof(request),
					  data, size, returned ? returned : &unused);
}

static HRESULT pin_property(HANDLE filter, ULONG id, PVOID data, ULONG size, ULONG *returned)
{
	KSP_PIN request;

	memset(&request, 0, sizeof(request));
	request.Property.Set = KSPROPSETID_Pin;
	request.Property.Id = id;
	request.Property.Flags = KSPROPERTY_TYPE_GET;
	return KsSynchronousDeviceControl(filter, IOCTL_KS_PROPERTY, &request, sizeof(request),
					  data, size, returned);
}

static int set_state(struct client *client, KSSTATE state)
{
	return check("state", property(client->pin, &KSPROPSETID_Connection,
				       KSPROPERTY_CONNECTION_STATE, KSPROPERTY_TYPE_SET, &state,
				       sizeof(state), NULL));
}

/* The filter, and the pin with its first format */

static int open_filter(struct client *client, const char *path)
{
	client->filter = CreateFileA(path, GENERIC_READ | GENERIC_WRITE,
				     FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
				     FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OVERLAPPED, NULL);
	return client->filter == INVALID_HANDLE_VALUE ? fail(path, GetLastError()) : 0;
}

static int use_first_video_range(struct client *client, const KSMULTIPLE_ITEM *list)
{
	const KSDATARANGE *range = (const KSDATARANGE *)(list + 1);
	const KS_DATARANGE_VIDEO *video;
	ULONG i;

	for (i = 0; i < list->Count; i++) {
		video = (const KS_DATARANGE_VIDEO *)range;
		if (range->FormatSize >= sizeof(*video) &&
		    !memcmp(&range->Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO, sizeof(GUID))) {
			client->format.DataFormat = *range;
			client->format.DataFormat.FormatSize = sizeof(client->format);
			client->format.VideoInfoHeader = video->VideoInfoHeader;
			return 0;
		}
		/* Each range begins at a multiple of eight bytes */
		range = (const KSDATARANGE *)((const char *)range +
					      ((range->FormatSize + 7) & ~7u));
	}
	return fail("no video format", ERROR_NO_MATCH);
}

static int choose_format(struct client *client)
{
	KSPIN_DATAFLOW flow;
	KSMULTIPLE_ITEM *list;
	ULONG size = 0;
	HRESULT result;
	int ret;

	if (check("data flow", pin_property(client->filter, KSPROPERTY_PIN_DATAFLOW, &flow,
					    sizeof(flow), &size)))
		return -1;
	if (flow != KSPIN_DATAFLOW_OUT)
		return fail("pin 0 does not capture", ERROR_NOT_SUPPORTED);

	size = 0;
	result = pin_property(client->filter, KSPROPERTY_PIN_DATARANGES, NULL, 0, &size);
	if (result != HRESULT_FROM_WIN32(ERROR_MORE_DATA))
		return check("size of data ranges", FAILED(result) ? result : -1);
	list = calloc(1, size);
	if (!list)
		return fail("memory", ERROR_NOT_ENOUGH_MEMORY);
	ret = check("data ranges", pin_property(client->filter, KSPROPERTY_PIN_DATARANGES, list,
						size, &size));
	if (!ret)
		ret = use_first_video_range(client, list);
	free(list);
	return ret;
}

static int create_pin(struct client *client)
{
	struct {
		KSPIN_CONNECT connect;
		KS_DATAFORMAT_VIDEOINFOHEADER format;
	} request;
	DWORD error;

	memset(&request, 0, sizeof(request));
	request.connect.Interface.Set = KSINTERFACESETID_Standard;
	request.connect.Interface.Id = KSINTERFACE_STANDARD_STREAMING;
	request.connect.Medium.Set = KSMEDIUMSETID_Standard;
	request.connect.Medium.Id = KSMEDIUM_STANDARD_DEVIO;
	request.connect.Priority.PriorityClass = KSPRIORITY_NORMAL;
	request.connect.Priority.PrioritySubClass = KSPRIORITY_NORMAL;
	request.format = client->format;
	error = KsCreatePin(client->filter, &request.connect, GENERIC_READ, &client->pin);
	return error ? fail("KsCreatePin", error) : 0;
}

/* The allocator */

static void print_extended_framing(struct client *client)
{
	KSALLOCATOR_FRAMING_EX *framing;
	HRESULT result;
	ULONG size = 0, i;

	result = property(client->pin, &KSPROPSETID_Connection,
			  KSPROPERTY_CONNECTION_ALLOCATORFRAMING_EX, KSPROPERTY_TYPE_GET, NULL, 0,
			  &size);
	if (result != HRESULT_FROM_WIN32(ERROR_MORE_DATA))
		return;
	framing = calloc(1, size);
	if (!framing)
		return;
	result = property(client->pin, &KSPROPSETID_Connection,
			  KSPROPERTY_CONNECTION_ALLOCATORFRAMING_EX, KSPROPERTY_TYPE_GET, framing,
			  size, &size);
	for (i = 0; !FAILED(result) && i < framing->CountItems; i++) {
		const KS_FRAMING_ITEM *item = &framing->FramingItem[i];

		printf("item %lu: memory %08lx, flags %#lx, %lu frames of %lu to %lu bytes\n",
		       (unsigned long)i, (unsigned long)item->MemoryType.Data1,
		       (unsigned long)item->Flags, (unsigned long)item->Frames,
		       (unsigned long)item->PhysicalRange.MinFrameSize,
		       (unsigned long)item->PhysicalRange.MaxFrameSize);
	}
	free(framing);
}

static int create_allocator(struct client *client)
{
	KSALLOCATOR_FRAMING *framing = &client->framing;
	DWORD error;

	if (check("framing", property(client->pin, &KSPROPSETID_Connection,
				      KSPROPERTY_CONNECTION_ALLOCATORFRAMING,
				      KSPROPERTY_TYPE_GET, framing, sizeof(*framing), NULL)))
		return -1;
	printf("framing: %lu frames of %lu bytes, alignment %lu\n",
	       (unsigned long)framing->Frames, (unsigned long)framing->FrameSize,
	       (unsigned long)framing->FileAlignment + 1);
	print_extended_framing(client);

	/* OptionsFlags is in a union with RequirementsFlags, so write it after that is read */
	if (framing->RequirementsFlags & KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE)
		framing->OptionsFlags = 0;
	else
		framing->OptionsFlags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	if (framing->Frames < READS)
		framing->Frames = READS;
	error = KsCreateAllocator(client->pin, framing, &client->allocator);
	if (error)
		return fail("KsCreateAllocator", error);
	return check("allocator", property(client->pin, &KSPROPSETID_Stream,
					   KSPROPERTY_STREAM_ALLOCATOR, KSPROPERTY_TYPE_SET,
					   &client->allocator, sizeof(client->allocator), NULL));
}

static int enable_free_event(struct client *client)
{
	KSEVENT request;
	ULONG returned;

	client->free_event = CreateEventA(NULL, TRUE, FALSE, NULL);
	if (!client->free_event)
		return fail("CreateEvent", GetLastError());
	memset(&request, 0, sizeof(request));
	request.Set = KSEVENTSETID_StreamAllocator;
	request.Id = KSEVENT_STREAMALLOCATOR_FREEFRAME;
	request.Flags = KSEVENT_TYPE_ENABLE;
	client->free_data.NotificationType = KSEVENTF_EVENT_HANDLE;
	client->free_data.EventHandle.Event = client->free_event;
	return check("enable event",
		     KsSynchronousDeviceControl(client->allocator, IOCTL_KS_ENABLE_EVENT, &request,
						sizeof(request), &client->free_data,
						sizeof(client->free_data), &returned));
}

static int disable_free_event(struct client *client)
{
	ULONG returned;

	return check("disable event",
		     KsSynchronousDeviceControl(client->allocator, IOCTL_KS_DISABLE_EVENT,
						&client->free_data, sizeof(client->free_data),
						NULL, 0, &returned));
}

static int allocator_method(struct client *client, ULONG id, ULONG flags, PVOID *frame)
{
	KSMETHOD request;
	ULONG returned;

	memset(&request, 0, sizeof(request));
	request.Set = KSMETHODSETID_StreamAllocator;
	request.Id = id;
	request.Flags = flags;
	return check(id == KSMETHOD_STREAMALLOCATOR_ALLOC ? "alloc" : "free",
		     KsSynchronousDeviceControl(client->allocator, IOCTL_KS_METHOD, &request,
						sizeof(request), frame, sizeof(*frame),
						&returned));
}

/* The stream */

static int begin_read(struct client *client, struct read *read)
{
	PVOID frame = read->header.Data;
	DWORD error;

	memset(&read->header, 0, sizeof(read->header));
	read->header.Size = sizeof(read->header);
	read->header.Data = frame;
	read->header.FrameExtent = client->framing.FrameSize;
	memset(&read->overlapped, 0, sizeof(read->overlapped));
	read->overlapped.hEvent = read->event;
	read->pending = TRUE;
	if (DeviceIoControl(client->pin, IOCTL_KS_READ_STREAM, NULL, 0, &read->header,
			    sizeof(read->header), NULL, &read->overlapped))
		return 0;
	error = GetLastError();
	if (error == ERROR_IO_PENDING)
		return 0;
	read->pending = FALSE;
	return fail("read stream", error);
}

static int prepare_reads(struct client *client)
{
	int i;

	for (i = 0; i < READS; i++) {
		struct read *read = &client->reads[i];

		read->event = CreateEventA(NULL, TRUE, FALSE, NULL);
		if (!read->event)
			return fail("CreateEvent", GetLastError());
		if (allocator_method(client, KSMETHOD_STREAMALLOCATOR_ALLOC, KSMETHOD_TYPE_WRITE,
				     &read->header.Data))
			return -1;
	}
	return 0;
}

static ULONG sum_of(const KSSTREAM_HEADER *header)
{
	const unsigned char *data = header->Data;
	ULONG sum = 0;
	ULONG i;

	for (i = 0; i < header->DataUsed; i++)
		sum = sum * 31 + data[i];
	return sum;
}

static void look_at(struct client *client, const KSSTREAM_HEADER *header)
{
	ULONG sum = sum_of(header);

	if (!client->frames_read || sum != client->last_sum)
		client->frames_changed++;
	client->last_sum = sum;
	if (!client->frames_read || header->PresentationTime.Time > client->last_time)
		client->frames_in_order++;
	client->last_time = header->PresentationTime.Time;
	client->frames_read++;
	printf("frame %lu: %lu bytes, at %lld, options %#lx\n",
	       (unsigned long)client->frames_read, (unsigned long)header->DataUsed,
	       (long long)header->PresentationTime.Time, (unsigned long)header->OptionsFlags);
}

static int write_frame(const char *path, const KSSTREAM_HEADER *header)
{
	FILE *file = fopen(path, "wb");
	size_t written;

	if (!file)
		return fail(path, ERROR_FILE_NOT_FOUND);
	written = fwrite(header->Data, 1, header->DataUsed, file);
	if (fclose(file) || written != header->DataUsed)
		return fail(path, ERROR_IO_DEVICE);
	return 0;
}

/*
 * Waits for the oldest read, not for any read: reads complete in the order in which they
 * began. If several have completed, the first one that a wait finds need not be the oldest.
 */
static int end_read(struct client *client, struct read *read)
{
	DWORD result = WaitForSingleObject(read->event, TIMEOUT_MS);
	DWORD bytes;

	if (result != WAIT_OBJECT_0)
		return fail("wait", result == WAIT_TIMEOUT ? result : GetLastError());
	read->pending = FALSE;
	if (!GetOverlappedResult(client->pin, &read->overlapped, &bytes, FALSE))
		return fail("read", GetLastError());
	return 0;
}

static int capture(struct client *client, ULONG frames, const char *path)
{
	struct read *read;
	int i;

	for (i = 0; i < READS; i++)
		if (begin_read(client, &client->reads[i]))
			return -1;
	if (set_state(client, KSSTATE_RUN))
		return -1;
	for (i = 0;; i = (i + 1) % READS) {
		read = &client->reads[i];
		if (end_read(client, read))
			return -1;
		look_at(client, &read->header);
		if (client->frames_read == frames)
			return path ? write_frame(path, &read->header) : 0;
		if (begin_read(client, read))
			return -1;
	}
}

/* Pending reads end as cancelled when the pin goes below PAUSE. */
static int stop(struct client *client)
{
	int i, ret = set_state(client, KSSTATE_STOP);
	DWORD bytes, error;

	for (i = 0; i < READS; i++) {
		struct read *read = &client->reads[i];

		if (!read->pending)
			continue;
		error = GetOverlappedResult(client->pin, &read->overlapped, &bytes, TRUE) ?
			ERROR_SUCCESS : GetLastError();
		read->pending = FALSE;
		if (error && error != ERROR_OPERATION_ABORTED)
			ret = fail("cancelled read", error);
	}
	return ret;
}

static int free_frames(struct client *client)
{
	int i, ret = 0;

	for (i = 0; i < READS; i++)
		if (client->reads[i].header.Data &&
		    allocator_method(client, KSMETHOD_STREAMALLOCATOR_FREE, KSMETHOD_TYPE_READ,
				     &client->reads[i].header.Data))
			ret = -1;
	return ret;
}

static int stream(struct client *client, ULONG frames, const char *path)
{
	int ret;

	if (prepare_reads(client) || set_state(client, KSSTATE_ACQUIRE) ||
	    set_state(client, KSSTATE_PAUSE))
		return -1;
	ret = capture(client, frames, path);
	if (stop(client))
		ret = -1;
	if (enable_free_event(client))
		return -1;
	if (free_frames(client))
		ret = -1;
	if (WaitForSingleObject(client->free_event, 0) != WAIT_OBJECT_0)
		ret = fail("free-frame event", WAIT_TIMEOUT);
	if (disable_free_event(client))
		ret = -1;
	return ret;
}

static void close_handle(HANDLE handle)
{
	if (handle && handle != INVALID_HANDLE_VALUE)
		CloseHandle(handle);
}

static void close_all(struct client *client)
{
	int i;

	close_handle(client->pin);
	close_handle(client->allocator);
	for (i = 0; i < READS; i++)
		close_handle(client->reads[i].event);
	close_handle(client->free_event);
	close_handle(client->filter);
}

int main(int argc, char **argv)
{
	static struct client client;
	ULONG frames = argc > 2 ? (ULONG)strtoul(argv[2], NULL, 0) : 10;
	const char *path = argc > 3 ? argv[3] : NULL;
	int ret = -1;

	if (argc < 2 || !frames) {
		fprintf(stderr, "usage: ks-client FILTER [FRAMES [FILE]]\n");
		return 2;
	}
	if (!open_filter(&client, argv[1]) && !choose_format(&client) && !create_pin(&client) &&
	    !create_allocator(&client))
		ret = stream(&client, frames, path);
	close_all(&client);
	if (ret)
		return 1;
	printf("%lu frames, %lu changed, %lu in order, %ld x %ld\n",
	       (unsigned long)client.frames_read, (unsigned long)client.frames_changed,
	       (unsigned long)client.frames_in_order,
	       (long)client.format.VideoInfoHeader.bmiHeader.biWidth,
	       (long)client.format.VideoInfoHeader.bmiHeader.biHeight);
	return 0;
}
