/* SPDX-License-Identifier: MIT */
/* What a process is said to hold does not depend on how much of its program has been read yet. */
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/hardware.h"

#define TOLERANCE (512U << 10) /* a step and pages of initialised data */

/* Between globals lies what a sanitizer lets nobody read. */
__attribute__((no_sanitize("address"))) static int read_every_page(struct dl_phdr_info *info,
                                                                   size_t size, void *arg)
{
    volatile unsigned *sum = arg;
    for (uint32_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W) || !(part->p_flags & PF_R)) continue;
        const unsigned char *from = (const unsigned char *)(info->dlpi_addr + part->p_vaddr);
        for (size_t at = 0; at < part->p_memsz; at += 4096) *sum += from[at];
    }
    (void)size;
    return 0;
}

static void all_of_the_program_is_held_from_the_start(void **state)
{
    (void)state;
    unsigned sum = 0;
    const uint64_t held = hardware_held_bytes();
    assert_true(hardware_resident_bytes() <= held + TOLERANCE);
    (void)dl_iterate_phdr(read_every_page, &sum);
    assert_true(sum > 0);
    assert_true(hardware_resident_bytes() <= held + TOLERANCE);
    assert_in_range(hardware_held_bytes(), held - TOLERANCE, held + TOLERANCE);
}

static void memory_of_the_process_is_held(void **state)
{
    (void)state;
    const size_t n = 16U << 20;
    const uint64_t held = hardware_held_bytes();
    unsigned char *block = mem_calloc(MEM_GENERAL, n, 1);
    assert_non_null(block);
    for (size_t i = 0; i < n; i += 4096) block[i] = 1;
    assert_in_range(hardware_held_bytes(), held + n - TOLERANCE, held + n + TOLERANCE);
    mem_free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_program_is_held_from_the_start),
        cmocka_unit_test(memory_of_the_process_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
