// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract J2: user-mode clients of Kernel Streaming, written against Windows'
 * names, by libkswin on a real camera. What libkswin does is the subject here; the
 * sample client of samples/ks-client is run as it is.
 */
#include "ksalloc_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <windows.h>
#include <winioctl.h>
#include <ks.h>
#include <ksmedia.h>
#include <ksproxy.h>

#define READS 4
#define SAMPLE "/tools/bin/ks-client"

static HRESULT property(HANDLE object, const GUID *set, ULONG id, ULONG flags, void *data,
			ULONG size, ULONG *returned)
{
	/* As long as the longest that is used: a pin's number is 0 */
	KSP_PIN request = { .Property = { .Set = *set, .Id = id, .Flags = flags } };
	ULONG unused;

	return KsSynchronousDeviceControl(object, IOCTL_KS_PROPERTY, &request, sizeof(request),
					  data, size, returned ? returned : &unused);
}

static HRESULT set_pin_state(HANDLE pin, KSSTATE state)
{
	return property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_STATE,
			KSPROPERTY_TYPE_SET, &state, sizeof(state), NULL);
}

static HRESULT method(HANDLE allocator, ULONG id, void **frame)
{
	KSMETHOD request = { .Set = KSMETHODSETID_StreamAllocator, .Id = id };
	ULONG returned;

	return KsSynchronousDeviceControl(allocator, IOCTL_KS_METHOD, &request, sizeof(request),
					  frame, sizeof(*frame), &returned);
}

static HRESULT take(HANDLE allocator, void **frame)
{
	return method(allocator, KSMETHOD_STREAMALLOCATOR_ALLOC, frame);
}

static HRESULT give(HANDLE allocator, void *frame)
{
	return method(allocator, KSMETHOD_STREAMALLOCATOR_FREE, &frame);
}

