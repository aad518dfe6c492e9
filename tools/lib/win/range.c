// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of formats: those of the device, one for each format and size that it lists, and
 * which format is both in a range of the client and in one of the device.
 */
#include <string.h>

#include "win.h"

static void get_frame_times(int video, const struct v4l2_pix_format *pix,
			    KS_VIDEO_STREAM_CONFIG_CAPS *caps)
{
	struct v4l2_frmivalenum interval = {
		.pixel_format = pix->pixelformat,
		.width = pix->width,
		.height = pix->height,
	};
	LONGLONG min, max;

	while (!win_video_call(video, VIDIOC_ENUM_FRAMEINTERVALS, &interval)) {
		if (interval.type == V4L2_FRMIVAL_TYPE_DISCRETE) {
			min = (LONGLONG)win_format_time(&interval.discrete);
			max = min;
		} else {
			min = (LONGLONG)win_format_time(&interval.stepwise.min);
			max = (LONGLONG)win_format_time(&interval.stepwise.max);
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
		      KS_DATARANGE_VIDEO *range, __u32 *field)
{
	struct v4l2_pix_format pix = {
		.width = size->max_width,
		.height = size->max_height,
		.pixelformat = pixelformat,
		.field = V4L2_FIELD_NONE,
		.bytesperline = win_format_line(pixelformat, size->max_width),
	};
	KS_VIDEO_STREAM_CONFIG_CAPS *caps = &range->ConfigCaps;
	KS_DATAFORMAT_VIDEOINFOHEADER own;
	int ret;

	ret = win_video_format(video, VIDIOC_TRY_FMT, &pix);
	if (ret)
		return ret;
	memset(range, 0, sizeof(*range));
	get_frame_times(video, &pix, caps);
	ret = win_format_from_v4l2(&pix, (ULONGLONG)caps->MinFrameInterval, &own);
	if (ret)
		return ret;
	*field = pix.field;
	range->DataRange = own.DataFormat;
	range->DataRange.FormatSize = sizeof(*range);
	range->VideoInfoHeader = own.VideoInfoHeader;
	range->bFixedSizeSamples = !win_format_is_compressed(pix.pixelformat);
	range->bTemporalCompression = pix.pixelformat == V4L2_PIX_FMT_H264;
	range->StreamDescriptionFlags = KS_VIDEOSTREAM_CAPTURE;
	caps->guid = KSDATAFORMAT_SPECIFIER_VIDEOINFO;
	caps->InputSize = (SIZE) { (LONG)pix.width, (LONG)pix.height };
	caps->MinCroppingSize = caps->InputSize;
	caps->MaxCroppingSize = caps->InputSize;
	caps->MinOutputSize = (SIZE) { (LONG)size->min_width, (LONG)size->min_height };
	caps->MaxOutputSize = caps->InputSize;
	caps->OutputGranularityX = (int)size->step_width;
	caps->OutputGranularityY = (int)size->step_height;
	win_format_bit_rates(&pix, caps);
	return 0;
}

/* A device that does not list its sizes has at least the current one. */
static int current_size(int video, struct v4l2_frmsize_stepwise *size)
{
	struct v4l2_pix_format pix = { 0 };
	int ret = win_video_format(video, VIDIOC_G_FMT, &pix);

	size->min_width = pix.width;
	size->max_width = pix.width;
	size->min_height = pix.height;
	size->max_height = pix.height;
	return ret;
}

/* Gets the size with this index; false after the last one */
static bool get_size(int video, __u32 pixelformat, __u32 index,
		     struct v4l2_frmsize_stepwise *size)
{
	struct v4l2_frmsizeenum sizes = { .pixel_format = pixelformat, .index = index };

	memset(size, 0, sizeof(*size));
	if (win_video_call(video, VIDIOC_ENUM_FRAMESIZES, &sizes))
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
	struct v4l2_fmtdesc desc = { .type = win_video_type(video) };
	struct v4l2_frmsize_stepwise size;
	KS_DATARANGE_VIDEO range;
	__u32 index, field;
	int ret;

	for (; !win_video_call(video, VIDIOC_ENUM_FMT, &desc); desc.index++) {
		if (!win_format_is_known(desc.pixelformat))
			continue;
		for (index = 0; get_size(video, desc.pixelformat, index, &size); index++) {
			if (make_range(video, desc.pixelformat, &size, &range, &field))
				continue;
			ret = add(context, &range, field);
			if (ret)
				return ret;
		}
	}
	return 0;
}

void win_range_widen(KS_DATARANGE_VIDEO2 *to, const KS_DATARANGE_VIDEO *from, __u32 field)
{
	*to = (KS_DATARANGE_VIDEO2) {
		.DataRange = from->DataRange,
		.bFixedSizeSamples = from->bFixedSizeSamples,
		.bTemporalCompression = from->bTemporalCompression,
		.StreamDescriptionFlags = from->StreamDescriptionFlags,
		.MemoryAllocationFlags = from->MemoryAllocationFlags,
		.ConfigCaps = from->ConfigCaps,
	};
	to->DataRange.FormatSize = sizeof(*to);
	to->DataRange.Specifier = KSDATAFORMAT_SPECIFIER_VIDEOINFO2;
	to->ConfigCaps.guid = KSDATAFORMAT_SPECIFIER_VIDEOINFO2;
	win_format_widen(&to->VideoInfoHeader, &from->VideoInfoHeader, field);
}

/* Intersections */

/* What the client wants, and the format that was found */
struct search {
	int video;
	const KSDATARANGE *wanted;
	/* Without it, any format of these types */
	const KS_VIDEOINFOHEADER *info;
	bool found;
	struct win_found *match;
};

static bool matches(const GUID *wanted, const GUID *own)
{
	return IsEqualGUID(wanted, &GUID_NULL) || IsEqualGUID(wanted, own);
}

static bool types_match(const KSDATARANGE *wanted, const KS_DATARANGE_VIDEO *range)
{
	return matches(&wanted->MajorFormat, &range->DataRange.MajorFormat) &&
	       matches(&wanted->SubFormat, &range->DataRange.SubFormat) &&
	       (matches(&wanted->Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO) ||
		IsEqualGUID(&wanted->Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO2));
}

/* The picture and the rate of the client, with all that follows from them */
static int try_picture(struct search *search, const KS_DATARANGE_VIDEO *range)
{
	KS_DATAFORMAT_VIDEOINFOHEADER format = { .DataFormat = range->DataRange };
	LONGLONG time = search->info->AvgTimePerFrame;
	struct v4l2_pix_format pix;
	int ret;

	format.VideoInfoHeader = *search->info;
	ret = win_format_try(search->video, &format, &pix);
	if (ret)
		return ret;
	if (time <= 0)
		time = range->VideoInfoHeader.AvgTimePerFrame;
	ret = win_format_from_v4l2(&pix, (ULONGLONG)time, &search->match->format);
	if (search->info->bmiHeader.biHeight < 0)
		search->match->format.VideoInfoHeader.bmiHeader.biHeight *= -1;
	search->match->field = pix.field;
	return ret;
}

static int try_range(void *context, const KS_DATARANGE_VIDEO *range, __u32 field)
{
	struct search *search = context;

	if (!types_match(search->wanted, range))
		return 0;
	if (search->info) {
		if (try_picture(search, range))
			return 0;
	} else {
		search->match->format.DataFormat = range->DataRange;
		search->match->format.DataFormat.FormatSize = sizeof(search->match->format);
		search->match->format.VideoInfoHeader = range->VideoInfoHeader;
		search->match->field = field;
	}
	search->found = true;
	/* Ends the search */
	return -ECANCELED;
}

static bool has_picture(const KSDATARANGE *wanted, KS_VIDEOINFOHEADER *info)
{
	if (wanted->FormatSize >= sizeof(KS_DATARANGE_VIDEO2) &&
	    IsEqualGUID(&wanted->Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO2))
		win_format_narrow(info, &((const KS_DATARANGE_VIDEO2 *)(const void *)
					  wanted)->VideoInfoHeader);
	else if (wanted->FormatSize >= sizeof(KS_DATARANGE_VIDEO) &&
		 IsEqualGUID(&wanted->Specifier, &KSDATAFORMAT_SPECIFIER_VIDEOINFO))
		*info = ((const KS_DATARANGE_VIDEO *)(const void *)wanted)->VideoInfoHeader;
	else
		return false;
	/* A client that leaves the picture empty means any */
	return info->bmiHeader.biWidth || info->bmiHeader.biHeight;
}

int win_range_intersect(int video, const KSDATARANGE *wanted, struct win_found *match)
{
	struct search search = { .video = video, .wanted = wanted, .match = match };
	KS_VIDEOINFOHEADER info;
	int ret;

	/* No attributes are known */
	if (wanted->Flags & KSDATARANGE_REQUIRED_ATTRIBUTES)
		return -WIN_NO_MATCH;
	if (has_picture(wanted, &info))
		search.info = &info;
	ret = win_format_ranges(video, try_range, &search);
	if (search.found) {
		match->is_second = IsEqualGUID(&wanted->Specifier,
					       &KSDATAFORMAT_SPECIFIER_VIDEOINFO2);
		return 0;
	}
	return ret ? ret : -WIN_NO_MATCH;
}

int win_format_answer(struct win_call *call, const struct win_found *match)
{
	KS_DATAFORMAT_VIDEOINFOHEADER2 second = { .DataFormat = match->format.DataFormat };

	if (!match->is_second)
		return win_answer(call, &match->format, sizeof(match->format));
	second.DataFormat.FormatSize = sizeof(second);
	second.DataFormat.Specifier = KSDATAFORMAT_SPECIFIER_VIDEOINFO2;
	win_format_widen(&second.VideoInfoHeader2, &match->format.VideoInfoHeader,
			 match->field);
	return win_answer(call, &second, sizeof(second));
}
