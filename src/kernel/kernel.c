/* SPDX-License-Identifier: MIT */
#include "kernel/kernel.h"

#include "kernel/attention.h"
#include "kernel/elementwise.h"
#include "kernel/matmul.h"

void kernel_init(void)
{
    attention_init();
    elementwise_init();
    matmul_init();
}
