/* SPDX-License-Identifier: MIT */
/* Proves that the public calls render messages and conversations, and hand over text that
   nmos_free() takes back. */
#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
                           "{% if add_generation_prompt %}[assistant]{% endif %}";

static void messages_become_a_prompt(void **state)
{
    (void)state;
    struct nmos_template *chat_template = NULL;
    const struct nmos_message messages[] = {{"system", "Be brief."}, {"user", "h\xc3\xa9"}};
    char *prompt = NULL;
    size_t n = 0;
    assert_int_equal(nmos_template_create(NULL, text, strlen(text), &chat_template), 0);
    assert_int_equal(nmos_template_render(chat_template, messages, 2, &prompt, &n), 0);
    assert_string_equal(prompt, "[system]Be brief.[user]h\xc3\xa9[assistant]");
    assert_int_equal(n, strlen(prompt));
    nmos_free(prompt);
    const char json[] = "{\"messages\": []}";
    assert_int_equal(nmos_template_render_json(chat_template, json, strlen(json), &prompt, NULL),
                     0);
    assert_string_equal(prompt, "");
    nmos_free(prompt);
    nmos_template_destroy(&chat_template);
    assert_null(chat_template);
    nmos_template_destroy(&chat_template);
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    struct nmos_template *chat_template = NULL;
    const struct nmos_message message = {"user", "\xff"};
    char *prompt = NULL;
    assert_int_equal(nmos_template_create(NULL, text, strlen(text), &chat_template), 0);
    assert_int_equal(nmos_template_render(chat_template, &message, 1, &prompt, NULL),
                     NMOS_E_INVALID);
    assert_null(prompt);
    assert_non_null(strstr(nmos_last_error(), "message 0"));
    nmos_template_destroy(&chat_template);
}

static void a_template_that_cannot_be_had_says_why(void **state)
{
    (void)state;
    struct nmos_template *chat_template = NULL;
    assert_int_equal(nmos_template_create(NULL, NULL, 0, &chat_template), NMOS_E_UNSUPPORTED);
    assert_non_null(strstr(nmos_last_error(), "--chat-template"));
    assert_int_equal(nmos_template_create(NULL, "{% if", 5, &chat_template), NMOS_E_CORRUPT);
    assert_null(chat_template);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_become_a_prompt),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(a_template_that_cannot_be_had_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
