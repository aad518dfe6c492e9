/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gaps in the sequence numbers of a camera. There is one if the camera has no empty frame in time,
 * so no program may cause any. vivid also skips numbers if it does not run in time: without a
 * virtual clock (see vm), half of all numbers on a busy machine.
 */
#ifndef SELFTESTS_CAMERA_GAPS_H
#define SELFTESTS_CAMERA_GAPS_H

#include <stdlib.h>
#include <unistd.h>

#include "ksalloc_test.h"

/*
 * Whether the load of this machine cannot make anything late. The file is one of the host, and the
 * clock can jump while it is looked up. So do that when nothing else goes on.
 */
static inline bool clock_is_virtual(void)
{
	return !access("/vm/virtual-clock", F_OK);
}

/* The gaps that a connection has seen */
static inline unsigned int gaps_of(int connection)
{
	char text[32];

	ASSERT_TRUE(fdinfo_value(connection, "gaps", text, sizeof(text)));
	return strtoul(text, NULL, 10);
}

/* While a test got this number of frames */
static inline void expect_no_gaps(unsigned int gaps, unsigned int frames)
{
	if (gaps)
		harness_note("%u gaps, %u frames", gaps, frames);
	if (clock_is_virtual())
		EXPECT_EQ(0, gaps);
}

#endif
