// SPDX-License-Identifier: GPL-2.0-only
/*
 * Video formats: subtype, compression and bits per pixel of Windows, and fourcc of V4L2.
 * Lines of Windows formats have no padding, and RGB pictures are upside down unless their
 * height is negative.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "win.h"

#define TIME_UNITS_PER_S 10000000ULL

#define SUBTYPE_TAIL 0x0000, 0x0010, { 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71 }
#define RGB_TAIL 0x524f, 0x11ce, { 0x9f, 0x53, 0x00, 0x20, 0xaf, 0x0b, 0xa7, 0x70 }

static const struct {
	__u32 pixelformat;
	DWORD compression;
	GUID subtype;
	WORD bits;
	/* Bytes of eight pixels in a line of the first plane; 0 for compressed data */
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

static int call(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static int find(__u32 pixelformat)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].pixelformat == pixelformat)
			return (int)i;
	return -WIN_NO_MATCH;
}

static bool covers(const RECT *rect, LONG width, LONG height)
{
	LONG w = rect->right - rect->left, h = rect->bottom - rect->top;

	return (!w && !h) || (w == width && h == height);
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

int win_format_to_v4l2(const KSDATAFORMAT *data_format, ULONG size, struct v4l2_pix_format *pix)
{
	const KS_DATAFORMAT_VIDEOINFOHEADER *format = (const void *)data_format;
	const KS_VIDEOINFOHEADER *info = &format->VideoInfoHeader;
	LONG width, height;
	int index;

	if (size < sizeof(*data_format) || data_format->FormatSize > size)
		return -WIN_TOO_SMALL;
	if (!IsEqualGUID(&data_format->MajorFormat, &KSDATAFORMAT_TYPE_VIDEO) ||
	    !IsEqualGUID(&data_format->Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO))
		return -WIN_NO_MATCH;
	if (data_format->FormatSize < sizeof(*format))
		return -WIN_TOO_SMALL;
	index = find_subtype(format);
	if (index < 0)
		return index;
	width = info->bmiHeader.biWidth;
	height = info->bmiHeader.biHeight;
	if (width <= 0 || !height || height == INT32_MIN)
		return -EINVAL;
	if (formats[index].compression == KS_BI_RGB && height > 0)
		return -WIN_NO_MATCH;
	height = abs(height);
	if (info->bmiHeader.biBitCount != formats[index].bits ||
	    !covers(&info->rcSource, width, height) || !covers(&info->rcTarget, width, height))
		return -WIN_NO_MATCH;
	*pix = (struct v4l2_pix_format) {
		.width = (__u32)width,
		.height = (__u32)height,
		.pixelformat = formats[index].pixelformat,
		.field = V4L2_FIELD_NONE,
	};
	return 0;
}

static bool is_padded(const struct v4l2_pix_format *pix, int index)
{
	return formats[index].line && pix->bytesperline != pix->width * formats[index].line / 8;
}

int win_format_from_v4l2(const struct v4l2_pix_format *pix, ULONGLONG frame_time,
			 KS_DATAFORMAT_VIDEOINFOHEADER *format)
{
	int index = find(pix->pixelformat);
	KS_VIDEOINFOHEADER *info = &format->VideoInfoHeader;
	LONG height = (LONG)pix->height;

	if (index < 0)
		return index;
	if (is_padded(pix, index))
		return -WIN_NO_MATCH;
	memset(format, 0, sizeof(*format));
	format->DataFormat.FormatSize = sizeof(*format);
	format->DataFormat.SampleSize = pix->sizeimage;
	format->DataFormat.MajorFormat = KSDATAFORMAT_TYPE_VIDEO;
	format->DataFormat.SubFormat = formats[index].subtype;
	format->DataFormat.Specifier = KSDATAFORMAT_SPECIFIER_VIDEOINFO;
	info->rcSource = (RECT) { .right = (LONG)pix->width, .bottom = height };
	info->rcTarget = info->rcSource;
	info->AvgTimePerFrame = (LONGLONG)frame_time;
	if (frame_time)
		info->dwBitRate = (DWORD)(pix->sizeimage * 8ULL * TIME_UNITS_PER_S / frame_time);
	info->bmiHeader.biSize = sizeof(info->bmiHeader);
	info->bmiHeader.biWidth = (LONG)pix->width;
	info->bmiHeader.biHeight = formats[index].compression == KS_BI_RGB ? -height : height;
	info->bmiHeader.biPlanes = 1;
	info->bmiHeader.biBitCount = formats[index].bits;
	info->bmiHeader.biCompression = formats[index].compression;
	info->bmiHeader.biSizeImage = pix->sizeimage;
	return 0;
}

static ULONGLONG time_of(const struct v4l2_fract *interval)
{
	if (!interval->denominator)
		return 0;
	return interval->numerator * TIME_UNITS_PER_S / interval->denominator;
}

/* The device chooses the nearest rate that it has. */
static void set_frame_time(int video, LONGLONG time)
{
	struct v4l2_streamparm parm = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	if (time <= 0 || time > UINT32_MAX)
		return;
	parm.parm.capture.timeperframe.numerator = (__u32)time;
	parm.parm.capture.timeperframe.denominator = TIME_UNITS_PER_S;
	call(video, VIDIOC_S_PARM, &parm);
}

int win_format_set(int video, const KSDATAFORMAT *data_format, ULONG size, bool try)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_pix_format wanted;
	int ret;

	ret = win_format_to_v4l2(data_format, size, &wanted);
	if (ret)
		return ret;
	format.fmt.pix = wanted;
	ret = call(video, VIDIOC_TRY_FMT, &format);
	if (ret)
		return ret;
	/* The device must not choose another format */
	if (format.fmt.pix.pixelformat != wanted.pixelformat ||
	    format.fmt.pix.width != wanted.width || format.fmt.pix.height != wanted.height ||
	    is_padded(&format.fmt.pix, find(wanted.pixelformat)))
		return -WIN_NO_MATCH;
	if (try)
		return 0;
	ret = call(video, VIDIOC_S_FMT, &format);
	if (ret)
		return ret;
	set_frame_time(video, ((const KS_DATAFORMAT_VIDEOINFOHEADER *)(const void *)
			       data_format)->VideoInfoHeader.AvgTimePerFrame);
	return 0;
}

