// SPDX-License-Identifier: GPL-2.0-only
/* Ranges and formats of libkswin, and the order of lines. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ks/win/winternl.h>

#include "tap.h"
#include "windevice.h"
#include "winrequest.h"

/* Ranges and formats */

/* All ranges come as VIDEOINFO, and then all as VIDEOINFO2 with the same values. */
static void test_ranges(void)
{
	KSMULTIPLE_ITEM *list;
	ULONG i;

	camera_reset();
	camera.field = V4L2_FIELD_INTERLACED_TB;
	open_camera();
	list = get_ranges();
	CHECK_EQ(list->Count, 16);
	for (i = 0; i < 8; i++) {
		const KS_DATARANGE_VIDEO *one = (void *)range_number(list, i);
		const KS_DATARANGE_VIDEO2 *two = (void *)range_number(list, 8 + i);

		CHECK_EQ(one->DataRange.FormatSize, sizeof(*one));
		CHECK_EQ(two->DataRange.FormatSize, sizeof(*two));
		CHECK(IsEqualGUID(&one->DataRange.Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO));
		CHECK(IsEqualGUID(&two->DataRange.Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO2));
		CHECK(IsEqualGUID(&one->DataRange.SubFormat, &two->DataRange.SubFormat));
		CHECK_EQ(one->DataRange.SampleSize, two->DataRange.SampleSize);
		CHECK(!memcmp(&one->VideoInfoHeader.bmiHeader, &two->VideoInfoHeader.bmiHeader,
			      sizeof(KS_BITMAPINFOHEADER)));
		CHECK_EQ(one->VideoInfoHeader.AvgTimePerFrame, 333333);
		CHECK_EQ(two->VideoInfoHeader.AvgTimePerFrame, 333333);
		CHECK_EQ(two->VideoInfoHeader.dwPictAspectRatioX, i & 1 ? 64 : 128);
		CHECK_EQ(two->VideoInfoHeader.dwInterlaceFlags,
			 KS_INTERLACE_IsInterlaced | KS_INTERLACE_Field1First |
			 KS_INTERLACE_FieldPatBothRegular | KS_INTERLACE_DisplayModeBobOrWeave);
		CHECK_EQ(one->ConfigCaps.MaxFrameInterval, 666666);
		CHECK(one->ConfigCaps.MinBitsPerSecond < one->ConfigCaps.MaxBitsPerSecond);
		CHECK(one->VideoInfoHeader.bmiHeader.biHeight > 0);
	}
	CHECK(!range_number(list, 16));
	free(list);
	CloseHandle(filter);
}

static DWORD intersect(const void *ranges, ULONG bytes, ULONG count, void *out, ULONG size)
{
	struct {
		KSP_PIN pin;
		KSMULTIPLE_ITEM list;
		char ranges[4096];
	} in = {
		.pin.Property = { .Set = KSPROPSETID_Pin, .Id = KSPROPERTY_PIN_DATAINTERSECTION,
				  .Flags = KSPROPERTY_TYPE_GET },
	};

	in.pin.PinId = 0;
	in.list.Size = (ULONG)sizeof(in.list) + bytes;
	in.list.Count = count;
	memcpy(in.ranges, ranges, bytes);
	return call(filter, IOCTL_KS_PROPERTY, &in, (ULONG)offsetof(__typeof__(in), ranges) + bytes,
		    out, size);
}

