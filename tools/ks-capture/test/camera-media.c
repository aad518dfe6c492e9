// SPDX-License-Identifier: GPL-2.0-only
/* A model of a media device and its sub-devices, for advice on a pipeline. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <linux/v4l2-subdev.h>

#include "camera.h"
#include "camera-ks.h"
#include "camera-media.h"

#define FILES 256

struct media_model media_model;
/* The entity of an open file */
static unsigned int entity_of[FILES];

__u32 media_add(const char *name, __u32 type)
{
	struct media_entity_desc *entity = &media_model.entities[media_model.nr_entities];

	*entity = (struct media_entity_desc) {
		.id = media_model.nr_entities + 1,
		.type = type,
		.dev = { MEDIA_MAJOR, media_model.nr_entities },
	};
	snprintf(entity->name, sizeof(entity->name), "%s", name);
	media_model.nr_entities++;
	return entity->id;
}

/* The file of the camera's node is one of /dev/null: see camera.c */
__u32 media_add_node(void)
{
	__u32 id = media_add("Node", MEDIA_ENT_F_IO_V4L);
	struct stat st = {};

	stat("/dev/null", &st);
	media_model.entities[id - 1].dev.major = major(st.st_rdev);
	media_model.entities[id - 1].dev.minor = minor(st.st_rdev);
	return id;
}

void media_link(__u32 source, __u32 sink, __u32 flags)
{
	media_model.links[media_model.nr_links++] = (struct media_link_desc) {
		.source.entity = source,
		.sink.entity = sink,
		.flags = flags,
	};
	media_model.entities[source - 1].links++;
}

static int new_file(enum camera_file kind, unsigned int entity)
{
	int fd = camera_new_file(__real_open("/dev/null", O_RDWR), kind);

	entity_of[fd] = entity;
	return fd;
}

int camera_media_open(const char *path)
{
	unsigned int entity;

	if (!media_model.nr_entities)
		return -1;
	if (!strcmp(path, MEDIA_PATH))
		return new_file(CAMERA_MEDIA, 0);
	if (sscanf(path, "/dev/v4l-subdev%u", &entity) != 1 || entity >= MEDIA_ENTITIES)
		return -1;
	media_model.opened[entity]++;
	return new_file(CAMERA_SUBDEV, entity);
}

ssize_t __wrap_readlink(const char *path, char *target, size_t size)
{
	unsigned int number, entity;

	if (sscanf(path, "/sys/dev/char/%u:%u", &number, &entity) != 2 || number != MEDIA_MAJOR)
		return __real_readlink(path, target, size);
	return snprintf(target, size, "../../devices/test/v4l-subdev%u", entity);
}

static int enum_entity(struct media_entity_desc *entity)
{
	__u32 id = (entity->id & ~MEDIA_ENT_ID_FLAG_NEXT) +
		   !!(entity->id & MEDIA_ENT_ID_FLAG_NEXT);

	if (!id || id > media_model.nr_entities)
		return -EINVAL;
	*entity = media_model.entities[id - 1];
	return 0;
}

static int enum_links(const struct media_links_enum *all)
{
	struct media_link_desc *out = all->links;
	unsigned int i;

	for (i = 0; out && i < media_model.nr_links; i++)
		if (media_model.links[i].source.entity == all->entity)
			*out++ = media_model.links[i];
	return 0;
}

static int get_format(unsigned int entity, struct v4l2_subdev_format *format)
{
	format->format = (struct v4l2_mbus_framefmt) {
		.width = media_model.widths[entity] ? media_model.widths[entity] : 64,
		.height = 36,
		.code = 0x2008,
	};
	return 0;
}

int camera_media_call(int fd, unsigned long request, void *arg)
{
	switch (request) {
	case MEDIA_IOC_ENUM_ENTITIES:
		return enum_entity(arg);
	case MEDIA_IOC_ENUM_LINKS:
		return enum_links(arg);
	case VIDIOC_SUBDEV_G_FMT:
		return get_format(entity_of[fd], arg);
	default:
		return -ENOTTY;
	}
}
