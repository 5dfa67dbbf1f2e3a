using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>Who sees whom in a forward pass, and where keys and values come from.</summary>
internal interface ITorchAttention
{
    /// <summary>Attends in one layer.</summary>
    /// <param name="layer">Which.</param>
    /// <param name="q">Turned queries, [rows, heads, size].</param>
    /// <param name="k">Turned keys, [rows, key/value heads, size].</param>
    /// <param name="v">Values, as the keys.</param>
    /// <returns>[rows, heads * size].</returns>
    Tensor Attend(int layer, Tensor q, Tensor k, Tensor v);
}
