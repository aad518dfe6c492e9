// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the threads of feeds away from the devices while the machine is suspended. Programs are
 * frozen before the devices are suspended, and drivers rely on that: queuing a buffer can access
 * the hardware.
 *
 * The threads are not frozen, because work of freezable workqueues waits for their end. If such
 * work waited for a frozen thread, the machine would not suspend.
 */
#include <kunit/visibility.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/suspend.h>
#include <linux/wait.h>

#include "reader.h"

/* As long as the freezer waits for tasks by default. A camera may never respond */
#define KS_SUSPEND_TIMEOUT (20 * HZ)

/*
 * ks_suspends has the reasons not to work (KS_SUSPEND_*): while /dev/snapshot is open, the machine
 * can be suspended, too. ks_working counts the threads that work. ks_suspend_lock protects both
 */
static unsigned int ks_suspends, ks_working;
static DEFINE_SPINLOCK(ks_suspend_lock);
static DECLARE_WAIT_QUEUE_HEAD(ks_suspend_wait);

/*
 * Calls a function, unless the machine is suspended or is about to be. The machine is not suspended
 * before the function returns. Returns whether the function was called
 */
bool ks_call_unless_suspended(void (*fn)(struct ks_feed *feed), struct ks_feed *feed)
{
	bool awake;

	spin_lock(&ks_suspend_lock);
	awake = !ks_suspends;
	ks_working += awake;
	spin_unlock(&ks_suspend_lock);
	if (!awake)
		return false;

	fn(feed);

	spin_lock(&ks_suspend_lock);
	WRITE_ONCE(ks_working, ks_working - 1);
	if (ks_suspends)
		wake_up(&ks_suspend_wait);
	spin_unlock(&ks_suspend_lock);
	return true;
}

/*
 * Stops the threads from starting new work, and waits until current work has ended. If that takes
 * longer than @timeout (jiffies), lets them work again, and returns -EBUSY
 */
int ks_suspend_begin(unsigned int reason, unsigned long timeout)
{
	spin_lock(&ks_suspend_lock);
	ks_suspends |= reason;
	spin_unlock(&ks_suspend_lock);
	if (wait_event_timeout(ks_suspend_wait, !READ_ONCE(ks_working), timeout))
		return 0;
	ks_suspend_end(reason);
	return -EBUSY;
}
EXPORT_SYMBOL_IF_KUNIT(ks_suspend_begin);

void ks_suspend_end(unsigned int reason)
{
	spin_lock(&ks_suspend_lock);
	ks_suspends &= ~reason;
	spin_unlock(&ks_suspend_lock);
}
EXPORT_SYMBOL_IF_KUNIT(ks_suspend_end);

static int ks_suspend_prepare(unsigned int reason)
{
	return notifier_from_errno(ks_suspend_begin(reason, KS_SUSPEND_TIMEOUT));
}

static int ks_suspend_notify(struct notifier_block *block, unsigned long event, void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
		return ks_suspend_prepare(KS_SUSPEND_SUSPEND);
	case PM_HIBERNATION_PREPARE:
		/* This excludes a restore. One that failed early may not have been ended */
		ks_suspend_end(KS_SUSPEND_RESTORE);
		return ks_suspend_prepare(KS_SUSPEND_HIBERNATION);
	case PM_RESTORE_PREPARE:
		return ks_suspend_prepare(KS_SUSPEND_RESTORE);
	case PM_POST_SUSPEND:
		ks_suspend_end(KS_SUSPEND_SUSPEND);
		break;
	case PM_POST_HIBERNATION:
		ks_suspend_end(KS_SUSPEND_HIBERNATION);
		break;
	case PM_POST_RESTORE:
		ks_suspend_end(KS_SUSPEND_RESTORE);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block ks_suspend_block = {
	.notifier_call = ks_suspend_notify,
};

int __init ks_suspend_init(void)
{
	return register_pm_notifier(&ks_suspend_block);
}

void ks_suspend_exit(void)
{
	unregister_pm_notifier(&ks_suspend_block);
}