/* DeviceIoControl() with an OVERLAPPED; returns the last error, or 0. */
static DWORD take_later(HANDLE allocator, KSMETHOD *request, void **frame,
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

static struct pin_request usual_pin(HANDLE filter)
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
	self->framing.OptionsFlags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
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

/* Those that a test leaves pending end in its teardown: they are static. */
struct read {
	KSSTREAM_HEADER header;
	OVERLAPPED overlapped;
};

/* Returns the last error, or 0. */
static DWORD begin_read(HANDLE pin, struct read *read, void *frame, ULONG extent)
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

static DWORD end_read(HANDLE pin, struct read *read, BOOL wait)
{
	DWORD bytes;

	return GetOverlappedResult(pin, &read->overlapped, &bytes, wait) ? 0 : GetLastError();
}

static void take_each(HANDLE allocator, void **frames)
{
	int i;

	for (i = 0; i < READS; i++) {
		ASSERT_EQ(S_OK, take(allocator, &frames[i]));
		ASSERT_TRUE(frames[i]);
	}
}

static ULONG frames_allocated(HANDLE allocator)
{
	KSSTREAMALLOCATOR_STATUS status = { .AllocatedFrames = ~0u };

	EXPECT_EQ(S_OK, property(allocator, &KSPROPSETID_StreamAllocator,
				 KSPROPERTY_STREAMALLOCATOR_STATUS, KSPROPERTY_TYPE_GET, &status,
				 sizeof(status), NULL));
	return status.AllocatedFrames;
}

/* Values of vivid's "Horizontal Movement" */
#define STANDS_STILL 3
#define MOVES_RIGHT 5

/*
 * J2: the sample client, which compiles for Windows as it is, captures from a camera:
 * it says that each frame differs from the one before and is later, and leaves a
 * picture.
 *
 * A camera that stands still would not do. Where vivid takes longer over a picture than
 * half a period (4 ms here: one tick of the clock can be enough), it makes the next one
 * at once, and gives it the same sequence number. The two have the same text, too, if
 * they are made in one tick, and there is nothing else in which they could differ: they
 * are equal, for programs that only use V4L2 as well. One that moves goes on by a step
 * for each picture that it makes.
 */
TEST(client_sample)
{
	unsigned int frames = 0, changed = 0, in_order = 0, width = 0, height = 0;
	char command[512], line[256], last[256] = "";
	struct stat file;
	int video, words;
	FILE *output;

	repair_machine();
	video = open_camera(0);
	ASSERT_EQ(0, set_format(video, 320, 180));
	ASSERT_EQ(0, set_control(video, "Horizontal Movement", MOVES_RIGHT));
	snprintf(command, sizeof(command), "%s %s 12 /tmp/frame.raw 2>&1", SAMPLE,
		 node_path("vivid-000-vid-cap"));
	output = popen(command, "r");
	ASSERT_TRUE(output);
	while (fgets(line, sizeof(line), output)) {
		harness_note("%s", line);
		snprintf(last, sizeof(last), "%s", line);
	}
	ASSERT_EQ(0, pclose(output));
	EXPECT_EQ(0, set_control(video, "Horizontal Movement", STANDS_STILL));
	close(video);
	words = sscanf(last, "%u frames, %u changed, %u in order, %u x %u", &frames, &changed,
		       &in_order, &width, &height);
	ASSERT_EQ(5, words);
	EXPECT_EQ(12, frames);
	EXPECT_EQ(12, changed);
	EXPECT_EQ(12, in_order);
	ASSERT_EQ(0, stat("/tmp/frame.raw", &file));
	EXPECT_LE(width * height, file.st_size);
	unlink("/tmp/frame.raw");
}

/* D1, D2, D3, D5, J2: each property says what the same call of the ABI says. */
TEST_F(client, properties)
{
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	KSSTREAMALLOCATOR_STATUS_EX extended;
	KSSTREAMALLOCATOR_STATUS status;
	HANDLE none = self->pin;
	KSSTATE state = 99;
	ULONG number;

	EXPECT_EQ(S_OK, property(self->pin, &KSPROPSETID_Connection,
				 KSPROPERTY_CONNECTION_STATE, KSPROPERTY_TYPE_GET, &state,
				 sizeof(state), NULL));
	EXPECT_EQ(KSSTATE_STOP, state);
	EXPECT_EQ(S_OK, property(self->allocator, &KSPROPSETID_StreamAllocator,
				 KSPROPERTY_STREAMALLOCATOR_STATUS, KSPROPERTY_TYPE_GET, &status,
				 sizeof(status), NULL));
	EXPECT_EQ(0, memcmp(&status.Framing, &self->framing, sizeof(self->framing)));
	EXPECT_EQ(0, status.AllocatedFrames);
	EXPECT_EQ(S_OK, property(self->allocator, &KSPROPSETID_StreamAllocator,
				 KSPROPERTY_STREAMALLOCATOR_STATUS, KSPROPERTY_TYPE_GET,
				 &extended, sizeof(extended), NULL));
	EXPECT_EQ(1, extended.Framing.CountItems);
	EXPECT_EQ(READS, extended.Framing.FramingItem[0].Frames);
	EXPECT_EQ(S_OK, property(self->pin, &KSPROPSETID_Connection,
				 KSPROPERTY_CONNECTION_DATAFORMAT, KSPROPERTY_TYPE_GET, &format,
				 sizeof(format), NULL));
	EXPECT_EQ(0, memcmp(&format.DataFormat, &self->format.DataFormat,
			    sizeof(format.DataFormat)));
	EXPECT_EQ(S_OK, property(self->pin, &KSPROPSETID_Stream, KSPROPERTY_STREAM_ALLOCATOR,
				 KSPROPERTY_TYPE_GET, &none, sizeof(none), NULL));
	EXPECT_TRUE(!none);

	EXPECT_EQ(S_OK, property(self->filter, &KSPROPSETID_Pin, KSPROPERTY_PIN_CTYPES,
				 KSPROPERTY_TYPE_GET, &number, sizeof(number), NULL));
	EXPECT_EQ(1, number);
	EXPECT_EQ(S_OK, property(self->filter, &KSPROPSETID_Pin, KSPROPERTY_PIN_DATAFLOW,
				 KSPROPERTY_TYPE_GET, &number, sizeof(number), NULL));
	EXPECT_EQ(KSPIN_DATAFLOW_OUT, number);
	EXPECT_EQ(S_OK, property(self->pin, &KSPROPSETID_Connection,
				 KSPROPERTY_CONNECTION_STATE, KSPROPERTY_TYPE_BASICSUPPORT,
				 &number, sizeof(number), NULL));
	EXPECT_EQ(KSPROPERTY_TYPE_GET | KSPROPERTY_TYPE_SET, number);
}

/* D4, J2: the extended framing has each item that it counts, in the size it says. */
TEST_F(client, extended_framing)
{
	KSALLOCATOR_FRAMING_EX *framing;
	ULONG size = 0, again = 0, i;

	ASSERT_EQ(HRESULT_FROM_WIN32(ERROR_MORE_DATA),
		  property(self->pin, &KSPROPSETID_Connection,
			   KSPROPERTY_CONNECTION_ALLOCATORFRAMING_EX, KSPROPERTY_TYPE_GET, NULL,
			   0, &size));
	ASSERT_LE(sizeof(*framing), size);
	framing = calloc(1, size);
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INSUFFICIENT_BUFFER),
		  property(self->pin, &KSPROPSETID_Connection,
			   KSPROPERTY_CONNECTION_ALLOCATORFRAMING_EX, KSPROPERTY_TYPE_GET,
			   framing, size - 1, &again));
	ASSERT_EQ(S_OK, property(self->pin, &KSPROPSETID_Connection,
				 KSPROPERTY_CONNECTION_ALLOCATORFRAMING_EX, KSPROPERTY_TYPE_GET,
				 framing, size, &again));
	EXPECT_EQ(size, again);
	EXPECT_EQ(size, FIELD_OFFSET(KSALLOCATOR_FRAMING_EX, FramingItem) +
		  framing->CountItems * sizeof(KS_FRAMING_ITEM));
	for (i = 0; i < framing->CountItems; i++) {
		EXPECT_LT(0, framing->FramingItem[i].Frames);
		EXPECT_GE(self->framing.FrameSize,
			  framing->FramingItem[i].PhysicalRange.MinFrameSize);
		EXPECT_LE(self->framing.FrameSize,
			  framing->FramingItem[i].PhysicalRange.MaxFrameSize);
	}
	free(framing);
}

