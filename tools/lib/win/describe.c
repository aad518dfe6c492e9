// SPDX-License-Identifier: GPL-2.0-only
/*
 * Properties in tables: which request is for which property, the checks of sizes, and the
 * answers to questions about what is supported. These exist for methods and events too.
 */
#include <stdlib.h>
#include <string.h>

#include "win.h"

/* Bytes of a request, and of a value that is set. No known client sends more */
#define MAX_BYTES 0x100000U

/* All node requests have this flag: properties, methods and events */
#define NODE_FLAG KSPROPERTY_TYPE_TOPOLOGY

int win_answer(struct win_call *call, const void *data, size_t size)
{
	call->returned = (ULONG)size;
	if (!size)
		return 0;
	if (!call->out_size)
		return -WIN_MORE_DATA;
	if (call->out_size < size)
		return -WIN_TOO_SMALL;
	return win_copy_out(call->out, data, size);
}

int win_answer_multiple(struct win_call *call, const KSMULTIPLE_ITEM *list)
{
	size_t bytes = list->Size;

	if (call->out_size == sizeof(list->Size) || call->out_size == sizeof(*list))
		bytes = call->out_size;
	return win_answer(call, list, bytes);
}

int win_answer_list(struct win_call *call, const void *items, size_t count, size_t size)
{
	KSMULTIPLE_ITEM *list = malloc(sizeof(*list) + count * size);
	int ret;

	if (!list)
		return -ENOMEM;
	list->Size = (ULONG)(sizeof(*list) + count * size);
	list->Count = (ULONG)count;
	if (count)
		memcpy(list + 1, items, count * size);
	ret = win_answer_multiple(call, list);
	free(list);
	return ret;
}

int win_answer_text(struct win_call *call, const char *text)
{
	WCHAR wide[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wide) - 1 && text[i]; i++)
		wide[i] = (WCHAR)(unsigned char)text[i];
	wide[i] = 0;
	return win_answer(call, wide, (i + 1) * sizeof(wide[0]));
}

/* Descriptions of properties */

struct description {
	KSPROPERTY_DESCRIPTION head;
	KSPROPERTY_MEMBERSHEADER range_head;
	KSPROPERTY_STEPPING_LONG range;
	KSPROPERTY_MEMBERSHEADER normal_head;
	LONG normal;
};

#define DESCRIPTION_BYTES offsetof(struct description, normal) + sizeof(LONG)

static void describe_range(struct description *description, const struct win_range *range)
{
	description->head.PropTypeSet.Set = KSPROPTYPESETID_General;
	description->head.PropTypeSet.Id = WIN_VT_I4;
	description->head.MembersListCount = 2;
	description->range_head = (KSPROPERTY_MEMBERSHEADER) {
		.MembersFlags = KSPROPERTY_MEMBER_STEPPEDRANGES,
		.MembersSize = sizeof(description->range),
		.MembersCount = 1,
	};
	description->range.SteppingDelta = range->step;
	description->range.Bounds.SignedMinimum = range->min;
	description->range.Bounds.SignedMaximum = range->max;
	description->normal_head = (KSPROPERTY_MEMBERSHEADER) {
		.MembersFlags = KSPROPERTY_MEMBER_VALUES,
		.MembersSize = sizeof(description->normal),
		.MembersCount = 1,
		.Flags = KSPROPERTY_MEMBER_FLAG_DEFAULT,
	};
	description->normal = range->normal;
}

int win_describe(struct win_call *call, ULONG access, const struct win_range *range)
{
	struct description description = { .head.AccessFlags = access };
	size_t bytes = sizeof(description.head);

	if (range) {
		describe_range(&description, range);
		bytes = DESCRIPTION_BYTES;
	}
	description.head.DescriptionSize = (ULONG)bytes;
	if (call->out_size >= sizeof(access) && call->out_size < sizeof(description.head))
		bytes = sizeof(access);
	else if (call->out_size >= sizeof(description.head) && call->out_size < bytes)
		bytes = sizeof(description.head);
	return win_answer(call, &description, bytes);
}

