/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated camera with its driver and the kernel module. It is linked between ks-capture
 * and libc (ld --wrap). It has its own clock, so no test waits.
 */
#ifndef CAMERA_H
#define CAMERA_H

#include <dirent.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <linux/ksalloc.h>
#include <linux/videodev2.h>

#define CAMERA_PATH "/dev/video0"
#define CAMERA_NODES 2
#define CAMERA_FORMATS 8
#define CAMERA_FRAMES 64
#define CAMERA_BUFFERS 64

/**
 * struct camera_format - a pixel format that the camera offers
 * @fourcc: its code
 * @planes: number of memory planes; 0 means one
 * @emulated: V4L2_FMT_FLAG_EMULATED
 */
struct camera_format {
	__u32 fourcc;
	__u32 planes;
	bool emulated;
};

/**
 * struct camera_frame - the next event of the camera
 * @sequence: the frame's number
 * @flags: KSSTREAM_HEADER_OPTIONSF_*
 * @data: content of the frame; NULL for noise
 * @used: number of bytes used; 0 for the whole frame
 * @has_no_time: the device does not report its time
 * @waits: it arrives only when the program waits for it
 * @changes: before the frame, the source changes to each of these; 0 for no change
 * @err: an error instead of a frame
 */
struct camera_frame {
	__u32 sequence;
	__u32 flags;
	const void *data;
	__u32 used;
	bool has_no_time;
	bool waits;
	unsigned int changes[2];
	int err;
};

/**
 * struct camera_source - a signal at the input of the camera
 * @timings: its DV timings
 * @query_errno: error of VIDIOC_QUERY_DV_TIMINGS, or 0
 * @status: V4L2_IN_ST_*
 */
struct camera_source {
	struct v4l2_bt_timings timings;
	int query_errno;
	__u32 status;
};

/**
 * struct camera_path - a file of this system that the program looks for
 * @path: its path
 * @content: its first bytes
 * @size: number of them
 */
struct camera_path {
	const char *path;
	const char *content;
	size_t size;
};

/**
 * struct camera - properties, behaviour and state of the camera
 * @card: its name; NULL for "Fake camera"
 * @share_of: the node is that of a share of this one, such as "video1"; NULL for a camera
 * @caps: V4L2_CAP_*
 * @formats: the offered formats
 * @format: the current format
 * @width: likewise
 * @height: likewise
 * @field: V4L2_FIELD_*
 * @frame_bytes: bytes of a frame; 0 for two bytes per pixel
 * @short_plane: the last plane of each frame has only a quarter of its data
 * @period: frame interval
 * @input_caps: V4L2_IN_CAP_*
 * @timings: the current DV timings
 * @sources: signals that it can receive; it starts with the first one
 * @source: index of the current one
 * @has_events: supports source change events
 * @needs: the requirements that the module reports
 * @lends: its own memory can be exported; then EOPNOTSUPP of the start is an error of heap
 *	memory only
 * @cannot_import: cannot import dma-bufs, although the framing states that it can
 * @only: the only ioctl that the node has; 0 for all
 * @heap_errno: error of opening the heap
 * @udmabuf_errno: error of opening /dev/udmabuf
 * @room: number of frames that a heap or udmabuf can allocate; 0 for no limit
 * @needs_contiguous: refuses memory that is not its own, because it is not contiguous
 * @connect_errno: errors of the calls of the module: connecting,
 * @create_errno: creating an allocator,
 * @assign_errno: assigning it,
 * @start_errno: and starting
 * @ks_errno: error of opening /dev/ksalloc
 * @open_errno: error of opening the node
 * @set_errno: error of VIDIOC_S_FMT
 * @nodes: number of nodes that /dev has for it, at most CAMERA_NODES
 * @group: owner of the nodes and of /dev/ksalloc; 0 for what they are on this machine
 * @paths: the files of this system that exist, of those that hints look for
 * @changes_format: another program changes the format before the start
 * @frames: events after the start
 * @nr_frames: length of @frames
 * @event: a source change is pending
 * @subscribed: changes of the current input are reported
 * @next: the next frame
 * @starts: number of starts
 * @sets_timings: number of times the timings were set
 */
struct camera {
	const char *card;
	const char *share_of;
	__u32 caps;
	struct camera_format formats[CAMERA_FORMATS];
	__u32 format;
	__u32 width;
	__u32 height;
	__u32 field;
	__u32 frame_bytes;
	bool short_plane;
	struct v4l2_fract period;
	__u32 input_caps;
	struct v4l2_bt_timings timings;
	struct camera_source sources[4];
	unsigned int source;
	bool has_events;
	struct ksallocator_framing needs;
	bool lends;
	bool cannot_import;
	unsigned long only;
	int heap_errno;
	int udmabuf_errno;
	unsigned int room;
	bool needs_contiguous;
	int connect_errno;
	int create_errno;
	int assign_errno;
	int start_errno;
	int ks_errno;
	int open_errno;
	int set_errno;
	unsigned int nodes;
	gid_t group;
	struct camera_path paths[4];
	bool changes_format;
	struct camera_frame frames[CAMERA_FRAMES];
	unsigned int nr_frames;

	bool event;
	bool subscribed;
	unsigned int next;
	unsigned int starts;
	unsigned int sets_timings;
};

extern struct camera camera;

/* Timings of 1280x720 at 60 frames a second; of 640x480; of 1920x1080, interlaced */
extern const struct v4l2_bt_timings camera_720p, camera_480p, camera_1080i;

/* Resets the camera to YUYV 64x36 at 30 frames per second, with @frames good frames */
void camera_reset(unsigned int frames);

/* Runs ks-capture with these arguments; returns its exit status */
int camera_run(const char *words);
/* Lists the camera; returns whether it was listed */
bool camera_list(void);
/* Lists all nodes, with messages; returns the exit status */
int camera_list_all(void);
/* Lists its formats; returns the exit status */
int camera_list_formats(void);
/* Prints advice on its pipeline: see camera-media.h */
void camera_advise(void);
/* The output of the last run, and the number of occurrences of a text in it */
extern char camera_said[8192];
int camera_said_count(const char *text);

/* The functions that ld --wrap calls instead of libc, and those of libc */
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_scandir(const char *path, struct dirent ***list,
		   int (*filter)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **));
int __wrap_scandir64(const char *path, struct dirent ***list,
		     int (*filter)(const struct dirent *),
		     int (*compare)(const struct dirent **, const struct dirent **));
int __wrap_access(const char *path, int mode);
int __wrap_stat64(const char *path, struct stat *st);
int __wrap_poll(struct pollfd *files, nfds_t count, int timeout);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __real_open(const char *path, int flags, ...);
int __real_access(const char *path, int mode);
int __real_stat64(const char *path, struct stat *st);
int __real_close(int fd);
int __real_ioctl(int fd, unsigned long request, ...);
int __real_poll(struct pollfd *files, nfds_t count, int timeout);

#endif /* CAMERA_H */
