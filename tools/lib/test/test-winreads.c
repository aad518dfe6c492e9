// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads of libkswin into memory of the client and into frames of an allocator, with a model of a
 * camera.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"
#include "wincamera.h"

#define READS 32
/* Frames of the library that stay in the device if no read is pending, with the usual camera */
#define IN_DEVICE 2
#define KEPT 2

static HANDLE filter, pin;

/* A read of one header into memory of its own */
struct one {
	KSSTREAM_HEADER header;
	KS_FRAME_INFO info;
	OVERLAPPED overlapped;
	unsigned char data[CAMERA_BYTES + 1];
};

static struct one ones[READS];

static DWORD read_one_of_size(struct one *one, ULONG size)
{
	one->header = (KSSTREAM_HEADER) {
		.Size = size,
		.Data = one->data,
		.FrameExtent = CAMERA_BYTES,
	};
	memset(&one->info, 0x5a, sizeof(one->info));
	memset(one->data, 0x5a, sizeof(one->data));
	one->overlapped = (OVERLAPPED) { 0 };
	return begin_read(pin, &one->header, size, &one->overlapped);
}

static DWORD read_one(struct one *one)
{
	return read_one_of_size(one, sizeof(one->header));
}

static bool has_picture(const unsigned char *data, ULONG bytes, int number)
{
	ULONG i;

	for (i = 0; i < bytes && data[i] == number; i++)
		;
	return i == bytes;
}

static void check_one(struct one *one, int number)
{
	CHECK_EQ(end_read(pin, &one->overlapped, TRUE), 0);
	CHECK_EQ(one->overlapped.InternalHigh, one->header.Size);
	CHECK_EQ(one->header.DataUsed, CAMERA_BYTES);
	CHECK(one->header.Data == one->data);
	CHECK_EQ(one->header.FrameExtent, CAMERA_BYTES);
	CHECK_EQ(one->header.PresentationTime.Time, 1000 * number);
	CHECK(has_picture(one->data, CAMERA_BYTES, number));
	CHECK_EQ(one->data[CAMERA_BYTES], 0x5a);
}

/*
 * More reads than frames are pending, from STOP on, and complete in their order. STOP to RUN is
 * one call.
 */
static void many_reads(const char *memory, bool by_descriptor)
{
	int i;

	open_all(memory, &filter, &pin);
	for (i = 0; i < READS; i++)
		CHECK_EQ(read_one(&ones[i]), ERROR_IO_PENDING);
	CHECK_EQ(camera.submitted, 0);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(camera_frames_in_device(), IN_DEVICE + KEPT);
	for (i = 0; i < READS; i++)
		camera_fill();
	for (i = 0; i < READS; i++)
		check_one(&ones[i], i);
	CHECK_EQ(set_state(pin, KSSTATE_STOP), 0);
	CHECK_EQ(camera.without_descriptor, by_descriptor ? 0 : camera.submitted);
	CHECK(!camera.assigned);
	close_all(filter, pin);
}

/* J2: more reads than frames complete in their order, with both kinds of memory. */
static void test_many_reads(void)
{
	many_reads("udmabuf", true);
	many_reads("device", false);
}

/* Any memory: the stack; memory that is larger than the frame; none of it is page-aligned. */
static void test_any_memory(void)
{
	unsigned char on_stack[CAMERA_BYTES + 16], *large = malloc(1 << 20);
	KSSTREAM_HEADER header = { .Size = sizeof(header) };
	ULONG returned = 0;

	open_all("udmabuf", &filter, &pin);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	camera.data_used = 100;
	camera.data_start = 16;
	camera_fill();
	camera_fill();
	header.Data = on_stack + 1;
	header.FrameExtent = CAMERA_BYTES;
	memset(on_stack, 0x5a, sizeof(on_stack));
	CHECK_EQ(KsSynchronousDeviceControl(pin, IOCTL_KS_READ_STREAM, NULL, 0, &header,
					    sizeof(header), &returned), S_OK);
	CHECK_EQ(returned, sizeof(header));
	CHECK_EQ(header.DataUsed, 100);
	CHECK(header.Data == on_stack + 1);
	CHECK(has_picture(on_stack + 1, 100, 0));
	CHECK_EQ(on_stack[0], 0x5a);
	CHECK_EQ(on_stack[101], 0x5a);
	header.Data = large + 3;
	header.FrameExtent = (1 << 20) - 3;
	CHECK_EQ(begin_read(pin, &header, sizeof(header), NULL), 0);
	CHECK(has_picture(large + 3, 100, 1));
	CHECK_EQ(header.FrameExtent, (1 << 20) - 3);
	close_all(filter, pin);
	free(large);
}

