/* SPDX-License-Identifier: GPL-2.0-only */
/* Definitions for all files of libks. */
#ifndef LIBKS_INTERNAL_H
#define LIBKS_INTERNAL_H

/* All other symbols are hidden (-fvisibility=hidden). libks.map gives these a version */
#define LIBKS_API __attribute__((visibility("default")))

#endif /* LIBKS_INTERNAL_H */
