/* SPDX-License-Identifier: MIT */
#include "engine/speculation.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/model.h"
#include "infer/draft_ngram.h"

#define CHILDREN_MAX  8U    /* guesses behind one node */
#define BATCH_NODES   16U   /* nodes that the draft runs at a time */
#define TAIL_ROWS_MAX 8U    /* uncommitted rows of the draft, the root the last of them */
#define NGRAM_AHEAD   24U   /* tokens taken from an earlier place in the text */
#define ROWS_MAX      128U  /* of one pass, the root included */
#define ROWS_FIRST    16U   /* of a pass before any was measured */
#define ROWS_FREE_MIN 4U    /* fewer that ride free are not worth a limit */
#define P_LEAST       0.01F /* a node less likely than this is not run by the draft */
/* a drawn chain ends where the next token were less likely to ride well */
#define CHAIN_P_LEAST 0.1F
#define RATE_WEIGHT   0.15 /* of the latest step in the running rates */

_Static_assert(TAIL_ROWS_MAX + GUESS_DEPTH_MAX <= FORWARD_TREE_DEPTH_MAX,
               "what waits is a tree too");

struct speculation {
    struct nmos_model *model;
    enum nmos_spec mode;
    struct nmos_session *draft;         /* of the session; NULL: there is none */
    const struct nmos_session *session; /* of the tree */
    struct sampler *ranker;             /* over the draft's vocabulary */
    struct nmos_row *rows;              /* [draft rows_max] */
    uint32_t *nodes_of_batch;           /* [BATCH_NODES] */
    struct guess_tree tree;
    struct sampler_proposal *proposals; /* [GUESS_DEPTH_MAX] of a drawn chain; NULL: guesses are not
                                           accepted by rejection */
    int is_greedy;
    struct guess_odds *odds;
    struct guess_odds chain_odds; /* of this generation: no other one decides on its text */
    uint32_t n_most;              /* guesses that can ride in this step */
    int32_t root_row;             /* pending row of the draft that holds the root, or -1 */
    uint32_t n_turns;             /* of the session when the tree was grown */
    double draft_s;               /* spent on guessing in this step */
    struct guess_credit *credit;  /* for `auto` */
    double plain_s;               /* what the step would take without guesses */
    double risk_s;                /* what it may lose by them; infinite unless `auto` */
    uint32_t n_paused;            /* steps without guesses because they were not to be risked */
    uint32_t n_guessed_rows;
    uint32_t n_accepted[GUESS_SOURCES];
    uint32_t depth_most;
    uint32_t n_told;
    struct nmos_guessed_pass told[NMOS_PASSES_TOLD];

    struct guess_step step; /* at work */
    uint64_t root_position;
};

static int create_ranker(struct speculation *s, const struct sampler_params *params)
{
    const uint32_t n_vocab = s->model->draft->info.n_vocab;
    struct sampler_params own = *params;
    if (n_vocab != s->model->info.n_vocab) own.n_bias = 0; /* a biased token may be missing there */
    return sampler_create(&own, n_vocab, &s->ranker);
}

int speculation_create(struct nmos_model *model, enum nmos_spec mode, enum nmos_accept accept,
                       const struct sampler_params *params, struct speculation **ret_speculation)
{
    struct nmos_model *draft = model->draft;
    struct speculation *s = mem_calloc(MEM_GENERAL, 1, sizeof(*s));
    if (!s) return NMOS_E_NOMEM;
    s->model = model;
    s->mode = mode;
    s->is_greedy = params->temp == 0.0F;
    s->odds = &model->odds[0][s->is_greedy];
    s->credit = &model->credit[s->is_greedy];
    int rc = guess_tree_init(&s->tree);
    if (rc == 0 && accept == NMOS_ACCEPT_REJECTION) {
        s->mode = NMOS_SPEC_CHAIN;
        guess_odds_init(&s->chain_odds, s->is_greedy);
        s->odds = &s->chain_odds;
        s->proposals = mem_calloc(MEM_SCRATCH, GUESS_DEPTH_MAX, sizeof(s->proposals[0]));
        if (!s->proposals) rc = NMOS_E_NOMEM;
    }
    if (rc == 0 && draft && s->mode != NMOS_SPEC_NGRAM) {
        s->rows = mem_calloc(MEM_SCRATCH, draft->info.rows_max, sizeof(s->rows[0]));
        s->nodes_of_batch = mem_calloc(MEM_SCRATCH, BATCH_NODES, sizeof(s->nodes_of_batch[0]));
        rc = s->rows && s->nodes_of_batch ? 0 : NMOS_E_NOMEM;
        if (rc == 0) rc = create_ranker(s, params);
    }
    if (rc < 0) {
        speculation_destroy(&s);
        return rc;
    }
    *ret_speculation = s;
    return 0;
}

