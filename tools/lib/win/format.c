// SPDX-License-Identifier: GPL-2.0-only
/*
 * Video formats: subtype, compression and bits per pixel of Windows, and fourcc of V4L2.
 *
 * In Windows, biWidth tells the length of a line, and a line of RGB is a multiple of four
 * bytes long. If lines are padded, biWidth is larger than the picture, and rcSource and
 * rcTarget are the picture. A client that takes a format and changes biWidth often leaves
 * the rectangles as they were, so they count only for a device that pads such lines.
 *
 * RGB pictures are bottom-up if biHeight is positive, which is usual. V4L2 has only pictures
 * that are top-down: the lines of such a frame are swapped when the client gets it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "win.h"

#define SUBTYPE_TAIL 0x0000, 0x0010, { 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71 }
#define RGB_TAIL 0x524f, 0x11ce, { 0x9f, 0x53, 0x00, 0x20, 0xaf, 0x0b, 0xa7, 0x70 }

static const struct {
	__u32 pixelformat;
	DWORD compression;
	GUID subtype;
	WORD bits;
	/* Bits of a pixel in a line of the first plane; 0 for compressed data */
	BYTE line;
} formats[] = {
	{ V4L2_PIX_FMT_YUYV, v4l2_fourcc('Y', 'U', 'Y', '2'),
	  { v4l2_fourcc('Y', 'U', 'Y', '2'), SUBTYPE_TAIL }, 16, 16 },
	{ V4L2_PIX_FMT_UYVY, v4l2_fourcc('U', 'Y', 'V', 'Y'),
	  { v4l2_fourcc('U', 'Y', 'V', 'Y'), SUBTYPE_TAIL }, 16, 16 },
	{ V4L2_PIX_FMT_NV12, v4l2_fourcc('N', 'V', '1', '2'),
	  { v4l2_fourcc('N', 'V', '1', '2'), SUBTYPE_TAIL }, 12, 8 },
	{ V4L2_PIX_FMT_YUV420, v4l2_fourcc('I', '4', '2', '0'),
	  { v4l2_fourcc('I', '4', '2', '0'), SUBTYPE_TAIL }, 12, 8 },
	{ V4L2_PIX_FMT_YUV420, v4l2_fourcc('I', 'Y', 'U', 'V'),
	  { v4l2_fourcc('I', 'Y', 'U', 'V'), SUBTYPE_TAIL }, 12, 8 },
	{ V4L2_PIX_FMT_YVU420, v4l2_fourcc('Y', 'V', '1', '2'),
	  { v4l2_fourcc('Y', 'V', '1', '2'), SUBTYPE_TAIL }, 12, 8 },
	{ V4L2_PIX_FMT_GREY, v4l2_fourcc('Y', '8', '0', '0'),
	  { v4l2_fourcc('Y', '8', '0', '0'), SUBTYPE_TAIL }, 8, 8 },
	{ V4L2_PIX_FMT_BGR24, KS_BI_RGB, { 0xe436eb7d, RGB_TAIL }, 24, 24 },
	{ V4L2_PIX_FMT_XBGR32, KS_BI_RGB, { 0xe436eb7e, RGB_TAIL }, 32, 32 },
	{ V4L2_PIX_FMT_MJPEG, v4l2_fourcc('M', 'J', 'P', 'G'),
	  { v4l2_fourcc('M', 'J', 'P', 'G'), SUBTYPE_TAIL }, 24, 0 },
	{ V4L2_PIX_FMT_H264, v4l2_fourcc('H', '2', '6', '4'),
	  { v4l2_fourcc('H', '2', '6', '4'), SUBTYPE_TAIL }, 24, 0 },
};

static int find(__u32 pixelformat)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].pixelformat == pixelformat)
			return (int)i;
	return -WIN_NO_MATCH;
}

bool win_format_is_known(__u32 pixelformat)
{
	return find(pixelformat) >= 0;
}

bool win_format_is_compressed(__u32 pixelformat)
{
	int index = find(pixelformat);

	return index >= 0 && !formats[index].line;
}

static int find_subtype(const KS_DATAFORMAT_VIDEOINFOHEADER *format)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (IsEqualGUID(&formats[i].subtype, &format->DataFormat.SubFormat) &&
		    formats[i].compression == format->VideoInfoHeader.bmiHeader.biCompression)
			return (int)i;
	return -WIN_NO_MATCH;
}

static bool is_rgb(int index)
{
	return formats[index].compression == KS_BI_RGB;
}

bool win_format_is_rgb(__u32 pixelformat)
{
	int index = find(pixelformat);

	return index >= 0 && is_rgb(index);
}

