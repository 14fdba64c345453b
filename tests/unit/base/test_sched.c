/* SPDX-License-Identifier: MIT */
/* Proves that asking for short turns leaves a thread's share of the processor alone. */
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sched.h"

#define SLICE_NS 100000U

static void only_the_slice_changes(void **state)
{
    (void)state;
    struct sched_attr before = {0};
    struct sched_attr after = {0};
    if (syscall(SYS_sched_getattr, 0, &before, sizeof(before), 0) != 0) skip();
    sched_ask_short_slice();
    assert_int_equal(syscall(SYS_sched_getattr, 0, &after, sizeof(after), 0), 0);
    assert_int_equal(after.sched_policy, before.sched_policy);
    assert_int_equal(after.sched_nice, before.sched_nice);
    assert_int_equal(after.sched_priority, before.sched_priority);
    /* Kernels that know no slices tell 0 before and after. */
    if (before.sched_policy == SCHED_NORMAL && before.sched_runtime > SLICE_NS) {
        assert_int_equal(after.sched_runtime, SLICE_NS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_slice_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
