/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Definitions for all files of the benchmark.
 *
 * The unit is the executed instruction. With -icount shift=0 of QEMU, the time-stamp
 * counter of the guest counts instructions. So do the clocks of the kernel, which are
 * derived from it. Documentation/performance.rst describes what is measured and why.
 *
 * This program only takes samples. It writes one line for each series of samples,
 *	<row> <round> <sample> ...
 * and tools/bench/run makes the tables.
 */
#ifndef BENCH_H
#define BENCH_H

#include <linux/ksalloc.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

/* A picture in NV12 */
#define NV12_BYTES(width, height) ((width) * (height) * 3 / 2)

/* measure.c */

static inline __u64 now(void)
{
	__u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (__u64)high << 32 | low;
}

/* The difference of two consecutive times */
extern unsigned int now_cost;

void calibrate(void);
/* Two instructions for each count. It must not be zero */
void known_loop(unsigned long count);
/* Prints an error and ends the program */
noreturn void die(const char *format, ...);
/* Ends the program with errno if the result is negative; returns it otherwise */
int must(int result, const char *what);

/* Begins, fills and ends a series of samples; without system calls in between */
void series_begin(const char *row, unsigned int round);
void series_add(double sample);
void series_end(void);

/* While on, only interrupts can preempt this thread */
void exclusive(bool on);
/* Number of context switches of this thread so far, voluntary or not */
unsigned long switches(void);
/* Whether there was one since then. Such samples are dropped, and counted */
bool disturbed_since(unsigned long before);
extern unsigned int disturbed;
/* Number of instructions that this thread has executed, in user space and kernel */
__u64 thread_time(void);
/* The same of all threads of this process, with those of io_uring */
__u64 process_time(void);
/* The difference of two consecutive such numbers */
extern unsigned int process_time_cost;
void sleep_ms(unsigned int ms);

/* Marks at which tools/bench/profile begins and ends to count */
void profile_begin(void);
void profile_end(void);

/* camera.c */

#define WIDTH 640
#define HEIGHT 360
#define FRAME_BYTES NV12_BYTES(WIDTH, HEIGHT)

/* The size of the pictures of open_camera(). It is the one above, except while set otherwise */
extern unsigned int picture_width, picture_height;
#define PICTURE_BYTES NV12_BYTES(picture_width, picture_height)

void set_picture(unsigned int width, unsigned int height);
int open_camera(unsigned int number);
int open_heap(void);
int heap_alloc(int heap, size_t bytes);
int open_connection(int camera);
/* Without a heap (-1), the camera's own memory is used */
int create_allocator(int connection, int heap, unsigned int frames,
		     unsigned int frame_size);
/* The kernel thread that makes the pictures, while it exists */
int producer_pid(void);
/* Number of instructions that a sleeping thread has executed */
__u64 runtime_of(int pid);
/* The same for all kernel threads of ksalloc */
__u64 runtime_of_ksalloc(void);

/* Sets the frame rate of the camera */
void set_rate(int camera, unsigned int rate);

/* calls.c, capture.c, crowd.c, growth.c */

void bench_calls(unsigned int rounds);
void bench_capture(unsigned int rounds);
void bench_crowd(unsigned int rounds);
void bench_growth(unsigned int rounds);
void bench_wakeup(unsigned int rounds);
/*
 * After all others: a worker of io_uring stays, which shares the table of open files. So each later
 * system call on a file would take more instructions
 */
void bench_uring(unsigned int rounds);
/* Not with the others, because it needs 64 cameras */
void bench_cameras(unsigned int rounds);
/* Does the operation of one row once, between the marks; false if there is no such row */
bool profile_call(const char *row);
bool profile_capture(const char *row);
bool profile_crowd(const char *row);

#endif /* BENCH_H */
