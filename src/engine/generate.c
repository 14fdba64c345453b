/* SPDX-License-Identifier: MIT */
/* Sampling and generation of the public API: prompt in, text out. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/model.h"
#include "engine/speculation.h"
#include "infer/sampler.h"
#include "tokenizer/utf8_stream.h"

#define PASS_SAMPLES_MAX 4096U /* decode passes whose times the median looks at */

_Static_assert(sizeof(struct nmos_logit_bias) == sizeof(struct sampler_bias), "same layout");

struct nmos_sampler {
    struct sampler *sampler;
};

/* The way through a tree of guesses that the drawn tokens take. */
struct walk {
    const struct guess_tree *tree;
    int32_t path[GUESS_DEPTH_MAX]; /* nodes that were right */
    uint32_t n_path;
    size_t row_i; /* row whose token is drawn next; SIZE_MAX: the way has ended */
};

/* A generation at work. */
struct generator {
    struct nmos_session *session;
    const struct nmos_generation *generation;
    struct nmos_generation_result result;
    struct nmos_sampler *sampler;
    struct utf8_stream stream;
    struct str *stops;
    struct nmos_row *rows; /* [rows_max] */
    int32_t *history;      /* prompt and generated tokens */
    size_t n_history;
    uint32_t n_before;               /* tokens that the session had already */
    int32_t drawn;                   /* by the last pass */
    struct speculation *speculation; /* NULL: nothing is guessed */
    struct walk walk;
    uint64_t *pass_ns;
    uint32_t n_pass_ns;
};

struct nmos_sampling nmos_sampling_default(void)
{
    return (struct nmos_sampling){
        .temp = 0.7F, .top_k = 40, .top_p = 0.95F, .min_p = 0.05F, .repeat_penalty = 1.0F};
}

static struct sampler_params params_of(const struct nmos_sampling *sampling)
{
    return (struct sampler_params){.temp = sampling->temp,
                                   .top_k = sampling->top_k,
                                   .top_p = sampling->top_p,
                                   .min_p = sampling->min_p,
                                   .repeat_penalty = sampling->repeat_penalty,
                                   .presence_penalty = sampling->presence_penalty,
                                   .frequency_penalty = sampling->frequency_penalty,
                                   .seed = sampling->seed,
                                   .bias = (const struct sampler_bias *)sampling->bias,
                                   .n_bias = sampling->n_bias};
}

int nmos_sampler_create(const struct nmos_model *model, const struct nmos_sampling *sampling,
                        struct nmos_sampler **ret_sampler)
{
    const struct sampler_params params = params_of(sampling);
    struct nmos_sampler *made = mem_calloc(MEM_GENERAL, 1, sizeof(*made));
    if (!made) return NMOS_E_NOMEM;
    const int rc = sampler_create(&params, model->info.n_vocab, &made->sampler);
    if (rc < 0) {
        mem_free(made);
        return rc;
    }
    *ret_sampler = made;
    return 0;
}

void nmos_sampler_destroy(struct nmos_sampler **sampler)
{
    if (!sampler || !*sampler) return;
    sampler_destroy(&(*sampler)->sampler);
    mem_free(*sampler);
    *sampler = NULL;
}

int32_t nmos_sampler_draw(struct nmos_sampler *sampler, float *logits, const int32_t *history,
                          size_t n_history, uint64_t position)
{
    return sampler_draw(sampler->sampler, logits, history, n_history, position);
}

/* Draws behind the history and @p n_ahead accepted guesses, which stand behind it in its array. */
static int draw(struct generator *g, float *logits, uint32_t n_ahead)
{
    const size_t n = g->n_history + n_ahead;
    g->drawn = nmos_sampler_draw(g->sampler, logits, g->history, n, g->n_before + n);
    return g->drawn < 0 ? g->drawn : 0;
}

static int draw_token(void *arg, size_t row_i, float *logits)
{
    (void)row_i;
    return draw(arg, logits, 0);
}

/* Feeds history[from, n_history) in passes; the last row's logits give the next token. */
static int feed(struct generator *g, size_t from)
{
    struct nmos_model *model = g->session->model;
    while (from < g->n_history) {
        const size_t left = g->n_history - from;
        const size_t n = left < model->info.rows_max ? left : model->info.rows_max;
        for (size_t i = 0; i < n; i++) {
            g->rows[i] = (struct nmos_row){.session = g->session,
                                           .token = g->history[from + i],
                                           .parent = (int32_t)i - 1,
                                           .wants_logits = from + i + 1 == g->n_history};
        }
        TRY(nmos_forward(model, g->rows, n, draw_token, g));
        TRY(nmos_session_commit(g->session, (uint32_t)n));
        from += n;
    }
    return 0;
}

