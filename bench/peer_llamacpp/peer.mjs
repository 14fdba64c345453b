// SPDX-License-Identifier: MIT
// Measures llama.cpp (the prebuilt CPU libraries of the npm package node-llama-cpp) on one GGUF file.
// Prints one JSON object: seconds of each prefill of N random tokens and of each decoded token.
import {readFileSync} from "node:fs";
import {parseArgs} from "node:util";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const {values: options, positionals: [modelPath]} = parseArgs({allowPositionals: true, options: {
    prefill: {type: "string", default: "512"}, // tokens in the prompt; 0: decode from one token
    decode: {type: "string", default: "64"},   // tokens to generate, greedily
    repeat: {type: "string", default: "1"},    // prefills and decodes in this process
    threads: {type: "string", default: "2"},
    batch: {type: "string", default: "512"},
    flash: {type: "boolean", default: false},  // flash attention
    cold: {type: "boolean", default: false}    // no warm-up pass: for models larger than memory
}});
if (modelPath == null) {
    console.error("usage: node peer.mjs MODEL.gguf [--prefill N] [--decode N] [--repeat N] [--threads N] " +
        "[--batch N] [--flash] [--cold]");
    process.exit(2);
}
const [nPrefill, nDecode, nRepeat, threads, batchSize] =
    ["prefill", "decode", "repeat", "threads", "batch"].map((name) => Number(options[name]));
const seconds = (start) => Number(process.hrtime.bigint() - start) / 1e9;

// Token ids that any vocabulary of 32,000 or more has and that are not special.
function randomTokens(n, seed) {
    let state = seed;
    return Array.from({length: n}, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return 1000 + (state >>> 8) % 30000;
    });
}

// Greedy decoding after `prompt`; returns the seconds between tokens, the first of which ends the prompt.
async function decode(sequence, prompt, n) {
    const times = [];
    if (n === 0) return times;
    let start = process.hrtime.bigint();
    for await (const _ of sequence.evaluate(prompt, {temperature: 0, yieldEogToken: true})) {
        times.push(seconds(start));
        start = process.hrtime.bigint();
        if (times.length > n) break;
    }
    return times.slice(1);
}

const loadStart = process.hrtime.bigint();
const llama = await getLlama({gpu: false, build: "never", maxThreads: threads, logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath, gpuLayers: 0, useMmap: true});
const context = await model.createContext({contextSize: Math.max(nPrefill, 1) + nDecode + 64, batchSize, threads,
    flashAttention: options.flash});
const sequence = context.getSequence();
const loadSeconds = seconds(loadStart);

if (!options.cold) await decode(sequence, randomTokens(2, 1), 1);
const prefillSeconds = [], decodeSeconds = [];
for (let i = 0; i < nRepeat; i++) {
    await sequence.clearHistory();
    const tokens = randomTokens(Math.max(nPrefill, 1) + 1, 7 + i), last = tokens.pop();
    if (nPrefill > 0) {
        const start = process.hrtime.bigint();
        await sequence.evaluateWithoutGeneratingNewTokens(tokens);
        prefillSeconds.push(seconds(start));
    }
    decodeSeconds.push(...await decode(sequence, [last], nDecode));
}
const version = JSON.parse(readFileSync(new URL("./node_modules/node-llama-cpp/package.json", import.meta.url))).version;
console.log(JSON.stringify({engine: "llama.cpp", package: `node-llama-cpp ${version}`,
    release: llama.llamaCppRelease.release, model: modelPath, threads, batch: batchSize, flash: options.flash,
    load_s: loadSeconds, prefill_tokens: nPrefill, prefill_s: prefillSeconds, decode_s: decodeSeconds}));
process.exit(0);
