// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory the allocators of each user have.
 *
 * The memory of heaps is charged to nobody, and neither is that of most drivers. So the module
 * counts the memory of each allocator once, for the user who created it, as long as the allocator
 * exists: it does not matter who has its descriptors, or whether that user still has processes.
 */
#include <kunit/visibility.h>
#include <linux/cred.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "account.h"

/*
 * Number of pages by user. A user without memory has no entry. The lock of the xarray makes a
 * change of an entry one step. All users share it, so it is no mutex: a task that holds a mutex can
 * be preempted. The price is that new entries come from GFP_ATOMIC, which can fail if memory is
 * scarce
 */
static DEFINE_XARRAY(ks_accounts);

static unsigned long ks_account_pages(kuid_t user)
{
	void *entry = xa_load(&ks_accounts, __kuid_val(user));

	lockdep_assert_held(&ks_accounts.xa_lock);

	return entry ? xa_to_value(entry) : 0;
}

/*
 * The user for whom memory of the caller counts. An ordinary user can have thousands of
 * users in a user namespace (/etc/subuid). They count as the user who made the namespace.
 * Otherwise, this user could exceed the limit. The users of a namespace that root made count
 * separately.
 */
kuid_t ks_account_user(void)
{
	const struct user_namespace *ns;
	kuid_t user = current_uid();

	for (ns = current_user_ns(); ns->parent; ns = ns->parent)
		if (!uid_eq(ns->owner, GLOBAL_ROOT_UID))
			user = ns->owner;
	return user;
}

/*
 * Counts memory for a user. @limit is in pages and at most LONG_MAX. Returns -ENOMEM also if
 * the user would have more. Contract A8.
 */
int ks_account_charge(kuid_t user, unsigned long pages, unsigned long limit)
{
	unsigned long has;
	int ret = -ENOMEM;

	xa_lock(&ks_accounts);
	has = ks_account_pages(user);
	/* With GFP_KERNEL, the lock would be dropped, and @has could change */
	if (pages <= limit && has <= limit - pages)
		ret = xa_err(__xa_store(&ks_accounts, __kuid_val(user),
					xa_mk_value(has + pages), GFP_ATOMIC));
	xa_unlock(&ks_accounts);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_account_charge);

/* Undoes ks_account_charge(); @pages is the same number */
void ks_account_uncharge(kuid_t user, unsigned long pages)
{
	unsigned long has;

	xa_lock(&ks_accounts);
	has = ks_account_pages(user);
	WARN_ON_ONCE(has < pages);
	/* There is an entry, so this allocates nothing */
	if (has > pages)
		__xa_store(&ks_accounts, __kuid_val(user),
			   xa_mk_value(has - pages), GFP_ATOMIC);
	else
		__xa_erase(&ks_accounts, __kuid_val(user));
	xa_unlock(&ks_accounts);
}
EXPORT_SYMBOL_IF_KUNIT(ks_account_uncharge);
