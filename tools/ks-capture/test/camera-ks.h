/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the simulated camera that is a model of the kernel module. */
#ifndef CAMERA_KS_H
#define CAMERA_KS_H

#include <stdbool.h>

#include <linux/types.h>

enum camera_file {
	CAMERA_NO_FILE,
	CAMERA_NODE,
	CAMERA_KS,
	CAMERA_HEAP,
	CAMERA_CONNECTION,
	CAMERA_ALLOCATOR,
	CAMERA_DMABUF,
	CAMERA_UDMABUF,
	CAMERA_MEDIA,
	CAMERA_SUBDEV,
};

/* camera.c */
enum camera_file camera_file_of(int fd);
int camera_new_file(int fd, enum camera_file kind);
__u32 camera_frame_bytes(void);
/* Number of memory planes of the current format */
__u32 camera_planes(void);
/* Time of the camera's clock, in 100 ns */
__s64 camera_time(void);
/* Advances the clock by the duration of a frame */
void camera_tick(void);

/* camera-ks.c */
void camera_ks_reset(void);
int camera_ks_call(int fd, unsigned long request, void *arg);
/* Whether a frame can be completed now */
bool camera_ks_is_ready(void);

#endif /* CAMERA_KS_H */
