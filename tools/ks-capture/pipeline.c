// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pipeline of a camera behind a media controller. Its entities have pads. A link connects a
 * source pad with a sink pad of another entity. The driver starts the pipeline only if both pads
 * of each enabled link have the same format. Of a pipeline that is too large to read, only formats
 * are compared.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/media.h>
#include <linux/v4l2-subdev.h>

#include "pipeline.h"
#include "say.h"
#include "v4l2.h"

#define ENTITIES 256
#define LINKS 1024

struct pipeline {
	const struct device *device;
	int media;
	struct media_entity_desc entities[ENTITIES];
	bool connected[ENTITIES];
	int nr_entities;
	/* All links for data, also those that are not enabled */
	struct media_link_desc links[LINKS];
	unsigned int nr_links;
	/* All links were read */
	bool whole;
	/* The entity of the device */
	int node;
};

/* Reads the links from this entity. The media device writes them to their places */
static void read_links(struct pipeline *pipe, const struct media_entity_desc *entity)
{
	struct media_link_desc *links = &pipe->links[pipe->nr_links];
	struct media_links_enum all = { .entity = entity->id, .links = links };
	unsigned int i, count = 0;

	if (entity->links > LINKS - pipe->nr_links) {
		pipe->whole = false;
		return;
	}
	memset(links, 0, entity->links * sizeof(*links));
	if (v4l2_call(pipe->media, MEDIA_IOC_ENUM_LINKS, &all)) {
		pipe->whole = false;
		return;
	}
	for (i = 0; i < entity->links; i++)
		if (links[i].source.entity == entity->id &&
		    (links[i].flags & MEDIA_LNK_FL_LINK_TYPE) == MEDIA_LNK_FL_DATA_LINK)
			links[count++] = links[i];
	pipe->nr_links += count;
}

/* Returns whether the device is one of the entities */
static bool read_entities(struct pipeline *pipe)
{
	struct media_entity_desc entity = { .id = MEDIA_ENT_ID_FLAG_NEXT };
	bool found = false;
	struct stat st;

	if (fstat(pipe->device->fd, &st))
		return false;
	pipe->whole = true;
	while (!v4l2_call(pipe->media, MEDIA_IOC_ENUM_ENTITIES, &entity)) {
		if (pipe->nr_entities == ENTITIES) {
			pipe->whole = false;
			break;
		}
		if (makedev(entity.dev.major, entity.dev.minor) == st.st_rdev) {
			pipe->node = pipe->nr_entities;
			found = true;
		}
		pipe->entities[pipe->nr_entities++] = entity;
		read_links(pipe, &entity);
		entity.id |= MEDIA_ENT_ID_FLAG_NEXT;
	}
	return found;
}

/* -1 if it was not read */
static int index_of(const struct pipeline *pipe, __u32 id)
{
	int i;

	for (i = 0; i < pipe->nr_entities; i++)
		if (pipe->entities[i].id == id)
			return i;
	return -1;
}

/* An enabled link between entities that were read */
static bool is_used(const struct pipeline *pipe, const struct media_link_desc *link)
{
	return link->flags & MEDIA_LNK_FL_ENABLED && index_of(pipe, link->source.entity) >= 0 &&
	       index_of(pipe, link->sink.entity) >= 0;
}

/* Marks the entities from which the device can be reached over enabled links */
static void connect_entities(struct pipeline *pipe)
{
	bool changed = true;
	int source, sink;
	unsigned int i;

	pipe->connected[pipe->node] = true;
	while (changed) {
		changed = false;
		for (i = 0; i < pipe->nr_links; i++) {
			if (!is_used(pipe, &pipe->links[i]))
				continue;
			source = index_of(pipe, pipe->links[i].source.entity);
			sink = index_of(pipe, pipe->links[i].sink.entity);
			if (pipe->connected[source] == pipe->connected[sink])
				continue;
			pipe->connected[source] = true;
			pipe->connected[sink] = true;
			changed = true;
		}
	}
}

/* The format of a pad of a sub-device; false if that is unknown */
static bool read_pad(const struct media_entity_desc *entity, unsigned int pad,
		     struct v4l2_mbus_framefmt *format)
{
	struct v4l2_subdev_format subdev = {
		.which = V4L2_SUBDEV_FORMAT_ACTIVE,
		.pad = pad,
	};
	char link[64], target[256];
	const char *name;
	ssize_t len;
	int fd, ret;

