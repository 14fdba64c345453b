/* SPDX-License-Identifier: MIT */
#include "base/sched.h"

#include <errno.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define SLICE_NS 100000U /* the least that the kernel takes */

void sched_ask_short_slice(void)
{
    struct sched_attr attr = {0};
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) != 0) return;
    if (attr.sched_policy != SCHED_NORMAL) return; /* somebody has decided on this already */
    attr.sched_runtime = SLICE_NS;
    if (syscall(SYS_sched_setattr, 0, &attr, 0) != 0) {
        LOG_DEBUG("no short turns for a reading thread: %s", strerror(errno));
    }
}
