/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the benchmark share.
 *
 * The unit is the executed instruction. Under QEMU's -icount shift=0 the guest's
 * time-stamp counter counts them, one for one, and so do the kernel's clocks,
 * which are derived from it. See Documentation/performance.rst for what is
 * measured and why.
 *
 * This program only takes samples. It writes one line for each series of them,
 *	<row> <round> <sample> ...
 * and tools/bench/run makes the table out of these.
 */
#ifndef BENCH_H
#define BENCH_H

#include <linux/ksalloc.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

/* A picture of NV12 */
#define NV12_BYTES(width, height) ((width) * (height) * 3 / 2)

/* measure.c */

static inline __u64 now(void)
{
	__u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (__u64)high << 32 | low;
}

/* What two times in a row differ by when nothing is between them */
extern unsigned int now_cost;

void calibrate(void);
/* Says why and ends the program */
noreturn void die(const char *format, ...);
/* Dies of errno when the result is negative; returns it otherwise */
int must(int result, const char *what);

/* A series of samples is begun, filled and ended; no system call in between */
void series_begin(const char *row, unsigned int round);
void series_add(double sample);
void series_end(void);

/* While on, nothing but interrupts can take the processor from this thread */
void exclusive(bool on);
/* How often this thread has lost the processor so far, willingly or not */
unsigned long switches(void);
/* Whether it has since then; such samples are dropped, and counted */
bool disturbed_since(unsigned long before);
extern unsigned int disturbed;
/* Instructions that this thread has executed, in user space and kernel */
__u64 thread_time(void);
/* What two of those in a row differ by */
extern unsigned int thread_time_cost;
void sleep_ms(unsigned int ms);

/* Where tools/bench/profile begins to count, and ends */
void profile_begin(void);
void profile_end(void);

/* camera.c */

#define CAMERA "/dev/video0"
#define WIDTH 640
#define HEIGHT 360
#define FRAME_BYTES NV12_BYTES(WIDTH, HEIGHT)

int open_camera(void);
int open_heap(void);
int heap_alloc(int heap, size_t bytes);
int open_connection(int camera);
/* Without a heap (-1), of the camera's own memory */
int create_allocator(int connection, int heap, unsigned int frames,
		     unsigned int frame_size);
/* The kernel thread that makes the pictures, while there is one */
int producer_pid(void);
/* Instructions that a sleeping thread has executed */
__u64 runtime_of(int pid);
/* The same of all kernel threads of ksalloc */
__u64 runtime_of_ksalloc(void);

/* calls.c, capture.c */

void bench_calls(unsigned int rounds);
void bench_capture(unsigned int rounds);
/* Do one row's operation once, between the marks; false if there is no such row */
bool profile_call(const char *row);
bool profile_capture(const char *row);

#endif /* BENCH_H */