void speculation_set_intent(struct speculation *s, uint32_t intent)
{
    if (s->proposals || !(s->model->learns & NMOS_LEARN_GUESSES)) return;
    s->odds = &s->model->odds[intent][s->is_greedy];
}

int speculation_begin(struct speculation *s, struct nmos_session *session)
{
    if (!s->ranker) return 0;
    TRY(session_begin_draft(session));
    s->draft = session->draft;
    return 0;
}

void speculation_destroy(struct speculation **speculation)
{
    struct speculation *s = *speculation;
    if (!s) return;
    sampler_destroy(&s->ranker);
    guess_tree_deinit(&s->tree);
    mem_free(s->rows);
    mem_free(s->proposals);
    mem_free(s->nodes_of_batch);
    mem_free(s);
    *speculation = NULL;
}

/* ---- From the text ---- */

static void guess_from_text(struct speculation *s, const struct nmos_session *session)
{
    /* The committed tokens with the root behind them; there is room for it, or no pass would run.
     */
    session->tokens[session->table.len] = s->step.root;
    const size_t n = (size_t)session->table.len + 1;
    const struct ngram_match match = ngram_find(session->tokens, n);
    int32_t parent = GUESS_ROOT;
    if (match.n_tokens == 0) return;
    for (uint32_t i = 0; i < NGRAM_AHEAD && i < s->step.n_room && match.next + i < n; i++) {
        const int8_t bin = guess_bin_of_match(match.n_tokens + i);
        parent = guess_tree_add(&s->tree, parent, session->tokens[match.next + i], GUESS_NGRAM, bin,
                                s->odds);
        if (parent == GUESS_ROOT) return;
    }
}

/* ---- From the draft model ---- */

/* Adds the draft's guesses behind a node, or behind the root. */
static void add_children(struct speculation *s, int32_t node, float *logits)
{
    struct sampler_guess guesses[CHILDREN_MAX];
    const uint32_t depth = node == GUESS_ROOT ? 0 : s->tree.nodes[node].depth;
    const uint32_t n_most = s->mode == NMOS_SPEC_CHAIN ? 1 : CHILDREN_MAX;
    if (depth >= s->step.n_room) return;
    const uint32_t n = sampler_rank(s->ranker, logits, s->step.history, s->step.n_history,
                                    s->root_position + 1 + depth, guesses, n_most);
    for (uint32_t i = 0; i < n; i++) {
        if ((uint32_t)guesses[i].token >= s->model->info.n_vocab) continue;
        (void)guess_tree_add(&s->tree, node, guesses[i].token, GUESS_DRAFT,
                             guess_bin_of_share(guesses[i].q, i == 0), s->odds);
    }
}

/* Draws the next token of a chain, which then rides. Whether there is one must not depend on which
 * it is: its odds are those of the sureness of the draft. */
static void add_drawn(struct speculation *s, int32_t node, float *logits)
{
    const uint32_t depth = node == GUESS_ROOT ? 0 : s->tree.nodes[node].depth;
    const float p = node == GUESS_ROOT ? 1.0F : s->tree.nodes[node].p;
    struct sampler_proposal *proposal = &s->proposals[depth];
    float most = 0.0F;
    if (depth >= s->n_most || depth >= s->step.n_room) return;
    for (uint32_t t = s->model->info.n_vocab; t < s->draft->model->info.n_vocab; t++) {
        logits[t] = -INFINITY; /* padding that the target does not have */
    }
    if (!sampler_propose(s->ranker, logits, s->step.history, s->step.n_history,
                         s->root_position + 1 + depth, proposal)) {
        return;
    }
    for (uint32_t i = 0; i < proposal->n; i++) most = fmaxf(most, proposal->shares[i].q);
    const int8_t bins[GUESS_SOURCES] = {guess_bin_of_share(most, 1), -1};
    if (depth > 0 && p * guess_odds_get(s->odds, bins) < CHAIN_P_LEAST) return;
    (void)guess_tree_add(&s->tree, node, proposal->token, GUESS_DRAFT, bins[GUESS_DRAFT], s->odds);
}