/* J2: errors have Windows' names, and the call that failed changed nothing. */
TEST_F(client, errors)
{
	struct pin_request request = { .format = self->format };
	OVERLAPPED no_event = { .hEvent = self->pin };
	KSALLOCATOR_FRAMING framing = self->framing;
	HANDLE handle = NULL;
	void *frame = NULL;
	KSMETHOD alloc;
	ULONG number;

	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_HANDLE), set_pin_state((HANDLE)0x1234, 0));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_SET_NOT_FOUND),
		  property(self->pin, &KSPROPSETID_Pin, 0, KSPROPERTY_TYPE_GET, &number, 4, NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_NOT_FOUND),
		  property(self->pin, &KSPROPSETID_Connection, 1234, KSPROPERTY_TYPE_GET, &number,
			   4, NULL));
	/* C6: the function table is not for user mode. */
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_NOT_FOUND),
		  property(self->allocator, &KSPROPSETID_StreamAllocator,
			   KSPROPERTY_STREAMALLOCATOR_FUNCTIONTABLE, KSPROPERTY_TYPE_GET, &number,
			   4, NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INSUFFICIENT_BUFFER),
		  property(self->pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_STATE,
			   KSPROPERTY_TYPE_SET, &number, 3, NULL));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), set_pin_state(self->pin, 7));

	framing.FileAlignment = 2;
	EXPECT_EQ(ERROR_INVALID_PARAMETER, KsCreateAllocator(self->pin, &framing, &handle));
	framing = self->framing;
	framing.Frames = KSALLOC_MAX_FRAMES + 1;
	EXPECT_EQ(ERROR_NO_SYSTEM_RESOURCES, KsCreateAllocator(self->pin, &framing, &handle));
	EXPECT_EQ(ERROR_INVALID_HANDLE, KsCreateAllocator(self->allocator, &framing, &handle));
	EXPECT_TRUE(!handle);

	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), give(self->allocator, &number));
	ASSERT_EQ(S_OK, take(self->allocator, &frame));
	EXPECT_EQ(S_OK, give(self->allocator, frame));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), give(self->allocator, frame));
	EXPECT_EQ(ERROR_INVALID_HANDLE, take_later(self->allocator, &alloc, &frame, &no_event));
	EXPECT_EQ(0, frames_allocated(self->allocator));

	request.connect.Interface.Set = KSINTERFACESETID_Standard;
	request.connect.Medium.Set = KSMEDIUMSETID_Standard;
	/* The filter's file has its connection. */
	EXPECT_EQ(ERROR_BUSY, KsCreatePin(self->filter, &request.connect, GENERIC_READ, &handle));
	request.format.VideoInfoHeader.bmiHeader.biWidth += 3;
	EXPECT_EQ(ERROR_NO_MATCH, KsCreatePin(self->filter, &request.connect, GENERIC_READ,
					      &handle));
	request.connect.PinId = 1;
	EXPECT_EQ(ERROR_INVALID_PARAMETER, KsCreatePin(self->filter, &request.connect,
						       GENERIC_READ, &handle));
	EXPECT_TRUE(!handle);
	EXPECT_TRUE(CreateFileA("/dev/no-such-node", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0,
				NULL) == INVALID_HANDLE_VALUE);
	EXPECT_EQ(ERROR_FILE_NOT_FOUND, GetLastError());
	EXPECT_FALSE(CloseHandle(NULL));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
}

