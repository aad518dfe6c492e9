// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract J2: user-mode clients of Kernel Streaming, written with the names of Windows,
 * run with libkswin on a real V4L2 device. These tests are about libkswin. One runs the
 * sample client of samples/ks-client unchanged. client_reads.c tests reads.
 */
#include "client.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define SAMPLE "/tools/bin/ks-client"

/* Values of the control "Horizontal Movement" of vivid */
#define STANDS_STILL 3
#define MOVES_RIGHT 5

/*
 * J2: the sample client, which compiles unchanged for Windows, captures from a camera. It
 * reports that each frame differs from the one before and is later, and writes a picture.
 *
 * The picture has to move. If vivid needs more than half a period for a picture (4 ms here,
 * which can be one tick of the clock), it makes the next one immediately and with the same
 * sequence number. Both pictures have the same text if they are made in one tick, so they
 * would be equal. With movement, each picture is shifted by one step.
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

/* D1, D2, D3, D5, J2: each property has the value that the call of the ABI returns. */
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

/* D4, J2: the extended framing has as many items as it states, in the stated size. */
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

/* J2: errors have the codes of Windows, and the failed call changed nothing. */
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
	/* C6: the function table is not available in user mode. */
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
	/* The file of the filter has its connection. */
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
 * J2: cameras with the multi-planar API and without it can be opened as filters, and nothing
 * stays open.
 */
TEST(client_multiplanar)
{
	struct footprint before;
	int camera;

	need_vivid("2,1", "0,0");
	footprint_take(&before);
	for (camera = 0; camera < 2; camera++) {
		HANDLE filter = CreateFileA(node_path(camera ? "vivid-001-vid-cap" :
						      "vivid-000-vid-cap"),
					    GENERIC_READ, 0, NULL, OPEN_EXISTING,
					    FILE_FLAG_OVERLAPPED, NULL);

		EXPECT_TRUE(filter != INVALID_HANDLE_VALUE);
		EXPECT_TRUE(CloseHandle(filter));
	}
	EXPECT_FOOTPRINT(&before);
}

static int input_of(int video)
{
	int input = -1;

	EXPECT_EQ(0, call_fd(video, VIDIOC_G_INPUT, &input));
	return input;
}

/* vivid has one input of each type, and this name tells it */
static ULONG type_of_input(const struct v4l2_input *input)
{
	static const struct {
		const char *name;
		ULONG type;
	} types[] = {
		{ "Webcam", KS_PhysConn_Video_AUX },
		{ "TV", KS_PhysConn_Video_Tuner },
		{ "S-Video", KS_PhysConn_Video_SVideo },
		{ "HDMI", KS_PhysConn_Video_ParallelDigital },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strncmp((const char *)input->name, types[i].name, strlen(types[i].name)))
			return types[i].type;
	return 0;
}

/* Returns the number of inputs in V4L2. The crossbar has the same. */
static ULONG expect_inputs(int video, HANDLE filter)
{
	KSPROPERTY_CROSSBAR_PININFO_S info = { .Direction = KSPIN_DATAFLOW_IN };
	KSPROPERTY_CROSSBAR_CAPS_S caps = { 0 };
	struct v4l2_input input = { 0 };

	for (; !call_fd(video, VIDIOC_ENUMINPUT, &input); input.index++) {
		info.Property = (KSPROPERTY) { .Set = PROPSETID_VIDCAP_CROSSBAR,
					       .Id = KSPROPERTY_CROSSBAR_PININFO,
					       .Flags = KSPROPERTY_TYPE_GET };
		info.Index = input.index;
		EXPECT_EQ(S_OK, own_property(filter, &info, sizeof(info)));
		EXPECT_EQ(type_of_input(&input), info.PinType);
	}
	info.Index = input.index;
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER),
		  own_property(filter, &info, sizeof(info)));
	EXPECT_EQ(S_OK, property(filter, &PROPSETID_VIDCAP_CROSSBAR, KSPROPERTY_CROSSBAR_CAPS,
				 KSPROPERTY_TYPE_GET, &caps, sizeof(caps), NULL));
	EXPECT_EQ(input.index, caps.NumberOfInputs);
	EXPECT_EQ(1, caps.NumberOfOutputs);
	return input.index;
}

