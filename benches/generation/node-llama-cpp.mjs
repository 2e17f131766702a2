// node-llama-cpp as a contender of `cargo xtask bench generation`: evaluates a prompt of so many tokens, then generates greedily,
// for each of the depths. Says a line of JSON for each, in tokens a second.
//
//     node node-llama-cpp.mjs FOLDER MODEL THREADS TOKENS DEPTH...     takes FOLDER/node_modules/node-llama-cpp

import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const [folder, modelPath, ...numbers] = process.argv.slice(2);
const [threads, tokens, ...depths] = numbers.map(Number);
const module = join(resolve(folder), 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
const {getLlama} = await import(pathToFileURL(module));

const llama = await getLlama({gpu: false, build: 'never', maxThreads: threads, logLevel: 'error'});
const model = await llama.loadModel({modelPath, gpuLayers: 0});
const context = await model.createContext({contextSize: 2048, batchSize: 512, threads});
const sequence = context.getSequence();

for (const depth of depths) {
    await sequence.clearHistory();
    const prompt = Array.from({length: depth}, (_, index) => 1000 + index * 7919 % 40000);
    const began = performance.now();
    let first = 0;
    let count = 0;
    for await (const _ of sequence.evaluate(prompt, {temperature: 0, yieldEogToken: true})) {
        first ||= performance.now();
        count += 1;
        if (count > tokens) break;
    }
    const generation = tokens * 1000 / (performance.now() - first);
    console.log(JSON.stringify({prompt: depth * 1000 / (first - began), generation}));
}
process.exit(0);
