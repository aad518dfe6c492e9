/* SPDX-License-Identifier: GPL-2.0-only */
/* What is shown while a capture runs, and after it. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "session.h"

/* A line that stands, renewed a few times a second */
void progress_show(struct session *session);
void progress_summary(const struct session *session);

#endif /* PROGRESS_H */