/*
 * B2, B3: ALLOC with an OVERLAPPED and no frame free is pending; two of them are
 * served in order, the second not before the first.
 */
TEST_F(client, pending_alloc)
{
	void *frames[READS] = { 0 }, *first = NULL, *second = NULL;
	HANDLE events[2] = {
		CreateEventA(NULL, TRUE, FALSE, NULL), CreateEventA(NULL, TRUE, FALSE, NULL),
	};
	OVERLAPPED overlapped[2] = { { .hEvent = events[0] }, { .hEvent = events[1] } };
	KSMETHOD requests[2];
	DWORD bytes;

	take_each(self->allocator, frames);
	EXPECT_EQ(ERROR_IO_PENDING, take_later(self->allocator, &requests[0], &first,
					       &overlapped[0]));
	EXPECT_EQ(ERROR_IO_PENDING, take_later(self->allocator, &requests[1], &second,
					       &overlapped[1]));
	EXPECT_EQ(WAIT_TIMEOUT, WaitForMultipleObjects(2, events, FALSE, 50));
	EXPECT_FALSE(HasOverlappedIoCompleted(&overlapped[0]));
	EXPECT_FALSE(GetOverlappedResult(self->allocator, &overlapped[0], &bytes, FALSE));
	EXPECT_EQ(ERROR_IO_INCOMPLETE, GetLastError());

	EXPECT_EQ(S_OK, give(self->allocator, frames[2]));
	EXPECT_EQ(WAIT_OBJECT_0, WaitForMultipleObjects(2, events, FALSE, PATIENCE_MS));
	EXPECT_TRUE(GetOverlappedResult(self->allocator, &overlapped[0], &bytes, TRUE));
	EXPECT_EQ(sizeof(void *), bytes);
	EXPECT_TRUE(first == frames[2]);
	EXPECT_FALSE(HasOverlappedIoCompleted(&overlapped[1]));

	EXPECT_EQ(S_OK, give(self->allocator, frames[0]));
	EXPECT_EQ(WAIT_OBJECT_0, WaitForMultipleObjects(2, events, TRUE, PATIENCE_MS));
	EXPECT_TRUE(second == frames[0]);
	CloseHandle(events[0]);
	CloseHandle(events[1]);
}

/* B4: closing the allocator ends a pending ALLOC as cancelled. */
TEST_F(client, pending_alloc_ends_with_the_handle)
{
	OVERLAPPED overlapped = { 0 };
	void *frames[READS] = { 0 }, *later;
	KSMETHOD request;
	DWORD bytes;

	take_each(self->allocator, frames);
	EXPECT_EQ(ERROR_IO_PENDING, take_later(self->allocator, &request, &later, &overlapped));
	sleep_ms(50);
	EXPECT_TRUE(CloseHandle(self->allocator));
	self->allocator = NULL;
	EXPECT_FALSE(GetOverlappedResult(NULL, &overlapped, &bytes, TRUE));
	EXPECT_EQ(ERROR_OPERATION_ABORTED, GetLastError());
}

/* B4: that it does also where a process has no descriptor left. */
TEST_F(client, closes_without_descriptors)
{
	struct rlimit before = { 0 }, limit;
	OVERLAPPED overlapped = { 0 };
	void *frames[READS] = { 0 }, *later;
	int first, last, fd;
	KSMETHOD request;
	DWORD bytes;

	take_each(self->allocator, frames);
	EXPECT_EQ(ERROR_IO_PENDING, take_later(self->allocator, &request, &later, &overlapped));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	limit = before;
	limit.rlim_cur = 256;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	first = dup(0);
	last = first;
	while ((fd = dup(0)) >= 0)
		last = fd;
	EXPECT_TRUE(CloseHandle(self->allocator));
	self->allocator = NULL;
	close_range(first, last, 0);
	EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	EXPECT_FALSE(GetOverlappedResult(NULL, &overlapped, &bytes, TRUE));
	EXPECT_EQ(ERROR_OPERATION_ABORTED, GetLastError());
}

