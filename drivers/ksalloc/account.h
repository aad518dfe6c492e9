/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much memory the allocators of each user have.
 *
 * "Contract" with an id such as A8 refers to a row of Documentation/conformance.rst.
 */
#ifndef _KSALLOC_ACCOUNT_H
#define _KSALLOC_ACCOUNT_H

#include <linux/uidgid.h>

kuid_t ks_account_user(void);
int ks_account_charge(kuid_t user, unsigned long pages, unsigned long limit);
void ks_account_uncharge(kuid_t user, unsigned long pages);

#endif /* _KSALLOC_ACCOUNT_H */
