// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random requests to libkswin with the model of a camera: properties, methods, events and
 * reads. Most have the structure of a right request with some wrong parts. The sanitizers
 * find accesses outside of a buffer, which is as large as the request says.
 *
 * Usage: fuzz-libkswin [number of requests [seed]]
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ks/win/winternl.h>

#include "tap.h"
#include "windevice.h"
#include "winfuzz.h"

#define REQUESTS 1000000
#define SEED 0x6b73616c6c6f63ULL
#define HANDLES 12
#define READS 24
#define CHANGE_CAMERA_EVERY 5000
/* With fewer requests, something rare need not happen */
#define ENOUGH 100000
/* Memory of a read before it is written */
#define UNWRITTEN 0x5a

/* Objects */

/* An allocator is mostly of the pin with the same number, and holds the frame with this number */
static HANDLE filters[HANDLES], pins[HANDLES], allocators[HANDLES], events[HANDLES],
	semaphores[HANDLES], clocks[HANDLES];
static HANDLE *const tables[] = { filters, pins, allocators, events, semaphores, clocks };
static void *frames[HANDLES];

static HANDLE *any_place(HANDLE *table)
{
	return &table[below(HANDLES)];
}

static HANDLE *any_table(void)
{
	return tables[below(ARRAY_SIZE(tables))];
}

static HANDLE any_handle(void)
{
	if (one_in(50))
		return (HANDLE)(uintptr_t)any_number();
	return *any_place(any_table());
}

/* Some cameras have this one */
static const GUID unit_set = { 0x12345678, 1, 2, { 3 } };

/* Any GUIDs that the library knows, and a wrong one */
static const GUID *any_guid(void)
{
	static GUID unknown;
	static const GUID *const known[] = {
		&GUID_NULL, &KSPROPSETID_Pin, &KSPROPSETID_Topology, &KSPROPSETID_Connection,
		&KSPROPSETID_Stream, &KSPROPSETID_StreamAllocator, &PROPSETID_VIDCAP_VIDEOPROCAMP,
		&PROPSETID_VIDCAP_CAMERACONTROL, &PROPSETID_VIDCAP_CROSSBAR,
		&KSMETHODSETID_StreamAllocator, &KSEVENTSETID_StreamAllocator,
		&KSPROPSETID_Clock, &unit_set, &unknown,
	};

	unknown.Data1 = random_bits();
	return known[below(ARRAY_SIZE(known))];
}

static ULONG any_flags(void)
{
	static const ULONG known[] = {
		KSPROPERTY_TYPE_GET, KSPROPERTY_TYPE_GET, KSPROPERTY_TYPE_SET,
		KSPROPERTY_TYPE_SETSUPPORT, KSPROPERTY_TYPE_BASICSUPPORT,
		KSPROPERTY_TYPE_DEFAULTVALUES, 0,
	};
	ULONG flags = one_in(40) ? random_bits() : known[below(ARRAY_SIZE(known))];

	return one_in(6) ? flags | KSPROPERTY_TYPE_TOPOLOGY : flags;
}

/* Mostly an object that has this set */
static HANDLE handle_for(const GUID *set)
{
	if (one_in(8))
		return any_handle();
	if (IsEqualGUID(set, &KSPROPSETID_Connection) || IsEqualGUID(set, &KSPROPSETID_Stream))
		return *any_place(pins);
	if (IsEqualGUID(set, &KSPROPSETID_Clock))
		return *any_place(clocks);
	if (IsEqualGUID(set, &KSPROPSETID_StreamAllocator))
		return *any_place(allocators);
	return *any_place(filters);
}

/* Data */

static void spoil(unsigned char *data, size_t size)
{
	uint32_t count = size ? below(4) : 0;
	uint32_t value;

	while (count--) {
		value = any_number();
		if (size >= sizeof(value) && one_in(2))
			memcpy(data + below((uint32_t)(size - sizeof(value) + 1)), &value,
			       sizeof(value));
		else
			data[below((uint32_t)size)] ^= (unsigned char)(1 << below(8));
	}
}

