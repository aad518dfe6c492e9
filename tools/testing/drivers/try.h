/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tries a V4L2 node with ksalloc, as a program would that knows only the ABI, and prints the
 * result as a row for the table in Documentation/drivers.rst.
 */
#ifndef DRIVERS_TRY_H
#define DRIVERS_TRY_H

#include "../selftests/ksalloc_test.h"

#define OUTCOME 64

/*
 * Captures a few frames from an open node, in memory of a heap and in its own memory. Writes
 * what works, or what was refused with which errno, in the words of the table. Expects that
 * nothing of it is left afterwards.
 */
void try_node(int video, char outcome[OUTCOME]);

/* "CONNECT" and -EINVAL is "EINVAL in CONNECT" */
void outcome_of_error(char outcome[OUTCOME], const char *step, int err);

/* Prints a row. The text must not contain "|". */
void tell_row(const char *driver, const char *node, const char *outcome);

/*
 * Runs ks-capture with these arguments in a shell; returns its exit status. @said gets what it
 * printed.
 */
int run_capture(const char *arguments, char *said, size_t size);
/* Expects this text in the output of ks-capture. */
void expect_said(const char *said, const char *text);

/* Loads a module if that was not done before. The last test unloads all. */
void load_module(const char *module);
/* The same; the test is skipped if this kernel does not have the module. */
void need_module(const char *module);
/* Unloads a module if it is loaded. It may still be in use for a moment. */
void remove_module(const char *module);

#endif
