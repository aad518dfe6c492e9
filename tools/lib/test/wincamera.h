/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of a camera and of the kernel module for tests of libkswin, with a stream of frames.
 * It is linked between the library and libc (ld --wrap). Its files are real ones. There is one
 * connection and one allocator at a time.
 */
#ifndef WINCAMERA_H
#define WINCAMERA_H

#include <stdbool.h>

#include "../win/win.h"

#define CAMERA_MAX_FRAMES 16
#define CAMERA_BYTES 8192
/* A picture of RGB24: its lines have different values */
#define CAMERA_LINE 96
#define CAMERA_LINES 64
/* A wait that takes longer hangs */
#define PATIENCE_S 300

struct camera {
	/* What it needs, and how many bytes its next picture has; 0 for a full frame */
	__u32 frames_needed;
	__u32 data_used;
	/* Offset of the data in a frame */
	__u32 data_start;
	__u32 field;
	/* The format is RGB24. A pin wants the top line first. Both before open_pin() */
	bool rgb;
	bool top_down;
	/* errno of the next steps to a state, of SUBMIT, and of everything; 0 if it works */
	int state_errno[KSSTATE_RUN + 1];
	int submit_errno;
	int export_errno;
	bool gone;
	/* Called once, before an allocator is taken from the pin */
	void (*before_leave)(void);

	/* What it did */
	enum ksstate state;
	bool assigned;
	unsigned int submitted;
	unsigned int without_descriptor;
	struct ksalloc_create_allocator created;
	/* DMA_BUF_SYNC_READ and _WRITE of accesses that have begun, and that have ended */
	__u64 began;
	__u64 ended;
};

extern struct camera camera;

/* Resets all; there must be no open files */
void camera_reset(void);
/*
 * Fills the next frame in the device, once there is one. Each byte has the number's value; of
 * RGB24, plus the number of its line
 */
void camera_fill(void);
/* A picture is lost: the next number is left out */
void camera_lose(void);
/* Waits until this number of frames is in the device, and no filled frame is in the queue */
void camera_wait(unsigned int in_device);
unsigned int camera_frames_in_device(void);
/* Signals the event that was enabled, once for each frame that became free, and ends it */
void camera_signal(unsigned int frames);
/* Waits until an ALLOC waits in the kernel */
void camera_wait_for_alloc(void);
/* From now on, SUBMIT fails with this errno; 0: it works again */
void camera_refuse(int err);
/*
 * For before_leave: until the allocator was taken, no step to PAUSE ends. Waits for a while that
 * one begins, or not at all if it cannot
 */
void camera_wait_for_pause(void);
/* The device disappears */
void camera_unplug(void);

/* Number of open files of this process */
int count_files(void);
/* Checks it. A thread of the library may release the last object slightly later */
void check_files(int before);

/* The functions of clients */
HANDLE open_filter(void);
/* In the format of the camera */
HANDLE open_pin(HANDLE filter);
DWORD set_state(HANDLE pin, KSSTATE state);
DWORD reset_pin(HANDLE pin, KSRESET reset);
/* Returns the last error, or 0 */
DWORD begin_read(HANDLE pin, void *headers, ULONG size, OVERLAPPED *overlapped);
/* Of three frames in system memory */
HANDLE open_allocator(HANDLE pin);
HANDLE open_allocator_of(HANDLE pin, ULONG frames);
DWORD allocate(HANDLE allocator, void **frame, OVERLAPPED *overlapped);
DWORD free_frame(HANDLE allocator, void *frame);
DWORD end_read(HANDLE pin, OVERLAPPED *overlapped, BOOL wait);

/* Resets the camera, and opens it with frames of this memory (LIBKS_*) */
void open_all(const char *memory, HANDLE *filter, HANDLE *pin);
/* Closes both, and checks that no file is left that was opened since open_all() */
void close_all(HANDLE filter, HANDLE pin);

#endif /* WINCAMERA_H */
