// SPDX-License-Identifier: GPL-2.0-only
/*
 * The V4L2 device. Drivers adjust what they are asked for; whatever they make of
 * it is read back and used, and the user is told.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "choose.h"
#include "device.h"
#include "hints.h"
#include "say.h"

#define OFFERS_MAX 128

/* What both kinds of struct v4l2_format have in common */
struct format {
	__u32 fourcc;
	__u32 width;
	__u32 height;
	__u32 stride;
	__u32 field;
	__u32 planes;
	__u32 colorspace;
	__u32 ycbcr_enc;
	__u32 quantization;
};

static int call(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static struct format format_read(const struct v4l2_format *v4l2)
{
	const struct v4l2_pix_format_mplane *mp = &v4l2->fmt.pix_mp;
	const struct v4l2_pix_format *sp = &v4l2->fmt.pix;

	if (v4l2->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE)
		return (struct format) {
			.fourcc = mp->pixelformat,
			.width = mp->width,
			.height = mp->height,
			.stride = mp->plane_fmt[0].bytesperline,
			.field = mp->field,
			.planes = mp->num_planes,
			.colorspace = mp->colorspace,
			.ycbcr_enc = mp->ycbcr_enc,
			.quantization = mp->quantization,
		};
	return (struct format) {
		.fourcc = sp->pixelformat,
		.width = sp->width,
		.height = sp->height,
		.stride = sp->bytesperline,
		.field = sp->field,
		.planes = 1,
		.colorspace = sp->colorspace,
		.ycbcr_enc = sp->ycbcr_enc,
		.quantization = sp->quantization,
	};
}

static void format_wish(struct v4l2_format *v4l2, __u32 type, __u32 fourcc, __u32 width,
			__u32 height)
{
	memset(v4l2, 0, sizeof(*v4l2));
	v4l2->type = type;
	if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) {
		v4l2->fmt.pix_mp.pixelformat = fourcc;
		v4l2->fmt.pix_mp.width = width;
		v4l2->fmt.pix_mp.height = height;
		v4l2->fmt.pix_mp.field = V4L2_FIELD_ANY;
		v4l2->fmt.pix_mp.num_planes = 1;
	} else {
		v4l2->fmt.pix.pixelformat = fourcc;
		v4l2->fmt.pix.width = width;
		v4l2->fmt.pix.height = height;
		v4l2->fmt.pix.field = V4L2_FIELD_ANY;
	}
}

/* 0 where the device does not capture video */
static __u32 capture_type(const struct v4l2_capability *cap)
{
	__u32 caps = cap->capabilities;

	/* Of this node, rather than of the whole device */
	if (caps & V4L2_CAP_DEVICE_CAPS)
		caps = cap->device_caps;
	if (caps & V4L2_CAP_VIDEO_CAPTURE)
		return V4L2_BUF_TYPE_VIDEO_CAPTURE;
	if (caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE)
		return V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	return 0;
}

static void explain_open(const char *path, int err)
{
	say_error("cannot open %s: %s", path, strerror(err));
	switch (err) {
	case ENOENT:
		say_advice("ks-capture --list tells which cameras there are.");
		break;
	case EACCES:
	case EPERM:
		hint_permission(path);
		break;
	case EBUSY:
		hint_holders(path);
		break;
	case ENODEV:
	case ENXIO:
		say_advice("There is no device behind this node (any more): is it plugged in?");
		break;
	}
}

int device_open(struct device *device, const char *path)
{
	struct v4l2_capability cap;
	struct stat st;

	*device = (struct device) { .path = path };
	/* O_NONBLOCK: some drivers else wait for their device; frames are not read here */
	device->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (device->fd < 0) {
		explain_open(path, errno);
		return STATUS_DEVICE;
	}
	if (fstat(device->fd, &st) || !S_ISCHR(st.st_mode) ||
	    call(device->fd, VIDIOC_QUERYCAP, &cap)) {
		say_error("%s is no V4L2 device", path);
		goto err;
	}
	device->type = capture_type(&cap);
	if (!device->type) {
		say_error("%s does not capture video: %s", path, (const char *)cap.card);
		goto err;
	}
	snprintf(device->driver, sizeof(device->driver), "%.16s", (const char *)cap.driver);
	snprintf(device->card, sizeof(device->card), "%.32s", (const char *)cap.card);
	return STATUS_OK;

err:
	say_advice("ks-capture --list tells which cameras there are.");
	device_close(device);
	return STATUS_DEVICE;
}

