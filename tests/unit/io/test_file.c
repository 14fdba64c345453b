/* SPDX-License-Identifier: MIT */
/* Proves that files are opened, read and watched as io/file.h says, and that each refusal names its
 * cause. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/file.h"

static char path[64];

static void write_file(size_t n_bytes)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    for (size_t i = 0; i < n_bytes; i++) assert_int_not_equal(fputc((int)(i % 251), out), EOF);
    assert_int_equal(fclose(out), 0);
}

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "test_file_%d.tmp", (int)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void any_range_is_read_exactly(void **state)
{
    (void)state;
    write_file(10000);
    struct file *file = NULL;
    assert_int_equal(file_open(path, &file), 0);
    assert_int_equal(file->bytes, 10000);
    unsigned char bytes[300];
    assert_int_equal(file_read(file, 4099, sizeof(bytes), bytes), 0);
    for (size_t i = 0; i < sizeof(bytes); i++) assert_int_equal(bytes[i], (4099 + i) % 251);
    assert_int_equal(file_read(file, 9800, 201, bytes), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "10001"));
    file_close(&file);
    assert_null(file);
}

static void alignment_is_a_power_of_two_of_at_least_512(void **state)
{
    (void)state;
    write_file(10000);
    struct file *file = NULL;
    assert_int_equal(file_open(path, &file), 0);
    assert_true(file->align >= 512 && (file->align & (file->align - 1)) == 0);
    file_close(&file);
}

static void what_is_written_to_an_unnamed_file_is_read_back(void **state)
{
    (void)state;
    struct file *file = NULL;
    _Alignas(4096) static unsigned char bytes[8192];
    static unsigned char back[8192];
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (unsigned char)(i * 7 % 253);
    assert_int_equal(file_create_unnamed(".", 1 << 20, &file), 0);
    assert_int_equal(file->bytes, 1 << 20);
    assert_int_equal(file_write(file, 12288, sizeof(bytes), bytes), 0);
    assert_int_equal(file_read(file, 12288, sizeof(back), back), 0);
    assert_memory_equal(bytes, back, sizeof(back));
    struct stat st;
    assert_int_equal(fstat(file->fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_true(st.st_blocks * 512 < 1 << 20); /* sparse */
    file_close(&file);
    assert_int_equal(file_create_unnamed("no/such/folder", 4096, &file), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "no/such/folder"));
    assert_null(file);
}

static void missing_files_and_directories_are_refused_by_name(void **state)
{
    (void)state;
    struct file *file = NULL;
    assert_int_equal(file_open("no/such/file.gguf", &file), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "no/such/file.gguf"));
    assert_int_equal(file_open(".", &file), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "directory"));
    assert_int_equal(file_open("/dev/null", &file), NMOS_E_IO);
    assert_null(file);
}

static void truncation_and_rewriting_are_noticed(void **state)
{
    (void)state;
    write_file(10000);
    struct file *file = NULL;
    assert_int_equal(file_open(path, &file), 0);
    assert_int_equal(file_check_unchanged(file), 0);
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(file_check_unchanged(file), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "5000"));
    file_close(&file);

    assert_int_equal(file_open(path, &file), 0);
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(file_check_unchanged(file), NMOS_E_IO);
    file_close(&file);
}

static void a_file_renamed_over_stays_whole(void **state)
{
    (void)state;
    write_file(10000);
    struct file *file = NULL;
    assert_int_equal(file_open(path, &file), 0);
    assert_int_equal(unlink(path), 0);
    write_file(17);
    unsigned char byte = 0;
    assert_int_equal(file_check_unchanged(file), 0);
    assert_int_equal(file_read(file, 9999, 1, &byte), 0);
    assert_int_equal(byte, 9999 % 251);
    file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_range_is_read_exactly),
        cmocka_unit_test(alignment_is_a_power_of_two_of_at_least_512),
        cmocka_unit_test(what_is_written_to_an_unnamed_file_is_read_back),
        cmocka_unit_test(missing_files_and_directories_are_refused_by_name),
        cmocka_unit_test(truncation_and_rewriting_are_noticed),
        cmocka_unit_test(a_file_renamed_over_stays_whole),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
