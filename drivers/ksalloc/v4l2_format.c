// SPDX-License-Identifier: GPL-2.0-only
/*
 * The requirements of a V4L2 device in its current format, and its frame interval.
 *
 * Uses only ioctls that the driver answers without its hardware, and not VIDIOC_TRY_FMT: for
 * that, uvcvideo sends a request to the camera. The camera may be suspended, take seconds to
 * respond, or stop streaming because of it.
 */
#include <linux/device.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <media/v4l2-common.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-v4l2.h>

#include "framing.h"
#include "planes.h"
#include "v4l2.h"

/* Minimum number of frames: the device fills one while a client reads another */
#define KS_V4L2_FRAMES 2

/* A longer frame interval is treated as unknown */
#define KS_V4L2_DURATION_MAX (3600LL * 10000000)

/**
 * struct ks_v4l2_format - the fields of a format that are needed here
 * @width: width in pixels
 * @height: height in pixels
 * @pixelformat: V4L2_PIX_FMT_*
 * @field: V4L2_FIELD_*
 * @bytesperline: bytes per line; zero for compressed formats
 * @size: bytes per frame, the sum of all planes
 * @planes: memory planes
 */
struct ks_v4l2_format {
	u32 width;
	u32 height;
	u32 pixelformat;
	u32 field;
	u32 bytesperline;
	u32 size;
	struct ksalloc_planes planes;
};

static int ks_v4l2_parse_single(const struct v4l2_pix_format *pix,
				struct ks_v4l2_format *format)
{
	*format = (struct ks_v4l2_format){
		.width = pix->width,
		.height = pix->height,
		.pixelformat = pix->pixelformat,
		.field = pix->field,
		.bytesperline = pix->bytesperline,
		.size = pix->sizeimage,
		.planes = { .count = 1, .sizes[0] = pix->sizeimage },
	};
	return 0;
}

/* The driver sets the number of planes. Fails if all together have 4 GiB or more */
static int ks_v4l2_parse_mplane(const struct v4l2_pix_format_mplane *pix,
				struct ks_v4l2_format *format)
{
	u32 i;

	if (!pix->num_planes || pix->num_planes > VIDEO_MAX_PLANES)
		return -EOPNOTSUPP;
	*format = (struct ks_v4l2_format){
		.width = pix->width,
		.height = pix->height,
		.pixelformat = pix->pixelformat,
		.field = pix->field,
		.bytesperline = pix->plane_fmt[0].bytesperline,
		.planes.count = pix->num_planes,
	};
	for (i = 0; i < pix->num_planes; i++) {
		format->planes.sizes[i] = pix->plane_fmt[i].sizeimage;
		if (check_add_overflow(format->size, format->planes.sizes[i],
				       &format->size))
			return -EOPNOTSUPP;
	}
	return 0;
}

/* VIDIOC_G_FMT; the lock of the device is held */
static int ks_v4l2_ask_format(struct ks_v4l2_device *dev, struct v4l2_format *fmt)
{
	const struct v4l2_ioctl_ops *ops = dev->vdev->ioctl_ops;
	void *fh = dev->file->private_data;
	int ret;

	ret = ks_v4l2_check(dev, VIDIOC_G_FMT);
	if (ret)
		return ret;
	*fmt = (struct v4l2_format){ .type = dev->type };
	if (ks_v4l2_is_mplane(dev)) {
		if (!ops->vidioc_g_fmt_vid_cap_mplane)
			return -EOPNOTSUPP;
		return ops->vidioc_g_fmt_vid_cap_mplane(dev->file, fh, fmt);
	}
	if (!ops->vidioc_g_fmt_vid_cap)
		return -EOPNOTSUPP;
	fmt->fmt.pix.priv = V4L2_PIX_FMT_PRIV_MAGIC;
	return ops->vidioc_g_fmt_vid_cap(dev->file, fh, fmt);
}

/* Gets the current format; the lock of the device is held */
static int ks_v4l2_get_format(struct ks_v4l2_device *dev,
			      struct ks_v4l2_format *format)
{
	struct v4l2_format fmt;
	int ret;

