// SPDX-License-Identifier: GPL-2.0-only
/*
 * What filters and pins of libkswin answer about themselves: sizes of answers, what is
 * supported, and the pin before it is created.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ks/win/combaseapi.h>

#include "tap.h"
#include "windevice.h"
#include "winrequest.h"

/* Sizes of answers */

/*
 * A list is told by its size (a ULONG), by its head (eight bytes), or whole. Other sizes are
 * too small. Nothing is written then.
 */
static void test_sizes_of_lists(void)
{
	unsigned char room[sizeof(KSMULTIPLE_ITEM) + sizeof(KSIDENTIFIER) + 8];
	KSMULTIPLE_ITEM head;
	ULONG size;

	camera_reset();
	open_camera();
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_MEDIUMS, NULL, 0), ERROR_MORE_DATA);
	size = returned;
	CHECK_EQ(size, sizeof(KSMULTIPLE_ITEM) + sizeof(KSIDENTIFIER));
	memset(room, GUARD, sizeof(room));
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_MEDIUMS, room, 3), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(returned, size);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_MEDIUMS, room, 7), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_MEDIUMS, room, size - 1),
		 ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(room[0], GUARD);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_MEDIUMS, room, 4), 0);
	CHECK_EQ(returned, 4);
	CHECK(!memcmp(room, &size, 4));
	CHECK_EQ(room[4], GUARD);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_MEDIUMS, room, 8), 0);
	CHECK_EQ(returned, 8);
	memcpy(&head, room, sizeof(head));
	CHECK_EQ(head.Size, size);
	CHECK_EQ(head.Count, 1);
	CHECK_EQ(room[8], GUARD);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_MEDIUMS, room, sizeof(room)), 0);
	CHECK_EQ(returned, size);
	CHECK_EQ(room[size], GUARD);
	CHECK(!memcmp(room + 8, &KSMEDIUMSETID_Standard, sizeof(GUID)));
	CloseHandle(filter);
}

/* Other answers have one size. A size of 0 asks for it. */
static void test_sizes_of_values(void)
{
	ULONG number = 7;

	camera_reset();
	open_camera();
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_DATAFLOW, NULL, 0), ERROR_MORE_DATA);
	CHECK_EQ(returned, 4);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_DATAFLOW, &number, 3), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(returned, 4);
	CHECK_EQ(number, 7);
	CHECK_EQ(property(filter, &KSPROPSETID_Pin, KSPROPERTY_PIN_DATAFLOW, KSPROPERTY_TYPE_GET,
			  &number, 4), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(pin_property(1, KSPROPERTY_PIN_DATAFLOW, &number, 4), ERROR_INVALID_PARAMETER);
	CHECK_EQ(number, 7);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_DATAFLOW, &number, 4), 0);
	CHECK_EQ(number, KSPIN_DATAFLOW_OUT);
	CloseHandle(filter);
}

/* A list in memory that the client frees */
static void test_list(void)
{
	KSMULTIPLE_ITEM *list = NULL;
	KSIDENTIFIER medium;
	PVOID items = &list;

	camera_reset();
	open_camera();
	CHECK_EQ(KsGetMultiplePinFactoryItems(filter, 0, KSPROPERTY_PIN_MEDIUMS, &items), S_OK);
	list = items;
	if (list) {
		CHECK_EQ(list->Size, sizeof(*list) + sizeof(medium));
		CHECK_EQ(list->Count, 1);
		memcpy(&medium, list + 1, sizeof(medium));
		CHECK(IsEqualGUID(&medium.Set, &KSMEDIUMSETID_Standard));
	}
	CoTaskMemFree(list);
	CHECK_EQ(KsGetMultiplePinFactoryItems(filter, 1, KSPROPERTY_PIN_MEDIUMS, &items),
		 E_INVALIDARG);
	CHECK(!items);
	CHECK_EQ(KsGetMultiplePinFactoryItems(filter, 0, 1000, &items),
		 HRESULT_FROM_WIN32(ERROR_NOT_FOUND));
	CHECK_EQ(KsGetMultiplePinFactoryItems(filter, 0, KSPROPERTY_PIN_MEDIUMS, NULL), E_POINTER);
	CloseHandle(filter);
	CHECK_EQ(KsGetMultiplePinFactoryItems(filter, 0, KSPROPERTY_PIN_MEDIUMS, &items), E_HANDLE);
}

