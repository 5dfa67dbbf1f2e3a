"""A llama-shaped decoder in plain PyTorch, the opponent in benchmarks/compare-torch.py.

Written for speed on a CPU within what eager PyTorch 1.13 offers: projections side by side in one product, query heads that share a
key head folded into one batched product (keys are never repeated), mask and scale fused into the score product, rotation of queries
and keys at once, a preallocated key/value cache, no autograd outside training.

Protocol: one command a line on standard input, one answer a line on standard output.
  load DIR                       weights and shape of a Hugging Face folder
  loss B T                       mean loss on B sequences of T tokens
  train B T STEPS                seconds of STEPS steps (forward, backward, AdamW), and the last loss
  score B T STEPS                seconds of STEPS passes that give a log-probability per token
  sample B PROMPT NEW            seconds to sample NEW tokens after a prompt for B sequences, log-probabilities kept
  gemm FORM M K N STEPS          seconds of STEPS products, FORM nn, nt or tn
"""

import json
import math
import struct
import sys
import time

import numpy
import torch
import torch.nn.functional as F


def tokens_of(vocabulary, count, length):
    """The tokens both sides work on: any will do, they only must be spread over the vocabulary."""
    sequence = torch.arange(count).unsqueeze(1)
    index = torch.arange(length).unsqueeze(0)
    return (sequence * 7919 + index * 104729 + sequence * index * 31 + 13) % vocabulary


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        array = numpy.frombuffer(body, dtype="<f4", count=(end - start) // 4, offset=start)
        tensors[name] = torch.from_numpy(array.copy()).view(entry["shape"])
    return tensors


def rms_norm(x, weight, epsilon):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True).add_(epsilon)) * weight


class Layer:
    def __init__(self, tensors, prefix):
        def take(name):
            return tensors[prefix + name + ".weight"]

        projections = [take("self_attn." + name) for name in ("q_proj", "k_proj", "v_proj")]
        self.qkv = torch.cat(projections).requires_grad_()
        self.out = take("self_attn.o_proj").clone().requires_grad_()
        self.gate_up = torch.cat([take("mlp.gate_proj"), take("mlp.up_proj")]).requires_grad_()
        self.down = take("mlp.down_proj").clone().requires_grad_()
        self.norm1 = take("input_layernorm").clone().requires_grad_()
        self.norm2 = take("post_attention_layernorm").clone().requires_grad_()

    def parameters(self):
        return [self.qkv, self.out, self.gate_up, self.down, self.norm1, self.norm2]


