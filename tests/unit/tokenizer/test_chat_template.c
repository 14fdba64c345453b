/* SPDX-License-Identifier: MIT */
/* Proves that a template is parsed once and rendered by any number of threads, that hostile ones
   end in a message, and that memory is given back whichever allocation fails. What each construct
   means is proved by the golden cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/threadpool.h"
#include "tokenizer/chat_template.h"

static const struct chat_tokens tokens = {"<s>", "</s>"};

/* A template that walks through most of the interpreter. */
static const char rich[] =
    "{% macro f(x, y=2) %}{{ x }}{{ y }}{{ caller() if caller }}{% endmacro %}"
    "{% set ns = namespace(n=0) %}{{ bos_token }}"
    "{% for m in messages if m.role != 'x' %}{% set ns.n = ns.n + loop.index %}"
    "{{ m | tojson(indent=2) }}{{ m.content.split(' ') | map('upper') | join('-') }}{% else %}{% "
    "endfor %}"
    "{% call f(ns.n) %}{{ '%s' % [1, 2][::-1] }}{% endcall %}{{ {'a': 1} | dictsort | list }}"
    "{% set b %}text{% endset %}{{ b | trim ~ eos_token }}";

static int render(const char *text, const char *json, struct buf *ret)
{
    struct chat_template *chat_template = NULL;
    TRY(chat_template_create(str_from(text), &chat_template));
    const int rc = chat_template_render_json(chat_template, str_from(json), &tokens, ret);
    chat_template_destroy(&chat_template);
    return rc;
}

static void expect_failure(const char *text, int rc, const char *message)
{
    struct buf out = {0};
    assert_int_equal(render(text, "{\"messages\": []}", &out), rc);
    assert_non_null(strstr(error_message(), message));
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

static void hostile_templates_end_in_a_message(void **state)
{
    (void)state;
    expect_failure("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", NMOS_E_LIMIT, "deep");
    expect_failure("{% set x = 'a' * 5000000 %}{% for i in range(99999) %}{% if 'b' in x %}"
                   "{% endif %}{% endfor %}",
                   NMOS_E_LIMIT, "steps of work");
    expect_failure("{% set ns = namespace(x='a') %}{% for i in range(99) %}"
                   "{% set ns.x = ns.x + ns.x %}{% endfor %}",
                   NMOS_E_LIMIT, "memory");
    expect_failure("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}", NMOS_E_LIMIT, "deep");
    expect_failure("{{ 9223372036854775807 + 1 }}", NMOS_E_LIMIT, "64 bits");
    expect_failure("{{ (-9223372036854775807 - 1) // -1 }}", NMOS_E_LIMIT, "64 bits");
}

static void what_the_template_raises_is_the_message(void **state)
{
    (void)state;
    expect_failure("{{ raise_exception('no ' ~ 'system') }}", NMOS_E_INVALID, "no system");
    assert_string_equal(error_message(), "no system");
}

static void the_conversation_is_checked(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(render("", "{}", &out), NMOS_E_INVALID);
    assert_int_equal(render("", "[", &out), NMOS_E_CORRUPT);
    assert_int_equal(render("", "{\"messages\": [], \"strftime_now\": \"noon\"}", &out),
                     NMOS_E_INVALID);
    buf_deinit(&out);
}

static const char conversation[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"a b\"}]}";

static void every_failing_allocation_is_reported_and_nothing_is_lost(void **state)
{
    (void)state;
    const size_t held = mem_used(MEM_GENERAL);
    int rc = -1;
    int n = 0;
    for (; rc < 0 && n < 1000; n++) {
        struct buf out = {0};
        mem_fail_after(n);
        rc = render(rich, conversation, &out);
        mem_fail_after(-1);
        if (rc < 0) assert_true(error_message()[0] != '\0');
        buf_deinit(&out);
        assert_int_equal(mem_used(MEM_GENERAL), held);
    }
    assert_true(n > 3 && n < 1000);
}

struct shared {
    const struct chat_template *chat_template;
    struct buf texts[8];
    int rcs[8];
};

static void render_one(void *arg, int task, int worker)
{
    (void)worker;
    struct shared *shared = arg;
    shared->rcs[task] = chat_template_render_json(shared->chat_template, str_from(conversation),
                                                  &tokens, &shared->texts[task]);
}

static void one_template_serves_several_threads(void **state)
{
    (void)state;
    struct chat_template *chat_template = NULL;
    struct threadpool *pool = NULL;
    struct shared shared = {0};
    assert_int_equal(chat_template_create(str_from(rich), &chat_template), 0);
    assert_int_equal(threadpool_create(4, &pool), 0);
    shared.chat_template = chat_template;
    threadpool_run(pool, render_one, &shared, 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(shared.rcs[i], 0);
        assert_true(shared.texts[0].len > 10);
        assert_string_equal(shared.texts[i].data, shared.texts[0].data);
    }
    for (int i = 0; i < 8; i++) buf_deinit(&shared.texts[i]);
    threadpool_destroy(&pool);
    chat_template_destroy(&chat_template);
}

/* A template that grows one text over a long conversation must not copy it each time. */
static void appending_in_a_loop_takes_memory_once(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(render("{% set ns = namespace(s='') %}{% for i in range(20000) %}"
                            "{% set ns.s = ns.s + '0123456789' %}{% endfor %}{{ ns.s | length }}",
                            conversation, &out),
                     0);
    assert_string_equal(out.data, "200000");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_templates_end_in_a_message),
        cmocka_unit_test(what_the_template_raises_is_the_message),
        cmocka_unit_test(the_conversation_is_checked),
        cmocka_unit_test(every_failing_allocation_is_reported_and_nothing_is_lost),
        cmocka_unit_test(one_template_serves_several_threads),
        cmocka_unit_test(appending_in_a_loop_takes_memory_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
