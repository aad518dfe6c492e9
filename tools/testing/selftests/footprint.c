// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a test leaves: see ksalloc_test.h.
 */
#include "ksalloc_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int count_fds(void)
{
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	dir = opendir("/proc/self/fd");
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

int count_dmabufs(void)
{
	char *line = NULL;
	int count = -1;
	size_t size = 0;
	FILE *file;

	file = fopen(BUFINFO, "r");
	ASSERT_NE(NULL, file);
	while (getline(&line, &size, file) > 0)
		if (strstr(line, " objects,") &&
		    sscanf(line, "Total %d", &count) == 1)
			break;
	free(line);
	fclose(file);
	return count;
}

int module_refs(const char *module)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	if (read_text(path, text, sizeof(text)) <= 0)
		return -1;
	return atoi(text);
}

void footprint_take(struct footprint *footprint)
{
	footprint->fds = count_fds();
	footprint->dmabufs = count_dmabufs();
	footprint->module_refs = module_refs("ksalloc");
}

void expect_footprint(const char *file, int line,
		      const struct footprint *before)
{
	struct footprint after;

	EVENTUALLY((footprint_take(&after), after.fds == before->fds &&
		    after.dmabufs == before->dmabufs &&
		    after.module_refs == before->module_refs));
	harness_compare(file, line, "==", before->fds == after.fds,
			"descriptors before", before->fds, "after", after.fds);
	harness_compare(file, line, "==", before->dmabufs == after.dmabufs,
			"dma-bufs before", before->dmabufs, "after",
			after.dmabufs);
	harness_compare(file, line, "==",
			before->module_refs == after.module_refs,
			"module references before", before->module_refs,
			"after", after.module_refs);
}
