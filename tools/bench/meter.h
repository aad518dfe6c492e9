/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the whole system executes, with all processes, threads and interrupts: the time that
 * passes, less the time for which the processor has nothing to do. A process with the policy
 * SCHED_IDLE measures the latter. It runs whenever nothing else does, and counts its instructions.
 */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include "bench.h"

/* Frames before the first sample, in most samples, and samples each time that a way is started */
#define CROWD_WARM_UP 16
#define CROWD_FRAMES 64
#define CROWD_SAMPLES 2

/* Begins and ends the process that counts */
void meter_start(void);
void meter_stop(void);

/* Makes a process with this function, which ends with it. The meter runs */
void crowd_process(void (*run)(void *data), void *data);
/* Waits for all of them. All memory that they share has to be made before */
void crowd_wait(void);

/*
 * To be called by one process of a crowd for each frame; false after the last one. The others then
 * end with the next frame, for which crowd_goes_on() is false.
 */
bool crowd_mark(void);
bool crowd_goes_on(void);
/* Before the processes are made; and the series of samples, after their end */
void crowd_begin(unsigned int frames_of_sample);
void crowd_end(const char *row, unsigned int round);

/* Memory that processes share */
void *shared_memory(size_t size);

/* Measures loops that are known */
void verify_meter(unsigned int round);

#endif /* BENCH_METER_H */
