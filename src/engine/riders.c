/* SPDX-License-Identifier: MIT */
/* Who has rows for the next pass of a scheduler, and who waits for a page that another one reads.
 */
#include "base/clock.h"
#include "engine/model.h"
#include "engine/scheduler.h"
#include "infer/weight_source.h"

int scheduler_is_loading(const struct nmos_scheduler *s)
{
    struct stream_stats stats;
    stream_stats(weight_source_stream(s->model->weights), &stats);
    return stats.pinned_ready < stats.pinned_bytes;
}

uint64_t scheduler_may_begin_ns(const struct nmos_scheduler *s, const struct nmos_job *job,
                                uint64_t now_ns)
{
    if (!scheduler_is_ahead(job)) return 0;
    if (job->info.generated_tokens >= job->ahead_max) return UINT64_MAX;
    if (job->rest_ns && now_ns >= job->rest_ns) return UINT64_MAX;
    if (now_ns < job->wait_ns) return job->wait_ns;
    if (job->after_loading && scheduler_is_loading(s))
        return now_ns + SCHEDULER_LOADING_MS * UINT64_C(1000000);
    return 0;
}

/* Passes until the job has ended: an answer that is longer than most will probably go on for half
 * as long again. */
static double expected_passes(const struct nmos_scheduler *s, const struct nmos_job *job,
                              const struct generator_progress *at)
{
    const double left = s->mean_tokens - at->generated;
    const double more = left > at->generated * 0.5 ? left : at->generated * 0.5;
    const double most = (double)job->n_max - at->generated;
    const double tokens = more < most ? more : most;
    const double per_pass = at->decode_passes ? (double)at->generated / at->decode_passes : 1;
    const double prompt = job->info.prompt_tokens - at->fed;
    return prompt / s->model->info.rows_max + tokens / (per_pass > 1 ? per_pass : 1);
}

/* Takes over what has become known of a prompt, and finds out which page it fills next. */
static void look_for_pages(const struct nmos_scheduler *s, struct nmos_job *job, uint64_t now_ns)
{
    const int32_t *coming = NULL;
    generator_adopt(job->generator);
    const size_t n = generator_coming(job->generator, &coming);
    job->fills_page = n && scheduler_may_begin_ns(s, job, now_ns) == 0 &&
                      session_next_page(job->session, coming, n, &job->next_page);
}

/* Of two that fill the same page, the one that does: the more urgent one, else the one that has
 * come further in it, else the one with less to read. */
static int fills_it(const struct nmos_job *a, const struct nmos_job *b)
{
    const uint32_t len[2] = {a->session->table.len, b->session->table.len};
    if (scheduler_is_ahead(a) != scheduler_is_ahead(b)) return scheduler_is_ahead(b);
    if (len[0] != len[1]) return len[0] > len[1];
    if (a->len_most != b->len_most) return a->len_most < b->len_most;
    return a->number < b->number;
}

/* Somebody else reads the same text into a page: it is shared when it is full. */
static int waits_for_page(const struct nmos_scheduler *s, const struct nmos_job *job)
{
    for (uint32_t i = 0; job->fills_page && i < s->n_running; i++) {
        const struct nmos_job *other = s->running[i];
        if (other != job && other->fills_page && other->next_page.key == job->next_page.key &&
            other->next_page.before == job->next_page.before && fills_it(other, job)) {
            return 1;
        }
    }
    return 0;
}

uint32_t scheduler_choose_riders(struct nmos_scheduler *s)
{
    const uint64_t now_ns = clock_ns();
    s->n_riders = 0;
    for (uint32_t i = 0; i < s->n_running; i++) look_for_pages(s, s->running[i], now_ns);
    for (uint32_t i = 0; i < s->n_running; i++) {
        const struct nmos_job *job = s->running[i];
        struct generator_progress at;
        generator_progress(job->generator, &at);
        const uint32_t n_prompt = job->info.prompt_tokens - at.fed;
        if (scheduler_may_begin_ns(s, job, now_ns) > 0 || waits_for_page(s, job)) continue;
        s->riders[s->n_riders++] = (struct rider){.n_wanted = n_prompt ? n_prompt : 1,
                                                  .is_prompt = n_prompt > 0,
                                                  .is_ahead = scheduler_is_ahead(job),
                                                  .n_left_out = job->n_left_out,
                                                  .expected = expected_passes(s, job, &at),
                                                  .number = job->number,
                                                  .job_i = i};
    }
    return s->n_riders;
}
