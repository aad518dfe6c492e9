/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process of another user tries, whether it has a reader or a handle of the node of a share
 */
#ifndef SELFTESTS_ATTACKER_H
#define SELFTESTS_ATTACKER_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Keeps no right, and ends with its parent. As after exec(), its own files in /proc belong to it
 */
void become_other_user(void);
/* Tries to write by changes of a mapping, which is read-only, of this file */
void map_for_writing(int fd, off_t offset, void *map, size_t size);
/* Tries /proc/self/mem, and system calls that write to the memory of the process */
void write_by_others(unsigned char *map);

#endif
