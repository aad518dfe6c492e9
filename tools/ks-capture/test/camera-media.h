/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the simulated camera that is a model of a media device and its sub-devices. */
#ifndef CAMERA_MEDIA_H
#define CAMERA_MEDIA_H

#include <sys/types.h>

#include <linux/media.h>

#define MEDIA_PATH "/dev/media0"
#define MEDIA_ENTITIES 300
#define MEDIA_LINKS 400
/* Major number of the nodes of sub-devices. The minor number is that of the entity */
#define MEDIA_MAJOR 81

/**
 * struct media_model - the media device; there is none if it has no entities
 * @entities: its entities; the id is the index plus one, and the links are counted
 * @nr_entities: length of @entities
 * @links: links between pads
 * @nr_links: length of @links
 * @widths: width of the format of all pads of each entity; 0 for 64
 * @opened: number of times that a node of an entity was opened
 */
struct media_model {
	struct media_entity_desc entities[MEDIA_ENTITIES];
	unsigned int nr_entities;
	struct media_link_desc links[MEDIA_LINKS];
	unsigned int nr_links;
	unsigned int widths[MEDIA_ENTITIES];
	unsigned int opened[MEDIA_ENTITIES];
};

extern struct media_model media_model;

/* The node of the camera is an entity, too. @type is MEDIA_ENT_F_*; returns its id */
__u32 media_add_node(void);
__u32 media_add(const char *name, __u32 type);
void media_link(__u32 source, __u32 sink, __u32 flags);

/* For camera.c: opens a node, or returns -1; and does an ioctl */
int camera_media_open(const char *path);
int camera_media_call(int fd, unsigned long request, void *arg);

/* The function that ld --wrap calls instead of that of libc */
ssize_t __wrap_readlink(const char *path, char *target, size_t size);
ssize_t __real_readlink(const char *path, char *target, size_t size);

#endif /* CAMERA_MEDIA_H */
