// SPDX-License-Identifier: GPL-2.0-only
/*
 * Properties of a filter: about its pin before that is created, and about its nodes. The
 * answers are those of an AVStream driver with one capture pin.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "win.h"

static int check_pin(const struct win_call *call)
{
	const KSP_PIN *property = call->in;

	return property->PinId == WIN_CAPTURE_PIN ? 0 : -EINVAL;
}

static int answer_number(struct win_call *call, ULONG number)
{
	int ret = check_pin(call);

	return ret ? ret : win_answer(call, &number, sizeof(number));
}

static int get_pin_count(struct win_object *object, struct win_call *call)
{
	ULONG count = 1;

	(void)object;
	return win_answer(call, &count, sizeof(count));
}

static int get_data_flow(struct win_object *object, struct win_call *call)
{
	(void)object;
	return answer_number(call, KSPIN_DATAFLOW_OUT);
}

static int get_communication(struct win_object *object, struct win_call *call)
{
	(void)object;
	return answer_number(call, KSPIN_COMMUNICATION_BOTH);
}

static int get_category(struct win_object *object, struct win_call *call)
{
	int ret = check_pin(call);

	(void)object;
	return ret ? ret : win_answer(call, &PINNAME_VIDEO_CAPTURE,
				      sizeof(PINNAME_VIDEO_CAPTURE));
}

/* The name that Windows has for pins of this category */
static int get_name(struct win_object *object, struct win_call *call)
{
	int ret = check_pin(call);

	(void)object;
	return ret ? ret : win_answer_text(call, "Capture");
}

static int get_instances(struct win_object *object, struct win_call *call)
{
	KSPIN_CINSTANCES instances = { 1, win_filter_pins(object, false) };
	int ret = check_pin(call);

	return ret ? ret : win_answer(call, &instances, sizeof(instances));
}

/* Each filter of a device can have a pin. Those of other processes are not known */
static int get_global_instances(struct win_object *object, struct win_call *call)
{
	KSPIN_CINSTANCES instances = { KSINSTANCE_INDETERMINATE, win_filter_pins(object, true) };
	int ret = check_pin(call);

	return ret ? ret : win_answer(call, &instances, sizeof(instances));
}

static int get_necessary_instances(struct win_object *object, struct win_call *call)
{
	(void)object;
	return answer_number(call, 1);
}

/* No cable connects the pin with another filter */
static int get_physical_connection(struct win_object *object, struct win_call *call)
{
	int ret = check_pin(call);

	(void)object;
	return ret ? ret : -WIN_NO_SUCH_ITEM;
}

static int answer_identifier(struct win_call *call, const GUID *set, ULONG id)
{
	const KSIDENTIFIER identifier = { .Set = *set, .Id = id };
	int ret = check_pin(call);

	return ret ? ret : win_answer_list(call, &identifier, 1, sizeof(identifier));
}

static int get_interfaces(struct win_object *object, struct win_call *call)
{
	(void)object;
	return answer_identifier(call, &KSINTERFACESETID_Standard, KSINTERFACE_STANDARD_STREAMING);
}

static int get_mediums(struct win_object *object, struct win_call *call)
{
	(void)object;
	return answer_identifier(call, &KSMEDIUMSETID_Standard, KSMEDIUM_STANDARD_DEVIO);
}

/* Ranges and formats */

struct ranges {
	KS_DATARANGE_VIDEO *range;
	__u32 *field;
	size_t count;
};

static int add_range(void *context, const KS_DATARANGE_VIDEO *range, __u32 field)
{
	struct ranges *ranges = context;
	KS_DATARANGE_VIDEO *more;
	__u32 *fields;

	more = realloc(ranges->range, (ranges->count + 1) * sizeof(*more));
	if (more)
		ranges->range = more;
	fields = realloc(ranges->field, (ranges->count + 1) * sizeof(*fields));
	if (fields)
		ranges->field = fields;
	if (!more || !fields)
		return -ENOMEM;
	more[ranges->count] = *range;
	fields[ranges->count++] = field;
	return 0;
}

/* The list has two kinds of items: first all ranges as VIDEOINFO, then all as VIDEOINFO2 */
static int answer_ranges(struct win_call *call, const struct ranges *ranges)
{
	size_t first = ranges->count * sizeof(KS_DATARANGE_VIDEO), i;
	size_t second = ranges->count * sizeof(KS_DATARANGE_VIDEO2);
	KSMULTIPLE_ITEM *list = malloc(sizeof(*list) + first + second);
	KS_DATARANGE_VIDEO2 wide;
	char *next;
	int ret;

	if (!list)
		return -ENOMEM;
	list->Size = (ULONG)(sizeof(*list) + first + second);
	list->Count = (ULONG)ranges->count * 2;
	next = (char *)(list + 1);
	if (first)
		memcpy(next, ranges->range, first);
	next += first;
	for (i = 0; i < ranges->count; i++, next += sizeof(wide)) {
		win_range_widen(&wide, &ranges->range[i], ranges->field[i]);
		memcpy(next, &wide, sizeof(wide));
	}
	ret = win_answer_multiple(call, list);
	free(list);
	return ret;
}

