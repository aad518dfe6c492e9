/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A camera with the names of Windows: a filter, a pin and an allocator, and calls on them.
 */
#ifndef SELFTESTS_CLIENT_H
#define SELFTESTS_CLIENT_H

#include <stdlib.h>
#include <unistd.h>

#include "filter.h"

#define READS 4

static inline HRESULT set_pin_state(HANDLE pin, KSSTATE state)
{
	return property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_STATE,
			KSPROPERTY_TYPE_SET, &state, sizeof(state), NULL);
}

static inline HRESULT method(HANDLE allocator, ULONG id, void **frame)
{
	KSMETHOD request = { .Set = KSMETHODSETID_StreamAllocator, .Id = id };
	ULONG returned;

	return KsSynchronousDeviceControl(allocator, IOCTL_KS_METHOD, &request, sizeof(request),
					  frame, sizeof(*frame), &returned);
}

static inline HRESULT take(HANDLE allocator, void **frame)
{
	return method(allocator, KSMETHOD_STREAMALLOCATOR_ALLOC, frame);
}

static inline HRESULT give(HANDLE allocator, void *frame)
{
	return method(allocator, KSMETHOD_STREAMALLOCATOR_FREE, &frame);
}

/* DeviceIoControl() with an OVERLAPPED; returns the last error, or 0. */
static inline DWORD take_later(HANDLE allocator, KSMETHOD *request, void **frame,
			       OVERLAPPED *overlapped)
{
	*request = (KSMETHOD) {
		.Set = KSMETHODSETID_StreamAllocator,
		.Id = KSMETHOD_STREAMALLOCATOR_ALLOC,
	};
	*overlapped = (OVERLAPPED) { .hEvent = overlapped->hEvent };
	return DeviceIoControl(allocator, IOCTL_KS_METHOD, request, sizeof(*request), frame,
			       sizeof(*frame), NULL, overlapped) ? 0 : GetLastError();
}

struct pin_request {
	KSPIN_CONNECT connect;
	KS_DATAFORMAT_VIDEOINFOHEADER format;
};

static inline struct pin_request usual_pin(HANDLE filter)
{
	struct pin_request request = {
		.connect = {
			.Interface = { .Set = KSINTERFACESETID_Standard },
			.Medium = { .Set = KSMEDIUMSETID_Standard },
		},
	};
	KSMULTIPLE_ITEM *list;
	KS_DATARANGE_VIDEO *range;
	ULONG size = 0;

	ASSERT_EQ(HRESULT_FROM_WIN32(ERROR_MORE_DATA),
		  property(filter, &KSPROPSETID_Pin, KSPROPERTY_PIN_DATARANGES,
			   KSPROPERTY_TYPE_GET, NULL, 0, &size));
	list = malloc(size);
	ASSERT_EQ(S_OK, property(filter, &KSPROPSETID_Pin, KSPROPERTY_PIN_DATARANGES,
				 KSPROPERTY_TYPE_GET, list, size, &size));
	ASSERT_LT(0, list->Count);
	ASSERT_EQ(size, list->Size);
	range = (void *)(list + 1);
	request.format.DataFormat = range->DataRange;
	request.format.DataFormat.FormatSize = sizeof(request.format);
	request.format.VideoInfoHeader = range->VideoInfoHeader;
	free(list);
	return request;
}

FIXTURE(client) {
	HANDLE filter, pin, allocator;
	KSALLOCATOR_FRAMING framing;
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	struct footprint before;
};

FIXTURE_SETUP(client)
{
	struct pin_request request;
	int video;

	repair_machine();
	/* The camera's usual input and rate; the format is chosen below. */
	video = open_camera(0);
	ASSERT_EQ(0, set_format(video, 320, 180));
	close(video);
	footprint_take(&self->before);

	self->filter = CreateFileA(node_path("vivid-000-vid-cap"), GENERIC_READ, 0, NULL,
				   OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
	ASSERT_TRUE(self->filter != INVALID_HANDLE_VALUE);
	request = usual_pin(self->filter);
	self->format = request.format;
	ASSERT_EQ(ERROR_SUCCESS, KsCreatePin(self->filter, &request.connect, GENERIC_READ,
					     &self->pin));
	ASSERT_EQ(S_OK, property(self->pin, &KSPROPSETID_Connection,
				 KSPROPERTY_CONNECTION_ALLOCATORFRAMING, KSPROPERTY_TYPE_GET,
				 &self->framing, sizeof(self->framing), NULL));
	self->framing.OptionsFlags = usual_memory();
	self->framing.Frames = READS;
	ASSERT_EQ(ERROR_SUCCESS, KsCreateAllocator(self->pin, &self->framing,
						   &self->allocator));
}

FIXTURE_TEARDOWN(client)
{
	if (self->pin)
		EXPECT_TRUE(CloseHandle(self->pin));
	if (self->allocator)
		EXPECT_TRUE(CloseHandle(self->allocator));
	if (self->filter)
		EXPECT_TRUE(CloseHandle(self->filter));
	EXPECT_FOOTPRINT(&self->before);
}

/* Static, because reads that a test leaves pending end in its teardown. */
struct read {
	KSSTREAM_HEADER header;
	OVERLAPPED overlapped;
};

/* Returns the last error, or 0. */
static inline DWORD begin_read(HANDLE pin, struct read *read, void *frame, ULONG extent)
{
	read->header = (KSSTREAM_HEADER) {
		.Size = sizeof(read->header),
		.Data = frame,
		.FrameExtent = extent,
	};
	read->overlapped = (OVERLAPPED) { .hEvent = read->overlapped.hEvent };
	return DeviceIoControl(pin, IOCTL_KS_READ_STREAM, NULL, 0, &read->header,
			       sizeof(read->header), NULL, &read->overlapped) ?
		0 : GetLastError();
}

static inline DWORD end_read(HANDLE pin, struct read *read, BOOL wait)
{
	DWORD bytes;

	return GetOverlappedResult(pin, &read->overlapped, &bytes, wait) ? 0 : GetLastError();
}

static inline void take_each(HANDLE allocator, void **frames)
{
	int i;

	for (i = 0; i < READS; i++) {
		ASSERT_EQ(S_OK, take(allocator, &frames[i]));
		ASSERT_TRUE(frames[i]);
	}
}

static inline ULONG frames_allocated(HANDLE allocator)
{
	KSSTREAMALLOCATOR_STATUS status = { .AllocatedFrames = ~0u };

	EXPECT_EQ(S_OK, property(allocator, &KSPROPSETID_StreamAllocator,
				 KSPROPERTY_STREAMALLOCATOR_STATUS, KSPROPERTY_TYPE_GET, &status,
				 sizeof(status), NULL));
	return status.AllocatedFrames;
}

#endif
