/* SPDX-License-Identifier: GPL-2.0-only */
/* YUV4MPEG2 video. */
#ifndef Y4M_H
#define Y4M_H

#include "output.h"

#define Y4M_HEADER_MAX 128

/* Writes a frame, the first one after a header; 0 or a negative errno value */
int y4m_write(struct output *output, const struct image *image);

/* The first line of the file, without its line end */
void y4m_header(char header[Y4M_HEADER_MAX], const struct picture *picture, __u32 field,
		struct rate rate, struct v4l2_fract aspect);
/* Bytes of a frame in the file */
size_t y4m_bytes(const struct picture *picture);
/* Copies the samples of a component without gaps */
void y4m_plane(const struct picture *picture, const struct image *image, int component,
	       __u8 *plane);

#endif /* Y4M_H */