void device_close(struct device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
}

static bool in_steps(__u32 value, __u32 min, __u32 max, __u32 step)
{
	return value >= min && value <= max && (!step || (value - min) % step == 0);
}

/* Where the driver does not tell its sizes, only trying would tell: so true */
static bool has_size(int fd, __u32 fourcc, __u32 width, __u32 height)
{
	struct v4l2_frmsizeenum size = { .pixel_format = fourcc };

	if (!width)
		return true;
	for (; !call(fd, VIDIOC_ENUM_FRAMESIZES, &size); size.index++) {
		const struct v4l2_frmsize_stepwise *steps = &size.stepwise;

		if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE)
			return in_steps(width, steps->min_width, steps->max_width,
					steps->step_width) &&
			       in_steps(height, steps->min_height, steps->max_height,
					steps->step_height);
		if (size.discrete.width == width && size.discrete.height == height)
			return true;
	}
	return !size.index;
}

static unsigned int list_offers(const struct device *device, __u32 width, __u32 height,
				struct offer offers[OFFERS_MAX])
{
	struct v4l2_fmtdesc desc = { .type = device->type };
	unsigned int count = 0;

	for (; count < OFFERS_MAX && !call(device->fd, VIDIOC_ENUM_FMT, &desc); desc.index++)
		offers[count++] = (struct offer) {
			.fourcc = desc.pixelformat,
			.emulated = desc.flags & V4L2_FMT_FLAG_EMULATED,
			.has_size = has_size(device->fd, desc.pixelformat, width, height),
		};
	return count;
}

/* One line of those offers that an output can use */
static void advise_offers(const struct offer *offers, unsigned int count, enum output_kind kind)
{
	char line[1024] = "", code[FOURCC_TEXT];
	unsigned int i;
	size_t len;

	for (i = 0; i < count; i++) {
		if (!output_can_use(kind, offers[i].fourcc))
			continue;
		len = strlen(line);
		snprintf(line + len, sizeof(line) - len, " %s",
			 fourcc_text(offers[i].fourcc, code));
	}
	if (*line)
		say_advice("It offers:%s", line);
}

static void advise_output(enum output_kind kind, const struct pixel_format *format)
{
	if (format && format->kind == PIXEL_JPEG)
		say_advice("-F jpeg saves its frames as they come, each one a JPEG picture.");
	else if (kind == OUTPUT_Y4M && format && format->kind == PIXEL_RGB)
		say_advice("-F png takes RGB; -F raw saves the frames as they come.");
	else
		say_advice("-F raw saves the frames as they come.");
}

static int refuse_output(__u32 fourcc, enum output_kind kind, const struct offer *offers,
			 unsigned int count)
{
	char code[FOURCC_TEXT];

	say_error("%s cannot be written as %s", fourcc_text(fourcc, code), output_kind_name(kind));
	advise_output(kind, pixel_format_find(fourcc));
	say_advice("Or leave the choice of the format to ks-capture, without -f.");
	advise_offers(offers, count, kind);
	return STATUS_FORMAT;
}

/* The user's code, in the case that the device spells it */
static bool find_offer(const struct offer *offers, unsigned int count, __u32 *fourcc)
{
	char wish[FOURCC_TEXT], offer[FOURCC_TEXT];
	unsigned int i;

	for (i = 0; i < count; i++)
		if (offers[i].fourcc == *fourcc)
			return true;
	fourcc_text(*fourcc, wish);
	for (i = 0; i < count; i++) {
		if (strcasecmp(fourcc_text(offers[i].fourcc, offer), wish))
			continue;
		*fourcc = offers[i].fourcc;
		return true;
	}
	return false;
}

