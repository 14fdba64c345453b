/* SPDX-License-Identifier: MIT */
#include "intent/evidence.h"

#include <math.h>

#define WEIGHT_STEPS 200
#define PENALTY      4.0 /* nats over all texts for a weight of 1 */

static const struct evidence_text texts[] = {
    {"CODE", "my loop never ends when"},
    {"CODE", "how do i get the last item of an arr"},
    {"CODE", "make this query faster"},
    {"CODE", "what is wrong with my Makefile"},
    {"CODE", "rename all files ending in .jpeg"},
    {"CODE", "i keep getting a null pointer"},
    {"CODE", "a regular expression that matches pho"},
    {"CODE", "parse a csv with quoted commas"},
    {"CODE", "difference between a mutex and a sem"},
    {"CODE", "show me a minimal web server in"},
    {"CODE", "undo my last commit"},
    {"CODE", "implement a queue with two sta"},
    {"CODE", "why does the compiler say undefined"},
    {"CODE", "unit test for the login form"},
    {"CODE", "delete every line that contains"},
    {"CODE", "convert a hex string to bytes"},
    {"CHAT", "i slept badly and"},
    {"CHAT", "who painted the ceiling of"},
    {"CHAT", "what should i cook tonight with"},
    {"CHAT", "tell me something about whales"},
    {"CHAT", "is it rude to leave a party early"},
    {"CHAT", "how far away is the moon"},
    {"CHAT", "good evening, how are"},
    {"CHAT", "a birthday toast for my aunt"},
    {"CHAT", "when did the second world war"},
    {"CHAT", "my neighbour plays the drums at ni"},
    {"CHAT", "recommend a novel set in Lisbon"},
    {"CHAT", "a short story about a lighthouse"},
    {"CHAT", "do plants feel pain"},
    {"CHAT", "if a train leaves at noon and"},
    {"CHAT", "why is the sky blue"},
    {"CHAT", "plan a weekend in the mountains"},
    {"DOCS", "shorten the following paragraph: The"},
    {"DOCS", "what does the author of this letter w"},
    {"DOCS", "list the dates that are mentioned in t"},
    {"DOCS", "according to the passage below, who"},
    {"DOCS", "put this table into alphabetical ord"},
    {"DOCS", "correct the spelling: He recieved th"},
    {"DOCS", "translate this notice: Bitte nicht"},
    {"DOCS", "which of the rows below has the highest"},
    {"DOCS", "summarise these minutes in three"},
    {"DOCS", "is the tone of this review positive? I"},
    {"DOCS", "from the text above, explain why"},
    {"DOCS", "rewrite this email so that it sounds"},
    {"DOCS", "what is the total of the invoice bel"},
    {"DOCS", "find the contradiction in this stat"},
    {"DOCS", "give a title to the article: Farmers"},
    {"DOCS", "mark all names of people in: On Mon"},
};

const struct evidence_text *evidence_texts(size_t *ret_n)
{
    *ret_n = sizeof(texts) / sizeof(texts[0]);
    return texts;
}

/* -log softmax(z + w * e)[truth] */
static double loss(const double *z, const double *e, double w, size_t truth, size_t n_classes)
{
    double most = -INFINITY;
    double sum = 0;
    for (size_t c = 0; c < n_classes; c++) most = fmax(most, z[c] + w * e[c]);
    for (size_t c = 0; c < n_classes; c++) sum += exp(z[c] + w * e[c] - most);
    return most + log(sum) - (z[truth] + w * e[truth]);
}

double evidence_weight(const double *log_odds, const double *evidence, const size_t *truth,
                       size_t n_texts, size_t n_classes)
{
    double best = 0;
    double least = INFINITY;
    for (int step = 0; step <= WEIGHT_STEPS; step++) {
        const double w = EVIDENCE_WEIGHT_MAX * step / WEIGHT_STEPS;
        double sum = PENALTY * w * w;
        for (size_t i = 0; i < n_texts; i++) {
            const size_t at = i * n_classes;
            sum += loss(log_odds + at, evidence + at, w, truth[i], n_classes);
        }
        if (sum < least) {
            least = sum;
            best = w;
        }
    }
    return best;
}