/* Memory that the client does not have is an error; a request may be at any address. */
static void test_bad_memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	KSPROPERTY good = { .Set = KSPROPSETID_Pin, .Id = KSPROPERTY_PIN_CTYPES,
			    .Flags = KSPROPERTY_TYPE_GET };
	static char large[(1 << 20) + 1];
	char odd[sizeof(good) + 1];
	ULONG number = 0;

	camera_reset();
	open_camera();
	CHECK(!munmap(pages + page, page));
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, pages + page - 8, sizeof(good), &number, 4),
		 ERROR_NOACCESS);
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, &good, sizeof(good), pages + page, 4),
		 ERROR_NOACCESS);
	CHECK(!mprotect(pages, page, PROT_READ));
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, &good, sizeof(good), pages, 4), ERROR_NOACCESS);
	CHECK_EQ(call(filter, IOCTL_KS_METHOD, pages + page, sizeof(good), NULL, 0),
		 ERROR_NOACCESS);
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, &good, UINT32_MAX, &number, 4), ERROR_NOACCESS);
	memcpy(large, &good, sizeof(good));
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, large, sizeof(large), &number, 4),
		 ERROR_NO_SYSTEM_RESOURCES);
	CHECK_EQ(number, 0);
	memcpy(odd + 1, &good, sizeof(good));
	CHECK_EQ(call(filter, IOCTL_KS_PROPERTY, odd + 1, sizeof(good), &number, 4), 0);
	CHECK_EQ(number, 1);
	munmap(pages, page);
	CloseHandle(filter);
}

/* What is supported */

static bool has_guid(const GUID *list, ULONG bytes, const GUID *one)
{
	ULONG i;

	for (i = 0; i < bytes / sizeof(*list); i++)
		if (IsEqualGUID(&list[i], one))
			return true;
	return false;
}

