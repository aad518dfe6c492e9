// SPDX-License-Identifier: GPL-2.0-only
#include "box.h"
#include "ksalloc_test.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RULES "/src/packaging/60-ksalloc.rules"
#define KSALLOC "/dev/ksalloc"
#define BOX "/tmp/box"
#define BOX_CAMERA "/dev/video0"
#define VIDEO "x.y4m"
#define FRAMES "10"
#define NOBODY 65534
/* The exit status of ks-capture if a device cannot be used */
#define STATUS_DEVICE 3

/* What the udev rule says about /dev/ksalloc */
struct rule {
	gid_t group;
	mode_t mode;
};

/* Not getgrnam(), because in a static program it needs shared libraries */
static gid_t group_of(const char *name)
{
	FILE *file = fopen("/etc/group", "r");
	struct group *group;
	gid_t gid;

	ASSERT_TRUE(file);
	do {
		group = fgetgrent(file);
		ASSERT_TRUE(group);
	} while (strcmp(group->gr_name, name));
	gid = group->gr_gid;
	fclose(file);
	return gid;
}

static void read_rule(struct rule *rule)
{
	char line[256], name[32] = "";
	FILE *file = fopen(RULES, "r");
	const char *group, *mode;
	int got;

	ASSERT_TRUE(file);
	do {
		ASSERT_TRUE(fgets(line, sizeof(line), file));
	} while (*line == '#' || !strstr(line, "KERNEL==\"ksalloc\""));
	fclose(file);
	group = strstr(line, "GROUP=");
	mode = strstr(line, "MODE=");
	ASSERT_TRUE(group && mode);
	got = sscanf(group, "GROUP=\"%31[^\"]\"", name);
	ASSERT_EQ(1, got);
	got = sscanf(mode, "MODE=\"%o\"", &rule->mode);
	ASSERT_EQ(1, got);
	rule->group = group_of(name);
	ASSERT_NE(0, rule->group);
}

static void make_node(const char *original, const char *path, gid_t group, mode_t mode)
{
	struct stat node;

	ASSERT_EQ(0, stat(original, &node));
	ASSERT_EQ(0, mknod(path, S_IFCHR, node.st_rdev));
	ASSERT_EQ(0, chown(path, 0, group));
	ASSERT_EQ(0, chmod(path, mode));
}

static void make_box(const struct box *box, const struct rule *rule)
{
	ASSERT_EQ(0, system("rm -rf " BOX " && mkdir -p " BOX "/dev"));
	ASSERT_EQ(0, system("cp /tools/bin/ks-capture-static " BOX "/ks-capture"));
	ASSERT_EQ(0, chown(BOX, NOBODY, NOBODY));
	make_node(box->node, BOX BOX_CAMERA, rule->group,
		  box->rights == BOX_CAMERA_ONLY ? 0666 : 0660);
	make_node(KSALLOC, BOX KSALLOC, rule->group, rule->mode);
}

static void become_user(const struct box *box, const struct rule *rule)
{
	ASSERT_EQ(0, setgroups(box->rights == BOX_IN_GROUP, &rule->group));
	ASSERT_EQ(0, setgid(NOBODY));
	ASSERT_EQ(0, setuid(NOBODY));
}

/* Lets a path lead to another file, for this process and its children */
static void cover(const char *path, const char *with)
{
	ASSERT_EQ(0, mount(with, path, NULL, MS_BIND, NULL));
}

static void own_mounts(int other)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNS | other));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

void box_own_users(void)
{
	/* Otherwise its files in /proc belong to root */
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	ASSERT_EQ(0, unshare(CLONE_NEWUSER));
	ASSERT_EQ(0, write_text("/proc/self/setgroups", "deny"));
	ASSERT_EQ(0, write_text("/proc/self/uid_map", "0 65534 1"));
	ASSERT_EQ(0, write_text("/proc/self/gid_map", "0 65534 1"));
	ASSERT_EQ(0, getuid());
}

