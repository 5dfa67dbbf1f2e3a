"""Plain PyTorch, eager, on the work of `Distributed.Benchmarks model`: the same weights, shapes and tokens on the same device.

A decoder of the Llama and Qwen2 families as one writes it in PyTorch: float32 weights that are cast to the compute type, fused attention where this PyTorch has
it, whole logits, torch.optim.AdamW, a preallocated key/value cache, draws on the device. No torch.compile, no CUDA graphs.

  eager.py DEVICE float32|bfloat16 THREADS      then one command a line on standard input, one answer a line ("seconds value") on standard output
  load DIR                        weights and shape of a Hugging Face folder (float32)
  matmul N STEPS                  products of two [N, N] matrices in the compute type; the value is TFLOP/s
  train B T PASS STEPS            AdamW steps on B sequences of T tokens, PASS sequences a backward pass; the value is the mean loss
  score B T BOUNDARIES LENGTH packed|naive     mean log-probability of LENGTH tokens at evenly spaced boundaries of B trajectories
  sample B PROMPT NEW             NEW tokens after a prompt for B sequences
"""

import json
import struct
import sys
import time

import torch
import torch.nn.functional as F

HAS_FUSED = hasattr(F, "scaled_dot_product_attention")


def tokens_of(vocabulary, count, length, device):
    sequence, index = torch.arange(count).unsqueeze(1), torch.arange(length).unsqueeze(0)
    return ((sequence * 7919 + index * 104729 + sequence * index * 31 + 13) % vocabulary).to(device)


def read_safetensors(path, device):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = bytearray(file.read())
    return {
        name: torch.frombuffer(body, dtype=torch.float32, count=(entry["data_offsets"][1] - entry["data_offsets"][0]) // 4, offset=entry["data_offsets"][0])
        .view(entry["shape"]).clone().to(device)
        for name, entry in header.items() if name != "__metadata__"}


def attend(q, k, v, visible=None):
    """q [B, heads, Tq, size], k and v [B, kv_heads, Tk, size]; causal if nothing else says who is visible."""
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    if HAS_FUSED:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=visible, is_causal=visible is None)
    scores = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    if visible is None:
        visible = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril()
    return scores.masked_fill(~visible, float("-inf")).softmax(-1).to(v.dtype) @ v


