/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of libks share, and nobody else sees. */
#ifndef LIBKS_INTERNAL_H
#define LIBKS_INTERNAL_H

/* All else is hidden (-fvisibility=hidden); libks.map gives these a version */
#define LIBKS_API __attribute__((visibility("default")))

#endif /* LIBKS_INTERNAL_H */