/* J2: the first format of the client's ranges, in their order, that the device has. */
static void test_intersection(void)
{
	KS_DATAFORMAT_VIDEOINFOHEADER first;
	KS_DATAFORMAT_VIDEOINFOHEADER2 second;
	KS_DATARANGE_VIDEO ranges[2];
	KS_DATARANGE_VIDEO2 wide;
	KSMULTIPLE_ITEM *list;
	KSDATARANGE any;

	camera_reset();
	open_camera();
	list = get_ranges();
	memcpy(&ranges[0], range_number(list, 2), sizeof(ranges[0]));
	CHECK_EQ(intersect(ranges, sizeof(ranges[0]), 1, NULL, 0), ERROR_MORE_DATA);
	CHECK_EQ(returned, sizeof(first));
	CHECK_EQ(intersect(ranges, sizeof(ranges[0]), 1, &first, sizeof(first) - 1),
		 ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(intersect(ranges, sizeof(ranges[0]), 1, &first, sizeof(first)), 0);
	CHECK_EQ(first.DataFormat.FormatSize, sizeof(first));
	CHECK_EQ(first.DataFormat.SampleSize, 128 * 96 * 3 / 2);
	CHECK(!memcmp(&first.VideoInfoHeader, &ranges[0].VideoInfoHeader,
		      sizeof(first.VideoInfoHeader)));

	/* Size and rate of the client; the rest follows */
	ranges[0].VideoInfoHeader.bmiHeader.biWidth = 32;
	ranges[0].VideoInfoHeader.bmiHeader.biHeight = 16;
	ranges[0].VideoInfoHeader.AvgTimePerFrame = 500000;
	CHECK_EQ(intersect(ranges, sizeof(ranges[0]), 1, &first, sizeof(first)), 0);
	CHECK_EQ(first.VideoInfoHeader.bmiHeader.biWidth, 32);
	CHECK_EQ(first.VideoInfoHeader.bmiHeader.biSizeImage, 32 * 16 * 3 / 2);
	CHECK_EQ(first.VideoInfoHeader.rcSource.right, 32);
	CHECK_EQ(first.VideoInfoHeader.AvgTimePerFrame, 500000);

	/* The second range, because the device has no such picture */
	ranges[0].VideoInfoHeader.bmiHeader.biWidth = 4000;
	memcpy(&ranges[1], range_number(list, 0), sizeof(ranges[1]));
	CHECK_EQ(intersect(ranges, sizeof(ranges[0]), 1, &first, sizeof(first)), ERROR_NO_MATCH);
	CHECK_EQ(intersect(ranges, sizeof(ranges), 2, &first, sizeof(first)), 0);
	CHECK(IsEqualGUID(&first.DataFormat.SubFormat, &ranges[1].DataRange.SubFormat));

	/* Types only, and wildcards */
	any = ranges[1].DataRange;
	any.FormatSize = sizeof(any);
	any.SubFormat = GUID_NULL;
	any.Specifier = GUID_NULL;
	CHECK_EQ(intersect(&any, sizeof(any), 1, &first, sizeof(first)), 0);
	CHECK_EQ(first.VideoInfoHeader.bmiHeader.biWidth, 128);
	any.MajorFormat.Data1++;
	CHECK_EQ(intersect(&any, sizeof(any), 1, &first, sizeof(first)), ERROR_NO_MATCH);

	memcpy(&wide, range_number(list, 8), sizeof(wide));
	CHECK_EQ(intersect(&wide, sizeof(wide), 1, &second, sizeof(second)), 0);
	CHECK_EQ(returned, sizeof(second));
	CHECK(IsEqualGUID(&second.DataFormat.Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO2));
	CHECK_EQ(second.VideoInfoHeader2.bmiHeader.biWidth, 128);
	free(list);
	CloseHandle(filter);
}

/* Sizes in the request that do not fit are refused. */
static void test_wrong_intersections(void)
{
	struct {
		KSDATARANGE range;
		KSMULTIPLE_ITEM attributes;
		KSDATARANGE second;
	} list;
	struct {
		KSP_PIN pin;
		KSMULTIPLE_ITEM list;
	} head = {
		.pin.Property = { .Set = KSPROPSETID_Pin, .Id = KSPROPERTY_PIN_DATAINTERSECTION,
				  .Flags = KSPROPERTY_TYPE_GET },
	};
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	KSMULTIPLE_ITEM *own;

	camera_reset();
	open_camera();
	own = get_ranges();
	head.pin.PinId = 0;
	memset(&list, 0, sizeof(list));
	list.range = *range_number(own, 0);
	list.range.FormatSize = sizeof(list.range);
	list.second = list.range;
	free(own);
#define INTERSECT(bytes, count) intersect(&list, bytes, count, &format, sizeof(format))
	CHECK_EQ(INTERSECT(sizeof(list.range), 1), 0);
	/* Fewer bytes than ranges */
	list.range.MajorFormat.Data1++;
	CHECK_EQ(INTERSECT(sizeof(list.range), 2), ERROR_INVALID_PARAMETER);
	CHECK_EQ(INTERSECT(sizeof(list.range), UINT32_MAX), ERROR_INVALID_PARAMETER);
	list.range.FormatSize = sizeof(list.range) + 1;
	CHECK_EQ(INTERSECT(sizeof(list.range), 1), ERROR_INVALID_PARAMETER);
	list.range.FormatSize = sizeof(list.range) - 1;
	CHECK_EQ(INTERSECT(sizeof(list.range), 1), ERROR_INVALID_PARAMETER);
	list.range.FormatSize = 0;
	CHECK_EQ(INTERSECT(sizeof(list.range), 1), ERROR_INVALID_PARAMETER);
	list.range.FormatSize = UINT32_MAX;
	CHECK_EQ(INTERSECT(sizeof(list.range), 1), ERROR_INVALID_PARAMETER);

	/* Attributes are skipped, unless they are required */
	list.range.FormatSize = sizeof(list.range);
	list.range.Flags = KSDATARANGE_ATTRIBUTES;
	list.attributes.Size = sizeof(list.attributes);
	CHECK_EQ(INTERSECT(sizeof(list), 2), 0);
	list.attributes.Size = 7;
	CHECK_EQ(INTERSECT(sizeof(list), 2), ERROR_INVALID_PARAMETER);
	list.attributes.Size = UINT32_MAX;
	CHECK_EQ(INTERSECT(sizeof(list), 2), ERROR_INVALID_PARAMETER);
	CHECK_EQ(INTERSECT(sizeof(list.range) + 4, 1), ERROR_INVALID_PARAMETER);
	list.range.MajorFormat.Data1--;
	list.range.Flags = KSDATARANGE_REQUIRED_ATTRIBUTES;
	CHECK_EQ(INTERSECT(sizeof(list.range), 1), ERROR_NO_MATCH);
#undef INTERSECT

	head.list.Size = sizeof(head.list) + 1;
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, &head, sizeof(head), &format, sizeof(format)),
		 ERROR_INVALID_PARAMETER);
	head.list.Size = sizeof(head.list) - 1;
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, &head, sizeof(head), &format, sizeof(format)),
		 ERROR_INVALID_PARAMETER);
	head.list.Size = sizeof(head.list);
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, &head, sizeof(head), &format, sizeof(format)),
		 ERROR_NO_MATCH);
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, &head, sizeof(head) - 1, &format, sizeof(format)),
		 ERROR_INSUFFICIENT_BUFFER);
	CloseHandle(filter);
}