/* Bytes of a line of @width pixels in Windows; 0 for compressed data */
static __u64 line_of(int index, __u32 width)
{
	__u64 bits = (__u64)width * formats[index].line;

	return is_rgb(index) ? (bits + 31) / 32 * 4 : bits / 8;
}

__u32 win_format_line(__u32 pixelformat, __u32 width)
{
	int index = find(pixelformat);
	__u64 line = index < 0 ? 0 : line_of(index, width);

	return line <= UINT32_MAX ? (__u32)line : 0;
}

/* The biWidth that tells this length of a line; 0 if none does */
static __u32 width_of_line(int index, const struct v4l2_pix_format *pix)
{
	__u32 width = pix->width;

	if (line_of(index, width) != pix->bytesperline && formats[index].line)
		width = (__u32)(pix->bytesperline * 8ULL / formats[index].line);
	return line_of(index, width) == pix->bytesperline || !formats[index].line ? width : 0;
}

/* The two forms of a format */

void win_format_narrow(KS_VIDEOINFOHEADER *to, const KS_VIDEOINFOHEADER2 *from)
{
	*to = (KS_VIDEOINFOHEADER) {
		.rcSource = from->rcSource,
		.rcTarget = from->rcTarget,
		.dwBitRate = from->dwBitRate,
		.dwBitErrorRate = from->dwBitErrorRate,
		.AvgTimePerFrame = from->AvgTimePerFrame,
		.bmiHeader = from->bmiHeader,
	};
}

static DWORD interlace_flags(__u32 field)
{
	const DWORD both = KS_INTERLACE_IsInterlaced | KS_INTERLACE_FieldPatBothRegular |
			   KS_INTERLACE_DisplayModeBobOrWeave;
	const DWORD one = KS_INTERLACE_IsInterlaced | KS_INTERLACE_1FieldPerSample |
			  KS_INTERLACE_DisplayModeBobOnly;

	switch (field) {
	case V4L2_FIELD_INTERLACED:
	case V4L2_FIELD_INTERLACED_TB:
		return both | KS_INTERLACE_Field1First;
	case V4L2_FIELD_INTERLACED_BT:
		return both;
	case V4L2_FIELD_ALTERNATE:
		return one | KS_INTERLACE_FieldPatBothRegular;
	case V4L2_FIELD_TOP:
		return one | KS_INTERLACE_FieldPatField1Only;
	case V4L2_FIELD_BOTTOM:
		return one | KS_INTERLACE_FieldPatField2Only;
	default:
		return 0;
	}
}

/* Pixels are taken for square, so the ratio is that of the picture */
void win_format_widen(KS_VIDEOINFOHEADER2 *to, const KS_VIDEOINFOHEADER *from, __u32 field)
{
	*to = (KS_VIDEOINFOHEADER2) {
		.rcSource = from->rcSource,
		.rcTarget = from->rcTarget,
		.dwBitRate = from->dwBitRate,
		.dwBitErrorRate = from->dwBitErrorRate,
		.AvgTimePerFrame = from->AvgTimePerFrame,
		.dwInterlaceFlags = interlace_flags(field),
		.dwPictAspectRatioX = (DWORD)from->rcSource.right,
		.dwPictAspectRatioY = (DWORD)from->rcSource.bottom,
		.bmiHeader = from->bmiHeader,
	};
}

/* Copies a format of a client, at any address, in the first form */
int win_format_take(const KSDATAFORMAT *data_format, ULONG size,
		    KS_DATAFORMAT_VIDEOINFOHEADER *format)
{
	KS_VIDEOINFOHEADER2 info;

	if (size < sizeof(format->DataFormat))
		return -WIN_TOO_SMALL;
	memcpy(&format->DataFormat, data_format, sizeof(format->DataFormat));
	if (format->DataFormat.FormatSize > size)
		return -WIN_TOO_SMALL;
	if (!IsEqualGUID(&format->DataFormat.MajorFormat, &KSDATAFORMAT_TYPE_VIDEO))
		return -WIN_NO_MATCH;
	if (IsEqualGUID(&format->DataFormat.Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO)) {
		if (format->DataFormat.FormatSize < sizeof(*format))
			return -WIN_TOO_SMALL;
		memcpy(format, data_format, sizeof(*format));
		return 0;
	}
	if (!IsEqualGUID(&format->DataFormat.Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO2))
		return -WIN_NO_MATCH;
	if (format->DataFormat.FormatSize < sizeof(KS_DATAFORMAT_VIDEOINFOHEADER2))
		return -WIN_TOO_SMALL;
	memcpy(&info, (const char *)data_format + sizeof(*data_format), sizeof(info));
	win_format_narrow(&format->VideoInfoHeader, &info);
	return 0;
}