	/* Video nodes have other formats, and opening one can have effects */
	if ((entity->type & MEDIA_ENT_TYPE_MASK) != MEDIA_ENT_T_V4L2_SUBDEV)
		return false;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", entity->dev.major, entity->dev.minor);
	len = readlink(link, target, sizeof(target) - 1);
	target[len < 0 ? 0 : len] = 0;
	name = strrchr(target, '/');
	if (!name)
		return false;
	snprintf(link, sizeof(link), "/dev/%.50s", name + 1);
	fd = open(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ret = v4l2_call(fd, VIDIOC_SUBDEV_G_FMT, &subdev);
	close(fd);
	*format = subdev.format;
	return !ret;
}

static void compare_with_node(const struct pipeline *pipe, const struct media_link_desc *link,
			      const struct v4l2_mbus_framefmt *sent)
{
	const struct device *device = pipe->device;
	struct v4l2_format v4l2 = { .type = device->type };
	char code[FOURCC_TEXT];
	struct format is;

	if (v4l2_call(device->fd, VIDIOC_G_FMT, &v4l2))
		return;
	is = v4l2_read(&v4l2);
	/* The code of the media bus cannot be compared with a pixel format */
	say_advice("'%.32s' pad %u sends %ux%u, media bus code 0x%04x; this node has %s %ux%u.",
		   pipe->entities[index_of(pipe, link->source.entity)].name, link->source.index,
		   sent->width, sent->height, sent->code, fourcc_text(is.fourcc, code), is.width,
		   is.height);
}

static void compare(const struct pipeline *pipe, const struct media_link_desc *link)
{
	const struct media_entity_desc *source =
		&pipe->entities[index_of(pipe, link->source.entity)];
	const struct media_entity_desc *sink = &pipe->entities[index_of(pipe, link->sink.entity)];
	struct v4l2_mbus_framefmt sent, taken;

	if (!read_pad(source, link->source.index, &sent))
		return;
	if (sink == &pipe->entities[pipe->node]) {
		compare_with_node(pipe, link, &sent);
		return;
	}
	if (!read_pad(sink, link->sink.index, &taken))
		return;
	if (sent.width == taken.width && sent.height == taken.height && sent.code == taken.code)
		return;
	say_advice("'%.32s' pad %u sends %ux%u, media bus code 0x%04x;", source->name,
		   link->source.index, sent.width, sent.height, sent.code);
	say_advice("'%.32s' pad %u expects %ux%u, media bus code 0x%04x.", sink->name,
		   link->sink.index, taken.width, taken.height, taken.code);
}

/* Whether a link with these flags leads to the entity. To a camera, none leads at all */
static bool has_source_link(const struct pipeline *pipe, __u32 entity, __u32 flags)
{
	unsigned int i;

	for (i = 0; i < pipe->nr_links; i++)
		if (pipe->links[i].sink.entity == entity &&
		    (pipe->links[i].flags & flags) == flags)
			return true;
	return false;
}

static void advise(struct pipeline *pipe)
{
	const struct media_link_desc *link;
	unsigned int i;
	__u32 id;
	int at;

	connect_entities(pipe);
	for (at = 0; at < pipe->nr_entities && pipe->whole; at++) {
		id = pipe->entities[at].id;
		if (pipe->connected[at] && has_source_link(pipe, id, 0) &&
		    !has_source_link(pipe, id, MEDIA_LNK_FL_ENABLED))
			say_advice("'%.32s' has no enabled link from a camera.",
				   pipe->entities[at].name);
	}
	for (i = 0; i < pipe->nr_links; i++) {
		link = &pipe->links[i];
		if (is_used(pipe, link) && pipe->connected[index_of(pipe, link->source.entity)])
			compare(pipe, link);
	}
}

void pipeline_advise(const struct device *device, const char *media)
{
	struct pipeline pipe = { .device = device };

	pipe.media = open(media, O_RDWR | O_CLOEXEC);
	if (pipe.media < 0)
		return;
	if (read_entities(&pipe))
		advise(&pipe);
	close(pipe.media);
}

/* The media device is the child of the same device as the node */
static bool media_of(const char *node, char *name, size_t size)
{
	struct dirent *entry;
	bool found = false;
	struct stat st;
	char path[64];
	DIR *dir;

	if (stat(node, &st))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device", major(st.st_rdev),
		 minor(st.st_rdev));
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		found = !strncmp(entry->d_name, "media", 5) &&
			isdigit((unsigned char)entry->d_name[5]);
		if (found)
			snprintf(name, size, "/dev/%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

void pipeline_hint(const struct device *device)
{
	char media[300];

	if (media_of(device->path, media, sizeof(media)))
		pipeline_advise(device, media);
	else
		snprintf(media, sizeof(media), "/dev/mediaN");
	say_advice("-s and -f set this node. For the others use the media device:");
	say_advice("media-ctl -d %s -p shows links and formats, -l and -V set them (v4l-utils).",
		   media);
}
