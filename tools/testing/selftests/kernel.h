/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls to the test modules, which use the interface for kernel modules
 */
#ifndef SELFTESTS_KERNEL_H
#define SELFTESTS_KERNEL_H

#include <fcntl.h>
#include <ksalloc-test-client.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ksalloc_test.h"

#define FRAMES 4
#define CLIENT_DEVICE "/dev/ksalloc-test-client"

static inline int unload(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) ? -errno : 0;
}

/* A test that failed leaves files open, and they would keep the modules loaded */
static inline void close_all(void)
{
	close_range(3, ~0U, 0);
}

/* Unloads the module, which must be unused now or in a moment */
static inline void expect_unload(const char *module)
{
	EXPECT_TRUE(EVENTUALLY(module_refs(module) == 0));
	EXPECT_EQ(0, unload(module));
}

static inline int open_sample(const char *path)
{
	int fd;

	ASSERT_TRUE(EVENTUALLY(!access(path, F_OK)));
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	return fd;
}

static inline int client_alloc(int client, enum client_context context)
{
	struct client_call call = { .context = context, .op = CLIENT_ALLOC };

	return call_fd(client, CLIENT_CALL, &call);
}

static inline int client_free(int client, enum client_context context,
			      unsigned int index)
{
	struct client_call call = {
		.context = context,
		.op = CLIENT_FREE,
		.index = index,
	};

	return call_fd(client, CLIENT_CALL, &call);
}

static inline int client_attach(int client, int allocator)
{
	return call_fd(client, CLIENT_ATTACH, (void *)(long)allocator);
}

static inline int client_detach(int client)
{
	return call_fd(client, CLIENT_DETACH, NULL);
}

static inline struct client_told client_told(int client)
{
	struct client_told told = { 0 };

	ASSERT_EQ(0, call_fd(client, CLIENT_TOLD, &told));
	return told;
}

static inline void start_client_wait(struct call *call, int client, __u64 *deadline,
				     int allocator, int n)
{
	call_start(call, client, CLIENT_WAIT, deadline);
	ASSERT_TRUE(EVENTUALLY(waiters(allocator) == n));
}

static inline int client_create(int client, int connection, int heap,
				const struct ksallocator_framing *framing)
{
	struct client_create create = {
		.connection_fd = connection,
		.heap_fd = heap,
		.framing = *framing,
	};

	return call_fd(client, CLIENT_CREATE, &create);
}

/* A word that another thread or the kernel writes */
static inline __u32 read_word(const __u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

#endif
