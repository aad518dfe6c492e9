/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of a camera with a V4L2 driver, and of the kernel module, for libkswin. It is
 * linked between the library and libc (ld --wrap=open,close,ioctl). Its files are real ones.
 */
#ifndef WINDEVICE_H
#define WINDEVICE_H

#include <stdbool.h>

#include "../win/win.h"

#define CAMERA_PATH "camera"
#define CAMERA_FRAMES 4
#define CAMERA_FRAME_BYTES 65536
#define CAMERA_UNIT 5
#define CAMERA_UNIT_BYTES 4

struct camera_control {
	struct v4l2_queryctrl query;
	__s32 value;
	/* One bit for each entry of a menu */
	unsigned int menu;
	/* The control that must be at this value, or this one is inactive */
	__u32 manual_cid;
	__s32 manual;
};

/* All can be changed at any time */
struct camera {
	/* It has the multi-planar API, with this number of planes */
	bool has_planes;
	__u8 planes;
	/* Formats; 0 after the last one */
	__u32 formats[8];
	/* Lines are a multiple of this number of bytes */
	__u32 line_unit;
	/* Lines can be longer if the client wants them so */
	bool takes_lines;
	__u32 max_width, max_height;
	/* Sizes are listed as a range */
	bool stepwise;
	__u32 field;
	struct v4l2_pix_format pix;
	struct v4l2_fract interval;
	struct camera_control controls[16];
	struct v4l2_input inputs[4];
	__u32 nr_inputs;
	int input;
	/* Bytes of the file with USB descriptors; 0 for no USB camera */
	unsigned char descriptors[256];
	size_t descriptors_bytes;
	unsigned char unit[CAMERA_UNIT_BYTES];
	/* Number of S_FMT calls, and of queries to the extension unit */
	int formats_set;
	int unit_queries;
	/* errno of UVC_SET_CUR */
	int unit_errno;
	/* Each frame is filled with this function, or not at all if it is NULL */
	void (*fill)(unsigned char *data);
	/* Number of frames that it still fills */
	unsigned int frames;
	/* errno of a dequeue in the kernel module, if not 0 */
	int complete_errno;
};

extern struct camera camera;

/* A camera with YUYV, NV12, RGB and MJPEG of up to 128 × 96, one input and no controls */
void camera_reset(void);
void camera_add_control(__u32 cid, enum v4l2_ctrl_type type, __s32 min, __s32 max, __s32 value);
struct camera_control *camera_control(__u32 cid);
/* Makes it a USB camera with an extension unit of this GUID */
void camera_add_unit(const GUID *set);
/* Lets it fill this number of frames from now on */
void camera_give_frames(unsigned int count);
/* Files of the model that are open */
int camera_files(void);

/* What ld --wrap calls instead of libc, and the functions of libc */
int __wrap_close(int fd);
int __real_close(int fd);
int __real_open(const char *path, int flags, ...);

#endif /* WINDEVICE_H */