static int pick_format(const struct device *device, const struct options *options,
		       const struct format *now, __u32 *fourcc)
{
	struct offer offers[OFFERS_MAX];
	unsigned int count = list_offers(device, options->width, options->height, offers);
	char code[FOURCC_TEXT];

	*fourcc = options->fourcc;
	if (!*fourcc) {
		*fourcc = choose_format(offers, count, now->fourcc, options->kind);
		if (*fourcc)
			return STATUS_OK;
		say_error("%s has no format that can be written as %s", device->path,
			  output_kind_name(options->kind));
		advise_output(options->kind, count ? pixel_format_find(offers[0].fourcc) : NULL);
		advise_offers(offers, count, OUTPUT_RAW);
		return STATUS_FORMAT;
	}
	if (count && !find_offer(offers, count, fourcc)) {
		say_error("%s does not offer the format %s", device->path,
			  fourcc_text(*fourcc, code));
		advise_offers(offers, count, options->kind);
		return STATUS_FORMAT;
	}
	if (!output_can_use(options->kind, *fourcc))
		return refuse_output(*fourcc, options->kind, offers, count);
	return STATUS_OK;
}

static int explain_set_format(const struct device *device, const char *what, int err)
{
	say_error("%s: cannot set the %s: %s", device->path, what, strerror(-err));
	if (err == -EBUSY) {
		say_advice("Somebody captures from it now.");
		hint_holders(device->path);
		return STATUS_DEVICE;
	}
	if (err == -EINVAL)
		say_advice("ks-capture -d %s --list-formats tells what it offers.", device->path);
	return STATUS_DEVICE;
}

/* Say how the driver changed a wish; an error with --exact */
static int tell_format(const struct device *device, const struct options *options, __u32 fourcc,
		       __u32 width, __u32 height, const struct format *got)
{
	char wish[FOURCC_TEXT], is[FOURCC_TEXT];

	if (got->fourcc == fourcc && got->width == width && got->height == height)
		return STATUS_OK;
	fourcc_text(fourcc, wish);
	fourcc_text(got->fourcc, is);
	if (options->exact) {
		say_error("%s does not offer %s %ux%u, the next to it is %s %ux%u", device->path,
			  wish, width, height, is, got->width, got->height);
		say_advice("ks-capture -d %s --list-formats tells what it offers.", device->path);
		return STATUS_FORMAT;
	}
	say_note("%s made %s %ux%u of %s %ux%u", device->path, is, got->width, got->height,
		 wish, width, height);
	return STATUS_OK;
}

static int set_format(struct device *device, const struct options *options, struct format *got)
{
	struct v4l2_format v4l2 = { .type = device->type };
	__u32 fourcc, width, height;
	int ret;

	ret = call(device->fd, VIDIOC_G_FMT, &v4l2);
	if (ret)
		return explain_set_format(device, "format", ret);
	*got = format_read(&v4l2);
	ret = pick_format(device, options, got, &fourcc);
	if (ret)
		return ret;

	width = options->width ? options->width : got->width;
	height = options->width ? options->height : got->height;
	format_wish(&v4l2, device->type, fourcc, width, height);
	ret = call(device->fd, VIDIOC_S_FMT, &v4l2);
	if (ret)
		return explain_set_format(device, "format", ret);
	*got = format_read(&v4l2);
	return tell_format(device, options, fourcc, width, height, got);
}

static int check_format(const struct device *device, const struct options *options,
			const struct format *got)
{
	char code[FOURCC_TEXT];

	fourcc_text(got->fourcc, code);
	if (got->planes != 1) {
		say_error("%s keeps a %s frame in %u pieces of memory; one is what ksalloc takes",
			  device->path, code, got->planes);
		say_advice("Choose another format: ks-capture -d %s --list-formats", device->path);
		return STATUS_FORMAT;
	}
	if (!output_can_use(options->kind, got->fourcc)) {
		say_error("%s made %s of it, which cannot be written as %s", device->path, code,
			  output_kind_name(options->kind));
		return STATUS_FORMAT;
	}
	if (device->picture.format && !picture_is_sane(&device->picture)) {
		say_error("%s reports %u bytes a line for %s %ux%u, which is too little",
			  device->path, got->stride, code, got->width, got->height);
		return STATUS_DEVICE;
	}
	return STATUS_OK;
}