static int basic_support(struct win_object *object, struct win_call *call,
			 const struct win_properties *table,
			 const struct win_property *property)
{
	ULONG access = (property->get ? KSPROPERTY_TYPE_GET : 0) |
		       (property->put ? KSPROPERTY_TYPE_SET : 0);
	struct win_range range;
	int ret;

	if (!table->range)
		return win_describe(call, access, NULL);
	ret = table->range(object, property, &range, &access);
	return ret ? ret : win_describe(call, access, &range);
}

/* Requests */

static int copy_in(void *to, const void *from, size_t size)
{
	int ret = win_check_memory(from, size, false);

	if (!ret)
		memcpy(to, from, size);
	return ret;
}

/* The request, at any address, becomes a copy that is aligned and does not change. */
static int take_copy(const void *from, size_t size, void **copy)
{
	int ret;

	*copy = malloc(size ? size : 1);
	if (!*copy)
		return -ENOMEM;
	ret = copy_in(*copy, from, size);
	if (ret) {
		free(*copy);
		*copy = NULL;
	}
	return ret;
}

static int put_copy(struct win_object *object, struct win_call *call,
		    const struct win_property *property)
{
	struct win_call copied = *call;
	int ret;

	if (call->out_size < property->out_size)
		return -WIN_TOO_SMALL;
	if (copied.out_size > MAX_BYTES)
		copied.out_size = MAX_BYTES;
	ret = take_copy(call->out, copied.out_size, &copied.out);
	if (ret)
		return ret;
	ret = property->put(object, &copied);
	free(copied.out);
	call->returned = copied.returned;
	return ret;
}

static int use_property(struct win_object *object, struct win_call *call, ULONG flags,
			const struct win_properties *table,
			const struct win_property *property)
{
	if (flags == KSPROPERTY_TYPE_BASICSUPPORT ||
	    (flags == KSPROPERTY_TYPE_DEFAULTVALUES && table->range))
		return basic_support(object, call, table, property);
	if (call->in_size < property->in_size)
		return -WIN_TOO_SMALL;
	if (flags == KSPROPERTY_TYPE_GET && property->get)
		return property->get(object, call);
	if (flags == KSPROPERTY_TYPE_SET && property->put)
		return put_copy(object, call, property);
	return -ENOTTY;
}

static bool has(struct win_object *object, const struct win_properties *table,
		const struct win_property *property)
{
	return !table->has || table->has(object, property);
}

static int answer_sets(struct win_object *object, struct win_call *call,
		       const struct win_properties *tables, size_t count)
{
	GUID sets[WIN_MAX_SETS];
	size_t found = 0, i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < tables[i].count; j++) {
			const struct win_property *property = &tables[i].table[j];

			if (found && IsEqualGUID(&sets[found - 1], property->set))
				continue;
			if (found < ARRAY_SIZE(sets) && has(object, &tables[i], property))
				sets[found++] = *property->set;
		}
	}
	return win_answer(call, sets, found * sizeof(sets[0]));
}

static int find_and_use(struct win_object *object, struct win_call *call,
			const struct win_properties *tables, size_t count)
{
	const KSPROPERTY *request = call->in;
	ULONG flags = request->Flags & ~NODE_FLAG;
	bool has_set = false;
	size_t i, j;

	/* Only filters have nodes */
	if (request->Flags & NODE_FLAG && object->kind != WIN_FILTER)
		return -ENOTTY;
	if (flags == KSPROPERTY_TYPE_SETSUPPORT && IsEqualGUID(&request->Set, &GUID_NULL))
		return answer_sets(object, call, tables, count);
	for (i = 0; i < count; i++) {
		for (j = 0; j < tables[i].count; j++) {
			const struct win_property *property = &tables[i].table[j];

			if (!IsEqualGUID(&request->Set, property->set) ||
			    !has(object, &tables[i], property))
				continue;
			has_set = true;
			if (flags == KSPROPERTY_TYPE_SETSUPPORT)
				return 0;
			if (request->Id == property->id)
				return use_property(object, call, flags, &tables[i],
						    property);
		}
	}
	return has_set ? -WIN_NO_SUCH_ITEM : -WIN_NO_SUCH_SET;
}

int win_request_copy(const struct win_call *call, void **copy)
{
	int ret;

	*copy = NULL;
	if (call->in_size < sizeof(KSIDENTIFIER))
		return -WIN_TOO_SMALL;
	if (call->in_size > MAX_BYTES) {
		ret = win_check_memory(call->in, call->in_size, false);
		return ret ? ret : -E2BIG;
	}
	return take_copy(call->in, call->in_size, copy);
}