/* Conversion */

static int to_pix(const KS_DATAFORMAT_VIDEOINFOHEADER *format, struct v4l2_pix_format *pix)
{
	const KS_BITMAPINFOHEADER *bitmap = &format->VideoInfoHeader.bmiHeader;
	int index = find_subtype(format);
	__u64 line;

	if (index < 0)
		return index;
	if (bitmap->biWidth <= 0 || !bitmap->biHeight || bitmap->biHeight == INT32_MIN)
		return -EINVAL;
	line = line_of(index, (__u32)bitmap->biWidth);
	if (bitmap->biBitCount != formats[index].bits || line > UINT32_MAX)
		return -WIN_NO_MATCH;
	*pix = (struct v4l2_pix_format) {
		.width = (__u32)bitmap->biWidth,
		.height = (__u32)abs(bitmap->biHeight),
		.pixelformat = formats[index].pixelformat,
		.field = V4L2_FIELD_NONE,
		.bytesperline = (__u32)line,
	};
	return 0;
}

int win_format_to_v4l2(const KSDATAFORMAT *data_format, ULONG size, struct v4l2_pix_format *pix)
{
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	int ret = win_format_take(data_format, size, &format);

	return ret ? ret : to_pix(&format, pix);
}

/* Bits or bits per second, at most what the field holds */
static __u64 bit_rate(const struct v4l2_pix_format *pix, ULONGLONG frame_time, __u64 most)
{
	__u64 bits = (__u64)pix->sizeimage * 8;

	if (!frame_time)
		return 0;
	/* At most 2^35 bits, and 10^7 is less than 2^24 */
	bits = bits * WIN_TIME_UNITS_PER_S / frame_time;
	return bits < most ? bits : most;
}

int win_format_from_v4l2(const struct v4l2_pix_format *pix, ULONGLONG frame_time,
			 KS_DATAFORMAT_VIDEOINFOHEADER *format)
{
	int index = find(pix->pixelformat);
	KS_VIDEOINFOHEADER *info = &format->VideoInfoHeader;
	__u32 width;

	if (index < 0)
		return index;
	width = width_of_line(index, pix);
	if (!width || width > INT32_MAX || !pix->height || pix->height > INT32_MAX)
		return -WIN_NO_MATCH;
	memset(format, 0, sizeof(*format));
	format->DataFormat.FormatSize = sizeof(*format);
	format->DataFormat.SampleSize = pix->sizeimage;
	format->DataFormat.MajorFormat = KSDATAFORMAT_TYPE_VIDEO;
	format->DataFormat.SubFormat = formats[index].subtype;
	format->DataFormat.Specifier = KSDATAFORMAT_SPECIFIER_VIDEOINFO;
	info->rcSource = (RECT) { .right = (LONG)pix->width, .bottom = (LONG)pix->height };
	info->rcTarget = info->rcSource;
	info->AvgTimePerFrame = (LONGLONG)frame_time;
	info->dwBitRate = (DWORD)bit_rate(pix, frame_time, UINT32_MAX);
	info->bmiHeader.biSize = sizeof(info->bmiHeader);
	info->bmiHeader.biWidth = (LONG)width;
	info->bmiHeader.biHeight = (LONG)pix->height;
	info->bmiHeader.biPlanes = 1;
	info->bmiHeader.biBitCount = formats[index].bits;
	info->bmiHeader.biCompression = formats[index].compression;
	info->bmiHeader.biSizeImage = pix->sizeimage;
	return 0;
}

/* Their number if lines can be swapped: there is no other picture than a whole one */
static size_t lines_of(const struct v4l2_pix_format *pix, size_t bytes)
{
	size_t line = pix->bytesperline;

	if (!win_format_is_rgb(pix->pixelformat) || !line || bytes / line < pix->height)
		return 0;
	return pix->height;
}

int win_format_copy_out(const struct v4l2_pix_format *pix, void *to, const void *from,
			size_t bytes)
{
	size_t line = pix->bytesperline, lines = lines_of(pix, bytes), left = lines;
	const char *next = (const char *)from + line * lines, *rest = next;
	char *at = to;
	int ret = 0;

	for (; left && !ret; left--, at += line) {
		next -= line;
		ret = win_copy_out(at, next, line);
	}
	return ret ? ret : win_copy_out(at, rest, bytes - line * lines);
}

void win_format_swap_lines(const struct v4l2_pix_format *pix, void *data, size_t bytes)
{
	char *top = data, *bottom, part[512];
	size_t line = pix->bytesperline, lines = lines_of(pix, bytes), done, size;

	if (!lines)
		return;
	for (bottom = top + line * (lines - 1); top < bottom; bottom -= 2 * line) {
		for (done = 0; done < line; done += size, top += size, bottom += size) {
			size = line - done < sizeof(part) ? line - done : sizeof(part);
			memcpy(part, top, size);
			memcpy(top, bottom, size);
			memcpy(bottom, part, size);
		}
	}
}

