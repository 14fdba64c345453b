/* SPDX-License-Identifier: MIT */
#include "engine/generator.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/model.h"
#include "engine/speculation.h"
#include "tokenizer/utf8_stream.h"

#define PASS_SAMPLES_MAX 4096U /* decode passes whose times the median looks at */

_Static_assert(sizeof(struct nmos_logit_bias) == sizeof(struct sampler_bias), "same layout");

/* The way through a tree of guesses that the drawn tokens take. */
struct walk {
    const struct guess_tree *tree;
    int32_t path[GUESS_DEPTH_MAX]; /* nodes that were right */
    uint32_t n_path;
    size_t row_i; /* row whose token is drawn next; SIZE_MAX: the way has ended */
};

struct generator {
    struct nmos_model *model;
    struct nmos_session *session;
    struct nmos_generation settings; /* what it borrowed is NULL */
    struct nmos_generation_result result;
    struct sampler *sampler;
    struct utf8_stream stream;
    struct str *stops; /* [settings.n_stops] texts of its own */
    int32_t *past;     /* the session's last tokens, at most SAMPLER_WINDOW, and the history */
    uint32_t n_past;   /* tokens of the session in front of the history */
    int32_t *history;  /* prompt and generated tokens */
    size_t n_history;
    size_t n_history_max;
    size_t n_fed;                    /* of the history, in the session */
    uint32_t n_before;               /* tokens that the session had already */
    uint32_t n_rows;                 /* in the pass at work */
    int32_t drawn;                   /* by the last pass */
    int is_drawn;                    /* ... before the first pass, and not taken yet */
    struct speculation *speculation; /* NULL: nothing is guessed */
    struct walk walk;                /* its tree is NULL where the rows are a chain */
    uint64_t begin_ns;
    uint64_t pass_begin_ns;
    uint64_t *pass_ns; /* [PASS_SAMPLES_MAX] */
    uint32_t n_pass_ns;
};

struct sampler_params generator_sampler_params(const struct nmos_sampling *sampling)
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

/* ---- Beginning and end ---- */

/* Tokens that prompt and text can have: the one behind the last position is drawn, though never
 * fed. */
static size_t history_max(const struct nmos_model *model, const struct nmos_generation *generation)
{
    const size_t n_most = (size_t)model->info.ctx + 1;
    if (generation->n_prompt >= n_most) return generation->n_prompt;
    const size_t left = n_most - generation->n_prompt;
    return generation->n_prompt + (generation->n_max < left ? generation->n_max : left);
}

static int copy_stops(struct generator *g, const struct nmos_generation *generation)
{
    g->stops = mem_calloc(MEM_GENERAL, generation->n_stops, sizeof(g->stops[0]));
    if (!g->stops) return NMOS_E_NOMEM;
    for (size_t i = 0; i < generation->n_stops; i++) {
        const size_t len = strlen(generation->stops[i]);
        char *text = mem_strndup(MEM_GENERAL, generation->stops[i], len);
        if (!text) return NMOS_E_NOMEM;
        g->stops[i] = (struct str){text, len};
    }
    return 0;
}

static int generator_init(struct generator *g, const struct nmos_generation *generation)
{
    const struct nmos_model *model = g->model;
    const struct sampler_params params = generator_sampler_params(&generation->sampling);
    const size_t piece_max = tokenizer_piece_bytes_max(model->vocab->tokenizer);
    g->begin_ns = clock_ns();
    g->n_history_max = history_max(model, generation);
    g->past = mem_calloc(MEM_SCRATCH, SAMPLER_WINDOW + g->n_history_max, sizeof(g->past[0]));
    g->pass_ns = mem_calloc(MEM_SCRATCH, PASS_SAMPLES_MAX, sizeof(g->pass_ns[0]));
    if (!g->past || !g->pass_ns) return NMOS_E_NOMEM;
    g->history = g->past + SAMPLER_WINDOW;
    if (generation->n_prompt) {
        memcpy(g->history, generation->prompt, generation->n_prompt * sizeof(int32_t));
    }
    g->n_history = generation->n_prompt;
    g->result.prompt_tokens = (uint32_t)generation->n_prompt;
    TRY(copy_stops(g, generation));
    TRY(utf8_stream_init(&g->stream, g->stops, generation->n_stops, piece_max));
    TRY(sampler_create(&params, model->info.n_vocab, &g->sampler));
    if (generation->spec == NMOS_SPEC_OFF || generation->n_max == 0) return 0;
    TRY(speculation_create(g->model, generation->spec, generation->accept, &params,
                           &g->speculation));
    speculation_set_intent(g->speculation, generation->intent);
    return 0;
}

