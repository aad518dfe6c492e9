// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: eventfds that count frames that become free (contract E1, E2).
 *
 * An event belongs to an open file of the allocator, and exists as long. ks_event_reserve()
 * checks that the eventfd has no other event of the allocator, and puts the event on
 * &ks_allocator.events. The event is enabled, and becomes a notifier, after its number was
 * written to user space. Until then, only the call that creates it may end it.
 *
 * An eventfd has at most one event of an allocator. eventfds are signalled in the context
 * that frees a frame, and wake all their waiters. This takes a time that is bounded by
 * KSALLOC_MAX_EVENTS and by the number of waiters, which the limits of a user restrict.
 *
 * A one-shot event that was signalled is not a notifier any more. It is freed when it is disabled,
 * when the next event is enabled, when fdinfo is read, or with its open file.
 */
#include <linux/eventfd.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "allocator.h"
#include "eventfd.h"
#include "ioctl.h"

/**
 * struct ks_event - an eventfd that counts frames that become free
 * @notifier: signals the eventfd
 * @link: on &ks_allocator.events
 * @rcu: frees the event
 * @eventfd: the eventfd, with a reference
 * @owner: the owner of the open file that the event belongs to
 * @id: number of the event
 * @once: a one-shot event
 * @enabled: @notifier was added to a list
 */
struct ks_event {
	struct ks_notifier notifier;
	struct list_head link;
	struct rcu_head rcu;
	struct eventfd_ctx *eventfd;
	const struct ks_owner *owner;
	u32 id;
	bool once;
	bool enabled;
};

static void ks_event_notify(struct ks_notifier *notifier)
{
	eventfd_signal(container_of(notifier, struct ks_event, notifier)->eventfd);
}

static void ks_event_free(struct ks_event *event)
{
	eventfd_ctx_put(event->eventfd);
	kfree(event);
}

static void ks_event_free_rcu(struct rcu_head *rcu)
{
	ks_event_free(container_of(rcu, struct ks_event, rcu));
}

/*
 * Ends an event. Returns false for a one-shot event that was signalled, or one that was not
 * enabled
 */
static bool ks_event_end(struct ks_allocator *alloc, struct ks_event *event)
{
	bool listed = event->enabled &&
		      ks_notifier_remove(alloc, &event->notifier);

	lockdep_assert_held(&alloc->event_lock);

	list_del(&event->link);
	alloc->nr_events--;
	call_rcu(&event->rcu, ks_event_free_rcu);
	return listed;
}

static bool ks_event_is_over(struct ks_allocator *alloc, struct ks_event *event)
{
	bool over;

	spin_lock_irq(&alloc->lock);
	over = event->notifier.taken;
	spin_unlock_irq(&alloc->lock);

	return over;
}

/* Frees one-shot events that were signalled */
static void ks_events_reap(struct ks_allocator *alloc)
{
	struct ks_event *event, *next;

	lockdep_assert_held(&alloc->event_lock);

	list_for_each_entry_safe(event, next, &alloc->events, link)
		if (event->once && ks_event_is_over(alloc, event))
			ks_event_end(alloc, event);
}

u32 ks_events_count(struct ks_allocator *alloc)
{
	u32 count;

	mutex_lock(&alloc->event_lock);
	ks_events_reap(alloc);
	count = alloc->nr_events;
	mutex_unlock(&alloc->event_lock);

	return count;
}

/* Ends the events of an open file, which has no call in progress */
void ks_events_end(struct ks_allocator *alloc, const struct ks_owner *owner)
{
	struct ks_event *event, *next;

	mutex_lock(&alloc->event_lock);
	list_for_each_entry_safe(event, next, &alloc->events, link)
		if (event->owner == owner)
			ks_event_end(alloc, event);
	mutex_unlock(&alloc->event_lock);
}

static struct ks_event *ks_event_find(struct ks_allocator *alloc, u32 id)
{
	struct ks_event *event;

	lockdep_assert_held(&alloc->event_lock);

