// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who wants to know that a frame became free: eventfds of processes, and kernel
 * clients (client.c).
 *
 * A frame becomes free when it reaches the free list; one that goes straight to a
 * waiter does not. Each such frame is told of once: the counter of an eventfd and
 * the number of a client's callbacks are the number of frames.
 *
 * There are two lists, so that a frame that is freed in a hard interrupt can be
 * told of there and then, without a lock held:
 *
 *  - listeners want to know each time. They are called in an RCU read-side
 *    section; to leave means to wait for a grace period.
 *  - one-shots want to know once. Who makes a frame free takes all of them off
 *    their list under ks_allocator.lock, and so has them alone: each is told
 *    exactly once, and freed on the spot.
 *
 * An event belongs to a process and a file, as a frame does, and goes with them.
 * It is on &ks_allocator.events from the moment that its eventfd is found to be on no
 * other one there, but nobody is told, ends it or takes it back before it is a
 * listener too: until then it is the call's that enables it.
 *
 * No eventfd is there twice, because each is told in whatever context a frame is
 * freed, and tells all who watch it in turn. So the time that takes is bounded by how
 * many watches a user may have, not by that number times the number of events.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <kunit/visibility.h>
#include <linux/eventfd.h>
#include <linux/lockdep.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "ksalloc_priv.h"

/**
 * struct ks_event - an eventfd that is told of free frames
 * @listener: on &ks_allocator.listeners, or on its one-shots; on neither, and empty,
 *	while it is being enabled
 * @link: on &ks_allocator.events
 * @rcu: frees it, when a listener
 * @eventfd: whom to tell
 * @owner: who enabled it
 * @id: its number, for the owner
 */
struct ks_event {
	struct ks_listener listener;
	struct list_head link;
	struct rcu_head rcu;
	struct eventfd_ctx *eventfd;
	struct ks_owner owner;
	u32 id;
};

static void ks_event_free(struct ks_event *event)
{
	eventfd_ctx_put(event->eventfd);
	kfree(event);
}

static void ks_event_free_rcu(struct rcu_head *rcu)
{
	ks_event_free(container_of(rcu, struct ks_event, rcu));
}

static void ks_event_tell(struct ks_listener *listener)
{
	struct ks_event *event = container_of(listener, struct ks_event,
					      listener);

	eventfd_signal(event->eventfd);
}

/* Its listener is told once; the difference is who frees it */
static void ks_event_tell_once(struct ks_listener *listener)
{
	struct ks_event *event = container_of(listener, struct ks_event,
					      listener);

	eventfd_signal(event->eventfd);
	ks_event_free(event);
}

static bool ks_event_is_oneshot(const struct ks_event *event)
{
	return event->listener.tell == ks_event_tell_once;
}

static void ks_event_unlink(struct ks_allocator *alloc, struct ks_event *event)
{
	lockdep_assert_held(&alloc->lock);

	list_del(&event->link);
	alloc->n_events--;
}

/* Whether an event is enabled, and an owner's */
static bool ks_event_is_of(const struct ks_event *event,
			   const struct ks_owner *owner)
{
	return !list_empty(&event->listener.link) &&
	       ks_owner_matches(&event->owner, owner);
}

/* Nobody finds it any more; who does so ends with ks_event_drop() */
static void ks_event_remove(struct ks_allocator *alloc, struct ks_event *event)
{
	ks_event_unlink(alloc, event);
	list_del_rcu(&event->listener.link);
}

/* Frees what was removed: listeners may be in a call, while one-shots are not */
static void ks_event_drop(struct ks_event *event)
{
	if (ks_event_is_oneshot(event))
		ks_event_free(event);
	else
		call_rcu(&event->rcu, ks_event_free_rcu);
}

/**
 * ks_listener_add() - tell of free frames from now on
 * @alloc: the allocator
 * @listener: whom
 *
 * Context: any.
 */
void ks_listener_add(struct ks_allocator *alloc, struct ks_listener *listener)
{
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	list_add_tail_rcu(&listener->link, &alloc->listeners);
	spin_unlock_irqrestore(&alloc->lock, flags);
}

/**
 * ks_listener_remove() - tell no more
 * @alloc: the allocator
 * @listener: whom. It may be in a call, or about to be called, until
 *	synchronize_rcu() has returned
 *
 * Context: any.
 */
