// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unloading: the module cannot be unloaded while it is in use.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int unload(void)
{
	return syscall(SYS_delete_module, "ksalloc", O_NONBLOCK) ? -errno : 0;
}

static void load(void)
{
	ASSERT_EQ(0, system("modprobe ksalloc"));
	ASSERT_TRUE(EVENTUALLY(!access("/dev/ksalloc", F_OK)));
}

/* Checks that the module is in use: by the error of rmmod, and by its reference count. */
static void expect_in_use(void)
{
	EXPECT_LT(0, module_refs("ksalloc"));
	EXPECT_EQ(-EWOULDBLOCK, unload());
}

/*
 * Checks that it is not in use: it and its device node can be removed, and it can be loaded
 * again.
 */
static void expect_unload(void)
{
	EXPECT_TRUE(EVENTUALLY(module_refs("ksalloc") == 0));
	ASSERT_EQ(0, unload());
	EXPECT_EQ(-1, access("/dev/ksalloc", F_OK));
	EXPECT_EQ(-1, module_refs("ksalloc"));
	load();
}

FIXTURE(module) {
	struct rig rig;
};

FIXTURE_SETUP(module)
{
	rig_open(&self->rig, 0, 320, 180);
}

FIXTURE_TEARDOWN(module)
{
	rig_close(&self->rig);
	repair_machine();
}

/* With nothing open the module can be unloaded and loaded again. */
TEST(unload_idle)
{
	int i;

	repair_machine();
	for (i = 0; i < 3; i++)
		expect_unload();
}

/* An open /dev/ksalloc keeps the module. */
TEST(device_open)
{
	int ksalloc;

	repair_machine();
	ksalloc = open_ksalloc();
	expect_in_use();
	close(ksalloc);
	expect_unload();
}

/* A connection keeps it, with /dev/ksalloc closed. */
TEST_F(module, connection_open)
{
	close(self->rig.ksalloc);
	self->rig.ksalloc = 0;
	expect_in_use();
	close(self->rig.connection);
	self->rig.connection = 0;
	expect_unload();
}

/* An allocator keeps it, with its connection closed. */
TEST_F(module, allocator_open)
{
	int allocator;

	rig_allocator(&self->rig, 0);
	allocator = dup(self->rig.allocator);
	rig_close(&self->rig);
	self->rig = (struct rig){ 0 };
	expect_in_use();
	EXPECT_LE(0, alloc_now(allocator));
	close(allocator);
	expect_unload();
}

/* A running stream keeps it. */
TEST_F(module, streaming)
{
	rig_allocator(&self->rig, 0);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	rig_submit_all(&self->rig);
	expect_in_use();
	rig_turn(&self->rig, NULL);
	expect_in_use();
	rig_close(&self->rig);
	self->rig = (struct rig){ 0 };
	expect_unload();
}

/* A descriptor in another process keeps it. */
TEST_F(module, open_elsewhere)
{
	struct agent agent;

	agent_start(&agent);
	rig_close(&self->rig);
	self->rig = (struct rig){ 0 };
	expect_in_use();
	agent_kill(&agent);
	expect_unload();
}

/* A frame's memory does not keep it: it belongs to its heap, and outlives the module. */
TEST_F(module, mapped_frame)
{
	char *map;
	int dmabuf;

	rig_allocator(&self->rig, 0);
	dmabuf = export_frame(self->rig.allocator, 0);
	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, 4096, PROT_READ | PROT_WRITE);
	map[0] = 9;
	rig_close(&self->rig);
	self->rig = (struct rig){ 0 };
	expect_unload();
	EXPECT_EQ(9, map[0]);
}

/* /dev/ksalloc is a character device, and not accessible by all users. */
TEST(device_node)
{
	struct stat st;

	repair_machine();
	ASSERT_EQ(0, stat("/dev/ksalloc", &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0660, st.st_mode & 0777);
}

/* Whether the flag of test modules is in the taint of a loaded module */
static bool is_test(const char *module)
{
	char path[64], taint[32] = "";

	snprintf(path, sizeof(path), "/sys/module/%s/taint", module);
	ASSERT_LE(0, read_text(path, taint, sizeof(taint)));
	return strchr(taint, 'N');
}

/*
 * The modules for tests taint the kernel: they give access to frames, and invent devices, so
 * they must not get into a product unnoticed. The module itself is not a test.
 */
TEST(tests_taint)
{
	static const char * const tests[] = {
		"ksalloc_test_client", "ksalloc_test_device", "ksalloc_test_sleep",
		"ksalloc_test_video",
	};
	char command[64];
	unsigned int i;

	repair_machine();
	EXPECT_FALSE(is_test("ksalloc"));
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		snprintf(command, sizeof(command), "modprobe %s", tests[i]);
		ASSERT_EQ(0, system(command));
		if (!EXPECT_TRUE(is_test(tests[i])))
			harness_note("(%s)", tests[i]);
	}
	for (i = ARRAY_SIZE(tests); i-- > 0;) {
		snprintf(command, sizeof(command), "rmmod %s", tests[i]);
		EXPECT_EQ(0, system(command));
	}
}
