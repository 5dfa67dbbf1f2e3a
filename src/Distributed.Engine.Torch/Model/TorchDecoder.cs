using Distributed.Engine.Model;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>The decoder's forward pass over rows of tokens. Who sees whom is the attention's affair; everything else is row by row.</summary>
internal sealed class TorchDecoder : IDisposable
{
    private readonly ModelConfig _config;
    private readonly TorchParameters _weights;
    private readonly Linear _linear;
    private readonly Tensor _cosines;
    private readonly Tensor _sines;

    /// <param name="config">The model.</param>
    /// <param name="contextLength">Longest sequence.</param>
    /// <param name="weights">Its parameters; not owned.</param>
    /// <param name="linear">Its linear layers.</param>
    /// <param name="device">Where.</param>
    /// <param name="compute">In what numbers products are computed.</param>
    public unsafe TorchDecoder(ModelConfig config, int contextLength, TorchParameters weights, Linear linear, Device device, ScalarType compute)
    {
        (_config, _weights, _linear, Device, ComputeType) = (config, weights, linear, device, compute);
        using var rotary = new RotaryTable(config, contextLength);
        using var scope = NewDisposeScope();
        _cosines = Table(rotary.Cosines, 1);
        _sines = Table(rotary.Sines, -1);

        // Both halves of a head beside each other; the first half's sines are subtracted.
        Tensor Table(float* values, int sign)
        {
            var half = tensor(new ReadOnlySpan<float>(values, contextLength * (config.HeadSize / 2)).ToArray(), [contextLength, 1, config.HeadSize / 2], device: device);
            return cat([half * sign, half], -1).to(compute).DetachFromDisposeScope();
        }
    }

    /// <summary>Where it computes.</summary>
    public Device Device { get; }

    /// <summary>In what numbers products are computed.</summary>
    public ScalarType ComputeType { get; }

    /// <summary>The output of the final norm.</summary>
    /// <param name="tokens">[rows].</param>
    /// <param name="positions">[rows].</param>
    /// <param name="attention">Who sees whom.</param>
    /// <param name="active">The rows whose output is wanted, [n]; a row may be named more than once. Null takes all.</param>
    /// <returns>[n, d]; belongs to the caller's scope.</returns>
    public Tensor Forward(Tensor tokens, Tensor positions, ITorchAttention attention, Tensor? active)
    {
        using var scope = NewDisposeScope();
        var cosines = _cosines.index_select(0, positions);
        var sines = _sines.index_select(0, positions);
        var x = _weights.Compute("model.embed_tokens.weight").index(tokens);
        for (var layer = 0; layer < _config.Layers; layer++)
            x = Layer(layer, x, cosines, sines, attention, layer == _config.Layers - 1 ? active : null);
        return Norm(x, "model.norm.weight").MoveToOuterDisposeScope();
    }

    /// <summary>The head's matrix, [V, d].</summary>
    public string HeadName => _config.TiedHead ? "model.embed_tokens.weight" : "lm_head.weight";

    public void Dispose()
    {
        _cosines.Dispose();
        _sines.Dispose();
    }

    // Of the last layer, rows nobody asks for leave only keys and values behind.
    private Tensor Layer(int index, Tensor x, Tensor cosines, Tensor sines, ITorchAttention attention, Tensor? active)
    {
        using var scope = NewDisposeScope();
        var (prefix, size) = ($"model.layers.{index}.", (long)_config.HeadSize);
        var normed = Norm(x, prefix + "input_layernorm.weight");
        var q = _linear.Apply(prefix + "self_attn.q_proj", normed).view(-1, _config.Heads, size);
        var k = _linear.Apply(prefix + "self_attn.k_proj", normed).view(-1, _config.KeyValueHeads, size);
        var v = _linear.Apply(prefix + "self_attn.v_proj", normed).view(-1, _config.KeyValueHeads, size);
        if (_config.HasQueryKeyNorm)
            (q, k) = (Norm(q, prefix + "self_attn.q_norm.weight"), Norm(k, prefix + "self_attn.k_norm.weight"));
        var turned = Turn(cat([q, k], 1), cosines, sines);
        var attended = attention.Attend(index, turned.narrow(1, 0, _config.Heads), turned.narrow(1, _config.Heads, _config.KeyValueHeads), v);
        if (active is not null)
            (x, attended) = (x.index_select(0, active), attended.index_select(0, active));
        x = x + _linear.Apply(prefix + "self_attn.o_proj", attended);
        normed = Norm(x, prefix + "post_attention_layernorm.weight");
        var gated = nn.functional.silu(_linear.Apply(prefix + "mlp.gate_proj", normed)) * _linear.Apply(prefix + "mlp.up_proj", normed);
        return (x + _linear.Apply(prefix + "mlp.down_proj", gated)).MoveToOuterDisposeScope();
    }

    // Root mean square over the last dimension, in float32.
    private Tensor Norm(Tensor x, string weight)
    {
        var exact = x.to(ScalarType.Float32);
        var inverse = (exact * exact).mean([-1L], keepdim: true).add(_config.NormEpsilon).rsqrt();
        return (exact * inverse * _weights.Exact(weight)).to(ComputeType);
    }

    // The first half of a head's components is turned with the second.
    private static Tensor Turn(Tensor x, Tensor cosines, Tensor sines)
    {
        var half = x.shape[^1] / 2;
        var swapped = cat([x.narrow(-1, half, half), x.narrow(-1, 0, half)], -1);
        return (x * cosines).addcmul(swapped, sines, 1);
    }
}