static int get_data_ranges(struct win_object *object, struct win_call *call)
{
	struct ranges ranges = { 0 };
	int ret = check_pin(call);

	if (!ret)
		ret = win_format_ranges(object->fd, add_range, &ranges);
	if (!ret)
		ret = answer_ranges(call, &ranges);
	free(ranges.range);
	free(ranges.field);
	return ret;
}

/* The next item of a list of the client; NULL if it is not one */
static const KSDATARANGE *range_at(const char *next, size_t left)
{
	const KSDATARANGE *range = (const void *)next;

	if (left < sizeof(*range) || range->FormatSize < sizeof(*range) ||
	    range->FormatSize > left)
		return NULL;
	return range;
}

/* Items begin at multiples of eight bytes, and attributes are an item without a number */
static size_t space_of(ULONG size)
{
	return ((size_t)size + 7) & ~(size_t)7;
}

/* Returns how far the attributes reach; 0 if they do not fit */
static size_t skip_attributes(const char *next, size_t left)
{
	const KSMULTIPLE_ITEM *attributes = (const void *)next;

	if (left < sizeof(*attributes) || attributes->Size < sizeof(*attributes) ||
	    attributes->Size > left)
		return 0;
	return space_of(attributes->Size);
}

static int intersect(struct win_object *object, const KSMULTIPLE_ITEM *list, size_t left,
		     struct win_found *match)
{
	const char *next = (const char *)(list + 1);
	const KSDATARANGE *range;
	int ret = -WIN_NO_MATCH;
	size_t space;
	ULONG i;

	for (i = 0; ret == -WIN_NO_MATCH && i < list->Count; i++) {
		range = range_at(next, left);
		if (!range)
			return -EINVAL;
		ret = win_range_intersect(object->fd, range, match);
		space = space_of(range->FormatSize);
		left -= space < left ? space : left;
		next += space;
		if (!(range->Flags & KSDATARANGE_ATTRIBUTES))
			continue;
		space = skip_attributes(next, left);
		if (!space)
			return -EINVAL;
		left -= space < left ? space : left;
		next += space;
	}
	return ret;
}

static int get_intersection(struct win_object *object, struct win_call *call)
{
	const KSMULTIPLE_ITEM *list = (const void *)((const KSP_PIN *)call->in + 1);
	size_t room = call->in_size - sizeof(KSP_PIN);
	struct win_found match;
	int ret = check_pin(call);

	if (ret)
		return ret;
	if (list->Size < sizeof(*list) || list->Size > room)
		return -EINVAL;
	ret = intersect(object, list, list->Size - sizeof(*list), &match);
	return ret ? ret : win_format_answer(call, &match);
}

static int propose_format(struct win_object *object, struct win_call *call)
{
	int ret = check_pin(call);

	return ret ? ret : win_filter_set_format(object, call->out, call->out_size, true);
}

static const struct win_property pin_table[] = {
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_CTYPES, sizeof(KSPROPERTY), 0, get_pin_count, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_DATAFLOW, sizeof(KSP_PIN), 0, get_data_flow, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_DATARANGES, sizeof(KSP_PIN), 0,
	  get_data_ranges, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_CONSTRAINEDDATARANGES, sizeof(KSP_PIN), 0,
	  get_data_ranges, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_DATAINTERSECTION,
	  sizeof(KSP_PIN) + sizeof(KSMULTIPLE_ITEM), 0, get_intersection, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_PROPOSEDATAFORMAT, sizeof(KSP_PIN),
	  sizeof(KSDATAFORMAT), NULL, propose_format },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_INTERFACES, sizeof(KSP_PIN), 0,
	  get_interfaces, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_MEDIUMS, sizeof(KSP_PIN), 0, get_mediums, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_COMMUNICATION, sizeof(KSP_PIN), 0,
	  get_communication, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_CATEGORY, sizeof(KSP_PIN), 0, get_category, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_NAME, sizeof(KSP_PIN), 0, get_name, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_CINSTANCES, sizeof(KSP_PIN), 0,
	  get_instances, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_GLOBALCINSTANCES, sizeof(KSP_PIN), 0,
	  get_global_instances, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_NECESSARYINSTANCES, sizeof(KSP_PIN), 0,
	  get_necessary_instances, NULL },
	{ &KSPROPSETID_Pin, KSPROPERTY_PIN_PHYSICALCONNECTION, sizeof(KSP_PIN), 0,
	  get_physical_connection, NULL },
};

/* Whether the request is for a node. A request that cannot be read is for none */
static bool is_for_node(const struct win_call *call)
{
	KSPROPERTY request;

	if (call->in_size < sizeof(request) ||
	    win_check_memory(call->in, sizeof(request), false))
		return false;
	memcpy(&request, call->in, sizeof(request));
	return request.Flags & KSPROPERTY_TYPE_TOPOLOGY;
}

int win_filter_property(struct win_object *object, struct win_call *call)
{
	const struct win_properties tables[] = {
		{ .table = pin_table, .count = ARRAY_SIZE(pin_table) },
		win_topology, win_processing, win_camera, win_crossbar,
	};

	if (is_for_node(call))
		return win_node_property(object, call);
	return win_property_tables(object, call, tables, ARRAY_SIZE(tables));
}