static void make_format(KS_DATAFORMAT_VIDEOINFOHEADER *format)
{
	struct v4l2_pix_format pix = {
		.width = 1 + below(130), .height = 1 + below(100),
		.pixelformat = camera.formats[below(4)],
	};

	pix.bytesperline = win_format_line(pix.pixelformat, pix.width);
	if (one_in(4) || win_format_from_v4l2(&pix, random_bits(), format))
		win_format_from_v4l2(&camera.pix, 333333, format);
	if (one_in(4))
		format->VideoInfoHeader.bmiHeader.biHeight *= -1;
	if (one_in(8))
		format->DataFormat.Specifier = KSDATAFORMAT_SPECIFIER_VIDEOINFO2;
	if (one_in(8))
		format->DataFormat.FormatSize = any_number();
}

/* A list of one to three ranges; returns its size */
static ULONG make_ranges(unsigned char *data)
{
	ULONG count = 1 + below(3), i;
	KSMULTIPLE_ITEM list = { .Size = sizeof(list), .Count = count };
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	KS_DATARANGE_VIDEO range;

	for (i = 0; i < count; i++) {
		make_format(&format);
		memset(&range, 0, sizeof(range));
		range.DataRange = format.DataFormat;
		range.DataRange.FormatSize = one_in(3) ? sizeof(KSDATARANGE) : sizeof(range);
		range.DataRange.Flags = below(8);
		range.VideoInfoHeader = format.VideoInfoHeader;
		if (one_in(4))
			range.DataRange.SubFormat = GUID_NULL;
		memcpy(data + list.Size, &range, range.DataRange.FormatSize);
		list.Size += range.DataRange.FormatSize;
	}
	memcpy(data, &list, sizeof(list));
	return list.Size;
}

/* The value of a property that is set */
static ULONG make_value(unsigned char *data)
{
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	ULONG number = below(5);
	HANDLE handle;

	switch (below(4)) {
	case 0:
		make_format(&format);
		memcpy(data, &format, sizeof(format));
		return sizeof(format);
	case 1:
		memcpy(data, &number, sizeof(number));
		return sizeof(number);
	case 2:
		handle = one_in(3) ? NULL : any_handle();
		memcpy(data, &handle, sizeof(handle));
		return sizeof(handle);
	default:
		/* A control: its value and flags are behind the head */
		number = below(3);
		memcpy(data + sizeof(KSPROPERTY) + sizeof(LONG), &number, sizeof(number));
		memcpy(data + sizeof(KSP_NODE) + sizeof(LONG), &number, sizeof(number));
		return sizeof(KSPROPERTY_VIDEOPROCAMP_NODE_S);
	}
}

/* What is rare, but has to happen */
static unsigned long frame_reads, native_reads, semaphore_events, unit_queries;

static ULONG out_size_for(ULONG usual)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return 4;
	case 2:
		return 8;
	case 3:
		return below(200);
	case 4:
		return usual + below(9);
	case 5:
		return usual ? usual - 1 : 0;
	default:
		return usual;
	}
}

