# SPDX-License-Identifier: GPL-2.0-only
#
# Judges a kernel log: prints each line with a warning or an error, and the lines after it.
# The exit status is 1 if there is one.
#
#	awk -f judge.awk [-v prefix=TEXT] [-v context=LINES] [-v only=REGEX] [LOG]
#	awk -f judge.awk -v list=1
#
# vm, the scripts of the guests and the harness of the selftests use this. It has to work
# with mawk and the awk of busybox, so it uses neither {n,m} nor \b. judge.samples has
# examples of the lines.

function bad(regex) {
	pattern[++patterns] = regex
}

BEGIN {
	bad("WARNING:")
	bad("(^|[^A-Za-z0-9_])BUG([^A-Za-z0-9_]|$)")
	bad("Oops")
	bad("[Kk]ernel panic")
	bad("(KASAN|KCSAN|KMSAN|UBSAN|KFENCE|ODEBUG):")
	bad("general protection fault")
	bad("[Uu]nable to handle")
	bad("Call [Tt]race:")
	bad("[[] cut here []]")
	bad("stack guard page|[Ii]nsufficient stack space")
	bad("possible (circular|recursive) locking")
	bad("possible irq lock inversion")
	bad("inconsistent lock state")
	bad("[Ii]nvalid wait context")
	bad("suspicious RCU usage")
	bad("DEBUG_LOCKS_WARN")
	bad("INFO: (possible|task|trying to register non-static key)")
	bad("refcount_t:")
	bad("list_(add|del) corruption")
	bad("kmemleak: [1-9][0-9]* new")
	bad("unreferenced object")
	bad("blocked for more than [0-9]+ seconds")
	bad("(soft|hard) (lockup|LOCKUP)")
	bad("rcu: INFO|rcu.*detected.*stall")
	bad("sleeping function called from")
	bad("scheduling while atomic")
	bad("[Bb]ad page")
	bad("Objects remaining in")
	bad("counters for queue .* UNBALANCED")
	# An IOMMU of Intel has kept a device from memory
	bad("fault reason 0x")
	# Only on arm64
	bad("Internal error:")
	bad("Unexpected kernel .* exception")
	bad("SError Interrupt")
	# User space
	bad("segfault at")
	bad("traps: .* (general protection|trap)")
	bad("unhandled exception:")

	for (i = 1; i <= patterns; i++) {
		if (list)
			print pattern[i]
		any = any (i > 1 ? "|" : "") pattern[i]
	}
	if (only)
		any = only
	if (!context)
		context = 25
	if (list)
		exit
}

function judge(text) {
	if (text ~ any) {
		found = 1
		left = context
	}
	if (left > 0) {
		left--
		print prefix text
	}
}

# Known warnings that are not problems of the module:
#
# The capture thread of vivid reads the clock twice to compute how long to sleep. On a slow
# machine the time can pass in between. Then the kernel logs a negative time-out with a call
# trace.
#
# The test client violates a rule on request of a test. The test fails if the kernel does
# not log a warning.
#
# vhci_hcd attaches the simulated USB cameras. When a driver cancels a request, it can read this
# request after another thread has freed it.
#
# A test allocates more memory than its memory cgroup may have.
#
# Only the two lines that would count as a problem are ignored, and only if the trace has the
# function that belongs to this warning: the capture thread of vivid, for example, also calls
# the module.
function excuse_of(text) {
	if (text ~ /schedule_timeout: wrong timeout value/)
		return " vivid_thread_vid_cap[.+]"
	if (text ~ /BUG: sleeping function called from invalid context/)
		return " client_break_rules[.+]"
	if (text ~ /BUG: KASAN: slab-use-after-free in vhci_urb_dequeue[+]/)
		return " vhci_urb_dequeue[.+]"
	if (text ~ /invoked oom-killer:/)
		return " mem_cgroup_out_of_memory[.+]"
	return ""
}

# x86 marks the end of a trace. On arm64, a trace ends at the entry of a thread or a system
# call. An entry with "?" is not a caller, but an old address on the stack
function trace_ends(text) {
	return text ~ /<\/TASK>/ || text ~ / (ret_from_fork|el0t_64_sync)[+]/ && text !~ / [?] /
}

function pass_on(    i) {
	for (i = 1; i <= held; i++)
		if (!known || i > 1 && line[i] !~ /Call [Tt]race:/)
			judge(line[i])
	held = known = 0
}

# A test lets the device edu write where the IOMMU does not permit it. ksalloc-test-edu logs the
# address before that. A fault of this device at the last such address is not a problem
/ ksalloc-test-edu .*: writes to 0x|^ksalloc-test-edu .*: writes to 0x/ {
	page = substr($NF, 1, length($NF) - 3) "000"
	device = substr($(NF - 3), 1, length($(NF - 3)) - 1)
}

# Linux 6.12 prints no PCI domain, and 7.3 does
function is_asked_for(text) {
	return page && index(text, "[DMA Write") && index(text, " fault addr " page " ") &&
	       (index(text, " device [" device "] ") ||
		index(text, " device [" substr(device, 6) "] "))
}

excuse_of($0) {
	pass_on()
	excuse = excuse_of($0)
	line[held = 1] = $0
	next
}

held {
	line[++held] = $0
	if ($0 ~ excuse)
		known = 1
	if (trace_ends($0) || held > 60)
		pass_on()
	next
}

!is_asked_for($0) { judge($0) }

END {
	pass_on()
	exit found
}