static bool same_rate(struct rate a, struct rate b)
{
	__u64 left = (__u64)a.num * b.den, right = (__u64)b.num * a.den;
	__u64 difference = left > right ? left - right : right - left;

	/* 29.97 and 2997/100 are the same for people */
	return difference <= right / 2000;
}

static struct rate read_rate(const struct v4l2_streamparm *parm)
{
	const struct v4l2_fract *period = &parm->parm.capture.timeperframe;

	if (!(parm->parm.capture.capability & V4L2_CAP_TIMEPERFRAME))
		return (struct rate) {};
	return rate_of(period->denominator, period->numerator);
}

static int set_rate(struct device *device, const struct options *options)
{
	struct v4l2_streamparm parm = { .type = device->type };
	const struct rate *wish = &options->rate;
	int ret = call(device->fd, VIDIOC_G_PARM, &parm);

	/* Without an answer there is no rate */
	device->rate = read_rate(&parm);
	if (ret)
		device->rate.num = 0;
	if (!wish->num)
		return STATUS_OK;
	if (device->rate.num) {
		parm.parm.capture.timeperframe = (struct v4l2_fract) { wish->den, wish->num };
		ret = call(device->fd, VIDIOC_S_PARM, &parm);
		if (ret)
			return explain_set_format(device, "rate", ret);
		device->rate = read_rate(&parm);
	}
	if (device->rate.num && same_rate(device->rate, *wish))
		return STATUS_OK;
	if (options->exact) {
		say_error("%s does not offer %.5g frames a second", device->path,
			  (double)wish->num / wish->den);
		say_advice("ks-capture -d %s --list-formats tells what it offers.", device->path);
		return STATUS_FORMAT;
	}
	if (device->rate.num)
		say_note("%s made %.5g frames a second of %.5g", device->path,
			 (double)device->rate.num / device->rate.den,
			 (double)wish->num / wish->den);
	else
		say_note("%s lets nobody set its rate", device->path);
	return STATUS_OK;
}

/* V4L2 tells of pixels that are not square only for pictures that are not scaled */
static struct v4l2_fract read_aspect(const struct device *device)
{
	struct v4l2_cropcap crop = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	if (call(device->fd, VIDIOC_CROPCAP, &crop) || !crop.pixelaspect.numerator ||
	    !crop.pixelaspect.denominator || crop.defrect.width != device->picture.width ||
	    crop.defrect.height != device->picture.height)
		return (struct v4l2_fract) { 1, 1 };
	return crop.pixelaspect;
}

int device_set_up(struct device *device, const struct options *options)
{
	const struct pixel_format *pixel;
	struct format got = {};
	int ret;

	ret = set_format(device, options, &got);
	if (ret)
		return ret;
	pixel = pixel_format_find(got.fourcc);
	device->fourcc = got.fourcc;
	device->field = got.field;
	device->picture = (struct picture) {
		.format = pixel,
		.width = got.width,
		.height = got.height,
		.stride = got.stride,
	};
	if (pixel)
		device->picture.colours = colours_of(pixel->kind, got.colorspace, got.ycbcr_enc,
						     got.quantization);
	ret = check_format(device, options, &got);
	if (ret)
		return ret;
	device->aspect = read_aspect(device);
	return set_rate(device, options);
}

void device_explain_silence(const struct device *device)
{
	struct v4l2_input input = {};
	int index;

	if (call(device->fd, VIDIOC_G_INPUT, &index))
		return;
	input.index = index;
	if (call(device->fd, VIDIOC_ENUMINPUT, &input))
		return;
	if (input.status & (V4L2_IN_ST_NO_POWER | V4L2_IN_ST_NO_SIGNAL | V4L2_IN_ST_NO_SYNC))
		say_advice("Its input '%s' has no signal: is something plugged in and switched on?",
			   (const char *)input.name);
}

static int is_video_node(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "video", 5) && isdigit((unsigned char)entry->d_name[5]);
}

/* Returns whether there was something to tell */
static bool list_one(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct v4l2_capability cap;
	bool captures;

	if (fd < 0) {
		printf("%-13s cannot be opened: %s\n", path, strerror(errno));
		return true;
	}
	captures = !call(fd, VIDIOC_QUERYCAP, &cap) && capture_type(&cap);
	if (captures)
		printf("%-13s %.32s (driver %.16s, at %.32s)\n", path, (const char *)cap.card,
		       (const char *)cap.driver, (const char *)cap.bus_info);
	close(fd);
	return captures;
}