static void use_property(void)
{
	static unsigned char in[4096], out[8192];
	KSP_NODE head = { .Property = { .Set = *any_guid(), .Id = below(one_in(2) ? 8 : 24),
					.Flags = any_flags() } };
	ULONG in_size = one_in(2) ? sizeof(KSPROPERTY) : sizeof(head), out_size;
	bool set = head.Property.Flags & KSPROPERTY_TYPE_SET;
	void *request, *value;
	HANDLE handle;

	if (one_in(20))
		head.Property.Id = any_number();
	head.NodeId = one_in(4) ? any_number() : below(4) * below(2);
	if (IsEqualGUID(&head.Property.Set, &unit_set) && !one_in(4)) {
		head.Property.Flags |= KSPROPERTY_TYPE_TOPOLOGY;
		head.Property.Id = below(3);
		head.NodeId = below(8);
		in_size = sizeof(head);
	}
	memset(in + sizeof(head), 0, 64);
	memcpy(in, &head, sizeof(head));
	if (one_in(4)) {
		head.Property.Set = KSPROPSETID_Pin;
		head.Property.Id = KSPROPERTY_PIN_DATAINTERSECTION;
		head.NodeId = 0;
		memcpy(in, &head, sizeof(head));
		in_size = sizeof(head) + make_ranges(in + sizeof(head));
	} else if (one_in(4)) {
		in_size += below(64);
	}
	out_size = out_size_for(set ? make_value(out) : one_in(3) ? 8000 : 128);
	if (one_in(4))
		spoil(in, in_size);
	if (set && one_in(4))
		spoil(out, out_size);
	if (one_in(20))
		in_size = below(in_size + 1);
	request = exactly(in, in_size);
	value = guarded(out, out_size);
	handle = handle_for(&head.Property.Set);
	if (one_in(200))
		check_call(handle, IOCTL_KS_PROPERTY, bad_address(), in_size, value,
			   out_size, false);
	else if (one_in(200))
		check_call(handle, IOCTL_KS_PROPERTY, request, in_size, bad_address(),
			   64, false);
	else
		check_call(handle, IOCTL_KS_PROPERTY, request, in_size, value, out_size, true);
	free(request);
	if (!free_guarded(value, out_size)) {
		printf("# memory behind an answer was written\n");
		wrong++;
	}
}

/* Methods and events */

static void use_method(void)
{
	KSMETHOD method = { .Set = one_in(8) ? *any_guid() : KSMETHODSETID_StreamAllocator,
			    .Id = below(3), .Flags = one_in(4) ? any_flags() : 0 };
	uint32_t number = below(HANDLES);
	void **frame = &frames[number];
	ULONG size = one_in(8) ? below(20) : sizeof(*frame);
	ULONG in_size = one_in(16) ? below(sizeof(method)) : sizeof(method);
	unsigned char data[32] = { 0 };
	void *request, *out;

	memcpy(data, frame, sizeof(*frame));
	if (one_in(16))
		spoil(data, sizeof(data));
	request = exactly((unsigned char *)&method, in_size);
	out = exactly(data, size);
	if (!check_call(one_in(8) ? any_handle() : allocators[number], IOCTL_KS_METHOD, request,
			in_size, out, size, true) &&
	    size >= sizeof(*frame))
		memcpy(frame, out, sizeof(*frame));
	free(request);
	free(out);
}

static void use_event(void)
{
	static KSEVENTDATA data[HANDLES];
	KSEVENTDATA *one = &data[below(HANDLES)];
	KSEVENT event = { .Set = one_in(8) ? *any_guid() : KSEVENTSETID_StreamAllocator,
			  .Id = below(3), .Flags = one_in(3) ? any_flags() :
							     KSEVENT_TYPE_ENABLE | below(4) };
	HANDLE handle = *any_place(one_in(8) ? any_table() : allocators);
	ULONG in_size = one_in(16) ? below(sizeof(event)) : sizeof(event);
	void *request = exactly((unsigned char *)&event, in_size);
	bool semaphore;

	if (one_in(2)) {
		check_call(handle, IOCTL_KS_DISABLE_EVENT, one,
			   one_in(8) ? below(sizeof(*one)) : sizeof(*one), NULL, 0, false);
	} else {
		one->NotificationType = one_in(8) ? any_number() : 1 + below(2);
		semaphore = one->NotificationType == KSEVENTF_SEMAPHORE_HANDLE;
		one->SemaphoreHandle.Adjustment = one_in(8) ? (LONG)any_number() : 1;
		one->EventHandle.Event = one_in(8) ? any_handle() :
					 *any_place(semaphore ? semaphores : events);
		if (!check_call(handle, IOCTL_KS_ENABLE_EVENT, request, in_size, one,
				one_in(8) ? below(sizeof(*one)) : sizeof(*one), false))
			semaphore_events += semaphore;
	}
	free(request);
}

/* Reads, whose memory has to stay until they complete */

struct read {
	OVERLAPPED overlapped;
	bool pending;
	unsigned char *headers;
	/* What they were, and their size */
	unsigned char *before;
	ULONG size;
	/* The first of several headers can be filled when a later one fails */
	bool has_several;
	unsigned char *data;
	ULONG extent;
};