void generator_set_intent(struct generator *g, uint32_t intent)
{
    g->settings.intent = intent;
    if (g->speculation) speculation_set_intent(g->speculation, intent);
}

int generator_create(struct nmos_model *model, const struct nmos_generation *generation,
                     struct generator **ret_generator)
{
    if (generation->n_prompt == 0 && generation->n_max == 0) {
        return FAIL(NMOS_E_INVALID, "the prompt is empty, and nothing is to be generated");
    }
    if (generation->accept == NMOS_ACCEPT_REJECTION &&
        (generation->spec == NMOS_SPEC_NGRAM || generation->spec == NMOS_SPEC_TREE)) {
        return FAIL(NMOS_E_INVALID,
                    "only a chain that a draft has drawn can be accepted by rejection, not guesses "
                    "of the text or a tree");
    }
    if (generation->intent > model->n_intents) {
        return FAIL(NMOS_E_INVALID, "intent %u of the %u that the model tells apart",
                    generation->intent, model->n_intents);
    }
    struct generator *g = mem_calloc(MEM_GENERAL, 1, sizeof(*g));
    if (!g) return NMOS_E_NOMEM;
    g->model = model;
    g->settings = *generation;
    const int rc = generator_init(g, generation);
    g->settings.prompt = NULL;
    g->settings.stops = NULL;
    g->settings.sampling.bias = NULL;
    if (rc < 0) {
        generator_destroy(&g);
        return rc;
    }
    *ret_generator = g;
    return 0;
}

void generator_destroy(struct generator **generator)
{
    struct generator *g = *generator;
    if (!g) return;
    sampler_destroy(&g->sampler);
    speculation_destroy(&g->speculation);
    utf8_stream_deinit(&g->stream);
    for (size_t i = 0; g->stops && i < g->settings.n_stops; i++) {
        mem_free((void *)(uintptr_t)g->stops[i].data);
    }
    mem_free(g->stops);
    mem_free(g->past);
    mem_free(g->pass_ns);
    mem_free(g);
    *generator = NULL;
}

static int draw(struct generator *g, float *logits);

/* Without a prompt the first token comes from the logits that the session has kept. */
static int draw_at_once(struct generator *g)
{
    struct nmos_session *session = g->session;
    if (session->table.len == 0) {
        return FAIL(NMOS_E_INVALID, "the prompt is empty: there is no text to go on from");
    }
    if (session->logits_len != session->table.len) {
        return FAIL(NMOS_E_INVALID,
                    "the prompt is empty, and what follows the session's %u tokens is not known",
                    session->table.len);
    }
    TRY(draw(g, session->logits));
    session->logits_len = SESSION_NO_LOGITS; /* the sampler has changed them */
    g->is_drawn = 1;
    g->result.first_token_ns = clock_ns() - g->begin_ns;
    return 0;
}

int generator_start(struct generator *g, struct nmos_session *session)
{
    const uint32_t ctx = g->model->info.ctx;
    const uint32_t room = ctx - session->table.len;
    if (g->n_history > room) {
        return FAIL(
            NMOS_E_LIMIT,
            "the prompt has %zu tokens, but only %u of the context's %u positions are free; "
            "a larger --ctx gives more",
            g->n_history, room, ctx);
    }
    g->session = session;
    g->n_before = session->table.len;
    g->n_past = g->n_before < SAMPLER_WINDOW ? g->n_before : SAMPLER_WINDOW;
    memcpy(g->history - g->n_past, session->tokens + g->n_before - g->n_past,
           g->n_past * sizeof(g->history[0]));
    if (g->speculation) TRY(speculation_begin(g->speculation, session));
    return g->n_history ? 0 : draw_at_once(g);
}

/* ---- Text ---- */

static int take_drawn(struct generator *g);
static int finish(struct generator *g);