static int add_guesses(struct speculation *s, int32_t node, float *logits)
{
    if (s->proposals) {
        add_drawn(s, node, logits);
    } else {
        add_children(s, node, logits);
    }
    return 0;
}

static int take_root(void *arg, size_t row_i, float *logits)
{
    (void)row_i;
    return add_guesses(arg, GUESS_ROOT, logits);
}

static int take_node(void *arg, size_t row_i, float *logits)
{
    struct speculation *s = arg;
    return add_guesses(s, (int32_t)s->nodes_of_batch[row_i], logits);
}

static double seconds_since(uint64_t begin_ns)
{
    return (double)(clock_ns() - begin_ns) * 1e-9;
}

/* What the pass will cost with so many rows of this session. */
static double pass_seconds(const struct speculation *s, uint32_t n_rows)
{
    return pass_cost_seconds(&s->model->cost, (double)s->step.n_beside + n_rows);
}

/* What the draft will need for rows. Before it has run any: the target's computing, by size. */
static double draft_seconds(const struct speculation *s, uint32_t n_rows)
{
    const struct nmos_model *draft = s->draft->model;
    if (draft->cost.sum_1 > 0) return pass_cost_seconds(&draft->cost, n_rows);
    struct pass_cost computing = s->model->cost;
    computing.disk_s = 0;
    return pass_cost_seconds(&computing, n_rows) * (double)draft->info.touched_bytes /
           (double)s->model->info.touched_bytes;
}

/* Whether `auto` may spend so much on guessing in this step, and let one guess ride. */
static int may_cost(const struct speculation *s, double seconds)
{
    const double loss_s = seconds + pass_seconds(s, 2) - s->plain_s;
    return s->mode != NMOS_SPEC_AUTO || guess_credit_allows(s->credit, loss_s, s->plain_s);
}

/* Brings the draft to where the session stands, and runs the root. @return 1 when it can guess, 0
 * when the text is too long for it or to read it is too dear. */
static int catch_up(struct speculation *s, const struct nmos_session *session)
{
    struct nmos_session *draft = s->draft;
    const struct nmos_model_info *info = &draft->model->info;
    const uint32_t end = session->table.len + 1; /* tokens, the root included */
    uint32_t same = 0;
    uint32_t n = 0;
    while (same < draft->table.len && same + 1 < end &&
           draft->tokens[same] == session->tokens[same])
        same++;
    TRY(nmos_session_truncate(draft, same));
    if (end + BATCH_NODES > info->ctx || !may_cost(s, draft_seconds(s, end - same))) return 0;
    same += session_adopt(draft, session->tokens + same, end - 1 - same);
    while (same < end) {
        /* The last rows wait there while the tree grows behind them: few, as trees have a depth. */
        const uint32_t left = end - same;
        const uint32_t most = left > TAIL_ROWS_MAX ? left - 1 : left;
        n = most < info->rows_max ? most : info->rows_max;
        for (uint32_t i = 0; i < n; i++) {
            const int32_t token = same + i + 1 == end ? s->step.root : session->tokens[same + i];
            if ((uint32_t)token >= info->n_vocab) return 0;
            s->rows[i] = (struct nmos_row){draft, token, (int32_t)i - 1, same + i + 1 == end};
        }
        TRY(nmos_forward(draft->model, s->rows, n, take_root, s));
        same += n;
        if (same < end) TRY(nmos_session_commit(draft, n));
    }
    s->root_row = (int32_t)n - 1;
    return 1;
}