/* I2, I3: reads end when their frames are filled, in order, each with its header. */
TEST_F(client, reads)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 };
	LONGLONG last = 0;
	int i, which;

	take_each(self->allocator, frames);
	EXPECT_EQ(ERROR_OPERATION_ABORTED, begin_read(self->pin, &reads[0], frames[0], 0));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	EXPECT_EQ(ERROR_INVALID_PARAMETER, begin_read(self->pin, &reads[0], &last, 0));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i],
						       self->framing.FrameSize));
	EXPECT_EQ(ERROR_BUSY, begin_read(self->pin, &(struct read) { 0 }, frames[0], 0));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_BUSY), give(self->allocator, frames[0]));
	EXPECT_EQ(ERROR_IO_INCOMPLETE, end_read(self->pin, &reads[0], FALSE));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	for (i = 0; i < 3 * READS; i++) {
		which = i % READS;
		ASSERT_EQ(0, end_read(self->pin, &reads[which], TRUE));
		EXPECT_TRUE(reads[which].header.Data == frames[which]);
		EXPECT_EQ(self->framing.FrameSize, reads[which].header.DataUsed);
		EXPECT_TRUE(reads[which].header.OptionsFlags &
			    KSSTREAM_HEADER_OPTIONSF_TIMEVALID);
		EXPECT_LT(last, reads[which].header.PresentationTime.Time);
		last = reads[which].header.PresentationTime.Time;
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[which], frames[which],
						       self->framing.FrameSize));
	}
}

/*
 * I4: STOP ends the reads as cancelled. As on Windows the client holds the frames
 * still: nobody gets them from ALLOC, they are read into again, and freed once.
 */
TEST_F(client, cancelled_reads)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 };
	int i;

	take_each(self->allocator, frames);
	ASSERT_EQ(S_OK, give(self->allocator, frames[3]));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i], 0));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_STOP));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(ERROR_OPERATION_ABORTED, end_read(self->pin, &reads[i], FALSE));
	EXPECT_EQ(0, frames_allocated(self->allocator));

	/* The one that is free is the last in the kernel's order, too. */
	ASSERT_EQ(S_OK, take(self->allocator, &frames[0]));
	EXPECT_TRUE(frames[0] == frames[3]);
	frames[0] = reads[0].header.Data;
	EXPECT_EQ(S_OK, give(self->allocator, frames[1]));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), give(self->allocator, frames[1]));

	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[2], frames[2], 0));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[0], frames[0], 0));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[3], frames[3], 0));
	EXPECT_EQ(0, end_read(self->pin, &reads[2], TRUE));
}

/*
 * B3, I4: an ALLOC that waits does not get a frame whose read was cancelled, though the
 * kernel gives it that one at once: the client holds it, and frees it.
 */
TEST_F(client, cancelled_frame_goes_to_no_waiter)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 }, *later = NULL;
	OVERLAPPED overlapped = { 0 };
	KSMETHOD request;
	DWORD bytes;
	int i;

	take_each(self->allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i], 0));
	ASSERT_EQ(ERROR_IO_PENDING, take_later(self->allocator, &request, &later, &overlapped));
	sleep_ms(20);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_STOP));
	for (i = 0; i < READS; i++)
		EXPECT_EQ(ERROR_OPERATION_ABORTED, end_read(self->pin, &reads[i], FALSE));
	/* It waits again once it has got all of them for their holder. */
	EXPECT_TRUE(EVENTUALLY(frames_allocated(self->allocator) == READS));
	sleep_ms(20);
	EXPECT_FALSE(HasOverlappedIoCompleted(&overlapped));
	EXPECT_EQ(S_OK, give(self->allocator, frames[2]));
	EXPECT_TRUE(GetOverlappedResult(self->allocator, &overlapped, &bytes, TRUE));
	EXPECT_TRUE(later == frames[2]);
	for (i = 0; i < READS; i++)
		EXPECT_EQ(S_OK, give(self->allocator, frames[i]));
	EXPECT_EQ(0, frames_allocated(self->allocator));
}

/* Reads into all frames, loses the pin, and sees to whom the frames are given. */
static void lose_pin(HANDLE pin, HANDLE allocator, bool by_closing)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 }, *later = NULL;
	OVERLAPPED overlapped = { 0 };
	HANDLE none = NULL;
	KSMETHOD request;
	DWORD bytes;
	int i;

	take_each(allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(pin, KSSTATE_RUN));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(pin, &reads[i], frames[i], 0));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(0, end_read(pin, &reads[i], TRUE));
	if (by_closing) {
		ASSERT_TRUE(CloseHandle(pin));
	} else {
		ASSERT_EQ(S_OK, set_pin_state(pin, KSSTATE_STOP));
		ASSERT_EQ(S_OK, property(pin, &KSPROPSETID_Stream, KSPROPERTY_STREAM_ALLOCATOR,
					 KSPROPERTY_TYPE_SET, &none, sizeof(none), NULL));
	}
	EXPECT_EQ(ERROR_IO_PENDING, take_later(allocator, &request, &later, &overlapped));
	sleep_ms(50);
	EXPECT_FALSE(HasOverlappedIoCompleted(&overlapped));
	EXPECT_EQ(S_OK, give(allocator, frames[3]));
	EXPECT_TRUE(GetOverlappedResult(allocator, &overlapped, &bytes, TRUE));
	EXPECT_TRUE(later == frames[3]);
	for (i = 0; i < READS; i++) {
		EXPECT_EQ(S_OK, give(allocator, frames[i]));
		EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), give(allocator, frames[i]));
	}
	EXPECT_EQ(0, frames_allocated(allocator));
}