	list_for_each_entry(event, &alloc->events, link)
		if (event->id == id)
			return event;
	return NULL;
}

static bool ks_eventfd_is_used(struct ks_allocator *alloc,
			       const struct eventfd_ctx *eventfd)
{
	struct ks_event *event;

	lockdep_assert_held(&alloc->event_lock);

	list_for_each_entry(event, &alloc->events, link)
		if (event->eventfd == eventfd)
			return true;
	return false;
}

static int ks_event_reserve(struct ks_allocator *alloc, struct ks_event *event)
{
	lockdep_assert_held(&alloc->event_lock);

	ks_events_reap(alloc);
	if (ks_eventfd_is_used(alloc, event->eventfd))
		return -EBUSY;
	if (alloc->nr_events >= KSALLOC_MAX_EVENTS)
		return -E2BIG;

	/* The numbers wrap after 2^32 events: skip those in use */
	do {
		event->id = ++alloc->last_event;
	} while (ks_event_find(alloc, event->id));
	list_add_tail(&event->link, &alloc->events);
	alloc->nr_events++;
	return 0;
}

static struct ks_event *
ks_event_create(const struct ksalloc_enable_event *arg,
		const struct ks_owner *owner)
{
	struct eventfd_ctx *eventfd;
	struct ks_event *event;

	eventfd = eventfd_ctx_fdget(arg->eventfd);
	if (IS_ERR(eventfd))
		return ERR_CAST(eventfd);
	event = kzalloc(sizeof(*event), GFP_KERNEL_ACCOUNT);
	if (!event) {
		eventfd_ctx_put(eventfd);
		return ERR_PTR(-ENOMEM);
	}
	event->notifier.notify = ks_event_notify;
	event->eventfd = eventfd;
	event->owner = owner;
	event->once = arg->flags & KSALLOC_EVENT_ONESHOT;
	return event;
}

/* Makes the event a notifier. Must not fail, because user space already has its number */
static void ks_event_enable(struct ks_allocator *alloc, struct ks_event *event)
{
	lockdep_assert_held(&alloc->event_lock);

	event->enabled = true;
	if (event->once)
		ks_notifier_add_once(alloc, &event->notifier);
	else
		ks_notifier_add(alloc, &event->notifier);
}

/* Contract E1, E2 */
int ks_enable_event_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator_file *file = ucmd->file->private_data;
	struct ksalloc_enable_event *arg = &ucmd->arg.enable_event;
	struct ks_allocator *alloc = file->alloc;
	struct ks_event *event;
	int ret;

	if (arg->__reserved || arg->event != KSEVENT_STREAMALLOCATOR_FREEFRAME)
		return -EINVAL;
	event = ks_event_create(arg, &file->owner);
	if (IS_ERR(event))
		return PTR_ERR(event);

	mutex_lock(&alloc->event_lock);
	ret = ks_event_reserve(alloc, event);
	mutex_unlock(&alloc->event_lock);
	if (ret) {
		ks_event_free(event);
		return ret;
	}

	arg->id = event->id;
	ret = ks_reply(ucmd, sizeof(*arg));

	mutex_lock(&alloc->event_lock);
	if (ret)
		ks_event_end(alloc, event);
	else
		ks_event_enable(alloc, event);
	mutex_unlock(&alloc->event_lock);

	return ret;
}

int ks_disable_event_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_allocator_file *file = ucmd->file->private_data;
	const struct ksalloc_disable_event *arg = &ucmd->arg.disable_event;
	struct ks_allocator *alloc = file->alloc;
	struct ks_event *event;
	int ret = -EINVAL;

	if (arg->__reserved)
		return -EINVAL;

	mutex_lock(&alloc->event_lock);
	event = ks_event_find(alloc, arg->id);
	if (event && event->enabled && event->owner == &file->owner &&
	    ks_event_end(alloc, event))
		ret = 0;
	mutex_unlock(&alloc->event_lock);

	return ret;
}