void ks_listener_remove(struct ks_allocator *alloc,
			struct ks_listener *listener)
{
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	list_del_rcu(&listener->link);
	spin_unlock_irqrestore(&alloc->lock, flags);
}

/**
 * ks_oneshots_take() - the one-shots that will be told of what is free now
 * @alloc: the allocator
 * @taken: an initialized list; they are added to it
 *
 * Context: any; ks_allocator.lock is held.
 */
void ks_oneshots_take(struct ks_allocator *alloc, struct list_head *taken)
{
	struct ks_event *event;

	lockdep_assert_held(&alloc->lock);

	list_for_each_entry(event, &alloc->oneshots, listener.link)
		ks_event_unlink(alloc, event);
	list_splice_tail_init(&alloc->oneshots, taken);
}

/**
 * ks_oneshots_tell() - tell one-shots that were taken
 * @taken: the list
 *
 * Context: any. No spinlock is held.
 */
void ks_oneshots_tell(struct list_head *taken)
{
	struct ks_listener *listener, *next;

	list_for_each_entry_safe(listener, next, taken, link)
		listener->tell(listener);
}

/**
 * ks_listeners_tell() - tell that a frame became free
 * @alloc: the allocator
 *
 * Context: any. No spinlock is held.
 */
void ks_listeners_tell(struct ks_allocator *alloc)
{
	struct ks_listener *listener;

	rcu_read_lock();
	list_for_each_entry_rcu(listener, &alloc->listeners, link)
		listener->tell(listener);
	rcu_read_unlock();
}

/**
 * ks_events_serve() - does an owner have events?
 * @alloc: the allocator
 * @owner: who; with no files, everybody who came through its file
 *
 * Context: any; ks_allocator.lock is held.
 * Return: whether ks_events_reclaim() would have anything to do.
 */
bool ks_events_serve(struct ks_allocator *alloc, const struct ks_owner *owner)
{
	struct ks_event *event;

	lockdep_assert_held(&alloc->lock);

	list_for_each_entry(event, &alloc->events, link)
		if (ks_event_is_of(event, owner))
			return true;
	return false;
}

/**
 * ks_events_reclaim() - end the events of an owner
 * @alloc: the allocator
 * @owner: who has gone; with no files, everybody who came through its file
 *
 * Context: process context.
 */
void ks_events_reclaim(struct ks_allocator *alloc,
		       const struct ks_owner *owner)
{
	struct ks_event *event, *next;
	LIST_HEAD(gone);

	spin_lock_irq(&alloc->lock);
	list_for_each_entry_safe(event, next, &alloc->events, link) {
		if (!ks_event_is_of(event, owner))
			continue;
		ks_event_remove(alloc, event);
		list_add_tail(&event->link, &gone);
	}
	spin_unlock_irq(&alloc->lock);

	list_for_each_entry_safe(event, next, &gone, link)
		ks_event_drop(event);
}

static bool ks_eventfd_is_used(struct ks_allocator *alloc,
			       const struct eventfd_ctx *eventfd)
{
	struct ks_event *event;

	lockdep_assert_held(&alloc->lock);

	list_for_each_entry(event, &alloc->events, link)
		if (event->eventfd == eventfd)
			return true;
	return false;
}

/* Its place, and its number */
static int ks_event_reserve(struct ks_allocator *alloc, struct ks_event *event)
{
	int ret = 0;

	spin_lock_irq(&alloc->lock);
	if (ks_eventfd_is_used(alloc, event->eventfd)) {
		ret = -EBUSY;
	} else if (alloc->n_events >= KSALLOC_MAX_EVENTS) {
		ret = -E2BIG;
	} else {
		list_add_tail(&event->link, &alloc->events);
		alloc->n_events++;
		event->id = ++alloc->last_event;
	}
	spin_unlock_irq(&alloc->lock);

	return ret;
}

static void ks_event_unreserve(struct ks_allocator *alloc,
			       struct ks_event *event)
{
	spin_lock_irq(&alloc->lock);
	ks_event_unlink(alloc, event);
	spin_unlock_irq(&alloc->lock);
}

/*
 * Cannot fail, for the owner knows of it already. From here on it may end at any time
 */
