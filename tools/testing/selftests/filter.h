/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Properties of objects with the names of Windows, and of the nodes of a filter.
 */
#ifndef SELFTESTS_FILTER_H
#define SELFTESTS_FILTER_H

#include "ksalloc_test.h"

#include <string.h>

#include <windows.h>
#include <winioctl.h>
#include <ks.h>
#include <ksmedia.h>
#include <ksproxy.h>

#define MAX_NODES 32

static inline HRESULT property(HANDLE object, const GUID *set, ULONG id, ULONG flags, void *data,
			       ULONG size, ULONG *returned)
{
	/* As long as the longest structure that is used. The number of the pin is 0 */
	KSP_PIN request = { .Property = { .Set = *set, .Id = id, .Flags = flags } };
	ULONG unused;

	return KsSynchronousDeviceControl(object, IOCTL_KS_PROPERTY, &request, sizeof(request),
					  data, size, returned ? returned : &unused);
}

/* The request is in @data, too: some properties return it, with a value behind it */
static inline HRESULT own_property(HANDLE object, void *data, ULONG size)
{
	ULONG returned;

	return KsSynchronousDeviceControl(object, IOCTL_KS_PROPERTY, data, size, data, size,
					  &returned);
}

static inline HRESULT node_property(HANDLE filter, ULONG node, const GUID *set, ULONG id,
				    ULONG flags, void *data, ULONG size, ULONG *returned)
{
	KSP_NODE request = {
		.Property = { .Set = *set, .Id = id, .Flags = flags | KSPROPERTY_TYPE_TOPOLOGY },
		.NodeId = node,
	};
	ULONG unused;

	return KsSynchronousDeviceControl(filter, IOCTL_KS_PROPERTY, &request, sizeof(request),
					  data, size, returned ? returned : &unused);
}

static inline HANDLE open_filter(const char *node)
{
	HANDLE filter = CreateFileA(node, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
				    FILE_FLAG_OVERLAPPED, NULL);

	ASSERT_TRUE(filter != INVALID_HANDLE_VALUE);
	return filter;
}

/* Returns the number of nodes, and their types */
static inline ULONG get_nodes(HANDLE filter, GUID *types)
{
	struct {
		KSMULTIPLE_ITEM head;
		GUID types[MAX_NODES];
	} list = { 0 };

	ASSERT_EQ(S_OK, property(filter, &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_NODES,
				 KSPROPERTY_TYPE_GET, &list, sizeof(list), NULL));
	memcpy(types, list.types, sizeof(list.types));
	return list.head.Count;
}

#endif
