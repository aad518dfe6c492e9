/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers of the tests of this suite: the camera of camera.c in its own process, and a
 * connection to it.
 *
 * The camera executes commands of a test, and a test can query its state. So tests wait for
 * events of the camera, not for times.
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
 * @commands: pipe for commands
 * @answers: pipe for answers
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

/* @option: an additional option for the camera, or NULL. Waits for the node. */
void webcam_plug(struct webcam *webcam, const char *option);
/* Kills the process of the camera, which unplugs it. Does nothing if that was done before. */
void webcam_unplug(struct webcam *webcam);
/*
 * Waits until the kernel has removed an unplugged camera. Call it before the last V4L2 file
 * of the camera is closed: media_device_unregister_entity() in that close can run
 * concurrently with media_device_unregister(), and then dereferences a NULL pointer (seen on
 * 6.12, without any file of ksalloc).
 */
void webcam_settle(struct webcam *webcam);
LIKE_PRINTF(2, 3) void webcam_tell(struct webcam *webcam, const char *format, ...);
/* Number of pictures that it has sent since it was plugged in */
unsigned int webcam_pictures(struct webcam *webcam);
/* Whether it is on: the host has started the stream, and not stopped it. Its light is on then */
bool webcam_streams(struct webcam *webcam);
/* Number of requests without an answer */
unsigned int webcam_waiting(struct webcam *webcam);
/* The value of a control of controls.h */
int webcam_value(struct webcam *webcam, unsigned int control);

bool webcam_has_node(struct webcam *webcam);
/* Finds the node again, which may have another number now. */
void webcam_find(struct webcam *webcam);
int webcam_open(struct webcam *webcam);
/* The camera must support the size and the rate. Returns the result of S_FMT or S_PARM. */
int webcam_set_mode(int video, unsigned int pixelformat, unsigned int width,
		    unsigned int height, unsigned int rate);
int webcam_set_control(int video, unsigned int control, int value);

/* Operations of root on the device. They return when the kernel has finished them. */
void webcam_unbind(struct webcam *webcam);
void webcam_bind(struct webcam *webcam);
void webcam_authorize(struct webcam *webcam, bool authorized);
void webcam_reset(struct webcam *webcam);
/* A file in the sysfs directory of the USB device */
void webcam_write(struct webcam *webcam, const char *name, const char *text);
void webcam_read(struct webcam *webcam, const char *name, char *text, size_t size);

/* S_FMT or TRY_FMT of another file, in a thread. It may hang in the camera. */
struct try_format {
	int video;
	struct v4l2_format format;
	struct call call;
};

void try_format_start(struct try_format *try, struct webcam *webcam);
/* Like try_format_start(), and waits until the camera has the request. */
void try_format_hang(struct try_format *try, struct webcam *webcam);
void try_format_end(struct try_format *try);

/* The camera with a share. The path is that of its node. */
struct sharing {
	int ksalloc, video, share;
	char path[32];
};

void sharing_begin(struct sharing *sharing, struct webcam *webcam);
void sharing_end(struct sharing *sharing);

/**
 * struct studio - a camera, a connection to it, and the frames
 * @cam: the camera
 * @rig: the connection
 * @frame: address of each frame
 * @dmabuf: dma-buf of each frame
 * @frames: number of frames
 * @bytes: bytes in a frame
 */
struct studio {
	struct webcam cam;
	struct rig rig;
	uint8_t *frame[WEBCAM_FRAMES_MAX];
	int dmabuf[WEBCAM_FRAMES_MAX];
	unsigned int frames;
	size_t bytes;
};

/* Only the camera */
void studio_set_up(struct studio *studio, const char *option);
void studio_tear_down(struct studio *studio);
/* Opens the node, sets a mode of raw pictures and connects. */
void studio_connect(struct studio *studio, unsigned int width, unsigned int height,
		    unsigned int rate);
void studio_connect_in(struct studio *studio, unsigned int pixelformat,
		       unsigned int width, unsigned int height, unsigned int rate);
/* Creates, assigns and maps an allocator; @heap is -1 for the camera's own memory. */
void studio_allocate(struct studio *studio, int heap);
/* The same with this number of frames, at most WEBCAM_FRAMES_MAX */
void studio_allocate_frames(struct studio *studio, int heap, unsigned int frames);
/* The same with imported memory of udmabuf, in place of that of a heap */
void studio_import(struct studio *studio);
/* All of the above, with small pictures in memory of a heap, up to RUN */
void studio_run(struct studio *studio);
/* To RUN, with all free frames submitted */
void studio_start(struct studio *studio);
/* Closes everything of the connection. The camera stays. */
void studio_disconnect(struct studio *studio);

void frame_begin_read(struct studio *studio, unsigned int index);
void frame_end_read(struct studio *studio, unsigned int index);

/* How a test waits for a frame */
enum waiting {
	WAIT_BLOCKING,
	WAIT_DEADLINE,
	WAIT_SELECT,
	WAIT_POLL,
	WAIT_EPOLL,
	WAIT_NONBLOCK,
};

/**
 * struct watch - statistics of a stream
 * @waiting: how to wait
 * @rate: pictures per second, to compare the duration with; 0 for any
 * @damage: wrong pictures are not a failure
 * @pictures: number of all pictures
 * @wrong: number of wrong pictures
 * @marked: number of pictures with DATADISCONTINUITY
 * @unmarked: number of wrong pictures without DATADISCONTINUITY
 * @smallest: bytes of the smallest correct picture
 * @largest: bytes of the largest correct picture
 * @counter: number on the label of the last picture with a label
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

/* Checks the picture and the header of a frame that was completed. */
void watch_look(struct studio *studio, struct watch *watch, const struct ksalloc_complete *frame);
/* Completes a frame; returns its index, or an errno. The caller has to submit or free it. */
int watch_next(struct studio *studio, struct watch *watch, struct ksalloc_complete *out);
/* Completes this number of frames, and submits each again. */
void watch_pictures(struct studio *studio, struct watch *watch, unsigned int count);
/* The same, and checks that all pictures are correct */
void expect_pictures(struct studio *studio, unsigned int count);

#endif