class Decoder:
    def __init__(self, folder, device, dtype):
        with open(folder + "/config.json") as file:
            config = json.load(file)
        self.device, self.dtype, self.optimizer, self.narrow = device, dtype, None, None
        self.layers, self.heads, self.kv_heads = config["num_hidden_layers"], config["num_attention_heads"], config["num_key_value_heads"]
        self.size = config.get("head_dim") or config["hidden_size"] // self.heads
        self.vocabulary, self.epsilon = config["vocab_size"], config["rms_norm_eps"]
        self.weights = {name: value.requires_grad_() for name, value in read_safetensors(folder + "/model.safetensors", device).items()}
        self.head = "lm_head.weight" if "lm_head.weight" in self.weights else "model.embed_tokens.weight"
        positions = torch.arange(config["max_position_embeddings"], dtype=torch.float64)
        angles = torch.outer(positions, config.get("rope_theta", 10000.0) ** (-torch.arange(0, self.size, 2, dtype=torch.float64) / self.size))
        self.cosines, self.sines = (table.float().to(device=device, dtype=dtype) for table in (angles.cos(), angles.sin()))

    def weight(self, name):
        return self.weights[name].to(self.dtype) if torch.is_grad_enabled() else self.narrow[name]

    def narrowed(self):
        if self.narrow is None:
            self.narrow = {name: value.detach().to(self.dtype) for name, value in self.weights.items()}

    def linear(self, x, name):
        return F.linear(x, self.weight(name + ".weight"), self.weight(name + ".bias") if name + ".bias" in self.weights else None)

    def norm(self, x, name):
        exact = x.float()
        return (exact * torch.rsqrt(exact.square().mean(-1, keepdim=True) + self.epsilon) * self.weights[name]).to(self.dtype)

    def turn(self, x, positions):
        cosines, sines = self.cosines[positions].unsqueeze(-3), self.sines[positions].unsqueeze(-3)
        low, high = x.chunk(2, -1)
        return torch.cat((low * cosines - high * sines, high * cosines + low * sines), -1)

    def forward(self, tokens, positions, visible=None, cache=None):
        """Tokens and positions [B, T]; with a cache, keys and values go to it at positions[0, 0]. The last norm's output."""
        batch, length = tokens.shape
        x = self.weight("model.embed_tokens.weight")[tokens]
        for i in range(self.layers):
            prefix = f"model.layers.{i}."
            normed = self.norm(x, prefix + "input_layernorm.weight")
            q, k, v = (
                self.linear(normed, prefix + "self_attn." + name).view(batch, length, -1, self.size).transpose(1, 2) for name in ("q_proj", "k_proj", "v_proj"))
            q, k = self.turn(q, positions), self.turn(k, positions)
            if cache is not None:
                start = cache[2]
                cache[0][i][:, :, start:start + length], cache[1][i][:, :, start:start + length] = k, v
                k, v = cache[0][i][:, :, :start + length], cache[1][i][:, :, :start + length]
            mask = torch.ones(1, k.shape[2], dtype=torch.bool, device=self.device) if cache is not None and length == 1 else visible
            x = x + self.linear(attend(q, k, v, mask).transpose(1, 2).reshape(batch, length, -1), prefix + "self_attn.o_proj")
            normed = self.norm(x, prefix + "post_attention_layernorm.weight")
            x = x + self.linear(F.silu(self.linear(normed, prefix + "mlp.gate_proj")) * self.linear(normed, prefix + "mlp.up_proj"), prefix + "mlp.down_proj")
        return self.norm(x, "model.norm.weight")

    def logits(self, hidden):
        return F.linear(hidden, self.weight(self.head)).float()

    def log_probs(self, hidden, targets):
        return -F.cross_entropy(self.logits(hidden).flatten(0, -2), targets.flatten(), reduction="none").view(targets.shape)

    def train(self, batch, length, per_pass, steps):
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(list(self.weights.values()), lr=1e-5, weight_decay=0.01)
        tokens = tokens_of(self.vocabulary, batch, length + 1, self.device)
        positions = torch.arange(length, device=self.device).unsqueeze(0)
        for _ in range(steps):
            self.optimizer.zero_grad(set_to_none=True)
            total = 0.0
            for part in tokens.split(per_pass):
                loss = -self.log_probs(self.forward(part[:, :-1], positions.expand(part.shape[0], -1)), part[:, 1:]).sum() / (batch * length)
                loss.backward()
                total = total + loss.detach()
            torch.nn.utils.clip_grad_norm_(list(self.weights.values()), 1.0)
            self.optimizer.step()
        self.narrow = None
        return float(total)

    @torch.no_grad()
    def score(self, batch, length, boundaries, span, form):
        self.narrowed()
        tokens = tokens_of(self.vocabulary, batch, length, self.device)
        answer = tokens_of(self.vocabulary, 1, span, self.device).expand(batch, -1)
        ends = [length * (i + 1) // boundaries for i in range(boundaries)]
        total = 0.0
        if form == "naive":
            for end in ends:
                rows = torch.cat((tokens[:, :end], answer), 1)
                hidden = self.forward(rows[:, :-1], torch.arange(end + span - 1, device=self.device).expand(batch, -1))
                total = total + self.log_probs(hidden[:, end - 1:], answer).sum()
            return float(total) / (batch * boundaries * span)
        rows = torch.cat([tokens] + [answer[:, :-1]] * boundaries, 1)
        count = rows.shape[1]
        positions, visible = torch.arange(count), torch.zeros(count, count, dtype=torch.bool)
        visible[:length, :length] = torch.ones(length, length, dtype=torch.bool).tril()
        wanted = []
        for i, end in enumerate(ends):
            start = length + i * (span - 1)
            positions[start:start + span - 1] = torch.arange(end, end + span - 1)
            visible[start:start + span - 1, :end] = True
            visible[start:start + span - 1, start:start + span - 1] = torch.ones(span - 1, span - 1, dtype=torch.bool).tril()
            wanted += [end - 1] + list(range(start, start + span - 1))
        hidden = self.forward(rows, positions.to(self.device).expand(batch, -1), visible.to(self.device))
        return float(self.log_probs(hidden[:, torch.tensor(wanted, device=self.device)], answer.repeat(1, boundaries)).mean())

    @torch.no_grad()
    def sample(self, batch, prompt, new):
        self.narrowed()
        shape = (batch, self.kv_heads, prompt + new, self.size)
        keys, values = ([torch.empty(shape, dtype=self.dtype, device=self.device) for _ in range(self.layers)] for _ in range(2))
        tokens = tokens_of(self.vocabulary, batch, prompt, self.device)
        positions = torch.arange(prompt, device=self.device).expand(batch, -1)
        chosen = torch.zeros(batch, new, device=self.device)
        for step in range(new):
            hidden = self.forward(tokens, positions, cache=(keys, values, 0 if step == 0 else prompt + step - 1))[:, -1]
            log_probs = self.logits(hidden).log_softmax(-1)
            tokens = torch.multinomial(log_probs.exp(), 1)
            chosen[:, step] = log_probs.gather(1, tokens).squeeze(1)
            positions = torch.full((batch, 1), prompt + step, device=self.device)
        return float(chosen.mean())


def matmul(n, steps, device, dtype):
    a, b = (torch.rand(n, n, device=device).to(dtype) - 0.5 for _ in range(2))
    (a @ b).sum().item()
    began = time.perf_counter()
    for _ in range(steps):
        c = a @ b
    c.sum().item()
    seconds = time.perf_counter() - began
    return seconds, 2.0 * n ** 3 * steps / seconds / 1e12


def main():
    device, dtype = sys.argv[1], getattr(torch, sys.argv[2])
    torch.set_num_threads(int(sys.argv[3]))
    torch.manual_seed(1)
    decoder = None
    print(f"PyTorch {torch.__version__}, eager, {sys.argv[2]}{'' if HAS_FUSED else ', without fused attention'}", flush=True)
    for line in sys.stdin:
        command, *rest = line.split()
        if command == "load":
            decoder = Decoder(rest[0], device, dtype)
            print("0 0", flush=True)
            continue
        if command == "matmul":
            print("%.9f %.9g" % matmul(int(rest[0]), int(rest[1]), device, dtype), flush=True)
            continue
        numbers = [int(word) if word.isdigit() else word for word in rest]
        began = time.perf_counter()
        value = getattr(decoder, command)(*numbers)  # float(...) waits for the device
        print(f"{time.perf_counter() - began:.9f} {value:.9g}", flush=True)


main()
