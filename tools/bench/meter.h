/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the whole system executes, with all processes, threads and interrupts: the time that
 * passes, less the time for which the processor has nothing to do. A process with the policy
 * SCHED_IDLE measures the latter. It runs whenever nothing else does, and counts its instructions.
 */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include "bench.h"

/* Frames before the first sample, frames of most samples, and samples of each start of a way */
#define CROWD_WARM_UP 16
/* Frames in a second: a whole number of ticks for each, or vivid itself drops frames */
#define CROWD_RATE 50
#define CROWD_FRAMES 64
#define CROWD_SAMPLES 2

/* Start and end the process that counts */
void meter_start(void);
void meter_stop(void);

/* Makes a process that calls @run and then ends. The meter must run */
void crowd_process(void (*run)(void *data), void *data);
/* Processes that are made after this call have a real-time priority, or a normal one */
void crowd_realtime(bool on);
/* Waits for all of these processes */
void crowd_wait(void);

/*
 * One process of a crowd calls crowd_mark() for each frame; it returns false after the last one.
 * The others call crowd_goes_on(), which then returns false for the next frame.
 */
bool crowd_mark(void);
bool crowd_goes_on(void);
/*
 * Counts the frames that a process loses from the first to the last sample. @next is 0 before its
 * first frame
 */
void crowd_number(__u32 *next, __u32 number);
/* Call crowd_begin() before the processes are made. crowd_end() waits for them and prints */
void crowd_begin(unsigned int frames_of_sample);
void crowd_end(const char *row, unsigned int round);

/* Memory that processes share, if it is made before them */
void *shared_memory(size_t size);

/* Measures loops with a known number of instructions */
void verify_meter(unsigned int round);

#endif /* BENCH_METER_H */