static DWORD try_format(void)
{
	KSP_PIN pin = {
		.Property = { .Set = KSPROPSETID_Pin, .Id = KSPROPERTY_PIN_PROPOSEDATAFORMAT,
			      .Flags = KSPROPERTY_TYPE_SET },
	};

	return call(filter, IOCTL_KS_PROPERTY, &pin, sizeof(pin), &request.format,
		    sizeof(request.format));
}

/* A padded line is biWidth; the picture is in the rectangles. */
static void test_padded_lines(void)
{
	KS_VIDEOINFOHEADER *info = &request.format.first.VideoInfoHeader;
	KSMULTIPLE_ITEM *list;
	HANDLE pin;

	camera_reset();
	camera.line_unit = 96;
	camera.max_width = 100;
	open_camera();
	list = get_ranges();
	/* YUYV: 200 bytes become 288, which are 144 pixels */
	take_range(range_number(list, 0));
	CHECK_EQ(info->bmiHeader.biWidth, 144);
	CHECK_EQ(info->rcSource.right, 100);
	CHECK_EQ(info->rcTarget.right, 100);
	CHECK_EQ(request.format.any.SampleSize, 288 * 96);
	CHECK_EQ(try_format(), 0);
	CHECK_EQ(create_pin(filter, &pin), 0);
	CHECK_EQ(camera.pix.width, 100);
	CHECK_EQ(camera.pix.bytesperline, 288);
	CloseHandle(pin);
	/* Without the rectangles it is a picture of 144 pixels */
	memset(&info->rcSource, 0, sizeof(RECT));
	CHECK_EQ(try_format(), ERROR_NO_MATCH);
	/* A picture whose lines the device pads, without that in the format */
	info->bmiHeader.biWidth = 100;
	CHECK_EQ(try_format(), ERROR_NO_MATCH);
	/* NV12: 100 bytes become 192 */
	take_range(range_number(list, 2));
	CHECK_EQ(info->bmiHeader.biWidth, 192);
	CHECK_EQ(try_format(), 0);
	free(list);

	/* Rectangles of another size do not count, if lines have no padding */
	camera.line_unit = 1;
	camera.max_width = 128;
	list = get_ranges();
	take_range(range_number(list, 0));
	info->bmiHeader.biWidth = 64;
	CHECK_EQ(try_format(), 0);
	info->rcSource.right = 32;
	info->rcTarget.right = 32;
	CHECK_EQ(try_format(), 0);
	CHECK_EQ(create_pin(filter, &pin), 0);
	CHECK_EQ(camera.pix.width, 64);
	CloseHandle(pin);
	free(list);

	/* A line of RGB in Windows is a multiple of four bytes */
	camera.max_width = 66;
	camera.takes_lines = true;
	list = get_ranges();
	take_range(range_number(list, 4));
	CHECK_EQ(info->bmiHeader.biWidth, 66);
	CHECK_EQ(request.format.any.SampleSize, 200 * 96);
	CHECK_EQ(try_format(), 0);
	camera.takes_lines = false;
	CHECK_EQ(try_format(), ERROR_NO_MATCH);
	free(list);
	CloseHandle(filter);
}