int win_property_tables(struct win_object *object, struct win_call *call,
			const struct win_properties *tables, size_t count)
{
	struct win_call copied = *call;
	void *in;
	int ret;

	ret = win_request_copy(call, &in);
	if (ret)
		return ret;
	copied.in = in;
	ret = find_and_use(object, &copied, tables, count);
	call->returned = copied.returned;
	free(in);
	return ret;
}

int win_property(struct win_object *object, struct win_call *call,
		 const struct win_property *properties, size_t count)
{
	const struct win_properties table = { .table = properties, .count = count };

	return win_property_tables(object, call, &table, 1);
}

/* Methods and events: only allocators have them */

struct supported {
	enum win_kind kind;
	DWORD code;
	const GUID *set;
	ULONG id;
	/* The answer to BASICSUPPORT of a method */
	ULONG flags;
};

static const struct supported supported[] = {
	{ WIN_ALLOCATOR, IOCTL_KS_METHOD, &KSMETHODSETID_StreamAllocator,
	  KSMETHOD_STREAMALLOCATOR_ALLOC, KSMETHOD_TYPE_WRITE },
	{ WIN_ALLOCATOR, IOCTL_KS_METHOD, &KSMETHODSETID_StreamAllocator,
	  KSMETHOD_STREAMALLOCATOR_FREE, KSMETHOD_TYPE_READ },
	{ WIN_ALLOCATOR, IOCTL_KS_ENABLE_EVENT, &KSEVENTSETID_StreamAllocator,
	  KSEVENT_STREAMALLOCATOR_FREEFRAME, 0 },
};

static int answer_supported_sets(const struct win_object *object, DWORD code,
				 struct win_call *call)
{
	GUID sets[WIN_MAX_SETS];
	size_t found = 0, i;

	for (i = 0; i < ARRAY_SIZE(supported); i++) {
		if (supported[i].kind != object->kind || supported[i].code != code)
			continue;
		if (!found || !IsEqualGUID(&sets[found - 1], supported[i].set))
			sets[found++] = *supported[i].set;
	}
	return win_answer(call, sets, found * sizeof(sets[0]));
}

static int answer_support(const struct win_object *object, DWORD code, struct win_call *call,
			  const KSIDENTIFIER *request)
{
	bool basic = (request->Flags & ~NODE_FLAG) == KSMETHOD_TYPE_BASICSUPPORT;
	bool has_set = false;
	size_t i;

	if (!basic && IsEqualGUID(&request->Set, &GUID_NULL))
		return answer_supported_sets(object, code, call);
	for (i = 0; i < ARRAY_SIZE(supported); i++) {
		const struct supported *one = &supported[i];

		if (one->kind != object->kind || one->code != code ||
		    !IsEqualGUID(&request->Set, one->set))
			continue;
		has_set = true;
		if (!basic || (one->id == request->Id && code != IOCTL_KS_METHOD))
			return 0;
		if (one->id == request->Id)
			return win_answer(call, &one->flags, sizeof(one->flags));
	}
	return has_set ? -WIN_NO_SUCH_ITEM : -WIN_NO_SUCH_SET;
}

bool win_support(const struct win_object *object, DWORD code, struct win_call *call, int *ret)
{
	KSIDENTIFIER request;
	ULONG flags;

	if (code != IOCTL_KS_METHOD && code != IOCTL_KS_ENABLE_EVENT)
		return false;
	if (object->kind != WIN_FILTER && object->kind != WIN_PIN &&
	    object->kind != WIN_ALLOCATOR && object->kind != WIN_CLOCK)
		return false;
	*ret = call->in_size < sizeof(request) ? -WIN_TOO_SMALL :
	       copy_in(&request, call->in, sizeof(request));
	if (*ret)
		return true;
	flags = request.Flags & ~NODE_FLAG;
	if (flags != KSMETHOD_TYPE_SETSUPPORT && flags != KSMETHOD_TYPE_BASICSUPPORT)
		return false;
	*ret = answer_support(object, code, call, &request);
	return true;
}