/* Shows what can be shown. @return 1 when the generation ends here. */
static int show(struct generator *g, struct str text, int is_stopped)
{
    if (text.len) {
        const int rc = g->generation->on_text(g->generation->arg, text.data, text.len);
        if (rc < 0) return rc;
        if (rc > 0) {
            g->result.end = NMOS_END_CALLER;
            return 1;
        }
    }
    if (is_stopped) g->result.end = NMOS_END_STOP;
    return is_stopped;
}

/* Takes a token into the text. @return 1 when it ends the text, 0 to go on. */
static int take_token(struct generator *g, int32_t token)
{
    const struct tokenizer *tokenizer = g->session->model->vocab->tokenizer;
    struct str piece = {0};
    struct str text = {0};
    int is_stopped = 0;
    if (tokenizer_is_end(tokenizer, token)) {
        g->result.end = NMOS_END_TOKEN;
        return 1;
    }
    g->history[g->n_history++] = token;
    g->result.generated_tokens++;
    /* A padded vocabulary has more scores than tokens; such a token has no text. */
    if (token < tokenizer_n_vocab(tokenizer)) {
        TRY(tokenizer_piece(tokenizer, token, &piece));
    }
    TRY(utf8_stream_feed(&g->stream, piece, &text, &is_stopped));
    return show(g, text, is_stopped);
}

/* Draws the token behind each accepted row: where it was guessed, the walk goes on there. */
static int walk_on(void *arg, size_t row_i, float *logits)
{
    struct generator *g = arg;
    struct walk *walk = &g->walk;
    if (row_i != walk->row_i) return 0;
    TRY(draw(g, logits, walk->n_path));
    walk->row_i = SIZE_MAX;
    if (tokenizer_is_end(g->session->model->vocab->tokenizer, g->drawn)) return 0;
    const int32_t at = walk->n_path ? walk->path[walk->n_path - 1] : GUESS_ROOT;
    const int32_t child = guess_tree_child(walk->tree, at, g->drawn);
    if (child == GUESS_ROOT || walk->tree->nodes[child].row < 0) return 0;
    g->history[g->n_history + walk->n_path] = g->drawn;
    walk->path[walk->n_path++] = child;
    walk->row_i = (size_t)walk->tree->nodes[child].row;
    return 0;
}

/* The root, whose token ends the history, and the first n nodes of the tree's order. */
static void fill_rows(struct generator *g, struct guess_tree *tree, uint32_t n)
{
    g->rows[0] = (struct nmos_row){g->session, g->history[g->n_history - 1], -1, 1};
    for (uint32_t i = 0; i < n; i++) {
        struct guess_node *node = &tree->nodes[tree->order[i]];
        const int32_t parent = node->parent == GUESS_ROOT ? 0 : tree->nodes[node->parent].row;
        node->row = (int32_t)i + 1;
        g->rows[i + 1] = (struct nmos_row){g->session, node->token, parent, 1};
    }
}

/* Takes the tokens that were guessed right, and commits what the session would have without
 * guessing: all but the token taken last. @return as take_token(). */
static int take_walk(struct generator *g)
{
    const struct walk *walk = &g->walk;
    uint32_t row_i = 0;
    for (uint32_t i = 0; i < walk->n_path; i++) {
        const struct guess_node *node = &walk->tree->nodes[walk->path[i]];
        const int is_end = take_token(g, node->token);
        if (is_end != 0) {
            TRY(nmos_session_commit_path(g->session, row_i));
            return is_end;
        }
        row_i = (uint32_t)node->row;
    }
    return nmos_session_commit_path(g->session, row_i);
}

/* One pass behind the token taken last, with guesses. @return 1 when the text ended. */
static int step(struct generator *g)
{
    const uint64_t begin = clock_ns();
    if (!g->speculation) return feed(g, g->n_history - 1);
    const uint32_t n_left = g->generation->n_max - g->result.generated_tokens - 1;
    const uint32_t n_places = g->session->model->info.ctx - g->session->table.len - 1;
    uint32_t n = 0;
    struct guess_tree *tree =
        speculation_guess(g->speculation, g->session, g->history[g->n_history - 1], g->history,
                          g->n_history, n_left < n_places ? n_left : n_places, &n);
    if (!tree) return FAIL(NMOS_E_IO, "the draft failed: %s", error_message());
    fill_rows(g, tree, n);
    g->walk = (struct walk){.tree = tree};
    TRY(nmos_forward(g->session->model, g->rows, n + 1, walk_on, g));
    TRY(speculation_learn(g->speculation, g->walk.path, g->walk.n_path, g->drawn, n + 1,
                          (double)(clock_ns() - begin) * 1e-9));
    return take_walk(g);
}