/* A device of the multi-planar API has the formats with one plane. */
static void test_planes(void)
{
	KSMULTIPLE_ITEM *list;
	HANDLE pin;

	camera_reset();
	camera.has_planes = true;
	open_camera();
	list = get_ranges();
	CHECK_EQ(list->Count, 16);
	take_range(range_number(list, 2));
	CHECK_EQ(request.format.any.SampleSize, 128 * 96 * 3 / 2);
	CHECK_EQ(create_pin(filter, &pin), 0);
	CHECK_EQ(camera.pix.pixelformat, V4L2_PIX_FMT_NV12);
	CHECK_EQ(property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_DATAFORMAT,
			  KSPROPERTY_TYPE_GET, &request.format, sizeof(request.format)), 0);
	CHECK_EQ(returned, sizeof(request.format.first));
	CloseHandle(pin);
	free(list);
	camera.planes = 2;
	list = get_ranges();
	CHECK_EQ(list->Count, 0);
	CHECK_EQ(try_format(), ERROR_NO_MATCH);
	free(list);
	CloseHandle(filter);
}

static void fill_lines(unsigned char *data)
{
	__u32 i;

	for (i = 0; i < camera.pix.height; i++)
		memset(data + (size_t)i * camera.pix.bytesperline, (int)i + 1,
		       camera.pix.bytesperline);
}

/* RGB with a positive height is bottom-up, with a negative height top-down. */
static void test_order_of_lines(void)
{
	KS_VIDEOINFOHEADER *info = &request.format.first.VideoInfoHeader;
	static unsigned char frame[384 * 96];
	struct win_object *object;
	KSMULTIPLE_ITEM *list;
	HANDLE pin;

	camera_reset();
	open_camera();
	object = win_get(filter, WIN_FILTER);
	list = get_ranges();
	take_range(range_number(list, 4));
	CHECK_EQ(info->bmiHeader.biCompression, KS_BI_RGB);
	CHECK_EQ(info->bmiHeader.biHeight, 96);
	CHECK_EQ(create_pin(filter, &pin), 0);
	fill_lines(frame);
	win_filter_finish_frame(object, frame, sizeof(frame));
	CHECK_EQ(frame[0], 96);
	CHECK_EQ(frame[383], 96);
	CHECK_EQ(frame[384], 95);
	CHECK_EQ(frame[47 * 384], 49);
	CHECK_EQ(frame[48 * 384], 48);
	CHECK_EQ(frame[sizeof(frame) - 1], 1);
	/* A part of a picture stays as it is */
	fill_lines(frame);
	win_filter_finish_frame(object, frame, sizeof(frame) - 1);
	CHECK_EQ(frame[0], 1);
	CHECK_EQ(property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_DATAFORMAT,
			  KSPROPERTY_TYPE_GET, &request.format, sizeof(request.format)), 0);
	CHECK_EQ(info->bmiHeader.biHeight, 96);

	info->bmiHeader.biHeight = -96;
	CHECK_EQ(property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_DATAFORMAT,
			  KSPROPERTY_TYPE_SET, &request.format, sizeof(request.format.first)), 0);
	win_filter_finish_frame(object, frame, sizeof(frame));
	CHECK_EQ(frame[0], 1);
	CHECK_EQ(property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_DATAFORMAT,
			  KSPROPERTY_TYPE_GET, &request.format, sizeof(request.format)), 0);
	CHECK_EQ(info->bmiHeader.biHeight, -96);
	CloseHandle(pin);

	/* Other formats have one order, whatever the sign */
	take_range(range_number(list, 0));
	CHECK_EQ(create_pin(filter, &pin), 0);
	fill_lines(frame);
	win_filter_finish_frame(object, frame, sizeof(frame));
	CHECK_EQ(frame[0], 1);
	CloseHandle(pin);
	win_put(object);
	free(list);
	CloseHandle(filter);
}