/* GUID_NULL asks for all sets that the object has. Only controls that exist make a set. */
static void test_sets_of_properties(void)
{
	GUID sets[16];
	HANDLE pin;

	camera_reset();
	open_camera();
	CHECK_EQ(property(filter, &GUID_NULL, 0, KSPROPERTY_TYPE_SETSUPPORT, NULL, 0),
		 ERROR_MORE_DATA);
	CHECK_EQ(returned, 2 * sizeof(GUID));
	CHECK_EQ(property(filter, &GUID_NULL, 0, KSPROPERTY_TYPE_SETSUPPORT, sets, 31),
		 ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(property(filter, &GUID_NULL, 0, KSPROPERTY_TYPE_SETSUPPORT, sets, sizeof(sets)),
		 0);
	CHECK_EQ(returned, 2 * sizeof(GUID));
	CHECK(has_guid(sets, returned, &KSPROPSETID_Pin));
	CHECK(has_guid(sets, returned, &KSPROPSETID_Topology));
	CHECK_EQ(property(filter, &PROPSETID_VIDCAP_VIDEOPROCAMP, 0, KSPROPERTY_TYPE_SETSUPPORT,
			  NULL, 0), ERROR_SET_NOT_FOUND);
	camera_add_control(V4L2_CID_GAIN, V4L2_CTRL_TYPE_INTEGER, 0, 9, 5);
	camera_add_control(V4L2_CID_ZOOM_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, 0, 9, 5);
	camera.nr_inputs = 2;
	CHECK_EQ(property(filter, &GUID_NULL, 0, KSPROPERTY_TYPE_SETSUPPORT, sets, sizeof(sets)),
		 0);
	CHECK_EQ(returned, 5 * sizeof(GUID));
	CHECK(has_guid(sets, returned, &PROPSETID_VIDCAP_VIDEOPROCAMP));
	CHECK(has_guid(sets, returned, &PROPSETID_VIDCAP_CAMERACONTROL));
	CHECK(has_guid(sets, returned, &PROPSETID_VIDCAP_CROSSBAR));
	CHECK_EQ(property(filter, &PROPSETID_VIDCAP_VIDEOPROCAMP, 0, KSPROPERTY_TYPE_SETSUPPORT,
			  NULL, 0), 0);
	CHECK_EQ(property(filter, &KSPROPSETID_Stream, 0, KSPROPERTY_TYPE_SETSUPPORT, NULL, 0),
		 ERROR_SET_NOT_FOUND);

	take_range_number(0);
	CHECK_EQ(create_pin(filter, &pin), 0);
	CHECK_EQ(property(pin, &GUID_NULL, 0, KSPROPERTY_TYPE_SETSUPPORT, sets, sizeof(sets)), 0);
	CHECK(has_guid(sets, returned, &KSPROPSETID_Connection));
	CHECK(has_guid(sets, returned, &KSPROPSETID_Stream));
	CHECK_EQ(property(pin, &KSPROPSETID_Connection, 0,
			  KSPROPERTY_TYPE_SETSUPPORT | KSPROPERTY_TYPE_TOPOLOGY, NULL, 0),
		 ERROR_INVALID_FUNCTION);
	CloseHandle(pin);
	CloseHandle(filter);
}

static DWORD support(HANDLE handle, DWORD code, const GUID *set, ULONG id, ULONG flags,
		     void *out, ULONG size)
{
	KSIDENTIFIER identifier = { .Set = *set, .Id = id, .Flags = flags };

	return call(handle, code, &identifier, sizeof(identifier), out, size);
}

/* Methods and events have the same questions. A filter and a pin have none of them. */
static void test_methods_and_events(void)
{
	KSALLOCATOR_FRAMING framing = { .OptionsFlags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
					.Frames = 2, .FrameSize = 4096 };
	HANDLE pin, allocator;
	ULONG flags = 0;
	GUID sets[4];

	camera_reset();
	open_camera();
	take_range_number(0);
	CHECK_EQ(create_pin(filter, &pin), 0);
	CHECK_EQ(KsCreateAllocator(pin, &framing, &allocator), 0);

	CHECK_EQ(support(filter, IOCTL_KS_METHOD, &GUID_NULL, 0, KSMETHOD_TYPE_SETSUPPORT, NULL,
			 0), 0);
	CHECK_EQ(returned, 0);
	CHECK_EQ(support(pin, IOCTL_KS_METHOD, &KSMETHODSETID_StreamAllocator, 0,
			 KSMETHOD_TYPE_SETSUPPORT, NULL, 0), ERROR_SET_NOT_FOUND);
	CHECK_EQ(support(allocator, IOCTL_KS_METHOD, &GUID_NULL, 0, KSMETHOD_TYPE_SETSUPPORT,
			 NULL, 0), ERROR_MORE_DATA);
	CHECK_EQ(returned, sizeof(GUID));
	CHECK_EQ(support(allocator, IOCTL_KS_METHOD, &GUID_NULL, 0, KSMETHOD_TYPE_SETSUPPORT,
			 sets, sizeof(sets)), 0);
	CHECK(IsEqualGUID(&sets[0], &KSMETHODSETID_StreamAllocator));
	CHECK_EQ(support(allocator, IOCTL_KS_METHOD, &KSMETHODSETID_StreamAllocator,
			 KSMETHOD_STREAMALLOCATOR_FREE, KSMETHOD_TYPE_BASICSUPPORT, &flags,
			 sizeof(flags)), 0);
	CHECK_EQ(flags, KSMETHOD_TYPE_READ);
	CHECK_EQ(support(allocator, IOCTL_KS_METHOD, &KSMETHODSETID_StreamAllocator, 2,
			 KSMETHOD_TYPE_BASICSUPPORT, &flags, sizeof(flags)), ERROR_NOT_FOUND);

	CHECK_EQ(support(allocator, IOCTL_KS_ENABLE_EVENT, &GUID_NULL, 0,
			 KSEVENT_TYPE_SETSUPPORT, sets, sizeof(sets)), 0);
	CHECK_EQ(returned, sizeof(GUID));
	CHECK(IsEqualGUID(&sets[0], &KSEVENTSETID_StreamAllocator));
	CHECK_EQ(support(allocator, IOCTL_KS_ENABLE_EVENT, &KSEVENTSETID_StreamAllocator,
			 KSEVENT_STREAMALLOCATOR_FREEFRAME, KSEVENT_TYPE_BASICSUPPORT, NULL, 0),
		 0);
	CHECK_EQ(support(allocator, IOCTL_KS_ENABLE_EVENT, &KSPROPSETID_Pin, 0,
			 KSEVENT_TYPE_SETSUPPORT, NULL, 0), ERROR_SET_NOT_FOUND);
	CHECK_EQ(call(allocator, IOCTL_KS_METHOD, &flags, sizeof(flags), NULL, 0),
		 ERROR_INSUFFICIENT_BUFFER);
	CloseHandle(allocator);
	CloseHandle(pin);
	CloseHandle(filter);
}

/* BASICSUPPORT: the access, then the head of a description, then all of it. */
static void test_basic_support(void)
{
	struct {
		KSPROPERTY_DESCRIPTION head;
		KSPROPERTY_MEMBERSHEADER range_head;
		KSPROPERTY_STEPPING_LONG range;
		KSPROPERTY_MEMBERSHEADER normal_head;
		LONG normal;
		ULONG guard;
	} all;
	const ULONG size = offsetof(__typeof__(all), guard);
	ULONG access = 0;

	camera_reset();
	camera_add_control(V4L2_CID_GAIN, V4L2_CTRL_TYPE_INTEGER, -4, 20, 6);
	camera_control(V4L2_CID_GAIN)->query.step = 2;
	open_camera();
#define SUPPORT(out, size) \
	property(filter, &PROPSETID_VIDCAP_VIDEOPROCAMP, KSPROPERTY_VIDEOPROCAMP_GAIN, \
		 KSPROPERTY_TYPE_BASICSUPPORT, out, size)
	CHECK_EQ(SUPPORT(NULL, 0), ERROR_MORE_DATA);
	CHECK_EQ(returned, size);
	CHECK_EQ(SUPPORT(&access, 3), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(SUPPORT(&access, 4), 0);
	CHECK_EQ(returned, 4);
	CHECK_EQ(access, KSPROPERTY_TYPE_GET | KSPROPERTY_TYPE_SET);
	memset(&all, GUARD, sizeof(all));
	CHECK_EQ(SUPPORT(&all, sizeof(all.head)), 0);
	CHECK_EQ(returned, sizeof(all.head));
	CHECK_EQ(all.head.DescriptionSize, size);
	CHECK_EQ(all.range_head.MembersFlags, 0x5a5a5a5a);
	CHECK_EQ(SUPPORT(&all, sizeof(all)), 0);
	CHECK_EQ(returned, size);
	CHECK(IsEqualGUID(&all.head.PropTypeSet.Set, &KSPROPTYPESETID_General));
	CHECK_EQ(all.head.PropTypeSet.Id, WIN_VT_I4);
	CHECK_EQ(all.head.MembersListCount, 2);
	CHECK_EQ(all.range_head.MembersFlags, KSPROPERTY_MEMBER_STEPPEDRANGES);
	CHECK_EQ(all.range_head.MembersSize, sizeof(all.range));
	CHECK_EQ(all.range_head.MembersCount, 1);
	CHECK_EQ(all.range.SteppingDelta, 2);
	CHECK_EQ(all.range.Bounds.SignedMinimum, -4);
	CHECK_EQ(all.range.Bounds.SignedMaximum, 20);
	CHECK_EQ(all.normal_head.MembersFlags, KSPROPERTY_MEMBER_VALUES);
	CHECK_EQ(all.normal_head.Flags, KSPROPERTY_MEMBER_FLAG_DEFAULT);
	CHECK_EQ(all.normal, 6);
	CHECK_EQ(all.guard, 0x5a5a5a5a);
	/* A control that only tells its value */
	camera_control(V4L2_CID_GAIN)->query.flags = V4L2_CTRL_FLAG_READ_ONLY;
	CHECK_EQ(SUPPORT(&access, 4), 0);
	CHECK_EQ(access, KSPROPERTY_TYPE_GET);
#undef SUPPORT
	/* A property without a range */
	CHECK_EQ(property(filter, &KSPROPSETID_Pin, KSPROPERTY_PIN_CTYPES,
			  KSPROPERTY_TYPE_BASICSUPPORT, &all, sizeof(all)), 0);
	CHECK_EQ(returned, sizeof(all.head));
	CHECK_EQ(all.head.AccessFlags, KSPROPERTY_TYPE_GET);
	CHECK_EQ(all.head.DescriptionSize, sizeof(all.head));
	CHECK_EQ(all.head.MembersListCount, 0);
	CHECK(IsEqualGUID(&all.head.PropTypeSet.Set, &GUID_NULL));
	CHECK_EQ(property(filter, &KSPROPSETID_Pin, KSPROPERTY_PIN_CTYPES,
			  KSPROPERTY_TYPE_DEFAULTVALUES, &all, sizeof(all)),
		 ERROR_INVALID_FUNCTION);
	CloseHandle(filter);
}

/* J2: the filter answers questions about its pin before that is created. */
static void test_pin_answers(void)
{
	KSPIN_CINSTANCES instances;
	HANDLE pin, other, first = NULL;
	WCHAR name[8];
	ULONG number;
	GUID guid;

	camera_reset();
	open_camera();
	first = filter;
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_COMMUNICATION, &number, 4), 0);
	CHECK_EQ(number, KSPIN_COMMUNICATION_BOTH);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_NECESSARYINSTANCES, &number, 4), 0);
	CHECK_EQ(number, 1);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_CATEGORY, &guid, sizeof(guid)), 0);
	CHECK(IsEqualGUID(&guid, &PINNAME_VIDEO_CAPTURE));
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_NAME, NULL, 0), ERROR_MORE_DATA);
	CHECK_EQ(returned, sizeof(name));
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_NAME, name, sizeof(name)), 0);
	CHECK(name[0] == 'C' && name[6] == 'e' && !name[7]);
	CHECK_EQ(pin_property(0, KSPROPERTY_PIN_PHYSICALCONNECTION, name, sizeof(name)),
		 ERROR_NOT_FOUND);
	CHECK_EQ(pin_property(7, KSPROPERTY_PIN_PHYSICALCONNECTION, name, sizeof(name)),
		 ERROR_INVALID_PARAMETER);
	CHECK_EQ(pin_property(7, KSPROPERTY_PIN_NAME, name, sizeof(name)),
		 ERROR_INVALID_PARAMETER);