/* A frame that is too small is refused, and nothing is pending. */
static void test_extent(void)
{
	static const KSSTATE states[] = { KSSTATE_STOP, KSSTATE_RUN };
	struct one *one = &ones[0];
	size_t i;

	open_all("udmabuf", &filter, &pin);
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		CHECK_EQ(set_state(pin, states[i]), 0);
		one->header = (KSSTREAM_HEADER) {
			.Size = sizeof(one->header),
			.Data = one->data,
			.FrameExtent = CAMERA_BYTES - 1,
		};
		CHECK_EQ(begin_read(pin, one, sizeof(one->header), NULL),
			 ERROR_INSUFFICIENT_BUFFER);
	}
	/* A picture that is larger than the format says does not leave the frame */
	CHECK_EQ(read_one(one), ERROR_IO_PENDING);
	camera.data_used = CAMERA_BYTES + 1;
	camera_fill();
	CHECK_EQ(end_read(pin, &one->overlapped, TRUE), ERROR_IO_DEVICE);
	CHECK(has_picture(one->data, sizeof(one->data), 0x5a));
	camera.data_used = 1;
	camera.data_start = 2 * CAMERA_BYTES;
	CHECK_EQ(read_one(one), ERROR_IO_PENDING);
	camera_fill();
	CHECK_EQ(end_read(pin, &one->overlapped, TRUE), ERROR_IO_DEVICE);
	close_all(filter, pin);
}

/* Wrong pointers are refused: nothing is pending, and later reads work. */
static void test_wrong_memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	char *pages = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	struct one *one = &ones[0];
	OVERLAPPED overlapped = { 0 };
	void *wrong[] = {
		NULL, (void *)8, pages, pages + page - 1, pages + 2 * page,
		(void *)(UINTPTR_MAX - CAMERA_BYTES / 2), (void *)(UINTPTR_MAX / 2),
	};

	CHECK(!mprotect(pages, page, PROT_READ));
	CHECK(!munmap(pages + 3 * page, page));
	open_all("udmabuf", &filter, &pin);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		one->header = (KSSTREAM_HEADER) {
			.Size = sizeof(one->header), .Data = wrong[i], .FrameExtent = CAMERA_BYTES,
		};
		CHECK_EQ(begin_read(pin, one, sizeof(one->header), NULL), ERROR_NOACCESS);
		CHECK_EQ(begin_read(pin, wrong[i], CAMERA_BYTES, &overlapped), ERROR_NOACCESS);
	}
	CHECK_EQ(read_one(one), ERROR_IO_PENDING);
	CHECK_EQ(begin_read(pin, one, sizeof(one->header), (OVERLAPPED *)(void *)pages),
		 ERROR_NOACCESS);
	camera_fill();
	check_one(one, 0);
	close_all(filter, pin);
	munmap(pages, 3 * page);
}

/* Memory that the client unmaps during the read is an error of that read. */
static void test_unmapped_memory(void)
{
	char *data = mmap(NULL, CAMERA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	KSSTREAM_HEADER header = {
		.Size = sizeof(header), .Data = data, .FrameExtent = CAMERA_BYTES,
	};
	KSSTREAM_HEADER *unmapped;
	OVERLAPPED overlapped = { 0 };

	open_all("udmabuf", &filter, &pin);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &header, sizeof(header), &overlapped), ERROR_IO_PENDING);
	munmap(data, CAMERA_BYTES);
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), ERROR_NOACCESS);

	unmapped = mmap(NULL, CAMERA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	*unmapped = header;
	unmapped->Data = ones[0].data;
	CHECK_EQ(begin_read(pin, unmapped, sizeof(header), &overlapped), ERROR_IO_PENDING);
	munmap(unmapped, CAMERA_BYTES);
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), ERROR_NOACCESS);
	CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
	camera_fill();
	check_one(&ones[0], 2);
	close_all(filter, pin);
}

