/* SPDX-License-Identifier: MIT */
#include "engine/typing_experts.h"

#include <string.h>

#include "base/log.h"
#include "engine/memory_view.h"
#include "engine/model.h"
#include "engine/scheduler.h"

int typing_experts_init(struct typing_experts *experts, struct nmos_model *model,
                        const struct nmos_typing_options *options)
{
    const struct hparams *hp = &model->map->hp;
    *experts = (struct typing_experts){.model = model, .session = options->session};
    if (options->anticipation == NMOS_ANTICIPATE_OFF || !(model->learns & NMOS_LEARN_EXPERTS)) {
        return 0;
    }
    experts->scheduler = options->scheduler;
    if (!options->memory || !model->experts) return 0;
    TRY(expert_first_init(&experts->first, hp->n_layers, hp->n_experts));
    experts->memory = options->memory;
    experts->session->first = &experts->first;
    return 0;
}

void typing_experts_deinit(struct typing_experts *experts)
{
    if (experts->memory) experts->session->first = NULL;
    expert_first_deinit(&experts->first);
}

void typing_experts_begin(struct typing_experts *experts)
{
    experts->is_counted_anew = 1;
    experts->likely = (struct expert_likely){0};
}

void typing_experts_start_job(struct typing_experts *experts)
{
    if (experts->memory && experts->is_counted_anew) expert_first_restart(&experts->first);
    experts->is_counted_anew = 0;
}

void typing_experts_expect(struct typing_experts *experts, const double *p)
{
    if (!experts->scheduler) return;
    memcpy(experts->p, p, sizeof(experts->p));
    scheduler_expect(experts->scheduler, p, &experts->likely);
}

void typing_experts_follow(struct typing_experts *experts, struct str line)
{
    const int64_t before = experts->likely.number;
    if (!experts->memory) return;
    memory_find_experts(experts->memory, model_fingerprint(experts->model), line, &experts->likely);
    if (before || experts->likely.number) {
        scheduler_expect(experts->scheduler, experts->p, &experts->likely);
    }
}

void typing_experts_answered(struct typing_experts *experts)
{
    experts->has_answered = experts->memory != NULL;
}

void typing_experts_keep(struct typing_experts *experts, struct str line)
{
    if (!experts->has_answered) return;
    experts->has_answered = 0;
    const int rc = memory_keep_experts(experts->memory, model_fingerprint(experts->model), line,
                                       &experts->first);
    if (rc < 0) LOG_INFO("the experts of a prompt are not kept: %s", error_message());
}