/* An odd number of lines, one line, and lines longer than the buffer of the copy */
static void test_swapping_lines(void)
{
	struct v4l2_pix_format pix = { .pixelformat = V4L2_PIX_FMT_BGR24, .bytesperline = 1500 };
	unsigned char data[3 * 1500];
	int i;

	for (i = 0; i < 3; i++)
		memset(data + i * 1500, i, 1500);
	data[1499] = 7;
	pix.height = 3;
	win_format_swap_lines(&pix, data, sizeof(data));
	CHECK_EQ(data[0], 2);
	CHECK_EQ(data[1500], 1);
	CHECK_EQ(data[3000], 0);
	CHECK_EQ(data[4499], 7);
	pix.height = 1;
	win_format_swap_lines(&pix, data, 1500);
	CHECK_EQ(data[0], 2);
	pix.height = 0;
	win_format_swap_lines(&pix, data, sizeof(data));
	pix.height = UINT32_MAX;
	win_format_swap_lines(&pix, data, sizeof(data));
	CHECK_EQ(data[0], 2);
}

/* What is not a line of the picture is copied as it is. */
static void test_copying_lines(void)
{
	struct v4l2_pix_format pix = {
		.pixelformat = V4L2_PIX_FMT_BGR24, .bytesperline = 4, .height = 2,
	};
	char data[11] = { 0 };

	CHECK_EQ(win_format_copy_out(&pix, data, "aaaabbbbcc", 10), 0);
	CHECK(!memcmp(data, "bbbbaaaacc", sizeof(data)));
	CHECK_EQ(win_format_copy_out(&pix, data, "aaaabbb", 7), 0);
	CHECK(!memcmp(data, "aaaabbbacc", sizeof(data)));
}

/* A client can use the second form of a format, and gets it back. */
static void test_second_form(void)
{
	const KS_DATARANGE_VIDEO2 *range;
	KSMULTIPLE_ITEM *list;
	HANDLE pin;

	camera_reset();
	open_camera();
	list = get_ranges();
	range = (void *)range_number(list, 8);
	request.format.any = range->DataRange;
	request.format.any.FormatSize = sizeof(request.format.second);
	request.format.second.VideoInfoHeader2 = range->VideoInfoHeader;
	CHECK_EQ(create_pin(filter, &pin), 0);
	CHECK_EQ(camera.pix.width, 128);
	CHECK_EQ(property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_DATAFORMAT,
			  KSPROPERTY_TYPE_GET, &request.format, sizeof(request.format)), 0);
	CHECK_EQ(returned, sizeof(request.format.second));
	CHECK(IsEqualGUID(&request.format.any.Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO2));
	CHECK_EQ(request.format.second.VideoInfoHeader2.bmiHeader.biWidth, 128);
	CloseHandle(pin);
	request.format.any.FormatSize--;
	CHECK_EQ(create_pin(filter, &pin), ERROR_INSUFFICIENT_BUFFER);
	request.format.any.FormatSize = sizeof(KSDATAFORMAT) - 1;
	CHECK_EQ(create_pin(filter, &pin), ERROR_INVALID_PARAMETER);
	request.format.any.FormatSize = UINT32_MAX;
	CHECK_EQ(create_pin(filter, &pin), ERROR_INVALID_PARAMETER);
	free(list);
	CloseHandle(filter);
}

static const WCHAR pin_name[] = KSSTRING_Pin L"\\";

static NTSTATUS open_pin(const char *name, size_t bytes, ULONG options, HANDLE *pin)
{
	UNICODE_STRING string = { .Length = (USHORT)bytes, .Buffer = (PWSTR)(void *)name };
	OBJECT_ATTRIBUTES attributes;
	IO_STATUS_BLOCK status = { .Information = 77 };
	NTSTATUS ret;

	InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE, filter, NULL);
	ret = NtOpenFile(pin, GENERIC_READ, &attributes, &status, 0, options);
	/* FILE_OPENED */
	CHECK_EQ(status.Information, ret ? 77 : 1);
	return ret;
}

