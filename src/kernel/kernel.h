/* SPDX-License-Identifier: MIT */
/* Start-up of all kernels. */
#ifndef NMOS_KERNEL_KERNEL_H
#define NMOS_KERNEL_KERNEL_H

/** Chooses every kernel for cpu_level_get(). Call once at start, and again after cpu_level_limit()
 * in tests. */
void kernel_init(void);

#endif
