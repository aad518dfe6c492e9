/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A camera, an allocator, and a kernel-mode client of it.
 */
#ifndef SELFTESTS_DIRECT_H
#define SELFTESTS_DIRECT_H

#include "kernel.h"

FIXTURE(direct) {
	struct rig rig;
	int allocator;
	int client;
};

FIXTURE_SETUP(direct)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->allocator = self->rig.allocator;
	ASSERT_EQ(0, system("modprobe ksalloc-test-client"));
	self->client = open_sample(CLIENT_DEVICE);
	ASSERT_EQ(0, client_attach(self->client, self->allocator));
}

FIXTURE_TEARDOWN(direct)
{
	if (self->client > 0)
		close(self->client);
	rig_close(&self->rig);
	close_all();
	expect_unload("ksalloc_test_client");
}

#endif
