/* SPDX-License-Identifier: MIT */
/* The table of options and commands: the command line's contract, in the order in which help shows
 * it. */
#include "cli/cli.h"

#define BIT(command) ((uint64_t)1 << (command))
#define ALL          (BIT(CMD_COUNT) - 1)
#define PLANS        CLI_MODEL_COMMANDS
#define RUNS         (PLANS & ~BIT(CMD_PLAN)) /* commands that run a model */
#define VOCAB        (BIT(CMD_TOKENIZE) | BIT(CMD_DETOKENIZE) | BIT(CMD_RENDER))
#define SAMPLES      (BIT(CMD_RUN) | BIT(CMD_CHAT) | BIT(CMD_REPLAY))

#define AT(field) offsetof(struct cli_options, field)
/* Without an upper limit. */
#define ANY       1e18

// clang-format off
const struct option_spec cli_option_specs[] = {
    /* name, short, type, value, commands, what the value is, default, note, min, max, help */
    {"prompt", 'p', OPTION_STRING, AT(prompt), BIT(CMD_RUN), "TEXT", NULL, NULL, 0, 0,
     "the prompt"},
    {"file", 'f', OPTION_STRING, AT(file), BIT(CMD_RUN) | BIT(CMD_PERPLEXITY), "FILE", NULL, NULL, 0, 0,
     "read the text from FILE; - is standard input"},
    {"max-tokens", 'n', OPTION_INT, AT(max_tokens), SAMPLES, "N", "256", NULL, 0, 1e9,
     "tokens to generate at most"},
    {"temp", 0, OPTION_FLOAT, AT(temp), SAMPLES, "T", "0.7", NULL, 0, 100,
     "temperature; 0 always takes the likeliest token"},
    {"top-k", 0, OPTION_INT, AT(top_k), SAMPLES, "K", "40", NULL, 0, 1e9,
     "sample among the K likeliest tokens only; 0 is off"},
    {"top-p", 0, OPTION_FLOAT, AT(top_p), SAMPLES, "P", "0.95", NULL, 0, 1,
     "sample among the likeliest tokens that together have probability P; 1 is off"},
    {"min-p", 0, OPTION_FLOAT, AT(min_p), SAMPLES, "P", "0.05", NULL, 0, 1,
     "drop tokens less probable than P times the likeliest; 0 is off"},
    {"repeat-penalty", 0, OPTION_FLOAT, AT(repeat_penalty), SAMPLES, "R", "1", NULL, 0.01, 100,
     "divide the score of tokens that were used; 1 is off"},
    {"presence-penalty", 0, OPTION_FLOAT, AT(presence_penalty), SAMPLES, "R", "0", NULL, -100, 100,
     "subtract from the score of tokens that were used"},
    {"frequency-penalty", 0, OPTION_FLOAT, AT(frequency_penalty), SAMPLES, "R", "0", NULL, -100, 100,
     "subtract from the score of a token for each time it was used"},
    {"logit-bias", 0, OPTION_LIST, AT(logit_bias), SAMPLES, "ID=B", NULL, NULL, 0, 0,
     "add B to the score of token ID"},
    {"stop", 0, OPTION_LIST, AT(stop), SAMPLES, "TEXT", NULL, NULL, 0, 0,
     "end the answer before TEXT"},
    {"chat", 0, OPTION_FLAG, AT(chat), BIT(CMD_RUN), "", NULL, NULL, 0, 0,
     "wrap the prompt in the model's chat template"},
    {"chat-template", 0, OPTION_STRING, AT(chat_template), SAMPLES | BIT(CMD_RENDER),
     "FILE", NULL, "the model's own", 0, 0, "use the chat template in FILE"},
    {"spec", 0, OPTION_CHOICE, AT(spec), SAMPLES, "auto,off,ngram,chain,tree", "auto", NULL, 0, 0,
     "how tokens are guessed ahead; auto may turn itself off where it does not pay"},
    {"accept", 0, OPTION_CHOICE, AT(accept), SAMPLES, "keyed,rejection", "keyed", NULL, 0, 0,
     "how guesses are accepted: keyed gives the same text with or without guessing, rejection the same distribution"},
    {"stats", 0, OPTION_FLAG, AT(stats), BIT(CMD_RUN), "", NULL, NULL, 0, 0,
     "end with one line of JSON statistics on standard error"},
    {"hw", 0, OPTION_STRING, AT(hw), BIT(CMD_PLAN), "FILE", NULL, NULL, 0, 0,
     "plan for the machine that FILE describes, JSON: {\"ram_GiB\": 16, \"disk_GBps\": 2.36, \"memory_GBps\": 35, "
     "\"gmacs\": 200}; memory that may be used, reads from disk and memory, billions of multiply-adds a second; also "
     "pinned_GBps, streamed_GBps, product_us, as --json gives them"},
    {"replan", 0, OPTION_FLAG, AT(replan), BIT(CMD_PLAN), "", NULL, NULL, 0, 0,
     "measure this machine's speeds anew; they are kept in ~/.cache/nmos until the next boot"},
    {"bos", 0, OPTION_FLAG, AT(bos), BIT(CMD_TOKENIZE), "", NULL, NULL, 0, 0,
     "add the tokens for the beginning and end of a text that the model's metadata asks for"},
    {"special", 0, OPTION_FLAG, AT(special), BIT(CMD_TOKENIZE), "", NULL, NULL, 0, 0,
     "read the names of special tokens in the text as these tokens"},
    {"tokens", 0, OPTION_STRING, AT(tokens), BIT(CMD_LOGITS), "1,2,3", NULL, NULL, 0, 0,
     "token ids, comma-separated"},
    {"output", 'o', OPTION_STRING, AT(output), BIT(CMD_LOGITS), "FILE", NULL, NULL, 0, 0,
     "write the result to FILE"},
    {"chunk", 0, OPTION_INT, AT(chunk), BIT(CMD_LOGITS) | BIT(CMD_PERPLEXITY), "N", "512", NULL, 1, 4096,
     "rows in one pass"},
    {"continue", 0, OPTION_FLAG, AT(resume), BIT(CMD_CHAT), "", NULL, NULL, 0, 0,
     "go on with the last conversation"},
    {"no-anticipation", 0, OPTION_FLAG, AT(no_anticipation), BIT(CMD_REPLAY), "", NULL, NULL, 0, 0,
     "do nothing before Enter, for comparison"},
    {"prompts", 0, OPTION_INT, AT(prompts), BIT(CMD_REPLAY), "N", NULL, "all", 1, 1e9,
     "play the first N prompts only"},
    {"speed", 0, OPTION_FLOAT, AT(speed), BIT(CMD_REPLAY), "F", "1", NULL, 0.01, 1000,
     "type F times as fast as recorded; the result says so, and its times are not those of people"},
    {"anticipate", 0, OPTION_CHOICE, AT(anticipate), BIT(CMD_CHAT), "off,prefix,full", "full", NULL, 0, 0,
     "what is done while you type: nothing; the text is read, which saves power; the answer is begun, too"},
    {"intent-use", 0, OPTION_STRING, AT(intent_use), BIT(CMD_CHAT) | BIT(CMD_REPLAY), "LIST", "all", NULL, 0, 0,
     "what the intent of a message counts for: off, all, or some of system,sampling,guesses,experts: what the sections "
     "[intent:NAME] of the configuration say, by what guesses ahead have come true in answers of that intent, and the experts "
     "that such messages, and messages like this one, use, which are read while you type"},
    {"mode", 0, OPTION_CHOICE, AT(mode), BIT(CMD_CHAT) | BIT(CMD_REPLAY), "auto,oracle,draft-then-oracle", "auto", NULL, 0, 0,
     "what is shown: the oracle's words only; the draft's words at once, dimmed, until the oracle's come in their place; "
     "auto chooses the latter where there is a draft and passes read from disk. On terminals that can dim and move back"},

    {"model", 'm', OPTION_STRING, AT(model), PLANS | VOCAB | BIT(CMD_DOCTOR), "FILE", NULL,
     "the bundled model, where a model runs", 0, 0,
     "the model, a GGUF file; a split one is named by its first part"},
    {"draft", 'd', OPTION_STRING, AT(draft), PLANS, "FILE", NULL, "none; with the bundled model its draft", 0, 0,
     "a small model with the same vocabulary that guesses ahead"},
    {"scout", 0, OPTION_STRING, AT(scout), PLANS | BIT(CMD_SCOUT), "FILE", NULL, "none", 0, 0,
     "a very small model that helps to predict the intent of half-typed text"},
    {"ram", 0, OPTION_SIZE, AT(ram), PLANS | BIT(CMD_SCOUT), "SIZE", NULL, "what is safely free", 1, ANY,
     "bound on all memory the process holds"},
    {"vram", 0, OPTION_SIZE, AT(vram), PLANS, "SIZE", "0", NULL, 0, ANY,
     "bound on the graphics memory that is filled; alone it means the first GPU; the driver takes some more for itself"},
    {"device", 0, OPTION_STRING, AT(device), PLANS, "DEVICE", NULL, "none", 0, 0,
     "compute at DEVICE what --vram has room for: cuda:0 is the first GPU; sim:4GiB@3.2GB/s stands in for one of that "
     "memory and link, sim:4GiB@3.2GB/s,8x for one that computes 8 times as fast as the processor when layers are placed"},
    {"ctx", 0, OPTION_INT, AT(ctx), PLANS, "N", NULL, "the model's, at most 4096", 1, 16777216,
     "positions of the KV cache"},
    {"kv", 0, OPTION_CHOICE, AT(kv), PLANS, "f32,f16,q8_0", "f16", NULL, 0, 0,
     "number format of the KV cache"},
    {"kv-ram", 0, OPTION_SIZE, AT(kv_ram), PLANS, "SIZE", NULL, "all of it", 1, ANY,
     "memory of the KV cache; what does not fit goes to a file in ~/.cache/nmos and is read from there in every pass"},
    {"kv-cap", 0, OPTION_SIZE, AT(kv_cap), PLANS, "SIZE", NULL, "all of it", 1, ANY,
     "hard cap on the KV cache of a conversation: beyond it, pages of the text are forgotten for good, so that the answer is "
     "another one; how much attention they had is said at the end"},
    {"kv-evict", 0, OPTION_CHOICE, AT(kv_evict), PLANS, "h2o,window", "h2o", NULL, 0, 0,
     "what --kv-cap forgets: the oldest pages but those that get far more attention than later ones, or, for comparison, the "
     "oldest in any case; the first one, the latest and a system prompt stay"},
    {"threads", 0, OPTION_INT, AT(threads), PLANS | BIT(CMD_SCOUT), "N", NULL, "physical cores", 1, 256,
     "threads that compute"},
    {"io", 0, OPTION_CHOICE, AT(io), PLANS | BIT(CMD_SCOUT), "auto,uring,threads", "auto", NULL, 0, 0,
     "how weights are read"},
    {"cpu", 0, OPTION_CHOICE, AT(cpu), PLANS | BIT(CMD_SCOUT), "auto,scalar,avx2,avx512", "auto", NULL, 0, 0,
     "instruction set"},
    {"seed", 0, OPTION_INT, AT(seed), RUNS, "S", "0", NULL, 0, 9007199254740991.0,
     "the same seed gives the same text"},
    {"json", 0, OPTION_FLAG, AT(json), ALL & ~(BIT(CMD_HELP) | VOCAB), "", NULL, NULL, 0, 0,
     "write JSON for programs instead of text for people"},
    {"verbose", 'v', OPTION_FLAG, AT(verbose), ALL, "", NULL, NULL, 0, 0,
     "say more about what is being done, on standard error"},
    {"config", 0, OPTION_STRING, AT(config), ALL, "FILE", NULL, "~/.config/nmos/nmos.conf", 0, 0,
     "read options from FILE; the command line wins"},
    {"help", 'h', OPTION_FLAG, AT(help), ALL, "", NULL, NULL, 0, 0,
     "show this text"},
};
const size_t cli_n_option_specs = sizeof(cli_option_specs) / sizeof(cli_option_specs[0]);

