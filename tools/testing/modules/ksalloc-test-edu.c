// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver of QEMU's device "edu" (docs/specs/edu in QEMU), for tests of what a device can do with
 * a dma-buf. It lets a program direct the DMA: ksalloc-test-edu.h describes the ioctls. A driver
 * with a fault, or a device that does not do what its driver asks for, would do the same.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/iopoll.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ksalloc-test-edu.h"

#define EDU_NAME "ksalloc-test-edu"

#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_RUN BIT(0)
#define EDU_DMA_TO_MEMORY BIT(1)

/* The address of the device's buffer, for the device only */
#define EDU_BUFFER 0x40000

/* A copy takes 0.1 s */
#define EDU_POLL_US 1000
#define EDU_TIMEOUT_US (10 * USEC_PER_SEC)

/**
 * struct edu - the device
 * @misc: its node
 * @dev: the PCI device
 * @registers: its registers
 * @lock: for all that follows, and for struct edu_file
 * @words: memory for the data of a program
 * @words_dma: the same, as the device sees it
 */
struct edu {
	struct miscdevice misc;
	struct device *dev;
	void __iomem *registers;
	/* Held while the device copies */
	struct mutex lock;
	void *words;
	dma_addr_t words_dma;
};

/**
 * struct edu_file - an open file
 * @edu: the device
 * @attachment: to the dma-buf that is mapped; NULL if there is none
 * @table: the mapping
 * @direction: its direction
 */
struct edu_file {
	struct edu *edu;
	struct dma_buf_attachment *attachment;
	struct sg_table *table;
	enum dma_data_direction direction;
};

static int edu_dma(struct edu *edu, u64 source, u64 destination, u32 bytes, u64 command)
{
	u64 running;

	writeq(source, edu->registers + EDU_DMA_SOURCE);
	writeq(destination, edu->registers + EDU_DMA_DESTINATION);
	writeq(bytes, edu->registers + EDU_DMA_COUNT);
	writeq(command | EDU_DMA_RUN, edu->registers + EDU_DMA_COMMAND);
	return readq_poll_timeout(edu->registers + EDU_DMA_COMMAND, running,
				  !(running & EDU_DMA_RUN), EDU_POLL_US, EDU_TIMEOUT_US);
}

/* Copies the memory @from into @to, through the buffer of the device */
static int edu_dma_through(struct edu *edu, dma_addr_t from, dma_addr_t to, u32 bytes)
{
	int ret = edu_dma(edu, from, EDU_BUFFER, bytes, 0);

	return ret ?: edu_dma(edu, EDU_BUFFER, to, bytes, EDU_DMA_TO_MEMORY);
}

static int edu_find(const struct edu_file *file, struct edu_copy *copy)
{
	u64 offset = copy->offset;
	struct scatterlist *sg;
	unsigned int i;

	if (!file->attachment)
		return -ENXIO;
	if (!copy->bytes || copy->bytes > EDU_MAX_BYTES)
		return -EINVAL;
	for_each_sgtable_dma_sg(file->table, sg, i) {
		if (offset < sg_dma_len(sg)) {
			if (copy->bytes > sg_dma_len(sg) - offset)
				return -EINVAL;
			copy->address = sg_dma_address(sg) + offset;
			return 0;
		}
		offset -= sg_dma_len(sg);
	}
	return -EINVAL;
}

static int edu_read(struct edu *edu, const struct edu_copy *copy)
{
	int ret;

	/* If the device cannot read the dma-buf, QEMU does not change the buffer of the device */
	memset(edu->words, 0, copy->bytes);
	ret = edu_dma(edu, edu->words_dma, EDU_BUFFER, copy->bytes, 0);
	if (!ret)
		ret = edu_dma_through(edu, copy->address, edu->words_dma, copy->bytes);
	if (ret)
		return ret;
	if (copy_to_user(u64_to_user_ptr(copy->buffer), edu->words, copy->bytes))
		return -EFAULT;
	return 0;
}

static int edu_write(struct edu *edu, const struct edu_copy *copy)
{
	if (copy_from_user(edu->words, u64_to_user_ptr(copy->buffer), copy->bytes))
		return -EFAULT;
	dev_info(edu->dev, "writes to 0x%llx\n", copy->address);
	return edu_dma_through(edu, edu->words_dma, copy->address, copy->bytes);
}

static int edu_copy(struct edu_file *file, unsigned int request, void __user *arg)
{
	struct edu_copy copy;
	int ret;

	if (copy_from_user(&copy, arg, sizeof(copy)))
		return -EFAULT;
	ret = edu_find(file, &copy);
	if (!ret)
		ret = request == EDU_READ ? edu_read(file->edu, &copy) :
					    edu_write(file->edu, &copy);
	if (!ret && copy_to_user(arg, &copy, sizeof(copy)))
		ret = -EFAULT;
	return ret;
}

