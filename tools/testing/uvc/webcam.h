/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the suite share: the camera of camera.c in a process of its own, and
 * a connection to it.
 *
 * The camera does what a test tells it to, and a test can ask it what it has done. So
 * tests wait for events of the camera, not for times.
 */
#ifndef UVC_WEBCAM_H
#define UVC_WEBCAM_H

#include "../selftests/ksalloc_test.h"

#include <stdint.h>

#define WEBCAM_FRAMES 4
#define WEBCAM_FRAMES_MAX 16

/**
 * struct webcam - a camera that is plugged in
 * @pid: its process
 * @commands: where it is told what to do
 * @answers: what it says
 * @serial: its serial number
 * @usb: the USB device, as in /sys/bus/usb/devices
 * @node: the path of the V4L2 node
 */
struct webcam {
	pid_t pid;
	int commands;
	int answers;
	char serial[32];
	char usb[32];
	char node[64];
};

/* @option: one more for the camera, or NULL. Waits for the node. */
void webcam_plug(struct webcam *webcam, const char *option);
/* Kill the camera's process: the cable is pulled. Does nothing if it was before. */
void webcam_unplug(struct webcam *webcam);
/*
 * Wait until the kernel has let go of a camera that is unplugged, before its last V4L2
 * file is closed. media_device_unregister_entity(), which that calls, can meet
 * media_device_unregister() and then follows a NULL pointer (seen on 6.12, without any
 * file of ksalloc's).
 */
void webcam_settle(struct webcam *webcam);
LIKE_PRINTF(2, 3) void webcam_tell(struct webcam *webcam, const char *format, ...);
/* Pictures that it has sent since it was plugged in */
unsigned int webcam_pictures(struct webcam *webcam);
/* Requests that have no answer yet */
unsigned int webcam_waiting(struct webcam *webcam);

bool webcam_has_node(struct webcam *webcam);
/* Find the node again, which may have another number now. */
void webcam_find(struct webcam *webcam);
int webcam_open(struct webcam *webcam);
/* The size and the rate must be the camera's; returns what S_FMT or S_PARM does. */
int webcam_set_mode(int video, unsigned int pixelformat, unsigned int width,
		    unsigned int height, unsigned int rate);
int webcam_set_control(int video, unsigned int control, int value);

/* What root can do to the device. They return when the kernel has done it. */
void webcam_unbind(struct webcam *webcam);
void webcam_bind(struct webcam *webcam);
void webcam_authorize(struct webcam *webcam, bool authorized);
void webcam_reset(struct webcam *webcam);
/* A file of the USB device in sysfs */
void webcam_write(struct webcam *webcam, const char *name, const char *text);
void webcam_read(struct webcam *webcam, const char *name, char *text, size_t size);

/* S_FMT or TRY_FMT of somebody else's, in a thread; it may hang in the camera. */
struct try_format {
	int video;
	struct v4l2_format format;
	struct call call;
};

void try_format_start(struct try_format *try, struct webcam *webcam);
/* The same, and wait until the camera has the request. */
void try_format_hang(struct try_format *try, struct webcam *webcam);
void try_format_end(struct try_format *try);

/**
 * struct studio - a camera, a connection to it, and the frames
 * @cam: the camera
 * @rig: the connection
 * @frame: each frame, mapped
 * @dmabuf: each frame's dma-buf
 * @frames: how many there are
 * @bytes: of one of them
 */
struct studio {
	struct webcam cam;
	struct rig rig;
	uint8_t *frame[WEBCAM_FRAMES_MAX];
	int dmabuf[WEBCAM_FRAMES_MAX];
	unsigned int frames;
	size_t bytes;
};

/* A camera and nothing else */
void studio_set_up(struct studio *studio, const char *option);
void studio_tear_down(struct studio *studio);
/* Open the node, set a mode of raw pictures and connect. */
void studio_connect(struct studio *studio, unsigned int width, unsigned int height,
		    unsigned int rate);
void studio_connect_in(struct studio *studio, unsigned int pixelformat,
		       unsigned int width, unsigned int height, unsigned int rate);
/* Create, assign and map an allocator; @heap is -1 for the camera's own memory. */
void studio_allocate(struct studio *studio, int heap);
/* All of the above with small pictures in memory of a heap, up to RUN */
void studio_run(struct studio *studio);
/* To RUN, all free frames submitted */
void studio_start(struct studio *studio);
/* Close all that is of the connection; the camera stays. */
void studio_disconnect(struct studio *studio);

void frame_begin_read(struct studio *studio, unsigned int index);
void frame_end_read(struct studio *studio, unsigned int index);

/* How a test waits for a frame */
enum waiting {
	WAIT_BLOCKING,
	WAIT_DEADLINE,
	WAIT_POLL,
	WAIT_EPOLL,
	WAIT_NONBLOCK,
};

/**
 * struct watch - what was seen of a stream
 * @waiting: how to wait
 * @rate: pictures in a second, to compare the duration with; 0 for whatever it is
 * @damage: wrong pictures are no failure
 * @pictures: all that came
 * @wrong: those that were not right
 * @marked: those with DATADISCONTINUITY
 * @unmarked: those that were not right and had no DATADISCONTINUITY
 * @smallest: bytes of the smallest right picture
 * @largest: and of the largest
 * @counter: on the label of the last picture that had one
 * @sequence: its sequence number
 * @time: its time
 */
struct watch {
	enum waiting waiting;
	unsigned int rate;
	bool damage;
	unsigned int pictures, wrong, marked, unmarked;
	size_t smallest, largest;
	uint32_t counter, sequence;
	int64_t time;
};

/* One more frame; returns its index, or an errno. It has to be submitted or freed. */
int watch_next(struct studio *studio, struct watch *watch, struct ksalloc_complete *out);
/* Collect so many, and submit each again. */
void watch_pictures(struct studio *studio, struct watch *watch, unsigned int count);
/* The usual one: so many right pictures */
void expect_pictures(struct studio *studio, unsigned int count);

#endif