/* Picks the likeliest nodes that the draft has not run and could run. */
static uint32_t pick_batch(struct speculation *s)
{
    struct guess_tree *tree = &s->tree;
    const struct nmos_model_info *info = &s->draft->model->info;
    const uint32_t places = info->ctx - s->draft->table.len;
    const uint32_t pending_max = places < info->rows_max ? places : info->rows_max;
    const uint32_t room = pending_max - s->draft->n_pending;
    const uint32_t wanted = s->mode == NMOS_SPEC_CHAIN ? 1 : BATCH_NODES;
    const uint32_t n_most = wanted < room ? wanted : room;
    uint32_t n = 0;
    guess_tree_sort(tree);
    /* What is behind a node is less likely than it. */
    if (tree->n >= s->n_most) tree->p_least = tree->nodes[tree->order[s->n_most - 1]].p;
    const float p_least = fmaxf(tree->p_least, s->proposals ? CHAIN_P_LEAST : P_LEAST);
    for (uint32_t i = 0; i < tree->n && n < n_most; i++) {
        const uint32_t node_i = tree->order[i];
        const struct guess_node *node = &tree->nodes[node_i];
        if (node->p <= p_least) break;
        if (node->draft_row >= 0 || node->depth >= s->step.n_room ||
            node->depth >= GUESS_DEPTH_MAX || (uint32_t)node->token >= info->n_vocab) {
            continue;
        }
        const int32_t parent_row =
            node->parent == GUESS_ROOT ? s->root_row : tree->nodes[node->parent].draft_row;
        if (parent_row < 0) continue; /* its parent is in this batch, or cannot be run */
        s->nodes_of_batch[n++] = node_i;
    }
    return n;
}

/* Runs the picked nodes as one batch of the draft; their children join the tree. */
static int run_batch(struct speculation *s, uint32_t n)
{
    const uint64_t begin_ns = clock_ns();
    const uint32_t first_row = s->draft->n_pending;
    for (uint32_t i = 0; i < n; i++) {
        struct guess_node *node = &s->tree.nodes[s->nodes_of_batch[i]];
        const int32_t parent_row =
            node->parent == GUESS_ROOT ? s->root_row : s->tree.nodes[node->parent].draft_row;
        s->rows[i] = (struct nmos_row){s->draft, node->token, NMOS_HELD(parent_row), 1};
    }
    nmos_session_hold(s->draft);
    TRY(nmos_forward(s->draft->model, s->rows, n, take_node, s));
    for (uint32_t i = 0; i < n; i++) {
        s->tree.nodes[s->nodes_of_batch[i]].draft_row = (int32_t)(first_row + i);
    }
    const double seconds = seconds_since(begin_ns);
    double *batch_s = &s->model->batch_s;
    *batch_s = *batch_s > 0 ? *batch_s + (seconds - *batch_s) * RATE_WEIGHT : seconds;
    return 0;
}

/* Nodes of the order that promise the most tokens a second, and how many tokens they promise. */
static uint32_t best_size(const struct speculation *s, uint32_t n_most, double *ret_tokens)
{
    const struct guess_tree *tree = &s->tree;
    double tokens = 1; /* the one that is drawn in any case */
    double best = 1 / (s->plain_s + s->draft_s);
    uint32_t n_best = 0;
    *ret_tokens = 1;
    for (uint32_t i = 0; i < tree->n && i < n_most; i++) {
        tokens += (double)tree->nodes[tree->order[i]].p;
        const double step_s = pass_seconds(s, i + 2) + s->draft_s;
        const double rate = tokens / step_s;
        if (step_s - s->plain_s > s->risk_s) break;
        if (rate <= best) continue;
        best = rate;
        n_best = i + 1;
        *ret_tokens = tokens;
    }
    return n_best;
}

/* What one more batch takes: before the first one, about as long as what the draft has read. */
static double batch_seconds(const struct speculation *s)
{
    return s->model->batch_s > 0 ? s->model->batch_s : s->draft_s;
}

/* Whether one more batch promises more tokens a second than it costs: a picked node's children
 * together are about half as likely as the node itself. */