	ret = ks_v4l2_ask_format(dev, &fmt);
	if (ret)
		return ret;
	return ks_v4l2_is_mplane(dev) ?
	       ks_v4l2_parse_mplane(&fmt.fmt.pix_mp, format) :
	       ks_v4l2_parse_single(&fmt.fmt.pix, format);
}

/* VIDIOC_G_FMT; no lock of the device is held */
int ks_v4l2_get_whole_format(struct ks_v4l2_device *dev,
			     struct v4l2_format *format)
{
	int ret;

	ret = ks_v4l2_lock_device(dev);
	if (ret)
		return ret;
	ret = ks_v4l2_ask_format(dev, format);
	ks_v4l2_unlock_device(dev);
	return ret;
}

/*
 * The device writes to frames that other users of the allocator can read, so it is an
 * in-place modifier for them. Returns -EOPNOTSUPP if a frame has 4 GiB or more. No lock
 * of the device is held. Contract D3, H1, H2, H4.
 */
int ks_v4l2_get_requirements(struct ks_v4l2_device *dev,
			     struct ksalloc_requirements *needs)
{
	struct ksallocator_framing *framing = &needs->framing;
	const struct vb2_queue *queue = dev->vdev->queue;
	struct ks_v4l2_format format;
	int ret;

	ret = ks_v4l2_lock_device(dev);
	if (ret)
		return ret;
	ret = ks_v4l2_get_format(dev, &format);
	ks_v4l2_unlock_device(dev);
	if (ret)
		return ret;

	*framing = (struct ksallocator_framing){
		.requirements_flags = KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER,
		.pool_type = KSALLOC_POOL_NONPAGED,
		.frames = KS_V4L2_FRAMES,
		.frame_size = format.size,
	};
	needs->planes = format.planes;
	if (!queue || (queue->io_modes & VB2_DMABUF))
		framing->requirements_flags |=
			KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY;
	else
		framing->requirements_flags |=
			KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	/* One more than the driver must have queued, so that a client can read one */
	if (queue)
		framing->frames = max3(queue->min_reqbufs_allocation,
				       queue->min_queued_buffers + 1,
				       (u32)KS_V4L2_FRAMES);
	return 0;
}

/*
 * Number of pixels of the largest frame size of a pixel format; 0 if unknown.
 * ks_v4l2_lock_device() was called
 */
static u64 ks_v4l2_largest_picture(struct ks_v4l2_device *dev,
				   u32 pixelformat)
{
	const struct v4l2_ioctl_ops *ops = dev->vdev->ioctl_ops;
	struct v4l2_frmsizeenum size;
	u64 largest = 0;
	u32 i;

	if (ks_v4l2_check(dev, VIDIOC_ENUM_FRAMESIZES))
		return 0;
	for (i = 0; i < U8_MAX; i++) {
		size = (struct v4l2_frmsizeenum){
			.index = i,
			.pixel_format = pixelformat,
		};
		if (ops->vidioc_enum_framesizes(dev->file,
						dev->file->private_data, &size))
			break;
		if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE)
			return (u64)size.stepwise.max_width *
			       size.stepwise.max_height;
		largest = max(largest, (u64)size.discrete.width *
					       size.discrete.height);
	}
	return largest;
}

/*
 * Bytes per frame at the largest frame size of this pixel format, scaled from the current
 * size. The lock of the device is held.
 */
static u32 ks_v4l2_largest(struct ks_v4l2_device *dev,
			   const struct ks_v4l2_format *format)
{
	const u64 largest = ks_v4l2_largest_picture(dev, format->pixelformat);
	const u64 now = (u64)format->width * format->height;

	if (!now || largest <= now)
		return format->size;
	/* The product must fit in 64 bits. The sizes are what the driver says */
	if (largest > U32_MAX)
		return U32_MAX;
	return min(div64_u64(format->size * largest, now), U32_MAX);
}

/*
 * Whether the device can access scattered memory through an IOMMU. queue->dev is valid under
 * the lock of the queue while the device is registered, because unregistration takes this
 * lock.
 */
static bool ks_v4l2_has_iommu(struct ks_v4l2_device *dev)
{
	bool has;

	if (ks_v4l2_lock(dev))
		return false;
	has = video_is_registered(dev->vdev) && dev->vdev->queue->dev &&
	      device_iommu_mapped(dev->vdev->queue->dev);
	ks_v4l2_unlock(dev);
	return has;
}

