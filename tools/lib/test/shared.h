/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHARED_H
#define SHARED_H

/*
 * CHECK()s that a shared library has each symbol of its version script, under its
 * version. Returns how many there are.
 */
int check_shared_library(const char *library, const char *version_script);

#endif /* SHARED_H */