static int decode(struct generator *g)
{
    const uint32_t ctx = g->session->model->info.ctx;
    for (;;) {
        if (g->result.generated_tokens == g->generation->n_max) {
            g->result.end = NMOS_END_LIMIT;
            return 0;
        }
        int is_end = take_token(g, g->drawn);
        if (is_end != 0) return is_end < 0 ? is_end : 0;
        if (g->result.generated_tokens == g->generation->n_max) continue;
        if (g->n_before + g->n_history > ctx) {
            g->result.end = NMOS_END_CONTEXT;
            return 0;
        }
        const uint64_t begin = clock_ns();
        is_end = step(g);
        if (is_end < 0) return is_end;
        if (g->n_pass_ns < PASS_SAMPLES_MAX) g->pass_ns[g->n_pass_ns++] = clock_ns() - begin;
        g->result.decode_passes++;
        if (is_end) return 0;
    }
}

static int generator_init(struct generator *g)
{
    const struct nmos_generation *generation = g->generation;
    const struct nmos_model *model = g->session->model;
    /* The token behind the last position is drawn, though never fed. */
    const size_t n_most = (size_t)model->info.ctx - g->n_before + 1;
    const size_t piece_max = tokenizer_piece_bytes_max(model->vocab->tokenizer);
    g->rows = mem_calloc(MEM_SCRATCH, model->info.rows_max, sizeof(g->rows[0]));
    g->history = mem_calloc(MEM_SCRATCH, n_most, sizeof(g->history[0]));
    g->stops = mem_calloc(MEM_SCRATCH, generation->n_stops, sizeof(g->stops[0]));
    g->pass_ns = mem_calloc(MEM_SCRATCH, PASS_SAMPLES_MAX, sizeof(g->pass_ns[0]));
    if (!g->rows || !g->history || !g->stops || !g->pass_ns) return NMOS_E_NOMEM;
    for (size_t i = 0; i < generation->n_stops; i++) g->stops[i] = str_from(generation->stops[i]);
    TRY(utf8_stream_init(&g->stream, g->stops, generation->n_stops, piece_max));
    TRY(nmos_sampler_create(model, &generation->sampling, &g->sampler));
    if (generation->spec == NMOS_SPEC_OFF) return 0;
    const struct sampler_params params = params_of(&generation->sampling);
    return speculation_create(g->session->model, generation->spec, &params, &g->speculation);
}

static void generator_deinit(struct generator *g)
{
    nmos_sampler_destroy(&g->sampler);
    speculation_destroy(&g->speculation);
    utf8_stream_deinit(&g->stream);
    mem_free(g->rows);
    mem_free(g->history);
    mem_free(g->stops);
    mem_free(g->pass_ns);
}

static int compare_ns(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int generate(struct generator *g)
{
    const uint64_t begin = clock_ns();
    TRY(generator_init(g));
    memcpy(g->history, g->generation->prompt, g->generation->n_prompt * sizeof(int32_t));
    g->n_history = g->generation->n_prompt;
    TRY(feed(g, 0));
    g->result.prefill_ns = clock_ns() - begin;
    g->result.first_token_ns = g->result.prefill_ns;
    TRY(decode(g));
    if (g->result.end != NMOS_END_STOP && g->result.end != NMOS_END_CALLER) {
        const int rc = show(g, utf8_stream_finish(&g->stream), 0);
        if (rc < 0) return rc;
    }
    g->result.decode_ns = clock_ns() - begin - g->result.first_token_ns;
    qsort(g->pass_ns, g->n_pass_ns, sizeof(g->pass_ns[0]), compare_ns);
    if (g->speculation) speculation_report(g->speculation, &g->result);
    if (g->n_pass_ns) g->result.pass_median_ns = g->pass_ns[g->n_pass_ns / 2];
    return 0;
}

int nmos_generate(struct nmos_session *session, const struct nmos_generation *generation,
                  struct nmos_generation_result *ret_result)
{
    const uint32_t room = session->model->info.ctx - session->table.len;
    if (generation->n_prompt == 0) return FAIL(NMOS_E_INVALID, "the prompt is empty");
    if (generation->n_prompt > room) {
        return FAIL(
            NMOS_E_LIMIT,
            "the prompt has %zu tokens, but only %u of the context's %u positions are free; "
            "a larger --ctx gives more",
            generation->n_prompt, room, session->model->info.ctx);
    }
    struct generator g = {
        .session = session, .generation = generation, .n_before = session->table.len};
    g.result.prompt_tokens = (uint32_t)generation->n_prompt;
    const int rc = generate(&g);
    generator_deinit(&g);
    if (rc == 0) *ret_result = g.result;
    return rc;
}