static void ks_event_add(struct ks_allocator *alloc, struct ks_event *event)
{
	spin_lock_irq(&alloc->lock);
	if (ks_event_is_oneshot(event))
		list_add_tail(&event->listener.link, &alloc->oneshots);
	else
		list_add_tail_rcu(&event->listener.link, &alloc->listeners);
	spin_unlock_irq(&alloc->lock);
}

static struct ks_event *ks_event_create(const struct ks_ucmd *ucmd)
{
	const struct ksalloc_enable_event *arg = &ucmd->arg.enable_event;
	struct ks_event *event;
	int ret;

	event = kzalloc(sizeof(*event), GFP_KERNEL_ACCOUNT);
	if (!event)
		return ERR_PTR(-ENOMEM);
	event->eventfd = eventfd_ctx_fdget(arg->eventfd);
	if (IS_ERR(event->eventfd)) {
		ret = PTR_ERR(event->eventfd);
		kfree(event);
		return ERR_PTR(ret);
	}
	INIT_LIST_HEAD(&event->listener.link);
	event->owner = (struct ks_owner){ ucmd->file, current->files };
	event->listener.tell = arg->flags & KSALLOC_EVENT_ONESHOT ?
			       ks_event_tell_once : ks_event_tell;
	return event;
}

/**
 * ks_enable_event_ioctl() - KSALLOC_ENABLE_EVENT
 * @ucmd: the call
 *
 * Contract E1, E2.
 *
 * Context: process context; sleeps.
 * Return: 0, or an errno of the ABI header.
 */
long ks_enable_event_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator *alloc = ucmd->file->private_data;
	struct ksalloc_enable_event *arg = &ucmd->arg.enable_event;
	const struct ks_owner owner = { ucmd->file, current->files };
	struct ks_event *event;
	int ret;

	if (arg->__reserved || arg->event != KSEVENT_STREAMALLOCATOR_FREEFRAME)
		return -EINVAL;
	event = ks_event_create(ucmd);
	if (IS_ERR(event))
		return PTR_ERR(event);
	ret = ks_event_reserve(alloc, event);
	if (ret)
		goto err_event;

	arg->id = event->id;
	ret = ks_reply(ucmd, sizeof(*arg));
	if (ret)
		goto err_reserved;
	ks_event_add(alloc, event);
	/* Another thread may have closed the last descriptor, and seen no event */
	if (ks_closed_last(ucmd->file, current->files))
		ks_events_reclaim(alloc, &owner);
	return 0;

err_reserved:
	ks_event_unreserve(alloc, event);
err_event:
	ks_event_free(event);
	return ret;
}

static struct ks_event *ks_event_find(struct ks_allocator *alloc, u32 id,
				      const struct ks_owner *owner)
{
	struct ks_event *event;

	lockdep_assert_held(&alloc->lock);

	list_for_each_entry(event, &alloc->events, link)
		if (event->id == id && ks_event_is_of(event, owner))
			return event;
	return NULL;
}

/**
 * ks_disable_event_ioctl() - KSALLOC_DISABLE_EVENT
 * @ucmd: the call
 *
 * A frame that is becoming free at the same time may still be told of.
 *
 * Context: process context.
 * Return: 0, or an errno of the ABI header.
 */
long ks_disable_event_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator *alloc = ucmd->file->private_data;
	const struct ksalloc_disable_event *arg = &ucmd->arg.disable_event;
	const struct ks_owner owner = { ucmd->file, current->files };
	struct ks_event *event;

	if (arg->__reserved)
		return -EINVAL;

	spin_lock_irq(&alloc->lock);
	event = ks_event_find(alloc, arg->id, &owner);
	if (event)
		ks_event_remove(alloc, event);
	spin_unlock_irq(&alloc->lock);
	if (!event)
		return -EINVAL;

	ks_event_drop(event);
	return 0;
}

/**
 * ks_events_end() - end all events of an allocator
 * @alloc: the allocator, whose file ends: all events are its, and nobody is in a call
 *
 * Context: process context.
 */
void ks_events_end(struct ks_allocator *alloc)
{
	struct ks_event *event, *next;

	/* Without the lock, which would be held for long; nobody else has the list */
	list_for_each_entry_safe(event, next, &alloc->events, link) {
		list_del_rcu(&event->listener.link);
		ks_event_drop(event);
	}
}