/* J2: NtOpenFile() with the name that KsCreatePin() of Windows makes creates the same pin. */
static void test_native_pin(void)
{
	const size_t head = sizeof(pin_name) - sizeof(WCHAR);
	char name[sizeof(pin_name) + sizeof(request)] = { 0 };
	KSSTATE state = 77;
	HANDLE pin, other;

	camera_reset();
	open_camera();
	take_range_number(3);
	CHECK_EQ(create_pin(filter, &pin), 0);
	CHECK(CloseHandle(pin));
	memset(&camera.pix, 0, sizeof(camera.pix));
	memcpy(name, pin_name, head);
	memcpy(name + head, &request, sizeof(request));
	CHECK_EQ(open_pin(name, sizeof(name) - sizeof(WCHAR), 0, &pin), STATUS_SUCCESS);
	CHECK_EQ(camera.pix.pixelformat, V4L2_PIX_FMT_NV12);
	CHECK_EQ(camera.pix.width, request.format.first.VideoInfoHeader.bmiHeader.biWidth);
	CHECK_EQ(property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_STATE,
			  KSPROPERTY_TYPE_GET, &state, sizeof(state)), 0);
	CHECK_EQ(state, KSSTATE_STOP);
	CHECK_EQ(open_pin(name, sizeof(name) - sizeof(WCHAR), 0, &other), STATUS_DEVICE_BUSY);
	CHECK_EQ(NtClose(pin), STATUS_SUCCESS);
	/* The name can have no byte less than the format */
	CHECK_EQ(open_pin(name, head + sizeof(KSPIN_CONNECT) + sizeof(request.format.first) - 1,
			  0, &pin), STATUS_INVALID_PARAMETER);
	CHECK_EQ(open_pin(name, head + sizeof(KSPIN_CONNECT) + sizeof(request.format.first),
			  0, &pin), STATUS_SUCCESS);
	CHECK(CloseHandle(pin));
	CloseHandle(filter);
}

/* The option of NtOpenFile() lets native calls wait, also with an event. */
static void test_native_waits(void)
{
	const size_t head = sizeof(pin_name) - sizeof(WCHAR);
	static unsigned char picture[CAMERA_FRAME_BYTES];
	char name[sizeof(pin_name) + sizeof(request)] = { 0 };
	KSSTREAM_HEADER header = {
		.Size = sizeof(header), .Data = picture, .FrameExtent = sizeof(picture),
	};
	HANDLE pin, event = CreateEventA(NULL, TRUE, FALSE, NULL);
	ULONG options[] = { FILE_SYNCHRONOUS_IO_NONALERT, FILE_SYNCHRONOUS_IO_ALERT, 0 };
	KSSTATE run = KSSTATE_RUN;
	IO_STATUS_BLOCK status;
	size_t i;

	camera_reset();
	open_camera();
	take_range_number(0);
	CHECK_EQ(create_pin(filter, &pin), 0);
	CHECK(CloseHandle(pin));
	memcpy(name, pin_name, head);
	memcpy(name + head, &request, sizeof(request));
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		camera.frames = CAMERA_FRAMES;
		CHECK_EQ(open_pin(name, sizeof(name) - sizeof(WCHAR), options[i], &pin), 0);
		CHECK_EQ(property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_STATE,
				  KSPROPERTY_TYPE_SET, &run, sizeof(run)), 0);
		CHECK_EQ(NtDeviceIoControlFile(pin, event, NULL, NULL, &status,
					       IOCTL_KS_READ_STREAM, NULL, 0, &header,
					       sizeof(header)),
			 options[i] ? STATUS_SUCCESS : STATUS_PENDING);
		CHECK_EQ(WaitForSingleObject(event, options[i] ? 0 : INFINITE), WAIT_OBJECT_0);
		CHECK_EQ(status.Status, STATUS_SUCCESS);
		CHECK(CloseHandle(pin));
	}
	CHECK(CloseHandle(event));
	CloseHandle(filter);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "ranges", test_ranges },
		{ "intersection", test_intersection },
		{ "wrong intersections", test_wrong_intersections },
		{ "padded lines", test_padded_lines },
		{ "planes", test_planes },
		{ "order of lines", test_order_of_lines },
		{ "swapping lines", test_swapping_lines },
		{ "copying lines", test_copying_lines },
		{ "second form of a format", test_second_form },
		{ "pin by NtOpenFile", test_native_pin },
		{ "pin for native calls that wait", test_native_waits },
	};

	alarm(WIN_PATIENCE_S);
	return tap_run(tests, ARRAY_SIZE(tests));
}
