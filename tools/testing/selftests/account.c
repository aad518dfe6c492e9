// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limit of memory (max_mbytes) is for all allocators of a user together, and is counted
 * exactly, whoever has the descriptors.
 */
#include "ksalloc_test.h"
#include "passing.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_MBYTES "/sys/module/ksalloc/parameters/max_mbytes"
#define LIMIT "8"
#define MB 0x100000
#define NOBODY 65534
/* A range of users that no process has, as /etc/subuid gives to each user */
#define SUBUIDS "1 100000 1000"

FIXTURE(account) {
	struct rig rig;
	int udmabuf;
	int sockets[2];
};

FIXTURE_SETUP(account)
{
	rig_open(&self->rig, 0, 320, 180);
	/* Without heaps, frames are imported from it, also by other users */
	self->udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (self->rig.heap < 0 && self->udmabuf < 0)
		SKIP("neither heaps nor /dev/udmabuf");
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, self->sockets));
	ASSERT_EQ(0, write_text(MAX_MBYTES, LIMIT));
}

FIXTURE_TEARDOWN(account)
{
	write_text(MAX_MBYTES, "0");
	rig_close(&self->rig);
}

static int create_imported(const struct account_fixture *self, unsigned int frames,
			   unsigned int frame_size)
{
	int dmabufs[4], allocator;
	unsigned int i;

	ASSERT_LE(frames, ARRAY_SIZE(dmabufs));
	for (i = 0; i < frames; i++)
		dmabufs[i] = udmabuf_alloc(self->udmabuf, frame_size);
	allocator = import_dmabufs(self->rig.connection, dmabufs, frames);
	for (i = 0; i < frames; i++)
		close(dmabufs[i]);
	return allocator;
}

static int create_frames(const struct account_fixture *self, unsigned int frames,
			 unsigned int frame_size)
{
	if (self->rig.heap < 0)
		return create_imported(self, frames, frame_size);
	return create_allocator(self->rig.connection, self->rig.heap, frames, frame_size);
}

/* Returns an allocator of this size, or an errno */
static int create(const struct account_fixture *self, unsigned int megabytes)
{
	return create_frames(self, 4, megabytes * MB / 4);
}

/* An attempt that fails after its size was accepted; returns the errno */
static int create_wrongly(const struct account_fixture *self)
{
	int dmabufs[2], ret;

	if (self->rig.heap >= 0)
		return create_allocator(self->rig.connection, self->rig.video, 4, MB);
	dmabufs[0] = udmabuf_alloc(self->udmabuf, 2 * MB);
	dmabufs[1] = dmabufs[0];
	ret = import_dmabufs(self->rig.connection, dmabufs, 2);
	close(dmabufs[0]);
	return ret;
}

static void become(uid_t user)
{
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setgid(user));
	ASSERT_EQ(0, setuid(user));
}

/* In another process: creates an allocator, passes it on, and ends */
static void create_and_end(struct account_fixture *self, unsigned int megabytes)
{
	int fd = create(self, megabytes);

	if (fd >= 0)
		send_fds(self->sockets[0], &fd, 1);
	_exit(fd < 0 ? -fd : 0);
}

/* The result of create_and_end() in a process */
static int result_of(struct account_fixture *self, pid_t pid)
{
	int status, fds[PASSING_MAX] = { -1 };

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status))
		return -WEXITSTATUS(status);
	ASSERT_EQ(1, receive_fds(self->sockets[1], fds));
	return fds[0];
}

/* The result of creating an allocator in another process with this user */
static int create_as(struct account_fixture *self, uid_t user, unsigned int megabytes)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		become(user);
		create_and_end(self, megabytes);
	}
	return result_of(self, pid);
}

/*
 * The same in a user namespace that this user creates, as another user of the namespace. Root
 * gives the users to the namespace, as newuidmap does for ordinary users.
 */
static int create_in_namespace(struct account_fixture *self, uid_t owner, uid_t user,
			       unsigned int megabytes)
{
	char path[64], map[64], byte = 0;
	int begun[2], mapped[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(begun) + pipe(mapped));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		become(owner);
		/* Otherwise its files in /proc belong to root */
		ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
		ASSERT_EQ(0, unshare(CLONE_NEWUSER));
		ASSERT_EQ(1, write(begun[1], &byte, 1));
		ASSERT_EQ(1, read(mapped[0], &byte, 1));
		ASSERT_EQ(0, setuid(user));
		create_and_end(self, megabytes);
	}
	ASSERT_EQ(1, read(begun[0], &byte, 1));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	snprintf(map, sizeof(map), "0 %u 1\n" SUBUIDS "\n", owner);
	ASSERT_EQ(0, write_text(path, map));
	ASSERT_EQ(1, write(mapped[1], &byte, 1));
	close(begun[0]);
	close(begun[1]);
	close(mapped[0]);
	close(mapped[1]);
	return result_of(self, pid);
}

