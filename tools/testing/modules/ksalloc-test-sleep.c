// SPDX-License-Identifier: GPL-2.0-only
/*
 * While this module is loaded, the kernel does not suspend virtio devices. The driver of 9p over
 * virtio does not support suspend, and a guest would lose its files. Other devices, such as the
 * cameras of a test, are suspended.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/pci.h>

static void set_sleepless(bool sleepless)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_device(PCI_VENDOR_ID_REDHAT_QUMRANET, PCI_ANY_ID, pdev)))
		dev_pm_syscore_device(&pdev->dev, sleepless);
}

static int __init test_sleep_init(void)
{
	set_sleepless(true);
	return 0;
}
module_init(test_sleep_init);

static void __exit test_sleep_exit(void)
{
	set_sleepless(false);
}
module_exit(test_sleep_exit);

MODULE_DESCRIPTION("Lets a guest suspend its other devices");
MODULE_LICENSE("GPL");
/* Taints the kernel */
MODULE_INFO(test, "Y");