static int batch_pays(const struct speculation *s, uint32_t n_picked, uint32_t n_most)
{
    double gain = 0;
    double tokens = 1;
    for (uint32_t i = 0; i < n_picked; i++) gain += (double)s->tree.nodes[s->nodes_of_batch[i]].p;
    const uint32_t n = best_size(s, n_most, &tokens);
    const double step_s = pass_seconds(s, n + 1) + s->draft_s;
    return 0.5 * gain / tokens > batch_seconds(s) / step_s;
}

/* Rows that the pass can carry behind the root. */
static uint32_t rows_most(const struct speculation *s, const struct nmos_session *session)
{
    const struct pass_cost *cost = &s->model->cost;
    uint32_t n = pass_cost_rows(cost, PASS_COST_FREE_SHARE, ROWS_MAX + s->step.n_beside);
    n = n > s->step.n_beside ? n - s->step.n_beside : 0;
    if (n < ROWS_FREE_MIN) n = ROWS_MAX; /* nothing rides free: by what it promises */
    if (cost->sum_1 < 1) n = ROWS_FIRST; /* nothing is known of computing yet */
    if (s->step.n_fixed) n = s->step.n_fixed < ROWS_MAX ? s->step.n_fixed + 1 : ROWS_MAX;
    if (s->proposals) n = ROWS_MAX; /* the text must not depend on times */
    if (n > s->step.n_rows_most) n = s->step.n_rows_most;
    const uint32_t room = s->model->info.ctx - session->table.len;
    return (n < room ? n : room) - 1;
}

/* The draft's pool of KV pages is used up: it gives its own back, and begins anew some time. */
static int forget_draft(struct speculation *s)
{
    s->root_row = -1;
    for (uint32_t i = 0; i < s->tree.n; i++) s->tree.nodes[i].draft_row = -1;
    return nmos_session_truncate(s->draft, 0);
}

/* @return 0 or what the draft failed with. */
static int grow(struct speculation *s, const struct nmos_session *session, uint32_t n_rows_most)
{
    const uint64_t begin_ns = clock_ns();
    if (!s->proposals && (s->mode != NMOS_SPEC_CHAIN || !s->draft)) guess_from_text(s, session);
    if (!s->draft) return 0;
    const int can_guess = catch_up(s, session);
    if (can_guess == NMOS_E_LIMIT) return forget_draft(s);
    if (can_guess <= 0) return can_guess;
    for (uint32_t depth = 0; depth < GUESS_DEPTH_MAX; depth++) {
        s->draft_s = seconds_since(begin_ns);
        const uint32_t n = pick_batch(s);
        if (n == 0) break;
        /* A size that was asked for wants every batch that may change which nodes ride. */
        if (!s->proposals && !s->step.n_fixed && !batch_pays(s, n, n_rows_most)) break;
        if (!may_cost(s, s->draft_s + batch_seconds(s))) break;
        const int rc = run_batch(s, n);
        if (rc == NMOS_E_LIMIT) return forget_draft(s);
        TRY(rc);
    }
    s->draft_s = seconds_since(begin_ns);
    return 0;
}

static struct guess_tree *guess(struct speculation *s, const struct nmos_session *session,
                                const struct guess_step *step, uint32_t *ret_n)
{
    guess_tree_clear(&s->tree);
    s->draft_s = 0;
    s->root_row = -1;
    s->step = *step;
    s->root_position = session->table.len;
    *ret_n = 0;
    s->plain_s = pass_seconds(s, 1);
    s->risk_s = s->mode == NMOS_SPEC_AUTO ? guess_credit_most(s->credit, s->plain_s) : INFINITY;
    const uint32_t n_most = rows_most(s, session);
    s->n_most = n_most;
    if (step->n_room == 0 || n_most == 0) return &s->tree;
    if (grow(s, session, n_most) < 0) return NULL;
    guess_tree_sort(&s->tree);
    double tokens = 1;
    if (s->proposals) {
        *ret_n = s->tree.n;
    } else if (step->n_fixed) {
        *ret_n = s->tree.n < n_most ? s->tree.n : n_most;
    } else {
        *ret_n = best_size(s, n_most, &tokens);
    }
    /* A named mode stays on: what is likeliest rides in any case. */
    if (*ret_n == 0 && s->mode != NMOS_SPEC_AUTO && s->tree.n > 0) *ret_n = 1;
    if (*ret_n == 0) s->n_paused++;
    return &s->tree;
}