/* Sizes of headers: at least KSSTREAM_HEADER, a multiple of eight bytes, within the buffer. */
static void test_header_sizes(void)
{
	static const struct {
		ULONG size;
		ULONG buffer;
	} wrong[] = {
		{ 0, 56 }, { 8, 56 }, { 55, 56 }, { 57, 64 }, { 60, 64 }, { 64, 56 },
		{ 56, 0 }, { 56, 55 }, { 56, 57 }, { 56, 64 }, { 0xfffffff8, 56 },
		{ 0x80000000, 128 },
	};
	KSSTREAM_HEADER headers[4] = { { .FrameExtent = CAMERA_BYTES } };
	size_t i;

	CHECK_EQ(sizeof(KSSTREAM_HEADER), 56);
	open_all("udmabuf", &filter, &pin);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	headers[0].Data = ones[0].data;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		headers[0].Size = wrong[i].size;
		CHECK_EQ(begin_read(pin, headers, wrong[i].buffer, NULL),
			 ERROR_INVALID_USER_BUFFER);
	}
	CHECK_EQ(begin_read(pin, NULL, 0, NULL), ERROR_INVALID_USER_BUFFER);
	close_all(filter, pin);
}

/* J2: KS_FRAME_INFO is filled as far as the size of the header allows. */
static void test_frame_info(void)
{
	struct one *one = &ones[0];
	ULONG more;

	open_all("udmabuf", &filter, &pin);
	camera.field = V4L2_FIELD_TOP;
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	for (more = 0; more <= sizeof(one->info); more += 8) {
		CHECK_EQ(read_one_of_size(one, sizeof(one->header) + more), ERROR_IO_PENDING);
		camera_fill();
		check_one(one, (int)more / 8);
		CHECK_EQ(one->info.ExtendedHeaderSize, more ? more : 0x5a5a5a5a);
		CHECK_EQ(one->info.dwFrameFlags, more ? KS_VIDEO_FLAG_FIELD1 : 0x5a5a5a5a);
		CHECK_EQ(one->info.PictureNumber, more >= 16 ? more / 8 + 1 : 0x5a5a5a5a5a5a5a5a);
		CHECK_EQ(one->info.DropCount, more >= 24 ? 0 : 0x5a5a5a5a5a5a5a5a);
		CHECK_EQ((uintptr_t)one->info.hDirectDraw, 0x5a5a5a5a5a5a5a5a);
		CHECK_EQ(one->info.Reserved2, 0x5a5a5a5a);
		CHECK_EQ(one->info.FrameCompletionNumber,
			 more == sizeof(one->info) ? more / 8 + 1 : 0x5a5a5a5a5a5a5a5a);
	}
	close_all(filter, pin);
}

/* J2: dwFrameFlags has the field order of the format, or the field of the picture. */
static void test_fields(void)
{
	static const struct {
		__u32 field;
		DWORD flags;
	} orders[] = {
		{ V4L2_FIELD_NONE, 0 },
		{ V4L2_FIELD_TOP, KS_VIDEO_FLAG_FIELD1 },
		{ V4L2_FIELD_BOTTOM, KS_VIDEO_FLAG_FIELD2 },
		{ V4L2_FIELD_INTERLACED, KS_VIDEO_FLAG_WEAVE | KS_VIDEO_FLAG_FIELD1FIRST },
		{ V4L2_FIELD_INTERLACED_TB, KS_VIDEO_FLAG_WEAVE | KS_VIDEO_FLAG_FIELD1FIRST },
		{ V4L2_FIELD_INTERLACED_BT, KS_VIDEO_FLAG_WEAVE },
		{ V4L2_FIELD_ALTERNATE, KS_VIDEO_FLAG_FIELD1 },
		{ V4L2_FIELD_ALTERNATE, KS_VIDEO_FLAG_FIELD2 },
	};
	struct one *one = &ones[0];
	size_t i;

	open_all("udmabuf", &filter, &pin);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		camera.field = orders[i].field;
		CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
		CHECK_EQ(read_one_of_size(one, sizeof(one->header) + sizeof(one->info)),
			 ERROR_IO_PENDING);
		camera_fill();
		CHECK_EQ(end_read(pin, &one->overlapped, TRUE), 0);
		CHECK_EQ(one->info.dwFrameFlags, orders[i].flags);
		CHECK_EQ(one->header.TypeSpecificFlags, 0);
		CHECK_EQ(one->info.PictureNumber, 1);
		CHECK_EQ(set_state(pin, KSSTATE_STOP), 0);
	}
	close_all(filter, pin);
}

