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
#include <linux/srcu.h>
#include <linux/suspend.h>

#include "reader.h"

DEFINE_STATIC_SRCU(ks_awake_srcu);
static bool ks_suspending;

/*
 * Calls a function, unless the machine is suspended or is about to be. The machine is not suspended
 * before the function returns. Returns whether the function was called
 */
bool ks_while_awake(void (*fn)(struct ks_feed *feed), struct ks_feed *feed)
{
	const int token = srcu_read_lock(&ks_awake_srcu);
	/* Pairs with synchronize_srcu(): that waits for this reader, or this sees the value */
	const bool awake = !READ_ONCE(ks_suspending);

	if (awake)
		fn(feed);
	srcu_read_unlock(&ks_awake_srcu, token);
	return awake;
}

/* From now on, the threads do not access devices. Waits until they have ended what they do */
void ks_suspend_begin(void)
{
	WRITE_ONCE(ks_suspending, true);
	synchronize_srcu(&ks_awake_srcu);
}
EXPORT_SYMBOL_IF_KUNIT(ks_suspend_begin);

void ks_suspend_end(void)
{
	WRITE_ONCE(ks_suspending, false);
}
EXPORT_SYMBOL_IF_KUNIT(ks_suspend_end);

static int ks_suspend_notify(struct notifier_block *block, unsigned long event, void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		ks_suspend_begin();
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		ks_suspend_end();
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
