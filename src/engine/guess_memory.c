/* SPDX-License-Identifier: MIT */
/*
 * The files guesses-*.bin, version 1, for tokens that are drawn and then for those of temperature
 * 0: f32 chance of each bin of each kind, f32 observations of each (infer/guess_odds.h).
 */
#include "engine/guess_memory.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/learned_file.h"

#define NUMBER_BYTES offsetof(struct guess_odds, all)

static_assert(NUMBER_BYTES == sizeof(float) * 2 * GUESS_KINDS * GUESS_BINS,
              "the numbers are written as they lie");

static uint32_t n_apart(const struct nmos_model *model)
{
    return model->learns & NMOS_LEARN_GUESSES ? model->n_intents : 0;
}

/* @p intent: 0: of all texts. */
static struct learned_file file_of(struct nmos_model *model, uint32_t intent)
{
    const uint64_t draft = model->draft ? model_fingerprint(model->draft) : 0;
    return (struct learned_file){.kind = "guesses",
                                 .magic = {'N', 'M', 'O', 'S', 'G', 'U', 'E', '1'},
                                 .fingerprint =
                                     learned_fingerprint_join(model_fingerprint(model), draft),
                                 .intent = intent ? model->intents[intent - 1] : NULL};
}

static int load(struct nmos_model *model, uint32_t intent)
{
    const struct learned_file file = file_of(model, intent);
    struct guess_odds read[2];
    struct buf content = {0};
    int rc = learned_file_load(&file, 2 * NUMBER_BYTES, &content);
    for (int greedy = 0; rc == 0 && greedy < 2; greedy++) {
        memcpy(&read[greedy], content.data + (size_t)greedy * NUMBER_BYTES, NUMBER_BYTES);
        if (!guess_odds_are_sound(&read[greedy])) {
            rc = learned_file_reject(&file, "it has numbers that cannot be");
        }
    }
    for (int greedy = 0; rc == 0 && greedy < 2; greedy++) {
        memcpy(&model->odds[intent][greedy], &read[greedy], NUMBER_BYTES);
    }
    buf_deinit(&content);
    return rc;
}

int guess_memory_open(struct nmos_model *model)
{
    const uint32_t n = n_apart(model);
    model->odds = mem_calloc(MEM_GENERAL, 1 + (size_t)n, sizeof(model->odds[0]));
    if (!model->odds) return NMOS_E_NOMEM;
    for (int greedy = 0; greedy < 2; greedy++) {
        guess_odds_init(&model->odds[0][greedy], greedy);
        for (uint32_t i = 1; i <= n; i++) {
            guess_odds_init_apart(&model->odds[i][greedy], &model->odds[0][greedy]);
        }
    }
    for (uint32_t i = 0; n && i <= n; i++) {
        const int rc = load(model, i);
        if (rc == NMOS_E_NOMEM) return rc;
        if (rc < 0) LOG_INFO("nothing was learned about guesses: %s", error_message());
    }
    return 0;
}

static int store(struct nmos_model *model, uint32_t intent)
{
    const struct learned_file file = file_of(model, intent);
    struct buf content = {0};
    int rc = 0;
    for (int greedy = 0; rc == 0 && greedy < 2; greedy++) {
        rc = buf_append(&content, &model->odds[intent][greedy], NUMBER_BYTES);
    }
    if (rc == 0) rc = learned_file_store(&file, &content);
    buf_deinit(&content);
    return rc;
}

void guess_memory_close(struct nmos_model *model)
{
    const uint32_t n = model->odds ? n_apart(model) : 0;
    for (uint32_t i = 0; n && model->stats.passes && i <= n; i++) {
        if (store(model, i) < 0) {
            LOG_INFO("what was learned about guesses is not kept: %s", error_message());
            break;
        }
    }
    mem_free(model->odds);
    model->odds = NULL;
}
