/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other ways by which many programs see the pictures of one camera.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "session.h"

#define READERS_MAX 64

/* A daemon that shares the memory of the camera, and does not copy */
void daemon_start(unsigned int count);
/* The same, but with a futex that all consumers wait for */
void futex_start(unsigned int count);
void daemon_stop(void);

/* v4l2loopback, and a program that copies the pictures to it */
bool has_loopback(void);
void loopback_start(unsigned int count);
void loopback_stop(void);

#endif /* BENCH_CROWD_H */