/*
 * Pictures that nobody reads: the last ones are kept. The others, and those that the device
 * lost, are counted, and the next header says so.
 */
static void test_drops(void)
{
	const ULONG size = sizeof(KSSTREAM_HEADER) + sizeof(KS_FRAME_INFO);
	static const int numbers[] = { 3, 4, 6 }, drops[] = { 3, 3, 4 };
	int i;

	open_all("udmabuf", &filter, &pin);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	for (i = 0; i < 5; i++)
		camera_fill();
	camera_wait(IN_DEVICE);
	camera_lose();
	for (i = 0; i < 2; i++) {
		CHECK_EQ(read_one_of_size(&ones[i], size), ERROR_IO_PENDING);
		CHECK(HasOverlappedIoCompleted(&ones[i].overlapped));
	}
	CHECK_EQ(read_one_of_size(&ones[2], size), ERROR_IO_PENDING);
	CHECK(!HasOverlappedIoCompleted(&ones[2].overlapped));
	camera_fill();
	for (i = 0; i < 3; i++) {
		check_one(&ones[i], numbers[i]);
		CHECK_EQ(ones[i].info.PictureNumber, numbers[i] + 1);
		CHECK_EQ(ones[i].info.DropCount, drops[i]);
		CHECK_EQ(ones[i].info.FrameCompletionNumber, i + 1);
		CHECK_EQ(!!(ones[i].header.OptionsFlags &
			    KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY), i == 0);
	}
	close_all(filter, pin);
}