int device_list(void)
{
	int i, count, told = 0;
	struct dirent **nodes;
	char path[300];

	count = scandir("/dev", &nodes, is_video_node, versionsort);
	if (count < 0) {
		say_error("cannot look into /dev: %s", strerror(errno));
		return STATUS_FAILED;
	}
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/dev/%s", nodes[i]->d_name);
		told += list_one(path);
		free(nodes[i]);
	}
	free(nodes);
	if (told)
		return STATUS_OK;
	say_error("there is no camera");
	say_advice("Without a real one, try the virtual one: sudo modprobe vivid");
	return STATUS_DEVICE;
}

static void list_rates(int fd, __u32 fourcc, __u32 width, __u32 height)
{
	struct v4l2_frmivalenum rate = {
		.pixel_format = fourcc,
		.width = width,
		.height = height,
	};

	for (; !call(fd, VIDIOC_ENUM_FRAMEINTERVALS, &rate); rate.index++) {
		const struct v4l2_fract *min = &rate.stepwise.min, *max = &rate.stepwise.max;

		if (rate.type == V4L2_FRMIVAL_TYPE_DISCRETE) {
			printf("%s%.5g", rate.index ? ", " : " at ",
			       (double)rate.discrete.denominator / rate.discrete.numerator);
			continue;
		}
		printf(" at %.5g to %.5g", (double)max->denominator / max->numerator,
		       (double)min->denominator / min->numerator);
		rate.index++;
		break;
	}
	if (rate.index)
		printf(" frames a second");
	putchar('\n');
}

static void list_sizes(int fd, __u32 fourcc)
{
	struct v4l2_frmsizeenum size = { .pixel_format = fourcc };

	for (; !call(fd, VIDIOC_ENUM_FRAMESIZES, &size); size.index++) {
		const struct v4l2_frmsize_stepwise *steps = &size.stepwise;

		if (size.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
			printf("      %ux%u", size.discrete.width, size.discrete.height);
			list_rates(fd, fourcc, size.discrete.width, size.discrete.height);
			continue;
		}
		printf("      %ux%u to %ux%u in steps of %ux%u", steps->min_width,
		       steps->min_height, steps->max_width, steps->max_height, steps->step_width,
		       steps->step_height);
		list_rates(fd, fourcc, steps->max_width, steps->max_height);
		break;
	}
}

/* In how many pieces of memory a frame lies; the driver tells only when asked */
static __u32 planes_of(const struct device *device, __u32 fourcc)
{
	struct v4l2_format v4l2;

	if (device->type == V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return 1;
	format_wish(&v4l2, device->type, fourcc, 640, 480);
	if (call(device->fd, VIDIOC_TRY_FMT, &v4l2))
		return 1;
	return format_read(&v4l2).planes;
}

static void list_outputs(__u32 fourcc)
{
	static const enum output_kind kinds[] = { OUTPUT_PNG, OUTPUT_Y4M, OUTPUT_JPEG, OUTPUT_RAW };
	size_t i;

	printf("  ->");
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (output_can_use(kinds[i], fourcc))
			printf(" %s", output_kind_name(kinds[i]));
}

int device_list_formats(const char *path)
{
	struct v4l2_fmtdesc desc = {};
	char code[FOURCC_TEXT];
	struct device device;
	__u32 planes;
	int ret;

	ret = device_open(&device, path);
	if (ret)
		return ret;
	printf("%s: %s, driver %s\n", path, device.card, device.driver);
	desc.type = device.type;
	for (; !call(device.fd, VIDIOC_ENUM_FMT, &desc); desc.index++) {
		printf("  %-7s %-30.32s", fourcc_text(desc.pixelformat, code),
		       (const char *)desc.description);
		planes = planes_of(&device, desc.pixelformat);
		if (planes == 1)
			list_outputs(desc.pixelformat);
		else
			printf("  in %u pieces of memory: not usable", planes);
		putchar('\n');
		list_sizes(device.fd, desc.pixelformat);
	}
	device_close(&device);
	return STATUS_OK;
}
