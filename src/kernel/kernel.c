/* SPDX-License-Identifier: MIT */
#include "kernel/kernel.h"

#include "kernel/elementwise.h"
#include "kernel/matmul.h"

void kernel_init(void)
{
    elementwise_init();
    matmul_init();
}