static int edu_map(struct edu_file *file, const void __user *arg)
{
	static const enum dma_data_direction directions[EDU_DIRECTIONS] = {
		[EDU_BIDIRECTIONAL] = DMA_BIDIRECTIONAL,
		[EDU_TO_DEVICE] = DMA_TO_DEVICE,
		[EDU_FROM_DEVICE] = DMA_FROM_DEVICE,
	};
	struct dma_buf_attachment *attachment;
	struct dma_buf *dmabuf;
	struct sg_table *table;
	struct edu_map map;
	int ret;

	if (copy_from_user(&map, arg, sizeof(map)))
		return -EFAULT;
	if (map.direction >= EDU_DIRECTIONS)
		return -EINVAL;
	if (file->attachment)
		return -EBUSY;
	dmabuf = dma_buf_get(map.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	attachment = dma_buf_attach(dmabuf, file->edu->dev);
	if (IS_ERR(attachment)) {
		ret = PTR_ERR(attachment);
		goto err_put;
	}
	table = dma_buf_map_attachment_unlocked(attachment, directions[map.direction]);
	if (IS_ERR(table)) {
		ret = PTR_ERR(table);
		goto err_detach;
	}
	/* The file has the reference to the dma-buf now */
	file->attachment = attachment;
	file->table = table;
	file->direction = directions[map.direction];
	return 0;

err_detach:
	dma_buf_detach(dmabuf, attachment);
err_put:
	dma_buf_put(dmabuf);
	return ret;
}

static int edu_unmap(struct edu_file *file)
{
	struct dma_buf_attachment *attachment = file->attachment;
	struct dma_buf *dmabuf;

	if (!attachment)
		return -ENXIO;
	dmabuf = attachment->dmabuf;
	dma_buf_unmap_attachment_unlocked(attachment, file->table, file->direction);
	dma_buf_detach(dmabuf, attachment);
	dma_buf_put(dmabuf);
	file->attachment = NULL;
	return 0;
}

static long edu_ioctl(struct file *filp, unsigned int request, unsigned long arg)
{
	struct edu_file *file = filp->private_data;

	guard(mutex)(&file->edu->lock);
	switch (request) {
	case EDU_MAP:
		return edu_map(file, (void __user *)arg);
	case EDU_UNMAP:
		return edu_unmap(file);
	case EDU_READ:
	case EDU_WRITE:
		return edu_copy(file, request, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int edu_open(struct inode *inode, struct file *filp)
{
	struct edu_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	file->edu = container_of(filp->private_data, struct edu, misc);
	filp->private_data = file;
	return 0;
}

static int edu_release(struct inode *inode, struct file *filp)
{
	struct edu_file *file = filp->private_data;

	edu_unmap(file);
	kfree(file);
	return 0;
}

static const struct file_operations edu_fops = {
	.owner = THIS_MODULE,
	.open = edu_open,
	.release = edu_release,
	.unlocked_ioctl = edu_ioctl,
};

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct edu *edu;
	int ret;

	edu = devm_kzalloc(dev, sizeof(*edu), GFP_KERNEL);
	if (!edu)
		return -ENOMEM;
	edu->dev = dev;
	ret = devm_mutex_init(dev, &edu->lock);
	if (ret)
		return ret;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	edu->registers = pcim_iomap(pdev, 0, 0);
	if (!edu->registers)
		return -ENOMEM;
	/* vm sets the mask of the device to all 64 bits, so that it needs no bounce buffers */
	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	dma_set_max_seg_size(dev, UINT_MAX);
	edu->words = dmam_alloc_coherent(dev, EDU_MAX_BYTES, &edu->words_dma, GFP_KERNEL);
	if (!edu->words)
		return -ENOMEM;
	pci_set_master(pdev);
	edu->misc.minor = MISC_DYNAMIC_MINOR;
	edu->misc.name = EDU_NAME;
	edu->misc.fops = &edu_fops;
	edu->misc.parent = dev;
	pci_set_drvdata(pdev, edu);
	return misc_register(&edu->misc);
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);

	misc_deregister(&edu->misc);
	pci_clear_master(pdev);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = EDU_NAME,
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
	/* An open file uses the device */
	.driver.suppress_bind_attrs = true,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("DMA of QEMU's device edu, for tests of ksalloc");
MODULE_LICENSE("GPL");
/* Taints the kernel */
MODULE_INFO(test, "Y");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