/* Setting and getting */

ULONGLONG win_format_time(const struct v4l2_fract *interval)
{
	if (!interval->denominator)
		return 0;
	return interval->numerator * WIN_TIME_UNITS_PER_S / interval->denominator;
}

/* The device chooses the nearest rate that it has. */
static void set_frame_time(int video, LONGLONG time)
{
	struct v4l2_streamparm parm = { .type = win_video_type(video) };

	if (time <= 0 || time > UINT32_MAX)
		return;
	parm.parm.capture.timeperframe.numerator = (__u32)time;
	parm.parm.capture.timeperframe.denominator = WIN_TIME_UNITS_PER_S;
	win_video_call(video, VIDIOC_S_PARM, &parm);
}

/* Whether the rectangles are a picture in longer lines, and of which width */
static bool has_inner_picture(const KS_DATAFORMAT_VIDEOINFOHEADER *format,
			      const struct v4l2_pix_format *pix, __u32 *width)
{
	const RECT *source = &format->VideoInfoHeader.rcSource;

	if (memcmp(source, &format->VideoInfoHeader.rcTarget, sizeof(*source)) ||
	    source->left || source->top || source->right <= 0 ||
	    (__u32)source->right >= pix->width || (__u32)source->bottom != pix->height)
		return false;
	*width = (__u32)source->right;
	return true;
}

/*
 * Asks the device for exactly this picture. With a line of 0 it chooses the length itself.
 * The device must not choose another picture.
 */
static int try_exactly(int video, const struct v4l2_pix_format *wanted, __u32 width,
		       bool choose_line, struct v4l2_pix_format *pix)
{
	int ret;

	*pix = *wanted;
	pix->width = width;
	if (choose_line)
		pix->bytesperline = 0;
	ret = win_video_format(video, VIDIOC_TRY_FMT, pix);
	if (ret)
		return ret;
	if (pix->pixelformat != wanted->pixelformat || pix->width != width ||
	    pix->height != wanted->height)
		return -WIN_NO_MATCH;
	return win_format_is_compressed(pix->pixelformat) ||
	       pix->bytesperline == wanted->bytesperline ? 0 : -WIN_NO_MATCH;
}

int win_format_try(int video, const KS_DATAFORMAT_VIDEOINFOHEADER *format,
		   struct v4l2_pix_format *pix)
{
	struct v4l2_pix_format wanted;
	__u32 width;
	int ret;

	ret = to_pix(format, &wanted);
	if (ret)
		return ret;
	if (has_inner_picture(format, &wanted, &width) &&
	    !try_exactly(video, &wanted, width, true, pix))
		return 0;
	return try_exactly(video, &wanted, wanted.width, false, pix);
}

int win_format_set(int video, const KSDATAFORMAT *data_format, ULONG size, bool try)
{
	KS_DATAFORMAT_VIDEOINFOHEADER format;
	struct v4l2_pix_format pix;
	int ret;

	ret = win_format_take(data_format, size, &format);
	if (!ret)
		ret = win_format_try(video, &format, &pix);
	if (ret || try)
		return ret;
	ret = win_video_format(video, VIDIOC_S_FMT, &pix);
	if (ret)
		return ret;
	set_frame_time(video, format.VideoInfoHeader.AvgTimePerFrame);
	return 0;
}

int win_format_get(int video, struct v4l2_pix_format *pix,
		   KS_DATAFORMAT_VIDEOINFOHEADER *format)
{
	struct v4l2_streamparm parm = { .type = win_video_type(video) };
	int ret;

	*pix = (struct v4l2_pix_format) { 0 };
	ret = win_video_format(video, VIDIOC_G_FMT, pix);
	if (ret)
		return ret;
	if (win_video_call(video, VIDIOC_G_PARM, &parm))
		memset(&parm, 0, sizeof(parm));
	return win_format_from_v4l2(pix, win_format_time(&parm.parm.capture.timeperframe),
				    format);
}

void win_format_bit_rates(const struct v4l2_pix_format *pix, KS_VIDEO_STREAM_CONFIG_CAPS *caps)
{
	caps->MinBitsPerSecond =
		(LONG)bit_rate(pix, (ULONGLONG)caps->MaxFrameInterval, INT32_MAX);
	caps->MaxBitsPerSecond =
		(LONG)bit_rate(pix, (ULONGLONG)caps->MinFrameInterval, INT32_MAX);
}