/* A user namespace cannot make nodes, so those of the machine are mounted */
static void own_dev(void)
{
	const char *const nodes[] = { BOX BOX_CAMERA, BOX KSALLOC };
	int fds[ARRAY_SIZE(nodes)], file;
	char path[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++)
		fds[i] = open(nodes[i], O_PATH | O_CLOEXEC);
	ASSERT_EQ(0, mount("none", BOX "/dev", "tmpfs", 0, NULL));
	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		file = open(nodes[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		ASSERT_LE(0, file);
		close(file);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		cover(nodes[i], path);
	}
}

static int exit_status(pid_t pid)
{
	int status;

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void enter_namespaces(void)
{
	pid_t pid;

	box_own_users();
	own_mounts(CLONE_NEWPID);
	cover(BOX, BOX);
	own_dev();
	/* pivot_root() is not possible in an initramfs */
	ASSERT_EQ(0, chdir(BOX));
	ASSERT_EQ(0, mount(".", "/", NULL, MS_MOVE, NULL));
	ASSERT_EQ(0, chroot("."));
	pid = fork();
	ASSERT_LE(0, pid);
	if (pid)
		_exit(exit_status(pid));
	ASSERT_EQ(1, getpid());
}

/* Goes to the place, whose current directory has ks-capture then */
static void enter(const struct box *box, const struct rule *rule)
{
	switch (box->place) {
	case BOX_CONTAINER:
		ASSERT_EQ(0, chroot(BOX));
		ASSERT_EQ(0, chdir("/"));
		become_user(box, rule);
		break;
	case BOX_NAMESPACES:
		become_user(box, rule);
		enter_namespaces();
		break;
	case BOX_MACHINE:
		own_mounts(0);
		cover(box->node, BOX BOX_CAMERA);
		cover(KSALLOC, BOX KSALLOC);
		ASSERT_EQ(0, chdir(BOX));
		become_user(box, rule);
		break;
	}
}

/* The name of the camera there */
static const char *camera_of(const struct box *box)
{
	return box->place == BOX_MACHINE ? box->node : BOX_CAMERA;
}

static void execute(const struct box *box, char *const *options)
{
	char *arguments[16] = { "ks-capture", "-d", (char *)camera_of(box) };
	int count = 3;

	while (*options && count < 15)
		arguments[count++] = *options++;
	close_range(3, ~0U, 0);
	execv("./ks-capture", arguments);
	_exit(127);
}

int box_capture(struct box *box, char *const *options)
{
	struct rule rule;
	FILE *output;
	int ends[2];
	pid_t pid;

	read_rule(&rule);
	make_box(box, &rule);
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		enter(box, &rule);
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		execute(box, options);
	}
	close(ends[1]);
	output = fdopen(ends[0], "r");
	ASSERT_TRUE(output);
	box->said[fread(box->said, 1, sizeof(box->said) - 1, output)] = '\0';
	fclose(output);
	return exit_status(pid);
}

/* The size of the video; -1 if there is none */
static long long video_size(void)
{
	struct stat file;

	return stat(BOX "/" VIDEO, &file) ? -1 : file.st_size;
}

static void expect_words(const struct box *box, const char *format, const char *node)
{
	char words[96];

	snprintf(words, sizeof(words), format, node);
	if (!EXPECT_TRUE(strstr(box->said, words)))
		harness_note("\"%s\" is not in: %s", words, box->said);
}

static void expect_no_video(struct box *box, char *const *options, const char *node)
{
	EXPECT_EQ(STATUS_DEVICE, box_capture(box, options));
	EXPECT_EQ(-1, video_size());
	expect_words(box, "cannot open %s: Permission denied", node);
	if (box->place == BOX_NAMESPACES)
		expect_words(box, "%s is for a group that this container does not have", node);
	else
		expect_words(box, "%s is for the group '", node);
}

void box_expect_video(const char *node, enum box_place place, unsigned int width,
		      unsigned int height)
{
	char size[32], *const options[] = {
		"-f", "YUYV", "-s", size, "-n", FRAMES, "-o", VIDEO, NULL,
	};
	/* Each frame has a header, and is written as 4:2:2 */
	const long long frames = atoi(FRAMES) * (6 + 2LL * width * height);
	struct box box = { .node = node, .place = place };

	snprintf(size, sizeof(size), "%ux%u", width, height);
	if (!EXPECT_EQ(0, box_capture(&box, options)))
		harness_note("%s", box.said);
	EXPECT_LT(frames, video_size());
	EXPECT_GT(frames + 128, video_size());
	box.rights = BOX_CAMERA_ONLY;
	expect_no_video(&box, options, KSALLOC);
	box.rights = BOX_NOTHING;
	expect_no_video(&box, options, camera_of(&box));
}
