// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract J2: user-mode clients of Kernel Streaming, written against Windows'
 * names, by libkswin on a real camera. What libkswin does is the subject here; the
 * sample client of samples/ks-client is run as it is.
 */
#include "ksalloc_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void take_all(HANDLE allocator, void **frames)
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

/*
 * J2: the sample client, which compiles for Windows as it is, captures from a camera:
 * it says that each frame differs from the one before, and leaves a picture.
 */
TEST(client_sample)
{
	char command[512], line[256], last[256] = "";
	unsigned int frames = 0, changed = 0, width = 0, height = 0;
	struct stat file;
	int video, words;
	FILE *output;

	repair_machine();
	video = open_camera(0);
	ASSERT_EQ(0, set_format(video, 320, 180));
	close(video);
	snprintf(command, sizeof(command), "%s %s 12 /tmp/frame.raw 2>&1", SAMPLE,
		 node_path("vivid-000-vid-cap"));
	output = popen(command, "r");
	ASSERT_TRUE(output);
	while (fgets(line, sizeof(line), output)) {
		harness_note("%s", line);
		snprintf(last, sizeof(last), "%s", line);
	}
	ASSERT_EQ(0, pclose(output));
	words = sscanf(last, "%u frames, %u changed, %u x %u", &frames, &changed, &width, &height);
	ASSERT_EQ(4, words);
	EXPECT_EQ(12, frames);
	/* Once, on a machine that was much too slow, one was like that before it. */
	EXPECT_LE(10, changed);
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
	KSALLOCATOR_FRAMING framing = self->framing;
	HANDLE handle = NULL;
	void *frame = NULL;
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

	take_all(self->allocator, frames);
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

	take_all(self->allocator, frames);
	EXPECT_EQ(ERROR_IO_PENDING, take_later(self->allocator, &request, &later, &overlapped));
	sleep_ms(50);
	EXPECT_TRUE(CloseHandle(self->allocator));
	self->allocator = NULL;
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

	take_all(self->allocator, frames);
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

	take_all(self->allocator, frames);
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

/* I4: a frame that another process got after the cancel is not read into here. */
TEST_F(client, cancelled_frame_goes_to_another_process)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 };
	struct agent agent;
	int i, fd;

	take_all(self->allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i], 0));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_ACQUIRE));
	agent_start(&agent);
	fd = agent_pass(&agent, LibksDescriptor(self->allocator));
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

	take_all(self->allocator, frames);
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

	take_all(self->allocator, frames);
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