/*
 * B5, J2: frames that were read into are the client's after the pin was closed, each
 * until it is freed: nobody gets it from ALLOC before, and FREE takes it once.
 */
TEST_F(client, frames_survive_their_pin)
{
	lose_pin(self->pin, self->allocator, true);
	self->pin = NULL;
}

/* B5, D5, J2: likewise after the pin was told to use another allocator, or none. */
TEST_F(client, frames_survive_another_allocator)
{
	lose_pin(self->pin, self->allocator, false);
}

/* I4: reads that another holder of the descriptor ended are ended, and only once. */
TEST_F(client, reads_ended_by_another)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 };
	HANDLE none = NULL;
	int turn, i;

	take_each(self->allocator, frames);
	for (turn = 0; turn < 20; turn++) {
		ASSERT_EQ(S_OK, property(self->pin, &KSPROPSETID_Stream,
					 KSPROPERTY_STREAM_ALLOCATOR, KSPROPERTY_TYPE_SET,
					 &self->allocator, sizeof(HANDLE), NULL));
		ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
		for (i = 0; i < READS; i++)
			ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i], 0));
		ASSERT_EQ(0, set_state(LibksDescriptor(self->pin), KSSTATE_STOP));
		/* At once: before the library hears of it, mostly */
		ASSERT_EQ(S_OK, property(self->pin, &KSPROPSETID_Stream,
					 KSPROPERTY_STREAM_ALLOCATOR, KSPROPERTY_TYPE_SET, &none,
					 sizeof(none), NULL));
		for (i = 0; i < READS; i++)
			EXPECT_EQ(ERROR_OPERATION_ABORTED, end_read(self->pin, &reads[i], FALSE));
	}
	for (i = 0; i < READS; i++)
		EXPECT_EQ(S_OK, give(self->allocator, frames[i]));
}

/* J2: a frame that the client submitted past the library is lost to nobody. */
TEST_F(client, frame_that_nobody_reads)
{
	static struct read read;
	void *frame = NULL;
	int allocator = LibksDescriptor(self->allocator);

	ASSERT_EQ(S_OK, take(self->allocator, &frame));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(LibksDescriptor(self->pin), alloc_now(allocator)));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frame, 0));
	EXPECT_EQ(2, frames_allocated(self->allocator));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	EXPECT_EQ(0, end_read(self->pin, &read, TRUE));
	EXPECT_EQ(1, frames_allocated(self->allocator));
}

static atomic_int signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

/* B3: the library's threads take none of the client's signals. */
TEST_F(client, signals)
{
	struct sigaction action = { .sa_handler = count_signal };
	void *frames[READS] = { 0 }, *later = NULL;
	OVERLAPPED overlapped = { 0 };
	static struct read read;
	KSMETHOD request;
	sigset_t set;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	take_each(self->allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frames[0], 0));
	ASSERT_EQ(ERROR_IO_PENDING, take_later(self->allocator, &request, &later, &overlapped));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	sleep_ms(50);
	EXPECT_EQ(0, signals);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	EXPECT_EQ(1, signals);
	/* The last word to the OVERLAPPED is said while it is there. */
	EXPECT_EQ(S_OK, give(self->allocator, frames[1]));
	EXPECT_TRUE(EVENTUALLY(HasOverlappedIoCompleted(&overlapped)));
}

/* Those who share a pin and an allocator, and what they found wrong */
struct crowd {
	HANDLE pin;
	HANDLE allocator;
	ULONG size;
	void *frames[READS];
	atomic_bool held[READS];
	atomic_bool stop;
	atomic_int reads;
	atomic_int cancelled;
	atomic_int held_twice;
	atomic_int wrong;
};

static atomic_bool *held_mark(struct crowd *crowd, const void *frame)
{
	int i;

	for (i = 0; i < READS; i++)
		if (crowd->frames[i] == frame)
			return &crowd->held[i];
	crowd->wrong++;
	return &crowd->held[0];
}

static void read_in_crowd(struct crowd *crowd, void *frame)
{
	struct read read = { 0 };
	DWORD error = begin_read(crowd->pin, &read, frame, crowd->size);

	/* While the kernel's frame is on its way to its holder, it is busy. */
	if (error == ERROR_OPERATION_ABORTED || error == ERROR_BUSY)
		return;
	if (error == ERROR_IO_PENDING)
		error = end_read(crowd->pin, &read, TRUE);
	if (error == ERROR_OPERATION_ABORTED)
		crowd->cancelled++;
	else if (!error && read.header.DataUsed == crowd->size)
		crowd->reads++;
	else
		crowd->wrong++;
}