/* Several headers in one call complete together, each with its own size. */
static void test_several_headers(void)
{
	struct {
		KSSTREAM_HEADER first;
		KS_FRAME_INFO info;
		KSSTREAM_HEADER second;
		KSSTREAM_HEADER third;
	} list;
	OVERLAPPED overlapped = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
	int i;

	open_all("udmabuf", &filter, &pin);
	memset(&list, 0, sizeof(list));
	list.first = (KSSTREAM_HEADER) { .Size = 56 + 72, .Data = ones[0].data };
	list.second = (KSSTREAM_HEADER) { .Size = 56, .Data = ones[1].data };
	list.third = (KSSTREAM_HEADER) { .Size = 56, .Data = ones[2].data };
	list.first.FrameExtent = CAMERA_BYTES;
	list.second.FrameExtent = CAMERA_BYTES;
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(begin_read(pin, &list, sizeof(list), &overlapped), ERROR_INSUFFICIENT_BUFFER);
	list.third.FrameExtent = CAMERA_BYTES;
	CHECK_EQ(begin_read(pin, &list, sizeof(list), &overlapped), ERROR_IO_PENDING);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(WaitForSingleObject(overlapped.hEvent, 0), WAIT_TIMEOUT);
		CHECK(!HasOverlappedIoCompleted(&overlapped));
		camera_fill();
		if (i < 2)
			camera_wait(IN_DEVICE + KEPT);
	}
	CHECK_EQ(WaitForSingleObject(overlapped.hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(end_read(pin, &overlapped, FALSE), 0);
	CHECK_EQ(overlapped.InternalHigh, sizeof(list));
	for (i = 0; i < 3; i++)
		CHECK(has_picture(ones[i].data, CAMERA_BYTES, i));
	CHECK_EQ(list.info.PictureNumber, 1);
	CHECK_EQ(list.second.PresentationTime.Time, 1000);
	CHECK_EQ(list.third.PresentationTime.Time, 2000);
	close_all(filter, pin);
	CloseHandle(overlapped.hEvent);
}

/* On the way down reads end as cancelled; on the way up they wait. */
static void test_states(void)
{
	static const KSSTATE ends[] = { KSSTATE_STOP, KSSTATE_ACQUIRE };
	size_t i;

	open_all("udmabuf", &filter, &pin);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		CHECK_EQ(set_state(pin, KSSTATE_ACQUIRE), 0);
		CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
		CHECK_EQ(set_state(pin, KSSTATE_PAUSE), 0);
		CHECK_EQ(read_one(&ones[1]), ERROR_IO_PENDING);
		CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
		CHECK_EQ(read_one(&ones[2]), ERROR_IO_PENDING);
		CHECK_EQ(set_state(pin, KSSTATE_PAUSE), 0);
		CHECK_EQ(end_read(pin, &ones[0].overlapped, FALSE), ERROR_IO_INCOMPLETE);
		camera_fill();
		CHECK_EQ(end_read(pin, &ones[0].overlapped, TRUE), 0);
		CHECK_EQ(set_state(pin, ends[i]), 0);
		CHECK_EQ(end_read(pin, &ones[1].overlapped, FALSE), ERROR_OPERATION_ABORTED);
		CHECK_EQ(end_read(pin, &ones[2].overlapped, FALSE), ERROR_OPERATION_ABORTED);
		CHECK_EQ(ones[1].overlapped.InternalHigh, 0);
	}
	CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
	CHECK_EQ(set_state(pin, KSSTATE_STOP), 0);
	CHECK_EQ(end_read(pin, &ones[0].overlapped, FALSE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
	CHECK_EQ(set_state(pin, 4), ERROR_INVALID_PARAMETER);
	CHECK_EQ(end_read(pin, &ones[0].overlapped, FALSE), ERROR_IO_INCOMPLETE);
	close_all(filter, pin);
	CHECK_EQ(end_read(pin, &ones[0].overlapped, FALSE), ERROR_OPERATION_ABORTED);
}

/* A flush ends reads and forgets filled frames. Until it ends, reads are refused. */
static void test_flush(void)
{
	open_all("udmabuf", &filter, &pin);
	CHECK_EQ(reset_pin(pin, KSRESET_BEGIN), ERROR_OPERATION_ABORTED);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	camera_fill();
	camera_wait(IN_DEVICE + KEPT - 1);
	CHECK_EQ(reset_pin(pin, KSRESET_BEGIN), 0);
	CHECK_EQ(read_one(&ones[0]), ERROR_OPERATION_ABORTED);
	CHECK_EQ(reset_pin(pin, KSRESET_END), 0);
	CHECK_EQ(camera_frames_in_device(), IN_DEVICE + KEPT);
	CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
	CHECK_EQ(reset_pin(pin, 7), ERROR_INVALID_PARAMETER);
	CHECK_EQ(reset_pin(pin, KSRESET_BEGIN), 0);
	CHECK_EQ(end_read(pin, &ones[0].overlapped, FALSE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(set_state(pin, KSSTATE_PAUSE), 0);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(read_one(&ones[0]), ERROR_OPERATION_ABORTED);
	CHECK_EQ(reset_pin(pin, KSRESET_END), 0);
	CHECK_EQ(reset_pin(pin, KSRESET_END), 0);
	CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
	camera_fill();
	check_one(&ones[0], 1);

	/* A state lower than PAUSE ends the flush, too */
	CHECK_EQ(reset_pin(pin, KSRESET_BEGIN), 0);
	CHECK_EQ(set_state(pin, KSSTATE_ACQUIRE), 0);
	CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	camera_fill();
	check_one(&ones[0], 2);
	close_all(filter, pin);
}

/* If a step up fails, the pin is as before, and keeps no memory. The next try works. */
static void test_failed_steps(void)
{
	int before, i;

	open_all("udmabuf", &filter, &pin);
	before = count_files();
	CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
	for (i = KSSTATE_ACQUIRE; i <= KSSTATE_RUN; i++) {
		camera.state_errno[i] = EIO;
		CHECK_EQ(set_state(pin, KSSTATE_RUN), ERROR_IO_DEVICE);
		camera.state_errno[i] = 0;
		CHECK_EQ(camera.state, KSSTATE_STOP);
		CHECK(!camera.assigned);
		CHECK_EQ(count_files(), before);
	}
	camera.submit_errno = EINVAL;
	CHECK_EQ(set_state(pin, KSSTATE_RUN), ERROR_INVALID_PARAMETER);
	camera.submit_errno = 0;
	camera.export_errno = EMFILE;
	CHECK_EQ(set_state(pin, KSSTATE_RUN), ERROR_TOO_MANY_OPEN_FILES);
	camera.export_errno = 0;
	CHECK_EQ(camera.state, KSSTATE_STOP);
	CHECK(!camera.assigned);
	CHECK_EQ(count_files(), before);

	CHECK_EQ(set_state(pin, KSSTATE_ACQUIRE), 0);
	camera.state_errno[KSSTATE_RUN] = EIO;
	CHECK_EQ(set_state(pin, KSSTATE_RUN), ERROR_IO_DEVICE);
	CHECK_EQ(camera.state, KSSTATE_ACQUIRE);
	camera.state_errno[KSSTATE_RUN] = 0;
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(camera_frames_in_device(), IN_DEVICE + KEPT);
	camera_fill();
	check_one(&ones[0], 0);
	close_all(filter, pin);
}

/* The camera disappears: reads fail, those that are pending and later ones, in any state. */
static void test_unplugged(void)
{
	KSSTATE state;

	for (state = KSSTATE_STOP; state <= KSSTATE_RUN; state++) {
		open_all("udmabuf", &filter, &pin);
		CHECK_EQ(set_state(pin, state), 0);
		CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
		camera_unplug();
		CHECK_EQ(end_read(pin, &ones[0].overlapped, TRUE), ERROR_DEVICE_REMOVED);
		CHECK_EQ(read_one(&ones[0]), ERROR_DEVICE_REMOVED);
		CHECK_EQ(set_state(pin, KSSTATE_RUN), ERROR_DEVICE_REMOVED);
		CHECK_EQ(set_state(pin, KSSTATE_STOP), 0);
		close_all(filter, pin);
	}
}

/* A frame that the device refuses once is given to it later. */
static void test_refused_frames(void)
{
	int i;

	open_all("udmabuf", &filter, &pin);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	camera_refuse(ENOMEM);
	for (i = 0; i < IN_DEVICE + KEPT - 1; i++) {
		CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
		camera_fill();
		check_one(&ones[0], i);
	}
	camera_refuse(0);
	CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
	camera_fill();
	check_one(&ones[0], i);
	camera_wait(IN_DEVICE + KEPT);
	close_all(filter, pin);
}

/* If the device has no frame any more, reads end with the reason. The next start works. */
static void test_no_frame_left(void)
{
	int i;

	open_all("udmabuf", &filter, &pin);
	for (i = 0; i <= IN_DEVICE + KEPT; i++)
		CHECK_EQ(read_one(&ones[i]), ERROR_IO_PENDING);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	camera_refuse(ENOMEM);
	for (i = 0; i < IN_DEVICE + KEPT; i++) {
		camera_fill();
		check_one(&ones[i], i);
	}
	CHECK_EQ(end_read(pin, &ones[i].overlapped, TRUE), ERROR_NOT_ENOUGH_MEMORY);
	CHECK_EQ(read_one(&ones[0]), ERROR_NOT_ENOUGH_MEMORY);
	camera_refuse(0);
	CHECK_EQ(set_state(pin, KSSTATE_STOP), 0);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(read_one(&ones[0]), ERROR_IO_PENDING);
	camera_fill();
	check_one(&ones[0], i);
	close_all(filter, pin);
}

/* The number of frames is that of the camera and those that wait for reads. */
static void test_number_of_frames(void)
{
	static const __u32 needed[] = { 1, 2, 5 }, frames[] = { 4, 4, 7 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		open_all("udmabuf", &filter, &pin);
		camera.frames_needed = needed[i];
		CHECK_EQ(set_state(pin, KSSTATE_PAUSE), 0);
		CHECK_EQ(camera_frames_in_device(), frames[i]);
		close_all(filter, pin);
	}
}

/* Frames of an allocator */

/* Several headers of frames complete together too, and nothing is copied. */
static void test_allocator(void)
{
	KSSTREAM_HEADER list[2];
	OVERLAPPED overlapped = { 0 };
	HANDLE allocator;
	void *frames[3];
	int i;

	open_all("udmabuf", &filter, &pin);
	allocator = open_allocator(pin);
	CHECK_EQ(camera.created.framing.frames, 3);
	for (i = 0; i < 3; i++)
		CHECK_EQ(allocate(allocator, &frames[i], NULL), 0);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	for (i = 0; i < 2; i++)
		list[i] = (KSSTREAM_HEADER) { .Size = sizeof(list[i]), .Data = frames[i] };
	CHECK_EQ(begin_read(pin, list, sizeof(list), &overlapped), ERROR_IO_PENDING);
	CHECK_EQ(camera_frames_in_device(), 2);
	camera_fill();
	camera_wait(1);
	CHECK(!HasOverlappedIoCompleted(&overlapped));
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), 0);
	CHECK_EQ(overlapped.InternalHigh, sizeof(list));
	for (i = 0; i < 2; i++) {
		CHECK(list[i].Data == frames[i]);
		CHECK(has_picture(frames[i], CAMERA_BYTES, i));
	}
	/* Not a frame; a frame twice: the first of the two stays in the device, but not for it */
	list[0] = (KSSTREAM_HEADER) { .Size = sizeof(list[0]), .Data = &overlapped };
	CHECK_EQ(begin_read(pin, list, sizeof(list[0]), &overlapped), ERROR_INVALID_PARAMETER);
	for (i = 0; i < 2; i++)
		list[i] = (KSSTREAM_HEADER) { .Size = sizeof(list[i]), .Data = frames[2] };
	CHECK_EQ(begin_read(pin, list, sizeof(list), &overlapped), ERROR_BUSY);
	CHECK_EQ(camera_frames_in_device(), 1);
	CHECK_EQ(begin_read(pin, list, sizeof(list[0]), &overlapped), ERROR_IO_PENDING);
	CHECK_EQ(camera_frames_in_device(), 1);
	camera_fill();
	CHECK_EQ(end_read(pin, &overlapped, TRUE), 0);
	CHECK(has_picture(frames[2], CAMERA_BYTES, 2));
	CloseHandle(allocator);
	close_all(filter, pin);
}

/* Clocks */

static DWORD get(HANDLE of, const GUID *set, ULONG id, void *value, ULONG size)
{
	KSPROPERTY property = { .Set = *set, .Id = id, .Flags = KSPROPERTY_TYPE_GET };

	return DeviceIoControl(of, IOCTL_KS_PROPERTY, &property, sizeof(property), value, size,
			       NULL, NULL) ? 0 : GetLastError();
}

static DWORD set_clock(HANDLE clock)
{
	KSPROPERTY property = {
		.Set = KSPROPSETID_Stream, .Id = KSPROPERTY_STREAM_MASTERCLOCK,
		.Flags = KSPROPERTY_TYPE_SET,
	};

	return DeviceIoControl(pin, IOCTL_KS_PROPERTY, &property, sizeof(property), &clock,
			       sizeof(clock), NULL, NULL) ? 0 : GetLastError();
}

static HANDLE open_clock(void)
{
	KSCLOCK_CREATE create = { 0 };
	HANDLE clock = NULL;

	CHECK_EQ(KsCreateClock(pin, &create, &clock), ERROR_SUCCESS);
	return clock;
}

/* The times of a clock are those of QueryPerformanceCounter(), in any state. */
static void test_clock(void)
{
	static const ULONG times[] = {
		KSPROPERTY_CLOCK_TIME, KSPROPERTY_CLOCK_PHYSICALTIME,
	};
	static const ULONG correlated_times[] = {
		KSPROPERTY_CLOCK_CORRELATEDTIME, KSPROPERTY_CLOCK_CORRELATEDPHYSICALTIME,
	};
	KSCORRELATED_TIME correlated;
	LARGE_INTEGER before, after;
	KSRESOLUTION resolution;
	LONGLONG time;
	HANDLE clock;
	int i;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	clock = open_clock();
	for (i = 0; i < 2; i++) {
		QueryPerformanceCounter(&before);
		CHECK_EQ(get(clock, &KSPROPSETID_Clock, times[i], &time, sizeof(time)), 0);
		CHECK_EQ(get(clock, &KSPROPSETID_Clock, correlated_times[i], &correlated,
			     sizeof(correlated)), 0);
		QueryPerformanceCounter(&after);
		CHECK(time >= before.QuadPart && time <= correlated.Time);
		CHECK(correlated.Time <= after.QuadPart);
		CHECK_EQ(correlated.Time, correlated.SystemTime);
	}
	CHECK_EQ(get(clock, &KSPROPSETID_Clock, KSPROPERTY_CLOCK_RESOLUTION, &resolution,
		     sizeof(resolution)), 0);
	CHECK(resolution.Granularity >= 1);
	CHECK_EQ(get(clock, &KSPROPSETID_Clock, KSPROPERTY_CLOCK_TIME, &time, 4),
		 ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(get(clock, &KSPROPSETID_Clock, 77, &time, sizeof(time)), ERROR_NOT_FOUND);
	CHECK_EQ(get(clock, &KSPROPSETID_Stream, 0, &time, sizeof(time)), ERROR_SET_NOT_FOUND);
	CHECK(CloseHandle(clock));
	close_all(filter, pin);
}

static KSSTATE clock_state(HANDLE clock)
{
	KSSTATE state = 77;

	CHECK_EQ(get(clock, &KSPROPSETID_Clock, KSPROPERTY_CLOCK_STATE, &state, sizeof(state)), 0);
	return state;
}

/* A clock has the state of its pin, until that is closed. It does not keep the pin. */
static void test_clock_of_pin(void)
{
	HANDLE clock, other;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	clock = open_clock();
	CHECK_EQ(clock_state(clock), KSSTATE_STOP);
	CHECK_EQ(set_clock(clock), 0);
	CHECK_EQ(set_state(pin, KSSTATE_RUN), 0);
	CHECK_EQ(clock_state(clock), KSSTATE_RUN);
	CHECK(CloseHandle(pin));
	CHECK_EQ(clock_state(clock), KSSTATE_STOP);
	camera.state = KSSTATE_STOP;
	pin = open_pin(filter);
	CHECK_EQ(set_clock(clock), 0);
	other = open_clock();
	CHECK(CloseHandle(clock));
	CHECK(CloseHandle(other));
	CHECK(!CloseHandle(clock));
	close_all(filter, pin);
}

/* The master clock is a clock or none, and does not change while frames are read. */
static void test_wrong_clocks(void)
{
	KSCLOCK_CREATE create = { .CreateFlags = 1 };
	PHANDLE nowhere = (PHANDLE)(ULONG_PTR)16;
	HANDLE clock;

	open_all(LIBKS_UDMABUF, &filter, &pin);
	CHECK_EQ(KsCreateClock(pin, &create, &clock), ERROR_INVALID_PARAMETER);
	create.CreateFlags = 0;
	CHECK_EQ(KsCreateClock(pin, NULL, &clock), ERROR_INVALID_PARAMETER);
	CHECK_EQ(KsCreateClock(pin, &create, NULL), ERROR_INVALID_PARAMETER);
	CHECK_EQ(KsCreateClock(pin, (void *)nowhere, &clock), ERROR_NOACCESS);
	CHECK_EQ(KsCreateClock(pin, &create, nowhere), ERROR_NOACCESS);
	CHECK_EQ(KsCreateClock(filter, &create, &clock), ERROR_INVALID_HANDLE);
	CHECK_EQ(KsCreateClock(NULL, &create, &clock), ERROR_INVALID_HANDLE);
	clock = open_clock();
	CHECK_EQ(KsCreateClock(clock, &create, &clock), ERROR_INVALID_HANDLE);
	CHECK_EQ(set_clock(pin), ERROR_INVALID_HANDLE);
	CHECK_EQ(set_clock(clock), 0);
	CHECK_EQ(set_clock(NULL), 0);
	CHECK_EQ(set_state(pin, KSSTATE_PAUSE), 0);
	CHECK_EQ(set_clock(clock), ERROR_BUSY);
	CHECK_EQ(begin_read(clock, &ones[0].header, sizeof(ones[0].header), NULL),
		 ERROR_INVALID_FUNCTION);
	CHECK(CloseHandle(clock));
	close_all(filter, pin);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "many reads", test_many_reads },
		{ "any memory", test_any_memory },
		{ "frames that are too small", test_extent },
		{ "wrong memory", test_wrong_memory },
		{ "memory that is unmapped", test_unmapped_memory },
		{ "sizes of headers", test_header_sizes },
		{ "KS_FRAME_INFO", test_frame_info },
		{ "order of fields", test_fields },
		{ "pictures that nobody reads", test_drops },
		{ "several headers", test_several_headers },
		{ "states", test_states },
		{ "flush", test_flush },
		{ "steps that fail", test_failed_steps },
		{ "camera that is unplugged", test_unplugged },
		{ "frames that the camera refuses", test_refused_frames },
		{ "no frame in the camera", test_no_frame_left },
		{ "number of frames", test_number_of_frames },
		{ "frames of an allocator", test_allocator },
		{ "clocks", test_clock },
		{ "clock of a pin", test_clock_of_pin },
		{ "wrong clocks", test_wrong_clocks },
	};

	alarm(PATIENCE_S);
	return tap_run(tests, ARRAY_SIZE(tests));
}