static ULONG count_nodes(const GUID *types, ULONG nodes, const GUID *type)
{
	ULONG count = 0, i;

	for (i = 0; i < nodes; i++)
		count += IsEqualGUID(&types[i], type);
	return count;
}

static HRESULT use_route(HANDLE filter, KSPROPERTY_CROSSBAR_ROUTE_S *route, ULONG flags)
{
	route->Property = (KSPROPERTY) {
		.Set = PROPSETID_VIDCAP_CROSSBAR,
		.Id = KSPROPERTY_CROSSBAR_ROUTE,
		.Flags = flags,
	};
	return own_property(filter, route, sizeof(*route));
}

static HRESULT set_route(HANDLE filter, ULONG input)
{
	KSPROPERTY_CROSSBAR_ROUTE_S route = { .IndexInputPin = input };

	return use_route(filter, &route, KSPROPERTY_TYPE_SET);
}

/*
 * J2: a camera with several inputs has a terminal for each, and a crossbar. Another file sees
 * the input that a client chose. The input stays as it is while the camera has frames.
 */
TEST_F(client, inputs)
{
	KSPROPERTY_CROSSBAR_ROUTE_S route = { 0 };
	int video = open_camera(0);
	ULONG inputs, nodes, i;
	GUID types[MAX_NODES];

	inputs = expect_inputs(video, self->filter);
	ASSERT_LT(1, inputs);
	nodes = get_nodes(self->filter, types);
	EXPECT_EQ(inputs, count_nodes(types, nodes, &KSNODETYPE_VIDEO_INPUT_TERMINAL));
	EXPECT_EQ(1, count_nodes(types, nodes, &KSNODETYPE_VIDEO_SELECTOR));
	EXPECT_EQ(1, count_nodes(types, nodes, &KSNODETYPE_VIDEO_PROCESSING));
	EXPECT_EQ(1, count_nodes(types, nodes, &KSNODETYPE_VIDEO_STREAMING));
	EXPECT_EQ(inputs + 3, nodes);

	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_ACQUIRE));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_BUSY), set_route(self->filter, 1));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_STOP));
	EXPECT_EQ(0, input_of(video));
	/* The memory can be that of the camera */
	ASSERT_TRUE(CloseHandle(self->pin));
	self->pin = NULL;
	ASSERT_TRUE(CloseHandle(self->allocator));
	self->allocator = NULL;
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), set_route(self->filter, inputs));
	EXPECT_EQ(0, input_of(video));
	/* At the end, the first one again */
	for (i = inputs; i-- > 0;) {
		EXPECT_EQ(S_OK, set_route(self->filter, i));
		EXPECT_EQ(i, input_of(video));
		route.IndexInputPin = inputs;
		EXPECT_EQ(S_OK, use_route(self->filter, &route, KSPROPERTY_TYPE_GET));
		EXPECT_EQ(i, route.IndexInputPin);
	}
	close(video);
}

/*
 * B2, B3: ALLOC with an OVERLAPPED and without a free frame is pending. Two such calls are
 * served in order.
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

/* B4: it does so even if the process has no free descriptor. */
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

static atomic_int signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

/* B3: the threads of the library do not handle signals of the client. */
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
	/* The OVERLAPPED must still exist when the library writes to it for the last time. */
	EXPECT_EQ(S_OK, give(self->allocator, frames[1]));
	EXPECT_TRUE(EVENTUALLY(HasOverlappedIoCompleted(&overlapped)));
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

/* E1, E2: events for free frames, continuous and one-shot, and after they were disabled. */
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
