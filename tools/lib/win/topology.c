// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nodes of a filter: what the camera has of terminals, selector of inputs, processing,
 * extension units; and the stream at the end. They are a chain, and the selector has a
 * terminal for each input. The last node is connected with the pin.
 *
 * A property with KSPROPERTY_TYPE_TOPOLOGY is for a node.
 */
#include <stdlib.h>
#include <string.h>

#include "win.h"

/* Numbers of the pins of nodes. A selector has inputs 1, 2 ... */
#define NODE_OUT 0
#define NODE_IN 1

#define MAX_NODES (WIN_MAX_INPUTS + WIN_MAX_UNITS + 4)

struct node {
	const GUID *type;
	const char *name;
	const struct win_properties *properties;
	/* For an extension unit */
	struct win_unit_node unit;
};

struct nodes {
	struct node node[MAX_NODES];
	ULONG count;
	/* Number of terminals at the beginning */
	ULONG terminals;
};

static struct node *add(struct nodes *nodes, const GUID *type, const char *name,
			const struct win_properties *properties)
{
	struct node *node = &nodes->node[nodes->count++];

	*node = (struct node) { .type = type, .name = name, .properties = properties };
	return node;
}

static bool has_any(struct win_object *object, const struct win_properties *properties)
{
	size_t i;

	for (i = 0; i < properties->count; i++)
		if (properties->has(object, &properties->table[i]))
			return true;
	return false;
}

/* A device without a list of inputs, or with one, is a camera */
static void add_terminals(struct win_object *object, struct nodes *nodes)
{
	ULONG inputs = win_inputs(object->fd), i;

	if (inputs <= 1 || has_any(object, &win_camera))
		add(nodes, &KSNODETYPE_VIDEO_CAMERA_TERMINAL, "Camera", &win_camera);
	else
		add(nodes, &KSNODETYPE_VIDEO_INPUT_TERMINAL, "Input", NULL);
	for (i = 1; i < inputs; i++)
		add(nodes, &KSNODETYPE_VIDEO_INPUT_TERMINAL, "Input", NULL);
	nodes->terminals = nodes->count;
	if (inputs > 1)
		add(nodes, &KSNODETYPE_VIDEO_SELECTOR, "Selector", NULL);
}

static void find_nodes(struct win_object *object, struct nodes *nodes)
{
	struct win_unit_node units[WIN_MAX_UNITS];
	size_t count, i;

	nodes->count = 0;
	add_terminals(object, nodes);
	if (has_any(object, &win_processing))
		add(nodes, &KSNODETYPE_VIDEO_PROCESSING, "Processing", &win_processing);
	count = win_find_units(object->fd, units, ARRAY_SIZE(units));
	for (i = 0; i < count; i++)
		add(nodes, &KSNODETYPE_DEV_SPECIFIC, "Extension", NULL)->unit = units[i];
	add(nodes, &KSNODETYPE_VIDEO_STREAMING, "Streaming", NULL);
}

static int get_categories(struct win_object *object, struct win_call *call)
{
	const GUID categories[] = { KSCATEGORY_VIDEO, KSCATEGORY_CAPTURE,
				    KSCATEGORY_VIDEO_CAMERA };

	(void)object;
	return win_answer_list(call, categories, ARRAY_SIZE(categories), sizeof(categories[0]));
}

static int get_nodes(struct win_object *object, struct win_call *call)
{
	GUID types[MAX_NODES];
	struct nodes nodes;
	ULONG i;

	find_nodes(object, &nodes);
	for (i = 0; i < nodes.count; i++)
		types[i] = *nodes.node[i].type;
	return win_answer_list(call, types, nodes.count, sizeof(types[0]));
}

static int get_connections(struct win_object *object, struct win_call *call)
{
	KSTOPOLOGY_CONNECTION connections[MAX_NODES];
	struct nodes nodes;
	ULONG i;

	find_nodes(object, &nodes);
	for (i = 0; i < nodes.count; i++) {
		bool terminal = i < nodes.terminals;

		connections[i] = (KSTOPOLOGY_CONNECTION) {
			.FromNode = i,
			.FromNodePin = NODE_OUT,
			.ToNode = terminal ? nodes.terminals : i + 1,
			.ToNodePin = terminal ? NODE_IN + i : NODE_IN,
		};
	}
	connections[i - 1].ToNode = KSFILTER_NODE;
	connections[i - 1].ToNodePin = WIN_CAPTURE_PIN;
	return win_answer_list(call, connections, nodes.count, sizeof(connections[0]));
}

static int get_node_name(struct win_object *object, struct win_call *call)
{
	const KSP_NODE *request = call->in;
	struct nodes nodes;

	find_nodes(object, &nodes);
	if (request->NodeId >= nodes.count)
		return -EINVAL;
	return win_answer_text(call, nodes.node[request->NodeId].name);
}

static const struct win_property table[] = {
	{ &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_CATEGORIES, sizeof(KSPROPERTY), 0,
	  get_categories, NULL },
	{ &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_NODES, sizeof(KSPROPERTY), 0,
	  get_nodes, NULL },
	{ &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_CONNECTIONS, sizeof(KSPROPERTY), 0,
	  get_connections, NULL },
	{ &KSPROPSETID_Topology, KSPROPERTY_TOPOLOGY_NAME, sizeof(KSP_NODE), 0,
	  get_node_name, NULL },
};

const struct win_properties win_topology = {
	.table = table,
	.count = ARRAY_SIZE(table),
};

int win_node_property(struct win_object *object, struct win_call *call)
{
	const KSP_NODE *request;
	struct nodes nodes;
	const struct node *node;
	void *in;
	int ret;

	if (call->in_size < sizeof(*request))
		return -WIN_TOO_SMALL;
	ret = win_request_copy(call, &in);
	if (ret)
		return ret;
	request = in;
	find_nodes(object, &nodes);
	node = request->NodeId < nodes.count ? &nodes.node[request->NodeId] : NULL;
	if (!node)
		ret = -EINVAL;
	else if (node->unit.unit)
		ret = win_unit_property(object, call, request, &node->unit);
	else
		ret = win_property_tables(object, call, node->properties, !!node->properties);
	free(in);
	return ret;
}