static void *be_in_crowd(void *arg)
{
	struct crowd *crowd = arg;
	OVERLAPPED overlapped;
	atomic_bool *held;
	KSMETHOD request;
	void *frame;
	DWORD error, bytes;

	while (!crowd->stop) {
		overlapped = (OVERLAPPED) { 0 };
		error = take_later(crowd->allocator, &request, &frame, &overlapped);
		if ((error && error != ERROR_IO_PENDING) ||
		    !GetOverlappedResult(crowd->allocator, &overlapped, &bytes, TRUE)) {
			crowd->wrong++;
			break;
		}
		held = held_mark(crowd, frame);
		crowd->held_twice += atomic_exchange(held, true);
		read_in_crowd(crowd, frame);
		*held = false;
		crowd->wrong += give(crowd->allocator, frame) != S_OK;
	}
	return NULL;
}

/*
 * B3, B5, I4: whatever happens to the stream while more threads want frames than there
 * are, each frame has one holder, who can free it, and each read ends.
 */
TEST_F(client, frames_have_one_holder)
{
	static const KSSTATE states[] = {
		KSSTATE_RUN, KSSTATE_STOP, KSSTATE_RUN, KSSTATE_PAUSE, KSSTATE_ACQUIRE,
		KSSTATE_PAUSE, KSSTATE_RUN, KSSTATE_PAUSE,
	};
	static struct crowd crowd;
	pthread_t threads[READS + 2];
	unsigned int i;

	crowd.pin = self->pin;
	crowd.allocator = self->allocator;
	crowd.size = self->framing.FrameSize;
	take_each(self->allocator, crowd.frames);
	for (i = 0; i < READS; i++)
		ASSERT_EQ(S_OK, give(self->allocator, crowd.frames[i]));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, be_in_crowd, &crowd));
	for (i = 0; i < 200; i++) {
		EXPECT_EQ(S_OK, set_pin_state(self->pin, states[i % ARRAY_SIZE(states)]));
		sleep_ms(i % 23);
	}
	crowd.stop = true;
	EXPECT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_STOP));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	harness_note("%d reads, %d cancelled", crowd.reads, crowd.cancelled);
	EXPECT_LT(0, crowd.reads);
	EXPECT_LT(0, crowd.cancelled);
	EXPECT_EQ(0, crowd.held_twice);
	EXPECT_EQ(0, crowd.wrong);
	EXPECT_TRUE(EVENTUALLY(frames_allocated(self->allocator) == 0));
}

/* I4: a frame that another process got after the cancel is not read into here. */
TEST_F(client, cancelled_frame_goes_to_another_process)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 };
	struct agent agent;
	int i, fd;

	take_each(self->allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i], 0));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_ACQUIRE));
	agent_start(&agent);
	fd = agent_open(&agent, LibksDescriptor(self->allocator));
	for (i = 0; i < READS; i++)
		ASSERT_LE(0, agent_alloc(&agent, fd));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	EXPECT_EQ(ERROR_BUSY, begin_read(self->pin, &reads[0], frames[0], 0));
	agent_exit(&agent);
	EXPECT_TRUE(EVENTUALLY(frames_allocated(self->allocator) == 0));
	EXPECT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[0], frames[0], 0));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_STOP));
}

/* I5: RESET_STATE ends the reads as cancelled, and reads go on after it. */
TEST_F(client, flush)
{
	KSRESET reset = KSRESET_BEGIN;
	static struct read read;
	ULONG returned;
	void *frame = NULL;

	ASSERT_EQ(S_OK, take(self->allocator, &frame));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frame, 0));
	EXPECT_EQ(S_OK, KsSynchronousDeviceControl(self->pin, IOCTL_KS_RESET_STATE, &reset,
						   sizeof(reset), NULL, 0, &returned));
	EXPECT_EQ(ERROR_OPERATION_ABORTED, end_read(self->pin, &read, FALSE));
	EXPECT_EQ(ERROR_OPERATION_ABORTED, begin_read(self->pin, &read, frame, 0));
	reset = KSRESET_END;
	EXPECT_EQ(S_OK, KsSynchronousDeviceControl(self->pin, IOCTL_KS_RESET_STATE, &reset,
						   sizeof(reset), NULL, 0, &returned));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frame, 0));
	EXPECT_EQ(0, end_read(self->pin, &read, TRUE));
}

