// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which allocator a connection has. connection.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/workqueue.h>

#include "connection.h"
#include "framing.h"
#include "planes.h"

/* Whether the frames meet the requirements of a device. Contract D5 */
bool ks_allocator_fits(const struct ks_allocator *alloc,
		       const struct ksalloc_requirements *needs)
{
	return ks_framing_fits(&alloc->framing, &needs->framing) &&
	       ks_planes_fit(&alloc->layout, needs);
}

/* Returns 0 if an allocator can be assigned, or an errno. Contract D5, F3 */
static int ks_connection_check_allocator(struct ks_connection *conn,
					 const struct ks_allocator *alloc)
{
	struct ksalloc_requirements needs;
	int ret;

	if (alloc->kernel_only)
		return -EOPNOTSUPP;
	ret = ks_connection_needs(conn, &needs);
	if (ret)
		return ret;
	return ks_allocator_fits(alloc, &needs) ? 0 : -EINVAL;
}

/*
 * Without the lock, the caller then calls ks_connection_release_allocator(*old) and
 * ks_allocator_put(*fed), each if it is not NULL: one can be the last reference.
 */
static int ks_connection_assign(struct ks_connection *conn,
				struct ks_allocator *alloc,
				struct ks_allocator **old,
				struct ks_allocator **fed)
{
	int ret;

	lockdep_assert_held(&conn->lock);

	*old = NULL;
	*fed = NULL;
	if (conn->state != KSSTATE_STOP)
		return -EBUSY;
	ret = alloc ? ks_connection_check_allocator(conn, alloc) : 0;
	if (ret || alloc == conn->allocator)
		return ret;

	/* Before the pointer changes, because of ks_connection_file_release() */
	*fed = ks_feed_detach(conn);
	*old = conn->allocator;
	if (*old)
		ks_allocator_reclaim_connection(*old, conn);
	if (alloc) {
		ks_allocator_get(alloc);
		atomic_inc(&alloc->assigned);
	}
	spin_lock(&conn->allocator_lock);
	WRITE_ONCE(conn->allocator, alloc);
	spin_unlock(&conn->allocator_lock);
	return 0;
}

/* Drops the reference of the feed. The caller of an ioctl expects that the memory is freed */
static void ks_connection_put_fed(struct ks_connection *conn, struct ks_allocator *fed)
{
	/* It has a reference, too */
	flush_work(&conn->feed.free_work);
	ks_allocator_put(fed);
}

/*
 * The connection takes a reference to @alloc; NULL assigns none. Returns the errors of
 * KSALLOC_SET_ALLOCATOR. Contract D5.
 */
int ks_connection_set_allocator(struct ks_connection *conn,
				struct ks_allocator *alloc)
{
	struct ks_allocator *old, *fed;
	int ret;

	ret = ks_connection_lock(conn);
	/* An allocator can be removed without a device, unless the device did not stop */
	if (ret == -ENODEV && !alloc) {
		if (mutex_lock_interruptible(&conn->lock))
			return -ERESTARTSYS;
		ret = 0;
	}
	if (ret)
		return ret;
	ret = ks_connection_assign(conn, alloc, &old, &fed);
	mutex_unlock(&conn->lock);
	if (fed)
		ks_connection_put_fed(conn, fed);
	if (old)
		ks_connection_release_allocator(old);

	return ks_connection_result(conn, ret);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_set_allocator);

/*
 * Assigns no allocator to a connection in STOP. Does not fail, unless the device did not
 * stop: then it keeps its frames. The calling task may be exiting.
 */
void ks_connection_drop_allocator(struct ks_connection *conn)
{
	struct ks_allocator *old = NULL, *fed = NULL;

	mutex_lock(&conn->lock);
	if (!conn->stuck)
		ks_connection_assign(conn, NULL, &old, &fed);
	mutex_unlock(&conn->lock);
	if (fed)
		ks_connection_put_fed(conn, fed);
	if (old)
		ks_connection_release_allocator(old);
}