int win_format_get(int video, KS_DATAFORMAT_VIDEOINFOHEADER *data_format)
{
	struct v4l2_streamparm parm = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	int ret;

	ret = call(video, VIDIOC_G_FMT, &format);
	if (ret)
		return ret;
	if (call(video, VIDIOC_G_PARM, &parm))
		memset(&parm, 0, sizeof(parm));
	return win_format_from_v4l2(&format.fmt.pix, time_of(&parm.parm.capture.timeperframe),
				    data_format);
}

static void get_frame_times(int video, const struct v4l2_pix_format *pix,
			    KS_VIDEO_STREAM_CONFIG_CAPS *caps)
{
	struct v4l2_frmivalenum interval = {
		.pixel_format = pix->pixelformat,
		.width = pix->width,
		.height = pix->height,
	};
	LONGLONG min, max;

	while (!call(video, VIDIOC_ENUM_FRAMEINTERVALS, &interval)) {
		if (interval.type == V4L2_FRMIVAL_TYPE_DISCRETE) {
			min = (LONGLONG)time_of(&interval.discrete);
			max = min;
		} else {
			min = (LONGLONG)time_of(&interval.stepwise.min);
			max = (LONGLONG)time_of(&interval.stepwise.max);
		}
		if (!interval.index || min < caps->MinFrameInterval)
			caps->MinFrameInterval = min;
		if (max > caps->MaxFrameInterval)
			caps->MaxFrameInterval = max;
		interval.index++;
		if (interval.type != V4L2_FRMIVAL_TYPE_DISCRETE)
			break;
	}
}

