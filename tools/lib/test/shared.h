/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHARED_H
#define SHARED_H

/*
 * CHECK()s that a shared library has each symbol of its version script, with its version.
 * Returns the number of symbols.
 */
int check_shared_library(const char *library, const char *version_script);

#endif /* SHARED_H */
