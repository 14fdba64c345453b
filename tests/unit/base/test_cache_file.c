/* SPDX-License-Identifier: MIT */
/* Proves that a file of the cache is replaced whole or not at all, and that its folder may be
 * missing, unwritable or nowhere. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cache_file.h"

static char folder[] = "test_cache_XXXXXX";
static char home[4096];

static int make_home(void **state)
{
    (void)state;
    char cwd[2048];
    if (!mkdtemp(folder) || !getcwd(cwd, sizeof(cwd))) return -1;
    snprintf(home, sizeof(home), "%s/%s", cwd, folder);
    return 0;
}

static int remove_home(void **state)
{
    (void)state;
    char path[4200];
    snprintf(path, sizeof(path), "%s/.cache/nmos/a", home);
    (void)unlink(path);
    for (int i = 0; i < 2; i++) {
        *strrchr(path, '/') = '\0';
        if (rmdir(path) != 0) return -1; /* nothing else may be left there */
    }
    return rmdir(home);
}

static int use_home(void **state)
{
    (void)state;
    (void)unsetenv("XDG_CACHE_HOME");
    return setenv("HOME", home, 1);
}

static void expect_content(const char *content)
{
    struct buf text = {0};
    assert_int_equal(cache_file_read("a", 100, &text), 0);
    assert_string_equal(text.data, content);
    buf_deinit(&text);
}

static void a_file_is_written_with_its_folder_and_replaced(void **state)
{
    (void)state;
    struct buf text = {0};
    assert_int_equal(cache_file_read("a", 100, &text), NMOS_E_IO);
    assert_int_equal(cache_file_write("a", "first", 5), 0);
    expect_content("first");
    assert_int_equal(cache_file_write("a", "2nd", 3), 0);
    expect_content("2nd");
    assert_int_equal(cache_file_read("a", 2, &text), NMOS_E_LIMIT);
    buf_deinit(&text);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    struct rlimit old;
    assert_int_equal(cache_file_write("a", "old", 3), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit tiny = {2, old.rlim_max};
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    const int rc = cache_file_write("a", "new", 3);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, before);
    assert_int_equal(rc, NMOS_E_IO);
    assert_non_null(strstr(error_message(), "/nmos/a"));
    expect_content("old");
}

static void a_folder_that_cannot_be_is_named(void **state)
{
    (void)state;
    assert_int_equal(setenv("XDG_CACHE_HOME", "/dev/null/no", 1), 0);
    assert_int_equal(cache_file_write("a", "x", 1), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "/dev/null/no/nmos/a"));
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
    assert_int_equal(unsetenv("HOME"), 0);
    assert_int_equal(cache_file_write("a", "x", 1), NMOS_E_IO);
    assert_non_null(strstr(error_message(), "HOME"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_file_is_written_with_its_folder_and_replaced, use_home),
        cmocka_unit_test_setup(a_full_disk_leaves_the_old_file, use_home),
        cmocka_unit_test_setup(a_folder_that_cannot_be_is_named, use_home),
    };
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
