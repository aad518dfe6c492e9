/* SPDX-License-Identifier: GPL-2.0-only */
/* The progress line of a capture, and the summary. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "session.h"

/* Updates the progress line, a few times per second */
void progress_show(struct session *session);
void progress_summary(const struct session *session);

#endif /* PROGRESS_H */