#define INSTANCES(id, possible, current) \
	do { \
		CHECK_EQ(pin_property(0, id, &instances, sizeof(instances)), 0); \
		CHECK_EQ(instances.PossibleCount, possible); \
		CHECK_EQ(instances.CurrentCount, current); \
	} while (0)
	INSTANCES(KSPROPERTY_PIN_CINSTANCES, 1, 0);
	take_range_number(0);
	CHECK_EQ(create_pin(filter, &pin), 0);
	INSTANCES(KSPROPERTY_PIN_CINSTANCES, 1, 1);
	open_camera();
	INSTANCES(KSPROPERTY_PIN_CINSTANCES, 1, 0);
	INSTANCES(KSPROPERTY_PIN_GLOBALCINSTANCES, KSINSTANCE_INDETERMINATE, 1);
	CHECK_EQ(create_pin(filter, &other), 0);
	INSTANCES(KSPROPERTY_PIN_GLOBALCINSTANCES, KSINSTANCE_INDETERMINATE, 2);
	CloseHandle(other);
	CloseHandle(pin);
	INSTANCES(KSPROPERTY_PIN_GLOBALCINSTANCES, KSINSTANCE_INDETERMINATE, 0);
#undef INSTANCES
	CloseHandle(first);
	CloseHandle(filter);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "sizes of lists", test_sizes_of_lists },
		{ "sizes of values", test_sizes_of_values },
		{ "list in new memory", test_list },
		{ "bad memory", test_bad_memory },
		{ "sets of properties", test_sets_of_properties },
		{ "methods and events", test_methods_and_events },
		{ "basic support", test_basic_support },
		{ "answers about the pin", test_pin_answers },
	};

	alarm(WIN_PATIENCE_S);
	return tap_run(tests, ARRAY_SIZE(tests));
}
