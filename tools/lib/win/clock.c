// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clocks of pins. All clocks are CLOCK_MONOTONIC in units of 100 ns, as the times of frames and
 * QueryPerformanceCounter() are. So a clock never stands still, and any of them can be the master
 * clock of any pin. A clock tells the state of its pin until that is closed.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pin.h"

#define UNITS_PER_S 10000000
#define NS_PER_UNIT 100

struct clock {
	struct win_object object;
	/* NULL if it was closed */
	struct win_object *pin;
	struct clock *next;
};

/* Protects the list, and the pins of the clocks */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct clock *clocks;

static struct clock *clock_of(struct win_object *object)
{
	return container_of(object, struct clock, object);
}

static LONGLONG now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (LONGLONG)time.tv_sec * UNITS_PER_S + time.tv_nsec / NS_PER_UNIT;
}

static int get_time(struct win_object *object, struct win_call *call)
{
	LONGLONG time = now();

	(void)object;
	return win_answer(call, &time, sizeof(time));
}

static int get_correlated_time(struct win_object *object, struct win_call *call)
{
	LONGLONG time = now();
	KSCORRELATED_TIME correlated = { .Time = time, .SystemTime = time };

	(void)object;
	return win_answer(call, &correlated, sizeof(correlated));
}

static int get_resolution(struct win_object *object, struct win_call *call)
{
	KSRESOLUTION resolution = { .Granularity = 1 };
	struct timespec step;

	(void)object;
	if (!clock_getres(CLOCK_MONOTONIC, &step) && step.tv_nsec > NS_PER_UNIT)
		resolution.Granularity = step.tv_nsec / NS_PER_UNIT;
	return win_answer(call, &resolution, sizeof(resolution));
}

static int get_state(struct win_object *object, struct win_call *call)
{
	enum ksstate native = KSSTATE_STOP;
	struct win_object *pin = NULL;
	KSSTATE state;
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (clock_of(object)->pin)
		pin = win_ref(clock_of(object)->pin);
	pthread_mutex_unlock(&lock);
	if (pin)
		ret = ks_get_state(pin->fd, &native, NULL);
	win_put(pin);
	state = (KSSTATE)native;
	return ret ? ret : win_answer(call, &state, sizeof(state));
}

int win_clock_property(struct win_object *object, struct win_call *call)
{
	static const struct win_property properties[] = {
		{ &KSPROPSETID_Clock, KSPROPERTY_CLOCK_TIME,
		  sizeof(KSPROPERTY), 0, get_time, NULL },
		{ &KSPROPSETID_Clock, KSPROPERTY_CLOCK_PHYSICALTIME,
		  sizeof(KSPROPERTY), 0, get_time, NULL },
		{ &KSPROPSETID_Clock, KSPROPERTY_CLOCK_CORRELATEDTIME,
		  sizeof(KSPROPERTY), 0, get_correlated_time, NULL },
		{ &KSPROPSETID_Clock, KSPROPERTY_CLOCK_CORRELATEDPHYSICALTIME,
		  sizeof(KSPROPERTY), 0, get_correlated_time, NULL },
		{ &KSPROPSETID_Clock, KSPROPERTY_CLOCK_RESOLUTION,
		  sizeof(KSPROPERTY), 0, get_resolution, NULL },
		{ &KSPROPSETID_Clock, KSPROPERTY_CLOCK_STATE,
		  sizeof(KSPROPERTY), 0, get_state, NULL },
	};

	return win_property(object, call, properties, ARRAY_SIZE(properties));
}

void win_clocks_leave(const struct win_object *pin)
{
	struct clock *clock;

	pthread_mutex_lock(&lock);
	for (clock = clocks; clock; clock = clock->next)
		if (clock->pin == pin)
			clock->pin = NULL;
	pthread_mutex_unlock(&lock);
}

static void destroy(struct win_object *object)
{
	struct clock *clock = clock_of(object), **link = &clocks;

	pthread_mutex_lock(&lock);
	while (*link != clock)
		link = &(*link)->next;
	*link = clock->next;
	pthread_mutex_unlock(&lock);
	free(clock);
}

/* If the pin is being closed, either that finds the clock, or this finds out */
static int create(struct win_object *pin, HANDLE *handle)
{
	struct clock *clock = calloc(1, sizeof(*clock));

	if (!clock)
		return -ENOMEM;
	win_object_init(&clock->object, WIN_CLOCK, -1);
	clock->object.destroy = destroy;
	clock->pin = pin;
	pthread_mutex_lock(&lock);
	clock->next = clocks;
	clocks = clock;
	pthread_mutex_unlock(&lock);
	if (win_pin_is_closed(pin)) {
		win_put(&clock->object);
		return -EBADF;
	}
	return win_publish(&clock->object, handle);
}

WIN_API DWORD KsCreateClock(HANDLE connection, PKSCLOCK_CREATE create_clock, PHANDLE handle)
{
	struct win_object *pin;
	KSCLOCK_CREATE copy;
	int ret;

	if (!create_clock || !handle)
		return win_code(-EINVAL);
	ret = win_check_memory(create_clock, sizeof(copy), false);
	if (!ret)
		ret = win_check_memory(handle, sizeof(*handle), true);
	if (ret)
		return win_code(ret);
	memcpy(&copy, create_clock, sizeof(copy));
	pin = win_get(connection, WIN_PIN);
	if (!pin)
		return win_code(-EBADF);
	/* There are no flags */
	ret = copy.CreateFlags ? -EINVAL : create(pin, handle);
	win_put(pin);
	return win_code(ret);
}
