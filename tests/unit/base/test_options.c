/* SPDX-License-Identifier: MIT */
/* Proves that values arrive typed and in range, that the command line wins, and that errors name
 * the option. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/options.h"

struct values {
    int loud;
    int64_t count;
    double heat;
    uint64_t ram;
    const char *model;
    int kind;
    struct option_list stop;
    const char *other;
};

#define AT(field) offsetof(struct values, field)

static const struct option_spec specs[] = {
    {"loud", 'l', OPTION_FLAG, AT(loud), 1, "", NULL, NULL, 0, 0, "be loud"},
    {"count", 'c', OPTION_INT, AT(count), 1, "N", "7", NULL, -5, 100, "how many"},
    {"heat", 0, OPTION_FLOAT, AT(heat), 1, "T", "0.7", NULL, 0, 2, "how hot"},
    {"ram", 0, OPTION_SIZE, AT(ram), 1, "SIZE", NULL, "all", 1, 1e18, "how much"},
    {"model", 'm', OPTION_STRING, AT(model), 1, "FILE", NULL, NULL, 0, 0, "which"},
    {"kind", 0, OPTION_CHOICE, AT(kind), 1, "f32,f16,q8_0", "f16", NULL, 0, 0, "what kind"},
    {"stop", 0, OPTION_LIST, AT(stop), 1, "TEXT", NULL, NULL, 0, 0, "where to stop"},
    {"other", 0, OPTION_STRING, AT(other), 2, "TEXT", NULL, NULL, 0, 0, "for the other command"},
};

static const struct option_command commands[] = {
    {"go", "FILE", 0, 1, "go", "Goes."},
    {"stay", "", 0, 0, "stay", "Stays."},
    {"secret", "", 0, 0, "not built", "Is not built."},
};

static const struct option_table table = {"prog", specs,   8,         commands,    3,
                                          3,      "group", "one,two", "heat,count"};

static struct values values;
static struct options options;

#define PARSE(...)                                                                                 \
    parse((const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static int parse(const char *const *args, size_t n)
{
    char *argv[16];
    options_deinit(&options);
    values = (struct values){0};
    for (size_t i = 0; i < n; i++) memcpy(&argv[i], &args[i], sizeof(char *));
    assert_int_equal(options_init(&options, &table, 0, &values), 0);
    return options_parse_args(&options, (int)n, argv);
}

#define REFUSED(words, ...)                                                                        \
    do {                                                                                           \
        assert_int_equal(PARSE(__VA_ARGS__), NMOS_E_INVALID);                                      \
        if (!strstr(error_message(), words)) fail_msg("message: %s", error_message());             \
    } while (0)

static int clean_up(void **state)
{
    (void)state;
    options_deinit(&options);
    return 0;
}

static void defaults_hold_when_nothing_is_given(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--"), 0);
    assert_int_equal(values.count, 7);
    assert_true(values.heat == 0.7);
    assert_int_equal(values.kind, 1);
    assert_int_equal(values.ram, 0);
    assert_null(values.model);
    assert_int_equal(values.loud, 0);
}

static void every_spelling_of_a_value_is_understood(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-m", "a"), 0);
    assert_string_equal(values.model, "a");
    assert_int_equal(PARSE("-mb"), 0);
    assert_string_equal(values.model, "b");
    assert_int_equal(PARSE("--model", "c"), 0);
    assert_string_equal(values.model, "c");
    assert_int_equal(PARSE("--model=d=e"), 0);
    assert_string_equal(values.model, "d=e");
    assert_int_equal(PARSE("--count", "-3", "-l", "--heat=1.5", "--kind", "q8_0", "file"), 0);
    assert_int_equal(values.count, -3);
    assert_int_equal(values.loud, 1);
    assert_true(values.heat == 1.5);
    assert_int_equal(values.kind, 2);
    assert_int_equal(options.n_args, 1);
    assert_string_equal(options.args[0], "file");
    assert_int_equal(PARSE("--", "--loud"), 0);
    assert_string_equal(options.args[0], "--loud");
    assert_int_equal(PARSE("-"), 0);
    assert_string_equal(options.args[0], "-");
}

static void a_list_keeps_every_value_in_order(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--stop", "a", "--stop=", "--stop", "--loud"), 0);
    assert_int_equal(values.stop.n, 3);
    assert_string_equal(values.stop.items[0], "a");
    assert_string_equal(values.stop.items[1], "");
    assert_string_equal(values.stop.items[2], "--loud");
    assert_int_equal(values.loud, 0);
}

static void sizes_know_both_kinds_of_prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"4096", 4096},
                {"2K", 2000},
                {"3M", 3000000},
                {"16G", 16000000000},
                {"1KiB", 1024},
                {"1.5 MiB", 1572864},
                {"2GiB", 2147483648}};
    static const char *const bad[] = {"",    "G",    "1T",   "1 GB", "-1",
                                      "1e3", "0x10", "1..2", "inf",  "99999999999999999999"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t bytes = 1;
        assert_int_equal(options_parse_size(good[i].text, &bytes), 0);
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t bytes = 1;
        assert_int_equal(options_parse_size(bad[i], &bytes), NMOS_E_INVALID);
        assert_int_equal(bytes, 1);
    }
}

static void wrong_values_are_refused_with_what_is_allowed(void **state)
{
    (void)state;
    REFUSED("--count is 101; -5 to 100", "--count", "101");
    REFUSED("--count is 99999999999999999999", "-c", "99999999999999999999");
    REFUSED("--count needs a whole number, not \"1.5\"", "--count=1.5");
    REFUSED("--heat is -1; 0 to 2", "--heat", "-1");
    REFUSED("--heat needs a number, not \"hot\"", "--heat", "hot");
    REFUSED("--heat needs a number, not \"nan\"", "--heat", "nan");
    REFUSED("--heat is inf", "--heat", "inf");
    REFUSED("--kind is \"f64\"; one of f32,f16,q8_0", "--kind", "f64");
    REFUSED("--kind is \"\"", "--kind=");
    REFUSED("--ram: \"lots\" is no size", "--ram", "lots");
    REFUSED("at least 1", "--ram", "0");
    REFUSED("--model needs a value: FILE", "--model");
    REFUSED("--loud is a switch", "--loud=maybe");
    REFUSED("\"two\" is too much", "one", "two");
}

static void unknown_options_get_the_nearest_known_one(void **state)
{
    (void)state;
    REFUSED("unknown option --modle; did you mean --model?", "--modle=x");
    REFUSED("unknown option --qqqqqqqq; the nearest known one is --", "--qqqqqqqq");
    assert_null(strstr(error_message(), "did you mean"));
    REFUSED("unknown option -z; the nearest known one is --", "-z");
    REFUSED("prog go takes no option --other", "--other", "x");
}

static void commands_that_are_not_built_do_not_exist(void **state)
{
    (void)state;
    size_t command_i = 9;
    assert_int_equal(options_find_command(&table, "stay", &command_i), 0);
    assert_int_equal(command_i, 1);
    assert_int_equal(options_find_command(&table, "secret", &command_i), NMOS_E_INVALID);
    assert_int_equal(options_find_command(&table, "sty", &command_i), NMOS_E_INVALID);
    assert_non_null(strstr(error_message(), "did you mean \"stay\""));
}

/* Writes @p text to a file, parses @p arg and then the file. */
static int parse_with_file(const char *arg, const char *text, char path[32])
{
    strcpy(path, "options-XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    assert_int_equal(PARSE(arg), 0);
    const int rc = options_parse_file(&options, path);
    unlink(path);
    return rc;
}

static void a_file_sets_what_the_command_line_does_not(void **state)
{
    (void)state;
    char path[32];
    assert_int_equal(
        parse_with_file("--count=5",
                        "# comment\n; comment\n\n count = 50 \r\nmodel = \" a b \"\nloud=on\n"
                        "other = ignored\nstop = x\nstop = y\n[stay]\nheat = 0.1\n[go]\n"
                        "kind = f32",
                        path),
        0);
    assert_int_equal(values.count, 5);
    assert_string_equal(values.model, " a b ");
    assert_int_equal(values.loud, 1);
    assert_int_equal(values.stop.n, 2);
    assert_true(values.heat == 0.7);
    assert_int_equal(values.kind, 0);
    assert_null(values.other);
    assert_int_equal(parse_with_file("--stop=z", "stop = x\n", path), 0);
    assert_int_equal(values.stop.n, 1);
    assert_string_equal(values.stop.items[0], "z");
}

static void lines_of_named_sections_are_kept_in_their_order(void **state)
{
    (void)state;
    char path[32];
    assert_int_equal(parse_with_file("--loud",
                                     "[group:a]\none = 1\ntwo = \" b \"\n[go]\ncount = 9\n"
                                     "[ group:c d ]\none = x = y\n[group:a]\none = 2\n",
                                     path),
                     0);
    static const struct option_entry wanted[] = {{"a", "one", "1", 2},
                                                 {"a", "two", " b ", 3},
                                                 {"c d", "one", "x = y", 7},
                                                 {"a", "one", "2", 9}};
    assert_int_equal(options.n_entries, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(options.entries[i].section, wanted[i].section);
        assert_string_equal(options.entries[i].key, wanted[i].key);
        assert_string_equal(options.entries[i].value, wanted[i].value);
        assert_int_equal(options.entries[i].line, wanted[i].line);
    }
    assert_int_equal(values.count, 9);
}

static void options_of_a_section_are_checked_and_yield_to_the_command_line(void **state)
{
    (void)state;
    char path[32];
    struct values changed = {0};
    assert_int_equal(parse_with_file("--count=5",
                                     "heat = 1\n[group:a]\nheat = 0.25\ncount = 9\none = x\n",
                                     path),
                     0);
    assert_int_equal(options.n_entries, 3);
    assert_int_equal(options_apply_entry(&options, &options.entries[0], &changed), 1);
    assert_float_equal(changed.heat, 0.25, 0); /* the section is closer than the file */
    assert_int_equal(options_apply_entry(&options, &options.entries[1], &changed), 0);
    assert_int_equal(options_apply_entry(&options, &options.entries[2], &changed), 0);
    assert_int_equal(changed.count, 0);
    assert_float_equal(values.heat, 1, 0);
}

static void mistakes_in_a_file_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } bad[] = {
        {"\ncuont = 1\n", "line 2: unknown option cuont; did you mean count?"},
        {"count = x\n", "line 1: --count needs a whole number"},
        {"count\n", "\"count\" is not of the form name = value"},
        {"[go\n", "lacks its closing ]"},
        {"[", "lacks its closing ]"},
        {"[walk]\n", "[walk] is not a command"},
        {"[group: ]\n", "[group:] lacks a name"},
        {"[group:x]\nloud = on\n", "line 2: [group:x] has no loud; it may have one,two,heat,count"},
        {"[group:x]\non = 1\n", "[group:x] has no on"},
        {"[group:x]\ntwo = \"\"\n", "two of [group:x] is empty"},
        {"[group:x]\nheat = 3\n", "line 2: --heat is 3; 0 to 2 is allowed"},
        {"[group:x]\nheat = 1\n[group:y]\nheat = 1\n[group:x]\nheat = 1\n",
         "line 6: [group:x] sets heat a second time; line 2 has done so"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char path[32];
        assert_int_equal(parse_with_file("--loud", bad[i].text, path), NMOS_E_INVALID);
        assert_non_null(strstr(error_message(), bad[i].words));
        assert_non_null(strstr(error_message(), path));
    }
    assert_int_equal(PARSE("--loud"), 0);
    assert_int_equal(options_parse_file(&options, "no/such/file"), NMOS_E_IO);
}

