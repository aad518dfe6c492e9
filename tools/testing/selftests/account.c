// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limit of memory (max_mbytes) is for all allocators of a user together, and is counted
 * exactly, whoever has the descriptors.
 */
#include "ksalloc_test.h"
#include "passing.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_MBYTES "/sys/module/ksalloc/parameters/max_mbytes"
#define LIMIT "8"
#define MB 0x100000
#define NOBODY 65534

FIXTURE(account) {
	struct rig rig;
	int sockets[2];
};

FIXTURE_SETUP(account)
{
	need_heap();
	rig_open(&self->rig, 0, 320, 180);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, self->sockets));
	ASSERT_EQ(0, write_text(MAX_MBYTES, LIMIT));
}

FIXTURE_TEARDOWN(account)
{
	write_text(MAX_MBYTES, "0");
	rig_close(&self->rig);
}

/* Returns an allocator of this size, or an errno */
static int create(const struct account_fixture *self, unsigned int megabytes)
{
	return create_allocator(self->rig.connection, self->rig.heap, 4, megabytes * MB / 4);
}

static void become(uid_t user)
{
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setgid(user));
	ASSERT_EQ(0, setuid(user));
}

/*
 * The result of creating an allocator in another process with this user. If it is created, the
 * process passes it on and ends.
 */
static int create_as(struct account_fixture *self, uid_t user, unsigned int megabytes)
{
	int status, fd, fds[PASSING_MAX];
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		become(user);
		fd = create(self, megabytes);
		if (fd >= 0)
			send_fds(self->sockets[0], &fd, 1);
		_exit(fd < 0 ? -fd : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status))
		return -WEXITSTATUS(status);
	ASSERT_EQ(1, receive_fds(self->sockets[1], fds));
	return fds[0];
}

/* A8: several allocators together have at most the limit, to the byte. */
TEST_F(account, several_allocators)
{
	int one = create(self, 3), two = create(self, 4);

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	EXPECT_EQ(-ENOMEM, create(self, 2));
	EXPECT_EQ(-ENOMEM, create_allocator(self->rig.connection, self->rig.heap, 4,
					    MB / 4 + 1));
	ASSERT_LE(0, create(self, 1));
	EXPECT_EQ(-ENOMEM, create_allocator(self->rig.connection, self->rig.heap, 2, 0));
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
		EXPECT_EQ(-EINVAL, create_allocator(self->rig.connection, self->rig.video, 4,
						    MB));
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