struct guess_tree *speculation_guess(struct speculation *s, const struct nmos_session *session,
                                     const struct guess_step *step, uint32_t *ret_n)
{
    pthread_mutex_lock(&s->model->draft_lock);
    struct guess_tree *tree = guess(s, session, step, ret_n);
    s->session = session;
    s->n_turns = session->n_turns;
    pthread_mutex_unlock(&s->model->draft_lock);
    return tree;
}

const struct sampler_proposal *speculation_proposal(const struct speculation *s, uint32_t n)
{
    return s->proposals && n < s->tree.n ? &s->proposals[n] : NULL;
}

/* Were the children of an accepted node right? All that were guessed count, verified or not. */
static void learn_children(struct speculation *s, int32_t parent, int32_t drawn)
{
    for (uint32_t i = (uint32_t)(parent + 1); i < s->tree.n; i++) {
        const struct guess_node *node = &s->tree.nodes[i];
        if (node->parent != parent) continue;
        guess_odds_learn(s->odds, node->bin, node->token == drawn);
    }
}

/* `auto` settles what the step has cost with what passes of one row would have. */
static void settle(struct speculation *s, uint32_t n_tokens, uint32_t n_rows)
{
    const double pass_s = n_rows > 1 ? (double)s->model->stats.last_pass_ns * 1e-9 : s->plain_s;
    if (s->mode == NMOS_SPEC_AUTO) {
        guess_credit_settle(s->credit, n_tokens, pass_s + s->draft_s, s->plain_s);
    }
}

/* The draft goes on behind the accepted path, unless it has gone elsewhere meanwhile. */
static int keep_path(struct speculation *s, uint32_t draft_row)
{
    int rc = 0;
    pthread_mutex_lock(&s->model->draft_lock);
    if (s->session->n_turns == s->n_turns) rc = nmos_session_commit_path(s->draft, draft_row);
    pthread_mutex_unlock(&s->model->draft_lock);
    return rc;
}

int speculation_learn(struct speculation *s, const int32_t *path, uint32_t n_path, int32_t drawn,
                      uint32_t n_rows)
{
    int32_t parent = GUESS_ROOT;
    int32_t draft_row = s->root_row;
    struct nmos_guessed_pass pass = {.guessed = (uint16_t)(n_rows - 1)};
    for (uint32_t i = 0; i <= n_path; i++) {
        learn_children(s, parent, i < n_path ? s->tree.nodes[path[i]].token : drawn);
        if (i == n_path) break;
        const struct guess_node *node = &s->tree.nodes[path[i]];
        parent = path[i];
        const int is_draft = node->bin[GUESS_DRAFT] >= 0;
        s->n_accepted[is_draft ? GUESS_DRAFT : GUESS_NGRAM]++;
        *(is_draft ? &pass.draft : &pass.ngram) += 1;
        if (node->draft_row >= 0) draft_row = node->draft_row;
    }
    if (s->n_told < NMOS_PASSES_TOLD) s->told[s->n_told++] = pass;
    s->n_guessed_rows += n_rows - 1;
    if (n_path > s->depth_most) s->depth_most = n_path;
    settle(s, n_path + 1, n_rows);
    return draft_row >= 0 ? keep_path(s, (uint32_t)draft_row) : 0;
}

void speculation_report(const struct speculation *s, struct nmos_generation_result *result)
{
    result->guessed_tokens = s->n_guessed_rows;
    result->accepted_draft = s->n_accepted[GUESS_DRAFT];
    result->accepted_ngram = s->n_accepted[GUESS_NGRAM];
    result->accepted_depth = s->depth_most;
    result->paused_steps = s->n_paused;
    result->intent_guesses = s->odds->all ? guess_odds_count(s->odds) : 0;
    result->n_told = s->n_told;
    memcpy(result->told, s->told, s->n_told * sizeof(s->told[0]));
}
