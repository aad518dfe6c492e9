// SPDX-License-Identifier: GPL-2.0-only
#include "box.h"
#include "ksalloc_test.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
/* The group that the udev rule gives /dev/ksalloc to */
#define GROUP 44

static void make_node(const char *original, const char *name)
{
	char path[128];
	struct stat node;

	snprintf(path, sizeof(path), BOX "%s", name);
	ASSERT_EQ(0, stat(original, &node));
	ASSERT_EQ(0, mknod(path, S_IFCHR | 0660, node.st_rdev));
	ASSERT_EQ(0, chown(path, 0, GROUP));
	ASSERT_EQ(0, chmod(path, 0660));
}

static void make_box(const char *node)
{
	ASSERT_EQ(0, system("rm -rf " BOX " && mkdir -p " BOX "/dev"));
	ASSERT_EQ(0, system("cp /tools/bin/ks-capture-static " BOX "/ks-capture"));
	ASSERT_EQ(0, chown(BOX, NOBODY, NOBODY));
	make_node(node, BOX_CAMERA);
	make_node("/dev/ksalloc", "/dev/ksalloc");
}

static void become_user(void)
{
	const gid_t group = GROUP;

	ASSERT_EQ(0, chroot(BOX));
	ASSERT_EQ(0, chdir("/"));
	ASSERT_EQ(0, setgroups(1, &group));
	ASSERT_EQ(0, setgid(NOBODY));
	ASSERT_EQ(0, setuid(NOBODY));
}

int box_capture(const char *node, char *const *arguments)
{
	int status;
	pid_t pid;

	make_box(node);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		become_user();
		close_range(3, ~0U, 0);
		execv("/ks-capture", arguments);
		_exit(127);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

long long box_size(const char *name)
{
	char path[128];
	struct stat file;

	snprintf(path, sizeof(path), BOX "/%s", name);
	return stat(path, &file) ? -1 : file.st_size;
}