static struct read reads[READS];

/* A read that has failed has written nothing */
static void check_failed(const struct read *read)
{
	ULONG i;

	if (read->size && memcmp(read->headers, read->before, read->size)) {
		printf("# a read that has failed has written its header\n");
		wrong++;
	}
	for (i = 0; read->data && i < read->extent && read->data[i] == UNWRITTEN; i++)
		;
	if (read->data && i < read->extent) {
		printf("# a read that has failed has written its picture\n");
		wrong++;
	}
}

static void free_read(struct read *read)
{
	if (read->pending && !read->has_several &&
	    !NT_SUCCESS((NTSTATUS)read->overlapped.Internal))
		check_failed(read);
	free(read->headers);
	free(read->before);
	free(read->data);
	*read = (struct read) { .pending = false };
}

/* A read that is not finished is left alone */
static struct read *free_place(void)
{
	struct read *read = &reads[below(READS)];

	if (read->pending && !HasOverlappedIoCompleted(&read->overlapped))
		return NULL;
	free_read(read);
	return read;
}

static void *any_memory(struct read *read, ULONG extent)
{
	if (one_in(30))
		return bad_address();
	read->data = malloc(extent ? extent : 1);
	read->extent = extent;
	memset(read->data, UNWRITTEN, extent);
	return read->data;
}

/*
 * Whether reads of the pin name frames. Otherwise a read would write to the address of a frame,
 * which can be other memory by then
 */
static bool names_frames(HANDLE pin)
{
	KSSTREAM_HEADER header = { .Size = sizeof(header) };

	return !DeviceIoControl(pin, IOCTL_KS_READ_STREAM, NULL, 0, &header, sizeof(header), NULL,
				NULL) && GetLastError() == ERROR_INVALID_PARAMETER;
}

/* A frame of the pin with this number; mostly NULL if it has no allocator */
static void *frame_for(uint32_t number)
{
	KSMETHOD method = {
		.Set = KSMETHODSETID_StreamAllocator, .Id = KSMETHOD_STREAMALLOCATOR_ALLOC,
	};

	if (one_in(8) || !names_frames(pins[number]))
		return NULL;
	if (!frames[number])
		check_call(allocators[number], IOCTL_KS_METHOD, &method, sizeof(method),
			   &frames[number], sizeof(frames[number]), true);
	return frames[number];
}

/* One in four is native. Without an event, such a read would wait */
static DWORD begin_read(HANDLE pin, struct read *read)
{
	PIO_STATUS_BLOCK result = (void *)&read->overlapped;
	HANDLE event = read->overlapped.hEvent;
	DWORD error = 0;
	NTSTATUS status;

	if (event && one_in(2)) {
		status = NtDeviceIoControlFile(pin, event, NULL, NULL, result,
					       IOCTL_KS_READ_STREAM, NULL, 0, read->headers,
					       read->size);
		error = RtlNtStatusToDosError(status);
		native_reads += error == ERROR_IO_PENDING;
	} else if (!DeviceIoControl(pin, IOCTL_KS_READ_STREAM, NULL, 0, read->headers, read->size,
				    NULL, &read->overlapped)) {
		error = GetLastError();
	}
	count_call(!error || error == ERROR_IO_PENDING);
	return error;
}