const struct option_command cli_commands[CMD_COUNT] = {
    [CMD_RUN] = {"run", "", 0, 0, "complete a prompt",
     "Completes a prompt and streams the generated text to standard output; with --json as lines {\"text\": \"...\"}, "
     "and how it ended as the last one."},
    [CMD_CHAT] = {"chat", "", 0, 0, "talk with a model",
     "Opens the shell: text streams, ^C stops an answer, /help lists its commands. Each line of a pipe is a message. The "
     "conversation is kept in ~/.local/state/nmos/conversation.json, earlier lines in history beside it."},
    [CMD_PLAN] = {"plan", "", 0, 0, "say what would go where, how fast it would be and why",
     "Says which weights would stay in memory and which would stream, the seconds per pass and tokens per second "
     "that follow, and what binds. Reads only the model's header, and, for this machine, some of the file to measure the "
     "disk. A file cut off behind its header will do."},
    [CMD_DOCTOR] = {"doctor", "", 0, 0, "check this machine and name remedies",
     "Checks processor, memory, disk, io_uring, graphics card and models, and measures bandwidths. Changes nothing; "
     "each finding comes with a remedy."},
    [CMD_INSPECT] = {"inspect", "FILE", 1, 1, "show what a model file holds",
     "Shows the metadata, tensors, types, sizes and layers of a GGUF file."},
    [CMD_VERIFY] = {"verify", "FILE", 1, 1, "read a whole model file and check it",
     "Reads every tensor of a GGUF file and checks that its scales are finite and its shapes are what the "
     "architecture demands. Names the first bad tensor."},
    [CMD_TOKENIZE] = {"tokenize", "", 0, 0, "turn text into token ids",
     "Reads text from standard input, nothing stripped, and writes its token ids as a JSON array. A file with "
     "nothing but a vocabulary is enough."},
    [CMD_DETOKENIZE] = {"detokenize", "", 0, 0, "turn token ids into text",
     "Reads a JSON array of token ids from standard input and writes their exact bytes."},
    [CMD_RENDER] = {"render", "", 0, 0, "turn messages into a prompt",
     "Reads a JSON object with messages, and optionally tools, add_generation_prompt, bos_token, eos_token and "
     "strftime_now, from standard input and writes the prompt that the chat template makes of it."},
    [CMD_LOGITS] = {"logits", "", 0, 0, "write the scores of every position",
     "Writes the logits of every position as little-endian float32, row-major [n_tokens, n_vocab]."},
    [CMD_PERPLEXITY] = {"perplexity", "", 0, 0, "measure how well a model predicts a text",
     "Measures the mean negative log-likelihood of a text per token and per byte, with standard error."},
    [CMD_SCOUT] = {"scout", "[TEXT]", 0, 1, "predict the intent of a text",
     "Shows how likely it is that a text, half typed or whole, wants code (CODE), works on a text or data that it gives "
     "(DOCS), or is anything else (CHAT); best first. Without TEXT, answers each line of standard input with a line of "
     "JSON, at once; a line is taken as it is, a backslash too."},
    [CMD_REPLAY] = {"replay", "TRACE", 1, 1, "play recorded typing against the engine",
     "Plays recorded typing in real time and measures what was ready at Enter. TRACE has one JSON object a line: "
     "{\"prompt\": 3, \"t_ms\": 1234, \"op\": \"ins\", \"text\": \"a\"}, \"op\": \"del\", \"n\": 1, \"op\": \"move\", "
     "\"pos\": 5, \"op\": \"enter\"."},
    [CMD_MEMORY] = {"memory", "list|export|forget [ID|all]", 1, 2, "list, export or forget what was mispredicted",
     "What was mispredicted is kept in ~/.local/share/nmos/failures.db, never leaves the machine, and corrects later "
     "predictions: the intent of a text, and the experts that the first passes of a prompt need. list shows it, export "
     "writes a line of JSON for each event, forget erases one event or all."},
    [CMD_BENCH] = {"bench", "", 0, 0, "measure this machine with this model",
     "Measures prefill, decode, the cost of batches, streaming, and disk and memory bandwidth; each figure with "
     "unit, repeats, median, minimum and maximum."},
    [CMD_HELP] = {"help", "[COMMAND]", 0, 1, "say what a command does and takes",
     "Lists the commands, or says what one command does and takes."},
};
// clang-format on
