/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A camera with its driver and the kernel module, played in user space. It is linked
 * between ks-capture and libc (ld --wrap). It has a clock of its own, so no test waits.
 */
#ifndef CAMERA_H
#define CAMERA_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include <linux/ksalloc.h>
#include <linux/videodev2.h>

#define CAMERA_PATH "/dev/video0"
#define CAMERA_FORMATS 8
#define CAMERA_FRAMES 64
#define CAMERA_BUFFERS 64

/**
 * struct camera_format - a pixel format that the camera offers
 * @fourcc: its code
 * @planes: in how many pieces of memory a frame lies; 0 is one
 * @emulated: V4L2_FMT_FLAG_EMULATED
 */
struct camera_format {
	__u32 fourcc;
	__u32 planes;
	bool emulated;
};

/**
 * struct camera_frame - what the camera does next
 * @sequence: the frame's number
 * @flags: KSSTREAM_HEADER_OPTIONSF_*
 * @data: what the camera puts into it; NULL for noise
 * @used: bytes that are used; 0 for all of a frame
 * @waits: it comes only when somebody waits for it
 * @source_changes: first, the source changes to that of camera.next_*
 * @err: instead of a frame, an error
 */
struct camera_frame {
	__u32 sequence;
	__u32 flags;
	const void *data;
	__u32 used;
	bool waits;
	bool source_changes;
	int err;
};

/**
 * struct camera - what the camera is, says and does; what has become of it
 * @caps: V4L2_CAP_*
 * @formats: what it offers
 * @format: what it is set to
 * @width: likewise
 * @height: likewise
 * @field: V4L2_FIELD_*
 * @frame_bytes: bytes of a frame; 0 for two bytes a pixel
 * @period: how long a frame takes
 * @input_caps: V4L2_IN_CAP_*
 * @input_status: V4L2_IN_ST_*
 * @timings: the DV timings that it is set to
 * @source: those that the source has
 * @query_errno: what VIDIOC_QUERY_DV_TIMINGS says instead
 * @next_source: what the source changes to
 * @next_errno: likewise
 * @next_status: likewise
 * @has_events: it tells of a source that changes
 * @needs: what the module says that the device needs
 * @connect_errno: what the module's calls say: to connect
 * @create_errno: to make an allocator
 * @start_errno: to run
 * @changes_format: another program changes the format before the start
 * @frames: what it does from the start on
 * @nr_frames: how much of it there is
 * @event: a source change is pending
 * @next: the frame that comes next
 * @starts: how often it was started
 * @sets_timings: how often its timings were set
 */
struct camera {
	__u32 caps;
	struct camera_format formats[CAMERA_FORMATS];
	__u32 format;
	__u32 width;
	__u32 height;
	__u32 field;
	__u32 frame_bytes;
	struct v4l2_fract period;
	__u32 input_caps;
	__u32 input_status;
	struct v4l2_bt_timings timings;
	struct v4l2_bt_timings source;
	int query_errno;
	struct v4l2_bt_timings next_source;
	int next_errno;
	__u32 next_status;
	bool has_events;
	struct ksallocator_framing needs;
	int connect_errno;
	int create_errno;
	int start_errno;
	bool changes_format;
	struct camera_frame frames[CAMERA_FRAMES];
	unsigned int nr_frames;

	bool event;
	unsigned int next;
	unsigned int starts;
	unsigned int sets_timings;
};

extern struct camera camera;

/* A camera that is set to YUYV 64x36 at 30 a second, with @frames good frames */
void camera_reset(unsigned int frames);

/* Run ks-capture with these words; returns its exit status */
int camera_run(const char *words);
/* What the last run said, and how often it said this */
extern char camera_said[8192];
int camera_said_count(const char *text);

/* What ld --wrap puts between ks-capture and libc, and what is behind it */
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_poll(struct pollfd *files, nfds_t count, int timeout);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
int __real_ioctl(int fd, unsigned long request, ...);
int __real_poll(struct pollfd *files, nfds_t count, int timeout);

#endif /* CAMERA_H */
