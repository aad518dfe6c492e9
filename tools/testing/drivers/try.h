/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tries a V4L2 node like a program that knows only the ABI of ksalloc, and prints the result as a
 * row for the table in Documentation/drivers.rst.
 */
#ifndef DRIVERS_TRY_H
#define DRIVERS_TRY_H

#include "../selftests/ksalloc_test.h"

#define OUTCOME 64

/*
 * Captures a few frames from an open node, in memory of a heap and in its own memory. Writes what
 * works, or the failed call and its errno, to @outcome, in the words of the table. Expects that no
 * descriptor or memory is left afterwards.
 */
void try_node(int video, char outcome[OUTCOME]);

/* The outcome if everything works: without heaps, frames are only in own memory */
const char *frames_in_all(void);

/* Writes "EINVAL in CONNECT" for "CONNECT" and -EINVAL */
void outcome_of_error(char outcome[OUTCOME], const char *step, int err);

/* Prints a row. The text must not contain "|". */
void tell_row(const char *driver, const char *node, const char *outcome);

/*
 * Runs ks-capture with these arguments in a shell; returns its exit status. Writes its output to
 * @said.
 */
int run_capture(const char *arguments, char *said, size_t size);
/* Expects this text in the output of ks-capture. */
void expect_said(const char *said, const char *text);

/* Loads a module if it is not loaded. The last test unloads all modules. */
void load_module(const char *module);
/* The same; the test is skipped if this kernel does not have the module. */
void need_module(const char *module);
/* Unloads a module if it is loaded. Waits for a moment if it is in use. */
void remove_module(const char *module);

#endif