class Decoder:
    def __init__(self, folder):
        with open(folder + "/config.json") as file:
            config = json.load(file)
        tensors = read_safetensors(folder + "/model.safetensors")
        self.hidden = config["hidden_size"]
        self.heads = config["num_attention_heads"]
        self.kv_heads = config["num_key_value_heads"]
        self.size = config.get("head_dim", self.hidden // self.heads)
        self.vocabulary = config["vocab_size"]
        self.epsilon = config["rms_norm_eps"]
        self.embedding = tensors["model.embed_tokens.weight"].requires_grad_()
        self.norm = tensors["model.norm.weight"].requires_grad_()
        self.layers = [Layer(tensors, f"model.layers.{i}.") for i in range(config["num_hidden_layers"])]
        positions = torch.arange(config["max_position_embeddings"], dtype=torch.float64)
        theta = config.get("rope_theta", 10000.0)
        frequencies = theta ** (-torch.arange(0, self.size, 2, dtype=torch.float64) / self.size)
        angles = torch.outer(positions, frequencies)
        self.cosines, self.sines = angles.cos().float(), angles.sin().float()
        self.optimizer = None
        self.masks = {}

    def parameters(self):
        return [self.embedding, self.norm] + [p for layer in self.layers for p in layer.parameters()]

    def mask(self, length):
        """Causal mask for the queries of a group of heads, one head after the other, [group * length, length]."""
        if length not in self.masks:
            causal = torch.full((length, length), float("-inf")).triu_(1)
            self.masks[length] = causal.repeat(self.heads // self.kv_heads, 1)
        return self.masks[length]

    def rotate(self, x, cosines, sines):
        low, high = x.chunk(2, -1)
        return torch.cat((low * cosines - high * sines, high * cosines + low * sines), -1)

    def split(self, layer, x, cosines, sines):
        """Rotated queries [B, T, heads, size], rotated keys and values [B, T, kv_heads, size]."""
        batch, length, _ = x.shape
        heads, kv = self.heads, self.kv_heads
        qkv = F.linear(rms_norm(x, layer.norm1, self.epsilon), layer.qkv).view(batch, length, heads + 2 * kv, self.size)
        turned = self.rotate(qkv[:, :, : heads + kv], cosines, sines)
        return turned[:, :, :heads], turned[:, :, heads:], qkv[:, :, heads + kv:]

    def finish(self, layer, x, attended):
        x = x + F.linear(attended, layer.out)
        gate, up = F.linear(rms_norm(x, layer.norm2, self.epsilon), layer.gate_up).chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, layer.down)

    def hidden_states(self, tokens, cache=None):
        batch, length = tokens.shape
        kv, group = self.kv_heads, self.heads // self.kv_heads
        cosines = self.cosines[:length].view(1, length, 1, -1)
        sines = self.sines[:length].view(1, length, 1, -1)
        x = F.embedding(tokens, self.embedding)
        for index, layer in enumerate(self.layers):
            q, k, v = self.split(layer, x, cosines, sines)
            q = q.view(batch, length, kv, group, self.size).permute(0, 2, 3, 1, 4).reshape(batch * kv, group * length, self.size)
            k = k.transpose(1, 2).reshape(batch * kv, length, self.size)
            v = v.transpose(1, 2).reshape(batch * kv, length, self.size)
            if cache is not None:
                cache[index][0][:, :length] = k
                cache[index][1][:, :length] = v
            scores = torch.baddbmm(self.mask(length), q, k.transpose(1, 2), alpha=1 / math.sqrt(self.size))
            attended = torch.bmm(scores.softmax(-1), v)
            attended = attended.view(batch, kv, group, length, self.size).permute(0, 3, 1, 2, 4).reshape(batch, length, -1)
            x = self.finish(layer, x, attended)
        return rms_norm(x, self.norm, self.epsilon)

    def next_hidden(self, tokens, position, cache):
        """One more token of every sequence, [B]; reads and extends the cache."""
        batch = tokens.shape[0]
        kv, group = self.kv_heads, self.heads // self.kv_heads
        cosines = self.cosines[position].view(1, 1, 1, -1)
        sines = self.sines[position].view(1, 1, 1, -1)
        x = F.embedding(tokens, self.embedding).unsqueeze(1)
        for index, layer in enumerate(self.layers):
            q, k, v = self.split(layer, x, cosines, sines)
            keys, values = cache[index]
            keys[:, position] = k.reshape(batch * kv, self.size)
            values[:, position] = v.reshape(batch * kv, self.size)
            q = (q * (1 / math.sqrt(self.size))).view(batch * kv, group, self.size)
            scores = torch.bmm(q, keys[:, : position + 1].transpose(1, 2))
            attended = torch.bmm(scores.softmax(-1), values[:, : position + 1]).view(batch, 1, -1)
            x = self.finish(layer, x, attended)
        return rms_norm(x[:, 0], self.norm, self.epsilon)

    def loss(self, tokens):
        hidden = self.hidden_states(tokens[:, :-1]).flatten(0, 1)
        return F.cross_entropy(F.linear(hidden, self.embedding), tokens[:, 1:].flatten())

    def train(self, tokens, steps):
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3, weight_decay=0.01)
        began = time.perf_counter()
        for _ in range(steps):
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(tokens)
            loss.backward()
            self.optimizer.step()
        return time.perf_counter() - began, loss.item()

    @torch.no_grad()
    def score(self, tokens, steps):
        began = time.perf_counter()
        for _ in range(steps):
            hidden = self.hidden_states(tokens[:, :-1]).flatten(0, 1)
            log_probs = -F.cross_entropy(F.linear(hidden, self.embedding), tokens[:, 1:].flatten(), reduction="none")
        return time.perf_counter() - began, log_probs.mean().item()

    @torch.no_grad()
    def sample(self, batch, prompt, new):
        began = time.perf_counter()
        shape = (batch * self.kv_heads, prompt + new, self.size)
        cache = [(torch.empty(shape), torch.empty(shape)) for _ in self.layers]
        tokens = torch.empty(batch, prompt + new, dtype=torch.long)
        chosen = torch.empty(batch, new)
        tokens[:, :prompt] = tokens_of(self.vocabulary, batch, prompt)
        hidden = self.hidden_states(tokens[:, :prompt], cache)[:, -1]
        for step in range(new):
            log_probs = F.linear(hidden, self.embedding).log_softmax(-1)
            token = draw(log_probs)
            tokens[:, prompt + step] = token
            chosen[:, step] = log_probs.gather(1, token.unsqueeze(1)).squeeze(1)
            if step + 1 < new:
                hidden = self.next_hidden(token, prompt + step, cache)
        return time.perf_counter() - began, chosen.mean().item()


def draw(log_probs):
    """One token a row by the inverse of the distribution function; several times faster here than torch.multinomial."""
    sums = log_probs.exp().cumsum(-1)
    drawn = torch.rand(sums.shape[0], 1) * sums[:, -1:]
    return torch.searchsorted(sums, drawn, right=True).squeeze(1).clamp_(max=sums.shape[1] - 1)


def gemm(form, m, k, n, steps):
    a = torch.rand((k, m) if form == "tn" else (m, k)) - 0.5
    b = torch.rand((n, k) if form == "nt" else (k, n)) - 0.5
    c = torch.zeros(m, n)
    left = a.t() if form == "tn" else a
    right = b.t() if form == "nt" else b
    began = time.perf_counter()
    for _ in range(steps):
        if form == "tn":
            torch.addmm(c, left, right, out=c)
        else:
            torch.mm(left, right, out=c)
    return time.perf_counter() - began, 2.0 * m * k * n * steps / 1e9


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    torch.manual_seed(1)
    decoder = None
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
    for line in sys.stdin:
        command, *rest = line.split()
        if command == "load":
            decoder = Decoder(rest[0])
            print("ok", flush=True)
            continue
        if command == "gemm":
            seconds, value = gemm(rest[0], *map(int, rest[1:]))
            print(f"{seconds:.9f} {value:.9g}", flush=True)
            continue
        numbers = [int(value) for value in rest]
        if command == "sample":
            seconds, value = decoder.sample(*numbers)
        else:
            tokens = tokens_of(decoder.vocabulary, numbers[0], numbers[1] + 1)
            if command == "loss":
                with torch.no_grad():
                    seconds, value = 0.0, decoder.loss(tokens).item()
            elif command == "train":
                seconds, value = decoder.train(tokens, numbers[2])
            else:
                seconds, value = decoder.score(tokens, numbers[2])
        print(f"{seconds:.9f} {value:.9g}", flush=True)


main()
