// SPDX-License-Identifier: GPL-2.0-only
#include "rough.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define QUICK_PERCENT 5

static unsigned int variable(const char *name, unsigned int otherwise)
{
	const char *value = getenv(name);
	unsigned long number;
	char *end;

	if (!value || !*value)
		return otherwise;
	number = strtoul(value, &end, 0);
	/* 0 would make each count as small as possible, and all tests would pass */
	if (*end)
		harness_note("%s=%s is not a number", name, value);
	ASSERT_EQ('\0', *end);
	return number;
}

unsigned int scaled_by(const char *name, unsigned int full)
{
	unsigned int percent = variable(name, variable("STRESS", QUICK_PERCENT));
	unsigned long long count = (unsigned long long)full * percent / 100;

	return count ? count : 1;
}

unsigned int scaled(unsigned int full)
{
	return scaled_by("STRESS", full);
}

unsigned int choose_seed(void)
{
	unsigned int seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = now_ns();
	seed = variable("STRESS_SEED", seed);
	harness_note("STRESS_SEED=%u", seed);
	return seed;
}

unsigned int seed_of(unsigned int seed, unsigned int part)
{
	return (seed ^ (part * 0x9e3779b9U)) * 0x85ebca6bU;
}

unsigned int pick(unsigned int *seed, unsigned int below)
{
	return rand_r(seed) % below;
}

bool chance(unsigned int *seed, unsigned int percent)
{
	return pick(seed, 100) < percent;
}

unsigned int random_bits(unsigned int *seed)
{
	return (unsigned int)rand_r(seed) << 16 ^ rand_r(seed);
}

double seconds_since(unsigned long long start)
{
	return (now_ns() - start) / 1e9;
}

void cameras_open(struct cameras *cameras)
{
	cameras->seed = choose_seed();
	rig_open(&cameras->rig, 0, 320, 180);
	rig_allocator(&cameras->rig, FRAMES);
	snprintf(cameras->video_path, sizeof(cameras->video_path), "%s",
		 node_path("vivid-001-vid-cap"));
	cameras->video = open_camera(1);
	ASSERT_EQ(0, set_format(cameras->video, 320, 180));
	cameras->connection = do_connect(cameras->rig.ksalloc, cameras->video);
	ASSERT_LE(0, cameras->connection);
	cameras->allocator = create_allocator(cameras->connection,
					      cameras->rig.heap, FRAMES, 0);
	ASSERT_LE(0, cameras->allocator);
	ASSERT_EQ(0, set_allocator(cameras->connection, cameras->allocator));
}

void cameras_close(struct cameras *cameras)
{
	if (cameras->connection > 0)
		close(cameras->connection);
	if (cameras->allocator > 0)
		close(cameras->allocator);
	if (cameras->video > 0)
		close(cameras->video);
	rig_close(&cameras->rig);
	repair_machine();
}

void expect_capture(int connection, int allocator)
{
	/* Random calls may have cancelled those of @connection permanently */
	int other = connection_open(connection);
	int i, index;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_state(connection, KSSTATE_STOP));
	EXPECT_EQ(0, in_device(allocator));
	for (i = 0; i < FRAMES; i++)
		free_frame(allocator, i);
	EXPECT_EQ(0, allocated(allocator));
	EXPECT_EQ(0, waiters(allocator));
	ASSERT_EQ(0, set_allocator(connection, allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	while ((index = alloc_now(allocator)) >= 0)
		ASSERT_EQ(0, submit(connection, index));
	for (i = 0; i < 2 * FRAMES; i++) {
		index = complete(other, 0, in_ms(PATIENCE_MS), NULL);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit(connection, index));
	}
	ASSERT_EQ(0, set_state(connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(allocator));
	close(other);
}
