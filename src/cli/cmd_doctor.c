/* SPDX-License-Identifier: MIT */
/* nmos doctor: findings about this machine, each with a remedy where one is needed. */
#include <nmos/nmos.h>

#include "base/mem.h"
#include "cli/bundled.h"
#include "cli/cli.h"
#include "cli/output.h"

struct report {
    json_t *list; /* with --json */
    int rc;
};

static void print_finding(void *arg, const struct nmos_finding *finding)
{
    struct report *report = arg;
    if (report->rc < 0) return;
    if (report->list) {
        json_t *object =
            json_pack("{s:s,s:s,s:b,s:s?}", "subject", finding->subject, "text", finding->text,
                      "ok", finding->remedy == NULL, "remedy", finding->remedy);
        if (json_array_append_new(report->list, object) != 0) report->rc = NMOS_E_NOMEM;
        return;
    }
    report->rc = output_printf("%-4s %-18s %s\n", finding->remedy ? "note" : "ok", finding->subject,
                               finding->text);
    if (report->rc == 0 && finding->remedy) {
        report->rc = output_printf("     %-18s %s\n", "", finding->remedy);
    }
}

int cmd_doctor(const struct cli_options *options)
{
    struct report report = {.list = options->json ? json_array() : NULL};
    char *bundled = NULL;
    int rc = options->model ? 0 : bundled_find(BUNDLED_ORACLE, &bundled);
    if (rc == 0) rc = nmos_doctor(bundled ? bundled : options->model, print_finding, &report);
    mem_free(bundled);
    if (rc == 0) rc = report.rc;
    if (rc == 0 && options->json)
        return output_json(json_pack("{s:o}", "findings", report.list), 0);
    json_decref(report.list);
    return rc;
}
