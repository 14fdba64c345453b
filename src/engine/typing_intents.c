/* SPDX-License-Identifier: MIT */
#include "engine/typing_intents.h"

#include "base/str.h"

int typing_intents_init(struct typing_intents *intents, const struct nmos_typing_options *options)
{
    *intents = (struct typing_intents){.uses = options->intents, .n = options->n_intents};
    if (intents->n > NMOS_INTENTS_MAX) {
        return FAIL(NMOS_E_LIMIT, "%zu intents; %d are possible", intents->n, NMOS_INTENTS_MAX);
    }
    for (size_t i = 0; i < intents->n; i++) {
        size_t at = 0;
        while (at < intents->n_systems &&
               !text_equal(intents->systems[at], intents->uses[i].system)) {
            at++;
        }
        intents->systems[at] = intents->uses[i].system;
        intents->opening_of[i] = at;
        if (at == intents->n_systems) intents->n_systems++;
        intents->p[i] = 1.0 / (double)intents->n;
    }
    return 0;
}

void typing_intents_deinit(struct typing_intents *intents)
{
    openings_destroy(&intents->openings);
}

/* Some intent has a system prompt. */
static int has_systems(const struct typing_intents *intents)
{
    return intents->n_systems > 1 || (intents->n_systems == 1 && intents->systems[0]);
}

int typing_intents_begin(struct typing_intents *intents, int is_open,
                         const struct openings_config *config)
{
    openings_destroy(&intents->openings);
    intents->is_open = is_open;
    if (!is_open || !config || !has_systems(intents)) return 0;
    struct openings_config all = *config;
    all.systems = intents->systems;
    all.n = intents->n_systems;
    return openings_create(&all, &intents->openings);
}

void typing_intents_expect(struct typing_intents *intents, const double *p)
{
    intents->likeliest = 0;
    for (size_t i = 0; i < intents->n; i++) {
        intents->p[i] = p[i];
        if (p[i] > p[intents->likeliest]) intents->likeliest = i;
    }
}

const char *typing_intents_system(const struct typing_intents *intents)
{
    return intents->n && intents->is_open ? intents->uses[intents->likeliest].system : NULL;
}

struct nmos_sampling typing_intents_sampling(const struct typing_intents *intents,
                                             const struct nmos_sampling *usual)
{
    return intents->n ? intents->uses[intents->likeliest].sampling : *usual;
}

/* NaN is no value that a sampler takes. */
static int is_same(float a, float b)
{
    return a <= b && a >= b;
}

int sampling_is_same(const struct nmos_sampling *a, const struct nmos_sampling *b)
{
    return is_same(a->temp, b->temp) && a->top_k == b->top_k && is_same(a->top_p, b->top_p) &&
           is_same(a->min_p, b->min_p) && is_same(a->repeat_penalty, b->repeat_penalty) &&
           is_same(a->presence_penalty, b->presence_penalty) &&
           is_same(a->frequency_penalty, b->frequency_penalty) && a->seed == b->seed &&
           a->bias == b->bias && a->n_bias == b->n_bias;
}

void typing_intents_work(struct typing_intents *intents, struct openings_view *view)
{
    double p[NMOS_INTENTS_MAX] = {0}; /* of intents that begin alike, together */
    if (!intents->openings) return;
    for (size_t i = 0; i < intents->n; i++) p[intents->opening_of[i]] += intents->p[i];
    view->p = p;
    openings_work(intents->openings, view);
    view->p = NULL;
}

int typing_intents_is_reading(const struct typing_intents *intents)
{
    return intents->openings &&
           openings_is_reading(intents->openings, intents->opening_of[intents->likeliest]);
}

uint32_t typing_intents_match(const struct typing_intents *intents, const struct tokens *want)
{
    if (!intents->openings) return 0;
    return openings_match(intents->openings, intents->opening_of[intents->likeliest], want);
}

int typing_intents_lend(const struct typing_intents *intents, struct nmos_session *session,
                        const struct tokens *want)
{
    if (!intents->openings) return 0;
    return openings_lend(intents->openings, intents->opening_of[intents->likeliest], session, want);
}

int typing_intents_are_working(const struct typing_intents *intents)
{
    return intents->openings && openings_are_working(intents->openings);
}

int typing_intents_rest(const struct typing_intents *intents)
{
    return !intents->openings || openings_rest(intents->openings);
}

void typing_intents_stop(struct typing_intents *intents)
{
    if (intents->openings) openings_stop(intents->openings);
}

void typing_intents_close(struct typing_intents *intents)
{
    if (intents->openings) openings_release(intents->openings);
}

uint32_t typing_intents_length(const struct typing_intents *intents)
{
    if (!intents->openings) return 0;
    return openings_length(intents->openings, intents->opening_of[intents->likeliest]);
}

uint32_t typing_intents_ready(const struct typing_intents *intents)
{
    return intents->openings ? openings_ready(intents->openings) : 0;
}