/* A8: several allocators together have at most the limit, to the byte. */
TEST_F(account, several_allocators)
{
	int one = create(self, 3), two = create(self, 4);

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	EXPECT_EQ(-ENOMEM, create(self, 2));
	EXPECT_EQ(-ENOMEM, create_frames(self, 4, MB / 4 + 1));
	ASSERT_LE(0, create(self, 1));
	EXPECT_EQ(-ENOMEM, create_frames(self, 2, self->rig.framing.frame_size));
	close(one);
	EXPECT_EQ(-ENOMEM, create(self, 4));
	EXPECT_LE(0, create(self, 3));
}

/* A8: an allocator that could not be created does not count. */
TEST_F(account, failures)
{
	unsigned int i;
	int allocator;

	for (i = 0; i < 20; i++) {
		EXPECT_EQ(-EINVAL, create_wrongly(self));
		EXPECT_EQ(-ENOMEM, create(self, 9));
		allocator = create(self, 8);
		EXPECT_LE(0, allocator);
		close(allocator);
	}
}

/* A8: other users do not share the limit, and root has one as well. */
TEST_F(account, other_users)
{
	int other = create_as(self, NOBODY, 8);

	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOMEM, create_as(self, NOBODY, 1));
	EXPECT_LE(0, create(self, 8));
	EXPECT_EQ(-ENOMEM, create(self, 1));
	EXPECT_LE(0, create_as(self, NOBODY - 1, 8));
}

/*
 * A8: a user who has a range of users in a namespace has one limit nevertheless. The users of
 * a namespace that root made do not share the limit of root.
 */
TEST_F(account, namespaces)
{
	int inside, outside;
	char user[16];

	if (access("/proc/self/ns/user", F_OK))
		SKIP("no user namespaces");
	inside = create_in_namespace(self, NOBODY, 1, 8);
	ASSERT_LE(0, inside);
	ASSERT_TRUE(fdinfo_value(inside, "user", user, sizeof(user)));
	EXPECT_EQ(NOBODY, atoi(user));
	EXPECT_EQ(-ENOMEM, create_in_namespace(self, NOBODY, 2, 1));
	EXPECT_EQ(-ENOMEM, create_in_namespace(self, NOBODY, 0, 1));
	EXPECT_EQ(-ENOMEM, create_as(self, NOBODY, 1));
	close(inside);

	outside = create_as(self, NOBODY, 8);
	ASSERT_LE(0, outside);
	EXPECT_EQ(-ENOMEM, create_in_namespace(self, NOBODY, 1, 1));

	EXPECT_LE(0, create_in_namespace(self, 0, 1, 8));
	EXPECT_EQ(-ENOMEM, create_in_namespace(self, 0, 1, 1));
	EXPECT_LE(0, create_in_namespace(self, 0, 2, 8));
	EXPECT_LE(0, create(self, 8));
}

/*
 * A8: memory counts for the user who created the allocator, and not for the one who has it, as
 * long as it exists: also when the process of that user has ended.
 */
TEST_F(account, outlives_the_process)
{
	int other = create_as(self, NOBODY, 8), again;
	char user[16];

	ASSERT_LE(0, other);
	ASSERT_TRUE(fdinfo_value(other, "user", user, sizeof(user)));
	EXPECT_EQ(NOBODY, atoi(user));
	again = allocator_open(other);
	ASSERT_LE(0, again);
	close(other);
	EXPECT_EQ(-ENOMEM, create_as(self, NOBODY, 1));

	ASSERT_EQ(0, set_allocator(self->rig.connection, again));
	close(again);
	EXPECT_EQ(-ENOMEM, create_as(self, NOBODY, 1));
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	EXPECT_LE(0, create_as(self, NOBODY, 8));
}

/* A8: a dma-buf that is kept longer than its allocator does not count (security.rst). */
TEST_F(account, dmabuf_outlives_the_allocator)
{
	int allocator = create(self, 8), dmabuf = export_frame(allocator, 0);

	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(-ENOMEM, create(self, 1));
	close(allocator);
	EXPECT_LE(0, create(self, 8));
	close(dmabuf);
}

/* A8: a lower limit does not end allocators, but no new one is created. */
TEST_F(account, limit_is_lowered)
{
	int one = create(self, 4), two = create(self, 4);

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	ASSERT_EQ(0, write_text(MAX_MBYTES, "5"));
	EXPECT_EQ(-ENOMEM, create(self, 1));
	close(one);
	EXPECT_EQ(-ENOMEM, create(self, 2));
	EXPECT_LE(0, create(self, 1));
}

/* A8: imported dma-bufs count as a whole, and not only as much of them as the frames need. */
TEST_F(account, imports)
{
	int dmabufs[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dmabufs); i++)
		dmabufs[i] = from_udmabuf(2 * MB);
	ASSERT_LE(0, import_dmabufs(self->rig.connection, dmabufs, 3));
	EXPECT_EQ(-ENOMEM, import_dmabufs(self->rig.connection, dmabufs, 2));
	EXPECT_EQ(-ENOMEM, create(self, 3));
	EXPECT_LE(0, create(self, 2));
}
