// SPDX-License-Identifier: MIT
// llama.cpp's speculation with a draft model (DraftSequenceTokenPredictor of node-llama-cpp, its default settings).
// Each prompt is answered without the draft (N_OFF tokens), then with it (N_TOKENS). Prints a line of JSON for each
// answer: tokens behind the first and the seconds that they took.
import {getLlama, DraftSequenceTokenPredictor, LlamaLogLevel} from "node-llama-cpp";

const [modelPath, draftPath, nTokensText, nOffText, tempText, ...prompts] = process.argv.slice(2);
if (prompts.length === 0) {
    console.error("usage: node peer_draft.mjs MODEL.gguf DRAFT.gguf N_TOKENS N_OFF TEMP PROMPT...");
    process.exit(2);
}
const temperature = Number(tempText);
const llama = await getLlama({gpu: false, build: "never", maxThreads: 2, logLevel: LlamaLogLevel.error});
const options = {contextSize: 1024, batchSize: 512, threads: 2};
const model = await llama.loadModel({modelPath, gpuLayers: 0, useMmap: true});
const draftModel = await llama.loadModel({modelPath: draftPath, gpuLayers: 0, useMmap: true});

// The template of the nano models.
function tokensOf(text) {
    return model.tokenize(`<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`, true);
}

async function answer(mode, text, nMost, tokenPredictor) {
    const context = await model.createContext(options);
    const sequence = context.getSequence(tokenPredictor ? {tokenPredictor} : {});
    let firstNs = null, n = 0;
    for await (const _ of sequence.evaluate(tokensOf(text), {temperature, yieldEogToken: false})) {
        n++;
        firstNs ??= process.hrtime.bigint();
        if (n >= nMost) break;
    }
    const seconds = Number(process.hrtime.bigint() - firstNs) / 1e9;
    const {validated, refuted} = sequence.tokenPredictions;
    // Every pass gives one token that was not predicted.
    console.log(JSON.stringify({mode, temp: temperature, tokens: n - 1, seconds, validated, refuted,
        passes: Math.max(n - 1 - validated, 1)}));
    await context.dispose();
}

for (const prompt of prompts) {
    await answer("llama.cpp, off", prompt, Number(nOffText), null);
    const draftContext = await draftModel.createContext(options);
    await answer("llama.cpp, draft", prompt, Number(nTokensText),
        new DraftSequenceTokenPredictor(draftContext.getSequence()));
    await draftContext.dispose();
}
process.exit(0);