static void help_and_manual_name_each_option_with_default_and_range(void **state)
{
    (void)state;
    struct buf text = {0};
    assert_int_equal(options_help_command(&table, 0, &text), 0);
    assert_non_null(strstr(text.data, "-c, --count N"));
    assert_non_null(strstr(text.data, "-5 to 100 (default: 7)"));
    assert_non_null(strstr(text.data, "--kind f32|f16|q8_0"));
    assert_null(strstr(text.data, "--other"));
    for (const char *line = text.data; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        assert_true(strcspn(line, "\n") <= 80);
    }
    text.len = 0;
    assert_int_equal(options_man_page(&table, "1", &text), 0);
    for (size_t i = 0; i < table.n_specs; i++) {
        char name[32];
        snprintf(name, sizeof(name), "\\-\\-%s", specs[i].name);
        assert_non_null(strstr(text.data, name));
    }
    text.len = 0;
    assert_int_equal(options_help(&table, &text), 0);
    assert_non_null(strstr(text.data, "stay"));
    assert_null(strstr(text.data, "secret"));
    buf_deinit(&text);
}

static void user_paths_follow_the_base_directory_specification(void **state)
{
    (void)state;
    char *path = NULL;
    setenv("HOME", "/home/ada", 1);
    setenv("XDG_CONFIG_HOME", "/etc/ada", 1);
    unsetenv("XDG_CACHE_HOME");
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_int_equal(options_user_path(USER_CONFIG, "a.conf", &path), 0);
    assert_string_equal(path, "/etc/ada/nmos/a.conf");
    mem_free(path);
    assert_int_equal(options_user_path(USER_CACHE, "b", &path), 0);
    assert_string_equal(path, "/home/ada/.cache/nmos/b");
    mem_free(path);
    assert_int_equal(options_user_path(USER_STATE, "c", &path), 0);
    assert_string_equal(path, "/home/ada/.local/state/nmos/c");
    mem_free(path);
    unsetenv("HOME");
    assert_int_equal(options_user_path(USER_CACHE, "b", &path), NMOS_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_when_nothing_is_given),
        cmocka_unit_test(every_spelling_of_a_value_is_understood),
        cmocka_unit_test(a_list_keeps_every_value_in_order),
        cmocka_unit_test(sizes_know_both_kinds_of_prefixes),
        cmocka_unit_test(wrong_values_are_refused_with_what_is_allowed),
        cmocka_unit_test(unknown_options_get_the_nearest_known_one),
        cmocka_unit_test(commands_that_are_not_built_do_not_exist),
        cmocka_unit_test(a_file_sets_what_the_command_line_does_not),
        cmocka_unit_test(lines_of_named_sections_are_kept_in_their_order),
        cmocka_unit_test(options_of_a_section_are_checked_and_yield_to_the_command_line),
        cmocka_unit_test(mistakes_in_a_file_are_refused_with_their_line),
        cmocka_unit_test(help_and_manual_name_each_option_with_default_and_range),
        cmocka_unit_test(user_paths_follow_the_base_directory_specification),
    };
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