/*
 * Whether the device needs physically contiguous frames, which heap memory seldom is. Uses
 * symbol_get(), so that this module does not depend on videobuf2-dma-contig, which only some
 * drivers use.
 */
static bool ks_v4l2_needs_contiguous(struct ks_v4l2_device *dev)
{
	const struct vb2_queue *queue = dev->vdev->queue;
	const struct vb2_mem_ops *contiguous;
	bool needs;

	if (!queue || ks_v4l2_has_iommu(dev))
		return false;
	contiguous = symbol_get(vb2_dma_contig_memops);
	if (!contiguous)
		return false;
	needs = queue->mem_ops == contiguous;
	symbol_put(vb2_dma_contig_memops);
	return needs;
}

/* V4L2 requires bytesperline to be zero for compressed formats */
static bool ks_v4l2_is_compressed(const struct ks_v4l2_format *format)
{
	return !format->bytesperline && !v4l2_format_info(format->pixelformat);
}

/* Fails as ks_v4l2_get_requirements(). No lock of the device is held. Contract D4, H5 */
int ks_v4l2_get_details(struct ks_v4l2_device *dev,
			struct ksalloc_framing_details *details)
{
	struct ks_v4l2_format format;
	int ret;
	u32 i;

	ret = ks_v4l2_lock_device(dev);
	if (ret)
		return ret;
	ret = ks_v4l2_get_format(dev, &format);
	if (!ret) {
		details->largest = ks_v4l2_largest(dev, &format);
		details->own_memory = ks_v4l2_has_memory(dev);
	}
	ks_v4l2_unlock_device(dev);
	if (ret)
		return ret;
	details->own_first = ks_v4l2_needs_contiguous(dev);

	/* The driver makes buffers of the size of the format, with each plane in whole pages */
	details->own_largest = 0;
	for (i = 0; i < format.planes.count; i++)
		details->own_largest = min(details->own_largest +
					   ks_plane_bytes(&format.planes, i),
					   U32_MAX);
	if (ks_v4l2_is_compressed(&format))
		ks_framing_compression(format.size, format.width, format.height,
				       &details->compression);
	return 0;
}

/* VIDIOC_G_PARM, as in the V4L2 core; ks_v4l2_lock_device() was called */
int ks_v4l2_get_parm(struct ks_v4l2_device *dev, struct v4l2_streamparm *parm)
{
	const struct v4l2_ioctl_ops *ops = dev->vdev->ioctl_ops;
	void *fh = dev->file->private_data;
	v4l2_std_id std;
	int ret;

	ret = ks_v4l2_check(dev, VIDIOC_G_PARM);
	if (ret)
		return ret;
	if (ops->vidioc_g_parm)
		return ops->vidioc_g_parm(dev->file, fh, parm);
	ret = ops->vidioc_g_std(dev->file, fh, &std);
	if (!ret)
		v4l2_video_std_frame_period(std, &parm->parm.capture.timeperframe);
	return ret;
}

/*
 * The duration of a frame in 100 ns; 0 if unknown. Sets @alternates if each field is a separate
 * buffer. Then the duration is half of the frame interval. No lock of the device is held. Contract
 * I3.
 */
s64 ks_v4l2_frame_duration(struct ks_v4l2_device *dev, bool *alternates)
{
	const struct v4l2_fract *interval;
	struct v4l2_streamparm parm = { .type = dev->type };
	struct ks_v4l2_format format;
	u64 duration;
	int ret;

	*alternates = false;
	if (ks_v4l2_lock_device(dev))
		return 0;
	ret = ks_v4l2_get_format(dev, &format);
	if (!ret) {
		*alternates = format.field == V4L2_FIELD_ALTERNATE;
		ret = ks_v4l2_get_parm(dev, &parm);
	}
	ks_v4l2_unlock_device(dev);
	interval = &parm.parm.capture.timeperframe;
	if (ret || !interval->numerator || !interval->denominator)
		return 0;

	duration = DIV_ROUND_CLOSEST_ULL(interval->numerator * 10000000ULL,
					 interval->denominator);
	if (*alternates)
		duration = DIV_ROUND_CLOSEST_ULL(duration, 2);
	return duration <= KS_V4L2_DURATION_MAX ? duration : 0;
}
