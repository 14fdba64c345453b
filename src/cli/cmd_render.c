/* SPDX-License-Identifier: MIT */
/* nmos render: a conversation on stdin to the prompt that a chat template makes of it. */
#include <nmos/nmos.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/output.h"

#define TEMPLATE_BYTES_MAX ((size_t)1 << 20)
#define INPUT_BYTES_MAX    ((size_t)16 << 20)

static int open_template(const struct cli_options *options, struct nmos_template **ret_template)
{
    struct nmos_file *file = NULL;
    struct buf text = {0};
    if (!options->model && !options->chat_template) {
        return FAIL(NMOS_E_INVALID, "render needs a model (-m FILE) or --chat-template FILE");
    }
    int rc = options->model ? nmos_file_open(options->model, &file) : 0;
    if (rc == 0 && options->chat_template) {
        rc = buf_reserve(&text, 1); /* an empty file is an empty template, not none */
        if (rc == 0) rc = buf_read_file(&text, options->chat_template, TEMPLATE_BYTES_MAX);
    }
    if (rc == 0) rc = nmos_template_create(file, text.data, text.len, ret_template);
    buf_deinit(&text);
    nmos_file_close(&file);
    return rc;
}

int cmd_render(const struct cli_options *options)
{
    struct nmos_template *chat_template = NULL;
    struct buf input = {0};
    char *prompt = NULL;
    size_t prompt_bytes = 0;
    TRY(open_template(options, &chat_template));
    int rc = buf_read_file(&input, "-", INPUT_BYTES_MAX);
    if (rc == 0) {
        rc =
            nmos_template_render_json(chat_template, input.data, input.len, &prompt, &prompt_bytes);
        /* The messages are data: a template that refuses them is no wrong usage. */
        if (rc == NMOS_E_INVALID) rc = NMOS_E_CORRUPT;
    }
    if (rc == 0) rc = output_write(prompt, prompt_bytes);
    nmos_free(prompt);
    buf_deinit(&input);
    nmos_template_destroy(&chat_template);
    return rc;
}