/* J2: KsSynchronousDeviceControl() of a read waits for the frame. */
TEST_F(client, synchronous_read)
{
	KSSTREAM_HEADER header = { .Size = sizeof(header) };
	void *frames[READS] = { 0 };
	static struct read others[READS];
	ULONG returned;
	int i;

	take_each(self->allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	for (i = 1; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &others[i], frames[i], 0));
	header.Data = frames[0];
	EXPECT_EQ(S_OK, KsSynchronousDeviceControl(self->pin, IOCTL_KS_READ_STREAM, NULL, 0,
						   &header, sizeof(header), &returned));
	EXPECT_EQ(sizeof(header), returned);
	EXPECT_EQ(self->framing.FrameSize, header.DataUsed);
	/* The queue has gone through once. */
	for (i = 1; i < READS; i++)
		EXPECT_EQ(0, end_read(self->pin, &others[i], TRUE));
}

static HRESULT enable(HANDLE allocator, ULONG id, ULONG flags, KSEVENTDATA *data)
{
	KSEVENT request = { .Set = KSEVENTSETID_StreamAllocator, .Id = id, .Flags = flags };
	ULONG returned;

	return KsSynchronousDeviceControl(allocator, IOCTL_KS_ENABLE_EVENT, &request,
					  sizeof(request), data, sizeof(*data), &returned);
}

static HRESULT disable(HANDLE allocator, KSEVENTDATA *data)
{
	ULONG returned;

	return KsSynchronousDeviceControl(allocator, IOCTL_KS_DISABLE_EVENT, data, sizeof(*data),
					  NULL, 0, &returned);
}

/* E1, E2: free-frame events, for good and once; not after they were disabled. */
TEST_F(client, events)
{
	HANDLE always = CreateEventA(NULL, FALSE, FALSE, NULL);
	HANDLE once = CreateEventA(NULL, FALSE, FALSE, NULL);
	KSEVENTDATA data[2] = {
		{ .NotificationType = KSEVENTF_EVENT_HANDLE, .EventHandle.Event = always },
		{ .NotificationType = KSEVENTF_EVENT_HANDLE, .EventHandle.Event = once },
	};
	void *frames[READS] = { 0 };

	take_each(self->allocator, frames);
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER),
		  enable(self->allocator, KSEVENT_STREAMALLOCATOR_INTERNAL_FREEFRAME,
			 KSEVENT_TYPE_ENABLE, &data[0]));
	EXPECT_EQ(S_OK, enable(self->allocator, KSEVENT_STREAMALLOCATOR_FREEFRAME,
			       KSEVENT_TYPE_ENABLE, &data[0]));
	EXPECT_EQ(S_OK, enable(self->allocator, KSEVENT_STREAMALLOCATOR_FREEFRAME,
			       KSEVENT_TYPE_ENABLE | KSEVENT_TYPE_ONESHOT, &data[1]));
	EXPECT_EQ(WAIT_TIMEOUT, WaitForSingleObject(always, 0));
	EXPECT_EQ(S_OK, give(self->allocator, frames[0]));
	EXPECT_EQ(WAIT_OBJECT_0, WaitForSingleObject(always, PATIENCE_MS));
	EXPECT_EQ(WAIT_OBJECT_0, WaitForSingleObject(once, PATIENCE_MS));
	EXPECT_EQ(S_OK, give(self->allocator, frames[1]));
	EXPECT_EQ(WAIT_OBJECT_0, WaitForSingleObject(always, PATIENCE_MS));
	EXPECT_EQ(WAIT_TIMEOUT, WaitForSingleObject(once, 50));
	EXPECT_EQ(S_OK, disable(self->allocator, &data[0]));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), disable(self->allocator, &data[0]));
	EXPECT_EQ(S_OK, give(self->allocator, frames[2]));
	EXPECT_EQ(WAIT_TIMEOUT, WaitForSingleObject(always, 50));
	CloseHandle(always);
	CloseHandle(once);
}

/* I6: the device goes: reads end with ERROR_DEVICE_REMOVED, and closing works. */
TEST_F(client, device_goes)
{
	static struct read read;
	void *frame = NULL;

	ASSERT_EQ(S_OK, take(self->allocator, &frame));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frame, 0));
	vivid_unbind();
	EXPECT_EQ(ERROR_DEVICE_REMOVED, end_read(self->pin, &read, TRUE));
	EXPECT_EQ(S_OK, give(self->allocator, frame));
	EXPECT_TRUE(CloseHandle(self->pin));
	EXPECT_TRUE(CloseHandle(self->filter));
	self->pin = NULL;
	self->filter = NULL;
	vivid_bind();
}