/* The format in the range has the largest picture and the highest rate. */
static int make_range(int video, __u32 pixelformat, const struct v4l2_frmsize_stepwise *size,
		      KS_DATARANGE_VIDEO *range)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = size->max_width,
			.height = size->max_height,
			.pixelformat = pixelformat,
			.field = V4L2_FIELD_NONE,
		},
	};
	KS_VIDEO_STREAM_CONFIG_CAPS *caps = &range->ConfigCaps;
	KS_DATAFORMAT_VIDEOINFOHEADER own;
	int ret;

	ret = call(video, VIDIOC_TRY_FMT, &format);
	if (ret)
		return ret;
	memset(range, 0, sizeof(*range));
	get_frame_times(video, &format.fmt.pix, caps);
	ret = win_format_from_v4l2(&format.fmt.pix, (ULONGLONG)caps->MinFrameInterval, &own);
	if (ret)
		return ret;
	range->DataRange = own.DataFormat;
	range->DataRange.FormatSize = sizeof(*range);
	range->VideoInfoHeader = own.VideoInfoHeader;
	range->bFixedSizeSamples = formats[find(pixelformat)].line != 0;
	range->bTemporalCompression = pixelformat == V4L2_PIX_FMT_H264;
	range->StreamDescriptionFlags = KS_VIDEOSTREAM_CAPTURE;
	caps->guid = KSDATAFORMAT_SPECIFIER_VIDEOINFO;
	caps->InputSize = (SIZE) { (LONG)format.fmt.pix.width, (LONG)format.fmt.pix.height };
	caps->MinCroppingSize = caps->InputSize;
	caps->MaxCroppingSize = caps->InputSize;
	caps->MinOutputSize = (SIZE) { (LONG)size->min_width, (LONG)size->min_height };
	caps->MaxOutputSize = caps->InputSize;
	caps->OutputGranularityX = (int)size->step_width;
	caps->OutputGranularityY = (int)size->step_height;
	return 0;
}

/* A device that does not list its sizes has at least the current one. */
static int current_size(int video, struct v4l2_frmsize_stepwise *size)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	int ret = call(video, VIDIOC_G_FMT, &format);

	size->min_width = format.fmt.pix.width;
	size->max_width = format.fmt.pix.width;
	size->min_height = format.fmt.pix.height;
	size->max_height = format.fmt.pix.height;
	return ret;
}

/* Gets the size with this index; false after the last one */
static bool get_size(int video, __u32 pixelformat, __u32 index,
		     struct v4l2_frmsize_stepwise *size)
{
	struct v4l2_frmsizeenum sizes = { .pixel_format = pixelformat, .index = index };

	memset(size, 0, sizeof(*size));
	if (call(video, VIDIOC_ENUM_FRAMESIZES, &sizes))
		return !index && !current_size(video, size);
	if (sizes.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
		*size = sizes.stepwise;
		return !index;
	}
	size->min_width = sizes.discrete.width;
	size->max_width = sizes.discrete.width;
	size->min_height = sizes.discrete.height;
	size->max_height = sizes.discrete.height;
	return true;
}

int win_format_ranges(int video, win_add_range *add, void *context)
{
	struct v4l2_fmtdesc desc = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_frmsize_stepwise size;
	KS_DATARANGE_VIDEO range;
	__u32 index;
	int ret;

	for (; !call(video, VIDIOC_ENUM_FMT, &desc); desc.index++) {
		if (find(desc.pixelformat) < 0)
			continue;
		for (index = 0; get_size(video, desc.pixelformat, index, &size); index++) {
			if (make_range(video, desc.pixelformat, &size, &range))
				continue;
			ret = add(context, &range);
			if (ret)
				return ret;
		}
	}
	return 0;
}
