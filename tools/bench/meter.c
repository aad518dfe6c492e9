// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures the whole system; meter.h describes how.
 *
 * The samples are taken by a process of the crowd when it gets a frame. At that moment, the other
 * processes have always done the same part of their work. So a sample has the work for a whole
 * number of frames, and no other process has to wake up for it.
 */
#include "meter.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Instructions of one round of the loop. QEMU does not translate many more into one block */
#define IDLE_TURN 400
#define IDLE_CALIBRATION 1000
#define CALIBRATIONS 40

/* Not a multiple of the tick, so that ticks come at different moments of the period */
#define LOAD_PERIOD_NS 10100000
#define LOAD_COUNT 500000
#define NSEC_PER_SEC 1000000000

struct meter {
	__u64 time;
	__u64 idle;
};

static struct {
	__u64 turns;
	atomic_bool stop;
	unsigned int frames, of_sample;
	atomic_uint lost;
	struct meter marks[CROWD_SAMPLES + 1];
} *crowd;

static pid_t idle_process;
static unsigned int processes;
static bool realtime;
/* Voluntary context switches of all processes that have ended */
static long sleeps_before;

/* Nops, because each counts as one instruction and is emulated fast */
static void idle_loop(__u64 *turns, __u64 end)
{
	asm volatile("1:\n\t"
		     ".rept %c2\n\tnop\n\t.endr\n\t"
		     "incq %0\n\t"
		     "cmpq %1, %0\n\t"
		     "jne 1b"
		     : "+m" (*turns) : "r" (end), "i" (IDLE_TURN - 3) : "cc", "memory");
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);

	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	memset(memory, 0, size);
	return memory;
}

void meter_start(void)
{
	struct sched_param param = { };

	if (!crowd)
		crowd = shared_memory(sizeof(*crowd));
	/* Otherwise the child could print the same buffer again */
	fflush(stdout);
	idle_process = must(fork(), "fork");
	if (idle_process)
		return;
	must(sched_setscheduler(0, SCHED_IDLE, &param), "sched_setscheduler");
	idle_loop(&crowd->turns, ~0ULL);
	_exit(1);
}

void meter_stop(void)
{
	kill(idle_process, SIGKILL);
	must(waitpid(idle_process, NULL, 0), "waitpid");
}

void crowd_process(void (*run)(void *data), void *data)
{
	if (!must(fork(), "fork")) {
		if (realtime)
			exclusive(true);
		run(data);
		_exit(0);
	}
	processes++;
}

void crowd_realtime(bool on)
{
	realtime = on;
}

void crowd_wait(void)
{
	int status;

	for (; processes; processes--) {
		/* This cannot be the meter, which only ends if it is killed */
		must(wait(&status), "wait");
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			die("a process has failed");
	}
}

static long sleeps(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_CHILDREN, &usage), "getrusage");
	return usage.ru_nvcsw;
}

void crowd_begin(unsigned int frames_of_sample)
{
	sleeps_before = sleeps();
	crowd->stop = false;
	crowd->frames = 0;
	crowd->lost = 0;
	crowd->of_sample = frames_of_sample;
	fflush(stdout);
}

bool crowd_mark(void)
{
	const unsigned int frames = crowd->frames++;
	struct meter *mark;

	if (frames < CROWD_WARM_UP || (frames - CROWD_WARM_UP) % crowd->of_sample)
		return true;
	mark = &crowd->marks[(frames - CROWD_WARM_UP) / crowd->of_sample];
	mark->time = now();
	mark->idle = __atomic_load_n(&crowd->turns, __ATOMIC_RELAXED) * IDLE_TURN;
	crowd->stop = mark == &crowd->marks[CROWD_SAMPLES];
	return !crowd->stop;
}

bool crowd_goes_on(void)
{
	return !crowd->stop;
}

/* After the last sample, the exits of processes with many mappings can delay the camera */
void crowd_number(__u32 *next, __u32 number)
{
	if (*next && number != *next && crowd->frames > CROWD_WARM_UP && !crowd->stop)
		crowd->lost += number - *next;
	*next = number + 1;
}

/* The number of instructions for each frame */
static double sample(unsigned int i)
{
	const struct meter *from = &crowd->marks[i], *to = from + 1;

	return ((double)(to->time - from->time) - (double)(to->idle - from->idle)) /
	       crowd->of_sample;
}

void crowd_end(const char *row, unsigned int round)
{
	const unsigned int count = processes;
	unsigned int i;

	crowd_wait();
	printf("sleeps.%s %u %.10g\n", row, round,
	       (double)(sleeps() - sleeps_before) / count / crowd->frames);
	printf("lost.%s %u %u\n", row, round, crowd->lost);
	series_begin(row, round);
	for (i = 0; i < CROWD_SAMPLES; i++)
		series_add(sample(i));
	series_end();
}

static void load(void *data)
{
	const unsigned long count = *(const unsigned long *)data;
	struct timespec next;

	must(clock_gettime(CLOCK_MONOTONIC, &next), "clock_gettime");
	do {
		next.tv_nsec += LOAD_PERIOD_NS;
		if (next.tv_nsec >= NSEC_PER_SEC) {
			next.tv_nsec -= NSEC_PER_SEC;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		known_loop(count);
	} while (crowd_mark());
}

static double measure_load(unsigned long count)
{
	crowd_begin(CROWD_FRAMES);
	crowd_process(load, &count);
	crowd_wait();
	return sample(CROWD_SAMPLES - 1);
}

/* Measures how many instructions the idle loop executes for each one that it counts: about 1 */
static void verify_idle_loop(unsigned int round)
{
	unsigned int i;
	__u64 time;

	exclusive(true);
	series_begin("meter.turn", round);
	for (i = 0; i < CALIBRATIONS; i++) {
		__u64 turns = 0;

		time = now();
		idle_loop(&turns, IDLE_CALIBRATION);
		time = now() - time - now_cost;
		series_add((double)time / IDLE_CALIBRATION / IDLE_TURN);
	}
	series_end();
	exclusive(false);
}

void verify_meter(unsigned int round)
{
	double little, much;

	verify_idle_loop(round);
	little = measure_load(1);
	much = measure_load(1 + LOAD_COUNT);
	series_begin("meter.load", round);
	series_add((much - little) / (2 * LOAD_COUNT));
	series_end();
}