/* Shows what can be shown. @return 1 when the generation ends here. */
static int show(struct generator *g, struct str text, int is_stopped)
{
    if (text.len) {
        const int rc = g->settings.on_text(g->settings.arg, text.data, text.len);
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
    const struct tokenizer *tokenizer = g->model->vocab->tokenizer;
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

/* ---- Rows ---- */

/* What of the history the session has not seen: the prompt, or the token taken last. */
static uint32_t chain_rows(struct generator *g, struct nmos_row *rows, size_t first,
                           uint32_t n_most)
{
    const size_t left = g->n_history - g->n_fed;
    const uint32_t n = left < n_most ? (uint32_t)left : n_most;
    for (uint32_t i = 0; i < n; i++) {
        const int is_last = g->n_fed + i + 1 == g->n_history;
        rows[first + i] = (struct nmos_row){.session = g->session,
                                            .token = g->history[g->n_fed + i],
                                            .parent = i ? (int32_t)(first + i - 1) : -1,
                                            .wants_logits = is_last && g->settings.n_max > 0};
    }
    g->walk = (struct walk){0};
    return n;
}

/* The root, whose token ends the history, and the first n nodes of the tree's order. */
static void tree_rows(struct generator *g, struct nmos_row *rows, size_t first,
                      struct guess_tree *tree, uint32_t n)
{
    rows[first] = (struct nmos_row){g->session, g->history[g->n_history - 1], -1, 1};
    for (uint32_t i = 0; i < n; i++) {
        struct guess_node *node = &tree->nodes[tree->order[i]];
        const int32_t parent = node->parent == GUESS_ROOT ? 0 : tree->nodes[node->parent].row;
        node->row = (int32_t)i + 1;
        rows[first + i + 1] =
            (struct nmos_row){g->session, node->token, (int32_t)first + parent, 1};
    }
    g->walk = (struct walk){.tree = tree};
}

static int take_first(struct generator *g)
{
    if (!g->is_drawn) return 0;
    g->is_drawn = 0;
    const int is_end = take_drawn(g);
    return is_end > 0 ? finish(g) : is_end;
}

size_t generator_coming(const struct generator *g, const int32_t **ret_tokens)
{
    const size_t n_prompt = g->result.prompt_tokens;
    *ret_tokens = g->history + g->n_fed;
    return g->n_fed < n_prompt ? n_prompt - g->n_fed - 1 : 0;
}

void generator_adopt(struct generator *g)
{
    const int32_t *coming = NULL;
    const size_t n = generator_coming(g, &coming);
    if (n) g->n_fed += session_adopt(g->session, coming, n);
}

int generator_rows(struct generator *g, struct nmos_row *rows, size_t first,
                   const struct generator_share *share, uint32_t *ret_n)
{
    const int is_prefill = g->n_fed < g->result.prompt_tokens;
    *ret_n = 0;
    const int is_end = take_first(g);
    if (is_end != 0) return is_end;
    g->session->intent = g->model->learns & NMOS_LEARN_EXPERTS ? g->settings.intent : 0;
    g->pass_begin_ns = clock_ns();
    generator_adopt(g);
    const uint32_t room = nmos_session_room(g->session);
    const uint32_t n_most = share->n_most < room ? share->n_most : room;
    if (is_prefill || !g->speculation) {
        g->n_rows = chain_rows(g, rows, first, n_most);
        *ret_n = g->n_rows;
        return 0;
    }
    const uint32_t n_left = g->settings.n_max - g->result.generated_tokens - 1;
    const uint32_t n_places = g->model->info.ctx - g->session->table.len - 1;
    const struct guess_step step = {.root = g->history[g->n_history - 1],
                                    .history = g->history - g->n_past,
                                    .n_history = g->n_past + g->n_history,
                                    .n_room = n_left < n_places ? n_left : n_places,
                                    .n_rows_most = n_most,
                                    .n_fixed = g->settings.n_guesses,
                                    .n_beside = share->n_beside};
    uint32_t n = 0;
    struct guess_tree *tree = speculation_guess(g->speculation, g->session, &step, &n);
    if (!tree) return FAIL(NMOS_E_IO, "the draft failed: %s", error_message());
    tree_rows(g, rows, first, tree, n);
    g->n_rows = n + 1;
    *ret_n = g->n_rows;
    return 0;
}

/* ---- Logits ---- */

/* Draws behind the history and the guesses accepted so far, which stand behind it in its array. */
static int draw(struct generator *g, float *logits)
{
    const struct walk *walk = &g->walk;
    const size_t n = g->n_history + walk->n_path;
    const struct sampler_proposal *proposal =
        walk->tree ? speculation_proposal(g->speculation, walk->n_path) : NULL;
    struct nmos_session *session = g->session;
    if (logits != session->logits) {
        /* Kept for who saves the session, before the sampler changes them. */
        memcpy(session->logits, logits, g->model->info.n_vocab * sizeof(float));
        session->logits_len = g->n_before + (uint32_t)n;
    }
    const int32_t *seen = g->history - g->n_past;
    const size_t n_seen = g->n_past + n;
    const uint64_t position = g->n_before + n;
    g->drawn = proposal ? sampler_accept(g->sampler, logits, seen, n_seen, position, proposal)
                        : sampler_draw(g->sampler, logits, seen, n_seen, position);
    return g->drawn < 0 ? g->drawn : 0;
}

/* Draws the token behind each accepted row: where it was guessed, the walk goes on there. */
int generator_logits(struct generator *g, size_t row_i, float *logits)
{
    struct walk *walk = &g->walk;
    if (!walk->tree) return draw(g, logits);
    if (row_i != walk->row_i) return 0;
    TRY(draw(g, logits));
    walk->row_i = SIZE_MAX;
    if (tokenizer_is_end(g->model->vocab->tokenizer, g->drawn)) return 0;
    const int32_t at = walk->n_path ? walk->path[walk->n_path - 1] : GUESS_ROOT;
    const int32_t child = guess_tree_child(walk->tree, at, g->drawn);
    if (child == GUESS_ROOT || walk->tree->nodes[child].row < 0) return 0;
    g->history[g->n_history + walk->n_path] = g->drawn;
    walk->path[walk->n_path++] = child;
    walk->row_i = (size_t)walk->tree->nodes[child].row;
    return 0;
}

/* ---- After a pass ---- */

/* Takes the tokens that were guessed right, and commits what the session would have without
 * guessing: all but the token taken last. @return as take_token(). */
static int take_walk(struct generator *g)
{
    const struct walk *walk = &g->walk;
    uint32_t row_i = 0;
    TRY(speculation_learn(g->speculation, walk->path, walk->n_path, g->drawn, g->n_rows));
    for (uint32_t i = 0; i < walk->n_path; i++) {
        const struct guess_node *node = &walk->tree->nodes[walk->path[i]];
        const int is_end = take_token(g, node->token);
        if (is_end != 0) {
            TRY(nmos_session_commit_path(g->session, row_i));
            return is_end;
        }
        row_i = (uint32_t)node->row;
    }
    g->n_fed = g->n_history;
    return nmos_session_commit_path(g->session, row_i);
}

/* Takes the token drawn by the last pass. @return 1 when the generation ends with it or before. */
static int take_drawn(struct generator *g)
{
    if (g->settings.n_max > 0) {
        const int is_end = take_token(g, g->drawn);
        if (is_end != 0) return is_end;
    }
    if (g->result.generated_tokens == g->settings.n_max) {
        g->result.end = NMOS_END_LIMIT;
        return 1;
    }
    if (g->n_before + g->n_history > g->model->info.ctx) {
        g->result.end = NMOS_END_CONTEXT;
        return 1;
    }
    return 0;
}

static int advance_chain(struct generator *g)
{
    const int is_prefill = g->n_fed < g->result.prompt_tokens;
    TRY(nmos_session_commit(g->session, g->n_rows));
    g->n_fed += g->n_rows;
    if (!is_prefill) return 0;
    g->result.prefill_ns = clock_ns() - g->begin_ns;
    g->result.first_token_ns = g->result.prefill_ns;
    return 0;
}

static void count_pass(struct generator *g)
{
    if (g->n_pass_ns < PASS_SAMPLES_MAX) g->pass_ns[g->n_pass_ns++] = clock_ns() - g->pass_begin_ns;
    g->result.decode_passes++;
}

/* What text still waited for its end, and the times. */
static int finish(struct generator *g)
{
    if (g->result.end != NMOS_END_STOP && g->result.end != NMOS_END_CALLER) {
        const int rc = show(g, utf8_stream_finish(&g->stream), 0);
        if (rc < 0) return rc;
    }
    g->result.decode_ns = clock_ns() - g->begin_ns - g->result.first_token_ns;
    return 1;
}

int generator_advance(struct generator *g)
{
    const int is_prefill = g->n_fed < g->result.prompt_tokens;
    int is_end = g->walk.tree ? take_walk(g) : advance_chain(g);
    if (!is_prefill && is_end >= 0) count_pass(g);
    if (is_end == 0 && g->n_fed == g->n_history) is_end = take_drawn(g);
    return is_end > 0 ? finish(g) : is_end;
}

void generator_progress(const struct generator *g, struct generator_progress *ret_progress)
{
    const size_t n_prompt = g->result.prompt_tokens;
    *ret_progress =
        (struct generator_progress){.fed = (uint32_t)(g->n_fed < n_prompt ? g->n_fed : n_prompt),
                                    .generated = g->result.generated_tokens,
                                    .decode_passes = g->result.decode_passes};
}

static int compare_ns(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void generator_result(const struct generator *g, struct nmos_generation_result *ret_result)
{
    *ret_result = g->result;
    if (g->speculation) speculation_report(g->speculation, ret_result);
    if (!g->n_pass_ns) return;
    qsort(g->pass_ns, g->n_pass_ns, sizeof(g->pass_ns[0]), compare_ns);
    ret_result->pass_median_ns = g->pass_ns[g->n_pass_ns / 2];
}
