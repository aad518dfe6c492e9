/* SPDX-License-Identifier: GPL-2.0-only */
/* The pipeline of a camera behind a media controller. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "device.h"

/*
 * Prints which links of the pipeline of this device are missing, or connect pads with different
 * formats. @media is the path of its media device
 */
void pipeline_advise(const struct device *device, const char *media);

/* The same with the media device of this device, and how to set the pipeline up */
void pipeline_hint(const struct device *device);

#endif /* PIPELINE_H */