static void use_read(void)
{
	uint32_t number = below(HANDLES);
	void *frame = one_in(16) ? NULL : frame_for(number);
	HANDLE pin = !frame && one_in(16) ? any_handle() : pins[number];
	KSSTREAM_HEADER header = { .Size = sizeof(header) };
	struct read *read = free_place();
	ULONG size, room = sizeof(header) + (one_in(3) ? sizeof(KS_FRAME_INFO) : 0);
	ULONG extent = one_in(8) ? below(50000) : camera.pix.sizeimage;
	unsigned char both[2 * 256] = { 0 };
	DWORD error;

	if (!read)
		return;
	header.Size = one_in(10) ? any_number() : room;
	header.FrameExtent = extent;
	header.Data = frame ? frame : any_memory(read, extent);
	memcpy(both, &header, sizeof(header));
	size = room;
	if (one_in(6) && read->data) {
		/* The second header has the same memory */
		memcpy(both + room, &header, sizeof(header));
		size += room;
		read->has_several = true;
	}
	if (one_in(10))
		size = below(2 * room);
	read->headers = exactly(both, size);
	read->before = exactly(both, size);
	read->size = size;
	read->overlapped.hEvent = one_in(16) ? any_handle() : one_in(2) ? NULL :
				  *any_place(events);
	read->pending = true;
	error = begin_read(pin, read);
	if (!error)
		return;
	if (error == ERROR_IO_PENDING) {
		frame_reads += !!frame;
	} else {
		check_failed(read);
		read->pending = false;
		free_read(read);
	}
}

static void use_state(void)
{
	KSPROPERTY request = { .Set = KSPROPSETID_Connection, .Id = KSPROPERTY_CONNECTION_STATE,
			       .Flags = KSPROPERTY_TYPE_SET };
	ULONG number = one_in(16) ? any_number() : below(4);
	HANDLE pin = *any_place(pins);

	if (one_in(8))
		check_call(pin, IOCTL_KS_RESET_STATE, &number, one_in(8) ? 3 : sizeof(number),
			   NULL, 0, false);
	else
		check_call(pin, IOCTL_KS_PROPERTY, &request, sizeof(request), &number,
			   sizeof(number), true);
}

/* Life and death of objects */

static void make_pin(void)
{
	struct {
		KSPIN_CONNECT connect;
		KS_DATAFORMAT_VIDEOINFOHEADER format;
	} request;
	unsigned char *copy;
	HANDLE pin;

	memset(&request, 0, sizeof(request));
	request.connect.Interface.Set = KSINTERFACESETID_Standard;
	request.connect.Medium.Set = KSMEDIUMSETID_Standard;
	make_format(&request.format);
	if (one_in(4))
		spoil((unsigned char *)&request, sizeof(request));
	/* The length is only in the format, so Windows reads as much as it says */
	copy = calloc(1, 70000);
	memcpy(copy, &request, sizeof(request));
	if (!KsCreatePin(*any_place(filters), (void *)copy, GENERIC_READ, &pin)) {
		HANDLE *place = any_place(pins);

		CloseHandle(*place);
		*place = pin;
	}
	free(copy);
}

static void make_allocator(void)
{
	KSALLOCATOR_FRAMING framing = {
		.OptionsFlags = one_in(4) ? any_number() : KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.Frames = one_in(8) ? any_number() : CAMERA_FRAMES,
		.FrameSize = CAMERA_FRAME_BYTES,
	};
	uint32_t number = below(HANDLES);
	HANDLE allocator;

	if (KsCreateAllocator(one_in(8) ? any_handle() : pins[number], &framing, &allocator))
		return;
	CloseHandle(allocators[number]);
	allocators[number] = allocator;
	frames[number] = NULL;
}

static void make_clock(void)
{
	KSCLOCK_CREATE create = { .CreateFlags = one_in(4) ? any_number() : 0 };
	HANDLE *place = any_place(clocks), clock;

	if (KsCreateClock(one_in(8) ? any_handle() : *any_place(pins), &create, &clock))
		return;
	CloseHandle(*place);
	*place = clock;
}

static void change_objects(void)
{
	HANDLE *place;

	switch (below(8)) {
	case 0:
		place = any_place(filters);
		CloseHandle(*place);
		*place = CreateFileA(CAMERA_PATH, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
		break;
	case 1:
		place = any_place(events);
		CloseHandle(*place);
		*place = CreateEventA(NULL, below(2), below(2), NULL);
		break;
	case 2:
		CloseHandle(*any_place(any_table()));
		break;
	case 3:
		make_allocator();
		break;
	case 4:
		make_clock();
		break;
	case 5:
		place = any_place(semaphores);
		CloseHandle(*place);
		*place = CreateSemaphoreA(NULL, (LONG)below(2), 1 + (LONG)below(1000), NULL);
		break;
	default:
		make_pin();
	}
}

static void close_all(void)
{
	size_t i, j;

	/* Pins first: their reads complete */
	for (i = 0; i < HANDLES; i++)
		CloseHandle(pins[i]);
	for (i = 0; i < READS; i++) {
		if (reads[i].pending && !HasOverlappedIoCompleted(&reads[i].overlapped)) {
			printf("# a read of a closed pin is pending\n");
			wrong++;
		}
		free_read(&reads[i]);
	}
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		for (j = 0; j < HANDLES; j++) {
			CloseHandle(tables[i][j]);
			tables[i][j] = NULL;
		}
	}
}

