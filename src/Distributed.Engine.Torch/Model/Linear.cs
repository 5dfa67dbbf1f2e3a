using Distributed.Engine.Adapters;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>A model's linear layers, with the adapter's term beside those that are adapted.</summary>
/// <param name="weights">The model.</param>
/// <param name="adapter">The adapter's parameters, or null.</param>
/// <param name="layout">The adapter's layout, or null.</param>
internal sealed class Linear(TorchParameters weights, TorchParameters? adapter, AdapterLayout? layout)
{
    private readonly Dictionary<string, float> _scales = layout?.Matrices.ToDictionary(matrix => matrix.Module.Name, matrix => matrix.Scale) ?? [];

    /// <summary>x W^T + b, [rows, in] to [rows, out].</summary>
    /// <param name="module">Dotted name of the module, as Hugging Face has it.</param>
    /// <param name="x">Rows.</param>
    public Tensor Apply(string module, Tensor x)
    {
        var bias = weights.Has(module + ".bias") ? weights.Compute(module + ".bias") : null;
        var y = nn.functional.linear(x, weights.Compute(module + ".weight"), bias);
        if (!_scales.TryGetValue(module, out var scale))
            return y;
        var name = AdapterLayout.Prefix + module;
        var inner = nn.functional.linear(x, adapter!.Compute(name + ".lora_A.weight"));
        return y + (nn.functional.linear(inner, adapter.Compute(name + ".lora_B.weight")) * scale);
    }
}