/* Another camera, with no object of the one before */
static void change_camera(void)
{
	int i;

	close_all();
	unit_queries += (unsigned long)camera.unit_queries;
	camera_reset();
	camera.line_unit = 1 + below(3) * 31;
	camera.takes_lines = one_in(2);
	camera.stepwise = one_in(2);
	camera.has_planes = one_in(3);
	camera.nr_inputs = 1 + below(4);
	camera.field = below(10);
	if (one_in(2))
		camera_add_unit(&unit_set);
	camera_add_control(V4L2_CID_GAIN, V4L2_CTRL_TYPE_INTEGER, 0, 9, 5);
	camera_add_control(V4L2_CID_AUTOGAIN, V4L2_CTRL_TYPE_BOOLEAN, 0, 1, 1);
	camera_add_control(V4L2_CID_PAN_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, INT32_MIN, INT32_MAX,
			   (__s32)random_bits());
	camera_add_control(V4L2_CID_EXPOSURE_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER,
			   (__s32)random_bits(), (__s32)random_bits(), (__s32)random_bits());
	camera_add_control(V4L2_CID_EXPOSURE_AUTO, V4L2_CTRL_TYPE_MENU, 0, 3, 0);
	camera_control(V4L2_CID_EXPOSURE_AUTO)->menu = below(16);
	for (i = 0; i < HANDLES; i++) {
		filters[i] = CreateFileA(CAMERA_PATH, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0,
					 NULL);
		events[i] = CreateEventA(NULL, below(2), 0, NULL);
		semaphores[i] = CreateSemaphoreA(NULL, 0, 1000, NULL);
	}
	for (i = 0; i < 3 * HANDLES; i++) {
		make_pin();
		make_allocator();
	}
}

static void make_request(void)
{
	if (one_in(16))
		camera_give_frames(below(8));
	switch (below(64)) {
	case 0:
		change_objects();
		break;
	case 1 ... 6:
		use_read();
		break;
	case 7 ... 10:
		use_state();
		break;
	case 11 ... 18:
		use_method();
		break;
	case 19 ... 22:
		use_event();
		break;
	default:
		use_property();
	}
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : REQUESTS, i;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : SEED;
	int before;

	random_begin(seed);
	printf("TAP version 13\n1..1\n# %lu requests, seed %#" PRIx64 "\n", count, seed);
	camera_reset();
	before = camera_files();
	for (i = 0; i < count; i++) {
		if (!(i % CHANGE_CAMERA_EVERY))
			change_camera();
		make_request();
	}
	close_all();
	camera_reset();
	for (i = 0; camera_files() != before && i < 1000; i++)
		Sleep(1);
	if (camera_files() != before) {
		printf("# %d files are open, not %d\n", camera_files(), before);
		wrong++;
	}
	if (count >= ENOUGH && (!frame_reads || !native_reads || !semaphore_events ||
				!unit_queries || !native_accepted)) {
		printf("# a kind of request was never accepted\n");
		wrong++;
	}
	printf("# %lu reads of frames, %lu native reads, %lu events of semaphores\n",
	       frame_reads, native_reads, semaphore_events);
	printf("# %lu queries of a unit\n", unit_queries);
	printf("# %lu accepted (%lu native), %lu refused (%lu native)\n%sok 1 random requests\n",
	       accepted, native_accepted, refused, native_refused, wrong ? "not " : "");
	return !!wrong;
}
